"""PubMed's own files: their names and sums, what one file holds, what all of them say together, and the audit."""

import csv
import gzip
import hashlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from search.bulk_files import QUERY, Series, row, sign, write_file

import audit_bulk
import combine_bulk
import scan_bulk
from livingreview import tables
from livingreview.errors import InputError
from livingreview.search import snapshot
from livingreview.search.pubmed import articles, bulk
from livingreview.search.query import matching
from livingreview.search.query.syntax import parse
from livingreview.search.sandbox.citation_xml import article_set


def scan(path, out, query=QUERY):
    """Runs the rule for one file, as Snakemake names its outputs; returns what it wrote about it."""
    stem = out / "scans" / path.name.removesuffix(".xml.gz")
    about, seen, kept = (str(f"{stem}{ending}") for ending in (".json", ".npy", ".xml.gz"))
    scan_bulk.main(
        SimpleNamespace(
            input=SimpleNamespace(file=str(path)),
            output=SimpleNamespace(about=about, seen=seen, kept=kept),
            params=SimpleNamespace(query=query),
        )
    )
    return tables.read_json(about)


def combine(folder, out, query=QUERY, **options):
    """Runs all rules over a folder; returns bulk.json."""
    listed = bulk.listing(folder, **options)
    for name in listed.names:
        scan(folder / f"{name}.xml.gz", out, query)
    return combine_scans(listed, out, query)


def combine_scans(listed, out, query=QUERY):
    combine_bulk.main(
        SimpleNamespace(
            input=SimpleNamespace(abouts=[str(out / "scans" / f"{name}.json") for name in listed.names]),
            output=SimpleNamespace(about=str(out / "bulk.json")),
            params=SimpleNamespace(query=query, missing=list(listed.missing)),
        )
    )
    return tables.read_json(out / "bulk.json")


def found(out):
    """{(pmid, version, file, state)} of found.csv."""
    with (out / "found.csv").open(encoding="utf-8", newline="") as file:
        return {tuple(line.values()) for line in csv.DictReader(file)}


def delivered(path):
    return [(one.pmid, str(one.version)) for one in articles.read(gzip.decompress(path.read_bytes()))]


def check_sums(about, out):
    """Counts that must agree, whatever the files hold."""
    counts = about["counts"]
    assert counts["records"] == counts["distinct"] + counts["superseded"]
    assert counts["distinct"] == sum(counts[name] for name in ("match", "undecided", "no_match", "deleted"))
    assert counts["records"] == sum(one["records"] for one in about["files"])
    rows = found(out)
    assert counts["match"] + counts["undecided"] == len(rows)
    states = {"articles": "match", "undecided": "undecided"}
    for name, state in states.items():
        told = sorted((pmid, version) for pmid, version, _, one in rows if one == state)
        assert sorted(delivered(out / f"{name}.xml.gz")) == told
    return counts


@pytest.fixture
def files(tmp_path):
    return tmp_path / "files"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "bulk"


def test_files_are_taken_in_the_order_of_their_numbers(files):
    for number in (2, 10, 1, *range(3, 10)):
        write_file(files, number)
    (files / "README.txt").write_text("an example")
    listed = bulk.listing(files)
    assert listed.names == tuple(f"pubmed26n{number:04d}" for number in range(1, 11))
    assert (listed.year, listed.missing) == ("26", ())


@pytest.mark.parametrize("numbers", [(1, 2, 4), (2, 3)])
def test_a_gap_in_the_numbering_is_refused_unless_it_is_allowed(files, numbers):
    for number in numbers:
        write_file(files, number)
    with pytest.raises(InputError, match="1 files are missing; found 'pubmed26n000"):
        bulk.listing(files)
    missing = {1, 2, 3, 4} - set(numbers) if 4 in numbers else {1}
    assert bulk.listing(files, allow_gaps=True).missing == tuple(f"pubmed26n{n:04d}" for n in sorted(missing))


