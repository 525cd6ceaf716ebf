"""The rule's script: from frozen folders and the run's news to the page of versions and the feed."""

from types import SimpleNamespace

import pytest
from living.two_releases import FIRST, SECOND
from lxml import etree

import build_archive
from livingreview import tables

CONFIG = {"review": {"title": "An example", "demonstration": "", "question": "?"}}
ATOM = {"a": "http://www.w3.org/2005/Atom"}


@pytest.fixture
def build(tmp_path):
    """Run the script for a run; returns the page, and the titles and summaries of the feed."""
    for release, also in (
        (FIRST, {"run": "2020-01", "frozen_on": "2020-01-15", "note": "The first."}),
        (SECOND, {"run": "2020-02", "frozen_on": "2020-02-15", "note": "The second."}),
    ):
        folder = tmp_path / "data/releases" / release["version"]
        for name in ("estimates", "effects"):
            tables.write(release[name], folder / f"{name}.csv")
        about = {key: release[key] for key in ("version", "kind")} | also
        tables.write_json(about, folder / "release.json")
    tables.write_text("<p>", tmp_path / "data/releases/20.1.0/report.html")

    def run(month):
        rows = [
            {"run": "2020-02", "searched_at": "2020-02-01T00:00:00+00:00"},
            {"run": "2020-01", "searched_at": "2020-01-01T00:00:00+00:00"},
        ]
        news = {"run": month, "statement": ["Nothing was found.", "Two wait."], "runs": rows}
        tables.write_json(news, tmp_path / "news.json")
        job = SimpleNamespace(
            input=SimpleNamespace(
                news=tmp_path / "news.json",
                releases=sorted(map(str, tmp_path.glob("data/releases/*/release.json"))),
            ),
            output=SimpleNamespace(archive=tmp_path / "archive.html", feed=tmp_path / "feed.atom"),
            params=SimpleNamespace(run=month, config=CONFIG),
        )
        build_archive.main(job)
        return (tmp_path / "archive.html").read_text(encoding="utf-8"), [
            [entry.findtext(f"a:{name}", namespaces=ATOM) for name in ("title", "updated", "summary")]
            + [entry.find("a:link", ATOM).get("href")]
            for entry in etree.parse(tmp_path / "feed.atom").findall("a:entry", ATOM)
        ]

    return run


def test_the_feed_has_what_is_new_in_the_run_and_every_release_newest_first(build):
    page, entries = build("2020-02")
    assert entries == [
        [
            "February 2020: what is new (2020-02, unreleased, after 20.0.0)",
            "2020-02-01T00:00:00+00:00",
            "Nothing was found. Two wait.",
            "../../results/2020-02/report.html",
        ],
        ["Version 20.1.0", "2020-02-15T00:00:00Z", "The second.", "../../data/releases/20.1.0/report.html"],
        ["Version 20.0.0", "2020-01-15T00:00:00Z", "The first.", "../../data/releases/20.0.0/release.json"],
    ]
    assert "Released as version 20.1.0" in page
    assert page.index("Version 20.1.0") < page.index("Version 20.0.0")


def test_an_older_month_that_is_built_again_does_not_know_of_later_releases(build):
    page, entries = build("2020-01")
    assert [title for title, *_ in entries] == [
        "January 2020: what is new (2020-01, unreleased, before any release)",
        "Version 20.0.0",
    ]
    assert "20.1.0" not in page


def test_the_same_facts_give_the_same_page_and_feed(build):
    assert build("2020-02") == build("2020-02")
