"""The search, as a librarian would sign it: what was asked, that the answer is complete, and what changed.

The items are those of PRISMA-S (Rethlefsen ML et al. Syst Rev 2021;10:39) that a program can fill in:
databases (1), strategies as run (8), limits (9), filters (10), updates (12), dates (13), counts (15) and
deduplication (16).
"""

import re
from collections import Counter

from livingreview.report import links, prose
from livingreview.report.prose import count
from livingreview.screening.decisions import INCLUDED
from livingreview.search.events import (
    ALERTS,
    FIRST_SEARCH,
    HELD_BACK,
    NEWLY_ENTERED,
    NEWLY_MATCHING,
    QUERY_CHANGED,
)
from livingreview.search.query import fields, remarks
from livingreview.search.query.syntax import Join, QueryError, Range, parse, terms, translate
from livingreview.search.records import GONE, PUBMED
from livingreview.trials import notices as cascade

PAIRS_SHOWN = 10  # uncertain pairs printed in the report; all of them are in pairs.csv
EVENTS_SHOWN = 25  # changes printed in the report; all of them are in record_events.csv
# Fields that limit a search by something other than its subject.
LIMITING = ("Language", "Publication Type", "Filter")
# How the types of links end (NLM, CommentsCorrectionsList) that stand on a notice and point to its subject.
ON_NOTICES_THEMSELVES = ("Of", "For", "On", "From")
ARRIVALS = {
    FIRST_SEARCH: "found by the first search",
    NEWLY_ENTERED: "entered PubMed since the last search",
    NEWLY_MATCHING: "were in PubMed already and match the query only now",
    QUERY_CHANGED: "were in PubMed already and are found because the query changed",
    HELD_BACK: "were listed before and are delivered only now",
}
EVENT_WORDS = {
    "retraction": "has been retracted",
    "retraction removed": "is no longer marked as retracted",
    "notice of retraction removed": "has one notice of retraction fewer",
    "expression of concern": "has an expression of concern",
    "expression of concern removed": "no longer has its expression of concern",
    "erratum": "has a published erratum",
    "erratum removed": "no longer has an erratum",
    "update": "has an update",
    "update removed": "no longer has an update",
    "comment": "has been commented on",
    "comment removed": "no longer has a comment",
    "disappeared": "is no longer in PubMed; the copy kept here stays",
    "merged": "is no longer in PubMed; another record carries its DOI",
    "returned": "is in PubMed again",
    "no longer found": "is no longer found by the query; it stays in the review",
    "found again": "is found by the query again",
}


def search(context):
    """Everything that the section shows, for this run and all runs so far."""
    runs = sorted(context["provenances"], key=lambda row: row["run"])
    position = [row["run"] for row in runs].index(context["run"])
    latest, before = runs[position], runs[position - 1] if position else None
    return {
        "sandbox": latest["base_url"] == "sandbox",
        "items": _items(context, latest),
        "proof": _proof(latest),
        "complete": _complete(latest),
        "arrivals": _arrivals(latest),
        "window": _window(latest),
        "sentinels": _sentinels(context["status"]["sentinels"]),
        "changed": _changed(context, latest),
        "query": latest["query"],
        "protocol_differs": latest["query"].split() != context["config"]["search"]["query"].split(),
        "dropped": latest["dropped"],
        "in_vain": latest["acknowledged_in_vain"],
        "messages": _messages(latest),
        "not_held": _not_held(latest),
        "imported": _imported(context["status"]["n_new_other"]),
        "remarks": _remarks(latest["query"]),
        "translation": latest["query_translation"],
        "translation_change": translation_change(latest, before),
        "sources": _sources(context["imports"]),
        "pairs": _pairs(context),
        "refetched": [_refetched(row) for row in context["refetched"]],
        "runs": [_run(row) for row in runs],
    }


def _source(row):
    """Who answered a search: in a word, and in full."""
    base_url = row["base_url"]
    if base_url == "sandbox":
        return "sandbox", "the bundled sandbox, a stand-in for PubMed"
    if base_url == "bulk":
        return "PubMed’s files", "PubMed’s baseline and update files, searched offline"
    return "PubMed", f"PubMed, through NCBI’s E-utilities ({base_url})"


