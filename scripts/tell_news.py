"""Tell what is new in a run, and in every run before it: for the page, and as plain text."""

import logging

from livingreview import tables
from livingreview.living import history, versions
from livingreview.report import digest, monthly, prose, queue_page
from livingreview.screening import decisions as ledger
from livingreview.trials import notices as cascade
from livingreview.trials.labels import labels
from livingreview.trials.revisions import rows_at

log = logging.getLogger(__name__)

SHOWN = 10  # records that wait, in the digest
UNMOVED = ("none", prose.NOT_ESTIMATED)
TOLD = (
    "included",
    "retracted",
    "restored",
    "concerns",
    "errata",
    "corrected",
    "moved",
    "method",
    "fired",
    "release",
)


def main(job):
    """Write what is new as JSON and as text, and the queue as a table to read.

    ``job.input``: status, changes, triggers (JSON), queue, records, events, notices, included (results),
    decisions, reports, studies, outcomes (people's tables), provenances, releases (lists of JSON files);
    ``job.output``: news, digest, queue_page; ``job.params``: run, stages, title, outcomes (as in the config),
    own (names of independent reviewers' files).
    """
    params = job.params
    run = params.run
    records = tables.read_results(job.input.records)
    kept = ledger.kept_ids(records)
    noticed = tables.read_results(job.input.notices)
    releases = [tables.read_json(path) for path in job.input.releases]
    outcomes = tables.read(job.input.outcomes, "outcomes")
    rows = history.runs(
        records,
        decisions=_up_to(
            ledger.under_kept(tables.read(job.input.decisions, "screening"), kept, run=run), run
        ),
        reports=_up_to(ledger.under_kept(tables.read(job.input.reports, "reports"), kept), run),
        outcomes=_up_to(outcomes, run),
        notices=noticed,
        events=tables.read_results(job.input.events),
        provenances=[tables.read_json(path) for path in job.input.provenances],
        releases=versions.own(versions.known_before(releases, run)),
        stages=params.stages,
    )
    studies = rows_at(tables.read(job.input.studies, "studies"), run, ["study_id"])
    named = dict(zip(studies["study_id"], labels(studies), strict=True))
    included = tables.read_results(job.input.included)
    changes = tables.read_json(job.input.changes)
    status = tables.read_json(job.input.status)
    told = {
        "run": run,
        "status": status,
        "included": [named[one] for one in included.loc[included["since_run"] == run, "study_id"]],
        "retracted": [named[one] for one in cascade.newly_out(noticed, run)],
        "restored": rows[0]["n_restored"],
        "concerns": [named[one] for one in cascade.newly_flagged(noticed, run, cascade.CONCERN)],
        "errata": [named[one] for one in cascade.newly_flagged(noticed, run, cascade.CORRECTED)],
        "corrected": [named[one] for one in history.corrected(outcomes, rows) if one in named],
        "moved": _moved(changes, params.outcomes),
        "method": any(
            part["cause"] == "method"
            for found in changes["outcomes"].values()
            for part in found.get("causes", [])
        ),
        "fired": _fired(tables.read_json(job.input.triggers), params.outcomes),
        "release": changes["release"] and changes["release"]["version"],
    }
    news = {
        "run": run,
        "kind": monthly.kind(told),
        "statement": monthly.statement(told),
        **{key: told[key] for key in TOLD},
        "waiting": [{"text": _waiting(row)} for row in status["waiting"][:SHOWN]],
        "waiting_more": max(len(status["waiting"]) - SHOWN, 0),
        "runs": rows,
    }
    tables.write_json(news, job.output.news)
    tables.write_text(digest.digest(news, title=params.title), job.output.digest)
    queue = tables.plain_rows(tables.read(job.input.queue, "queue"))
    page = queue_page.page(queue, status["waiting"], run=run, title=params.title, own=params.own)
    tables.write_text(page, job.output.queue_page)
    log.info("%s: %s", news["kind"], " ".join(news["statement"]))


def _up_to(frame, run):
    return frame[frame["run"] <= run]


def _moved(changes, outcomes):
    """The outcomes whose estimate is not that of the release, with both, as the page prints them."""
    return [
        {"label": declared["short"], "before": _estimate(found["before"]), "after": _estimate(found["after"])}
        for name, declared in outcomes.items()
        if (found := changes["outcomes"].get(name)) and prose.difference(found) not in UNMOVED
    ]


def _estimate(state):
    known = state is not None and not prose.missing(state["estimate"])
    return prose.number(state["estimate"]) if known else "none"


def _fired(told, outcomes):
    """The triggers that fired, by outcome in the protocol's order, those of the review last."""
    order = [*outcomes, None]
    return [
        {
            "name": row["name"],
            "outcome": row["outcome"],
            "label": outcomes[row["outcome"]]["short"] if row["outcome"] else None,
            "sentence": row["sentence"],
        }
        for row in sorted(told["triggers"], key=lambda row: order.index(row["outcome"]))
        if row["state"] == "fired"
    ]


def _waiting(row):
    return f"{row['title']} ({row['record_id']}); {queue_page.state(row, row)}; {queue_page.since(row)}"


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
