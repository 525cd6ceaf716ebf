"""Merge filled-in extraction sheets into the trials: checked first, all or none."""

import argparse
import sys
from pathlib import Path

from livingreview import config as protocol
from livingreview.errors import ReviewError
from livingreview.trials import merging


def main(argv=None):
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=Path(), help="the review's folder")
    parser.add_argument("--run", help="the run in which the rows begin to count; config.yaml's if left out")
    parser.add_argument("--sheet", help="merge only this sheet: its folder's name under data/trials/sheets")
    args = parser.parse_args(argv)
    try:
        config = protocol.load(args.directory / "config.yaml")
        if args.run:
            config = protocol.check(config | {"run": args.run})
        said = merging.merge(args.directory / "data/trials", run=config["run"], only=args.sheet)
    except ReviewError as error:
        print(f"{error}\nNothing was merged.", file=sys.stderr)
        return 1
    print("\n".join(said) or "No sheet waits under data/trials/sheets.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
