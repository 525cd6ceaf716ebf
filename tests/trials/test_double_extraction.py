"""Two extractions of one trial: compared field by field, settled with a reason, merged as one."""

from pathlib import Path

import pandas as pd
import pytest

from livingreview import config as protocol
from livingreview import tables
from livingreview.errors import InputError, ReviewError
from livingreview.trials import clearances, double_extraction, merging, sheets


@pytest.fixture
def pair(trials, sheet, fill):
    """Two filled-in sheets of the record 201, those of ann and ben; cells to type otherwise are given for each."""

    def make(ann=(), ben=(), *, study=(), ready=("yes", "yes")):
        single = sheet()
        folder = trials / "sheets/pair"
        for name, cells, word in zip(("ann", "ben"), (ann, ben), ready, strict=True):
            own = folder / name
            own.mkdir(parents=True, exist_ok=True)
            for file in single.iterdir():
                (own / file.name).write_bytes(file.read_bytes())
            fill(own, study={"ready": word} | dict(study), outcome=cells)
        (folder / "record_id.txt").write_text("201\n")
        for file in [*single.iterdir()]:
            file.unlink()
        single.rmdir()
        return folder

    return make


def merge(trials, **options):
    return merging.merge(trials, run="2020-02", **options)


def answer(folder, *answers):
    """Type what an adjudicator says into the rows of the conflicts, in their order."""
    path = folder / "conflicts.csv"
    rows = tables.read(path, "extraction_conflicts")
    for at, value in enumerate(answers):
        if value is not None:
            rows.loc[at, ["adjudicated", "reason", "adjudicator"]] = [value, "table 2 of the report", "CD"]
    tables.write(rows, path)


def row_of(trials):
    return tables.read(trials / "outcomes.csv", "outcomes").iloc[1]


def test_two_sheets_that_agree_are_merged_as_one_and_both_are_archived(trials, pair):
    pair()
    assert merge(trials, ready_only=True) == [
        "pair: study sample_2021 with 1 outcome rows merged for run 2020-02; nothing typed for: depression"
    ]
    row = row_of(trials)
    assert (row["mean_1"], row["extractor"], row["note"]) == (4.0, "ann; ben", None)
    archived = trials / "sheets/merged/pair"
    assert [(archived / name / "study.csv").is_file() for name in ("ann", "ben")] == [True, True]
    assert merging.pending_pairs(trials / "sheets") == []


@pytest.mark.parametrize(
    ("ready", "waits"), [(("yes", ""), "ben"), (("", "yes"), "ann"), (("", ""), "ann and ben")]
)
def test_a_pair_waits_until_both_are_ready(trials, pair, ready, waits):
    folder = pair(ready=ready)
    assert merge(trials) == [f"pair: waits for {waits}"]
    assert merge(trials, ready_only=True) == []
    assert folder.is_dir()


def test_what_differs_is_written_beside_the_sheets_and_nothing_is_merged(trials, pair):
    folder = pair({"sd_1": "2.1"}, {"n_1": "41", "effect_type": "adjusted_means"})
    before = (trials / "outcomes.csv").read_bytes()
    assert merge(trials) == [f"pair: 3 of 3 differences wait in {folder}/conflicts.csv"]
    found = tables.read(folder / "conflicts.csv", "extraction_conflicts")
    assert found[["field", "extractor_1", "value_1", "extractor_2", "value_2"]].values.tolist() == [
        ["sd_1", "ann", "2.1", "ben", "2"],
        ["n_1", "ann", "40", "ben", "41"],
        ["effect_type", "ann", "means", "ben", "adjusted_means"],
    ]
    assert (trials / "outcomes.csv").read_bytes() == before


def test_settled_differences_are_merged_with_their_reason(trials, pair):
    folder = pair({"sd_1": "2.1"}, {"n_1": "41"})
    merge(trials)
    answer(folder, "2.1", None)
    assert merge(trials) == [f"pair: 1 of 2 differences wait in {folder}/conflicts.csv"]
    answer(folder, "2.1", "39")
    merge(trials)
    row = row_of(trials)
    assert (row["sd_1"], row["n_1"], row["sd_2"]) == (2.1, 39, 2.5)
    assert row["note"] == "adjudicated: sd_1 (table 2 of the report), n_1 (table 2 of the report)"
    assert (trials / "sheets/merged/pair/conflicts.csv").is_file()


def test_an_empty_cell_is_settled_on_by_name(trials, pair):
    folder = pair({"weeks": "8"}, {})
    merge(trials)
    answer(folder, "(empty)")
    merge(trials)
    assert tables.to_text(row_of(trials)["weeks"]) == ""


