"""Results without a readable note of how they were made are made again."""

import base64
import hashlib
import json
import os

import pytest

from livingreview import engine_notes

MADE = "results/2020-01/records.csv"


@pytest.fixture
def review(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / MADE).parent.mkdir(parents=True)
    (tmp_path / MADE).write_text("record_id\n")
    note = tmp_path / ".snakemake/metadata" / base64.urlsafe_b64encode(MADE.encode()).decode()
    note.parent.mkdir(parents=True)
    note.write_text('{"rule": "fold_corpus"}')
    return note


def marked():
    return sorted(path.name for path in engine_notes.Path(".snakemake/incomplete").glob("*"))


def test_a_result_with_its_note_is_believed(review):
    assert engine_notes.doubt(".snakemake", [MADE]) == []
    assert marked() == []


@pytest.mark.parametrize("content", [None, "", '{"rule": "fold_cor', "{}"])
def test_one_whose_note_is_lost_empty_or_cut_is_marked_as_snakemake_marks_interrupted_ones(review, content):
    review.unlink() if content is None else review.write_text(content)
    assert engine_notes.doubt(".snakemake", [MADE]) == [MADE]
    assert marked() == [review.name]
    assert engine_notes.doubt(".snakemake", [MADE]) == [MADE]


@pytest.mark.parametrize(("content", "doubted"), [("a\n", []), ("b\n", [MADE])])
def test_a_result_of_another_table_is_made_again_though_the_table_is_dated_before_it(
    review, content, doubted
):
    table = engine_notes.Path("data/decisions/screening.csv")
    table.parent.mkdir(parents=True)
    table.write_text(content)
    os.utime(table, (0, 0))
    made_of = {
        str(table): f"sha256:{hashlib.sha256(b'a' + bytes([10])).hexdigest()}",
        "results/x.csv": "sha256:0",
    }
    review.write_text(json.dumps({"rule": "fold_corpus", "input_checksums": made_of}))
    assert engine_notes.doubt(".snakemake", [MADE]) == doubted


def test_what_is_not_there_or_has_no_name_yet_is_passed_over(review):
    assert engine_notes.doubt(".snakemake", ["results/2020-01/none.csv", "results/{run}/records.csv"]) == []
