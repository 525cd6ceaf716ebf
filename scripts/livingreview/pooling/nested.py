"""The likelihood of effects nested in studies, without ever building a k x k matrix.

The marginal covariance of the effects of study j is V_j + s1 11' + s2 I: s1 is the variance of true effects
between studies, s2 the variance within. With V_j = Q diag(lam) Q', the data are turned by Q' once; after that
every matrix is a diagonal plus a rank-one term u u' (u = Q'1), and each likelihood costs sums over k values.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from livingreview.pooling.heterogeneity import typical_variance
from livingreview.pooling.random_effects import ConvergenceError

# A Newton step below this share of the parameter plus the typical sampling variance ends the search; steps
# shrink quadratically there, so the parameters are then good to about its square.
STEP_TOLERANCE = 1e-9
MAX_STEPS = 200
MAX_HALVINGS = 40
# Where no shorter step raises the likelihood, a gain predicted below this is rounding, not a failure.
GAIN_TOLERANCE = 1e-8
# Shares of the typical variance from which (between, within) start: the likelihood can have two maxima.
STARTS = ((0.5, 0.5), (1.0, 0.01), (0.01, 1.0), (0.01, 0.01))


@dataclass(frozen=True)
class Point:
    """What is known of the likelihood at one pair of variances.

    Attributes
    ----------
    ll : float
        (Restricted) log-likelihood.
    beta, vb : arrays of shape (p,) and (p, p)
        Generalised least squares coefficients and their covariances.
    score : array of shape (2,)
        Derivatives of `ll` by the variance between and within studies.
    expected, observed : arrays of shape (2, 2)
        Fisher information, and minus the second derivatives.
    """

    ll: float
    beta: np.ndarray
    vb: np.ndarray
    score: np.ndarray
    expected: np.ndarray
    observed: np.ndarray


class Nested:
    """Effects, moderators and sampling covariances, turned so that V is diagonal.

    Parameters
    ----------
    yi : array of shape (k,)
        Effects.
    X : array of shape (k, p)
        Model matrix of full rank.
    V : Blocks
        Sampling covariances, positive definite.
    restricted : bool
        Restricted (REML) or full (ML) likelihood.
    """

    def __init__(self, yi, X, V, *, restricted):
        self.order = np.concatenate(V.rows)
        sizes = np.array([len(at) for at in V.rows])
        self.starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        self.sizes = sizes
        self.restricted = restricted
        self.k, self.p = X.shape
        # Orthogonal columns: a year or a mean age beside an intercept would otherwise cost digits. Both
        # likelihoods stay the same; `at` gives coefficients of X as it came.
        orthogonal, self.back = np.linalg.qr(X)
        self.y, self.X, self.u, self.lam = _turned(yi, orthogonal, V)
        self.typical = typical_variance(self.lam)

    def by_study(self, values):
        """Sums within studies of an array of shape (k,) or (k, p)."""
        return np.add.reduceat(values, self.starts, axis=0)

    def over_effects(self, values):
        """One value for each study, repeated for its effects."""
        return np.repeat(values, self.sizes, axis=0)

    @cached_property
    def fixed(self):
        """(Q, trace of P) with sampling covariances alone: metafor's QE, and the P of its I²."""
        WX = self.X / self.lam[:, None]
        A = self.X.T @ WX
        residual = self.y - self.X @ np.linalg.solve(A, WX.T @ self.y)
        trace = np.sum(1 / self.lam) - np.trace(np.linalg.solve(A, WX.T @ WX))
        return float(np.sum(residual**2 / self.lam)), float(trace)

    def at(self, sigma2):
        """Likelihood, score and information at (between, within).

        Notes
        -----
        With P = W - W X (X'WX)^-1 X'W, Z1 = blocks of ones, Z2 = I: score_i = (y'P Zi P y - tr P Zi) / 2,
        expected_ij = tr(P Zi P Zj) / 2, observed_ij = y'P Zi P Zj P y - expected_ij (ML: W for P in traces);
        Searle, Casella & McCulloch 1992, Variance Components, sections 6.2 and 6.6.
        """
        W = _Inverse(self, sigma2)
        WX = W.times(self.X)
        A = self.X.T @ WX
        vb = np.linalg.inv(A)
        vb = (vb + vb.T) / 2
        beta = vb @ (WX.T @ self.y)
        residual = self.y - self.X @ beta
        Py = W.times(residual[:, None])[:, 0]
        traces, twos = W.traces()
        if self.restricted:
            traces, twos = _projected(W, WX, vb, traces, twos)
        ZPy = np.column_stack([self.u * self.over_effects(self.by_study(self.u * Py)), Py])
        quadratic = ZPy.T @ (W.times(ZPy) - WX @ (vb @ (WX.T @ ZPy)))
        return Point(
            ll=self._log_likelihood(W, A, rss=float(residual @ Py)),
            beta=np.linalg.solve(self.back, beta),
            vb=_both_sides(self.back, vb),
            score=(ZPy.T @ Py - traces) / 2,
            expected=twos / 2,
            observed=quadratic - twos / 2,
        )

    def _log_likelihood(self, W, A, *, rss):
        """Log-likelihood with all constants, as metafor (which adds log|X'X| / 2 under REML)."""
        n = self.k - self.p if self.restricted else self.k
        ll = -n * np.log(2 * np.pi) + W.log_determinant() - rss
        if self.restricted:  # log|X'X| is zero for orthonormal columns
            ll -= np.linalg.slogdet(A)[1]
        return float(ll / 2)

    def maximise(self, *, free=(True, True), fixed=(0.0, 0.0)):
        """Variances (between, within) of largest likelihood, exactly zero where on the boundary.

        Parameters
        ----------
        free : pair of bool
            Which of the two are estimated.
        fixed : pair of float
            Values of those that are not.

        Returns
        -------
        array of shape (2,), Point

        Raises
        ------
        ConvergenceError
            The search settles from none of the `STARTS`.
        """
        free = np.array(free)
        fixed = np.asarray(fixed, dtype=float)
        if not free.any():
            return fixed, self.at(fixed)
        scale = max(self.typical, float(np.var(self.y)))
        found = []
        for start in dict.fromkeys(tuple(np.where(free, scale * np.array(s), fixed)) for s in STARTS):
            settled = self._climb(np.array(start), free)
            if settled is not None:
                found.append(settled)
        if not found:
            raise ConvergenceError(
                f"the variances between and within studies did not settle for {self.k} effects of "
                f"{len(self.sizes)} studies; sampling variances reach from {self.lam.min():g} to "
                f"{self.lam.max():g}, look for one that is mistyped"
            )
        return max(found, key=lambda pair: pair[1].ll)

    def _climb(self, sigma2, free):
        """Projected Newton steps from one start; None if they do not settle."""
        point = self.at(sigma2)
        for _ in range(MAX_STEPS):
            moving = free & ((sigma2 > 0) | (point.score > 0))
            if not moving.any():
                return sigma2, point
            step = np.zeros(2)
            step[moving] = _ascent(point, moving)
            target, reached = self._shorter(sigma2, step, point)
            if reached is None:
                return (sigma2, point) if step @ point.score <= GAIN_TOLERANCE else None
            moved = np.abs(target - sigma2)
            sigma2, point = target, reached
            if (moved <= STEP_TOLERANCE * (sigma2 + self.typical)).all():
                still = free & (sigma2 == 0) & (point.score > 0)
                if not still.any():
                    return sigma2, point
        return None

    def _shorter(self, sigma2, step, point):
        """The longest of the halved steps, kept at zero or more, that does not lower the likelihood."""
        for halving in range(MAX_HALVINGS):
            target = np.maximum(sigma2 + step / 2**halving, 0.0)
            reached = self.at(target)
            if reached.ll >= point.ll - 1e-13 * abs(point.ll):
                return target, reached
        return sigma2, None


