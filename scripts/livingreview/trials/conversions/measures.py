"""Effects and their sampling variances from what two arms show: metafor's measures, under their names there.

Each function returns ``(yi, vi)``, floats or arrays of one shape: arm 1 minus arm 2 (or over it, on the log
scale), and a sampling variance, not a standard error. `smd` has Hedges' g from means; here stand its other
variances, its relatives and what becomes an SMD by way of a test or a coefficient.
"""

import numpy as np
import scipy  # its parts load at their first use; not every step that loads this reckons with it

from livingreview.trials.smd import from_cohen_d, from_means, hedges_correction, smd_variance

# Logistic and normal distributions of one spread: sd of the standard logistic, and Cox's closer factor.
LOGISTIC_SD = np.pi / np.sqrt(3)
COX_FACTOR = 1.65


def mean_difference(*, mean_1, sd_1, n_1, mean_2, sd_2, n_2):
    """MD: difference of means and sd_1² / n_1 + sd_2² / n_2 (metafor's "MD", vtype "LS")."""
    return np.subtract(mean_1, mean_2)[()], (np.square(sd_1) / n_1 + np.square(sd_2) / n_2)[()]


def standardised(*, mean_1, sd_1, n_1, mean_2, sd_2, n_2, vtype="LS"):
    """SMD: Hedges' g, with the large-sample ("LS") or the unbiased ("UB") variance.

    Raises
    ------
    ValueError
        `vtype` is not known; from `hedges_correction`.

    References
    ----------
    LS: `smd_variance`. UB: Hedges 1983, Psychol Bull 93:388-395: 1 / n_1 + 1 / n_2 +
    (1 - (m - 2) / (m J²)) g², m = n_1 + n_2 - 2.
    """
    g, vi = from_means(mean_1=mean_1, sd_1=sd_1, n_1=n_1, mean_2=mean_2, sd_2=sd_2, n_2=n_2)
    if vtype == "LS":
        return g, vi
    if vtype != "UB":
        raise ValueError(f"vtype {vtype!r}; allowed: LS, UB")
    m = np.add(n_1, n_2) - 2.0
    share = 1 - (m - 2) / (m * np.square(hedges_correction(m)))
    return g, (1 / np.asarray(n_1, float) + 1 / np.asarray(n_2, float) + share * np.square(g))[()]


def standardised_heteroscedastic(*, mean_1, sd_1, n_1, mean_2, sd_2, n_2):
    """SMDH: standardised by the root of the plain average of the arms' variances.

    References
    ----------
    Bonett 2009, Psychol Methods 14:225-238; as in metafor with the small-sample factor J of n_1 + n_2 - 2,
    and J² before the variance.
    """
    var_1, var_2 = np.square(sd_1), np.square(sd_2)
    average = (var_1 + var_2) / 2
    factor = hedges_correction(np.add(n_1, n_2) - 2.0)
    g = factor * np.subtract(mean_1, mean_2) / np.sqrt(average)
    df_1, df_2 = np.subtract(n_1, 1.0), np.subtract(n_2, 1.0)
    spread = np.square(g) * (np.square(var_1) / df_1 + np.square(var_2) / df_2) / (8 * np.square(average))
    return g[()], (np.square(factor) * (spread + (var_1 / df_1 + var_2 / df_2) / average))[()]


def log_ratio_of_means(*, mean_1, sd_1, n_1, mean_2, sd_2, n_2):
    """ROM: logarithm of the ratio of means (Hedges 1999, Ecology 80:1150-1156, equation 1).

    Raises
    ------
    ValueError
        The means differ in sign, or one is zero.
    """
    ratio = np.asarray(mean_1, float) / np.where(np.equal(mean_2, 0), np.nan, mean_2)
    if not (ratio > 0).all():
        raise ValueError("a ratio of means needs two means of one sign, neither zero")
    first = np.square(sd_1) / (n_1 * np.square(mean_1))
    return np.log(ratio)[()], (first + np.square(sd_2) / (n_2 * np.square(mean_2)))[()]


