"""The status block: what was found, what waits, and when the next search is due."""

import pandas as pd
import pytest

from livingreview.living import status
from livingreview.screening import decisions as ledger
from livingreview.search.events import ALERTS
from livingreview.trials import notices as cascade

COLUMNS = ["record_id", "title", "source", "first_run", "last_run", "duplicate_of"]
MORE = ["pmid", "retrieval", "editorial_status", "notices"]
EVENT = ["run", "pmid", "event", "date", "date_revised", "other_pmid", "detail"]


def corpus(*rows):
    """Records as (cells of COLUMNS..., cells of MORE by name); those of PubMed are found by its search."""
    filled = []
    for row in rows:
        cells, about = (row[:-1], row[-1]) if isinstance(row[-1], dict) else (row, {})
        made = dict.fromkeys([*COLUMNS, *MORE]) | dict(zip(COLUMNS, cells, strict=True))
        if made["source"] == "PubMed":
            made |= {"pmid": made["record_id"], "retrieval": "found"}
        filled.append(made | about)
    return pd.DataFrame(filled, columns=[*COLUMNS, *MORE], dtype=object)


def happened(*rows):
    """Events: (run, pmid, event)."""
    day = {"date": "2020-02-01", "date_revised": "2020-01-20", "other_pmid": "900", "detail": "as printed"}
    made = [dict(zip(EVENT, row, strict=False)) | day for row in rows]
    return pd.DataFrame(made, columns=EVENT, dtype=object)


@pytest.fixture
def describe():
    def run(
        records,
        statuses=(),
        queue=(),
        included=(),
        effects=(),
        *,
        awaiting=(),
        events=(),
        living=None,
        extraction=(),
        notices=(),
        studies=(),
    ):
        standing = [(*row, None)[:4] for row in statuses]
        return status.describe(
            corpus(*records),
            pd.DataFrame(standing, columns=["record_id", "status", "since_run", "waits_for"], dtype=object),
            pd.DataFrame(queue, columns=["record_id", "stage", "state", "first_run"], dtype=object),
            pd.DataFrame(included, columns=["study_id", "record_ids"], dtype=object),
            pd.DataFrame(effects, columns=["study", "in_pool"]).astype({"in_pool": bool}),
            awaiting=pd.DataFrame(awaiting, columns=["record_id", "since_run"], dtype=object),
            events=happened(*events),
            notices=pd.DataFrame(notices, columns=list(cascade.COLUMNS), dtype=object),
            studies=pd.DataFrame(studies, columns=["study_id", "first_author", "year"], dtype=object),
            run="2020-02",
            provenance={"searched_at": "2020-02-01T00:00:00Z", "base_url": "sandbox", "count": 3},
            living=living or {"mode": "active", "search_every_months": 1},
            extraction=list(extraction),
        )

    return run


RECORDS = [
    ("101", "One", "PubMed", "2020-01", "2020-02", None),
    ("102", "Two", "PubMed", "2020-02", "2020-02", None),
    ("103", "Three", "PubMed", "2020-01", "2020-01", None, {"retrieval": "no longer found"}),
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
            "months": 0,
            "waits_for": None,
        },
        {
            "record_id": "101",
            "title": "One",
            "stage": "full-text",
            "state": "awaiting",
            "since_run": "2020-01",
            "months": 1,
            "waits_for": None,
        },
    ]
    assert (found["n_queue"], found["n_awaiting"], found["oldest_waiting_since"]) == (2, 1, "2020-01")


def test_a_record_that_is_put_off_again_still_has_its_whole_age(describe):
    """The latest decision is of this month; it has awaited since the year before."""
    found = describe(
        RECORDS,
        [("101", ledger.AWAITING, "2020-02"), ("102", ledger.TO_ASSESS, "2020-01")],
        [("102", "full-text", "undecided", "2019-10"), ("101", "full-text", "awaiting", "2019-06")],
        awaiting=[("101", "2019-07")],
    )
    assert [(row["since_run"], row["months"]) for row in found["waiting"]] == [("2020-01", 1), ("2019-07", 7)]
    assert found["oldest_waiting_since"] == "2019-07"


def test_records_that_wait_for_a_second_reviewer_or_an_adjudicator_are_counted(describe):
    queue = [(name, "title-abstract", "new", "2020-02") for name in ("101", "102", "other:a")]
    found = describe(
        RECORDS,
        [
            ("101", ledger.UNSCREENED, None, ledger.SECOND_REVIEWER),
            ("102", ledger.UNSCREENED, None, ledger.ADJUDICATION),
            ("other:a", ledger.UNSCREENED, None, ledger.SECOND_REVIEWER),
        ],
        queue,
    )
    assert (found["n_second_reviewer"], found["n_conflicts"], found["n_queue"]) == (2, 1, 3)
    assert found["waiting"][0] == {
        "record_id": "101",
        "title": "One",
        "stage": "title-abstract",
        "state": "new",
        "since_run": "2020-02",
        "months": 0,
        "waits_for": ledger.SECOND_REVIEWER,
    }


def test_included_records_that_the_search_no_longer_finds_are_named(describe):
    found = describe(RECORDS, included=[("a_2020", "101; 103"), ("b_2020", "other:a")])
    assert found["sentinels"] == {
        "n": 2,
        "missing": [{"record_id": "103", "pmid": "103", "title": "Three", "reason": "no longer found"}],
        "without_pmid": 1,
    }
    assert found["studies_included"] == 2


