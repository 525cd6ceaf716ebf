"""What waits for one person: kept up row by row, it is what it would be from the beginning."""

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livingreview import tables
from livingreview.desk.kept_up import FirstSaid, Standings, States, Visible, added_ids
from livingreview.desk.screening import highlighting, listing, record, sitting
from livingreview.desk.screening.waiting import Waiting
from livingreview.screening import decisions as ledger
from livingreview.search.records import COLUMNS

TA, FT = "title-abstract", "full-text"
RUN = "2026-11"
IDS = [str(number) for number in range(101, 109)]
DUPLICATE = "900"


def frame(schema, rows):
    names = tables.columns(schema)
    made = pd.DataFrame([dict.fromkeys(names) | row for row in rows], columns=names, dtype=object)
    return made.astype({name: float for name in ("score", "probability", "p_full_text") if name in names})


def filed(rows):
    keys = ("record_id", "stage", "decision", "reviewer", "role")
    return frame("screening", [dict(zip(keys, row, strict=True)) | {"run": RUN} for row in rows])


@pytest.fixture(scope="module")
def records():
    rows = [dict.fromkeys(COLUMNS) | {"record_id": one, "title": one, "first_run": RUN} for one in IDS]
    rows.append(dict.fromkeys(COLUMNS) | {"record_id": DUPLICATE, "duplicate_of": "101", "first_run": RUN})
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)


@pytest.fixture(scope="module")
def queue():
    # One record that waits is not in the queue: its decision was taken back after the run.
    rows = [
        {"record_id": one, "stage": TA, "state": "new", "first_run": RUN, "score": -float(place)}
        for place, one in enumerate(IDS[:-1])
    ]
    return frame("queue", rows)


ROWS = st.lists(
    st.tuples(
        st.sampled_from([*IDS, DUPLICATE]),
        st.sampled_from([TA, FT]),
        st.sampled_from(["include", "exclude", "awaiting", "withdrawn"]),
        st.sampled_from(["Ann", "Ben"]),
        st.sampled_from([None, ledger.INDEPENDENT, ledger.ADJUDICATOR]),
    ),
    max_size=8,
)


@pytest.mark.parametrize("names", [[], ["Ann", "Ben"]])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_row_by_row_is_the_same_as_from_the_beginning(queue, records, names, rows):
    def begin():
        return Waiting(queue, records, run=RUN, stages=[TA, FT], name="Ann", names=names)

    kept_up = begin()
    for n in range(len(rows) + 1):
        kept_up.follow(filed(rows[:n]))
    at_once = begin().follow(filed(rows))
    for stage in (TA, FT):
        assert kept_up.order(stage) == at_once.order(stage)
        assert kept_up.rows(stage) == at_once.rows(stage)
        assert kept_up.count(stage) == len(at_once.order(stage))
    held = filed(rows)
    own = kept_up.follow(held).of_record(held, "101")
    assert own.index.tolist() == held.index[held["record_id"].isin(["101", DUPLICATE])].tolist()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_where_records_stand_is_kept_up_as_from_the_beginning(records, rows):
    kept_up = States(records, run=RUN, stages=[TA, FT])
    for n in range(len(rows) + 1):
        now = kept_up.follow(filed(rows[:n]))
    at_once = States(records, run=RUN, stages=[TA, FT]).follow(filed(rows))
    pd.testing.assert_frame_equal(now, at_once)
    assert list(now.index) == IDS


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_what_two_have_said_and_what_each_may_see_is_kept_up_as_from_the_beginning(records, rows):
    def begin():
        kept = ledger.kept_ids(records)
        both = FirstSaid(kept, run=RUN, names=["Ann", "Ben"])
        return Standings(kept, run=RUN), Visible("Ann", ["Ann", "Ben"], run=RUN), both

    kept_up = begin()
    for n in range(len(rows) + 1):
        said, seen, pairs = (one.follow(filed(rows[:n])) for one in kept_up)
    said_at_once, seen_at_once, pairs_at_once = (one.follow(filed(rows)) for one in begin())
    assert sorted(pairs.to_numpy().tolist()) == sorted(pairs_at_once.to_numpy().tolist())
    # By their text, because what is missing in a row is not itself.
    assert {key: repr(one) for key, one in said.items()} == {
        key: repr(one) for key, one in said_at_once.items()
    }
    pd.testing.assert_frame_equal(seen.rows, seen_at_once.rows)
    assert seen.in_force == seen_at_once.in_force


