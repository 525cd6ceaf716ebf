"""Least squares with weights 1 / (v + tau2), for a mean and for a regression on moderators.

Both models answer the same questions, so that an estimator of tau2 is written once. With W = diag(w),
w = 1 / (v + tau2), and P = W - W X (X'WX)^-1 X'W, everything is made of the numbers in `Moments`.
"""

import math
from functools import cached_property
from typing import NamedTuple

import numpy as np

LOG_2PI = math.log(2 * math.pi)


class Moments(NamedTuple):
    """What scoring and moment equations take from the data at one tau2.

    Attributes
    ----------
    q : float
        y'Py, the weighted sum of squared residuals: Cochran's Q at tau2 = 0, the generalised Q elsewhere.
    ypp : float
        y'PPy, which is minus the slope of `q` in tau2.
    tr_p, tr_pp : float
        Traces of P and of PP.
    sum_w, sum_w2 : float
        Sums of the weights and of their squares.
    """

    q: float
    ypp: float
    tr_p: float
    tr_pp: float
    sum_w: float
    sum_w2: float


class Solution(NamedTuple):
    """Coefficients (p,), their covariance (p, p) when the weights are true, and y'Py."""

    coefficients: np.ndarray
    covariance: np.ndarray
    q: float


class MeanModel:
    """One mean, in sums instead of matrices.

    Parameters
    ----------
    yi, vi : array of shape (k,)
        Effects and sampling variances, checked, k at least 1.

    Notes
    -----
    The effect with the smallest variance is put first, the others are taken relative to it and summed without
    it. Where it outweighs all others together (variances may differ by a factor of 1e24), differences such as
    sum(w) - sum(w²) / sum(w) would otherwise be lost in the last digit.
    """

    p = 1
    names = ("intercept",)
    intercept = True

    def __init__(self, yi, vi):
        heaviest = int(vi.argmin())
        self.k = len(yi)
        self._centre = float(yi[heaviest])
        y, v = yi - self._centre, vi.copy()
        y[heaviest], v[heaviest] = y[0], vi[0]
        self.smallest_variance = self._v0 = float(vi[heaviest])
        self._y, self._v = y[1:], v[1:]
        self._ones = np.ones(self.k - 1)
        self.yi, self.vi = yi, vi

    def _sums(self, tau2):
        """w0, the other weights, their sum, the sum of all, and the mean relative to the heaviest effect."""
        w0 = 1 / (self._v0 + tau2)
        w = 1 / (self._v + tau2)
        rest = float(w.dot(self._ones))
        return w0, w, rest, w0 + rest, float(w.dot(self._y)) / (w0 + rest)

    @cached_property
    def at_zero(self):
        """`Moments` without a variance of true effects, which most questions need once."""
        return self.moments(0.0)

    def moments(self, tau2):
        """`Moments` at a variance of true effects `tau2`."""
        w0, w, rest, total, mean = self._sums(tau2)
        w2 = w * w
        s2, s3 = float(w.dot(w)), float(w2.dot(w))
        r = self._y - mean
        a = w * r
        q = w0 * mean * mean + float(a.dot(r))
        ypp = (w0 * mean) ** 2 + float(a.dot(a))
        p00, share = w0 * rest / total, w0 / total
        tr_p = p00 + rest - s2 / total
        tr_pp = p00 * p00 + 2 * share * share * s2 + s2 - 2 * s3 / total + (s2 / total) ** 2
        return Moments(q, ypp, tr_p, tr_pp, total, w0 * w0 + s2)

    def mean(self, tau2):
        """The weighted mean, its variance 1 / sum(w), and y'Py."""
        w0, w, _, total, mean = self._sums(tau2)
        r = self._y - mean
        return self._centre + mean, 1 / total, w0 * mean * mean + float((w * r).dot(r))

    def solve(self, tau2):
        """The weighted mean as a `Solution`."""
        mean, variance, q = self.mean(tau2)
        return Solution(np.array([mean]), np.array([[variance]]), q)

    def residual_variance(self):
        """Sum of squares about the unweighted mean over k - 1."""
        y = self._y - self._y.sum() / self.k
        first = self._y.sum() / self.k
        return (float(y.dot(y)) + first * first) / (self.k - 1)

    def variance_left(self):
        """tr((I - H) V) / (k - 1), here the mean sampling variance."""
        return float(self.vi.sum()) / self.k

    def log_likelihood(self, tau2, *, restricted):
        """The (restricted) log-likelihood at the best mean; Viechtbauer 2005, with all constants."""
        w0, w, _, total, mean = self._sums(tau2)
        r = self._y - mean
        q = w0 * mean * mean + float((w * r).dot(r))
        log_w = math.log(w0) + float(np.log(w).sum())
        if not restricted:
            return (log_w - q - self.k * LOG_2PI) / 2
        return (log_w - q - math.log(total) + math.log(self.k) - (self.k - 1) * LOG_2PI) / 2

    @property
    def design(self):
        """The design matrix, a column of ones."""
        return np.ones((self.k, 1))


