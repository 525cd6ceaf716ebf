"""Estimates as they grew: the order, its ties, and studies of several effects."""

import numpy as np
import pytest

from livingreview.pooling.cumulative import cumulative
from livingreview.pooling.random_effects import fit

YI = np.array([0.1, 0.5, -0.2, 0.3])
VI = np.array([0.02, 0.05, 0.01, 0.04])


def test_each_step_pools_what_had_come_in():
    steps = cumulative(YI, VI, ["2026-03", "2026-01", "2026-04", "2026-02"], names=list("abcd"))
    assert [(step.added, step.order, step.result.k) for step in steps] == [
        ("b", "2026-01", 1),
        ("d", "2026-02", 2),
        ("a", "2026-03", 3),
        ("c", "2026-04", 4),
    ]
    rest = [1, 3, 0]
    assert steps[2].result.ci_high == pytest.approx(fit(YI[rest], VI[rest]).ci_high, rel=1e-10)


def test_ties_are_broken_by_the_second_key_whatever_the_order_of_rows():
    names, order, ties = np.array(list("abcd")), np.array([2001, 2000, 2001, 2000]), np.array([4, 3, 2, 1])
    for rows in ([0, 1, 2, 3], [3, 1, 0, 2]):
        steps = cumulative(YI[rows], VI[rows], order[rows], names=names[rows], ties=ties[rows])
        assert [step.added for step in steps] == ["d", "b", "c", "a"]


def test_names_that_no_key_tells_apart_are_named():
    with pytest.raises(ValueError, match="b, d are tied in the order; give ties"):
        cumulative(YI, VI, [2, 1, 3, 1], names=list("abcd"))


def test_effects_of_one_study_come_in_together_at_the_earliest_key():
    steps = cumulative(YI, VI, [3, 1, 2, 5], names=list("abca")[:4])
    assert [(step.added, step.order, step.result.k) for step in steps] == [
        ("b", 1, 1),
        ("c", 2, 2),
        ("a", 3, 4),
    ]


def test_a_missing_key_and_a_missing_row_are_refused():
    with pytest.raises(ValueError, match="order has no key for b"):
        cumulative(YI, VI, [1.0, np.nan, 2.0, 3.0], names=list("abcd"))
    with pytest.raises(ValueError, match="ties must have a key for each of the 4 effects, found 3"):
        cumulative(YI, VI, [1, 2, 3, 4], names=list("abcd"), ties=[1, 2, 3])


def test_nothing_grows_from_nothing():
    assert cumulative([], [], [], names=[]) == []
