"""What cannot be: values of the outcomes table that no trial can have printed.

Faults of form (types, allowed words, keys) are the schema's; these need several cells or rows together.
"""

import difflib
import math
from decimal import Decimal
from itertools import pairwise

import pandas as pd
import scipy  # its parts load at their first use; not every step that loads this reckons with it

from livingreview.errors import problem
from livingreview.trials.smd import DIRECTIONS, STANDARDISED, se_from_ci

# Columns that are read as numbers; the rest are text.
NUMBERS = (
    "weeks",
    "mean_1",
    "sd_1",
    "n_1",
    "mean_2",
    "sd_2",
    "n_2",
    "n_total",
    "baseline_sd_1",
    "baseline_sd_2",
    "printed_se",
    "printed_ci_low",
    "printed_ci_high",
    "priority",
    *(f"baseline_mean_{arm}" for arm in "12"),
    *(f"events_{arm}" for arm in "12"),
    *(f"{name}_{arm}" for arm in "12" for name in ("se", "ci_low", "ci_high")),
    *(f"{name}_{arm}" for arm in "12" for name in ("median", "q1", "q3", "min", "max")),
    *(f"{name}_{arm}" for arm in "12" for name in ("change_mean", "change_sd")),
    "correlation",
    "t_value",
    "f_value",
    "p_value",
    "outcome_sd",
    "n_covariates",
)


def as_rows(outcomes):
    """The table as a list of dicts: numbers are float (NaN if missing), texts are str ("" if missing).

    A column that an older file does not have counts as empty.
    """
    absent = [c for c in (*NUMBERS, "correlation_source") if c not in outcomes]
    rows = plain_rows(outcomes, [*outcomes.columns, *absent], numeric=NUMBERS)
    for row in rows:
        row["printed_effect"] = str(row["printed_effect"]).strip()
        row["priority"] = 1 if math.isnan(row["priority"]) else int(row["priority"])
    return rows


def plain_rows(frame, columns, *, numeric):
    """Rows as dicts: float in the numeric columns (NaN if missing), as they are in others ("" if missing)."""
    empty = pd.Series([None] * len(frame), dtype=object)
    found = {c: frame.get(c, empty) for c in columns}
    values = {c: _floats(cells) if c in numeric else _filled(cells) for c, cells in found.items()}
    return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]


def _floats(cells):
    if cells.dtype != object:
        return cells.astype("float64").tolist()
    return [math.nan if pd.isna(value) else float(value) for value in cells.tolist()]


def _filled(cells):
    return ["" if pd.isna(value) else value for value in cells.tolist()]


def known(*values):
    """Whether none of the numbers is NaN."""
    return not any(math.isnan(v) for v in values)


def unknown_outcomes(outcomes, allowed):
    """Outcomes that the protocol does not name, as lines for a person: a misspelt one would leave its pool.

    Parameters
    ----------
    outcomes : DataFrame
        With row_id and outcome.
    allowed : collection of str
        The protocol's outcomes, and those it extracts without pooling.
    """
    return [
        problem(
            row=row.row_id,
            column="outcome",
            found=row.outcome,
            allowed=", ".join(allowed),
            hint=f"did you mean {near[0]}?" if near else "new outcomes are named in config.yaml first",
        )
        for row in outcomes.itertuples()
        if row.outcome not in allowed
        for near in [difflib.get_close_matches(row.outcome, list(allowed), n=1)]
    ]


def find_problems(rows, study_ids):
    """Everything in the rows that cannot be, as lines for a person (`errors.problem`).

    Parameters
    ----------
    rows : list of dict
        Rows of outcomes, numbers as float with NaN where missing.
    study_ids : set of str
        The studies that exist.
    """
    found = [
        problem(row=row["row_id"], column="study_id", found=row["study_id"], allowed="a study of studies.csv")
        for row in rows
        if row["study_id"] not in study_ids
    ]
    ok = [row for row in rows if row["status"] == "ok"]
    for row in ok:
        at = _at(row)
        found += _impossible_sizes(row, at) + _impossible_spread(row, at) + _impossible_interval(row, at)
        found += _missing_partners(row, at) + _unclear_sign(row, at)
        found += _disordered_numbers(row, at) + _impossible_events(row, at)
    return found + _doubled(ok)


def _at(row):
    """A function that words a problem of this row."""

    def at(column, text=None, **details):
        value = row[column]
        shown = None if value == "" or (isinstance(value, float) and math.isnan(value)) else value
        return problem(text, row=row["row_id"], column=column, found=shown, **details)

    return at


def _impossible_sizes(row, at):
    found = [
        at(column, allowed="a whole number, 2 or more")
        for column in ("n_1", "n_2", "n_total")
        if known(row[column]) and (row[column] < 2 or row[column] != int(row[column]))
    ]
    if row["n_1"] + row["n_2"] > row["n_total"]:
        found.append(at("n_total", allowed=f"n_1 + n_2 = {row['n_1'] + row['n_2']:g} or more"))
    return found


def _impossible_spread(row, at):
    hint = "a standard error or a variance in its place?"
    found = [
        at(column, allowed="above 0", hint=hint)
        for column in ("sd_1", "sd_2", "baseline_sd_1", "baseline_sd_2")
        if row[column] <= 0
    ]
    if row["printed_se"] <= 0:
        found.append(at("printed_se", allowed="above 0"))
    return found


