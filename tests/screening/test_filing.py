"""From the file that people filled in to the ledger: all rows or none, and nothing typed is ever lost."""

import concurrent.futures
import csv
import datetime
import functools
import multiprocessing
import os

import numpy as np
import pytest
import yaml

import file_decisions
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


def test_a_queue_in_which_somebody_types_while_the_run_goes_on_is_left_as_it_is(
    example_table, ledger_path, caplog
):
    queue = example_table("queue", {"record_id": "102", "decision": "include", "reviewer": "EX"})
    typed = queue.read_bytes()
    os.utime(queue, (0, 0))
    refuse = functools.partial(filing.refuse_unfiled, queue, ledger_path)
    assert not filing.write(tables.read(queue, "queue").head(0), queue, refuse)
    assert queue.read_bytes() == typed
    assert queue.stat().st_mtime > 0
    assert "1 filled-in rows are not filed as decisions yet" in caplog.text


def test_a_queue_in_which_nobody_has_typed_is_written(example_table, ledger_path, tmp_path):
    queue = example_table("queue", {})
    refuse = functools.partial(filing.refuse_unfiled, queue, ledger_path)
    assert filing.write(tables.read(queue, "queue").head(0), queue, refuse)
    assert len(tables.read(queue, "queue")) == 0
    assert filing.write(tables.read(queue, "queue"), tmp_path / "new.csv", lambda: None)


@pytest.mark.parametrize("bytes_held", [0, 100])
def test_a_queue_of_which_only_the_beginning_was_restored_is_put_right(example_table, tmp_path, bytes_held):
    whole = example_table("queue", {}, {"record_id": "102"}).read_bytes()
    results, backups = tmp_path / "results/2020-02", tmp_path / "backups"
    tables.write_bytes(whole, backups / "queue.csv")
    tables.write_bytes(whole[:bytes_held], results / "queue.csv")
    assert filing.put_right(results, backups) == [results / "queue.csv"]
    assert (results / "queue.csv").read_bytes() == whole
    assert filing.put_right(results, backups) == []


def test_what_people_have_typed_and_what_is_gone_are_no_beginnings(example_table, tmp_path):
    whole = example_table("queue", {}, {"record_id": "102"}).read_bytes()
    typed = example_table("queue", {"decision": "include", "reviewer": "EX"}).read_bytes()
    results, backups = tmp_path / "results/2020-02", tmp_path / "backups"
    tables.write_bytes(typed, results / "queue.csv")
    tables.write_bytes(whole, backups / "queue.csv")
    tables.write_bytes(whole, backups / "queues/one.csv")
    assert filing.put_right(results, backups) == []
    assert filing.put_right(results, tmp_path / "none") == []
    assert (results / "queue.csv").read_bytes() == typed


OLD_QUEUE = (
    "record_id,pmid,stage,state,first_run,title,authors,journal,year,score,band,terms,link,decision,reason,"
    "reviewer,note\n101,101,title-abstract,new,2020-02,,,,,0.5,read first,pain (+0.50),,{decision},,{reviewer},\n"
)


def test_an_untouched_queue_of_an_older_version_may_be_made_again(ledger_path, tmp_path):
    queue = tmp_path / "queue.csv"
    queue.write_text(OLD_QUEUE.format(decision="", reviewer=""))
    filing.refuse_unfiled(queue, ledger_path)


def test_what_was_typed_into_a_queue_of_an_older_version_is_kept_and_can_be_filed(ledger_path, tmp_path):
    queue = tmp_path / "queue.csv"
    queue.write_text(OLD_QUEUE.format(decision="include", reviewer="EX"))
    with pytest.raises(InputError, match=r"1 filled-in rows are not filed .* make decisions files them"):
        filing.refuse_unfiled(queue, ledger_path)
    assert filing.file(queue, ledger_path, **OPTIONS) == (1, 0)
    row = tables.read(ledger_path, "screening").iloc[-1]
    assert (row["record_id"], row["score"], row["band"], row["model"]) == ("101", 0.5, "read first", None)
    assert np.isnan(row["probability"])
    filing.refuse_unfiled(queue, ledger_path)


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
            "row 2, column reason: an exclusion on full text needs a reason; allowed: not_rct, not_retrieved",
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


