"""Two extractions of one trial beside each other, and what somebody settled of their differences."""

from dataclasses import dataclass, field

import pandas as pd

from livingreview import tables
from livingreview.desk.extraction import checking, fields, sheet
from livingreview.errors import ReviewError
from livingreview.trials import clearances, double_extraction, sheets
from livingreview.trials.double_extraction import CONFLICTS

KEY = ("table", "row_id", "field")
# Messages that tell for or against a value.
TOLD = (checking.ERROR, checking.LIKELY, checking.LOOK, checking.CLEARED)
# Where a value stands in the report.
PLACE = ("page", "table_or_figure", "quote")


@dataclass(frozen=True)
class View:
    """What the page of a comparison shows.

    Attributes
    ----------
    names : list of str
        The two extractors.
    waits_for : list of str
        Those that are not ready; while there is one, nothing else is told.
    conflicts : list of dict
        Rows of conflicts.csv with ``key``, which names a difference and what it is between, and ``seen``,
        what was settled of it.
    contents : list of sheet.Content
        The two sheets.
    agreement : dict or None
        Counts of each kind of field.
    """

    names: list
    waits_for: list
    conflicts: list = field(default_factory=list)
    contents: list = field(default_factory=list)
    agreement: dict | None = None

    @property
    def left(self):
        """How many differences nobody has settled."""
        return sum(not row["adjudicated"] for row in self.conflicts)

    @property
    def is_settled(self):
        """Whether the trial may enter."""
        return not self.waits_for and not self.left


def view(folder, *, registry, named):
    """The comparison of a record's two sheets.

    Parameters
    ----------
    folder : Path
        The record's.
    registry : instruments.Lookup
    named : dict of str to str
        Names of the extractors by the names of their folders.

    Raises
    ------
    ReviewError
        If the record has one sheet only, or a sheet is at fault.
    """
    both = double_extraction.folders(folder)
    if len(both) != 2:
        raise ReviewError("One person extracts this trial: there is nothing to compare.")
    names = [named.get(path.name, path.name) for path in both]
    contents = [sheet.read(path) for path in both]
    waits_for = [name for name, one in zip(names, contents, strict=True) if not one.ready]
    if waits_for:
        return View(names, waits_for)
    read = [sheets.read(path, registry=registry)[:2] for path in both]
    found = double_extraction.compare(*read)
    open_ones = double_extraction.conflicts(found, [path.name for path in both])
    rows = tables.plain_rows(double_extraction.answered(folder / CONFLICTS, open_ones))
    rows = [row | {"key": key_of(row), "seen": _said(row)} for row in rows]
    kinds = double_extraction.agreement({folder.name: found})["kinds"]
    return View(names, [], rows, contents, kinds)


def key_of(row):
    """Names a difference and what it was between, so that an answer never meets other values."""
    return "\t".join([*(row[part] for part in KEY), row["value_1"] or "", row["value_2"] or ""])


def _said(row):
    return "\t".join([row["adjudicated"], row["reason"] or ""]) if row["adjudicated"] else ""


@dataclass
class Answers:
    """What a form says of the differences.

    Attributes
    ----------
    rows : list of dict
        The differences with what is settled of them once this is filed.
    changed : int
        How many of them this settles, or settles otherwise.
    faults : dict of str to str
        By key, why an answer cannot be filed.
    late : dict of str to dict
        By key, what somebody else has settled since the page was shown.
    gone : int
        Answers about values that the sheets do not hold any more.
    """

    rows: list = field(default_factory=list)
    changed: int = 0
    faults: dict = field(default_factory=dict)
    late: dict = field(default_factory=dict)
    gone: int = 0


def answers(conflicts, form, *, by):
    """Read what was chosen of each difference.

    Parameters
    ----------
    conflicts : list of dict
        From `View`.
    form : mapping
        For each difference ``<token>.key`` and ``<token>.seen`` as in `View`, ``<token>.choice`` (1, 2 or
        other; of a row keep or drop), ``<token>.other`` and ``<token>.reason``.
    by : str
        Who settles.

    Returns
    -------
    Answers
    """
    found = Answers()
    tokens = {form[name]: name.removesuffix(".key") for name in form if name.endswith(".key")}
    keys = {row["key"] for row in conflicts}
    found.gone = sum(bool(form.get(f"{token}.choice")) for key, token in tokens.items() if key not in keys)
    for row in conflicts:
        token = tokens.get(row["key"])
        value, reason = _answer(row, form, token)
        same = (value, reason) == (row["adjudicated"], row["reason"] or "")
        untouched = "\t".join([value or "", reason]) == form.get(f"{token}.seen")
        if token is None or same or untouched or (value is None and not reason):
            found.rows.append(row)
        elif form.get(f"{token}.seen", "") != row["seen"]:
            found.late[row["key"]] = row
        elif value is None:
            found.faults[row["key"]] = "Choose a value; the reason alone settles nothing."
        elif not reason:
            found.faults[row["key"]] = "Say why: nothing is settled without a reason."
        else:
            found.changed += 1
            found.rows.append(row | {"adjudicated": value, "reason": reason, "adjudicator": by})
    return found


def _answer(row, form, token):
    """(value or None, reason) that a form gives to a difference."""
    choice = form.get(f"{token}.choice", "")
    reason, other = (" ".join(form.get(f"{token}.{name}", "").split()) for name in ("reason", "other"))
    values = {"1": row["value_1"], "2": row["value_2"], "other": other}
    if row["field"] == double_extraction.ROW:
        values = {"keep": double_extraction.KEEP, "drop": double_extraction.DROP}
    if choice not in values:
        return None, reason
    return values[choice] or double_extraction.EMPTY, reason


