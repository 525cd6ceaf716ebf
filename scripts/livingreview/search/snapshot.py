"""Snapshots: what PubMed answered in one run, raw, with a provenance file beside it; written once, whole.

A directory ``<searches>/<run>/pubmed`` with a ``provenance.json`` is a snapshot, and nothing else is. It
comes into being by one rename, so that a run that is killed or fails leaves nothing that could be taken for
one. It holds PubMed's lists of PMIDs, one row for each record that was new or changed (``records.csv``, with
digests), what changed (``events.csv``), and those records themselves as they came (``efetch-*.xml.gz``).
"""

import contextlib
import csv
import gzip
import hashlib
import importlib.metadata
import io
import logging
import platform
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from livingreview import paths, tables
from livingreview.errors import ReviewError
from livingreview.formulas import unguarded
from livingreview.search import content, events, guards
from livingreview.search import query as query_check
from livingreview.search.comparison import Comparison
from livingreview.search.pubmed import articles

log = logging.getLogger(__name__)

FOLDER = "pubmed"
PROVENANCE = "provenance.json"
RECORDS = "records.csv"
EVENTS = "events.csv"
KEPT = f".{FOLDER}.provenance.partial"
IGNORE = ".gitignore"
REFETCHED = "refetched"
COMMITTED, LOCAL = "committed", "local"
RUN = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
PACKAGES = ("biopython", "lxml", "requests")  # what could change the bytes or their reading
ARTICLES_PER_FILE = 500  # small enough that an old file whose records have all changed since need not be read
LARGEST_BODY = 256 * 2**20  # bytes of such a file, unpacked: twice what one answer of PubMed may have
HEAD = b'<?xml version="1.0" encoding="UTF-8"?>\n<PubmedArticleSet>\n'
TAIL = b"</PubmedArticleSet>\n"
NEVER_EDITED = "hint: a snapshot is never edited; restore it from version control"


class SnapshotError(ReviewError):
    """A snapshot that cannot be written or must not be used."""


@dataclass(frozen=True)
class Search:
    """What the protocol says of the search.

    Attributes
    ----------
    query : str
        The whole query; checked before it is sent.
    base_url : str
        Recorded as the source: "sandbox" or an address.
    drop_tolerance, rise_tolerance : float
        Per cent by which this search may find fewer records than the one before it; and more, per month
        that has passed.
    absent_tolerance : float
        Per cent of the records found that PubMed may list and not hold.
    acknowledged : tuple of str
        Phrases that PubMed may leave out of the query, as it writes them.
    bodies : str
        "committed", or "local": the records themselves stay on this machine and out of version control.
    """

    query: str
    base_url: str
    drop_tolerance: float
    rise_tolerance: float
    absent_tolerance: float
    acknowledged: tuple = ()
    bodies: str = COMMITTED

    @classmethod
    def of(cls, protocol):
        """From the protocol's part ``search``, a dict that the check of the config has passed."""
        return cls(
            query=protocol["query"],
            base_url=protocol["base_url"],
            drop_tolerance=protocol["drop_tolerance_percent"],
            rise_tolerance=protocol["rise_tolerance_percent"],
            absent_tolerance=protocol["absent_tolerance_percent"],
            acknowledged=tuple(protocol["acknowledged"]),
            bodies=protocol["bodies"],
        )


@dataclass(frozen=True)
class Snapshot:
    """One run's answers; all but the records themselves verified when it is read.

    Attributes
    ----------
    run : str
        The month, YYYY-MM.
    provenance : dict
        The content of provenance.json.
    pmids : tuple of str
        All that the search found, in PubMed's order.
    records : list of dict
        Rows of records.csv: records that were new or changed in this run.
    events : list of dict
        Rows of events.csv.
    directory : Path
    """

    run: str
    provenance: dict
    pmids: tuple
    records: list
    events: list
    directory: Path


@dataclass(frozen=True)
class State:
    """What all snapshots before a run say together.

    Attributes
    ----------
    records : dict of str to dict
        Of each known PMID its latest row, with the keys ``run`` and ``found`` (by the last search) added.
    last : dict or None
        Provenance of the last snapshot.
    listed : frozenset of str
        All PMIDs that any search has listed, also those that PubMed did not hold.
    """

    records: dict
    last: dict | None
    listed: frozenset = frozenset()


