"""One scheduled month of a review: searched and built once, said what came of it, safe to start again.

``logs/<run>/month.json`` says what the last start of the month came to. It belongs to the machine, as the
structured log beside it does: neither is a result.
"""

import contextlib
import datetime
import os
import re
import socket
import sys
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path

from livingreview import config as protocol
from livingreview import lock, run_log, secrets, tables
from livingreview.errors import InputError, ReviewError
from livingreview.living import releases, versions
from livingreview.operation.job import due, engine, waiting
from livingreview.operation.job import outcome as results_of
from livingreview.operation.job.outcome import FAILED, INTERRUPTED, RUNNING, UNFILED, Outcome
from livingreview.operation.telling import digest, sending
from livingreview.screening import filing
from livingreview.screening.decisions import months_between
from livingreview.search import snapshot
from livingreview.search.linkage import pairs

ROOT = Path(__file__).resolve().parents[4]
NAME = "month.json"
AGAIN = "mend what the reason names, then start the same command again: it goes on where it stopped"
OFTEN = 3  # builds in one start, at most, when people go on saving
# As Snakemake names a job that failed, and its log.
FAILED_RULE = re.compile(r"^Error in (?:rule|group job) (\w+)")
LOG_OF_RULE = re.compile(r"^ +log: (\S+)")
# As Snakemake says how many steps there are, before the first of them and after each.
PLANNED = re.compile(r"^total +(\d+)$")
STEPS = re.compile(r"^(\d+) of (\d+) steps \(\d+%\) done")


@dataclass
class Month:
    """A month of a review that is being run.

    Attributes
    ----------
    review : Path
        The review's folder.
    run : str
    config : dict or None
        The protocol; None where it cannot be read.
    about : dict
        What month.json will hold.
    """

    review: Path
    run: str
    config: dict | None
    about: dict = field(default_factory=dict)

    @property
    def logs(self):
        """The folder of this run's logs."""
        return self.review / "logs" / self.run

    @property
    def log(self):
        """The structured log."""
        return run_log.path_of(self.review, self.run)

    def tell(self, event, message, **more):
        """Append to the structured log."""
        run_log.write(self.log, run=self.run, event=event, message=message, **more)

    def write(self, **more):
        """Write month.json with what is new, atomically and without secrets."""
        self.about |= more
        tables.write_text(secrets.scrub(tables.to_json(self.about)), self.logs / NAME)


def read(review, run):
    """What month.json says of a run; an empty dict if there is none, or a crash of the disk broke it."""
    try:
        told = tables.read_json(Path(review) / "logs" / run / NAME)
    except (OSError, ReviewError):
        return {}
    return told if isinstance(told, dict) else {}


def play(review, run, *, descriptor, clock, cores="2", profile=None, command=None, environ=None, show=None):
    """Run a month of a review whose lock this process holds.

    Parameters
    ----------
    review : path
    run : str
        A month YYYY-MM.
    descriptor : int
        On which the lock is held; Snakemake inherits it.
    clock : callable
        Returns now, as a datetime with its time zone.
    cores : str
    profile : str, optional
        Of Snakemake.
    command : list of str, optional
        What is started in the place of Snakemake.
    environ : mapping, optional
        The process's own, if left out.
    show : callable, optional
        See ``engine.run``.

    Returns
    -------
    Month
        With `about` as written to month.json.

    Raises
    ------
    due.NoSuchMonth
        Before anything is written.
    """
    environ = os.environ if environ is None else environ
    month = Month(Path(review), run, None)
    begun = False
    try:
        taken = _prepare(month, environ, clock())
        _begin(month, clock())
        begun = True
        outcome = _at_rest(month, taken) or _not_filed(month)
        outcome = outcome or _build(
            month, descriptor, cores, profile, command=command, environ=environ, show=show
        )
    except due.NoSuchMonth:
        raise
    except Exception as error:
        # Also a fault of this program: nobody watches, so that the month itself must say that it failed.
        outcome = Outcome(FAILED, reason=_why(error), hint=AGAIN)
    if not begun:
        _begin(month, clock())
    return _end(month, outcome, clock())


def _prepare(month, environ, now):
    """Read the protocol and check the month; returns the months that have a snapshot."""
    secrets.check(environ)
    path = month.review / "config.yaml"
    config = protocol.load(path)
    month.config = protocol.check(config | {"run": month.run}, path)
    snapshot.restore(month.review / "data/searches")
    results = Path("results") / month.run
    filing.put_right(month.review / results, month.review / ".snakemake/backups" / results)
    taken = snapshot.runs(month.review / "data/searches")
    due.check(
        month.run, taken=taken, base_url=config["search"]["base_url"], config_run=config["run"], now=now
    )
    return taken


def _why(error):
    if isinstance(error, ReviewError):
        return str(error)
    if isinstance(error, OSError):
        return f"the computer says: {error}; hint: is the disk full, or a file or folder not yours to write?"
    return f"this is a fault of the program, not of your data\n{''.join(traceback.format_exception(error))}"


