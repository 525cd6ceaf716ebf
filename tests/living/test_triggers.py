"""Each trigger fires by its rule alone, says its numbers, and says why where it cannot be evaluated."""

import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livingreview import tables
from livingreview.living import triggers

WORDS = {"no_effect": 0.1, "small": 0.2, "moderate": 0.5, "large": 0.8}
RULES = triggers.settings({}, interpretation=WORDS)
RELEASE = {"version": "20.0.0", "run": "2020-01"}
STATE = {
    "estimate": -0.4,
    "ci_low": -0.6,
    "ci_high": -0.2,
    "pi_low": -0.9,
    "pi_high": 0.1,
    "I2": 45.0,
    "tau2": 0.03,
    "k": 6,
    "n_studies": 6,
    "n_participants": 600,
    "n_participants_unknown_rows": 0,
}
NOBODY = {"known": 0, "unknown_rows": 0}
NOTICES = pd.DataFrame(columns=["study_id", "kind", "effect", "notices", "since_run"], dtype=object)
STUDY = {"label": "A", "population": "adult", "condition": "back", "comparator_class": "waitlist"}


def evaluate(before, after, *, added=NOBODY, rules=RULES, release=RELEASE, studies=None, **more):
    change = {"before": before, "after": after, "participants_added": added}
    found = triggers.evaluate(
        {"release": release, "outcomes": {"pain": change}},
        rules=rules,
        studies=studies or ({"a": STUDY}, {"a": STUDY}),
        notices=more.pop("notices", NOTICES),
        **more,
    )
    return {row["name"]: row for row in found}


def state_of(name, before, after, **more):
    return evaluate(STATE | before, STATE | after, **more)[name]["state"]


FIRED, NOT, UNKNOWN = triggers.FIRED, triggers.NOT_FIRED, triggers.NOT_EVALUATED
NONE = dict.fromkeys(("estimate", "ci_low", "ci_high", "pi_low", "pi_high", "I2", "tau2"), math.nan)
TRUTH = [
    ("no_effect", {}, {"ci_high": 0.05}, FIRED),
    ("no_effect", {"ci_high": 0.05}, {}, FIRED),
    ("no_effect", {"ci_high": 0.05}, {"ci_high": 0.2}, NOT),
    ("no_effect", {}, {"ci_high": -0.01}, NOT),
    ("no_effect", {}, {"ci_high": 0.0}, FIRED),
    ("no_effect", {"ci_low": math.nan}, {}, UNKNOWN),
    ("smallest_effect", {}, {"ci_high": -0.05}, FIRED),
    ("smallest_effect", {"ci_high": -0.05}, {"ci_high": 0.15}, FIRED),
    ("smallest_effect", {}, {"ci_high": -0.11}, NOT),
    ("smallest_effect", {"ci_high": 0.0}, {"ci_high": 0.05}, NOT),
    ("leaves_interval", {}, {"estimate": -0.61}, FIRED),
    ("leaves_interval", {}, {"estimate": -0.19}, FIRED),
    ("leaves_interval", {}, {"estimate": -0.6}, NOT),
    ("ratio", {}, {"estimate": -0.2}, FIRED),
    ("ratio", {}, {"estimate": -0.201}, NOT),
    ("ratio", {}, {"estimate": -0.6001}, FIRED),
    ("ratio", {}, {"estimate": -0.599}, NOT),
    ("ratio", {}, {"estimate": 0.3}, FIRED),
    ("ratio", {"estimate": -0.09}, {"estimate": -0.4}, UNKNOWN),
    ("ratio", {"estimate": -0.1}, {"estimate": -0.1}, NOT),
    ("prediction_side", {}, {"pi_high": -0.01}, FIRED),
    ("prediction_side", {"pi_high": -0.1}, {}, FIRED),
    ("prediction_side", {"pi_high": -0.1}, {"pi_low": 0.1, "pi_high": 0.9}, FIRED),
    ("prediction_side", {}, {"pi_high": 0.4}, NOT),
    ("prediction_side", {}, {"pi_low": math.nan, "pi_high": math.nan}, UNKNOWN),
    ("prediction_side", {"pi_low": None, "pi_high": None}, {}, UNKNOWN),
    ("heterogeneity", {}, {"I2": 50.0}, FIRED),
    ("heterogeneity", {}, {"I2": 39.9}, FIRED),
    ("heterogeneity", {}, {"I2": 49.9}, NOT),
    ("heterogeneity", {}, {"I2": math.nan}, UNKNOWN),
    ("estimate_appears", NONE | {"k": 0}, {}, FIRED),
    ("estimate_appears", {}, NONE | {"k": 0}, FIRED),
    ("estimate_appears", {}, {}, NOT),
    ("estimate_appears", NONE, NONE, NOT),
    ("no_effect", NONE, {}, UNKNOWN),
    ("no_effect", {}, NONE, UNKNOWN),
]


