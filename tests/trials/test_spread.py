"""Means and standard deviations from errors, intervals, medians, ranges and subgroups."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri

from livingreview.trials.conversions import spread


def test_the_handbooks_examples_of_errors_and_intervals():
    assert spread.sd_from_se(0.5, 16) == 2.0
    # Handbook 6.5.2.2: 30.0 to 34.2 in 25 people, t = 2.0639 with 24 degrees of freedom: 5.09.
    assert spread.sd_from_ci(30.0, 34.2, 25) == pytest.approx(5.087, abs=1e-3)
    # Handbook 6.5.2.3: a difference of 3.8 with t = 2.78, 25 and 22 people: SE 1.37, SD 4.69.
    assert spread.pooled_sd_from_difference(3.8 / 2.78, 25, 22) == pytest.approx(4.676, abs=2e-2)


def test_a_change_needs_a_correlation_and_gives_it_back():
    sd = spread.change_sd(4.0, 4.4, 0.78)
    assert sd == pytest.approx(math.sqrt(16 + 19.36 - 2 * 0.78 * 17.6), rel=1e-14)
    assert spread.correlation_from_change(4.0, 4.4, sd) == pytest.approx(0.78, rel=1e-12)
    with pytest.raises(ValueError, match="from -1 to 1"):
        spread.change_sd(4.0, 4.4, 1.2)


def test_combined_groups_are_what_their_people_would_give():
    first, second = np.array([1.0, 4, 6, 9]), np.array([2.0, 2, 11])
    both = np.concatenate([first, second])
    one = {"n_1": 4, "mean_1": first.mean(), "sd_1": first.std(ddof=1)}
    other = {"n_2": 3, "mean_2": second.mean(), "sd_2": second.std(ddof=1)}
    found = spread.combine_groups(**one, **other)
    assert found == pytest.approx((7, both.mean(), both.std(ddof=1)), rel=1e-14)


def test_medians_follow_the_published_formulas():
    n, quartiles, extremes = 81, {"q1": 4.0, "q3": 8.0}, {"low": 1.0, "high": 12.0}
    outer, inner = 2 * ndtri(80.625 / 81.25), 2 * ndtri(60.625 / 81.25)
    assert spread.sd_wan(5.0, n, **extremes) == pytest.approx(11 / outer, rel=1e-14)
    assert spread.sd_wan(5.0, n, **quartiles) == pytest.approx(4 / inner, rel=1e-14)
    assert spread.sd_wan(5.0, n, **quartiles, **extremes) == pytest.approx((11 / outer + 4 / inner) / 2)
    # 81 ** 0.75 = 27.
    assert spread.mean_luo(5.0, n, **extremes) == pytest.approx(4 / 31 * 6.5 + 27 / 31 * 5, rel=1e-14)
    weight = 0.7 + 0.39 / 81
    assert spread.mean_luo(5.0, n, **quartiles) == pytest.approx(weight * 6 + (1 - weight) * 5, rel=1e-14)
    w1, w2 = 2.2 / 29.2, 0.7 - 0.72 / 81**0.55
    expected = w1 * 6.5 + w2 * 6 + (1 - w1 - w2) * 5
    assert spread.mean_luo(5.0, n, **quartiles, **extremes) == pytest.approx(expected, rel=1e-14)
    assert spread.mean_wan(5.0, n, **quartiles) == pytest.approx(17 / 3)
    assert spread.mean_wan(5.0, n, **extremes) == pytest.approx(23 / 4)
    assert spread.mean_wan(5.0, n, **quartiles, **extremes) == pytest.approx((1 + 8 + 10 + 16 + 12) / 8)


@settings(derandomize=True, max_examples=30, deadline=None)
@given(st.integers(20, 500), st.floats(-50, 50), st.floats(0.1, 30))
def test_quantiles_of_a_normal_sample_give_back_its_mean_and_spread(n, mean, sd):
    z = ndtri((0.75 * n - 0.125) / (n + 0.25)) * sd
    wide = ndtri((n - 0.375) / (n + 0.25)) * sd
    numbers = {"q1": mean - z, "q3": mean + z, "low": mean - wide, "high": mean + wide}
    for function in (spread.mean_luo, spread.mean_wan):
        assert function(mean, n, **numbers) == pytest.approx(mean, abs=1e-9)
    for function in (spread.sd_wan, spread.sd_shi):
        assert function(mean, n, **numbers) == pytest.approx(sd, rel=1e-9)
    assert spread.skewness(mean, n, **numbers)[0] == pytest.approx(0, abs=1e-9)


def test_skewness_is_found_and_equal_numbers_have_none():
    statistic, critical = spread.skewness(1.0, 50, q1=0.9, q3=8.0)
    assert statistic > critical
    assert critical == pytest.approx(2.65 / math.sqrt(50) - 6 / 2500, rel=1e-14)
    assert spread.skewness(3.0, 50, q1=3.0, q3=3.0)[0] == 0.0
    five = {"low": 0.0, "q1": 1.0, "q3": 5.0, "high": 12.0}
    outer, inner = (12 - 4) / 12, 2 / 4
    statistic, critical = spread.skewness(2.0, 50, **five)
    assert statistic == pytest.approx(max(2.65 * math.log(30) / math.sqrt(50) * outer, inner), rel=1e-14)
    assert critical == pytest.approx(3 / math.sqrt(50) - 40 / 50**3, rel=1e-14)


@pytest.mark.parametrize("n", [9, 21, 81])
def test_symmetric_samples_are_called_skewed_one_time_in_twenty(n):
    people = np.sort(np.random.default_rng(n).standard_normal((3000, n)), axis=1)
    q = (n - 1) // 4
    low, q1, median, q3, high = (people[:, i] for i in (0, q, 2 * q, 3 * q, n - 1))
    for columns in (
        {"low": low, "high": high},
        {"q1": q1, "q3": q3},
        {"low": low, "q1": q1, "q3": q3, "high": high},
    ):
        called = 0
        for i, center in enumerate(median):
            statistic, critical = spread.skewness(center, n, **{name: x[i] for name, x in columns.items()})
            called += statistic > critical
        assert 0.025 < called / 3000 < 0.065


def test_an_interval_of_a_difference_gives_its_error_back():
    # qt(0.975, 45) = 2.0141; Handbook 6.5.2.3: SE 1.37.
    assert spread.difference_se_from_ci(3.8 - 2.0141 * 1.37, 3.8 + 2.0141 * 1.37, 45) == pytest.approx(
        1.37, abs=1e-4
    )
    with pytest.raises(ValueError, match="high above low"):
        spread.difference_se_from_ci(4.0, 1.0, 45)


def test_the_weight_of_shi_errs_less_than_the_plain_average_in_small_arms():
    people = np.sort(np.random.default_rng(4).standard_normal((4000, 9)), axis=1)
    error = {spread.sd_wan: 0.0, spread.sd_shi: 0.0}
    for low, _, q1, _, median, _, q3, _, high in people:
        for function in error:
            error[function] += (function(median, 9, low=low, q1=q1, q3=q3, high=high) - 1) ** 2
    assert error[spread.sd_shi] < 0.9 * error[spread.sd_wan]


def test_a_median_alone_or_out_of_order_is_refused():
    with pytest.raises(ValueError, match="both quartiles, or both extremes"):
        spread.mean_luo(5.0, 40, q1=3.0)
    with pytest.raises(ValueError, match="not in order"):
        spread.sd_wan(5.0, 40, q1=6.0, q3=8.0)
    with pytest.raises(ValueError, match="an arm of 4; allowed: 5 or more"):
        spread.sd_wan(5.0, 4, q1=4.0, q3=8.0)
