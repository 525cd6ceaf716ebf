"""Exports of other databases: whole or refused, every record with an id that lasts."""

import csv
import hashlib
import random

import pytest

from livingreview.errors import InputError
from livingreview.search import imports, registries
from livingreview.search.imports import exports
from livingreview.search.imports.exports import ExportError
from livingreview.search.linkage import likeness

COLUMNS = [
    "file",
    "database",
    "platform",
    "searched_on",
    "strategy",
    "limits",
    "n_records",
    "exported_by",
    "note",
]

EMBASE = """\
TY  - JOUR
T1  - Internet treatment for example pain: a randomised trial
A1  - Example, Ann B.
A1  - Sample-Doe, C.
JF  - Journal of Example Pain
Y1  - 2020/05/04/
VL  - 12
IS  - 3
SP  - 101
EP  - 110
DO  - https://doi.org/10.1000/EXAMPLE.1
AN  - L2000000001
U2  - L2000000001
C5  - 101
M3  - Article
KW  - pain; chronic
KW  - internet
N2  - Background: people with pain
were randomised (n = 120).
  Registered as NCT 01234567.
LA  - English
ER  -

TY  - JOUR
TI  - An abstract of a congress
AU  - Sample D.
T2  - Example Congress
PY  - 2021
AN  - L2000000002
M3  - Conference Abstract
ER  -
"""

NBIB = """\
PMID- 102
OWN - NLM
CRDT- 2021/03/04 06:00
DP  - 2021 Mar-Apr
TI  - Online self-management of example headache in a title that runs over
      two lines.
PG  - 67-9
LID - 10.1000/example.2 [doi]
AB  - Nothing to see.
AU  - Example AB
AU  - Sample C
CN  - Example Pain Group
LA  - eng
SI  - ClinicalTrials.gov/NCT00000102
PT  - Randomized Controlled Trial
PT  - Research Support, Non-U.S.
      Gov't
MH  - *Headache/drug therapy/*psychology
OT  - *apps
TA  - Headache Ex
SO  - Headache Ex. 2021 Mar;5(2):67-9.

PMID- 103
TI  - A second record.
DP  - 2022
SO  - Headache Ex. 2022.
"""

ENDNOTE = """\
<?xml version="1.0" encoding="UTF-8" ?><xml><records>
<record><database name="My.enl">My.enl</database><ref-type name="Journal Article">17</ref-type>
<contributors><authors><author><style face="normal">Example, Ann</style></author><author>Example Group</author>
</authors></contributors>
<titles><title><style face="italic">E. coli</style><style face="normal"> and example pain &amp; p &lt; 0.05</style>
</title><secondary-title>Example J</secondary-title></titles>
<pages>1-9</pages><volume>4</volume><keywords><keyword>one</keyword><keyword>two; three</keyword></keywords>
<dates><year><style>2019</style></year></dates><electronic-resource-num>doi: 10.1000/Example.3.</electronic-resource-num>
<accession-num>104</accession-num><remote-database-name>Medline</remote-database-name></record>
<record><titles><title>No number at all</title></titles><dates><year>2018</year></dates>
<accession-num>2018-00001-001</accession-num></record>
</records></xml>
"""


