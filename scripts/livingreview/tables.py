"""Tables, JSON and text on disk: checked on the way in, atomic on the way out."""

import collections
import contextlib
import csv
import fcntl
import functools
import hashlib
import io
import json
import math
import os
import re
import secrets
import stat
from pathlib import Path
from typing import NamedTuple

import jsonschema
import numpy as np
import pandas as pd

from livingreview.errors import InputError, problem
from livingreview.formulas import guarded, unguarded

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"

# Ten significant digits keep every number far below what is printed, and make files
# independent of the last bits, which differ between processors.
FLOAT_FORMAT = ".10g"

# Whole numbers beyond it are not exact in a double; no trial counts or measures anything near it.
LARGEST = 2**53

# Of a file that is being written: its name, a number drawn at random, and this.
PARTIAL = ".partial"
LEFTOVER = re.compile(r"\..+\.[0-9a-f]{8}\.partial")


def read(path, schema, *, skip=None):
    """Read a CSV file and check every cell against a schema.

    Parameters
    ----------
    path : path
        A CSV file: UTF-8 (with or without byte order mark), commas, one header row.
    schema : str
        Name of a file in ``schemas/`` without ``.schema.json``. Its ``properties`` are the columns, its
        ``key`` (a list of columns) must be unique. A file that lacks exactly the columns that are not
        ``required`` was written by an older version; they count as empty.
    skip : callable, optional
        Given a row as a dict of text, says whether to pass it over unchecked.

    Returns
    -------
    DataFrame
        Columns in the order of the schema; text columns hold str or None, numbers are float
        (NaN where empty), integers are pandas' nullable integers, yes/no columns are bool.

    Raises
    ------
    InputError
        Naming every fault found: wrong separator or encoding, unknown, missing or doubled columns, ragged
        rows, values that the schema does not allow, duplicate keys.
    """
    return read_cells(path, *_cells(path), schema, skip=skip)


class Checked(NamedTuple):
    """A table that was read and found good.

    Attributes
    ----------
    frame : DataFrame
        As from `read`.
    header : tuple of str
        The columns as the file has them.
    data : bytes
        The file's.
    """

    frame: pd.DataFrame
    header: tuple
    data: bytes


def checked(path, schema):
    """Read a CSV file as `read` does, for one who means to `append` to it often; a `Checked`."""
    return _checked(_bytes(path), path, schema)


def _checked(data, path, schema):
    header, rows = _cells_of(data, path)
    return Checked(read_cells(path, header, rows, schema), tuple(header), data)


def cells(path):
    """The cells of a CSV file as they were typed, for a reader who completes them before `read_cells`.

    Returns
    -------
    header : list of str
    rows : list of (int, list of str)
        Row number as a spreadsheet counts it, and cells; empty rows are left out.

    Raises
    ------
    InputError
        If the file is missing, empty, no CSV, or has another separator or encoding.
    """
    return _cells(path)


def read_cells(path, header, rows, schema, *, skip=None):
    """Check cells against a schema as `read` does, whatever file they came from.

    Parameters
    ----------
    path : path or str
        Names the file in messages.
    header, rows
        As from `cells`.
    schema, skip
        As in `read`.
    """
    declared = load_schema(schema)
    _check_header(path, header, declared)
    if skip:
        rows = [(number, cells) for number, cells in rows if not skip(dict(zip(header, cells, strict=False)))]
    problems = []
    records = []
    numbers = []
    validator = _validator(schema)
    is_good = _row_check(validator)
    for number, cells in rows:
        if len(cells) != len(header):
            problems.append(
                problem(
                    f"{len(cells)} cells where the header has {len(header)}",
                    row=number,
                    hint="a comma inside a cell needs quotation marks around the cell",
                )
            )
            continue
        record = dict.fromkeys(declared["properties"])
        for column, text in zip(header, cells, strict=True):
            value, fault = _typed(text, declared["properties"][column])
            record[column] = value
            if fault:
                problems.append(problem(row=number, column=column, found=text, **fault))
        bad = {p for p in record if isinstance(record[p], _Unreadable)}
        if bad or not is_good(record):
            problems += _violations(validator, record, number, bad)
        records.append(record)
        numbers.append(number)
    problems += _duplicates(records, numbers, declared.get("key", []))
    if problems:
        raise InputError(path, problems=problems)
    return _frame(records, declared)


