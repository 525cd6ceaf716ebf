"""Filled-in sheets into the trials' tables: checked as a whole, then written so that a crash is survived."""

from pathlib import Path

import pandas as pd

from livingreview import tables
from livingreview.errors import InputError, ReviewError, problem
from livingreview.trials import effects, sheets
from livingreview.trials.checks import unknown_outcomes
from livingreview.trials.revisions import rows_at

TABLES = {"studies": ["study_id", "revision"], "reports": ["record_id"], "outcomes": ["row_id", "revision"]}


def pending(sheets_dir):
    """Folders of sheets that are not merged yet, sorted by name."""
    return sorted(path.parent for path in Path(sheets_dir).glob("*/study.csv"))


def merge(trials_dir, *, run, only=None, known=None, outcomes=None):
    """Merge every filled-in sheet, or none.

    Parameters
    ----------
    trials_dir : path
        data/trials, with its tables and ``sheets/``.
    run : str
        The run in which the rows begin to count.
    only : str, optional
        The folder name of the one sheet to merge.
    known : collection of str, optional
        Every record id that a search or an import has found; a sheet of another record is refused.
    outcomes : collection of str, optional
        The outcomes that the protocol names; a row of another is refused.

    Returns
    -------
    list of str
        What was done, a line per sheet.

    Raises
    ------
    ReviewError
        Naming every fault of every sheet; nothing is written then. A crash while writing is followed by
        running again: rows that are there already are recognised, and the sheet is archived last.
    """
    trials_dir = Path(trials_dir)
    folders = [folder for folder in pending(trials_dir / "sheets") if only in (None, folder.name)]
    if only and not folders:
        names = ", ".join(folder.name for folder in pending(trials_dir / "sheets")) or "none"
        raise InputError(trials_dir / "sheets", problem="there is no such sheet", found=only, allowed=names)
    held = {name: tables.read(trials_dir / f"{name}.csv", name) for name in TABLES}
    faults, ready, said = [], [], []
    for folder in folders:
        try:
            if sheets.is_untouched(folder):
                said.append(f"{folder.name}: not filled in yet")
                continue
            ready.append((folder, *_rows(folder, held, run)))
            _check_names(folder, ready[-1][1], known, outcomes)
        except InputError as error:
            faults.append(str(error))
    faults += _whole(held, ready, run, trials_dir) if not faults else []
    if faults:
        raise ReviewError("\n".join(faults))
    for folder, new, note in ready:
        for name, rows in new.items():
            tables.append(rows, trials_dir / f"{name}.csv", name)
        _archive(folder, trials_dir / "sheets/merged")
        said.append(f"{folder.name}: {note}")
    return said


def _archive(folder, archive):
    """Move a merged sheet away, beside any earlier sheet of the same record."""
    archive.mkdir(exist_ok=True)
    names = [folder.name, *(f"{folder.name}-{n}" for n in range(2, 1000))]
    folder.rename(next(archive / name for name in names if not (archive / name).exists()))


def _rows(folder, held, run):
    """The rows that one sheet adds to each table, and a sentence about it."""
    study, outcomes, not_reported = sheets.read(folder)
    record_id = sheets.record_id(folder)
    study_id = study.at[0, "study_id"]
    report = pd.DataFrame([{"record_id": record_id, "study_id": study_id, "run": run, "note": None}])
    new = {"studies": study.assign(run=run), "reports": report, "outcomes": outcomes.assign(run=run)}
    fresh = {name: _fresh(rows, held[name], TABLES[name], folder) for name, rows in new.items()}
    note = f"study {study_id} with {len(outcomes)} outcome rows merged for run {run}"
    if not_reported:
        note += f"; nothing typed for: {', '.join(not_reported)}"
    return fresh, note


def _check_names(folder, new, known, outcomes):
    """Refuse a sheet of a record that nobody found, or of an outcome that the protocol does not name."""
    record_ids = new["reports"]["record_id"]
    if known is not None and not set(record_ids) <= set(known):
        raise InputError(
            folder / "record_id.txt",
            problem="no search or import has found this record",
            found=", ".join(record_ids),
            hint="the file is written with the sheet and not changed by people",
        )
    unknown = unknown_outcomes(new["outcomes"], outcomes) if outcomes is not None else []
    if unknown:
        raise InputError(folder / "outcomes.csv", problems=unknown)


def _fresh(rows, held, key, folder):
    """Rows that a table does not hold; an equal row is there since a crash, a different one is a conflict."""
    known = {tuple(row[part] for part in key): row for row in held.to_dict("records")}
    keep, problems = [], []
    for row in rows.to_dict("records"):
        name = tuple(row[part] for part in key)
        before = known.get(name)
        keep.append(before is None)
        if before is None:
            continue
        differing = [column for column in row if not _equal(row[column], before[column]) and column != "run"]
        if differing:
            problems.append(
                problem(
                    f"{'='.join((key[0], str(name[0])))} is in the trials already, "
                    f"with other values of {', '.join(differing)}",
                    hint="choose another id; or, for a correction, add a row with the next revision",
                )
            )
    if problems:
        raise InputError(folder, problems=problems)
    return rows[pd.Series(keep, index=rows.index, dtype=bool)]


def _equal(one, other):
    if pd.isna(one) or pd.isna(other):
        return bool(pd.isna(one) and pd.isna(other))
    return one == other


def _whole(held, ready, run, trials_dir):
    """Faults that show only once all rows stand together, such as two rows that claim one place in a pool."""
    claimed = _claimed_twice(ready)
    if claimed:
        return claimed
    together = {
        name: pd.concat([held[name], *(new[name] for _, new, _ in ready)], ignore_index=True)
        for name in TABLES
    }
    studies = rows_at(together["studies"], run, ["study_id"])
    outcomes = rows_at(together["outcomes"], run, ["row_id"])
    try:
        for name, rows in together.items():
            tables.check(rows, trials_dir / f"{name}.csv", name)
        effects.compute(outcomes, studies, set(), protocol=[], file=f"{trials_dir}, with the sheets merged")
    except InputError as error:
        return [str(error)]
    return []


def _claimed_twice(ready):
    """Sheets that would add a row of the same key, such as two new trials of one suggested study id."""
    first, found = {}, []
    for folder, new, _ in ready:
        for name, key in TABLES.items():
            for row in new[name][key].itertuples(index=False, name=None):
                other = first.setdefault((name, row), folder)
                if other != folder:
                    text = f"{key[0]} {row[0]} is also in the sheet {other.name}"
                    hint = "give each trial an id of its own"
                    found.append(str(InputError(folder, problem=text, hint=hint)))
    return found
