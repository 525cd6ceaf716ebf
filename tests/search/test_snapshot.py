"""A snapshot is whole or not there, is written once, and is verified before use."""

import csv
import gzip
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
from livingreview.search import guards, snapshot
from livingreview.search.pubmed import articles
from livingreview.search.pubmed.entrez import Client, Unreachable

QUERY = "pain[ti] OR headache[ti]"


@pytest.fixture
def searches(tmp_path):
    return tmp_path / "searches"


@pytest.fixture
def take(searches, make_client):
    """Takes the snapshot of a run from a sandbox."""

    def run_search(sandbox, run="2026-11", *, environ=None, **options):
        given = {
            "query": QUERY,
            "base_url": "sandbox",
            "drop_tolerance": 5,
            "rise_tolerance": 1000,
            "absent_tolerance": 30,
            "acknowledged": ("headache", "pain"),
        }
        client = make_client(sandbox.url, environ=environ or {})
        return snapshot.take(run, searches, client, snapshot.Search(**{**given, **options}))

    return run_search


def names(directory):
    beside = {".search.lock", snapshot.KEPT}  # for a while, and no part of any snapshot
    return sorted(path.name for path in directory.iterdir() if path.name not in beside)


def pubmed(searches, run="2026-11"):
    return searches / run / "pubmed"


def changed(rows, **cells):
    """The same corpus later: cells of some PMIDs, given as p101={...}; None takes a record away."""
    later = [dict(row) | (cells.get(f"p{row['pmid']}") or {}) for row in rows]
    return [row for row in later if cells.get(f"p{row['pmid']}", {}) is not None]


def events_of(searches, run="2026-11"):
    return [
        (row["pmid"], row["event"], row["other_pmid"]) for row in snapshot.read(pubmed(searches, run)).events
    ]


def test_a_snapshot_holds_the_raw_answers_and_a_provenance_that_describes_them(make_sandbox, take, searches):
    provenance = take(make_sandbox())
    assert names(searches) == ["2026-11"]
    assert names(searches / "2026-11") == ["pubmed"]
    assert names(pubmed(searches)) == [
        "efetch-001.xml.gz", "esearch-001.xml", "events.csv", "provenance.json", "records.csv",
    ]  # fmt: skip
    assert provenance == tables.read_json(pubmed(searches) / "provenance.json")
    assert provenance["searched_at"] == "2026-11-01T00:00:00+00:00"
    assert provenance["query_translation"] == '"pain"[Title] OR "headache"[Title]'
    assert provenance["parts"] == [{"low": 1, "high": 99999999, "count": 4, "file": "esearch-001.xml"}]
    body = (pubmed(searches) / "esearch-001.xml").read_bytes()
    assert body.startswith(b"<?xml")
    assert body.count(b"<Id>") == 4


def test_the_provenance_proves_that_nothing_is_missing(make_sandbox, take):
    provenance = take(make_sandbox())
    assert [provenance[key] for key in ("count", "n_listed", "n_fetched", "absent", "n_new")] == [
        4,
        4,
        4,
        [],
        4,
    ]
    assert provenance["arrivals"] == {"first search": 4}


def test_the_same_run_searched_twice_gives_the_same_bytes(make_sandbox, take, searches):
    def taken():
        take(make_sandbox())
        files = {path.name: path.read_bytes() for path in pubmed(searches).iterdir()}
        shutil.rmtree(searches)
        return files

    assert taken() == taken()


def test_known_records_are_fetched_again_and_kept_only_where_they_changed(
    make_sandbox, take, searches, as_of
):
    take(make_sandbox(as_of=as_of.replace(month=10)), "2026-10")
    later = make_sandbox()
    provenance = take(later)
    assert provenance["known"] == {
        "records": 2,
        "unchanged": 2,
        "changed": 0,
        "gone": 0,
        "not_asked": 0,
        "not_found": 0,
    }
    assert (provenance["n_new"], provenance["n_fetched"]) == (2, 4)
    assert later.requests[-1].params["id"] == "101,102,103,104"
    taken = snapshot.read(pubmed(searches))
    assert taken.pmids == ("104", "103", "102", "101")
    assert [row["pmid"] for row in taken.records] == ["103", "104"]
    kept = articles.read(gzip.decompress((pubmed(searches) / "efetch-001.xml.gz").read_bytes()))
    assert [article.pmid for article in kept] == ["103", "104"]


