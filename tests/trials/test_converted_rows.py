"""Rows of every convertible effect type: their effect, what is recorded of it, and what a row lacks."""

import math

import pandas as pd
import pytest

from livingreview.errors import InputError
from livingreview.trials import checks
from livingreview.trials.conversions import measures, spread
from livingreview.trials.effects import compute, shared_groups
from livingreview.trials.smd import from_means

SIZES = {"n_1": 40, "n_2": 50}
TEXTS = ("comparison", "printed_effect", "printed_direction", "shared_control", "note", "set_aside_reason")


def run(*rows):
    """`compute` on rows of one included study, empty but for what is given."""
    base = dict.fromkeys(checks.NUMBERS, math.nan) | dict.fromkeys(TEXTS)
    base |= {"study_id": "a_2020", "outcome": "pain", "instrument": "NRS", "higher_is": "worse"}
    base |= {"timepoint": "post", "arm_1": "app", "arm_2": "wait", "priority": 1, "status": "ok"}
    base |= {"source": "table 2", "run": "2020-01"} | SIZES
    table = pd.DataFrame([base | {"row_id": f"r{i}"} | row for i, row in enumerate(rows)])
    about = {"study_id": "a_2020", "first_author": "A", "year": "2020", "population": "adult"}
    studies = pd.DataFrame([about | {"condition": "back", "comparator_class": "waitlist"}])
    return compute(table, studies, {"a_2020"}, protocol=["pain"])


def one(kind, **values):
    return run({"effect_type": kind} | values).iloc[0]


PLAIN = from_means(mean_1=4.0, sd_1=2.0, n_1=40, mean_2=5.0, sd_2=2.5, n_2=50)


def test_means_with_errors_or_intervals_have_the_effect_of_their_deviations():
    means = {"mean_1": 4.0, "mean_2": 5.0, "se_1": 2 / math.sqrt(40)}
    half = 2.5 / math.sqrt(50) * 2.0095752371292397  # qt(0.975, 49)
    found = one("means", **means, ci_low_2=5 - half, ci_high_2=5 + half)
    assert (found["yi"], found["vi"]) == pytest.approx(PLAIN, rel=1e-9)
    assert found["conversion"] == "means and SDs: SD from CI and SD from SE"


def test_a_shared_control_does_not_change_a_deviation_that_is_found_from_an_error():
    means = {"effect_type": "means", "mean_1": 4.0, "mean_2": 5.0, "sd_1": 2.0, "shared_control": "whole"}
    by_error = run(*({**means, "se_2": 2.5 / math.sqrt(50), "comparison": c} for c in "ab"))
    by_sd = run(*({**means, "sd_2": 2.5, "comparison": c} for c in "ab"))
    assert by_error["yi"].tolist() == pytest.approx(by_sd["yi"].tolist(), rel=1e-12)
    assert by_error["vi"].tolist() == pytest.approx(by_sd["vi"].tolist(), rel=1e-12)
    assert shared_groups(by_error) == {"a_2020.pain": ["r0", "r1"]}
    assert shared_groups(run(means | {"sd_2": 2.5})) == {}


MEDIANS = {"median_1": 4.0, "q1_1": 3.0, "q3_1": 5.0, "median_2": 5.0, "min_2": 1.0, "max_2": 9.0}


def test_medians_become_means_by_what_stands_beside_them():
    found = one("medians", **MEDIANS)
    sd_1 = spread.sd_wan(4.0, 40, q1=3.0, q3=5.0)
    sd_2 = spread.sd_wan(5.0, 50, low=1.0, high=9.0)
    expected = from_means(mean_1=4.0, sd_1=sd_1, n_1=40, mean_2=5.0, sd_2=sd_2, n_2=50)
    assert (found["yi"], found["vi"]) == pytest.approx(expected, rel=1e-12)
    assert found["conversion"] == "mean and SD from median and quartiles or range (Luo 2018, Wan 2014)"
    as_printed = "variance as if mean and SD were printed, which is too small (McGrath 2023)"
    assert found["assumption"] == as_printed
    both = {"min_1": 0.0, "max_1": 9.0}
    whole = one("medians", **MEDIANS | both)
    sd_1 = spread.sd_shi(4.0, 40, q1=3.0, q3=5.0, low=0.0, high=9.0)
    mean_1 = spread.mean_luo(4.0, 40, q1=3.0, q3=5.0, low=0.0, high=9.0)
    expected = from_means(mean_1=mean_1, sd_1=sd_1, n_1=40, mean_2=5.0, sd_2=sd_2, n_2=50)
    assert (whole["yi"], whole["vi"]) == pytest.approx(expected, rel=1e-12)
    assert whole["conversion"].endswith("quartiles and range or range (Luo 2018, Shi 2020, Wan 2014)")
    skewed = one("medians", **MEDIANS | {"q3_1": 12.0})
    assert skewed["in_pool"]
    symmetry = "symmetry of arm 1, which is skewed by its five numbers (Shi 2023)"
    assert skewed["assumption"] == f"{symmetry}; {as_printed}"


