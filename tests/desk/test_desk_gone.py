"""A table that another program saved as it was before: the desk says what is gone, and puts it back."""

import re

from livingreview import kept_rows
from livingreview.screening import filing

PAGE = "/screening?stage=title-abstract"


def decided(client):
    """Decide the first record that waits; the ledger as it was before and after."""
    path = client.desk.review / filing.LEDGER
    before = path.read_bytes()
    text = client.get(PAGE).text
    fields = {
        name: re.search(rf'name="{name}" value="([^"]*)"', text)[1] for name in ("record", "stage", "seen")
    }
    client.post("/screening/decide", page=PAGE, decision="include", **fields)
    after = path.read_bytes()
    assert len(after) > len(before)
    return before, after


def test_a_decision_that_an_older_copy_took_away_is_counted_on_the_first_page_and_put_back(client):
    before, after = decided(client)
    assert "Rows are gone" not in client.get("/").text
    path = client.desk.review / filing.LEDGER
    path.write_bytes(before)
    told = client.get("/").text
    assert re.search(r"1 row of <code>data/decisions/screening.csv</code>", told)
    assert "1 row is back in data/decisions/screening.csv." in client.post("/gone/put-back").text
    assert path.read_bytes() == after
    assert "Rows are gone" not in client.get("/").text


def test_a_row_that_was_meant_to_go_is_asked_of_no_more(client):
    before, _ = decided(client)
    path = client.desk.review / filing.LEDGER
    path.write_bytes(before)
    assert "will not be asked of again" in client.post("/gone/let-go").text
    assert path.read_bytes() == before
    assert "Rows are gone" not in client.get("/").text


def test_a_decision_at_the_desk_has_no_table_read_again_and_hides_no_row_that_goes_later(client, monkeypatch):
    path, asked = client.desk.review / filing.LEDGER, []
    assert "Rows are gone" not in client.get("/").text
    missing = kept_rows.missing
    monkeypatch.setattr(kept_rows, "missing", lambda *given: asked.append(given[1]) or missing(*given))
    before, _ = decided(client)
    assert "Rows are gone" not in client.get("/").text
    assert asked == []
    path.write_bytes(before)
    assert "Rows are gone" in client.get("/").text
    decided(client)  # the same record in the same words: what had gone is there again
    assert "Rows are gone" not in client.get("/").text
    assert asked == ["screening", "screening"]
