"""Each part of the ranker learns in its own way, and does no more than it says."""

import numpy as np
import pytest
from screening.invented import review
from sklearn.linear_model import LogisticRegression

from livingreview.screening.ranking import parts, prior
from livingreview.screening.ranking.texts import Texts

EMPTY = {"title": None, "abstract": None}
LINEAR = [parts.Words, parts.OtherReviews, parts.IndexTerms]
ALL = [*LINEAR, parts.Topics, parts.Alike, parts.Senses, parts.Neighbours]


@pytest.fixture(scope="module")
def seen():
    """Sixty decided records and thirty that are not."""
    records, included, _ = review(90, headings=True)
    texts = Texts(records)
    rows = np.arange(60)
    return parts.Seen(texts, rows, included[rows] == 1, undecided=np.arange(60, 90), seed=4)


def batch(seen, records=None):
    if records is None:
        return parts.Batch(seen.texts, seen.undecided, seen.vectors)
    texts = Texts(records, all_pairs=True)
    return parts.Batch(texts, np.arange(len(records)), seen.vectors)


@pytest.mark.parametrize("part", ALL)
def test_each_part_ranks_records_like_the_included_ones_higher(part, seen):
    scores = part().fit(seen).score(batch(seen))
    included = np.arange(60, 90) % 3 == 0
    assert scores.shape == (30,)
    assert scores[included].mean() > scores[~included].mean()


