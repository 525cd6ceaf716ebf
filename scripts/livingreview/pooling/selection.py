"""Selection models: the random-effects model with a weight for how likely a p-value is to be published.

As metafor's ``selmodel()`` for models without moderators, fitted by maximum likelihood. Signs: with
``alternative="less"`` small p-values belong to negative effects (a review in which negative favours
treatment), with "greater" to positive ones, with "two.sided" to either.
"""

import math
from dataclasses import dataclass

import numpy as np
import scipy  # its parts load at their first use; optimize is slow
from scipy.special import chdtrc, ndtr, ndtri

from livingreview.pooling import reasons
from livingreview.pooling import selection_weights as weights
from livingreview.pooling.heterogeneity import typical_variance
from livingreview.pooling.random_effects import ConvergenceError, checked
from livingreview.pooling.small_study import INTERPRETABLE_K, advice_on
from livingreview.pooling.terms import checked_level

ALTERNATIVES = ("less", "greater", "two.sided")
# Newton's method ends when half the squared step in standard errors, which is what the log-likelihood could
# still gain, is below this: estimates are then within about 1e-9 of a standard error.
GAIN_TOLERANCE = 1e-18
# What it may still be where rounding of the likelihood stops it earlier: within 1.5e-5 of a standard error.
GAIN_ACCEPTED = 1e-10
MAX_STEPS = 60
MAX_HALVINGS = 25
# Starts for delta: no selection, then strong, weak and reverse selection; the best maximum is kept. The beta
# family has maxima on either side of each exponent's 1.
STARTS = {
    "stepfun": (1.0, 0.3, 0.05, 3.0),
    "beta": (1.0, (0.5, 2.0), (2.0, 0.5)),
    "smooth": (1.0, 0.1, 5.0),
}
# delta is at a bound when nearer to it than this, which is far from where any use of the number would differ.
NEAR_BOUND = 1e-7


@dataclass(frozen=True)
class Selection:
    """A fitted selection model.

    Attributes
    ----------
    k : int
        Number of effects.
    type, alternative : str
        The weight function, and whose p-values are small.
    steps : tuple of float
        Upper ends of the intervals of p; for "stepfun" the last is 1.
    n_in_step : tuple of int
        Effects in each interval. Empty without steps.
    estimate, se, stat, pval, ci_low, ci_high : float
        The effect corrected for selection; Wald test and interval (normal).
    tau2, se_tau2 : float
        Variance of true effects and its standard error (NaN where tau² is 0).
    delta, se_delta : tuple of float
        Parameters of the weight function; those of a step function are chances of being seen relative to the
        first interval, whose 1 is fixed (standard error NaN).
    ll, ll_null : float
        Log-likelihood of this model, and of the one without selection (maximum likelihood).
    LRT, LRTdf, LRTp : float, int, float
        Likelihood ratio test of selection.
    at_bound : tuple of str
        Parameters that ended at a bound ("tau2", "delta1", ...). Standard errors take tau² = 0 as given but
        not, as metafor, a delta at its bound; the likelihood ratio test is then approximate.
    interpretable : bool
        At least `small_study.INTERPRETABLE_K` effects.
    advice : str
        What to bear in mind, in words. May be empty.
    reason : str or None
        Why there are no numbers (all NaN).
    """

    k: int
    type: str
    alternative: str
    steps: tuple = ()
    n_in_step: tuple = ()
    estimate: float = math.nan
    se: float = math.nan
    stat: float = math.nan
    pval: float = math.nan
    ci_low: float = math.nan
    ci_high: float = math.nan
    tau2: float = math.nan
    se_tau2: float = math.nan
    delta: tuple = ()
    se_delta: tuple = ()
    ll: float = math.nan
    ll_null: float = math.nan
    LRT: float = math.nan
    LRTdf: int = 0
    LRTp: float = math.nan
    at_bound: tuple = ()
    interpretable: bool = False
    advice: str = ""
    reason: str | None = None


