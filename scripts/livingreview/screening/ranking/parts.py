"""The parts of the ranker. Each learns from the decisions in its own way and gives every record a number.

A part has ``fit(seen)``, from a `Seen` that holds the decided records and their labels, and ``score(batch)``,
one number for each record of a `Batch`, higher for what people would include; the scale is the part's own.
The linear ones have ``explain(batch)`` too: of each record its terms, and what each adds to its score.
"""

import warnings
from collections import Counter
from functools import cached_property

import numpy as np
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from livingreview.screening.design import indexed_by_people
from livingreview.screening.ranking import prior as shipped_prior
from livingreview.screening.ranking.meaning import Meaning
from livingreview.screening.ranking.reading import cell
from livingreview.screening.ranking.texts import Weights, unit_length

# Excluded and included records that the parts which compare record with record look at.
MOST_COMPARED = 500
MOST_INCLUDED_COMPARED = 1000
# Those that support vector machines learn from, whose cost grows with the square.
MOST_IN_MACHINES = 2000


# A spread below this is rounding, which must not be blown up to the size of what other parts tell apart.
LEAST_SPREAD = 1e-6


def spread(numbers):
    """Standard deviation of one part's numbers, to divide them by; 1 where they are all the same."""
    found = float(np.std(numbers)) if len(numbers) > 1 else 0.0
    return found if found > LEAST_SPREAD else 1.0


class Vectors:
    """Titles, abstracts and pieces of words side by side, as the parts read them.

    Term weights of the text count fully, those of the title once more by `TITLE`.
    """

    TITLE = 0.7

    def __init__(self):
        self.text = Weights("text", min_df=2)
        self.title = Weights("title", min_df=1)
        self.pieces = Weights("pieces", min_df=3, max_df=0.7)

    def fit_transform(self, texts, rows):
        """Fit the three kinds of term weights on the given rows; the weights of these."""
        found = self._joined(kind.fit_transform(texts, rows) for kind in self._kinds)
        self.at_title = len(self.text.idf_)
        self.at_pieces = self.at_title + len(self.title.idf_)
        return found

    def transform(self, texts, rows):
        """Weights of records; csr_matrix, shape (n_rows, n_terms of all kinds)."""
        return self._joined(kind.transform(texts, rows) for kind in self._kinds)

    @property
    def _kinds(self):
        return self.text, self.title, self.pieces

    def _joined(self, blocks):
        text, title, pieces = blocks
        return sparse.hstack([text, self.TITLE * title, pieces], format="csr", dtype=np.float32)


class Seen:
    """One round of fitting: the texts, the decided rows, and what several parts need of them, made once."""

    def __init__(self, texts, rows, included, *, undecided, seed):
        self.texts, self.rows, self.included, self.undecided = texts, rows, included, undecided
        self.seed = seed
        self.vectors = Vectors()
        self.decided_vectors = self.vectors.fit_transform(texts, rows)
        self.undecided_vectors = self.vectors.transform(texts, undecided)

    @cached_property
    def to_compare(self):
        """Pieces of words of the records to compare with, and which of them are included."""
        places = self.compared()
        return self.decided_vectors[places][:, self.vectors.at_pieces :].T.tocsr(), self.included[places]

    def compared(self, *, included=MOST_INCLUDED_COMPARED, excluded=MOST_COMPARED):
        """Places among the decided rows: seeded samples of the included and of the excluded, in order."""
        draw = np.random.RandomState(self.seed)
        others = draw.permutation(np.flatnonzero(~self.included))[:excluded]
        held = np.flatnonzero(self.included)
        held = held if len(held) <= included else draw.permutation(held)[:included]
        return np.sort(np.concatenate([held, others]))


class Batch:
    """Records to score, vectorised once for all parts."""

    def __init__(self, texts, rows, vectors, *, ready=None):
        self.texts, self.rows = texts, rows
        self.vectors = vectors.transform(texts, rows) if ready is None else ready
        self._pieces = self.vectors[:, vectors.at_pieces :]
        self._cosines = {}

    def cosines(self, others):
        """Cosines with the columns of a matrix, dense, shape (n_rows, n_columns); computed once for each."""
        if id(others) not in self._cosines:
            self._cosines[id(others)] = (self._pieces @ others).toarray()
        return self._cosines[id(others)]


