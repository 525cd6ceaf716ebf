"""Processes that parse articles for another one.

Each is a new Python, not a copy of the calling process: it shares no state and no locks with it, and the
calling process may run threads. One batch at a time goes to a process, and only when it waits for one, so
that neither side can wait for the other for ever. What travels are plain values, in lists and tuples.
"""

import marshal
import select
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from livingreview.errors import ReviewError

# Started without looking for packages anew (-S): they lie where the calling process has them.
CODE = (
    "import sys; sys.path[:] = sys.argv[1:];"
    " from livingreview.search.pubmed import articles; articles.serve()"
)
LENGTH = struct.Struct("<Q")
PLAIN = 2  # the last format of marshal that does not look for values that come twice, which takes longer


@dataclass(slots=True)
class Task:
    """A batch that was given; `answer` is None until it has come."""

    answer: list | None = None


class Workers:
    """So many processes; end them by leaving the `with` block."""

    def __init__(self, count):
        package = str(Path(__file__).resolve().parents[2])
        command = [sys.executable, "-I", "-S", "-c", CODE, package, *filter(None, sys.path)]
        self._idle = []
        # The first answer of each says that it is ready.
        processes = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(count)
        ]
        self._busy = {process.stdout: (process, Task()) for process in processes}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        processes = [*self._idle, *(process for process, _ in self._busy.values())]
        for process in processes:
            process.stdout.close()
            process.stdin.close()
        for process in processes:
            process.wait()

    def free(self):
        """Whether a process waits for a batch; takes the answers that have come."""
        self._take(timeout=0)
        return bool(self._idle)

    def give(self, batch):
        """Send a batch to a process that is free; its `Task`."""
        process = self._idle.pop()
        try:
            _send(process.stdin, batch)
        except BrokenPipeError as error:
            raise _ended(process) from error
        task = Task()
        self._busy[process.stdout] = (process, task)
        return task

    def wait(self, task):
        """Take answers until that of a task has come."""
        while task.answer is None:
            self._take(timeout=None)

    def _take(self, *, timeout):
        """Take the answers that come within so many seconds; None waits for the first."""
        ready, _, _ = select.select(list(self._busy), [], [], timeout)
        for stream in ready:
            process, task = self._busy[stream]
            try:
                task.answer = _receive(stream)
            except EOFError as error:
                raise _ended(process) from error
            del self._busy[stream]
            self._idle.append(process)


def exchange(answer):
    """Send an answer to the process that started this one; its next batch, or None where it wants no more."""
    try:
        _send(sys.stdout.buffer, answer)
        return _receive(sys.stdin.buffer)
    except (BrokenPipeError, EOFError):
        return None


def _send(file, value):
    data = marshal.dumps(value, PLAIN)
    file.write(LENGTH.pack(len(data)))
    file.write(data)
    file.flush()


def _receive(file):
    """Read one value from a pipe; EOFError where it has ended."""
    head = file.read(LENGTH.size)
    if len(head) < LENGTH.size:
        raise EOFError
    data = file.read(*LENGTH.unpack(head))
    if len(data) < LENGTH.unpack(head)[0]:
        raise EOFError
    return marshal.loads(data)


def _ended(process):
    return ReviewError(
        f"a process that reads articles ended early, with status {process.wait()};"
        " hint: run it again, with one process if memory is short"
    )