@pytest.mark.parametrize(("name", "before", "after", "state"), TRUTH)
def test_the_truth_table_of_each_rule(name, before, after, state):
    assert state_of(name, before, after) == state


@pytest.mark.parametrize(
    ("added", "before", "state"),
    [
        ({"known": 121, "unknown_rows": 0}, {}, FIRED),
        ({"known": 120, "unknown_rows": 0}, {}, NOT),
        ({"known": 121, "unknown_rows": 2}, {}, FIRED),
        ({"known": 20, "unknown_rows": 2}, {}, UNKNOWN),
        ({"known": math.nan, "unknown_rows": 1}, {}, UNKNOWN),
        ({"known": 121, "unknown_rows": 0}, {"n_participants_unknown_rows": 2}, FIRED),
        ({"known": 121, "unknown_rows": 0}, {"n_participants_unknown_rows": 3}, UNKNOWN),
        ({"known": 121, "unknown_rows": 0}, {"n_participants": math.nan}, UNKNOWN),
        (None, {}, UNKNOWN),
    ],
)
def test_new_participants_are_counted_against_those_of_the_release(added, before, state):
    assert state_of("participants", before, {}, added=added) == state


def ratings(**domains):
    return {"pain": dict.fromkeys(triggers.each.DOMAINS, 0) | domains}


@pytest.mark.parametrize(
    ("before", "after", "state"),
    [
        (ratings(), ratings(imprecision=-1), FIRED),
        (ratings(imprecision=-2), ratings(imprecision=-1), FIRED),
        (ratings(), ratings(), NOT),
        (ratings(imprecision=None), ratings(imprecision=-1), NOT),
        (None, ratings(), UNKNOWN),
        (ratings(), {}, UNKNOWN),
        ({"pain": dict.fromkeys(triggers.each.DOMAINS)}, ratings(), UNKNOWN),
    ],
)
def test_a_domain_of_certainty_is_compared_where_it_is_rated_then_and_now(before, after, state):
    assert state_of("certainty", {}, {}, rated=(before, after)) == state


@pytest.mark.parametrize("name", ["population", "comparator", "condition"])
def test_what_no_included_trial_had_is_named_with_its_trials(name):
    column = triggers.each.COVERED[name]
    new = STUDY | {"label": "New 2020", column: "first; second"}
    found = evaluate(STATE, STATE, studies=({"a": STUDY}, {"a": STUDY, "n": new}))
    assert [key for key, row in found.items() if row["state"] == FIRED] == [name]
    assert found[name]["numbers"]["new"] == {"first": ["New 2020"], "second": ["New 2020"]}
    assert "New 2020" in found[name]["sentence"]


@pytest.mark.parametrize("value", [None, "", "unknown", "unclassified"])
def test_a_trial_that_names_no_population_has_no_new_one(value):
    new = STUDY | {"population": value}
    found = evaluate(STATE, STATE, studies=({"a": STUDY}, {"a": STUDY, "n": new}))
    assert found["population"]["state"] == NOT


def test_without_an_included_trial_at_the_release_nothing_is_new():
    assert evaluate(STATE, STATE, studies=({}, {"a": STUDY}))["population"]["state"] == UNKNOWN


def notices(**row):
    row = {
        "study_id": "a",
        "kind": "retracted",
        "effect": "excluded",
        "notices": "",
        "since_run": "2020-02",
    } | row
    return pd.DataFrame([row], dtype=object)


@pytest.mark.parametrize(
    ("row", "state"),
    [
        ({}, FIRED),
        ({"since_run": "2020-01"}, FIRED),
        ({"study_id": "other", "since_run": "2020-01"}, NOT),
        ({"effect": "flagged"}, NOT),
        ({"study_id": None}, NOT),
    ],
)
def test_a_retraction_counts_if_it_is_newer_than_the_release_or_the_release_had_the_trial_in(row, state):
    found = evaluate(STATE, STATE, notices=notices(**row))["retraction"]
    assert found["state"] == state
    assert ("A." in found["sentence"]) == (state == FIRED)


