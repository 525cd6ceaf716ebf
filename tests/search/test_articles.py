"""What is read of PubMed's articles, construct by construct; what is refused; and that nothing is lost on the way."""

import functools
import io
import itertools
import random
import urllib.request

import pytest
from lxml import etree
from search.article_fixtures import (
    CHAPTER,
    MML,
    WHOLE_BOOK,
    article,
    by_biopython,
    comparable,
    document,
    everything,
    full,
)

from livingreview.errors import ReviewError
from livingreview.search import registries
from livingreview.search.pubmed import article_stream, articles
from livingreview.search.pubmed.articles import (
    AbstractPart,
    ArticleError,
    Author,
    Broken,
    Heading,
    Keyword,
    Notice,
    OtherAbstract,
    PublicationDate,
    PublicationType,
    RegistryNumber,
)

DELETED = '<DeleteCitation><PMID Version="1">31</PMID>\n<PMID Version="2">32</PMID></DeleteCitation>'


def one(**parts):
    return articles.read(document(article(**parts)))[0]


def abstract(*texts):
    return f"<Abstract>{''.join(f'<AbstractText>{text}</AbstractText>' for text in texts)}</Abstract>"


def numbers(text):
    return [number.number for number in one(article=abstract(text)).registry]


class Dribble(io.BytesIO):
    """A file that gives a few bytes at a time, as a slow connection does."""

    def __init__(self, body, size):
        super().__init__(body)
        self._size = size

    def read(self, size=-1):
        return super().read(min(size, self._size))


def test_a_title_keeps_its_words_and_drops_its_markup():
    title = "Effect of <i>Ex. ample</i> on CO<sub>2</sub>\n  at p &lt; 0.05 &amp;&#xa0;more<!-- note -->."
    assert one(title=title).title == "Effect of Ex. ample on CO2 at p < 0.05 & more."


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        ("<mml:mi>z</mml:mi>", "a z, b"),
        ("<mml:mi>p</mml:mi> <mml:mo>&lt;</mml:mo> <mml:mn>0.05</mml:mn>", "a p < 0.05, b"),
        ("<mml:mi>p</mml:mi><mml:mo>=</mml:mo><mml:mn>0.05</mml:mn>", "a p = 0.05, b"),
        ("<mml:mfrac><mml:mn>1</mml:mn><mml:mn>2</mml:mn></mml:mfrac>", "a 1 2, b"),
        ("<mml:mn>1</mml:mn><mml:mn>2</mml:mn>", "a 1 2, b"),
        ("<mml:mtext>if</mml:mtext><mml:mtext>not</mml:mtext>", "a if not, b"),
        ("<mml:mtext>H</mml:mtext><mml:mtext>&#xa0;</mml:mtext><mml:mi>MRI</mml:mi>", "a H MRI, b"),
        ("<mml:mi>H</mml:mi><mml:mspace/><mml:mi>x</mml:mi>", "a H x, b"),
        (
            """<mml:msub> <mml:mrow> <mml:mi>V</mml:mi> <mml:mi>O</mml:mi> </mml:mrow> <mml:mrow>
            <mml:mn>2</mml:mn> <mml:mi>m</mml:mi> <mml:mi>a</mml:mi> <mml:mi>x</mml:mi> </mml:mrow> </mml:msub>""",
            "a VO2max, b",
        ),
        (
            "<mml:msubsup><mml:mtext>PO</mml:mtext><mml:mn>4</mml:mn><mml:mn>3</mml:mn></mml:msubsup>",
            "a PO 4 3, b",
        ),
    ],
)  # fmt: skip
def test_a_formula_is_read_as_running_text(formula, text):
    found = one(title=f"a <mml:math {MML}>{formula}</mml:math>, b").title
    assert found == text
    assert one(title=f'a <math xmlns="{MML[11:-1]}">{formula.replace("mml:", "")}</math>, b').title == text


