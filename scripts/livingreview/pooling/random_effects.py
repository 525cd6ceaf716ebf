"""The random-effects model: one estimate, or a regression on moderators, from independent effects.

Vocabulary: `yi` are effects, `vi` their sampling variances (never standard errors), `tau2` is the variance of
the true effects, `k` the number of effects, `p` of coefficients. Every number follows metafor's ``rma()`` and
is checked against it in ``tests/reference``.
"""

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from livingreview.pooling import between_variance, moderators, prediction, tau2_interval
from livingreview.pooling.between_variance import ConvergenceError
from livingreview.pooling.heterogeneity import i2_h2_from_q
from livingreview.pooling.quantiles import omnibus_p, ratio, two_sided, upper_quantile
from livingreview.pooling.terms import checked_level
from livingreview.pooling.weighting import MeanModel, RegressionModel

__all__ = ["ConvergenceError", "Estimate", "checked", "checked_names", "fit"]

TESTS = {
    "knha": "Hartung-Knapp (t, df = {df})",
    "adhoc": "Hartung-Knapp, never below Wald (t, df = {df})",
    "t": "Wald (t, df = {df})",
    "z": "Wald (normal)",
}
LABEL_I2 = "from tau2 (Higgins & Thompson 2002), as metafor"
LABEL_I2_Q = "from Q (Higgins & Thompson 2002), as metafor for a fixed effect"
SINGLE = "single study"
NOTHING = "no study"
FIXED_PI = "none: a fixed effect has no spread"


@dataclass(frozen=True)
class Coefficient:
    """One row of a regression's table: the coefficient, its standard error, test and interval."""

    name: str
    estimate: float
    se: float
    stat: float
    df: float
    pval: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True)
class Fitted:
    """What an `Estimate` needs to answer further questions: the model and the choices made."""

    model: object
    coefficients: np.ndarray
    covariance: np.ndarray
    wald_covariance: np.ndarray
    df: float
    method: str
    level: float
    pi: str
    gq_weights: np.ndarray | None
    coding: object


