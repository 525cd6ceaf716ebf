"""Estimators of tau2, the variance of true effects, with and without moderators.

Names are metafor's. All take a model of `weighting`, which knows the effects, their variances and the design.
"""

import math
from typing import NamedTuple

import numpy as np
import scipy  # its parts load at their first use; optimize is slow

from livingreview.pooling.weighting import projection

# Scoring stops when a step is below this share of tau2 plus the typical sampling variance: ten digits below
# what any report prints, a thousand times above the noise of double arithmetic.
STEP_TOLERANCE = 1e-13
# A tau2 below this share of the typical variance is the boundary reached by halving; it is then exactly zero.
BOUNDARY = 1e-10
# Enough for slow, linear convergence near the boundary (about 45 halvings) with a wide margin.
MAX_STEPS = 1000
# Full steps can oscillate when sampling variances differ widely; metafor's manual advises smaller ones then.
STEP_LENGTHS = (1.0, 0.5, 0.25, 0.125)
# A step below this share is within the basin of one maximum, where the secant may take over.
NEAR = 1e-2
# metafor's margin (machine epsilon to the power 1/4) for preferring tau2 = 0 over a lower local maximum.
LIKELIHOOD_MARGIN = np.finfo(float).eps ** 0.25
# Points at which the profile is looked at when scoring fails; neighbours are about 10% apart.
GRID = 600
# Newton's steps on 1 / Q rise to the root, nearly in a straight line; a handful is usual.
MAX_ROOT_STEPS = 500

FIXED = ("FE", "EE", "CE")
LABELS = {
    "REML": "REML",
    "DL": "DerSimonian-Laird",
    "ML": "maximum likelihood",
    "PM": "Paule-Mandel",
    "PMM": "Paule-Mandel, median-unbiased",
    "EB": "empirical Bayes",
    "HE": "Hedges",
    "HS": "Hunter-Schmidt",
    "HSk": "Hunter-Schmidt, corrected for small k",
    "SJ": "Sidik-Jonkman",
    "GENQ": "generalised Q",
    "FE": "fixed effect",
    "EE": "equal effects",
    "CE": "common effect",
}


class ConvergenceError(ArithmeticError):
    """The iterations for tau2 did not settle."""


class Between(NamedTuple):
    """tau2 (zero or more; exactly zero on the boundary) and how it was found.

    `solver` is "closed form", "Newton", "Fisher scoring", or "bracketing" where scoring did not settle and
    the maximum was found on a grid over an interval that is certain to hold it.
    """

    tau2: float
    solver: str


def estimate(model, *, method, weights=None):
    """tau2 by one of the methods in `LABELS`.

    Parameters
    ----------
    model : MeanModel or RegressionModel
        With k above p, unless the method is a fixed one.
    method : str
        A key of `LABELS`.
    weights : array of shape (k,), optional
        The weights of the generalised Q statistic, for "GENQ" alone.

    Returns
    -------
    Between

    Raises
    ------
    ConvergenceError
        Neither scoring nor bracketing found a maximum, or Newton's method no root.

    References
    ----------
    Viechtbauer 2005, J Educ Behav Stat 30:261-293 (HE, HS, DL, ML, REML); DerSimonian & Laird 1986; Hedges &
    Olkin 1985; Hunter & Schmidt 2004 and Brannick et al. 2019, Multivariate Behav Res 54:474-491 (HS, HSk);
    Sidik & Jonkman 2005, J R Stat Soc C 54:367-384; Paule & Mandel 1982; Morris 1983 (EB, whose equation has
    Paule and Mandel's root); DerSimonian & Kacker 2007, Contemp Clin Trials 28:105-114; Viechtbauer
    2021 (PMM).
    """
    if method in FIXED:
        return Between(0.0, "closed form")
    if method in ("REML", "ML"):
        return _likelihood(model, restricted=method == "REML")
    df = model.k - model.p
    if method in ("PM", "EB"):
        return Between(generalised_q_root(model, df), "Newton")
    if method == "PMM":
        return Between(generalised_q_root(model, float(scipy.special.chdtri(df, 0.5))), "Newton")
    return Between(max(0.0, _moment(model, method=method, weights=weights)), "closed form")