@pytest.fixture
def folder(tmp_path):
    """Writes files and their sources.csv into the imports of a run; returns the folder."""

    def write(contents, *, run="2020-01", **changes):
        """``contents`` maps a file's name to text or bytes and the number of records stated."""
        path = tmp_path / run / "imports"
        path.mkdir(parents=True, exist_ok=True)
        rows = []
        for name, (content, n_records) in contents.items():
            (path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
            row = {
                "file": name,
                "database": "Embase",
                "searched_on": "2020-01-02",
                "strategy": "pain.ti.",
                **changes,
            }
            rows.append({**dict.fromkeys(COLUMNS, ""), **row, "n_records": n_records})
        with (path / "sources.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        return path

    return write


def fault(call, *args):
    with pytest.raises(InputError) as caught:
        call(*args)
    return str(caught.value)


def test_a_ris_file_is_read_with_all_that_it_says(folder):
    found = imports.read(folder({"embase.ris": (EMBASE, 2)}))
    first, second = found.rows
    assert first == {
        "record_id": "doi:10.1000/example.1",
        "pmid": "101",
        "doi": "10.1000/example.1",
        "title": "Internet treatment for example pain: a randomised trial",
        "vernacular_title": "",
        "authors": "Example AB; Sample-Doe C",
        "journal": "Journal of Example Pain",
        "year": "2020",
        "volume": "12",
        "issue": "3",
        "pages": "101-110",
        "publication_types": "Article",
        "mesh_terms": "",
        "keywords": "pain, chronic; internet",
        "abstract": "Background: people with pain were randomised (n = 120). Registered as NCT 01234567.",
        "language": "eng",
        "registry_ids": "NCT01234567",
        "entry_date": "",
        "accession": "L2000000001",
        "source": "Embase",
        "found_in": "Embase",
    }
    assert (second["record_id"], second["authors"], second["publication_types"]) == (
        "embase:l2000000002",
        "Sample D",
        "Conference Abstract",
    )
    assert found.run == "2020-01"
    [source] = found.sources
    assert source["sha256"] == hashlib.sha256(EMBASE.encode()).hexdigest()
    assert (source["n_read"], source["n_repeated"], source["n_records"], source["strategy"]) == (
        2,
        0,
        2,
        "pain.ti.",
    )
    assert found.remarks == []


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: "Provider: Example\n\n" + text.replace("TY  -", "\ufeffTY  -"),
        lambda text: text.replace("  - ", " - ").replace("ER  -", "ER -"),
        lambda text: text.replace("ER  -", "ER  - "),
    ],
    ids=["byte order mark", "CRLF", "CR", "heading and marks within", "one space", "space after ER"],
)
def test_a_ris_file_reads_the_same_in_every_dialect_of_lines(folder, change):
    plain = imports.read(folder({"a.ris": (EMBASE, 2)})).rows
    assert imports.read(folder({"a.ris": (change(EMBASE), 2)})).rows == plain


def test_a_ris_file_in_utf_16_is_read(folder):
    assert len(imports.read(folder({"a.ris": (EMBASE.encode("utf-16"), 2)})).rows) == 2


def test_a_repeated_field_and_an_unknown_one_are_kept_by_the_reader():
    [record] = exports.ris("TY  - JOUR\nZZ  - one\nZZ  - two\nTI  - A\nTI  - B\nER  - \n")
    assert record == {"TY": ["JOUR"], "ZZ": ["one", "two"], "TI": ["A", "B"]}


def test_an_nbib_file_is_read_with_wrapped_lines_whole(folder):
    found = imports.read(folder({"a.nbib": (NBIB, 2)}, database="PubMed"))
    first = found.rows[0]
    assert {
        name: first[name]
        for name in ("record_id", "pmid", "doi", "year", "pages", "language", "entry_date", "journal")
    } == {
        "record_id": "doi:10.1000/example.2",
        "pmid": "102",
        "doi": "10.1000/example.2",
        "year": "2021",
        "pages": "67-9",
        "language": "eng",
        "entry_date": "2021-03-04",
        "journal": "Headache Ex",
    }
    assert first["title"] == "Online self-management of example headache in a title that runs over two lines."
    assert first["authors"] == "Example AB; Sample C; Example Pain Group"
    assert first["publication_types"] == "Randomized Controlled Trial; Research Support, Non-U.S. Gov't"
    assert first["mesh_terms"] == "Headache* / drug therapy / psychology*"
    assert (first["keywords"], first["registry_ids"]) == ("apps", "NCT00000102")
    # The source "PubMed" is that of the search itself.
    assert (first["source"], first["found_in"]) == ("PubMed, imported", "PubMed")
    second = found.rows[1]
    assert (second["record_id"], second["pmid"], second["accession"]) == ("pubmed:103", "103", "103")


def test_an_endnote_file_is_read_with_styles_within_fields(folder):
    first, second = imports.read(folder({"a.xml": (ENDNOTE, 2)})).rows
    assert first["title"] == "E. coli and example pain & p < 0.05"
    assert (first["record_id"], first["doi"], first["year"]) == (
        "doi:10.1000/example.3",
        "10.1000/example.3",
        "2019",
    )
    assert (first["authors"], first["keywords"], first["pmid"], first["accession"]) == (
        "Example A; Example Group",
        "one; two, three",
        "104",
        "104",
    )
    assert second["record_id"] == "embase:2018-00001-001"


