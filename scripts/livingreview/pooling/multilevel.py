"""Several effects from each study: the three-level model, and correlated and hierarchical effects (CHE).

Vocabulary: `sigma2` are variances of true effects, (between studies, within studies), and `tau2` their sum,
the variance of the true effect in a new study. With a diagonal V this is the three-level model, metafor's
``rma.mv(yi, vi, random = ~ 1 | study/effect)``; with covariances within studies (from
`livingreview.pooling.covariance`) it is the CHE model of Pustejovsky & Tipton 2022, Prev Sci 23:425-438.
"""

import math
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import scipy  # its parts load at their first use; optimize is slow
from scipy import special

from livingreview.pooling.covariance import Blocks, check_definite, independent
from livingreview.pooling.nested import Nested
from livingreview.pooling.random_effects import NOTHING, SINGLE, checked
from livingreview.pooling.terms import (
    INTERCEPT,
    checked_choice,
    checked_level,
    coefficients,
    model_matrix,
    quantile,
)

METHODS = ("REML", "ML")
TESTS = ("t", "z")
DFS = ("contain", "residual")
LEVELS = ("effect", "study")
LABEL_I2 = "from sigma2 and trace of P (Viechtbauer, multilevel I2)"
# A profile interval's upper end is looked for up to this many doublings of the estimate.
MAX_DOUBLINGS = 60
# Precision of an end of a profile interval, relative.
PROFILE_TOLERANCE = 1e-10


@dataclass(frozen=True)
class Model:
    """What a robust variance needs to know of a fitted model.

    Attributes
    ----------
    yi : array of shape (k,)
        Effects.
    X : array of shape (k, p)
        Model matrix.
    terms : tuple of str
        Names of its columns.
    marginal : Blocks
        Covariances of the effects under the model, sampling and true effects together.
    """

    yi: np.ndarray
    X: np.ndarray
    terms: tuple
    marginal: Blocks


@dataclass(frozen=True)
class MultilevelEstimate:
    """A pooled effect from dependent effects.

    Attributes
    ----------
    k, n_studies : int
        Numbers of effects and of studies.
    estimate, se, ci_low, ci_high, stat, df, pval : float
        The pooled effect and its test (t, or z with `df` NaN); NaN with moderators, whose numbers are in
        `coefficients`.
    pi_low, pi_high : float
        Prediction interval for the true effect in a new study; NaN with moderators or a single study.
    sigma2 : tuple of float
        Variances of true effects (between studies, within studies), each exactly 0 on the boundary.
    se_sigma2 : tuple of float
        Their standard errors, from the observed information; NaN for one that is 0 or not estimated.
    tau2 : float
        Their sum.
    I2, I2_between, I2_within : float
        Percent of the total variance that is heterogeneity, and its two parts.
    QE, QE_df, QE_p : float
        Test of (residual) heterogeneity.
    QM, QM_df1, QM_df2, QM_p : float
        Test of all moderators: chi-squared (`QM_df2` NaN) or F.
    loglik, AIC, BIC, AICc : float
        Fit, constants included, as metafor; comparable between models of the same `method`, and under REML
        only of the same moderators.
    weights : array of shape (k,)
        Weight of each effect in the pooled effect, in percent (sums of rows of the inverse marginal
        covariance; may be negative); empty with moderators.
    coefficients : DataFrame
        term, estimate, se, ci_low, ci_high, stat, df, pval.
    vb : array of shape (p, p)
        Covariances of the coefficients.
    identified : bool
        Whether the data can tell the two variances apart: two studies or more, and one with two effects.
    notes : tuple of str
        What was defined rather than estimated.
    method, method_ci, method_pi, method_I2 : str
        How each was obtained, to be printed.
    model : Model or None
        For `livingreview.pooling.robust`.

    With k = 0 all numbers are NaN; with k = 1 those that need a second effect.
    """

    k: int
    n_studies: int
    estimate: float = math.nan
    se: float = math.nan
    ci_low: float = math.nan
    ci_high: float = math.nan
    stat: float = math.nan
    df: float = math.nan
    pval: float = math.nan
    pi_low: float = math.nan
    pi_high: float = math.nan
    sigma2: tuple = (math.nan, math.nan)
    se_sigma2: tuple = (math.nan, math.nan)
    tau2: float = math.nan
    I2: float = math.nan
    I2_between: float = math.nan
    I2_within: float = math.nan
    QE: float = math.nan
    QE_df: int = 0
    QE_p: float = math.nan
    QM: float = math.nan
    QM_df1: int = 0
    QM_df2: float = math.nan
    QM_p: float = math.nan
    loglik: float = math.nan
    AIC: float = math.nan
    BIC: float = math.nan
    AICc: float = math.nan
    weights: np.ndarray = field(default_factory=lambda: np.empty(0))
    coefficients: pd.DataFrame = field(default_factory=pd.DataFrame)
    vb: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    identified: bool = False
    notes: tuple = ()
    method: str = NOTHING
    method_ci: str = NOTHING
    method_pi: str = NOTHING
    method_I2: str = NOTHING
    model: Model | None = field(default=None, repr=False, compare=False)


