"""A folder of trials with one study, and sheets of made-up trials beside it."""

import csv
from pathlib import Path

import pytest

from livingreview.trials import sheets

RECORD = {
    "record_id": "201",
    "pmid": "201",
    "doi": "10.1000/sample",
    "title": "Online treatment of sample pain",
    "authors": "Sample AB; Other C",
    "journal": "Sample J",
    "year": "2021",
    "registry_ids": "NCT00000201",
}
OUTCOMES = ["pain_intensity", "depression"]
STUDY = {
    "population": "adult",
    "condition": "back",
    "comparator_class": "waitlist",
    "intervention_class": "cbt",
    "guided": "yes",
}
MEANS = {
    "higher_is": "worse",
    "mean_1": "4.0",
    "sd_1": "2.0",
    "n_1": "40",
    "mean_2": "5.0",
    "sd_2": "2.5",
    "n_2": "38",
    "effect_type": "means",
    "source": "Sample 2021",
    "table_or_figure": "table 2",
}


@pytest.fixture
def trials(tmp_path, example_table):
    """data/trials with the study example_2020, its report 101 and one outcome row."""
    folder = tmp_path / "data" / "trials"
    for name in ("studies", "reports", "outcomes"):
        example_table(name, {}, path=folder / f"{name}.csv")
    (folder / "sheets").mkdir()
    return folder


@pytest.fixture
def sheet(trials):
    """Writes a prefilled sheet for a record and returns its folder."""

    def make(study_id="sample_2021", **changes):
        record = RECORD | changes
        tables_of = sheets.prefill(
            record, study_id=study_id, outcomes=OUTCOMES, timepoint="post", run="2020-02"
        )
        folder = trials / "sheets" / sheets.folder_name(record["record_id"])
        sheets.write(folder, record["record_id"], *tables_of)
        return folder

    return make


def _type(path: Path, row, cells):
    """Type cells into one row of a CSV file, as a person would in a spreadsheet."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows[row] |= cells
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def fill():
    """Fills in a sheet: the study's cells, and the cells of its first outcome row (pain intensity)."""

    def run(folder, study=(), outcome=()):
        _type(folder / "study.csv", 0, STUDY | dict(study))
        _type(folder / "outcomes.csv", 0, MEANS | dict(outcome))
        return folder

    return run
