"""People's notes that clear a finding, until a value that was cleared changes."""

import hashlib
from pathlib import Path

import pandas as pd

from livingreview import tables
from livingreview.errors import InputError, problem
from livingreview.trials.plausibility import CHECKS, COLUMNS, table
from livingreview.trials.sheet_cells import REASONS

TABLE = "data/trials/clearances.csv"
KEY = ["row_id", "check", "digest"]
FINDING_COLUMNS = (*COLUMNS, "digest", "cleared_by", "clearance_note")
REOPENED = "opened again: a value has changed since {reviewer} cleared it"


def read(path=TABLE, *, run="9999-12", row_ids=None):
    """The clearances that exist at a run.

    Parameters
    ----------
    path : path
        A file that is missing is an empty table.
    run : str, default "9999-12"
        A month YYYY-MM; rows of later runs do not count yet.
    row_ids : collection of str, optional
        The rows of outcomes there are; a clearance of another one is refused.

    Returns
    -------
    DataFrame
        Columns of the schema ``clearances``.

    Raises
    ------
    InputError
        If the table breaks its schema, or names a check or a row that does not exist.
    """
    if not Path(path).is_file():
        return pd.DataFrame(columns=tables.columns("clearances"), dtype=object)
    frame = tables.read(path, "clearances")
    problems = []
    for row in frame.itertuples():
        if row.check not in CHECKS:
            problems.append(
                problem(row=row.row_id, column="check", found=row.check, allowed=", ".join(sorted(CHECKS)))
            )
        if row_ids is not None and row.row_id not in row_ids:
            hint = "findings.csv of the results has the row_id, check and digest to copy"
            about = {"found": row.row_id, "allowed": "a row of outcomes", "hint": hint}
            problems.append(problem(row=row.row_id, column="row_id", **about))
    if problems:
        raise InputError(path, problems=problems)
    return frame[frame["run"] <= run].reset_index(drop=True)


def of_sheet(folder, parts=()):
    """Why findings in a sheet are right, as people said while it was filled in.

    Parameters
    ----------
    folder : Path
        The record's folder in the sheets.
    parts : sequence of Path
        Of two extractors the folders of both.

    Returns
    -------
    DataFrame
        Columns of the schema ``clearances``, each finding once. What whoever settled two extractions said
        counts; where nothing was, what the extractors said, of both with " | " between.

    Raises
    ------
    InputError
        As `read`.
    """
    settled, theirs = read(folder / REASONS), [read(part / REASONS) for part in parts]
    both = pd.concat(theirs, ignore_index=True) if theirs else settled.iloc[:0]
    both = both[~both[KEY].apply(tuple, axis=1).isin(set(settled[KEY].itertuples(index=False, name=None)))]
    joined = [
        rows.iloc[-1].to_dict()
        | {
            "reviewer": "; ".join(dict.fromkeys(rows["reviewer"])),
            "note": " | ".join(dict.fromkeys(rows["note"])),
        }
        for _, rows in both.groupby(KEY, sort=False)
    ]
    added = pd.DataFrame(joined, columns=settled.columns, dtype=object)
    return added if settled.empty else pd.concat([settled, added], ignore_index=True)


def add(rows, path):
    """Add clearances that a table does not hold yet; those that it holds stay as they are.

    Parameters
    ----------
    rows : DataFrame
        In the columns of the schema ``clearances``.
    path : path
        A file that is missing is made.

    Raises
    ------
    InputError
        If the table would break its schema; nothing is written then.
    """
    path = Path(path)
    with tables.locked(path):
        if not path.is_file():
            tables.write(pd.DataFrame(columns=tables.columns("clearances")), path)
        held = set(tables.read(path, "clearances")[KEY].itertuples(index=False, name=None))
        new = [name not in held for name in rows[KEY].itertuples(index=False, name=None)]
        tables.append(rows[new], path, "clearances", lock=False)


def digest(finding, cells):
    """What a person clears: the check and the values that it judged.

    Parameters
    ----------
    finding : Finding
    cells : callable
        ``cells(row_id, column)`` gives the value.

    Returns
    -------
    str
        Twelve hexadecimal digits of SHA-256; how a number is written (5.40 or 5.4) does not count.
    """
    lines = [finding.row_id, finding.check]
    lines += [
        "\t".join((row_id, column, tables.to_text(cells(row_id, column)))) for row_id, column in finding.cells
    ]
    return hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()[:12]


def apply(findings, outcomes, clearances):
    """Findings as a table, each with who cleared it and why.

    Parameters
    ----------
    findings : list of Finding
        From `plausibility.find`.
    outcomes : DataFrame
        The rows in which they were found.
    clearances : DataFrame
        From `read`. Of several with the same row, check and digest the last counts.

    Returns
    -------
    DataFrame
        Columns `FINDING_COLUMNS`; ``cleared_by`` is None for a finding that is open. Where a value has
        changed since it was cleared, the note says so.
    """
    rows = outcomes.set_index("row_id").to_dict("index")
    notes = {(c.row_id, c.check, c.digest): c for c in clearances.itertuples()}
    once = {(c.row_id, c.check): c for c in clearances.itertuples()}
    frame = table(findings)
    digests = [digest(one, lambda row_id, column: rows[row_id].get(column)) for one in findings]
    by, note = [], []
    for one, key in zip(findings, digests, strict=True):
        valid, older = notes.get((one.row_id, one.check, key)), once.get((one.row_id, one.check))
        by.append(valid.reviewer if valid else None)
        note.append(valid.note if valid else REOPENED.format(reviewer=older.reviewer) if older else None)
    texts = {"digest": digests, "cleared_by": by, "clearance_note": note}
    return frame.assign(**{name: pd.Series(values, dtype=object) for name, values in texts.items()})


def open_errors(found):
    """Of a table from `apply`, the errors that nobody has cleared."""
    return found[(found["severity"] == "error") & found["cleared_by"].isna()]


def set_aside(outcomes, found):
    """Outcomes in which each row with an uncleared error is set aside, with the finding as reason.

    Parameters
    ----------
    outcomes : DataFrame
    found : DataFrame
        From `apply`.

    Returns
    -------
    DataFrame
        A copy with status and set_aside_reason changed; rows set aside already keep their reason.
    """
    reasons = {}
    for row in open_errors(found).itertuples():
        reasons.setdefault(row.row_id, []).append(f"{row.check}: {row.found}")
    hit = outcomes["row_id"].isin(reasons) & (outcomes["status"] == "ok")
    out = outcomes.copy()
    out.loc[hit, "status"] = "set_aside"
    out.loc[hit, "set_aside_reason"] = [
        "uncleared finding, " + "; ".join(reasons[row_id]) for row_id in out.loc[hit, "row_id"]
    ]
    return out


def refuse_open_errors(found, *, outcomes_file, clearances_file=TABLE):
    """Stop while an error stands uncleared.

    Raises
    ------
    InputError
        Naming every such finding, and how to clear it.
    """
    problems = [
        problem(
            row.found,
            row=row.row_id,
            allowed=row.expected,
            hint=f"{row.hint}; correct it, or say why it is right: clear {row.check}, digest {row.digest}, in"
            f" {clearances_file}",
        )
        for row in open_errors(found).itertuples()
    ]
    if problems:
        raise InputError(outcomes_file, problems=problems)
