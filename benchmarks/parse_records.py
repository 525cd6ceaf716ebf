"""How fast PubMed's articles are read here, by Bio.Entrez and by pubmed_parser, on the same file in one run.

    python benchmarks/parse_records.py --make /tmp/records.xml.gz --records 10000 --from FOLDER
    python benchmarks/parse_records.py --file /tmp/records.xml.gz --repeat 3 --peers-path FOLDER

Each contender runs in a process of its own, held to one core ("two cores": to two, with as many processes
that parse). Opening and decompressing the file count, importing does not. The best of the repeats stands;
memory is the largest resident set of any one process. Bio.Entrez reads the whole file at once, as it must;
what it refuses is counted. pubmed_parser reads only compressed files (others are packed for it, uncompressed)
and only articles, no books; it is asked for its authors, its dates and its qualifiers. The project does not
depend on it:

    python -m pip install --target FOLDER pubmed-parser

Prints a table and, last, one line of JSON. Fails if an article was lost here: if the count of articles or
their PMIDs differ from what a plain search of the file's bytes finds.
"""

import argparse
import gzip
import hashlib
import importlib.util
import io
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1] / "scripts"))

HEAD = (
    b'<?xml version="1.0" ?>\n'
    b'<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN"'
    b' "https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">\n<PubmedArticleSet>\n'
)
END = b"</PubmedArticleSet>\n"
WHOLE = re.compile(rb"<(Pubmed(?:Book)?Article)[ \t\r\n>].*?</\1>", re.S)
TOKEN = re.compile(rb"<Pubmed(?:Book)?Article[ \t\r\n>]|<PMID[^>]*>\s*([0-9]+)\s*<")
INSTALL = "not installed: python -m pip install --target FOLDER pubmed-parser, then --peers-path FOLDER"
CONTENDERS = {"ours": 1, "ours on two cores": 2, "Bio.Entrez": 1, "pubmed_parser": 1}


def main():
    """Make a file, or measure one."""
    options = _options()
    if options.contender:
        print(json.dumps(_contend(options)))
        return
    if options.make:
        _make(Path(options.make), options.records, Path(getattr(options, "from")))
        return
    count, digest = _plain_search(options.file)
    print(f"{options.file}: {count} articles, {Path(options.file).stat().st_size / 1e6:.1f} MB")
    results = _measure(options)
    _print_table(results, count)
    lost = [
        name
        for name in ("ours", "ours on two cores")
        if name in results and (results[name]["records"], results[name]["digest"]) != (count, digest)
    ]
    print(json.dumps(_summary(results)))
    if lost:
        sys.exit(f"articles were lost: {', '.join(lost)} did not give the {count} articles of the file")


def _options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--file", help="a PubmedArticleSet, .xml or .xml.gz")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--peers-path", help="folder in which pubmed_parser was installed")
    parser.add_argument("--make", metavar="FILE", help="write a file of real articles instead")
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--from", metavar="DIR", help="folder of PubMed's answers, .xml and .xml.gz")
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.file and not (options.make and getattr(options, "from")):
        parser.error("give --file, or --make with --from")
    return options


def _open(path):
    return gzip.open(path, "rb") if str(path).endswith(".gz") else Path(path).open("rb")


def _plain_search(path):
    """Number of articles, and a digest of their PMIDs, by a search for tags in the bytes."""
    count, digest, rest, wanted = 0, hashlib.sha256(), b"", False
    with _open(path) as file:
        while chunk := file.read(1 << 24):
            data = rest + chunk
            # What lies across two chunks is found with the next one.
            done = 0
            for match in TOKEN.finditer(data, 0, len(data) - 200 if len(chunk) == 1 << 24 else len(data)):
                done = match.end()
                if match[1] is None:
                    count, wanted = count + 1, True
                elif wanted:
                    digest.update(match[1] + b"\n")
                    wanted = False
            rest = data[max(done, len(data) - 200) :]
    return count, digest.hexdigest()


def _measure(options):
    """The best run of each contender."""
    cores = sorted(os.sched_getaffinity(0))
    results = {}
    for _ in range(options.repeat):
        for name, wanted in CONTENDERS.items():
            if wanted > len(cores):
                continue
            run = _run(name, options, cores[:wanted])
            best = results.setdefault(name, run)
            if "seconds" in run and run["seconds"] < best["seconds"]:
                run["peak_mb"] = max(run["peak_mb"], best["peak_mb"])
                results[name] = run
    return results


def _run(name, options, cores):
    command = [sys.executable, str(HERE), "--contender", name, "--file", options.file]
    if options.peers_path:
        command += ["--peers-path", options.peers_path]
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    return json.loads(done.stdout.splitlines()[-1])


def _contend(options):
    """Run as one contender, in a process of its own."""
    name = options.contender
    if name == "Bio.Entrez":
        return _bio_entrez(options.file)
    if name == "pubmed_parser":
        if options.peers_path:
            sys.path.append(options.peers_path)
        if importlib.util.find_spec("pubmed_parser") is None:
            return {"missing": INSTALL}
        return _pubmed_parser(options.file)
    return _ours(options.file, workers=CONTENDERS[name])


def _result(start, records, **more):
    seconds = time.perf_counter() - start
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "records": records,
        "seconds": seconds,
        # With imports; on a busy machine it says more than the time on the clock.
        "cpu_seconds": round(sum(used.ru_utime + used.ru_stime for used in usage), 2),
        "peak_mb": round(max(used.ru_maxrss for used in usage) / 1024, 1),
        **more,
    }


