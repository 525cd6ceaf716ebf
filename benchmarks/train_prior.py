"""Make the weights of terms that hold across reviews, which the ranker ships.

    python benchmarks/train_prior.py --data DIR

DIR holds labelled records of reviews, as for rank_updates.py. Every set with five included and five excluded
records enters, whatever its years. Writes scripts/livingreview/screening/ranking/prior_terms.csv (terms and
numbers only; nothing of a record can be read from it) and benchmarks/prior_sources.csv (which sets), and
prints the strongest terms.
"""

import argparse
import csv
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "benchmarks")]

import priors  # noqa: E402
from rank_updates import read_set  # noqa: E402

from livingreview.screening.ranking import prior  # noqa: E402


def main():
    """Fit, write, print."""
    csv.field_size_limit(10**9)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    options = parser.parse_args()
    sets = [read_set(path) for path in sorted(options.data.glob("*.csv.gz"))]
    used = [one for one in sets if priors.usable(one)]
    samples = [prior.sample(one.records, one.included, seed=priors.SEED) for one in used]
    found = prior.fit(samples, seed=priors.SEED)
    found.write(prior.SHIPPED)
    with priors.SOURCES.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["set", "n", "included", "titles_sha256"])
        for one in used:
            writer.writerow([one.name, len(one.records), int(one.included.sum()), priors.digest(one.records)])
    order = np.argsort(found.coef)
    print(f"{len(found.terms)} terms of {len(samples)} reviews; too few: {len(sets) - len(used)}")
    print("most for exclusion:", ", ".join(found.terms[order[:25]]))
    print("most for inclusion:", ", ".join(found.terms[order[::-1][:25]]))


if __name__ == "__main__":
    main()
