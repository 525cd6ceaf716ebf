"""Where the full text of a record is: noted, uploaded, opened, and nothing else of the computer shown."""

import html
import io
import re

import pandas as pd
import pytest
from desk.conftest import Client
from desk.two_reviewers import FT, waiting

from livingreview import tables
from livingreview.errors import InputError
from livingreview.screening import full_texts

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n"


def nothing():
    """The table before anybody has written into it."""
    return pd.DataFrame(columns=tables.columns(full_texts.SCHEMA), dtype=object)


def shown(answer):
    """The text of a page, as a person reads it."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def seen_of(client, record_id):
    """The token of a record's form, in the list of the state in which it is."""
    for state in ("not sought", "sought", "retrieved", "not retrieved"):
        text = client.get("/full-texts", query_string={"state": state}).text
        form = re.search(
            rf'name="record" value="{re.escape(record_id)}">\s*<input[^>]*name="seen" value="(\w+)"', text
        )
        if form:
            return form[1]
    raise AssertionError(f"{record_id} is in no list")


def save(client, record_id, **fields):
    fields = {"record": record_id, "seen": seen_of(client, record_id), "then": "/full-texts", **fields}
    return client.post("/full-text", page="/full-texts", **fields)


def noted(client):
    return tables.read(client.desk.review / full_texts.TABLE, "full_texts")


def test_a_link_is_kept_with_who_noted_it_and_opened_without_telling_from_where(client):
    record_id = waiting(client.desk.review, FT)[0]
    answer = save(client, record_id, location="https://example.org/a.pdf?x=1&y=2", note="open access")
    assert f"Full text of {record_id}: saved." in shown(answer)
    row = noted(client).iloc[-1]
    assert list(row) == [
        record_id,
        "retrieved",
        "https://example.org/a.pdf?x=1&y=2",
        "EX",
        "2026-11-15T12:00:00Z",
        "open access",
    ]
    page = client.get("/full-texts?state=retrieved").text
    assert (
        '<a href="https://example.org/a.pdf?x=1&amp;y=2" rel="noreferrer noopener" target="_blank">' in page
    )


def test_what_is_sought_is_told_apart_and_a_later_note_wins(client):
    one, other = waiting(client.desk.review, FT)[:2]
    save(client, one, retrieval="sought", note="author asked on 3 November")
    save(client, other, retrieval="sought", note="ordered")
    save(client, other, location="https://example.org/b")
    page = shown(client.get("/full-texts?state=sought"))
    assert re.search(r"Sought 1 Retrieved 1", page)
    assert "author asked on 3 November" in page
    assert len(noted(client)) == 3
    assert "nothing was changed" in shown(
        save(client, one, retrieval="sought", note="author asked on 3 November")
    )
    assert len(noted(client)) == 3


def test_a_report_that_was_given_up_is_listed_as_not_retrieved(client):
    review = client.desk.review
    record_id = waiting(review, FT)[0]
    row = (
        tables.read(review / "data/decisions/screening.csv", "screening")
        .iloc[:1]
        .assign(
            record_id=record_id,
            run="2026-11",
            stage=FT,
            decision="exclude",
            reason="not_retrieved",
            note="gone",
        )
    )
    tables.append(row, review / "data/decisions/screening.csv", "screening")
    page = shown(client.get("/full-texts?state=not+retrieved"))
    assert re.search(rf"Not retrieved 1 .*{re.escape(record_id)} Full text: not retrieved, given up", page)


@pytest.mark.parametrize(
    "location",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "data:text/html,x",
        "ftp://example.org/a.pdf",
        "https://",
        "https://user:secret@example.org/a.pdf",
        "https://example.org/a b.pdf",
        'https://example.org/"><script>',
        "/etc/passwd",
        "../elsewhere/a.pdf",
        "full_texts/../../a.pdf",
        "~/a.pdf",
        ".cache/desk/session.key",
        "full_texts/.hidden.pdf",
        "config.yaml",
        "full_texts\\a.pdf",
    ],
)
def test_other_locations_are_refused(location):
    rows = nothing()
    cells = {"record_id": "1", "retrieval": "retrieved", "by": "EX", "at": "2026-11-15", "note": None}
    with pytest.raises(InputError) as refusal:
        full_texts.added(rows, location=location, **cells)
    assert "allowed: a link with https:// or http://, or a path such as full_texts/12345678.pdf" in str(
        refusal.value
    )
    assert full_texts.fault(location)


def test_a_text_that_is_held_is_somewhere():
    cells = {"record_id": "1", "retrieval": "retrieved", "by": "EX", "at": "2026-11-15", "location": None}
    with pytest.raises(InputError, match="say in the note where it is kept"):
        full_texts.added(nothing(), note=None, **cells)
    assert len(full_texts.added(nothing(), note="on paper, in the office", **cells)) == 1


