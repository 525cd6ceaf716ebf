"""Records of PubMed as rows of a table, and all sources folded into one.

Only what an article says of itself is taken: identifiers of cited papers, translated abstracts and copyright
lines stay out. Document types are never fetched, whatever DTD an answer names.
"""

import io
import re
import unicodedata

import pandas as pd
from lxml import etree

from livingreview.errors import ReviewError

COLUMNS = [
    "record_id",
    "pmid",
    "doi",
    "title",
    "authors",
    "journal",
    "year",
    "publication_types",
    "mesh_terms",
    "keywords",
    "abstract",
    "language",
    "registry_ids",
    "entry_date",
    "source",
    "first_run",
    "last_run",
    "duplicate_of",
]
# DataBankList also names sequence and data archives; these are registries of trials.
REGISTRIES = re.compile(
    r"clinicaltrials|isrctn|anzctr|^ntr$|dutch|umin|japic|jma|jprn|jrct|rebec|cris|ctri|drks|eudract|^ctis$"
    r"|irct|pactr|rpcec|slctr|tctr|chictr|repec|lbctr|itmctr",
    re.I,
)
NCT = re.compile(r"\bNCT\d{8}\b")
YEAR = re.compile(r"\b(?:18|19|20)\d{2}\b")


class RecordError(ReviewError):
    """An article that cannot be told from others, or is no citation at all."""


def parse(body):
    """Rows of a PubmedArticleSet.

    Parameters
    ----------
    body : bytes
        A whole EFetch answer.

    Returns
    -------
    list of dict
        One per article or book article, in order; keys are those of `COLUMNS` that a record itself fills
        (all but the runs and `duplicate_of`). Values are str, empty where PubMed says nothing.

    Raises
    ------
    lxml.etree.XMLSyntaxError
        If the document is not whole.
    RecordError
        If an article in it has no PMID or no citation.
    """
    return [_row(element) for element in _elements(body)]


def pmids_of(body):
    """PMIDs of the articles in a PubmedArticleSet, in order; not those that the articles cite."""
    return tuple(_pmid(element) for element in _elements(body))


def fold(snapshots, other_sources):
    """All records of all runs, PubMed's and others', one row each.

    Parameters
    ----------
    snapshots : list of livingreview.search.snapshot.Snapshot
        In any order. A PMID's row is its latest fetched state; `first_run` and `last_run` are the first and
        last runs whose search found it.
    other_sources : DataFrame
        Records from elsewhere, with the columns of schema "other_sources"; those of later runs than the last
        snapshot are left out.

    Returns
    -------
    DataFrame
        `COLUMNS`, all str, PubMed's records by number and then the others by id. A record from elsewhere
        whose DOI, or whose title and year, an earlier row has carries that row's id in `duplicate_of`. A PMID
        that no EFetch has ever returned has no row; provenance files list it under `not_returned`.
    """
    ordered = sorted(snapshots, key=lambda snapshot: snapshot.run)
    latest = {row["pmid"]: row for snapshot in ordered for body in snapshot.bodies for row in parse(body)}
    runs = {}
    for snapshot in ordered:
        for pmid in snapshot.pmids:
            runs.setdefault(pmid, []).append(snapshot.run)
    rows = [
        {**latest[pmid], "first_run": seen[0], "last_run": seen[-1], "duplicate_of": ""}
        for pmid, seen in sorted(runs.items(), key=lambda item: int(item[0]))
        if pmid in latest
    ]
    last = ordered[-1].run if ordered else ""
    rows += [_other_row(row) for row in _known_by(other_sources, last)]
    _mark_duplicates(rows)
    return pd.DataFrame(rows, columns=COLUMNS, dtype=object)


def _elements(body):
    events = etree.iterparse(
        io.BytesIO(body),
        tag=("PubmedArticle", "PubmedBookArticle"),
        load_dtd=False,
        no_network=True,
        resolve_entities=False,
        huge_tree=True,
        remove_comments=True,
        remove_pis=True,
    )
    for _, element in events:
        yield element
        element.clear(keep_tail=False)


