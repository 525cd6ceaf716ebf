"""Cluster-robust variances: standard errors that hold where the covariances of effects are guessed.

A working model gives the weights; the variance of the coefficients is then taken from the residuals of whole
clusters (studies), with the small-sample adjustment CR2 and Satterthwaite's degrees of freedom. Sources:
Pustejovsky & Tipton 2018, J Bus Econ Stat 36:672-683 (CR2 and degrees of freedom); Tipton & Pustejovsky
2015, J Educ Behav Stat 40:604-634 (tests of several coefficients); Hedges, Tipton & Johnson 2010, Res Synth
Methods 1:39-65 (weights for correlated and for hierarchical effects). Values agree with R's clubSandwich and
robumeta.
"""

import math
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import linalg, special

from livingreview.pooling.covariance import grouped, independent
from livingreview.pooling.multilevel import Model, MultilevelEstimate, weights
from livingreview.pooling.random_effects import NOTHING, checked
from livingreview.pooling.terms import (
    INTERCEPT,
    checked_choice,
    checked_level,
    coefficients,
    model_matrix,
    quantile,
)

ADJUSTMENTS = ("CR0", "CR1", "CR1p", "CR2", "CR3")
TESTS = ("Satterthwaite", "naive-t", "naive-tp", "z")
WALD_TESTS = ("HTZ", "naive-F", "naive-Fp", "chi2")
# Eigenvalues below this share of the working covariance's are rounding: the cluster alone determines a
# coefficient, and the generalised inverse leaves that direction out (clubSandwich does the same at 1e-12).
RANK_TOLERANCE = 1e-12
# Below four degrees of freedom the t approximation is not to be trusted: Tipton 2015, Psychol Methods 20:375.
FEW_DF = 4


@dataclass(frozen=True)
class RobustEstimate:
    """A pooled effect with a cluster-robust variance.

    Attributes
    ----------
    k, n_studies : int
        Numbers of effects and of clusters.
    estimate, se, ci_low, ci_high, stat, df, pval : float
        The pooled effect and its test; NaN with moderators, whose numbers are in `coefficients`, and, all but
        the estimate, with a single cluster.
    pi_low, pi_high : float
        Prediction interval: `df` and `se` as here, variance of true effects from the working model.
    sigma2 : tuple of float
        Variances of true effects in the working model (between, within studies); NaN where not known.
    tau2 : float
        Their sum.
    I2 : float
        Percent; as the working model defines it.
    QE, QE_df : float, int
        Heterogeneity statistic of the working model's first weights (correlated and hierarchical effects).
    weights : array of shape (k,)
        Weight of each effect, in percent; empty with moderators.
    coefficients : DataFrame
        term, estimate, se, ci_low, ci_high, stat, df, pval.
    vb : array of shape (p, p)
        The robust covariances of the coefficients.
    few_df : bool
        Whether a coefficient has fewer than four degrees of freedom: its p-value is not to be trusted.
    notes : tuple of str
        What was defined rather than estimated.
    method, method_ci, method_pi, method_I2 : str
        How each was obtained, to be printed.
    model : Model or None
        For `wald`.
    """

    k: int
    n_studies: int
    estimate: float = math.nan
    se: float = math.nan
    ci_low: float = math.nan
    ci_high: float = math.nan
    stat: float = math.nan
    df: float = math.nan
    pval: float = math.nan
    pi_low: float = math.nan
    pi_high: float = math.nan
    sigma2: tuple = (math.nan, math.nan)
    tau2: float = math.nan
    I2: float = math.nan
    QE: float = math.nan
    QE_df: int = 0
    weights: np.ndarray = field(default_factory=lambda: np.empty(0))
    coefficients: pd.DataFrame = field(default_factory=pd.DataFrame)
    vb: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    few_df: bool = False
    notes: tuple = ()
    method: str = NOTHING
    method_ci: str = NOTHING
    method_pi: str = NOTHING
    method_I2: str = NOTHING
    model: Model | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class WaldTest:
    """Test that several combinations of coefficients are zero.

    Attributes
    ----------
    stat, df1, df2, pval : float
        F (or chi-squared, `df2` NaN), its degrees of freedom, its p-value. NaN with too few clusters.
    delta : float
        Multiplier of Q / df1 that gives `stat` under HTZ, (eta - q + 1) / eta; else 1.
    test, vcov : str
        How it was obtained.
    """

    stat: float
    df1: int
    df2: float
    pval: float
    delta: float
    test: str
    vcov: str


