"""PubMed's baseline and update files: a query put to every record of them, file by file.

NLM publishes the whole of PubMed each December as a baseline and adds a file of new, changed and deleted
records every day; the numbering runs on from the baseline. `scan` reads one file, so that a cluster can read
many at once; `combine` puts the results in the order of the files: the highest version of a record wins, of
equal versions the later one, then a file's deletions are carried out. A PMID that was deleted and comes again
in a later file exists.

What a query means on records is in `matching`; what differs from a search in PubMed is listed in the result.
"""

import contextlib
import csv
import gzip
import hashlib
import io
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from livingreview import tables
from livingreview.errors import InputError, problem
from livingreview.search.pubmed import articles
from livingreview.search.query.matching import Predicate

NAME = re.compile(r"pubmed(\d{2})n(\d{4,})")
ENDING = ".xml.gz"
AGAIN = "download the file and its .md5 again"
MATCH, UNDECIDED = "match", "undecided"
STATES = (None, MATCH, UNDECIDED)
# One entry for each record of a file, in its order; `state` is a place in `STATES`.
SEEN = np.dtype([("pmid", "<i4"), ("version", "<i2"), ("state", "i1")])
NEVER, DELETED = -1, -2  # in the place of a state: a PMID that no file has, or that a file took away
BLOCK = 1 << 21  # PMIDs that are followed at a time: some 30 MB, however many files there are
CHUNK = 1 << 20  # bytes read at a time
FOUND_COLUMNS = ["pmid", "version", "file", "state"]
HEAD = b'<?xml version="1.0" encoding="utf-8"?>\n<PubmedArticleSet>\n'
TAIL = b"</PubmedArticleSet>\n"


@dataclass(frozen=True)
class Listing:
    """The files of a folder.

    Attributes
    ----------
    year : str
        Two digits, the year of the baseline.
    names : tuple of str
        Such as "pubmed26n0001", in the order of their numbers.
    missing : tuple of str
        Names that the numbering leaves out.
    """

    year: str
    names: tuple
    missing: tuple


@dataclass(frozen=True)
class Scan:
    """What a scan saw, left on disk until it is looked at: all of PubMed's would be 300 MB.

    Attributes
    ----------
    path : Path
        The array of `SEEN`.
    deleted : array of int
        PMIDs that the file deletes.
    """

    path: Path
    deleted: np.ndarray

    @property
    def records(self):
        return np.load(self.path, allow_pickle=False)


@dataclass(frozen=True)
class Combined:
    """What the files of a folder say together.

    Attributes
    ----------
    found : structured array
        One row for each record that matches or is undecided, by PMID: pmid, version, state (as `SEEN`), file
        (its place among the scans) and position (its place in that file).
    counts : dict
        See `combine`.
    """

    found: np.ndarray
    counts: dict


@dataclass(frozen=True)
class Answers:
    """What a search in the files gives in the place of PubMed's answers.

    Attributes
    ----------
    query : str
    pmids : tuple of str
        The records found, by number.
    undecided : tuple of str
        Records that the files cannot decide; they are among `pmids` only if they were asked for.
    counts : dict
        See `combine`.
    limits : list of dict
        Terms that are not carried out as PubMed does; see `matching.Limit`.
    files : list of dict
        Each file with its MD5 and its counts, in order.
    missing : tuple of str
        Files that the numbering leaves out.
    sources : tuple of Path
        The documents that hold the records.
    """

    query: str
    pmids: tuple
    undecided: tuple
    counts: dict
    limits: list
    files: list
    missing: tuple
    sources: tuple

    def articles(self):
        """Yields each record of `pmids` as livingreview.search.pubmed.articles.Article, not in order."""
        for path in self.sources:
            yield from _articles_of(path)


