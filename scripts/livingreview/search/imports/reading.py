"""Records that people exported from other databases and put into ``data/searches/<run>/imports/``.

Beside the files lies ``sources.csv``, which says of each whence it came, when and by which strategy: the
facts that PRISMA-S (Rethlefsen 2021, Syst Rev 10:39) asks for. A folder is read whole or not at all.
"""

import hashlib
import html
import re
import unicodedata
from pathlib import Path
from typing import NamedTuple

from livingreview import tables
from livingreview.errors import InputError, problem
from livingreview.search import registries
from livingreview.search.imports import exports
from livingreview.search.imports.exports import ExportError
from livingreview.search.linkage import likeness

SOURCES = "sources.csv"
READMES = frozenset({"README", "README.md", "README.txt"})
# Braces and angle brackets in a path are wildcards to the workflow, and a backslash parts folders elsewhere.
IN_NAMES = " ._-()+,"
STRATEGY = re.compile(r"[\w-][\w.-]*\.(?:txt|md)")
RUN = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
# The cells of a record; `volume`, `issue`, `pages` serve comparison, `accession` the id.
CELLS = (
    "record_id",
    "pmid",
    "doi",
    "title",
    "vernacular_title",
    "authors",
    "journal",
    "year",
    "volume",
    "issue",
    "pages",
    "publication_types",
    "mesh_terms",
    "keywords",
    "abstract",
    "language",
    "registry_ids",
    "entry_date",
    "accession",
    "source",
    "found_in",
)
LISTS = ("authors", "publication_types", "mesh_terms", "keywords", "registry_ids", "found_in")

DOI = re.compile(r"^10\.\d{4,9}/\S+$")
DOI_PREFIX = re.compile(r"^(?:https?://(?:dx\.)?doi\.org/|doi[:\s]\s*)", re.I)
# CENTRAL gives its own entries a DOI; it names no article.
NO_ARTICLE = re.compile(r"^10\.1002/central/", re.I)
YEAR = re.compile(r"(?<!\d)(?:18|19|20)\d{2}(?!\d)")
STATED_PMID = re.compile(r"\b(?:PMID|PubMed|Medline)\b\s*(?:ID)?\s*[:#=]?\s*([1-9]\d{4,8})\b", re.I)
BARE_PMID = re.compile(r"^[1-9]\d{0,8}$")
PUBMED = re.compile(r"pubmed|medline|^nlm$", re.I)
# Where a database puts a PMID as a bare number (by their RIS exports; elsewhere it must say so).
BARE_PMID_TAGS = {"scopus": "C2", "embase": "C5"}
TYPES = {
    "JOUR": "Journal Article",
    "EJOUR": "Journal Article",
    "CONF": "Conference Paper",
    "CPAPER": "Conference Paper",
    "ABST": "Conference Abstract",
    "THES": "Thesis",
    "CHAP": "Book Chapter",
    "BOOK": "Book",
    "RPRT": "Report",
    "UNPB": "Unpublished Work",
}
# PubMed's codes (MARC) for the languages as exports spell them out.
LANGUAGES = {
    "arabic": "ara",
    "chinese": "chi",
    "czech": "cze",
    "danish": "dan",
    "dutch": "dut",
    "english": "eng",
    "finnish": "fin",
    "french": "fre",
    "german": "ger",
    "greek": "gre",
    "hebrew": "heb",
    "hungarian": "hun",
    "italian": "ita",
    "japanese": "jpn",
    "korean": "kor",
    "norwegian": "nor",
    "persian": "per",
    "polish": "pol",
    "portuguese": "por",
    "russian": "rus",
    "spanish": "spa",
    "swedish": "swe",
    "turkish": "tur",
    "en": "eng",
    "de": "ger",
    "fr": "fre",
    "es": "spa",
    "it": "ita",
    "pt": "por",
    "nl": "dut",
    "sv": "swe",
    "zh": "chi",
    "ja": "jpn",
}


