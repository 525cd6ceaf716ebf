"""Estimates of subgroups of studies, and a test between them, with separate or a common tau2."""

import math
from dataclasses import dataclass

import numpy as np

from livingreview.pooling.heterogeneity import cochran_q, i2_h2
from livingreview.pooling.quantiles import omnibus_p
from livingreview.pooling.random_effects import Estimate, checked, checked_names, fit

SPREADS = ("separate", "common")
# A group of one effect has no tau2 of its own; its standard error is that of sampling alone.
MIN_COMPARED = 2


@dataclass(frozen=True)
class Between:
    """Test that the subgroups compared have one effect.

    Attributes
    ----------
    QM, df, p : float, int, float
        The statistic, referred to chi-squared on `df` degrees of freedom (to F on `df` and `df2`, if `df2` is
        a number), and its p-value.
    n_groups : int
        Number of groups compared.
    left_out : tuple of str
        Groups that are not, because they hold a single effect.
    df2 : float
        Denominator degrees of freedom of an F test, else NaN.
    tau2 : float
        The common tau², NaN if each group has its own.
    R2 : float
        Share of tau² (percent) that the groups explain, with a common tau²; else NaN.
    """

    QM: float
    df: int
    p: float
    n_groups: int
    left_out: tuple
    df2: float = math.nan
    tau2: float = math.nan
    R2: float = math.nan


def by_group(yi, vi, group, *, tau2="separate", **options):
    """Pool each group of effects.

    Parameters
    ----------
    yi, vi : array-like of shape (k,)
        Effects and sampling variances.
    group : sequence of str, length k
        The group of each effect.
    tau2 : {"separate", "common"}
        Whether each group has its own tau², or all share one (a regression on the group).
    **options
        ``method``, ``test``, ``level``, ``pi`` of `random_effects.fit`.

    Returns
    -------
    dict of str to Estimate
        In the order in which groups first occur; a group without effects is absent. With a common tau² the
        degrees of freedom are those of all effects together, k - groups, and groups of one effect have an
        interval that counts the spread of true effects. `QE` is of the group alone in both.

    Raises
    ------
    ValueError
        As `fit`, or `group` is of another length. With a common tau² also where every group holds one effect,
        which leaves nothing to estimate it from.

    References
    ----------
    Borenstein, Hedges, Higgins & Rothstein 2009, Introduction to Meta-Analysis, ch. 19.
    """
    yi, vi = checked(yi, vi)
    group = checked_names(group, yi, "group")
    _check_spread(tau2)
    names = list(dict.fromkeys(group))
    if tau2 == "separate" or len(names) < 2:
        return {name: fit(yi[group == name], vi[group == name], **options) for name in names}
    return _with_common_tau2(yi, vi, group, names, options)


def _check_spread(tau2):
    if tau2 not in SPREADS:
        raise ValueError(f"tau2 of subgroups {tau2!r} is not known; allowed: {', '.join(SPREADS)}")


def _indicators(group, names):
    return {str(name): (group == name).astype(float) for name in names}


def _with_common_tau2(yi, vi, group, names, options):
    joint = fit(yi, vi, mods=_indicators(group, names), intercept=False, **options)
    predicted = joint.predict(_indicators(np.array(names, dtype=object), names))
    estimates = {}
    for at, name in enumerate(names):
        inside = group == name
        estimates[name] = _member(
            joint, yi[inside], vi[inside], coefficient=joint.coefficients[at], predicted=predicted.iloc[at]
        )
    return estimates


def _member(joint, yi, vi, *, coefficient, predicted):
    """The estimate of one group from the joint model."""
    q = cochran_q(yi, vi)
    i2, h2 = i2_h2(vi, tau2=joint.tau2)
    w = 1 / (vi + joint.tau2)
    n_groups = len(joint.coefficients)
    df = f"df = k-groups = {joint.k - n_groups}"
    return Estimate(
        k=len(yi),
        estimate=coefficient.estimate,
        se=coefficient.se,
        ci_low=coefficient.ci_low,
        ci_high=coefficient.ci_high,
        stat=coefficient.stat,
        df=coefficient.df,
        pval=coefficient.pval,
        pi_low=float(predicted["pi_low"]),
        pi_high=float(predicted["pi_high"]),
        tau2=joint.tau2,
        I2=i2,
        H2=h2,
        QE=q.QE,
        QE_df=q.QE_df,
        QE_p=q.QE_p,
        weights=100 * w / w.sum(),
        method_tau2=f"{joint.method_tau2}, common to {n_groups} subgroups",
        method_ci=joint.method_ci.replace(f"df = k-p = {joint.k - n_groups}", df),
        method_pi=joint.method_pi.replace(f"df = k-p = {joint.k - n_groups}", df),
        method_I2=joint.method_I2,
        solver=joint.solver,
    )


