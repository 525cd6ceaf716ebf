"""Whole runs of the workflow, as a person or a scheduler starts them."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from security.planted import PLANTED

ROOT = Path(__file__).resolve().parents[2]
CODE = "Snakefile rules scripts schemas templates profiles environment.yml data/README.md data/trials/tools".split()


class Review:
    """A review's folder, and the command that builds it."""

    def __init__(self, folder, code=ROOT):
        self.folder = folder
        self.code = code

    def snakemake(self, *options, environ=None):
        """Run the workflow; returns the finished process with its output as text."""
        env = os.environ | (environ or {})
        return subprocess.run(self._build(*options), env=env, capture_output=True, text=True, check=False)

    def _build(self, *options):
        command = [sys.executable, "-m", "snakemake", "--snakefile", self.code / "Snakefile"]
        return list(map(str, [*command, "--directory", self.folder, "--cores", "2", *options]))

    def start(self):
        """Start the workflow in a process group of its own, to be killed."""
        quiet = subprocess.DEVNULL
        return subprocess.Popen(self._build(), stdout=quiet, stderr=quiet, start_new_session=True)

    def command(self, script, *options):
        """Run one of the commands for people."""
        command = [sys.executable, self.code / "scripts" / script, "--directory", self.folder, *options]
        return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)

    def copy(self, target):
        """The same review elsewhere, with its results, time stamps and Snakemake's memory."""
        shutil.copytree(self.folder, target)
        return Review(target, self.code)

    def files(self, *parts):
        """Content of every file below a folder, by its path; without the locks that lie beside tables."""
        top = self.folder.joinpath(*parts)
        found = [path for path in sorted(top.rglob("*")) if path.is_file() and not path.match(".*.lock")]
        return {str(path.relative_to(top)): path.read_bytes() for path in found}

    def path(self, *parts):
        return self.folder.joinpath(*parts)

    def replace(self, name, old, new):
        """Change a text in a file, once."""
        path = self.path(name)
        text = path.read_text(encoding="utf-8")
        assert text.count(old) >= 1, f"{old!r} is not in {name}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")


def shipped(folder, code=ROOT):
    """The bundled review as a clone has it: shipped snapshots only, nothing built."""
    folder.mkdir(parents=True)
    shutil.copy2(ROOT / "config.yaml", folder)
    # Hidden files are locks, and what a search that was interrupted left.
    shutil.copytree(ROOT / "data", folder / "data", ignore=shutil.ignore_patterns("sheets", ".*"))
    # Its imports are shipped; the search of the current month is whoever's that builds it.
    shutil.rmtree(folder / "data/searches/2026-11/pubmed", ignore_errors=True)
    return Review(folder, code)


@pytest.fixture
def clone(tmp_path):
    """The bundled review, not built."""
    return shipped(tmp_path / "review")


@pytest.fixture(scope="session")
def built_once(tmp_path_factory):
    """The bundled review with its current month built, secrets in its environment; not to be changed.

    Workers of one session share it: the first that needs it builds it, and the others wait.
    """
    top = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        top = top.parent
    folder, said = top / "built-once", [top / f"built-once.{name}" for name in ("stdout", "stderr")]
    with (top / "built-once.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # What was said is written last: a build that failed is tried again by the next worker, from nothing.
        if not all(path.exists() for path in said):
            shutil.rmtree(folder, ignore_errors=True)
            done = shipped(folder).snakemake(environ=PLANTED)
            assert done.returncode == 0, done.stderr
            for path, text in zip(said, (done.stdout, done.stderr), strict=True):
                path.write_text(text, encoding="utf-8")
    review = Review(folder)
    review.said = tuple(path.read_text(encoding="utf-8") for path in said)
    return review


@pytest.fixture
def built(built_once, tmp_path):
    """A copy of the built review, to change at will."""
    return built_once.copy(tmp_path / "built")
