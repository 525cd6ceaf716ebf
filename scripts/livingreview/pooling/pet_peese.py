"""PET and PEESE: the effect that an endlessly large study would show, by regression.

Signs: `alternative` says in which direction an effect is looked for, "less" where negative effects favour
treatment.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from livingreview.pooling.quantiles import ratio, two_sided, upper_quantile
from livingreview.pooling.random_effects import checked
from livingreview.pooling.reasons import too_few
from livingreview.pooling.small_study import INTERPRETABLE_K, MIN_K, advice_on
from livingreview.pooling.weighted_line import fit_line, varies

# PEESE takes over when PET finds an effect by a one-sided test at this level (Stanley & Doucouliagos 2014);
# programs that say 0.10 two-sided (after Stanley 2017) draw the same line, but look on both sides of zero.
ALPHA = 0.05
ALTERNATIVES = ("less", "greater", "two.sided")


@dataclass(frozen=True)
class Intercept:
    """One of the two regressions.

    Attributes
    ----------
    estimate, se, stat, df, pval, ci_low, ci_high : float
        The intercept, the effect at standard error zero; t test (two-sided) and interval with df = k - 2.
    slope, slope_se, slope_p : float
        On the standard error (PET) or the variance (PEESE).
    """

    estimate: float
    se: float
    stat: float
    df: int
    pval: float
    ci_low: float
    ci_high: float
    slope: float
    slope_se: float
    slope_p: float


@dataclass(frozen=True)
class PetPeese:
    """PET, PEESE and the one that the rule chooses.

    Attributes
    ----------
    k : int
        Number of effects.
    pet, peese : Intercept or None
        None without result.
    chosen : {"PET", "PEESE", ""}
    p_choice : float
        The p-value of PET's intercept on which the choice rests.
    estimate, se, ci_low, ci_high, pval : float
        Of the one chosen.
    interpretable : bool
        At least `small_study.INTERPRETABLE_K` effects.
    advice : str
        What to bear in mind, in words. May be empty.
    reason : str or None
        Why there are no numbers (all NaN).
    """

    k: int
    pet: Intercept | None = None
    peese: Intercept | None = None
    chosen: str = ""
    p_choice: float = math.nan
    estimate: float = math.nan
    se: float = math.nan
    ci_low: float = math.nan
    ci_high: float = math.nan
    pval: float = math.nan
    interpretable: bool = False
    advice: str = ""
    reason: str | None = None


def pet_peese(yi, vi, *, alternative="less", alpha=ALPHA, level=0.95):
    """The conditional estimator PET-PEESE.

    Parameters
    ----------
    yi, vi : array-like of shape (k,)
        Effects and sampling variances.
    alternative : {"less", "greater", "two.sided"}
        The test of PET's intercept that lets PEESE take over. "less": one-sided, against an effect below
        zero.
    alpha : float
        The level of that test: PEESE if p < alpha.
    level : float
        Of the intervals.

    Returns
    -------
    PetPeese

    Raises
    ------
    ValueError
        Invalid effects or options.

    Notes
    -----
    Weighted least squares with weights 1 / v and dispersion estimated from the residuals (multiplicative,
    "unrestricted"): PET regresses on the standard error, PEESE on the variance. PET is biased towards zero
    where there is an effect, PEESE away from it where there is none; hence the condition. Both do badly with
    few studies or large heterogeneity (Stanley 2017), and the standard error of a standardised mean
    difference depends on the effect itself.

    References
    ----------
    Stanley & Doucouliagos 2014, Res Synth Methods 5:60-78; Stanley 2017, Soc Psychol Personal Sci 8:581-591.
    """
    yi, vi = checked(yi, vi)
    if alternative not in ALTERNATIVES:
        raise ValueError(f"alternative {alternative!r} is not known; allowed: {', '.join(ALTERNATIVES)}")
    if not (0 < alpha < 1 and 0 < level < 1):
        raise ValueError(f"alpha {alpha!r} and level {level!r} must lie between 0 and 1")
    k = len(yi)
    if k < MIN_K:
        return PetPeese(k=k, reason=too_few(k, MIN_K))
    sei = np.sqrt(vi)
    if not (varies(sei, 1 / vi) and varies(vi, 1 / vi)):
        return PetPeese(k=k, reason=f"the standard error is the same in all {k} studies")
    pet = _intercept(sei, yi, vi, level=level)
    peese = _intercept(vi, yi, vi, level=level)
    p_choice = _p(pet.stat, pet.df, alternative=alternative)
    chosen = peese if p_choice < alpha else pet
    return PetPeese(
        k=k,
        pet=pet,
        peese=peese,
        chosen="PEESE" if chosen is peese else "PET",
        p_choice=p_choice,
        estimate=chosen.estimate,
        se=chosen.se,
        ci_low=chosen.ci_low,
        ci_high=chosen.ci_high,
        pval=chosen.pval,
        interpretable=k >= INTERPRETABLE_K,
        advice=advice_on(k),
    )


def _intercept(x, yi, vi, *, level):
    line = fit_line(x, yi, 1 / vi)
    half = upper_quantile((1 - level) / 2, df=line.df) * line.se_intercept
    stat = ratio(line.intercept, line.se_intercept)
    return Intercept(
        estimate=line.intercept,
        se=line.se_intercept,
        stat=stat,
        df=line.df,
        pval=two_sided(stat, df=line.df),
        ci_low=line.intercept - half,
        ci_high=line.intercept + half,
        slope=line.slope,
        slope_se=line.se_slope,
        slope_p=two_sided(ratio(line.slope, line.se_slope), df=line.df),
    )


def _p(stat, df, *, alternative):
    if math.isnan(stat):
        return math.nan
    if alternative == "two.sided":
        return two_sided(stat, df=df)
    return float(stdtr(df, stat if alternative == "less" else -stat))
