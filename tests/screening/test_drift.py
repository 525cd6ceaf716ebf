"""The watch on drift: what is compared with what, and when it speaks."""

import numpy as np
import pytest
from scipy import stats

from livingreview.screening import drift


def watch(**given):
    empty = {"predictions": [], "waiting": [], "months": [], "records": [], "decided_in": []}
    return drift.watch(**empty | {"run": "2026-03"} | given)


def chances(**by_month):
    return [(f"2026-{month[1:]}", value) for month, values in by_month.items() for value in values]


LOW = np.linspace(0.01, 0.3, 60)
HIGH = np.linspace(0.3, 0.9, 20)


def test_chances_unlike_those_before_are_warned_of_with_the_numbers():
    found = watch(predictions=chances(m01=LOW, m02=HIGH))
    last = found["chances"][-1]
    test = stats.ks_2samp(HIGH, LOW, method="asymp")
    assert (last["distance"], last["p"]) == (pytest.approx(test.statistic), pytest.approx(test.pvalue))
    assert last["flag"]
    assert found["warnings"] == [
        "The 20 records of 2026-02 have other chances of inclusion than the 60 of the months before: median 60%"
        f" against 16%; Kolmogorov-Smirnov distance {test.statistic:.2f}, where 0.20 or more counts. Has the"
        " query, PubMed or the subject changed?"
    ]


def test_chances_like_those_before_are_not():
    found = watch(predictions=chances(m01=LOW, m02=LOW[::3]))
    assert found["chances"][-1]["flag"] is False
    assert found["warnings"] == []


def test_months_with_few_records_are_taken_together():
    found = watch(predictions=chances(m01=LOW, m02=HIGH[:12], m03=HIGH[12:]))
    second, third = found["chances"][1:]
    # Twelve records and the sixty before them are together all there is.
    assert (second["since"], second["n_before"], second["flag"]) == ("2026-01", 0, False)
    assert (third["since"], third["n_together"], third["flag"]) == ("2026-02", 20, True)
    assert "2026-02 to 2026-03" in found["warnings"][0]


def test_new_records_of_the_run_count_before_anybody_decided_them():
    found = watch(predictions=chances(m01=LOW), waiting=list(HIGH))
    assert (found["chances"][-1]["month"], found["chances"][-1]["n"]) == ("2026-03", 20)
    assert found["chances"][-1]["flag"]


@pytest.mark.parametrize(
    ("n", "before", "reason"),
    [(20, 49, "49 records before, 50 are needed"), (20, 50, None)],
)
def test_too_few_records_before_are_not_compared(n, before, reason):
    given = chances(m01=np.linspace(0, 0.2, before), m02=np.linspace(0.5, 1, n))
    assert watch(predictions=given)["chances"][-1]["reason"] == reason


def test_the_first_month_says_why_it_is_not_compared():
    found = watch(predictions=chances(m01=HIGH[:3]))
    assert found["chances"][0]["reason"] == "0 records before, 50 are needed"


def records(month, n, title, abstract=None):
    return [{"title": title, "abstract": abstract, "first_run": month} for _ in range(n)]


def worded(new, n=20):
    """Two months of records with known words, then n with others, all but the last decided in their month."""
    rows = records("2026-01", 50, "pain online", "trial")
    rows += records("2026-02", 50, "pain online trial study") + records("2026-03", n, new)
    decided = ["2026-01"] * 50 + ["2026-02"] * 50 + [None] * n
    return watch(records=rows, decided_in=decided)


def test_words_that_no_decided_record_holds_are_counted():
    found = worded("pain virtual headset trial")
    second, third = found["words"]
    # One word of four is new in February, two of four in March, when study is known too.
    assert (second["value"], third["value"]) == (0.25, 0.5)
    assert (third["before"], third["flag"]) == (0.25, True)
    assert found["warnings"] == [
        "Of the words of the 20 new records of 2026-03, 50% stand in no record that had been decided, against"
        " 25% in the months before. On what it has never met the ranking is less sure."
    ]


def test_words_met_before_are_no_drift():
    assert worded("pain trial study online")["words"][-1]["value"] == 0
    assert worded("pain trial study online")["warnings"] == []


def test_a_month_before_any_decision_has_no_share_of_new_words():
    rows = records("2026-01", 3, "pain")
    assert watch(records=rows, decided_in=[None] * 3)["words"] == []


def test_records_and_decisions_of_later_runs_do_not_count():
    rows = records("2026-01", 50, "pain") + records("2026-04", 20, "virtual")
    assert watch(records=rows, decided_in=["2026-01"] * 50 + [None] * 20)["words"] == []


@pytest.mark.parametrize(
    ("included", "flag"),
    [(1, True), (2, False), (18, True), (11, False)],
    ids=["one of 24", "two, which the interval cannot tell", "more than twice", "not twice"],
)
def test_a_share_included_unlike_that_before_is_warned_of(included, flag):
    # Before: 30 of 120, a quarter.
    found = watch(months=[("2026-01", 120, 30), ("2026-02", 24, included)])
    assert found["included"][-1]["flag"] is flag
    assert bool(found["warnings"]) is flag


def test_the_warning_on_inclusions_gives_the_exact_interval():
    found = watch(months=[("2026-01", 120, 60), ("2026-02", 20, 0)])
    # Clopper-Pearson of none of 20: 1 - 0.025^(1/20).
    assert found["included"][-1]["high"] == pytest.approx(1 - 0.025 ** (1 / 20))
    assert "exact 95% interval 0% to 17%), against 50% before" in found["warnings"][0]
    assert found["warnings"][0].endswith("calibrated on the past and may be too high.")


def test_a_share_of_none_before_and_now_is_no_drift():
    found = watch(months=[("2026-01", 120, 0), ("2026-02", 24, 0)])
    assert found["warnings"] == []


def test_only_the_latest_month_that_was_compared_warns():
    found = watch(months=[("2026-01", 120, 30), ("2026-02", 24, 1), ("2026-03", 200, 50)])
    assert [row["flag"] for row in found["included"]] == [False, True, False]
    assert found["warnings"] == []


def test_nothing_at_all_is_nothing_to_compare():
    found = watch()
    assert (found["chances"], found["words"], found["included"], found["warnings"]) == ([], [], [], [])