def take(run, searches, client, search):
    """Search, fetch everything found or known, and write the snapshot of a run.

    Parameters
    ----------
    run : str
        The month, YYYY-MM.
    searches : path
        The directory of all runs' searches.
    client : livingreview.search.pubmed.entrez.Client
        Or anything else with its ``search`` and ``fetch``.
    search : Search

    Returns
    -------
    dict
        The provenance, as written.

    Raises
    ------
    SnapshotError
        If the run has a snapshot already, or something else is in its place.
    GuardError, YieldAlarm, DroppedPhrases
        As the guards raise them.
    InputError, EntrezError
        As the check of the query and the client raise them. In every case nothing is left behind.
    """
    target = Path(searches) / run / FOLDER
    _check_run(run)
    _check_target(target)
    query_check.check(search.query)
    state = read_state(searches, before=run)
    guards.check_source(search, before=state.last)
    found = client.search(search.query)
    guards.check_month(run, found.searched_at)
    guards.check_dropped(found.dropped, search.acknowledged)
    guards.check_yield(found.count, search, before=state.last, run=run)
    Path(searches).mkdir(parents=True, exist_ok=True)
    with tables.locked(Path(searches) / "search"):  # one that outlived its workflow must not meet this one
        _check_target(target)
        provenance = _write(target, run, found, client, search, state)
    _tell(provenance)
    return provenance


def runs(searches, up_to=None):
    """Runs that have a complete snapshot, in order; with `up_to`, those no later than it.

    Raises
    ------
    SnapshotError
        If a folder holds files of a snapshot without its provenance: then a month would be left out.
    """
    searches = Path(searches)
    if not searches.is_dir():
        return []
    complete = []
    for path in sorted(searches.iterdir()):
        if RUN.fullmatch(path.name) and (up_to is None or path.name <= up_to):
            if _is_complete(path / FOLDER):
                complete.append(path.name)
            else:
                _refuse_half(path / FOLDER)
    return complete


def read(directory):
    """The snapshot in a directory ``<run>/pubmed``, every file but the records' own checked.

    Raises
    ------
    SnapshotError
        If the directory is no snapshot, or a file is missing, differs from its recorded digest or is of
        another run.
    """
    directory = Path(directory)
    if not _is_complete(directory):
        raise SnapshotError(
            f"{directory} is not a snapshot: it has no {PROVENANCE}."
            f" Run the search of {directory.parent.name} again."
        )
    provenance = tables.read_json(directory / PROVENANCE)
    run = directory.parent.name
    if provenance.get("run") != run:
        raise SnapshotError(
            f"{directory / PROVENANCE}: found run {provenance.get('run')!r}; allowed: {run!r};"
            " hint: a snapshot's directory is not renamed or copied"
        )
    files = {name: _own(directory, name) for name in [*provenance["files"], *provenance["bodies"]]}
    data = {name: _verified(files[name], digest) for name, digest in provenance["files"].items()}
    pmids = dict.fromkeys(pmid for part in provenance["parts"] for pmid in _listed(data[part["file"]], part))
    broken = guards.broken_sums(provenance, listed=len(pmids))
    if broken:
        raise SnapshotError(
            f"{directory / PROVENANCE}: the numbers do not add up: {'; '.join(broken)}; {NEVER_EDITED}"
        )
    return Snapshot(run, provenance, tuple(pmids), _rows(data[RECORDS]), _rows(data[EVENTS]), directory)


def read_state(searches, before):
    """The `State` that the snapshots of earlier runs make up."""
    earlier = [read(Path(searches) / run / FOLDER) for run in runs(searches) if run < before]
    return state_of(earlier)


def state_of(snapshots):
    """The `State` that snapshots make up, in the order of their runs."""
    records = {}
    for snapshot in sorted(snapshots, key=lambda one: one.run):
        for row in snapshot.records:
            records[row["pmid"]] = {**row, "run": snapshot.run}
    if not snapshots:
        return State({}, None)
    last = max(snapshots, key=lambda one: one.run)
    now = set(last.pmids)
    return State(
        {pmid: {**row, "found": pmid in now} for pmid, row in records.items()},
        last.provenance,
        frozenset(pmid for snapshot in snapshots for pmid in snapshot.pmids),
    )


