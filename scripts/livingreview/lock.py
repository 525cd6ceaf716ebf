"""One run at a time in a review's folder; a run that was killed leaves no lock behind."""

import contextlib
import datetime
import fcntl
import json
import os
import socket
import time
from pathlib import Path

from livingreview import lifeline
from livingreview.errors import ReviewError

# From the review's folder.
OF_A_REVIEW = ".snakemake/living-review.lock"
# Says to the Snakemake that a command starts on which descriptor that command holds the lock for it.
VARIABLE = "LIVING_REVIEW_LOCK"
ORPHANS = 10.0  # seconds that a start waits for jobs of a killed run to notice (half a second) and end


class Locked(ReviewError):
    """Another process works in the review's folder.

    Attributes
    ----------
    holder : dict
        What it wrote of itself: pid, host, since, what; empty if that cannot be read.
    """

    def __init__(self, text, holder):
        super().__init__(text)
        self.holder = holder


def hold(path, *, what=None, environ=None, now=None):
    """Take the lock of a review for the rest of this process.

    A process that was started by one which holds the lock, and was given its descriptor (`pass_on`), holds it
    too: the lock is free when both have ended.

    Parameters
    ----------
    path : path
        The lock's file.
    what : str, optional
        What is being done, for those who are refused.
    environ : mapping, optional
        The process's own, if left out.
    now : datetime.datetime, optional
        The moment to write into it; the clock's if left out.

    Returns
    -------
    int
        The descriptor on which it is held.

    Raises
    ------
    Locked
        If another process holds it, or jobs of a killed run go on in the folder.
    ReviewError
        If the file system has no locks.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    inherited = _inherited(path, os.environ if environ is None else environ)
    if inherited is not None:
        return inherited
    deadline = time.monotonic() + ORPHANS
    while True:
        descriptor = _take(path)
        if _no_jobs(_jobs(path)):
            break
        # Given back between two looks, though it was free: a job that ends needs no lock for that, and
        # whoever comes meanwhile finds the same.
        os.close(descriptor)
        if time.monotonic() > deadline:
            raise Locked(
                f"jobs of a run that was killed still work in this folder ({_jobs(path)} is held); they end"
                " by themselves: run again in a minute",
                {},
            )
        time.sleep(0.1)
    # The descriptor stays open on purpose until the process ends, however it ends: the kernel then gives the
    # lock back. Snakemake's own lock stays after a kill and would stop every later run of a scheduler.
    _sign(descriptor, what, now or datetime.datetime.now(datetime.UTC))
    return descriptor


@contextlib.contextmanager
def held(path, *, what=None):
    """Hold the lock of a review for a while; raises as `hold`."""
    descriptor = hold(path, what=what)
    try:
        yield
    finally:
        os.close(descriptor)


def pass_on(descriptor):
    """The variable by which a process that inherits the descriptor of a held lock knows it, as a dict."""
    return {VARIABLE: str(descriptor)}


def share(path):
    """Say, for the rest of this process, that a job works in the folder whose lock is at `path`."""
    jobs = _jobs(Path(path))
    jobs.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(jobs, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o664)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def holder(path):
    """What the process that holds a lock, or held it last, wrote of itself; an empty dict if unreadable."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        told = json.loads(text)
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {"pid": told}


def is_held(path):
    """Whether a process works under a lock now; the lock is not taken, and nobody is kept from it.

    A shared lock is tried for a moment, and only where the last holder is not known to be gone.
    """
    told = holder(path)
    if not told or is_orphaned(told):
        return False
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return False
    finally:
        os.close(descriptor)
    return False


def is_orphaned(told):
    """Whether the process that a lock names is gone from this machine: what holds it still will soon end."""
    pid, host = told.get("pid"), told.get("host")
    return isinstance(pid, int) and host == socket.gethostname() and not lifeline.is_alive(pid)


def describe(told):
    """Who holds a lock since when, in words."""
    who = f"process {told.get('pid', 'unknown')}"
    if told.get("host"):
        who += f" on {told['host']}"
    if told.get("since"):
        who += f", since {told['since']}"
    return f"{who}, {told['what']}" if told.get("what") else who


def _take(path):
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o664)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        told = holder(path)
        raise Locked(
            f"another run is working in this folder ({describe(told)}); wait until it ends, then run again",
            told,
        ) from None
    except OSError as error:
        os.close(descriptor)
        raise ReviewError(
            f"{path}: this file system keeps no locks ({error.strerror}), so that two runs could work here at"
            " once; hint: keep the review on a local disk, or mount the share with locks"
        ) from None
    return descriptor


def _sign(descriptor, what, now):
    told = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": f"{now.astimezone(datetime.UTC):%Y-%m-%d %H:%M:%S} UTC",
        "what": what,
    }
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(told).encode(), 0)


def _inherited(path, environ):
    given = environ.get(VARIABLE, "")
    if not given.isdigit() or not path.exists():
        return None
    try:
        if not os.path.samestat(os.fstat(int(given)), path.stat()):
            return None
        fcntl.flock(int(given), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return None
    os.set_inheritable(int(given), False)
    return int(given)


def _jobs(path):
    return path.with_name(f"{path.name}.jobs")


def _no_jobs(jobs):
    descriptor = os.open(jobs, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o664)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
