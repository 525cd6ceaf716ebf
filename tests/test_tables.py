"""What a table may hold, what a person is told when it holds something else, and how files are written."""

import fcntl
import math
import os
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from livingreview import tables
from livingreview.errors import InputError

REPORTS = "record_id,study_id,run,note\n"


@pytest.fixture
def reports(tmp_path):
    """Writes text or bytes as a table of reports."""

    def write(content):
        path = tmp_path / "reports.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def refused(path, schema="reports"):
    """The message with which a table is refused."""
    with pytest.raises(InputError) as caught:
        tables.read(path, schema)
    return str(caught.value)


def test_a_table_is_read_in_the_types_of_its_schema(example_table):
    frame = tables.read(
        example_table("outcomes", {"weeks": "9.5", "n_total": "", "comparison": ""}), "outcomes"
    )
    row = frame.iloc[0]
    assert (row["mean_1"], row["weeks"], row["n_1"], row["revision"]) == (4.0, 9.5, 40, 1)
    assert row["n_total"] is pd.NA
    assert math.isnan(row["baseline_mean_1"])
    assert row["comparison"] is None
    assert row["run"] == "2020-01"


def test_ids_stay_text(example_table):
    frame = tables.read(example_table("reports", {"record_id": "101"}), "reports")
    assert frame["record_id"].tolist() == ["101"]


def test_a_header_alone_is_an_empty_table(reports):
    frame = tables.read(reports(REPORTS), "reports")
    assert len(frame) == 0
    assert list(frame.columns) == ["record_id", "study_id", "run", "note"]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfrecord_id,study_id,run,note\n101,example_2020,2020-01,fine\n",
        b"record_id,study_id,run,note\r\n101,example_2020,2020-01,fine\r\n",
        b"\xef\xbb\xbfrecord_id,study_id,run,note\r\n101,example_2020,2020-01,fine\r\n,,,\r\n\r\n",
        b"note,run,study_id,record_id\nfine,2020-01,example_2020,101\n",
        b'"record_id","study_id","run","note"\n" 101 ","example_2020","2020-01","fine"',
    ],
    ids=["byte order mark", "CRLF", "Excel's CSV UTF-8 with empty rows", "other order", "all quoted"],
)
def test_what_spreadsheets_do_to_a_good_table_is_accepted(reports, content):
    frame = tables.read(reports(content), "reports")
    assert frame.to_dict("records") == [
        {"record_id": "101", "study_id": "example_2020", "run": "2020-01", "note": "fine"}
    ]


def test_semicolons_are_named_with_what_to_choose_in_the_spreadsheet(reports):
    path = reports("record_id;study_id;run;note\n101;example_2020;2020-01;\n")
    assert refused(path) == (
        f"{path}: row 1: the columns are separated by semicolons; allowed: commas; hint: a spreadsheet set to a "
        "language with decimal commas saves like this; choose 'CSV UTF-8 (comma delimited)', or set its language "
        "to English before saving"
    )


def test_tabs_are_named(reports):
    path = reports("record_id\tstudy_id\trun\tnote\n101\texample_2020\t2020-01\t\n")
    assert f"{path}: row 1: the columns are separated by tabs; allowed: commas" in refused(path)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_another_encoding_is_named_with_what_to_choose_in_excel(reports, encoding):
    path = reports((REPORTS + "101,example_2020,2020-01,Müller\n").encode(encoding))
    byte = 0 if encoding == "utf-16" else len(REPORTS) + len("101,example_2020,2020-01,M")
    assert refused(path) == (
        f"{path}: byte {byte} is not UTF-8; hint: in Excel choose 'Save as', 'CSV UTF-8 (comma delimited)'"
    )


