"""What must hold for any effects, and what is refused."""

import math

import numpy as np
import pytest

from livingreview.pooling import between_variance
from livingreview.pooling.heterogeneity import cochran_q, i2_h2, typical_variance
from livingreview.pooling.random_effects import ConvergenceError, fit
from livingreview.pooling.weighting import MeanModel

YI = np.array([-0.9, -0.35, -0.1, 0.05, -0.6, -0.42])
VI = np.array([0.02, 0.05, 0.01, 0.04, 0.03, 0.06])
OPTIONS = [(method, test) for method in ("REML", "DL") for test in ("knha", "z")]
NUMBERS = (
    "estimate",
    "se",
    "ci_low",
    "ci_high",
    "pval",
    "pi_low",
    "pi_high",
    "tau2",
    "I2",
    "H2",
    "QE",
    "QE_p",
)


def numbers(result):
    return [getattr(result, name) for name in NUMBERS]


@pytest.mark.parametrize(("method", "test"), OPTIONS)
@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_effects_does_not_matter(method, test, seed):
    order = np.random.default_rng(seed).permutation(len(YI))
    one, other = fit(YI, VI, method=method, test=test), fit(YI[order], VI[order], method=method, test=test)
    assert numbers(other) == pytest.approx(numbers(one), rel=1e-10)
    assert other.weights == pytest.approx(one.weights[order], rel=1e-10)


@pytest.mark.parametrize(("method", "test"), OPTIONS)
def test_turning_every_sign_turns_the_estimate_and_its_intervals(method, test):
    one, other = fit(YI, VI, method=method, test=test), fit(-YI, VI, method=method, test=test)
    turned = (-other.estimate, -other.ci_high, -other.ci_low, -other.pi_high, -other.pi_low)
    straight = (one.estimate, one.ci_low, one.ci_high, one.pi_low, one.pi_high)
    assert turned == pytest.approx(straight, rel=1e-12)
    assert (other.tau2, other.I2, other.QE, other.pval) == pytest.approx(
        (one.tau2, one.I2, one.QE, one.pval), rel=1e-10
    )


@pytest.mark.parametrize(("method", "test"), OPTIONS)
def test_adding_a_constant_moves_the_estimate_by_it_and_nothing_else(method, test):
    one, other = fit(YI, VI, method=method, test=test), fit(YI + 7.25, VI, method=method, test=test)
    assert other.estimate - 7.25 == pytest.approx(one.estimate, rel=1e-10)
    assert (other.se, other.tau2, other.I2, other.QE) == pytest.approx(
        (one.se, one.tau2, one.I2, one.QE), rel=1e-9
    )


@pytest.mark.parametrize(("method", "test"), OPTIONS)
def test_scaling_effects_scales_the_estimate_and_squares_tau2(method, test):
    one, other = fit(YI, VI, method=method, test=test), fit(100 * YI, 1e4 * VI, method=method, test=test)
    assert (other.estimate, other.se, other.tau2, other.I2) == pytest.approx(
        (100 * one.estimate, 100 * one.se, 1e4 * one.tau2, one.I2), rel=1e-9
    )


@pytest.mark.parametrize("seed", range(20))
def test_reml_stands_on_a_stationary_point_or_on_the_boundary(seed):
    rng = np.random.default_rng(seed)
    k = int(rng.integers(2, 25))
    vi = rng.uniform(0.005, 0.3, k)
    yi = rng.normal(0, np.sqrt(vi + rng.choice([0, 0.02, 0.3])))
    result = fit(yi, vi)
    likelihood = MeanModel(yi, vi).log_likelihood
    here = result.log_likelihood(restricted=True)
    for shift in (1e-3, -1e-3):
        if result.tau2 + shift >= 0:
            assert likelihood(result.tau2 + shift, restricted=True) <= here + 1e-12


def test_equal_variances_have_a_solution_by_hand():
    # With one variance v, REML is max(0, s² - v) and the estimate the mean, its t test that of the sample.
    yi, v = np.array([0.1, 0.5, 0.9, 0.3]), 0.02
    result = fit(yi, np.full(4, v))
    s2 = yi.var(ddof=1)
    assert result.tau2 == pytest.approx(s2 - v, rel=1e-10)
    assert result.estimate == pytest.approx(0.45, rel=1e-12)
    assert result.se == pytest.approx(math.sqrt(s2 / 4), rel=1e-10)
    assert pytest.approx((100 * (s2 - v) / s2, s2 / v), rel=1e-10) == (result.I2, result.H2)
    assert result.weights == pytest.approx([25] * 4, rel=1e-12)


def test_the_hartung_knapp_variance_has_no_floor():
    yi, vi = np.array([-0.31, -0.30, -0.29, -0.32]), np.array([0.04, 0.05, 0.03, 0.06])
    assert fit(yi, vi).se < fit(yi, vi, test="z").se / 10


def test_no_effects_give_no_numbers():
    result = fit([], [])
    assert result.k == 0
    assert all(math.isnan(value) for value in numbers(result))
    assert len(result.weights) == 0
    assert {result.method_tau2, result.method_ci, result.method_pi, result.method_I2} == {"no study"}


