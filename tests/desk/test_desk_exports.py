"""What can be taken away is what the commands write, and decisions come back only after a look."""

import csv
import datetime
import io
import re

import openpyxl
import pandas as pd
import pytest
from desk.conftest import Client

import export_screening
import export_trials
from livingreview import tables
from livingreview.desk.exports import pages
from livingreview.living import bundles
from livingreview.screening import decisions as ledger
from livingreview.screening.exchange import ticket

RUN = "2026-11"
LEDGER = "data/decisions/screening.csv"


@pytest.fixture(scope="module")
def reader(built_once):
    """A client of the built review itself, for tests that change nothing."""
    return Client(built_once.folder)


def test_the_page_says_what_there_is_and_how_much_of_it(reader):
    page = reader.get("/exports").text
    n = len(tables.read(reader.desk.review / LEDGER, "screening"))
    assert f'Decisions <span class="count">{n:,} rows' in page
    for name in ("queue", "decisions", "studies", "outcomes", "effects", "estimates"):
        assert f"/exports/table/{name}.csv" in page
        assert f"/exports/table/{name}.xlsx" in page


@pytest.mark.parametrize(
    ("tool", "form", "part"),
    [("zotero", "ris", "queue"), ("rayyan", "csv", "all"), ("asreview", "ris", "decisions")],
)
def test_an_export_of_records_is_to_the_byte_what_the_command_writes(reader, tmp_path, tool, form, part):
    out = tmp_path / "out"
    options = ["--directory", str(reader.desk.review), "--run", RUN, "--tool", tool, "--format", form]
    assert export_screening.main([*options, "--part", part, "--out", str(out)]) == 0
    asked = f"tool={tool}&form={form}&part={part}&stage=title-abstract"
    answer = reader.get(f"/exports/records/file?{asked}")
    assert answer.data == out.read_bytes()
    part_of_name = "" if part == "all" else f"-{part}"
    assert answer.headers["Content-Disposition"] == (
        f"attachment; filename={tool}-title-abstract{part_of_name}.{form}"
    )
    looked_at = reader.get(f"/exports/records?{asked}").text
    assert f"Download {tool}-title-abstract{part_of_name}.{form}" in looked_at


def test_an_export_that_a_program_cannot_read_is_refused_with_what_to_choose(reader):
    answer = reader.get("/exports/records?tool=zotero&form=csv")
    assert answer.status_code == 409
    assert "Zotero writes CSV and does not read it" in answer.text
    assert reader.get("/exports/records?tool=nobody").status_code == 404
    assert reader.get("/exports/table/nothing.csv").status_code == 404


def test_the_zip_of_trials_holds_what_the_command_writes(reader, tmp_path):
    out = tmp_path / "export"
    assert export_trials.main(["--directory", str(reader.desk.review), "--run", RUN, "--out", str(out)]) == 0
    first, again = (reader.get("/exports/trials.zip").data for _ in range(2))
    assert first == again
    assert bundles.read(io.BytesIO(first)) == {path.name: path.read_bytes() for path in out.iterdir()}


@pytest.mark.parametrize("name", ["effects", "estimates", "queue"])
def test_a_table_of_results_as_csv_is_the_file_of_the_month(reader, name):
    answer = reader.get(f"/exports/table/{name}.csv")
    assert answer.data == (reader.desk.review / "results" / RUN / f"{name}.csv").read_bytes()
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == f"attachment; filename={name}-{RUN}.csv"


def test_a_workbook_holds_the_rows_of_the_csv(reader):
    rows = list(csv.reader(io.StringIO(reader.get("/exports/table/studies.csv").text)))
    book = openpyxl.load_workbook(io.BytesIO(reader.get("/exports/table/studies.xlsx").data))
    cells = [list(row) for row in book["studies"].iter_rows(values_only=True)]
    assert cells[0] == rows[0]
    assert len(cells) == len(rows)
    assert [row[0] for row in cells] == [row[0] for row in rows]
    numbers = rows[0].index("n_randomised")
    assert [row[numbers] for row in cells[1:]] == [
        float(r[numbers]) if r[numbers] else None for r in rows[1:]
    ]


