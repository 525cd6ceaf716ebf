"""How the pages save: checked, under the file's lock, on disk before anything is said, others' work seen.

A page that shows what can be changed keeps a token of it in its form, `seen` of the rows of that one record
or study. When the form comes back::

    with saving.changing(held, filing.LEDGER, "screening") as table:
        own = table.frame[table.frame["record_id"] == record_id]
        saving.refuse_changed(own, flask.request.form["seen"], what=f"record {record_id}")
        rows, _ = decisions.from_queue(...)      # raises InputError: nothing is written
        table.append(rows)                       # on disk when it returns
        held.replace(key, [filing.LEDGER], made)  # what a page keeps of the ledger, brought forward
    flask.flash("Filed.")
    return flask.redirect(...)

`Changed` and `InputError` may be let through: the application then answers with a page that shows what was
found beside what was typed, so that nothing is lost. The workflow's own commands take the same locks.
"""

import contextlib
from pathlib import Path

import pandas as pd

from livingreview import kept_rows, tables
from livingreview.errors import InputError, ReviewError

GONE = "rows that are gone"


class Changed(ReviewError):
    """Somebody else has changed what a page was about since it was shown; nothing was saved.

    Attributes
    ----------
    rows : DataFrame or None
        What was found instead, for the page that tells the later one. Leave out columns that this person must
        not see (what another said under blinding).
    """

    def __init__(self, text, rows=None):
        super().__init__(text)
        self.rows = rows


class Table:
    """A table whose lock is held; from `changing`.

    Attributes
    ----------
    path : str
        From the review's folder.
    schema : str
    """

    def __init__(self, held, path, schema):
        self._held = held
        self.path = path
        self.schema = schema

    @property
    def frame(self):
        """The table as it is on disk now, shared: never change it in place."""
        return self._held.checked(self.path, self.schema).frame

    def append(self, rows):
        """Add rows; flushed to disk when this returns.

        Raises
        ------
        InputError
            If the table would break its schema; nothing is written then.
        """
        held, kept = self._held, _with_kept(self.path)
        known, n_gone = held.checked(self.path, self.schema), held.still((GONE, self.path), kept)
        now = kept_rows.append(rows, held.review / self.path, self.schema, lock=False, known=known)
        held.replace(("checked", self.path, self.schema), [self.path], now)
        if n_gone == 0:  # nor is any after a row more, which a whole table of rows need not be read to know
            held.replace((GONE, self.path), kept, 0)

    def write(self, frame):
        """Put a frame in the place of the whole table; on disk when this returns. Raises as `append`."""
        path = self._held.review / self.path
        tables.check(frame, path, self.schema)
        tables.write(frame, path)


def gone(held, path):
    """How many rows that were filed before are not in a table any more; see `kept_rows`.

    Parameters
    ----------
    held : Held
    path : str
        One of `kept_rows.TABLES`.
    """
    schema, folder = kept_rows.TABLES[path], held.review / kept_rows.FOLDER
    return held.derived(
        (GONE, path),
        _with_kept(path),
        lambda table, _kept: len(kept_rows.missing(folder, schema, table)),
        optional=True,
    )


def _with_kept(path):
    """A table, and where its rows are kept."""
    return [path, f"{kept_rows.FOLDER}/{Path(path).stem}.jsonl"]


@contextlib.contextmanager
def changing(held, path, schema, *, optional=False):
    """Hold the lock of a table while it is read, checked and changed; a `Table`.

    Hold one at a time, and as briefly as a person would wait: whoever else wants to save waits for it. With
    `optional`, one that a review may do without is begun where it is missing.

    Parameters
    ----------
    held : Held
    path : str
        From the review's folder.
    schema : str
    """
    file = held.review / path
    if optional:
        file.parent.mkdir(parents=True, exist_ok=True)
    with tables.locked(file):
        table = Table(held, path, schema)
        if optional and not held.exists(path):
            table.write(held.table(path, schema, optional=True))
        yield table


def add(held, path, schema, row):
    """Add one row, a dict, to a table that a review may do without; on disk when this returns.

    Raises as `Table.append`.
    """
    with changing(held, path, schema, optional=True) as table:
        table.append(pd.DataFrame([row], columns=tables.columns(schema), dtype=object))


def refuse_repeated(rows, path):
    """Stop if nothing is to be added although something else is in force: `InputError`."""
    if rows.empty:
        raise InputError(
            path,
            problem="this was filed before, in the same words, and corrected since",
            hint="say in the note why it is changed back",
        )


def seen(rows):
    """A token of what a page shows of a table: the same for the same rows in the same order.

    Parameters
    ----------
    rows : DataFrame
        The rows of one record or study, in the columns that matter; may be empty.
    """
    return tables.digest(tables.to_csv(rows))[:32]


def refuse_changed(rows, token, *, what, shown=None):
    """Stop if rows are not those that a page showed.

    Parameters
    ----------
    rows : DataFrame
        The rows as they are on disk now, chosen as for `seen`.
    token : str
        What `seen` gave for the page.
    what : str
        What they say something about, in words: "record 12345678".
    shown : DataFrame, optional
        What the person may see of them; all, if left out.

    Raises
    ------
    Changed
    """
    if token != seen(rows):
        raise Changed(
            f"{what} was changed by somebody else since this page was shown. Nothing was saved: what you"
            " entered is below, beside what is on file now. Look at it, and save again if you still want to.",
            rows if shown is None else shown,
        )
