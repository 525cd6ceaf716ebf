"""Where the sheet of an included record lies, and how it is made for those who extract."""

import logging

from livingreview import tables
from livingreview.screening import decisions as ledger
from livingreview.trials import data_dictionary, double_extraction, notices, sheets
from livingreview.trials.inclusion import not_carried

log = logging.getLogger(__name__)

SHEETS = "data/trials/sheets"  # from the review's folder


def waiting(records, reports, decisions, found_notices, *, run, stages):
    """Included records that no study carries and that no notice has taken out.

    Parameters
    ----------
    records : DataFrame
        results/<run>/records.csv.
    reports, decisions : DataFrame
        data/trials/reports.csv, data/decisions/screening.csv.
    found_notices : DataFrame
        results/<run>/notices.csv.
    run : str
        A month YYYY-MM.
    stages : list of str
        The protocol's stages.

    Returns
    -------
    list of str
        Record ids, in the order of the records.
    """
    under = ledger.under_kept(decisions, ledger.kept_ids(records), run=run)
    state = ledger.statuses(list(records["record_id"]), under, run=run, stages=stages)
    return waiting_by(state, records, reports, found_notices, run=run)


def waiting_by(state, records, reports, found_notices, *, run):
    """As `waiting`, by what `decisions.statuses` gives."""
    record_ids = not_carried(state, ledger.under_kept(reports, ledger.kept_ids(records)), run=run)
    withdrawn = notices.excluded_records(found_notices)
    return [record_id for record_id in record_ids if record_id not in withdrawn]


def folder_of(record_id, kept, *, sheets_dir):
    """Where a record's sheet lies: one that was begun under the id of a duplicate stays where it is.

    Parameters
    ----------
    record_id : str
    kept : dict
        From `decisions.kept_ids`.
    sheets_dir : Path
        data/trials/sheets.

    Returns
    -------
    Path
    """
    ids = [record_id, *sorted(one for one, held in kept.items() if held == record_id)]
    folders = [sheets_dir / sheets.folder_name(one) for one in ids]
    found = next((folder for folder in folders if folder.exists()), folders[0])
    # Two ids that differ in odd characters alone have one name; the second must not lose its sheet.
    made_for = sheets.record_id(found) if (found / "record_id.txt").is_file() else record_id
    return found if made_for in ids else found.with_name(sheets.folder_name(record_id, apart=True))


def write(folder, record, *, study_id, registry, outcomes, other_outcomes, timepoint, extractors, run):
    """Make the sheet of a record, or one for each of two extractors; what exists stays.

    Parameters
    ----------
    folder : Path
        From `folder_of`.
    record : dict
        Its row of the records.
    study_id : str
        From `sheets.suggest_study_id`.
    registry : DataFrame
        From `instruments.read`.
    outcomes, other_outcomes : sequence of str
        The protocol's.
    timepoint, run : str
    extractors : dict
        From `double_extraction.extractors`.
    """
    # Loading the library takes longer than all else here, and most runs make no sheet.
    from livingreview.trials import workbook  # noqa: PLC0415

    if (folder / "study.csv").exists():
        return
    study, rows = sheets.prefill(record, study_id=study_id, outcomes=outcomes, timepoint=timepoint, run=run)
    places = {name: folder / own for name, own in extractors.items()}
    if not set(double_extraction.folders(folder)) <= set(places.values()):
        log.warning("%s is extracted by others than config.yaml names, and stays as it is", folder)
        return
    for name, place in (places or {None: folder}).items():
        if (place / "study.csv").exists():
            continue
        own = rows.assign(extractor=name)
        made = workbook.make(
            record["record_id"],
            sheets.with_ready(study),
            own,
            registry=registry,
            protocol=[*outcomes, *other_outcomes],
            meanings=data_dictionary.of_sheet(),
        )
        tables.write_text(f"{record['record_id']}\n", folder / "record_id.txt")
        sheets.write(place, record["record_id"], study, own, workbook=made)
        log.info("new sheet to fill in: %s", place)


def state_of(folder, *, registry=None):
    """How far the sheet, or the two sheets, of a record are; see `sheets.state`."""
    if double_extraction.folders(folder):
        return double_extraction.state(folder, registry=registry)
    return sheets.state(folder, registry=registry)