def read_articles(snapshot, wanted):
    """The latest articles that a snapshot holds, from its own files or from those fetched again.

    Parameters
    ----------
    snapshot : Snapshot
    wanted : dict of str to str
        PMID to file, as in the snapshot's records.

    Yields
    ------
    livingreview.search.pubmed.articles.Article

    Raises
    ------
    SnapshotError
        If a file is missing and was not fetched again, or differs from its recorded digest.
    """
    again = snapshot.directory.parent / REFETCHED
    pmids = set(wanted)
    if missing_bodies(snapshot.directory, snapshot.provenance):
        if not _is_complete(again):
            raise SnapshotError(
                f"{snapshot.directory}: the records themselves are missing. The protocol keeps them out of"
                " version control (search: bodies: local); hint: make report fetches them again"
            )
        provenance = tables.read_json(again / PROVENANCE)
        hint = f"hint: remove {again}; make report fetches the records again"
        files = {_own(again, name): digest for name, digest in provenance["bodies"].items()}
    else:
        names = sorted(set(wanted.values()))
        hint = NEVER_EDITED
        files = {snapshot.directory / name: snapshot.provenance["bodies"][name] for name in names}
    for path, digest in files.items():
        body = _unpacked(_verified(path, digest, hint=hint), path)
        yield from (article for article in articles.read(body) if article.pmid in pmids)


def missing_bodies(directory, provenance):
    """Names of a snapshot's files of records that are not on this machine; only where they may be missing."""
    if provenance.get("bodies_kept") != LOCAL:
        return []
    return [name for name in provenance["bodies"] if not (directory / name).is_file()]


def kept_elsewhere(searches, up_to):
    """Runs of which some file of records is not on this machine, because the protocol keeps it on another."""
    directories = [Path(searches) / run / FOLDER for run in runs(searches, up_to)]
    return [
        directory.parent.name
        for directory in directories
        if missing_bodies(directory, tables.read_json(directory / PROVENANCE))
    ]


