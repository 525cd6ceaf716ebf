"""Who waits for whom: how many records each of two reviewers has to decide, and for how many the other waits.

Counts and the age of the oldest only: which records, what was decided and in which order is nobody's before
both have decided.
"""

import pandas as pd

from livingreview import tables
from livingreview.desk import standing
from livingreview.screening import decisions as ledger
from livingreview.screening import filing


def counts(states, together, *, run, stages, names, today, first_runs):
    """What each independent reviewer has to decide, by stage.

    Parameters
    ----------
    states : DataFrame
        From `decisions.statuses`, of the records that are kept.
    together : dict
        From `decisions.standings`, of the ledger under the records that are kept.
    run : str
    stages : list of str
    names : sequence of str
        The independent reviewers.
    today : str
        YYYY-MM-DD.
    first_runs : Series
        Of each record the run that found it, by record id.

    Returns
    -------
    list of dict
        One for each stage: stage; reviewers, a list with name, n (records to decide), n_second (of these, how
        many another has decided and that wait for this one alone), oldest (the day on which the oldest of
        these was decided by the other; None without any), days (its age) and n_awaiting (of `n`, those that
        wait for information by a decision in force); n_conflicts, and since, the day from which the oldest
        waits.
    """
    asked = states[states["ask"].notna()].reset_index(drop=True)
    queue = pd.DataFrame(
        {
            "record_id": asked["record_id"],
            "stage": asked["ask"],
            "state": ["awaiting" if status == ledger.AWAITING else "undecided" for status in asked["status"]],
            "first_run": first_runs.reindex(asked["record_id"]).to_numpy(),
        }
    )
    rows = tables.rows(queue)
    own = {
        name: _own(queue, filing.own_states(rows, together, run=run, name=name, names=names))
        for name in names
    }
    return [
        {
            "stage": stage,
            "reviewers": [
                _of_one(own[name][own[name]["stage"] == stage], together, name=name, today=today)
                for name in names
            ],
            **_conflicts(together, stage, asked),
        }
        for stage in stages
    ]


def _own(queue, states):
    """What one reviewer has to decide."""
    own = queue.assign(state=pd.Series(states, index=queue.index, dtype=object))
    return own[own["state"].notna()]


def _of_one(queue, together, *, name, today):
    shared = [together.get(key) for key in zip(queue["record_id"], queue["stage"], strict=True)]
    # What one alone lets wait is still in the own queue: to count it would tell the other what was said.
    asked = [one is None or name not in {row.reviewer for row in one.open} for one in shared]
    queue, shared = (
        queue[pd.Series(asked, index=queue.index, dtype=bool)],
        [one for one, is_asked in zip(shared, asked, strict=True) if is_asked],
    )
    since = [
        one.open[0].decided_at[:10]
        for one in shared
        if one is not None and one.waits_for == ledger.SECOND_REVIEWER and one.open[0].reviewer != name
    ]
    oldest = min(since, default=None)
    return {
        "name": name,
        "n": len(queue),
        "n_second": len(since),
        "oldest": oldest,
        "days": None if oldest is None else (pd.Timestamp(today) - pd.Timestamp(oldest)).days,
        "n_awaiting": int((queue["state"] == "awaiting").sum()),
    }


def _conflicts(together, stage, asked):
    there = set(asked["record_id"])
    since = [
        max(row.decided_at for row in one.open)[:10]
        for (record_id, of), one in together.items()
        if of == stage and record_id in there and one.waits_for == ledger.ADJUDICATION
    ]
    return {"n_conflicts": len(since), "since": min(since, default=None)}


def of(desk, *, names):
    """`counts` of a desk, made again when the ledger or the records change, or the day."""
    held, today = desk.held, desk.today()
    run, stages = held.run(), held.config()["screening"]["stages"]
    records = standing.records(held)
    return held.derived(
        ("who waits for whom", run, tuple(stages), tuple(names), today),
        [filing.LEDGER, held.results("records.csv")],
        lambda *_: counts(
            standing.states(held),
            standing.standings(held),
            run=run,
            stages=stages,
            names=names,
            today=today,
            first_runs=records["first_run"],
        ),
    )
