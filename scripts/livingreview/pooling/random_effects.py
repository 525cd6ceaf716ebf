"""The random-effects model: one estimate from independent effects.

Vocabulary: `yi` are effects, `vi` their sampling variances (never standard errors), `tau2` is the variance of
the true effects, `k` the number of effects. Every formula follows metafor's ``rma()`` and is checked against
it in ``tests/reference``.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from livingreview.pooling.heterogeneity import cochran_q, i2_h2, typical_variance

# Fisher scoring stops when a step is below this share of tau² plus the typical sampling variance:
# ten digits below what any report prints, a thousand times above the noise of double arithmetic.
STEP_TOLERANCE = 1e-13
# A tau² below this share of the typical variance is the boundary reached by halving; it is then exactly zero.
BOUNDARY = 1e-10
# Enough for the slow, linear convergence seen near the boundary (about 45 halvings) with a wide margin.
MAX_STEPS = 1000
# Full steps can oscillate when sampling variances differ widely; metafor's manual advises smaller ones then.
STEP_LENGTHS = (1.0, 0.5, 0.25, 0.125)
# metafor's margin (machine epsilon to the power 1/4) for preferring tau² = 0 over a lower local maximum.
LIKELIHOOD_MARGIN = np.finfo(float).eps ** 0.25

LABELS_TAU2 = {"REML": "REML", "DL": "DerSimonian-Laird"}
LABEL_I2 = "from tau2 (Higgins & Thompson 2002), as metafor"
SINGLE = "single study"
NOTHING = "no study"


class ConvergenceError(ArithmeticError):
    """The iterations for tau² did not settle."""


@dataclass(frozen=True)
class Estimate:
    """A pooled effect.

    Attributes
    ----------
    k : int
        Number of effects pooled.
    estimate, se, ci_low, ci_high : float
        The pooled effect, its standard error (after Hartung and Knapp where so chosen), confidence interval.
    stat, df, pval : float
        Test of no effect: t with `df` degrees of freedom, or z (`df` NaN).
    pi_low, pi_high : float
        Prediction interval: where the true effect of a new study is expected.
    tau2 : float
        Variance of true effects.
    I2, H2 : float
        Heterogeneity; I² in percent.
    QE, QE_df, QE_p : float
        Cochran's Q test.
    weights : array of shape (k,)
        Weights in percent, in the order of the effects given.
    method_tau2, method_ci, method_pi, method_I2 : str
        How each was obtained, to be printed.

    With k = 0 all numbers are NaN; with k = 1 those that need a second effect (tau², I², H², Q, prediction).
    """

    k: int
    estimate: float = math.nan
    se: float = math.nan
    ci_low: float = math.nan
    ci_high: float = math.nan
    stat: float = math.nan
    df: float = math.nan
    pval: float = math.nan
    pi_low: float = math.nan
    pi_high: float = math.nan
    tau2: float = math.nan
    I2: float = math.nan
    H2: float = math.nan
    QE: float = math.nan
    QE_df: int = 0
    QE_p: float = math.nan
    weights: np.ndarray = field(default_factory=lambda: np.empty(0))
    method_tau2: str = NOTHING
    method_ci: str = NOTHING
    method_pi: str = NOTHING
    method_I2: str = NOTHING


def fit(yi, vi, *, method="REML", test="knha", level=0.95):
    """Pool independent effects under the random-effects model.

    Parameters
    ----------
    yi : array-like of shape (k,)
        Effects. May be empty.
    vi : array-like of shape (k,)
        Sampling variances (not standard errors).
    method : {"REML", "DL"}
        Estimator of tau².
    test : {"knha", "z"}
        "knha": t on k - 1 degrees of freedom with the variance of Hartung and Knapp, which is not kept from
        falling below the usual one (no floor); "z": the usual Wald interval.
    level : float
        Level of the confidence and the prediction interval.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        Lengths differ, a value is missing or not finite, a variance is not above zero, an option is unknown.
    ConvergenceError
        REML did not settle with any step length.

    Notes
    -----
    With w = 1 / (v + tau²): m = sum(w y) / sum(w). Wald: var(m) = 1 / sum(w). Hartung-Knapp multiplies this
    by sum(w (y - m)²) / (k - 1). The prediction interval is m ± c sqrt(var(m) + tau²) with the quantile c of
    the confidence interval, as metafor's ``predict()``: t on k - 1 degrees of freedom for "knha" (other
    programs use k - 2), normal for "z".

    References
    ----------
    Hartung & Knapp 2001, Stat Med 20:3875-3889; Viechtbauer 2010, J Stat Softw 36(3);
    Higgins, Thompson & Spiegelhalter 2009, J R Stat Soc A 172:137-159 (prediction).
    """
    yi, vi = checked(yi, vi)
    _check_options(method=method, test=test, level=level)
    if len(yi) == 0:
        return Estimate(k=0)
    if len(yi) == 1:
        return _single(yi, vi, level=level)
    tau2 = between_variance(yi, vi, method=method)
    return _random_effects(yi, vi, tau2=tau2, method=method, test=test, level=level)


def checked(yi, vi):
    """Effects and sampling variances as float arrays.

    Raises
    ------
    ValueError
        Lengths differ, a value is missing or not finite, a variance is not above zero.
    """
    yi = np.asarray(yi, dtype=float)
    vi = np.asarray(vi, dtype=float)
    if yi.ndim != 1 or yi.shape != vi.shape:
        raise ValueError(f"yi and vi must be of one length, not {yi.shape} and {vi.shape}")
    if not (np.isfinite(yi).all() and np.isfinite(vi).all()):
        raise ValueError("yi and vi must be finite; leave out what is missing before pooling")
    if (vi <= 0).any():
        raise ValueError(f"sampling variances must be above zero, the smallest is {vi.min():g}")
    return yi, vi


def checked_names(names, yi, what):
    """Names of the studies or groups of effects, as an array.

    Raises
    ------
    ValueError
        There is not one name for each effect.
    """
    names = np.asarray(names, dtype=object)
    if names.shape != yi.shape:
        raise ValueError(f"{what} must name the {what} of each of the {len(yi)} effects, not {names.shape}")
    return names


def between_variance(yi, vi, *, method="REML"):
    """The variance of true effects, tau².

    Parameters
    ----------
    yi, vi : array of shape (k,)
        Effects and sampling variances, k at least 2.
    method : {"REML", "DL"}
        Restricted maximum likelihood, or DerSimonian and Laird's moment estimator.

    Returns
    -------
    float
        Zero or more; exactly zero on the boundary.

    Raises
    ------
    ConvergenceError
        REML did not settle with any step length.
    """
    if method == "DL":
        return _dersimonian_laird(yi, vi)
    return _reml(yi, vi)


def _check_options(*, method, test, level):
    if method not in LABELS_TAU2:
        raise ValueError(f"method_tau2 {method!r} is not known; allowed: {', '.join(LABELS_TAU2)}")
    if test not in ("knha", "z"):
        raise ValueError(f"test {test!r} is not known; allowed: knha, z")
    if not 0 < level < 1:
        raise ValueError(f"level {level!r} must lie between 0 and 1")


def _single(yi, vi, *, level):
    """One study is its own estimate, with a Wald interval; nothing can be said about heterogeneity."""
    estimate, se = float(yi[0]), math.sqrt(vi[0])
    half = stats.norm.isf((1 - level) / 2) * se
    return Estimate(
        k=1,
        estimate=estimate,
        se=se,
        ci_low=estimate - half,
        ci_high=estimate + half,
        stat=estimate / se,
        pval=float(2 * stats.norm.sf(abs(estimate / se))),
        weights=np.array([100.0]),
        method_tau2=SINGLE,
        method_ci=f"{SINGLE}: Wald (normal)",
        method_pi=SINGLE,
        method_I2=SINGLE,
    )


def _random_effects(yi, vi, *, tau2, method, test, level):
    k = len(yi)
    w = 1 / (vi + tau2)
    estimate = _weighted_mean(yi, w)
    variance = 1 / w.sum()
    df = math.nan
    if test == "knha":
        df = k - 1
        variance *= _hartung_knapp_factor(yi, w, estimate=estimate)
    se = math.sqrt(variance)
    quantile = _upper_quantile((1 - level) / 2, df=df)
    stat = _ratio(estimate, se)
    i2, h2 = i2_h2(vi, tau2=tau2)
    q = cochran_q(yi, vi)
    reach = quantile * math.sqrt(variance + tau2)
    return Estimate(
        k=k,
        estimate=estimate,
        se=se,
        ci_low=estimate - quantile * se,
        ci_high=estimate + quantile * se,
        stat=stat,
        df=df,
        pval=_two_sided(stat, df=df),
        pi_low=estimate - reach,
        pi_high=estimate + reach,
        tau2=tau2,
        I2=i2,
        H2=h2,
        QE=q.QE,
        QE_df=q.QE_df,
        QE_p=q.QE_p,
        weights=100 * w / w.sum(),
        method_tau2=LABELS_TAU2[method],
        method_ci="Hartung-Knapp (t, df = k-1)" if test == "knha" else "Wald (normal)",
        method_pi=f"t, df = k-1 = {k - 1}, as metafor predict()" if test == "knha" else "normal, as metafor",
        method_I2=LABEL_I2,
    )


def _weighted_mean(yi, w):
    # Centred first: effects far from zero would otherwise cost digits.
    centre = yi.mean()
    return float(centre + np.sum(w * (yi - centre)) / w.sum())


def _hartung_knapp_factor(yi, w, *, estimate):
    rss = float(np.sum(w * (yi - estimate) ** 2))
    # As metafor: below the machine's precision the effects are equal, and the factor is zero.
    return 0.0 if rss <= np.finfo(float).eps else rss / (len(yi) - 1)


def _upper_quantile(tail, *, df):
    return float(stats.norm.isf(tail) if math.isnan(df) else stats.t.isf(tail, df))


def _two_sided(stat, *, df):
    if math.isnan(stat):
        return math.nan
    return float(2 * (stats.norm.sf(abs(stat)) if math.isnan(df) else stats.t.sf(abs(stat), df)))


def _ratio(estimate, se):
    """estimate / se; infinite where the standard error is zero (equal effects after Hartung and Knapp)."""
    if se > 0:
        return estimate / se
    return math.nan if estimate == 0 else math.copysign(math.inf, estimate)


def _dersimonian_laird(yi, vi):
    """tau² = max(0, (Q - (k - 1)) / (sum(w) - sum(w²) / sum(w))), DerSimonian & Laird 1986."""
    w = 1 / vi
    excess = cochran_q(yi, vi).QE - (len(yi) - 1)
    return max(0.0, float(excess / (w.sum() - np.sum(w**2) / w.sum())))


def _reml(yi, vi):
    """Restricted maximum likelihood, with metafor's preference for zero over a lower local maximum."""
    yi = yi - yi.mean()
    tau2 = _fisher_scoring(yi, vi)
    if tau2 <= BOUNDARY * typical_variance(vi) and _fisher_step(yi, vi, tau2=0.0) <= 0:
        return 0.0
    if _log_likelihood(yi, vi, tau2=0.0) - _log_likelihood(yi, vi, tau2=tau2) > LIKELIHOOD_MARGIN:
        return 0.0
    return tau2