def generalised_q_root(model, target):
    """The tau2 at which y'Py equals `target`, or zero where it is below that already at zero.

    Notes
    -----
    1 / Q is concave and rises with tau2, so that Newton's steps on it from zero never pass the root.

    Raises
    ------
    ConvergenceError
        The steps do not end within `MAX_ROOT_STEPS`.
    """
    tau2 = 0.0
    for _ in range(MAX_ROOT_STEPS):
        at = model.moments(tau2)
        # A step back is rounding at the root itself.
        if at.q <= target or at.ypp <= 0:
            return tau2
        step = (at.q / target - 1) * at.q / at.ypp
        tau2 += step
        if step <= 1e-15 * tau2:
            return tau2
    raise ConvergenceError(
        f"the generalised Q statistic of {model.k} effects was not brought to {target:g} in {MAX_ROOT_STEPS} "
        f"steps; {_reach(model)}"
    )


def _moment(model, *, method, weights):
    if method == "HE":
        return model.residual_variance() - model.variance_left()
    if method == "SJ":
        return _sidik_jonkman(model)
    if method == "GENQ":
        p = projection(model, weights)
        y = model.yi - model.yi.mean() if model.intercept else model.yi
        return float((y @ p @ y - np.diag(p) @ model.vi) / np.trace(p))
    at = model.at_zero
    if method == "DL":
        return (at.q - (model.k - model.p)) / at.tr_p
    if method == "HS":
        return (at.q - model.k) / at.sum_w
    return (at.q * model.k / (model.k - model.p) - model.k) / at.sum_w


def _crude_variance(model):
    """Sidik and Jonkman's start: the mean squared deviation of the effects, also with moderators."""
    return float(np.mean((model.yi - model.yi.mean()) ** 2))


def _sidik_jonkman(model):
    start = _crude_variance(model)
    # Equal effects leave nothing to scale by.
    return start * model.moments(start).q / (model.k - model.p) if start > 0 else 0.0


def _likelihood(model, *, restricted):
    """(RE)ML, with metafor's preference for zero over a lower local maximum."""
    found = _scored(model, restricted=restricted)
    solver = "Fisher scoring" if found is not None else "bracketing"
    tau2 = found if found is not None else _bracketed(model, restricted=restricted)
    if tau2 == 0:
        return Between(0.0, solver)
    at_zero = model.at_zero
    typical = (model.k - model.p) / at_zero.tr_p
    if tau2 <= BOUNDARY * typical and _step(at_zero, restricted=restricted) <= 0:
        return Between(0.0, solver)
    gain = model.log_likelihood(0.0, restricted=restricted) - model.log_likelihood(
        tau2, restricted=restricted
    )
    return Between(0.0 if gain > LIKELIHOOD_MARGIN else tau2, solver)


def _step(at, *, restricted):
    """Fisher's step: (y'PPy - tr P) / tr PP by REML, (y'PPy - tr W) / tr WW by ML; Viechtbauer 2005."""
    if restricted:
        return (at.ypp - at.tr_p) / at.tr_pp
    return (at.ypp - at.sum_w) / at.sum_w2


def _scored(model, *, restricted):
    """tau2 by Fisher scoring from Hedges' estimator, or None if no step length settles."""
    start = max(0.0, _moment(model, method="HE", weights=None))
    for length in STEP_LENGTHS:
        found = _scored_with(model, start=start, length=length, restricted=restricted)
        if found is not None:
            return found
    return None


def _scored_with(model, *, start, length, restricted):
    """Steps that leave zero or more being halved, with the secant of two steps once they are small."""
    typical = (model.k - model.p) / model.at_zero.tr_p
    tau2, before = start, None
    for _ in range(MAX_STEPS):
        step = _step(model.moments(tau2), restricted=restricted)
        if not math.isfinite(step):
            return None
        taken = _kept_inside(length * step, tau2=tau2)
        scale = tau2 + typical
        if abs(taken) <= STEP_TOLERANCE * length * scale:
            return tau2 + taken
        if taken != length * step and tau2 < 1e-3 * model.smallest_variance:
            # So near to zero the likelihood has no room for another maximum.
            if _step(model.at_zero, restricted=restricted) <= 0:
                return 0.0
        elif before is not None and abs(step) < NEAR * scale:
            taken = _secant(step, tau2=tau2, before=before) or taken
        before = (tau2, step)
        tau2 += taken
    return None


