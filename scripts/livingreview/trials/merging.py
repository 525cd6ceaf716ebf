"""Filled-in sheets into the trials' tables: checked as a whole, then written so that a crash is survived."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from livingreview import kept_rows, tables
from livingreview.errors import InputError, ReviewError, problem
from livingreview.trials import (
    clearances,
    double_extraction,
    effects,
    instruments,
    plausibility,
    sheet_cells,
    sheets,
)
from livingreview.trials.checks import unknown_outcomes
from livingreview.trials.revisions import rows_at

TABLES = {"studies": ["study_id", "revision"], "reports": ["record_id"], "outcomes": ["row_id", "revision"]}
ARCHIVE = "merged"


@dataclass(frozen=True)
class Entering:
    """A sheet that may enter the trials.

    Attributes
    ----------
    folder : Path
    new : dict of str to DataFrame
        By table, the rows that it does not hold yet.
    row_ids : set of str
        All its rows of outcomes, those that the table holds since a crash included.
    reasons : DataFrame
        Why findings in it are right; see `clearances.of_sheet`.
    note : str
        What is said of it.
    """

    folder: Path
    new: dict
    row_ids: set
    reasons: pd.DataFrame
    note: str


def pending(sheets_dir):
    """Folders of sheets that are not merged yet, sorted by name."""
    return sorted(path.parent for path in Path(sheets_dir).glob("*/study.csv"))


def pending_pairs(sheets_dir):
    """Folders of records with a sheet for each of two extractors that are not merged yet, sorted by name."""
    found = {path.parents[1] for path in Path(sheets_dir).glob("*/*/study.csv")}
    return sorted(path for path in found if path.name != ARCHIVE)


def merge(trials_dir, *, run, only=None, known=None, outcomes=None, ready_only=False):
    """Merge every filled-in sheet, or none.

    Where two people extract, their sheets are merged as one once both are marked as ready and what differs
    is settled. What people said of findings while they filled a sheet in becomes clearances with it.

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
    ready_only : bool, default False
        Pass over sheets that are not marked as ready, whatever stands in them.

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
    sheets_dir = trials_dir / "sheets"
    every = sorted([*pending(sheets_dir), *pending_pairs(sheets_dir)])
    folders = [folder for folder in every if only in (None, folder.name)]
    if only and not folders:
        names = ", ".join(folder.name for folder in every) or "none"
        raise InputError(sheets_dir, problem="there is no such sheet", found=only, allowed=names)
    if ready_only:
        folders = [folder for folder in folders if _is_ready(folder)]
    with contextlib.ExitStack() as stack:
        for folder in folders:
            # Whoever saves a sheet takes the same lock: nothing typed meanwhile is put away unread.
            stack.enter_context(tables.locked(folder))
        return _merge(trials_dir, folders, run=run, known=known, outcomes=outcomes)


def _merge(trials_dir, folders, *, run, known, outcomes):
    """As `merge`, of these sheets, whose locks are held."""
    held = {name: tables.read(trials_dir / f"{name}.csv", name) for name in TABLES}
    registry = instruments.lookup(instruments.read(trials_dir / "instruments.csv", run=run))
    faults, ready, said, looked_at, findings = [], [], [], [], set()
    for folder in folders:
        try:
            read, waits_for = _read(folder, registry)
            if waits_for:
                said.append(f"{folder.name}: {waits_for}")
                continue
            ready.append(_entering(folder, read, held, run))
            _check_names(folder, ready[-1].new, known, outcomes)
        except InputError as error:
            faults.append(str(error))
    if not faults:
        faults, looked_at, findings = _whole(held, ready, run=run, trials_dir=trials_dir, registry=registry)
    if faults:
        raise ReviewError("\n".join(faults))
    for one in ready:
        for name, rows in one.new.items():
            kept_rows.append(rows, trials_dir / f"{name}.csv", name)
        # After the rows, since a clearance of a row that no table holds is refused; and none of those for
        # values that were changed since.
        keys = one.reasons[clearances.KEY].itertuples(index=False, name=None)
        given = one.reasons[[key in findings for key in keys]]
        if not given.empty:
            clearances.add(given.assign(run=run), trials_dir / "clearances.csv")
        _archive(one.folder, trials_dir / "sheets" / ARCHIVE)
        said.append(f"{one.folder.name}: {one.note}")
    return said + looked_at


def merge_ready(trials_dir, **options):
    """Merge the sheets that are marked as ready, or none; see `merge`."""
    return merge(trials_dir, ready_only=True, **options)


def known_records(results_dir, ledger, *, run):
    """Ids of every record that is known to have been found, before a run has built its own list.

    Parameters
    ----------
    results_dir : path
        ``results``, with a folder for each run that was built here.
    ledger : path
        data/decisions/screening.csv: on a machine that has built no run, the records that people decided on.
    run : str
        Runs after it do not count.

    Returns
    -------
    set of str
    """
    built = [path for path in Path(results_dir).glob("*/records.csv") if path.parent.name <= run]
    found = set(tables.read(ledger, "screening")["record_id"])
    return found.union(*(tables.read_results(path)["record_id"] for path in sorted(built)[-1:]))


def marked_ready(sheets_dir):
    """Folders of records whose sheet, or whose two sheets, are marked as ready."""
    every = [*pending(sheets_dir), *pending_pairs(sheets_dir)]
    return sorted(folder for folder in every if _is_ready(folder))


