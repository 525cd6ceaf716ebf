"""How fast PubMed may be asked: one request after another, at a distance, over all processes of a user.

NCBI counts the requests of an address (or of a key), not those of a process. So processes that run at the
same time share the time of the last request in a small file, under a lock that is held for an instant only.
"""

import contextlib
import fcntl
import logging
import os
import re
import stat
import tempfile
import time
import urllib.parse
from pathlib import Path

log = logging.getLogger(__name__)

RATE, RATE_WITH_KEY = 3, 10  # requests per second that NCBI grants (NBK25497)
SLACK = 1.1  # requests bunch up on their way; a little slower than allowed is never refused
LONGEST_CONTENT = 64  # bytes that are read of the file; a time in seconds has fewer than 30


def interval(*, keyed):
    """Seconds between two requests, with or without an API key."""
    return SLACK / (RATE_WITH_KEY if keyed else RATE)


def place(base_url, *, keyed, environ=os.environ):
    """The file that all processes of this user share for one server, with or without a key.

    It lies in XDG_RUNTIME_DIR, which belongs to one user and ends with the session, or else in a directory
    of this user's own below the one for temporary files.
    """
    runtime = environ.get("XDG_RUNTIME_DIR")
    if runtime:
        folder = Path(runtime) / "living-review"
    else:
        folder = Path(tempfile.gettempdir()) / f"living-review-{os.getuid()}"
    server = re.sub(r"[^a-z0-9.-]", "_", urllib.parse.urlsplit(base_url).netloc.rpartition("@")[2].lower())
    return folder / f"{server}-{'with' if keyed else 'without'}-key"


class Limiter:
    """Keeps the distance between the requests of one client.

    Parameters
    ----------
    seconds : float
        The distance.
    clock, sleep : callable, optional
        Tell, and wait for, seconds.
    """

    def __init__(self, seconds, *, clock=time.monotonic, sleep=time.sleep):
        self._seconds = seconds
        self._clock = clock
        self._sleep = sleep
        self._earliest = clock()

    def wait(self):
        """Wait until a request may be sent; the time of that, by the clock."""
        left = self._earliest - self._clock()
        if left > 0:
            self._sleep(left)
        granted = self._clock()
        self._earliest = granted + self._seconds
        return granted


class SharedLimiter:
    """Keeps the distance between the requests of all processes that name the same file.

    The file holds the time of the last request by the system's monotonic clock, which all processes share. A
    time that lies ahead (left from before a restart) or is no time costs one distance and is then replaced.
    Where the file cannot be had, or is not this user's own, the distance is kept within this process only,
    with a warning: the worst that follows is a refusal that the client waits out, which is no reason to stop
    a run.

    Parameters
    ----------
    path : path
        As from `place`.
    seconds : float
        The distance.
    clock, sleep : callable, optional
        Tell, and wait for, seconds; the clock must be common to all processes.
    """

    def __init__(self, path, seconds, *, clock=time.monotonic, sleep=time.sleep):
        self._path = Path(path)
        self._seconds = seconds
        self._clock = clock
        self._sleep = sleep
        self._alone = None

    def wait(self):
        """Wait until a request may be sent; the time of that, by the clock."""
        while self._alone is None:
            try:
                granted, left = self._claim()
            except OSError as error:
                log.warning(
                    "The pace of requests to PubMed is not shared with other runs: %s cannot be used (%s)",
                    self._path,
                    error.strerror or error,
                )
                self._alone = Limiter(self._seconds, clock=self._clock, sleep=self._sleep)
                break
            if granted is not None:
                return granted
            # Not asleep under the lock: a process that is stopped there would stop all the others.
            self._sleep(left)
        return self._alone.wait()

    def _claim(self):
        """(the time, None) if a request may be sent now, else (None, the seconds until it may)."""
        with _locked(self._path) as descriptor:
            now = self._clock()
            content = os.pread(descriptor, LONGEST_CONTENT, 0)
            last = _time(content, now=now)
            left = 0.0 if last is None else last + self._seconds - now
            if left <= 0 or not _is_time(content, now=now):
                # What is not a time is replaced by now, so that the distance is waited for once.
                _write(descriptor, now)
            return (now, None) if left <= 0 else (None, left)


def _time(content, *, now):
    """The time of the last request; None in a new file; now where the file tells none that can be."""
    if not content:
        return None
    return float(content) if _is_time(content, now=now) else now


def _is_time(content, *, now):
    return bool(re.fullmatch(rb"\d{1,15}\.\d{1,9}\n", content)) and float(content) <= now


def _write(descriptor, now):
    # One write of the same length, or longer as the clock goes on, never leaves a mixture.
    content = b"%.9f\n" % now
    os.ftruncate(descriptor, os.pwrite(descriptor, content, 0))


@contextlib.contextmanager
def _locked(path):
    _make_folder(path.parent)
    # O_NOFOLLOW: a link that somebody put there must not lead this process to write into another file.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid() or found.st_nlink != 1:
            raise PermissionError("not a file of this user's own")
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _make_folder(folder):
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise PermissionError("its folder is not this user's own")