class Imported(NamedTuple):
    """The exports of one run.

    ``sources`` has one dict per file: the columns of ``sources.csv``, sha256, n_read (records in the file)
    and n_repeated (of these, repeats within it). ``rows`` are records as dicts of `CELLS`, all str, one per
    file and record, in the order of ``sources.csv``; records that are two may still share an id, which `fold`
    settles. ``remarks`` says what of a file could not be used.
    """

    run: str
    sources: list
    rows: list
    remarks: list


class Folded(NamedTuple):
    """Records of PubMed and of all imports, each id once; see `fold`."""

    rows: list
    n_same: int
    remarks: list


def read_runs(searches, up_to):
    """The imports of all runs up to a month, in the order of the runs; runs without the folder are left out.

    Parameters
    ----------
    searches : path
        ``data/searches``.
    up_to : str
        A month YYYY-MM.

    Raises
    ------
    InputError
        As from `read`, for all runs at once.
    """
    found, problems = [], []
    for folder in _folders(searches, up_to):
        try:
            found.append(read(folder))
        except InputError as error:
            problems += [f"{folder.parent.name}/imports: {line}" for line in error.problems]
    if problems:
        raise InputError(searches, problems=problems)
    return found


def files(searches, up_to):
    """All files of all runs' imports up to a month, for the workflow to watch: sorted paths as str.

    What is no file, and what has a name that the workflow would misread, is left out; `read` refuses it.
    """
    return [
        str(path)
        for folder in _folders(searches, up_to)
        for path in sorted(folder.iterdir())
        if not path.name.startswith(".") and path.is_file() and _is_plain(path.name)
    ]


def _folders(searches, up_to):
    """The imports' folders of the runs up to a month, in the order of the runs."""
    return [
        folder
        for folder in sorted(Path(searches).glob("*/imports"))
        if folder.is_dir() and RUN.fullmatch(folder.parent.name) and folder.parent.name <= up_to
    ]


def _is_plain(name):
    """Whether a name has only letters of any script with their marks, digits, and `IN_NAMES`."""
    return all(one in IN_NAMES or unicodedata.category(one)[0] in "LM" or one.isdecimal() for one in name)


def read(folder):
    """The exports of one run.

    Parameters
    ----------
    folder : path
        ``data/searches/<run>/imports``.

    Raises
    ------
    InputError
        Naming every fault of every file: a file without a row in ``sources.csv`` or a row without a file, a
        link or folder, a name with other characters than letters, digits, space and ``. _ - ( ) + ,``, a
        search later than the run, a format or encoding that is not read, a record without title, a file that
        is not whole, a count that is not the stated one, an id given twice, a PMID given as an id.
    """
    folder = Path(folder)
    sources = _sources(folder)
    files, problems = _files(folder, sources)
    rows, remarks = [], []
    for source in sources:
        if source["file"] not in files:
            continue
        data = (folder / source["file"]).read_bytes()
        source["sha256"] = hashlib.sha256(data).hexdigest()
        records, said, faults = _records(data, source)
        problems += faults
        remarks += said
        source["n_read"] = len(records)
        if not faults and len(records) != source["n_records"]:
            problems.append(
                problem(
                    f"{source['file']}: the file does not hold what the database stated",
                    column="n_records",
                    found=f"{len(records)} records",
                    allowed=source["n_records"],
                    hint="export it again, or correct n_records in sources.csv",
                )
            )
        kept, faults = _without_repeats(records, remarks)
        problems += faults
        source["n_repeated"] = len(records) - len(kept)
        rows += kept
    if problems:
        raise InputError(folder, problems=problems)
    return Imported(folder.parent.name, sources, rows, remarks)


