"""Fold the snapshots of all runs and the records from other sources into one table."""

import logging
from pathlib import Path

from livingreview import tables
from livingreview.search import records, snapshot

log = logging.getLogger(__name__)


def main(job):
    """Write the records known at a run.

    Input: snapshots, a list of provenance files; other_sources, a table.
    Output: records, the table ``results/<run>/records.csv``.
    """
    snapshots = [snapshot.read(Path(path).parent) for path in job.input.snapshots]
    others = tables.read(job.input.other_sources, "other_sources")
    frame = records.fold(snapshots, others)
    from_pubmed = frame["source"] == "PubMed"
    log.info(
        "%d records: %d from PubMed in %d searches, %d from elsewhere, of which %d duplicates",
        len(frame),
        from_pubmed.sum(),
        len(snapshots),
        (~from_pubmed).sum(),
        (frame["duplicate_of"] != "").sum(),
    )
    _report_unreturned(snapshots, set(frame["pmid"]))
    tables.write(frame, job.output.records)


def _report_unreturned(snapshots, held):
    found = {pmid for one in snapshots for pmid in one.pmids}
    for pmid in sorted(found - held, key=int):
        log.warning("PMID %s was found and never returned by PubMed; it is not in the table", pmid)


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
