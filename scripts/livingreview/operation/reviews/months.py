"""The month of several reviews: one after another or some at once, each in a process of its own.

A review that fails, hangs or is in use stops no other. Each process writes to a file in its review's logs.
"""

import concurrent.futures
import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from livingreview.operation.job import outcome
from livingreview.operation.reviews.folders import Review
from livingreview.secrets import scrub

OUTPUT = Path("logs/months.txt")
NOTHING, FAILED, WAITS, FIRED, IN_USE = (
    outcome.EXIT_CODES[name]
    for name in (
        outcome.NOTHING_NEW,
        outcome.FAILED,
        outcome.WORK_WAITS,
        outcome.TRIGGER_FIRED,
        outcome.LOCKED,
    )
)
# From the least grave to the gravest. In use ranks above nothing new: nobody looked at that review.
GRAVITY = (NOTHING, IN_USE, WAITS, FIRED, FAILED)
GRACE = 60  # seconds in which a month that is told to stop may put its things in order
# Of an output's end: bytes that are read, and characters that are looked at for a reason. The bytes are more,
# so that no secret is cut in two before it is looked for.
READ, TAIL = 2**16, 2000


@dataclass(frozen=True)
class Ended:
    """How the month of a review ended.

    Attributes
    ----------
    review : Review
    status : int
        Of `GRAVITY`; whatever else a process ends with is a failure.
    reason : str or None
        Why it failed, as far as this program knows; what the month itself wrote is in its month.json.
    output : Path or None
        What its process printed; None where none was started.
    seconds : float
    """

    review: Review
    status: int
    reason: str | None
    output: Path | None
    seconds: float


def gravest(statuses):
    """The one exit status of several months.

    >>> gravest([0, 75, 10]), gravest([75, 75]), gravest([0, 1, 20])
    (10, 75, 1)
    """
    return max(statuses, key=GRAVITY.index, default=NOTHING)


class Months:
    """Runs the months of reviews.

    Parameters
    ----------
    command : callable
        Given a review, the list of arguments that builds its month.
    cwd : path
        Where the commands start.
    jobs : int
        How many run at once.
    limit : float, optional
        Seconds after which a month is stopped and counts as failed.
    grace : float, optional
        Seconds between the request to stop and the end of patience.
    clock : callable, optional
        Tells seconds.
    """

    def __init__(self, command, *, cwd, jobs=1, limit=None, grace=GRACE, clock=time.monotonic):
        self._command = command
        self._cwd = cwd
        self._jobs = jobs
        self._limit = limit
        self._grace = grace
        self._clock = clock
        self._running = set()
        self._guard = threading.Lock()
        self._stopping = False

    def run(self, reviews, *, ended=lambda _: None):
        """Run the months; `ended` is told of each as it ends.

        Returns
        -------
        list of Ended
            In the order of `reviews`. After an interruption (KeyboardInterrupt, or SystemExit raised by a
            handler of signals) the months that ran were told to stop, the others did not start, and it is
            raised on.
        """
        with concurrent.futures.ThreadPoolExecutor(max_workers=self._jobs) as pool:
            waiting = {pool.submit(self._month, review): review for review in reviews}
            try:
                for future in concurrent.futures.as_completed(waiting):
                    ended(future.result())
            except BaseException:
                self._stop_all()
                raise
        return [future.result() for future in waiting]

    def _month(self, review):
        began = self._clock()
        try:
            status, reason, output = self._try(review)
        except OSError as error:
            status, output = FAILED, None
            reason = f"the computer says: {error}; hint: is the disk full, or a folder not yours to write?"
        return Ended(review, status, reason, output, self._clock() - began)

    def _try(self, review):
        if review.fault:
            return FAILED, review.fault, None
        output = review.path / OUTPUT
        output.parent.mkdir(parents=True, exist_ok=True)
        # A link in its place, which git keeps, would have another file emptied.
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(output, flags, 0o664), "wb") as file:
            process = self._start(review, file)
            if process is None:
                return FAILED, "not started: the months were stopped before", None
            too_long = self._wait(process)
        status = process.returncode
        if too_long:
            hours = f"{self._limit / 3600:.4g}"
            return FAILED, f"stopped after {hours} hours without an end; see {output}", output
        if status in GRAVITY and status != FAILED:
            return status, None, output
        how = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
        return FAILED, last_words(output) or how, output

    def _start(self, review, file):
        with self._guard:
            if self._stopping:
                return None
            # A session of its own, so that all that a month started can be told to stop, and a key pressed at
            # a terminal reaches this program only.
            process = subprocess.Popen(
                self._command(review),
                cwd=self._cwd,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._running.add(process)
            return process

    def _wait(self, process):
        """Wait for the end of a process; whether it had to be stopped."""
        try:
            process.wait(self._limit)
            return False
        except subprocess.TimeoutExpired:
            self._stop(process)
            return True
        finally:
            with self._guard:
                self._running.discard(process)

    def _stop(self, process):
        _signal(process, signal.SIGTERM)
        try:
            process.wait(self._grace)
        except subprocess.TimeoutExpired:
            _signal(process, signal.SIGKILL)
            process.wait()

    def _stop_all(self):
        with self._guard:
            self._stopping = True
            running = list(self._running)
        for process in running:
            _signal(process, signal.SIGTERM)
        for process in running:
            self._stop(process)


def _signal(process, number):
    # A process that nobody has waited for keeps its id, so that the group is still its own.
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)


def last_words(output):
    """The last paragraph that a process printed, in which a run says why it failed; None of an empty file.

    It goes into a page that is shown around: secrets are taken out, whoever printed them.
    """
    with Path(output).open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - READ))
        text = scrub(file.read().decode("utf-8", errors="replace"))[-TAIL:].strip()
    return re.split(r"\n\s*\n", text)[-1] or None
