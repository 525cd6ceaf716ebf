"""The ledger of screening decisions: append-only rows, the latest of a record and stage wins.

Who decides is said by each row itself, in its column ``role``:

- empty, or "reviewer": one who decides alone; the row is in force at once.
- "independent reviewer": one of two who decide without knowing of each other. Of each of them the latest row
  counts. Two who agree decide, one alone waits for the second, and those who differ wait for an adjudicator.
  On full text, those who exclude for different reasons differ too: a report counts under one reason.
- "adjudicator": settles a conflict, as a third person or for both after they talked; in force at once.

A row that is in force at once closes all before it, and so do two who agree that a record awaits
classification: what a reviewer says otherwise after that opens a new round, in which the second is asked
again. That the rows themselves say all this lets a protocol begin, or cease, to ask for two reviewers without
changing what was decided in any month before.

A row that says ``withdrawn`` takes back the last row of its reviewer, in its role, of its record and stage: a
slip of the hand, which from then on was never said (`said_by`). Both rows stay in the ledger.
"""

from typing import NamedTuple

import pandas as pd

from livingreview import tables
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

# The reason, open to every protocol, of a report that was sought and could not be had: decided on full text,
# as excluded (it is not sought any more) or awaiting (it still is). It says nothing of the trial.
NOT_RETRIEVED = "not_retrieved"
NOT_RETRIEVED_WORDS = "Report could not be retrieved"

# In the place of a decision: the reviewer's last row of this record and stage is taken back.
WITHDRAWN = "withdrawn"

# Roles; an empty cell says the same as ALONE.
ALONE = "reviewer"
INDEPENDENT = "independent reviewer"
ADJUDICATOR = "adjudicator"

# What a record waits for of which one of two reviewers has spoken, or of which they differ.
SECOND_REVIEWER = "second reviewer"
ADJUDICATION = "adjudication"

