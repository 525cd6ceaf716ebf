# What every stage needs: the checked protocol, the run, and the snapshots up to it.
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(workflow.basedir) / "scripts"))

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from livingreview import __version__ as VERSION
from livingreview import config as protocol
from livingreview import (
    engine_notes,
    invocation,
    kept_rows,
    lifeline,
    lock,
    paths,
    run_log,
    saved_meanwhile,
    secrets,
    tables,
    time_stamps,
)
from livingreview.errors import ReviewError
from livingreview.fingerprint import digests, fingerprint
from livingreview.messages import done, reason_of_failure, say_last
from livingreview.screening import filing
from livingreview.screening.ranking import SHIPPED as PRIOR
from livingreview.search import imports, snapshot
from livingreview.search.linkage import pairs
from livingreview.trials import (
    bias_blinding,
    data_dictionary,
    double_extraction,
    instruments,
    merging,
    sheets,
)

# What Snakemake says and logs can quote a job's environment or a library's error.
logger.addFilter(secrets.Scrubbing())

# Snakemake takes results for sources, and does nothing, where what they are made of is missing.
PEOPLE_S_TABLES = [
    "data/decisions/screening.csv",
    "data/decisions/pairs.csv",
    "data/trials/studies.csv",
    "data/trials/reports.csv",
    "data/trials/outcomes.csv",
]

try:
    protocol.check_file("config.yaml", config)
    # Whom a month tells is no part of the review: no result depends on it, or holds an address.
    config.pop("notify", None)
    if workflow.is_main_process:
        secrets.check()
        paths.refuse_strays(".")
    tables.require(PEOPLE_S_TABLES)
    # A job that an executor starts elsewhere reads this file too, under the lock of the run that sent it.
    if workflow.is_main_process:
        lock.hold(lock.OF_A_REVIEW, what=f"run {config['run']}")
        # Ends with the scheduler's command that started it, as its jobs end with it.
        lifeline.follow(lifeline.end_with_jobs)
        lifeline.announce()
        if invocation.runs_jobs(sys.argv[1:]):
            os.environ.setdefault(run_log.VARIABLE, str(run_log.path_of(".", config["run"])))
        # What a start that was killed left behind; nobody else works in this folder now.
        for folder in ("data", f"results/{config['run']}", f"logs/{config['run']}", ".cache"):
            tables.remove_leftovers(folder)
        if ahead := time_stamps.take_back(["data", f"results/{config['run']}", "results/bulk"]):
            logger.info(f"{ahead} files were dated in the future and are dated anew: was the clock set back?")
        for run in snapshot.restore("data/searches"):
            logger.info(f"The search of {run} was killed at its very end; its snapshot is whole again")
        filing.put_right(f"results/{config['run']}", f".snakemake/backups/results/{config['run']}")
        kept_rows.refuse_missing(".")
    # Snakemake removes a rule's outputs before it runs: a queue that a person has begun to fill in must be
    # filed before it may be made again.
    OWN_QUEUES = filing.own_queues(config["screening"])
    filing.refuse_unfiled_in(".", config["run"], own=OWN_QUEUES)
    pairs.refuse_unfiled(f"results/{config['run']}/pairs.csv", "data/decisions/pairs.csv")
    # Snapshots that exist are read from disk: no rule makes them, so none can overwrite them.
    TAKEN = snapshot.runs("data/searches", config["run"])
    EXTRACTORS = double_extraction.extractors(config.get("extraction", {}))
    # Before the jobs are planned, since they follow from the tables that the merge adds to. A month that is
    # built again stays as it was: its rows are those that were there.
    if (
        workflow.is_main_process
        and merging.marked_ready("data/trials/sheets")
        and config["run"] >= max(snapshot.runs("data/searches", "9999-12"), default="")
        and invocation.runs_jobs(sys.argv[1:])
    ):
        for line in merging.merge_ready(
            "data/trials",
            run=config["run"],
            known=merging.known_records("results", "data/decisions/screening.csv", run=config["run"]),
            outcomes=[*config["outcomes"], *config.get("other_outcomes", [])],
        ):
            logger.info(f"Extraction sheet {line}")
    BEGUN_WITH = saved_meanwhile.seen() if workflow.is_main_process else {}
except ReviewError as error:
    say_last(f"\n{error}")
    if run_log.VARIABLE in os.environ:
        run_log.write(
            os.environ[run_log.VARIABLE],
            run=str(config.get("run")),
            event=run_log.REFUSED,
            level="error",
            message=str(error),
        )
    raise WorkflowError("stopped before any job ran; the reason stands at the end") from None

RUN = config["run"]
TEMPLATES = Path(workflow.basedir) / "templates"

SNAPSHOTS = [f"data/searches/{run}/pubmed/provenance.json" for run in sorted({*TAKEN, RUN})]
# Runs whose records stayed on the machine that fetched them; what was fetched again is not asked for twice.
KEPT_ELSEWHERE = snapshot.kept_elsewhere("data/searches", RUN)
REFETCHED = {run: f"data/searches/{run}/refetched/provenance.json" for run in KEPT_ELSEWHERE}
TO_REFETCH = [run for run, path in REFETCHED.items() if not Path(path).is_file()]
# What people exported from other databases, up to this run.
IMPORTS = imports.files("data/searches", RUN)
# Of everything in their folders, so that neither an old time stamp nor an odd name hides a file.
IMPORTED = digests(
    path for path in sorted(Path("data/searches").glob("*/imports/*")) if path.parents[1].name <= RUN
)

RELEASES = sorted(str(path) for path in Path("data/releases").glob("*/release.json"))

# The registry of instruments, which a review may do without.
INSTRUMENTS = [path for path in [instruments.TABLE] if Path(path).is_file()]
# Of sheets in which somebody has typed: they are people's files, and none is the input of a rule.
SHEETS_TYPED = digests(sheets.changed_files(Path("data/trials/sheets")))
SHEETS_OF_PAIRS = digests(sorted(Path("data/trials/sheets/merged").glob("*/*/*.*")))