def fold(imported, pubmed_rows=()):
    """Records of PubMed and of all imports, each id once.

    A record that several databases or months hold fills one row: the first run's words stay, and what it left
    empty is filled from the later ones. `found_in` names all databases, `first_run` and `last_run` the first
    and last import. Where records share an id, as the abstracts of a supplement share a DOI, the first one
    keeps it: that of the earliest run, within a run that of the file listed first in ``sources.csv``. The
    others get the next of their ids, so that a file added below the others renames nothing.

    Parameters
    ----------
    imported : list of Imported
        In any order.
    pubmed_rows : iterable of dict
        PubMed's records; copied, with `found_in` added. No import ever fills or joins one of them here.

    Returns
    -------
    Folded
        ``n_same`` counts imported records that an earlier import already held.
    """
    rows = {}
    n_same, remarks = 0, []
    for one in sorted(imported, key=lambda one: one.run):
        for row in one.rows:
            taken = row
            while taken["record_id"] in rows and not _may_be_one(rows[taken["record_id"]], taken):
                taken = _next_id(taken)
            if taken is not row:
                remarks.append(
                    f"{one.run}, {row['found_in']}: {row['record_id']} names another record already; kept as"
                    f" {taken['record_id']} ({row['title'][:60]})"
                )
            held = rows.get(taken["record_id"])
            if held is None:
                rows[taken["record_id"]] = {**taken, "first_run": one.run, "last_run": one.run}
                continue
            n_same += 1
            _add_to(held, taken, run=one.run)
    from_pubmed = [{**row, "found_in": "PubMed"} for row in pubmed_rows]
    return Folded([*from_pubmed, *rows.values()], n_same, remarks)


def identify(row, *, doi=True, accession=True):
    """The id under which an imported record is known in every month.

    Its DOI, else database and accession number, else a digest of title, year and first author. Never a PMID:
    exports state wrong ones, and decisions on a record must not pass to the article that has that number.
    """
    if doi and row["doi"]:
        return f"doi:{row['doi']}"
    if accession and row["accession"]:
        return f"{_slug(row['found_in'])}:{_slug(row['accession'], '._')}"
    first = likeness.last_name(row["authors"].split(";")[0])
    text = "|".join([likeness.plain(row["title"]) or row["title"], row["year"], first])
    return f"title:{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _sources(folder):
    path = folder / SOURCES
    if path.is_symlink():
        raise InputError(folder, problem=f"{SOURCES}: this is a link", hint="put the file itself here")
    if not path.exists():
        return []
    try:
        frame = tables.read(path, "import_sources")
    except InputError as error:
        raise InputError(folder, problems=[f"{SOURCES}: {line}" for line in error.problems]) from None
    return [
        {name: (int(value) if name == "n_records" else value or "") for name, value in row.items()}
        for row in frame.to_dict("records")
    ]


def _files(folder, sources):
    """Names of the files that can be read, and what is wrong with the folder."""
    named = {row["file"] for row in sources}
    # A strategy may be a file of its own, since some run over pages.
    strategies = {row["strategy"] for row in sources if STRATEGY.fullmatch(row["strategy"])} - named
    files = set()
    problems = _faults_of_sources(sources, run=folder.parent.name)
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == SOURCES:
            continue
        if not _is_plain(path.name):
            problems.append(
                problem(
                    "the name of a file holds characters that are not allowed",
                    found=path.name,
                    allowed=f"letters, digits, space and {' '.join(IN_NAMES.strip())}",
                    hint=f"rename the file, and in {SOURCES} too",
                )
            )
        elif path.is_symlink() or not path.is_file():
            problems.append(
                problem(f"{path.name}: this is a link or a folder", hint="put the files themselves here")
            )
        elif path.name in named:
            files.add(path.name)
        elif path.name in strategies:
            _read_strategy(path, sources, problems)
        elif path.name not in READMES:
            problems.append(
                problem(
                    f"{path.name}: the file has no row in {SOURCES}",
                    hint="add a row, or take the file away; nothing is passed over",
                )
            )
    present = {path.name for path in folder.iterdir()}
    problems += [
        problem(f"{name}: {SOURCES} names it and there is no such file", hint="capital letters count")
        for name in sorted((named | strategies) - present)
    ]
    return files, problems