STATUS_COLUMNS = ["record_id", "status", "reason", "since_run", "note", "ask", "waits_for"]
ALL_RUNS = "9999-12"  # later than any run


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
        record itself, at that stage or an earlier one, by that month. So no merge of records ever changes
        what was decided of one, and a decision on the kept record does not undo what led to it.
    """
    moves = rows["record_id"].isin(kept)
    if not moves.any():
        return rows
    moved = rows[moves]
    ids = moved["record_id"].map(kept)
    if run is not None:
        held = said_by(rows[rows["record_id"].isin(set(ids)) & ~moves], run)
        own = set(zip(held["record_id"], held["stage"], strict=True))
        pairs = zip(ids, moved["stage"], strict=True)
        ids = ids.where([not _has_its_own(*pair, own) for pair in pairs], moved["record_id"])
    whole = rows["record_id"].astype(object).where(~moves, ids)
    return rows.assign(record_id=whole)


def _has_its_own(record_id, stage, own):
    """Whether people decided on a record itself, at a stage or before it."""
    return (record_id, stage) in own or (stage == FULL_TEXT and (record_id, TITLE_ABSTRACT) in own)


def said_by(decisions, run):
    """The rows that people had given by a run and had not taken back by then.

    Parameters
    ----------
    decisions : DataFrame
        The ledger, in the order of filing.
    run : str
        A month YYYY-MM; later rows do not exist yet: what is taken back later counts in the months before.

    Returns
    -------
    DataFrame
        Rows under their own index, without those that say `WITHDRAWN` and those that these take back.
    """
    is_known = decisions["run"] <= run
    rows = decisions if is_known.all() else decisions[is_known]
    gone = {one.Index for pair in _withdrawals(rows) for one in pair if one is not None}
    return rows[~rows.index.isin(gone)] if gone else rows


def taken_back(decisions, run):
    """The rows that people had taken back by a run, each with the row that says so: a list of pairs."""
    return [pair for pair in _withdrawals(decisions[decisions["run"] <= run]) if pair[0] is not None]


def _withdrawals(rows):
    """Each row that says `WITHDRAWN` after the one that it takes back, None where there is nothing to."""
    is_withdrawn = rows["decision"] == WITHDRAWN
    if not is_withdrawn.any():
        return []
    found, spoken = [], {}
    for row in tables.rows(rows[rows["record_id"].isin(rows.loc[is_withdrawn, "record_id"])]):
        said = spoken.setdefault(_spoken_as(row), [])
        if row.decision != WITHDRAWN:
            said.append(row)
        else:
            found.append((said.pop() if said else None, row))
    return found


class Standing(NamedTuple):
    """What the rows of one record at one stage amount to.

    Attributes
    ----------
    decided : tuple of rows
        The row that was in force at once, or those of the reviewers who agree; empty if there is none.
    open : tuple of rows
        Each reviewer's latest row since then, by who spoke first, while these decide nothing yet.
    """

    decided: tuple
    open: tuple

    @property
    def waits_for(self):
        """SECOND_REVIEWER, ADJUDICATION, or None where no round is open."""
        if not self.open:
            return None
        return SECOND_REVIEWER if len(self.open) == 1 else ADJUDICATION

    @property
    def in_force(self):
        """The rows in force; an open round suspends what was decided, but what awaited still awaits."""
        return () if self.open and not awaits(self.decided) else self.decided


def role_of(row):
    """The role in which a row was given; of an empty cell ALONE."""
    return row.role or ALONE


def awaits(rows):
    """Whether there are rows and all say that the record awaits classification."""
    return bool(rows) and all(row.decision == "awaiting" for row in rows)


def _agree(rows):
    """Whether all rows decide the same; on full text, an exclusion for another reason is not the same."""
    return len({(row.decision, row.reason if needs_reason(row) else None) for row in rows}) == 1


def needs_reason(row):
    """Whether a decision is one that the report of the review must give a reason for."""
    return (row.stage, row.decision) == (FULL_TEXT, "exclude")


def not_retrieved(status):
    """Whether a row of `statuses` is of a report that was sought and could not be had."""
    return status.status in (EXCLUDED_FULL_TEXT, AWAITING) and status.reason == NOT_RETRIEVED


def reasons_at(stage, reasons):
    """The coded reasons that a stage may take, with their words: on full text `NOT_RETRIEVED` is one too.

    Parameters
    ----------
    stage : str
    reasons : dict
        The protocol's, code to words.
    """
    return dict(reasons) if stage != FULL_TEXT else reasons | {NOT_RETRIEVED: NOT_RETRIEVED_WORDS} | reasons


def standing(rows):
    """The `Standing` of one record at one stage from its rows, in the order of filing."""
    decided, spoken = (), {}
    for row in rows:
        if role_of(row) != INDEPENDENT:
            decided, spoken = (row,), {}
            continue
        spoken[row.reviewer] = row
        said = tuple(spoken.values())
        if decided and _agree([decided[0], *said]):  # nothing new: what stands is repeated
            decided = tuple(
                spoken.get(one.reviewer, one) if role_of(one) == INDEPENDENT else one for one in decided
            )
            spoken = {}
        elif len(said) > 1 and awaits(said):
            decided, spoken = said, {}
    said = tuple(spoken.values())
    return Standing(said, ()) if len(said) > 1 and _agree(said) else Standing(decided, said)


def standings(decisions, run):
    """The `Standing` of every record and stage in which an independent reviewer took part.

    Parameters
    ----------
    decisions : DataFrame
        The ledger, in the order of filing.
    run : str
        A month YYYY-MM; later rows do not exist yet.

    Returns
    -------
    dict
        (record_id, stage) -> Standing, by first filing.
    """
    return _standings(said_by(decisions, run))


def _standings(given):
    """As `standings`, of the rows that count at a run."""
    by_two = given[given["role"] == INDEPENDENT]
    if by_two.empty:
        return {}
    shared = set(zip(by_two["record_id"], by_two["stage"], strict=True))
    rows = {}
    for row in tables.rows(given[given["record_id"].isin({record_id for record_id, _ in shared})]):
        if (row.record_id, row.stage) in shared:
            rows.setdefault((row.record_id, row.stage), []).append(row)
    return {key: standing(of_key) for key, of_key in rows.items()}


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
        One row per record and stage; none where reviewers have not decided yet. Where two have decided
        together it is the later row, with both names (semicolons between), the first reason and all notes.
    """
    given = said_by(decisions, run)
    return _latest(given, _standings(given))


