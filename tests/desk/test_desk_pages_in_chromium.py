"""Every page of the desk in a real Chromium: axe, both widths, both schemes, and without script."""

import shutil
from types import SimpleNamespace

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser.test_report_page import OF_COLOURS, RULES
from desk import one_trial
from desk.conftest import Client, served
from desk.test_desk_extraction import FACTS, MEANS, Sheet, include
from desk.test_desk_risk_of_bias import ANSWERS, EVIDENCE, FORM, save
from desk.two_reviewers import ANN, BO, FT, TA, ask_two, file, said, waiting

from livingreview import tables

CY = "Cy Third"
RUN = "2026-11"
TWO_EXTRACTORS = f"extraction:\n  extractors:\n    independent: 2\n    names: [{ANN}, {BO}]\n\n"
LONG = "A title without a place to break it: " + "interdisciplinary-" * 9 + "rehabilitation " * 20
# Addresses of each page, and under which name they are looked at; in braces: what `looked_at` has made.
PAGES = {
    "person.page": [(CY, "/who"), (ANN, "/who?then=/exports")],
    "month.page": [(CY, "/"), (ANN, "/")],
    "month.progress": [(CY, "/month/run")],
    "screening.page": [(ANN, "/screening"), (BO, "/screening?stage=full-text"), (CY, "/screening")],
    "screening.rows": [(ANN, "/screening/list?stage=full-text"), (ANN, "/screening/list?words=nowhere")],
    "full_text.page": [(CY, "/full-texts"), (CY, "/full-texts?state=retrieved")],
    "conflicts.page": [(CY, "/conflicts"), (ANN, "/conflicts")],
    "conflicts.record": [
        (CY, f"/conflicts/record?record={{undecided}}&stage={TA}"),
        (ANN, f"/conflicts/record?record={{assessed}}&stage={FT}"),
    ],
    "conflicts.all_pairs": [(CY, "/conflicts/pairs")],
    "conflicts.pair": [(CY, "/conflicts/pair?a={pair[0]}&b={pair[1]}")],
    "extraction.page": [(ANN, "/extraction"), (CY, "/extraction")],
    "extraction.study": [(ANN, "/extraction/{draft}")],
    "extraction.compare": [(CY, "/extraction/{both}/compare"), (ANN, "/extraction/{draft}/compare")],
    "preview.outcomes": [(CY, "/effects")],
    "preview.of_outcome": [(CY, "/effects/pain_intensity"), (CY, "/effects/catastrophizing")],
    "risk_of_bias.page": [(CY, "/risk-of-bias")],
    "risk_of_bias.study": [(CY, "/risk-of-bias/new_2026"), (CY, FORM)],
    "history.page": [(CY, "/history")],
    "history.decisions": [(ANN, "/history/decisions"), (CY, "/history/decisions?words=nowhere")],
    "history.record": [(CY, "/history/record/{included}"), (ANN, "/history/record/{undecided}")],
    "history.decision": [(ANN, f"/history/decision?record={{assessed}}&stage={FT}")],
    "history.studies": [(CY, "/history/studies")],
    "history.study": [(CY, "/history/study/new_2026")],
    "history.value": [
        (CY, "/history/value/outcomes/new_2026.pain_intensity.1"),
        (CY, "/history/value/studies/new_2026"),
    ],
    "history.findings": [(CY, "/history/findings?all=yes")],
    "history.releases": [(CY, "/history/releases")],
    "history.certainty": [(CY, "/history/certainty")],
    "exports.page": [(CY, "/exports"), (ANN, "/exports")],
    "exports.records": [(CY, "/exports/records?tool=zotero&stage=full-text&part=queue&form=ris")],
    "exports.back": [(CY, "/exports/return"), (ANN, "/exports/return")],
}
# What is fetched, downloaded or only leads on.
NO_PAGES = {
    *("static", "tokens", "preview.style", "month.icon"),
    *("month.file", "month.report", "full_text.pdf"),
    *("month.now", "exports.records_file", "exports.table", "exports.trials"),
}
# Forms that are sent as they stand: a page, its name, the button, and what the answer says.
SENT = [
    (CY, "/conflicts/record?record={undecided}&stage=" + TA, "main .panel button.primary", "Not saved yet"),
    (CY, "/history/value/studies/new_2026", "main form.stacked button.primary", "Nothing was saved"),
    (CY, "/nothing-here", "", "The desk has no such page"),
]
FITS = "document.documentElement.scrollWidth <= window.innerWidth"
UNFOLD = "() => { for (const part of document.querySelectorAll('details')) part.open = true; }"
# What a bar at the edge of the window covers is reached by scrolling, and is not too small for that.
UNCOVER = """() => { for (const one of document.querySelectorAll("main *"))
  if (getComputedStyle(one).position === "sticky") one.style.position = "static"; }"""
