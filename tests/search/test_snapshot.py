"""A snapshot is whole or not there, is written once, and is verified before use."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import livingreview
from livingreview import tables
from livingreview.errors import InputError
from livingreview.search import snapshot
from livingreview.search.entrez import Unreachable

QUERY = "pain[ti] OR headache[ti]"


@pytest.fixture
def searches(tmp_path):
    return tmp_path / "searches"


@pytest.fixture
def take(searches, make_client):
    """Takes the snapshot of a run from a sandbox."""

    def run_search(sandbox, run="2026-11", *, query=QUERY, tolerance=5, **options):
        return snapshot.take(
            run,
            searches,
            make_client(sandbox.url),
            query,
            snapshot.known(searches, before=run),
            base_url="sandbox",
            tolerance=tolerance,
            **options,
        )

    return run_search


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def test_a_snapshot_holds_the_raw_answers_and_a_provenance_that_describes_them(make_sandbox, take, searches):
    provenance = take(make_sandbox())
    assert names(searches) == ["2026-11"]
    assert names(searches / "2026-11") == ["efetch-001.xml.gz", "esearch.xml", "provenance.json"]
    assert provenance == tables.read_json(searches / "2026-11" / "provenance.json")
    assert set(provenance) == {
        "run", "base_url", "searched_at", "query", "query_translation", "count", "warnings", "n_known",
        "n_new", "n_fetched", "not_returned", "files", "software",
    }  # fmt: skip
    assert provenance["searched_at"] == "2026-11-01T00:00:00+00:00"
    assert provenance["query_translation"] == '"pain"[Title] OR "headache"[Title]'
    assert [provenance[key] for key in ("count", "n_known", "n_new", "n_fetched")] == [4, 0, 4, 4]


def test_the_same_run_searched_twice_gives_the_same_bytes(make_sandbox, take, searches):
    def taken():
        take(make_sandbox())
        files = {path.name: path.read_bytes() for path in (searches / "2026-11").iterdir()}
        shutil.rmtree(searches)
        return files

    assert taken() == taken()


def test_only_new_records_are_fetched_and_all_found_ones_are_listed(make_sandbox, take, searches, as_of):
    take(make_sandbox(as_of=as_of.replace(month=10)), "2026-10")
    later = make_sandbox()
    provenance = take(later)
    assert [provenance[key] for key in ("count", "n_known", "n_new", "n_fetched")] == [4, 2, 2, 2]
    assert later.requests[-1].params["id"] == "103,104"
    assert snapshot.read(searches / "2026-11").pmids == ("104", "103", "102", "101")


def test_nothing_new_is_a_snapshot_too(make_sandbox, take, searches):
    take(make_sandbox(), "2026-10")
    assert take(make_sandbox())["n_new"] == 0
    assert names(searches / "2026-11") == ["esearch.xml", "provenance.json"]


def test_known_records_can_be_fetched_again(make_sandbox, take):
    take(make_sandbox(), "2026-10")
    provenance = take(make_sandbox(), refetch=["101"])
    assert [provenance[key] for key in ("n_new", "n_fetched")] == [0, 1]


def test_a_record_that_did_not_come_is_listed_and_asked_for_again_next_month(make_sandbox, take):
    assert take(make_sandbox(withheld=["103"]), "2026-10")["not_returned"] == ["103"]
    provenance = take(make_sandbox())
    assert [provenance[key] for key in ("n_new", "n_fetched")] == [1, 1]


def test_an_empty_directory_in_the_way_as_snakemake_makes_it_is_replaced(make_sandbox, take, searches):
    (searches / "2026-11").mkdir(parents=True)
    take(make_sandbox())
    assert (searches / "2026-11" / "provenance.json").is_file()


def test_a_complete_snapshot_is_never_overwritten(make_sandbox, take, searches):
    take(make_sandbox())
    before = (searches / "2026-11" / "provenance.json").read_bytes()
    sandbox = make_sandbox()
    with pytest.raises(snapshot.SnapshotError, match="snapshots never change"):
        take(sandbox)
    assert sandbox.requests == []
    assert (searches / "2026-11" / "provenance.json").read_bytes() == before


def test_files_without_a_provenance_are_neither_used_nor_removed(make_sandbox, take, searches):
    (searches / "2026-11").mkdir(parents=True)
    (searches / "2026-11" / "esearch.xml").write_text("<eSearchResult/>")
    with pytest.raises(snapshot.SnapshotError, match=r"holds esearch\.xml"):
        take(make_sandbox())
    assert snapshot.runs(searches) == []


@pytest.mark.parametrize("faults", [["429"] * 9, [None, *["cut chunks"] * 9]])
def test_a_search_or_fetch_that_fails_leaves_nothing_and_can_be_repeated(
    make_sandbox, take, searches, faults
):
    with pytest.raises(Unreachable):
        take(make_sandbox(faults=faults))
    assert not searches.exists() or names(searches) == []
    take(make_sandbox())
    assert snapshot.runs(searches) == ["2026-11"]


def test_an_interruption_while_writing_leaves_nothing(make_sandbox, take, searches, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tables, "write_json", interrupt)
        with pytest.raises(KeyboardInterrupt):
            take(make_sandbox())
    assert names(searches) == []
    take(make_sandbox())


def test_what_a_killed_run_left_is_no_snapshot_and_is_cleaned_at_the_next_start(make_sandbox, take, searches):
    partial = searches / ".2026-11.partial"
    partial.mkdir(parents=True)
    (partial / "provenance.json").write_text("{}")
    assert snapshot.runs(searches) == []
    take(make_sandbox())
    assert names(searches) == ["2026-11"]


def test_a_process_killed_while_writing_leaves_no_snapshot(make_sandbox, take, searches):
    code = f"""