class Crash(Exception):
    """Stands for the power that fails."""


@pytest.mark.parametrize("after", [False, True], ids=["before the new ledger is there", "after it"])
def test_filing_again_after_a_crash_files_nothing_twice(example_table, ledger_path, monkeypatch, after):
    old = ledger_path.read_bytes()
    queue = example_table("queue", FILLED)
    replace = os.replace

    def crash(*paths):
        if after:
            replace(*paths)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", crash)
        with pytest.raises(Crash):
            filing.file(queue, ledger_path, **OPTIONS)
    assert after or ledger_path.read_bytes() == old
    assert filing.file(queue, ledger_path, **OPTIONS) == ((0, 1) if after else (1, 0))
    assert tables.read(ledger_path, "screening")["record_id"].tolist() == ["102", "101"]


def test_two_reviewers_who_file_at_once_are_both_filed_once(example_table, ledger_path, tmp_path):
    jobs = [
        (
            example_table("queue", {"decision": "include", "reviewer": name}, path=tmp_path / f"{name}.csv"),
            name,
        )
        for name in "ABAB"
    ]
    options = OPTIONS | {"role": decisions.INDEPENDENT}
    with concurrent.futures.ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn")) as pool:
        done = [pool.submit(filing.file, path, ledger_path, owner=name, **options) for path, name in jobs]
        assert sorted(job.result() for job in done) == [(0, 1), (0, 1), (1, 0), (1, 0)]
    filed = tables.read(ledger_path, "screening")
    assert sorted(filed["reviewer"]) == ["A", "B", "EX"]


NAMES = ["Ann-Sofie B. Example", "Björn Sample"]
PANEL = {"reviewers": {"independent": 2, "names": NAMES}}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("AB", "ab"),
        ("Ann-Sofie B. Söder", "ann-sofie-b-soder"),
        ("../etc/passwd", "etc-passwd"),
        ("{run} $HOME *", "run-home"),
        ("Straße", "strasse"),
        ("山田 太郎", "山田-太郎"),
        ("...", ""),
    ],
)
def test_a_name_becomes_a_file_name_without_anything_that_a_path_or_a_shell_would_read(name, expected):
    assert filing.slug(name) == expected


def test_independent_reviewers_have_a_file_each_in_the_protocol_s_order():
    assert filing.own_queues(PANEL) == {
        "Ann-Sofie B. Example": "ann-sofie-b-example.csv",
        "Björn Sample": "bjorn-sample.csv",
    }
    assert filing.own_queues({}) == {}
    assert filing.own_queues({"reviewers": {"independent": 1, "names": NAMES}}) == {}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["A. B.", "A B"], "this name would have the file of A B; found 'A. B.'"),
        (["Queue", "B"], "this name cannot be the name of a file; found 'Queue'"),
        (["-", "B"], "this name cannot be the name of a file; found '-'"),
    ],
)
def test_names_that_cannot_be_told_apart_as_files_are_refused(names, message):
    with pytest.raises(InputError) as caught:
        filing.own_queues({"reviewers": {"independent": 2, "names": names}})
    assert f"key screening.reviewers.names: {message}; allowed: names that differ" in str(caught.value)


def stand(name, decision, role=decisions.INDEPENDENT, **cells):
    return {"reviewer": name, "decision": decision, "role": role} | cells


@pytest.fixture
def ask(example_frame):
    """What is asked of a reviewer: (record, state), of records 101 to 103 in the order 102, 101, 103."""

    def run(*held, name="A", names=("A", "B", "C"), states=("undecided", "undecided", "undecided")):
        ids = ("102", "101", "103")
        queue = example_frame(
            "queue",
            *(
                {"record_id": one, "state": state, "first_run": "2020-01", "score": "0.5", "note": "old"}
                for one, state in zip(ids, states, strict=True)
            ),
        )
        own = filing.own_queue(
            queue, example_frame("screening", *held), run="2020-02", name=name, names=names
        )
        assert set(own["reviewer"]) <= {name}
        assert own[["decision", "reason", "note"]].isna().all(axis=None)
        return list(zip(own["record_id"], own["state"], strict=True))

    return run


