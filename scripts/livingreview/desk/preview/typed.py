"""What was typed of a study, from text to the rows that count, each row by itself."""

from dataclasses import dataclass

import pandas as pd

from livingreview import tables
from livingreview.desk.preview.effects_now import Typed
from livingreview.errors import InputError, problem
from livingreview.trials import sheet_cells, sheets
from livingreview.trials.sheet_cells import Table

# Names the form in messages, as a file is named elsewhere.
FORM = "the form"


@dataclass(frozen=True)
class Row:
    """A row in which something was typed.

    Attributes
    ----------
    number : int
        Its place among the rows of the form, from 0.
    cells : dict of str to str
        What was typed, with the ids that it shares with its sheet.
    printed : dict of str to str
        What was typed, and no more.
    faults : list of str
        Why it gives nothing; empty for a row that counts.
    """

    number: int
    cells: dict
    printed: dict
    faults: list

    @property
    def row_id(self):
        """Its id."""
        return self.cells["row_id"]


@dataclass(frozen=True)
class Given:
    """What a form holds.

    Attributes
    ----------
    typed : Typed
        The study with its rows that are free of fault.
    rows : list of Row
        Every row in which something was typed.
    faults : list of str
        What is wrong with the study's facts.
    """

    typed: Typed
    rows: list
    faults: list


def read(study, rows, *, standing, registry=None, record_id=None):
    """Read what a form holds.

    Parameters
    ----------
    study : dict of str to str
        Columns of ``studies``; what is missing counts as empty.
    rows : list of dict of str to str
        Columns of ``outcomes``.
    standing : effects_now.Standing
        The trials as they are.
    registry : instruments.Lookup, optional
        Gives the direction of known instruments.
    record_id : str, optional
        The record that is being extracted.

    Returns
    -------
    Given
    """
    study_id = study.get("study_id", "").strip()
    header = tables.columns("outcomes")
    cells = [(number, [row.get(column, "") for column in header]) for number, row in enumerate(rows)]
    filled = [number for number, row in enumerate(rows) if sheet_cells.is_filled(row, "outcomes")]
    apart = sheets.rows_apart(
        Table(FORM, header, cells), study_id=study_id, run=standing.run, registry=registry
    )
    told, frames = [], []
    for number, (row, frame, problems) in zip(filled, apart, strict=True):
        key = row.get("row_id") or f"row {number + 1}"
        told.append(Row(number, row | {"row_id": key}, rows[number], list(problems)))
        frames.append(frame)
    _refuse_doubled(told)
    _refuse_impossible(told, frames, standing, study_id)
    good = [frame for row, frame in zip(told, frames, strict=True) if not row.faults]
    kept = pd.concat(good, ignore_index=True) if good else pd.DataFrame(columns=header)
    facts, faults = _study(study, study_id, standing.run)
    return Given(Typed(facts, kept, record_id), told, faults)


def _refuse_doubled(told):
    ids = [row.row_id for row in told]
    for row in told:
        if ids.count(row.row_id) > 1:
            row.faults.append(problem("two rows of this id", column="row_id", found=row.row_id))


def _refuse_impossible(told, frames, standing, study_id):
    """Add to the rows what cannot be of them, each by itself and beside the study's others."""
    from livingreview.trials.checks import as_rows, find_problems  # noqa: PLC0415  loads SciPy

    good = {row.row_id: (row, frame) for row, frame in zip(told, frames, strict=True) if not row.faults}
    if not good:
        return
    others = standing.outcomes
    others = others[(others["study_id"] == study_id) & ~others["row_id"].isin(list(good))]
    own = [frame for _, frame in good.values()]
    together = pd.concat([others, *own] if len(others) else own, ignore_index=True)
    for one in find_problems(as_rows(together), {study_id}):
        if one.row in good:
            good[one.row][0].faults.append(one)


def _study(study, study_id, run):
    """The study's row without the cells that are at fault, and what is wrong with these."""
    header = tables.columns("studies")
    whole = {column: study.get(column, "") for column in header}
    whole |= {"study_id": study_id, "run": run, "revision": whole["revision"] or "1"}
    try:
        return sheets.study_of(Table(FORM, header, [(2, list(whole.values()))])), []
    except InputError as error:
        at_fault = {getattr(one, "column", None) for one in error.problems}
        part = {column: _value(column, text) for column, text in whole.items() if column not in at_fault}
        facts = part | {"study_id": study_id, "run": run, "revision": 1}
        return pd.DataFrame([facts], columns=header, dtype=object), error.problems


def _value(column, text):
    """A cell of the study's row as its table would hold it."""
    kinds = tables.load_schema("studies")["properties"][column].get("type", [])
    if not text.strip():
        return None
    if not {"number", "integer"} & set([kinds] if isinstance(kinds, str) else kinds):
        return text.strip()
    number = sheet_cells.as_number(text)
    return int(number) if "integer" in kinds and number is not None else number
