"""Starts a month as a scheduler would, in a process of its own that goes on when the desk is closed."""

import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from livingreview import lock
from livingreview.desk.month import run_state
from livingreview.errors import ReviewError
from livingreview.operation.job import month

LOG = "desk_month.log"  # beside the other logs of the month: all that the command says
COMMAND = (sys.executable, str(month.ROOT / "scripts/run_month.py"))
TAIL = 4000  # bytes of that log, for a start that was refused


class Busy(ReviewError):
    """Somebody works in the review's folder already."""


@dataclass
class Started:
    """A start from this desk: its process, and the month."""

    process: subprocess.Popen
    run: str


class Starts:
    """The months that this desk has started; files say all else of them.

    Parameters
    ----------
    command : sequence of str, optional
        What is started in the place of the monthly command.
    """

    def __init__(self, command=COMMAND):
        self.command = command
        self._last = None
        self._lock = threading.Lock()

    def start(self, review, run, *, cores):
        """Start a month.

        Raises
        ------
        Busy
            If a run, or a command that must not be disturbed, works in the folder.
        """
        with self._lock:  # a second click comes before the first has taken the review's lock
            holder = run_state.working(review)
            if holder:
                raise Busy(
                    f"Another run is working in this folder: {lock.describe(holder)}. Nothing was started."
                )
            if self.begins(review):
                raise Busy(f"{self._last.run} was started a moment ago. Nothing was started twice.")
            log = Path(review, "logs", run, LOG)
            log.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(log, flags, 0o664), "wb") as said:
                process = subprocess.Popen(
                    [*self.command, "--directory", str(review), "--run", run, "--cores", str(cores)],
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=subprocess.STDOUT,
                    # Ctrl-C that closes the desk, and a terminal that is closed, leave the month alone.
                    start_new_session=True,
                )
            self._last = Started(process, run)
            threading.Thread(target=process.wait, daemon=True).start()

    def begins(self, review, run=None):
        """The month (any, if None) that was started a moment ago and has not said so yet, or None."""
        last = self._last
        if last is None or run not in (None, last.run) or last.process.poll() is not None:
            return None
        return None if month.read(review, last.run).get("process") == last.process.pid else last.run

    def refused(self, review, run):
        """What the last start said that never became a month (wrong month, a lock); empty otherwise."""
        last = self._last
        if last is None or last.run != run or last.process.poll() is None:
            return ""
        if month.read(review, run).get("process") == last.process.pid:
            return ""  # month.json tells what it came to
        return tail(Path(review, "logs", run, LOG))


def stop(review):
    """Ask the run that works in the folder to end; what is complete stays, and the next start goes on.

    Returns
    -------
    bool
        Whether one was asked: a process of this computer that holds the review's lock.
    """
    holder = run_state.working(review)
    if not holder or run_state.of_holder(holder) is None or not run_state.is_here(holder):
        return False
    try:
        # Shells have what they start in the background ignore Ctrl-C's signal; this one always arrives.
        os.kill(holder["pid"], signal.SIGTERM)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def tail(path, *, length=TAIL):
    """The last lines of a log, or an empty text."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(file.tell() - length, 0))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    return text.strip() if len(text) < length else text.partition("\n")[2].strip()
