"""What moved an estimate is told from its parts, drawn where they lie, and adds up as printed."""

import re

import example
import pytest
from lxml import html

from livingreview.report import changes, methods_changes, moves, pages, prose, triggers, waterfall


@pytest.fixture
def change():
    return example.context()["changes"]["outcomes"]["many"]


def view(change):
    return moves.moved(change, release="26.0.0")


def value(text):
    return float(text.replace("\u2212", "-"))


def test_the_rows_run_from_the_release_to_this_version(change):
    rows = view(change)["rows"]
    assert [row["label"] for row in rows] == [
        "Release 26.0.0",
        "1 trial added (Example 2015)",
        "Method changed",
        "This version",
    ]
    assert (rows[0]["estimate"], rows[-1]["estimate"]) == tuple(
        prose.number(change[end]["estimate"]) for end in ("before", "after")
    )


def test_printed_parts_and_shares_add_up_to_the_printed_move(change):
    rows = view(change)["rows"][1:-1]
    for part in ("change", "share"):
        total = sum(value(row[part]) for row in rows)
        assert total == pytest.approx(change["total"]["estimate"], abs=0.0011)


def test_a_bar_runs_from_one_estimate_to_the_next():
    axis, step = waterfall.axis_of([-0.31, -0.43, -0.49])
    assert (axis.low, axis.high, step) == pytest.approx((-0.5, -0.3, 0.05))
    drawn = waterfall.bar(axis, -0.31, -0.43)
    (rect,) = re.findall(r'<rect x="([\d.]+)"[^>]* width="([\d.]+)"', drawn)
    assert float(rect[0]) == pytest.approx(axis.x(-0.43), abs=0.01)
    assert float(rect[1]) == pytest.approx(axis.x(-0.31) - axis.x(-0.43), abs=0.01)


def test_an_axis_of_one_estimate_has_a_width():
    axis, _ = waterfall.axis_of([-0.3, -0.3])
    assert axis.high > axis.low


def test_zero_is_drawn_only_where_the_axis_holds_it():
    near, _ = waterfall.axis_of([-0.05, 0.08])
    far, _ = waterfall.axis_of([-0.5, -0.3])
    assert "null" in waterfall.mark(near, 0.08)
    assert "null" not in waterfall.mark(far, -0.3)


def test_the_software_is_told_only_where_it_prints(change):
    assert "software" not in str(view(change)["rows"])
    shown = view(change | {"software": {"estimate": 0.0006}})
    assert [row["label"] for row in shown["rows"]][1] == "Computed differently by the software"
    assert "software" not in str(view(change | {"software": {"estimate": 0.0004}})["rows"])


def test_a_single_cause_needs_no_shares_and_no_list_of_one(change):
    one = change | {name: change[name][:1] for name in ("causes", "steps", "shapley", "by_change")}
    found = view(one)
    assert (found["averaged"], found["singles"]) == (False, None)
    assert "One cause: 1 trial added (Example 2015)." in found["lead"]


def test_single_changes_stand_in_the_order_of_their_size(change):
    rows = view(change)["singles"]["rows"]
    assert [row["what"] for row in rows] == ["added", "method changed"]
    assert rows[1]["label"] == "The method"


def test_orders_that_were_left_out_are_counted(change):
    text = " ".join(view(change | {"n_orders": 1})["legend"])
    assert "1 of 2 orders, the others passing through an empty pool" in text


def test_the_method_s_row_says_what_of_it_differs(change):
    causes = [change["causes"][0], change["causes"][1] | {"options": ["level", "method"], "n_rows": 2}]
    note = view(change | {"causes": causes})["rows"][2]["note"]
    assert note == "level of the intervals, estimator of τ² and 2 comparisons made or let in otherwise"


def test_what_cannot_be_taken_apart_says_why(change):
    found = view(change | {"reason": "there is no estimate now"})
    assert found["reason"] == (
        "There is no move since release 26.0.0 to take apart: there is no estimate now."
    )
    assert moves.moved(change, release=None) is None


