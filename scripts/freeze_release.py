"""Freeze a built run as a release; a release is written once and never replaced."""

import argparse
import datetime
import sys
from pathlib import Path

from livingreview import config as protocol
from livingreview.errors import InputError, ReviewError
from livingreview.living import releases


def main(argv=None, today=None):
    """Command line; returns the exit status. Arguments as in ``file_decisions.main``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", help="YY.minor.patch, newer than every other release")
    parser.add_argument("--directory", type=Path, default=Path(), help="the review's folder")
    parser.add_argument("--run", help="the run to freeze; config.yaml's if left out")
    parser.add_argument("--note", required=True, help="what this release is, in a sentence for readers")
    args = parser.parse_args(argv)
    try:
        if not args.note.strip():
            raise InputError("the note", problem="it is empty", hint='make release VERSION=26.1.0 NOTE="..."')
        run = args.run or protocol.load(args.directory / "config.yaml")["run"]
        folder = releases.freeze(
            args.directory / "results" / run,
            args.directory / "data/releases",
            version=args.version,
            run=run,
            frozen_on=(today or datetime.date.today()).isoformat(),
            note=args.note,
        )
    except (ReviewError, OSError) as error:
        print(f"{error}\nNothing was released.", file=sys.stderr)
        return 1
    print(f"Release {args.version} of run {run}: {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
