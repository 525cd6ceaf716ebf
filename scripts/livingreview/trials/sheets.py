"""Extraction sheets: prefilled for each newly included record, merged into the trials when filled in.

A sheet is a folder with two small tables, ``study.csv`` and ``outcomes.csv``, in the columns of the trials'
own tables, so that what is typed is what is kept; ``record_id.txt`` names the record it was made for. Nothing
ever overwrites a sheet.
"""

import itertools
import re
import string
import unicodedata

import pandas as pd

from livingreview import tables
from livingreview.errors import InputError

# What a sheet holds before anybody has typed; a row with anything else in it counts as filled in.
PREFILLED = {
    "study.csv": [
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
    "outcomes.csv": ["row_id", "study_id", "outcome", "timepoint", "priority", "status", "run", "revision"],
}


def folder_name(record_id):
    """The folder of a record's sheet: the record id with characters that file systems mind replaced."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", record_id)


def suggest_study_id(record, taken):
    """A study id such as ``palermo_2024``, with a letter where it is taken."""
    name = (record.get("authors") or "").split(";")[0].strip()
    # "Palermo TM" has the family name first; a group author keeps its first word.
    family = re.sub(r"\s+[A-Z]{1,3}$", "", name) or (record.get("title") or "study").split()[0]
    plain = unicodedata.normalize("NFKD", family).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "_", plain).strip("_") or "study"
    base = f"{stem}_{record['year']}" if record.get("year") else stem
    ends = itertools.chain(string.ascii_lowercase[1:], itertools.count(27))
    names = itertools.chain([base], (f"{base}_{end}" for end in ends))
    return next(name for name in names if name not in taken)


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
        "first_author": (record.get("authors") or "").split(";")[0].strip() or None,
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


def write(folder, record_id, study, outcomes):
    """Write a sheet unless it exists; returns whether it was written.

    The study's table comes last: a sheet that a crash cut short has none and is written again.
    """
    if (folder / "study.csv").exists():
        return False
    tables.write(outcomes, folder / "outcomes.csv")
    tables.write_text(f"{record_id}\n", folder / "record_id.txt")
    tables.write(study, folder / "study.csv")
    return True


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


def read(folder):
    """Read a filled-in sheet.

    Returns
    -------
    study, outcomes : DataFrame
        Rows ready for the trials' tables; outcome rows in which nothing was filled in are left out.
    not_reported : list of str
        The outcomes of the rows left out.

    Raises
    ------
    InputError
        If a table breaks its schema, there is not exactly one study, or a row names another study.
    """
    not_reported = []

    def empty(row):
        if _is_filled(row, "outcomes.csv"):
            return False
        not_reported.append(row.get("outcome", ""))
        return True

    outcomes = tables.read(folder / "outcomes.csv", "outcomes", skip=empty)
    study = tables.read(folder / "study.csv", "studies")
    if len(study) != 1:
        raise InputError(
            folder / "study.csv", problem=f"{len(study)} studies", allowed="one study in a sheet"
        )
    study_id = study.at[0, "study_id"]
    other = sorted(set(outcomes["study_id"]) - {study_id})
    if other:
        raise InputError(
            folder / "outcomes.csv",
            column="study_id",
            problem="rows of another study than the sheet's",
            found=", ".join(other),
            allowed=study_id,
        )
    return study, outcomes, not_reported


def is_untouched(folder):
    """Whether nobody has typed anything into the sheet yet."""
    filled = []
    for name, schema in (("study.csv", "studies"), ("outcomes.csv", "outcomes")):
        tables.read(
            folder / name, schema, skip=lambda row, name=name: filled.append(_is_filled(row, name)) or True
        )
    return not any(filled)


def _is_filled(row, name):
    return any(text.strip() for column, text in row.items() if column not in PREFILLED[name])
