"""The forest table in a real browser: sorting, filters, grouping, and what is behind a number."""

import example
import pytest

TRIALS = "#many-forest tbody.trials > tr[data-filter]"


@pytest.fixture(scope="module")
def grouped(write_report):
    """The made-up review with two groups and two comparators."""
    context = example.context()
    for row in context["effects"]:
        row["population"] = "youth" if row["row_id"] in ("many-1", "many-4") else "adult"
    context["studies"][3]["comparator_class"] = "usual_care"
    return write_report(context)


def shown(page, cell="td.year"):
    return [row.locator(cell).inner_text() for row in page.locator(TRIALS).all() if row.is_visible()]


def test_sorting_is_announced_and_keeps_each_row_with_what_is_behind_it(open_page, grouped):
    page = open_page(grouped)
    head = page.locator("#many-forest thead th", has_text="g [")
    button = head.get_by_role("button")
    button.focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    values = [float(one.replace("\u2212", "-").split(" ")[0]) for one in shown(page, "td.digits")]
    assert values == sorted(values)
    pairs = page.locator("#many-forest tbody.trials").evaluate(
        "body => [...body.querySelectorAll('.behind')].map(row =>"
        " [row.id, row.previousElementSibling.querySelector('.open-row').hash.slice(1)])"
    )
    assert len(pairs) == 6
    assert all(one == other for one, other in pairs)
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert shown(page)[0] == "2015"


def test_a_number_opens_and_closes_what_is_behind_it_by_keyboard(open_page, grouped):
    page = open_page(grouped)
    link = page.locator(TRIALS).first.locator("a.open-row")
    behind = page.locator("[id='many-many-0']")
    assert not behind.is_visible()
    assert link.get_attribute("aria-expanded") == "false"
    link.focus()
    page.keyboard.press("Enter")
    assert behind.is_visible()
    assert "example source" in behind.inner_text()
    assert link.get_attribute("aria-expanded") == "true"
    page.keyboard.press("Enter")
    assert not behind.is_visible()


def test_filters_leave_the_rows_that_fit_and_say_how_many(open_page, grouped):
    page = open_page(grouped)
    bar = page.locator("[data-table=many-forest]")
    bar.get_by_label("Comparator").select_option("usual care")
    assert shown(page) == ["2013"]
    assert bar.get_by_role("status").inner_text() == "1 of 6 rows shown; the pool is of all"
    bar.get_by_label("Comparator").select_option("any")
    bar.get_by_label("Find").fill("2012")
    assert shown(page) == ["2012"]
    bar.get_by_label("Find").fill("")
    bar.get_by_label("new only").check()
    assert shown(page) == ["2015"]
    bar.get_by_label("new only").uncheck()
    bar.get_by_label("Risk of bias").select_option("high")
    assert shown(page) == ["2012"]
    bar.get_by_label("Risk of bias").select_option("any")
    assert len(shown(page)) == 6
    assert bar.get_by_role("status").inner_text() == ""


def test_grouping_puts_rows_under_their_groups_and_lasts_through_sorting(open_page, grouped):
    page = open_page(grouped)
    bar = page.locator("[data-table=many-forest]")
    bar.get_by_label("Group by").select_option("Age group")
    heads = page.locator("#many-forest .group-row")
    assert [one.split("\n")[0].split("k =")[0].strip() for one in heads.all_inner_texts()] == [
        "Adults",
        "Youth",
    ]
    assert shown(page) == ["2010", "2012", "2013", "2015", "2011", "2014"]
    page.locator("#many-forest thead th", has_text="Year").get_by_role("button").click(click_count=1)
    page.locator("#many-forest thead th", has_text="Year").get_by_role("button").click(click_count=1)
    assert shown(page) == ["2015", "2013", "2012", "2010", "2014", "2011"]
    bar.get_by_label("Group by").select_option("nothing")
    assert heads.count() == 0
    assert len(shown(page)) == 6


def test_without_scripts_the_table_is_whole_and_a_number_still_leads_to_its_row(open_page, grouped):
    page = open_page(grouped, scripts=False)
    assert len(shown(page)) == 6
    assert not page.locator("[data-table=many-forest]").is_visible()
    page.locator(TRIALS).nth(2).locator("a.open-row").click()
    assert page.locator("[id='many-many-2']").is_visible()
    assert not page.locator("[id='many-many-1']").is_visible()


@pytest.mark.parametrize("part", ["many-many-3", "none-none-7"])
def test_a_link_from_elsewhere_opens_the_row_it_names_even_inside_a_fold(open_page, grouped, part):
    page = open_page(grouped)
    page.evaluate("name => { location.hash = name; }", part)
    page.locator(f"[id='{part}']").wait_for(state="visible")


def test_on_a_phone_nothing_of_the_table_runs_out_of_the_page(open_page, grouped):
    page = open_page(grouped, width=390)
    page.locator(TRIALS).first.locator("a.open-row").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    widths = page.locator("#many-forest").evaluate(
        "table => [table.scrollWidth, table.parentElement.clientWidth]"
    )
    assert widths[0] <= widths[1]


def test_the_band_of_no_effect_lies_under_the_drawn_zero(open_page, grouped):
    page = open_page(grouped)
    # The drawn axis has a tick at zero; the band is a background of the cell, placed by percentages.
    zero, cell, band = page.evaluate("""() => {
      const table = document.querySelector('#many-forest');
      const svg = table.querySelector('tfoot .scale svg');
      const text = [...svg.querySelectorAll('text')].find(one => one.textContent === '0');
      const edges = getComputedStyle(table);
      return [(text.getBoundingClientRect().left + text.getBoundingClientRect().right) / 2,
        svg.getBoundingClientRect().left, parseFloat(edges.getPropertyValue('--z0'))];
    }""")
    width = page.locator("#many-forest tfoot .scale svg").bounding_box()["width"]
    assert zero - cell == pytest.approx(width * band / 100, abs=1.0)