def _both_sides(R, vb):
    """R^-1 vb R^-T, symmetric."""
    half = np.linalg.solve(R, vb)
    found = np.linalg.solve(R, half.T)
    return (found + found.T) / 2


class _Inverse:
    """W, the inverse of the marginal covariance at (between, within): diag(d) - c (d u)(d u)' in each study.

    Sherman and Morrison: with S = sum(u² d) in a study, c = s1 / (1 + s1 S).
    """

    def __init__(self, nested, sigma2):
        s1, s2 = sigma2
        self.nested = nested
        self.d = 1 / (nested.lam + s2)
        self.du = self.d * nested.u
        S = nested.by_study(self.du * nested.u)
        self.shrink = 1 / (1 + s1 * S)
        self.c = s1 * self.shrink
        self.uWu = S * self.shrink
        self.Wu = self.du * nested.over_effects(self.shrink)

    def times(self, values):
        """W times an array of shape (k, q)."""
        inner = self.nested.by_study(self.du[:, None] * values)
        shared = self.nested.over_effects(self.c[:, None] * inner)
        return self.d[:, None] * values - self.du[:, None] * shared

    def log_determinant(self):
        """log|W|."""
        return np.log(self.d).sum() + np.log(self.shrink).sum()

    def traces(self):
        """tr(W Zi), array of shape (2,), and tr(W Zi W Zj), array of shape (2, 2)."""
        squares = self.nested.by_study(self.du**2)
        cubes = self.nested.by_study(self.du**2 * self.d)
        ones = np.array([self.uWu.sum(), self.d.sum() - np.sum(self.c * squares)])
        mixed = np.sum(self.Wu**2)
        within = np.sum(self.d**2) + np.sum((self.c * squares) ** 2 - 2 * self.c * cubes)
        return ones, np.array([[np.sum(self.uWu**2), mixed], [mixed, within]])


