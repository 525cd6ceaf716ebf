"""How well the records of an update are ranked by earlier decisions, here and by ASReview's ELAS u4.

    python benchmarks/rank_updates.py --data DIR --out FILE.json

DIR holds labelled sets: CSV files, gzipped (`*.csv.gz`), with record_id, title, abstract, year,
label_included and is_duplicate; other columns are not read, for either method. Records marked as duplicates
are dropped.

*Split.* Records are put in order of their year; the cut is the year at the 70th percentile; earlier years
are trained on, the year of the cut and later ones are ranked. Where half of the records or more have a year,
those without one are left out of both sides and named. Any other set is split at random, 70:30, five times,
and its values are means over these splits. A split with fewer than 5 included records on either side or fewer
than 30 to rank is left out; a set without any split left is skipped; both are named.

*Measures*, per set and as plain means over sets: average precision; WSS@95; recall in the first 10%, 20% and
50% of the new records; ROC AUC; TNR@95; NDCG; average time to discovery (`atd`, share of the records);
expected calibration error (`ece`: 15 bins of equal width; `ece_equal_mass`: 15 bins of equally many
records); Brier score; seconds to train and rank (probabilities and band included; start, imports and reading
not); peak memory of the method's own process; and, of the band "read first" at a target recall of 95%, the
share of the new included records that it holds and its share of all new records. Equal scores are read in
the order in which records came (by year, then as in the file), for both methods alike. The peer gives
neither probabilities nor bands.

*Comparison.* Ratios and differences of the means; wins, losses and ties over sets; 95% intervals from a
paired bootstrap over sets (10,000 resamples, seeded).

The peer is its own package in its own environment: `--peer-python`, or the environment variable
ASREVIEW_PYTHON, or else one that this program makes from the lock file in a cache folder. `--scale` adds
what 10,000 and 110,000 records cost, `--table` renews the tables in `benchmarks/README.md`.

*What other reviews tend to include.* The ranker ships term weights learnt from labelled sets. For a set that
is among them (known by its titles), they are learnt anew from the other sets of DIR, so that no set is ever
ranked with what was learnt from it; FILE.json says which (`prior`).
"""

import argparse
import csv
import gzip
import hashlib
import io
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "benchmarks")]

from priors import LeaveOneOut  # noqa: E402
from ranking_table import renew  # noqa: E402
from ranking_task import Failed, ask  # noqa: E402

from livingreview.errors import InputError, ReviewError, problem  # noqa: E402
from livingreview.screening import metrics  # noqa: E402

LOCK = ROOT / ".ci" / "asreview-requirements.lock"
PROGRAMS = {"ours": "our_ranker.py", "elas_u4": "elas_u4.py"}

CUT = 0.7  # share of the records before the cut
SPLITS = 5  # of a set without years
MIN_INCLUDED = 5  # on either side
MIN_NEW = 30
HAS_YEARS = 0.5  # share of records with a year from which a set has years
RESAMPLES = 10_000
SEED = 20261122

COLUMNS = ["record_id", "title", "abstract", "label_included"]
LABELS = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False}
DUPLICATE = {**LABELS, "": False}
EXCESS = "cells beyond the header"
YEAR = re.compile(r"([12]\d{3})(\.0|[-/].*)?")

HIGHER_IS_BETTER = [
    "average_precision",
    "wss_95",
    "recall_10",
    "recall_20",
    "recall_50",
    "roc_auc",
    "tnr_95",
    "ndcg",
]
LOWER_IS_BETTER = ["atd", "seconds", "peak_memory_mb"]
OURS_ALONE = ["ece", "ece_equal_mass", "brier", "read_first_recall", "read_first_share"]
KEYS = [*HIGHER_IS_BETTER, *OURS_ALONE, *LOWER_IS_BETTER]


@dataclass
class LabelledSet:
    """The records of one file that can be used, and what was left out of it."""

    name: str
    digest: str
    ids: list
    records: list  # of dicts: title, abstract, year (int or None)
    included: np.ndarray
    n_duplicates: int
    unlabelled: list  # ids


def main(arguments=None, environ=os.environ):
    """Measure, print, write; returns the exit code."""
    csv.field_size_limit(10**9)
    options = _options(arguments)
    try:
        paths = sorted(options.data.glob("*.csv.gz"))
        if not paths:
            raise InputError(options.data, problem="holds no set", allowed="files named *.csv.gz")
        sets = [read_set(path) for path in paths]
        options.out.parent.mkdir(parents=True, exist_ok=True)
        pythons = {"ours": sys.executable}
        if not options.without_peer:
            pythons["elas_u4"] = peer_python(options.peer_python, environ)
        result = measure_all(sets, pythons)
        if options.scale:
            result["scale"] = scale(sets, pythons)
        options.out.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        if options.table and not options.without_peer:
            renew(ROOT / "benchmarks" / "README.md", result)
    except ReviewError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(summary(result)))
    return 1 if result["failed"] else 0


