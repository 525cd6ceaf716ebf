"""Invented articles in PubMed's shape, with each construct at least once; and the same read by Biopython.

Names, numbers and identifiers are made up. `by_biopython` reads a document with Bio.Entrez and gives the fields
of an Article, written down a second time from what that parser returns.
"""

import io
import re
from xml.etree import ElementTree

from Bio import Entrez

from livingreview.search import registries
from livingreview.search.pubmed.articles import REGISTRIES

DOCTYPE = (
    '<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 20{0}//EN"'
    ' "https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_{0}0101.dtd">\n'
)
MML = 'xmlns:mml="http://www.w3.org/1998/Math/MathML"'
ARTICLE = """<PubmedArticle><MedlineCitation Status="MEDLINE" Owner="NLM"{attributes}>
<PMID Version="1">{pmid}</PMID>{dates}
<Article PubModel="Print">{journal}<ArticleTitle>{title}</ArticleTitle>{article}</Article>
<MedlineJournalInfo><MedlineTA>Ex J</MedlineTA></MedlineJournalInfo>{citation}</MedlineCitation>
{data}</PubmedArticle>"""
JOURNAL = """<Journal><JournalIssue CitedMedium="Print"><PubDate>{date}</PubDate></JournalIssue>
<ISOAbbreviation>Ex. J.</ISOAbbreviation></Journal>"""


def document(*articles, year=25, more=""):
    """A whole document with the document type of a year (two digits)."""
    head = '<?xml version="1.0" ?>\n' + DOCTYPE.format(year)
    return f"{head}<PubmedArticleSet>\n{''.join(articles)}{more}</PubmedArticleSet>\n".encode()


def article(
    *, pmid="7", date="<Year>2020</Year>", journal=None, title="Example.", article="", data="", **more
):
    """One article; `article`, `citation` and `data` hold further elements of those three places."""
    given = {"attributes": "", "dates": "", "citation": "", **more}
    journal = JOURNAL.format(date=date) if journal is None else journal
    data = f"<PubmedData>{data}</PubmedData>"
    return ARTICLE.format(pmid=pmid, journal=journal, title=title, article=article, data=data, **given)


LANGUAGE = "<Language>eng</Language>"
TYPES = """<PublicationTypeList><PublicationType UI="D016428">Journal Article</PublicationType>
<PublicationType UI="D016449">Randomized Controlled Trial</PublicationType></PublicationTypeList>"""
STATUS = "<PublicationStatus>ppublish</PublicationStatus>"
IDS = '<ArticleIdList><ArticleId IdType="pubmed">{}</ArticleId></ArticleIdList>'

