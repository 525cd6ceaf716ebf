"""The ranking tested on the review's own past, with models whose answers are known beforehand."""

import io
import json

import numpy as np
import pandas as pd
import pytest

from livingreview.screening import backtest, metrics, ranker
from livingreview.tables import to_csv


class Told:
    """Scores each record by its own column, so that every result can be worked out by hand."""

    fits = []  # noqa: RUF012 # what every instance was trained on, in turn

    def fit(self, records, included, order=None):
        Told.fits.append(([one["record_id"] for one in records], list(included), order))
        return self

    def decision_function(self, records):
        return np.array([one["score"] for one in records], dtype=float)

    def predict_proba(self, records):
        chance = 1 / (1 + np.exp(-self.decision_function(records)))
        return np.column_stack([1 - chance, chance])


class Bare(Told):
    predict_proba = property()  # no probabilities: hasattr is False


@pytest.fixture(autouse=True)
def _no_fits():
    Told.fits.clear()


def review(*months):
    """Labelled records: each month a string such as "+-?" of labels in order of score, best first."""
    records, included, names = [], [], []
    for n, labels in enumerate(months):
        for place, label in enumerate(labels):
            records.append({"record_id": f"{n:03d}{place:03d}", "score": len(labels) / 2 - place})
            included.append(label == "+")
            names.append(f"20{20 + n // 12}-{n % 12 + 1:02d}")
    return records, included, names


def run(*months, **options):
    given = {"make_model": Told, "minimum_included": 1, "minimum_excluded": 1, **options}
    return backtest.run(*review(*months), **given)


def row(found, month):
    (one,) = found.months[found.months["month"] == month].to_dict("records")
    return one


def half(model, scores):
    return scores > 0


def test_every_month_is_ranked_by_a_model_of_the_earlier_months_alone():
    found = run("+-", "-+", "+--", order=[1, 1, 2, 2, 3, 3, 3])
    assert [ids for ids, _, _ in Told.fits] == [
        ["000000", "000001"],
        ["000000", "000001", "001000", "001001"],
    ]
    assert [labels for _, labels, _ in Told.fits][1] == [True, False, False, True]
    assert [list(order) for _, _, order in Told.fits] == [[1, 1], [1, 1, 2, 2]]
    ranked = found.predictions
    assert ranked["month"].tolist() == ["2020-02"] * 2 + ["2020-03"] * 3
    assert ranked["n_train"].tolist() == [2, 2, 4, 4, 4]
    assert ranked["score"].tolist() == [1, 0, 1.5, 0.5, -0.5]
    assert ranked["probability"].tolist() == [round(1 / (1 + np.exp(-x)), 6) for x in ranked["score"]]


def test_months_that_cannot_be_tested_are_named_with_the_reason():
    found = run("++", "+-", "-", "+-", minimum_included=3, minimum_excluded=2, since="2020-02")
    assert found.months["reason"].tolist() == [
        "before 2020-02, from which months are tested",
        "too little to learn from: 2 included and 0 excluded before it, where 3 and 2 are needed",
        "too little to learn from: 3 included and 1 excluded before it, where 3 and 2 are needed",
        None,
    ]
    assert found.months["tested"].tolist() == [False, False, False, True]
    assert found.months["n_ranked"].tolist() == [2, 2, 1, 2]
    assert row(found, "2020-03")["average_precision"] is None
    assert row(run("+-"), "2020-01")["reason"] == "nothing was decided before it"


def test_the_measures_of_a_month():
    found = run("+-", "-+--+-----", read_first=half)
    assert row(found, "2020-02") == {
        "month": "2020-02",
        "tested": True,
        "reason": None,
        "trained_before": "2020-02",
        "n_train": 2,
        "n_train_included": 1,
        "n_ranked": 10,
        "n_included": 2,
        "recall_10": 0.0,
        "recall_20": 0.5,
        "recall_50": 1.0,
        "last_relevant_rank": 5,
        "work_saved": 0.5,
        "wss_95": pytest.approx(0.45),
        "average_precision": pytest.approx((1 / 2 + 2 / 5) / 2),
        "n_read_first": 5,
        "n_included_read_first": 2,
        "read_first_recall": 1.0,
        "read_first_share": 0.5,
        "brier": pytest.approx(metrics.brier_score(found.predictions["included"], found.predictions["probability"])),
        "calibration_error": pytest.approx(
            metrics.calibration_error(found.predictions["included"], found.predictions["probability"])
        ),
    }  # fmt: skip


def test_a_month_without_included_records_has_no_recall_but_its_share_read_first():
    one = row(run("+-", "----", read_first=half), "2020-02")
    undefined = ["recall_10", "last_relevant_rank", "work_saved", "wss_95", "average_precision"]
    assert [one[name] for name in [*undefined, "read_first_recall"]] == [None] * 6
    assert (one["tested"], one["read_first_share"], one["n_included_read_first"]) == (True, 0.5, 0)


