"""Made-up versions of a pool: is what moved the estimate found, and do the parts add up exactly?

A version is a table of effects, as a release freezes it, and the method that pooled it. From one version the
next is made by causes that are known: trials added, rows let in, set aside or removed, trials retracted, a
shared control divided anew, values corrected, another method; each by itself, then drawn together at random,
and all at once; with independent and with dependent effects, and written to files (ten significant digits)
in between, as the workflow does.

Measured, per pair of versions:

- causes: those found are those that were made, and every row is under its own;
- exact: for the estimate and both bounds of its interval, the shares by cause, and for the estimate those
  of single changes and the steps, with what is left to the software, add up to the move to 1e-9;
- recomputed: each step, and each share, agrees to 1e-9 with pools made here from the rows by hand, over every
  order one by one (up to six causes);
- software: a planted difference of the frozen number is found, to 1e-9, and is nobody else's.

    python benchmarks/attributed_versions.py --seed 1 [--versions 60]

Prints a table, and last one line of JSON. No network, no files.
"""

import argparse
import io
import itertools
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from livingreview import tables
from livingreview.living import attribution
from livingreview.living.attribution import MOVED, ORDER
from livingreview.pooling import dependence, random_effects

EXACT = 1e-9
METHODS = ("REML", "DL", "PM", "EB")
CORRELATION = 0.6
MOST_ORDERS = 6  # causes whose orders are gone through one by one: 720 orders
COLUMNS = ["row_id", "study", "label", "comparison", "assumption", "yi", "vi", "in_pool"]
DIVIDED = "shared control of 60 divided by {}"


class Version:
    """Two versions of one pool, and by which cause each row differs.

    Attributes
    ----------
    before, after : dict
        Row id to a row as a dict; of rows that are in the table.
    causes : dict
        Row id to cause; the method is not among them.
    options : tuple of dict
        Keywords of the pooling, then and now.
    """

    def __init__(self, rng, *, dependent):
        self.rng, self.dependent, self.n = rng, dependent, 0
        self.before, self.causes, self.retracted = {}, {}, set()
        for _ in range(int(rng.integers(4, 9))):
            self._trial(self.before)
        self.after = {key: dict(row) for key, row in self.before.items()}
        options = {"method": "REML", "test": "knha", "level": 0.95, "pi": "metafor"}
        self.options = [options | {"correlation": CORRELATION}] * 2

    def _trial(self, table, **more):
        """A trial's rows: two of one comparison where effects may be dependent."""
        self.n += 1
        study = f"trial_{self.n:02d}"
        several = self.dependent and self.rng.random() < 0.4
        found = []
        for at in range(2 if several else 1):
            row_id = f"{study}.pain.{at + 1}"
            table[row_id] = {
                "row_id": row_id,
                "study": study,
                "label": study.replace("_", " ").title(),
                "comparison": "",
                "assumption": "",
                "yi": float(self.rng.normal(-0.3, 0.3)),
                "vi": float(self.rng.uniform(0.01, 0.12)),
                "in_pool": True,
            } | more
            found.append(row_id)
        return found

    def _untouched(self):
        """A trial of the first version that no cause has touched yet; its rows."""
        free = {row["study"] for key, row in self.before.items() if row["in_pool"] and key not in self.causes}
        study = self.rng.choice(sorted(free))
        return [key for key, row in self.before.items() if row["study"] == study]

    def make(self, cause):
        """One change by a cause."""
        if cause == "method":
            other = self.rng.choice(METHODS[1:] if not self.dependent else ["ML"])
            self.options = [self.options[0], self.options[0] | {"method": str(other)}]
            return
        if cause == "added":
            rows = self._trial(self.after)
        elif cause == "admitted":
            rows = self._trial(self.after)
            self.before |= {key: self.after[key] | {"in_pool": False} for key in rows}
        else:
            rows = self._untouched()
            for key in rows:
                self._change(key, cause)
        self.causes |= dict.fromkeys(rows, cause)

    def _change(self, key, cause):
        row = self.after[key]
        if cause == "removed":
            del self.after[key]
        elif cause in ("set_aside", "retracted"):
            row["in_pool"] = False
            self.retracted |= {row["study"]} if cause == "retracted" else set()
        elif cause == "redivided":
            self.before[key] = self.before[key] | {"assumption": DIVIDED.format(2)}
            self.after[key] = row | {
                "assumption": DIVIDED.format(3),
                "vi": row["vi"] * 1.2,
                "yi": row["yi"] * 0.995,
            }
        elif cause == "corrected":
            self.after[key] = row | {"yi": -row["yi"] + 0.05}

    def made(self):
        """The causes that were made, in the stated order."""
        found = set(self.causes.values()) | ({"method"} if self.options[0] != self.options[1] else set())
        return [cause for cause in ORDER if cause in found]

    def at(self, causes):
        """The rows in the pool once some causes have taken effect."""
        rows = []
        for key in sorted(self.before.keys() | self.after.keys()):
            table = self.after if self.causes.get(key) in (None, *causes) else self.before
            row = table.get(key)
            if row is not None and row["in_pool"]:
                rows.append(row)
        return rows


def frame(table):
    """A table as it comes back from a file."""
    text = tables.to_csv(pd.DataFrame(list(table.values()), columns=COLUMNS))
    kinds = dict.fromkeys(COLUMNS[:5], str)
    return pd.read_csv(io.StringIO(text), dtype=kinds, keep_default_na=False)


