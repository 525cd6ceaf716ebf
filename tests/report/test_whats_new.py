"""The section on what is new, and what a paused or retired review says first."""

import pytest
from lxml import html
from report import example

from livingreview.report import pages, whats_new


@pytest.fixture
def context():
    return example.context()


def text_of(element):
    return " ".join(element.text_content().split())


def test_the_section_holds_the_statement_every_run_and_the_lags(context):
    section = html.document_fromstring(pages.build(context)).get_element_by_id("whats-new")
    said = text_of(section)
    assert "PubMed was searched on 1 November 2026; no new record was found." in said
    rows = section.xpath(".//div[@aria-label='Every run']//tbody/tr")
    assert [text_of(row[0]) for row in rows] == [
        "November 2026",
        "October 2026 release 26.10.0 (20 October 2026)",
    ]
    assert text_of(rows[0][-1]) == "3 oldest 15 months"
    lags = section.xpath(".//div[@aria-label='Time between stages']//tbody/tr")
    assert [text_of(cell) for cell in lags[0]] == [
        *(
            "Entry into PubMed to found by the search",
            "2",
            "1.5",
            "0.5 to 2.5",
            "1 by day, 1 by month",
            "3",
            "0",
        )
    ]
    assert [text_of(cell) for cell in lags[1]][1:4] == ["0", "–", "–"]
    assert "1 of 2 dates of entry (50%) are not printed by PubMed" in said


def test_before_a_later_search_finds_anything_no_table_of_zeros_tells_how_long_records_take(context):
    context["status"]["lags"]["n_records"] = 0
    section = html.document_fromstring(pages.build(context)).get_element_by_id("whats-new")
    assert "there is nothing to measure yet; the 33 records of the first search" in text_of(section)
    assert section.xpath(".//div[@aria-label='Time between stages']") == []


def test_what_the_protocol_does_not_state_is_said_so(context):
    rows = {row["name"]: row["value"] for row in whats_new.whats_new(context)["parameters"]}
    assert rows == {"Living mode": "active", "Why the review is living": "not stated in the protocol"}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("search_every_months", 1, "every month"),
        ("search_every_months", 3, "every 3 months"),
        ("publish", "triggered", "when a trigger fires"),
        ("publish", {"every_months": 6}, "every 6 months"),
        (
            "retire_when",
            {"no_trigger_for_runs": 12, "certainty_at_least": "high"},
            "12 runs without a trigger, and the certainty of every outcome is high or more",
        ),
        (
            "updating_status",
            {"question": "current", "status": "up to date", "reason": "few trials"},
            "current question, up to date: few trials",
        ),
    ],
)
def test_parameters_are_told_in_words(context, name, value, words):
    context["status"]["living_parameters"] = [{"name": name, "value": value}]
    assert whats_new.whats_new(context)["parameters"][0]["value"] == words


def test_a_rule_that_is_assumed_says_so(context):
    publish = {"rule": "triggered", "stated": False, "asked": False, "why": "no trigger fired"}
    context["status"]["mode"] = example.mode(publish=publish)
    assert whats_new.whats_new(context)["rules"] == [
        "No new version is due: no trigger fired. The protocol states no rule; publishing when a trigger fires is"
        " assumed.",
        "Nothing asks to retire the review: the protocol has no rule for it.",
    ]


@pytest.mark.parametrize(
    ("mode", "said"),
    [("paused", "has been paused"), ("retired", "has been retired from living mode")],
)
def test_a_review_that_is_not_active_says_so_first(context, mode, said):
    context["status"]["mode"] = example.mode(mode, since="2026-09", reason="<b>none</b>")
    header = html.document_fromstring(pages.build(context)).xpath("//header")[0]
    (box,) = header.xpath(".//*[@aria-label='Living mode']")
    assert text_of(box).startswith(
        f"Living mode. This review {said} since September 2026. Reason: <b>none</b>."
    )


def test_an_active_review_has_no_such_box(context):
    header = html.document_fromstring(pages.build(context)).xpath("//header")[0]
    assert header.xpath(".//*[@aria-label='Living mode']") == []
