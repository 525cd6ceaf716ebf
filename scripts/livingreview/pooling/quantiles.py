"""Normal, t, chi-squared and F in the form that tests and intervals use; NaN degrees of freedom: normal.

`scipy.special`, not `scipy.stats`: the same numbers in a hundredth of the time, which counts when a model is
fitted to thousands of subsets.
"""

import math

import scipy  # its parts load at their first use; not every step that loads this reckons with it


def upper_quantile(tail, *, df=math.nan):
    """The value that t on `df` degrees of freedom exceeds with probability `tail`; NaN if df is below 1."""
    if math.isnan(df):
        return -float(scipy.special.ndtri(tail))
    return -float(scipy.special.stdtrit(df, tail)) if df >= 1 else math.nan


def two_sided(stat, *, df=math.nan):
    """Two-sided p-value of a t (or z) statistic."""
    if math.isnan(stat):
        return math.nan
    return 2 * float(
        scipy.special.ndtr(-abs(stat)) if math.isnan(df) else scipy.special.stdtr(df, -abs(stat))
    )


def ratio(estimate, se):
    """estimate / se; infinite where the standard error is zero (equal effects after Hartung and Knapp)."""
    if se > 0:
        return estimate / se
    return math.nan if estimate == 0 or math.isnan(se) else math.copysign(math.inf, estimate)


def omnibus_p(stat, *, df, df_residual=math.nan):
    """p-value of a Wald test of `df` coefficients: F if `df_residual` is given (`stat` per df), or chi²."""
    if math.isnan(stat):
        return math.nan
    if math.isinf(stat):
        return 0.0
    return float(
        scipy.special.chdtrc(df, stat)
        if math.isnan(df_residual)
        else scipy.special.fdtrc(df, df_residual, stat)
    )
