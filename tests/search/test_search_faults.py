"""The drill with faults and kills, short; benchmarks/search_faults.py runs it long."""

import importlib.util
import json
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parents[2] / "benchmarks" / "search_faults.py"


@pytest.fixture(scope="module")
def drill():
    spec = importlib.util.spec_from_file_location("search_faults", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(drill, capsys):
    """Runs the program; its exit status and the object on its last line."""

    def call(*arguments):
        status = drill.main(list(arguments))
        return status, json.loads(capsys.readouterr().out.splitlines()[-1])

    return call


def test_random_faults_end_in_the_exact_snapshot_or_in_a_clear_failure(run):
    status, told = run("--sequences", "25", "--seed", "20261101")
    assert (status, told["lost"]) == (0, 0)
    ends = told["sequences"]
    assert ends["exact snapshot"] + ends["clear failure, nothing left"] == 25
    assert ends["exact snapshot"] > 0
    assert ends["clear failure, nothing left"] > 0
    assert ends["faults planted"] > 100


def test_a_killed_search_leaves_no_snapshot_and_ends_well_when_started_again(run):
    status, told = run("--kills", "4", "--seed", "20261101")
    assert (status, told["lost"]) == (0, 0)
    assert told["kills"].get("killed before the end", 0) > 0


def test_a_snapshot_that_lacks_a_record_would_be_counted_as_lost(drill, run, monkeypatch):
    """The drill can fail: a client that drops what it must ask for again is found out."""
    monkeypatch.setattr(drill.entrez.Fetching, "_again", lambda *_: {})
    monkeypatch.setattr(drill.entrez.Client, "_held", lambda *_: [])
    monkeypatch.setattr(drill, "FAULTS", ["omit"])
    status, told = run("--sequences", "5", "--seed", "20261101")
    assert status == 1
    assert told["lost"] > 0
