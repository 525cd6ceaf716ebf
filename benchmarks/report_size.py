"""How long the report of a large review takes to build and to open: 500 studies, 10 outcomes, 50,000 records.

The review is made up and seeded; each outcome is pooled by the real code, and the files of the run go through
the rule's own script in a process of its own, whose time and peak memory are measured. Chromium then opens
the page: measured are the moment at which the document is complete and that at which a click has sorted a
table and the result is drawn, best of three, and the processor time of the page's own thread, which other
programs on the machine do not lengthen. Limits: 60 s and 2 GB to build, 2 s until a click is answered.
Prints a table and, last, a line of JSON; ends with 1 if a limit is passed.

    python benchmarks/report_size.py
    python benchmarks/report_size.py --share 1     # every study in every outcome
"""

import argparse
import json
import os
import pickle
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "report"))

import build_report

LIMITS = {"build_s": 60, "build_MB": 2000, "interactive_s": 2}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
WORDS = [
    "internet",
    "treatment",
    "pain",
    "trial",
    "people",
    "week",
    "control",
    "outcome",
    "scale",
    "sleep",
    "program",
    "course",
    "clinic",
    "web",
]
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def review(*, studies, outcomes, records, share, seed):
    """The context of a made-up review of this size; each outcome has its share of the studies."""
    import example  # noqa: PLC0415 - the process that builds the page must not hold it

    rng = random.Random(seed)
    declared = {f"outcome_{n}": {"label": f"Outcome {n}", "short": f"Outcome {n}"} for n in range(outcomes)}
    # The four outcomes that the example speaks of by name, and further ones.
    names = [*example.VALUES, *declared][:outcomes]
    reporting = {name: sorted(rng.sample(range(studies), round(share * studies))) for name in names}
    # The example's trial that was added last is the sixth of its first outcome.
    example.VALUES = {name: [rng.gauss(-0.3, 0.25) for _ in rows] for name, rows in reporting.items()}
    example.CONFIG["outcomes"] |= {name: declared[name] for name in names if name in declared}
    effect, study = example._effect, example._study

    def effect_of(outcome, index, value):
        at = reporting[outcome][index] if outcome in reporting else index
        row = effect(outcome, index, value)
        about = {
            "study": f"example_{at}",
            "label": f"Example {1990 + at % 35} ({at})",
            "vi": 0.02 + index % 40 / 400,
        }
        return row | about | {"source": f"Example {at}, table {1 + index % 4}"}

    def study_of(index):
        return study(index) | {
            "year": str(1990 + index % 35),
            "title": sentence(rng, 14),
            "registry_ids": None,
        }

    example._effect, example._study = effect_of, study_of
    context = example.context()
    context["studies"] = [study_of(index) for index in range(studies)]
    context["records"] = [record(rng, number) for number in range(1, records + 1)]
    context["decisions"] = [
        {"record_id": str(number), "reviewer": "E. X."} for number in range(1, records - 300)
    ]
    context["queue"] = [
        context["queue"][0] | {"record_id": str(number)} for number in range(records - 300, records)
    ]
    waiting = context["status"]["waiting"][0]
    context["status"]["waiting"] = [waiting | {"record_id": row["record_id"]} for row in context["queue"]]
    context["events"] = [example.event("2026-11", str(number), "MeSH added") for number in range(1, 2001)]
    return context


def sentence(rng, n_words):
    """Invented words."""
    return " ".join(rng.choices(WORDS, k=n_words)).capitalize()


def record(rng, number):
    """An invented record with an abstract of the usual length."""
    return {
        "record_id": str(number),
        "pmid": str(number),
        "title": sentence(rng, 14),
        "abstract": sentence(rng, 220),
        "authors": "Example A; Example B",
        "journal": "Example J",
        "year": str(1990 + number % 35),
        "source": "PubMed",
        "duplicate_of": None,
    }


def built(job, folder):
    """Seconds and megabytes that the rule's script takes in a process of its own."""
    path = folder / "job.pickle"
    path.write_bytes(pickle.dumps(job))
    command = [sys.executable, __file__, "--build", str(path)]
    made = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(made.stdout.splitlines()[-1])


def build(path):
    """Run the rule's script on a stored job; print its time and the peak of this process's memory."""
    job = pickle.loads(Path(path).read_bytes())
    start = time.perf_counter()
    build_report.main(job)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(json.dumps({"build_s": round(seconds, 1), "build_MB": round(peak)}))


def opened(path, executable, *, repeat=3):
    """Seconds until the document is complete, and until a click has sorted a table and that is drawn."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=FLAGS)
        found = [_opened(browser, path) for _ in range(repeat)]
        browser.close()
    return {what: round(min(one[what] for one in found), 2) for what in found[0]}


def _opened(browser, path):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    counters = page.context.new_cdp_session(page)
    counters.send("Performance.enable", {"timeDomain": "threadTicks"})
    start = time.perf_counter()
    page.goto(path.as_uri(), wait_until="domcontentloaded")
    complete = time.perf_counter() - start
    page.evaluate("document.querySelector('table.sortable thead button').click()")
    page.evaluate(DRAWN)
    answered = time.perf_counter() - start
    counted = {one["name"]: one["value"] for one in counters.send("Performance.getMetrics")["metrics"]}
    sorted_by = page.locator("th[aria-sort]").count()
    page.close()
    if not sorted_by:
        raise RuntimeError("the click sorted nothing")
    return {"complete_s": complete, "interactive_s": answered, "processor_s": counted["TaskDuration"]}


def main(argv=None):
    """Measure, print, and return 1 if a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--studies", type=int, default=500)
    parser.add_argument("--outcomes", type=int, default=10)
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--share", type=float, default=0.5, help="studies per outcome")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="copy the page here")
    parser.add_argument("--build", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.build:
        build(options.build)
        return 0
    import test_build_report  # noqa: PLC0415

    size = {name: getattr(options, name) for name in ("studies", "outcomes", "records", "share", "seed")}
    start = time.perf_counter()
    context = review(**size)
    pooled = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        job = SimpleNamespace(
            input=test_build_report.on_disk(folder, context),
            output=test_build_report.outputs(folder),
            params=SimpleNamespace(run=context["run"], config=context["config"], code=""),
        )
        result = size | {"effects": len(context["effects"]), "made_and_pooled_s": round(pooled, 1)}
        del context
        result |= built(job, folder)
        page = job.output.report
        result["page_MB"] = round(page.stat().st_size / 1e6, 2)
        executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
        if executable:
            result |= opened(page, executable)
        else:
            print("no Chromium: install Debian's package chromium, or name one in CHROMIUM", file=sys.stderr)
        if options.keep:
            shutil.copy(page, options.keep)
    print("| what | measured | limit |\n|---|---:|---:|")
    for what, value in result.items():
        print(f"| {what} | {value} | {LIMITS.get(what, '')} |")
    print(json.dumps(result))
    return int(any(result.get(what, float("inf")) > limit for what, limit in LIMITS.items()))


if __name__ == "__main__":
    sys.exit(main())