def test_an_included_record_that_left_pubmed_is_missing_for_that_reason():
    records = corpus(("101", "One", "PubMed", "2020-01", "2020-01", None, {"retrieval": "gone from PubMed"}))
    (missing,) = status.sentinels(records, {"101"})["missing"]
    assert missing["reason"] == "gone from PubMed"


def test_an_imported_record_with_a_pmid_tests_the_search_that_never_found_it():
    records = corpus(("201", "Other", "Embase", "2020-01", "2020-01", None, {"pmid": "201"}))
    assert status.sentinels(records, {"201"}) == {
        "n": 1,
        "missing": [
            {"record_id": "201", "pmid": "201", "title": "Other", "reason": "never found by the search"}
        ],
        "without_pmid": 0,
    }


def test_records_that_nobody_included_test_nothing():
    assert status.sentinels(corpus(*RECORDS), set()) == {"n": 0, "missing": [], "without_pmid": 0}


def test_notices_on_reports_are_told_in_every_run_with_their_studies(describe):
    found = describe(
        RECORDS,
        [("101", ledger.INCLUDED, "2020-01"), ("103", ledger.EXCLUDED_FULL_TEXT, "2020-01")],
        notices=[
            ("101", "a_2020", "retracted", "excluded", "RetractionIn:900", "2020-01"),
            ("102", "a_2020", "other report", "excluded", "", "2020-01"),
            ("103", None, "expression of concern", "flagged", "ExpressionOfConcernIn:901", "2020-02"),
        ],
        studies=[("a_2020", "Example", "2020")],
    )
    assert found["studies_withdrawn"] == 1
    assert found["notices_on_included"] == [
        {
            "record_id": "101",
            "title": "One",
            "study_id": "a_2020",
            "label": "Example 2020",
            "editorial_status": "retracted",
            "effect": "excluded",
            "notices": "RetractionIn:900",
            "since_run": "2020-01",
            "read": True,
        },
        {
            "record_id": "103",
            "title": "Three",
            "study_id": None,
            "label": None,
            "editorial_status": "expression of concern",
            "effect": "flagged",
            "notices": "ExpressionOfConcernIn:901",
            "since_run": "2020-02",
            "read": False,
        },
    ]


STANDING = [
    ("101", ledger.INCLUDED, "2020-01"),
    ("102", ledger.UNSCREENED, None),
    ("103", ledger.EXCLUDED_TITLE_ABSTRACT, "2020-01"),
    ("other:a", ledger.UNSCREENED, None),
    ("other:b", ledger.UNSCREENED, None),
]


def alerted(found):
    return [(row["record_id"], row["event"]) for row in found["alerts"]]


def test_a_retraction_of_an_included_record_is_put_to_people(describe):
    found = describe(RECORDS, STANDING, events=[("2020-02", "101", "retraction")])
    assert found["alerts"] == [
        {
            "record_id": "101",
            "title": "One",
            "status": ledger.INCLUDED,
            "event": "retraction",
            "date": "2020-02-01",
            "other_pmid": "900",
            "detail": "as printed",
        }
    ]


@pytest.mark.parametrize("excluded", [ledger.EXCLUDED_TITLE_ABSTRACT, ledger.EXCLUDED_FULL_TEXT])
def test_of_an_excluded_record_only_an_abstract_that_comes_late_matters(describe, excluded):
    standing = [row for row in STANDING if row[0] != "103"] + [("103", excluded, "2020-01")]
    events = [("2020-02", "103", event) for event in ("retraction", "abstract added", "abstract changed")]
    assert alerted(describe(RECORDS, standing, events=events)) == [("103", "abstract added")]


@pytest.mark.parametrize("event", ALERTS)
def test_every_weighty_change_of_a_record_not_decided_on_is_put_to_people(describe, event):
    assert alerted(describe(RECORDS, STANDING, events=[("2020-02", "102", event)])) == [("102", event)]


@pytest.mark.parametrize("event", ["MeSH added", "comment", "indexing status changed", "found again"])
def test_changes_that_alter_nothing_for_the_review_need_nobody(describe, event):
    assert alerted(describe(RECORDS, STANDING, events=[("2020-02", "101", event)])) == []


def test_changes_of_earlier_runs_were_put_to_people_then(describe):
    events = [("2020-01", "101", "retraction"), ("2020-02", "101", "erratum")]
    assert alerted(describe(RECORDS, STANDING, events=events)) == [("101", "erratum")]


def test_an_event_of_a_pmid_that_is_no_record_is_passed_over(describe):
    """A PMID that PubMed lists and does not hold has no row, and so nobody to alert."""
    assert alerted(describe(RECORDS, STANDING, events=[("2020-02", "999", "no longer found")])) == []


def test_studies_in_pools_are_counted_once(describe):
    found = describe(
        RECORDS, effects=[("a_2020", True), ("a_2020", True), ("b_2020", False), ("c_2020", True)]
    )
    assert (found["studies_in_any_pool"], found["rows_in_pools"], found["rows_extracted"]) == (2, 3, 4)


def test_an_empty_review_has_a_status(describe):
    found = describe([])
    assert found["waiting"] == found["awaiting_extraction"] == found["notices_on_included"] == []
    assert found["alerts"] == []
    assert found["sentinels"] == {"n": 0, "missing": [], "without_pmid": 0}
    assert (found["oldest_waiting_since"], found["studies_included"], found["rows_in_pools"]) == (None, 0, 0)
    assert (found["n_second_reviewer"], found["n_conflicts"]) == (0, 0)


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
