"""Weight functions of selection models: how likely an effect is to be seen, given its p-value.

Each family gives w(p; delta) for the effects at hand and, for every effect, the integral A of w times the
density of the effect, with first and second derivatives in mu, tau² and delta. Effects enter with the sign
in which a small p-value means a large effect; `selection` turns the others round.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_expit, ndtr, ndtri

# Where p-values are cut off in families whose weights are infinite or zero at p = 0 or 1; as metafor.
P_CUT = 1e-5
# The bounds of delta, as metafor's; an answer at one of them is flagged.
DELTA_MAX = 100.0
# Gauss-Legendre nodes in each piece between break points: 12 integrate a polynomial of degree 23 exactly, and
# within a piece the integrand is smooth; more of them change log-likelihoods by less than 1e-9.
NODES, NODE_WEIGHTS = np.polynomial.legendre.leggauss(12)
# Break points in standard deviations of the effects about mu. The density is zero in doubles beyond 38; far
# tails count when weights are almost zero around mu.
DENSITY_BREAKS = np.array([-38.0, -24, -15, -9, -5.5, -3, -1.2, 0, 1.2, 3, 5.5, 9, 15, 24, 38])
# Break points in standard errors about zero, where p-values change.
P_BREAKS = np.array(
    [-9.0, -6.5, -5, -4, -3.2, -2.5, -1.8, -1.2, -0.6, 0, 0.6, 1.2, 1.8, 2.5, 3.2, 4, 5, 6.5, 9]
)
# Two-sided, 1 - p is proportional to |z| near zero; its powers and its logarithm need finer pieces there.
NEAR_ZERO = 10.0 ** np.arange(-4.5, 0, 0.5)


@dataclass(frozen=True)
class Family:
    """One weight function.

    Attributes
    ----------
    name : str
        Its name in metafor.
    null : array of shape (n_delta,)
        The values of delta without selection.
    fixed : array of bool of shape (n_delta,)
        Which delta are not estimated (the first interval of a step function is the reference, 1).
    low : float
        The lower bound of each delta.
    steps : array
        Cut points in p. Empty where there are none.
    p_cut : float
        p-values nearer than this to 0 or 1 are moved there.
    """

    name: str
    null: np.ndarray
    fixed: np.ndarray
    low: float
    steps: np.ndarray
    p_cut: float = 0.0


@dataclass(frozen=True)
class Derivatives:
    """Values for k effects with derivatives in m parameters: shapes (k,), (k, m), (k, m, m)."""

    value: np.ndarray
    first: np.ndarray
    second: np.ndarray


def family(name, *, steps=None):
    """The family of that name.

    Parameters
    ----------
    name : {"stepfun", "beta", "halfnorm", "negexp", "logistic", "power"}
        "stepfun": w = delta_j for p in the j-th interval (Hedges 1992; Vevea & Hedges 1995), delta_1 = 1.
        "beta": p^(delta_1 - 1) (1 - p)^(delta_2 - 1) (Citkowicz & Vevea 2017). "halfnorm": exp(-delta p²);
        "negexp": exp(-delta p); "logistic": 2 exp(-delta p) / (1 + exp(-delta p)); "power": (1 - p)^delta
        (Preston, Ashby & Smyth 2004).
    steps : sequence of float, optional
        Cut points; needed for "stepfun", refused for "beta"; one at most for the others, for which w is 1 up
        to it and relative to w there beyond it.

    Raises
    ------
    ValueError
        The name is unknown, steps are missing, too many or outside 0 to 1.
    """
    cuts = _checked_steps(steps)
    if name == "stepfun":
        if len(cuts) == 0:
            raise ValueError("type 'stepfun' needs steps, such as (0.025,)")
        cuts = np.append(cuts, 1.0)
        fixed = np.arange(len(cuts)) == 0
        return Family(name, np.ones(len(cuts)), fixed, 0.0, cuts)
    if name == "beta":
        if len(cuts):
            raise ValueError("type 'beta' takes no steps")
        return Family(name, np.ones(2), np.zeros(2, dtype=bool), P_CUT, cuts, P_CUT)
    if name not in SMOOTH:
        raise ValueError(f"type {name!r} is not known; allowed: stepfun, beta, {', '.join(SMOOTH)}")
    if len(cuts) > 1:
        raise ValueError(f"type {name!r} takes one step at most, not {len(cuts)}")
    cut = P_CUT if name == "power" else 0.0
    return Family(name, np.zeros(1), np.zeros(1, dtype=bool), 0.0, cuts, cut)


def _checked_steps(steps):
    cuts = np.unique(np.asarray([] if steps is None else steps, dtype=float))
    cuts = cuts[cuts != 1]
    if ((cuts <= 0) | (cuts >= 1) | ~np.isfinite(cuts)).any():
        raise ValueError(f"steps must lie between 0 and 1, not {steps!r}")
    return cuts


def p_values(yi, vi, *, two_sided):
    """p-values of effects of which large ones are wanted: 1 - Phi(y / sqrt(v)), or two-sided."""
    z = yi / np.sqrt(vi)
    return 2 * ndtr(-np.abs(z)) if two_sided else ndtr(-z)


def interval_of(p, steps):
    """The index of the interval (steps[j - 1], steps[j]] in which each p lies."""
    return np.searchsorted(steps, p, side="left")


def log_weight(fam, p, delta):
    """log w of p-values with its derivatives in delta.

    Returns
    -------
    Derivatives
        Of shapes p.shape, p.shape + (n_delta,) and p.shape + (n_delta, n_delta).
    """
    if fam.name == "stepfun":
        return _log_steps(fam, p, delta)
    p = np.clip(p, fam.p_cut, 1 - fam.p_cut)
    if fam.name == "beta":
        first = np.stack([np.log(p), np.log1p(-p)], axis=-1)
        return Derivatives(first @ (delta - 1), first, np.zeros((*p.shape, 2, 2)))
    value, first, second = SMOOTH[fam.name](p, delta[0])
    if len(fam.steps):
        step = fam.steps[0]
        at_step = SMOOTH[fam.name](np.array(step), delta[0])
        parts = (value, first, second)
        value, first, second = (
            np.where(p <= step, 0.0, x - x0) for x, x0 in zip(parts, at_step, strict=True)
        )
    return Derivatives(value, first[..., None], second[..., None, None])


def _log_steps(fam, p, delta):
    j = interval_of(p, fam.steps)
    hit = np.eye(len(delta))[j]
    d = delta[j]
    with np.errstate(divide="ignore"):
        value = np.log(d)
        first = hit / d[:, None]
    return Derivatives(value, first, -first[:, :, None] * first[:, None, :])


def _half_normal(p, delta):
    return -delta * p**2, -(p**2), np.zeros_like(p)


def _negative_exponential(p, delta):
    return -delta * p, -p, np.zeros_like(p)


def _logistic(p, delta):
    x = delta * p
    share = expit(x)
    return np.log(2) - x + log_expit(x), -p * share, -(p**2) * share * (1 - share)


def _power(p, delta):
    # log w, d log w / d delta, d² log w / d delta²
    rest = np.log1p(-p)
    return delta * rest, rest, np.zeros_like(p)


SMOOTH = {
    "halfnorm": _half_normal,
    "negexp": _negative_exponential,
    "logistic": _logistic,
    "power": _power,
}


def expected_weight(fam, vi, *, mu, tau2, delta, two_sided):
    """A: the mean of w over the effects that a study with variance v could have shown.

    Parameters
    ----------
    fam : Family
    vi : array of shape (k,)
        Sampling variances.
    mu, tau2 : float
        Mean and variance of true effects.
    delta : array of shape (n_delta,)
    two_sided : bool
        Whether selection looks at two-sided p-values.

    Returns
    -------
    Derivatives
        Parameters in the order mu, tau2, delta.
    """
    if fam.name == "stepfun":
        return _steps_integral(fam, vi, mu=mu, tau2=tau2, delta=delta, two_sided=two_sided)
    return _quadrature(fam, vi, mu=mu, tau2=tau2, delta=delta, two_sided=two_sided)


def _steps_integral(fam, vi, *, mu, tau2, delta, two_sided):
    """A = sum of delta_j P(p in interval j), by the normal distribution function."""
    k, n_delta = len(vi), len(delta)
    tails = [_tail(step, vi, mu=mu, tau2=tau2, two_sided=two_sided) for step in fam.steps[:-1]]
    ends = np.zeros((6, k, n_delta + 1))
    ends[:, :, 1:-1] = np.stack(tails, axis=-1)
    ends[0, :, -1] = 1
    # Rows: P, and its derivatives in mu, s², mu mu, mu s², s² s².
    parts = np.diff(ends, axis=-1)
    whole = parts @ delta
    first = np.concatenate([whole[1:3].T, parts[0]], axis=1)
    second = np.zeros((k, 2 + n_delta, 2 + n_delta))
    second[:, 0, 0], second[:, 1, 1] = whole[3], whole[5]
    second[:, 0, 1] = second[:, 1, 0] = whole[4]
    second[:, 0, 2:] = second[:, 2:, 0] = parts[1]
    second[:, 1, 2:] = second[:, 2:, 1] = parts[2]
    return Derivatives(whole[0], first, second)


def _tail(step, vi, *, mu, tau2, two_sided):
    """P(p <= step) with derivatives in mu, s², mu², mu s² and s⁴, where s² = v + tau².

    The normal density solves the heat equation, d/ds² = (d/dmu)² / 2, which gives all of them from
    derivatives in mu.
    """
    s = np.sqrt(vi + tau2)
    critical = -np.sqrt(vi) * ndtri(step / 2 if two_sided else step)
    upper = _normal_tail((critical - mu) / s, s)
    if not two_sided:
        return upper
    # The lower tail is the upper tail of -y, whose mean is -mu: odd derivatives change their sign.
    return upper + np.array([1, -1, 1, 1, -1, 1])[:, None] * _normal_tail((critical + mu) / s, s)


def _normal_tail(u, s):
    """P(z > u) with u = (c - mu) / s, and derivatives as in `_tail`, of shape (6, k)."""
    density = np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi)
    d1 = density / s
    d2 = density * u / s**2
    d3 = density * (u**2 - 1) / s**3
    d4 = density * (u**3 - 3 * u) / s**4
    return np.stack([ndtr(-u), d1, d2 / 2, d2, d3 / 2, d4 / 4])


def _quadrature(fam, vi, *, mu, tau2, delta, two_sided):
    """A by composite Gauss-Legendre between break points: kinks of w, and scales of w and of the density."""
    s = np.sqrt(vi + tau2)[:, None]
    sei = np.sqrt(vi)[:, None]
    y, h = _nodes(fam, mu=mu, s=s, sei=sei, two_sided=two_sided)
    w = log_weight(fam, p_values(y, sei**2, two_sided=two_sided), delta)
    z = (y - mu) / s
    mass = h * np.exp(w.value - z**2 / 2) / (np.sqrt(2 * np.pi) * s)
    # Hermite polynomials: derivatives of the density in mu and s², over the density.
    d_mu, d_s2 = z / s, (z**2 - 1) / (2 * s**2)
    slopes = np.concatenate([d_mu[..., None], d_s2[..., None], w.first], axis=-1)
    first = np.einsum("kn,knm->km", mass, slopes)
    second = np.einsum("kn,knm,knl->kml", mass, slopes, slopes)
    curve = np.zeros_like(second)
    curve[:, 0, 0] = -(mass / s**2).sum(axis=1)
    curve[:, 0, 1] = curve[:, 1, 0] = -(mass * z / s**3).sum(axis=1)
    curve[:, 1, 1] = (mass * (1 - 2 * z**2) / (2 * s**4)).sum(axis=1)
    curve[:, 2:, 2:] = np.einsum("kn,knml->kml", mass, w.second)
    return Derivatives(mass.sum(axis=1), first, second + curve)


def _nodes(fam, *, mu, s, sei, two_sided):
    """Nodes and their weights, of shape (k, nodes)."""
    low, high = mu + DENSITY_BREAKS[0] * s, mu + DENSITY_BREAKS[-1] * s
    kinks = sei * np.concatenate([P_BREAKS, _kinks(fam, two_sided=two_sided)])
    breaks = np.concatenate([mu + DENSITY_BREAKS * s, np.clip(kinks, low, high)], axis=1)
    breaks.sort(axis=1)
    half = np.diff(breaks, axis=1)[..., None] / 2
    middle = (breaks[:, 1:, None] + breaks[:, :-1, None]) / 2
    k = len(s)
    return (middle + half * NODES).reshape(k, -1), (half * NODE_WEIGHTS).reshape(k, -1)


def _kinks(fam, *, two_sided):
    """z-values at which log w is not smooth."""
    p = list(fam.steps)
    if fam.p_cut:
        p += [fam.p_cut, 1 - fam.p_cut]
    if not two_sided:
        return -ndtri(np.array(p))
    z = np.concatenate([-ndtri(np.array(p) / 2), NEAR_ZERO if fam.p_cut else []])
    return np.concatenate([z, -z])
