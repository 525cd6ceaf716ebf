"""The commands of this room, from their arguments to their files."""

import io
import threading
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml

import fold_corpus
import group_companions
import refetch_records
import search_pubmed
import serve_sandbox
from livingreview import tables
from livingreview.errors import InputError
from livingreview.search.snapshot import SnapshotError

CONFIG = yaml.safe_load((Path(__file__).resolve().parents[2] / "config.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def corpus(tmp_path, rows):
    path = tmp_path / "corpus.csv"
    columns = tables.columns("sandbox_records")
    tables.write(pd.DataFrame(rows)[columns], path)
    return path


@pytest.fixture
def protocol(corpus):
    """The protocol's block on the search, for five example records."""
    given = {"base_url": "sandbox", "sandbox_corpus": str(corpus), "query": "pain[ti] OR headache[ti]"}
    return {**CONFIG["search"], **given, "acknowledged": []}


@pytest.fixture
def search(tmp_path, protocol):
    """Runs search_pubmed for a month and returns the path of its provenance."""

    def run(month, *, directory=None, **changed):
        path = tmp_path / "searches" / (directory or month) / "pubmed" / "provenance.json"
        job = SimpleNamespace(
            params=SimpleNamespace(run=month, search={**protocol, **changed}),
            output=SimpleNamespace(provenance=str(path)),
        )
        search_pubmed.main(job)
        return path

    return run


@pytest.fixture
def fold(tmp_path, example_table):
    """Runs fold_corpus over all months up to one; returns the paths of what it wrote."""

    def run(month, *, pairs=(), decisions=()):
        found = sorted((tmp_path / "searches").glob("*/pubmed/provenance.json"))
        folder = tmp_path / "results" / month
        written = SimpleNamespace(
            records=folder / "records.csv",
            events=folder / "record_events.csv",
            imports=folder / "imports.json",
        )
        job = SimpleNamespace(
            input=SimpleNamespace(
                snapshots=[str(path) for path in found if path.parents[1].name <= month],
                pairs=example_table("pairs", *pairs),
                decisions=example_table("screening", *decisions),
            ),
            output=written,
            params=SimpleNamespace(run=month, searches=str(tmp_path / "searches")),
        )
        fold_corpus.main(job)
        return written

    return run


@pytest.fixture
def export(tmp_path, example_table):
    """Puts a table of records and its sources.csv into a month's imports."""

    def put(month, *records, **source):
        folder = tmp_path / "searches" / month / "imports"
        example_table("import_records", *records, path=folder / "example.csv")
        example_table(
            "import_sources", {"n_records": str(len(records)), **source}, path=folder / "sources.csv"
        )

    return put


SAME = {"doi": "10.1000/example.1", "title": "Internet treatment for chronic pain: an example trial"}
SAME |= {"authors": "Example AB; Sample C", "year": "2015"}


def test_two_months_of_searching_and_an_import_fold_into_one_table(search, fold, export):
    search("2026-10")
    search("2026-11")
    export("2026-10", SAME)
    written = fold("2026-11")
    frame = tables.read_results(written.records)
    assert frame["record_id"].tolist() == ["101", "102", "103", "104", "doi:10.1000/example.1"]
    assert frame["first_run"].tolist() == ["2026-10", "2026-10", "2026-11", "2026-11", "2026-10"]
    assert frame["duplicate_of"].tolist() == [None, None, None, None, "101"]
    assert frame["found_in"].tolist() == ["PubMed"] * 4 + ["Example registry"]
    assert frame["arrival"].tolist() == ["first search"] * 2 + ["newly entered"] * 2 + [None]
    assert [(row["run"], row["file"], row["n_read"]) for row in tables.read_json(written.imports)] == [
        ("2026-10", "example.csv", 1)
    ]
    assert len(tables.read_results(written.events)) == 0
    before = {name: path.read_bytes() for name, path in vars(written).items()}
    fold("2026-11")
    assert {name: path.read_bytes() for name, path in vars(written).items()} == before


def test_a_month_before_an_import_or_a_verdict_does_not_know_it(search, fold, export):
    for run in ("2026-09", "2026-10", "2026-11"):
        search(run)
    export("2026-10", SAME | {"doi": "", "title": "Something else altogether", "record_id": "other:a"})
    verdict = {"record_a": "101", "record_b": "other:a", "run": "2026-11"}

    def folded(run):
        return tables.read_results(fold(run, pairs=[verdict]).records).set_index("record_id")["duplicate_of"]

    assert "other:a" not in folded("2026-09").index
    assert folded("2026-10")["other:a"] is None
    assert folded("2026-11")["other:a"] == "101"


def test_what_changed_in_a_record_is_written_with_its_run(search, fold, corpus):
    search("2026-10")
    corpus.write_text(corpus.read_text(encoding="utf-8").replace("an example trial", "a better title"))
    search("2026-11")
    written = fold("2026-11")
    events = tables.read_results(written.events)
    assert events[["run", "pmid", "event"]].values.tolist() == [["2026-11", "101", "title changed"]]
    assert "a better title" in tables.read_results(written.records)["title"][0]


def test_pairs_and_groups_are_listed_for_people(tmp_path, search, fold, export, example_table):
    search("2026-10")
    # The same title and year by the same authors, without any number: probably, not surely, the same.
    export(
        "2026-10", SAME | {"doi": "", "record_id": "other:a", "title": "Internet treatment of chronic pain"}
    )
    written = fold("2026-10")
    folder = tmp_path / "results/2026-10"
    job = SimpleNamespace(
        input=SimpleNamespace(
            records=written.records,
            pairs=tmp_path / "pairs.csv",
            reports=example_table("reports"),
            decisions=example_table("screening"),
        ),
        output=SimpleNamespace(companions=folder / "companions.csv", pairs=folder / "pairs.csv"),
        params=SimpleNamespace(run="2026-10", stages=["title-abstract", "full-text"]),
    )
    group_companions.main(job)
    queue = tables.read(job.output.pairs, "pair_queue")
    assert queue[["record_a", "record_b"]].values.tolist() == [["101", "other:a"]]
    assert queue[["verdict", "reviewer", "note"]].isna().all(axis=None)
    assert queue["title_b"].tolist() == ["Internet treatment of chronic pain"]


def test_the_run_and_its_directory_must_agree(search, tmp_path):
    with pytest.raises(InputError, match="2026-11"):
        search("2026-11", directory="2026-10")
    assert not (tmp_path / "searches").exists()


def test_another_server_is_asked_by_its_address(search, make_sandbox):
    sandbox = make_sandbox()
    path = search("2026-11", base_url=sandbox.url)
    assert tables.read_json(path)["base_url"] == sandbox.url
    assert {request.params["tool"] for request in sandbox.requests} == {"living-review"}


def test_records_kept_on_another_machine_are_fetched_again(search, fold, protocol, tmp_path):
    path = search("2026-11", bodies="local")
    whole = fold("2026-11").records.read_bytes()
    for body in path.parent.glob("efetch-*"):
        body.unlink()
    with pytest.raises(SnapshotError, match="the records themselves are missing"):
        fold("2026-11")
    again = path.parents[1] / "refetched" / "provenance.json"
    job = SimpleNamespace(
        input=SimpleNamespace(snapshot=str(path)),
        output=SimpleNamespace(provenance=str(again)),
        params=SimpleNamespace(run="2026-11", search=protocol),
    )
    refetch_records.main(job)
    told = tables.read_json(again)
    assert (told["n_records"], told["changed"], told["uncomparable"], told["absent"]) == (4, [], [], [])
    assert fold("2026-11").records.read_bytes() == whole


def test_the_sandbox_served_by_hand_prints_its_address_and_an_example(corpus):
    stop = threading.Event()
    stop.set()
    with redirect_stdout(io.StringIO()) as out:
        serve_sandbox.main(["--as-of", "2026-11-01", "--port", "0", "--corpus", str(corpus)], stop=stop)
    assert "http://127.0.0.1:" in out.getvalue()
    assert "curl" in out.getvalue()
