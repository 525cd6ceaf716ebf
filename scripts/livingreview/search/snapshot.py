"""Snapshots: what PubMed answered in one run, raw, with a provenance file beside it; written once, whole.

A directory ``<searches>/<run>`` with a ``provenance.json`` is a snapshot, and nothing else is. It comes into
being by one rename, so that a run that is killed or fails leaves nothing that could be taken for one.
"""

import datetime
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

from livingreview import tables
from livingreview.errors import ReviewError
from livingreview.search import query as query_check
from livingreview.search.records import pmids_of

log = logging.getLogger(__name__)

PROVENANCE = "provenance.json"
ESEARCH = "esearch.xml"
RUN = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
PACKAGES = ("biopython", "lxml", "requests")  # what could change the bytes or their reading


class SnapshotError(ReviewError):
    """A snapshot that cannot be written or must not be used."""


class YieldAlarm(ReviewError):
    """A search that finds so little that it is more likely broken than true."""


@dataclass(frozen=True)
class Snapshot:
    """One run's answers, verified.

    Attributes
    ----------
    run : str
        The month, YYYY-MM.
    provenance : dict
        The content of provenance.json.
    pmids : tuple of str
        All that the search found, in PubMed's order.
    bodies : tuple of bytes
        The PubmedArticleSet documents fetched in this run: records that were new then.
    """

    run: str
    provenance: dict
    pmids: tuple
    bodies: tuple


def take(run, searches, client, query, known, *, base_url, tolerance, refetch=()):
    """Search, fetch what is new, and write the snapshot of a run.

    Parameters
    ----------
    run : str
        The month, YYYY-MM.
    searches : path
        The directory of all snapshots.
    client : livingreview.search.entrez.Client
    query : str
        The whole query; checked before it is sent.
    known : set of str
        PMIDs whose records earlier snapshots hold, as from `known`; they are not fetched again.
    base_url : str
        Recorded as the source: "sandbox" or an address.
    tolerance : float
        Per cent by which this search may find fewer records than the last one before it.
    refetch : iterable of str, optional
        Known PMIDs whose records are to be fetched again, since PubMed changes records in place.

    Returns
    -------
    dict
        The provenance, as written.

    Raises
    ------
    SnapshotError
        If the run has a snapshot already, something else is in its place, or the answer is of another month.
    YieldAlarm
        If the search finds nothing, or too little beside the last one.
    InputError, EntrezError
        As the check of the query and the client raise them. In every case nothing is left behind.
    """
    searches = Path(searches)
    target = searches / run
    _check_target(run, target)
    _remove_leftovers(target)
    query_check.check(query)
    found = client.search(query)
    _check_month(run, found.searched_at)
    _check_yield(found.count, query, before=_previous(searches, run), tolerance=tolerance)
    new = [pmid for pmid in found.pmids if pmid not in known]
    wanted = sorted({*new, *refetch}, key=int)
    log.info(
        "PubMed holds %d records for this query; %d are new; fetching %d", found.count, len(new), len(wanted)
    )
    fetched = client.fetch(wanted)
    files = {ESEARCH: found.body}
    files |= {f"efetch-{n:03d}.xml.gz": _gzip(body) for n, body in enumerate(fetched.bodies, start=1)}
    provenance = {
        "run": run,
        "base_url": base_url,
        "searched_at": found.searched_at,
        "query": query,
        "query_translation": found.translation,
        "count": found.count,
        "warnings": list(found.warnings),
        "n_known": found.count - len(new),
        "n_new": len(new),
        "n_fetched": len(fetched.pmids),
        "not_returned": list(fetched.not_returned),
        "files": {name: _digest(data) for name, data in files.items()},
        "software": _software(),
    }
    _write(target, files, provenance)
    for warning in found.warnings:
        log.warning("PubMed on this query: %s", warning)
    if fetched.not_returned:
        log.warning("PubMed did not return %s", ", ".join(fetched.not_returned))
    log.info(
        "snapshot %s: %d records fetched, %d known before", run, len(fetched.pmids), found.count - len(new)
    )
    return provenance


def runs(searches, up_to=None):
    """Runs that have a complete snapshot, in order; with `up_to`, those no later than it."""
    searches = Path(searches)
    if not searches.is_dir():
        return []
    complete = [path.name for path in searches.iterdir() if RUN.fullmatch(path.name) and _is_complete(path)]
    return sorted(run for run in complete if up_to is None or run <= up_to)


