"""Two reviewers who differ, and the person who settles it."""

import html
import re

import pandas as pd
import pytest
from desk.conftest import Client
from desk.two_reviewers import ANN, BO, FT, NAMES, TA, ask_two, file, ledger, said, waiting

from livingreview import tables
from livingreview.desk import standing
from livingreview.desk.conflicts import waiting as who_waits
from livingreview.desk.held import Held
from livingreview.desk.screening import work
from livingreview.screening import decisions

NOTE = "no comparison group"


@pytest.fixture
def review(built):
    """A review of which the two have said different things of one record, and one thing of another."""
    folder = built.folder
    ask_two(folder)
    first, second, third, *_ = waiting(folder, TA)
    file(
        folder,
        said(first, ANN, "include"),
        said(first, BO, "exclude", reason="not_rct", note=NOTE, at="2026-11-12T09:00:00Z"),
        said(second, ANN, "exclude"),
        said(second, BO, "exclude"),
        said(third, ANN, "include"),
    )
    return folder


def shown(answer):
    """The text of a page, as a person reads it."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def address(record_id, stage=TA):
    return f"/conflicts/record?record={record_id}&stage={stage}"


def token(client, path):
    return re.findall(r'name="seen" value="([^"]+)"', client.get(path).text)[-1]


def settle(client, record_id, *, stage=TA, seen=None, **fields):
    path = address(record_id, stage)
    fields = {"record": record_id, "stage": stage, "seen": seen or token(client, path), **fields}
    return client.post("/conflicts/record", page=path, **fields)


THIRD = {"way": "decided by a third person", "note": "the waiting list was drawn by lot"}


def test_what_two_said_differently_stands_side_by_side_with_the_criteria(review):
    first = waiting(review, TA)[0]
    client = Client(review, name="Cy Third")
    page = shown(client.get("/conflicts"))
    assert "Settle the first of 1" in page
    assert f"{ANN}: include · {BO}: exclude (Not a randomised controlled trial)" in page
    page = shown(client.get(address(first)))
    assert re.search(
        rf"{ANN} include 2026-11-10 {BO} exclude : Not a randomised controlled trial {NOTE}", page
    )
    assert "Randomised controlled trials" in page


def test_a_third_person_settles_it_and_the_ledger_says_how(review):
    first = waiting(review, TA)[0]
    answer = settle(Client(review, name="Cy Third"), first, decision="include", **THIRD)
    assert "Filed: include" in shown(answer)
    assert "No conflict waits." in shown(answer)
    row = ledger(review).iloc[-1]
    assert (row["record_id"], row["stage"], row["decision"], row["reviewer"], row["role"]) == (
        first,
        TA,
        "include",
        "Cy Third",
        "adjudicator",
    )
    assert row["note"] == "decided by a third person: the waiting list was drawn by lot"
    assert row["decided_at"] == "2026-11-15T12:00:00Z"
    assert decisions.in_force(ledger(review), "2026-11")[first] == {TA: "include"}


def test_one_of_the_two_settles_it_only_after_they_have_talked(review):
    first = waiting(review, TA)[0]
    client, before = Client(review, name=ANN), len(ledger(review))
    answer = settle(client, first, decision="include", **THIRD)
    assert (answer.status_code, "You are one of the two" in answer.text) == (422, True)
    assert THIRD["note"] in answer.text  # what was typed is still there
    assert len(ledger(review)) == before
    settle(client, first, decision="include", way="the two agreed after talking", note="drawn by lot")
    row = ledger(review).iloc[-1]
    assert (row["reviewer"], row["role"]) == (ANN, "adjudicator")
    assert row["note"] == "the two agreed after talking: drawn by lot"


def test_what_is_missing_is_said_and_nothing_is_filed(review):
    first, before, client = waiting(review, TA)[0], len(ledger(review)), Client(review, name="Cy Third")
    for fields, message in (
        ({"way": THIRD["way"], "note": "x"}, "Choose include, exclude or awaiting."),
        ({"decision": "include", "way": THIRD["way"]}, "An adjudication says why"),
        ({"decision": "include", "note": "x"}, "Say how it was settled"),
        ({"decision": "exclude", "reason": "no_such", **THIRD}, "no_such"),
    ):
        answer = settle(client, first, **fields)
        assert answer.status_code == 422
        assert message in html.unescape(answer.text)
    assert len(ledger(review)) == before


def test_an_adjudication_is_corrected_with_another_reason_and_both_stay(review):
    first = waiting(review, TA)[0]
    client = Client(review, name="Cy Third")
    settle(client, first, decision="include", **THIRD)
    assert "Correct" in shown(client.get("/conflicts"))
    answer = settle(client, first, decision="exclude", reason="not_rct", way=THIRD["way"], note="read again")
    assert "Filed: exclude" in shown(answer)
    rows = ledger(review)
    assert list(rows.loc[rows["record_id"] == first, "decision"]) == [
        "include",
        "exclude",
        "include",
        "exclude",
    ]
    assert decisions.in_force(rows, "2026-11")[first] == {TA: "exclude"}


def test_who_comes_second_is_told_what_the_first_decided_and_loses_nothing(review):
    first = waiting(review, TA)[0]
    one, other = Client(review, name="Cy Third"), Client(review, name="Di Fourth")
    seen = token(other, address(first))
    settle(one, first, decision="include", **THIRD)
    answer = settle(other, first, seen=seen, decision="exclude", way=THIRD["way"], note="my own view")
    assert answer.status_code == 409
    assert "my own view" in answer.text
    assert THIRD["note"] in answer.text
    assert ledger(review).iloc[-1]["reviewer"] == "Cy Third"


def test_what_a_reviewer_thinks_again_ends_the_conflict(review):
    first = waiting(review, TA)[0]
    file(review, said(first, BO, "include", note="read again", at="2026-11-14T09:00:00Z"))
    client = Client(review, name="Cy Third")
    assert client.get(address(first)).status_code == 404
    assert "No conflict waits." in shown(client.get("/conflicts"))


def test_an_exclusion_on_full_text_for_another_reason_is_a_conflict(review):
    first = waiting(review, FT)[0]
    file(
        review,
        said(first, ANN, "exclude", stage=FT, reason="not_rct"),
        said(first, BO, "exclude", stage=FT, reason="protocol"),
    )
    client = Client(review, name="Cy Third")
    page = client.get(address(first, FT))
    assert "Full text:" in shown(page)
    answer = settle(client, first, stage=FT, decision="exclude", **THIRD)
    assert (answer.status_code, "needs a reason" in answer.text) == (422, True)
    answer = settle(client, first, stage=FT, decision="exclude", reason="protocol", **THIRD)
    assert "Filed: exclude" in shown(answer)
    assert decisions.in_force(ledger(review), "2026-11")[first][FT] == "exclude"


def test_who_waits_for_whom_is_counted_with_the_age_of_the_oldest():
    records = [str(number) for number in range(1, 7)]
    rows = [
        said("1", ANN, "include"),
        said("2", ANN, "exclude", at="2026-11-01T09:00:00Z"),
        said("3", BO, "include"),
        said("4", ANN, "include"),
        said("4", BO, "exclude", at="2026-11-12T09:00:00Z"),
        said("5", ANN, "awaiting"),
    ]
    table = pd.DataFrame(rows).reindex(columns=tables.columns("screening"))
    table = table.astype(object).where(table.notna(), None)
    states = decisions.statuses(records, table, run="2026-11", stages=[TA])
    (found,) = who_waits.counts(
        states,
        decisions.standings(table, "2026-11"),
        run="2026-11",
        stages=[TA],
        names=list(NAMES),
        today="2026-11-15",
        first_runs=pd.Series("2026-11", index=records),
    )
    ann, bo = found["reviewers"]
    assert ann == {"name": ANN, "n": 2, "n_second": 1, "oldest": "2026-11-10", "days": 5, "n_awaiting": 0}
    assert bo == {"name": BO, "n": 4, "n_second": 3, "oldest": "2026-11-01", "days": 14, "n_awaiting": 0}
    assert (found["n_conflicts"], found["since"]) == (1, "2026-11-12")


def test_agreement_is_told_from_the_ledger_as_it_is_now(review):
    page = shown(Client(review, name=ANN).get("/conflicts"))
    assert "Two reviewers agreed on 1 of 2 records (50%" in page
    assert f"from November 2026. {ANN} and {BO}: 2." in page


def test_where_one_decides_alone_there_are_no_conflicts(client):
    page = shown(client.get("/conflicts"))
    assert "asks for one reviewer" in page
    assert "Who waits for whom" not in page
    assert client.get(address("1")).status_code == 404


def test_an_adjudication_that_was_typed_by_hand_is_filed_too(review):
    first, names = waiting(review, TA)[0], tables.columns("conflicts")
    row = {"record_id": first, "stage": TA, "differ_in": "decision", "reviewer_1": ANN, "reviewer_2": BO}
    row |= {"decision_1": "include", "decision_2": "exclude", "decision": "include"}
    row |= {"reviewer": "Cy Third", "note": "drawn by lot"}
    tables.write(pd.DataFrame([row]).reindex(columns=names), review / "results/2026-11/conflicts.csv")
    client = Client(review, name=ANN)
    assert "1 row of conflicts.csv was filled in by hand" in shown(client.get("/conflicts"))
    answer = client.post("/conflicts/file", page="/conflicts", file="conflicts.csv")
    assert "1 filed from conflicts.csv." in shown(answer)
    assert "No conflict waits." in shown(answer)


def test_what_each_of_two_is_asked_first_is_read_before_they_ask(review, monkeypatch):
    held = Held(review)
    work.read_ahead(held)
    for name in ("checked", "read_results"):
        monkeypatch.setattr(tables, name, lambda path, *_: pytest.fail(f"{path} was read again"))
    left = {name: work.waiting(held, work.seat(held, name)).count(TA) for name in NAMES}
    every = len(waiting(review, TA))
    assert left == {ANN: every - 3, BO: every - 2}
    assert [one.waits_for for one in standing.standings(held).values()].count(decisions.ADJUDICATION) == 1
