"""How much effects differ beyond chance: Cochran's Q, I² and H²."""

import math
from dataclasses import dataclass

import numpy as np
import scipy  # its parts load at their first use; not every step that loads this reckons with it


@dataclass(frozen=True)
class Heterogeneity:
    """Cochran's test: the statistic, its degrees of freedom and its p-value (NaN below two effects)."""

    QE: float
    QE_df: int
    QE_p: float


def cochran_q(yi, vi):
    """Cochran's Q test of homogeneity.

    Parameters
    ----------
    yi : array of shape (k,)
        Effects.
    vi : array of shape (k,)
        Their sampling variances (not standard errors), all above zero.

    Returns
    -------
    Heterogeneity
        ``QE`` is sum(w (y - m)²) with w = 1 / v and m the w-weighted mean, compared with chi-squared on k - 1
        degrees of freedom. NaN below two effects, where nothing can be tested; metafor prints 0 and 1 there.

    References
    ----------
    Cochran 1954, Biometrics 10:101-129; Higgins & Thompson 2002, Stat Med 21:1539-1558.
    """
    k = len(yi)
    if k < 2:
        return Heterogeneity(QE=math.nan, QE_df=max(k - 1, 0), QE_p=math.nan)
    w = 1 / vi
    centred = yi - yi.mean()
    q = float(np.sum(w * (centred - np.sum(w * centred) / np.sum(w)) ** 2))
    return Heterogeneity(QE=q, QE_df=k - 1, QE_p=float(scipy.special.chdtrc(k - 1, q)))


def typical_variance(vi):
    """The "typical" within-study variance of a set of effects.

    Parameters
    ----------
    vi : array of shape (k,)
        Sampling variances, all above zero, k at least 2.

    Returns
    -------
    float
        s² = (k - 1) sum(w) / (sum(w)² - sum(w²)) with w = 1 / v; a variance.

    References
    ----------
    Higgins & Thompson 2002, Stat Med 21:1539-1558 (there called s²).
    """
    w = 1 / vi
    return float((len(vi) - 1) / (w.sum() - np.sum(w**2) / w.sum()))


def i2_h2(vi, *, tau2):
    """I² (percent) and H² from the between-study variance.

    Defined through tau², not through Q: I² = 100 tau² / (tau² + s²) and H² = (tau² + s²) / s², with s² the
    `typical_variance`. With the DerSimonian-Laird tau² this equals the form in Q; with REML it does not.

    Parameters
    ----------
    vi : array of shape (k,)
        Sampling variances, all above zero.
    tau2 : float
        Between-study variance.

    Returns
    -------
    tuple of float
        I² in percent (0 to 100) and H² (1 or more); NaN below two effects.

    References
    ----------
    Higgins & Thompson 2002, Stat Med 21:1539-1558; Viechtbauer 2010, J Stat Softw 36(3).
    """
    if len(vi) < 2:
        return math.nan, math.nan
    typical = typical_variance(vi)
    return 100 * tau2 / (tau2 + typical), tau2 / typical + 1


def i2_h2_from_q(QE, QE_df):
    """I² (percent) and H² from Cochran's Q.

    I² = 100 max(0, (Q - df) / Q) and H² = Q / df: the definition that DerSimonian and Laird's tau² implies,
    that RevMan and older reviews print, and that metafor gives for fixed-effect models.

    Parameters
    ----------
    QE : float
        Cochran's Q.
    QE_df : int
        Its degrees of freedom.

    Returns
    -------
    tuple of float
        I² in percent (0 to below 100) and H² (which may be below 1); NaN without degrees of freedom.

    References
    ----------
    Higgins & Thompson 2002, Stat Med 21:1539-1558; Higgins et al. 2003, BMJ 327:557-560.
    """
    if QE_df < 1 or math.isnan(QE):
        return math.nan, math.nan
    return (100 * max(0.0, (QE - QE_df) / QE) if QE > 0 else 0.0), QE / QE_df