@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        ("4,5", "; hint: write the decimal comma as a point"),
        ("\u22124.5", "; hint: use the plain minus sign of the keyboard"),
        (
            "04-May",
            "; hint: a spreadsheet may have turned the number into a date; format the column as text first",
        ),
        ("4.5 (SD)", ""),
        ("1_000", ""),
        ("nan", ""),
    ],
)
def test_a_cell_that_is_no_number_is_named_with_a_hint(example_table, cell, hint):
    path = example_table("outcomes", {}, {"row_id": "example_2020.pain_intensity.2", "mean_1": cell})
    assert refused(path, "outcomes") == (
        f"{path}: row 3, column mean_1: found {cell!r}; allowed: a number with a decimal point{hint}"
    )


def test_a_number_too_large_for_a_computer_is_refused(example_table):
    path = example_table("outcomes", {"mean_1": "1e999"})
    assert f"{path}: row 2, column mean_1: found '1e999'; allowed: a number" in refused(path, "outcomes")


def test_a_whole_number_too_large_for_a_computer_is_refused(example_table):
    path = example_table("outcomes", {"n_1": "99999999999999999999"})
    assert f"{path}: row 2, column n_1: found '99999999999999999999'; allowed: a whole" in refused(
        path, "outcomes"
    )


@pytest.mark.parametrize(("cell", "number"), [("40", 40), ("40.0", 40), ("+40", 40)])
def test_a_whole_number_may_carry_the_zero_that_spreadsheets_add(example_table, cell, number):
    assert tables.read(example_table("outcomes", {"n_1": cell}), "outcomes").at[0, "n_1"] == number


def test_a_fraction_where_people_are_counted_is_refused(example_table):
    path = example_table("outcomes", {"n_1": "40.5"})
    assert refused(path, "outcomes") == f"{path}: row 2, column n_1: found '40.5'; allowed: a whole number"


def test_a_month_that_excel_turned_into_a_date_is_refused_with_the_reason(reports):
    path = reports(REPORTS + "101,example_2020,Nov-26,\n")
    assert refused(path) == (
        f"{path}: row 2, column run: found 'Nov-26'; allowed: a month as YYYY-MM; hint: a spreadsheet may have "
        "changed the value; format the column as text before typing"
    )


def test_a_pmid_that_a_spreadsheet_turned_into_a_number_is_refused(reports):
    path = reports(REPORTS + "1.2E+07,example_2020,2020-01,\n")
    assert refused(path).startswith(
        f"{path}: row 2, column record_id: found '1.2E+07'; allowed: a PMID (digits), doi:10.… or database:number; hint: "
    )


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("sd_1", "0", "found 0.0; allowed: more than 0"),
        ("sd_2", "-1.2", "found -1.2; allowed: more than 0"),
        ("n_1", "1", "found 1; allowed: 2 or more"),
        ("n_total", "3", "found 3; allowed: 4 or more"),
        ("printed_se", "-0.1", "found -0.1; allowed: more than 0"),
        ("events_1", "-1", "found -1; allowed: 0 or more"),
        ("weeks", "-9", "found -9.0; allowed: 0 or more"),
        ("priority", "0", "found 0; allowed: 1 or more"),
        ("higher_is", "high", "found 'high'; allowed: worse, better"),
        ("shared_control", "half", "found 'half'; allowed: whole, divided, (empty)"),
        (
            "study_id",
            "Example 2020",
            "found 'Example 2020'; allowed: lower case letters, digits and underscores; hint: ",
        ),
        ("source", "", "empty; allowed: not empty; hint: where the numbers of this row come from"),
        ("row_id", "", "empty; allowed: not empty; hint: study, outcome and a number, with dots between"),
    ],
)
def test_an_impossible_value_is_named_with_what_is_allowed(example_table, column, cell, message):
    path = example_table("outcomes", {column: cell})
    text = refused(path, "outcomes")
    assert text.startswith(f"{path}: row 2, column {column}: {message}")
    assert "\n" not in text


def test_attrition_above_a_hundred_per_cent_is_refused(example_table):
    path = example_table("studies", {"attrition_percent": "104"})
    assert refused(path, "studies") == (
        f"{path}: row 2, column attrition_percent: found 104.0; allowed: 100 or less"
    )


