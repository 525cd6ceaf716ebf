"""From moderators to the columns of a design matrix, and back to their names."""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Coding:
    """How moderators became columns, so that new values are coded alike.

    Attributes
    ----------
    columns : tuple
        One (moderator, levels) each; `levels` are those of a categorical moderator in order, the first being
        the reference where there is an intercept, and None for a number.
    intercept : bool
        Whether a column of ones comes first.
    names : tuple of str
        The columns made: "intercept", "year", "design: crossover".
    """

    columns: tuple
    intercept: bool
    names: tuple


def coded(mods, *, k, intercept=True):
    """The design matrix of some moderators.

    Parameters
    ----------
    mods : DataFrame, mapping of name to values, or array-like of shape (k,) or (k, m)
        Numbers and truth values are taken as they are; text and pandas' categories become indicators of
        their levels (categories in their order, text sorted), without the first if there is an intercept
        or another categorical moderator before.
    k : int
        Number of effects.
    intercept : bool
        Whether the model has an intercept.

    Returns
    -------
    tuple
        The design, an array (k, p), and its `Coding`.

    Raises
    ------
    ValueError
        A value is missing or not finite, lengths differ, or a column follows from those before it.
    """
    given = _columns(mods)
    for name, values in given.items():
        if len(values) != k:
            raise ValueError(
                f"moderator {name!r} must have a value for each of the {k} effects, not {len(values)}"
            )
    columns, full = [], not intercept
    for name, values in given.items():
        levels = _levels(values, name)
        columns.append((name, levels, full))
        full = full and levels is None
    coding = Coding(tuple(columns), intercept, _names(columns, intercept))
    design = _design(given, coding, k)
    _check_rank(design, coding.names)
    return design, coding


def recoded(mods, coding):
    """New values of the same moderators as a design matrix of shape (m, p).

    Raises
    ------
    ValueError
        A moderator is absent or not known, a level is new, a value is missing.
    """
    names = [name for name, *_ in coding.columns]
    if not isinstance(mods, (pd.DataFrame, dict)):
        values = np.asarray(mods)
        # A bare row of values is one new study, unless there is one moderator: then each is a study.
        if values.ndim == 1 and len(names) > 1:
            values = values[None, :]
        mods = values
    given = _columns(mods, names=names)
    if set(given) != set(names):
        raise ValueError(f"new moderators {list(given)} must be those of the model: {names}")
    for name, levels, _ in coding.columns:
        _check_new(given[name], name, levels)
    lengths = {len(values) for values in given.values()}
    if len(lengths) != 1:
        raise ValueError(f"new moderators must be of one length, not {sorted(lengths)}")
    return _design(given, coding, lengths.pop())


def _check_new(values, name, levels):
    found = _levels(values, name)
    if levels is None and found is not None:
        raise ValueError(f"moderator {name!r} is a number in the model; found {values[0]!r}")
    if levels is None:
        return
    unknown = sorted(set(map(str, values)) - set(levels))
    if unknown:
        raise ValueError(f"moderator {name!r}: found {unknown[0]!r}; allowed: {', '.join(levels)}")


def _columns(mods, *, names=None):
    """Name to values (an array, or a series of categories) of each moderator."""
    if isinstance(mods, (pd.DataFrame, dict)):
        return {name: _values(mods[name]) for name in mods}
    if isinstance(mods, pd.Series):
        return {mods.name or "moderator": _values(mods)}
    values = np.asarray(mods)
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2:
        raise ValueError(f"moderators must be a table of effects by moderators, not of shape {values.shape}")
    if names is None:
        several = values.shape[1] > 1
        names = [f"moderator {i + 1}" if several else "moderator" for i in range(values.shape[1])]
    if len(names) != values.shape[1]:
        raise ValueError(f"{values.shape[1]} moderators given; the model has {len(names)}: {names}")
    return dict(zip(names, map(_values, values.T), strict=True))


def _values(column):
    if isinstance(column, pd.Series) and isinstance(column.dtype, pd.CategoricalDtype):
        return column.reset_index(drop=True)
    values = np.atleast_1d(np.asarray(column))
    if values.dtype.kind == "O" and all(isinstance(v, (int, float, np.number)) for v in values):
        return values.astype(float)
    return values


def _levels(values, name):
    """The levels of a categorical moderator, or None for a number; nothing may be missing."""
    numeric = not isinstance(values, pd.Series) and values.dtype.kind in "fiub"
    missing = np.isnan(values) if numeric else pd.isna(values)
    if missing.any():
        row = int(np.flatnonzero(missing)[0])
        raise ValueError(
            f"moderator {name!r} is missing for effect {row + 1}; leave that effect out, counted"
        )
    if numeric:
        if not np.isfinite(values).all():
            raise ValueError(f"moderator {name!r} must be finite")
        return None
    if isinstance(values, pd.Series):
        present = set(values)
        return tuple(str(level) for level in values.cat.categories if level in present)
    return tuple(sorted(set(values.astype(str))))


def _names(columns, intercept):
    names = ["intercept"] if intercept else []
    for name, levels, full in columns:
        if levels is None:
            names.append(str(name))
        else:
            names += [f"{name}: {level}" for level in (levels if full else levels[1:])]
    return tuple(names)


def _design(given, coding, rows):
    parts = [np.ones(rows)] if coding.intercept else []
    for name, levels, full in coding.columns:
        values = given[name]
        if levels is None:
            parts.append(values.astype(float))
        else:
            text = np.array([str(v) for v in values])
            parts += [(text == v).astype(float) for v in (levels if full else levels[1:])]
    return np.column_stack(parts) if parts else np.empty((rows, 0))


def _check_rank(design, names):
    """Refuse a column that the columns before it determine, by name."""
    if not design.shape[1]:
        raise ValueError("a model without intercept needs a moderator")
    scale = np.linalg.norm(design, axis=0)
    for at, name in enumerate(names):
        if scale[at] == 0:
            raise ValueError(f"moderator {name!r} is zero for every effect")
    if design.shape[0] < design.shape[1]:
        return
    r = np.abs(np.diag(np.linalg.qr(design / scale, mode="r")))
    redundant = [name for name, size in zip(names, r, strict=True) if size < 1e-9]
    if redundant:
        raise ValueError(
            f"moderator {redundant[0]!r} follows from those before it ({', '.join(names)}); leave it out"
        )
