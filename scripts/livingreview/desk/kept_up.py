"""What follows from the ledger, kept up with it: only records that rows were added of are looked at again.

So a decision costs the same in a ledger of forty thousand rows as in one of forty. What is on disk stays the
truth: each of these is given the ledger as it is, and begins anew if more than rows at its end has changed.
"""

import threading
from typing import NamedTuple

import numpy as np
import pandas as pd

from livingreview.screening import agreement, blinding
from livingreview.screening import decisions as ledger


class KeptUp:
    """What follows from the ledger; a subclass says what, with `_begin` and `_after`.

    Parameters
    ----------
    kept : dict
        From `decisions.kept_ids`: what is said of a duplicate is said of the record that is kept.
    run : str
    """

    def __init__(self, kept, *, run):
        self._kept, self._run = kept, run
        self._duplicates = {}
        for duplicate, record_id in kept.items():
            self._duplicates.setdefault(record_id, []).append(duplicate)
        self._ledger = self._made = None
        self._lock = threading.Lock()

    def follow(self, decisions):
        """What follows from the whole ledger as it is now; do not change it."""
        with self._lock:
            if decisions is not self._ledger:
                added = None if self._ledger is None else added_ids(self._ledger, decisions)
                if added is None:
                    self._made = self._begin(decisions)
                else:
                    ids = {self._kept.get(one, one) for one in added}
                    names = ids.union(*(self._duplicates.get(one, ()) for one in ids))
                    self._made = self._after(ids, decisions[decisions["record_id"].isin(names)], decisions)
                self._ledger = decisions
            return self._made

    def _under_kept(self, rows):
        return ledger.under_kept(rows, self._kept, run=self._run)


class States(KeptUp):
    """Where every record stands that is no duplicate: `decisions.statuses` by record_id, a DataFrame.

    Parameters
    ----------
    records : DataFrame
        The run's ``records.csv``.
    run : str
    stages : list of str
        The protocol's stages.
    """

    def __init__(self, records, *, run, stages):
        super().__init__(ledger.kept_ids(records), run=run)
        self._ids = list(records.loc[records["duplicate_of"].isna(), "record_id"])
        self._known, self._stages = frozenset(self._ids), stages

    def _begin(self, decisions):
        return self._of(self._ids, decisions)

    def _after(self, ids, rows, _decisions):
        now = self._of(sorted(ids & self._known), rows)
        cells = self._made.to_numpy(copy=True)
        cells[self._made.index.get_indexer(now.index)] = now.to_numpy()
        # As objects, so that None stays None.
        return pd.DataFrame(cells, index=self._made.index, columns=self._made.columns, dtype=object)

    def _of(self, ids, rows):
        state = ledger.statuses(ids, self._under_kept(rows), run=self._run, stages=self._stages)
        return state.set_index("record_id", drop=False)


class Standings(KeptUp):
    """`decisions.standings` of the ledger under the records that are kept, in no order."""

    def _begin(self, decisions):
        return ledger.standings(self._under_kept(decisions), self._run)

    def _after(self, ids, rows, _decisions):
        made = dict(self._made)
        for record_id in ids:
            for stage in (ledger.TITLE_ABSTRACT, ledger.FULL_TEXT):
                made.pop((record_id, stage), None)
        return made | ledger.standings(self._under_kept(rows), self._run)


class FirstSaid(KeptUp):
    """`agreement.pairs` of the ledger under the records that are kept, in no order.

    Parameters
    ----------
    kept, run
        As for `KeptUp`.
    names : sequence of str
        The reviewers in the protocol's order.
    """

    def __init__(self, kept, *, run, names):
        super().__init__(kept, run=run)
        self._names = names

    def _begin(self, decisions):
        return agreement.pairs(self._under_kept(decisions), run=self._run, names=self._names)

    def _after(self, ids, rows, _decisions):
        others = self._made[~self._made["record_id"].isin(ids)]
        return pd.concat([others, self._begin(rows)], ignore_index=True)


class Seen(NamedTuple):
    """The ledger as one person may see it: the rows, and the index of those in force, a set."""

    rows: pd.DataFrame
    in_force: set


class Visible(KeptUp):
    """What `blinding.shown_to` shows one person of the ledger, under the ids that were filed: a `Seen`.

    Parameters
    ----------
    name : str
    names : collection of str
        The independent reviewers.
    run : str
    """

    def __init__(self, name, names, *, run):
        super().__init__({}, run=run)
        self._name, self._names, self._hidden = name, names, set()

    def _begin(self, decisions):
        shown = self._shown(decisions)
        self._hidden = set(decisions.index.difference(shown.index))
        return Seen(shown, set(ledger.index_in_force(shown)))

    def _after(self, _ids, rows, decisions):
        shown = self._shown(rows)
        self._hidden = self._hidden.difference(rows.index) | set(rows.index.difference(shown.index))
        in_force = self._made.in_force.difference(rows.index).union(ledger.index_in_force(shown))
        return Seen(decisions.drop(index=list(self._hidden)), in_force)

    def _shown(self, rows):
        return blinding.shown_to(rows, name=self._name, names=self._names, run=self._run)


def added_ids(before, now):
    """The record ids of the rows that a ledger has gained at its end; None if anything else has changed."""
    n = len(before)
    if len(now) < n or list(before.columns) != list(now.columns):
        return None
    for column in before.columns:
        old, new = before[column].to_numpy(), now[column].to_numpy()[:n]
        other = np.flatnonzero(old != new)  # NaN is not itself
        if len(other) and not (pd.isna(old[other]) & pd.isna(new[other])).all():
            return None
    return set(now["record_id"].iloc[n:])