UNASKED = [("102", "undecided"), ("103", "undecided")]
EVERYTHING = [("102", "undecided"), ("101", "undecided"), ("103", "undecided")]


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ([], EVERYTHING),
        ([stand("B", "include")], EVERYTHING),
        ([stand("B", "awaiting")], EVERYTHING),
        ([stand("A", "include")], UNASKED),
        ([stand("A", "awaiting")], [*UNASKED, ("101", "awaiting")]),
        ([stand("A", "include"), stand("B", "exclude")], UNASKED),
        ([stand("B", "include"), stand("C", "exclude")], UNASKED),
        ([stand("A", "awaiting"), stand("B", "include")], UNASKED),
        (
            [stand("A", "include"), stand("B", "exclude"), stand("D", "include", "adjudicator")] * 2,
            EVERYTHING,
        ),
    ],
)
def test_a_reviewer_is_asked_what_they_have_not_decided_and_two_have_not_settled(ask, held, expected):
    if held and held[-1]["role"] == "adjudicator":  # and then B takes back what was settled
        held = [*held, stand("B", "exclude", note="sure")]
    assert ask(*held) == expected


def test_what_awaits_is_asked_of_those_who_said_so_and_of_all_where_they_left(ask):
    agreed = [stand("A", "awaiting"), stand("B", "awaiting")]
    states = ("undecided", "awaiting", "undecided")
    awaits = [*UNASKED, ("101", "awaiting")]
    assert ask(*agreed, states=states) == awaits
    assert ask(*agreed, states=states, name="C") == UNASKED
    assert ask(*agreed, states=states, name="C", names=["C", "B"]) == awaits
    assert ask(stand("E", "awaiting", None), states=states, name="C") == awaits
    assert ask(stand("E", "awaiting", None), stand("B", "include"), states=states, name="C") == awaits
    assert ask(*agreed, stand("A", "include"), states=states) == UNASKED
    assert ask(*agreed, stand("A", "include"), states=states, name="B") == awaits


def test_a_record_is_new_in_the_run_that_found_it(example_frame):
    queue = example_frame("queue", {"first_run": "2020-02", "state": "undecided"})
    own = filing.own_queue(queue, example_frame("screening"), run="2020-02", name="A", names=["A", "B"])
    assert own["state"].tolist() == ["new"]


IDS = [str(number) for number in range(1, 13)]
STAGES = ["title-abstract", "full-text"]


def master(example_frame, held):
    """The queue of all records for a ledger, in an order that only what is settled has a part in."""
    state = decisions.statuses(IDS, held, run="2020-02", stages=STAGES)
    asked = state[state["ask"].notna()]
    waits = asked["status"] == decisions.AWAITING
    rows = [
        {"record_id": row.record_id, "stage": row.ask, "state": word, "score": str(hash_of(row.record_id))}
        for word, part in (("undecided", asked[~waits]), ("awaiting", asked[waits]))
        for row in sorted(part.itertuples(), key=lambda row: (-hash_of(row.record_id), row.record_id))
    ]
    return example_frame("queue", *rows)


def hash_of(record_id):
    return int(record_id) * 7 % 5 / 10


def drawn(rng, names):
    """Rows of a ledger in which people of every role decide of every record, in any order."""
    people = [
        *((name, decisions.INDEPENDENT) for name in names * 3),
        ("D", decisions.ADJUDICATOR),
        ("E", None),
    ]
    rows = []
    for _ in range(30):
        name, role = people[rng.integers(len(people))]
        stage = STAGES[int(rng.random() < 0.3)]
        decision = ["include", "include", "exclude", "awaiting"][rng.integers(4)]
        cells = {"record_id": IDS[rng.integers(12)], "stage": stage, "reason": "not_rct", "note": "x"}
        rows.append(stand(name, decision, role, **cells))
    return rows


