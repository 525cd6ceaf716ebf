"""The order of reading is renewed while somebody screens, if they ask for it, and nothing else is."""

import threading

import pytest
from desk.conftest import Client
from desk.test_desk_screening import TA, alerts, decide, last, ledger, order, press, shown
from desk.two_reviewers import ANN, BO, FT, ask_two, file, said, waiting

from livingreview import config as protocol
from livingreview import tables
from livingreview.desk.screening import ranking_anew, renewing
from livingreview.errors import ReviewError
from livingreview.screening import decisions as screening_decisions
from livingreview.screening import queue as screening_queue

RUN = "2026-11"


def anew(order, *, moved_up=(), n_more=1):
    return ranking_anew.Ranked(order, "Trained on 292.", 292, n_more, frozenset(moved_up))


def renewing_with(client, rank):
    """Let a client's desk rank by a function; returns the renewal of the person."""
    client.app.extensions["renewals"] = renewing.Renewals(rank)
    return client.app.extensions["renewals"].of("EX")


def switch(client):
    return client.post("/screening/renew", then="/screening")


def test_nothing_is_ranked_anew_until_it_is_switched_on(client):
    asked = []
    renewal = renewing_with(client, lambda *what: asked.append(what))
    before = order(client)
    assert "Renew the order as I decide" in client.get("/screening").text
    decide(client, "include")
    renewal.wait()
    assert asked == []
    assert order(client) == before[1:]


def test_the_order_that_a_ranking_gives_is_read_from_then_on_and_the_month_s_comes_back(client):
    ids = order(client)
    backwards = ids[::-1]
    asked = []

    def rank(*what):
        asked.append(what)
        return anew(backwards, moved_up=ids[-1:], n_more=12)

    renewal = renewing_with(client, rank)
    switch(client)
    renewal.wait()
    assert asked == [(client.desk.review, RUN, "EX")]
    assert order(client) == backwards
    page = client.get("/screening").text
    assert "learnt from 12 decisions more than the month’s own; 1 record moved up into “read first”" in page
    decide(client, "exclude")
    renewal.wait()
    assert len(asked) == 2
    assert last(client.desk.review)[0][0] == backwards[0]
    switch(client)
    assert order(client) == ids[:-1]
    assert "Order renewed" not in client.get("/screening").text
    decide(client, "exclude")
    renewal.wait()
    assert len(asked) == 2


def test_a_decision_is_filed_with_the_month_s_ranking_which_is_what_was_shown(client):
    folder = client.desk.review
    queue = tables.read(folder / f"results/{RUN}/queue.csv", "queue").set_index("record_id")
    first = order(client)[-1]
    switched = renewing_with(client, lambda *_: anew(order_now, moved_up=[first]))
    order_now = order(client)[::-1]
    switch(client)
    switched.wait()
    page = client.get("/screening").text
    assert shown(page)["record"] == first
    assert f'<span class="band">{queue.band[first]}</span>' in page
    decide(client, "include")
    row = ledger(folder).iloc[-1]
    assert row["record_id"] == first
    for name in ("band", "model", "score"):
        assert row[name] == queue.loc[first, name], name
    assert row["probability"] == queue.loc[first, "p_full_text"]
    switched.wait()


def test_after_a_decision_the_best_comes_next_wherever_in_a_renewed_order_it_was_made(client):
    ids = order(client)
    renewal = renewing_with(client, lambda *_: anew([*ids[2:], *ids[:2]]))
    page = client.get("/screening").text
    switch(client)
    renewal.wait()
    answer = client.post("/screening/decide", **shown(page), decision="exclude")
    assert last(client.desk.review)[0][0] == ids[0]
    assert answer.request.args["record"] == ids[2]
    assert client.post("/screening/skip", stage=TA, record=ids[2]).request.args["record"] == ids[3]
    renewal.wait()


def test_decisions_never_wait_for_a_ranking_and_the_last_of_those_asked_for_is_made(client):
    begun, go = threading.Event(), threading.Event()
    ids = order(client)
    n_rows = []

    def rank(folder, *_):
        n_rows.append(len(ledger(folder)))
        begun.set()
        assert go.wait(60)
        return anew(ids)

    n = len(ledger(client.desk.review))
    renewal = renewing_with(client, rank)
    switch(client)
    assert begun.wait(60)
    assert "is being renewed" in client.get("/screening").text
    for _ in range(3):
        decide(client, "exclude")
    assert n_rows == [n]
    go.set()
    renewal.wait()
    assert n_rows == [n, n + 3]


def test_a_ranking_that_fails_is_told_and_the_order_stays(client, caplog):
    def rank(*_):
        raise ReviewError("no space left")

    renewal = renewing_with(client, rank)
    before = order(client)
    switch(client)
    renewal.wait()
    assert "could not be renewed and stays as it was: No space left." in client.get("/screening").text
    assert order(client) == before
    assert "the order was not renewed" in caplog.text


def test_too_few_decisions_are_told_and_where_there_are_none_nothing_is_offered(client):
    renewal = renewing_with(
        client, lambda *_: anew(None)._replace(explanation="Too few decisions to learn from: 1 included.")
    )
    before = order(client)
    switch(client)
    renewal.wait()
    page = client.get("/screening").text
    assert "The order stays as it was. Too few decisions to learn from: 1 included." in page
    assert order(client) == before
    switch(client)
    ranking = client.desk.review / f"results/{RUN}/ranking.json"
    tables.write_json(tables.read_json(ranking) | {"model": None}, ranking)
    assert "Renew the order" in client.get("/screening").text  # the ledger has enough by now
    config = client.desk.review / "config.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("minimum_included: 10", "minimum_included: 5000"), encoding="utf-8")
    assert protocol.load(config)["screening"]["ranking"]["minimum_included"] == 5000
    assert "Renew the order" not in client.get("/screening").text
    assert "too few decisions to learn from" in switch(client).text
    assert alerts(client.get("/screening")) == []


