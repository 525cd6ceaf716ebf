"""The section on extraction, and risk of bias in the table of studies."""

import example
import pytest
from lxml import html

from livingreview.report import extraction, pages, studies
from livingreview.trials.bias_blinding import WAITS


def section(context):
    page = html.document_fromstring(pages.build(context))
    return page.get_element_by_id("extraction").text_content()


def test_open_findings_come_by_severity_and_cleared_ones_apart():
    context = example.context()
    context["findings"].append(example.finding("two-0", severity="warning"))
    view = extraction.extraction(context)
    assert [row["severity"] for row in view["open"]] == ["error", "warning"]
    assert [(row["row_id"], row["note"], row["cleared_by"]) for row in view["cleared"]] == [
        ("two-1", "as printed", "E. X.")
    ]
    assert [one["n"] for one in view["counts"]] == ["1 error", "1 warning", "0 notes"]


def test_a_finding_says_whether_its_row_is_pooled():
    context = example.context()
    context["findings"] = [example.finding("many-0"), example.finding("none-7")]
    assert [row["pooled"] for row in extraction.extraction(context)["open"]] == ["yes", "no"]


def test_a_correction_is_shown_with_both_values_and_its_reason():
    text = section(example.context())
    assert all(part in text for part in ("many-0", "mean 1", "misread", "November 2026"))


def test_nothing_found_and_nothing_corrected_is_said():
    context = example.context() | {"findings": [], "corrections": []}
    text = section(context)
    assert "No finding is open." in text
    assert "No extracted value has been corrected." in text
    assert "Two extractors" not in text


def test_the_agreement_of_two_extractors_is_shown_by_kind_of_field():
    context = example.context()
    kinds = {"numbers": {"fields": 40, "equal": 36, "within_rounding": 2, "different": 2, "share": 0.95}}
    context["extraction_agreement"] = {"records": 3, "kinds": kinds}
    text = section(context)
    assert "3 records extracted by two people" in text
    assert "95%" in text


def test_hostile_text_in_a_finding_is_text():
    context = example.context()
    context["findings"] = [example.finding("many-0", found="<script>alert(1)</script>", hint="{{ 7 * 7 }}")]
    page = pages.build(context)
    assert "<script>alert(1)" not in page
    assert "49" not in section(context)


@pytest.mark.parametrize(
    ("judged", "level", "here"),
    [
        ([], "none", False),
        ([("overall", "high", "recorded")], "high", False),
        ([("overall", "some concerns", "algorithm"), ("selection", "low", "algorithm")], "some", True),
        ([("overall", "", "incomplete")], "none", False),
        ([("overall", "", WAITS)], WAITS, False),
    ],
)
def test_the_judgement_of_a_tool_goes_before_what_the_table_of_studies_holds(judged, level, here):
    context = example.context()
    study = context["studies"][0]
    study["risk_of_bias"] = None
    context["judged"] = [
        {"study_id": study["study_id"], "outcome": None, "tool": "rob2", "domain": domain} | rest
        for domain, judgement, basis in judged
        for rest in [{"judgement": judgement or None, "basis": basis, "detail": "waits for B. Sample"}]
    ]
    view = studies.studies(context)
    row = next(row for row in view["rows"] if row["id"] == study["study_id"])
    assert (row["risk_level"], view["judged_here"]) == (level, here)
    assert (row["risk"] == WAITS) is (level == WAITS)
    assert (row["risk_told"] == "rob2 waits for B. Sample") is (level == WAITS)
    assert ({"label": WAITS, "n": "1"} in view["risk"]) is (level == WAITS)
    assert row["risk_domains"] == ("selection low" if len(judged) == 2 else "")


def test_registered_trials_are_counted_and_their_numbers_shown():
    page = html.document_fromstring(pages.build(example.context()))
    text = " ".join(page.get_element_by_id("studies").text_content().split())
    assert "A registration number is known of 1 of 8 trials" in text
    assert "Registered: NCT00000001" in text
