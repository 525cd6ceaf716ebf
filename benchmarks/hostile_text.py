"""That no text does anything but be read: 200 hostile strings in every text of the report and its files.

Each string stands once in every text field of a made-up review, alone, and the page's elements and addresses
are looked at. Chromium then opens pages in whose fields many strings stand one after the other: no script may
run, no dialog open, nothing be asked for, no rule of the content security policy be broken, no element appear
that the page without hostile text has not. The same strings go through every table that people open in a
spreadsheet: no cell may be a formula, and what is read again must be what was written; and through the other
files: page of versions, feed, digest, citation, crate, figures, the report as data.
Prints a table and, last, a line of JSON; ends with 1 if anything got out.

    python benchmarks/hostile_text.py
    python benchmarks/hostile_text.py --strings 20
"""

import argparse
import copy
import csv
import io
import itertools
import json
import os
import re
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "report"))
sys.path.insert(0, str(Path(__file__).parent))

import example
import openpyxl
import pandas as pd
import yaml
from hostile_strings import STRINGS
from lxml import etree, html
from markdown_it import MarkdownIt
from playwright.sync_api import sync_playwright

from livingreview import tables
from livingreview.living import citation, crate
from livingreview.report import archive, digest, feed, figures, pages, standalone
from livingreview.screening.exchange import writing
from livingreview.trials import workbook
from livingreview.trials.exchange import metapsy

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
WATCH = """
window.broken = [];
document.addEventListener("securitypolicyviolation", (e) => window.broken.push(e.violatedDirective));
"""
ESCAPES = """() => [
  ...[...document.querySelectorAll("*")].flatMap((e) => [...e.attributes]
    .filter((a) => a.name.startsWith("on")).map((a) => `${e.tagName} ${a.name}`)),
  ...[...document.querySelectorAll("[href], [src], [action]")]
    .filter((e) => /^\\s*(javascript|vbscript|data:text.html)/i.test(e.href ?? e.src ?? e.action))
    .map((e) => `${e.tagName} ${e.href}`),
]"""
PER_PAGE = 10  # strings that stand in each field of a page that is opened
# What people write quotes results by key in double braces; a key that is none stops the run before that.
OF_KEYS = {"text.sections.*.body"}
ADDRESSES = ("href", "src", "action", "formaction", "srcdoc", "xlink:href", "background", "data")
# Addresses within the page, beside it, on the web; and the files that travel in it, of these kinds.
ALLOWED = re.compile(r"#|https?://|mailto:|data:(text/csv|application/json|text/markdown)[;,]|[\w./%-]+$")
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")
OF_MARKDOWN = {"html", "body", "main", "h1", "h2", "p", "ul", "li"}
OF_MARKDOWN |= {"table", "thead", "tbody", "tr", "th", "td"}
OF_SVG = {"svg", "style", "title", "desc", "g", "rect", "line", "polygon", "circle", "path", "text", "tspan"}
# What a spreadsheet takes for the beginning of a formula, said apart from the code that is measured.
FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def texts(tree, path=()):
    """(path, text) of every text in nested dicts and lists."""
    if isinstance(tree, dict | list):
        for name, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from texts(value, (*path, name))
    elif isinstance(tree, str):
        yield path, tree


def field(path):
    """The name of a field, without the numbers of rows and the names of outcomes."""
    parts = ["*" if isinstance(part, int) or part in example.CONFIG["outcomes"] else part for part in path]
    return ".".join(map(str, parts))


def planted(context, choose):
    """A copy of the context in which texts are replaced by ``choose(field, text)``."""
    made = copy.deepcopy(context)
    for path, text in list(texts(made)):
        target = made
        for part in path[:-1]:
            target = target[part]
        target[path[-1]] = choose(field(path), text)
    return made