def test_a_pdf_is_taken_into_the_review_s_folder_and_opened_from_there(client):
    review = client.desk.review
    record_id = waiting(review, FT)[0]
    save(client, record_id, pdf=(io.BytesIO(PDF), "../../anything.html"))
    location = noted(client).iloc[-1]["location"]
    assert re.fullmatch(r"full_texts/[a-z0-9-]+-[0-9a-f]{8}\.pdf", location)
    assert (review / location).read_bytes() == PDF
    answer = client.get(f"/full-text?record={record_id}")
    assert (answer.status_code, answer.data, answer.mimetype) == (200, PDF, "application/pdf")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert policy.endswith("sandbox")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    # Another one of the same record takes a place of its own.
    save(client, record_id, pdf=(io.BytesIO(PDF + b"%"), "a.pdf"))
    assert len(list((review / "full_texts").glob("*.pdf"))) == 2


def test_what_is_no_pdf_is_neither_taken_in_nor_shown(client):
    review = client.desk.review
    record_id = waiting(review, FT)[0]
    answer = save(client, record_id, pdf=(io.BytesIO(b"<html><script>alert(1)</script>"), "a.pdf"))
    assert "the file is not a PDF" in shown(answer)
    assert not (review / "full_texts").exists()
    (review / "full_texts").mkdir()
    (review / "full_texts/a.pdf").write_text("<html><script>alert(1)</script>", encoding="utf-8")
    save(client, record_id, location="full_texts/a.pdf")
    assert client.get(f"/full-text?record={record_id}").status_code == 404
    assert "not on this computer, or not a PDF" in shown(client.get("/full-texts?state=retrieved"))


def test_a_link_in_the_folder_leads_nowhere_outside(client, tmp_path):
    review = client.desk.review
    record_id = waiting(review, FT)[0]
    (tmp_path / "private.pdf").write_bytes(PDF)
    (review / "full_texts").mkdir()
    (review / "full_texts/a.pdf").symlink_to(tmp_path / "private.pdf")
    row = f"{record_id},retrieved,full_texts/a.pdf,EX,2026-11-15,\n"
    (review / full_texts.TABLE).write_text(
        f"record_id,retrieval,location,by,at,note\n{row}", encoding="utf-8"
    )
    answer = client.get(f"/full-text?record={record_id}")
    assert answer.status_code == 409
    assert PDF not in answer.data
    assert "not on this computer" in shown(client.get("/full-texts?state=retrieved"))


def test_a_table_that_names_something_else_is_refused_with_its_row(client):
    path = client.desk.review / full_texts.TABLE
    row = "1,retrieved,javascript:alert(1),EX,2026-11-15,\n"
    path.write_text(f"record_id,retrieval,location,by,at,note\n{row}", encoding="utf-8")
    page = shown(client.get("/full-texts"))
    assert "full_texts.csv: row 2, column location: found 'javascript:alert(1)'" in page


def test_who_saves_second_is_told(client):
    record_id = waiting(client.desk.review, FT)[0]
    seen = seen_of(client, record_id)
    save(client, record_id, location="https://example.org/first")
    answer = save(
        Client(client.desk.review, name="FY"), record_id, seen=seen, location="https://example.org/2"
    )
    assert answer.status_code == 409
    assert "changed by somebody else" in shown(answer)
    assert list(noted(client)["location"]) == ["https://example.org/first"]


def test_an_unknown_record_has_no_full_text(client):
    assert client.get("/full-text?record=../../etc/passwd").status_code == 404
    assert client.post("/full-text", record="nothing", location="https://example.org/").status_code == 404


def test_a_review_of_before_gets_the_table_with_the_first_note(client):
    review = client.desk.review
    (review / full_texts.TABLE).unlink()
    record_id = waiting(review, FT)[0]
    save(client, record_id, location="https://example.org/a")
    assert list(noted(client)["record_id"]) == [record_id]


def test_what_was_noted_of_a_duplicate_is_of_the_record_that_is_kept(client):
    review = client.desk.review
    one, other = waiting(review, FT)[:2]
    path = review / "results/2026-11/records.csv"
    records = tables.read_results(path)
    records.loc[records["record_id"] == other, "duplicate_of"] = one
    tables.write(records, path)
    row = (
        f"{other},retrieved,https://example.org/of-the-other,EX,2026-11-15,\nother:9,sought,,EX,2026-11-15,\n"
    )
    (review / full_texts.TABLE).write_text(
        f"record_id,retrieval,location,by,at,note\n{row}", encoding="utf-8"
    )
    page = shown(client.get("/full-texts?state=retrieved"))
    assert re.search(rf"{re.escape(one)}.* https://example.org/of-the-other", page)
    assert "No search or import has found other:9" in page
    save(client, one, location="https://example.org/new")
    assert list(noted(client)["record_id"]) == [other, "other:9", one]
