"""The queue holds every record that a person still has to decide, once, best first."""

import numpy as np
import pandas as pd
import pytest

from livingreview import tables
from livingreview.screening import queue as module

STAGES = ["title-abstract", "full-text"]
TA, FT = STAGES
RANKING = {"minimum_included": 5, "minimum_excluded": 5, "read_first_recall": 0.95, "seed": 1}


@pytest.fixture
def build(ledger):
    """Builds the queue of some records and decisions at run 2020-02."""

    def run(records, decided=(), **options):
        given = {
            "run": "2020-02",
            "stages": STAGES,
            "ranking": RANKING,
            "protocol": "internet treatment of pain",
        }
        frame = (
            pd.DataFrame(records, dtype=object) if records else pd.DataFrame(columns=COLUMNS, dtype=object)
        )
        return module.build(frame, ledger(*decided), **given | options)

    return run


COLUMNS = "record_id pmid doi title authors journal year mesh_terms keywords abstract first_run duplicate_of".split()


@pytest.fixture
def past(record):
    """Eight included and eight excluded records, with their decisions."""
    records, decided = [], []
    for n in range(8):
        records += [
            record(str(200 + n), f"internet pain treatment trial{n % 3}"),
            record(str(300 + n), f"tumour imaging cohort{n % 3}"),
        ]
        decided += [
            (str(200 + n), "2020-01", TA, "include"),
            (str(200 + n), "2020-01", FT, "include"),
            (str(300 + n), "2020-01", TA, "exclude"),
        ]
    return records, decided


def test_few_decisions_fall_back_to_the_protocol_and_say_so(build, record):
    queue, about = build(
        [record("101", "Tumour imaging"), record("102", "Internet treatment of pain"), record("103", "Pain")],
        [("103", "2020-01", TA, "exclude")],
    )
    assert queue["record_id"].tolist() == ["102", "101"]
    assert queue["band"].tolist() == ["not ranked by decisions"] * 2
    assert about["method"] == "similarity to the protocol"
    assert about["explanation"].startswith(
        "Too few decisions to learn from: 0 included and 1 excluded, where 5 and 5 are needed."
    )
    assert (about["threshold"], about["quality"], about["n_queue"]) == (None, None, 2)


def test_enough_decisions_are_learnt_from(build, record, past):
    records, decided = past
    new = [
        record("101", "tumour cohort1"),
        record("102", "internet pain treatment trial1"),
        record("103", None),
    ]
    queue, about = build([*records, *new], decided)
    assert queue["record_id"].tolist() == ["102", "103", "101"]
    assert queue["band"].tolist()[0] == "read first"
    assert queue["band"].tolist()[2] == "read next"
    assert about["method"] == "logistic regression on the review's own decisions"
    assert (about["n_train"], about["n_include"], about["n_exclude"]) == (16, 8, 8)
    assert about["quality"]["roc_auc"] == 1.0
    assert sum(about["bands"].values()) == about["n_queue"] == 3


def test_the_terms_say_what_moved_the_score(build, record, past):
    queue, _ = build([*past[0], record("101", "internet")], past[1])
    assert queue.loc[0, "terms"].startswith("internet (+")
    assert queue.loc[0, "terms"].count(";") == 0


@pytest.mark.parametrize("decided", [False, True], ids=["few decisions", "enough decisions"])
def test_every_undecided_record_is_there_once_whatever_its_decisions(build, record, past, decided):
    rng = np.random.default_rng(20200102)
    records, rows = past if decided else ([], [])
    records, rows = list(records), list(rows)
    paths = {
        "none": [],
        "ta_include": [(TA, "include")],
        "ta_awaiting": [(TA, "awaiting")],
        "ft_awaiting": [(TA, "include"), (FT, "awaiting")],
        "ta_exclude": [(TA, "exclude")],
        "ft_exclude": [(TA, "include"), (FT, "exclude")],
        "ft_include": [(TA, "include"), (FT, "include")],
    }
    asked = {"none": TA, "ta_include": FT, "ta_awaiting": TA, "ft_awaiting": FT}
    expected = {}
    for n, name in enumerate(rng.choice(list(paths), 120)):
        record_id = str(1000 + n)
        records.append(record(record_id, None if n % 7 == 0 else f"example {name} word{n % 11}"))
        rows += [(record_id, "2020-01", stage, decision) for stage, decision in paths[name]]
        if name in asked:
            expected[record_id] = asked[name]
    queue, about = build(records, rows)
    assert dict(zip(queue["record_id"], queue["stage"], strict=True)) == expected
    assert len(queue) == len(expected) == about["n_queue"]
    assert about["n_awaiting"] == sum(queue["state"] == "awaiting")