@pytest.mark.parametrize("part", ALL)
def test_a_record_has_the_same_score_by_itself_as_among_those_given_to_fit(part, seen):
    fitted = part().fit(seen)
    among = fitted.score(batch(seen))
    records = [seen.texts.records[row] for row in seen.undecided]
    alone = [fitted.score(batch(seen, [record]))[0] for record in records]
    assert alone == pytest.approx(among.tolist(), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("part", ALL)
def test_nothing_known_is_scored_without_fault(part, seen):
    odd = [EMPTY, {"title": "zzyzx qqqq"}, {"title": "x"}, {"title": "慢性疼痛 治疗"}, {"title": "a" * 5000}]
    assert np.isfinite(part().fit(seen).score(batch(seen, odd))).all()


@pytest.mark.parametrize("part", LINEAR)
def test_what_the_terms_add_sums_to_the_score(part, seen):
    fitted = part().fit(seen)
    odd = [EMPTY, {"title": "unheard internet"}, {"title": "Internet treatment", "mesh_terms": "Humans"}]
    for of in (batch(seen), batch(seen, odd)):
        sums = [sum(said.values()) + getattr(fitted, "intercept_", 0) for said in fitted.explain(of)]
        assert sums == pytest.approx(fitted.score(of).tolist(), abs=1e-9)


def test_what_pieces_of_words_add_goes_to_the_words_that_hold_them(seen):
    words = parts.Words().fit(seen)
    # Not one whole word of this was seen, but pieces of it were.
    (said,) = words.explain(batch(seen, [{"title": "internets zzyzx"}]))
    assert set(said) == {("text", "internets"), ("text", "zzyzx")}
    assert said["text", "internets"] != 0
    assert said["text", "zzyzx"] == 0


def test_words_are_a_balanced_logistic_regression_on_all_term_weights(seen):
    words = parts.Words().fit(seen)
    exact = LogisticRegression(C=10, class_weight="balanced", solver="liblinear", tol=1e-8, max_iter=10_000)
    exact.fit(seen.decided_vectors.astype(float), seen.included)
    assert words.score(batch(seen)) == pytest.approx(exact.decision_function(seen.undecided_vectors), abs=0.1)


def test_undecided_records_teach_words_that_came_into_use_since(seen):
    records = [dict(one) for one in seen.texts.records]
    for row in seen.undecided:
        records[row]["title"] += " newword" if row % 3 == 0 else " otherword"
    texts = Texts(records)
    again = parts.Seen(texts, seen.rows, seen.included, undecided=seen.undecided, seed=4)
    words = parts.Words().fit(again)
    before = words.coef_.copy()
    words.teach(again, (np.arange(30) % 3 == 0).astype(float))
    assert words.coef_.tolist() != before.tolist()
    few = parts.Words().fit(again)
    few.teach(again, np.zeros(29))
    assert few.coef_.tolist() == before.tolist()


def test_alike_is_the_difference_of_mean_cosines_to_the_nearest_of_each_kind(seen):
    alike = parts.Alike().fit(seen)
    cosines = batch(seen).cosines(alike.others_)
    top = lambda held: np.sort(cosines[:, held], axis=1)[:, -10:].mean(axis=1)  # noqa: E731
    assert alike.score(batch(seen)) == pytest.approx(top(alike.included_) - top(~alike.included_))


def test_neighbours_are_a_share_of_the_thirty_nearest(seen):
    neighbours = parts.Neighbours().fit(seen)
    cosines = batch(seen).cosines(neighbours.others_)
    expected = []
    for row in cosines:
        near = np.argsort(-row, kind="stable")[:30]
        expected.append((row[near] ** 2 * neighbours.included_[near]).sum() / (row[near] ** 2).sum())
    assert neighbours.score(batch(seen)) == pytest.approx(expected, abs=1e-6)


def test_compared_are_all_included_records_and_a_sample_of_the_others(seen):
    places = seen.compared(excluded=7)
    assert seen.included[places].sum() == seen.included.sum()
    assert (~seen.included[places]).sum() == 7
    assert places.tolist() == sorted(places) == seen.compared(excluded=7).tolist()


def test_what_other_reviews_include_is_taken_without_the_topic_and_pairs_no_two_records_hold(seen):
    given = prior.Prior(["internet", "zz yy", "tumour"], [1, 1, 1], [1.0, 9.0, -1.0])
    part = parts.OtherReviews(given, "Internet treatment").fit(seen)
    assert part.prior_.terms.tolist() == ["tumour"]


@pytest.mark.parametrize("cell", ["", "nothing told", None])
def test_records_without_terms_leave_all_parts_at_zero(cell):
    texts = Texts([{"title": cell} if n else {"title": ""} for n in range(8)])
    own = parts.Seen(texts, np.arange(6), np.arange(6) < 2, undecided=np.array([6, 7]), seed=0)
    for part in (parts.Words, parts.Topics):
        of = parts.Batch(texts, own.undecided, own.vectors)
        if own.vectors.at_pieces or cell:
            assert np.isfinite(part().fit(own).score(of)).all()
        else:
            assert part().fit(own).score(of).tolist() == [0, 0]


# Index terms: what people assigned may speak against a record, what they did not never.

BY_PEOPLE = {"medline_status": "MEDLINE", "indexing_method": None}
AUTOMATED = {"medline_status": "MEDLINE", "indexing_method": "Automated"}
TERMS = ["Humans", "Internet", "Neoplasms", "Neoplasms / surgery*", "Unheard", "Animals"]
TYPES = ["Journal Article", "Randomized Controlled Trial", "Review", "Unheard"]


def score(part, seen, record):
    return part.score(batch(seen, [record]))[0]


@pytest.mark.parametrize("status", [AUTOMATED, {"medline_status": "PubMed-not-MEDLINE"}, {}])
def test_headings_and_types_that_no_person_checked_never_lower_a_record(seen, status):
    part, rng = parts.IndexTerms().fit(seen), np.random.default_rng(8)
    assert min(part.weights_.values()) < 0 < max(part.weights_.values())
    for _ in range(10):
        mesh, types = list(rng.choice(TERMS, rng.integers(3))), list(rng.choice(TYPES, rng.integers(3)))
        record = status | {
            "keywords": rng.choice(["", "pain", "oncology; pain"]),
            "mesh_terms": "; ".join(mesh),
            "publication_types": "; ".join(types),
        }
        more = [record | {"mesh_terms": "; ".join([*mesh, heading])} for heading in TERMS]
        more += [record | {"publication_types": "; ".join([*types, one])} for one in TYPES]
        before, *after = part.score(batch(seen, [record, *more]))
        assert min(after) >= before


def test_what_people_assigned_moves_a_record_either_way(seen):
    part = parts.IndexTerms().fit(seen)
    assert score(part, seen, BY_PEOPLE | {"mesh_terms": "Internet*", "publication_types": TYPES[1]}) > 0
    assert score(part, seen, BY_PEOPLE | {"mesh_terms": "Neoplasms"}) < 0
    assert score(part, seen, {"keywords": "oncology"}) < 0


def test_a_record_without_index_terms_is_not_moved(seen):
    part = parts.IndexTerms().fit(seen)
    assert score(part, seen, BY_PEOPLE) == score(part, seen, EMPTY) == 0


def test_too_few_indexed_records_teach_nothing(seen):
    records = [
        one | {"mesh_terms": None, "keywords": None, "publication_types": None} for one in seen.texts.records
    ]
    for row in range(27):  # nine of them included
        records[row] = seen.texts.records[row]
    own = parts.Seen(Texts(records), seen.rows, seen.included, undecided=seen.undecided, seed=4)
    assert parts.IndexTerms().fit(own).weights_ == {}


def test_index_terms_are_marked_and_lose_qualifiers_and_stars():
    record = {
        "keywords": "E-Health; pain;",
        "mesh_terms": "Chronic Pain / therapy*; Internet*; Internet; Humans",
        "publication_types": "Journal Article; ",
    }
    assert parts.index_terms(record) == [
        "keyword e-health",
        "keyword pain",
        "MeSH Chronic Pain",
        "MeSH Internet",
        "MeSH Humans",
        "type Journal Article",
    ]
    assert parts.index_terms({"keywords": float("nan")}) == []