def _items(context, latest):
    """Label and text of what a report of a search has to name."""
    kept = [row for row in context["records"] if not row["duplicate_of"]]
    duplicates = len(context["records"]) - len(kept)
    other = sum(1 for row in kept if row["source"] != PUBMED)
    after = f" after {prose.plural(duplicates, 'duplicate')}" if duplicates else ""
    months = context["config"]["living"]["search_every_months"]
    often = "every month" if months == 1 else f"every {prose.spelled(months)} months"
    return [
        ("Database", _source(latest)[1]),
        ("Date of this search", f"{prose.day(latest['searched_at'])} ({latest['searched_at']})"),
        ("Limits", _limits(latest["query"])),
        (
            "Updates",
            f"The whole query is run again {often}; what is new is the difference between the lists of PMIDs."
            f" {_compared(latest)}",
        ),
        (
            "Records in all",
            f"{prose.plural(len(kept), 'record')} from all searches and imports{after},"
            f" {count(other)} of them from other sources than PubMed.",
        ),
        (
            "Deduplication",
            "PubMed’s records by PMID; records from other sources by PMID, DOI, and title with year and"
            f" authors. {_uncertain(context['pairs'])}",
        ),
    ]


def _compared(latest):
    if latest["base_url"] == "bulk":
        return "Known records are compared as far as the files hold them and they match the query."
    return "Every known record is fetched again and compared."


def _uncertain(pairs):
    waiting = [row for row in pairs if row["kind"] == "duplicate"]
    if not waiting:
        return "No pair is uncertain."
    n = prose.spelled_plural(len(waiting), "uncertain pair")
    return f"{prose.sentence(n)} wait{'s' if len(waiting) == 1 else ''} for a person; none was merged."


def _limits(query):
    """Parts of the query that limit it by something other than its subject, as written by the service."""
    try:
        tree = parse(query).tree
    except QueryError:
        return "The query could not be read."
    found = [f"{sign}{translate(part)}" for sign, part in _conditions(tree) if _is_limit(part)]
    if not found:
        return "None: neither by date nor by language, publication type or filter."
    return f"{prose.sentence(prose.plural(len(found), 'limit'))} in the query: {'; '.join(found)}."


def _remarks(query):
    try:
        return remarks(query)
    except QueryError:  # a query of an earlier month, sent when less was known of what PubMed reads
        return []


def _conditions(tree):
    """The parts of a query that every record must fulfil, each with "", or must not, each with "NOT "."""
    if not isinstance(tree, Join) or tree.operator == "OR":
        return [("", tree)]
    if tree.operator == "AND":
        return [condition for part in tree.parts for condition in _conditions(part)]
    first, *others = tree.parts
    return _conditions(first) + [("NOT ", one) for part in others for one in _alternatives(part)]


def _alternatives(tree):
    if isinstance(tree, Join) and tree.operator == "OR":
        return [one for part in tree.parts for one in _alternatives(part)]
    return [tree]


def _is_limit(part):
    return all(
        isinstance(term, Range) or term.name in LIMITING or term.name in fields.DATES for term in terms(part)
    )


def _complete(latest):
    parts = len(latest["parts"])
    text = (
        f"The service announced {prose.plural(latest['count'], 'record')} and listed"
        f" {count(latest['n_listed'])} in {prose.spelled_plural(parts, 'part')};"
        f" {count(latest['n_fetched'])} were delivered"
    )
    if latest["absent"]:
        n = prose.spelled_plural(len(latest["absent"]), "record")
        return f"{text}, and {n} that it lists it does not hold (asked for twice, and looked up)."
    return f"{text}, none is missing."


def _proof(latest):
    """The sums that had to hold before anything was saved: label, number."""
    known = latest["known"]
    rows = [
        ("Announced by the service", latest["count"]),
        ("Listed, each PMID once", latest["n_listed"]),
        ("Delivered whole", latest["n_fetched"]),
        ("Listed and not held by the service", len(latest["absent"])),
        ("Known before, of all searches", known["records"]),
        ("of these unchanged", known["unchanged"]),
        ("of these changed", known["changed"]),
        ("of these gone from PubMed", known["gone"]),
        ("of these not asked for", known["not_asked"]),
        ("Known before and not found by this search", known["not_found"]),
    ]
    return [{"label": label, "n": count(n)} for label, n in rows]


def _arrivals(latest):
    return [
        {"label": text, "n": count(latest["arrivals"][name])}
        for name, text in ARRIVALS.items()
        if latest["arrivals"].get(name)
    ]


def _messages(row):
    """What the service remarked, but for the note that a list ends at its window: the parts prove more."""
    return [text for text in row["messages"] if not text.startswith("Restrictions achieved")]


def _not_held(latest):
    """A sentence on new records that the service lists and does not hold."""
    absent = len(latest["absent"])
    if not absent:
        return ""
    n = prose.sentence(prose.spelled_plural(absent, "record is", "records are"))
    return f"{n} listed and not held by the service; the next search asks again."


def _imported(n):
    if not n:
        return ""
    return f"{prose.sentence(prose.spelled_plural(n, 'record'))} came from other sources this month."


