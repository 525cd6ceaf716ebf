"""What was corrected in the extracted data: field by field, from what to what, why and when."""

import itertools

import pandas as pd

from livingreview import tables
from livingreview.errors import InputError, problem

COLUMNS = ["run", "table", "row", "field", "old", "new", "reason"]
KEYS = {"studies": ["study_id"], "outcomes": ["row_id"], "instruments": ["name", "outcome"]}
# These differ in every correction, and say nothing about the trial.
BOOKKEEPING = {"run", "revision", "revision_reason"}


def corrections_until(frames, *, run):
    """Every correction in force at a run.

    Parameters
    ----------
    frames : dict of str to DataFrame
        Of the tables ``studies``, ``outcomes`` and ``instruments``, those that a review has, with all their
        revisions.
    run : str
        A month YYYY-MM; later rows do not count yet.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`, all text, as a CSV file holds it ("" for an empty cell): the run in which a
        correction began to count, table, key of the row, field, value before and after, reason. A correction
        that changed no field, such as one of its reason alone, is listed with an empty field. Sorted by run,
        table, row, revision and the table's order of fields.

    Raises
    ------
    InputError
        If a revision is missing, or begins to count before the one that it corrects.
    """
    rows = []
    for table, frame in sorted(frames.items()):
        key = KEYS[table]
        disorder = list(_disorder(frame, key))
        if disorder:
            raise InputError(f"data/trials/{table}.csv", problems=disorder)
        known = frame[frame["run"] <= run].sort_values([*key, "revision"])
        # Most rows were never corrected.
        known = known[known.duplicated(key, keep=False)]
        for name, revisions in known.groupby(key, sort=True):
            rows += _of_row(table, ", ".join(name), revisions)
    # Stable, so that revisions and fields stay in their order within a row.
    rows.sort(key=lambda row: (row["run"], row["table"], row["row"]))
    return pd.DataFrame(rows, columns=COLUMNS).astype(object)


def _disorder(frame, key):
    """Revisions that would hide a correction or let it count before the value that it corrects."""
    for name, revisions in frame.sort_values([*key, "revision"]).groupby(key, sort=True):
        row, before = ", ".join(name), None
        for number, run in zip(revisions["revision"], revisions["run"], strict=True):
            expected = 1 if before is None else before[0] + 1
            if number != expected:
                hint = "a correction takes the next number, and the rows before it stay"
                yield problem(row=row, column="revision", found=int(number), allowed=int(expected), hint=hint)
            if before is not None and run < before[1]:
                hint = "a correction counts from the run in which it is made"
                yield problem(row=row, column="run", found=run, allowed=f"{before[1]} or later", hint=hint)
            before = number, run


def _of_row(table, name, revisions):
    held = revisions.map(tables.to_text).to_dict("records")
    for before, after in itertools.pairwise(held):
        said = {
            "run": after["run"],
            "table": table,
            "row": name,
            "reason": after["revision_reason"],
        }
        fields = [field for field in after if field not in BOOKKEEPING and before[field] != after[field]]
        for field in fields or [""]:
            yield said | {"field": field, "old": before.get(field, ""), "new": after.get(field, "")}
