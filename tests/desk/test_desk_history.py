"""The protocol, every decision and every value with its history, and corrections with their reason."""

import re
from urllib.parse import quote

import pytest
import yaml
from desk.conftest import Client

from livingreview import tables
from livingreview.desk.history import protocol
from livingreview.operation.reviews import scaffold
from livingreview.screening import decisions as ledger

LEDGER = "data/decisions/screening.csv"
RECORD = "10965647"
ROW = "baumeister_2021.depression.1"
PAGES = (
    "/history",
    "/history/decisions",
    f"/history/record/{RECORD}",
    f"/history/decision?record={RECORD}&stage=full-text",
    "/history/studies",
    "/history/study/baumeister_2021",
    f"/history/value/outcomes/{ROW}",
    "/history/findings",
    "/history/certainty",
    "/history/releases",
)
TWO = "screening:\n  reviewers: { independent: 2, names: [Ann, Bea] }\n"


def rows(folder, path=LEDGER, schema="screening"):
    return tables.read(folder / path, schema)


def seen(client, page):
    return re.search(r'name="seen" value="([^"]+)"', client.get(page).text)[1]


def append(folder, *cells):
    """Rows of the ledger as another page, or person, would have added them."""
    frame = rows(folder)
    plain = {"run": "2026-11", "decided_at": "2026-11-15", "stage": ledger.TITLE_ABSTRACT}
    new = [dict.fromkeys(frame.columns) | plain | one for one in cells]
    tables.append(tables.pd.DataFrame(new, columns=frame.columns, dtype=object), folder / LEDGER, "screening")


@pytest.fixture
def two(built):
    """A copy of the built review in which Ann and Bea decide independently of each other."""
    built.replace("config.yaml", "screening:\n", TWO)
    return built.folder


def test_the_comments_of_the_bundled_protocol_explain_its_keys():
    text = (scaffold.ROOT / "config.yaml").read_text(encoding="utf-8")
    said = protocol.comments(text)
    assert said["review", "follows"] == (
        "The published review that this one follows; it is context, never data."
    )
    assert said["analysis", "method_ci"].startswith("Hartung-Knapp; adhoc")
    assert said["analysis", "method_pi"].startswith("Prediction interval: metafor (the quantile")
    assert said["screening", "reviewers"].startswith("How many people decide on each record")
    assert said["outcomes", protocol.ANY, "synonyms"].startswith("Other names by which")
    assert said["triggers", "smallest_effect"] == "left out, that of the key certainty"
    assert "snakemake" not in said["review", "license"]


def test_a_key_without_a_comment_of_its_own_has_the_one_of_a_new_review():
    said = protocol.explanations("analysis:\n  # As agreed in March.\n  level: 0.9\n")
    assert said["analysis", "level"] == "As agreed in March."
    assert said["analysis", "method_ci"].startswith("Hartung-Knapp")


def test_every_value_of_the_protocol_is_shown_once_and_what_is_left_out_is_named():
    text = (scaffold.ROOT / "config.yaml").read_text(encoding="utf-8")
    parts = protocol.parts(yaml.safe_load(text), protocol.explanations(text), [])
    keys = [row["key"] for part in parts for block in part["blocks"] for row in block["rows"]]
    assert sorted(keys) == sorted(protocol.flat(yaml.safe_load(text)))
    left_out = {row["key"] for part in parts for row in part["left_out"]}
    assert {"analysis.method_pi", "screening.reviewers", "triggers", "notify"} <= left_out
    assert not left_out & set(keys)


@pytest.fixture(scope="module")
def reader(built_once):
    """A client of the built review itself, for tests that change nothing."""
    return Client(built_once.folder)


def test_a_change_of_methods_asks_for_its_reason_and_keeps_it(client):
    path = client.desk.review / "config.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("method_tau2: REML", "method_tau2: PM"), encoding="utf-8")
    asked = client.get("/history").text
    assert "changed since the last release" in asked
    change = {"key": "analysis.method_tau2", "before": "REML", "after": "PM"}
    assert "Nothing was filed" in client.post("/history/reason", page="/history", **change, reason=" ").text
    done = client.post("/history/reason", page="/history", **change, reason="Better for few trials.")
    assert "is filed" in done.text
    assert "Better for few trials." in done.text
    (row,) = rows(client.desk.review, "data/methods/changes.csv", "methods_changes").to_dict("records")
    assert row == change | {
        "reason": "Better for few trials.",
        "by": "EX",
        "run": "2026-11",
        "decided_at": "2026-11-15T12:00:00Z",
    }
    again = client.post("/history/reason", **change, reason="Another.")
    assert "has its reason already" in again.text
    assert len(rows(client.desk.review, "data/methods/changes.csv", "methods_changes")) == 1