# Forms that nobody can send without script.
MUTE = """() => [...document.querySelectorAll("main form")].filter((form) => ![...form.elements].some(
  (one) => one.type === "submit" && one.checkVisibility({ visibilityProperty: true }))).map((form) => form.outerHTML.slice(0, 200))"""
# What is too small for a finger; a link within a sentence may be, and what lies beside nothing else.
SMALL = """() => [...document.querySelectorAll("button, select, a.button, input:not([type=checkbox], [type=radio], [type=hidden])")]
  .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest(".hidden, .skip") && one.getBoundingClientRect().height < 44)
  .map((one) => one.outerHTML.slice(0, 120))"""


def fill(folder):
    """Let a built review hold every kind of work; what addresses need to know of it."""
    client = Client(folder)
    included = waiting(folder, TA)[0]
    name = one_trial.include(client)
    one_trial.merge(client, name, one_trial.PAIN, one_trial.ANXIETY)
    save(client, ANSWERS | EVIDENCE)
    ask_two(folder)
    config = folder / "config.yaml"
    before = "# Outcome domains that are pooled"
    config.write_text(config.read_text(encoding="utf-8").replace(before, TWO_EXTRACTORS + before))
    undecided, assessed = waiting(folder, TA)[3], waiting(folder, FT)[0]
    _lengthen(folder, waiting(folder, TA)[0], undecided, assessed)
    note = "Adolescents only; the abstract says nothing of pain."
    reason = {"reason": "population", "note": note}
    file(folder, said(undecided, ANN, "include"), said(undecided, BO, "exclude", **reason))
    file(folder, said(assessed, ANN, "include", stage=FT), said(assessed, BO, "exclude", stage=FT, **reason))
    both, draft = _sheets(folder)
    pair = tables.read(folder / f"results/{RUN}/pairs.csv", "pair_queue").iloc[0]
    return {
        "included": included,
        "undecided": undecided,
        "assessed": assessed,
        "both": both,
        "draft": draft,
        "pair": (pair.record_a, pair.record_b),
    }


def _lengthen(folder, *ids):
    for name, schema in (("records.csv", None), ("queue.csv", "queue")):
        path = folder / f"results/{RUN}" / name
        frame = tables.read(path, schema) if schema else tables.read_results(path)
        frame.loc[frame["record_id"].isin(ids), "title"] = LONG
        tables.write(frame, path)


def _sheets(folder):
    """A trial that both extractors say is ready, and one of which one has a draft."""
    ids = include(folder, 3)[1:]
    for one in ids:
        Client(folder, name=ANN).post("/extraction", record_id=one)
    ann, bo = (Sheet(folder, ids[0], name=who) for who in (ANN, BO))
    draft = Sheet(folder, ids[1], name=ANN)
    ann.type(**FACTS).type("pain_intensity", **MEANS).post("ready")
    bo.type(**FACTS | {"guided": "no"}).type("pain_intensity", **MEANS | {"mean_1": "4.4"}).post("ready")
    draft.type(**FACTS).type("pain_intensity", **MEANS | {"mean_1": "42"}).post()
    return ann.name, draft.name


