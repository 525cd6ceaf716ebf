"""How fast and in how much memory PubMed's files are searched, and whether nothing is lost on the way.

Makes a baseline and updates of synthetic records (new, changed, deleted, coming again, in several versions),
runs the rules over them with Snakemake here, and compares what they found with what was put in. The
query is the bundled review's, and one term that files cannot decide. Prints the speed and, last, one line of
JSON; ends with 1 if a record is missing or too many.

    python benchmarks/bulk_scan.py --files 12 --records 30000 --cores 2
"""

import argparse
import csv
import json
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

from search.bulk_files import SNAKEFILE, Series, run, write_workflow  # noqa: E402

# Where Snakemake writes what each job took.
MEASURED = {
    "logs/{name}/scan_bulk.log": "measured/{name}.tsv",
    "logs/bulk/combine_bulk.log": "measured/combine.tsv",
}


def main(argv=None):
    """Make the files, run the rules, compare; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--files", type=int, required=True)
    parser.add_argument("--records", type=int, default=30_000, help="records of each file")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="keep everything here; else a temporary folder")
    options = parser.parse_args(argv)
    if options.folder:
        return measure(options, options.folder)
    with tempfile.TemporaryDirectory() as folder:
        return measure(options, Path(folder))


def measure(options, folder):
    """The same in a given folder."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    query = f"({config['search']['query']}) OR (orchard[ti] AND Utopia[ad])"
    series = Series(folder / "files", files=options.files, records=options.records)
    review = folder / "review"
    write_workflow(review, folder / "files", query)
    measured_rules(review)
    start = time.perf_counter()
    done = run(review, "combine_bulk", cores=options.cores)
    seconds = time.perf_counter() - start
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
        "cores": options.cores,
        "seconds": round(seconds, 1),
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
        f"{result['records']} records in {options.files} files: {result['records_per_second']} a second with"
        f" {options.cores} cores; a scan takes {result['peak_mb_of_a_scan']} MB at most, combining"
        f" {result['peak_mb_of_combining']} MB; {lost} lost, {extra} too many"
    )
    print(json.dumps(result, sort_keys=True))
    return 0 if not lost and not extra and sums else 1


def measured_rules(review):
    """Let the folder's Snakefile use the rules with a benchmark on each job."""
    rules = (ROOT / "rules" / "bulk.smk").read_text(encoding="utf-8").replace('"../', f'"{ROOT}/')
    for log, target in MEASURED.items():
        line = f'            "{log}",\n'
        if rules.count(line) != 1:
            raise SystemExit(f"rules/bulk.smk has no line {line.strip()}")
        rules = rules.replace(line, f'{line}        benchmark:\n            "{target}"\n')
    (review / "bulk.smk").write_text(rules, encoding="utf-8")
    text = SNAKEFILE.format(root=ROOT).replace(f"{ROOT}/rules/bulk.smk", "bulk.smk")
    (review / "Snakefile").write_text(text, encoding="utf-8")


def jobs(review):
    """Seconds and peak memory (MB) of each scan, and of combining."""
    rows = {}
    for path in sorted((review / "measured").glob("*.tsv")):
        with path.open(encoding="utf-8", newline="") as file:
            (line,) = csv.DictReader(file, delimiter="\t")
        rows[path.stem] = {"s": float(line["s"]), "max_rss": float(line["max_rss"])}
    combine = rows.pop("combine")
    return list(rows.values()), combine


if __name__ == "__main__":
    sys.exit(main())
