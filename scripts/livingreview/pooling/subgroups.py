"""Estimates of subgroups of studies, and a test between them."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from livingreview.pooling.random_effects import checked, pool


@dataclass(frozen=True)
class Between:
    """Test that all subgroups have one effect: `QM` against chi-squared on `df` degrees of freedom."""

    QM: float
    df: int
    p: float


def by_group(yi, vi, group, *, method="REML", test="knha", level=0.95):
    """Pool each group of effects by itself, each with its own tau².

    Parameters
    ----------
    yi, vi : array-like of shape (k,)
        Effects and sampling variances.
    group : sequence of str, length k
        The group of each effect.
    method, test, level
        As `pool`.

    Returns
    -------
    dict of str to Estimate
        In the order in which groups first occur; a group without effects is absent.

    Raises
    ------
    ValueError
        As `pool`, or `group` is of another length.
    """
    yi, vi = checked(yi, vi)
    group = np.asarray(group, dtype=object)
    if group.shape != yi.shape:
        raise ValueError(f"group must name the group of each of the {len(yi)} effects, not {group.shape}")
    return {
        name: pool(yi[group == name], vi[group == name], method=method, test=test, level=level)
        for name in dict.fromkeys(group)
    }


def between(estimates):
    """Test whether independent estimates differ.

    Parameters
    ----------
    estimates : iterable of Estimate
        One per group, from separate studies.

    Returns
    -------
    Between or None
        None with fewer than two groups, or where a standard error is zero (equal effects in a group), which
        leaves the statistic undefined.

    Notes
    -----
    With w = 1 / se²: QM = sum(w (m - mean)²), mean the w-weighted mean; chi-squared on groups - 1 degrees of
    freedom. This is metafor's omnibus test of ``rma(estimate, sei=se, mods=~group, method="FE")``, and the
    test of the Cochrane Handbook, section 10.11.3.1. The standard errors are those of the groups, after
    Hartung and Knapp where so chosen, as in Borenstein & Higgins 2013, Prev Sci 14:134-143.
    """
    pooled = [e for e in estimates if e.k > 0]
    if len(pooled) < 2 or any(e.se == 0 for e in pooled):
        return None
    m = np.array([e.estimate for e in pooled])
    w = 1 / np.array([e.se for e in pooled]) ** 2
    qm = float(np.sum(w * (m - np.sum(w * m) / w.sum()) ** 2))
    return Between(QM=qm, df=len(pooled) - 1, p=float(stats.chi2.sf(qm, len(pooled) - 1)))
