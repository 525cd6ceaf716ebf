"""The month of every review in a folder, with a program in the place of the one that builds a month."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import run_months
from livingreview import tables
from livingreview.errors import InputError
from livingreview.operation.reviews import folders as reviews
from livingreview.operation.reviews import months

SCRIPTS = Path(run_months.__file__).parent
# What a review's month comes to stands in a file of the review: an exit status, "kill" or "hang".
MONTH = """\
import argparse, os, pathlib, signal, sys, time
parser = argparse.ArgumentParser()
for name in ("--directory", "--run", "--cores", "--profile"):
    parser.add_argument(name)
args = parser.parse_args()
folder = pathlib.Path(args.directory)
with (folder / "calls").open("a") as file:
    file.write(f"{args.run} {args.cores} {args.profile}\\n")
(folder / "pid").write_text(str(os.getpid()))
what = (folder / "comes_to").read_text()
print("some progress")
print()
print("the reason of", folder.name, flush=True)
if what == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
if what == "hang":
    time.sleep(600)
sys.exit(int(what))
"""


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "month.py"
    path.write_text(MONTH)
    return path


@pytest.fixture
def folder(tmp_path):
    """Makes a folder of reviews, each with what its month comes to."""

    def make(**reviews):
        for name, what in reviews.items():
            (tmp_path / "reviews" / name).mkdir(parents=True)
            (tmp_path / "reviews" / name / "config.yaml").write_text("review: {}\n")
            (tmp_path / "reviews" / name / "comes_to").write_text(str(what))
        return tmp_path / "reviews"

    return make


@pytest.fixture
def run(program):
    def start(reviews, *options):
        return run_months.main(["--reviews", str(reviews), "--run", "2026-12", *options], month=program)

    return start


def calls(review):
    path = review / "calls"
    return path.read_text().splitlines() if path.is_file() else []


@pytest.mark.parametrize(
    ("statuses", "gravest"),
    [
        ([], 0),
        ([0, 0], 0),
        ([0, 10, 0], 10),
        ([10, 20], 20),
        ([20, 1, 10], 1),
        ([75, 75], 75),
        ([0, 75], 75),
        ([75, 10], 10),
    ],
)
def test_the_gravest_status_stands_for_all(statuses, gravest):
    assert months.gravest(statuses) == gravest


def test_one_that_fails_and_one_that_is_killed_stop_no_other(folder, run, capsys):
    reviews = folder(a="1", b="kill", c="20", d="0", e="10", f="75")
    assert run(reviews) == 1
    assert [len(calls(reviews / name)) for name in "abcdef"] == [1] * 6
    said = capsys.readouterr().out
    assert "the reason of a" in said
    assert "6 reviews in" in said.splitlines()[0]
    told = {row["name"]: row for row in tables.read_json(reviews / "portfolio.json")["reviews"]}
    assert {name: row["state"] for name, row in told.items()} == {
        "a": "failed",
        "b": "failed",
        "c": "trigger fired",
        "d": "nothing new",
        "e": "work waits",
        "f": "unended",
    }
    assert told["b"]["reason"] == "the reason of b"
    assert (reviews / "portfolio.html").is_file()


def test_an_exit_status_that_means_nothing_is_a_failure(folder, run):
    reviews = folder(a="0", b="3")
    assert run(reviews) == 1


@pytest.mark.parametrize(
    ("options", "cores"), [([], "2"), (["--jobs", "2"], "1"), (["--jobs", "2", "--cores", "8"], "4")]
)
def test_reviews_that_run_at_once_share_the_cores(folder, run, options, cores):
    reviews = folder(a="0", b="0")
    assert run(reviews, *options, "--profile", "profiles/slurm") == 0
    assert [calls(reviews / name) for name in "ab"] == [[f"2026-12 {cores} profiles/slurm"]] * 2


def test_a_folder_that_lost_its_config_is_a_failure_and_one_of_notes_is_named(folder, run, capsys):
    reviews = folder(a="0")
    (reviews / "lost/data/decisions").mkdir(parents=True)
    (reviews / "notes").mkdir()
    (reviews / "gone").symlink_to(reviews / "nowhere")
    (reviews / "again").symlink_to(reviews / "a")
    (reviews / ".hidden").mkdir()
    assert run(reviews) == 1
    said = capsys.readouterr().out
    assert "passed over: notes (no config.yaml)" in said
    told = {row["name"]: row for row in tables.read_json(reviews / "portfolio.json")["reviews"]}
    assert told.keys() == {"a", "again", "lost", "gone"}
    assert "restore that file" in told["lost"]["reason"]
    assert "leads nowhere" in told["gone"]["reason"]
    assert told["again"]["reason"].startswith("The same folder as a")
    assert len(calls(reviews / "a")) == 1


@pytest.mark.parametrize("make", [False, True])
def test_no_review_at_all_is_wrong_usage_and_says_how_to_begin_one(tmp_path, run, capsys, make):
    if make:
        (tmp_path / "reviews/notes").mkdir(parents=True)
    assert run(tmp_path / "reviews") == 2
    assert "make review NAME=" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [["--run", "2026-13"], ["--jobs", "0"], ["--cores", "many"], ["--hours", "-1"], ["--hours", "nan"]],
)
def test_options_that_mean_nothing_are_refused(tmp_path, options):
    with pytest.raises(SystemExit, match="2"):
        run_months.main(["--reviews", str(tmp_path), *options])


def test_a_month_that_hangs_is_stopped_and_the_next_one_runs(folder, run):
    reviews = folder(a="hang", b="0")
    assert run(reviews, "--hours", str(1.0 / 3600)) == 1
    told = {row["name"]: row for row in tables.read_json(reviews / "portfolio.json")["reviews"]}
    assert "stopped after" in told["a"]["reason"]
    assert calls(reviews / "b")
    with pytest.raises(ProcessLookupError):
        os.kill(int((reviews / "a/pid").read_text()), 0)


def test_a_review_whose_logs_cannot_be_written_fails_alone(folder, run):
    reviews = folder(a="0", b="0")
    (reviews / "a/logs").write_text("a file in the place of the folder")
    assert run(reviews) == 1
    assert (calls(reviews / "a"), len(calls(reviews / "b"))) == ([], 1)


def test_a_link_in_the_place_of_what_is_printed_empties_no_other_file(folder, run, tmp_path):
    reviews = folder(linked=0, pain=0)
    (tmp_path / "theirs").write_text("kept")
    (reviews / "linked/logs").mkdir()
    (reviews / "linked/logs/months.txt").symlink_to(tmp_path / "theirs")
    assert run(reviews) == 1
    assert (tmp_path / "theirs").read_text() == "kept"
    assert calls(reviews / "pain")


def test_told_to_stop_it_stops_what_runs_and_begins_nothing_more(folder, program):
    reviews = folder(a="hang", b="0")
    code = (
        "import sys, pathlib, run_months;"
        "sys.exit(run_months.main(sys.argv[2:], month=pathlib.Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", code, str(program), "--reviews", str(reviews), "--run", "2026-12"]
    process = subprocess.Popen(
        command, cwd=SCRIPTS, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    pid = reviews / "a/pid"
    while not (pid.is_file() and pid.read_text()):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, "Stopped" in said) == (1, True)
    assert calls(reviews / "b") == []
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_what_a_program_printed_last_is_its_reason(tmp_path):
    output = tmp_path / "months.txt"
    output.write_text("progress\n\nfirst line\nsecond line\n\n")
    assert months.last_words(output) == "first line\nsecond line"
    output.write_text("")
    assert months.last_words(output) is None


def test_a_link_to_a_review_elsewhere_is_a_review(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/config.yaml").write_text("")
    (tmp_path / "reviews").mkdir()
    (tmp_path / "reviews/linked").symlink_to(tmp_path / "elsewhere")
    found, others = reviews.find(tmp_path / "reviews")
    assert ([one.name for one in found], found[0].fault, others) == (["linked"], None, [])


def test_a_folder_whose_name_is_no_text_is_named_and_stops_no_other(folder, run, capsys):
    reviews = folder(good=0)
    (reviews / os.fsdecode(b"b\xffd")).mkdir()
    assert run(reviews) == 1
    assert "b\ufffdd: failed" in capsys.readouterr().out


def test_the_name_of_a_folder_does_not_speak_to_the_terminal(folder, run, capsys):
    reviews = folder(**{"red\x1b[31m": 0})
    (reviews / "notes\x1b[2J").mkdir()
    run(reviews)
    assert "\x1b" not in capsys.readouterr().out


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        reviews.find(tmp_path / "reviews")


def test_a_secret_that_a_month_printed_is_not_told_on_the_page(folder, program, run, monkeypatch):
    key = "0123456789abcdef0123456789abcdef0123"
    monkeypatch.setenv("NCBI_API_KEY", key)
    program.write_text(f"import sys\nprint('asked with', {key!r})\nsys.exit(1)\n")
    reviews = folder(a="1")
    assert run(reviews) == 1
    written = [(reviews / name).read_text() for name in ("portfolio.html", "portfolio.json")]
    assert all("asked with" in text and key not in text for text in written)
