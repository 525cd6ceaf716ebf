"""Where the records stand by the ledger as it is now, which may be ahead of the last run's results."""

import threading

import numpy as np
import pandas as pd

from livingreview import tables
from livingreview.screening import decisions as ledger
from livingreview.screening import filing
from livingreview.trials import instruments

# People's tables of trials by their schema, from the review's folder.
TRIALS = {name: f"data/trials/{name}.csv" for name in ("reports", "studies", "outcomes")}


def records(held):
    """The records of the last run, duplicates too: a DataFrame by record_id, which is a column too."""
    path = held.results("records.csv")
    return held.derived(
        ("records by id", path),
        [path],
        lambda file: tables.read_results(file).set_index("record_id", drop=False),
    )


def registry(held):
    """The instruments in force, as a `instruments.Lookup`; empty where a review does without."""
    run = held.run()
    return held.derived(
        ("registry", run),
        [instruments.TABLE],
        lambda path: instruments.lookup(instruments.read(path, run=run)),
        optional=True,
    )


def rules(held):
    """What `decisions.from_queue` takes from the protocol, as its options."""
    screening = held.config()["screening"]
    return {
        "path": filing.LEDGER,
        "reasons": screening["reasons"],
        "stages": screening["stages"],
        "run": held.run(),
    }


def decisions(held):
    """The ledger under the records that are kept."""
    run, path = held.run(), held.results("records.csv")

    def make(_ledger, _records):
        kept = ledger.kept_ids(records(held))
        return ledger.under_kept(held.table(filing.LEDGER, "screening"), kept, run=run)

    return held.derived(("decisions under kept", run), [filing.LEDGER, path], make)


def standings(held):
    """The `decisions.Standing` of every record and stage that independent reviewers share."""
    run, path = held.run(), held.results("records.csv")
    return held.derived(
        ("standings", run),
        [filing.LEDGER, path],
        lambda *_: ledger.standings(decisions(held), run),
    )


def states(held):
    """Where each record stands that is no duplicate: `decisions.statuses` by record_id.

    By decisions in force only: nothing of what one of two reviewers said alone. Do not change it.
    """
    run, path = held.run(), held.results("records.csv")
    stages = held.config()["screening"]["stages"]
    kept_up = held.derived(
        ("states", run, tuple(stages)), [path], lambda _: States(records(held), run=run, stages=stages)
    )
    return kept_up.follow(held.table(filing.LEDGER, "screening"))


class States:
    """Where every record stands, kept up with the ledger: only records with new rows are looked at again.

    Parameters
    ----------
    records : DataFrame
        The run's ``records.csv``.
    run : str
    stages : list of str
        The protocol's stages.
    """

    def __init__(self, records, *, run, stages):
        self._kept = ledger.kept_ids(records)
        self._ids = list(records.loc[records["duplicate_of"].isna(), "record_id"])
        self._run, self._stages = run, stages
        self._ledger = self._frame = None
        self._lock = threading.Lock()

    def follow(self, decisions):
        """`decisions.statuses` by the whole ledger, by record_id; a new frame if it has changed."""
        with self._lock:
            if decisions is not self._ledger:
                added = None if self._ledger is None else added_ids(self._ledger, decisions)
                self._frame = (
                    self._of(self._ids, decisions) if added is None else self._after(added, decisions)
                )
                self._ledger = decisions
            return self._frame

    def _after(self, added, decisions):
        ids = {self._kept.get(one, one) for one in added} & set(self._ids)
        names = ids | {duplicate for duplicate, kept in self._kept.items() if kept in ids}
        now = self._of(sorted(ids), decisions[decisions["record_id"].isin(names)])
        cells = self._frame.to_numpy(copy=True)
        cells[self._frame.index.get_indexer(now.index)] = now.to_numpy()
        # As objects, so that None stays None.
        return pd.DataFrame(cells, index=self._frame.index, columns=self._frame.columns, dtype=object)

    def _of(self, ids, rows):
        under = ledger.under_kept(rows, self._kept, run=self._run)
        return ledger.statuses(ids, under, run=self._run, stages=self._stages).set_index(
            "record_id", drop=False
        )


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
