"""Fold the snapshots of all runs and the records from other databases into one table."""

import logging
from pathlib import Path

import pandas as pd

from livingreview import tables
from livingreview.screening import decisions as ledger
from livingreview.search import events, imports, records, snapshot
from livingreview.search.linkage import duplicates

log = logging.getLogger(__name__)


def main(job):
    """Write the records known at a run, what changed in them, and where they came from.

    Input: snapshots, a list of provenance files; pairs, people's verdicts on pairs of records; decisions,
    since records that people decided on differently are not merged by any rule.
    Params: run, searches (the directory of all runs' searches).
    Output: records and events, tables; imports, what each imported file is (JSON).
    """
    snapshots = [snapshot.read(Path(path).parent) for path in job.input.snapshots]
    imported = imports.read_runs(job.params.searches, up_to=job.params.run)
    verdicts = tables.read(job.input.pairs, "pairs")
    verdicts = verdicts[verdicts["run"] <= job.params.run].to_dict("records")
    decided = ledger.in_force(tables.read(job.input.decisions, "screening"), job.params.run)
    found = {}

    def duplicate_of(rows):
        found["duplicates"] = duplicates.find(rows, verdicts, decided=decided)
        return found["duplicates"].duplicate_of

    frame, folded = records.fold(
        snapshots,
        _articles(snapshots),
        imported,
        duplicate_of=duplicate_of,
    )
    from_pubmed = frame["source"] == records.PUBMED
    log.info(
        "%d records: %d from PubMed in %d searches, %d from elsewhere, of which %d duplicates;"
        " %d pairs are uncertain",
        len(frame),
        from_pubmed.sum(),
        len(snapshots),
        (~from_pubmed).sum(),
        (frame["duplicate_of"] != "").sum(),
        len(found["duplicates"].uncertain),
    )
    log.info("%d imported records were known from another source or month", folded.n_same)
    for remark in [*(remark for one in imported for remark in one.remarks), *folded.remarks]:
        log.warning("import: %s", remark)
    for one in snapshots:
        if one.provenance["absent"]:
            log.warning("run %s: PubMed never returned PMID %s", one.run, ", ".join(one.provenance["absent"]))
    tables.write(frame, job.output.records)
    tables.write(_events(snapshots), job.output.events)
    tables.write_json(
        [{"run": one.run, **source} for one in imported for source in one.sources], job.output.imports
    )


def _articles(snapshots):
    by_run = {one.run: one for one in snapshots}
    for run, wanted in records.latest_files(snapshots).items():
        yield from snapshot.read_articles(by_run[run], wanted)


def _events(snapshots):
    rows = [{"run": one.run, **event} for one in snapshots for event in one.events]
    rows.sort(key=lambda row: row["run"])
    return pd.DataFrame(rows, columns=["run", *events.EVENT_COLUMNS], dtype=object)


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
