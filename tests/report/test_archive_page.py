"""The page of all versions, and the feed: from frozen numbers, newest first, safe with hostile text."""

import copy
import re

import pytest
from living.two_releases import FIRST, PUBLISHED, SECOND
from lxml import etree, html

from livingreview.report import archive, feed

CONFIG = {"review": {"title": "An example", "demonstration": "", "question": "?"}}
DATED = {"frozen_on": "2020-01-15", "note": "The first."}
KNOWN = [
    PUBLISHED | {"files": ["release.json"], "doi": "10.1000/x"},
    FIRST | DATED | {"files": ["effects.csv", "release.json"]},
    SECOND
    | {
        "frozen_on": "2020-02-15",
        "note": "A correction.",
        "files": ["report.html", "inputs.zip"],
        "run": "2020-02",
    },
]
CURRENT = {
    "version": "2020-03, unreleased, after 20.1.0",
    "run": "2020-03",
    "report": "report.html",
    "released": [],
}


def page(known=KNOWN, config=CONFIG, **options):
    return html.fromstring(archive.build(known, config, **({"root": "../../data/releases"} | options)))


def text(element):
    return " ".join(element.text_content().split())


def test_versions_stand_newest_first_each_with_date_run_and_note():
    found = page(current=CURRENT, feed="feed.atom")
    assert [text(h) for h in found.iter("h2")] == [
        "Run 2020-03, unreleased, after 20.1.0",
        "Version 20.1.0",
        "Version 20.0.0",
        "Before this review: 16.0.0",
    ]
    section = found.get_element_by_id("v20.1.0")
    assert text(section.find_class("version")[0]) == (
        "Run of February 2020 Frozen on 15 February 2020 Report of version 20.1.0"
    )
    assert "A correction. Since version 20.0.0, the estimates of two of three outcomes changed." in text(
        section
    )
    assert "No longer an outcome: Sleep." in text(section)
    assert text(found.get_element_by_id("main")).count("Not a release: its report may still change.") == 1


def test_a_table_of_each_version_tells_the_numbers_the_difference_and_its_cause():
    rows = [[text(cell) for cell in row] for row in page().get_element_by_id("v20.1.0").iter("tr")]
    assert rows == [
        ["Outcome", "Estimate", "k", "Difference from 20.0.0", "Cause"],
        ["Pain", "−0.35 [−0.45, −0.25]", "2", "−0.15", "values corrected in 1 comparison (Trial b)"],
        ["Mood", "−0.40 [−0.50, −0.30]", "1", "new", "1 comparison added (Trial d)"],
        ["Fear", "no estimate", "0", "–", "not an outcome of the release before"],
    ]
    first = [[text(cell) for cell in row] for row in page().get_element_by_id("v20.0.0").iter("tr")]
    assert first[:2] == [["Outcome", "Estimate", "k"], ["Pain", "−0.20 [−0.30, −0.10]", "2"]]


def test_links_lead_to_frozen_files_that_are_there_and_to_no_others():
    links = [
        a.get("href") for a in page(current=CURRENT, feed="feed.atom").iter("a") if a.get("href")[0] != "#"
    ]
    assert links == [
        "report.html",
        "feed.atom",
        "report.html",
        "../../data/releases/20.1.0/report.html",
        "../../data/releases/20.1.0/inputs.zip",
        "../../data/releases/20.0.0/effects.csv",
        "https://doi.org/10.1000/x",
    ]
    assert "The report of this version was not kept." in text(page().get_element_by_id("v20.0.0"))
    beside = [a.get("href") for a in page(root="..").iter("a")]
    assert "../20.1.0/report.html" in beside


def test_a_run_that_was_released_is_told_so():
    found = page(current=CURRENT | {"run": "2020-02", "released": ["20.1.0"]})
    assert (
        text(found.get_element_by_id("main")).count("Released as version 20.1.0; the report below may") == 1
    )
    assert text(next(found.iter("h2"))) == "Run 2020-02"


def test_without_releases_the_page_says_so():
    found = page(known=[], current=CURRENT)
    assert "Nothing was released yet." in text(found)
    assert text(found.find_class("version")[0]).startswith("Not released yet")


def test_two_equal_releases_in_a_row_say_that_nothing_changed():
    again = copy.deepcopy(SECOND) | KNOWN[2] | {"version": "20.1.1"}
    section = page(known=[*KNOWN, again]).get_element_by_id("v20.1.1")
    assert "Since version 20.1.0, no estimate changed." in text(section)
    assert [text(row[4]) for row in section.iter("tr")][1:] == [
        "no change",
        "no change",
        "no usable numbers then or now",
    ]