def _fisher_scoring(yi, vi):
    """tau² by Fisher scoring from Hedges' estimator, steps that leave zero or more being halved.

    Raises
    ------
    ConvergenceError
        No step length of `STEP_LENGTHS` settles within `MAX_STEPS` steps.
    """
    start = max(0.0, float(np.var(yi, ddof=1) - vi.mean()))
    typical = typical_variance(vi)
    for length in STEP_LENGTHS:
        tau2 = start
        for _ in range(MAX_STEPS):
            step = _kept_inside(length * _fisher_step(yi, vi, tau2=tau2), tau2=tau2)
            tau2 += step
            if abs(step) <= STEP_TOLERANCE * length * (tau2 + typical):
                return tau2
    raise ConvergenceError(
        f"REML did not settle on a tau² for {len(yi)} effects in {MAX_STEPS} steps of any length; "
        f"the sampling variances reach from {vi.min():g} to {vi.max():g}, look for one that is mistyped"
    )


def _fisher_step(yi, vi, *, tau2):
    """(y'PPy - tr P) / tr PP for the intercept-only model, in sums instead of k x k matrices.

    P = W - W 1 1' W / sum(w) with W = diag(w), w = 1 / (v + tau²): Viechtbauer 2005, J Educ Behav Stat
    30:261-293. Positive where the restricted likelihood rises with tau².
    """
    w = 1 / (vi + tau2)
    s1, s2, s3 = w.sum(), np.sum(w**2), np.sum(w**3)
    residual = yi - np.sum(w * yi) / s1
    trace_p = s1 - s2 / s1
    trace_pp = s2 - 2 * s3 / s1 + (s2 / s1) ** 2
    return float((np.sum((w * residual) ** 2) - trace_p) / trace_pp)


def _kept_inside(step, *, tau2):
    if tau2 == 0:
        return max(step, 0.0)
    while tau2 + step < 0:
        step /= 2
    return step


def _log_likelihood(yi, vi, *, tau2):
    """Restricted log-likelihood up to a constant, Viechtbauer 2005."""
    w = 1 / (vi + tau2)
    residual = yi - np.sum(w * yi) / w.sum()
    return float((np.sum(np.log(w)) - math.log(w.sum()) - np.sum(w * residual**2)) / 2)
