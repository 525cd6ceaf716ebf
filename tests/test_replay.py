"""A release is laid out as it was, from files that are what it read, and compared byte for byte."""

import json
import shutil

import pytest

import replay_release
from livingreview import replay, tables
from livingreview.errors import InputError
from livingreview.living import releases

CONFIG = {
    "review": {"title": "An example", "question": "?", "demonstration": ""},
    "search": {"bodies": "local"},
}
SNAPSHOT = {"run": "2020-01", "bodies_kept": "local", "bodies": {"efetch-001.xml.gz": {}}}
GIVEN = {"run": "2020-02", "note": "An example."}


@pytest.fixture(autouse=True)
def without_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(tables.os, "fsync", lambda _: None)


@pytest.fixture
def review(tmp_path):
    """A review with two releases, frozen with their inputs, and one of an older program."""
    review = tmp_path / "review"
    files = {
        "config.yaml": "run: '2020-02'\n",
        "data/decisions/screening.csv": "as it was\n",
        "data/searches/2020-01/pubmed/provenance.json": json.dumps(SNAPSHOT),
        "data/searches/2020-01/pubmed/efetch-001.xml.gz": "records",
        "data/releases/19.0.0/release.json": json.dumps(
            {
                "version": "19.0.0",
                "kind": "release",
                "run": "2019-01",
                "frozen_on": "2019-02-01",
                "note": "Old.",
            }
        ),
        **{f"results/2020-02/{name}": f"{name}\nlines\n" for name in releases.REQUIRED},
    }
    for name, text in files.items():
        tables.write_text(text, review / name)
    made_by = {"code": {"fingerprint": "other", "commit": "abc", "edited": True}}
    releases.freeze(review, CONFIG, version="20.1.0", frozen_on="2020-02-15", made_by=made_by, **GIVEN)
    releases.freeze(review, CONFIG, version="20.1.1", frozen_on="2020-02-20", **GIVEN)
    tables.write_text("decided since\n", review / "data/decisions/screening.csv")
    tables.write_text("{}", review / "data/searches/2020-03/pubmed/provenance.json")
    return review


@pytest.fixture
def lay_out(review, tmp_path):
    def run(version="20.1.0"):
        return replay.lay_out(review, releases.find(review, version), tmp_path / "again")

    return run


def test_the_folder_is_laid_out_as_it_was_without_what_came_later(lay_out, tmp_path):
    assert lay_out() == []
    again = tmp_path / "again"
    assert (again / "data/decisions/screening.csv").read_text() == "as it was\n"
    assert sorted(path.name for path in (again / "data/searches").iterdir()) == ["2020-01"]
    assert sorted(path.name for path in (again / "data/releases").iterdir()) == ["19.0.0"]
    assert (again / "config.yaml").read_text() == "run: '2020-02'\n"
    assert not (again / "results").exists()


def test_a_later_release_sees_the_earlier_ones(lay_out, tmp_path):
    lay_out("20.1.1")
    assert sorted(path.name for path in (tmp_path / "again/data/releases").iterdir()) == ["19.0.0", "20.1.0"]


def test_a_release_frozen_without_its_inputs_says_so(lay_out):
    with pytest.raises(
        InputError, match=r"release 19\.0\.0 was frozen without its inputs and cannot be built"
    ):
        lay_out("19.0.0")


def test_an_edited_release_search_or_earlier_release_is_named(lay_out, review):
    edited = review / "data/releases/20.1.0/effects.csv"
    before = edited.read_text()
    edited.write_text("edited\n")
    with pytest.raises(
        InputError, match=r"20\.1\.0: not as it was frozen: effects\.csv; hint: a release is never"
    ):
        lay_out()
    edited.write_text(before)
    (review / "data/searches/2020-01/pubmed/efetch-001.xml.gz").write_text("other records")
    with pytest.raises(InputError, match=r"efetch-001\.xml\.gz is not what the release read"):
        lay_out()
    (review / "data/searches/2020-01/pubmed/efetch-001.xml.gz").write_text("records")
    shutil.rmtree(review / "data/releases/19.0.0")
    with pytest.raises(
        InputError, match=r"data/releases/19\.0\.0 is missing; hint: restore it from version control"
    ):
        lay_out()


