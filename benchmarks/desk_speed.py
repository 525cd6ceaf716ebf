"""How fast the desk is at a queue of 20,000 records, in Chromium: every page, and screening by keyboard.

Builds the bundled review, adds invented records to its month, half decided before and half waiting,
opens its desk in a process of its own, and works in a real browser: each page cold, warm and after a decision
was filed, then decisions by one key each, from the key to the next record on the screen. Beside the time that
passed stands the processor time of the desk; the page that asks for a name, which reads no table, is the
yardstick. Prints a table and, last, a line of JSON.

    python benchmarks/desk_speed.py                                     20,000 records wait, 1,000 decisions
    python benchmarks/desk_speed.py --reviewers 2                       the same with two reviewers
    python benchmarks/desk_speed.py --records 2000 --decisions 50
"""

import argparse
import contextlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import pandas as pd  # noqa: E402

from livingreview import tables  # noqa: E402
from livingreview.screening.filing import LEDGER  # noqa: E402
from livingreview.search.records import COLUMNS  # noqa: E402
from livingreview.search.sandbox import read_corpus  # noqa: E402

RUN = "2026-11"
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
ABSTRACT_WORDS = 220
NAMES = ("EX", "SECOND")
DIFFER = 20  # of two reviewers one in so many decisions differs
ASKED = (
    "  # reviewers:\n  #   independent: 2\n",
    f"  reviewers:\n    independent: 2\n    names: [{', '.join(NAMES)}]\n",
)
YARDSTICK = "/who"
PAGES = {
    "a plain page (yardstick)": YARDSTICK,
    "this month": "/",
    "screening": "/screening",
    "list": "/screening/list",
    "list, searched": "/screening/list?words=pain+online",
    "full texts": "/full-texts",
    "conflicts": "/conflicts",
    "pairs": "/conflicts/pairs",
    "extraction": "/extraction",
    "what it did to the results": "/effects",
    "risk of bias": "/risk-of-bias",
    "protocol": "/history",
    "decisions": "/history/decisions",
    "decisions, searched": "/history/decisions?words=pain+online",
    "one record's story": "/history/record/10000000",
    "studies and values": "/history/studies",
    "exports": "/exports",
    "exports, records": "/exports/records",
}
FILES = {
    "queue as csv": "/exports/table/queue.csv",
    "decisions as csv": "/exports/table/decisions.csv",
    "queue as xlsx": "/exports/table/queue.xlsx",
}


# What is set to run at the beginning of a frame, and from there as soon as possible, runs when it is painted.
WATCH = """() => { window.told = new Promise((told) => {
  const record = () => document.querySelector("#decide input[name=record]")?.value;
  const shown = record();
  let begin;
  addEventListener("keydown", () => { begin = performance.now(); }, { capture: true, once: true });
  new MutationObserver((_, own) => {
    if (record() === shown) return;
    own.disconnect();
    requestAnimationFrame(() => setTimeout(() => told(performance.now() - begin)));
  }).observe(document, { childList: true, subtree: true });
}); }"""


