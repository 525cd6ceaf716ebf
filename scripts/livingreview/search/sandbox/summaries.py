"""What ESummary says of a record: version 1 of PubMed's document summaries, in XML and in JSON.

A summary has every field that PubMed's has; what a row of the corpus does not hold is empty, never made up.
"""

from livingreview.search.query.documents import split_list
from livingreview.search.query.matching import LANGUAGES
from livingreview.search.sandbox.citation_xml import markup

NOT_HELD = "cannot get document summary"
LARGEST_JSON = 500  # documents; NCBI refuses more in this format, and in XML does not
TOO_MANY = "Too many UIDs in request. Maximum number of UIDs is 500 for JSON format output."
LANGUAGE_NAMES = {code: name.capitalize() for name, code in LANGUAGES.items()}


def docsum(record):
    """One record as a DocSum element."""
    names = split_list(record.get("authors"))
    items = [
        _item("PubDate", record.get("year"), kind="Date"),
        _item("EPubDate", "", kind="Date"),
        _item("Source", record.get("journal")),
        _list("AuthorList", [_item("Author", name) for name in names]),
        _item("LastAuthor", names[-1] if names else ""),
        _item("Title", record.get("title")),
        *(_item(name, "") for name in ("Volume", "Issue", "Pages")),
        _list("LangList", [_item("Lang", name) for name in _languages(record)]),
        *(_item(name, "") for name in ("NlmUniqueID", "ISSN", "ESSN")),
        _list(
            "PubTypeList", [_item("PubType", name) for name in split_list(record.get("publication_types"))]
        ),
        _item("RecordStatus", _status(record)),
        _item("PubStatus", "ppublish"),
        _list("ArticleIds", [_item(kind, value) for kind, value in _identifiers(record)]),
        *([_item("DOI", record["doi"])] if record.get("doi") else []),
        _list("History", [_item(kind, day, kind="Date") for kind, day in _history(record)]),
        _list("References", []),
        _item("HasAbstract", str(int(bool(record.get("abstract")))), kind="Integer"),
        _item("PmcRefCount", "0", kind="Integer"),
        _item("FullJournalName", ""),
        _item("ELocationID", _location(record)),
        _item("SO", record.get("year")),
    ]
    lines = "".join(f"\t{item}\n" for item in items)
    return f"<DocSum>\n\t<Id>{record['pmid']}</Id>\n{lines}</DocSum>\n"


def summary(record):
    """One record as the dict that ESummary's JSON holds."""
    names = split_list(record.get("authors"))
    empty = dict.fromkeys(("volume", "issue", "pages", "nlmuniqueid", "issn", "essn", "fulljournalname"), "")
    return {
        "uid": record["pmid"],
        "pubdate": record.get("year") or "",
        "epubdate": "",
        "source": record.get("journal") or "",
        "authors": [{"name": name, "authtype": "Author", "clusterid": ""} for name in names],
        "lastauthor": names[-1] if names else "",
        "title": record["title"],
        "sorttitle": record["title"].casefold(),
        **empty,
        "lang": split_list(record.get("language")),
        "pubtype": split_list(record.get("publication_types")),
        "recordstatus": _status(record),
        "pubstatus": "4",  # ppublish
        "articleids": [
            {"idtype": kind, "idtypen": 1, "value": value} for kind, value in _identifiers(record)
        ],
        "history": [{"pubstatus": kind, "date": day} for kind, day in _history(record)],
        "references": [],
        "attributes": ["Has Abstract"] if record.get("abstract") else [],
        "pmcrefcount": "",
        "elocationid": _location(record),
        "doctype": "citation",
        "sortpubdate": f"{record['year']}/01/01 00:00" if record.get("year") else "",
        "sortfirstauthor": names[0] if names else "",
        "vernaculartitle": record.get("vernacular_title") or "",
    }


def in_json(pmids, records):
    """ESummary's whole JSON for PMIDs, given the records that it has documents for, by PMID."""
    header = {"header": {"type": "esummary", "version": "0.3"}}
    if len(pmids) > LARGEST_JSON:
        return {**header, "error": TOO_MANY}
    documents = {
        pmid: summary(records[pmid]) if pmid in records else {"uid": pmid, "error": NOT_HELD}
        for pmid in pmids
    }
    return {**header, "result": {"uids": list(pmids), **documents}}


def _item(name, text, *, kind="String"):
    return f'<Item Name="{name}" Type="{kind}">{markup(text or "")}</Item>'


def _list(name, items):
    inner = "".join(f"\n\t\t{item}" for item in items) + ("\n\t" if items else "")
    return f'<Item Name="{name}" Type="List">{inner}</Item>'


def _languages(record):
    return [LANGUAGE_NAMES.get(code, code) for code in split_list(record.get("language"))]


def _status(record):
    status = record.get("status") or ("MEDLINE" if record.get("mesh_terms") else "PubMed-not-MEDLINE")
    words = {
        "MEDLINE": "PubMed - indexed for MEDLINE",
        "PubMed-not-MEDLINE": "PubMed",
        "Publisher": "PubMed - as supplied by publisher",
    }
    return words.get(status, f"PubMed - {status.lower()}")


def _identifiers(record):
    pairs = [("pubmed", record["pmid"]), ("doi", record.get("doi")), ("pmc", record.get("pmcid"))]
    return [(kind, value) for kind, value in pairs if value]


def _history(record):
    created = record["entry_date"]
    entered = record.get("pubmed_date") or created
    return [
        (kind, f"{day.replace('-', '/')} 00:00") for kind, day in (("pubmed", entered), ("entrez", created))
    ]


def _location(record):
    return f"doi: {record['doi']}" if record.get("doi") else ""
