"""What a scheduled month needs, looked at before it is needed: programs, folder, protocol, data, connections.

Nothing is changed and nothing is sent. Each finding says what was found and, if it is to be mended, how.
"""

import contextlib
import datetime
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from livingreview import config as protocol_file
from livingreview import kept_rows, lock, tables
from livingreview.errors import ReviewError
from livingreview.living import modes, releases
from livingreview.operation.job import month
from livingreview.operation.job.outcome import RUNNING
from livingreview.operation.telling import mail, settings, webhook
from livingreview.screening import filing
from livingreview.search import guards, snapshot
from livingreview.search import query as query_check
from livingreview.search.linkage import pairs
from livingreview.search.pubmed.entrez import KEY_VARIABLE
from livingreview.secrets import SECRET_VARIABLES, scrub
from livingreview.secrets import check as check_secrets

OK, NOTE, WARNING, FAULT = "ok", "note", "warning", "FAULT"
OLDEST_PYTHON = (3, 11)
# A run of the bundled review writes some 5 MB, one with 20,000 records some 100 MB.
LITTLE_SPACE, NO_SPACE = 1_000_000_000, 200_000_000  # bytes
# Servers and this computer are expected to agree on the day, since a search is filed under a month.
LARGEST_SKEW = datetime.timedelta(hours=12)
# On these, a lock taken on one computer may not be seen on another.
NETWORK_FILESYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "lustre", "beegfs"}
PLACEHOLDER = "@example.org"
NCBI_KEY = re.compile(r"[0-9a-f]{36}")
# Tables that a review may do without, with their schemas; the others are read by the rule check_data.
OPTIONAL_TABLES = {
    "data/decisions/full_texts.csv": "full_texts",
    "data/trials/instruments.csv": "instruments",
    "data/trials/risk_of_bias.csv": "risk_of_bias",
    "data/trials/clearances.csv": "clearances",
    "data/certainty/ratings.csv": "ratings",
    "data/methods/changes.csv": "methods_changes",
}
UNFINISHED = ("data/searches/*/.pubmed.partial", "data/searches/*/.refetched.partial", "data/releases/.draft")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    about : str
    state : str
        ok; note: to be known; warning: a month runs, but something is to be mended; FAULT: it would fail.
    text : str
    hint : str or None
        What to do.
    """

    about: str
    state: str
    text: str
    hint: str | None = None


def looked_at(about, check):
    """What a check finds; an error that it raises is a finding too.

    Parameters
    ----------
    about : str
    check : callable
        Without arguments; returns `Finding` objects.
    """
    try:
        return list(check())
    except ReviewError as error:
        return [Finding(about, FAULT, scrub(str(error)))]
    except OSError as error:
        return [Finding(about, FAULT, scrub(str(error)), "may you read and write there?")]
    except Exception as error:
        text = f"this check failed, which is a fault of the program: {type(error).__name__}: {error}"
        return [Finding(about, FAULT, scrub(text), "please report it")]


def of_programs(root):
    """Python, and the packages that the project pins.

    Parameters
    ----------
    root : path
        Of the program, where its pyproject.toml lies.
    """
    found = platform.python_version()
    if sys.version_info < OLDEST_PYTHON:
        yield Finding("Python", FAULT, found, "use 3.11 or later: make PYTHON=python3.12 setup")
    else:
        yield Finding("Python", OK, found)
    project = tomllib.loads(Path(root, "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = project["dependencies"]
    wrong = []
    for line in pinned:
        name, _, wanted = line.partition("==")
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            version = "missing"
        if version != wanted:
            wrong.append(f"{name} {version}, pinned {wanted}")
    if wrong:
        hint = "remove .venv and run make setup, or make the conda environment again"
        state = FAULT if any(" missing," in one for one in wrong) else WARNING
        yield Finding("packages", state, "; ".join(wrong), hint)
    else:
        yield Finding("packages", OK, f"{len(pinned)} as pinned")


def of_folder(review, *, disk=shutil.disk_usage, mounts=Path("/proc/mounts")):
    """Whether a run can write, lock and find room in the review's folder."""
    review = Path(review).resolve()
    with tempfile.NamedTemporaryFile(dir=review, prefix=".doctor-") as file:
        file.write(b"whole")
        file.flush()
        os.fsync(file.fileno())
    yield Finding("folder", OK, f"{review} can be written to")
    for place in dict.fromkeys((review, Path(tempfile.gettempdir()))):
        free = disk(place).free
        state = FAULT if free < NO_SPACE else WARNING if free < LITTLE_SPACE else OK
        hint = None if state == OK else "make room: a run that finds none stops, and loses nothing"
        yield Finding("space", state, f"{free / 1e9:.1f} GB free for {place}", hint)
    kind = _filesystem(review, mounts)
    if kind in NETWORK_FILESYSTEMS:
        hint = "let one computer run this review; a second one may not see that the first is at work"
        yield Finding("locking", WARNING, f"{review} lies on a network file system ({kind})", hint)
    yield from _lock(review)
    for path in (path for pattern in UNFINISHED for path in sorted(review.glob(pattern))):
        yield Finding("left behind", NOTE, f"{path}: of a run that was stopped; the next one removes it")


