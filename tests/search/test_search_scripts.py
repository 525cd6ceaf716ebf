"""The three commands of this room, from their arguments to their files."""

import io
import threading
from contextlib import redirect_stdout
from types import SimpleNamespace

import pandas as pd
import pytest

import fold_corpus
import search_pubmed
import serve_sandbox
from livingreview import tables
from livingreview.errors import InputError

OTHERS = "record_id,run,source,doi,title,journal,year,authors,language\n"


@pytest.fixture
def corpus(tmp_path, rows):
    path = tmp_path / "corpus.csv"
    columns = tables.columns("sandbox_records")
    tables.write(pd.DataFrame(rows)[columns], path)
    return path


@pytest.fixture
def search(tmp_path, corpus):
    """Runs search_pubmed for a month and returns the path of its provenance."""

    def run(month, *, directory=None, **params):
        path = tmp_path / "searches" / (directory or month) / "provenance.json"
        path.parent.mkdir(parents=True)
        given = {
            "run": month,
            "base_url": "sandbox",
            "sandbox_corpus": str(corpus),
            "query": "pain[ti] OR headache[ti]",
            "tool": "living-review-test",
            "email": "test@example.org",
            "tolerance": 5,
        }
        job = SimpleNamespace(
            params=SimpleNamespace(**{**given, **params}), output=SimpleNamespace(provenance=str(path))
        )
        search_pubmed.main(job)
        return path

    return run


def test_two_months_of_searching_fold_into_one_table(tmp_path, search):
    snapshots = [str(search("2026-10")), str(search("2026-11"))]
    others = tmp_path / "other_sources.csv"
    others.write_text(f"{OTHERS}doi:10.1000/EXAMPLE.1,2026-10,A registry,10.1000/EXAMPLE.1,Same,,2015,,\n")
    records = tmp_path / "results" / "records.csv"
    job = SimpleNamespace(
        input=SimpleNamespace(snapshots=snapshots, other_sources=str(others)),
        output=SimpleNamespace(records=str(records)),
    )
    fold_corpus.main(job)
    frame = tables.read_results(records)
    assert frame["record_id"].tolist() == ["101", "102", "103", "104", "doi:10.1000/EXAMPLE.1"]
    assert frame["first_run"].tolist() == ["2026-10", "2026-10", "2026-11", "2026-11", "2026-10"]
    assert frame["duplicate_of"].tolist() == [None, None, None, None, "101"]
    first = records.read_bytes()
    fold_corpus.main(job)
    assert records.read_bytes() == first


def test_the_run_and_its_directory_must_agree(search):
    with pytest.raises(InputError, match="2026-11"):
        search("2026-11", directory="2026-10")


def test_another_server_is_asked_by_its_address(search, make_sandbox):
    sandbox = make_sandbox()
    path = search("2026-11", base_url=sandbox.url, sandbox_corpus=None)
    assert tables.read_json(path)["base_url"] == sandbox.url
    assert {request.params["tool"] for request in sandbox.requests} == {"living-review-test"}


def test_the_sandbox_served_by_hand_prints_its_address_and_an_example(corpus):
    stop = threading.Event()
    stop.set()
    with redirect_stdout(io.StringIO()) as out:
        serve_sandbox.main(["--as-of", "2026-11-01", "--port", "0", "--corpus", str(corpus)], stop=stop)
    assert "http://127.0.0.1:" in out.getvalue()
    assert "curl" in out.getvalue()