def settle(folder, form, *, by, at, registry, named, reasons):
    """File what was chosen of each difference, and why findings are right; on disk when this returns.

    Parameters
    ----------
    folder : Path
        The record's.
    form : mapping
        As for `answers`.
    by, at : str
        Who settles, and when.
    registry, named
        As for `view`.
    reasons : dict
        From `form.reasons`.

    Returns
    -------
    Answers
        Nothing was filed if it has faults, or if somebody was earlier.
    """
    with tables.locked(folder):
        found = answers(view(folder, registry=registry, named=named).conflicts, form, by=by)
        if found.faults or found.late:
            return found
        if found.changed:
            frame = pd.DataFrame(found.rows, columns=tables.columns("extraction_conflicts")).astype(object)
            tables.check(frame, folder / CONFLICTS, "extraction_conflicts")
            tables.write(frame, folder / CONFLICTS)
        # What the two said of their own sheets stays theirs.
        before = reasons_of(folder)
        own = sheet.by_finding(clearances.read(folder / sheet.REASONS))
        mine = {key: text for key, text in reasons.items() if text != before.get(key, "")}
        own = {key: text for key, text in (own | mine).items() if text}
        sheet.write_reasons(folder, own, by=by, at=at)
    return found


def reasons_of(folder):
    """Why findings are right, as both extractors and whoever settled said."""
    return sheet.by_finding(clearances.of_sheet(folder, double_extraction.folders(folder)))


def settled(folder, *, registry):
    """The trial as it would enter: a `sheet.Content`; None while something is open."""
    study, outcomes, *_ = double_extraction.settle(folder, registry=registry)
    if study is None:
        return None
    facts, rows = (frame.map(tables.to_text).to_dict("records") for frame in (study, outcomes))
    return sheet.Content(facts[0], rows, reasons=reasons_of(folder))


def parts(view, *, labels, told):
    """The differences as the page shows them: those of the study, then those of each row.

    Parameters
    ----------
    view : View
    labels : dict of str to str
        The outcomes and what each is called.
    told : list of list of checking.Message
        What the checks say of each of the two sheets.

    Returns
    -------
    list of dict
        ``title``; ``about`` (instrument, time and arms of a row); ``places`` (pairs of name and where its
        numbers stand); ``rows``, each a difference with ``label``, ``said`` (for each of the two what the
        checks say of its value) and, where only one of them has a row, ``cells`` (pairs of label and text);
        ``besides`` (pairs of name and message, of values on which they agree).
    """
    if view.waits_for:
        return []
    said = [_by_cell(content, one) for content, one in zip(view.contents, told, strict=True)]
    found = {}
    for row in view.conflicts:
        at = (row["table"], row["row_id"])
        if at not in found:
            found[at] = _part(view, at, labels)
        found[at]["rows"].append(
            row
            | {
                "label": "The row itself"
                if row["field"] == double_extraction.ROW
                else fields.label_in(row["table"], row["field"]),
                "said": [_taken(one, at, row["field"]) for one in said],
                "cells": _cells(view, row) if row["field"] == double_extraction.ROW else [],
            }
        )
    for name, one in zip(view.names, said, strict=True):
        for at, messages in one.items():
            if at in found:
                found[at]["besides"] += [(name, message) for message in messages]
    return list(found.values())


def _part(view, at, labels):
    table, row_id = at
    part = {"title": "The study", "about": [], "places": [], "rows": [], "besides": []}
    if table == "study":
        return part
    both = [next((row for row in one.rows if row["row_id"] == row_id), None) for one in view.contents]
    held = [row for row in both if row]
    part["title"] = labels.get(held[0]["outcome"], held[0]["outcome"])
    part["about"] = [_joined(held, name) for name in ("instrument", "timepoint", "weeks", "arm_1", "arm_2")]
    part["places"] = [
        (
            name,
            ", ".join(
                filter(None, [f"page {row['page']}" if row["page"] else "", *(row[c] for c in PLACE[1:])])
            ),
        )
        for name, row in zip(view.names, both, strict=True)
        if row and any(row[column] for column in PLACE)
    ]
    return part


def _joined(rows, column):
    return " / ".join(dict.fromkeys(row[column] for row in rows if row[column]))


def _by_cell(content, messages):
    """Messages by table and row; each once, the reason of a finding with it."""
    ids, found = content.row_ids(), {}
    for one in messages:
        if one.kind not in TOLD:
            continue
        start, *place = one.field.split(".")
        at = ("study", content.study["study_id"]) if start == "study" else ("outcomes", ids[int(place[0])])
        found.setdefault(at, []).append(one)
    return found


def _taken(said, at, column):
    """Take the messages about a cell out of those about its row."""
    messages = said.get(at, [])
    own = [one for one in messages if column == one.field.split(".")[-1] or column in one.cells]
    said[at] = [one for one in messages if one not in own]
    return own


def _cells(view, row):
    content = view.contents[0 if row["value_1"] else 1]
    cells = next(one for one in content.rows if one["row_id"] == row["row_id"])
    hidden = sheet.FIXED["outcomes"] | {"outcome", "priority", "status"}
    return [
        (fields.label_in("outcomes", name), text)
        for name, text in cells.items()
        if text and name not in hidden
    ]
