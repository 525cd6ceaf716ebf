"""What two reviewers decided differently, by the ledger as it is now, and how it is settled."""

from typing import NamedTuple

import pandas as pd

from livingreview import tables
from livingreview.desk import saving, standing
from livingreview.screening import agreement, blinding, filing
from livingreview.screening import decisions as ledger
from livingreview.screening.queue import link
from livingreview.search.linkage.pairs import id_order

# How a conflict was settled: the beginning of the note, so that whoever audits the ledger reads it there.
THIRD, TALKED = "decided by a third person", "the two agreed after talking"
WAYS = (THIRD, TALKED)


class Answer(NamedTuple):
    """What somebody entered to settle a conflict; None where a field was left empty."""

    decision: str | None = None
    reason: str | None = None
    way: str | None = None
    note: str | None = None

    @property
    def noted(self):
        """The note as the ledger keeps it, or None where nothing was said."""
        return f"{self.way}: {self.note}" if self.way and self.note else None


def waiting(held, *, names):
    """The conflicts that wait for an adjudicator: (record_id, stage), in the order of the last run's queue.

    Parameters
    ----------
    held : Held
    names : sequence of str
        The independent reviewers; where one decides alone nothing waits.
    """
    if not names:
        return []
    known, places = standing.records(held).index, _places(held)
    keys = [key for key, one in standing.standings(held).items() if one.waits_for == ledger.ADJUDICATION]
    return sorted(
        (key for key in keys if key[0] in known),
        key=lambda key: (places.get(key, len(places)), id_order(key[0]), key[1]),
    )


def listed(held, keys, *, names):
    """What reviewers said of some of the conflicts that wait.

    Returns
    -------
    DataFrame
        As from `agreement.conflicts`, in the order of `keys`, and the column since: the day on which the
        later of the two decided.
    """
    queue = standing.records(held).loc[[record_id for record_id, _ in keys]]
    queue = queue.assign(
        stage=[stage for _, stage in keys], link=[link(record) for record in queue.to_dict("records")]
    )
    decisions = standing.decisions(held)
    decisions = decisions[decisions["record_id"].isin(queue["record_id"])]
    found = agreement.conflicts(queue, decisions, run=held.run(), names=names)
    said = standing.standings(held)
    since = [max(one.decided_at for one in said[key].open)[:10] for key in keys]
    return found.assign(since=pd.Series(since, index=found.index, dtype=object))


def _places(held):
    """The place in the queue of the last run of each record and stage."""
    path = held.results(filing.QUEUE)
    if not held.exists(path):
        return {}
    return held.derived(("places in the queue", path), [path], lambda _: _numbered(held.table(path, "queue")))


def _numbered(queue):
    return {key: place for place, key in enumerate(zip(queue["record_id"], queue["stage"], strict=True))}


def settled(held):
    """This run's adjudications that are in force, the latest first; rows of the ledger."""
    found = [
        one.decided[0]
        for one in standing.standings(held).values()
        if one.decided and not one.open and ledger.role_of(one.decided[0]) == ledger.ADJUDICATOR
    ]
    found = [row for row in found if row.run == held.run()]
    return sorted(found, key=lambda row: row.Index, reverse=True)


class Case(NamedTuple):
    """One record at one stage on which reviewers differ or differed.

    Attributes
    ----------
    record_id, stage : str
    said : tuple of rows
        What each reviewer says, by the order of the protocol.
    adjudicated : row or None
        The adjudication in force, which a new one would correct.
    rows : DataFrame
        All that was decided of the record at this stage, in the order of filing.
    seen : str
        The token of `rows` for the form.
    """

    record_id: str
    stage: str
    said: tuple
    adjudicated: object
    rows: pd.DataFrame
    seen: str


