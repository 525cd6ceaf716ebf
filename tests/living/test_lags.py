"""Lags between stages: days where both are known in their own month, months otherwise, and what is unknown."""

import pandas as pd
import pytest

from livingreview.living import lags


@pytest.fixture
def stages(example_frame):
    def run(records, *, decisions=(), reports=(), outcomes=(), releases=(), at="2020-06", estimated=()):
        columns = ["record_id", "source", "duplicate_of", "arrival", "entry_date", "first_run"]
        return lags.stages(
            pd.DataFrame(records, columns=columns, dtype=object),
            example_frame("screening", *decisions),
            example_frame("reports", *reports),
            example_frame("outcomes", *outcomes),
            run=at,
            searched={"2020-01": "2020-01-01T00:00:00+00:00", "2020-02": "2020-02-01T08:00:00+00:00"},
            releases=releases,
            estimated=estimated,
        )

    return run


def record(record_id, *, arrival="newly entered", entry="2020-01-11", first="2020-02", source="PubMed"):
    return (record_id, source, None, arrival, entry, first)


def decision(record_id, stage, run, day, decision="include"):
    return {"record_id": record_id, "stage": stage, "run": run, "decided_at": day, "decision": decision}


def test_a_record_is_followed_from_its_entry_to_its_release(stages):
    (row,) = stages(
        [record("101")],
        decisions=[
            decision("101", "title-abstract", "2020-02", "2020-02-11"),
            decision("101", "full-text", "2020-03", "2020-05-01"),  # filed later than its month
        ],
        reports=[{"record_id": "101", "study_id": "example_2020", "run": "2020-03"}],
        outcomes=[{"run": "2020-04"}],
        releases=[
            {"run": "2020-03", "frozen_on": "2020-03-20", "studies": []},
            {"run": "2020-05", "frozen_on": "2020-05-21", "studies": ["example_2020"]},
        ],
        estimated=["101"],
    )
    assert row == {
        "record_id": "101",
        "excluded": False,
        "estimated": True,
        "entry": "2020-01-11",
        "found": "2020-02-01",
        "screened": "2020-02-11",
        "included": "2020-03",
        "extracted": "2020-04",
        "reported": "2020-05-21",
    }


def test_records_of_the_first_search_of_other_sources_and_duplicates_are_left_out(stages):
    duplicate = (*record("104")[:2], "101", *record("104")[3:])
    rows = stages(
        [
            record("101"),
            record("102", arrival="first search", first="2020-01"),
            record("x:1", source="Example", arrival=None),
            duplicate,
        ]
    )
    assert [row["record_id"] for row in rows] == ["101"]


def test_what_happens_after_the_run_has_not_happened(stages):
    (row,) = stages(
        [record("101")],
        decisions=[decision("101", "title-abstract", "2020-03", "2020-03-01")],
        at="2020-02",
    )
    assert row["screened"] is None


def test_days_count_where_both_are_known_and_months_otherwise():
    assert lags.months("2020-01-01", "2020-01-31") == (pytest.approx(30 / 30.4375), True)
    assert lags.months("2019-12-31", "2020-02") == (2.0, False)


def row(**cells):
    return {"record_id": "1", "excluded": False, "estimated": False} | dict.fromkeys(lags.STAGES) | cells


def test_each_step_has_its_median_range_and_what_is_not_known():
    found = lags.summarise(
        [
            row(entry="2020-01-01", found="2020-02-01", screened="2020-02", estimated=True),
            row(entry="2020-01-02", found="2020-04-01", screened="2020-07"),
            row(found="2020-03-01"),
            row(entry="2020-01-02", found="2020-02-01", screened="2020-02", excluded=True),
        ],
        n_first_search=5,
    )
    first, second, third = found["steps"][:3]
    assert (first["n"], first["by_day"], first["by_month"], first["estimated"]) == (3, 3, 0, 1)
    assert (first["median"], first["high"]) == (pytest.approx(31 / 30.4375), pytest.approx(90 / 30.4375))
    assert (first["not_yet"], first["unknown"]) == (0, 1)
    assert (second["n"], second["by_month"], second["low"], second["median"], second["high"]) == (
        3,
        3,
        0,
        0,
        3,
    )
    assert second["not_yet"] == 1
    assert (third["n"], third["median"], third["low"], third["not_yet"]) == (0, None, None, 2)
    assert (found["n_records"], found["n_first_search"]) == (4, 5)


def test_without_records_every_step_is_empty(stages):
    assert stages([]) == []
    assert {step["n"] for step in lags.summarise([], n_first_search=0)["steps"]} == {0}
