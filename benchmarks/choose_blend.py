"""Choose what each part of the ranker weighs, and estimate what that choice is worth on a review not seen.

    python benchmarks/choose_blend.py --data DIR --peer FILE.json

DIR holds labelled sets, FILE.json what rank_updates.py wrote for it, with the peer. Every set is ranked by
every part of the ranker, with term weights that other sets taught. Then many blends are tried: the present
one with each weight changed by itself, and random ones (seeded). The choice is the mean of the best
twentieth of them (mean average precision as a ratio to the peer's, plus the difference of WSS@95), because
the very best is so by luck. *Nested, leaving one set out*: the blend that is chosen on all other sets ranks
the set left out; the means of these are the estimate. Prints it beside what the choice on all sets and the
present blend reach.
"""

import argparse
import csv
import json
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "benchmarks")]

from priors import LeaveOneOut  # noqa: E402
from rank_updates import read_set, splits_of  # noqa: E402

from livingreview.screening import metrics  # noqa: E402
from livingreview.screening.ranker import BLEND, Ranker  # noqa: E402

FACTORS = (0.0, 0.5, 1.0, 1.5, 2.0)
RANDOM = 300
SEED = 0


def main():
    """Rank by each part, try the blends, print."""
    csv.field_size_limit(10**9)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--peer", type=Path, required=True, metavar="FILE.json")
    options = parser.parse_args()
    sets = [read_set(path) for path in sorted(options.data.glob("*.csv.gz"))]
    peer = {row["name"]: row["elas_u4"] for row in json.loads(options.peer.read_text())["sets"]}
    leave_one_out = LeaveOneOut(sets)
    ranked = {}
    for one in sets:
        if one.name in peer:
            prior = leave_one_out.without(one.name)
            ranked[one.name] = [by_part(one, split, prior) for split in splits_of(one)[0]]
            print(f"{one.name} ranked", file=sys.stderr)
    names = list(ranked)
    blends = tried()
    # Shape (n_blends, n_sets, 2): average precision and WSS@95.
    values = np.array([[measured(ranked[name], blend) for name in names] for blend in blends])
    base = np.array([[peer[name]["average_precision"], peer[name]["wss_95"]] for name in names])
    everywhere = np.arange(len(names))
    nested = [chosen(blends, values, base, np.delete(everywhere, at)) for at in everywhere]
    of_all = chosen(blends, values, base, everywhere)
    told("present blend", values[0], base)
    told("chosen on all sets", np.array([measured(ranked[name], of_all) for name in names]), base)
    left_out = [measured(ranked[name], blend) for name, blend in zip(names, nested, strict=True)]
    told("nested: chosen without the set", np.array(left_out), base)
    print("chosen on all sets:", {name: round(float(weight), 2) for name, weight in of_all.items()})


def by_part(one, split, prior):
    """Numbers of each part for the new records, brought to one spread, and their labels."""
    given = [one.records[at] for at in split["train"]]
    new = [one.records[at] for at in split["new"]]
    labels = np.concatenate([np.array(split["labels"]), np.full(len(new), -1)])
    years = [record["year"] for record in given + new] if split["ordered"] else None
    model = Ranker(prior=prior, seed=split["seed"]).fit(given + new, labels, order=years)
    return {
        name: part / model.spread_[name] for name, part in model.undecided_numbers_.items()
    }, one.included[split["new"]]


def tried():
    """The blends, the present one first; "words" keeps its weight, for only ratios matter."""
    draw = np.random.RandomState(SEED)
    others = [name for name in BLEND if name not in ("words", "index")]  # these sets have no index terms
    found = [dict(BLEND)]
    found += [BLEND | {name: BLEND[name] * factor} for name in others for factor in FACTORS if factor != 1]
    found += [BLEND | {name: BLEND[name] * draw.choice(FACTORS) for name in others} for _ in range(RANDOM)]
    return found


def measured(splits, blend):
    """Mean average precision and WSS@95 over the splits of a set."""
    rows = []
    for numbers, included in splits:
        scores = sum(weight * numbers[name] for name, weight in blend.items())
        rows.append([metrics.average_precision(included, scores), metrics.work_saved(included, scores)])
    return np.mean(rows, axis=0)


def chosen(blends, values, base, at):
    """The mean of the best blends on some sets."""
    ratio = values[:, at, 0].mean(axis=1) / base[at, 0].mean()
    gain = ratio + (values[:, at, 1] - base[at, 1]).mean(axis=1)
    best = np.argsort(-gain, kind="stable")[: max(len(blends) // 20, 1)]
    return {name: float(np.mean([blends[one][name] for one in best])) for name in BLEND}


def told(what, values, base):
    """Print one line."""
    draw = np.random.RandomState(SEED)
    at = draw.randint(0, len(base), (10_000, len(base)))
    ratios = values[at, 0].mean(axis=1) / base[at, 0].mean(axis=1)
    saved = (values[at, 1] - base[at, 1]).mean(axis=1)
    low, high = (np.percentile(draws, [2.5, 97.5]) for draws in (ratios, saved))
    mean, peer = values.mean(axis=0), base.mean(axis=0)
    print(
        f"{what}: average precision {mean[0]:.3f}, ratio {mean[0] / peer[0]:.3f} [{low[0]:.3f},"
        f" {low[1]:.3f}]; WSS@95 {mean[1]:.3f}, {mean[1] - peer[1]:+.3f} [{high[0]:+.3f}, {high[1]:+.3f}]"
    )


if __name__ == "__main__":
    main()
