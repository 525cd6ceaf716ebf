"""Rows of the sandbox's corpus as a PubmedArticleSet, in the shape that NLM's DTD of 2025 describes.

What a row does not hold is left out or empty, never made up: no identifiers of headings, for instance.

Beside the columns of the bundled corpus a row may have these keys, absent or empty where PubMed has none:

===================  ==================================================================================
abstract             a text, or (label, text) pairs for a structured one
other_abstract       a text, or (type, language, text) triples; a text alone is the publisher's, in English
notices              "RetractionIn:123; ErratumIn:456:Example J 2020" or (type, PMID, source) triples;
                     PMID and source may be empty
keywords             "; "-separated, or a list
version              of the PMID; 1 where absent
status               MedlineCitation/@Status; "MEDLINE" where absent and there are headings
indexing_method      such as "Automated"
pubmed_date          EDAT, where it differs from `entry_date`, which is CRDT
date_completed       YYYY-MM-DD
date_revised         YYYY-MM-DD
vernacular_title     of a translated title
pmcid                such as "PMC1234567"
===================  ==================================================================================
"""

import re
from xml.sax.saxutils import escape, quoteattr

from livingreview.errors import InputError
from livingreview.search.query.documents import split_heading, split_list

HEAD = (
    '<?xml version="1.0" ?>\n'
    '<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN"'
    ' "https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">\n'
)
# Identifiers of publication types, from records of PubMed.
TYPE_IDENTIFIERS = {
    "Journal Article": "D016428",
    "Randomized Controlled Trial": "D016449",
    "Retracted Publication": "D016441",
    "Retraction of Publication": "D016440",
    "Published Erratum": "D016425",
    "Systematic Review": "D000078182",
    "Preprint": "D000076942",
}
REGISTRIES = {
    "NCT": "ClinicalTrials.gov",
    "ISRCTN": "ISRCTN",
    "ACTRN": "ANZCTR",
    "NTR": "NTR",
    "NL": "NTR",
    "DRKS": "DRKS",
    "UMIN": "UMIN-CTR",
    "CHICTR": "ChiCTR",
    "CTRI": "CTRI",
    "IRCT": "IRCT",
    "TCTR": "TCTR",
    "KCT": "CRiS",
    "RBR": "ReBec",
    "PACTR": "PACTR",
}
# Labels of structured abstracts whose category NLM assigns by the word itself.
CATEGORIES = ("BACKGROUND", "OBJECTIVE", "METHODS", "RESULTS", "CONCLUSIONS")
# CommentsCorrections/@RefType of the DTD of 2025.
NOTICES = (
    *("AssociatedDataset", "AssociatedPublication", "CommentIn", "CommentOn", "CorrectedandRepublishedIn"),
    *("CorrectedandRepublishedFrom", "ErratumIn", "ErratumFor", "ExpressionOfConcernIn"),
    *("ExpressionOfConcernFor", "RepublishedIn", "RepublishedFrom", "RetractedandRepublishedIn"),
    *("RetractedandRepublishedFrom", "RetractionIn", "RetractionOf", "UpdateIn", "UpdateOf"),
    *("SummaryForPatientsIn", "OriginalReportIn", "ReprintIn", "ReprintOf", "Cites"),
)
DATES = {"DateCompleted": "date_completed", "DateRevised": "date_revised"}
NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
DELIVERED = re.compile(rb"\s*<(PubmedArticle|PubmedBookArticle)[\s>].*</\1>\s*", re.S)


def article_set(records):
    """A complete efetch body for rows of the corpus, as bytes."""
    return collect(article(record) for record in records)


def collect(articles):
    """A complete efetch body of whole articles, each as bytes."""
    inner = b"".join(b"\n" + one for one in articles)
    return b"".join([HEAD.encode(), b"<PubmedArticleSet>", inner, b"</PubmedArticleSet>"])


def is_article(body):
    """Whether bytes are one PubmedArticle or PubmedBookArticle element, without the set around it."""
    return DELIVERED.fullmatch(body) is not None


def markup(text):
    """A text for use in XML; a character that XML cannot hold becomes U+FFFD."""
    return escape(NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text))


