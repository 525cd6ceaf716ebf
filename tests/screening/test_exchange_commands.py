"""The two commands, from the files of a review to the files of a review."""

import datetime
import shutil

import pytest
import yaml

import export_screening
import import_screening
from livingreview import tables
from livingreview.screening.exchange import ticket
from livingreview.search.records import COLUMNS

NOW = datetime.datetime(2020, 2, 15, 11, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))


@pytest.fixture
def review(tmp_path, shipped, write_example):
    """A built review: 101 is decided, 102 and 103 wait."""
    shipped["run"] = "2020-02"
    tables.write_text(yaml.safe_dump(shipped, sort_keys=False), tmp_path / "config.yaml")
    write_example(
        "screening",
        {"decision": "exclude", "reason": "not_rct"},
        path=tmp_path / "data/decisions/screening.csv",
    )
    rows = [
        dict.fromkeys(COLUMNS, "")
        | {"record_id": one, "pmid": one, "title": f"Example {one}", "year": "2020"}
        for one in ("101", "102", "103")
    ]
    tables.write_text(
        "\n".join([",".join(COLUMNS), *(",".join(row.values()) for row in rows)]) + "\n",
        tmp_path / "results/2020-02/records.csv",
    )
    write_example(
        "queue", {"record_id": "103"}, {"record_id": "102"}, path=tmp_path / "results/2020-02/queue.csv"
    )
    return tmp_path


def run_export(review, *more):
    return export_screening.main(["--directory", str(review), *more])


def run_import(review, *more):
    return import_screening.main(["--directory", str(review), *more], now=NOW)


def test_records_and_decisions_are_written_in_the_order_of_the_queue(review, capsys):
    assert run_export(review, "--tool", "zotero") == 0
    out = review / "results/2020-02/exchange/zotero-title-abstract.ris"
    found = ticket.find(out.read_text(encoding="utf-8"))
    assert [one.record_id for one in found] == ["103", "102", "101"]
    assert capsys.readouterr().out == f"{out}: 2 records to decide at title-abstract, 1 with a decision.\n"


def test_parts_formats_and_places_are_chosen_by_option(review, capsys):
    out = review / "mine.csv"
    options = ("--tool", "asreview", "--format", "csv", "--part", "queue", "--out", str(out))
    assert run_export(review, *options) == 0
    assert [one.record_id for one in ticket.find(out.read_text(encoding="utf-8"))] == ["103", "102"]
    told = "Note: ASReview learns from labels beside unlabelled records; here are no labels to learn from."
    assert told in capsys.readouterr().out
    assert run_export(review, "--tool", "rayyan", "--format", "csv", "--part", "decisions") == 0
    assert (review / "results/2020-02/exchange/rayyan-title-abstract-decisions.csv").is_file()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--tool", "zotero", "--format", "csv"],
            "Zotero writes CSV and does not read it; choose the format ris",
        ),
        (
            ["--tool", "rayyan", "--stage", "abstract"],
            "config.yaml: the protocol has no such stage; found 'abstract'",
        ),
        (
            ["--tool", "rayyan", "--run", "2020-05"],
            "there is no such file; hint: build the run 2020-05 first",
        ),
    ],
)
def test_what_cannot_be_exported_is_said(review, capsys, options, message):
    assert run_export(review, *options) == 1
    told = capsys.readouterr().err
    assert message in told
    assert told.endswith("Nothing was exported.\n")
    assert not (review / "results/2020-02/exchange").exists()


