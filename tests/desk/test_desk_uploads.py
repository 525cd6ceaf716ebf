"""Files that nobody means well are refused in bounded time and memory, and have no name and no rights of their own."""

import io
import re

import lxml.html
import pytest
from werkzeug.datastructures import FileStorage

from livingreview import tables
from livingreview.desk.extraction import importing
from livingreview.errors import InputError
from livingreview.screening import full_texts
from livingreview.screening.exchange import reading

MANY = 200_000
NAMES = (
    "../../../etc/x.pdf",
    "a\x00b.pdf",
    "\u202efdp.exe",
    "CON.pdf",
    "x" * 5000 + ".pdf",
    ".hidden",
    "C:\\x\\y.pdf",
)


def sent(data, name):
    return FileStorage(io.BytesIO(data), filename=name)


SHEETS = {
    "many columns": (",".join(f"c{n}" for n in range(MANY)) + "\n", "it has columns that no sheet has"),
    "many commas": ("study_id" + "," * MANY + "\n", "it has columns that no sheet has"),
    "many rows": ("row_id,study_id\n" + "a,b\n" * 1001, "it has 1001 rows; allowed: at most 1000"),
    "one column twice": ("study_id,note,note\na,b,c\n", "a column occurs twice; found 'note'"),
    "an endless cell": ('study_id,note\na,"' + "\n" * MANY, "this is not a CSV file"),
    "nulls": ("\x00" * 1000, "it has columns that no sheet has"),
}


@pytest.mark.parametrize(("text", "told"), SHEETS.values(), ids=SHEETS)
def test_a_table_that_no_person_filled_in_is_refused_as_a_sheet(text, told):
    with pytest.raises(InputError, match=re.escape(told)) as stop:
        importing.read([sent(text.encode(), "outcomes.csv")], None, record_id="1")
    assert len(str(stop.value)) < 1000


@pytest.mark.parametrize(
    "text", [SHEETS["many columns"][0], SHEETS["many commas"][0]], ids=["names", "commas"]
)
def test_a_table_of_many_columns_is_refused_as_another_program_s_decisions(text):
    with pytest.raises(InputError, match=r"asreview_label|occurs twice") as stop:
        reading.read(text.encode(), "export.csv", "asreview")
    assert len(str(stop.value)) < 1000


def test_an_uploaded_pdf_has_a_name_of_the_desk_s_own_and_is_shown_without_rights(client):
    places = lxml.html.fromstring(client.get("/full-texts").data).forms
    forms = [dict(form.form_values()) for form in places if form.action == "/full-text"]
    for number, (name, form) in enumerate(zip(NAMES, forms, strict=False)):
        data = b"%%PDF-1.7 %d <script>alert(1)</script>" % number
        upload = {"pdf": (io.BytesIO(data), name)}
        answer = client.http.post("/full-text", data=form | upload, base_url=client.base)
        assert answer.status_code == 302, name
        shown = client.get(f"/full-text?record={form['record']}")
        assert (shown.data, shown.mimetype) == (data, "application/pdf")
        assert shown.headers["X-Content-Type-Options"] == "nosniff"
        assert shown.headers["Content-Security-Policy"].endswith("; sandbox")
    kept = [path.name for path in (client.desk.review / full_texts.FOLDER).iterdir()]
    assert len(kept) == len(NAMES)
    assert all(re.fullmatch(r"[a-z0-9-]+-[0-9a-f]{8}\.pdf", name) for name in kept)
    rows = tables.read(client.desk.review / full_texts.TABLE, full_texts.SCHEMA)
    assert sorted(rows["location"]) == sorted(f"{full_texts.FOLDER}/{name}" for name in kept)


def test_a_file_that_is_larger_than_the_desk_takes_is_told_before_it_is_sent(client, open_desk, tmp_path):
    (tmp_path / "scan.pdf").write_bytes(b"%PDF-1.7" + b"0" * client.app.config["MAX_CONTENT_LENGTH"])
    page = open_desk(client.desk.review, path="/full-texts")
    page.locator("summary", has_text="Say where it is").first.click()
    field = page.locator("input[type=file]").first
    field.set_input_files(tmp_path / "scan.pdf")
    assert (
        field.evaluate("one => one.validationMessage")
        == "This is larger than the 20 MB that the desk takes at once."
    )
    (tmp_path / "small.pdf").write_bytes(b"%PDF-1.7")
    field.set_input_files(tmp_path / "small.pdf")
    assert field.evaluate("one => one.validationMessage") == ""