def cluster_robust(fitted, *, cluster=None, vcov="CR2", test="Satterthwaite", level=0.95):
    """Robust tests and intervals for a fitted model.

    Parameters
    ----------
    fitted : MultilevelEstimate or Model
        From `multilevel.fit`, or `independent_effects`.
    cluster : sequence of str, length k, optional
        Clusters; by default the studies. A cluster may hold several studies (of one laboratory), never part
        of one.
    vcov : {"CR0", "CR1", "CR1p", "CR2", "CR3"}
        Small-sample adjustment; CR1 is CR0 times m / (m - 1), CR1p times m / (m - p), for m clusters.
    test : {"Satterthwaite", "naive-t", "naive-tp", "z"}
        Degrees of freedom of t: Satterthwaite's, m - 1, m - p, or the normal distribution.
    level : float
        Level of the intervals.

    Returns
    -------
    RobustEstimate

    Raises
    ------
    ValueError
        An option is unknown, a study is split between clusters.
    """
    checked_choice("vcov", vcov, ADJUSTMENTS)
    checked_choice("test", test, TESTS)
    checked_level(level)
    options = {"cluster": cluster, "vcov": vcov, "test": test, "level": level}
    if isinstance(fitted, MultilevelEstimate):
        if fitted.model is None:
            return _without_variance(fitted)
        known = {"sigma2": fitted.sigma2, "tau2": fitted.tau2, "I2": fitted.I2, "notes": fitted.notes}
        known |= {"method": fitted.method, "method_I2": fitted.method_I2, "QE": fitted.QE}
        return _robust(fitted.model, QE_df=fitted.QE_df, **known, **options)
    return _robust(fitted, method="working model as given", **options)


def independent_effects(yi, vi, study, *, tau2, mods=None, intercept=True):
    """The working model of a random-effects (or mixed-effects) fit that treats effects as independent.

    Parameters
    ----------
    yi, vi : array-like of shape (k,)
        Effects and sampling variances.
    study : sequence of str, length k
        The cluster of each effect.
    tau2 : float
        Variance of true effects of that fit.
    mods, intercept
        As `multilevel.fit`.

    Returns
    -------
    Model
        For `cluster_robust` and `wald`: as clubSandwich treats ``rma.uni``.
    """
    yi, vi = checked(yi, vi)
    if not (math.isfinite(tau2) and tau2 >= 0):
        raise ValueError(f"tau2 {tau2!r} must be finite and not below zero")
    X, terms = model_matrix(mods, len(yi), intercept=intercept)
    return Model(yi, X, terms, independent(vi + tau2, study))


def correlated_effects(
    yi, vi, study, *, rho=0.8, mods=None, intercept=True, small=True, level=0.95, cluster=None
):
    """Robust variance estimation with weights for correlated effects (robumeta's CORR).

    Parameters
    ----------
    yi, vi : array-like of shape (k,)
        Effects and sampling variances.
    study : sequence of str, length k
        The study of each effect.
    rho : float
        Assumed correlation within studies, 0 to 1; only tau² depends on it.
    mods, intercept
        As `multilevel.fit`.
    small : bool
        CR2 and Satterthwaite's degrees of freedom; else m / (m - p) and m - p for m studies.
    level : float
        Level of the intervals.
    cluster : sequence of str, length k, optional
        As `cluster_robust`.

    Returns
    -------
    RobustEstimate

    Notes
    -----
    Weights 1 / (k_j (mean v_j + tau²)); tau² by moments, Hedges, Tipton & Johnson 2010, equation 15.
    """
    if not 0 <= rho <= 1:
        raise ValueError(f"rho {rho!r} must lie between 0 and 1")
    yi, vi, X, terms, rows = _prepared(yi, vi, study, mods, intercept)
    if len(yi) <= X.shape[1]:
        return _too_few(yi, vi, X, terms, study)
    size, mean = np.empty(len(yi)), np.empty(len(yi))
    for at in rows:
        size[at], mean[at] = len(at), vi[at].mean()
    w = 1 / (size * mean)
    M = np.linalg.inv(X.T @ (w[:, None] * X))
    Q = _weighted_q(yi, X, w, M)
    share = (w / size)[:, None] * X
    XX = X.T @ share
    XJX = sum(np.outer(share[at].sum(0), X[at].sum(0)) for at in rows)
    wXJX = sum(np.outer((w[at, None] * X[at]).sum(0), (w[at, None] * X[at]).sum(0)) for at in rows)
    numerator = Q - len(rows) + np.sum(M * XX) + rho * np.sum(M * (XJX - XX))
    denominator = float(w.sum() - np.sum(M * wXJX))
    # One study: the denominator is zero, and nothing is known of a variance between studies.
    tau2 = max(0.0, float(numerator / denominator)) if len(rows) > 1 else 0.0
    model = Model(yi, X, terms, independent(size * (mean + tau2), study))
    return _moments(
        model,
        cluster=cluster,
        small=small,
        level=level,
        sigma2=(tau2, 0.0),
        excess=numerator,
        QE=Q,
        QE_df=len(rows) - X.shape[1],
        kind="correlated",
    )


