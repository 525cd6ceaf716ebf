import example
import pytest
from lxml import html

from livingreview.report import forest, pages

HOSTILE = "<script>alert('x')</script>"


def raw(row_id, **values):
    """A row of the table of extracted numbers, as a run reads it."""
    empty = dict.fromkeys(("comparison", "weeks", "quote", "note", "page", "table_or_figure", "extractor"))
    about = {
        "row_id": row_id,
        "arm_1": "web course",
        "arm_2": "waiting list",
        "mean_1": 4.5,
        "sd_1": 2.0,
        "n_1": 50,
        "mean_2": 5.25,
        "sd_2": 2.5,
        "n_2": 52,
        "effect_type": "means",
        "higher_is": "worse",
        "run": "2026-03",
        "revision": 1,
    }
    return empty | about | values


def judgement(domain, judged, **values):
    about = {"study_id": "example_0", "outcome": None, "tool": "rob2", "basis": "recorded"}
    return about | {"domain": domain, "judgement": judged} | values


def table(context, name="many"):
    return forest.view(context, name)


def terms(row):
    return {pair["term"]: pair["text"] for pair in row["behind"]}


def test_rows_stand_in_the_order_of_years_and_names_without_the_year_that_has_its_own_column():
    rows = table(example.context())["rows"]
    assert [row["year"] for row in rows] == ["2010", "2011", "2012", "2013", "2014", "2015"]
    assert {row["label"] for row in rows} == {"Example"}
    assert rows[0]["whole_label"] == "Example 2010"
    assert rows[0]["study"] == "study-example_0"


def test_a_year_that_is_not_known_says_so_and_comes_last():
    context = example.context()
    context["studies"][0]["year"] = None
    rows = table(context)["rows"]
    assert (rows[-1]["year"], rows[-1]["label"]) == ("not stated", "Example 2010")


def test_a_study_that_is_not_listed_has_no_link():
    context = example.context()
    context["studies"] = context["studies"][1:]
    assert "" in [row["study"] for row in table(context)["rows"]]


def test_arms_and_means_are_those_extracted():
    context = example.context() | {"extracted": [raw("many-0")]}
    found = table(context)
    first, second = found["rows"][:2]
    assert (first["arms"], first["means"]) == (["50", "52"], ["4.5 (2)", "5.25 (2.5)"])
    assert (second["arms"], second["n"], second["means"]) == ([], "101", [])
    assert (found["means"], found["columns"]) == (True, 8)


def test_a_column_that_no_row_fills_is_left_out():
    context = example.context()
    for study in context["studies"]:
        study["risk_of_bias"] = None
    found = table(context)
    assert (found["means"], found["lights"], found["columns"]) == (False, False, 6)


def test_behind_a_row_stands_all_that_made_its_number():
    context = example.context() | {
        "extracted": [
            raw("many-0", page="7", table_or_figure="table 2", quote="as printed", note="a note", weeks=9.0)
        ]
    }
    held = terms(table(context)["rows"][0])
    assert held["Effect"].startswith("g \u22120.9000, standard error 0.1414, ")
    assert held["Extracted"] == "web course: mean 4.5, SD 2, n 50; waiting list: mean 5.25, SD 2.5, n 52"
    assert held["Measured"] == "Example scale, higher is worse, after treatment, week 9"
    assert (held["Made by"], held["Source"]) == ("means and SDs", "example source, page 7, table 2")
    assert (held["Quotation"], held["Note"]) == ("as printed", "a note")
    assert held["Recorded"] == "March 2026"
    assert held["Corrected"] == "November 2026: mean 1 from 1 to 2 (misread)"
    assert held["Checks"] == "se as sd: found this"
    assert "Assumption" not in held


def test_a_corrected_row_names_who_recorded_it_and_how_often():
    rows = [raw("many-1", revision=3, extractor="E. X.")]
    held = terms(table(example.context() | {"extracted": rows})["rows"][1])
    assert held["Recorded"] == "March 2026 by E. X., revision 3"
    assert held["Assumption"] == "equal arms assumed"


def test_a_printed_effect_is_shown_as_it_was_printed():
    arms = dict.fromkeys(("mean_1", "sd_1", "n_1", "mean_2", "sd_2", "n_2"))
    row = raw("many-0", **arms, effect_type="hedges_g", printed_effect="0.90", printed_se=0.14)
    held = terms(table(example.context() | {"extracted": [row]})["rows"][0])
    assert held["Extracted"] == "hedges g as printed: effect 0.90, SE 0.14"


def test_lights_are_of_this_outcome_first_and_the_overall_judgement_before_its_domains():
    judged = [
        judgement("randomisation", "low"),
        judgement("overall", "low"),
        judgement("randomisation", "some concerns", outcome="many"),
        judgement("missing_data", "high", outcome="many"),
        judgement("overall", "high", outcome="many"),
    ]
    found = table(example.context() | {"judged": judged})
    row = found["rows"][0]
    assert (row["letter"], row["level"]) == ("H", "high")
    assert [one["letter"] for one in row["domains"]] == ["S", "H"]
    assert row["risk"] == "high (randomisation some concerns, missing data high)"
    assert found["tools"] == [{"tool": "rob2", "domains": "randomisation, missing data"}]
    assert table(example.context() | {"judged": judged}, "two")["rows"][0]["letter"] == "L"