def fit(
    yi,
    V,
    study=None,
    *,
    mods=None,
    intercept=True,
    method="REML",
    test="t",
    dfs="contain",
    levels="effect",
    level=0.95,
):
    """Pool dependent effects.

    Parameters
    ----------
    yi : array-like of shape (k,)
        Effects. May be empty.
    V : array-like of shape (k,), or Blocks
        Sampling variances (not standard errors), then `study` is needed; or covariances with their studies,
        then `study` is left out.
    study : sequence of str, length k
        The study of each effect.
    mods : None, array-like of shape (k, q), mapping or DataFrame
        Moderators, numbers.
    intercept : bool
        Whether the model has one.
    method : {"REML", "ML"}
    test : {"t", "z"}
        Reference distribution of tests and intervals.
    dfs : {"contain", "residual"}
        Degrees of freedom of t: "residual" k - p; "contain" number of studies - p for a coefficient whose
        column is constant within studies (the intercept), else k - p; at least 1, as metafor.
    levels : {"effect", "study"}
        "effect": variances between and within studies; "study": between only, ``random = ~ 1 | study``.
    level : float
        Level of confidence and prediction intervals.

    Returns
    -------
    MultilevelEstimate

    Raises
    ------
    ValueError
        As `checked` and `model_matrix`; V is not positive definite; an option is unknown.
    ConvergenceError
        The likelihood's maximum was not found.

    Notes
    -----
    One study: the variance between studies is fixed at 0. All studies with one effect: the variance within
    is fixed at 0, and the model is the two-level one (metafor halves the sum between them). Both are flagged
    by `identified` and `notes`.
    """
    for name, value, allowed in (
        ("method", method, METHODS),
        ("test", test, TESTS),
        ("dfs", dfs, DFS),
        ("levels", levels, LEVELS),
    ):
        checked_choice(name, value, allowed)
    checked_level(level)
    yi, V = _checked_blocks(yi, V, study)
    if len(yi) == 0:
        return MultilevelEstimate(k=0, n_studies=0)
    X, terms = model_matrix(mods, len(yi), intercept=intercept)
    if len(yi) == 1 and terms == (INTERCEPT,):
        return _single(yi, V, level=level)
    if len(yi) <= X.shape[1]:
        raise ValueError(f"a model of {X.shape[1]} terms needs more effects than {len(yi)}")
    nested, centre = _nested(yi, X, V, method=method, intercept=intercept)
    free, notes = _estimable(V, levels)
    sigma2, point = nested.maximise(free=free)
    point.beta[0] += centre
    df = _degrees_of_freedom(X, V, dfs) if test == "t" else np.full(X.shape[1], math.nan)
    return replace(
        _result(Model(yi, X, terms, marginal(V, sigma2)), point, sigma2=sigma2, df=df, level=level),
        se_sigma2=_standard_errors(point, sigma2, free),
        **_heterogeneity(nested, sigma2),
        **_fit_statistics(nested, point.ll, parameters=X.shape[1] + sum(free)),
        identified=bool(free[0] and (free[1] or levels == "study")),
        notes=notes,
        method=f"{'three-level' if levels == 'effect' else 'two-level, by study'}, {method}",
        method_ci=f"t, df: {dfs}" if test == "t" else "Wald (normal)",
    )