def test_records_kept_on_another_machine_are_asked_for_and_those_fetched_again_will_do(
    lay_out, review, tmp_path
):
    (review / "data/searches/2020-01/pubmed/efetch-001.xml.gz").unlink()
    with pytest.raises(InputError, match="keeps it on the machine that fetched it; make report fetches"):
        lay_out()
    tables.write_text("{}", review / "data/searches/2020-01/refetched/provenance.json")
    assert lay_out() == [
        "The records of run 2020-01 are those fetched again since; where PubMed changed one, results differ."
    ]
    assert (tmp_path / "again/data/searches/2020-01/refetched/provenance.json").is_file()


def test_a_missing_file_of_a_search_is_named(lay_out, review):
    (review / "data/searches/2020-01/pubmed/provenance.json").unlink()
    with pytest.raises(
        InputError, match=r"pubmed/provenance\.json is missing; hint: restore it from version control"
    ):
        lay_out()


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (b"a\nb 1\n", b"a\nb 2\n", "line 2: frozen 'b 1', now 'b 2'"),
        (b"a\n", b"a\nb\n", "frozen it has 1 lines, now 2; the lines that both have are the same"),
        (b"a\n", b"a\r\n", "only ends of lines differ"),
        (b"", b"x", "frozen it has 0 lines, now 1; the lines that both have are the same"),
    ],
)
def test_the_first_difference_is_told_by_line(before, after, said):
    assert replay.first_difference(before, after) == said


def test_of_a_long_line_the_part_where_it_differs_is_told():
    said = replay.first_difference(b"x" * 5000 + b"1" + b"y" * 500, b"x" * 5000 + b"2" + b"y" * 500)
    assert "x1y" in said
    assert "x2y" in said
    assert len(said) < 400
    assert replay.first_difference(b"abc", b"abcd") == "line 1: frozen 'abc', now 'abcd'"


def builds(change=lambda _: None):
    """A stand-in for the workflow that writes what the release holds, and then a change."""

    def build(folder, *, run, version, cores, quiet):
        assert (run, version, quiet) == ("2020-02", "20.1.0", True)
        for name in releases.REQUIRED:
            tables.write_text(f"{name}\nlines\n", folder / "results" / run / name)
        change(folder / "results" / run)

    return build


def test_the_command_says_ok_for_each_file_and_who_made_the_release(review, capsys):
    assert replay_release.main(["20.1.0", "--directory", str(review)], build=builds()) == 0
    said = capsys.readouterr().out
    assert (
        "The program is not the one that made release 20.1.0 (commit abc, with edits that no commit holds;"
        in said
    )
    for name in releases.REQUIRED:
        assert f"OK         {name}\n" in said
    assert said.endswith("\n5 of 5 files of release 20.1.0 are the same to the byte.\n")


def test_a_difference_is_shown_and_ends_with_a_failure(review, capsys):
    def change(results):
        (results / "flow.json").write_text("flow.json\nother\n")
        (results / "effects.csv").unlink()

    assert replay_release.main(["20.1.0", "--directory", str(review)], build=builds(change)) == 1
    said = capsys.readouterr().out
    assert "DIFFERENT  flow.json\n           line 2: frozen 'lines', now 'other'\n" in said
    assert "DIFFERENT  effects.csv\n           it was not built again\n" in said
    assert said.endswith("\n3 of 5 files of release 20.1.0 are the same to the byte.\n")


def test_what_cannot_be_replayed_says_why_and_fails(review, capsys):
    assert replay_release.main(["19.0.0", "--directory", str(review)], build=builds()) == 1
    assert "was frozen without its inputs" in capsys.readouterr().err


def test_the_same_program_has_nothing_to_remark():
    code = {"fingerprint": "0", "commit": None, "edited": None}
    assert replay_release.code_remarks({"version": "1.0.0", "code": code}, code) == []
    said = replay_release.code_remarks({"version": "1.0.0"}, code)
    assert said[0].startswith("The program is not the one that made release 1.0.0 (no known commit;")