def test_the_page_needs_nothing_from_elsewhere():
    found = page(current=CURRENT, feed="feed.atom")
    assert list(found.iter("script", "img", "iframe")) == []
    assert [one.get("rel") for one in found.iter("link")] == ["alternate"]


HOSTILE = "</title><script>alert(1)</script>{{ 7 * 7 }}\"'&\x00\x08"


def test_hostile_text_is_shown_and_does_nothing():
    known = [FIRST | DATED | {"note": HOSTILE, "files": [], "version": "20.0.0", "doi": '"><script>'}]
    config = {"review": {"title": HOSTILE, "demonstration": HOSTILE, "question": ""}}
    source = archive.build(known, config, root="..")
    assert "<script" not in source
    assert "{{ 7 * 7 }}" in source


ENTRIES = [
    {
        "part": "run/2020-03",
        "date": "2020-03",
        "title": "March 2020",
        "updated": "2020-03-01T10:00:00+00:00",
        "summary": "3 new.",
        "link": "results/2020-03/report.html",
    },
    {
        "part": "release/20.1.0",
        "date": "2020-02-15",
        "title": "Version 20.1.0",
        "updated": "2020-02-15",
        "summary": "A correction.",
        "link": "data/releases/20.1.0/report.html",
    },
]
NAMES = {"a": "http://www.w3.org/2005/Atom"}


def parsed(review, entries=ENTRIES):
    return etree.fromstring(feed.feed(entries, review, top="../../"))


WITH_URL = {
    "title": "An example",
    "url": "https://example.org/pain/",
    "authors": [{"name": "Ann", "role": "x"}],
}


@pytest.mark.parametrize("review", [WITH_URL, {"title": "An example"}], ids=["with address", "without"])
def test_a_feed_has_what_rfc_4287_requires(review):
    """RFC 4287, 4.1.1 and 4.1.2: exactly one id, title and updated; an author; an alternate link or content."""
    root = parsed(review)
    assert root.tag == "{http://www.w3.org/2005/Atom}feed"
    for element in [root, *root.findall("a:entry", NAMES)]:
        for name in ("id", "title", "updated"):
            assert len(element.findall(f"a:{name}", NAMES)) == 1
        stamp = element.findtext("a:updated", namespaces=NAMES)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", stamp)
    assert root.find("a:author/a:name", NAMES).text
    for entry in root.findall("a:entry", NAMES):
        assert len(entry.findall("a:link[@rel='alternate']", NAMES)) == 1
        assert len(entry.findall("a:summary", NAMES)) == 1
    ids = [one.text for one in root.iter("{http://www.w3.org/2005/Atom}id")]
    assert len(ids) == len(set(ids)) == 3
    assert all(re.match(r"(tag|https|urn):", one) for one in ids)
    assert root.findtext("a:updated", namespaces=NAMES) == "2020-03-01T10:00:00+00:00"


def test_ids_and_links_follow_the_address_of_the_review():
    root = parsed(WITH_URL)
    assert [entry.findtext("a:id", namespaces=NAMES) for entry in root.findall("a:entry", NAMES)] == [
        "tag:example.org,2020-03:pain/run/2020-03",
        "tag:example.org,2020-02-15:pain/release/20.1.0",
    ]
    assert root.find("a:link[@rel='self']", NAMES).get("href") == "https://example.org/pain/feed.atom"
    assert root.base == "https://example.org/pain/"
    assert root.find("a:entry/a:link", NAMES).get("href") == "results/2020-03/report.html"


def test_without_an_address_ids_stay_the_same_and_links_lead_back_to_the_review():
    one, two = parsed({"title": "An example"}), parsed({"title": "An example"}, ENTRIES[1:])
    assert one.findall("a:entry", NAMES)[1].findtext("a:id", namespaces=NAMES) == two.find(
        "a:entry", NAMES
    ).findtext("a:id", namespaces=NAMES)
    assert one.find("a:entry/a:link", NAMES).get("href") == "../../results/2020-03/report.html"
    assert one.find("a:link[@rel='self']", NAMES) is None


def test_hostile_text_in_a_feed_is_text():
    root = parsed({"title": HOSTILE}, [ENTRIES[0] | {"summary": HOSTILE, "title": HOSTILE}])
    assert root.find("a:entry/a:summary", NAMES).text == HOSTILE.replace("\x00", "?").replace("\x08", "?")
    assert len(root.find("a:entry/a:summary", NAMES)) == 0
