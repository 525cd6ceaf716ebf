"""The statement on automation says what the facts say, and what is missing; all facts are made up."""

import pandas as pd
import pytest

from livingreview.screening import statement, stopping

FACTS = {
    "run": "2020-06",
    "tool": {"name": "Example review engine", "version": "1.2.3", "url": "https://example.org"},
    "stages": ["title-abstract", "full-text"],
    "reviewers": {"independent": 2, "names": ["A", "B"]},
    "model": "ranker-2 n=100 0123abcd",
    "training": {"n": 100, "included": 12, "excluded": 88, "first_run": "2019-01", "last_run": "2020-05"},
    "learn_from": "full-text",
    "target_recall": 0.95,
    "backtest": {
        "period": "month",
        "n_months": 8,
        "n_months_with_included": 6,
        "n_ranked": 400,
        "n_included": 24,
        "not_tested": [{"month": "2019-01", "reason": "nothing was decided before it"}],
        "resampled": "months",
        "confidence": 0.95,
        "recall": {
            "10": {"micro": 0.5, "macro": 0.5, "low": 0.4, "high": 0.6},
            "20": {"micro": 0.75, "macro": 0.7, "low": 0.6, "high": 0.9},
        },
        "read_first": {
            "recall": 23 / 24,
            "n_held": 23,
            "n_included": 24,
            "exact_low": 0.789,
            "exact_high": 0.9989,
            "share": 0.3,
        },
        "brier": 0.04567,
        "calibration_error": 0.0123,
    },
    "audit": stopping.cumulative(
        stopping.as_frame(
            [dict(zip(["month", *stopping.COUNTS], ["2020-05", 100, 60, 60, 0, 40], strict=True))]
        )
    ),
    "queue": {"n": 30, "no_abstract": 2, "not_english": 1},
    "interests": "The authors have no interest in the tool.",
}


def said(item, **changes):
    (found,) = [one["text"] for one in statement.write({**FACTS, **changes}) if one["item"] == item]
    return found


def measured(**changes):
    return said("performance", backtest={**FACTS["backtest"], **changes})


def band(**changes):
    return measured(read_first={**FACTS["backtest"]["read_first"], **changes})


def test_a_full_statement():
    assert [one["item"] for one in statement.write(FACTS)] == statement.ITEMS
    assert {one["item"]: one["text"] for one in statement.write(FACTS)} == {
        "tool": "Example review engine (version 1.2.3; https://example.org) was used in the run of 2020-06 to order the records that wait for screening on title and abstract and on full text, and for no decision.",
        "people": "Each record is decided by two people, neither of whom sees what the other said before deciding; where they differ, an adjudicator settles it. No record is included or excluded automatically, and none is hidden: those ranked low stay in the queue until people have read them. 30 records wait for a decision.",
        "model": "The model (ranker-2 n=100 0123abcd) learnt from 100 records that people had decided (12 included, 88 excluded) in the runs from 2019-01 to 2020-05; what it learnt is whether people included a record on full text. Its band “read first” is meant to hold 95% of the records that people will include.",
        "performance": "In a back-test on the review's own past, a model trained on what was decided before ranked 400 records of 8 months, of which people had included 24. The first 20% of each month's ranking held 75% of them (95% bootstrap interval 60% to 90%, months resampled). “Read first” would have held 23 of 24 (96%; exact 95% interval 79% to over 99%), and 30% of all records. The target of 95% was met, but so few records can't show that it holds. Its probabilities differed from the shares that people included by 0.012 on average (expected calibration error; Brier score 0.046).",
        "audit": FACTS["audit"]["sentence"],
        "limits": "The waiting records without abstract (2) are ranked on less text and so less surely. The waiting record in a language other than English (1) may be ranked less surely, for words are compared as they stand and not translated. The model knows this review's decisions alone, the mistaken ones included, and what it did in the past tells of new records only as far as these are alike.",
        "interests": "The authors have no interest in the tool.",
        "guidance": statement.GUIDANCE,
    }


def test_every_missing_fact_is_said_to_be_missing():
    texts = [one["text"] for one in statement.write({"model": "ranker"})]
    assert texts[0] == (
        "A tool whose name is not recorded (its version is not recorded) was used in a run that is not recorded"
        " to order the records that wait for screening (the stages are not recorded), and for no decision."
    )
    assert "how many decide on each record is not recorded" in texts[1]
    assert "How many records wait for a decision is not recorded." in texts[1]
    assert "from decisions whose number is not recorded in runs that are not recorded" in texts[2]
    assert "a label that is not recorded" in texts[2]
    assert texts[2].endswith("The recall that its band “read first” is meant to reach is not recorded.")
    assert (
        texts[3]
        == "How well the model ranks has not been measured on this review: no part of its past could be tested."
    )
    assert texts[4] == "No audit of the low-ranked records is recorded."
    assert texts[5].startswith(
        "The number of waiting records without abstract is not recorded; such records are"
    )
    assert texts[6] == "The authors' interests in this tool are not recorded."


