"""Pool each outcome of the protocol: its estimate, and all that a report shows beside it."""

import math

import numpy as np
from scipy.special import ndtri

from livingreview.pooling import aggregation, dependence, reasons
from livingreview.pooling import sensitivity as sensitivities
from livingreview.pooling.between_variance import ConvergenceError
from livingreview.pooling.cumulative import cumulative
from livingreview.pooling.fail_safe import fail_safe_n
from livingreview.pooling.influence import baujat, influence, leave_one_study_out
from livingreview.pooling.random_effects import fit
from livingreview.pooling.regressions import regression
from livingreview.pooling.shares import share_beyond
from livingreview.pooling.small_study import rank_test, regression_test
from livingreview.pooling.subgroups import between, by_group
from livingreview.pooling.trim_and_fill import trim_and_fill

STATISTICS = (
    "estimate",
    "se",
    "ci_low",
    "ci_high",
    "pval",
    "pi_low",
    "pi_high",
    "tau2",
    "I2",
    "H2",
    "QE",
    "QE_df",
    "QE_p",
)
METHODS = ("method_tau2", "method_ci", "method_pi", "method_I2")
ESTIMATE_COLUMNS = (
    "outcome",
    "label",
    "k",
    "n_studies",
    "n_participants",
    "n_participants_unknown_rows",
    *STATISTICS,
    "measure",
    *METHODS,
)
SHORT = ("estimate", "ci_low", "ci_high", "tau2", "I2")
INFLUENCE = ("rstudent", "dffits", "cook_d", "cov_r", "tau2_del", "QE_del", "hat", "dfbs", "influential")
INFLUENCE_COLUMNS = ("outcome", "row_id", "label", *INFLUENCE, "baujat_heterogeneity", "baujat_influence")
CUMULATIVE_COLUMNS = ("outcome", "entered", "study", "label", "k", *SHORT)
LEAVE_ONE_OUT_COLUMNS = ("outcome", "omitted", "label", "k", *SHORT)
SUBGROUP_COLUMNS = (
    "outcome",
    "variable",
    "variable_label",
    "value",
    "label",
    "k",
    "n_studies",
    *SHORT,
    "QM",
    "QM_df",
    "QM_p",
    "n_groups_compared",
)


