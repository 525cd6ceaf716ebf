import io
import re

import pytest
from axe_playwright_python.sync_playwright import Axe

WIDTHS = (1280, 390)
SCHEMES = ("light", "dark")
RULES = {
    "resultTypes": ["violations"],
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    },
}
# What can differ between the light and the dark page, whose elements and sizes are the same.
OF_COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
FOCUSABLE = "a[href], button, summary, input, select, textarea, [tabindex='0']"
SHIFTS = """
window.shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shift += entry.value;
}).observe({type: "layout-shift", buffered: true});
"""


def violations(page, options=RULES):
    """What axe finds, as short text."""
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{v['id']}: {n['target']} {n['any'] and n['any'][0]['message']}" for v in found for n in v["nodes"]
    ]


def unfold(page):
    page.eval_on_selector_all("details", "parts => parts.forEach((part) => { part.open = true; })")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_no_violation(open_page, report, width, scheme):
    page = open_page(report, width=width, scheme=scheme)
    unfold(page)
    assert violations(page, RULES if scheme == "light" else RULES | {"runOnly": OF_COLOURS}) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_does_not_scroll_sideways(open_page, report, width):
    page = open_page(report, width=width)
    unfold(page)
    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_moves_while_the_page_loads_and_scrolls(open_page, report, width):
    page = open_page(report, width=width, before=SHIFTS)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.wait_for_timeout(150)
    assert page.evaluate("window.shift") < 0.01


def test_the_first_key_leads_past_the_heading(open_page, report):
    page = open_page(report)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main"


def test_every_control_is_reached_by_the_tab_key(open_page, report):
    page = open_page(report)
    unfold(page)
    expected = page.evaluate(
        f"[...document.querySelectorAll({FOCUSABLE!r})].filter((e) => e.checkVisibility()).length"
    )
    page.evaluate("window.seen = new Set(); addEventListener('focusin', (e) => seen.add(e.target))")
    reached = 0
    for _ in range(0, expected + 5, 50):
        for _ in range(50):
            page.keyboard.press("Tab")
        before, reached = reached, page.evaluate("seen.size")
        if reached == before:
            break
    assert reached == expected


def test_what_has_the_focus_is_outlined(open_page, report):
    page = open_page(report)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_a_table_is_sorted_by_keyboard(open_page, report, key):
    page = open_page(report)
    table = page.locator("table.studies")
    before = table.locator("tbody tr").all_inner_texts()
    table.locator("thead button").first.focus()
    page.keyboard.press(key)
    assert table.locator("th[aria-sort]").get_attribute("aria-sort") == "ascending"
    page.keyboard.press(key)
    assert table.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"
    after = table.locator("tbody tr").all_inner_texts()
    assert sorted(after) == sorted(before)
    years = [int(re.search(r"Example (\d{4})", text)[1]) for text in after]
    assert years == sorted(years, reverse=True)


def test_a_folded_part_is_opened_by_keyboard(open_page, report):
    page = open_page(report)
    page.locator("details:not([open]) > summary").first.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.parentElement.open") is True


def test_without_scripts_all_text_is_there(open_page, report):
    with_scripts = open_page(report)
    without = open_page(report, scripts=False)

    def words(page):
        text = page.locator("main").text_content()
        return re.sub(r"\s+", " ", text).strip()

    only_by_script = with_scripts.locator(".by-script").all_text_contents()
    text = words(with_scripts)
    for part in only_by_script:
        text = text.replace(re.sub(r"\s+", " ", part), "", 1)
    assert re.sub(r"\s", "", text) == re.sub(r"\s", "", words(without))
    without.locator("details > summary").first.click()
    assert without.locator("details[open]").count() >= 1


def test_a_printed_page_cuts_no_table(open_page, report):
    page = open_page(report, width=680)
    page.emulate_media(media="print")
    unfold(page)
    # The text block of A4 with the margins of the style sheet: 182 mm at 96 pixels an inch.
    page.set_viewport_size({"width": 688, "height": 970})
    cut = page.evaluate(
        """[...document.querySelectorAll('main *')].filter((e) => e.checkVisibility()
             && !e.closest('svg, .hidden') && e.getBoundingClientRect().right > innerWidth + 1)
             .map((e) => `${e.tagName}.${e.className}: ${e.textContent.trim().slice(0, 40)}`)"""
    )
    assert cut == []


def test_a_pdf_is_made(open_page, report):
    page = open_page(report)
    made = page.pdf(format="A4", tagged=True)
    assert made.startswith(b"%PDF")
    assert b"/StructTreeRoot" in io.BytesIO(made).read()


def test_tables_travel_inside_the_page(open_page, report):
    page = open_page(report)
    with page.expect_download() as waited:
        page.locator("#downloads a[download]").first.click()
    assert waited.value.suggested_filename == "effects.csv"
    assert waited.value.path().read_text(encoding="utf-8") == "row_id,yi\nmany-0,-0.9\n"


def test_text_is_readable_at_four_times_its_size(open_page, report):
    page = open_page(report, width=320)
    assert page.evaluate("document.documentElement.scrollWidth") == 320