def _cells(events_1, n_1, events_2, n_2, *, add, to, drop00):
    """The four cells of each table, with what is added; NaN where `drop00` leaves the table out."""
    if to not in ("only0", "all", "if0all", "none"):
        raise ValueError(f"to {to!r}; allowed: only0, all, if0all, none")
    a, n_1, c, n_2 = np.broadcast_arrays(*(np.asarray(x, float) for x in (events_1, n_1, events_2, n_2)))
    b, d = n_1 - a, n_2 - c
    cells = np.stack([a, b, c, d])
    if (cells < 0).any():
        raise ValueError("events must lie between 0 and the size of the arm")
    zero = (cells == 0).any(axis=0)
    to_add = {"only0": zero, "all": True, "if0all": zero.any(), "none": False}[to]
    both = ((a == 0) & (c == 0)) | ((b == 0) & (d == 0))
    cells = cells + add * np.broadcast_to(to_add, zero.shape)
    return np.where(both & drop00, np.nan, cells)


def log_odds_ratio(*, events_1, n_1, events_2, n_2, add=0.5, to="only0", drop00=False):
    """OR: logarithm of the odds ratio (Woolf), with metafor's treatment of zero cells.

    Parameters
    ----------
    events_1, n_1, events_2, n_2 : array-like
        People with the event, and people, of each arm.
    add : float
        What is added to the four cells of a table.
    to : {"only0", "all", "if0all", "none"}
        To which tables: those with a zero, all, all if one has a zero, none. With "none" a zero cell gives
        an infinite effect, or NaN.
    drop00 : bool
        Leave out (NaN) tables where nobody, or everybody, has the event in both arms.

    Raises
    ------
    ValueError
        Events above the arm's size or below 0; `to` is not known.
    """
    a, b, c, d = _cells(events_1, n_1, events_2, n_2, add=add, to=to, drop00=drop00)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(a * d / (b * c))[()], (1 / a + 1 / b + 1 / c + 1 / d)[()]


def log_risk_ratio(*, events_1, n_1, events_2, n_2, add=0.5, to="only0", drop00=False):
    """RR: logarithm of the risk ratio, var 1/a - 1/(a + b) + 1/c - 1/(c + d); options of `log_odds_ratio`."""
    a, b, c, d = _cells(events_1, n_1, events_2, n_2, add=add, to=to, drop00=drop00)
    with np.errstate(divide="ignore", invalid="ignore"):
        yi = np.log(a / (a + b)) - np.log(c / (c + d))
        return yi[()], (1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))[()]


def risk_difference(*, events_1, n_1, events_2, n_2, add=0.5, to="only0", drop00=False):
    """RD: difference of risks, var ab / (a + b)³ + cd / (c + d)³; options of `log_odds_ratio`."""
    a, b, c, d = _cells(events_1, n_1, events_2, n_2, add=add, to=to, drop00=drop00)
    yi = a / (a + b) - c / (c + d)
    return yi[()], (a * b / (a + b) ** 3 + c * d / (c + d) ** 3)[()]


def from_log_odds_ratio(yi, vi, *, method="hasselblad-hedges"):
    """An SMD from a log odds ratio: metafor's "OR2DL" (logistic) or "OR2DN" (Cox, normal).

    Parameters
    ----------
    yi, vi : array-like
        Log odds ratio and its variance.
    method : {"hasselblad-hedges", "cox"}
        Divide by pi / sqrt(3), or by 1.65; the variance by the square.

    References
    ----------
    Hasselblad & Hedges 1995, Psychol Bull 117:167-178; Cox & Snell 1989, via Sánchez-Meca 2003, Psychol
    Methods 8:448-467.
    """
    factors = {"hasselblad-hedges": LOGISTIC_SD, "cox": COX_FACTOR}
    if method not in factors:
        raise ValueError(f"method {method!r}; allowed: {', '.join(factors)}")
    return (np.asarray(yi) / factors[method])[()], (np.asarray(vi) / factors[method] ** 2)[()]


