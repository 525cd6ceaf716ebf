"""Prefill an extraction sheet for each included record that no study carries yet."""

import logging
from pathlib import Path

import pandas as pd

from livingreview import tables
from livingreview.screening import decisions as ledger
from livingreview.trials import data_dictionary, double_extraction, instruments, notices, sheets, workbook
from livingreview.trials.inclusion import awaiting_extraction

log = logging.getLogger(__name__)

SHEETS = Path("data/trials/sheets")


def main(job):
    """Write the missing sheets, and the list of all that wait to be filled in, with how far each is."""
    records = tables.read_results(job.input.records).set_index("record_id", drop=False)
    kept = ledger.kept_ids(records)
    record_ids = awaiting_extraction(
        list(records["record_id"]),
        ledger.under_kept(tables.read(job.input.reports, "reports"), kept),
        ledger.under_kept(tables.read(job.input.decisions, "screening"), kept, run=job.params.run),
        run=job.params.run,
        stages=job.params.stages,
    )
    withdrawn = notices.excluded_records(tables.read_results(job.input.notices))
    record_ids = [record_id for record_id in record_ids if record_id not in withdrawn]
    taken = set(tables.read(job.input.studies, "studies")["study_id"])
    registry = instruments.read(run=job.params.run)
    rows = []
    for record_id in record_ids:
        record = records.loc[record_id].to_dict()
        study_id = sheets.suggest_study_id(record, taken)
        taken.add(study_id)
        folder = _folder(record_id, kept)
        _write(folder, record, study_id, registry, job.params)
        state, note = _state(folder, instruments.lookup(registry))
        if state != sheets.EMPTY:
            log.info("sheet %s: %s%s", folder, state, f"; {note}" if note else "")
        rows.append((record_id, record["title"], str(folder), state, note))
    log.info("%d included records wait for extraction", len(rows))
    columns = ["record_id", "title", "sheet", "state", "note"]
    tables.write(pd.DataFrame(rows, columns=columns), job.output.extraction)


def _write(folder, record, study_id, registry, params):
    """The sheet of a record, or one for each of two extractors; what exists stays, however many there are."""
    if (folder / "study.csv").exists():
        return
    study, outcomes = sheets.prefill(
        record, study_id=study_id, outcomes=params.outcomes, timepoint=params.timepoint, run=params.run
    )
    places = {name: folder / own for name, own in params.extractors.items()}
    if not set(double_extraction.folders(folder)) <= set(places.values()):
        log.warning("%s is extracted by others than config.yaml names, and stays as it is", folder)
        return
    for name, place in (places or {None: folder}).items():
        own = outcomes.assign(extractor=name)
        made = workbook.make(
            record["record_id"],
            sheets.with_ready(study),
            own,
            registry=registry,
            protocol=[*params.outcomes, *params.other_outcomes],
            meanings=data_dictionary.of_sheet(),
        )
        if not (place / "study.csv").exists():
            tables.write_text(f"{record['record_id']}\n", folder / "record_id.txt")
            sheets.write(place, record["record_id"], study, own, workbook=made)
            log.info("new sheet to fill in: %s", place)


def _state(folder, registry):
    if double_extraction.folders(folder):
        return double_extraction.state(folder, registry=registry)
    return sheets.state(folder, registry=registry)


def _folder(record_id, kept):
    """Where a record's sheet lies: one that was begun under the id of a duplicate stays where it is."""
    ids = [record_id, *sorted(one for one, held in kept.items() if held == record_id)]
    folders = [SHEETS / sheets.folder_name(one) for one in ids]
    found = next((folder for folder in folders if folder.exists()), folders[0])
    # Two ids that differ in odd characters alone have one name; the second must not lose its sheet.
    made_for = sheets.record_id(found) if (found / "record_id.txt").is_file() else record_id
    return found if made_for in ids else found.with_name(sheets.folder_name(record_id, apart=True))


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