def check(record):
    """Refuse a row whose notices cannot be written.

    Raises
    ------
    InputError
        If a notice has a type that PubMed does not have.
    """
    for kind, _, _ in _notices_of(record):
        if kind not in NOTICES:
            raise InputError(
                "records of the sandbox",
                row=record["pmid"],
                column="notices",
                found=kind,
                allowed=", ".join(NOTICES),
            )


def registry(identifier):
    """Name of the registry to which an identifier such as "NCT01234567" belongs; "" if not known."""
    for prefix, name in REGISTRIES.items():
        if identifier.upper().startswith(prefix):
            return name
    return ""


def article(record):
    """One row as a PubmedArticle element, in bytes."""
    status = record.get("status") or ("MEDLINE" if record.get("mesh_terms") else "PubMed-not-MEDLINE")
    dates = "".join(_day(name, record.get(column)) for name, column in DATES.items())
    text = (
        f'<PubmedArticle><MedlineCitation Status={quoteattr(status)}{_indexing(record)} Owner="NLM">'
        f'<PMID Version="{record.get("version") or 1}">{record["pmid"]}</PMID>'
        f'{dates}<Article PubModel="Print">{_journal(record)}{_element("ArticleTitle", record["title"])}'
        f"{_abstract(record)}{_authors(record)}{_languages(record)}{_registries(record)}{_types(record)}"
        f"{_optional('VernacularTitle', record.get('vernacular_title'))}</Article>"
        f"<MedlineJournalInfo>{_element('MedlineTA', record.get('journal'))}</MedlineJournalInfo>"
        f"{_notices(record)}{_headings(record)}{_other_abstracts(record)}{_keywords(record)}"
        f"</MedlineCitation>{_pubmed_data(record)}</PubmedArticle>"
    )
    return text.encode()


def _indexing(record):
    method = record.get("indexing_method")
    return f" IndexingMethod={quoteattr(method)}" if method else ""


def _day(name, text):
    """A date element from YYYY-MM-DD, "" without; months and days of two digits, as in MedlineCitation."""
    if not text:
        return ""
    year, month, day = text.split("-")
    return f"<{name}><Year>{year}</Year><Month>{month}</Month><Day>{day}</Day></{name}>"


def _optional(name, text):
    return _element(name, text) if text else ""


def _abstract(record):
    abstract = record.get("abstract")
    if not abstract:
        return ""
    parts = [("", abstract)] if isinstance(abstract, str) else abstract
    return f"<Abstract>{''.join(_abstract_text(label, text) for label, text in parts)}</Abstract>"


def _abstract_text(label, text):
    if not label:
        return _element("AbstractText", text)
    category = label.upper() if label.upper() in CATEGORIES else "UNASSIGNED"
    return f'<AbstractText Label={_attribute(label)} NlmCategory="{category}">{markup(text)}</AbstractText>'


def _other_abstracts(record):
    others = record.get("other_abstract") or []
    if isinstance(others, str):
        others = [("Publisher", "eng", others)]
    return "".join(
        f"<OtherAbstract Type={_attribute(kind)} Language={_attribute(language)}>"
        f"{_element('AbstractText', text)}</OtherAbstract>"
        for kind, language, text in others
    )


def _keywords(record):
    keywords = record.get("keywords") or []
    if isinstance(keywords, str):
        keywords = split_list(keywords)
    if not keywords:
        return ""
    inner = "".join(f'<Keyword MajorTopicYN="N">{markup(keyword)}</Keyword>' for keyword in keywords)
    return f'<KeywordList Owner="NOTNLM">{inner}</KeywordList>'


def _notices_of(record):
    """Notices of a row as (type, PMID, source); PMID and source "" where there are none."""
    notices = record.get("notices") or []
    if isinstance(notices, str):
        notices = [entry.split(":", 2) for entry in split_list(notices)]
    return [(*(part or "" for part in notice), "", "")[:3] for notice in notices]


def _notices(record):
    notices = _notices_of(record)
    if not notices:
        return ""
    inner = "".join(_notice(*notice) for notice in notices)
    return f"<CommentsCorrectionsList>{inner}</CommentsCorrectionsList>"


