"""Saving from the desk: the bytes that the workflow's own commands would write, and nobody's work lost."""

import string
import threading

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livingreview import tables
from livingreview.desk import saving
from livingreview.desk.held import Held
from livingreview.errors import InputError

LEDGER = "data/decisions/screening.csv"
HEADER = ",".join(tables.columns("screening")) + "\n"
TEXTS = st.none() | st.text(alphabet=string.ascii_letters + " ,;=+-'\"\r\nåß𝛽", min_size=1, max_size=12)


@st.composite
def rows(draw):
    """A decision, good or with a stage that does not exist."""
    return {
        "record_id": draw(st.sampled_from(["11111111", "22222222", "doi:10.1000/x,y"])),
        "run": "2026-11",
        "stage": draw(st.sampled_from(["title-abstract", "title-abstract", "full-text", "half-text"])),
        "decision": "include",
        "reason": None,
        "reviewer": "EX",
        "role": None,
        "decided_at": "2026-11-15T12:00:00Z",
        "note": draw(TEXTS),
        "score": draw(st.none() | st.floats(-5, 5)),
        "probability": draw(st.none() | st.floats(0, 1)),
        "band": draw(TEXTS),
        "model": None,
    }


def frame(*given):
    return pd.DataFrame(given, columns=tables.columns("screening")).astype(
        {"score": "float64", "probability": "float64"}
    )


def decision(record_id="11111111", *, reviewer="EX", note=None):
    values = ["2026-11", "title-abstract", "include", None, reviewer, None, "2026-11-15", note]
    return frame(
        dict(zip(tables.columns("screening"), [record_id, *values, None, None, None, None], strict=True))
    )


@pytest.fixture
def review(tmp_path):
    """A review's folder with an empty ledger."""
    path = tmp_path / "review" / LEDGER
    path.parent.mkdir(parents=True)
    path.write_text(HEADER, encoding="utf-8")
    return tmp_path / "review"


def said(act):
    try:
        act()
    except InputError as error:
        return str(error)
    return None


@given(
    begin=st.sampled_from([HEADER, "\ufeff" + HEADER.replace("\n", "\r\n"), HEADER.rstrip("\n")]),
    batches=st.lists(st.lists(rows(), min_size=1, max_size=2), min_size=1, max_size=3),
)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_added_without_a_look_at_the_old_ones_give_the_bytes_of_a_full_check(review, batches, begin):
    fast, slow = review / LEDGER, review / "other" / "screening.csv"
    slow.parent.mkdir(exist_ok=True)
    for path in (fast, slow):
        path.write_bytes(begin.encode())
    held = Held(review)
    for batch in batches:

        def add(batch=batch):
            with saving.changing(held, LEDGER, "screening") as table:
                table.append(frame(*batch))

        told = said(add)
        wanted = said(lambda batch=batch: tables.append(frame(*batch), slow, "screening"))
        assert (told or "").replace(str(fast), "") == (wanted or "").replace(str(slow), "")
        assert fast.read_bytes() == slow.read_bytes()
        pd.testing.assert_frame_equal(held.table(LEDGER, "screening"), tables.read(slow, "screening"))


def test_what_is_added_is_known_at_once_and_read_from_disk_no_second_time(review, monkeypatch):
    held = Held(review)
    held.table(LEDGER, "screening")
    monkeypatch.setattr(tables, "checked", lambda *_: pytest.fail("the file was read again"))
    for number in range(3):
        with saving.changing(held, LEDGER, "screening") as table:
            table.append(decision(note=f"note {number}"))
    assert held.table(LEDGER, "screening")["note"].tolist() == ["note 0", "note 1", "note 2"]


def test_what_was_typed_into_the_file_meanwhile_is_kept_and_checked(review):
    held = Held(review)
    held.table(LEDGER, "screening")
    with saving.changing(held, LEDGER, "screening") as table:
        # An editor takes no lock; the same size and time stamp would not hide it either.
        with (review / LEDGER).open("a", encoding="utf-8") as file:
            file.write("22222222,2026-11,title-abstract,exclude,,BY HAND,,2026-11-14,,,,,\n")
        table.append(decision())
    assert held.table(LEDGER, "screening")["reviewer"].tolist() == ["BY HAND", "EX"]


