"""Build a release again from its frozen inputs, in a temporary folder, and compare it byte for byte."""

import argparse
import sys
import tempfile
from pathlib import Path

from freeze_release import code
from livingreview import replay
from livingreview.errors import ReviewError
from livingreview.living import releases


def main(argv=None, build=replay.build):
    """Command line; returns the exit status: 0 if every file is the same. `build` runs the workflow."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", help="a release of this review, such as 26.1.0")
    parser.add_argument("--directory", type=Path, default=Path(), help="the review's folder")
    parser.add_argument("--cores", default="2")
    args = parser.parse_args(argv)
    try:
        release = releases.find(args.directory, args.version)
        with tempfile.TemporaryDirectory(prefix=f"replay-{args.version}-") as folder:
            compared = _replayed(args, release, Path(folder), build=build)
    except (ReviewError, OSError) as error:
        print(f"{error}\nNothing was compared.", file=sys.stderr)
        return 1
    for one in compared:
        print(f"{'OK       ' if one.same else 'DIFFERENT'}  {one.name}")
        if not one.same:
            print(f"           {one.difference}")
    different = sum(not one.same for one in compared)
    same = f"{len(compared) - different} of {len(compared)} files of release {args.version} are the same"
    print(f"\n{same} to the byte.")
    return 1 if different else 0


def _replayed(args, release, folder, *, build):
    for remark in [*replay.lay_out(args.directory, release, folder), *code_remarks(release, code())]:
        print(remark)
    print(f"Building run {release['run']} again as it was frozen on {release['frozen_on']} ...", flush=True)
    build(folder, run=release["run"], version=release["version"], cores=args.cores, quiet=True)
    return replay.compare(release, folder / "results" / release["run"])


def code_remarks(release, now):
    """What to know of the code before differences are read.

    Parameters
    ----------
    release : dict
        With ``code``, if it was frozen with it.
    now : dict
        As from ``freeze_release.code``.
    """
    made = release.get("code") or {}
    if made.get("fingerprint") == now["fingerprint"]:
        return []
    by, this = (f"commit {one['commit']}" if one.get("commit") else "no known commit" for one in (made, now))
    edited = ", with edits that no commit holds" if made.get("edited") else ""
    return [
        f"The program is not the one that made release {release['version']} ({by}{edited}; this is {this})."
        " Differences may come from that; check that commit out to compare with the same program."
    ]


if __name__ == "__main__":
    sys.exit(main())
