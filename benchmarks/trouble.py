"""What befalls a scheduled month, planted in real processes and real files; used by two_years.py.

A fault is planted for one start of one command and is over when that start has ended: somebody has freed the
disk, mended the rights, or simply started the month again. Which fault, when, and how hard is drawn from the
random generator that each one is given, so that a history can be played again.
"""

import contextlib
import ctypes
import os
import resource
import shutil
import signal
import stat
import time
from pathlib import Path

import psutil

from livingreview import tables
from livingreview.search.sandbox import faults

DROP_CAPABILITY, CAP_DAC_OVERRIDE = 24, 1  # of prctl(2) and capabilities(7)
# Loaded here, because a process between fork and exec must load nothing.
LIBC = ctypes.CDLL(None, use_errno=True)
DAY = 86_400
LATEST = 0.9  # of the time that a start takes in peace; starts differ
PLACES = (".snakemake", ".snakemake/metadata", "data", "data/decisions", "data/searches", "data/trials")
PLACES += ("logs", "results", "results/{run}", ".cache/backtest", ".")
# "hang" takes two minutes and "slow" an hour, and both end as "close" does.
PASSING = sorted(set(faults.FAULTS) - {"hang", "slow"})


class Fault:
    """One fault in one start.

    Parameters
    ----------
    review : Path
        The review's folder.
    run : str
        The month.
    rng : random.Random
    expected : float
        Seconds that the start takes without a fault.
    server : livingreview.search.sandbox.Sandbox or None
        PubMed's stand-in.

    Attributes
    ----------
    at : float
        Seconds after which `strike` is called.
    happened : bool
        Whether it took effect before the start had ended.
    how : str
        In detail.
    """

    name = ""

    def __init__(self, review, *, run, rng, expected, server=None):
        self.review, self.run, self.rng, self.server = Path(review), run, rng, server
        self.at = rng.uniform(0, LATEST * expected)
        self.happened = False
        self.how = ""

    def prepare(self):
        """Before the start."""

    def in_child(self):
        """In the process that is started, before it becomes the command."""

    def strike(self, process):
        """At the moment drawn."""

    def until(self, process):
        """Time goes by; called every few hundredths of a second after the strike."""

    def mend(self):
        """After the start has ended."""


class Kill(Fault):
    """kill -9 of one process at any time: the command, Snakemake, or a job's script."""

    name = "kill"

    def strike(self, process):
        """Kill one of those that live."""
        every = family(process.pid)
        roles = sorted({role for role, _ in every})
        role = self.rng.choice(roles)
        victim = self.rng.choice([one for its_role, one in every if its_role == role])
        self.how = role
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.kill()


class KillAll(Fault):
    """kill -9 of everything at once, as the end of a container or a power cut does."""

    name = "kill all"

    def strike(self, process):
        """Kill the whole family, the oldest first."""
        self.how = "all"
        for _, one in family(process.pid):
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()


class PowerCut(KillAll):
    """All dies, and what no program had flushed to disk is lost: the workflow engine's own notes."""

    name = "power cut"
    SECONDS = 5.0  # after which a Linux kernel has written what nobody flushed, in round numbers

    def strike(self, process):
        """Kill all; then some files of `.snakemake` of the last seconds are empty, as a disk leaves them."""
        super().strike(process)
        now = time.time()
        notes = [path for path in sorted((self.review / ".snakemake").rglob("*")) if path.is_file()]
        young = [path for path in notes if abs(now - path.stat().st_mtime) < self.SECONDS]
        lost = [path for path in young if path.suffix != ".lock" and self.rng.random() < 0.5]
        for path in lost:
            path.write_bytes(b"")
        self.how = f"{len(lost)} notes emptied"


