"""What one of two independent reviewers may know of the other: no decision until both have decided."""

from livingreview import tables
from livingreview.screening import decisions as ledger


def shown_to(decisions, *, name, names, run=ledger.ALL_RUNS):
    """The ledger without the rows that would tell a reviewer what another has said first.

    Parameters
    ----------
    decisions : DataFrame
        The ledger, or the rows of some records, in the order of filing.
    name : str
        Who looks.
    names : collection of str
        The independent reviewers by the protocol; anyone else sees all, and so does everyone where a reviewer
        decides alone (empty).
    run : str
        A month YYYY-MM; later rows are left out.

    Returns
    -------
    DataFrame
        The rows that may be shown, with their index. Of a record and stage for which only another reviewer
        has spoken, all that this reviewer said since it was last decided is left out; what others said of it
        before that round, and whatever `name` said, stays. What another took back is left out until the
        record is decided after it.
    """
    known = decisions[decisions["run"] <= run]
    if name not in names:
        return known
    standings = ledger.standings(known, run)
    decided = {key: max((row.Index for row in one.decided), default=-1) for key, one in standings.items()}
    begun = {
        key: (one.open[0].reviewer, decided[key])
        for key, one in standings.items()
        if one.waits_for == ledger.SECOND_REVIEWER and one.open[0].reviewer != name
    }
    said = set(ledger.said_by(known, run).index)
    hidden = [
        row.Index
        for row in tables.rows(known[known["role"] == ledger.INDEPENDENT])
        if _is_of_round(row, begun.get((row.record_id, row.stage)))
        or (
            row.Index not in said
            and row.reviewer != name
            and row.Index > decided.get((row.record_id, row.stage), -1)
        )
    ]
    return known.drop(index=hidden)


def _is_of_round(row, begun):
    """Whether a row is of an open round, given who has spoken in it and the last row before it."""
    return begun is not None and row.reviewer == begun[0] and row.Index > begun[1]