def test_what_more_or_fewer_decisions_taught_is_told_in_words(client):
    found = {
        1: "learnt from 1 decision more",
        -2: "learnt from 2 decisions fewer",
        0: "no further decision is in force.",
    }
    for n_more, words in found.items():
        renewal = renewing_with(client, lambda *_, n_more=n_more: anew(["1"], n_more=n_more))
        switch(client)
        renewal.wait()
        assert f"Order renewed: {words}" in client.get("/screening").text


def test_a_queue_is_ranked_anew_after_a_decision_and_a_large_one_after_more():
    assert [renewing.needed(n) for n in (0, 29, 999, 1000, 20_000)] == [1, 1, 1, 2, 21]


def test_a_process_of_its_own_ranks_as_the_workflow_would_with_what_was_decided_since(client):
    folder = client.desk.review
    ids = order(client)
    for one in ids[:2]:
        decide(client, "exclude", of=one)
    found = ranking_anew.in_process(folder, RUN, "EX")
    config = protocol.load(folder / "config.yaml", run=RUN)
    records = tables.read_results(folder / f"results/{RUN}/records.csv")
    chosen = tables.read_json(folder / f"results/{RUN}/backtest.json")
    queue, about = screening_queue.build(
        records,
        screening_decisions.under_kept(ledger(folder), screening_decisions.kept_ids(records), run=RUN),
        run=RUN,
        stages=config["screening"]["stages"],
        ranking=config["screening"]["ranking"],
        protocol=screening_queue.protocol_text(config["review"]["question"], config["eligibility"]),
        chosen={label: one["choice"]["chosen"] for label, one in chosen.items()},
    )
    assert found.order == list(queue["record_id"])
    assert not set(found.order) & set(ids[:2])
    assert (found.n_learnt, found.n_more) == (about["training"]["full-text"]["n"], 2)
    assert found.explanation == about["explanation"]


def test_a_process_that_cannot_rank_says_why(client):
    (client.desk.review / f"results/{RUN}/backtest.json").unlink()
    with pytest.raises(ReviewError, match=r"backtest\.json.*there is no such file"):
        ranking_anew.in_process(client.desk.review, RUN, "EX")


def test_one_reviewer_s_order_is_the_same_whatever_the_other_said_first(built_once, tmp_path):
    found = []
    for number, decision in enumerate(["include", "exclude"]):
        folder = built_once.copy(tmp_path / str(number) / "review").folder
        ask_two(folder)
        for stage in (TA, FT):
            reason = "not_rct" if decision == "exclude" else None
            file(
                folder,
                *(said(one, BO, decision, stage=stage, reason=reason) for one in waiting(folder, stage)[:3]),
            )
        # What both agree on is in force, and both have seen it.
        both = waiting(folder, TA)[3]
        file(folder, said(both, ANN, "exclude"), said(both, BO, "exclude"))
        found.append(ranking_anew.ranked(folder, RUN, ANN))
    assert found[0] == found[1]
    assert found[0].n_more == 1
    assert both not in found[0].order


def test_that_renewing_is_offered_tells_nothing_of_the_other(built):
    folder = built.folder
    ask_two(folder)
    path = folder / f"results/{RUN}/ranking.json"
    tables.write_json(tables.read_json(path) | {"model": None}, path)
    none = ledger(folder).iloc[:0]
    tables.write(none, folder / "data/decisions/screening.csv")
    ids = waiting(folder, FT)
    file(folder, *(said(one, BO, "include") for one in ids[:11]))
    file(folder, *(said(one, BO, "exclude") for one in ids[11:22]))
    assert "Renew the order" in Client(folder, name=BO).get("/screening").text
    assert "Renew the order" not in Client(folder, name=ANN).get("/screening").text


def test_the_switch_is_a_key_and_what_it_does_is_told(built, open_desk):
    ids = waiting(built.folder, TA)
    renewals = renewing.Renewals(lambda *_: anew(ids[::-1]))

    def prepare(made):
        made.extensions["renewals"] = renewals

    page = open_desk(built.folder, path="/screening", prepare=prepare)
    assert page.get_attribute("button[value=renewed]", "aria-pressed") == "false"
    page.keyboard.press("R")
    page.wait_for_selector("button[value=renewed][aria-pressed=true]")
    press(page, "e")
    renewals.of("EX").wait()
    page.reload()
    assert page.locator("text=Order renewed: learnt from 1 decision more than the month’s own.").count() == 1
    press(page, "e")
    assert last(built.folder, 1)[0][2] == "exclude"
    page.keyboard.press("R")
    page.wait_for_selector("button[value=renewed][aria-pressed=false]")
    assert page.locator("text=Order renewed").count() == 0


def test_no_client_of_another_name_reads_in_this_one_s_order(built):
    one = Client(built.folder)
    ids = order(one)
    renewal = renewing_with(one, lambda *_: anew(ids[::-1]))
    switch(one)
    renewal.wait()
    one.post("/who", name="Other")
    assert order(one) == ids
    one.post("/who", name="EX")
    assert order(one) == ids[::-1]
