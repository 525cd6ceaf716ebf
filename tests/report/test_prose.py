import math

import pytest

from livingreview.report import prose

RULES = {
    "no_effect": 0.1,
    "small": 0.2,
    "moderate": 0.5,
    "large": 0.8,
    "minimum_studies": 3,
    "treatment": "Example treatment",
}
ROW = {
    "k": 24,
    "n_studies": 20,
    "n_participants": 2345,
    "n_participants_unknown_rows": 0,
    "estimate": -0.312,
    "ci_low": -0.4,
    "ci_high": -0.22,
    "pi_low": -0.62,
    "pi_high": 0.001,
}


def spaced(text):
    return text.replace(prose.NBSP, " ")


def said(**changed):
    return spaced(
        " ".join(
            prose.outcome_sentences(
                ROW | changed, label="Example outcome", rules=RULES, level=0.95, single="Example 2020"
            )
        )
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-0.312, "\u22120.31"),
        (0.0, "0.00"),
        (-0.0, "0.00"),
        (-0.004, "0.00"),
        (0.004, "0.00"),
        (-0.006, "\u22120.01"),
        (1234.5, "1,234.50"),
        (-1234.5, "\u22121,234.50"),
        (None, "\u2013"),
        (math.nan, "\u2013"),
    ],
)
def test_numbers_have_two_decimals_a_real_minus_and_no_signed_zero(value, text):
    assert prose.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.04, "+0.04"), (-0.02, "\u22120.02"), (0.001, "0.00"), (-0.001, "0.00")]
)
def test_differences_are_signed_unless_they_print_as_zero(value, text):
    assert prose.signed(value) == text


def test_an_interval_without_both_ends_is_a_dash():
    assert prose.interval(-0.4, None) == "\u2013"
    assert prose.interval(-0.4, -0.001) == "[\u22120.40, 0.00]"


@pytest.mark.parametrize(
    ("value", "text"), [(0.0004, "p < 0.001"), (0.032, "p = 0.032"), (1.0, "p = 1.000"), (None, "p \u2013")]
)
def test_p_values_are_exact_down_to_a_thousandth(value, text):
    assert spaced(prose.p_value(value)) == text


def test_dates_and_months_are_spelled_out():
    assert prose.day("2026-11-01T00:00:00+00:00") == "1 November 2026"
    assert prose.month("2026-01") == "January 2026"


@pytest.mark.parametrize(
    ("estimate", "word"),
    [(-0.05, None), (-0.1, "very slightly"), (0.3, "a little"), (-0.5, "moderately"), (-0.8, "a lot")],
)
def test_size_words_change_at_the_thresholds_of_the_protocol(estimate, word):
    assert prose.size_word(estimate, RULES) == word


@pytest.mark.parametrize(
    ("low", "high", "where"),
    [
        (-0.4, -0.2, "clear"),
        (0.2, 0.4, "clear"),
        (-0.4, -0.05, "reaches"),
        (-0.4, 0.05, "reaches"),
        (-0.4, 0.2, "open"),
        (-0.05, 0.05, "none"),
        (None, 0.1, "unknown"),
    ],
)
def test_direction_follows_the_interval_and_the_zone_of_no_effect(low, high, where):
    assert prose.certainty_of_direction(low, high, RULES) == where


def test_no_trial_says_that_nothing_is_estimated():
    assert said(k=0, n_studies=0, estimate=None, ci_low=None, ci_high=None) == (
        "No trial has numbers on example outcome that can be pooled, so nothing is estimated."
    )


def test_one_trial_is_named_and_not_called_a_pool():
    text = said(k=1, n_studies=1, pi_low=None, pi_high=None)
    assert text.startswith("Only one trial (Example 2020) has usable numbers")
    assert "one trial is not a pooled result" in text


def test_two_trials_are_called_uncertain_and_have_no_prediction():
    text = said(k=2, n_studies=2, pi_low=None, pi_high=None)
    assert "With two trials this is uncertain" in text
    assert "A prediction interval cannot be estimated" in text


def test_a_clear_result_prints_direction_size_interval_and_evidence():
    assert said() == (
        "Example treatment did a little better than control on example outcome (g \u22120.31, 95% CI"
        " \u22120.40 to \u22120.22; 24 comparisons from 20 trials, 2,345 participants). In a new setting the"
        " effect may lie between \u22120.62 and 0.00, from benefit to no effect."
    )


def test_an_interval_on_both_sides_leaves_the_direction_open():
    text = said(ci_low=-0.7, ci_high=0.15, pi_high=0.5)
    assert "may do a little better" in text
    assert "includes both benefit and harm" in text
    assert "from benefit to harm" in text


def test_harm_is_called_worse():
    assert "moderately worse than control" in said(
        estimate=0.6, ci_low=0.3, ci_high=0.9, pi_low=0.1, pi_high=1.1
    )


def test_an_estimate_within_the_zone_makes_no_difference():
    assert "may make little or no difference" in said(estimate=-0.02, ci_low=-0.3, ci_high=0.26)
    assert "made little or no difference" in said(estimate=-0.02, ci_low=-0.08, ci_high=0.04)


def test_participants_of_rows_without_a_number_are_not_passed_over():
    assert "2,345 participants in the 22 that state their number" in said(n_participants_unknown_rows=2)
    assert "participants" not in said(n_participants=None, n_participants_unknown_rows=24)


