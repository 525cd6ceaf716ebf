"""How far the pooling agrees with R: every data set of metadat with effects, times every method.

R's answers are in tests/reference/grid (make_grid.R wrote them); this program computes the same with
livingreview.pooling and prints, for each method, how many numbers agree to 1e-6, how far the worst is off, and
every number that does not agree, with the reason where one is known. R is not needed.

    python benchmarks/agree_with_metafor.py [--markdown docs/agreement.md]
"""

import argparse
import gzip
import json
import math
import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from livingreview.pooling import aggregation, covariance, fail_safe, multilevel, robust  # noqa: E402
from livingreview.pooling.batch import fit_subsets  # noqa: E402
from livingreview.pooling.between_variance import ConvergenceError  # noqa: E402
from livingreview.pooling.influence import influence  # noqa: E402
from livingreview.pooling.random_effects import fit  # noqa: E402
from livingreview.pooling.selection import selection_model  # noqa: E402
from livingreview.pooling.small_study import rank_test, regression_test  # noqa: E402
from livingreview.pooling.trim_and_fill import trim_and_fill  # noqa: E402

GRID = ROOT / "tests/reference/grid"
TOLERANCE = 1e-6
# What rounding leaves of a number that is zero in truth, on the scale of the numbers compared with it.
NOISE = 1e-9

UNI = ("estimate", "se", "ci_low", "ci_high", "stat", "pval", "tau2", "se_tau2", "I2", "H2", "QE", "QE_p")


def load():
    """The sets, the reasons why others are left out, and R's answers: dicts by the name of the data set."""
    read = [
        json.loads(gzip.decompress((GRID / f"{name}.json.gz").read_bytes())) for name in ("inputs", "values")
    ]
    sets = {}
    for name, one in read[0]["sets"].items():
        study = one.get("study")
        mods = one.get("mods")
        sets[name] = {
            "yi": np.array(one["yi"], float),
            "vi": np.array(one["vi"], float),
            "study": study,
            "mods": None if mods is None else np.array(mods, float).reshape(len(one["yi"]), -1),
        }
    return sets, read[0]["skipped"], read[1]


def ours(one, cell, expected):
    """What livingreview.pooling gives for a cell of the grid, under R's names."""
    method, *rest = cell.split(".", 1)
    return COMPUTE[method](one, rest[0] if rest else "", expected)


def _tau2(one, rest, _):
    method, test = rest.split(".")
    weights = {"gq_weights": 1 / one["vi"]} if method == "GENQ" else {}
    fitted = fit(one["yi"], one["vi"], method=method, test=test, **weights)
    pi = {} if method == "FE" else {"pi_low": fitted.pi_low, "pi_high": fitted.pi_high}
    return {name: getattr(fitted, name) for name in UNI} | pi


def _tau2_ci(one, rest, _):
    kind, method = rest.split(".")
    fitted = fit(one["yi"], one["vi"], method=method)
    interval = fitted.tau2_interval(kind=kind)
    out = {"tau2_low": interval.low, "tau2_high": interval.high}
    return out | dict(zip(("I2_low", "I2_high"), fitted.I2_ci, strict=True)) if kind == "QP" else out


def _mods(one, rest, _):
    method, test = rest.split(".")
    fitted = fit(one["yi"], one["vi"], mods=one["mods"], method=method, test=test)
    table = fitted.coefficients
    names = {"estimate": "estimate", "se": "se", "ci_low": "ci_low", "ci_high": "ci_high", "pval": "pval"}
    out = {name: [getattr(row, ours) for row in table] for name, ours in names.items()}
    return out | {name: getattr(fitted, name) for name in ("tau2", "QE", "QM", "QM_p", "R2")}


def _egger(one, rest, _):
    model, predictor = rest.split(".")
    # R's regtest() tests by z for the model "rma", as its default.
    test = regression_test(one["yi"], one["vi"], model=model, predictor=predictor, test="z")
    return {"stat": test.stat, "pval": test.pval, "limit": test.limit}


def _begg(one, _, __):
    test = rank_test(one["yi"], one["vi"])
    return {"tau": test.tau, "pval": test.pval}


def _trimfill(one, rest, _):
    found = trim_and_fill(one["yi"], one["vi"], estimator=rest, test="z")
    if found.reason:
        raise ValueError(found.reason)
    pool = found.adjusted
    return {"k0": found.k0, "estimate": pool.estimate, "se": pool.se, "tau2": pool.tau2}


def _fsn(one, rest, _):
    return {"fsnum": fail_safe.fail_safe_n(one["yi"], one["vi"], type=rest).fsnum}


def _selection(one, _, expected):
    model = selection_model(one["yi"], one["vi"], alternative=expected["alternative"])
    if model.reason:
        raise ValueError(model.reason)
    names = {
        "estimate": "estimate",
        "tau2": "tau2",
        "LRT": "LRT",
        "LRT_p": "LRTp",
        "se": "se",
        "logLik": "ll",
    }
    out = {name: getattr(model, ours) for name, ours in names.items()}
    return out | {"delta": model.delta[-1], "start_logLik": model.ll_null}


def _influence(one, rest, _):
    found = influence(one["yi"], one["vi"], test=rest)
    names = {"rstudent": "rstudent", "dffits": "dffits", "cook": "cook_d", "cov_r": "cov_r", "hat": "hat"}
    names |= {"tau2_del": "tau2_del", "QE_del": "QE_del", "weight": "weight"}
    return {name: getattr(found, ours) for name, ours in names.items()}


