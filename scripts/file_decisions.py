"""File the decisions that people filled into a queue: checked first, all or none."""

import argparse
import datetime
import sys
from pathlib import Path

from livingreview import config as protocol
from livingreview import tables
from livingreview.errors import InputError, ReviewError
from livingreview.screening import decisions as ledger
from livingreview.screening import filing


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
        added, already = _file(args, config, today or datetime.date.today())
    except (ReviewError, OSError) as error:
        print(f"{error}\nNothing was filed.", file=sys.stderr)
        return 1
    print(f"{added} decisions filed for run {config['run']}; {already} filled-in rows were filed before.")
    return 0


def _file(args, config, today):
    run = config["run"]
    results = args.directory / "results" / run
    queue = args.queue or results / "queue.csv"
    for path in (queue, results / "records.csv"):
        if not path.is_file():
            raise InputError(path, problem="there is no such file", hint=f"build the run {run} first")
    records = tables.read_results(results / "records.csv")
    return filing.file(
        queue,
        args.directory / "data/decisions/screening.csv",
        known=set(records["record_id"]),
        kept=ledger.kept_ids(records),
        reasons=config["screening"]["reasons"],
        stages=config["screening"]["stages"],
        run=run,
        decided_at=today.isoformat(),
        correct=args.correct,
    )


if __name__ == "__main__":
    sys.exit(main())