def _filesystem(folder, mounts):
    """The type of the file system of a folder; None where the computer does not say."""
    try:
        lines = [line.split() for line in Path(mounts).read_text(encoding="utf-8").splitlines()]
    except OSError:
        return None
    holding = [(len(point), kind) for _, point, kind, *_ in lines if folder.is_relative_to(point)]
    return max(holding, default=(0, None))[1]


def _lock(review):
    path = review / lock.OF_A_REVIEW
    if not path.exists():
        yield Finding("lock", OK, "no run has begun here yet")
        return
    try:
        with lock.held(path, what="make doctor"):
            pass
    except lock.Locked as error:
        yield Finding("lock", NOTE, str(error))
    else:
        yield Finding("lock", OK, "free")
        yield from _unended(review)


def _unended(review):
    """Of a power cut or a kill nothing tells, unless somebody asks: the schedule starts again in a month."""
    for path in sorted((review / "logs").glob(f"*/{month.NAME}"))[-1:]:
        run = path.parent.name
        told = month.read(review, run)
        if told.get("outcome") == RUNNING:
            text = f"the month {run} began at {told.get('started_at')} and never came to its end"
            yield Finding("last month", WARNING, text, f"make month RUN={run} goes on where it stopped")


def of_version_control(review, *, run=subprocess.run):
    """Whether what people decided is kept: all of ``data/`` is to be committed."""
    command = ["git", "-C", str(review), "status", "--porcelain", "--untracked-files=all", "--", "data"]
    try:
        told = run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        yield Finding("version control", NOTE, "git is not installed")
        return
    if told.returncode:
        hint = "git init, and commit config.yaml and data/ after every month"
        yield Finding("version control", WARNING, "this folder is under none", hint)
        return
    lines = told.stdout.splitlines()
    if lines:
        count = "1 file of data/ is" if len(lines) == 1 else f"{len(lines)} files of data/ are"
        text = f"{count} not committed, such as {lines[0][3:]}"
        yield Finding("version control", WARNING, text, f"in {review}: git add data && git commit")
    else:
        yield Finding("version control", OK, "all of data/ is committed")


