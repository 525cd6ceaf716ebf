"""From scores to probabilities, by what scores of records that the model had not seen turned out to be."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.model_selection import StratifiedKFold

FIRST = 0.5  # share of the decided records, in order of time, that is trained on only
BLOCKS = 2
FEWEST = 5  # included records to predict; with fewer, time is set aside


def folds(included, *, order=None, seed=0):
    """Parts of the decided records to be predicted by a model of the others.

    In order of time where there is one: the records after the first `FIRST` are predicted in `BLOCKS` blocks,
    each by a model of everything before it, as a new month is. Records of one time stay together. If fewer
    than `FEWEST` included ones are predicted so, or there is no order, the folds are random ones (seeded).

    Parameters
    ----------
    included : ndarray of bool, shape (n_records,)
    order : array-like, shape (n_records,), optional
        Time of each record, sortable.
    seed : int

    Returns
    -------
    list of (train, test)
        Places of the records; empty where too few of either kind are there to be left out.
    bool
        Whether they are in order of time.
    """
    if order is not None:
        in_time = _in_time(included, np.asarray(order))
        if sum(int(included[test].sum()) for _, test in in_time) >= FEWEST:
            return in_time, True
    n = int(min(included.sum(), (~included).sum()))
    if n < 2:
        return [], False
    split = StratifiedKFold(n_splits=min(3, n), shuffle=True, random_state=seed)
    return [(train, test) for train, test in split.split(np.zeros(len(included)), included)], False


def _in_time(included, order):
    times = np.sort(order)
    at = [int(share * len(times)) for share in np.linspace(FIRST, 1, BLOCKS + 1)[:-1]]
    cuts = sorted({times[place] for place in at})
    found = []
    for cut, end in zip(cuts, [*cuts[1:], None], strict=True):
        train = np.flatnonzero(order < cut)
        test = np.flatnonzero((order >= cut) if end is None else (order >= cut) & (order < end))
        if min(included[train].sum(), (~included[train]).sum()) >= 2 and len(test):
            found.append((train, test))
    return found


class Calibration:
    """Platt's logistic curve from score to probability of inclusion.

    Platt 1999 (Advances in Large Margin Classifiers, 61-74), with its smoothed targets, so that records which
    the scores separate fully do not become certainties.

    Attributes
    ----------
    slope_, intercept_ : float
        Probability = 1 / (1 + exp(-(slope * score + intercept))); the slope is never negative, since a higher
        score must not be less likely.
    """

    def fit(self, scores, included):
        """Fit on out-of-fold scores, with at least one included and one excluded record."""
        scores, included = np.asarray(scores, dtype=float), np.asarray(included, dtype=bool)
        n_included, n_excluded = int(included.sum()), int((~included).sum())
        target = np.where(included, (n_included + 1) / (n_included + 2), 1 / (n_excluded + 2))
        if np.ptp(scores) == 0:  # no slope can be told; the same probability for all
            self.slope_, self.intercept_ = 0.0, float(logit(target.mean()))
            return self

        def loss(parameters):
            slope, intercept = parameters
            value = slope * scores + intercept
            gradient = expit(value) - target
            return (
                np.mean(np.logaddexp(0, value) - target * value),
                np.array([np.mean(gradient * scores), np.mean(gradient)]),
            )

        start = np.array([1.0, np.log((n_included + 1) / (n_excluded + 1))])
        found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None), (None, None)])
        self.slope_, self.intercept_ = (float(value) for value in found.x)
        return self

    def probability(self, scores):
        """Probabilities of inclusion; shape as the scores."""
        return expit(self.slope_ * np.asarray(scores, dtype=float) + self.intercept_)
