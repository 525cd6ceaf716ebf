"""The monthly job: what it comes to, what it tells a scheduler, and that no kill leaves two at work."""

import contextlib
import datetime
import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml

import run_month
from livingreview import lifeline, lock, run_log, tables
from livingreview.operation.job import due, month, outcome, waiting

ROOT = Path(__file__).resolve().parents[2]
STUB = Path(__file__).with_name("stub_snakemake.py")
NOW = datetime.datetime(2026, 2, 2, 4, 17, tzinfo=datetime.UTC)
RUN = "2026-01"  # has a shipped snapshot
EMPTY = {
    "pairs.csv": ["record_a", "record_b", "verdict"],
    "extraction.csv": ["record_id", "title", "sheet", "state", "note"],
    "extraction_conflicts.csv": ["sheet", "row_id", "adjudicated"],
    "findings.csv": ["row_id", "check", "cleared_by"],
    "methods_reasons.csv": ["key", "reason"],
}
STATUS = {
    "run": RUN,
    "n_new_records": 0,
    "n_new_other": 0,
    "waiting": [],
    "alerts": [],
    "sentinels": {"n": 0, "missing": [], "without_pmid": 0},
}
FIRED = {"label": "Pain", "name": "no_effect", "outcome": "pain_intensity", "sentence": "It moved."}
WAITING = {"record_id": "1", "title": "A", "stage": "title-abstract", "state": "new", "since_run": "2025-07"}
NEWS = {"fired": [], "statement": ["Nothing is new."], "waiting": [], "waiting_more": 0, "runs": []}


@pytest.fixture
def review(tmp_path):
    """A review with one search, and what the stand-in for Snakemake makes of it."""
    shutil.copy2(ROOT / "config.yaml", tmp_path)
    shutil.copytree(ROOT / "data/decisions", tmp_path / "data/decisions")
    shutil.copytree(ROOT / "data/searches" / RUN, tmp_path / "data/searches" / RUN)
    template(tmp_path)
    return tmp_path


def template(review, *, status=None, fired=(), **waits):
    """What the next run will hold; `waits` gives tables their rows."""
    folder = review / "template"
    for name, columns in EMPTY.items():
        tables.write(pd.DataFrame(waits.get(name[:-4], []), columns=columns, dtype=object), folder / name)
    tables.write_json(STATUS | (status or {}), folder / "status.json")
    tables.write_json(NEWS | {"fired": list(fired)}, folder / "whats_new.json")


def judged(review):
    """What a month comes to whose results are those of the template."""
    results = review / "results" / RUN
    results.parent.mkdir()
    (review / "template").rename(results)
    status = tables.read_json(results / "status.json")
    return outcome.of_results(status, [], waiting.read(review, RUN, status))


def configure(review, *, run=RUN, base_url="sandbox", **living):
    path = review / "config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8")) | {"run": run}
    config["living"] |= living
    config["search"]["base_url"] = base_url
    path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")


@pytest.fixture
def play(review, monkeypatch):
    """Plays a month with the stand-in doing what is named; returns the exit status and month.json."""

    def run(does="good", *options, month_of=RUN, sleep=time.sleep):
        monkeypatch.setenv("STUB", does)
        status = run_month.main(
            ["--directory", str(review), "--run", month_of, *options],
            command=[sys.executable, str(STUB)],
            clock=lambda: NOW,
            sleep=sleep,
        )
        return status, month.read(review, month_of)

    return run


def starts_of_snakemake(review):
    path = review / "started"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_nothing_new_and_nothing_waiting_is_0(play):
    status, told = play()
    assert status == told["exit_code"] == 0
    assert told["outcome"] == "nothing new"
    assert (told["n_new"], told["n_waiting"], told["fired"], told["failed"]) == (0, 0, [], [])
    assert (told["started_at"], told["starts"]) == ("2026-02-02T04:17:00Z", 1)