class RegressionModel:
    """Effects as a linear function of moderators.

    Parameters
    ----------
    yi, vi : array of shape (k,)
        Effects and sampling variances, checked.
    design : array of shape (k, p)
        The design matrix, of full column rank, k at least p.
    names : tuple of str, length p
        Its columns.
    intercept : bool
        Whether its first column is the intercept.

    Notes
    -----
    Rows are sorted by variance, which keeps a Householder QR accurate when rows differ in scale, and effects
    are replaced by their least-squares residuals, which all but the coefficients share with the effects.
    """

    def __init__(self, yi, vi, design, *, names, intercept):
        order = np.argsort(vi, kind="stable")
        self.k, self.p = design.shape
        self.names, self.intercept = names, intercept
        self.yi, self.vi, self.design = yi, vi, design
        self._x, self._v = design[order], vi[order]
        self.smallest_variance = float(self._v[0])
        y = yi[order]
        q, r = np.linalg.qr(self._x)
        self._q, self._log_det_xx = q, 2 * float(np.sum(np.log(np.abs(np.diag(r)))))
        self._ols = np.linalg.solve(r, q.T @ y)
        self._y = y - self._x @ self._ols

    def _factor(self, tau2):
        w = 1 / (self._v + tau2)
        root = np.sqrt(w)
        q, r = np.linalg.qr(root[:, None] * self._x)
        z = root * self._y
        return w, q, r, z

    @cached_property
    def at_zero(self):
        """`Moments` without a variance of true effects, which most questions need once."""
        return self.moments(0.0)

    def moments(self, tau2):
        """`Moments` at a variance of true effects `tau2`."""
        w, q, _, z = self._factor(tau2)
        residual = z - q @ (q.T @ z)
        leverage = np.einsum("ij,ij->i", q, q)
        qwq = (q * w[:, None]).T @ q
        tr_pp = float(np.sum(w * w * (1 - 2 * leverage)) + np.sum(qwq * qwq))
        squares = residual * residual
        return Moments(
            float(squares.sum()),
            float(w @ squares),
            float(w @ np.maximum(1 - leverage, 0.0)),
            tr_pp,
            float(w.sum()),
            float(w @ w),
        )

    def solve(self, tau2):
        """Coefficients, (X'WX)^-1 and y'Py as a `Solution`."""
        _, q, r, z = self._factor(tau2)
        fitted = q.T @ z
        inverse = np.linalg.solve(r, np.eye(self.p))
        residual = z - q @ fitted
        return Solution(self._ols + inverse @ fitted, inverse @ inverse.T, float(residual @ residual))

    def residual_variance(self):
        """Sum of squares about the unweighted regression over k - p."""
        return float(self._y @ self._y) / (self.k - self.p)

    def variance_left(self):
        """tr((I - H) V) / (k - p), H the hat matrix of the unweighted regression."""
        leverage = np.einsum("ij,ij->i", self._q, self._q)
        return float(self._v @ (1 - leverage)) / (self.k - self.p)

    def log_likelihood(self, tau2, *, restricted):
        """The (restricted) log-likelihood at the best coefficients; Viechtbauer 2005, with all constants."""
        w, q, r, z = self._factor(tau2)
        residual = z - q @ (q.T @ z)
        fit = float(np.log(w).sum() - residual @ residual)
        if not restricted:
            return (fit - self.k * LOG_2PI) / 2
        log_det = 2 * float(np.sum(np.log(np.abs(np.diag(r)))))
        return (fit - log_det + self._log_det_xx - (self.k - self.p) * LOG_2PI) / 2


def projection(model, weights):
    """A - A X (X'AX)^-1 X'A for a diagonal A, as a (k, k) array in the order of the effects."""
    root = np.sqrt(weights)
    q, _ = np.linalg.qr(root[:, None] * model.design)
    return root[:, None] * (np.eye(model.k) - q @ q.T) * root
