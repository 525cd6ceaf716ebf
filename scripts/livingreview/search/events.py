"""What has changed in records that were known before: each change is an event with its date.

Everything here works on the rows that a snapshot keeps of each record (`row`), never on the articles, so that
it works where the articles themselves are not kept.
"""

from livingreview.search import content

# One row per record that was new or changed in a run.
RECORD_COLUMNS = [
    "pmid",
    "state",
    "arrival",
    "entry_date",
    "pubmed_date",
    "date_revised",
    "version",
    "editorial_status",
    "notices",
    "doi",
    "file",
    "content_version",
    "sha256",
    *(f"{name}_digest" for name in content.PARTS),
]
EVENT_COLUMNS = ["pmid", "event", "date", "date_revised", "other_pmid", "detail"]

HELD, GONE = "held", "gone"

# Why a record is in the result for the first time.
FIRST_SEARCH = "first search"
NEWLY_ENTERED = "newly entered"
NEWLY_MATCHING = "newly matching"
QUERY_CHANGED = "query changed"
HELD_BACK = "held back"  # listed by an earlier search, delivered only now

# Events of one record between two months, in the order of their weight.
ON_NOTICES = ("retraction", "expression of concern", "erratum", "update", "comment")
OF_PARTS = {
    "abstract": ("abstract added", "abstract changed", "abstract removed"),
    "mesh": ("MeSH added", "MeSH changed", "MeSH removed"),
    "title": ("title added", "title changed", "title removed"),
    "other_abstracts": ("other abstract added", "other abstract changed", "other abstract removed"),
    "authors": ("authors added", "authors changed", "authors removed"),
    "publication": ("publication details changed",) * 3,
    "identifiers": ("identifiers changed",) * 3,
    "publication_types": ("publication types changed",) * 3,
    "keywords": ("keywords added", "keywords changed", "keywords removed"),
    "registry": ("registry numbers added", "registry numbers changed", "registry numbers removed"),
    "interests": ("statement of interests changed",) * 3,
    "indexing": ("indexing status changed",) * 3,
}
# What people must look at when it happens to a record that the review includes or has not decided on.
ALERTS = (
    "retraction",
    "retraction removed",
    "expression of concern",
    "erratum",
    "update",
    "abstract added",
    "abstract changed",
    "disappeared",
    "merged",
    "no longer found",
)


def row(article, *, arrival):
    """The row that a snapshot keeps of an article; keys are `RECORD_COLUMNS`, values str (version int)."""
    digests = content.digests(article)
    dates = dict(article.history)
    return {
        "pmid": article.pmid,
        "state": HELD,
        "arrival": arrival,
        "entry_date": dates.get("entrez", ""),
        "pubmed_date": dates.get("pubmed", ""),
        "date_revised": article.revised,
        "version": article.version,
        "editorial_status": content.editorial_status(article),
        "notices": content.notices(article),
        "doi": article.doi,
        "file": "",
        "content_version": str(content.VERSION),
        "sha256": digests["sha256"],
        **{f"{name}_digest": digests[name] for name in content.PARTS},
    }


def arrival(article, *, last_search, query_changed):
    """Why an article is found for the first time.

    Parameters
    ----------
    article : livingreview.search.pubmed.articles.Article
    last_search : str or None
        Day of the search before, YYYY-MM-DD; None if there was none.
    query_changed : bool
        Whether the query differs from that of the search before.

    Returns
    -------
    str
        "first search"; "newly entered" where the record came into PubMed (CRDT) on that day or later;
        "query changed"; or "newly matching": it was in PubMed already, under the same query, and matches now.
    """
    if last_search is None:
        return FIRST_SEARCH
    if dict(article.history).get("entrez", "") >= last_search:
        return NEWLY_ENTERED
    return QUERY_CHANGED if query_changed else NEWLY_MATCHING


