"""How fast the desk is at a queue of 20,000 records, measured in Chromium: screening by keyboard.

Makes a review of the bundled protocol with invented records, half of them decided before and as many waiting,
opens its desk in a process of its own, and screens in a real browser: the first page, then decisions by one
key each, from the key to the next record on the screen. Prints a table and, last, a line of JSON.

    python benchmarks/desk_speed.py                                     20,000 records wait, 500 decisions
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
from livingreview.search.records import COLUMNS  # noqa: E402
from livingreview.search.sandbox import read_corpus  # noqa: E402

RUN = "2026-11"
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
ABSTRACT_WORDS = 220


def main(argv=None):
    """Make, open, screen, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--records", type=int, default=20_000, help="that wait; as many are decided (20000)")
    parser.add_argument("--decisions", type=int, default=500, help="how many are made (500)")
    parser.add_argument(
        "--keep", type=Path, help="a folder for the review, which is used again if it is there"
    )
    args = parser.parse_args(argv)
    with contextlib.ExitStack() as stack:
        folder = args.keep or Path(stack.enter_context(tempfile.TemporaryDirectory())) / "review"
        if not folder.exists():
            make(folder, n=args.records)
        found = measure(folder, decisions=args.decisions)
    show(found | {"records": args.records})


def make(folder, *, n, seed=20161101):
    """A review with a queue of n records, and a ledger of n others."""
    rng = random.Random(seed)
    words = [word for row in read_corpus(ROOT / "data/sandbox/records.csv") for word in row["title"].split()]
    folder.mkdir(parents=True)
    shutil.copy2(ROOT / "config.yaml", folder)
    shutil.copytree(ROOT / "data", folder / "data", ignore=shutil.ignore_patterns("searches", "sheets", ".*"))
    rows = [_record(str(10_000_000 + number), rng, words) for number in range(2 * n)]
    results = folder / "results" / RUN
    tables.write(pd.DataFrame(rows, columns=list(COLUMNS)), results / "records.csv")
    tables.write(pd.DataFrame(_queue(rows[:n], rng), columns=tables.columns("queue")), results / "queue.csv")
    ledger = pd.DataFrame(_decisions(rows[n:], rng), columns=tables.columns("screening"))
    tables.write(ledger, folder / "data/decisions/screening.csv")


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


def _decisions(rows, rng):
    for row in rows:
        yield dict.fromkeys(tables.columns("screening")) | {
            "record_id": row["record_id"],
            "run": "2026-10",
            "stage": "title-abstract",
            "decision": "exclude",
            "reason": rng.choice(["not_rct", "review"]),
            "reviewer": "EX",
            "decided_at": "2026-10-05T10:00:00Z",
        }


def measure(folder, *, decisions):
    """Milliseconds and megabytes, as a dict."""
    command = [sys.executable, ROOT / "scripts/open_desk.py", "--directory", folder, "--port", "0"]
    process = subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True)
    try:
        begin = time.perf_counter()
        lines = (re.search(r"http://\S+", line) for line in process.stderr)
        address = next(found[0] for found in lines if found)
        opened = time.perf_counter() - begin
        return {"opened_s": round(opened, 2)} | _screen(address, process.pid, decisions)
    finally:
        process.terminate()
        process.wait()


def _screen(address, pid, decisions):
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  only a measurement needs it

    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=CHROMIUM)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(address)
        page.fill("#name", "EX")
        page.press("#name", "Enter")
        top = address.split("/?")[0]
        cold = _timed(lambda: page.goto(top + "/screening"))
        warm = sorted(_timed(lambda: page.goto(top + "/screening")) for _ in range(5))
        listed = sorted(
            _timed(lambda: page.goto(top + "/screening/list?words=pain+online")) for _ in range(3)
        )
        page.goto(top + "/screening")
        before = resident(pid)
        took = [_timed(lambda: _decide(page, "e")) for _ in range(decisions // 2)]
        middle = resident(pid)
        took += [_timed(lambda: _decide(page, "i")) for _ in range(decisions - decisions // 2)]
        after = resident(pid)
        browser.close()
    took.sort()
    return {
        "first_page_cold_ms": cold,
        "first_page_ms": warm[2],
        "search_ms": listed[1],
        "decision_p50_ms": took[len(took) // 2],
        "decision_p95_ms": took[int(len(took) * 0.95)],
        "decision_max_ms": took[-1],
        "decisions": decisions,
        "rss_before_mb": before,
        "rss_middle_mb": middle,
        "rss_after_mb": after,
    }


def _decide(page, key):
    """One key, and the next record on the screen."""
    shown = page.input_value("#decide input[name=record]")
    page.keyboard.press(key)
    page.wait_for_function(
        "shown => { const one = document.querySelector('#decide input[name=record]');"
        " return one && one.value !== shown && document.readyState !== 'loading'; }",
        arg=shown,
    )


def _timed(act):
    begin = time.perf_counter()
    act()
    return round(1000 * (time.perf_counter() - begin), 1)


def resident(pid):
    """Megabytes of memory that a process holds."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) // 1024


def show(found):
    """The table, and the line of JSON."""
    for name, value in found.items():
        print(f"{name:22} {value}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