def _faults_of_sources(sources, *, run):
    """What rows of ``sources.csv`` say that cannot be."""
    problems = []
    for row in sources:
        where = f"{SOURCES}, row of {row['file']}"
        if row["file"] == SOURCES:
            problems.append(problem(f"{where}: a list is no export", hint="name the files beside it"))
        if bool(row["strategy"]) != bool(row["searched_on"]) or not (row["strategy"] or row["note"]):
            problems.append(
                problem(
                    f"{where}: a search of a database has a strategy and a day",
                    found=f"strategy {row['strategy'][:40]!r}, searched_on {row['searched_on']!r}",
                    hint="what comes from no search has neither, and says in note what it is",
                )
            )
        if row["searched_on"][:7] > run:
            problems.append(
                problem(
                    f"{where}: the search is later than the run",
                    found=row["searched_on"],
                    allowed=f"a day up to the end of {run}",
                    hint="correct the day, or put the file into the imports of the run of that month",
                )
            )
    return problems


def _read_strategy(path, sources, problems):
    try:
        text = exports.decode(path.read_bytes()).strip()
    except ExportError as error:
        problems.append(_told(path.name, error))
        return
    for row in sources:
        if row["strategy"] == path.name:
            row["strategy"] = text


def _records(data, source):
    """Rows of one file, remarks, and faults."""
    name = source["file"]
    remarks, problems, rows = [], [], []
    try:
        kind = exports.kind_of(name, "" if name.lower().endswith(".xml") else exports.decode(data))
        read_with = {
            "ris": lambda: _numbered(exports.ris(exports.decode(data))),
            "medline": lambda: _numbered(exports.medline(exports.decode(data))),
            "endnote": lambda: _numbered(exports.endnote(data)) if data.strip() else [],
            "csv": lambda: exports.csv_rows(data, name),
        }[kind]
        found = read_with()
    except ExportError as error:
        return [], [], [_told(name, error)]
    except InputError as error:
        return [], [], [f"{name}: {line}" for line in error.problems]
    fill = {"ris": _from_ris, "medline": _from_medline, "endnote": _from_endnote, "csv": _from_csv}[kind]
    unit = "row" if kind == "csv" else "record"
    for number, record in found:
        where = f"{name}, {unit} {number}"
        row = fill(record, source["database"], lambda text, where=where: remarks.append(f"{where}: {text}"))
        if row["record_id"].isdigit():
            problems.append(
                problem(
                    f"{where}: a PMID is no id of an imported record",
                    column="record_id",
                    found=row["record_id"],
                    allowed="doi:..., database:number, or nothing",
                    hint="move it to the column pmid",
                )
            )
        if not row["title"]:
            problems.append(
                problem(
                    f"{where}: a record has no title",
                    found=", ".join(_shown(row)) or "nothing",
                    allowed="a title",
                )
            )
        rows.append((where, row))
    return rows, remarks, problems


def _numbered(records):
    return list(enumerate(records, start=1))


def _told(name, error):
    where = f"{name}, {error.where}" if error.where else name
    return problem(f"{where}: {error.text}", found=error.found, allowed=error.allowed, hint=error.hint)


def _shown(row):
    return [
        f"{name} {row[name][:40]!r}" for name in ("pmid", "doi", "accession", "authors", "year") if row[name]
    ]