def test_a_displayed_formula_is_set_off_by_spaces():
    formula = f"<DispFormula><mml:math {MML}><mml:mi>q</mml:mi></mml:math></DispFormula>"
    assert one(article=abstract(f"with{formula}and<i>more</i>")).abstract[0].text == "with q andmore"


def test_an_abstract_has_its_parts_with_labels_and_categories_and_nothing_beside_them():
    found = articles.read(document(full()))[0]
    assert found.abstract == (
        AbstractPart("BACKGROUND & AIM", "OBJECTIVE", "To test x of Ex. ample."),
        AbstractPart("METHODS", "METHODS", "CO2 10-3 once."),
        AbstractPart("RESULTS", "RESULTS", "p < 0.05 & z > 1; q end."),
        AbstractPart("REGISTRATION", "", "NCT00000001, ISRCTN00000001, ACTRN12600000000001."),
        AbstractPart("", "UNASSIGNED", "α‑end."),
    )
    assert articles.abstract_text(found.abstract).startswith(
        "BACKGROUND & AIM: To test x of Ex. ample. METHODS: CO2 10-3"
    )
    assert articles.abstract_text(found.abstract).endswith("ACTRN12600000000001. α‑end.")
    assert found.other_abstracts == (
        OtherAbstract("Publisher", "spa", (AbstractPart("FIN", "", "Otro texto."),)),
        OtherAbstract("plain-language-summary", "eng", (AbstractPart("", "", "Plain."),)),
    )


def test_an_article_with_everything_fills_every_field():
    found = articles.read(document(full()))[0]
    assert (found.pmid, found.version, found.kind, found.status) == ("101", 1, "article", "MEDLINE")
    assert found.indexing_method == "Automated"
    assert found.title == "[Effect of Ex. ample on CO2 at p < 0.05 & more]."
    assert found.vernacular_title == "Ein Beispiel."
    assert found.authors == (
        Author("Exämple", "Anna B", "AB", "Jr", "", "0000-0000-0000-001X"),
        Author("Sample", "", "", "", "", "0000-0000-0000-0002"),
        Author("Bad", "", "C", "", "", ""),
        Author("", "", "", "", "Example Pain Group", ""),
    )
    assert found.authors_complete is False
    assert (found.journal, found.journal_abbreviation) == ("Example journal of examples", "Ex J")
    assert (found.issn, found.volume, found.issue) == ("0000-0019", "12 Suppl 1", "3-4")
    assert found.pages == "101-9; discussion 110"
    assert found.published == PublicationDate("2020", "Jul", "05", "", "")
    assert (found.electronic_date, found.completed, found.revised) == (
        "2019-12-31",
        "2020-08-02",
        "2021-01-31",
    )
    assert found.history == (("received", "2018-01-09"), ("entrez", "2020-07-01"), ("pubmed", "2019-01-01"))
    assert found.languages == ("eng", "spa")
    assert found.publication_types == (
        PublicationType("D016428", "Journal Article"),
        PublicationType("D016449", "Randomized Controlled Trial"),
    )
    qualifiers = (("Q000628", "therapy", True), ("Q000523", "psychology", False))
    assert found.mesh == (
        Heading("D010146", "Pain", False, True, qualifiers),
        Heading("D020407", "Internet", True, False, ()),
    )
    assert found.keywords == (
        Keyword("NOTNLM", "e-health"),
        Keyword("NOTNLM", "pain; back"),
        Keyword("NLM", "second list"),
    )
    assert (found.doi, found.pmcid, found.pii) == ("10.1000/example.1", "PMC0000001", "ex-101")
    assert found.registry == (
        RegistryNumber("ClinicalTrials.gov", "NCT00000001"),
        RegistryNumber("ClinicalTrials.gov", "NCT00000002"),
        RegistryNumber("abstract", "ISRCTN00000001"),
        RegistryNumber("abstract", "ACTRN12600000000001"),
    )
    assert found.notices == (
        Notice("RetractionIn", "90", "Ex J. 2021;1:2"),
        Notice("ErratumIn", "", "Ex J. 2022"),
    )
    assert found.coi_statement == "None & nothing."
    assert found.raw == full().encode()


