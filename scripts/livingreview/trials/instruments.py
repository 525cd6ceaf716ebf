"""The registry of instruments: what each measures, which way it points, and what its scores can be."""

from pathlib import Path

import pandas as pd

from livingreview import tables
from livingreview.errors import InputError, problem
from livingreview.trials.revisions import rows_at

TABLE = "data/trials/instruments.csv"


def read(path=TABLE, *, run="9999-12"):
    """The instruments in force at a run.

    Parameters
    ----------
    path : path
        A file that is missing is an empty registry: a review may do without.
    run : str, default "9999-12"
        A month YYYY-MM; rows of later runs do not count yet.

    Returns
    -------
    DataFrame
        One row per name and outcome, in the columns of the schema ``instruments``.

    Raises
    ------
    InputError
        If the table breaks its schema, a range is upside down, or two instruments of an outcome share a name
        or an alias.
    """
    if not Path(path).is_file():
        return pd.DataFrame(columns=tables.columns("instruments"))
    frame = tables.read(path, "instruments")
    problems = [*_upside_down(frame), *_shared_names(rows_at(frame, "9999-12", ["name", "outcome"]))]
    if problems:
        raise InputError(path, problems=problems)
    return rows_at(frame, run, ["name", "outcome"])


class Lookup:
    """Finds an instrument by what a report calls it.

    Parameters
    ----------
    frame : DataFrame
        From `read`.
    """

    def __init__(self, frame):
        self._rows = {}
        self._of_outcome = {}
        for row in frame.to_dict("records"):
            self._of_outcome.setdefault(row["outcome"], []).append(row["name"])
            for name in names(row):
                self._rows[plain(name), row["outcome"]] = row

    def find(self, name, outcome):
        """The row of an instrument as a dict of its columns, or None if the registry has none.

        Parameters
        ----------
        name : str or None
            A name or an alias; case, and spaces at its ends or doubled, do not count.
        outcome : str
            One instrument may measure two outcomes, with a row for each.
        """
        return self._rows.get((plain(name), outcome)) if isinstance(name, str) else None

    def of_outcome(self, outcome):
        """Names of the instruments of an outcome, sorted as `read` sorts them."""
        return list(self._of_outcome.get(outcome, []))


def lookup(frame):
    """A `Lookup` in a registry from `read`."""
    return Lookup(frame)


def names(row):
    """The name and the aliases of a row."""
    aliases = row["aliases"] if isinstance(row["aliases"], str) else ""
    return [row["name"], *(alias.strip() for alias in aliases.split(";") if alias.strip())]


def plain(name):
    """A name as it is compared."""
    return " ".join(name.split()).casefold()


def _upside_down(frame):
    for row in frame.to_dict("records"):
        for low, high in (("range_low", "range_high"), ("sd_low", "sd_high")):
            # NaN compares false: a row without a range has none that could be wrong.
            if row[low] > row[high] or (low == "range_low" and row[low] == row[high]):
                yield problem(
                    row=row["name"],
                    column=high,
                    found=row[high],
                    allowed=f"above {low}, which is {row[low]:g}",
                )


def _shared_names(frame):
    first = {}
    for row in frame.to_dict("records"):
        for name in dict.fromkeys(map(plain, names(row))):
            other = first.setdefault((name, row["outcome"]), row["name"])
            if other != row["name"]:
                yield problem(
                    f"{name!r} is also a name of {other}, for the same outcome",
                    row=row["name"],
                    column="aliases",
                    hint="a name means one instrument",
                )
