"""How the pages of this part add a row to a table that people own."""

import pandas as pd

from livingreview import tables
from livingreview.desk import saving


def held_table(held, path, schema):
    """A table that a review may do without: as it is on disk, or without rows."""
    if held.exists(path):
        return held.table(path, schema)
    return pd.DataFrame(columns=tables.columns(schema), dtype=object)


def add(held, path, schema, row):
    """Add one row, a dict, to a table, which is begun if there is none; on disk when this returns.

    Raises
    ------
    InputError
        If the table would break its schema; nothing is written then.
    """
    file = held.review / path
    file.parent.mkdir(parents=True, exist_ok=True)
    with tables.locked(file):
        if not file.exists():
            tables.write_text(",".join(tables.columns(schema)) + "\n", file)
    with saving.changing(held, path, schema) as table:
        table.append(pd.DataFrame([row], columns=tables.columns(schema), dtype=object))