def test_nothing_new_is_a_snapshot_too(make_sandbox, take, searches):
    take(make_sandbox(), "2026-10")
    assert take(make_sandbox())["n_new"] == 0
    assert names(pubmed(searches)) == ["esearch-001.xml", "events.csv", "provenance.json", "records.csv"]


def test_s37_a_back_filled_record_is_found_and_said_to_be_missed_by_a_window_of_entry_dates(
    make_sandbox, take, searches, rows
):
    """Entered on 20 October with the date of its publication five years before as its entry date."""
    take(make_sandbox(rows[:2]), "2026-10")
    late = rows[2] | {"entry_date": "2026-10-20", "pubmed_date": "2021-12-27"}
    old = rows[3] | {"entry_date": "2020-02-02"}
    # The sandbox of the first month answers as of 1 November too; its search counts from that day.
    state = tables.read_json(pubmed(searches, "2026-10") / "provenance.json")
    state["searched_at"] = "2026-10-01T00:00:00+00:00"
    tables.write_json(state, pubmed(searches, "2026-10") / "provenance.json")
    provenance = take(make_sandbox([*rows[:2], late, old]))
    assert provenance["arrivals"] == {"newly entered": 1, "newly matching": 1}
    assert provenance["missed_by_date_window"] == {"since": "2026-10-01", "entry_date": 2, "create_date": 1}


def test_s38_an_old_record_that_gains_a_heading_is_labelled_newly_matching(
    make_sandbox, take, searches, rows
):
    query = '"Chronic Pain"[mh]'
    take(make_sandbox(), "2026-10", query=query)
    provenance = take(make_sandbox(changed(rows, p102={"mesh_terms": "Chronic Pain"})), query=query)
    assert provenance["arrivals"] == {"newly matching": 1}
    (row,) = snapshot.read(pubmed(searches)).records
    assert (row["pmid"], row["arrival"]) == ("102", "newly matching")


def test_a_record_that_a_changed_query_finds_is_labelled_so(make_sandbox, take):
    take(make_sandbox(), "2026-10", query="pain[ti]")
    assert take(make_sandbox())["arrivals"] == {"query changed": 1}


def test_s39_a_retraction_of_a_known_record_is_an_event(make_sandbox, take, searches, rows):
    take(make_sandbox(), "2026-10")
    retracted = {
        "notices": "RetractionIn:999",
        "publication_types": "Journal Article; Randomized Controlled Trial; Retracted Publication",
    }
    provenance = take(make_sandbox(changed(rows, p101=retracted)))
    assert events_of(searches) == [
        ("101", "retraction", "999"),
        ("101", "publication types changed", ""),
    ]
    assert provenance["n_events"] == {"publication types changed": 1, "retraction": 1}
    (row,) = snapshot.read(pubmed(searches)).records
    assert (row["editorial_status"], row["notices"]) == ("retracted", "RetractionIn:999")


def test_s40_a_record_that_leaves_the_result_is_kept_and_named_once(
    make_sandbox, take, searches, rows, as_of
):
    take(make_sandbox(as_of=as_of.replace(month=9)), "2026-09", drop_tolerance=60)
    renamed = changed(rows, p101={"title": "Another title"})
    provenance = take(make_sandbox(renamed, as_of=as_of.replace(month=10)), "2026-10", drop_tolerance=60)
    assert provenance["known"]["not_found"] == 1
    assert events_of(searches, "2026-10") == [("101", "title changed", ""), ("101", "no longer found", "")]
    take(make_sandbox(renamed), drop_tolerance=60)
    assert events_of(searches) == []
    assert snapshot.read_state(searches, before="2026-12").records["101"]["found"] is False


def test_a_record_that_comes_back_into_the_result_is_named(make_sandbox, take, searches, rows, as_of):
    take(make_sandbox(as_of=as_of.replace(month=9)), "2026-09", drop_tolerance=60)
    renamed = changed(rows, p101={"title": "Another title"})
    take(make_sandbox(renamed, as_of=as_of.replace(month=10)), "2026-10", drop_tolerance=60)
    take(make_sandbox())
    assert ("101", "found again", "") in events_of(searches)


