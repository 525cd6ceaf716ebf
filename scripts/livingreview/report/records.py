"""The records: flow diagram, waiting records and how they were ranked; the search that found them."""

from livingreview.report import changes, flow, links, prose
from livingreview.report.prose import count, number

QUEUE_SHOWN = 25  # waiting records printed in the report; all of them are in queue.csv
STATES = {"new": "new this month", "undecided": "undecided", "awaiting": "awaiting classification"}


def records(context):
    """Flow diagram, ranking and waiting records."""
    decisions = context["decisions"]
    queue = context["queue"]
    sums = prose.spelled_plural(len(context["flow"]["checks"]), "sum")
    ranking = context["ranking"]
    shown = [
        {
            "title": row["title"] or "(no title)",
            "link": links.web_link(row["link"])
            or links.pubmed_link(row["pmid"])
            or links.doi_link(_doi_of(row["record_id"])),
            "authors": prose.first_author(row["authors"]),
            "journal": " ".join(part for part in (row["journal"], row["year"]) if part),
            "state": STATES.get(row["state"], row["state"]),
            "stage": row["stage"]
            .replace("title-abstract", "title and abstract")
            .replace("full-text", "full text"),
            "since": prose.month(row["first_run"]) if row["first_run"] else "",
            "since_sort": row["first_run"] or "",
            "score": number(row["score"]),
            "score_sort": -1 if prose.missing(row["score"]) else row["score"],
            "band": row["band"] or "",
            "terms": (row["terms"] or "").replace("(-", f"({prose.MINUS}"),
        }
        for row in queue[:QUEUE_SHOWN]
    ]
    return {
        "n_decisions": count(len(decisions)),
        "n_reviewers": prose.spelled_plural(len({row["reviewer"] for row in decisions}), "reader"),
        "release": changes.compared_with(context),
        "other": bool(context["flow"]["other"]["identified"]),
        "boxes": flow.boxes(
            context["flow"], context["config"]["screening"]["reasons"], release=changes.compared_with(context)
        ),
        "checks": [
            {"identity": row["identity"], "n": count(row["left"])} for row in context["flow"]["checks"]
        ],
        "checked": f"{prose.sentence(sums)} over these counts checked when this page was built; all hold.",
        "queue": shown,
        "n_queue": count(len(queue)),
        "n_shown": count(len(shown)),
        "all_shown": len(shown) == len(queue),
        "queue_file": f"results/{context['run']}/queue.csv",
        "ranking": {
            "method": ranking["method"],
            "explanation": ranking["explanation"],
            "quality": _quality(ranking["quality"]),
            "bands": [{"label": band, "n": count(n)} for band, n in sorted(ranking["bands"].items())],
        },
    }


def _quality(quality):
    if not quality:
        return ""
    return (
        f"On this review’s own past decisions, each scored by a model that had not seen it: area under the"
        f" ROC curve {number(quality['roc_auc'])}, average precision {number(quality['average_precision'])}."
    )


def search(context):
    """The search of this run, and all runs so far."""
    runs = sorted(context["provenances"], key=lambda row: row["run"])
    latest = {row["run"]: row for row in runs}[context["run"]]
    return {
        "corpus": _corpus(context["records"]),
        "query": latest["query"],
        "protocol_differs": latest["query"].split() != context["config"]["search"]["query"].split(),
        "translation": latest["query_translation"],
        "count": count(latest["count"]),
        "n_known": count(latest["n_known"]),
        "n_new": count(latest["n_new"]),
        "n_fetched": count(latest["n_fetched"]),
        "not_returned": count(len(latest["not_returned"])),
        "warnings": prose.grouped(latest["warnings"]),
        "searched": prose.day(latest["searched_at"]),
        "searched_at": latest["searched_at"],
        "base_url": latest["base_url"],
        "sandbox": latest["base_url"] == "sandbox",
        "runs": [
            {
                "run": prose.month(row["run"]),
                "run_sort": row["run"],
                "searched": prose.day(row["searched_at"]),
                "count": count(row["count"]),
                "n_new": count(row["n_new"]),
                "not_returned": count(len(row["not_returned"])),
                "answered_by": "sandbox" if row["base_url"] == "sandbox" else "PubMed",
                "warnings": "; ".join(prose.grouped(row["warnings"])),
                "query_changed": before is not None and row["query"] != before["query"],
            }
            for before, row in zip([None, *runs], runs, strict=False)
        ],
    }


def _corpus(rows):
    kept = [row for row in rows if not row["duplicate_of"]]
    other = sum(1 for row in kept if row["source"] != "PubMed")
    text = f"All searches and imports together hold {prose.plural(len(kept), 'record')}"
    if len(kept) < len(rows):
        text += f" after {prose.plural(len(rows) - len(kept), 'duplicate')}"
    return f"{text}; {count(other)} of them from other sources than PubMed."


def _doi_of(record_id):
    return record_id.removeprefix("doi:") if record_id.startswith("doi:") else None