def pool_outcome(
    effects,
    *,
    outcome,
    label,
    subgroups=(),
    measure="SMD",
    risk_of_bias=None,
    correlation=sensitivities.ASSUMED_CORRELATION,
    thresholds=(),
    moderators=(),
    pi="metafor",
    **options,
):
    """Everything that is estimated for one outcome.

    Parameters
    ----------
    effects : DataFrame
        The effects of all outcomes (effects.csv).
    outcome, label : str
        The outcome's name in `effects` and in print.
    subgroups : list of dict
        ``variable`` (a column of `effects`), ``label``, ``groups`` (name to ``{"label": str}``).
    measure : str
        What `yi` is.
    risk_of_bias
        As `sensitivity.table`.
    correlation : float
        Assumed correlation of the sampling errors of effects of one study, as `sensitivity.table`; of a main
        analysis of dependent effects too.
    thresholds : sequence of float
        Sizes on the scale of `yi`, above zero, beyond which the share of true effects is estimated, on the
        side that favours the treatment.
    moderators : list of dict
        ``variable``, ``label`` and ``values`` (row_id to number) of numbers to regress effects on.
    pi : str
        Kind of prediction interval, as `random_effects.fit`.
    **options
        ``method``, ``test``, ``level`` of `random_effects.fit`.

    Returns
    -------
    dict
        ``main``, ``sensitivity`` (flat, `ESTIMATE_COLUMNS`; the latter with ``what``), ``weights``,
        ``leave_one_out`` and ``subgroups`` (lists of dicts); ``sensitivity_table`` (see `sensitivity.table`),
        ``influence``, ``cumulative`` (by entry into the review, empty where `effects` has no column
        ``entered``), ``small_study``, ``funnel``, ``shares`` and ``regressions`` (one per moderator, see
        `regressions.regression`). Without effects all numbers of ``main`` are NaN and the lists, but for the
        sensitivity table and the regressions, are empty.

    Raises
    ------
    ValueError, ConvergenceError
        From `random_effects.fit`.

    Notes
    -----
    Where the pool holds several effects of one study and comparison (the protocol lets all instruments
    enter), all estimates are of the model of `dependence.fit`, without `test` and `pi`, as its methods say; a
    subset in which no effects are dependent is pooled as ever. What has no such model (influence, tests for
    small-study effects and between subgroups) takes the mean of each comparison's effects, and the
    sensitivity table has the independent analysis as its second row.
    """
    of_outcome = effects[effects["outcome"] == outcome]
    wider = of_outcome[of_outcome["in_sensitivity"].astype(bool)]
    head = {"outcome": outcome, "label": label}
    fitting = options | {"pi": pi}
    pooled, result = _pooled(of_outcome, correlation=correlation, **fitting)
    apart = _independent(pooled, correlation)
    table = sensitivities.table(
        of_outcome, risk_of_bias=risk_of_bias, correlation=correlation, pi=pi, **options
    )
    return {
        **_main(pooled, result, head=head, measure=measure, level=options.get("level", 0.95)),
        "sensitivity": head
        | _estimate(wider, pool_rows(wider, correlation=correlation, **fitting), measure=measure)
        | {"what": _what(added=len(wider) - len(pooled))},
        "leave_one_out": _leave_one_out(pooled, options, correlation),
        "subgroups": [_subgroup(pooled, apart, definition, options, correlation) for definition in subgroups],
        "sensitivity_table": _with_main(table, pooled, result),
        "influence": _influence(apart, options),
        "cumulative": _cumulative(pooled, options, correlation),
        "small_study": _small_study(apart),
        "funnel": _funnel(apart, options),
        "shares": _shares(result, thresholds, level=options.get("level", 0.95)),
        "regressions": [regression(apart, **one, **options) for one in moderators],
    }


def main_analysis(effects, *, outcome, label, measure="SMD", **options):
    """The main estimate of one outcome and the weights of its effects, without all that stands beside them.

    Parameters
    ----------
    effects, outcome, label, measure
        As `pool_outcome`.
    **options
        As `pool_rows` takes them; see `fitting`.

    Returns
    -------
    dict
        ``main`` and ``weights``, as `pool_outcome` has them.
    """
    pooled, result = _pooled(effects[effects["outcome"] == outcome], **options)
    head = {"outcome": outcome, "label": label}
    return _main(pooled, result, head=head, measure=measure, level=options.get("level", 0.95))


def _pooled(of_outcome, **options):
    """The effects of an outcome that its main analysis holds, and their estimate."""
    rows = of_outcome[of_outcome["in_pool"].astype(bool)]
    return rows, pool_rows(rows, **options)


def _main(pooled, result, *, head, measure, level):
    return {
        "main": head | _estimate(pooled, result, measure=measure),
        "weights": _weights(pooled, result, level=level),
    }


def fitting(analysis):
    """What the protocol's ``analysis`` says of pooling, as keywords of `pool_rows` and `pool_outcome`."""
    return {
        "correlation": analysis.get("assumed_correlation", sensitivities.ASSUMED_CORRELATION),
        "method": analysis["method_tau2"],
        "test": analysis["method_ci"],
        "level": analysis["level"],
        "pi": analysis.get("method_pi", "metafor"),
    }