def test_a_ledger_that_somebody_broke_is_not_written_to(review):
    held = Held(review)
    held.table(LEDGER, "screening")
    broken = HEADER + "no id,2026-11,title-abstract,include,,EX,,2026-11-14,,,,,\n"
    (review / LEDGER).write_text(broken, encoding="utf-8")
    with saving.changing(held, LEDGER, "screening") as table, pytest.raises(InputError, match="row 2"):
        table.append(decision())
    assert (review / LEDGER).read_text(encoding="utf-8") == broken


def test_a_ledger_of_an_older_version_gets_its_new_columns_once(review):
    old = HEADER.replace(",role", "").replace(",probability", "").replace(",model", "")
    (review / LEDGER).write_text(old, encoding="utf-8")
    held = Held(review)
    for _ in range(2):
        with saving.changing(held, LEDGER, "screening") as table:
            table.append(decision())
    pd.testing.assert_frame_equal(held.table(LEDGER, "screening"), tables.read(review / LEDGER, "screening"))
    assert len(held.table(LEDGER, "screening")) == 2


def test_a_whole_table_is_replaced_only_by_one_that_can_be_read(review):
    held = Held(review)
    with saving.changing(held, LEDGER, "screening") as table:
        table.write(decision())
        with pytest.raises(InputError, match="allowed: title-abstract, full-text"):
            table.write(decision().assign(stage="half-text"))
    assert held.table(LEDGER, "screening")["record_id"].tolist() == ["11111111"]


def test_a_token_stands_for_rows_and_not_for_the_rest_of_the_table(review):
    held = Held(review)
    tables.append(decision("11111111"), review / LEDGER, "screening")

    def own():
        ledger = held.table(LEDGER, "screening")
        return ledger[ledger["record_id"] == "11111111"]

    token = saving.seen(own())
    tables.append(decision("22222222"), review / LEDGER, "screening")
    saving.refuse_changed(own(), token, what="record 11111111")
    tables.append(decision("11111111", reviewer="AB"), review / LEDGER, "screening")
    with pytest.raises(saving.Changed, match="record 11111111 was changed by somebody else") as stop:
        saving.refuse_changed(own(), token, what="record 11111111", shown=own()[["reviewer"]])
    assert stop.value.rows["reviewer"].tolist() == ["EX", "AB"]


def test_two_desks_and_a_command_that_write_at_once_lose_nothing(review):
    def at_a_desk(name):
        held = Held(review)
        for number in range(8):
            with saving.changing(held, LEDGER, "screening") as table:
                table.append(decision(f"1{number}", reviewer=name))

    def by_command(name):
        for number in range(8):
            tables.append(decision(f"1{number}", reviewer=name), review / LEDGER, "screening")

    writers = [(at_a_desk, "AB"), (at_a_desk, "CD"), (by_command, "EF")]
    threads = [threading.Thread(target=act, args=(name,)) for act, name in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger = tables.read(review / LEDGER, "screening")
    for _, name in writers:
        assert ledger.loc[ledger["reviewer"] == name, "record_id"].tolist() == [f"1{n}" for n in range(8)]
    assert len(ledger) == 24


def test_of_two_who_change_the_same_the_later_one_is_told_whatever_the_order(review):
    told = []

    def decide(name, token):
        held = Held(review)
        with saving.changing(held, LEDGER, "screening") as table:
            try:
                saving.refuse_changed(table.frame, token, what="record 11111111")
                table.append(decision(reviewer=name))
            except saving.Changed as error:
                told.append((name, error.rows["reviewer"].tolist()))

    token = saving.seen(Held(review).table(LEDGER, "screening"))
    names = [f"R{number}" for number in range(6)]
    threads = [threading.Thread(target=decide, args=(name, token)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first = tables.read(review / LEDGER, "screening")["reviewer"].tolist()
    assert len(first) == 1
    assert sorted(told) == sorted((name, first) for name in names if name not in first)


def test_a_table_that_a_review_may_do_without_is_begun_with_its_first_row(review):
    held, path = Held(review), "data/methods/changes.csv"
    row = {
        "key": "analysis.level",
        "before": "0.9",
        "after": "0.95",
        "reason": "as the journal asks",
        "by": "EX",
        "run": "2026-11",
        "decided_at": "2026-11-15T12:00:00Z",
    }
    saving.add(held, path, "methods_changes", row)
    saving.add(held, path, "methods_changes", row | {"after": "0.99"})
    assert list(tables.read(review / path, "methods_changes")["after"]) == ["0.95", "0.99"]
    with pytest.raises(InputError):
        saving.add(held, path, "methods_changes", row | {"run": "a month"})
    assert len(tables.read(review / path, "methods_changes")) == 2
