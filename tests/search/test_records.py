"""What is read from PubMed's XML, and how several sources become one table."""

import pandas as pd
import pytest
from lxml import etree

from livingreview import tables
from livingreview.search import records
from livingreview.search.citation_xml import article_set
from livingreview.search.snapshot import Snapshot

ARTICLE = """<PubmedArticle><MedlineCitation Status="MEDLINE" Owner="NLM"><PMID Version="1">7</PMID>
<Article PubModel="Print"><Journal><JournalIssue CitedMedium="Print"><PubDate>{date}</PubDate></JournalIssue>
<ISOAbbreviation>Ex. J.</ISOAbbreviation></Journal><ArticleTitle>{title}</ArticleTitle>{article}</Article>
<MedlineJournalInfo><MedlineTA>Ex J</MedlineTA></MedlineJournalInfo>{citation}</MedlineCitation>
<PubmedData>{data}</PubmedData></PubmedArticle>"""
BOOK = """<PubmedBookArticle><BookDocument><PMID Version="1">8</PMID>
<ArticleIdList><ArticleId IdType="bookaccession">NBK1</ArticleId></ArticleIdList>
<Book><Publisher><PublisherName>Example Press</PublisherName></Publisher>
<BookTitle book="ex">Example Reviews</BookTitle><PubDate><Year>1993</Year></PubDate>
<AuthorList Type="editors"><Author><LastName>Editor</LastName></Author></AuthorList></Book>
<ArticleTitle book="ex" part="1">Example Syndrome</ArticleTitle><Language>eng</Language>
<AuthorList Type="authors"><Author><LastName>Example</LastName><Initials>AB</Initials></Author></AuthorList>
<PublicationType UI="D016454">Review</PublicationType>
<Abstract><AbstractText>Invented text.</AbstractText></Abstract></BookDocument>
<PubmedBookData><History><PubMedPubDate PubStatus="entrez"><Year>2010</Year><Month>3</Month><Day>20</Day>
</PubMedPubDate></History><ArticleIdList><ArticleId IdType="pubmed">8</ArticleId></ArticleIdList>
</PubmedBookData></PubmedBookArticle>"""


def document(*articles, doctype="pubmed_250101.dtd"):
    head = (
        '<?xml version="1.0" ?>\n<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle//EN"'
        f' "https://dtd.invalid/{doctype}">\n'
    )
    return f"{head}<PubmedArticleSet>{''.join(articles)}</PubmedArticleSet>".encode()


def article(*, date="<Year>2020</Year>", title="Example.", article="", citation="", data=""):
    return ARTICLE.format(date=date, title=title, article=article, citation=citation, data=data)


def parsed(**parts):
    return records.parse(document(article(**parts)))[0]


def test_markup_within_a_title_is_dropped_and_its_words_are_kept():
    title = "Effect of <i>Ex. ample</i> on CO<sub>2</sub> at p &lt; 0.05 &amp; more<!-- note -->."
    assert parsed(title=title)["title"] == "Effect of Ex. ample on CO2 at p < 0.05 & more."


def test_an_abstract_holds_all_its_parts_with_labels_and_nothing_beside_them():
    text = """<Abstract><AbstractText Label="AIM" NlmCategory="OBJECTIVE">To test <b>x</b>.</AbstractText>
    <AbstractText Label="RESULTS">y &lt; 0.05, <mml:math xmlns:mml="http://www.w3.org/1998/Math/MathML">
    <mml:mi>z</mml:mi></mml:math>.</AbstractText><AbstractText>End.</AbstractText>
    <CopyrightInformation>Owner</CopyrightInformation></Abstract>"""
    other = (
        '<OtherAbstract Type="Publisher" Language="spa"><AbstractText>Otro.</AbstractText></OtherAbstract>'
    )
    row = parsed(article=text, citation=other)
    assert row["abstract"] == "AIM: To test x. RESULTS: y < 0.05, z. End."


def test_an_article_without_an_abstract_has_an_empty_one():
    assert parsed()["abstract"] == ""


@pytest.mark.parametrize(
    ("date", "more", "year"),
    [
        ("<Year>2020</Year><Month>Jul</Month>", "", "2020"),
        ("<Year>2020</Year><Season>Spring</Season>", "", "2020"),
        ("<MedlineDate>2013 Jan-Mar</MedlineDate>", "", "2013"),
        ("<MedlineDate>1999 Dec-2000 Jan</MedlineDate>", "", "1999"),
        ("<MedlineDate>Winter</MedlineDate>", "<ArticleDate><Year>2001</Year></ArticleDate>", "2001"),
        ("<MedlineDate>Winter</MedlineDate>", "", ""),
        ("", "", ""),
    ],
)  # fmt: skip
def test_the_year_comes_from_the_issue_then_from_free_text_then_from_the_electronic_date(date, more, year):
    assert parsed(date=date, article=more)["year"] == year


