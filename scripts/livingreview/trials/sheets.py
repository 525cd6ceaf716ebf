"""Extraction sheets: prefilled for each newly included record, merged into the trials when filled in.

A sheet is a folder with two small tables, ``study.csv`` and ``outcomes.csv``, in the columns of the trials'
own tables, so that what is typed is what is kept, and the same tables as a workbook, ``extraction.xlsx``;
people fill in the one or the other. ``record_id.txt`` names the record it was made for. Nothing ever
overwrites a sheet.
"""

import hashlib
import itertools
import re
import string
import unicodedata

import pandas as pd

from livingreview import tables
from livingreview.errors import InputError, problem
from livingreview.trials import instruments, sheet_cells
from livingreview.trials.sheet_cells import AS_MADE, FILES, READY, REASONS, WORKBOOK, digest

# What a sheet may be, in the order in which it gets there; `faults`: it cannot be read at all, or is marked
# as ready and would be refused.
EMPTY, BEGUN, READY_STATE, FAULTS = "empty", "begun", "ready", "faults"

# Where in a report a number stands: one of these for each row that gives numbers.
PLACES = ["page", "table_or_figure", "quote"]
# Numbers of a row that are no result of the trial.
NO_RESULTS = {"weeks", "priority", "revision"}


# A DOI may have 2,000 characters and the name of a folder 255; those in use have well below 100.
LONGEST_FOLDER = 100


def folder_name(record_id, *, apart=False):
    """The folder of a record's sheet: the record id with characters that file systems mind replaced.

    A long one ends in part of a digest of the whole, and so does one that is to be told ``apart`` from
    another record's of the same name.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", record_id)
    if len(plain) <= LONGEST_FOLDER and not apart:
        return plain
    return f"{plain[: LONGEST_FOLDER - 13]}-{hashlib.sha256(record_id.encode()).hexdigest()[:12]}"


def suggest_study_id(record, taken):
    """A study id such as ``palermo_2024``, with a letter where it is taken."""
    family = _family_name(record) or (record.get("title") or "study").split()[0]
    plain = unicodedata.normalize("NFKD", family).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "_", plain).strip("_") or "study"
    base = f"{stem}_{record['year']}" if record.get("year") else stem
    ends = itertools.chain(string.ascii_lowercase[1:], itertools.count(27))
    names = itertools.chain([base], (f"{base}_{end}" for end in ends))
    return next(name for name in names if name not in taken)


def _family_name(record):
    """The first author's family name, as the studies' table holds it: Palermo, of "Palermo TM"."""
    name = (record.get("authors") or "").split(";")[0].strip()
    # Initials come last; the name of a group has none and stays whole.
    return re.sub(r"\s+[A-Z]{1,3}$", "", name)


def prefill(record, *, study_id, outcomes, timepoint, run):
    """The two tables of an empty sheet.

    Parameters
    ----------
    record : dict
        A row of the corpus.
    study_id : str
        The suggested id; the maintainer may change it.
    outcomes : sequence of str
        The protocol's outcomes; one row each.
    timepoint : str
        The protocol's timepoint.
    run : str
        A month YYYY-MM.

    Returns
    -------
    study, outcomes : DataFrame
        In the columns of the schemas ``studies`` and ``outcomes``.
    """
    study = {
        "study_id": study_id,
        "first_author": _family_name(record) or None,
        "source": _source(record),
        "run": run,
        "revision": 1,
        **{
            column: record.get(column)
            for column in ("year", "title", "journal", "doi", "pmid", "registry_ids")
        },
    }
    rows = [
        {
            "row_id": f"{study_id}.{outcome}.1",
            "study_id": study_id,
            "outcome": outcome,
            "timepoint": timepoint,
            "priority": 1,
            "status": "ok",
            "run": run,
            "revision": 1,
        }
        for outcome in outcomes
    ]
    return (
        pd.DataFrame([study]).reindex(columns=tables.columns("studies")),
        pd.DataFrame(rows).reindex(columns=tables.columns("outcomes")),
    )


def _source(record):
    if record.get("pmid"):
        return f"PubMed {record['pmid']}"
    return f"doi {record['doi']}" if record.get("doi") else None


def with_ready(study):
    """The study's table as it stands in a sheet: with the cell that lets the sheet be merged."""
    return study.assign(**{READY: None})[[READY, *study.columns]]


def write(folder, record_id, study, outcomes, *, workbook=None):
    """Write a sheet unless it exists; returns whether it was written.

    Parameters
    ----------
    folder : Path
    record_id : str
    study, outcomes : DataFrame
        From `prefill`.
    workbook : bytes, optional
        From `workbook.make`.

    Notes
    -----
    The study's table comes last: a sheet that a crash cut short has none and is written again.
    """
    if (folder / FILES["study"]).exists():
        return False
    made = {FILES["outcomes"]: tables.to_csv(outcomes).encode("utf-8")}
    if workbook is not None:
        made[WORKBOOK] = workbook
    made |= {
        "record_id.txt": f"{record_id}\n".encode(),
        FILES["study"]: tables.to_csv(with_ready(study)).encode("utf-8"),
    }
    tables.write_json({name: digest(data) for name, data in made.items()}, folder / AS_MADE)
    for name, data in made.items():
        tables.write_bytes(data, folder / name)
    return True


