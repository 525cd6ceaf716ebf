"""The summary of findings: words, symbols, numbers, footnotes."""

import copy
import re

import example
import pytest
from lxml import html

from livingreview.report import findings, pages

RULES = example.CONFIG["interpretation"]


def view(context=None):
    return findings.findings(context or example.context())


def section(context):
    template = pages.environment().get_template("report/findings.html.j2")
    return html.fragment_fromstring(template.render(findings=view(context)))


def words(element):
    return re.sub(r"\s+", " ", element.text_content()).strip()


def outcome(certainty="high", estimate=-0.3, undecided=(), *, half_width=0.1, n_studies=5):
    row = {"label": "Pain", "certainty": certainty, "estimate": estimate, "undecided": list(undecided)}
    limits = {"ci_low": estimate - half_width, "ci_high": estimate + half_width} if estimate else {}
    return row | limits | {"n_studies": n_studies}


@pytest.mark.parametrize(
    ("level", "symbols"),
    [("high", "⊕⊕⊕⊕"), ("moderate", "⊕⊕⊕◯"), ("low", "⊕⊕◯◯"), ("very low", "⊕◯◯◯"), (None, "")],
)
def test_each_level_has_its_four_signs(level, symbols):
    assert findings.symbols(level) == symbols


@pytest.mark.parametrize(
    ("level", "estimate", "said"),
    [
        ("high", -0.3, "Example treatment does a little better than control on pain."),
        ("moderate", -0.6, "Example treatment probably does moderately better than control on pain."),
        ("low", -0.9, "Example treatment may do a lot better than control on pain."),
        ("low", 0.3, "Example treatment may do a little worse than control on pain."),
        ("high", -0.05, "Example treatment makes little or no difference to pain."),
        ("moderate", 0.05, "Example treatment probably makes little or no difference to pain."),
        ("low", -0.05, "Example treatment may make little or no difference to pain."),
        ("very low", -0.9, "The evidence is very uncertain about the effect of example treatment on pain."),
        (None, None, "No trial has numbers on pain that can be pooled, so the effect is not known."),
    ],
)
def test_a_sentence_follows_certainty_and_size(level, estimate, said):
    assert findings.sentences(outcome(level, estimate), rules=RULES) == [said]


@pytest.mark.parametrize("unsure", [{"half_width": 0.4}, {"n_studies": 2}])
def test_few_trials_or_an_interval_with_zero_allow_no_more_than_may(unsure):
    said = findings.sentences(outcome("high", -0.3, **unsure), rules=RULES)
    assert said == ["Example treatment may do a little better than control on pain."]


def test_what_nobody_judged_is_said_beside_the_sentence():
    said = findings.sentences(outcome(undecided=["risk_of_bias", "indirectness"]), rules=RULES)
    assert said[1] == (
        "It may be less certain than that: risk of bias and indirectness have not been judged."
    )


def test_outcomes_stand_in_the_order_of_the_protocol():
    assert [row["name"] for row in view()["rows"]] == list(example.CONFIG["outcomes"])


def test_symbols_have_a_text_and_reasons_a_place_to_lead_to():
    tree = section(example.context())
    for cell in tree.xpath(".//td[contains(@class, 'grade')]"):
        shown = cell.xpath(".//span[@class='symbols']")
        assert all(one.get("aria-hidden") == "true" for one in shown)
        assert re.search("high|moderate|low|no evidence", words(cell), re.IGNORECASE)
    ids = set(tree.xpath(".//@id"))
    assert set(tree.xpath(".//a[@class='note']/@href")) <= {f"#{one}" for one in ids}


def test_a_suggestion_with_open_domains_is_at_most_what_it_says():
    context = example.context()
    one = context["certainty"]["outcomes"]["two"]
    one |= {"certainty": "low", "undecided": ["indirectness"], "basis": "suggestion"}
    row = next(row for row in view(context)["rows"] if row["name"] == "two")
    assert row["certainty"] == "At most low"
    one["undecided"] = []
    assert next(row for row in view(context)["rows"] if row["name"] == "two")["certainty"] == "Low"


