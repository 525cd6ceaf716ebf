"""A decision that is corrected: a new row of the ledger with its reason, by the same checks as any other."""

import pandas as pd

from livingreview import tables
from livingreview.desk import saving
from livingreview.errors import ReviewError
from livingreview.screening import blinding, filing
from livingreview.screening import decisions as ledger

COLUMNS = ("run", "decision", "reason", "reviewer", "role", "decided_at", "note")


def rows_of(decisions, ids, stage):
    """The ledger's rows of one record, or of several that are one, at a stage."""
    return decisions[decisions["record_id"].isin(ids) & (decisions["stage"] == stage)]


def may_correct(rows, *, name, names):
    """In which role a person may correct what stands: options of `decisions.from_queue`; None if not at all.

    Parameters
    ----------
    rows : DataFrame
        From `rows_of`, those that the person may see.
    name : str
    names : collection of str
        The independent reviewers by the protocol.
    """
    said = list(ledger.said_by(rows, ledger.ALL_RUNS).itertuples())
    if not said:
        return None
    if not names:
        return {}
    standing = ledger.standing(said)
    if any(ledger.role_of(row) == ledger.ADJUDICATOR for row in standing.decided):
        return {"role": ledger.ADJUDICATOR}
    return {"role": ledger.INDEPENDENT, "owner": name} if name in names else None


def correct(held, entry, *, name, token, known, kept, decided_at):
    """File a correction; on disk when this returns.

    Parameters
    ----------
    held : Held
    entry : dict
        ``record_id``, ``stage``, ``decision``, ``reason`` and ``note``, the last of which says why.
    name : str
        Who corrects.
    token : str
        From `saving.seen` of the rows that the page showed.
    known, kept : collection of str, dict
        Every record id, and of duplicates the record that is kept.
    decided_at : str

    Returns
    -------
    int
        Rows added: 0 if the ledger says the same already.

    Raises
    ------
    Changed, InputError
        Nothing was filed.
    """
    config = held.config()
    names = tuple(filing.own_queues(config["screening"]))
    ids = [entry["record_id"], *(one for one, into in kept.items() if into == entry["record_id"])]
    with saving.changing(held, filing.LEDGER, "screening") as table:
        rows = rows_of(table.frame, ids, entry["stage"])
        seen = blinding.shown_to(rows, name=name, names=names, run=config["run"])
        saving.refuse_changed(seen, token, what=f"Record {entry['record_id']}")
        options = may_correct(seen, name=name, names=names)
        if options is None:
            raise ReviewError("This decision is not yours to correct. Nothing was filed.")
        of_record = table.frame[table.frame["record_id"].isin(ids)]
        filled = pd.DataFrame(
            [dict.fromkeys(tables.columns("queue")) | entry | {"reviewer": name}],
            columns=tables.columns("queue"),
            dtype=object,
        )
        added, _ = ledger.from_queue(
            filled,
            ledger.said_by(ledger.under_kept(of_record, kept, run=config["run"]), ledger.ALL_RUNS),
            path=filing.LEDGER,
            known=known,
            reasons=config["screening"]["reasons"],
            stages=config["screening"]["stages"],
            run=config["run"],
            decided_at=decided_at,
            correct=True,
            **options,
        )
        table.append(added)
    return len(added)
