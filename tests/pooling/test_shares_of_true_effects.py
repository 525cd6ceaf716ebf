"""Shares of true effects and of people helped."""

import math

import numpy as np
import pytest
from pooling.small_study_sets import SETS, effects, reference

from livingreview.pooling.random_effects import fit
from livingreview.pooling.shares import calibrated_effects, calibrated_share, helped, share_beyond

ROWS = reference("shares.csv")


@pytest.mark.parametrize("name", SETS)
def test_shares_agree_with_the_formulas_in_r(name):
    for _, row in ROWS[ROWS["set"] == name].iterrows():
        fitted = fit(*effects(name), test="z")
        share = share_beyond(
            fitted.estimate, fitted.se, fitted.tau2, fitted.se_tau2, threshold=row["threshold"]
        )
        calibrated = calibrated_share(*effects(name), threshold=row["threshold"])
        if fitted.tau2 > 0:
            assert share.share == pytest.approx(row["below"], rel=1e-6, abs=1e-12)
            assert share.se == pytest.approx(row["se"], rel=1e-6, abs=1e-12)
        assert calibrated.share == pytest.approx(row["calibrated_below"])


def test_the_two_tails_add_up_to_one_and_limits_stay_within():
    below = share_beyond(-0.3, 0.1, 0.04, 0.03, threshold=-0.2)
    above = share_beyond(-0.3, 0.1, 0.04, 0.03, threshold=-0.2, tail="above")
    assert below.share == pytest.approx(0.6914624612740131)  # Phi(0.5)
    assert below.share + above.share == pytest.approx(1)
    assert below.ci_low == pytest.approx(1 - above.ci_high)
    assert 0 <= below.ci_low < below.share < below.ci_high <= 1
    assert share_beyond(-0.9, 0.1, 0.04, 0.03, threshold=0).ci_high == 1
    assert share_beyond(-0.9, 0.1, 0.04, 0.03, threshold=0).advice.startswith("near 0 or 1")


def test_one_true_effect_is_beyond_or_not():
    for threshold, share in ((0.0, 1.0), (-0.3, 0.0), (-0.5, 0.0)):
        result = share_beyond(-0.3, 0.1, 0.0, 0.03, threshold=threshold)
        assert result.share == share
        assert math.isnan(result.ci_low)
        assert result.reason == "tau2 is 0: one true effect, no interval"


def test_without_an_estimate_there_is_a_reason():
    nothing = fit([], [])
    result = share_beyond(nothing.estimate, nothing.se, nothing.tau2, math.nan, threshold=0)
    assert result.reason == "no estimate, or no variance of true effects"
    assert math.isnan(result.share)
    assert calibrated_share([0.1], [0.1], threshold=0).reason == "1 effect; at least 2 are needed"


def test_without_a_standard_error_there_is_a_share_and_no_interval():
    result = share_beyond(-0.3, 0.1, 0.04, math.nan, threshold=-0.2)
    assert result.share == pytest.approx(0.6914624612740131)
    assert math.isnan(result.ci_low)
    assert math.isnan(result.ci_high)
    assert result.reason == "no standard error of the estimate or of tau2, so no interval"


def test_calibrated_effects_have_the_variance_of_true_effects():
    yi, vi = np.array([-1.0, 0.0, 1.0]), np.full(3, 0.5)
    fitted = fit(yi, vi, test="z")
    shrunk = calibrated_effects(yi, vi, estimate=fitted.estimate, tau2=fitted.tau2)
    assert np.var(shrunk, ddof=1) == pytest.approx(fitted.tau2)


def test_the_bootstrap_is_the_same_for_a_seed_and_covers_the_share():
    yi, vi = effects("bcg")
    first = calibrated_share(yi, vi, threshold=-0.5, resamples=200, seed=4)
    assert first == calibrated_share(yi, vi, threshold=-0.5, resamples=200, seed=4)
    assert 0 <= first.ci_low <= first.share <= first.ci_high <= 1
    assert first.se > 0
    with pytest.raises(ValueError, match="need a seed"):
        calibrated_share(yi, vi, threshold=-0.5, resamples=200)


def test_a_share_that_never_moves_has_no_interval():
    yi, vi = effects("bcg")
    result = calibrated_share(yi, vi, threshold=-9, resamples=50, seed=1)
    assert result.share == 0
    assert result.reason == "all bootstrap samples give the same share"


def test_numbers_needed_to_treat_are_those_of_the_papers():
    # Kraemer & Kupfer 2006, table 1: d = 0.5 is an AUC of 0.638 and an NNT of 3.6.
    result = helped(-0.5, control_rate=0.2)
    assert result.cles == pytest.approx(0.638, abs=5e-4)
    assert result.nnt_kraemer == pytest.approx(3.62, abs=5e-3)
    # Furukawa & Leucht: Phi(0.5 + Phi^-1(0.2)) = 0.3663 responders, one more in 6.0.
    assert result.treated_rate == pytest.approx(0.366318, abs=1e-6)
    assert result.nnt == pytest.approx(6.0126, abs=1e-4)
    assert result.u3 == pytest.approx(0.691462, abs=1e-6)
    assert result.overlap == pytest.approx(0.802587, abs=1e-6)


def test_harm_is_a_negative_number_and_no_difference_an_infinite_one():
    assert helped(0.5, control_rate=0.2).nnt < 0
    assert helped(0.5, control_rate=0.2, beneficial="higher").nnt == helped(-0.5, control_rate=0.2).nnt
    assert helped(0.0, control_rate=0.2).nnt == math.inf
    assert helped(0.0, control_rate=0.2).nnt_kraemer == math.inf


def test_what_is_asked_wrongly_is_answered_with_what_is_allowed():
    with pytest.raises(ValueError, match="tail 'left' is not known; allowed: below, above"):
        share_beyond(0, 1, 1, 1, threshold=0, tail="left")
    with pytest.raises(ValueError, match="threshold"):
        share_beyond(0, 1, 1, 1, threshold=math.nan)
    with pytest.raises(ValueError, match="control_rate 20 must lie between 0 and 1"):
        helped(0.3, control_rate=20)
    with pytest.raises(ValueError, match="beneficial 'up' is not known; allowed: lower, higher"):
        helped(0.3, control_rate=0.2, beneficial="up")
    with pytest.raises(ValueError, match="g must be finite"):
        helped(math.nan, control_rate=0.2)
