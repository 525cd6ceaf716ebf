"""What people typed into a sheet, as text: from its two CSV files or from its workbook, whichever they chose.

Both may be filled in only if they say the same; a sheet never has two truths of which one is dropped.
"""

import hashlib
import math
from dataclasses import dataclass

from livingreview import tables
from livingreview.errors import InputError, problem

WORKBOOK = "extraction.xlsx"
FILES = {"study": "study.csv", "outcomes": "outcomes.csv"}

# What people said of findings while they filled a sheet in: rows of the schema ``clearances``, which enter
# the trials together with the sheet's values.
REASONS = "clearances.csv"

# Digests of a sheet as it was made, so that one in which nobody has typed is known without reading it.
AS_MADE = ".as_made"

# A column of the study's table that stays in the sheet: a person's word that the sheet may be merged.
READY = "ready"

# What a sheet holds before anybody has typed; a row with anything else in it counts as filled in.
PREFILLED = {
    "study": [
        "study_id",
        "first_author",
        "year",
        "title",
        "journal",
        "doi",
        "pmid",
        "registry_ids",
        "source",
        "run",
        "revision",
    ],
    "outcomes": [
        "row_id",
        "study_id",
        "outcome",
        "timepoint",
        "priority",
        "status",
        "run",
        "revision",
        "extractor",
    ],
}


@dataclass(frozen=True)
class Table:
    """One table of a sheet: where it stands, its header, and its rows as (row number, cells)."""

    path: str
    header: list
    rows: list

    def dicts(self):
        """Rows as dicts of text by column, without rows that are longer or shorter than the header."""
        return [
            dict(zip(self.header, cells, strict=True))
            for _, cells in self.rows
            if len(cells) == len(self.header)
        ]

    def without(self, column):
        """The table without a column."""
        if column not in self.header:
            return self
        at = self.header.index(column)
        # A row of another length keeps its length relative to the header, so that it is still refused.
        rows = [(number, [*cells[:at], *cells[at + 1 :]]) for number, cells in self.rows]
        return Table(self.path, [*self.header[:at], *self.header[at + 1 :]], rows)


def is_filled(row, table):
    """Whether anything was typed into a row, given as a dict of text."""
    return any(text.strip() for column, text in row.items() if column not in PREFILLED[table])


def read(folder):
    """The tables that count, by name: ``study`` and ``outcomes``.

    Parameters
    ----------
    folder : Path
        A sheet's folder.

    Returns
    -------
    dict of str to Table
        Of the CSV files, unless only the workbook was filled in.

    Raises
    ------
    InputError
        If a file is missing or broken, or both kinds were filled in and differ; each cell is named.
    """
    typed = {name: _csv(folder / file) for name, file in FILES.items()}
    if not has_typed_workbook(folder):
        return typed
    in_workbook = _workbook(folder)
    if not _any_filled(in_workbook):
        return typed
    if not _any_filled(typed):
        return in_workbook
    problems = [line for name in FILES for line in _differences(name, typed[name], in_workbook[name])]
    if problems:
        raise InputError(folder, problems=problems)
    return typed


def has_typed_workbook(folder):
    """Whether a sheet has a workbook that may hold anything: opening one takes a tenth of a second."""
    if not (folder / WORKBOOK).is_file():
        return False
    made = tables.read_json(folder / AS_MADE) if (folder / AS_MADE).is_file() else {}
    files = [folder / WORKBOOK, folder / "record_id.txt"]
    return any(not path.is_file() or made.get(path.name) != digest(path.read_bytes()) for path in files)


def digest(data):
    """What tells one file's bytes from another's."""
    return hashlib.sha256(data).hexdigest()


def says_ready(folder):
    """Whether either file of a sheet is marked as ready, even where the sheet is broken otherwise."""

    def marked(read_tables):
        try:
            study = read_tables()
        except InputError:
            return False
        return any(row.get(READY, "").strip() for row in study.dicts())

    return marked(lambda: _csv(folder / FILES["study"])) or (
        has_typed_workbook(folder) and marked(lambda: _workbook(folder)["study"])
    )


def check_ready(study):
    """Refuse another word than ``yes`` in the cell that lets a sheet be merged.

    Raises
    ------
    InputError
        Naming the cell.
    """
    for number, cells in study.rows:
        text = dict(zip(study.header, cells, strict=False)).get(READY, "").strip()
        if text and text.casefold() != "yes":
            raise InputError(study.path, row=number, column=READY, found=text, allowed="yes, or empty")


def _csv(path):
    return Table(str(path), *tables.cells(path))


def _workbook(folder):
    # Loading the library takes longer than all else here, and most runs find no workbook.
    from livingreview.trials import workbook  # noqa: PLC0415

    path = folder / WORKBOOK
    found = workbook.read(path)
    record = folder / "record_id.txt"
    expected = record.read_text(encoding="utf-8").strip() if record.is_file() else None
    if found.record_id not in (None, expected):
        raise InputError(
            path,
            problem="this workbook was made for another record",
            found=found.record_id,
            allowed=expected,
            hint="each workbook stays in the folder in which it was made",
        )
    return {name: Table(f"{path}, sheet {name}", *found.tables[name]) for name in FILES}


def _any_filled(found):
    return any(is_filled(row, name) for name, table in found.items() for row in table.dicts())


def _differences(name, one, other):
    """Cells in which the CSV file and the workbook differ, a line for each."""
    key = "row_id" if name == "outcomes" else None
    first, second = (_by_key(name, table, key) for table in (one, other))
    hint = "fill in one of the two, or the same in both"
    for row in [*first, *(row for row in second if row not in first)]:
        if row not in first or row not in second:
            where = FILES[name] if row in first else WORKBOOK
            yield problem(f"{name}: this row is filled in only in {where}", row=row, hint=hint)
            continue
        for column in dict.fromkeys([*first[row], *second[row]]):
            left, right = first[row].get(column, ""), second[row].get(column, "")
            if not same(left, right):
                text = f"{FILES[name]} says {left!r}, {WORKBOOK} says {right!r}"
                yield problem(text, row=row, column=column, hint=hint)


def _by_key(name, table, key):
    """Filled-in rows by their id, or by their number where they have none."""
    rows = enumerate((row for row in table.dicts() if is_filled(row, name)), start=2)
    return {(row.get(key, "").strip() if key else "") or number: row for number, row in rows}


def same(left, right):
    """Whether two cells say the same: as text, or as numbers."""
    left, right = left.strip(), right.strip()
    if left == right:
        return True
    numbers = as_number(left), as_number(right)
    return None not in numbers and numbers[0] == numbers[1]


def as_number(text):
    """The finite number that a text is, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None
