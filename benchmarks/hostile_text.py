"""That no text does anything but be read: 200 hostile strings in every text of the report and its tables.

Each string stands once in every text field of a made-up review. Chromium opens every page: no script may run,
no dialog open, nothing be asked for, no rule of the content security policy be broken, no element appear that
the page without hostile text has not. Then the same strings go through every table that people open in a
spreadsheet: no cell may be a formula, and what is read again must be what was written.
Prints a table and, last, a line of JSON; ends with 1 if anything got out.

    python benchmarks/hostile_text.py
    python benchmarks/hostile_text.py --strings 20
"""

import argparse
import copy
import csv
import io
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
from hostile_strings import STRINGS
from lxml import html
from playwright.sync_api import sync_playwright

from livingreview import tables
from livingreview.report import pages
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
    """Fields by what the page makes of them: printed, tying rows together, refused, not printed."""
    base = shape(pages.build(context))
    kinds = {"printed": [], "ties": [], "refused": [], "not printed": []}
    for name in names or sorted({field(path) for path, _ in texts(context)}):
        marked = planted(context, lambda where, text, name=name: "Planted words" if where == name else text)
        try:
            page = pages.build(marked)
        except Exception:  # whatever it is, the page was not made
            kinds["refused"].append(name)
            continue
        same = shape(page) == base
        kinds["printed" if same and "Planted words" in page else "not printed" if same else "ties"].append(
            name
        )
    return kinds


def shape(page):
    """Names of all elements of a page, in order, without links, which an empty address leaves out."""
    return [element.tag for element in html.document_fromstring(page).iter("*") if element.tag != "a"]


def opened(browser, page, folder):
    """What got out of a page, as short texts; empty if nothing did."""
    path = folder / "page.html"
    path.write_bytes(page.encode("utf-8"))
    context = browser.new_context()
    out = []
    try:
        tab = context.new_page()
        tab.add_init_script(WATCH)
        tab.on("dialog", lambda dialog: (out.append(f"dialog {dialog.message}"), dialog.dismiss()))
        tab.on("request", lambda request: out.append(request.url) if request.url != path.as_uri() else None)
        tab.on("pageerror", lambda error: out.append(f"error {error}"))
        tab.goto(path.as_uri())
        ran, broken = tab.evaluate("[window.ran ?? null, window.broken]")
        out += ["a script ran"] if ran else []
        out += [f"policy: {rule}" for rule in broken]
        out += tab.evaluate(ESCAPES)
        out += [] if tab.evaluate("document.scripts.length") == 1 else ["another script"]
        out += [] if tab.locator("main#main").count() == 1 else ["the page broke off"]
    finally:
        context.close()
    return out


def check_pages(strings, *, context, texts_of, ties, browser):
    """Findings over all pages: every string once in every such field, and in the names that tie rows."""
    found = []
    known = set(shape(pages.build(context)))
    with tempfile.TemporaryDirectory() as name:
        for turn, _ in enumerate(strings):
            # Each page holds every string, each in another field than on the page before.
            at = {where: strings[(place + turn) % len(strings)] for place, where in enumerate(texts_of)}
            if ties:
                at[ties[turn % len(ties)]] = strings[turn]
            try:
                page = pages.build(planted(context, lambda where, text, at=at: at.get(where, text)))
            except Exception as error:
                found.append(f"page {turn}: not built: {type(error).__name__}: {error}"[:300])
                continue
            foreign = set(shape(page)) - known
            found += [f"page {turn}: {what}" for what in (*opened(browser, page, Path(name)), *foreign)]
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
        browser.close()
    in_tables = check_tables(strings)
    for line in (*on_pages[:40], *in_tables[:40]):
        print(line)
    print("| what | n |\n|---|---:|")
    result = {
        "strings": len(strings),
        **{f"fields, {kind}": len(names) for kind, names in kinds.items()},
        "pages opened": len(strings),
        "got out of pages": len(on_pages),
        "formulas or changed texts in tables": len(in_tables),
    }
    for what, n in result.items():
        print(f"| {what} | {n} |")
    print(json.dumps(result))
    return 1 if on_pages or in_tables else 0


if __name__ == "__main__":
    sys.exit(main())
