"""One person's sitting: what they skipped, and what they decided today."""

import threading
from typing import NamedTuple

from livingreview import tables
from livingreview.screening import decisions as ledger


class Sitting:
    """What one person put off at each stage, until the desk is closed; nothing of it is on disk.

    Skipped records come again after all others, in the order in which they were skipped.
    """

    def __init__(self):
        self._skipped = {}
        self._lock = threading.Lock()

    def skip(self, stage, record_id):
        """Put a record off; one that was put off before goes to the very end."""
        with self._lock:
            skipped = self._skipped.setdefault(stage, {})
            skipped.pop(record_id, None)
            skipped[record_id] = True

    def unskip(self, stage, record_id):
        """Forget that a record was put off."""
        with self._lock:
            self._skipped.get(stage, {}).pop(record_id, None)

    def order(self, stage, waiting):
        """The ids that wait, those that were skipped last.

        Returns
        -------
        list of str
        n_skipped : int
        """
        with self._lock:
            skipped = self._skipped.get(stage)
            if not skipped:
                return waiting, 0
            there = set(waiting)
            later = [one for one in skipped if one in there]
            return [one for one in waiting if one not in skipped] + later, len(later)


class Decided(NamedTuple):
    """A decision of today that stands: a row of the ledger."""

    record_id: str
    stage: str
    decision: str
    reason: str | None
    note: str | None
    decided_at: str


def today(decisions, *, name, day, most):
    """What one person decided on a day and has not taken back.

    Parameters
    ----------
    decisions : DataFrame
        The ledger, in the order of filing. It is read from its end, as far as the day goes.
    name : str
    day : str
        YYYY-MM-DD.
    most : int
        So many are given.

    Returns
    -------
    (list of Decided, int)
        The last of them, the latest first, and how many there are. Adjudications are left out: they are not
        part of screening.
    """
    filed = decisions["decided_at"].to_numpy()
    begin = len(filed)
    while begin and filed[begin - 1][:10] >= day:
        begin -= 1
    tail = ledger.said_by(decisions.iloc[begin:], ledger.ALL_RUNS)
    own = tail[(tail["reviewer"] == name) & (tail["role"] != ledger.ADJUDICATOR)]
    latest = [
        Decided(row.record_id, row.stage, row.decision, row.reason, row.note, row.decided_at)
        for row in reversed(tables.rows(own.tail(most)))
    ]
    return latest, len(own)


def after(order, record_id, *, back=False):
    """The id that comes after another in an order, or before it; the first where there is none."""
    if not order:
        return None
    if record_id not in order:
        return order[0]
    place = order.index(record_id) + (-1 if back else 1)
    return order[max(0, place) % len(order)]
