"""Titles and abstracts as counted terms: words, pairs of words, and the pieces of words."""

from functools import cached_property

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import normalize

from livingreview.screening.ranking.reading import LONGEST, cell, tokens
from livingreview.screening.ranking.words import word_vectors

# Pieces of three to five characters within a word, ends marked: they unite "randomised" and "randomized".
PIECES = (3, 5)


class Texts:
    """Tokenised records. Counting is done once and shared by everything that is fitted on some of the rows.

    Scikit-learn's vectorisers give the same counts; counting word numbers instead of strings, and the pieces
    of each different word once, is about ten times as fast.

    Parameters
    ----------
    records : list of dict
        With title and abstract; None, empty and missing are alike.
    all_pairs : bool
        Whether pairs of words that one record alone holds are counted too. Among the records that a model is
        fitted on they are not: they can neither be learnt from nor be met again. In records that a fitted
        model is given they may be pairs that it knows.

    Attributes
    ----------
    records : list of dict
        As given.
    n : int
        How many.
    has_abstract : ndarray of bool, shape (n_records,)
    words : ndarray of str, shape (n_words,)
        All different words.
    counts : dict of str to csr_matrix, shape (n_records, n_terms)
        ``text`` (words and pairs of title and abstract), ``title`` (the same of the title alone) and
        ``pieces`` (of words of title and abstract).
    n_cut : int
        Records whose title or abstract was longer than `LONGEST`.
    """

    def __init__(self, records, *, all_pairs=False):
        titles = [cell(record, "title") for record in records]
        abstracts = [cell(record, "abstract") for record in records]
        self.records = records
        self.n = len(records)
        self.n_cut = sum(len(a) > LONGEST or len(b) > LONGEST for a, b in zip(titles, abstracts, strict=True))
        self.has_abstract = np.array([bool(text.strip()) for text in abstracts], dtype=bool)
        found = [tokens(text) for text in [*titles, *abstracts]]
        field = np.repeat(np.arange(2 * self.n), [len(part) for part in found])
        codes, words = pd.factorize(np.array([token for part in found for token in part], dtype=object))
        self.words = np.asarray(words, dtype=object)
        in_title = field < self.n
        row = np.where(in_title, field, field - self.n)
        self._title_words = _counted(row[in_title], codes[in_title], self.n, len(words))
        self._words = (
            self._title_words + _counted(row[~in_title], codes[~in_title], self.n, len(words))
        ).tocsr()
        self._count_pairs(field, codes, all_pairs)

    def _count_pairs(self, field, codes, all_pairs):
        """Count neighbouring words of one field; a pair is known by the numbers of its words."""
        adjacent = field[1:] == field[:-1]
        first, second = codes[:-1][adjacent], codes[1:][adjacent]
        pairs, code = np.unique(first.astype(np.int64) * len(self.words) + second, return_inverse=True)
        of = field[:-1][adjacent]
        titled = of < self.n
        of = np.where(titled, of, of - self.n)
        self._pairs = _counted(of, code, self.n, len(pairs))
        self._title_pairs = _counted(of[titled], code[titled], self.n, len(pairs))
        if not all_pairs:
            shared = np.flatnonzero(np.bincount(self._pairs.indices, minlength=len(pairs)) > 1)
            self._pairs, self._title_pairs = self._pairs[:, shared], self._title_pairs[:, shared]
            pairs = pairs[shared]
        self._pair_codes = pairs

    @cached_property
    def counts(self):
        """See the class."""
        return {
            "text": sparse.hstack([self._words, self._pairs], format="csr"),
            "title": sparse.hstack([self._title_words, self._title_pairs], format="csr"),
            "pieces": (self._words @ self.pieces_of_words).tocsr(),
        }

    @cached_property
    def _pieces(self):
        vectoriser = CountVectorizer(analyzer="char_wb", ngram_range=PIECES, dtype=np.float32)
        if not len(self.words):
            return sparse.csr_matrix((0, 0), dtype=np.float32), np.array([], dtype=object)
        return vectoriser.fit_transform(self.words).tocsr(), vectoriser.get_feature_names_out()

    @property
    def pieces_of_words(self):
        """How often each piece occurs in each word; csr_matrix, shape (n_words, n_pieces)."""
        return self._pieces[0]

    def names(self, kind, columns=None):
        """Names of columns of `counts`, all of them if left out; a pandas Index."""
        if columns is None:
            columns = np.arange(self.counts[kind].shape[1])
        if kind == "pieces":
            return pd.Index(self._pieces[1].astype(object)[columns])
        n_words = len(self.words)
        first, second = np.divmod(self._pair_codes[columns[columns >= n_words] - n_words], max(n_words, 1))
        found = np.empty(len(columns), dtype=object)
        found[columns < n_words] = self.words[columns[columns < n_words]]
        found[columns >= n_words] = self.words[first] + " " + self.words[second]
        return pd.Index(found)

    def places(self, kind, terms):
        """Columns of `counts` in which the given terms are, -1 where there is none; ndarray of int."""
        if kind == "pieces":
            return pd.Index(self._pieces[1].astype(object)).get_indexer(terms)
        number, n_words = self._numbers, len(self.words)
        found = np.full(len(terms), -1, dtype=np.int64)
        codes, wanted = [], []
        for at, term in enumerate(terms):
            first, blank, second = term.partition(" ")
            if not blank:
                found[at] = number.get(first, -1)
            elif first in number and second in number:
                codes.append(number[first] * n_words + number[second])
                wanted.append(at)
        codes, wanted = np.array(codes, dtype=np.int64), np.array(wanted, dtype=np.int64)
        place = np.searchsorted(self._pair_codes, codes)
        known = place < len(self._pair_codes)
        known[known] = self._pair_codes[place[known]] == codes[known]
        found[wanted[known]] = n_words + place[known]
        return found

    @cached_property
    def _numbers(self):
        return {word: number for number, word in enumerate(self.words)}

    @cached_property
    def vectors(self):
        """Vectors of the words; float32, shape (n_words, 256)."""
        return word_vectors(self.words)

    @property
    def word_counts(self):
        """Counts of single words in title and abstract; csr_matrix, shape (n_records, n_words)."""
        return self._words