@pytest.mark.parametrize("gone", sorted(set(FACTS) - {"model", "run"}))
def test_no_missing_fact_stops_the_statement_or_leaves_a_hole(gone):
    for empty in (None, "left out"):
        facts = {key: value for key, value in FACTS.items() if key != gone}
        texts = [one["text"] for one in statement.write(facts | ({gone: None} if empty is None else {}))]
        assert len(texts) == len(statement.ITEMS)
        assert not [text for text in texts if "None" in text or "{" in text or not text.endswith(".")]


def test_at_cold_start_no_model_and_no_measure_is_claimed():
    why = "Too few decisions to learn from: records stand by likeness to the protocol."
    facts = {"model": None, "cold_start": why, "audit": None}
    assert said("model", **facts) == f"No model learnt from decisions was used. {why}"
    assert said("performance", **facts) == "Without a model there is no performance to measure."
    assert said("audit", **facts) == "As no model ranked the records, no audit of low-ranked ones was drawn."
    assert "model knows" not in said("limits", **facts)
    assert said("model", model=None).endswith("is not recorded.")


def test_an_audit_of_earlier_months_is_told_at_cold_start_too():
    assert said("audit", model=None) == FACTS["audit"]["sentence"]


def test_one_reviewer_is_not_told_as_two():
    assert said("people", reviewers={"independent": 1}).startswith("Each record is decided by one person. No")
    assert "two" not in said("people", reviewers={"independent": 1})


@pytest.mark.parametrize(
    ("n", "text"),
    [
        (0, "No record waits for a decision."),
        (1, "1 record waits for a decision."),
        (1200, "1,200 records wait"),
    ],
)
def test_how_many_records_wait(n, text):
    assert text in said("people", queue={"n": n})


def test_a_back_test_that_could_test_nothing_gives_its_reasons():
    none = {"n_months": 0, "not_tested": [{"month": "2020-01", "reason": "nothing was decided before it"}]}
    assert said("performance", backtest=none) == (
        "How well the model ranks has not been measured on this review: no part of its past could be tested (of"
        " the latest: nothing was decided before it)."
    )


def test_recall_is_not_claimed_where_nothing_was_included():
    text = measured(n_included=0, n_months=1)
    assert "ranked 400 records of 1 month, of which people had included 0." in text
    assert "With none included, its recall could not be measured." in text
    assert "held" not in text


def test_a_back_test_over_years_is_told_in_years():
    text = measured(period="year", resampled="years")
    assert "400 records of 8 years" in text
    assert "of each year's ranking" in text
    assert "month" not in text


@pytest.mark.parametrize(
    ("changes", "end"),
    [
        ({"recall": 0.5, "n_held": 12}, "That is below the target of 95%."),
        ({"recall": 53 / 56, "n_held": 53, "n_included": 56}, "held 53 of 56 (94.6%; exact"),
        ({"recall": 0.96, "exact_low": 0.94}, "was met, but so few records can't show that it holds."),
        ({"recall": 0.99, "exact_low": 0.951}, "was met, and the interval lies above it."),
    ],
)
def test_the_target_is_compared_with_what_was_measured(changes, end):
    assert end in band(**changes)


def test_what_was_not_measured_is_not_claimed():
    assert "What “read first” would have held was not measured." in measured(read_first=None)
    assert "Its probabilities were not measured" in measured(calibration_error=None, brier=None)
    none = {"20": {"micro": 0.75, "macro": 0.7, "low": None, "high": None}}
    assert "held 75% of them; no interval was computed." in measured(recall=none)
    assert "target" not in said("performance", target_recall=None)


def test_warnings_and_the_choice_of_the_model_are_told():
    assert said("performance", warnings=["Recall fell."]).endswith("Recall fell.")
    assert said("model", choice={"reason": "default was kept."}).endswith("Default was kept.")


def test_one_run_of_decisions_is_told_as_one():
    training = FACTS["training"] | {"first_run": "2020-05"}
    assert "in the run of 2020-05;" in said("model", training=training)


@pytest.mark.parametrize("learn_from", ["title-abstract", "full-text", "both"])
def test_every_label_that_a_protocol_can_choose_is_told(learn_from):
    assert statement.LABELS[learn_from] in said("model", learn_from=learn_from)


def test_counts_of_nought_are_told():
    text = said("limits", queue={"n": 0, "no_abstract": 0, "not_english": 0})
    assert text.startswith("There are no waiting records without abstract. There are no waiting records in a")


def test_what_the_back_test_itself_gives_can_be_told():
    from livingreview.screening import backtest

    empty = backtest.BackTest(pd.DataFrame(columns=["tested"]), pd.DataFrame(columns=backtest.PREDICTIONS))
    text = said("performance", backtest=backtest.summarise(empty))
    assert (
        text
        == "How well the model ranks has not been measured on this review: no part of its past could be tested."
    )
