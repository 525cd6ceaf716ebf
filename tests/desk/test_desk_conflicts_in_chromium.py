"""Conflicts, pairs and full texts in Chromium, by keyboard."""

import pytest
from desk.two_reviewers import ANN, BO, FT, TA, ask_two, file, ledger, said, waiting

from livingreview import tables

HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>'


@pytest.fixture
def review(built):
    folder = built.folder
    ask_two(folder)
    for record_id in waiting(folder, TA)[:2]:
        file(folder, said(record_id, ANN, "include"), said(record_id, BO, "exclude", note=HOSTILE))
    full = waiting(folder, FT)[0]
    file(folder, said(full, ANN, "include", stage=FT), said(full, BO, "exclude", stage=FT, reason="protocol"))
    return folder


def test_conflicts_are_settled_one_after_the_other_by_keyboard(open_desk, review):
    page = open_desk(review, path="/conflicts", name="Cy Third")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Settle it")
    assert page.title().startswith("Two decisions on one record")
    assert page.locator("section.said p", has_text="<script>").count() == 1  # shown as text
    for key in ("i", "e"):
        page.keyboard.press(key)
        page.keyboard.type("the arms were drawn by lot")  # the cursor went to the note
        page.keyboard.press("Enter")
        page.wait_for_selector("text=Filed:")
    assert "1 left" in page.inner_text(".told")
    # On full text the cursor goes to the reason first.
    page.keyboard.press("e")
    assert page.evaluate("document.activeElement.id") == "reason"
    page.select_option("#reason", "protocol")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "note"
    page.keyboard.type("a protocol")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=No conflict waits.")
    rows = ledger(review)
    rows = rows[rows["role"] == "adjudicator"]
    assert list(rows["decision"]) == ["include", "exclude", "exclude"]
    assert set(rows["reviewer"]) == {"Cy Third"}


def test_pairs_are_judged_by_one_key_each(open_desk, review):
    page = open_desk(review, path="/conflicts/pairs")
    asked = tables.read(review / "results/2026-11/pairs.csv", "pair_queue")
    page.keyboard.press("Enter")
    page.wait_for_selector("table.pair")
    assert page.locator("table.pair mark").count() > 0
    for key in ["2", *["3"] * (len(asked) - 1)]:
        page.keyboard.press(key)
        page.wait_for_selector("text=Filed:")
    filed = tables.read(review / "data/decisions/pairs.csv", "pairs").tail(len(asked))
    assert list(filed["verdict"]) == ["same_study", *["different"] * (len(asked) - 1)]
    assert set(filed["reviewer"]) == {"EX"}
    assert "No pair waits for a verdict." in page.inner_text("main")


def test_a_pdf_is_uploaded_with_the_form_alone(open_desk, review):
    record_id = waiting(review, FT)[1]
    page = open_desk(review, path="/full-texts")
    form = page.locator("article.record", has_text=record_id)
    form.locator("summary").click()
    pdf = {"name": "b.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4\n%%EOF\n"}
    form.locator("input[type=file]").set_input_files(pdf)
    form.locator("button").click()
    page.wait_for_selector("text=saved.")
    assert len(list((review / "full_texts").glob("*.pdf"))) == 1