@pytest.mark.parametrize(
    ("waits", "kind"),
    [
        ({"status": {"waiting": [WAITING | {"waits_for": None}]}}, "records to decide on"),
        (
            {"status": {"waiting": [WAITING | {"state": "awaiting", "waits_for": None}]}},
            "records that await information",
        ),
        (
            {"status": {"waiting": [WAITING | {"waits_for": "second reviewer"}]}},
            "records for a second reviewer",
        ),
        ({"status": {"waiting": [WAITING | {"waits_for": "adjudication"}]}}, "conflicts of two reviewers"),
        ({"pairs": [["1", "2", None]]}, "pairs of records to judge"),
        ({"extraction": [["1", "A", "a", "empty", None]]}, "studies to extract"),
        ({"extraction_conflicts": [["a", "r", None]]}, "values on which two extractors differ"),
        ({"findings": [["r", "grim", None]]}, "values to check"),
        ({"methods_reasons": [["analysis.level", None]]}, "changes of methods that want a reason"),
        ({"status": {"alerts": [{"record_id": "1"}]}}, "changed records to look at"),
        (
            {"status": {"sentinels": {"n": 1, "missing": [{"record_id": "1"}], "without_pmid": 0}}},
            "included records that the search no longer finds",
        ),
    ],
)
def test_any_work_that_waits_is_10_and_named(tmp_path, waits, kind):
    template(tmp_path, **waits)
    told = judged(tmp_path)
    assert (told.exit_code, told.name, told.n_waiting) == (10, "work waits", 1)
    assert told.waiting[0]["kind"] == kind
    assert told.waiting[0]["file"].startswith(f"results/{RUN}/")


def test_what_is_answered_does_not_wait_and_new_records_that_are_all_decided_are_0(tmp_path):
    template(
        tmp_path,
        status={"n_new_records": 2},
        pairs=[["1", "2", "related"]],
        findings=[["r", "grim", "EX"]],
        extraction_conflicts=[["a", "r", "3.5"]],
    )
    told = judged(tmp_path)
    assert (told.exit_code, told.name, told.n_new, told.n_waiting) == (0, "all done", 2, 0)


def test_a_table_that_is_missing_is_a_failure_and_not_nothing_that_waits(review, play):
    (review / "template/findings.csv").unlink()
    status, told = play()
    assert (status, told["outcome"]) == (1, "failed")
    assert "findings.csv" in told["reason"]


def test_the_age_of_what_waits_is_that_of_the_oldest(tmp_path):
    rows = [WAITING | {"since_run": since, "waits_for": None} for since in ("2025-12", "2025-07", "2026-01")]
    template(tmp_path, status={"waiting": rows})
    told = judged(tmp_path).waiting
    assert [(row["n"], row["since"], row["months"]) for row in told] == [(3, "2025-07", 6)]


def test_a_trigger_is_20_also_while_work_waits(review, play):
    template(review, fired=[FIRED], pairs=[["1", "2", None]])
    status, told = play()
    assert (status, told["outcome"], told["n_waiting"]) == (20, "trigger fired", 1)
    assert told["fired"] == [FIRED]


def test_a_trigger_counts_no_more_once_a_version_was_released_from_its_month(review, play):
    template(review, fired=[FIRED], pairs=[["1", "2", None]])
    for version, run in (("26.1.0", RUN), ("26.0.0", "2026-01")):
        about = {"kind": "release", "version": version, "run": run}
        tables.write_json(about, review / "data/releases" / version / "release.json")
    status, told = play()
    assert (status, told["outcome"], told["fired"]) == (10, "work waits", [])
    assert told["remarks"] == [
        "version 26.1.0 was released from this run, and answers the triggers that fired"
    ]


def test_a_failed_rule_is_1_with_its_reason_and_log(review, play):
    status, told = play("fail")
    assert (status, told["outcome"]) == (1, "failed")
    assert told["failed"] == [
        {
            "rule": "draw_figures",
            "log": "logs/x/draw_figures.log",
            "error": "effects.csv: row 3: found 'x'",
        }
    ]
    assert "start the same command again" in told["hint"]


def test_a_job_that_was_killed_is_named_though_it_said_nothing(play):
    status, told = play("job killed")
    assert status == 1
    assert told["failed"] == [{"rule": "rank_records", "log": "logs/x/rank_records.log", "error": None}]
    assert "ended without a word" in told["reason"]


def test_a_refusal_before_any_job_is_the_reason(play):
    assert play("refuse")[1]["reason"] == "config.yaml: unknown key"