def selection_model(yi, vi, *, type="stepfun", alternative="less", steps=None, level=0.95):
    """Fit a selection model.

    Parameters
    ----------
    yi, vi : array-like of shape (k,)
        Effects and sampling variances.
    type : {"stepfun", "beta", "halfnorm", "negexp", "logistic", "power"}
        The weight function, see `selection_weights.family`.
    alternative : {"less", "greater", "two.sided"}
        "less": p = Phi(y / sqrt(v)), small where effects are negative.
    steps : sequence of float, optional
        Cut points of p. For "stepfun" (0.025,) by default ((0.05,) if two-sided): the three-parameter model.
    level : float
        Of the confidence interval.

    Returns
    -------
    Selection
        Without numbers, and with a reason, when there are fewer effects than parameters or an interval of p
        without effects (metafor stops).

    Raises
    ------
    ValueError
        Invalid effects or options.
    ConvergenceError
        No start led to a maximum.

    Notes
    -----
    log L = sum of log w(p_i) + log phi(y_i; mu, v_i + tau²) - log A_i. Gradient and second derivatives are
    exact; standard errors come from the observed information. tau² = 0 and bounds of delta are reached
    exactly and named in `at_bound`; metafor, which works with logarithms, stops close to them and reports
    standard errors from differences taken there.

    References
    ----------
    Hedges 1992, Stat Sci 7:246-255; Vevea & Hedges 1995, Psychometrika 60:419-435; Preston, Ashby & Smyth
    2004, Stat Med 23:1749-1780; Citkowicz & Vevea 2017, Psychol Methods 22:28-41.
    """
    yi, vi = checked(yi, vi)
    if alternative not in ALTERNATIVES:
        raise ValueError(f"alternative {alternative!r} is not known; allowed: {', '.join(ALTERNATIVES)}")
    checked_level(level)
    if type == "stepfun" and steps is None:
        steps = (0.05,) if alternative == "two.sided" else (0.025,)
    fam = weights.family(type, steps=steps)
    sign = -1.0 if alternative == "less" else 1.0
    problem = _Problem(fam, sign * yi, vi, two_sided=alternative == "two.sided")
    known = {
        "k": len(yi),
        "type": type,
        "alternative": alternative,
        "steps": tuple(map(float, fam.steps)),
        "n_in_step": problem.n_in_step,
    }
    reason = _impossible(problem)
    if reason:
        return Selection(**known, reason=reason)
    null = _maximum(problem.without_selection(), [1.0])
    kind = type if type in STARTS else "smooth"
    best = _maximum(problem, STARTS[kind], near=null)
    return _result(problem, best, null, known, sign=sign, level=level)


