"""One run at a time in a review's folder; a run that was killed leaves no lock behind."""

import fcntl
import os
from pathlib import Path

from livingreview.errors import ReviewError

# Kept open until the process ends, however it ends: the kernel then gives the lock back. Snakemake's own lock
# stays after a kill and would stop every later run of a scheduler.
_held = []


def hold(path):
    """Take the lock of a review for the rest of this process.

    Raises
    ------
    ReviewError
        If another process holds it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise ReviewError(
            f"another run is working in this folder (process {holder}); wait until it ends, then run again"
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    _held.append(file)
