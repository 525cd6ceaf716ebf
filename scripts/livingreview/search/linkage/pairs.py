"""Pairs of records that may be one: what is asked of people, and the ledger of what they said.

A pair has no order: (a, b) and (b, a) are one. The ledger is append-only; the latest row of a pair counts.
"""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from livingreview import kept_rows, tables
from livingreview.errors import InputError, problem, unexplained

LEDGER = "data/decisions/pairs.csv"  # from the review's folder
SAME_RECORD = "same_record"
SAME_STUDY = "same_study"
DIFFERENT = "different"
DUPLICATE = "duplicate"
COMPANION = "companion"

SHOWN = ("title", "authors", "year", "journal")


class Pair(NamedTuple):
    """Two records to be judged by people; `score` orders the list, 0 to 1, and is no probability."""

    record_a: str
    record_b: str
    kind: str  # DUPLICATE or COMPANION
    evidence: str
    score: float


def ordered(left, right):
    """Both ids in one order, PMIDs by number and before others, the smaller first."""
    return (left, right) if id_order(left) <= id_order(right) else (right, left)


def id_order(record_id):
    """Sorts PMIDs by number, then the other ids by text."""
    return (0, int(record_id), "") if record_id.isdigit() else (1, 0, record_id)


def make(left, right, *, kind, evidence, score):
    """A `Pair` in order, its score rounded to what every processor gives alike."""
    return Pair(*ordered(left, right), kind, evidence, round(float(score), 3))


def by_score(pairs):
    """One pair for every two records, the strongest evidence first."""
    best = {}
    for pair in sorted(pairs, key=_rank):
        best.setdefault((pair.record_a, pair.record_b), pair)
    return list(best.values())


def _rank(pair):
    ids = id_order(pair.record_a), id_order(pair.record_b)
    return -pair.score, pair.kind != DUPLICATE, *ids, pair.evidence


def latest(rows):
    """What counts: a dict from an ordered pair to its verdict.

    Parameters
    ----------
    rows : iterable of dict
        Rows of the ledger (schema "pairs") up to a run, in the order of filing.
    """
    return {ordered(row["record_a"], row["record_b"]): row["verdict"] for row in rows}


def differing(left, right):
    """The stages at which two records are decided differently, sorted; each a dict ``{stage: decision}``."""
    return sorted(stage for stage in left.keys() & right.keys() if left[stage] != right[stage])


def _last(ledger):
    return {ordered(row.record_a, row.record_b): row for row in ledger.itertuples()}


def check(ledger, *, known, path=LEDGER):
    """Refuse a ledger that names records which no search or import has found, or a record twice in a row.

    Raises
    ------
    InputError
        Naming every such row.
    """
    problems = []
    for row in ledger.itertuples():
        fault = _fault_of_ids(row, known)
        if fault:
            problems.append(problem(row=row.Index + 2, **fault))
    if problems:
        raise InputError(path, problems=problems)


def queue(pairs, rows):
    """The table ``pairs.csv`` for people: what the two records say, and empty cells to fill in.

    Parameters
    ----------
    pairs : iterable of Pair
    rows : iterable of dict
        Records; all that the pairs name.

    Returns
    -------
    DataFrame
        Columns of schema "pair_queue", by `by_score`.
    """
    record = {row["record_id"]: row for row in rows}
    filled = []
    for pair in by_score(pairs):
        a, b = record[pair.record_a], record[pair.record_b]
        shown = {f"{name}_{side}": row[name] or None for name in SHOWN for side, row in (("a", a), ("b", b))}
        filled.append({**pair._asdict(), **shown, "verdict": None, "reviewer": None, "note": None})
    return pd.DataFrame(filled, columns=tables.columns("pair_queue"), dtype=object)


def unfiled(filled, ledger):
    """Rows of a queue that a person has begun to fill in and that the ledger does not hold.

    A row counts as filed if a row of the ledger says the same of the pair, reviewer and note included.
    """
    touched = _touched(filled)
    held = {_said(row) for row in ledger.itertuples()}
    fresh = [_said(row) not in held for row in touched.itertuples()]
    return touched[pd.Series(fresh, index=touched.index, dtype=bool)]


def _touched(filled):
    return filled[filled[["verdict", "reviewer", "note"]].notna().any(axis=1)]


def _said(row):
    parts = (row.verdict, row.reviewer, row.note)
    return (*ordered(row.record_a, row.record_b), *(part or None for part in parts))


def refuse_unfiled(queue_path, ledger_path):
    """Stop if a queue of pairs holds entries that the ledger does not: making it again would lose them.

    Raises
    ------
    InputError
        Saying how many rows, and how to file them.
    """
    if not Path(queue_path).exists():
        return
    rows = unfiled(tables.read(queue_path, "pair_queue"), tables.read(ledger_path, "pairs"))
    if len(rows):
        raise InputError(
            queue_path,
            problem=f"{len(rows)} filled-in rows are not filed as verdicts yet",
            found=", ".join(f"{row.record_a} and {row.record_b}" for row in rows.head(3).itertuples()),
            hint="make decisions files them; clear the cells if they were not meant. Nothing was changed",
        )