def test_a_model_without_probabilities_or_band_leaves_them_empty():
    found = run("+-", "+-", make_model=Bare)
    one = row(found, "2020-02")
    assert [one[name] for name in ("brier", "calibration_error", "n_read_first")] == [None] * 3
    summary = backtest.summarise(found, n_resamples=5)
    assert [summary[name] for name in ("brier", "calibration_error", "read_first")] == [None] * 3
    assert summary["reliability"] == []
    assert backtest.warn(found, target=0.95) == []


def test_the_result_does_not_depend_on_the_order_of_the_records():
    records, included, months = review("+-+", "-+", "++-")
    options = {"make_model": Told, "minimum_included": 1, "minimum_excluded": 1}
    first = backtest.run(records, included, months, **options)
    back = backtest.run(records[::-1], included[::-1], months[::-1], **options)
    pd.testing.assert_frame_equal(first.months, back.months)
    pd.testing.assert_frame_equal(first.predictions, back.predictions)


def test_equal_scores_are_read_in_the_order_of_the_queue():
    records, included, months = review("+-", "+++---")
    for one in records:
        one["score"] = 0.0
    found = backtest.run(records, included, months, make_model=Told, minimum_included=1, minimum_excluded=1)
    assert row(found, "2020-02")["average_precision"] == 1.0
    upside = [not one for one in included]
    found = backtest.run(records, upside, months, make_model=Told, minimum_included=1, minimum_excluded=1)
    assert row(found, "2020-02")["last_relevant_rank"] == 6


@pytest.mark.parametrize("n", [1, 2, 11, 12, 13, 40, 133, 600])
def test_a_back_test_never_trains_more_models_than_its_cut_points(n):
    months = [f"{n:05d}" for n in range(n)]
    cuts = backtest.cut_points(months)
    assert list(cuts) == months
    used = len(set(cuts.values()))
    assert used == n if n <= backtest.MAX_CUTS else 10 <= used <= backtest.MAX_CUTS
    assert all(cut <= month for month, cut in cuts.items())
    assert [cuts[month] for month in months[-6:]] == months[-6:]


def test_blocks_of_older_months_stay_the_same_until_their_size_doubles():
    moved = {}
    for n in range(13, 200):
        before, after = (backtest.cut_points(list(range(size))) for size in (n, n + 1))
        # The month that is no longer among the newest joins a block; no other one moves.
        moved[n + 1] = sum(before[month] != after[month] for month in before)
    assert [n for n, months in moved.items() if months > 1] == [19, 31, 55, 103, 199]


def test_older_months_share_a_model_but_are_measured_by_themselves():
    labels = ["+-"] * 20
    found = run(*labels)
    assert len(Told.fits) <= backtest.MAX_CUTS
    assert found.months["tested"].sum() == 19
    assert (found.months["n_ranked"] == 2).all()
    cuts = found.months.set_index("month")["trained_before"].to_dict()
    assert cuts["2020-05"] == "2020-02"
    assert cuts["2021-08"] == "2021-08"


def test_known_predictions_are_taken_over_and_change_nothing():
    months = ["+-+--", "-+--", "+--", "--+", "+-"]
    records, included, names = review(*months)
    options = {"make_model": Told, "minimum_included": 1, "minimum_excluded": 1, "read_first": half}
    before = backtest.run(records[:-2], included[:-2], names[:-2], **options)
    n_before = len(Told.fits)
    fresh = backtest.run(records, included, names, **options)
    Told.fits.clear()
    # A table that was written and read again.
    stored = pd.read_csv(io.StringIO(to_csv(before.predictions)), dtype={"record_id": str})
    again = backtest.run(records, included, names, **options, known=stored)
    assert (n_before, len(Told.fits)) == (3, 1)
    assert to_csv(again.predictions) == to_csv(fresh.predictions)
    assert to_csv(again.months) == to_csv(fresh.months)


@pytest.mark.parametrize("change", ["label", "text", "ranked", "order", "name"])
def test_a_prediction_is_known_no_more_when_what_it_depends_on_changes(change):
    records, included, names = review("+-+-", "-+")
    options = {"make_model": Told, "minimum_included": 1, "minimum_excluded": 1}
    known = backtest.run(records, included, names, **options).predictions
    if change == "label":
        included[3] = True
    elif change == "text":
        records[0]["title"] = "Another title"
    elif change == "ranked":
        records[5]["title"] = "Another title"
    elif change == "order":
        options["order"] = range(6)
    else:
        options["name"] = "another"
    Told.fits.clear()
    found = backtest.run(records, included, names, **options, known=known)
    assert len(Told.fits) == 1
    unchanged = found.predictions["key"].isin(known["key"]).sum()
    assert unchanged == 0


