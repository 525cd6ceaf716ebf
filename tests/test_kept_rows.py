"""Rows that vanish from people's tables are noticed, named without what was decided, and put back in place."""

import json

import pandas as pd
import pytest

import restore_rows
from livingreview import kept_rows, tables
from livingreview.errors import InputError

LEDGER = "data/decisions/screening.csv"
HEADER = ",".join(tables.columns("screening")) + "\n"


def line(record, decision="include", at="2026-11-15T12:00:00Z", note=""):
    return f"{record},2026-11,title-abstract,{decision},,EX,,{at},{note},,,,\n"


def fill(review, *lines):
    """The ledger with these lines; its bytes."""
    path = review / LEDGER
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEADER + "".join(lines), encoding="utf-8")
    return path.read_bytes()


def see(review):
    kept_rows.see(review / kept_rows.FOLDER, "screening", review / LEDGER)


def missing(review):
    rows = kept_rows.missing(review / kept_rows.FOLDER, "screening", review / LEDGER)
    return [row["record_id"] for row in rows]


def test_a_run_stops_over_rows_that_an_older_copy_took_away_and_names_them_without_what_was_decided(tmp_path):
    fill(tmp_path, line("101"), line("102", "exclude"), line("103"))
    see(tmp_path)
    kept_rows.refuse_missing(tmp_path)
    fill(tmp_path, line("101"), line("104"))
    with pytest.raises(InputError) as stop:
        kept_rows.refuse_missing(tmp_path)
    said = str(stop.value)
    assert f"{LEDGER}: 2 rows that were there before are gone" in said
    assert "102/2026-11/title-abstract/EX/2026-11-15T12:00:00Z, 103/2026-11" in said
    assert "make rows PUT_BACK=yes" in said
    assert "exclude" not in said


def test_rows_come_back_into_their_places_so_that_a_later_decision_stays_the_later_one(tmp_path):
    before = [line("101"), line("102", note='"a, b"'), line("103", "exclude")]
    fill(tmp_path, *before)
    see(tmp_path)
    later = line("102", "exclude", "2026-11-16T08:00:00Z")
    fill(tmp_path, before[0], later)
    assert kept_rows.put_back(tmp_path, LEDGER) == 2
    assert (tmp_path / LEDGER).read_text(encoding="utf-8") == HEADER + "".join([*before, later])
    assert kept_rows.put_back(tmp_path, LEDGER) == 0
    fill(tmp_path, later)
    assert kept_rows.put_back(tmp_path, LEDGER) == 3
    assert (tmp_path / LEDGER).read_text(encoding="utf-8") == HEADER + "".join([*before, later])


def test_a_note_may_be_mended_by_hand_and_another_decision_under_the_same_moment_is_told(tmp_path):
    fill(tmp_path, line("101", note="tpyo"))
    see(tmp_path)
    fill(tmp_path, line("101", note="typo"))
    assert missing(tmp_path) == []
    fill(tmp_path, line("101", "exclude"))
    assert missing(tmp_path) == ["101"]


def test_a_table_saved_by_a_spreadsheet_program_in_another_order_of_columns_holds_its_rows(tmp_path):
    fill(tmp_path, line("101"), line("102", note="=1+1"))
    see(tmp_path)
    frame = tables.read(tmp_path / LEDGER, "screening")
    text = tables.to_csv(frame[frame.columns[::-1]]).replace("\n", "\r\n")
    (tmp_path / LEDGER).write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert missing(tmp_path) == []


def test_rows_that_were_meant_to_go_are_asked_of_no_more(tmp_path, capsys):
    fill(tmp_path, line("101"), line("102"))
    see(tmp_path)
    fill(tmp_path, line("101"))
    command = ["--directory", str(tmp_path)]
    assert restore_rows.main(command) == 1
    assert "1 row that was there before is gone: 102/2026-11" in capsys.readouterr().out
    assert restore_rows.main([*command, "--let-go"]) == 0
    assert restore_rows.main(command) == 0
    assert "No row is missing" in capsys.readouterr().out
    fill(tmp_path, line("101"))
    assert restore_rows.main([*command, "--put-back"]) == 0
    assert missing(tmp_path) == []


def test_rows_are_put_back_by_the_command(tmp_path, capsys):
    before = fill(tmp_path, line("101"), line("102"))
    see(tmp_path)
    fill(tmp_path, line("101"))
    assert restore_rows.main(["--directory", str(tmp_path), "--put-back"]) == 0
    assert f"{LEDGER}: 1 row was put back." in capsys.readouterr().out
    assert (tmp_path / LEDGER).read_bytes() == before


def test_a_table_that_cannot_be_read_is_left_as_it_is(tmp_path, capsys):
    fill(tmp_path, line("101"), line("102"))
    see(tmp_path)
    before = fill(tmp_path, line("101").replace("\n", ",one cell too many\n"))
    assert restore_rows.main(["--directory", str(tmp_path), "--put-back"]) == 1
    assert "cells where the header has" in capsys.readouterr().err
    assert (tmp_path / LEDGER).read_bytes() == before
    (tmp_path / LEDGER).write_bytes(b"\x00nonsense")
    assert missing(tmp_path) == []


@pytest.mark.parametrize("harm", ["cut", "changed", "gone", "a folder", "not text"])
def test_what_is_kept_may_be_harmed_and_alarms_nobody(tmp_path, harm):
    fill(tmp_path, line("101"), line("102"))
    see(tmp_path)
    kept = tmp_path / kept_rows.FOLDER / "screening.jsonl"
    data = kept.read_bytes()
    if harm == "cut":
        kept.write_bytes(data[:-20])
    elif harm == "changed":
        kept.write_bytes(data.replace(b'"102"', b'"999"'))
    elif harm == "not text":
        kept.write_bytes(b"\xff\xfe\x00" * 50)
    else:
        kept.unlink()
        if harm == "a folder":
            kept.mkdir()
    assert missing(tmp_path) == []
    see(tmp_path)  # what is not whole is kept anew
    fill(tmp_path)
    assert missing(tmp_path) == ([] if harm == "a folder" else ["101", "102"])


def test_a_row_is_kept_as_it_is_filed_and_a_line_that_a_kill_cut_is_not_joined_to_the_next(tmp_path):
    fill(tmp_path, line("101"))
    see(tmp_path)
    kept = tmp_path / kept_rows.FOLDER / "screening.jsonl"
    with kept.open("a", encoding="utf-8") as file:
        file.write('0123456789abcdef {"record_id": "1')
    new = {"record_id": "102", "run": "2026-11", "stage": "full-text", "decision": "include", "note": "=1+1"}
    frame = pd.DataFrame([new | {"reviewer": "EX", "decided_at": "2026-11-15"}])
    kept_rows.append(frame, tmp_path / LEDGER, "screening")
    assert missing(tmp_path) == []
    fill(tmp_path)
    assert missing(tmp_path) == ["101", "102"]
    assert json.loads(kept.read_text().splitlines()[-1][17:])["note"] == "=1+1"


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path, caplog):
    fill(tmp_path, line("101"))
    (tmp_path / ".cache").write_text("no folder")
    see(tmp_path)
    assert "cannot be kept" in caplog.text
    kept_rows.refuse_missing(tmp_path)


def test_of_each_table_that_people_own_rows_are_known_by_columns_that_it_has():
    for path, schema in kept_rows.TABLES.items():
        assert set(kept_rows.KNOWN_BY[schema]) <= set(tables.columns(schema)), path
        assert set(tables.load_schema(schema).get("key", [])) <= set(kept_rows.KNOWN_BY[schema]), path