def test_the_doi_is_the_articles_own_and_in_lower_case():
    cited = (
        '<Reference><ArticleIdList><ArticleId IdType="doi">10.1/cited</ArticleId></ArticleIdList></Reference>'
    )
    references = f"<ReferenceList>{cited}</ReferenceList>"
    own = '<ArticleIdList><ArticleId IdType="doi">10.1/OWN</ArticleId></ArticleIdList>'
    assert parsed(data=own + references)["doi"] == "10.1/own"
    assert parsed(data=references)["doi"] == ""


def test_an_electronic_location_is_the_second_source_of_a_doi_unless_it_is_invalid():
    location = '<ELocationID EIdType="doi" ValidYN="{}">10.1/Located</ELocationID>'
    assert parsed(article=location.format("Y"))["doi"] == "10.1/located"
    assert parsed(article=location.format("N"))["doi"] == ""


def test_authors_are_last_names_with_initials_or_groups_and_old_spellings_are_skipped():
    text = """<AuthorList CompleteYN="Y">
    <Author ValidYN="Y"><LastName>Exämple</LastName><ForeName>Anna</ForeName><Initials>AB</Initials></Author>
    <Author ValidYN="N"><LastName>Exampel</LastName><Initials>AB</Initials></Author>
    <Author ValidYN="Y"><CollectiveName>Example Pain Group; part 2</CollectiveName></Author>
    <Author ValidYN="Y"><LastName>Mono</LastName></Author></AuthorList>"""
    assert parsed(article=text)["authors"] == "Exämple AB; Example Pain Group, part 2; Mono"


def test_headings_keep_their_qualifiers_and_the_mark_of_a_major_topic():
    text = """<MeshHeadingList><MeshHeading><DescriptorName UI="" MajorTopicYN="N">Pain</DescriptorName>
    <QualifierName UI="" MajorTopicYN="Y">therapy</QualifierName>
    <QualifierName UI="" MajorTopicYN="N">psychology</QualifierName></MeshHeading>
    <MeshHeading><DescriptorName UI="" MajorTopicYN="Y">Internet</DescriptorName></MeshHeading>
    </MeshHeadingList>
    <KeywordList Owner="NOTNLM"><Keyword MajorTopicYN="N">e-health</Keyword></KeywordList>"""
    row = parsed(citation=text)
    assert row["mesh_terms"] == "Pain / therapy* / psychology; Internet*"
    assert row["keywords"] == "e-health"


def test_registry_numbers_come_from_registries_and_from_the_abstract_but_not_from_archives():
    text = """<Abstract><AbstractText>Registered as NCT00000002 and NCT00000001.</AbstractText></Abstract>
    <DataBankList><DataBank><DataBankName>ClinicalTrials.gov</DataBankName><AccessionNumberList>
    <AccessionNumber>NCT00000001</AccessionNumber></AccessionNumberList></DataBank>
    <DataBank><DataBankName>ISRCTN</DataBankName><AccessionNumberList>
    <AccessionNumber>ISRCTN00000001</AccessionNumber></AccessionNumberList></DataBank>
    <DataBank><DataBankName>GENBANK</DataBankName><AccessionNumberList>
    <AccessionNumber>AB000001</AccessionNumber></AccessionNumberList></DataBank></DataBankList>"""
    assert parsed(article=text)["registry_ids"] == "NCT00000001; ISRCTN00000001; NCT00000002"


def test_the_entry_date_is_the_day_of_creation_not_the_back_dated_one():
    date = '<PubMedPubDate PubStatus="{}"><Year>{}</Year><Month>2</Month><Day>3</Day></PubMedPubDate>'
    history = f"<History>{date.format('pubmed', 2021)}{date.format('entrez', 2023)}</History>"
    assert parsed(data=history)["entry_date"] == "2023-02-03"
    assert parsed()["entry_date"] == ""


def test_a_translated_title_stands_in_only_where_there_is_no_other():
    original = "<VernacularTitle>Beispiel.</VernacularTitle>"
    assert parsed(title="[Example].", article=original)["title"] == "[Example]."
    assert parsed(title="", article=original)["title"] == "Beispiel."


def test_book_articles_are_records_too():
    rows = records.parse(document(article(), BOOK))
    assert [row["pmid"] for row in rows] == ["7", "8"]
    assert rows[1] == {
        "record_id": "8",
        "pmid": "8",
        "doi": "",
        "title": "Example Syndrome",
        "authors": "Example AB",
        "journal": "Example Reviews",
        "year": "1993",
        "publication_types": "Review",
        "mesh_terms": "",
        "keywords": "",
        "abstract": "Invented text.",
        "language": "eng",
        "registry_ids": "",
        "entry_date": "2010-03-20",
        "source": "PubMed",
    }
    assert records.pmids_of(document(article(), BOOK)) == ("7", "8")


