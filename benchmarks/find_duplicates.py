"""How well duplicates are found here and by two libraries, on the same records, side by side.

Two kinds of sets. *Labelled*: records of other reviews (CSV files, gzipped, with record_id, title, abstract,
year, doi, pmid and is_duplicate). Their labels mark equal titles, so they say how far a method follows that
rule, and no more; but two records with different PMIDs are two articles by PubMed's word, and how many of
those a method unites without seeing the PMIDs is a count of false merges. *Made*: the bundled citations,
copied as another database might hold them (seeded; every fault is listed in `copies`), among records that are
alike and are not the same: meeting abstracts, second parts, errata, replies, protocols. Their volumes and
pages are made up.

The libraries (bib-dedupe, asreview with asreview-datatools) are used where they are installed:

    python benchmarks/find_duplicates.py [--data DIR]

DIR holds the labelled sets. Prints one table per kind and one line of JSON. Precision is the share of merged
pairs that are true, recall the share of true pairs that are merged, caught the share of true pairs merged or
shown to people, asked the number of pairs shown.
"""

import argparse
import contextlib
import csv
import gzip
import importlib.util
import io
import itertools
import json
import random
import sys
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from livingreview.search.linkage import duplicates, likeness  # noqa: E402

SEED = 20261122
SCALE = 50_000


