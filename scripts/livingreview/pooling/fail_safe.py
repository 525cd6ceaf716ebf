"""Fail-safe N: how many unseen studies without effect would undo a result.

Out of favour as evidence about publication bias (Becker 2005), and still asked for. Signs do not matter: the
number refers to the size of the pooled effect, whichever its direction.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from livingreview.pooling.random_effects import checked

TYPES = ("Rosenthal", "Orwin", "Rosenberg")
# A number this near to a whole one is that number; metafor's margin, the square root of machine epsilon.
WHOLE = math.sqrt(np.finfo(float).eps)


@dataclass(frozen=True)
class FailSafe:
    """A fail-safe N.

    Attributes
    ----------
    k : int
        Number of effects.
    type : str
    fsnum : float
        The number of studies, whole; zero if there is nothing to undo, infinite for a target of zero.
    pval : float
        "Rosenthal": of Stouffer's test, one-sided in the direction found; "Rosenberg": of the fixed-effect
        estimate, two-sided; "Orwin": NaN.
    meanes : float
        The average effect ("Orwin": plain or weighted; "Rosenberg": weighted; "Rosenthal": NaN).
    target : float
        "Orwin": the effect to which the average would fall.
    reason : str or None
        Why there are no numbers (all NaN).
    """

    k: int
    type: str
    fsnum: float = math.nan
    pval: float = math.nan
    meanes: float = math.nan
    target: float = math.nan
    reason: str | None = None


def fail_safe_n(yi, vi, *, type="Rosenthal", alpha=0.05, target=None, weighted=False):
    """The fail-safe N.

    Parameters
    ----------
    yi, vi : array-like of shape (k,)
        Effects and sampling variances.
    type : {"Rosenthal", "Orwin", "Rosenberg"}
        "Rosenthal": null results until Stouffer's combined test has p = alpha, one-sided. "Orwin": null
        results until the average effect is `target`. "Rosenberg": null results of average precision until the
        fixed-effect estimate has p = alpha, two-sided.
    alpha : float
        Level of the test.
    target : float, optional
        For "Orwin"; half of the average by default. Its sign is taken from the average.
    weighted : bool
        For "Orwin": average by inverse variances.

    Returns
    -------
    FailSafe

    Raises
    ------
    ValueError
        Invalid effects or options.

    References
    ----------
    Rosenthal 1979, Psychol Bull 86:638-641; Orwin 1983, J Educ Stat 8:157-159; Rosenberg 2005, Evolution
    59:464-468. Values: ``fsn()`` of metafor 3.8, which rounds up.
    """
    yi, vi = checked(yi, vi)
    if type not in TYPES:
        raise ValueError(f"type {type!r} is not known; allowed: {', '.join(TYPES)}")
    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha {alpha!r} must lie between 0 and 0.5")
    if target is not None and not math.isfinite(target):
        raise ValueError(f"target {target!r} must be finite")
    if len(yi) == 0:
        return FailSafe(0, type, reason="no effects")
    if type == "Rosenthal":
        return _rosenthal(yi, vi, alpha=alpha)
    if type == "Rosenberg":
        return _rosenberg(yi, vi, alpha=alpha)
    return _orwin(yi, vi, target=target, weighted=weighted)


def _rosenthal(yi, vi, *, alpha):
    k = len(yi)
    stouffer = abs(float(np.sum(yi / np.sqrt(vi)))) / math.sqrt(k)
    number = k * (stouffer / float(ndtri(alpha))) ** 2 - k
    return FailSafe(k, "Rosenthal", fsnum=_whole(number), pval=float(ndtr(-stouffer)))


def _rosenberg(yi, vi, *, alpha):
    k, w = len(yi), 1 / vi
    total, weighted = float(w.sum()), float(np.sum(w * yi))
    number = k * ((weighted / float(ndtri(alpha / 2))) ** 2 - total) / total
    pval = float(2 * ndtr(-abs(weighted) / math.sqrt(total)))
    return FailSafe(k, "Rosenberg", fsnum=_whole(number), pval=pval, meanes=weighted / total)


def _orwin(yi, vi, *, target, weighted):
    k = len(yi)
    mean = float(np.average(yi, weights=1 / vi if weighted else None))
    target = mean / 2 if target is None else float(target)
    if target == 0:
        return FailSafe(k, "Orwin", fsnum=math.inf, meanes=mean, target=0.0)
    if np.sign(target) != np.sign(mean):
        target = -target
    return FailSafe(k, "Orwin", fsnum=_whole(k * (mean - target) / target), meanes=mean, target=target)


def _whole(number):
    """Rounded up, and not below zero."""
    number = max(0.0, number)
    nearest = round(number)
    return float(nearest if abs(number - nearest) < WHOLE else math.ceil(number))
