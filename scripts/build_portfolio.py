"""Write the page of all reviews in a folder again, from what their last months left; runs nothing."""

import argparse
import sys
from pathlib import Path

from livingreview import streams
from livingreview.errors import ReviewError
from livingreview.operation.reviews import folders as reviews
from livingreview.operation.reviews import portfolio


def main(argv=None):
    """Command line; returns the exit status."""
    streams.prepare()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reviews", type=Path, default=Path("reviews"), help="default: %(default)s")
    args = parser.parse_args(argv)
    try:
        found, others = reviews.find(args.reviews)
        portfolio.write(args.reviews, found, others=others)
    except (ReviewError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print((args.reviews / portfolio.PAGE).resolve())
    return 0


if __name__ == "__main__":
    sys.exit(main())