def test_an_answer_without_a_reason_or_a_name_is_refused(trials, pair):
    folder = pair({"sd_1": "2.1"})
    merge(trials)
    rows = tables.read(folder / "conflicts.csv", "extraction_conflicts")
    rows.loc[0, "adjudicated"] = "2.1"
    tables.write(rows, folder / "conflicts.csv")
    with pytest.raises(ReviewError) as caught:
        merge(trials)
    assert "column reason: empty" in str(caught.value)
    assert "column adjudicator: empty" in str(caught.value)


def test_an_impossible_answer_is_refused_as_a_cell_of_the_settled_table(trials, pair):
    folder = pair({"sd_1": "2.1"})
    merge(trials)
    answer(folder, "-2")
    with pytest.raises(
        ReviewError, match=r"outcomes as settled: row 2, column sd_1: found -2.0; allowed: more"
    ):
        merge(trials)


def test_an_answer_about_values_that_the_sheets_no_longer_hold_is_refused(trials, pair, fill):
    folder = pair({"sd_1": "2.1"}, {"n_1": "41"})
    merge(trials)
    answer(folder, "2.1")
    typed = (folder / "conflicts.csv").read_bytes()
    fill(folder / "ann", study={"ready": "yes"}, outcome={"sd_1": "2.3"})
    with pytest.raises(ReviewError, match=r"row 2, column sd_1: settled, but the sheets say otherwise now"):
        merge(trials)
    assert (folder / "conflicts.csv").read_bytes() == typed


def test_a_new_difference_is_added_and_answers_stay(trials, pair, fill):
    folder = pair({"sd_1": "2.1"})
    merge(trials)
    answer(folder, "2.1")
    fill(folder / "ben", study={"ready": "yes"}, outcome={"n_2": "37"})
    assert merge(trials) == [f"pair: 1 of 2 differences wait in {folder}/conflicts.csv"]
    found = tables.read(folder / "conflicts.csv", "extraction_conflicts")
    assert found[["field", "adjudicated"]].values.tolist() == [["sd_1", "2.1"], ["n_2", None]]


@pytest.mark.parametrize(("word", "rows"), [("keep", 2), ("drop", 1)])
def test_a_row_that_one_of_them_has_is_kept_or_dropped(trials, pair, word, rows):
    folder = pair()
    path = folder / "ann/outcomes.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    header = lines[0].split(",")
    cells = lines[1].split(",")
    cells[header.index("row_id")], cells[header.index("priority")] = "sample_2021.pain_intensity.2", "2"
    path.write_text("\n".join([*lines, ",".join(cells)]) + "\n", encoding="utf-8")
    merge(trials)
    answer(folder, "perhaps")
    with pytest.raises(ReviewError, match="column adjudicated: found 'perhaps'; allowed: keep, drop"):
        merge(trials)
    answer(folder, word)
    merge(trials)
    assert len(tables.read(trials / "outcomes.csv", "outcomes")) == 1 + rows


def test_words_of_both_are_kept_and_need_no_settling(trials, pair):
    pair({"quote": "lower in the course"}, {"source": "Sample 2021, supplement"})
    merge(trials)
    row = row_of(trials)
    assert row["quote"] == "lower in the course"
    assert row["source"] == "ann: Sample 2021 | ben: Sample 2021, supplement"


@pytest.mark.parametrize(
    ("one", "other", "finer"),
    [
        ("4.1", "4.12", "4.12"),
        ("4.15", "4.1", "4.15"),
        ("4.25", "4.3", "4.25"),
        ("-0.2", "-0.24", "-0.24"),
        ("4.1", "4.16", None),
        ("4", "4.4", None),
        ("4.1", "4.2", None),
        ("40", "41", None),
        ("a", "4.1", None),
        ("", "4.1", None),
    ],
)
def test_a_number_and_its_rounding_agree_from_one_decimal_on(one, other, finer):
    assert double_extraction.finer(one, other) == finer
    assert double_extraction.finer(other, one) == finer


def test_of_a_number_and_its_rounding_the_finer_one_is_kept(trials, pair):
    pair({"sd_2": "2.5"}, {"sd_2": "2.54"})
    merge(trials)
    assert row_of(trials)["sd_2"] == 2.54


def test_what_both_said_of_a_finding_counts_unless_whoever_settled_said_otherwise(tmp_path):
    finding = {"row_id": "a.b.1", "check": "same_numbers", "run": "2020-02", "decided_at": "2020-02-03"}
    for name, digests in (("ann", "ab"), ("ben", "bc"), ("", "c")):
        (tmp_path / name).mkdir(exist_ok=True)
        rows = [
            finding | {"digest": 12 * d, "reviewer": name or "CD", "note": f"{name or 'CD'} saw {d}"}
            for d in digests
        ]
        tables.write(pd.DataFrame(rows), tmp_path / name / "clearances.csv")
    found = clearances.of_sheet(tmp_path, [tmp_path / "ann", tmp_path / "ben"])
    assert found[["digest", "reviewer", "note"]].values.tolist() == [
        [12 * "c", "CD", "CD saw c"],
        [12 * "a", "ann", "ann saw a"],
        [12 * "b", "ann; ben", "ann saw b | ben saw b"],
    ]
    assert clearances.of_sheet(tmp_path / "nobody").empty