def main():
    """Measure, print, and end with a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of labelled sets")
    args = parser.parse_args()
    csv.field_size_limit(10**9)
    methods = {"here": ours, **({"bib-dedupe": bib_dedupe} if _has("bib_dedupe") else {})}
    methods |= {"asreview": asreview} if _has("asreview") else {}
    result = {"made": {}, "labelled": {}, "seconds": {}}
    print(
        f"{'set':<34}{'method':<12}{'true':>6}{'merged':>8}{'precision':>10}{'recall':>8}{'F1':>7}{'caught':>8}{'asked':>7}"
    )
    for name, (rows, truth) in made().items():
        result["made"][name] = {
            method: report(name, method, find, rows, truth) for method, find in methods.items()
        }
    if args.data:
        pooled = labelled(args.data, methods, result)
        result["seconds"] = scale(pooled)
    print(json.dumps(result, sort_keys=True))


def _has(module):
    return importlib.util.find_spec(module) is not None


def report(name, method, find, rows, truth):
    """One line of the table, and its numbers."""
    started = time.perf_counter()
    merged, asked = find(rows)
    seconds = time.perf_counter() - started
    right = len(merged & truth)
    precision = right / len(merged) if merged else None
    recall = right / len(truth) if truth else None
    f1 = 2 * right / (len(merged) + len(truth)) if merged or truth else None
    caught = len((merged | asked) & truth) / len(truth) if truth else None
    shown = ["-" if value is None else f"{value:.3f}" for value in (precision, recall, f1, caught)]
    print(
        f"{name:<34}{method:<12}{len(truth):>6}{len(merged):>8}{shown[0]:>10}{shown[1]:>8}{shown[2]:>7}{shown[3]:>8}"
        f"{len(asked):>7}"
    )
    return {
        "true": len(truth),
        "merged": len(merged),
        "false": len(merged) - right,
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "caught": caught,
        "asked": len(asked),
        "seconds": round(seconds, 2),
    }


def _pairs(clusters):
    return {tuple(sorted(pair)) for one in clusters for pair in itertools.combinations(one, 2)}


def ours(rows):
    """Merged and asked pairs of this project."""
    found = duplicates.find(rows, [])
    clusters = defaultdict(set)
    for row in rows:
        clusters[found.duplicate_of.get(row["record_id"], row["record_id"])].add(row["record_id"])
    kept = {one: keeper for keeper, members in clusters.items() for one in members}
    members = defaultdict(set)
    for one, keeper in kept.items():
        members[keeper].add(one)
    asked = {
        tuple(sorted((a, b)))
        for pair in found.uncertain
        for a in members[pair.record_a]
        for b in members[pair.record_b]
    }
    return _pairs(clusters.values()), asked


def bib_dedupe(rows):
    """The same of bib-dedupe, by its documented steps; "maybe" pairs are what it would export for people."""
    import pandas as pd  # noqa: PLC0415
    from bib_dedupe.bib_dedupe import block, cluster, match, prep  # noqa: PLC0415

    frame = pd.DataFrame(
        {
            "ID": [row["record_id"] for row in rows],
            "ENTRYTYPE": "article",
            "title": [row["title"] for row in rows],
            "author": [_bibtex_authors(row.get("authors", "")) for row in rows],
            "year": [row.get("year", "") for row in rows],
            "journal": [row.get("journal", "") for row in rows],
            "booktitle": "",
            "volume": [row.get("volume", "") for row in rows],
            "number": [row.get("issue", "") for row in rows],
            "pages": [row.get("pages", "").replace("-", "--") for row in rows],
            "abstract": [row.get("abstract", "") for row in rows],
            "doi": [row.get("doi", "") for row in rows],
        }
    )
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        matched = match(block(prep(frame, cpu=1), cpu=1), cpu=1)
        clusters = cluster(matched) if len(matched) else []
    maybe = matched[matched["duplicate_label"] == "maybe"] if len(matched) else matched
    asked = (
        {tuple(sorted(pair)) for pair in zip(maybe["ID_1"], maybe["ID_2"], strict=True)}
        if len(maybe)
        else set()
    )
    return _pairs(clusters), asked


def _bibtex_authors(authors):
    names = [name.strip() for name in authors.split(";") if name.strip()]
    return " and ".join(", ".join(name.rsplit(" ", 1)) if " " in name else name for name in names)


def asreview(rows):
    """The same of ASReview's rule (equal DOI, else equal title and abstract), which its datatools apply."""
    import pandas as pd  # noqa: PLC0415
    from asreview import ASReviewData  # noqa: PLC0415

    frame = pd.DataFrame(
        {
            "title": [row["title"] for row in rows],
            "abstract": [row.get("abstract", "") for row in rows],
            "doi": [row.get("doi") or None for row in rows],
        }
    )
    repeated = ASReviewData(frame).duplicated(pid="doi")
    by_key, clusters = {}, defaultdict(set)
    for row, again in zip(rows, repeated, strict=True):
        text = " ".join(f"{row['title']} {row.get('abstract', '')}".lower().split())
        keys = [("text", "".join(filter(str.isalnum, text)))] + (
            [("doi", row["doi"])] if row.get("doi") else []
        )
        first = next((by_key[key] for key in keys if key in by_key), None)
        home = first if again and first else row["record_id"]
        clusters[home].add(row["record_id"])
        for key in keys:
            by_key.setdefault(key, home)
    return _pairs(clusters.values()), set()


def labelled(folder, methods, result):
    """Tables of the labelled sets, and all their rows."""
    print("\nLabelled sets; 'PubMed says two' counts merged pairs with different PMIDs")
    pooled, apart_of = [], defaultdict(lambda: defaultdict(int))
    for path in sorted(folder.glob("*.csv.gz")):
        name = path.name.removesuffix(".csv.gz")
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            filled = (row for row in csv.DictReader(file) if row["title"].strip())
            rows = [_labelled_row(row, f"{name}:{number}") for number, row in enumerate(filled)]
        pooled += rows
        pmid = {row["record_id"]: row.pop("known_pmid") for row in rows}
        truth = _truth(rows)
        has_pmids = sum(map(bool, pmid.values())) > len(rows) / 2
        if not truth and not has_pmids:
            continue
        result["labelled"][name] = {}
        for method, find in methods.items():
            memory = {}

            def kept(rows, find=find, memory=memory):
                memory["found"] = find(rows)
                return memory["found"]

            numbers = report(name, method, kept, rows, truth)
            merged = memory["found"][0]
            two = sum(bool(pmid[a]) and bool(pmid[b]) and pmid[a] != pmid[b] for a, b in merged)
            numbers["pubmed_says_two"] = two
            result["labelled"][name][method] = numbers
            for key in ("true", "merged", "false", "asked", "pubmed_says_two"):
                apart_of[method][key] += numbers[key]
    for method, sums in apart_of.items():
        right = sums["merged"] - sums["false"]
        sums |= {"precision": right / max(1, sums["merged"]), "recall": right / max(1, sums["true"])}
        print(
            f"all labelled sets, {method}: " + ", ".join(f"{key} {value:.4g}" for key, value in sums.items())
        )
        result["labelled"].setdefault("all", {})[method] = dict(sums)
    return pooled


