"""Sampling covariances of effects that come from the same study.

Vocabulary: `V` is the matrix of sampling variances (its diagonal, `vi`, never standard errors) and
covariances. Effects of different studies are independent, so V is kept as one block for each study and the
k x k matrix is built only when it is asked for.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from livingreview.pooling.random_effects import checked, checked_names

# A block is positive definite if its smallest eigenvalue is above this share of its largest: below it, the
# inverse would be made of rounding errors (metafor refuses matrices at machine precision times 100).
DEFINITE = 1e-12
# Alternating projections stop when the matrix moves by less than this share; Higham 2002, section 4.
NEAREST_TOLERANCE = 1e-10
NEAREST_STEPS = 1000

MEASURES = ("MD", "SMD", "ROM", "OR", "RR", "RD")


@dataclass(frozen=True)
class Blocks:
    """A covariance matrix of k effects that is zero between studies.

    Attributes
    ----------
    k : int
        Number of effects.
    studies : tuple of str
        Names of the studies, in the order in which they first occur.
    rows : tuple of arrays of int
        For each study, the positions of its effects among the k.
    blocks : tuple of arrays of shape (n, n)
        For each study, the covariances of its n effects, in the order of `rows`.
    """

    k: int
    studies: tuple
    rows: tuple
    blocks: tuple

    @property
    def vi(self):
        """Sampling variances, array of shape (k,), in the order of the effects."""
        vi = np.empty(self.k)
        for rows, block in zip(self.rows, self.blocks, strict=True):
            vi[rows] = np.diag(block)
        return vi

    def dense(self):
        """The matrix in full, array of shape (k, k)."""
        full = np.zeros((self.k, self.k))
        for rows, block in zip(self.rows, self.blocks, strict=True):
            full[np.ix_(rows, rows)] = block
        return full


def grouped(names, k, what="study"):
    """Positions of the effects of each study.

    Parameters
    ----------
    names : sequence of str, length k
        The study of each effect.
    k : int
        Number of effects.
    what : str
        What the names stand for, for messages.

    Returns
    -------
    tuple of str, tuple of arrays of int
        Names and positions, in the order in which the names first occur.

    Raises
    ------
    ValueError
        There is not one name for each effect, or one is missing.
    """
    names = checked_names(names, np.empty(k), what)
    codes, found = pd.factorize(names)
    if (codes < 0).any():
        first = int(np.argmin(codes)) + 1
        raise ValueError(f"{what} is missing for effect {first}; hint: name it for every effect")
    order = np.argsort(codes, kind="stable")
    cuts = np.cumsum(np.bincount(codes, minlength=len(found)))[:-1]
    return tuple(found), tuple(np.split(order, cuts)) if k else ()


def independent(vi, study):
    """No correlation: V is diagonal, in blocks by study.

    Parameters
    ----------
    vi : array-like of shape (k,)
        Sampling variances.
    study : sequence of str, length k
        The study of each effect.

    Returns
    -------
    Blocks
    """
    return correlated(vi, study, rho=0.0)


def correlated(vi, study, *, rho, subgroup=None, smooth=False):
    """Sampling errors within a study that share one assumed correlation.

    Parameters
    ----------
    vi : array-like of shape (k,)
        Sampling variances.
    study : sequence of str, length k
        The study of each effect.
    rho : float, or mapping of study to float
        The correlation of any two effects of a study, above -1 and at most 1 (at 1 the block is singular and
        no model takes it).
    subgroup : sequence of str, length k, optional
        Only effects of the same study and subgroup (of participants) are correlated.
    smooth : bool
        Give all effects of a study its mean sampling variance first.

    Returns
    -------
    Blocks
        cov(i, j) = rho sqrt(v_i v_j), as ``clubSandwich::impute_covariance_matrix`` and metafor's ``vcalc``.

    Raises
    ------
    ValueError
        As `checked`; a correlation is out of range or leaves no positive semidefinite block.
    """
    _, vi = checked(np.zeros(np.shape(vi)), vi)
    studies, rows = grouped(study, len(vi))
    groups = None if subgroup is None else checked_names(subgroup, vi, "subgroup")
    blocks = []
    for name, at in zip(studies, rows, strict=True):
        r = _correlation_of(rho, name)
        together = np.ones((len(at), len(at)), bool) if groups is None else groups[at, None] == groups[at]
        R = np.where(together, r, 0.0)
        np.fill_diagonal(R, 1.0)
        blocks.append(_scaled(R, vi[at], smooth=smooth))
    return _semidefinite(Blocks(len(vi), studies, rows, tuple(blocks)))


def autocorrelated(vi, study, time, *, phi, rho=None, kind=None, smooth=False):
    """Sampling errors within a study whose correlation fades with the time between measurements.

    Parameters
    ----------
    vi : array-like of shape (k,)
        Sampling variances.
    study : sequence of str, length k
        The study of each effect.
    time : array-like of shape (k,)
        When each was measured, in any one unit.
    phi : float
        Correlation at a distance of one unit, 0 to 1: phi ** |t_i - t_j|.
    rho : float, optional
        Correlation of different kinds of effect (instruments) at the same time; needs `kind`.
    kind : sequence of str, length k, optional
        Effects of different kinds have their correlation multiplied by `rho`, as ``vcalc(obs, time1)``.
    smooth : bool
        As `correlated`.

    Returns
    -------
    Blocks
    """
    _, vi = checked(np.zeros(np.shape(vi)), vi)
    time, _ = checked(time, vi)
    if not 0 <= phi <= 1:
        raise ValueError(f"phi {phi!r} must lie between 0 and 1")
    if (rho is None) != (kind is None):
        raise ValueError("rho and kind belong together: the correlation of effects of different kinds")
    studies, rows = grouped(study, len(vi))
    kinds = None if kind is None else checked_names(kind, vi, "kind")
    blocks = []
    for name, at in zip(studies, rows, strict=True):
        R = np.power(float(phi), np.abs(time[at, None] - time[at]))
        if kinds is not None:
            R = R * np.where(kinds[at, None] == kinds[at], 1.0, _correlation_of(rho, name))
        np.fill_diagonal(R, 1.0)
        blocks.append(_scaled(R, vi[at], smooth=smooth))
    return _semidefinite(Blocks(len(vi), studies, rows, tuple(blocks)))


def known(V, study):
    """A covariance matrix that is known in full.

    Parameters
    ----------
    V : array-like of shape (k, k)
        Variances and covariances.
    study : sequence of str, length k
        The study of each effect.

    Returns
    -------
    Blocks

    Raises
    ------
    ValueError
        V is not square, finite and symmetric with variances above zero, has a covariance between two studies,
        or is not positive semidefinite.
    """
    V = np.asarray(V, dtype=float)
    if V.ndim != 2 or V.shape[0] != V.shape[1]:
        raise ValueError(f"V must be square, k x k, not {V.shape}")
    if not np.isfinite(V).all():
        raise ValueError("V must be finite; leave out what is missing before pooling")
    k = len(V)
    checked(np.zeros(k), np.diag(V))
    if not np.allclose(V, V.T, rtol=1e-10, atol=0):
        i, j = np.unravel_index(np.argmax(np.abs(V - V.T)), V.shape)
        raise ValueError(f"V must be symmetric: row {i + 1}, column {j + 1} is {V[i, j]:g}, not {V[j, i]:g}")
    studies, rows = grouped(study, k)
    outside = V != 0
    for at in rows:
        outside[np.ix_(at, at)] = False
    if outside.any():
        i, j = np.argwhere(outside)[0]
        raise ValueError(
            f"V has a covariance {V[i, j]:g} between effects {i + 1} and {j + 1}, which are of two studies; "
            f"allowed: within a study; hint: give both the same study"
        )
    blocks = tuple((V[np.ix_(at, at)] + V[np.ix_(at, at)].T) / 2 for at in rows)
    return _semidefinite(Blocks(k, studies, rows, blocks))


def shared_control(
    yi,
    vi,
    study,
    control,
    *,
    measure,
    n_control=None,
    variance=None,
    n_total=None,
    events=None,
    df_pooled=None,
    treatment=None,
    outcome=None,
    rho=None,
):
    """Exact covariances of effects that compare different arms of a study with the same control arm.

    Parameters
    ----------
    yi, vi : array-like of shape (k,)
        Effects and sampling variances.
    study, control : sequence of str, length k
        The study and the control arm of each effect; two effects are correlated if both agree.
    measure : {"MD", "SMD", "ROM", "OR", "RR", "RD"}
        The scale of `yi`; OR, RR and ROM are logarithms.
    n_control : array-like of shape (k,)
        Participants of the control arm.
    variance : array-like of shape (k,), for MD and ROM
        MD: the squared SD of the control arm; ROM: the squared coefficient of variation, SD² / mean².
    n_total : array-like of shape (k,), for SMD
        Participants of all arms of the study that are compared (every arm counted once).
    events : array-like of shape (k,), for OR, RR and RD
        Events of the control arm, with the same correction for zeros as in `yi`.
    df_pooled : array-like of shape (k,), for SMD, optional
        Degrees of freedom n1 + n_control - 2 of the SD of each comparison. Given it, the SMDs are taken to be
        standardised by the SD of their own two arms rather than by one SD of all arms.
    treatment : sequence of str, length k, optional
        The other arm of each effect.
    outcome : sequence of str, length k, optional
        The outcome, instrument or timepoint of each effect, where a study has several; needs `treatment` and
        `rho`.
    rho : float or mapping of study to float, optional
        Correlation of the sampling errors of different outcomes in the same participants.

    Returns
    -------
    Blocks

    Raises
    ------
    ValueError
        As `checked`; a column that the measure needs is missing or out of range; effects of one control
        disagree about it; an arm is the control of one effect and treated in another, or is compared with two
        controls; a comparison is there twice; the result is not positive definite (the figures cannot belong
        together).

    Notes
    -----
    The covariance is the variance of the control's part, by the delta method: MD sd²/n; ROM sd²/(n mean²);
    RD p(1 - p)/n; log RR 1/x - 1/n; log OR 1/x + 1/(n - x); SMD 1/n + d_i d_j / (2 N) with one SD of all
    arms, N participants (Gleser & Olkin 2009, in The Handbook of Research Synthesis, 2nd ed., equation 19.19,
    as in metafor's worked example). With the SD of two arms, d_i d_j/2 is multiplied by
    (n_control - 1) / (df_i df_j), the covariance of the logarithms of two pooled variances that share an arm.
    Between two outcomes the covariance that one outcome would have is multiplied by rho, as metafor's
    ``vcalc(obs, grp1, grp2, rho)``: rho sqrt(v_i v_j) for the same two arms.
    """
    yi, vi = checked(yi, vi)
    if measure not in MEASURES:
        raise ValueError(f"measure {measure!r} is not known; allowed: {', '.join(MEASURES)}")
    control = checked_names(control, yi, "control")
    given = {
        "n_control": n_control,
        "variance": variance,
        "n_total": n_total,
        "events": events,
        "df_pooled": df_pooled,
    }
    shared = {name: _column(name, value, len(yi), measure) for name, value in given.items()}
    part = _control_part(measure, shared)
    if (outcome is None) != (rho is None) or (outcome is not None and treatment is None):
        raise ValueError("outcome, treatment and rho belong together: the correlation of different outcomes")
    arm = None if treatment is None else checked_names(treatment, yi, "treatment")
    kind = np.zeros(len(yi)) if outcome is None else checked_names(outcome, yi, "outcome")
    studies, rows = grouped(study, len(yi))
    blocks = []
    for name, at in zip(studies, rows, strict=True):
        same, alike = control[at, None] == control[at], kind[at, None] == kind[at]
        _agree(part[at], same & alike, name)
        covariances = np.sqrt(np.outer(part[at], part[at]))
        if measure == "SMD":
            covariances += _standardised_part(yi[at], at, shared)
        twin = np.eye(len(at), dtype=bool)
        if arm is not None:
            twin = _same_comparison(arm[at], control[at], alike, name)
        across = 1.0 if rho is None else _correlation_of(rho, name)
        blocks.append(_block(covariances, vi[at], same=same, twin=twin, factor=np.where(alike, 1.0, across)))
    found = Blocks(len(yi), studies, rows, tuple(blocks))
    check_definite(found, hint="the control arm's figures and the sampling variances cannot belong together")
    return found


def check_definite(V, *, hint="lower the assumed correlation, or take nearest_definite(V)"):
    """Refuse a matrix without an inverse.

    Raises
    ------
    ValueError
        A block is not positive definite; names its study and the smallest eigenvalue.
    """
    for name, block in zip(V.studies, V.blocks, strict=True):
        if len(block) == 1:
            continue
        values = np.linalg.eigvalsh(block)
        if values[0] <= DEFINITE * values[-1]:
            raise ValueError(
                f"the covariances of study {name!r} are not positive definite: smallest eigenvalue "
                f"{values[0]:.3g} of largest {values[-1]:.3g}; allowed: above zero; hint: {hint}"
            )


def nearest_definite(V, *, floor=1e-8):
    """The nearest matrix that has an inverse, variances unchanged.

    Parameters
    ----------
    V : Blocks
    floor : float
        Smallest eigenvalue that the correlations are given, as a share of the largest.

    Returns
    -------
    Blocks
        Blocks that were positive definite are returned as they are; the others keep their variances, and
        their correlations become the nearest (Frobenius) that are positive definite: Higham 2002, IMA J
        Numer Anal 22:329-343, algorithm 3.3.
    """
    blocks = []
    for block in V.blocks:
        values = np.linalg.eigvalsh(block)
        blocks.append(block if values[0] > DEFINITE * values[-1] else _nearest(block, floor))
    return Blocks(V.k, V.studies, V.rows, tuple(blocks))


def _nearest(block, floor):
    sd = np.sqrt(np.diag(block))
    R = block / np.outer(sd, sd)
    correction = np.zeros_like(R)
    for _ in range(NEAREST_STEPS):
        before = R
        shifted = R - correction
        values, vectors = np.linalg.eigh(shifted)
        projected = (vectors * np.maximum(values, floor * values[-1])) @ vectors.T
        correction = projected - shifted
        R = projected.copy()
        np.fill_diagonal(R, 1.0)
        if np.linalg.norm(R - before) <= NEAREST_TOLERANCE * np.linalg.norm(R):
            break
    values, vectors = np.linalg.eigh(R)
    R = (vectors * np.maximum(values, floor * values[-1])) @ vectors.T
    scale = sd / np.sqrt(np.diag(R))
    return R * np.outer(scale, scale)


def _correlation_of(rho, name):
    if hasattr(rho, "keys"):
        if name not in rho:
            raise ValueError(f"rho names no correlation for study {name!r}")
        rho = rho[name]
    if not -1 < rho <= 1:
        raise ValueError(f"rho {rho!r} must lie above -1 and not above 1 (study {name!r})")
    return float(rho)


def _scaled(R, vi, *, smooth):
    sd = np.sqrt(np.full_like(vi, vi.mean()) if smooth else vi)
    block = R * np.outer(sd, sd)
    np.fill_diagonal(block, sd**2 if smooth else vi)
    return block


def _semidefinite(V):
    for name, block in zip(V.studies, V.blocks, strict=True):
        values = np.linalg.eigvalsh(block) if len(block) > 1 else block[0]
        if values[0] < -DEFINITE * values[-1]:
            raise ValueError(
                f"the covariances of study {name!r} are those of no random variables: smallest eigenvalue "
                f"{values[0]:.3g}; hint: a negative correlation of n effects must be above -1 / (n - 1) = "
                f"{-1 / max(len(block) - 1, 1):.3g}"
            )
    return V


NEEDED = {
    "MD": ("n_control", "variance"),
    "ROM": ("n_control", "variance"),
    "SMD": ("n_control", "n_total"),
    "OR": ("n_control", "events"),
    "RR": ("n_control", "events"),
    "RD": ("n_control", "events"),
}


def _column(name, value, k, measure):
    if value is None:
        if name in NEEDED[measure]:
            raise ValueError(f"measure {measure} needs {name} of each effect's control arm")
        return None
    value = np.asarray(value, dtype=float)
    if value.shape != (k,) or not np.isfinite(value).all() or (value <= 0).any():
        hint = "; hint: correct zero events as in yi (commonly 0.5)" if name == "events" else ""
        raise ValueError(f"{name} must hold {k} finite numbers above zero, found {value!r}{hint}")
    return value


def _control_part(measure, given):
    n = given["n_control"]
    if measure in ("MD", "ROM"):
        return given["variance"] / n
    if measure == "SMD":
        return 1 / n
    x = given["events"]
    if (x >= n).any():
        raise ValueError(f"events of a control arm must be below its participants, found {x[x >= n][0]:g}")
    return {"OR": 1 / x + 1 / (n - x), "RR": 1 / x - 1 / n, "RD": x / n * (1 - x / n) / n}[measure]


def _standardised_part(d, at, given):
    products = np.outer(d, d) / 2
    if given["df_pooled"] is None:
        return products / given["n_total"][at, None]
    df = given["df_pooled"][at]
    return products * (given["n_control"][at, None] - 1) / np.outer(df, df)


def _block(shared, vi, *, same, twin, factor):
    """Covariances of a study: its control's part where that is shared, the whole where both arms are."""
    block = np.where(twin, np.sqrt(np.outer(vi, vi)), np.where(same, shared, 0.0)) * factor
    np.fill_diagonal(block, vi)
    return (block + block.T) / 2


def _same_comparison(arm, control, alike, name):
    """Pairs of effects that compare the same two arms; array of bool of shape (n, n)."""
    both = set(arm) & set(control)
    if both:
        raise ValueError(
            f"arm {sorted(both)[0]!r} of study {name!r} is a control and is compared with one; "
            f"hint: compare every arm with one control"
        )
    treated, controlled = arm[:, None] == arm, control[:, None] == control
    if (treated & ~controlled).any():
        i, j = np.argwhere(treated & ~controlled)[0]
        raise ValueError(
            f"arm {arm[i]!r} of study {name!r} is compared with {control[i]!r} and {control[j]!r}; "
            f"allowed: one control for each arm"
        )
    again = treated & controlled & alike & ~np.eye(len(arm), dtype=bool)
    if again.any():
        i = int(np.argwhere(again)[0][0])
        raise ValueError(
            f"study {name!r} compares {arm[i]!r} with {control[i]!r} twice for one outcome; "
            f"hint: name the outcomes apart, or leave one out"
        )
    return treated & controlled


def _agree(part, same, name):
    if not np.allclose(np.where(same, part[:, None], 0.0), np.where(same, part, 0.0), rtol=1e-9, atol=0):
        raise ValueError(
            f"effects of study {name!r} share a control arm but give it different figures; "
            f"hint: name the arms apart, or correct one"
        )