def read(directory):
    """The snapshot in a directory, every byte checked against its provenance.

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
            f" Run the search of {directory.name} again."
        )
    provenance = tables.read_json(directory / PROVENANCE)
    if provenance.get("run") != directory.name:
        raise SnapshotError(
            f"{directory / PROVENANCE}: found run {provenance.get('run')!r}; allowed: {directory.name!r};"
            " hint: a snapshot's directory is not renamed or copied"
        )
    data = {name: _verified(directory / name, digest) for name, digest in provenance["files"].items()}
    bodies = [gzip.decompress(data[name]) for name in sorted(data) if name != ESEARCH]
    pmids = tuple(found.decode() for found in re.findall(rb"<Id>(\d+)</Id>", data[ESEARCH]))
    return Snapshot(directory.name, provenance, pmids, tuple(bodies))


def known(searches, before):
    """PMIDs whose records the snapshots of earlier runs hold."""
    earlier = [run for run in runs(searches) if run < before]
    snapshots = (read(Path(searches) / run) for run in earlier)
    return {pmid for snapshot in snapshots for body in snapshot.bodies for pmid in pmids_of(body)}


def _is_complete(directory):
    return (directory / PROVENANCE).is_file()


def _check_target(run, target):
    if not RUN.fullmatch(run):
        raise SnapshotError(f'found run {run!r}; allowed: a month as YYYY-MM; hint: run: "2026-11"')
    if _is_complete(target):
        raise SnapshotError(
            f"{target} holds the snapshot of {run} already, and snapshots never change. To build this run"
            " again, keep it; to search again, use a later run."
        )
    if target.exists() and any(target.iterdir()):
        names = ", ".join(sorted(path.name for path in target.iterdir())[:5])
        raise SnapshotError(
            f"{target} has no {PROVENANCE} but holds {names}. If it was a snapshot, restore it from version"
            " control; otherwise remove the directory. Then run the same command again."
        )


def _previous(searches, run):
    """Provenance of the last snapshot before a run, or None."""
    earlier = [one for one in runs(searches) if one < run]
    return tables.read_json(searches / earlier[-1] / PROVENANCE) if earlier else None


def _check_month(run, searched_at):
    """Refuse to file today's answer under another month; every later run would take it for that month's.

    The day is the server's. One day either way is let pass, for a search at midnight in another time zone.
    """
    day = datetime.datetime.fromisoformat(searched_at)
    near = {f"{day + datetime.timedelta(days=shift):%Y-%m}" for shift in (-1, 0, 1)}
    if run not in near:
        raise SnapshotError(
            f"the search was answered on {day:%Y-%m-%d}, so it cannot be the search of run {run}; "
            f"hint: build run {day:%Y-%m}. Nothing was saved."
        )


def _check_yield(count, query, *, before, tolerance):
    if count == 0:
        raise YieldAlarm(
            "PubMed holds no records for this query. Nothing was saved. Check search: query in config.yaml,"
            " and try it on the website of PubMed."
        )
    if before is None or count >= before["count"] * (1 - tolerance / 100):
        return
    changed = " The query has changed since then." if before["query"] != query else ""
    raise YieldAlarm(
        f"PubMed holds {count} records for this query; in {before['run']} it held {before['count']}."
        f" A fall of more than {tolerance:g} per cent stops the run.{changed} Nothing was saved."
        " If the fall is right, raise search: drop_tolerance_percent in config.yaml for this run."
    )


def _write(target, files, provenance):
    """Write beside the target and rename, which replaces an empty directory as Snakemake makes it."""
    partial = _partial(target)
    partial.mkdir(parents=True)
    try:
        for name, data in files.items():
            tables.write_bytes(data, partial / name)
        tables.write_json(provenance, partial / PROVENANCE)
        partial.rename(target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _partial(target):
    return target.with_name(f".{target.name}.partial")


def _remove_leftovers(target):
    if _partial(target).exists():
        log.info("removing what an interrupted run left in %s", _partial(target))
        shutil.rmtree(_partial(target))


def _verified(path, digest):
    if not path.is_file():
        raise SnapshotError(f"{path} is missing; restore it from version control")
    data = path.read_bytes()
    if _digest(data) != digest:
        raise SnapshotError(
            f"{path} differs from what {PROVENANCE} recorded: found {len(data)} bytes, sha256"
            f" {_digest(data)['sha256'][:12]}…; allowed: {digest['bytes']} bytes, sha256"
            f" {digest['sha256'][:12]}…; hint: a snapshot is never edited; restore it from version control"
            " (a .gitattributes that changes line ends does this too)"
        )
    return data


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