def test_a_value_is_not_set_aside_without_a_reason(example_table):
    path = example_table("outcomes", {"status": "set_aside"})
    assert refused(path, "outcomes") == (
        f"{path}: row 2, column set_aside_reason: empty; allowed: not empty; hint: a reason: a value is never set aside "
        "without one"
    )


def test_a_correction_is_not_made_without_a_reason(example_table):
    path = example_table("studies", {}, {"revision": "2"})
    assert refused(path, "studies") == (
        f"{path}: row 3, column revision_reason: empty; allowed: not empty; hint: a reason: a correction says why"
    )


def test_a_revision_that_is_no_number_is_one_problem(example_table):
    path = example_table("studies", {"revision": "two"})
    assert refused(path, "studies") == f"{path}: row 2, column revision: found 'two'; allowed: a whole number"


def test_unknown_missing_and_doubled_columns_are_named_together(reports):
    path = reports("record_id,study,run,run\n101,example_2020,2020-01,2020-01\n")
    assert refused(path) == (
        f"{path}: 4 problems\n"
        "  - row 1: unknown column; found 'study'; allowed: record_id, study_id, run, note\n"
        "  - row 1, column study_id: missing column; hint: the order of columns is free, their names are not\n"
        "  - row 1, column note: missing column; hint: the order of columns is free, their names are not\n"
        "  - row 1, column run: column occurs twice"
    )


def test_a_row_with_too_few_or_too_many_cells_is_named(reports):
    path = reports(REPORTS + "101,example_2020,2020-01\n102,sample_2021,2020-01,one, two\n")
    hint = "hint: a comma inside a cell needs quotation marks around the cell"
    assert refused(path) == (
        f"{path}: 2 problems\n"
        f"  - row 2: 3 cells where the header has 4; {hint}\n"
        f"  - row 3: 5 cells where the header has 4; {hint}"
    )


def test_a_duplicate_key_names_both_rows(reports):
    path = reports(REPORTS + "101,example_2020,2020-01,\n102,b_2021,2020-01,\n101,sample_2021,2020-01,\n")
    assert refused(path) == (
        f"{path}: row 4: duplicate key record_id=101, first in row 2; hint: each key once"
    )


def test_a_ragged_row_does_not_shift_the_rows_named_after_it(reports):
    path = reports(REPORTS + "102,a_2020\n101,example_2020,2020-01,\n101,sample_2021,2020-01,\n")
    assert "row 4: duplicate key record_id=101, first in row 3" in refused(path)


def test_empty_rows_do_not_shift_the_rows_named_after_them(reports):
    path = reports(REPORTS + "\n,,,\n101,Example,2020-01,\n")
    assert f"{path}: row 4, column study_id: found 'Example'" in refused(path)


def test_a_cell_of_two_lines_counts_as_one_row(reports):
    path = reports(REPORTS + '101,example_2020,2020-01,"one\ntwo"\n102,Example,2020-01,\n')
    assert f"{path}: row 3, column study_id: found 'Example'" in refused(path)


@pytest.mark.parametrize(
    "content",
    [REPORTS + '101,example_2020,2020-01,"open\n', REPORTS + '101,example_2020,2020-01,"a"b"\n'],
    ids=["a quotation mark that is never closed", "text after a closing quotation mark"],
)
def test_broken_quotation_is_no_csv_file(reports, content):
    path = reports(content)
    assert refused(path).startswith(f"{path}: this is not a CSV file: ")


def test_an_empty_file_is_refused(reports):
    path = reports("")
    assert refused(path) == f"{path}: the file is empty; hint: it needs at least its header row"


def test_a_missing_file_is_refused_by_name(tmp_path):
    path = tmp_path / "reports.csv"
    assert refused(path).startswith(f"{path}: there is no such file")


def test_tables_that_must_be_there_are_named_together(tmp_path):
    here, one, two = (tmp_path / name for name in ("here.csv", "one.csv", "two.csv"))
    here.touch()
    tables.require([here])
    with pytest.raises(
        InputError, match=r"one\.csv: there is no such file; nor .*two\.csv; hint: restore it"
    ):
        tables.require([here, one, two])


