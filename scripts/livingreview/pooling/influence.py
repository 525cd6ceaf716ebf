"""How much one effect, or one study, carries the estimate: leaving each out, and diagnostics built on it."""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtr

from livingreview.pooling.batch import SubsetFit, fit_subsets
from livingreview.pooling.random_effects import checked, checked_names

# metafor's cut-offs: DFFITS beyond 3 sqrt(p / (k - p)), Cook's distance beyond the median of chi-squared on p
# degrees of freedom, a hat value beyond 3 p / k, DFBETAS beyond 1. Here p = 1.
TIMES = 3
COOK_QUANTILE = 0.5
DFBETAS_LIMIT = 1
# Residuals below 100 times the machine's precision are those of equal effects: metafor sets them to zero.
NO_RESIDUAL = 100 * np.finfo(float).eps


@dataclass(frozen=True)
class LeftOut:
    """The estimate without one study (or one effect)."""

    omitted: str
    result: SubsetFit


@dataclass(frozen=True)
class Influence:
    """Diagnostics of each effect, under the model without moderators.

    "Without" is the model fitted again without the effect, tau² included.

    Attributes
    ----------
    rstudent : array of shape (k,)
        Studentized deleted residual: the effect less the estimate without it, over the standard error of that
        difference.
    rstandard : array of shape (k,)
        Standardized residual: the effect less the estimate with it, over its standard error.
    dffits : array of shape (k,)
        Change of the fitted value, in standard errors of it with the tau² without the effect.
    cook_d : array of shape (k,)
        Cook's distance: squared change of the estimate over its variance.
    cov_r : array of shape (k,)
        Variance of the estimate without the effect, over that with it: above one, the effect adds precision.
    tau2_del, QE_del : array of shape (k,)
        tau² and Cochran's Q without the effect.
    hat, weight : array of shape (k,)
        Share of the effect in the estimate: as a fraction, and in percent.
    dfbs : array of shape (k,)
        DFBETAS: change of the estimate in standard errors without Hartung and Knapp's factor of the whole.
    influential : array of shape (k,), bool
        Whether any of metafor's rules flags the effect.
    """

    rstudent: np.ndarray
    rstandard: np.ndarray
    dffits: np.ndarray
    cook_d: np.ndarray
    cov_r: np.ndarray
    tau2_del: np.ndarray
    QE_del: np.ndarray
    hat: np.ndarray
    weight: np.ndarray
    dfbs: np.ndarray
    influential: np.ndarray


@dataclass(frozen=True)
class Baujat:
    """Coordinates of each effect in the plot of Baujat et al. 2002; arrays of shape (k,).

    Attributes
    ----------
    heterogeneity : array
        Horizontal: squared Pearson residual, the share of the effect in Q at the model's tau².
    influence : array
        Vertical: squared change of the estimate without the effect, over the variance of that estimate.
    """

    heterogeneity: np.ndarray
    influence: np.ndarray


def leave_one_study_out(yi, vi, study, *, method="REML", test="knha", level=0.95):
    """Pool again without each study, all of its effects at once.

    A trial with several arms gives several effects; leaving out one of them would leave the trial in.

    Parameters
    ----------
    yi, vi : array-like of shape (k,)
        Effects and sampling variances.
    study : sequence of str, length k
        The study of each effect.
    method, test, level
        As `batch.fit_subsets`.

    Returns
    -------
    list of LeftOut
        One per study, in the order in which studies first occur. Empty with fewer than two studies: without
        its only study nothing is left to estimate.

    Raises
    ------
    ValueError
        As `fit_subsets`, or `study` is of another length.
    """
    yi, vi = checked(yi, vi)
    study = checked_names(study, yi, "study")
    names = list(dict.fromkeys(study))
    if len(names) < 2:
        return []
    members = np.array([study != name for name in names])
    fits = fit_subsets(yi, vi, members, method=method, test=test, level=level)
    return [LeftOut(name, fits.row(position)) for position, name in enumerate(names)]