def between(old, new, *, date):
    """The events that lead from an old row of a record to a new one.

    Parameters
    ----------
    old, new : dict
        Rows as from `row`; `old` may be of a record that had disappeared.
    date : str
        Day of the search that saw it, YYYY-MM-DD.

    Returns
    -------
    list of dict
        Keys `EVENT_COLUMNS`; notices first, then parts in the order of `OF_PARTS`. Digests that another
        version of `content` made say nothing: then there are events of notices alone.
    """
    found = [_event(new, "returned", date)] if old["state"] == GONE else []
    found += _of_notices(old, new, date)
    if old["content_version"] != new["content_version"]:
        return found
    if str(old["version"]) != str(new["version"]):
        found.append(_event(new, "new version", date))
    for part, (added, changed, removed) in OF_PARTS.items():
        before, after = old[f"{part}_digest"], new[f"{part}_digest"]
        if before != after:
            kind = changed if before and after else added if after else removed
            found.append(_event(new, kind, date))
    return found


def disappeared(old, held, *, date):
    """The event of a record that PubMed no longer returns.

    Parameters
    ----------
    old : dict
        Its last row.
    held : dict
        DOI to PMID of records that PubMed still returns.
    date : str
        As for `between`.

    Returns
    -------
    dict
        "merged" with the PMID of the record that carries the same DOI now, or "disappeared".
    """
    other = held.get(old["doi"], "") if old["doi"] else ""
    if other:
        return _event(old, "merged", date, other=other, detail=f"doi {old['doi']}")
    return _event(old, "disappeared", date)


def of_results(before, now, *, date, revised):
    """Events of PMIDs that left the search result, or came back to it.

    Parameters
    ----------
    before : dict of str to bool
        Known PMIDs, and whether the last search found them.
    now : set of str
        PMIDs that this search finds.
    date : str
    revised : dict of str to str
        Their dates of revision.
    """
    events = []
    for pmid, was_found in before.items():
        if was_found != (pmid in now):
            kind = "no longer found" if was_found else "found again"
            events.append(_event({"pmid": pmid, "date_revised": revised.get(pmid, "")}, kind, date))
    return events


def in_order(events):
    """Events sorted by PMID, then as they were found."""
    return sorted(events, key=lambda event: int(event["pmid"]))


def _of_notices(old, new, date):
    before, after = content.split_notices(old["notices"]), content.split_notices(new["notices"])
    found = []
    for ref_type, other in sorted(after - before, key=_weight):
        kind = content.NOTICES_ON_ORIGINALS.get(ref_type, f"notice {ref_type}")
        pmid = other if other.isdigit() else ""
        detail = ref_type if pmid else f"{ref_type}: {other}"
        found.append(_event(new, kind, date, other=pmid, detail=detail))
    retracted = "retracted"
    for ref_type, other in sorted(before - after, key=_weight):
        kind = content.NOTICES_ON_ORIGINALS.get(ref_type, f"notice {ref_type}")
        if kind == "retraction" and new["editorial_status"] == retracted:
            kind = "notice of retraction"  # one of several notices went; the article stays retracted
        pmid = other if other.isdigit() else ""
        found.append(_event(new, f"{kind} removed", date, other=pmid, detail=ref_type))
    told = {event["event"] for event in found}
    if new["editorial_status"] == retracted != old["editorial_status"] and "retraction" not in told:
        found.insert(0, _event(new, "retraction", date, detail="publication type or title"))
    if old["editorial_status"] == retracted != new["editorial_status"] and "retraction removed" not in told:
        found.insert(0, _event(new, "retraction removed", date, detail="publication type or title"))
    return found


def _weight(notice):
    kind = content.NOTICES_ON_ORIGINALS.get(notice[0])
    return (ON_NOTICES.index(kind) if kind else len(ON_NOTICES), notice)


def _event(record, kind, date, *, other="", detail=""):
    return {
        "pmid": record["pmid"],
        "event": kind,
        "date": date,
        "date_revised": record["date_revised"],
        "other_pmid": other,
        "detail": detail,
    }