def _options(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of labelled sets")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.json", help="where all values go")
    parser.add_argument("--peer-python", metavar="PYTHON", help="interpreter that has asreview")
    parser.add_argument("--without-peer", action="store_true", help="measure this project's ranker alone")
    parser.add_argument("--scale", action="store_true", help="also measure 10,000 and 110,000 records")
    parser.add_argument("--table", action="store_true", help="renew the tables of benchmarks/README.md")
    return parser.parse_args(arguments)


def peer_python(given, environ, *, lock=LOCK):
    """The peer's interpreter: the one named, or one in a cache folder, made from the lock file if need be.

    Raises
    ------
    ReviewError
        If the one named has no asreview, or none could be made.
    """
    if named := given or environ.get("ASREVIEW_PYTHON"):
        python = shutil.which(named)
        asked = "import importlib.util, sys; sys.exit(importlib.util.find_spec('asreview') is None)"
        if python is None or subprocess.run([python, "-c", asked], check=False).returncode:
            raise ReviewError(f"{named}: is no Python that has asreview; hint: name another, or none")
        return str(Path(python).absolute())
    cache = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "living-review" / f"asreview-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists():
        print(f"Setting up the peer's environment in {folder} (once)", file=sys.stderr)
        pip = [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
        ]
        try:
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
            subprocess.run([*pip, "-r", lock], check=True)
        except subprocess.CalledProcessError as error:
            raise ReviewError(
                f"{lock}: the peer's environment could not be made ({error}); hint: name an interpreter"
                " that has asreview with --peer-python, or measure --without-peer"
            ) from error
        ready.touch()
    return str(python)


def read_set(path):
    """Read one file.

    Raises
    ------
    InputError
        If it can't be read, lacks a column, or holds a label that is neither 0 nor 1.
    """
    try:
        raw = path.read_bytes()
        text = gzip.decompress(raw).decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text, newline=""), restkey=EXCESS, restval=None))
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise InputError(path, problem=f"can't be read ({error})", allowed="gzipped CSV in UTF-8") from error
    lacking = [column for column in COLUMNS if not rows or column not in rows[0]]
    if lacking:
        raise InputError(path, problem=f"no column or no row: {', '.join(lacking)}")
    faults = []
    for number, row in enumerate(rows, start=2):
        if EXCESS in row or None in row.values():
            faults.append(problem("has more or fewer cells than the header", row=number))
            continue
        for column, allowed in (("label_included", {**LABELS, "": None}), ("is_duplicate", DUPLICATE)):
            if (found := row.get(column) or "").strip().lower() not in allowed:
                faults.append(problem(row=number, column=column, found=found, allowed="0 or 1"))
    if faults:
        raise InputError(path, problems=faults)
    kept = [row for row in rows if not DUPLICATE[row.get("is_duplicate", "").strip().lower()]]
    labelled = [row for row in kept if row["label_included"].strip()]
    return LabelledSet(
        name=path.name.removesuffix(".csv.gz"),
        digest=hashlib.sha256(raw).hexdigest(),
        ids=[row["record_id"] for row in labelled],
        records=[
            {"title": row["title"], "abstract": row["abstract"], "year": year_of(row.get("year", ""))}
            for row in labelled
        ],
        included=np.array([LABELS[row["label_included"].strip().lower()] for row in labelled], dtype=bool),
        n_duplicates=len(rows) - len(kept),
        unlabelled=[row["record_id"] for row in kept if not row["label_included"].strip()],
    )


def year_of(text):
    """The year of a cell such as 2003, 2003.0 or 2003-05-01; None for any other."""
    found = YEAR.fullmatch(text.strip())
    return int(found[1]) if found else None


def by_year(years):
    """The split of the protocol: earlier years for training, the cut's year and later ones to be ranked.

    Parameters
    ----------
    years : list of int or None
        None where there is none; such records are on neither side.

    Returns
    -------
    int, ndarray, ndarray
        The year of the cut; positions of the training and of the new records, each by year, then as given.
    """
    dated = np.array([i for i, year in enumerate(years) if year is not None])
    values = np.array([years[i] for i in dated])
    order = np.argsort(values, kind="stable")
    dated, values = dated[order], values[order]
    cut = values[int(CUT * len(values))]
    return int(cut), dated[values < cut], dated[values >= cut]