def test_a_csv_file_needs_a_title_only_and_keeps_its_own_ids_and_sources(folder):
    text = (
        "record_id,title,year,source,authors\n"
        "other:example_2020,An example,2020,https://example.org/9,Example A\n"
        ",Another example,,,\n"
    )
    first, second = imports.read(folder({"a.csv": (text, 2)})).rows
    assert (first["record_id"], first["source"], first["found_in"]) == (
        "other:example_2020",
        "https://example.org/9",
        "Embase",
    )
    digest = hashlib.sha256(b"anotherexample||").hexdigest()[:12]
    assert second["record_id"] == f"title:{digest}"


def test_a_folder_without_files_and_a_file_without_records_are_normal(folder, tmp_path):
    assert imports.read(folder({"a.ris": ("", 0)})).rows == []
    assert imports.read(folder({"a.xml": ("", 0)}, run="2020-02")).rows == []
    (tmp_path / "2019-01" / "imports").mkdir(parents=True)
    (tmp_path / "2019-01" / "imports" / "README.md").write_text("nothing here")
    assert imports.read(tmp_path / "2019-01" / "imports") == ("2019-01", [], [], [])


def test_the_ids_of_a_record_come_from_its_strongest_number():
    row = {
        "pmid": "7",
        "doi": "10.1000/a",
        "found_in": "Web of Science",
        "accession": "WOS:0001",
        "title": "A title",
        "year": "2020",
        "authors": "Exämple AB; Sample C",
    }
    assert imports.identify(row) == "doi:10.1000/a"
    assert imports.identify(row | {"doi": ""}) == "web-of-science:wos-0001"
    last = row | {"doi": "", "accession": ""}
    assert imports.identify(last).startswith("title:")
    # Another month's export writes the same title and name in another way.
    assert imports.identify(last) == imports.identify(last | {"title": "A Title.", "authors": "EXAMPLE A"})
    assert imports.identify(last) != imports.identify(last | {"year": "2021"})


@pytest.mark.parametrize(
    ("fields", "database", "pmid"),
    [
        ("AN  - PMID:12345", "Embase", "12345"),
        ("C3  - PUBMED 12345,EMBASE 67890", "CENTRAL", "12345"),
        ("C2  - 12345", "Scopus", "12345"),
        ("C2  - 12345", "CINAHL", ""),
        ("AN  - 12345\nDB  - Medline", "Ovid", "12345"),
        ("AN  - 12345\nDB  - CINAHL", "CINAHL", ""),
        ("N1  - PMID: 12345", "CINAHL", "12345"),
        ("N1  - Comment in: PMID: 12345", "CINAHL", ""),
        ("AN  - WOS:000000000012345", "Web of Science", ""),
    ],
)
def test_a_pmid_is_taken_only_where_a_record_states_its_own(folder, fields, database, pmid):
    text = f"TY  - JOUR\nTI  - An example\n{fields}\nER  - \n"
    [row] = imports.read(folder({"a.ris": (text, 1)}, database=database)).rows
    assert row["pmid"] == pmid


def test_a_doi_that_is_none_is_told_and_that_of_a_central_entry_is_no_articles(folder):
    text = "TY  - JOUR\nTI  - {}\nDO  - {}\nER  - \n"
    content = text.format("One", "see publisher") + text.format("Two", "10.1002/central/CN-00000001")
    found = imports.read(folder({"a.ris": (content, 2)}))
    assert [row["doi"] for row in found.rows] == ["", ""]
    assert found.remarks == ["a.ris, record 1: 'see publisher' is no DOI and was passed over"]


def test_a_record_twice_in_a_file_is_counted_and_what_the_second_adds_is_kept(folder):
    one = "TY  - JOUR\nTI  - An example of pain\nAN  - 1\nER  - \n"
    more = "TY  - JOUR\nTI  - An example of pain\nAN  - 1\nAB  - Words\nER  - \n"
    found = imports.read(folder({"a.ris": (one + one + more, 3)}))
    assert [row["abstract"] for row in found.rows] == ["Words"]
    assert (found.sources[0]["n_read"], found.sources[0]["n_repeated"]) == (3, 2)
    assert found.remarks == ["a.ris, record 3: the same record as record 1, differently filled in"]


SUPPLEMENT = "TY  - JOUR\nTI  - {}\nAN  - {}\nDO  - 10.1000/supplement\nER  - \n"
BACK, SLEEP = "Example apps for back pain in nurses", "Walking and sleep in older people"


def ids(*imported):
    return {row["title"]: row["record_id"] for row in imports.fold(list(imported)).rows}