def case(decisions, record_id, stage, *, run, names):
    """The `Case` of a record and stage, or None if there is no conflict and was none that was settled.

    Parameters
    ----------
    decisions : DataFrame
        The ledger under the records that are kept.
    record_id, stage : str
    run : str
    names : sequence of str
        The reviewers in the protocol's order.
    """
    rows = decisions[(decisions["record_id"] == record_id) & (decisions["stage"] == stage)]
    one = ledger.standings(rows, run).get((record_id, stage))
    if one is None:
        return None
    adjudicated = one.decided[0] if one.decided else None
    if adjudicated is not None and ledger.role_of(adjudicated) != ledger.ADJUDICATOR:
        adjudicated = None
    if one.waits_for != ledger.ADJUDICATION and (one.open or adjudicated is None):
        return None
    said = {row.reviewer: row for row in one.open}
    if not said:
        before = ledger.said_by(rows, run)
        before = before[(before["role"] == ledger.INDEPENDENT) & (before.index < adjudicated.Index)]
        said = {row.reviewer: row for row in before.itertuples()}
    order = {name: place for place, name in enumerate(names)}
    return Case(
        record_id,
        stage,
        tuple(sorted(said.values(), key=lambda row: (order.get(row.reviewer, len(order)), row.reviewer))),
        adjudicated,
        rows,
        saving.seen(rows),
    )


def history(one, *, name, names):
    """All rows of a case that a person may see, as dicts, the latest first."""
    return tables.plain_rows(blinding.shown_to(one.rows, name=name, names=names))[::-1]


def faults(answer, *, stage, is_party):
    """What is missing in an answer, as sentences; the rules of the ledger itself come on filing.

    Parameters
    ----------
    answer : Answer
    stage : str
    is_party : bool
        Whether the person is one of the two who differ: these settle nothing without each other.
    """
    found = []
    if not answer.decision:
        found.append("Choose include, exclude or awaiting.")
    if stage == ledger.FULL_TEXT and answer.decision == "exclude" and not answer.reason:
        found.append("An exclusion on full text needs a reason.")
    if answer.way not in WAYS:
        found.append("Say how it was settled: by a third person, or by the two after they talked.")
    elif is_party and answer.way == THIRD:
        found.append("You are one of the two: settle it after you have talked, or leave it to another.")
    if not answer.note:
        found.append("An adjudication says why: write it into the note.")
    return found


def file(desk, one, answer, *, name, seen):
    """Settle a conflict, or correct how it was settled; on disk when this returns.

    Parameters
    ----------
    desk : Desk
    one : Case
    answer : Answer
        Without `faults`.
    name : str
        Who adjudicates.
    seen : str
        The token of the page that was answered.

    Returns
    -------
    bool
        Whether a row was added; False where the one in force says the same.

    Raises
    ------
    Changed
        If the ledger says something else of the record than the page showed.
    InputError
        If the ledger does not take it; nothing is written.
    """
    held = desk.held
    records = standing.records(held)
    row = {
        "record_id": one.record_id,
        "stage": one.stage,
        "decision": answer.decision,
        "reason": answer.reason,
        "reviewer": name,
        "note": answer.noted,
    }
    before = one.adjudicated
    said = ("decision", "reason", "reviewer", "note")
    if before is not None and all(getattr(before, column) == row[column] for column in said):
        return False
    with saving.changing(held, filing.LEDGER, "screening") as table:
        kept = ledger.kept_ids(records)
        rows = ledger.under_kept(table.frame, kept, run=held.run())
        rows = rows[rows["record_id"] == one.record_id]
        saving.refuse_changed(
            rows[rows["stage"] == one.stage], seen, what=f"What was decided of {one.record_id}"
        )
        added, _ = ledger.from_queue(
            pd.DataFrame([row], dtype=object),
            ledger.said_by(rows, ledger.ALL_RUNS),
            known=records.index,
            decided_at=desk.decided_at(),
            correct=one.adjudicated is not None,
            role=ledger.ADJUDICATOR,
            **standing.rules(held),
        )
        saving.refuse_repeated(added, filing.LEDGER)
        table.append(added)
    return True
