"""The audit of a month is a random sample of its low-ranked records, whoever has read them when."""

import numpy as np
import pandas as pd
import pytest

from livingreview.screening import audit, bands, stopping
from livingreview.screening import decisions as ledger_module

TA, FT = "title-abstract", "full-text"
TWO = {"role": "independent reviewer"}


def corpus(**first_runs):
    ids = [(one, run) for run, many in first_runs.items() for one in many]
    return pd.DataFrame(
        {
            "record_id": [str(one) for one, _ in ids],
            "first_run": [run.replace("m", "2020-") for _, run in ids],
        },
        dtype=object,
    )


def shown(records, decisions, waiting, *, run="2020-02", size=2):
    frame = audit.ranked(records, decisions, waiting, run=run)
    sample = audit.drawn(frame, size=size, seed=1)
    return (
        frame.set_index("record_id"),
        sample,
        {row["month"]: row for row in audit.months(frame, sample, run=run)},
    )


def test_a_record_keeps_the_band_that_its_first_reader_saw_and_the_month_that_found_it(ledger):
    decisions = ledger(
        ("101", "2020-02", TA, "awaiting", {"band": "then"}),
        ("101", "2020-02", TA, "include", {"band": "read first"}),
        ("102", "2020-02", TA, "exclude", {"band": "read next"}),
        ("103", "2020-02", TA, "exclude"),
        ("104", "2020-03", TA, "exclude", {"band": "audit"}),
    )
    waiting = {"101": "read first", "104": "read first", "105": "then"}
    frame, _, months = shown(corpus(m01=[101, 102, 103], m02=[104, 105]), decisions, waiting)
    assert frame["band"].tolist() == [
        "then",
        "read next",
        None,
        "read first",
        "then",
    ]
    assert frame["low"].tolist() == [True, False, False, False, True]
    assert frame["read"].tolist() == [True, True, True, False, False]
    assert frame["relevant"].tolist() == [True, False, False, False, False]
    assert months == {
        "2020-01": {
            "month": "2020-01",
            "n_below": 1,
            "n_audit": 0,
            "n_audit_read": 0,
            "n_audit_relevant": 0,
            "n_unread": 0,
        },
        "2020-02": {
            "month": "2020-02",
            "n_below": 1,
            "n_audit": 1,
            "n_audit_read": 0,
            "n_audit_relevant": 0,
            "n_unread": 1,
            "n_total": 2,
            "n_found": 0,
            "n_found_elsewhere": 0,
        },
    }


@pytest.mark.parametrize(
    ("rows", "relevant"),
    [
        ([(TA, "include")], True),
        ([(TA, "exclude")], False),
        ([(TA, "awaiting")], True),
        ([(TA, "exclude"), (TA, "include")], True),
        ([(TA, "include"), (TA, "exclude")], False),
        ([(TA, "include"), (FT, "exclude")], True),
        ([(FT, "exclude")], False),
        ([(TA, "exclude", TWO | {"reviewer": "A"})], False),
        ([(TA, "include", TWO | {"reviewer": "A"})], False),
        ([(TA, "exclude", TWO | {"reviewer": "A"}), (TA, "exclude", TWO | {"reviewer": "B"})], False),
        ([(TA, "exclude", TWO | {"reviewer": "A"}), (TA, "include", TWO | {"reviewer": "B"})], True),
    ],
)
def test_relevant_is_what_is_not_excluded_in_force_on_title_and_abstract(ledger, rows, relevant):
    decisions = ledger(*(("101", "2020-01", *row) for row in rows))
    frame, _, _ = shown(corpus(m01=[101]), decisions, {})
    assert frame["relevant"].tolist() == [relevant]


def test_an_adjudication_settles_what_is_relevant(ledger):
    decisions = ledger(
        ("101", "2020-01", TA, "exclude", TWO | {"reviewer": "A", "band": "audit"}),
        ("101", "2020-01", TA, "include", TWO | {"reviewer": "B", "band": "then"}),
        ("101", "2020-01", TA, "exclude", {"role": "adjudicator", "reviewer": "C"}),
    )
    frame, sample, months = shown(corpus(m01=[101]), decisions, {})
    assert frame.loc["101", ["band", "read", "relevant"]].tolist() == ["audit", True, False]
    assert sample == {"101"}
    assert months["2020-01"]["n_audit_relevant"] == 0


def test_the_sample_stays_while_its_records_are_decided_in_whatever_month(ledger):
    records = corpus(m01=range(101, 121))
    waiting = dict.fromkeys(records["record_id"], "then")
    _, sample, _ = shown(records, ledger(), waiting, run="2020-01", size=5)
    assert len(sample) == 5
    rows = []
    for number, one in enumerate(sorted(waiting, key=lambda one: (one not in sample, one))[:9]):
        band = "audit" if one in sample else "then"
        rows.append((one, f"2020-0{1 + number // 3}", TA, "exclude", {"band": band}))
        left = {other: "then" for other in waiting if other not in {row[0] for row in rows}}
        _, again, months = shown(records, ledger(*rows), left, run="2020-03", size=5)
        assert again == sample
        row = months["2020-01"]
        assert (row["n_below"], row["n_audit"]) == (20, 5)
        assert row["n_audit_read"] == min(number + 1, 5)
        assert row["n_unread"] == 19 - number