def _without_repeats(records, remarks):
    """The records of a file, each once."""
    kept, problems = {}, []
    for where, row in records:
        known = kept.setdefault(row["record_id"], [])
        same = next((one for one in known if one[1] == row or _may_be_one(one[1], row)), None)
        given = row["record_id"] != identify(row)
        if same is None and known and given:
            problems.append(
                problem(
                    f"{where}: another record of the file has this id",
                    column="record_id",
                    found=row["record_id"],
                    hint=f"first in {known[0][0].split(', ')[-1]}",
                )
            )
        if same is None:
            known.append((where, row))
        elif same[1] != row:
            remarks.append(f"{where}: the same record as {same[0].split(', ')[-1]}, differently filled in")
            _fill(same[1], row)
    return [row for known in kept.values() for _, row in known], problems


def _next_id(row):
    """The row under the id that comes next when its present one is another record's."""
    ids = [identify(row), identify(row, doi=False), identify(row, doi=False, accession=False)]
    after = ids[ids.index(row["record_id"]) + 1 :] if row["record_id"] in ids else ids
    if row["record_id"].startswith("record:"):
        after = []
    following = next((one for one in after if one != row["record_id"]), None)
    if following is None:
        # The same title, year and first author, and yet another record by authors or abstract: told apart by
        # all that it says.
        text = "|".join(row[name] for name in CELLS if name not in ("record_id", "found_in", "source"))
        following = f"record:{hashlib.sha256((row['record_id'] + text).encode()).hexdigest()[:12]}"
    return {**row, "record_id": following}


def _may_be_one(left, right):
    """Whether two rows with one id may be one record: alike titles, or the same first author at one time."""
    if left is right:
        return True
    one, other = likeness.citation(left), likeness.citation(right)
    if not one.title or not other.title:
        return True
    if one.title != other.title and one.page and other.page and one.page != other.page:
        return False
    if one.numbers == other.numbers and one.notices == other.notices:
        if likeness.dice(one.trigrams, other.trigrams) >= 0.7:
            return True
        if likeness.starts_alike(one.title, other.title, at_least=20):
            return True
    # One title may be in English and the other in the language of the article.
    return bool(
        one.pmid
        and one.pmid == other.pmid
        and one.authors
        and other.authors
        and likeness.same_name(one.authors[0], other.authors[0])
        and abs(one.year - other.year) <= 1
    )


def _add_to(held, row, *, run):
    held["last_run"] = max(held["last_run"], run)
    _fill(held, row)
    names = [*held["found_in"].split("; "), *row["found_in"].split("; ")]
    held["found_in"] = "; ".join(dict.fromkeys(names))


def _fill(held, row):
    for name in CELLS:
        if not held.get(name):
            held[name] = row[name]


def _row(cells, database, remark):
    """A row in the project's terms from cells that a reader has filled."""
    row = {**dict.fromkeys(CELLS, ""), **cells}
    row = {name: row[name] if isinstance(row[name], str) else _join(row[name]) for name in CELLS}
    for name in CELLS:
        if name not in LISTS:
            row[name] = _clean(row[name])
    row["doi"] = _doi(row["doi"], remark)
    row["year"] = next(iter(YEAR.findall(row["year"])), "")
    row["language"] = _join(
        LANGUAGES.get(part.strip().casefold(), part.strip()) for part in re.split(r"[;,]", row["language"])
    )
    row["found_in"] = database
    # The source "PubMed" is that of the search's own answers.
    row["source"] = row["source"] or ("PubMed, imported" if database.casefold() == "pubmed" else database)
    said = " ".join([row["registry_ids"], row["title"], row["abstract"]])
    row["registry_ids"] = _join([*registries.find(said), *_unknown_numbers(row["registry_ids"])])
    row["record_id"] = row["record_id"] or identify(row)
    return row


def _unknown_numbers(cell):
    return (part.strip() for part in cell.split(";") if not registries.find(part))


def _doi(text, remark):
    if not text:
        return ""
    doi = DOI_PREFIX.sub("", text.strip()).strip().rstrip(".;,").lower()
    doi = doi.removesuffix(" [doi]")
    if NO_ARTICLE.match(doi):
        return ""
    if DOI.match(doi):
        return doi
    remark(f"{text[:60]!r} is no DOI and was passed over")
    return ""