def test_many_records_are_counted_at_once_and_looked_through_when_asked(reader, monkeypatch):
    asked = "/exports/records?tool=asreview&part=queue&stage=full-text"
    whole = reader.get(asked).text
    assert "ASReview learns from labels" in whole
    monkeypatch.setattr(pages, "LOOKED_THROUGH", 0)
    counted = reader.get(asked).text
    counts = re.findall(r"<dd>([\d,]+)</dd>", whole)
    assert counts == re.findall(r"<dd>([\d,]+)</dd>", counted)
    assert counts[0] != "0"
    assert "ASReview learns from labels" not in counted
    (look,) = re.findall(r'href="([^"]+look=yes[^"]*)"', counted)
    assert "ASReview learns from labels" in reader.get(look.replace("&amp;", "&")).text
    assert reader.get("/exports/records?tool=zotero&form=csv").status_code == 409


def test_text_that_a_spreadsheet_would_run_is_made_safe_in_both(client):
    path = client.desk.review / LEDGER
    frame = tables.read(path, "screening")
    row = {"record_id": "10965647", "run": RUN, "stage": "title-abstract", "decision": "awaiting"}
    row |= {"reviewer": "ZZ", "decided_at": "2026-11-15", "note": '=HYPERLINK("http://x")'}
    tables.append(pd.DataFrame([row], columns=frame.columns, dtype=object), path, "screening")
    assert "'=HYPERLINK" in client.get("/exports/table/decisions.csv").text
    book = openpyxl.load_workbook(io.BytesIO(client.get("/exports/table/decisions.xlsx").data))
    last = list(book["decisions"].rows)[-1]
    (cell,) = [cell for cell in last if str(cell.value).startswith("=")]
    assert (cell.data_type, cell.quotePrefix) == ("s", True)


@pytest.fixture
def screened(client):
    """An export for Rayyan in which one waiting record was decided; its bytes and the record's id."""
    text = client.get("/exports/records/file?tool=rayyan&form=csv&part=queue&stage=title-abstract").text
    rows = list(csv.DictReader(io.StringIO(text)))
    rows[0]["notes"] += ' | RAYYAN-INCLUSION: {"Ann"=>"Excluded"} | RAYYAN-EXCLUSION-REASONS: not_rct'
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode(), rows[0]["key"]


def test_decisions_come_back_after_a_look_and_the_file_is_kept_beside_the_ledger(client, screened):
    data, record_id = screened
    before = tables.read(client.desk.review / LEDGER, "screening")
    fields = {"tool": "rayyan", "stage": "title-abstract", "reviewer": "", "only": "", "note": ""}
    page = "/exports/return"
    looked = client.post(page, page=page, **fields, file=(io.BytesIO(data), "../our screening.csv"))
    assert "1 decision is new" in looked.text
    assert record_id in looked.text
    assert len(tables.read(client.desk.review / LEDGER, "screening")) == len(before)
    hidden = dict(re.findall(r'name="(digest|name)" value="([^"]+)"', looked.text))
    done = client.post(page, page=page, **fields, **hidden, file_it="yes")
    assert "1 decision filed from our_screening.csv" in done.text
    new = tables.read(client.desk.review / LEDGER, "screening").iloc[-1]
    assert (new["record_id"], new["decision"], new["reason"], new["reviewer"]) == (
        record_id,
        "exclude",
        "not_rct",
        "Ann",
    )
    (kept,) = (client.desk.review / "data/decisions/imported").iterdir()
    assert kept.read_bytes() == data
    assert kept.name in f"{hidden['digest']}-our_screening.csv"


def test_a_file_that_is_none_or_names_a_place_elsewhere_files_nothing(client):
    page = "/exports/return"
    for fields in (
        {},
        {"digest": "../../../etc", "name": "passwd"},
        {"digest": "0" * 12, "name": "../x.csv"},
    ):
        answer = client.post(page, page=page, tool="rayyan", stage="title-abstract", **fields)
        assert answer.status_code == 409
        assert "No file was sent" in answer.text
    junk = client.post(page, page=page, tool="rayyan", file=(io.BytesIO(b"\x00\x01junk"), "x.csv"))
    assert junk.status_code == 409
    assert "Nothing was filed" in junk.text


