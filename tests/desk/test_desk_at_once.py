"""Two people at two desks of one review, and a command that files meanwhile: nothing is lost."""

import datetime
import re
import threading

from desk import much_to_do
from desk.conftest import NOW, Client

from livingreview import tables
from livingreview.screening import decisions, filing


def form(client, record):
    """What the form of a record holds."""
    text = client.get(f"/screening?stage=title-abstract&record={record}").text
    names = ("csrf_token", "record", "stage", "seen")
    return {name: re.search(rf'name="{name}" value="([^"]*)"', text)[1] for name in names}


def decide(client, fields, decision, note):
    """The answer to a decision."""
    fields = fields | {"decision": decision, "note": note}
    return client.http.post("/screening/decide", data=fields, base_url=client.base)


def at_once(*acts):
    threads = [threading.Thread(target=act) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_what_two_desks_and_a_command_file_at_once_is_all_there(built):
    run = much_to_do.fill(built)
    first, second = Client(built.folder, name="AB"), Client(built.folder, name="CD", port=8643)
    before = len(tables.read(built.path(filing.LEDGER), "screening"))
    queue = built.path("results", run, "queue.csv")
    typed = tables.read(queue, "queue")
    by_hand = typed["record_id"].isin(much_to_do.IDS[20:40])
    typed.loc[by_hand, ["decision", "reviewer"]] = ["include", "HAND"]
    copy = built.path("typed.csv")
    tables.write(typed[by_hand], copy)

    def sit(client, ids):
        fields = form(client, ids[0])
        for record in ids:
            assert decide(client, fields | {"record": record}, "include", client.base).status_code == 302

    def command():
        options = {"reasons": {}, "stages": ["title-abstract", "full-text"], "run": run}
        filing.file(
            copy,
            built.path(filing.LEDGER),
            known=set(much_to_do.IDS),
            decided_at="2026-11-15",
            **options,
        )

    ids = much_to_do.IDS
    at_once(lambda: sit(first, ids[:6]), lambda: sit(second, ids[14:20]), command)
    ledger = tables.read(built.path(filing.LEDGER), "screening").iloc[before:]
    assert sorted(ledger["record_id"]) == [*ids[:6], *ids[14:40]]
    whose = ledger.groupby("reviewer")["record_id"].apply(list).to_dict()
    assert whose == {"AB": ids[:6], "CD": ids[14:20], "HAND": ids[20:40]}
    for client in (first, second):
        assert client.desk.held.table(filing.LEDGER, "screening").iloc[before:].equals(ledger)


def test_a_clock_that_is_set_back_or_forward_changes_no_order_of_decisions(built):
    run, record, days = much_to_do.fill(built), much_to_do.IDS[0], [0, -1, 400]
    client = Client(built.folder, clock=lambda: NOW + datetime.timedelta(days=days[0]))
    for number, decision in enumerate(("include", "exclude", "include")):
        assert decide(client, form(client, record), decision, f"thought {number}").status_code == 302
        ledger = tables.read(built.path(filing.LEDGER), "screening")
        assert decisions.in_force(ledger, run)[record] == {"title-abstract": decision}
        days.append(days.pop(0))
    filed = f"include {ledger['decided_at'].iloc[-1]}"
    sent = form(client, record) | {"filed": filed}
    assert client.http.post("/screening/undo", data=sent, base_url=client.base).status_code == 302
    ledger = tables.read(built.path(filing.LEDGER), "screening")
    assert decisions.in_force(ledger, run)[record] == {"title-abstract": "exclude"}


def test_a_decision_that_goes_back_in_the_words_of_an_earlier_one_asks_for_others_and_is_not_passed_over(
    built,
):
    much_to_do.fill(built)
    client, record = Client(built.folder), much_to_do.IDS[0]
    for decision, note in (("awaiting", "PDF ordered"), ("include", "it came")):
        assert decide(client, form(client, record), decision, note).status_code == 302
    before = built.path(filing.LEDGER).read_bytes()
    told = decide(client, form(client, record), "awaiting", "PDF ordered")
    assert told.status_code != 302
    assert "say in the note why it is changed back" in told.text
    assert "PDF ordered" in told.text
    assert built.path(filing.LEDGER).read_bytes() == before
    assert decide(client, form(client, record), "awaiting", "PDF ordered again").status_code == 302
    assert built.path(filing.LEDGER).read_bytes() != before


def test_what_is_decided_while_a_run_makes_the_queue_anew_is_of_the_same_month(built):
    run = much_to_do.fill(built)
    client = Client(built.folder)
    fields = form(client, much_to_do.IDS[0])
    built.path("results/2026-01").mkdir()
    built.path("results/2026-01/queue.csv").write_bytes(built.path("results", run, "queue.csv").read_bytes())
    built.path("results", run, "queue.csv").rename(built.path("queue.csv"))
    assert decide(client, fields, "include", "").status_code == 302
    assert tables.read(built.path(filing.LEDGER), "screening")["run"].iloc[-1] == run


def test_of_two_who_decide_one_record_the_later_is_told_what_the_other_said(built):
    much_to_do.fill(built)
    first, second = Client(built.folder, name="AB"), Client(built.folder, name="CD", port=8643)
    record = much_to_do.IDS[0]
    seen = [form(client, record) for client in (first, second)]
    answers = {}

    def act(client, fields, decision):
        answers[client.base] = decide(client, fields, decision, f"the note of {client.base}")

    at_once(lambda: act(first, seen[0], "include"), lambda: act(second, seen[1], "exclude"))
    assert sorted(answer.status_code for answer in answers.values()) == [302, 409]
    loser = next(client for client in (first, second) if answers[client.base].status_code == 409)
    told = answers[loser.base].text
    assert "was changed by somebody else since this page was shown" in told
    assert f"the note of {loser.base}" in told
    ledger = tables.read(built.path(filing.LEDGER), "screening")
    rows = ledger[ledger["record_id"] == record]
    winner = "AB" if loser is second else "CD"
    assert rows["reviewer"].tolist() == [winner]
    # Told what the other said, the later one may still disagree, on purpose.
    again = decide(loser, form(loser, record), "awaiting", "the full text is needed")
    assert again.status_code == 302
    rows = tables.read(built.path(filing.LEDGER), "screening").query("record_id == @record")
    assert len(rows) == 2
