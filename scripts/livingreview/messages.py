"""What a run says last: where the report is, or why there is none."""

import atexit
import re
import sys
from pathlib import Path

from livingreview.secrets import scrub

# How Snakemake reports jobs that an executor ran together: it calls every one of them failed, and names the
# log of the whole, in which those are called so that did.
GROUP = re.compile(
    r"Error in group .*\n\s*log: (.+?\.log)\b.*\n\s*jobs:\n((?:\s+(?:rule|jobid|output|log)\b.*\n)*)"
)


def say_last(text):
    """Print a text when the process ends, after all that Snakemake itself has to say, without secrets."""
    atexit.register(lambda: print(scrub(text), file=sys.stderr, flush=True))


def done(run, own=()):
    """Where a finished run's results are, for a person at a terminal.

    Parameters
    ----------
    run : str
    own : collection of str
        Files of independent reviewers, from `filing.own_queues`; each fills in their own.
    """
    report = (Path("results") / run / "report.html").resolve()
    if not own:
        return f"\nReport: {report}\nQueue:  {report.with_name('queue.csv')}"
    return (
        f"\nReport:    {report}\nQueues:    {report.with_name('queues')} (one for each reviewer)"
        f"\nConflicts: {report.with_name('conflicts.csv')}"
    )


def reason_of_failure(snakemake_log, logs_dir):
    """Why a run failed: the last error of each job that failed, or the end of Snakemake's own log.

    Parameters
    ----------
    snakemake_log : path
        Snakemake's own log of this run.
    logs_dir : path
        The folder of the rules' logs; those written since the run began are looked at.
    """
    own = Path(snakemake_log)
    began = own.stat().st_ctime if own.exists() else 0
    text = _read(own)
    groups = {path: _read(path) for path, _jobs in GROUP.findall(text)}
    failed = _failed_rules(text, groups.values())
    reasons = [
        f"{path.stem} failed: {error}\n(full log: {path})"
        for path in sorted(Path(logs_dir).glob("*/*.log"))
        if str(path) in text and path.stem in failed and (error := _last_error(path))
    ]
    if reasons:
        return "\n" + "\n".join(reasons)
    if any(groups.values()):
        # Jobs that the cluster ended, for time or memory, could not say so themselves; its log does.
        own, text = list(groups.items())[-1]
    tail = "\n".join(line for line in text.splitlines() if line.strip())[-1500:]
    return (
        f"\nThe run failed before a job could say why. The end of {own}:\n{tail}"
        if began
        else "\nThe run failed."
    )


def _read(path):
    """The text of a log; none if the log is not there, or is on a disk that only its node sees."""
    path = Path(path)
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _failed_rules(text, groups):
    """The rules that failed, by Snakemake's log and the logs of the jobs that were run together."""
    named = set(re.findall(r"Error in rule (\w+):", text))
    together = {rule for _path, jobs in GROUP.findall(text) for rule in re.findall(r"\brule (\w+):", jobs)}
    return (named - together) | {rule for log in groups for rule in re.findall(r"Error in rule (\w+):", log)}


def _last_error(path):
    """The message of a log's last ERROR entry, over all its lines."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    starts = [number for number, line in enumerate(lines) if " ERROR " in line]
    if not starts:
        return None
    first, *rest = lines[starts[-1] :]
    return "\n".join([first.split(": ", 1)[1] if ": " in first else first, *rest])
