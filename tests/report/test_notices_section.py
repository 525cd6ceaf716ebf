"""Notices on reports: neutral words on the first screen, and a section with each pool before and after."""

import math

import pytest
from lxml import html
from report import example

from livingreview.report import notices, pages

OUT = "Its numbers have left the analyses; the study is listed as excluded, with its notice."
UNTIL = "Until people have checked the extracted values against it, the study is listed as excluded."


@pytest.fixture
def context():
    return example.context()


def text_of(element):
    return " ".join(element.text_content().split())


@pytest.mark.parametrize(
    ("kind", "effect", "cells", "said"),
    [
        ("retracted", "excluded", {}, f"has been retracted. {OUT}"),
        (
            "retracted",
            "excluded",
            {"notices": "PartialRetractionIn:900"},
            f"has been retracted in part. {UNTIL}",
        ),
        (
            "retracted",
            "excluded",
            {"notices": "RetractedandRepublishedIn:900"},
            f"has been retracted and published again. {UNTIL}",
        ),
        (
            "retracted",
            "flagged",
            {"notices": "PartialRetractionIn:900"},
            "has been retracted in part; people have checked the extracted values against the notice, and the"
            " study stays.",
        ),
        (
            "retracted",
            "flagged",
            {"read": False},
            "has been retracted. People use no data of this report; the study stays.",
        ),
        (
            "expression of concern",
            "flagged",
            {"notices": "ExpressionOfConcernIn:900"},
            "is under an expression of concern. Its numbers stay in the analyses; each pool that holds them has"
            " a sensitivity analysis without them.",
        ),
        (
            "corrected",
            "flagged",
            {"notices": "ErratumIn:900"},
            "has a published erratum; the maintainers have to check the extracted values against it. Each pool"
            " that holds them has a sensitivity analysis without them.",
        ),
        ("retraction notice", "flagged", {}, "is the notice of a retraction, not a trial."),
    ],
)
def test_each_notice_is_told_on_the_first_screen_in_neutral_words(kind, effect, cells, said):
    found = notices.told(example.notice("5", kind, effect, **cells))
    assert found["text"] == said
    assert found["lead"] == ("Excluded report." if effect == "excluded" else "Included report.")


def test_the_first_screen_and_the_section_name_the_report_and_its_notice(context):
    context["status"]["notices_on_included"] = [
        example.notice("5", "retracted", "excluded"),
        example.notice(
            "other:5", "retracted", "excluded", notices="Recorded:letter of the editor", label=None
        ),
        example.notice("6", "corrected", "flagged", notices="ErratumIn:901; ErratumIn:Ex J 2020"),
    ]
    tree = html.document_fromstring(pages.build(context))
    (box,) = tree.xpath("//header//*[@aria-label='Notices on included reports']")
    assert text_of(box[0]) == f"Excluded report. Example 5 has been retracted. {OUT} Notice of retraction 900"
    assert [one.get("href") for one in box.iter("a")] == [
        "https://pubmed.ncbi.nlm.nih.gov/5/",
        "https://pubmed.ncbi.nlm.nih.gov/900/",
        "https://pubmed.ncbi.nlm.nih.gov/6/",
        "https://pubmed.ncbi.nlm.nih.gov/901/",
    ]
    section = tree.get_element_by_id("notices")
    rows = [[text_of(cell) for cell in row] for row in section.xpath(".//tbody/tr")]
    assert [row[0] for row in rows] == ["Example 2019", "not extracted yet", "Example 2019"]
    assert [row[3] for row in rows] == [
        "notice of retraction 900",
        "recorded by the reviewers: letter of the editor",
        "erratum 901, erratum: Ex J 2020",
    ]
    assert {row[4] for row in rows} == {"October 2026"}


def test_a_pool_that_lost_a_trial_is_shown_before_and_after(context):
    found = context["estimates"]["outcomes"]["two"]
    before = found["main"] | {"estimate": found["main"]["estimate"] - 0.1, "k": found["main"]["k"] + 1}
    row = before | {"analysis": "with_retracted", "note": "with Example 2019", "reason": ""}
    found["sensitivity_table"] = [row]
    (pool,) = notices.notices(context)["pools"]
    assert (pool["trials"], pool["difference"]) == ("Example 2019", "+0.10")
    assert int(pool["before"]["k"]) == int(pool["after"]["k"]) + 1


def test_a_pool_that_is_empty_since_a_retraction_has_no_difference(context):
    found = context["estimates"]["outcomes"]["two"]
    row = dict(found["main"]) | {"analysis": "with_retracted", "note": "with Example 2019", "reason": ""}
    found["sensitivity_table"] = [row]
    found["main"] = found["main"] | {"k": 0, "estimate": math.nan}
    (pool,) = notices.notices(context)["pools"]
    assert (pool["after"]["estimate"], pool["difference"]) == ("no estimate", "–")


def test_without_notices_there_is_neither_box_nor_section(context):
    tree = html.document_fromstring(pages.build(context))
    assert tree.xpath("//header//*[@aria-label='Notices on included reports']") == []
    assert tree.xpath("//*[@id='notices']") == []


def test_a_study_that_stays_has_an_editorial_note_in_the_table_of_studies(context):
    study = context["studies"][0]["study_id"]
    context["status"]["notices_on_included"] = [
        example.notice("5", "corrected", "flagged", study_id=study, notices="ErratumIn:901"),
        example.notice("6", "expression of concern", "flagged", study_id=study),
    ]
    tree = html.document_fromstring(pages.build(context))
    said = text_of(tree.get_element_by_id(f"study-{study}"))
    assert "Editorial note: expression of concern and erratum published" in said
    assert text_of(tree.get_element_by_id("studies")).count("Editorial note") == 1