def make_digest(month, *, environ=None):
    """Make the digest of a month that has ended; what goes wrong is noted and changes nothing of its result.

    Returns
    -------
    dict or None
        What the digest says (``digest.view``); None if it could not be made.
    """
    try:
        seen = digest.write(month.review, month.run, environ=os.environ if environ is None else environ)
    except Exception as error:
        # Whatever it is, the month's own result must come to the scheduler.
        _note(month, "digest failed", f"the digest could not be made: {error}")
        return None
    _write_if_possible(month, digest=[f"logs/{month.run}/{name}" for name in digest.MADE])
    return seen


def tell_people(month, seen, *, clock, environ=None):
    """Send the digest to whom the protocol names; what becomes of it changes nothing of the month's result.

    Parameters
    ----------
    month : Month
    seen : dict or None
        As `make_digest` gives it; without a digest nothing is sent.
    clock : callable
    environ : mapping, optional
        Where the secrets are; the process's own, if left out.
    """
    if seen is None:
        return
    environ = os.environ if environ is None else environ
    for one in sending.tell(month.review, month.run, seen, clock=clock, environ=environ):
        if one.failed:
            _note(month, "message failed", f"{one.channel}: {one.message}")
        else:
            month.tell("message", f"{one.channel}: {one.message}")


def _note(month, event, text):
    month.tell(event, text, level="warning")
    _write_if_possible(month, remarks=[*month.about["remarks"], text])


def _write_if_possible(month, **more):
    """Add to month.json; a disk that has just run full takes nothing from a month that was good."""
    with contextlib.suppress(OSError):
        month.write(**more)


def _begin(month, now):
    before = read(month.review, month.run)
    month.logs.mkdir(parents=True, exist_ok=True)
    run_log.bound(month.log)
    title = month.config["review"]["title"] if month.config else None
    if before.get("outcome") == RUNNING:
        month.tell(
            "found killed",
            f"the start of {before.get('started_at')} never came to its end; its work is gone on with",
            level="warning",
        )
    month.write(
        run=month.run,
        title=title,
        outcome=RUNNING,
        exit_code=None,
        started_at=_stamp(now),
        ended_at=None,
        starts=before.get("starts", 0) + 1,
        process=os.getpid(),
        host=socket.gethostname(),
        reason="",
        hint="",
        failed=[],
        n_new=None,
        n_waiting=None,
        waiting=[],
        fired=[],
        remarks=_remarks(month) if month.config else [],
    )
    month.tell(run_log.BEGUN, f"start {month.about['starts']} of run {month.run}")


def _end(month, outcome, now):
    told = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(outcome).items()}
    name = told.pop("name")
    month.write(outcome=name, exit_code=outcome.exit_code, ended_at=_stamp(now), **told)
    month.tell(
        run_log.OVER,
        outcome.reason or name,
        level="info" if outcome.exit_code != 1 else "error",
        outcome=name,
        exit_code=outcome.exit_code,
    )
    return month


def _stamp(now):
    return f"{now.astimezone(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"


def _at_rest(month, taken):
    """The outcome of a month that is not to be searched, with what still waits; None if it is to be run."""
    outcome = due.nothing_to_do(month.run, taken=taken, living=month.config["living"])
    built = [path.parent.name for path in (month.review / "results").glob("????-??/status.json")]
    last = max((run for run in built if run < month.run), default=None)
    if outcome is None or last is None:
        return outcome
    try:
        waits = waiting.read(
            month.review, last, tables.read_json(month.review / "results" / last / "status.json")
        )
    except (ReviewError, OSError, KeyError, ValueError) as error:
        unknown = f"what waits since {last} could not be read: {error}"
        month.about["remarks"] = [*month.about["remarks"], unknown]
        return outcome
    # Months go by without a search, too.
    waits = [
        row | {"months": months_between(row["since"], month.run) if row["since"] else None} for row in waits
    ]
    return results_of.still_waiting(outcome, waits, last)


def _not_filed(month):
    """The outcome of a month in whose files people have typed what is not filed; None if there is none.

    To build would be to throw it away. It is work that waits, not a failure.
    """
    results = month.review / "results" / month.run
    try:
        _refuse_unfiled(month, month.run)
        pairs.refuse_unfiled(results / "pairs.csv", month.review / "data/decisions/pairs.csv")
    except InputError as error:
        if not Path(error.file).is_relative_to(results):
            return None  # a table of the ledger is at fault: that is a failure, which the jobs tell
        return Outcome(UNFILED, reason=str(error), hint="file it, then start the same command again")
    return None


def _refuse_unfiled(month, run):
    filing.refuse_unfiled_in(month.review, run, own=filing.own_queues(month.config["screening"]))


def _remarks(month):
    """What a person should know though it does not concern this run: what was typed in the run before."""
    folders = [path.name for path in (month.review / "results").glob("????-??") if path.name < month.run]
    try:
        for run in sorted(folders)[-1:]:
            _refuse_unfiled(month, run)
    except InputError as error:
        if Path(error.file).is_relative_to(month.review / "results"):
            return [str(error)]
    return []