def phi(a, b, c, d):
    """PHI: correlation of two binary variables, its variance by multinomial sampling.

    References
    ----------
    Yule 1912, J R Stat Soc 75:579-652; variance as in Cooper, Hedges & Valentine 2009, p. 242.
    """
    a, b, c, d = (np.asarray(x, float) for x in (a, b, c, d))
    n = a + b + c + d
    row, column = (a + b) / n, (a + c) / n
    spread_row, spread_column = row * (1 - row), column * (1 - column)
    yi = (a * d - b * c) / (n**2 * np.sqrt(spread_row * spread_column))
    skew = (1 - 2 * row) * (1 - 2 * column) / np.sqrt(spread_row * spread_column)
    ends = (1 - 2 * row) ** 2 / spread_row + (1 - 2 * column) ** 2 / spread_column
    return yi[()], ((1 - yi**2 + yi * (1 + yi**2 / 2) * skew - 3 / 4 * yi**2 * ends) / n)[()]


def from_t(t, n_1, n_2):
    """SMD from the t of two independent arms: d = t sqrt(1 / n_1 + 1 / n_2), then J (Hedges 1981)."""
    root = np.sqrt(1 / np.asarray(n_1, float) + 1 / np.asarray(n_2, float))
    return from_cohen_d(np.asarray(t) * root, n_1, n_2)


def from_f(f, n_1, n_2, *, sign):
    """SMD from the F of two arms, one degree of freedom above: t = sign sqrt(F). `sign` is 1 or -1.

    Raises
    ------
    ValueError
        `f` is below 0.
    """
    if not np.greater_equal(f, 0).all():
        raise ValueError(f"F {f!r}; allowed: 0 or more")
    return from_t(np.multiply(sign, np.sqrt(f)), n_1, n_2)


def from_p(p, n_1, n_2, *, sign):
    """SMD from the exact two-sided p of a t test; `sign` is 1 or -1, as p knows none.

    Raises
    ------
    ValueError
        `p` is not above 0 and at most 1.
    """
    p = np.asarray(p, float)
    if not ((p > 0) & (p <= 1)).all():
        raise ValueError(f"p {p!r}; allowed: above 0, at most 1")
    # The lower tail holds a tiny p, which 1 - p / 2 would lose.
    return from_t(np.multiply(-1, sign) * scipy.special.stdtrit(np.add(n_1, n_2) - 2.0, p / 2), n_1, n_2)


def from_point_biserial(r, n_1, n_2):
    """SMD from the correlation of arm and outcome: d = r sqrt(m (1 / n_1 + 1 / n_2) / (1 - r²)).

    m = n_1 + n_2 - 2. Exact for the arms at hand (metafor's "RPB" turned round; Tate 1954).

    Raises
    ------
    ValueError
        `r` is not between -1 and 1.
    """
    if not (np.abs(r) < 1).all():
        raise ValueError(f"r {r!r}; allowed: between -1 and 1")
    r, m = np.asarray(r, float), np.add(n_1, n_2) - 2.0
    return from_t(r * np.sqrt(m / (1 - r**2)), n_1, n_2)


def from_adjusted_difference(difference, sd, n_1, n_2, *, correlation, n_covariates=1):
    """SMD from adjusted means (ANCOVA), standardised by the unadjusted spread.

    Parameters
    ----------
    difference : array-like
        Difference of adjusted means.
    sd : array-like
        Standard deviation of the outcome within arms, not adjusted.
    n_1, n_2 : array-like
        Arm sizes.
    correlation : array-like
        Correlation R of covariate (or covariates together) and outcome within arms.
    n_covariates : int
        Covariates, which J's degrees of freedom lose: n_1 + n_2 - 2 - n_covariates.

    Returns
    -------
    tuple
        g and (1 / n_1 + 1 / n_2) (1 - R²) + g² / (2 (n_1 + n_2)).

    References
    ----------
    Borenstein & Hedges 2019, in Cooper et al., Handbook of Research Synthesis, 3rd ed., table 11.3; the last
    term as in `smd_variance`, to be equal to it at R = 0. The covariates' degrees of freedom are the book's
    convention for every spread; an unadjusted spread keeps them, so that g is the smaller for it, by 1% with
    two arms of 6 and by 0.01% with two of 40.
    """
    _between(correlation)
    g = hedges_correction(np.add(n_1, n_2) - 2.0 - n_covariates) * np.asarray(difference) / sd
    gain = np.square(correlation) * (1 / np.asarray(n_1, float) + 1 / np.asarray(n_2, float))
    return g[()], (smd_variance(g, n_1, n_2) - gain)[()]