def test_two_names_for_the_trial_are_refused(trials, pair, fill):
    folder = pair()
    for name in ("study.csv", "outcomes.csv"):
        path = folder / "ben" / name
        path.write_text(path.read_text().replace("sample_2021", "sample_2021_b"))
    with pytest.raises(
        ReviewError, match="name the trial differently; found 'sample_2021 and sample_2021_b'"
    ):
        merge(trials)


def test_a_third_sheet_or_a_lone_one_is_refused(trials, pair):
    folder = pair()
    (folder / "ben").rename(folder.with_name("elsewhere"))
    with pytest.raises(InputError, match="1 sheets; found 'ann'; allowed: two"):
        double_extraction.settle(folder)


def test_agreement_counts_fields_by_kind_before_anything_was_settled(trials, pair):
    folder = pair({"sd_1": "2.1", "sd_2": "2.5"}, {"sd_2": "2.54", "quote": "x"})
    fields, waiting = double_extraction.compared(trials / "sheets")
    # Means, deviations and numbers of two arms, and the priority.
    found = double_extraction.agreement(fields)
    numbers = found["kinds"]["numbers"]
    assert numbers == {
        "fields": 7,
        "equal": 5,
        "within_rounding": 1,
        "different": 1,
        "share": pytest.approx(6 / 7),
    }
    assert found["kinds"]["rows"]["share"] == 1
    assert found["kinds"]["words"]["different"] == 1
    assert found["records"] == 1
    assert waiting["pair"]["field"].tolist() == ["sd_1"]
    merge(trials)
    answer(folder, "2.1")
    merge(trials)
    after, waiting = double_extraction.compared(trials / "sheets")
    assert waiting == {}
    assert double_extraction.agreement(after)["kinds"] == found["kinds"]


def test_without_pairs_there_is_no_share(trials):
    found = double_extraction.agreement(double_extraction.compared(trials / "sheets")[0])
    assert found["records"] == 0
    assert {kind["share"] for kind in found["kinds"].values()} == {None}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, {}),
        ({"extractors": {"independent": 1}}, {}),
        (
            {"extractors": {"independent": 2, "names": ["Ann Söder", "Ben"]}},
            {"Ann Söder": "ann-soder", "Ben": "ben"},
        ),
    ],
)
def test_each_extractor_has_a_folder_of_their_name(asked, found):
    assert double_extraction.extractors(asked) == found


@pytest.mark.parametrize("names", [["Ann B", "ann-b"], ["Ann", "..."]])
def test_names_that_leave_one_folder_or_none_are_refused(names):
    with pytest.raises(InputError, match=r"key extraction\.extractors\.names"):
        double_extraction.extractors({"extractors": {"independent": 2, "names": names}})


def test_a_pair_is_as_far_as_the_slower_of_the_two(trials, pair):
    folder = pair(ready=("yes", ""))
    assert double_extraction.state(folder) == (sheets.BEGUN, "ann: ready; ben: begun")


@pytest.mark.parametrize("lands", [0, 1, 2])
def test_a_crash_while_a_pair_is_merged_is_mended_by_running_again(trials, pair, monkeypatch, lands):
    pair()
    append, calls = tables.append, []

    def crash(*args):
        calls.append(args)
        if len(calls) > lands:
            raise OSError("power cut")
        append(*args)

    with monkeypatch.context() as patch:
        patch.setattr(merging.tables, "append", crash)
        with pytest.raises(OSError, match="power cut"):
            merge(trials)
    merge(trials)
    assert tables.read(trials / "outcomes.csv", "outcomes")["row_id"].tolist() == [
        "example_2020.pain_intensity.1",
        "sample_2021.pain_intensity.1",
    ]
    assert merging.pending_pairs(trials / "sheets") == []


def with_names(names):
    """The bundled protocol with an extraction of its own."""
    bundled = protocol.load(Path(__file__).resolve().parents[2] / "config.yaml")
    return bundled | {"extraction": {"extractors": {"independent": 2} | names}}


def test_the_protocol_may_name_two_extractors():
    assert protocol.check(with_names({"names": ["Ann", "Ben"]}))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({}, "names"),
        ({"names": ["Ann"]}, "two different names"),
        ({"names": ["Ann", "Ann"]}, "two different names"),
        ({"names": ["Ann", "Ben"], "name": "Cy"}, "name"),
    ],
)
def test_a_protocol_that_does_not_name_two_is_refused(names, message):
    with pytest.raises(InputError) as caught:
        protocol.check(with_names(names))
    assert "extraction.extractors" in str(caught.value)
    assert message in str(caught.value)
