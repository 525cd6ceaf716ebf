"""Stands in for Snakemake in tests of the monthly job: does what the variable STUB says, in the review's folder.

It takes the lock, follows its starter and tells its jobs to follow it as the workflow does.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from livingreview import lifeline, lock, run_log

JOB = """
import sys, time
from types import SimpleNamespace
from livingreview import stage

def main(job):
    while True:
        with open("written", "a") as file:
            file.write(".")
        time.sleep(0.02)

stage.run(main, SimpleNamespace(input=[], log=["logs/2026-01/search_pubmed.log"]))
"""


def main(argv):
    """Act as told."""
    os.chdir(argv[argv.index("--directory") + 1])
    run = argv[-1].removeprefix("run=")
    lock.hold(lock.OF_A_REVIEW)
    lifeline.follow(lifeline.end_with_jobs)
    lifeline.announce()
    with Path("started").open("a") as file:
        file.write(json.dumps(argv) + "\n")
    told = {"run": run, "rule": "draw_figures", "level": "error", "log": "logs/x/draw_figures.log"}
    acts = {
        "good": lambda: _good(run),
        "saved": lambda: _saved(run),
        "refuse": lambda: _refuse(run),
        "fail": lambda: _fail(told),
        "job killed": _job_killed,
        "broken": lambda: sys.exit("SyntaxError in file Snakefile, line 3; key is SECRETSECRET"),
        "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
        "hang": _hang,
    }
    return acts[os.environ["STUB"]]()


def _good(run):
    print("1 of 1 steps (100%) done", file=sys.stderr)
    shutil.copytree("template", f"results/{run}", dirs_exist_ok=True)


def _saved(run):
    """Somebody saves while it works, in as many starts as the file `saves` says."""
    _good(run)
    saves = Path("saves")
    if left := int(saves.read_text()):
        saves.write_text(str(left - 1))
        run_log.write(os.environ[run_log.VARIABLE], run=run, event=run_log.SAVED, message="data/a.csv")


def _refuse(run):
    target = os.environ[run_log.VARIABLE]
    run_log.write(target, run=run, event=run_log.REFUSED, level="error", message="config.yaml: unknown key")
    return 1


def _fail(told):
    target = os.environ[run_log.VARIABLE]
    run_log.write(target, event=run_log.FAILED, message="effects.csv: row 3: found 'x'", **told)
    print("Error in rule draw_figures:\n    log: logs/x/draw_figures.log (check)", file=sys.stderr)
    return 1


def _job_killed():
    print(
        "Error in rule rank_records:\n    jobid: 3\n    log: logs/x/rank_records.log (check)", file=sys.stderr
    )
    return 1


def _hang():
    paths = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2] / "scripts")}
    job = subprocess.Popen([sys.executable, "-c", JOB], env=paths)
    while not Path("written").exists():
        time.sleep(0.02)
    Path("pids").write_text(f"{os.getpid()} {job.pid}")
    while True:
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
