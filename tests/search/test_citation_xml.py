"""Rows of the corpus as PubMed's XML: valid, complete, and without anything that the row does not say."""

import hashlib
import io

import pytest
from Bio import Entrez
from lxml import etree

from livingreview.errors import InputError
from livingreview.search.sandbox import citation_xml

# Two rows with the columns of the bundled corpus, and their set as it was when the first runs were shipped.
PLAIN = [
    {
        "pmid": "11",
        "title": "Internet treatment for pain: <an> example & trial",
        "doi": "10.1000/example.11",
        "journal": "Example J Pain",
        "year": "2015",
        "authors": "Example AB; Sample C; Example Pain Group",
        "publication_types": "Journal Article; Randomized Controlled Trial",
        "mesh_terms": "Chronic Pain / therapy*; Internet*; Humans",
        "registry_ids": "NCT00000101; ISRCTN00000011",
        "language": "eng; ger",
        "entry_date": "2015-03-04",
    },
    {"pmid": "12", "title": "Exämple", "year": None, "mesh_terms": "", "entry_date": "2019-12-31"},
]
DIGEST = "ea401c314e9435bdb8eb0f1b72dde38074fb539635dd8af68326aa0fe57cc3e9"
# What a row may hold beside the columns of the bundled corpus.
FULL = {
    "abstract": [("BACKGROUND", "Example pain < 5 & more."), ("Setting", "Online."), ("", "Unlabelled.")],
    "other_abstract": [("plain-language-summary", "eng", "In short."), ("Publisher", "ger", "Kurz.")],
    "notices": "RetractionIn:201; ErratumIn:202:Example J 2020; CommentIn::Example J 2021",
    "keywords": "example; pain & relief",
    "version": 2,
    "status": "In-Process",
    "indexing_method": "Automated",
    "pubmed_date": "2014-01-02",
    "date_completed": "2016-05-06",
    "date_revised": "2017-08-09",
    "vernacular_title": "Ein Beispiel",
    "pmcid": "PMC0000001",
}
CONTROL = "a\x00b\x0bc\ud800d\ufffee\tf"


@pytest.fixture
def first(rows):
    """The first row with everything that a row may hold."""
    return rows[0] | FULL


def read(record):
    return etree.fromstring(citation_xml.article(record))


def test_a_set_of_plain_rows_is_the_same_to_the_byte_as_when_the_shipped_runs_were_made():
    assert hashlib.sha256(citation_xml.article_set(PLAIN)).hexdigest() == DIGEST


def test_an_empty_set_is_pubmeds_empty_set():
    assert citation_xml.article_set([]).endswith(b"\n<PubmedArticleSet></PubmedArticleSet>")


def test_biopythons_copy_of_the_dtd_accepts_a_row_with_everything(first, rows):
    body = citation_xml.article_set([first, *rows[1:]])
    articles = Entrez.read(io.BytesIO(body), validate=True)["PubmedArticle"]
    citation = articles[0]["MedlineCitation"]
    assert str(citation["PMID"]) == "101"
    assert citation["PMID"].attributes["Version"] == "2"
    assert citation.attributes["IndexingMethod"] == "Automated"
    assert [str(keyword) for keyword in citation["KeywordList"][0]] == ["example", "pain & relief"]


def test_the_order_of_elements_is_that_of_the_dtd(first):
    article = read(first)
    assert [element.tag for element in article.find("MedlineCitation")] == [
        "PMID", "DateCompleted", "DateRevised", "Article", "MedlineJournalInfo", "CommentsCorrectionsList",
        "MeshHeadingList", "OtherAbstract", "OtherAbstract", "KeywordList",
    ]  # fmt: skip
    assert [element.tag for element in article.find("MedlineCitation/Article")] == [
        "Journal", "ArticleTitle", "Abstract", "AuthorList", "Language", "DataBankList",
        "PublicationTypeList", "VernacularTitle",
    ]  # fmt: skip


