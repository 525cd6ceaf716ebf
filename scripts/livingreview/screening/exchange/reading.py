"""What an export of ASReview LAB 3, Rayyan or Zotero says of each record, and who says it.

Nothing is matched or decided here. A value outside the known ones is a fault and never a guess; "maybe" and
records without a label are told as such.
"""

import csv
import html
import io
import json
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from livingreview.errors import InputError, problem
from livingreview.formulas import unguarded
from livingreview.screening.exchange import ticket
from livingreview.screening.exchange.ticket import ASREVIEW, NAMES, RAYYAN, ZOTERO
from livingreview.search.imports import exports
from livingreview.search.imports.exports import ExportError
from livingreview.search.imports.reading import BARE_PMID, DOI_PREFIX, STATED_PMID, YEAR

MAYBE = "maybe"

INCLUSION = re.compile(r"RAYYAN-INCLUSION\s*:\s*(\{[^{}]*\})?")
# Ruby writes {"Anna"=>"Included"}, and since 3.4 spaces around the arrow.
SAID = re.compile(r'"((?:[^"\\]|\\.)*)"\s*=>\s*"([^"]*)"')
SECTION = re.compile(r"\b(RAYYAN-INCLUSION|RAYYAN-LABELS|RAYYAN-EXCLUSION-REASONS|USER-NOTES)\s*:\s*")
USER_NOTES = re.compile(r'"((?:[^"\\]|\\.)*)"\s*=>\s*\[((?:[^\]"]|"(?:[^"\\]|\\.)*")*)\]')
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
RAYYAN_WORDS = {"included": "include", "excluded": "exclude", "maybe": MAYBE}

ASREVIEW_NOTES = {"ASReview_relevant": "include", "ASReview_irrelevant": "exclude", "ASReview_not_seen": None}
ASREVIEW_LABELS = {"1": "include", "1.0": "include", "0": "exclude", "0.0": "exclude", "": None}
# The group of tags in ASReview LAB whose tags are the protocol's reasons.
REASON_TAG = re.compile(r"asreview_tag_reasons?_(.+)", re.I)

SCREENING_TAG = re.compile(r"screening:\s*(.*)", re.I)
REASON_OF_TAG = re.compile(r"reason:\s*(.*)", re.I)
TAG_WORDS = {**RAYYAN_WORDS, "include": "include", "exclude": "exclude", "undecided": None}

# The columns without which a CSV file is not that program's.
NEEDED = {RAYYAN: ("title", "notes"), ZOTERO: ("Title", "Manual Tags", "Automatic Tags")}
ALLOWED = {ASREVIEW: "1, 0 or empty", RAYYAN: "Included, Excluded, Maybe", ZOTERO: "include, exclude, maybe"}


class Said(NamedTuple):
    """One person's label: `decision` is include, exclude, "maybe" or None; `reasons` as written."""

    user: str | None
    decision: str | None
    reasons: str = ""
    note: str | None = None
    moment: str | None = None


class Entry(NamedTuple):
    """One record of an export: where it stands, what identifies it, its tickets, and who says what."""

    number: int
    where: str
    cells: dict
    tickets: list
    said: list


def read(data, name, tool):
    """The records of an export.

    Parameters
    ----------
    data : bytes
        The file.
    name : path
        Its name, for its ending and for messages.
    tool : str
        One of `ticket.TOOLS`.

    Returns
    -------
    list of Entry
        In the order of the file.

    Raises
    ------
    InputError
        If it is empty, no UTF-8, neither RIS nor CSV, an export of another program, or holds labels outside
        the known ones.
    """
    try:
        text = exports.decode(data)
        if not text.strip():
            raise ExportError("the file is empty", hint="export it again, with the decisions")
        kind = _kind(name, text)
        rows = list(_from_csv(text, tool) if kind == "csv" else _from_ris(text))
    except ExportError as error:
        where = f"{error.where}: " if error.where else ""
        line = problem(f"{where}{error.text}", found=error.found, allowed=error.allowed, hint=error.hint)
        raise InputError(name, problems=[line]) from None
    entries, faults = [], []
    marked = False
    for number, where, fields in rows:
        try:
            said, has_mark = LABELS[tool](fields)
        except ExportError as error:
            told = {name: getattr(error, name) for name in ("found", "allowed", "hint")}
            faults.append(f"{where}: {problem(error.text, column=error.where or None, **told)}")
            continue
        marked = marked or has_mark
        entries.append(Entry(number, where, fields.cells, ticket.find(fields.notes), said))
    if not faults and not marked:
        faults.append(
            problem(
                f"no record bears a label of {NAMES[tool]}",
                allowed=f"an export of {NAMES[tool]} with its decisions",
                hint=HINTS[tool],
            )
        )
    if faults:
        raise InputError(name, problems=faults)
    return entries


HINTS = {
    ASREVIEW: "in ASReview LAB export the data set as CSV or RIS, relevant and not relevant records",
    RAYYAN: "in Rayyan's export tick decisions, exclusion reasons and notes; unpack the zip file",
    ZOTERO: "records are decided in Zotero by the tags screening:include and screening:exclude",
}


