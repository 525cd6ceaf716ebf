"""The ranker learns from decisions, explains itself to the last term, and says how likely it is."""

import numpy as np
import pytest
from screening.invented import review
from sklearn.base import clone

from livingreview.errors import ReviewError
from livingreview.screening import calibration, ranker
from livingreview.screening.ranking import parts, prior
from livingreview.screening.ranking.texts import Texts

ODD = [
    {},
    {"title": "", "abstract": None},
    {"title": "zzyzx qqqq unheard"},
    {"title": "慢性疼痛 治疗", "abstract": "علاج الألم"},
    {"title": "internet\x00treatment\x1f", "abstract": float("nan"), "keywords": "Pain; e-health"},
    {"title": "pain", "mesh_terms": "Internet*; Humans", "publication_types": "Review"},
]
SMALL = {"words": 2.0, "alike": 0.6}


@pytest.fixture(scope="module")
def data():
    """Sixty decided records, then thirty that are not."""
    records, included, years = review(90, headings=True)
    return records, np.where(np.arange(90) < 60, included, -1), years


@pytest.fixture(scope="module")
def model(data):
    records, included, years = data
    return ranker.Ranker(seed=1, topic="chronic pain").fit(records, included, order=years)


def test_a_record_like_the_included_ones_is_likelier(model):
    like = {
        "title": "randomised trial of internet treatment of pain",
        "abstract": "online programme participants",
    }
    other = {"title": "imaging of a tumour in animals", "abstract": "laboratory cohort surgery"}
    alike, unlike = model.predict_proba([like, other])
    assert alike[1] > 0.5 > unlike[1]
    assert model.predict([like, other]).tolist() == [True, False]


def test_probabilities_sum_to_one_lie_between_none_and_all_and_rise_with_the_score(model, data):
    records = [*data[0], *ODD]
    scores, chances = model.decision_function(records), model.predict_proba(records)
    assert model.classes_.tolist() == [False, True]
    assert chances.shape == (len(records), 2)
    assert chances.sum(axis=1) == pytest.approx(1)
    assert chances.min() >= 0
    assert (np.diff(chances[np.argsort(scores), 1]) >= 0).all()
    assert np.isfinite(scores).all()


def test_it_keeps_the_conventions_of_scikit_learn(data):
    records, included, years = data
    model = ranker.Ranker(blend=SMALL, topic="pain", seed=7)
    assert model.get_params() == {"blend": SMALL, "prior": None, "topic": "pain", "seed": 7}
    copy = clone(model)
    assert copy is not model
    assert copy.get_params() == model.get_params()
    assert model.fit(records, included, order=years) is model
    assert not hasattr(clone(model), "parts_")
    own = prior.Prior(["pain"], [1.0], [1.0])
    assert clone(ranker.Ranker(prior=own)).prior.digest() == own.digest()


def test_the_same_records_give_the_same_scores_every_time(model, data):
    records, included, years = data
    again = clone(model).fit(records, included, order=years)
    assert again.undecided_scores_.tobytes() == model.undecided_scores_.tobytes()
    assert again.past_scores_.tobytes() == model.past_scores_.tobytes()
    assert again.decision_function(ODD).tobytes() == model.decision_function(ODD).tobytes()


def test_records_in_another_order_are_ranked_nearly_alike(model, data):
    records, included, years = data
    places = np.random.default_rng(6).permutation(len(records))
    shuffled = clone(model).fit([records[at] for at in places], included[places], order=years[places])
    scores = shuffled.decision_function(records)
    assert np.corrcoef(scores, model.decision_function(records))[0, 1] > 0.99
    assert sorted(shuffled.past_) == sorted(np.argsort(places)[model.past_])


def test_undecided_records_have_the_scores_that_they_would_have_if_given_later(model, data):
    records, included, _ = data
    undecided = [record for record, label in zip(records, included, strict=True) if label == -1]
    scores = model.undecided_scores_
    assert scores.shape == (30,)
    assert model.decision_function(undecided) == pytest.approx(scores, abs=1e-5)
    alone = [model.decision_function([record])[0] for record in undecided]
    assert alone == pytest.approx(scores, abs=1e-5)
    assert model.decision_function([]).tolist() == []
    assert model.predict_proba([]).shape == (0, 2)


