"""The multilevel model where the data say little, and what must not change the answer."""

import math
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livingreview.pooling import multilevel, nested
from livingreview.pooling.covariance import correlated, independent
from livingreview.pooling.multilevel import fit, profile_intervals
from livingreview.pooling.nested import Nested
from livingreview.pooling.random_effects import ConvergenceError

YI = np.array([0.1, 0.5, 0.9, 0.3, 0.2, 1.4, -0.2])
VI = np.array([0.04, 0.06, 0.05, 0.03, 0.08, 0.04, 0.05])
STUDY = np.array(["a", "a", "b", "b", "c", "d", "d"])


def made_up(seed, m=15, tau=0.4, omega=0.2):
    rng = np.random.default_rng(seed)
    study = np.repeat(np.arange(m), rng.integers(1, 5, m))
    vi = rng.uniform(0.01, 0.2, len(study))
    yi = 0.3 + rng.normal(0, tau, m)[study] + rng.normal(0, omega, len(study)) + rng.normal(0, np.sqrt(vi))
    return yi, vi, np.array([f"s{s}" for s in study])


def dense_log_likelihood(yi, V, X, sigma2, *, restricted):
    """From the definition, with k x k matrices."""
    full = V.dense() + sigma2[1] * np.eye(V.k)
    for at in V.rows:
        full[np.ix_(at, at)] += sigma2[0]
    W = np.linalg.inv(full)
    A = X.T @ W @ X
    residual = yi - X @ np.linalg.solve(A, X.T @ W @ yi)
    n = V.k - X.shape[1] * restricted
    ll = -n * math.log(2 * math.pi) - np.linalg.slogdet(full)[1] - residual @ W @ residual
    if restricted:
        ll += np.linalg.slogdet(X.T @ X)[1] - np.linalg.slogdet(A)[1]
    return ll / 2


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("rho", [0.0, 0.7])
def test_the_likelihood_and_its_derivatives_are_those_of_full_matrices(rho, restricted):
    yi, vi, study = made_up(3)
    X = np.column_stack([np.ones(len(yi)), np.linspace(1990, 2020, len(yi))])
    V = correlated(vi, study, rho=rho)
    model = Nested(yi, X, V, restricted=restricted)
    at, step = np.array([0.13, 0.05]), 1e-4

    def ll(s1, s2):
        return dense_log_likelihood(yi, V, X, (s1, s2), restricted=restricted)

    point = model.at(at)
    assert point.ll == pytest.approx(ll(*at), rel=1e-9)
    for i in (0, 1):
        up, down = at.copy(), at.copy()
        up[i] += step
        down[i] -= step
        assert point.score[i] == pytest.approx((ll(*up) - ll(*down)) / (2 * step), rel=1e-4)
        slope = (model.at(up).score - model.at(down).score) / (2 * step)
        np.testing.assert_allclose(-slope, point.observed[i], rtol=1e-4)


@pytest.mark.parametrize("seed", range(6))
def test_no_point_of_a_grid_is_likelier_than_the_maximum(seed):
    yi, vi, study = made_up(seed, m=6, tau=[0.5, 0.0][seed % 2], omega=[0.3, 0.0, 0.6][seed % 3])
    V = correlated(vi, study, rho=0.5)
    found = fit(yi, V)
    model = Nested(yi - yi.mean(), np.ones((len(yi), 1)), V, restricted=True)
    grid = np.concatenate([[0], np.geomspace(1e-5, 5, 25)])
    assert max(model.at((a, b)).ll for a in grid for b in grid) <= found.loglik + 1e-9


def test_no_effect_is_an_empty_estimate():
    found = fit([], [], [])
    assert (found.k, found.n_studies, found.method) == (0, 0, "no study")
    assert math.isnan(found.estimate)
    assert found.weights.shape == (0,)


def test_one_effect_is_its_own_estimate():
    found = fit([0.5], [0.04], ["a"])
    assert (found.k, found.n_studies, found.identified) == (1, 1, False)
    assert found.estimate == 0.5
    assert found.se == pytest.approx(0.2)
    assert (found.ci_low, found.ci_high) == pytest.approx((0.5 - 1.959964 * 0.2, 0.5 + 1.959964 * 0.2))
    assert math.isnan(found.tau2)
    assert found.method == "single study"


