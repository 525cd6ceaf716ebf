"""Baseline and update files of an invented PubMed, with what they hold in the end.

All records are plainly synthetic. What must be found is kept in a dict while the files are made, by one rule for
each event, so that it does not rest on the code that reads them.
"""

import gzip
import hashlib
import json
import random
import subprocess
import sys
from pathlib import Path

from livingreview.search.sandbox.citation_xml import article_set

ROOT = Path(__file__).resolve().parents[2]
# The rules for the files, with no more of the review around them than they need.
SNAKEFILE = """
import sys

sys.path.insert(0, "{root}/scripts")

from livingreview.fingerprint import fingerprint

RUN = "2026-11"


configfile: "config.json"


include: "{root}/rules/bulk.smk"
"""
# Kinds of record, told apart by their titles; with a query that asks for affiliations, which files do not decide.
QUERY = "(pain[ti] AND internet[tiab] AND random*[tiab]) OR (orchard[ti] AND Utopia[ad])"
TITLES = {
    "match": "Internet treatment of pain, example {}: a randomised trial",
    "undecided": "Yield of the orchard, example {}",
    "no match": "Internet treatment of an example condition {}: a randomised trial",
    "far": "Soil of the example field {}",
}
SHARES = {"match": 5, "undecided": 2, "no match": 13, "far": 80}
FILLER = (
    "We describe an invented measurement of an invented quantity in an invented place. Samples were taken in"
    " every season and kept dry. The results follow from the numbers given in the tables, which do not exist."
    " Nothing in this text is true of any field, and no conclusion should be drawn from it. "
)


def row(pmid, kind="far", version=1, **cells):
    """A row of the corpus, of one of the kinds of `TITLES`."""
    given = {"entry_date": "2020-01-02", "year": "2020", "journal": "Example J", "language": "eng"}
    return {"pmid": str(pmid), "version": version, "title": TITLES[kind].format(pmid), **given, **cells}


def write_file(folder, number, rows=(), *, deleted=(), year="26", style="MD5({name})= {md5}\n"):
    """One file and its .md5; returns its path."""
    body = article_set(rows)
    if deleted:
        inner = "".join(f'<PMID Version="1">{pmid}</PMID>' for pmid in deleted)
        body = body.replace(
            b"</PubmedArticleSet>", f"<DeleteCitation>{inner}</DeleteCitation></PubmedArticleSet>".encode()
        )
    path = folder / f"pubmed{year}n{number:04d}.xml.gz"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(body, compresslevel=1, mtime=0))
    sign(path, style=style)
    return path


def sign(path, *, style="MD5({name})= {md5}\n"):
    """Write the .md5 of a file as it is now."""
    md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    path.with_name(f"{path.name}.md5").write_text(style.format(name=path.name, md5=md5))


class Series:
    """A baseline and its updates, written into a folder.

    Parameters
    ----------
    folder : path
    files : int
        The last third of them (at least one of two) are updates.
    records : int
        Records of each file.
    seed : int
    """

    def __init__(self, folder, *, files, records, seed=1):
        self._rng = random.Random(seed)
        self._world = {}  # PMID -> (version, number of the file, kind); without those that are deleted
        self._next = 1
        self.deletions = 0
        updates = max(1, files // 3) if files > 1 else 0
        for number in range(1, files + 1):
            if number <= files - updates:
                rows, deleted = [self._new(number) for _ in range(records)], []
            else:
                rows, deleted = self._update(number, records)
            write_file(folder, number, rows, deleted=deleted)

    def expected(self):
        """{(pmid, version, name of the file, state)} of all records that must be found."""
        return {
            (str(pmid), str(version), f"pubmed26n{number:04d}", kind)
            for pmid, (version, number, kind) in self._world.items()
            if kind in ("match", "undecided")
        }

    def existing(self):
        """How many PMIDs there are in the end."""
        return len(self._world)

    def _kind(self):
        return self._rng.choices(list(SHARES), list(SHARES.values()))[0]

    def _put(self, number, pmid, version):
        kind = self._kind()
        held = self._world.get(pmid)
        if held is None or version >= held[0]:
            self._world[pmid] = (version, number, kind)
        return row(pmid, kind, version, abstract=FILLER * self._rng.randint(1, 6))

    def _new(self, number):
        self._next += self._rng.randint(1, 3)
        return self._put(number, self._next, 1)

    def _update(self, number, records):
        """New and changed records, earlier and later versions, the same twice, deletions, and what comes back."""
        rows = []
        for _ in range(records):
            known = self._rng.randint(1, self._next)
            choice = self._rng.random()
            if choice < 0.4:
                rows.append(self._new(number))
            elif choice < 0.8:
                version = self._world.get(known, (1,))[0]
                rows.append(self._put(number, known, version))
            else:
                rows.append(self._put(number, known, self._rng.randint(1, 3)))
        deleted = sorted({self._rng.randint(1, self._next) for _ in range(records // 10)})
        self.deletions += len(deleted)
        for pmid in deleted:
            self._world.pop(pmid, None)
        return rows, deleted


def write_workflow(folder, files, query=QUERY, **options):
    """A folder in which Snakemake runs the rules over a folder of files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Snakefile").write_text(SNAKEFILE.format(root=ROOT), encoding="utf-8")
    config = {"search": {"query": query, "bulk": {"folder": str(files), **options}}}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


def snakemake(folder, *targets, cores=2):
    """The command that runs the rules, as a list."""
    profile = ROOT / "profiles" / "default"
    options = [
        "--cores",
        cores,
        "--profile",
        profile,
        "--directory",
        folder,
        "--snakefile",
        folder / "Snakefile",
    ]
    return list(map(str, [sys.executable, "-m", "snakemake", *options, "--", *targets]))


def run(folder, *targets, cores=2):
    """Run the rules; returns the finished process with its output as text."""
    return subprocess.run(
        snakemake(folder, *targets, cores=cores), capture_output=True, text=True, check=False
    )
