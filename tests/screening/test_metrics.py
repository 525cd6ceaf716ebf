"""Measures of a ranking and of probabilities: values worked out by hand, and scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from livingreview.screening import metrics

DISTINCT = np.array([0.9, 0.1, 0.7, 0.3, 0.5, 0.2])
LABELS = np.array([True, False, False, True, True, False])


def test_records_are_read_from_the_highest_score_and_equal_ones_as_they_came():
    assert metrics.reading_order([0.2, 0.9, 0.2, 0.9, -1]).tolist() == [1, 3, 0, 2, 4]


@pytest.mark.parametrize(
    ("included", "value"),
    [
        ([1, 0, 1], (1 + 2 / 3) / 2),
        ([0, 0, 1], 1 / 3),
        ([1, 1, 0], 1),
        ([0, 1, 0, 1], (1 / 2 + 2 / 4) / 2),
    ],
)
def test_average_precision_of_equal_scores_follows_the_order_of_reading(included, value):
    assert metrics.average_precision(included, np.zeros(len(included))) == pytest.approx(value)


def test_without_equal_scores_average_precision_and_auc_are_those_of_scikit_learn():
    assert metrics.average_precision(LABELS, DISTINCT) == pytest.approx(
        average_precision_score(LABELS, DISTINCT)
    )
    assert metrics.roc_auc(LABELS, DISTINCT) == pytest.approx(roc_auc_score(LABELS, DISTINCT))
    # Included are read first, third and fourth: eight of nine pairs would be right but for the second.
    assert metrics.roc_auc(LABELS, DISTINCT) == pytest.approx(7 / 9)


def test_there_is_no_auc_where_nothing_is_excluded():
    assert metrics.roc_auc([1, 1], [0.1, 0.2]) is None


def test_work_saved_counts_what_lies_behind_the_record_at_which_the_recall_is_reached():
    scores = -np.arange(100)
    first_twenty = np.arange(100) < 20
    assert metrics.last_needed(first_twenty, scores) == 19
    assert metrics.work_saved(first_twenty, scores) == pytest.approx(1 - 0.19 - 0.05)
    # Of three, 95% is all three.
    assert metrics.last_needed(np.isin(np.arange(100), [0, 1, 79]), scores) == 80
    assert metrics.work_saved(np.isin(np.arange(100), [0, 1, 99]), scores) == pytest.approx(-0.05)


@pytest.mark.parametrize(
    ("n", "share", "read"),
    # 0.55 of 100 is 55, though floating point makes it a little more; of 11, a tenth is rounded up.
    [(30, 0.1, 3), (100, 0.55, 55), (11, 0.1, 2), (10, 1.0, 10), (7, 0.5, 4)],
)
def test_recall_is_that_of_the_first_records_rounded_up_to_whole_ones(n, share, read):
    assert metrics.recall_within(np.ones(n), -np.arange(n), share) == pytest.approx(read / n)


def test_recall_is_of_the_included_records_alone():
    assert metrics.recall_within(LABELS, DISTINCT, 0.5) == pytest.approx(2 / 3)


def test_the_brier_score_is_that_of_scikit_learn():
    assert metrics.brier_score([1, 0], [0.7, 0.4]) == pytest.approx((0.09 + 0.16) / 2)
    assert metrics.brier_score(LABELS, DISTINCT) == pytest.approx(brier_score_loss(LABELS, DISTINCT))


def test_the_calibration_error_weighs_each_bin_by_its_records():
    included = [0, 0, 0, 1, 1, 0]
    probabilities = [0.01, 0.02, 0.03, 0.02, 0.96, 1.0]
    # First bin: said 0.02, seen 0.25, four records. Last bin, 1 with it: said 0.98, seen 0.5, two records.
    assert metrics.calibration_error(included, probabilities) == pytest.approx((4 * 0.23 + 2 * 0.48) / 6)


def test_bins_of_equally_many_records_see_what_one_wide_bin_hides():
    included, probabilities = [0, 0, 1, 1], [0.06, 0.06, 0.02, 0.02]
    wide = metrics.calibration_error(included, probabilities, bins=1)
    mass = metrics.calibration_error(included, probabilities, bins=2, equal_mass=True)
    assert wide == pytest.approx(0.5 - 0.04)
    assert mass == pytest.approx((0.98 + 0.06) / 2)


def test_more_bins_than_records_leaves_empty_bins_without_weight():
    assert metrics.calibration_error([1, 0], [0.9, 0.2], equal_mass=True) == pytest.approx(0.15)
    assert metrics.calibration_error([1, 0], [0.9, 0.2]) == pytest.approx(0.15)


def test_said_and_seen_alike_is_no_error():
    included = np.arange(1000) % 4 == 0
    assert metrics.calibration_error(included, np.full(1000, 0.25)) == pytest.approx(0)


@pytest.mark.parametrize(
    ("measure", "message"),
    [
        (lambda: metrics.average_precision([1, 0], [np.nan, 1]), "1 of 2 scores are not finite"),
        (lambda: metrics.work_saved([0, 0], [1, 2]), "no record is included"),
        (lambda: metrics.roc_auc([0, 1, 1], [1, 2]), "3 labels and 2 scores"),
        (lambda: metrics.brier_score([0, 1], [0.5, 1.5]), "within 0 and 1"),
        (lambda: metrics.calibration_error([0, 1], [0.5, np.nan]), "within 0 and 1"),
    ],
)
def test_what_has_no_measure_is_refused(measure, message):
    with pytest.raises(ValueError, match=message):
        measure()


def test_the_other_measures_of_a_reading_order_follow_their_definitions():
    included = np.array([False, True, False, True, False])
    scores = [5, 4, 3, 2, 1]
    assert metrics.true_negative_rate(included, scores) == pytest.approx(1 / 3)
    assert metrics.true_negative_rate(included, scores, recall=0.5) == pytest.approx(2 / 3)
    assert metrics.time_to_discovery(included, scores) == pytest.approx((2 + 4) / 2 / 5)
    gain = 1 / np.log2(3) + 1 / np.log2(5)
    assert metrics.ndcg(included, scores) == pytest.approx(gain / (1 + 1 / np.log2(3)))
    assert metrics.true_negative_rate(np.array([True, True]), [1, 2]) is None
    assert metrics.ndcg(np.array([True]), [1]) == 1.0
    best = np.array([True, True, False, False, False])
    assert metrics.true_negative_rate(best, scores) == metrics.ndcg(best, scores) == 1.0