def _pattern(_validator, pattern, instance, _schema):
    """A pattern as JSON Schema means it: its final $ is the end, and not a line end before the end too."""
    strict = re.sub(r"(?<!\\)\$$", r"\\Z", pattern)
    if isinstance(instance, str) and not re.search(strict, instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


Validator = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": _pattern})


def require(paths):
    """Refuse to begin without files that must be there.

    Raises
    ------
    InputError
        Naming every one that is missing.
    """
    missing = [str(path) for path in paths if not Path(path).is_file()]
    if missing:
        raise InputError(
            missing[0],
            problem="there is no such file" + (f"; nor {', '.join(missing[1:])}" if missing[1:] else ""),
            hint="restore it from version control, or begin with a copy of the bundled one cut to its header",
        )


def load_schema(name):
    """The schema ``schemas/<name>.schema.json`` as a dict."""
    return json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))


def columns(schema):
    """The columns that a schema declares, in order."""
    return list(load_schema(schema)["properties"])


def read_results(path):
    """Read a CSV that the workflow itself wrote: ids stay text, empty cells are NaN (None for text)."""
    frame = pd.read_csv(path, dtype=RESULT_TYPES, keep_default_na=False, na_values=[""])
    for column in frame.columns:
        if column in YES_NO_COLUMNS:
            unknown = set(frame[column].str.lower()) - {"true", "false"}
            if unknown:
                raise InputError(path, column=column, found=sorted(map(str, unknown)), allowed="true, false")
            frame[column] = (frame[column].str.lower() == "true").astype(bool)
        elif not pd.api.types.is_numeric_dtype(frame[column]):
            frame[column] = _text_column(frame[column])
    return frame


def plain_rows(frame):
    """A frame as a list of dicts; missing values are None."""
    cells = frame.to_numpy(dtype=object, copy=True)
    cells[pd.isna(cells)] = None
    columns = list(frame.columns)
    return [
        {
            name: cell.item() if isinstance(cell, np.generic) else cell
            for name, cell in zip(columns, row, strict=True)
        }
        for row in cells.tolist()
    ]


def rows(frame):
    """The rows as `frame.itertuples()` gives them, as a list; of a few rows in a thirtieth of its time."""
    row = _row_class(tuple(frame.columns))
    cells = frame.to_numpy(dtype=object).tolist()
    return [row(index, *own) for index, own in zip(frame.index.tolist(), cells, strict=True)]


@functools.lru_cache(maxsize=64)
def _row_class(columns):
    return collections.namedtuple("Row", ["Index", *columns], rename=True)


def _text_column(column):
    texts = column.astype(object).where(column.notna(), None)
    begins = column.astype(str).str.startswith("'")
    return texts.where(~begins, texts[begins].map(unguarded))


