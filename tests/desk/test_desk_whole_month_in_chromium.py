"""A month at the desk from the first record to the changed estimate, by keyboard alone."""

import sys
from pathlib import Path

import pytest
from desk import much_to_do
from desk.two_reviewers import FT, TA, ledger

from livingreview import tables

RUN = "2026-11"
PLACE = "https://example.org/trial.pdf"
POOLING = [sys.executable, str(Path(__file__).with_name("pooling_month.py"))]
# Of a choice the first letter, because letters that come slowly would choose anew each.
FACTS = {
    "study.first_author": "EXAMPLE",
    "study.population": "a",
    "study.condition": "f",
    "study.intervention_class": "CBT",
    "study.guided": "y",
    "study.comparator_class": "waitlist",
}
PAIN = {
    "instrument": "NRS",
    "arm_1": "internet CBT",
    "arm_2": "waiting list",
    "way": "M",
    **{"n_1": "40", "n_2": "38", "mean_1": "3.1", "mean_2": "5.1", "sd_1": "2.0", "sd_2": "0.35"},
    **{"source": "EXAMPLE, invented", "page": "7"},
}
WHY = "EXAMPLE: the report says so twice"
SLOW = 180_000  # milliseconds that a build may take where many tests run at once


class Hands:
    """Someone at a desk who has a keyboard and no mouse."""

    def __init__(self, page):
        self.page = page

    def press(self, key, *, until):
        """Press a key, and wait for a text to be seen."""
        self.page.keyboard.press(key)
        self.page.get_by_text(until).first.wait_for()

    def decide(self, key):
        """Press a key that decides, and wait until another record, or none, is shown."""
        before = self.page.input_value("#decide input[name=record]")
        self.page.keyboard.press(key)
        self.page.wait_for_function(
            "before => document.querySelector('#decide input[name=record]')?.value !== before", arg=before
        )

    def go_to(self, what, *, most=400):
        """Press Tab until what a selector finds has the focus."""
        for _ in range(most):
            if self.page.evaluate("what => document.activeElement.matches(what)", what):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not reach {what}")

    def fill(self, name, text):
        """Go to a field and type in the place of what stands there."""
        self.go_to(f"[name='{name}']")
        if self.page.evaluate("document.activeElement.tagName") != "SELECT":
            self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)


def pain(folder):
    """What the last build says of pain: its row of estimates."""
    table = tables.read_results(folder / f"results/{RUN}/estimates.csv")
    return table[table["outcome"] == "pain_intensity"].iloc[0]


@pytest.fixture
def hands(built, open_desk):
    """Hands at the door of a desk whose build goes as far as the pools."""

    def prepare(app):
        app.extensions["month"].command = POOLING

    return Hands(open_desk(built.folder, name=None, prepare=prepare))


def test_a_month_from_the_first_record_to_the_changed_estimate(hands, built):
    folder, page = built.folder, hands.page
    before, begin = pain(folder), len(ledger(folder))

    page.keyboard.type("EX")
    hands.press("Enter", until="Screen 4 records")
    hands.press("Enter", until="Record 1 of 4")
    record = page.input_value("#decide input[name=record]")
    for key in "i111":
        hands.decide(key)

    hands.press("Enter", until="Full text: not sought yet")
    assert page.input_value("#decide input[name=record]") == record
    hands.press("l", until="Save where it is")
    hands.fill("location", PLACE)
    hands.press("Enter", until="retrieved (EX")
    hands.decide("i")

    hands.press("g", until="Judge 3 pairs of records")
    hands.press("Enter", until="Judge the first of 3")
    hands.press("Enter", until="3 to judge")
    hands.press("3", until="2 to judge")
    hands.press("3", until="1 to judge")
    hands.press("2", until="No pair waits for a verdict")

    extract(hands)
    judge(hands)
    said = preview(hands)

    hands.press("g", until="Build November 2026 again")
    hands.press("Enter", until="The run of November 2026")
    page.get_by_text("Start again").wait_for(timeout=SLOW)

    found = ledger(folder).iloc[begin:]
    rows = [(TA, "include", None), *[(TA, "exclude", "not_rct")] * 3, (FT, "include", None)]
    assert list(zip(found["stage"], found["decision"], found["reason"], strict=True)) == rows
    assert set(found["reviewer"]) == {"EX"}
    assert list(found["record_id"].iloc[[0, -1]]) == [record, record]
    assert tables.read(folder / "data/decisions/full_texts.csv", "full_texts")["location"][0] == PLACE
    trials(folder, record)

    after = pain(folder)
    assert (before["n_studies"], after["n_studies"]) == (6, 7)
    assert f"{before['estimate']:.4f}" == "-0.4934"
    assert f"{after['estimate']:.2f}".replace("-", "−") == said
    assert after["estimate"] < before["estimate"]


