"""Rank the records that wait for a decision."""

import functools
import logging

import pandas as pd

from livingreview import tables
from livingreview.screening import decisions as ledger
from livingreview.screening import filing, statement, stopping, suspicious, training
from livingreview.screening import queue as screening_queue

log = logging.getLogger(__name__)


def main(job):
    """Write the queue, its appendix of surprising old decisions, and how it was ranked."""
    params = job.params
    protocol = screening_queue.protocol_text(params.question, params.eligibility)
    records = tables.read_results(job.input.records)
    ranking = params.ranking
    decisions = ledger.under_kept(
        tables.read(job.input.decisions, "screening"), ledger.kept_ids(records), run=params.run
    )
    tested = tables.read_json(job.input.backtest)
    queue, about = screening_queue.build(
        records,
        decisions,
        run=params.run,
        stages=params.stages,
        ranking=ranking,
        protocol=protocol,
        chosen={label: one["choice"]["chosen"] for label, one in tested.items()},
    )
    main_label = training.labels_of(params.ranking["learn_from"], params.stages)[0]
    about["stopping"] = _stopping(about, params.run, ranking)
    about["statement"] = statement.write(_facts(about, tested[main_label], decisions, params, main_label))
    log.info("%d records wait for a decision; ordered by %s", len(queue), about["method"])
    predictions = tables.read_results(job.input.predictions)
    doubts = suspicious.suspicious(
        predictions[predictions["label"] == main_label].reset_index(drop=True),
        dict(zip(records["record_id"], records["title"], strict=True)),
        decisions,
        run=params.run,
        n=ranking["suspicious_labels"],
    )
    tables.write(doubts, job.output.suspicious)
    tables.write_json(about, job.output.ranking)
    refuse = functools.partial(filing.refuse_unfiled, job.output.queue, job.input.decisions, run=params.run)
    filing.write(queue, job.output.queue, refuse)


def _stopping(about, run, ranking):
    """The bounds for this month and over all months, None where records were not ranked by decisions."""
    if about["audit"] is None:
        return None
    target, confidence = about["target_recall"], ranking["confidence"]
    this = next((row for row in about["audit"] if row["month"] == run), None)
    counts = None if this is None else {name: value for name, value in this.items() if name != "month"}
    over_all = pd.DataFrame(about["audit"], columns=["month", *stopping.COUNTS])
    return {
        "month": counts and stopping.month(**counts, target=target, confidence=confidence),
        "cumulative": stopping.cumulative(over_all, confidence=confidence),
    }


def _facts(about, tested, decisions, params, label):
    learnt_from = about["training"][label]
    known = ledger.said_by(decisions, params.run)["run"]
    return {
        "run": params.run,
        "tool": {"name": "living-review", "version": params.version},
        "stages": params.stages,
        "reviewers": {"independent": params.independent},
        "model": about["model"],
        "cold_start": None if about["model"] else about["explanation"],
        "training": {**learnt_from, "first_run": known.min(), "last_run": known.max()}
        if len(known)
        else None,
        "learn_from": about["learn_from"],
        "target_recall": about["target_recall"],
        "backtest": tested["summary"],
        "choice": tested["choice"],
        "warnings": tested["warnings"],
        "audit": about["stopping"] and about["stopping"]["cumulative"],
        "queue": {
            "n": about["n_queue"],
            "no_abstract": about["n_no_abstract"],
            "not_english": about["n_not_english"],
        },
        "interests": params.interests,
    }


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
