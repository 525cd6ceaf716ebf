"""What was typed of a study, from text to the rows that count, each row by itself."""

from dataclasses import dataclass

import pandas as pd

from livingreview import tables
from livingreview.desk.preview.effects_now import Typed
from livingreview.errors import InputError, problem
from livingreview.trials import sheets
from livingreview.trials.sheet_cells import Table

# Names the form in messages, as a file is named elsewhere.
FORM = "the form"
# What of a study decides how its effects are named and grouped.
TOLD = ("study_id", "first_author", "year", "population", "condition", "comparator_class")


@dataclass(frozen=True)
class Given:
    """What a form holds.

    Attributes
    ----------
    typed : Typed
        The study with its rows that are free of fault.
    rows : list of dict
        Every row in which something was typed, as text, with its ids.
    faults : dict of str to list of str
        By row_id, why a row gives nothing.
    """

    typed: Typed
    rows: list
    faults: dict


def read(study, rows, *, run, registry=None, record_id=None):
    """Read what a form holds.

    Parameters
    ----------
    study : dict of str to str
        Columns of ``studies``; what is missing counts as empty.
    rows : list of dict of str to str
        Columns of ``outcomes``.
    run : str
        A month YYYY-MM.
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
    cells = [(number, [row.get(column, "") for column in header]) for number, row in enumerate(rows, start=2)]
    told, frames, faults = [], {}, {}
    table = Table(FORM, header, cells)
    for row, frame, problems in sheets.rows_apart(table, study_id=study_id, run=run, registry=registry):
        key = row.get("row_id") or f"row {len(told) + 1}"
        told.append(row | {"row_id": key})
        if key in frames:
            problems = [problem("two rows of this id", column="row_id", found=key)]  # noqa: PLW2901
        if problems:
            faults[key] = problems
        else:
            frames[key] = frame
    faults = _impossible(frames, study_id) | faults
    good = [frame for key, frame in frames.items() if key not in faults]
    kept = pd.concat(good, ignore_index=True) if good else pd.DataFrame(columns=header)
    return Given(Typed(_study(study, study_id, run), kept, record_id), told, faults)


def _impossible(frames, study_id):
    """What cannot be of rows, each by itself and beside the good ones before it: row_id to faults."""
    from livingreview.trials.checks import as_rows, find_problems  # noqa: PLC0415  loads SciPy

    if not frames:
        return {}
    good, found = [], {}
    rows = as_rows(pd.concat(frames.values(), ignore_index=True))
    for key, row in zip(frames, rows, strict=True):
        if problems := find_problems([*good, row], {study_id}):
            found[key] = problems
        else:
            good.append(row)
    return found


def _study(study, study_id, run):
    """The study's row; where a cell of it is at fault, only what its effects are named and grouped by."""
    header = tables.columns("studies")
    whole = {column: study.get(column, "") for column in header}
    whole |= {"study_id": study_id, "run": run, "revision": whole["revision"] or "1"}
    try:
        return tables.read_cells(FORM, header, [(2, list(whole.values()))], "studies")
    except InputError:
        few = {column: (whole[column].strip() or None) if column in TOLD else None for column in header}
        return pd.DataFrame([few | {"run": run, "revision": 1}], dtype=object)