def test_no_record_is_asked_of_nobody(example_frame):
    n_conflicts = 0
    for seed in range(12):
        names = ["A", "B", "C"][: 2 + seed % 2]
        held = example_frame("screening", *drawn(np.random.default_rng(seed), names))
        queue = master(example_frame, held)
        together = decisions.standings(held, "2020-02")
        asked = {
            (row.record_id, row.stage)
            for name in names
            for row in filing.own_queue(queue, held, run="2020-02", name=name, names=names).itertuples()
        }
        everything = set(zip(queue["record_id"], queue["stage"], strict=True))
        conflicts = {key for key, one in together.items() if one.waits_for == decisions.ADJUDICATION}
        n_conflicts += len(conflicts & everything)
        assert asked == everything - conflicts
    assert n_conflicts > 0


@pytest.mark.parametrize("seed", range(4))
def test_nothing_that_the_other_says_shows_before_one_has_spoken(example_frame, seed):
    """Whatever B says of what A is asked and has not answered, A is shown the same file, to the byte."""
    rows = drawn(np.random.default_rng(seed), ["A", "B"])

    def shown(*more):
        held = example_frame("screening", *rows, *more)
        queue = master(example_frame, held)
        own = filing.own_queue(queue, held, run="2020-02", name="A", names=["A", "B"])
        return own, decisions.standings(held, "2020-02")

    own, together = shown()
    silent = [
        (row.record_id, row.stage)
        for row in own.itertuples()
        if "A" not in {one.reviewer for one in getattr(together.get((row.record_id, row.stage)), "open", ())}
    ]
    assert len(silent) > 2
    for record_id, stage in silent:
        for decision in ("include", "exclude", "awaiting"):
            cells = {"record_id": record_id, "stage": stage, "reason": "not_rct", "note": "y"}
            assert tables.to_csv(shown(stand("B", decision, **cells))[0]) == tables.to_csv(own)


@pytest.fixture
def results(tmp_path, example_table):
    """A run of a review of two reviewers, with its own queues and conflicts, all empty."""
    folder = tmp_path / "results/2020-02"
    example_table("queue", {}, {"record_id": "102"}, path=folder / "queue.csv")
    for name, file in filing.own_queues(PANEL).items():
        rows = [{"reviewer": name}, {"record_id": "102", "reviewer": name}]
        example_table("queue", *rows, path=folder / "queues" / file)
    example_table("conflicts", {}, path=folder / "conflicts.csv")
    example_table("screening", path=tmp_path / "data/decisions/screening.csv")
    example_table("pairs", path=tmp_path / "data/decisions/pairs.csv")
    (folder / "records.csv").write_text("record_id,title,duplicate_of\n101,Example,\n102,Sample,\n")
    return folder


def type_in(path, record_id, **cells):
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row.update(cells if row["record_id"] == record_id else {})
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def refuse(results, own):
    for path in filing.filled_in(results):
        filing.refuse_unfiled(
            path, results.parents[1] / "data/decisions/screening.csv", own=own, run="2020-02"
        )


@pytest.mark.parametrize(
    ("file", "independent", "hint"),
    [
        ("queues/bjorn-sample.csv", True, "make decisions files them"),
        ("conflicts.csv", True, "make decisions files them"),
        ("queue.csv", False, "make decisions files them"),
        ("queue.csv", True, "the protocol asks for two reviewers, who fill in "),
        (
            "queues/bjorn-sample.csv",
            False,
            "config.yaml does not name this reviewer as independent any more: ",
        ),
    ],
)
def test_no_file_with_entries_that_are_not_filed_is_made_again(results, file, independent, hint):
    own = filing.own_queues(PANEL) if independent else {}
    refuse(results, own)
    type_in(results / file, "101", note="ask")
    with pytest.raises(InputError) as caught:
        refuse(results, own)
    assert str(caught.value).startswith(
        f"{results / file}: 1 filled-in rows are not filed as decisions yet; found '101'; hint: {hint}"
    )
    assert str(caught.value).endswith("clear the cells if they were not meant. Nothing was changed")