def listing(folder, *, allow_gaps=False):
    """The files of a folder, in order.

    Raises
    ------
    InputError
        If there are none; if they are of two years (a new baseline replaces the old one as a whole); if the
        numbering does not begin at 1 or leaves numbers out, unless that is allowed; if a file's ``.md5`` is
        missing, or a name is not one that NLM gives.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(folder, problem="there is no such folder", hint="see search: bulk: folder")
    paths = sorted(path for path in folder.iterdir() if path.name.endswith(ENDING))
    stems = [path.name.removesuffix(ENDING) for path in paths]
    known = sorted((int(match[2]), match[1], match[0]) for match in map(NAME.fullmatch, stems) if match)
    _check_names(folder, stems, known)
    numbers = {number: name for number, _, name in known}
    year = known[0][1]
    missing = tuple(
        f"pubmed{year}n{number:04d}" for number in range(1, max(numbers) + 1) if number not in numbers
    )
    if missing and not allow_gaps:
        raise InputError(
            folder,
            problem=f"{len(missing)} files are missing",
            found=f"{', '.join(missing[:5])}{' and others' if len(missing) > 5 else ''}",
            hint="download them; search: bulk: allow_gaps: true goes on without",
        )
    without = [name for _, _, name in known if not _md5_path(folder / f"{name}{ENDING}").is_file()]
    if without:
        raise InputError(
            folder,
            problems=[problem("its MD5 is missing", found=f"{name}{ENDING}", hint=AGAIN) for name in without],
        )
    return Listing(year, tuple(name for _, _, name in known), missing)


def verify(path):
    """The MD5 of a file, once it is what the ``.md5`` beside it says.

    Raises
    ------
    InputError
        If there is no such file beside it, it cannot be read, is another file's, or differs.
    """
    path = Path(path)
    beside = _md5_path(path)
    if not beside.is_file():
        raise InputError(path, problem="its MD5 is missing", allowed=beside.name, hint=AGAIN)
    declared = _declared_md5(beside, path.name)
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    if digest.hexdigest() != declared:
        raise InputError(
            path, problem="its MD5 differs", found=digest.hexdigest(), allowed=declared, hint=AGAIN
        )
    return declared


def scan(path, tree, *, seen_path, kept_path):
    """Put a query to every record of one file.

    Parameters
    ----------
    path : path
        A file of the baseline or an update file, with its ``.md5`` beside it.
    tree : Term, Range or Join
        The query.
    seen_path : path
        Written: an array of `SEEN`, every record in the order of the file (.npy).
    kept_path : path
        Written: a PubmedArticleSet of the records that match or are undecided, in the order of the file, each
        as it came (.xml.gz).

    Returns
    -------
    dict
        The file's name, bytes and MD5, how many records it has, how many match and are undecided, and the
        PMIDs that it deletes.

    Raises
    ------
    InputError
        If the file differs from its MD5, is not whole or is no set of articles; nothing is written then.
    """
    path = Path(path)
    digest = verify(path)
    predicate = Predicate(tree)
    seen = []
    with _written_whole(kept_path) as out, _read_whole(path) as reader:
        out.write(HEAD)
        for article in reader:
            state = _state(predicate(article))
            if state:
                out.write(article.raw + b"\n")
            seen.append((_small(path, article.pmid, 31), _small(path, article.version, 15), state))
        out.write(TAIL)
        deleted = sorted({_small(path, pmid, 31) for pmid in reader.deleted})
    records = np.array(seen, dtype=SEEN)
    tables.write_bytes(_array_bytes(records), seen_path)
    return {
        "file": path.name,
        "bytes": path.stat().st_size,
        "md5": digest,
        "records": len(records),
        "match": int((records["state"] == STATES.index(MATCH)).sum()),
        "undecided": int((records["state"] == STATES.index(UNDECIDED)).sum()),
        "deleted": [str(pmid) for pmid in deleted],
    }


def combine(scans):
    """What all files say together.

    Parameters
    ----------
    scans : list of Scan
        In the order of the files.

    Returns
    -------
    Combined
        Its counts add up: ``records`` (articles in all files) are ``superseded`` (by another of the same
        PMID) and ``distinct`` (PMIDs); these are ``match``, ``undecided``, ``no_match`` and ``deleted``.
        Beside them: ``no_longer_matching`` and ``deleted_matching`` (records that some file had found), and
        ``deleted_unknown`` (deletions of PMIDs that no file had shown before).
    """
    counts = dict.fromkeys(("records", "deleted_unknown"), 0)
    counts |= dict.fromkeys(_Block(0).counts(), 0)
    found = [np.zeros(0, dtype=_FOUND)]
    for low, numbers in _occupied(scans).items():
        block = _Block(low)
        for number in numbers:
            counts["records"] += block.add(number, scans[number].records)
            counts["deleted_unknown"] += block.delete(scans[number].deleted)
        for name, count in block.counts().items():
            counts[name] += count
        found.append(block.found())
    counts["superseded"] = counts["records"] - counts["distinct"]
    return Combined(np.concatenate(found), counts)


def standing(scans, pmids):
    """What the files say of single PMIDs in the end.

    Parameters
    ----------
    scans : as for `combine`
    pmids : iterable of str

    Returns
    -------
    dict of str to str
        "match", "undecided", "no match", "deleted" or "not in the files".
    """
    wanted = np.unique(np.array([int(pmid) for pmid in pmids], dtype=np.int64))
    state = {}
    for low, numbers in _occupied(scans, only=np.unique(wanted // BLOCK)).items():
        block = _Block(low)
        for number in numbers:
            records = scans[number].records
            block.add(number, records[np.isin(records["pmid"], wanted)])
            block.delete(np.intersect1d(scans[number].deleted, wanted))
        state |= block.states()
    names = {0: "no match", 1: MATCH, 2: UNDECIDED, DELETED: "deleted", NEVER: "not in the files"}
    return {str(pmid): names[state.get(pmid, NEVER)] for pmid in wanted.tolist()}


def write(folder, *, query, names, abouts, missing, limits):
    """Combine the scans of a folder and write what they found.

    Parameters
    ----------
    folder : path
        Where the scans are (``scans/<name>.json``, ``.npy``, ``.xml.gz``) and the results are written:
        ``found.csv``, ``articles.xml.gz``, ``undecided.xml.gz``, ``bulk.json``.
    query : str
    names : sequence of str
        In order; see `Listing`.
    abouts : list of dict
        As `scan` returned them, in the same order.
    missing : sequence of str
    limits : list of livingreview.search.query.matching.Limit

    Returns
    -------
    dict
        The content of bulk.json.

    Raises
    ------
    InputError
        If the parts of a scan do not belong together.
    """
    folder = Path(folder)
    scans = [read_scan(folder / "scans" / name, about) for name, about in zip(names, abouts, strict=True)]
    combined = combine(scans)
    _write_articles(folder, names, scans, combined.found)
    tables.write_text(_found_csv(names, combined.found), folder / "found.csv")
    about = {
        "query": query,
        "files": [{**one, "deleted": len(one["deleted"])} for one in abouts],
        "missing_files": list(missing),
        "counts": combined.counts,
        "limits": [limit._asdict() for limit in limits],
    }
    tables.write_json(about, folder / "bulk.json")
    return about


def read_scan(stem, about):
    """The scan of a file, from where `scan` wrote it.

    Raises
    ------
    InputError
        If the array and the description do not belong together.
    """
    result = Scan(Path(f"{stem}.npy"), np.array([int(pmid) for pmid in about["deleted"]], dtype=np.int64))
    records = result.records
    if records.dtype != SEEN or len(records) != about["records"]:
        raise InputError(
            result.path,
            problem="this is not the scan of its file",
            found=f"{len(records)} records",
            allowed=f"{about['records']} records",
            hint="remove it and run again",
        )
    return result


def as_answers(folder, *, with_undecided):
    """The result of a search in the files, in the place of PubMed's answers.

    Parameters
    ----------
    folder : path
        What `write` has filled.
    with_undecided : bool
        Whether records that the files cannot decide count as found, so that people decide on them.

    Returns
    -------
    Answers
    """
    folder = Path(folder)
    about = tables.read_json(folder / "bulk.json")
    with (folder / "found.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    taken = (MATCH, UNDECIDED) if with_undecided else (MATCH,)
    sources = ("articles.xml.gz", "undecided.xml.gz") if with_undecided else ("articles.xml.gz",)
    return Answers(
        query=about["query"],
        pmids=tuple(row["pmid"] for row in rows if row["state"] in taken),
        undecided=tuple(row["pmid"] for row in rows if row["state"] == UNDECIDED),
        counts=about["counts"],
        limits=about["limits"],
        files=about["files"],
        missing=tuple(about["missing_files"]),
        sources=tuple(folder / name for name in sources),
    )


def audit(by_search, answers, scans):
    """A search's records beside those found in the files.

    Parameters
    ----------
    by_search : iterable of str
        PMIDs that the search in PubMed found.
    answers : Answers
    scans : as for `combine`

    Returns
    -------
    dict
        ``counts``, and PMIDs by number: ``both``, ``only_files``, ``only_search`` (PMID to what the files say
        of it: "no match", "deleted", "not in the files") and ``undecided`` (those of the files, parted into
        ``found_by_search`` and ``not_found_by_search``).
    """
    by_search = set(by_search)
    undecided = set(answers.undecided)
    matching = set(answers.pmids) - undecided
    parts = {
        "both": _by_number(matching & by_search),
        "only_files": _by_number(matching - by_search),
        "only_search": standing(scans, by_search - matching - undecided),
        "undecided": {
            "found_by_search": _by_number(undecided & by_search),
            "not_found_by_search": _by_number(undecided - by_search),
        },
    }
    counts = {
        "search": len(by_search),
        "files": len(matching),
        "both": len(parts["both"]),
        "only_files": len(parts["only_files"]),
        "only_search": len(parts["only_search"]),
        "undecided": len(undecided),
    }
    return {"counts": counts, **parts}


_FOUND = np.dtype(
    [("pmid", "<i4"), ("version", "<i2"), ("state", "i1"), ("file", "<i4"), ("position", "<i4")]
)


class _Block:
    """The PMIDs from `low` on, `BLOCK` of them, followed through the files."""

    def __init__(self, low):
        self._low = low
        self._state = np.full(BLOCK, NEVER, dtype=np.int8)
        self._version = np.zeros(BLOCK, dtype=np.int16)
        self._file = np.zeros(BLOCK, dtype=np.int32)
        self._position = np.zeros(BLOCK, dtype=np.int32)
        self._was_found = np.zeros(BLOCK, dtype=bool)

    def add(self, number, records):
        """Take in the records of a file, before its deletions; returns how many they are."""
        inside = self._inside(records["pmid"])
        # The highest version last, of equal ones the later: of several values for one place the last stays.
        order = inside[np.lexsort((inside, records["version"][inside]))]
        at = records["pmid"][order] - self._low
        self._was_found[at[records["state"][order] > 0]] = True
        wins = (self._state[at] < 0) | (records["version"][order] >= self._version[at])
        order, at = order[wins], at[wins]
        self._version[at] = records["version"][order]
        self._state[at] = records["state"][order]
        self._file[at] = number
        self._position[at] = order
        return len(inside)

    def delete(self, pmids):
        """Take PMIDs away; returns how many of them no file had shown."""
        at = (pmids[self._inside(pmids)] - self._low).astype(np.int64)
        known = self._state[at] != NEVER
        self._state[at[known]] = DELETED
        return int((~known).sum())

    def counts(self):
        state = self._state
        return {
            "distinct": int((state != NEVER).sum()),
            MATCH: int((state == STATES.index(MATCH)).sum()),
            UNDECIDED: int((state == STATES.index(UNDECIDED)).sum()),
            "no_match": int((state == 0).sum()),
            "deleted": int((state == DELETED).sum()),
            "no_longer_matching": int((self._was_found & (state == 0)).sum()),
            "deleted_matching": int((self._was_found & (state == DELETED)).sum()),
        }

    def found(self):
        at = np.flatnonzero(self._state > 0)
        rows = np.zeros(len(at), dtype=_FOUND)
        rows["pmid"] = at + self._low
        for name in ("version", "state", "file", "position"):
            rows[name] = getattr(self, f"_{name}")[at]
        return rows

    def states(self):
        at = np.flatnonzero(self._state != NEVER)
        return dict(zip((at + self._low).tolist(), self._state[at].tolist(), strict=True))

    def _inside(self, pmids):
        return np.flatnonzero((pmids >= self._low) & (pmids < self._low + BLOCK))


def _occupied(scans, *, only=None):
    """Where blocks begin, in order, with the scans that have PMIDs there."""
    places = {}
    for number, one in enumerate(scans):
        blocks = np.union1d(one.records["pmid"] // BLOCK, np.asarray(one.deleted, dtype=np.int64) // BLOCK)
        for block in blocks.tolist():
            if only is None or block in only:
                places.setdefault(int(block) * BLOCK, []).append(number)
    return dict(sorted(places.items()))


def _check_names(folder, stems, known):
    strange = sorted(set(stems) - {name for _, _, name in known})
    if strange:
        raise InputError(
            folder,
            problem="not a name of PubMed's files",
            found=f"{strange[0]}{ENDING}",
            allowed="names such as pubmed26n0001.xml.gz",
            hint="move other files elsewhere",
        )
    if not known:
        raise InputError(folder, problem="there are no files of PubMed here", allowed="pubmed26n0001.xml.gz")
    years = sorted({year for _, year, _ in known})
    if len(years) > 1:
        raise InputError(
            folder,
            problem="files of two years",
            found=", ".join(f"pubmed{year}n…" for year in years),
            hint="a new baseline replaces the old one and its updates as a whole; keep the newer ones only",
        )
    doubled = sorted(name for number, _, name in known if sum(number == other for other, _, _ in known) > 1)
    if doubled:
        raise InputError(folder, problem="two files of one number", found=", ".join(doubled))


def _md5_path(path):
    return path.with_name(f"{path.name}.md5")


def _declared_md5(path, name):
    """The MD5 in "MD5(name)= hex" or "hex  name"."""
    text = path.read_text(encoding="ascii", errors="replace").strip()
    match = re.fullmatch(r"MD5\s?\((?P<name>[^()]+)\)\s?=\s*(?P<hex>[0-9a-fA-F]{32})", text) or re.fullmatch(
        r"(?P<hex>[0-9a-fA-F]{32})(?:\s+\*?(?P<name>\S+))?", text
    )
    if not match or Path(match["name"] or name).name != name:
        raise InputError(
            path,
            problem="this is not the MD5 of the file beside it",
            found=text[:80],
            allowed=f"MD5({name})= and 32 hexadecimal digits",
            hint=AGAIN,
        )
    return match["hex"].lower()


@contextlib.contextmanager
def _read_whole(path):
    """A reader of a compressed set of articles; what is wrong with it is told with the file's name."""
    with gzip.open(path, "rb") as file:
        try:
            yield articles.Reader(file)
        except (articles.ArticleError, articles.Broken) as error:
            said = str(error).removeprefix(f"{path}: ").split("; hint: ")[0]
            raise InputError(path, problem=said, hint=AGAIN) from error