FULL_JOURNAL = """<Journal><ISSN IssnType="Electronic">0000-0019</ISSN><JournalIssue CitedMedium="Internet">
<Volume>12 Suppl 1</Volume><Issue>3-4</Issue><PubDate><Year>2020</Year><Month>Jul</Month><Day>05</Day></PubDate>
</JournalIssue><Title>Example journal of examples</Title><ISOAbbreviation>Ex. J.</ISOAbbreviation></Journal>"""
FULL_ARTICLE = f"""<Pagination><MedlinePgn>101-9; discussion 110</MedlinePgn></Pagination>
<ELocationID EIdType="doi" ValidYN="Y">10.1000/Other.1</ELocationID>
<ELocationID EIdType="pii" ValidYN="N">e-wrong</ELocationID><ELocationID EIdType="pii">e101</ELocationID>
<Abstract><AbstractText Label="BACKGROUND &amp; AIM" NlmCategory="OBJECTIVE">To test <b>x</b>
  of&#xa0;<i>Ex. <sub>am</sub>ple</i>.</AbstractText>
<AbstractText Label="METHODS" NlmCategory="METHODS">CO<sub>2</sub> 10<sup>-3</sup> <u>once</u>.</AbstractText>
<AbstractText Label="RESULTS" NlmCategory="RESULTS">p &lt; 0.05 &amp; <mml:math {MML}> <mml:mi>z</mml:mi>
<mml:mo>&gt;</mml:mo> <mml:mn>1</mml:mn></mml:math>; <DispFormula><mml:math {MML}><mml:mi>q</mml:mi></mml:math>
</DispFormula>end.</AbstractText>
<AbstractText Label="REGISTRATION">NCT00000001, ISRCTN00000001, ACTRN12600000000001.</AbstractText>
<AbstractText NlmCategory="UNASSIGNED">&#x3b1;&#8209;end.</AbstractText>
<CopyrightInformation>Copyright Example Press.</CopyrightInformation></Abstract>
<AuthorList CompleteYN="N"><Author ValidYN="Y"><LastName>Ex&#xe4;mple</LastName><ForeName>Anna B</ForeName>
<Initials>AB</Initials><Suffix>Jr</Suffix>
<Identifier Source="ORCID">https://orcid.org/0000-0000-0000-001X</Identifier>
<AffiliationInfo><Affiliation>Example University.</Affiliation></AffiliationInfo></Author>
<Author ValidYN="N"><LastName>Exampel</LastName><ForeName>Anna B</ForeName><Initials>AB</Initials></Author>
<Author EqualContrib="Y"><LastName>Sample</LastName><Identifier Source="ORCID">0000000000000002</Identifier></Author>
<Author><LastName>Bad</LastName><Initials>C</Initials><Identifier Source="ORCID">none</Identifier></Author>
<Author ValidYN="Y"><CollectiveName>Example <i>Pain</i> Group</CollectiveName></Author></AuthorList>
<Language>eng</Language><Language>und</Language><Language>spa</Language>
<DataBankList CompleteYN="Y"><DataBank><DataBankName>ClinicalTrials.gov</DataBankName><AccessionNumberList>
<AccessionNumber>NCT00000001</AccessionNumber><AccessionNumber>NCT00000002</AccessionNumber>
</AccessionNumberList></DataBank><DataBank><DataBankName>GENBANK</DataBankName><AccessionNumberList>
<AccessionNumber>AB000001</AccessionNumber></AccessionNumberList></DataBank></DataBankList>
<GrantList CompleteYN="Y"><Grant><GrantID>EX 1</GrantID><Agency>Example Fund</Agency><Country>Example</Country>
</Grant></GrantList>{TYPES}<VernacularTitle>Ein <i>Beispiel</i>.</VernacularTitle>
<ArticleDate DateType="Electronic"><Year>2019</Year><Month>12</Month><Day>31</Day></ArticleDate>"""
FULL_CITATION = """<CitationSubset>IM</CitationSubset><CommentsCorrectionsList>
<CommentsCorrections RefType="Cites"><RefSource>Ex J. 2001</RefSource><PMID Version="1">1</PMID></CommentsCorrections>
<CommentsCorrections RefType="RetractionIn"><RefSource>Ex J. 2021;1:2</RefSource><PMID Version="1">90</PMID>
</CommentsCorrections><CommentsCorrections RefType="ErratumIn"><RefSource>Ex J. 2022</RefSource><Note>n</Note>
</CommentsCorrections></CommentsCorrectionsList>
<MeshHeadingList><MeshHeading><DescriptorName UI="D010146" MajorTopicYN="N"{auto}>Pain</DescriptorName>
<QualifierName UI="Q000628" MajorTopicYN="Y">therapy</QualifierName><QualifierName UI="Q000523">psychology</QualifierName>
</MeshHeading><MeshHeading><DescriptorName UI="D020407" MajorTopicYN="Y">Internet</DescriptorName></MeshHeading>
</MeshHeadingList>
<OtherAbstract Type="Publisher" Language="spa"><AbstractText Label="FIN">Otro <i>texto</i>.</AbstractText>
<CopyrightInformation>Other Press.</CopyrightInformation></OtherAbstract>
<OtherAbstract Type="plain-language-summary"><AbstractText>Plain.</AbstractText></OtherAbstract>
<KeywordList Owner="NOTNLM"><Keyword MajorTopicYN="N">e-<i>health</i></Keyword><Keyword>pain; back</Keyword></KeywordList>
<KeywordList><Keyword>second list</Keyword></KeywordList>
<CoiStatement>None &amp; <b>nothing</b>.</CoiStatement>
<InvestigatorList><Investigator><LastName>Not</LastName><ForeName>Author</ForeName></Investigator></InvestigatorList>"""
FULL_DATA = """<History><PubMedPubDate PubStatus="received"><Year>2018</Year><Month>1</Month><Day>9</Day>
</PubMedPubDate><PubMedPubDate PubStatus="entrez"><Year>2020</Year><Month>7</Month><Day>1</Day><Hour>6</Hour>
<Minute>0</Minute></PubMedPubDate><PubMedPubDate PubStatus="pubmed"><Year>2019</Year><Month>1</Month><Day>1</Day>
</PubMedPubDate></History><PublicationStatus>ppublish</PublicationStatus><ArticleIdList>
<ArticleId IdType="pubmed">101</ArticleId><ArticleId IdType="pmc">PMC0000001</ArticleId>
<ArticleId IdType="doi">10.1000/EXAMPLE.1</ArticleId><ArticleId IdType="pii">ex-101</ArticleId></ArticleIdList>
<ReferenceList><Reference><Citation>Cited, 2001.</Citation><ArticleIdList>
<ArticleId IdType="doi">10.1000/cited</ArticleId><ArticleId IdType="pmc">PMC9</ArticleId></ArticleIdList></Reference>
</ReferenceList>"""
DATES = """<DateCompleted><Year>2020</Year><Month>08</Month><Day>02</Day></DateCompleted>
<DateRevised><Year>2021</Year><Month>01</Month><Day>31</Day></DateRevised>"""


