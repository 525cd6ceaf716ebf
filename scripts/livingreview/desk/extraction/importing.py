"""Other content for a sheet: from an uploaded file, or from the trial of which it is a further report."""

import contextlib
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

from livingreview import tables
from livingreview.errors import InputError
from livingreview.report import prose
from livingreview.trials import sheet_cells, sheets
from livingreview.trials.sheet_cells import READY

LARGEST = 5 * 2**20  # bytes; a sheet has some 20 KB
MOST_ROWS = 1000  # of a CSV file; a trial has some ten


def read(files, now, *, record_id):
    """What uploaded files hold, as the content of a sheet.

    Parameters
    ----------
    files : list of werkzeug FileStorage
        A workbook, or study.csv or outcomes.csv or both.
    now : sheet.Content
        The sheet as it is: what the files do not say stays.
    record_id : str
        A workbook of another record is refused.

    Returns
    -------
    content : sheet.Content
    said : str
        What was read.

    Raises
    ------
    InputError
        If a file is no sheet, too large, of another record, or a cell is not what a person can have typed.
    """
    if not files:
        raise InputError(
            "the upload", problem="no file was chosen", allowed="extraction.xlsx, or its CSV files"
        )
    found = {}
    for one in files:
        name = Path(one.filename.replace("\\", "/")).name
        with contextlib.closing(one):
            data = one.stream.read(LARGEST + 1)
        found |= _tables(name, data, record_id)
    content = now
    if "study" in found:
        content = replace(content, study=_study(found["study"], now))
    rows = 0
    if "outcomes" in found:
        merged, rows = _rows(found["outcomes"], now)
        content = replace(content, rows=merged)
    parts = [
        *(["the study’s facts"] if "study" in found else []),
        *([prose.plural(rows, "row of values", "rows of values")] if rows else []),
    ]
    return content, f"The file holds {' and '.join(parts) or 'nothing'}."


def _tables(name, data, record_id):
    """Tables of one file: dict of ``study`` and ``outcomes`` to rows as dicts of text."""
    if len(data) > LARGEST:
        raise InputError(name, problem="this is larger than any sheet", allowed=f"{LARGEST:,} bytes")
    with tempfile.TemporaryDirectory() as folder:
        # The name is the sheet's own, whatever the browser said.
        path = Path(folder) / ("extraction.xlsx" if name.lower().endswith(".xlsx") else "sheet.csv")
        path.write_bytes(data)
        try:
            if path.suffix == ".xlsx":
                return _workbook(path, name, record_id)
            return _csv(name, *tables.cells(path))
        except InputError as error:
            raise InputError(name, problems=error.problems) from None


def _workbook(path, name, record_id):
    from livingreview.trials import workbook  # noqa: PLC0415  loads openpyxl

    book = workbook.read(path)
    if book.record_id not in (None, record_id):
        raise InputError(
            name, problem="this workbook was made for another record", found=book.record_id, allowed=record_id
        )
    return {table: _dicts(name, *cells) for table, cells in book.tables.items()}


def _csv(name, header, rows):
    table = "outcomes" if "row_id" in header else "study"
    if len(rows) > MOST_ROWS:
        raise InputError(name, problem=f"it has {len(rows)} rows", allowed=f"at most {MOST_ROWS}")
    return {table: _dicts(name, header, rows)}


def _dicts(name, header, rows):
    schema = "outcomes" if "row_id" in header else "studies"
    allowed = {READY, *tables.columns(schema)}
    unknown = [column for column in header if column not in allowed]
    if unknown:
        raise InputError(name, problem="it has columns that no sheet has", found=", ".join(unknown)[:200])
    if doubled := sorted(column for column, n in Counter(header).items() if n > 1):
        raise InputError(name, problem="a column occurs twice", found=", ".join(doubled))
    for number, cells in rows:
        if len(cells) != len(header):
            raise InputError(name, row=number, problem="it has more or fewer cells than the header")
    return [dict(zip(header, cells, strict=True)) for _, cells in rows]


def _study(rows, now):
    if len(rows) != 1:
        raise InputError("study", problem=f"{len(rows)} studies", allowed="one in a sheet")
    kept = {READY, "study_id", "run", "revision", "revision_reason"}
    return now.study | {column: text.strip() for column, text in rows[0].items() if column not in kept}


def _rows(rows, now):
    """The sheet's rows with those of the file in their places, further ones below, and how many came."""
    held = {row["row_id"]: dict(row) for row in now.rows}
    taken = set(held)
    came = 0
    for typed in rows:
        row = dict.fromkeys(tables.columns("outcomes"), "") | {c: text.strip() for c, text in typed.items()}
        if not any(row.values()):
            continue
        row |= {"study_id": now.study["study_id"], "run": "", "revision": "", "revision_reason": ""}
        sheets.complete(row, now.study["study_id"], now.study["run"], taken)
        held[row["row_id"]] = held.get(row["row_id"], {}) | row
        came += sheet_cells.is_filled(row, "outcomes")
    return list(held.values()), came


def named(study_id):
    """A change that gives the trial of a sheet another id; ids of its rows follow.

    Reasons for findings do not: each is for values of a row of a certain id.
    """

    def change(content):
        return replace(
            content,
            study=content.study | {"study_id": study_id},
            rows=[_renamed(row, content.study["study_id"], study_id) for row in content.rows],
            reasons={},
        )

    return change


def as_report_of(study, taken):
    """A change that makes a sheet that of a further report of a known trial.

    Parameters
    ----------
    study : dict of str to str
        The trial's row in force: the sheet repeats it, so that only its new rows and the report enter.
    taken : set of str
        Row ids that the trial has; the sheet's get the next numbers.
    """

    def change(content):
        used = set(taken)
        rows = []
        for row in content.rows:
            fresh = row | {"study_id": study["study_id"], "row_id": ""}
            sheets.complete(fresh, study["study_id"], content.study["run"], used)
            rows.append(fresh)
        return replace(content, study=study | {READY: ""}, rows=rows, reasons={})

    return change


def _renamed(row, old, new):
    start, _, rest = row["row_id"].partition(".")
    return row | {"study_id": new, "row_id": f"{new}.{rest}" if start == old else row["row_id"]}