@pytest.mark.parametrize("test", ["knha", "z"])
def test_a_single_effect_is_its_own_estimate_and_says_nothing_of_heterogeneity(test):
    result = fit([-0.5], [0.04], test=test)
    assert (result.estimate, result.se) == pytest.approx((-0.5, 0.2), rel=1e-14)
    assert (result.ci_low, result.ci_high) == pytest.approx((-0.891992796908, -0.108007203092), rel=1e-11)
    assert result.pval == pytest.approx(0.01241933065, rel=1e-8)
    unknown = ("tau2", "I2", "H2", "QE", "QE_p", "pi_low", "pi_high")
    assert all(math.isnan(getattr(result, name)) for name in unknown)
    assert result.weights.tolist() == [100.0]
    assert result.method_ci == "single study: Wald (normal)"
    assert result.method_tau2 == "single study"


def test_the_methods_are_named_as_used():
    result = fit(YI, VI)
    assert result.method_tau2 == "REML"
    assert result.method_ci == "Hartung-Knapp (t, df = k-1)"
    assert result.method_pi == "t, df = k-1 = 5, as metafor predict()"
    assert result.method_I2 == "from tau2 (Higgins & Thompson 2002), as metafor"
    other = fit(YI, VI, method="DL", test="z")
    assert (other.method_tau2, other.method_ci, other.method_pi) == (
        "DerSimonian-Laird",
        "Wald (normal)",
        "normal, as metafor",
    )


def test_the_level_sets_both_intervals():
    wide, narrow = fit(YI, VI, level=0.99), fit(YI, VI, level=0.9)
    # t quantiles on 5 degrees of freedom: 4.032143 and 2.015048.
    assert (wide.ci_high - wide.estimate) / wide.se == pytest.approx(4.0321430, rel=1e-7)
    assert (narrow.ci_high - narrow.estimate) / narrow.se == pytest.approx(2.0150484, rel=1e-7)
    assert wide.pi_low < narrow.pi_low


@pytest.mark.parametrize(
    ("yi", "vi", "options", "message"),
    [
        ([0.1, 0.2], [0.1], {}, "one length"),
        ([0.1, math.nan], [0.1, 0.1], {}, "finite"),
        ([0.1, 0.2], [0.1, math.inf], {}, "finite"),
        ([0.1, 0.2], [0.1, 0.0], {}, "above zero"),
        ([0.1, 0.2], [0.1, -0.2], {}, "smallest is -0.2"),
        (YI, VI, {"method": "Reml"}, "allowed: REML, DL"),
        (YI, VI, {"test": "hksj"}, "allowed: knha, adhoc, t, z"),
        (YI, VI, {"level": 95}, "between 0 and 1"),
    ],
)
def test_what_cannot_be_pooled_is_refused(yi, vi, options, message):
    with pytest.raises(ValueError, match=message):
        fit(yi, vi, **options)


OSCILLATING = (
    [0.06, 0.16, -0.24, 0.12, 0.27, -0.03, -0.06, -0.60, 0.15],
    [0.033, 0.005, 0.403, 0.026, 0.261, 0.464, 0.003, 1.828, 0.036],
)


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_scoring_that_does_not_settle_gives_way_to_a_search_and_says_so(monkeypatch, method):
    scored = fit(YI, VI, method=method)
    monkeypatch.setattr(between_variance, "MAX_STEPS", 2)
    searched = fit(YI, VI, method=method)
    assert (scored.solver, searched.solver) == ("Fisher scoring", "bracketing")
    assert numbers(searched) == pytest.approx(numbers(scored), rel=1e-10)


def test_a_search_that_meets_a_likelihood_that_is_not_finite_is_an_error(monkeypatch):
    monkeypatch.setattr(between_variance, "MAX_STEPS", 0)
    monkeypatch.setattr(between_variance, "_step", lambda *_, **__: math.nan)
    with pytest.raises(ConvergenceError, match=r"6 effects is not finite; .* from 0\.01 to 0\.06"):
        fit(YI, VI)


def test_a_root_that_is_not_reached_is_an_error(monkeypatch):
    monkeypatch.setattr(between_variance, "MAX_ROOT_STEPS", 1)
    with pytest.raises(ConvergenceError, match=r"6 effects was not brought to 5 in 1 steps"):
        fit(YI, VI, method="PM")


@pytest.mark.parametrize(
    ("near", "lengths", "solver"),
    [
        (between_variance.NEAR, (1.0,), "Fisher scoring"),
        (0.0, between_variance.STEP_LENGTHS, "Fisher scoring"),
        (0.0, (1.0,), "bracketing"),
    ],
)
def test_full_fisher_steps_that_oscillate_settle_by_secant_by_shorter_steps_or_by_search(
    monkeypatch, near, lengths, solver
):
    settled = fit(*OSCILLATING).tau2
    assert settled > 0
    monkeypatch.setattr(between_variance, "NEAR", near)
    monkeypatch.setattr(between_variance, "STEP_LENGTHS", lengths)
    other = fit(*OSCILLATING)
    assert (other.solver, other.tau2) == (solver, pytest.approx(settled, rel=1e-10))


def test_heterogeneity_by_hand():
    # Of two effects Q is (y_1 - y_2)² / (v_1 + v_2).
    yi, vi = np.array([-0.5, 0.1]), np.array([0.02, 0.04])
    q = cochran_q(yi, vi)
    assert (q.QE, q.QE_df) == pytest.approx((0.36 / 0.06, 1), rel=1e-12)
    # k - 1 = 1 over (75 - 3125 / 75) = 1 / 33.33
    assert typical_variance(vi) == pytest.approx(0.03, rel=1e-12)
    assert i2_h2(vi, tau2=0.03) == pytest.approx((50, 2), rel=1e-12)
    assert math.isnan(cochran_q(yi[:1], vi[:1]).QE)
    assert all(math.isnan(value) for value in i2_h2(vi[:1], tau2=0.1))
