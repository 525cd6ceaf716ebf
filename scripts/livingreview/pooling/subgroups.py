"""Estimates of subgroups of studies, and a test between them."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from livingreview.pooling.random_effects import checked, checked_names, fit


@dataclass(frozen=True)
class Between:
    """Test that the subgroups compared have one effect.

    Attributes
    ----------
    QM, df, p : float, int, float
        The statistic, referred to chi-squared on `df` degrees of freedom, and its p-value.
    n_groups : int
        Number of groups compared.
    left_out : tuple of str
        Groups that are not, because they hold a single effect.
    """

    QM: float
    df: int
    p: float
    n_groups: int
    left_out: tuple


def by_group(yi, vi, group, *, method="REML", test="knha", level=0.95):
    """Pool each group of effects by itself, each with its own tau².

    Parameters
    ----------
    yi, vi : array-like of shape (k,)
        Effects and sampling variances.
    group : sequence of str, length k
        The group of each effect.
    method, test, level
        As `fit`.

    Returns
    -------
    dict of str to Estimate
        In the order in which groups first occur; a group without effects is absent.

    Raises
    ------
    ValueError
        As `fit`, or `group` is of another length.
    """
    yi, vi = checked(yi, vi)
    group = checked_names(group, yi, "group")
    return {
        name: fit(yi[group == name], vi[group == name], method=method, test=test, level=level)
        for name in dict.fromkeys(group)
    }


def between(yi, vi, group, *, method="REML"):
    """Test whether the effects of independent groups differ, each with its own tau².

    Groups of two or more effects are compared. A group of one effect has no tau² of its own; its standard
    error is that of sampling alone and would count as more precise than it is.

    Parameters
    ----------
    yi, vi, group, method
        As `by_group`; the groups hold separate studies.

    Returns
    -------
    Between or None
        None with fewer than two groups to compare.

    Raises
    ------
    ValueError
        As `by_group`.

    Notes
    -----
    With m the estimate of a group and w = 1 / se² = sum(1 / (v + tau²)): QM = sum(w (m - mean)²), mean the
    w-weighted mean; chi-squared on groups - 1 degrees of freedom. This is metafor's omnibus test of
    ``rma(estimate, sei=se, mods=~group, method="FE")`` on groups fitted with ``rma(yi, vi, test="z")``.

    The standard errors are the unadjusted ones even where the intervals of the groups are after Hartung and
    Knapp. That adjustment is made for a t quantile on k - 1 degrees of freedom. Chi-squared takes a standard
    error as known, and the adjusted one of two or three effects that happen to agree can be near zero: it
    would decide the test alone. The unadjusted one never falls below that of sampling. It still takes tau² as
    known, so with few effects per group the p-value is a rough guide.

    References
    ----------
    Borenstein, Hedges, Higgins & Rothstein 2009, Introduction to Meta-Analysis, ch. 19 (random effects with
    a separate tau² per subgroup); Cochrane Handbook for Systematic Reviews of Interventions, 10.11.3.1.
    """
    pooled = by_group(yi, vi, group, method=method, test="z")
    compared = [one for one in pooled.values() if one.k > 1]
    if len(compared) < 2:
        return None
    m = np.array([one.estimate for one in compared])
    w = 1 / np.array([one.se for one in compared]) ** 2
    qm = float(np.sum(w * (m - np.sum(w * m) / w.sum()) ** 2))
    df = len(compared) - 1
    return Between(
        QM=qm,
        df=df,
        p=float(stats.chi2.sf(qm, df)),
        n_groups=len(compared),
        left_out=tuple(name for name, one in pooled.items() if one.k == 1),
    )