def full(auto=' AutoHM="Y"'):
    """An article that has everything; `auto` is empty for document types without that attribute."""
    return article(
        pmid="101",
        attributes=' IndexingMethod="Automated"',
        dates=DATES,
        journal=FULL_JOURNAL,
        title="[Effect of <i>Ex. ample</i> on CO<sub>2</sub> at p &lt; 0.05 &amp; more].",
        article=FULL_ARTICLE,
        citation=FULL_CITATION.format(auto=auto),
        data=FULL_DATA,
    )


def bare(pmid, date, title="Example.", more=""):
    """An article with no more than NLM's document type asks for."""
    return article(
        pmid=pmid,
        date=date,
        title=title,
        article=f"<Pagination><MedlinePgn/></Pagination>{LANGUAGE}{TYPES}{more}",
        data=STATUS + IDS.format(pmid),
    )


CHAPTER = """<PubmedBookArticle><BookDocument><PMID Version="2">8</PMID>
<ArticleIdList><ArticleId IdType="bookaccession">NBK1</ArticleId></ArticleIdList>
<Book><Publisher><PublisherName>Example Press</PublisherName></Publisher>
<BookTitle book="ex">Example <i>Reviews</i></BookTitle><PubDate><Year>1993</Year><Month>02</Month></PubDate>
<AuthorList Type="editors"><Author><LastName>Editor</LastName></Author></AuthorList><Volume>4</Volume></Book>
<ArticleTitle book="ex" part="1">Example Syndrome</ArticleTitle><Language>eng</Language>
<AuthorList Type="authors"><Author><LastName>Example</LastName><Initials>AB</Initials></Author></AuthorList>
<PublicationType UI="D016454">Review</PublicationType>
<Abstract><AbstractText Label="Summary">Invented text.</AbstractText>
<CopyrightInformation>Example Press</CopyrightInformation></Abstract>
<KeywordList Owner="NLM"><Keyword>Syndrome</Keyword></KeywordList>
<ContributionDate><Year>2001</Year><Month>3</Month><Day>4</Day></ContributionDate>
<DateRevised><Year>2024</Year><Month>5</Month><Day>6</Day></DateRevised></BookDocument>
<PubmedBookData><History><PubMedPubDate PubStatus="entrez"><Year>2010</Year><Month>3</Month><Day>20</Day>
</PubMedPubDate></History><PublicationStatus>ppublish</PublicationStatus>
<ArticleIdList><ArticleId IdType="pubmed">8</ArticleId></ArticleIdList></PubmedBookData></PubmedBookArticle>"""
WHOLE_BOOK = """<PubmedBookArticle><BookDocument><PMID Version="1">9</PMID>
<ArticleIdList><ArticleId IdType="bookaccession">NBK2</ArticleId></ArticleIdList>
<Book><Publisher><PublisherName>Example Press</PublisherName></Publisher><BookTitle>Example Guideline</BookTitle>
<PubDate><MedlineDate>2009 Feb-Mar</MedlineDate></PubDate><AuthorList Type="authors" CompleteYN="N">
<Author><CollectiveName>Example Centre</CollectiveName></Author></AuthorList></Book><Language>eng</Language>
</BookDocument></PubmedBookArticle>"""
DATED = (
    bare("102", "<Year>2020</Year>"),
    bare("103", "<Year>2020</Year><Month>Jul</Month>", title=""),
    bare(
        "104",
        "<Year>2020</Year><Season>Spring</Season>",
        title=f"A <mml:math {MML}><mml:mi>x</mml:mi></mml:math>.",
    ),
    bare("105", "<MedlineDate>1999 Dec-2000 Jan</MedlineDate>", title="[Translated]."),
    bare("106", "<MedlineDate>Winter</MedlineDate>"),
)


def everything(year=25):
    """A document that has each construct at least once, with the document type of a year."""
    auto = ' AutoHM="Y"' if year >= 25 else ""
    return document(full(auto), *DATED, CHAPTER, WHOLE_BOOK, year=year)


