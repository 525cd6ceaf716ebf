"""Processes that parse articles for another one.

Each is a new Python, not a copy of the calling process: it shares no state and no locks with it, and the
calling process may run threads. One batch at a time goes to a worker, and its answer is taken before the next
one is given, so that neither side can wait for the other for ever.
"""

import pickle
import select
import struct
import subprocess
import sys
from pathlib import Path

from livingreview.errors import ReviewError

# Started without looking for packages anew (-S): they lie where the calling process has them.
CODE = "import sys; sys.path[:] = sys.argv[1:]; from livingreview.search import articles; articles.serve()"
LENGTH = struct.Struct("<Q")


class Workers:
    """So many processes; end them by leaving the `with` block.

    Attributes
    ----------
    answers : dict
        By number, those that have come and were not asked for yet.
    """

    def __init__(self, count):
        self.answers = {}
        package = str(Path(__file__).resolve().parents[2])
        command = [sys.executable, "-I", "-S", "-c", CODE, package, *filter(None, sys.path)]
        self._idle = [_start(command) for _ in range(count)]
        self._busy = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        processes = [*self._idle, *(process for process, _ in self._busy.values())]
        for process in processes:
            process.stdout.close()
            process.stdin.close()
        for process in processes:
            process.wait()

    def give(self, number, batch):
        """Send a batch to the next process that is free."""
        if not self._idle:
            self._take()
        process = self._idle.pop()
        try:
            send(process.stdin, batch)
        except BrokenPipeError as error:
            raise _ended(process) from error
        self._busy[process.stdout] = (process, number)

    def answer(self, number):
        """The answer to the batch of that number, which must have been given."""
        while number not in self.answers:
            self._take()
        return self.answers.pop(number)

    def _take(self):
        """Wait until a process has answered, and take all answers that are there."""
        ready, _, _ = select.select(list(self._busy), [], [])
        for stream in ready:
            process, number = self._busy[stream]
            try:
                self.answers[number] = receive(stream)
            except EOFError as error:
                raise _ended(process) from error
            del self._busy[stream]
            self._idle.append(process)


def send(file, value):
    """Write one value to a pipe."""
    data = pickle.dumps(value, protocol=5)
    file.write(LENGTH.pack(len(data)))
    file.write(data)
    file.flush()


def receive(file):
    """Read one value from a pipe; EOFError where it has ended."""
    head = file.read(LENGTH.size)
    if len(head) < LENGTH.size:
        raise EOFError
    data = file.read(*LENGTH.unpack(head))
    if len(data) < LENGTH.unpack(head)[0]:
        raise EOFError
    return pickle.loads(data)


def _start(command):
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def _ended(process):
    return ReviewError(
        f"a process that reads articles ended early, with status {process.wait()};"
        " hint: run it again, with one process if memory is short"
    )