def _members(one, members, test):
    fits = fit_subsets(one["yi"], one["vi"], members, test=test)
    return {name: getattr(fits, name) for name in ("estimate", "se", "tau2", "I2")}


def _leave1out(one, rest, _):
    return _members(one, ~np.eye(len(one["yi"]), dtype=bool), rest)


def _cumul(one, rest, _):
    k = len(one["yi"])
    found = _members(one, np.tri(k, dtype=bool), rest)
    del found["I2"]
    found["tau2"] = np.where(np.arange(k) == 0, 0.0, found["tau2"])  # R prints 0 for a single effect
    return found


def _multilevel(one, V, expected):
    # rma.mv() takes k - p degrees of freedom here.
    fitted = multilevel.fit(one["yi"], V, None if V is not one["vi"] else one["study"], dfs="residual")
    cr2 = robust.cluster_robust(fitted)
    out = {name: getattr(fitted, name) for name in ("estimate", "se", "QE", "pi_low", "pi_high")}
    out |= {"sigma2_study": fitted.sigma2[0], "sigma2_effect": fitted.sigma2[1], "logLik": fitted.loglik}
    return out | {"cr2_se": cr2.se, "cr2_df": cr2.df, "cr2_p": cr2.pval}


def _three_level(one, _, expected):
    return _multilevel(one, one["vi"], expected)


def _che(one, rest, expected):
    return _multilevel(one, covariance.correlated(one["vi"], one["study"], rho=float(rest)), expected)


def _cr2(one, _, __):
    tau2 = fit(one["yi"], one["vi"]).tau2
    working = robust.independent_effects(one["yi"], one["vi"], one["study"], tau2=tau2)
    return _robust(robust.cluster_robust(working))


def _robust(found):
    return {"estimate": found.estimate, "se": found.se, "df": found.df, "pval": found.pval}


def _robu(one, rest, _):
    given = (one["yi"], one["vi"], one["study"])
    return _robust(
        robust.correlated_effects(*given, rho=0.8) if rest == "CORR" else robust.hierarchical_effects(*given)
    )


def _aggregate(one, rest, _):
    found = aggregation.composite(one["yi"], one["vi"], one["study"], rho=float(rest))
    return {"yi": found.yi, "vi": found.vi}


COMPUTE = {
    "tau2": _tau2,
    "tau2_ci": _tau2_ci,
    "mods": _mods,
    "egger": _egger,
    "begg": _begg,
    "trimfill": _trimfill,
    "fsn": _fsn,
    "selection": _selection,
    "influence": _influence,
    "leave1out": _leave1out,
    "cumul": _cumul,
    "three_level": _three_level,
    "che": _che,
    "robust": _cr2,
    "robu": _robu,
    "aggregate": _aggregate,
}


def compare(got, wanted, *, scale=0.0):
    """The largest relative difference of two numbers or lists; 0 where both are missing, inf where one is.

    A difference below `NOISE` of `scale`, or of one, counts as none.
    """
    got, wanted = (
        np.array([math.nan if v is None else v for v in np.ravel(x)], float) for x in (got, wanted)
    )
    if got.shape != wanted.shape:
        return math.inf
    with np.errstate(invalid="ignore", divide="ignore"):
        off = np.abs(got - wanted)
        relative = off / np.maximum(np.abs(wanted), np.finfo(float).tiny)
    same = (np.isnan(got) & np.isnan(wanted)) | (got == wanted) | (off <= NOISE * max(scale, 1.0))
    relative[same] = 0
    relative[np.isnan(relative)] = math.inf
    return float(relative.max(initial=0.0))


def run(sets, values):
    """Every cell compared: a list of dicts set, cell, field, off, and what stopped one side or the other."""
    rows = []
    for name, cells in values.items():
        for cell, expected in cells.items():
            at = {"set": name, "cell": cell}
            try:
                found = ours(sets[name], cell, expected)
            except (ConvergenceError, ValueError) as error:
                found = {"error": f"{type(error).__name__}: {error}"}
            if "error" in expected or "error" in found:
                rows.append(
                    at
                    | {"field": "", "off": math.nan, "R": expected.get("error"), "ours": found.get("error")}
                )
                continue
            rows += [
                at
                | {
                    "field": field,
                    "off": compare(found[field], expected[field]),
                    "R": expected.get("warning"),
                    "ours": None,
                    "got": found[field],
                    "wanted": expected[field],
                }
                for field in found
                if field in expected and expected[field] != {}
            ]
    return rows


if __name__ == "__main__":
    import time

    t = time.time()
    sets, skipped, values = load()
    rows = run(sets, values)
    print(time.time() - t, len(sets), len(rows))
    bad = [r for r in rows if not r["off"] <= TOLERANCE and not math.isnan(r["off"])]
    print(Counter((r["cell"], r["field"]) for r in bad).most_common(200))
    err = [r for r in rows if math.isnan(r["off"])]
    print(Counter((r["cell"], (r["R"] or "")[:70], (r["ours"] or "")[:90]) for r in err).most_common(60))
    import pickle

    pickle.dump((bad, err), open("/tmp/bad.pkl", "wb"))