def test_without_a_judgement_the_light_says_so():
    rows = table(example.context())["rows"]
    assert [row["letter"] for row in rows] == ["\u2013", "\u2013", "H", "\u2013", "\u2013", "\u2013"]
    assert rows[0]["risk"] == "not assessed"


def test_a_light_without_a_judgement_says_whose_is_waited_for():
    judged = [judgement("overall", None, basis="waits for the second assessor", detail="waits for B. Sample")]
    row = table(example.context() | {"judged": judged})["rows"][0]
    assert (row["letter"], row["risk"]) == ("\u2013", "rob2 waits for B. Sample")


def test_new_rows_are_those_added_since_the_release_and_none_before_any():
    context = example.context()
    found = table(context)
    assert [row["new"] for row in found["rows"]] == [False] * 5 + [True]
    assert found["before"]["label"] == "Release 26.0.0"
    context["changes"]["outcomes"]["many"]["before"] = None
    found = table(context)
    assert not found["any_new"]
    assert found["before"] is None


def test_one_trial_is_not_pooled_and_two_have_no_prediction_interval():
    one, two = (table(example.context(), name) for name in ("one", "two"))
    assert (len(one["rows"]), one["pool"], one["prediction"], one["before"]) == (1, None, None, None)
    # (-0.2 / 0.02 + 0.3 / 0.03) / (1 / 0.02 + 1 / 0.03)
    assert two["pool"]["g"] == "0.00"
    assert (len(two["rows"]), two["prediction"]) == (2, None)


def test_an_outcome_without_trials_has_no_table_and_its_rows_stand_aside():
    context = example.context()
    assert table(context, "none") is None
    (row,) = forest.aside(context, "none")
    assert (row["g"], row["reason"], row["sensitivity"]) == ("none", "No arm sizes", "with arm sizes assumed")


def test_a_mark_tells_that_some_trials_state_no_number():
    context = example.context()
    context["estimates"]["outcomes"]["many"]["main"]["n_participants_unknown_rows"] = 2
    assert table(context)["n"] == "615+"


def test_filters_and_groups_are_told_by_position():
    context = example.context()
    for row in context["effects"]:
        row["population"] = "youth" if row["row_id"] == "many-1" else "adult"
    found = table(context)
    assert [row["group"] for row in found["rows"]] == ["0", "1", "0", "0", "0", "0"]
    assert [row["filter"] for row in found["rows"]][2] == "2,0,0"
    assert found["rows"][5]["filter"] == "4,0,1"
    assert [one["label"] for one in found["variables"]] == ["Age group"]
    assert [(one["at"], one["label"]) for one in found["groups"]] == [(0, "Adults"), (1, "Youth")]


def test_a_group_that_the_protocol_does_not_name_comes_after_those_it_names():
    context = example.context()
    for row in context["effects"]:
        row["population"] = None
    assert {row["group"] for row in table(context)["rows"]} == {"2"}


@pytest.fixture(scope="module")
def tree():
    context = example.context() | {"extracted": [raw("many-0", arm_1=HOSTILE, quote=HOSTILE)]}
    return html.document_fromstring(pages.build(context))


def test_every_row_of_the_table_leads_to_what_is_behind_it(tree):
    rows = tree.xpath("//table[@id='many-forest']/tbody[contains(@class, 'trials')]/tr")
    assert len(rows) == 12
    for row, behind in zip(rows[::2], rows[1::2], strict=True):
        (link,) = row.xpath("td//a/@href")
        assert link == f"#{behind.get('id')}"
        assert int(behind.xpath("td/@colspan")[0]) == len(row)


def test_rows_of_head_body_and_foot_are_equally_wide(tree):
    for table in tree.xpath("//table[contains(@class, 'forest-table') or contains(@class, 'drawn-table')]"):
        widths = {
            sum(int(cell.get("colspan", 1)) for cell in row)
            for row in table.xpath(".//tr[not(@class='behind')]")
        }
        assert len(widths) == 1, table.get("id")


def test_extracted_text_is_shown_and_never_run(tree):
    assert HOSTILE in tree.xpath("//tr[@id='many-many-0']")[0].text_content()
    assert len(tree.xpath("//script[not(@type)]")) == 1


def test_lights_have_words_for_who_does_not_see_them(tree):
    cells = tree.xpath("//table[@id='many-forest']//td[@class='lights'][span]")
    assert len(cells) == 6
    for cell in cells:
        words, shapes = cell
        assert words.get("class") == "hidden"
        assert words.text
        assert shapes.get("aria-hidden") == "true"