def test_a_failure_of_snakemake_itself_shows_its_last_words_without_secrets(review, play, monkeypatch):
    monkeypatch.setenv("NCBI_API_KEY", "SECRETSECRET")
    _, told = play("broken")
    assert "SyntaxError in file Snakefile, line 3; key is [NCBI_API_KEY]" in told["reason"]
    for path in (review / "logs" / RUN).iterdir():
        assert "SECRETSECRET" not in path.read_text(encoding="utf-8")


def test_a_snakemake_that_was_killed_is_a_failure(play):
    status, told = play("killed")
    assert (status, told["outcome"]) == (1, "failed")
    assert "killed by signal 9" in told["reason"]


def test_results_that_cannot_be_read_are_a_failure(review, play):
    (review / "template/status.json").write_text("{")
    status, told = play()
    assert status == 1
    assert "this is not JSON" in told["reason"]


def test_a_fault_in_the_protocol_is_a_failure_that_is_told(review, play):
    (review / "config.yaml").write_text("run: '2026-01'\nruns: 3\n")
    status, told = play()
    assert (status, told["outcome"]) == (1, "failed")
    assert "unknown key runs" in told["reason"]
    assert starts_of_snakemake(review) == []


@pytest.mark.parametrize(("saves", "builds"), [(0, 1), (1, 2), (9, month.OFTEN)])
def test_what_people_save_while_it_is_built_is_taken_in_by_building_again(review, play, saves, builds):
    (review / "saves").write_text(str(saves))
    assert play("saved")[0] == 0
    assert len((review / "started").read_text().splitlines()) == builds


def test_every_start_is_counted_and_added_to_the_log(review, play):
    play("fail")
    status, told = play()
    assert (status, told["starts"], told["failed"]) == (0, 2, [])
    events = [row["event"] for row in run_log.read(review / "logs" / RUN / "month.jsonl")]
    assert events == ["month started", "failed", "month ended", "month started", "steps", "month ended"]
    assert [
        (row["done"], row["of"])
        for row in run_log.read(review / "logs" / RUN / "month.jsonl", start=0)
        if row["event"] == "steps"
    ] == [(1, 1)]


def test_snakemake_is_asked_for_the_month_and_goes_on_beside_a_failure(review, play):
    play("good", "--cores", "3", "--profile", "profiles/slurm")
    [given] = starts_of_snakemake(review)
    assert given[-2:] == ["--config", f"run={RUN}"]
    assert "--keep-going" in given
    assert given[given.index("--cores") + 1] == "3"
    assert given[given.index("--profile") + 1] == "profiles/slurm"


@pytest.mark.parametrize("mode", ["paused", "retired"])
def test_a_review_that_rests_is_not_searched(review, play, mode):
    configure(review, mode=mode, since="2026-01", reason="The team is away.")
    status, told = play(month_of="2026-02")
    assert (status, told["outcome"]) == (0, mode)
    assert "since 2026-01: The team is away.; PubMed was not asked" in told["reason"]
    assert starts_of_snakemake(review) == []


def test_a_month_that_was_searched_is_built_while_the_review_rests(review, play):
    configure(review, mode="paused")
    assert play()[1]["outcome"] == "nothing new"
    assert len(starts_of_snakemake(review)) == 1


def test_a_month_between_two_searches_is_not_due(review, play):
    configure(review, search_every_months=3)
    status, told = play(month_of="2026-03")
    assert (status, told["outcome"]) == (0, "not due")
    assert "the last one was 2026-01, the next is 2026-04" in told["reason"]
    assert play(month_of="2026-04")[1]["outcome"] == "nothing new"


@pytest.mark.parametrize(("living", "code"), [({"search_every_months": 3}, 10), ({"mode": "paused"}, 0)])
def test_what_waits_is_told_in_months_without_a_search_too(review, play, capsys, living, code):
    template(review, status={"waiting": [WAITING | {"waits_for": None}]})
    assert play()[0] == 10
    configure(review, **living)
    status, told = play(month_of="2026-03")
    assert (status, told["n_waiting"], told["n_new"]) == (code, 1, None)
    assert told["reason"].endswith("; of 2026-01, 1 piece of work waits")
    assert told["waiting"][0]["file"] == "results/2026-01/queue.csv"
    assert told["waiting"][0]["months"] == 8  # since July 2025
    digest = (review / "logs/2026-03/digest.md").read_text(encoding="utf-8")
    assert "1 item waits for people" in digest
    assert "RUN=2026-01" in digest
    assert "each followed by RUN=2026-01 " in capsys.readouterr().err.rpartition("Month 2026-03")[2]


