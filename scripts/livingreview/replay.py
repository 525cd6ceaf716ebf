"""A release built again from its frozen inputs in a folder of its own, and compared byte for byte."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from livingreview import paths, tables
from livingreview.errors import InputError, ReviewError, problem
from livingreview.living import bundles, releases
from livingreview.search import snapshot

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 160  # characters of a line that differs, as far as they are shown


@dataclass(frozen=True)
class Compared:
    """One frozen file beside what was built again.

    Attributes
    ----------
    name : str
    same : bool
        To the byte.
    difference : str
        Where the first difference is, and both sides; empty if there is none.
    """

    name: str
    same: bool
    difference: str


def build(review, *, run, version=None, cores="2", quiet=False, environment=None):
    """Run the workflow for a run of a review.

    Parameters
    ----------
    review : path
        The review's folder.
    run : str
    version : str, optional
        The version that the report is to bear.
    cores : str
    quiet : bool
        Whether the workflow's own words are shown only if it fails.
    environment : dict, optional
        Variables to set for it.

    Raises
    ------
    ReviewError
        If the workflow fails.
    """
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", review]
    command += ["--cores", cores, "--config", f"run={run}", *([f"version={version}"] if version else [])]
    done = subprocess.run(
        list(map(str, command)),
        capture_output=quiet,
        text=True,
        check=False,
        env=os.environ | (environment or {}),
    )
    if done.returncode:
        raise ReviewError(done.stderr.strip() if quiet else "the workflow failed; the reason stands above")


def lay_out(review, release, target):
    """Lay out a review's folder as it was when a release was frozen.

    Parameters
    ----------
    review : path
        The review, with its searches and releases.
    release : dict
        One of ``releases.read``.
    target : path
        An empty folder.

    Returns
    -------
    list of str
        Remarks: runs whose records were kept on another machine, and were fetched again since.

    Raises
    ------
    InputError
        If the release was frozen without its inputs, or a file that it read is missing or another now.
    """
    review, target, folder = Path(review), Path(target), Path(release["path"])
    if not (folder / releases.INPUTS).is_file():
        raise InputError(
            folder,
            problem=f"release {release['version']} was frozen without its inputs and cannot be built again",
            hint="an older program froze it; its numbers stand, and later runs are compared with them",
        )
    damaged = releases.damaged(release)
    if damaged:
        hint = "a release is never edited; restore it from version control"
        raise InputError(folder, problem=f"not as it was frozen: {', '.join(damaged)}", hint=hint)
    inputs = tables.read_json(folder / releases.INPUTS)
    remarks = _copy_searches(review, inputs["searches"], target)
    _copy_releases(review, inputs["releases"], target)
    try:
        held = bundles.read(folder / releases.TABLES)
    except ValueError as error:
        raise InputError(folder / releases.TABLES, problem=str(error), hint="mind who made it") from None
    for name, data in held.items():
        tables.write_bytes(data, paths.confined(target, name, file=folder / releases.TABLES))
    tables.write_bytes((folder / releases.CONFIG).read_bytes(), target / releases.CONFIG)
    return remarks


def _copy_searches(review, wanted, target):
    problems, elsewhere = [], set()
    for name, recorded in wanted.items():
        path = paths.confined(review, name, file=releases.INPUTS)
        if not path.is_file():
            if _is_fetched_again(path):
                elsewhere.add(path.parents[1].name)
            else:
                problems.append(problem(f"{name} is missing", hint=_where_from(path)))
            continue
        data = path.read_bytes()
        if releases.digest(data) != recorded:
            hint = "a search is never edited; restore it from version control"
            problems.append(problem(f"{name} is not what the release read", hint=hint))
            continue
        tables.write_bytes(data, target / name)
    if problems:
        raise InputError(review / "data/searches", problems=problems)
    for run in sorted(elsewhere):
        again = review / "data/searches" / run / snapshot.REFETCHED
        for path in sorted(again.iterdir()):
            tables.write_bytes(path.read_bytes(), target / path.relative_to(review))
    return [
        f"The records of run {run} are those fetched again since; where PubMed changed one, results differ."
        for run in sorted(elsewhere)
    ]


def _is_fetched_again(path):
    """Whether a file is one of records that stayed on another machine, and its run was fetched again here."""
    about = path.parent / snapshot.PROVENANCE
    if path.parent.name != snapshot.FOLDER or not about.is_file():
        return False
    missing = snapshot.missing_bodies(path.parent, tables.read_json(about))
    return path.name in missing and (path.parents[1] / snapshot.REFETCHED / snapshot.PROVENANCE).is_file()


def _where_from(path):
    about = path.parent / snapshot.PROVENANCE
    if about.is_file() and path.name in snapshot.missing_bodies(path.parent, tables.read_json(about)):
        return "the protocol keeps it on the machine that fetched it; make report fetches the records again"
    return "restore it from version control"


def _copy_releases(review, wanted, target):
    problems = []
    for version, recorded in wanted.items():
        folder = paths.confined(review, "data/releases", version, file=releases.INPUTS)
        if not folder.is_dir() or releases.folder_digest(folder) != recorded:
            found = "is not as it was" if folder.is_dir() else "is missing"
            hint = "restore it from version control"
            problems.append(problem(f"{folder.relative_to(review)} {found}", hint=hint))
            continue
        for path in sorted(folder.iterdir()):
            tables.write_bytes(path.read_bytes(), target / path.relative_to(review))
    if problems:
        raise InputError(review / "data/releases", problems=problems)


def compare(release, results):
    """Each frozen file that follows from the inputs, beside what was built again.

    Parameters
    ----------
    release : dict
        One of ``releases.read``.
    results : path
        results/<run> of the folder in which it was built again.

    Returns
    -------
    list of Compared
        In the order in which a release names its files.
    """
    folder, results = Path(release["path"]), Path(results)
    names = [name for name in releases.KEPT if (folder / name).is_file()]
    return [_compared(name, folder / name, results / name) for name in names]


def _compared(name, frozen, built):
    if not built.is_file():
        return Compared(name, False, "it was not built again")
    before, after = frozen.read_bytes(), built.read_bytes()
    return Compared(name, before == after, "" if before == after else first_difference(before, after))


def first_difference(before, after):
    """Where two texts part, as one line: its number, and both sides from shortly before they part.

    >>> first_difference(b"a\\nb 1\\n", b"a\\nb 2\\n")
    "line 2: frozen 'b 1', now 'b 2'"
    """
    old, new = (data.decode("utf-8", errors="replace").splitlines() for data in (before, after))
    for number, (one, two) in enumerate(zip(old, new, strict=False), 1):
        if one != two:
            parted = next(
                (at for at, pair in enumerate(zip(one, two, strict=False)) if len(set(pair)) > 1), 0
            )
            start = max(parted - LONGEST // 4, 0)
            shown = [text[start : start + LONGEST] for text in (one, two)]
            return f"line {number}: frozen {shown[0]!r}, now {shown[1]!r}"
    if len(old) != len(new):
        return f"frozen it has {len(old)} lines, now {len(new)}; the lines that both have are the same"
    return "only ends of lines differ"
