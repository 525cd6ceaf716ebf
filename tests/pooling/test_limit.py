"""Limit meta-analysis, against least squares on the generalised radial plot in R."""

import math

import numpy as np
import pytest
from pooling.small_study_sets import SETS, assert_agrees, effects, reference

from livingreview.pooling.limit import limit_meta_analysis
from livingreview.pooling.reasons import too_few

ROWS = {row["set"]: row for _, row in reference("limit.csv").iterrows()}
SHARED = ["alpha", "beta", "tau2", "G2", "Q", "Q_resid"]


@pytest.mark.parametrize("name", SETS)
def test_the_three_variants_agree_with_r(name):
    row = ROWS[name]
    shared = dict(zip(SHARED, SHARED, strict=True))
    fields = {
        "beta0": {"estimate": "estimate", "se": "se"},
        "betalim": {"estimate": "betalim", "se": "betalim_se"},
        "mulim": {"estimate": "mulim", "se": "mulim_se"},
    }
    for variant, own in fields.items():
        # The residuals of equal limit effects (tau² = 0) are rounding, in R and here.
        slack = 1e-7 if row["tau2"] < 1e-8 else 1e-10
        result = limit_meta_analysis(*effects(name), variant=variant)
        assert_agrees(result, row, shared | own, slack=slack)
        assert result.Q_small == pytest.approx(row["Q"] - row["Q_resid"], abs=1e-8)


def test_the_interval_and_the_test_are_normal():
    result = limit_meta_analysis(*effects("bcg"))
    assert result.ci_low == pytest.approx(result.estimate - 1.959963984540054 * result.se)
    assert result.pval == pytest.approx(math.erfc(abs(result.stat) / math.sqrt(2)))


def test_the_interval_covers_the_limit_however_large_the_heterogeneity():
    rng, tau, alpha, k = np.random.default_rng(7), 0.3, 0.5, 20
    covered = []
    for _ in range(200):
        sei = rng.uniform(0.08, 0.5, k)
        yi = 0.2 + np.sqrt(sei**2 + tau**2) * (alpha + rng.standard_normal(k))
        result = limit_meta_analysis(yi, sei**2)
        covered.append(result.ci_low < 0.2 + tau * alpha < result.ci_high)
    # 0.94 in long runs; by a standard error without tau² it would be 0.79.
    assert 0.9 < np.mean(covered) < 0.98


def test_the_radial_plot_of_the_limit_has_an_error_without_heterogeneity_too():
    yi, vi = effects("tied_8")
    result = limit_meta_analysis(yi, vi, variant="betalim")
    assert result.se == pytest.approx(limit_meta_analysis(yi, vi).se, rel=1e-12)
    assert result.se > 0


def test_without_heterogeneity_the_limit_is_the_line_at_zero():
    result = limit_meta_analysis(*effects("tied_8"))
    assert result.tau2 == 0
    assert result.estimate == result.beta


@pytest.mark.parametrize("k", [0, 1, 2])
def test_below_three_effects_there_is_a_reason_and_no_number(k):
    result = limit_meta_analysis([0.1] * k, [0.1] * k)
    assert result.reason == too_few(k, 3)
    assert math.isnan(result.estimate)


def test_equal_standard_errors_and_equal_effects_are_defined():
    same = limit_meta_analysis([0.1, 0.2, 0.4], [0.1] * 3)
    assert same.reason == "the standard error is the same in all 3 studies"
    equal = limit_meta_analysis([0.3] * 4, [0.01, 0.02, 0.05, 0.1])
    assert (equal.estimate, equal.alpha) == (pytest.approx(0.3), pytest.approx(0, abs=1e-12))


def test_what_is_asked_wrongly_is_answered_with_what_is_allowed():
    with pytest.raises(ValueError, match="variant 'beta' is not known; allowed: beta0, betalim, mulim"):
        limit_meta_analysis(*effects("bcg"), variant="beta")
