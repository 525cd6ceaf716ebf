"""Pages of the made-up review, opened in a real Chromium that can reach no network."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))

import example

from livingreview.operation import measured
from livingreview.report import pages


@pytest.fixture(scope="session")
def write_report(tmp_path_factory):
    """Writes a review's page where a run writes it, beside the drawing of what the run took."""

    def write(context):
        top, run = tmp_path_factory.mktemp("review"), context["run"]
        path, logs = top / "results" / run / "report.html", top / "logs" / run
        for folder in (path.parent, logs):
            folder.mkdir(parents=True)
        path.write_text(pages.build(context), encoding="utf-8")
        steps = [measured.Step("rank_records", seconds=7.25, cpu_seconds=3.21, peak_mb=240.29)]
        (logs / measured.DRAWING).write_text(measured.drawing(steps), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def report(write_report):
    """The page of the made-up review, as a file."""
    return write_report(example.context())


@pytest.fixture
def open_page(browser):
    """Opens a file at a width and colour scheme; afterwards asserts that nothing but files was asked for."""
    opened, asked, faults = [], [], []

    def make(path, *, width=1280, scheme="light", scripts=True, before=None):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=scripts
        )
        opened.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        if before:
            page.add_init_script(before)
        page.goto(path.as_uri())
        return page

    yield make
    for context in opened:
        context.close()
    assert [url for url in asked if not url.startswith(("file://", "data:"))] == []
    assert faults == []