CHANGES = {"change_mean_1": -2.0, "change_mean_2": -0.5, "baseline_sd_1": 2.0, "baseline_sd_2": 2.2}


def test_change_scores_need_a_correlation_that_is_stated_or_follows():
    found = one("change_scores", **CHANGES, correlation=0.5, correlation_source="its trial of 2018")
    assert found["yi"] < 0
    assert found["assumption"] == "correlation of before and after 0.5 (its trial of 2018)"
    sds = {"sd_1": 2.0, "change_sd_1": 2.0}
    derived = one("change_scores", **CHANGES, **sds)
    assert (derived["yi"], derived["vi"]) == pytest.approx((found["yi"], found["vi"]), rel=1e-12)
    assert "0.5, from SDs before, after and of change" in derived["assumption"]
    without = one("change_scores", **CHANGES)
    assert not without["in_pool"]
    assert not without["in_sensitivity"]
    assert "without correlation, which would mend it" in without["reason"]


SPREAD_OF_CHANGE = {"change_mean_1": -2.0, "change_mean_2": -0.5, "change_sd_1": 1.8, "change_sd_2": 2.1}
# exp(lgamma(44) - log(sqrt(44)) - lgamma(43.5)) in R.
J_88 = 0.99144892236575788
# By hand: (1.8^2 / 40 + 2.1^2 / 50)^0.5 is the error of the difference of changes, -1.5.
ERROR = math.sqrt(1.8**2 / 40 + 2.1**2 / 50)


def by_hand(sd):
    """g and its variance of a difference of -1.5 with `ERROR`, by a standard deviation."""
    g = J_88 * -1.5 / sd
    return g, (ERROR / sd) ** 2 + g**2 / 180


BEFORE = math.sqrt((39 * 2.0**2 + 49 * 2.2**2) / 88)


def test_changes_with_their_own_spread_need_no_correlation():
    spreads = {"baseline_sd_1": 2.0, "baseline_sd_2": 2.2}
    found = one("change_scores", **SPREAD_OF_CHANGE, **spreads)
    assert (found["yi"], found["vi"]) == pytest.approx(by_hand(BEFORE), rel=1e-12)
    assert found["conversion"] == "change scores with SD of change, by the SD before"
    assert found["assumption"] == ""
    after = one("change_scores", **SPREAD_OF_CHANGE, sd_1=2.0, sd_2=2.2)
    assert (after["yi"], after["vi"]) == (found["yi"], found["vi"])
    assert after["conversion"].endswith("by the SD after")
    stated = one("change_scores", **SPREAD_OF_CHANGE, **spreads | {"outcome_sd": 3.0})
    assert (stated["yi"], stated["vi"]) == pytest.approx(by_hand(3.0), rel=1e-12)
    assert stated["conversion"].endswith("by outcome_sd")


def test_the_spread_of_a_change_is_found_from_its_error_its_interval_or_two_spreads_and_a_correlation():
    changes = {"change_mean_1": -2.0, "change_mean_2": -0.5, "baseline_sd_1": 2.0, "baseline_sd_2": 2.2}
    half = 2.1 / math.sqrt(50) * 2.0095752371292397  # qt(0.975, 49)
    errors = {"se_1": 1.8 / math.sqrt(40), "ci_low_2": -0.5 - half, "ci_high_2": -0.5 + half}
    found = one("change_scores", **changes, **errors)
    assert (found["yi"], found["vi"]) == pytest.approx(by_hand(BEFORE), rel=1e-12)
    assert found["conversion"] == (
        "change scores with SD of change from CI and SD of change from SE, by the SD before"
    )
    # Beside a mean after treatment an error is that mean's, not the change's.
    after = one("change_scores", **changes, **errors, mean_1=4.0, mean_2=5.0)
    assert "without correlation" in after["reason"]
    # 2^2 + 1.6^2 - 2 * 0.5 * 2 * 1.6 = 3.36 in arm 1; arm 2 prints its own. By the stated SD of people.
    mixed = one(
        "change_scores",
        **{"change_mean_1": -2.0, "change_mean_2": -0.5, "baseline_sd_1": 2.0, "sd_1": 1.6},
        **{"change_sd_2": 2.1, "correlation": 0.5, "outcome_sd": 2.0},
    )
    error = math.sqrt(3.36 / 40 + 2.1**2 / 50)
    g = J_88 * -1.5 / 2.0
    assert (mixed["yi"], mixed["vi"]) == pytest.approx((g, (error / 2) ** 2 + g**2 / 180), rel=1e-12)
    assert "SD of change from correlation" in mixed["conversion"]


