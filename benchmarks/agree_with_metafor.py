"""How far the pooling agrees with R: every data set of metadat with effects, times every method.

R's answers are in tests/reference/grid (make_grid.R wrote them); this program computes the same with
livingreview.pooling and prints, for each method, how many numbers agree to 1e-6, how far the worst is off,
and every number that does not agree, with the reason where one is known. R is not needed.

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

# Where R's own answer has fewer digits: how near it comes (relative, absolute), and why.
OPTIMISER = (
    "rma.mv() stops nlminb() at a relative change of 1e-10 of the likelihood; a variance of 0 ends near it"
)
R_DIGITS = {
    "trimfill": (
        2e-5,
        0,
        "trimfill() trims with metafor's default stopping rule of 1e-5, which moves what is filled",
    ),
    "selection": (1e-4, 0, "selmodel() stops nlminb() at 1e-10, and takes standard errors from differences"),
    "three_level": (1e-5, 1e-8, OPTIMISER),
    "che": (1e-5, 1e-8, OPTIMISER),
}
ONE_SIDED = "R puts the chance ratio at its upper bound of 100, where the likelihood has no maximum"
# Sets on which R and this engine give different answers, with the reason.
KNOWN = {
    (
        "dat.li2007",
        "selection.threeparameter",
    ): "R stops at a lower maximum: log-likelihood -23.75, here -23.20",
    (
        "dat.lau1992",
        "mods.ML.z",
    ): "R's tau2 without the moderator is 3e-13 where it is 0: no share of it to explain",
    (
        "dat.lau1992",
        "mods.ML.knha",
    ): "R's tau2 without the moderator is 3e-13 where it is 0: no share of it to explain",
    (
        "dat.nielweise2007",
        "cumul.z",
    ): "rma() does not settle for the first eight trials, and gives no numbers",
    ("dat.dagostino1998", "leave1out.knha"): "a tau2 of 0 is not quite 0 in R; I2 in per cent shows it",
}

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


def _multilevel(one, V):
    # rma.mv() takes k - p degrees of freedom here.
    fitted = multilevel.fit(one["yi"], V, None if V is not one["vi"] else one["study"], dfs="residual")
    cr2 = robust.cluster_robust(fitted)
    out = {name: getattr(fitted, name) for name in ("estimate", "se", "QE", "pi_low", "pi_high")}
    out |= {"sigma2_study": fitted.sigma2[0], "sigma2_effect": fitted.sigma2[1], "logLik": fitted.loglik}
    return out | {"cr2_se": cr2.se, "cr2_df": cr2.df, "cr2_p": cr2.pval}


def _three_level(one, _, __):
    return _multilevel(one, one["vi"])


def _che(one, rest, _):
    return _multilevel(one, covariance.correlated(one["vi"], one["study"], rho=float(rest)))


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


def compare(got, wanted, *, noise=NOISE):
    """The largest relative difference of two numbers or lists; 0 where both are missing, inf where one is.

    An absolute difference up to `noise` counts as none.
    """
    got, wanted = (
        np.array([math.nan if v is None else v for v in np.ravel(x)], float) for x in (got, wanted)
    )
    if got.shape != wanted.shape:
        return math.inf
    with np.errstate(invalid="ignore", divide="ignore"):
        off = np.abs(got - wanted)
        relative = off / np.maximum(np.abs(wanted), np.finfo(float).tiny)
    same = (np.isnan(got) & np.isnan(wanted)) | (got == wanted) | (off <= noise)
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


def numbers(values):
    """How many numbers R gave: what the grid holds, missing ones included."""
    return sum(
        np.size(value) for cells in values.values() for cell in cells.values() for value in cell.values()
    )


def table(rows):
    """A line per method: sets, numbers, those that agree, the worst, and what could not be compared."""
    lines = defaultdict(Counter)
    sets = defaultdict(set)
    for row in rows:
        line = lines[row["cell"]]
        sets[row["cell"]].add(row["set"])
        if math.isnan(row["off"]):
            line["both" if row["R"] and row["ours"] else "R" if row["R"] else "ours"] += 1
            continue
        line["numbers"] += np.size(row["wanted"])
        line["apart"] += row["off"] > TOLERANCE
        if row["off"] <= TOLERANCE:
            line["worst"] = max(line["worst"], row["off"])
    return [{"method": cell, "sets": len(sets[cell])} | dict(line) for cell, line in lines.items()]


def apart(rows):
    """What does not agree: rows with the reason, or "" where none is known."""
    return [
        {key: row[key] for key in ("set", "cell", "field", "off")} | {"reason": reason(row)}
        for row in rows
        if row["off"] > TOLERANCE
    ]


def reason(row):
    """Why a number is further from R's than `TOLERANCE`; "" if nobody knows."""
    known = KNOWN.get((row["set"], row["cell"]))
    if known:
        return known
    relative, absolute, why = R_DIGITS.get(row["cell"].split(".")[0], (0, 0, ""))
    near = compare(row["got"], row["wanted"], noise=absolute) <= relative
    return why if near else ""