def refetch(snapshot, client):
    """Fetch the records of a snapshot again whose files stayed on another machine.

    Returns
    -------
    dict
        What was written as ``<run>/refetched/provenance.json``: run, n_records, ``changed`` (PMIDs whose
        content is no longer what the snapshot recorded), ``uncomparable`` (recorded by another version of
        this program), ``absent`` (no longer to be had), and the digests of the files.
    """
    target = snapshot.directory.parent / REFETCHED
    _remove_leftovers(target)
    recorded = {row["pmid"]: row["sha256"] for row in snapshot.records if row["file"]}
    comparable = {row["pmid"] for row in snapshot.records if row["content_version"] == str(content.VERSION)}
    partial = _partial(target)
    partial.mkdir(parents=True)
    try:
        bodies = _Bodies(partial)
        changed = []
        fetching = client.fetch(sorted(recorded, key=int))
        for article in fetching:
            bodies.add(article)
            digest = content.digests(article)["sha256"]
            if article.pmid in comparable and digest != recorded[article.pmid]:
                changed.append(article.pmid)
        provenance = {
            "run": snapshot.run,
            "n_records": len(recorded),
            "changed": sorted(changed, key=int),
            "uncomparable": sorted(set(recorded) - comparable, key=int),
            "absent": sorted(fetching.absent, key=int),
            "bodies": bodies.close(),
        }
        tables.write_text("*\n", partial / IGNORE)
        tables.write_json(provenance, partial / PROVENANCE)
        if target.exists():
            shutil.rmtree(target)
        partial.rename(target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return provenance


class _Bodies:
    """Writes articles as they came into numbered files, and remembers the digest of each."""

    def __init__(self, folder):
        self._folder = folder
        self._waiting = []
        self._digests = {}

    def add(self, article):
        """Keep an article; the name of the file that will hold it."""
        if len(self._waiting) == ARTICLES_PER_FILE:
            self._write()
        self._waiting.append(article.raw)
        return self._name()

    def close(self):
        """Write what is left; file names with their digests."""
        self._write()
        return self._digests

    def _name(self):
        return f"efetch-{len(self._digests) + 1:03d}.xml.gz"

    def _write(self):
        if not self._waiting:
            return
        data = _gzip(HEAD + b"".join(raw + b"\n" for raw in self._waiting) + TAIL)
        name = self._name()
        tables.write_bytes(data, self._folder / name)
        self._digests[name] = _digest(data)
        self._waiting = []


def _write(target, run, found, client, search, state):  # noqa: PLR0917
    """Write a snapshot beside its place and rename it over the empty folder that Snakemake may have made."""
    _remove_leftovers(target)
    partial = _partial(target)
    partial.mkdir(parents=True)
    try:
        provenance = _fill(partial, run, found, client, search, state)
        # First, so that there is no moment in which the snapshot stands without it.
        tables.write_json(provenance, _kept(target))
        partial.rename(target)
        tables.sync_folder(target.parent)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return provenance


def restore(searches):
    """Put back the provenance of snapshots from which it was taken away by a search that was killed.

    Snakemake removes the output of a job that failed, and takes a search for failed that was killed after it
    had written everything, or that outlived its workflow. The snapshot is whole all the same: a copy that was
    written beside it says so. Call it only while no search can be going on.

    Returns
    -------
    list of str
        The runs whose snapshot is whole again.

    Raises
    ------
    SnapshotError
        If a file of such a snapshot is not what its provenance says.
    """
    restored = []
    for kept in sorted(Path(searches).glob(f"*/{KEPT}")):
        target = kept.parent / FOLDER
        if target.is_dir() and not _is_complete(target) and any(target.iterdir()):
            for name, digest in tables.read_json(kept)["files"].items():
                hint = f"hint: remove {target} and {kept}, and search again"
                _verified(_own(target, name), digest, hint=hint)
            tables.write_bytes(kept.read_bytes(), target / PROVENANCE)
            restored.append(kept.parent.name)
        with contextlib.suppress(OSError):  # a folder that nobody may write to now; it does no harm
            kept.unlink()
    return restored


def _fill(folder, run, found, client, search, state):  # noqa: PLR0917
    """Write all files of a snapshot into a folder; the provenance last."""
    known = set(state.records) if client.refetches else set()
    wanted = sorted(set(found.pmids) | known, key=int)
    log.info(
        "PubMed holds %d records for this query; fetching these and all known ones, %d in all",
        found.count,
        len(wanted),
    )
    comparison, bodies = Comparison(found, search, state), _Bodies(folder)
    files = {}
    if search.bodies == LOCAL:
        # First of all: what a run that is killed leaves behind is not to be committed either.
        files[IGNORE] = b"efetch-*.xml.gz\n"
        tables.write_bytes(files[IGNORE], folder / IGNORE)
    fetching = client.fetch(wanted)
    for article in fetching:
        comparison.add(article, bodies)
    absent = set(fetching.absent)
    comparison.close(absent)
    kept = bodies.close()
    files |= {part_name(number): part.body for number, part in enumerate(found.parts, start=1)}
    files[RECORDS] = _csv(comparison.rows, events.RECORD_COLUMNS)
    files[EVENTS] = _csv(comparison.events, events.EVENT_COLUMNS)
    for name, data in files.items():
        tables.write_bytes(data, folder / name)
    provenance = {
        "run": run,
        "base_url": search.base_url,
        "searched_at": found.searched_at,
        "query": search.query,
        "query_translation": found.translation,
        "dropped": list(found.dropped),
        "messages": list(found.messages),
        "count": found.count,
        "parts": [
            {"low": part.low, "high": part.high, "count": part.count, "file": part_name(number)}
            for number, part in enumerate(found.parts, start=1)
        ],
        "n_listed": len(set(found.pmids)),
        **comparison.numbers(absent),
        "tolerances": {
            "drop_percent": search.drop_tolerance,
            "rise_percent": search.rise_tolerance,
            "absent_percent": search.absent_tolerance,
        },
        "acknowledged_in_vain": [one for one in search.acknowledged if one not in found.dropped],
        "bodies_kept": search.bodies,
        "bodies": kept,
        "files": {name: _digest(data) for name, data in files.items()},
        "software": _software(),
    }
    guards.check_absent(provenance, search)
    guards.check_sums(provenance, listed=len(set(found.pmids)))
    tables.write_json(provenance, folder / PROVENANCE)
    return provenance


def part_name(number):
    """Name of the file of one part of PubMed's list of PMIDs, from 1."""
    return f"esearch-{number:03d}.xml"


def _tell(provenance):
    known = provenance["known"]
    if provenance["dropped"]:
        log.warning("PubMed left out, as the protocol allows: %s", ", ".join(provenance["dropped"]))
    for message in provenance["messages"]:
        log.warning("PubMed on this query: %s", message)
    if provenance["absent"]:
        log.warning("PubMed lists and does not hold PMID %s", ", ".join(provenance["absent"]))
    log.info(
        "complete: %d announced, %d fetched, %d absent; of %d known %d unchanged, %d changed, %d gone",
        provenance["count"],
        provenance["n_fetched"],
        len(provenance["absent"]),
        known["records"],
        known["unchanged"],
        known["changed"],
        known["gone"],
    )
    for kind, number in provenance["n_events"].items():
        log.info("%s: %d", kind, number)


def _is_complete(directory):
    return (directory / PROVENANCE).is_file()


def _check_run(run):
    if not RUN.fullmatch(run):
        raise SnapshotError(f'found run {run!r}; allowed: a month as YYYY-MM; hint: run: "2026-11"')


def _check_target(target):
    if _is_complete(target):
        raise SnapshotError(
            f"{target} holds the snapshot of this run already, and snapshots never change. To build this run"
            " again, keep it; to search again, use a later run."
        )
    _refuse_half(target)


def _refuse_half(directory):
    if directory.exists() and any(directory.iterdir()):
        names = ", ".join(sorted(path.name for path in directory.iterdir())[:5])
        raise SnapshotError(
            f"{directory} has no {PROVENANCE} but holds {names}. If it was a snapshot, restore it from"
            " version control; otherwise remove the directory. Then run the same command again."
        )


def _partial(target):
    return target.with_name(f".{target.name}.partial")


def _kept(target):
    """Where a copy of the provenance is kept until the next run has seen the snapshot."""
    return target.with_name(KEPT)


def _remove_leftovers(target):
    if _partial(target).exists():
        log.info("removing what an interrupted run left in %s", _partial(target))
        shutil.rmtree(_partial(target))


def _unpacked(data, path):
    """What a packed file holds, within bounds: its digest says that it is as recorded, and not by whom."""
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        body = file.read(LARGEST_BODY + 1)
    if len(body) > LARGEST_BODY:
        raise SnapshotError(
            f"{path} unpacks to more than {LARGEST_BODY:,} bytes, which no file of a search does; hint: mind"
            " who made it"
        )
    return body


def _own(directory, name):
    """The path of a file that a snapshot's provenance names; one elsewhere is refused."""
    return paths.confined(directory, name, file=directory / PROVENANCE)


def _verified(path, digest, *, hint=NEVER_EDITED):
    if not path.is_file():
        raise SnapshotError(f"{path} is missing; {hint}")
    data = path.read_bytes()
    if _digest(data) != digest:
        raise SnapshotError(
            f"{path} differs from what {PROVENANCE} recorded: found {len(data)} bytes, sha256"
            f" {_digest(data)['sha256'][:12]}…; allowed: {digest['bytes']} bytes, sha256"
            f" {digest['sha256'][:12]}…; {hint} (a .gitattributes that changes line ends does this"
            " too)"
        )
    return data


def _listed(body, part):
    """PMIDs of one part of the list; its answer may list some that belong to the next."""
    found = (pmid.decode() for pmid in re.findall(rb"<Id>(\d+)</Id>", body))
    return [pmid for pmid in found if part["low"] <= int(pmid) <= part["high"]]


def _rows(data):
    rows = csv.DictReader(io.StringIO(data.decode("utf-8"), newline=""))
    return [{name: unguarded(cell) for name, cell in row.items()} for row in rows]


def _csv(rows, columns):
    return tables.to_csv(pd.DataFrame(rows, columns=columns, dtype=object)).encode("utf-8")


def _digest(data):
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _gzip(data):
    """Compressed data without a time or name in it, so that equal answers give equal bytes."""
    out = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0) as file:
        file.write(data)
    return out.getvalue()


def _software():
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"python": platform.python_version(), **versions}
