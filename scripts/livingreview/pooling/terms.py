"""Model matrices and tables of coefficients for models of dependent effects."""

import numpy as np
import pandas as pd
import scipy  # its parts load at their first use; not every step that loads this reckons with it

INTERCEPT = "intercept"
COLUMNS = ["term", "estimate", "se", "ci_low", "ci_high", "stat", "df", "pval"]


def model_matrix(mods, k, *, intercept=True):
    """The model matrix of an intercept and moderators.

    Parameters
    ----------
    mods : None, array-like of shape (k,) or (k, q), mapping or DataFrame of columns
        Numbers; factors are coded before.
    k : int
        Number of effects.
    intercept : bool
        Put a column of ones first.

    Returns
    -------
    array of shape (k, p), tuple of str
        The matrix and its columns' names.

    Raises
    ------
    ValueError
        Lengths differ, a value is missing or not a number, columns are redundant, there is no column, or
        there are not more effects than columns.
    """
    columns = _columns(mods, k)
    if intercept:
        columns = {INTERCEPT: np.ones(k), **columns}
    if not columns:
        raise ValueError("the model has no term; hint: keep the intercept or give moderators")
    X = np.column_stack(list(columns.values())) if k else np.empty((0, len(columns)))
    if not np.isfinite(X).all():
        name = list(columns)[int(np.argmin(np.isfinite(X).all(axis=0)))]
        raise ValueError(f"moderator {name!r} must be finite for every effect; leave out what is missing")
    if k and np.linalg.matrix_rank(_scaled(X)) < X.shape[1]:
        raise ValueError(
            f"the terms {', '.join(map(str, columns))} are redundant for these {k} effects; "
            f"hint: leave out one that follows from the others"
        )
    return X, tuple(columns)


def coefficients(terms, beta, vb, *, df, level):
    """A table of coefficients with tests and intervals.

    Parameters
    ----------
    terms : sequence of str, length p
        Names.
    beta, vb : arrays of shape (p,) and (p, p)
        Coefficients and their covariances.
    df : array of shape (p,)
        Degrees of freedom of t; NaN for the normal distribution.
    level : float
        Level of the confidence intervals.

    Returns
    -------
    DataFrame
        One row for each term: term, estimate, se, ci_low, ci_high, stat, df, pval.
    """
    se = np.sqrt(np.diag(vb))
    with np.errstate(divide="ignore", invalid="ignore"):
        stat = beta / se
    half = quantile(df, level=level) * se
    values = [terms, beta, se, beta - half, beta + half, stat, df, two_sided(stat, df)]
    return pd.DataFrame(dict(zip(COLUMNS, values, strict=True)))


def quantile(df, *, level):
    """The upper (1 - level) / 2 quantile of t, or of the normal distribution where `df` is NaN."""
    df = np.asarray(df, dtype=float)
    normal = np.isnan(df)
    tail = (1 - level) / 2
    return np.where(
        normal, -scipy.special.ndtri(tail), -scipy.special.stdtrit(np.where(normal, 1.0, df), tail)
    )


def two_sided(stat, df):
    """Two-sided p-value of t, or of the normal distribution where `df` is NaN."""
    df = np.asarray(df, dtype=float)
    normal = np.isnan(df)
    return 2 * np.where(
        normal,
        scipy.special.ndtr(-np.abs(stat)),
        scipy.special.stdtr(np.where(normal, 1.0, df), -np.abs(stat)),
    )


def checked_level(level):
    """Refuse a level outside 0 to 1."""
    if not 0 < level < 1:
        raise ValueError(f"level {level!r} must lie between 0 and 1")


def checked_choice(name, value, allowed):
    """Refuse a value that is not among those allowed."""
    if value not in allowed:
        raise ValueError(f"{name} {value!r} is not known; allowed: {', '.join(map(str, allowed))}")


def _columns(mods, k):
    if mods is None:
        return {}
    if not hasattr(mods, "keys"):
        mods = np.asarray(mods, dtype=float)
        mods = mods[:, None] if mods.ndim == 1 else mods
        if mods.ndim != 2 or len(mods) != k:
            raise ValueError(f"mods must have one row for each of the {k} effects, not shape {mods.shape}")
        mods = {f"mods[{i}]": column for i, column in enumerate(mods.T)}
    columns = {}
    for name in mods.keys():  # noqa: SIM118 - a DataFrame iterates over columns, a mapping over keys
        try:
            columns[name] = np.asarray(mods[name], dtype=float)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"moderator {name!r} must hold numbers; hint: code a factor as 0/1 columns"
            ) from error
        if columns[name].shape != (k,):
            raise ValueError(f"moderator {name!r} must have {k} values, not shape {columns[name].shape}")
    return columns


def _scaled(X):
    """Columns of length one, so that the rank does not depend on units."""
    length = np.linalg.norm(X, axis=0)
    return X / np.where(length > 0, length, 1.0)