def _labelled_row(row, record_id):
    return {
        "record_id": record_id,
        "title": row["title"],
        "abstract": row.get("abstract", ""),
        "year": (row.get("year") or "")[:4],
        "doi": (row.get("doi") or "").lower().removeprefix("https://doi.org/"),
        "known_pmid": row.get("pmid") or "",
        "is_duplicate": row["is_duplicate"],
        "source": "labelled",
    }


def _truth(rows):
    by_title = defaultdict(list)
    for row in rows:
        by_title[likeness.plain(row["title"])].append(row)
    marked = [group for group in by_title.values() if any(row["is_duplicate"] == "1" for row in group)]
    return _pairs([[row["record_id"] for row in group] for group in marked])


def scale(rows):
    """Seconds for many records, and for twice as few, so that the growth can be seen."""
    rows = [row | {"record_id": f"pool:{number}"} for number, row in enumerate(rows)]
    seconds = {}
    for size in (SCALE // 2, SCALE):
        some = random.Random(SEED).sample(rows, min(size, len(rows)))
        started = time.perf_counter()
        found = duplicates.find(some, [])
        seconds[str(len(some))] = round(time.perf_counter() - started, 1)
        print(
            f"{len(some)} pooled records: {seconds[str(len(some))]} s, {len(found.duplicate_of)} merged,"
            f" {len(found.uncertain)} pairs to ask about"
        )
    return seconds


def made():
    """Bundled citations, their copies, and what only looks like a copy: name -> (rows, true pairs)."""
    with (ROOT / "data/sandbox/records.csv").open(encoding="utf-8", newline="") as file:
        base = [row for row in csv.DictReader(file) if row["title"].strip()]
    sets = {}
    for name, faults in FAULTS.items():
        chance = random.Random(f"{SEED} {name}")
        rows, truth = [], set()
        for number, row in enumerate(base):
            original = _original(row, number)
            rows.append(original)
            copied = _copy(original, number, faults, chance)
            rows.append(copied)
            truth.add(tuple(sorted((original["record_id"], copied["record_id"]))))
            rows += _alike(original, number, chance)
        chance.shuffle(rows)
        sets[name] = rows, truth
    return sets


# Each fault with the share of copies that have it.
FAULTS = {
    "copies, DOI kept": {"journal": 0.7, "initials": 0.5, "subtitle": 0.1},
    "copies without DOI": {"doi": 1.0, "journal": 0.7, "initials": 0.5},
    "copies, DOI and pages lost": {"doi": 1.0, "pages": 1.0, "journal": 0.7, "initials": 0.5},
    "copies with many faults": {
        "doi": 0.6,
        "pages": 0.3,
        "journal": 0.7,
        "initials": 0.5,
        "typo": 0.4,
        "cut": 0.15,
        "subtitle": 0.15,
        "year": 0.15,
        "authors": 0.2,
    },
}


def _original(row, number):
    return {
        "record_id": row["pmid"],
        "pmid": row["pmid"],
        "doi": row["doi"].lower(),
        "title": row["title"],
        "authors": row["authors"],
        "journal": row["journal"],
        "year": row["year"],
        "volume": str(10 + number % 60),
        "issue": str(1 + number % 12),
        "pages": f"{100 + 7 * number % 900}-{110 + 7 * number % 900}",
        "publication_types": "Journal Article",
        "source": "PubMed",
    }


def _copy(original, number, faults, chance):
    """The record as another database may hold it: without PMID, with some of the faults."""
    row = {**original, "record_id": f"made:{number}", "pmid": "", "source": "made"}
    struck = {fault for fault, share in faults.items() if chance.random() < share}
    if "doi" in struck:
        row["doi"] = ""
    if "pages" in struck:
        row |= {"volume": "", "pages": ""}
    if "journal" in struck:
        row["journal"] = " ".join(
            word if len(word) < 6 else word[: chance.randint(3, 5)] for word in row["journal"].split()
        )
    if "initials" in struck:
        row["authors"] = "; ".join(
            name.rsplit(" ", 1)[0] + " " + name.rsplit(" ", 1)[1][:1] if " " in name else name
            for name in row["authors"].split("; ")
        )
    if "authors" in struck:
        row["authors"] = ""
    if "subtitle" in struck:
        row["title"] = row["title"].split(": ")[0]
    if "cut" in struck:
        row["title"] = row["title"][: max(30, len(row["title"]) * 2 // 3)]
    if "typo" in struck:
        row["title"] = _typo(row["title"], chance)
    if "year" in struck and row["year"]:
        row["year"] = str(int(row["year"]) + chance.choice([-1, 1]))
    return row


def _typo(title, chance):
    at = chance.randrange(1, max(2, len(title) - 1))
    return chance.choice(
        [
            title[:at] + title[at + 1 :],
            title[:at] + title[at] * 2 + title[at + 1 :],
            title[:at] + "x" + title[at + 1 :],
        ]
    )


def _alike(original, number, chance):
    """Records that share much with another and are not it; each set holds every kind."""
    year = int(original["year"] or 2000)
    blank = {"pmid": "", "doi": "", "source": "made"}
    kind = number % 6
    if kind == 0:  # the meeting abstract of a trial, a year before or in the same year, in a supplement
        return [
            {
                **original,
                **blank,
                "record_id": f"meeting:{number}",
                "journal": chance.choice([original["journal"], "Example Congress Abstracts"]),
                "year": str(year - chance.choice([0, 1])),
                "volume": str(70 + number % 9),
                "pages": f"S{number}",
                "publication_types": chance.choice(["Conference Abstract", "Journal Article"]),
            }
        ]
    if kind == 1:
        parts = [f"{original['title']} Part {part}" for part in ("I", "II")]
        places = [f"{501 + 20 * part}-{515 + 20 * part}" for part in (0, 1)]
        return [
            {**original, **blank, "record_id": f"part:{number}-{part}", "title": title, "pages": pages}
            for part, (title, pages) in enumerate(zip(parts, places, strict=True))
        ]
    if kind == 2:
        return [
            {
                **original,
                **blank,
                "record_id": f"erratum:{number}",
                "title": f"Erratum: {original['title']}",
                "pages": "",
            }
        ]
    if kind == 3:
        return [
            {
                **original,
                **blank,
                "record_id": f"reply:{number}",
                "title": f"Reply to: {original['title']}",
                "authors": "Example RE",
                "pages": "990",
            }
        ]
    if kind == 4:
        return [
            {
                **original,
                **blank,
                "record_id": f"protocol:{number}",
                "title": f"{original['title'].rstrip('.')}: study protocol",
                "year": str(year - 2),
                "journal": "Trials",
                "volume": "3",
                "pages": "77",
            }
        ]
    return [
        {
            **original,
            **blank,
            "record_id": f"follow-up:{number}",
            "title": f"{original['title'].rstrip('.')}: one-year follow-up",
            "year": str(year + 1),
            "volume": str(11 + number % 60),
            "pages": "301-309",
        }
    ]


if __name__ == "__main__":
    main()
