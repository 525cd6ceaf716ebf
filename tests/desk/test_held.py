"""What the desk holds in memory is what is on disk."""

import os
import threading

import pytest

from livingreview import tables
from livingreview.desk import held as room
from livingreview.desk.held import Held
from livingreview.errors import InputError


@pytest.fixture
def counted(tmp_path):
    """A `Held`, and a function that reads a file through it and counts how often it was read."""
    held, read = Held(tmp_path), []

    def text(name="a.txt"):
        return held.derived(name, [name], lambda path: read.append(name) or path.read_text())

    text.read, text.held = read, held
    return text


def test_a_file_is_read_once_and_again_when_it_has_changed(counted, tmp_path):
    (tmp_path / "a.txt").write_text("one")
    assert [counted(), counted()] == ["one", "one"]
    new = tmp_path / "b.txt"
    new.write_text("two")
    os.replace(new, tmp_path / "a.txt")
    assert [counted(), counted()] == ["two", "two"]
    assert counted.read == ["a.txt", "a.txt"]


def test_a_file_that_was_replaced_within_the_same_moment_is_seen(counted, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("one")
    first = path.stat()
    counted()
    new = tmp_path / "b.txt"
    new.write_text("two")
    os.utime(new, ns=(first.st_mtime_ns, first.st_mtime_ns))
    os.replace(new, path)
    assert counted() == "two"


def test_what_this_process_wrote_is_not_read_again(counted, tmp_path):
    (tmp_path / "a.txt").write_text("one")
    counted.held.replace("a.txt", ["a.txt"], "told")
    assert (counted(), counted.read) == ("told", [])


@pytest.mark.parametrize(
    ("path", "hint"), [("results/2026-11/queue.csv", "build the month first"), ("data/x.csv", "restore it")]
)
def test_a_file_that_is_missing_is_named_with_what_to_do(tmp_path, path, hint):
    with pytest.raises(InputError, match=f"{path}: there is no such file; hint: {hint}"):
        Held(tmp_path).table(path)


def test_the_month_is_the_latest_with_a_queue_until_a_later_one_is_built(tmp_path):
    held = Held(tmp_path)
    for run in ("2026-02", "2026-10"):
        (tmp_path / "results" / run).mkdir(parents=True)
        (tmp_path / "results" / run / "queue.csv").touch()
    (tmp_path / "results/2026-11").mkdir()
    (tmp_path / "results/not-a-month").mkdir()
    assert held.run() == "2026-10"
    (tmp_path / "results/2026-11/queue.csv").touch()
    assert held.run() == "2026-11"
    assert Held(tmp_path, run="2026-02").run() == "2026-02"
    (tmp_path / "results/2026-11/queue.csv").unlink()  # a run makes it anew
    assert (held.run(), Held(tmp_path).run()) == ("2026-11", "2026-10")


def test_what_takes_long_holds_up_nobody_who_asks_for_something_else(tmp_path):
    held, begun, finish = Held(tmp_path), threading.Event(), threading.Event()
    for name in ("a", "b"):
        (tmp_path / name).touch()

    def slowly(_):
        begun.set()
        finish.wait(timeout=30)
        return "late"

    answers = []
    thread = threading.Thread(target=lambda: answers.append(held.derived("slow", ["a"], slowly)))
    thread.start()
    begun.wait(timeout=30)
    assert held.derived("quick", ["b"], lambda _: "at once") == "at once"
    finish.set()
    thread.join()
    assert answers == ["late"]


def test_two_who_ask_for_the_same_make_it_once(tmp_path):
    held, made = Held(tmp_path), []
    (tmp_path / "a").touch()
    ask = [
        threading.Thread(target=lambda: held.derived("one", ["a"], lambda _: made.append(1) or "made"))
        for _ in range(8)
    ]
    for thread in ask:
        thread.start()
    for thread in ask:
        thread.join()
    assert made == [1]


def test_memory_holds_a_bounded_number_of_answers(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "MOST", 3)
    (tmp_path / "a").touch()
    held, made = Held(tmp_path), []
    for key in (0, 1, 2, 0, 3, 0, 1):
        held.derived(key, ["a"], lambda _, key=key: made.append(key) or key)
    assert made == [0, 1, 2, 3, 1]


def test_results_that_a_step_is_making_anew_are_those_from_before_until_they_are_there(tmp_path):
    held = Held(tmp_path)
    results, people = tmp_path / "results/2026-11/records.csv", tmp_path / "ledger.csv"
    results.parent.mkdir(parents=True)
    results.write_text("one ")
    people.write_text("first")

    def records():
        return held.derived("records", ["results/2026-11/records.csv"], lambda path: path.read_text())

    def both():
        paths = ["ledger.csv", "results/2026-11/records.csv"]
        return held.derived("both", paths, lambda ledger, _: records() + ledger.read_text())

    assert both() == "one first"
    results.unlink()
    assert (records(), both()) == ("one ", "one first")
    # What people do meanwhile counts at once.
    people.write_text("second")
    assert both() == "one second"
    results.write_text("two ")
    assert both() == "two second"
    people.unlink()
    with pytest.raises(InputError, match=r"ledger\.csv: there is no such file"):
        both()


def test_a_table_that_a_review_may_do_without_has_no_rows_until_it_is_there(tmp_path):
    held, path = Held(tmp_path), "data/certainty/ratings.csv"
    empty = held.table(path, "ratings", optional=True)
    assert (len(empty), list(empty.columns)) == (0, tables.columns("ratings"))
    with pytest.raises(InputError, match="there is no such file"):
        held.table(path, "ratings")


def test_what_is_made_of_a_file_that_may_be_missing_is_made_again_once_it_is_there(tmp_path):
    held = Held(tmp_path)

    def found():
        return held.derived("a", ["a.txt"], lambda path: path.is_file(), optional=True)

    assert found() is False
    (tmp_path / "a.txt").write_text("one")
    assert found() is True