def by_biopython(body):
    """The fields of each article but `raw`, as Bio.Entrez reads the document; articles first, then books.

    Texts have no white space, since MathML's tokens stand apart there and here by different rules.
    """
    found = Entrez.read(io.BytesIO(body), escape=True)
    return [_article(one) for one in found["PubmedArticle"]] + [
        _book(one) for one in found["PubmedBookArticle"]
    ]


def squeezed(text):
    return "".join(text.split())


def _text(marked):
    """A string in which Biopython kept markup, without it."""
    marked = re.sub(r"(</?)mml:", r"\1", str(marked or ""))
    return squeezed(
        "".join(ElementTree.fromstring(f"<x>{re.sub(' xmlns(:mml)?=', ' n=', marked)}</x>").itertext())
    )


def _attribute(element, name, default=""):
    return getattr(element, "attributes", {}).get(name, default)


def _common(work):
    return {
        "title": _text(work.get("ArticleTitle")),
        "vernacular_title": _text(work.get("VernacularTitle")),
        "abstract": _parts(work.get("Abstract", {})),
        "languages": tuple(code for code in work.get("Language", ()) if code != "und"),
    }


def _article(record):
    citation, data = record["MedlineCitation"], record.get("PubmedData", {})
    work = citation["Article"]
    journal = work.get("Journal", {})
    issue = journal.get("JournalIssue", {})
    ids, places = _ids(data.get("ArticleIdList", ())), _places(work)
    electronic = [one for one in work.get("ArticleDate", ()) if _attribute(one, "DateType") == "Electronic"]
    info = citation.get("MedlineJournalInfo", {})
    found = {
        **_common(work),
        "pmid": str(citation["PMID"]),
        "version": int(_attribute(citation["PMID"], "Version")),
        "kind": "article",
        "status": _attribute(citation, "Status"),
        "indexing_method": _attribute(citation, "IndexingMethod"),
        "other_abstracts": tuple(
            (_attribute(one, "Type"), _attribute(one, "Language", "eng"), _parts(one))
            for one in citation.get("OtherAbstract", ())
        ),
        "authors": _authors(work.get("AuthorList", ())),
        "authors_complete": _attribute(work.get("AuthorList"), "CompleteYN", "Y") == "Y",
        "journal": _text(journal.get("Title")),
        "journal_abbreviation": _text(info.get("MedlineTA") or journal.get("ISOAbbreviation")),
        "issn": str(journal.get("ISSN") or info.get("ISSNLinking") or ""),
        "volume": _text(issue.get("Volume")),
        "issue": _text(issue.get("Issue")),
        "pages": _pages(work),
        "published": _published(issue.get("PubDate", {})),
        "electronic_date": _day(electronic[0]) if electronic else "",
        "completed": _day(citation.get("DateCompleted")),
        "revised": _day(citation.get("DateRevised")),
        "history": tuple((_attribute(one, "PubStatus"), _day(one)) for one in data.get("History", ())),
        "publication_types": tuple(
            (_attribute(one, "UI"), _text(one)) for one in work.get("PublicationTypeList", ())
        ),
        "mesh": tuple(_heading(one) for one in citation.get("MeshHeadingList", ())),
        "keywords": _keywords(citation),
        "doi": (ids.get("doi") or places.get("doi", "")).lower(),
        "pmcid": ids.get("pmc", ""),
        "pii": ids.get("pii") or places.get("pii", ""),
        "notices": tuple(
            (_attribute(one, "RefType"), str(one.get("PMID", "")), _text(one["RefSource"]))
            for one in citation.get("CommentsCorrectionsList", ())
            if _attribute(one, "RefType") != "Cites"
        ),
        "coi_statement": _text(citation.get("CoiStatement")),
        "accession": "",
    }
    return {**found, "registry": _registry(work)}


def _book(record):
    document, data = record["BookDocument"], record.get("PubmedBookData", {})
    book = document.get("Book", {})
    lists = [
        one
        for one in [*document["AuthorList"], *book.get("AuthorList", ())]
        if _attribute(one, "Type") != "editors"
    ]
    ids = {**_ids(document.get("ArticleIdList", ())), **_ids(data.get("ArticleIdList", ()))}
    published = _published(document.get("ContributionDate") or book.get("PubDate", {}))
    return {
        **_common(document),
        "title": _text(document.get("ArticleTitle") or book.get("BookTitle")),
        "pmid": str(document["PMID"]),
        "version": int(_attribute(document["PMID"], "Version")),
        "kind": "book",
        **dict.fromkeys(["status", "indexing_method", "journal_abbreviation", "issn", "issue"], ""),
        **dict.fromkeys(["electronic_date", "completed", "pmcid", "pii", "coi_statement"], ""),
        **dict.fromkeys(["other_abstracts", "mesh", "registry", "notices"], ()),
        "authors": _authors(lists[0]) if lists else (),
        "authors_complete": _attribute(lists[0], "CompleteYN", "Y") == "Y" if lists else True,
        "journal": _text(book.get("BookTitle")),
        "volume": _text(book.get("Volume")),
        "pages": _pages(document),
        "published": published,
        "revised": _day(document.get("DateRevised")),
        "history": tuple((_attribute(one, "PubStatus"), _day(one)) for one in data.get("History", ())),
        "publication_types": tuple(
            (_attribute(one, "UI"), _text(one)) for one in document["PublicationType"]
        ),
        "keywords": _keywords(document),
        "doi": ids.get("doi", "").lower(),
        "accession": ids.get("bookaccession", ""),
    }


