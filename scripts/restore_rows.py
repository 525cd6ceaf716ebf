"""Show rows that were filed and are gone from people's tables; put them back, or forget them."""

import argparse
import sys
from pathlib import Path

from livingreview import kept_rows
from livingreview.errors import ReviewError
from livingreview.report import prose


def main(argv=None):
    """Command line; returns the exit status: 1 while rows are missing.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; those of the process if left out.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=Path(), help="the review's folder")
    answer = parser.add_mutually_exclusive_group()
    answer.add_argument("--put-back", action="store_true", help="put them back into their places")
    answer.add_argument(
        "--let-go", action="store_true", help="they were meant to go; they are not asked of again"
    )
    args = parser.parse_args(argv)
    found = kept_rows.missing_in(args.directory)
    if not found:
        print("No row is missing that was there at the last build or was filed since.")
        return 0
    try:
        for path, rows in found.items():
            if args.put_back:
                n = kept_rows.put_back(args.directory, path)
                print(f"{path}: {prose.plural(n, 'row was', 'rows were')} put back.")
            elif args.let_go:
                n = kept_rows.let_go(args.directory, path)
                print(f"{path}: {prose.plural(n, 'row is', 'rows are')} no longer asked of.")
            else:
                print(f"{path}: {kept_rows.told(path, rows)}")
    except (ReviewError, OSError) as error:
        print(f"{error}\nNothing was changed in that table.", file=sys.stderr)
        return 1
    if args.put_back or args.let_go:
        return 0
    print(kept_rows.HINT, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
