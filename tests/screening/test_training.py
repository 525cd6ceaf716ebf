"""What the ranker learns from is what people decided up to the run, under the label that the protocol chose."""

import numpy as np
import pytest

from livingreview.errors import ReviewError
from livingreview.screening import training

TA, FT = STAGES = ["title-abstract", "full-text"]
TWO = {"role": "independent reviewer"}
IDS = [
    "x:new",
    "x:ta_in",
    "x:ta_out",
    "x:ft_in",
    "x:ft_out",
    "x:ta_waits",
    "x:ft_waits",
    "x:one",
    "x:two",
    "x:later",
    "x:corrected",
]


@pytest.fixture
def decisions(ledger):
    return ledger(
        ("x:ta_in", "2020-01", TA, "include"),
        ("x:ta_out", "2020-01", TA, "exclude"),
        ("x:ft_in", "2020-01", TA, "include"),
        ("x:ft_in", "2020-02", FT, "include"),
        ("x:ft_out", "2020-01", TA, "include"),
        ("x:ft_out", "2020-02", FT, "exclude"),
        ("x:ta_waits", "2020-01", TA, "awaiting"),
        ("x:ft_waits", "2020-01", TA, "include"),
        ("x:ft_waits", "2020-02", FT, "awaiting"),
        ("x:one", "2020-01", TA, "exclude", TWO | {"reviewer": "A"}),
        ("x:two", "2020-01", TA, "exclude", TWO | {"reviewer": "A"}),
        ("x:two", "2020-02", TA, "exclude", TWO | {"reviewer": "B"}),
        ("x:later", "2020-03", TA, "exclude"),
        ("x:corrected", "2020-01", TA, "exclude"),
        ("x:corrected", "2020-02", TA, "include"),
    )


def learnt(decisions, label, *, run="2020-02", stages=STAGES):
    found = training.decided(IDS, decisions, run=run, stages=stages, label=label)
    assert found.label == label
    assert found.n_included + found.n_excluded == len(found.rows)
    return {IDS[row]: bool(one) for row, one in zip(found.rows, found.included, strict=True)}


def test_under_title_and_abstract_that_decision_counts_alone(decisions):
    assert learnt(decisions, TA) == {
        "x:ta_in": True,
        "x:ta_out": False,
        "x:ft_in": True,
        "x:ft_out": True,
        "x:ft_waits": True,
        "x:two": False,
        "x:corrected": True,
    }


def test_under_full_text_an_exclusion_anywhere_is_one_and_what_is_under_way_is_left_out(decisions):
    assert learnt(decisions, FT) == {"x:ta_out": False, "x:ft_in": True, "x:ft_out": False, "x:two": False}


def test_later_decisions_do_not_exist_yet(decisions):
    assert learnt(decisions, TA, run="2020-01") == {
        "x:ta_in": True,
        "x:ta_out": False,
        "x:ft_in": True,
        "x:ft_out": True,
        "x:ft_waits": True,
        "x:corrected": False,
    }
    assert learnt(decisions, FT, run="2020-01") == {"x:ta_out": False, "x:corrected": False}


def test_a_report_that_could_not_be_had_teaches_nothing(ledger):
    said = ledger(
        ("x:ta_in", "2020-01", TA, "include"),
        ("x:ta_in", "2020-01", FT, "exclude", {"reason": "not_retrieved"}),
    )
    assert learnt(said, FT) == {}
    assert learnt(said, TA) == {"x:ta_in": True}


def test_nothing_decided_is_nothing_learnt(ledger):
    for label in STAGES:
        assert learnt(ledger(), label) == {}


@pytest.mark.parametrize(
    ("learn_from", "stages", "labels"),
    [
        ("both", STAGES, STAGES),
        (TA, STAGES, [TA]),
        (FT, STAGES, [FT]),
        ("both", [FT], [FT]),
        (FT, [FT], [FT]),
    ],
)
def test_the_label_that_orders_comes_first(learn_from, stages, labels):
    assert training.labels_of(learn_from, stages) == labels


def test_a_stage_that_the_protocol_does_not_have_cannot_be_learnt_from():
    with pytest.raises(ReviewError) as caught:
        training.labels_of(TA, [FT])
    assert str(caught.value) == (
        "config.yaml, screening.ranking.learn_from: 'title-abstract' is no stage of this protocol;"
        " allowed: full-text, both"
    )


def test_the_run_of_a_record_is_that_of_its_first_decision(decisions):
    found = training.decided_in(["x:corrected", "x:ft_in", "x:new", "x:later"], decisions, run="2020-02")
    assert found == ["2020-01", "2020-01", None, None]


def test_time_is_the_run_then_the_year_and_what_is_not_known_sorts_first():
    found = training.order(
        ["2020-01", "2020-01", "2020-01", None, "2020-02"], ["2019", np.nan, None, "2018", "2001"]
    )
    assert np.argsort(found, kind="stable").tolist() == [3, 1, 2, 0, 4]


def test_the_past_is_cut_by_months_once_these_hold_enough_included_records():
    runs = ["2020-01"] * 30 + ["2020-02"] * 30
    years = ["2018", None, np.nan, "2019", "2020"] * 12
    included = np.arange(60) >= 10
    assert training.periods(runs, years, included) == (runs, "month")
    labels, period = training.periods(runs, years, np.arange(60) < 49)
    assert period == "year"
    assert labels[:5] == ["2018", "2018", "2018", "2019", "2020"]
    assert training.periods([], [], []) == ([], "year")
    assert training.periods(["2020-01"], [None], [True]) == (["0000"], "year")
