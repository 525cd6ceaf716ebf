"""A ranking of undecided records, learnt from the review's own decisions."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

TEXT = ["title", "abstract", "keywords"]

# Words and pairs of words; pairs such as "randomized controlled" and "systematic review" carry the design.
_words = CountVectorizer(
    ngram_range=(1, 2), stop_words="english", token_pattern=r"(?u)\b\w[\w-]+\b"
).build_analyzer()


def features(record):
    """The terms of one record: words and pairs of words of its text, and its MeSH headings.

    Headings are marked, so that the heading "Internet" and the word "internet" weigh on their own. A record
    without abstract, or not yet indexed, simply has fewer terms; term weights are scaled to unit length, so
    it is not ranked lower for that.
    """
    terms = _words(" ".join(record[column] or "" for column in TEXT))
    for heading in (record["mesh_terms"] or "").split("; "):
        if heading:
            terms.append(f"MeSH {heading.split(' / ')[0].rstrip('*')}")
    return terms


class Ranker(ClassifierMixin, BaseEstimator):
    """Logistic regression on weighted terms, classes balanced.

    Parameters
    ----------
    C : float
        Inverse strength of the regularisation.
    seed : int
        Random state of the solver.

    Attributes
    ----------
    pipeline_ : sklearn Pipeline
        Vectoriser and classifier, both fitted on the training records alone.
    classes_ : ndarray
        False and True; True is included.
    """

    def __init__(self, C=10.0, seed=0):
        self.C = C
        self.seed = seed

    def fit(self, records, included):
        """Fit on a list of records (mappings with title, abstract, keywords, mesh_terms) and their labels."""
        self.pipeline_ = make_pipeline(
            TfidfVectorizer(analyzer=features, sublinear_tf=True),
            LogisticRegression(C=self.C, class_weight="balanced", max_iter=1000, random_state=self.seed),
        )
        self.pipeline_.fit(records, included)
        self.classes_ = self.pipeline_.classes_
        return self

    def decision_function(self, records):
        """Log odds of inclusion, on the scale of a balanced training set; shape (n_records,)."""
        return self.pipeline_.decision_function(records)

    def predict_proba(self, records):
        """Scores of exclusion and inclusion; shape (n_records, 2).

        Not calibrated: classes are balanced in training, so 0.5 is not an even chance.
        """
        return self.pipeline_.predict_proba(records)

    def predict(self, records):
        """Whether inclusion scores higher than exclusion; shape (n_records,)."""
        return self.pipeline_.predict(records)

    def explain(self, records, n_terms=5):
        """The terms that moved each record's log odds most, strongest first.

        Returns
        -------
        list of list of (str, float)
            Term and what it adds to the log odds; negative ones speak for exclusion.
        """
        vectoriser, classifier = self.pipeline_[0], self.pipeline_[-1]
        names = vectoriser.get_feature_names_out()
        parts = vectoriser.transform(records).multiply(classifier.coef_).tocsr()
        return [_strongest(names[row.indices], row.data, n_terms) for row in parts]


class ProtocolSimilarity:
    """Order by likeness to the protocol's text, while there are too few decisions to learn from."""

    def __init__(self, protocol):
        self.protocol = protocol

    def fit(self, records):
        """Weigh terms over the records and the protocol; no labels."""
        own = dict.fromkeys([*TEXT, "mesh_terms"], "") | {"title": self.protocol}
        self.vectoriser_ = TfidfVectorizer(analyzer=features, sublinear_tf=True).fit([own, *records])
        self.query_ = self.vectoriser_.transform([own])
        return self

    def decision_function(self, records):
        """Cosine of each record with the protocol, 0 to 1; shape (n_records,)."""
        return (self.vectoriser_.transform(records) @ self.query_.T).toarray().ravel()

    def explain(self, records, n_terms=5):
        """The shared terms that make each record alike, strongest first."""
        names = self.vectoriser_.get_feature_names_out()
        parts = self.vectoriser_.transform(records).multiply(self.query_).tocsr()
        return [_strongest(names[row.indices], row.data, n_terms) for row in parts]


def _strongest(names, values, n_terms):
    order = sorted(range(len(values)), key=lambda i: (-abs(values[i]), names[i]))[:n_terms]
    return [(str(names[i]), float(values[i])) for i in order]


def out_of_fold(records, included, *, seed, folds=5):
    """Scores of the training records, each from a model that did not see it.

    Returns
    -------
    ndarray, shape (n_records,)
        Scores as from ``Ranker.predict_proba``, column 1.
    """
    split = StratifiedKFold(n_splits=folds, shuffle=True, random_state=seed)
    return cross_val_predict(Ranker(seed=seed), records, included, cv=split, method="predict_proba")[:, 1]


def read_first_threshold(scores, included, recall):
    """The highest score at or above which the given share of the included records lies.

    Parameters
    ----------
    scores : ndarray
        Out-of-fold scores.
    included : ndarray of bool
    recall : float
        Share of the included records, more than 0 and at most 1.
    """
    held = np.sort(np.asarray(scores)[np.asarray(included)])[::-1]
    return float(held[int(np.ceil(recall * len(held))) - 1])


def quality(scores, included):
    """How well out-of-fold scores separate: area under the ROC curve, and average precision."""
    return {
        "roc_auc": float(roc_auc_score(included, scores)),
        "average_precision": float(average_precision_score(included, scores)),
    }
