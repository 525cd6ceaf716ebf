"""Pairs that people judge: from the list they filled in to the ledger, all or none."""

import concurrent.futures
import multiprocessing

import pandas as pd
import pytest

from livingreview import tables
from livingreview.errors import InputError
from livingreview.search.linkage import pairs

OPTIONS = {"known": {"101", "102", "embase:l1"}, "run": "2020-02", "decided_at": "2020-02-15"}
ROWS = [
    {"record_id": "101", "title": "An example", "authors": "Example A", "year": "2020", "journal": "J Ex"},
    {"record_id": "102", "title": "Another, with a comma", "authors": "", "year": "2021", "journal": ""},
    {
        "record_id": "embase:l1",
        "title": "An Example",
        "authors": "Example A",
        "year": "2020",
        "journal": "J Ex",
    },
]
PAIRS = [
    pairs.make("102", "101", kind=pairs.COMPANION, evidence="same first author", score=0.6),
    pairs.make("embase:l1", "101", kind=pairs.DUPLICATE, evidence="same title", score=0.9),
]


@pytest.fixture
def queue_path(tmp_path):
    """Writes the queue as the workflow does, and then as a person fills it in."""

    def write(*filled):
        frame = pairs.queue(PAIRS, ROWS)
        for row, cells in enumerate(filled):
            for name, value in cells.items():
                frame.loc[row, name] = value
        tables.write(frame, tmp_path / "pairs.csv")
        return tmp_path / "pairs.csv"

    return write


@pytest.fixture
def ledger_path(tmp_path):
    path = tmp_path / "ledger.csv"
    tables.write(pd.DataFrame(columns=tables.columns("pairs")), path)
    return path


def said(path):
    rows = tables.read(path, "pairs")
    return [
        (row.record_a, row.record_b, row.verdict, row.reviewer, row.run, row.note)
        for row in rows.itertuples()
    ]


SAME = {"verdict": "same_record", "reviewer": "EX"}


def test_a_queue_shows_both_records_and_leaves_room_for_a_verdict(queue_path):
    frame = tables.read(queue_path(), "pair_queue")
    assert frame["record_a"].tolist() == ["101", "101"]
    assert frame["record_b"].tolist() == ["embase:l1", "102"]
    assert frame["kind"].tolist() == ["duplicate", "companion"]
    assert frame["score"].tolist() == [0.9, 0.6]
    assert frame["title_b"].tolist() == ["An Example", "Another, with a comma"]
    assert frame[["verdict", "reviewer", "note"]].isna().all(axis=None)
    assert pairs.queue([], ROWS).columns.tolist() == tables.columns("pair_queue")


def test_of_two_reasons_to_ask_about_a_pair_the_stronger_is_shown():
    weaker = pairs.make("101", "embase:l1", kind=pairs.COMPANION, evidence="weak", score=0.5)
    assert pairs.by_score([weaker, *PAIRS]) == [PAIRS[1], PAIRS[0]]
    assert pairs.by_score([*PAIRS[::-1], weaker]) == [PAIRS[1], PAIRS[0]]


def test_pmids_come_before_other_ids_and_by_number():
    assert pairs.ordered("1000", "999") == ("999", "1000")
    assert pairs.ordered("a:1", "999") == ("999", "a:1")
    assert pairs.ordered("b:1", "a:1") == ("a:1", "b:1")


def test_filled_in_verdicts_are_added_once(queue_path, ledger_path):
    path = queue_path(SAME, {"verdict": "same_study", "reviewer": "EX", "note": "protocol"})
    assert pairs.file_pairs(path, ledger_path, **OPTIONS) == (2, 0)
    assert said(ledger_path) == [
        ("101", "embase:l1", "same_record", "EX", "2020-02", None),
        ("101", "102", "same_study", "EX", "2020-02", "protocol"),
    ]
    after = ledger_path.read_bytes()
    assert pairs.file_pairs(path, ledger_path, **OPTIONS) == (0, 2)
    assert ledger_path.read_bytes() == after
    pairs.refuse_unfiled(path, ledger_path)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (
            {"reviewer": "EX"},
            "column verdict: the row is filled in but has no verdict; allowed: same_record, same_study, different",
        ),
        ({"note": "see me"}, "column verdict: the row is filled in but has no verdict"),
        ({"verdict": "different"}, "column reviewer: a verdict needs a name; allowed: a name or initials"),
        (
            {**SAME, "record_b": "gone:1"},
            "column record_b: no search or import has found this record; found 'gone:1'",
        ),
        ({**SAME, "record_b": "101"}, "a pair is of two records; found '101'"),
    ],
)
def test_one_faulty_row_keeps_the_good_ones_out_too(queue_path, ledger_path, cells, message):
    old = ledger_path.read_bytes()
    path = queue_path(cells, {"verdict": "different", "reviewer": "EX"})
    with pytest.raises(InputError) as caught:
        pairs.file_pairs(path, ledger_path, **OPTIONS)
    assert str(caught.value).startswith(f"{path}: row 2 (101, ")
    assert message in str(caught.value)
    assert ledger_path.read_bytes() == old