def _pmid(element):
    path = "MedlineCitation/PMID" if element.tag == "PubmedArticle" else "BookDocument/PMID"
    pmid = _text(element.find(path))
    if not pmid.isdigit():
        raise RecordError(
            f"PubMed's answer holds an article (number {_position(element)}) without a PMID; found {pmid!r}."
            " Do not use this answer; search again."
        )
    return pmid


def _position(element):
    return element.getparent().index(element) + 1 if element.getparent() is not None else 1


def _row(element):
    pmid = _pmid(element)
    filled = _article(element) if element.tag == "PubmedArticle" else _book(element)
    return {"record_id": pmid, "pmid": pmid, **filled}


def _article(element):
    citation = element.find("MedlineCitation")
    article = citation.find("Article")
    abstract = _abstract(article.find("Abstract"))
    return {
        "doi": _doi(element.find("PubmedData/ArticleIdList"), article),
        "title": _text(article.find("ArticleTitle")) or _text(article.find("VernacularTitle")),
        "authors": _authors(article.find("AuthorList")),
        "journal": _first(
            citation,
            "MedlineJournalInfo/MedlineTA",
            "Article/Journal/ISOAbbreviation",
            "Article/Journal/Title",
        ),
        "year": _year(
            article,
            "Journal/JournalIssue/PubDate/Year",
            "Journal/JournalIssue/PubDate/MedlineDate",
            "ArticleDate/Year",
        ),
        "publication_types": _join(article.iterfind("PublicationTypeList/PublicationType")),
        "mesh_terms": _join_texts(
            _heading(heading) for heading in citation.iterfind("MeshHeadingList/MeshHeading")
        ),
        "keywords": _join(citation.iterfind("KeywordList/Keyword")),
        "abstract": abstract,
        "language": _language(article),
        "registry_ids": _registry_ids(article, abstract),
        "entry_date": _entry_date(element.find("PubmedData/History")),
        "source": "PubMed",
    }


def _book(element):
    document = element.find("BookDocument")
    book = document.find("Book")
    abstract = _abstract(document.find("Abstract"))
    return {
        "doi": _doi(element.find("PubmedBookData/ArticleIdList"), document)
        or _doi(document.find("ArticleIdList"), document),
        "title": _first(document, "ArticleTitle", "VernacularTitle", "Book/BookTitle"),
        "authors": _authors(_author_list(document)) or _authors(_author_list(book)),
        "journal": _text(book.find("BookTitle")) if book is not None else "",
        "year": _year(document, "ContributionDate/Year", "Book/PubDate/Year", "Book/PubDate/MedlineDate"),
        "publication_types": _join(document.iterfind("PublicationType")),
        "mesh_terms": "",
        "keywords": _join(document.iterfind("KeywordList/Keyword")),
        "abstract": abstract,
        "language": _language(document),
        "registry_ids": _join_texts(NCT.findall(abstract)),
        "entry_date": _entry_date(element.find("PubmedBookData/History")),
        "source": "PubMed",
    }


def _text(element):
    """All text of an element, markup within it dropped and its words kept, in single spaces."""
    return " ".join("".join(element.itertext()).split()) if element is not None else ""


def _first(element, *paths):
    """Text of the first path that has any."""
    return next((text for text in (_text(element.find(path)) for path in paths) if text), "")


def _join(elements):
    return _join_texts(_text(element) for element in elements)


def _join_texts(texts):
    """Entries in one cell, each once; a semicolon within an entry becomes a comma."""
    return "; ".join(dict.fromkeys(text.replace(";", ",") for text in texts if text))


def _abstract(element):
    """The parts of an abstract with their labels; not `CopyrightInformation`, which stands beside them."""
    parts = []
    for part in element.iterfind("AbstractText") if element is not None else ():
        label = part.get("Label")
        text = _text(part)
        if text:
            parts.append(f"{label}: {text}" if label else text)
    return " ".join(parts)