def test_what_moved_a_record_adds_up_to_its_score(model, data):
    for records in (data[0], ODD, [ODD[2]]):
        sums = [sum(said.values()) for said in model.explain(records)]
        assert sums == pytest.approx(model.decision_function(records), abs=1e-6)
    sums = [sum(said.values()) for said in model.explain()]
    assert sums == pytest.approx(model.undecided_scores_, abs=1e-6)
    assert model.explain([]) == []


def test_an_explanation_names_fields_and_leaves_the_topic_to_this_review(model):
    (said,) = model.explain([{"title": "Internet pain trial", "abstract": "internet", "keywords": "pain"}])
    fields = {field for field, _ in said}
    assert fields == {"text", "title", "other reviews", "index", "whole", "constant"}
    assert not any("pain" in term.split() for field, term in said if field == "other reviews")


def test_past_scores_are_of_records_that_the_model_had_not_seen_in_order_of_time(model, data):
    _, included, years = data
    assert model.in_time_
    assert model.past_included_.tolist() == (included[model.past_] == 1).tolist()
    assert len(set(model.past_)) == len(model.past_) == len(model.past_scores_)
    assert (included[model.past_] >= 0).all()
    assert years[model.past_].min() > years[0]
    assert set(model.spread_) == set(ranker.BLEND)


def test_without_an_order_every_decided_record_is_left_out_once(data):
    records, included, _ = data
    model = ranker.Ranker(blend=SMALL).fit(records, included)
    assert not model.in_time_
    assert sorted(model.past_) == list(range(60))


def blocks(model, records, included, years):
    """Each part's numbers of the records left out, by fold."""
    included = np.asarray(included) == 1
    split, in_time = calibration.folds(included, order=years)
    assert in_time
    numbers = [model._out_of_fold([one], Texts(records), np.arange(len(records)), included) for one in split]
    return split, numbers


def test_labels_of_later_records_never_change_earlier_out_of_fold_numbers():
    records, included, years = review(60)
    model = ranker.Ranker()
    split, before = blocks(model, records, included, years)
    flipped = included.copy()
    last = split[-1][1]
    flipped[last] = 1 - flipped[last]
    _, after = blocks(model, records, flipped, years)
    for one, other in zip(before, after, strict=True):
        assert {name: values.tolist() for name, values in one.items()} == {
            name: values.tolist() for name, values in other.items()
        }


def test_terms_of_the_records_left_out_are_not_in_the_model_of_the_fold():
    records, included, years = review(60)
    (*_, (train, test)), _ = calibration.folds(included == 1, order=years)
    spied = [dict(one) for one in records]
    for row in test:
        spied[row]["abstract"] = "spyword spyword clinic"
    model = ranker.Ranker()
    kept = model._thinned(train, included == 1)
    for given in (records, spied):
        fitted, vectors, *_ = model._fit_parts(Texts(given), kept, included[kept] == 1, test)
        terms = vectors.text.names_.tolist()
        assert "spyword" not in terms
        assert len(fitted["words"].coef_) == sum(
            len(kind.idf_) for kind in (vectors.text, vectors.title, vectors.pieces)
        )
        by_term = dict(zip(terms, vectors.text.idf_.tolist(), strict=True))
        df = sum("clinic" in f"{records[row]['title']} {records[row]['abstract']}".split() for row in kept)
        assert by_term["clinic"] == pytest.approx(np.log((1 + len(kept)) / (1 + df)) + 1)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1] * 6, "6 included and 0 excluded records: a ranking needs both"),
        ([0] * 6, "0 included and 6 excluded records: a ranking needs both"),
        ([-1] * 6, "0 included and 0 excluded records: a ranking needs both"),
        ([], "0 included and 0 excluded records: a ranking needs both"),
    ],
)
def test_one_kind_of_decisions_alone_is_refused(labels, message):
    with pytest.raises(ReviewError) as caught:
        ranker.Ranker().fit(review(6)[0][: len(labels)], labels)
    assert str(caught.value) == message


def test_labels_must_be_known_and_as_many_as_the_records():
    records, included, _ = review(6)
    for labels in (included[:5], included + 1):
        with pytest.raises(ValueError, match="one label for each record"):
            ranker.Ranker().fit(records, labels)


