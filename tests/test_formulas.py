import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livingreview import tables
from livingreview.formulas import guarded, unguarded

FORMULAS = [
    "=1+1",
    '=HYPERLINK("https://example.org","x")',
    "+cmd|' /C calc'!A0",
    "-2+3+cmd",
    "@SUM(1,2)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "  =1+1",
    "＝1+1",
    "-",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_would_run_begins_with_an_apostrophe(text):
    assert guarded(text) == f"'{text}"
    assert unguarded(guarded(text)) == text


@pytest.mark.parametrize(
    "text", ["", "plain", "-0.31", "+1", "-.5", "-1e-05", "2 = 2", "a-b", "'quoted'", "'"]
)
def test_numbers_and_other_text_stay(text):
    assert guarded(text) == text
    assert unguarded(text) == text


@given(st.text(alphabet="'=+-@\t\r\n a0.＝", max_size=8))
def test_every_text_comes_back_exactly(text):
    assert unguarded(guarded(text)) == text


def test_text_that_had_an_apostrophe_of_its_own_keeps_it():
    assert guarded("'=1") == "''=1"
    assert unguarded("''=1") == "'=1"


def test_a_table_of_results_comes_back_as_it_was_and_its_numbers_stay(tmp_path):
    frame = pd.DataFrame(
        {"title": [*FORMULAS, "'=1", None], "yi": [-0.5] * len(FORMULAS) + [-1.5, float("nan")]}
    )
    tables.write(frame, tmp_path / "results.csv")
    back = tables.read_results(tmp_path / "results.csv")
    assert back["title"].tolist() == [*FORMULAS, "'=1", None]
    assert back["yi"].tolist()[:-1] == frame["yi"].tolist()[:-1]
    raw = pd.read_csv(io.BytesIO((tmp_path / "results.csv").read_bytes()), dtype=str, keep_default_na=False)
    assert raw["title"].str.match(r"'|$").all()
    assert raw["yi"][0] == "-0.5"


def test_peoples_tables_keep_what_was_typed_through_reading_and_adding(example_table, example_frame):
    path = example_table("screening", {"note": "=1+1"})
    new = example_frame("screening", {"record_id": "102", "note": "@typed"})
    before = path.read_bytes()
    tables.append(new, path, "screening")
    assert path.read_bytes().startswith(before)
    assert b",'@typed" in path.read_bytes()
    assert tables.read(path, "screening")["note"].tolist() == ["=1+1", "@typed"]


def test_an_older_table_that_is_widened_keeps_its_texts(tmp_path, example_table, example_frame):
    path = example_table("screening", {"note": "'=1+1"})
    lines = path.read_text(encoding="utf-8").splitlines()
    declared = tables.load_schema("screening")
    optional = [name for name in declared["properties"] if name not in declared["required"]]
    header = lines[0].split(",")
    keep = [at for at, name in enumerate(header) if name not in optional]
    path.write_text(
        "".join(",".join(line.split(",")[at] for at in keep) + "\n" for line in lines), encoding="utf-8"
    )
    tables.append(example_frame("screening", {"record_id": "102", "note": "x"}), path, "screening")
    assert tables.read(path, "screening")["note"].tolist() == ["=1+1", "x"]
