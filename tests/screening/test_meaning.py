"""Records that share no word can be near by what their words mean."""

import numpy as np
import pytest

from livingreview.screening.ranking.meaning import Meaning
from livingreview.screening.ranking.texts import Texts
from livingreview.screening.ranking.words import word_vectors

RECORDS = [
    {"title": "web based program"},
    {"title": "internet delivered course"},
    {"title": "surgical removal of the tumour"},
    {"title": "operation for cancer"},
    {"title": "", "abstract": None},
]


def test_words_alike_in_meaning_are_nearer_than_others():
    a, b, c = word_vectors(["internet", "online", "surgery"])
    cosine = lambda x, y: x @ y / np.linalg.norm(x) / np.linalg.norm(y)  # noqa: E731
    assert cosine(a, b) > cosine(a, c)


def test_each_word_has_the_same_vector_in_any_company():
    alone = word_vectors(["internet"])[0]
    among = word_vectors(["tumour", "internet", "慢性疼痛", "x" * 500])
    assert among[1] == pytest.approx(alone, abs=1e-6)
    assert among.dtype == np.float32
    assert np.isfinite(among).all()
    assert word_vectors([]).shape == (0, 256)


def test_records_are_of_unit_length_and_centred_on_the_fitted_ones():
    texts, rows = Texts(RECORDS), np.arange(4)
    meaning = Meaning().fit(texts, rows)
    found = meaning.transform(texts, rows)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)
    cosines = found @ found.T
    assert cosines[0, 1] > cosines[0, 2:].max()
    assert cosines[2, 3] > cosines[2, :2].max()


def test_a_record_without_words_has_the_opposite_of_the_centre():
    texts, rows = Texts(RECORDS), np.arange(4)
    meaning = Meaning().fit(texts, rows)
    centre = meaning.centre_ / np.linalg.norm(meaning.centre_)
    assert meaning.transform(texts, [4])[0] == pytest.approx(-centre, abs=1e-5)


def test_other_texts_are_weighed_by_the_frequencies_that_were_fitted():
    texts = Texts(RECORDS)
    meaning = Meaning().fit(texts, np.arange(4))
    own = meaning.transform(texts)
    for at, record in enumerate(RECORDS):
        assert meaning.transform(Texts([record], all_pairs=True))[0] == pytest.approx(own[at], abs=1e-5)


def test_texts_without_any_word_have_no_direction():
    texts = Texts([{"title": ""}, {}])
    assert Meaning().fit(texts, np.arange(2)).transform(texts).tolist() == np.zeros((2, 256)).tolist()