def test_what_a_month_is_ranked_with_is_the_same_whether_the_others_are_known_or_not():
    class OfItsBatch(Told):
        def decision_function(self, records):
            return super().decision_function(records) + len(records) / 1000

    options = {"make_model": OfItsBatch, "minimum_included": 1, "minimum_excluded": 1}
    records, included, names = review("+-+-", "-+--", "+--")
    known = backtest.run(records[:-4], included[:-4], names[:-4], **options).predictions
    fresh = backtest.run(records, included, names, **options)
    again = backtest.run(records, included, names, **options, known=known)
    assert to_csv(again.predictions) == to_csv(fresh.predictions)
    assert len(known) == 3  # of the second month, which has a record more now
    assert not again.predictions["key"].isin(known["key"]).any()


def test_records_that_stand_twice_or_lack_a_label_are_refused():
    records, included, months = review("+-")
    options = {"make_model": Told, "minimum_included": 1, "minimum_excluded": 1}
    with pytest.raises(ValueError, match="differ in length"):
        backtest.run(records, included[:1], months, **options)
    with pytest.raises(ValueError, match="stands twice"):
        backtest.run([records[0], records[0]], included, months, **options)


def test_micro_weighs_records_and_macro_weighs_months():
    found = run("+-", "+---------", "-+++------", read_first=half)
    summary = backtest.summarise(found, n_resamples=40)
    assert summary["recall"]["20"] == {
        "micro": pytest.approx((1 + 1) / 4),
        "macro": pytest.approx((1 + 1 / 3) / 2),
        "low": pytest.approx(0.5, abs=0.26),
        "high": pytest.approx(0.75, abs=0.26),
    }
    assert summary["average_precision"]["macro"] == pytest.approx(found.months["average_precision"].mean())
    assert summary["read_first"]["recall"] == 1.0
    assert (summary["read_first"]["share"], summary["read_first"]["n_included"]) == (0.5, 4)
    assert summary["read_first"]["exact_low"] == pytest.approx(0.025 ** (1 / 4))
    assert (summary["n_months"], summary["n_ranked"], summary["n_included"]) == (2, 20, 4)
    assert summary["not_tested"] == [{"month": "2020-01", "reason": "nothing was decided before it"}]
    json.dumps(summary, allow_nan=False)


def test_months_are_resampled_where_five_have_included_records_else_records():
    months = ["+-", *["+---", "--+-", "-+--", "---+", "-+--"]]
    few, many = run(*months[:5]), run(*months)
    assert backtest.summarise(few, n_resamples=10)["resampled"] == "records within months"
    first, again = (backtest.summarise(many, n_resamples=300, seed=4) for _ in range(2))
    assert first == again
    assert first["resampled"] == "months"
    # Mean of five draws from 1, 1/3, 1/2, 1/4, 1/2.
    wide = first["average_precision"]
    assert 0.25 < wide["low"] < wide["macro"] < wide["high"] < 1
    assert wide["low"] == pytest.approx(0.517 - 1.96 * 0.2585 / 5**0.5, abs=0.06)


def test_resampled_records_keep_the_number_of_included_ones():
    found = run("+-", "+-+--+----")
    summary = backtest.summarise(found, n_resamples=200)
    assert (
        summary["recall"]["50"]["low"] <= summary["recall"]["50"]["micro"] <= summary["recall"]["50"]["high"]
    )
    assert summary["recall"]["50"]["low"] >= 1 / 3


@pytest.mark.parametrize("months", [["+-"], ["+-", "---"]])
def test_a_back_test_without_included_records_is_a_result(months):
    summary = backtest.summarise(run(*months, read_first=half))
    assert summary["resampled"] is None
    assert summary["recall"]["10"] == {"micro": None, "macro": None, "low": None, "high": None}
    assert backtest.warn(run(*months, read_first=half), target=0.95) == []
    json.dumps(summary, allow_nan=False)


def test_reliability_counts_every_record_once():
    rows = backtest.reliability([True, False, False, True], [0.05, 0.08, 0.5, 1.0])
    assert [(one["low"], one["n"], one["n_included"], one["share"]) for one in rows] == [
        (0.0, 2, 1, 0.5),
        (0.5, 1, 0, 0.0),
        (0.9, 1, 1, 1.0),
    ]
    assert rows[0]["mean_probability"] == pytest.approx(0.065)
    assert rows[0]["share_low"] == pytest.approx(1 - 0.975**0.5)


def test_a_warning_when_the_latest_months_fall_below_the_target():
    found = run("+-", "+---", "--++", "----", "--++", "+--+", read_first=half)
    assert backtest.warn(found, target=0.95) == [
        "In the latest 3 months with included records (2020-03, 2020-05, 2020-06), “read first” held 1 of 6 records that people included (17%; exact 95% interval under 1% to 64%), below the target of 95%. That is more than chance explains: there the ranking missed its target."
    ]
    assert backtest.warn(found, target=0.1) == []
    (few,) = backtest.warn(run("+-", "+--+", read_first=half), target=0.95)
    assert few.startswith(
        "In the latest month with included records (2020-02), “read first” held 1 of 2 records"
    )
    assert few.endswith("So few records can't tell a ranking below the target from chance.")


