"""Trim and fill: effects that a symmetrical funnel would hold, put in, and the pool with them.

A sensitivity analysis, not a correction: it takes all asymmetry for suppression of small studies.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from livingreview.pooling import random_effects
from livingreview.pooling.random_effects import checked
from livingreview.pooling.reasons import too_few
from livingreview.pooling.small_study import INTERPRETABLE_K, MIN_K, advice_on, regression_test

ESTIMATORS = ("L0", "R0", "Q0")
SIDES = ("auto", "left", "right")
# The number of effects to trim settles within a few rounds or runs in a circle; metafor's limit.
MAX_ROUNDS = 100


@dataclass(frozen=True)
class TrimAndFill:
    """What trim and fill found.

    Attributes
    ----------
    k : int
        Effects given.
    estimator : str
    side : str
        Where effects seem to be missing: "left" (low values) or "right".
    k0 : int
        How many seem to be missing.
    se_k0 : float
        Standard error of the estimate of that number (NaN where its variance comes out negative).
    p_k0 : float
        Test that none is missing; for "R0" alone.
    filled_yi, filled_vi : array of shape (k0,)
        The effects put in, and their variances.
    adjusted : random_effects result
        The pool of all, the filled ones last; of those given where k0 = 0. None without result.
    interpretable : bool
        At least `small_study.INTERPRETABLE_K` effects.
    advice : str
        What to bear in mind, in words. May be empty.
    reason : str or None
        Why there is no result.
    """

    k: int
    estimator: str
    side: str = ""
    k0: int = 0
    se_k0: float = math.nan
    p_k0: float = math.nan
    filled_yi: np.ndarray = field(default_factory=lambda: np.empty(0))
    filled_vi: np.ndarray = field(default_factory=lambda: np.empty(0))
    adjusted: object = None
    interpretable: bool = False
    advice: str = ""
    reason: str | None = None


def trim_and_fill(
    yi, vi, *, estimator="L0", side="auto", method="REML", test="knha", level=0.95, limits=None
):
    """Trim and fill.

    Parameters
    ----------
    yi, vi : array-like of shape (k,)
        Effects and sampling variances.
    estimator : {"L0", "R0", "Q0"}
        Of the number missing; Duval and Tweedie recommend L0 and R0.
    side : {"auto", "left", "right"}
        Where effects may be missing. "auto": right if the slope of Egger's regression (with this `method`) is
        negative, that is if small studies show low values, else left.
    method, test, level
        As in `random_effects.fit`, for trimming and for the pool with the filled effects. metafor's
        ``trimfill()`` always tests the latter by z; its estimate and tau2 are the same.
    limits : pair of float, optional
        The range that effects can have; filled ones beyond it are put at its ends. (metafor's `ilim` moves
        effects that were given, too.)

    Returns
    -------
    TrimAndFill
        Without result, and with a reason, for k below `small_study.MIN_K` or where the number missing does
        not settle.

    Raises
    ------
    ValueError
        Invalid effects or options.
    ConvergenceError
        tau2 did not settle.

    References
    ----------
    Duval & Tweedie 2000, Biometrics 56:455-463 and J Am Stat Assoc 95:89-98. Values: metafor's
    ``trimfill()``.
    """
    yi, vi = checked(yi, vi)
    limits = _checked(estimator=estimator, side=side, limits=limits)
    k = len(yi)
    if k < MIN_K:
        return TrimAndFill(k, estimator, reason=too_few(k, MIN_K))
    options = {"method": method, "test": test, "level": level}
    if side == "auto":
        side = _suspected_side(yi, vi, method=method)
    sign = -1.0 if side == "right" else 1.0
    order = np.argsort(sign * yi, kind="stable")
    missing = _trim(sign * yi[order], vi[order], estimator=estimator, method=method)
    if isinstance(missing, str):
        return TrimAndFill(k, estimator, side=side, reason=missing)
    extreme = order[k - missing.k0 :]
    filled = 2 * sign * missing.centre - yi[extreme]
    if limits is not None:
        filled = np.clip(filled, *limits)
    return TrimAndFill(
        k=k,
        estimator=estimator,
        side=side,
        k0=missing.k0,
        se_k0=missing.se_k0,
        p_k0=0.5 ** (missing.k0 + 1) if estimator == "R0" else math.nan,
        filled_yi=filled,
        filled_vi=vi[extreme],
        adjusted=random_effects.fit(np.append(yi, filled), np.append(vi, vi[extreme]), **options),
        interpretable=k >= INTERPRETABLE_K,
        advice=advice_on(k),
    )


def _checked(*, estimator, side, limits):
    if estimator not in ESTIMATORS:
        raise ValueError(f"estimator {estimator!r} is not known; allowed: {', '.join(ESTIMATORS)}")
    if side not in SIDES:
        raise ValueError(f"side {side!r} is not known; allowed: {', '.join(SIDES)}")
    if limits is None:
        return None
    limits = sorted(map(float, limits))
    if len(limits) != 2 or any(map(math.isnan, limits)):
        raise ValueError(f"limits must be the lowest and the highest possible effect, not {limits!r}")
    return limits


def _suspected_side(yi, vi, *, method):
    test = regression_test(yi, vi, predictor="sei", method=method, test="z")
    # Without a slope (all variances equal) metafor goes left as well.
    return "right" if test.slope < 0 else "left"


@dataclass(frozen=True)
class _Missing:
    k0: int
    se_k0: float
    centre: float


def _trim(yi, vi, *, estimator, method):
    """How many of the largest effects lack a counterpart, yi in rising order; or a str, why it is unknown."""
    k, k0 = len(yi), 0
    if yi[0] == yi[-1]:
        return _Missing(0, math.nan, float(yi[0]))
    for _ in range(MAX_ROUNDS):
        before = k0
        centre = random_effects.fit(yi[: k - k0], vi[: k - k0], method=method, test="z").estimate
        raw, se = _number_missing(yi - centre, estimator=estimator)
        if not math.isfinite(raw):
            return f"{estimator} cannot be computed: too few effects are left of the centre"
        k0 = max(0, round(raw))
        if k0 >= k:
            return f"{estimator} would trim all {k} effects"
        if k0 == before:
            return _Missing(k0, se, centre)
    return f"the number of missing effects did not settle in {MAX_ROUNDS} rounds"


def _number_missing(deviation, *, estimator):
    """The estimate before rounding, and its standard error, from deviations in rising order."""
    k = len(deviation)
    rank = np.empty(k)
    rank[np.argsort(np.abs(deviation), kind="stable")] = np.arange(1, k + 1)
    if estimator == "R0":
        if not (deviation < 0).any():
            return math.nan, math.nan
        k0 = k - float(rank[deviation < 0].max()) - 1
        return k0, math.sqrt(2 * max(0.0, k0) + 2)
    s = float(rank[deviation > 0].sum())
    if estimator == "L0":
        k0 = (4 * s - k * (k + 1)) / (2 * k - 1)
        return k0, 4 * _root(_variance_of_ranks(k, k0)) / (2 * k - 1)
    k0 = k - 0.5 - _root(2 * k**2 - 4 * s + 0.25)
    scale = _root((k - 0.5) ** 2 - k0 * (2 * k - k0 - 1))
    return k0, 2 * _root(_variance_of_ranks(k, k0)) / scale if scale > 0 else math.nan


def _variance_of_ranks(k, k0):
    """Variance of the Wilcoxon statistic when k0 effects are missing; Duval & Tweedie 2000."""
    return (
        k * (k + 1) * (2 * k + 1)
        + 10 * k0**3
        + 27 * k0**2
        + 17 * k0
        - 18 * k * k0**2
        - 18 * k * k0
        + 6 * k**2 * k0
    ) / 24


def _root(x):
    return math.sqrt(x) if x >= 0 else math.nan
