"""Two years of months with nobody watching, under faults: nothing is lost, and the end is the same.

    python benchmarks/two_years.py --histories 50 --seed 1
    python benchmarks/two_years.py --histories 3 --seed 1 --months 2 --targets queue.csv

The default review is played month by month in a copy, as `make rehearse` does: each month is started as a
scheduler starts it, people answer what waits with what the review's own tables record, and it is started
again, until nobody has more to say. First once in peace, for comparison. Then each history again, with faults
(benchmarks/trouble.py): up to two a month, each in one start of one command. What has failed is started again
at once. Required is that

- every month is complete after at most two more starts (with more faults than two, --most: one for each),
- no row that was once filed as a decision or merged as a trial is ever missing,
- in the end every file under data/ and results/ is, byte for byte, that of the undisturbed months.

Left out of the last is what belongs to the machine and not to the review: logs/, .snakemake/, and lock files.
PubMed is a server on this computer whose clock stands on the first day of each month. The last line is one
JSON object; the exit status is 1 if anything required was missed.
"""

import argparse
import contextlib
import datetime
import json
import math
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
sys.path.insert(0, str(ROOT / "benchmarks"))

import trouble  # noqa: E402

from livingreview import config as protocol  # noqa: E402
from livingreview import rehearsal, tables  # noqa: E402
from livingreview.errors import ReviewError  # noqa: E402
from livingreview.search import sandbox, snapshot  # noqa: E402

NOW = "datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)"
FILE = f"import datetime, sys, file_decisions; sys.exit(file_decisions.main(sys.argv[1:], now={NOW}))"
MERGE = "import sys, merge_trials; sys.exit(merge_trials.main(sys.argv[1:]))"
# PubMed's stand-in answers as of the first day of each month, and a month is only searched while it lasts.
MONTH = (
    "import datetime, sys, run_month; now = datetime.datetime.fromisoformat(sys.argv[1] + '-01T12:00+00:00');"
    " sys.exit(run_month.main(sys.argv[2:], clock=lambda: now))"
)
DONE = (0, 10, 20)  # of run_month.py: nothing waits, work waits, a trigger fired
MORE_STARTS = 2
LONGEST = 1800.0  # seconds after which a start counts as hung
PEOPLE_S = ("decisions/screening.csv", "decisions/pairs.csv", "trials/studies.csv", "trials/reports.csv")
PEOPLE_S += ("trials/outcomes.csv",)
TOO_LATE = "too late"  # planned for a moment after the start's end, or for a search that was not made
ENDLESS = 12  # starts of one command after which a history is given up


@dataclass
class Tally:
    """What one history came to.

    Attributes
    ----------
    faults : Counter
        Faults planted, by name.
    how : list of str
        Each fault with its month, command and detail.
    more_starts : dict of str to int
        By month, the starts that failed.
    needed : Counter
        Of these, how many each kind of fault has ended.
    by_month : Counter
        Faults of each month.
    lost : list of str
        Rows that had been confirmed and are missing.
    differing : list of str
        Files that are not those of the undisturbed months.
    """

    faults: Counter = field(default_factory=Counter)
    how: list = field(default_factory=list)
    more_starts: dict = field(default_factory=dict)
    needed: Counter = field(default_factory=Counter)
    lost: list = field(default_factory=list)
    differing: list = field(default_factory=list)
    by_month: Counter = field(default_factory=Counter)
    given_up: str | None = None

    @property
    def passed(self):
        """Whether all that is required holds."""
        return not (self.slow or self.lost or self.differing or self.given_up)

    @property
    def slow(self):
        """Months that needed more starts than faults befell them, of which two is the most by default."""
        return [run for run, count in self.more_starts.items() if count > self.by_month[run]]