def test_a_structured_abstract_has_labels_and_nlms_categories(first):
    parts = read(first).findall("MedlineCitation/Article/Abstract/AbstractText")
    assert [(part.get("Label"), part.get("NlmCategory"), part.text) for part in parts] == [
        ("BACKGROUND", "BACKGROUND", "Example pain < 5 & more."),
        ("Setting", "UNASSIGNED", "Online."),
        (None, None, "Unlabelled."),
    ]


def test_a_plain_abstract_is_one_text_without_attributes(rows):
    (part,) = read(rows[0] | {"abstract": "An example."}).iter("AbstractText")
    assert (part.text, dict(part.attrib)) == ("An example.", {})


def test_other_abstracts_stand_outside_the_article(first):
    others = read(first).findall("MedlineCitation/OtherAbstract")
    assert [(one.get("Type"), one.get("Language"), one[0].text) for one in others] == [
        ("plain-language-summary", "eng", "In short."),
        ("Publisher", "ger", "Kurz."),
    ]
    (one,) = read(first | {"other_abstract": "Mine."}).findall("MedlineCitation/OtherAbstract")
    assert (one.get("Type"), one.get("Language"), one[0].text) == ("Publisher", "eng", "Mine.")


@pytest.mark.parametrize(
    "notices",
    [
        FULL["notices"],
        [
            ("RetractionIn", "201"),
            ("ErratumIn", "202", "Example J 2020"),
            ("CommentIn", None, "Example J 2021"),
        ],
    ],
)
def test_notices_have_a_type_and_what_is_known_of_the_other_record(rows, notices):
    found = read(rows[0] | {"notices": notices}).iter("CommentsCorrections")
    assert [(one.get("RefType"), one.findtext("PMID"), one.findtext("RefSource")) for one in found] == [
        ("RetractionIn", "201", ""),
        ("ErratumIn", "202", "Example J 2020"),
        ("CommentIn", None, "Example J 2021"),
    ]


def test_a_notice_of_an_unknown_type_is_refused_with_those_that_exist(rows, make_sandbox):
    with pytest.raises(
        InputError, match=r"row 101, column notices: found 'Retraction'; allowed: .*RetractionIn"
    ):
        make_sandbox([rows[0] | {"notices": "Retraction:201"}])


def test_a_backdated_record_has_two_dates(first):
    dates = {
        one.get("PubStatus"): "-".join(part.text for part in one) for one in read(first).iter("PubMedPubDate")
    }
    assert dates == {"pubmed": "2014-1-2", "entrez": "2015-3-4"}
    assert [part.text for part in read(first).find("MedlineCitation/DateRevised")] == ["2017", "08", "09"]


def test_identifiers_are_the_articles_own(first):
    found = read(first).findall("PubmedData/ArticleIdList/ArticleId")
    assert [(one.get("IdType"), one.text) for one in found] == [
        ("pubmed", "101"),
        ("doi", "10.1000/Example.1"),
        ("pmc", "PMC0000001"),
    ]


@pytest.mark.parametrize(
    "column", ["title", "abstract", "keywords", "journal", "authors", "vernacular_title"]
)
def test_characters_that_xml_cannot_hold_are_replaced(rows, column):
    article = read(rows[0] | {column: CONTROL})
    assert "a\ufffdb\ufffdc\ufffdd\ufffde\tf" in etree.tostring(article, encoding=str)


@pytest.mark.parametrize(
    ("body", "is_one"),
    [
        (b"<PubmedArticle><a/></PubmedArticle>", True),
        (b'\n<PubmedBookArticle x="1"><a/></PubmedBookArticle>\n', True),
        (b"<PubmedArticleSet><PubmedArticle/></PubmedArticleSet>", False),
        (b"<?xml version='1.0'?><PubmedArticle></PubmedArticle>", False),
        (b"", False),
    ],
)
def test_one_article_is_told_from_a_set(body, is_one):
    assert citation_xml.is_article(body) is is_one
