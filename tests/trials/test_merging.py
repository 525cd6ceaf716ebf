"""Filled-in sheets enter the trials together or not at all, and a crash can be followed by the same command."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from livingreview import tables
from livingreview.errors import InputError, ReviewError
from livingreview.trials import merging

TABLES = ("studies", "reports", "outcomes")


def contents(trials):
    return {name: (trials / f"{name}.csv").read_bytes() for name in TABLES}


def keys(trials):
    key = {"studies": "study_id", "reports": "record_id", "outcomes": "row_id"}
    return {name: tables.read(trials / f"{name}.csv", name)[key[name]].tolist() for name in TABLES}


def refusal(trials, **options):
    with pytest.raises(ReviewError) as caught:
        merging.merge(trials, run="2020-02", **options)
    return str(caught.value)


MERGED = {
    "studies": ["example_2020", "sample_2021"],
    "reports": ["101", "201"],
    "outcomes": ["example_2020.pain_intensity.1", "sample_2021.pain_intensity.1"],
}


def test_a_filled_in_sheet_becomes_rows_of_three_tables_and_is_archived(trials, sheet, fill):
    folder = fill(sheet())
    before = contents(trials)
    assert merging.merge(trials, run="2020-02") == [
        "201: study sample_2021 with 1 outcome rows merged for run 2020-02; nothing typed for: depression"
    ]
    assert keys(trials) == MERGED
    assert all(after.startswith(before[name]) for name, after in contents(trials).items())
    row = tables.read(trials / "outcomes.csv", "outcomes").iloc[1]
    assert (row["mean_1"], row["n_2"], row["run"], row["revision"]) == (4.0, 38, "2020-02", 1)
    assert tables.read(trials / "reports.csv", "reports").iloc[1].tolist() == [
        "201",
        "sample_2021",
        "2020-02",
        None,
    ]
    assert not folder.exists()
    assert sorted(path.name for path in (trials / "sheets/merged/201").iterdir()) == [
        ".as_made",
        "outcomes.csv",
        "record_id.txt",
        "study.csv",
    ]


def test_rows_count_from_the_run_of_the_merge_not_of_the_sheet(trials, sheet, fill):
    fill(sheet())
    merging.merge(trials, run="2020-05")
    for name in TABLES:
        assert tables.read(trials / f"{name}.csv", name)["run"].tolist() == ["2020-01", "2020-05"]


def test_a_sheet_that_nobody_has_touched_waits(trials, sheet, fill):
    untouched = sheet()
    fill(sheet("third_2022", record_id="301", pmid="301"))
    assert merging.merge(trials, run="2020-02") == [
        "201: not filled in yet",
        "301: study third_2022 with 1 outcome rows merged for run 2020-02; nothing typed for: depression",
    ]
    assert untouched.exists()
    assert merging.pending(trials / "sheets") == [untouched]


def test_without_sheets_nothing_happens(trials):
    before = contents(trials)
    assert merging.merge(trials, run="2020-02") == []
    assert contents(trials) == before


def test_one_sheet_alone_may_be_merged(trials, sheet, fill):
    fill(sheet())
    other = fill(sheet("third_2022", record_id="301", pmid="301"), outcome={"sd_1": "0"})
    merging.merge(trials, run="2020-02", only="201")
    assert keys(trials) == MERGED
    assert other.exists()


def test_a_sheet_that_does_not_exist_is_refused_with_those_that_do(trials, sheet):
    sheet()
    text = refusal(trials, only="999")
    assert text == f"{trials}/sheets: there is no such sheet; found '999'; allowed: 201"


def test_the_faults_of_all_sheets_are_named_and_nothing_is_written(trials, sheet, fill):
    fill(sheet("good_2021", record_id="199", pmid="199"))
    first = fill(sheet(), outcome={"sd_1": "0", "n_1": "1"})
    second = fill(sheet("third_2022", record_id="301", pmid="301"), study={"condition": "neck"})
    before = contents(trials)
    text = refusal(trials)
    assert text.splitlines() == [
        f"{first}/outcomes.csv: 2 problems",
        "  - row 2, column sd_1: found 0.0; allowed: more than 0",
        "  - row 2, column n_1: found 1; allowed: 2 or more",
        f"{second}/study.csv: row 2, column condition: found 'neck'; allowed: back, headache, migraine, arthritis, "
        "fibromyalgia, mixed, other, unknown",
    ]
    assert contents(trials) == before
    assert first.exists()


def test_an_impossible_value_that_only_the_effect_sizes_show_is_refused(trials, sheet, fill):
    folder = sheet()
    fill(folder, outcome={"n_2": "", "printed_ci_low": "0.5", "printed_ci_high": "-0.5"})
    before = contents(trials)
    text = refusal(trials)
    assert text.startswith(f"{folder}, together with {trials}: 2 problems")
    assert (
        "row sample_2021.pain_intensity.1, column printed_ci_low: found 0.5; allowed: below printed_ci_high"
        in text
    )
    assert "row sample_2021.pain_intensity.1, column n_2: missing beside n_1" in text
    assert contents(trials) == before


def test_two_rows_that_claim_one_place_in_a_pool_are_refused(trials, sheet, fill):
    folder = fill(sheet())
    lines = (folder / "outcomes.csv").read_text().splitlines()
    lines.append(lines[1].replace("pain_intensity.1", "pain_intensity.2"))
    (folder / "outcomes.csv").write_text("\n".join(lines) + "\n")
    assert (
        "the same study, comparison, outcome, timepoint and priority as row sample_2021.pain_intensity.1"
        in refusal(trials)
    )


def test_a_study_id_that_another_trial_has_is_refused(trials, sheet, fill):
    folder = fill(sheet("example_2020"))
    before = contents(trials)
    text = refusal(trials)
    assert text.startswith(
        f"{folder}: study_id=example_2020 is in the trials already, with other values of first_author, year, "
        "title, "
    )
    assert text.endswith("; hint: choose another id; or, for a correction, add a row with the next revision")
    assert contents(trials) == before


def test_a_record_that_another_study_carries_is_refused(trials, sheet, fill):
    fill(sheet(record_id="101"))
    assert "record_id=101 is in the trials already, with other values of study_id" in refusal(trials)


def test_two_sheets_of_one_study_id_are_refused_and_neither_is_written(trials, sheet, fill):
    fill(sheet())
    second = fill(sheet(record_id="301", pmid="301"))
    before = contents(trials)
    text = refusal(trials)
    assert f"{second}: study_id sample_2021 is also in the sheet 201" in text
    assert contents(trials) == before


@pytest.mark.parametrize(
    ("content", "message"), [("", "empty; allowed: not empty"), ("20x\n", "found '20x'; allowed: ")]
)
def test_a_sheet_whose_record_was_edited_away_is_refused_and_nothing_is_written(
    trials, sheet, fill, content, message
):
    folder = fill(sheet())
    (folder / "record_id.txt").write_text(content)
    before = contents(trials)
    assert f"column record_id: {message}" in refusal(trials)
    assert contents(trials) == before


@pytest.mark.parametrize("name", ["record_id.txt", "outcomes.csv"])
def test_a_sheet_that_lost_a_file_is_refused_by_the_name_of_the_file(trials, sheet, fill, name):
    folder = fill(sheet())
    (folder / name).unlink()
    assert refusal(trials).startswith(f"{folder / name}: there is no such file")


BEFORE_AS_AFTER = {
    "baseline_mean_1": "4.0",
    "baseline_sd_1": "2.0",
    "baseline_mean_2": "5.0",
    "baseline_sd_2": "2.5",
}
# A second trial has numbers of its own.
OTHER_MEANS = {"mean_1": "3.5", "sd_1": "1.9", "mean_2": "4.4", "sd_2": "2.1"}


def test_a_value_that_is_probably_a_slip_is_refused_until_a_person_says_why_it_stands(trials, sheet, fill):
    fill(sheet())
    fill(sheet("third_2022", record_id="301", pmid="301"))
    before = contents(trials)
    said = refusal(trials)
    assert contents(trials) == before
    for name, other in (("sample_2021", "third_2022"), ("third_2022", "sample_2021")):
        assert f"row {name}.pain_intensity.1: mean_1, sd_1, mean_2, sd_2 as in row {other}" in said
    cleared = [
        {
            "row_id": f"{name}.pain_intensity.1",
            "check": "same_numbers",
            "digest": digest,
            "reviewer": "E. X.",
            "note": "one register, by chance the same",
            "run": "2020-02",
            "decided_at": "2020-02-03",
        }
        for name, digest in zip(
            ("sample_2021", "third_2022"), re.findall("digest ([0-9a-f]{12})", said), strict=True
        )
    ]
    tables.write(pd.DataFrame(cleared), trials / "clearances.csv")
    assert [line.split(":")[0] for line in merging.merge(trials, run="2020-02")][:2] == ["201", "301"]


def reason(row_id, digest, *, check="same_numbers", note="one register", reviewer="E. X."):
    """A row that says why a finding is right."""
    given = {"row_id": row_id, "check": check, "digest": digest, "reviewer": reviewer, "note": note}
    return given | {"run": "2020-01", "decided_at": "2020-02-03"}


@pytest.fixture
def twins(trials, sheet, fill):
    """Two sheets with the same numbers, which is a finding in each: by id the folder and the digest."""
    folders = [fill(sheet()), fill(sheet("third_2022", record_id="301", pmid="301"))]
    digests = re.findall("digest ([0-9a-f]{12})", refusal(trials))
    ids = [f"{name}.pain_intensity.1" for name in ("sample_2021", "third_2022")]
    return dict(zip(ids, zip(folders, digests, strict=True), strict=True))


def test_reasons_in_the_folder_of_a_sheet_become_clearances_with_it(trials, twins):
    for row_id, (folder, digest) in twins.items():
        rows = [reason(row_id, digest), reason(row_id, "0" * 12, note="of a value that was changed since")]
        tables.write(pd.DataFrame(rows), folder / "clearances.csv")
        if row_id.startswith("sample"):
            assert refusal(trials).count("same_numbers") == 1
    merging.merge(trials, run="2020-02")
    cleared = tables.read(trials / "clearances.csv", "clearances")
    assert cleared[["row_id", "digest", "note", "run"]].values.tolist() == [
        [row_id, digest, "one register", "2020-02"] for row_id, (_, digest) in twins.items()
    ]


KILLED = """
import os, signal, sys
from livingreview import tables
from livingreview.trials import merging

