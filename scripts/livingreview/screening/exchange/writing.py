"""Records with their labels as RIS and CSV, as ASReview LAB 3, Rayyan and Zotero import them.

RIS is written here rather than by a library: rispy writes a line break within a value as it is, and the next
line may then read as a field or as the end of the record. Every value stands on one line; line breaks and
control characters become a space. Nothing else is changed or cut.
"""

import csv
import io
import re
import unicodedata
from typing import NamedTuple
from urllib.parse import quote

from livingreview.errors import InputError, ReviewError, problem
from livingreview.formulas import guarded
from livingreview.screening import decisions as ledger
from livingreview.screening.exchange import ticket
from livingreview.screening.exchange.ticket import ASREVIEW, RAYYAN, ZOTERO, Ticket

FORMATS = ("ris", "csv")
PARTS = ("all", "queue", "decisions")

# Tabs too: they part columns in some readers. U+0085, U+2028 and U+2029 end lines in others.
BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
PERSON = re.compile(r"(.+) ([^\W\d_a-z]{1,4})(?: (Jr|Sr|II|III|IV|2nd|3rd))?")
# ASReview reads CSV with Python's csv module, whose cells end here (its data/utils.py says so too).
ASREVIEW_CELL = 131_072

ASREVIEW_NOTES = {"include": "ASReview_relevant", "exclude": "ASReview_irrelevant", None: "ASReview_not_seen"}
ASREVIEW_LABELS = {"include": "1", "exclude": "0", None: ""}
RAYYAN_WORDS = {"include": "Included", "exclude": "Excluded"}
# The columns of Rayyan's own CSV plug-in, in its order, and those that its exports have gained since.
RAYYAN_COLUMNS = (
    *(
        "key",
        "title",
        "year",
        "month",
        "day",
        "journal",
        "issn",
        "volume",
        "issue",
        "pages",
        "authors",
        "url",
    ),
    *("language", "publisher", "location", "abstract", "notes", "doi", "keywords", "pubmed_id", "pmc_id"),
)


class Exported(NamedTuple):
    """A file for another program, how many records it holds, and what a person should know of it."""

    data: bytes
    n_waiting: int
    n_labelled: int
    remarks: list


def file_name(tool, stage, part, form):
    """What the file of an export is called."""
    return f"{tool}-{stage}{'' if part == 'all' else f'-{part}'}.{form}"


def export(records, decisions, *, run, stages, stage, tool, form, part="all", order=(), path="the export"):
    """A file of the records that wait at a stage, of those decided there, or of both.

    Parameters
    ----------
    records : DataFrame
        The corpus (results/<run>/records.csv); duplicates are passed over.
    decisions : DataFrame
        The whole ledger.
    run : str
        A month YYYY-MM.
    stages : list of str
        The protocol's stages.
    stage : str
        The stage whose labels are written. At full text, only records included on title and abstract.
    tool : str
        One of `ticket.TOOLS`.
    form : str
        One of `FORMATS`.
    part : str
        One of `PARTS`.
    order : sequence of str
        Record ids as the queue has them; waiting records come first, in this order.
    path : path
        Where it will be written, for messages.

    Raises
    ------
    InputError
        Naming every record that the format cannot hold.
    """
    refuse_unread(tool, form)
    chosen = labelled_records(records, decisions, run=run, stages=stages, stage=stage, part=part, order=order)
    rows = [_plain_cells(row) for row in chosen]
    remarks = _remarks(chosen, rows, tool=tool, part=part)
    if tool == ASREVIEW:
        remarks += _tell_apart(rows)
    faults = _faults(rows, tool=tool, form=form)
    if faults:
        raise InputError(path, problems=faults)
    text = {"ris": _ris, "csv": _csv}[form](rows, tool)
    if form == "csv":
        remarks += _formulas(rows)
    n_labelled = sum(row["decision"] is not None for row in rows)
    return Exported(text.encode("utf-8"), len(rows) - n_labelled, n_labelled, remarks)


def refuse_unread(tool, form):
    """Stop over a kind of file that a program does not read: `ReviewError`."""
    if tool == ZOTERO and form == "csv":
        raise ReviewError("Zotero writes CSV and does not read it; choose the format ris")


def count(records, decisions, **asked):
    """How many records an export would hold: those without a decision, and those with one.

    Parameters
    ----------
    records, decisions
        As of `export`.
    asked
        ``run``, ``stages``, ``stage`` and ``part``, as of `export`.
    """
    chosen, decided = _chosen(records, decisions, **asked)
    n_labelled = sum(one in decided for one in chosen)
    return len(chosen) - n_labelled, n_labelled