def _impossible_interval(row, at):
    low, high, se = row["printed_ci_low"], row["printed_ci_high"], row["printed_se"]
    effect = _as_number(row["printed_effect"])
    if not known(low, high):
        return []
    if low >= high:
        return [at("printed_ci_low", allowed=f"below printed_ci_high, {high:g}", hint="limits swapped?")]
    unit = 10.0 ** -max(_decimals(low), _decimals(high))
    found = []
    if effect is not None:
        slack = (unit + 10.0 ** -_decimals(row["printed_effect"])) / 2
        if not low - slack <= effect <= high + slack:
            allowed = f"within the printed interval, {low:g} to {high:g}"
            found.append(at("printed_effect", allowed=allowed, hint="a sign lost in the effect or a limit?"))
    if known(se) and row["effect_type"] in STANDARDISED:
        expected = se_from_ci(low, high)
        slack = unit / (-2 * scipy.special.ndtri(0.025)) + 10.0 ** -_decimals(se) / 2
        # A hundredth of the rounding unit for the arithmetic itself.
        if abs(se - expected) > 1.01 * slack:
            hint = "if the interval is not a normal 95% one, leave it empty and say so in the note"
            allowed = f"about {expected:.3g}, from the printed interval {low:g} to {high:g}"
            found.append(at("printed_se", allowed=allowed, hint=hint))
    return found


def _missing_partners(row, at):
    found = []
    pairs = [("printed_ci_low", "printed_ci_high")]
    if row["effect_type"] == "means":
        needed = ("mean_1", "sd_1", "mean_2", "sd_2")
        text = "means need both means and both standard deviations"
        found += [at(c, text) for c in needed if not known(row[c]) and not _gives_spread(row, c)]
    if row["effect_type"] in ("means", "cohen_d"):
        pairs.append(("n_1", "n_2"))
    for one, other in pairs:
        if known(row[one]) != known(row[other]):
            missing, present = (other, one) if known(row[one]) else (one, other)
            found.append(at(missing, f"missing beside {present}"))
    if _as_number(row["printed_effect"]) is None:
        text = row["printed_effect"]
        if text:
            found.append(at("printed_effect", allowed="a number", hint="a range is for a row set aside"))
        elif row["effect_type"] in ("hedges_g", "cohen_d"):
            found.append(at("printed_effect", f"missing for effect_type {row['effect_type']}"))
    return found


def _gives_spread(row, column):
    """Whether the arm of a missing `column` prints what a standard deviation follows from."""
    name, arm = column.split("_")
    if name != "sd" or not known(row[f"n_{arm}"]):
        return False
    low, high = row[f"ci_low_{arm}"], row[f"ci_high_{arm}"]
    return known(row[f"se_{arm}"]) or (known(low, high) and low < high)


# From the lowest to the highest.
FIVE_NUMBERS = ("min", "q1", "median", "q3", "max")


def _disordered_numbers(row, at):
    """Each of an arm's five numbers that lies below the one before it; and crossed limits of its mean."""
    found = []
    for arm in "12":
        columns = [f"{name}_{arm}" for name in FIVE_NUMBERS if known(row[f"{name}_{arm}"])]
        found += [
            at(column, allowed=f"{before}, {row[before]:g}, or more", hint="two cells exchanged?")
            for before, column in pairwise(columns)
            if row[column] < row[before]
        ]
        low, high = row[f"ci_low_{arm}"], row[f"ci_high_{arm}"]
        if low >= high:
            found.append(
                at(f"ci_low_{arm}", allowed=f"below ci_high_{arm}, {high:g}", hint="limits swapped?")
            )
    return found


def _impossible_events(row, at):
    return [
        at(f"events_{arm}", allowed=f"from 0 to n_{arm}, {row[f'n_{arm}']:g}", hint="a percentage?")
        for arm in "12"
        if row[f"events_{arm}"] < 0 or row[f"events_{arm}"] > row[f"n_{arm}"]
    ]


def _unclear_sign(row, at):
    kind, direction = row["effect_type"], row["printed_direction"]
    if kind in ("hedges_g", "cohen_d") and direction not in DIRECTIONS:
        return [at("printed_direction", allowed=", ".join(DIRECTIONS))]
    needs_scale = kind == "means" or (kind in STANDARDISED and direction == "arm 1 minus arm 2")
    if needs_scale and row["higher_is"] not in ("worse", "better"):
        return [at("higher_is", allowed="worse, better")]
    return []


def _doubled(rows):
    first = {}
    found = []
    for row in rows:
        key = (*slot(row), row["timepoint"], row["priority"])
        if key in first:
            found.append(
                problem(
                    f"the same study, comparison, outcome, timepoint and priority as row {first[key]}",
                    row=row["row_id"],
                    column="priority",
                    found=row["priority"],
                    hint="give the less preferred instrument the next priority, or each arm its comparison",
                )
            )
        first.setdefault(key, row["row_id"])
    return found


def _as_number(text):
    """The number that a text is, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _decimals(value):
    """Digits after the point as printed; zeros at the end of a number read as such are lost."""
    return max(0, -Decimal(str(value)).as_tuple().exponent)


def slot(row):
    """What a pool may hold only once."""
    return row["study_id"], row["comparison"], row["outcome"]