def _build(month, descriptor, cores, profile, *, command, environ, show):
    """Run Snakemake, and what came of it."""
    for _ in range(OFTEN):
        start = run_log.size(month.log)
        failed = _Failed(_counting(month, show or _print))
        ended = engine.run(
            [*(command or _snakemake()), *_arguments(month, cores, profile)],
            environ=_environment(environ, month, descriptor),
            descriptors=(descriptor,),
            show=failed,
        )
        said = run_log.read(month.log, start=start)
        # What people saved while it ran is taken in at once: nobody is there to start it again.
        if ended.status or ended.interrupted or not any(row["event"] == run_log.SAVED for row in said):
            break
    else:
        went_on = "people went on saving while it was built; the next start takes in the last of it"
        month.about["remarks"] = [*month.about["remarks"], went_on]
    if ended.interrupted and ended.status:
        return Outcome(
            INTERRUPTED,
            reason=f"ended by {ended.interrupted}; what was complete stays",
            hint="start the same command again: it goes on where it stopped",
        )
    if ended.status == 0:
        try:
            return _outcome(month)
        except (ReviewError, OSError, KeyError) as error:
            return Outcome(FAILED, reason=f"the results cannot be read: {error}", hint=AGAIN)
    return _failure(ended, failed.rules, said)


def _snakemake():
    return [sys.executable, "-m", "snakemake"]


def _arguments(month, cores, profile):
    return [
        *("--snakefile", str(ROOT / "Snakefile")),
        *("--directory", str(month.review)),
        *("--cores", str(cores)),
        *(("--profile", profile) if profile else ()),
        # A figure that cannot be drawn must not keep the queue from the people who wait for it. The month
        # has failed all the same, and no report is built from what is missing: it is an input of it.
        "--keep-going",
        *("--config", f"run={month.run}"),
    ]


def _environment(environ, month, descriptor):
    # Snakemake starts Python anew by its name, and must find this one.
    path = os.pathsep.join([str(Path(sys.executable).parent), environ.get("PATH", os.defpath)])
    return {**environ, "PATH": path, run_log.VARIABLE: str(month.log), **lock.pass_on(descriptor)}


def _outcome(month):
    results = month.review / "results" / month.run
    status = tables.read_json(results / "status.json")
    fired = tables.read_json(results / "whats_new.json")["fired"]
    if fired and (released := _released(month)):
        # The month goes on to be compared with the release before it, but nobody has to decide any more.
        answered = f"version {released} was released from this run, and answers the triggers that fired"
        month.about["remarks"] = [*month.about["remarks"], answered]
        fired = []
    return results_of.of_results(status, fired, waiting.read(month.review, month.run, status))


def _released(month):
    """The newest version that was released from this run, or None."""
    made = [one for one in versions.own(releases.read_all(month.review)) if one["run"] == month.run]
    newest = versions.newest(made)
    return newest and newest["version"]


def _failure(ended, rules, events):
    refused = [row["message"] for row in events if row["event"] == run_log.REFUSED]
    if refused:
        return Outcome(FAILED, reason=refused[-1], hint=AGAIN)
    said = {row["rule"]: row for row in events if row["event"] == run_log.FAILED}
    named = {rule: {"rule": rule, "log": log, "error": None} for rule, log in rules.items()}
    named |= {rule: {"rule": rule, "log": row["log"], "error": row["message"]} for rule, row in said.items()}
    if named:
        failed = tuple(named.values())
        return Outcome(FAILED, reason="\n".join(map(_sentence, failed)), hint=AGAIN, failed=failed)
    if ended.status < 0:
        who = "by a person, or by the system when memory ran short"
        return Outcome(FAILED, reason=f"Snakemake was killed by signal {-ended.status}, {who}", hint=AGAIN)
    reason = f"Snakemake ended with status {ended.status}; the last that it said:\n{ended.tail}"
    return Outcome(FAILED, reason=reason, hint=AGAIN)


def _counting(month, show):
    """Passes lines of Snakemake on, and notes how far it is, for those who follow the month elsewhere."""

    def see(line):
        planned, steps = PLANNED.match(line), STEPS.match(line)
        if planned or steps:
            done, of = (0, int(planned[1])) if planned else (int(steps[1]), int(steps[2]))
            month.tell(run_log.STEPS, f"{done} of {of} steps done", done=done, of=of)
        show(line)

    return see


def _sentence(row):
    if row["error"] is None:
        return f"{row['rule']} ended without a word: was it killed, or is memory short? (log: {row['log']})"
    return f"{row['rule']} failed: {row['error']}"


class _Failed:
    """Passes lines of Snakemake on, and keeps which rules failed, and their logs, for those killed."""

    def __init__(self, show):
        self.rules = {}
        self._show = show
        self._last = None

    def __call__(self, line):
        if found := FAILED_RULE.match(line):
            self._last = found[1]
            self.rules.setdefault(self._last, None)
        elif self._last and (found := LOG_OF_RULE.match(line)):
            self.rules[self._last], self._last = found[1], None
        self._show(line)


def _print(line):
    print(line, file=sys.stderr, flush=True)
