"""What a pooled effect means: shares of true effects beyond a threshold, and of people helped.

Thresholds are on the scale of the effects. For people helped, `beneficial` says which sign of a standardised
mean difference favours treatment: "lower" (the default, negative) or "higher".
"""

import math
from dataclasses import dataclass

import numpy as np
import scipy  # its parts load at their first use; stats is slow
from scipy.special import ndtr, ndtri

from livingreview.pooling import random_effects
from livingreview.pooling.random_effects import checked
from livingreview.pooling.reasons import too_few
from livingreview.pooling.terms import checked_level

TAILS = ("below", "above")
# Outside this range the delta method's interval is not to be trusted (Mathur & VanderWeele 2019, appendix).
TRUSTED = (0.15, 0.85)


@dataclass(frozen=True)
class Share:
    """A share of true effects.

    Attributes
    ----------
    share : float
        Between 0 and 1.
    se, ci_low, ci_high : float
        NaN where there is no interval; limits are kept within 0 and 1.
    threshold : float
    tail : {"below", "above"}
    basis : {"normal", "calibrated"}
    advice : str
        What to bear in mind, in words. May be empty.
    reason : str or None
        Why a number is NaN.
    """

    share: float
    se: float
    ci_low: float
    ci_high: float
    threshold: float
    tail: str
    basis: str
    advice: str = ""
    reason: str | None = None


@dataclass(frozen=True)
class Helped:
    """A standardised mean difference in terms of people.

    Attributes
    ----------
    g : float
        The difference, as given.
    control_rate : float
        Share of the control group with a good outcome, as assumed.
    treated_rate : float
        The share of the treated group that follows.
    nnt : float
        Number needed to treat for one more good outcome; negative: to harm; infinite where there is no
        difference.
    nnt_kraemer : float
        The same without a control rate, from the chance that a treated person does better.
    u3 : float
        Share of the controls whose outcome the average treated person betters (Cohen's U3).
    cles : float
        Chance that a treated person does better than a control (common language effect size).
    overlap : float
        Share of the two distributions that overlaps.
    """

    g: float
    control_rate: float
    treated_rate: float
    nnt: float
    nnt_kraemer: float
    u3: float
    cles: float
    overlap: float


def share_beyond(estimate, se, tau2, se_tau2, *, threshold, tail="below", level=0.95):
    """The share of true effects beyond a threshold, if they are normal.

    Parameters
    ----------
    estimate, se : float
        The pooled effect and its standard error. NaN without effects.
    tau2, se_tau2 : float
        Variance of true effects and its standard error. NaN for a single effect.
    threshold : float
        For instance the smallest worthwhile effect.
    tail : {"below", "above"}
        "below": effects smaller than the threshold.
    level : float
        Of the interval.

    Returns
    -------
    Share
        With tau2 = 0 all true effects are equal: the share is 0 or 1, without interval.

    Raises
    ------
    ValueError
        An option is unknown, the threshold not finite.

    Notes
    -----
    Phi((q - m) / tau), with the standard error sqrt(se² / tau² + se_tau2² (q - m)² / (4 tau⁶)) phi((q - m) /
    tau) by the delta method, the estimates of m and tau2 being independent.

    References
    ----------
    Mathur & VanderWeele 2019, Stat Med 38:1336-1342.
    """
    _check(threshold=threshold, tail=tail, level=level)
    known = {"threshold": float(threshold), "tail": tail, "basis": "normal"}
    nothing = {"se": math.nan, "ci_low": math.nan, "ci_high": math.nan}
    if not (math.isfinite(estimate) and math.isfinite(tau2)):
        return Share(math.nan, **nothing, **known, reason="no estimate, or no variance of true effects")
    if tau2 == 0:
        beyond = estimate < threshold if tail == "below" else estimate > threshold
        return Share(float(beyond), **nothing, **known, reason="tau2 is 0: one true effect, no interval")
    z = (threshold - estimate) / math.sqrt(tau2)
    share = float(ndtr(z if tail == "below" else -z))
    density = math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    error = math.sqrt((se**2 + (se_tau2 * z) ** 2 / (4 * tau2)) / tau2) * density
    half = -float(ndtri((1 - level) / 2)) * error
    low, high = TRUSTED
    if not math.isfinite(error):
        reason = "no standard error of the estimate or of tau2, so no interval"
        return Share(share, **nothing, **known, reason=reason)
    advice = "" if low <= share <= high else "near 0 or 1: prefer the calibrated share and its bootstrap"
    return Share(share, error, max(0.0, share - half), min(1.0, share + half), **known, advice=advice)


def calibrated_effects(yi, vi, *, estimate, tau2):
    """Effects shrunk until their variance is that of true effects.

    Parameters
    ----------
    yi, vi : array-like of shape (k,)
        Effects and sampling variances.
    estimate, tau2 : float
        The pooled effect and the variance of true effects.

    Returns
    -------
    array of shape (k,)
        m + sqrt(tau2 / (tau2 + v)) (y - m).

    References
    ----------
    Wang & Lee 2019, Res Synth Methods 10:255-266.
    """
    yi, vi = checked(yi, vi)
    return estimate + np.sqrt(tau2 / (tau2 + vi)) * (yi - estimate)