def _latest(given, together):
    """As `latest`, of the rows that count at a run and what `standings` makes of them."""
    alone = given.drop_duplicates(["record_id", "stage"], keep="last")
    if not together:
        return alone.reset_index(drop=True)
    keys = zip(alone["record_id"], alone["stage"], strict=True)
    alone = alone[[key not in together for key in keys]]
    decided = [(row,) for row in tables.rows(alone)] + [one.in_force for one in together.values()]
    rows = [_joined(rows) for rows in decided if rows]
    rows.sort(key=lambda row: row["Index"])
    frame = pd.DataFrame(rows, columns=list(given.columns), dtype=object)  # so that None stays None
    return frame.astype(given.dtypes)


def _joined(rows):
    """One row for those that decide together, as a dict with its Index."""
    last = max(rows, key=lambda row: row.Index)
    if len(rows) == 1:
        return last._asdict()
    notes = dict.fromkeys(row.note for row in rows if row.note)
    return last._asdict() | {
        "reviewer": "; ".join(row.reviewer for row in rows),
        "reason": next((row.reason for row in rows if row.reason), None),
        "note": "; ".join(notes) or None,
    }


def index_in_force(decisions, run=ALL_RUNS):
    """The index of every row that is in force at a run, as a list; where two agree, of both their rows."""
    given = said_by(decisions, run)
    together = _standings(given)
    alone = given.drop_duplicates(["record_id", "stage"], keep="last")
    keys = zip(alone["record_id"], alone["stage"], strict=True)
    alone = alone.index[[key not in together for key in keys]] if together else alone.index
    return [*alone, *(row.Index for one in together.values() for row in one.in_force)]


def in_force(decisions, run):
    """What was decided of each record, as a dict of record ids to {stage: decision}."""
    found = {}
    for row in tables.rows(latest(decisions, run)):
        found.setdefault(row.record_id, {})[row.stage] = row.decision
    return found