def test_abstracts_that_share_the_doi_of_a_supplement_stay_apart(folder):
    both = SUPPLEMENT.format(BACK, 1) + SUPPLEMENT.format(SLEEP, 2)
    folded = imports.fold([imports.read(folder({"a.ris": (both, 2)}))])
    assert [row["record_id"] for row in folded.rows] == ["doi:10.1000/supplement", "embase:2"]
    assert folded.remarks == [
        f"2020-01, Embase: doi:10.1000/supplement names another record already; kept as embase:2 ({SLEEP})"
    ]
    # Found again in another order, each keeps its id.
    turned = SUPPLEMENT.format(SLEEP, 2) + SUPPLEMENT.format(BACK, 1)
    again = imports.read(folder({"a.ris": (turned, 2)}, run="2020-02"))
    assert ids(imports.read(folder({"a.ris": (both, 2)})), again) == {
        BACK: "doi:10.1000/supplement",
        SLEEP: "embase:2",
    }


def test_a_file_added_below_the_others_renames_no_record(folder):
    first = {"m.ris": (SUPPLEMENT.format(BACK, 1), 1)}
    before = ids(imports.read(folder(first)))
    assert before == {BACK: "doi:10.1000/supplement"}
    # Its name comes before the other in the alphabet; the order in sources.csv counts.
    found = imports.read(folder({**first, "a.ris": (SUPPLEMENT.format(SLEEP, 2), 1)}))
    assert [source["file"] for source in found.sources] == ["m.ris", "a.ris"]
    assert ids(found) == {**before, SLEEP: "embase:2"}


def test_one_record_in_two_databases_and_months_fills_one_row(folder):
    one = "TY  - JOUR\nTI  - An example of pain\nDO  - 10.1000/a\nER  - \n"
    two = "TY  - JOUR\nTI  - An Example of Pain.\nDO  - 10.1000/A\nAB  - Words\nER  - \n"
    early = imports.read(folder({"a.ris": (one, 1)}, run="2020-01"))
    late = imports.read(folder({"b.ris": (two, 1)}, run="2020-03", database="CENTRAL"))
    for order in ([early, late], [late, early]):
        folded = imports.fold(order)
        assert folded.n_same == 1
        [row] = folded.rows
        assert (row["title"], row["abstract"], row["found_in"]) == (
            "An example of pain",
            "Words",
            "Embase; CENTRAL",
        )
        assert (row["first_run"], row["last_run"]) == ("2020-01", "2020-03")


def test_an_imported_pmid_is_no_id_and_touches_no_record_of_pubmed(folder):
    text = "TY  - JOUR\nTI  - {}\nPY  - 2020\nAN  - PMID:12345\nER  - \n"
    pubmed = {"record_id": "12345", "pmid": "12345", "title": "Treatment of example pain", "source": "PubMed"}
    for title in ("Treatment of example pain", "Asthma in horses and mules"):
        read = imports.read(folder({"a.ris": (text.format(title), 1)}))
        folded = imports.fold([read], [pubmed])
        assert folded.rows[0] == {**pubmed, "found_in": "PubMed"}
        assert [(row["record_id"], row["pmid"]) for row in folded.rows[1:]] == [("embase:12345", "12345")]
        assert (folded.n_same, folded.remarks) == (0, [])
    assert "found_in" not in pubmed


def test_no_format_makes_an_id_of_a_pmid(folder):
    ris = "TY  - JOUR\nTI  - An example\nPM  - 12345\nER  - \n"
    contents = {
        "a.ris": (ris, 1),
        "b.nbib": (NBIB, 2),
        "c.xml": (ENDNOTE, 2),
        "d.csv": ("title,pmid\nAnother,7\n", 1),
    }
    found = imports.read(folder(contents, database="PubMed")).rows
    assert [row["pmid"] for row in found] == ["12345", "102", "103", "104", "", "7"]
    assert [row["record_id"].split(":")[0] for row in found] == [
        "title",
        "doi",
        "pubmed",
        "doi",
        "pubmed",
        "title",
    ]


def test_a_pmid_given_as_an_id_is_refused(folder):
    text = fault(imports.read, folder({"a.csv": ("record_id,title\n12345,An example\n", 1)}))
    assert "a.csv" in text
    assert "column record_id" in text
    assert "found '12345'" in text