def test_decisions_after_the_run_do_not_exist_yet(ledger):
    records = corpus(m01=[101, 102])
    decisions = ledger(("101", "2020-03", TA, "include", {"band": "audit"}))
    waiting = {"101": "then", "102": "then"}
    frame, sample, months = shown(records, decisions, waiting)
    assert not frame["read"].any()
    assert (months["2020-01"]["n_audit"], months["2020-01"]["n_audit_read"], len(sample)) == (2, 0, 2)


def test_months_without_low_ranked_records_are_left_out_but_for_this_one(ledger):
    records = corpus(m01=[101], m02=[102])
    waiting = {"101": "read first", "102": "read first"}
    assert list(shown(records, ledger(), waiting)[2]) == ["2020-02"]
    assert shown(records, ledger(), waiting, run="2020-03")[2] == {}
    assert shown(corpus(), ledger(), {})[2] == {}


def test_a_record_of_unknown_month_counts_for_this_one(ledger):
    records = corpus(m01=[101]).assign(first_run=None)
    assert shown(records, ledger(), {"101": "then"})[2]["2020-02"]["n_audit"] == 1


def random_ledger(rng, ids):
    """Rows as people could have filed them, and some that they could not."""
    rows = []
    for one in ids:
        for _ in range(rng.integers(0, 4)):
            role = rng.choice([None, "independent reviewer", "independent reviewer", "adjudicator"])
            cells = {
                "role": role,
                "reviewer": str(rng.choice(["A", "B"])),
                "band": rng.choice([None, "read next", "not ranked by decisions", *bands.BANDS]),
                "note": "agreed",
            }
            decision, run = rng.choice(["include", "exclude", "awaiting"]), f"2020-0{rng.integers(1, 5)}"
            rows.append((str(one), run, str(rng.choice([TA, TA, FT])), str(decision), cells))
    return sorted(rows, key=lambda row: row[1])


@pytest.mark.parametrize("seed", range(25))
def test_whatever_people_file_the_counts_fit_together_and_the_bounds_can_be_worked_out(ledger, seed):
    rng = np.random.default_rng(seed)
    ids = range(101, 101 + int(rng.integers(0, 40)))
    months = [f"2020-0{rng.integers(1, 4)}" for _ in ids]
    records = pd.DataFrame({"record_id": [str(one) for one in ids], "first_run": months}, dtype=object)
    decisions = ledger(*random_ledger(rng, ids))
    run, size = "2020-03", int(rng.integers(0, 6))
    state = ledger_module.statuses(records["record_id"], decisions, run=run, stages=[TA, FT])
    asked = state.loc[state["ask"].notna(), "record_id"]
    waiting = {one: str(rng.choice(["read first", "then", "no abstract"])) for one in asked}
    frame = audit.ranked(records, decisions, waiting, run=run)
    sample = audit.drawn(frame, size=size, seed=1)
    rows = audit.months(frame, sample, run=run)
    assert sum(row["n_below"] for row in rows) == frame["low"].sum()
    assert all(row["n_audit"] >= min(size, row["n_unread"]) for row in rows)
    for row in rows:
        known = stopping.month(**{name: value for name, value in row.items() if name != "month"})
        assert known["bound_missed"] <= row["n_unread"]
    over_all = stopping.cumulative(pd.DataFrame(rows, columns=["month", *stopping.COUNTS]))
    assert over_all["n_unread"] == (frame["low"] & ~frame["read"]).sum()


def test_what_was_read_as_audit_stays_one_when_the_protocol_changes_size_or_seed(ledger):
    records = corpus(m01=range(101, 121))
    decisions = ledger(*((str(one), "2020-01", TA, "exclude", {"band": "audit"}) for one in (103, 107, 111)))
    waiting = {one: "then" for one in records["record_id"] if one not in ("103", "107", "111")}
    frame = audit.ranked(records, decisions, waiting, run="2020-02")
    for seed in (1, 2):
        assert audit.drawn(frame, size=2, seed=seed) == {"103", "107", "111"}
        more = audit.drawn(frame, size=5, seed=seed)
        assert {"103", "107", "111"} < more
        assert len(more) == 5


def test_what_one_of_two_reviewers_has_decided_does_not_show_in_the_audit(ledger):
    waiting = dict.fromkeys(["101", "102", "103"], "audit")
    records = corpus(m01=[101, 102, 103])
    one = [("101", "2020-01", TA, "exclude", TWO | {"reviewer": "A", "band": "audit"})]
    frame, sample, rows = shown(records, ledger(*one), waiting, size=3)
    untouched, sample_before, rows_before = shown(records, ledger(), waiting, size=3)
    assert (frame.equals(untouched), sample, rows) == (True, sample_before, rows_before)
    both = [*one, ("101", "2020-01", TA, "exclude", TWO | {"reviewer": "B", "band": "audit"})]
    _, _, rows = shown(records, ledger(*both), {"102": "audit", "103": "audit"}, size=3)
    assert (rows["2020-01"]["n_audit_read"], rows["2020-01"]["n_audit_relevant"]) == (1, 0)
