"""A person's note clears one finding, until a value that it judged changes."""

import pandas as pd
import pytest

from livingreview import tables
from livingreview.errors import InputError
from livingreview.trials import clearances
from livingreview.trials.plausibility import Finding

FOUND = Finding(
    "a.pain.1", "se_as_sd", "error", "sd_1 is 0.5", "about 2", "standard errors?", (("a.pain.1", "sd_1"),)
)
OUTCOMES = pd.DataFrame(
    [
        {"row_id": "a.pain.1", "sd_1": 0.5, "status": "ok", "set_aside_reason": None},
        {"row_id": "b.pain.1", "sd_1": 2.0, "status": "ok", "set_aside_reason": None},
    ]
)
NONE = pd.DataFrame(columns=tables.columns("clearances"))


def cleared(outcomes=OUTCOMES):
    key = clearances.apply([FOUND], outcomes, NONE)["digest"][0]
    row = ["a.pain.1", "se_as_sd", key, "AB", "mean of items", "2020-01", "2020-01-05"]
    return pd.DataFrame([row], columns=tables.columns("clearances"))


def test_a_finding_without_a_note_is_open():
    found = clearances.apply([FOUND], OUTCOMES, NONE)
    assert list(found.columns) == list(clearances.FINDING_COLUMNS)
    assert found["cleared_by"][0] is None
    assert len(clearances.open_errors(found)) == 1


def test_a_note_clears_its_finding():
    found = clearances.apply([FOUND], OUTCOMES, cleared())
    assert (found["cleared_by"][0], found["clearance_note"][0]) == ("AB", "mean of items")
    assert clearances.open_errors(found).empty
    clearances.refuse_open_errors(found, outcomes_file="outcomes.csv")


def test_a_change_of_the_value_opens_it_again_and_a_change_elsewhere_does_not():
    changed = OUTCOMES.assign(sd_1=[0.6, 2.0])
    found = clearances.apply([FOUND], changed, cleared())
    assert found["cleared_by"][0] is None
    assert found["clearance_note"][0] == "opened again: a value has changed since AB cleared it"
    elsewhere = OUTCOMES.assign(sd_1=[0.5, 3.0])
    assert clearances.apply([FOUND], elsewhere, cleared())["cleared_by"][0] == "AB"


def test_an_open_error_stops_a_run_that_asks_for_it():
    found = clearances.apply([FOUND], OUTCOMES, NONE)
    with pytest.raises(
        InputError, match=r"(?s)outcomes\.csv.*a\.pain\.1.*sd_1 is 0\.5.*clear se_as_sd, digest"
    ):
        clearances.refuse_open_errors(found, outcomes_file="outcomes.csv")


def test_a_row_with_an_open_error_can_be_set_aside_with_the_finding_as_reason():
    out = clearances.set_aside(OUTCOMES, clearances.apply([FOUND], OUTCOMES, NONE))
    assert out["status"].tolist() == ["set_aside", "ok"]
    assert out["set_aside_reason"][0] == "uncleared finding, se_as_sd: sd_1 is 0.5"
    assert OUTCOMES["status"].tolist() == ["ok", "ok"]


def test_a_table_that_is_missing_is_empty(tmp_path):
    assert clearances.read(tmp_path / "clearances.csv").empty


def test_a_clearance_counts_from_its_run_on(tmp_path):
    path = tmp_path / "clearances.csv"
    tables.write(cleared(), path)
    assert len(clearances.read(path, run="2020-01", row_ids={"a.pain.1"})) == 1
    assert clearances.read(path, run="2019-12").empty


def test_an_unknown_check_and_an_unknown_row_are_named(tmp_path):
    path = tmp_path / "clearances.csv"
    tables.write(cleared().assign(check="se_for_sd"), path)
    with pytest.raises(
        InputError, match=r"(?s)column check: found 'se_for_sd'.*column row_id: found 'a\.pain\.1'"
    ):
        clearances.read(path, row_ids={"b.pain.1"})


def test_no_findings_are_an_empty_table_with_its_columns():
    found = clearances.apply([], OUTCOMES, NONE)
    assert found.empty
    assert list(found.columns) == list(clearances.FINDING_COLUMNS)