def pool_rows(rows, *, correlation=sensitivities.ASSUMED_CORRELATION, **options):
    """The estimate of some effects by one method, as every pool of this review is made.

    Parameters
    ----------
    rows : DataFrame
        Columns study, comparison, yi, vi (a variance); may be empty.
    correlation : float
        Assumed correlation of the sampling errors of effects of one study and comparison.
    **options
        ``method``, ``test``, ``level``, ``pi`` of `random_effects.fit`.

    Returns
    -------
    Estimate or DependentEstimate
        Of `random_effects.fit`, or of `dependence.fit` where some effects are dependent.

    Raises
    ------
    ValueError, ConvergenceError
        As from these.
    """
    yi, vi = rows["yi"].to_numpy(float), rows["vi"].to_numpy(float)
    if not _dependent(rows):
        return fit(yi, vi, **options)
    of = {"study": list(rows["study"]), "comparison": _comparisons(rows)}
    return dependence.fit(yi, vi, **of, correlation=correlation, **options)


def _comparisons(rows):
    return list(rows["comparison"].fillna("").astype(str))


def _dependent(rows):
    return dependence.is_dependent(rows["study"], _comparisons(rows))


def _independent(rows, correlation):
    """The effects, or where some are dependent the plain mean of each study's and comparison's.

    A mean stands in the first row of its effects, and has the most participants of any.
    """
    if not _dependent(rows):
        return rows
    yi, vi = rows["yi"].to_numpy(float), rows["vi"].to_numpy(float)
    names = dependence.samples(rows["study"], _comparisons(rows))
    one = aggregation.composite(yi, vi, names, rho=correlation, weighted=False)
    ni = rows["ni"].groupby(names, sort=False).max()
    firsts = [at[0] for at in one.rows]
    return rows.iloc[firsts].assign(yi=one.yi, vi=one.vi, ni=[ni[name] for name in one.studies])


def _with_main(table, rows, result):
    """The sensitivity table, its first row exchanged for the main analysis where that knows of dependence."""
    if not _dependent(rows):
        return table
    independent = table[0] | {"analysis": "independent", "label": "All effects taken as independent"}
    numbers = {name: float(getattr(result, name)) for name in sensitivities.NUMBERS}
    method = {"method": f"{result.method_tau2}; {result.method_ci}"}
    return [table[0] | numbers | method, independent, *table[1:]]


def _estimate(rows, result, *, measure):
    # Effects of the same people count them once; of no account is which correlation their means are given.
    people = _independent(rows, sensitivities.ASSUMED_CORRELATION)
    known, unknown = participants(people["ni"].to_numpy(float))
    return (
        {
            "k": result.k,
            "n_studies": rows["study"].nunique(),
            "n_participants": known,
            "n_participants_unknown_rows": unknown,
            "measure": measure,
        }
        | {name: getattr(result, name) for name in STATISTICS}
        | {name: getattr(result, name) for name in METHODS}
        | {"tau2_ci_low": result.tau2_ci[0], "tau2_ci_high": result.tau2_ci[1]}
        | {"method_tau2_ci": getattr(result, "method_tau2_ci", "Q-profile")}
    )


def participants(ni):
    """Participants of the rows that print their number, and how many rows do not.

    Parameters
    ----------
    ni : array of shape (k,)
        Participants per row, a shared control counted once (so fractions add up); NaN where not printed.

    Returns
    -------
    tuple
        The sum, rounded to a whole number, or NaN where no row of at least one prints it; and the number of
        rows that do not.
    """
    known = ni[~np.isnan(ni)]
    if len(ni) and not len(known):
        return math.nan, len(ni)
    return round(float(known.sum())), len(ni) - len(known)


def _what(*, added):
    if not added:
        return "no effect is kept for the sensitivity analysis only; it equals the main analysis"
    rows = reasons.effects(added)
    return f"with {rows} more whose arm sizes are not printed, equal arms assumed"


def interval(yi, vi, *, level):
    """The normal confidence interval of one effect: yi -/+ z * sqrt(vi), with `level` from 0 to 1."""
    reach = -ndtri((1 - level) / 2) * math.sqrt(vi)
    return yi - reach, yi + reach


