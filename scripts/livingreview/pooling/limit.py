"""Limit meta-analysis: the effect as all studies become endlessly precise.

The small-study effect is a part of the random-effects model: y_i = beta + sqrt(v_i + tau²) (alpha + e_i) with
standard normal e_i. alpha is the bias; as v_i goes to zero the mean goes to beta + tau alpha.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from scipy.special import chdtrc, ndtr, ndtri

from livingreview.pooling import random_effects
from livingreview.pooling.heterogeneity import cochran_q
from livingreview.pooling.random_effects import checked
from livingreview.pooling.reasons import too_few
from livingreview.pooling.small_study import INTERPRETABLE_K, MIN_K, advice_on
from livingreview.pooling.terms import checked_level
from livingreview.pooling.weighted_line import fit_line, varies

VARIANTS = ("beta0", "betalim", "mulim")


@dataclass(frozen=True)
class Limit:
    """A limit meta-analysis.

    Attributes
    ----------
    k : int
        Number of effects.
    variant : str
    estimate, se, ci_low, ci_high, stat, pval : float
        The adjusted effect; normal test and interval.
    alpha, beta : float
        Intercept and slope of the generalised radial plot: the small-study effect in standard deviations of
        an effect, and the effect in the model with it.
    tau2 : float
        Variance of true effects, from the random-effects model without small-study effect.
    G2 : float
        Share of the variation of the limit effects, in percent, that a small-study effect leaves unexplained.
    Q, Q_small, Q_small_p, Q_resid, Q_resid_p : float
        Cochran's Q and its parts: the small-study effect (1 degree of freedom), the rest (k - 2).
    limit_yi : array of shape (k,)
        The effects in the limit, shrunk towards beta.
    interpretable : bool
        At least `small_study.INTERPRETABLE_K` effects.
    advice : str
        What to bear in mind, in words. May be empty.
    reason : str or None
        Why there are no numbers (all NaN).
    """

    k: int
    variant: str
    estimate: float = math.nan
    se: float = math.nan
    ci_low: float = math.nan
    ci_high: float = math.nan
    stat: float = math.nan
    pval: float = math.nan
    alpha: float = math.nan
    beta: float = math.nan
    tau2: float = math.nan
    G2: float = math.nan
    Q: float = math.nan
    Q_small: float = math.nan
    Q_small_p: float = math.nan
    Q_resid: float = math.nan
    Q_resid_p: float = math.nan
    limit_yi: np.ndarray = field(default_factory=lambda: np.empty(0))
    interpretable: bool = False
    advice: str = ""
    reason: str | None = None


def limit_meta_analysis(yi, vi, *, variant="beta0", method="REML", level=0.95):
    """Limit meta-analysis.

    Parameters
    ----------
    yi, vi : array-like of shape (k,)
        Effects and sampling variances.
    variant : {"beta0", "betalim", "mulim"}
        "beta0": beta + tau alpha, the mean in the limit, the small-study effect included; "betalim": the
        slope of the radial plot of the limit effects; "mulim": the slope of the line through its origin,
        which leaves the small-study effect out.
    method : str
        Of tau², as in `random_effects.fit`.
    level : float
        Of the interval.

    Returns
    -------
    Limit

    Raises
    ------
    ValueError
        Invalid effects or options.
    ConvergenceError
        tau² did not settle.

    Notes
    -----
    alpha and beta are least squares of y / s on 1 / s with s = sqrt(v + tau²). The limit effects are
    beta + tau / s (y - beta), and keep their standard errors sqrt(v).

    The standard error of "beta0" is that of beta + tau alpha as estimated together, with residual variance
    one: the root of var(beta) + tau² var(alpha) + 2 tau cov(alpha, beta), tau taken as known, as in recent
    versions of metasens. Its older ones take the slope's, 1 / (sd(1 / sqrt(v)) sqrt(k - 1)), whatever tau:
    in simulation (k = 20, tau = 0.3, standard errors 0.08 to 0.5) that covers 79%, the other 94%. For
    "betalim" that of the slope is kept, as in metasens, and for "mulim" the common effect's: with
    heterogeneity the intervals of these two are too narrow.

    References
    ----------
    Rücker, Schwarzer, Carpenter, Binder & Schumacher 2011, Biostatistics 12:122-142; Rücker, Carpenter &
    Schwarzer 2011, Biom J 53:351-368. Values: R's ``lm()``, formulas as in metasens' ``limitmeta()``.
    """
    yi, vi = checked(yi, vi)
    if variant not in VARIANTS:
        raise ValueError(f"variant {variant!r} is not known; allowed: {', '.join(VARIANTS)}")
    checked_level(level)
    k, sei = len(yi), np.sqrt(vi)
    if k < MIN_K:
        return Limit(k, variant, reason=too_few(k, MIN_K))
    if not varies(sei, 1 / vi):
        return Limit(k, variant, reason=f"the standard error is the same in all {k} studies")
    tau2 = random_effects.fit(yi, vi, method=method, test="z").tau2
    # The radial plot is the funnel seen along its weights: regressing y / s on 1 / s is weighted regression
    # of y on s, with intercept and slope changing places.
    total = np.sqrt(vi + tau2)
    radial = fit_line(total, yi, 1 / total**2)
    alpha, beta = radial.slope, radial.intercept
    limit_yi = beta + math.sqrt(tau2) / total * (yi - beta)
    in_limit = fit_line(sei, limit_yi, 1 / vi)
    if variant == "beta0":
        estimate = beta + math.sqrt(tau2) * alpha
        se = math.sqrt(_variance_at(math.sqrt(tau2), radial, total))
    elif variant == "betalim":
        estimate, se = in_limit.intercept, math.sqrt(in_limit.var_intercept)
    else:
        estimate, se = float(np.average(limit_yi, weights=1 / vi)), float(1 / math.sqrt(np.sum(1 / vi)))
    return Limit(
        k=k,
        variant=variant,
        **_test(estimate, se, level=level),
        alpha=alpha,
        beta=beta,
        tau2=tau2,
        G2=_unexplained(limit_yi, vi, in_limit),
        **_parts_of_q(yi, vi),
        limit_yi=limit_yi,
        interpretable=k >= INTERPRETABLE_K,
        advice=advice_on(k),
    )


def _variance_at(x, line, sei):
    """Variance of a line at x, its weights being the inverse variances sei**-2."""
    w = sei**-2
    centre = float(np.sum(w * sei) / w.sum())
    return float(1 / w.sum()) + (x - centre) ** 2 * line.var_slope


def _test(estimate, se, *, level):
    half = -float(ndtri((1 - level) / 2)) * se
    stat = estimate / se if se > 0 else math.nan
    return {
        "estimate": estimate,
        "se": se,
        "ci_low": estimate - half,
        "ci_high": estimate + half,
        "stat": stat,
        "pval": float(2 * ndtr(-abs(stat))),
    }


def _unexplained(limit_yi, vi, line):
    """1 - R² of the radial plot of the limit effects, in percent.

    Its response is y / sqrt(v), whose sum of squares is about a plain, not a weighted, mean.
    """
    z = limit_yi / np.sqrt(vi)
    total = float(np.sum((z - z.mean()) ** 2))
    return 100 * line.rss / total if total > 0 else math.nan


def _parts_of_q(yi, vi):
    k = len(yi)
    q = cochran_q(yi, vi).QE
    rest = fit_line(np.sqrt(vi), yi, 1 / vi).rss
    small = max(0.0, q - rest)
    return {
        "Q": q,
        "Q_small": small,
        "Q_small_p": float(chdtrc(1, small)),
        "Q_resid": rest,
        "Q_resid_p": float(chdtrc(k - 2, rest)),
    }