def fields(context, *, names=None):
    """Fields by what the page makes of them: printed, tying rows together, refused, not printed.

    Many fields are planted at once; those of a page that cannot be made, or that has other elements, are
    planted again by halves, until it is known which field did it.
    """
    base = shape(pages.build(context))
    kinds = {"printed": [], "ties": [], "refused": [], "not printed": []}
    left = [names or sorted({field(path) for path, _ in texts(context)})]
    while left:
        some = left.pop()
        words = {name: f"Planted words - {at}." for at, name in enumerate(some)}
        marked = planted(context, words.get)
        try:
            page = pages.build(marked)
        except Exception:  # whatever it is, the page was not made
            page = None
        if page and shape(page) == base:
            for name, planted_words in words.items():
                kinds["printed" if planted_words in page else "not printed"].append(name)
        elif len(some) > 1:
            left += [some[: len(some) // 2], some[len(some) // 2 :]]
        else:
            kinds["ties" if page else "refused"] += some
    return {kind: sorted(found) for kind, found in kinds.items()}


def shape(page):
    """Names of all elements of a page, in order, without links, which an empty address leaves out."""
    return [element.tag for element in html.document_fromstring(page).iter("*") if element.tag != "a"]


def seen(page, known):
    """What a parser finds in a page that is not to be there: elements, attributes, addresses."""
    tree = html.document_fromstring(page)
    out = []
    for element in tree.iter("*"):
        if element.tag not in known:
            out.append(f"element {element.tag}")
        for name, value in element.attrib.items():
            if name.startswith("on"):
                out.append(f"attribute {name}")
            if name in ADDRESSES and not ALLOWED.match(value):
                out.append(f"address {value[:80]!r}")
    if len(tree.xpath("//script")) > 1:
        out.append("another script")
    return out


class Browser:
    """One tab that opens page after page, and what got out of each."""

    def __init__(self, browser, folder):
        self.tab = browser.new_page()
        self.path = folder / "page.html"
        self.out = []
        self.tab.add_init_script(WATCH)
        self.tab.on("dialog", self._dialog)
        self.tab.on("request", self._request)
        self.tab.on("pageerror", lambda error: self.out.append(f"error {error}"))

    def _dialog(self, dialog):
        self.out.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def _request(self, request):
        if request.url != self.path.as_uri():
            self.out.append(request.url)

    def opened(self, page, *, scripts=1):
        """What got out of a page, as short texts; empty if nothing did."""
        self.out.clear()
        self.path.write_bytes(page.encode("utf-8"))
        self.tab.goto(self.path.as_uri())
        ran, broken = self.tab.evaluate("[window.ran ?? null, window.broken]")
        out = ["a script ran"] if ran else []
        out += [f"policy: {rule}" for rule in broken]
        out += self.tab.evaluate(ESCAPES)
        out += [] if self.tab.evaluate("document.scripts.length") == scripts else ["another script"]
        out += [] if self.tab.locator("main#main").count() == 1 else ["the page broke off"]
        return [*self.out, *out]


def check_pages(strings, *, context, texts_of, ties, browser, alone=None, per_page=PER_PAGE):
    """Findings over all pages.

    Parameters
    ----------
    strings : list of str
    context : dict
        As `pages.build` takes it.
    texts_of, ties : list of str
        Fields; and those that tie rows, which have pages of their own, for what they tie falls apart there.
    browser : playwright.sync_api.Browser
    alone : list of str, optional
        The strings that also stand alone in every field; all if left out.
    per_page : int
        How many strings stand in each field of a page that the browser opens.
    """
    found, known = [], set(shape(pages.build(context))) | {"a"}
    alone = strings if alone is None else alone

    def page(what, at):
        at = {where: text.replace("{{", "{") if where in OF_KEYS else text for where, text in at.items()}
        try:
            return pages.build(planted(context, at.get))
        except Exception as error:
            found.append(f"{what}: not built: {type(error).__name__}: {error}"[:300])
            return None

    for turn in range(len(alone)):
        # Each page holds every string, each in another field than on the page before.
        for what, names in (("page", texts_of), ("page of ties", ties)):
            at = {where: alone[(place + turn) % len(alone)] for place, where in enumerate(names)}
            made = page(f"{what} {turn}", at) if at else None
            found += [f"{what} {turn}: {wrong}" for wrong in (seen(made, known) if made else ())]
    blocks = [" ".join(strings[start : start + per_page]) for start in range(0, len(strings), per_page)]
    with tempfile.TemporaryDirectory() as name:
        tab = Browser(browser, Path(name))
        for turn, names in itertools.product(range(len(blocks)), (texts_of, ties)):
            at = {where: blocks[(place + turn) % len(blocks)] for place, where in enumerate(names)}
            made = page(f"opened page {turn}", at) if at else None
            if made:
                wrong = [*tab.opened(made), *seen(made, known)]
                found += [f"opened page {turn}: {what}" for what in wrong]
        tab.tab.close()
    return found


def check_tables(strings):
    """Findings over the CSV files and workbooks that people open."""
    found = []
    frame = pd.DataFrame({"title": strings, "note": strings[::-1], "yi": [-0.5] * len(strings)})
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "results.csv"
        tables.write(frame, path)
        found += [f"results: {cell!r}" for cell in _formulas(path.read_text("utf-8"))]
        back = tables.read_results(path)
        for column in ("title", "note"):
            changed = [a for a, b in zip(frame[column], back[column], strict=True) if a != b]
            found += [f"results, read again: {text!r}" for text in changed]
        found += [] if (back["yi"] == -0.5).all() else ["results: numbers changed"]
    found += [f"Metapsy: {cell!r}" for cell in _formulas(metapsy.to_bytes(frame).decode(), separator=";")]
    found += _exports(strings)
    found += _workbook(strings)
    return found


def check_files(strings):
    """Findings over the other files that a run or a release leaves."""
    found = []
    for text in strings:
        found += [f"digest: {one} of {text!r}" for one in _digested(text)]
        found += [f"figure: {one} of {text!r}" for one in _drawn(text)]
        found += [f"feed: {text!r} is read as {one!r}" for one in _fed(text) if one != feed.printable(text)]
        found += [f"{name}: {text!r} is read otherwise" for name, right in _cited(text) if not right]
    return found


def _digested(text):
    """Elements that a digest has when it is read as Markdown, besides its own."""
    news = example.context()["whats_new"]
    told = news | {
        "statement": [text],
        "fired": [{"label": text, "sentence": text}],
        "waiting": [{"text": text}],
        "runs": [row | {"run": text} for row in news["runs"]],
    }
    page = html.document_fromstring(f"<main>{MARKDOWN.render(digest.digest(told, title=text))}</main>")
    return {one.tag for one in page.iter("*")} - OF_MARKDOWN


def _drawn(text):
    """What a figure as a file holds that is not to be there."""
    style = standalone.light_style(":root { --sans: Arial; --ink: #111; }", "")
    file = standalone.standalone(figures.forest(_forest(text)), style=style, title=text, origin=text)
    for one in etree.fromstring(file.encode("utf-8")).iter("*"):
        name = etree.QName(one).localname
        if name not in OF_SVG:
            yield name
        yield from (key for key in one.attrib if key.startswith("on") or key.endswith("href"))


def _forest(text):
    row = {"yi": -0.3, "ci_low": -0.6, "ci_high": 0.0, "weight": 60.0, "label": text, "new": False}
    pool = {"estimate": -0.3, "ci_low": -0.5, "ci_high": -0.1, "pi_low": -0.9, "pi_high": 0.3, "label": text}
    words = dict.fromkeys(("title", "description", "what", "note", "favours_left", "favours_right"), text)
    about = {"name": "forest", "rows": [row], "pool": pool, "before": pool, "level": 0.95, "zone": 0.1}
    return words | about


def _fed(text):
    """Title and summary of a feed's entry, as a reader has them."""
    entry = {"part": "release/1", "date": "2026-11-01", "updated": "2026-11-01", "link": text}
    review = {"title": text, "authors": [{"name": text}]}
    tree = etree.fromstring(feed.feed([entry | {"title": text, "summary": text}], review, top=""))
    for name in ("title", "summary"):
        yield tree.findtext(f"{{*}}entry/{{*}}{name}")


def _cited(text):
    """(file, whether it gives back a text that the protocol or the note held)."""
    review = {"title": text, "question": text, "demonstration": text, "authors": [{"name": text}]}
    about = {"version": "26.1.0", "run": "2026-11", "frozen_on": "2026-11-28", "note": text}
    cff = yaml.safe_load(citation.cff(about, review))
    yield "CITATION.cff", (cff["title"], cff["authors"]) == (text, [{"name": text}])
    for name, made in (
        (".zenodo.json", citation.zenodo(about, review)),
        (crate.DESCRIPTOR, crate.describe(about, review, {})),
    ):
        yield name, json.loads(tables.to_json(made)) == made


def check_archive(strings, browser):
    """Findings over the page of all versions."""
    found = []
    with tempfile.TemporaryDirectory() as name:
        tab = Browser(browser, Path(name))
        known = set(shape(_archive("plain"))) | {"a"}
        for start in range(0, len(strings), PER_PAGE):
            made = _archive(" ".join(strings[start : start + PER_PAGE]))
            found += [
                f"page of versions: {one}" for one in (*tab.opened(made, scripts=0), *seen(made, known))
            ]
        for text in strings:
            found += [f"page of versions: {one} of {text!r}" for one in seen(_archive(text), known)]
        tab.tab.close()
    return found


def _archive(text):
    """The page of two releases whose texts are all this one."""
    outcome = {"outcome": "pain", "label": text, "k": 1, "n_studies": 1, "estimate": -0.3}
    row = {"row_id": "1", "outcome": "pain", "label": text, "yi": -0.3, "vi": 0.1, "in_pool": True}
    release = {
        "kind": "release",
        "run": "2026-11",
        "frozen_on": "2026-11-28",
        "note": text,
        "citation": text,
        "doi": text,
        "files": ["report.html", "effects.csv"],
        "estimates": pd.DataFrame([outcome | {"ci_low": -0.5, "ci_high": -0.1}]),
        "effects": pd.DataFrame([row]),
    }
    later = {"effects": pd.DataFrame([row | {"yi": -0.4}, row | {"row_id": "2"}])}
    releases = [release | {"version": "26.1.0"}, release | later | {"version": "26.2.0"}]
    review = {"title": text, "demonstration": text}
    return archive.build(releases, {"review": review}, root="../../data/releases", feed="feed.atom")


def _formulas(text, separator=","):
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    cells = [cell for row in rows for cell in row]
    decimal = [cell.replace(",", ".") for cell in cells]
    return [
        cell
        for cell, number in zip(cells, decimal, strict=True)
        if FORMULA.match(cell) and not NUMBER.fullmatch(number)
    ]


def _exports(strings):
    """Formulas in the files for screening programs."""
    columns = ["title", "abstract", "authors", "journal", "keywords", "mesh_terms", "vernacular_title"]
    columns += ["other_abstract"]
    empty = ["pmid", "doi", "year", "volume", "issue", "pages", "language", "duplicate_of"]
    records = pd.DataFrame(
        [
            {"record_id": str(at), **dict.fromkeys(columns, text), **dict.fromkeys(empty)}
            for at, text in enumerate(strings)
        ]
    )
    decisions = pd.DataFrame(columns=tables.columns("screening"))
    found = []
    for tool in (writing.ASREVIEW, writing.RAYYAN):
        made = writing.export(
            records,
            decisions,
            run="2026-11",
            stages=["title-abstract"],
            stage="title-abstract",
            tool=tool,
            form="csv",
        )
        found += [f"{tool}: {cell!r}" for cell in _formulas(made.data.decode("utf-8"))]
    return found


def _workbook(strings):
    """Formulas in a workbook of a sheet whose every free cell holds a string."""
    study = pd.DataFrame([dict.fromkeys(tables.columns("studies"), text) for text in strings])
    outcomes = pd.DataFrame([dict.fromkeys(tables.columns("outcomes"), text) for text in strings])
    registry = pd.DataFrame(columns=tables.columns("instruments"))
    meanings = {"study": dict.fromkeys(study, "x"), "outcomes": dict.fromkeys(outcomes, "x")}
    data = workbook.make(
        "1", study.assign(ready=""), outcomes, registry=registry, protocol=["pain"], meanings=meanings
    )
    found = []
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        sheets = [name for name in file.namelist() if name.startswith("xl/worksheets/")]
        found += [f"workbook: a formula in {name}" for name in sheets if b"<f>" in file.read(name)]
    book = openpyxl.load_workbook(io.BytesIO(data))
    for sheet in ("study", "outcomes"):
        for cell in (cell for row in book[sheet].iter_rows() for cell in row):
            if isinstance(cell.value, str) and FORMULA.match(cell.value) and not cell.quotePrefix:
                found.append(f"workbook: {sheet} {cell.coordinate} {cell.value!r}")
    return found


def main(argv=None):
    """Measure, print, and return 1 if anything got out."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--strings", type=int, default=len(STRINGS), help="how many of the strings")
    options = parser.parse_args(argv)
    strings = STRINGS[: options.strings]
    context = example.context()
    kinds = fields(context)
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not executable:
        print("no Chromium: install Debian's package chromium, or name one in CHROMIUM", file=sys.stderr)
        return 1
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=FLAGS)
        on_pages = check_pages(
            strings,
            context=context,
            # What is not printed as it stands may be part of an address.
            texts_of=kinds["printed"] + kinds["not printed"],
            ties=kinds["ties"],
            browser=browser,
        )
        on_pages += check_archive(strings, browser)
        browser.close()
    in_tables, in_files = check_tables(strings), check_files(strings)
    for line in (*on_pages[:40], *in_tables[:40], *in_files[:40]):
        print(line)
    print("| what | n |\n|---|---:|")
    result = {
        "strings": len(strings),
        **{f"fields, {kind}": len(names) for kind, names in kinds.items()},
        "pages looked at": 2 * len(strings),
        "pages opened": 2 * -(-len(strings) // PER_PAGE),
        "got out of pages": len(on_pages),
        "formulas or changed texts in tables": len(in_tables),
        "got out of other files": len(in_files),
    }
    for what, n in result.items():
        print(f"| {what} | {n} |")
    print(json.dumps(result))
    return 1 if on_pages or in_tables or in_files else 0


if __name__ == "__main__":
    sys.exit(main())