def test_translations_with_one_doi_pmid_author_and_year_fill_one_row(folder):
    text = "TY  - JOUR\nTI  - {}\nAU  - Example, A.\nPY  - 2020\nDO  - 10.1000/a\nC1  - PMID: {}\nER  - \n"
    one = {"a.ris": (text.format("Behandlung von Schmerz", 12345), 1)}
    for pmid, n_rows in ((12345, 1), (12346, 2)):
        other = {"b.ris": (text.format("Treatment of pain", pmid), 1)}
        assert len(imports.fold([imports.read(folder({**one, **other}))]).rows) == n_rows


def test_a_strategy_may_lie_in_a_file_of_its_own(folder):
    path = folder({"a.ris": (EMBASE, 2)}, strategy="embase_strategy.txt")
    assert "embase_strategy.txt: sources.csv names it and there is no such file" in fault(imports.read, path)
    (path / "embase_strategy.txt").write_text("1 pain.ti.\n2 internet.ti.\n3 1 and 2\n")
    assert imports.read(path).sources[0]["strategy"] == "1 pain.ti.\n2 internet.ti.\n3 1 and 2"


def test_every_fault_of_a_folder_is_named_at_once(folder, tmp_path):
    path = folder(
        {
            "a.ris": ("TY  - JOUR\nAU  - Example\nPY  - 2020\nER  - \n", 1),
            "b.ris": (EMBASE, 3),
            "c.ris": ("TY  - JOUR\nTI  - Gr\xf6\xdfe\nER  - \n".encode("latin-1"), 1),
            "d.ris": ("TY  - JOUR\nTI  - Cut off", 1),
            "e.bib": ("@article{}", 1),
            "gone.ris": ("", 0),
        }
    )
    (path / "gone.ris").unlink()
    (path / "more.ris").write_text(EMBASE)
    (path / "folder").mkdir()
    (tmp_path / "outside.ris").write_text(EMBASE)
    (path / "link.ris").symlink_to(tmp_path / "outside.ris")
    assert fault(imports.read, path) == (
        f"{path}: 9 problems\n"
        "  - folder: this is a link or a folder; hint: put the files themselves here\n"
        "  - link.ris: this is a link or a folder; hint: put the files themselves here\n"
        "  - more.ris: the file has no row in sources.csv; hint: add a row, or take the file away; nothing is passed over\n"
        "  - gone.ris: sources.csv names it and there is no such file; hint: capital letters count\n"
        "  - a.ris, record 1: a record has no title; found \"authors 'Example', year '2020'\"; allowed: a title\n"
        "  - column n_records: b.ris: the file does not hold what the database stated; found '2 records'; allowed: 3; "
        "hint: export it again, or correct n_records in sources.csv\n"
        "  - c.ris, line 2: byte 19 is not UTF-8; found 'f6'; allowed: UTF-8; hint: export again as UTF-8, or convert "
        "it: iconv -f WINDOWS-1252 -t UTF-8\n"
        "  - d.ris, record 1: has no line ER: the file ends; hint: the file was cut off or joined by hand; export it again\n"
        "  - e.bib: this is no format that is read here; allowed: .ris, .nbib, .xml (EndNote), .csv, or .txt with RIS "
        "or MEDLINE in it; hint: export the records again as RIS"
    )


def test_the_faults_of_all_months_are_named_at_once_and_later_months_do_not_exist_yet(folder, tmp_path):
    folder({"a.ris": (EMBASE, 5)}, run="2020-01")
    folder({"a.ris": (EMBASE, 6)}, run="2020-02")
    folder({"a.ris": (EMBASE, 7)}, run="2020-03")
    text = fault(imports.read_runs, tmp_path, "2020-02")
    assert "2020-01/imports: column n_records" in text
    assert "2020-02/imports: column n_records" in text
    assert "2020-03" not in text
    folder({"a.ris": (EMBASE, 2)}, run="2020-01")
    assert [one.run for one in imports.read_runs(tmp_path, "2020-01")] == ["2020-01"]
    assert imports.files(tmp_path, "2020-01") == [
        str(tmp_path / "2020-01/imports/a.ris"),
        str(tmp_path / "2020-01/imports/sources.csv"),
    ]
    assert imports.read_runs(tmp_path / "nothing", "2020-01") == []