class Fields(NamedTuple):
    """A record's fields: `cells` that identify it, its notes as one text and as a list, tags, the rest."""

    cells: dict
    notes: str
    note_list: list
    tags: list
    rest: dict


def _kind(name, text):
    suffix = Path(name).suffix.lower()
    if suffix in (".xlsx", ".xls", ".tsv", ".tab"):
        raise ExportError(f"{suffix} is not read here", allowed=".csv, .ris", hint="export as CSV")
    kind = exports.kind_of(name, text)
    if kind not in ("ris", "csv"):
        raise ExportError("this format carries no decisions", found=kind, allowed=".csv, .ris")
    return kind


def _from_ris(text):
    found = exports.ris(text)
    if not found:
        raise ExportError("there is no record in it", allowed="RIS, each record from TY to ER")
    for number, fields in enumerate(found, start=1):
        notes = [_unmarked(note) for note in fields.get("N1", [])]
        yield (
            number,
            f"record {number}",
            Fields(
                _cells_of_ris(fields), " | ".join(notes), notes, _tags("; ".join(fields.get("KW", []))), {}
            ),
        )


def _cells_of_ris(fields):
    def first(*tags):
        return next((value for tag in tags for value in fields.get(tag, []) if value), "")

    return {
        "record_id": ticket.from_call_number(first("CN")),
        "pmid": _pmid(first("AN")),
        "doi": _doi(first("DO")),
        "title": " ".join(fields.get("TI") or fields.get("T1") or []),
        "year": _year(first("PY", "Y1", "DA")),
    }


def _from_csv(text, tool):
    header, rows = _csv(text)
    missing = [column for column in NEEDED.get(tool, ()) if column not in header]
    if tool == ASREVIEW and not {"asreview_label", "included"} & set(header):
        missing = ["asreview_label"]
    if missing:
        raise ExportError(
            f"this is no export of {NAMES[tool]}: the column {missing[0]} is missing",
            found=", ".join(header)[:200],
            hint=HINTS[tool],
        )
    for number, row in rows:
        notes = [_unmarked(row.get(name, "")) for name in ("notes", "Notes", "Extra") if row.get(name)]
        yield (
            number,
            f"row {number}",
            Fields(
                _cells_of_csv(row, tool),
                " | ".join(notes),
                notes,
                _tags(f"{row.get('Manual Tags', '')}; {row.get('Automatic Tags', '')}"),
                row,
            ),
        )


def _csv(text):
    """The header of a CSV file, and (row as a spreadsheet counts it, row as a dict) of the others."""
    before = csv.field_size_limit(
        max(len(text), 1)
    )  # an abstract may be longer than Python's limit for a cell
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise ExportError(f"this is not a CSV file: {error}") from None
    finally:
        csv.field_size_limit(before)
    filled = [(at, row) for at, row in enumerate(rows, start=1) if any(cell.strip() for cell in row)]
    header = [cell.strip() for cell in filled[0][1]]
    doubled = sorted(name for name, n in Counter(header).items() if name and n > 1)
    if doubled:
        raise ExportError("a column occurs twice", found=", ".join(doubled)[:200])
    if len(header) == 1 and re.search("[;\t]", header[0]):
        raise ExportError("the columns are not separated by commas", allowed="commas", hint="export it again")
    for at, row in filled[1:]:
        if len(row) != len(header):
            raise ExportError(
                f"{len(row)} cells where the header has {len(header)}",
                where=f"row {at}",
                hint="the file was cut off or saved anew by another program; export it again",
            )
    return header, ((at, dict(zip(header, map(unguarded, row), strict=True))) for at, row in filled[1:])


def _cells_of_csv(row, tool):
    def cell(*names):
        return next((row[name].strip() for name in names if row.get(name, "").strip()), "")

    called = ticket.from_call_number(cell("Call Number"))
    return {
        # ASReview numbers records too, and writes that number without a name; Rayyan's key is its own.
        "record_id": cell("record_id") if tool == ASREVIEW else called,
        "pmid": _pmid(cell("pmid", "pubmed_id", "Archive Location")),
        "doi": _doi(cell("doi", "DOI")),
        "title": cell("title", "Title"),
        "year": _year(cell("year", "Publication Year")),
    }


def _pmid(text):
    text = text.removesuffix(".0")  # pandas writes whole numbers so where others are missing
    stated = STATED_PMID.search(text)
    return stated[1] if stated else text if BARE_PMID.match(text) else ""


def _doi(text):
    return DOI_PREFIX.sub("", text.strip()).lower()


def _year(text):
    return next(iter(YEAR.findall(text)), "")


def _tags(text):
    return [part.strip() for part in text.split(";") if part.strip()]


def _unmarked(note):
    """A note without the markup that Zotero puts around it."""
    return html.unescape(re.sub(r"</?(?:p|br|div|span)\b[^<>]*>", " ", note)).replace("\xa0", " ").strip()


