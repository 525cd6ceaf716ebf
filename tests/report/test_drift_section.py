"""The watch on drift as the section on screening shows it."""

import re

import example_screening as screened
from lxml import html

from livingreview.report import drift, pages


def section(found):
    template = pages.environment().get_template("report/drift.html.j2")
    return html.fragment_fromstring(f"<div>{template.render(screening={'drift': drift.drift(found)})}</div>")


def words(element):
    return re.sub(r"\s+", " ", element.text_content()).strip()


def row(**changed):
    found = {"month": "2026-02", "n": 24, "value": 0.1, "since": "2026-02", "n_together": 24, "together": 0.1}
    found |= {"n_before": 120, "before": 0.25, "reason": None, "flag": False}
    return found | changed


def found(**kinds):
    given = screened.results()["drift"] | {"chances": [], "words": [], "included": [], "warnings": []}
    return given | kinds


def test_a_new_review_has_nothing_to_compare():
    assert "not yet enough records" in words(section(found()))
    assert not section(found()).xpath(".//table")


def test_the_invented_months_are_shown_with_why_they_are_not_compared():
    text = words(section(screened.results()["drift"]))
    assert "July 2026" in text
    assert "not compared: 0 records before, 50 are needed" in text


def test_months_stand_with_what_they_are_set_against():
    tree = section(
        found(
            chances=[row(since="2026-01", together=0.2, distance=0.31, p=0.0004)],
            words=[row(reason="3 records, 20 are needed")],
            included=[row(n_included=2, low=0.01, high=0.27, flag=True)],
        )
    )
    cells = [words(cell) for cell in tree.xpath(".//tbody/tr/td")]
    assert cells == [
        "10%of 24 records; since January 2026 20%, against 25% before, distance 0.31, p\u00a0<\u00a00.001".replace(
            "\u00a0", " "
        ),
        "10%of 24 records; not compared: 3 records, 20 are needed",
        "10% unlike before2 of 24 records; against 25% before",
    ]


def test_that_nothing_stands_out_is_said_and_what_is_not_compared():
    assert (
        words(section(found(included=[row(n_included=2, low=0.01, high=0.27)]))).count("Nothing stands out.")
        == 1
    )
    text = drift.drift(found(included=[row(n_included=2)]))["sentence"]
    assert "Not compared yet: median chance of inclusion and words that no decided record holds." in text


def test_warnings_come_first():
    tree = section(found(included=[row(n_included=2)], warnings=["People included fewer."]))
    assert words(tree.xpath(".//div[@role='note']")[0]) == "Unlike before. People included fewer."
    assert "Nothing stands out" not in words(tree)