def _is_ready(folder):
    both = double_extraction.folders(folder)
    # Opening a workbook takes a tenth of a second, and most that wait are as they were made.
    return all(not sheets.is_as_made(one) and sheet_cells.says_ready(one) for one in both or [folder])


def _read(folder, registry):
    """What a record's sheet or sheets hold, or what they wait for."""
    if double_extraction.folders(folder):
        *read, waits_for = double_extraction.settle(folder, registry=registry)
        return read, waits_for
    if sheets.is_untouched(folder):
        return None, "not filled in yet"
    return sheets.read(folder, registry=registry), None


def _archive(folder, archive):
    """Move a merged sheet away, beside any earlier sheet of the same record."""
    archive.mkdir(exist_ok=True)
    names = [folder.name, *(f"{folder.name}-{n}" for n in range(2, 1000))]
    folder.rename(next(archive / name for name in names if not (archive / name).exists()))
    tables.sync_folder(archive)


def _entering(folder, read, held, run):
    """What one sheet adds to the tables, and a sentence about it."""
    study, outcomes, not_reported = read
    record_id = sheets.record_id(folder)
    study_id = study.at[0, "study_id"]
    report = pd.DataFrame([{"record_id": record_id, "study_id": study_id, "run": run, "note": None}])
    new = {"studies": study.assign(run=run), "reports": report, "outcomes": outcomes.assign(run=run)}
    fresh = {name: _fresh(rows, held[name], TABLES[name], folder) for name, rows in new.items()}
    note = f"study {study_id} with {len(outcomes)} outcome rows merged for run {run}"
    if not_reported:
        note += f"; nothing typed for: {', '.join(not_reported)}"
    reasons = clearances.of_sheet(folder, double_extraction.folders(folder))
    return Entering(folder, fresh, set(outcomes["row_id"]), reasons, note)


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
        raise InputError(_typed_in(folder), problems=unknown)


def _typed_in(folder):
    """Where the outcomes of a sheet were typed: the CSV file, the workbook, or two people's folder."""
    if double_extraction.folders(folder):
        return folder
    return sheet_cells.read(folder)["outcomes"].path


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


def _whole(held, ready, *, run, trials_dir, registry):
    """Faults that show only once all rows stand together, and what should be looked at besides.

    Returns
    -------
    faults, looked_at : lists of str
        Two rows that claim one place in a pool, values that cannot be, and errors of the plausibility checks
        that no clearance covers; their warnings and notes.
    findings : set of tuple
        Row, check and digest of everything that the checks find in the sheets.
    """
    claimed = _claimed_twice(ready)
    if claimed:
        return claimed, [], set()
    together = {
        name: pd.concat([held[name], *(one.new[name] for one in ready)], ignore_index=True) for name in TABLES
    }
    studies = rows_at(together["studies"], run, ["study_id"])
    outcomes = rows_at(together["outcomes"], run, ["row_id"])
    try:
        for name, rows in together.items():
            tables.check(rows, trials_dir / f"{name}.csv", name)
        effects.compute(outcomes, studies, set(), protocol=[], file=_where(ready, trials_dir))
    except InputError as error:
        return [str(error)], [], set()
    known = clearances.read(trials_dir / "clearances.csv", run=run)
    given = [one.reasons for one in ready if not one.reasons.empty]
    known = pd.concat([known, *given], ignore_index=True) if given else known
    return _implausible(outcomes, studies, ready, cleared=known, trials_dir=trials_dir, registry=registry)


def _where(ready, trials_dir):
    """What a fault of all rows together is a fault of: a person looks first into the sheets that came."""
    names = ", ".join(str(one.folder) for one in ready)
    return f"{names}, together with {trials_dir}" if names else trials_dir


def _implausible(outcomes, studies, ready, *, cleared, trials_dir, registry):
    """What the plausibility checks say of the new rows: an error refuses its sheet, unless it was cleared."""
    entering = {row_id: one.folder for one in ready for row_id in one.new["outcomes"]["row_id"]}
    look_at = set().union(*(one.row_ids for one in ready))
    if not look_at:
        return [], [], set()
    found = plausibility.find(outcomes, studies, registry, look_at=look_at)
    table = clearances.apply(found, outcomes, cleared)
    faults = []
    for folder in dict.fromkeys(entering.values()):
        own = table[table["row_id"].map(entering) == folder]
        try:
            clearances.refuse_open_errors(
                own, outcomes_file=_typed_in(folder), clearances_file=trials_dir / "clearances.csv"
            )
        except InputError as error:
            faults.append(str(error))
    others = table[
        (table["severity"] != "error") & table["cleared_by"].isna() & table["row_id"].isin(entering)
    ]
    said = [f"look at {row.row_id}: {row.found}; expected: {row.expected}" for row in others.itertuples()]
    return faults, said, set(table[clearances.KEY].itertuples(index=False, name=None))


def _claimed_twice(ready):
    """Sheets that would add a row of the same key, such as two new trials of one suggested study id."""
    first, found = {}, []
    for one in ready:
        for name, key in TABLES.items():
            for row in one.new[name][key].itertuples(index=False, name=None):
                other = first.setdefault((name, row), one.folder)
                if other != one.folder:
                    text = f"{key[0]} {row[0]} is also in the sheet {other.name}"
                    hint = "give each trial an id of its own"
                    found.append(str(InputError(one.folder, problem=text, hint=hint)))
    return found
