"""What a month costs as a review grows old: month 12 and month 120 of equally many records, at equal news.

Makes a review of the bundled trials and decisions and of invented records, half of them found by its first
search, the rest month by month and decided in the month they came; then runs Snakemake for its last month,
which finds as many new records in either, and for that month once more. The search asks a server on this
computer, at its pace. Prints processor seconds, memory and requests by rule and, last, a line of JSON.

    python benchmarks/cost_over_time.py                                   20,000 records: an hour or two
    python benchmarks/cost_over_time.py --records 2000 --months 12 120
"""

import argparse
import csv
import datetime
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from livingreview.search import snapshot  # noqa: E402
from livingreview.search.pubmed.entrez import Client  # noqa: E402
from livingreview.search.sandbox import Sandbox, read_corpus  # noqa: E402

LAST = (2026, 12)  # the month that is measured, whatever the age of the review
INCLUDED_BY_TITLE = 0.03  # of the invented records; all are excluded in the end, so that the pools stay equal
# Each process of a run writes at its end what it used: user and system seconds, MB, and the script's name.
METER = """
import atexit, os, resource, sys

def _write():
    used = resource.getrusage(resource.RUSAGE_SELF)
    name = os.path.basename(sys.argv[0]) if sys.argv else ""
    with open(os.environ["METER"], "a") as file:
        file.write(f"{used.ru_utime + used.ru_stime:.2f} {used.ru_maxrss // 1024} {name}\\n")

atexit.register(_write)
"""


class NoPace:
    """Lets every request go at once: the past is made on this computer."""

    def wait(self):
        """No wait."""


class FromMemory:
    """A client whose articles were fetched before; it searches as ever."""

    refetches = True

    def __init__(self, client, articles):
        self._client, self._articles = client, articles

    def search(self, query):
        """As the client's."""
        return self._client.search(query)

    def fetch(self, pmids):
        """The articles."""
        return Fetched([self._articles[pmid] for pmid in pmids])


class Fetched(list):
    """Articles, of which none is absent."""

    absent = ()


def months(count):
    """Names of the months up to the last one, in order."""
    last = LAST[0] * 12 + LAST[1] - 1
    return [f"{number // 12}-{number % 12 + 1:02d}" for number in range(last - count + 1, last + 1)]


def day_of(run):
    """The first day of a month."""
    return datetime.date.fromisoformat(f"{run}-01")