def test_faults_of_many_rows_are_told_in_one_error(example_table):
    path = example_table(
        "outcomes",
        {"sd_1": "0"},
        {"row_id": "example_2020.pain_intensity.2", "n_2": "1", "printed_se": "-1"},
        {"row_id": "example_2020.pain_intensity.2", "higher_is": "up"},
    )
    assert refused(path, "outcomes") == (
        f"{path}: 5 problems\n"
        "  - row 2, column sd_1: found 0.0; allowed: more than 0\n"
        "  - row 3, column n_2: found 1; allowed: 2 or more\n"
        "  - row 3, column printed_se: found -1.0; allowed: more than 0\n"
        "  - row 4, column higher_is: found 'up'; allowed: worse, better\n"
        "  - row 4: duplicate key row_id=example_2020.pain_intensity.2, revision=1, first in row 3; hint: each key once"
    )


def test_more_faults_than_a_person_reads_are_counted(reports):
    path = reports(REPORTS + "".join(f"{pmid},example_2020,June,\n" for pmid in range(101, 131)))
    lines = refused(path).splitlines()
    assert lines[0] == f"{path}: 30 problems"
    assert lines[25].startswith("  - row 26, column run: found 'June'")
    assert lines[26:] == ["  - and 5 more"]


def test_rows_that_are_passed_over_are_not_checked_but_their_numbers_count(reports):
    path = reports(REPORTS + "x,y,z,skip\n101,example_2020,June,\n")
    with pytest.raises(InputError, match="row 3, column run: found 'June'"):
        tables.read(path, "reports", skip=lambda row: row["note"] == "skip")


def test_a_written_table_has_ten_digits_plain_booleans_and_empty_cells(tmp_path):
    path = tmp_path / "new" / "example.csv"
    frame = pd.DataFrame(
        {
            "text": ["a, b", None, 'say "x"'],
            "number": [1 / 3, math.nan, -0.0],
            "whole": pd.array([7, None, 12_000_000], dtype="Int64"),
            "large": [1e20, 2.0, 12345678901.5],
            "yes": [True, False, True],
        }
    )
    tables.write(frame, path)
    assert path.read_bytes() == (
        b"text,number,whole,large,yes\n"
        b'"a, b",0.3333333333,7,1e+20,true\n'
        b",,,2,false\n"
        b'"say ""x""",0,12000000,1.23456789e+10,true\n'
    )


def test_a_table_written_and_read_is_the_same(example_table, tmp_path):
    first = tables.read(
        example_table(
            "outcomes",
            {"weeks": "9.25", "n_total": "", "note": "one; two, \u201cthree\u201d\nfour"},
            {"row_id": "example_2020.pain_intensity.2", "mean_1": "-0.1234567890123", "revision": "3"}
            | {"revision_reason": "misread"},
        ),
        "outcomes",
    )
    tables.write(first, tmp_path / "again.csv")
    second = tables.read(tmp_path / "again.csv", "outcomes")
    pd.testing.assert_frame_equal(first, second, rtol=1e-9)
    tables.write(second, tmp_path / "third.csv")
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "third.csv").read_bytes()


def test_a_lone_carriage_return_survives_writing_and_reading(tmp_path, example_frame):
    frame = example_frame("reports", {}).assign(note="one\rtwo")
    tables.write(frame, tmp_path / "again.csv")
    assert tables.read(tmp_path / "again.csv", "reports").at[0, "note"] == "one\rtwo"


def test_results_are_read_with_text_ids_and_missing_cells(tmp_path):
    path = tmp_path / "effects.csv"
    path.write_text("row_id,pmid,yi,in_pool,note\na,0101,-0.5,true,NA\nb,,,false,\n")
    rows = tables.read_results(path).to_dict("records")
    assert rows[0] == {"row_id": "a", "pmid": "0101", "yi": -0.5, "in_pool": True, "note": "NA"}
    assert (rows[1]["pmid"], rows[1]["note"], rows[1]["in_pool"]) == (None, None, False)
    assert math.isnan(rows[1]["yi"])


