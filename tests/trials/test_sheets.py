"""Extraction sheets: what stands in them before anybody types, and what is read from them after."""

import pandas as pd
import pytest

from livingreview import tables
from livingreview.errors import InputError
from livingreview.trials import sheets


@pytest.mark.parametrize(
    ("record", "taken", "study_id"),
    [
        ({"authors": "Sample AB; Other C", "year": "2021"}, [], "sample_2021"),
        ({"authors": "Sample AB", "year": "2021"}, ["sample_2021"], "sample_2021_b"),
        ({"authors": "Sample AB", "year": "2021"}, ["sample_2021", "sample_2021_b"], "sample_2021_c"),
        ({"authors": "Sample AB", "year": None}, [], "sample"),
        ({"authors": "Müller-Sämple Ø", "year": "2021"}, [], "muller_sample_2021"),
        ({"authors": "de la Sample J", "year": "2021"}, [], "de_la_sample_2021"),
        ({"authors": "Example Pain Group", "year": "2021"}, [], "example_pain_group_2021"),
        ({"authors": None, "title": "Online treatment", "year": "2021"}, [], "online_2021"),
        ({"authors": "", "title": None, "year": None}, [], "study"),
        ({"authors": "样本 AB", "year": "2021"}, [], "study_2021"),
    ],
)
def test_the_suggested_study_id_is_author_and_year_and_not_taken(record, taken, study_id):
    assert sheets.suggest_study_id(record, set(taken)) == study_id


def test_every_suggested_id_fits_the_tables(example_table):
    for authors in ("O'Sample AB", "Sample-Jones C", "SAMPLE", "1st Sample"):
        study_id = sheets.suggest_study_id({"authors": authors, "year": "2021"}, set())
        tables.read(example_table("studies", {"study_id": study_id}), "studies")


def test_a_thirtieth_study_of_one_author_and_year_still_gets_an_id():
    taken = set()
    for _ in range(30):
        taken.add(sheets.suggest_study_id({"authors": "Sample AB", "year": "2021"}, taken))
    assert len(taken) == 30


@pytest.mark.parametrize(
    ("record_id", "folder"),
    [("201", "201"), ("doi:10.1000/a(b)", "doi_10.1000_a_b_"), ("other:example-1", "other_example-1")],
)
def test_folders_have_names_that_every_file_system_takes(record_id, folder):
    assert sheets.folder_name(record_id) == folder


def test_a_sheet_holds_what_the_record_says_and_one_row_per_outcome(sheet):
    folder = sheet()
    study = tables.read_results(folder / "study.csv").loc[0].to_dict()
    assert {name: value for name, value in study.items() if pd.notna(value)} == {
        "study_id": "sample_2021",
        "first_author": "Sample",
        "year": "2021",
        "title": "Online treatment of sample pain",
        "journal": "Sample J",
        "doi": "10.1000/sample",
        "pmid": "201",
        "registry_ids": "NCT00000201",
        "source": "PubMed 201",
        "run": "2020-02",
        "revision": 1,
    }
    outcomes = tables.read_results(folder / "outcomes.csv")
    assert outcomes["row_id"].tolist() == ["sample_2021.pain_intensity.1", "sample_2021.depression.1"]
    assert set(outcomes["status"]) == {"ok"}
    assert list(outcomes.columns) == tables.columns("outcomes")
    assert (folder / "record_id.txt").read_text() == "201\n"


@pytest.mark.parametrize(
    ("ids", "source"),
    [
        ({"pmid": None}, "doi 10.1000/sample"),
        ({"pmid": None, "doi": None}, None),
    ],
)
def test_the_source_falls_back_to_the_doi_and_then_to_nothing(sheet, ids, source):
    study = tables.read_results(sheet(record_id="other:sample", **ids) / "study.csv")
    assert study.at[0, "source"] == source


def test_a_sheet_that_exists_is_never_overwritten(sheet, fill):
    folder = fill(sheet())
    typed = {path.name: path.read_bytes() for path in folder.iterdir()}
    sheet(title="Another title")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == typed


def test_a_sheet_that_a_crash_cut_short_is_written_again(sheet):
    folder = sheet()
    whole = (folder / "study.csv").read_bytes()
    (folder / "study.csv").unlink()
    sheet()
    assert (folder / "study.csv").read_bytes() == whole


def test_a_fresh_sheet_is_untouched_and_a_typed_number_touches_it(sheet, fill):
    folder = sheet()
    assert sheets.is_untouched(folder)
    assert not sheets.is_untouched(fill(folder))


def test_a_sheet_with_only_a_reason_for_setting_aside_counts_as_filled_in(sheet, fill):
    empty = dict.fromkeys(["mean_1", "sd_1", "n_1", "mean_2", "sd_2", "n_2", "source"], "")
    folder = fill(sheet(), outcome=empty | {"set_aside_reason": "not printed"})
    assert not sheets.is_untouched(folder)


def test_rows_without_any_number_are_named_as_not_reported(sheet, fill):
    study, outcomes, not_reported = sheets.read(fill(sheet()))
    assert study["study_id"].tolist() == ["sample_2021"]
    assert outcomes["row_id"].tolist() == ["sample_2021.pain_intensity.1"]
    assert outcomes.at[0, "mean_2"] == 5.0
    assert not_reported == ["depression"]


def test_a_second_row_of_one_outcome_may_be_added(sheet, fill):
    folder = fill(sheet())
    lines = (folder / "outcomes.csv").read_text().splitlines()
    lines.append(lines[1].replace("pain_intensity.1", "pain_intensity.2"))
    (folder / "outcomes.csv").write_text("\n".join(lines) + "\n")
    assert sheets.read(folder)[1]["row_id"].tolist() == [
        "sample_2021.pain_intensity.1",
        "sample_2021.pain_intensity.2",
    ]


def test_an_id_changed_in_one_of_the_two_tables_alone_is_refused(sheet, fill):
    folder = fill(sheet(), study={"study_id": "sample_2021_act"})
    with pytest.raises(InputError) as caught:
        sheets.read(folder)
    assert str(caught.value) == (
        f"{folder}/outcomes.csv: column study_id: rows of another study than the sheet's; found 'sample_2021'; "
        "allowed: sample_2021_act"
    )


def test_two_studies_in_a_sheet_are_refused(sheet, fill):
    folder = fill(sheet())
    header, row = (folder / "study.csv").read_text().splitlines()
    (folder / "study.csv").write_text(f"{header}\n{row}\n{row.replace('sample_2021', 'sample_2022')}\n")
    with pytest.raises(InputError, match=r"study\.csv: 2 studies; allowed: one study in a sheet"):
        sheets.read(folder)


def test_what_is_missing_in_the_study_is_named(sheet, fill):
    folder = fill(sheet(), study={"population": "", "guided": "maybe"})
    with pytest.raises(InputError) as caught:
        sheets.read(folder)
    assert str(caught.value).splitlines()[1:] == [
        "  - row 2, column population: empty; allowed: adult, youth, mixed, unknown",
        "  - row 2, column guided: found 'maybe'; allowed: yes, no, unknown",
    ]