def test_files_that_the_workflow_could_not_watch_are_left_to_the_reader_who_refuses_them(folder, tmp_path):
    good = "Größe (2), a+b_c-d.ris"
    path = folder({good: (EMBASE, 2)})
    assert len(imports.read(path).rows) == 2
    for name in ("{run}.ris", "a<b>.ris", "a\\b.ris", "a*.ris"):
        (path / name).write_text(EMBASE)
    (path / "gone.ris").symlink_to(tmp_path / "nowhere.ris")
    (path / "folder").mkdir()
    assert imports.files(tmp_path, "2020-01") == [str(path / good), str(path / "sources.csv")]
    text = fault(imports.read, path)
    assert (
        "the name of a file holds characters that are not allowed; found '{run}.ris'; allowed: letters, digits, "
        "space and . _ - ( ) + ,; hint: rename the file, and in sources.csv too"
    ) in text
    assert text.count("characters that are not allowed") == 4
    assert "gone.ris: this is a link or a folder" in text


def test_a_file_with_a_name_that_is_not_allowed_is_refused_though_sources_names_it(folder):
    assert "found '{a}.ris'" in fault(imports.read, folder({"{a}.ris": (EMBASE, 2)}))


@pytest.mark.parametrize("name", ["README.ris", "README.csv", "Readme.md", "README.en.md"])
def test_only_the_usual_names_of_a_readme_are_passed_over(folder, name):
    path = folder({"a.ris": (EMBASE, 2)})
    for usual in ("README", "README.md", "README.txt"):
        (path / usual).write_text("words")
    assert len(imports.read(path).rows) == 2
    (path / name).write_text(EMBASE)
    assert f"{name}: the file has no row in sources.csv" in fault(imports.read, path)


@pytest.mark.parametrize("name", ["README.ris", "README.txt"])
def test_a_readme_that_sources_names_is_read(folder, name):
    assert len(imports.read(folder({name: (EMBASE, 2)})).rows) == 2


def test_sources_cannot_name_itself(folder):
    path = folder({"a.ris": (EMBASE, 2)})
    sources = path / "sources.csv"
    sources.write_text(sources.read_text() + "sources.csv,Embase,,2020-01-02,pain.ti.,,1,,\n")
    assert "row of sources.csv: a list is no export" in fault(imports.read, path)


def test_a_search_later_than_the_run_is_refused(folder):
    assert imports.read(folder({"a.ris": (EMBASE, 2)}, searched_on="2020-01-31")).rows
    path = folder({"a.ris": (EMBASE, 2)}, searched_on="2020-02-01")
    assert fault(imports.read, path) == (
        f"{path}: sources.csv, row of a.ris: the search is later than the run; found '2020-02-01'; allowed: a day "
        "up to the end of 2020-01; hint: correct the day, or put the file into the imports of the run of that month"
    )


def test_ragged_rows_of_a_csv_file_are_measured_by_its_own_header(folder):
    path = folder({"a.csv": ("title,year\n\nAn example\nB,2020,c\nC,20\n", 3)})
    hint = "hint: a comma inside a cell needs quotation marks around the cell"
    text = fault(imports.read, path)
    assert f"a.csv: row 3: 1 cells where the header has 2; {hint}" in text
    assert f"a.csv: row 4: 3 cells where the header has 2; {hint}" in text
    assert "a.csv: row 5, column year: found '20'" in text


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"strategy": ""}, "row of a.ris: a search of a database has a strategy and a day"),
        (
            {"strategy": "", "searched_on": ""},
            "what comes from no search has neither, and says in note what it is",
        ),
        ({"searched_on": "02.01.2020"}, "sources.csv: row 2, column searched_on: found '02.01.2020'"),
        ({"database": ""}, "sources.csv: row 2, column database: empty"),
    ],
)
def test_a_source_that_says_too_little_is_refused(folder, cells, message):
    assert message in fault(imports.read, folder({"a.ris": (EMBASE, 2)}, **cells))


