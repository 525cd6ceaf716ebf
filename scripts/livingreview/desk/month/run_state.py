"""Where a run stands, whoever started it: from the review's lock, the structured log and month.json."""

import datetime
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path

from livingreview import lock, run_log
from livingreview.desk.month import steps
from livingreview.operation.job import month
from livingreview.operation.job.outcome import FAILED, INTERRUPTED, RUNNING, UNFILED

NONE, ALIVE, ENDED, KILLED = "none", "running", "ended", "killed"
# The end of the log is enough: a start of a month writes a twentieth of it.
LATEST = 1_000_000  # bytes
STOPPED = (FAILED, INTERRUPTED, UNFILED)  # outcomes after which a month is to be started again
RUN = re.compile(r"\b(\d{4}-\d{2})\b")
SAYING = 200  # characters of what a step says


@dataclass(frozen=True)
class Run:
    """A start of a month.

    Attributes
    ----------
    run : str
        The month, YYYY-MM.
    state : str
        NONE where it was never started here, ALIVE, ENDED, or KILLED: it never came to its end.
    done, of : int or None
        Steps; None where nothing says how many there are.
    now : tuple of str
        What is being done, in words.
    said : str
        The last that a step said.
    seconds : float or None
        How long it has run.
    by : str
        Who holds the review's lock, in words; empty unless ALIVE.
    stoppable : bool
        Whether it is a process of this computer that may be asked to end.
    about : dict
        What month.json says.
    """

    run: str
    state: str
    done: int | None = None
    of: int | None = None
    now: tuple = ()
    said: str = ""
    seconds: float | None = None
    by: str = ""
    stoppable: bool = False
    about: dict | None = None


def working(review):
    """Who works in the review's folder now, as the lock says it; an empty dict if nobody does.

    A command that is no month (the freezing of a release) holds it too.
    """
    path = Path(review, lock.OF_A_REVIEW)
    return lock.holder(path) if lock.is_held(path) else {}


def last(review, run, *, now):
    """As `read`, of a later month if one was started and never came to results; else of the one given.

    A month that fails before its queue is written would otherwise be shown nowhere.
    """
    review = Path(review)
    told = sorted(path.parent.name for path in (review / "logs").glob(f"????-??/{month.NAME}"))
    newest = max([run, *told])
    built = (review / "results" / newest / "queue.csv").is_file()
    state = read(review, run if built else newest, now=now)
    return (
        state
        if state.state == KILLED or state.about.get("outcome") in STOPPED
        else read(review, run, now=now)
    )


def of_holder(told):
    """The month that who holds a lock builds, or None."""
    found = RUN.search(str(told.get("what") or ""))
    return found and found[1]


def read(review, run, *, now):
    """Where the last start of a month stands.

    Parameters
    ----------
    review : path
    run : str
    now : datetime.datetime
        With its time zone.

    Returns
    -------
    Run
    """
    holder = working(review)
    about = month.read(review, run)
    if about.get("outcome") == RUNNING:
        holder = holder or working(review)  # begun between the two looks
    if holder and of_holder(holder) == run:
        return _alive(review, run, holder, about, now)
    if not about:
        return Run(run, NONE, about=about)
    return Run(run, KILLED if about.get("outcome") == RUNNING else ENDED, about=about)


def _alive(review, run, holder, about, now):
    log = run_log.path_of(review, run)
    since = _moment(str(holder.get("since") or "").replace(" UTC", "+00:00"))
    rows = run_log.read(log, start=max(run_log.size(log) - LATEST, 0))
    # The lock is signed to the second, and before anything is logged.
    rows = [row for row in rows if since is None or (_moment(row.get("time")) or since) >= since]
    done, of = _counted(rows)
    return Run(
        run,
        ALIVE,
        done=done,
        of=of,
        now=tuple(steps.words(rule, run) for rule in _open(rows)),
        said=_said(rows),
        seconds=max((now - since).total_seconds(), 0) if since else None,
        by=lock.describe(holder),
        stoppable=is_here(holder),
        about=about,
    )


def _counted(rows):
    """Steps done, and of how many; a second build in one start counts anew."""
    told = [at for at, row in enumerate(rows) if row.get("event") == run_log.STEPS]
    if told:
        last = rows[told[-1]]
        return int(last.get("done") or 0), int(last.get("of") or 0) or None
    return sum(row.get("event") == run_log.ENDED for row in rows), None


def _open(rows):
    """The rules that have started and not ended, the oldest first."""
    found = {}
    for row in rows:
        if row.get("event") == run_log.STARTED:
            found[row.get("rule")] = True
        elif row.get("event") in (run_log.ENDED, run_log.FAILED):
            found.pop(row.get("rule"), None)
    return [str(rule) for rule in found]


def _said(rows):
    said = [row for row in rows if row.get("event") in (run_log.SAID, run_log.FAILED, run_log.REFUSED)]
    return str(said[-1].get("message") or "").split("\n")[0][:SAYING] if said else ""


def is_here(holder):
    """Whether who holds a lock is a process of this computer, and not the desk itself."""
    return (
        isinstance(holder.get("pid"), int)
        and holder.get("host") == socket.gethostname()
        and holder["pid"] != os.getpid()
    )


def _moment(text):
    try:
        return datetime.datetime.fromisoformat(str(text))
    except ValueError:
        return None
