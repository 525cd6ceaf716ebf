"""The workbook of a sheet: the tables of its CSV files with drop-down lists, for Excel and LibreOffice.

Headers and prefilled ids are locked against slips, without a password. Whatever comes from data is written as
text and can never be a formula; whatever a spreadsheet makes of typed numbers (dates, percentages, formulas)
is refused with its cell when the workbook is read.
"""

import datetime
import io
import re
import warnings
import zipfile
import zlib
from dataclasses import dataclass

import openpyxl
import pandas as pd
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill, Protection
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.worksheet.datavalidation import DataValidation

from livingreview import tables, xml_reading
from livingreview.errors import InputError, ReviewError, problem
from livingreview.formulas import FORMULA

SHEETS = ("study", "outcomes")
SCHEMA = {"study": "studies", "outcomes": "outcomes"}
LOCKED = {
    "study": {"study_id", "pmid", "doi", "run", "revision"},
    "outcomes": {"row_id", "study_id", "outcome", "run", "revision"},
}
# Rows below the prefilled ones, for further instruments, time points and arms of the same trial.
SPARE_ROWS = 20
FAR = 1048576  # the last row of a sheet: a list that it ends at covers rows that people add
FILL = {
    "header": PatternFill("solid", fgColor="FFD9E1F2"),
    "locked": PatternFill("solid", fgColor="FFEDEDED"),
    "ready": PatternFill("solid", fgColor="FFFFF2CC"),
}
# What a workbook may be, far above what any sheet needs (10 KB, 70 columns, some 50 rows): a small file can
# hold more than the memory does, and one cell at the far corner makes the library walk through billions.
MOST_PARTS = 500
MOST_BYTES = 50 * 2**20  # unpacked
MOST_ROWS = 10_000
MOST_COLUMNS = 500
MOST_CHARACTERS = 32_767  # of a cell, by Excel's own limits
# What the library raises for a file that is no workbook, or a damaged one; it has no error of its own.
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    SyntaxError,
    LookupError,
    ValueError,
    OSError,
    TypeError,
    AttributeError,
    NotImplementedError,
    RuntimeError,
)
# What the library refuses, and what XML cannot hold besides.
UNFIT = re.compile(f"{ILLEGAL_CHARACTERS_RE.pattern}|[\ud800-\udfff\ufffe\uffff]")
# A zip file cannot say an earlier moment; the same sheet is the same to the byte.
EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Workbook:
    """What a workbook holds: the record that it was made for, and per table its header and rows of text."""

    record_id: str | None
    tables: dict


def make(record_id, study, outcomes, *, registry, protocol, meanings):
    """A prefilled workbook.

    Parameters
    ----------
    record_id : str
    study, outcomes : DataFrame
        From `sheets.prefill`, the study's table with the column ``ready``.
    registry : DataFrame
        From `instruments.read`.
    protocol : sequence of str
        The outcomes that a row may name.
    meanings : dict of str to dict
        For ``study`` and ``outcomes``, the meaning of each column.

    Returns
    -------
    bytes
        An .xlsx file, the same for the same arguments.
    """
    book = openpyxl.Workbook()
    book.remove(book.active)
    lists = _Lists(book)
    for name, frame in zip(SHEETS, (study, outcomes), strict=True):
        sheet = book.create_sheet(name)
        _fill(sheet, name, frame)
        _validate(sheet, name, frame, lists=lists, protocol=protocol, meanings=meanings[name])
    _offer_instruments(book["outcomes"], outcomes, registry, lists, protocol)
    _instruments(book.create_sheet("instruments"), registry)
    _help(book.create_sheet("help"), record_id, meanings)
    book.move_sheet("lists", offset=len(book.sheetnames))
    return _fixed(book)


