"""What waits for one person's decision, best first, kept up with the ledger row by row."""

import bisect
import threading

from livingreview.desk.kept_up import added_ids
from livingreview.screening import decisions as ledger
from livingreview.screening import filing
from livingreview.screening import queue as screening_queue
from livingreview.tables import plain_rows


class Waiting:
    """The records that wait for one person at each stage, in the order of the run's queue.

    Rows that the ledger gets are looked at by themselves, so that a decision costs the same in a queue of
    twenty thousand records as in one of twenty. Of two independent reviewers it holds what `filing.own_queue`
    gives each: nothing that tells what the other has decided.

    Parameters
    ----------
    queue : DataFrame
        The run's ``queue.csv``.
    records : DataFrame
        The run's ``records.csv``.
    run : str
    stages : list of str
        The protocol's stages.
    name : str
        The person.
    names : collection of str
        All independent reviewers; empty where one decides alone.
    """

    def __init__(self, queue, records, *, run, stages, name, names=()):
        self._queue, self._records = queue, records
        self._run, self._stages, self._name, self._names = run, stages, name, list(names)
        self._kept = ledger.kept_ids(records)
        self._filed_as = {}
        for duplicate, kept in self._kept.items():
            self._filed_as.setdefault(kept, [kept]).append(duplicate)
        self._place = {record_id: place for place, record_id in enumerate(queue["record_id"])}
        self._order = {stage: [] for stage in stages}
        self._rows, self._keys = {}, {}
        self._reading = None  # places of another order than the queue's
        self._ledger, self._filed = None, {}
        self._record_place = {record_id: place for place, record_id in enumerate(records["record_id"])}
        self._lock = threading.RLock()

    def filed_as(self, record_id):
        """The ids under which people may have decided of a record: its own, and those of its duplicates."""
        return self._filed_as.get(record_id, [record_id])

    def of_record(self, decisions, record_id):
        """The ledger's rows of a record, under the record that is kept; their index stays."""
        with self._lock:
            if decisions is self._ledger:
                places = sorted(at for one in self.filed_as(record_id) for at in self._filed.get(one, ()))
                own = decisions.iloc[places]
            else:
                own = decisions[decisions["record_id"].isin(self.filed_as(record_id))]
        return ledger.under_kept(own, self._kept, run=self._run)

    def follow(self, decisions, *, after=None, added=()):
        """Take in what the ledger says now; returns itself.

        Parameters
        ----------
        decisions : DataFrame
            The whole ledger, as it is on disk.
        after, added : optional
            The ledger before and the records that rows were added of, if this is known: then the old rows
            need not be compared.
        """
        with self._lock:
            before = self._ledger
            if decisions is before:
                return self
            changed = None
            if before is not None:
                changed = added if after is before else added_ids(before, decisions)
            self._ledger = decisions
            if changed is None:
                self._filed = {}
                self._index(decisions, 0)
                self._begin(decisions)
            else:
                self._index(decisions, len(before))
                for record_id in {self._kept.get(one, one) for one in changed}:
                    self._look_again(record_id, decisions)
        return self

    def _index(self, decisions, begin):
        """Note which rows are of which record."""
        for place, record_id in enumerate(decisions["record_id"].iloc[begin:], start=begin):
            self._filed.setdefault(record_id, []).append(place)

    def order(self, stage):
        """The ids that wait at a stage, best first; a new list."""
        with self._lock:
            return list(self._order.get(stage, ()))

    def put_in_order(self, record_ids):
        """Read in another order than the queue's from now on.

        Rows stay as the queue has them, with the band and the score under which decisions are filed.

        Parameters
        ----------
        record_ids : list of str or None
            Best first; records that are not named come after them, in the order of the queue. None for the
            order of the queue. Whatever the order, what awaits information comes after what does not.
        """
        with self._lock:
            self._reading = record_ids and {one: place for place, one in enumerate(record_ids)}
            self._keys = {record_id: self._key(row) for record_id, row in self._rows.items()}
            for order in self._order.values():
                order.sort(key=self._keys.get)

    def count(self, stage):
        """How many records wait at a stage."""
        return len(self._order.get(stage, ()))

    def row(self, record_id):
        """A record's row of the queue as a dict, None where it does not wait; do not change it."""
        return self._rows.get(record_id)

    def rows(self, stage):
        """The rows that wait at a stage, best first."""
        with self._lock:
            return [self._rows[record_id] for record_id in self._order.get(stage, ())]

    def _begin(self, decisions):
        """Look at every record."""
        self._order = {stage: [] for stage in self._stages}
        self._rows, self._keys = {}, {}
        kept = ledger.under_kept(decisions, self._kept, run=self._run)
        for row in plain_rows(self._asked(self._queue, self._records, kept)):
            self._keep(row)
            self._order[row["stage"]].append(row["record_id"])
        for order in self._order.values():
            order.sort(key=self._keys.get)

    def _look_again(self, record_id, decisions):
        """Look at one record."""
        before = self._rows.pop(record_id, None)
        if before is not None:
            order = self._order[before["stage"]]
            del order[bisect.bisect_left(order, self._keys[record_id], key=self._keys.get)]
        place = self._place.get(record_id)
        queue = self._queue.iloc[[] if place is None else [place]]
        at = self._record_place.get(record_id)
        records = self._records.iloc[[] if at is None else [at]]
        for row in plain_rows(self._asked(queue, records, self.of_record(decisions, record_id))):
            self._keep(row)
            bisect.insort(self._order[row["stage"]], record_id, key=self._keys.get)

    def _asked(self, queue, records, decisions):
        asked = screening_queue.still_asked(queue, records, decisions, run=self._run, stages=self._stages)
        if not self._names:
            return asked
        return filing.own_queue(asked, decisions, run=self._run, name=self._name, names=self._names)

    def _keep(self, row):
        self._rows[row["record_id"]] = row
        self._keys[row["record_id"]] = self._key(row)

    def _key(self, row):
        """What a row is put in order by."""
        record_id = row["record_id"]
        place = self._place.get(record_id, len(self._place))
        if self._reading is not None:
            place = self._reading.get(record_id, len(self._reading) + place)
        awaits = row["state"] == "awaiting"
        # Of two reviewers, each one's own waiting is last and by score alone: see `filing.own_queue`.
        score = -row["score"] if awaits and self._names and row["score"] is not None else 0.0
        return awaits, score, place, record_id
