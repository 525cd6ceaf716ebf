"""The status of the review at a run: what was found, what waits for people, what the evidence rests on."""

from livingreview.screening.decisions import (
    ADJUDICATION,
    EXCLUDED_FULL_TEXT,
    EXCLUDED_TITLE_ABSTRACT,
    INCLUDED,
    SECOND_REVIEWER,
    months_between,
)
from livingreview.search.events import ALERTS
from livingreview.search.records import FOUND, PUBMED
from livingreview.trials import notices as cascade
from livingreview.trials.labels import labels

# An abstract that comes late may turn an exclusion that was made without it.
OF_EXCLUDED = ("abstract added",)


def describe(
    records,
    statuses,
    queue,
    included,
    effects,
    *,
    awaiting,
    events,
    notices,
    studies,
    run,
    provenance,
    living,
    extraction,
):
    """The facts of the status block.

    Parameters
    ----------
    records, queue, included, effects, events : DataFrame
        Results of this run; `events` of all runs up to it.
    statuses, awaiting : DataFrame
        Where each record stands, and for how long those await that await classification
        (`decisions.statuses`, `decisions.awaiting`).
    notices : DataFrame
        What PubMed or people say of the reports of studies (``trials.notices.find``).
    studies : DataFrame
        The studies as they stand at this run.
    run : str
        A month YYYY-MM.
    provenance : dict
        Of this run's snapshot.
    living : dict
        The protocol's living mode.
    extraction : list of dict
        Included records that no study carries yet: record_id, title, sheet.

    Returns
    -------
    dict
        Counts and lists; written as status.json. Of each waiting record: since when (a record that awaits
        classification: without a break), its age in months, and for whom it waits, where reviewers have
        spoken and not decided yet; what they said is not told.
    """
    kept = records["duplicate_of"].isna()
    new = records[(records["first_run"] == run) & kept]
    decided = statuses[(statuses["since_run"] == run)]
    titles = records.set_index("record_id")["title"]
    waiting = _waiting(queue, titles, statuses, awaiting, run=run)
    included_ids = set("; ".join(included["record_ids"]).split("; ")) - {""}
    in_pool = effects[effects["in_pool"]]
    return {
        "run": run,
        "searched_at": provenance["searched_at"],
        "sandbox": provenance["base_url"] == "sandbox",
        "living_mode": living["mode"],
        "next_run": next_run(run, living["search_every_months"]) if living["mode"] == "active" else None,
        "n_matched": provenance["count"],
        "n_new_records": int((new["source"] == PUBMED).sum()),
        "n_new_other": int((new["source"] != PUBMED).sum()),
        "n_decided_this_run": len(decided),
        "n_included_this_run": int((decided["status"] == INCLUDED).sum()),
        "n_queue": len(queue),
        "n_awaiting": int((queue["state"] == "awaiting").sum()),
        "n_second_reviewer": sum(row["waits_for"] == SECOND_REVIEWER for row in waiting),
        "n_conflicts": sum(row["waits_for"] == ADJUDICATION for row in waiting),
        "oldest_waiting_since": min((row["since_run"] for row in waiting), default=None),
        "waiting": waiting,
        "awaiting_extraction": extraction,
        "studies_included": len(included),
        "studies_in_any_pool": int(in_pool["study"].nunique()),
        "sentinels": sentinels(records, included_ids),
        "notices_on_included": notices_on_included(notices, titles, statuses, studies),
        "studies_withdrawn": len(cascade.excluded_studies(notices)),
        "alerts": alerts(records, statuses, events, run=run),
        "rows_extracted": len(effects),
        "rows_in_pools": len(in_pool),
    }


def _waiting(queue, titles, statuses, awaiting, *, run):
    """What waits for people, in the order of the queue; a list of dict."""
    standing = statuses.set_index("record_id")
    since = standing["since_run"].to_dict() | awaiting.set_index("record_id")["since_run"].to_dict()
    rows = []
    for row in queue.itertuples():
        began = since.get(row.record_id) or row.first_run
        rows.append(
            {
                "record_id": row.record_id,
                "title": titles[row.record_id],
                "stage": row.stage,
                "state": row.state,
                "since_run": began,
                "months": months_between(began, run),
                "waits_for": standing["waits_for"].get(row.record_id),
            }
        )
    return rows


def sentinels(records, included_ids):
    """Included records with a PMID: does the search still find each of them?

    Parameters
    ----------
    records : DataFrame
        The corpus at this run.
    included_ids : set of str
        Records of included studies.

    Returns
    -------
    dict
        ``n`` sentinels, ``missing`` (record_id, pmid, title, reason of each that the search does not find),
        and ``without_pmid``, the number of included records that cannot be sentinels.
    """
    rows = records[records["record_id"].isin(included_ids)]
    with_pmid = rows[rows["pmid"].notna()]
    missing = [
        {
            "record_id": row.record_id,
            "pmid": row.pmid,
            "title": row.title,
            "reason": row.retrieval if row.source == PUBMED else "never found by the search",
        }
        for row in with_pmid.itertuples()
        if row.retrieval != FOUND
    ]
    return {"n": len(with_pmid), "missing": missing, "without_pmid": len(rows) - len(with_pmid)}


def notices_on_included(notices, titles, statuses, studies):
    """Notices on the reports of studies, and what each does, for readers.

    Parameters
    ----------
    notices, statuses, studies : DataFrame
        As for `describe`.
    titles : Series
        Of the records, by record id.

    Returns
    -------
    list of dict
        record_id, title, study_id, label (of the study, None where a record has none yet), editorial_status
        (its kind), effect, notices, since_run and ``read`` (whether people have the report among the
        included ones); without the other reports of a study that is out.
    """
    status = statuses.set_index("record_id")["status"]
    named = dict(zip(studies["study_id"], labels(studies), strict=True))
    return [
        {
            "record_id": row.record_id,
            "title": titles.get(row.record_id),
            "study_id": row.study_id,
            "label": named.get(row.study_id),
            "editorial_status": row.kind,
            "effect": row.effect,
            "notices": row.notices,
            "since_run": row.since_run,
            "read": status.get(row.record_id) == INCLUDED,
        }
        for row in notices.itertuples()
        if row.kind != cascade.SIBLING
    ]


def alerts(records, statuses, events, *, run):
    """Changes seen in this run that people must look at, of records that are not excluded.

    Returns
    -------
    list of dict
        record_id, title, status, event, date, other_pmid, detail; in the order of `events`.
    """
    status = statuses.set_index("record_id")["status"]
    titles = records.set_index("record_id")["title"]
    excluded = (EXCLUDED_TITLE_ABSTRACT, EXCLUDED_FULL_TEXT)
    found = []
    for row in events[events["run"] == run].itertuples():
        state = status.get(row.pmid)
        wanted = OF_EXCLUDED if state in excluded else ALERTS
        if state is not None and row.event in wanted:
            found.append(
                {
                    "record_id": row.pmid,
                    "title": titles[row.pmid],
                    "status": state,
                    "event": row.event,
                    "date": row.date,
                    "other_pmid": row.other_pmid,
                    "detail": row.detail,
                }
            )
    return found


def next_run(run, months):
    """The month in which the next search is due.

    >>> next_run("2026-11", 2)
    '2027-01'
    """
    year, month = map(int, run.split("-"))
    later = year * 12 + month - 1 + months
    return f"{later // 12}-{later % 12 + 1:02d}"