def calibrated_share(yi, vi, *, threshold, tail="below", method="REML", level=0.95, resamples=0, seed=None):
    """The share of calibrated effects beyond a threshold, without a distribution being assumed.

    Parameters
    ----------
    yi, vi : array-like of shape (k,)
        Effects and sampling variances.
    threshold, tail, level
        As in `share_beyond`.
    method : str
        Of tau2, as in `random_effects.fit`.
    resamples : int
        Bootstrap samples of studies for the interval (bias-corrected and accelerated; by percentiles where
        that cannot be computed). 0: no interval; 1000 are usual.
    seed : int, optional
        Needed with `resamples`.

    Returns
    -------
    Share

    Raises
    ------
    ValueError
        Invalid effects or options, or no seed.
    ConvergenceError
        tau2 did not settle.

    References
    ----------
    Mathur & VanderWeele 2020, Epidemiology 31:356-358.
    """
    yi, vi = checked(yi, vi)
    _check(threshold=threshold, tail=tail, level=level)
    if resamples and seed is None:
        raise ValueError("bootstrap samples need a seed, so that the same data give the same interval")
    known = {"threshold": float(threshold), "tail": tail, "basis": "calibrated"}
    nothing = {"se": math.nan, "ci_low": math.nan, "ci_high": math.nan}
    if len(yi) < 2:
        return Share(math.nan, **nothing, **known, reason=too_few(len(yi), 2))

    def statistic(y, v):
        return _beyond(y, v, threshold=threshold, tail=tail, method=method)

    share = statistic(yi, vi)
    if not resamples:
        return Share(share, **nothing, **known)
    found, how = _bootstrap(yi, vi, statistic, resamples=resamples, seed=seed, level=level)
    if found is None:
        return Share(share, **nothing, **known, reason="all bootstrap samples give the same share")
    interval = found.confidence_interval
    return Share(
        share, float(found.standard_error), float(interval.low), float(interval.high), **known, advice=how
    )


def _beyond(yi, vi, *, threshold, tail, method):
    pooled = random_effects.fit(yi, vi, method=method, test="z")
    effects = calibrated_effects(yi, vi, estimate=pooled.estimate, tau2=pooled.tau2)
    return float(np.mean(effects < threshold if tail == "below" else effects > threshold))


def _bootstrap(yi, vi, statistic, *, resamples, seed, level):
    """The bootstrap's result, or None where it does not vary, and a note where it is by percentiles."""
    options = {
        "n_resamples": resamples,
        "paired": True,
        "vectorized": False,
        "confidence_level": level,
        "method": "percentile",
    }
    found = scipy.stats.bootstrap((yi, vi), statistic, rng=np.random.default_rng(seed), **options)
    if np.ptp(found.bootstrap_distribution) == 0:
        return None, ""
    options |= {"method": "BCa", "n_resamples": 0, "bootstrap_result": found}
    left_out = [statistic(np.delete(yi, i), np.delete(vi, i)) for i in range(len(yi))]
    below = np.mean(found.bootstrap_distribution < statistic(yi, vi))
    if np.ptp(left_out) == 0 or not 0 < below < 1:
        return found, "interval by percentiles: the share hardly moves when a study is left out"
    return scipy.stats.bootstrap((yi, vi), statistic, rng=np.random.default_rng(seed), **options), ""


def helped(g, *, control_rate, beneficial="lower"):
    """People helped, from a standardised mean difference.

    Parameters
    ----------
    g : float
        Standardised mean difference.
    control_rate : float
        Share of the control group with a good outcome (response), above 0 and below 1.
    beneficial : {"lower", "higher"}
        Which sign of g favours treatment.

    Returns
    -------
    Helped

    Raises
    ------
    ValueError
        g is not finite, the rate not between 0 and 1, an option unknown.

    Notes
    -----
    With d = g in the direction of benefit and outcomes normal with equal variances: treated rate
    Phi(d + Phi^-1(control rate)), NNT its excess' inverse (Furukawa & Leucht); U3 = Phi(d);
    CLES = Phi(d / sqrt(2)), NNT = 1 / (2 CLES - 1) (Kraemer & Kupfer); overlap = 2 Phi(-|d| / 2).

    References
    ----------
    Furukawa & Leucht 2011, PLoS One 6:e19070; Kraemer & Kupfer 2006, Biol Psychiatry 59:990-996; McGraw &
    Wong 1992, Psychol Bull 111:361-365; Cohen 1988.
    """
    if beneficial not in ("lower", "higher"):
        raise ValueError(f"beneficial {beneficial!r} is not known; allowed: lower, higher")
    if not math.isfinite(g):
        raise ValueError(f"g must be finite, not {g!r}")
    if not 0 < control_rate < 1:
        raise ValueError(f"control_rate {control_rate!r} must lie between 0 and 1")
    d = -float(g) if beneficial == "lower" else float(g)
    treated = float(ndtr(d + ndtri(control_rate)))
    cles = float(ndtr(d / math.sqrt(2)))
    return Helped(
        g=float(g),
        control_rate=float(control_rate),
        treated_rate=treated,
        nnt=_inverse(treated - control_rate if d else 0.0),
        nnt_kraemer=_inverse(2 * cles - 1),
        u3=float(ndtr(d)),
        cles=cles,
        overlap=float(2 * ndtr(-abs(d) / 2)),
    )


def _inverse(difference):
    return 1 / difference if difference else math.inf


def _check(*, threshold, tail, level):
    if tail not in TAILS:
        raise ValueError(f"tail {tail!r} is not known; allowed: {', '.join(TAILS)}")
    if not math.isfinite(threshold):
        raise ValueError(f"threshold {threshold!r} must be finite")
    checked_level(level)
