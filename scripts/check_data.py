"""Check every table that people edit before anything is built from it.

Snakemake removes a job's old output before the job runs. A fault found here, in a job of its own, leaves the
results of the last good run as they were.
"""

import logging

from livingreview import kept_rows, tables
from livingreview.errors import InputError
from livingreview.screening import decisions as ledger
from livingreview.search import imports
from livingreview.trials import effects
from livingreview.trials.checks import unknown_outcomes
from livingreview.trials.inclusion import check_links
from livingreview.trials.revisions import rows_at

log = logging.getLogger(__name__)


def main(job):
    """Read each table against its schema, and the extracted values as they will be used; write row counts."""
    read = {
        schema: tables.read(getattr(job.input, schema), schema)
        for schema in ("screening", "studies", "reports", "outcomes", "pairs")
    }
    ledger.check(
        read["screening"],
        reasons=job.params.reasons,
        run=job.params.run,
        stages=job.params.stages,
        path=job.input.screening,
    )
    check_links(read["reports"], set(read["studies"]["study_id"]))
    unknown = unknown_outcomes(read["outcomes"], job.params.outcomes)
    if unknown:
        raise InputError(job.input.outcomes, problems=unknown)
    effects.compute(
        rows_at(read["outcomes"], job.params.run, ["row_id"]),
        rows_at(read["studies"], job.params.run, ["study_id"]),
        set(),
        protocol=[],
        file=str(job.input.outcomes),
    )
    imported = imports.read_runs(job.params.searches, up_to=job.params.run)
    # For the next start, which stops where one of them is gone (kept_rows.refuse_missing).
    for schema in read:
        kept_rows.see(job.params.kept, schema, getattr(job.input, schema))
    counts = {str(getattr(job.input, schema)): len(frame) for schema, frame in read.items()}
    counts |= {f"{one.run}/imports": len(one.rows) for one in imported}
    log.info("checked %d rows in %d tables", sum(counts.values()), len(counts))
    tables.write_json(counts, job.output.checked)


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