def test_rows_are_those_of_itertuples_and_plain_rows_say_none_for_what_is_missing():
    frame = pd.DataFrame(
        {
            "record_id": pd.Series(["a", None], dtype=object),
            "score": [0.5, math.nan],
            "n": pd.array([3, None], dtype="Int64"),
            "tested": [True, False],
            "mixed": pd.Series([np.float64(1.5), None], dtype=object),
        }
    ).set_axis([4, 7])
    given, expected = tables.rows(frame), list(frame.itertuples())
    assert [row._fields for row in given] == [row._fields for row in expected]
    assert given[0] == expected[0] == (4, "a", 0.5, 3, True, 1.5)
    assert (given[1].Index, given[1].record_id, given[1].tested) == (7, None, False)
    assert math.isnan(given[1].score)
    first, second = tables.plain_rows(frame)
    assert first == {"record_id": "a", "score": 0.5, "n": 3, "tested": True, "mixed": 1.5}
    assert [type(value) for value in first.values()] == [str, float, int, bool, float]
    assert second == {"record_id": None, "score": None, "n": None, "tested": False, "mixed": None}
    assert tables.rows(frame.iloc[:0]) == tables.plain_rows(frame.iloc[:0]) == []


def test_an_empty_result_can_be_filtered_by_its_yes_no_column(tmp_path):
    path = tmp_path / "effects.csv"
    path.write_text("row_id,study,yi,in_pool,in_sensitivity\n")
    frame = tables.read_results(path)
    assert list(frame[frame["in_pool"]].columns) == ["row_id", "study", "yi", "in_pool", "in_sensitivity"]


def test_what_a_ranking_writes_keeps_its_ids_and_years_as_text_and_its_yes_and_no(tmp_path):
    """A digest may be all digits, or look like a power of ten; a month may be a year."""
    path = tmp_path / "predictions.csv"
    columns = "record_id,month,trained_before,score,read_first,included,key,label"
    path.write_text(f"{columns}\n0101,2016,2016,-0.5,true,false,000000000000000000001e10,full-text\n")
    [row] = tables.read_results(path).to_dict("records")
    assert (row["record_id"], row["month"], row["trained_before"]) == ("0101", "2016", "2016")
    assert row["key"] == "000000000000000000001e10"
    assert (row["read_first"], row["included"], row["score"]) == (True, False, -0.5)
    path.write_text(f"{columns}\n")
    empty = tables.read_results(path)
    assert list(empty[empty["included"] & ~empty["read_first"]].columns) == columns.split(",")


@pytest.mark.parametrize("target", ["replace", "fsync"])
def test_a_failing_write_leaves_the_old_file_and_nothing_beside_it(tmp_path, monkeypatch, target):
    path = tmp_path / "example.csv"
    path.write_text("old\n")

    def fail(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(tables.os, target, fail)
    with pytest.raises(OSError, match="the disk is full"):
        tables.write(pd.DataFrame({"a": [1]}), path)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("example.csv", "old\n")]


def test_a_written_file_has_the_permissions_of_any_other_file(tmp_path):
    tables.write_text("x", tmp_path / "by_tables")
    (tmp_path / "by_hand").write_text("x")
    modes = [(tmp_path / name).stat().st_mode for name in ("by_tables", "by_hand")]
    assert modes[0] == modes[1]


def test_json_is_sorted_with_null_for_what_is_missing_and_ten_digits(tmp_path):
    path = tmp_path / "example.json"
    values = pd.DataFrame({"n": pd.array([3, None], dtype="Int64"), "x": [1 / 3, math.nan]})
    tables.write_json(
        {"b": values.iloc[0].to_dict(), "a": [values["n"][1], values["x"][1], True, -0.0, "ü"]}, path
    )
    assert path.read_text(encoding="utf-8") == (
        '{\n "a": [\n  null,\n  null,\n  true,\n  0.0,\n  "ü"\n ],\n "b": {\n  "n": 3.0,\n  "x": 0.3333333333\n }\n}\n'
    )
    assert tables.read_json(path)["b"] == {"n": 3, "x": 0.3333333333}