def at_random(n, seed):
    """Positions of a random 70% for training, and of the rest."""
    shuffled = np.random.RandomState(seed).permutation(n)
    return shuffled[: int(CUT * n)], shuffled[int(CUT * n) :]


def too_few(included, train, new):
    """Why a split can't be measured, or None."""
    counts = [
        (int(included[train].sum()), MIN_INCLUDED, "included to train on"),
        (int(included[new].sum()), MIN_INCLUDED, "included to rank"),
        (len(new), MIN_NEW, "to rank"),
    ]
    short = [f"{n} {what} (at least {least} needed)" for n, least, what in counts if n < least]
    return "; ".join(short) or None


def splits_of(one):
    """The splits of a set, and what is said about them.

    Returns
    -------
    list of dict
        As `ranking_task.ask` takes them, with the positions as lists.
    dict
        split ("by year" or "random"), cut, without_year (ids left out), skipped_splits (seed and reason).
    """
    years = [record["year"] for record in one.records]
    undated = [record_id for record_id, year in zip(one.ids, years, strict=True) if year is None]
    dated = bool(years) and len(undated) <= (1 - HAS_YEARS) * len(years)
    if dated:
        cut, *sides = by_year(years)
        candidates = [(0, sides)]
    else:
        candidates = [(seed, at_random(len(years), seed)) for seed in range(SPLITS)]
    told = {
        "split": "by year" if dated else "random",
        "cut": cut if dated else None,
        "without_year": undated if dated else [],
        "skipped_splits": [],
    }
    splits = []
    for seed, (train, new) in candidates:
        if reason := too_few(one.included, train, new):
            told["skipped_splits"].append({"seed": seed, "reason": reason})
            continue
        labels = one.included[train].astype(int).tolist()
        sides = {"train": train.tolist(), "new": new.tolist()}
        splits.append({**sides, "labels": labels, "seed": seed, "ordered": dated})
    return splits, told


def measures(included, answer):
    """All measures of one split.

    Parameters
    ----------
    included : ndarray of bool
        Labels of the new records.
    answer : dict
        scores, probabilities, read_first and seconds, see `ranking_task.ask`.
    """
    scores, probabilities, band = answer["scores"], answer["probabilities"], answer["read_first"]
    found = {
        "average_precision": metrics.average_precision(included, scores),
        "wss_95": metrics.work_saved(included, scores),
        **{
            f"recall_{percent}": metrics.recall_within(included, scores, percent / 100)
            for percent in (10, 20, 50)
        },
        "roc_auc": metrics.roc_auc(included, scores),
        "tnr_95": metrics.true_negative_rate(included, scores),
        "ndcg": metrics.ndcg(included, scores),
        "atd": metrics.time_to_discovery(included, scores),
        "seconds": answer["seconds"],
    }
    if probabilities is not None:
        found["ece"] = metrics.calibration_error(included, probabilities)
        found["ece_equal_mass"] = metrics.calibration_error(included, probabilities, equal_mass=True)
        found["brier"] = metrics.brier_score(included, probabilities)
    if band is not None:
        band = np.asarray(band, dtype=bool)
        found["read_first_recall"] = float(included[band].sum() / included.sum())
        found["read_first_share"] = float(band.mean())
    return dict.fromkeys(KEYS) | found


def mean(rows):
    """Mean of each measure over rows; None where a row has none."""
    columns = {key: [row[key] for row in rows] for key in KEYS}
    return {
        key: float(np.mean(values)) if values and None not in values else None
        for key, values in columns.items()
    }


def measure_all(labelled, pythons):
    """Every set by every method; what FILE.json holds, without the scale."""
    sets, skipped, failed, versions = [], [], [], {}
    leave_one_out = LeaveOneOut(labelled)
    for one in labelled:
        splits, told = splits_of(one)
        row = {"name": one.name, "sha256": one.digest, "n_duplicates": one.n_duplicates}
        row |= {"unlabelled": one.unlabelled, **told}
        if not splits:
            reason = told["skipped_splits"][0]["reason"]
            skipped.append({**row, "reason": reason})
            print(f"{one.name:<36} skipped: {reason}", flush=True)
            continue
        row |= _sizes(one, splits)
        try:
            prior = leave_one_out.without(one.name)
        except ValueError as error:
            failed.append({**row, "reason": str(error)})
            print(error, file=sys.stderr, flush=True)
            continue
        row["prior"] = "shipped" if prior is None else "learnt from the other sets"
        try:
            for method, python in pythons.items():
                row[method], versions[method], said = measure(one, splits, method, python, prior=prior)
                row["warnings"] = row.get("warnings", {}) | ({method: said} if said else {})
        except Failed as error:
            failed.append({**row, "reason": f"{method}: {error}"})
            print(f"{one.name}: {method} failed: {error}", file=sys.stderr, flush=True)
            continue
        sets.append(row)
        print(_line(row, pythons), flush=True)
    return {
        **compare(sets, list(pythons)),
        "sets": sets,
        "skipped": skipped,
        "failed": failed,
        "environment": environment(versions),
    }