@pytest.mark.parametrize(
    ("after", "before", "words"),
    [
        ({"k": 0}, None, "no trial with usable numbers"),
        ({"k": 1}, None, "one trial, not pooled"),
        ({"k": 2, "n_studies": 2}, None, "uncertain: 2 trials"),
        ({}, None, "stands"),
        ({"ci_high": 0.05}, None, "unclear: interval includes zero"),
        ({"ci_high": 0.05}, ROW, "changed: interval now includes zero"),
        ({}, ROW | {"ci_high": 0.05}, "changed: interval no longer includes zero"),
    ],
)
def test_the_word_column_follows_the_rules_in_order(after, before, words):
    assert prose.standing(ROW | after, before, RULES) == words


def change(**parts):
    base = {"before": ROW, "after": ROW, "difference": 0.0, "added": [], "removed": [], "corrected": []}
    return base | parts


def moved(*years):
    return [{"row_id": str(y), "study": f"example_{y}", "label": f"Example {y}"} for y in years]


def test_causes_are_named_when_few_and_counted_when_many():
    assert prose.cause(change(added=moved(2020))) == "1 trial added (Example 2020)"
    assert prose.cause(change(added=moved(2017, 2018, 2019, 2020))) == "4 trials added"
    assert prose.cause(change(removed=moved(2020), corrected=moved(2019))) == (
        "1 trial removed (Example 2020); values corrected in 1 trial (Example 2019)"
    )


def test_two_rows_of_one_trial_are_one_trial():
    rows = [row | {"study": "example"} for row in moved(2019, 2020)]
    assert prose.cause(change(added=rows)).startswith("1 trial with 2 comparisons added")


def test_a_difference_without_a_change_in_the_data_is_put_to_the_method():
    assert "the method or the software differs" in prose.cause(change(difference=0.01))
    assert prose.cause(change()) == "no change in the data"


def test_differences_since_the_release_have_words_where_there_is_no_number():
    assert prose.difference(change()) == "none"
    assert prose.difference(change(difference=-0.02)) == "\u22120.02"
    assert prose.difference(change(before=None)) == "new"
    assert prose.difference(change(after=ROW | {"estimate": None})) == "withdrawn"
    assert prose.difference(change(before=None, after=ROW | {"estimate": None})) == "\u2013"


def test_attrition_states_how_many_trials_it_rests_on():
    rows = [
        {"attrition_percent": 4.0, "attrition_basis": "printed"},
        {"attrition_percent": 54.25, "attrition_basis": "derived: 3 of 9"},
        {"attrition_percent": None, "attrition_basis": None},
    ]
    assert prose.attrition_range(rows).startswith("Attrition is known for 2 of 3 trials: 4.0% to 54.2%")
    assert prose.attrition_range(rows[2:]) == "No source used here states attrition."


def test_many_authors_are_the_first_and_others():
    assert prose.first_author("Example A; Example B") == "Example A et al."
    assert prose.first_author("Example A") == "Example A"
    assert prose.first_author(None) == ""


MONTH = {
    "n_matched": 209,
    "n_new_records": 9,
    "n_new_other": 0,
    "n_decided_this_run": 6,
    "n_included_this_run": 1,
    "n_queue": 3,
    "n_second_reviewer": 0,
    "n_conflicts": 0,
    "oldest_waiting_since": None,
    "alerts": [],
    "sentinels": {"n": 4, "missing": [], "without_pmid": 0},
}
COUNTS = ["209 records matched", "9 new", "6 decided", "1 included", "3 waiting for a person"]


def test_the_month_is_counted_in_the_order_of_the_work():
    assert prose.this_month(MONTH) == COUNTS


def test_changes_and_included_records_that_are_not_found_are_part_of_the_month():
    alert = {"record_id": "1", "event": "retraction"}
    missing = {"n": 4, "missing": [{"pmid": "1"}, {"pmid": "2"}], "without_pmid": 0}
    said = prose.this_month(MONTH | {"alerts": [alert], "sentinels": missing})
    assert said == [
        *COUNTS,
        "1 change in known records to look at",
        "2 included records not found by the query",
    ]


def test_what_waits_for_a_second_reviewer_or_an_adjudicator_is_part_of_the_month():
    said = prose.this_month(
        MONTH | {"oldest_waiting_since": "2026-08", "n_second_reviewer": 2, "n_conflicts": 1}
    )
    assert said[-3:] == [
        "3 waiting for a person (the oldest since August 2026)",
        "2 of these for a second reviewer",
        "1 of these for an adjudicator",
    ]


def test_the_interval_of_tau2_stands_beside_it_with_its_method():
    row = {"k": 5, "tau2": 0.028, "I2": 49.0, "QE": 9.3, "QE_df": 4, "QE_p": 0.05}
    row |= dict.fromkeys(("method_tau2", "method_ci", "method_pi", "method_I2"), "as named")
    limits = {"tau2_ci_low": 0.0056, "tau2_ci_high": 0.1198, "method_tau2_ci": "Q-profile"}
    assert "(τ²: as named, Q-profile interval [0.006, 0.120]; I²" in prose.heterogeneity(row | limits)
    assert "interval [" not in prose.heterogeneity(row)
