"""Effects that stand apart from the others, and the estimate without them."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from livingreview.pooling.influence import influence
from livingreview.pooling.random_effects import Estimate, checked, fit

RULES = ("interval", "rstudent")


@dataclass(frozen=True)
class Outliers:
    """Which effects stand apart by a rule.

    Attributes
    ----------
    rule : str
        "interval" or "rstudent".
    outlying : array of shape (k,), bool
        Whether each effect does.
    without : Estimate
        The fit of the others; that of all where none stands apart.
    """

    rule: str
    outlying: np.ndarray
    without: Estimate


def find_outliers(yi, vi, *, rule="interval", method="REML", test="knha", level=0.95):
    """Find effects that stand apart, once, and pool the others.

    Parameters
    ----------
    yi, vi : array-like of shape (k,)
        Effects and sampling variances.
    rule : {"interval", "rstudent"}
        "interval": the effect's own Wald interval lies wholly outside the confidence interval of the pooled
        effect. The narrower that is, the more effects stand apart: among many precise effects that is the
        normal spread of true effects. "rstudent": the studentized deleted residual exceeds the normal
        quantile, as expected of a share 1 - `level` of effects when none is an outlier.
    method, test, level
        As `random_effects.fit`; `level` is that of both intervals, or gives the quantile.

    Returns
    -------
    Outliers
        None stands apart below two effects ("interval") or three ("rstudent", which needs a tau² without
        the effect). Removal is not repeated on the rest.

    Raises
    ------
    ValueError, ConvergenceError
        From `fit`; or `rule` is not known.

    References
    ----------
    "interval" as the R packages dmetar (``find.outliers``) and metapsyTools; "rstudent": Viechtbauer & Cheung
    2010, Res Synth Methods 1:112-125.
    """
    yi, vi = checked(yi, vi)
    if rule not in RULES:
        raise ValueError(f"rule {rule!r} is not known; allowed: {', '.join(RULES)}")
    options = {"method": method, "test": test, "level": level}
    if rule == "interval":
        outlying = _outside_the_interval(yi, vi, options)
    else:
        outlying = _far_residual(yi, vi, options)
    return Outliers(rule, outlying, fit(yi[~outlying], vi[~outlying], **options))


def _outside_the_interval(yi, vi, options):
    if len(yi) < 2:
        return np.zeros(len(yi), dtype=bool)
    pooled = fit(yi, vi, **options)
    reach = -ndtri((1 - options["level"]) / 2) * np.sqrt(vi)
    return (yi + reach < pooled.ci_low) | (yi - reach > pooled.ci_high)


def _far_residual(yi, vi, options):
    if len(yi) < 3:
        return np.zeros(len(yi), dtype=bool)
    found = influence(yi, vi, method=options["method"], test=options["test"])
    # Equal effects have no residual (NaN): none of them stands apart.
    return np.abs(np.nan_to_num(found.rstudent, nan=0.0)) > -ndtri((1 - options["level"]) / 2)
