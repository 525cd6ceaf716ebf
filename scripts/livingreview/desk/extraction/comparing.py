"""Two extractions of one trial beside each other, and what somebody settled of their differences."""

from dataclasses import dataclass

import pandas as pd

from livingreview import tables
from livingreview.desk.extraction import sheet
from livingreview.errors import InputError, ReviewError
from livingreview.trials import double_extraction, sheets
from livingreview.trials.double_extraction import CONFLICTS

KEY = ["table", "row_id", "field"]


@dataclass(frozen=True)
class View:
    """What the page of a comparison shows.

    Attributes
    ----------
    names : list of str
        The two folders.
    waits_for : list of str
        Those that are not ready; while there is one, nothing else is told.
    conflicts : list of dict
        Rows of conflicts.csv with ``token``, the name of their fields.
    agreement : dict or None
        Counts of each kind of field.
    """

    names: list
    waits_for: list
    conflicts: list
    agreement: dict | None

    @property
    def left(self):
        """How many differences nobody has settled."""
        return sum(not row["adjudicated"] for row in self.conflicts)

    @property
    def is_settled(self):
        """Whether the trial may enter."""
        return not self.waits_for and not self.left


def view(folder, *, registry):
    """The comparison of a record's two sheets.

    Raises
    ------
    ReviewError
        If the record has one sheet only, or a sheet is at fault.
    """
    both = double_extraction.folders(folder)
    if len(both) != 2:
        raise ReviewError("One person extracts this trial: there is nothing to compare.")
    names = [path.name for path in both]
    waits_for = [path.name for path in both if not sheet.read(path).ready]
    if waits_for:
        return View(names, waits_for, [], None)
    read = [sheets.read(path, registry=registry)[:2] for path in both]
    found = double_extraction.compare(*read)
    open_ones = double_extraction.conflicts(found, names)
    rows = tables.plain_rows(double_extraction.answered(folder / CONFLICTS, open_ones))
    rows = [row | {"token": str(number), "key": key_of(row)} for number, row in enumerate(rows)]
    return View(names, [], rows, double_extraction.agreement({folder.name: found})["kinds"])


def settle(folder, form, *, by, registry):
    """File what was chosen of each difference; on disk when this returns.

    Parameters
    ----------
    folder : Path
        The record's.
    form : mapping
        For each difference ``<token>.key`` (table, row and field with tabs between and both values after
        them), ``<token>.choice`` (1, 2 or other), ``<token>.other`` and ``<token>.reason``.
    by : str
        Who settles.
    registry : instruments.Lookup

    Returns
    -------
    str
        What was done.

    Raises
    ------
    ReviewError
        If a choice has no reason, or a sheet has changed since; nothing is filed then.
    """
    with tables.locked(folder):
        found = view(folder, registry=registry)
        problems, rows, changed = [], [], 0
        for row in found.conflicts:
            answer = _answer(row, form)
            if answer is None:
                rows.append(row)
                continue
            value, reason = answer
            if not reason:
                problems.append(f"{row['row_id']}, {row['field']}: a choice says why")
            if value == row["adjudicated"] and reason == row["reason"]:
                rows.append(row)
                continue
            changed += 1
            rows.append(row | {"adjudicated": value, "reason": reason, "adjudicator": by})
        if problems:
            raise InputError(folder / CONFLICTS, problems=problems)
        if changed:
            frame = pd.DataFrame(rows, columns=tables.columns("extraction_conflicts")).astype(object)
            tables.check(frame, folder / CONFLICTS, "extraction_conflicts")
            tables.write(frame, folder / CONFLICTS)
    left = sum(not row["adjudicated"] for row in rows)
    return f"{changed} differences settled; {left} left." if rows else "The two sheets agree."


def settled(folder, *, registry):
    """The trial as it would enter, as text: the study and its rows; None while something is open."""
    study, outcomes, *_ = double_extraction.settle(folder, registry=registry)
    if study is None:
        return None
    as_text = [frame.map(tables.to_text).to_dict("records") for frame in (study, outcomes)]
    return as_text[0][0], as_text[1]


def key_of(row):
    """Names a difference and what it was between, so that an answer never meets other values."""
    return "\t".join([*(row[part] for part in KEY), row["value_1"] or "", row["value_2"] or ""])


def _answer(row, form):
    """(value, reason) that a form gives to a difference, or None."""
    for name in form:
        if name.endswith(".key") and form[name] == key_of(row):
            token = name.removesuffix(".key")
            choice = form.get(f"{token}.choice", "")
            reason = " ".join(form.get(f"{token}.reason", "").split())
            other = " ".join(form.get(f"{token}.other", "").split())
            values = {"1": row["value_1"], "2": row["value_2"], "other": other}
            if row["field"] == double_extraction.ROW:
                values = {"keep": double_extraction.KEEP, "drop": double_extraction.DROP}
            if choice not in values:
                return None
            return values[choice] or double_extraction.EMPTY, reason
    return None
