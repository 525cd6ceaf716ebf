"""An order for records while decisions are too few to learn from."""

import numpy as np
from sklearn.base import BaseEstimator

from livingreview.screening.ranking import prior as shipped_prior
from livingreview.screening.ranking.meaning import Meaning
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

    Parameters
    ----------
    protocol : str
        Question and eligibility criteria.
    """

    def __init__(self, protocol):
        self.protocol = protocol

    def fit(self, records, included=()):
        """Weigh terms over all records and the protocol; no labels but those of the included ones.

        Parameters
        ----------
        records, included : list of dict
            All records of the run, and those that people have included so far.
        """
        own = {"title": self.protocol}
        texts = Texts([own, *records, *included])
        rows = np.arange(texts.n)
        self.weights_ = Weights("text", min_df=1, max_df=1.0).fit(texts, rows)
        self.meaning_ = Meaning().fit(texts, rows)
        self.query_ = self.weights_.transform(texts, [0])
        self.sense_ = self.meaning_.transform(texts, [0])
        at = np.arange(texts.n - len(included), texts.n)
        self.included_ = self.weights_.transform(texts, at) if len(included) else None
        parts = self._parts(texts)
        self.spread_ = {name: float(np.std(part[1:])) or 1.0 for name, part in parts.items()}
        return self

    def _parts(self, texts):
        weights = self.weights_.transform(texts)
        parts = {
            "words of the protocol": (weights @ self.query_.T).toarray().ravel(),
            "meaning of the protocol": self.meaning_.transform(texts) @ self.sense_[0],
            "other reviews": shipped_prior.read().score(texts),
        }
        if self.included_ is not None:
            parts["included studies"] = np.asarray((weights @ self.included_.T).mean(axis=1)).ravel()
        return parts

    def decision_function(self, records):
        """The order; higher is read earlier; shape (n_records,)."""
        if not len(records):
            return np.zeros(0)
        return sum(
            BLEND[name] / self.spread_[name] * part for name, part in self._parts(Texts(records)).items()
        )

    def explain(self, records):
        """What moved each score: shared words one by one, the rest as a whole; they add up to the score.

        Returns
        -------
        list of dict of (field, term) to float
        """
        if not len(records):
            return []
        texts = Texts(records)
        parts = self._parts(texts)
        shared = self.weights_.transform(texts).multiply(self.query_).tocsr()
        factor = BLEND["words of the protocol"] / self.spread_["words of the protocol"]
        found = []
        for at, row in enumerate(shared):
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
