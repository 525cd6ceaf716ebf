"""The ledger of screening decisions: append-only rows, the latest of a record and stage wins."""

import pandas as pd

from livingreview.errors import InputError, problem, unexplained

TITLE_ABSTRACT = "title-abstract"
FULL_TEXT = "full-text"

# What a record's decisions amount to.
UNSCREENED = "unscreened"
EXCLUDED_TITLE_ABSTRACT = "excluded on title and abstract"
TO_ASSESS = "to be assessed in full text"
AWAITING = "awaiting classification"
EXCLUDED_FULL_TEXT = "excluded on full text"
INCLUDED = "included"


def kept_ids(records):
    """Of each record that is a duplicate, the record that is kept: a dict of record ids."""
    duplicates = records[records["duplicate_of"].notna()]
    return dict(zip(duplicates["record_id"], duplicates["duplicate_of"], strict=True))


def under_kept(rows, kept, *, run=None):
    """People's rows (decisions, reports) under the records that are kept.

    A trial from elsewhere that PubMed finds later becomes a duplicate of PubMed's record; what people decided
    of it stays in force, and nobody is asked again.

    Parameters
    ----------
    rows : DataFrame
        With a column record_id.
    kept : dict
        From `kept_ids`, of the records known at the run.
    run : str, optional
        Given with decisions: those of a duplicate count only where people have decided nothing of the kept
        record itself by that month. So no merge of records ever changes what was decided of one.
    """
    own = set() if run is None else set(rows.loc[rows["run"] <= run, "record_id"]) - set(kept)
    moves = {duplicate: held for duplicate, held in kept.items() if held not in own}
    ids = [moves.get(record_id, record_id) for record_id in rows["record_id"]]
    return rows.assign(record_id=pd.Series(ids, index=rows.index, dtype=object))


def in_force(decisions, run):
    """What was decided of each record, as a dict of record ids to {stage: decision}."""
    found = {}
    for row in latest(decisions, run).itertuples():
        found.setdefault(row.record_id, {})[row.stage] = row.decision
    return found


def check(decisions, *, reasons=None, known=None, path="data/decisions/screening.csv"):
    """Refuse a ledger that was edited into something that filing would not have written.

    Raises
    ------
    InputError
        If `reasons` is given, naming every row with another reason and every full-text exclusion without one;
        if `known` is given, every row of a record that no search or import has found.
    """
    problems = []
    for row in decisions.itertuples():
        fault = _reason_fault(row, reasons) if reasons is not None else None
        if fault is None and known is not None and row.record_id not in known:
            fault = {
                "column": "record_id",
                "text": "no search or import has found this record",
                "found": row.record_id,
            }
        if fault:
            problems.append(problem(row=row.Index + 2, **fault))
    if problems:
        raise InputError(path, problems=problems)


def latest(decisions, run):
    """The decisions in force at a run.

    Parameters
    ----------
    decisions : DataFrame
        The ledger, in the order of filing.
    run : str
        A month YYYY-MM; later rows do not exist yet.

    Returns
    -------
    DataFrame
        One row per record and stage.
    """
    known = decisions[decisions["run"] <= run]
    return known.drop_duplicates(["record_id", "stage"], keep="last").reset_index(drop=True)


def statuses(record_ids, decisions, *, run, stages):
    """Where each record stands.

    Parameters
    ----------
    record_ids : sequence of str
    decisions : DataFrame
        The whole ledger.
    run : str
        A month YYYY-MM.
    stages : list of str
        The protocol's stages, in order; the last one includes.

    Returns
    -------
    DataFrame
        Columns record_id, status, reason, since_run (the run of the decision that put it there, None while
        unscreened), note, ask (the stage at which a person is asked next, None if nothing is asked); in the
        order of `record_ids`.
    """
    current = latest(decisions, run)
    by_stage = {stage: rows.set_index("record_id") for stage, rows in current.groupby("stage")}
    return pd.DataFrame(
        [_status(record_id, by_stage, stages) for record_id in record_ids],
        columns=["record_id", "status", "reason", "since_run", "note", "ask"],
        dtype=object,  # so that None stays None
    )


def _status(record_id, by_stage, stages):
    status, reason, since, note = UNSCREENED, None, None, None
    for stage in stages:
        rows = by_stage.get(stage)
        if rows is None or record_id not in rows.index:
            return record_id, status, reason, since, note, stage
        row = rows.loc[record_id]
        reason, since, note = row["reason"], row["run"], row["note"]
        if row["decision"] == "awaiting":
            return record_id, AWAITING, reason, since, note, stage
        if row["decision"] == "exclude":
            status = EXCLUDED_FULL_TEXT if stage == FULL_TEXT else EXCLUDED_TITLE_ABSTRACT
            return record_id, status, reason, since, note, None
        status = TO_ASSESS
    return record_id, INCLUDED, reason, since, note, None


def _touched(queue):
    """Rows of a queue in which a person has typed something."""
    return queue[queue[["decision", "reason", "reviewer", "note"]].notna().any(axis=1)]


