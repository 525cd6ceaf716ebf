"""How good a ranking and its probabilities were, once people have decided.

Every measure of a ranking is taken from one total order, that in which a person would read (`reading_order`),
so that equal scores can't be counted in anyone's favour. Arrays are of shape (n_records,): ``included`` is
bool, ``scores`` are finite and higher for what is read earlier, ``probabilities`` lie within 0 and 1.
"""

import math

import numpy as np

ECE_BINS = 15  # as in Guo 2017 (arXiv 1706.04599), so that values can be compared with published ones


def _learn():
    # Takes a second to load, and who reads what was measured has no use for it.
    from sklearn import metrics  # noqa: PLC0415

    return metrics


def reading_order(scores):
    """Positions of the records in the order of reading: highest score first, equal ones as they came.

    Raises
    ------
    ValueError
        If a score is not finite: such a record would have no place.
    """
    scores = np.asarray(scores, dtype=float)
    if not np.isfinite(scores).all():
        raise ValueError(f"{int((~np.isfinite(scores)).sum())} of {len(scores)} scores are not finite")
    return np.argsort(-scores, kind="stable")


class ReadingOrder:
    """Labels in the order of reading, put in order once for all that is measured of them.

    Parameters
    ----------
    included, scores : array-like
        With an included record.
    """

    def __init__(self, included, scores):
        included, order = _labels_and_order(included, scores)
        self._found = np.cumsum(included[order])

    def average_precision(self):
        """As the function of this name."""
        found = self._found
        # From the last place to the first, as scikit-learn adds them up: the same to the last bit, in a tenth
        # of the time, which counts where a thousand resamples are measured.
        precision = (found / np.arange(1, len(found) + 1))[::-1]
        recall = np.hstack(((found / found[-1])[::-1], 0.0))
        return float(max(0.0, -np.sum(np.diff(recall) * precision)))

    def last_needed(self, recall=0.95):
        """As the function of this name."""
        return int(np.searchsorted(self._found, _ceil(recall * self._found[-1])) + 1)

    def work_saved(self, recall=0.95):
        """As the function of this name."""
        return 1 - self.last_needed(recall) / len(self._found) - (1 - recall)

    def recall_within(self, share):
        """As the function of this name."""
        n = min(_ceil(share * len(self._found)), len(self._found))
        return float(self._found[n - 1] / self._found[-1]) if n else 0.0


def average_precision(included, scores):
    """Mean, over the included records, of the share of included records among those read so far.

    Scikit-learn's average precision of the places in the reading order; 1 is best, about the prevalence is
    chance.
    """
    return ReadingOrder(included, scores).average_precision()


def roc_auc(included, scores):
    """Chance that an included record is read before an excluded one; 0.5 is chance.

    None where nothing is excluded: there is no such pair.
    """
    included, places = _labels_and_places(included, scores)
    return None if included.all() else float(_learn().roc_auc_score(included, places))


def last_needed(included, scores, recall=0.95):
    """How many records must be read, in order, to find the given share of the included ones or more."""
    return ReadingOrder(included, scores).last_needed(recall)


def work_saved(included, scores, recall=0.95):
    """Work saved over sampling at a recall (WSS): the share of records that need not be read, less chance's.

    Cohen 2006 (J Am Med Inform Assoc 13:206): (TN + FN) / N - (1 - recall). At most ``recall`` less the
    prevalence, roughly; 0 is chance.
    """
    return ReadingOrder(included, scores).work_saved(recall)


def recall_within(included, scores, share):
    """Share of the included records found in the first ``share`` of all, rounded up to whole records."""
    return ReadingOrder(included, scores).recall_within(share)


def true_negative_rate(included, scores, recall=0.95):
    """Share of the excluded records that need not be read to find the given share of the included ones.

    Kusa 2023 (SIGIR, 10.1145/3539618.3591766): TN / (TN + FP), which is WSS brought to 0 for the worst and 1
    for the best ranking. None where nothing is excluded.
    """
    included, places = _labels_and_places(included, scores)
    unread = ~included[np.argsort(-places)][last_needed(included, scores, recall) :]
    return None if included.all() else float(unread.sum() / (~included).sum())


def time_to_discovery(included, scores):
    """Average time to discovery (ATD): mean place in the reading order of the included records.

    Ferdinands 2023 (Syst Rev 12:100), here as a share of all records so that sets can be compared; lower is
    better.
    """
    included, places = _labels_and_places(included, scores)
    return float((len(places) + 1 - places[included]).mean() / len(places))


def ndcg(included, scores):
    """Normalised discounted cumulative gain of the reading order; 1 is best."""
    included, places = _labels_and_places(included, scores)
    return 1.0 if len(places) == 1 else float(_learn().ndcg_score([included], [places]))


def brier_score(included, probabilities):
    """Mean squared difference between the probability of inclusion and what came, 0 or 1; 0 is best."""
    return float(np.mean((_probabilities(probabilities) - np.asarray(included, dtype=bool)) ** 2))


def calibration_error(included, probabilities, *, bins=ECE_BINS, equal_mass=False):
    """Expected calibration error: mean difference between said and seen in each bin, weighted by records.

    Parameters
    ----------
    included, probabilities : array-like
    bins : int
        Number of bins; empty ones weigh nothing.
    equal_mass : bool
        Bins of equally many records, cut along the sorted probabilities, in place of bins of equal width. The
        stricter measure where most probabilities are near zero, for these all share one bin of equal width.
        Equal probabilities at a cut are told apart by the order of the records.
    """
    included, probabilities = np.asarray(included, dtype=float), _probabilities(probabilities)
    if equal_mass:
        order = np.argsort(probabilities, kind="stable")
        parts = np.array_split(order, bins)
    else:
        bin_of = np.minimum((probabilities * bins).astype(int), bins - 1)
        parts = [np.flatnonzero(bin_of == one) for one in range(bins)]
    gaps = [abs((included[part] - probabilities[part]).sum()) for part in parts]
    return float(sum(gaps) / len(included))


def _labels_and_places(included, scores):
    """Labels as bool, and each record's place as a score without ties: the first read has the highest."""
    included, order = _labels_and_order(included, scores)
    places = np.empty(len(order))
    places[order] = np.arange(len(order), 0, -1)
    return included, places


def _labels_and_order(included, scores):
    included, order = np.asarray(included, dtype=bool), reading_order(scores)
    if len(included) != len(order):
        raise ValueError(f"{len(included)} labels and {len(order)} scores")
    if not included.any():
        raise ValueError("no record is included, so there is nothing to find")
    return included, order


def _ceil(number):
    """Rounded up, but for what floating point adds: 0.55 of 100 is 55."""
    return math.ceil(round(number, 9))


def _probabilities(values):
    values = np.asarray(values, dtype=float)
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError("a probability lies within 0 and 1")
    return values
