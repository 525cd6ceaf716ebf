"""Two people at two desks of one review, and a command that files meanwhile: nothing is lost."""

import re
import threading

from desk import much_to_do
from desk.conftest import Client

from livingreview import tables
from livingreview.screening import filing


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
