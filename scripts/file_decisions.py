"""File what people filled into queues, conflicts and uncertain pairs: of each file all rows or none."""

import argparse
import datetime
import functools
import sys
from pathlib import Path

from livingreview import config as protocol
from livingreview import tables
from livingreview.errors import InputError, ReviewError
from livingreview.report import prose
from livingreview.screening import decisions as ledger
from livingreview.screening import filing
from livingreview.search.linkage import pairs

LEDGER = "data/decisions/screening.csv"


def main(argv=None, now=None):
    """Command line; returns the exit status.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; those of the process if left out.
    now : datetime.datetime, optional
        The moment of filing, with its time zone; the clock's if left out.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=Path(), help="the review's folder")
    parser.add_argument("--run", help="the run in which the decisions count; config.yaml's if left out")
    parser.add_argument(
        "--queue",
        type=Path,
        help="the one filled-in file; left out, the run's queue.csv (of two independent reviewers, every file"
        " in queues/) and conflicts.csv",
    )
    parser.add_argument(
        "--correct", action="store_true", help="replace decisions in force; each row needs a note"
    )
    args = parser.parse_args(argv)
    try:
        config = protocol.load(args.directory / "config.yaml", run=args.run)
        results = args.directory / "results" / config["run"]
        own = filing.own_queues(config["screening"], path=args.directory / "config.yaml")
        queues = [args.queue] if args.queue else _files(results, own)
        records = _records(results, queues, run=config["run"])
    except (ReviewError, OSError) as error:
        print(f"{error}\nNothing was filed.", file=sys.stderr)
        return 1
    moment = (now or datetime.datetime.now(datetime.UTC)).astimezone(datetime.UTC)
    decided_at = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    told = []
    for path in queues:
        file = functools.partial(_file, args, config, path, records=records, decided_at=decided_at)
        told.append(_tell(_what(path, own), config["run"], file))
    file = functools.partial(_file_pairs, args, config["run"], records, decided_at[:10])
    told.append(_tell("verdicts on pairs", config["run"], file))
    return 0 if all(told) else 1


def _files(results, own):
    """The files to file where none is named: those in which people decide, and the conflicts if listed."""
    queues = filing.decided_in(results, own)
    conflicts = results / filing.CONFLICTS
    return [*queues, conflicts] if conflicts.is_file() else queues


def _what(path, own):
    """What a file holds, for the person who filled it in."""
    if path.name == filing.CONFLICTS:
        return "adjudications"
    owners = {file: name for name, file in own.items()}
    return f"decisions of {owners[path.name]}" if path.name in owners else "decisions"


def _tell(what, run, file):
    """Say what became of one kind of entries; whether it went well."""
    try:
        added, already = file()
    except (ReviewError, OSError) as error:
        print(f"{error}\nNo {what} were filed.", file=sys.stderr)
        return False
    if added or already or what.startswith("decisions"):
        # The first word is the one that is counted: decisions, verdicts or adjudications.
        first, _, rest = what.partition(" ")
        counted = " ".join(filter(None, (prose.plural(added, first.removesuffix("s"), first), rest)))
        before = prose.plural(already, "filled-in row was", "filled-in rows were")
        print(f"{counted} filed for run {run}; {before} filed before.")
    return True


def _records(results, queues, *, run):
    for path in (*queues, results / "records.csv"):
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
        decided=ledger.in_force(tables.read(args.directory / LEDGER, "screening"), run),
        run=run,
        decided_at=decided_at,
        correct=args.correct,
    )


def _file(args, config, path, *, records, decided_at):
    return filing.file_one(
        args.directory,
        path,
        screening=config["screening"],
        records=records,
        run=config["run"],
        decided_at=decided_at,
        correct=args.correct,
    )


if __name__ == "__main__":
    sys.exit(main())