class History:
    """One copy of the review, played month by month.

    Parameters
    ----------
    review : Path
        The review that is copied.
    target : Path
        Where.
    options : argparse.Namespace
        port, cores, targets, faults.
    """

    def __init__(self, review, target, *, options, rng=None, durations=None):
        self.review, self.target = Path(review), Path(target)
        self.options, self.rng = options, rng
        self.durations = durations if durations is not None else {}
        self.tally = Tally()
        self.confirmed = Counter()
        self.log = self.target.with_suffix(".log")
        config = protocol.load(self.review / "config.yaml")
        self.after = config["rehearsal"]["after"]
        self.answers = rehearsal.answers(self.review / "data")
        rehearsal.copy_review(self.review, self.target, after=self.after)
        self._take_the_network()

    def play(self, months):
        """All months; the tally."""
        for run in rehearsal.months_after(self.after, months):
            self.run, self.step = run, 0
            self.tally.more_starts[run] = 0
            self.planted = self._plan()
            day = datetime.date.fromisoformat(f"{run}-01")
            corpus = sandbox.read_corpus(self.target / "data/sandbox/records.csv")
            with sandbox.Sandbox(corpus, day, port=self.options.port) as self.server:
                self._month()
            if self.tally.given_up:
                break
            if self.rng is None:
                _keep_month(self.target, self.run)
            if time.monotonic() > self.options.deadline:
                break
        return self.tally

    def _take_the_network(self):
        """PubMed by its address, so that every search goes through the network."""
        url = f"http://127.0.0.1:{self.options.port}/entrez/eutils/"
        path = self.target / "config.yaml"
        text = path.read_text(encoding="utf-8").replace("\n  base_url: sandbox", f"\n  base_url: {url}", 1)
        tables.write_text(text, path)
        for run in snapshot.runs(self.target / "data/searches"):
            provenance = self.target / "data/searches" / run / snapshot.FOLDER / snapshot.PROVENANCE
            tables.write_json(tables.read_json(provenance) | {"base_url": url}, provenance)

    def _plan(self):
        """Which of the month's commands meet a fault: one or two of them, one in each start."""
        if self.rng is None:
            return []
        commands = [step for run, step in self.durations if run == self.run]
        count = self.rng.randint(1, self.options.most)
        # A second fault may meet the same command, when it is started again.
        return sorted(self.rng.choice(commands) for _ in range(count))

    def _month(self):
        results = self.target / "results" / self.run
        self._start()
        while not self.tally.given_up and rehearsal.fill_queue(results / "queue.csv", self.answers):
            if self.step > ENDLESS:
                self.tally.given_up = f"{self.run}: what was filed is asked again and again"
                return
            self._people("file", FILE)
            self._start()
        sheets = self.target / "data/trials/sheets"
        if not self.tally.given_up and rehearsal.fill_sheets(sheets, self.answers, run=self.run):
            self._people("merge", MERGE)
            self._start()

    def _start(self):
        self._until_done("month", self.command())

    def command(self):
        """What is started to build the month, as a list."""
        common = ["--directory", self.target, "--cores", self.options.cores]
        if not self.options.targets:
            return [sys.executable, "-c", MONTH, self.run, "--run", self.run, *common]
        wanted = [f"results/{self.run}/{name}" for name in self.options.targets]
        snakemake = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", *common]
        return [*snakemake, "--config", f"run={self.run}", "--", *wanted]

    def _people(self, what, code):
        self._until_done(what, [sys.executable, "-c", code, "--directory", self.target, "--run", self.run])
        self._confirm()

    def _until_done(self, what, command):
        """Start a command again until it has succeeded, with the faults that are planned for it."""
        self.step += 1
        key = (self.run, self.step)
        for start in range(ENDLESS):
            fault = self._next_fault(key)
            before = time.monotonic()
            status = self._once(list(map(str, command)), fault)
            self._note(what, start, fault, status)
            self._look_for_losses()
            if status in (DONE if what == "month" else (0,)):
                self.durations.setdefault(key, time.monotonic() - before)
                return
            if self.rng is None:
                self.tally.given_up = f"{self.run}: {what} ended with {status} without any fault"
                return
            self.tally.more_starts[self.run] += 1
            if fault:
                self.tally.needed[fault.name] += 1
        self.tally.given_up = f"{self.run}: {what} did not succeed in {ENDLESS} starts"

    def _next_fault(self, key):
        if self.step not in self.planted:
            return None
        self.planted.remove(self.step)
        kinds = [kind for kind in trouble.EVERY if kind.name in self.options.faults]
        searched = self.target / "data/searches" / self.run / snapshot.FOLDER / snapshot.PROVENANCE
        if searched.exists() and len(kinds) > 1:
            kinds = [kind for kind in kinds if kind is not trouble.Network]  # it is not asked any more
        elif trouble.Network in kinds:
            kinds += [trouble.Network] * (len(kinds) // 2)  # which has this one command of a month only
        kind, expected = self.rng.choice(kinds), self.durations[key]
        return kind(self.target, run=self.run, rng=self.rng, expected=expected, server=self.server)

    def _once(self, command, fault):
        """One start, with a fault or without; its exit status, negative for a signal."""
        environ = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
        environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}"
        if fault:
            fault.prepare()
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                cwd=self.target.parent,
                env=environ,
                start_new_session=True,
                # The sandbox's thread runs beside: what is called there takes no lock of Python's.
                preexec_fn=fault.in_child if fault else None,  # noqa: PLW1509
            )
            try:
                return _watched(process, fault)
            except BaseException:
                # What an interrupted benchmark started ends with it.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                raise
            finally:
                if fault:
                    fault.mend()

    def _note(self, what, start, fault, status):
        with self.log.open("a") as log:
            said = f"{fault.name} ({fault.how}) at {fault.at:.1f} s" if fault else "no fault"
            print(f"== {self.run} {what}, start {start + 1}: {said}: exit {status}", file=log)
        if fault and not fault.happened:
            self.tally.faults[TOO_LATE] += 1
        elif fault:
            self.tally.faults[fault.name] += 1
            self.tally.by_month[self.run] += 1
            self.tally.how.append(f"{self.run} {what} {self.step}: {said}: exit {status}")

    def _confirm(self):
        """From now on these rows must never be missing."""
        self.confirmed |= self._rows()

    def _look_for_losses(self):
        missing = self.confirmed - self._rows()
        if missing:
            self.tally.lost += [f"{self.run} {self.step}: {' '.join(row)}" for row in missing]
            self.confirmed = self.confirmed & self._rows()

    def _rows(self):
        """Every row of the tables that people own, as a multiset."""
        return Counter(
            (path, *cells) for path in PEOPLE_S for _, cells in tables.cells(self.target / "data" / path)[1]
        )


