"""Prefill an extraction sheet for each included record that no study carries yet."""

import logging
from pathlib import Path

import pandas as pd

from livingreview import tables
from livingreview.screening import decisions as ledger
from livingreview.trials import sheets
from livingreview.trials.inclusion import awaiting_extraction

log = logging.getLogger(__name__)

SHEETS = Path("data/trials/sheets")


def main(job):
    """Write the missing sheets, and the list of all that wait to be filled in."""
    records = tables.read_results(job.input.records).set_index("record_id", drop=False)
    kept = ledger.kept_ids(records)
    record_ids = awaiting_extraction(
        list(records["record_id"]),
        ledger.under_kept(tables.read(job.input.reports, "reports"), kept),
        ledger.under_kept(tables.read(job.input.decisions, "screening"), kept, run=job.params.run),
        run=job.params.run,
        stages=job.params.stages,
    )
    taken = set(tables.read(job.input.studies, "studies")["study_id"])
    rows = []
    for record_id in record_ids:
        record = records.loc[record_id].to_dict()
        study_id = sheets.suggest_study_id(record, taken)
        taken.add(study_id)
        folder = _folder(record_id, kept)
        prefilled = sheets.prefill(
            record,
            study_id=study_id,
            outcomes=job.params.outcomes,
            timepoint=job.params.timepoint,
            run=job.params.run,
        )
        if sheets.write(folder, record_id, *prefilled):
            log.info("new sheet to fill in: %s", folder)
        rows.append((record_id, record["title"], str(folder)))
    log.info("%d included records wait for extraction", len(rows))
    tables.write(pd.DataFrame(rows, columns=["record_id", "title", "sheet"]), job.output.extraction)


def _folder(record_id, kept):
    """Where a record's sheet lies: one that was begun under the id of a duplicate stays where it is."""
    ids = [record_id, *sorted(one for one, held in kept.items() if held == record_id)]
    folders = [SHEETS / sheets.folder_name(one) for one in ids]
    return next((folder for folder in folders if folder.exists()), folders[0])


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