def _window(latest):
    """What a search limited to the days since the last one would have missed, in one sentence."""
    missed = latest["missed_by_date_window"]
    if missed["since"] is None:
        return ""
    since = prose.day(missed["since"])
    if not latest["n_new"]:
        return ""
    if not (missed["entry_date"] or missed["create_date"]):
        return f"A search limited to records entered since {since} would have found the same new records."
    return (
        f"A search limited to the dates since {since} would have missed"
        f" {_how_many(missed['entry_date'])} of them by PubMed’s entry date and"
        f" {_how_many(missed['create_date'])} by its create date."
    )


def _how_many(n):
    return prose.spelled(n) if n else "none"


def _sentinels(sentinels):
    n, missing = sentinels["n"], sentinels["missing"]
    without = sentinels["without_pmid"]
    rest = (
        f" {prose.sentence(prose.spelled_plural(without, 'included record'))} came from other sources and"
        f" {'has' if without == 1 else 'have'} no PMID, so the search cannot be held against"
        f" {'it' if without == 1 else 'them'}."
        if without
        else ""
    )
    # A record that PubMed has no more is no fault of the query.
    mend = "; it may need mending" if any(row["reason"] != GONE for row in missing) else ""
    if not n:
        text = "No included study has a record in PubMed, so there is nothing to test the search with."
    elif n == 1:
        found = f"is not found by the query{mend}" if missing else "is found by the query"
        text = f"The one included record that has a PMID {found}."
    elif not missing:
        text = f"All {count(n)} included records that have a PMID are found by the query."
    else:
        text = (
            f"{prose.sentence(prose.spelled(len(missing)))} of {count(n)} included records that have a PMID"
            f" {'is' if len(missing) == 1 else 'are'} not found by the query{mend}."
        )
    return {
        "text": text + rest,
        "missing": [
            {
                "pmid": row["pmid"],
                "link": links.pubmed_link(row["pmid"]),
                "title": row["title"],
                "reason": row["reason"],
            }
            for row in missing
        ],
    }


def _changed(context, latest):
    """Changes of known records that this run saw; those that need a person first."""
    titles = {row["record_id"]: row["title"] for row in context["records"]}
    alerts = {(row["record_id"], row["event"]): row["status"] for row in context["status"]["alerts"]}
    out = {
        row["record_id"]
        for row in context["status"]["notices_on_included"]
        if row["effect"] == cascade.EXCLUDED
    }
    events = [row for row in context["events"] if row["run"] == latest["run"]]
    order = {name: position for position, name in enumerate(ALERTS)}
    events.sort(
        key=lambda row: (
            (row["pmid"], row["event"]) not in alerts,
            order.get(row["event"], len(order)),
            int(row["pmid"]),
        )
    )
    kinds = Counter(row["event"] for row in events)
    return {
        "n": prose.sentence(prose.spelled_plural(len(events), "change was", "changes were")),
        "kinds": [{"label": name, "n": count(n)} for name, n in kinds.most_common()],
        "first": latest["missed_by_date_window"]["since"] is None,
        "unchanged": _unchanged(latest["known"]["unchanged"], any_changed=bool(events)),
        "shown": [
            {
                "pmid": row["pmid"],
                "link": links.pubmed_link(row["pmid"]),
                "title": titles.get(row["pmid"]) or "(no title)",
                "text": event_words(row),
                "other": row["other_pmid"],
                "other_link": links.pubmed_link(row["other_pmid"]),
                "status": _standing(row, alerts, out),
                "revised": prose.day(row["date_revised"]) if row["date_revised"] else "",
                "revised_sort": row["date_revised"] or "",
            }
            for row in events[:EVENTS_SHOWN]
        ],
        "all_shown": len(events) <= EVENTS_SHOWN,
        "file": f"results/{latest['run']}/record_events.csv",
    }


def _unchanged(n, *, any_changed):
    """How many known records say what they said before, as a sentence; empty where there is none."""
    if not n:
        return ""
    if n == 1:
        return "One known record says what it said before."
    if any_changed:
        return f"{count(n)} known records say what they said before."
    return f"None of the {count(n)} known records says anything else than before."


def _standing(event, alerts, out):
    """Where a changed record stands, if it needs a person; what a retraction took out is included no more."""
    status = alerts.get((event["pmid"], event["event"]), "")
    return "excluded now, was included" if status == INCLUDED and event["pmid"] in out else status


def event_words(event):
    """A change in words, neutral in tone."""
    name = event["event"]
    if name in EVENT_WORDS:
        return EVENT_WORDS[name]
    if not name.startswith("notice "):
        return name
    link = name.removeprefix("notice ")
    removed = link.endswith(" removed")
    link = link.removesuffix(" removed")
    if link.endswith(ON_NOTICES_THEMSELVES):
        state = "is no longer" if removed else "is itself"
        return f"{state} a notice about another record ({link})"
    return f"{'no longer has a' if removed else 'has a new'} link to another record ({link})"


