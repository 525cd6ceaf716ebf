"""Searches under faults: each must end in the exact, complete snapshot or in a clear failure without one.

    python benchmarks/search_faults.py --sequences 200 --seed 1
    python benchmarks/search_faults.py --kills 50 --seed 1

The first month is searched in peace. The second, in which records have entered, changed and vanished, is
searched once in peace, for comparison, and then again and again while the sandbox misbehaves (--sequences) or
the searching process is killed at a random moment and started again (--kills). A snapshot that differs in one
byte from the undisturbed one counts as a loss. The window of the search is made small, so that every search
is split into parts. The last line is one JSON object; the exit status is 1 if anything was lost.
"""

import argparse
import datetime
import json
import logging
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from livingreview.errors import ReviewError  # noqa: E402
from livingreview.search import sandbox, snapshot  # noqa: E402
from livingreview.search.pubmed import entrez  # noqa: E402
from livingreview.search.sandbox import faults  # noqa: E402

WINDOW = 60
RECORDS = 150
FAULTS = sorted(faults.FAULTS)
QUERY = "pain[ti]"
FIRST, SECOND = "2026-10", "2026-11"


def main(arguments=None):
    """Run the drill that was asked for; the exit status."""
    options = _options(arguments)
    if options.child:
        return _child(Path(options.child), options.port)
    logging.disable(logging.CRITICAL)  # of the failures that are planted
    try:
        result = _drill(options)
    finally:
        logging.disable(logging.NOTSET)
    for name, counts in result.items():
        print(name)
        for what, number in counts.items():
            print(f"  {what:<40}{number:>6}" if not isinstance(number, dict) else f"  {what}")
            for inner, inner_number in number.items() if isinstance(number, dict) else ():
                print(f"    {inner:<38}{inner_number:>6}")
    lost = sum(counts["lost"] for counts in result.values())
    print(json.dumps({**result, "lost": lost, "seed": options.seed}))
    return 1 if lost else 0


def _drill(options):
    result = {}
    with tempfile.TemporaryDirectory() as folder:
        drill = Drill(Path(folder))
        if options.sequences:
            result["sequences"] = drill.sequences(options.sequences, seed=options.seed)
        if options.kills:
            result["kills"] = drill.kills(options.kills, seed=options.seed)
    return result