def _projected(W, WX, vb, traces, twos):
    """The traces of `_Inverse` with P = W - W X (X'WX)^-1 X'W in the place of W."""
    uWX = W.nested.by_study(W.nested.u[:, None] * WX)
    uWWX = W.nested.by_study(W.Wu[:, None] * WX)
    XWZWX = (uWX.T @ uWX, WX.T @ WX)
    crossed = {(0, 0): uWX.T @ (W.uWu[:, None] * uWX), (0, 1): uWX.T @ uWWX, (1, 1): WX.T @ W.times(WX)}
    ones = traces - [np.sum(vb * part) for part in XWZWX]
    found = np.empty((2, 2))
    for (i, j), cross in crossed.items():
        both = np.sum((vb @ XWZWX[i]) * (vb @ XWZWX[j]).T)
        found[i, j] = found[j, i] = twos[i, j] - 2 * np.sum(vb * cross) + both
    return ones, found


def _ascent(point, moving):
    """Newton's step where the likelihood curves down, else Fisher's."""
    at = np.ix_(moving, moving)
    for information in (point.observed[at], point.expected[at]):
        try:
            np.linalg.cholesky(information)
        except np.linalg.LinAlgError:
            continue
        return np.linalg.solve(information, point.score[moving])
    return point.score[moving] / np.maximum(np.diag(point.expected[at]), np.finfo(float).tiny)


def _turned(yi, X, V):
    """Data in the eigenvectors of each block: (y, X, u, lam), ordered by study."""
    order = np.concatenate(V.rows)
    y, X = yi[order].copy(), X[order].copy()
    u, lam = np.ones(len(yi)), np.empty(len(yi))
    start = 0
    for block in V.blocks:
        at = slice(start, start + len(block))
        start += len(block)
        if np.count_nonzero(block) == len(block):  # diagonal already: variances are above zero
            lam[at] = np.diag(block)
            continue
        lam[at], Q = np.linalg.eigh(block)
        y[at], X[at], u[at] = Q.T @ y[at], Q.T @ X[at], Q.sum(axis=0)
    return y, X, u, lam