def pooled(rows, options):
    """The numbers `MOVED` of some rows, by the pooling's own functions; None of none."""
    if not rows:
        return None
    given = {key: value for key, value in options.items() if key != "correlation"}
    yi, vi = ([float(format(row[name], ".10g")) for row in rows] for name in ("yi", "vi"))
    study, comparison = ([row[name] for row in rows] for name in ("study", "comparison"))
    if dependence.is_dependent(study, comparison):
        about = {"study": study, "comparison": comparison, "correlation": options["correlation"]}
        result = dependence.fit(yi, vi, **about, **given)
    else:
        result = random_effects.fit(yi, vi, **given)
    return np.array([getattr(result, name) for name in MOVED])


def written(numbers):
    return {name: float(format(value, ".10g")) for name, value in zip(MOVED, numbers, strict=True)}


def measure(version, *, planted=0.0):
    """What `attribution.attribute` makes of a version; a dict of yes and no."""
    made, options = version.made(), version.options

    def at(causes):
        return pooled(version.at(causes), options["method" in causes])

    first, last = at(()), at(made)
    before = written(first)
    before["estimate"] += planted
    found = attribution.attribute(
        before,
        written(last),
        frozen=frame(version.before),
        current=frame(version.after),
        options=tuple(options),
        retracted=version.retracted,
    )
    return {
        "causes": _causes_right(version, found, made),
        "exact": _adds_up(found),
        "recomputed": _steps_right(found, made, at) and _shares_right(found, made, at),
        "software": abs(found["software"]["estimate"] + planted) <= EXACT,
    }


def _causes_right(version, found, made):
    rows = {
        row_id: part["cause"] for part in found["causes"] for t in part["trials"] for row_id in t["row_ids"]
    }
    return [part["cause"] for part in found["causes"]] == made and rows == version.causes


def _adds_up(found):
    total, software = found["total"], found["software"]
    gaps = [sum(part[name] for part in found["shapley"]) + software[name] - total[name] for name in MOVED]
    gaps.append(sum(step["change"] for step in found["steps"]) + software["estimate"] - total["estimate"])
    shares = [row["share"] for row in found["by_change"]]
    if None not in shares:
        gaps.append(sum(shares) + software["estimate"] - total["estimate"])
    return all(abs(gap) <= EXACT for gap in gaps)


def _steps_right(found, made, at):
    expected = [at(made[: n + 1]) for n in range(len(made))]
    return all(
        abs(step[name] - numbers[place]) <= EXACT
        for step, numbers in zip(found["steps"], expected, strict=True)
        for place, name in enumerate(MOVED)
    )


def _shares_right(found, made, at):
    """The shares, as the plain mean over every order that passes through no empty pool."""
    if not 1 < len(made) <= MOST_ORDERS:
        return True
    known = {
        frozenset(causes): at(causes)
        for n in range(len(made) + 1)
        for causes in itertools.combinations(made, n)
    }
    sums, used = np.zeros((len(made), len(MOVED))), 0
    for order in itertools.permutations(made):
        path = [known[frozenset(order[:n])] for n in range(len(made) + 1)]
        if any(numbers is None for numbers in path):
            continue
        used += 1
        for n, cause in enumerate(order):
            sums[made.index(cause)] += path[n + 1] - path[n]
    expected = sums / used
    return found["n_orders"] == used and all(
        abs(part[name] - expected[at_cause, place]) <= EXACT
        for at_cause, part in enumerate(found["shapley"])
        for place, name in enumerate(MOVED)
    )


def attribution_histories(seed, *, versions=60, repeats=2):
    """Pairs of versions: every cause alone and all at once (some times each), and random mixtures.

    Returns
    -------
    tuple
        Rows of a table (kind, versions, causes, exact, recomputed, software: how many are right), and a dict
        for the line of JSON.
    """
    rng = np.random.default_rng(seed)
    plans = [(cause, [cause]) for cause in ORDER] * repeats + [("all at once", list(ORDER))] * repeats
    for _ in range(versions):
        picked = rng.choice(ORDER, size=int(rng.integers(2, 7)))
        plans.append(("a mixture", [str(cause) for cause in picked]))
    plans += [("nothing", [])] * repeats
    rows = {}
    for number, (kind, causes) in enumerate(plans):
        # Every combination of dependent effects is a model of two variances: a fifth of them is enough.
        version = _version(rng, causes, dependent=number % 5 == 0 and len(set(causes)) < 5)
        right = measure(version, planted=0.01 if number % 3 == 0 else 0.0)
        row = rows.setdefault(kind, {"kind": kind, "versions": 0} | dict.fromkeys(right, 0))
        row["versions"] += 1
        for name, value in right.items():
            row[name] += bool(value)
    table = list(rows.values())
    names = ("versions", "causes", "exact", "recomputed", "software")
    totals = {name: sum(row[name] for row in table) for name in names}
    return table, {"attribution": totals, "attribution_all_exact": len(set(totals.values())) == 1}


def _version(rng, causes, *, dependent):
    """A version by some causes, with trials left over for each that needs one."""
    while True:
        version = Version(rng, dependent=dependent)
        needing = [cause for cause in causes if cause not in ("added", "admitted", "method")]
        trials = {row["study"] for row in version.before.values()}
        if len(trials) > len(needing):
            break
    for cause in causes:
        version.make(cause)
    return version


def main():
    """Print the table and the line of JSON; exit status 1 if anything is not exact."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--versions", type=int, default=60, help="random mixtures")
    args = parser.parse_args()
    table, summary = attribution_histories(args.seed, versions=args.versions)
    print(pd.DataFrame(table).to_string(index=False))
    print(json.dumps({"seed": args.seed} | summary))
    sys.exit(0 if summary["attribution_all_exact"] else 1)


if __name__ == "__main__":
    main()
