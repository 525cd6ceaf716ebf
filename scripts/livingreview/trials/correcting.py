"""One row of the trials corrected: checked as if it had come in a sheet, then added as a new revision."""

from pathlib import Path

import pandas as pd

from livingreview import kept_rows, tables
from livingreview.errors import InputError, problem
from livingreview.trials import clearances, effects, instruments, plausibility
from livingreview.trials.checks import unknown_outcomes
from livingreview.trials.revisions import rows_at

KEYS = {"studies": "study_id", "outcomes": "row_id"}
# What a correction does not change: ids, and what every revision says of itself.
FIXED = {"study_id", "row_id", "run", "revision", "revision_reason"}


def revised(held, table, row_id, cells, *, reason, run, path):
    """The next revision of a row.

    Parameters
    ----------
    held : DataFrame
        The whole table with all its revisions.
    table : str
        One of `KEYS`.
    row_id : str
        Value of the table's key.
    cells : dict of str to str
        Cells as typed, of the columns that are given; the others stay as they are.
    reason : str
        Why, in a sentence.
    run : str
        A month YYYY-MM, from which on it counts.
    path : path
        For messages.

    Returns
    -------
    DataFrame
        One row, or none where nothing would change.

    Raises
    ------
    InputError
        If there is no such row, a cell is not allowed, or the row was corrected for a later month.
    """
    rows = held[held[KEYS[table]] == row_id]
    if rows.empty:
        raise InputError(path, row=row_id, problem="there is no such row")
    before = rows.sort_values("revision").iloc[-1]
    if before["run"] > run:
        raise InputError(
            path,
            row=row_id,
            problem=f"it was corrected for {before['run']} already",
            allowed=f"a correction for {before['run']} or later",
        )
    old = {column: tables.to_text(before[column]) for column in held.columns}
    new = old | {name: text.strip() for name, text in cells.items() if name in old and name not in FIXED}
    if new == old:
        return held.iloc[:0]
    if not reason.strip():
        raise InputError(
            path, row=row_id, column="revision_reason", problem="a correction says why", hint="give a reason"
        )
    new |= {"run": run, "revision": str(before["revision"] + 1), "revision_reason": reason.strip()}
    return tables.read_cells(path, list(new), [(row_id, list(new.values()))], table)


def look(new, table, *, studies, outcomes, run, named, registry, cleared, path):
    """What all checks say of a corrected row once it stands among the others.

    Parameters
    ----------
    new : DataFrame
        From `revised`.
    table : str
    studies, outcomes : DataFrame
        The whole tables with all their revisions, without the new one.
    run : str
    named : collection of str
        The outcomes that the protocol names.
    registry : object with ``find(name, outcome)``
        From `instruments.lookup`.
    cleared : DataFrame
        From `clearances.read`, and what the person clears now.
    path : path
        For messages.

    Returns
    -------
    DataFrame
        Findings of the plausibility checks in the rows that changed, in `clearances.FINDING_COLUMNS`.

    Raises
    ------
    InputError
        If a value cannot be.
    """
    together = {"studies": studies, "outcomes": outcomes}
    together[table] = pd.concat([together[table], new], ignore_index=True)
    studies = rows_at(together["studies"], run, ["study_id"])
    outcomes = rows_at(together["outcomes"], run, ["row_id"])
    if table == "outcomes" and (unknown := unknown_outcomes(new, named)):
        raise InputError(path, problems=unknown)
    effects.compute(outcomes, studies, set(), protocol=[], file=path)
    key = KEYS[table]
    touched = set(outcomes.loc[outcomes[key].isin(new[key]), "row_id"])
    found = plausibility.find(outcomes, studies, registry, look_at=touched)
    return clearances.apply(found, outcomes, cleared)


def correct(trials_dir, table, row_id, cells, *, reason, run, named, by, decided_at, clear=None, check=None):
    """Correct a row: all checks first, then a new revision; on disk when this returns.

    Parameters
    ----------
    trials_dir : path
        data/trials.
    table, row_id, cells, reason, run
        As for `revised`.
    named : collection of str
        The outcomes that the protocol names.
    by, decided_at : str
        Who clears findings, and when.
    clear : dict, optional
        (row_id, check) of errors of the plausibility checks to why the value is right nevertheless.
    check : callable, optional
        Given the table as it is on disk now, raises if it is not what the person saw.

    Returns
    -------
    DataFrame
        What the plausibility checks still find in the row, or an empty frame; None if nothing changed.

    Raises
    ------
    InputError
        Naming each value that cannot be, and each error of the plausibility checks that is not cleared.
        Nothing is written then.
    """
    trials_dir = Path(trials_dir)
    path = trials_dir / f"{table}.csv"
    with tables.locked(path):
        held = {name: tables.read(trials_dir / f"{name}.csv", name) for name in KEYS}
        if check is not None:
            check(held[table])
        new = revised(held[table], table, row_id, cells, reason=reason, run=run, path=path)
        if new.empty:
            return None
        registry = instruments.lookup(instruments.read(trials_dir / "instruments.csv", run=run))
        known = clearances.read(trials_dir / "clearances.csv", run=run)
        options = {"run": run, "named": named, "registry": registry, "path": path}
        found = look(new, table, **held, cleared=known, **options)
        fresh = _cleared(found, clear or {}, run=run, by=by, decided_at=decided_at)
        if len(fresh):
            found = look(new, table, **held, cleared=pd.concat([known, fresh], ignore_index=True), **options)
        _refuse(found, path)
        if len(fresh):
            clearances.add(fresh, trials_dir / "clearances.csv")
        kept_rows.append(new, path, table, lock=False)
    return found[found["cleared_by"].isna()]


def _cleared(found, clear, *, run, by, decided_at):
    """Rows of clearances for the open findings to which a person gave a reason."""
    rows = [
        {
            "row_id": row.row_id,
            "check": row.check,
            "digest": row.digest,
            "reviewer": by,
            "note": clear[row.row_id, row.check],
            "run": run,
            "decided_at": decided_at,
        }
        for row in found[found["cleared_by"].isna()].itertuples()
        if clear.get((row.row_id, row.check))
    ]
    return pd.DataFrame(rows, columns=tables.columns("clearances"), dtype=object)


def _refuse(found, path):
    """Stop at errors that nobody has cleared."""
    problems = [
        problem(
            row.found,
            row=row.row_id,
            column=row.check,
            allowed=row.expected,
            hint=f"{row.hint}; mend it, or say below why the value is right",
        )
        for row in clearances.open_errors(found).itertuples()
    ]
    if problems:
        raise InputError(path, problems=problems)
