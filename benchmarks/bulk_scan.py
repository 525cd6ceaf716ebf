"""How fast and in how much memory PubMed's files are searched, and whether nothing is lost on the way.

Makes a baseline and updates of synthetic records (new, changed, deleted, coming again, in several versions),
runs the rules over them with Snakemake here, and compares what they found with what was put in. The
query is the bundled review's, and one term that files cannot decide. Prints the speed and, last, one line of
JSON; ends with 1 if a record is missing or too many.

    python benchmarks/bulk_scan.py --files 12 --records 30000 --cores 2

With --sample, the records of a real file are repeated, each with a PMID of its own, until one file is full,
and that is scanned in this process: what a file of NLM's takes. NLM publishes samples of its baseline.

    python benchmarks/bulk_scan.py --sample pubmedsample19n0001.xml.gz --records 30000

With --combine, scans of so many files are put together, without the files: what all of PubMed takes.

    python benchmarks/bulk_scan.py --combine 1500 --records 30000
"""

import argparse
import csv
import gzip
import json
import re
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

from search.bulk_files import Series, run, sign, write_workflow  # noqa: E402

from livingreview.search import query as query_check  # noqa: E402
from livingreview.search.pubmed import bulk  # noqa: E402


def main(argv=None):
    """Make the files, run the rules, compare; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--files", type=int, help="synthetic files")
    what.add_argument("--combine", type=int, help="scans without files")
    what.add_argument("--sample", type=Path, help="a real file of PubMed's, packed")
    parser.add_argument("--records", type=int, default=30_000, help="records of each file")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="keep everything here; else a temporary folder")
    options = parser.parse_args(argv)
    task = measure_sample if options.sample else measure_combining if options.combine else measure
    if options.folder:
        return task(options, options.folder)
    with tempfile.TemporaryDirectory() as folder:
        return task(options, Path(folder))


def measure_sample(options, folder):
    """Scan one file that is made of a real one's records; prints what it took."""
    path = folder / "pubmed26n0001.xml.gz"
    repeat(options.sample, path, records=options.records)
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    tree = query_check.check(config["search"]["query"]).tree
    start = time.process_time()
    about = bulk.scan(path, tree, seen_path=folder / "seen.npy", kept_path=folder / "kept.xml.gz")
    result = {
        "records": about["records"],
        "megabytes": round(about["bytes"] / 1e6, 1),
        "megabytes_of_xml": round(unpacked(path) / 1e6, 1),
        "cpu_seconds": round(time.process_time() - start, 1),
        "peak_mb": peak_mb(),
        "megabytes_of_seen": round((folder / "seen.npy").stat().st_size / 1e6, 2),
    }
    print(", ".join(f"{name.replace('_', ' ')} {value}" for name, value in result.items()))
    print(json.dumps(result, sort_keys=True))
    return 0 if about["records"] == options.records else 1


def measure_combining(options, folder):
    """Put scans together, the last eighth of which are of updates; prints what it took."""
    rng = np.random.default_rng(1)
    baseline = options.combine - options.combine // 8
    scans = []
    for number in range(options.combine):
        seen = np.zeros(options.records, dtype=bulk.SEEN)
        new = np.arange(options.records) + 1 + number * options.records
        known = rng.integers(1, baseline * options.records, options.records)
        seen["pmid"] = new if number < baseline else known
        # One in ten thousand matches, as in a review with 4,000 records.
        seen["version"], seen["state"] = 1, rng.random(options.records) < 1e-4
        np.save(folder / f"{number}.npy", seen)
        scans.append(bulk.Scan(folder / f"{number}.npy", np.zeros(0, dtype=np.int64)))
    start = time.process_time()
    combined = bulk.combine(scans)
    result = {
        "files": options.combine,
        **{name: combined.counts[name] for name in ("records", "distinct", "match")},
        "cpu_seconds": round(time.process_time() - start, 1),
        "peak_mb": peak_mb(),
    }
    print(", ".join(f"{name.replace('_', ' ')} {value}" for name, value in result.items()))
    print(json.dumps(result, sort_keys=True))
    return 0 if result["distinct"] == baseline * options.records else 1


