"""A command line that only looks at the workflow is told from one that runs it."""

import pytest

from livingreview.invocation import runs_jobs


@pytest.mark.parametrize(
    "line",
    [
        "--cores 2",
        "--cores 2 --config run=2026-12",
        "--cores 2 --directory elsewhere results/2026-11/effects.csv",
        "-c 2 --forceall --keep-going",
    ],
)
def test_a_build_runs_jobs(line):
    assert runs_jobs(line.split())


@pytest.mark.parametrize(
    "line",
    [
        "--dry-run",
        "-n",
        "-np --cores 2",
        "--cores 2 --dryrun",
        "--lint",
        "--dag",
        "--rulegraph",
        "--summary",
        "--list-rules",
        "--unlock",
        "--touch --cores 2",
        "--report report.html",
        "--cores 2 --delete-all-output",
        "--cleanup-metadata results/x",
    ],
)
def test_a_look_runs_none(line):
    assert not runs_jobs(line.split())