@pytest.mark.parametrize("n_undecided", [0, 1, 40])
def test_any_number_of_undecided_records_may_be_given(n_undecided):
    records, included, years = review(40 + n_undecided)
    included[40:] = -1
    model = ranker.Ranker().fit(records, included, order=years)
    assert model.undecided_scores_.shape == (n_undecided,)
    assert len(model.explain()) == n_undecided


def test_one_included_record_gives_scores_and_no_more_than_its_share_as_probability():
    records, _, years = review(20)
    model = ranker.Ranker().fit(records, np.arange(20) == 0, order=years)
    assert len(model.past_) == 0
    chances = model.predict_proba(records)[:, 1]
    assert chances == pytest.approx(np.full(20, chances[0]))
    assert 0 < chances[0] < 0.2
    assert np.argmax(model.decision_function(records)) == 0


@pytest.mark.parametrize("cells", [{}, {"title": "", "abstract": ""}, {"title": "x y"}])
def test_records_without_any_word_are_ranked_alike(cells):
    model = ranker.Ranker().fit([dict(cells) for _ in range(12)], [1, 0, 0] * 4)
    assert len(set(model.decision_function([dict(cells)] * 3))) == 1
    (said,) = model.explain([{"title": "pain"}])
    assert sum(said.values()) == pytest.approx(model.decision_function([{"title": "pain"}])[0], abs=1e-6)


def test_headings_and_types_assigned_without_a_person_never_lower_the_score(model):
    for text in ({"title": "Internet treatment of pain"}, {"title": "imaging", "abstract": "tumour"}, {}):
        before = model.decision_function([text])[0]
        for status in ({}, {"medline_status": "MEDLINE", "indexing_method": "Automated"}):
            for cell in (
                {"mesh_terms": "Neoplasms"},
                {"mesh_terms": "Humans"},
                {"publication_types": "Review"},
            ):
                assert model.decision_function([text | status | cell])[0] >= before
    lowered = {"title": "Pain", "medline_status": "MEDLINE", "mesh_terms": "Neoplasms"}
    assert model.decision_function([lowered])[0] < model.decision_function([{"title": "Pain"}])[0]


def test_excluded_records_beyond_the_most_that_are_looked_at_are_counted(monkeypatch):
    monkeypatch.setattr(ranker, "MOST_EXCLUDED", 25)
    records, included, years = review(66)
    included[60:] = -1
    model = ranker.Ranker(blend=SMALL).fit(records, included, order=years)
    assert (model.n_included_, model.n_excluded_, model.n_left_out_) == (20, 25, 15)
    assert len(model.undecided_scores_) == 6
    assert (included[model.past_] == model.past_included_).all()
    assert model.version(records, included).split()[1] == "n=45"


def test_the_version_changes_with_labels_parameters_and_the_prior_and_with_nothing_else(data, tmp_path):
    records, included, _ = data
    name = ranker.Ranker(topic="a").version(records, included)
    assert name == ranker.Ranker(topic="a").version(
        [one | {"title": "other"} for one in records], list(included)
    )
    assert name.startswith("ranker-2 n=60 ")
    flipped = included.copy()
    flipped[0] = 1 - flipped[0]
    prior.Prior(["pain"], [1.0], [1.0]).write(tmp_path / "prior.csv")
    names = {
        name,
        ranker.Ranker(topic="a").version(records, flipped),
        ranker.Ranker(topic="a").version(records[1:], included[1:]),
        ranker.Ranker(topic="b").version(records, included),
        ranker.Ranker(topic="a", seed=1).version(records, included),
        ranker.Ranker(topic="a", blend=SMALL).version(records, included),
        ranker.Ranker(topic="a", prior=prior.read(tmp_path / "prior.csv")).version(records, included),
    }
    assert len(names) == 7


def test_every_part_of_the_blend_can_be_fitted_alone_and_explained(data):
    records, included, years = data
    for name in ranker.BLEND:
        model = ranker.Ranker(blend={name: 1.0}).fit(records, included, order=years)
        sums = [sum(said.values()) for said in model.explain()]
        assert sums == pytest.approx(model.undecided_scores_, abs=1e-6)
    assert set(ranker.WORDING) == {
        name for name, part in ranker.PARTS.items() if not hasattr(part, "explain")
    }
    assert parts.OtherReviews.explain
