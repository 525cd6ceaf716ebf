"""The form of a trial in a browser: by keyboard alone, checked while it is typed, for everybody."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from desk.test_desk_extraction import FACTS, MEANS, both_ready, include, pair, trials  # noqa: F401

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
    page.locator("#preview .preview").wait_for()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.goto(page.url.rpartition("/")[0])
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_what_rows_share_is_typed_once_and_a_reason_outlives_its_finding(form):
    page = form()
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    for column, text in (MEANS | {"mean_1": "42"}).items():
        field = page.locator(f'[name="row.1.{column}"]')
        field.select_option(text) if column == "way" else field.fill(text)
    why = page.locator('[id="said-row.1.mean_1"] .is-likely + .why input').first
    why.fill("a scale to 100")
    page.fill('[name="row.1.mean_1"]', "4.2")
    why.wait_for(state="detached")
    page.fill('[name="row.3.instrument"]', "PHQ-9")
    shared = [page.input_value(f'[name="row.3.{column}"]') for column in ("arm_1", "arm_2", "source", "page")]
    assert shared == [MEANS["arm_1"], MEANS["arm_2"], MEANS["source"], ""]
    page.fill('[name="row.1.mean_1"]', "42")
    why.wait_for()
    assert why.input_value() == "a scale to 100"


def test_two_extractions_are_settled_by_a_key_and_a_reason_each(pair, built, open_desk):  # noqa: F811
    _, bo = both_ready(pair, mean_1="4.4")
    bo.type(guided="no").post("ready")
    page = open_desk(built.folder, path=f"{bo.path}/compare", name="Judge")
    for key, reason in (("1", "page 3"), ("2", "table 2")):
        page.keyboard.press(key)
        page.locator(".difference .why input:focus").wait_for()
        page.keyboard.type(reason)
        page.keyboard.press("Enter")
    page.locator("#left", has_text="None").wait_for()
    page.locator(".bar .primary:focus").wait_for()
    page.keyboard.press("Enter")
    page.get_by_text("has entered with 1 row of values").wait_for(timeout=20_000)
    row, study = (trials(built.folder, name).iloc[-1] for name in ("outcomes", "studies"))
    assert (row["mean_1"], study["guided"]) == (4.4, "yes")


def test_a_hostile_title_and_quote_do_nothing(form):
    page = form()
    page.evaluate("document.querySelector('#row-1').open = true")
    page.fill('[name="row.1.quote"]', "<img src=x onerror=\"document.title='taken'\">")
    page.fill('[name="row.1.instrument"]', "<svg onload=\"document.title='taken'\">")
    page.locator('[id="said-row.1.instrument"] p').wait_for()
    page.locator("#preview .preview").wait_for()
    assert page.title() != "taken"
    assert page.locator("#preview img").count() == 0