import time
from livingreview import tables
from livingreview.search import snapshot
from livingreview.search.entrez import Client
tables.write_json = lambda *_: (print("writing", flush=True), time.sleep(60))
with Client({make_sandbox().url!r}, tool="living-review-test", email="test@example.org") as client:
    snapshot.take("2026-11", {str(searches)!r}, client, {QUERY!r}, set(), base_url="sandbox", tolerance=5)
"""
    scripts = str(Path(livingreview.__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": scripts}
    ) as process:
        assert process.stdout.readline() == b"writing\n"
        process.send_signal(signal.SIGKILL)
    assert names(searches) == [".2026-11.partial"]
    assert snapshot.runs(searches) == []
    take(make_sandbox())
    assert names(searches) == ["2026-11"]


def test_a_fall_beyond_the_tolerance_stops_the_run(make_sandbox, take, searches):
    take(make_sandbox(), "2026-10")
    with pytest.raises(
        snapshot.YieldAlarm, match=r"holds 3 records .* in 2026-10 it held 4.*query has changed"
    ):
        take(make_sandbox(), query="pain[ti]", tolerance=24)
    assert names(searches) == ["2026-10"]
    take(make_sandbox(), query="pain[ti]", tolerance=25)


def test_no_records_at_all_stop_the_run(make_sandbox, take, searches):
    with pytest.raises(snapshot.YieldAlarm, match="no records"):
        take(make_sandbox(), query="pain[ti] AND 1804[dp]")
    assert not searches.exists()


def test_a_query_with_a_misspelt_tag_is_never_sent(make_sandbox, take):
    sandbox = make_sandbox()
    with pytest.raises(InputError, match="tiabb"):
        take(sandbox, query="pain[tiabb]")
    assert sandbox.requests == []


def test_a_dropped_phrase_is_kept_in_the_provenance(make_sandbox, take):
    provenance = take(make_sandbox(), query='pain[ti] OR "body battery"[tiab]')
    assert provenance["warnings"] == ['phrase not found and left out: "body battery"[tiab]']


def test_a_run_that_is_no_month_is_refused(make_sandbox, take):
    with pytest.raises(snapshot.SnapshotError, match="YYYY-MM"):
        take(make_sandbox(), "2026-13")


def test_an_answer_of_another_month_is_not_filed_under_the_run(make_sandbox, take, searches):
    for run in ("2026-08", "2026-12", "2062-11"):
        with pytest.raises(
            snapshot.SnapshotError, match=f"2026-11-01, so it cannot be the search of run {run}"
        ):
            take(make_sandbox(), run)
    assert not list(searches.glob("*/*"))


def test_runs_are_the_complete_snapshots_up_to_a_month(make_sandbox, take, searches, as_of):
    assert snapshot.runs(searches) == []
    for month in (9, 11, 10):
        take(make_sandbox(as_of=as_of.replace(month=month)), f"2026-{month:02d}")
    (searches / "2026-12").mkdir()
    (searches / "README.md").write_text("")
    assert snapshot.runs(searches) == ["2026-09", "2026-10", "2026-11"]
    assert snapshot.runs(searches, "2026-10") == ["2026-09", "2026-10"]


def test_known_records_are_those_of_earlier_runs_only(make_sandbox, take, searches):
    take(make_sandbox(), "2026-10")
    assert snapshot.known(searches, before="2026-10") == set()
    assert snapshot.known(searches, before="2026-11") == {"101", "102", "103", "104"}


@pytest.mark.parametrize("name", ["esearch.xml", "efetch-001.xml.gz"])
def test_a_changed_or_missing_file_is_named(make_sandbox, take, searches, name):
    take(make_sandbox())
    path = searches / "2026-11" / name
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(snapshot.SnapshotError, match=f"{name} differs"):
        snapshot.read(searches / "2026-11")
    path.unlink()
    with pytest.raises(snapshot.SnapshotError, match=f"{name} is missing"):
        snapshot.read(searches / "2026-11")


def test_a_copied_snapshot_is_refused(make_sandbox, take, searches):
    take(make_sandbox())
    (searches / "2026-11").rename(searches / "2026-12")
    with pytest.raises(snapshot.SnapshotError, match="found run '2026-11'"):
        snapshot.read(searches / "2026-12")


def test_a_directory_without_provenance_is_not_read(searches):
    (searches / "2026-11").mkdir(parents=True)
    with pytest.raises(snapshot.SnapshotError, match="not a snapshot"):
        snapshot.read(searches / "2026-11")


def test_no_key_is_ever_written(make_sandbox, searches, make_client):
    client = make_client(make_sandbox().url, environ={"NCBI_API_KEY": "f" * 36})
    snapshot.take("2026-11", searches, client, QUERY, set(), base_url="sandbox", tolerance=5)
    for path in (searches / "2026-11").iterdir():
        assert b"f" * 36 not in path.read_bytes()
    assert json.loads((searches / "2026-11" / "provenance.json").read_text())["run"] == "2026-11"