def test_duplicates_are_not_asked_for(build, record):
    queue, _ = build([record("101"), record("doi:10.1000/x", duplicate_of="101", source="Example")])
    assert queue["record_id"].tolist() == ["101"]


def test_records_nobody_has_seen_come_before_those_that_await_information(build, record):
    queue, _ = build(
        [
            record("101", "internet treatment of pain", first_run="2020-01"),
            record("102", "tumour", first_run="2020-02"),
            record("103", "surgery", first_run="2020-01"),
        ],
        [("101", "2020-01", TA, "awaiting")],
    )
    assert list(zip(queue["record_id"], queue["state"], strict=True)) == [
        ("102", "new"),
        ("103", "undecided"),
        ("101", "awaiting"),
    ]
    assert queue.loc[2, "score"] == queue["score"].max() > 0


def test_equal_scores_are_ordered_by_record(build, record):
    queue, _ = build([record(n, "pain") for n in ("103", "101", "102")])
    assert queue["record_id"].tolist() == ["101", "102", "103"]


def test_an_empty_corpus_and_a_decided_one_give_an_empty_queue_that_can_be_read_again(build, past, tmp_path):
    for records, decided in ([], []), past:
        queue, about = build(records, decided)
        assert (len(queue), about["n_queue"], about["n_awaiting"], about["bands"]) == (0, 0, 0, {})
        tables.write(queue, tmp_path / "queue.csv")
        assert len(tables.read(tmp_path / "queue.csv", "queue")) == 0


def test_a_written_queue_is_a_queue_that_people_can_fill_in(build, record, tmp_path):
    queue, _ = build(
        [
            record("101", "Pain, internet", authors="Example AB", journal="Example J", year="2020"),
            record("doi:10.1000/x", doi="10.1000/x", source="Example"),
            record("other:example", source="Example"),
        ]
    )
    tables.write(queue, tmp_path / "queue.csv")
    rows = tables.read(tmp_path / "queue.csv", "queue").set_index("record_id")
    assert rows.loc["101", ["authors", "journal", "year"]].tolist() == ["Example AB", "Example J", "2020"]
    assert rows.loc["101", "link"] == "https://pubmed.ncbi.nlm.nih.gov/101/"
    assert rows.loc["doi:10.1000/x", "link"] == "https://doi.org/10.1000/x"
    assert rows.loc["other:example", "link"] is None
    assert rows[["decision", "reason", "reviewer", "note"]].isna().all(axis=None)


def test_decisions_of_later_runs_are_not_learnt_from(build, record, past):
    records, decided = past
    later = [(record_id, "2020-03", stage, decision) for record_id, _, stage, decision in decided]
    queue, about = build(records, later)
    assert len(queue) == 16
    assert (about["n_include"], about["n_exclude"]) == (0, 0)


def test_the_same_input_gives_the_same_queue_to_the_byte(build, record, past):
    records = [*past[0], *(record(str(400 + n), f"internet example{n % 5} tumour") for n in range(20))]
    first, second = (tables.to_csv(build(records, past[1])[0]) for _ in range(2))
    assert first == second


def test_a_record_put_back_to_awaiting_is_asked_at_the_stage_that_awaits(build, record):
    """Title and abstract corrected to awaiting after a full-text decision: full text cannot be filed then."""
    queue, _ = build(
        [record("101")],
        [
            ("101", "2020-01", TA, "include"),
            ("101", "2020-01", FT, "awaiting"),
            ("101", "2020-02", TA, "awaiting", {"note": "misread"}),
        ],
    )
    assert queue[["stage", "state"]].values.tolist() == [[TA, "awaiting"]]
