"""What the ranker learns from: decided records, their label, and when they were decided."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from livingreview.errors import ReviewError
from livingreview.screening import decisions as ledger

BOTH = "both"
# Fewer included records than this in the months after the first tell too little; years are used then.
FEWEST_IN_MONTHS = 20


class Training(NamedTuple):
    """Decided records under one label.

    Attributes
    ----------
    label : str
        A stage; included means that people included the record there.
    rows : ndarray of int
        Places of the decided records among the records given.
    included : ndarray of bool, shape (n_rows,)
    """

    label: str
    rows: np.ndarray
    included: np.ndarray

    @property
    def n_included(self):
        """Records included under this label."""
        return int(self.included.sum())

    @property
    def n_excluded(self):
        """Records excluded under this label."""
        return len(self.included) - self.n_included


def labels_of(learn_from, stages):
    """The stages whose decisions are learnt from, the one that orders undecided records first; a list.

    Raises
    ------
    ReviewError
        If the protocol has no such stage.
    """
    if learn_from != BOTH and learn_from not in stages:
        raise ReviewError(
            f"config.yaml, screening.ranking.learn_from: {learn_from!r} is no stage of this protocol;"
            f" allowed: {', '.join([*stages, BOTH])}"
        )
    return list(stages) if learn_from == BOTH else [learn_from]


def decided(record_ids, decisions, *, run, stages, label):
    """The decided records under one label.

    Under the last stage, a record is included once it is in the review, and excluded wherever it was
    excluded; under an earlier stage, the decision there counts. What awaits classification, or waits for a
    second reviewer or an adjudicator, is not decided; nor is a report that could not be retrieved.

    Parameters
    ----------
    record_ids : sequence of str
    decisions : DataFrame
        The ledger, under the records that are kept.
    run : str
    stages : list of str
    label : str
        One of the stages.

    Returns
    -------
    Training
    """
    if label == stages[-1]:
        state = ledger.statuses(record_ids, decisions, run=run, stages=stages)
        status = state["status"].to_numpy()
        included = status == ledger.INCLUDED
        known = included | np.isin(status, [ledger.EXCLUDED_TITLE_ABSTRACT, ledger.EXCLUDED_FULL_TEXT])
        known &= state["reason"].to_numpy() != ledger.NOT_RETRIEVED
    else:
        held = ledger.in_force(decisions, run)
        said = np.array([held.get(record_id, {}).get(label) for record_id in record_ids], dtype=object)
        included, known = said == "include", np.isin(said.astype(str), ["include", "exclude"])
    rows = np.flatnonzero(known)
    return Training(label, rows, included[rows].astype(bool))


def decided_in(record_ids, decisions, *, run):
    """The run in which each record was first decided, None where it was not; a list."""
    known = ledger.said_by(decisions, run)
    first = known.groupby("record_id")["run"].min().to_dict()
    return [first.get(record_id) for record_id in record_ids]


def order(runs, years):
    """Time of decided records, as text that sorts: the run of the decision, then the year of the record.

    A missing run or year sorts first.
    """
    return np.array(
        [f"{_known(run)} {_known(year)}" for run, year in zip(runs, years, strict=True)], dtype=str
    )


def _known(value):
    return "" if pd.isna(value) else str(value)


def periods(runs, years, included):
    """By what the past is cut for the back-test: runs, or years where the runs hold too little.

    Parameters
    ----------
    runs : list of str
        Of the first decision of each record.
    years : list of str
        Of the records; None or NaN where not known.
    included : sequence of bool

    Returns
    -------
    labels : list of str
        One for each record; records without a year are put with the earliest.
    period : str
        "month" or "year".
    """
    first = min(runs, default=None)
    later = sum(bool(one) for run, one in zip(runs, included, strict=True) if run != first)
    if later >= FEWEST_IN_MONTHS:
        return list(runs), "month"
    known = [_known(year) for year in years]
    earliest = min(filter(None, known), default="0000")
    return [year or earliest for year in known], "year"