def measure(one, splits, method, python, *, prior=None):
    """A set's mean measures by one method, the method's versions, and its warnings."""
    with tempfile.TemporaryDirectory() as folder:
        environ = {}
        if prior is not None and method == "ours":
            prior.write(Path(folder) / "prior.csv")
            environ["LIVING_REVIEW_PRIOR"] = str(Path(folder) / "prior.csv")
        program = ROOT / "benchmarks" / PROGRAMS[method]
        answer = ask(python, program, one.records, splits, environ=environ)
    rows = [
        measures(one.included[split["new"]], given) | {"peak_memory_mb": answer["peak_memory_mb"]}
        for split, given in zip(splits, answer["splits"], strict=True)
    ]
    return mean(rows), answer["versions"], answer["warnings"]


def _sizes(one, splits):
    """Mean sizes of a set's splits."""
    return {
        f"{what}_{side}": float(np.mean([count(split[side]) for split in splits]))
        for side in ("train", "new")
        for what, count in (("n", len), ("included", lambda at: one.included[at].sum()))
    }


def _line(row, methods):
    shown = [
        f"{method}: AP {row[method]['average_precision']:.3f}, WSS@95 {row[method]['wss_95']:+.3f},"
        f" {row[method]['seconds']:.1f} s"
        for method in methods
    ]
    return f"{row['name']:<36} {'   '.join(shown)}"


def compare(sets, methods, *, resamples=RESAMPLES, seed=SEED):
    """Means over sets, and the two methods against each other.

    Returns
    -------
    dict
        macro (by method), target (sets whose band "read first" holds the recall aimed at); with two methods
        and a set or more also ratios and differences (ours to, or less, the peer's), wins (by measure, from
        this project's side) and bootstrap; else these are None.
    """
    held = [row["ours"]["read_first_recall"] for row in sets]
    reached = sum(recall >= 0.95 for recall in held) if held and None not in held else None
    found = {
        "macro": {method: mean([row[method] for row in sets]) for method in methods},
        "target": {"recall": 0.95, "sets_reaching_it": reached, "sets": len(sets)},
        **dict.fromkeys(["ratios", "differences", "wins", "bootstrap"]),
    }
    if len(methods) < 2 or not sets:
        return found
    ours, peer = (found["macro"][method] for method in ("ours", "elas_u4"))
    both = [key for key in KEYS if ours[key] is not None and peer[key] is not None]
    return found | {
        "ratios": {key: ours[key] / peer[key] if peer[key] else None for key in both},
        "differences": {key: ours[key] - peer[key] for key in both},
        "wins": {key: wins(sets, key) for key in both},
        "bootstrap": bootstrap(sets, resamples=resamples, seed=seed),
    }


def wins(sets, key):
    """On how many sets this project is better, worse and equal (to 12 digits)."""
    sign = -1 if key in LOWER_IS_BETTER else 1
    gains = np.array([sign * (row["ours"][key] - row["elas_u4"][key]) for row in sets])
    return {
        "wins": int((gains > 1e-12).sum()),
        "losses": int((gains < -1e-12).sum()),
        "ties": int((np.abs(gains) <= 1e-12).sum()),
    }


def bootstrap(sets, *, resamples, seed):
    """Percentile intervals (95%) over resampled sets, each drawn with both methods' values.

    Returns
    -------
    dict
        average_precision_ratio (of the means) and wss_95_difference: estimate, low, high; resamples, seed.
    """
    ap, wss = (
        np.array([[row[method][key] for row in sets] for method in ("ours", "elas_u4")])
        for key in ("average_precision", "wss_95")
    )
    drawn = np.random.default_rng(seed).integers(0, len(sets), size=(resamples, len(sets)))

    def statistics(at):
        (our_ap, peer_ap), (our_wss, peer_wss) = (values[:, at].mean(axis=-1) for values in (ap, wss))
        return {"average_precision_ratio": our_ap / peer_ap, "wss_95_difference": our_wss - peer_wss}

    estimates, resampled = statistics(np.arange(len(sets))), statistics(drawn)
    intervals = {name: np.percentile(values, [2.5, 97.5]) for name, values in resampled.items()}
    return {
        name: {"estimate": float(estimates[name]), "low": float(low), "high": float(high)}
        for name, (low, high) in intervals.items()
    } | {"resamples": resamples, "seed": seed}