# Columns of the workflow's own tables that hold text, even where they look like numbers or are all empty.
TEXT_COLUMNS = [
    "record_id",
    "pmid",
    "doi",
    "title",
    "authors",
    "journal",
    "year",
    "publication_types",
    "mesh_terms",
    "keywords",
    "abstract",
    "language",
    "registry_ids",
    "entry_date",
    "source",
    "first_run",
    "last_run",
    "duplicate_of",
    "vernacular_title",
    "other_abstract",
    "found_in",
    "volume",
    "issue",
    "pages",
    "group_id",
    "record_a",
    "record_b",
    "kind",
    "id",
    "version",
    "stream",
    "evidence",
    "verdict",
    *(f"{name}_{side}" for name in ("title", "authors", "year", "journal") for side in "ab"),
    "medline_status",
    "indexing_method",
    "editorial_status",
    "notices",
    "notice",
    "effect",
    "arrival",
    "retrieval",
    "run",
    "event",
    "date",
    "date_revised",
    "other_pmid",
    "detail",
    "stage",
    "state",
    "design",
    "band",
    "terms",
    "model",
    "link",
    "decision",
    "reason",
    "reviewer",
    "note",
    "entered",
    "check",
    "severity",
    "found",
    "expected",
    "hint",
    "cells",
    "digest",
    "cleared_by",
    "clearance_note",
    "table",
    "row",
    "field",
    "old",
    "new",
    "tool",
    "domain",
    "judgement",
    "basis",
    "reviewers",
    "row_id",
    "study",
    "study_id",
    "label",
    "outcome",
    "comparison",
    "instrument",
    "timepoint",
    "arm_1",
    "arm_2",
    "conversion",
    "assumption",
    "effect_type",
    "population",
    "condition",
    "comparator",
    "run",
    "record_ids",
    "since_run",
    "sheet",
    "variable",
    "value",
    "omitted",
    "measure",
    "method_tau2",
    "method_ci",
    "method_pi",
    "method_I2",
    "month",
    "trained_before",
    "key",
    "why",
    "differ_in",
    *(f"{name}_{number}" for name in ("reviewer", "decision", "reason", "note") for number in (1, 2)),
    "further",
]
# Said so, because an empty table would not show it.
YES_NO_COLUMNS = ["in_pool", "in_sensitivity", "withdrawn", "tested", "read_first", "included"]
RESULT_TYPES = dict.fromkeys([*TEXT_COLUMNS, *YES_NO_COLUMNS], str)


def write(frame, path):
    """Write a frame as CSV (UTF-8, LF, ten significant digits), atomically."""
    write_text(to_csv(frame), path)


def to_csv(frame):
    """A frame as CSV text: None and NaN empty, true/false, numbers with ten significant digits.

    Text that a spreadsheet would take for a formula begins with an apostrophe, which reading takes off.
    """
    return "".join(_line(cells) for cells in [frame.columns, *frame.itertuples(index=False, name=None)])


def to_text(value):
    """A value as text, as a cell holds it before formulas are guarded: "" for None and NaN."""
    return _cell(value)


def _line(cells):
    out = io.StringIO()
    # The writer quotes what its line end holds: a lone carriage return must be quoted too.
    csv.writer(out, lineterminator="\r\n").writerow([guarded(_cell(value)) for value in cells])
    return out.getvalue().removesuffix("\r\n") + "\n"


def append(frame, path, schema, *, lock=True, known=None):
    """Add rows to a table that people own, atomically; what is there already stays as it is, to the byte.

    Two processes that append at once wait for each other. The whole new content is checked against the
    schema first, so that a table never becomes unreadable. ``lock=False`` is for one who holds `locked`.
    A table of an older version gets the columns that it lacks; the cells of its rows stay as they are.

    Parameters
    ----------
    frame : DataFrame
    path : path
    schema : str
    lock : bool
    known : Checked, optional
        The table as it was last seen. If it is still that to the byte, only the new rows are looked at, which
        matters at twenty thousand of them; the result is the same.

    Returns
    -------
    Checked
        The table as it is now; `known` where there was nothing to add.

    Raises
    ------
    InputError
        If the table as it would become breaks its schema; nothing is written then.
    """
    path = Path(path)
    if frame.empty:
        return known
    with locked(path) if lock else contextlib.nullcontext():
        old = _bytes(path)
        data, now = _grown(frame, old, path, schema, known) or _rebuilt(frame, old, path, schema)
        write_bytes(data, path)
    return now


def _grown(frame, old, path, schema, known):
    """The bytes and the `Checked` of a table with rows added, or None if all of it must be looked at."""
    declared = load_schema(schema)
    if known is None or declared.get("key") or _missing(known.header, declared) or old != known.data:
        return None
    text = to_csv(frame.reindex(columns=list(known.header)))
    try:
        added = read_cells(path, *_cells_of(text.encode("utf-8"), path), schema)
    except InputError:
        return None  # looked at as a whole, the fault is named by its row in the file
    data = _joined(old, text)
    whole = pd.concat([known.frame, added], ignore_index=True)
    return data, Checked(whole, known.header, data)