def profile_intervals(
    yi, V, study=None, *, mods=None, intercept=True, method="REML", levels="effect", level=0.95
):
    """Profile likelihood intervals of the variances between and within studies.

    Parameters
    ----------
    yi, V, study, mods, intercept, method, levels
        As `fit`.
    level : float
        Level of the intervals.

    Returns
    -------
    tuple of two (low, high)
        Between and within; (NaN, NaN) for one that is not estimated; high is infinite where the likelihood
        never falls far enough.

    Notes
    -----
    All values whose profile log-likelihood is within chi2(1; level) / 2 of the maximum, as metafor's
    ``confint(rma.mv)``.
    """
    checked_choice("method", method, METHODS)
    checked_choice("levels", levels, LEVELS)
    checked_level(level)
    yi, V = _checked_blocks(yi, V, study)
    X, _ = model_matrix(mods, len(yi), intercept=intercept)
    if len(yi) <= X.shape[1]:
        return ((math.nan, math.nan), (math.nan, math.nan))
    nested, _ = _nested(yi, X, V, method=method, intercept=intercept)
    free, _ = _estimable(V, levels)
    sigma2, point = nested.maximise(free=free)
    drop = special.chdtri(1, 1 - level) / 2
    return tuple(
        _profile(nested, which, sigma2, point.ll - drop, free) if free[which] else (math.nan, math.nan)
        for which in (0, 1)
    )


def _profile(nested, which, sigma2, target, free):
    others = tuple(free[i] and i != which for i in (0, 1))

    def height(value):
        fixed = np.zeros(2)
        fixed[which] = value
        return nested.maximise(free=others, fixed=fixed)[1].ll - target

    def crossing(low, high):
        return scipy.optimize.brentq(height, low, high, xtol=1e-14 * nested.typical, rtol=PROFILE_TOLERANCE)

    peak = sigma2[which]
    low = 0.0 if peak == 0 or height(0.0) >= 0 else crossing(0.0, peak)
    inside, outside = peak, 2 * peak + nested.typical
    for _ in range(MAX_DOUBLINGS):
        if height(outside) < 0:
            return low, crossing(inside, outside)
        inside, outside = outside, 2 * outside
    return low, math.inf


def _checked_blocks(yi, V, study):
    """Effects as an array, covariances as Blocks that have an inverse."""
    if isinstance(V, Blocks):
        if study is not None:
            raise ValueError("V names the studies already; hint: leave out study")
        yi, _ = checked(yi, V.vi)
    else:
        yi, vi = checked(yi, V)
        if study is None:
            raise ValueError("study must name the study of each effect")
        V = independent(vi, study)
    check_definite(V)
    return yi, V


def _nested(yi, X, V, *, method, intercept):
    # Centred: effects far from zero would otherwise cost digits. Only an intercept takes the shift back.
    centre = float(yi.mean()) if intercept else 0.0
    return Nested(yi - centre, X, V, restricted=method == "REML"), centre


def _estimable(V, levels):
    """Which variances (between, within) the data can estimate, and what was fixed."""
    if len(V.studies) == 1:
        note = "one study: the variance between studies is fixed at 0"
        return (False, levels == "effect"), (note,)
    if levels == "study":
        return (True, False), ()
    if all(len(at) == 1 for at in V.rows):
        return (True, False), ("every study has one effect: the variance within studies is fixed at 0",)
    return (True, True), ()


def _single(yi, V, *, level):
    """One effect is its own estimate, with a Wald interval; nothing can be said about heterogeneity."""
    vi = V.vi
    table = coefficients((INTERCEPT,), yi, vi[:, None], df=np.array([math.nan]), level=level)
    return MultilevelEstimate(
        k=1,
        n_studies=1,
        **_first_row(table),
        weights=np.array([100.0]),
        coefficients=table,
        vb=vi[:, None],
        notes=("one effect: no variance of true effects can be estimated",),
        method=SINGLE,
        method_ci=f"{SINGLE}: Wald (normal)",
        method_pi=SINGLE,
        method_I2=SINGLE,
    )


def _first_row(table):
    return {name: float(table[name].iloc[0]) for name in table.columns if name != "term"}


