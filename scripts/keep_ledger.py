"""Keep the ledger: where every record, report and study stands in every version."""

import logging

from livingreview import tables
from livingreview.living import ledger, releases
from livingreview.search.records import PUBMED

log = logging.getLogger(__name__)


def main(job):
    """Write the ledger of all versions up to a run.

    ``job.input``: records, imports, notices (results of this run), decisions, reports, pairs (people's
    tables), releases (a list of files); ``job.output``: ledger; ``job.params``: run, stages.
    """
    run = job.params.run
    versions = ledger.versions(releases.read(job.input.releases), run)
    pairs = tables.read(job.input.pairs, "pairs")
    kept = ledger.build(
        tables.read_results(job.input.records),
        tables.read(job.input.decisions, "screening"),
        tables.read(job.input.reports, "reports"),
        versions=versions,
        stages=job.params.stages,
        databases={PUBMED, *_searched(tables.read_json(job.input.imports))},
        pairs=pairs[pairs["run"] <= run],
        notices=tables.read_results(job.input.notices),
    )
    ledger.check(kept, versions)
    log.info("%d states in %d versions", len(kept), len(versions))
    tables.write(kept, job.output.ledger)


def _searched(imported):
    """Databases of which an import states the strategy; anything else came by other ways."""
    return {source["database"] for source in imported if source["strategy"]}


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
