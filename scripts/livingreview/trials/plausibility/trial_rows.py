"""The rows of trials as the checks see them: arms, other trials of the instrument, and its scale."""

import copy
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from livingreview import tables
from livingreview.trials.checks import plain_rows
from livingreview.trials.grim import decimals
from livingreview.trials.instruments import plain

# Where so few studies differ so much in their deviations, one cannot say which of them is wrong.
MOST_APART, MANY = 2.5, 5
# Their means are differences, for which the ends of the scale do not hold.
OF_CHANGES = ("change_scores", "mean_change")


@dataclass(frozen=True)
class Moment:
    """Mean and standard deviation of one arm at one time, with the columns that hold them; NaN if missing."""

    arm: int
    when: str
    mean: float
    sd: float
    n: float

    @property
    def mean_column(self):
        return f"{'baseline_' if self.when == 'baseline' else ''}mean_{self.arm}"

    @property
    def sd_column(self):
        return self.mean_column.replace("mean", "sd")

    @property
    def name(self):
        return f"arm {self.arm} at {self.when}"


class Trials:
    """All rows, and what the checks ask of the others while they look at one.

    Parameters are those of `plausibility.find`.
    """

    def __init__(self, outcomes, studies, instruments, *, effects=None, predict=None, printed=None):
        self.rows = _as_rows(outcomes, "outcomes")
        self.studies = {row["study_id"]: row for row in _as_rows(studies, "studies")}
        self.registry = instruments
        self.effects = _by_row(effects)
        self.predict = predict
        self._printed = printed or {}

    def changed(self, rows, *, effects, instruments):
        """The same trials with other rows, as dicts of `rows`, other effects by row_id, another registry."""
        other = copy.copy(self)
        other.__dict__.pop("_by_measure", None)
        other.rows, other.effects, other.registry = rows, effects, instruments
        return other

    def instrument(self, row):
        """What the registry knows of the row's instrument; an empty dict if nothing."""
        return self.registry.find(row["instrument"], row["outcome"]) or {}

    def scale(self, row):
        """(low, high) of the instrument's scores, or None; None too for rows of changes."""
        known = self.instrument(row)
        low, high = _number(known.get("range_low")), _number(known.get("range_high"))
        if math.isnan(low) or math.isnan(high) or row["effect_type"] in OF_CHANGES:
            return None
        return low, high

    def usual_sd(self, row):
        """(low, high) of the registry's usual standard deviations, or None."""
        known = self.instrument(row)
        low, high = _number(known.get("sd_low")), _number(known.get("sd_high"))
        return None if math.isnan(low) or math.isnan(high) else (low, high)

    def digits(self, row, column):
        """Digits after the point of a cell as printed."""
        text = self._printed.get(row["row_id"], {}).get(column)
        if text is None or _number(text) != row[column]:
            text = tables.to_text(row[column])
        return decimals(text)

    def half_unit(self, row, column):
        """Half a unit of the last printed digit: how far rounding can have moved the value."""
        return 0.5 * 10.0 ** -self.digits(row, column)

    def same_measure(self, row):
        """Rows of other studies with the same instrument and outcome."""
        if not row["instrument"]:
            return []
        return [
            other for other in self._by_measure[self._measure(row)] if other["study_id"] != row["study_id"]
        ]

    @cached_property
    def _by_measure(self):
        groups = {}
        for row in self.rows:
            groups.setdefault(self._measure(row), []).append(row)
        return groups

    def _measure(self, row):
        known = self.instrument(row)
        return row["outcome"], row["effect_type"] in OF_CHANGES, plain(known.get("name") or row["instrument"])

    def others_typical(self, row, part):
        """Median over other studies of their median "sd" or "mean", and how many they are; NaN and 0 if none.

        Few studies whose medians differ more than `MOST_APART` times have no typical value: one name, several
        scales.
        """
        by_study = {}
        for other in self.same_measure(row):
            values = [getattr(m, part) for m in moments(other)]
            by_study.setdefault(other["study_id"], []).extend(v for v in values if not math.isnan(v))
        medians = [float(np.median(values)) for values in by_study.values() if values]
        if not medians or (part == "sd" and max(medians) > MOST_APART * min(medians) and len(medians) < MANY):
            return math.nan, 0
        return float(np.median(medians)), len(medians)


def moments(row):
    """Up to four `Moment`s, after and before treatment of both arms; without those that have no value."""
    out = []
    for arm in (1, 2):
        n = row[f"n_{arm}"]
        for when, prefix in (("after", ""), ("baseline", "baseline_")):
            mean, sd = row[f"{prefix}mean_{arm}"], row[f"{prefix}sd_{arm}"]
            if not (math.isnan(mean) and math.isnan(sd)):
                out.append(Moment(arm, when, mean, sd, n))
    return out


def printed_cells(path, *, run):
    """The cells of an outcomes table as text, of the highest revision of each row that existed at a run.

    Parameters
    ----------
    path : path
        A table that `tables.read` has accepted.
    run : str
        A month YYYY-MM.

    Returns
    -------
    dict of str to dict
        row_id to column to text.
    """
    header, rows = tables.cells(path)
    latest = {}
    for _, values in rows:
        cells = dict(zip(header, values, strict=True))
        before = latest.get(cells["row_id"])
        if cells["run"] <= run and (before is None or int(cells["revision"]) > int(before["revision"])):
            latest[cells["row_id"]] = cells
    return latest


def _as_rows(frame, schema):
    properties = tables.load_schema(schema)["properties"]
    numeric = {name for name, one in properties.items() if {"number", "integer"} & set(_types(one))}
    return plain_rows(frame, list(properties), numeric=numeric)


def _types(declared):
    types = declared.get("type", [])
    return [types] if isinstance(types, str) else types


def _by_row(effects):
    if effects is None:
        return {}
    known = effects[effects["yi"].notna() & effects["vi"].notna()]
    return {row.row_id: (float(row.yi), float(row.vi)) for row in known.itertuples()}


def _number(value):
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan
