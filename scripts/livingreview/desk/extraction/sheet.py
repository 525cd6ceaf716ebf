"""One sheet on disk as the form shows and saves it, with what several people type joined cell by cell.

The form carries the cells as it found them. A cell that only one side has changed since is taken from that
side; where both have, nothing is written and the later one is shown both. Every change is kept in the sheet's
``history.csv``: who typed what, when, and what stood there before.
"""

import json
from dataclasses import dataclass, field, replace

import pandas as pd

from livingreview import tables
from livingreview.desk.extraction import form
from livingreview.errors import InputError, ReviewError
from livingreview.trials import clearances, sheet_cells, sheets
from livingreview.trials.sheet_cells import FILES, READY, REASONS, WORKBOOK

HISTORY = "history.csv"
SCHEMA = "sheet_history"
# What the form does not change: ids, and what belongs to the merge.
FIXED = {
    "study": {READY, "study_id", "run", "revision", "revision_reason"},
    "outcomes": {"row_id", "study_id", "run", "revision", "revision_reason", "extractor"},
    "clearances": set(),
}


@dataclass(frozen=True)
class Content:
    """A sheet as text.

    Attributes
    ----------
    study : dict of str to str
    rows : list of dict of str to str
        Each with a ``row_id``.
    in_workbook : bool
        Whether the workbook is what was filled in.
    reasons : dict of (str, str, str) to str
        Why findings are right, by row, check and digest.
    """

    study: dict
    rows: list
    in_workbook: bool = False
    reasons: dict = field(default_factory=dict)

    @property
    def ready(self):
        """Whether a person has said that it may be merged."""
        return bool(self.study.get(READY))

    def cells(self):
        """What the form may change and something stands in: (table, row_id, column) to text."""
        found = {("study", "", column): text for column, text in self.study.items()}
        found |= {
            ("outcomes", row["row_id"], column): text for row in self.rows for column, text in row.items()
        }
        found |= self.reason_cells()
        return {key: text for key, text in found.items() if text and key[2] not in FIXED[key[0]]}

    def reason_cells(self):
        """The reasons as cells: a column is the check and the digest with a dot between."""
        return {("clearances", row, f"{check}.{of}"): text for (row, check, of), text in self.reasons.items()}

    def row_ids(self):
        """Ids of its rows, in order."""
        return [row["row_id"] for row in self.rows]


@dataclass(frozen=True)
class Meanwhile:
    """A cell that two people have changed: what it was, what is on file now, and what the later one typed."""

    table: str
    row_id: str
    column: str
    before: str
    theirs: str
    mine: str


@dataclass
class Joined:
    """Two versions of a sheet together: the content, cells taken from the other, and cells in dispute."""

    content: Content
    taken: dict = field(default_factory=dict)
    disputed: list = field(default_factory=list)


def read(folder):
    """A sheet as it is on disk.

    Raises
    ------
    InputError
        If it cannot be read, its files contradict each other, or two rows have one id.
    """
    typed = sheet_cells.read(folder)
    for table in typed.values():
        ragged = [number for number, cells in table.rows if len(cells) != len(table.header)]
        if ragged:
            raise InputError(table.path, row=ragged[0], problem="it has more or fewer cells than the header")
    columns = [READY, *tables.columns("studies")]
    studies = typed["study"].dicts()
    if len(studies) != 1:
        raise InputError(typed["study"].path, problem=f"{len(studies)} studies", allowed="one in a sheet")
    study = {column: studies[0].get(column, "").strip() for column in columns}
    rows = [_row(row) for row in typed["outcomes"].dicts()]
    taken = {row["row_id"] for row in rows}
    for row in rows:
        sheets.complete(row, study["study_id"], study["run"], taken)
    ids = [row["row_id"] for row in rows]
    if len(set(ids)) < len(ids) or "" in ids:
        twice = next(one for one in ids if ids.count(one) > 1 or not one)
        raise InputError(
            typed["outcomes"].path, column="row_id", problem="each row has an id of its own", found=twice
        )
    return Content(
        study,
        rows,
        in_workbook=typed["study"].path.partition(",")[0].endswith(WORKBOOK),
        reasons=by_finding(clearances.read(folder / REASONS)),
    )


def by_finding(frame):
    """Rows of the schema ``clearances`` as (row_id, check, digest) to the reason."""
    return {(row.row_id, row.check, row.digest): row.note for row in frame.itertuples()}


def _row(row):
    return {column: row.get(column, "").strip() for column in tables.columns("outcomes")}


def base_of(content):
    """The cells of a sheet as the form carries them: JSON text."""
    cells = [[*key, text] for key, text in sorted(content.cells().items())]
    return json.dumps({"cells": cells, "rows": content.row_ids()}, ensure_ascii=False)


def base_from(text):
    """Cells and row ids from what `base_of` gave; a page that carries none began with an empty sheet."""
    try:
        found = json.loads(text)
        cells = {(table, row_id, column): str(value) for table, row_id, column, value in found["cells"]}
        return cells, list(map(str, found["rows"]))
    except (ValueError, TypeError, KeyError):
        return {}, []


def join(now, base, study, rows, reasons=None):
    """What was typed into a form, put into the sheet as it is on disk.

    Parameters
    ----------
    now : Content
    base : (dict, list)
        From `base_from`.
    study, rows : dict, list of dict
        The form, from `form.study` and `form.rows`.
    reasons : dict, optional
        From `form.reasons`. A form holds those of the findings that it shows now; others stay.

    Returns
    -------
    Joined
        In a cell in dispute the content has what the form says.
    """
    before, rows_before = base
    kept = _reasons(before)
    mine = Content(now.study | study, rows, reasons=kept | (reasons or {})).cells()
    theirs = now.cells()
    joined = Joined(now)
    chosen = {}
    for key in sorted({*before, *mine, *theirs}):
        was, here, there = (cells.get(key, "") for cells in (before, mine, theirs))
        chosen[key] = there if here == was else here
        if here == was and there != was and _in_form(key, rows):
            joined.taken[key] = there
        if was not in (here, there) and here != there:
            joined.disputed.append(Meanwhile(*key, before=was, theirs=there, mine=here))
    posted = {row["row_id"]: row for row in rows}
    on_disk = {row["row_id"]: row for row in now.rows}
    dropped = {row_id for row_id in rows_before if row_id not in posted}
    kept = [row_id for row_id in on_disk if row_id not in dropped or _touched(row_id, before, theirs)]
    added = [row_id for row_id in posted if row_id not in on_disk and row_id not in rows_before]
    back = [row_id for row_id in posted if row_id not in on_disk and row_id in rows_before]
    back = [row_id for row_id in back if _touched(row_id, before, mine)]
    joined.content = Content(
        _filled(now.study, chosen, ("study", "")),
        [
            _filled(on_disk.get(one) or _new(one, now), chosen, ("outcomes", one))
            for one in [*kept, *back, *added]
        ],
        now.in_workbook,
        _reasons(chosen),
    )
    return joined


def _reasons(cells):
    """Of cells those that hold reasons, as `Content` has them; `Content.reason_cells` the other way round."""
    parts = [
        ((row, *name.partition(".")[::2]), text)
        for (of, row, name), text in cells.items()
        if of == "clearances"
    ]
    return {key: text for key, text in parts if text and form.is_finding(*key)}


def _in_form(key, rows):
    return key[0] == "study" or any(row["row_id"] == key[1] for row in rows)


def _touched(row_id, before, after):
    """Whether a row says something else than it did."""
    keys = {key for key in [*before, *after] if key[:2] == ("outcomes", row_id)}
    return any(before.get(key, "") != after.get(key, "") for key in keys)


def _new(row_id, content):
    row = dict.fromkeys(tables.columns("outcomes"), "")
    sheets.complete(row, content.study["study_id"], content.study["run"], set())
    return row | {"row_id": row_id}


def _filled(row, chosen, place):
    return {
        column: text if column in FIXED[place[0]] else chosen.get((*place, column), "")
        for column, text in row.items()
    }


def save(folder, record_folder, base, study, rows, *, by, at, reasons=None):
    """Put what was typed into a sheet; on disk when this returns.

    Parameters
    ----------
    folder : Path
        The sheet, or of two extractors one's own.
    record_folder : Path
        The record's folder in the sheets, which is `folder` where one person extracts.
    base, study, rows, reasons
        As for `join`.
    by, at : str
        Who typed it, and when.

    Returns
    -------
    Joined
        Nothing was written if cells are in dispute.

    Raises
    ------
    ReviewError
        If the sheet is not there any more, or is marked as ready.
    """
    with tables.locked(record_folder):
        now = _open(folder)
        joined = join(now, base, study, rows, reasons)
        joined.content = _signed(joined.content, now, by)
        if not joined.disputed:
            _write(folder, now, joined.content, by=by, at=at)
        return joined


def _signed(after, before, by):
    """Rows that this person changed, with the name among those who took the numbers out."""
    was = {row["row_id"]: row for row in before.rows}
    rows = []
    for row in after.rows:
        names = [name for name in row["extractor"].split("; ") if name]
        is_own = row != was.get(row["row_id"]) and sheet_cells.is_filled(row, "outcomes")
        rows.append(row | {"extractor": "; ".join([*names, by])} if is_own and by not in names else row)
    return replace(after, rows=rows)


def _open(folder):
    """A sheet that may be changed; for one who holds the lock."""
    if not (folder / FILES["study"]).is_file():
        raise ReviewError(
            f"{folder.name} is not waiting for extraction any more: its values have entered the trials, or it"
            " was put away. Nothing was saved; what you typed is still in the page behind this one (go back)."
        )
    return read(folder)


def mark_ready(folder, record_folder, ready, *, by, at):
    """Say that a sheet may be merged, or take that back; on disk when this returns."""
    with tables.locked(record_folder):
        now = _open(folder)
        study = now.study | {READY: "yes" if ready else ""}
        _write(folder, now, replace(now, study=study), by=by, at=at)


def alter(folder, record_folder, change, *, by, at):
    """Put another content in the place of a sheet's; on disk when this returns.

    ``change(content)`` gives the new content from that on disk.
    """
    with tables.locked(record_folder):
        now = _open(folder)
        _write(folder, now, change(now), by=by, at=at)


def _write(folder, before, after, *, by, at):
    """Write a sheet: first what changes and by whom, then outcomes and reasons, and the study last."""
    if (before.study, before.rows, before.reasons) == (after.study, after.rows, after.reasons):
        return
    _note(folder, before, after, by=by, at=at)
    outcomes = pd.DataFrame(after.rows, columns=tables.columns("outcomes"), dtype=object)
    study = pd.DataFrame([after.study], columns=[READY, *tables.columns("studies")], dtype=object)
    tables.write(outcomes, folder / FILES["outcomes"])
    write_reasons(folder, after.reasons, by=by, at=at)
    tables.write(study, folder / FILES["study"])
    if sheet_cells.has_typed_workbook(folder):
        # The CSV files hold all of it now, and two filled-in files would contradict each other.
        names = (folder / f"earlier-{number}.xlsx" for number in range(1, 10_000))
        (folder / WORKBOOK).rename(next(name for name in names if not name.exists()))


def write_reasons(folder, reasons, *, by, at):
    """Put reasons in the place of those in a folder; who gave one that stays as it is stays too."""
    held = clearances.read(folder / REASONS)
    if by_finding(held) == reasons:
        return
    before = {(row["row_id"], row["check"], row["digest"]): row for row in held.to_dict("records")}
    rows = []
    for key, text in reasons.items():
        row = dict(zip(clearances.KEY, key, strict=True)) | {"reviewer": by, "note": text, "decided_at": at}
        # The month is that of the merge; until then, that of the day.
        row |= {"run": at[:7]}
        rows.append(before[key] if key in before and before[key]["note"] == text else row)
    tables.write(pd.DataFrame(rows, columns=held.columns, dtype=object), folder / REASONS)


def _note(folder, before, after, *, by, at):
    path = folder / HISTORY
    was, now = (_everything(content) for content in (before, after))
    rows = [
        {
            "at": at,
            "by": by,
            "table": key[0],
            "row_id": key[1] or None,
            "field": key[2],
            "before": was.get(key) or None,
            "after": now.get(key) or None,
        }
        for key in dict.fromkeys([*was, *now])
        if was.get(key, "") != now.get(key, "")
    ]
    if not path.is_file():
        tables.write(pd.DataFrame(columns=tables.columns(SCHEMA)), path)
    tables.append(pd.DataFrame(rows, columns=tables.columns(SCHEMA), dtype=object), path, SCHEMA)


def _everything(content):
    found = {("study", "", column): text for column, text in content.study.items()}
    return (
        found
        | content.reason_cells()
        | {("outcomes", row["row_id"], column): text for row in content.rows for column, text in row.items()}
    )


def people(folder):
    """Who has typed into a sheet by the desk, in the order in which they began, and when the last did.

    Returns
    -------
    names : list of str
    at : str or None
    """
    if not (folder / HISTORY).is_file():
        return [], None
    history = tables.read(folder / HISTORY, SCHEMA)
    return list(dict.fromkeys(history["by"])), max(history["at"], default=None)
