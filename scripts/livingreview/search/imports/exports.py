"""The formats in which bibliographic databases export records: RIS, MEDLINE, EndNote XML and CSV.

Each reader takes the bytes of a file and returns what the file says, field by field; nothing is skipped. The
records are counted once by the reader and once more in the raw text, and a difference is a fault. RIS is read
here rather than by a library: those tried drop the second value of a field that they expect once, and join a
record to the next where the line that ends it is missing.
"""

import csv
import io
import re
import tempfile
from pathlib import Path

from Bio import Medline
from lxml import etree

from livingreview import tables, xml_reading
from livingreview.errors import InputError, ReviewError, problem

# Two spaces by the format; a few programs write one, and then throughout.
TAGGED = re.compile(r"^([A-Z][A-Z0-9])  -(?: |$)(.*)$")
LOOSELY_TAGGED = re.compile(r"^([A-Z][A-Z0-9]) -(?: |$)(.*)$")
LINES = re.compile(r"\r\n|\r|\n")
UTF16 = (b"\xff\xfe", b"\xfe\xff")


class ExportError(ReviewError):
    """A file that cannot be read whole; `where` is the record or line, "" for the file."""

    def __init__(self, text, *, where="", found=None, allowed=None, hint=None):
        self.text, self.where = text, where
        self.found, self.allowed, self.hint = found, allowed, hint
        super().__init__(text)


def decode(data):
    """Text of a file in UTF-8, or UTF-16 with its mark; marks within it (joined files) are dropped.

    Raises
    ------
    ExportError
        If it is in another encoding: guessing would change names without a sign.
    """
    try:
        text = data.decode("utf-16" if data[:2] in UTF16 else "utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ExportError(
            f"byte {error.start} is not UTF-8",
            where=f"line {line}",
            found=data[error.start : error.start + 1].hex(),
            allowed="UTF-8",
            hint="export again as UTF-8, or convert it: iconv -f WINDOWS-1252 -t UTF-8",
        ) from None
    if "\0" in text:
        raise ExportError("the file holds a null character", hint="it is no text; export it again")
    return text.replace("\ufeff", "")


def kind_of(name, text):
    """Which reader a file is for: "ris", "medline", "endnote" or "csv".

    Raises
    ------
    ExportError
        If it is none of them.
    """
    suffix = Path(name).suffix.lower()
    if suffix == ".csv":
        return "csv"
    if suffix == ".xml":
        return "endnote"
    if suffix == ".nbib":
        return "medline"
    if suffix == ".ris":
        return "ris"
    if suffix == ".txt" and re.search(r"^TY {1,2}- ", text, re.M):
        return "ris"
    if suffix == ".txt" and re.search(r"^PMID- ", text, re.M):
        return "medline"
    raise ExportError(
        "this is no format that is read here",
        allowed=".ris, .nbib, .xml (EndNote), .csv, or .txt with RIS or MEDLINE in it",
        hint="export the records again as RIS",
    )


def ris(text):
    """Records of a RIS file: a list of dicts from tag to the list of its values, continued lines apart.

    Raises
    ------
    ExportError
        If a record has no line ER, or if a field stands outside a record. Lines without a field between
        records are a provider's headings.
    """
    pattern = TAGGED if re.search(r"^TY  -", text, re.M) else LOOSELY_TAGGED
    records = []
    record, values = None, None
    for number, line in enumerate(LINES.split(text), start=1):
        match = pattern.match(line)
        if match is None:
            if values is not None and line.strip():
                values.append(line.strip())
            continue
        tag, value = match[1], match[2].strip()
        if tag == "TY":
            if record is not None:
                raise _without_end(len(records) + 1, f"the next begins in line {number}")
            record = {}
        elif record is None:
            raise ExportError(
                f"the field {tag} stands outside a record",
                where=f"line {number}",
                found=line.strip()[:60],
                allowed="TY, which begins a record",
            )
        if tag == "ER":
            records.append(record)
            record, values = None, None
            continue
        values = record.setdefault(tag, [])
        if value:
            values.append(value)
    if record is not None:
        raise _without_end(len(records) + 1, "the file ends")
    return records


def _without_end(number, what):
    return ExportError(
        f"has no line ER: {what}",
        where=f"record {number}",
        hint="the file was cut off or joined by hand; export it again",
    )


