"""Standard input, output and error of a process that nobody watches: no reason to fail, whatever they are."""

import contextlib
import os
import sys

from livingreview.secrets import scrub


def prepare():
    """Make the standard streams usable, however the process was started.

    A scheduler may have closed them: the next file that is opened, a lock or somebody's table, would take
    their number, be lost to a child process, or be written into by whatever prints an error. And a locale may
    know few letters, which is no reason to fail over the title of a trial.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The lowest number that is free, which is this one.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            stream = os.fdopen(number, "w", encoding="utf-8", closefd=False)
            setattr(sys, name, stream)
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def say(text):
    """Print to standard error without secrets; where nobody can hear it, nothing is said."""
    with contextlib.suppress(OSError, ValueError):
        print(scrub(text), file=sys.stderr, flush=True)