def from_difference(difference, se, sd, n_1, n_2, *, n_covariates=0):
    """SMD from a difference or a regression coefficient of the arm, its SE, and the outcome's spread.

    Parameters
    ----------
    difference, se : array-like
        In the outcome's unit; the standard error is the analysis's own, so that what a covariate explains
        counts.
    sd : array-like
        Standard deviation of the outcome over people within arms, not adjusted; that over all people of a
        trial holds the difference as well, and at g = 0.5 is 3% larger.
    n_1, n_2 : array-like
        Arm sizes.
    n_covariates : int
        Covariates beside the arm, which J's degrees of freedom lose.

    Returns
    -------
    tuple
        g = J difference / sd and (se / sd)² + g² / (2 (n_1 + n_2)); the first term stands for 1 / n_1 +
        1 / n_2, which it is for an unadjusted difference.

    References
    ----------
    Borenstein & Hedges 2019, as `from_adjusted_difference`; Hedges 2007 for the term of the spread.
    """
    g = hedges_correction(np.add(n_1, n_2) - 2.0 - n_covariates) * np.asarray(difference) / sd
    return g[()], (np.square(np.divide(se, sd)) + np.square(g) / (2 * np.add(n_1, n_2)))[()]


def standardised_change(*, mean_before, mean_after, sd_before, n, correlation):
    """SMCR: change of one group by its spread before (Becker 1988), for use in `pretest_posttest_control`.

    J of n - 1 degrees of freedom; variance 2 (1 - r) / n + g² / (2 n), metafor's "LS".

    Raises
    ------
    ValueError
        `correlation` is not between -1 and 1.
    """
    _between(correlation)
    g = hedges_correction(np.subtract(n, 1.0)) * np.subtract(mean_after, mean_before) / sd_before
    return g[()], (2 * np.subtract(1, correlation) / n + np.square(g) / (2 * np.asarray(n)))[()]


def pretest_posttest_control(
    *, before_1, after_1, sd_before_1, n_1, before_2, after_2, sd_before_2, n_2, correlation
):
    """Difference of changes by the pooled spread before: d_ppc2 of Morris.

    Parameters
    ----------
    before_1, after_1, before_2, after_2 : array-like
        Means.
    sd_before_1, sd_before_2 : array-like
        Standard deviations before treatment.
    n_1, n_2 : array-like
        Arm sizes, together 5 or more.
    correlation : array-like
        Of before and after, in both arms.

    Returns
    -------
    tuple
        g = J (change_1 - change_2) / s of the pooled spread before, m = n_1 + n_2 - 2, and the variance
        J² m / (m - 2) (2 (1 - r) (1 / n_1 + 1 / n_2) + g²) - g².

    Raises
    ------
    ValueError
        `correlation` is not between -1 and 1, or the arms are too small.

    References
    ----------
    Morris 2008, Organ Res Methods 11:364-386, equations 8 to 10 and 25 (multiplied out); J in its exact form.
    It is the variance of a noncentral t, exact where arms and occasions have one spread.
    """
    _between(correlation)
    if not (np.add(n_1, n_2) >= 5).all():
        raise ValueError("a difference of changes needs arms of 5 people together")
    n, m = np.add(n_1, n_2), np.add(n_1, n_2) - 2.0
    pooled = (np.subtract(n_1, 1) * np.square(sd_before_1) + np.subtract(n_2, 1) * np.square(sd_before_2)) / m
    change = np.subtract(after_1, before_1) - np.subtract(after_2, before_2)
    factor = hedges_correction(m)
    g = factor * change / np.sqrt(pooled)
    of_change = 2 * np.subtract(1, correlation) * n / np.multiply(n_1, n_2)
    vi = np.square(factor) * m / (m - 2) * (of_change + np.square(g)) - np.square(g)
    return g[()], vi[()]


def _between(correlation):
    if not (np.abs(correlation) < 1).all():
        raise ValueError(f"correlation {correlation!r}; allowed: between -1 and 1")
