"""One table per outcome: what the pooled effect would be under other choices.

The main analysis takes effects as independent (a shared control is divided before). Every other row changes
one thing, says which, and is shown whether or not it agrees; a row that cannot be computed says why.
"""

import math
from functools import partial

import numpy as np

from livingreview.pooling import aggregation, covariance, multilevel, random_effects, robust
from livingreview.pooling.between_variance import ConvergenceError
from livingreview.pooling.influence import influence
from livingreview.pooling.limit import limit_meta_analysis
from livingreview.pooling.outliers import find_outliers
from livingreview.pooling.pet_peese import pet_peese
from livingreview.pooling.selection import selection_model
from livingreview.pooling.trim_and_fill import trim_and_fill

# The correlation of effects within a study that is assumed where the protocol states none: the default of
# metapsyTools (rho.within.study), and the middle of CORRELATIONS.
ASSUMED_CORRELATION = 0.6
CORRELATIONS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
# Fewer effects say nothing about which of them stand apart: metapsyTools and dmetar set the same floor.
MIN_K_DIAGNOSTICS = 3
LOW = "low"
NUMBERS = ("estimate", "se", "ci_low", "ci_high", "pval", "pi_low", "pi_high", "tau2", "I2")
COLUMNS = ("outcome", "analysis", "label", "k", "n_studies", *NUMBERS, "method", "note", "reason")


def table(
    effects,
    *,
    risk_of_bias=None,
    correlation=ASSUMED_CORRELATION,
    alternative="less",
    pi="metafor",
    **options,
):
    """All sensitivity analyses of one outcome.

    Parameters
    ----------
    effects : DataFrame
        Effects of the outcome: row_id, label, study, yi, vi, in_pool, in_sensitivity. Those in the pool are
        the main analysis; the others in the sensitivity analysis rest on an assumption about arm sizes. If
        there are columns withdrawn (in the pool but for a retraction) and notice (kind of editorial notice on
        the study, or ""), they are the basis of the two rows on notices.
    risk_of_bias : dict of str to str, optional
        Overall judgements by study ("low", ...), of those that have one.
    correlation : float
        Assumed correlation of the sampling errors of effects of one study.
    alternative : {"less", "greater"}
        The sign that favours the treatment, which small or selected studies would exaggerate.
    pi : str
        Kind of prediction interval of the random-effects models, as `random_effects.fit`.
    **options
        ``method``, ``test``, ``level`` of `random_effects.fit`, of the main analysis and of every row that
        does not name its own.

    Returns
    -------
    list of dict
        Keys `COLUMNS` without ``outcome``; numbers are NaN and ``reason`` says why where a row cannot be
        computed. Scale as `yi`; tau2 is a variance, I2 percent. The first row is the main analysis.

    Notes
    -----
    The rows are those of metapsyTools' ``runMetaAnalysis``, with the methods for small-study effects that the
    Cochrane Handbook, chapter 13, treats; none replaces the main analysis.
    """
    pooled = effects[effects["in_pool"].astype(bool)]
    wider = effects[effects["in_sensitivity"].astype(bool)]
    level = options.get("level", 0.95)
    fitting = options | {"pi": pi}
    return [
        _row("main", "Main analysis", pooled, lambda: _fit(pooled, fitting)),
        _with_assumed(pooled, wider, fitting),
        _with_retracted(effects, fitting),
        _without_notices(pooled, fitting),
        _common_effect(pooled, options),
        _normal(pooled, fitting),
        _low_risk(pooled, risk_of_bias or {}, fitting),
        *_without(pooled, options, pi=pi),
        *_one_per_study(pooled, fitting, alternative=alternative),
        _composite(pooled, fitting, correlation=correlation),
        _three_level(pooled, options),
        *(_che(pooled, correlation=rho, level=level, main=rho == correlation) for rho in _rhos(correlation)),
        _filled(pooled, options),
        _pet_peese(pooled, alternative=alternative, level=level),
        _limit(pooled, options),
        _selection(pooled, alternative=alternative, level=level),
    ]


def _rhos(correlation):
    """The protocol's correlation first, then the others in order."""
    return (correlation, *(rho for rho in CORRELATIONS if not math.isclose(rho, correlation)))


def _row(analysis, label, rows, compute, *, k=None, n_studies=None, note="", method=None):
    """A row of the table from a function that returns a result, or raises the reason why there is none."""
    about = {
        "analysis": analysis,
        "label": label,
        "k": len(rows) if k is None else k,
        "n_studies": rows["study"].nunique() if n_studies is None else n_studies,
    }
    try:
        result = compute()
    except (_NotComputed, ConvergenceError) as error:
        return about | dict.fromkeys(NUMBERS, math.nan) | {"method": "", "note": "", "reason": str(error)}
    numbers = {name: float(getattr(result, name, math.nan)) for name in NUMBERS}
    method = method(result) if callable(method) else method or _method(result)
    return about | numbers | {"method": method, "note": note, "reason": ""}


