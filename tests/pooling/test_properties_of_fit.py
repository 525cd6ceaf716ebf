"""What must hold of every fit whatever the effects, and what moderators and options are refused."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livingreview.pooling import between_variance, tau2_interval
from livingreview.pooling.random_effects import fit
from livingreview.pooling.subgroups import between, by_group
from livingreview.pooling.weighting import MeanModel, RegressionModel

METHODS = ("REML", "ML", "DL", "PM", "PMM", "EB", "HE", "HS", "HSk", "SJ", "FE")
SHOWN = ("estimate", "se", "ci_low", "ci_high", "pi_low", "pi_high", "tau2", "se_tau2", "I2", "QE")
some = settings(derandomize=True, max_examples=25, deadline=None)


@st.composite
def effects(draw, least=2, most=12):
    """Effects of a known unit, some alike and some far apart, with variances of two orders of size."""
    k = draw(st.integers(least, most))
    seed = draw(st.integers(0, 10_000))
    spread = draw(st.sampled_from([0.0, 0.1, 1.0]))
    rng = np.random.default_rng(seed)
    vi = 10 ** rng.uniform(-2.5, -0.5, k)
    return rng.normal(0.3, np.sqrt(vi) + spread), vi


def shown(result):
    return np.array([getattr(result, name) for name in SHOWN], dtype=float)


def close(one, other, rel=1e-7):
    return np.asarray(one) == pytest.approx(np.asarray(other), rel=rel, abs=1e-9, nan_ok=True)


@some
@given(effects(), st.sampled_from(METHODS), st.randoms(use_true_random=False))
def test_the_order_of_effects_is_of_no_consequence(data, method, random):
    yi, vi = data
    order = list(range(len(yi)))
    random.shuffle(order)
    assert close(shown(fit(yi[order], vi[order], method=method)), shown(fit(yi, vi, method=method)))


@some
@given(effects(), st.sampled_from(METHODS), st.sampled_from(["knha", "adhoc", "t", "z"]))
def test_a_turned_sign_turns_the_estimate_and_leaves_the_rest(data, method, test):
    yi, vi = data
    one, turned = (fit(sign * yi, vi, method=method, test=test) for sign in (1, -1))
    assert close([one.estimate, one.ci_low, one.pi_low], [-turned.estimate, -turned.ci_high, -turned.pi_high])
    assert close([one.tau2, one.se, one.pval, one.I2], [turned.tau2, turned.se, turned.pval, turned.I2])


@some
@given(effects(), st.sampled_from(METHODS), st.sampled_from([1e-6, 1e-3, 7.0, 1e6]))
def test_another_unit_scales_the_estimate_and_squares_tau2(data, method, c):
    yi, vi = data
    one, scaled = fit(yi, vi, method=method), fit(c * yi, c**2 * vi, method=method)
    assert close(shown(scaled)[:6] / c, shown(one)[:6])
    assert close([scaled.tau2 / c**2, scaled.se_tau2 / c**2], [one.tau2, one.se_tau2])
    assert close(np.array(scaled.tau2_ci) / c**2, one.tau2_ci)
    assert close([scaled.I2, scaled.H2, scaled.QE, scaled.pval], [one.I2, one.H2, one.QE, one.pval])


@some
@given(effects(), st.sampled_from(METHODS), st.sampled_from([-3.0, 0.5, 100.0]))
def test_a_constant_added_moves_the_estimate_alone(data, method, c):
    yi, vi = data
    one, moved = shown(fit(yi, vi, method=method)), shown(fit(yi + c, vi, method=method))
    locations = np.array([name in {"estimate", "ci_low", "ci_high", "pi_low", "pi_high"} for name in SHOWN])
    assert close(moved - c * locations, one)


@some
@given(effects(least=3), st.sampled_from(METHODS))
def test_a_study_given_twice_with_twice_its_variance_counts_once_at_a_known_tau2_of_zero(data, method):
    yi, vi = data
    split_y, split_v = np.append(yi, yi[0]), np.append(vi, 2 * vi[0])
    split_v[0] = 2 * vi[0]
    options = {} if method == "FE" else {"tau2": 0.0}
    one = fit(yi, vi, method=method, test="z", **options)
    split = fit(split_y, split_v, method=method, test="z", **options)
    assert close([split.estimate, split.se, split.QE], [one.estimate, one.se, one.QE])
    assert split.weights[0] + split.weights[-1] == pytest.approx(one.weights[0], rel=1e-10)


@some
@given(effects(least=3))
def test_repeating_a_study_draws_the_estimate_to_it(data):
    yi, vi = data
    one = fit(yi, vi, method="FE")
    twice = fit(np.append(yi, yi[0]), np.append(vi, vi[0]), method="FE")
    assert abs(twice.estimate - yi[0]) <= abs(one.estimate - yi[0]) + 1e-12


@some
@given(effects(), st.sampled_from([m for m in METHODS if m != "FE"]))
def test_without_tau2_every_method_is_the_fixed_effect(data, method):
    yi, vi = data
    random, fixed = fit(yi, vi, method=method, tau2=0.0), fit(yi, vi, method="FE")
    assert close([random.estimate, random.se, random.pval], [fixed.estimate, fixed.se, fixed.pval])
    assert random.solver == "given"
    found = fit(yi, vi, method=method)
    assert found.tau2 > 0 or close([found.estimate, found.se], [fixed.estimate, fixed.se])


@some
@given(effects(least=4), st.sampled_from(METHODS))
def test_a_regression_without_any_slope_is_the_mean(data, method):
    yi, vi = data
    model = RegressionModel(yi, vi, np.ones((len(yi), 1)), names=("intercept",), intercept=True)
    mean = MeanModel(yi, vi)
    for tau2 in (0.0, 0.3):
        assert close(model.moments(tau2), mean.moments(tau2), rel=1e-9)
        assert close(model.solve(tau2).coefficients, mean.solve(tau2).coefficients)
    assert close(
        between_variance.estimate(model, method=method).tau2,
        between_variance.estimate(mean, method=method).tau2,
    )


@some
@given(effects(least=5), st.sampled_from(METHODS))
def test_another_unit_of_a_moderator_changes_its_coefficient_alone(data, method):
    yi, vi = data
    x = np.linspace(1990, 2020, len(yi)) + np.arange(len(yi)) % 3
    one, other = (
        fit(yi, vi, mods={"year": x}, method=method),
        fit(yi, vi, mods={"year": 1e4 * x}, method=method),
    )
    assert close([one.tau2, one.QM, one.QE, one.R2], [other.tau2, other.QM, other.QE, other.R2], rel=1e-6)
    assert one.coefficients[1].estimate == pytest.approx(1e4 * other.coefficients[1].estimate, rel=1e-6)


@some
@given(effects(least=3))
def test_the_interval_of_tau2_holds_the_generalised_q_at_its_quantiles(data):
    yi, vi = data
    result = fit(yi, vi)
    low, high, empty = result.tau2_interval()
    assert 0 <= low <= high
    assert not empty or high == 0
    profile = result.tau2_interval(kind="PL")
    assert profile.low <= result.tau2 <= profile.high


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [1e-12, 1e-6, 1e6, 1e12])
def test_variances_may_be_tiny_or_huge(method, size):
    yi, vi = np.array([0.1, 0.9, -0.4, 0.6]), np.array([0.02, 0.01, 0.05, 0.03])
    one, other = fit(yi, vi, method=method), fit(yi * math.sqrt(size), vi * size, method=method)
    assert other.tau2 / size == pytest.approx(one.tau2, rel=1e-9)
    assert other.pval == pytest.approx(one.pval, rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_variances_may_differ_by_a_factor_of_1e24(method):
    yi, vi = np.array([0.0, 1.0, 3.0, 5.0]), np.array([1e-12, 1e-12, 1e12, 1e12])
    result = fit(yi, vi, method=method)
    assert math.isfinite(result.estimate)
    assert result.tau2 >= 0
    # The precise two decide alone; they are 1 apart.
    assert result.estimate == pytest.approx(0.5, abs=1e-4) or method in ("HE", "SJ")


def test_one_precise_effect_leaves_the_others_their_say_in_tau2():
    yi, vi = np.array([0.0, 1.0, -2.0, 3.0]), np.array([1e-20, 0.5, 0.5, 0.5])
    at = MeanModel(yi, vi).at_zero
    # As its variance goes to zero, P_00 is the sum of the other weights, P_0j = -w_j and P_jj = w_j; w_j = 2.
    assert at.tr_p == pytest.approx(6 + 6, rel=1e-12)
    assert at.tr_pp == pytest.approx(6**2 + 2 * 12 + 12, rel=1e-12)
    assert at.q == pytest.approx(2 * (1 + 4 + 9), rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_equal_effects_have_no_tau2(method):
    result = fit([0.3, 0.3, 0.3], [0.1, 0.2, 0.05], method=method)
    assert (result.tau2, result.I2, result.QE) == (0, 0, 0)
    assert (result.estimate, result.se, result.stat) == (pytest.approx(0.3, rel=1e-14), 0, math.inf)
    floored = fit([0.3, 0.3, 0.3], [0.1, 0.2, 0.05], method=method, test="adhoc")
    assert floored.se == pytest.approx(math.sqrt(1 / 35), rel=1e-12)


def test_effects_more_alike_than_sampling_allows_have_an_empty_interval_that_says_so():
    result = fit([0.1, 0.1001, 0.0999, 0.1], [0.1, 0.2, 0.1, 0.3])
    assert result.tau2_interval() == (0, 0, True)
    assert (result.I2_ci, result.H2_ci) == ((0, 0), (1, 1))


@pytest.mark.parametrize("k", [0, 1])
def test_below_two_effects_nothing_is_said_of_tau2(k):
    result = fit([0.5][:k], [0.1][:k])
    assert result.tau2_interval() == pytest.approx(tau2_interval.UNKNOWN, nan_ok=True)
    assert all(math.isnan(value) for value in (result.se_tau2, result.R2, result.I2_q, *result.I2_ci))
    assert result.coefficients == ()
    with pytest.raises(ValueError, match=f"from {k} effects"):
        result.predict()


def test_a_fixed_effect_predicts_nothing_and_takes_heterogeneity_from_q():
    result = fit([0.1, 0.9, -0.4], [0.02, 0.01, 0.05], method="FE")
    assert result.method_pi == "none: a fixed effect has no spread"
    assert math.isnan(result.pi_low)
    assert math.isnan(result.se_tau2)
    assert (result.I2, result.H2) == (result.I2_q, result.H2_q)
    assert math.isnan(result.tau2_interval().low)


def test_prediction_intervals_are_named_and_by_hand():
    yi, vi = [0.1, 0.9, -0.4, 0.6], [0.02, 0.01, 0.05, 0.03]
    by = {kind: fit(yi, vi, pi=kind) for kind in ("metafor", "HTS", "Riley", "k-1", "z")}
    one, wald = by["metafor"], fit(yi, vi, test="z")
    # t quantiles: 3 degrees of freedom 3.182446, 2 degrees 4.302653.
    reach = {
        "metafor": 3.182446305 * math.sqrt(one.tau2 + one.se**2),
        "HTS": 4.302652730 * math.sqrt(one.tau2 + wald.se**2),
        "Riley": 4.302652730 * math.sqrt(one.tau2 + one.se**2),
        "k-1": 3.182446305 * math.sqrt(one.tau2 + one.se**2),
        "z": 1.959963985 * math.sqrt(one.tau2 + one.se**2),
    }
    for kind, half in reach.items():
        assert by[kind].pi_high - by[kind].estimate == pytest.approx(half, rel=1e-8), kind
    assert by["HTS"].method_pi == "t, df = k-2 = 2, Higgins, Thompson & Spiegelhalter 2009"
    assert math.isnan(fit(yi[:2], vi[:2], pi="HTS").pi_low)


YI, VI = np.array([0.1, 0.9, -0.4, 0.6, 0.2]), np.array([0.02, 0.01, 0.05, 0.03, 0.04])


def test_text_is_coded_by_indicators_and_categories_keep_their_order():
    design = ["x", "y", "x", "z", "z"]
    text = fit(YI, VI, mods={"design": design})
    assert [one.name for one in text.coefficients] == ["intercept", "design: y", "design: z"]
    ordered = pd.DataFrame({"design": pd.Categorical(design, categories=["z", "y", "x"])})
    assert [c.name for c in fit(YI, VI, mods=ordered).coefficients] == ["intercept", "design: y", "design: x"]
    assert text.predict({"design": ["z"]})["estimate"][0] == pytest.approx(
        text.coefficients[0].estimate + text.coefficients[2].estimate
    )


def test_a_model_with_moderators_has_no_one_estimate():
    result = fit(YI, VI, mods={"x": [1, 2, 3, 4, 6]})
    assert all(math.isnan(getattr(result, name)) for name in ("estimate", "se", "ci_low", "pi_high", "pval"))
    assert len(result.predict({"x": [1.5, 2.5]})) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mods": {"x": [1, 2, 3]}}, "'x' must have a value for each of the 5 effects, not 3"),
        ({"mods": {"x": [1, 2, math.nan, 4, 5]}}, "'x' is missing for effect 3"),
        ({"mods": {"x": [1, 2, math.inf, 4, 5]}}, "'x' must be finite"),
        ({"mods": {"x": [1, 2, 3, 4, 5], "y": [2, 4, 6, 8, 10]}}, "'y' follows from those before it"),
        ({"mods": {"x": [1, 1, 1, 1, 1]}}, "'x' follows from those before it"),
        ({"mods": np.eye(5)[:, :4]}, "5 effects leave no degree of freedom for 5 coefficients"),
        ({"intercept": False}, "needs moderators"),
        ({"pi": "hts"}, "allowed: metafor, HTS, Riley, k-1, z"),
        ({"tau2": -1.0}, "zero or more"),
        ({"tau2": 0.1, "method": "FE"}, "takes tau2 as zero"),
        ({"gq_weights": np.ones(5)}, "with method GENQ"),
        ({"method": "GENQ", "test": "z"}, "with method GENQ"),
        ({"method": "GENQ", "gq_weights": np.zeros(5), "test": "z"}, "5 finite numbers above zero"),
        ({"method": "GENQ", "gq_weights": np.ones(5)}, "allowed with GENQ: t, z"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        fit(YI, VI, **options)


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ({"design": ["w"], "x": [1]}, "found 'w'; allowed: u, v"),
        ({"design": ["u"]}, "must be those of the model"),
        ({"design": ["u"], "x": ["many"]}, "'x' is a number in the model"),
        ({"design": ["u", "v"], "x": [1]}, "of one length"),
    ],
)
def test_new_moderators_must_be_those_of_the_model(new, message):
    result = fit(YI, VI, mods={"design": ["u", "v", "u", "v", "v"], "x": [1, 2, 3, 4, 6]})
    with pytest.raises(ValueError, match=message):
        result.predict(new)


def test_intervals_of_tau2_that_do_not_exist_are_refused():
    with pytest.raises(ValueError, match="needs method ML or REML, not DL"):
        fit(YI, VI, method="DL").tau2_interval(kind="PL")
    with pytest.raises(ValueError, match="allowed: QP, PL"):
        fit(YI, VI).tau2_interval(kind="Wald")


def test_groups_of_one_effect_are_compared_only_where_asked():
    group = ["x", "x", "y", "y", "z"]
    default = between(YI, VI, group, tau2="common")
    assert (default.n_groups, default.left_out) == (2, ("z",))
    asked = between(YI, VI, group, tau2="common", test="knha", min_compared=1)
    assert (asked.n_groups, asked.left_out, asked.df, asked.df2) == (3, (), 2, 2)
    assert between(YI[:2], VI[:2], ["x", "y"], tau2="common", min_compared=1) is None
    with pytest.raises(ValueError, match="needs a common tau2"):
        between(YI, VI, group, test="knha")
    with pytest.raises(ValueError, match="allowed: separate, common"):
        by_group(YI, VI, group, tau2="shared")
