"""Prefill an extraction sheet for each included record that no study carries yet."""

import logging
from pathlib import Path

import pandas as pd

from livingreview import tables
from livingreview.screening import decisions as ledger
from livingreview.trials import instruments, prefilling, sheets

log = logging.getLogger(__name__)

SHEETS = Path(prefilling.SHEETS)


def main(job):
    """Write the missing sheets, and the list of all that wait to be filled in, with how far each is."""
    params = job.params
    records = tables.read_results(job.input.records).set_index("record_id", drop=False)
    kept = ledger.kept_ids(records)
    record_ids = prefilling.waiting(
        records,
        tables.read(job.input.reports, "reports"),
        tables.read(job.input.decisions, "screening"),
        tables.read_results(job.input.notices),
        run=params.run,
        stages=params.stages,
    )
    taken = set(tables.read(job.input.studies, "studies")["study_id"])
    registry = instruments.read(run=params.run)
    rows = []
    for record_id in record_ids:
        record = records.loc[record_id].to_dict()
        study_id = sheets.suggest_study_id(record, taken)
        taken.add(study_id)
        folder = prefilling.folder_of(record_id, kept, sheets_dir=SHEETS)
        prefilling.write(
            folder,
            record,
            study_id=study_id,
            registry=registry,
            outcomes=params.outcomes,
            other_outcomes=params.other_outcomes,
            timepoint=params.timepoint,
            extractors=params.extractors,
            run=params.run,
        )
        state, note = prefilling.state_of(folder, registry=instruments.lookup(registry))
        if state != sheets.EMPTY:
            log.info("sheet %s: %s%s", folder, state, f"; {note}" if note else "")
        rows.append((record_id, record["title"], str(folder), state, note))
    log.info("%d included records wait for extraction", len(rows))
    columns = ["record_id", "title", "sheet", "state", "note"]
    tables.write(pd.DataFrame(rows, columns=columns), job.output.extraction)


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