def _doi(identifiers, article):
    """The article's own DOI in lower case; `.//ArticleId` would also find those of cited papers."""
    own = identifiers.iterfind("ArticleId[@IdType='doi']") if identifiers is not None else ()
    located = (
        element
        for element in article.iterfind("ELocationID[@EIdType='doi']")
        if element.get("ValidYN", "Y") != "N"
    )
    return next((_text(element).lower() for element in [*own, *located] if _text(element)), "")


def _authors(authors):
    if authors is None:
        return ""
    return _join_texts(
        _author(author) for author in authors.iterfind("Author") if author.get("ValidYN", "Y") != "N"
    )


def _author(author):
    name = _text(author.find("CollectiveName"))
    return name or f"{_text(author.find('LastName'))} {_text(author.find('Initials'))}".strip()


def _author_list(element):
    """The authors of a book or chapter; editors have a list of their own."""
    if element is None:
        return None
    lists = element.findall("AuthorList")
    return next((one for one in lists if one.get("Type") != "editors"), None)


def _year(element, *paths):
    """The first year named by one of the paths; "1999 Dec-2000 Jan" gives 1999."""
    for path in paths:
        found = YEAR.search(_text(element.find(path)))
        if found:
            return found[0]
    return ""


def _heading(heading):
    parts = [heading.find("DescriptorName"), *heading.iterfind("QualifierName")]
    return " / ".join(
        _text(part) + ("*" if part.get("MajorTopicYN") == "Y" else "") for part in parts if part is not None
    )


def _language(element):
    # "und" is MEDLINE's code for an undetermined language.
    return _join_texts(code for code in map(_text, element.iterfind("Language")) if code != "und")


def _registry_ids(article, abstract):
    ids = [
        _text(number)
        for bank in article.iterfind("DataBankList/DataBank")
        if REGISTRIES.search(_text(bank.find("DataBankName"))) or not _text(bank.find("DataBankName"))
        for number in bank.iterfind("AccessionNumberList/AccessionNumber")
    ]
    return _join_texts([*ids, *NCT.findall(abstract)])


def _entry_date(history):
    """The day on which the record came into PubMed (CRDT); the "pubmed" date (EDAT) may be years earlier."""
    date = history.find("PubMedPubDate[@PubStatus='entrez']") if history is not None else None
    if date is None:
        return ""
    year, month, day = (_text(date.find(part)) for part in ("Year", "Month", "Day"))
    return f"{int(year):04d}-{int(month or 1):02d}-{int(day or 1):02d}" if year.isdigit() else ""


def _known_by(other_sources, run):
    rows = other_sources.astype(object).where(other_sources.notna(), "").to_dict("records")
    return sorted((row for row in rows if row["run"] <= run), key=lambda row: row["record_id"])


def _other_row(row):
    taken = ("record_id", "title", "authors", "journal", "year", "language", "source")
    return {
        **dict.fromkeys(COLUMNS, ""),
        **{name: str(row[name]) for name in taken},
        "doi": str(row["doi"]).lower(),
        "first_run": row["run"],
        "last_run": row["run"],
    }


def _mark_duplicates(rows):
    """Fill `duplicate_of` of records from elsewhere; PubMed's own records are never merged."""
    seen = {}
    for row in rows:
        keys = [("doi", row["doi"])] if row["doi"] else []
        title = _plain_title(row["title"])
        if title and row["year"]:
            keys.append(("title", title, row["year"]))
        if row["source"] != "PubMed":
            row["duplicate_of"] = next((seen[key] for key in keys if key in seen), "")
        for key in keys:
            seen.setdefault(key, row["duplicate_of"] or row["record_id"])


def _plain_title(title):
    plain = unicodedata.normalize("NFKD", title).casefold()
    return "".join(character for character in plain if character.isalnum())
