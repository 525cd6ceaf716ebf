"""Processes that end with the one that started them, however that one ended.

A scheduled month is a chain: the command, Snakemake, a job. A kill that cannot be caught takes one of them,
and those below would go on writing beside the next start. So each looks twice a second whether the one above
it is still there. Nothing of it reaches another machine: a job that a cluster runs elsewhere follows its
scheduler.
"""

import os
import signal
import socket
import threading
import time
from pathlib import Path

VARIABLE = "LIVING_REVIEW_LIFELINE"
EVERY = 0.5  # seconds between two looks
GRACE = 5.0  # seconds in which Snakemake may take its jobs back before it is killed


def announce(environ=None):
    """Make this process the one that all which it starts from now on follow."""
    environ = os.environ if environ is None else environ
    environ[VARIABLE] = f"{socket.gethostname()}|{os.getpid()}|{_started(os.getpid())}"


def follows(environ=None):
    """Whether this process was started, on this machine, by one that it is to follow."""
    named = _named(os.environ if environ is None else environ)
    return named is not None and named[0] == socket.gethostname() and named[1] != os.getpid()


def follow(end, *, environ=None, every=EVERY):
    """Call `end` once the process that started this one is gone; does nothing where there is none to follow.

    Parameters
    ----------
    end : callable
        Such as `end_at_once` or `end_with_jobs`; called in a thread of its own.
    environ : mapping, optional
        The process's own, if left out.
    every : float
        Seconds between two looks.
    """
    environ = os.environ if environ is None else environ
    if not follows(environ):
        return
    _host, pid, started = _named(environ)
    threading.Thread(target=_watch, args=(pid, started, end, every), daemon=True).start()


def end_at_once():
    """End this process without any clean-up: its files are written whole or not at all."""
    os.kill(os.getpid(), signal.SIGKILL)


def end_with_jobs():
    """End this process as Ctrl-C would, so that it can take jobs back that a cluster holds; then at once."""
    if os.getpgrp() == os.getpid():  # jobs are in its group, for which it would otherwise wait
        os.killpg(os.getpid(), signal.SIGINT)
    else:
        os.kill(os.getpid(), signal.SIGINT)
    time.sleep(GRACE)
    end_at_once()


def is_alive(pid, started=""):
    """Whether a process of this machine lives, and is the one that began at `started` (if that is known)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return _started(pid) == started if started else _started(pid) is not None


def _watch(pid, started, end, every):
    while is_alive(pid, started):
        time.sleep(every)
    end()


def _named(environ):
    host, _, rest = environ.get(VARIABLE, "").partition("|")
    pid, _, started = rest.partition("|")
    return (host, int(pid), started) if pid.isdigit() else None


def _started(pid):
    """When a process began, in the kernel's ticks: a number may be given to another process later.

    Empty where the system does not say; None for one that has ended and is not buried yet.
    """
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return None if state == "Z" else fields[18]
