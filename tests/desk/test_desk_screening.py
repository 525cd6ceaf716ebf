"""Screening at the desk, asked directly and in Chromium."""

import re
import shutil

import pandas as pd
import pytest
from browser.test_report_page import RULES, violations
from desk.conftest import Client

from livingreview import tables
from livingreview.screening import filing

TA, FT = "title-abstract", "full-text"
RUN = "2026-11"
HOSTILE = "<script>document.title = 'taken'</script><img src=x onerror=alert(1)> & \"pain\" </title>"


def ledger(folder):
    return tables.read(folder / filing.LEDGER, "screening")


def last(folder, n=1):
    names = ["record_id", "stage", "decision", "reason", "reviewer", "role", "note"]
    return ledger(folder)[names].tail(n).values.tolist()


def shown(page):
    """The hidden fields of the form by which a page decides."""
    form = page[page.index('id="decide"') : page.index('class="say"')]
    found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    return {name: found[name] for name in ("stage", "record", "seen")}


def decide(client, decision, *, of=None, **more):
    page = client.get(f"/screening?{f'record={of}' if of else ''}&stage={more.pop('stage', TA)}").text
    return client.post("/screening/decide", **shown(page), decision=decision, **more)


def order(client, stage=TA):
    return re.findall(r'record=([^"]+)"', client.get(f"/screening/list?stage={stage}").text)


def alerts(answer):
    return re.findall(r'role="alert">([^<]*)', answer.text)


@pytest.fixture
def two(built):
    """A review with two independent reviewers, as if built so."""
    built.replace(
        "config.yaml",
        "  # What the automation statement says of",
        "  reviewers:\n    independent: 2\n    names: [Ann, Ben]\n  # What the automation statement says of",
    )
    folder = built.folder / f"results/{RUN}"
    queue = tables.read(folder / "queue.csv", "queue")
    none = tables.read(built.folder / filing.LEDGER, "screening").iloc[:0]
    for name in ("Ann", "Ben"):
        own = filing.own_queue(queue, none, run=RUN, name=name, names=["Ann", "Ben"])
        tables.write(own, folder / f"queues/{name.lower()}.csv")
    return built.folder


def test_records_come_in_the_order_of_the_queue_and_go_when_they_are_decided(client):
    first, second, *rest = order(client)
    answer = decide(client, "include")
    assert last(client.desk.review) == [[first, TA, "include", None, "EX", None, None]]
    assert answer.request.args["record"] == second
    assert order(client) == [second, *rest]
    # What was included is at once asked for in full text.
    assert order(client, FT)[0] == first
    row = ledger(client.desk.review).iloc[-1]
    assert (row["run"], row["decided_at"]) == (RUN, "2026-11-15T12:00:00Z")
    assert row["band"] == "read first"
    assert row["probability"] == pytest.approx(0.73, abs=0.3)


def test_after_a_decision_the_record_that_follows_is_shown_wherever_one_was(client):
    ids = order(client)
    assert decide(client, "exclude", of=ids[1]).request.args["record"] == ids[2]
    assert decide(client, "exclude", of=ids[-1]).request.args["record"] == ids[0]


def test_the_last_record_of_a_stage_leads_to_the_next_stage(client):
    for _ in order(client):
        answer = decide(client, "exclude")
    assert "All done at this stage" in answer.text
    assert "Full text: 25 wait" in answer.text
    # Nothing named, the stage with work is shown.
    assert 'stage" value="full-text"' in client.get("/screening").text


@pytest.mark.parametrize("stage", [TA, FT])
def test_each_key_of_the_page_presses_one_thing(client, stage):
    decide(client, "include")
    page = client.get(f"/screening?stage={stage}").text
    keys = " ".join(re.findall(r'data-key="([^"]+)"', page)).split()
    assert {"i", "e", "a", "u", "g", "1"} <= set(keys)
    assert sorted(keys) == sorted(set(keys))


def test_a_button_of_a_reason_excludes_with_it(client):
    page = client.get("/screening").text
    client.post("/screening/decide", **shown(page), exclude_for="not_rct")
    assert last(client.desk.review)[0][2:4] == ["exclude", "not_rct"]


def test_on_full_text_an_exclusion_needs_a_reason_and_what_was_typed_stays(client):
    rows = len(ledger(client.desk.review))
    answer = decide(client, "exclude", stage=FT, note="no control group")
    assert answer.status_code == 409
    assert "an exclusion on full text needs a reason" in alerts(answer)[0].casefold()
    assert 'value="no control group"' in answer.text
    assert len(ledger(client.desk.review)) == rows
    page = answer.text
    client.post("/screening/decide", **shown(page), exclude_for="not_rct", note="no control group")
    assert last(client.desk.review)[0][1:4] == [FT, "exclude", "not_rct"]


