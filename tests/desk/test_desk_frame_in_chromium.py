"""What all pages of the desk share, in a real Chromium: its look, its keys, and what it does without script."""

import pytest
from browser.test_report_page import violations

SIZES = [(1280, "light"), (390, "dark")]
PARTS = """() => {
  const main = document.querySelector("main");
  main.insertAdjacentHTML("beforeend", `
    <p class="told">Filed.</p><p class="stopped">Not filed.</p>
    <form id="try"><p class="field"><label for="note">Note</label><textarea id="note" data-key="t"></textarea></p>
    <p class="buttons"><button type="button" class="primary" data-key="i">Include</button>
    <button type="button" data-key="e" data-help="exclude it">Exclude</button>
    <button type="button" class="quiet" data-key="s" disabled>Skip</button>
    <a class="button" href="#there" data-key="ArrowRight n">Next</a></p>
    <label><input type="checkbox" data-key="h"> Marked terms</label></form>
    <h2>Beside</h2><div class="beside"><dl class="rows"><div><dt>reason</dt><dd>population</dd></div></dl>
    <div class="scroll" role="region" aria-label="Studies" tabindex="0"><table><thead><tr><th scope="col">Study</th>
    <th scope="col">Year</th></tr></thead><tbody><tr><td>Smith</td><td>2001</td></tr></tbody></table></div></div>`);
  window.pressed = [];
  for (const button of main.querySelectorAll("button")) {
    button.addEventListener("click", () => window.pressed.push(button.firstChild.textContent.trim()));
  }
  document.dispatchEvent(new Event("desk:changed"));
}"""


@pytest.fixture
def parts(open_desk, built_once):
    """Opens a page that holds each shared element, at a width and in a scheme."""

    def make(**options):
        page = open_desk(built_once.folder, path="/who", **options)
        page.evaluate(PARTS)
        page.evaluate("document.activeElement.blur()")
        return page

    return make


@pytest.fixture
def stopped(browser, serve, built_once):
    """Opens a page that the desk answers with an error, which browsers write into their console."""
    contexts = []

    def make(path, *, width, scheme):
        address = serve(built_once.folder)
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.goto(address)
        page.fill("#name", "EX")
        page.press("#name", "Enter")
        page.goto(address.split("/?")[0] + path)
        return page

    yield make
    for context in contexts:
        context.close()


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_axe_finds_nothing_in_what_pages_share(parts, width, scheme):
    page = parts(width=width, scheme=scheme)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.keyboard.press("?")
    assert violations(page) == []


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_axe_finds_nothing_in_what_was_not_taken(stopped, width, scheme):
    page = stopped("/who", width=width, scheme=scheme)
    page.fill("#name", "A long name")
    page.evaluate("document.querySelector('[name=csrf_token]').value = 'stale'")
    page.press("#name", "Enter")
    assert page.text_content("h1") == "Send it once more"
    assert page.text_content("dd") == "A long name"
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.click("text=Send it again as EX")
    assert page.text_content(".person a").strip() == "At the desk: A long name; change"
    page.goto(page.url.split("?")[0].rstrip("/") + "/nothing-here")
    assert page.text_content("h1") == "Not Found"
    assert violations(page) == []


def test_a_key_presses_what_names_it_unless_somebody_types(parts):
    page = parts()
    for key in ("i", "e", "s", "x", "i"):
        page.keyboard.press(key)
    assert page.evaluate("window.pressed") == ["Include", "Exclude", "Include"]
    page.keyboard.press("t")
    page.keyboard.type("ie?")
    assert page.input_value("#note") == "ie?"
    assert page.evaluate("window.pressed.length") == 3
    page.keyboard.press("Escape")
    page.keyboard.press("Control+i")
    page.keyboard.press("h")
    assert page.is_checked("input[type=checkbox]")
    page.keyboard.press("ArrowRight")
    assert page.url.endswith("#there")
    assert page.evaluate("window.pressed.length") == 3


def test_keys_are_shown_on_buttons_and_listed_under_a_question_mark(parts):
    page = parts()
    assert page.locator("main button kbd").all_text_contents() == ["i", "e", "s"]
    assert page.get_attribute("#try .primary", "aria-keyshortcuts") == "i"
    page.keyboard.press("?")
    rows = page.locator("dialog dl div").all_inner_texts()
    assert [row.split("\n") for row in rows] == [
        ["g", "This month"],
        ["?", "these keys"],
        ["t", "Note"],
        ["i", "Include"],
        ["e", "exclude it"],
        ["→ or n", "Next"],
        ["h", "Marked terms"],
    ]
    page.keyboard.press("i")
    assert page.evaluate("window.pressed") == []
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="detached")
    page.keyboard.press("i")
    assert page.evaluate("window.pressed") == ["Include"]


def test_one_can_sign_in_and_look_around_without_script(browser, serve, built_once):
    address = serve(built_once.folder)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    page.fill("#name", "EX")
    page.press("#name", "Enter")
    assert page.text_content("nav [aria-current]") == "This month"
    assert page.is_hidden("#show-keys")
    assert "token" not in page.url
    page.click("nav >> text=Exports")
    assert page.text_content("h1") == "Exports"
    context.close()


def test_a_title_of_a_review_is_text_whatever_it_holds(open_desk, built):
    text = built.path("config.yaml").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("  title: "))
    hostile = "<img src=x onerror=document.title=1><script>document.title=2</script>"
    built.path("config.yaml").write_text(text.replace(line, f"  title: '{hostile}'"), encoding="utf-8")
    page = open_desk(built.folder, path="/who")
    assert hostile in page.text_content(".review")
    assert page.title() == f"Who is at the desk? · {hostile}"
    assert page.locator("header img, header script").count() == 0


def test_what_was_typed_and_not_sent_is_asked_about_before_it_is_left(open_desk, built_once):
    page = open_desk(built_once.folder, path="/who")
    page.evaluate("document.querySelector('main form').dataset.keep = ''")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.click("nav >> text=Exports")
    page.go_back()
    page.evaluate("document.querySelector('main form').dataset.keep = ''")
    page.click("#name")
    page.keyboard.type("typed")
    page.click("nav >> text=Exports")
    page.wait_for_url("**/exports")
    assert asked == ["beforeunload"]
