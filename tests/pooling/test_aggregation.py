"""One effect for each study."""

import numpy as np
import pytest

from livingreview.pooling.aggregation import composite, extreme
from livingreview.pooling.covariance import correlated

YI = [0.2, 0.6, 0.5, -0.1, -0.3]
VI = [0.10, 0.10, 0.20, 0.05, 0.20]
STUDY = ["a", "a", "b", "c", "c"]


def test_the_composite_of_equal_variances_is_the_mean_with_a_known_variance():
    # Borenstein et al. 2009, formula 24.5: v (1 + (n - 1) rho) / n.
    found = composite(YI[:2], VI[:2], STUDY[:2], rho=0.5)
    assert found.yi[0] == pytest.approx(0.4)
    assert found.vi[0] == pytest.approx(0.1 * 1.5 / 2)
    assert found.method == "weighted composite, rho = 0.5"


def test_a_study_of_one_effect_is_left_as_it_is():
    found = composite(YI, VI, STUDY, rho=0.7)
    assert found.studies == ("a", "b", "c")
    assert found.k.tolist() == [2, 1, 2]
    assert (found.yi[1], found.vi[1]) == (pytest.approx(0.5), pytest.approx(0.2))


def test_a_higher_correlation_leaves_more_variance():
    variances = [composite(YI, VI, STUDY, rho=rho, weighted=False).vi[2] for rho in (0, 0.3, 0.6, 0.9, 1)]
    assert variances == sorted(variances)
    assert variances[0] == pytest.approx((0.05 + 0.2) / 4)


def test_covariances_may_be_given():
    V = correlated(VI, STUDY, rho=0.3)
    given, assumed = composite(YI, V), composite(YI, VI, STUDY, rho=0.3)
    np.testing.assert_array_equal(given.yi, assumed.yi)
    np.testing.assert_array_equal(given.vi, assumed.vi)
    assert given.method == "weighted composite, covariances given"


def test_the_smallest_and_the_largest_keep_their_own_variance():
    low, high = extreme(YI, VI, STUDY, which="smallest"), extreme(YI, VI, STUDY, which="largest")
    assert low.yi.tolist() == [0.2, 0.5, -0.3]
    assert low.vi.tolist() == [0.10, 0.20, 0.20]
    assert high.yi.tolist() == [0.6, 0.5, -0.1]
    assert [at.tolist() for at in high.rows] == [[1], [2], [3]]
    assert high.k.tolist() == [2, 1, 2]


def test_of_equal_effects_the_first_is_taken():
    assert extreme([0.3, 0.3], [0.2, 0.1], ["a", "a"], which="largest").vi.tolist() == [0.2]


def test_no_effects_are_no_studies():
    for found in (composite([], [], [], rho=0.5), extreme([], [], [], which="largest")):
        assert (found.studies, found.yi.shape, found.k.shape) == ((), (0,), (0,))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: composite(YI, VI, STUDY, rho=1.0), "not positive definite.*take the plain mean"),
        (lambda: composite(YI, VI, STUDY), "need study and rho"),
        (lambda: composite(YI, correlated(VI, STUDY, rho=0), STUDY), "leave out study and rho"),
        (lambda: composite(YI, [0.1, 0, 0.1, 0.1, 0.1], STUDY, rho=0.5), "above zero"),
        (lambda: composite(YI[:4], VI, STUDY, rho=0.5), "one length"),
        (lambda: extreme(YI, VI, STUDY, which="median"), "allowed: smallest, largest"),
        (lambda: extreme(YI, VI, STUDY[:2], which="largest"), "study must name"),
    ],
)
def test_what_cannot_be_aggregated_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
