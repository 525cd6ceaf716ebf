"""GOSH: the estimate of every subset of the effects, or of many drawn at random.

Two clouds where one was expected, or one study that moves whatever it joins, show heterogeneity that a single
estimate hides (Olkin, Dahabreh & Trikalinos 2012, Res Synth Methods 3:214-223).
"""

from dataclasses import dataclass

import numpy as np

from livingreview.pooling.batch import SubsetFits, fit_subsets
from livingreview.pooling.random_effects import checked, checked_names

# 2^16 subsets take about a second; beyond that a sample says the same.
ALL_UP_TO = 2**16
QUANTILES = (0.0, 0.025, 0.25, 0.5, 0.75, 0.975, 1.0)


@dataclass(frozen=True)
class Gosh:
    """The fits of m subsets.

    Attributes
    ----------
    members : array of shape (m, k), bool
        Which effects each subset holds.
    fits : SubsetFits
        What each subset says: ``estimate``, ``I2``, ``tau2``, ``QE``, ...
    complete : bool
        Whether these are all subsets of the least size or more, or a sample of them.
    """

    members: np.ndarray
    fits: SubsetFits
    complete: bool


@dataclass(frozen=True)
class GoshSummary:
    """A cloud of subsets in a few numbers.

    Attributes
    ----------
    subsets : int
        Number of subsets.
    complete : bool
        As `Gosh.complete`.
    quantiles : dict
        "estimate", "I2", "tau2" to a dict from the probability to the quantile.
    shift : dict
        Each effect's name to the mean estimate of subsets with it, less that of subsets without it.
    most : str or None
        The name of the effect whose membership shifts the estimate most; the first one of equals.
    """

    subsets: int
    complete: bool
    quantiles: dict
    shift: dict
    most: str | None


def gosh(yi, vi, *, method="REML", test="knha", subsets=100_000, seed, least=2, level=0.95):
    """Fit the model to all subsets of the effects, or to a sample of them.

    Parameters
    ----------
    yi, vi : array-like of shape (k,)
        Effects and sampling variances.
    method, test, level
        As `batch.fit_subsets`. Without need for I² or tau², "FE" or "DL" take a fraction of the time.
    subsets : int
        How many to draw where there are more than that, or more than 65,536, in all.
    seed : int
        Of the draw. Every effect is in or out with equal chances; subsets below the least size are drawn
        again, and one may be drawn twice.
    least : int
        The smallest subset: 1 or more. metafor takes 1; one effect says nothing of heterogeneity.

    Returns
    -------
    Gosh
        Without any subset if there are fewer than `least` effects.

    Raises
    ------
    ValueError
        As `fit_subsets`; or `subsets` or `least` is below one.
    """
    yi, vi = checked(yi, vi)
    for name, value in (("subsets", subsets), ("least", least)):
        if value < 1:
            raise ValueError(f"{name} must be 1 or more, found {value!r}")
    members, complete = _subsets(len(yi), subsets=subsets, seed=seed, least=least)
    fits = fit_subsets(yi, vi, members, method=method, test=test, level=level)
    return Gosh(members=members, fits=fits, complete=complete)


def summary(cloud, names):
    """What a report says of a cloud of subsets.

    Parameters
    ----------
    cloud : Gosh
        From `gosh`.
    names : sequence of str, length k
        A name of each effect.

    Returns
    -------
    GoshSummary
        A shift is NaN where all subsets hold the effect or none does; ``most`` is None if all are.
    """
    names = checked_names(names, np.empty(cloud.members.shape[1]), "name")
    estimate = cloud.fits.estimate
    inside = cloud.members.sum(axis=0)
    outside = len(estimate) - inside
    sums = estimate @ cloud.members
    with np.errstate(invalid="ignore", divide="ignore"):
        shift = sums / inside - (estimate.sum() - sums) / outside
    known = np.isfinite(shift)
    return GoshSummary(
        subsets=len(estimate),
        complete=cloud.complete,
        quantiles={name: _quantiles(getattr(cloud.fits, name)) for name in ("estimate", "I2", "tau2")},
        shift={name: float(value) for name, value in zip(names, shift, strict=True)},
        most=str(names[np.argmax(np.where(known, np.abs(shift), -1))]) if known.any() else None,
    )


def _quantiles(values):
    values = values[~np.isnan(values)]
    found = np.quantile(values, QUANTILES) if len(values) else np.full(len(QUANTILES), np.nan)
    return {probability: float(value) for probability, value in zip(QUANTILES, found, strict=True)}


def _subsets(k, *, subsets, seed, least):
    if k < least:
        return np.empty((0, k), dtype=bool), True
    if k < 63 and 2**k <= min(2 * subsets, ALL_UP_TO):
        return _all_subsets(k, least=least), True
    rng = np.random.default_rng(seed)
    members = _drawn(rng, (subsets, k))
    small = members.sum(axis=1) < least
    while small.any():
        members[small] = _drawn(rng, (int(small.sum()), k))
        small = members.sum(axis=1) < least
    return members, False


def _all_subsets(k, *, least):
    numbers = np.arange(2**k)
    members = (numbers[:, None] >> np.arange(k)) & 1 == 1
    return members[members.sum(axis=1) >= least]


def _drawn(rng, shape):
    return rng.integers(0, 2, size=shape, dtype=np.uint8).astype(bool)
