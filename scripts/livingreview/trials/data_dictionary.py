"""What the columns of a table mean, in the words of the data dictionary, so that they are written once."""

import re
from pathlib import Path

from livingreview import tables

DICTIONARY = Path(__file__).resolve().parents[3] / "data/README.md"
SECTIONS = {"studies": "trials/studies.csv", "outcomes": "trials/outcomes.csv"}


def meanings(schema, path=DICTIONARY):
    """The meaning of each column of a table.

    Parameters
    ----------
    schema : str
        ``studies`` or ``outcomes``.
    path : path
        The data dictionary.

    Returns
    -------
    dict of str to str
        In the order of the schema; "" for a column that the dictionary does not describe.
    """
    text = Path(path).read_text(encoding="utf-8")
    section = re.search(rf"^## {re.escape(SECTIONS[schema])}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    found = {}
    for names, meaning in re.findall(r"^\| (`[^|]*) \| (.*?) \|$", section[1] if section else "", re.M):
        found |= dict.fromkeys(re.findall(r"`([^`]+)`", names), meaning.replace("`", ""))
    return {column: found.get(column, "") for column in tables.columns(schema)}


def of_sheet():
    """What the columns of a sheet mean: its two tables, and the cell that lets it be merged."""
    ready = "yes once all is in: the next run merges the sheet then; empty until then"
    return {"study": {"ready": ready, **meanings("studies")}, "outcomes": meanings("outcomes")}
