"""How far two reviewers agree, against other programs, and the list of their conflicts."""

import csv
import math
from pathlib import Path
from types import SimpleNamespace

import pytest

import compare_reviewers
from livingreview import tables
from livingreview.screening import agreement as module
from livingreview.screening import decisions, filing

TA, FT = STAGES = ["title-abstract", "full-text"]
UNDEFINED = ("kappa", "kappa_se", "kappa_low", "kappa_high")


@pytest.fixture(scope="module")
def reference():
    path = Path(__file__).parents[1] / "reference/agreement.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return {row.pop("name"): row for row in csv.DictReader(file)}


def square(text):
    cells = [int(cell) for cell in text.split()]
    side = math.isqrt(len(cells))
    return [cells[start : start + side] for start in range(0, len(cells), side)]


NAMES = [
    "typical",
    "rare",
    "moderate",
    "worse_than_chance",
    "one_rater_constant",
    "with_awaiting",
    "awaiting_by_one_only",
    "small",
]


@pytest.mark.parametrize("name", NAMES)
def test_kappa_and_its_interval_are_those_of_vcd_and_psych(reference, name):
    row = reference[name]
    found = module.agreement(square(row["counts"]))
    for column in ("kappa", "psych_kappa"):
        assert found["kappa"] == pytest.approx(float(row[column]), abs=1e-12)
    if float(row["se"]) == 0:  # both print an interval of no width; it says nothing, and is left out here
        assert found["kappa_se"] is found["kappa_low"] is found["kappa_high"] is None
        return
    assert found["kappa_se"] == pytest.approx(float(row["se"]), rel=1e-10)
    for bound in ("low", "high"):
        for column in (bound, f"psych_{bound}"):
            assert found[f"kappa_{bound}"] == pytest.approx(float(row[column]), abs=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_the_interval_of_the_share_of_agreement_is_exact(reference, name):
    row = reference[name]
    counts = square(row["counts"])
    found = module.agreement(counts)
    assert found["n"] == sum(map(sum, counts))
    assert found["agreement"] == found["n_agree"] / found["n"]
    assert found["agreement_low"] == pytest.approx(float(row["exact_low"]), rel=1e-9)
    assert found["agreement_high"] == pytest.approx(float(row["exact_high"]), rel=1e-9)


def test_every_table_of_the_reference_is_compared(reference):
    assert sorted(reference) == sorted(NAMES)


def test_without_records_nothing_is_defined():
    found = module.agreement([[0, 0], [0, 0]])
    assert found["n"] == found["n_agree"] == 0
    shares = ("agreement", "agreement_low", "agreement_high")
    assert {found[name] for name in (*shares, *UNDEFINED)} == {None}
    assert found["sentence"] == "No record was decided by two independent reviewers."


def test_kappa_is_not_defined_where_both_gave_every_record_the_same_decision():
    found = module.agreement([[0, 0], [0, 8]])
    assert {found[name] for name in UNDEFINED} == {None}
    assert found["agreement"] == found["agreement_high"] == 1
    assert found["agreement_low"] == pytest.approx(0.025 ** (1 / 8), rel=1e-12)
    assert found["sentence"] == (
        "Two reviewers agreed on 8 of 8 records (100%, 95% exact interval 63% to 100%); kappa is not defined, "
        "since both gave all records the same decision."
    )


def test_full_agreement_has_a_kappa_of_one_without_an_interval():
    found = module.agreement([[3, 0], [0, 5]])
    assert found["kappa"] == 1
    assert found["kappa_se"] is found["kappa_low"] is found["kappa_high"] is None
    assert found["sentence"].endswith("Cohen's kappa 1.00, for which this table gives no interval.")


def test_the_sentence_says_both_measures_with_their_intervals():
    assert module.agreement([[40, 9], [6, 145]])["sentence"] == (
        "Two reviewers agreed on 185 of 200 records (92%, 95% exact interval 88% to 96%); Cohen's kappa 0.79 (95% "
        "interval 0.69 to 0.89)."
    )


def test_a_kappa_below_zero_has_a_minus_and_one_that_rounds_to_zero_none():
    said = module.agreement([[1, 3], [3, 2]])["sentence"]
    assert "kappa −0.35 (95% interval −0.95 to 0.25)" in said
    assert "kappa 0.00 (" in module.agreement([[400, 401], [401, 401]])["sentence"]


def test_which_reviewer_stands_first_does_not_matter_to_kappa():
    table = [[12, 3, 2], [4, 80, 1], [0, 5, 6]]
    turned = [list(column) for column in zip(*table, strict=True)]
    left, right = module.agreement(table), module.agreement(turned)
    for name in ("kappa", "kappa_se", "kappa_low", "agreement_low"):
        assert left[name] == pytest.approx(right[name], rel=1e-12)


@pytest.fixture
def held(example_frame):
    """A ledger of (record, run, stage, reviewer, decision) and further cells; a name in brackets adjudicates."""

    def make(*rows):
        names = ("record_id", "run", "stage", "reviewer", "decision")
        return example_frame(
            "screening",
            *(
                {"role": decisions.INDEPENDENT}
                | dict(zip(names, row[:5], strict=True))
                | (row[5] if row[5:] else {})
                for row in rows
            ),
        )

    return make


D = {"role": decisions.ADJUDICATOR, "note": "read together"}


def test_the_first_decisions_are_compared_and_not_what_was_said_once_a_conflict_was_known(held):
    rows = held(
        ("101", "2020-01", TA, "B", "exclude"),
        ("101", "2020-01", TA, "A", "include"),
        ("101", "2020-02", TA, "B", "include", {"note": "misread"}),
        ("102", "2020-01", TA, "A", "include"),
        ("102", "2020-01", TA, "B", "exclude"),
        ("102", "2020-01", TA, "D", "include", D),
        ("103", "2020-01", TA, "A", "include"),
        ("103", "2020-02", TA, "B", "include"),
        ("103", "2020-03", FT, "A", "include"),
        ("104", "2020-01", TA, "E", "include", {"role": ""}),
        ("104", "2020-01", TA, "A", "include"),
    )
    found = module.pairs(rows, run="2020-12", names=["A", "B"])
    assert found.values.tolist() == [
        ["101", TA, "2020-01", "A", "B", "include", "exclude"],
        ["102", TA, "2020-01", "A", "B", "include", "exclude"],
        ["103", TA, "2020-02", "A", "B", "include", "include"],
    ]
    assert len(module.pairs(rows, run="2020-01", names=["A", "B"])) == 2


def test_who_spoke_first_after_an_adjudication_did_not_decide_independently(held):
    rows = held(
        ("101", "2020-01", TA, "A", "include"),
        ("101", "2020-01", TA, "D", "include", D),
        ("101", "2020-01", TA, "B", "include"),
    )
    assert len(module.pairs(rows, run="2020-12", names=["A", "B"])) == 0


def test_more_than_two_reviewers_are_pooled_in_the_protocol_s_order(held):
    rows = held(
        ("101", "2020-01", TA, "C", "include"),
        ("101", "2020-01", TA, "A", "exclude"),
        ("102", "2020-01", TA, "B", "include"),
        ("102", "2020-01", TA, "C", "include"),
        ("102", "2020-01", TA, "A", "exclude"),
        ("103", "2020-01", TA, "Left", "include"),
        ("103", "2020-01", TA, "B", "exclude"),
    )
    measured = module.measure(rows, run="2020-01", stages=STAGES, names=["C", "B", "A"])
    assert measured["pairs"] == [
        {"reviewers": ["B", "Left"], "n": 1},
        {"reviewers": ["C", "A"], "n": 1},
        {"reviewers": ["C", "B"], "n": 1},
    ]
    total = measured["cumulative"]["total"]
    assert total["counts"] == [[1, 1, 0], [1, 0, 0], [0, 0, 0]]


def test_agreement_is_told_by_stage_and_run_with_and_without_what_awaits(held):
    rows = held(
        ("101", "2020-01", TA, "A", "include"),
        ("101", "2020-01", TA, "B", "include"),
        ("102", "2020-01", TA, "A", "awaiting"),
        ("102", "2020-02", TA, "B", "exclude"),
        ("101", "2020-02", FT, "A", "exclude", {"reason": "review"}),
        ("101", "2020-02", FT, "B", "exclude", {"reason": "not_rct"}),
    )
    measured = module.measure(rows, run="2020-02", stages=STAGES, names=["A", "B"])
    cumulative = measured["cumulative"]
    assert {stage: (one["n"], one["n_agree"]) for stage, one in cumulative.items()} == {
        TA: (2, 1),
        FT: (1, 1),  # they agree to exclude; that their reasons differ is a conflict, not a disagreement
        "total": (3, 2),
    }
    assert cumulative["total"]["categories"] == ["include", "exclude", "awaiting"]
    assert cumulative["total"]["counts"] == [[1, 0, 0], [0, 1, 0], [0, 1, 0]]
    assert cumulative["total"]["without_awaiting"]["counts"] == [[1, 0], [0, 1]]
    assert {run: one["total"]["n"] for run, one in measured["runs"].items()} == {"2020-01": 1, "2020-02": 2}
    assert module.measure(rows, run="2020-01", stages=STAGES)["cumulative"]["total"]["n"] == 1


@pytest.fixture
def conflicts(example_frame, held):
    def list_(*rows, names=("A", "B"), stage=TA):
        queue = example_frame(
            "queue",
            {"record_id": "102", "stage": stage, "title": "Sample", "link": "https://example.org/102"},
            {"record_id": "101", "stage": stage, "title": "Example"},
        )
        return module.conflicts(queue, held(*rows), run="2020-02", names=names)

    return list_


def test_a_conflict_shows_both_decisions_in_the_protocol_s_order(conflicts):
    found = conflicts(
        ("101", "2020-01", TA, "B", "exclude", {"reason": "review", "note": "a survey"}),
        ("101", "2020-01", TA, "A", "include"),
        ("102", "2020-01", TA, "A", "include"),
    )
    assert list(found.columns) == tables.columns("conflicts")
    assert found.to_dict("records") == [
        dict.fromkeys(tables.columns("conflicts"))
        | {"record_id": "101", "pmid": "101", "stage": TA, "title": "Example", "differ_in": "decision"}
        | {"reviewer_1": "A", "decision_1": "include", "reviewer_2": "B", "decision_2": "exclude"}
        | {"reason_2": "review", "note_2": "a survey"}
    ]


def test_two_reasons_for_one_exclusion_on_full_text_are_told_as_such(conflicts):
    found = conflicts(
        *(("101", "2020-01", TA, name, "include") for name in "AB"),
        ("101", "2020-01", FT, "A", "exclude", {"reason": "review"}),
        ("101", "2020-01", FT, "B", "exclude", {"reason": "not_rct"}),
        stage=FT,
    )
    assert found[["differ_in", "reason_1", "reason_2"]].values.tolist() == [["reason", "review", "not_rct"]]


def test_of_three_who_differ_none_is_left_out(conflicts):
    found = conflicts(
        ("101", "2020-01", TA, "A", "include"),
        ("101", "2020-01", TA, "B", "include"),
        ("101", "2020-01", TA, "C", "exclude", {"reason": "review"}),
        names=("A", "B", "C"),
    )
    assert found[["reviewer_1", "reviewer_2", "further"]].values.tolist() == [["A", "C", "B: include"]]


def test_conflicts_come_in_the_order_of_the_queue_and_none_where_one_reviewer_decides(conflicts):
    rows = [
        (one, "2020-01", TA, *who) for one in ("101", "102") for who in (("A", "include"), ("B", "exclude"))
    ]
    assert conflicts(*rows)["record_id"].tolist() == ["102", "101"]
    none = conflicts(*rows, names=())
    assert (len(none), list(none.columns)) == (0, tables.columns("conflicts"))


@pytest.mark.parametrize("independent", [1, 2])
def test_the_rule_writes_what_each_is_asked_the_conflicts_and_the_agreement(
    example_table, tmp_path, independent
):
    names = ["A. Example", "B. Sample"]
    own = filing.own_queues({"reviewers": {"independent": independent, "names": names}})
    spoken = {"role": decisions.INDEPENDENT}
    rows = [
        spoken | {"record_id": "102", "reviewer": names[0], "decision": "include"},
        spoken | {"record_id": "102", "reviewer": names[1], "decision": "exclude"},
        # Said of a record that is known now to be a duplicate of 103.
        spoken | {"record_id": "other:a", "reviewer": names[0], "decision": "exclude"},
    ]
    (tmp_path / "records.csv").write_text(
        "record_id,title,duplicate_of\n101,,\n102,,\n103,,\nother:a,,103\n", encoding="utf-8"
    )
    queues = [tmp_path / "queues" / file for file in own.values()]
    compare_reviewers.main(
        SimpleNamespace(
            input=SimpleNamespace(
                queue=example_table("queue", {}, {"record_id": "102"}, {"record_id": "103"}),
                records=tmp_path / "records.csv",
                decisions=example_table("screening", *rows),
            ),
            output=SimpleNamespace(
                queues=queues, conflicts=tmp_path / "conflicts.csv", agreement=tmp_path / "agreement.json"
            ),
            params=SimpleNamespace(run="2020-01", stages=STAGES, own=own),
        )
    )
    asked = [tables.read(path, "queue") for path in queues]
    assert [(frame["record_id"].tolist(), set(frame["reviewer"])) for frame in asked] == [
        (["101"], {names[0]}),
        (["101", "103"], {names[1]}),
    ][: len(own)]
    listed = tables.read(tmp_path / "conflicts.csv", "conflicts")
    assert listed["record_id"].tolist() == ["102"] * (independent - 1)
    measured = tables.read_json(tmp_path / "agreement.json")
    assert measured["cumulative"]["total"]["n"] == 1
    assert measured["pairs"] == [{"n": 1, "reviewers": names}]
