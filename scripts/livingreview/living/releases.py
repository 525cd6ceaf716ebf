"""Releases: what was published, frozen. A release is written once and never recomputed."""

import shutil
from pathlib import Path

from livingreview import tables
from livingreview.errors import InputError

# What a release keeps of a run's results; the report itself goes with it for readers.
KEPT = ["estimates.csv", "estimates.json", "effects.csv", "included.csv", "flow.json"]


def read(paths):
    """Every release, oldest version first.

    Returns
    -------
    list of dict
        The content of each ``release.json``, with its folder as ``path``.
    """
    found = [tables.read_json(path) | {"path": str(Path(path).parent)} for path in paths]
    return sorted(found, key=lambda release: _version(release["version"]))


def table(release, name):
    """A frozen table of a release, such as ``estimates``, as a frame."""
    return tables.read_results(Path(release["path"]) / f"{name}.csv")


def last_before(releases, run):
    """The newest release of our own that is older than a run, or None.

    A release of the same run does not count: a month is compared with what readers had before it.
    """
    own = [r for r in releases if r["kind"] == "release" and r["run"] < run]
    return max(own, key=lambda r: (r["run"], _version(r["version"])), default=None)


def freeze(results_dir, releases_dir, *, version, run, frozen_on, note):
    """Freeze a run's results as a release.

    Parameters
    ----------
    results_dir : path
        results/<run>.
    releases_dir : path
        data/releases.
    version : str
        YY.minor.patch.
    run : str
        The month that is frozen.
    frozen_on : str
        YYYY-MM-DD.
    note : str
        What this release is, in a sentence for readers.

    Returns
    -------
    Path
        The release's folder.

    Raises
    ------
    InputError
        If the version exists, is not newer than every other, or results are missing.
    """
    results_dir, releases_dir = Path(results_dir), Path(releases_dir)
    newest = max(
        (_version(r["version"]) for r in read(releases_dir.glob("*/release.json"))), default=(0, 0, 0)
    )
    if _version(version) <= newest:
        raise InputError(
            releases_dir,
            problem="a release is never replaced",
            found=version,
            allowed=f"a version after {'.'.join(map(str, newest))}",
        )
    missing = [name for name in KEPT if not (results_dir / name).exists()]
    if missing:
        raise InputError(
            results_dir,
            problem=f"{', '.join(missing)} missing",
            hint=f"build the run {run} before releasing it",
        )
    # The marker is written last into a folder that is renamed into place: a crash leaves no half release.
    draft = releases_dir / f".{version}.draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for name in KEPT:
        tables.write_bytes((results_dir / name).read_bytes(), draft / name)
    about = {"version": version, "kind": "release", "run": run, "frozen_on": frozen_on, "note": note}
    tables.write_json(about, draft / "release.json")
    return draft.rename(releases_dir / version)


def _version(text):
    try:
        parts = tuple(int(part) for part in text.split("."))
    except ValueError:
        parts = ()
    if len(parts) != 3:
        raise InputError(
            "data/releases", problem="version", found=text, allowed="YY.minor.patch, such as 26.1.0"
        )
    return parts