def stopped(rows):
    """Where one side alone gives no answer, with its reason."""
    return [row for row in rows if math.isnan(row["off"]) and bool(row["R"]) != bool(row["ours"])]


def markdown(lines, rows, versions, skipped, *, n_sets):
    """The page docs/agreement.md."""
    head = ", ".join(f"{name} {version}" for name, version in versions.items())
    out = [
        "# Agreement with R",
        "",
        f"{n_sets} data sets of metadat times every method; R's answers are from {head}"
        " (`tests/reference/grid/make_grid.R`, run with `Rscript make_grid.R` there). This page is written"
        " by",
        "",
        "```",
        "python benchmarks/agree_with_metafor.py --markdown docs/agreement.md",
        "```",
        "",
        f"A number agrees if it is within {TOLERANCE:g} of R's, relative to it (or within {NOISE:g}"
        " absolutely, for what is zero in truth). REML and ML are compared with metafor's step size set to"
        " 1e-12; its default of 1e-5 leaves five digits. `trimfill()` pools with its default whatever it is"
        " given, so the filled set is fitted again in R. `none` counts cells where R and this engine both"
        " say that nothing can be computed; in the last two columns one of them alone stopped.",
        "",
        "| method | sets | numbers | apart | worst that agrees | none | R stopped | ours stopped |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    out += [
        f"| {one['method']} | {one['sets']} | {one.get('numbers', 0)} | {one.get('apart', 0)} |"
        f" {one.get('worst', 0):.1e} | {one.get('both', 0)} | {one.get('R', 0)} | {one.get('ours', 0)} |"
        for one in lines
    ]
    out += ["", "## What does not agree, and why", ""]
    reasons = defaultdict(list)
    for one in apart(rows):
        reasons[one["reason"] or "no reason known"].append(one)
    for why, ones in reasons.items():
        where = sorted({f"{one['set']} ({one['cell']})" for one in ones})
        named = ", ".join(where) if len(where) < 4 else f"{len({one['set'] for one in ones})} sets"
        worst = max(one["off"] for one in ones)
        out.append(
            f"- {len(ones)} numbers of {named}: {why}" + (f"; worst {worst:.0e}." if worst < 1e-3 else ".")
        )
    out += [
        f"- {one['set']}, {one['cell']}: only {'R' if one['R'] else 'this engine'} gives no answer:"
        f" {' '.join((one['R'] or one['ours']).split())}; {ONE_SIDED}."
        for one in stopped(rows)
    ]
    out += ["", "## Left out", ""] + [f"- {name}: {why}" for name, why in skipped.items()]
    return "\n".join(out) + "\n"


def main(argv=None):
    """Command line; exit status 1 where a number does not agree and no reason is known."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--markdown", type=Path, help="write the table as a page")
    args = parser.parse_args(argv)
    sets, skipped, values = load()
    rows = run(sets, values)
    lines = table(rows)
    print(f"{'method':28}{'sets':>6}{'numbers':>9}{'apart':>7}{'worst':>10}{'none':>6}{'R':>4}{'ours':>6}")
    for one in lines:
        print(
            f"{one['method']:28}{one['sets']:>6}{one.get('numbers', 0):>9}{one.get('apart', 0):>7}"
            f"{one.get('worst', 0):>10.1e}{one.get('both', 0):>6}{one.get('R', 0):>4}{one.get('ours', 0):>6}"
        )
    found = apart(rows)
    for one in found:
        why = one["reason"] or "no reason known"
        print(f"{one['set']}, {one['cell']}, {one['field']}: off by {one['off']:.1e}; {why}")
    for name, reason in skipped.items():
        print(f"{name} is left out: {reason}")
    if args.markdown:
        versions = json.loads((GRID / "versions.json").read_text(encoding="utf-8"))
        args.markdown.write_text(markdown(lines, rows, versions, skipped, n_sets=len(sets)), encoding="utf-8")
    unexplained = [one for one in found if not one["reason"]]
    total = sum(one.get("numbers", 0) for one in lines)
    summary = {"sets": len(sets), "methods": len(lines), "numbers": total, "apart": len(found)}
    summary |= {"unexplained": len(unexplained), "stopped_on_one_side": len(stopped(rows))}
    print(json.dumps(summary | {"worst": max(one.get("worst", 0) for one in lines)}))
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