def test_s41_an_erratum_and_a_changed_abstract_are_two_events(make_sandbox, take, searches, rows):
    before = changed(rows, p101={"abstract": "Example pain fell by 2.0 points."})
    take(make_sandbox(before), "2026-10")
    take(
        make_sandbox(
            changed(rows, p101={"abstract": "Example pain fell by 0.2 points.", "notices": "ErratumIn:998"})
        )
    )
    assert events_of(searches) == [("101", "erratum", "998"), ("101", "abstract changed", "")]


def test_s42_a_new_version_of_a_record_is_the_same_record(make_sandbox, take, searches, rows):
    take(make_sandbox(changed(rows, p101={"status": "Publisher"})), "2026-10")
    provenance = take(make_sandbox(changed(rows, p101={"status": "MEDLINE", "version": 2})))
    assert provenance["n_new"] == 0
    assert events_of(searches) == [("101", "new version", ""), ("101", "indexing status changed", "")]
    assert snapshot.read_state(searches, before="2026-12").records["101"]["version"] == "2"


def test_s43_an_update_of_a_known_record_is_an_event_that_links_both(make_sandbox, take, searches, rows):
    take(make_sandbox(), "2026-10")
    take(make_sandbox(changed(rows, p101={"notices": "UpdateIn:104"}, p104={"notices": "UpdateOf:101"})))
    assert events_of(searches) == [("101", "update", "104"), ("104", "notice UpdateOf", "101")]


def test_s27_a_record_that_pubmed_no_longer_has_disappears_once_and_its_copy_is_kept(
    make_sandbox, take, searches, rows, as_of
):
    take(make_sandbox(as_of=as_of.replace(month=9)), "2026-09", drop_tolerance=60)
    gone = changed(rows, p102=None)
    take(make_sandbox(gone, as_of=as_of.replace(month=10)), "2026-10", drop_tolerance=60)
    assert events_of(searches, "2026-10") == [("102", "disappeared", "")]
    provenance = take(make_sandbox(gone), drop_tolerance=60)
    assert events_of(searches) == []
    assert provenance["known"]["gone"] == 1


def test_a_record_that_another_replaces_is_merged(make_sandbox, take, searches, rows):
    take(make_sandbox(), "2026-10")
    heir = rows[1] | {"pmid": "150"}
    take(make_sandbox([*changed(rows, p102=None), heir]))
    assert ("102", "merged", "150") in events_of(searches)


def test_a_record_that_returns_is_named(make_sandbox, take, searches, rows, as_of):
    take(make_sandbox(as_of=as_of.replace(month=9)), "2026-09", drop_tolerance=60)
    gone = changed(rows, p102=None)
    take(make_sandbox(gone, as_of=as_of.replace(month=10)), "2026-10", drop_tolerance=60)
    take(make_sandbox())
    assert ("102", "returned", "") in events_of(searches)


def test_a_record_that_pubmed_lists_and_does_not_hold_is_accounted_for(make_sandbox, take):
    provenance = take(make_sandbox(withheld=["103"]), "2026-10")
    assert (provenance["count"], provenance["n_fetched"], provenance["absent"]) == (4, 3, ["103"])
    provenance = take(make_sandbox())
    # It was new when it was first listed.
    assert (provenance["n_new"], provenance["n_fetched"], provenance["absent"]) == (0, 4, [])
    assert provenance["arrivals"] == {"held back": 1}


def test_too_many_absent_records_stop_the_run(make_sandbox, take, searches):
    with pytest.raises(guards.YieldAlarm, match=r"does not hold 2 of them \(PMID 103, 104\)"):
        take(make_sandbox(withheld=["103", "104"]))
    assert not list(searches.glob("*/*"))


def test_an_empty_directory_in_the_way_as_snakemake_makes_it_is_replaced(make_sandbox, take, searches):
    pubmed(searches).mkdir(parents=True)
    take(make_sandbox())
    assert (pubmed(searches) / "provenance.json").is_file()


