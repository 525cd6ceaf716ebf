"""Effects that stand apart, by each rule, and the estimate of the others."""

import numpy as np
import pytest

from livingreview.pooling.influence import influence
from livingreview.pooling.outliers import find_outliers
from livingreview.pooling.random_effects import fit

YI = np.array([0.1, 0.15, 0.2, 0.12, 0.18, 2.0])
VI = np.full(6, 0.01)


def test_an_interval_outside_the_pooled_one_stands_apart_and_is_left_out():
    found = find_outliers(YI, VI, method="FE", test="z")
    pooled = fit(YI, VI, method="FE", test="z")
    reach = 1.959963984540054 * 0.1
    expected = [not (y - reach <= pooled.ci_high and y + reach >= pooled.ci_low) for y in YI]
    assert list(found.outlying) == expected
    assert expected[-1]
    rest = ~found.outlying
    assert found.without.estimate == fit(YI[rest], VI[rest], method="FE", test="z").estimate


def test_a_residual_beyond_the_normal_quantile_stands_apart():
    found = find_outliers(YI, VI, rule="rstudent", level=0.95)
    assert list(found.outlying) == list(np.abs(influence(YI, VI).rstudent) > 1.959963984540054)
    assert list(found.outlying) == [False] * 5 + [True]
    assert found.without.k == 5


@pytest.mark.parametrize("rule", ["interval", "rstudent"])
@pytest.mark.parametrize("k", [0, 1, 2])
def test_few_effects_that_agree_have_no_outlier(rule, k):
    found = find_outliers(YI[:k], VI[:k], rule=rule)
    assert (found.outlying.sum(), found.without.k) == (0, k)


@pytest.mark.parametrize("rule", ["interval", "rstudent"])
def test_equal_effects_have_no_outlier(rule):
    assert not find_outliers([0.3] * 5, [0.01] * 5, rule=rule).outlying.any()


def test_an_unknown_rule_is_refused():
    with pytest.raises(ValueError, match="rule 'iqr' is not known; allowed: interval, rstudent"):
        find_outliers(YI, VI, rule="iqr")
