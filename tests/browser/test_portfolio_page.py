"""The page of all reviews in a real Chromium: axe, both widths, both schemes, hostile words."""

import sys
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

sys.path.insert(0, str(Path(__file__).parents[1] / "operation"))

import several_reviews as made

from livingreview.operation.reviews import portfolio
from livingreview.operation.reviews.folders import Review


@pytest.fixture(scope="module")
def page_of_reviews(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reviews")
    (folder / "built").mkdir()
    config = Path(__file__).parents[2] / "config.yaml"
    (folder / "built/config.yaml").write_bytes(config.read_bytes())
    made.built(folder / "built", "2026-11", fired=[made.FIRED, made.FIRED | {"sentence": made.HOSTILE}])
    made.released(folder / "built", "26.0.0", "2026-02")
    made.month(
        folder / "built",
        "2026-12",
        status=1,
        outcome="failed",
        reason=made.HOSTILE + "x" * 200,
        hint="Mend it.",
    )
    found = [
        Review("built", folder / "built"),
        Review("lost", folder / "lost", f"It is lost: {made.HOSTILE}"),
    ]
    portfolio.write(folder, found, others=[made.HOSTILE])
    return folder / portfolio.PAGE


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_no_violation_and_nothing_scrolls_sideways(open_page, page_of_reviews, width, scheme):
    page = open_page(page_of_reviews, width=width, scheme=scheme)
    page.locator("details").first.evaluate("one => one.open = true")
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
    assert [violation["id"] for violation in found.response["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.title() == "All reviews: December 2026"
