"""Diagnostics of each effect in a meta-regression: those of `influence`, for several coefficients."""

import numpy as np
from scipy.special import chdtr

from livingreview.pooling.influence import COOK_QUANTILE, DFBETAS_LIMIT, TIMES, Influence
from livingreview.pooling.random_effects import checked, fit

# A hat value this near to one is one, but for rounding.
DECIDES = 1e-10


def influence_with_moderators(yi, vi, mods, *, intercept=True, method="REML", test="knha"):
    """The diagnostics of every effect in a model with moderators.

    Parameters
    ----------
    yi, vi : array-like of shape (k,)
        Effects and sampling variances.
    mods, intercept, method, test
        As `random_effects.fit`.

    Returns
    -------
    Influence
        ``dfbs`` is of shape (k, p), one column per coefficient. Cook's distance and ``cov_r`` (a ratio of
        determinants) are of all coefficients together, the intercept too. Where the model cannot be fitted
        without an effect (a coefficient hangs on it alone, or k - 1 is not above p) what needs that fit is
        NaN, and only the hat value can flag it.

    Raises
    ------
    ValueError, ConvergenceError
        From `fit`.

    References
    ----------
    Viechtbauer & Cheung 2010, Res Synth Methods 1:112-125.
    """
    yi, vi = checked(yi, vi)
    whole = fit(yi, vi, mods=mods, intercept=intercept, method=method, test=test)
    x, (k, p) = whole.fitted.model.design, whole.fitted.model.design.shape
    w = 1 / (vi + whole.tau2)
    bread = np.linalg.inv(x.T @ (w[:, None] * x))
    leverage = np.einsum("ij,jl,il->i", x, bread, x)
    hat = w * leverage
    found = {
        name: np.full(k, np.nan) for name in ("rstudent", "dffits", "cook_d", "cov_r", "tau2_del", "QE_del")
    }
    dfbs = np.full((k, p), np.nan)
    for left_out in range(k):
        keep = np.arange(k) != left_out
        if keep.sum() <= p or np.linalg.matrix_rank(x[keep]) < p:
            continue
        rest = fit(yi[keep], vi[keep], mods=x[keep], intercept=False, method=method, test=test)
        numbers, dfbs[left_out] = _without(yi, vi, x, left_out, whole=whole, rest=rest, hat=hat)
        for name, value in numbers.items():
            found[name][left_out] = value
    # An effect that alone decides a coefficient has no residual and no variance of it.
    spread = np.where(hat < 1 - DECIDES, 1 / w - leverage, np.nan)
    rstandard = (yi - x @ whole.fitted.coefficients) / np.sqrt(spread)
    flags = (
        (np.abs(found["dffits"]) > TIMES * np.sqrt(p / (k - p)))
        | (chdtr(p, np.nan_to_num(found["cook_d"], nan=0.0)) > COOK_QUANTILE)
        | (hat > TIMES * p / k)
        | (np.abs(dfbs) > DFBETAS_LIMIT).any(axis=1)
    )
    return Influence(
        rstandard=rstandard, hat=hat, weight=100 * w / w.sum(), dfbs=dfbs, influential=flags, **found
    )


def _without(yi, vi, x, left_out, *, whole, rest, hat):
    """The numbers of one effect, and its DFBETAS, from the fits with and without it."""
    change = whole.fitted.coefficients - rest.fitted.coefficients
    factor = rest.fitted.covariance[0, 0] / rest.fitted.wald_covariance[0, 0]
    row = x[left_out]
    total = vi + rest.tau2
    bread = np.linalg.inv(x.T @ (x / total[:, None]))
    residual = yi[left_out] - row @ rest.fitted.coefficients
    numbers = {
        "rstudent": residual / np.sqrt(factor * total[left_out] + row @ rest.fitted.covariance @ row),
        "dffits": row @ change / np.sqrt(factor * hat[left_out] * total[left_out]),
        "cook_d": change @ np.linalg.solve(whole.fitted.covariance, change),
        "cov_r": np.linalg.det(rest.fitted.covariance) / np.linalg.det(whole.fitted.covariance),
        "tau2_del": rest.tau2,
        "QE_del": rest.QE,
    }
    return numbers, change / np.sqrt(factor * np.diag(bread))
