"""What was corrected in the extracted data: field by field, from what to what, why and when."""

import itertools

import pandas as pd

from livingreview import tables

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
    """
    rows = []
    for table, frame in sorted(frames.items()):
        key = KEYS[table]
        known = frame[frame["run"] <= run].sort_values([*key, "revision"])
        for name, revisions in known.groupby(key, sort=True):
            rows += _of_row(table, ", ".join(name), revisions)
    # Stable, so that revisions and fields stay in their order within a row.
    rows.sort(key=lambda row: (row["run"], row["table"], row["row"]))
    return pd.DataFrame(rows, columns=COLUMNS).astype(object)


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
