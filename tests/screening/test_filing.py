"""From the file that people filled in to the ledger: all rows or none, and nothing typed is ever lost."""

import concurrent.futures
import multiprocessing

import pytest

from livingreview import tables
from livingreview.errors import InputError
from livingreview.screening import decisions, filing

OPTIONS = {
    "known": {"101", "102"},
    "reasons": ["not_rct"],
    "stages": ["title-abstract", "full-text"],
    "run": "2020-02",
    "decided_at": "2020-02-15",
}
FILLED = {"decision": "include", "reviewer": "EX"}


@pytest.fixture
def ledger_path(example_table):
    return example_table("screening", {"record_id": "102", "decision": "exclude"})


def test_a_filled_in_queue_is_added_to_the_ledger(example_table, ledger_path):
    old = ledger_path.read_bytes()
    queue = example_table("queue", FILLED, {"record_id": "102"})
    assert filing.file(queue, ledger_path, **OPTIONS) == (1, 0)
    assert ledger_path.read_bytes().startswith(old)
    rows = tables.read(ledger_path, "screening").to_dict("records")
    assert len(rows) == 2
    assert (rows[1]["record_id"], rows[1]["decision"], rows[1]["run"], rows[1]["decided_at"]) == (
        "101",
        "include",
        "2020-02",
        "2020-02-15",
    )


def test_filing_the_same_queue_again_adds_nothing(example_table, ledger_path):
    queue = example_table("queue", FILLED)
    filing.file(queue, ledger_path, **OPTIONS)
    after = ledger_path.read_bytes()
    assert filing.file(queue, ledger_path, **OPTIONS) == (0, 1)
    assert ledger_path.read_bytes() == after


def test_one_faulty_row_keeps_the_good_ones_out_too(example_table, ledger_path):
    old = ledger_path.read_bytes()
    queue = example_table("queue", FILLED, {"record_id": "102", **FILLED})
    with pytest.raises(InputError) as caught:
        filing.file(queue, ledger_path, **OPTIONS)
    assert str(caught.value).startswith(
        f"{queue}: row 3 (102, title-abstract), column decision: conflicts with the decision of EX in run 2020-01"
    )
    assert ledger_path.read_bytes() == old


def test_a_decision_that_is_none_of_the_three_is_named(example_table, ledger_path):
    queue = example_table("queue", FILLED | {"decision": "yes"})
    with pytest.raises(InputError) as caught:
        filing.file(queue, ledger_path, **OPTIONS)
    assert str(caught.value) == (
        f"{queue}: row 2, column decision: found 'yes'; allowed: include, exclude, awaiting, (empty)"
    )


def test_a_queue_that_excel_saved_is_filed(example_table, ledger_path):
    queue = example_table("queue", FILLED | {"title": "Größe, and more"})
    text = queue.read_text(encoding="utf-8")
    queue.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert filing.file(queue, ledger_path, **OPTIONS) == (1, 0)


def test_two_stages_in_one_queue_are_filed_one_after_the_other(example_table, ledger_path):
    queue = example_table("queue", FILLED)
    filing.file(queue, ledger_path, **OPTIONS)
    queue = example_table("queue", FILLED, FILLED | {"stage": "full-text"})
    assert filing.file(queue, ledger_path, **OPTIONS) == (1, 1)


@pytest.mark.parametrize("cell", ["decision", "reviewer", "note"])
def test_a_queue_with_entries_that_are_not_filed_may_not_be_made_again(example_table, ledger_path, cell):
    entry = {"decision": "awaiting", "reviewer": "EX", "note": "ask the authors"}[cell]
    queue = example_table("queue", {}, {"record_id": "102", cell: entry})
    with pytest.raises(InputError) as caught:
        filing.refuse_unfiled(queue, ledger_path)
    assert str(caught.value) == (
        f"{queue}: 1 filled-in rows are not filed as decisions yet; found '102'; hint: make decisions files them; "
        "clear the cells if they were not meant. Nothing was changed"
    )


def test_a_queue_that_is_empty_or_filed_or_not_there_may_be_made_again(example_table, ledger_path, tmp_path):
    queue = example_table("queue", {}, {"record_id": "102", "decision": "exclude", "reviewer": "EX"})
    filing.refuse_unfiled(queue, ledger_path)
    filing.refuse_unfiled(tmp_path / "no_queue.csv", ledger_path)


def test_a_decision_changed_after_filing_is_not_filed(example_table, ledger_path):
    queue = example_table("queue", {"record_id": "102", **FILLED})
    with pytest.raises(InputError, match="1 filled-in rows are not filed as decisions yet; found '102'"):
        filing.refuse_unfiled(queue, ledger_path)


def test_a_new_note_on_a_record_that_waits_is_kept(example_table, ledger_path):
    waits = {"decision": "awaiting", "reviewer": "EX"}
    filing.file(example_table("queue", waits), ledger_path, **OPTIONS)
    queue = example_table("queue", waits | {"note": "the authors have answered"})
    with pytest.raises(InputError):
        filing.refuse_unfiled(queue, ledger_path)
    assert filing.file(queue, ledger_path, **OPTIONS) == (1, 0)
    assert tables.read(ledger_path, "screening")["note"].tolist()[-1] == "the authors have answered"


def test_a_filed_queue_stays_filed_after_one_of_its_decisions_was_corrected(example_table, ledger_path):
    queue = example_table("queue", FILLED)
    filing.file(queue, ledger_path, **OPTIONS)
    kept = queue.read_bytes()
    corrected = FILLED | {"decision": "awaiting", "note": "misread"}
    assert filing.file(example_table("queue", corrected), ledger_path, **OPTIONS, correct=True) == (1, 0)
    queue.write_bytes(kept)
    filing.refuse_unfiled(queue, ledger_path)
    assert filing.file(queue, ledger_path, **OPTIONS) == (0, 1)
    assert tables.read(ledger_path, "screening")["decision"].tolist()[-1] == "awaiting"


def test_a_queue_filed_from_two_terminals_at_once_is_added_once(example_table, ledger_path):
    queue = example_table("queue", FILLED)
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        jobs = [pool.submit(filing.file, queue, ledger_path, **OPTIONS) for _ in range(2)]
        assert sorted(job.result() for job in jobs) == [(0, 1), (1, 0)]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"reason": "boring"}, "row 2, column reason: found 'boring'; allowed: not_rct"),
        (
            {"stage": "full-text", "decision": "exclude"},
            "row 2, column reason: an exclusion on full text needs a reason; allowed: not_rct",
        ),
        (
            {"record_id": "999"},
            "row 2, column record_id: no search or import has found this record; found '999'",
        ),
    ],
)
def test_a_ledger_edited_by_hand_is_checked(example_table, cells, message):
    path = example_table("screening", cells)
    with pytest.raises(InputError) as caught:
        decisions.check(tables.read(path, "screening"), reasons=["not_rct"], known={"101"}, path=path)
    assert str(caught.value) == f"{path}: {message}"
