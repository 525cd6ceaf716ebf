"""The last words of a run: where the report is, or why there is none."""

import os
import subprocess
import sys

import pytest

from livingreview import messages


@pytest.fixture
def logs(tmp_path, monkeypatch):
    """A folder of a run's logs; writes one rule's log and names it in Snakemake's own."""
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "snakemake.log"
    own.write_text("Building DAG of jobs...\n")

    def write(rule, text, *, failed=True):
        path = tmp_path / "logs" / "2020-01" / f"{rule}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        with own.open("a") as file:
            error = f"Error in rule {rule}:\n" if failed else f"rule {rule}:\n"
            file.write(f"{error}    log: logs/2020-01/{rule}.log\n")
        return own

    return write


def test_a_finished_run_names_report_and_queue(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert messages.done("2020-01") == (
        f"\nReport: {tmp_path}/results/2020-01/report.html\nQueue:  {tmp_path}/results/2020-01/queue.csv"
    )


def test_two_reviewers_are_told_of_their_own_queues_and_of_the_conflicts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    results = f"{tmp_path}/results/2020-01"
    assert messages.done("2020-01", own={"First Reviewer": "first.csv", "Second Reviewer": "second.csv"}) == (
        f"\nReport:    {results}/report.html\nQueues:    {results}/queues (one for each reviewer)"
        f"\nConflicts: {results}/conflicts.csv"
    )


def test_a_failed_run_says_the_last_error_of_the_rule_that_failed(logs):
    own = logs(
        "link_studies",
        "2020-01-01 10:00:00,000 INFO link_studies: reading\n"
        "2020-01-01 10:00:01,000 ERROR livingreview.stage: data/trials/reports.csv: 2 problems\n"
        "  - row 2: unknown study\n  - row 3: unknown study\n",
    )
    assert messages.reason_of_failure(own, "logs") == (
        "\nlink_studies failed: data/trials/reports.csv: 2 problems\n"
        "  - row 2: unknown study\n  - row 3: unknown study\n(full log: logs/2020-01/link_studies.log)"
    )


def test_rules_that_succeeded_and_logs_of_other_runs_are_passed_over(logs, tmp_path):
    old = tmp_path / "logs" / "2019-12" / "rank_records.log"
    old.parent.mkdir(parents=True)
    old.write_text("2019-12-01 10:00:00,000 ERROR livingreview.stage: an old error\n")
    logs("fold_corpus", "2020-01-01 10:00:00,000 ERROR x: mended since\n", failed=False)
    own = logs("rank_records", "2020-01-01 10:00:00,000 ERROR livingreview.stage: a new error\n")
    assert messages.reason_of_failure(own, "logs") == (
        "\nrank_records failed: a new error\n(full log: logs/2020-01/rank_records.log)"
    )


def test_every_rule_that_failed_is_named(logs):
    logs("rank_records", "2020-01-01 10:00:00,000 ERROR livingreview.stage: one\n")
    own = logs("link_studies", "2020-01-01 10:00:00,000 ERROR livingreview.stage: two\n")
    text = messages.reason_of_failure(own, "logs")
    assert "link_studies failed: two" in text
    assert "rank_records failed: one" in text


def test_a_run_that_failed_before_any_job_shows_the_end_of_snakemakes_log(logs, tmp_path):
    own = tmp_path / "snakemake.log"
    own.write_text("first\n\nInputError in file common.smk: config.yaml: missing key run\n")
    assert messages.reason_of_failure(own, "logs") == (
        f"\nThe run failed before a job could say why. The end of {own}:\n"
        "first\nInputError in file common.smk: config.yaml: missing key run"
    )


def test_without_any_log_it_still_says_that_the_run_failed(tmp_path):
    assert messages.reason_of_failure(tmp_path / "none.log", tmp_path / "logs") == "\nThe run failed."


def test_the_last_words_come_after_everything_else(root):
    code = (
        "import atexit, sys; from livingreview.messages import say_last\n"
        "say_last('last')\nprint('first', file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(root / "scripts")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == "first\nlast\n"


@pytest.fixture
def group(logs, tmp_path):
    """Two jobs that a cluster ran together, both called failed by Snakemake; writes the log of the whole."""
    logs("check_data", "2020-01-01 10:00:00,000 ERROR livingreview.stage: row 3 is wrong\n", failed=False)
    own = logs("rank_records", "2019-12-01 10:00:00,000 ERROR x: of an earlier run\n", failed=False)
    of_group = tmp_path / ".snakemake" / "slurm_logs" / "group_month_check_data_..." / "1.log"
    of_group.parent.mkdir(parents=True)
    jobs = "".join(
        f"        rule {rule}:\n            jobid: {number}\n            output: {rule}.csv\n"
        f"            log: logs/2020-01/{rule}.log (check log file(s) for error details)\n"
        for number, rule in enumerate(["check_data", "rank_records"])
    )
    with own.open("a") as file:
        file.write(
            f"    message: Error in group month\n    log: {of_group} (check log file(s) for error details)\n"
        )
        file.write(f"    jobs:\n{jobs}")
        file.write("Error in rule check_data:\n    jobid: 0\nError in rule rank_records:\n    jobid: 1\n")

    def write(text):
        of_group.write_text(text)
        return own

    return write


def test_of_jobs_run_together_only_those_are_named_that_failed(group):
    own = group("Error in rule check_data:\n    log: logs/2020-01/check_data.log\n")
    assert messages.reason_of_failure(own, "logs") == (
        "\ncheck_data failed: row 3 is wrong\n(full log: logs/2020-01/check_data.log)"
    )


def test_a_job_that_the_cluster_ended_is_told_by_the_clusters_log(group):
    own = group("slurmstepd: error: *** STEP 1.0 CANCELLED DUE TO TIME LIMIT ***\n")
    text = messages.reason_of_failure(own, "logs")
    assert "DUE TO TIME LIMIT" in text
    assert "earlier run" not in text