def test_one_study_has_no_variance_between_studies():
    found = fit([0.1, 0.9, 0.4], [0.04, 0.03, 0.05], ["a", "a", "a"], test="z")
    assert found.sigma2[0] == 0
    assert found.sigma2[1] > 0
    assert not found.identified
    assert found.notes == ("one study: the variance between studies is fixed at 0",)
    assert math.isnan(found.pi_low)
    assert "single study" in found.method_pi


def test_one_study_and_levels_of_studies_leave_only_sampling_error():
    found = fit([0.1, 0.9], [0.04, 0.04], ["a", "a"], levels="study")
    assert found.sigma2 == (0, 0)
    assert found.estimate == pytest.approx(0.5)
    assert found.vb[0, 0] == pytest.approx(0.02)


def test_two_studies_are_enough():
    found = fit(YI[:4], VI[:4], STUDY[:4])
    assert (found.n_studies, found.identified) == (2, True)
    assert found.df == 1
    assert math.isfinite(found.pi_low)


def test_studies_of_one_effect_give_the_two_level_model():
    study = list("abcdefg")
    found = fit(YI, VI, study)
    plain = fit(YI, VI, study, levels="study")
    assert found.sigma2 == plain.sigma2
    assert found.sigma2[0] > 0
    assert (found.sigma2[1], found.identified) == (0, False)
    assert found.notes == ("every study has one effect: the variance within studies is fixed at 0",)
    assert found.estimate == plain.estimate


def test_studies_of_one_effect_agree_with_the_random_effects_model():
    from livingreview.pooling import random_effects

    found = fit(YI, VI, list("abcdefg"), test="z")
    two_level = random_effects.fit(YI, VI, method="REML", test="z")
    for name in ("estimate", "se", "ci_low", "pval", "tau2", "I2", "QE", "pi_high"):
        assert getattr(found, name) == pytest.approx(getattr(two_level, name), rel=1e-8)


def test_equal_effects_have_no_variance():
    found = fit([0.3] * 6, VI[:6], STUDY[:6])
    assert found.sigma2 == (0.0, 0.0)
    assert found.estimate == pytest.approx(0.3)
    assert (found.tau2, found.I2) == (0, 0)
    assert found.QE == pytest.approx(0, abs=1e-20)
    assert all(math.isnan(se) for se in found.se_sigma2)


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1e4, 1e9])
def test_the_answer_follows_the_unit(scale):
    one, other = fit(YI, VI, STUDY), fit(YI * scale, VI * scale**2, STUDY)
    np.testing.assert_allclose(np.array(other.sigma2) / scale**2, one.sigma2, rtol=1e-7)
    assert other.estimate / scale == pytest.approx(one.estimate, rel=1e-9)
    assert other.pval == pytest.approx(one.pval, rel=1e-8)
    assert other.I2 == pytest.approx(one.I2, rel=1e-8)


def test_effects_far_from_zero_keep_their_digits():
    one, other = fit(YI, VI, STUDY), fit(YI + 2.0**20, VI, STUDY)
    np.testing.assert_allclose(other.sigma2, one.sigma2, rtol=1e-6)
    assert other.estimate - 2.0**20 == pytest.approx(one.estimate, abs=1e-8)


def test_variances_that_differ_by_ten_orders_are_held():
    vi = np.array([1e-8, 1e2, 1e-3, 1e-8, 1e2, 1.0, 1e-6])
    found = fit(YI, vi, STUDY)
    V = independent(vi, STUDY)
    model = Nested(YI - YI.mean(), np.ones((7, 1)), V, restricted=True)
    grid = np.concatenate([[0], np.geomspace(1e-7, 10, 40)])
    assert max(model.at((a, b)).ll for a in grid for b in grid) <= found.loglik + 1e-9


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.floats(0, 0.9))
def test_order_and_sign_do_not_matter(seed, rho):
    yi, vi, study = made_up(seed, m=6)
    one = fit(yi, correlated(vi, study, rho=rho))
    order = np.random.default_rng(seed).permutation(len(yi))
    moved = fit(yi[order], correlated(vi[order], study[order], rho=rho))
    flipped = fit(-yi, correlated(vi, study, rho=rho))
    for other, sign in ((moved, 1), (flipped, -1)):
        np.testing.assert_allclose(other.sigma2, one.sigma2, rtol=1e-6, atol=1e-9)
        assert sign * other.estimate == pytest.approx(one.estimate, rel=1e-6, abs=1e-9)
        assert other.se == pytest.approx(one.se, rel=1e-6)
    np.testing.assert_allclose(moved.weights, one.weights[order], rtol=1e-5, atol=1e-7)