def _notice(kind, pmid, source):
    inner = _element("RefSource", source) + (f'<PMID Version="1">{markup(pmid)}</PMID>' if pmid else "")
    return f"<CommentsCorrections RefType={_attribute(kind)}>{inner}</CommentsCorrections>"


def _attribute(text):
    return quoteattr(NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text))


def _element(name, text):
    return f"<{name}>{markup(text or '')}</{name}>"


def _journal(record):
    date = f"<Year>{record['year']}</Year>" if record.get("year") else "<MedlineDate></MedlineDate>"
    return (
        f'<Journal><JournalIssue CitedMedium="Internet"><PubDate>{date}</PubDate></JournalIssue>'
        f"{_element('ISOAbbreviation', record.get('journal'))}</Journal>"
    )


def _authors(record):
    names = split_list(record.get("authors"))
    if not names:
        return ""
    # A single name in the corpus is in nearly all cases the first of several.
    complete = "N" if len(names) == 1 else "Y"
    return f'<AuthorList CompleteYN="{complete}">{"".join(_author(name) for name in names)}</AuthorList>'


def _author(name):
    last, _, initials = name.rpartition(" ")
    if last and initials.isalpha() and initials.isupper() and len(initials) <= 4:
        return f'<Author ValidYN="Y">{_element("LastName", last)}{_element("Initials", initials)}</Author>'
    if " " in name:
        return f'<Author ValidYN="Y">{_element("CollectiveName", name)}</Author>'
    return f'<Author ValidYN="Y">{_element("LastName", name)}</Author>'


def _languages(record):
    # "und" is MEDLINE's code for an undetermined language.
    return "".join(_element("Language", code) for code in split_list(record.get("language")) or ["und"])


def _registries(record):
    banks = {}
    for identifier in split_list(record.get("registry_ids")):
        banks.setdefault(registry(identifier), []).append(identifier)
    if not banks:
        return ""
    inner = "".join(_bank(name, numbers) for name, numbers in banks.items())
    return f'<DataBankList CompleteYN="Y">{inner}</DataBankList>'


def _bank(name, numbers):
    inner = "".join(_element("AccessionNumber", number) for number in numbers)
    return (
        f"<DataBank>{_element('DataBankName', name)}"
        f"<AccessionNumberList>{inner}</AccessionNumberList></DataBank>"
    )


def _types(record):
    inner = "".join(
        f"<PublicationType UI={quoteattr(TYPE_IDENTIFIERS.get(name, ''))}>{markup(name)}</PublicationType>"
        for name in split_list(record.get("publication_types"))
    )
    return f"<PublicationTypeList>{inner}</PublicationTypeList>"


def _headings(record):
    entries = split_list(record.get("mesh_terms"))
    if not entries:
        return ""
    return f"<MeshHeadingList>{''.join(_heading(entry) for entry in entries)}</MeshHeadingList>"


def _heading(entry):
    parts = [
        f'<{"QualifierName" if number else "DescriptorName"} UI="" MajorTopicYN="{"Y" if major else "N"}">'
        f"{markup(text)}</{'QualifierName' if number else 'DescriptorName'}>"
        for number, (text, major) in enumerate(split_heading(entry))
    ]
    return f"<MeshHeading>{''.join(parts)}</MeshHeading>"


def _pubmed_data(record):
    created = record["entry_date"]
    entered = record.get("pubmed_date") or created
    dates = "".join(_history_day(*one) for one in (("pubmed", entered), ("entrez", created)))
    identifiers = [("pubmed", record["pmid"]), ("doi", record.get("doi")), ("pmc", record.get("pmcid"))]
    ids = "".join(
        f'<ArticleId IdType="{kind}">{markup(value)}</ArticleId>' for kind, value in identifiers if value
    )
    return (
        f"<PubmedData><History>{dates}</History><PublicationStatus>ppublish</PublicationStatus>"
        f"<ArticleIdList>{ids}</ArticleIdList></PubmedData>"
    )


def _history_day(status, text):
    year, month, day = text.split("-")
    date = f"<Year>{year}</Year><Month>{int(month)}</Month><Day>{int(day)}</Day>"
    return f'<PubMedPubDate PubStatus="{status}">{date}</PubMedPubDate>'
