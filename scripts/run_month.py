"""Run a month of a review with nobody watching: search, rank, pool, report, and say what came of it.

Safe to start twice, to kill and to start again. What came of it stands in logs/<run>/month.json, and the exit
status says it to a scheduler.
"""

import argparse
import datetime
import os
import sys
import time
from pathlib import Path

from livingreview import config as protocol
from livingreview import lock, streams
from livingreview.errors import ReviewError
from livingreview.operation.job import due, month, outcome, waiting
from livingreview.operation.telling import digest
from livingreview.search.snapshot import RUN

MOMENT = 2  # seconds in which a process that was just killed is gone
PATIENCE = 15  # seconds for the remains of a killed start to end, which they do by themselves


def main(argv=None, *, command=None, clock=None, sleep=time.sleep):
    """Command line; returns the exit status.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; those of the process if left out.
    command : list of str, optional
        What is started in the place of Snakemake.
    clock : callable, optional
        Returns now, with its time zone.
    sleep : callable, optional
    """
    streams.prepare()
    args = _arguments(argv)
    clock = clock or (lambda: datetime.datetime.now(datetime.UTC))
    review = args.directory.resolve()
    try:
        if not (review / "config.yaml").is_file():
            return _refused(
                f"{review}: there is no config.yaml; hint: name a review's folder (REVIEW, --directory)"
            )
        run = args.run or protocol.load(review / "config.yaml")["run"]
    except ReviewError as error:
        return _refused(f"{error}\nNothing was done, and no month was named.", code=1)
    except OSError as error:
        return _refused(_failed(args.run or "", error), code=outcome.EXIT_CODES[outcome.FAILED])
    if not RUN.fullmatch(run):
        return _refused(f"--run: found {run!r}; allowed: a month as YYYY-MM; hint: $(date +%Y-%m)")
    try:
        descriptor = _hold(review, run, wait=args.wait, sleep=sleep)
    except lock.Locked as error:
        return _refused(f"{error}", code=outcome.ANOTHER_RUN)
    except (ReviewError, OSError, KeyboardInterrupt) as error:
        return _refused(_failed(run, error), code=outcome.EXIT_CODES[outcome.FAILED])
    try:
        return _play(review, run, args, descriptor=descriptor, command=command, clock=clock)
    finally:
        os.close(descriptor)


def _play(review, run, args, *, descriptor, command, clock):
    """Run the month under the lock, tell people, and say it; returns the exit status."""
    try:
        played = month.play(
            review,
            run,
            descriptor=descriptor,
            clock=clock,
            cores=args.cores,
            profile=args.profile,
            command=command,
        )
    except due.NoSuchMonth as error:
        return _refused(f"{error}. Nothing was done.")
    except (OSError, KeyboardInterrupt) as error:
        # Not even month.json could be written, or the signal came where nothing was being built.
        return _refused(_failed(run, error), code=outcome.EXIT_CODES[outcome.FAILED])
    month.tell_people(played, month.make_digest(played), clock=clock)
    streams.say(_last_words(played))
    return played.about["exit_code"]


def _arguments(argv):
    codes = "\n".join(f"  {code:>3}  {meaning}" for code, meaning in outcome.MEANING.items())
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=f"exit status:\n{codes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--directory", type=Path, default=Path(), help="the review's folder")
    parser.add_argument("--run", help="the month, such as 2026-12; config.yaml's if left out")
    parser.add_argument("--cores", default="2", help="how many jobs run at once (2)")
    parser.add_argument("--profile", help="a profile of Snakemake, such as profiles/slurm")
    parser.add_argument(
        "--wait", type=float, default=0, metavar="SECONDS", help="how long to wait for another run's end (0)"
    )
    return parser.parse_args(argv)


def _hold(review, run, *, wait, sleep):
    """Take the lock; waits as long as asked, and a moment for what a killed start left running."""
    path = review / lock.OF_A_REVIEW
    began = time.monotonic()
    while True:
        try:
            return lock.hold(path, what=f"month {run}")
        except lock.Locked as error:
            patience = max(wait, PATIENCE if lock.is_orphaned(error.holder) else MOMENT)
            if time.monotonic() - began >= patience:
                raise
        sleep(0.5)


def _failed(run, error):
    hint = "; hint: is the disk full, or the folder not yours to write?" if isinstance(error, OSError) else ""
    return f"Month {run} failed: {error or 'interrupted'}{hint}"


def _refused(text, code=outcome.USAGE):
    streams.say(text)
    return code


def _last_words(played):
    """The last paragraph: what came of it, what to do, where."""
    about = played.about
    lines = [f"\nMonth {played.run}: {about['outcome']}. {about['reason']}"]
    lines += [
        f"  {row['n']} {waiting.named(row['kind'], row['n'])}: {row['todo']} ({row['file']})"
        for row in about["waiting"]
    ]
    typed = digest.commands(played.review, about["waiting_of"] or played.run)
    lines += [f"  {typed}"] if about["waiting"] else []
    lines += [f"  {row['label'] or 'Review'}: {row['sentence']}" for row in about["fired"]]
    lines += [f"Remark: {remark}" for remark in about["remarks"]]
    lines += [f"To do:  {about['hint']}"] if about["hint"] else []
    report = played.review / "results" / played.run / "report.html"
    built = about["exit_code"] != outcome.EXIT_CODES[outcome.FAILED] and report.is_file()
    lines += [f"Report: {report}"] if built else []
    lines += [f"Digest: {played.review / path}" for path in about.get("digest", [])[-1:]]
    return "\n".join([*lines, f"Log:    {played.log}"])


if __name__ == "__main__":
    sys.exit(main())