class Cache(Fault):
    """What earlier months computed and keep for later ones (`.cache/`) is cut, changed, replaced or gone."""

    name = "cache"

    def strike(self, _process):
        """Damage one file of it."""
        kept = [path for path in sorted((self.review / ".cache").rglob("*")) if path.is_file()]
        if not kept:
            self.how = "nothing there yet"
            return
        path = self.rng.choice(kept)
        self.how = self.rng.choice(["cut", "changed", "a folder", "gone"])
        data = path.read_bytes()
        if self.how == "cut":
            path.write_bytes(data[: self.rng.randrange(len(data) + 1)])
        elif self.how == "changed":
            path.write_bytes(data.replace(b".1", b".9"))
        else:
            shutil.rmtree(self.review / ".cache")
            if self.how == "a folder":
                path.mkdir(parents=True)


class Terminate(Fault):
    """SIGTERM to the command, as a scheduler's time limit sends it, or SIGINT to all, as Ctrl-C does."""

    name = "terminate"

    def strike(self, process):
        """Ask it to end."""
        self.how = self.rng.choice(["SIGTERM", "SIGINT"])
        with contextlib.suppress(ProcessLookupError):
            if self.how == "SIGTERM":
                process.send_signal(signal.SIGTERM)
            else:
                os.killpg(process.pid, signal.SIGINT)


class DiskFull(Fault):
    """The disk fills up to a few bytes; where the review has no disk of its own, files cannot grow.

    With a mount of the review's own, another file takes what is left. Without, RLIMIT_FSIZE stands for it:
    every write beyond so many bytes of one file fails, at any time of the start.
    """

    name = "disk full"
    FILLER = "filler"

    def __init__(self, review, **options):
        super().__init__(review, **options)
        self.left = self.rng.choice([0, 4096, 65_536, 1_048_576])
        self.mounted = os.path.ismount(self.review.parent)
        self.how = f"{self.left} bytes left" if self.mounted else f"files up to {self.left} bytes"

    def prepare(self):
        """A limit holds from the start."""
        self.happened = not self.mounted

    def in_child(self):
        """Limit the size of files, where there is no mount to fill."""
        if not self.mounted:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.left, self.left))

    def strike(self, _process):
        """Fill the mount."""
        if not self.mounted:
            return
        with (self.review.parent / self.FILLER).open("wb") as file:
            # The month writes meanwhile: what was free a moment ago may not be.
            for spare in (0, 65_536, 1_048_576):
                free = shutil.disk_usage(self.review).free - self.left - spare
                with contextlib.suppress(OSError):
                    os.posix_fallocate(file.fileno(), 0, max(1, free))
                    return

    def mend(self):
        """Free it again."""
        (self.review.parent / self.FILLER).unlink(missing_ok=True)


class ReadOnly(Fault):
    """A folder that cannot be written to, for root as for everybody.

    Its mode loses the right to write; a command that runs as root is started without the capability that
    would let it pass (CAP_DAC_OVERRIDE), which needs no mount and works in a plain container.
    """

    name = "read-only"

    def __init__(self, review, **options):
        super().__init__(review, **options)
        places = [self.review / place.format(run=self.run) for place in PLACES]
        self.place = self.rng.choice([place for place in places if place.is_dir()])
        self.at = self.rng.choice([0.0, self.at])
        self.mode = None
        self.how = str(self.place.relative_to(self.review))

    def in_child(self):
        """Let modes count for root."""
        if os.geteuid() == 0:
            LIBC.prctl(DROP_CAPABILITY, CAP_DAC_OVERRIDE, 0, 0, 0)

    def prepare(self):
        """A folder that is so from the start."""
        if self.at == 0:
            self.strike(None)
            self.happened = True

    def strike(self, _process):
        """Take the right to write away."""
        if self.mode is None and self.place.is_dir():
            self.mode = stat.S_IMODE(self.place.stat().st_mode)
            self.place.chmod(self.mode & ~0o222)

    def mend(self):
        """Give it back."""
        if self.mode is not None and self.place.is_dir():
            self.place.chmod(self.mode)