def test_exports_of_other_databases_may_lie_beside_the_snapshot(make_sandbox, take, searches):
    (searches / "2026-11" / "imports").mkdir(parents=True)
    take(make_sandbox())
    assert names(searches / "2026-11") == ["imports", "pubmed"]


def test_a_complete_snapshot_is_never_overwritten(make_sandbox, take, searches):
    take(make_sandbox())
    before = (pubmed(searches) / "provenance.json").read_bytes()
    sandbox = make_sandbox()
    with pytest.raises(snapshot.SnapshotError, match="snapshots never change"):
        take(sandbox)
    assert sandbox.requests == []
    assert (pubmed(searches) / "provenance.json").read_bytes() == before


def test_files_without_a_provenance_are_neither_used_nor_removed(make_sandbox, take, searches):
    pubmed(searches).mkdir(parents=True)
    (pubmed(searches) / "esearch-001.xml").write_text("<eSearchResult/>")
    with pytest.raises(snapshot.SnapshotError, match=r"holds esearch-001\.xml"):
        take(make_sandbox())
    assert (pubmed(searches) / "esearch-001.xml").is_file()


def test_an_earlier_month_without_its_provenance_stops_every_later_one(make_sandbox, take, searches):
    take(make_sandbox(), "2026-10")
    (pubmed(searches, "2026-10") / "provenance.json").unlink()
    with pytest.raises(snapshot.SnapshotError, match=r"2026-10/pubmed has no provenance\.json but holds"):
        take(make_sandbox())
    with pytest.raises(snapshot.SnapshotError, match="restore it from version control"):
        snapshot.runs(searches)


def test_a_provenance_whose_numbers_were_edited_is_refused(make_sandbox, take, searches):
    take(make_sandbox())
    path = pubmed(searches) / "provenance.json"
    path.write_text(
        path.read_text().replace('"count": 4,', '"count": 999,').replace('"n_listed": 4', '"n_listed": 999')
    )
    with pytest.raises(snapshot.SnapshotError, match=r"do not add up: records in the lists .*4 and 999"):
        snapshot.read(pubmed(searches))


def test_abstracts_kept_local_are_ignored_by_git_from_the_first_moment(
    make_sandbox, take, searches, monkeypatch
):
    seen = []
    add = snapshot._Bodies.add

    def spy(self, article):
        seen.append((searches / "2026-11" / ".pubmed.partial" / ".gitignore").read_text())
        return add(self, article)

    monkeypatch.setattr(snapshot._Bodies, "add", spy)
    take(make_sandbox(), bodies="local")
    assert set(seen) == {"efetch-*.xml.gz\n"}


@pytest.mark.parametrize("faults", [["429"] * 9, [None, *["cut chunks"] * 9]])
def test_a_search_or_fetch_that_fails_leaves_nothing_and_can_be_repeated(
    make_sandbox, take, searches, faults
):
    with pytest.raises(Unreachable):
        take(make_sandbox(faults=faults))
    assert not list(searches.glob("*/*"))
    take(make_sandbox())
    assert snapshot.runs(searches) == ["2026-11"]


def test_an_interruption_while_writing_leaves_nothing(make_sandbox, take, searches, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tables, "write_json", interrupt)
        with pytest.raises(KeyboardInterrupt):
            take(make_sandbox())
    assert names(searches / "2026-11") == []
    take(make_sandbox())


def test_what_a_killed_run_left_is_no_snapshot_and_is_cleaned_at_the_next_start(make_sandbox, take, searches):
    partial = searches / "2026-11" / ".pubmed.partial"
    partial.mkdir(parents=True)
    (partial / "provenance.json").write_text("{}")
    assert snapshot.runs(searches) == []
    take(make_sandbox())
    assert names(searches / "2026-11") == ["pubmed"]