def test_files_of_two_years_are_refused(files):
    write_file(files, 1)
    write_file(files, 2, year="27")
    with pytest.raises(InputError, match="files of two years; found 'pubmed26n…, pubmed27n…'"):
        bulk.listing(files, allow_gaps=True)


def test_a_folder_that_is_none_or_empty_or_holds_other_names_is_named(files):
    with pytest.raises(InputError, match="there is no such folder"):
        bulk.listing(files)
    files.mkdir()
    with pytest.raises(InputError, match="there are no files of PubMed here"):
        bulk.listing(files)
    write_file(files, 1).rename(files / "pubmed26n0001 (1).xml.gz")
    with pytest.raises(
        InputError, match=r"not a name of PubMed's files; found 'pubmed26n0001 \(1\)\.xml\.gz'"
    ):
        bulk.listing(files)


def test_two_files_of_one_number_are_refused(files):
    write_file(files, 1)
    (files / "pubmed26n00001.xml.gz").write_bytes(b"")
    with pytest.raises(InputError, match="two files of one number"):
        bulk.listing(files)


def test_a_missing_md5_is_named_before_anything_is_read(files, out):
    path = write_file(files, 1)
    path.with_name(f"{path.name}.md5").unlink()
    with pytest.raises(
        InputError, match=r"its MD5 is missing; found 'pubmed26n0001\.xml\.gz'; hint: download"
    ):
        bulk.listing(files)
    with pytest.raises(InputError, match="its MD5 is missing"):
        scan(path, out)


@pytest.mark.parametrize(
    "style",
    ["MD5({name})= {md5}\n", "MD5 ({name}) = {md5}", "{md5}  {name}\n", "{md5} *{name}\n", "{md5}\n"],
)
def test_an_md5_is_read_in_every_form_that_is_in_use(files, style):
    path = write_file(files, 1, style=style)
    assert bulk.verify(path) == hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


@pytest.mark.parametrize(
    "text", ["", "MD5(pubmed26n0001.xml.gz)= 12", "MD5(pubmed26n0002.xml.gz)= " + "0" * 32, "<html>"]
)
def test_an_md5_that_is_none_or_another_files_is_refused(files, text):
    path = write_file(files, 1)
    path.with_name(f"{path.name}.md5").write_text(text)
    with pytest.raises(InputError, match="this is not the MD5 of the file beside it"):
        bulk.verify(path)


def test_a_file_that_differs_from_its_md5_is_refused_and_nothing_is_written(files, out):
    path = write_file(files, 1, [row(1, "match")])
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(
        InputError, match=r"pubmed26n0001\.xml\.gz: its MD5 differs; found .* allowed: .* hint: download"
    ):
        scan(path, out)
    assert not out.exists() or not any(out.rglob("*.*"))


def test_a_file_cut_short_is_refused_even_with_an_md5_of_its_own(files, out):
    path = write_file(files, 1, [row(number, "match") for number in range(1, 200)])
    whole = path.read_bytes()
    for share in (0.3, 0.9):
        path.write_bytes(whole[: int(len(whole) * share)])
        sign(path)
        with pytest.raises(InputError, match="its compressed bytes are not whole"):
            scan(path, out)
    assert not [one for one in out.rglob("*") if one.is_file()]


@pytest.mark.parametrize("content", [b"", b"<PubmedArticleSet><PubmedArticle>", b"<html></html>"])
def test_a_file_that_is_no_whole_document_is_refused(files, out, content):
    path = write_file(files, 1)
    path.write_bytes(gzip.compress(content) if content else b"")
    sign(path)
    with pytest.raises(InputError, match=r"pubmed26n0001\.xml\.gz: .*hint: download"):
        scan(path, out)
    assert not [one for one in out.rglob("*") if one.is_file()]


def test_something_else_than_gzip_is_refused(files, out):
    path = write_file(files, 1)
    path.write_bytes(b"<PubmedArticleSet></PubmedArticleSet>")
    sign(path)
    with pytest.raises(
        InputError, match=r"pubmed26n0001\.xml\.gz: its compressed bytes are not whole: Not a gzipped file"
    ):
        scan(path, out)