def extract(hands):
    """Type a trial with a likely mistake in it, say why it is none, and let it enter."""
    page = hands.page
    hands.go_to("nav a[href='/extraction']")
    hands.press("Enter", until="1 included record waits")
    hands.go_to("button[name='record_id']")
    hands.press("Enter", until="What it does to the result")
    for name, text in FACTS.items():
        hands.fill(name, text)
    hands.go_to("#row-1 summary")
    page.keyboard.press("Enter")
    for name, text in PAIN.items():
        hands.fill(f"row.1.{name}", text)
    page.locator("#preview svg").first.wait_for()
    hands.go_to("[id='said-row.1.sd_2'] input")
    page.keyboard.type(WHY)
    page.keyboard.press("Escape")
    hands.press("r", until="has entered with 1 row")


def judge(hands):
    """Judge the trial's risk of bias by the tool of 2011: low in each domain."""
    hands.go_to(".told a[href^='/risk-of-bias']")
    hands.press("Enter", until="The protocol names no tool")
    hands.go_to("a[href$='rob2011']")
    hands.press("Enter", until="Random sequence generation")
    domains = "sequence concealment performance detection attrition reporting other".split()
    for domain in domains:
        hands.go_to(f"[name='judgement.{domain}']")
        hands.page.keyboard.press("Space")
    hands.press("s", until="Saved: 7 entries")


def preview(hands):
    """What the desk says that the estimate will be."""
    page = hands.page
    hands.press("g", until="See what that does to the results")
    hands.go_to("a[href='/effects']")
    hands.press("Enter", until="The results now")
    row = page.get_by_role("row").filter(has_text="Pain intensity")
    assert "Added: EXAMPLE 2026" in row.inner_text()
    return row.get_by_role("cell").nth(1).inner_text().split(" ")[0]


def trials(folder, record):
    """What stands in the trials' tables of the trial that entered."""
    top = folder / "data/trials"
    link = tables.read(top / "reports.csv", "reports").iloc[-1]
    assert link["record_id"] == record
    study = tables.read(top / "studies.csv", "studies").iloc[-1]
    assert (study["first_author"], study["condition"], study["guided"]) == ("EXAMPLE", "fibromyalgia", "yes")
    row = tables.read(top / "outcomes.csv", "outcomes").iloc[-1]
    assert (row["study_id"], row["outcome"], row["mean_1"], row["sd_2"], row["n_2"]) == (
        link["study_id"],
        "pain_intensity",
        3.1,
        0.35,
        38,
    )
    assert tables.read(top / "clearances.csv", "clearances")["note"].iloc[-1] == WHY
    judged = tables.read(top / "risk_of_bias.csv", "risk_of_bias").iloc[-7:]
    assert set(judged["study_id"]) == {link["study_id"]}
    assert set(judged["judgement"]) == {"low"}


def test_fifty_records_take_fifty_key_presses(built, open_desk):
    much_to_do.fill(built)
    hands = Hands(open_desk(built.folder, path="/screening"))
    begin = len(ledger(built.folder))
    for key in "ie1e3" * 10:
        hands.decide(key)
    found = ledger(built.folder).iloc[begin:]
    assert len(found) == found["record_id"].nunique() == 50
    assert list(found["decision"].iloc[:5]) == ["include", "exclude", "exclude", "exclude", "exclude"]
    assert list(found["reason"].iloc[:5]) == [None, None, "not_rct", None, "review"]