def of_protocol(config, *, environ, today):
    """The protocol as a scheduled run would meet it; config is one that `config.load` passed."""
    search, mode = config["search"], config["living"]["mode"]
    query_check.check(search["query"])
    yield Finding("query", OK, "PubMed can be asked this")
    live = search["base_url"].startswith("http")
    if search["base_url"] == "sandbox":
        hint = "for a review of your own: search.base_url in config.yaml"
        yield Finding("source", NOTE, "the bundled sandbox answers, not PubMed", hint)
    if live and search["email"].endswith(PLACEHOLDER):
        hint = "search.email in config.yaml: NCBI writes there before it blocks"
        yield Finding("address", FAULT, f"{search['email']} is a placeholder", hint)
    yield from _key(environ.get(KEY_VARIABLE, ""), live=live)
    if config["review"].get("demonstration"):
        yield Finding("demonstration", NOTE, "every page says that this review is a demonstration")
    if mode != modes.ACTIVE:
        yield Finding("living mode", NOTE, f"{mode}: the schedule searches nothing")
    if live and config["run"] != today:
        text = f"config.yaml names run {config['run']}, and it is {today}"
        yield Finding("run", NOTE, text, f"a schedule names the month: make month RUN={today}")


def _key(key, *, live):
    if not key.strip():
        if live:
            hint = f"{KEY_VARIABLE} in the environment allows ten"
            yield Finding("API key", NOTE, "none: three requests a second", hint)
        return
    if NCBI_KEY.fullmatch(key.strip()):
        yield Finding("API key", OK, "set")
    else:
        hint = f"copy it again from NCBI's settings page into {KEY_VARIABLE}"
        text = f"has {len(key.strip())} characters; NCBI's have 36 digits and letters from a to f"
        yield Finding("API key", WARNING, text, hint)


def of_secrets(review, *, environ):
    """Secrets stand in the environment alone."""
    check_secrets(environ)
    held = [name for name in SECRET_VARIABLES if environ.get(name, "").strip()]
    yield Finding("secrets", OK, f"set: {', '.join(held)}" if held else "none set")
    for path in [Path(review, "config.yaml"), *sorted(Path(review, "data").rglob("*.csv"))]:
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        named = [name for name in held if environ[name].strip() in text]
        if named:
            hint = "remove it there, and renew it: it may have been copied with the file"
            yield Finding("secrets", FAULT, f"{path} holds {', '.join(named)}", hint)


def of_data(review, config, *, check_tables):
    """The tables that people edit, what they have not filed yet, snapshots and releases.

    Parameters
    ----------
    review : path
    config : dict
    check_tables : callable
        The rule check_data; returns how many rows it read, and raises as it does.
    """
    data, run = Path(review, "data"), config["run"]
    rows = check_tables()
    for name, schema in OPTIONAL_TABLES.items():
        if Path(review, name).is_file():
            rows += len(tables.read(Path(review, name), schema))
    yield Finding("tables", OK, f"{rows} rows can be used")
    yield from looked_at("rows filed", lambda: _kept(review))
    taken = snapshot.runs(data / "searches")
    for one in taken:
        snapshot.read(data / "searches" / one / snapshot.FOLDER)
    last = f", the last of {taken[-1]}" if taken else ""
    yield Finding("searches", OK, f"{len(taken)} kept whole{last}")
    yield from looked_at("releases", lambda: _releases(review))
    yield from looked_at("queue", lambda: _queues(review, config, run))


def _releases(review):
    known = releases.read_all(review)
    damaged = [f"{one['version']}: {', '.join(names)}" for one in known if (names := releases.damaged(one))]
    if damaged:
        yield Finding("releases", FAULT, "; ".join(damaged), "restore these files from version control")
    else:
        yield Finding("releases", OK, f"{len(known)} kept whole")


def _queues(review, config, run):
    own = filing.own_queues(config["screening"])
    with contextlib.chdir(review):
        filing.refuse_unfiled_in(".", run, own=own)
        pairs.refuse_unfiled(f"results/{run}/pairs.csv", "data/decisions/pairs.csv")
    yield Finding("queue", OK, "nothing that people filled in waits to be filed")


def _kept(review):
    kept_rows.refuse_missing(review)
    yield Finding("rows filed", OK, "none is gone that an earlier run or the desk has seen")