def test_a_record_that_awaits_says_what_it_waits_for(client):
    answer = decide(client, "awaiting")
    assert (answer.status_code, alerts(answer)[0].split(".")[0]) == (
        409,
        "Say in the note what this record waits for",
    )
    first = order(client)[0]
    decide(client, "awaiting", note="authors were asked")
    assert last(client.desk.review)[0][2:] == ["awaiting", None, "EX", None, "authors were asked"]
    assert order(client)[-1] == first  # behind all that nobody has looked at


def test_another_decision_on_the_same_day_needs_a_note(client):
    first = order(client)[0]
    decide(client, "include")
    answer = decide(client, "exclude", of=first)
    assert "EX said include of it on the same day, 2026-11-15" in alerts(answer)[0]
    assert "Note, needed: it changes a decision" in answer.text
    decide(client, "exclude", of=first, note="misread")
    assert last(client.desk.review)[0][2:] == ["exclude", None, "EX", None, "misread"]


def undo(client):
    page = client.get("/screening").text
    form = page[page.index('id="undo"') :]
    fields = dict(
        re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[: form.index("</form>")])
    )
    record = re.search(r'form="undo" name="record" value="([^"]+)"', page)[1]
    return client.post("/screening/undo", stage=fields["stage"], filed=fields["filed"], record=record)


def test_decisions_are_taken_back_one_after_the_other_and_may_be_given_again(client):
    ids = order(client)
    decide(client, "include")
    decide(client, "exclude")
    assert undo(client).request.args["record"] == ids[1]
    assert undo(client).request.args["record"] == ids[0]
    assert order(client) == ids
    assert 'id="undo"' not in client.get("/screening").text
    decide(client, "include")
    assert [row[2] for row in last(client.desk.review, 5)] == [
        "include",
        "exclude",
        "withdrawn",
        "withdrawn",
        "include",
    ]


def test_a_decision_that_does_not_stand_any_more_is_not_taken_back(client):
    first = order(client)[0]
    decide(client, "include")
    rows = ledger(client.desk.review)
    answer = client.post("/screening/undo", record=first, stage=TA, filed="exclude 2026-11-15T12:00:00Z")
    assert "Nothing was taken back" in answer.text
    assert ledger(client.desk.review).equals(rows)


def test_skipped_records_come_last_and_are_counted(client):
    ids = order(client)
    page = client.get("/screening").text
    answer = client.post("/screening/skip", **shown(page))
    assert answer.request.args["record"] == ids[1]
    assert "1 skipped, at the end" in answer.text
    for _ in ids[1:]:
        decide(client, "exclude")
    assert shown(client.get("/screening").text)["record"] == ids[0]
    # Another sitting knows nothing of it.
    assert "skipped" not in Client(client.desk.review).get("/screening").text


def test_the_same_form_sent_twice_files_once(client):
    page = client.get("/screening").text
    for _ in range(2):
        assert client.post("/screening/decide", **shown(page), decision="include").status_code == 200
    assert len(last(client.desk.review, 2)) == 2
    assert last(client.desk.review, 2)[0][2:5] != last(client.desk.review, 2)[1][2:5]


def test_one_who_decides_after_another_is_told_and_may_decide_with_a_note(client):
    other = Client(client.desk.review, name="Ben")
    page = other.get("/screening").text
    decide(client, "include", note="a trial")
    answer = other.post("/screening/decide", **shown(page), decision="exclude", note="not a trial")
    assert answer.status_code == 409
    assert "was changed by somebody else" in alerts(answer)[0]
    assert "You entered: exclude" in alerts(answer)[0]
    assert "a trial" in answer.text
    assert 'value="not a trial"' in answer.text
    other.post("/screening/decide", **shown(answer.text), decision="exclude", note="not a trial")
    assert [row[4] for row in last(client.desk.review, 2)] == ["EX", "Ben"]


def test_a_decision_that_another_program_files_is_seen_at_once(client):
    first, second, *_ = order(client)
    row = pd.DataFrame(
        [
            dict.fromkeys(tables.columns("screening"))
            | {
                "record_id": first,
                "run": RUN,
                "stage": TA,
                "decision": "exclude",
                "reviewer": "Zoe",
                "decided_at": "2026-11-14",
            }
        ]
    )
    tables.append(row, client.desk.review / filing.LEDGER, "screening")
    assert shown(client.get("/screening").text)["record"] == second


