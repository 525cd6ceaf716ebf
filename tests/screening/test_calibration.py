"""Probabilities come from scores of records that were left out, in order of time."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from livingreview.screening import calibration


def drawn(n, *, seed=0):
    rng = np.random.default_rng(seed)
    included = rng.random(n) < 0.2
    return rng.normal(np.where(included, 1.0, -1.0), 1.5), included


@pytest.mark.parametrize("seed", range(5))
def test_probabilities_are_those_of_scikit_learns_sigmoid(seed):
    scores, included = drawn(300, seed=seed)
    column = scores.reshape(-1, 1)
    base = LogisticRegression().fit(column, included)
    other = CalibratedClassifierCV(FrozenEstimator(base), method="sigmoid", ensemble=False)
    other.fit(column, included)
    # Its sigmoid is fitted on the scores of the frozen model, a straight line of ours.
    own = calibration.Calibration().fit(base.decision_function(column), included)
    found = own.probability(base.decision_function(column))
    assert found == pytest.approx(other.predict_proba(column)[:, 1], abs=2e-3)


def test_probabilities_are_right_on_average_and_rise_with_the_score():
    scores, included = drawn(2000)
    own = calibration.Calibration().fit(scores, included)
    chances = own.probability(scores)
    assert chances.mean() == pytest.approx(included.mean(), abs=2e-3)
    assert (np.diff(chances[np.argsort(scores)]) >= 0).all()
    new, truth = drawn(2000, seed=9)
    for low in np.arange(0, 0.8, 0.2):
        held = (own.probability(new) >= low) & (own.probability(new) < low + 0.2)
        assert truth[held].mean() == pytest.approx(own.probability(new)[held].mean(), abs=0.08)


def test_full_separation_is_no_certainty():
    own = calibration.Calibration().fit([-2.0, -1, 1, 2], [False, False, True, True])
    assert own.probability([-2, 2]) == pytest.approx([0.25, 0.75], abs=0.05)


def test_a_score_that_ranks_the_wrong_way_is_not_turned_round():
    own = calibration.Calibration().fit([-2.0, -1, 1, 2], [True, True, False, False])
    assert own.slope_ == 0
    assert own.probability([-9, 9]) == pytest.approx([0.5, 0.5], abs=1e-4)


def test_equal_scores_tell_the_share_alone():
    own = calibration.Calibration().fit(np.zeros(20), np.arange(20) < 3)
    target = (3 * 4 / 5 + 17 / 19) / 20
    assert own.probability([-5, 0, 5]) == pytest.approx([target] * 3)


def test_any_scale_of_the_scores_gives_the_same_probabilities():
    scores, included = drawn(200)
    first = calibration.Calibration().fit(scores, included).probability(scores)
    for factor in (0.2, 5.0):
        again = calibration.Calibration().fit(factor * scores, included).probability(factor * scores)
        assert again == pytest.approx(first, abs=2e-3)


@pytest.mark.parametrize("seed", range(30))
def test_folds_in_time_never_train_on_what_came_with_or_after_the_records_left_out(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(30, 120))
    order, included = rng.integers(0, int(rng.integers(2, 40)), n), rng.random(n) < 0.4
    split, in_time = calibration.folds(included, order=order, seed=seed)
    tested = np.concatenate([test for _, test in split])
    assert len(set(tested)) == len(tested)
    if not in_time:
        return
    for train, test in split:
        assert order[train].max() < order[test].min()
        assert not set(order[test]) & set(order[np.setdiff1d(np.arange(n), test)])
        assert min(included[train].sum(), (~included[train]).sum()) >= 2
    assert order[split[0][1]].min() >= np.sort(order)[int(calibration.FIRST * n)]


def test_records_of_one_time_stay_together():
    order, included = np.repeat([1, 2, 3, 4, 5], 20), np.arange(100) % 3 == 0
    split, in_time = calibration.folds(included, order=order)
    assert in_time
    assert [(sorted(set(order[train])), sorted(set(order[test]))) for train, test in split] == [
        ([1, 2], [3]),
        ([1, 2, 3], [4, 5]),
    ]


@pytest.mark.parametrize(
    "order",
    [None, np.zeros(40), np.r_[np.zeros(39), 1.0], np.where(np.arange(40) % 5 == 0, 0, 1)],
    ids=["no order", "one time", "one record later", "included ones all early"],
)
def test_random_folds_serve_where_time_leaves_too_little(order):
    included = np.arange(40) % 5 == 0
    split, in_time = calibration.folds(included, order=order, seed=2)
    assert not in_time
    assert sorted(np.concatenate([test for _, test in split])) == list(range(40))
    assert all(included[train].any() and not set(train) & set(test) for train, test in split)
    again, _ = calibration.folds(included, order=order, seed=2)
    assert [test.tolist() for _, test in again] == [test.tolist() for _, test in split]


@pytest.mark.parametrize(("n_included", "n_folds"), [(1, 0), (2, 2), (3, 3), (9, 3)])
def test_few_included_records_make_few_folds_or_none(n_included, n_folds):
    split, in_time = calibration.folds(np.arange(20) < n_included)
    assert (len(split), in_time) == (n_folds, False)


def test_times_may_be_text():
    order = np.array([f"2020-{month:02} 20{month:02}" for month in range(1, 11) for _ in range(6)])
    split, in_time = calibration.folds(np.arange(60) % 2 == 0, order=order)
    assert in_time
    assert all(max(order[train].tolist()) < min(order[test].tolist()) for train, test in split)
