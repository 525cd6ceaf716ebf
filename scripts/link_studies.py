"""Link included records to studies."""

import logging

from livingreview import tables
from livingreview.trials.inclusion import included_studies

log = logging.getLogger(__name__)


def main(job):
    """Write the studies that people have included, with their records."""
    records = tables.read_results(job.input.records)
    included = included_studies(
        tables.read(job.input.studies, "studies"),
        tables.read(job.input.reports, "reports"),
        tables.read(job.input.decisions, "screening"),
        run=job.params.run,
        stages=job.params.stages,
        known=set(records["record_id"]),
    )
    log.info("%d studies are included", len(included))
    tables.write(included, job.output.included)


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