@dataclass(frozen=True)
class Estimate:
    """A pooled effect, or a regression of effects on moderators.

    Attributes
    ----------
    k : int
        Number of effects pooled.
    estimate, se, ci_low, ci_high : float
        The pooled effect, its standard error (after Hartung and Knapp where so chosen), confidence interval.
        NaN in a model with moderators, which has no one pooled effect: see `coefficients` and `predict`.
    stat, df, pval : float
        Test of no effect: t with `df` degrees of freedom, or z (`df` NaN).
    pi_low, pi_high : float
        Prediction interval: where the true effect of a new study is expected.
    tau2 : float
        Variance of true effects; with moderators, of what they leave unexplained.
    I2, H2 : float
        Heterogeneity from tau²; I² in percent. From Q for a fixed effect. `I2_q`, `H2_q` are always from Q.
    QE, QE_df, QE_p : float
        Cochran's Q test, with moderators of what they leave unexplained.
    QM, QM_df, QM_df2, QM_p : float
        Test of all moderators together (of all coefficients if there is no intercept): chi-squared on
        `QM_df`, or F on `QM_df` and `QM_df2` for the t tests. NaN without moderators.
    weights : array of shape (k,)
        Weights in percent, in the order of the effects given.
    method_tau2, method_ci, method_pi, method_I2 : str
        How each was obtained, to be printed.
    solver : str
        How tau² was found: "closed form", "Newton", "Fisher scoring", "given", or "bracketing", which says
        that scoring did not settle and a search over the whole range took its place.

    Computed when first asked for: `se_tau2`, `tau2_ci`, `I2_ci`, `H2_ci`, `R2`, `coefficients`, `I2_q` and
    `H2_q`.

    With k = 0 all numbers are NaN; with k = 1 those that need a second effect (tau², I², H², Q, prediction).
    """

    k: int
    estimate: float = math.nan
    se: float = math.nan
    ci_low: float = math.nan
    ci_high: float = math.nan
    stat: float = math.nan
    df: float = math.nan
    pval: float = math.nan
    pi_low: float = math.nan
    pi_high: float = math.nan
    tau2: float = math.nan
    I2: float = math.nan
    H2: float = math.nan
    QE: float = math.nan
    QE_df: int = 0
    QE_p: float = math.nan
    QM: float = math.nan
    QM_df: float = math.nan
    QM_df2: float = math.nan
    QM_p: float = math.nan
    weights: np.ndarray = field(default_factory=lambda: np.empty(0))
    method_tau2: str = NOTHING
    method_ci: str = NOTHING
    method_pi: str = NOTHING
    method_I2: str = NOTHING
    solver: str = NOTHING
    fitted: Fitted | None = field(default=None, repr=False, compare=False)

    @property
    def _has_tau2(self):
        return self.fitted is not None and self.fitted.method not in between_variance.FIXED

    @cached_property
    def se_tau2(self):
        """Large-sample standard error of tau²; NaN where tau² is not estimated."""
        if not self._has_tau2 or self.solver == "given":
            return math.nan
        one = self.fitted
        return between_variance.standard_error(
            one.model, tau2=self.tau2, method=one.method, weights=one.gq_weights
        )

    @cached_property
    def tau2_ci(self):
        """The Q-profile interval of tau² at the model's level: (low, high); see `tau2_interval`."""
        return tuple(self.tau2_interval()[:2])

    @cached_property
    def I2_ci(self):
        """I² (percent) at the ends of `tau2_ci`."""
        return tuple(100 * t / (t + self._typical_variance) for t in self.tau2_ci)

    @cached_property
    def H2_ci(self):
        """H² at the ends of `tau2_ci`."""
        return tuple(t / self._typical_variance + 1 for t in self.tau2_ci)

    @cached_property
    def I2_q(self):
        """I² (percent) from Q, the older definition."""
        return i2_h2_from_q(self.QE, self.QE_df)[0]

    @cached_property
    def H2_q(self):
        """H² from Q, the older definition."""
        return i2_h2_from_q(self.QE, self.QE_df)[1]

    @cached_property
    def R2(self):
        """Share of tau² (percent) that the moderators explain; NaN without moderators or intercept.

        max(0, (tau²_0 - tau²) / tau²_0) with tau²_0 of the model without moderators, as metafor; zero where
        there is nothing to explain. For a fixed effect the adjusted R² of the weighted regression.
        """
        if self.fitted is None or self.fitted.model.p == 1 or not self.fitted.model.intercept:
            return math.nan
        one = self.fitted
        null = MeanModel(one.model.yi, one.model.vi)
        if one.method in between_variance.FIXED:
            left, total = self.QE / self.QE_df, null.at_zero.q / (self.k - 1)
        elif self.solver == "given":
            return math.nan
        else:
            found = between_variance.estimate(null, method=one.method, weights=one.gq_weights)
            left, total = self.tau2, found.tau2
        return 100 * max(0.0, (total - left) / total) if total > 0 else 0.0

    @cached_property
    def coefficients(self):
        """The table of coefficients, a tuple of `Coefficient`; the mean alone without moderators."""
        if self.fitted is None:
            return ()
        one = self.fitted
        quantile = upper_quantile((1 - one.level) / 2, df=one.df)
        return tuple(
            _coefficient(name, float(estimate), math.sqrt(variance), df=one.df, quantile=quantile)
            for name, estimate, variance in zip(
                one.model.names, one.coefficients, np.diag(one.covariance), strict=True
            )
        )

    @cached_property
    def _typical_variance(self):
        at = self.fitted.model.at_zero if self.fitted else None
        return self.QE_df / at.tr_p if at else math.nan

    def tau2_interval(self, *, kind="QP", level=None):
        """A confidence interval of tau².

        Parameters
        ----------
        kind : {"QP", "PL"}
            Q-profile, for every estimator; or profile likelihood, for ML and REML.
        level : float, optional
            Confidence level, if not the model's.

        Returns
        -------
        tau2_interval.Interval
            low, high, empty; NaN below two effects and for a fixed effect.

        Raises
        ------
        ValueError
            Another kind, or a likelihood for an estimator that has none.
        """
        if kind not in ("QP", "PL"):
            raise ValueError(f"kind of interval {kind!r} is not known; allowed: QP, PL")
        if not self._has_tau2:
            return tau2_interval.UNKNOWN
        one = self.fitted
        level = one.level if level is None else level
        if kind == "QP":
            return tau2_interval.q_profile(one.model, level=level)
        if one.method not in ("ML", "REML"):
            raise ValueError(f"a profile likelihood needs method ML or REML, not {one.method}; use kind QP")
        return tau2_interval.profile_likelihood(
            one.model, tau2=self.tau2, restricted=one.method == "REML", level=level
        )

    def log_likelihood(self, *, restricted):
        """The (restricted) log-likelihood at `tau2`, with all constants; NaN below two effects."""
        if self.fitted is None:
            return math.nan
        return self.fitted.model.log_likelihood(self.tau2, restricted=restricted)

    def predict(self, newmods=None, *, pi=None):
        """Expected effects, with confidence and prediction intervals.

        Parameters
        ----------
        newmods : DataFrame, mapping or array-like, optional
            New values of the model's moderators, one row each; by default the studies' own.
        pi : str, optional
            The kind of prediction interval, if not the model's.

        Returns
        -------
        DataFrame
            estimate, se, ci_low, ci_high, pi_low, pi_high; one row without moderators.

        Raises
        ------
        ValueError
            Moderators that are not the model's, new levels, or a model of fewer than two effects.
        """
        if self.fitted is None:
            raise ValueError(f"nothing is predicted from {self.k} effects; allowed: two or more")
        one = self.fitted
        x = _new_design(one, newmods)
        estimate = x @ one.coefficients
        variance = np.einsum("ij,jk,ik->i", x, one.covariance, x)
        wald = np.einsum("ij,jk,ik->i", x, one.wald_covariance, x)
        half = upper_quantile((1 - one.level) / 2, df=one.df) * np.sqrt(variance)
        reach = np.full(len(x), math.nan)
        if one.method not in between_variance.FIXED:
            chosen = prediction.rule(_known_pi(pi or one.pi), k=self.k, p=one.model.p, df_ci=one.df)
            reach = prediction.half_width(
                chosen, tau2=self.tau2, variance=variance, wald_variance=wald, level=one.level
            )
        return pd.DataFrame(
            {
                "estimate": estimate,
                "se": np.sqrt(variance),
                "ci_low": estimate - half,
                "ci_high": estimate + half,
                "pi_low": estimate - reach,
                "pi_high": estimate + reach,
            }
        )