@contextlib.contextmanager
def _written_whole(path):
    """A compressed file that comes into being when all of it is written; same data, same bytes."""
    path = Path(path)
    partial = path.with_name(f".{path.name}.partial")
    partial.parent.mkdir(parents=True, exist_ok=True)
    try:
        with partial.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as out:
            yield out
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _articles_of(path):
    with _read_whole(path) as reader:
        yield from reader


def _state(answer):
    return STATES.index(UNDECIDED if answer is None else MATCH if answer else None)


def _small(path, number, bits):
    """A PMID or version as a number that its place in `SEEN` can hold."""
    if not 0 <= int(number) < 1 << bits:
        raise InputError(path, problem="a PMID or version out of all range", found=number, hint=AGAIN)
    return int(number)


def _array_bytes(array):
    out = io.BytesIO()
    np.save(out, array, allow_pickle=False)
    return out.getvalue()


def _write_articles(folder, names, scans, found):
    """Copy the records that stand in the end from the scans into two documents, in the order of the files."""
    with (
        _written_whole(folder / "articles.xml.gz") as matching,
        _written_whole(folder / "undecided.xml.gz") as undecided,
    ):
        outs = {STATES.index(MATCH): matching, STATES.index(UNDECIDED): undecided}
        for out in outs.values():
            out.write(HEAD)
        order = np.lexsort((found["position"], found["file"]))
        starts = np.searchsorted(found["file"][order], np.arange(len(names) + 1))
        for number, name in enumerate(names):
            rows = found[order[starts[number] : starts[number + 1]]]
            if len(rows):
                _copy_articles(folder / "scans" / f"{name}{ENDING}", scans[number].records, rows, outs)
        for out in outs.values():
            out.write(TAIL)


