"""Fetch the records of a snapshot again whose files the protocol keeps on the machine that took it."""

import logging
from pathlib import Path

from livingreview.search import snapshot
from search_pubmed import connected

log = logging.getLogger(__name__)


def main(job):
    """Write ``<run>/refetched/`` for one earlier run.

    Input: snapshot, the provenance file of the earlier run.
    Params: run (the month being built, whose sandbox answers), search (the protocol's block).
    Output: provenance, the path ``<searches>/<earlier run>/refetched/provenance.json``.
    """
    held = snapshot.read(Path(job.input.snapshot).parent)
    with connected(job.params.run, job.params.search) as client:
        told = snapshot.refetch(held, client)
    log.info("%d records of %s fetched again", told["n_records"] - len(told["absent"]), held.run)
    for what in ("changed", "uncomparable", "absent"):
        if told[what]:
            log.warning("%s since %s: PMID %s", what, held.run, ", ".join(told[what]))


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