def _rebuilt(frame, old, path, schema):
    header, old_rows = _cells_of(old, path)
    lacking = _missing(header, load_schema(schema))
    if lacking:
        old = _widened(header, old_rows, lacking)
    data = _joined(old, to_csv(frame.reindex(columns=[*header, *lacking])))
    return data, _checked(data, path, schema)


def _joined(old, text):
    """A table's bytes and, below them, the rows of another's text."""
    return old + (b"" if old.endswith(b"\n") else b"\n") + text.split("\n", 1)[1].encode("utf-8")


def _widened(header, rows, added):
    """A table with columns added at its right, empty in every row; bytes."""
    filled = [_line([*cells, *[""] * len(added)]) for _, cells in rows]
    return "".join([_line([*header, *added]), *filled]).encode("utf-8")


def check(frame, path, schema):
    """Refuse a frame that could not be read again if it were written to `path`; nothing is written.

    Raises
    ------
    InputError
        As from `read`.
    """
    _checked(to_csv(frame).encode("utf-8"), path, schema)


@contextlib.contextmanager
def locked(path):
    """Hold a lock beside a file while it is read, changed and replaced."""
    path = Path(path)
    # A link in its place would have another file opened, and emptied.
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path.parent / f".{path.name}.lock", flags, 0o664), "r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write_json(obj, path):
    """Write JSON as `to_json` gives it, atomically."""
    write_text(to_json(obj), path)


def to_json(obj):
    """JSON with sorted keys, NaN as null and numbers with ten significant digits, as text."""
    return json.dumps(_plain(obj), sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def digest(obj):
    """SHA-256 of an object as `write_json` would write it: the same values in any order, the same digest."""
    return hashlib.sha256(to_json(obj).encode("utf-8")).hexdigest()


def read_json(path):
    """Read a JSON file; `InputError` says where it is broken."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(path, problem=f"this is not JSON: {error}") from None


def write_text(text, path):
    """Write text as UTF-8, atomically: readers see the old file or the new one, never a part."""
    write_bytes(text.encode("utf-8"), path)


def write_bytes(data, path):
    """Write bytes to a temporary file beside `path`, flush it to disk, and rename it.

    A new file gets the mode that the umask leaves it, one that was there keeps its own, and none may be
    written by everybody. A link at `path` gives way to the file; what it led to stays as it is.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = _temporary(path)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            if (mode := _mode(path)) is not None:
                os.fchmod(file.fileno(), mode & ~stat.S_IWOTH)
            os.replace(name, path)
        sync_folder(path.parent)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise


def sync_folder(folder):
    """Flush to disk which files a folder holds: a rename is kept through a power cut only then."""
    # Some network file systems do this by themselves, and refuse.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove_leftovers(folder):
    """Remove what writers that were killed left in a folder and below; those that still write are let be.

    A writer holds a lock on its temporary file until it has put it into its place.

    Returns
    -------
    list of Path
        What was removed.
    """
    removed = []
    for path in sorted(Path(folder).rglob(f".*{PARTIAL}")):
        with contextlib.suppress(OSError):
            if LEFTOVER.fullmatch(path.name) and _remove_unlocked(path):
                removed.append(path)
    return removed


def _remove_unlocked(path):
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
        return True
    finally:
        os.close(descriptor)


def _temporary(path):
    """Open a new file beside `path`, which `tempfile` would keep from the group; descriptor and name."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    while True:
        name = str(path.with_name(f".{path.name}.{secrets.token_hex(4)}{PARTIAL}"))
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(name, flags, 0o664)
            with contextlib.suppress(OSError):  # a file system without locks: then nothing is removed either
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            # Before it was locked, `remove_leftovers` of another process may have taken it for one.
            if Path(name).exists():
                return descriptor, name
            os.close(descriptor)


def _mode(path):
    """The permissions of a file that is there; None of a link or of nothing."""
    try:
        found = path.lstat().st_mode
    except FileNotFoundError:
        return None
    return stat.S_IMODE(found) if stat.S_ISREG(found) else None


def _bytes(path):
    if not Path(path).is_file():
        raise InputError(
            path, problem="there is no such file", hint="a table without rows has its header row"
        )
    return Path(path).read_bytes()


def _cells(path):
    return _cells_of(_bytes(path), path)


def _cells_of(data, path):
    """The header and the numbered rows of a CSV file's bytes; the path names it in messages."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            path,
            problem=f"byte {error.start} is not UTF-8",
            hint="in Excel choose 'Save as', 'CSV UTF-8 (comma delimited)'",
        ) from None
    first = text.split("\n", 1)[0]
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        if separator in first and "," not in first:
            raise InputError(
                path,
                row=1,
                problem=f"the columns are separated by {name}",
                allowed="commas",
                hint="a spreadsheet set to a language with decimal commas saves like this; choose 'CSV UTF-8"
                " (comma delimited)', or set its language to English before saving",
            )
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        rows = [(number, cells) for number, cells in enumerate(reader, start=1)]
    except csv.Error as error:
        raise InputError(path, problem=f"this is not a CSV file: {error}") from None
    rows = [(number, cells) for number, cells in rows if any(cell.strip() for cell in cells)]
    if not rows:
        raise InputError(path, problem="the file is empty", hint="it needs at least its header row")
    held = [(number, [unguarded(cell) for cell in cells]) for number, cells in rows[1:]]
    return [cell.strip() for cell in rows[0][1]], held


