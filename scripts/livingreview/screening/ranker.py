"""A ranking of undecided records, learnt from the review's own decisions."""

import hashlib
import json

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from livingreview.errors import ReviewError
from livingreview.screening import calibration
from livingreview.screening.ranking import parts
from livingreview.screening.ranking import prior as shipped_prior
from livingreview.screening.ranking.texts import Texts

VERSION = "ranker-2"

# What a part weighs in the score, once each has been brought to the same spread. Chosen on the development
# sets of benchmarks/rank_updates.py, each left out in turn (benchmarks/README.md).
BLEND = {
    "words": 2.0,
    "topics": 1.1,
    "other reviews": 1.2,
    "alike": 0.8,
    "senses": 0.7,
    "neighbours": 0.6,
    "index": 0.5,
}
PARTS = {
    "words": parts.Words,
    "topics": parts.Topics,
    "alike": parts.Alike,
    "senses": parts.Senses,
    "neighbours": parts.Neighbours,
    "index": parts.IndexTerms,
}
WORDING = {
    "alike": "like included records",
    "neighbours": "decisions on the most alike records",
    "topics": "topics of included records",
    "senses": "meaning close to included records",
}

# Beyond so many excluded records more teach the model nothing that was measurable, and cost in proportion.
MOST_EXCLUDED = 20_000
MOST_EXCLUDED_IN_FOLDS = 2_000