def _fill(sheet, name, frame):
    """Header and rows, locked where a slip would do harm."""
    for at, column in enumerate(frame.columns, start=1):
        cell = sheet.cell(1, at)
        _put(cell, column)
        cell.font, cell.fill = Font(bold=True), FILL["ready" if column == "ready" else "header"]
        sheet.column_dimensions[get_column_letter(at)].width = max(12, len(column) + 2)
    declared = tables.load_schema(SCHEMA[name])["properties"]
    spare = SPARE_ROWS if name == "outcomes" else 0
    rows = [*frame.itertuples(index=False, name=None), *[(None,) * len(frame.columns)] * spare]
    for number, row in enumerate(rows, start=2):
        for at, (column, value) in enumerate(zip(frame.columns, row, strict=True), start=1):
            cell = sheet.cell(number, at)
            text = tables.to_text(value)
            locked = column in LOCKED[name] and text != ""
            cell.protection = Protection(locked=locked)
            if locked:
                cell.fill = FILL["locked"]
            # As text, a typed 1-2 stays a page and does not become a date.
            if not _is_number(declared.get(column, {})):
                cell.number_format = "@"
            _put(cell, text, number=_is_number(declared.get(column, {})))
    sheet.freeze_panes = sheet.cell(2, 2 if name == "outcomes" else 1)
    protection = sheet.protection
    protection.sheet = True
    # Widths and heights may be changed although the sheet is locked.
    protection.formatColumns = protection.formatRows = False


def _put(cell, text, *, number=False):
    """Write a text as text: nothing that came from data is ever read as a formula."""
    text = UNFIT.sub("", text)
    if text == "":
        return
    if number and re.fullmatch(r"-?\d+(\.\d+)?", text):
        cell.value = float(text) if "." in text else int(text)
        return
    cell.value = text
    cell.data_type = "s"
    if FORMULA.match(text):
        cell.quotePrefix = True


def of_tables(frames):
    """A workbook for people to read and sort, one sheet for each table.

    Parameters
    ----------
    frames : dict of str to DataFrame
        By the name of the sheet, of up to 31 characters.

    Returns
    -------
    bytes
        An .xlsx file, the same for the same tables. Numbers are numbers, and everything else is text as a CSV
        file holds it, so that nothing in it is ever run; characters that a workbook cannot hold are left out.

    Raises
    ------
    ReviewError
        If a text is longer than a cell may be.
    """
    for name, frame in frames.items():
        _refuse_long(name, frame)
    book = openpyxl.Workbook(write_only=True)
    for name, frame in frames.items():
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        numbers = [
            pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind)
            for kind in frame.dtypes
        ]
        sheet.append([_text_cell(sheet, column, bold=True) for column in frame.columns])
        for row in frame.itertuples(index=False, name=None):
            texts = map(tables.to_text, row)
            sheet.append(
                [
                    float(text) if is_number and text else _text_cell(sheet, text)
                    for text, is_number in zip(texts, numbers, strict=True)
                ]
            )
    return _fixed(book)


def _refuse_long(name, frame):
    """Stop at a text that no cell can hold: the library would cut it without a word."""
    for column in frame.select_dtypes(exclude="number"):
        lengths = frame[column].map(lambda value: len(value) if isinstance(value, str) else 0)
        if lengths.max() > MOST_CHARACTERS:
            row = frame.loc[lengths.idxmax()]
            raise ReviewError(
                f"the table {name} has a text of {lengths.max():,} characters in the column {column}, and a"
                f" cell of a workbook holds {MOST_CHARACTERS:,}; hint: take CSV, which has no such limit."
                f" Row: {row.iloc[0]}"
            )


def _text_cell(sheet, text, *, bold=False):
    """A cell that holds a text whatever it looks like; None for an empty one."""
    text = UNFIT.sub("", text)
    is_formula = FORMULA.match(text)
    if not (bold or is_formula):
        return text or None  # the library writes it as text, and is slow where a cell is made for it
    cell = WriteOnlyCell(sheet)
    cell.value, cell.data_type = text, "s"
    if bold:
        cell.font = Font(bold=True)
    if is_formula:
        cell.quotePrefix = True
    return cell


