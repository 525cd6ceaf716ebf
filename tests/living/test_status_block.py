"""The status block: what was found, what waits, and when the next search is due."""

import pandas as pd
import pytest

from livingreview.living import status
from livingreview.screening import decisions as ledger


@pytest.fixture
def describe():
    def run(records, statuses=(), queue=(), included=(), effects=(), *, living=None, extraction=()):
        return status.describe(
            pd.DataFrame(
                records,
                columns=["record_id", "title", "source", "first_run", "last_run", "duplicate_of"],
                dtype=object,
            ),
            pd.DataFrame(statuses, columns=["record_id", "status", "since_run"], dtype=object),
            pd.DataFrame(queue, columns=["record_id", "stage", "state", "first_run"], dtype=object),
            pd.DataFrame(included, columns=["study_id", "record_ids"], dtype=object),
            pd.DataFrame(effects, columns=["study", "in_pool"]).astype({"in_pool": bool}),
            run="2020-02",
            provenance={"searched_at": "2020-02-01T00:00:00Z", "base_url": "sandbox", "count": 3},
            living=living or {"mode": "active", "search_every_months": 1},
            extraction=list(extraction),
        )

    return run


RECORDS = [
    ("101", "One", "PubMed", "2020-01", "2020-02", None),
    ("102", "Two", "PubMed", "2020-02", "2020-02", None),
    ("103", "Three", "PubMed", "2020-01", "2020-01", None),
    ("other:a", "Four", "Example", "2020-02", "2020-02", None),
    ("other:b", "Two", "Example", "2020-02", "2020-02", "102"),
]


def test_new_records_are_those_first_seen_in_this_run_without_duplicates(describe):
    found = describe(RECORDS)
    assert (found["n_matched"], found["n_new_records"], found["n_new_other"]) == (3, 1, 1)


def test_what_people_decided_in_this_run_is_counted(describe):
    found = describe(
        RECORDS,
        [
            ("101", ledger.INCLUDED, "2020-02"),
            ("102", ledger.EXCLUDED_TITLE_ABSTRACT, "2020-02"),
            ("103", ledger.INCLUDED, "2020-01"),
            ("other:a", ledger.UNSCREENED, None),
        ],
    )
    assert (found["n_decided_this_run"], found["n_included_this_run"]) == (2, 1)


def test_waiting_records_say_since_when(describe):
    found = describe(
        RECORDS,
        [("101", ledger.AWAITING, "2020-01"), ("102", ledger.UNSCREENED, None)],
        [("102", "title-abstract", "new", "2020-02"), ("101", "full-text", "awaiting", "2019-06")],
    )
    assert found["waiting"] == [
        {
            "record_id": "102",
            "title": "Two",
            "stage": "title-abstract",
            "state": "new",
            "since_run": "2020-02",
        },
        {
            "record_id": "101",
            "title": "One",
            "stage": "full-text",
            "state": "awaiting",
            "since_run": "2020-01",
        },
    ]
    assert (found["n_queue"], found["n_awaiting"], found["oldest_waiting_since"]) == (2, 1, "2020-01")


def test_included_records_that_the_search_no_longer_finds_are_named(describe):
    found = describe(RECORDS, included=[("a_2020", "101; 103"), ("b_2020", "other:a")])
    assert found["included_not_found_by_search"] == ["103"]
    assert found["included_from_other_sources"] == 1
    assert found["studies_included"] == 2


def test_studies_in_pools_are_counted_once(describe):
    found = describe(
        RECORDS, effects=[("a_2020", True), ("a_2020", True), ("b_2020", False), ("c_2020", True)]
    )
    assert (found["studies_in_any_pool"], found["rows_in_pools"], found["rows_extracted"]) == (2, 3, 4)


def test_an_empty_review_has_a_status(describe):
    found = describe([])
    assert found["waiting"] == found["awaiting_extraction"] == found["included_not_found_by_search"] == []
    assert (found["oldest_waiting_since"], found["studies_included"], found["rows_in_pools"]) == (None, 0, 0)


@pytest.mark.parametrize("mode", ["paused", "retired"])
def test_no_next_search_is_announced_unless_the_review_is_active(describe, mode):
    found = describe([], living={"mode": mode, "search_every_months": 1})
    assert (found["living_mode"], found["next_run"]) == (mode, None)
    assert describe([])["next_run"] == "2020-03"


def test_the_sandbox_is_named_as_such(describe):
    assert describe([])["sandbox"] is True


@pytest.mark.parametrize(
    ("run", "months", "expected"),
    [
        ("2020-01", 1, "2020-02"),
        ("2020-11", 1, "2020-12"),
        ("2020-12", 1, "2021-01"),
        ("2020-06", 12, "2021-06"),
        ("2020-10", 27, "2023-01"),
    ],
)
def test_the_next_run_is_so_many_months_later(run, months, expected):
    assert status.next_run(run, months) == expected
