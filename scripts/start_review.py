"""Begin a review in a new folder: its protocol to be filled in, its tables with their header rows."""

import argparse
import datetime
import sys
from pathlib import Path

from livingreview.errors import ReviewError
from livingreview.operation.reviews import scaffold
from livingreview.search.snapshot import RUN


def main(argv=None, now=None):
    """Command line; returns the exit status.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; those of the process if left out.
    now : datetime.datetime, optional
        Whose month is the first run where none is named; the clock's if left out.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the new folder, such as reviews/my-review")
    parser.add_argument("--title", help="of the review")
    parser.add_argument("--run", help="the first month, YYYY-MM; this month if left out")
    args = parser.parse_args(argv)
    run = args.run or (now or datetime.datetime.now(datetime.UTC)).strftime("%Y-%m")
    if not RUN.fullmatch(run):
        parser.error(f"--run: found {run!r}; allowed: a month as YYYY-MM")
    try:
        scaffold.create(args.folder, title=args.title, run=run)
    except (ReviewError, OSError) as error:
        print(f"{error}\nNothing was made.", file=sys.stderr)
        return 1
    print(f"Made {args.folder}. Next: fill in {args.folder / 'config.yaml'}, then")
    print(f"    make doctor REVIEW={args.folder}    says what is left to fill in, and asks the search")
    print(f"    make month REVIEW={args.folder}     builds the first month")
    print(f"What comes after is in {args.folder / 'README.md'}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