def medline(text):
    """Records of a MEDLINE (nbib) file, as Bio.Medline gives them; wrapped lines are joined first.

    Raises
    ------
    ExportError
        If the records are not as many as the lines PMID, if one lacks its PMID, or if the last one lacks the
        line SO with which every whole record ends.
    """
    lines = []
    for line in LINES.split(text):
        if line.startswith("      ") and lines and lines[-1].strip():
            lines[-1] += " " + line.strip()
        else:
            lines.append(line.rstrip())
    counted = sum(line.startswith("PMID-") for line in lines)
    records = list(Medline.parse(line + "\n" for line in lines))
    for number, record in enumerate(records, start=1):
        if not re.fullmatch(r"[1-9]\d{0,8}", record.get("PMID", "")):
            raise ExportError(
                "has no PMID, or more than one",
                where=f"record {number}",
                found=record.get("PMID"),
                hint="each record begins with PMID and ends with an empty line; export the file again",
            )
    if len(records) != counted:
        raise ExportError("records do not add up", found=len(records), allowed=f"{counted} lines PMID")
    ended = ["SO" in record for record in records]
    if any(ended[:-1]) and not ended[-1]:
        raise ExportError(
            "has no line SO, and every other record has one",
            where=f"record {len(records)}",
            hint="the file was cut off; export it again",
        )
    return records


def endnote(data):
    """Records of an EndNote XML file, as elements.

    Raises
    ------
    ExportError
        If it is not whole, declares entities, or is another kind of XML.
    """
    if xml_reading.declares(data):
        raise ExportError("the file declares entities", hint="an export needs none; export it again")
    try:
        root = etree.fromstring(data, xml_reading.parser(remove_comments=True))
    except etree.XMLSyntaxError as error:
        raise ExportError(f"this is not whole XML: {error.msg}", hint="export it again") from None
    if root.tag != "xml" or root.find("records") is None:
        raise ExportError(
            "this is XML of another kind",
            found=root.tag,
            allowed="xml/records/record, as EndNote exports it",
            hint="from PubMed, export the format PubMed (nbib)",
        )
    found = root.findall("records/record")
    counted = sum(1 for _ in root.iter("record"))
    if len(found) != counted:
        raise ExportError("records stand elsewhere than in xml/records", found=counted, allowed=len(found))
    return found


def csv_rows(data, name):
    """(row number, row) of a CSV file by the schema "import_records"; columns left out count as empty.

    Raises
    ------
    InputError
        As from `tables.read`, with the file's name; a ragged row is measured by the file's own header.
    """
    try:
        rows = list(csv.reader(io.StringIO(decode(data), newline=""), strict=True))
    except csv.Error as error:
        raise ExportError(f"this is not a CSV file: {error}") from None
    declared = tables.columns("import_records")
    first = next((at for at, row in enumerate(rows) if any(cell.strip() for cell in row)), None)
    header = [cell.strip() for cell in rows[first]] if first is not None else []
    problems = []
    if "title" in header:
        missing = [column for column in declared if column not in header]
        # Empty rows stay where they are, so that messages count rows as a spreadsheet does.
        rows[first] = [*header, *missing]
        for at, row in enumerate(rows[first + 1 :], start=first + 1):
            if not any(cell.strip() for cell in row):
                continue
            if len(row) == len(header):
                rows[at] = [*row, *[""] * len(missing)]
                continue
            rows[at] = []
            problems.append(
                problem(
                    f"{len(row)} cells where the header has {len(header)}",
                    row=at + 1,
                    hint="a comma inside a cell needs quotation marks around the cell",
                )
            )
    padded = io.StringIO(newline="")
    csv.writer(padded, lineterminator="\r\n").writerows(rows)
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / Path(name).name
        trial.write_bytes(padded.getvalue().encode("utf-8"))
        try:
            frame = tables.read(trial, "import_records")
        except InputError as error:
            raise InputError(name, problems=[*problems, *error.problems]) from None
    if problems:
        raise InputError(name, problems=problems)
    filled = (at for at, row in enumerate(rows, start=1) if any(cell.strip() for cell in row))
    numbers = list(filled)[1:]
    return list(zip(numbers, frame.to_dict("records"), strict=True))
