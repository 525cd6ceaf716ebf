"""Leaving out studies, and groups of studies."""

import numpy as np
import pytest

from livingreview.pooling.influence import leave_one_study_out
from livingreview.pooling.random_effects import pool
from livingreview.pooling.subgroups import between, by_group

YI = np.array([-0.9, -0.35, -0.1, 0.05, -0.6])
VI = np.array([0.02, 0.05, 0.01, 0.04, 0.03])


def test_a_study_is_left_out_with_all_its_rows():
    left_out = leave_one_study_out(YI, VI, ["a", "b", "a", "c", "b"])
    assert [(one.omitted, one.result.k) for one in left_out] == [("a", 3), ("b", 3), ("c", 4)]
    rest = [1, 3, 4]
    assert left_out[0].result.estimate == pool(YI[rest], VI[rest]).estimate


def test_the_options_reach_every_pool():
    one = leave_one_study_out(YI, VI, list("abcde"), method="DL", test="z", level=0.9)[0].result
    expected = pool(YI[1:], VI[1:], method="DL", test="z", level=0.9)
    assert (one.ci_low, one.tau2) == (expected.ci_low, expected.tau2)


@pytest.mark.parametrize("k", [0, 1, 2])
def test_without_a_second_study_nothing_is_left_out(k):
    assert leave_one_study_out(YI[:k], VI[:k], ["a"] * k) == []


def test_groups_keep_their_order_and_their_own_tau2():
    groups = by_group(YI, VI, ["x", "y", "x", "y", "y"])
    assert list(groups) == ["x", "y"]
    assert groups["x"].tau2 == pool(YI[[0, 2]], VI[[0, 2]]).tau2
    assert groups["x"].tau2 != groups["y"].tau2


def test_between_two_groups_is_the_squared_difference_over_its_variance():
    groups = by_group(YI, VI, ["x", "y", "x", "y", "y"])
    x, y = groups["x"], groups["y"]
    test = between(groups.values())
    squared = (x.estimate - y.estimate) ** 2 / (x.se**2 + y.se**2)
    assert (test.QM, test.df) == pytest.approx((squared, 1), rel=1e-12)


def test_between_is_none_where_it_is_undefined():
    assert between([]) is None
    assert between([pool(YI, VI)]) is None
    assert between([pool(YI, VI), pool([], [])]) is None
    assert between([pool(YI, VI), pool([0.2, 0.2], [0.1, 0.3])]) is None


@pytest.mark.parametrize("function", [leave_one_study_out, by_group])
def test_names_of_another_length_are_refused(function):
    with pytest.raises(ValueError, match="each of the 5 effects"):
        function(YI, VI, ["a", "b"])