def test_a_verdict_that_is_none_of_the_three_is_named(queue_path, ledger_path):
    path = queue_path({**SAME, "verdict": "yes"})
    with pytest.raises(InputError, match="allowed: same_record, same_study, different"):
        pairs.file_pairs(path, ledger_path, **OPTIONS)


def test_another_verdict_on_a_pair_is_a_correction_and_says_why(queue_path, ledger_path):
    pairs.file_pairs(queue_path(SAME), ledger_path, **OPTIONS)
    changed = {"verdict": "different", "reviewer": "EY"}
    with pytest.raises(InputError, match="conflicts with the verdict of EX in run 2020-02"):
        pairs.file_pairs(queue_path(changed), ledger_path, **OPTIONS)
    with pytest.raises(InputError, match="a correction says why"):
        pairs.file_pairs(queue_path(changed), ledger_path, **OPTIONS, correct=True)
    noted = queue_path({**changed, "note": "misread"})
    assert pairs.file_pairs(noted, ledger_path, **OPTIONS, correct=True) == (1, 0)
    assert [row[2] for row in said(ledger_path)] == ["same_record", "different"]
    assert pairs.latest(tables.read(ledger_path, "pairs").to_dict("records")) == {
        ("101", "embase:l1"): "different"
    }


def test_a_verdict_of_a_later_run_is_not_contradicted_from_an_earlier_one(queue_path, ledger_path):
    pairs.file_pairs(queue_path(SAME), ledger_path, **{**OPTIONS, "run": "2020-09"})
    with pytest.raises(
        InputError, match="run 2020-09 already decided: same_record; hint: file it for that run"
    ):
        pairs.file_pairs(queue_path({**SAME, "reviewer": "EY"}), ledger_path, **OPTIONS)


def test_the_order_of_a_pair_is_irrelevant_to_filing(queue_path, ledger_path):
    pairs.file_pairs(queue_path(SAME), ledger_path, **OPTIONS)
    turned = queue_path({**SAME, "record_a": "embase:l1", "record_b": "101"})
    pairs.refuse_unfiled(turned, ledger_path)
    assert pairs.file_pairs(turned, ledger_path, **OPTIONS) == (0, 1)


TITLES = {row["record_id"]: row["title"] for row in ROWS}


def test_a_list_of_which_one_column_was_sorted_is_refused(queue_path, ledger_path):
    old = ledger_path.read_bytes()
    path = queue_path({**SAME, "title_b": "Another, with a comma"}, {"title_b": "An Example"})
    with pytest.raises(InputError) as caught:
        pairs.file_pairs(path, ledger_path, **OPTIONS, titles=TITLES)
    # Only the row that somebody filled in counts.
    assert str(caught.value) == (
        f"{path}: row 2 (101, embase:l1), column title_b: this is not the title of embase:l1; found 'Another, with a"
        " comma'; allowed: An Example; hint: sort whole rows"
    )
    assert ledger_path.read_bytes() == old


@pytest.mark.parametrize("shown", ["", None, "An example of another"])
def test_a_title_that_is_not_the_records_is_refused_on_either_side(queue_path, ledger_path, shown):
    with pytest.raises(InputError, match="column title_a: this is not the title of 101"):
        pairs.file_pairs(queue_path({**SAME, "title_a": shown}), ledger_path, **OPTIONS, titles=TITLES)


