"""Pool an outcome to which studies give several effects of the same people.

Two effects are dependent if they are of one study and one comparison: several instruments. Comparisons of one
study are kept apart, since a control that they share has been divided among them before.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from livingreview.pooling import aggregation, covariance, multilevel, random_effects, robust
from livingreview.pooling.random_effects import checked

NO_TAU2_CI = "none: the sum of two variances has no profile interval"
FEW_DF = "fewer than 4 degrees of freedom, not to be trusted (Tipton 2015)"


@dataclass(frozen=True)
class DependentEstimate:
    """A pooled effect of dependent effects, with the fields of `random_effects.Estimate` that results show.

    Attributes
    ----------
    k, n_studies : int
        Numbers of effects and of studies.
    estimate, se, ci_low, ci_high, df, pval : float
        With the robust variance.
    pi_low, pi_high : float
        Prediction interval for the true effect in a new study.
    tau2 : float
        Variance of true effects, between and within studies together; `sigma2` are the two.
    I2, H2 : float
        I² in percent; H² = 1 / (1 - I² / 100).
    QE, QE_df, QE_p : float, int, float
        Test of heterogeneity, by the sampling covariances alone.
    weights : array of shape (k,)
        In percent, in the order of the effects given.
    tau2_ci : tuple of float
        NaN where the model has two variances.
    se_tau2 : float
        NaN: the model gives errors of the two variances, not of their sum.
    method_tau2, method_ci, method_pi, method_I2, method_tau2_ci : str
        How each was obtained, to be printed.
    """

    k: int
    n_studies: int
    estimate: float
    se: float
    ci_low: float
    ci_high: float
    df: float
    pval: float
    pi_low: float
    pi_high: float
    tau2: float
    I2: float
    H2: float
    QE: float
    QE_df: int
    QE_p: float
    method_tau2: str
    method_ci: str
    method_pi: str
    method_I2: str
    sigma2: tuple = (math.nan, math.nan)
    tau2_ci: tuple = (math.nan, math.nan)
    se_tau2: float = math.nan
    method_tau2_ci: str = NO_TAU2_CI
    weights: np.ndarray = field(default_factory=lambda: np.empty(0))


def samples(study, comparison):
    """The sample of each effect, study and comparison in one name; list of str."""
    return [f"{one}\t{other}" for one, other in zip(study, comparison, strict=True)]


def is_dependent(study, comparison):
    """Whether a study gives several effects for one comparison."""
    names = samples(study, comparison)
    return len(set(names)) < len(names)


def fit(yi, vi, *, study, comparison, correlation, method="REML", level=0.95, **options):
    """Pool dependent effects: the CHE model with robust variance.

    Parameters
    ----------
    yi, vi : array-like of shape (k,)
        Effects and sampling variances, one or more.
    study, comparison : sequence of str, length k
        Effects of the same study and comparison are correlated.
    correlation : float
        Of their sampling errors, assumed, from 0 to below 1.
    method : str
        "REML" or "ML"; any other estimator has no model of two variances, and REML is taken, which
        `method_tau2` says.
    level : float
        Of the intervals.
    **options
        Of `random_effects.fit`, for a single study only.

    Returns
    -------
    DependentEstimate

    Raises
    ------
    ValueError
        As `multilevel.fit`.
    ConvergenceError
        The likelihood's maximum was not found.

    Notes
    -----
    Three-level model (variances between and within studies) with the assumed covariances, then the CR2
    variance by study with Satterthwaite's degrees of freedom, which holds though the correlation be wrong. A
    robust variance needs two studies: with one, each comparison's effects become their plain mean
    (`aggregation.composite`), and the means are pooled by `random_effects.fit`.

    References
    ----------
    Pustejovsky & Tipton 2022, Prev Sci 23:425-438.
    """
    yi, vi = checked(yi, vi)
    if len(set(study)) < 2:
        composed = {"method": method, "level": level} | options
        return _one_study(yi, vi, samples(study, comparison), correlation=correlation, options=composed)
    V = covariance.correlated(vi, list(study), rho=correlation, subgroup=list(comparison))
    used = method if method in multilevel.METHODS else "REML"
    fitted = multilevel.fit(yi, V, method=used, level=level)
    found = robust.cluster_robust(fitted, vcov="CR2", level=level)
    names = ("estimate", "se", "ci_low", "ci_high", "df", "pval", "pi_low", "pi_high", "method_pi")
    return DependentEstimate(
        k=found.k,
        n_studies=found.n_studies,
        **{name: getattr(found, name) for name in names},
        **{name: getattr(fitted, name) for name in ("tau2", "sigma2", "I2", "QE", "QE_df", "QE_p")},
        H2=1 / (1 - fitted.I2 / 100),
        weights=found.weights,
        method_tau2=_method(used, asked=method, correlation=correlation),
        method_ci="; ".join(text for text in (found.method_ci, FEW_DF if found.few_df else "") if text),
        method_I2=fitted.method_I2,
    )


def _method(used, *, asked, correlation):
    text = f"{used}, between and within studies (CHE, correlation {correlation:g} assumed)"
    return text if used == asked else f"{text}; {asked} has no such model"


def _one_study(yi, vi, names, *, correlation, options):
    """One study has no robust variance: its comparisons' means are pooled as independent effects."""
    one = aggregation.composite(yi, vi, names, rho=correlation, weighted=False)
    found = random_effects.fit(one.yi, one.vi, **options)
    weights = np.empty(len(yi))
    for at, weight in zip(one.rows, found.weights, strict=True):
        weights[at] = weight / len(at)
    same = ("estimate", "se", "ci_low", "ci_high", "df", "pval", "pi_low", "pi_high", "tau2", "I2", "H2")
    same += ("QE", "QE_df", "QE_p", "method_ci", "method_pi", "method_I2", "tau2_ci", "se_tau2")
    text = f"{found.method_tau2}; one study, mean of its effects, correlation {correlation:g} assumed"
    return DependentEstimate(
        k=len(yi),
        n_studies=1,
        **{name: getattr(found, name) for name in same},
        weights=weights,
        method_tau2=text,
        method_tau2_ci="Q-profile",
    )
