"""Every run is told as it stood at its end, from state alone."""

import pandas as pd
import pytest

from livingreview.living import history
from livingreview.trials.notices import COLUMNS as NOTICE

STAGES = ["title-abstract", "full-text"]


def provenance(run, count, **cells):
    return {"run": run, "searched_at": f"{run}-01T00:00:00+00:00", "count": count, "base_url": "x"} | cells


PROVENANCES = [
    provenance("2020-03", 4, query_changed=True),
    provenance("2020-01", 2, query_changed=True),  # a first query is no changed one
    provenance("2020-02", 3),
]


@pytest.fixture
def runs(example_frame):
    def tell(records, *, decisions=(), reports=(), outcomes=(), notices=(), events=(), releases=()):
        columns = ["record_id", "source", "first_run", "duplicate_of"]
        return history.runs(
            pd.DataFrame(records, columns=columns, dtype=object),
            decisions=example_frame("screening", *decisions),
            reports=example_frame("reports", *reports),
            outcomes=example_frame("outcomes", *outcomes),
            notices=pd.DataFrame(notices, columns=list(NOTICE), dtype=object),
            events=pd.DataFrame(events, columns=["run", "pmid", "event"], dtype=object),
            provenances=PROVENANCES,
            releases=releases,
            stages=STAGES,
        )

    return tell


RECORDS = [
    ("101", "PubMed", "2020-01", None),
    ("102", "PubMed", "2020-01", None),
    ("103", "PubMed", "2020-02", None),
    ("x:1", "Example", "2020-02", None),
    ("x:2", "Example", "2020-02", "101"),
]


def decision(record_id, stage, run, decision, reason=""):
    return {
        "record_id": record_id,
        "stage": stage,
        "run": run,
        "decision": decision,
        "reason": reason,
        "decided_at": f"{run}-09",
    }


DECISIONS = [
    decision("101", "title-abstract", "2020-01", "include"),
    decision("101", "full-text", "2020-01", "include"),
    decision("102", "title-abstract", "2020-01", "include"),
    decision("102", "full-text", "2020-01", "awaiting"),
    decision("103", "title-abstract", "2020-02", "exclude"),
    decision("102", "full-text", "2020-03", "include"),
]


def column(rows, name):
    """A column by run, oldest first."""
    return [row[name] for row in rows[::-1]]


def test_each_run_counts_what_it_found_and_what_people_decided_in_it(runs):
    found = runs(RECORDS, decisions=DECISIONS)
    assert column(found, "run") == ["2020-01", "2020-02", "2020-03"]
    assert column(found, "n_matched") == [2, 3, 4]
    assert column(found, "n_new") == [2, 1, 0]
    assert column(found, "n_new_other") == [0, 1, 0]
    assert column(found, "query_changed") == [False, False, True]
    assert column(found, "n_decided") == [2, 1, 1]
    assert column(found, "n_included") == [1, 0, 1]
    assert column(found, "n_excluded") == [0, 1, 0]


def test_what_waits_is_counted_at_the_end_of_each_run_with_the_age_of_the_oldest(runs):
    found = runs(RECORDS, decisions=DECISIONS)
    assert column(found, "n_waiting") == [1, 2, 1]
    assert column(found, "n_awaiting") == [1, 1, 0]
    assert column(found, "oldest_waiting_months") == [0, 1, 1]


def test_extraction_corrections_and_releases_stand_in_their_runs(runs):
    found = runs(
        RECORDS,
        reports=[{"record_id": "101", "study_id": "example_2020", "run": "2020-01"}],
        outcomes=[{"run": "2020-02"}, {"run": "2020-03", "revision": "2", "revision_reason": "a slip"}],
        releases=[{"version": "20.1.0", "run": "2020-02", "frozen_on": "2020-02-20", "note": "x"}],
    )
    assert column(found, "n_reports_linked") == [1, 0, 0]
    assert column(found, "n_studies_extracted") == [0, 1, 0]
    assert column(found, "n_corrected") == [0, 0, 1]
    assert [len(row) for row in column(found, "releases")] == [0, 1, 0]
    assert column(found, "releases")[1] == [{"version": "20.1.0", "frozen_on": "2020-02-20", "note": "x"}]


def test_retractions_stand_in_their_runs_also_those_that_were_withdrawn(runs):
    found = runs(
        RECORDS,
        reports=[
            {"record_id": pmid, "study_id": "example_2020", "run": "2020-01"} for pmid in ("101", "102")
        ],
        notices=[("102", "example_2020", "retracted", "excluded", "RetractionIn:9", "2020-03")],
        events=[
            ("2020-02", "101", "retraction"),
            ("2020-03", "101", "retraction removed"),
            ("2020-03", "102", "retraction"),
            ("2020-03", "103", "retraction"),  # no report of a study
        ],
    )
    assert column(found, "n_retracted") == [0, 1, 1]
    assert column(found, "n_restored") == [0, 0, 1]


def test_a_review_without_records_has_its_runs_all_the_same(runs):
    found = runs([])
    assert column(found, "n_waiting") == [0, 0, 0]
    assert column(found, "oldest_waiting_months") == [None] * 3


def test_corrections_of_the_newest_run_are_those_filed_since_the_run_before():
    rows = [("a", "2020-01", 1), ("a", "2020-03", 2), ("b", "2020-02", 2), ("c", "2020-04", 2)]
    outcomes = pd.DataFrame(rows, columns=["study_id", "run", "revision"])
    assert history.corrected(outcomes, [{"run": "2020-03"}, {"run": "2020-02"}]) == ["a"]
    assert history.corrected(outcomes, [{"run": "2020-03"}]) == ["a", "b"]