@pytest.fixture(scope="module")
def looked_at(browser, built_once, tmp_path_factory):
    """One desk over one review, with a window of each person, with and without script."""
    folder = tmp_path_factory.mktemp("pages") / "review"
    shutil.copytree(built_once.folder, folder)
    made = fill(folder)
    with served() as start:
        address = start(folder)
        windows, faults = {}, []
        for name, script in ((CY, True), (ANN, True), (BO, True), (CY, False), (ANN, False), (BO, False)):
            windows[name, script] = _window(browser, address, name, script, faults)
        app = Client(folder).app
        yield SimpleNamespace(top=address.split("/?")[0], made=made, windows=windows, faults=faults, app=app)
        for page in windows.values():
            page.context.close()


def _window(browser, address, name, script, faults):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, java_script_enabled=script)
    page = context.new_page()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.goto(address)
    page.goto(address.split("/?")[0] + "/who?then=/who")
    own = page.locator(f"button[value='{name}']")
    if own.count():
        own.click()
    else:
        page.fill("#name", name)
        page.press("#name", "Enter")
    page.wait_for_url("**/who")
    return page


def violations(page, options):
    found = page.evaluate("options => axe.run(document, options)", options)["violations"]
    return [f"{one['id']}: {node['target']}" for one in found for node in one["nodes"]]


def check(page):
    """What is to be said against a page as it is shown, at both widths and in both schemes."""
    page.evaluate(UNFOLD)
    page.evaluate(Axe().axe_script)
    found = []
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate(UNCOVER)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            options = RULES if scheme == "light" else RULES | {"runOnly": OF_COLOURS}
            found += [f"{width} {scheme}: {one}" for one in violations(page, options)]
        if not page.evaluate(FITS):
            found.append(f"{width}: scrolls sideways")
    found += [f"too small for a finger: {one}" for one in page.evaluate(SMALL)]
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="light")
    if page.locator("h1").count() != 1 or not page.title().startswith(page.text_content("h1")):
        found.append(f"h1 and title: {page.locator('h1').all_text_contents()}, {page.title()}")
    return found


def test_no_page_is_forgotten(looked_at):
    asked = {rule.endpoint for rule in looked_at.app.url_map.iter_rules() if "GET" in rule.methods}
    assert set(PAGES) == asked - NO_PAGES
    assert asked >= NO_PAGES


@pytest.mark.parametrize("endpoint", PAGES)
def test_a_page_is_accessible_and_fits_both_widths_in_both_schemes(looked_at, endpoint):
    for name, address in PAGES[endpoint]:
        page = looked_at.windows[name, True]
        answer = page.goto(looked_at.top + address.format(**looked_at.made))
        assert answer.ok, address
        assert (address, check(page)) == (address, [])
    assert looked_at.faults == []


@pytest.mark.parametrize(("name", "address", "button", "words"), SENT)
def test_what_was_not_taken_is_told_on_a_page_like_the_others(looked_at, name, address, button, words):
    page = looked_at.windows[name, True]
    page.goto(looked_at.top + address.format(**looked_at.made))
    if button:
        page.evaluate("() => { for (const form of document.forms) form.noValidate = true; }")
        page.locator(button).first.click()
    page.get_by_text(words).first.wait_for()
    assert check(page) == []
    # Browsers write an answer with an error's status into the console, and nothing else may be there.
    assert [one for one in looked_at.faults if "Failed to load resource" not in one] == []
    looked_at.faults.clear()


def test_without_script_every_page_is_whole_and_every_form_can_be_sent(looked_at):
    for places in PAGES.values():
        for name, address in places:
            without = looked_at.windows[name, False]
            answer = without.goto(looked_at.top + address.format(**looked_at.made))
            assert answer.ok, address
            without.evaluate(UNFOLD)
            assert (address, without.evaluate(MUTE)) == (address, [])
            assert without.locator("h1").count() == 1
    assert looked_at.faults == []