def test_the_list_of_decisions_is_newest_first_and_can_be_narrowed(reader):
    every = rows(reader.desk.review)
    page = reader.get("/history/decisions").text
    assert f"{len(every):,} of {len(every):,} decisions" in page
    first = re.search(r'/history/record/([^"]+)"', page)[1]
    assert first == quote(every["record_id"].iloc[-1], safe=":/")
    chosen = every[(every["decision"] == "include") & (every["stage"] == "full-text")]
    narrowed = reader.get("/history/decisions?decision=include&stage=full-text").text
    assert f"{len(chosen):,} of {len(every):,} decisions" in narrowed
    assert f"1 to {min(100, len(chosen))} here" in narrowed
    titled = reader.get("/history/decisions?words=self-help+headache+VIA").text
    assert "A controlled trial of self-help treatment of recurrent headache" in titled
    assert f"0 of {len(every):,} decisions" in reader.get("/history/decisions?words=zzzz").text


def test_pages_of_the_list_hold_every_decision_once(reader):
    n = len(rows(reader.desk.review))
    pages = [reader.get(f"/history/decisions?page={number}").text for number in range(1, -(-n // 100) + 1)]
    assert sum(page.count('<p class="title">') for page in pages) == n


def test_a_decision_is_corrected_with_a_reason_and_the_old_one_stays(client):
    page = f"/history/decision?record={RECORD}&stage=full-text"
    before = rows(client.desk.review)
    fields = {"record": RECORD, "stage": "full-text", "seen": seen(client, page), "decision": "exclude"}
    refused = client.post("/history/decision", page=page, **fields, reason="not_rct")
    assert refused.status_code == 409
    assert "A correction says why" in refused.text
    assert len(rows(client.desk.review)) == len(before)
    done = client.post(
        "/history/decision", page=page, **fields, reason="not_rct", note="Not random after all."
    )
    assert "The correction is filed" in done.text
    after = rows(client.desk.review)
    assert len(after) == len(before) + 1
    new = after.iloc[-1]
    assert (new["record_id"], new["decision"], new["reason"], new["reviewer"], new["note"]) == (
        RECORD,
        "exclude",
        "not_rct",
        "EX",
        "Not random after all.",
    )
    story = client.get(f"/history/record/{RECORD}").text
    assert story.count("counts now") == 2
    assert story.count("does not count any more") == 1


def test_a_full_text_exclusion_without_a_coded_reason_is_refused_and_what_was_typed_is_kept(reader):
    page = f"/history/decision?record={RECORD}&stage=full-text"
    fields = {"record": RECORD, "stage": "full-text", "seen": seen(reader, page), "decision": "exclude"}
    refused = reader.post("/history/decision", page=page, **fields, note="A note of mine.")
    assert refused.status_code == 409
    assert "An exclusion on full text needs a reason" in refused.text
    assert "A note of mine." in refused.text


def test_who_corrects_later_is_told_what_somebody_else_has_said_meanwhile(client):
    page = f"/history/decision?record={RECORD}&stage=title-abstract"
    token = seen(client, page)
    append(
        client.desk.review, {"record_id": RECORD, "decision": "awaiting", "reviewer": "ZZ", "note": "Look"}
    )
    n = len(rows(client.desk.review))
    told = client.post(
        "/history/decision",
        page=page,
        record=RECORD,
        stage="title-abstract",
        seen=token,
        decision="exclude",
        note="Mine.",
    )
    assert told.status_code == 409
    assert "changed by somebody else" in told.text
    assert "Look" in told.text
    assert "Mine." in told.text
    assert len(rows(client.desk.review)) == n


def test_one_of_two_reviewers_learns_nothing_of_the_other_on_any_page(two):
    waiting = tables.read(two / "results/2026-11/queue.csv", "queue")["record_id"].iloc[0]
    secret = "A note of Bea alone"
    said = {"record_id": waiting, "reviewer": "Bea", "role": ledger.INDEPENDENT}
    append(two, said | {"decision": "exclude", "note": secret})
    ann, bea = Client(two, name="Ann"), Client(two, name="Bea")
    pages = ("/history/decisions", f"/history/record/{waiting}", "/exports/table/decisions.csv")
    for page in pages:
        assert secret not in ann.get(page).text
        assert secret in bea.get(page).text
    assert ann.get(f"/history/decision?record={waiting}&stage=title-abstract").status_code == 404
    append(two, said | {"reviewer": "Ann", "decision": "include"})
    for page in pages:
        assert secret in ann.get(page).text


def test_a_value_is_corrected_with_who_when_and_why(client):
    page = f"/history/value/outcomes/{ROW}"
    token = seen(client, page)
    done = client.post(page, page=page, seen=token, reason="Misread.", **{"cell.mean_1": "9.1"})
    assert "The correction is saved" in done.text
    table = rows(client.desk.review, "data/trials/outcomes.csv", "outcomes")
    new = table[table["row_id"] == ROW].iloc[-1]
    assert (new["mean_1"], new["revision"], new["run"]) == (9.1, 2, "2026-11")
    assert new["revision_reason"] == "Misread. (EX, 2026-11-15)"
    assert "<strong>Mean (treatment)</strong> from <s>9.67</s> to <strong>9.1</strong>" in done.text
    later = client.post(page, page=page, seen=token, reason="Mine.", **{"cell.mean_1": "9.3"})
    assert later.status_code == 409
    assert "changed by somebody else" in later.text
    assert 'value="9.3"' in later.text
    assert "on file: 9.1" in later.text


def test_an_error_of_the_checks_is_shown_and_can_be_cleared_in_the_same_form(client):
    page = f"/history/value/outcomes/{ROW}"
    fields = {"seen": seen(client, page), "reason": "As printed.", "cell.mean_1": "900"}
    refused = client.post(page, page=page, **fields)
    assert refused.status_code == 409
    to_clear = re.findall(r'name="(clear [^"]+)"', refused.text)
    assert to_clear
    done = client.post(page, page=page, **fields, **dict.fromkeys(to_clear, "Their scale has no end."))
    assert "The correction is saved" in done.text
    cleared = rows(client.desk.review, "data/trials/clearances.csv", "clearances")
    assert (cleared["note"] == "Their scale has no end.").sum() == len(to_clear)


def test_a_finding_is_cleared_with_its_reason_and_is_then_not_open(client):
    page = client.get("/history/findings").text
    found = {
        name: re.search(rf'name="{name}" value="([^"]+)"', page)[1] for name in ("row_id", "check", "digest")
    }
    assert "Nothing was saved" in client.post("/history/findings", page="/history/findings", **found).text
    done = client.post("/history/findings", page="/history/findings", **found, note="Looked up: right.")
    assert "the finding is cleared" in done.text
    assert f'value="{found["digest"]}"' not in done.text
    row = rows(client.desk.review, "data/trials/clearances.csv", "clearances").iloc[-1].to_dict()
    assert row == found | {
        "reviewer": "EX",
        "note": "Looked up: right.",
        "run": "2026-11",
        "decided_at": "2026-11-15T12:00:00Z",
    }


def test_a_judgement_of_certainty_is_a_row_and_a_second_one_a_revision(client):
    def asked():
        form = client.get("/history/certainty").text.split('name="outcome" value="anxiety"')[1]
        seen = re.search(r'name="seen" value="(\w+)"', form)[1]
        return {
            "outcome": "anxiety",
            "domain": "indirectness",
            "page": "/history/certainty",
            "seen": seen,
        }

    first = asked()
    client.post("/history/certainty", **first, rating="-1", reason="Few young people.")
    again = client.post("/history/certainty", **first, rating="-1", reason="Few young people.")
    assert "Nothing was changed" in again.text
    late = client.post("/history/certainty", **first, rating="-2", reason="None of them young.")
    assert (late.status_code, "Few young people." in late.text) == (409, True)
    asked = asked()
    client.post("/history/certainty", **asked, rating="0", reason="They are enough.")
    refused = client.post("/history/certainty", **asked, rating="0", reason=" ")
    assert "Nothing was saved" in refused.text
    table = rows(client.desk.review, "data/certainty/ratings.csv", "ratings")
    assert table[["rating", "revision", "by", "k"]].to_numpy().tolist() == [[-1, 1, "EX", 3], [0, 2, "EX", 3]]
    assert "They are enough." in client.get("/history/certainty").text


def test_hostile_text_of_a_record_stays_text(client):
    path = client.desk.review / "results/2026-11/records.csv"
    records = tables.read_results(path)
    hostile = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    records.loc[records["record_id"] == RECORD, ["title", "abstract"]] = hostile
    tables.write(records, path)
    for page in ("/history/decisions?words=script", f"/history/record/{RECORD}", PAGES[3]):
        text = client.get(page).text
        assert "<script>alert" not in text
        assert "<img" not in text
        assert "&lt;script&gt;alert" in text


def test_before_a_month_was_built_the_pages_say_so(client):
    results = client.desk.review / "results"
    results.rename(results.with_name("elsewhere"))
    for page in ("/history", "/history/decisions", "/history/findings", "/history/certainty", "/exports"):
        assert client.get(page).status_code == 200
    assert "was not built yet" in client.get("/history/findings").text
    assert client.get(f"/history/record/{RECORD}").status_code == 200


def test_a_decision_is_found_and_corrected_by_keyboard_alone(open_desk, built):
    page = open_desk(built.folder, path="/history/decisions")
    page.keyboard.press("/")
    page.keyboard.type("controlled trial of self-help treatment of recurrent headache")
    page.keyboard.press("Enter")
    page.focus("ol.rows a")
    page.keyboard.press("Enter")
    page.focus("a[href*='stage=full-text']")
    page.keyboard.press("Enter")
    page.focus("input[value=awaiting]")
    page.keyboard.press("Space")
    page.focus("#note")
    page.keyboard.type("To be read again.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".told")
    new = rows(built.folder).iloc[-1]
    assert (new["record_id"], new["decision"], new["note"]) == (RECORD, "awaiting", "To be read again.")