class _NotComputed(Exception):
    """Why a row has no numbers."""


def _method(result):
    return f"{result.method_tau2}; {result.method_ci}"


def _yv(rows):
    return rows["yi"].to_numpy(float), rows["vi"].to_numpy(float)


def _fit(rows, options):
    if not len(rows):
        raise _NotComputed("no effect")
    return random_effects.fit(*_yv(rows), **options)


def _at_least(rows, k, what):
    if len(rows) < k:
        raise _NotComputed(
            f"{what} needs {k} effects or more, there {'is' if len(rows) == 1 else 'are'} {len(rows)}"
        )


def _with_assumed(pooled, wider, options):
    label = "With effects whose arm sizes are not printed"

    def compute():
        if len(wider) == len(pooled):
            raise _NotComputed("no such effect is outside the pool")
        return _fit(wider, options)

    return _row("assumed_sizes", label, wider, compute, note="equal arms assumed for them")


def _with_retracted(effects, options):
    """The pool as it was before retractions: shown beside the main analysis, and never in its place."""
    withdrawn = _flags(effects, "withdrawn").astype(bool)
    before = effects[effects["in_pool"].astype(bool) | withdrawn]

    def compute():
        if not withdrawn.any():
            raise _NotComputed("no trial of this outcome has been retracted")
        return _fit(before, options)

    note = f"with {', '.join(effects.loc[withdrawn, 'label'])}"
    return _row("with_retracted", "With retracted trials, as before", before, compute, note=note)


# "corrected" beside a trial would read as if its values had been.
ERRATUM = {"corrected": "erratum"}


def _without_notices(pooled, options):
    """The pool without trials that an expression of concern, an erratum or another notice leaves in it."""
    noticed = _flags(pooled, "notice").map(lambda kind: kind if isinstance(kind, str) else "")
    kept = pooled[noticed == ""]

    def compute():
        if len(kept) == len(pooled):
            raise _NotComputed("no trial in this pool has an expression of concern or an erratum")
        return _fit(kept, options)

    named = [
        f"{pooled['label'][index]} ({ERRATUM.get(kind, kind)})"
        for index, kind in noticed[noticed != ""].items()
    ]
    label = "Without trials that have an expression of concern or an erratum"
    return _row("without_notices", label, kept, compute, note=f"without {', '.join(named)}")


def _flags(effects, column):
    """A column of the effects, or nothing in it where they have no such column."""
    return effects[column] if column in effects else effects["label"].map(lambda _: "")


def _common_effect(pooled, options):
    fixed = options | {"method": "FE", "test": "z"}
    return _row(
        "common_effect", "Common effect (no variance between trials)", pooled, lambda: _fit(pooled, fixed)
    )


def _normal(pooled, options):
    wald = options | {"method": "DL", "test": "z"}
    return _row(
        "dersimonian_laird", "DerSimonian-Laird with normal interval", pooled, lambda: _fit(pooled, wald)
    )


def _low_risk(pooled, judged, options):
    kept = pooled[pooled["study"].map(judged) == LOW]
    n = pooled.loc[pooled["study"].isin(judged), "study"].nunique()

    def compute():
        if not n:
            raise _NotComputed("no trial has a recorded overall judgement")
        if not len(kept):
            raise _NotComputed("no trial of this outcome was judged low")
        return _fit(kept, options)

    note = f"{n} of {pooled['study'].nunique()} trials have a judgement"
    return _row("low_risk_of_bias", "Low risk of bias only", kept, compute, note=note)


def _without(pooled, options, *, pi):
    """Without outliers, and without influential effects."""
    kinds = (
        ("outliers_removed", "Outliers removed", lambda: _outlying(pooled, options)),
        ("influential_removed", "Influential effects removed", lambda: _influential(pooled, options)),
    )
    for analysis, label, find in kinds:
        try:
            _at_least(pooled, MIN_K_DIAGNOSTICS, "finding them")
            apart = find()
        except (_NotComputed, ConvergenceError) as error:
            yield _row(analysis, label, pooled, partial(_raise, _NotComputed(str(error))))
            continue
        kept = pooled[~apart]
        note = f"without {', '.join(pooled.loc[apart, 'label'])}" if apart.any() else "none was found"
        refit = partial(_fit, kept, options | {"pi": pi})
        yield _row(analysis, label, kept, refit, note=note)


def _raise(error):
    raise error


def _outlying(pooled, options):
    return np.asarray(find_outliers(*_yv(pooled), rule="interval", **options).outlying, dtype=bool)


