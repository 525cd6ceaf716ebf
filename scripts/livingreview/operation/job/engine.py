"""Snakemake as a child process: its words passed on, its group ended when this process is told to end."""

import collections
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

from livingreview import lifeline
from livingreview.secrets import scrub

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# Snakemake needs a moment to take back what it gave to a cluster. systemd allows 90 seconds to stop.
GRACE = 30.0
KEPT = 20  # lines of its output, for a failure of which nothing else tells
DRAIN = 5.0  # seconds for the last lines of its output, which a job that outlived it may hold open


@dataclass(frozen=True)
class Ended:
    """How a Snakemake ended.

    Attributes
    ----------
    status : int
        Its exit status; negative the signal that killed it.
    interrupted : str or None
        The name of the signal by which this process was told to end it.
    tail : str
        The last lines that it printed.
    """

    status: int
    interrupted: str | None
    tail: str


def run(command, *, environ, descriptors=(), show=None, grace=GRACE):
    """Run a command until it ends or this process is told to.

    Parameters
    ----------
    command : list of str
    environ : dict
        Its environment.
    descriptors : tuple of int
        Open files that it inherits.
    show : callable, optional
        Takes each line of its output as it comes; the default prints it to standard error.
    grace : float
        Seconds between the request to end and the kill.

    Returns
    -------
    Ended
    """
    environ = dict(environ)
    lifeline.announce(environ)
    tail = collections.deque(maxlen=KEPT)
    caught = []
    # Caught before it starts, so that no signal finds it running and nobody to end it.
    with _catching(caught):
        process = subprocess.Popen(
            command,
            env=environ,
            pass_fds=descriptors,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # Its own group: Ctrl-C reaches this process alone, which then ends all of the group.
            start_new_session=True,
        )
        reader = threading.Thread(target=_pass_on, args=(process.stdout, tail, show or _print), daemon=True)
        reader.start()
        status = _wait(process, caught, grace)
        _end_group(process.pid, signal.SIGKILL)
        reader.join(DRAIN)
        if not reader.is_alive():
            process.stdout.close()
    return Ended(status, caught[0] if caught else None, "\n".join(tail))


def _wait(process, caught, grace):
    """Wait for its end; ask for it when a signal came, insist when the grace is over."""
    asked = None
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(timeout=0.2)
        if caught and asked is None:
            asked = time.monotonic()
            _end_group(process.pid, signal.SIGINT)
        elif asked is not None and time.monotonic() - asked > grace:
            _end_group(process.pid, signal.SIGKILL)


def _end_group(group, number):
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


@contextlib.contextmanager
def _catching(caught):
    """Note signals in the place of ending by them; a second one changes nothing."""
    before = {}
    for one in SIGNALS:
        # nohup, and shells for what they start in the background, have some signals ignored. They stay so
        # here; a handler that does nothing leaves the child the default, by which it can be asked to end.
        ignored = signal.getsignal(one) == signal.SIG_IGN
        with contextlib.suppress(ValueError):  # not in the main thread
            before[one] = signal.signal(one, _ignore if ignored else _noted(caught))
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _noted(caught):
    return lambda number, _frame: caught.append(signal.Signals(number).name)


def _ignore(_number, _frame):
    pass


def _pass_on(stream, tail, show):
    for raw in stream:
        line = scrub(raw.decode("utf-8", errors="replace").rstrip("\n"))
        tail.append(line)
        with contextlib.suppress(OSError, ValueError):  # a terminal that was closed
            show(line)


def _print(line):
    print(line, file=sys.stderr, flush=True)