def _weights(rows, result, *, level):
    fields = (rows[name] for name in ("row_id", "label", "study", "yi", "vi"))
    return [
        {
            "row_id": row_id,
            "label": label,
            "study": study,
            "yi": yi,
            "vi": vi,
            **dict(zip(("ci_low", "ci_high"), interval(yi, vi, level=level), strict=True)),
            "weight": float(weight),
        }
        for row_id, label, study, yi, vi, weight in zip(*fields, result.weights, strict=True)
    ]


def _leave_one_out(rows, options, correlation):
    names = _study_labels(rows)
    if _dependent(rows):
        omitted = names if len(names) > 1 else ()
        return [
            {"omitted": study, "label": names[study]}
            | _short(pool_rows(rows[rows["study"] != study], correlation=correlation, **options))
            for study in omitted
        ]
    left_out = leave_one_study_out(rows["yi"], rows["vi"], list(rows["study"]), **options)
    return [{"omitted": one.omitted, "label": names[one.omitted]} | _short(one.result) for one in left_out]


def _influence(rows, options):
    """Diagnostics of each effect; empty below three effects, where nothing is left to compare with."""
    if len(rows) < sensitivities.MIN_K_DIAGNOSTICS:
        return []
    given = {key: value for key, value in options.items() if key != "level"}
    try:
        found, plot = (find(rows["yi"], rows["vi"], **given) for find in (influence, baujat))
    except ConvergenceError:
        # Without one effect tau² does not settle; the sensitivity table says so where it removes effects.
        return []
    columns = {name: getattr(found, name) for name in INFLUENCE}
    columns |= {"baujat_heterogeneity": plot.heterogeneity, "baujat_influence": plot.influence}
    return [
        {"row_id": row_id, "label": label} | {name: values[i].item() for name, values in columns.items()}
        for i, (row_id, label) in enumerate(zip(rows["row_id"], rows["label"], strict=True))
    ]


def _cumulative(rows, options, correlation):
    """The estimate as studies entered this review, those of one run in the order of their ids."""
    if "entered" not in rows or not len(rows):
        return []
    names = _study_labels(rows)
    if _dependent(rows):
        first = rows.groupby("study")["entered"].min()
        order = sorted(first.index, key=lambda study: (first[study], study))
        return [
            {"entered": first[study], "study": study, "label": names[study]}
            | _short(pool_rows(rows[rows["study"].isin(order[: at + 1])], correlation=correlation, **options))
            for at, study in enumerate(order)
        ]
    steps = cumulative(
        rows["yi"],
        rows["vi"],
        list(rows["entered"]),
        names=list(rows["study"]),
        ties=list(rows["study"]),
        **options,
    )
    return [
        {"entered": step.order, "study": step.added, "label": names[step.added]} | _short(step.result)
        for step in steps
    ]


def _small_study(rows):
    """Tests for small-study effects, each with the reason where it cannot be computed."""
    yi, vi = rows["yi"].to_numpy(float), rows["vi"].to_numpy(float)
    egger = regression_test(yi, vi, model="lm", predictor="sei")
    begg = rank_test(yi, vi)
    lost = fail_safe_n(yi, vi)
    return {
        "egger": {name: getattr(egger, name) for name in ("stat", "df", "pval", "limit", "advice", "reason")},
        "begg": {name: getattr(begg, name) for name in ("tau", "pval", "advice", "reason")},
        "fail_safe": {"type": lost.type, "fsnum": lost.fsnum, "reason": lost.reason},
    }