def is_as_made(folder):
    """Whether no file of a sheet has changed since it was made; False where that is not known."""
    if not (folder / AS_MADE).is_file():
        return False
    made = tables.read_json(folder / AS_MADE)
    return all(
        (folder / name).is_file() and digest((folder / name).read_bytes()) == of_made
        for name, of_made in made.items()
    )


def changed_files(sheets_dir):
    """Files of the sheets, of two extractors too, that have changed since they were made; sorted."""
    folders = {path.parent for path in [*sheets_dir.glob("*/study.csv"), *sheets_dir.glob("*/*/study.csv")]}
    waiting = [folder for folder in folders if "merged" not in folder.relative_to(sheets_dir).parts[:-1]]
    names = [*FILES.values(), WORKBOOK, "record_id.txt", REASONS]
    files = [folder / name for folder in waiting if not is_as_made(folder) for name in names]
    settled = [path for name in ("conflicts.csv", REASONS) for path in sheets_dir.glob(f"*/{name}")]
    return sorted({str(path) for path in [*files, *settled] if path.is_file()})


def record_id(folder):
    """The record that a sheet was made for.

    Raises
    ------
    InputError
        If ``record_id.txt`` is missing.
    """
    path = folder / "record_id.txt"
    if not path.is_file():
        raise InputError(path, problem="there is no such file", hint="it names the record of the sheet")
    return path.read_text(encoding="utf-8").strip()


def read(folder, *, registry=None):
    """Read a filled-in sheet, from its CSV files or its workbook.

    Parameters
    ----------
    folder : Path
    registry : instruments.Lookup, optional
        Gives the direction of a known instrument where ``higher_is`` is empty.

    Returns
    -------
    study, outcomes : DataFrame
        Rows ready for the trials' tables; outcome rows in which nothing was filled in are left out. An added
        row in which ids were left empty gets those of its sheet.
    not_reported : list of str
        The outcomes of the rows left out.

    Raises
    ------
    InputError
        If a table breaks its schema, there is not exactly one study, a row names another study, contradicts
        the registry, or gives numbers without saying where they stand.
    """
    typed = sheet_cells.read(folder)
    sheet_cells.check_ready(typed["study"])
    study_id = next((row.get("study_id", "") for row in typed["study"].dicts()), "")
    run = next((row.get("run", "") for row in typed["study"].dicts()), "")
    faults = []
    try:
        outcomes, not_reported = _outcomes(typed["outcomes"], study_id, run, registry)
    except InputError as error:
        faults.append(error)
    try:
        study = study_of(typed["study"])
    except InputError as error:
        faults.append(error)
    if faults:
        raise _joined(folder, faults)
    other = sorted(set(outcomes["study_id"]) - {study_id})
    if other:
        raise InputError(
            typed["outcomes"].path,
            column="study_id",
            problem="rows of another study than the sheet's",
            found=", ".join(other),
            allowed=study_id,
        )
    return study, outcomes, not_reported


def study_of(table):
    """The study's row of a `sheet_cells.Table`, checked; raises `InputError` as `read` does."""
    table = table.without(READY)
    study = tables.read_cells(table.path, table.header, table.rows, "studies")
    if len(study) != 1:
        raise InputError(table.path, problem=f"{len(study)} studies", allowed="one study in a sheet")
    return study


def _joined(folder, faults):
    """The faults of both tables as one error, so that a person sees all of them at once."""
    if len(faults) == 1:
        return faults[0]
    start = f"{folder}/"
    lines = [f"{fault.file.removeprefix(start)}: {line}" for fault in faults for line in fault.problems]
    return InputError(folder, problems=lines)


def _outcomes(table, study_id, run, registry):
    """The filled-in outcome rows, checked, and the outcomes of the rows left out."""
    not_reported, rows, problems = [], [], []
    taken = {row.get("row_id", "") for row in table.dicts()}
    for number, cells in table.rows:
        row = dict(zip(table.header, cells, strict=False))
        if not sheet_cells.is_filled(row, "outcomes"):
            if row.get("outcome", ""):
                not_reported.append(row["outcome"])
            continue
        if len(cells) == len(table.header):
            complete(row, study_id, run, taken)
            problems += _direct(row, number, registry)
            problems += placeless(row, number)
            cells = [row[column] for column in table.header]  # noqa: PLW2901
        rows.append((number, cells))
    try:
        frame = tables.read_cells(table.path, table.header, rows, "outcomes")
    except InputError as error:
        problems = [*error.problems, *problems]
    if problems:
        raise InputError(table.path, problems=problems)
    return frame, not_reported