def translation_change(latest, before):
    """How the service understood the query, beside the run before it.

    Returns
    -------
    dict or None
        ``text``, and the search terms ``gone`` and ``came``; None for a first run.
    """
    if before is None:
        return None
    new, old = latest["query_translation"], before["query_translation"]
    month = prose.month(before["run"])
    if new == old:
        return {"text": f"The same as in {month}.", "gone": [], "came": []}
    now, then = _translated_terms(new), _translated_terms(old)
    gone = [term for term in then if term not in now]
    came = [term for term in now if term not in then]
    why = " The query has changed too." if latest["query_changed"] else " The query is the same."
    if not (gone or came):
        return {
            "text": f"The same terms as in {month}, in another order or grouping.{why}",
            "gone": [],
            "came": [],
        }
    return {"text": f"It differs from {month}.{why}", "gone": gone, "came": came}


def _translated_terms(text):
    """Search terms of a QueryTranslation with their fields, each once, in order."""
    return list(dict.fromkeys(re.findall(r'(?:"[^"]*"|[^\s()"]+)\[[^\]]*\]', text)))


def _sources(imports):
    return [
        {
            "run": prose.month(row["run"]),
            "run_sort": row["run"],
            "database": row["database"],
            "platform": row["platform"] or "",
            "searched": prose.day(row["searched_on"]) if row["searched_on"] else "not stated",
            "searched_sort": row["searched_on"] or "",
            "strategy": row["strategy"] or "not stated",
            "limits": row["limits"] or "not stated",
            "n": count(row["n_read"]),
            "repeated": count(row["n_repeated"]),
            "file": row["file"],
            "sha256": row["sha256"][:12],
            "note": row["note"] or "",
        }
        for row in imports
    ]


def _pairs(context):
    """Pairs of records that may be one record or one trial, those that most look like it first."""
    pairs, groups = context["pairs"], {row["group_id"] for row in context["companions"]}
    reports = prose.plural(len(context["companions"]), "report")
    return {
        "groups": f"{reports} are known to belong together, by registration number, PubMed’s links or a"
        f" person’s verdict ({prose.plural(len(groups), 'trial')})."
        if groups
        else "No two reports are known to belong to one trial.",
        "n": prose.sentence(
            prose.spelled_plural(len(pairs), "pair looks alike and waits", "pairs look alike and wait")
        ),
        "shown": [
            {
                "kind": "one record?" if row["kind"] == "duplicate" else "one trial?",
                "evidence": row["evidence"],
                "records": [
                    {
                        "title": row[f"title_{side}"] or "(no title)",
                        "id": row[f"record_{side}"],
                        "about": " ".join(filter(None, (row[f"journal_{side}"], row[f"year_{side}"]))),
                    }
                    for side in "ab"
                ],
            }
            for row in pairs[:PAIRS_SHOWN]
        ],
        "all_shown": len(pairs) <= PAIRS_SHOWN,
        "file": f"results/{context['run']}/pairs.csv",
    }


def _refetched(row):
    """A sentence on records that were fetched again because they are kept on another machine."""
    were = "was" if row["n_records"] == 1 else "were"
    text = (
        f"The records of {prose.month(row['run'])} are kept on another machine;"
        f" {prose.plural(row['n_records'], 'record')} {were} fetched again by PMID."
    )
    if row["changed"]:
        text += f" Changed since then: PMID {', '.join(row['changed'])}; their present state is used here."
    if row["uncomparable"]:
        n = prose.plural(len(row["uncomparable"]), "record")
        text += f" {n} cannot be compared, as another version of this program took them."
    if row["absent"]:
        text += f" No longer to be had: PMID {', '.join(row['absent'])}."
    return text


def _run(row):
    arrivals = row["arrivals"]
    notes = ["query changed"] if row["query_changed"] else []
    notes += [f"left out of the query: {', '.join(row['dropped'])}"] if row["dropped"] else []
    notes += _messages(row)
    return {
        "run": prose.month(row["run"]),
        "run_sort": row["run"],
        "searched": prose.day(row["searched_at"]),
        "answered_by": _source(row)[0],
        "count": count(row["count"]),
        "fetched": count(row["n_fetched"]),
        "absent": count(len(row["absent"])),
        "n_new": count(row["n_new"]),
        "late": count(arrivals.get(NEWLY_MATCHING, 0)),
        "changed": count(row["known"]["changed"]),
        "gone": count(row["known"]["gone"]),
        "notes": "; ".join(notes),
    }
