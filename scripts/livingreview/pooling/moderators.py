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
    frame = _frame(mods)
    if len(frame) != k:
        raise ValueError(f"moderators must have one row for each of the {k} effects, not {len(frame)}")
    columns, full = [], not intercept
    for name in frame:
        levels = _levels(frame[name], name)
        columns.append((name, levels, full))
        full = full and levels is None
    coding = Coding(tuple(columns), intercept, _names(columns, intercept))
    design = _design(frame, coding)
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
    frame = _frame(mods, names=names)
    absent = [name for name in names if name not in frame]
    if absent or len(frame.columns) != len(names):
        raise ValueError(f"new moderators {list(frame.columns)} must be those of the model: {names}")
    for name, levels, _ in coding.columns:
        unknown = [] if levels is None else [v for v in frame[name] if v not in levels]
        if unknown:
            raise ValueError(f"moderator {name!r}: found {unknown[0]!r}; allowed: {', '.join(levels)}")
        if levels is None and _levels(frame[name], name) is not None:
            raise ValueError(f"moderator {name!r} is a number in the model; found {frame[name].iloc[0]!r}")
    return _design(frame, coding)


def _frame(mods, *, names=None):
    if isinstance(mods, pd.DataFrame):
        return mods.reset_index(drop=True)
    if isinstance(mods, dict):
        return pd.DataFrame({name: pd.Series(np.atleast_1d(np.asarray(v))) for name, v in mods.items()})
    if isinstance(mods, pd.Series):
        return pd.DataFrame({mods.name or "moderator": mods.to_numpy()})
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
    return pd.DataFrame(dict(zip(names, values.T, strict=True)))


def _levels(column, name):
    """The levels of a categorical moderator, or None for a number; nothing may be missing."""
    if column.isna().any():
        row = int(np.flatnonzero(column.isna())[0])
        raise ValueError(
            f"moderator {name!r} is missing for effect {row + 1}; leave that effect out, counted"
        )
    if isinstance(column.dtype, pd.CategoricalDtype):
        present = set(column)
        return tuple(level for level in column.cat.categories if level in present)
    if pd.api.types.is_numeric_dtype(column.dtype):
        if not np.isfinite(column.to_numpy(float)).all():
            raise ValueError(f"moderator {name!r} must be finite")
        return None
    if all(isinstance(value, (int, float, np.number)) for value in column):
        return None
    return tuple(sorted(set(column.astype(str))))


def _names(columns, intercept):
    names = ["intercept"] if intercept else []
    for name, levels, full in columns:
        if levels is None:
            names.append(str(name))
        else:
            names += [f"{name}: {level}" for level in (levels if full else levels[1:])]
    return tuple(names)


def _design(frame, coding):
    parts = [np.ones(len(frame))] if coding.intercept else []
    for name, levels, full in coding.columns:
        column = frame[name]
        if levels is None:
            parts.append(column.to_numpy(float))
        else:
            values = column.astype(str).to_numpy()
            parts += [(values == str(v)).astype(float) for v in (levels if full else levels[1:])]
    return np.column_stack(parts) if parts else np.empty((len(frame), 0))


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
