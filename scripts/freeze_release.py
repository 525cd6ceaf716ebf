"""Build a run under its version and freeze it as a release, which is written once and never replaced."""

import argparse
import datetime
import importlib.metadata
import platform
import subprocess
import sys
from pathlib import Path

from livingreview import __version__, fingerprint, lock, replay, tables
from livingreview import config as protocol
from livingreview.errors import InputError, ReviewError
from livingreview.living import methods_changes, releases, versions
from livingreview.report import archive
from livingreview.screening import filing
from livingreview.search.linkage import pairs
from livingreview.trials import merging

ROOT = Path(__file__).resolve().parents[1]
# What a difference between two builds of one release may come from.
SOFTWARE = ("jinja2", "lxml", "numpy", "pandas", "scikit-learn", "scipy", "snakemake")


def main(argv=None, today=None, build=replay.build):
    """Command line; returns the exit status. `build` runs the workflow (as ``replay.build``)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", help="YY.minor.patch, newer than every other release")
    parser.add_argument("--directory", type=Path, default=Path(), help="the review's folder")
    parser.add_argument("--run", help="the run to freeze; config.yaml's if left out")
    parser.add_argument("--note", required=True, help="what this release is, in a sentence for readers")
    parser.add_argument("--doi", help="a DOI reserved for this version, such as 10.5281/zenodo.1")
    parser.add_argument("--cores", default="2")
    args = parser.parse_args(argv)
    try:
        config = protocol.load(args.directory / "config.yaml", run=args.run)
        release = _release(args, config, today or datetime.date.today(), build=build)
    except (ReviewError, OSError) as error:
        print(f"{error}\nNothing was released.", file=sys.stderr)
        return 1
    print(f"Release {args.version} of run {release['run']}: {release['path']}")
    try:
        _package(args.directory, config, release)
        # The run again under its own name, and the page and the feed that now name the release.
        build(args.directory, run=release["run"], cores=args.cores)
    except (ReviewError, OSError) as error:
        print(f"{error}\nThe release stands; make report renews the page of all versions.", file=sys.stderr)
        return 1
    return 0


def _release(args, config, today, *, build):
    """Check, build and freeze; returns the release."""
    review, run, day = args.directory, config["run"], today.isoformat()
    if not args.note.strip():
        raise InputError("the note", problem="it is empty", hint='make release VERSION=26.1.0 NOTE="..."')
    every = releases.read_all(review)
    # Before the long part, so that a slip of the pen costs no time.
    versions.check(args.version, run=run, frozen_on=day, releases=every)
    _refuse_unfiled(review, config)
    program = code()
    build(review, run=run, version=args.version, cores=args.cores)
    if code()["fingerprint"] != program["fingerprint"]:
        raise ReviewError("the program was edited while it built the run; hint: run the same command again")
    with lock.held(review / ".snakemake/living-review.lock"):
        _refuse_unfiled(review, config)
        _refuse_unmerged(review / "data/trials/sheets")
        _refuse_unexplained(review / "results" / run / "methods_changes.json")
        folder = releases.freeze(
            review,
            config,
            version=args.version,
            run=run,
            frozen_on=day,
            note=args.note,
            doi=args.doi,
            made_by={"software": _software(), "code": program},
            page=lambda known: archive.build([releases.contents(one) for one in known], config, root=".."),
        )
    return releases.find(review, folder.name)


def _package(review, config, release):
    """Write what can be deposited, and say where it is and what is not in it."""
    target = review / "results/releases" / f"{release['version']}.zip"
    left_out = releases.package(review, config, release, target)
    print(f"To deposit: {target}")
    if left_out:
        print(f"{len(left_out)} files of records are not in it: the protocol keeps them on this machine.")


def _refuse_unfiled(review, config):
    """What people have typed and not filed would be missing from the release."""
    run = config["run"]
    filing.refuse_unfiled_in(review, run, own=filing.own_queues(config["screening"]))
    pairs.refuse_unfiled(review / "results" / run / "pairs.csv", review / "data/decisions/pairs.csv")


def _refuse_unmerged(sheets_dir):
    """The build merges sheets that are ready, but for an older month; then they would enter another run."""
    ready = merging.marked_ready(sheets_dir)
    if ready:
        raise InputError(
            sheets_dir,
            problem="extraction sheets are marked as ready and not merged yet",
            found=", ".join(folder.name for folder in ready),
            hint="make report merges them, in the newest month",
        )


def _refuse_unexplained(path):
    """A change of methods since the last release needs the maintainers' reason before it is published."""
    if path.is_file():
        missing = methods_changes.missing_reasons(tables.read_json(path))
        if missing:
            raise InputError(path, problems=missing)


def _software():
    versions_of = {name: importlib.metadata.version(name) for name in SOFTWARE}
    return {"living-review": __version__, "Python": platform.python_version(), **versions_of}


def code(root=ROOT):
    """Which code this is: its fingerprint, its commit, and whether files differ from that commit."""
    commit = _git(root, "rev-parse", "HEAD")
    changed = _git(root, "status", "--porcelain", "--", *fingerprint.OF_THE_CODE) if commit else None
    return {
        "fingerprint": fingerprint.of_all_code(root),
        "commit": commit,
        "edited": bool(changed) if commit else None,
    }


def _git(root, *command):
    """What git says; None where there is no git, or no repository."""
    try:
        done = subprocess.run(["git", "-C", str(root), *command], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(main())
