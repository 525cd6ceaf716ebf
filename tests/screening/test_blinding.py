"""What a reviewer may see of the ledger while the other has not decided."""

import pytest

from livingreview.screening import blinding
from livingreview.screening import decisions as ledger_of

TA, FT = ledger_of.TITLE_ABSTRACT, ledger_of.FULL_TEXT
ANN, BEA = (
    {"reviewer": "Ann", "role": ledger_of.INDEPENDENT},
    {"reviewer": "Bea", "role": ledger_of.INDEPENDENT},
)
ADJUDICATED = {"reviewer": "Cleo", "role": ledger_of.ADJUDICATOR, "note": "as agreed"}
NAMES = ["Ann", "Bea"]


def seen(ledger, rows, name, names=NAMES):
    return blinding.shown_to(ledger(*rows), name=name, names=names).index.tolist()


def test_what_one_has_said_is_hidden_from_the_other_alone(ledger):
    rows = [("101", "2020-01", TA, "exclude", ANN), ("102", "2020-01", TA, "include", BEA)]
    assert seen(ledger, rows, "Ann") == [0]
    assert seen(ledger, rows, "Bea") == [1]
    assert seen(ledger, rows, "Cleo") == [0, 1]
    assert seen(ledger, rows, "Ann", names=[]) == [0, 1]


def test_all_that_one_said_in_an_open_round_is_hidden(ledger):
    rows = [("101", "2020-01", TA, "exclude", ANN), ("101", "2020-01", TA, "include", ANN | {"note": "no"})]
    assert seen(ledger, rows, "Bea") == []


@pytest.mark.parametrize("second", ["include", "exclude"])
def test_once_both_have_decided_everything_is_shown_whether_they_agree_or_not(ledger, second):
    rows = [("101", "2020-01", TA, "exclude", ANN), ("101", "2020-01", TA, second, BEA)]
    assert seen(ledger, rows, "Ann") == seen(ledger, rows, "Bea") == [0, 1]


def test_a_round_that_is_opened_again_hides_what_is_new_and_not_what_was_settled(ledger):
    rows = [
        ("101", "2020-01", TA, "exclude", ANN),
        ("101", "2020-01", TA, "include", BEA),
        ("101", "2020-01", TA, "exclude", ADJUDICATED),
        ("101", "2020-02", TA, "include", ANN | {"note": "misread"}),
    ]
    assert seen(ledger, rows, "Bea") == [0, 1, 2]
    assert seen(ledger, rows, "Ann") == [0, 1, 2, 3]


def test_stages_are_blind_each_by_itself(ledger):
    rows = [
        ("101", "2020-01", TA, "include", ANN),
        ("101", "2020-01", TA, "include", BEA),
        ("101", "2020-01", FT, "include", BEA),
    ]
    assert seen(ledger, rows, "Ann") == [0, 1]


def test_later_runs_are_left_out(ledger):
    found = ledger(("101", "2020-01", TA, "include"), ("101", "2020-03", TA, "exclude", {"note": "x"}))
    assert blinding.shown_to(found, name="EX", names=[], run="2020-02").index.tolist() == [0]