class _Problem:
    """The log-likelihood in (mu, tau2, delta), of which some delta are fixed."""

    def __init__(self, fam, yi, vi, *, two_sided, fixed=None):
        self.fam, self.yi, self.vi, self.two_sided = fam, yi, vi, two_sided
        self.p = weights.p_values(yi, vi, two_sided=two_sided)
        self.fixed = fam.fixed if fixed is None else fixed
        self.free = np.concatenate([[True, True], ~self.fixed])
        self.low = np.concatenate([[-np.inf, 0.0], np.full(len(fam.null), fam.low)])
        self.high = np.concatenate([[np.inf, np.inf], np.full(len(fam.null), weights.DELTA_MAX)])
        self.n_in_step = ()
        if len(fam.steps):
            ends = fam.steps if fam.name == "stepfun" else np.append(fam.steps, 1.0)
            j = weights.interval_of(self.p, ends)
            self.n_in_step = tuple(int(n) for n in np.bincount(j, minlength=len(ends)))

    def without_selection(self):
        return _Problem(
            self.fam,
            self.yi,
            self.vi,
            two_sided=self.two_sided,
            fixed=np.ones(len(self.fam.null), dtype=bool),
        )

    def evaluate(self, theta):
        """Log-likelihood, gradient and second derivatives, of shapes (), (m,), (m, m)."""
        mu, tau2, delta = theta[0], theta[1], theta[2:]
        s2 = self.vi + tau2
        r = self.yi - mu
        m = len(theta)
        gradient, hessian = np.zeros(m), np.zeros((m, m))
        ll = -0.5 * float(np.sum(np.log(2 * np.pi * s2) + r**2 / s2))
        gradient[0] = np.sum(r / s2)
        gradient[1] = 0.5 * np.sum(r**2 / s2**2 - 1 / s2)
        hessian[0, 0] = -np.sum(1 / s2)
        hessian[0, 1] = hessian[1, 0] = -np.sum(r / s2**2)
        hessian[1, 1] = np.sum(0.5 / s2**2 - r**2 / s2**3)
        if self.fixed.all() and np.array_equal(delta, self.fam.null):
            return ll, gradient, hessian
        seen = weights.log_weight(self.fam, self.p, delta)
        a = weights.expected_weight(
            self.fam, self.vi, mu=mu, tau2=tau2, delta=delta, two_sided=self.two_sided
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = a.first / a.value[:, None]
            ll += float(np.sum(seen.value - np.log(a.value)))
            gradient -= slope.sum(axis=0)
            hessian -= np.sum(a.second / a.value[:, None, None], axis=0) - slope.T @ slope
        gradient[2:] += seen.first.sum(axis=0)
        hessian[2:, 2:] += seen.second.sum(axis=0)
        return ll, gradient, hessian


def _impossible(problem):
    k, parameters = len(problem.yi), int(problem.free.sum())
    if k < max(parameters, 2):
        are = "is" if k == 1 else "are"
        return f"{reasons.effects(k)} {are} too few for a model of {parameters} parameters"
    if 0 in problem.n_in_step:
        j = problem.n_in_step.index(0)
        ends = np.concatenate([[0.0], problem.fam.steps, [1.0]])
        return f"no effect has a p-value above {ends[j]:g} and up to {ends[j + 1]:g}"
    if np.ptp(problem.yi) == 0 and np.ptp(problem.vi) == 0:
        return "all effects and all variances are equal"
    return None


@dataclass(frozen=True)
class _Point:
    theta: np.ndarray
    ll: float
    information: np.ndarray
    inside: np.ndarray


def _maximum(problem, starts, *, near=None):
    """The best of the maxima that the starts lead to."""
    found, faults = [], []
    for start in starts:
        for theta in _first_guesses(problem, start, near=near):
            try:
                found.append(_settled(problem, theta))
            except ConvergenceError as fault:
                faults.append(str(fault))
    if not found:
        raise ConvergenceError(
            f"the selection model {problem.fam.name} did not settle for {len(problem.yi)} effects "
            f"from any of {len(faults)} starts ({faults[0]}); try fewer steps or another type"
        )
    return max(found, key=lambda point: point.ll)


def _settled(problem, theta):
    """Newton's method from a start, or, where that goes astray, from where a quasi-Newton climb leads."""
    try:
        return _newton(problem, theta)
    except ConvergenceError:
        return _newton(problem, _climb(problem, theta))


def _first_guesses(problem, start, *, near):
    delta = np.where(problem.fixed, problem.fam.null, start)
    if near is None:
        spread = max(0.0, float(np.var(problem.yi) - problem.vi.mean()))
        weight = 1 / (problem.vi + spread)
        mu = float(np.sum(weight * problem.yi) / weight.sum())
        yield np.concatenate([[mu, spread], delta])
        # The likelihood can have a second maximum at or near no heterogeneity.
        yield np.concatenate([[mu, 0.01 * typical_variance(problem.vi)], delta])
        return
    tau2 = max(near.theta[1], 0.05 * typical_variance(problem.vi))
    yield np.concatenate([[near.theta[0], tau2], delta])
    if problem.fam.name == "beta":
        # Its likelihood often has a second maximum in which selection explains most of the effect.
        reach = 3 * math.sqrt(typical_variance(problem.vi) + tau2)
        for mu in (near.theta[0] - reach, near.theta[0] + reach):
            yield np.concatenate([[mu, tau2], delta])


def _climb(problem, theta):
    """A quasi-Newton climb within the bounds, in units in which all parameters are of order one."""
    free = problem.free
    scale = np.ones(len(theta))
    scale[0] = math.sqrt(typical_variance(problem.vi) + theta[1])
    scale[1] = typical_variance(problem.vi) + theta[1]
    full = theta.copy()

    def loss(x):
        full[free] = x * scale[free]
        ll, gradient, _ = problem.evaluate(full)
        if not (math.isfinite(ll) and np.isfinite(gradient).all()):
            return 1e10, np.zeros(free.sum())
        return -ll, -(gradient * scale)[free]

    # The climb stays a little inside, where log w is finite; Newton's method goes to the bound itself.
    low = np.where(np.arange(len(theta)) < 2, problem.low, np.maximum(problem.low, 1e-6))
    bounds = list(zip((low / scale)[free], (problem.high / scale)[free], strict=True))
    climbed = scipy.optimize.minimize(
        loss, (theta / scale)[free], jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500}
    )
    full[free] = climbed.x * scale[free]
    return full.copy()


def _newton(problem, theta):
    """Newton's method with the parameters at a bound, and pushed against it, held there.

    Raises
    ------
    ConvergenceError
        The log-likelihood can still rise by more than `GAIN_ACCEPTED` after `MAX_STEPS` steps.
    """
    theta = _snapped(problem, theta)
    ll, gradient, hessian = problem.evaluate(theta)
    gain = math.inf
    for _ in range(MAX_STEPS):
        before = gain
        inside = problem.free & ~_held(problem, theta, gradient)
        information = -hessian[np.ix_(inside, inside)]
        step = np.zeros(len(theta))
        step[inside] = _ascent(information, gradient[inside])
        gain = 0.5 * float(gradient @ step)
        # Quadratic convergence has ended in rounding when a small gain no longer falls.
        if gain <= GAIN_TOLERANCE or (gain <= GAIN_ACCEPTED and gain > before / 4):
            break
        moved = _line_search(problem, theta, step, ll)
        if moved is None:
            break
        theta, (ll, gradient, hessian) = moved
    if not gain <= GAIN_ACCEPTED:
        raise ConvergenceError(f"the log-likelihood could still rise by about {gain:.1g}")
    return _Point(theta, ll, -hessian, inside)