def peak_mb():
    """Most memory that this process has had."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def repeat(sample, path, *, records):
    """Write a file of so many records by repeating those of another, numbered anew, and its .md5."""
    whole = gzip.decompress(sample.read_bytes())
    articles = re.findall(rb"<PubmedArticle>.*?</PubmedArticle>", whole, re.S)
    with gzip.open(path, "wb", compresslevel=6) as file:
        file.write(whole[: whole.index(b"<PubmedArticle>")])
        for number in range(records):
            article = articles[number % len(articles)]
            file.write(re.sub(rb"(<PMID [^>]*>)\d+", rb"\g<1>%d" % (number + 1), article, count=1) + b"\n")
        file.write(b"</PubmedArticleSet>\n")
    sign(path)


def measure(options, folder):
    """The same in a given folder."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    query = f"({config['search']['query']}) OR (orchard[ti] AND Utopia[ad])"
    series = Series(folder / "files", files=options.files, records=options.records)
    review = folder / "review"
    write_workflow(review, folder / "files", query)
    start, cpu = time.perf_counter(), cpu_seconds()
    done = run(review, "combine_bulk", cores=options.cores)
    seconds, cpu = time.perf_counter() - start, cpu_seconds() - cpu
    if done.returncode != 0:
        print(done.stdout + done.stderr, file=sys.stderr)
        return 1
    with (review / "results/bulk/found.csv").open(encoding="utf-8", newline="") as file:
        found = {tuple(line.values()) for line in csv.DictReader(file)}
    counts = json.loads((review / "results/bulk/bulk.json").read_text(encoding="utf-8"))["counts"]
    expected = series.expected()
    lost, extra = len(expected - found), len(found - expected)
    scans, combine = jobs(review)
    result = {
        "files": options.files,
        "records": counts["records"],
        "megabytes": round(sum(path.stat().st_size for path in (folder / "files").glob("*.gz")) / 1e6, 1),
        "megabytes_of_xml": round(sum(map(unpacked, (folder / "files").glob("*.gz"))) / 1e6, 1),
        "cores": options.cores,
        "seconds": round(seconds, 1),
        # Of all jobs and of Snakemake; unlike the time, it says little of what else the computer does.
        "cpu_seconds": round(cpu, 1),
        "records_per_second": round(counts["records"] / seconds),
        "records_per_second_of_a_job": round(counts["records"] / sum(one["s"] for one in scans)),
        "peak_mb_of_a_scan": max(one["max_rss"] for one in scans),
        "peak_mb_of_combining": combine["max_rss"],
        "found": len(found),
        "lost": lost,
        "extra": extra,
        "existing": series.existing(),
        "counts": counts,
    }
    sums = counts["match"] + counts["undecided"] + counts["no_match"] == series.existing()
    print(
        f"{result['records']} records ({result['megabytes_of_xml']} MB of XML) in {options.files} files:"
        f" {result['records_per_second']} a second with {options.cores} cores,"
        f" {result['cpu_seconds']} seconds of CPU in all; a scan takes {result['peak_mb_of_a_scan']} MB at"
        f" most, combining {result['peak_mb_of_combining']} MB; {lost} lost, {extra} too many"
    )
    print(json.dumps(result, sort_keys=True))
    return 0 if not lost and not extra and sums else 1


def cpu_seconds():
    """CPU time of all processes that this one has started and waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def unpacked(path):
    """Bytes of a gzipped file before it was packed, which its last four bytes say (below 4 GB)."""
    return int.from_bytes(path.read_bytes()[-4:], "little")


def jobs(review):
    """Seconds and peak memory (MB) of each scan, and of combining."""
    scans = sorted((review / "logs").glob("*/measured/scan_bulk.tsv"))
    return [_job(path) for path in scans], _job(review / "logs/bulk/measured/combine_bulk.tsv")


def _job(path):
    with path.open(encoding="utf-8", newline="") as file:
        (line,) = csv.DictReader(file, delimiter="\t")
    return {"s": float(line["s"]), "max_rss": float(line["max_rss"])}


if __name__ == "__main__":
    sys.exit(main())