def _funnel(rows, options):
    """What a funnel plot shows: the effects, Egger's line, and those that trim and fill puts in.

    ``filled`` is empty where none is missing and where it was not computed; ``reason`` says why in the latter
    case, else it is None. The line is the effect at a standard error: limit + slope * se.
    """
    yi, vi = rows["yi"].to_numpy(float), rows["vi"].to_numpy(float)
    egger = regression_test(yi, vi, model="lm", predictor="sei")
    points = zip(rows["row_id"], rows["label"], yi.tolist(), vi.tolist(), strict=True)
    found = {
        "points": [{"row_id": key, "label": label, "yi": y, "vi": v} for key, label, y, v in points],
        "limit": egger.limit,
        "slope": egger.slope,
        "side": "",
        "filled": [],
        "reason": None,
    }
    given = {key: value for key, value in options.items() if key in ("method", "test", "level")}
    try:
        made = trim_and_fill(yi, vi, **given)
    except ConvergenceError as error:
        return found | {"reason": str(error)}
    filled = zip(made.filled_yi.tolist(), made.filled_vi.tolist(), strict=True)
    return found | {
        "side": made.side,
        "filled": [{"yi": y, "vi": v} for y, v in filled],
        "reason": made.reason,
    }


def _shares(result, thresholds, *, level):
    """The share of true effects beyond each threshold in favour of the treatment (negative effects)."""
    known = {"estimate": result.estimate, "se": result.se, "tau2": result.tau2, "se_tau2": result.se_tau2}
    found = [share_beyond(**known, threshold=-size, tail="below", level=level) for size in thresholds]
    keys = ("threshold", "share", "ci_low", "ci_high", "advice", "reason")
    return [{key: getattr(one, key) for key in keys} for one in found]


def _study_labels(rows):
    """The label of each study: that of an effect without the letter of its comparison."""
    return {
        study: label.removesuffix(f" {comparison}") if isinstance(comparison, str) and comparison else label
        for study, label, comparison in zip(rows["study"], rows["label"], rows["comparison"], strict=True)
    }


def _short(result):
    return {"k": result.k} | {name: getattr(result, name) for name in SHORT}


def _subgroup(rows, apart, definition, options, correlation):
    """The estimate of each group; the test between them is of `apart`, in which effects are independent."""
    variable = definition["variable"]
    values = list(rows[variable])
    if _dependent(rows):
        found = {value: rows[rows[variable] == value] for value in dict.fromkeys(values)}
        estimates = {
            value: pool_rows(of_group, correlation=correlation, **options)
            for value, of_group in found.items()
        }
    else:
        estimates = by_group(rows["yi"], rows["vi"], values, **options)
    named = {name: group["label"] for name, group in definition["groups"].items()}
    order = [*named, *(value for value in estimates if value not in named)]
    return {
        "variable": variable,
        "label": definition["label"],
        "between": _between(apart, list(apart[variable]), order, options),
        "groups": [
            {
                "value": value,
                "label": named.get(value, value),
                "n_studies": rows.loc[rows[variable] == value, "study"].nunique(),
            }
            | _short(estimates[value])
            for value in order
            if value in estimates
        ],
    }


def _between(rows, values, order, options):
    """The test between groups; ``left_out`` are values, in the order in which the groups are listed."""
    test = between(rows["yi"], rows["vi"], values, method=options.get("method", "REML"))
    if test is None:
        return None
    return {
        "QM": test.QM,
        "df": test.df,
        "p": test.p,
        "n_groups": test.n_groups,
        "left_out": [value for value in order if value in test.left_out],
    }


def flat(results, part):
    """The rows of one list of `pool_outcome` ("leave_one_out", ...), from a mapping of outcome to it."""
    return [{"outcome": outcome} | row for outcome, one in results.items() for row in one[part]]


def flat_subgroups(results):
    """The rows of subgroups.csv from a mapping of outcome to `pool_outcome`; each group repeats the test."""
    rows = []
    for outcome, one in results.items():
        for variable in one["subgroups"]:
            test = variable["between"] or dict.fromkeys(("QM", "df", "p", "n_groups"), math.nan)
            repeated = {
                "outcome": outcome,
                "variable": variable["variable"],
                "variable_label": variable["label"],
                "QM": test["QM"],
                "QM_df": test["df"],
                "QM_p": test["p"],
                "n_groups_compared": test["n_groups"],
            }
            rows += [repeated | group for group in variable["groups"]]
    return rows
