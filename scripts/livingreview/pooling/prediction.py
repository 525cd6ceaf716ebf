"""Prediction intervals: where the true effect of a new study is expected, by each of the ways in use."""

import math
from typing import NamedTuple

from livingreview.pooling.quantiles import upper_quantile

KINDS = ("metafor", "HTS", "Riley", "k-1", "z")


class Rule(NamedTuple):
    """A prediction interval: the quantile's degrees of freedom (NaN: normal), its variance, its name."""

    df: float
    wald: bool
    label: str


def rule(kind, *, k, p, df_ci):
    """The interval that `kind` names, for k effects and p coefficients.

    Parameters
    ----------
    kind : {"metafor", "HTS", "Riley", "k-1", "z"}
        "metafor": the quantile of the confidence interval, as metafor's ``predict()`` by default.
        "HTS": t on k - p - 1 (k - 2 for a mean) with the Wald variance, whatever the confidence interval is
        (Higgins, Thompson & Spiegelhalter 2009; RevMan's and meta's older default).
        "Riley": the same t with the variance of the model's own standard error, Hartung-Knapp's where chosen
        (Riley, Higgins & Deeks 2011; metafor's ``pi.type="Riley"``).
        "k-1": t on k - p with the model's standard error (Partlett & Riley 2017 compare it).
        "z": a normal quantile with the model's standard error.
    k, p : int
        Effects and coefficients.
    df_ci : float
        Degrees of freedom of the confidence interval, NaN for a normal one.

    Returns
    -------
    Rule

    Notes
    -----
    "HTS" and "Riley" have no interval (NaN) below k - p - 1 = 1 degree of freedom; metafor takes one there.
    """
    count = "k" if p == 1 else "k-p"
    if kind in ("HTS", "Riley"):
        df = k - p - 1
        name = "k-2" if p == 1 else "k-p-1"
        source = {"HTS": "Higgins, Thompson & Spiegelhalter 2009", "Riley": "Riley, Higgins & Deeks 2011"}[
            kind
        ]
        return Rule(df, kind == "HTS", f"t, df = {name} = {df}, {source}")
    name = "k-1" if p == 1 else count
    if kind == "k-1":
        return Rule(k - p, False, f"t, df = {name} = {k - p}")
    if kind == "z":
        return Rule(math.nan, False, "normal")
    if math.isnan(df_ci):
        return Rule(math.nan, False, "normal, as metafor")
    return Rule(df_ci, False, f"t, df = {name} = {k - p}, as metafor predict()")


def half_width(chosen, *, tau2, variance, wald_variance, level):
    """Half the width of a prediction interval.

    Parameters
    ----------
    chosen : Rule
    tau2 : float
        Variance of true effects.
    variance, wald_variance : float or array
        Variance of the estimate: the model's own, and that without adjustment.
    level : float

    Returns
    -------
    float or array
        quantile · sqrt(tau2 + variance); NaN without degrees of freedom.
    """
    if chosen.df < 1:
        return math.nan * variance
    total = tau2 + (wald_variance if chosen.wald else variance)
    return upper_quantile((1 - level) / 2, df=chosen.df) * total**0.5
