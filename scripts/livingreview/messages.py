"""What a run says last: where the report is, or why there is none."""

import atexit
import sys
from pathlib import Path

from livingreview.secrets import scrub


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
    text = own.read_text(encoding="utf-8", errors="replace") if own.exists() else ""
    reasons = [
        f"{path.stem} failed: {error}\n(full log: {path})"
        for path in sorted(Path(logs_dir).glob("*/*.log"))
        if str(path) in text and f"Error in rule {path.stem}" in text and (error := _last_error(path))
    ]
    if reasons:
        return "\n" + "\n".join(reasons)
    tail = "\n".join(line for line in text.splitlines() if line.strip())[-1500:]
    return (
        f"\nThe run failed before a job could say why. The end of {own}:\n{tail}"
        if began
        else "\nThe run failed."
    )


def _last_error(path):
    """The message of a log's last ERROR entry, over all its lines."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    starts = [number for number, line in enumerate(lines) if " ERROR " in line]
    if not starts:
        return None
    first, *rest = lines[starts[-1] :]
    return "\n".join([first.split(": ", 1)[1] if ": " in first else first, *rest])