def test_two_rows_of_one_file_are_refused(folder):
    path = folder({"a.ris": (EMBASE, 2)})
    rows = (path / "sources.csv").read_text().splitlines()
    (path / "sources.csv").write_text("\n".join([*rows, rows[1]]) + "\n")
    assert "sources.csv: row 3: duplicate key file=a.ris, first in row 2" in fault(imports.read, path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.ris", EMBASE.replace("ER  -\n\n", "", 1), "record 1: has no line ER: the next begins in line 22"),
        ("a.ris", "TI  - Outside\n" + EMBASE, "line 1: the field TI stands outside a record"),
        ("a.ris", EMBASE + "\0", "the file holds a null character"),
        ("a.nbib", NBIB.replace("\nPMID- 103", "PMID- 103"), "record 1: has no PMID, or more than one"),
        (
            "a.nbib",
            NBIB.replace("AB  - Nothing", "\nAB  - Nothing"),
            "record 2: has no PMID, or more than one",
        ),
        ("a.nbib", NBIB.replace("SO  - Headache Ex. 2022.\n", ""), "record 2: has no line SO"),
        ("a.xml", ENDNOTE[:-20], "this is not whole XML"),
        ("a.xml", "<!DOCTYPE xml [<!ENTITY a 'b'>]>" + ENDNOTE.split("?>")[1], "the file declares entities"),
        ("a.xml", "<PubmedArticleSet/>", "this is XML of another kind; found 'PubmedArticleSet'"),
        ("a.xml", ENDNOTE.replace("<records>", "<record/><records>"), "records stand elsewhere"),
        ("a.csv", "title;year\nA;2020\n", "the columns are separated by semicolons"),
        ("a.csv", "title,yaer\nA,2020\n", "a.csv: row 1: unknown column; found 'yaer'"),
        ("a.csv", "title,year\n\nA,20\n,2020\n", "a.csv: row 3, column year: found '20'"),
        ("a.csv", 'title\n"A\n', "this is not a CSV file"),
        (
            "a.csv",
            "record_id,title\nother:a,First words here\nother:a,Something else\n",
            "another record of the file has this id",
        ),
        ("a.txt", "plain words", "this is no format that is read here"),
    ],
)
def test_a_file_that_is_not_whole_is_refused_with_the_place(folder, name, content, message):
    assert message in fault(imports.read, folder({name: (content, 2)}))


def test_no_cut_of_a_file_passes_for_a_whole_one(folder):
    """Whatever its length, a part of an export has fewer records than stated, or is told to be broken."""
    for text, name in ((EMBASE, "a.ris"), (ENDNOTE, "a.xml"), (NBIB, "a.nbib")):
        body = text.rstrip()
        last = body.rfind("\n")
        for length in random.Random(1).sample(range(1, last), 60):
            with pytest.raises(InputError):
                imports.read(folder({name: (body[:length], 2)}))
        (folder({name: ("", 0)}) / name).unlink()


def test_text_files_are_told_apart_by_what_they_hold():
    assert exports.kind_of("a.txt", "\nTY  - JOUR") == "ris"
    assert exports.kind_of("a.txt", "\nPMID- 1") == "medline"
    with pytest.raises(ExportError):
        exports.kind_of("a.ciw", "FN Example")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("NCT 01234567 and nct01234567", ("NCT01234567",)),
        ("ISRCTN12345678; ACTRN12612000123456p", ("ISRCTN12345678", "ACTRN12612000123456")),
        ("EudraCT number: 2010-012345-12", ("EudraCT 2010-012345-12",)),
        ("DRKS00001234, NTR 1234, ChiCTR-TRC-12345678", ("DRKS00001234", "NTR1234", "ChiCTRTRC-12345678")),
        ("grant 01234567, NCT0123456, control 12", ()),
        ("", ()),
    ],
)
def test_trial_numbers_are_found_in_one_spelling(text, found):
    assert registries.find(text) == found
    assert [registries.registry(number) != "" for number in found] == [True] * len(found)


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("J Behav Med", "Journal of Behavioral Medicine", True),
        ("Arthritis Rheum", "Arthritis & Rheumatism", True),
        ("Spine (Phila Pa 1976)", "Spine", True),
        ("BMJ", "British Medical Journal", True),
        ("Pain", "Pain medicine", False),
        ("Headache", "Cephalalgia", False),
        ("", "Pain", None),
    ],
)
def test_a_journal_and_its_abbreviation_are_one(left, right, same):
    cards = [likeness.citation({"record_id": "1", "journal": name}) for name in (left, right)]
    assert likeness.same_journal(cards[0].journal, cards[1].journal) is same


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("Exämple AB", "EXAMPLE A", True),
        ("Hedman-Lagerlof M", "Hedman M", True),
        ("Gasslander N", "Gaslander N", True),
        ("Lin J", "Lim J", False),
        ("Example Pain Group", "Example Pain Group", True),
        ("de Boer MJ", "de Boer M", True),
    ],
)
def test_last_names_are_one_give_or_take_a_letter(left, right, same):
    assert likeness.same_name(likeness.last_name(left), likeness.last_name(right)) is same
