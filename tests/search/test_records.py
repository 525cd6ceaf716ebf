"""How an article becomes a row, and how all searches and imports become one table."""

import pandas as pd
import pytest

from livingreview import tables
from livingreview.search import records, snapshot
from livingreview.search.imports import CELLS, Imported
from livingreview.search.linkage import duplicates
from livingreview.search.pubmed import articles
from livingreview.search.sandbox.citation_xml import article_set

EMPTY = dict.fromkeys(CELLS, "")


@pytest.fixture
def search(tmp_path, make_sandbox, make_client):
    """Takes one snapshot for each corpus given, month by month from 2026-08 on, and reads them back."""

    def take(*corpora, query="pain[ti]"):
        protocol = snapshot.Search(
            query, "sandbox", drop_tolerance=100, rise_tolerance=1000, absent_tolerance=100
        )
        for month, rows in enumerate(corpora, start=8):
            withheld = [row["pmid"] for row in rows if row.get("withheld")]
            sandbox = make_sandbox(rows, as_of=pd.Timestamp(2026, month, 1).date(), withheld=withheld)
            snapshot.take(f"2026-{month:02d}", tmp_path, make_client(sandbox.url), protocol)
        return [snapshot.read(tmp_path / run / "pubmed") for run in snapshot.runs(tmp_path)]

    return take


def fold(snapshots, imported=(), verdicts=()):
    """The table, by record id."""
    by_run = {one.run: one for one in snapshots}
    latest = [
        article
        for run, wanted in records.latest_files(snapshots).items()
        for article in snapshot.read_articles(by_run[run], wanted)
    ]
    frame, _ = records.fold(
        snapshots, latest, imported, duplicate_of=lambda rows: duplicates.find(rows, verdicts).duplicate_of
    )
    assert list(frame.columns) == records.COLUMNS
    return frame.set_index("record_id", drop=False)


def imports(run, *rows, database="Embase"):
    return Imported(run, [], [{**EMPTY, "found_in": database, "source": database, **row} for row in rows], [])


def test_what_the_sandbox_holds_is_read_back_as_rows(rows):
    (row, *_) = [records.row(article) for article in articles.read(article_set(rows[:1]))]
    assert {name: text for name, text in row.items() if text} == {
        "record_id": "101",
        "pmid": "101",
        "doi": "10.1000/example.1",
        "title": "Internet treatment for chronic pain: an example trial",
        "authors": "Example AB; Sample C",
        "journal": "Example J Pain",
        "year": "2015",
        "publication_types": "Journal Article; Randomized Controlled Trial",
        "mesh_terms": "Chronic Pain / therapy*; Internet*; Humans",
        "language": "eng",
        "registry_ids": "NCT00000101",
        "entry_date": "2015-03-04",
        "medline_status": "MEDLINE",
        "source": "PubMed",
    }


def test_a_row_tells_abstract_notices_and_indexing(row):
    one = row(
        7,
        "An example of pain",
        abstract=[("AIM", "To give an example."), ("RESULTS", "p < 0.05.")],
        notices="ErratumIn:8; CommentIn:9",
        indexing_method="Automated",
        vernacular_title="Ein Beispiel",
    )
    (read,) = [records.row(article) for article in articles.read(article_set([one]))]
    assert read["abstract"] == "AIM: To give an example. RESULTS: p < 0.05."
    assert (read["notices"], read["editorial_status"]) == ("CommentIn:9; ErratumIn:8", "corrected")
    assert (read["indexing_method"], read["vernacular_title"]) == ("Automated", "Ein Beispiel")


def test_a_semicolon_within_an_entry_of_a_list_becomes_a_comma(row):
    one = row(7, "An example of pain", publication_types="Journal Article")
    body = article_set([one]).replace(b">Journal Article<", b">Journal; Article<")
    (read,) = [records.row(article) for article in articles.read(body)]
    assert read["publication_types"] == "Journal, Article"


def test_records_remember_their_first_and_last_run_and_are_sorted_by_number(search, row):
    both = [row(20, "Back pain"), row(9, "Pain")]
    frame = fold(search(both[:1], both, both[1:]))
    assert frame["record_id"].tolist() == ["9", "20"]
    assert frame["first_run"].tolist() == ["2026-09", "2026-08"]
    assert frame["last_run"].tolist() == ["2026-10", "2026-09"]


def test_a_record_says_whether_this_search_found_it(search, row):
    kept, renamed, gone = row(1, "Pain one"), row(2, "Pain two"), row(3, "Pain three")
    frame = fold(search([kept, renamed, gone], [kept, {**renamed, "title": "Renamed"}]))
    assert frame["retrieval"].to_dict() == {
        "1": records.FOUND,
        "2": records.NOT_FOUND,
        "3": records.GONE,
    }
    assert frame.loc["3", "title"] == "Pain three"


def test_the_latest_state_of_a_record_counts(search, row):
    frame = fold(search([row(1, "Pain, old title")], [row(1, "Pain, new title")]))
    assert frame["title"].tolist() == ["Pain, new title"]


