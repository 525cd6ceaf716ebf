"""A run's queue after more was decided."""

import pandas as pd
import pytest

from livingreview import tables
from livingreview.screening import queue as module

TA, FT = "title-abstract", "full-text"
RUN = "2020-02"


@pytest.fixture
def records(record):
    rows = [record(str(number), first_run="2020-01" if number < 103 else RUN) for number in range(101, 106)]
    rows.append(record("106", duplicate_of="101"))
    return pd.DataFrame(rows)


@pytest.fixture
def queue():
    """Four records, best first; what was typed into it does not matter here."""
    names = tables.columns("queue")
    rows = [
        dict.fromkeys(names)
        | {
            "record_id": one,
            "stage": TA,
            "state": "undecided",
            "first_run": first,
            "score": score,
            "note": "?",
        }
        for one, first, score in (
            ("104", RUN, 3.0),
            ("102", "2020-01", 2.0),
            ("103", RUN, 1.0),
            ("101", "2020-01", 0.0),
        )
    ]
    return pd.DataFrame(rows, columns=names)


def asked(queue, records, rows):
    found = module.still_asked(queue, records, rows, run=RUN, stages=[TA, FT])
    assert list(found.columns) == tables.columns("queue")
    assert found["note"].isna().all()
    return found[["record_id", "stage", "state"]].values.tolist()


def test_what_was_decided_since_is_gone_and_what_was_sent_on_has_its_new_stage(queue, records, ledger):
    rows = ledger(
        ("104", RUN, TA, "include"),
        ("102", RUN, TA, "exclude", {"reason": "review"}),
        ("103", RUN, TA, "awaiting"),
        ("105", "2020-01", TA, "exclude", {"reason": "review"}),
    )
    assert asked(queue, records, rows) == [
        ["104", FT, "new"],
        ["103", TA, "awaiting"],
        ["101", TA, "undecided"],
    ]


def test_a_record_that_waits_again_stands_last_and_has_no_rank(queue, records, ledger):
    rows = ledger(("105", "2020-01", TA, "exclude", {"reason": "review"}), ("105", RUN, TA, "withdrawn"))
    assert asked(queue, records, rows)[-1] == ["105", TA, "new"]
    last = module.still_asked(queue, records, rows, run=RUN, stages=[TA, FT]).iloc[-1]
    assert (pd.isna(last["score"]), last["band"], last["title"]) == (True, None, "Example")


def test_of_some_records_only_these_are_asked_for(queue, records, ledger):
    some = records[records["record_id"].isin(["103", "106"])]
    assert asked(queue, some, ledger()) == [["103", TA, "new"]]
    assert asked(queue.iloc[:0], some.iloc[:0], ledger()) == []
