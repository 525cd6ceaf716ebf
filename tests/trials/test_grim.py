"""Means and standard deviations that whole numbers can, and cannot, have."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livingreview.trials.grim import decimals, grim, grimmer


@pytest.mark.parametrize(("text", "digits"), [("5", 0), ("5.4", 1), ("5.40", 2), (" 5.400 ", 3), ("-0.5", 1)])
def test_zeros_at_the_end_of_a_printed_number_count(text, digits):
    assert decimals(text) == digits


def test_the_mean_of_the_paper_that_named_grim_cannot_be():
    # Brown and Heathers 2017: 28 whole numbers cannot have a mean of 5.19; 145/28 is 5.18, 146/28 is 5.21.
    assert grim(5.19, 28, digits=2) is False
    assert grim(5.18, 28, digits=2) is True
    assert grim(5.21, 28, digits=2) is True


def test_a_mean_of_many_has_no_power():
    assert grim(5.19, 100, digits=2) is None
    assert grim(5.19, 28, digits=2, items=4) is None
    assert grimmer(5.19, 1.0, 100, digits_mean=2, digits_sd=2) is None


def test_halves_may_be_rounded_either_way():
    assert grim(0.12, 8, digits=2) is True
    assert grim(0.13, 8, digits=2) is True


def test_a_standard_deviation_of_the_wrong_parity_cannot_be():
    # Of two whole numbers with mean 2 the deviations are 0, 1.41, 2.83 ...: never 1.
    assert grimmer(2.0, 1.41, 2, digits_mean=1, digits_sd=2) is True
    assert grimmer(2.0, 1.00, 2, digits_mean=1, digits_sd=2) is False
    # Of three with sum 3 the squares cannot sum to 6, as an SD of 1.22 would need.
    assert grimmer(1.0, 1.00, 3, digits_mean=2, digits_sd=2) is True
    assert grimmer(1.0, 1.22, 3, digits_mean=2, digits_sd=2) is False


def test_a_standard_deviation_beyond_the_ends_of_the_scale_cannot_be():
    assert grimmer(5.0, 5.27, 10, digits_mean=2, digits_sd=2, low=0, high=10) is True
    assert grimmer(5.0, 6.32, 10, digits_mean=2, digits_sd=2, low=0, high=10) is False


def test_a_constant_has_no_deviation():
    assert grimmer(3.0, 0.0, 20, digits_mean=2, digits_sd=2) is True


@settings(derandomize=True, max_examples=150, deadline=None)
@given(
    st.lists(st.integers(0, 27), min_size=2, max_size=60),
    st.integers(1, 3),
    st.integers(1, 3),
)
def test_what_whole_scores_give_is_always_possible(scores, digits_mean, digits_sd):
    mean, sd = round(float(np.mean(scores)), digits_mean), round(float(np.std(scores, ddof=1)), digits_sd)
    assert grim(mean, len(scores), digits=digits_mean) in (True, None)
    asked = {"digits_mean": digits_mean, "digits_sd": digits_sd, "low": 0, "high": 27}
    assert grimmer(mean, sd, len(scores), **asked) in (True, None)