def test_what_waits_and_cannot_be_read_is_remarked_in_a_month_without_a_search(review, play):
    play()
    (review / "results" / RUN / "pairs.csv").unlink()
    configure(review, mode="paused")
    status, told = play(month_of="2026-03")
    assert (status, told["outcome"], told["n_waiting"]) == (0, "paused", None)
    assert "what waits since 2026-01 could not be read" in told["remarks"][0]


LIVE = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"
MISTAKES = {
    "2025-12": ("sandbox", "2026-01 has been searched since"),
    "2028-03": ("sandbox", "allowed: at most 24; hint: RUN=2026-02"),
    "2026-05": (LIVE, "hint: RUN=2026-02"),
}


@pytest.mark.parametrize("run", MISTAKES)
def test_a_month_given_by_mistake_is_refused_and_leaves_nothing(review, play, capsys, run):
    base_url, said = MISTAKES[run]
    configure(review, base_url=base_url)
    status, told = play(month_of=run)
    assert (status, told) == (2, {})
    assert said in capsys.readouterr().err
    assert not (review / "logs" / run).exists()
    assert starts_of_snakemake(review) == []


@pytest.mark.parametrize("run", ["2026-13", "January", "2026-1"])
def test_what_is_no_month_is_wrong_usage(play, capsys, run):
    assert play(month_of=run)[0] == 2
    assert "allowed: a month as YYYY-MM" in capsys.readouterr().err


def test_a_folder_without_a_protocol_is_wrong_usage_and_stays_empty(tmp_path, capsys):
    assert run_month.main(["--directory", str(tmp_path), "--run", RUN]) == 2
    assert "there is no config.yaml" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("run", "base_url"),
    [
        ("2028-01", "sandbox"),
        ("2028-01", "http://127.0.0.1:8000/entrez/eutils/"),
        ("2026-02", LIVE),
        ("2026-01", LIVE),  # searched already
    ],
)
def test_a_month_that_can_be_meant_is_not_refused(run, base_url):
    due.check(run, taken=["2025-07", RUN], base_url=base_url, config_run=RUN, now=NOW)


@pytest.mark.parametrize(("day", "allowed"), [(1, ["2026-02", "2026-03"]), (2, ["2026-03"])])
def test_a_day_either_way_is_let_pass(day, allowed):
    now = datetime.datetime(2026, 3, day, 4, tzinfo=datetime.UTC)
    for run in ("2026-02", "2026-03", "2026-04"):
        given = {"taken": [RUN], "base_url": LIVE, "config_run": RUN, "now": now}
        if run in allowed:
            due.check(run, **given)
        else:
            with pytest.raises(due.NoSuchMonth, match="hint: RUN=2026-03"):
                due.check(run, **given)


def test_the_first_month_of_a_review_is_searched_whatever_its_schedule():
    living = {"mode": "active", "search_every_months": 6}
    assert due.nothing_to_do("2026-02", taken=[], living=living) is None


def typed(review, run):
    queue = {"record_id": ["101"], "pmid": ["101"], "stage": ["title-abstract"], "state": ["new"]}
    queue |= {"decision": ["include"], "reviewer": ["EX"]}
    path = review / "results" / run / "queue.csv"
    frame = pd.DataFrame(queue).reindex(columns=tables.columns("queue"))
    tables.write(frame.astype(object).where(frame.notna(), None), path)
    return path


def test_decisions_that_nobody_has_filed_are_work_that_waits_and_stay(review, play):
    path = typed(review, RUN)
    before = path.read_bytes()
    status, told = play()
    assert (status, told["outcome"]) == (10, "not filed")
    assert "1 filled-in rows are not filed as decisions yet" in told["reason"]
    assert path.read_bytes() == before
    assert starts_of_snakemake(review) == []