def _counted(rows, columns, n_rows, n_columns):
    counts = sparse.csr_matrix(
        (np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=(n_rows, n_columns)
    )
    counts.sum_duplicates()
    return counts


class Weights:
    """Term weights of one kind of counts: tf-idf with sublinear tf, each record scaled to unit length.

    The weights of scikit-learn's ``TfidfTransformer(sublinear_tf=True)``, fitted on rows of a `Texts`, and
    applicable to another `Texts`, in which terms that were not fitted are passed over.

    Parameters
    ----------
    kind : {"text", "title", "pieces"}
    min_df : int
        Terms in fewer fitted records are left out.
    max_df : float
        Terms in more than this share of the fitted records are left out.
    """

    def __init__(self, kind, *, min_df, max_df=0.95):
        self.kind = kind
        self.min_df = min_df
        self.max_df = max_df

    def fit(self, texts, rows):
        """Count the records that hold each term, among the given rows."""
        return self._fit(texts, texts.counts[self.kind][rows])

    def fit_transform(self, texts, rows):
        """`fit`, and the weights of the same rows."""
        counts = texts.counts[self.kind][rows]
        return self._fit(texts, counts)._weighed(counts[:, self._columns])

    def _fit(self, texts, counts):
        n_rows, n_terms = counts.shape
        df = np.bincount(counts.indices, minlength=n_terms)
        kept = np.flatnonzero((df >= self.min_df) & (df <= max(self.max_df * n_rows, self.min_df)))
        self._texts, self._columns = texts, kept
        self.idf_ = (np.log((1 + n_rows) / (1 + df[kept])) + 1).astype(np.float32)
        return self

    @cached_property
    def names_(self):
        """The fitted terms, a pandas Index."""
        return self._texts.names(self.kind, self._columns)

    def transform(self, texts, rows=None):
        """Weights of records; csr_matrix of float32, shape (n_rows, n_fitted_terms)."""
        counts = texts.counts[self.kind] if rows is None else texts.counts[self.kind][rows]
        return self._weighed(self.picked(texts, counts))

    def picked(self, texts, counts):
        """The columns of the fitted terms, of counts of their kind."""
        return counts[:, self._columns] if texts is self._texts else counts @ self.selection(texts)

    def selection(self, texts):
        """A matrix that picks the fitted terms from the columns of a `Texts`."""
        return selection(texts, self.kind, self.names_)

    def _weighed(self, counts):
        counts = counts.tocsr().astype(np.float32)
        counts.data = (np.log(counts.data) + 1) * self.idf_[counts.indices]
        return unit_length(counts)


def unit_length(matrix):
    """Rows scaled to Euclidean length 1, those of zeros left alone; nothing where nothing is there."""
    return normalize(matrix, copy=False) if min(matrix.shape) else matrix


def selection(texts, kind, terms):
    """A matrix that picks and orders the columns of given terms; csr_matrix, shape (n_columns, n_terms)."""
    place = texts.places(kind, terms)
    held = np.flatnonzero(place >= 0)
    held = held[np.argsort(place[held], kind="stable")]
    return sparse.csr_matrix(
        (np.ones(len(held), dtype=np.float32), (place[held], held)),
        shape=(texts.counts[kind].shape[1], len(terms)),
    )