def test_a_scan_keeps_what_matches_and_what_is_undecided_as_it_came(files, out):
    rows = [
        row(1, "far"),
        row(2, "match", abstract="With <5 & more."),
        row(3, "undecided"),
        row(4, "no match"),
    ]
    path = write_file(files, 1, rows, deleted=[7, 2])
    about = scan(path, out)
    assert {name: about[name] for name in ("records", "match", "undecided", "deleted")} == {
        "records": 4,
        "match": 1,
        "undecided": 1,
        "deleted": ["2", "7"],
    }
    kept = out / "scans" / path.name
    originals = {one.pmid: one.raw for one in articles.read(gzip.decompress(path.read_bytes()))}
    assert [one.raw for one in articles.read(gzip.decompress(kept.read_bytes()))] == [
        originals["2"],
        originals["3"],
    ]
    seen = np.load(kept.with_name("pubmed26n0001.npy"))
    assert seen.tolist() == [(1, 1, 0), (2, 1, 1), (3, 1, 2), (4, 1, 0)]


def test_a_file_without_records_is_scanned_and_combined(files, out):
    write_file(files, 1)
    about = combine(files, out)
    assert set(about["counts"].values()) == {0}
    assert found(out) == set()
    assert check_sums(about, out)["records"] == 0


def put_together(files, out, *contents):
    """Files given as (rows, deleted); returns found.csv as a set, without the names of files, and the counts."""
    for number, (rows, deleted) in enumerate(contents, start=1):
        write_file(files, number, rows, deleted=deleted)
    counts = check_sums(combine(files, out), out)
    return {(pmid, version, int(name[-4:]), state) for pmid, version, name, state in found(out)}, counts


def test_a_later_file_wins(files, out):
    rows, counts = put_together(files, out, ([row(1, "match"), row(2, "match")], []), ([row(1, "match")], []))
    assert rows == {("1", "1", 2, "match"), ("2", "1", 1, "match")}
    assert (counts["superseded"], counts["distinct"]) == (1, 2)


def test_a_record_that_stops_matching_in_a_later_file_is_dropped_and_counted(files, out):
    rows, counts = put_together(files, out, ([row(1, "match")], []), ([row(1, "far")], []))
    assert rows == set()
    assert (counts["no_longer_matching"], counts["no_match"]) == (1, 1)


def test_a_record_that_begins_to_match_in_a_later_file_is_found(files, out):
    rows, _ = put_together(
        files, out, ([row(1, "far")], []), ([row(1, "undecided")], []), ([row(1, "match")], [])
    )
    assert rows == {("1", "1", 3, "match")}


def test_the_highest_version_wins_over_a_later_file(files, out):
    rows, counts = put_together(
        files, out, ([row(1, "far", 1), row(1, "match", 2)], []), ([row(1, "far", 1)], [])
    )
    assert rows == {("1", "2", 1, "match")}
    assert counts["superseded"] == 2


def test_of_one_record_twice_in_a_file_the_higher_version_wins_and_then_the_later(files, out):
    twice = [
        row(1, "match", 2),
        row(1, "far", 1),
        row(2, "far"),
        row(2, "match"),
        row(3, "match"),
        row(3, "far"),
    ]
    rows, _ = put_together(files, out, (twice, []))
    assert rows == {("1", "2", 1, "match"), ("2", "1", 1, "match")}


def test_a_deletion_takes_away_what_its_own_file_and_earlier_ones_hold(files, out):
    rows, counts = put_together(
        files, out, ([row(1, "match"), row(2, "match", 3)], []), ([row(3, "match")], [1, 2, 3, 9])
    )
    assert rows == set()
    assert (counts["deleted"], counts["deleted_matching"], counts["deleted_unknown"]) == (3, 3, 1)


def test_a_deletion_of_a_record_that_comes_later_leaves_it(files, out):
    rows, counts = put_together(files, out, ([], [1]), ([row(1, "match")], []))
    assert rows == {("1", "1", 2, "match")}
    assert (counts["deleted"], counts["deleted_unknown"]) == (0, 1)