def test_changes_whose_spreads_contradict_each_other_are_not_taken_by_another_way():
    spreads = {"sd_1": 2.0, "sd_2": 2.0, "baseline_sd_1": 2.0, "baseline_sd_2": 2.2}
    found = one("change_scores", **SPREAD_OF_CHANGE | spreads | {"change_sd_1": 9.0, "change_sd_2": 9.0})
    assert "is one an SE?" in found["reason"]


def test_adjusted_means_may_come_with_their_errors():
    adjusted = {"mean_1": 4.0, "mean_2": 5.0, "n_covariates": 1}
    errors = {"se_1": 0.25, "se_2": 0.3}
    by_sd = one("adjusted_means", **adjusted, **errors, outcome_sd=2.0)
    # J of 87 degrees of freedom, from R as above; 0.25^2 + 0.3^2 = 0.1525.
    g = 0.99135030330365803 * -1 / 2
    assert (by_sd["yi"], by_sd["vi"]) == pytest.approx((g, 0.1525 / 4 + g**2 / 180), rel=1e-12)
    assert by_sd["conversion"] == "adjusted means with their SEs, by outcome_sd (Borenstein & Hedges 2019)"
    assert by_sd["assumption"] == "adjusted means of the arms taken as uncorrelated"
    half = 0.25 * 1.98760828158907032  # qt(0.975, 87)
    interval = {"ci_low_1": 4 - half, "ci_high_1": 4 + half, "se_2": 0.3}
    by_interval = one("adjusted_means", **adjusted, **interval, outcome_sd=2.0)
    assert by_interval["vi"] == pytest.approx(by_sd["vi"], rel=1e-9)
    assert (
        "n_covariates not given"
        in one("adjusted_means", **adjusted | {"n_covariates": math.nan}, **errors, sd_1=2.0, sd_2=2.0)[
            "assumption"
        ]
    )


def test_errors_of_adjusted_means_and_the_correlation_give_the_spread_of_people():
    # The covariate leaves sqrt(1 - 0.36) = 0.8 of the standard deviation: 2 of 2.5.
    errors = {"se_1": 2 / math.sqrt(40), "se_2": 2 / math.sqrt(50), "correlation": 0.6}
    adjusted = {"mean_1": 4.0, "mean_2": 5.0, "n_covariates": 1}
    found = one("adjusted_means", **adjusted, **errors)
    known = one("adjusted_means", **adjusted, correlation=0.6, outcome_sd=2.5)
    assert (found["yi"], found["vi"]) == pytest.approx((known["yi"], known["vi"]), rel=1e-12)
    assert "SD from the SEs of adjusted means" in found["conversion"]


@pytest.mark.parametrize(
    ("kind", "values", "parts"),
    [
        ("medians", MEDIANS | {"q1_1": 6.0}, ["column median_1: found 4.0", "q1_1, 6, or more"]),
        ("medians", MEDIANS | {"max_2": 4.0}, ["column max_2", "median_2, 5, or more", "exchanged"]),
        ("medians", MEDIANS | {"min_1": 3.5}, ["column q1_1", "min_1, 3.5, or more"]),
        ("t_test", {"t_value": 2.0, "q1_2": 5.0, "q3_2": 3.0}, ["column q3_2", "q1_2, 5, or more"]),
        ("means", {"ci_low_1": 3.0, "ci_high_1": 2.0}, ["column ci_low_1", "below ci_high_1, 2", "swapped"]),
    ],
)
def test_numbers_of_an_arm_that_are_not_in_order_are_refused(kind, values, parts):
    with pytest.raises(InputError) as caught:
        one(kind, **PLAIN_MEANS | values if kind == "means" else values)
    for part in ["data/trials/outcomes.csv", "row r0", *parts]:
        assert part in str(caught.value)
    assert len(caught.value.problems) == 1