def of_search(config, *, run, connected, before, now):
    """Ask what the next search would ask, and keep nothing: the answer, its alarms, and the server's clock.

    Parameters
    ----------
    config : dict
    run : str
        The month for which to ask.
    connected : callable
        Of a run and the protocol's ``search``; a context manager that gives a client.
    before : dict or None
        Provenance of the last search.
    now : datetime.datetime
        This computer's clock, in UTC.
    """
    search = config["search"]
    with connected(run, search) as client:
        found = client.search(search["query"])
    yield Finding("search", OK, f"{search['base_url']} answers: {found.count} records for this query")
    described = snapshot.Search.of(search)
    for check in (
        lambda: guards.check_source(described, before=before),
        lambda: guards.check_dropped(found.dropped, described.acknowledged),
        lambda: guards.check_yield(found.count, described, before=before, run=run),
    ):
        yield from looked_at("search", lambda check=check: check() or [])
    if search["base_url"].startswith("http"):
        skew = abs(datetime.datetime.fromisoformat(found.searched_at) - now)
        if skew > LARGEST_SKEW:
            hint = "set this computer's clock; months are told by it"
            yield Finding("clock", WARNING, f"{skew.total_seconds() / 3600:.0f} hours off the server's", hint)
        else:
            yield Finding("clock", OK, "agrees with the server's")


def of_messages(review, *, environ, ask):
    """Whether the digest of a month would reach people: secrets are set, and the mail server lets us in.

    A receiver of a webhook can only be tried by a message, so that it is not.
    """
    asked = settings.notify(review)
    if not asked:
        hint = "notify in config.yaml, or look for the digest yourself: logs/<run>/digest.md"
        yield Finding("messages", NOTE, "nobody is told of a month", hint)
    if "webhook" in asked:
        webhook.receiver(environ)
        yield Finding("messages", OK, "the webhook has an address; only a message would try it")
    if "email" in asked and ask:
        mail.reach(settings=asked["email"], environ=environ)
        yield Finding("messages", OK, f"{asked['email']['host']} takes mail for us")


def examine(review, *, root, environ, now, connected, check_tables):
    """Look at everything; a finding that makes others meaningless ends its branch.

    Parameters
    ----------
    review : path
        The review's folder.
    root : path
        Of the program.
    environ : mapping
    now : datetime.datetime
        In UTC.
    connected : callable or None
        As for `of_search`; None asks nobody.
    check_tables : callable
        Of the config; as for `of_data`.

    Yields
    ------
    Finding
    """
    today = f"{now:%Y-%m}"
    yield from looked_at("packages", lambda: of_programs(root))
    yield from looked_at("folder", lambda: of_folder(review))
    yield from looked_at("version control", lambda: of_version_control(review))
    yield from looked_at("secrets", lambda: of_secrets(review, environ=environ))
    try:
        config = protocol_file.load(Path(review, "config.yaml"))
    except ReviewError as error:
        yield Finding("protocol", FAULT, str(error))
        return
    yield Finding("protocol", OK, config["review"]["title"])
    yield from looked_at("protocol", lambda: of_protocol(config, environ=environ, today=today))
    ask = connected is not None
    yield from looked_at("messages", lambda: of_messages(review, environ=environ, ask=ask))
    data = looked_at("data", lambda: of_data(review, config, check_tables=lambda: check_tables(config)))
    yield from data
    if not ask:
        yield Finding("search", NOTE, "nobody was asked, as wished")
        return
    taken = [] if any(one.about == "data" for one in data) else snapshot.runs(Path(review, "data/searches"))
    before = snapshot.read(Path(review, "data/searches", taken[-1], snapshot.FOLDER)) if taken else None
    live = config["search"]["base_url"].startswith("http")
    run = today if live else max([config["run"], *taken])
    yield from looked_at(
        "search",
        lambda: of_search(config, run=run, connected=connected, before=before and before.provenance, now=now),
    )