def test_an_article_without_the_optional_elements_has_empty_fields():
    found = articles.read(document(article(title="", date="", data="")))[0]
    assert (found.title, found.abstract, found.authors, found.doi) == ("", (), (), "")
    assert (found.published, found.history, found.completed) == (PublicationDate(), (), "")
    assert found.authors_complete is True


@pytest.mark.parametrize(
    ("date", "published"),
    [
        ("<Year>2020</Year>", ("2020", "", "", "", "")),
        ("<Year>2020</Year><Month>Jul</Month>", ("2020", "Jul", "", "", "")),
        ("<Year>2020</Year><Month>07</Month><Day>5</Day>", ("2020", "07", "5", "", "")),
        ("<Year>2020</Year><Season>Spring</Season>", ("2020", "", "", "Spring", "")),
        ("<MedlineDate>2013 Jan-Mar</MedlineDate>", ("2013", "", "", "", "2013 Jan-Mar")),
        ("<MedlineDate>1999 Dec-2000 Jan</MedlineDate>", ("1999", "", "", "", "1999 Dec-2000 Jan")),
        ("<MedlineDate>Winter</MedlineDate>", ("", "", "", "", "Winter")),
        ("", ("", "", "", "", "")),
    ],
)
def test_dates_of_publication_are_kept_as_printed(date, published):
    assert one(date=date).published == published


@pytest.mark.parametrize(
    ("date", "day"),
    [
        ("<Year>2020</Year><Month>2</Month><Day>29</Day>", "2020-02-29"),
        ("<Year>2020</Year><Month>Feb</Month><Day>03</Day>", "2020-02-03"),
        ("<Year>2020</Year>", "2020-01-01"),
        ("<Year>2020</Year><Month>2</Month><Day>30</Day>", ""),
        ("<Year>soon</Year>", ""),
        ("", ""),
    ],
)
def test_dates_of_the_record_are_days_or_nothing(date, day):
    found = one(
        dates=f"<DateRevised>{date}</DateRevised>",
        article=f"<ArticleDate>{date}</ArticleDate>",
        data=f'<History><PubMedPubDate PubStatus="entrez">{date}</PubMedPubDate></History>',
    )
    assert (found.revised, found.electronic_date, found.history) == (day, day, (("entrez", day),))


def test_the_doi_is_the_articles_own_and_in_lower_case():
    cited = (
        '<Reference><ArticleIdList><ArticleId IdType="doi">10.1/cited</ArticleId></ArticleIdList></Reference>'
    )
    references = f"<ReferenceList>{cited}</ReferenceList>"
    own = '<ArticleIdList><ArticleId IdType="doi">10.1/OWN</ArticleId></ArticleIdList>'
    located = '<ELocationID EIdType="doi" ValidYN="{}">10.1/Located</ELocationID>'
    assert one(data=own + references, article=located.format("Y")).doi == "10.1/own"
    assert one(data=references).doi == ""
    assert one(data=references, article=located.format("Y")).doi == "10.1/located"
    assert one(data=references, article=located.format("N")).doi == ""
    assert (
        one(article='<ELocationID EIdType="doi">10.1/First</ELocationID>' + located.format("Y")).doi
        == "10.1/first"
    )


@pytest.mark.parametrize(
    ("identifier", "orcid"),
    [
        ("0000-0000-0000-001X", "0000-0000-0000-001X"),
        ("000000000000001x", "0000-0000-0000-001X"),
        ("http://orcid.org/0000-0000-0000-0012", "0000-0000-0000-0012"),
        ("https://www.orcid.org/0000000000000012/", "0000-0000-0000-0012"),
        (" 0000 0000 0000 0012 ", "0000-0000-0000-0012"),
        ("0000-0000-0000-00", ""),
        ("0000-0000-0000-00123", ""),
        ("", ""),
    ],
)
def test_an_orcid_has_one_form(identifier, orcid):
    authors = (
        f'<AuthorList><Author><LastName>A</LastName><Identifier Source="ORCID">{identifier}</Identifier>'
    )
    assert one(article=f"{authors}</Author></AuthorList>").authors[0].orcid == orcid