class Ranker(ClassifierMixin, BaseEstimator):
    """Several ways of learning from the decisions, blended into one score, with calibrated probabilities.

    Everything is fitted inside ``fit``: the models in each of its folds, with their term weights; then, from
    what these say of records that they had not seen, in order of time where it is given, the spread of each
    part and the calibration; then the models once more on all decided records.

    Parameters
    ----------
    blend : dict of str to float, optional
        Weight of each part, of `BLEND`; a part left out is not fitted. `BLEND` if left out.
    prior : Prior, optional
        What other reviews tend to include; the one that is shipped if left out.
    topic : str
        What the review is about (question, eligibility); its words are left to the review's own decisions.
    seed : int
        Of all samples, folds and solvers.

    Attributes
    ----------
    classes_ : ndarray
        False and True; True is included.
    n_included_, n_excluded_ : int
        Decided records that it was fitted on.
    n_left_out_ : int
        Excluded records beyond `MOST_EXCLUDED`, drawn at random, that were not looked at.
    n_cut_ : int
        Records of which only the first `LONGEST` characters of a field were read.
    past_scores_, past_included_, past_ : ndarray
        Out-of-fold scores, their labels, and the places of these records among those given to ``fit``.
    undecided_scores_ : ndarray
        What ``decision_function`` gives the undecided records among those given to ``fit``, in their order.
    undecided_numbers_ : dict of str to ndarray
        What each part gives them, on its own scale.
    in_time_ : bool
        Whether those were predicted in order of time.
    spread_ : dict of str to float
        Standard deviation of each part's out-of-fold numbers.
    """

    def __init__(self, blend=None, prior=None, topic="", seed=0):
        self.blend = blend
        self.prior = prior
        self.topic = topic
        self.seed = seed

    def fit(self, records, included, order=None):
        """Learn from decided records; undecided ones may be given as well, and serve to learn their words.

        The same records in another order give another model where there are more than are looked at
        (`MOST_EXCLUDED` and its like in the parts), random folds or many rounds of a solver; the differences
        are those of another seed.

        Parameters
        ----------
        records : list of dict
            With title, abstract, keywords, mesh_terms, publication_types, medline_status, indexing_method, as
            in a run's records.csv; what is missing counts as empty.
        included : array-like, shape (n_records,)
            True or 1 for included, False or 0 for excluded, -1 for not yet decided, as in scikit-learn's
            semi-supervised estimators.
        order : array-like, shape (n_records,), optional
            Time of each record, sortable, such as month or year of decision or entry. Records whose time is
            NaN are learnt from, and left out of the folds.

        Raises
        ------
        ReviewError
            If nothing is included or nothing excluded: there is no difference to learn.
        """
        labels = np.asarray(included).astype(int)
        _check(labels, records)
        used = self._used(labels)
        self.n_left_out_ = len(labels) - len(used)
        texts = Texts([records[place] for place in used])
        labels = labels[used]
        self.n_included_, self.n_excluded_ = int((labels == 1).sum()), int((labels == 0).sum())
        self.n_cut_ = texts.n_cut
        self.classes_ = np.array([False, True])
        decided, undecided = np.flatnonzero(labels >= 0), np.flatnonzero(labels < 0)
        truth = labels[decided] == 1
        times = None if order is None else np.asarray(order)[used][decided]
        self._fit_spread_and_calibration(texts, decided, truth, times)
        self.past_ = used[self.past_]
        self.parts_, self.vectors_, self._undecided, self.undecided_numbers_ = self._fit_parts(
            texts, decided, truth, undecided
        )
        self.undecided_scores_ = self._blended(self.undecided_numbers_, len(undecided))
        return self

    def _used(self, labels):
        excluded = np.flatnonzero(labels == 0)
        drawn = np.random.RandomState(self.seed).permutation(excluded)[:MOST_EXCLUDED]
        return np.sort(np.concatenate([np.flatnonzero(labels != 0), drawn]))

    def _weights(self):
        return BLEND if self.blend is None else self.blend

    def _fit_parts(self, texts, rows, included, undecided):
        seen = parts.Seen(texts, rows, included, undecided=undecided, seed=self.seed)
        fitted = {}
        for name in self._weights():
            part = parts.OtherReviews(self.prior, self.topic) if name == "other reviews" else PARTS[name]()
            fitted[name] = part.fit(seen)
        batch = parts.Batch(texts, undecided, seen.vectors, ready=seen.undecided_vectors)
        numbers = _numbers(fitted, batch)
        if "words" in fitted and len(undecided):
            together = sum(
                weight * numbers[name] / (np.std(numbers[name]) or 1.0)
                for name, weight in self._weights().items()
            )
            fitted["words"].teach(seen, together)
            numbers["words"] = fitted["words"].score(batch)
        return fitted, seen.vectors, batch, numbers

    def _fit_spread_and_calibration(self, texts, rows, included, times):
        split, self.in_time_ = calibration.folds(included, order=times, seed=self.seed)
        places = np.concatenate([np.zeros(0, dtype=int), *(test for _, test in split)])
        numbers = self._out_of_fold(split, texts, rows, included)
        self.spread_ = {name: parts.spread(values) for name, values in numbers.items()}
        self.past_scores_ = self._blended(numbers, len(places))
        self.past_included_, self.past_ = included[places], rows[places]
        if self.past_included_.any() and not self.past_included_.all():
            self.calibration_ = calibration.Calibration().fit(self.past_scores_, self.past_included_)
        else:
            # Too few to leave any out; the share of included records is then all that can be said.
            self.calibration_ = calibration.Calibration().fit(np.zeros(len(included)), included)

    def _out_of_fold(self, split, texts, rows, included):
        """Each part's numbers of the records left out, fold after fold, by models of the others' labels."""
        found = {name: [np.zeros(0)] for name in self._weights()}
        for train, test in split:
            kept = self._thinned(train, included)
            *_, numbers = self._fit_parts(texts, rows[kept], included[kept], rows[test])
            for name, values in numbers.items():
                found[name].append(values)
        return {name: np.concatenate(values) for name, values in found.items()}

    def _thinned(self, train, included):
        """Training records of a fold: all included, and not more excluded ones than are needed."""
        excluded = train[~included[train]]
        drawn = np.random.RandomState(self.seed).permutation(excluded)[:MOST_EXCLUDED_IN_FOLDS]
        return np.sort(np.concatenate([train[included[train]], drawn]))

    def _blended(self, numbers, n):
        return sum(
            (weight / self.spread_[name] * numbers[name] for name, weight in self._weights().items()),
            np.zeros(n),
        )

    def _batch(self, records):
        texts = Texts(records, all_pairs=True)
        return parts.Batch(texts, np.arange(texts.n), self.vectors_)

    def decision_function(self, records):
        """The score; higher is read earlier. Its scale is that of this model; shape (n_records,)."""
        if not len(records):
            return np.zeros(0)
        return self._blended(_numbers(self.parts_, self._batch(records)), len(records))

    def probability(self, scores):
        """Calibrated probabilities of inclusion of scores from ``decision_function``; same shape."""
        return self.calibration_.probability(scores)

    def predict_proba(self, records):
        """Calibrated probabilities of exclusion and inclusion; shape (n_records, 2)."""
        included = self.probability(self.decision_function(records))
        return np.column_stack([1 - included, included])

    def predict(self, records):
        """Whether inclusion is likelier than exclusion; shape (n_records,)."""
        return self.predict_proba(records)[:, 1] > 0.5

    def explain(self, records=None):
        """What moved each score.

        Parameters
        ----------
        records : list of dict, optional
            The undecided records among those given to ``fit`` if left out.

        Returns
        -------
        list of dict of (field, term) to float
            Fields text, title, other reviews and index hold terms; field "whole" holds the parts that look at
            a record as a whole, and "constant" what is the same for all. They add up to the score.
        """
        batch = self._undecided if records is None else self._batch(records)
        if not len(batch.rows):
            return []
        numbers = self.undecided_numbers_ if records is None else _numbers(self.parts_, batch)
        found = [{} for _ in batch.rows]
        for name, weight in self._weights().items():
            factor = weight / self.spread_[name]
            for said, added in zip(found, self._added(name, batch, numbers[name]), strict=True):
                for key, value in added.items():
                    said[key] = said.get(key, 0.0) + factor * value
        return found

    def _added(self, name, batch, numbers):
        """Of each record what a part says of it, by term where it tells."""
        part = self.parts_[name]
        if not hasattr(part, "explain"):
            return [{("whole", WORDING[name]): float(number)} for number in numbers]
        constant = {("constant", "intercept"): part.intercept_} if name == "words" else {}
        return [said | constant for said in part.explain(batch)]

    def version(self, records, included):
        """Name and version of the model, its training records, and a digest of what it was made from.

        The digest is of the parameters, what other reviews tend to include, and the ids and labels of all
        records given, undecided ones too; it need not be fitted.
        """
        prior = (self.prior or shipped_prior.read()).digest()
        made_from = [VERSION, self._weights(), self.topic, self.seed, prior]
        labels = np.asarray(included).astype(int)
        made_from += [
            [record.get("record_id"), label] for record, label in zip(records, labels.tolist(), strict=True)
        ]
        digest = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:8]
        return f"{VERSION} n={(labels[self._used(labels)] >= 0).sum()} {digest}"


def _check(labels, records):
    if len(labels) != len(records) or not np.isin(labels, [-1, 0, 1]).all():
        raise ValueError("one label for each record: 1 included, 0 excluded, -1 not yet decided")
    if not (labels == 1).any() or not (labels == 0).any():
        raise ReviewError(
            f"{(labels == 1).sum()} included and {(labels == 0).sum()} excluded records: a ranking needs both"
        )


def _numbers(fitted, batch):
    """What each part says of each record; of no records nothing."""
    n = len(batch.rows)
    return {name: part.score(batch) if n else np.zeros(0) for name, part in fitted.items()}