def _check_header(path, header, declared):
    allowed = list(declared["properties"])
    missing = _missing(header, declared)
    if missing == [column for column in allowed if column not in declared["required"]]:
        missing = []  # a file of an older version; one that lacks only some of them has lost them
    problems = [
        problem("unknown column", row=1, found=column, allowed=", ".join(allowed))
        for column in header
        if column not in allowed
    ]
    problems += [
        problem(
            "missing column", row=1, column=column, hint="the order of columns is free, their names are not"
        )
        for column in missing
    ]
    problems += [
        problem("column occurs twice", row=1, column=column)
        for column in sorted(column for column, n in collections.Counter(header).items() if n > 1)
    ]
    if problems:
        raise InputError(path, problems=problems)


def _missing(header, declared):
    return [column for column in declared["properties"] if column not in header]


class _Unreadable:
    """Stands for a cell that is no number where one is needed, so that it is reported once."""


def _types(declared):
    types = declared.get("type", ["string", "null"])
    return [types] if isinstance(types, str) else types


def _typed(text, declared):
    """The value of a cell by its declared type, and what is wrong with it if it has none."""
    text = text.strip()
    types = _types(declared)
    if text == "":
        return None, None
    if "integer" in types or "number" in types:
        # int() and float() accept "1_000" and "nan"; a table does not.
        if re.fullmatch(
            r"[+-]?\d+(\.0+)?" if "integer" in types else r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", text, re.I
        ):
            value = int(float(text)) if math.isfinite(float(text)) and "integer" in types else float(text)
            if abs(value) < LARGEST:
                return value, None
        kind = "a whole number" if "integer" in types else "a number with a decimal point"
        return _Unreadable(), {"allowed": kind, "hint": _number_hint(text)}
    if "boolean" in types:
        if text.lower() in ("true", "false"):
            return text.lower() == "true", None
        return _Unreadable(), {"allowed": "true or false"}
    return text, None


MONTH = "(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
DATE = re.compile(rf"\d[./-]\d+[./-]\d|\d/\d|\d[./ -]{MONTH}|{MONTH}[a-z]*[./ -]*\d", re.I)


def _number_hint(text):
    if re.fullmatch(r"[+-]?\d+,\d+", text):
        return "write the decimal comma as a point"
    if "\u2212" in text or "\u2013" in text:
        return "use the plain minus sign of the keyboard"
    if DATE.search(text):
        return "a spreadsheet may have turned the number into a date; format the column as text first"
    return None


@functools.cache
def _validator(schema):
    declared = load_schema(schema)
    rows = {name: value for name, value in declared.items() if name != "key"}
    return Validator(rows)


# What a schema may say beside rules on several cells of one row.
_ABOUT_CELLS = {
    *("$schema", "title", "description", "type", "key"),
    *("properties", "required", "additionalProperties"),
}