def hierarchical_effects(yi, vi, study, *, mods=None, intercept=True, small=True, level=0.95, cluster=None):
    """Robust variance estimation with weights for hierarchical effects (robumeta's HIER).

    Parameters
    ----------
    yi, vi, study, mods, intercept, small, level, cluster
        As `correlated_effects`.

    Returns
    -------
    RobustEstimate

    Notes
    -----
    Weights 1 / (v + tau² + omega²). The variances solve E(Q) = Q and E(Q1) = Q1 for the residuals e of the
    fit with weights 1 / v: Q = sum e²/v, Q1 = sum over studies of (sum e)²; Hedges, Tipton & Johnson 2010,
    section 2.3. Where an equation gives a negative variance it is 0, omega² first. If every study has one
    effect the equations are the same, and omega² is 0.
    """
    yi, vi, X, terms, rows = _prepared(yi, vi, study, mods, intercept)
    if len(yi) <= X.shape[1]:
        return _too_few(yi, vi, X, terms, study)
    w = 1 / vi
    M = np.linalg.inv(X.T @ (w[:, None] * X))
    Q = _weighted_q(yi, X, w, M)
    omega2, tau2 = _hierarchical_variances(yi, X, w, M, rows=rows, Q=Q)
    model = Model(yi, X, terms, independent(vi + tau2 + omega2, study))
    df = len(yi) - X.shape[1]
    return _moments(
        model,
        cluster=cluster,
        small=small,
        level=level,
        sigma2=(tau2, omega2),
        excess=Q - df,
        QE=Q,
        QE_df=df,
        kind="hierarchical",
    )


def wald(fitted, constraints=None, *, cluster=None, vcov="CR2", test="HTZ"):
    """Test that combinations of coefficients are all zero.

    Parameters
    ----------
    fitted : MultilevelEstimate, RobustEstimate or Model
    constraints : sequence of str, or array of shape (q, p), optional
        Names of coefficients that are zero, or combinations C with C b = 0; by default all but the intercept.
    cluster, vcov
        As `cluster_robust`.
    test : {"HTZ", "naive-F", "naive-Fp", "chi2"}
        HTZ: Hotelling's T² with the degrees of freedom of Tipton & Pustejovsky 2015; naive: F on m - 1 or
        m - p; or chi-squared.

    Returns
    -------
    WaldTest
    """
    checked_choice("vcov", vcov, ADJUSTMENTS)
    checked_choice("test", test, WALD_TESTS)
    model = fitted if isinstance(fitted, Model) else fitted.model
    if model is None:
        raise ValueError("the model was not fitted: too few effects for a test of its coefficients")
    C = _constraints(constraints, model.terms)
    q = len(C)
    parts = _sandwich(model, cluster, vcov)
    m, p = parts.m, len(model.terms)
    estimate, covariance = C @ parts.beta, C @ parts.vb @ C.T
    if m <= 1 or np.linalg.matrix_rank(covariance, hermitian=True) < q:
        return WaldTest(math.nan, q, math.nan, math.nan, math.nan, test, vcov)
    Q = float(estimate @ np.linalg.solve(covariance, estimate))
    if test == "chi2":
        return WaldTest(Q, q, math.nan, float(special.chdtrc(q, Q)), 1.0, test, vcov)
    df2, delta = {"naive-F": m - 1.0, "naive-Fp": float(m - p)}.get(test), 1.0
    if df2 is None:
        eta = _hotelling_df(parts, C)
        df2, delta = eta - q + 1, (eta - q + 1) / eta
    if df2 <= 0:
        return WaldTest(math.nan, q, df2, math.nan, delta, test, vcov)
    F = delta * Q / q
    return WaldTest(F, q, df2, float(special.fdtrc(q, df2, F)), delta, test, vcov)