def test_broken_json_is_named(tmp_path):
    path = tmp_path / "release.json"
    path.write_text('{"version": ')
    with pytest.raises(InputError) as caught:
        tables.read_json(path)
    assert str(caught.value).startswith(f"{path}: this is not JSON: Expecting value: line 1 column 13")


@pytest.mark.parametrize(
    "old",
    [
        b"record_id,study_id,run,note\n101,example_2020,2020-01,\n",
        b'\xef\xbb\xbfnote,run,study_id,record_id\r\n"kept, as typed",2020-01,example_2020,0101\r\n'.replace(
            b"0101", b"101"
        ),
        b'record_id,study_id,run,note\n"101", example_2020 ,2020-01,no line end',
    ],
    ids=["as written", "saved by Excel", "typed by hand"],
)
def test_appending_keeps_what_is_there_to_the_byte(reports, old):
    path = reports(old)
    new = pd.DataFrame([{"study_id": "sample_2021", "record_id": "102", "run": "2020-02", "note": None}])
    tables.append(new, path, "reports")
    assert path.read_bytes().startswith(old)
    assert tables.read(path, "reports").to_dict("records")[1] == {
        "record_id": "102",
        "study_id": "sample_2021",
        "run": "2020-02",
        "note": None,
    }


OLD_LEDGER = (
    "record_id,run,stage,decision,reason,reviewer,decided_at,note,score,band\n"
    '101,2020-01,title-abstract,include,,EX,2020-01-15,"a note, with\na line",0.50,first\n'
)


def test_a_ledger_of_an_older_version_is_read_with_the_new_columns_empty(tmp_path):
    path = tmp_path / "screening.csv"
    path.write_text(OLD_LEDGER)
    frame = tables.read(path, "screening")
    assert list(frame.columns) == tables.columns("screening")
    [row] = frame.to_dict("records")
    assert (row["role"], row["model"], row["note"]) == (None, None, "a note, with\na line")
    assert math.isnan(row["probability"])


def test_appending_to_a_ledger_of_an_older_version_adds_its_columns_and_loses_no_cell(
    tmp_path, example_frame
):
    path = tmp_path / "screening.csv"
    path.write_text(OLD_LEDGER)
    new = {"record_id": "102", "role": "independent reviewer", "probability": "0.25", "model": "m 1"}
    tables.append(example_frame("screening", new), path, "screening")
    assert path.read_text().startswith(OLD_LEDGER.replace("\n101", ",role,probability,model\n101", 1)[:90])
    assert ',"a note, with\na line",0.50,first,,,\n' in path.read_text()
    old, added = tables.read(path, "screening").to_dict("records")
    assert (old["note"], old["score"], old["role"]) == ("a note, with\na line", 0.5, None)
    assert (added["role"], added["probability"], added["model"]) == ("independent reviewer", 0.25, "m 1")
    widened = path.read_bytes()
    tables.append(example_frame("screening", {"record_id": "103"}), path, "screening")
    assert path.read_bytes().startswith(widened)


def test_a_ledger_that_lacks_only_some_of_the_newer_columns_is_refused(tmp_path):
    path = tmp_path / "screening.csv"
    path.write_text(OLD_LEDGER.replace(",band\n", ",band,probability,model\n").replace(",first", ",first,,"))
    assert refused(path, "screening").startswith(f"{path}: row 1, column role: missing column")