def _from_ris(fields, database, remark):
    def first(*tags):
        return next((value for tag in tags for value in fields.get(tag, []) if value), "")

    def whole(*tags):
        return next((text for text in (" ".join(fields.get(tag, [])) for tag in tags) if text), "")

    own = [value for value in fields.get("M3", []) + fields.get("PT", []) if not DOI.match(value)]
    kind = first("TY")
    linked = [value for value in fields.get("UR", []) + fields.get("L2", []) if DOI_PREFIX.match(value)]
    pmid = _pmid_of_ris(fields, database)
    accession = first("AN") or next((value for value in fields.get("U2", []) if value.startswith("L")), "")
    pages = first("SP")
    if pages and first("EP") and "-" not in pages:
        pages = f"{pages}-{first('EP')}"
    article_number = first("C7")
    return _row(
        {
            "pmid": pmid,
            "doi": first("DO")
            or next((v for v in fields.get("M3", []) if DOI.match(v)), "")
            or "".join(linked[:1]),
            "title": whole("TI", "T1", "CT", "BT"),
            "vernacular_title": whole("TT", "OT"),
            "authors": [_author(name) for name in _both(fields, "AU", "A1")],
            "journal": first("T2", "JF", "JO", "JA", "J2", "BT"),
            "year": first("PY", "Y1", "DA", "YR"),
            "volume": first("VL"),
            "issue": first("IS"),
            "pages": pages or (article_number if re.fullmatch(r"[A-Za-z]?\d{1,8}", article_number) else ""),
            "publication_types": own or [TYPES.get(kind, kind)],
            "keywords": _both(fields, "KW", "DE"),
            "abstract": whole("AB", "N2"),
            "language": "; ".join(fields.get("LA", [])),
            "registry_ids": _join(registries.find(" ".join(v for vs in fields.values() for v in vs))),
            "accession": _bare(accession),
        },
        database,
        remark,
    )


def _both(fields, *tags):
    return list(dict.fromkeys(value for tag in tags for value in fields.get(tag, [])))


def _bare(accession):
    """An accession number; of one that is a PMID with its name, such as "PMID: 12345", the number."""
    stated = STATED_PMID.fullmatch(accession)
    return stated[1] if stated else accession


def _pmid_of_ris(fields, database):
    """A PMID where a record states one; a bare number counts only where that database is known to put it."""
    for tag in ("PM", "AN", "C1", "C2", "C3", "C5", "C7", "C8", "XR", "U1", "ID", "N1", "M1"):
        for value in fields.get(tag, []):
            # A note may name the PMID of a comment or an erratum: there it counts only if it stands alone.
            stated = (STATED_PMID.fullmatch if tag in ("N1", "M1") else STATED_PMID.search)(value)
            if stated:
                return stated[1]
    bare = ["PM"]
    if PUBMED.search(" ".join([database, *fields.get("DB", []), *fields.get("DP", [])])):
        bare.append("AN")
    bare += [tag for name, tag in BARE_PMID_TAGS.items() if name in database.casefold()]
    values = (value for tag in bare for value in fields.get(tag, []))
    return next((value for value in values if BARE_PMID.match(value)), "")


def _from_medline(record, database, remark):
    located = [*record.get("AID", []), record.get("LID", "")]
    dois = [value for text in located for value in re.findall(r"(?<!\S)(\S+) \[doi\]", text)]
    return _row(
        {
            "pmid": record["PMID"],
            "doi": "".join(dois[:1]),
            "title": _text(record, "TI") or _text(record, "BTI") or _text(record, "TT"),
            "vernacular_title": _text(record, "TT"),
            "authors": [*record.get("AU", []), *record.get("CN", [])],
            "journal": _text(record, "TA") or _text(record, "JT"),
            "year": _text(record, "DP"),
            "volume": _text(record, "VI"),
            "issue": _text(record, "IP"),
            "pages": _text(record, "PG"),
            "publication_types": record.get("PT", []),
            "mesh_terms": [_heading(heading) for heading in record.get("MH", [])],
            "keywords": [keyword.lstrip("*") for keyword in record.get("OT", [])],
            "abstract": _text(record, "AB"),
            "language": "; ".join(record.get("LA", [])),
            "registry_ids": _join(number.split("/", 1)[-1] for number in record.get("SI", [])),
            "entry_date": _text(record, "CRDT")[:10].replace("/", "-"),
            "accession": record["PMID"],
        },
        database,
        remark,
    )


