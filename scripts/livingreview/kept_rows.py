"""Rows of people's tables that were there before and are gone: told, and put back.

These tables are only ever added to, and a lock keeps this program's writers apart. It does not reach a
spreadsheet program: an older version of a table that is saved over a newer one is a good table, and what was
filed meanwhile would be gone without a word. So rows are kept a second time, as the build of a month has
found them good and as they are filed, in the review's `.cache`. It is no store: nothing is read from
it but what is missing in a table, and a review is whole without it.
"""

import contextlib
import hashlib
import json
import logging
import os
from pathlib import Path

import pandas as pd

from livingreview import tables
from livingreview.errors import InputError

log = logging.getLogger(__name__)

FOLDER = ".cache/rows"  # from the review's folder
# The schema of each table, by its path from there.
TABLES = {
    "data/decisions/screening.csv": "screening",
    "data/decisions/pairs.csv": "pairs",
    "data/trials/studies.csv": "studies",
    "data/trials/reports.csv": "reports",
    "data/trials/outcomes.csv": "outcomes",
}
# By which columns a row is known again: with another note it is the same row, with another decision not.
KNOWN_BY = {
    "screening": ("record_id", "run", "stage", "reviewer", "decided_at", "decision"),
    "pairs": ("record_a", "record_b", "run", "reviewer", "decided_at", "verdict"),
    "studies": ("study_id", "revision"),
    "reports": ("record_id",),
    "outcomes": ("row_id", "revision"),
}
# What one of two reviewers may not learn of the other is in no message.
UNTOLD = ("decision", "verdict")
MARK = 16  # hexadecimal digits of the digest with which each line begins
SHOWN = 5


def append(frame, path, schema, **options):
    """Add rows to a table as `tables.append` does, and keep them; that they cannot be kept stops nobody.

    Of a table that is not one of `TABLES` in a review's folder nothing is kept.
    """
    now = tables.append(frame, path, schema, **options)
    parts = Path(path).parts
    if not frame.empty and TABLES.get("/".join(parts[-3:])) == schema:
        names = list(frame.columns)
        rows = frame.itertuples(index=False, name=None)
        cells = [dict(zip(names, map(tables.to_text, row), strict=True)) for row in rows]
        _keep(Path(*parts[:-3], FOLDER), schema, cells)
    return now


def see(folder, schema, path):
    """Keep the rows of a table that was found good and that are not kept yet."""
    known = {_key(schema, row) for row in _kept(folder, schema)}
    _keep(folder, schema, [row for row in _rows(schema, path) if _key(schema, row) not in known])


def missing(folder, schema, path):
    """The kept rows that a table does not hold, in the order in which they were filed.

    Returns
    -------
    list of dict
        Cells as text, by column; empty where nothing is missing, or the table cannot be read at all, which
        whoever reads it tells.
    """
    kept = _kept(folder, schema)
    if not kept:
        return []
    try:
        held = {_key(schema, row) for row in _rows(schema, path)}
    except (InputError, OSError):
        return []
    gone = {_key(schema, row): row for row in kept if _key(schema, row) not in held}
    return list(gone.values())


def missing_in(review):
    """The tables of a review in which kept rows are missing: path -> the rows, as from `missing`."""
    found = {
        path: missing(Path(review, FOLDER), schema, Path(review, path)) for path, schema in TABLES.items()
    }
    return {path: rows for path, rows in found.items() if rows}


def refuse_missing(review):
    """Stop if rows of a table are gone.

    Raises
    ------
    InputError
        Naming them, without what was decided.
    """
    for path, rows in missing_in(review).items():
        raise InputError(path, problem=told(path, rows), hint=HINT)


HINT = (
    "was an older copy saved over it, by a spreadsheet program perhaps? Close that, and put them back: make"
    " rows PUT_BACK=yes, or the desk's first page. If they were meant to go: make rows LET_GO=yes"
)


def told(path, rows):
    """What is missing, in words: how many rows, and the first of them."""
    columns = [column for column in KNOWN_BY[TABLES[path]] if column not in UNTOLD]
    first = ["/".join(filter(None, (row.get(column) for column in columns))) for row in rows[:SHOWN]]
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    are = "row that was there before is" if len(rows) == 1 else "rows that were there before are"
    return f"{len(rows)} {are} gone: {', '.join(first)}{more}"


def put_back(review, path):
    """Put the missing rows of a table back into their places; how many.

    Raises
    ------
    InputError
        If the table could not be read with them; nothing is written then.
    """
    schema, file = TABLES[path], Path(review, path)
    with tables.locked(file):
        gone = missing(Path(review, FOLDER), schema, file)
        if not gone:
            return 0
        tables.read(file, schema)  # a table that is at fault is not made anew
        lost = {_key(schema, row) for row in gone}
        after, before = {}, None
        for row in _kept(Path(review, FOLDER), schema):
            if _key(schema, row) in lost:
                after.setdefault(before, {})[_key(schema, row)] = row
            else:
                before = _key(schema, row)
        rows = list(after.get(None, {}).values())
        for row in _rows(schema, file):
            rows += [row, *after.pop(_key(schema, row), {}).values()]
        frame = pd.DataFrame(rows, columns=tables.columns(schema), dtype=object)
        tables.check(frame, file, schema)
        tables.write(frame, file)
    return len(gone)


def let_go(review, path):
    """Forget the rows that are missing in a table, because they were meant to go; how many."""
    folder, schema = Path(review, FOLDER), TABLES[path]
    gone = missing(folder, schema, Path(review, path))
    lost = {_key(schema, row) for row in gone}
    with tables.locked(_file(folder, schema)):
        kept = [_line(row) for row in _kept(folder, schema) if _key(schema, row) not in lost]
        tables.write_text("".join(kept), _file(folder, schema))
    return len(gone)


def _file(folder, schema):
    return Path(folder, f"{schema}.jsonl")


def _key(schema, row):
    return tuple((row.get(column) or "").strip() for column in KNOWN_BY[schema])


def _rows(schema, path):
    header, rows = tables.cells(path)
    if lacking := [column for column in KNOWN_BY[schema] if column not in header]:
        raise InputError(path, row=1, problem=f"the table lacks {', '.join(lacking)}")
    return [dict(zip(header, cells, strict=False)) for _, cells in rows]


def _line(row):
    text = json.dumps({name: cell for name, cell in row.items() if cell}, ensure_ascii=False)
    return f"{hashlib.sha256(text.encode()).hexdigest()[:MARK]} {text}\n"


def _kept(folder, schema):
    """The rows that are kept; lines that are not whole, or were changed, are passed over."""
    try:
        lines = _file(folder, schema).read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return []
    return [
        json.loads(line[MARK + 1 :])
        for line in lines
        if line[:MARK] == hashlib.sha256(line[MARK + 1 :].encode()).hexdigest()[:MARK]
    ]


def _keep(folder, schema, rows):
    if not rows:
        return
    file = _file(folder, schema)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tables.locked(file), contextlib.closing(_opened(file)) as opened:
            # What a writer that was killed left of a line is not joined to the next.
            begin = "" if _ends_whole(file) else "\n"
            opened.write(begin + "".join(map(_line, rows)))
    except OSError as error:
        log.warning("%s cannot be kept (%s): whether rows vanish from the table is not noticed", file, error)


def _opened(file):
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(file, flags, 0o664), "a", encoding="utf-8")


def _ends_whole(file):
    with file.open("rb") as opened:
        size = opened.seek(0, os.SEEK_END)
        if not size:
            return True
        opened.seek(size - 1)
        return opened.read(1) == b"\n"