class _Lists:
    """The hidden sheet with the choices of the drop-down lists: there they may be of any length."""

    def __init__(self, book):
        self._sheet = book.create_sheet("lists")
        self._sheet.sheet_state = "hidden"
        self._sheet.protection.sheet = True
        self._places = {}

    def reference(self, choices):
        """A formula that names the cells with these choices."""
        choices = tuple(choices)
        if choices not in self._places:
            at = len(self._places) + 1
            for row, choice in enumerate(choices, start=1):
                _put(self._sheet.cell(row, at), str(choice))
            letter = get_column_letter(at)
            self._places[choices] = f"{quote_sheetname('lists')}!${letter}$1:${letter}${len(choices)}"
        return self._places[choices]


def _validate(sheet, name, frame, *, lists, protocol, meanings):
    """Drop-down lists for choices, limits for numbers, and the meaning of a column beside its cells."""
    declared = tables.load_schema(SCHEMA[name])["properties"]
    choices = {"ready": ["yes"], "comparison": list("abcdefgh"), "outcome": list(protocol)}
    last = 2 if name == "study" else FAR
    for at, column in enumerate(frame.columns, start=1):
        spec = declared.get(column, {})
        allowed = choices.get(column) or [value for value in spec.get("enum", []) if value is not None]
        if name == "outcomes" and column == "instrument":
            continue
        rule = _rule(spec, allowed, lists)
        rule.promptTitle = column[:32]
        rule.prompt = meanings.get(column, "")[:250] or None
        rule.showInputMessage = bool(rule.prompt)
        letter = get_column_letter(at)
        rule.add(f"{letter}2:{letter}{last}")
        sheet.add_data_validation(rule)


def _rule(spec, allowed, lists):
    if allowed:
        rule = DataValidation("list", formula1=lists.reference(allowed), allow_blank=True)
        rule.error = f"One of: {', '.join(map(str, allowed))}"[:220]
    elif _is_number(spec):
        low, high = spec.get("minimum", spec.get("exclusiveMinimum")), spec.get("maximum")
        kind = "whole" if "integer" in spec["type"] else "decimal"
        above = "greaterThan" if "exclusiveMinimum" in spec else "greaterThanOrEqual"
        rule = DataValidation(kind, allow_blank=True)
        rule.operator = "between" if high is not None and low is not None else above
        rule.formula1 = str(-1e15 if low is None else low)
        rule.formula2 = None if rule.operator != "between" else str(high)
        rule.error = "A whole number" if kind == "whole" else "A number, typed as it is printed"
    else:
        return DataValidation(None, allow_blank=True)
    rule.showErrorMessage, rule.errorTitle = True, "Not allowed here"
    return rule


def _is_number(spec):
    types = spec.get("type", [])
    return bool({"number", "integer"} & set([types] if isinstance(types, str) else types))


def _offer_instruments(sheet, frame, registry, lists, protocol):
    """The registry's instruments of each row's outcome; another name may be typed after a warning."""
    letter = get_column_letter(list(frame.columns).index("instrument") + 1)
    of = {outcome: registry.loc[registry["outcome"] == outcome, "name"].tolist() for outcome in protocol}
    last = len(frame) + 1
    places = [(frame["outcome"].iloc[row - 2], f"{letter}{row}") for row in range(2, last + 1)]
    every = list(dict.fromkeys(name for names in of.values() for name in names))
    for names, place in [
        *((of.get(outcome, []), place) for outcome, place in places),
        (every, f"{letter}{last + 1}:{letter}{FAR}"),
    ]:
        if not names:
            continue
        rule = DataValidation("list", formula1=lists.reference(names), allow_blank=True)
        rule.errorStyle, rule.errorTitle = "warning", "Not in the registry of instruments"
        rule.error = "Keep it if the report names another instrument; then choose its direction in higher_is."
        rule.promptTitle, rule.prompt = (
            "instrument",
            "The direction of a listed one is filled in at the merge.",
        )
        rule.showErrorMessage = rule.showInputMessage = True
        rule.add(place)
        sheet.add_data_validation(rule)


