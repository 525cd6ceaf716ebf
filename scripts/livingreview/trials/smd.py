"""Hedges' g and its sampling variance, from each form in which trials print an effect.

Variances are sampling variances, not standard errors. `favouring_negative` turns an effect so that a negative
one favours the treatment (arm 1).
"""

import numpy as np
import scipy  # its parts load at their first use; not every step that loads this reckons with it

# The effect types that become a standardised mean difference without an assumption on the distribution.
STANDARDISED = ("means", "hedges_g", "cohen_d")

# What the sign of a printed effect means; the factor turns it to "negative favours treatment".
DIRECTIONS = {
    "positive favours treatment": lambda x, _: -x,
    "negative favours treatment": lambda x, _: x,
    "favours treatment": lambda x, _: -abs(x),
    "favours control": lambda x, _: abs(x),
    "arm 1 minus arm 2": lambda x, higher_is: -x if higher_is == "better" else x,
}


def hedges_correction(df):
    """The factor J that removes the small-sample bias of Cohen's d.

    Parameters
    ----------
    df : array-like
        Degrees of freedom of the standard deviation, n_1 + n_2 - 2 for two arms.

    Returns
    -------
    float or array
        J = gamma(df / 2) / (sqrt(df / 2) gamma((df - 1) / 2)), the exact form, not 1 - 3 / (4 df - 1).

    Raises
    ------
    ValueError
        `df` is 1 or less, where J is not defined.

    References
    ----------
    Hedges 1981, J Educ Stat 6:107-128.
    """
    df = np.asarray(df, dtype=float)
    if not (df > 1).all():
        raise ValueError(f"the small-sample factor needs more than 1 degree of freedom, not {df.min():g}")
    gammaln = scipy.special.gammaln
    return np.exp(gammaln(df / 2) - np.log(df / 2) / 2 - gammaln((df - 1) / 2))[()]


def smd_variance(g, n_1, n_2):
    """Large-sample variance of Hedges' g.

    Parameters
    ----------
    g : array-like
        Hedges' g.
    n_1, n_2 : array-like
        Arm sizes (may be fractions, where a shared control is divided).

    Returns
    -------
    float or array
        Variance 1 / n_1 + 1 / n_2 + g² / (2 (n_1 + n_2)).

    References
    ----------
    Hedges 1982, Psychol Bull 92:490-499, with g in place of the true value and no factor J²: metafor's
    ``escalc(measure="SMD", vtype="LS")``, its default.
    """
    return 1 / np.asarray(n_1) + 1 / np.asarray(n_2) + np.square(g) / (2 * np.add(n_1, n_2))


def from_means(*, mean_1, sd_1, n_1, mean_2, sd_2, n_2):
    """Hedges' g, arm 1 minus arm 2, from means and standard deviations.

    Parameters
    ----------
    mean_1, sd_1, n_1, mean_2, sd_2, n_2 : array-like
        Mean, standard deviation (not standard error) and size of each arm; sizes above 1.

    Returns
    -------
    tuple
        g and its variance (`smd_variance`). g = J (mean_1 - mean_2) / s with the pooled
        s² = ((n_1 - 1) sd_1² + (n_2 - 1) sd_2²) / (n_1 + n_2 - 2).

    Raises
    ------
    ValueError
        From `hedges_correction`.
    """
    df = np.add(n_1, n_2) - 2
    pooled = ((np.asarray(n_1) - 1) * np.square(sd_1) + (np.asarray(n_2) - 1) * np.square(sd_2)) / df
    return from_cohen_d(np.subtract(mean_1, mean_2) / np.sqrt(pooled), n_1, n_2)


def from_cohen_d(d, n_1, n_2):
    """Hedges' g = J d and its variance, from Cohen's d (pooled standard deviation) and arm sizes.

    Raises
    ------
    ValueError
        From `hedges_correction`.
    """
    g = hedges_correction(np.add(n_1, n_2) - 2) * np.asarray(d)
    return g[()], smd_variance(g, n_1, n_2)


def se_from_ci(low, high, *, level=0.95):
    """Standard error from a symmetric normal interval: (high - low) / (2 z)."""
    return (high - low) / (-2 * scipy.special.ndtri((1 - level) / 2))


def shared_control_increment(n_2, m):
    """What a printed variance lacks when the whole control of n_2 stands in each of m comparisons.

    The mean part of var(g) is 1 / n_1 + 1 / n_2. If each comparison takes its share of the control, n_2 / m,
    it is 1 / n_1 + m / n_2: larger by (m - 1) / n_2. The other part, g² / (2 (n_1 + n_2)), stays as printed:
    for arms of one size and m = 2 it would add another g² / 12 of the increment, one per cent at g = 0.35.

    References
    ----------
    Cochrane Handbook 6, section 23.3.4 (dividing a shared group).
    """
    return (m - 1) / n_2


def favouring_negative(value, *, direction, higher_is=None):
    """A printed effect with its sign turned so that negative favours the treatment.

    Parameters
    ----------
    value : float
        The effect as printed.
    direction : str
        What its sign means; a key of `DIRECTIONS`. "favours treatment" is a size printed without sign.
    higher_is : {"worse", "better"}, optional
        Whether a higher score is worse; needed for "arm 1 minus arm 2".

    Raises
    ------
    ValueError
        `direction` says nothing about a difference of means.
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"printed_direction {direction!r} gives no sign; allowed: {', '.join(DIRECTIONS)}")
    return DIRECTIONS[direction](value, higher_is) + 0.0