def test_a_ledger_that_was_changed_within_is_read_anew():
    before = frame("screening", [{"record_id": "101"}, {"record_id": "102", "score": 1.0}])
    longer = pd.concat([before, before.iloc[:1]], ignore_index=True)
    assert added_ids(before, longer) == {"101"}
    assert added_ids(before, before.copy()) == set()
    assert added_ids(longer, before) is None
    assert added_ids(before, longer.assign(note="corrected by hand")) is None


def test_terms_are_marked_whole_and_nothing_of_the_text_is_lost():
    text = "Web-based self-management\n for FACE to face; cobweb & <b>pains</b>"
    terms = {"web": "protocol", "self management": "for", "face": "against", "pain*": "protocol"}
    pieces = highlighting.marked(text, terms)
    assert "".join(piece.text for piece in pieces) == text
    assert [tuple(piece) for piece in pieces if piece.kind] == [
        ("Web", "protocol"),
        ("self-management", "for"),
        ("FACE", "against"),
        ("face", "against"),
        ("pains", "protocol"),
    ]


@given(
    text=st.text(),
    terms=st.dictionaries(st.text(max_size=5), st.sampled_from(["for", "against"]), max_size=4),
)
@settings(max_examples=60, deadline=None)
def test_no_text_and_no_term_breaks_marking(text, terms):
    assert "".join(piece.text for piece in highlighting.marked(text, terms)) == text


def test_the_protocol_s_words_are_those_of_its_query_and_criteria():
    eligibility = {"include": ["Adults with chronic pain"], "exclude": ["Acute pain"]}
    query = '("chronic pain"[tiab] OR migraine*[ti]) AND "Internet"[mh] NOT 2020:2021[dp]'
    found = highlighting.protocol_terms(query, eligibility)
    assert found == ("chronic pain", "migraine*", "adults", "chronic", "pain", "acute")
    # A query that PubMed would not take marks nothing; the criteria still do.
    assert highlighting.protocol_terms("(pain[ti]", eligibility)[0] == "adults"


def test_the_model_s_terms_are_read_from_the_queue():
    cell = "other reviews: face (-0.67); title: two words (+0.10); like included records (+1.00)"
    assert highlighting.model_terms(cell) == {
        "face": "against",
        "two words": "for",
        "like included records": "for",
    }
    assert highlighting.model_terms(None) == {}


def test_an_abstract_is_shown_in_its_parts():
    text = "BACKGROUND: Pain (CI: 95). AIMS AND SCOPE: One. two: three."
    assert record.paragraphs(text) == ["BACKGROUND: Pain (CI: 95).", "AIMS AND SCOPE: One. two: three."]
    assert record.paragraphs("") == []


def test_words_are_searched_from_their_beginning():
    texts = {"101": " chronic pain in adults", "102": " painful cobweb"}
    rows = [{"record_id": one, "state": "new"} for one in texts]

    def found(words):
        return [row["record_id"] for row in listing.found(rows, lambda: texts, listing.Asked(words=words))]

    assert found("pain") == ["101", "102"]
    assert found("PAIN adults") == ["101"]
    assert found("web") == []
    assert found("") == ["101", "102"]


def test_skipped_records_come_in_the_order_in_which_they_were_skipped():
    one = sitting.Sitting()
    for record_id in ("101", "103", "101"):
        one.skip(TA, record_id)
    assert one.order(TA, ["101", "102", "103"]) == (["102", "103", "101"], 2)
    assert one.order(FT, ["101"]) == (["101"], 0)
    one.unskip(TA, "101")
    assert one.order(TA, ["101", "102"]) == (["101", "102"], 0)


@pytest.mark.parametrize(
    ("order", "here", "following", "before"),
    [
        (["a", "b", "c"], "b", "c", "a"),
        (["a", "b"], "b", "a", "a"),
        (["a"], "z", "a", "a"),
        ([], "a", None, None),
    ],
)
def test_what_comes_after_and_before(order, here, following, before):
    assert sitting.after(order, here) == following
    assert sitting.after(order, here, back=True) == before