def test_an_outcome_in_which_nothing_changed_says_so(change):
    same = change | {"causes": [], "steps": [], "shapley": [], "by_change": []}
    assert "Nothing that enters this pool has changed since release 26.0.0" in view(same)["reason"]


def with_shares(**shares):
    return {
        "causes": [
            {"cause": cause, "n_rows": 1, "trials": [{"study": "x", "label": f"X {cause}", "row_ids": ["x"]}]}
            for cause in shares
        ],
        "shapley": [{"cause": cause, "estimate": share} for cause, share in shares.items()],
    }


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ({"added": -0.05}, "1 trial added (X added)"),
        (
            {"added": -0.05, "corrected": 0.1},
            "values corrected in 1 trial (X corrected): +0.10; 1 trial added (X added): \u22120.05",
        ),
        (
            {"added": -0.05, "corrected": 0.001},
            "1 trial added (X added): \u22120.05; values corrected in 1 trial (X corrected): 0.00",
        ),
        (
            {"added": -0.05, "corrected": 0.001, "method": 0.002},
            "1 trial added (X added): \u22120.05; 2 other causes: 0.00",
        ),
        (
            {"added": -0.05, "retracted": 0.001},
            "1 trial added (X added): \u22120.05; 1 trial retracted (X retracted): 0.00",
        ),
        (
            {"added": 0.5, "admitted": 0.4, "set_aside": 0.3, "removed": 0.2, "redivided": 0.1},
            "1 trial added (X added): +0.50; 1 trial let into the pool (X admitted): +0.40;"
            " 1 trial set aside (X set_aside): +0.30; 2 other causes: +0.30",
        ),
        (
            {"added": 0.001, "corrected": 0.002, "method": 0.0},
            "values corrected in 1 trial (X corrected): 0.00; 2 other causes: 0.00",
        ),
        ({"redivided": 0.1}, "shared control divided anew in 1 trial (X redivided)"),
        ({"method": 0.1}, "method changed"),
    ],
)
def test_the_first_screen_names_the_largest_parts_and_every_retraction(shares, words):
    assert prose.cause(with_shares(**shares)) == words


def test_several_causes_without_shares_are_named_without_numbers():
    change = with_shares(added=0.1, corrected=0.2) | {"shapley": None}
    assert prose.cause(change) == "1 trial added (X added); values corrected in 1 trial (X corrected)"


@pytest.mark.parametrize(
    ("reasons", "said"),
    [
        ([""], "One change, without a reason yet. No release is made while a reason is lacking."),
        (["", ""], "Two changes, none with a reason yet. No release is made while a reason is lacking."),
        (["", "x"], "Two changes, one of them without a reason yet. No release is made while"),
        (["x"], "One change, with its reason."),
        (["x", "x"], "Two changes, each with its reason."),
    ],
)
def test_changes_of_methods_are_counted_with_and_without_reasons(reasons, said):
    context = example.context()
    row = context["methods_changes"]["changes"][0]
    context["methods_changes"]["changes"] = [row | {"reason": one, "by": "EX"} for one in reasons]
    assert said in methods_changes.methods_changes(context)["lead"]


def test_a_corrected_row_says_what_was_corrected_and_why():
    context = example.context()
    context["changes"]["release"]["run"] = "2026-10"
    row = {"row_id": "many-0", "label": "Example 2019", "before": {"yi": -0.44}, "after": {"yi": -0.8}}
    context["changes"]["outcomes"]["many"]["corrected"] = [row]
    about = context["corrections"][0]
    context["corrections"] = [
        about | {"run": "2026-09", "old": "9", "new": "1", "reason": "older"},
        about,
        about | {"field": "n_1", "old": None, "new": "50"},
    ]
    (many,) = [row for row in changes.changes(context)["rows"] if row["name"] == "many"]
    assert [move["value"] for move in many["moves"] if "became" in move["value"]] == [
        "\u22120.44 became \u22120.80: mean 1 from 1 to 2 and n 1 from (empty) to 50 (misread)"
    ]


