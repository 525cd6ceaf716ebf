"""How fast effects are pooled here, in R's metafor, in PyMARE and in statsmodels, side by side in one run.

    python benchmarks/pool.py --peers /path/to/venv/bin/python

Four tasks, on simulated effects (seeded, the same for all):

a  2,000 fits of 20 effects by REML with Hartung-Knapp intervals
b  leave-one-out of 200 effects, by the same
c  GOSH: 100,000 subsets of 30 effects, DerSimonian-Laird, and again by REML
d  five outcomes with everything: `pool_outcome`, influence, Baujat, outliers by both rules, the cumulative
   estimate, and GOSH with 10,000 subsets; of the bundled release, or simulated (k = 20) if there is none

metafor runs in one R process, whose start is not counted; for c it fits `--gosh-sample` subsets, and the time
for all is in proportion. It stops at its default tolerance, looser than the one here. PyMARE has REML
but no Hartung-Knapp; statsmodels has Hartung-Knapp but no REML: its iterated estimator (Paule-Mandel) stands
in. They live in an environment of their own, which the project does not need:

    python -m venv DIR && DIR/bin/pip install pymare==0.0.13 statsmodels==0.15.0

What is absent is printed as not measured. The best of `--repeat` runs stands, for all alike. Prints a table
and, last, one line of JSON with seconds and ratios. Fails if an estimate is 1e-3 off metafor's
(its steps in tau2 end at 1e-5), or a time or ratio asked for is missed: see TARGETS.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from livingreview.pooling.batch import fit_subsets
from livingreview.pooling.cumulative import cumulative
from livingreview.pooling.gosh import gosh, summary
from livingreview.pooling.influence import baujat, influence, leave_one_out
from livingreview.pooling.outcomes import pool_outcome
from livingreview.pooling.outliers import find_outliers
from livingreview.pooling.random_effects import fit

ROOT = Path(__file__).resolve().parents[1]
FITS, K_FITS, K_LEAVE, K_GOSH, SUBSETS = 2000, 20, 200, 30, 100_000
# Ratios to metafor of at least, or seconds of at most.
TARGETS = {"fits": ("ratio", 10), "leave_one_out": ("ratio", 20), "gosh_dl": ("seconds", 10),
           "gosh_reml": ("seconds", 10), "outcomes": ("seconds", 5)}  # fmt: skip
LABELS = {
    "fits": f"a  {FITS:,} fits of k = {K_FITS}, REML, Hartung-Knapp",
    "leave_one_out": f"b  leave-one-out of k = {K_LEAVE}, REML, Hartung-Knapp",
    "gosh_dl": f"c  GOSH, {SUBSETS:,} subsets of k = {K_GOSH}, DL",
    "gosh_reml": f"c  GOSH, {SUBSETS:,} subsets of k = {K_GOSH}, REML",
    "outcomes": "d  five outcomes with everything",
}

R_CODE = """
suppressMessages(library(metafor))
a <- commandArgs(TRUE)
read <- function(name) as.matrix(read.csv(file.path(a[1], name), header = FALSE))
repeats <- as.integer(a[2]); sampled <- as.integer(a[3])
best <- function(f) min(replicate(repeats, system.time(f())[["elapsed"]]))
y <- read("fits_y.csv"); v <- read("fits_v.csv")
est <- NULL
one <- function(i) rma(y[i, ], v[i, ], test = "knha")$beta[1]
fits <- best(function() est <<- sapply(seq_len(nrow(y)), one))
l <- read("leave.csv")
m <- rma(l[, 1], l[, 2], test = "knha")
loo <- NULL
leave <- best(function() loo <<- leave1out(m)$estimate)
g <- read("gosh.csv")
timed <- function(method) {
  m <- rma(g[, 1], g[, 2], method = method)
  best(function() gosh(m, subsets = sampled, progbar = FALSE))
}
cat(fits, leave, timed("DL"), timed("REML"), est, loo, sep = "\\n")
"""

PEER_CODE = """
import json, sys, time, warnings
from pathlib import Path
import numpy as np
warnings.simplefilter("ignore")
folder, repeats = Path(sys.argv[1]), int(sys.argv[2])
y, v = (np.loadtxt(folder / f"fits_{n}.csv", delimiter=",") for n in "yv")
leave = np.loadtxt(folder / "leave.csv", delimiter=",").T
without = [np.delete(leave, i, axis=1) for i in range(leave.shape[1])]