append, calls = tables.append, []

def killed(*args, **options):
    calls.append(args)
    if len(calls) > int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    append(*args, **options)

tables.append = killed
merging.merge(sys.argv[1], run="2020-02")
"""


@pytest.mark.parametrize("lands", [2, 3, 7])
def test_a_merge_that_is_killed_between_rows_and_reasons_is_completed_by_the_next(trials, twins, lands):
    for row_id, (folder, digest) in twins.items():
        tables.write(pd.DataFrame([reason(row_id, digest)]), folder / "clearances.csv")
    modules = str(Path(merging.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", KILLED, trials, str(lands)],
        env=os.environ | {"PYTHONPATH": modules},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    merging.merge(trials, run="2020-02")
    assert tables.read(trials / "clearances.csv", "clearances")["row_id"].tolist() == list(twins)
    assert merging.pending(trials / "sheets") == []
    assert keys(trials)["outcomes"] == ["example_2020.pain_intensity.1", *twins]


def test_what_is_only_unlikely_is_said_and_merged(trials, sheet, fill):
    fill(sheet(), outcome=BEFORE_AS_AFTER)
    said = merging.merge(trials, run="2020-02")
    assert said[0].startswith("201: study sample_2021")
    assert any(line.startswith("look at sample_2021.pain_intensity.1: ") for line in said[1:])


@pytest.mark.parametrize("lands", [0, 1, 2, 3, 4])
def test_a_crash_between_two_tables_is_mended_by_running_again(trials, sheet, fill, monkeypatch, lands):
    fill(sheet())
    fill(sheet("third_2022", record_id="301", pmid="301"), outcome=OTHER_MEANS)
    append, calls = tables.append, []

    def crash(*args):
        calls.append(args)
        if len(calls) > lands:
            raise OSError("power cut")
        append(*args)

    with monkeypatch.context() as patch:
        patch.setattr(merging.tables, "append", crash)
        with pytest.raises(OSError, match="power cut"):
            merging.merge(trials, run="2020-02")
    said = merging.merge(trials, run="2020-02")
    assert any(line.startswith("301: study third_2022 with 1 outcome rows merged") for line in said)
    assert {name: sorted(found) for name, found in keys(trials).items()} == {
        "studies": ["example_2020", "sample_2021", "third_2022"],
        "reports": ["101", "201", "301"],
        "outcomes": [
            "example_2020.pain_intensity.1",
            "sample_2021.pain_intensity.1",
            "third_2022.pain_intensity.1",
        ],
    }
    assert merging.pending(trials / "sheets") == []


def test_a_crash_before_the_sheet_is_archived_is_mended_by_running_again(trials, sheet, fill, monkeypatch):
    fill(sheet())
    with monkeypatch.context() as patch:
        patch.setattr(merging.Path, "rename", lambda *_: (_ for _ in ()).throw(OSError("power cut")))
        with pytest.raises(OSError, match="power cut"):
            merging.merge(trials, run="2020-02")
    before = contents(trials)
    # Even in a later month: what landed keeps the run in which it landed.
    merging.merge(trials, run="2020-03")
    assert contents(trials) == before
    assert keys(trials) == MERGED
    assert (trials / "sheets/merged/201").is_dir()


def test_a_number_changed_between_crash_and_second_attempt_is_a_conflict(trials, sheet, fill, monkeypatch):
    folder = fill(sheet())
    with monkeypatch.context() as patch:
        patch.setattr(merging.Path, "rename", lambda *_: (_ for _ in ()).throw(OSError("power cut")))
        with pytest.raises(OSError, match="power cut"):
            merging.merge(trials, run="2020-02")
    fill(folder, outcome={"mean_1": "3.9"})
    text = refusal(trials)
    assert "row_id=sample_2021.pain_intensity.1 is in the trials already, with other values of mean_1" in text


def test_a_table_of_trials_that_is_broken_already_is_named(trials, sheet, fill):
    fill(sheet())
    path = trials / "studies.csv"
    path.write_text(path.read_text().replace(",adult,", ",adults,"))
    with pytest.raises(InputError, match=r"studies\.csv: row 2, column population: found 'adults'"):
        merging.merge(trials, run="2020-02")


def test_a_sheet_of_a_record_that_nobody_found_is_refused(trials, sheet, fill):
    fill(sheet())
    text = refusal(trials, known={"101"})
    assert "record_id.txt: no search or import has found this record; found '201'" in text


def test_a_misspelt_outcome_is_refused_with_the_one_that_was_meant(trials, sheet, fill):
    fill(sheet(), outcome={"outcome": "pain_intensty"})
    before = contents(trials)
    text = refusal(trials, outcomes=["pain_intensity", "depression"])
    assert "column outcome: found 'pain_intensty'; allowed: pain_intensity, depression" in text
    assert "did you mean pain_intensity?" in text
    assert contents(trials) == before


def test_a_second_sheet_of_a_record_is_archived_beside_the_first(trials, sheet, fill):
    (trials / "sheets/merged/201").mkdir(parents=True)
    fill(sheet())
    merging.merge(trials, run="2020-02")
    assert (trials / "sheets/merged/201-2/study.csv").is_file()


def test_a_trial_that_reports_no_usable_number_is_merged_with_its_study_alone(trials, sheet, fill):
    folder = fill(sheet())
    header, *rows = (folder / "outcomes.csv").read_text(encoding="utf-8").splitlines()
    (folder / "outcomes.csv").write_text(f"{header}\n", encoding="utf-8")
    assert len(rows) == 2
    assert merging.merge(trials, run="2020-02") == [
        "201: study sample_2021 with 0 outcome rows merged for run 2020-02"
    ]
    assert keys(trials)["outcomes"] == ["example_2020.pain_intensity.1"]


def test_a_row_in_which_only_a_note_was_typed_is_not_passed_over(trials, sheet, fill):
    fill(sheet(), outcome={"source": "", "note": "see the supplement"})
    assert "column source: empty" in refusal(trials)


def test_a_run_merges_the_sheets_that_are_ready_and_passes_over_the_others(trials, sheet, fill):
    fill(sheet(), study={"ready": "yes"})
    begun = fill(sheet("third_2022", record_id="301", pmid="301"))
    broken = fill(sheet("fourth_2022", record_id="401", pmid="401"), outcome={"sd_1": "0"})
    (broken / "extraction.xlsx").write_text("not a workbook")
    assert merging.marked_ready(trials / "sheets") == [trials / "sheets/201"]
    said = merging.merge_ready(trials, run="2020-02")
    assert said == [
        "201: study sample_2021 with 1 outcome rows merged for run 2020-02; nothing typed for: depression"
    ]
    assert keys(trials) == MERGED
    assert begun.is_dir()
    assert merging.merge_ready(trials, run="2020-02") == []


def test_one_ready_sheet_at_fault_keeps_the_other_from_being_merged(trials, sheet, fill):
    fill(sheet(), study={"ready": "yes"})
    fill(sheet("third_2022", record_id="301", pmid="301"), study={"ready": "YES"}, outcome={"sd_1": "0"})
    before = contents(trials)
    assert "301/outcomes.csv: row 2, column sd_1: found 0.0" in refusal(trials, ready_only=True)
    assert contents(trials) == before


def test_a_sheet_marked_as_ready_with_nothing_in_it_is_at_fault(trials, sheet):
    folder = sheet()
    path = folder / "study.csv"
    header, row = path.read_text().splitlines()
    path.write_text(f"{header}\nyes{row}\n")
    text = refusal(trials, ready_only=True)
    assert "column population: empty" in text
    assert folder.is_dir()


def test_a_sheet_of_an_older_version_has_no_cell_for_ready_and_no_place_and_is_merged(trials, sheet, fill):
    folder = fill(sheet(), outcome={"table_or_figure": ""})
    for name, schema in (("study.csv", "studies"), ("outcomes.csv", "outcomes")):
        frame = tables.read_results(folder / name)
        tables.write(frame[tables.load_schema(schema)["required"]], folder / name)
    assert not merging.marked_ready(trials / "sheets")
    merging.merge(trials, run="2020-02")
    assert keys(trials) == MERGED


def test_records_are_known_from_the_newest_list_up_to_the_run_and_from_the_decisions(tmp_path, example_table):
    ledger = example_table("screening", {"record_id": "101"})
    assert merging.known_records(tmp_path / "results", ledger, run="2020-02") == {"101"}
    for run, record in (("2020-01", "201"), ("2020-02", "202"), ("2020-03", "203")):
        path = tmp_path / "results" / run / "records.csv"
        path.parent.mkdir(parents=True)
        path.write_text(f"record_id\n{record}\n")
    assert merging.known_records(tmp_path / "results", ledger, run="2020-02") == {"101", "202"}