def unfiled(queue, decisions):
    """Rows of a queue that a person has begun to fill in and that the ledger does not hold.

    A row counts as filed if the ledger holds a row of its record and stage that says the same, reviewer and
    note included; a later correction does not make it unfiled again.
    """
    touched = _touched(queue)
    held = {_said(row) for row in decisions.itertuples()}
    fresh = [_said(row) not in held for row in touched.itertuples()]
    return touched[pd.Series(fresh, index=touched.index, dtype=bool)]


def _last_by_key(decisions):
    return {(row.record_id, row.stage): row for row in decisions.itertuples()}


def _said(row):
    """What a person said of a record: the part of a row that a queue and the ledger share."""
    parts = (row.record_id, row.stage, row.decision, row.reason, row.reviewer, row.note)
    return tuple(part or None for part in parts)


def from_queue(queue, decisions, *, path, known, reasons, stages, run, decided_at, correct=False):
    """The ledger rows that a filled-in queue adds.

    Parameters
    ----------
    queue : DataFrame
        A queue as people filled it in; rows without any entry are passed over.
    decisions : DataFrame
        The whole ledger.
    path : path
        Where the queue was read from, for messages.
    known : collection of str
        Every record id that a search or an import has ever found.
    reasons : collection of str
        The protocol's coded reasons.
    stages : list of str
        The protocol's stages.
    run : str
        The run in which these decisions count.
    decided_at : str
        The day of filing, YYYY-MM-DD.
    correct : bool
        Whether a decision may replace a different one that is in force; each such row needs a note.

    Returns
    -------
    rows : DataFrame
        New rows of the ledger.
    already : int
        Filled-in rows that the ledger holds already, and that are therefore not added again.

    Raises
    ------
    InputError
        Naming every row that has an unknown record, no decision, no reviewer, an unknown or missing reason,
        a stage that does not fit, or a conflict with a decision in force. Nothing is filed then.
    """
    fresh = unfiled(queue, decisions)
    held = _last_by_key(decisions[decisions["run"] <= run])
    future = _last_by_key(decisions[decisions["run"] > run])
    problems = []
    for row in fresh.itertuples():
        fault = _fault(row, held, future, known=known, reasons=reasons, stages=stages, correct=correct)
        if fault:
            problems.append(problem(row=f"{row.Index + 2} ({row.record_id}, {row.stage})", **fault))
    if problems:
        raise InputError(path, problems=problems)
    rows = fresh[["record_id", "stage", "decision", "reason", "reviewer", "note", "score", "band"]].copy()
    rows["run"] = run
    rows["decided_at"] = decided_at
    return rows, len(_touched(queue)) - len(fresh)


def _fault(row, held, future, *, known, reasons, stages, correct):
    """What is wrong with one filled-in row, or None."""
    if row.record_id not in known:
        return {
            "column": "record_id",
            "text": "no search or import has found this record",
            "found": row.record_id,
            "hint": "a record from elsewhere is first imported: data/searches/<run>/imports/",
        }
    if row.decision is None:
        return {
            "column": "decision",
            "text": "the row is filled in but has no decision",
            "allowed": "include, exclude, awaiting",
        }
    if row.reviewer is None:
        return {"column": "reviewer", "text": "a decision needs a name", "allowed": "a name or initials"}
    if row.stage not in stages:
        return {"column": "stage", "found": row.stage, "allowed": ", ".join(stages)}
    fault = _reason_fault(row, reasons)
    if fault:
        return fault
    if row.stage == FULL_TEXT and stages[0] != FULL_TEXT:
        before = held.get((row.record_id, TITLE_ABSTRACT))
        if before is None or before.decision != "include":
            return {
                "column": "stage",
                "text": "a full-text decision needs the record to be included on title and abstract first",
                "found": before.decision if before else "no decision",
            }
    later = future.get((row.record_id, row.stage))
    if later is not None:
        return {
            "column": "decision",
            "text": f"run {later.run} already decided: {later.decision}",
            "hint": "file it for that run",
        }
    return _conflict(row, held.get((row.record_id, row.stage)), correct)


def _reason_fault(row, reasons):
    """What is wrong with the reason of one decision, or None."""
    if row.reason is not None and row.reason not in reasons:
        return {"column": "reason", "found": row.reason, "allowed": ", ".join(reasons)}
    if row.reason is None and (row.stage, row.decision) == (FULL_TEXT, "exclude"):
        return {
            "column": "reason",
            "text": "an exclusion on full text needs a reason",
            "allowed": ", ".join(reasons),
        }
    return None


def _conflict(row, before, correct):
    if before is None or before.decision == "awaiting":
        return None
    if (before.decision, before.reason) == (row.decision, row.reason):
        return None
    return unexplained(
        before,
        column="decision",
        what="decision",
        found=row.decision,
        allowed=before.decision,
        note=row.note,
        correct=correct,
    )
