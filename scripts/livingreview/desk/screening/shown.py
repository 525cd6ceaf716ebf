"""What the pages of screening show, from plain values."""

from livingreview import tables
from livingreview.desk import saving
from livingreview.desk.full_text import places
from livingreview.desk.screening import highlighting, work
from livingreview.desk.screening import record as described
from livingreview.report import prose
from livingreview.screening import decisions as ledger
from livingreview.screening import filing

# What can be switched, and how it is before anybody has.
SWITCHES = {"model": True, "protocol": True, "ranking": True}
LISTED = 12  # decisions of today that are listed


def switches(kept, config):
    """What is shown, as a dict of yes and no.

    Parameters
    ----------
    kept : dict
        What this person has switched.
    config : dict
        The protocol; where it hides the ranking until a record is decided, nobody can switch it on.
    """
    now = SWITCHES | {name: bool(on) for name, on in kept.items() if name in SWITCHES}
    return now | {"ranking": now["ranking"] and not is_hidden(config)}


def is_hidden(config):
    """Whether the protocol hides band, probability and reasons until a record is decided."""
    return bool(config["screening"].get("hide_ranking"))


def record(held, who, waits, record_id, stage, *, on, day):
    """All that the page of a record shows of it.

    Parameters
    ----------
    held : Held
    who : work.Seat
    waits : Waiting
    record_id, stage : str
    on : dict
        From `switches`.
    day : str
        Today; a second decision on one day needs a note.

    Returns
    -------
    dict
        What `record.described` gives, and: row (of the queue, None if the record does not wait here); ranked
        (whether the ranking is shown) and chance; earlier (decisions that this person may see, the latest
        first); own (the decision of theirs that can be taken back, or None); needs_note; seen; related;
        events; full_text (at that stage).
    """
    cells = work.cells_of(held, record_id)
    row = waits.row(record_id)
    row = row if row is not None and row["stage"] == stage else None
    rows = waits.of_record(held.table(filing.LEDGER, "screening"), record_id)
    here = work.own_rows(rows, who, stage)
    earlier = work.visible(rows, who)
    own = work.said(here, who)
    decided = work.in_force(here, held.run())
    ranked = on["ranking"] or row is None
    return described.described(cells, terms=_terms(held, row, on=on, ranked=ranked)) | {
        "row": row,
        "ranked": ranked,
        "chance": chance(row) if row else None,
        "earlier": tables.rows(earlier)[::-1],
        "own": own,
        "needs_note": _needs_note(own, decided, day),
        "seen": saving.seen(here),
        "related": related(held, record_id),
        "events": events(held, cells["pmid"]),
        "full_text": places.of(held, record_id) if stage == ledger.FULL_TEXT else None,
    }


def _terms(held, row, *, on, ranked):
    """The terms to mark; the model's, which say for or against, before the protocol's."""
    model = highlighting.model_terms(row["terms"]) if row and on["model"] and ranked else {}
    asked = dict.fromkeys(work.protocol_terms(held), highlighting.PROTOCOL) if on["protocol"] else {}
    return asked | model


def _needs_note(own, decided, day):
    """Whether the ledger asks for a note if something else is decided now."""
    if own is not None and own.decided_at[:10] == day:
        return True
    return decided is not None and decided.decision != "awaiting"


def chance(row):
    """The probability of a row as a percentage in words, or None."""
    share = work.chance(row)
    return None if share is None else prose.percent(100 * share)


def related(held, record_id):
    """Other reports of the same trial: (record id, title, evidence)."""
    path = held.results("companions.csv")
    if not held.exists(path):
        return []
    found = described.related(held.table(path), record_id)
    known = titles(held, [one for one, _ in found])
    return [(one, known[one], evidence) for one, evidence in found]


def events(held, pmid):
    """What changed in a record at PubMed since it was found: (day, event, what it says), the latest first."""
    path = held.results("record_events.csv")
    if not pmid or not held.exists(path):
        return []
    found = held.table(path)
    found = found[found["pmid"] == pmid]
    return list(zip(found["date"], found["event"], found["detail"], strict=True))[::-1]


def titles(held, record_ids):
    """Titles of records, by their ids."""
    return {one: work.cells_of(held, one)["title"] or one for one in record_ids}


def stopping(held):
    """What the run says of records that may have been missed, in its own sentences."""
    path = held.results("ranking.json")
    found = held.json(path).get("stopping") if held.exists(path) else None
    parts = [found[name] for name in ("month", "cumulative") if found[name]] if found else []
    return [one["sentence"] for one in parts if one.get("sentence")]
