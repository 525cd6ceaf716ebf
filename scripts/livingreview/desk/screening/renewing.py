"""The order of reading, renewed while somebody screens who has switched it on; nothing of it is on disk."""

import logging
import threading

from livingreview.desk.screening import ranking_anew
from livingreview.report import prose

log = logging.getLogger(__name__)

# A queue is ranked anew after one decision, and after one more for each so many records that wait.
RECORDS_PER_DECISION = 1000


class Renewals:
    """Of each person at a desk whether and how their order is renewed; one ranking at a time for all.

    Parameters
    ----------
    rank : callable
        `ranking_anew.in_process`, or what answers as it does.
    """

    def __init__(self, rank=ranking_anew.in_process):
        self._rank, self._turn = rank, threading.Lock()
        self._of, self._lock = {}, threading.Lock()

    def of(self, name):
        """A person's `Renewal`."""
        with self._lock:
            return self._of.setdefault(name, Renewal(self._in_turn))

    def _in_turn(self, *asked):
        with self._turn:
            return self._rank(*asked)


class Renewal:
    """One person's renewed order: off until it is switched on.

    Only the order is renewed. Band, chance and terms stay those of the month's ranking: they are what a
    decision is filed with, and what the audit of low-ranked records counts by.

    Parameters
    ----------
    rank : callable
        As for `Renewals`.

    Attributes
    ----------
    is_on : bool
    """

    def __init__(self, rank):
        self.is_on = False
        self._rank = rank
        self._since = 0  # decisions since a ranking was begun
        self._next = None  # what is to be ranked after the ranking that is under way
        self._thread = None
        self._told, self._of = "", None
        self._lock = threading.Lock()

    def switch(self, waits, *asked):
        """Switch on, and rank at once, or off, and read in the order of the month again.

        Parameters
        ----------
        waits : Waiting
        *asked
            The arguments of `ranking_anew.ranked`.
        """
        with self._lock:
            self.is_on = not self.is_on
            self._told, self._next = "", None
            if not self.is_on:
                waits.put_in_order(None)
                return
        self._begin(waits, asked)

    def decided(self, waits, n_waiting, *asked):
        """Take note that a decision was filed or taken back; ranks if enough were, and never waits for it."""
        if not self.is_on:
            return
        self._since += 1
        if self._since >= needed(n_waiting) or not n_waiting:
            self._begin(waits, asked)

    def told(self, waits):
        """What a page says of it, "" where there is nothing to say."""
        with self._lock:
            if not self.is_on:
                return ""
            said = self._told if self._of is waits else ""
            if said or self._thread is None:
                return said or "The order is renewed after the next decisions."
            return "The order is being renewed with what was decided so far; go on meanwhile."

    def wait(self):
        """Wait until no ranking is under way."""
        while (thread := self._thread) is not None:
            thread.join()

    def _begin(self, waits, asked):
        with self._lock:
            self._since = 0
            self._next = waits, asked
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True)
                self._thread.start()

    def _work(self):
        """Rank until nothing is asked for any more; of several that were asked for meanwhile the last one."""
        while True:
            with self._lock:
                if self._next is None:
                    self._thread = None
                    return
                (waits, asked), self._next = self._next, None
            found, told = self._ranked(asked)
            with self._lock:
                if not self.is_on:
                    continue
                if found is not None and found.order is not None:
                    waits.put_in_order(found.order)
                    told = _renewed(found, sum(waits.row(one) is not None for one in found.moved_up))
                self._told, self._of = told, waits

    def _ranked(self, asked):
        """The answer, or None; and what is to be said where the order stays."""
        try:
            found = self._rank(*asked)
        except Exception as error:  # whatever it is, the desk goes on in the order that it has
            log.exception("the order was not renewed")
            return None, f"The order could not be renewed and stays as it was: {prose.sentence(str(error))}."
        for one in found.warnings:
            log.warning("ranking anew: %s", one)
        return found, f"The order stays as it was. {found.explanation}"


def needed(n_waiting):
    """After how many decisions a queue is ranked anew, so that large ones are not ranked all the time."""
    return 1 + n_waiting // RECORDS_PER_DECISION


def _renewed(found, n_moved):
    """What is said of a renewed order."""
    learnt, up = "no further decision is in force", ""
    if found.n_more:
        many = "decision" if abs(found.n_more) == 1 else "decisions"
        more = "more" if found.n_more > 0 else "fewer"
        learnt = f"learnt from {abs(found.n_more):,} {many} {more} than the month’s own"
    if n_moved:
        up = f"; {n_moved:,} record{'' if n_moved == 1 else 's'} moved up into “read first”"
    return f"Order renewed: {learnt}{up}. Bands and chances shown are the month’s."
