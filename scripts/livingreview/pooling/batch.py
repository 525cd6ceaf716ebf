"""Many random-effects fits at once: the same effects, a different selection of them in each.

Leave-one-out, GOSH and cumulative estimates fit the model hundreds to hundreds of thousands of times. Here
the fits of all selections advance together, one row of an array each; every number equals that of
`random_effects.fit` on the selection.
"""

from dataclasses import dataclass, fields
from functools import partial

import numpy as np
from scipy.special import chdtrc, ndtri, stdtrit

from livingreview.pooling.between_variance import BOUNDARY, FIXED, LIKELIHOOD_MARGIN, STEP_TOLERANCE
from livingreview.pooling.random_effects import checked, fit
from livingreview.pooling.terms import checked_level, two_sided

# Elements of an array worked on at once: 128 kB of doubles, so that the arrays of a step stay in the cache.
CHUNK_ELEMENTS = 2**14
# Beyond this ratio of sampling variances, differences of sums would lose six of sixteen digits; `fit`,
# which orders its sums, then takes each selection.
WIDEST = 1e6
# A row that has not settled by then is handed to `fit`, which has shorter steps and a search as its reserve.
MAX_STEPS = 200
# Where a step would leave zero, and the likelihood falls from zero up to here at each of these shares of the
# way, the maximum is zero and the halvings on the way to it are spared.
WAY_TO_ZERO = (0.0, 0.0625, 0.25, 0.5)
# Newton's steps, of quadratic convergence, take over from Fisher's once these are this small a share of the
# total variance, and only if they are no longer than twice Fisher's.
NEWTON_FROM = 0.1
LONGEST_NEWTON = 2.0

TESTS = ("z", "t", "knha", "adhoc")


@dataclass(frozen=True)
class SubsetFits:
    """The model fitted to m selections of effects.

    Attributes
    ----------
    k : array of shape (m,), int
        Effects in each selection.
    estimate, se, ci_low, ci_high, stat, df, pval : array of shape (m,)
    pi_low, pi_high, tau2, I2, H2, QE, QE_df, QE_p : array of shape (m,)
        As the fields of `random_effects.Estimate`. All NaN for a selection of none; for one effect tau², I²,
        H², Q and prediction are NaN. Under a fixed effect ("FE", "EE", "CE") tau² is zero, I² and H² are
        those of Q, and there is no prediction.
    factor : array of shape (m,)
        What the variance 1 / sum(w) was multiplied by: Hartung and Knapp's factor, or one.
    """

    k: np.ndarray
    estimate: np.ndarray
    se: np.ndarray
    ci_low: np.ndarray
    ci_high: np.ndarray
    stat: np.ndarray
    df: np.ndarray
    pval: np.ndarray
    pi_low: np.ndarray
    pi_high: np.ndarray
    tau2: np.ndarray
    I2: np.ndarray
    H2: np.ndarray
    QE: np.ndarray
    QE_df: np.ndarray
    QE_p: np.ndarray
    factor: np.ndarray

    def __len__(self):
        return len(self.k)

    def row(self, position):
        """The fit of one selection as a `SubsetFit`, all plain numbers."""
        return SubsetFit(**{field.name: getattr(self, field.name)[position].item() for field in fields(self)})


@dataclass(frozen=True)
class SubsetFit:
    """The model fitted to one selection; fields as in `SubsetFits`, one number each."""

    k: int
    estimate: float
    se: float
    ci_low: float
    ci_high: float
    stat: float
    df: float
    pval: float
    pi_low: float
    pi_high: float
    tau2: float
    I2: float
    H2: float
    QE: float
    QE_df: int
    QE_p: float
    factor: float


