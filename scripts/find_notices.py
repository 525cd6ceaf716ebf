"""Find retractions, concerns and errata of the reports of included studies, and what follows from them."""

import logging

from livingreview import tables
from livingreview.screening import decisions as ledger
from livingreview.trials import notices

log = logging.getLogger(__name__)


def main(job):
    """Write the notices on reports, and what each does to its study.

    ``job.input``: records, events (results), decisions, reports (people's tables); ``job.output``: notices;
    ``job.params``: run, stages.
    """
    run = job.params.run
    records = tables.read_results(job.input.records)
    kept = ledger.kept_ids(records)
    found = notices.find(
        records,
        tables.read_results(job.input.events),
        ledger.under_kept(tables.read(job.input.decisions, "screening"), kept, run=run),
        ledger.under_kept(tables.read(job.input.reports, "reports"), kept),
        run=run,
        stages=job.params.stages,
    )
    for row in found.itertuples():
        log.info("record %s, study %s: %s, %s", row.record_id, row.study_id or "none", row.kind, row.effect)
    log.info(
        "%d notices on reports, %d studies out of all analyses",
        len(found),
        len(notices.excluded_studies(found)),
    )
    tables.write(found, job.output.notices)


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