def test_a_rule_that_the_protocol_leaves_out_is_not_evaluated_and_says_so():
    rules = triggers.settings({"rules": ["ratio"]}, interpretation=WORDS)
    found = evaluate(STATE, STATE | {"ci_high": 0.1, "estimate": -0.1}, rules=rules)
    assert found["no_effect"]["state"] == UNKNOWN
    assert "does not use this rule" in found["no_effect"]["sentence"]
    assert found["ratio"]["state"] == FIRED


def test_thresholds_are_those_of_the_protocol():
    own = {
        "ratio_below": 0.9,
        "heterogeneity_classes": [44],
        "new_participants_percent": 1,
        "smallest_effect": 0.3,
    }
    rules = triggers.settings(own, interpretation=WORDS)
    moved = STATE | {"estimate": -0.35, "I2": 43.0, "ci_high": -0.31}
    found = evaluate(STATE, moved, rules=rules, added={"known": 7, "unknown_rows": 0})
    fired = [name for name, row in found.items() if row["state"] == FIRED]
    assert fired == ["smallest_effect", "ratio", "heterogeneity", "participants"]
    assert found["heterogeneity"]["threshold"] == [44]


def test_defaults_are_stated_and_follow_the_rest_of_the_protocol():
    assert RULES == {
        "rules": list(triggers.NAMES),
        "smallest_effect": 0.1,
        "ratio_below": 0.5,
        "ratio_above": 1.5,
        "ratio_floor": 0.1,
        "heterogeneity_classes": [40, 50, 75],
        "new_participants_percent": 20,
    }
    other = triggers.settings({}, interpretation=WORDS, rules_of_certainty={"smallest_effect": 0.2})
    assert other["smallest_effect"] == 0.2


def test_without_a_release_no_rule_is_evaluated():
    found = evaluate(None, STATE, release=None)
    assert {row["state"] for row in found.values()} == {UNKNOWN}
    assert {row["sentence"] for row in found.values()} == {
        "Cannot be evaluated: there is no earlier release."
    }


def test_an_outcome_that_the_release_did_not_have_appears():
    found = evaluate(None, STATE)
    assert found["estimate_appears"]["state"] == FIRED
    assert found["ratio"]["state"] == UNKNOWN


def test_a_sentence_says_both_ends():
    found = evaluate(STATE, STATE | {"ci_high": 0.05})
    assert found["no_effect"]["sentence"] == (
        "The interval now includes zero, no effect (\u22120.60 to \u22120.20 then, \u22120.60 to 0.05 now)."
    )
    assert found["no_effect"]["numbers"]["after_ci_high"] == 0.05


VALUE = st.one_of(st.none(), st.floats(-3, 3))
WIDTH = st.one_of(st.just(math.nan), st.floats(0, 3))


@st.composite
def states(draw):
    """The numbers of one outcome, any of them missing; intervals hold the estimate."""
    estimate, ci, pi = draw(VALUE), draw(WIDTH), draw(WIDTH)
    middle = math.nan if estimate is None else estimate
    return STATE | {
        "estimate": estimate,
        **{"ci_low": middle - ci, "ci_high": middle + ci, "pi_low": middle - pi, "pi_high": middle + pi},
        "I2": draw(st.one_of(st.none(), st.floats(0, 100))),
        "n_participants": draw(st.one_of(st.none(), st.integers(0, 5000))),
        "n_participants_unknown_rows": draw(st.integers(0, 6)),
    }


@settings(max_examples=80, deadline=None)
@given(states())
def test_no_rule_fires_where_the_data_are_identical(state):
    found = evaluate(state, dict(state), rated=(ratings(), ratings()))
    assert [name for name, row in found.items() if row["state"] == FIRED] == []


def test_the_names_of_rules_are_those_of_the_schema():
    allowed = tables.load_schema("config")["properties"]["triggers"]["properties"]["rules"]["items"]["enum"]
    assert tuple(allowed) == triggers.NAMES


def test_an_end_of_an_interval_that_is_not_zero_is_not_printed_as_zero():
    found = evaluate(STATE, STATE | {"pi_low": -0.64, "pi_high": -0.0034})["prediction_side"]
    assert found["sentence"] == (
        "The prediction interval no longer holds zero (\u22120.90 to 0.10 then, \u22120.64 to \u22120.003 now)."
    )
    at_zero = evaluate(STATE, STATE | {"ci_high": 0.0})["no_effect"]
    assert at_zero["sentence"].endswith("\u22120.60 to 0.00 now).")