def test_where_no_trigger_fired_that_is_said_in_words():
    context = example.context()
    for row in context["triggers"]["triggers"]:
        row["state"] = "not fired"
    assert triggers.triggers(context)["lead"].startswith("No trigger fired of ")


def test_the_page_shows_the_parts_the_triggers_and_the_methods():
    page = html.document_fromstring(pages.build(example.context()))
    moved = page.xpath("//section[@id='many']//table[contains(@class, 'moves')]")
    assert len(moved) == 1
    assert len(moved[0].xpath(".//tbody/tr")) == 4
    (link,) = page.xpath("//section[@id='changes']//a[@href='#many-moved']")
    assert page.get_element_by_id("many-moved") is not None
    assert link.text == "part by part"
    changes = " ".join(page.get_element_by_id("changes").text_content().split())
    assert "1 trigger fired of 3 that could be evaluated. 1 could not be evaluated" in changes
    assert "Two changes, one of them without a reason yet. No release is made while" in changes
    assert "reason not given yet" in changes


def test_triggers_stand_by_outcome_and_their_rules_in_their_own_order():
    found = triggers.triggers(example.context())
    assert [row["where"] for row in found["fired"]] == ["Many"]
    assert [rule["summary"] for rule in found["rules"]] == [
        "fired 1, not fired 1, not evaluated 1",
        "not fired",
    ]


def test_without_a_release_triggers_and_methods_say_so():
    context = example.context()
    context["triggers"]["release"] = None
    context["methods_changes"] |= {"release": None, "changes": []}
    assert triggers.triggers(context)["release"] is None
    assert "no earlier release" in methods_changes.methods_changes(context)["lead"]


def test_a_release_that_froze_no_protocol_says_what_is_compared():
    context = example.context()
    context["methods_changes"] |= {"protocol_frozen": False, "compared": ["analysis.level"], "changes": []}
    context["methods_changes"]["software"] = {"before": None, "after": "0.1.0"}
    found = methods_changes.methods_changes(context)
    assert "did not freeze its protocol" in found["lead"]
    assert "(the level of the intervals)" in found["lead"]
    assert found["software"].endswith("the release does not record its version.")


def test_a_reason_that_belongs_to_no_change_is_told():
    context = example.context()
    assert methods_changes.methods_changes(context)["unused"] == ""
    context["methods_changes"]["unused_reasons"] = [{"key": "analysis.levle"}]
    assert methods_changes.methods_changes(context)["unused"] == (
        "One reason in data/methods/changes.csv matches no change since the release: analysis.levle."
    )


def test_what_people_wrote_is_printed_and_not_run():
    context = example.context()
    hostile = "<script>alert(1)</script>{{ 7 * 7 }}"
    context["methods_changes"]["changes"][0] |= {"reason": hostile, "before": hostile, "key": hostile}
    context["triggers"]["triggers"][0]["sentence"] = hostile
    context["changes"]["outcomes"]["many"]["by_change"][0]["label"] = hostile
    context["changes"]["outcomes"]["many"]["causes"][0]["trials"][0]["label"] = hostile
    page = pages.build(context)
    assert "<script>alert(1)" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;{{ 7 * 7 }}") >= 5


def test_every_row_is_told_by_its_cause():
    context = example.context()
    change = context["changes"]["outcomes"]["many"]
    gone = change["added"][0] | {"row_id": "gone", "label": "Gone 2001"}
    other = gone | {"row_id": "other", "label": "Other 2002"}
    change["removed"] = [gone, other]
    trial = {"study": "gone", "label": "Gone 2001", "row_ids": ["gone"]}
    change["causes"].append({"cause": "retracted", "n_rows": 1, "trials": [trial]})
    rows = changes.changes(context)["rows"][0]["moves"]
    assert [(row["what"], row["label"]) for row in rows] == [
        ("added", "Example 2015"),
        ("retracted", "Gone 2001"),
        ("removed by the method", "Other 2002"),
    ]