def fit(
    yi,
    vi,
    *,
    method="REML",
    test="knha",
    level=0.95,
    mods=None,
    intercept=True,
    pi="metafor",
    tau2=None,
    gq_weights=None,
):
    """Pool independent effects under the random-effects (or fixed-effect) model.

    Parameters
    ----------
    yi : array-like of shape (k,)
        Effects. May be empty.
    vi : array-like of shape (k,)
        Sampling variances (not standard errors).
    method : str
        Estimator of tau², by metafor's names: "REML", "ML", "DL", "PM", "PMM", "EB", "HE", "HS", "HSk", "SJ",
        "GENQ"; or "FE" (also "EE", "CE"): none, tau² = 0.
    test : {"knha", "adhoc", "t", "z"}
        "knha": t on k - p degrees of freedom with the variance of Hartung and Knapp, which is not kept from
        falling below the usual one; "adhoc": the same with that floor; "t": t with the usual variance; "z":
        the usual Wald interval.
    level : float
        Level of the confidence and the prediction interval.
    mods : DataFrame, mapping or array-like, optional
        Moderators, one row per effect; text is coded by indicators (see `moderators.coded`).
    intercept : bool
        Whether a model with moderators has one.
    pi : {"metafor", "HTS", "Riley", "k-1", "z"}
        Kind of prediction interval, see `prediction.rule`.
    tau2 : float, optional
        A known variance of true effects, which is then not estimated.
    gq_weights : array-like of shape (k,), optional
        For "GENQ": the weights of the generalised Q, and of the estimate.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        Lengths differ, a value is missing or not finite, a variance is not above zero, an option is unknown,
        moderators leave no degree of freedom or follow from each other.
    ConvergenceError
        No maximum was found for REML or ML, neither by scoring nor by bracketing.

    Notes
    -----
    With w = 1 / (v + tau²): m = sum(w y) / sum(w). Wald: var(m) = 1 / sum(w). Hartung-Knapp multiplies this
    by sum(w (y - m)²) / (k - 1); with moderators (X'WX)^-1 by y'Py / (k - p). A single study is its own
    estimate with a Wald interval, whatever the options.

    References
    ----------
    Hartung & Knapp 2001, Stat Med 20:3875-3889; Knapp & Hartung 2003, Stat Med 22:2693-2710 (moderators, and
    the floor); Viechtbauer 2010, J Stat Softw 36(3); Higgins, Thompson & Spiegelhalter 2009, J R Stat Soc A
    172:137-159 (prediction).
    """
    yi, vi = checked(yi, vi)
    _check_options(method=method, test=test, level=level, pi=pi, tau2=tau2)
    gq_weights = _checked_gq_weights(gq_weights, yi, method=method, test=test)
    if len(yi) == 0:
        return Estimate(k=0)
    if mods is None and len(yi) == 1:
        return _single(yi, vi, level=level)
    model, coding = _model(yi, vi, mods=mods, intercept=intercept)
    if tau2 is None:
        tau2, solver = between_variance.estimate(model, method=method, weights=gq_weights)
    else:
        tau2, solver = float(tau2), "given"
    infer = _mean if coding is None else _regression
    return infer(
        model,
        tau2=tau2,
        solver=solver,
        method=method,
        test=test,
        level=level,
        pi=pi,
        gq_weights=gq_weights,
        coding=coding,
    )