@dataclass(frozen=True)
class _Sandwich:
    """Parts of the robust variance: m clusters, p coefficients, q = p.

    Attributes
    ----------
    m : int
    beta, M, vb : arrays of shape (p,), (p, p), (p, p)
        Coefficients, their covariances under the working model, their robust covariances.
    own : array of shape (m, p, p)
        E_j' Phi_j E_j, for E_j the (adjusted) weights of the residuals of cluster j in the coefficients.
    shared : array of shape (m, p, p)
        X_j' E_j.
    """

    m: int
    beta: np.ndarray
    M: np.ndarray
    vb: np.ndarray
    own: np.ndarray
    shared: np.ndarray


def _sandwich(model, cluster, vcov):
    clusters = _clusters(model, cluster)
    X, p, m = model.X, model.X.shape[1], len(clusters)
    roots = [linalg.cholesky(block) for _, block in clusters]
    WX = [linalg.cho_solve((root, False), X[at]) for root, (at, _) in zip(roots, clusters, strict=True)]
    A = sum(X[at].T @ wx for wx, (at, _) in zip(WX, clusters, strict=True))
    M = np.linalg.inv(A)
    M = (M + M.T) / 2
    beta = M @ sum(wx.T @ model.yi[at] for wx, (at, _) in zip(WX, clusters, strict=True))
    factor = {"CR1": _over(m, m - 1), "CR1p": _over(m, m - p)}.get(vcov, 1.0)
    own, shared, scores = np.empty((m, p, p)), np.empty((m, p, p)), np.empty((m, p))
    for j, (at, block) in enumerate(clusters):
        E = WX[j] @ M
        if vcov == "CR2":
            E = _bias_reduced(roots[j], block, X[at], M) @ E
        elif vcov == "CR3":
            E = np.linalg.pinv(np.eye(len(at)) - WX[j] @ M @ X[at].T) @ E
        own[j], shared[j] = E.T @ block @ E, X[at].T @ E
        scores[j] = E.T @ (model.yi[at] - X[at] @ beta)
    return _Sandwich(m, beta, M, factor * scores.T @ scores, own, shared)


def _over(a, b):
    return a / b if b > 0 else math.nan


def _bias_reduced(root, block, X, M):
    """A_j = D' B^(-1/2) D, Phi = D'D, B = D (Phi - X M X') D': Pustejovsky & Tipton 2018, equation 5."""
    # The inverse of a working model's covariance being the weights, (I - H) Phi (I - H)' is Phi - X M X'.
    B = root @ (block - X @ M @ X.T) @ root.T
    values, vectors = np.linalg.eigh((B + B.T) / 2)
    kept = values > RANK_TOLERANCE * np.linalg.norm(root @ block @ root.T, 2)
    turned = vectors[:, kept].T @ root
    return turned.T @ (turned / np.sqrt(values[kept])[:, None])


def _satterthwaite(parts):
    """Degrees of freedom of each coefficient's variance, array of shape (p,).

    (sum_j omega_jj)² / sum_jl omega_jl² with omega_jl = [j = l] e_j' Phi_j e_j - u_j' M u_l, u_j = X_j' e_j:
    covariances under the working model of the clusters' shares in the coefficient.
    """
    own = np.einsum("jss->js", parts.own)
    leverage = np.einsum("jas,ab,jbs->js", parts.shared, parts.M, parts.shared)
    total = (own - leverage).sum(0)
    K = np.einsum("jas,jbs->sab", parts.shared, parts.shared)
    MK = parts.M @ K
    squares = (own**2 - 2 * own * leverage).sum(0) + np.einsum("sab,sba->s", MK, MK)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(total > 0, total**2 / squares, math.nan)


