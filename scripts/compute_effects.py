"""Turn what trials print into standardised mean differences, and say which of them are pooled."""

import logging

from livingreview import tables
from livingreview.trials import notices
from livingreview.trials.effects import compute, options
from livingreview.trials.inclusion import entered
from livingreview.trials.revisions import rows_at

log = logging.getLogger(__name__)


def main(job):
    """Read the trials as known at this run and the included studies, write effects.csv.

    ``job.input``: studies, outcomes, included, notices; ``job.output``: effects;
    ``job.params``: run, outcomes, analysis, subgroups (the last three as in the config).
    """
    params = job.params
    outcomes = tables.read(job.input.outcomes, "outcomes")
    included = tables.read_results(job.input.included)
    noticed = tables.read_results(job.input.notices)
    effects = compute(
        rows_at(outcomes, params.run, ["row_id"]),
        rows_at(tables.read(job.input.studies, "studies"), params.run, ["study_id"]),
        set(included["study_id"].dropna()) | notices.excluded_studies(noticed),
        protocol=list(params.outcomes),
        subgroups=params.subgroups,
        **options(params.analysis),
    )
    effects["entered"] = entered(effects, outcomes, included)
    effects = notices.mark(effects, noticed)
    tables.write(effects, job.output.effects)
    log.info(
        "%d effects, %d in the pool, %d out of it because of a notice, %d more in the sensitivity analysis",
        len(effects),
        effects["in_pool"].sum(),
        effects["withdrawn"].sum(),
        (effects["in_sensitivity"] & ~effects["in_pool"].astype(bool)).sum(),
    )


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
