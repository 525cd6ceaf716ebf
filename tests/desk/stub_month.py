"""Stands in for the monthly command: the same command, with this file in the place of Snakemake.

As Snakemake it does what the file ``act`` in the review's folder says.
"""

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import run_month
from livingreview import lifeline, lock, run_log


def main(argv):
    """The monthly command, or Snakemake in its place."""
    if "--snakefile" not in argv:
        return run_month.main(argv, command=[sys.executable, __file__])
    os.chdir(argv[argv.index("--directory") + 1])
    run = argv[-1].removeprefix("run=")
    lock.hold(lock.OF_A_REVIEW)
    lifeline.follow(lifeline.end_with_jobs)
    return ACTS[Path("act").read_text(encoding="utf-8")](run)


def good(run):
    """Two steps, each begun when the file ``go`` says so."""
    say("total 2")
    for number, rule in enumerate(("search_pubmed", "pool_outcomes"), start=1):
        tell(run, run_log.STARTED, rule=rule, message="begun")
        while not Path("go").exists() or int(Path("go").read_text() or 0) < number:
            time.sleep(0.02)
        tell(run, run_log.ENDED, rule=rule, message="ended")
        say(f"{number} of 2 steps ({50 * number}%) done")
    return 0


def fail(run):
    """A step fails, and its log says why."""
    Path(f"logs/{run}/pool_outcomes.log").write_text(
        "key SECRETKEY\nERROR effects.csv: row 3\n", encoding="utf-8"
    )
    told = {"rule": "pool_outcomes", "log": f"logs/{run}/pool_outcomes.log", "level": "error"}
    tell(run, run_log.FAILED, message="effects.csv: row 3: found 'x' <b>; allowed: a number", **told)
    return 1


def hang(_run):
    """Works until it is asked to end."""
    Path("hanging").touch()
    while True:
        time.sleep(0.02)


def say(text):
    """As Snakemake says how far it is."""
    print(text, file=sys.stderr, flush=True)


def tell(run, event, **more):
    """As a job writes into the structured log."""
    run_log.write(os.environ[run_log.VARIABLE], run=run, event=event, **more)


ACTS = {"good": good, "fail": fail, "hang": hang}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
