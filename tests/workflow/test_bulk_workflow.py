"""The rules for PubMed's own files: one job a file, and the same result however the run went."""

import csv
import os
import signal
import subprocess
import time

import pytest
from search.bulk_files import Series, row, run, snakemake, write_file, write_workflow

TARGET = "combine_bulk"


def found(review):
    with (review / "results/bulk/found.csv").open(encoding="utf-8", newline="") as file:
        return {tuple(line.values()) for line in csv.DictReader(file)}


def results(review):
    """Content of every result by its path."""
    top = review / "results"
    return {str(one.relative_to(top)): one.read_bytes() for one in top.rglob("*") if one.is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A series of files and a folder in which the rules have run over them."""
    folder = tmp_path_factory.mktemp("bulk")
    series = Series(folder / "files", files=4, records=60, seed=2)
    write_workflow(folder / "review", folder / "files")
    done = run(folder / "review", TARGET)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, series


def test_the_rules_find_exactly_what_the_files_hold(built):
    folder, series = built
    assert found(folder / "review") == series.expected()


def test_a_run_that_is_killed_and_run_again_gives_the_same_bytes(built, tmp_path):
    folder, _ = built
    review = tmp_path / "review"
    write_workflow(review, folder / "files")
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(
        snakemake(review, TARGET, cores=1), stdout=quiet, stderr=quiet, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while not list(review.glob("results/bulk/scans/*.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert list(review.glob("results/bulk/scans/*.json"))
    assert not (review / "results/bulk/bulk.json").exists()
    done = run(review, TARGET)
    assert done.returncode == 0, done.stderr
    assert results(review) == results(folder / "review")


def test_a_file_that_differs_from_its_md5_stops_the_run_and_is_named(tmp_path):
    path = write_file(tmp_path / "files", 1, [row(1, "match")])
    path.write_bytes(path.read_bytes() + b"x")
    write_workflow(tmp_path / "review", tmp_path / "files")
    done = run(tmp_path / "review", TARGET)
    assert done.returncode != 0
    assert "pubmed26n0001.xml.gz: its MD5 differs" in done.stdout + done.stderr
    assert results(tmp_path / "review") == {}


def test_a_missing_file_stops_the_run_before_any_job_unless_it_is_allowed(tmp_path):
    write_file(tmp_path / "files", 1, [row(1, "match")])
    write_file(tmp_path / "files", 3)
    write_workflow(tmp_path / "review", tmp_path / "files")
    done = run(tmp_path / "review", TARGET)
    assert done.returncode != 0
    assert "1 files are missing" in done.stdout + done.stderr
    assert "pubmed26n0002" in done.stdout + done.stderr
    write_workflow(tmp_path / "review", tmp_path / "files", allow_gaps=True)
    done = run(tmp_path / "review", TARGET)
    assert done.returncode == 0, done.stderr
    assert found(tmp_path / "review") == {("1", "1", "pubmed26n0001", "match")}


def test_a_file_that_is_added_is_the_only_one_that_is_read(tmp_path):
    review, files = tmp_path / "review", tmp_path / "files"
    write_file(files, 1, [row(1, "match"), row(2, "match")])
    write_workflow(review, files)
    assert run(review, TARGET).returncode == 0
    scanned = review / "results/bulk/scans/pubmed26n0001.json"
    before = scanned.stat().st_mtime_ns
    write_file(files, 2, [row(3, "match"), row(2)])
    done = run(review, TARGET)
    assert done.returncode == 0, done.stderr
    assert scanned.stat().st_mtime_ns == before
    assert found(review) == {("1", "1", "pubmed26n0001", "match"), ("3", "1", "pubmed26n0002", "match")}
