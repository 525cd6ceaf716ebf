"""The status of the review at a run: what was found, what waits for people, what the evidence rests on."""

from livingreview.screening import decisions as ledger


def describe(records, statuses, queue, included, effects, *, run, provenance, living, extraction):
    """The facts of the status block.

    Parameters
    ----------
    records, statuses, queue, included, effects : DataFrame
        Results of this run.
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
        Counts and lists; written as status.json.
    """
    kept = records["duplicate_of"].isna()
    new = records[(records["first_run"] == run) & kept]
    decided = statuses[(statuses["since_run"] == run)]
    titles = records.set_index("record_id")["title"]
    since = statuses.set_index("record_id")["since_run"]
    waiting = [
        {
            "record_id": row.record_id,
            "title": titles[row.record_id],
            "stage": row.stage,
            "state": row.state,
            "since_run": since[row.record_id] or row.first_run,
        }
        for row in queue.itertuples()
    ]
    included_ids = set("; ".join(included["record_ids"]).split("; ")) - {""}
    in_search = set(records.loc[(records["source"] == "PubMed") & (records["last_run"] == run), "record_id"])
    from_pubmed = {record_id for record_id in included_ids if record_id.isdigit()}
    in_pool = effects[effects["in_pool"]]
    return {
        "run": run,
        "searched_at": provenance["searched_at"],
        "sandbox": provenance["base_url"] == "sandbox",
        "living_mode": living["mode"],
        "next_run": next_run(run, living["search_every_months"]) if living["mode"] == "active" else None,
        "n_matched": provenance["count"],
        "n_new_records": int((new["source"] == "PubMed").sum()),
        "n_new_other": int((new["source"] != "PubMed").sum()),
        "n_decided_this_run": len(decided),
        "n_included_this_run": int((decided["status"] == ledger.INCLUDED).sum()),
        "n_queue": len(queue),
        "n_awaiting": int((queue["state"] == "awaiting").sum()),
        "oldest_waiting_since": min((row["since_run"] for row in waiting), default=None),
        "waiting": waiting,
        "awaiting_extraction": extraction,
        "studies_included": len(included),
        "studies_in_any_pool": int(in_pool["study"].nunique()),
        "included_not_found_by_search": sorted(from_pubmed - in_search),
        "included_from_other_sources": len(included_ids - from_pubmed),
        "rows_extracted": len(effects),
        "rows_in_pools": len(in_pool),
    }


def next_run(run, months):
    """The month in which the next search is due.

    >>> next_run("2026-11", 2)
    '2027-01'
    """
    year, month = map(int, run.split("-"))
    later = year * 12 + month - 1 + months
    return f"{later // 12}-{later % 12 + 1:02d}"