def file_pairs(queue_path, ledger_path, **options):
    """Add the verdicts of a filled-in queue to the ledger: all or none.

    Parameters
    ----------
    queue_path, ledger_path : path
        ``results/<run>/pairs.csv`` as people filled it in, and ``data/decisions/pairs.csv``.
    **options
        Those of `from_queue`.

    Returns
    -------
    added, already : int
        Rows added, and filled-in rows that the ledger held already.
    """
    filled = tables.read(queue_path, "pair_queue")
    with tables.locked(ledger_path):  # two people who file at once must see each other's rows
        rows, already = from_queue(filled, tables.read(ledger_path, "pairs"), path=queue_path, **options)
        kept_rows.append(rows, ledger_path, "pairs", lock=False)
    return len(rows), already


def from_queue(filled, ledger, *, path, known, run, decided_at, correct=False, titles=None, decided=None):
    """The rows of the ledger that a filled-in queue of pairs adds.

    Parameters
    ----------
    filled : DataFrame
        A queue as people filled it in; rows without any entry are passed over.
    ledger : DataFrame
        All verdicts.
    path : path
        Where the queue was read from, for messages.
    known : collection of str
        Every record id that a search or an import has ever found.
    run : str
        The run in which the verdicts count.
    decided_at : str
        The day of filing, YYYY-MM-DD.
    correct : bool
        Whether a verdict may replace a different one that is in force; each such row needs a note.
    titles : dict, optional
        Record id to title, as the records have it now; a row that shows another one beside the id is refused.
    decided : dict, optional
        Record id to ``{stage: decision}``. Records decided differently at a stage are not made one, unless
        it is the inclusion of PubMed's record that would count.

    Returns
    -------
    rows : DataFrame
        New rows of the ledger.
    already : int
        Filled-in rows that the ledger holds already.

    Raises
    ------
    InputError
        Naming every row with an unknown record or the title of another, without verdict or reviewer, in
        conflict with a verdict in force, or making records one that are decided differently. Nothing is filed
        then.
    """
    fresh = unfiled(filled, ledger)
    held, future = _last(ledger[ledger["run"] <= run]), _last(ledger[ledger["run"] > run])
    problems = []
    for row in fresh.itertuples():
        fault = (
            _fault_of_ids(row, known)
            or _fault_of_titles(row, titles or {})
            or _fault(row, held, future, correct=correct)
            or _fault_of_decisions(row, decided or {})
        )
        if fault:
            problems.append(problem(row=f"{row.Index + 2} ({row.record_a}, {row.record_b})", **fault))
    if problems:
        raise InputError(path, problems=problems)
    rows = fresh[["record_a", "record_b", "verdict", "reviewer", "note"]].assign(
        run=run, decided_at=decided_at
    )
    return rows, len(_touched(filled)) - len(rows)


def _fault_of_ids(row, known):
    if row.record_a == row.record_b:
        return {"text": "a pair is of two records", "found": row.record_a}
    for column in ("record_a", "record_b"):
        if getattr(row, column) not in known:
            return {
                "column": column,
                "text": "no search or import has found this record",
                "found": getattr(row, column),
            }
    return None


def _fault_of_titles(row, titles):
    for side in ("a", "b"):
        record_id, shown = getattr(row, f"record_{side}"), getattr(row, f"title_{side}") or ""
        title = titles.get(record_id)
        if title is not None and title.split() != shown.split():
            return {
                "column": f"title_{side}",
                "text": f"this is not the title of {record_id}",
                "found": shown,
                "allowed": title,
                "hint": "sort whole rows",
            }
    return None


def _fault_of_decisions(row, decided):
    """What speaks against one record: of two decisions on it, rules could not tell which one counts."""
    a, b = (decided.get(one, {}) for one in (row.record_a, row.record_b))
    of_pubmed = [said for one, said in ((row.record_a, a), (row.record_b, b)) if one.isdigit()]
    for stage in differing(a, b):
        if row.verdict != SAME_RECORD or (len(of_pubmed) == 1 and of_pubmed[0][stage] == "include"):
            continue
        return {
            "column": "verdict",
            "text": f"the two are decided differently ({stage}):"
            f" {row.record_a} {a[stage]}, {row.record_b} {b[stage]}",
            "found": row.verdict,
            "hint": "correct one of the two decisions first, at the desk or with make decisions, then give"
            " the verdict",
        }
    return None


def _fault(row, held, future, *, correct):
    if row.verdict is None:
        return {
            "column": "verdict",
            "text": "the row is filled in but has no verdict",
            "allowed": f"{SAME_RECORD}, {SAME_STUDY}, {DIFFERENT}",
        }
    if row.reviewer is None:
        return {"column": "reviewer", "text": "a verdict needs a name", "allowed": "a name or initials"}
    pair = ordered(row.record_a, row.record_b)
    later = future.get(pair)
    if later is not None:
        return {
            "column": "verdict",
            "text": f"run {later.run} already decided: {later.verdict}",
            "hint": "file it for that run",
        }
    before = held.get(pair)
    if before is None or before.verdict == row.verdict:
        return None
    return unexplained(
        before,
        column="verdict",
        what="verdict",
        found=row.verdict,
        allowed=before.verdict,
        note=row.note,
        correct=correct,
    )
