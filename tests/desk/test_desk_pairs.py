"""Pairs of records that may be one, side by side, and the verdicts on them."""

import html
import re

import pytest
from desk.conftest import Client

from livingreview import tables
from livingreview.desk.conflicts import verdicts


@pytest.fixture
def pair(client):
    """The first pair that waits."""
    found = tables.read(client.desk.review / "results/2026-11/pairs.csv", "pair_queue").iloc[0]
    return found["record_a"], found["record_b"]


def shown(answer):
    """The text of a page, as a person reads it."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def judge(client, pair, verdict, *, seen=None, note=""):
    path = f"/conflicts/pair?a={pair[0]}&b={pair[1]}"
    seen = seen or re.search(r'name="seen" value="([^"]+)"', client.get(path).text)[1]
    return client.post(
        "/conflicts/pair", page=path, a=pair[0], b=pair[1], seen=seen, verdict=verdict, note=note
    )


def filed(client):
    return tables.read(client.desk.review / "data/decisions/pairs.csv", "pairs")


def test_what_differs_is_marked_and_what_one_does_not_say_is_not():
    a = {"title": "The Pain Course", "year": "2018", "doi": None, "abstract": "We asked 40 people."}
    b = {
        "title": "The pain course: a trial",
        "year": "2018",
        "doi": "10.1/x",
        "abstract": "We asked 41 people.",
    }
    found = {row["label"]: row for row in verdicts.compared(a, b)}
    assert list(found) == ["Title", "Year", "DOI", "Abstract"]
    assert {label: row["differs"] for label, row in found.items()} == {
        "Title": True,
        "Year": False,
        "DOI": None,
        "Abstract": True,
    }
    assert found["Title"]["b"] == [("The pain course: ", False), ("a trial", True)]
    assert found["Abstract"]["a"] == [("We asked ", False), ("40 ", True), ("people.", False)]
    assert found["DOI"]["b"] == [("10.1/x", False)]


def test_a_verdict_is_filed_and_the_next_pair_shown(client, pair):
    path = client.desk.review / "results/2026-11/pairs.csv"
    n, before = len(tables.read(path, "pair_queue")), len(filed(client))
    answer = judge(client, pair, "same_study", note="same registration")
    assert f"Filed: same study, another report. {n - 1} left." in shown(answer)
    rows = filed(client)
    assert len(rows) == before + 1
    assert list(rows.iloc[-1]) == [*pair, "same_study", "EX", "2026-11", "2026-11-15", "same registration"]
    assert f"{n - 1} pairs of records wait" in shown(client.get("/conflicts"))


def test_a_verdict_is_corrected_only_with_a_reason_and_both_stay(client, pair):
    judge(client, pair, "same_study")
    answer = judge(client, pair, "different")
    assert answer.status_code == 422
    assert "A correction says why" in shown(answer)
    judge(client, pair, "different", note="other people")
    assert list(filed(client)["verdict"].tail(2)) == ["same_study", "different"]
    judge(client, pair, "same_study", note="the same people after all")
    assert list(filed(client)["verdict"].tail(3)) == ["same_study", "different", "same_study"]
    answer = judge(client, pair, "different", note="other people")
    assert "say in the note why it is changed back" in shown(answer)


def test_who_comes_second_is_told_the_first_verdict(client, pair):
    other = Client(client.desk.review, name="FY")
    path = f"/conflicts/pair?a={pair[0]}&b={pair[1]}"
    seen = re.search(r'name="seen" value="([^"]+)"', other.get(path).text)[1]
    judge(client, pair, "same_study", note="same registration")
    answer = judge(other, pair, "different", seen=seen, note="my own view")
    assert answer.status_code == 409
    assert "my own view" in answer.text
    assert "EX: same study, another report same registration" in shown(answer)
    assert len(filed(client)) == 1


def test_records_that_were_decided_differently_are_not_made_one(client, pair):
    review = client.desk.review
    path = review / "data/decisions/screening.csv"
    row = tables.read(path, "screening").iloc[:1].assign(run="2026-11", stage="title-abstract", reason=None)
    for record_id, decision in zip(pair, ("exclude", "include"), strict=True):
        tables.append(row.assign(record_id=record_id, decision=decision), path, "screening")
    answer = judge(client, pair, "same_record")
    assert answer.status_code == 422
    assert "The two are decided differently (title-abstract)" in shown(answer)
    assert len(filed(client)) == 0


def test_what_is_no_pair_of_known_records_is_not_shown(client, pair):
    for a, b in ((pair[0], pair[0]), (pair[0], "nothing"), ("", "")):
        assert client.get(f"/conflicts/pair?a={a}&b={b}").status_code == 404
    assert judge(client, pair, "perhaps").status_code == 422


def test_what_was_filled_in_by_hand_is_said_and_filed_as_make_decisions_does(client, pair):
    path = client.desk.review / "results/2026-11/pairs.csv"
    table = tables.read(path, "pair_queue")
    table.loc[0, ["verdict", "reviewer"]] = ["different", "FY"]
    tables.write(table, path)
    assert "1 row of pairs.csv was filled in by hand and is not filed." in shown(client.get("/conflicts"))
    answer = client.post("/conflicts/file", page="/conflicts", file="pairs.csv")
    assert "1 filed from pairs.csv." in shown(answer)
    assert list(filed(client)[["record_a", "verdict", "reviewer"]].iloc[-1]) == [pair[0], "different", "FY"]
    assert client.post("/conflicts/file", file="../config.yaml").status_code == 400
