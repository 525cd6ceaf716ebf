"""Without decisions, records like the protocol come first, and included studies move the order."""

import numpy as np
import pytest
from sklearn.base import clone

from livingreview.screening.cold_start import ColdStart

PROTOCOL = "Do internet treatments of chronic pain, compared with a control, lessen pain?"
RECORDS = [
    {"title": "Internet treatment of chronic pain", "abstract": "An online trial of chronic pain."},
    {"title": "Chronic pain surgery", "abstract": "Removal of a nerve."},
    {"title": "Tumour imaging", "abstract": "A cohort of animals."},
    {"title": "Yoga for shoulders", "abstract": "Stretching and breathing for office workers."},
    {"title": "Breathing and stretching", "abstract": "Yoga again, of office workers."},
    {"title": None, "abstract": None},
    {"title": "慢性疼痛", "abstract": "互联网 治疗"},
]


def test_records_like_the_protocol_come_first():
    scores = ColdStart(PROTOCOL).fit(RECORDS).decision_function(RECORDS)
    assert np.argmax(scores) == 0
    assert scores[1] > scores[2]
    assert np.isfinite(scores).all()


def test_included_studies_move_records_like_them_up():
    before = ColdStart(PROTOCOL).fit(RECORDS).decision_function(RECORDS)
    included = np.arange(len(RECORDS)) == 3
    after = ColdStart(PROTOCOL).fit(RECORDS, included).decision_function(RECORDS)
    others = [1, 2, 6]
    assert after[4] - before[4] > max(after[others] - before[others])
    assert np.argsort(-after).tolist() != np.argsort(-before).tolist()


@pytest.mark.parametrize("included", [None, np.arange(len(RECORDS)) == 3, np.arange(len(RECORDS)) < 2])
def test_what_moved_a_record_adds_up_to_its_score(included):
    model = ColdStart(PROTOCOL).fit(RECORDS, included)
    for records in (RECORDS, RECORDS[:1], [{"title": "unheard internet pain", "keywords": "pain"}, {}]):
        sums = [sum(said.values()) for said in model.explain(records)]
        assert sums == pytest.approx(model.decision_function(records), abs=1e-6)


def test_shared_words_are_named_one_by_one_and_the_rest_as_a_whole():
    (said,) = ColdStart(PROTOCOL).fit(RECORDS).explain(RECORDS[:1])
    assert said["text", "internet"] > 0
    assert {term for field, term in said if field == "whole"} == {"meaning of the protocol", "other reviews"}


def test_other_reviews_say_nothing_of_the_protocols_own_words():
    model = ColdStart(PROTOCOL).fit(RECORDS)
    assert not any({"pain", "internet"} & set(term.split()) for term in model.prior_.terms)


def test_a_record_scores_the_same_by_itself_as_among_all():
    model = ColdStart(PROTOCOL).fit(RECORDS)
    alone = [model.decision_function([record])[0] for record in RECORDS]
    assert alone == pytest.approx(model.decision_function(RECORDS), abs=1e-5)


@pytest.mark.parametrize("protocol", [PROTOCOL, "", "慢性疼痛 的 互联网 治疗", "Лечение боли через интернет"])
@pytest.mark.parametrize("records", [[], RECORDS[:1], [{}, {}], RECORDS])
def test_any_protocol_and_any_number_of_records_have_an_order(protocol, records):
    model = clone(ColdStart(protocol)).fit(records)
    scores = model.decision_function(records)
    assert scores.shape == (len(records),)
    assert np.isfinite(scores).all()
    assert len(model.explain(records)) == len(records)


def test_a_protocol_in_another_script_ranks_its_own_words_first():
    scores = ColdStart("慢性疼痛 的 互联网 治疗").fit(RECORDS).decision_function(RECORDS)
    assert np.argmax(scores) == 6