def _hotelling_df(parts, C):
    """eta of HTZ, Tipton & Pustejovsky 2015, equations 15 to 17.

    With the contrasts scaled so that E(C V C') = I: eta = q (q + 1) / sum_st var(d_st), and under the working
    model var(d_st) = sum_jl (w_jl^ss w_jl^tt + w_jl^st w_jl^ts), w as in `_satterthwaite` for two contrasts.
    """
    q = len(C)
    own = np.einsum("sa,jab,tb->jst", C, parts.own, C)
    U = np.einsum("jab,sb->jas", parts.shared, C)
    leverage = np.einsum("jas,ab,jbt->jst", U, parts.M, U)
    values, vectors = np.linalg.eigh((own - leverage).sum(0))
    scale = (vectors / np.sqrt(values)) @ vectors.T
    own, leverage = (np.einsum("sa,jab,tb->jst", scale, part, scale) for part in (own, leverage))
    U = np.einsum("jas,ts->jat", U, scale)
    root = np.linalg.cholesky(parts.M)
    R = np.einsum("ab,jas->jbs", root, U)
    K = np.einsum("jas,jbt->stab", R, R)
    spread = 0.0
    for s in range(q):
        for t in range(q):
            ss, tt, st, ts = own[:, s, s], own[:, t, t], own[:, s, t], own[:, t, s]
            spread += np.sum(ss * tt - ss * leverage[:, t, t] - tt * leverage[:, s, s])
            spread += np.sum(st * ts - st * leverage[:, t, s] - ts * leverage[:, s, t])
            spread += np.sum(K[t, s] * K[t, s]) + np.sum(K[t, s] * K[t, s].T)
    return float(q * (q + 1) / spread)


def _clusters(model, cluster):
    """(positions, working covariance) of each cluster."""
    V = model.marginal
    if cluster is None:
        return list(zip(V.rows, V.blocks, strict=True))
    names, rows = grouped(cluster, V.k, "cluster")
    of_effect = np.empty(V.k, int)
    for j, at in enumerate(rows):
        of_effect[at] = j
    members = [[] for _ in rows]
    for name, at, block in zip(V.studies, V.rows, V.blocks, strict=True):
        inside = np.unique(of_effect[at])
        if len(inside) > 1:
            found = ", ".join(repr(names[j]) for j in inside)
            raise ValueError(f"study {name!r} is split between clusters {found}; allowed: whole studies")
        members[inside[0]].append((at, block))
    return [
        (np.concatenate([at for at, _ in found]), linalg.block_diag(*[block for _, block in found]))
        for found in members
    ]


def _robust(model, *, cluster, vcov, test, level, tau2=math.nan, notes=(), **known):
    parts = _sandwich(model, cluster, vcov)
    m, p = parts.m, len(model.terms)
    known |= {"k": len(model.yi), "n_studies": m, "model": model, "tau2": tau2}
    vb = parts.vb
    if m <= p:
        notes = (*notes, f"{m} clusters for {p} coefficients: no robust variance")
        vb = np.full((p, p), math.nan)
    df = {
        "Satterthwaite": _satterthwaite,
        "naive-t": lambda parts: np.full(p, parts.m - 1.0),
        "naive-tp": lambda parts: np.full(p, float(parts.m - p)),
        "z": lambda _: np.full(p, math.nan),
    }[test](parts)
    df = np.where(np.isnan(np.diag(vb)), math.nan, df)
    table = coefficients(model.terms, parts.beta, vb, df=df, level=level)
    pooled = model.terms == (INTERCEPT,)
    row = {name: float(table[name].iloc[0]) for name in table.columns if name != "term"} if pooled else {}
    if pooled:
        reach = float(quantile(df, level=level)[0] * np.sqrt(vb[0, 0] + tau2))
        known |= {"pi_low": row["estimate"] - reach, "pi_high": row["estimate"] + reach}
        known["weights"] = weights(model.marginal)
    label = "normal" if test == "z" else f"t, df: {test}"
    return RobustEstimate(
        **known,
        **row,
        coefficients=table,
        vb=vb,
        few_df=bool((df < FEW_DF).any()),
        notes=notes,
        method_ci=f"{vcov}, {label}",
        method_pi=f"{label}, robust se and tau2 of the working model",
    )


def _without_variance(fitted):
    """No effect, or one: the estimate stands, its robust variance does not exist."""
    note = () if fitted.k == 0 else ("one effect: no robust variance",)
    return RobustEstimate(
        k=fitted.k,
        n_studies=fitted.n_studies,
        estimate=fitted.estimate,
        weights=fitted.weights,
        notes=note,
        method=fitted.method,
    )


