"""Describe the status of the review at a run: what was found, what waits for people, what stands."""

import logging

from livingreview import tables
from livingreview.living import status
from livingreview.screening import decisions as ledger
from livingreview.trials.revisions import rows_at

log = logging.getLogger(__name__)


def main(job):
    """Write the status.

    ``job.input``: records, events, notices, queue, included, effects, extraction (results), decisions,
    reports, studies (people's tables), provenance; ``job.output``: status; ``job.params``: run, stages,
    living.
    """
    run = job.params.run
    records = tables.read_results(job.input.records)
    kept = ledger.kept_ids(records)
    decisions = ledger.under_kept(tables.read(job.input.decisions, "screening"), kept, run=run)
    asked = {"run": run, "stages": job.params.stages}
    described = status.describe(
        records,
        ledger.statuses(records["record_id"], decisions, **asked),
        tables.read(job.input.queue, "queue"),
        tables.read_results(job.input.included),
        tables.read_results(job.input.effects),
        notices=tables.read_results(job.input.notices),
        studies=rows_at(tables.read(job.input.studies, "studies"), run, ["study_id"]),
        awaiting=ledger.awaiting(records["record_id"], decisions, **asked),
        events=tables.read_results(job.input.events),
        run=run,
        provenance=tables.read_json(job.input.provenance),
        living=job.params.living,
        extraction=tables.read_results(job.input.extraction).to_dict("records"),
    )
    log.info(
        "%d studies are included, %d in a pool",
        described["studies_included"],
        described["studies_in_any_pool"],
    )
    tables.write_json(described, job.output.status)


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
