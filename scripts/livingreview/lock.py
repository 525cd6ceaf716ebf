"""One run at a time in a review's folder; a run that was killed leaves no lock behind."""

import contextlib
import fcntl
import os
from pathlib import Path

from livingreview.errors import ReviewError


def hold(path):
    """Take the lock of a review for the rest of this process.

    Returns
    -------
    int
        The descriptor on which it is held.

    Raises
    ------
    ReviewError
        If another process holds it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 20).decode() or "unknown"
        os.close(descriptor)
        raise ReviewError(
            f"another run is working in this folder (process {holder}); wait until it ends, then run again"
        ) from None
    # The descriptor stays open on purpose until the process ends, however it ends: the kernel then gives the
    # lock back. Snakemake's own lock stays after a kill and would stop every later run of a scheduler.
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor


@contextlib.contextmanager
def held(path):
    """Hold the lock of a review for a while; raises as `hold`."""
    descriptor = hold(path)
    try:
        yield
    finally:
        os.close(descriptor)