def checked(yi, vi):
    """Effects and sampling variances as float arrays.

    Raises
    ------
    ValueError
        Lengths differ, a value is missing or not finite, a variance is not above zero.
    """
    yi = np.asarray(yi, dtype=float)
    vi = np.asarray(vi, dtype=float)
    if yi.ndim != 1 or yi.shape != vi.shape:
        raise ValueError(f"yi and vi must be of one length, not {yi.shape} and {vi.shape}")
    if not (np.isfinite(yi).all() and np.isfinite(vi).all()):
        raise ValueError("yi and vi must be finite; leave out what is missing before pooling")
    if (vi <= 0).any():
        raise ValueError(f"sampling variances must be above zero, the smallest is {vi.min():g}")
    return yi, vi


def checked_names(names, yi, what):
    """Names of the studies or groups of effects, as an array.

    Raises
    ------
    ValueError
        There is not one name for each effect.
    """
    names = np.asarray(names, dtype=object)
    if names.shape != yi.shape:
        raise ValueError(f"{what} must name the {what} of each of the {len(yi)} effects, not {names.shape}")
    return names


def _check_options(*, method, test, level, pi, tau2):
    if method not in between_variance.LABELS:
        allowed = ", ".join(between_variance.LABELS)
        raise ValueError(f"method_tau2 {method!r} is not known; allowed: {allowed}")
    if test not in TESTS:
        raise ValueError(f"test {test!r} is not known; allowed: {', '.join(TESTS)}")
    checked_level(level)
    _known_pi(pi)
    if tau2 is not None and not (math.isfinite(tau2) and tau2 >= 0):
        raise ValueError(f"a known tau2 must be zero or more, not {tau2!r}")
    if tau2 and method in between_variance.FIXED:
        raise ValueError(f"method {method} takes tau2 as zero, not {tau2!r}; choose another method")


def _known_pi(pi):
    if pi not in prediction.KINDS:
        raise ValueError(f"prediction interval {pi!r} is not known; allowed: {', '.join(prediction.KINDS)}")
    return pi