def _chosen(records, decisions, *, run, stages, stage, part):
    """The ids of the records of an export, and the decisions in force at its stage by record id."""
    moved = ledger.under_kept(decisions, ledger.kept_ids(records), run=run)
    kept = records.loc[records["duplicate_of"].isna(), "record_id"]
    asked = ledger.statuses(kept, moved, run=run, stages=stages)
    waiting = set(asked.loc[asked["ask"] == stage, "record_id"])
    rows = ledger.latest(moved, run)
    rows = rows[(rows["stage"] == stage) & rows["decision"].isin(["include", "exclude"])]
    decided = {row.record_id: row for row in rows.itertuples()}
    wanted = {"queue": waiting, "decisions": set(decided), "all": waiting | set(decided)}[part]
    return [one for one in kept if one in wanted], decided


def labelled_records(records, decisions, *, stage, order=(), **asked):
    """The records of an export as dicts with their decision, reason, reviewer and ticket; see `export`."""
    wanted, decided = _chosen(records, decisions, stage=stage, **asked)
    place = {record_id: number for number, record_id in enumerate(order)}
    chosen = []
    for record in records[records["record_id"].isin(wanted)].to_dict("records"):
        one = record["record_id"]
        said = decided.get(one)
        decision, reason = (said.decision, said.reason or None) if said is not None else (None, None)
        carried = Ticket(one, stage, ticket.label(decision, reason))
        chosen.append(
            {
                **record,
                "decision": decision,
                "reason": reason,
                "reviewer": said.reviewer if said is not None else None,
                "ticket": ticket.text(carried),
            }
        )
    return sorted(
        chosen, key=lambda row: (row["decision"] is not None, place.get(row["record_id"], len(place)))
    )


def one_line(text):
    """A text in one line, its line breaks and control characters as single spaces."""
    return BREAKS.sub(" ", text).strip()


def _plain_cells(row):
    cells = {name: one_line(value) if isinstance(value, str) else "" for name, value in row.items()}
    cells |= {name: row[name] for name in ("record_id", "decision", "reason")}
    cells["title"] = cells["title"] or cells.get("vernacular_title") or f"[no title: {row['record_id']}]"
    cells["abstract"] = cells["abstract"] or cells.get("other_abstract") or ""
    cells["url"] = _link(cells)
    return cells


def _link(cells):
    if cells["pmid"]:
        return f"https://pubmed.ncbi.nlm.nih.gov/{cells['pmid']}/"
    # A semicolon parts one address from the next where ASReview reads RIS.
    return f"https://doi.org/{quote(cells['doi'], safe='/:()')}" if cells["doi"] else ""


def _remarks(chosen, rows, *, tool, part):
    untitled = [row["record_id"] for row in chosen if not row["title"] and not row.get("vernacular_title")]
    broken = sum(any(isinstance(v, str) and BREAKS.search(v) for v in row.values()) for row in chosen)
    told = []
    if untitled:
        told.append(f"{len(untitled)} records have no title; it says so instead: {', '.join(untitled[:5])}")
    if broken:
        told.append(f"{broken} records hold line breaks or control characters, now spaces")
    labels = {row["decision"] for row in rows}
    if tool == ASREVIEW and rows and (None not in labels or labels == {None}):
        missing = "records to label" if None not in labels else "labels to learn from"
        told.append(f"ASReview learns from labels beside unlabelled records; here are no {missing}")
    if tool == ASREVIEW and part != "queue" and len(labels - {None}) == 1:
        told.append("ASReview learns once it has included and excluded records; here is one kind only")
    return told


def _tell_apart(rows):
    """Give records that ASReview would take for one their ids in the title; returns what to say of it.

    It labels records together whose titles and abstracts are equal once all but a-z and 0-9 is left out: two
    titles in Chinese without abstracts are one record to it (its ``data/utils.py``, identify_record_groups).
    """
    alike = {}
    for row in rows:
        letters = unicodedata.normalize("NFKD", row["title"]).lower()
        alike.setdefault(re.sub(r"[^a-z0-9]", "", letters), []).append(row)
    shared = [row for group in alike.values() if len(group) > 1 for row in group]
    for row in shared:
        row["title"] = f"{row['title']} [{row['record_id']}]"
    if not shared:
        return []
    return [
        f"{len(shared)} records would be one to ASReview, which compares titles by a-z and 0-9 only; so their"
        " ids stand in their titles"
    ]


def _formulas(rows):
    shown = ("title", "abstract", "authors", "keywords", "journal")
    n = sum(any(guarded(row[name]) != row[name] for name in shown) for row in rows)
    said = "records have cells that a spreadsheet would take for formulas; an apostrophe stands before them"
    return [f"{n} {said}"] if n else []