class Words:
    """Logistic regression on all term weights, classes balanced.

    Where many records wait, it learns from them as well (`teach`): those that all parts together rank at the
    top, as many as the share of included records among the decided ones lets expect, count a little as
    included, the lower half as excluded. So it takes up words that came into use since the last decisions.
    Where no term is held by enough records, there is nothing to learn, and every score is 0.
    """

    C = 10
    WEIGHT = 0.3  # of an undecided record, where a decided one has 1
    FEWEST = 30  # undecided records to learn from

    def fit(self, seen):
        """Learn from the decided records."""
        self._vectors, self._seed = seen.vectors, seen.seed
        self._fit(seen.decided_vectors, seen.included, None)
        return self

    def _fit(self, matrix, labels, importance):
        self.coef_, self.intercept_ = np.zeros(matrix.shape[1]), 0.0
        if not matrix.shape[1]:
            return
        model = LogisticRegression(
            C=self.C,
            class_weight="balanced",
            solver="liblinear",
            dual=True,
            tol=1e-2,
            max_iter=1000,
            random_state=self._seed,
        )
        with warnings.catch_warnings():
            # At this tolerance more rounds change no order worth naming.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(matrix, labels, sample_weight=importance)
        self.coef_, self.intercept_ = model.coef_[0], float(model.intercept_[0])

    def teach(self, seen, scores):
        """Learn anew, with the undecided records as `scores` order them; nothing where they are few."""
        expected = round(float(seen.included.mean()) * len(scores))
        if len(scores) < self.FEWEST or not expected:
            return
        order = np.argsort(-scores, kind="stable")
        top, low = order[:expected], order[max(len(order) // 2, expected) :]
        matrix = sparse.vstack(
            [seen.decided_vectors, seen.undecided_vectors[top], seen.undecided_vectors[low]], format="csr"
        )
        labels = np.concatenate([seen.included, np.ones(len(top), bool), np.zeros(len(low), bool)])
        importance = np.ones(len(labels))
        importance[len(seen.included) :] = self.WEIGHT
        self._fit(matrix, labels, importance)

    def score(self, batch):
        """Log odds on the scale of a balanced training set; shape (n_rows,)."""
        return batch.vectors @ self.coef_ + self.intercept_

    def explain(self, batch):
        """What each word of a record adds to `score`; the intercept is left out.

        What the pieces of words add is given to the words that hold them, in proportion to their counts, so
        that the values add up to the score less the intercept.

        Returns
        -------
        list of dict of (field, term) to float
        """
        vectors = self._vectors
        added = batch.vectors.multiply(self.coef_).tocsr()
        terms = added[:, : vectors.at_pieces].tocsr()
        names = [("text", term) for term in vectors.text.names_]
        names += [("title", term) for term in vectors.title.names_]
        found = [
            {names[column]: float(value) for column, value in zip(row.indices, row.data, strict=True)}
            for row in (terms[at] for at in range(terms.shape[0]))
        ]
        for said, words in zip(
            found, self._pieces_by_word(batch, added[:, vectors.at_pieces :]), strict=True
        ):
            for word, value in words:
                said["text", word] = said.get(("text", word), 0.0) + value
        return found

    def _pieces_by_word(self, batch, added):
        """Of each record its words, and what the pieces in each add to the score."""
        texts, pieces = batch.texts, self._vectors.pieces
        counts = pieces.picked(texts, texts.counts["pieces"][batch.rows]).tocsr()
        of_words = pieces.picked(texts, texts.pieces_of_words).tocsr()
        for at, row in enumerate(batch.rows):
            words, per_count = texts.word_counts[row], np.zeros(counts.shape[1])
            held = counts[at]
            per_count[held.indices] = added[at].toarray().ravel()[held.indices] / held.data
            values = words.data * (of_words[words.indices] @ per_count)
            yield list(zip(texts.words[words.indices], values.tolist(), strict=True))


class Alike:
    """Likeness to the ten nearest included records, less that to the ten nearest excluded ones (cosine)."""

    NEAREST = 10

    def fit(self, seen):
        """Keep the records to compare with."""
        self.others_, self.included_ = seen.to_compare
        return self

    def score(self, batch):
        """Difference of two mean cosines, -1 to 1."""
        cosines = batch.cosines(self.others_)
        return self._nearest(cosines[:, self.included_]) - self._nearest(cosines[:, ~self.included_])

    def _nearest(self, cosines):
        k = min(self.NEAREST, cosines.shape[1])
        top = np.partition(cosines, cosines.shape[1] - k, axis=1)[:, cosines.shape[1] - k :]
        return np.sort(top, axis=1).mean(axis=1)  # sorted, so that the sum never depends on the order


class Neighbours(Alike):
    """Share of included records among the 30 nearest decided ones, weighted by squared cosine."""

    NEAREST = 30

    def score(self, batch):
        """A share, 0 to 1."""
        cosines = batch.cosines(self.others_)
        k = min(self.NEAREST, cosines.shape[1])
        top = np.sort(np.argpartition(-cosines, k - 1, axis=1)[:, :k], axis=1)
        weight = np.take_along_axis(cosines, top, axis=1) ** 2
        return (weight * self.included_[top]).sum(axis=1) / (weight.sum(axis=1) + 1e-9)


class Topics:
    """A support vector machine with a Gaussian kernel on the 100 main directions of all texts.

    The directions (latent semantic analysis) are those of decided and undecided records together; no label
    enters. So topics that are new this month have a place.
    """

    DIRECTIONS = 100
    MIN_DF = 5  # among those records; rarer terms turn no main direction
    MOST = 1000  # records that the directions are found on, drawn at random from more

    def fit(self, seen):
        """Find the directions, and learn from the decided records in them."""
        self._vectors = seen.vectors
        matrix = sparse.vstack([seen.decided_vectors, seen.undecided_vectors], format="csr")
        if matrix.shape[0] > self.MOST:
            drawn = np.random.RandomState(seen.seed).permutation(matrix.shape[0])[: self.MOST]
            matrix = matrix[np.sort(drawn)]
        df = np.bincount(matrix.indices, minlength=matrix.shape[1])
        self.columns_ = np.flatnonzero(df >= min(self.MIN_DF, df.max(initial=0)))
        self.model_ = None
        if len(self.columns_) < 2:  # no plane to find directions in
            return self
        matrix = matrix[:, self.columns_]
        most = max(min(self.DIRECTIONS, min(matrix.shape) - 1), 1)
        self.svd_ = TruncatedSVD(most, n_iter=2, random_state=seen.seed).fit(matrix)
        decided = self.svd_.transform(seen.decided_vectors[:, self.columns_])
        self.centre_ = decided.mean(axis=0)
        # Twenty excluded records for an included one, while the cost allows.
        many = min(max(MOST_IN_MACHINES, 20 * int(seen.included.sum())), 2 * MOST_IN_MACHINES)
        places = seen.compared(included=MOST_IN_MACHINES, excluded=many)
        self.model_ = _machine().fit(unit_length(decided[places] - self.centre_), seen.included[places])
        return self

    def score(self, batch):
        """Distance from the boundary; 0 for all where there were fewer than two terms to learn from."""
        if self.model_ is None:
            return np.zeros(len(batch.rows))
        return self.model_.decision_function(
            unit_length(self.svd_.transform(batch.vectors[:, self.columns_]) - self.centre_)
        )


class Senses:
    """A support vector machine with a Gaussian kernel on what the words mean (`meaning`)."""

    def fit(self, seen):
        """Learn from the decided records."""
        places = seen.compared(included=MOST_IN_MACHINES, excluded=MOST_IN_MACHINES)
        self.meaning_ = Meaning().fit(seen.texts, seen.rows)
        self.model_ = _machine().fit(
            self.meaning_.transform(seen.texts, seen.rows[places]), seen.included[places]
        )
        return self

    def score(self, batch):
        """Distance from the boundary."""
        return self.model_.decision_function(self.meaning_.transform(batch.texts, batch.rows))


def _machine():
    return SVC(kernel="rbf", gamma=1.0, C=1.0, class_weight="balanced", cache_size=500)


class OtherReviews:
    """What reviews tend to include (`prior`); learns nothing here."""

    def __init__(self, prior=None, topic=""):
        self.prior = (prior or shipped_prior.read()).without(topic)

    def fit(self, seen):
        """Pass over pairs of words that no two of the records hold, as all parts do; nothing else to fit."""
        self.prior_ = self.prior.within(seen.texts)
        return self

    def score(self, batch):
        """Log odds in a review of unknown topic."""
        return self.prior_.score(batch.texts, batch.rows)

    def explain(self, batch):
        """Of each record its terms, and what each adds to `score`."""
        added = self.prior_.weights(batch.texts, batch.rows).multiply(self.prior_.coef).tocsr()
        return [
            {
                ("other reviews", self.prior_.terms[column]): float(value)
                for column, value in zip(row.indices, row.data, strict=True)
            }
            for row in (added[at] for at in range(added.shape[0]))
        ]


class IndexTerms:
    """Keywords, MeSH headings and publication types, by a logistic regression of their own.

    Apart from the text, because a new record has no headings yet: one without them is moved neither up nor
    down, and one whose headings and types no person has checked can only be moved up by them.
    """

    C = 0.1
    FEWEST = 10  # included and excluded records that have such terms
    MIN_DF = 3

    def fit(self, seen):
        """Learn from the decided records; where too few have such terms, nothing, and every score is 0."""
        held = [
            (index_terms(seen.texts.records[row]), label)
            for row, label in zip(seen.rows, seen.included, strict=True)
        ]
        held = [(terms, label) for terms, label in held if terms]
        labels = np.array([label for _, label in held], dtype=bool)
        self.weights_, self.usual_ = {}, dict.fromkeys(GROUPS, 0.0)
        df = Counter(term for terms, _ in held for term in terms)
        names = sorted(term for term, n in df.items() if n >= self.MIN_DF)
        if min(labels.sum(), (~labels).sum()) < self.FEWEST or not names:
            return self
        place = {term: column for column, term in enumerate(names)}
        matrix = np.zeros((len(held), len(names)), dtype=np.float32)
        for row, (terms, _) in enumerate(held):
            matrix[row, [place[term] for term in terms if term in place]] = 1
        model = LogisticRegression(
            C=self.C, class_weight="balanced", solver="liblinear", random_state=seen.seed
        )
        self.weights_ = dict(zip(names, model.fit(matrix, labels).coef_[0].tolist(), strict=True))
        for group in GROUPS:
            own = [[term for term in terms if _group(term) == group] for terms, _ in held]
            sums = [sum(self.weights_.get(term, 0.0) for term in terms) for terms in own if terms]
            self.usual_[group] = float(np.mean(sums)) if sums else 0.0
        return self

    def score(self, batch):
        """Log odds, 0 for a record without such terms; shape (n_rows,)."""
        return np.array([sum(one.values()) for one in self.explain(batch)], dtype=float)

    def explain(self, batch):
        """Of each record its terms, what each adds to `score`, and what is usual for its kind taken off."""
        return [self._said(batch.texts.records[row]) for row in batch.rows]

    def _said(self, record):
        terms, said = index_terms(record), {}
        for group in GROUPS if self.weights_ else ():
            own = {term: self.weights_.get(term, 0.0) for term in terms if _group(term) == group}
            if group == HEADINGS and not indexed_by_people(record):
                said |= {("index", term): max(value, 0.0) for term, value in own.items()}
            elif own:
                said |= {("index", term): value for term, value in own.items()}
                said["index", f"(usual {group})"] = -self.usual_[group]
        return said


KEYWORDS, HEADINGS = GROUPS = ("keywords", "headings")


def _group(term):
    return KEYWORDS if term.startswith("keyword ") else HEADINGS


def index_terms(record):
    """Keywords, MeSH headings (without qualifiers and asterisks) and publication types, marked, each once."""
    found = {}
    for column, mark in (("keywords", "keyword"), ("mesh_terms", "MeSH"), ("publication_types", "type")):
        for term in cell(record, column).split(";"):
            name = term.split(" / ")[0].strip().rstrip("*").strip()
            if name:
                found[f"{mark} {name.lower() if mark == 'keyword' else name}"] = None
    return list(found)
