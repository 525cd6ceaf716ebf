"""Where the full text of a record is, and whether it is still sought: people's notes, the latest counts.

That a report was sought and could not be had is a decision, and stands in the ledger of decisions
(`decisions.NOT_RETRIEVED`); here stands how far the search for it is. The PDFs themselves lie in a folder of
the review that is in no version control, since most may be read and not be passed on.
"""

import hashlib
import re
import urllib.parse

import pandas as pd

from livingreview import paths, tables
from livingreview.errors import InputError

TABLE = "data/decisions/full_texts.csv"  # from the review's folder
SCHEMA = "full_texts"
FOLDER = "full_texts"  # likewise
SOUGHT, RETRIEVED = "sought", "retrieved"
MAGIC = b"%PDF-"
LONGEST_LINK = 2000  # characters; what browsers and servers all take
LINKS = ("http", "https")


def is_link(location):
    """Whether a location is, or tries to be, an address and not a path."""
    return ":" in location


def fault(location):
    """What is wrong with a location, in words, or None.

    Parameters
    ----------
    location : str
        A link, or a path from the review's folder.
    """
    if not is_link(location):
        if any(name.startswith(".") for name in location.split("/")):
            return "a hidden file, or a path out of the folder"
        return paths.fault(location) or (
            None if location.lower().endswith(".pdf") else "the path of something else than a PDF"
        )
    try:
        parts = urllib.parse.urlsplit(location)
        host, user = parts.hostname, parts.username
    except ValueError:
        return "no address"
    if parts.scheme not in LINKS or not host:
        return "an address of another kind than https:// or http://"
    if user is not None or parts.password is not None:
        return "an address with a user's name or password in it"
    if len(location) > LONGEST_LINK or re.search(r"[\s\x00-\x1f\x7f\\\"<>]", location):
        return f"an address with blanks, or of more than {LONGEST_LINK} characters"
    return None


def latest(rows):
    """The last row of each record, from the table in the order of filing: a dict of record ids to rows."""
    return {row.record_id: row for row in rows.itertuples(index=False)}


def added(rows, *, record_id, retrieval, location, by, at, note):
    """The row that notes where a full text is.

    Parameters
    ----------
    rows : DataFrame
        The record's rows so far.
    record_id, retrieval, location, by, at, note : str or None
        The cells of the new one; see data/README.md.

    Returns
    -------
    DataFrame
        One row; none where the last one says the same.

    Raises
    ------
    InputError
        If the location is none, or a text that is held is nowhere.
    """
    _refuse(retrieval=retrieval, location=location, note=note)
    said = [tuple(row) for row in rows[["retrieval", "location", "note"]].itertuples(index=False, name=None)]
    same = bool(said) and said[-1] == (retrieval, location, note)
    cells = [] if same else [[record_id, retrieval, location, by, at, note]]
    return pd.DataFrame(cells, columns=tables.columns(SCHEMA), dtype=object)


def _refuse(*, retrieval, location, note):
    wrong = fault(location) if location else None
    if wrong:
        raise InputError(
            TABLE,
            column="location",
            problem=f"this is {wrong}",
            found=location[:200],
            allowed=f"a link with https:// or http://, or a path such as {FOLDER}/12345678.pdf",
        )
    if retrieval == RETRIEVED and not (location or note):
        raise InputError(
            TABLE,
            column="location",
            problem="a full text that was retrieved is somewhere",
            hint="give its link or path, or say in the note where it is kept, such as on paper",
        )


def store(review, record_id, data):
    """Put an uploaded PDF into the review's folder, never in the place of another.

    Returns
    -------
    str
        Its path from the review's folder.

    Raises
    ------
    InputError
        If it is no PDF.
    """
    if not data.startswith(MAGIC):
        raise InputError(
            FOLDER,
            problem="the file is not a PDF" if data else "the file is empty",
            found=data[:8].decode("ascii", "replace") or None,
            allowed="a file that begins with %PDF-",
            hint="save or print the page as PDF; other kinds stay where they are, with their link or a note",
        )
    location = f"{FOLDER}/{_name(record_id)}-{hashlib.sha256(data).hexdigest()[:8]}.pdf"
    tables.write_bytes(data, paths.confined(review, location))
    return location


def _name(record_id):
    return re.sub(r"[^a-z0-9]+", "-", record_id.casefold()).strip("-")[:80] or "record"


def path_of(review, location):
    """The PDF at a location within the review, or None: a link, nothing there, or no PDF.

    Raises
    ------
    InputError
        If it leads out of the folder.
    """
    if not location or is_link(location):
        return None
    if fault(location):
        raise InputError(TABLE, problem=f"this is {fault(location)}", found=location[:200])
    path = paths.confined(review, location, file=TABLE)
    if not path.is_file():
        return None
    with path.open("rb") as file_:
        return path if file_.read(len(MAGIC)) == MAGIC else None
