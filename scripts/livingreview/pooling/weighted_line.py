"""A straight line by weighted least squares: what Egger's test, PET-PEESE and radial plots share."""

import math
from dataclasses import dataclass

import numpy as np

# metafor leaves to R's lm() whether a predictor differs from a constant: its QR calls a column linearly
# dependent when less than this share of its length is left.
RANK_TOLERANCE = 1e-7


@dataclass(frozen=True)
class Line:
    """y = intercept + slope x, fitted with weights w to k points.

    Attributes
    ----------
    intercept, slope : float
    var_intercept, var_slope : float
        Their variances for weights that are inverse variances: diagonal of (X'WX)^-1, not scaled by the
        residuals.
    rss : float
        Weighted sum of squared residuals.
    tss : float
        Weighted sum of squares of y about its weighted mean.
    df : int
        k - 2.
    """

    intercept: float
    slope: float
    var_intercept: float
    var_slope: float
    rss: float
    tss: float
    df: int

    @property
    def scale(self):
        """The residual variance, rss / df; standard errors are multiplied by its root, as in ``lm()``."""
        return self.rss / self.df if self.df > 0 else math.nan

    @property
    def se_intercept(self):
        return math.sqrt(self.var_intercept * self.scale)

    @property
    def se_slope(self):
        return math.sqrt(self.var_slope * self.scale)


def varies(x, w):
    """Whether a predictor differs enough between points for a slope."""
    centre = np.sum(w * x) / w.sum()
    return bool(math.sqrt(np.sum(w * (x - centre) ** 2)) > RANK_TOLERANCE * math.sqrt(np.sum(w * x**2)))


def fit_line(x, y, w):
    """Weighted least squares.

    Parameters
    ----------
    x, y, w : array of shape (k,)
        Predictor, response and weights above zero. The predictor must vary, see `varies`.

    Returns
    -------
    Line
    """
    total = w.sum()
    x_mean, y_mean = np.sum(w * x) / total, np.sum(w * y) / total
    dx, dy = x - x_mean, y - y_mean
    sxx = np.sum(w * dx**2)
    slope = np.sum(w * dx * dy) / sxx
    residual = dy - slope * dx
    # Rounding must not look like scatter where all points lie on the line.
    noise = 8 * np.finfo(float).eps * (np.abs(y).max() + np.abs(slope * dx).max())
    residual[np.abs(residual) <= noise] = 0.0
    return Line(
        intercept=float(y_mean - slope * x_mean),
        slope=float(slope),
        var_intercept=float(1 / total + x_mean**2 / sxx),
        var_slope=float(1 / sxx),
        rss=float(np.sum(w * residual**2)),
        tss=float(np.sum(w * dy**2)),
        df=len(x) - 2,
    )
