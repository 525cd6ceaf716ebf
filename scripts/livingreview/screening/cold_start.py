"""An order for records while decisions are too few to learn from."""

import numpy as np
from sklearn.base import BaseEstimator

from livingreview.screening.ranking import prior as shipped_prior
from livingreview.screening.ranking.meaning import Meaning
from livingreview.screening.ranking.parts import spread
from livingreview.screening.ranking.texts import Texts, Weights

# Weight of each part, once brought to the same spread. The protocol is what people wrote for this purpose;
# included studies, where there are any, say the same in the words of trials.
BLEND = {
    "words of the protocol": 1.0,
    "meaning of the protocol": 0.5,
    "included studies": 1.0,
    "other reviews": 0.3,
}


class ColdStart(BaseEstimator):
    """Likeness to the protocol's text and to included studies, and what reviews tend to include.

    Other reviews say nothing here of the protocol's own words, as in the ranker.

    Parameters
    ----------
    protocol : str
        Question and eligibility criteria.
    """

    def __init__(self, protocol=""):
        self.protocol = protocol

    def fit(self, records, included=None):
        """Weigh terms over all records and the protocol.

        Parameters
        ----------
        records : list of dict
            All records of the run, decided or not.
        included : array-like of bool, shape (n_records,), optional
            Those that people have included so far; none if left out. What they excluded is not looked at.
        """
        texts = Texts([{"title": self.protocol}, *records])
        rows = np.arange(texts.n)
        included = (
            np.zeros(len(records), dtype=bool) if included is None else np.asarray(included, dtype=bool)
        )
        self.weights_ = Weights("text", min_df=1, max_df=1.0).fit(texts, rows)
        self.meaning_ = Meaning().fit(texts, rows)
        self.prior_ = shipped_prior.read().without(self.protocol).within(texts)
        self.query_ = self.weights_.transform(texts, [0])
        self.sense_ = self.meaning_.transform(texts, [0])
        at = 1 + np.flatnonzero(included)
        self.included_ = self.weights_.transform(texts, at) if len(at) else None
        parts = self._parts(texts, np.arange(1, texts.n))
        self.spread_ = {name: spread(part) for name, part in parts.items()}
        return self

    def _parts(self, texts, rows):
        weights = self.weights_.transform(texts, rows)
        parts = {
            "words of the protocol": (weights.astype(float) @ self.query_.T.astype(float)).toarray().ravel(),
            "meaning of the protocol": self.meaning_.transform(texts, rows) @ self.sense_[0],
            "other reviews": self.prior_.score(texts, rows),
        }
        if self.included_ is not None:
            parts["included studies"] = np.asarray((weights @ self.included_.T).mean(axis=1)).ravel()
        return {name: np.asarray(part, dtype=float) for name, part in parts.items()}

    def _numbers(self, records):
        texts = Texts(records, all_pairs=True)
        rows = np.arange(texts.n)
        return self._parts(texts, rows), self.weights_.transform(texts, rows)

    def decision_function(self, records):
        """The order; higher is read earlier; shape (n_records,)."""
        if not len(records):
            return np.zeros(0)
        parts, _ = self._numbers(records)
        return sum(BLEND[name] / self.spread_[name] * part for name, part in parts.items())

    def explain(self, records):
        """What moved each score: shared words one by one, the rest as a whole; they add up to the score.

        Returns
        -------
        list of dict of (field, term) to float
        """
        if not len(records):
            return []
        parts, weights = self._numbers(records)
        shared = weights.astype(float).multiply(self.query_).tocsr()
        factor = BLEND["words of the protocol"] / self.spread_["words of the protocol"]
        found = []
        for at in range(shared.shape[0]):
            row = shared[at]
            said = {
                ("text", self.weights_.names_[column]): factor * float(value)
                for column, value in zip(row.indices, row.data, strict=True)
            }
            said |= {
                ("whole", name): BLEND[name] / self.spread_[name] * float(part[at])
                for name, part in parts.items()
                if name != "words of the protocol"
            }
            found.append(said)
        return found
