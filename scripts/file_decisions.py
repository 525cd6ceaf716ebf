"""File what people filled into a queue and a list of uncertain pairs: each checked first, all or none."""

import argparse
import datetime
import sys
from pathlib import Path

from livingreview import config as protocol
from livingreview import tables
from livingreview.errors import InputError, ReviewError
from livingreview.screening import decisions as ledger
from livingreview.screening import filing
from livingreview.search.linkage import pairs


def main(argv=None, today=None):
    """Command line; returns the exit status.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; those of the process if left out.
    today : datetime.date, optional
        The day of filing; the clock's if left out.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=Path(), help="the review's folder")
    parser.add_argument("--run", help="the run in which the decisions count; config.yaml's if left out")
    parser.add_argument("--queue", type=Path, help="the filled-in queue; results/<run>/queue.csv if left out")
    parser.add_argument(
        "--correct", action="store_true", help="replace decisions in force; each row needs a note"
    )
    args = parser.parse_args(argv)
    try:
        config = protocol.load(args.directory / "config.yaml", run=args.run)
        run = config["run"]
        queue = args.queue or args.directory / "results" / run / "queue.csv"
        records = _records(args.directory / "results" / run, queue, run=run)
    except (ReviewError, OSError) as error:
        print(f"{error}\nNothing was filed.", file=sys.stderr)
        return 1
    decided_at = (today or datetime.date.today()).isoformat()
    told = [
        _tell("decisions", run, lambda: _file(args, config, queue, records, decided_at)),
        _tell("verdicts on pairs", run, lambda: _file_pairs(args, run, records, decided_at)),
    ]
    return 0 if all(told) else 1


def _tell(what, run, file):
    """Say what became of one kind of entries; whether it went well."""
    try:
        added, already = file()
    except (ReviewError, OSError) as error:
        print(f"{error}\nNo {what} were filed.", file=sys.stderr)
        return False
    if added or already or what == "decisions":
        print(f"{added} {what} filed for run {run}; {already} filled-in rows were filed before.")
    return True


def _records(results, queue, *, run):
    for path in (queue, results / "records.csv"):
        if not path.is_file():
            raise InputError(path, problem="there is no such file", hint=f"build the run {run} first")
    return tables.read_results(results / "records.csv")


def _file_pairs(args, run, records, decided_at):
    queue = args.directory / "results" / run / "pairs.csv"
    if not queue.is_file():
        return 0, 0
    return pairs.file_pairs(
        queue,
        args.directory / "data/decisions/pairs.csv",
        known=set(records["record_id"]),
        titles=dict(zip(records["record_id"], records["title"], strict=True)),
        decided=ledger.in_force(
            tables.read(args.directory / "data/decisions/screening.csv", "screening"), run
        ),
        run=run,
        decided_at=decided_at,
        correct=args.correct,
    )


def _file(args, config, queue, records, decided_at):
    return filing.file(
        queue,
        args.directory / "data/decisions/screening.csv",
        known=set(records["record_id"]),
        kept=ledger.kept_ids(records),
        reasons=config["screening"]["reasons"],
        stages=config["screening"]["stages"],
        run=config["run"],
        decided_at=decided_at,
        correct=args.correct,
    )


if __name__ == "__main__":
    sys.exit(main())
