"""Count the flow of records and studies, and describe the status of the review."""

import logging

from livingreview import tables
from livingreview.living import flow, releases, status
from livingreview.screening import decisions as ledger
from livingreview.search.records import PUBMED

log = logging.getLogger(__name__)


def main(job):
    """Write the flow diagram's numbers and the status."""
    run = job.params.run
    records = tables.read_results(job.input.records)
    kept = ledger.kept_ids(records)
    decisions = ledger.under_kept(tables.read(job.input.decisions, "screening"), kept, run=run)
    asked = {"run": run, "stages": job.params.stages}
    statuses = ledger.statuses(records["record_id"], decisions, **asked)
    included = tables.read_results(job.input.included)
    release = releases.last_before(releases.read(job.input.releases), run)
    counted = flow.count(
        records,
        statuses,
        included,
        release=release and release | {"included": _released(release, kept)},
        codes=job.params.reasons,
        databases={PUBMED, *_searched(tables.read_json(job.input.imports))},
    )
    described = status.describe(
        records,
        statuses,
        tables.read(job.input.queue, "queue"),
        included,
        tables.read_results(job.input.effects),
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
    tables.write_json(counted, job.output.flow)
    tables.write_json(described, job.output.status)


def _searched(imported):
    """Databases of which an import states the strategy; anything else came by other ways."""
    return {source["database"] for source in imported if source["strategy"]}


def _released(release, kept):
    """The studies of a release, under the records that are kept today."""
    included = releases.table(release, "included")
    ids = [sorted({kept.get(one, one) for one in ids.split("; ")}) for ids in included["record_ids"]]
    return included.assign(record_ids=["; ".join(one) for one in ids])


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
