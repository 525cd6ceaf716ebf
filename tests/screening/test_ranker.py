"""The ranking learns from decisions, explains itself, and keeps what it promises."""

import numpy as np
import pytest

from livingreview.screening import ranker


@pytest.fixture
def labelled(record):
    """Sixty decided records: internet treatments of pain are included, all else excluded."""
    rng = np.random.default_rng(20200101)
    themes = {True: "internet treatment pain trial online", False: "surgery imaging tumour cohort review"}
    common = "patients study outcomes weeks clinic group example".split()
    records, included = [], []
    for n in range(60):
        label = n % 3 == 0
        words = [*rng.choice(themes[label].split(), 3), *rng.choice(common, 4)]
        records.append(
            record(str(1000 + n), " ".join(words), mesh_terms="Internet*" if label and n % 2 else None)
        )
        included.append(label)
    return records, np.array(included)


def test_a_record_like_the_included_ones_scores_higher(labelled, record):
    model = ranker.Ranker(seed=1).fit(*labelled)
    alike, other = model.predict_proba(
        [record("1", "online treatment of pain"), record("2", "tumour imaging")]
    )
    assert alike[1] > 0.5 > other[1]
    assert model.predict([record("1", "online treatment of pain")]).tolist() == [True]


def test_scores_of_exclusion_and_inclusion_sum_to_one_in_the_order_of_the_classes(labelled):
    records, included = labelled
    model = ranker.Ranker(seed=1).fit(records, included)
    assert model.classes_.tolist() == [False, True]
    scores = model.predict_proba(records)
    assert scores.sum(axis=1) == pytest.approx(1)
    assert scores[included, 1].min() > scores[~included, 1].max()


def test_the_same_records_give_the_same_scores_every_time(labelled):
    first, second = (ranker.Ranker(seed=5).fit(*labelled).decision_function(labelled[0]) for _ in range(2))
    assert first.tolist() == second.tolist()
    folds = [ranker.out_of_fold(*labelled, seed=5) for _ in range(2)]
    assert folds[0].tolist() == folds[1].tolist()


def test_all_explained_terms_and_the_intercept_sum_to_the_log_odds(labelled):
    records, _ = labelled
    model = ranker.Ranker(seed=1).fit(*labelled)
    terms = model.explain(records, n_terms=1000)
    sums = [sum(value for _, value in row) + model.pipeline_[-1].intercept_[0] for row in terms]
    assert sums == pytest.approx(model.decision_function(records).tolist())


def test_the_terms_named_first_are_the_strongest_and_their_sign_is_their_direction(labelled, record):
    model = ranker.Ranker(seed=1).fit(*labelled)
    (row,) = model.explain([record("1", "internet tumour patients", mesh_terms="Internet / methods*")])
    assert len(row) == 5
    sizes = [abs(value) for _, value in row]
    assert sizes == sorted(sizes, reverse=True)
    assert dict(row)["internet"] > 0 > dict(row)["tumour"]
    assert dict(row)["MeSH Internet"] > 0


def test_a_record_without_any_known_term_is_scored_and_explained_by_nothing(labelled, record):
    model = ranker.Ranker(seed=1).fit(*labelled)
    bare = record("1", None)
    assert model.decision_function([bare]) == pytest.approx(model.pipeline_[-1].intercept_)
    assert model.explain([bare]) == [[]]


def test_headings_are_marked_and_lose_qualifiers_and_stars(record):
    terms = ranker.features(
        record("1", "Internet pain", mesh_terms="Chronic Pain / therapy*; Internet*; Humans")
    )
    assert terms == ["internet", "pain", "internet pain", "MeSH Chronic Pain", "MeSH Internet", "MeSH Humans"]


def test_text_is_title_abstract_and_keywords_without_stop_words(record):
    one = record("1", "The self-management", abstract="of pain", keywords="e-health; app")
    assert ranker.features(one) == [
        "self-management",
        "pain",
        "e-health",
        "app",
        "self-management pain",
        "pain e-health",
        "e-health app",
    ]


def test_out_of_fold_scores_come_from_models_that_did_not_see_the_record(labelled):
    records, included = labelled
    # A word that only one record has cannot speak for it in a model that never saw the record.
    telling = [one | {"title": f"only{n} clinic"} for n, one in enumerate(records)]
    for one in telling:
        one["mesh_terms"] = None
    fitted = ranker.Ranker(seed=1).fit(telling, included).predict_proba(telling)[:, 1]
    assert ranker.quality(fitted, included)["roc_auc"] == 1.0
    assert ranker.quality(ranker.out_of_fold(telling, included, seed=1), included)["roc_auc"] < 0.7


@pytest.mark.parametrize(
    ("recall", "threshold"),
    [(1.0, 0.1), (0.95, 0.1), (0.75, 0.4), (0.74, 0.4), (0.5, 0.6), (0.25, 0.9), (0.01, 0.9)],
)
def test_the_threshold_is_the_highest_score_that_holds_the_asked_share(recall, threshold):
    scores = np.array([0.9, 0.6, 0.4, 0.1, 0.95, 0.5])
    included = np.array([True, True, True, True, False, False])
    assert ranker.read_first_threshold(scores, included, recall) == threshold


@pytest.mark.parametrize("recall", [0.5, 0.8, 0.95, 1.0])
def test_at_the_threshold_the_asked_share_of_past_inclusions_is_read_first(labelled, recall):
    records, included = labelled
    scores = ranker.out_of_fold(records, included, seed=3)
    threshold = ranker.read_first_threshold(scores, included, recall)
    held = (scores[included] >= threshold).mean()
    assert held >= recall
    assert (scores[included] > threshold).mean() < recall


def test_likeness_to_the_protocol_is_one_for_its_own_words_and_zero_for_none(record):
    protocol = "internet treatment chronic pain"
    own, part, other = (
        record("1", protocol),
        record("2", "chronic pain surgery"),
        record("3", "tumour imaging"),
    )
    model = ranker.ProtocolSimilarity(protocol).fit([own, part, other])
    scores = model.decision_function([own, part, other])
    assert scores[0] == pytest.approx(1)
    assert 0 < scores[1] < 1
    assert scores[2] == 0


def test_the_shared_terms_sum_to_the_likeness(record):
    records = [record("1", "internet pain"), record("2", "chronic pain surgery")]
    model = ranker.ProtocolSimilarity("internet treatment of chronic pain").fit(records)
    sums = [sum(value for _, value in row) for row in model.explain(records, n_terms=100)]
    assert sums == pytest.approx(model.decision_function(records).tolist())
