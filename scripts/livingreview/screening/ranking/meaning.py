"""What records mean, as far as word vectors tell: near even where two texts share no word."""

import numpy as np

from livingreview.screening.ranking.texts import unit_length


class Meaning:
    """Records as the mean of their words' vectors, weighted by tf-idf, centred, of unit length.

    Centring takes away what all records of a review have in common.
    """

    def fit(self, texts, rows):
        """Inverse document frequencies and the centre, from the given rows of a `Texts`."""
        counts = texts.word_counts
        df = np.bincount(counts[rows].indices, minlength=counts.shape[1])
        self.n_ = len(rows)
        self.df_ = dict(zip(texts.words[df > 0], df[df > 0].tolist(), strict=True))
        self.centre_ = self._mean_vectors(texts, rows, df).mean(axis=0)
        return self

    def transform(self, texts, rows=None):
        """Vectors of records; shape (n_rows, 256). A record without words has the centre's opposite."""
        df = np.array([self.df_.get(word, 0) for word in texts.words], dtype=float)
        return unit_length(self._mean_vectors(texts, rows, df) - self.centre_)

    def _mean_vectors(self, texts, rows, df):
        counts = (texts.word_counts if rows is None else texts.word_counts[rows]).copy()
        idf = np.log((1 + self.n_) / (1 + df)).astype(np.float32)
        counts.data = (np.log(counts.data) + 1) * idf[counts.indices]
        return unit_length(np.asarray(counts @ texts.vectors))
