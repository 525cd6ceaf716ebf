"""Copy the frozen releases of this checkout's reviews into a folder that can be put online as it is."""

import argparse
import sys
from pathlib import Path

from livingreview.errors import ReviewError
from livingreview.operation.hosted import site

NO_REVIEW = 3  # the tag is a version of no review


def main(argv=None):
    """Command line; returns the exit status: 0 copied, 3 the tag is no review's, 1 something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=Path(), help="the checkout")
    parser.add_argument("--output", type=Path, required=True, help="folder to make")
    parser.add_argument("--tag", default="", help="a version that must be among them: 26.1.0, pain-26.1.0")
    args = parser.parse_args(argv)
    try:
        if args.tag and not site.tagged(args.directory, args.tag):
            print(f"{args.tag!r} is a version of no review here (26.1.0, or pain-26.1.0 of reviews/pain)")
            return NO_REVIEW
        shown = site.collect(args.directory, args.output)
    except (ReviewError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    for folder, found in shown.items():
        print(f"{folder}: {', '.join(found)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
