"""What reading a part can promise; values from R are in tests/reference, with the script that made them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from livingreview.screening import stopping

REFERENCE = Path(__file__).parents[1] / "reference"


def reference(name):
    return pd.read_csv(REFERENCE / f"stopping_{name}.csv", dtype={"screened": str}).to_dict("records")


def a_month(**counts):
    given = {"n_below": 48, "n_audit": 20, "n_audit_read": 20, "n_audit_relevant": 0}
    return stopping.month(**{**given, **counts})


def months(*rows):
    names = ("month", *stopping.COUNTS)
    return stopping.as_frame(dict(zip(names, row, strict=True)) for row in rows)


def test_the_bound_outside_a_sample_agrees_with_a_search_by_phyper():
    for case in reference("unread"):
        bound = stopping.unread_relevant(
            n_records=case["N"], n_sampled=case["n"], n_relevant=case["x"], confidence=case["confidence"]
        )
        assert bound == case["bound"], case


@pytest.mark.parametrize(("n_records", "n_sampled"), [(30, 8), (12, 12), (25, 1), (9, 0)])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_the_bound_holds_at_least_as_often_as_it_says_whatever_the_number_of_relevant_records(
    n_records, n_sampled, confidence
):
    bounds = [
        stopping.unread_relevant(
            n_records=n_records, n_sampled=n_sampled, n_relevant=x, confidence=confidence
        )
        for x in range(n_sampled + 1)
    ]
    for relevant in range(n_records + 1):
        chances = stats.hypergeom.pmf(np.arange(n_sampled + 1), n_records, relevant, n_sampled)
        holds = sum(p for x, p in enumerate(chances) if relevant - x <= bounds[x])
        assert holds >= confidence - 1e-9


@pytest.mark.parametrize(
    ("n_records", "n_sampled", "n_relevant", "bound"),
    [(0, 0, 0, 0), (5, 0, 0, 5), (5, 5, 0, 0), (5, 5, 5, 0), (8, 3, 3, 5), (60, 57, 0, 1), (60, 58, 0, 0)],
)
def test_edges_of_the_bound(n_records, n_sampled, n_relevant, bound):
    # 57 of 60 read: one record left out has a chance of exactly 5%, which is not below 5%.
    assert stopping.unread_relevant(n_records=n_records, n_sampled=n_sampled, n_relevant=n_relevant) == bound


def test_the_smallest_p_value_over_runs_agrees_with_phyper():
    for case in reference("ranked"):
        read = [letter == "1" for letter in case["screened"]]
        p, n_last = stopping.ranked_p(read, n_total=case["N"], target=case["target"])
        assert p == pytest.approx(case["p"], rel=1e-9, abs=1e-14)
        assert n_last == case["n_last"] or case["p"] < 1e-12, case


def test_with_twenty_found_and_seventy_in_vain_of_a_hundred_ninety_percent_recall_is_proved():
    # The worked example of the authors' vignette: 3 more among 80 would be too many; P(none in 70).
    read = [True] * 20 + [False] * 70
    p, n_last = stopping.ranked_p(read, n_total=100, target=0.9)
    assert (p, n_last) == (pytest.approx(10 * 9 * 8 / (80 * 79 * 78)), 70)


def test_quasi_p_values_are_those_after_each_record():
    read = [True, False, True, False, False]
    values = stopping.quasi_p_values(read, n_total=8)
    assert values == [stopping.ranked_p(read[:n], n_total=8)[0] for n in (1, 2, 3, 4, 5)]


@pytest.mark.parametrize(("read", "n_total", "p"), [([], 3, 1.0), ([], 0, 0.0), ([True, False], 2, 0.0)])
def test_nothing_read_proves_nothing_and_all_read_misses_nothing(read, n_total, p):
    assert stopping.ranked_p(read, n_total=n_total)[0] == p


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        # One more than 19 found is exactly 95%; two more are needed to miss it: P(none of 2 in 30 of 40).
        ({"n_found": 19, "n_found_elsewhere": 19}, 10 * 9 / (40 * 39)),
        ({"n_found": 18, "n_found_elsewhere": 18}, 10 / 40),
        ({"n_found": 0, "n_found_elsewhere": 0}, 10 / 40),
        ({"n_found": 100, "n_found_elsewhere": 100, "target": 0.5}, 0.0),
        ({"n_sampled": 0, "n_found": 1, "n_found_elsewhere": 1}, 1.0),
        ({"n_records": 0, "n_sampled": 0, "n_found": 1, "n_found_elsewhere": 1}, 0.0),
        ({"n_records": 30, "n_relevant": 30, "n_found": 30, "n_found_elsewhere": 0}, 0.0),
    ],
)
def test_p_value_that_the_target_was_missed(counts, expected):
    given = {"n_records": 40, "n_sampled": 30, "n_relevant": 0, **counts}
    assert stopping.p_target_missed(**given) == pytest.approx(expected, abs=1e-15)


def test_the_fewest_records_to_read_agree_with_a_search_one_by_one():
    for case in reference("needed"):
        needed = stopping.needed_to_stop(
            case["N"], case["r"], target=case["target"], confidence=case["confidence"]
        )
        assert needed == case["needed"], case


@pytest.mark.parametrize("n_relevant", [0, 1, 3, 19, 40])
def test_the_fewest_records_to_read_are_the_first_at_which_the_heuristic_declares(n_relevant):
    n_total = 45
    p = [stopping.ranked_p(np.arange(n) < n_relevant, n_total=n_total)[0] for n in range(n_total + 1)]
    first = next(n for n in range(n_relevant, n_total + 1) if p[n] < 0.05 * (1 - 1e-9))
    assert stopping.needed_to_stop(n_total, n_relevant) == first


@pytest.mark.parametrize(("n_total", "needed"), [(0, 0), (1, 1), (100_000, 95_001)])
def test_the_fewest_records_to_read_of_none_one_and_many(n_total, needed):
    assert stopping.needed_to_stop(n_total, 0) == needed


@pytest.mark.parametrize(
    ("n_total", "n_relevant", "share"),
    [
        *((30, r, 97) for r in range(1, 6)),
        *((60, r, 97) for r in range(1, 6)),
        *((300, r, 95) for r in range(1, 11)),
        (2000, 5, 95),
        (2000, 10, 95),
        (2000, 19, 78),
        (2000, 20, 78),
        (2000, 40, 64),
        (2000, 80, 47),
    ],
)
def test_what_a_perfect_ranking_can_save_at_95_percent_recall_with_95_percent_confidence(
    n_total, n_relevant, share
):
    assert round(100 * stopping.needed_to_stop(n_total, n_relevant) / n_total) == share


def test_intervals_of_a_share_agree_with_binom_test():
    for case in reference("shares"):
        low, high = stopping.exact_interval(case["x"], case["n"], confidence=case["confidence"])
        assert (low, high) == (pytest.approx(case["low"], abs=1e-8), pytest.approx(case["high"], abs=1e-8))
        upper = stopping.upper_share(case["x"], case["n"], confidence=case["confidence"])
        assert upper == pytest.approx(case["upper"], abs=1e-8)
    assert stopping.exact_interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("counts", "state", "bound"),
    [
        ({"n_below": 0, "n_audit": 0, "n_audit_read": 0}, stopping.NONE_LOW, 0),
        ({"n_unread": 0}, stopping.ALL_READ, 0),
        ({"n_unread": 0, "n_audit_relevant": 3}, stopping.ALL_READ, 0),
        ({"n_audit": 0, "n_audit_read": 0}, stopping.NO_AUDIT, 48),
        ({"n_audit_read": 0}, stopping.AUDIT_UNREAD, 48),
        ({"n_audit_read": 0, "n_unread": 30}, stopping.AUDIT_UNREAD, 30),
        ({}, stopping.AUDIT_READ, 5),
        ({"n_unread": 3}, stopping.AUDIT_READ, 3),
        ({"n_audit_relevant": 20}, stopping.AUDIT_READ, 28),
    ],
)
def test_states_of_a_month(counts, state, bound):
    found = a_month(**counts)
    assert (found["state"], found["bound_missed"]) == (state, bound)


def test_an_audit_read_in_part_bounds_as_if_its_unread_records_were_relevant():
    whole = a_month(n_below=400, n_audit=40, n_audit_read=40, n_audit_relevant=1)
    part = a_month(n_below=400, n_audit=40, n_audit_read=39, n_audit_relevant=0)
    assert part["state"] == stopping.AUDIT_PARTLY
    assert part["bound_missed"] == whole["bound_missed"] + 1
    bounds = [
        a_month(n_below=400, n_audit=40, n_audit_read=n, n_audit_relevant=0)["bound_missed"]
        for n in range(41)
    ]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[0] == 400


def test_the_recall_that_is_sure_counts_the_most_that_may_be_missed():
    assert a_month(n_found=6)["recall_at_least"] == 6 / (6 + 5)
    assert a_month(n_found=0)["recall_at_least"] is None
    assert a_month()["recall_at_least"] is None


def test_sentences_of_a_month():
    said = {
        "none": a_month(n_below=0, n_audit=0, n_audit_read=0),
        "all": a_month(n_unread=0),
        "one": a_month(n_below=1, n_audit=1, n_audit_read=1),
        "no audit": a_month(n_audit=0, n_audit_read=0, n_unread=1),
        "unread": a_month(n_audit_read=0),
        "part": a_month(n_below=400, n_audit=40, n_audit_read=39),
        "read": a_month(),
        "found": a_month(n_below=400, n_audit=40, n_audit_read=40, n_audit_relevant=1),
        "sure": a_month(n_below=48, n_audit=47, n_audit_read=47),
        "few": a_month(n_below=48, n_audit=1, n_audit_read=1, n_unread=10),
        "bad": a_month(n_below=8, n_audit=5, n_audit_read=5, n_audit_relevant=5),
    }
    assert {name: month["sentence"] for name, month in said.items()} == {
        "none": "No record was ranked below “read first”.",
        "all": "People have read all 48 records ranked below “read first”: none was left out by its rank.",
        "one": "People have read the 1 record ranked below “read first”: none was left out by its rank.",
        "no audit": "No audit was drawn from the 48 records ranked below “read first”; 1 of them is unread, and nothing is known of it.",
        "unread": "None of the 20 records of the audit has been read, so nothing is known yet of the 48 unread among the 48 records ranked below “read first”.",
        "part": "39 of 40 audit records, drawn at random from the 400 ranked below “read first”, have been read and none was relevant; those still to be read are counted as if they were: with 95% confidence at most 43 of the 361 unread are relevant.",
        "read": "All 20 audit records, drawn at random from the 48 ranked below “read first”, were read and none was relevant: with 95% confidence at most 5 of the 28 unread are relevant.",
        "found": "All 40 audit records, drawn at random from the 400 ranked below “read first”, were read and 1 was relevant: with 95% confidence at most 42 of the 360 unread are relevant, and as relevant records do lie there, the rest should be read.",
        "sure": "All 47 audit records, drawn at random from the 48 ranked below “read first”, were read and none was relevant: with 95% confidence none of the 1 unread is relevant.",
        "few": "The 1 audit record, drawn at random from the 48 ranked below “read first”, was read and none was relevant: this is too few to say anything of the 10 unread.",
        "bad": "All 5 audit records, drawn at random from the 8 ranked below “read first”, were read and 5 were relevant: this rules out nothing for the 3 unread.",
    }


def test_what_a_promise_would_take_is_said_while_records_are_unread():
    few = a_month(n_total=60, n_found=5, n_found_elsewhere=5)
    assert few["promise"] == (
        "With 5 records found relevant so far, to promise 95% recall with 95% confidence 58 of these 60 would"
        " have to be read, even if the ranking were perfect."
    )
    assert a_month(n_total=60, n_found=0)["promise"].startswith("With no relevant record found so far, to")
    assert a_month(n_total=60, n_found=5, n_unread=0)["promise"] == ""
    assert a_month()["promise"] == ""


def test_the_target_is_declared_only_where_the_random_audit_proves_it():
    proved = a_month(n_below=100, n_audit=80, n_audit_read=80, n_found=60, n_found_elsewhere=60, n_total=200)
    assert proved["p_target_missed"] < 0.05
    assert proved["promise"] == (
        "That at least 95% of the month's relevant records are found holds with 95% confidence."
    )
    part = a_month(n_below=100, n_audit=80, n_audit_read=79, n_found=60, n_found_elsewhere=60, n_total=200)
    assert part["p_target_missed"] is None
    assert part["promise"].startswith("With 60 records found")
    assert a_month(n_found=5, n_found_elsewhere=5)["p_target_missed"] > 0.05


@pytest.mark.parametrize(
    "counts",
    [
        {"n_audit": 49},
        {"n_audit_read": 21},
        {"n_audit_relevant": 21},
        {"n_unread": 29},
        {"n_unread": -1},
        {"n_audit_read": 15, "n_unread": 4},
        {"confidence": 1.0},
        {"n_total": 3, "n_found": 4},
        {"n_found": 1, "n_found_elsewhere": 1, "target": 0.0},
    ],
)
def test_counts_that_contradict_each_other_are_refused(counts):
    with pytest.raises(ValueError, match=r"\d"):
        a_month(**counts)


def test_audits_of_all_months_are_pooled():
    found = stopping.cumulative(months(("2020-01", 48, 20, 20, 0, 28), ("2020-02", 100, 40, 40, 1, 10)))
    share = stats.beta.ppf(0.95, 2, 59)
    assert found["share_upper"] == pytest.approx(share)
    assert (found["n_audit"], found["n_audit_relevant"], found["n_unread"]) == (60, 1, 38)
    assert found["bound_missed"] == int(np.ceil(share * 38)) == 3
    level = 1 - 0.05 / 2
    apart = [
        stopping.unread_relevant(n_records=48, n_sampled=20, n_relevant=0, confidence=level),
        min(10, stopping.unread_relevant(n_records=100, n_sampled=40, n_relevant=1, confidence=level)),
    ]
    assert found["bound_missed_by_month"] == sum(apart) > found["bound_missed"]
    assert found["sentence"] == (
        "Over 2 months 60 records ranked below “read first” were audited and 1 was relevant: with 95%"
        " confidence at most 7.7% of such records are relevant, that is at most 3 of the 38 that nobody has"
        f" read ({sum(apart)} if the share may differ from month to month)."
    )


def test_a_month_whose_audit_is_unfinished_is_named_and_counted_whole():
    found = stopping.cumulative(
        months(("2020-01", 100, 60, 60, 0, 40), ("2020-02", 48, 20, 19, 0, 29), ("2020-03", 9, 0, 0, 0, 9))
    )
    alone = stopping.cumulative(months(("2020-01", 100, 60, 60, 0, 40)))
    assert found["months_not_covered"] == ["2020-02", "2020-03"]
    assert found["n_not_covered"] == 38
    assert found["bound_missed"] == alone["bound_missed"] + 38
    assert found["bound_missed_by_month"] < 40 + 29 + 9
    assert found["sentence"].endswith(
        "Nothing is known of 38 records unread where no audit was read to its end (2020-02, 2020-03)."
    )


def test_where_every_record_was_read_nothing_is_missed_and_it_is_said():
    found = stopping.cumulative(months(("2020-01", 48, 20, 20, 2, 0), ("2020-02", 5, 0, 0, 0, 0)))
    assert (found["state"], found["bound_missed"], found["bound_missed_by_month"]) == (
        stopping.ALL_READ,
        0,
        0,
    )
    assert found["sentence"] == (
        "Over 2 months people have read all 53 records ranked below “read first”: none was left out by its rank."
    )


def test_an_audit_of_a_month_read_to_the_end_speaks_for_the_others_but_needs_no_part_of_the_level():
    found = stopping.cumulative(months(("2020-01", 48, 20, 20, 0, 0), ("2020-02", 48, 20, 20, 0, 28)))
    assert found["share_upper"] == pytest.approx(1 - 0.05 ** (1 / 40))
    assert found["bound_missed_by_month"] == a_month()["bound_missed"]


@pytest.mark.parametrize(
    ("rows", "state", "bound", "sentence"),
    [
        ([], stopping.NONE_LOW, 0, "Over 0 months no record was ranked below “read first”."),
        ([("2020-01", 0, 0, 0, 0, 0)], stopping.NONE_LOW, 0, "Over 1 month no record was ranked below “read first”."),
        (
            [("2020-01", 48, 20, 0, 0, 48)],
            stopping.NO_AUDIT,
            48,
            "Over 1 month 48 of the 48 records ranked below “read first” are unread. Nothing is known of 48 records unread where no audit was read to its end (2020-01).",
        ),
        (
            [("2020-01", 3, 1, 1, 1, 2)],
            stopping.AUDIT_READ,
            2,
            "Over 1 month 1 record ranked below “read first” was audited and 1 was relevant: with 95% confidence at most 100% of such records are relevant, which rules out nothing for the 2 that nobody has read.",
        ),
    ],
)  # fmt: skip
def test_edges_over_months(rows, state, bound, sentence):
    found = stopping.cumulative(months(*rows))
    assert (found["state"], found["bound_missed"], found["sentence"]) == (state, bound, sentence)
    json.dumps(found)


def test_a_month_that_stands_twice_is_refused():
    with pytest.raises(ValueError, match="twice"):
        stopping.cumulative(months(("2020-01", 5, 0, 0, 0, 5), ("2020-01", 5, 0, 0, 0, 5)))


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0%"), (0.001, "under 1%"), (0.5, "50%"), (0.994, "99%"), (0.999, "over 99%"), (1, "100%")],
)
def test_a_share_is_never_rounded_to_none_or_all(share, text):
    assert stopping.percent(share) == text


def test_two_shares_that_differ_do_not_read_the_same_beside_each_other():
    assert stopping.percent(0.946, beside=0.95) == "94.6%"
    assert stopping.percent(0.95, beside=0.95) == "95%"
    assert stopping.percent(0.9, beside=0.95) == "90%"


def test_an_upper_bound_is_rounded_up():
    found = stopping.cumulative(months(("2020-01", 100, 40, 40, 0, 60)))
    assert found["share_upper"] == pytest.approx(1 - 0.05 ** (1 / 40))  # 7.216%
    assert "at most 7.3% of such records" in found["sentence"]


def test_recall_of_nothing_is_not_declared():
    found = a_month(n_below=100, n_audit=98, n_audit_read=98, n_found=0, n_found_elsewhere=0, n_total=100)
    assert found["p_target_missed"] == pytest.approx(0.02)
    assert found["promise"].startswith("With no relevant record found so far, to promise 95% recall")