def test_a_ledger_that_cannot_be_read_is_a_failure_and_no_work_for_reviewers(review, play):
    typed(review, RUN)
    typed(review, "2025-07")
    (review / "data/decisions/screening.csv").write_text("nothing,of,the,kind\n")
    _, told = play("refuse")
    assert (told["outcome"], told["remarks"]) == ("failed", [])


def test_decisions_typed_in_the_month_before_are_remarked(review, play):
    typed(review, "2025-07")
    status, told = play()
    assert (status, told["outcome"]) == (0, "nothing new")
    assert len(told["remarks"]) == 1
    assert "2025-07/queue.csv" in told["remarks"][0]


def test_who_comes_second_is_told_who_works_since_when_and_what(review, play, capsys):
    with lock.held(review / lock.OF_A_REVIEW, what="run 2025-12"):
        status, told = play()
    assert (status, told) == (75, {})
    said = capsys.readouterr().err
    assert f"process {os.getpid()} on " in said
    assert "UTC, run 2025-12)" in said


def test_who_waits_gets_the_lock_when_it_is_given_back(review, monkeypatch):
    held = lock.hold(review / lock.OF_A_REVIEW)
    monkeypatch.setenv("STUB", "good")

    def sleep(_seconds):
        with contextlib.suppress(OSError):
            os.close(held)

    options = ["--directory", str(review), "--run", RUN, "--wait", "60"]
    command = [sys.executable, str(STUB)]
    assert run_month.main(options, command=command, clock=lambda: NOW, sleep=sleep) == 0


def test_a_digest_that_cannot_be_made_changes_nothing_but_is_told(review, play, monkeypatch, capsys):
    def fail(*_args, **_options):
        raise KeyError("a fault")

    monkeypatch.setattr(month.digest, "write", fail)
    status, told = play()
    assert (status, told["outcome"]) == (0, "nothing new")
    assert told["remarks"] == ["the digest could not be made: 'a fault'"]
    assert "the digest could not be made" in capsys.readouterr().err


def test_a_message_that_cannot_be_sent_changes_nothing_but_is_told(review, play, monkeypatch):
    monkeypatch.delenv("LIVING_REVIEW_WEBHOOK_URL", raising=False)
    with (review / "config.yaml").open("a", encoding="utf-8") as file:
        file.write("\nnotify:\n  webhook:\n    format: slack\n")
    status, told = play()
    assert (status, told["outcome"]) == (0, "nothing new")
    assert len(told["remarks"]) == 1
    assert told["remarks"][0].startswith("webhook: ")
    assert "LIVING_REVIEW_WEBHOOK_URL" in told["remarks"][0]


def test_a_folder_without_locks_is_a_failure_that_says_so(play, monkeypatch, capsys):
    def flock(*_args):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock.fcntl, "flock", flock)
    assert play() == (1, {})
    assert "this file system keeps no locks (No locks available)" in capsys.readouterr().err