def test_an_empty_set_has_no_rows():
    assert records.parse(document()) == []


def test_a_document_type_of_the_future_is_read_without_the_network():
    assert records.parse(document(article(), doctype="pubmed_990101.dtd"))[0]["pmid"] == "7"


def test_a_document_that_ends_early_is_an_error():
    with pytest.raises(etree.XMLSyntaxError):
        records.parse(document(article())[:-40])


def test_an_article_without_a_pmid_is_an_error_and_not_a_gap():
    with pytest.raises(records.RecordError, match="number 2"):
        records.parse(document(article(), "<PubmedArticle><PubmedData/></PubmedArticle>"))


def test_what_the_sandbox_writes_is_read_back(rows):
    first, second, *_ = records.parse(article_set(rows))
    assert first["mesh_terms"] == "Chronic Pain / therapy*; Internet*; Humans"
    assert first["authors"] == "Example AB; Sample C"
    assert first["doi"] == "10.1000/example.1"
    assert first["registry_ids"] == "NCT00000101"
    assert second["title"] == rows[1]["title"]
    assert second["mesh_terms"] == "Headache / psychology; Internet"
    assert second["entry_date"] == "2019-06-01"


def snapshot(run, pmids, bodies):
    return Snapshot(run, {"run": run}, tuple(pmids), tuple(bodies))


def others(*rows):
    columns = tables.columns("other_sources")
    return pd.DataFrame([{**dict.fromkeys(columns), **row} for row in rows], columns=columns, dtype=object)


def elsewhere(record_id, **cells):
    given = {"run": "2016-01", "source": "A registry", "title": "Something else"}
    return {"record_id": record_id, **given, **cells}


def test_records_remember_their_first_and_last_run_and_are_sorted_by_number(row):
    old = [row(20, "Example twenty"), row(3, "Example three")]
    new = [row(100, "Example hundred")]
    frame = records.fold(
        [
            snapshot("2016-02", ["100", "3"], [article_set(new)]),
            snapshot("2016-01", ["20", "3"], [article_set(old)]),
        ],
        others(),
    )
    assert list(frame.columns) == records.COLUMNS
    assert frame[["record_id", "first_run", "last_run"]].to_numpy().tolist() == [
        ["3", "2016-01", "2016-02"],
        ["20", "2016-01", "2016-01"],
        ["100", "2016-02", "2016-02"],
    ]


def test_the_latest_fetched_state_of_a_record_counts(row):
    frame = records.fold(
        [
            snapshot("2016-01", ["3"], [article_set([row(3, "Example")])]),
            snapshot("2016-02", ["3"], [article_set([row(3, "RETRACTED: Example")])]),
        ],
        others(),
    )
    assert frame["title"].tolist() == ["RETRACTED: Example"]


def test_a_record_that_was_never_returned_has_no_row(row):
    frame = records.fold([snapshot("2016-01", ["3", "4"], [article_set([row(3, "Example")])])], others())
    assert frame["pmid"].tolist() == ["3"]


def test_a_record_from_elsewhere_is_marked_as_a_duplicate_by_doi_or_by_title_and_year(row):
    held = [row(3, "Pain & Example: a trial.", doi="10.1000/abc", year="2015")]
    frame = records.fold(
        [snapshot("2016-01", ["3"], [article_set(held)])],
        others(
            elsewhere("doi:10.1000/ABC", doi="10.1000/ABC"),
            elsewhere("other:same-title", title="Pain & example - A Trial", year="2015"),
            elsewhere("other:same-title-other-year", title="Pain & example: a trial", year="2016"),
            elsewhere("other:new", title="New", year="2015"),
            elsewhere("other:new-again", title="NEW.", year="2015"),
        ),
    ).set_index("record_id")
    assert frame["duplicate_of"].to_dict() == {
        "3": "",
        "doi:10.1000/ABC": "3",
        "other:new": "",
        "other:new-again": "other:new",
        "other:same-title": "3",
        "other:same-title-other-year": "",
    }
    assert frame.loc["other:new", "source"] == "A registry"
    assert frame.loc["other:new", "pmid"] == ""


def test_records_from_elsewhere_of_later_runs_are_not_known_yet(row):
    frame = records.fold(
        [snapshot("2016-01", ["3"], [article_set([row(3, "Example")])])],
        others(elsewhere("other:later", run="2016-02"), elsewhere("other:now", run="2016-01")),
    )
    assert frame["record_id"].tolist() == ["3", "other:now"]


def test_no_snapshots_and_no_other_records_make_an_empty_table():
    frame = records.fold([], others())
    assert frame.empty
    assert list(frame.columns) == records.COLUMNS