def invented(count, *, runs, news, seed, taken):
    """Rows of invented records with the month in which each is found, as (row, run)."""
    rng = random.Random(seed)
    words = [word for row in read_corpus(ROOT / "data/sandbox/records.csv") for word in row["title"].split()]
    later = [runs[1 + number % (len(runs) - 2)] for number in range((count - news) // 2)]
    found = sorted([runs[0]] * (count - news - len(later)) + later) + [runs[-1]] * news
    pmids = sorted(set(rng.sample(range(10_000_000, 41_000_000), count + len(taken))) - taken)[:count]
    rows = []
    for pmid, run in zip(pmids, found, strict=True):
        title = f"Internet intervention for chronic pain: {' '.join(rng.choices(words, k=10))}"
        abstract = f"This trial of pain {' '.join(rng.choices(words, k=180))}"
        before = day_of(run) - datetime.timedelta(days=rng.randrange(1, 28))
        rows.append(
            (
                {
                    "pmid": str(pmid),
                    "title": title,
                    "abstract": abstract,
                    "journal": f"Journal {rng.randrange(300)}",
                    "year": str(rng.randrange(1995, 2026) if run == runs[0] else before.year),
                    "authors": f"Author{rng.randrange(20_000)} A; Author{rng.randrange(20_000)} B",
                    "publication_types": "Journal Article",
                    "mesh_terms": "Chronic Pain; Internet; Humans" if rng.random() < 0.7 else None,
                    "entry_date": before.isoformat(),
                },
                run,
            )
        )
    return rows


def bundled(folder, runs):
    """Copy the bundled review's protocol and people's tables, its runs spread over the months of this one.

    Returns
    -------
    list of dict
        Its records in PubMed, all of which the first search finds.
    """
    data = folder / "data"
    for name in ("decisions", "trials", "certainty", "methods"):
        shutil.copytree(ROOT / "data" / name, data / name)
    shutil.rmtree(data / "trials/sheets", ignore_errors=True)
    # Of other databases everything came with the first search.
    _merge_imports(
        sorted((ROOT / "data/searches").glob("*/imports")), data / "searches" / runs[0] / "imports"
    )
    ids = []
    for path in [data / "decisions/screening.csv", *sorted((data / "trials").glob("*.csv"))]:
        header, rows = _read(path)
        if "run" not in header:
            continue
        if path.name == "screening.csv":
            ids = list(dict.fromkeys(row["record_id"] for row in rows))
            spread = {name: runs[at * (len(runs) - 1) // len(ids)] for at, name in enumerate(ids)}
            rows = sorted(
                (row | {"run": spread[row["record_id"]]} for row in rows), key=lambda row: row["run"]
            )
        else:
            rows = [row | {"run": runs[0]} for row in rows]
        _write(path, header, rows)
    records = read_corpus(ROOT / "data/sandbox/records.csv")
    old = (day_of(runs[0]) - datetime.timedelta(days=40)).isoformat()
    # The query finds them all by this word.
    return [
        row | {"entry_date": min(row["entry_date"], old), "abstract": "It is about pain."} for row in records
    ]


def _merge_imports(folders, target):
    target.mkdir(parents=True, exist_ok=True)
    sources, header = [], []
    for number, folder in enumerate(folders, start=1):
        header, rows = _read(folder / "sources.csv")
        for row in rows:
            name = f"{number}-{row['file']}"
            shutil.copy(folder / row["file"], target / name)
            sources.append(row | {"file": name})
    _write(target / "sources.csv", header, sources)


def _read(path):
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        return list(reader.fieldnames), list(reader)


def _write(path, header, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def decide(folder, rows, *, seed):
    """Decide on every invented record of the past: one in thirty comes to its full text, none is included."""
    rng = random.Random(seed)
    path = folder / "data/decisions/screening.csv"
    header, known = _read(path)
    for row, run in rows:
        one = dict.fromkeys(header, "") | {"record_id": row["pmid"], "run": run, "reviewer": "benchmark"}
        one |= {"decided_at": f"{run}-20"}
        if rng.random() < INCLUDED_BY_TITLE:
            known.append(one | {"stage": "title-abstract", "decision": "include"})
            known.append(one | {"stage": "full-text", "decision": "exclude", "reason": "not_rct"})
        else:
            known.append(one | {"stage": "title-abstract", "decision": "exclude", "reason": "not_rct"})
    _write(path, header, sorted(known, key=lambda row: row["run"]))


def protocol(folder, url):
    """Write the bundled protocol with the query and the server of this benchmark; its search block."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    config["run"] = months(1)[0]
    config["search"] |= {
        "base_url": url,
        "query": "pain[tiab]",
        "acknowledged": [],
        "rise_tolerance_percent": 1000,
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return config["search"]


def make(folder, *, records, age, news, seed):
    """A review of an age, all of whose months but the last are played.

    Returns
    -------
    corpus : list of dict
        What the server of the last month holds.
    port : int
        Where the protocol looks for it.
    """
    runs = months(age)
    (folder / "data").mkdir(parents=True)
    old = bundled(folder, runs)
    rows = invented(
        records - len(old), runs=runs, news=news, seed=seed, taken={int(row["pmid"]) for row in old}
    )
    decide(folder, [one for one in rows if one[1] != runs[-1]], seed=seed)
    corpus = [*old, *(row for row, _ in rows)]
    with Sandbox(corpus, day_of(runs[-1])) as sandbox:
        url, port = sandbox.url, int(sandbox.url.split(":")[2].split("/")[0])
        with _client(url) as client:
            found = client.search(protocol(folder, url)["query"])
            articles = {article.pmid: article for article in client.fetch(found.pmids)}
    search = snapshot.Search.of(protocol(folder, url))
    for run in runs[:-1]:
        with Sandbox(corpus, day_of(run), port=port) as sandbox, _client(sandbox.url) as client:
            snapshot.take(run, folder / "data/searches", FromMemory(client, articles), search)
    return corpus, port


def _client(url):
    return Client(url, tool="benchmark", email="benchmark@example.org", limiter=NoPace(), environ={})


def measure(folder, corpus, port, *, cores):
    """Run the last month, and once more; what each rule used, requests, and the file sizes.

    Returns
    -------
    dict
        ``rules`` (name to processor seconds and MB), ``again`` (the same of the second run), requests,
        n_records, report_mb.
    """
    run = months(1)[0]
    found = {}
    with Sandbox(corpus, day_of(run), port=port) as sandbox:
        found["rules"] = _run(folder, "first", cores)
        found["requests"] = len(sandbox.requests)
        found["again"] = _run(folder, "again", cores)
        found["requests_again"] = len(sandbox.requests) - found["requests"]
    results = folder / "results" / run
    found["n_records"] = len(_read(results / "records.csv")[1])
    found["n_waiting"] = len(_read(results / "queue.csv")[1])
    found["report_mb"] = round((results / "report.html").stat().st_size / 1e6, 1)
    return found


def _run(folder, name, cores):
    meter = folder / f"meter-{name}"
    meter.mkdir()
    (meter / "sitecustomize.py").write_text(METER, encoding="utf-8")
    environ = os.environ | {"PYTHONPATH": str(meter), "METER": str(meter / "used.txt")}
    snakemake = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--directory", str(folder)]
    with (meter / "log.txt").open("wb") as log:
        done = subprocess.run(
            snakemake, cwd=ROOT, env=environ, stdout=log, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode:
        raise SystemExit((meter / "log.txt").read_text(encoding="utf-8")[-3000:])
    used = {}
    for line in (meter / "used.txt").read_text(encoding="utf-8").splitlines():
        seconds, megabytes, script = line.split(" ", 2)
        rule = script.split(".")[-2] if script.endswith(".py") and script != "__main__.py" else "snakemake"
        earlier = used.get(rule, {"seconds": 0.0, "mb": 0})
        used[rule] = {
            "seconds": round(earlier["seconds"] + float(seconds), 2),
            "mb": max(earlier["mb"], int(megabytes)),
        }
    return used


def total(used):
    """Processor seconds of a run."""
    return round(sum(one["seconds"] for one in used.values()), 1)


def main(arguments=None):
    """Make the reviews, measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--months", type=int, nargs="+", default=[12, 120], help="ages to compare")
    parser.add_argument("--news", type=int, default=100, help="new records of the month that is measured")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--most", type=float, default=1.5, help="ratio that may not be reached")
    parser.add_argument("--keep", type=Path, help="a folder in which the reviews are left")
    options = parser.parse_args(arguments)
    found = {}
    with tempfile.TemporaryDirectory() as temporary:
        for age in options.months:
            folder = (options.keep or Path(temporary)) / f"month-{age}"
            made = make(folder, records=options.records, age=age, news=options.news, seed=options.seed)
            found[age] = measure(folder, *made, cores=options.cores)
            print(f"month {age} was measured", file=sys.stderr, flush=True)
    show(found)
    youngest, oldest = found[min(found)], found[max(found)]
    ratio = round(total(oldest["rules"]) / total(youngest["rules"]), 3)
    print(f"month {max(found)} takes {ratio:.2f} times the processor time of month {min(found)}")
    about = {"records": options.records, "news": options.news, "seed": options.seed, "ratio": ratio}
    print(json.dumps(about | {"months": {str(age): summary(one) for age, one in found.items()}}))
    return int(len(found) > 1 and ratio >= options.most)


def summary(one):
    """Of one age, what the last line holds."""
    counts = {
        name: one[name] for name in ("n_records", "n_waiting", "requests", "requests_again", "report_mb")
    }
    return counts | {
        "seconds": total(one["rules"]),
        "seconds_again": total(one["again"]),
        "peak_mb": max(used["mb"] for used in one["rules"].values()),
        "rules": {rule: used["seconds"] for rule, used in sorted(one["rules"].items())},
    }


def show(found):
    """Print the table, dearest rule first."""
    rules = sorted({rule for one in found.values() for rule in one["rules"]})
    rules.sort(
        key=lambda rule: -max(one["rules"].get(rule, {"seconds": 0})["seconds"] for one in found.values())
    )
    print(f"{'processor seconds (MB)':24}" + "".join(f"{f'month {age}':>18}" for age in found))
    for rule in rules:
        cells = [one["rules"].get(rule) for one in found.values()]
        print(f"{rule:24}" + "".join(f"{c['seconds']:10.1f} ({c['mb']:5})" if c else " " * 18 for c in cells))
    for name in ("requests", "requests_again", "report_mb"):
        print(f"{name:24}" + "".join(f"{one[name]:18}" for one in found.values()))
    for title, part in (("whole month", "rules"), ("nothing to do", "again")):
        print(f"{title:24}" + "".join(f"{total(one[part]):18}" for one in found.values()))


if __name__ == "__main__":
    sys.exit(main())
