"""The page of all versions in a real Chromium: axe, both widths, both schemes, hostile notes."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from living.two_releases import FIRST, PUBLISHED, SECOND

from livingreview.report import archive

HOSTILE = "<img src=x onerror=document.title=1><script>document.title=1</script>"
CONFIG = {"review": {"title": f"An example {HOSTILE}", "demonstration": HOSTILE, "question": "?"}}
CURRENT = {"version": "2020-03, unreleased, after 20.1.0", "run": "2020-03", "report": "report.html"}


@pytest.fixture(scope="module")
def page_of_versions(tmp_path_factory):
    known = [
        PUBLISHED | {"files": [], "doi": "10.1000/x", "note": HOSTILE},
        FIRST | {"frozen_on": "2020-01-15", "note": HOSTILE, "files": ["effects.csv"]},
        SECOND | {"frozen_on": "2020-02-15", "note": "A correction.", "files": ["report.html"]},
    ]
    path = tmp_path_factory.mktemp("archive") / "archive.html"
    source = archive.build(
        known, CONFIG, root="../../data/releases", current=CURRENT | {"released": []}, feed="feed.atom"
    )
    path.write_text(source, encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_no_violation_and_nothing_scrolls_sideways(open_page, page_of_versions, width, scheme):
    page = open_page(page_of_versions, width=width, scheme=scheme)
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
    assert [violation["id"] for violation in found.response["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.title().startswith("All versions: An example <img")
