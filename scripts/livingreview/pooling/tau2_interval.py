"""Confidence intervals for tau2, and for I² and H², which rise with it."""

import math
from typing import NamedTuple

import scipy  # its parts load at their first use; optimize is slow

from livingreview.pooling.between_variance import ConvergenceError, generalised_q_root

# Doublings in the search for the end of an interval; 2^1000 spans every double.
MAX_DOUBLINGS = 1000


class Interval(NamedTuple):
    """Two limits, and whether the interval is in truth empty (both limits are then zero)."""

    low: float
    high: float
    empty: bool = False


UNKNOWN = Interval(math.nan, math.nan)


def q_profile(model, *, level=0.95):
    """The Q-profile interval: each tau2 at which the generalised Q is an unremarkable chi-squared.

    Parameters
    ----------
    model : MeanModel or RegressionModel
        With k above p.
    level : float
        Confidence level.

    Returns
    -------
    Interval
        Exact under normality whichever estimator is used. A limit that would be negative is zero. Where both
        would be (effects more alike than sampling allows), the interval is empty; like metafor's
        ``confint()`` it is then given as zero to zero, with `empty` true.

    References
    ----------
    Viechtbauer 2007, Stat Med 26:37-52; with moderators Jackson et al. 2014, Stat Med 33:4321-4334.
    """
    df = model.k - model.p
    tail = (1 - level) / 2
    largest, smallest = float(scipy.special.chdtri(df, tail)), float(scipy.special.chdtri(df, 1 - tail))
    if model.at_zero.q < smallest:
        return Interval(0.0, 0.0, empty=True)
    return Interval(generalised_q_root(model, largest), generalised_q_root(model, smallest))


def profile_likelihood(model, *, tau2, restricted, level=0.95):
    """Each tau2 whose (restricted) log-likelihood is within chi-squared(1) / 2 of the maximum.

    Parameters
    ----------
    model : MeanModel or RegressionModel
        With k above p.
    tau2 : float
        Where the likelihood is highest.
    restricted : bool
        REML rather than ML.
    level : float
        Confidence level.

    Returns
    -------
    Interval
        The lower limit is zero where zero is inside. Never empty, since it holds the maximum.

    Raises
    ------
    ConvergenceError
        No upper limit is found.

    References
    ----------
    Hardy & Thompson 1996, Stat Med 15:619-629.
    """
    floor = model.log_likelihood(tau2, restricted=restricted) - float(scipy.special.chdtri(1, 1 - level)) / 2

    def above(value):
        return model.log_likelihood(value, restricted=restricted) - floor

    low = 0.0 if tau2 == 0 or above(0.0) >= 0 else _root(above, 0.0, tau2)
    step = tau2 + model.smallest_variance
    for _ in range(MAX_DOUBLINGS):
        if above(tau2 + step) < 0:
            return Interval(low, _root(above, tau2, tau2 + step))
        step *= 2
    raise ConvergenceError(f"no upper limit of tau2 was found up to {tau2 + step:g}")


def _root(function, low, high):
    # Relative precision is what counts; an absolute one would have to know the unit of the effects.
    return scipy.optimize.brentq(function, low, high, xtol=1e-300, rtol=1e-14, maxiter=2000)
