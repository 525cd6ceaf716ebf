"""One effect for each study: a composite with an assumed correlation, or the smallest or largest."""

from dataclasses import dataclass

import numpy as np

from livingreview.pooling.covariance import Blocks, check_definite, correlated, grouped
from livingreview.pooling.random_effects import checked
from livingreview.pooling.terms import checked_choice

EXTREMES = ("smallest", "largest")


@dataclass(frozen=True)
class Aggregated:
    """One effect for each study.

    Attributes
    ----------
    studies : tuple of str
        Names, in the order in which they first occur.
    yi, vi : arrays of shape (m,)
        Effects and sampling variances.
    k : array of int of shape (m,)
        Number of effects that each study had.
    rows : tuple of arrays of int
        Positions, among the effects given, of those that each study's effect was made of.
    method : str
        How, to be printed.
    """

    studies: tuple
    yi: np.ndarray
    vi: np.ndarray
    k: np.ndarray
    rows: tuple
    method: str


def composite(yi, V, study=None, *, rho=None, weighted=True):
    """The mean effect of each study.

    Parameters
    ----------
    yi : array-like of shape (k,)
        Effects.
    V : array-like of shape (k,), or Blocks
        Sampling variances, then `study` and `rho` are needed; or covariances with their studies.
    study : sequence of str, length k
        The study of each effect.
    rho : float, or mapping of study to float
        Assumed correlation of the sampling errors within studies (compound symmetry).
    weighted : bool
        Weights from the inverse covariances, 1'V^-1 y / 1'V^-1 1 with variance 1 / 1'V^-1 1 (metafor's
        ``aggregate(cluster, rho, struct = "CS")``); else the plain mean, with variance 1'V1 / n²
        (Borenstein et al. 2009, Introduction to Meta-Analysis, chapter 24), which admits `rho` = 1.

    Returns
    -------
    Aggregated

    Raises
    ------
    ValueError
        As `checked` and `correlated`; weighted, and a study's covariances have no inverse.
    """
    V, label = _covariances(V, study, rho)
    yi, _ = checked(yi, V.vi)
    if weighted:
        check_definite(V, hint="lower the assumed correlation, or take the plain mean (weighted=False)")
    means, variances = np.empty(len(V.studies)), np.empty(len(V.studies))
    for j, (at, block) in enumerate(zip(V.rows, V.blocks, strict=True)):
        if weighted:
            w = np.linalg.solve(block, np.ones(len(at)))
            means[j], variances[j] = w @ yi[at] / w.sum(), 1 / w.sum()
        else:
            means[j], variances[j] = yi[at].mean(), block.mean()
    if (variances <= 0).any():
        name = V.studies[int(np.argmax(variances <= 0))]
        raise ValueError(
            f"the composite of study {name!r} has no variance; hint: raise rho above -1 / (n - 1)"
        )
    kind = "weighted" if weighted else "plain"
    return _aggregated(
        V.studies, means, variances, V.rows, counts=V.rows, method=f"{kind} composite, {label}"
    )


def extreme(yi, vi, study, *, which):
    """The smallest or largest effect of each study.

    Parameters
    ----------
    yi, vi : array-like of shape (k,)
        Effects and sampling variances.
    study : sequence of str, length k
        The study of each effect.
    which : {"smallest", "largest"}
        By value, sign included. Of equal effects the first is taken.

    Returns
    -------
    Aggregated
    """
    checked_choice("which", which, EXTREMES)
    yi, vi = checked(yi, vi)
    studies, rows = grouped(study, len(yi))
    pick = np.argmin if which == "smallest" else np.argmax
    chosen = np.array([at[pick(yi[at])] for at in rows], dtype=int)
    kept = tuple(np.array([i]) for i in chosen)
    return _aggregated(
        studies, yi[chosen], vi[chosen], kept, counts=rows, method=f"{which} effect of each study"
    )


def _covariances(V, study, rho):
    if isinstance(V, Blocks):
        if study is not None or rho is not None:
            raise ValueError("V holds the studies and covariances already; hint: leave out study and rho")
        return V, "covariances given"
    if study is None or rho is None:
        raise ValueError("sampling variances need study and rho, the assumed correlation within studies")
    return correlated(V, study, rho=rho), f"rho = {rho}"


def _aggregated(studies, yi, vi, rows, *, counts, method):
    return Aggregated(studies, yi, vi, np.array([len(at) for at in counts], dtype=int), rows, method)
