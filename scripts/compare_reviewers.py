"""Ask each independent reviewer, list their conflicts, and measure how far they agree."""

import functools
import logging

from livingreview import tables
from livingreview.screening import agreement, filing
from livingreview.screening import decisions as ledger

log = logging.getLogger(__name__)


def main(job):
    """Write a queue for each of several independent reviewers, the conflicts, and the agreement.

    Params: own, from `filing.own_queues`, empty where a reviewer decides alone.
    Output: queues, a list of files in the order of own; conflicts, a table; agreement, JSON.
    """
    run, own = job.params.run, job.params.own
    queue = tables.read(job.input.queue, "queue")
    kept = ledger.kept_ids(tables.read_results(job.input.records))
    decisions = ledger.under_kept(tables.read(job.input.decisions, "screening"), kept, run=run)
    conflicts = agreement.conflicts(queue, decisions, run=run, names=list(own))
    measured = agreement.measure(decisions, run=run, stages=job.params.stages, names=list(own))
    if own:
        log.info(
            "%d conflicts wait for an adjudicator. %s",
            len(conflicts),
            measured["cumulative"][agreement.TOTAL]["sentence"],
        )
    for path, name in zip(job.output.queues, own, strict=True):
        _write(filing.own_queue(queue, decisions, run=run, name=name, names=list(own)), path, job)
    _write(conflicts, job.output.conflicts, job)
    tables.write_json(measured, job.output.agreement)


def _write(frame, path, job):
    refuse = functools.partial(
        filing.refuse_unfiled, path, job.input.decisions, own=job.params.own, run=job.params.run
    )
    filing.write(frame, path, refuse)


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
