"""Means and standard deviations of an arm, from what else is printed of it.

Every function takes and returns the outcome's own unit; spreads are standard deviations, never variances.
"""

from math import inf, sqrt

import numpy as np
import scipy  # its parts load at their first use; not every step that loads this reckons with it

# The formulas for medians were made for arms of 4 Q + 1 people with Q from 1 on; below that the divisors and
# the critical values of skewness lose their meaning (metafor's conv.fivenum() leaves such arms out too).
MIN_N_OF_MEDIANS = 5


def sd_from_se(se, n):
    """Standard deviation from the standard error of a mean: se sqrt(n) (Cochrane Handbook 6.5.2.2)."""
    return np.multiply(se, np.sqrt(n))[()]


def sd_from_ci(low, high, n, *, level=0.95):
    """Standard deviation from the confidence interval of a mean.

    Parameters
    ----------
    low, high : array-like
        Limits of the interval.
    n : array-like
        Size of the arm, 2 or more.
    level : float
        Level of the interval.

    Returns
    -------
    float or array
        sqrt(n) (high - low) / (2 t), with t of n - 1 degrees of freedom at every size: the Handbook asks for
        it in small arms, and in large ones it is the normal quantile.

    Raises
    ------
    ValueError
        `high` is not above `low`, or an arm is smaller than 2.

    References
    ----------
    Cochrane Handbook 6, section 6.5.2.2.
    """
    low, high, n = (np.asarray(x, dtype=float) for x in (low, high, n))
    if not (high > low).all() or not (n >= 2).all():
        raise ValueError("an interval of a mean needs high above low and an arm of 2 or more")
    return (np.sqrt(n) * (high - low) / (2 * scipy.special.stdtrit(n - 1, (1 + level) / 2)))[()]


def pooled_sd_from_difference(se, n_1, n_2):
    """Standard deviation within arms, from the standard error of a difference of two means.

    se / sqrt(1 / n_1 + 1 / n_2): the average of the arms' standard deviations (Cochrane Handbook 6.5.2.3).
    """
    return (np.asarray(se) / np.sqrt(1 / np.asarray(n_1, dtype=float) + 1 / np.asarray(n_2, dtype=float)))[()]


def difference_se_from_ci(low, high, df, *, level=0.95):
    """Standard error of a difference of means, from its t-based confidence interval with `df`.

    (high - low) / (2 t): Cochrane Handbook 6.5.2.3.

    Raises
    ------
    ValueError
        `high` is not above `low`, or `df` is below 1.
    """
    low, high, df = (np.asarray(x, dtype=float) for x in (low, high, df))
    if not (high > low).all() or not (df >= 1).all():
        raise ValueError("an interval of a difference needs high above low and 1 degree of freedom or more")
    return ((high - low) / (2 * scipy.special.stdtrit(df, (1 + level) / 2)))[()]


def change_sd(sd_before, sd_after, correlation):
    """Standard deviation of a change.

    sqrt(sd_before² + sd_after² - 2 correlation sd_before sd_after): Cochrane Handbook 6.5.2.8. `correlation`
    has no default, since none is safe.

    Raises
    ------
    ValueError
        `correlation` is not between -1 and 1.
    """
    if not (np.abs(correlation) <= 1).all():
        raise ValueError(f"correlation {correlation!r}; allowed: from -1 to 1")
    product = np.multiply(correlation, np.multiply(sd_before, sd_after))
    return np.sqrt(np.square(sd_before) + np.square(sd_after) - 2 * product)[()]


def correlation_from_change(sd_before, sd_after, sd_change):
    """Correlation of before and after, from the three standard deviations (Cochrane Handbook 6.5.2.8)."""
    squares = np.square(sd_before) + np.square(sd_after) - np.square(sd_change)
    return (squares / (2 * np.multiply(sd_before, sd_after)))[()]


def combine_groups(*, n_1, mean_1, sd_1, n_2, mean_2, sd_2):
    """Two groups of people as one arm: (n, mean, sd), exactly what their pooled records would give.

    For more than two, combine the first two and then each next. Cochrane Handbook 6.5.2.10, table 6.5.a.
    """
    n = n_1 + n_2
    mean = (n_1 * mean_1 + n_2 * mean_2) / n
    between = n_1 * n_2 / n * (mean_1 - mean_2) ** 2
    return n, mean, sqrt(((n_1 - 1) * sd_1**2 + (n_2 - 1) * sd_2**2 + between) / (n - 1))


def scenario(*, q1, q3, low, high):
    """What is printed beside a median: "S1" extremes, "S2" quartiles, "S3" both, or None (NaN is missing)."""
    quartiles, extremes = not np.isnan([q1, q3]).any(), not np.isnan([low, high]).any()
    return {(True, True): "S3", (True, False): "S2", (False, True): "S1"}.get((quartiles, extremes))


def _five(median, n, *, q1, q3, low, high):
    """The scenario of five numbers whose order holds."""
    found = scenario(q1=q1, q3=q3, low=low, high=high)
    if found is None:
        raise ValueError("a median needs both quartiles, or both extremes, beside it")
    if not n >= MIN_N_OF_MEDIANS:
        raise ValueError(f"a median in an arm of {n:g}; allowed: {MIN_N_OF_MEDIANS} or more")
    numbers = [x for x in (low, q1, median, q3, high) if not np.isnan(x)]
    if numbers != sorted(numbers) or np.isnan(median):
        raise ValueError("minimum, first quartile, median, third quartile, maximum are not in order")
    return found


