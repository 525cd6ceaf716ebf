"""Write a run's trials and effects for metafor, Metapsy's tools and RevMan."""

import argparse
import sys
from pathlib import Path

from livingreview import config as protocol
from livingreview import tables
from livingreview.errors import ReviewError
from livingreview.pooling import exporting


def main(argv=None):
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=Path(), help="the review's folder")
    parser.add_argument("--run", help="the run that is written; config.yaml's if left out")
    parser.add_argument("--out", type=Path, help="the folder; results/<run>/export if left out")
    args = parser.parse_args(argv)
    try:
        config = protocol.load(args.directory / "config.yaml", run=args.run)
        results = args.directory / "results" / config["run"]
        out = args.out or results / "export"
        exported = exporting.export(config, results, args.directory / "data/trials")
        for name, data in exported.files.items():
            tables.write_bytes(data, out / name)
    except (ReviewError, OSError) as error:
        print(f"{error}\nThe export is not complete.", file=sys.stderr)
        return 1
    print("\n".join(_said(exported, out)))
    return 0


def _said(exported, out):
    """A line on each kind of file."""
    n = exported.n_rows
    return [
        f"{out}/effects.csv: {n['effects.csv']} effects for metafor; {n['expected.csv']} numbers in"
        f" expected.csv; compare: cd {out} && Rscript analysis.R",
        *(
            f"{name}: several effects of one trial, pooled as dependent, are not in the comparison"
            for name in exported.left_out
        ),
        f"{out}/metapsy.csv: {n['metapsy.csv']} comparisons in the Metapsy data standard (R: read.csv2), and"
        " a file of the pooled ones for each outcome",
        f"{out}/revman.csv: {n['revman.csv']} data rows in the columns of RevMan's data package;"
        f" {n['revman_study_arms.csv']} arms in revman_study_arms.csv,"
        f" {n['revman_study_results.csv']} rows in revman_study_results.csv",
    ]


if __name__ == "__main__":
    sys.exit(main())