def test_no_warning_where_the_target_is_met():
    assert backtest.warn(run("+-", "++--", read_first=half), target=0.95) == []
    assert backtest.warn(run("+-", "+++++-+-----", read_first=half), target=5 / 6) == []


class Upside(Told):
    def decision_function(self, records):
        return -super().decision_function(records)


def candidates(*months):
    return {"default": run(*months), "upside": run(*months, make_model=Upside)}


def test_the_model_with_the_best_mean_average_precision_is_chosen_and_the_table_kept():
    months = ["+-", *["-" * 8 + "+" * 7] * 3]
    found = backtest.choose(candidates(*months))
    assert (found["chosen"], found["default"]) == ("upside", "default")
    assert [one["name"] for one in found["table"]] == ["default", "upside"]
    assert [one["months_best"] for one in found["table"]] == [0, 3]
    assert found["table"][1]["average_precision"] == pytest.approx(1)
    assert found["reason"].startswith(
        "upside has the highest mean average precision over 3 months with 21 records included (default 0."
    )


def test_a_higher_mean_that_two_lucky_months_make_does_not_replace_the_default():
    months = ["+-", *["+" * 10 + "-"] * 2, *["-" * 8 + "+"] * 2]
    found = backtest.choose(candidates(*months))
    default, other = found["table"]
    assert other["average_precision"] > default["average_precision"]
    assert (default["months_best"], other["months_best"]) == (2, 2)
    assert found["chosen"] == "default"
    assert "default was kept: upside has a higher mean average precision over 4 months" in found["reason"]


def test_a_tie_is_won_by_the_default():
    months = ["+-", *["+" * 7 + "-" * 7] * 3]
    both = candidates(*months)
    found = backtest.choose({"default": both["default"], "again": both["default"]})
    assert found["chosen"] == "default"
    assert [one["months_best"] for one in found["table"]] == [3, 3]


@pytest.mark.parametrize(
    ("months", "shown"),
    [
        (["+-", "-" * 9 + "+" * 30], "1 month with 30 records included"),
        (["+-", "-+", "-+", "-+"], "3 months with 3 records included"),
        (["+-"], "0 months with 0 records included"),
    ],
)
def test_with_too_little_to_compare_the_default_is_kept_and_it_is_said(months, shown):
    found = backtest.choose(candidates(*months))
    assert found["chosen"] == "default"
    assert found["reason"] == (
        f"default was kept without comparison: {shown} can be tested, where 3 and 20 are needed to choose."
    )
    json.dumps(found, allow_nan=False)


def test_the_review_s_own_ranker_can_be_tested(record):
    words = {True: "online pain treatment", False: "tumour imaging cohort"}
    rows = [
        (record(str(100 + n), words[n % 3 == 0] + f" w{n}"), n % 3 == 0, 2000 + n // 10) for n in range(40)
    ]
    records, included, years = zip(*rows, strict=True)
    found = backtest.run(
        records, included, years, make_model=ranker.Ranker, minimum_included=2, minimum_excluded=2
    )
    assert found.months["month"].tolist() == [2000, 2001, 2002, 2003]
    assert found.months["average_precision"].tolist()[1:] == [1.0, 1.0, 1.0]


def test_years_are_told_as_years():
    months = ["+-", *["+--+"] * 5]
    summary = backtest.summarise(run(*months), n_resamples=5, period="year")
    assert (summary["period"], summary["resampled"]) == ("year", "years")
    few = backtest.summarise(run(*months[:3]), n_resamples=5, period="year")
    assert few["resampled"] == "records within years"
    (said,) = backtest.warn(run(*months, read_first=half), target=0.95, period="year")
    assert said.startswith("In the latest 3 years with included")
    assert "5 years with 10 records" in backtest.choose(candidates(*months), period="year")["reason"]


def test_resampled_records_with_equal_scores_stay_in_the_order_of_the_queue():
    records, included, months = review("+-", "-----+++")
    for one in records:
        one["score"] = 0.0
    found = backtest.run(records, included, months, make_model=Told, minimum_included=1, minimum_excluded=1)
    assert backtest.summarise(found, n_resamples=30)["recall"]["50"]["high"] == 0.0


def test_a_model_is_never_trained_on_one_label_alone():
    found = run("--", "+-", "++", minimum_included=0, minimum_excluded=0)
    assert found.months["tested"].tolist() == [False, False, True]
    assert found.months["reason"][1].endswith("where 1 and 1 are needed")
