"""How many requests a search of any size takes, and that none of its records is lost.

A sandbox on this computer serves invented records; the client searches and fetches them all without keeping
PubMed's pace. Prints a table and, last, a line of JSON; ends with 1 if a record is lost, foreign or altered.

    python benchmarks/search_size.py --hits 50000
    python benchmarks/search_size.py --hits 50000 --order shuffled
"""

import argparse
import datetime
import json
import math
import random
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from livingreview.search.pubmed.entrez import BATCH, WINDOW, Client, EntrezError
from livingreview.search.sandbox import Sandbox
from livingreview.search.sandbox.eutilities import ORDERS

DAY = datetime.date(2026, 1, 1)
NEWEST = 41_000_000  # about the highest PMID of 2026
OLDEST = datetime.date(1970, 1, 1).toordinal()


class NoPace:
    """Lets every request go at once: the sandbox grants any rate."""

    def wait(self):
        """No wait."""


def records(hits, seed):
    """Invented rows with distinct random PMIDs; the higher, the later they entered, but for one in 300."""
    rng = random.Random(seed)
    rows = []
    for pmid in rng.sample(range(1, NEWEST), hits):
        share = rng.random() if rng.randrange(300) == 0 else pmid / NEWEST
        day = datetime.date.fromordinal(OLDEST + int(share * (DAY.toordinal() - 1 - OLDEST)))
        rows.append({"pmid": str(pmid), "title": title(pmid), "entry_date": day.isoformat()})
    return rows


def title(pmid):
    """The invented title of a record."""
    return f"Example record {pmid}"


def measure(hits, *, seed, order):
    """Search and fetch; the measured values as a dict, with what went wrong under "problems"."""
    rows = records(hits, seed)
    expected = {row["pmid"] for row in rows}
    result = {"hits": hits, "seed": seed, "order": order, "problems": []}
    with (
        Sandbox(rows, DAY, order=order) as sandbox,
        Client(
            sandbox.url, tool="benchmark", email="benchmark@example.org", limiter=NoPace(), environ={}
        ) as client,
    ):
        try:
            start = time.perf_counter()
            found = client.search("example[ti]")
            searched = time.perf_counter()
            fetching = client.fetch(found.pmids)
            came, altered = set(), []
            for article in fetching:
                came.add(article.pmid)
                if article.title != title(article.pmid):
                    altered.append(article.pmid)
            fetched = time.perf_counter()
        except EntrezError as error:
            return {**result, "problems": [str(error)]}
        services = [request.service for request in sandbox.requests]
    result["problems"] = [
        f"{len(pmids)} {what}, such as {min(pmids, key=int)}"
        for what, pmids in [
            ("not found", expected - set(found.pmids)),
            ("found that do not exist", set(found.pmids) - expected),
            ("not fetched", expected - came),
            ("called absent", set(fetching.absent)),
            ("altered", altered),
        ]
        if pmids
    ]
    if len(found.pmids) != found.count or found.count != hits:
        result["problems"].append(f"count {found.count}, listed {len(found.pmids)}, of {hits}")
    return result | {
        "esearch": services.count("esearch.fcgi"),
        "esearch_minimum": max(1, math.ceil(hits / WINDOW)),
        "efetch": services.count("efetch.fcgi"),
        "efetch_minimum": math.ceil(hits / BATCH),
        "other_requests": len(services) - services.count("esearch.fcgi") - services.count("efetch.fcgi"),
        "parts": len(found.parts),
        "search_s": round(searched - start, 2),
        "fetch_s": round(fetched - searched, 2),
        # Of the sandbox, which holds all records, and the client together.
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def main(arguments=None):
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hits", type=int, nargs="+", default=[9_999, 10_000, 50_000])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--order", choices=ORDERS, default="uid", help="in which ESearch lists; default: uid")
    options = parser.parse_args(arguments)
    results = [measure(hits, seed=options.seed, order=options.order) for hits in options.hits]
    print("   hits  order     ESearch (minimum)  EFetch (minimum)  others  search s  fetch s  lost or wrong")
    for one in results:
        if "esearch" not in one:
            print(f"{one['hits']:7}  {one['order']:8}  failed")
            continue
        print(
            f"{one['hits']:7}  {one['order']:8}  {one['esearch']:7} ({one['esearch_minimum']:7})"
            f"  {one['efetch']:6} ({one['efetch_minimum']:7})  {one['other_requests']:6}"
            f"  {one['search_s']:8.2f}  {one['fetch_s']:7.2f}  {len(one['problems'])}"
        )
    for one in results:
        for problem in one["problems"]:
            print(f"{one['hits']} hits: {problem}", file=sys.stderr)
    print(json.dumps(results))
    return 1 if any(one["problems"] for one in results) else 0


if __name__ == "__main__":
    sys.exit(main())
