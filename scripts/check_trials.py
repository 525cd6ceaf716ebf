"""Look for values in the trials that could be true and probably are not; people's notes clear them."""

import logging

from livingreview import tables
from livingreview.pooling.expected import predict
from livingreview.trials import clearances, effects, instruments, plausibility
from livingreview.trials.revisions import rows_at

log = logging.getLogger(__name__)


def main(job):
    """Run every check over the rows in force, apply the clearances, write the findings."""
    run = job.params.run
    outcomes = rows_at(tables.read(job.input.outcomes, "outcomes"), run, ["row_id"])
    studies = rows_at(tables.read(job.input.studies, "studies"), run, ["study_id"])
    registry = instruments.lookup(instruments.read(run=run))
    found = plausibility.find(
        outcomes,
        studies,
        registry,
        effects=effects.compute(outcomes, studies, set(), protocol=[], file=str(job.input.outcomes)),
        predict=predict,
        printed=plausibility.printed_cells(job.input.outcomes, run=run),
    )
    known = set(tables.read(job.input.outcomes, "outcomes")["row_id"])
    cleared = clearances.read(run=run, row_ids=known)
    table = clearances.apply(found, outcomes, cleared)
    counts = table["severity"].value_counts()
    log.info("findings: %s", ", ".join(f"{counts.get(s, 0)} {s}" for s in ("error", "warning", "note")))
    if job.params.uncleared == "stop":
        clearances.refuse_open_errors(table, outcomes_file=str(job.input.outcomes))
    tables.write(table, job.output.findings)


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
