"""Decisions that come back from another program: looked at first, then filed by the same function."""

import contextlib
import re
import shutil
from pathlib import Path
from typing import NamedTuple

from livingreview import paths, tables
from livingreview.errors import ReviewError
from livingreview.screening import decisions as ledger
from livingreview.screening import exchange, filing

# From the review's folder; what was only looked at may be deleted at any time.
KEPT = ".cache/desk/returned"
# What was looked at is kept as long as the form that files it may stay open.
KEPT_DAYS = 7
DAY = 24 * 60 * 60  # seconds
HINTS = exchange.Hints(
    stage="choose the stage {found} below",
    reviewer="write below who decided",
    alias="write “{found}” below, at whose decisions are taken, and above it who that is",
    only="settle it there, or write below whose decisions are taken",
    note="write below why, or in a note on the record in the program",
    correct="if it is meant, tick below that it replaces what stands, and write why in the note",
    again="if it is meant again, tick below that it replaces what stands, and write why in the note",
)
# Of two reviewers each brings back their own decisions only.
OWN_HINTS = HINTS._replace(alias="if “{found}” is you, write that name below, at whose decisions are taken")
DIGEST = re.compile(r"[0-9a-f]{12}")


class Upload(NamedTuple):
    """A file that was sent: its name as it was, its digest, and where it is kept."""

    name: str
    digest: str
    path: Path


def keep(review, name, data, *, now):
    """Keep a file that was sent, under its digest and a name that any file system takes; older ones go.

    Parameters
    ----------
    review : Path
    name : str
    data : bytes
    now : float
        In seconds since 1970.
    """
    for path in (review / KEPT).glob("*/*"):
        # Another page of the desk may be doing the same.
        with contextlib.suppress(FileNotFoundError):
            if now - path.stat().st_mtime > KEPT_DAYS * DAY:
                shutil.rmtree(path.parent)
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
        "hints": OWN_HINTS if name in names else HINTS,
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