def _prepared(yi, vi, study, mods, intercept):
    yi, vi = checked(yi, vi)
    _, rows = grouped(study, len(yi))
    X, terms = model_matrix(mods, len(yi), intercept=intercept)
    return yi, vi, X, terms, rows


def _too_few(yi, vi, X, terms, study):
    if len(yi) == 0:
        return RobustEstimate(k=0, n_studies=0)
    if terms != (INTERCEPT,):
        raise ValueError(f"a model of {X.shape[1]} terms needs more effects than {len(yi)}")
    return _robust(
        Model(yi, X, terms, independent(vi, study)),
        cluster=None,
        vcov="CR2",
        test="Satterthwaite",
        level=0.95,
        method="one effect",
    )


def _weighted_q(yi, X, w, M):
    residual = yi - X @ (M @ (X.T @ (w * yi)))
    return float(np.sum(w * residual**2))


def _hierarchical_variances(yi, X, w, M, *, rows, Q):
    """(omega², tau²) by moments: E(Q), E(Q1) are linear in both, from tr((I - H)' B (I - H) Sigma)."""
    H = X @ M  # times X'W on the right is the hat matrix
    residual = yi - H @ (X.T @ (w * yi))
    size = np.concatenate([np.full(len(at), float(len(at))) for at in rows])[np.argsort(np.concatenate(rows))]
    WX = w[:, None] * X
    sums = np.array([X[at].sum(0) for at in rows])  # 1'X_j
    wsums = np.array([WX[at].sum(0) for at in rows])  # 1'W_j X_j
    n = np.array([len(at) for at in rows], dtype=float)
    XJX, XWJWX, XWWX = sums.T @ sums, wsums.T @ wsums, WX.T @ WX
    Q1 = sum(residual[at].sum() ** 2 for at in rows)
    A1 = np.sum(n**2) - 2 * np.sum(M * ((n[:, None] * sums).T @ wsums)) + np.trace(M @ XJX @ M @ XWJWX)
    B1 = size.size - 2 * np.sum(M * (sums.T @ wsums)) + np.trace(M @ XJX @ M @ XWWX)
    C1 = np.sum(1 / w) - np.trace(M @ XJX)
    A2 = w.sum() - np.sum(M * XWJWX)
    B2 = w.sum() - np.sum(M * XWWX)
    C2 = len(yi) - X.shape[1]
    slope = B1 * A2 - B2 * A1
    omega2 = 0.0
    if (n > 1).any() and abs(slope) > 1e-12 * abs(B1 * A2):
        omega2 = max(0.0, float(((Q1 - C1) * A2 - (Q - C2) * A1) / slope))
    if len(rows) == 1:  # its own mean is the estimate, nothing is known between studies
        return omega2, 0.0
    return omega2, max(0.0, float((Q - C2) / A2 - omega2 * B2 / A2))


def _moments(model, *, cluster, small, level, sigma2, excess, QE, QE_df, kind):
    return _robust(
        model,
        cluster=cluster,
        vcov="CR2" if small else "CR1p",
        test="Satterthwaite" if small else "naive-tp",
        level=level,
        sigma2=sigma2,
        tau2=sum(sigma2),
        I2=max(0.0, 100 * excess / QE) if QE > 0 else 0.0,
        QE=QE,
        QE_df=QE_df,
        method=f"robust variance, {kind} effects weights, moments",
        method_I2="(Q - E(Q)) / Q of the first weights, as robumeta",
    )


def _constraints(constraints, terms):
    if constraints is None:
        constraints = [term for term in terms if term != INTERCEPT]
    if len(constraints) == 0:
        raise ValueError("there is no moderator to test; hint: name the constraints")
    if isinstance(constraints[0], str):
        unknown = [name for name in constraints if name not in terms]
        if unknown:
            raise ValueError(f"term {unknown[0]!r} is not in the model; allowed: {', '.join(terms)}")
        return np.eye(len(terms))[[terms.index(name) for name in constraints]]
    C = np.atleast_2d(np.asarray(constraints, dtype=float))
    if C.shape[1] != len(terms) or np.linalg.matrix_rank(C) < len(C):
        raise ValueError(f"constraints must be independent rows of {len(terms)} numbers, found {C.tolist()}")
    return C