def mean_luo(median, n, *, q1=np.nan, q3=np.nan, low=np.nan, high=np.nan):
    """Mean of an arm from its median with quartiles, extremes or both, weighted by the size of the arm.

    Parameters
    ----------
    median, q1, q3, low, high : float
        NaN where not printed.
    n : float
        Size of the arm, `MIN_N_OF_MEDIANS` or more.

    Raises
    ------
    ValueError
        Neither pair is whole, the numbers are not in order, or the arm is too small.

    References
    ----------
    Luo et al. 2018, Stat Methods Med Res 27:1785-1805, equations 7 (S1), 11 (S2) and 15 (S3).
    """
    found = _five(median, n, q1=q1, q3=q3, low=low, high=high)
    if found == "S1":
        weight = 4 / (4 + n**0.75)
        return weight * (low + high) / 2 + (1 - weight) * median
    if found == "S2":
        weight = 0.7 + 0.39 / n
        return weight * (q1 + q3) / 2 + (1 - weight) * median
    outer, inner = 2.2 / (2.2 + n**0.75), 0.7 - 0.72 / n**0.55
    return outer * (low + high) / 2 + inner * (q1 + q3) / 2 + (1 - outer - inner) * median


def mean_wan(median, n, *, q1=np.nan, q3=np.nan, low=np.nan, high=np.nan):
    """Mean of an arm by weights that do not know its size; parameters as in `mean_luo`.

    References
    ----------
    Wan et al. 2014, BMC Med Res Methodol 14:135, scenarios C1 (here S1; Hozo 2005, without its term in
    1 / n), C3 (S2; equation 14) and C2 (S3; Bland 2015, equation 10).
    """
    found = _five(median, n, q1=q1, q3=q3, low=low, high=high)
    if found == "S1":
        return (low + 2 * median + high) / 4
    if found == "S2":
        return (q1 + median + q3) / 3
    return (low + 2 * q1 + 2 * median + 2 * q3 + high) / 8


def _range_divisor(n):
    return 2 * scipy.special.ndtri((n - 0.375) / (n + 0.25))


def _quartile_divisor(n):
    return 2 * scipy.special.ndtri((0.75 * n - 0.125) / (n + 0.25))


def sd_wan(median, n, *, q1=np.nan, q3=np.nan, low=np.nan, high=np.nan):
    """Standard deviation of an arm from quartiles, extremes or both; parameters as in `mean_luo`.

    References
    ----------
    Wan et al. 2014, BMC Med Res Methodol 14:135, equations 9 (C1, here S1), 16 (C3, S2) and 13 (C2, S3):
    Blom's scores stand for expected order statistics, and S3 is the plain average of the other two. Up to
    n = 50 (S1) and 201 (S2) the paper also tabulates these divisors as integrated numerically; the closed
    form, which metafor uses at every n, is within 2% of them.
    """
    found = _five(median, n, q1=q1, q3=q3, low=low, high=high)
    by_range, by_quartiles = (high - low) / _range_divisor(n), (q3 - q1) / _quartile_divisor(n)
    return {"S1": by_range, "S2": by_quartiles, "S3": (by_range + by_quartiles) / 2}[found]


def sd_shi(median, n, *, q1=np.nan, q3=np.nan, low=np.nan, high=np.nan):
    """As `sd_wan`, but with a weight in S3 that depends on the size of the arm.

    In normal samples of 5 its mean squared error is a fifth less than that of the plain average, of 80 the
    same.

    References
    ----------
    Shi et al. 2020, Res Synth Methods 11:641-654, equation 10: weight 1 / (1 + 0.07 n^0.6) for the range.
    """
    found = _five(median, n, q1=q1, q3=q3, low=low, high=high)
    if found != "S3":
        return sd_wan(median, n, q1=q1, q3=q3, low=low, high=high)
    weight = 1 / (1 + 0.07 * n**0.6)
    return weight * (high - low) / _range_divisor(n) + (1 - weight) * (q3 - q1) / _quartile_divisor(n)


def skewness(median, n, *, q1=np.nan, q3=np.nan, low=np.nan, high=np.nan):
    """Whether the five numbers speak against a symmetric distribution, at the level 0.05.

    Parameters
    ----------
    median, n, q1, q3, low, high : float
        As in `mean_luo`.

    Returns
    -------
    tuple
        (statistic, critical value); the statistic above the critical value means skewed. A statistic of no
        spread at all is 0.

    References
    ----------
    Shi et al. 2023, Stat Methods Med Res 32:1338-1360, tests T1 (S1), T2 (S2), T3 (S3) with the approximate
    critical values as published (the preprint of 2020 has others in the second digit).
    """
    found = _five(median, n, q1=q1, q3=q3, low=low, high=high)
    outer = _ratio(low + high - 2 * median, high - low)
    inner = _ratio(q1 + q3 - 2 * median, q3 - q1)
    if found == "S1":
        return outer, 1 / np.log(n + 9) + 2.5 / (n + 1)
    if found == "S2":
        return inner, 2.65 / sqrt(n) - 6 / n**2
    return max(2.65 * np.log(0.6 * n) / sqrt(n) * outer, inner), 3 / sqrt(n) - 40 / n**3


def _ratio(numerator, denominator):
    """Size of a ratio; equal numbers have no skew, and a skew without spread is without bound."""
    if denominator == 0:
        return 0.0 if numerator == 0 else inf
    return abs(numerator / denominator)