def test_people_s_judgement_stands_beside_the_suggestion_with_its_age():
    tree = section(example.context())
    text = words(tree)
    assert "indirectness: lowered by one level (by E. X.)" in text
    assert "Rated before Example 2015 was added." in text
    assert "Judged on older data: Many trials." in text
    assert "the data’s suggestion for the others, on older data" in text
    assert "Only the data’s suggestion exists for Two and One" in text


def test_a_judgement_that_differs_is_marked():
    context = example.context()
    many = context["certainty"]["outcomes"]["many"]
    many["people"] = {"imprecision": many["people"]["indirectness"] | {"rating": -2}}
    many["differences"] = ["imprecision"]
    row = section(context).xpath(".//tr[th[contains(., 'Imprecision')]]")[0]
    assert "differs" in words(row)


def test_a_judgement_of_the_whole_is_shown_with_its_reason():
    context = example.context()
    many = context["certainty"]["outcomes"]["many"]
    many["people"] = {"overall": many["people"]["indirectness"] | {"reason": "taken together"}}
    many |= {"certainty": "moderate", "basis": "people", "undecided": []}
    text = words(section(context))
    assert "Judged as a whole: taken together." in text
    assert "Judged as a whole: moderate." in text


def scale(**changed):
    return {
        "instrument": "NRS",
        "unit": "points on a scale from 0 to 10",
        "sd": 2.0,
        "higher_is": "worse",
        "source": "from trials",
        "rows": [{"row_id": "a.pain.1", "sd": 2.0, "n": 40}],
        "n_without": 1,
        "estimate": -0.7,
        "ci_low": -1.4,
        "ci_high": 0.1,
    } | changed


def points(**changed):
    context = example.context()
    context["certainty"]["outcomes"]["many"]["familiar_scale"] = scale(**changed)
    return view(context)["rows"][0]["points"]


def test_points_are_said_lower_or_higher_with_the_rows_behind_them():
    found = points()
    assert found["value"] == "0.70 lower (1.40 lower to 0.10 higher)"
    assert found["scale"] == "NRS, points on a scale from 0 to 10; lower is better"
    assert found["sd"].endswith("the one trial that used it; 1 other did not state theirs")
    assert found["rows"] == ["a.pain.1: SD 2.00, 40 people"]


def test_a_standard_deviation_of_the_protocol_is_shown_with_its_source():
    assert points(rows=[], source="the manual")["sd"] == "g times a standard deviation of 2.00 (the manual)"


def test_without_a_scale_there_is_no_column_of_points():
    assert view()["in_points"] is False
    assert points(estimate=None) is None


def test_people_who_improve_are_of_a_hundred_and_assumptions_are_named():
    context = example.context()
    context["certainty"]["outcomes"]["many"]["people_improved"] = [
        {
            "control": 20,
            "source": None,
            "treated": 35.7,
            "treated_low": 28.2,
            "treated_high": 43.9,
            "nnt": 6.4,
        }
    ]
    found = view(context)["rows"][0]["people"]
    assert (found["control"], found["treated"], found["interval"]) == ("20", "36", "28 to 44")
    assert (found["rows"][0]["difference"], found["rows"][0]["source"]) == ("16 more", "assumed")


def test_limits_in_force_are_told():
    context = copy.deepcopy(example.context())
    context["certainty"]["rules"]["risk_of_bias"]["serious_high"] = 33
    text = " ".join(view(context)["limits"])
    assert "from 33% of the weight at high risk" in text
    assert "to see g 0.20 (two-sided α 0.05, power 0.80)" in text


def test_hostile_reasons_are_escaped():
    context = example.context()
    hostile = "<script>alert('x')</script>"
    context["certainty"]["outcomes"]["many"]["people"]["indirectness"]["reason"] = hostile
    tree = section(context)
    assert not tree.xpath(".//script")
    assert hostile in tree.text_content()
