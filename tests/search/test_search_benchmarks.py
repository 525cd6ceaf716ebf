"""The measurements of the client, made small."""

import importlib.util
import json
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def benchmark(name):
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def size():
    return benchmark("search_size")


@pytest.fixture(scope="module")
def mutation():
    return benchmark("mutate_answers")


@pytest.mark.usefixtures("window_of_50")
@pytest.mark.parametrize("order", ["uid", "date", "shuffled"])
def test_no_record_is_lost_at_any_size_and_in_any_order(size, capsys, monkeypatch, order):
    monkeypatch.setattr(size, "WINDOW", 50)
    assert size.main(["--hits", "1", "49", "50", "51", "100", "777", "--order", order]) == 0
    *_, last = capsys.readouterr().out.splitlines()
    results = json.loads(last)
    assert [one["hits"] for one in results] == [1, 49, 50, 51, 100, 777]
    assert all(one["efetch"] == one["efetch_minimum"] for one in results)
    if order == "uid":
        assert all(one["esearch"] == one["esearch_minimum"] for one in results)


def test_a_lost_record_fails_the_measurement(size, capsys, monkeypatch):
    true = size.Client.fetch
    monkeypatch.setattr(size.Client, "fetch", lambda client, pmids: Cut(true(client, pmids)))
    assert size.main(["--hits", "20"]) == 1
    assert "1 not fetched" in capsys.readouterr().err


class Cut:
    """A fetching that loses its first article."""

    def __init__(self, fetching):
        self._fetching = fetching

    def __iter__(self):
        articles = iter(self._fetching)
        next(articles)
        return articles

    @property
    def absent(self):
        return self._fetching.absent


@pytest.mark.parametrize("seed", [1, 2])
def test_damaged_answers_end_exactly_or_in_a_clear_error(mutation, seed):
    outcomes, failures = mutation.run(250, seed=seed)
    assert failures == []
    assert sum(outcomes.values()) == 250
    assert logging.getLogger("livingreview").level == logging.NOTSET  # other tests hear what is warned of
    assert {"exact", "read", "Unreachable", "UnsafeAnswer"} <= {outcome for _, _, outcome in outcomes}


def without_first(name):
    """A damage that takes the first element of a name out of an answer."""
    pattern = re.compile(rb"<%b>.*?</%b>\s*" % (name, name), re.S)
    return lambda status, headers, body: (status, headers, pattern.sub(b"", body, count=1))


def test_a_client_that_takes_a_short_list_is_found_out(mutation, monkeypatch):
    cases = mutation.Cases(3)
    with pytest.raises(mutation.entrez.IncompleteAnswer):
        cases._search(without_first(b"Id"), once=False)
    monkeypatch.setattr("livingreview.search.pubmed.partition._fault", lambda *_: None)
    with pytest.raises(mutation.Failure, match="count 30, 29 of 29 ids differ"):
        cases._search(without_first(b"Id"), once=False)


def test_a_client_that_calls_what_it_missed_absent_is_found_out(mutation, monkeypatch):
    cases = mutation.Cases(3)
    assert cases._fetch(without_first(b"PubmedArticle"), once=False) == "exact"
    monkeypatch.setattr(mutation.entrez.Client, "_held", lambda *_: [])
    monkeypatch.setattr(mutation.entrez.Fetching, "_again", lambda *_: {})
    with pytest.raises(mutation.Failure, match="called absent"):
        cases._fetch(without_first(b"PubmedArticle"), once=False)


def test_a_look_at_the_network_is_found_out(mutation, monkeypatch):
    def look(*_):
        mutation.socket.create_connection(("pubmed.invalid", 80))

    monkeypatch.setattr(mutation.entrez.rate, "interval", look)
    monkeypatch.setattr(mutation.NoPace, "wait", lambda _: None)
    monkeypatch.setattr(mutation.Cases, "run", look)
    _, failures = mutation.run(1, seed=3)
    assert any("looked at the network" in failure for failure in failures)


def test_the_measurement_runs_in_a_child_with_less_memory(mutation):
    command = [sys.executable, BENCHMARKS / "mutate_answers.py", "--count", "20", "--seed", "4"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["failures"] == 0
    assert sum(result["outcomes"].values()) == 20
    assert 0 < result["peak_mb"] < mutation.LIMIT_MB