def test_rows_filled_in_by_hand_are_named_and_filed(client):
    path = client.desk.review / f"results/{RUN}/queue.csv"
    queue = tables.read(path, "queue")
    queue.loc[0, ["decision", "reviewer"]] = ["include", "Zoe"]
    tables.write(queue, path)
    page = client.get("/screening").text
    assert f"1 row of <code>results/{RUN}/queue.csv</code> was filled in by hand" in page
    answer = client.post("/screening/file")
    assert f"1 filed from results/{RUN}/queue.csv" in answer.text
    assert last(client.desk.review)[0][:5] == [queue["record_id"][0], TA, "include", None, "Zoe"]
    assert "filled in by hand" not in client.get("/screening").text


RANKING = ("read first", "audit", "chance", "speaks for it", "(+0.", "Words of the ranking")


def tells(page):
    """What a page tells of the ranking of records; that of the whole run stands at its end."""
    return [word for word in RANKING if word in page.split("How much may have been missed")[0]]


def test_what_the_protocol_hides_is_shown_nowhere_before_a_decision(client):
    assert tells(client.get("/screening").text) == [word for word in RANKING if word != "audit"]
    path = client.desk.review / "config.yaml"
    text = path.read_text(encoding="utf-8").replace("\nscreening:\n", "\nscreening:\n  hide_ranking: true\n")
    path.write_text(text, encoding="utf-8")
    for address in ("/screening", "/screening/list", "/screening/list?band=then"):
        assert tells(client.get(address).text) == []
    assert len(order(client)) == 4
    # Nobody can switch it on.
    client.post("/screening/show", what="ranking")
    assert tells(client.get("/screening").text) == []


def test_each_may_hide_the_ranking_and_the_marks(client):
    assert '<mark class="protocol">' in client.get("/screening").text
    for what in ("ranking", "protocol"):
        client.post("/screening/show", what=what, then="/screening")
    page = client.get("/screening").text
    assert (tells(page), "<mark" in page) == ([], False)
    client.post("/screening/show", what="ranking", then="/screening")
    assert "read first" in tells(client.get("/screening").text)
    assert client.post("/screening/show", what="anything").status_code == 400


def test_a_list_is_filtered_searched_and_sorted(client):
    ids = order(client, FT)
    trial = client.get("/screening/list?stage=full-text&words=headache").text
    found = re.findall(r'record=([^"]+)"', trial)
    assert 0 < len(found) < len(ids)
    titles = tables.read(client.desk.review / f"results/{RUN}/queue.csv", "queue").set_index("record_id")[
        "title"
    ]
    assert all("headache" in titles[one].casefold() for one in found)
    years = client.get("/screening/list?stage=full-text&sort=year").text
    assert sorted(re.findall(r'record=([^"]+)"', years)) == sorted(ids)
    assert re.findall(r"No record that waits is like this", client.get("/screening/list?words=xyzzy").text)
    assert client.get("/screening/list?page=99&sort=nonsense&year=%00").status_code == 200


def test_two_reviewers_see_nothing_of_each_other(two):
    ann, ben = Client(two, name="Ann"), Client(two, name="Ben")
    ids = order(ann)
    decide(ann, "include", note="Ann is sure")
    assert last(two)[0][4:] == ["Ann", "independent reviewer", "Ann is sure"]
    assert order(ann) == ids[1:]
    assert order(ben) == ids
    page = ben.get(f"/screening?stage={TA}&record={ids[0]}").text
    assert [word for word in ("Ann is sure", "Ann,", "Decided before") if word in page] == []
    # Ben's own form is not refused because Ann has decided: that would tell.
    assert decide(ben, "exclude", of=ids[0]).status_code == 200
    assert ids[0] not in order(ann)
    # Both have decided, and differ: now each may know, and it is settled elsewhere.
    assert "Ben (independent reviewer)" in ann.get(f"/screening?stage={TA}&record={ids[0]}").text


def test_a_third_person_is_not_asked(two):
    page = Client(two, name="Zoe").get("/screening").text
    assert "two reviewers who decide without knowing of each other: Ann and Ben" in page
    assert 'id="decide"' not in page


def test_without_a_month_the_page_says_what_to_do(client):
    shutil.rmtree(client.desk.review / "results")
    page = client.get("/screening")
    assert (page.status_code, "This month has no queue yet" in page.text) == (200, True)


def test_a_record_that_nobody_found_is_named(client):
    answer = client.get("/screening?record=99999999")
    assert answer.status_code == 409
    assert "there is no such record" in answer.text


