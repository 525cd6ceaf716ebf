"""XML declares nothing, loads nothing and asks nobody, wherever it comes from; workbooks stay of their size."""

import io
import socket
import threading
import zipfile

import openpyxl
import pytest

from livingreview import xml_reading
from livingreview.errors import InputError
from livingreview.search.imports import exports
from livingreview.search.pubmed import articles, replies
from livingreview.search.pubmed.failures import EntrezError, Passing
from livingreview.trials import workbook

LAUGHS = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(12))
HIDDEN = "what only this computer knows"


@pytest.fixture
def listener():
    """A server on the loopback, and the list of who came."""
    came = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            while True:
                try:
                    connection, address = listening.accept()
                except OSError:
                    return
                came.append(address)
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/x.dtd", came
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture(
    params=[
        "laughs",
        "quadratic",
        "file",
        "address",
        "parameter",
        "attribute",
        "outer type",
        "utf-16",
        "utf-7",
    ]
)
def attack(request, tmp_path, listener):
    """Makes a document of a root element that tries something; its declarations and what it uses of them."""
    hidden = tmp_path / "hidden"
    hidden.write_text(HIDDEN)
    url, _ = listener
    inner = {
        "laughs": ('<!ENTITY l0 "ha">' + LAUGHS, "&l12;"),
        "quadratic": (f'<!ENTITY a "{"a" * 100_000}">', "&a;" * 10_000),
        "file": (f'<!ENTITY a SYSTEM "{hidden.as_uri()}">', "&a;"),
        "address": (f'<!ENTITY a SYSTEM "{url}">', "&a;"),
        "parameter": (f'<!ENTITY % a SYSTEM "{url}"> %a;', ""),
        "attribute": ('<!ENTITY l0 "ha">' + LAUGHS, '<a b="&l9;"/>'),
        "utf-16": (f'<!ENTITY a SYSTEM "{hidden.as_uri()}">', "&a;"),
        "utf-7": (f'<!ENTITY a SYSTEM "{hidden.as_uri()}">', "&a;"),
    }

    def make(root, before="", after=""):
        if request.param == "outer type":
            return f'<?xml version="1.0"?><!DOCTYPE {root} SYSTEM "{url}"><{root}>{before}{after}</{root}>'.encode()
        declared, used = inner[request.param]
        encoding = request.param if request.param.startswith("utf") else "utf-8"
        text = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE {root} [{declared}]>'
        return f"{text}<{root}>{before}{used}{after}</{root}>".encode(encoding)

    make.kind = request.param
    return make


def test_no_answer_of_pubmed_declares_or_loads_anything(attack, listener):
    asked = (
        lambda: list(articles.read(attack("PubmedArticleSet"))),
        lambda: replies.check(attack("eSearchResult"), "eSearchResult"),
        lambda: replies.read_search(attack("eSearchResult"), date="2026-11-01"),
    )
    said = [outcome(read, articles.Broken, EntrezError, Passing) for read in asked]
    assert HIDDEN not in "".join(said)
    assert "haha" not in "".join(said)
    assert listener[1] == []


def test_no_export_declares_or_loads_anything(attack, listener):
    data = attack("xml", "<records><record><titles><title>", "</title></titles></record></records>")
    said = outcome(lambda: [list(one.itertext()) for one in exports.endnote(data)], exports.ExportError)
    assert HIDDEN not in said
    assert attack.kind == "outer type" or said == "the file declares entities"
    assert listener[1] == []


def outcome(read, *faults):
    """What was read, or what was said in its place."""
    try:
        return str(read())
    except faults as error:
        return getattr(error, "text", None) or str(error)


