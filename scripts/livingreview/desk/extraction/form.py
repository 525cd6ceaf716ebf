"""The form of a trial as its page posts it, turned into the rows of a sheet.

Names of fields: ``study.<column>`` for the columns of studies.csv, ``row.<number>.<column>`` for those of
outcomes.csv, where rows are numbered from 0 in the order of the page. ``row.<number>.way`` is the id of one
of `ways.WAYS`, from which ``effect_type`` follows. ``clear.<row_id>.<check>.<digest>`` holds the reason why a
value is right in which a check found something. All values are text as typed; white space within is one
space.
"""

import re

from livingreview import tables
from livingreview.desk.extraction.ways import WAYS
from livingreview.trials.plausibility import CHECKS

ROW = re.compile(r"row\.(\d{1,4})\.([a-z0-9_]+)")
CLEAR = re.compile(r"clear\.([a-z0-9_.]+)\.([a-z_]+)\.([0-9a-f]{12})")


def study(form):
    """The study's facts: column to text, all columns of the schema ``studies``.

    Parameters
    ----------
    form : mapping of str to str
        What was posted, such as ``flask.request.form``.
    """
    return {column: _plain(form.get(f"study.{column}", "")) for column in tables.columns("studies")}


def rows(form):
    """The rows of outcomes in the order of the page: for each a dict of text by column.

    Parameters
    ----------
    form : mapping of str to str

    Returns
    -------
    list of dict
        All columns of the schema ``outcomes``, "" where nothing was typed; ``study_id`` is that of the
        study's facts, and ``effect_type`` that of the way of printing that was chosen. Rows in which nothing
        was typed are among them: `sheet_cells.is_filled` tells them.
    """
    found = {}
    for name in form:
        if match := ROW.fullmatch(name):
            found.setdefault(int(match[1]), {})[match[2]] = _plain(form[name])
    study_id = _plain(form.get("study.study_id", ""))
    return [_row(typed, study_id) for _, typed in sorted(found.items())]


def ways(form):
    """The way of printing chosen in each row, in the order of `rows`; "" where none is chosen."""
    numbers = sorted({int(match[1]) for name in form if (match := ROW.fullmatch(name))})
    return [form.get(f"row.{number}.way", "") for number in numbers]


def reasons(form):
    """Why findings are right: (row_id, check, digest) to the reason, "" where the form has none."""
    found = {name: match.groups() for name in form if (match := CLEAR.fullmatch(name))}
    return {key: _plain(form[name]) for name, key in found.items() if is_finding(*key)}


def is_finding(row_id, check, digest):
    """Whether three texts can name what a check found: others would leave a table that nobody can read."""
    return bool(CLEAR.fullmatch(f"clear.{row_id}.{check}.{digest}")) and check in CHECKS


def _row(typed, study_id):
    row = {column: typed.get(column, "") for column in tables.columns("outcomes")}
    way = WAYS.get(typed.get("way", ""))
    return row | {"study_id": study_id, "effect_type": way.effect_type if way else ""}


def _plain(text):
    return " ".join(text.split())
