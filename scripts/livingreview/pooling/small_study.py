"""Small-study effects: do small studies show other effects than large ones?

Egger's regression test and its relatives, and the rank test of Begg and Mazumdar. Signs: a positive slope on
the standard error (or another measure of imprecision) means that smaller studies show larger values; where
negative effects favour treatment, it is a negative slope that makes treatment look better in small studies.
"""

import math
from dataclasses import dataclass

import numpy as np
import scipy  # its parts load at their first use; stats is slow

from livingreview.pooling import random_effects
from livingreview.pooling.quantiles import ratio, two_sided, upper_quantile
from livingreview.pooling.random_effects import checked
from livingreview.pooling.reasons import too_few
from livingreview.pooling.terms import checked_level
from livingreview.pooling.weighted_line import fit_line, varies

# A line through two points leaves nothing to test with.
MIN_K = 3
# Below ten studies the tests should not be used: their power is too low to tell chance from asymmetry (Sterne
# and others 2011, BMJ 343:d4002; Cochrane Handbook 13.3.5.4).
INTERPRETABLE_K = 10
TOO_FEW = "not to be interpreted"  # how the advice begins

MODELS = ("rma", "lm")
PREDICTORS = {
    "sei": "standard error",
    "vi": "sampling variance",
    "ni": "sample size",
    "ninv": "inverse of the sample size",
    "sqrtni": "square root of the sample size",
    "sqrtninv": "inverse of the square root of the sample size",
    "sqrtw": "sqrt(1/n1 + 1/n2)",
}
# At predictor zero these stand for an endless study; the intercept is then the effect in the limit.
LIMIT_PREDICTORS = ("sei", "vi", "ninv", "sqrtninv", "sqrtw")
NEEDS_NI = ("ni", "ninv", "sqrtni", "sqrtninv")


@dataclass(frozen=True)
class RegressionTest:
    """Egger's test or a relative.

    Attributes
    ----------
    k : int
        Number of effects.
    model, predictor : str
        As asked for.
    stat, df, pval : float
        Test of the slope: t with `df` degrees of freedom, or z (`df` NaN). Two-sided.
    slope, slope_se : float
        Change of the effect per unit of the predictor.
    limit, limit_low, limit_high : float
        The effect as the predictor reaches zero, with its confidence interval; NaN for `ni` and `sqrtni`.
    tau2 : float
        Residual variance of true effects ("rma"; NaN for "lm").
    interpretable : bool
        At least `INTERPRETABLE_K` effects.
    advice : str
        What to bear in mind, in words. May be empty.
    reason : str or None
        Why there are no numbers (all NaN).
    """

    k: int
    model: str
    predictor: str
    stat: float = math.nan
    df: float = math.nan
    pval: float = math.nan
    slope: float = math.nan
    slope_se: float = math.nan
    limit: float = math.nan
    limit_low: float = math.nan
    limit_high: float = math.nan
    tau2: float = math.nan
    interpretable: bool = False
    advice: str = ""
    reason: str | None = None


@dataclass(frozen=True)
class RankTest:
    """The rank correlation test of Begg and Mazumdar.

    Attributes
    ----------
    k : int
        Number of effects.
    tau : float
        Kendall's tau-b between standardised effects and sampling variances.
    pval : float
        Two-sided; exact without ties, normal approximation with them.
    exact : bool
        Which of the two.
    interpretable, advice, reason
        As in `RegressionTest`.
    """

    k: int
    tau: float = math.nan
    pval: float = math.nan
    exact: bool = False
    interpretable: bool = False
    advice: str = ""
    reason: str | None = None


def advice_on(k):
    """A sentence for results from too few effects; empty from `INTERPRETABLE_K` on."""
    if k >= INTERPRETABLE_K:
        return ""
    return f"{TOO_FEW}: {k} effects, at least {INTERPRETABLE_K} are needed"


def regression_test(
    yi,
    vi,
    *,
    model="rma",
    predictor="sei",
    ni=None,
    n1=None,
    n2=None,
    method="REML",
    test="knha",
    level=0.95,
):
    """Regress effects on a measure of imprecision.

    Parameters
    ----------
    yi, vi : array-like of shape (k,)
        Effects and sampling variances.
    model : {"rma", "lm"}
        "rma": mixed-effects meta-regression, with additive variance tau²; "lm": weighted regression with
        multiplicative dispersion, Egger's test as first published.
    predictor : {"sei", "vi", "ni", "ninv", "sqrtni", "sqrtninv", "sqrtw"}
        See `PREDICTORS`. "sqrtw" is for standardised mean differences, whose standard error depends on the
        effect itself, so that Egger's test calls too often (Pustejovsky & Rodgers 2019). Its weights are 1 /
        vi; for their variant with weights free of the effect give 1/n1 + 1/n2 as `vi` with predictor "sei".
    ni : array-like of shape (k,), optional
        Participants, for the predictors made of them; n1 + n2 where these are given.
    n1, n2 : array-like of shape (k,), optional
        Participants of each arm, for "sqrtw".
    method, test : str
        For "rma", as in `random_effects.fit`.
    level : float
        Of the interval of the limit.

    Returns
    -------
    RegressionTest

    Raises
    ------
    ValueError
        Invalid effects or options; participants missing or not above zero.
    ConvergenceError
        tau² did not settle.

    References
    ----------
    Egger and others 1997, BMJ 315:629-634; Sterne & Egger 2005; Moreno and others 2009, BMC Med Res Methodol
    9:2; Pustejovsky & Rodgers 2019, Res Synth Methods 10:57-71. Values: metafor's ``regtest()``.
    """
    yi, vi = checked(yi, vi)
    _check(model=model, predictor=predictor, level=level)
    x = _imprecision(vi, predictor=predictor, ni=ni, n1=n1, n2=n2)
    known = {"k": len(yi), "model": model, "predictor": predictor}
    reason = _impossible(x, 1 / vi, what=PREDICTORS[predictor])
    if reason:
        return RegressionTest(**known, reason=reason)
    known |= {"interpretable": len(yi) >= INTERPRETABLE_K, "advice": advice_on(len(yi))}
    line = _linear(x, yi, vi) if model == "lm" else _mixed(x, yi, vi, method=method, test=test)
    return _tested(line, known, level=level)