def test_identifiers_that_are_no_orcid_are_passed_over():
    authors = (
        '<AuthorList><Author><LastName>A</LastName><Identifier Source="GRID">0000-0000-0000-0012</Identifier>'
    )
    assert one(article=f"{authors}</Author></AuthorList>").authors[0].orcid == ""


def test_registry_numbers_come_from_registries_and_not_from_archives_and_each_once():
    banks = [("ClinicalTrials.gov", "NCT00000001"), ("ISRCTN", "ISRCTN00000001"), ("GENBANK", "AB000001")]
    banks += [("EudraCT", "2010-000001-11"), ("Dryad", "10.5061/example"), ("figshare", "10.6084/example")]
    listed = "".join(
        f"<DataBank><DataBankName>{bank}</DataBankName><AccessionNumberList>"
        f"<AccessionNumber>{number}</AccessionNumber></AccessionNumberList></DataBank>"
        for bank, number in banks
    )
    text = abstract("NCT00000003 then NCT00000001 and NCT 00000003; EudraCT 2010-000001-11; AB000001.")
    found = one(article=f"{text}<DataBankList>{listed}</DataBankList>").registry
    assert [tuple(number) for number in found] == [
        ("ClinicalTrials.gov", "NCT00000001"),
        ("ISRCTN", "ISRCTN00000001"),
        ("EudraCT", "2010-000001-11"),
        ("abstract", "NCT00000003"),
    ]


@pytest.mark.parametrize(
    "number",
    """NCT00000001 ISRCTN00000001 ACTRN12600000000001 DRKS00000001 ChiCTR2000000001 ChiCTR-TRC-08000001
    CTRI/2018/05/000001 UMIN000000001 jRCT1000000001 jRCTs031180001 JapicCTI-000001 NTR1001 NL-OMON00001
    IRCT20180101000001N1 KCT0000001 PACTR201700000000001 RBR-2abc3d SLCTR/2015/001 TCTR20180101001
    RPCEC00000001""".split(),
)
def test_each_registrys_numbers_are_found_in_an_abstract_and_in_a_label(number):
    (found,) = registries.find(f"({number})")
    assert numbers(f"Registered ({number}).") == [found]
    assert numbers(f"registered {number.lower()}, in control") == [found]
    labelled = f'<Abstract><AbstractText Label="TRIAL {number}">Text.</AbstractText></Abstract>'
    assert [one.number for one in one(article=labelled).registry] == [found]


@pytest.mark.parametrize(
    "text",
    [
        "NTR1 and NTR2 receptors, albumin 12345, functions 20000101, spectra 123456789",
        "NCT0000001 and NCT000000012 have the wrong number of digits",
        "Grant 12345678, ethics 2010-000001-11",
        "",
    ],
)
def test_what_only_looks_like_a_registry_number_is_left_alone(text):
    assert numbers(text) == []


def test_a_number_named_with_its_registry_only_in_words_is_found():
    assert numbers("EudraCT number: 2010-000001-11") == ["EudraCT 2010-000001-11"]
    assert numbers("CTIS 2022-500001-26-00") == ["CTIS 2022-500001-26"]


def test_pages_are_made_of_their_ends_where_nothing_else_is_given():
    assert one(article="<Pagination><StartPage>1</StartPage><EndPage>9</EndPage></Pagination>").pages == "1-9"
    ends = "<Pagination><StartPage>1</StartPage><MedlinePgn>1-9, 12</MedlinePgn></Pagination>"
    assert one(article=ends).pages == "1-9, 12"