def environment(versions):
    """What the values were measured on."""
    return {
        "methods": versions,
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "system": platform.system(),
    }


# What --scale measures: name -> training records, new records, methods.
SCALES = {
    "10,000 records": (7_000, 3_000, ["ours", "elas_u4"]),
    "110,000 records": (100_000, 10_000, ["ours"]),
}


def scale(pool, pythons):
    """Seconds and memory for reviews of two sizes, made up from labelled sets; see `made`."""
    found = {}
    for name, (n_train, n_new, methods) in SCALES.items():
        records, included = made(pool, n_train + n_new, seed=SEED)
        split = {
            "train": list(range(n_train)),
            "new": list(range(n_train, n_train + n_new)),
            "labels": included[:n_train].astype(int).tolist(),
            "seed": 0,
            "ordered": True,
        }
        row = {"n_train": n_train, "n_new": n_new, "included_train": int(included[:n_train].sum())}
        for method in methods:
            if method in pythons:
                try:
                    answer = ask(pythons[method], ROOT / "benchmarks" / PROGRAMS[method], records, [split])
                except Failed as error:
                    raise ReviewError(f"{name}: {method} failed: {error}") from error
                row[method] = {
                    "seconds": answer["splits"][0]["seconds"],
                    "peak_memory_mb": answer["peak_memory_mb"],
                }
        if {"ours", "elas_u4"} <= row.keys():
            row["seconds_ratio"] = row["ours"]["seconds"] / row["elas_u4"]["seconds"]
        found[name] = row
    return found


def made(pool, size, *, seed):
    """Records of a made-up review of any size, by year.

    Records of all sets are drawn with replacement, label and title kept; the sentences of all drawn abstracts
    are then dealt anew among the records of the same label, each of which keeps its number of sentences. So
    texts have their real lengths, words their real frequencies, pairs of words at the seams are new, and what
    tells included from excluded stays. A record without year gets that of another.

    Returns
    -------
    list of dict, ndarray of bool
        Records as in `LabelledSet`, and whether each is included; in order of their years.
    """
    rng = np.random.default_rng(seed)
    records = [record for one in pool for record in one.records]
    included = np.concatenate([one.included for one in pool])
    years = np.array([record["year"] for record in records if record["year"] is not None] or [2000])
    drawn = rng.integers(0, len(records), size=size)
    labels = included[drawn]
    texts = [re.split(r"(?<=[.!?])\s+", records[i]["abstract"]) for i in drawn]
    abstracts = [""] * size
    for label in (False, True):
        at = np.flatnonzero(labels == label)
        sentences = [sentence for i in at for sentence in texts[i]]
        dealt = iter(rng.permutation(len(sentences)))
        for i in at:
            abstracts[i] = " ".join(sentences[next(dealt)] for _ in texts[i])
    dates = [records[i]["year"] for i in drawn]
    dates = [int(rng.choice(years)) if year is None else year for year in dates]
    order = np.argsort(dates, kind="stable")
    whole = [{"title": records[drawn[i]]["title"], "abstract": abstracts[i], "year": dates[i]} for i in order]
    return whole, labels[order]


def summary(result):
    """The last lines of the output: means, comparison, band and cost."""
    counts = {what: len(result[what]) for what in ("sets", "skipped", "failed")}
    lines = ["", ", ".join(f"{what}: {n}" for what, n in counts.items())]
    for key in KEYS:
        values = {method: macro[key] for method, macro in result["macro"].items()}
        shown = [f"{method} {'–' if one is None else f'{one:.4f}'}" for method, one in values.items()]
        lines.append(f"{key:<20} {'  '.join(shown)}")
    target = result["target"]
    if target["sets_reaching_it"] is not None:
        reached = f"{target['sets_reaching_it']} of {target['sets']} sets"
        lines.append(f"read first holds {target['recall']:.0%} or more on {reached}")
    if result["bootstrap"]:
        for name in ("average_precision_ratio", "wss_95_difference"):
            said = "{estimate:.4f} [{low:.4f} to {high:.4f}]".format(**result["bootstrap"][name])
            lines.append(f"{name}: {said}")
    for name, row in result.get("scale", {}).items():
        for method in [one for one in PROGRAMS if one in row]:
            said = "{seconds:.1f} s, {peak_memory_mb:.0f} MB".format(**row[method])
            lines.append(f"{name}, {method}: {said}")
    return lines


if __name__ == "__main__":
    sys.exit(main())