def history(decisions, record_id, run=ALL_RUNS):
    """All that was ever decided of a record, in the order of filing.

    Returns
    -------
    DataFrame
        Its rows of the ledger up to the run, and the yes/no column ``in_force``.
    """
    rows = decisions[(decisions["record_id"] == record_id) & (decisions["run"] <= run)]
    held = {
        row.Index
        for _, of_stage in said_by(rows, run).groupby("stage")
        for row in standing(tables.rows(of_stage)).in_force
    }
    return rows.assign(in_force=[index in held for index in rows.index]).reset_index(drop=True)


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
        unscreened), note, ask (the stage at which a person is asked next, None if nothing is asked),
        waits_for (SECOND_REVIEWER or ADJUDICATION where reviewers have spoken and not decided yet, else
        None); in the order of `record_ids`. A record that waits for either has the status of one that was
        never decided at that stage, or still awaits, so that it counts as not screened, or not assessed, yet.
    """
    given = said_by(decisions[decisions["record_id"].isin(record_ids)], run)
    together = _standings(given)
    held = {(row.record_id, row.stage): row for row in tables.rows(_latest(given, together))}
    return pd.DataFrame(
        [_status(record_id, held, together, stages) for record_id in record_ids],
        columns=STATUS_COLUMNS,
        dtype=object,  # so that None stays None
    )


def _status(record_id, held, together, stages):
    status, reason, since, note = UNSCREENED, None, None, None
    for stage in stages:
        shared = together.get((record_id, stage))
        waits_for = shared and shared.waits_for
        row = held.get((record_id, stage))
        if row is None:
            return record_id, status, reason, since, note, stage, waits_for
        reason, since, note = row.reason, row.run, row.note
        if row.decision == "awaiting":
            return record_id, AWAITING, reason, since, note, stage, waits_for
        if row.decision == "exclude":
            status = EXCLUDED_FULL_TEXT if stage == FULL_TEXT else EXCLUDED_TITLE_ABSTRACT
            return record_id, status, reason, since, note, None, None
        status = TO_ASSESS
    return record_id, INCLUDED, reason, since, note, None, None


def awaiting(record_ids, decisions, *, run, stages):
    """The records that await classification at a run, and for how long.

    Returns
    -------
    DataFrame
        Columns record_id, stage, since_run (the run from which it has awaited without a break; a new note
        does not begin anew), months (its age at the run), reason, note; in the order of `record_ids`.
    """
    state = statuses(record_ids, decisions, run=run, stages=stages)
    state = state[state["status"] == AWAITING]
    given = said_by(decisions[decisions["record_id"].isin(state["record_id"])], run)
    rows = {key: tables.rows(of_key) for key, of_key in given.groupby(["record_id", "stage"])}
    since = [_awaiting_since(rows[key]) for key in zip(state["record_id"], state["ask"], strict=True)]
    state = state.rename(columns={"ask": "stage"}).assign(
        since_run=pd.Series(since, index=state.index, dtype=object),
        months=pd.Series([months_between(one, run) for one in since], index=state.index, dtype=int),
    )
    columns = ["record_id", "stage", "since_run", "months", "reason", "note"]
    return state[columns].reset_index(drop=True)


def _awaiting_since(rows):
    since = None
    for number, row in enumerate(rows, start=1):
        if not awaits(standing(rows[:number]).in_force):
            since = None
        elif since is None:
            since = row.run
    return since


def months_between(earlier, later):
    """Months from one run to another.

    >>> months_between("2025-11", "2026-02")
    3
    """
    (year, month), (last_year, last_month) = (map(int, run.split("-")) for run in (earlier, later))
    return 12 * (last_year - year) + last_month - month


def check(decisions, *, reasons=None, known=None, run=None, stages=(), path="data/decisions/screening.csv"):
    """Refuse a ledger that was edited into something that filing would not have written.

    Raises
    ------
    InputError
        Naming every adjudication without a note, every second and different decision of one reviewer on one
        day without one, and every withdrawal of nothing. If `reasons` is given, also every row with another
        reason and every full-text exclusion without one; if `known` is given, every row of a record that no
        search or import has found; if `run` and `stages` are given, every record that is then included on
        full text and excluded on title and abstract.
    """
    against = _contradictions(decisions, run, stages) if run is not None else {}
    problems = []
    spoken = {}
    for row in tables.rows(decisions):
        said = spoken.setdefault(_spoken_as(row), [])
        before = said[-1] if said else None
        fault = _nothing_to_withdraw(row) if row.decision == WITHDRAWN and before is None else None
        if row.decision == WITHDRAWN:
            del said[-1:]
        else:
            said.append(row)
        fault = fault or (
            (_reason_fault(row, reasons) if reasons is not None else None)
            or (_unknown(row) if known is not None and row.record_id not in known else None)
            or (_unexplained_adjudication(row) if role_of(row) == ADJUDICATOR else None)
            or _twice(row, before, day=row.decided_at[:10], correct=True)
            or (_contradiction(row) if against.get(row.record_id) == row.Index else None)
        )
        if fault:
            problems.append(problem(row=row.Index + 2, **fault))
    if problems:
        raise InputError(path, problems=problems)


def _nothing_to_withdraw(row):
    return {
        "column": "decision",
        "text": f"{row.reviewer} has no decision on this record that could be taken back",
        "found": WITHDRAWN,
        "hint": "a withdrawal takes back the last row of the same record, stage, reviewer and role",
    }


def _unknown(row):
    return {
        "column": "record_id",
        "text": "no search or import has found this record",
        "found": row.record_id,
    }


def _contradictions(decisions, run, stages):
    """Records included on full text and excluded on title and abstract: a dict to the Index of the former."""
    if TITLE_ABSTRACT not in stages:
        return {}
    given = said_by(decisions, run)
    included = given[(given["stage"] == FULL_TEXT) & (given["decision"] == "include")]
    last = dict(zip(included["record_id"], included.index, strict=True))
    decided = in_force(given[given["record_id"].isin(last)], run)
    wrong = {TITLE_ABSTRACT: "exclude", FULL_TEXT: "include"}
    return {record_id: index for record_id, index in last.items() if decided.get(record_id) == wrong}


def _contradiction(row):
    return {
        "column": "decision",
        "text": "the record is included on full text and excluded on title and abstract",
        "found": row.decision,
        "hint": "correct the decision on full text first, with a note",
    }


def begun(queue, owner=None):
    """Rows of a queue in which a person has typed something, filed or not.

    In an owner's own file the name stands there already, and counts for nothing by itself.
    """
    typed = queue["decision"].notna() | queue["reason"].notna() | queue["note"].notna()
    named = queue["reviewer"].notna() & (queue["reviewer"] != owner)
    reviewer = queue["reviewer"].where(queue["reviewer"].notna(), owner)
    return queue.assign(reviewer=reviewer)[typed | named]


def unfiled(queue, decisions, *, role=None, owner=None, run=ALL_RUNS):
    """Rows of a queue that a person has begun to fill in and that the ledger does not hold.

    A row counts as filed if the ledger holds a row of its record, stage and role that says the same, reviewer
    and note included; a later correction does not make it unfiled again, a later question does: a round that
    is open, or a record that has awaited classification since. What was taken back was never said.

    Parameters
    ----------
    queue : DataFrame
        A queue, a reviewer's own queue or a list of conflicts, as people filled it in.
    decisions : DataFrame
        The whole ledger.
    role : str, optional
        INDEPENDENT or ADJUDICATOR; left out, the reviewer decides alone.
    owner : str, optional
        The reviewer whose own queue it is.
    run : str
        The run in which it was asked.
    """
    return _unfiled(begun(queue, owner), decisions, role=role, run=run)


def _unfiled(touched, decisions, *, role, run):
    """As `unfiled`, of the rows that were begun."""
    if touched.empty:
        return touched
    held, since = _held(said_by(decisions, ALL_RUNS), role or ALONE)
    together = standings(decisions, run)
    fresh = [
        _said(row) not in (since if _resolves(row) else held)
        or _asked_again(row, together.get((row.record_id, row.stage)), role)
        for row in tables.rows(touched)
    ]
    return touched[pd.Series(fresh, index=touched.index, dtype=bool)]


def _held(decisions, role):
    """What the ledger holds in a role: all of it, and what came after a record last awaited an answer."""
    held, since = set(), {}
    for row in tables.rows(decisions):
        if row.decision == "awaiting":
            since[row.record_id, row.stage] = set()
        if role_of(row) == role:
            held.add(_said(row))
            since.setdefault((row.record_id, row.stage), set()).add(_said(row))
    return held, set().union(*since.values())


def _resolves(row):
    """Whether a row answers a queue that asked again because the record awaited classification.

    Then the same answer as before the waiting is a new one.
    """
    return getattr(row, "state", None) == "awaiting" and row.decision not in (None, "awaiting")


def _asked_again(row, shared, role):
    """Whether an open round asks for a row that says the same as one from before that round."""
    if shared is None or not shared.open:
        return False
    if role == INDEPENDENT:
        return row.reviewer not in {one.reviewer for one in shared.open}
    return role != ADJUDICATOR or shared.waits_for == ADJUDICATION


def _last_by_key(decisions):
    return {(row.record_id, row.stage): row for row in tables.rows(decisions)}


def _said(row):
    """What a person said of a record: the part of a row that a queue and the ledger share."""
    parts = (row.record_id, row.stage, row.decision, row.reason, row.reviewer, row.note)
    return tuple(part or None for part in parts)


def _spoken_as(row):
    return row.record_id, row.stage, row.reviewer, role_of(row)


def from_queue(
    queue,
    decisions,
    *,
    path,
    known,
    reasons,
    stages,
    run,
    decided_at,
    correct=False,
    role=None,
    owner=None,
):
    """The ledger rows that a filled-in queue adds.

    Parameters
    ----------
    queue : DataFrame
        A queue, a reviewer's own queue or a list of conflicts as people filled it in; rows without any entry
        are passed over.
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
        The day of filing, YYYY-MM-DD, or its moment in UTC, YYYY-MM-DDThh:mm:ssZ.
    correct : bool
        Whether a decision may replace a different one that is in force; each such row needs a note.
    role : str, optional
        INDEPENDENT or ADJUDICATOR; left out, the reviewers decide alone.
    owner : str, optional
        The reviewer whose own queue it is; needed with INDEPENDENT.

    Returns
    -------
    rows : DataFrame
        New rows of the ledger.
    already : int
        Filled-in rows that the ledger holds already, and that are therefore not added again.

    Raises
    ------
    InputError
        Naming every row that has an unknown record, no decision, no reviewer or another than the owner, an
        unknown or missing reason, a stage that does not fit, a conflict with a decision in force or with
        another that the reviewer gave on the same day, the words of one that they took back in this run, or
        an adjudication of nothing. Nothing is filed then.
    """
    touched = begun(queue, owner)
    fresh = _unfiled(touched, decisions, role=role, run=run)
    rows = _rows(fresh, columns=decisions.columns).assign(run=run, decided_at=decided_at, role=role)
    faults = _Faults(
        decisions,
        run=run,
        role=role,
        owner=owner,
        known=known,
        reasons=reasons,
        stages=stages,
        day=decided_at[:10],
        correct=correct,
        included=_included_on_full_text(rows, decisions) if TITLE_ABSTRACT in stages else set(),
    )
    problems = []
    for row in tables.rows(fresh):
        fault = faults.of(row)
        if fault:
            problems.append(problem(row=f"{row.Index + 2} ({row.record_id}, {row.stage})", **fault))
    if problems:
        raise InputError(path, problems=problems)
    return rows, len(touched) - len(fresh)


def withdrawal(decisions, *, record_id, stage, reviewer, run, decided_at, path, note=None, role=None):
    """The ledger row by which a reviewer takes back their last decision on a record.

    Nothing is deleted: from this row on, what stood before the decision stands again (`said_by`).

    Parameters
    ----------
    decisions : DataFrame
        The whole ledger, or all of its rows of this record.
    record_id, stage, reviewer, role : str
        As the row that is taken back has them.
    run : str
        The run in which it counts.
    decided_at : str
        As of `from_queue`.
    path : path
        The ledger's, for messages.
    note : str, optional

    Returns
    -------
    DataFrame
        One row, in the columns of `decisions`.

    Raises
    ------
    InputError
        If the reviewer has no decision here that could be taken back, somebody has decided after it, a later
        run has, or the record was decided on full text since.
    """
    row = dict.fromkeys(decisions.columns) | {
        "record_id": record_id,
        "stage": stage,
        "decision": WITHDRAWN,
        "reviewer": reviewer,
        "role": role,
        "run": run,
        "decided_at": decided_at,
        "note": note,
    }
    rows = pd.DataFrame([row], columns=list(decisions.columns), dtype=object).astype(
        {name: decisions[name].dtype for name in ("score", "probability")}
    )
    fault = _withdrawal_fault(tables.rows(rows)[0], decisions)
    if fault:
        raise InputError(path, problems=[problem(row=f"({record_id}, {stage})", **fault)])
    return rows


def _withdrawal_fault(row, decisions):
    """What is wrong with a withdrawal, or None."""
    of_record = said_by(decisions[decisions["record_id"] == row.record_id], ALL_RUNS)
    here = tables.rows(of_record[of_record["stage"] == row.stage])
    own = [one for one in here if _spoken_as(one) == _spoken_as(row)]
    if not own:
        return _nothing_to_withdraw(row)
    after = [
        one for one in here if one.Index > own[-1].Index and not role_of(one) == role_of(row) == INDEPENDENT
    ]
    on_full_text = of_record[of_record["stage"] == FULL_TEXT] if row.stage == TITLE_ABSTRACT else here[:0]
    if after:
        text = f"{after[-1].reviewer} has decided since: {after[-1].decision}"
    elif own[-1].run > row.run:
        text = f"it was decided in a later run, {own[-1].run}"
    elif len(on_full_text):
        text = "the record was decided on full text since; take that back first"
    else:
        return None
    return {"column": "decision", "text": text, "found": WITHDRAWN, "hint": "a correction needs a note"}


def _rows(fresh, *, columns):
    """Filled-in rows in the columns of the ledger, with the probability that their stage's reader saw."""
    shown = dict(zip([TITLE_ABSTRACT, FULL_TEXT], ["p_title_abstract", "p_full_text"], strict=True))
    missing = [name for name in [*columns, *shown.values()] if name not in fresh.columns]
    fresh = fresh.assign(**dict.fromkeys(missing))
    own = fresh["p_title_abstract"].where(fresh["stage"] == TITLE_ABSTRACT, fresh["p_full_text"])
    other = fresh["p_full_text"].where(fresh["stage"] == TITLE_ABSTRACT, fresh["p_title_abstract"])
    return fresh.assign(probability=own.where(own.notna(), other))[list(columns)]