def fit_subsets(yi, vi, members, *, method="REML", test="knha", level=0.95):
    """Fit the random-effects model to many selections of the same effects.

    Parameters
    ----------
    yi, vi : array-like of shape (k,)
        Effects and sampling variances (not standard errors).
    members : array-like of bool, shape (m, k)
        One row per selection: which effects it holds.
    method : str
        Estimator of tau²: "REML", "ML", "DL", "HE", "HS", "HSk", "SJ", "PM", "EB" (the root of the same
        equation as "PM"), or a fixed effect, "FE", "EE", "CE"; "PMM" is fitted one by one.
    test : {"knha", "adhoc", "t", "z"}
        As `random_effects.fit`.
    level : float
        Level of the intervals.

    Returns
    -------
    SubsetFits

    Raises
    ------
    ValueError
        As `fit`; or `members` is not of true and false, or of another width.
    ConvergenceError
        From `fit`, for a selection on which no way of iterating settles.

    Notes
    -----
    Memory is that of `members` and the results, and a few MB.

    References
    ----------
    Viechtbauer 2005, J Educ Behav Stat 30:261-293 (ML, REML, HE, HS, DL); Sidik & Jonkman 2005, J R Stat Soc
    C 54:367-384 (SJ); Paule & Mandel 1982, J Res NBS 87:377-385 (PM); Morris 1983, JASA 78:47-55 (EB);
    Hartung & Knapp 2001, Stat Med 20:3875-3889.
    """
    yi, vi = checked(yi, vi)
    members = _checked_members(members, k=len(yi))
    _check_options(method=method, test=test, level=level)
    if len(vi) and vi.max() > WIDEST * vi.min():
        return _fitted_singly(yi, vi, members, method=method, test=test, level=level)
    centre = yi.mean() if len(yi) else 0.0
    rows = max(1, CHUNK_ELEMENTS // max(len(yi), 1))
    parts = [
        _fit_chunk(yi - centre, vi, members[start : start + rows], method=method, test=test, level=level)
        for start in range(0, len(members), rows)
    ] or [_fit_chunk(yi, vi, members, method=method, test=test, level=level)]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    for name in ("estimate", "ci_low", "ci_high", "pi_low", "pi_high"):
        columns[name] = columns[name] + centre
    with np.errstate(divide="ignore", invalid="ignore"):
        # Equal effects have no Hartung-Knapp variance: infinite, or undefined where the effect is nil too.
        columns["stat"] = columns["estimate"] / columns["se"]
    columns["pval"] = two_sided(columns["stat"], columns["df"])
    return SubsetFits(**columns)


def _fitted_singly(yi, vi, members, **options):
    ones = [fit(yi[inside], vi[inside], **options) for inside in members]
    names = [field.name for field in fields(SubsetFits) if field.name != "factor"]
    columns = {name: np.array([getattr(one, name) for one in ones]) for name in names}
    return SubsetFits(**columns, factor=np.array([_factor_of(one) for one in ones]))


def _factor_of(one):
    if one.k < 2:
        return 1.0
    return float(one.fitted.covariance[0, 0] / one.fitted.wald_covariance[0, 0])


def _checked_members(members, *, k):
    members = np.asarray(members)
    if members.ndim != 2 or members.shape[1] != k or members.dtype != bool:
        raise ValueError(
            f"members must be true or false for each of the {k} effects, one row per selection; "
            f"found {members.dtype} of shape {members.shape}"
        )
    return members


def _check_options(*, method, test, level):
    if method not in METHODS:
        raise ValueError(f"method {method!r} is not known; allowed: {', '.join(METHODS)}")
    if test not in TESTS:
        raise ValueError(f"test {test!r} is not known; allowed: {', '.join(TESTS)}")
    checked_level(level)


def _fit_chunk(yi, vi, members, *, method, test, level):
    k = members.sum(axis=1)
    several = k > 1
    tau2 = np.full(len(k), np.nan)
    chosen = Selected.of(yi, vi, members[several])
    tau2[several] = METHODS[method](chosen)
    columns = _heterogeneity(chosen, k=k, several=several, tau2=tau2, method=method)
    w = members / (vi + np.where(several, tau2, 0.0)[:, None])
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = 1 / w.sum(axis=1)
        estimate = (w @ yi) * variance
    empty = k == 0
    variance[empty] = estimate[empty] = np.nan
    factor = _factor(yi, w, estimate, k=k, test=test)
    with_t = several & (test != "z")
    df = np.where(with_t, k - 1.0, np.nan)
    quantile = np.full(len(k), -ndtri((1 - level) / 2))
    quantile[with_t] = -stdtrit(df[with_t], (1 - level) / 2)
    variance = variance * factor
    se = np.sqrt(variance)
    reach = quantile * np.sqrt(variance + tau2) if method not in FIXED else np.full(len(k), np.nan)
    return columns | {
        "k": k,
        "QE_df": np.maximum(k - 1, 0),
        "estimate": estimate,
        "se": se,
        "ci_low": estimate - quantile * se,
        "ci_high": estimate + quantile * se,
        "df": df,
        "pi_low": estimate - reach,
        "pi_high": estimate + reach,
        "tau2": tau2,
        "factor": factor,
    }


def _factor(yi, w, estimate, *, k, test):
    """Hartung and Knapp's factor of the variance; one where it is not asked for, or k is below two."""
    factor = np.ones(len(k))
    several = k > 1
    if test in ("knha", "adhoc"):
        residual = yi - estimate[several, None]
        rss = np.einsum("ij,ij->i", w[several] * residual, residual)
        # As metafor: below the machine's precision the effects are equal, and the factor is zero.
        factor[several] = np.where(rss <= np.finfo(float).eps, 0.0, rss / (k[several] - 1))
    return np.maximum(factor, 1.0) if test == "adhoc" else factor


def _heterogeneity(chosen, *, k, several, tau2, method):
    columns = {name: np.full(len(k), np.nan) for name in ("I2", "H2", "QE", "QE_p")}
    if not several.any():
        return columns
    df = k[several] - 1.0
    q = chosen.q
    columns["QE"][several], columns["QE_p"][several] = q, chdtrc(df, q)
    if method in FIXED:
        columns["H2"][several] = q / df
        columns["I2"][several] = np.where(q > df, 100 * (q - df) / np.where(q > 0, q, 1.0), 0.0)
    else:
        columns["H2"][several] = 1 + tau2[several] / chosen.typical
        columns["I2"][several] = 100 * tau2[several] / (tau2[several] + chosen.typical)
    return columns


@dataclass(frozen=True)
class Selected:
    """Selections of two or more effects, centred within each, with what every estimator starts from.

    Attributes
    ----------
    mask : array of shape (m, k), float
        One for a member, else zero.
    y : array of shape (m, k)
        Effects less the plain mean of the selection.
    v : array of shape (k,)
        Sampling variances.
    k, q, s1, typical : array of shape (m,)
        Number of effects, Cochran's Q, sum of 1 / v, typical sampling variance (Higgins & Thompson 2002).
    """

    mask: np.ndarray
    y: np.ndarray
    v: np.ndarray
    k: np.ndarray
    q: np.ndarray
    s1: np.ndarray
    typical: np.ndarray

    @classmethod
    def of(cls, yi, vi, members):
        """Select by a boolean array of shape (m, k) whose rows hold two members or more."""
        mask = members.astype(float)
        k = mask.sum(axis=1)
        y = mask * (yi - (mask @ yi / k)[:, None])
        w = mask / vi
        s1 = w.sum(axis=1)
        typical = (k - 1) / (s1 - np.einsum("ij,ij->i", w, w) / s1)
        return cls(mask, y, vi, k, _rss(y, w), s1, typical)

    def take(self, rows):
        """The rows asked for."""
        parts = (getattr(self, name)[rows] for name in ("mask", "y"))
        return Selected(*parts, self.v, self.k[rows], self.q[rows], self.s1[rows], self.typical[rows])

    def weights(self, tau2):
        """1 / (v + tau²) of members, zero of others; shape (m, k)."""
        return self.mask / (self.v + tau2[:, None])


def _rss(y, w):
    residual = _residual(y, w)
    return np.einsum("ij,ij->i", w * residual, residual)


def _residual(y, w, s1=None):
    s1 = w.sum(axis=1) if s1 is None else s1
    return y - (np.einsum("ij,ij->i", w, y) / s1)[:, None]


def _no_variance(chosen):
    return np.zeros(len(chosen.k))


def _hedges(chosen):
    """Variance of the effects less the mean sampling variance."""
    mean_v = chosen.mask @ chosen.v / chosen.k
    return np.maximum(0.0, np.einsum("ij,ij->i", chosen.y, chosen.y) / (chosen.k - 1) - mean_v)


def _dersimonian_laird(chosen):
    # s1 - s2 / s1 is (k - 1) over the typical variance.
    return np.maximum(0.0, (chosen.q / (chosen.k - 1) - 1) * chosen.typical)


def _hunter_schmidt(chosen):
    return np.maximum(0.0, (chosen.q - chosen.k) / chosen.s1)


def _hunter_schmidt_k(chosen):
    """Hunter and Schmidt's with the correction for small k, as metafor."""
    return np.maximum(0.0, (chosen.q * chosen.k / (chosen.k - 1) - chosen.k) / chosen.s1)


def _sidik_jonkman(chosen):
    """From the crude variance of the effects, weighted once by 1 / (v + that)."""
    crude = np.einsum("ij,ij->i", chosen.y, chosen.y) / chosen.k
    return crude * _rss(chosen.y, chosen.weights(crude)) / (chosen.k - 1)


def _paule_mandel(chosen):
    """Root of sum(w (y - m)²) = k - 1 by Newton's method from zero.

    The sum falls and is convex in tau², so that every step ends below the root and none overshoots.
    """
    return _settled(chosen, _no_variance(chosen), _paule_mandel_step, method="PM")


def _paule_mandel_step(chosen, tau2):
    w = chosen.weights(tau2)
    residual = _residual(chosen.y, w)
    weighted = w * residual
    slope = np.einsum("ij,ij->i", weighted, weighted)
    excess = np.einsum("ij,ij->i", weighted, residual) - (chosen.k - 1)
    return np.divide(excess, slope, out=np.full(len(slope), -np.inf), where=slope > 0)


def _one_by_one(chosen, *, method):
    """For an estimator without a form in rows: `fit`, selection by selection."""
    inside = chosen.mask > 0
    return np.array(
        [fit(y[one], chosen.v[one], method=method).tau2 for y, one in zip(chosen.y, inside, strict=True)]
    )


def _maximum_likelihood(chosen):
    return _likeliest(chosen, method="ML")


def _restricted_likelihood(chosen):
    return _likeliest(chosen, method="REML")


def _likeliest(chosen, *, method):
    """Fisher scoring from Hedges' estimator; zero where it is likelier than the maximum found."""
    if not len(chosen.k):
        return np.zeros(0)
    step = _restricted_step if method == "REML" else _likelihood_step
    tau2 = _settled(chosen, _hedges(chosen), step, method=method)
    zero = np.zeros(len(tau2))
    at_boundary = tau2 <= BOUNDARY * chosen.typical
    at_boundary[at_boundary] = step(chosen.take(at_boundary), zero[at_boundary]) <= 0
    gain = _log_likelihood(chosen, zero, restricted=method == "REML")
    gain -= _log_likelihood(chosen, tau2, restricted=method == "REML")
    return np.where(at_boundary | (gain > LIKELIHOOD_MARGIN), 0.0, tau2)


def _restricted_step(chosen, tau2):
    """(y'PPy - tr P) / tr PP in sums (Viechtbauer 2005); if near Newton's, over 2 y'PPPy - tr PP."""
    w = chosen.weights(tau2)
    w2 = w * w
    s1, s2 = w.sum(axis=1), w2.sum(axis=1)
    weighted = w * _residual(chosen.y, w, s1)
    s3 = np.einsum("ij,ij->i", w2, w)
    score = np.einsum("ij,ij->i", weighted, weighted) - s1 + s2 / s1
    trace = s2 - 2 * s3 / s1 + (s2 / s1) ** 2
    return _nearer(score, trace, 2 * _cubed(w, weighted, s1) - trace, tau2=tau2, typical=chosen.typical)


def _likelihood_step(chosen, tau2):
    """(y'PPy - tr W) / tr WW (Viechtbauer 2005); Newton's with 2 y'PPPy - tr WW below if near."""
    w = chosen.weights(tau2)
    s1, s2 = w.sum(axis=1), np.einsum("ij,ij->i", w, w)
    weighted = w * _residual(chosen.y, w, s1)
    score = np.einsum("ij,ij->i", weighted, weighted) - s1
    return _nearer(score, s2, 2 * _cubed(w, weighted, s1) - s2, tau2=tau2, typical=chosen.typical)


def _cubed(w, weighted, s1):
    """y'PPPy, from w and Py."""
    product = w * weighted
    return np.einsum("ij,ij->i", product, weighted) - product.sum(axis=1) ** 2 / s1


def _nearer(score, expected, observed, *, tau2, typical):
    """Fisher's step, by the expected information; near the end, or if shorter, Newton's, by the observed one.

    Fisher's steps overshoot, and may swing for ever, where the observed information is the larger.
    """
    step = score / expected
    near = (np.abs(step) < NEWTON_FROM * (tau2 + typical)) & (LONGEST_NEWTON * observed > expected)
    return np.divide(score, observed, out=step, where=near | (observed > expected))


def _log_likelihood(chosen, tau2, *, restricted):
    """Log-likelihood up to a constant, Viechtbauer 2005."""
    w = chosen.weights(tau2)
    logs = np.einsum("ij,ij->i", chosen.mask, np.log(chosen.v + tau2[:, None]))
    logs = logs + np.log(w.sum(axis=1)) if restricted else logs
    return -(logs + _rss(chosen.y, w)) / 2


def _settled(chosen, start, step, *, method):
    """Iterate all rows until each settles; rows that do not are fitted one by one by `fit`."""
    settled = start.copy()
    moving = np.arange(len(start))
    rows, tau2 = chosen, start
    for _ in range(MAX_STEPS):
        if not len(moving):
            return settled
        move = step(rows, tau2)
        tau2, still = _moved(rows, tau2, move, step)
        settled[moving] = tau2
        if not still.all():
            moving, rows, tau2 = moving[still], rows.take(still), tau2[still]
    for row in moving:
        inside = chosen.mask[row] > 0
        settled[row] = fit(chosen.y[row, inside], chosen.v[inside], method=method).tau2
    return settled


def _moved(rows, tau2, move, step):
    """tau² after a step kept at zero or above, and which rows have not settled."""
    outside = tau2 + move < 0
    vanish = outside.copy()
    vanish[outside] = _falls_from_zero(rows.take(outside), tau2[outside], step)
    move = np.where(vanish, -tau2, move)
    outside &= ~vanish
    while outside.any():
        move = np.where(outside, move / 2, move)
        outside = tau2 + move < 0
    tau2 = tau2 + move
    return tau2, ~vanish & (np.abs(move) > STEP_TOLERANCE * (tau2 + rows.typical))


def _falls_from_zero(rows, tau2, step):
    falls = np.ones(len(tau2), dtype=bool)
    if len(tau2):
        for share in WAY_TO_ZERO:
            falls &= step(rows, share * tau2) <= 0
    return falls


METHODS = {
    "REML": _restricted_likelihood,
    "ML": _maximum_likelihood,
    "DL": _dersimonian_laird,
    "HE": _hedges,
    "HS": _hunter_schmidt,
    "HSk": _hunter_schmidt_k,
    "SJ": _sidik_jonkman,
    "PM": _paule_mandel,
    "EB": _paule_mandel,
    "PMM": partial(_one_by_one, method="PMM"),
    "FE": _no_variance,
    "EE": _no_variance,
    "CE": _no_variance,
}