def _ours(path, *, workers):
    from livingreview.search.pubmed import articles  # noqa: PLC0415

    start = time.perf_counter()
    count, digest = 0, hashlib.sha256()
    with _open(path) as file:
        for article in articles.read_parallel(file, workers=workers):
            count += 1
            digest.update(article.pmid.encode() + b"\n")
    return _result(start, count, digest=digest.hexdigest())


def _bio_entrez(path):
    import urllib.request  # noqa: PLC0415

    from Bio import Entrez  # noqa: PLC0415

    def refuse(*_, **__):
        raise OSError("no network in this measurement")

    urllib.request.urlopen = refuse
    start = time.perf_counter()
    try:
        with _open(path) as file:
            return _result(start, _counted(Entrez.read(file, escape=True)))
    except (ValueError, RuntimeError, OSError) as error:
        why = str(error)[:80]
    # It refuses a whole file for one article; then each batch that it can read counts.
    start = time.perf_counter()
    with _open(path) as file:
        found = [match[0] for match in WHOLE.finditer(file.read())]
    read = sum(_read_or_halve(Entrez, found[at : at + 500]) for at in range(0, len(found), 500))
    return _result(start, read, refused=len(found) - read, because=why)


def _counted(found):
    return len(found["PubmedArticle"]) + len(found["PubmedBookArticle"])


def _read_or_halve(entrez, batch):
    """How many articles of a batch are read, where one that is refused takes only itself along."""
    try:
        return _counted(entrez.read(io.BytesIO(HEAD + b"".join(batch) + END), escape=True))
    except (ValueError, RuntimeError, OSError):
        if len(batch) == 1:
            return 0
    middle = len(batch) // 2
    return _read_or_halve(entrez, batch[:middle]) + _read_or_halve(entrez, batch[middle:])


def _pubmed_parser(path):
    import pubmed_parser  # noqa: PLC0415

    with tempfile.NamedTemporaryFile(suffix=".xml.gz") as packed:
        if not str(path).endswith(".gz"):
            with _open(path) as file, gzip.open(packed.name, "wb", compresslevel=0) as target:
                while chunk := file.read(1 << 20):
                    target.write(chunk)
            path = packed.name
        start = time.perf_counter()
        records = pubmed_parser.parse_medline_xml(
            path, year_info_only=False, author_list=True, parse_downto_mesh_subterms=True
        )
        return _result(start, sum(1 for _ in records))


def _print_table(results, count):
    print(f"{'':20} {'articles':>9} {'a second':>9} {'CPU s':>7} {'peak MB':>8}")
    for name, run in results.items():
        if "missing" in run:
            print(f"{name:20} {run['missing']}")
            continue
        speed = run["records"] / run["seconds"]
        refused = f"  refused {run['refused']} ({run['because']})" if "refused" in run else ""
        numbers = f"{run['records']:9d} {speed:9.0f} {run['cpu_seconds']:7.2f} {run['peak_mb']:8.1f}"
        print(f"{name:20} {numbers}{refused}")
    for peer in ("Bio.Entrez", "pubmed_parser"):
        if "seconds" not in results[peer]:
            continue
        theirs = results[peer]["records"] / results[peer]["seconds"]
        for name in ("ours", "ours on two cores"):
            if name in results:
                print(f"{name} to {peer}: {count / results[name]['seconds'] / theirs:.1f} times as fast")


def _summary(results):
    def told(name):
        run = results.get(name)
        if run is None or "missing" in run:
            return run
        speed = round(run["records"] / run["seconds"], 1)
        kept = {name: run[name] for name in ("peak_mb", "cpu_seconds", "records")}
        return {"records_per_second": speed, **kept} | (
            {"refused": run["refused"]} if "refused" in run else {}
        )

    return {
        "ours": {**told("ours"), "two_cores": told("ours on two cores")},
        "bio_entrez": told("Bio.Entrez"),
        "pubmed_parser": told("pubmed_parser"),
    }


def _make(target, records, folder):
    """Write real articles, repeated until there are enough, under a document type that Biopython has.

    Articles that one of the peers cannot read are left out, so that all do the same work; they are counted.
    """
    from Bio import Entrez  # noqa: PLC0415

    found = {}
    for path in sorted([*folder.rglob("*.xml"), *folder.rglob("*.xml.gz")]):
        with _open(path) as file:
            found.update((match[0], path) for match in WHOLE.finditer(file.read()))
    numbered = [body for body in found if TOKEN.search(body, 1) and re.search(rb"<Journal>|<Book>", body)]
    kept = [body for body in numbered if _read_or_halve(Entrez, [body])]
    if not kept:
        sys.exit(f"{folder} holds no articles that can be read")
    with gzip.open(target, "wb", compresslevel=6) if target.suffix == ".gz" else target.open("wb") as file:
        file.write(HEAD)
        for number in range(records):
            file.write(kept[number % len(kept)] + b"\n")
        file.write(END)
    without, refused = len(found) - len(numbered), len(numbered) - len(kept)
    print(
        f"{target}: {records} articles, {len(kept)} different ones of {len(found)} found;"
        f" {without} have no PMID or no journal, {refused} are refused by Bio.Entrez"
    )


if __name__ == "__main__":
    main()