def _checked_gq_weights(weights, yi, *, method, test):
    if (weights is None) != (method != "GENQ"):
        raise ValueError("gq_weights are given with method GENQ, and with no other")
    if weights is None:
        return None
    weights = np.asarray(weights, dtype=float)
    if weights.shape != yi.shape or not (np.isfinite(weights).all() and (weights > 0).all()):
        raise ValueError(f"gq_weights must be {len(yi)} finite numbers above zero")
    if test in ("knha", "adhoc"):
        raise ValueError(f"test {test!r} is made for inverse-variance weights; allowed with GENQ: t, z")
    return weights


def _model(yi, vi, *, mods, intercept):
    """The model and, with moderators, how they were coded."""
    k = len(yi)
    if mods is None:
        if not intercept:
            raise ValueError("a model without intercept needs moderators")
        return MeanModel(yi, vi), None
    design, coding = moderators.coded(mods, k=k, intercept=intercept)
    p = design.shape[1]
    if k <= p:
        raise ValueError(
            f"{k} effects leave no degree of freedom for {p} coefficients ({', '.join(coding.names)}); "
            f"allowed: {p + 1} effects or more, or fewer moderators"
        )
    return RegressionModel(yi, vi, design, names=coding.names, intercept=intercept), coding


def _single(yi, vi, *, level):
    """One study is its own estimate, with a Wald interval; nothing can be said about heterogeneity."""
    estimate, se = float(yi[0]), math.sqrt(vi[0])
    half = upper_quantile((1 - level) / 2) * se
    return Estimate(
        k=1,
        estimate=estimate,
        se=se,
        ci_low=estimate - half,
        ci_high=estimate + half,
        stat=estimate / se,
        pval=two_sided(estimate / se),
        weights=np.array([100.0]),
        method_tau2=SINGLE,
        method_ci=f"{SINGLE}: Wald (normal)",
        method_pi=SINGLE,
        method_I2=SINGLE,
        solver=SINGLE,
    )


def _mean(model, *, tau2, solver, method, test, level, pi, gq_weights, coding):
    if gq_weights is None:
        estimate, wald, q = model.mean(tau2)
    else:
        solution = _solved(model, tau2, gq_weights)
        estimate, wald, q = float(solution[0][0]), float(solution[1][0, 0]), math.nan
    df = model.k - 1
    variance = wald * _factor(q, df, test)
    df_ci = math.nan if test == "z" else df
    se = math.sqrt(variance)
    half = upper_quantile((1 - level) / 2, df=df_ci) * se
    stat = ratio(estimate, se)
    chosen = prediction.rule(pi, k=model.k, p=1, df_ci=df_ci)
    reach = math.nan
    if method not in between_variance.FIXED:
        reach = prediction.half_width(chosen, tau2=tau2, variance=variance, wald_variance=wald, level=level)
    fitted = Fitted(
        model=model,
        coefficients=np.array([estimate]),
        covariance=np.array([[variance]]),
        wald_covariance=np.array([[wald]]),
        df=df_ci,
        method=method,
        level=level,
        pi=pi,
        gq_weights=gq_weights,
        coding=coding,
    )
    return Estimate(
        estimate=estimate,
        se=se,
        ci_low=estimate - half,
        ci_high=estimate + half,
        stat=stat,
        pval=two_sided(stat, df=df_ci),
        pi_low=estimate - reach,
        pi_high=estimate + reach,
        method_pi=chosen.label if method not in between_variance.FIXED else FIXED_PI,
        **_shared(fitted, tau2=tau2, solver=solver, test=test),
    )