def main(argv=None):
    """Make, open, work, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--records", type=int, default=20_000, help="that wait; as many are decided (20000)")
    parser.add_argument("--decisions", type=int, default=1000, help="how many are made (1000)")
    parser.add_argument("--views", type=int, default=1000, help="how many pages are opened after them (1000)")
    parser.add_argument("--reviewers", type=int, choices=(1, 2), default=1, help="1, or 2 (1)")
    parser.add_argument("--built", type=Path, help="a copy of the bundled review with its month built")
    args = parser.parse_args(argv)
    with review(args.built) as folder:
        enlarge(folder, n=args.records, reviewers=args.reviewers)
        found = measure(folder, decisions=args.decisions, views=args.views)
    show(found | {"records": args.records, "reviewers": args.reviewers})


@contextlib.contextmanager
def review(built=None):
    """A folder with the bundled review and its month built, or with a copy of one; gone afterwards."""
    with tempfile.TemporaryDirectory() as top:
        folder = Path(top) / "review"
        if built:
            shutil.copytree(built, folder)
        else:
            build(folder)
        yield folder


def build(folder):
    """The bundled review with its month built."""
    folder.mkdir(parents=True)
    shutil.copy2(ROOT / "config.yaml", folder)
    shutil.copytree(ROOT / "data", folder / "data", ignore=shutil.ignore_patterns("sheets", ".*"))
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", folder]
    subprocess.run([*map(str, command), "--cores", "2", "--quiet", "all"], check=True)


def enlarge(folder, *, n, reviewers=1, seed=20161101):
    """Add n records to the queue of the month, and n decided ones to its ledger."""
    rng = random.Random(seed)
    words = [word for row in read_corpus(ROOT / "data/sandbox/records.csv") for word in row["title"].split()]
    rows = [_record(str(10_000_000 + number), rng, words) for number in range(2 * n)]
    results = folder / "results" / RUN
    _add(results / "records.csv", rows, COLUMNS)
    waiting = list(_queue(rows[:n], rng))
    _add(results / "queue.csv", waiting, tables.columns("queue"))
    _add(folder / LEDGER, _decisions(rows[n:], rng, reviewers), tables.columns("screening"))
    status = tables.read_json(results / "status.json")
    told = {"months": 0, "since_run": RUN, "waits_for": None}
    status["waiting"] += [
        told | {name: row[name] for name in ("record_id", "stage", "state", "title")} for row in waiting
    ]
    (results / "status.json").write_text(json.dumps(status), encoding="utf-8")
    if reviewers > 1:
        path = folder / "config.yaml"
        path.write_text(path.read_text(encoding="utf-8").replace(*ASKED, 1), encoding="utf-8")


def _add(path, rows, columns):
    added = pd.DataFrame(rows, columns=list(columns))
    tables.write(pd.concat([tables.read_results(path), added.astype(object)]), path)


def _record(record_id, rng, words):
    return dict.fromkeys(COLUMNS) | {
        "record_id": record_id,
        "pmid": record_id,
        "doi": f"10.1000/{record_id}",
        "title": " ".join(rng.choices(words, k=14)),
        "abstract": " ".join(rng.choices(words, k=ABSTRACT_WORDS)),
        "authors": "Author A; Other B",
        "journal": f"Journal {rng.randrange(300)}",
        "year": str(rng.randrange(1995, 2027)),
        "publication_types": "Journal Article",
        "language": "eng",
        "source": "PubMed",
        "found_in": "PubMed",
        "first_run": RUN,
        "last_run": RUN,
    }


def _queue(rows, rng):
    scores = sorted((rng.gauss(0, 3) for _ in rows), reverse=True)
    for row, score in zip(rows, scores, strict=True):
        yield dict.fromkeys(tables.columns("queue")) | {
            **{name: row[name] for name in ("record_id", "pmid", "title", "authors", "journal", "year")},
            "stage": "title-abstract",
            "state": "new",
            "first_run": RUN,
            "score": round(score, 6),
            "p_full_text": round(min(0.99, max(0.01, 0.5 + score / 20)), 6),
            "band": "read first" if score > 0 else "then",
            "terms": "randomized (+0.74); other reviews: cognitive (-0.67)",
            "model": "ranker",
            "link": f"https://pubmed.ncbi.nlm.nih.gov/{row['pmid']}/",
        }


def _decisions(rows, rng, reviewers):
    for row in rows:
        for name in NAMES[:reviewers]:
            differs = name != NAMES[0] and not rng.randrange(DIFFER)
            yield dict.fromkeys(tables.columns("screening")) | {
                "record_id": row["record_id"],
                "run": RUN,
                "stage": "title-abstract",
                "decision": "include" if differs else "exclude",
                "reason": None if differs else rng.choice(["not_rct", "review"]),
                "reviewer": name,
                "role": "independent reviewer" if reviewers > 1 else None,
                "decided_at": "2026-11-05T10:00:00Z",
            }


def measure(folder, *, decisions, views):
    """Milliseconds and megabytes, as a dict."""
    command = [sys.executable, ROOT / "scripts/open_desk.py", "--directory", folder, "--port", "0"]
    begin = time.perf_counter()
    process = subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True)
    try:
        lines = (re.search(r"http://\S+", line) for line in process.stderr)
        address = next(found[0] for found in lines if found)
        opened = {"opened_s": round(time.perf_counter() - begin, 2)}
        return opened | _work(address, process.pid, decisions, views)
    finally:
        process.terminate()
        process.wait()
        process.stderr.close()


def _work(address, pid, decisions, views):
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  only a measurement needs it

    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    top = address.split("/?")[0]
    with (
        sync_playwright() as driver,
        contextlib.closing(driver.chromium.launch(executable_path=path, args=CHROMIUM)) as browser,
    ):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(address)
        page.fill("#name", NAMES[0])
        page.press("#name", "Enter")
        told = {"pages": [_page(page, pid, top, *one) for one in PAGES.items()]}
        told["files"] = [_file(page, pid, top, *one) for one in FILES.items()]
        page.goto(top + "/screening")
        before = resident(pid)
        cpu = processor(pid)
        took = sorted(_decide(page, "ei"[turn % 2]) for turn in range(decisions))
        cpu = processor(pid) - cpu
        after = resident(pid)
        paths = list(PAGES.values())
        for turn in range(views):
            page.goto(top + paths[turn % len(paths)])
        viewed = resident(pid)
    return told | {
        "decisions": decisions,
        "decision_p50_ms": round(took[len(took) // 2], 1),
        "decision_p95_ms": round(took[int(len(took) * 0.95)], 1),
        "decision_max_ms": round(took[-1], 1),
        "decision_cpu_ms": round(1000 * cpu / decisions, 1),
        "views": views,
        "rss_before_mb": before,
        "rss_after_decisions_mb": after,
        "rss_after_views_mb": viewed,
        "load": [round(one, 1) for one in os.getloadavg()],
    }


def _page(page, pid, top, name, path):
    """One page: cold, warm (the middle of five), and as it is first seen after a decision."""
    cold = _timed(lambda: page.goto(top + path))
    begin = processor(pid)
    warm = sorted(_timed(lambda: page.goto(top + path)) for _ in range(5))
    cpu = (processor(pid) - begin) / 5
    after = []
    for _ in range(3):
        page.goto(top + "/screening")
        _decide(page, "e")
        after.append(_timed(lambda: page.goto(top + path)))
    return name, cold, warm[2], round(1000 * cpu), sorted(after)[1]


def _file(page, pid, top, name, path):
    """One file that is taken away: cold and warm."""
    begin = processor(pid)
    cold, warm = (_timed(lambda: page.request.get(top + path, timeout=0)) for _ in range(2))
    return name, cold, warm, round(1000 * (processor(pid) - begin) / 2), None


def _decide(page, key):
    """One key: milliseconds from its event until the next record is painted, counted by the page itself."""
    page.evaluate(WATCH)
    page.keyboard.press(key)
    return page.evaluate("() => window.told")


def _timed(act):
    begin = time.perf_counter()
    act()
    return round(1000 * (time.perf_counter() - begin), 1)


def resident(pid):
    """Megabytes of memory that a process holds."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) // 1024


def processor(pid):
    """Seconds of processor time that a process has taken, all its threads together."""
    cells = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(cells[11]) + int(cells[12])) / os.sysconf("SC_CLK_TCK")


def show(found):
    """The table, and the line of JSON."""
    print(f"{'milliseconds':28} {'cold':>8} {'warm':>8} {'processor':>10} {'after a decision':>17}")
    for name, cold, warm, cpu, after in found["pages"] + found["files"]:
        print(f"{name:28} {cold:8.0f} {warm:8.0f} {cpu:10} {'' if after is None else round(after):>17}")
    for name, value in found.items():
        if name not in ("pages", "files"):
            print(f"{name:28} {value}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
