"""Reporting checklists: every item once, every place on the page, every gap said."""

import copy

import example
import pytest
from lxml import html

from livingreview import tables
from livingreview.errors import ReviewError
from livingreview.report import checklists, pages

GIVEN = checklists.items((pages.TEMPLATES / "checklists.yaml").read_text(encoding="utf-8"))
PRISMA_2020 = (
    "1 2 3 4 5 6 7 8 9 10a 10b 11 12 13a 13b 13c 13d 13e 13f 14 15 16a 16b 17 18 19 20a 20b 20c 20d 21 22"
    " 23a 23b 23c 23d 24a 24b 24c 25 26 27"
).split()


def filled(**changed):
    return checklists.checklists(example.context() | changed, GIVEN)


def item(lists, name, number, topic=""):
    (found,) = (
        one
        for part in lists
        if part["name"] == name
        for one in part["items"]
        if one["item"] == number and one["topic"].startswith(topic)
    )
    return found


def without_release():
    return copy.deepcopy(example.context()["changes"]) | {"release": None}


def test_every_item_of_prisma_2020_stands_once_in_its_order():
    (prisma,) = (one for one in GIVEN if one["name"] == "prisma-2020")
    assert [one["item"] for one in prisma["items"]] == PRISMA_2020


def test_numbers_of_the_living_extension_that_are_not_settled_are_not_printed():
    (living,) = (one for one in GIVEN if one["name"] == "prisma-lsr")
    assert {one["item"] for one in living["items"]} == {
        "1, living", "2, living", "3, living", "4, living", "L1", "living item",
    }  # fmt: skip


def test_every_item_says_how_it_is_answered_or_what_is_to_be_written():
    known = checklists.facts(example.context())
    for one in GIVEN:
        for row in one["items"]:
            assert row.keys() <= {"item", "topic", "answers", "write", "text"}
            assert row.get("answers") or row.get("write"), row
            assert ("write" in row) == ("text" in row), row
            for answer in row.get("answers", []):
                assert answer.keys() <= {"at", "says", "when", "else", "none"}
                assert "when" not in answer or answer["when"] in known
                assert not {"else", "none"} <= answer.keys()
                assert not {"else", "none"} & answer.keys() or "when" in answer


@pytest.mark.parametrize("fact", sorted(checklists.facts(example.context())))
def test_each_fact_is_asked_by_some_item(fact):
    asked = {answer.get("when") for one in GIVEN for row in one["items"] for answer in row.get("answers", [])}
    assert fact in asked


def test_every_place_is_on_the_page_and_every_gap_is_listed():
    view = pages.view(example.context())
    page = pages.render(view)
    checklists.check_places(view["checklists"], page)
    tree = html.document_fromstring(page)
    shown = " ".join(tree.xpath("//section[@id='checklists']")[0].text_content().split())
    gaps = [gap["text"] for one in view["checklists"] for gap in one["gaps"]]
    assert len(gaps) > 10
    assert all(" ".join(gap.split()) in shown for gap in gaps)
    states = {row["state"] for one in view["checklists"] for row in one["items"]}
    assert states == {"answered", "partly", "author to write"}


def test_a_place_that_the_page_does_not_have_is_an_error():
    lists = filled()
    with pytest.raises(ReviewError, match=r"PRISMA 2020, item 1: #title"):
        checklists.check_places(lists, '<h1 id="other">')


def test_hand_written_text_fills_a_gap():
    assert item(filled(), "prisma-2020", "3") == {
        "item": "3",
        "topic": "Rationale in the light of what is known",
        "state": "answered",
        "answers": [{"at": "text-background", "says": "the authors: Background"}],
        "gaps": [],
        "notes": [],
    }
    nothing = filled(text={"sections": [], "protocol_sentences": 0})
    assert item(nothing, "prisma-2020", "3")["state"] == "author to write"
    assert item(nothing, "prisma-2020", "3")["gaps"] == ["why this review, in the light of earlier ones"]


def test_without_an_earlier_release_there_is_nothing_to_report_since_it():
    now = item(filled(), "prisma-lsr", "living item", "Changes of the results")
    assert (now["state"], now["answers"][0]["at"]) == ("answered", "changes")
    then = item(filled(changes=without_release()), "prisma-lsr", "living item", "Changes of the results")
    assert (then["state"], then["notes"]) == ("nothing to report", ["there is no preceding release"])
    assert then["gaps"] == []


def test_nothing_pooled_and_nothing_judged_is_not_claimed():
    context = example.context()
    none = copy.deepcopy(context["estimates"])
    for name in none["outcomes"]:
        none["outcomes"][name]["main"]["k"] = 0
    lists = filled(estimates=none, judged=[], studies=[])
    assert item(lists, "prisma-2020", "19")["notes"] == ["no trial has numbers that can be pooled"]
    assert item(lists, "prisma-2020", "17")["notes"] == ["no trial is included"]
    assert item(lists, "prisma-2020", "18")["answers"] == []


def test_the_lead_counts_the_items():
    (prisma, *_) = filled()
    states = [row["state"] for row in prisma["items"]]
    assert prisma["lead"] == (
        f"{states.count('answered')} of 42 items are answered on this page, {states.count('partly')} in part;"
        f" {states.count('author to write')} wait for the authors."
    )


def test_the_table_holds_every_item_and_is_safe_to_open():
    rows = checklists.rows(filled())
    assert len(rows) == sum(len(one["items"]) for one in GIVEN)
    assert [*rows[0]] == checklists.COLUMNS
    assert rows[0]["where"] == "#title"
    assert not any(tables.to_text(value)[:1] in "=+-@" for row in rows for value in row.values() if value)


def test_items_with_nothing_to_report_are_counted_apart():
    lists = filled(changes=without_release())
    assert "For 4 items there is nothing to report." in lists[1]["lead"]
    assert "nothing to report" not in filled()[1]["lead"]