def between(yi, vi, group, *, tau2="separate", method="REML", test="z", min_compared=MIN_COMPARED):
    """Test whether the effects of independent groups differ.

    Groups of `min_compared` or more effects are compared. By default a group of one effect is left out: it
    has no tau² of its own, and its standard error would count as more precise than it is.

    Parameters
    ----------
    yi, vi, group
        As `by_group`; the groups hold separate studies.
    tau2 : {"separate", "common"}
        Whether each group has its own tau², or all groups compared share one.
    method : str
        Estimator of tau², as `fit`.
    test : {"z", "t", "knha", "adhoc"}
        With a common tau²: "z" for chi-squared, the others for F on groups - 1 and k - groups degrees of
        freedom ("knha" and "adhoc" with their variance). With separate tau² chi-squared is the only test.
    min_compared : int
        The fewest effects of a group that is compared; 1 is of use with a common tau², and then as metafor.

    Returns
    -------
    Between or None
        None with fewer than two groups to compare, and where a common tau² would have no degree of freedom.

    Raises
    ------
    ValueError
        As `by_group`; or an F test is asked of separate tau².

    Notes
    -----
    Separate: with m the estimate of a group and w = 1 / se² = sum(1 / (v + tau²)): QM = sum(w (m - mean)²),
    mean the w-weighted mean; chi-squared on groups - 1 degrees of freedom. This is metafor's omnibus test of
    ``rma(estimate, sei=se, mods=~group, method="FE")`` on groups fitted with ``rma(yi, vi, test="z")``.
    Common: the omnibus test of ``rma(yi, vi, mods=~group)``.

    With separate tau² the standard errors are the unadjusted ones even where the intervals of the groups are
    after Hartung and Knapp. That adjustment is made for a t quantile on k - 1 degrees of freedom. Chi-squared
    takes a standard error as known, and the adjusted one of two or three effects that happen to agree can be
    near zero: it would decide the test alone. The unadjusted one never falls below that of sampling. It still
    takes tau² as known, so with few effects per group the p-value is a rough guide.

    References
    ----------
    Borenstein, Hedges, Higgins & Rothstein 2009, Introduction to Meta-Analysis, ch. 19 (both models); Knapp &
    Hartung 2003, Stat Med 22:2693-2710 (F); Cochrane Handbook for Systematic Reviews of Interventions,
    10.11.3.1.
    """
    yi, vi = checked(yi, vi)
    group = checked_names(group, yi, "group")
    _check_spread(tau2)
    if tau2 == "separate" and test != "z":
        raise ValueError(f"test {test!r} needs a common tau2; allowed with separate tau2: z")
    sizes = {name: int(np.sum(group == name)) for name in dict.fromkeys(group)}
    compared = [name for name, size in sizes.items() if size >= min_compared]
    left_out = tuple(name for name in sizes if name not in compared)
    inside = np.isin(group, compared)
    if len(compared) < 2 or (tau2 == "common" and inside.sum() <= len(compared)):
        return None
    data = yi[inside], vi[inside], group[inside]
    about = {"n_groups": len(compared), "left_out": left_out}
    if tau2 == "common":
        return Between(**about, **_common(*data, compared, method=method, test=test))
    return Between(**about, **_separate(*data, method=method))


def _separate(yi, vi, group, *, method):
    pooled = by_group(yi, vi, group, method=method, test="z").values()
    m = np.array([one.estimate for one in pooled])
    w = 1 / np.array([one.se for one in pooled]) ** 2
    qm = float(np.sum(w * (m - np.sum(w * m) / w.sum()) ** 2))
    return {"QM": qm, "df": len(m) - 1, "p": omnibus_p(qm, df=len(m) - 1)}


def _common(yi, vi, group, names, *, method, test):
    joint = fit(yi, vi, mods=_indicators(group, names[1:]), method=method, test=test)
    return {
        "QM": joint.QM,
        "df": int(joint.QM_df),
        "p": joint.QM_p,
        "df2": joint.QM_df2,
        "tau2": joint.tau2,
        "R2": joint.R2,
    }
