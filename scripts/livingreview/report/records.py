"""The records: flow diagram, waiting records and how they were ranked."""

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


def _doi_of(record_id):
    return record_id.removeprefix("doi:") if record_id.startswith("doi:") else None
