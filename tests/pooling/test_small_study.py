"""Egger's test and relatives, and Begg and Mazumdar's, against metafor; and where they are not defined."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pooling.small_study_sets import SETS, assert_agrees, effects, participants, reference

from livingreview.pooling.reasons import too_few
from livingreview.pooling.small_study import MIN_K, PREDICTORS, rank_test, regression_test

REGTESTS = reference("regtest.csv")
FIELDS = {
    "stat": "stat",
    "pval": "pval",
    "df": "df",
    "slope": "slope",
    "slope_se": "slope_se",
    "limit": "limit",
    "limit_low": "limit_low",
    "limit_high": "limit_high",
    "tau2": "tau2",
}


@pytest.mark.parametrize("name", SETS)
def test_regression_tests_agree_with_metafor(name):
    rows = REGTESTS[REGTESTS["set"] == name]
    yi, vi = effects(name)
    assert len(rows)
    for _, row in rows.iterrows():
        chosen = {} if row["model"] == "lm" else {"method": row["method"], "test": row["test"]}
        result = regression_test(
            yi, vi, model=row["model"], predictor=row["predictor"], **participants(name), **chosen
        )
        assert_agrees(result, row, FIELDS)


def test_the_grid_of_regression_tests_is_whole():
    assert len(REGTESTS) >= 750
    assert set(REGTESTS["predictor"]) == set(PREDICTORS) - {"sqrtw"}
    assert set(REGTESTS["set"]) == set(SETS)


@pytest.mark.parametrize("weights", ["vi", "sqrtw"])
def test_the_test_for_standardised_mean_differences_agrees_with_least_squares_in_r(weights):
    rows = reference("smd.csv").query("weights == @weights")
    for _, row in rows.iterrows():
        yi, vi = effects(row["set"])
        arms = participants(row["set"])
        if weights == "vi":
            result = regression_test(yi, vi, model="lm", predictor="sqrtw", **arms)
        else:
            result = regression_test(yi, 1 / arms["n1"] + 1 / arms["n2"], model="lm", predictor="sei")
        fields = {"slope": "slope", "slope_se": "slope_se", "stat": "stat", "pval": "pval", "limit": "limit"}
        assert_agrees(result, row, fields)


def test_rank_tests_agree_with_metafor_with_and_without_ties():
    seen = set()
    for _, row in reference("ranktest.csv").iterrows():
        result = rank_test(*effects(row["set"]))
        assert_agrees(result, row, {"tau": "tau", "pval": "pval"})
        seen.add(result.exact)
    assert seen == {True, False}


@pytest.mark.parametrize("k", [0, 1, 2])
def test_below_three_effects_there_is_a_reason_and_no_number(k):
    for result in (regression_test([0.1] * k, [0.1] * k), rank_test([0.1] * k, [0.1] * k)):
        assert result.reason == too_few(k, MIN_K)
        assert math.isnan(result.pval)
        assert not result.interpretable


def test_between_three_and_nine_effects_the_numbers_come_with_a_warning():
    for result in (regression_test(*effects("normand1999")), rank_test(*effects("normand1999"))):
        assert not result.interpretable
        assert result.advice == "not to be interpreted: 9 effects, at least 10 are needed"
        assert 0 <= result.pval <= 1
    assert regression_test(*effects("bcg")).interpretable
    assert regression_test(*effects("bcg")).advice == ""


def test_equal_standard_errors_leave_no_slope():
    yi, vi = [0.1, 0.2, 0.3, 0.5], [0.04] * 4
    assert regression_test(yi, vi).reason == "the standard error is the same in all 4 studies"
    assert rank_test(yi, vi).reason == "all 4 variances are equal"


def test_equal_effects_have_no_slope_and_no_test():
    result = regression_test([0.3] * 4, [0.01, 0.02, 0.05, 0.1], model="lm")
    assert (result.slope, result.slope_se) == (0, 0)
    assert math.isnan(result.stat)
    assert result.limit == pytest.approx(0.3)
    assert rank_test([0.3] * 4, [0.01, 0.02, 0.05, 0.1]).reason == "all 4 effects are equal"


def test_what_is_asked_wrongly_is_answered_with_what_is_allowed():
    yi, vi = effects("bcg")
    with pytest.raises(ValueError, match="model 'glm' is not known; allowed: rma, lm"):
        regression_test(yi, vi, model="glm")
    with pytest.raises(ValueError, match="predictor 'n' is not known; allowed: sei, vi"):
        regression_test(yi, vi, predictor="n")
    with pytest.raises(ValueError, match="needs ni"):
        regression_test(yi, vi, predictor="ninv")
    with pytest.raises(ValueError, match="needs n1"):
        regression_test(yi, vi, predictor="sqrtw")
    with pytest.raises(ValueError, match="above zero"):
        regression_test(yi, vi, predictor="ni", ni=np.zeros(13))
    with pytest.raises(ValueError, match="one number for each of the 13"):
        regression_test(yi, vi, predictor="ni", ni=[1])


@settings(derandomize=True, max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), shift=st.floats(-5, 5), scale=st.floats(0.1, 10))
def test_order_sign_place_and_scale_change_nothing_but_what_they_must(seed, shift, scale):
    random = np.random.default_rng(seed)
    yi, vi = random.normal(0, 1, 12), random.uniform(0.05, 1, 12)
    order = random.permutation(12)
    first = regression_test(yi, vi)
    for other, sign in (
        (regression_test(yi[order], vi[order]), 1),
        (regression_test(-yi, vi), -1),
        (regression_test(yi + shift, vi), 1),
        (regression_test(yi * scale, vi * scale**2), 1),
    ):
        assert other.stat == pytest.approx(sign * first.stat, rel=1e-6, abs=1e-8)
    assert rank_test(-yi, vi).pval == pytest.approx(rank_test(yi[order], vi[order]).pval)