def _watched(process, fault):
    """Wait for a process, with the fault striking at its time."""
    begin, struck = time.monotonic(), fault is None
    while True:
        try:
            return process.wait(timeout=0.05)
        except subprocess.TimeoutExpired:
            pass
        gone = time.monotonic() - begin
        if not struck and gone >= fault.at:
            struck = fault.happened = True
            fault.strike(process)
        elif struck and fault:
            fault.until(process)
        if gone > LONGEST:
            trouble.KillAll.strike(fault, process)


def differences(one, other):
    """Files under data/ and results/ that are not the same in two reviews, or stand in one only."""
    held = [_files(folder) for folder in (one, other)]
    return sorted(name for name in {*held[0], *held[1]} if held[0].get(name) != held[1].get(name))


def _files(folder):
    found = {}
    for part in ("data", "results"):
        for path in sorted((folder / part).rglob("*")):
            if path.is_file() and not re.fullmatch(r"\..*\.lock|\.snakemake_timestamp", path.name):
                found[str(path.relative_to(folder))] = path.read_bytes()
    return found


def main(arguments=None):
    """Play the histories that were asked for; the exit status."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with contextlib.ExitStack() as stack:
        folder, disk = stack.enter_context(_disk(options.folder))
        options.port = options.port or _free_port()
        print(f"Disk: {disk}; faults: {', '.join(options.faults)}", flush=True)
        durations = {}
        began = time.monotonic()
        options.deadline = began + 60 * options.minutes
        peace, runs = _peace(options.peace or folder, options, durations)
        print(
            f"In peace: {len(runs)} months, {len(durations)} commands, {sum(durations.values()):.0f} s\n",
            flush=True,
        )
        tallies = []
        print(_row(["history", "faults", "more starts", "most a month", "lost", "differing", "seconds"]))
        for number in range(options.first, options.first + options.histories):
            if time.monotonic() > options.deadline:
                break
            began = time.monotonic()
            rng = random.Random(f"{options.seed} {number}")
            target = folder / f"history-{number}"
            history = History(options.directory, target, options=options, rng=rng, durations=durations)
            tally = history.play(len(runs))
            tally.differing = differences(_kept_month(peace, history.run), target)
            tallies.append(tally)
            _tell(number, tally, seconds=time.monotonic() - began, log=history.log, keep=options.keep)
            shutil.rmtree(target)
    return _sum_up(tallies, options, disk)


def _peace(folder, options, durations):
    """The undisturbed months, played or taken from where they were kept; their folder and the months."""
    review, told = folder / "peace", folder / "peace.json"
    if told.is_file():
        before = tables.read_json(told)
        # The address is part of what every search writes down.
        options.port = before["port"]
        runs = before["runs"][: options.months]
        durations |= {(run, step): seconds for run, step, seconds in before["durations"] if run in runs}
        return review, runs
    folder.mkdir(parents=True, exist_ok=True)
    peace = History(options.directory, review, options=options, durations=durations)
    undisturbed = peace.play(options.months)
    if undisturbed.given_up:
        print(peace.log.read_text(errors="replace")[-3000:], file=sys.stderr)
        raise SystemExit(f"without faults: {undisturbed.given_up}")
    runs = list(undisturbed.more_starts)
    taken = [[run, step, seconds] for (run, step), seconds in durations.items()]
    tables.write_json({"port": options.port, "runs": runs, "durations": taken}, told)
    return review, runs


def _keep_month(review, run):
    """Keep what the files of a review are at the end of a month."""
    shutil.rmtree(_kept_month(review, run), ignore_errors=True)  # of an earlier start that was given up
    for part in ("data", "results"):
        shutil.copytree(review / part, _kept_month(review, run) / part)


def _kept_month(review, run):
    return review.with_name(f"{review.name}-{run}")


def _tell(number, tally, *, seconds, log, keep):
    most = max(tally.more_starts.values(), default=0)
    shown = [number, tally.faults.total() - tally.faults[TOO_LATE], sum(tally.more_starts.values()), most]
    print(_row([*shown, len(tally.lost), len(tally.differing), f"{seconds:.0f}"]), flush=True)
    if keep or not tally.passed:
        print("\n".join(f"    {line}" for line in tally.how))
        for line in [tally.given_up, *tally.lost[:5], *tally.differing[:12]]:
            if line:
                print(f"    !! {line}")
        if keep:
            Path(keep).mkdir(parents=True, exist_ok=True)
            shutil.copy2(log, Path(keep) / log.name)
        sys.stdout.flush()


def _sum_up(tallies, options, disk):
    planted, needed = Counter(), Counter()
    for tally in tallies:
        planted += tally.faults
        needed += tally.needed
    print(f"\n{'fault':<12}{'happened':>9}{'ended a start':>15}")
    for name in options.faults:
        print(f"{name:<12}{planted[name]:>9}{needed[name]:>15}")
    months = [count for tally in tallies for count in tally.more_starts.values()]
    result = {
        "histories": len(tallies),
        "seed": options.seed,
        "months": len(months),
        "targets": options.targets or "all",
        "disk": disk,
        "faults": {name: planted[name] for name in options.faults},
        "months_by_more_starts": {str(k): n for k, n in sorted(Counter(months).items())},
        "months_with_too_many_starts": sum(len(tally.slow) for tally in tallies),
        "rows_lost": sum(len(tally.lost) for tally in tallies),
        "histories_differing": sum(bool(tally.differing) for tally in tallies),
        "given_up": sum(bool(tally.given_up) for tally in tallies),
        "passed": sum(tally.passed for tally in tallies),
    }
    print(json.dumps(result))
    return 0 if result["passed"] == len(tallies) else 1


@contextlib.contextmanager
def _disk(folder):
    """A folder to work in, on a small disk of its own where mounting is allowed; and which it is."""
    made = Path(tempfile.mkdtemp(prefix="two-years-", dir=folder))
    mount = ["mount", "-t", "tmpfs", "-o", "size=3g", "tmpfs", str(made)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield made, "a tmpfs that is filled up" if mounted else "RLIMIT_FSIZE"
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(made)], check=False)
        shutil.rmtree(made, ignore_errors=True)


def _free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _row(cells):
    return "".join(f"{cell!s:<14}" for cell in cells)


def _options(arguments):
    names = [kind.name for kind in trouble.EVERY]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--histories", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=1, help="number of the first history")
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--most", type=int, default=MORE_STARTS, help="faults a month, at most")
    parser.add_argument("--faults", nargs="+", default=names, choices=names)
    parser.add_argument("--targets", nargs="+", default=[], help="only these results, by Snakemake itself")
    parser.add_argument("--directory", type=Path, default=ROOT, help="the review that is copied")
    parser.add_argument(
        "--folder", type=Path, help="where to work; the system's temporary folder if left out"
    )
    parser.add_argument("--port", type=int, default=0, help="of PubMed's stand-in; a free one if left out")
    parser.add_argument("--cores", default="2")
    parser.add_argument(
        "--peace", type=Path, help="where the months in peace are kept, or have been by an earlier start"
    )
    parser.add_argument(
        "--minutes", type=float, default=math.inf, help="after which no further month is begun"
    )
    parser.add_argument("--keep", type=Path, help="where to keep what was said in each history")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ReviewError as error:
        sys.exit(str(error))
