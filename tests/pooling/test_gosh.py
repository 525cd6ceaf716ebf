"""Subsets of effects: all of them or a sample, and what is said of the cloud."""

import numpy as np
import pytest

from livingreview.pooling.gosh import gosh, summary
from livingreview.pooling.random_effects import fit

RNG = np.random.default_rng(11)
VI = RNG.uniform(0.01, 0.1, 25)
YI = RNG.normal(0.2, np.sqrt(VI + 0.02))


def test_few_effects_give_every_subset_of_two_or_more_once():
    cloud = gosh(YI[:6], VI[:6], seed=1)
    assert cloud.complete
    assert len({tuple(row) for row in cloud.members.tolist()}) == len(cloud.members) == 2**6 - 1 - 6


def test_many_effects_give_a_sample_of_the_size_asked_for():
    cloud = gosh(YI, VI, subsets=500, seed=1)
    assert not cloud.complete
    assert cloud.members.shape == (500, 25)
    inside = cloud.members[7]
    assert cloud.fits.estimate[7] == pytest.approx(fit(YI[inside], VI[inside]).estimate, rel=1e-10)
    assert cloud.members.mean() == pytest.approx(0.5, abs=0.02)


def test_no_sampled_subset_is_below_the_least_size():
    cloud = gosh(YI[:8], VI[:8], subsets=50, seed=3, least=5)
    assert not cloud.complete
    assert cloud.members.sum(axis=1).min() == 5


def test_the_seed_decides_the_sample():
    first, again, other = (gosh(YI, VI, subsets=200, seed=seed).members for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_study_that_moves_the_estimate_most_is_named_with_its_shift():
    yi = YI[:7].copy()
    yi[3] += 5
    cloud = gosh(yi, VI[:7], method="DL", seed=1)
    said = summary(cloud, list("abcdefg"))
    inside = cloud.members[:, 3]
    apart = cloud.fits.estimate[inside].mean() - cloud.fits.estimate[~inside].mean()
    assert (said.most, said.subsets, said.complete) == ("d", 2**7 - 8, True)
    assert said.shift["d"] == pytest.approx(apart, rel=1e-10)
    assert said.quantiles["I2"][0.5] == pytest.approx(np.median(cloud.fits.I2))


@pytest.mark.parametrize("k", [0, 1])
def test_too_few_effects_have_no_subset(k):
    cloud = gosh(YI[:k], VI[:k], seed=1)
    said = summary(cloud, ["a"][:k])
    assert (said.subsets, said.most) == (0, None)
    assert np.isnan(said.quantiles["estimate"][0.5])


def test_two_effects_have_one_subset_that_shifts_nothing():
    said = summary(gosh(YI[:2], VI[:2], seed=1), ["a", "b"])
    assert (said.subsets, said.most) == (1, None)
    assert np.isnan(said.shift["a"])


@pytest.mark.parametrize("option", ["subsets", "least"])
def test_sizes_below_one_are_refused(option):
    with pytest.raises(ValueError, match=f"{option} must be 1 or more, found 0"):
        gosh(YI, VI, seed=1, **{option: 0})
