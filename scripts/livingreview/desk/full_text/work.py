"""Which full texts are to be had, and how far the search for each is."""

from livingreview import tables
from livingreview.desk import paging, standing
from livingreview.desk.full_text import places
from livingreview.report import links
from livingreview.screening import decisions as ledger
from livingreview.screening import full_texts
from livingreview.screening.queue import link
from livingreview.search.linkage.pairs import id_order

NOT_SOUGHT, NOT_RETRIEVED = "not sought", "not retrieved"
STATES = (NOT_SOUGHT, full_texts.SOUGHT, full_texts.RETRIEVED, NOT_RETRIEVED)
PAGE = 50  # records


def of(held, *, state=None, page=1):
    """The records whose full text is asked for, or could not be had, by how far the search is.

    Parameters
    ----------
    held : Held
    state : str, optional
        One of `STATES`; left out, or unknown, the first that has records.
    page : int
        From 1.

    Returns
    -------
    dict
        counts (state to number), state, page (a `paging.Page`), unknown (ids with a note that no search or
        import has found), and rows: dicts with record_id, title, authors, journal, year, address (PubMed, or
        the DOI), doi (the publisher's page, or None), and place from `places.of`.
    """
    found = {name: [] for name in STATES}
    notes = places.notes(held)
    last = full_texts.latest(notes)
    states = standing.states(held)
    sought = (states["ask"] == ledger.FULL_TEXT) | (states["reason"] == ledger.NOT_RETRIEVED)
    for one in tables.rows(states[sought]):
        if one.ask == ledger.FULL_TEXT or ledger.not_retrieved(one):
            found[_state(one, last.get(one.record_id))].append(one)
    state = state if state in found else next((name for name in STATES if found[name]), NOT_SOUGHT)
    chosen = sorted(found[state], key=lambda one: id_order(one.record_id))
    shown = paging.page(chosen, page, size=PAGE)
    return {
        "counts": {name: len(ones) for name, ones in found.items()},
        "state": state,
        "page": shown,
        "unknown": sorted(set(notes["record_id"]) - set(standing.records(held).index)),
        "rows": [_row(held, one) for one in shown.rows],
    }


def _state(one, note):
    if one.status == ledger.EXCLUDED_FULL_TEXT:
        return NOT_RETRIEVED
    return note.retrieval if note is not None else NOT_SOUGHT


def _row(held, one):
    record = standing.records(held).loc[one.record_id]
    shown = {name: record[name] for name in ("record_id", "title", "authors", "journal", "year")}
    doi = links.doi_link(record["doi"]) if record["pmid"] else None
    return shown | {
        "address": link(record),
        "doi": doi,
        "place": places.of(held, one.record_id, decided=one),
        "asked": one.ask is not None,
    }
