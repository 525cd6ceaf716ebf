"""Say which reviews of this checkout a hosted schedule runs in a month, as one line of JSON."""

import argparse
import json
import sys
from pathlib import Path

from livingreview.errors import ReviewError
from livingreview.operation.hosted import plan


def main(argv=None):
    """Command line; returns the exit status. What is left out, and why, goes to standard error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=Path(), help="the checkout")
    parser.add_argument("--run", required=True, help="the month, YYYY-MM")
    parser.add_argument("--review", default="", help="folder of one review, such as reviews/pain; else all")
    parser.add_argument("--by-hand", action="store_true", help="a person asks: leave nothing out")
    parser.add_argument(
        "--open-branches", type=Path, help="file with one branch per line: those with an open pull request"
    )
    args = parser.parse_args(argv)
    try:
        branches = args.open_branches.read_text(encoding="utf-8").split() if args.open_branches else ()
        wanted, left_out = plan.plan(
            args.directory, run=args.run, chosen=args.review, by_hand=args.by_hand, open_branches=branches
        )
    except (ReviewError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    for line in left_out:
        print(f"Left out: {line}", file=sys.stderr)
    print(json.dumps(wanted))
    return 0


if __name__ == "__main__":
    sys.exit(main())