def _included_on_full_text(rows, decisions):
    """Of the records of new rows, those included on full text then, in their run or a later one."""
    after = decisions[decisions["record_id"].isin(rows["record_id"])]
    if after.empty:
        return set()  # full text is decided only where something was decided before
    run = rows["run"].iloc[0]
    after = pd.concat([after, rows.astype(after.dtypes)], ignore_index=True)
    after = after[after["stage"] == FULL_TEXT]
    found = set()
    for one in sorted({run, *after.loc[after["run"] > run, "run"]}):
        held = latest(after, one)
        found |= set(held.loc[held["decision"] == "include", "record_id"])
    return found


def _taken_back(decisions, run):
    """What was said and then taken back in a run, with its role: a set."""
    if not (decisions["decision"] == WITHDRAWN).any():
        return set()
    before = said_by(decisions[~((decisions["decision"] == WITHDRAWN) & (decisions["run"] >= run))], run)
    gone = before.index.difference(said_by(decisions, run).index)
    return {(_said(row), role_of(row)) for row in tables.rows(before.loc[gone])}


class _Faults:
    """What is wrong with filled-in rows, each looked at in the light of the ledger."""

    def __init__(self, decisions, *, run, role, owner, known, reasons, stages, day, correct, included):
        past, later = said_by(decisions, run), said_by(decisions, ALL_RUNS)
        future = later[later["run"] > run]
        self.together = _standings(past)
        self.held = _last_by_key(_latest(past, self.together))
        self.spoken = {_spoken_as(row): row for row in tables.rows(past)}
        self.taken_back = _taken_back(decisions, run)
        self.later = {}
        for row in tables.rows(future):
            self.later.setdefault((row.record_id, row.stage), []).append(row)
        self.role, self.owner, self.day, self.correct = role, owner, day, correct
        self.known, self.reasons, self.stages, self.included = known, reasons, stages, included

    def of(self, row):
        """What is wrong with one row, or None."""
        return (
            self._of_cells(row)
            or self._of_taken_back(row)
            or self._of_later(row)
            or self._of_adjudication(row)
            or self._of_stages(row)
            or self._of_same_day(row)
            or _conflict(row, self._replaced(row), self.correct)
        )

    def _of_cells(self, row):
        if row.record_id not in self.known:
            hint = "a record from elsewhere is first imported: data/searches/<run>/imports/"
            return _unknown(row) | {"hint": hint}
        if self.owner is not None and row.reviewer != self.owner:
            return {
                "column": "reviewer",
                "text": f"this is the file of {self.owner}",
                "found": row.reviewer,
                "allowed": self.owner,
                "hint": "each reviewer fills in the file of their own name",
            }
        if row.decision is None:
            return {
                "column": "decision",
                "text": "the row is filled in but has no decision",
                "allowed": "include, exclude, awaiting",
            }
        if row.reviewer is None:
            return {"column": "reviewer", "text": "a decision needs a name", "allowed": "a name or initials"}
        if row.stage not in self.stages:
            return {"column": "stage", "found": row.stage, "allowed": ", ".join(self.stages)}
        return _reason_fault(row, self.reasons)

    def _of_taken_back(self, row):
        """The same words as a decision that was taken back: the file may be older than that."""
        if (_said(row), self.role or ALONE) not in self.taken_back:
            return None
        return {
            "column": "decision",
            "text": f"{row.reviewer} has taken this decision back in this run",
            "found": row.decision,
            "hint": "clear the cells of the row; or, to decide so again, say so in the column note",
        }

    def _of_adjudication(self, row):
        if self.role != ADJUDICATOR:
            return None
        shared = self.together.get((row.record_id, row.stage))
        adjudicated = shared and shared.decided and role_of(shared.decided[0]) == ADJUDICATOR
        if shared is None or (shared.waits_for != ADJUDICATION and (shared.open or not adjudicated)):
            return {
                "column": "decision",
                "text": "there is no conflict of two reviewers to settle",
                "found": row.decision,
                "hint": "leave the row empty; a run lists the conflicts anew in conflicts.csv",
            }
        return _unexplained_adjudication(row)

    def _of_stages(self, row):
        if (row.stage, row.decision) == (TITLE_ABSTRACT, "exclude") and row.record_id in self.included:
            return _contradiction(row)
        if row.stage != FULL_TEXT or self.stages[0] == FULL_TEXT:
            return None
        before = self.held.get((row.record_id, TITLE_ABSTRACT))
        if before is not None and before.decision == "include":
            return None
        return {
            "column": "stage",
            "text": "a full-text decision needs the record to be included on title and abstract first",
            "found": before.decision if before else "no decision",
        }

    def _of_later(self, row):
        """A later run that has settled it already, or in which this reviewer has spoken."""
        later = [
            one
            for one in self.later.get((row.record_id, row.stage), ())
            if self.role != INDEPENDENT or role_of(one) != INDEPENDENT or one.reviewer == row.reviewer
        ]
        if not later:
            return None
        return {
            "column": "decision",
            "text": f"run {later[-1].run} already decided: {later[-1].decision}",
            "hint": "file it for that run",
        }

    def _of_same_day(self, row):
        before = self.spoken.get((row.record_id, row.stage, row.reviewer, self.role or ALONE))
        return _twice(row, before, day=self.day, correct=self.correct)

    def _replaced(self, row):
        """The row in force whose place a new one would take.

        A reviewer answers for their own row only: what the other said neither binds nor is shown.
        """
        shared = self.together.get((row.record_id, row.stage))
        if self.role != INDEPENDENT or shared is None:
            return self.held.get((row.record_id, row.stage))
        own = [one for one in (*shared.decided, *shared.open) if one.reviewer == row.reviewer]
        if own:
            return own[-1]
        by_two = shared.open or role_of(shared.decided[0]) == INDEPENDENT
        return None if by_two else shared.decided[0]