def test_a_record_that_was_deleted_and_comes_again_exists_whatever_its_version(files, out):
    rows, counts = put_together(files, out, ([row(1, "match", 2)], []), ([], [1]), ([row(1, "match", 1)], []))
    assert rows == {("1", "1", 3, "match")}
    assert (counts["deleted"], counts["superseded"]) == (0, 1)


def test_far_apart_pmids_are_followed_in_blocks(files, out):
    far = bulk.BLOCK * 3
    rows, counts = put_together(
        files,
        out,
        (
            [
                row(bulk.BLOCK - 1, "match"),
                row(bulk.BLOCK, "match"),
                row(far, "match"),
                row(2**31 - 1, "match"),
            ],
            [],
        ),
        ([row(far, "far")], [bulk.BLOCK]),
    )
    assert {pmid for pmid, *_ in rows} == {str(bulk.BLOCK - 1), str(2**31 - 1)}
    assert counts["distinct"] == 4


def test_a_pmid_beyond_all_range_is_refused(files, out):
    with pytest.raises(InputError, match="a PMID or version out of all range; found '2147483648'"):
        scan(write_file(files, 1, [row(2**31)]), out)


def test_a_long_series_of_files_gives_exactly_what_its_maker_kept(files, out):
    series = Series(files, files=7, records=120, seed=3)
    about = combine(files, out)
    assert found(out) == {(pmid, version, name, state) for pmid, version, name, state in series.expected()}
    counts = check_sums(about, out)
    assert counts["match"] + counts["undecided"] + counts["no_match"] == series.existing()
    assert min(counts.values()) > 0, "every event took place"


def test_what_is_missing_and_what_is_limited_stands_in_the_result(files, out):
    write_file(files, 2, [row(1, "match")])
    about = combine(files, out, allow_gaps=True)
    assert about["missing_files"] == ["pubmed26n0001"]
    assert [(one["term"], one["effect"]) for one in about["limits"]] == [("Utopia[ad]", matching.UNDECIDED)]
    assert about["query"] == QUERY
    assert about["files"][0]["md5"] == bulk.verify(files / "pubmed26n0002.xml.gz")


def test_the_same_files_give_the_same_bytes(files, tmp_path):
    Series(files, files=3, records=40)
    contents = []
    for name in ("first", "second"):
        combine(files, tmp_path / name)
        below = tmp_path / name
        contents.append(
            {str(one.relative_to(below)): one.read_bytes() for one in below.rglob("*") if one.is_file()}
        )
    assert contents[0] == contents[1]
    assert len(contents[0]) == 4 + 3 * 3


def test_scans_of_another_query_are_not_combined(files, out):
    write_file(files, 1, [row(1, "match")])
    scan(files / "pubmed26n0001.xml.gz", out, "pain[ti]")
    with pytest.raises(InputError, match="a scan for another query"):
        combine_scans(bulk.listing(files), out)


@pytest.mark.parametrize("damage", ["kept", "seen"])
def test_a_scan_whose_parts_do_not_belong_together_is_refused(files, out, damage):
    write_file(files, 1, [row(1, "match"), row(2, "match")])
    write_file(files, 2, [row(3, "match")])
    combine(files, out)
    ending = {"kept": ".xml.gz", "seen": ".npy"}[damage]
    (out / "scans" / f"pubmed26n0001{ending}").write_bytes(
        (out / "scans" / f"pubmed26n0002{ending}").read_bytes()
    )
    with pytest.raises(InputError, match="hint: remove"):
        combine_scans(bulk.listing(files), out)