def _secant(step, *, tau2, before):
    """The step to the root of the line through two steps, if they fall towards a maximum above zero."""
    tau2_before, step_before = before
    if tau2 == tau2_before:
        return None
    slope = (step - step_before) / (tau2 - tau2_before)
    return -step / slope if slope < -0.01 and tau2 - step / slope > 0 else None


def _kept_inside(step, *, tau2):
    if tau2 == 0:
        return max(step, 0.0)
    while tau2 + step < 0:
        step /= 2
    return step


def _bracketed(model, *, restricted):
    """The highest maximum of the likelihood on [0, s² + max(v)], s² the residual variance.

    Above that bound y'PPy <= s² (k - p) max(w)² is below tr P >= (k - p) min(w), so that the likelihood
    falls: the interval is certain to hold the maximum.

    Raises
    ------
    ConvergenceError
        The likelihood is not finite somewhere on the interval.
    """
    top = model.residual_variance() + float(model.vi.max())
    grid = np.append(0.0, np.geomspace(1e-6 * model.smallest_variance, top, GRID))
    steps = [_step(model.moments(tau2), restricted=restricted) for tau2 in grid]
    if not np.isfinite(steps).all():
        raise ConvergenceError(f"the likelihood of {model.k} effects is not finite; {_reach(model)}")

    def slope(tau2):
        return _step(model.moments(tau2), restricted=restricted)

    peaks = [0.0] if steps[0] <= 0 else []
    for low, high, rising, falling in zip(grid, grid[1:], steps, steps[1:], strict=False):
        if rising > 0 >= falling:
            peaks.append(scipy.optimize.brentq(slope, low, high, xtol=1e-300, rtol=1e-14))
    return max(peaks, key=lambda tau2: model.log_likelihood(tau2, restricted=restricted))


def _reach(model):
    return (
        f"the sampling variances reach from {model.vi.min():g} to {model.vi.max():g}, "
        f"look for one that is mistyped"
    )


def standard_error(model, *, tau2, method, weights=None):
    """Large-sample standard error of tau2, as metafor prints it; NaN for a fixed effect.

    Notes
    -----
    A quadratic form y'Ay with AX = 0 has variance 2 tr(AVAV) + 4 tau2 tr(AVA) + 2 tau2² tr(AA), with V the
    diagonal of sampling variances; moment estimators are such forms. ML and REML: the expected information.
    Makes (k, k) arrays.

    References
    ----------
    Viechtbauer 2005, J Educ Behav Stat 30:261-293; Jackson, Turner, Rhodes & Viechtbauer 2014.
    """
    if method in FIXED:
        return math.nan
    df = model.k - model.p
    at = model.moments(tau2)
    if method == "ML":
        return math.sqrt(2 / at.sum_w2)
    if method == "REML":
        return math.sqrt(2 / at.tr_pp)
    if method in ("PM", "PMM", "EB"):
        # Morris's equation divides by sum(w) where Paule and Mandel's would by tr P; metafor, for both, too.
        return math.sqrt(2 * df) * (model.k / df) / at.sum_w
    if method == "HE":
        a = projection(model, np.ones(model.k)) / df
    elif method == "GENQ":
        a = projection(model, weights)
        a = a / np.trace(a)
    elif method == "SJ":
        start = _crude_variance(model)
        a = projection(model, 1 / (model.vi + start)) * start / df
    else:
        a = projection(model, 1 / model.vi)
        at_zero = model.at_zero
        factor = model.k / df if method == "HSk" else 1.0
        a = a / at_zero.tr_p if method == "DL" else a * factor / at_zero.sum_w
    return math.sqrt(_form_variance(a, model.vi, tau2))


def _form_variance(a, vi, tau2):
    squares = a * a
    by_row = squares @ vi
    return float(2 * vi @ by_row + 4 * tau2 * by_row.sum() + 2 * tau2**2 * squares.sum())