INSTRUMENT_COLUMNS = ["outcome", "name", "higher_is", "range_low", "range_high", "range_source", "note"]


def _instruments(sheet, registry):
    """The registry, to look up."""
    _page(sheet, INSTRUMENT_COLUMNS, registry[INSTRUMENT_COLUMNS].itertuples(index=False, name=None))


ADVICE = (
    "Fill in the sheets study and outcomes of this workbook, or the two CSV files beside it, not both.",
    "One row per outcome, instrument, time point and pair of arms; rows with nothing typed are passed over.",
    "Type what is printed: scores are never turned, and an error is not a standard deviation.",
    "Each row that gives numbers says where: source, and page, table_or_figure or quote.",
    "With several arms against one control: a row per arm, with its letter in comparison.",
    "Type yes in the cell ready of the sheet study once all is in: the next run then merges it.",
)


def _help(sheet, record_id, meanings):
    """The record, what to do, and what every column means."""
    _page(sheet, ["record", record_id, ""], [])
    rows = [
        ("", "", ""),
        *(("how", line, "") for line in ADVICE),
        ("", "", ""),
        ("sheet", "column", "meaning"),
    ]
    rows += [(name, column, meaning) for name in SHEETS for column, meaning in meanings[name].items()]
    for number, row in enumerate(rows, start=2):
        for at, text in enumerate(row, start=1):
            _put(sheet.cell(number, at), text)
            sheet.cell(number, at).alignment = Alignment(wrap_text=row[0] != "how", vertical="top")
    sheet.column_dimensions["A"].width = 12
    sheet.column_dimensions["B"].width = 28
    sheet.column_dimensions["C"].width = 90


def _page(sheet, header, rows):
    """A page to read, locked."""
    for number, row in enumerate([header, *rows], start=1):
        for at, value in enumerate(row, start=1):
            _put(sheet.cell(number, at), tables.to_text(value), number=number > 1)
            if number == 1:
                sheet.cell(1, at).font, sheet.cell(1, at).fill = Font(bold=True), FILL["header"]
    for at in range(1, len(header) + 1):
        sheet.column_dimensions[get_column_letter(at)].width = 24
    sheet.freeze_panes = "A2"
    sheet.protection.sheet = True