@pytest.fixture
def decide(results, shipped):
    """Files everything of the run, or one file; returns the command's exit status."""
    review = results.parents[1]
    shipped["screening"] |= PANEL
    (review / "config.yaml").write_text(yaml.safe_dump(shipped | {"run": "2020-02"}), encoding="utf-8")

    def run(*options, minute=0):
        now = datetime.datetime(
            2020, 2, 15, 12, minute, tzinfo=datetime.timezone(datetime.timedelta(hours=2))
        )
        return file_decisions.main(["--directory", str(review), *options], now=now)

    run.filed = lambda: tables.read(review / "data/decisions/screening.csv", "screening")
    return run


def test_each_reviewer_s_own_file_is_filed_under_their_name(results, decide, capsys):
    for file, decision in (("ann-sofie-b-example", "include"), ("bjorn-sample", "exclude")):
        type_in(results / f"queues/{file}.csv", "101", decision=decision)
    assert decide() == 0
    assert capsys.readouterr().out == (
        "1 decision of Ann-Sofie B. Example filed for run 2020-02; 0 filled-in rows were filed before.\n"
        "1 decision of Björn Sample filed for run 2020-02; 0 filled-in rows were filed before.\n"
    )
    assert decide.filed()[["reviewer", "role", "decision", "decided_at"]].values.tolist() == [
        [NAMES[0], "independent reviewer", "include", "2020-02-15T10:00:00Z"],
        [NAMES[1], "independent reviewer", "exclude", "2020-02-15T10:00:00Z"],
    ]
    refuse(results, filing.own_queues(PANEL))
    type_in(results / "conflicts.csv", "101", decision="include", reviewer="Third", note="read together")
    assert decide(minute=5) == 0
    assert "1 adjudication filed for run 2020-02" in capsys.readouterr().out
    assert decisions.in_force(decide.filed(), "2020-02") == {"101": {"title-abstract": "include"}}
    assert decide(minute=9) == 0
    assert len(decide.filed()) == 3


def test_a_fault_in_one_reviewer_s_file_does_not_hold_up_the_other(results, decide, capsys):
    type_in(results / "queues/ann-sofie-b-example.csv", "101", decision="include", reviewer="Björn Sample")
    type_in(results / "queues/bjorn-sample.csv", "101", decision="exclude")
    assert decide() == 1
    error = capsys.readouterr().err
    assert "column reviewer: this is the file of Ann-Sofie B. Example; found 'Björn Sample'" in error
    assert error.endswith("No decisions of Ann-Sofie B. Example were filed.\n")
    assert decide.filed()["reviewer"].tolist() == ["Björn Sample"]


@pytest.mark.parametrize("file", ["queue.csv", "queues/carl.csv", "mine.csv"])
def test_nobody_decides_in_a_file_that_is_not_their_own(results, decide, example_table, capsys, file):
    path = example_table("queue", FILLED, path=results / file)
    assert decide("--queue", str(path)) == 1
    own = " or ".join(str(results / "queues" / one) for one in filing.own_queues(PANEL).values())
    assert capsys.readouterr().err == (
        f"{path}: the protocol asks for two independent reviewers, so nobody decides in this file; allowed: "
        f"{own}, or {results / 'conflicts.csv'}; hint: each fills in the file of their own name; a copy elsewhere "
        "keeps that name\nNo decisions were filed.\n"
    )
    assert len(decide.filed()) == 0


def test_where_one_reviewer_decides_nobody_decides_in_the_file_of_one_of_two(results):
    with pytest.raises(InputError) as caught:
        filing.whose(results / "queues/carl.csv", {})
    assert str(caught.value) == (
        f"{results / 'queues/carl.csv'}: the protocol asks for one reviewer, so nobody decides in this file; "
        f"allowed: {results / 'queue.csv'}"
    )
    assert filing.whose(results / "queue.csv", {}) == filing.whose("elsewhere/mine.csv", {}) == {}