def test_titles_as_they_were_shown_are_accepted_and_may_be_empty(queue_path, ledger_path):
    titles = {**TITLES, "102": ""}
    path = queue_path({**SAME, "title_a": "An  example "}, {**SAME, "title_b": None})
    assert pairs.file_pairs(path, ledger_path, **OPTIONS, titles=titles) == (2, 0)


def stages(a, b):
    return {"101": a, "embase:l1": b, "102": b}


@pytest.mark.parametrize(
    ("a", "b", "told"),
    [
        ({"one": "exclude"}, {"one": "include"}, "(one): 101 exclude, embase:l1 include"),
        ({"one": "awaiting"}, {"one": "exclude"}, "(one): 101 awaiting, embase:l1 exclude"),
        (
            {"one": "include", "two": "exclude"},
            {"one": "exclude", "two": "include"},
            "(two): 101 exclude, embase:l1 include",
        ),
    ],
)
def test_records_that_are_decided_differently_are_not_made_one(queue_path, ledger_path, a, b, told):
    old = ledger_path.read_bytes()
    path = queue_path(SAME)
    with pytest.raises(InputError) as caught:
        pairs.file_pairs(path, ledger_path, **OPTIONS, decided=stages(a, b))
    assert str(caught.value) == (
        f"{path}: row 2 (101, embase:l1), column verdict: the two are decided differently {told}; found 'same_record';"
        " hint: correct one of the two decisions first, at the desk or with make decisions, then give the verdict"
    )
    assert ledger_path.read_bytes() == old


def test_two_records_of_pubmed_decided_differently_are_not_made_one(queue_path, ledger_path):
    path = queue_path({}, SAME)
    decided = stages({"one": "include"}, {"one": "exclude"})
    with pytest.raises(InputError, match=r"\(one\): 101 include, 102 exclude"):
        pairs.file_pairs(path, ledger_path, **OPTIONS, decided=decided)


@pytest.mark.parametrize(
    ("cells", "a", "b"),
    [
        (SAME, {"one": "include"}, {"one": "exclude"}),
        (SAME, {"one": "include"}, {"one": "include"}),
        (SAME, {"one": "exclude"}, {"two": "include"}),
        ({**SAME, "verdict": "same_study"}, {"one": "exclude"}, {"one": "include"}),
        ({**SAME, "verdict": "different"}, {"one": "exclude"}, {"one": "include"}),
    ],
)
def test_a_verdict_under_which_no_inclusion_is_lost_is_filed(queue_path, ledger_path, cells, a, b):
    assert pairs.file_pairs(queue_path(cells), ledger_path, **OPTIONS, decided=stages(a, b)) == (1, 0)


@pytest.mark.parametrize("cell", ["verdict", "reviewer", "note"])
def test_a_list_with_entries_that_are_not_filed_may_not_be_made_again(queue_path, ledger_path, cell):
    path = queue_path({cell: {"verdict": "different", "reviewer": "EX", "note": "ask"}[cell]})
    with pytest.raises(InputError) as caught:
        pairs.refuse_unfiled(path, ledger_path)
    assert str(caught.value) == (
        f"{path}: 1 filled-in rows are not filed as verdicts yet; found '101 and embase:l1'; hint: make decisions files"
        " them; clear the cells if they were not meant. Nothing was changed"
    )


def test_a_list_that_is_empty_or_not_there_may_be_made_again(queue_path, ledger_path, tmp_path):
    pairs.refuse_unfiled(queue_path(), ledger_path)
    pairs.refuse_unfiled(tmp_path / "none.csv", ledger_path)


def test_a_list_filed_from_two_terminals_at_once_is_added_once(queue_path, ledger_path):
    path = queue_path(SAME)
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        jobs = [pool.submit(pairs.file_pairs, path, ledger_path, **OPTIONS) for _ in range(2)]
        assert sorted(job.result() for job in jobs) == [(0, 1), (1, 0)]


def test_a_ledger_edited_by_hand_is_checked(queue_path, ledger_path):
    pairs.file_pairs(queue_path(SAME), ledger_path, **OPTIONS)
    ledger = tables.read(ledger_path, "pairs")
    pairs.check(ledger, known=OPTIONS["known"])
    with pytest.raises(InputError) as caught:
        pairs.check(ledger, known={"101"}, path=ledger_path)
    assert str(caught.value) == (
        f"{ledger_path}: row 2, column record_b: no search or import has found this record; found 'embase:l1'"
    )