def packed(parts, path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in parts.items():
            file.writestr(name, data)
    return path


@pytest.fixture(scope="module")
def parts():
    """The parts of a workbook with the sheets that are read."""
    book = openpyxl.Workbook()
    book.active.title = "study"
    book.create_sheet("outcomes")
    for name in ("study", "outcomes"):
        book[name].append(["study_id"])
        book[name].append(["example_2020"])
    out = io.BytesIO()
    book.save(out)
    with zipfile.ZipFile(out) as file:
        return {name: file.read(name) for name in file.namelist()}


def test_a_plain_workbook_is_read(parts, tmp_path):
    found = workbook.read(packed(parts, tmp_path / "x.xlsx"))
    assert found.tables["study"] == (["study_id"], [(2, ["example_2020"])])


@pytest.mark.parametrize(
    "part", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml", "x.xml"]
)
def test_no_part_of_a_workbook_declares_or_loads_anything(attack, listener, parts, tmp_path, part):
    path = packed(parts | {part: attack("worksheet")}, tmp_path / "x.xlsx")
    said = outcome(lambda: workbook.read(path), InputError)
    assert HIDDEN not in said
    # A type that only names an address is passed over, and the address not asked.
    assert attack.kind == "outer type" or f"{part} declares entities" in said
    assert listener[1] == []


def test_a_workbook_that_unpacks_to_more_than_any_sheet_is_not_unpacked(parts, tmp_path):
    path = packed(parts | {"xl/worksheets/sheet1.xml": b" " * (workbook.MOST_BYTES + 1)}, tmp_path / "x.xlsx")
    assert path.stat().st_size < 100_000
    with pytest.raises(
        InputError, match=r"larger than any extraction sheet; found '\d+ parts of together 52,"
    ):
        workbook.read(path)
    many = packed({f"{n}.xml": b"" for n in range(workbook.MOST_PARTS + 1)}, tmp_path / "many.xlsx")
    with pytest.raises(InputError, match="larger than any extraction sheet; found '501 parts"):
        workbook.read(many)


@pytest.mark.parametrize("cell", ["A1048576", "XFD1", "XFD1048576"])
def test_a_cell_at_the_far_corner_is_told_and_not_walked_to(parts, tmp_path, cell):
    book = openpyxl.load_workbook(packed(parts, tmp_path / "x.xlsx"))
    book["outcomes"][cell] = "x"
    book.save(tmp_path / "far.xlsx")
    with pytest.raises(InputError, match="the sheet outcomes has cells far from its table"):
        workbook.read(tmp_path / "far.xlsx")


def test_links_to_other_workbooks_are_passed_over(parts, tmp_path, listener):
    url, came = listener
    link = (
        '<externalLink xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><externalBook'
        ' xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" r:id="rId1"/></externalLink>'
    )
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/externalLinkPath"
    relation = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="rId1" Type="{kind}" Target="{url}" TargetMode="External"/></Relationships>'
    )
    more = {
        "xl/externalLinks/externalLink1.xml": link,
        "xl/externalLinks/_rels/externalLink1.xml.rels": relation,
    }
    assert workbook.read(packed(parts | more, tmp_path / "x.xlsx")).tables["study"][1] == [
        (2, ["example_2020"])
    ]
    assert came == []


def test_parsers_are_made_in_one_place(calls):
    """But for expat, which reads the head of PubMed's documents and stops at the first declaration."""
    made = {}
    for path, called, node in calls:
        owner, _, name = called.rpartition(".")
        if name in ("XMLParser", "HTMLParser", "ParserCreate", "iterparse", "XMLPullParser", "parseString"):
            made.setdefault(name, set()).add(path.removeprefix("livingreview/"))
        if name in ("fromstring", "XML") and owner == "etree" and len(node.args) < 2:
            made.setdefault("without parser", set()).add(path.removeprefix("livingreview/"))
    assert made == {
        "XMLParser": {"xml_reading.py"},
        "ParserCreate": {"search/pubmed/article_stream.py"},
        # What was drawn here, a moment before.
        "without parser": {"report/standalone.py"},
    }


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"<a/>", False),
        (b'<!DOCTYPE a PUBLIC "-//NLM//DTD" "https://dtd.nlm.nih.gov/x.dtd"><a/>', False),
        (b'<?xml version="1.0" encoding="UTF-8"?><a>&lt;!ENTITY</a>', False),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a/>", True),
        (b"<!doctype a [ ]><a/>", True),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><a/>".encode("utf-16"), True),
        (b"<?xml version='1.0' encoding='utf-7'?><a/>", True),
        (b"<?xml version='1.0' encoding='IBM037'?><a/>", True),
    ],
)
def test_declarations_are_seen(text, found):
    assert xml_reading.declares(text) is found
