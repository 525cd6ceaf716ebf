"""What the desk knows of the full text of a record."""

from livingreview.desk import saving, standing
from livingreview.errors import InputError
from livingreview.screening import decisions as ledger
from livingreview.screening import full_texts


def notes(held):
    """All notes on full texts, under the records that are kept; without rows where nobody has written any."""
    return held.derived(
        ("full texts under kept", held.run()),
        [full_texts.TABLE, held.results("records.csv")],
        lambda *_: under_kept(held, held.table(full_texts.TABLE, full_texts.SCHEMA, optional=True)),
        optional=True,
    )


def under_kept(held, rows):
    """Notes under the records that are kept: where the text of a duplicate is, is where that of both is."""
    return ledger.under_kept(rows, ledger.kept_ids(standing.records(held)))


def of(held, record_id, *, decided=None):
    """What a page shows of one record's full text, for the template ``full_text.html.j2``.

    Parameters
    ----------
    held : Held
    record_id : str
    decided : row of `decisions.statuses`, optional
        Where the record stands, by decisions that are in force.

    Returns
    -------
    dict
        record_id; retrieval, location, by, at, note (None where nothing is noted); link or file (where to
        open it, one of them or neither); missing (a path at which this computer has no PDF); unavailable
        (what the ledger says of a report that could not be had, or None); seen, for the form.
    """
    rows = notes(held)
    own = rows[rows["record_id"] == record_id]
    last = own.iloc[-1].to_dict() if len(own) else dict.fromkeys(rows.columns)
    location = last["location"]
    good = bool(location) and full_texts.fault(location) is None
    link = location if good and full_texts.is_link(location) else None
    here = good and not link and _is_here(held.review, location)
    return last | {
        "record_id": record_id,
        "link": link,
        "file": location if here else None,
        "missing": location if location and not link and not here else None,
        "unavailable": _unavailable(decided),
        "seen": saving.seen(own),
    }


def _is_here(review, location):
    """Whether this computer has the PDF; one that a link within the folder leads away from it is not."""
    try:
        return full_texts.path_of(review, location) is not None
    except InputError:
        return False


def _unavailable(decided):
    if decided is None or not ledger.not_retrieved(decided):
        return None
    return "given up" if decided.status == ledger.EXCLUDED_FULL_TEXT else "not had yet"