def test_the_abbreviation_and_the_issn_of_the_journal_have_a_second_place():
    text = '<PubmedArticle><MedlineCitation Status="Publisher"><PMID>7</PMID><Article><Journal/></Article>{}'
    info = "<MedlineJournalInfo><ISSNLinking>0000-0027</ISSNLinking></MedlineJournalInfo>"
    found = articles.read(document(text.format(f"{info}</MedlineCitation></PubmedArticle>")))[0]
    assert (found.issn, found.journal_abbreviation, found.status) == ("0000-0027", "", "Publisher")
    info = "<MedlineJournalInfo><MedlineTA/></MedlineJournalInfo>"
    text = text.replace("<Journal/>", "<Journal><ISOAbbreviation>Ex. J.</ISOAbbreviation></Journal>")
    found = articles.read(document(text.format(f"{info}</MedlineCitation></PubmedArticle>")))[0]
    assert found.journal_abbreviation == "Ex. J."


def test_a_chapter_is_its_own_work_and_the_books_editors_are_not_its_authors():
    found = articles.read(document(CHAPTER))[0]
    assert (found.pmid, found.version, found.kind, found.status) == ("8", 2, "book", "")
    assert (found.title, found.journal, found.volume) == ("Example Syndrome", "Example Reviews", "4")
    assert found.authors == (Author("Example", "", "AB", "", "", ""),)
    assert found.published == PublicationDate("2001", "3", "4", "", "")
    assert found.abstract == (AbstractPart("Summary", "", "Invented text."),)
    assert found.publication_types == (PublicationType("D016454", "Review"),)
    assert (found.accession, found.doi, found.revised) == ("NBK1", "", "2024-05-06")
    assert found.history == (("entrez", "2010-03-20"),)
    assert found.keywords == (Keyword("NLM", "Syndrome"),)


def test_a_whole_book_has_its_own_title_authors_and_date():
    found = articles.read(document(WHOLE_BOOK))[0]
    assert (found.title, found.journal) == ("Example Guideline", "Example Guideline")
    assert found.authors == (Author("", "", "", "", "Example Centre", ""),)
    assert found.authors_complete is False
    assert found.published == PublicationDate("2009", "", "", "", "2009 Feb-Mar")


def test_articles_come_in_order_with_their_bytes_and_deleted_numbers_last():
    reader = articles.Reader(
        io.BytesIO(document(article(pmid="2"), CHAPTER, article(pmid="1"), more=DELETED))
    )
    found = list(reader)
    assert [one.pmid for one in found] == ["2", "8", "1"]
    assert found[1].raw == CHAPTER.encode()
    assert reader.deleted == ("31", "32")


@pytest.mark.parametrize(
    "body", [document(), b"<PubmedArticleSet/>", b"\xef\xbb\xbf<PubmedArticleSet> </PubmedArticleSet>"]
)
def test_an_empty_set_is_a_legitimate_answer(body):
    assert articles.read(body) == []


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_how_the_bytes_arrive_does_not_matter(size):
    asides = "<!-- </PubmedArticle> -->y<![CDATA[</PubmedArticle> & <b>]]>z<?x </PubmedArticle>?>"
    body = document(
        article(title=f"x{asides}"), "<!-- </PubmedArticleSet> --> <?p q?>", CHAPTER, more=DELETED
    )
    found = list(articles.Reader(Dribble(body, size)))
    assert found == articles.read(body)
    assert found[0].title == "xy</PubmedArticle> & <b>z"
    assert asides.encode() in found[0].raw


def test_a_namespace_declared_by_the_root_holds_for_its_articles():
    body = document(article(title="<mml:math><mml:mi>q</mml:mi></mml:math>"), article(pmid="9"), more=DELETED)
    with pytest.raises(Broken, match="prefix mml"):
        articles.read(body)
    declared = body.replace(b"<PubmedArticleSet>", f"<PubmedArticleSet {MML}>".encode())
    reader = articles.Reader(io.BytesIO(declared))
    assert [(one.pmid, one.title) for one in reader] == [("7", "q"), ("9", "Example.")]
    assert reader.deleted == ("31", "32")


def test_document_types_of_any_name_are_read_without_the_network(monkeypatch):
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("the network was asked"))
    for year in (19, 25, 99):
        assert articles.read(document(article(), year=year))[0].pmid == "7"
    one = article().encode()
    assert articles.read(b"<PubmedArticleSet>" + one + b"</PubmedArticleSet>")[0].pmid == "7"
    assert articles.read(one)[0].raw == one