def test_appending_nothing_does_not_touch_the_file(reports, example_frame):
    path = reports(REPORTS.rstrip("\n"))
    tables.append(example_frame("reports"), path, "reports")
    assert path.read_bytes() == REPORTS.rstrip("\n").encode()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"record_id": "101"}, "row 3: duplicate key record_id=101, first in row 2"),
        ({"run": "June"}, "row 3, column run: found 'June'"),
        ({"study_id": None}, "row 3, column study_id: "),
    ],
)
def test_what_breaks_the_schema_is_not_appended_and_the_message_names_the_table(
    example_table, change, message
):
    path = example_table("reports", {})
    old = path.read_bytes()
    row = {"record_id": "102", "study_id": "sample_2021", "run": "2020-02", "note": None} | change
    with pytest.raises(InputError) as caught:
        tables.append(pd.DataFrame([row]), path, "reports")
    assert str(caught.value).startswith(f"{path}: {message}")
    assert path.read_bytes() == old


def test_two_processes_that_append_at_once_both_land(example_table, root):
    path = example_table("reports", {})
    code = (
        "import sys; import pandas as pd; from livingreview import tables\n"
        "first = int(sys.argv[1])\n"
        "for n in range(first, first + 8):\n"
        "    row = {'record_id': str(n), 'study_id': 'sample_2021', 'run': '2020-02', 'note': None}\n"
        "    tables.append(pd.DataFrame([row]), sys.argv[2], 'reports')\n"
    )
    environment = os.environ | {"PYTHONPATH": str(root / "scripts")}
    both = [
        subprocess.Popen([sys.executable, "-c", code, str(first), str(path)], env=environment)
        for first in (200, 300)
    ]
    assert [process.wait() for process in both] == [0, 0]
    ids = sorted(tables.read(path, "reports")["record_id"])
    assert ids == ["101", *(str(n) for n in range(200, 208)), *(str(n) for n in range(300, 308))]


def test_a_writer_that_was_killed_leaves_a_file_that_the_next_start_removes(tmp_path):
    code = (
        "import os, signal; from livingreview import tables\n"
        "os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"tables.write_text('new', {str(tmp_path / 'a.csv')!r})"
    )
    (tmp_path / "a.csv").write_text("old")
    scripts = str(tables.SCHEMAS.parent / "scripts")
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": scripts}, check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "a.csv").read_text() == "old"
    (left,) = tmp_path.glob(".*")
    assert tables.remove_leftovers(tmp_path) == [left]
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_what_a_living_writer_writes_and_what_others_call_partial_is_let_be(tmp_path):
    descriptor, name = tables._temporary(tmp_path / "a.csv")
    (tmp_path / ".pubmed.partial").mkdir()
    (tmp_path / ".pubmed.provenance.partial").touch()
    assert tables.remove_leftovers(tmp_path) == []
    os.close(descriptor)
    assert [str(path) for path in tables.remove_leftovers(tmp_path)] == [name]


def test_a_writer_whose_file_was_taken_for_a_leftover_before_it_was_locked_takes_another(
    tmp_path, monkeypatch
):
    taken = []

    def lock(descriptor, how):
        if not taken:
            taken.extend(path.name for path in tmp_path.iterdir())
            (tmp_path / taken[0]).unlink()
        flock(descriptor, how)

    flock = fcntl.flock
    monkeypatch.setattr(tables.fcntl, "flock", lock)
    tables.write_text("new", tmp_path / "a.csv")
    assert taken
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.parametrize("schema", sorted(path.name.split(".")[0] for path in tables.SCHEMAS.glob("*.json")))
def test_a_row_is_good_or_not_as_the_validator_says_however_often_its_cells_were_seen(schema):
    if "key" not in tables.load_schema(schema):
        return  # no table
    validator = tables._validator(schema)
    is_good = tables._row_check(validator)
    columns = tables.load_schema(schema)["properties"]
    values = [None, "", "2026-01", "include", "101", "-5", 1, 1.0, True, 2.5]
    rows = [dict.fromkeys(columns, value) for value in values]
    rows += [dict.fromkeys(columns) | {column: value} for column in columns for value in values]
    rows += [
        {name: values[(at + shift) % len(values)] for at, name in enumerate(columns)}
        for shift in range(len(values))
    ]
    for row in [*rows, *reversed(rows)]:
        assert is_good(row) == validator.is_valid(row), row