def test_a_process_killed_while_writing_leaves_no_snapshot(make_sandbox, take, searches):
    code = f"""
import time
from livingreview import tables
from livingreview.search import snapshot
from livingreview.search.pubmed.entrez import Client
tables.write_json = lambda *_: (print("writing", flush=True), time.sleep(60))
search = snapshot.Search({QUERY!r}, "sandbox", drop_tolerance=5, rise_tolerance=5, absent_tolerance=1)
with Client({make_sandbox().url!r}, tool="living-review-test", email="test@example.org") as client:
    snapshot.take("2026-11", {str(searches)!r}, client, search)
"""
    scripts = str(Path(livingreview.__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": scripts}
    ) as process:
        assert process.stdout.readline() == b"writing\n"
        process.send_signal(signal.SIGKILL)
    assert names(searches / "2026-11") == [".pubmed.partial"]
    assert snapshot.runs(searches) == []
    take(make_sandbox())
    assert names(searches / "2026-11") == ["pubmed"]


def test_a_whole_snapshot_without_its_provenance_gets_it_back(make_sandbox, take, searches):
    take(make_sandbox())
    path = pubmed(searches) / "provenance.json"
    whole = path.read_bytes()
    path.unlink()  # as Snakemake does when the search is killed after its last step
    with pytest.raises(snapshot.SnapshotError, match=r"has no provenance\.json but holds"):
        snapshot.runs(searches)
    assert snapshot.restore(searches) == ["2026-11"]
    assert path.read_bytes() == whole
    assert snapshot.runs(searches) == ["2026-11"]
    assert [one.name for one in (searches / "2026-11").iterdir()] == ["pubmed"]
    assert snapshot.restore(searches) == []


def test_a_snapshot_that_is_not_whole_is_not_restored(make_sandbox, take, searches):
    take(make_sandbox())
    (pubmed(searches) / "provenance.json").unlink()
    (pubmed(searches) / "records.csv").write_text("other")
    with pytest.raises(snapshot.SnapshotError, match=r"records\.csv differs .* and search again"):
        snapshot.restore(searches)


def test_a_search_killed_before_its_last_step_is_made_again(make_sandbox, take, searches):
    tables.write_json({"files": {}}, searches / "2026-11" / snapshot.KEPT)
    assert snapshot.restore(searches) == []
    take(make_sandbox())
    assert snapshot.runs(searches) == ["2026-11"]


def test_a_fall_beyond_the_tolerance_stops_the_run(make_sandbox, take, searches):
    take(make_sandbox(), "2026-10")
    with pytest.raises(
        guards.YieldAlarm, match=r"holds 3 records .* in 2026-10 it held 4.*query has changed"
    ):
        take(make_sandbox(), query="pain[ti]", drop_tolerance=24)
    assert snapshot.runs(searches) == ["2026-10"]
    take(make_sandbox(), query="pain[ti]", drop_tolerance=25)


def many(row, number):
    return [row(1000 + n, f"Example {n} of pain") for n in range(number)]


def test_a_jump_beyond_the_tolerance_stops_the_run(make_sandbox, take, searches, row):
    take(make_sandbox(many(row, 20)), "2026-10")
    with pytest.raises(guards.YieldAlarm, match=r"holds 41 records .* in 2026-10 it held 20"):
        take(make_sandbox(many(row, 41)), rise_tolerance=100)
    take(make_sandbox(many(row, 40)), rise_tolerance=100)


def test_a_jump_may_grow_with_the_months_that_have_passed(make_sandbox, take, row, as_of):
    take(make_sandbox(many(row, 20), as_of=as_of.replace(month=1)), "2026-01")
    take(make_sandbox(many(row, 219)), rise_tolerance=100)


def test_a_few_more_records_are_no_jump_whatever_their_per_cent(make_sandbox, take, row):
    take(make_sandbox(many(row, 3)), "2026-10")
    take(make_sandbox(many(row, 12)), rise_tolerance=0)


def test_a_changed_query_may_find_many_more(make_sandbox, take, row):
    take(make_sandbox(many(row, 20)), "2026-10", query='"pain"[ti]')
    take(make_sandbox(many(row, 90)), rise_tolerance=0)


def test_no_records_at_all_stop_the_run(make_sandbox, take, searches):
    with pytest.raises(guards.YieldAlarm, match="no records"):
        take(make_sandbox(), query="pain[ti] AND 1804[dp]")
    assert not searches.exists()


def test_a_query_with_a_misspelt_tag_is_never_sent(make_sandbox, take):
    sandbox = make_sandbox()
    with pytest.raises(InputError, match="tiabb"):
        take(sandbox, query="pain[tiabb]")
    assert sandbox.requests == []


def test_what_the_sandbox_and_what_pubmed_answered_do_not_mix(make_sandbox, take, searches):
    take(make_sandbox(), "2026-10")
    sandbox = make_sandbox()
    with pytest.raises(guards.GuardError, match=r"2026-10 was answered by sandbox.*another folder"):
        take(sandbox, base_url="https://eutils.example/")
    assert sandbox.requests == []
    assert snapshot.runs(searches) == ["2026-10"]


def test_s12_a_dropped_phrase_must_be_acknowledged_and_is_kept_in_the_provenance(
    make_sandbox, take, searches
):
    query = 'pain[ti] OR "body battery"[tiab]'
    with pytest.raises(guards.DroppedPhrases, match=r"(?s)body battery.*acknowledged"):
        take(make_sandbox(), query=query)
    assert not searches.exists()
    provenance = take(make_sandbox(), query=query, acknowledged=('"body battery"[tiab]',))
    assert provenance["dropped"] == ['"body battery"[tiab]']


def test_a_run_that_is_no_month_is_refused(make_sandbox, take):
    with pytest.raises(snapshot.SnapshotError, match="YYYY-MM"):
        take(make_sandbox(), "2026-13")


def test_an_answer_of_another_month_is_not_filed_under_the_run(make_sandbox, take, searches):
    for run in ("2026-08", "2026-12", "2062-11"):
        with pytest.raises(guards.GuardError, match=f"2026-11-01, so it cannot be the search of run {run}"):
            take(make_sandbox(), run)
    assert not list(searches.glob("*/*"))


def test_runs_are_the_complete_snapshots_up_to_a_month(make_sandbox, take, searches, as_of):
    assert snapshot.runs(searches) == []
    for month in (9, 10, 11):
        take(make_sandbox(as_of=as_of.replace(month=month)), f"2026-{month:02d}", drop_tolerance=100)
    (searches / "2026-12").mkdir()
    (searches / "README.md").write_text("")
    assert snapshot.runs(searches) == ["2026-09", "2026-10", "2026-11"]
    assert snapshot.runs(searches, "2026-10") == ["2026-09", "2026-10"]


def test_known_records_are_those_of_earlier_runs_only(make_sandbox, take, searches):
    take(make_sandbox(), "2026-10")
    assert snapshot.read_state(searches, before="2026-10") == snapshot.State({}, None)
    state = snapshot.read_state(searches, before="2026-11")
    assert sorted(state.records) == ["101", "102", "103", "104"]
    assert state.last["run"] == "2026-10"


@pytest.mark.parametrize("name", ["esearch-001.xml", "records.csv", "events.csv"])
def test_a_changed_or_missing_file_is_named(make_sandbox, take, searches, name):
    take(make_sandbox())
    path = pubmed(searches) / name
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(snapshot.SnapshotError, match=f"{name} differs"):
        snapshot.read(pubmed(searches))
    path.unlink()
    with pytest.raises(snapshot.SnapshotError, match=f"{name} is missing"):
        snapshot.read(pubmed(searches))


def read_back(searches, run="2026-11"):
    taken = snapshot.read(pubmed(searches, run))
    return list(snapshot.read_articles(taken, {row["pmid"]: row["file"] for row in taken.records}))


def test_a_changed_or_missing_file_of_records_is_named_when_it_is_read(make_sandbox, take, searches):
    take(make_sandbox())
    assert [article.pmid for article in read_back(searches)] == ["101", "102", "103", "104"]
    path = pubmed(searches) / "efetch-001.xml.gz"
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(snapshot.SnapshotError, match="differs"):
        read_back(searches)
    path.unlink()
    with pytest.raises(snapshot.SnapshotError, match="is missing"):
        read_back(searches)


def test_records_kept_on_another_machine_are_fetched_again_and_the_changed_ones_named(
    make_sandbox, make_client, take, searches, rows
):
    take(make_sandbox(), bodies="local")
    assert (pubmed(searches) / ".gitignore").read_text() == "efetch-*.xml.gz\n"
    assert snapshot.kept_elsewhere(searches, "2026-11") == []
    (pubmed(searches) / "efetch-001.xml.gz").unlink()  # as a clone has it
    assert snapshot.kept_elsewhere(searches, "2026-11") == ["2026-11"]
    with pytest.raises(snapshot.SnapshotError, match="fetches them again"):
        read_back(searches)
    later = make_sandbox(changed(rows, p102=None, p103={"title": "A title that was corrected"}))
    told = snapshot.refetch(snapshot.read(pubmed(searches)), make_client(later.url))
    assert (told["n_records"], told["changed"], told["absent"]) == (4, ["103"], ["102"])
    assert [article.pmid for article in read_back(searches)] == ["101", "103", "104"]
    assert (searches / "2026-11" / "refetched" / ".gitignore").read_text() == "*\n"
    # The next month is compared with what the snapshot recorded, not with what was fetched again.
    assert snapshot.read_state(searches, before="2026-12").records["103"]["sha256"] != ""


def test_what_changed_is_known_without_the_records_themselves(make_sandbox, take, searches, rows):
    take(make_sandbox(), "2026-10", bodies="local")
    (pubmed(searches, "2026-10") / "efetch-001.xml.gz").unlink()
    take(make_sandbox(changed(rows, p101={"abstract": "Now it has one."})), bodies="local")
    assert events_of(searches) == [("101", "abstract added", "")]


def test_a_public_repository_holds_no_abstract_of_records_kept_local(make_sandbox, take, searches, rows):
    take(make_sandbox(changed(rows, p101={"abstract": "Words of a publisher."})), bodies="local")
    for path in pubmed(searches).iterdir():
        if not path.match("efetch-*.xml.gz"):
            assert b"Words of a publisher" not in path.read_bytes()


def test_a_copied_snapshot_is_refused(make_sandbox, take, searches):
    take(make_sandbox())
    (searches / "2026-11").rename(searches / "2026-12")
    with pytest.raises(snapshot.SnapshotError, match="found run '2026-11'"):
        snapshot.read(pubmed(searches, "2026-12"))


def test_a_directory_without_provenance_is_not_read(searches):
    pubmed(searches).mkdir(parents=True)
    with pytest.raises(snapshot.SnapshotError, match="not a snapshot"):
        snapshot.read(pubmed(searches))


def test_no_key_is_ever_written(make_sandbox, take, searches):
    take(make_sandbox(), environ={"NCBI_API_KEY": "f" * 36})
    for path in pubmed(searches).iterdir():
        assert b"f" * 36 not in path.read_bytes()
    assert json.loads((pubmed(searches) / "provenance.json").read_text())["run"] == "2026-11"


def test_numbers_that_do_not_add_up_leave_no_snapshot(make_sandbox, take, searches, monkeypatch):
    """A client that lost a record on its way would be caught here."""
    fetch = Client.fetch

    def forgetful(self, pmids):
        return fetch(self, pmids[1:])

    monkeypatch.setattr(Client, "fetch", forgetful)
    with pytest.raises(guards.GuardError, match=r"fetched \+ absent = announced \(3 and 4\)"):
        take(make_sandbox())
    assert not list(searches.glob("*/*"))


def test_s44_an_interrupted_search_started_again_gives_the_bytes_of_one_in_peace(
    make_sandbox, take, searches
):
    take(make_sandbox())
    peace = {path.name: path.read_bytes() for path in pubmed(searches).iterdir()}
    shutil.rmtree(searches)
    with pytest.raises(Unreachable):
        take(make_sandbox(faults=[None, *["close"] * 9]))
    take(make_sandbox(faults=["503", None, "half document"]))
    assert {path.name: path.read_bytes() for path in pubmed(searches).iterdir()} == peace


def test_records_csv_has_one_row_for_each_record_and_every_digest(make_sandbox, take, searches):
    take(make_sandbox())
    with (pubmed(searches) / "records.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["pmid"] for row in table] == ["101", "102", "103", "104"]
    assert all(len(row["sha256"]) == 64 and row["file"] == "efetch-001.xml.gz" for row in table)
    assert {row["doi"] for row in table} == {"10.1000/example.1", "10.1000/example.2", ""}
