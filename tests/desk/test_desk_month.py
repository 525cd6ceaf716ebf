"""The first page and the run: what waits now, what is next, and a month that is started, watched and stopped."""

import html
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from desk.conftest import NOW, Client
from desk.two_reviewers import ANN, BO, FT, TA, ask_two, file, said
from desk.two_reviewers import waiting as waiting_at

from livingreview import lock, run_log, tables
from livingreview.desk import kept_up
from livingreview.desk.history import values
from livingreview.desk.month import next_step, outcome_words, run_state, starting, steps, work
from livingreview.desk.month.freshness import Since
from livingreview.operation.job import month, waiting
from livingreview.screening import filing
from livingreview.search.linkage import pairs

STUB = Path(__file__).with_name("stub_month.py")
RUN = "2026-11"
WCAG = {
    "resultTypes": ["violations"],
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    },
}
OF_COLOURS = WCAG | {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
HOLD = """
import sys
from livingreview import lock
lock.hold(sys.argv[1], what=sys.argv[2])
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def review(built_once, tmp_path):
    """A copy of the built review without what it only needs to be built."""
    folder = tmp_path / "review"
    left_out = shutil.ignore_patterns(".snakemake", ".cache", "figures", "sandbox", "measured")
    shutil.copytree(built_once.folder, folder, ignore=left_out)
    return folder


@pytest.fixture
def client(review):
    """A desk that starts the stand-in in the place of the monthly command."""
    one = Client(review)
    one.app.extensions["month"].command = [sys.executable, str(STUB)]
    yield one
    starting.stop(review)
    until(lambda: not run_state.working(review))


def violations(page, options=WCAG):
    """What axe finds."""
    found = Axe().run(page, options=options).response["violations"]
    return [(one["id"], one["nodes"][0]["target"]) for one in found]


def act(review, name, go=9):
    (review / "act").write_text(name, encoding="utf-8")
    (review / "go").write_text(str(go), encoding="utf-8")


def until(holds, seconds=30):
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, "it never came to hold"
        time.sleep(0.02)
    return found


def start(client, run=RUN):
    return client.post("/month/start", run=run)


def over(client, run=RUN):
    """The page of a run once it has ended."""
    until(lambda: 'data-live="no"' in client.get(f"/month/run/now?run={run}").text)
    return shown(client.get(f"/month/run?run={run}"))


def shown(answer):
    """The text of a page, as a person reads it."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def decide(review, decision="exclude", *, records=None, reviewer="EX"):
    """File decisions on titles and abstracts of records that wait; returns their ids."""
    queue = tables.read(review / f"results/{RUN}/queue.csv", "queue")
    new = list(queue.loc[queue["state"] == "new", "record_id"])[:records]
    rows = pd.DataFrame(
        {
            "record_id": new,
            "run": RUN,
            "stage": "title-abstract",
            "decision": decision,
            "reviewer": reviewer,
            "decided_at": "2026-11-15T12:00:00Z",
        }
    )
    rows = (
        rows.reindex(columns=tables.columns("screening"))
        .astype(object)
        .where(lambda cells: cells.notna(), None)
    )
    tables.append(rows, review / filing.LEDGER, "screening")
    return new


def next_of(client):
    """The heading of what is next."""
    return html.unescape(re.search(r'id="next-h">([^<]+)<', client.get("/").text)[1])


def test_the_page_says_what_is_next_what_waits_and_what_moved(client):
    page = shown(client.get("/"))
    assert next_of(client) == "Screen 4 records"
    assert "Records that await information 25 0 of 25 done; oldest since January 2016" in page
    assert "from 421 decisions. Nothing was changed since." in page
    assert "Pain intensity −0.28 [−1.25, 0.70] −0.49 [−0.90, −0.09] 6 trials 3 trials added" in page
    assert "11 triggers fired" in page


def test_what_was_decided_in_the_meantime_is_counted_at_once(client, review):
    decide(review, records=1)
    page = shown(client.get("/"))
    assert next_of(client) == "Screen 3 records"
    assert "Records to decide on 3 1 of 4 done" in page
    assert "1 decision since." in page
    assert "Who decided this month EX 1 record" in page


def test_pairs_come_after_the_records_and_then_a_build(client, review):
    decide(review)
    assert next_of(client) == "Judge 3 pairs of records"
    asked = tables.read_results(review / f"results/{RUN}/pairs.csv")
    rows = asked[["record_a", "record_b"]].assign(run=RUN, verdict="different", reviewer="EX")
    rows = rows.assign(decided_at="2026-11-15").reindex(columns=tables.columns("pairs"))
    tables.append(
        rows.astype(object).where(lambda cells: cells.notna(), None), review / pairs.LEDGER, "pairs"
    )
    assert next_of(client) == "Build November 2026 again"
    assert "4 decisions, 3 verdicts on pairs since." in shown(client.get("/"))


def test_a_review_of_which_nothing_is_built_says_what_to_do_first(client, review):
    shutil.rmtree(review / "results")
    shutil.rmtree(review / "logs")
    assert next_of(client) == "Build November 2026"
    assert client.get("/report/").status_code == 409


def test_a_table_at_fault_is_named_and_the_page_stands(client, review):
    with (review / filing.LEDGER).open("a") as file:
        file.write("x,2026-11,title-abstract,perhaps,,EX,,2026-11-15,,,,,\n")
    answer = client.get("/")
    assert answer.status_code == 200
    assert "screening.csv" in shown(answer)
    assert "found: perhaps" in shown(answer).replace("found 'perhaps'", "found: perhaps")


def test_where_a_record_stands_follows_from_the_ledger_of_now():
    def row(record_id, decision, stage="title-abstract", role=None, reviewer="A"):
        cells = {"record_id": record_id, "run": RUN, "stage": stage, "decision": decision, "role": role}
        return (
            dict.fromkeys(tables.columns("screening"))
            | cells
            | {"reviewer": reviewer, "decided_at": "2026-11-02"}
        )

    ledger = pd.DataFrame(
        [
            row("a", "exclude"),
            row("b", "include"),
            row("c", "awaiting"),
            row("d", "include", role="independent reviewer"),
            row("e", "include", role="independent reviewer"),
            row("e", "exclude", role="independent reviewer", reviewer="B"),
            row("i", "include"),
            row("g", "include", stage="full-text"),
        ]
    )
    told = [
        {"record_id": one, "stage": "full-text" if one == "g" else "title-abstract", "state": "new"}
        for one in "abcdefg"
    ]
    told = [row | {"waits_for": None} for row in told]
    # What led to the full text of g stands under the id of its duplicate.
    records = pd.DataFrame({"record_id": [*"abcdefghi"], "duplicate_of": [None] * 8 + ["g"]})
    # What was excluded and is not any more waits, though it was not in the queue.
    rows = ledger.assign(decided_at="2026-11-03").iloc[:1].assign(record_id="h", decision="awaiting")
    states = kept_up.States(records, run=RUN, stages=["title-abstract", "full-text"])
    counts = work.counted(told, states.follow(pd.concat([ledger, rows], ignore_index=True)))
    assert counts == {
        waiting.UNDECIDED: (1, 6),
        work.ASSESS: (1, 2),
        waiting.AWAITING: (2, 2),
        waiting.SECOND: (1, 1),
        waiting.CONFLICTS: (1, 1),
    }


def kind(name, waits=1):
    return work.Kind(name, waits, 2)


OWN = OTHERS = {waiting.UNDECIDED: 0, work.ASSESS: 0, waiting.SECOND: 0}
DUE = {"next_run": "2026-12", "asked": "a trigger fired"}
NOTHING = Since(0.0, 1, {})
DECIDED = Since(0.0, 1, {filing.LEDGER: 2})
CHANGED = Since(0.0, 1, {}, changed=("data/text/background.md",))


@pytest.mark.parametrize(
    ("kinds", "since", "more", "text"),
    [
        ([], None, {}, "Build November 2026"),
        ([kind(waiting.UNDECIDED), kind(waiting.EXTRACTION)], DECIDED, {}, "Screen 1 record"),
        ([kind(waiting.EXTRACTION)], DECIDED, {}, "Build November 2026 again"),
        ([kind(waiting.EXTRACTION)], CHANGED, {}, "Extract 1 study"),
        ([kind(waiting.FINDINGS)], CHANGED, {}, "Build November 2026 again"),
        ([kind(waiting.FINDINGS, 2)], NOTHING, {}, "Check 2 values"),
        ([kind(waiting.SECOND, 2)], NOTHING, {"mine": OTHERS, **DUE}, "Nothing waits for you"),
        (
            [kind(waiting.SECOND, 2), kind(waiting.CONFLICTS)],
            NOTHING,
            {"mine": OTHERS},
            "Settle 1 conflict of two reviewers",
        ),
        ([kind(waiting.SECOND, 2)], NOTHING, {"mine": OWN | {waiting.UNDECIDED: 1}}, "Screen 1 record"),
        ([kind(waiting.UNDECIDED)], NOTHING, {"mine": OWN | {waiting.UNDECIDED: 4}}, "Screen 4 records"),
        ([kind(work.ASSESS, 9)], NOTHING, {"mine": OWN | {work.ASSESS: 2}}, "Assess 2 full texts"),
        ([kind(waiting.EXTRACTION, 9)], NOTHING, {"mine": {waiting.EXTRACTION: 1}}, "Extract 1 study"),
        ([kind(waiting.EXTRACTION, 9)], NOTHING, {"mine": {waiting.EXTRACTION: 0}}, "Nothing waits for you"),
        ([kind(waiting.AWAITING)], NOTHING, {}, "Nothing to do"),
        ([], NOTHING, {"asked": "a trigger fired"}, "Read the report, and release a version"),
        ([], NOTHING, {"next_run": "2026-12"}, "Start December 2026"),
        ([kind(waiting.UNDECIDED)], NOTHING, {"started": True}, "Watch the run"),
    ],
)
def test_one_thing_is_next(kinds, since, more, text):
    given = {"next_run": None, "asked": "", "started": False, **more}
    run = run_state.Run(RUN, run_state.ENDED, about={"outcome": "work waits"})
    assert next_step.find(kinds, since, run=run, **given).text == text


def test_who_is_not_one_of_the_two_reviewers_is_led_past_their_records(review):
    ask_two(review)
    ann, cy = Client(review, name=ANN), Client(review, name="Cy Third")
    assert (next_of(ann), next_of(cy)) == ("Screen 4 records", "Judge 3 pairs of records")
    one = waiting_at(review, TA)[0]
    file(review, said(one, ANN, "include"), said(one, BO, "exclude"))
    assert (next_of(ann), next_of(cy)) == ("Screen 3 records", "Settle 1 conflict of two reviewers")
    assert "3 in your own queue" in shown(ann.get("/"))
    assert "in your own queue" not in shown(cy.get("/"))
    assert "Talk it over" not in shown(cy.get("/"))


def test_what_was_done_at_the_desk_leaves_what_waits_at_once(client, review):
    def count(kind):
        found = re.search(rf"{kind} (\d+) (\d+) of (\d+) done", shown(client.get("/")))
        return tuple(map(int, found.groups()))

    waits, done, of = count("Values to check")
    assert done == 0
    finding = next(row for row in values.findings(client.desk.held) if not row["cleared_by"])
    keys = {name: finding[name] for name in ("row_id", "check", "digest")}
    client.post("/history/findings", note="as the report prints it", **keys)
    assert count("Values to check") == (waits - 1, 1, of)
    one = said(waiting_at(review, FT)[0], "EX", "include", stage=FT) | {"role": None}
    file(review, one)
    assert count("Studies to extract") == (1, 0, 1)
    file(review, one | {"decision": "exclude", "reason": "protocol", "note": "a protocol"})
    assert "Studies to extract" not in shown(client.get("/"))


def test_every_step_of_the_workflow_has_words():
    said = steps.messages()
    scripts = {path.stem for path in (month.ROOT / "scripts").glob("*.py") if "snakemake" in path.read_text()}
    assert len(said) >= 30
    assert set(said) <= scripts
    assert steps.words("search_pubmed", "2026-12") == "Searching PubMed for run 2026-12"
    assert steps.words("unknown_rule", RUN) == "Unknown rule"


def test_a_run_is_started_and_says_what_it_came_to(client, review):
    act(review, "good")
    answer = start(client)
    assert answer.request.path == "/month/run"
    assert "triggers fired" in over(client)
    assert month.read(review, RUN)["outcome"] == "trigger fired"
    assert "steps (100%) done" in (review / "logs" / RUN / starting.LOG).read_text()


def test_a_run_that_fails_says_why_in_words_with_the_end_of_the_log(client, review, monkeypatch):
    monkeypatch.setenv("NCBI_API_KEY", "SECRETKEY")
    act(review, "fail")
    start(client)
    page = over(client)
    assert "Pooling each outcome: this step failed" in page
    assert "effects.csv: row 3: found 'x' <b>; allowed: a number" in page
    assert "ERROR effects.csv: row 3" in page
    assert "SECRETKEY" not in page
    assert (
        "What to do: Mend what the reason names, then press Start again: it goes on where it stopped" in page
    )
    assert "estimates differ from release" not in page
    assert next_of(client) == "See why the last run stopped"
    assert "Pooling each outcome failed: effects.csv: row 3" in shown(client.get("/"))


def test_a_run_is_followed_stopped_and_started_again(client, review):
    act(review, "hang")
    start(client)
    until(lambda: run_state.working(review))
    assert next_of(client) == "Watch the run"
    refused = start(client)
    assert refused.status_code == 409
    assert "Nothing was started" in shown(refused)
    until((review / "hanging").exists)
    assert "asked to end" in shown(client.post("/month/stop", run=RUN))
    assert "Interrupted" in over(client)
    act(review, "good")
    start(client)
    assert "triggers fired" in over(client)


def test_a_run_goes_on_without_the_desk_and_one_that_was_killed_is_named(client, review):
    act(review, "hang")
    start(client)
    held = until(lambda: month.read(review, RUN).get("outcome") == "running" and run_state.working(review))
    assert os.getsid(held["pid"]) != os.getsid(0)
    os.kill(held["pid"], 9)
    until(lambda: not run_state.working(review))
    assert "It was ended before it was done" in over(client)
    assert next_of(client) == "Build November 2026 again"


def test_a_month_that_cannot_be_right_is_refused_in_its_own_words(client, review):
    start(client, "2010-01")
    assert "It did not start" in (page := over(client, "2010-01"))
    assert "there is no snapshot of it" in page
    assert client.post("/month/start", run="../x").status_code == 404


def test_a_later_month_that_failed_before_it_had_results_is_shown(client, review):
    told = {"outcome": "failed", "exit_code": 1, "reason": "config.yaml: unknown key", "failed": []}
    tables.write_json(told, review / "logs/2026-12/month.json")
    page = client.get("/")
    assert next_of(client) == "See why the last run stopped"
    assert '"/month/run?run=2026-12"' in page.text
    assert "config.yaml: unknown key" in shown(page)
    tables.write_json(told | {"outcome": "running"}, review / "logs/2026-12/month.json")
    assert next_of(client) == "Build December 2026 again"
    assert 'name="run" value="2026-12"' in client.get("/").text
    tables.write_json(told | {"outcome": "paused"}, review / "logs/2026-12/month.json")
    assert next_of(client) == "Screen 4 records"


@pytest.fixture
def elsewhere(review):
    """Holds the lock in another process, as a scheduler's run does."""
    held = []

    def hold(what):
        paths = os.environ | {"PYTHONPATH": str(month.ROOT / "scripts")}
        command = [sys.executable, "-c", HOLD, str(review / lock.OF_A_REVIEW), what]
        process = subprocess.Popen(
            command, env=paths, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        held.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield hold
    for process in held:
        process.communicate("")


def test_a_run_that_was_started_elsewhere_is_shown_with_its_progress(client, review, elsewhere):
    process = elsewhere(f"month {RUN}")
    log = run_log.path_of(review, RUN)
    for event, more in (
        (run_log.STEPS, {"done": 7, "of": 33}),
        (run_log.STARTED, {"rule": "rank_records"}),
        (run_log.STARTED, {"rule": "draw_figures"}),
        (run_log.ENDED, {"rule": "draw_figures"}),
    ):
        run_log.write(log, run=RUN, event=event, message="", **more)
    page = shown(client.get("/month/run"))
    assert "Ranking the records that wait for a decision …" in page
    assert "7 of 33 steps" in page
    assert f"Process {process.pid} on " in page
    assert "Stop the run" in page
    refused = start(client)
    assert (refused.status_code, f"process {process.pid}" in shown(refused)) == (409, True)


def test_a_command_that_is_no_month_is_waited_for_and_never_stopped(client, elsewhere):
    process = elsewhere("make release")
    assert start(client).status_code == 409
    assert "Nothing was stopped" in shown(client.post("/month/stop", run=RUN))
    assert process.poll() is None


def test_a_lock_that_nobody_holds_is_free_for_others_while_it_is_looked_at(tmp_path):
    path = tmp_path / "lock"
    assert not lock.is_held(path)
    with lock.held(path):
        assert lock.is_held(path)
    assert not lock.is_held(path)
    with lock.held(path):
        pass


def test_durations_and_moments_are_words():
    assert [outcome_words.duration(one) for one in (None, 9.9, 65, 3780)] == [
        "",
        "9 s",
        "1 min 5 s",
        "1 h 3 min",
    ]
    assert outcome_words.minute(0) == "1 January 1970, 00:00 UTC"


def test_the_report_is_sent_without_the_cookie_by_its_key_alone(client, review):
    address = client.get("/report/").location
    stranger = client.app.test_client()
    answer = stranger.get(address, base_url=client.base, buffered=True)
    assert answer.data == (review / f"results/{RUN}/report.html").read_bytes()
    assert answer.headers["Content-Security-Policy"].startswith("sandbox allow-scripts allow-popups")
    assert "allow-same-origin" not in answer.headers["Content-Security-Policy"]
    top = address.removesuffix(f"results/{RUN}/report.html")
    found = stranger.get(f"{top}data/releases/26.0.0/effects.csv", base_url=client.base, buffered=True)
    assert (found.status_code, "allow-scripts" in found.headers["Content-Security-Policy"]) == (200, False)
    wrong = address.replace(address.split("/")[2], "0" * 32)
    (review / f"results/{RUN}/queues").mkdir()
    (review / f"results/{RUN}/queues/ann.csv").write_text("what Ann typed")
    for path in (
        f"{top}results/{RUN}/queues/ann.csv",
        f"{top}logs/{RUN}/month.jsonl",
        wrong,
        f"{top}config.yaml",
        f"{top}results/../config.yaml",
        f"{top}data/decisions/screening.csv",
    ):
        assert stranger.get(path, base_url=client.base).status_code in (401, 404), path


def test_a_link_that_leads_out_of_the_results_is_not_followed(client, review, tmp_path):
    (tmp_path / "secret.csv").write_text("secret")
    (review / f"results/{RUN}/x.csv").symlink_to(tmp_path / "secret.csv")
    address = client.get("/report/").location.replace("report.html", "x.csv")
    assert client.get(address).status_code == 404


def test_the_report_in_the_browser_runs_its_own_script_and_cannot_act_as_the_desk(open_desk, review):
    page = open_desk(review)
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Open the report").first.click()
    report = opened.value
    report.wait_for_load_state()
    assert report.locator("table.sortable th button").count() > 0
    assert report.evaluate("self.origin") == "null"
    assert report.evaluate("fetch('/').then(() => 'reached', () => 'refused')") == "refused"
    report.eval_on_selector_all("details", "parts => parts.forEach((part) => { part.open = true; })")
    report.locator("img").last.scroll_into_view_if_needed()
    until(lambda: report.evaluate("[...document.images].at(-1).naturalWidth > 0"))


@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(open_desk, review, width):
    failed = {"rule": "pool_outcomes", "log": "logs/x.log", "error": "row 3: " + "x" * 300}
    told = {"outcome": "failed", "failed": [failed], "hint": "mend it", "exit_code": 1}
    tables.write_json(told, review / f"logs/{RUN}/month.json")
    (review / "logs/x.log").write_text("y" * 300)
    page = open_desk(review, width=width)
    for path in ("/", "/month/run"):
        page.goto("/".join(page.url.split("/")[:3]) + path)
        page.eval_on_selector_all("details", "parts => parts.forEach((part) => { part.open = true; })")
        assert violations(page) == []
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        assert violations(page, OF_COLOURS) == []
        page.emulate_media(color_scheme="light")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_progress_is_seen_live_in_the_browser(open_desk, review):
    act(review, "good", go=0)

    def prepare(made):
        made.extensions["month"].command = [sys.executable, str(STUB)]

    decide(review)
    page = open_desk(review, width=390, prepare=prepare)
    page.get_by_role("button", name="Build November 2026 again").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Searching PubMed for run 2026-11 …").wait_for()
    assert page.locator("progress").get_attribute("max") == "2"
    (review / "go").write_text("1")
    page.get_by_text("Pooling each outcome …").wait_for()
    page.get_by_text("1 of 2 steps").wait_for()
    assert page.get_by_role("status").inner_text() == "Pooling each outcome"
    assert violations(page) == []
    (review / "go").write_text("2")
    page.get_by_role("heading", name="triggers fired").wait_for()
    assert page.get_by_role("button", name="Start again").is_visible()


def test_what_the_log_says_of_an_earlier_start_is_not_told_of_this_one(client, review, elsewhere):
    log = run_log.path_of(review, RUN)
    log.write_text(
        json.dumps({"time": "2026-11-01T00:00:00+00:00", "event": "steps", "done": 3, "of": 9}) + "\n"
    )
    elsewhere(f"month {RUN}")
    found = run_state.read(review, RUN, now=NOW)
    assert (found.state, found.done, found.of, found.now) == (run_state.ALIVE, 0, None, ())