def _influential(pooled, options):
    given = {key: value for key, value in options.items() if key != "level"}
    return np.asarray(influence(*_yv(pooled), **given).influential, dtype=bool)


def _one_per_study(pooled, options, *, alternative):
    most, least = ("smallest", "largest") if alternative == "less" else ("largest", "smallest")
    yield _extreme(pooled, options, "most_favourable", "Most favourable effect of each trial", most)
    yield _extreme(pooled, options, "least_favourable", "Least favourable effect of each trial", least)


def _extreme(pooled, options, analysis, label, which):
    def compute():
        _several(pooled)
        one = aggregation.extreme(*_yv(pooled), list(pooled["study"]), which=which)
        return random_effects.fit(one.yi, one.vi, **options)

    return _row(analysis, label, pooled, compute, k=pooled["study"].nunique())


def _several(pooled):
    if not len(pooled):
        raise _NotComputed("no effect")
    if pooled["study"].is_unique:
        raise _NotComputed("each trial gives one effect: the same as the main analysis")


def _composite(pooled, options, *, correlation):
    def compute():
        _several(pooled)
        one = aggregation.composite(*_yv(pooled), list(pooled["study"]), rho=correlation)
        return random_effects.fit(one.yi, one.vi, **options)

    label = "One composite effect for each trial"
    note = f"correlation within trials assumed to be {correlation:g}"
    return _row("composite", label, pooled, compute, k=pooled["study"].nunique(), note=note)


def _three_level(pooled, options):
    def compute():
        _several(pooled)
        method = options.get("method") if options.get("method") in multilevel.METHODS else "REML"
        fitted = multilevel.fit(
            *_yv(pooled), list(pooled["study"]), method=method, level=options.get("level", 0.95)
        )
        if not fitted.identified:
            raise _NotComputed("; ".join(fitted.notes))
        return fitted

    return _row("three_level", "Three-level model", pooled, compute, method=_multilevel_method)


def _multilevel_method(result):
    return f"{result.method}; {result.method_ci}"


def _che(pooled, *, correlation, level, main):
    def compute():
        _several(pooled)
        V = covariance.correlated(pooled["vi"].to_numpy(float), list(pooled["study"]), rho=correlation)
        fitted = multilevel.fit(pooled["yi"].to_numpy(float), V, level=level)
        if not fitted.identified:
            raise _NotComputed("; ".join(fitted.notes))
        return robust.cluster_robust(fitted, vcov="CR2", level=level)

    analysis = "che" if main else f"che_{correlation:g}"
    label = "Correlated and hierarchical effects, robust variance"
    note = f"correlation within trials assumed to be {correlation:g}"
    return _row(analysis, label, pooled, compute, note=note, method=_multilevel_method)


def _filled(pooled, options):
    found = []

    def compute():
        found.append(trim_and_fill(*_yv(pooled), **options))
        return found[0]

    row = _small(
        pooled,
        "trim_and_fill",
        "Trim and fill (L0)",
        compute,
        numbers=lambda one: one.adjusted,
        note=lambda one: f"{one.k0} filled in on the {one.side}" if one.k0 else "none filled in",
    )
    return row if row["reason"] else row | {"k": row["k"] + found[0].k0}


def _notes(*texts):
    return "; ".join(text for text in texts if text)


def _small(pooled, analysis, label, compute, *, note, method=None, numbers=lambda one: one):
    """A row from one of the methods that carry their own reason and advice; `numbers` picks their result."""
    found = []

    def checked():
        if not len(pooled):
            raise _NotComputed("no effect")
        one = compute()
        if one.reason:
            raise _NotComputed(one.reason)
        found.append(one)
        return numbers(one)

    row = _row(analysis, label, pooled, checked, method=method)
    if found:
        row["note"] = _notes(note(found[0]), found[0].advice)
    return row


def _pet_peese(pooled, *, alternative, level):
    return _small(
        pooled,
        "pet_peese",
        "PET-PEESE",
        lambda: pet_peese(*_yv(pooled), alternative=alternative, level=level),
        method="weighted least squares; t, df = k-2",
        note=lambda one: f"{one.chosen} by its rule",
    )


def _limit(pooled, options):
    return _small(
        pooled,
        "limit",
        "Limit meta-analysis",
        lambda: limit_meta_analysis(
            *_yv(pooled), method=options.get("method", "REML"), level=options.get("level", 0.95)
        ),
        method="expectation in the limit; normal",
        note=lambda _: "",
    )


def _selection(pooled, *, alternative, level):
    return _small(
        pooled,
        "selection_model",
        "Three-parameter selection model",
        lambda: selection_model(*_yv(pooled), alternative=alternative, level=level),
        method="ML; Wald (normal)",
        note=lambda one: f"chance of being seen if p is over 0.025: {one.delta[-1]:.2f} of the others'",
    )