GOOD = document(article(), article(pmid="8"))
BAD = {
    "nothing": b"",
    "white space": b" \n",
    "a page": b"<html><body>502</body></html>",
    "JSON": b'{"error":"API rate limit exceeded"}',
    "an error": b"<eFetchResult><ERROR>no</ERROR></eFetchResult>",
    "an error within": GOOD.replace(b"</PubmedArticleSet>", b"<ERROR>no</ERROR></PubmedArticleSet>"),
    "cut in an article": GOOD[:-100],
    "cut after an article": GOOD[: GOOD.rindex(b"</PubmedArticleSet>")],
    "cut in the end tag": GOOD[:-3],
    "cut in the head": GOOD[:60],
    "more after the end": GOOD + b"x",
    "two documents": GOOD + GOOD,
    "a null": GOOD + b"\0",
    "text between articles": GOOD.replace(b"</PubmedArticle><Pub", b"</PubmedArticle>x<Pub"),
    "an end too many": GOOD.replace(b"</PubmedArticleSet>", b"</PubmedArticle></PubmedArticleSet>"),
    "another end": GOOD.replace(b"</PubmedArticleSet>", b"</PubmedBookArticleSet>"),
    "an article not closed": GOOD.replace(b"</PubmedArticle>", b"", 1),
    "an article within": GOOD.replace(b"Example.", b"<PubmedArticle>x</PubmedArticle>", 1),
    "a tag not closed": GOOD.replace(b"Example.", b"<i>x", 1),
    "a reference to nothing": GOOD.replace(b"Example.", b"&alpha;", 1),
    "a null reference": GOOD.replace(b"Example.", b"&#0;", 1),
    "a bare ampersand": GOOD.replace(b"Example.", b"a & b", 1),
    "bytes that are no UTF-8": GOOD.replace(b"Example.", b"\xff\xfe", 1),
    "a comment not closed": GOOD.replace(b"Example.", b"<!-- x", 1),
    "a comment not closed between": GOOD.replace(b"</PubmedArticleSet>", b"<!-- x </PubmedArticleSet>"),
    "a wrong comment": GOOD.replace(b"</PubmedArticleSet>", b"<!-- -- --></PubmedArticleSet>"),
    "UTF-16": GOOD.decode().encode("utf-16"),
    "UTF-16 without a mark": GOOD.decode().encode("utf-16-le"),
    "another encoding": GOOD.replace(b'version="1.0"', b'version="1.0" encoding="ISO-8859-1"'),
    "another namespace": GOOD.replace(b"<PubmedArticleSet>", b'<PubmedArticleSet xmlns="urn:x">'),
    "a wrong root attribute": GOOD.replace(b"<PubmedArticleSet>", b'<PubmedArticleSet a="1" a="2">'),
    "no deleted number": GOOD.replace(b"</PubmedArticleSet>", b"<DeleteCitation><PMID/></DeleteCitation></PubmedArticleSet>"),
    "a field far too long": GOOD.replace(b"Example.", b"x" * 11_000_000, 1),
    "elements far too deep": GOOD.replace(b"Example.", b"<i>" * 9999 + b"</i>" * 9999, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_whole_document_of_articles_is_refused(name):
    with pytest.raises(Broken, match="hint: "):
        articles.read(BAD[name])


ENTITIES = {
    "an entity": '<!ENTITY a "b">',
    "one of a file": '<!ENTITY a SYSTEM "file:///etc/hostname">',
    "a parameter": '<!ENTITY % a SYSTEM "http://example.invalid/x"> %a;',
    "a bomb": '<!ENTITY a "xxxxxxxxxx">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1 or str()};" * 10}">' for n in range(1, 10)),
}


@pytest.mark.parametrize("name", ENTITIES)
def test_a_document_that_declares_entities_is_refused_before_any_is_used(name):
    for use in ("<PubmedArticleSet>", '<PubmedArticleSet a="&a9;">'):
        body = GOOD.decode().partition("<PubmedArticleSet>")[2]
        declared = f"<!DOCTYPE PubmedArticleSet [{ENTITIES[name]}]>\n{use}{body}".encode()
        with pytest.raises(Broken, match="declares an entity"):
            articles.read(declared)


def test_other_declarations_in_the_document_are_refused_too():
    body = b'<!DOCTYPE a [<!ATTLIST Author ValidYN CDATA "N">]><PubmedArticleSet/>'
    with pytest.raises(Broken, match="declarations of its own"):
        articles.read(body)


@pytest.mark.parametrize(
    ("broken", "found"),
    [
        ("<PubmedArticle/>", "number 2"),
        ("<PubmedArticle><PubmedData/></PubmedArticle>", "number 2"),
        ("<PubmedBookArticle><PubmedBookData/></PubmedBookArticle>", "number 2"),
        (article(pmid=""), "number 2 .* without a PMID; found ''"),
        (article(pmid="PMC7"), "number 2 .* without a PMID; found 'PMC7'"),
        (article(pmid="٧"), "number 2 .* without a PMID"),
        (article().replace('Version="1"', 'Version="one"'), "number 2 .* version"),
        (
            '<PubmedArticle><MedlineCitation Status=""><PMID>7</PMID></MedlineCitation></PubmedArticle>',
            r"number 2 .* no citation \(Article\)",
        ),
    ],
)
def test_an_article_without_a_number_or_a_citation_is_an_error_and_not_a_gap(broken, found):
    with pytest.raises(ArticleError, match=found):
        articles.read(document(article(), broken, article()))


def test_a_compressed_file_that_is_not_whole_is_refused():
    import gzip

    whole = gzip.compress(GOOD)
    assert len(list(articles.Reader(gzip.GzipFile(fileobj=io.BytesIO(whole))))) == 2
    for cut in (whole[:-3], whole[: len(whole) // 2], b"no gzip"):
        with pytest.raises(Broken, match="not whole"):
            list(articles.Reader(gzip.GzipFile(fileobj=io.BytesIO(cut))))


def test_an_article_that_is_longer_than_any_is_refused(monkeypatch):
    monkeypatch.setattr(article_stream, "MOST", 5000)
    monkeypatch.setattr(article_stream, "CHUNK", 1000)
    with pytest.raises(Broken, match="longer than"):
        articles.read(document(article(title="x" * 9000)))


def test_long_fields_are_read_whole():
    text = "word " * 500_000
    assert one(article=abstract(text)).abstract[0].text == text.strip()


@pytest.fixture(params=[[True], [True, False, False]], ids=["by others", "by others and here"])
def batches(monkeypatch, request):
    """Batches of a few articles, which another process or this one parses in turn, however fast they are."""
    turns = itertools.cycle(request.param)

    def free(workers):
        while not workers._idle:
            workers._take(timeout=None)
        return next(turns)

    monkeypatch.setattr(articles, "SHARED", 3000)
    monkeypatch.setattr(articles, "OWN", 500)
    monkeypatch.setattr(articles.Workers, "free", free)


def test_several_processes_give_the_same_articles_in_the_same_order(batches):
    many = [article(pmid=str(n)) for n in range(1, 40)]
    body = document(full(), *many, CHAPTER, WHOLE_BOOK, more=DELETED)
    reader = articles.read_parallel(io.BytesIO(body), workers=2)
    assert list(reader) == articles.read(body)
    assert reader.deleted == ("31", "32")
    assert list(articles.read_parallel(io.BytesIO(body), workers=1)) == articles.read(body)


@pytest.mark.parametrize("fault", ["article", "end"])
def test_several_processes_raise_the_same_error_after_the_same_articles(batches, fault):
    many = [article(pmid=str(n)) for n in range(1, 40)]
    body = (
        document(*many[:30], article(pmid="none"), *many[30:]) if fault == "article" else document(*many)[:-9]
    )

    def until_the_error(reader):
        found = []
        with pytest.raises(ReviewError) as caught:
            found.extend(one.pmid for one in reader)
        del found[:]
        return caught.type, str(caught.value)

    alone = until_the_error(articles.Reader(io.BytesIO(body)))
    assert until_the_error(articles.read_parallel(io.BytesIO(body), workers=2)) == alone
    assert alone[0] is (ArticleError if fault == "article" else Broken)


def test_processes_end_when_reading_is_given_up(batches):
    body = document(*(article(pmid=str(n)) for n in range(1, 40)))
    reader = iter(articles.read_parallel(io.BytesIO(body), workers=2))
    assert next(reader).pmid == "1"
    reader.close()


@pytest.fixture
def offline(monkeypatch):
    """Biopython asks the network for document types that it does not have."""
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: pytest.fail("the network was asked"))


@pytest.mark.parametrize("year", [19, 25])
def test_every_field_is_what_biopython_reads(year, offline):
    body = everything(year)
    ours = sorted(articles.read(body), key=lambda one: one.kind)
    assert [comparable(one) for one in ours] == by_biopython(body)
    assert len(ours) == 8


MUTATIONS = 400
WHOLE = document(full(), article(pmid="2"), CHAPTER, article(pmid="3"), more=DELETED)
BOMB = b'<!DOCTYPE a [<!ENTITY a "x"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


def mutated(body, seed):
    """A damaged copy, and whether bytes were only taken away from its end."""
    rng = random.Random(seed)
    at, size = rng.randrange(len(body)), rng.choice([1, 2, 5, 30, 400])
    rest = body[at:]
    damage = {
        "cut": lambda: body[:at],
        "delete": lambda: body[:at] + rest[size:],
        "repeat": lambda: body[:at] + rest[:size] + rest,
        "change": lambda: body[:at] + bytes([rng.randrange(256)]) + rest[1:],
        "swap": lambda: body[:at] + rest[1:2] + rest[:1] + rest[2:],
        "bit": lambda: body[:at] + bytes([rest[0] ^ 1 << rng.randrange(8)]) + rest[1:],
        "insert": lambda: body[:at] + rng.choice([b"<", b"&b;", b"]]>", b"<!--", b"\0", b"</PubmedArticle>", BOMB]) + rest,
        "encode": lambda: body.decode().encode(rng.choice(["utf-16", "utf-16-be", "utf-32", "cp037"])),
    }  # fmt: skip
    kind = rng.choice(list(damage))
    return kind, damage[kind]()


@functools.cache
def undamaged():
    return articles.read(WHOLE)


def shapes(found):
    """What must not be lost without an error: the articles' number and kinds."""
    return [one.kind for one in found]


def test_damage_gives_the_same_articles_or_an_error_and_never_a_shorter_list():
    outcomes = {"read": 0, "refused": 0}
    for seed in range(MUTATIONS):
        kind, body = mutated(WHOLE, seed)
        try:
            found = list(articles.Reader(Dribble(body, 1 + seed * 7 % 900)))
        except (ArticleError, Broken):
            outcomes["refused"] += 1
            continue
        outcomes["read"] += 1
        # Read as one document, by a parser that knows nothing of the cuts, it is well-formed as well.
        etree.fromstring(body, etree.XMLParser(no_network=True))
        # What is still well-formed is another document, read in full; one that was cut never is.
        assert kind not in ("cut", "encode") or body.rstrip() == WHOLE.rstrip(), seed
        ends = body.count(b"</PubmedArticle>") + body.count(b"</PubmedBookArticle>")
        assert len(found) == ends, seed
        assert b"".join(one.raw for one in found) == b"".join(
            body[body.index(one.raw) :][: len(one.raw)] for one in found
        ), seed
        if kind not in ("repeat", "delete"):
            assert shapes(found) == shapes(undamaged()), seed
    assert min(outcomes.values()) > 20


@pytest.mark.parametrize("at", range(0, len(WHOLE) - 1, 67))
def test_a_document_cut_anywhere_is_refused(at):
    with pytest.raises((ArticleError, Broken)):
        articles.read(WHOLE[:at])