@pytest.mark.parametrize("with_undecided", [False, True])
def test_a_search_in_the_files_stands_in_the_place_of_pubmeds_answers(files, out, with_undecided):
    write_file(files, 1, [row(30, "undecided"), row(20, "match"), row(3, "match"), row(4)])
    combine(files, out)
    answers = bulk.as_answers(out, with_undecided=with_undecided)
    assert answers.pmids == (("3", "20", "30") if with_undecided else ("3", "20"))
    assert answers.undecided == ("30",)
    assert sorted(one.pmid for one in answers.articles()) == sorted(answers.pmids)
    assert all(one.raw.startswith(b"<PubmedArticle") for one in answers.articles())
    assert (answers.query, answers.missing, answers.counts["records"]) == (QUERY, (), 4)


def test_single_pmids_are_looked_up_in_the_scans(files, out):
    write_file(files, 1, [row(1, "match"), row(2, "match"), row(3), row(4, "undecided")])
    write_file(files, 2, [row(5, "match")], deleted=[2])
    about = combine(files, out)
    assert about["counts"]["distinct"] == 5
    assert bulk.standing(scans_of(files, out), ["1", "2", "3", "4", "5", "6", "9999999"]) == {
        "1": "match",
        "2": "deleted",
        "3": "no match",
        "4": "undecided",
        "5": "match",
        "6": "not in the files",
        "9999999": "not in the files",
    }


def scans_of(files, out):
    stems = [out / "scans" / name for name in bulk.listing(files).names]
    return [bulk.read_scan(stem, tables.read_json(Path(f"{stem}.json"))) for stem in stems]


def run_audit(out, files, tmp_path, monkeypatch, *, pmids, query=QUERY):
    """Runs the rule beside a search that found `pmids`."""
    taken = SimpleNamespace(
        run="2026-11", pmids=pmids, provenance={"query": query, "searched_at": "2026-11-02T00:00:00+00:00"}
    )
    monkeypatch.setattr(snapshot, "read", lambda _: taken)
    target = tmp_path / "bulk_audit.json"
    abouts = [str(out / "scans" / f"{name}.json") for name in bulk.listing(files).names]
    audit_bulk.main(
        SimpleNamespace(
            input=SimpleNamespace(
                provenance="x/provenance.json", about=str(out / "bulk.json"), abouts=abouts
            ),
            output=SimpleNamespace(audit=str(target)),
        )
    )
    return tables.read_json(target)


def test_an_audit_names_what_only_the_search_or_only_the_files_found(files, out, tmp_path, monkeypatch):
    write_file(files, 1, [row(1, "match"), row(2, "match"), row(3), row(4, "undecided"), row(5, "undecided")])
    write_file(files, 2, [row(6, "match")], deleted=[6])
    combine(files, out)
    audit = run_audit(out, files, tmp_path, monkeypatch, pmids=("9", "6", "4", "3", "1"))
    assert audit["both"] == ["1"]
    assert audit["only_files"] == ["2"]
    assert audit["only_search"] == {"3": "no match", "6": "deleted", "9": "not in the files"}
    assert audit["undecided"] == {"found_by_search": ["4"], "not_found_by_search": ["5"]}
    assert audit["counts"] == {
        "search": 5,
        "files": 2,
        "both": 1,
        "only_files": 1,
        "only_search": 3,
        "undecided": 2,
    }
    assert (audit["run"], audit["last_file"]) == ("2026-11", "pubmed26n0002.xml.gz")


def test_an_audit_of_another_query_is_refused(files, out, tmp_path, monkeypatch):
    write_file(files, 1, [row(1, "match")])
    combine(files, out)
    with pytest.raises(InputError, match="for another query"):
        run_audit(out, files, tmp_path, monkeypatch, pmids=("1",), query="pain[ti]")


def test_a_query_that_pubmed_would_misread_is_not_put_to_the_files(files, out):
    with pytest.raises(InputError, match="never closed"):
        scan(write_file(files, 1), out, "(pain[ti]")


def test_kinds_of_example_records_are_what_their_query_says_of_them():
    predicate = matching.Predicate(parse(QUERY).tree)
    answers = {"match": True, "undecided": None, "no match": False, "far": False}
    for kind, answer in answers.items():
        (article,) = articles.read(article_set([row(1, kind)]))
        assert predicate(article) is answer, kind
