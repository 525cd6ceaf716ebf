"""Rank the records that wait for a decision."""

import logging

from livingreview import tables
from livingreview.screening import decisions as ledger
from livingreview.screening import queue as screening_queue

log = logging.getLogger(__name__)


def main(job):
    """Write the queue and how it was ranked."""
    protocol = " ".join([job.params.question, *job.params.eligibility["include"]])
    records = tables.read_results(job.input.records)
    queue, about = screening_queue.build(
        records,
        ledger.under_kept(
            tables.read(job.input.decisions, "screening"), ledger.kept_ids(records), run=job.params.run
        ),
        run=job.params.run,
        stages=job.params.stages,
        ranking=job.params.ranking,
        protocol=protocol,
    )
    log.info("%d records wait for a decision; ordered by %s", len(queue), about["method"])
    tables.write_json(about, job.output.ranking)
    tables.write(queue, job.output.queue)


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
