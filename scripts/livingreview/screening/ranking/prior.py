"""What reviews tend to include: a small linear model of terms, learnt from the decisions of other reviews.

A new review has few decisions, and most of what distinguishes an included record is said in words that many
reviews share: of designs, comparisons and results on one side, of editorials, guidelines and laboratory work
on the other. `Prior` holds one weight for each such term. It moves a score a little, and less so the more the
review's own decisions say; benchmarks/README.md tells what it adds on reviews that it has not seen.
"""

import csv
import functools
import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS
from sklearn.linear_model import LogisticRegression

from livingreview.screening.ranking import SHIPPED
from livingreview.screening.ranking.reading import tokens
from livingreview.screening.ranking.texts import Texts, selection, unit_length

SHARED_BY = 0.6  # share of the reviews in which a term must occur, in two records or more
MOST_EXCLUDED = 2500  # of each review; more would let the largest reviews choose the terms' idf


class Prior:
    """Term weights that hold across reviews.

    Parameters
    ----------
    terms : sequence of str
        Words and pairs of words, lower case.
    idf, coef : array-like, shape (n_terms,)
        Inverse document frequency, and the weight of the term in the log odds of inclusion.
    """

    def __init__(self, terms, idf, coef):
        self.terms = pd.Index(terms)
        self.idf = np.asarray(idf, dtype=np.float32)
        self.coef = np.asarray(coef, dtype=np.float64)

    def without(self, topic):
        """The prior without terms that hold a word of the given text; function words aside.

        What other reviews say of the words that a review is about, "headache" as a side effect say, is not
        what this one means by them.
        """
        words = set(tokens(topic)) - ENGLISH_STOP_WORDS
        own = np.array([bool(words & set(term.split())) for term in self.terms], dtype=bool)
        return Prior(self.terms[~own], self.idf[~own], self.coef[~own])

    def within(self, texts):
        """The prior without pairs of words that a `Texts` does not count; single words stay."""
        known = texts.places("text", self.terms) >= 0
        kept = np.array([" " not in term for term in self.terms], dtype=bool) | known
        return Prior(self.terms[kept], self.idf[kept], self.coef[kept])

    def weights(self, texts, rows=None):
        """Weights of the terms in each record, unit length; csr_matrix, shape (n_rows, n_terms)."""
        held = _presence(texts, self.terms, rows)
        return unit_length((held @ sparse.diags(self.idf)).tocsr())

    def score(self, texts, rows=None):
        """Log odds of inclusion in a review of unknown topic, up to a constant; shape (n_rows,)."""
        return self.weights(texts, rows) @ self.coef

    def digest(self):
        """Digest of all terms and weights, for the version of what was made with them."""
        cells = zip(self.terms, self.idf.tolist(), self.coef.tolist(), strict=True)
        return hashlib.sha256(json.dumps(list(cells)).encode()).hexdigest()

    def write(self, path):
        """Write as CSV: term, idf, coef."""
        with Path(path).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["term", "idf", "coef"])
            for term, idf, coef in zip(self.terms, self.idf, self.coef, strict=True):
                writer.writerow([term, f"{idf:.4f}", f"{coef:.4f}"])


@functools.cache
def read(path=SHIPPED):
    """The prior that comes with the ranker (made by benchmarks/train_prior.py), or that of another file."""
    frame = pd.read_csv(path, dtype={"term": str}, keep_default_na=False)
    return Prior(frame["term"], frame["idf"], frame["coef"])


def sample(records, included, *, seed):
    """Of one review, what a prior is fitted on: all included records and a sample of the excluded ones.

    Returns
    -------
    texts : Texts
    included : ndarray of bool
    """
    included = np.asarray(included, dtype=bool)
    excluded = np.flatnonzero(~included)
    drawn = np.random.RandomState(seed).permutation(excluded)[:MOST_EXCLUDED]
    rows = np.sort(np.concatenate([np.flatnonzero(included), drawn]))
    return Texts([records[row] for row in rows]), included[rows]


def _presence(texts, terms, rows=None):
    counts = texts.counts["text"] if rows is None else texts.counts["text"][rows]
    held = (counts @ selection(texts, "text", terms)).tocsr()
    held.data[:] = 1
    return held


def fit(samples, *, seed=0):
    """A prior from several reviews, each counting alike, and its included records as much as the excluded.

    Parameters
    ----------
    samples : list of (Texts, ndarray of bool)
        As from `sample`, each with included and excluded records.
    seed : int

    Returns
    -------
    Prior
    """
    shared = {}
    for texts, _ in samples:
        counts = texts.counts["text"]
        df = np.bincount(counts.indices, minlength=counts.shape[1])
        for term in texts.names("text", np.flatnonzero(df >= 2)):
            shared[term] = shared.get(term, 0) + 1
    terms = pd.Index(sorted(term for term, n in shared.items() if n >= SHARED_BY * len(samples)))
    held = sparse.vstack([_presence(texts, terms) for texts, _ in samples], format="csr")
    df = np.bincount(held.indices, minlength=len(terms))
    prior = Prior(terms, np.log(held.shape[0] / np.maximum(df, 1)), np.zeros(len(terms)))
    weights = unit_length((held @ sparse.diags(prior.idf)).tocsr())
    labels = np.concatenate([included for _, included in samples])
    importance = np.concatenate(
        [np.where(included, 1 / included.sum(), 1 / (~included).sum()) for _, included in samples]
    )
    model = LogisticRegression(
        C=10, solver="liblinear", dual=True, tol=1e-2, max_iter=1000, random_state=seed
    )
    # The weights of one review add up to 2; the factor sets how strongly the whole is regularised.
    model.fit(weights, labels, sample_weight=200 * importance)
    prior.coef = model.coef_[0]
    return prior
