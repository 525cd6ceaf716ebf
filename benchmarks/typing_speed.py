"""How soon the desk answers a value that is typed: from the last key to the drawn effect, in Chromium.

Builds the bundled review, includes a record, opens its sheet at a desk in a process of its own, types a
result on pain, and then types its mean anew, again and again: each time until what the checks say and the
forest plot with the new effect stand on the page. Prints a line of JSON.

    python benchmarks/typing_speed.py
    python benchmarks/typing_speed.py --values 100 --built FOLDER      a copy with its month built
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "benchmarks")]

import pandas as pd  # noqa: E402
from desk_speed import CHROMIUM, RUN, processor, review  # noqa: E402

from livingreview import tables  # noqa: E402
from livingreview.screening.filing import LEDGER  # noqa: E402

RESULT = {
    "instrument": "NRS",
    "arm_1": "internet CBT",
    "arm_2": "waiting list",
    "n_1": "50",
    "mean_1": "3.1",
    "sd_1": "2.0",
    "n_2": "48",
    "mean_2": "4.2",
    "sd_2": "2.1",
    "page": "7",
}
# From the last input to the first frame after the drawing was put in.
WATCH = """field => { window.drawn = new Promise(told => {
  let last = 0;
  field.addEventListener("input", () => { last = performance.now(); });
  const seen = () => requestAnimationFrame(() => told(performance.now() - last));
  new MutationObserver((_, own) => { own.disconnect(); seen(); })
    .observe(document.getElementById("preview"), { childList: true });
}); }"""


def main(argv=None):
    """Make, open, type, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--values", type=int, default=60, help="how many are typed (60)")
    parser.add_argument("--built", type=Path, help="a copy of the bundled review with its month built")
    args = parser.parse_args(argv)
    with review(args.built) as folder:
        include(folder)
        print(json.dumps(measure(folder, values=args.values)))


def include(folder):
    """Include the first record of the queue at both stages."""
    record = tables.read_results(folder / "results" / RUN / "queue.csv")["record_id"].iloc[0]
    given = {
        "record_id": record,
        "run": RUN,
        "decision": "include",
        "reviewer": "EX",
        "decided_at": "2026-11-05",
    }
    rows = [given | {"stage": stage} for stage in ("title-abstract", "full-text")]
    frame = pd.DataFrame(rows, columns=tables.columns("screening"), dtype=object)
    tables.append(frame, folder / LEDGER, "screening")


def measure(folder, *, values):
    """Milliseconds, as a dict."""
    command = [sys.executable, ROOT / "scripts/open_desk.py", "--directory", folder, "--port", "0"]
    process = subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True)
    try:
        lines = (re.search(r"http://\S+", line) for line in process.stderr)
        address = next(found[0] for found in lines if found)
        return _work(address, process.pid, values)
    finally:
        process.terminate()
        process.wait()
        process.stderr.close()


def _work(address, pid, values):
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  only a measurement needs it

    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with (
        sync_playwright() as driver,
        contextlib.closing(driver.chromium.launch(executable_path=path, args=CHROMIUM)) as browser,
    ):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(address)
        page.fill("#name", "EX")
        page.press("#name", "Enter")
        page.goto(address.split("/?")[0] + "/extraction")
        page.click("ul.trials form button")
        field = _result(page).locator("[name$='.mean_1']")
        page.wait_for_selector("#preview tr.marked")
        begin, took = processor(pid), []
        for turn in range(values):
            field.select_text()
            field.evaluate(WATCH)
            page.keyboard.type(f"3.{turn % 9 + 1}{turn % 7 + 1}")
            took.append(page.evaluate("drawn"))
        cpu = processor(pid) - begin
    took.sort()
    return {
        "values": values,
        "drawn_p50_ms": round(took[len(took) // 2]),
        "drawn_p95_ms": round(took[int(len(took) * 0.95)]),
        "drawn_max_ms": round(took[-1]),
        "cpu_ms": round(1000 * cpu / values),
        "load": [round(one, 1) for one in os.getloadavg()],
    }


def _result(page):
    """The row of pain intensity, filled in."""
    row = page.locator("details.row", has=page.locator("input[name$='.outcome'][value='pain_intensity']"))
    row.evaluate("row => { row.open = true; }")
    row.locator("[name$='.way']").select_option("means_sd")
    for column, text in RESULT.items():
        row.locator(f"[name$='.{column}']").fill(text)
    return row


if __name__ == "__main__":
    main()