def _unexplained_adjudication(row):
    if row.note is not None:
        return None
    return {
        "column": "note",
        "text": "an adjudication says how it was reached",
        "hint": "write in the column note whether a third person decided or the two agreed, and why",
    }


def _reason_fault(row, reasons):
    """What is wrong with the reason of one decision, or None."""
    if row.reason == NOT_RETRIEVED:
        return _not_retrieved_fault(row)
    allowed = ", ".join(dict.fromkeys([*reasons, NOT_RETRIEVED]) if row.stage == FULL_TEXT else reasons)
    if row.reason is not None and row.reason not in reasons:
        return {"column": "reason", "found": row.reason, "allowed": allowed}
    if row.reason is None and needs_reason(row):
        return {
            "column": "reason",
            "text": "an exclusion on full text needs a reason",
            "allowed": allowed,
        }
    return None


def _not_retrieved_fault(row):
    """What is wrong with a report that is said not to be retrieved, or None."""
    if row.stage == FULL_TEXT and row.decision != "include":
        return None
    return {
        "column": "reason",
        "text": "only a report that was sought in full text can be one that was not retrieved",
        "found": row.reason,
        "allowed": "on full-text, with exclude (it is given up) or awaiting (it is still sought)",
    }


def _twice(row, before, *, day, correct):
    """What is wrong with a second decision of one reviewer on one day, or None."""
    if before is None or row.decision in (before.decision, WITHDRAWN) or before.decided_at[:10] != day:
        return None
    fault = unexplained(
        before,
        column="decision",
        what="decision",
        found=row.decision,
        allowed=before.decision,
        note=row.note,
        correct=correct,
    )
    return fault and fault | {"text": f"{row.reviewer} said {before.decision} of it on the same day, {day}"}


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
