"""A decision that is corrected: a new row of the ledger with its reason, by the same checks as any other."""

import pandas as pd

from livingreview.desk import saving, standing
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
    now = ledger.standing(said)
    if any(ledger.role_of(row) == ledger.ADJUDICATOR for row in now.decided):
        return {"role": ledger.ADJUDICATOR}
    return {"role": ledger.INDEPENDENT, "owner": name} if name in names else None


def correct(held, entry, *, name, token, decided_at):
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
    run, names = held.run(), tuple(filing.own_queues(held.config()["screening"]))
    records = standing.records(held)
    kept = ledger.kept_ids(records)
    ids = [entry["record_id"], *(one for one, into in kept.items() if into == entry["record_id"])]
    with saving.changing(held, filing.LEDGER, "screening") as table:
        rows = rows_of(table.frame, ids, entry["stage"])
        seen = blinding.shown_to(rows, name=name, names=names, run=run)
        saving.refuse_changed(seen, token, what=f"Record {entry['record_id']}")
        options = may_correct(seen, name=name, names=names)
        if options is None:
            raise ReviewError("This decision is not yours to correct. Nothing was filed.")
        of_record = table.frame[table.frame["record_id"].isin(ids)]
        added, _ = ledger.from_queue(
            pd.DataFrame([entry | {"reviewer": name}], dtype=object),
            ledger.said_by(ledger.under_kept(of_record, kept, run=run), ledger.ALL_RUNS),
            known=records.index,
            decided_at=decided_at,
            correct=True,
            **standing.rules(held),
            **options,
        )
        table.append(added)
    return len(added)
