"""Link included records to studies."""

import logging

from livingreview import tables
from livingreview.screening import decisions as ledger
from livingreview.trials import notices
from livingreview.trials.inclusion import included_studies

log = logging.getLogger(__name__)


def main(job):
    """Write the studies that people have included and no notice takes out, with their records."""
    records = tables.read_results(job.input.records)
    kept = ledger.kept_ids(records)
    decisions = tables.read(job.input.decisions, "screening")
    ledger.check(
        decisions[decisions["run"] <= job.params.run],
        known=set(records["record_id"]),
        path=job.input.decisions,
    )
    included = included_studies(
        tables.read(job.input.studies, "studies"),
        ledger.under_kept(tables.read(job.input.reports, "reports"), kept),
        ledger.under_kept(decisions, kept, run=job.params.run),
        run=job.params.run,
        stages=job.params.stages,
        known=set(records["record_id"]),
    )
    out = notices.excluded_studies(tables.read_results(job.input.notices))
    taken = included["study_id"].isin(out)
    log.info("%d studies are included, %d more are out because of a notice", (~taken).sum(), taken.sum())
    tables.write(included[~taken], job.output.included)


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
