"""Make the weights of terms that hold across reviews (scripts/livingreview/screening/ranking/prior_terms.csv).

    python benchmarks/train_prior.py --data DIR

DIR holds labelled records of reviews, as for rank_updates.py. Every set with five included and five excluded
records enters, whatever its years. Prints the sets and the strongest terms. The file holds terms and numbers
only; nothing of a record can be read from it.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
sys.path.insert(0, str(ROOT / "benchmarks"))

from rank_updates import read_set  # noqa: E402

from livingreview.screening.ranking import prior  # noqa: E402

SEED = 0
FEWEST = 5


def main():
    """Fit, write, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=prior.SHIPPED)
    args = parser.parse_args()
    samples = []
    for path in sorted(args.data.glob("*.csv.gz")):
        one = read_set(path)
        records, included = one.records, one.included
        used = min(included.sum(), (~included).sum()) >= FEWEST
        print(f"{path.name:<50}{len(records):>7}{included.sum():>6}  {'' if used else 'too few, left out'}")
        if used:
            samples.append(prior.sample(records, included, seed=SEED))
    found = prior.fit(samples, seed=SEED)
    found.write(args.out)
    order = np.argsort(found.coef)
    print(f"{len(found.terms)} terms of {len(samples)} reviews")
    print("most for exclusion:", ", ".join(found.terms[order[:25]]))
    print("most for inclusion:", ", ".join(found.terms[order[::-1][:25]]))


if __name__ == "__main__":
    main()