def test_one_of_two_reviewers_takes_away_their_own_queue_and_no_open_decision_of_the_other(built):
    built.replace(
        "config.yaml",
        "screening:\n",
        "screening:\n  reviewers: { independent: 2, names: [Ann, Bea] }\n",
    )
    folder = built.folder / "results" / RUN
    queue = tables.read(folder / "queue.csv", "queue")
    own = queue.head(3).assign(reviewer="Ann")
    tables.write(own, folder / "queues/ann.csv")
    row = {"record_id": queue["record_id"].iloc[0], "run": RUN, "stage": "title-abstract"}
    row |= {"reviewer": "Bea", "role": ledger.INDEPENDENT, "decision": "exclude", "note": "of Bea alone"}
    path = built.folder / LEDGER
    frame = tables.read(path, "screening")
    row |= {"decided_at": "2026-11-15"}
    tables.append(pd.DataFrame([row], columns=frame.columns, dtype=object), path, "screening")
    ann = Client(built.folder, name="Ann")
    first = queue.iloc[0]
    said = (
        f"living-review record_id={ticket.encoded(first['record_id'])} stage=title-abstract label=none"
        ' | RAYYAN-INCLUSION: {"Bea"=>"Excluded"}'
    )
    out = io.StringIO()
    csv.writer(out).writerows([["key", "title", "notes"], [first["record_id"], first["title"], said]])
    data = out.getvalue().encode()
    back = ann.post(
        "/exports/return", page="/exports/return", tool="rayyan", file=(io.BytesIO(data), "b.csv")
    )
    assert back.status_code == 409
    assert "this is no reviewer of the protocol" in back.text
    assert "left out until you both have decided" in ann.get("/exports").text
    assert "of Bea alone" not in ann.get("/exports/table/decisions.csv").text
    assert ann.get("/exports/table/queue.csv").data == (folder / "queues/ann.csv").read_bytes()
    asked = "/exports/records/file?tool=rayyan&form=ris&part=all&stage=title-abstract"
    assert "of Bea alone" not in ann.get(asked).text
    assert '"Bea"' not in ann.get(asked).text


def bring(client, data, **fields):
    """The answer to a look at a file of Rayyan."""
    page = "/exports/return"
    fields = {"tool": "rayyan", "stage": "title-abstract", "reviewer": "", "only": "", "note": ""} | fields
    return client.post(page, page=page, **fields, file=(io.BytesIO(data), "later.csv"))


def file_it(client, looked, **fields):
    hidden = dict(re.findall(r'name="(digest|name)" value="([^"]+)"', looked.text))
    page = "/exports/return"
    fields = {"tool": "rayyan", "stage": "title-abstract", "reviewer": "", "only": "", "note": ""} | fields
    return client.post(page, page=page, **fields, **hidden, file_it="yes")


def test_what_was_taken_back_at_the_desk_is_not_brought_back_by_a_later_file(built, screened):
    data, record_id = screened
    ann = Client(built.folder, name="Ann")
    file_it(ann, bring(ann, data))
    row = tables.read(built.folder / LEDGER, "screening").iloc[-1]
    taken = ann.post(
        "/screening/undo",
        page="/screening",
        record=record_id,
        stage="title-abstract",
        filed=f"{row['decision']} {row['decided_at']}",
    )
    assert taken.status_code == 200
    assert tables.read(built.folder / LEDGER, "screening").iloc[-1]["decision"] == "withdrawn"
    later = bring(ann, data + b"\n")
    assert "0 decisions are new" in later.text
    assert "1 taken back since" in later.text
    assert f"Ann took back exclude of {record_id} on " in later.text
    assert "tick below that it replaces what stands" in later.text
    again = bring(ann, data + b"\n", correct="yes", note="read once more")
    assert "1 decision is new" in again.text


def test_what_is_refused_says_what_to_do_at_the_desk(client, screened):
    data, _ = screened
    other_stage = bring(client, data, stage="full-text")
    two = bring(client, data.replace(b'{""Ann""', b'{""Ben""=>""Included"", ""Ann""'))
    for answer in (other_stage, two):
        assert answer.status_code == 409
        assert not re.search(r"[A-Z]{4,}=", re.sub(r"<[^>]+>", "", answer.text))
    assert "choose the stage title-abstract below" in other_stage.text
    # The file need not be sent again.
    hidden = dict(re.findall(r'name="(digest|name)" value="([^"]+)"', other_stage.text))
    page = "/exports/return"
    looked = client.post(page, page=page, tool="rayyan", stage="title-abstract", **hidden)
    assert "1 decision is new" in looked.text
    assert "settle it there, or write below whose decisions are taken" in two.text


def test_files_that_were_only_looked_at_go_after_a_week(built, screened):
    data, _ = screened
    day = datetime.timedelta(days=1)
    moment = datetime.datetime.now(datetime.UTC)
    client = Client(built.folder, clock=lambda: moment)
    bring(client, data)
    kept = built.folder / ".cache/desk/returned"
    assert len(list(kept.iterdir())) == 1
    moment += 6 * day
    bring(client, data + b"\n")
    assert len(list(kept.iterdir())) == 2
    moment += 2 * day
    bring(client, data + b"\n\n")
    assert [path.read_bytes() for path in kept.glob("*/*")] == [data + b"\n\n"]