def test_a_disk_on_which_nothing_can_be_written_is_a_failure_that_says_so(play, monkeypatch, capsys):
    def write(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(month.tables, "write_text", write)
    assert play() == (1, {})
    assert "No space left on device; hint: is the disk full" in capsys.readouterr().err


def test_a_disk_that_runs_full_once_the_month_has_ended_takes_nothing_from_it(review, play, monkeypatch):
    written = month.Month.write

    def write(self, **more):
        if self.about.get("ended_at"):
            raise OSError(errno.ENOSPC, "No space left on device")
        written(self, **more)

    monkeypatch.setattr(month.Month, "write", write)
    status, told = play()
    assert (status, told["outcome"]) == (0, "nothing new")
    assert (review / "logs" / RUN / "digest.md").is_file()


def test_a_folder_of_somebody_else_is_a_failure_that_says_so(play, monkeypatch, capsys):
    def is_file(_path):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(run_month.Path, "is_file", is_file)
    assert play()[0] == 1
    assert "Permission denied; hint: is the disk full, or the folder not yours" in capsys.readouterr().err


@pytest.mark.parametrize(("does", "head"), [("good", "Nothing new"), ("fail", "Failed")])
def test_the_digest_is_made_whatever_came_of_it(review, play, does, head):
    play(does)
    assert head in (review / "logs" / RUN / "digest.md").read_text(encoding="utf-8")
    assert (review / "logs" / RUN / "digest.html").is_file()


IGNORED = (signal.SIGHUP, signal.SIGINT)
COMMAND = """
import signal, sys
import run_month

# As at a terminal, however the tests were started: in the background a shell has Ctrl-C ignored.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
for number in map(int, sys.argv[2].split()):
    signal.signal(number, signal.SIG_IGN)
sys.exit(run_month.main(sys.argv[3:], command=[sys.executable, sys.argv[1]]))
"""


def start(review, does, ignoring=()):
    """The command in a process of its own, as a scheduler starts it."""
    ignored = " ".join(str(int(number)) for number in ignoring)
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(STUB), ignored, "--directory", str(review), "--run", RUN],
        env=os.environ | {"PYTHONPATH": str(ROOT / "scripts"), "STUB": does},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def until(condition, seconds=20):
    """Wait for something; says whether it came."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def writes(review):
    """Whether a job still writes into the folder."""
    before = (review / "written").stat().st_size
    time.sleep(0.3)
    return (review / "written").stat().st_size > before


@pytest.fixture
def hanging(review):
    """A month in which a job writes without end; the command, Snakemake's pid and the job's."""
    command = start(review, "hang")
    try:
        assert until(lambda: (review / "pids").exists() and (review / "pids").read_text().count(" "))
        yield command, *map(int, (review / "pids").read_text().split())
    finally:
        command.kill()
        command.wait()
        command.stderr.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_all_and_says_so(review, hanging, number):
    command, *_ = hanging
    assert month.read(review, RUN)["outcome"] == "running"
    command.send_signal(number)
    assert command.wait(60) == 1
    assert not writes(review)
    told = month.read(review, RUN)
    assert (told["outcome"], told["exit_code"]) == ("interrupted", 1)
    assert told["reason"] == f"ended by {number.name}; what was complete stays"
    lock.held(review / lock.OF_A_REVIEW)


def test_a_hangup_that_nohup_has_ignored_ends_nothing_and_the_request_to_end_all_the_same(review):
    command = start(review, "hang", ignoring=IGNORED)
    try:
        assert until(lambda: (review / "pids").exists() and (review / "pids").read_text().count(" "))
        for number in IGNORED:
            command.send_signal(number)
        assert writes(review)
        assert command.poll() is None
        command.terminate()
        assert command.wait(60) == 1
        assert not writes(review)
    finally:
        command.kill()
        command.wait()
        command.stderr.close()


@pytest.mark.parametrize("victim", ["command", "snakemake"])
def test_a_kill_that_cannot_be_caught_leaves_no_job_at_work_beside_the_next_start(
    review, hanging, play, victim
):
    command, snakemake, _job = hanging
    os.kill(command.pid if victim == "command" else snakemake, signal.SIGKILL)
    status, told = play()
    assert (status, told["starts"]) == (0, 2)
    assert not writes(review)
    killed = [row for row in run_log.read(review / "logs" / RUN / "month.jsonl") if "killed" in row["event"]]
    assert len(killed) == (victim == "command")


def test_a_job_that_was_killed_all_the_same_holds_no_lock(review, hanging):
    command, snakemake, job = hanging
    for pid in (command.pid, snakemake, job):
        os.kill(pid, signal.SIGKILL)
    command.wait()
    assert until(lambda: not any(map(lifeline.is_alive, (snakemake, job))))
    with lock.held(review / lock.OF_A_REVIEW):
        pass


def test_every_outcome_has_a_status_that_help_and_the_documentation_explain(capsys):
    with pytest.raises(SystemExit):
        run_month.main(["--help"])
    shown = capsys.readouterr().out
    text = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    section = re.search(r"^## The monthly job\n(.*?)(?=^## )", text, re.M | re.S)[1]
    documented = {int(code): row for code, row in re.findall(r"^\| (\d+) \|(.*)$", section, re.M)}
    assert documented.keys() == outcome.MEANING.keys() == set(outcome.EXIT_CODES.values())
    for code in documented:
        assert re.search(rf"^ +{code}  ", shown, re.M)
    for name, code in outcome.EXIT_CODES.items():
        if name not in (outcome.LOCKED, outcome.REFUSED):
            assert f"`{name}`" in documented[code]