def test_decisions_from_another_program_are_filed(review, capsys):
    run_export(review, "--tool", "zotero")
    sent = review / "results/2020-02/exchange/zotero-title-abstract.ris"
    back = review / "back.ris"
    text = sent.read_text(encoding="utf-8").replace(
        "PY  - 2020\n", "PY  - 2020\nKW  - screening:include\n", 1
    )
    back.write_text(text, encoding="utf-8")
    capsys.readouterr()
    ledger_path = review / "data/decisions/screening.csv"
    before = ledger_path.read_bytes()
    assert run_import(review, str(back), "--tool", "zotero", "--reviewer", "AN") == 0
    assert capsys.readouterr().out == (
        "1 decision filed for run 2020-02; of the other labels 1 are as they were exported, 0 are in the ledger,"
        " 0 were taken back since, 0 say maybe and 0 are other people's; 1 records have none.\n"
    )
    assert ledger_path.read_bytes().startswith(before)
    row = tables.read(ledger_path, "screening").iloc[-1]
    assert (row["record_id"], row["decision"], row["reviewer"], row["run"]) == (
        "103",
        "include",
        "AN",
        "2020-02",
    )
    assert row["decided_at"] == "2020-02-15T10:30:00Z"
    assert row["note"].startswith("Zotero: back.ris, sha256 ")
    after = ledger_path.read_bytes()
    assert run_import(review, str(back), "--tool", "zotero", "--reviewer", "AN") == 0
    assert capsys.readouterr().out.startswith(
        "0 decisions filed for run 2020-02; of the other labels 1 are as"
    )
    assert ledger_path.read_bytes() == after
    kept = list((review / "data/decisions/imported").iterdir())
    assert [one.read_bytes() for one in kept] == [back.read_bytes()]


def test_names_are_translated_and_one_person_can_be_chosen(review, capsys):
    path = review / "articles.csv"
    path.write_text(
        "key,title,year,notes\n"
        'rayyan-1,Example 102,2020,"RAYYAN-INCLUSION: {""Anna Example""=>""Included"", ""Ben""=>""Excluded""}"\n',
        encoding="utf-8",
    )
    options = (str(path), "--tool", "rayyan", "--only", "Anna Example", "--as", "Anna Example=AE")
    assert run_import(review, *options) == 0
    assert "1 are other people's" in capsys.readouterr().out
    row = tables.read(review / "data/decisions/screening.csv", "screening").iloc[-1]
    assert (row["record_id"], row["reviewer"]) == ("102", "AE")
    with pytest.raises(SystemExit):
        run_import(review, *options[:-1], "Anna Example")
    assert "'Anna Example' is not of the form NAME=NAME" in capsys.readouterr().err


def test_the_protocols_reviewers_are_the_only_ones(review, capsys):
    config = yaml.safe_load((review / "config.yaml").read_text(encoding="utf-8"))
    config["screening"]["reviewers"] = {"independent": 2, "names": ["AE", "BE"]}
    tables.write_text(yaml.safe_dump(config, sort_keys=False), review / "config.yaml")
    path = review / "export.csv"
    path.write_text("record_id,title,asreview_label\n102,Example 102,1\n", encoding="utf-8")
    assert run_import(review, str(path), "--tool", "asreview", "--reviewer", "AN") == 1
    assert "this is no reviewer of the protocol; found 'AN'; allowed: AE, BE" in capsys.readouterr().err
    assert run_import(review, str(path), "--tool", "asreview", "--reviewer", "AE") == 0
    row = tables.read(review / "data/decisions/screening.csv", "screening").iloc[-1]
    assert (row["reviewer"], row["role"]) == ("AE", "independent reviewer")


def test_a_refused_file_is_named_and_nothing_is_filed(review, capsys):
    before = (review / "data/decisions/screening.csv").read_bytes()
    assert run_import(review, str(review / "none.ris"), "--tool", "zotero") == 1
    told = capsys.readouterr().err
    assert told == f"{review / 'none.ris'}: there is no such file\nNothing was filed.\n"
    shutil.rmtree(review / "results")
    assert run_import(review, str(review / "config.yaml"), "--tool", "zotero") == 1
    assert "build the run 2020-02 first" in capsys.readouterr().err
    assert (review / "data/decisions/screening.csv").read_bytes() == before
