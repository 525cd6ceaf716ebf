"""Count the flow of records and studies from the ledger."""

import logging
from pathlib import Path

from livingreview import tables
from livingreview.living import flow, ledger, releases

log = logging.getLogger(__name__)


def main(job):
    """Write the numbers of the flow diagrams, and the sums that they keep.

    ``job.input``: ledger, records, included, extraction (results of this run), releases (a list of files);
    ``job.output``: flow; ``job.params``: run, reasons (the protocol's codes).
    """
    run = job.params.run
    published = releases.read(job.input.releases)
    versions = ledger.versions(published, run)
    earlier = {one["version"] for one in versions[:-1]}
    counted = flow.count(
        tables.read_results(job.input.ledger),
        versions=versions,
        codes=job.params.reasons,
        known=len(tables.read_results(job.input.records)),
        included=tables.read_results(job.input.included),
        waiting=set(tables.read_results(job.input.extraction)["record_id"]),
        frozen={one["version"]: _frozen(one) for one in published if one["version"] in earlier},
    )
    log.info("%d studies are included", counted["total"]["studies"])
    for row in counted["restated"]:
        log.warning(
            "version %(version)s printed %(released)s for %(what)s %(id)s; by the tables of today: %(now)s",
            row,
        )
    tables.write_json(counted, job.output.flow)


def _frozen(release):
    """What a release froze of the flow; none of its numbers where an old one has no such file."""
    path = Path(release["path"]) / "flow.json"
    return {
        "included": releases.table(release, "included"),
        "flow": tables.read_json(path) if path.is_file() else None,
    }


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