def _result(model, point, *, sigma2, df, level):
    table = coefficients(model.terms, point.beta, point.vb, df=df, level=level)
    pooled = model.terms == (INTERCEPT,)
    n_studies = len(model.marginal.studies)
    tau2 = float(sigma2.sum())
    found = {"method_pi": "none: moderators or a single study"}
    if pooled:
        found |= _first_row(table) | {"weights": weights(model.marginal)}
    if pooled and n_studies > 1:
        reach = float(quantile(df, level=level)[0] * math.sqrt(point.vb[0, 0] + tau2))
        found |= {"pi_low": found["estimate"] - reach, "pi_high": found["estimate"] + reach}
        found["method_pi"] = "quantile of the confidence interval, as metafor predict()"
    return MultilevelEstimate(
        k=len(model.yi),
        n_studies=n_studies,
        sigma2=(float(sigma2[0]), float(sigma2[1])),
        tau2=tau2,
        coefficients=table,
        vb=point.vb,
        **_moderators(point.beta, point.vb, model.terms, df),
        model=model,
        **found,
    )


def _heterogeneity(nested, sigma2):
    """Q with sampling covariances alone; I² with the typical variance (k - p) / tr P."""
    Q, trace = nested.fixed
    df = nested.k - nested.p
    i2 = 100 * sigma2 / (sigma2.sum() + df / trace)
    return {
        "QE": Q,
        "QE_df": df,
        "QE_p": float(special.chdtrc(df, Q)),
        "I2": float(i2.sum()),
        "I2_between": float(i2[0]),
        "I2_within": float(i2[1]),
        "method_I2": LABEL_I2,
    }


def marginal(V, sigma2):
    """Covariances of the effects under the model.

    Parameters
    ----------
    V : Blocks
        Sampling covariances.
    sigma2 : pair of float
        Variances between and within studies.

    Returns
    -------
    Blocks
        V + sigma2[0] within studies + sigma2[1] on the diagonal.
    """
    between, within = sigma2
    blocks = tuple(block + between + within * np.eye(len(block)) for block in V.blocks)
    return Blocks(V.k, V.studies, V.rows, blocks)


def _degrees_of_freedom(X, V, dfs):
    k, p = X.shape
    df = np.full(p, float(k - p))
    if dfs == "contain":
        constant = np.ones(p, bool)
        for at in V.rows:
            constant &= (X[at] == X[at[0]]).all(axis=0)
        df[constant] = len(V.studies) - p
    return np.maximum(df, 1.0)


def _moderators(beta, vb, terms, df):
    """Wald test of all coefficients but the intercept: chi-squared, or F on the fewest degrees of freedom."""
    tested = [i for i, term in enumerate(terms) if term != INTERCEPT]
    if not tested:
        return {}
    QM = float(beta[tested] @ np.linalg.solve(vb[np.ix_(tested, tested)], beta[tested]))
    m, df2 = len(tested), float(df[tested].min())
    if math.isnan(df2):
        return {"QM": QM, "QM_df1": m, "QM_p": float(special.chdtrc(m, QM))}
    return {"QM": QM / m, "QM_df1": m, "QM_df2": df2, "QM_p": float(special.fdtrc(m, df2, QM / m))}


def _standard_errors(point, sigma2, free):
    """From the inverse observed information of the variances that are estimated and not on the boundary."""
    inside = np.array(free) & (sigma2 > 0)
    se = np.full(2, math.nan)
    if inside.any():
        variances = np.diag(np.linalg.pinv(point.observed[np.ix_(inside, inside)]))
        se[inside] = np.sqrt(np.where(variances > 0, variances, math.nan))
    return (float(se[0]), float(se[1]))


def _fit_statistics(nested, ll, *, parameters):
    n = nested.k - nested.p if nested.restricted else nested.k
    n2 = max(n, parameters + 2)
    return {
        "loglik": ll,
        "AIC": -2 * ll + 2 * parameters,
        "BIC": -2 * ll + parameters * math.log(n),
        "AICc": -2 * ll + 2 * parameters * n2 / (n2 - parameters - 1),
    }


def weights(M):
    """Weight of each effect in the generalised least squares mean, percent; array of shape (k,).

    Sums of rows of the inverse of M (Blocks), as metafor's ``weights(type = "rowsum")``.
    """
    found = np.empty(M.k)
    for at, block in zip(M.rows, M.blocks, strict=True):
        found[at] = np.linalg.solve(block, np.ones(len(at)))
    return 100 * found / found.sum()
