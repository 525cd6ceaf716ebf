"""Trim and fill against metafor's trimfill(); and where it is not defined."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pooling.small_study_sets import SETS, assert_agrees, effects, reference

from livingreview.pooling.random_effects import fit
from livingreview.pooling.reasons import too_few
from livingreview.pooling.trim_and_fill import trim_and_fill

TRIMS = reference("trimfill.csv")
FILLED = reference("filled.csv")
KEY = ["set", "estimator", "side", "method", "test", "ilim"]
POOLED = ["estimate", "se", "ci_low", "ci_high", "pval", "tau2"]


def trimmed(row):
    yi, vi = effects(row["set"])
    return trim_and_fill(
        yi,
        vi,
        estimator=row["estimator"],
        side=row["side"],
        method=row["method"],
        test=row["test"],
        limits=(yi.min(), yi.max()) if row["ilim"] else None,
    )


@pytest.mark.parametrize("name", SETS)
def test_trim_and_fill_agrees_with_metafor(name):
    rows = TRIMS[TRIMS["set"] == name]
    assert len(rows) == 23
    for _, row in rows.iterrows():
        result = trimmed(row)
        if row["failed"]:
            assert result.reason
            continue
        assert (result.reason, result.side, result.k0) == (None, row["found_side"], row["k0"])
        assert_agrees(result, row, {"se_k0": "se_k0", "p_k0": "p_k0"})
        assert_agrees(result.adjusted, row, dict(zip(POOLED, POOLED, strict=True)))
        filled = FILLED[(FILLED[KEY] == row[KEY]).all(axis=1)]
        np.testing.assert_allclose(result.filled_yi, filled["yi"], rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(result.filled_vi, filled["vi"], rtol=1e-12)


def test_the_reference_holds_filled_effects_of_every_estimator():
    assert set(FILLED["estimator"]) == {"L0", "R0", "Q0"}
    assert len(FILLED) > 900


def test_nothing_missing_gives_the_pool_of_what_there_is():
    yi, vi = effects("li2007")
    result = trim_and_fill(yi, vi, side="left")
    assert result.k0 == 0
    assert result.adjusted.estimate == fit(yi, vi).estimate
    assert result.adjusted.k == len(yi)
    assert len(result.filled_yi) == 0


@pytest.mark.parametrize("k", [0, 1, 2])
def test_below_three_effects_there_is_a_reason_and_no_result(k):
    result = trim_and_fill([0.1] * k, [0.1] * k)
    assert result.reason == too_few(k, 3)
    assert result.adjusted is None


def test_equal_effects_miss_nothing():
    result = trim_and_fill([0.3] * 4, [0.01, 0.02, 0.05, 0.1], estimator="R0")
    assert (result.k0, result.reason) == (0, None)
    assert result.adjusted.estimate == pytest.approx(0.3)


def test_what_is_asked_wrongly_is_answered_with_what_is_allowed():
    yi, vi = effects("bcg")
    with pytest.raises(ValueError, match="estimator 'L1' is not known; allowed: L0, R0, Q0"):
        trim_and_fill(yi, vi, estimator="L1")
    with pytest.raises(ValueError, match="side 'up' is not known; allowed: auto, left, right"):
        trim_and_fill(yi, vi, side="up")
    with pytest.raises(ValueError, match="limits must be"):
        trim_and_fill(yi, vi, limits=(1, math.nan))


@settings(derandomize=True, max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_mirror_image_has_the_mirror_result(seed):
    random = np.random.default_rng(seed)
    yi, vi = random.gamma(2, 0.3, 14), random.uniform(0.02, 0.4, 14)
    left, right = trim_and_fill(yi, vi, side="left"), trim_and_fill(-yi, vi, side="right")
    assert left.k0 == right.k0
    if left.reason is None:
        assert left.adjusted.estimate == pytest.approx(-right.adjusted.estimate)
        np.testing.assert_allclose(left.filled_yi, -right.filled_yi)