PLAIN_MEANS = {"mean_1": 4.0, "sd_1": 2.0, "mean_2": 5.0, "sd_2": 2.5}


def test_five_equal_numbers_are_in_order():
    flat = {f"{name}_{arm}": 4.0 for arm in "12" for name in ("min", "q1", "median", "q3", "max")}
    assert "without spread" in one("medians", **flat)["reason"]


def printed(value, **values):
    return {"printed_effect": value, "printed_direction": "arm 1 minus arm 2"} | values


def test_differences_coefficients_and_tests_give_one_effect():
    sd = math.sqrt((39 * 4 + 49 * 6.25) / 88)
    se = sd * math.sqrt(1 / 40 + 1 / 50)
    t = -1 / se
    better = {"printed_direction": "favours treatment"}
    rows = {
        "mean_difference": one("mean_difference", **printed("-1", printed_se=se)),
        "regression_coefficient": one(
            "regression_coefficient", **printed("-1", printed_se=se, outcome_sd=sd)
        ),
        "t_test": one("t_test", t_value=t, printed_direction="arm 1 minus arm 2"),
        "f_test": one("f_test", f_value=t**2, **better),
        "adjusted_means": one(
            "adjusted_means", mean_1=4, mean_2=5, sd_1=2, sd_2=2.5, correlation=0, n_covariates=0
        ),
    }
    for kind, found in rows.items():
        assert (found["yi"], found["vi"]) == pytest.approx(PLAIN, rel=1e-12), kind
        assert found["in_pool"]
    assert rows["mean_difference"]["assumption"] == "an unadjusted analysis: n_covariates not given"
    by_p = one("p_value", p_value=0.04, **better)
    assert by_p["yi"] == pytest.approx(measures.from_p(0.04, 40, 50, sign=-1)[0], rel=1e-12)


def test_a_score_that_is_better_when_higher_turns_the_sign():
    worse = one("t_test", t_value=2.0, printed_direction="arm 1 minus arm 2")
    better = one("t_test", t_value=2.0, printed_direction="arm 1 minus arm 2", higher_is="better")
    assert better["yi"] == -worse["yi"] < 0


@pytest.mark.parametrize(
    ("kind", "values", "part"),
    [
        ("medians", {"median_1": 4.0}, "q1_1 and q3_1, or min_1 and max_1"),
        ("medians", MEDIANS | {"n_1": 4}, "an arm of 4; allowed: 5 or more"),
        ("medians", MEDIANS | {"n_1": math.nan, "n_2": math.nan}, "arm sizes not printed"),
        ("change_scores", {}, "without change_mean_1"),
        ("change_scores", CHANGES | {"baseline_sd_2": math.nan}, "without baseline_sd_2"),
        ("change_scores", CHANGES | {"sd_1": 2.0, "change_sd_1": 9.0}, "is one an SE?"),
        ("adjusted_means", {"mean_1": 4, "mean_2": 5}, "without correlation"),
        ("adjusted_means", {"mean_1": 4, "mean_2": 5, "correlation": 0.5}, "outcome_sd"),
        ("adjusted_means", {"mean_1": 4, "mean_2": 5, "se_1": 0.3, "se_2": 0.3}, "without correlation, sd_1"),
        ("change_scores", {"change_mean_1": -1, "change_mean_2": 0, "change_sd_1": 2}, "baseline_sd_1"),
        ("mean_difference", printed("1"), "printed_se, or printed_ci_low"),
        ("mean_difference", printed("1", printed_se=0.4, n_covariates=1), "without outcome_sd"),
        ("regression_coefficient", printed("1", printed_se=0.4), "without outcome_sd"),
        ("mean_difference", {"printed_se": 0.4}, "without printed_effect"),
        ("t_test", {"t_value": 2.0}, "without printed_direction"),
        ("t_test", {}, "without t_value"),
        ("f_test", {"f_value": 4.0, "printed_direction": "arm 1 minus arm 2"}, "which arm did better"),
        ("p_value", {"p_value": 0.04}, "which arm did better"),
        ("single_group", {}, "no control to compare with"),
    ],
)
def test_a_row_that_lacks_something_is_left_out_with_the_column_that_would_mend_it(kind, values, part):
    found = one(kind, **values)
    assert part in found["reason"]
    assert not found["in_sensitivity"]
    assert math.isnan(found["yi"])
    assert found["conversion"] == ""
