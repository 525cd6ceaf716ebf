"""Files that are dated in the future, because the computer's clock was set back.

Snakemake orders files by their time stamps and refuses a result that is older than what it is made of, so
that after such a jump no month could be built until the clock has caught up.
"""

import contextlib
import os
import time
from pathlib import Path

MILLISECOND = 10**6  # in nanoseconds; file systems keep at least these apart


def take_back(folders, *, now=None):
    """Date the files and folders that lie in the future shortly before now, in the order that they had.

    Parameters
    ----------
    folders : iterable of path
        Each with all that is in it; one that is not there is passed over.
    now : int, optional
        Nanoseconds since 1970; the clock's if left out.

    Returns
    -------
    int
        How many were dated anew; those of others that may not be changed are left.
    """
    now = time.time_ns() if now is None else now
    ahead = []
    for folder in map(Path, folders):
        for path in [folder, *sorted(folder.rglob("*"))]:
            with contextlib.suppress(OSError):
                at = path.lstat()
                if at.st_mtime_ns > now and not path.is_symlink():
                    ahead.append((at.st_mtime_ns, path))
    stamps = sorted({stamp for stamp, _ in ahead})
    new = {stamp: now - (len(stamps) - place) * MILLISECOND for place, stamp in enumerate(stamps)}
    dated = 0
    for stamp, path in ahead:
        with contextlib.suppress(OSError):
            os.utime(path, ns=(new[stamp], new[stamp]))
            dated += 1
    return dated