def leave_one_out(yi, vi, *, method="REML", test="knha", level=0.95):
    """Pool again without each effect in turn.

    Parameters
    ----------
    yi, vi : array-like of shape (k,)
        Effects and sampling variances.
    method, test, level
        As `batch.fit_subsets`.

    Returns
    -------
    SubsetFits
        Row i without effect i. No row with fewer than two effects.
    """
    yi, vi = checked(yi, vi)
    k = len(yi) if len(yi) > 1 else 0
    return fit_subsets(yi, vi, ~np.eye(k, len(yi), dtype=bool), method=method, test=test, level=level)


def influence(yi, vi, *, method="REML", test="knha"):
    """The diagnostics of every effect.

    Parameters
    ----------
    yi, vi : array-like of shape (k,)
        Effects and sampling variances.
    method, test
        As `batch.fit_subsets`.

    Returns
    -------
    Influence
        Arrays of length zero with fewer than two effects. With two, what needs a tau² without the effect is
        computed with zero, as one effect says nothing of it.

    Raises
    ------
    ValueError, ConvergenceError
        From `fit_subsets`.

    References
    ----------
    Viechtbauer & Cheung 2010, Res Synth Methods 1:112-125.
    """
    yi, vi = checked(yi, vi)
    without, whole = _with_and_without(yi, vi, method=method, test=test)
    if not len(without):
        return Influence(*np.empty((10, 0)), np.empty(0, dtype=bool))
    tau2_del = np.nan_to_num(without.tau2, nan=0.0)
    w = 1 / (vi + whole.tau2)
    hat = w / w.sum()
    change = whole.estimate - without.estimate
    total = vi + tau2_del
    with np.errstate(divide="ignore", invalid="ignore"):
        # Equal effects have no Hartung-Knapp variance: 0 / 0 is then NaN, as in metafor.
        dffits = change / np.sqrt(without.factor * hat * total)
        dfbs = change / np.sqrt(without.factor / np.sum(1 / (vi + tau2_del[:, None]), axis=1))
        cook_d = change**2 / np.square(whole.se)
        cov_r = without.se**2 / np.square(whole.se)
        rstudent = _cleared(yi - without.estimate) / np.sqrt(without.factor * total + without.se**2)
        rstandard = _cleared(yi - whole.estimate) / np.sqrt(1 / w - 1 / w.sum())
    flags = (
        (np.abs(dffits) > TIMES * np.sqrt(1 / (len(yi) - 1)))
        | (chdtr(1, np.nan_to_num(cook_d, nan=0.0)) > COOK_QUANTILE)
        | (hat > TIMES / len(yi))
        | (np.abs(dfbs) > DFBETAS_LIMIT)
    )
    return Influence(
        rstudent=rstudent,
        rstandard=rstandard,
        dffits=dffits,
        cook_d=cook_d,
        cov_r=cov_r,
        tau2_del=tau2_del,
        QE_del=np.nan_to_num(without.QE, nan=0.0),
        hat=hat,
        weight=100 * hat,
        dfbs=dfbs,
        influential=flags,
    )


def baujat(yi, vi, *, method="REML", test="knha"):
    """Where each effect stands between adding heterogeneity and moving the estimate.

    Parameters
    ----------
    yi, vi : array-like of shape (k,)
        Effects and sampling variances.
    method, test
        As `batch.fit_subsets`; with `method` "FE" the plot as first proposed.

    Returns
    -------
    Baujat
        Arrays of length zero with fewer than two effects.

    References
    ----------
    Baujat, Mahé, Pignon & Hill 2002, Stat Med 21:2641-2652; for tau² above zero as metafor's ``baujat()``.
    """
    yi, vi = checked(yi, vi)
    without, whole = _with_and_without(yi, vi, method=method, test=test)
    if not len(without):
        return Baujat(np.empty(0), np.empty(0))
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = np.square(whole.estimate - without.estimate) / without.se**2
    return Baujat(_cleared(yi - whole.estimate) ** 2 / (vi + whole.tau2), moved)


def _with_and_without(yi, vi, *, method, test):
    """The fits without each effect, and the fit of all (its last row); no rows below two effects."""
    without = leave_one_out(yi, vi, method=method, test=test)
    if not len(without):
        return without, None
    whole = fit_subsets(yi, vi, np.ones((1, len(yi)), dtype=bool), method=method, test=test)
    return without, whole.row(0)


def _cleared(residual):
    return np.where(np.abs(residual) < NO_RESIDUAL, 0.0, residual)
