"""Decisions that come back from another program: looked at first, then filed by the same function."""

import re
from pathlib import Path
from typing import NamedTuple

from livingreview import paths, tables
from livingreview.errors import ReviewError
from livingreview.screening import decisions as ledger
from livingreview.screening import exchange, filing

# From the review's folder; what was only looked at may be deleted at any time.
KEPT = ".cache/desk/returned"
DIGEST = re.compile(r"[0-9a-f]{12}")


class Upload(NamedTuple):
    """A file that was sent: its name as it was, its digest, and where it is kept."""

    name: str
    digest: str
    path: Path


def keep(review, name, data):
    """Keep a file that was sent, under its digest and a name that any file system takes."""
    return _at(review, exchange.digest(data), _plain(name), data)


def kept(review, digest, name):
    """A file that was looked at before.

    Raises
    ------
    ReviewError
        If none was sent, or it is not there any more.
    """
    upload = _at(review, digest, _plain(name)) if DIGEST.fullmatch(digest) and name else None
    if upload is None or not upload.path.is_file():
        raise ReviewError("No file was sent: choose the program's export, a .ris or .csv file.")
    return upload


def _at(review, digest, name, data=None):
    path = paths.confined(review, KEPT, digest, name)
    if data is not None:
        tables.write_bytes(data, path)
    return Upload(name, digest, path)


def _plain(name):
    return re.sub(r"[^\w.()+,-]", "_", Path(name.replace("\\", "/")).name)[-100:].strip("._") or "export"


def asked(form, *, stages, name, names):
    """What a form asks for, with what it would ask for at first.

    Parameters
    ----------
    form : mapping
    stages : list of str
        The protocol's.
    name : str
        Who is at the desk.
    names : collection of str
        The independent reviewers: each of them brings back their own decisions, under their own name.
    """
    reviewer = name if name in names else form.get("reviewer", name).strip() or None
    only = form.get("only", "").strip() or None
    return {
        "tool": form.get("tool") if form.get("tool") in exchange.TOOLS else exchange.TOOLS[0],
        "stage": form.get("stage") if form.get("stage") in stages else stages[0],
        "reviewer": reviewer,
        "reviewers": [name] if name in names else list(names) or None,
        "only": only,
        "aliases": {only: reviewer} if only and reviewer else {},
        "note": " ".join(form.get("note", "").split()) or None,
        "correct": form.get("correct") == "yes",
    }


def look(desk, upload, asked):
    """What a file would file: rows (dicts) and counts, with nothing written.

    Raises
    ------
    ReviewError
        As from `exchange.from_export`.
    """
    records, options = _options(desk, asked)
    decisions = ledger.under_kept(
        desk.held.table(filing.LEDGER, "screening"), ledger.kept_ids(records), run=options["run"]
    )
    found = exchange.from_export(upload.path.read_bytes(), decisions, name=upload.name, **options)
    return found._asdict() | {"rows": tables.plain_rows(found.rows)}


def file(desk, upload, asked):
    """File what `look` showed; on disk when this returns. Raises as `look`, and nothing is filed then."""
    records, options = _options(desk, asked)
    return exchange.file(upload.path, desk.review / filing.LEDGER, kept=ledger.kept_ids(records), **options)


def _options(desk, asked):
    config = desk.held.config()
    screening = config["screening"]
    records = desk.held.table(desk.held.results("records.csv"))
    return records, asked | {
        "records": records,
        "stages": screening["stages"],
        "reasons": screening["reasons"],
        "run": config["run"],
        "decided_at": desk.decided_at(),
        "independent": screening.get("reviewers", {}).get("independent", 1),
    }
