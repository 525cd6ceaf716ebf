"""The files of the human gate: queues that people fill in, and the ledger that keeps what they decided.

Where the protocol asks for two independent reviewers, each fills in a queue of their own,
``results/<run>/queues/<name>.csv``, which holds nothing of what the others decided; where two differ, they or
a third person fill in ``results/<run>/conflicts.csv``.
"""

import logging
import os
import unicodedata
from pathlib import Path

import pandas as pd

from livingreview import kept_rows, paths, tables
from livingreview.errors import InputError, problem
from livingreview.screening import decisions as ledger

log = logging.getLogger(__name__)

LEDGER = "data/decisions/screening.csv"  # from the review's folder
QUEUE = "queue.csv"
QUEUES = "queues"
CONFLICTS = "conflicts.csv"


def slug(name):
    """A reviewer's name as the name of a file: letters and digits in small letters, hyphens between.

    Accents are left out; letters of other scripts stay.

    >>> slug("Ann-Sofie B. Söder")
    'ann-sofie-b-soder'
    """
    letters = (c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    words = "".join(c if c.isalnum() else " " for c in letters)
    return unicodedata.normalize("NFC", "-".join(words.split()))


def own_queues(screening, *, path="config.yaml"):
    """The reviewers who decide independently of each other, and the name of each one's file.

    Parameters
    ----------
    screening : dict
        The protocol's part ``screening``.
    path : path
        Where it was read from, for messages.

    Returns
    -------
    dict
        Name -> file name without folder, in the protocol's order; empty where a reviewer decides alone.

    Raises
    ------
    InputError
        If a name leaves nothing for a file name, or two names leave the same.
    """
    asked = screening.get("reviewers", {})
    if asked.get("independent", 1) == 1:
        return {}
    names = {name: slug(name) for name in asked["names"]}
    problems = []
    for name, short in names.items():
        others = [other for other in names if other != name and names[other] == short]
        if not short or others or f"{short}.csv" in (QUEUE, CONFLICTS) or paths.fault(f"{short}.csv"):
            why = f"would have the file of {others[0]}" if others else "cannot be the name of a file"
            problems.append(
                problem(
                    f"key screening.reviewers.names: this name {why}",
                    found=name,
                    allowed="names that differ in letters or digits; not queue, not conflicts",
                )
            )
    if problems:
        raise InputError(path, problems=problems)
    return {name: f"{short}.csv" for name, short in names.items()}


def own_queue(queue, decisions, *, run, name, names):
    """The part of a queue that one of several independent reviewers is asked about.

    Nothing in it tells what another has said: neither its rows (a record is in it whether or not the other
    has decided), nor their order, nor the state, which is that of the reviewer's own decisions.

    Parameters
    ----------
    queue : DataFrame
        All records that are not decided yet, best first.
    decisions : DataFrame
        The whole ledger.
    run : str
        A month YYYY-MM.
    name : str
        The reviewer.
    names : collection of str
        All independent reviewers.

    Returns
    -------
    DataFrame
        In the columns of the queue, what the reviewer waits for information about last; the column reviewer
        holds the name. What two disagree on is in the list of conflicts and not here.
    """
    states = own_states(tables.rows(queue), ledger.standings(decisions, run), run=run, name=name, names=names)
    own = queue.assign(
        state=pd.Series(states, index=queue.index, dtype=object),
        decision=None,
        reason=None,
        reviewer=name,
        note=None,
    )
    own = own[own["state"].notna()]
    waits = own["state"] == "awaiting"
    waiting = own[waits].sort_values(["score", "record_id"], ascending=[False, True])
    order = [*own.index[~waits], *waiting.index]
    return own.loc[order].reset_index(drop=True)


def own_states(rows, standings, *, run, name, names):
    """The state of each record of a queue for one reviewer, as `own_queue` tells it; None where not asked.

    Parameters
    ----------
    rows : list
        The queue's, from `tables.rows`.
    standings : dict
        From `decisions.standings`.
    run, name, names
        As for `own_queue`.

    Returns
    -------
    list
    """
    return [
        _own_state(row, standings.get((row.record_id, row.stage)), run=run, name=name, names=names)
        for row in rows
    ]


def _own_state(row, shared, *, run, name, names):
    """The state of a record for one reviewer, or None if this one is not asked."""
    if shared is None:
        return "awaiting" if row.state == "awaiting" else _age(row, run)
    if shared.waits_for == ledger.ADJUDICATION:
        return None
    own = [one for one in shared.open if one.reviewer == name]
    if own:
        return "awaiting" if ledger.awaits(own) else None
    if not ledger.awaits(shared.decided):
        return _age(row, run)
    # Those who agreed that it awaits are asked again; a third would learn that they had.
    agreed = {one.reviewer for one in shared.decided if ledger.role_of(one) == ledger.INDEPENDENT}
    there = agreed & set(names)
    return "awaiting" if name in there or len(there) < 2 else None


def _age(row, run):
    return "new" if row.first_run == run else "undecided"


def filled_in(results):
    """The files of a run that people may have filled in, as far as they are there.

    Parameters
    ----------
    results : path
        The run's folder, ``results/<run>``.
    """
    results = Path(results)
    files = [results / QUEUE, *sorted((results / QUEUES).glob("*.csv")), results / CONFLICTS]
    return [path for path in files if path.exists()]


def put_right(results, backups):
    """Put back the files that people fill in of which a step that failed could restore only the beginning.

    Snakemake copies such a file away before a step that may update it, and back when the step has failed; on
    a full disk, or when it is killed, the copy back is cut short. Nobody has typed into what is only the
    beginning of the copy.

    Parameters
    ----------
    results : path
        The run's folder, ``results/<run>``.
    backups : path
        The folder of the copies, which Snakemake keeps by the same names: ``.snakemake/backups``, followed by
        the path of `results` from the review's folder.

    Returns
    -------
    list of Path
        What was put back.
    """
    results, backups = Path(results), Path(backups)
    restored = []
    for copy in sorted(path for path in backups.rglob("*.csv") if path.is_file()):
        path, whole = results / copy.relative_to(backups), copy.read_bytes()
        held = path.read_bytes() if path.is_file() else whole
        if len(held) < len(whole) and whole.startswith(held):
            tables.write_bytes(whole, path)
            restored.append(path)
    return restored


def refuse_unfiled_in(review, run, *, own):
    """Stop if a queue of a run, or its conflicts, holds entries that the ledger does not.

    Parameters
    ----------
    review : path
        The review's folder.
    run : str
    own : dict
        From `own_queues`.

    Raises
    ------
    InputError
        As `refuse_unfiled`.
    """
    for path in filled_in(Path(review, "results", run)):
        refuse_unfiled(path, Path(review, LEDGER), own=own, run=run)


def refuse_unfiled(path, ledger_path, *, own=None, run=ledger.ALL_RUNS):
    """Stop if a file holds entries that the ledger does not, because making it again would lose them.

    Parameters
    ----------
    path, ledger_path : path
        A file that people fill in, which need not exist, and ``data/decisions/screening.csv``.
    own : dict, optional
        From `own_queues`.
    run : str
        The run of which the file is.

    Raises
    ------
    InputError
        Saying how many rows, and how to file them.
    """
    path = Path(path)
    if not path.exists():
        return
    owners = {file: name for name, file in (own or {}).items()}
    filled, options = _read(path, owners)
    rows = ledger.unfiled(filled, tables.read(ledger_path, "screening"), run=run, **options)
    if len(rows):
        raise InputError(
            path,
            problem=f"{len(rows)} filled-in rows are not filed as decisions yet",
            found=", ".join(rows["record_id"].head(5)),
            hint=f"{_how_to_file(path, owners)}; clear the cells if they were not meant. Nothing was changed",
        )


def write(frame, path, refuse):
    """Write a file that people fill in, unless somebody has typed into it since the run began.

    Such a file is left as it is, with a new time stamp, and a warning says so. What was typed is filed as
    ever; it changes the ledger, and with that the file is made again.

    Parameters
    ----------
    frame : DataFrame
    path : path
    refuse : callable
        Raises `InputError` if the file at `path` holds what is not filed, or cannot be read.

    Returns
    -------
    bool
        Whether it was written.
    """
    try:
        refuse()
    except InputError as error:
        log.warning("left as it is, because somebody works on it: %s", error)
        # Snakemake takes a file that is older than what it is made of for one that the step forgot.
        os.utime(path)
        return False
    tables.write(frame, path)
    return True


def _read(path, owners):
    """A filled-in file, and in which role and by whom."""
    if path.name == CONFLICTS:
        return tables.read(path, "conflicts"), {"role": ledger.ADJUDICATOR}
    filled = tables.read(path, "queue")
    if path.parent.name != QUEUES:
        return filled, {}
    owner = owners.get(path.name) or _prefilled(filled)
    return filled, {"role": ledger.INDEPENDENT, "owner": owner}


def _prefilled(filled):
    """The name in a queue of someone who is not a reviewer any more."""
    names = filled["reviewer"].dropna()
    return names.mode().iloc[0] if len(names) else None


def _how_to_file(path, owners):
    if path.name == QUEUE and owners:
        return f"the protocol asks for two reviewers, who fill in {_files(path.parent / QUEUES, owners)}"
    if path.parent.name == QUEUES and path.name not in owners:
        return "config.yaml does not name this reviewer as independent any more: name them again to file it"
    return "make decisions files them"


def decided_in(results, own):
    """The files of a run in which people decide: the queue, or that of each of several reviewers.

    Parameters
    ----------
    results : path
        The run's folder, ``results/<run>``.
    own : dict
        From `own_queues`.
    """
    results = Path(results)
    return [results / QUEUES / file for file in own.values()] or [results / QUEUE]


def file_one(review, path, *, screening, records, run, decided_at, correct=False):
    """As `file`, of one file of a review by its protocol.

    Parameters
    ----------
    review : path
        The review's folder.
    path : path
        What was filled in.
    screening : dict
        The protocol's part ``screening``.
    records : DataFrame
        The corpus of the run.
    run, decided_at, correct
        As for `file`.
    """
    return file(
        path,
        Path(review, LEDGER),
        known=set(records["record_id"]),
        kept=ledger.kept_ids(records),
        reasons=screening["reasons"],
        stages=screening["stages"],
        run=run,
        decided_at=decided_at,
        correct=correct,
        **whose(path, own_queues(screening, path=Path(review, "config.yaml"))),
    )


def _files(folder, owners):
    return " or ".join(str(folder / file) for file in owners)


def whose(path, own):
    """In which role a file's decisions are given, and by whom: the options of `file`, as a dict.

    Raises
    ------
    InputError
        If the protocol asks for two independent reviewers and the file is neither one's own queue nor the
        list of conflicts, or it asks for one and the file is the own queue of one of several.
    """
    path = Path(path)
    if path.name == CONFLICTS:
        return {"role": ledger.ADJUDICATOR}
    if not own and path.parent.name == QUEUES:
        raise InputError(
            path,
            problem="the protocol asks for one reviewer, so nobody decides in this file",
            allowed=str(path.parents[1] / QUEUE),
        )
    if not own:
        return {}
    owners = {file: name for name, file in own.items()}
    if path.name not in owners:
        folder = path.parent if path.parent.name == QUEUES else path.parent / QUEUES
        raise InputError(
            path,
            problem="the protocol asks for two independent reviewers, so nobody decides in this file",
            allowed=f"{_files(folder, owners)}, or {folder.parent / CONFLICTS}",
            hint="each fills in the file of their own name; a copy elsewhere keeps that name",
        )
    return {"role": ledger.INDEPENDENT, "owner": owners[path.name]}


def file(
    queue_path,
    ledger_path,
    *,
    known,
    reasons,
    stages,
    run,
    decided_at,
    correct=False,
    kept=None,
    role=None,
    owner=None,
):
    """Add a filled-in queue's rows to the ledger; see ``screening.decisions.from_queue``.

    ``kept`` is that of ``screening.decisions.under_kept``; left out, no record is a duplicate. ``role`` and
    ``owner`` are those of `whose`; left out, the reviewers decide alone.

    Returns
    -------
    added, already : int
        Rows added, and filled-in rows that the ledger held already.
    """
    queue = tables.read(queue_path, "conflicts" if role == ledger.ADJUDICATOR else "queue")
    with tables.locked(ledger_path):  # two people who file at once must see each other's rows
        rows, already = ledger.from_queue(
            queue,
            ledger.under_kept(tables.read(ledger_path, "screening"), kept or {}, run=run),
            path=queue_path,
            known=known,
            reasons=reasons,
            stages=stages,
            run=run,
            decided_at=decided_at,
            correct=correct,
            role=role,
            owner=owner,
        )
        kept_rows.append(rows, ledger_path, "screening", lock=False)
    return len(rows), already