def _snapped(problem, theta):
    theta = theta.copy()
    inner = np.where(np.arange(len(theta)) < 2, problem.low, np.maximum(problem.low, 1e-6))
    at_low = problem.free & (theta <= inner * (1 + 1e-9)) & np.isfinite(problem.low)
    if problem.fam.name == "stepfun":
        at_low[2:] = False  # every interval holds an effect, so that log w is minus infinity at 0
    theta[at_low] = problem.low[at_low]
    return theta


def _held(problem, theta, gradient):
    return ((theta <= problem.low) & (gradient <= 0)) | ((theta >= problem.high) & (gradient >= 0))


def _ascent(information, gradient):
    """The Newton step; along directions of wrong curvature, a step of the right sign."""
    if len(gradient) == 0:
        return gradient
    # Units in which the diagonal is one, so that the floor below means the same for every parameter.
    unit = 1 / np.sqrt(np.maximum(np.abs(np.diag(information)), np.finfo(float).tiny))
    values, vectors = np.linalg.eigh(information * np.outer(unit, unit))
    values = np.maximum(np.abs(values), 1e-10)
    return unit * (vectors @ ((vectors.T @ (unit * gradient)) / values))


def _line_search(problem, theta, step, ll):
    """The first of ever shorter steps that does not lower the log-likelihood, clipped to the bounds."""
    slack = 1e-13 * max(1.0, abs(ll))
    for halving in range(MAX_HALVINGS):
        new = np.clip(theta + step / 2**halving, problem.low, problem.high)
        with np.errstate(all="ignore"):
            there = problem.evaluate(new)
        if math.isfinite(there[0]) and np.isfinite(there[2]).all() and there[0] >= ll - slack:
            return None if np.array_equal(new, theta) else (new, there)
    return None


def _result(problem, best, null, known, *, sign, level):
    theta = best.theta
    se = _standard_errors(problem, best)
    delta_names = [f"delta{j + 1}" for j in range(len(theta) - 2)]
    names = np.array(["mu", "tau2", *delta_names])
    near = (theta <= problem.low + NEAR_BOUND) | (theta >= problem.high - NEAR_BOUND)
    near[1] = theta[1] == 0
    at_bound = tuple(str(name) for name in names[near & problem.free])
    estimate = sign * float(theta[0])
    half = -float(ndtri((1 - level) / 2)) * se[0]
    stat = estimate / se[0]
    lrt = max(0.0, 2 * (best.ll - null.ll))
    df = int((~problem.fixed).sum())
    k = known["k"]
    return Selection(
        **known,
        estimate=estimate,
        se=float(se[0]),
        stat=float(stat),
        pval=float(2 * ndtr(-abs(stat))),
        ci_low=float(estimate - half),
        ci_high=float(estimate + half),
        tau2=float(theta[1]),
        se_tau2=float(se[1]),
        delta=tuple(map(float, theta[2:])),
        se_delta=tuple(map(float, se[2:])),
        ll=best.ll,
        ll_null=null.ll,
        LRT=lrt,
        LRTdf=df,
        LRTp=float(chdtrc(df, lrt)),
        at_bound=at_bound,
        interpretable=k >= INTERPRETABLE_K,
        advice=_advice(k, at_bound, known["n_in_step"], se),
    )


def _standard_errors(problem, best):
    """From the inverse of the observed information; NaN for what is fixed, and if there is no inverse.

    tau² = 0 is taken as given. A delta at its bound is not, as in metafor, unless the information has no
    inverse with it.
    """
    counted = problem.free.copy()
    counted[1] = best.theta[1] > 0
    for kept in (counted, best.inside):
        information = best.information[np.ix_(kept, kept)]
        try:
            np.linalg.cholesky(information)
        except np.linalg.LinAlgError:
            continue
        se = np.full(len(best.theta), math.nan)
        se[kept] = np.sqrt(np.diag(np.linalg.inv(information)))
        return se
    return np.full(len(best.theta), math.nan)


def _advice(k, at_bound, n_in_step, se):
    parts = [advice_on(k)]
    if n_in_step and min(n_in_step) < 4:
        # Coburn & Vevea's weightr warns at three or fewer p-values in an interval.
        parts.append("an interval of p-values holds three effects or fewer")
    if at_bound:
        parts.append(f"at a bound: {', '.join(at_bound)}")
    if math.isnan(se[0]):
        parts.append("the information has no inverse: no standard errors")
    return "; ".join(part for part in parts if part)
