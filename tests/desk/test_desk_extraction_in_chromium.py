"""The form of a trial in a browser: by keyboard alone, checked while it is typed, for everybody."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from desk.test_desk_extraction import FACTS, MEANS, include, trials

ACTIVE = "document.activeElement.name || document.activeElement.closest('details')?.id || ''"
SCALES = [(1280, "light"), (390, "dark")]


def go_to(page, name, *, most=400):
    """Press Tab until a field, or the summary of a part of that id, has the focus."""
    for _ in range(most):
        if page.evaluate(ACTIVE) == name:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {name}")


def violations(page):
    return [(one["id"], one["nodes"][0]["html"][:200]) for one in Axe().run(page).response["violations"]]


def open_part(page, name):
    go_to(page, name)
    page.keyboard.press("Enter")


@pytest.fixture
def form(built, open_desk):
    """Opens the form of an included record."""
    record_id = include(built.folder)[0]

    def make(**options):
        page = open_desk(built.folder, path="/extraction", **options)
        page.get_by_role("button", name="Begin").click()
        page.wait_for_url(f"**/extraction/{record_id}")
        return page

    return make


def test_a_trial_is_filled_in_checked_drawn_and_entered_by_keyboard_alone(form, built):
    page = form()
    for column, text in FACTS.items():
        go_to(page, f"study.{column}")
        page.keyboard.type(text)
    open_part(page, "row-1")
    cells = MEANS | {"mean_1": "42"}
    for column in ("instrument", "arm_1", "arm_2", "way", "n_1", "n_2", "mean_1", "mean_2", "sd_1", "sd_2"):
        go_to(page, f"row.1.{column}")
        page.keyboard.type("Means and standard deviations" if column == "way" else cells[column])
    likely = page.locator('[id="said-row.1.mean_1"] .is-likely')
    likely.first.wait_for()
    assert page.locator('[name="row.1.mean_1"]').get_attribute("aria-invalid") == "true"
    page.keyboard.press("Shift+Tab")
    page.locator('[name="row.1.mean_1"]').focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("4.2")
    likely.first.wait_for(state="detached")
    page.locator("#preview svg").first.wait_for()
    assert "NRS" in page.inner_text("#preview")
    go_to(page, "row.1.page")
    page.keyboard.type("7")
    assert page.input_value('[name="row.1.source"]').startswith("PubMed")
    page.get_by_text("Saved as a draft at").wait_for(timeout=20_000)
    assert (
        "4.2"
        in (built.folder / "data/trials/sheets" / page.url.rpartition("/")[2] / "outcomes.csv").read_text()
    )
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    page.get_by_text("has entered with 1 row of values").wait_for(timeout=20_000)
    row = trials(built.folder, "outcomes").iloc[-1]
    assert (row["mean_1"], row["n_2"], row["effect_type"]) == (4.2, 38, "means")


@pytest.mark.parametrize(("width", "scheme"), SCALES)
def test_the_form_and_the_list_are_accessible_and_fit_the_window(form, width, scheme):
    page = form(width=width, scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.select_option('[name="row.1.way"]', "means_sd")
    page.fill('[name="row.1.mean_1"]', "4,2")
    page.locator('[id="said-row.1.mean_1"] .is-error').wait_for()
    page.wait_for_timeout(300)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.goto(page.url.rpartition("/")[0])
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_hostile_title_and_quote_do_nothing(form):
    page = form()
    page.evaluate("document.querySelector('#row-1').open = true")
    page.fill('[name="row.1.quote"]', "<img src=x onerror=\"document.title='taken'\">")
    page.fill('[name="row.1.instrument"]', "<svg onload=\"document.title='taken'\">")
    page.locator('[id="said-row.1.instrument"] p').wait_for()
    page.wait_for_timeout(200)
    assert page.title() != "taken"
    assert page.locator("#preview img").count() == 0