def _check(*, model, predictor, level):
    if model not in MODELS:
        raise ValueError(f"model {model!r} is not known; allowed: {', '.join(MODELS)}")
    if predictor not in PREDICTORS:
        raise ValueError(f"predictor {predictor!r} is not known; allowed: {', '.join(PREDICTORS)}")
    checked_level(level)


def _imprecision(vi, *, predictor, ni, n1, n2):
    if predictor == "sei":
        return np.sqrt(vi)
    if predictor == "vi":
        return vi
    if predictor == "sqrtw":
        n1, n2 = (_participants(n, vi, name) for n, name in ((n1, "n1"), (n2, "n2")))
        return np.sqrt(1 / n1 + 1 / n2)
    if ni is None and n1 is not None and n2 is not None:
        ni = _participants(n1, vi, "n1") + _participants(n2, vi, "n2")
    ni = _participants(ni, vi, "ni")
    return {"ni": ni, "ninv": 1 / ni, "sqrtni": np.sqrt(ni), "sqrtninv": 1 / np.sqrt(ni)}[predictor]


def _participants(n, vi, name):
    if n is None:
        raise ValueError(f"this predictor needs {name}, the participants of each study")
    n = np.asarray(n, dtype=float)
    if n.shape != vi.shape:
        raise ValueError(f"{name} must have one number for each of the {len(vi)} effects, not {n.shape}")
    if not (np.isfinite(n) & (n > 0)).all():
        raise ValueError(f"{name} must be finite and above zero in every study")
    return n


def _impossible(x, w, *, what):
    if len(x) < MIN_K:
        return too_few(len(x), MIN_K)
    if not varies(x, w):
        return f"the {what} is the same in all {len(x)} studies"
    return None


@dataclass(frozen=True)
class _Slope:
    slope: float
    slope_se: float
    limit: float
    limit_se: float
    df: float
    tau2: float = math.nan


def _linear(x, yi, vi):
    line = fit_line(x, yi, 1 / vi)
    return _Slope(line.slope, line.se_slope, line.intercept, line.se_intercept, line.df)


def _mixed(x, yi, vi, *, method, test):
    fitted = random_effects.fit(yi, vi, mods=x, method=method, test=test)
    limit, slope = fitted.coefficients
    return _Slope(slope.estimate, slope.se, limit.estimate, limit.se, slope.df, fitted.tau2)


def _tested(line, known, *, level):
    stat = ratio(line.slope, line.slope_se)
    quantile = upper_quantile((1 - level) / 2, df=line.df)
    limit = line.limit if known["predictor"] in LIMIT_PREDICTORS else math.nan
    return RegressionTest(
        **known,
        stat=stat,
        df=line.df,
        pval=two_sided(stat, df=line.df),
        slope=line.slope,
        slope_se=line.slope_se,
        limit=limit,
        limit_low=limit - quantile * line.limit_se,
        limit_high=limit + quantile * line.limit_se,
        tau2=line.tau2,
    )


def rank_test(yi, vi):
    """Correlate standardised effects with their variances by ranks.

    Parameters
    ----------
    yi, vi : array-like of shape (k,)
        Effects and sampling variances.

    Returns
    -------
    RankTest

    Notes
    -----
    Kendall's tau between (y - m) / sqrt(v - 1 / sum(1/v)) and v, where m is the fixed-effect estimate. Its
    exact distribution is used whenever there are no ties, as metafor's ``ranktest()`` does.

    References
    ----------
    Begg & Mazumdar 1994, Biometrics 50:1088-1101.
    """
    yi, vi = checked(yi, vi)
    k = len(yi)
    if k < MIN_K:
        return RankTest(k=k, reason=too_few(k, MIN_K))
    w = 1 / vi
    mean = np.sum(w * yi) / w.sum()
    standardised = (yi - mean) / np.sqrt(vi - 1 / w.sum())
    if np.ptp(vi) == 0 or np.ptp(yi) == 0:
        what = "variances" if np.ptp(vi) == 0 else "effects"
        return RankTest(k=k, reason=f"all {k} {what} are equal")
    exact = len(np.unique(standardised)) == k and len(np.unique(vi)) == k
    found = scipy.stats.kendalltau(standardised, vi, method="exact" if exact else "asymptotic")
    return RankTest(
        k=k,
        tau=float(found.statistic),
        pval=float(found.pvalue),
        exact=exact,
        interpretable=k >= INTERPRETABLE_K,
        advice=advice_on(k),
    )
