"""The structured log of a run: one JSON object for each line, appended by every process that works on it.

Keys of each: time (UTC), level, run, event, message; rule where a rule speaks, log (its own log file) where
one failed, and what an event adds. The file belongs to the machine: it is no result.
"""

import datetime
import json
import logging
import os
from pathlib import Path

from livingreview.secrets import scrub

# Where the processes of a run write; set by the first of them for all that it starts.
VARIABLE = "LIVING_REVIEW_RUN_LOG"
NAME = "month.jsonl"
# One older file is kept beside: years of starts of one month come to less.
LARGEST = 5_000_000  # bytes
STARTED, ENDED, SAID, FAILED = "job started", "job ended", "said", "failed"
REFUSED = "refused"  # before any job ran
SAVED = "saved meanwhile"  # by people, while jobs ran
STEPS = "steps"  # how many steps are done, of how many: keys `done` and `of`
BEGUN, OVER = "month started", "month ended"


def path_of(review, run):
    """The file of a run."""
    return Path(review).resolve() / "logs" / run / NAME


def write(path, *, run, event, message, level="info", now=None, environ=None, **more):
    """Append one line; lines of several processes never mix, since each is one write at the file's end.

    A log that cannot be written stops nothing: what it would say stands in the rules' own logs as well.

    Returns
    -------
    bool
        Whether it was written.
    """
    moment = now or datetime.datetime.now(datetime.UTC)
    row = {
        "time": moment.astimezone(datetime.UTC).isoformat(timespec="milliseconds"),
        "level": level,
        "run": run,
        "event": event,
        "message": message,
    } | {key: value for key, value in more.items() if value is not None}
    line = scrub(json.dumps(row, ensure_ascii=False, default=str), os.environ if environ is None else environ)
    try:
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o664)
        try:
            os.write(descriptor, f"{line}\n".encode())
        finally:
            os.close(descriptor)
    except OSError:
        return False
    return True


def read(path, *, start=0):
    """The lines from a byte on, as a list of dict; a line that a kill or a full disk cut is left out."""
    try:
        with Path(path).open("rb") as file:
            file.seek(start)
            lines = file.read().decode("utf-8", errors="replace").splitlines()
    except OSError:
        return []
    rows = []
    for line in lines:
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return [row for row in rows if isinstance(row, dict)]


def size(path):
    """The length of a file in bytes; 0 where there is none."""
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0


def bound(path, *, largest=LARGEST):
    """Set a file that has grown too large aside, in the place of the one before it."""
    path = Path(path)
    if size(path) > largest:
        os.replace(path, path.with_suffix(f".1{path.suffix}"))


class Lines(logging.Handler):
    """A log handler that appends what a rule says.

    Parameters
    ----------
    path : path
    run, rule : str
    log : str
        The rule's own log file.
    """

    def __init__(self, path, *, run, rule, log):
        super().__init__(level=logging.INFO)
        self._path, self._told = path, {"run": run, "rule": rule}
        self._log = log

    def emit(self, record):
        """Append one record; an error names the rule's log."""
        failed = record.levelno >= logging.ERROR
        write(
            self._path,
            event=FAILED if failed else SAID,
            level=record.levelname.lower(),
            message=record.getMessage(),
            logger=record.name,
            log=self._log if failed else None,
            **self._told,
        )