def _regression(model, *, tau2, solver, method, test, level, pi, gq_weights, coding):
    coefficients, wald, q = _solved(model, tau2, gq_weights)
    df = model.k - model.p
    df_ci = math.nan if test == "z" else df
    covariance = wald * _factor(q, df, test)
    fitted = Fitted(
        model=model,
        coefficients=coefficients,
        covariance=covariance,
        wald_covariance=wald,
        df=df_ci,
        method=method,
        level=level,
        pi=pi,
        gq_weights=gq_weights,
        coding=coding,
    )
    chosen = prediction.rule(pi, k=model.k, p=model.p, df_ci=df_ci)
    stat, count = _omnibus(coefficients, covariance, intercept=model.intercept, per_df=test != "z")
    return Estimate(
        QM=stat,
        QM_df=count,
        QM_df2=df_ci,
        QM_p=omnibus_p(stat, df=count, df_residual=df_ci) if count else math.nan,
        method_pi=chosen.label if method not in between_variance.FIXED else FIXED_PI,
        **_shared(fitted, tau2=tau2, solver=solver, test=test),
    )


def _solved(model, tau2, gq_weights):
    """Coefficients, their covariance before any adjustment, and y'Py.

    With given weights A the covariance is (X'AX)^-1 X'A (V + tau2 I) A X (X'AX)^-1.
    """
    if gq_weights is None:
        return model.solve(tau2)
    root = np.sqrt(gq_weights)
    q, r = np.linalg.qr(root[:, None] * model.design)
    to_coefficients = np.linalg.solve(r, q.T * root)
    spread = to_coefficients * np.sqrt(model.vi + tau2)
    return to_coefficients @ model.yi, spread @ spread.T, math.nan


def _shared(fitted, *, tau2, solver, test):
    """What a mean and a regression have in common."""
    model, method = fitted.model, fitted.method
    df = model.k - model.p
    at_zero = model.at_zero
    w = 1 / (model.vi + tau2) if fitted.gq_weights is None else fitted.gq_weights
    from_q = method in between_variance.FIXED
    typical = df / at_zero.tr_p
    i2, h2 = i2_h2_from_q(at_zero.q, df) if from_q else (100 * tau2 / (tau2 + typical), tau2 / typical + 1)
    name = "k-1" if model.p == 1 else f"k-p = {df}"
    return {
        "k": model.k,
        "df": fitted.df,
        "tau2": tau2,
        "I2": i2,
        "H2": h2,
        "QE": at_zero.q,
        "QE_df": df,
        "QE_p": omnibus_p(at_zero.q, df=df),
        "weights": w * (100 / w.sum()),
        "method_tau2": f"given: {tau2:g}" if solver == "given" else between_variance.LABELS[method],
        "method_ci": TESTS[test].format(df=name),
        "method_I2": LABEL_I2_Q if from_q else LABEL_I2,
        "solver": solver,
        "fitted": fitted,
    }


def _factor(q, df, test):
    """What the Wald variance is multiplied by."""
    if test not in ("knha", "adhoc"):
        return 1.0
    # As metafor: below the machine's precision the effects are equal, and the factor is zero.
    factor = 0.0 if q <= np.finfo(float).eps else q / df
    return max(1.0, factor) if test == "adhoc" else factor


def _omnibus(coefficients, covariance, *, intercept, per_df):
    """The Wald statistic of all coefficients but the intercept (per coefficient for F), and their number."""
    tested = slice(1, None) if intercept else slice(None)
    b, cov = coefficients[tested], covariance[tested, tested]
    if not len(b):
        return math.nan, 0
    if not cov.any():
        return (math.inf if b.any() else math.nan), len(b)
    # Moderators come in any unit; the correlation matrix does not know it.
    scale = np.sqrt(np.diag(cov))
    z = b / scale
    stat = float(z @ np.linalg.solve(cov / np.outer(scale, scale), z))
    return (stat / len(b) if per_df else stat), len(b)


def _coefficient(name, estimate, se, *, df, quantile):
    stat = ratio(estimate, se)
    return Coefficient(
        name=name,
        estimate=estimate,
        se=se,
        stat=stat,
        df=df,
        pval=two_sided(stat, df=df),
        ci_low=estimate - quantile * se,
        ci_high=estimate + quantile * se,
    )


def _new_design(fitted, newmods):
    if newmods is None:
        return np.ones((1, 1)) if fitted.coding is None else fitted.model.design
    if fitted.coding is None:
        raise ValueError("the model has no moderators to give new values of")
    return moderators.recoded(newmods, fitted.coding)