def test_weights_give_the_estimate():
    found = fit(YI, correlated(VI, STUDY, rho=0.6))
    assert found.weights.sum() == pytest.approx(100)
    assert found.weights @ YI / 100 == pytest.approx(found.estimate, rel=1e-12)


def test_moderators_move_the_numbers_to_the_table():
    found = fit(YI, VI, STUDY, mods={"dose": np.arange(7.0)}, test="z")
    assert math.isnan(found.estimate)
    assert math.isnan(found.pi_low)
    assert found.coefficients["term"].tolist() == ["intercept", "dose"]
    assert found.QM == pytest.approx(found.coefficients["stat"][1] ** 2)
    assert (found.QM_df1, found.QE_df) == (1, 5)
    assert found.weights.shape == (0,)


def test_a_model_without_intercept_tests_every_term():
    ones = fit(YI, VI, STUDY, mods={"all": np.ones(7)}, intercept=False)
    plain = fit(YI, VI, STUDY)
    assert ones.coefficients["estimate"][0] == pytest.approx(plain.estimate, rel=1e-9)
    assert ones.QM == pytest.approx(plain.stat**2, rel=1e-8)


def test_profile_intervals_hold_the_estimates_and_are_none_for_what_is_fixed():
    between, within = profile_intervals(YI, VI, STUDY)
    sigma2 = fit(YI, VI, STUDY).sigma2
    assert between[0] <= sigma2[0] < between[1]
    assert within[0] <= sigma2[1] < within[1]
    between, within = profile_intervals(YI, VI, list("abcdefg"))
    assert between[1] > 0
    assert all(math.isnan(end) for end in within)
    assert all(math.isnan(end) for pair in profile_intervals([0.1], [0.1], ["a"]) for end in pair)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((YI, VI), {}, "study must name the study of each effect"),
        ((YI, VI[:3], STUDY), {}, "one length"),
        ((YI, -VI, STUDY), {}, "above zero"),
        ((YI, independent(VI, STUDY), STUDY), {}, "leave out study"),
        ((YI, correlated(VI, STUDY, rho=1.0)), {}, "study 'a' are not positive definite"),
        ((YI, VI, STUDY), {"method": "DL"}, "method 'DL' is not known; allowed: REML, ML"),
        ((YI, VI, STUDY), {"test": "knha"}, "test 'knha' is not known; allowed: t, z"),
        ((YI, VI, STUDY), {"dfs": "satterthwaite"}, "allowed: contain, residual"),
        ((YI, VI, STUDY), {"levels": "lab"}, "allowed: effect, study"),
        ((YI, VI, STUDY), {"level": 95}, "level 95 must lie between 0 and 1"),
        ((YI, VI, STUDY), {"mods": np.ones(7)}, "redundant"),
        ((YI, VI, STUDY), {"mods": np.ones(3)}, "one row for each of the 7 effects"),
        ((YI, VI, STUDY), {"mods": {"x": ["p"] * 7}}, "'x' must hold numbers; hint: code a factor"),
        ((YI, VI, STUDY), {"mods": {"x": [np.nan] * 7}}, "'x' must be finite"),
        ((YI, VI, STUDY), {"intercept": False}, "the model has no term"),
        ((YI[:2], VI[:2], STUDY[:2]), {"mods": [0, 1]}, "2 terms needs more effects than 2"),
    ],
)
def test_what_cannot_be_fitted_is_refused(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        fit(*arguments, **options)


def test_a_search_that_does_not_settle_is_an_error(monkeypatch):
    monkeypatch.setattr(nested, "MAX_STEPS", 1)
    with pytest.raises(ConvergenceError, match="did not settle for 7 effects of 4 studies"):
        fit(YI, VI, STUDY)


def test_every_attribute_of_the_result_is_described():
    text = multilevel.MultilevelEstimate.__doc__
    assert [field.name for field in fields(multilevel.MultilevelEstimate) if field.name not in text] == []