class Clock(Fault):
    """The clock jumps, by minutes up to a year, to and fro.

    What programs see of it is that files are younger or older than they should be: a clock set back by a day
    is the same as every file written until then being a day in the future. So all time stamps move.
    """

    name = "clock"

    def strike(self, _process):
        """Move the time stamps of all that is there."""
        self._jump(self.rng.choice([-1, 1]) * self.rng.choice([120, 3600, DAY, 400 * DAY]))

    def _jump(self, seconds):
        self.how = f"{'forward' if seconds < 0 else 'back'} by {abs(seconds)} s"
        for path in sorted(self.review.rglob("*"), reverse=True):
            with contextlib.suppress(OSError):
                at = path.stat()
                os.utime(path, ns=(at.st_atime_ns, at.st_mtime_ns + seconds * 10**9))


class Network(Fault):
    """PubMed answers with errors, halves and wrong counts: a few times, or until somebody has mended it."""

    name = "network"

    def prepare(self):
        """Script the misbehaviour."""
        dead = self.rng.random() < 0.3
        names = [self.rng.choice(PASSING) for _ in range(self.rng.randint(1, 4))]
        if dead:
            names = [self.rng.choice(["503", "reset", "close", "empty"])] * 40
        self.how = f"dead: {names[0]}" if dead else ", ".join(names)
        self.server.faults.extend(names)
        self.asked = len(self.server.requests)

    def mend(self):
        """The network is well again."""
        self.happened = len(self.server.requests) > self.asked
        self.server.faults.clear()


class Edits(Fault):
    """A maintainer has people's tables open while the month runs, and saves them in every way that there is.

    atomically
        As most programs save: a new file in the place of the old one, its content the same.
    in two halves
        As others do: half of the file, and the rest a moment later.
    with a lock file
        An office program's own file beside the table.
    by two
        Two programs, each of which writes the whole file, one after the other.
    """

    name = "edits"
    TABLES = ("decisions/screening.csv", "trials/studies.csv", "trials/outcomes.csv", "trials/reports.csv")
    HOW = ("atomically", "in two halves", "with a lock file", "by two")

    def __init__(self, review, **options):
        super().__init__(review, **options)
        self.path = self.review / "data" / self.rng.choice(self.TABLES)
        self.how = self.rng.choice(self.HOW)
        self.beside = self.path.with_name(f".~lock.{self.path.name}#")
        self.whole = None
        self.again = self.rng.uniform(0.2, 3)

    def strike(self, _process):
        """Save once."""
        self.struck = time.monotonic()
        data = self.path.read_bytes()
        if self.how == "with a lock file":
            self.beside.write_text(",maintainer,desk,;")
        elif self.how == "in two halves":
            self.path.write_bytes(data[: len(data) * 2 // 3])
            self.whole = data
        else:
            tables.write_bytes(data, self.path)
            self.whole = data if self.how == "by two" else None

    def until(self, _process):
        """Save for the second time, if it is time."""
        if self.whole is not None and time.monotonic() - self.struck > self.again:
            self._finish()

    def mend(self):
        """The maintainer closes the program, at the latest when the month has failed."""
        self._finish()
        self.beside.unlink(missing_ok=True)

    def _finish(self):
        if self.whole is not None:
            self.path.write_bytes(self.whole)
            self.whole = None


EVERY = (Kill, KillAll, PowerCut, Terminate, DiskFull, ReadOnly, Clock, Network, Edits, Cache)


def family(pid):
    """A process and its descendants, each with what it is, the oldest first.

    Returns
    -------
    list of (str, psutil.Process)
        "job" is a rule's script or the shell around it, "snakemake" the engine, "command" what was started.
    """
    try:
        first = psutil.Process(pid)
        every = [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
    found = []
    for one in every:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            line = " ".join(one.cmdline())
            if one.status() == psutil.STATUS_ZOMBIE:
                continue
            if ".snakemake/scripts/" in line:
                role = "job"
            elif "snakemake" in line and one.pid != pid:
                role = "snakemake"
            else:
                role = "command" if one.pid == pid else "job"
            found.append((role, one))
    return found