def _of_asreview(fields):
    """Labels of ASReview LAB 3, from the columns asreview_* (CSV) or the notes of these names (RIS)."""
    told = dict(fields.rest)
    if fields.rest:
        column = "asreview_label" if "asreview_label" in told else "included"
        value = told[column].strip()
        if value not in ASREVIEW_LABELS:
            raise ExportError("", where=column, found=value, allowed=ALLOWED[ASREVIEW])
        decision, marked = ASREVIEW_LABELS[value], True
    else:
        labels = [note for note in fields.note_list if note.startswith("ASReview_")]
        unknown = [note for note in labels if note not in ASREVIEW_NOTES]
        if unknown or len(set(labels)) > 1:
            raise ExportError("", where="N1", found=", ".join(labels), allowed=", ".join(ASREVIEW_NOTES))
        decision, marked = ASREVIEW_NOTES[labels[0]] if labels else None, bool(labels)
        told = dict(_asreview_note(note) for note in fields.note_list if note.startswith("asreview_"))
    reasons = [
        match[1] for name in told if (match := REASON_TAG.fullmatch(name)) and told[name] in ("1", "1.0")
    ]
    return [
        Said(
            told.get("asreview_user_name") or told.get("asreview_user_email") or None,
            decision,
            ",".join(reasons),
            told.get("asreview_note") or None,
            _moment(told.get("asreview_time") or ""),
        )
    ], marked


def _asreview_note(note):
    name, _, value = note.partition(": ")
    try:
        return name, str(json.loads(value))
    except json.JSONDecodeError:
        raise ExportError("", where="N1", found=note[:80], allowed="JSON, as ASReview writes it") from None


def _moment(text):
    """ "2026-11-22 19:59:16", which ASReview writes in universal time, in the ledger's form."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)", text.strip())
    if match:
        return f"{match[1]}T{match[2]}Z"
    if text:
        raise ExportError("", where="asreview_time", found=text, allowed="YYYY-MM-DD hh:mm:ss")
    return None


def _of_rayyan(fields):
    """Labels of Rayyan's members. The last one counts: Rayyan appends its own to notes that it was given."""
    text = ticket.without(fields.notes)
    found = [match[1] for match in INCLUSION.finditer(text)]
    sections = _sections(text)
    users = {}
    for section in found:
        pairs = SAID.findall(section or "")
        if not section or len(pairs) != section.count("=>"):
            raise ExportError(
                "", where="notes", found=text[:120], allowed='RAYYAN-INCLUSION: {"Anna"=>"Included", ...}'
            )
        own = {}
        for user, word in pairs:
            if word.strip().lower() not in RAYYAN_WORDS:
                raise ExportError("", where="notes", found=word, allowed=ALLOWED[RAYYAN])
            own.setdefault(_unescaped(user), set()).add(RAYYAN_WORDS[word.strip().lower()])
        for user, words in own.items():
            if len(words) > 1:
                raise ExportError(
                    f"{user} says several things at once", where="notes", found=", ".join(sorted(words))
                )
        users |= {user: next(iter(words)) for user, words in own.items()}
    reasons = sections.get("RAYYAN-EXCLUSION-REASONS", "").split(" | ")[0]
    notes = {
        _unescaped(user): "; ".join(_unescaped(one) for one in QUOTED.findall(said))
        for user, said in USER_NOTES.findall(sections.get("USER-NOTES", ""))
    }
    said = [
        Said(user, decision, reasons if decision == "exclude" else "", notes.get(user) or None)
        for user, decision in users.items()
    ]
    return said or [Said(None, None)], bool(found)


def _sections(text):
    parts = SECTION.split(text)[1:]
    return {
        name: value.strip().strip("|").strip() for name, value in zip(parts[::2], parts[1::2], strict=True)
    }


def _unescaped(text):
    return re.sub(r"\\(.)", r"\1", text)


def _of_zotero(fields):
    """Labels that people gave as tags: screening:include, screening:exclude, screening:maybe, reason:code."""
    found = [match[1].strip() for tag in fields.tags if (match := SCREENING_TAG.fullmatch(tag))]
    unknown = [word for word in found if word.lower() not in TAG_WORDS]
    if unknown:
        raise ExportError("", where="tags", found=f"screening:{unknown[0]}", allowed=ALLOWED[ZOTERO])
    words = {TAG_WORDS[word.lower()] for word in found}
    if len(words) > 1:
        raise ExportError(
            "the tags say several things at once",
            where="tags",
            found=", ".join(f"screening:{word}" for word in found),
            hint="leave one of them",
        )
    reasons = [match[1].strip() for tag in fields.tags if (match := REASON_OF_TAG.fullmatch(tag))]
    return [Said(None, next(iter(words), None), ",".join(reasons))], bool(found)


LABELS = {ASREVIEW: _of_asreview, RAYYAN: _of_rayyan, ZOTERO: _of_zotero}
