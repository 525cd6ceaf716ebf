"""Leaving out studies, and groups of studies."""

import numpy as np
import pytest

from livingreview.pooling.influence import leave_one_study_out
from livingreview.pooling.random_effects import fit
from livingreview.pooling.subgroups import between, by_group

YI = np.array([-0.9, -0.35, -0.1, 0.05, -0.6])
VI = np.array([0.02, 0.05, 0.01, 0.04, 0.03])


def test_a_study_is_left_out_with_all_its_rows():
    left_out = leave_one_study_out(YI, VI, ["a", "b", "a", "c", "b"])
    assert [(one.omitted, one.result.k) for one in left_out] == [("a", 3), ("b", 3), ("c", 4)]
    rest = [1, 3, 4]
    assert left_out[0].result.estimate == pytest.approx(fit(YI[rest], VI[rest]).estimate, rel=1e-12)


def test_the_options_reach_every_pool():
    one = leave_one_study_out(YI, VI, list("abcde"), method="DL", test="z", level=0.9)[0].result
    expected = fit(YI[1:], VI[1:], method="DL", test="z", level=0.9)
    assert (one.ci_low, one.tau2) == pytest.approx((expected.ci_low, expected.tau2), rel=1e-12)


@pytest.mark.parametrize("k", [0, 1, 2])
def test_without_a_second_study_nothing_is_left_out(k):
    assert leave_one_study_out(YI[:k], VI[:k], ["a"] * k) == []


def test_groups_keep_their_order_and_their_own_tau2():
    groups = by_group(YI, VI, ["x", "y", "x", "y", "y"])
    assert list(groups) == ["x", "y"]
    assert groups["x"].tau2 == fit(YI[[0, 2]], VI[[0, 2]]).tau2
    assert groups["x"].tau2 != groups["y"].tau2


def test_between_two_groups_is_the_squared_difference_over_its_variance():
    x, y = by_group(YI, VI, ["x", "y", "x", "y", "y"]).values()
    # The unadjusted variances, each with the group's own tau².
    variance = 1 / np.sum(1 / (VI[[0, 2]] + x.tau2)) + 1 / np.sum(1 / (VI[[1, 3, 4]] + y.tau2))
    test = between(YI, VI, ["x", "y", "x", "y", "y"])
    assert (test.QM, test.df) == pytest.approx(((x.estimate - y.estimate) ** 2 / variance, 1), rel=1e-12)
    assert (test.n_groups, test.left_out) == (2, ())


def test_two_effects_that_happen_to_agree_do_not_decide_the_test_between_groups():
    yi, vi, group = [-0.400, -0.401, -0.1, -0.3], [0.04] * 4, ["x", "x", "y", "y"]
    assert by_group(yi, vi, group)["x"].se < 0.001
    # Without tau² in either group, the variance of each is 0.02; the estimates are 0.2005 and 0.5 apart.
    variance = 0.02 + 0.02
    assert between(yi, vi, group).QM == pytest.approx(0.2005**2 / variance, rel=1e-9)
    assert between([0.2, 0.2, 0.6, 0.8], vi, group).QM == pytest.approx(0.5**2 / variance, rel=1e-9)


def test_a_group_of_one_effect_is_left_out_of_the_test_and_named():
    alone = between(YI, VI, ["x", "x", "y", "y", "z"])
    assert (alone.n_groups, alone.df, alone.left_out) == (2, 1, ("z",))
    assert alone.QM == between(YI[:4], VI[:4], ["x", "x", "y", "y"]).QM


def test_the_test_between_groups_takes_the_estimator_of_tau2():
    group = ["x", "y", "x", "y", "y"]
    assert between(YI, VI, group, method="DL").QM != between(YI, VI, group).QM


@pytest.mark.parametrize("group", ["", "x", "xx", "xy", "xxxxy", "xxxxx"])
def test_between_is_none_with_fewer_than_two_groups_to_compare(group):
    k = len(group)
    assert between(YI[:k], VI[:k], list(group)) is None


@pytest.mark.parametrize("function", [leave_one_study_out, by_group, between])
def test_names_of_another_length_are_refused(function):
    with pytest.raises(ValueError, match="each of the 5 effects"):
        function(YI, VI, ["a", "b"])