def _row_check(validator):
    """A function that says whether a row, which has all columns, is as its schema wants it.

    Where the schema has rules on cells alone, a value once found good in its column is not looked at again:
    most cells of twenty thousand decisions say the same few things.
    """
    if set(validator.schema) - _ABOUT_CELLS:
        return validator.is_valid
    rules = {name: validator.evolve(schema=rule) for name, rule in validator.schema["properties"].items()}
    good = set()

    def is_good(record):
        for cell in record.items():
            # 1, 1.0 and true are equal, and not one type.
            known = (*cell, type(cell[1]))
            if known not in good:
                column, value = cell
                if not rules[column].is_valid(value):
                    return False
                good.add(known)
        return True

    return is_good


def _violations(validator, record, number, unreadable):
    found = []
    checked = {column: value for column, value in record.items() if column not in unreadable}
    for error in validator.iter_errors(checked):
        column = error.absolute_path[0] if error.absolute_path else None
        if column is None:
            missing = error.validator == "required" and set(error.validator_value) & unreadable
            if not missing:
                found.append(problem(error.schema.get("description") or error.message, row=number))
            continue
        if error.validator == "enum" and error.instance is None:
            continue  # an empty cell is told as such, with the values that it may have
        found.append(problem(row=number, column=column, found=error.instance, **_allowed(error)))
    return found


def _allowed(error):
    """What a schema allows, in words."""
    text = error.instance
    schema = error.schema
    if error.validator == "enum":
        return {"allowed": ", ".join("(empty)" if v is None else str(v) for v in error.validator_value)}
    if error.validator == "type":
        filled = ", ".join(schema.get("enum", ["not empty"]))
        return {
            "text": "empty" if text is None else None,
            "allowed": filled if text is None else " or ".join(_types(schema)),
            "hint": schema.get("description"),
        }
    if error.validator == "pattern":
        hint = "a spreadsheet may have changed the value; format the column as text before typing"
        return {"allowed": schema.get("description", error.validator_value), "hint": hint}
    limits = {
        "minimum": f"{error.validator_value} or more",
        "maximum": f"{error.validator_value} or less",
        "exclusiveMinimum": f"more than {error.validator_value}",
        "exclusiveMaximum": f"less than {error.validator_value}",
    }
    return {"allowed": limits.get(error.validator, schema.get("description", error.message))}


def _duplicates(records, numbers, key):
    """Rows whose key an earlier row already has."""
    found = []
    seen = {}
    for number, record in zip(numbers, records, strict=True):
        value = tuple(record.get(column) for column in key)
        if not key:
            break
        if value in seen:
            shown = ", ".join(f"{column}={part}" for column, part in zip(key, value, strict=True))
            found.append(
                problem(
                    f"duplicate key {shown}, first in row {seen[value]}", row=number, hint="each key once"
                )
            )
        else:
            seen[value] = number
    return found


def _frame(records, declared):
    data = {}
    for column, spec in declared["properties"].items():
        values = [record[column] for record in records]
        types = _types(spec)
        if "integer" in types:
            data[column] = pd.array(values, dtype="Int64")
        elif "number" in types:
            data[column] = pd.array([math.nan if v is None else v for v in values], dtype="float64")
        elif "boolean" in types and "null" not in types:
            data[column] = pd.array(values, dtype="bool")
        else:
            data[column] = pd.Series(values, dtype=object)
    return pd.DataFrame(data, columns=list(declared["properties"]))


def _cell(value):
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool) or type(value).__name__ == "bool_":
        return "true" if value else "false"
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return format(value + 0.0, FLOAT_FORMAT)
    return str(value)


def _plain(obj):
    if isinstance(obj, dict):
        return {str(key): _plain(value) for key, value in obj.items()}
    if isinstance(obj, list | tuple):
        return [_plain(value) for value in obj]
    if obj is None or obj is pd.NA:
        return None
    if hasattr(obj, "item"):
        obj = obj.item()
    if isinstance(obj, float):
        return None if math.isnan(obj) else float(format(obj + 0.0, FLOAT_FORMAT))
    return obj