def best(call):
    times = []
    for _ in range(repeats):
        start = time.perf_counter(); call(); times.append(time.perf_counter() - start)
    return min(times)

def pymare(one, variance):
    import pymare
    from pymare.estimators import VarianceBasedLikelihoodEstimator as Likelihood
    s = Likelihood(method="REML").fit_dataset(pymare.Dataset(y=one, v=variance)).summary()
    return s.get_fe_stats(), s.tau2

def statsmodels(one, variance):
    from statsmodels.stats.meta_analysis import combine_effects
    return combine_effects(one, variance, method_re="iterated", use_t=True).summary_frame()

found = {}
for name, call in (("pymare", pymare), ("statsmodels", statsmodels)):
    try:
        call(y[0], v[0])
    except ImportError:
        continue
    found[name] = {
        "fits": best(lambda: [call(a, b) for a, b in zip(y, v)]),
        "leave_one_out": best(lambda: [call(a, b) for a, b in without]),
    }
print(json.dumps(found))
"""


def main(arguments=None):
    """Measure, print the table and the line of JSON; 1 if a target is missed, else 0."""
    options = _options(arguments)
    data = simulated(options.seed)
    ours, estimates = measure(data, repeat=options.repeat)
    times = {"here": ours}
    with tempfile.TemporaryDirectory() as folder:
        write(data, Path(folder))
        theirs, apart = _metafor(Path(folder), options, estimates)
        times |= theirs
        times |= _peers(Path(folder), options)
    ratios = {
        peer: {task: seconds / ours[task] for task, seconds in found.items()}
        for peer, found in times.items()
        if peer != "here"
    }
    print(table(times, ratios))
    missed = _missed(ours, ratios)
    for line in missed:
        print(f"missed: {line}")
    if apart is not None:
        print(f"largest difference from metafor's estimates: {apart:.1e}")
        missed += ["estimates differ"] if apart >= 1e-3 else []
    print(json.dumps({"seconds": times, "ratios": ratios, "difference": apart, "missed": missed}))
    return 1 if missed else 0


def _options(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", default=os.environ.get("POOLING_PEERS"), help="their Python")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--gosh-sample", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=20260101)
    return parser.parse_args(arguments)


def simulated(seed):
    """Effects and variances of tasks a (sets by row), b and c."""
    rng = np.random.default_rng(seed)

    def effects(shape):
        vi = rng.uniform(0.01, 0.1, shape)
        return rng.normal(-0.3, np.sqrt(0.03 + vi)), vi

    return {"fits": effects((FITS, K_FITS)), "leave": effects(K_LEAVE), "gosh": effects(K_GOSH)}


def write(data, folder):
    """The simulated effects as files that R and the peers read."""
    for name, values in zip("yv", data["fits"], strict=True):
        np.savetxt(folder / f"fits_{name}.csv", values, delimiter=",", fmt="%.17g")
    for name in ("leave", "gosh"):
        np.savetxt(folder / f"{name}.csv", np.column_stack(data[name]), delimiter=",", fmt="%.17g")


def measure(data, *, repeat):
    """Seconds of each task here, and the estimates of tasks a and b."""
    outcomes = five_outcomes(data)
    tasks = {
        "fits": lambda: [fit(y, v).estimate for y, v in zip(*data["fits"], strict=True)],
        "leave_one_out": lambda: leave_one_out(*data["leave"]).estimate,
        "gosh_dl": lambda: gosh(*data["gosh"], method="DL", subsets=SUBSETS, seed=1),
        "gosh_reml": lambda: gosh(*data["gosh"], subsets=SUBSETS, seed=1),
        "outcomes": lambda: [everything(effects, name) for name, effects in outcomes],
    }
    fit_subsets(*data["gosh"], np.ones((1, K_GOSH), dtype=bool))
    done = {name: _best(task, repeat) for name, task in tasks.items()}
    estimates = np.concatenate([done["fits"][1], done["leave_one_out"][1]])
    return {name: seconds for name, (seconds, _) in done.items()}, estimates


def _best(task, repeat):
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        result = task()
        times.append(time.perf_counter() - start)
    return min(times), result


def five_outcomes(data):
    """Five outcomes as (name, effects): of the last release bundled, or simulated."""
    files = sorted((ROOT / "data/releases").glob("*/effects.csv"))
    if files:
        effects = pd.read_csv(files[-1], keep_default_na=True)
        named = effects["outcome"].value_counts().index[:5]
        if len(named) == 5:
            return [(name, effects[effects["outcome"] == name]) for name in named]
    return [(f"simulated_{n}", _simulated_effects(*(part[n] for part in data["fits"]), n)) for n in range(5)]


def _simulated_effects(yi, vi, number):
    names = [f"study_{position:02}" for position in range(len(yi))]
    return pd.DataFrame(
        {"row_id": names, "study": names, "label": names, "yi": yi, "vi": vi, "ni": 50.0}
    ).assign(outcome=f"simulated_{number}", comparison=None, in_pool=True, in_sensitivity=True, run="2026-01")


def everything(effects, name):
    """All that the pooling room says of one outcome."""
    pooled = effects[effects["in_pool"].astype(bool)]
    yi, vi, study = pooled["yi"].to_numpy(float), pooled["vi"].to_numpy(float), list(pooled["study"])
    return (
        pool_outcome(effects, outcome=name, label=name),
        influence(yi, vi),
        baujat(yi, vi),
        [find_outliers(yi, vi, rule=rule) for rule in ("interval", "rstudent")],
        cumulative(yi, vi, list(pooled["run"]), names=study, ties=study),
        summary(gosh(yi, vi, subsets=10_000, seed=1), list(pooled["row_id"])),
    )


def _metafor(folder, options, estimates):
    if not shutil.which("Rscript"):
        print("metafor: not measured, there is no Rscript")
        return {}, None
    code = folder / "time.R"
    code.write_text(R_CODE)
    command = ["Rscript", code, folder, str(options.repeat), str(options.gosh_sample)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    if said.returncode:
        print(f"metafor: not measured, R says: {said.stderr.strip()[-300:]}")
        return {}, None
    fits, leave, dl, reml, *theirs = map(float, said.stdout.split())
    apart = float(np.max(np.abs(estimates - np.array(theirs))))
    scale = SUBSETS / options.gosh_sample
    found = {"fits": fits, "leave_one_out": leave, "gosh_dl": dl * scale, "gosh_reml": reml * scale}
    return {"metafor": found}, apart


def _peers(folder, options):
    if not options.peers:
        print("PyMARE, statsmodels: not measured, no Python of theirs is given (--peers)")
        return {}
    command = [options.peers, "-c", PEER_CODE, folder, str(options.repeat)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    if said.returncode:
        print(f"PyMARE, statsmodels: not measured, it says: {said.stderr.strip()[-300:]}")
        return {}
    return json.loads(said.stdout.splitlines()[-1])


def table(times, ratios):
    """Seconds of each contender, with its ratio to here, in Markdown."""
    peers = [name for name in times if name != "here"]
    lines = [
        "| " + " | ".join(["task", "here, seconds", *(f"{peer}, seconds (ratio)" for peer in peers)]) + " |",
        "|" + " --- |" * (2 + len(peers)),
    ]
    for task, label in LABELS.items():
        cells = [label, f"{times['here'][task]:.3f}"]
        for peer in peers:
            measured = task in times[peer]
            cells.append(f"{times[peer][task]:.2f} ({ratios[peer][task]:.1f})" if measured else "–")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _missed(ours, ratios):
    missed = []
    for task, (kind, limit) in TARGETS.items():
        if kind == "seconds" and ours[task] > limit:
            missed.append(f"{task} took {ours[task]:.2f} s, {limit} allowed")
        if kind == "ratio" and "metafor" in ratios and ratios["metafor"][task] < limit:
            missed.append(f"{task} is {ratios['metafor'][task]:.1f} times metafor's rate, {limit} asked for")
    return missed


if __name__ == "__main__":
    sys.exit(main())
