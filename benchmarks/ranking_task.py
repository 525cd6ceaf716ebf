"""What one method of ranking is asked, and answers, in a process of its own.

Each method runs in its own interpreter, so that its peak memory is its own and so that the two need not agree
on their libraries. A task is a file of JSON lines: first the splits (which records to train on, their labels,
which to rank, a seed, and whether training has an order in time), then one record per line. No label of a
record to be ranked is in it. The answer is one JSON object. Only the standard library is used here, for this
file is read by both interpreters.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path


class Failed(Exception):
    """A method that ended without an answer; the text is what it said last."""


def ask(python, program, records, splits, *, environ=None):
    """Have a method rank, in a new process.

    Parameters
    ----------
    python, program : path
        The interpreter, and the program that calls `serve`.
    records : list of dict
        title, abstract, year (int or None).
    splits : list of dict
        train, new (positions in records), labels (0 or 1, of train), seed, ordered.
    environ : dict, optional
        Environment variables of the method, beside those of this process.

    Returns
    -------
    dict
        splits: for each, scores, probabilities or None, read_first (one bool per record) or None, all in the
        order of ``new``, and seconds; peak_memory_mb of the whole process; versions; warnings.

    Raises
    ------
    Failed
        With the last lines that the method wrote.
    """
    with tempfile.TemporaryDirectory() as folder:
        task, answer = Path(folder) / "task.jsonl", Path(folder) / "answer.json"
        with task.open("w", encoding="utf-8") as file:
            for line in ({"splits": splits}, *records):
                file.write(json.dumps(line) + "\n")
        command = [Path(python).absolute(), program, task, answer]
        # In a folder of its own: asreview leaves a cache file wherever it is imported.
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env=os.environ | (environ or {}),
        )
        if done.returncode:
            raise Failed(" / ".join(done.stderr.strip().splitlines()[-3:]) or f"exit {done.returncode}")
        return json.loads(answer.read_text(encoding="utf-8"))


def serve(rank, *, versions):
    """Answer the task named on the command line.

    Parameters
    ----------
    rank : callable
        ``rank(train_records, labels, order, new_records, seed)`` gives a dict of scores, probabilities and
        read_first. Only its own time is counted: not that of starting, importing or reading the task.
    versions : dict of str
        The libraries that the method stands on.
    """
    task, answer = map(Path, sys.argv[1:])
    with task.open(encoding="utf-8") as file:
        splits = json.loads(next(file))["splits"]
        records = [json.loads(line) for line in file]
    answers = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for split in splits:
            train, new = ([records[i] for i in split[part]] for part in ("train", "new"))
            order = [one["year"] for one in train] if split["ordered"] else None
            started = time.perf_counter()
            given = rank(train, split["labels"], order, new, split["seed"])
            answers.append({**given, "seconds": time.perf_counter() - started})
    said = sorted({f"{one.category.__name__}: {str(one.message).splitlines()[0]}" for one in caught})
    found = {
        "splits": answers,
        "peak_memory_mb": peak_memory_mb(),
        "versions": {"python": sys.version.split()[0], **versions},
        "warnings": said,
    }
    answer.write_text(json.dumps(found), encoding="utf-8")


def peak_memory_mb():
    """The most memory that this process has held, in MB (2^20 bytes).

    Linux carries a parent's ru_maxrss over to the programs it starts, so the high-water mark of this
    process's own memory is read where there is one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 1024)