def test_only_files_that_hold_a_latest_state_are_read(search, row):
    snapshots = search([row(1, "Pain, old title")], [row(1, "Pain, new title")], [row(1, "Pain, new title")])
    assert records.latest_files(snapshots) == {"2026-09": {"1": "efetch-001.xml.gz"}}


def test_a_record_that_was_never_delivered_has_no_row_and_stands_in_the_provenance(search, row):
    snapshots = search([row(1, "Pain one"), {**row(2, "Pain two"), "withheld": True}])
    assert fold(snapshots)["record_id"].tolist() == ["1"]
    assert snapshots[0].provenance["absent"] == ["2"]


def test_a_known_record_whose_text_is_nowhere_keeps_a_row(search, row):
    """As in a clone whose records stay on another machine, once PubMed has deleted one of them."""
    snapshots = search([row(1, "Pain one", doi="10.1000/a"), row(2, "Pain two")], [row(2, "Pain two")])
    articles_left = list(snapshot.read_articles(snapshots[0], {"2": "efetch-001.xml.gz"}))
    frame, _ = records.fold(snapshots, articles_left, [], duplicate_of=lambda _: {})
    frame = frame.set_index("record_id")
    assert sorted(frame.index) == ["1", "2"]
    assert frame.loc["1", ["doi", "retrieval", "first_run"]].tolist() == [
        "10.1000/a",
        records.GONE,
        "2026-08",
    ]
    assert "no longer to be had" in frame.loc["1", "title"]


def test_how_a_record_arrived_is_kept_when_it_changes_later(search, row):
    first, late = row(1, "Pain one"), row(2, "Pain two", entry_date="2026-08-20")
    frame = fold(search([first], [first, late], [first, {**late, "title": "Pain two, corrected"}]))
    assert frame["arrival"].to_dict() == {"1": "first search", "2": "newly entered"}


def test_an_imported_record_that_pubmed_holds_is_a_duplicate_of_pubmeds(search, row):
    snapshots = search(
        [row(1, "Internet treatment for pain", doi="10.1000/a", authors="Example A", year="2020")]
    )
    same = {
        "record_id": "embase:l1",
        "title": "Internet treatment for pain",
        "doi": "10.1000/a",
        "authors": "Example A",
        "year": "2020",
    }
    other = {"record_id": "embase:l2", "title": "Surgery", "authors": "Sample B", "year": "2019"}
    frame = fold(snapshots, [imports("2026-08", same, other)])
    assert frame["record_id"].tolist() == ["1", "embase:l1", "embase:l2"]
    assert frame["duplicate_of"].tolist() == ["", "1", ""]
    assert frame["first_run"].tolist() == ["2026-08"] * 3


def test_an_imported_record_with_pubmeds_number_is_a_duplicate_unless_it_is_plainly_another(search, row):
    snapshots = search([row(1, "Internet treatment for pain", authors="Example A", year="2020")])
    alone = fold(snapshots)
    said = {"record_id": "embase:l1", "pmid": "1", "year": "2020"}
    same = fold(snapshots, [imports("2026-08", {**said, "title": "Internet treatment for pain"})])
    wrong = {**said, "title": "Asthma in horses and mules", "authors": "Other B", "year": "2011"}
    other = fold(snapshots, [imports("2026-08", wrong)])
    assert same["duplicate_of"].to_dict() == {"1": "", "embase:l1": "1"}
    assert other["duplicate_of"].to_dict() == {"1": "", "embase:l1": ""}
    for frame in (same, other):
        assert frame.loc["1"].equals(alone.loc["1"])


def test_a_wrong_number_hands_no_record_to_the_article_found_later(search, row):
    """The record keeps its id when PubMed's search comes to find the article that really has the number."""
    wrong = {"record_id": "embase:l1", "pmid": "2", "title": "Asthma in horses", "authors": "Other B"}
    one, two = row(1, "Pain one"), row(2, "Pain two", authors="Example A")
    snapshots = search([one], [one, two])
    before = fold(snapshots[:1], [imports("2026-08", wrong)])
    after = fold(snapshots, [imports("2026-08", wrong)])
    assert before["record_id"].tolist() == ["1", "embase:l1"]
    assert after["duplicate_of"].to_dict() == {"1": "", "2": "", "embase:l1": ""}
    assert after.loc["embase:l1", "title"] == "Asthma in horses"


def test_the_same_record_imported_again_only_moves_its_last_run(search, row):
    snapshots = search([row(1, "Pain one")], [row(1, "Pain one")])
    same = {"record_id": "embase:l2", "title": "Surgery", "year": "2019"}
    frame = fold(snapshots, [imports("2026-08", same), imports("2026-09", same)])
    assert frame.loc["embase:l2", ["first_run", "last_run"]].tolist() == ["2026-08", "2026-09"]


def test_no_snapshots_and_no_imports_make_an_empty_table(tmp_path):
    frame = fold([])
    assert frame.empty
    tables.write(frame, tmp_path / "records.csv")
    assert tables.read_results(tmp_path / "records.csv").empty