def rows_apart(table, *, study_id, run, registry=None):
    """Each filled-in outcome row by itself, so that one at fault hides no other while a sheet is being typed.

    Parameters
    ----------
    table : sheet_cells.Table
    study_id, run : str
        Of rows in which they were left empty.
    registry : instruments.Lookup, optional
        As in `read`.

    Yields
    ------
    row : dict of str to str
        What was typed, with the ids that `read` would give it.
    frame : DataFrame or None
        The row in the columns of the outcomes table; None if it is at fault.
    problems : list of str
        The faults. That its numbers have no place in the report yet is none here.
    """
    taken = {row.get("row_id", "") for row in table.dicts()}
    for number, cells in table.rows:
        row = dict(zip(table.header, cells, strict=False))
        if not sheet_cells.is_filled(row, "outcomes"):
            continue
        problems = []
        if len(cells) == len(table.header):
            complete(row, study_id, run, taken)
            problems = _direct(row, number, registry)
        try:
            whole = len(cells) == len(table.header)
            typed = [row[column] for column in table.header] if whole else cells
            frame = tables.read_cells(table.path, table.header, [(number, typed)], "outcomes")
        except InputError as error:
            problems = [*error.problems, *problems]
        yield row, (None if problems else frame), problems


def complete(row, study_id, run, taken):
    """Give an added row (text by column) the ids that it shares with its sheet; what a person typed stays.

    ``taken`` holds the row ids of the sheet, and gains the new one.
    """
    for column, value in (("study_id", study_id), ("run", run), ("revision", "1"), ("status", "ok")):
        if column in row and not row[column].strip():
            row[column] = value
    if "row_id" in row and not row["row_id"].strip() and row.get("outcome", "").strip():
        names = (f"{row['study_id']}.{row['outcome'].strip()}.{n}" for n in itertools.count(1))
        row["row_id"] = next(name for name in names if name not in taken)
        taken.add(row["row_id"])


def _direct(row, number, registry):
    """Fill in the direction of a known instrument, or say what contradicts it; a list of problems."""
    name = row.get("instrument", "").strip()
    outcome = row.get("outcome", "").strip()
    known = registry.find(name, outcome) if registry and name else None
    typed = row.get("higher_is", "").strip()
    if registry and name and not known and not typed and registry.of_outcome(outcome):
        # A misspelt name would otherwise only be told that its direction is missing.
        return [
            problem(
                f"{instruments.TABLE} has no such instrument of {outcome}, so its direction is not known",
                row=number,
                column="instrument",
                found=name,
                allowed=f"{', '.join(registry.of_outcome(outcome))}; or another with higher_is filled in",
            )
        ]
    if not known or "higher_is" not in row:
        return []
    row["higher_is"] = typed or known["higher_is"]
    if typed in ("", known["higher_is"]):
        return []
    return [
        problem(
            f"contradicts {instruments.TABLE}, by which a higher {known['name']} is {known['higher_is']}",
            row=number,
            column="higher_is",
            found=typed,
            allowed=f"{known['higher_is']}, or empty",
            hint="a version of it that is scored the other way needs a name of its own in instrument",
        )
    ]


def placeless(row, number):
    """A problem if a row gives numbers and does not say where in the report they stand."""
    places = [column for column in PLACES if column in row]
    given = [column for column in _results() if row.get(column, "").strip()]
    # A sheet of an older version has no such columns.
    if not places or not given or any(row[column].strip() for column in places):
        return []
    return [
        problem(
            "numbers without their place in the report",
            row=number,
            column=" or ".join(places),
            found=f"{given[0]} {row[given[0]].strip()}",
            allowed="a page, a table or figure, or a quote",
            hint="whoever checks the number must be able to find it",
        )
    ]


def _results():
    """Columns whose numbers a trial reported."""
    declared = tables.load_schema("outcomes")["properties"]
    types = {name: spec.get("type", []) for name, spec in declared.items()}
    return [
        name
        for name, type_ in types.items()
        if name not in NO_RESULTS
        and (
            name == "printed_effect"
            or {"number", "integer"} & set([type_] if isinstance(type_, str) else type_)
        )
    ]


def is_untouched(folder):
    """Whether nobody has typed anything into the sheet yet."""
    if is_as_made(folder):
        return True
    typed = sheet_cells.read(folder)
    return not any(sheet_cells.is_filled(row, name) for name, table in typed.items() for row in table.dicts())


def state(folder, *, registry=None):
    """How far a sheet is, and what stands in its way.

    Returns
    -------
    state : str
        ``empty``, ``begun``, ``ready`` or ``faults``.
    note : str or None
        The faults, where there are any; what is missing from a sheet that is only begun is none yet.
    """
    if is_as_made(folder):
        return EMPTY, None
    marked = sheet_cells.says_ready(folder)
    try:
        if not marked:
            return (EMPTY if is_untouched(folder) else BEGUN), None
        read(folder, registry=registry)
    except InputError as error:
        return FAULTS, str(error)
    return READY_STATE, None
