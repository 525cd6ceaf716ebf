"""The structured log: whole lines whoever writes them, no secrets, and never a reason to stop."""

import datetime
import json
import logging
import multiprocessing
import os

import pytest

from livingreview import run_log

NOW = datetime.datetime(2026, 12, 2, 4, 17, 5, 250000, tzinfo=datetime.UTC)


def write(path, message="a message", **more):
    return run_log.write(path, run="2026-12", event="said", message=message, now=NOW, **more)


def test_a_line_says_when_what_and_who(tmp_path):
    path = tmp_path / "logs/2026-12/month.jsonl"
    assert write(path, "a\nb", rule="rank_records", seconds=1.5, log=None)
    assert json.loads(path.read_text()) == {
        "time": "2026-12-02T04:17:05.250+00:00",
        "level": "info",
        "run": "2026-12",
        "event": "said",
        "message": "a\nb",
        "rule": "rank_records",
        "seconds": 1.5,
    }
    assert path.read_text().count("\n") == 1


def _many(path, name):
    for number in range(200):
        run_log.write(path, run="2026-12", event="said", message=f"{name} {number} " + 3000 * name)


def test_lines_of_several_processes_do_not_mix(tmp_path):
    path = tmp_path / "month.jsonl"
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_many, args=(path, name)) for name in "abc"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    lines = path.read_text().splitlines()
    assert len(lines) == 600
    assert {len(json.loads(line)["message"].split()[-1]) for line in lines} == {3000}


def test_a_line_that_was_cut_is_left_out_and_only_what_is_new_is_read(tmp_path):
    path = tmp_path / "month.jsonl"
    write(path, "old")
    start = run_log.size(path)
    write(path, "new")
    with path.open("a") as file:
        file.write('{"time": "2026\n')
    write(path, "newer")
    assert [row["message"] for row in run_log.read(path, start=start)] == ["new", "newer"]


def test_a_log_that_is_not_there_is_empty(tmp_path):
    assert run_log.read(tmp_path / "month.jsonl") == []
    assert run_log.size(tmp_path / "month.jsonl") == 0


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path):
    (tmp_path / "file").touch()
    assert write(tmp_path / "file/month.jsonl") is False


def test_a_secret_is_not_written(tmp_path):
    path = tmp_path / "month.jsonl"
    write(path, "api_key=SECRETSECRET", environ={"NCBI_API_KEY": "SECRETSECRET"})
    assert json.loads(path.read_text())["message"] == "api_key=[NCBI_API_KEY]"


def test_a_log_that_has_grown_too_large_is_set_aside_once(tmp_path):
    path = tmp_path / "month.jsonl"
    write(path, "first")
    run_log.bound(path, largest=1000)
    assert path.exists()
    run_log.bound(path, largest=10)
    assert not path.exists()
    write(path, "second")
    run_log.bound(path, largest=10)
    assert [row["message"] for row in run_log.read(tmp_path / "month.1.jsonl")] == ["second"]


def test_what_a_rule_says_is_written_with_its_name_and_an_error_with_its_log(tmp_path):
    path = tmp_path / "month.jsonl"
    handler = run_log.Lines(path, run="2026-12", rule="rank_records", log="logs/2026-12/rank_records.log")
    logger = logging.Logger("example")
    logger.addHandler(handler)
    logger.debug("unheard")
    logger.info("%d records", 7)
    logger.error("row 3: found 'x'")
    said, failed = run_log.read(path)
    assert (said["event"], said["level"], said["message"]) == ("said", "info", "7 records")
    assert (failed["event"], failed["level"], failed["log"]) == (
        "failed",
        "error",
        "logs/2026-12/rank_records.log",
    )
    assert {said["rule"], failed["rule"]} == {"rank_records"}
    assert "log" not in said


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="modes are those of Linux here")
def test_nobody_else_may_write_it(tmp_path):
    path = tmp_path / "month.jsonl"
    write(path)
    assert path.stat().st_mode & 0o002 == 0
