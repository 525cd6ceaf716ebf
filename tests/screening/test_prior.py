"""What other reviews tend to include is weights of terms, to which nothing of this review is added."""

import numpy as np
import pandas as pd
import pytest
from screening.invented import OTHER, WANTED, review

from livingreview.screening.ranking import prior
from livingreview.screening.ranking.texts import Texts


@pytest.fixture
def small():
    return prior.Prior(
        ["pain", "random sample", "headache after", "tumour"], [1.0, 2.0, 1.5, 1.0], [0.5, 2.0, 1.0, -1.0]
    )


def test_a_score_is_the_sum_of_weights_scaled_to_unit_length(small):
    texts = Texts(
        [{"title": "Random sample, pain and pain"}, {"title": "tumour"}, {"title": None}], all_pairs=True
    )
    expected = [(1.0 * 0.5 + 2.0 * 2.0) / np.sqrt(1**2 + 2**2), -1.0, 0.0]
    assert small.score(texts) == pytest.approx(expected, abs=1e-6)
    assert small.score(texts, np.array([1])) == pytest.approx([-1.0])


def test_words_of_the_topic_are_left_out_with_the_pairs_that_hold_them_but_not_function_words(small):
    assert small.without("Headache, the pain after").terms.tolist() == ["random sample", "tumour"]
    assert small.without("after the").terms.tolist() == small.terms.tolist()
    assert small.without("").terms.tolist() == small.terms.tolist()


def test_within_texts_only_pairs_that_these_count_are_kept_and_every_word(small):
    texts = Texts([{"title": "random sample"}, {"title": "random sample"}, {"title": "headache after"}])
    assert small.within(texts).terms.tolist() == ["pain", "random sample", "tumour"]
    assert small.within(texts).coef.tolist() == [0.5, 2.0, -1.0]


def test_a_written_prior_is_read_again_with_terms_that_look_like_missing_values(tmp_path):
    written = prior.Prior(["nan", "null", "00", "treatment of"], [1.25, 2, 3, 4], [0.5, -0.25, 1, 2])
    written.write(tmp_path / "prior.csv")
    again = prior.read(tmp_path / "prior.csv")
    assert again.terms.tolist() == ["nan", "null", "00", "treatment of"]
    assert again.idf.tolist() == [1.25, 2, 3, 4]
    assert again.coef.tolist() == [0.5, -0.25, 1, 2]
    assert again.digest() == written.digest()


def test_the_digest_tells_one_prior_from_another(small):
    other = prior.Prior(small.terms, small.idf, small.coef + np.array([0, 0, 0, 0.1]))
    fewer = prior.Prior(small.terms[:3], small.idf[:3], small.coef[:3])
    assert len({small.digest(), other.digest(), fewer.digest()}) == 3


def test_the_shipped_prior_is_of_single_words_and_pairs_each_once():
    shipped = prior.read()
    assert len(shipped.terms) == len(set(shipped.terms)) > 1000
    assert shipped.terms.str.fullmatch(r"\w{2,}( \w{2,})?").all()
    assert (shipped.idf > 0).all()
    assert np.isfinite(shipped.coef).all()
    assert (shipped.coef > 0).any()
    assert (shipped.coef < 0).any()


def test_a_prior_holds_what_several_reviews_agree_on_and_not_the_topic_of_one():
    samples = []
    for number in range(5):
        records, included, _ = review(40, seed=number)
        for one, label in zip(records, included, strict=True):
            one["title"] += f" topic{number} topic{number}again" if label else " background"
        samples.append(prior.sample(records, included, seed=0))
    fitted = prior.fit(samples)
    weight = dict(zip(fitted.terms, fitted.coef, strict=True))
    assert not any("topic" in term for term in weight)
    assert (
        np.mean([weight.get(word, 0) for word in WANTED])
        > 0.1
        > np.mean([weight.get(word, 0) for word in OTHER])
    )
    assert weight["background"] < 0
    again = prior.fit(samples)
    pd.testing.assert_index_equal(again.terms, fitted.terms)
    assert again.coef.tolist() == fitted.coef.tolist()


def test_a_sample_holds_all_included_records_and_no_more_excluded_ones_than_asked(monkeypatch):
    monkeypatch.setattr(prior, "MOST_EXCLUDED", 5)
    records, included, _ = review(30)
    texts, labels = prior.sample(records, included, seed=3)
    assert (labels.sum(), (~labels).sum()) == (10, 5)
    wanted = [one["record_id"] for one, label in zip(records, included, strict=True) if label]
    assert [one["record_id"] for one, label in zip(texts.records, labels, strict=True) if label] == wanted