class Drill:
    """Two months of a search over synthetic records, and the snapshot that the second must give."""

    def __init__(self, folder):
        self._folder = folder
        self._months = {FIRST: rows(RECORDS), SECOND: later_rows(RECORDS)}
        self._first = folder / "first"
        self._take(self._first, FIRST)
        peace = self._copy("peace")
        self._take(peace, SECOND)
        self._expected = _content(peace / SECOND)

    def sequences(self, number, *, seed):
        """Search the second month under `number` random sequences of faults; counts of what came of it."""
        chance = random.Random(seed)
        ends, used, causes = Counter(), Counter(), Counter()
        for index in range(number):
            rate = chance.choice((0.05, 0.15, 0.3, 0.6, 1.0))
            planted = [chance.choice(FAULTS) if chance.random() < rate else None for _ in range(60)]
            used.update(fault for fault in planted if fault)
            place = self._copy(f"sequence-{index}")
            try:
                self._take(place, SECOND, planted=planted)
            except ReviewError as error:
                clean = str(error).strip() and not _leftovers(place)
                ends["clear failure, nothing left" if clean else "lost"] += 1
                causes[type(error).__name__] += 1
            else:
                ends["exact snapshot" if _content(place / SECOND) == self._expected else "lost"] += 1
            shutil.rmtree(place)
        return {
            "sequences": number,
            "faults planted": used.total(),
            "exact snapshot": ends["exact snapshot"],
            "clear failure, nothing left": ends["clear failure, nothing left"],
            "failures by kind": dict(sorted(causes.items())),
            "lost": ends["lost"],
        }

    def kills(self, number, *, seed):
        """Kill the search of the second month `number` times, then let it run; counts of what came of it."""
        chance = random.Random(seed)
        ends = Counter()
        with self._sandbox(SECOND) as server:
            longest = self._timed(server.url)
            for index in range(number):
                place = self._copy(f"kill-{index}")
                process = self._start(place, server.url)
                time.sleep(chance.random() * longest)
                process.kill()
                process.wait()
                whole = (place / SECOND / snapshot.FOLDER).exists()
                if whole and _content(place / SECOND) != self._expected:
                    ends["lost"] += 1
                    continue
                ends["killed after the end" if whole else "killed before the end"] += 1
                again = 0 if whole else self._start(place, server.url).wait()
                if again != 0 or _content(place / SECOND) != self._expected or _partial_files(place):
                    ends["lost"] += 1
                shutil.rmtree(place)
        return {"kills": number, **dict(sorted(ends.items())), "lost": ends["lost"]}

    def _timed(self, url):
        """Seconds from the start of a search to its snapshot."""
        place = self._copy("timed")
        process = self._start(place, url)
        began = time.monotonic()
        while not (place / SECOND / snapshot.FOLDER).exists():
            if process.poll() not in (None, 0):
                raise SystemExit("the undisturbed search failed")
            time.sleep(0.001)
        took = time.monotonic() - began
        process.wait()
        return took

    def _start(self, place, url):
        """Start a search in a process of its own; returns when it is about to begin."""
        port = url.split(":")[2].split("/")[0]
        process = subprocess.Popen(
            [sys.executable, __file__, "--child", str(place), "--port", port],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        process.stdout.readline()
        process.stdout.close()
        return process

    def _copy(self, name):
        place = self._folder / name
        shutil.copytree(self._first, place)
        return place

    def _sandbox(self, run, **options):
        day = datetime.date.fromisoformat(f"{run}-01")
        return sandbox.Sandbox(self._months[run], day, window=WINDOW, **options)

    def _take(self, place, run, *, planted=()):
        with self._sandbox(run, faults=planted) as server:
            _search(place, run, server.url)


class _NoLimit:
    def wait(self):
        """The sandbox grants any rate here."""


def _search(place, run, url):
    quick = {"sleep": lambda _: None, "jitter": lambda: 0.0, "environ": {}, "limiter": _NoLimit()}
    options = {"tool": "drill", "email": "drill@example.org", "timeout": (2.0, 0.3), "time_limit": 2.0}
    with entrez.Client(url, window=WINDOW, **options, **quick) as client:
        snapshot.take(run, place, client, _protocol())


def _child(place, port):
    print("ready", flush=True)
    _search(place, SECOND, f"http://127.0.0.1:{port}{sandbox.PATH}")
    return 0


def _protocol():
    return snapshot.Search(
        query=QUERY, base_url="sandbox", drop_tolerance=20, rise_tolerance=50, absent_tolerance=5
    )


def rows(number):
    """Synthetic records of the first month."""
    return [_row(1000 + 7 * index, index) for index in range(number)]


def later_rows(number):
    """The same a month later: some have changed, one is retracted, some are gone, some are new."""
    kept = [dict(row) for row in rows(number) if int(row["pmid"]) % 49]
    for row in kept[::20]:
        row["mesh_terms"] = "Chronic Pain"
    kept[3]["notices"] = "RetractionIn:999999"
    return kept + [_row(900_000 + index, index) | {"entry_date": "2026-10-20"} for index in range(12)]


def _row(pmid, index):
    empty = dict.fromkeys(
        ("doi", "journal", "authors", "publication_types", "mesh_terms", "registry_ids", "language")
    )
    return {
        "pmid": str(pmid),
        "title": f"Synthetic record {index} about pain",
        "year": "2020",
        "entry_date": "2020-01-01",
        "entry_date_basis": "synthetic",
        "source": "synthetic",
        **empty,
    }


def _content(run):
    """Every file of a run's snapshot by name."""
    return {path.name: path.read_bytes() for path in sorted((run / snapshot.FOLDER).iterdir())}


def _leftovers(place):
    return list((place / SECOND).glob("*"))


def _partial_files(place):
    # The copy of a provenance from which a later start restores it is kept on purpose.
    return [path for path in place.rglob("*.partial") if path.name != snapshot.KEPT]


def _options(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sequences", type=int, default=0, help="random sequences of faults")
    parser.add_argument("--kills", type=int, default=0, help="kills at random moments")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--port", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if not (options.sequences or options.kills or options.child):
        parser.error("say what to do: --sequences N, --kills N, or both")
    return options


if __name__ == "__main__":
    sys.exit(main())
