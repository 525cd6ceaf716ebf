"""The benchmark of what a review costs as it grows old makes the review that it says it makes."""

import csv
import importlib.util
from collections import Counter
from pathlib import Path

import pytest

from livingreview import tables
from livingreview.search import snapshot

ROOT = Path(__file__).resolve().parents[1]
RECORDS, NEWS = 520, 7
BUNDLED = 450  # records of the bundled corpus, all of which the first search finds


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("cost_over_time", ROOT / "benchmarks/cost_over_time.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def made(benchmark, tmp_path_factory):
    """A review four months old and one of seven, of equally many records."""
    folder = tmp_path_factory.mktemp("cost")
    return {
        age: (
            folder / str(age),
            *benchmark.make(folder / str(age), records=RECORDS, age=age, news=NEWS, seed=1),
        )
        for age in (4, 7)
    }


@pytest.mark.parametrize("age", [4, 7])
def test_all_months_but_the_last_are_there_and_hold_all_records_but_the_news(benchmark, made, age):
    folder, corpus, _ = made[age]
    runs = snapshot.runs(folder / "data/searches")
    assert runs == benchmark.months(age)[:-1]
    state = snapshot.read_state(folder / "data/searches", before="2026-12")
    assert (len(corpus), len(state.records)) == (RECORDS, RECORDS - NEWS)
    found = [tables.read_json(folder / f"data/searches/{run}/pubmed/provenance.json") for run in runs]
    # Every known record was fetched again each month; those of the first search are half of the invented ones.
    assert [one["n_fetched"] for one in found] == [one["count"] for one in found]
    assert found[0]["count"] == BUNDLED + RECORDS - BUNDLED - NEWS - (RECORDS - BUNDLED - NEWS) // 2


def test_the_months_measured_differ_in_nothing_but_the_age_of_what_was_known(made):
    young, old = (made[age] for age in (4, 7))
    news = [
        [row["pmid"] for row in corpus if row["entry_date"] >= "2026-11"] for _, corpus, _ in (young, old)
    ]
    assert news[0] == news[1]
    assert len(news[0]) >= NEWS
    decided = []
    for folder, _, _ in (young, old):
        with (folder / "data/decisions/screening.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert max(row["run"] for row in rows) < "2026-12"
        decided.append(Counter((row["stage"], row["decision"]) for row in rows))
    assert decided[0] == decided[1]


def test_the_last_line_says_what_was_measured(benchmark, capsys):
    used = {"search_pubmed": {"seconds": 2.0, "mb": 100}, "rank_records": {"seconds": 6.0, "mb": 300}}
    one = {"rules": used, "again": {"snakemake": {"seconds": 1.5, "mb": 90}}, "n_records": 9, "n_waiting": 1}
    one |= {"requests": 3, "requests_again": 0, "report_mb": 0.5}
    assert benchmark.summary(one) == {
        "n_records": 9,
        "n_waiting": 1,
        "requests": 3,
        "requests_again": 0,
        "report_mb": 0.5,
        "seconds": 8.0,
        "seconds_again": 1.5,
        "peak_mb": 300,
        "rules": {"rank_records": 6.0, "search_pubmed": 2.0},
    }
    benchmark.show({12: one, 120: one})
    said = capsys.readouterr().out.splitlines()
    assert said[1].split() == ["rank_records", "6.0", "(", "300)", "6.0", "(", "300)"]
    assert said[-1].split() == ["nothing", "to", "do", "1.5", "1.5"]