def _copy_articles(path, records, rows, outs):
    """Copy the articles of `rows`, which are in the order of the file."""
    kept = np.flatnonzero(records["state"] > 0)
    wanted = dict(zip(np.searchsorted(kept, rows["position"]).tolist(), rows, strict=True))
    copied = 0
    for number, article in enumerate(_articles_of(path)):
        row = wanted.get(number)
        if row is None:
            continue
        if (int(article.pmid), article.version) != (row["pmid"], row["version"]):
            raise InputError(
                path,
                problem="the records kept are not those that the scan saw",
                found=f"PMID {article.pmid} version {article.version}",
                allowed=f"PMID {row['pmid']} version {row['version']}",
                hint="remove the scan and run again",
            )
        outs[int(row["state"])].write(article.raw + b"\n")
        copied += 1
    if copied != len(rows):
        raise InputError(
            path,
            problem="records are missing",
            found=copied,
            allowed=len(rows),
            hint="remove the scan and run again",
        )


def _found_csv(names, found):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(FOUND_COLUMNS)
    for row in found[np.argsort(found["pmid"], kind="stable")]:
        writer.writerow([row["pmid"], row["version"], names[row["file"]], STATES[row["state"]]])
    return out.getvalue()


def _by_number(pmids):
    return sorted(pmids, key=int)