def _fixed(book):
    """The workbook's bytes without the moment at which it was made."""
    raw, out = io.BytesIO(), io.BytesIO()
    book.save(raw)
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"(<dcterms:\w+[^>]*>)[^<]*", rb"\g<1>1980-01-01T00:00:00Z", data)
            new.writestr(zipfile.ZipInfo(name, EPOCH), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def read(path):
    """Read a workbook as text.

    Parameters
    ----------
    path : path

    Returns
    -------
    Workbook
        Rows as (row number, cells), without empty rows; cells as a CSV file would hold them.

    Raises
    ------
    InputError
        If it cannot be opened, is far too large or lacks a sheet, or a cell holds a formula, a date, a
        percentage or an error; every one is named.
    """
    try:
        _check_parts(path)
        with warnings.catch_warnings():
            # Excel keeps lists and print settings in extensions of which the library says that it skips them.
            warnings.simplefilter("ignore", UserWarning)
            book = openpyxl.load_workbook(path, keep_links=False)
    except BROKEN as error:
        hint = "close it in the spreadsheet, and save it as an Excel workbook (.xlsx)"
        raise InputError(path, problem=f"this is not a readable workbook: {error}", hint=hint) from None
    missing = [name for name in SHEETS if name not in book.sheetnames]
    if missing:
        found = ", ".join(book.sheetnames)
        raise InputError(path, problem=f"there is no sheet {', '.join(missing)}", found=found)
    _check_sizes(path, book)
    problems, found = [], {}
    for name in SHEETS:
        headers = {cell.column: cell.value for cell in book[name][1]}
        rows = [
            (number, [_text(cell, name, headers, problems) for cell in row])
            for number, row in enumerate(book[name].iter_rows(), start=1)
        ]
        found[name] = _trimmed(path, name, rows)
    if problems:
        raise InputError(path, problems=problems)
    return Workbook(_record_id(book), found)


def _check_parts(path):
    """Refuse what unpacks to far more than a sheet, or declares entities, before the library reads it."""
    with zipfile.ZipFile(path) as packed:
        parts = packed.infolist()
        size = sum(part.file_size for part in parts)
        if len(parts) > MOST_PARTS or size > MOST_BYTES:
            raise InputError(
                path,
                problem="this is larger than any extraction sheet",
                found=f"{len(parts)} parts of together {size:,} bytes",
                allowed=f"{MOST_PARTS} parts, {MOST_BYTES:,} bytes",
                hint="take pictures out, or copy the values into the sheet as it was made",
            )
        for part in parts:
            if not part.is_dir() and xml_reading.declares(packed.read(part)):
                raise InputError(
                    path,
                    problem=f"its part {part.filename} declares entities, which no spreadsheet does",
                    hint="do not open it, and ask who made it",
                )


def _check_sizes(path, book):
    for name in SHEETS:
        rows, columns = book[name].max_row, book[name].max_column
        if rows > MOST_ROWS or columns > MOST_COLUMNS:
            raise InputError(
                path,
                problem=f"the sheet {name} has cells far from its table",
                found=f"{rows} rows, {columns} columns",
                allowed=f"{MOST_ROWS} rows, {MOST_COLUMNS} columns",
                hint="delete the empty rows and columns behind the table, and save it again",
            )


def _record_id(book):
    if "help" not in book.sheetnames or book["help"]["A1"].value != "record":
        return None
    value = book["help"]["B1"].value
    return None if value is None else str(value).strip()


def _trimmed(path, name, rows):
    """Header and rows without the empty columns at the right and without empty rows."""
    if not rows or not any(rows[0][1]):
        raise InputError(path, problem=f"the sheet {name} has no header in its first row")
    width = max(at for at, text in enumerate(rows[0][1], start=1) if text)
    # A cell beyond the header makes its row too long, and is refused as such.
    kept = []
    for number, cells in rows:
        used = max((at for at, text in enumerate(cells, start=1) if text), default=0)
        if used:
            kept.append((number, (cells + [""] * width)[: max(width, used)]))
    return kept[0][1], kept[1:]


def _text(cell, sheet, headers, problems):
    """A cell as text; what a spreadsheet made of a typed number is a fault."""
    value = cell.value
    if value is None:
        return ""
    fault = _fault(cell)
    if fault:
        # By its name and by the letter under which the spreadsheet shows it.
        header = headers.get(cell.column) if cell.row > 1 else None
        column = f"{header} ({cell.column_letter})" if header else cell.column_letter
        problems.append(problem(row=f"{cell.row} of sheet {sheet}", column=column, **fault))
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # Fifteen digits are what a spreadsheet keeps, and 0.1 + 0.2 is 0.3 in them.
        return format(value, ".15g")
    return str(value).strip()


def _fault(cell):
    value = cell.value
    as_text = "format the cell as text and type it again"
    if cell.data_type == "f":
        return {"text": "a formula", "found": str(value), "hint": "type the number that is printed"}
    if cell.data_type == "e":
        return {"text": "an error of the spreadsheet", "found": str(value), "hint": "type the value again"}
    if isinstance(value, datetime.date | datetime.time | datetime.timedelta):
        return {"text": "the spreadsheet made a date of it", "found": str(value), "hint": as_text}
    if isinstance(value, int | float) and "%" in (cell.number_format or ""):
        return {"text": "a percentage", "found": f"{value * 100:g}%", "hint": as_text}
    return None