def _faults(rows, *, tool, form):
    found = []
    for row in rows:
        for name, value in row.items():
            if not isinstance(value, str):
                continue
            if re.search("[\ud800-\udfff]", value):
                found.append(
                    problem("half a character, which UTF-8 cannot hold", row=row["record_id"], column=name)
                )
            elif tool == ASREVIEW and form == "csv" and len(value) > ASREVIEW_CELL:
                found.append(
                    problem(
                        "the cell is longer than ASReview reads from CSV",
                        row=row["record_id"],
                        column=name,
                        found=f"{len(value)} characters",
                        allowed=f"{ASREVIEW_CELL} characters",
                        hint="the format ris has no such limit",
                    )
                )
    return found


def _ris(rows, tool):
    return "".join(_ris_record(row, tool) for row in rows)


def _ris_record(row, tool):
    fields = [
        ("ID", row["record_id"]),
        ("CN", f"record_id={ticket.encoded(row['record_id'])}"),
        ("TI", row["title"]),
        *(("AU", person(name)) for name in _entries(row["authors"])),
        ("PY", row["year"]),
        ("T2", row["journal"]),
        ("VL", row.get("volume")),
        ("IS", row.get("issue")),
        ("SP", row.get("pages")),
        ("LA", row["language"]),
        ("DO", row["doi"]),
        ("AN", f"PMID: {row['pmid']}" if row["pmid"] else ""),
        ("UR", row["url"]),
        ("AB", row["abstract"]),
        *(("KW", word) for word in _keywords(row)),
        *(("KW", word) for word in _tags(row, tool)),
        *(("N1", note) for note in _notes(row, tool)),
    ]
    lines = ["TY  - JOUR", *(f"{tag}  - {value}" for tag, value in fields if value), "ER  - "]
    return "\n".join(lines) + "\n\n"


def person(name):
    """ "Sample AB" as "Sample, AB", the form in which programs tell last names; a group's name as it is."""
    match = PERSON.fullmatch(name)
    return ", ".join(part for part in match.groups() if part) if match else name


def _entries(cell):
    return [part.strip() for part in (cell or "").split(";") if part.strip()]


def _keywords(row):
    return list(dict.fromkeys([*_entries(row.get("keywords")), *_entries(row.get("mesh_terms"))]))


def _tags(row, tool):
    """Zotero keeps labels as tags."""
    if tool != ZOTERO or row["decision"] is None:
        return []
    return [f"screening:{row['decision']}", *([f"reason:{row['reason']}"] if row["reason"] else [])]


def _notes(row, tool):
    if tool == ASREVIEW:
        return [ASREVIEW_NOTES[row["decision"]], row["ticket"]]
    if tool == RAYYAN and row["decision"] is not None:
        return [f"{row['ticket']} | {_rayyan(row)}"]
    return [row["ticket"]]


def _rayyan(row):
    names = [re.sub(r'([\\"])', r"\\\1", name) for name in row["reviewer"].split("; ")]
    users = ", ".join(f'"{name}"=>"{RAYYAN_WORDS[row["decision"]]}"' for name in names)
    said = f"RAYYAN-INCLUSION: {{{users}}}"
    return f"{said} | RAYYAN-EXCLUSION-REASONS: {row['reason']}" if row["reason"] else said


def _csv(rows, tool):
    cells = {ASREVIEW: _asreview_cells, RAYYAN: _rayyan_cells}[tool]
    names = {ASREVIEW: ASREVIEW_COLUMNS, RAYYAN: RAYYAN_COLUMNS}[tool]
    out = io.StringIO()
    writer = csv.DictWriter(out, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: guarded(str(cell or "")) for name, cell in cells(row).items()} for row in rows)
    return out.getvalue()


# Never a column that ASReview's records have and that means something else there, as duplicate_of does.
ASREVIEW_COLUMNS = (
    *("record_id", "title", "abstract", "authors", "keywords", "year", "journal", "volume", "issue", "pages"),
    *("language", "doi", "pmid", "url", "included", "notes"),
)


def _asreview_cells(row):
    return {
        **{name: row.get(name, "") for name in ASREVIEW_COLUMNS},
        "keywords": ";".join(_keywords(row)),
        "included": ASREVIEW_LABELS[row["decision"]],
        "notes": row["ticket"],
    }


def _rayyan_cells(row):
    shared = ("title", "year", "journal", "volume", "issue", "pages", "url", "language", "abstract", "doi")
    return {
        **{name: row.get(name, "") for name in shared},
        "key": row["record_id"],
        "authors": " and ".join(person(name) for name in _entries(row["authors"])),
        "notes": " | ".join(_notes(row, RAYYAN)),
        "keywords": "; ".join(_keywords(row)),
        "pubmed_id": row["pmid"],
    }