def _text(record, tag):
    value = record.get(tag, "")
    return value if isinstance(value, str) else " ".join(value)


def _heading(heading):
    """ "*Pain/drug therapy" as it stands in the table: "Pain* / drug therapy"."""
    parts = (part.strip() for part in heading.split("/"))
    return " / ".join(part[1:] + "*" if part.startswith("*") else part for part in parts)


def _from_endnote(element, database, remark):
    def text(path):
        found = element.find(path)
        return _clean("".join(found.itertext())) if found is not None else ""

    def texts(path):
        return [_clean("".join(found.itertext())) for found in element.iterfind(path)]

    accession = text("accession-num")
    stated = STATED_PMID.search(f"{accession} {text('notes')}")
    from_pubmed = PUBMED.search(
        " ".join([database, text("remote-database-name"), text("remote-database-provider")])
    )
    pmid = stated[1] if stated else accession if from_pubmed and BARE_PMID.match(accession) else ""
    kind = element.find("ref-type")
    return _row(
        {
            "pmid": pmid,
            "doi": text("electronic-resource-num"),
            "title": text("titles/title"),
            "vernacular_title": text("titles/translated-title"),
            "authors": [_author(name) for name in texts("contributors/authors/author") if name],
            "journal": text("periodical/full-title")
            or text("titles/secondary-title")
            or text("periodical/abbr-1"),
            "year": text("dates/year") or text("dates/pub-dates/date"),
            "volume": text("volume"),
            "issue": text("number"),
            "pages": text("pages"),
            "publication_types": text("work-type") or (kind.get("name", "") if kind is not None else ""),
            "keywords": texts("keywords/keyword"),
            "abstract": text("abstract"),
            "language": text("language"),
            "registry_ids": _join(registries.find("".join(element.itertext()))),
            "accession": _bare(accession),
        },
        database,
        remark,
    )


def _from_csv(record, database, remark):
    given = {name: value for name, value in record.items() if isinstance(value, str)}
    return _row(given, database, remark)


def _clean(text):
    """Text in single spaces, without markup and character references, which some exports leave in it."""
    return " ".join(html.unescape(likeness.MARKUP.sub("", text)).split())


def _join(texts):
    """Entries in one cell, each once; a semicolon within an entry becomes a comma."""
    return "; ".join(dict.fromkeys(_clean(text).replace(";", ",") for text in texts if text and text.strip()))


def _author(name):
    """ "Sample, Ann B." as "Sample AB"; a group's name stays as it is."""
    parts = [part.strip() for part in name.strip().rstrip(",;").split(",")]
    if len(parts) == 1:
        return re.sub(r"(?<=\b\w)\.\s*", "", parts[0]) if re.search(r"\b\w\.", parts[0]) else parts[0]
    return " ".join(part for part in [parts[0], _initials(parts[1]), *parts[2:]] if part)


def _initials(given):
    if re.fullmatch(r"[^\W\d_a-z]{1,4}", given) and given == given.upper():
        return given
    return "".join(part[0].upper() for part in re.split(r"[\s.\-]+", given) if part)


def _slug(text, also=""):
    return re.sub(rf"[^a-z0-9{re.escape(also)}]+", "-", text.casefold()).strip("-") or "unnamed"