@pytest.fixture
def hostile(built):
    """A copy of the review in which the first record attacks, with an abstract as PubMed has them."""
    folder = built.folder / f"results/{RUN}"
    records = tables.read_results(folder / "records.csv")
    queue = tables.read(folder / "queue.csv", "queue")
    first = records["record_id"] == queue["record_id"][0]
    records.loc[first, ["title", "authors", "journal"]] = HOSTILE
    records.loc[first, "abstract"] = (
        f"BACKGROUND: Pain is common. METHODS: Adults with pain were asked. {HOSTILE}"
    )
    records.loc[first, "registry_ids"] = "NCT01234567; javascript:alert(1)"
    queue.loc[0, "title"] = HOSTILE
    events = tables.read_results(folder / "record_events.csv")
    events.loc[0, ["run", "pmid", "event", "date"]] = [RUN, queue["pmid"][0], "erratum", "2026-11-02"]
    tables.write(events, folder / "record_events.csv")
    records.loc[first, "editorial_status"] = "retracted"
    tables.write(records, folder / "records.csv")
    tables.write(queue, folder / "queue.csv")
    return built.folder


def test_hostile_titles_and_abstracts_are_text(hostile, open_desk):
    page = open_desk(hostile, path="/screening")
    assert page.title().startswith("Screening")
    assert page.inner_text("#record-title") == HOSTILE
    assert HOSTILE in page.inner_text(".abstract")
    assert page.inner_text(".stopped") == "Retracted."
    assert "2026-11-02: erratum" in page.text_content(".more")
    assert page.eval_on_selector_all("main script, main img", "found => found.length") == 0
    assert page.eval_on_selector_all(
        ".abstract p", "parts => parts.map((one) => one.innerText.slice(0, 8))"
    ) == [
        "BACKGROU",
        "METHODS:",
    ]
    links = page.eval_on_selector_all(
        ".links a", "links => links.map((one) => [one.href, one.rel, one.target])"
    )
    assert ["https://clinicaltrials.gov/study/NCT01234567", "noreferrer noopener", "_blank"] in links
    assert all(link[0].startswith("https://") for link in links)


def press(page, key):
    """Press a key, and wait until another record, or none, is shown."""
    before = page.input_value("#decide input[name=record]")
    page.keyboard.press(key)
    page.wait_for_function(
        "before => document.querySelector('#decide input[name=record]')?.value !== before", arg=before
    )


def test_records_are_screened_by_one_key_each(built, open_desk):
    page = open_desk(built.folder, path="/screening")
    begin = len(ledger(built.folder))
    for key in ("i", "e", "3", "e"):
        press(page, key)
    found = ledger(built.folder).iloc[begin:]
    assert list(found["decision"]) == ["include", "exclude", "exclude", "exclude"]
    assert found["reason"].tolist() == [None, None, "review", None]
    # The full texts: a reason each.
    page.goto(page.url.split("?")[0] + "?stage=full-text")
    for _ in range(6):
        press(page, "1")
    found = ledger(built.folder).iloc[begin + 4 :]
    assert found[["stage", "decision", "reason"]].values.tolist() == [[FT, "exclude", "not_rct"]] * 6


def test_keys_ask_for_what_a_decision_needs(built, open_desk):
    page = open_desk(built.folder, path="/screening?stage=full-text")
    begin = len(ledger(built.folder))
    page.keyboard.press("a")
    assert page.evaluate("document.activeElement.id") == "note"
    page.keyboard.type("the authors were asked")
    before = page.input_value("#decide input[name=record]")
    page.keyboard.press("Enter")
    page.wait_for_function(
        "before => document.querySelector('#decide input[name=record]').value !== before", arg=before
    )
    page.keyboard.press("e")  # not without a reason
    assert page.evaluate("document.activeElement.value") == "not_rct"
    press(page, "s")
    page.keyboard.press("n")
    page.wait_for_url("**record=*")
    assert "1 skipped" in page.inner_text(".progress")
    page.keyboard.press("u")
    page.wait_for_selector(".told")
    assert [row[2] for row in last(built.folder, 2)] == ["awaiting", "withdrawn"]
    assert len(ledger(built.folder)) == begin + 2


def test_without_script_every_form_works(built, serve, browser):
    address = serve(built.folder)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    page.fill("#name", "EX")
    page.click("text=Continue")
    page.goto(address.split("/?")[0] + "/screening")
    page.click("#decide button[value=include]")
    page.click("button[form=undo]")
    page.click("#decide button:has-text('Skip')")
    assert [row[2] for row in last(built.folder, 2)] == ["include", "withdrawn"]
    assert "1 skipped" in page.inner_text(".progress")
    context.close()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(hostile, open_desk, width, scheme):
    page = open_desk(hostile, path="/screening", width=width, scheme=scheme)
    press(page, "e")
    for path in ("", "?stage=full-text", "/list"):
        page.goto(page.url.split("/screening")[0] + "/screening" + path)
        page.eval_on_selector_all("details", "parts => parts.forEach((part) => { part.open = true; })")
        assert violations(page, RULES) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