def _parts(abstract):
    found = (
        (squeezed(_attribute(part, "Label")), _attribute(part, "NlmCategory"), _text(part))
        for part in abstract.get("AbstractText", ())
    )
    return tuple(part for part in found if part[2])


def _authors(authors):
    return tuple(
        (
            *(
                _text(author.get(name))
                for name in ("LastName", "ForeName", "Initials", "Suffix", "CollectiveName")
            ),
            next(filter(None, (_orcid(one) for one in author["Identifier"])), ""),
        )
        for author in authors
        if _attribute(author, "ValidYN", "Y") == "Y"
    )


def _orcid(identifier):
    digits = re.sub(r"[^0-9X]", "", str(identifier).upper().split("/")[-1])
    right = _attribute(identifier, "Source") == "ORCID" and len(digits) == 16
    return "-".join(digits[start : start + 4] for start in range(0, 16, 4)) if right else ""


def _published(date):
    printed = squeezed(date.get("MedlineDate", ""))
    years = re.findall(r"(?:18|19|20)\d\d", date.get("MedlineDate", ""))
    year = date.get("Year") or (years[0] if years else "")
    return (str(year), *(str(date.get(name, "")) for name in ("Month", "Day", "Season")), printed)


def _pages(work):
    pages = work.get("Pagination", {})
    ends = [pages[name] for name in ("StartPage", "EndPage") if pages.get(name)]
    return squeezed(pages.get("MedlinePgn") or "-".join(ends))


def _day(date):
    return f"{int(date['Year']):04}-{int(date['Month']):02}-{int(date['Day']):02}" if date else ""


def _heading(heading):
    descriptor = heading["DescriptorName"]
    return (
        _attribute(descriptor, "UI"),
        _text(descriptor),
        _attribute(descriptor, "MajorTopicYN") == "Y",
        _attribute(descriptor, "AutoHM") == "Y",
        tuple(
            (_attribute(one, "UI"), _text(one), _attribute(one, "MajorTopicYN") == "Y")
            for one in heading["QualifierName"]
        ),
    )


def _keywords(element):
    return tuple(
        (_attribute(one, "Owner", "NLM"), _text(keyword)) for one in element["KeywordList"] for keyword in one
    )


def _ids(identifiers):
    return {_attribute(one, "IdType"): _text(one) for one in reversed(list(identifiers)) if str(one)}


def _places(work):
    valid = [one for one in work.get("ELocationID", ()) if _attribute(one, "ValidYN", "Y") == "Y"]
    return {_attribute(one, "EIdType"): _text(one) for one in reversed(valid)}


def _registry(work):
    found = {
        str(number): str(bank["DataBankName"])
        for bank in work.get("DataBankList", ())
        if REGISTRIES.search(bank["DataBankName"])
        for number in bank.get("AccessionNumberList", ())
    }
    parts = work.get("Abstract", {}).get("AbstractText", ())
    text = " ".join(f"{_attribute(part, 'Label')}: {part}" for part in parts)
    known = {re.sub(r"\W", "", number) for number in found}
    for number in registries.find(re.sub(r"\s+", " ", text)):
        if re.sub(r"\W|EudraCT|CTIS", "", number) not in known:
            found[number] = "abstract"
    return tuple((bank, number) for number, bank in found.items())


def comparable(article):
    """The fields of an Article in the shape that `by_biopython` gives."""
    values = {name: getattr(article, name) for name in article.__slots__ if name != "raw"}
    identifiers = ("pmid", "status", "doi", "pii", "registry")
    return {name: value if name in identifiers else _squeeze(value) for name, value in values.items()}


def _squeeze(value):
    if isinstance(value, str):
        return squeezed(value)
    return tuple(map(_squeeze, value)) if isinstance(value, tuple) else value
