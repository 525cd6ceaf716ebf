"""Rows of the sandbox's corpus as a PubmedArticleSet, in the shape that NLM's DTD of 2025 describes.

What a row does not hold is left out or empty, never made up: no abstract, no identifiers of headings.
"""

from xml.sax.saxutils import escape, quoteattr

from livingreview.search.matching import split_heading, split_list

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


def article_set(records):
    """A complete efetch body for rows of the corpus, as bytes."""
    articles = "".join(_article(record) for record in records)
    return f"{HEAD}<PubmedArticleSet>{articles}</PubmedArticleSet>".encode()


def registry(identifier):
    """Name of the registry to which an identifier such as "NCT01234567" belongs; "" if not known."""
    for prefix, name in REGISTRIES.items():
        if identifier.upper().startswith(prefix):
            return name
    return ""


def _article(record):
    status = "MEDLINE" if record.get("mesh_terms") else "PubMed-not-MEDLINE"
    return (
        f'\n<PubmedArticle><MedlineCitation Status="{status}" Owner="NLM">'
        f'<PMID Version="1">{record["pmid"]}</PMID>'
        f'<Article PubModel="Print">{_journal(record)}{_element("ArticleTitle", record["title"])}'
        f"{_authors(record)}{_languages(record)}{_registries(record)}{_types(record)}</Article>"
        f"<MedlineJournalInfo>{_element('MedlineTA', record.get('journal'))}</MedlineJournalInfo>"
        f"{_headings(record)}</MedlineCitation>{_pubmed_data(record)}</PubmedArticle>"
    )


def _element(name, text):
    return f"<{name}>{escape(text or '')}</{name}>"


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
        f"<PublicationType UI={quoteattr(TYPE_IDENTIFIERS.get(name, ''))}>{escape(name)}</PublicationType>"
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
        f"{escape(text)}</{'QualifierName' if number else 'DescriptorName'}>"
        for number, (text, major) in enumerate(split_heading(entry))
    ]
    return f"<MeshHeading>{''.join(parts)}</MeshHeading>"


def _pubmed_data(record):
    year, month, day = record["entry_date"].split("-")
    date = f"<Year>{year}</Year><Month>{int(month)}</Month><Day>{int(day)}</Day>"
    dates = "".join(
        f'<PubMedPubDate PubStatus="{status}">{date}</PubMedPubDate>' for status in ("pubmed", "entrez")
    )
    doi = f'<ArticleId IdType="doi">{escape(record["doi"])}</ArticleId>' if record.get("doi") else ""
    return (
        f"<PubmedData><History>{dates}</History><PublicationStatus>ppublish</PublicationStatus>"
        f'<ArticleIdList><ArticleId IdType="pubmed">{record["pmid"]}</ArticleId>{doi}</ArticleIdList>'
        "</PubmedData>"
    )
