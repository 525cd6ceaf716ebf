"""Merge filled-in extraction sheets into the trials: checked first, all or none."""

import argparse
import sys
from pathlib import Path

from livingreview import config as protocol
from livingreview import tables
from livingreview.errors import InputError, ReviewError
from livingreview.trials import merging


def main(argv=None):
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=Path(), help="the review's folder")
    parser.add_argument("--run", help="the run in which the rows begin to count; config.yaml's if left out")
    parser.add_argument("--sheet", help="merge only this sheet: its folder's name under data/trials/sheets")
    args = parser.parse_args(argv)
    try:
        config = protocol.load(args.directory / "config.yaml", run=args.run)
        trials = args.directory / "data/trials"
        if not [*merging.pending(trials / "sheets"), *merging.pending_pairs(trials / "sheets")]:
            print("No sheet waits under data/trials/sheets.")
            return 0
        said = merging.merge(
            trials,
            run=config["run"],
            only=args.sheet,
            known=_known(args.directory / "results" / config["run"] / "records.csv"),
            outcomes=[*config["outcomes"], *config.get("other_outcomes", [])],
        )
    except ReviewError as error:
        print(f"{error}\nNothing was merged.", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error}\nThe merge stopped; mend this and run the same command again.", file=sys.stderr)
        return 1
    print("\n".join(said))
    return 0


def _known(path):
    if not path.is_file():
        raise InputError(path, problem="there is no such file", hint="build the run first: make report")
    return set(tables.read_results(path)["record_id"])


if __name__ == "__main__":
    sys.exit(main())
