"""Reviews that search at the same time keep NCBI's pace together, by the clock of the server that is asked."""

import datetime
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from search.conftest import ROWS

from livingreview.search.pubmed import rate
from livingreview.search.pubmed.entrez import KEY_VARIABLE
from livingreview.search.sandbox import Sandbox

SCRIPTS = Path(rate.__file__).resolve().parents[3]
# A server on this computer grants each program its own pace, so the limiter is named here; it is the one that
# any other server gets.
SEARCH = """\
import os, sys
from livingreview.search.pubmed import rate
from livingreview.search.pubmed.entrez import KEY_VARIABLE, Client
url, tool, times = sys.argv[1:]
keyed = bool(os.environ.get(KEY_VARIABLE))
limiter = rate.SharedLimiter(rate.place(url, keyed=keyed), rate.interval(keyed=keyed))
with Client(url, tool=tool, email="example@example.org", limiter=limiter) as client:
    for _ in range(int(times)):
        client.search("pain[ti]")
"""
# Of requests that are delayed on their way on a busy machine; without a shared pace it would be near 2.
TOLERANCE = 1.25


@pytest.mark.parametrize(
    ("key", "granted", "times"),
    [("", rate.RATE, 4), ("0123456789ab" * 3, rate.RATE_WITH_KEY, 12)],
    ids=["without a key", "with a key"],
)
def test_two_reviews_at_once_ask_no_faster_than_one_may(tmp_path, key, granted, times):
    asked = []

    def clock():
        asked.append(time.monotonic())
        return asked[-1]

    environ = os.environ | {"XDG_RUNTIME_DIR": str(tmp_path), "PYTHONPATH": str(SCRIPTS), KEY_VARIABLE: key}
    with Sandbox(ROWS, datetime.date(2026, 11, 1), limit_rate=True, clock=clock) as served:
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", SEARCH, served.url, f"review-{number}", str(times)],
                env=environ,
                stderr=subprocess.PIPE,
                text=True,
            )
            for number in range(2)
        ]
        said = [process.communicate(timeout=60)[1] for process in processes]
        tools = [request.params["tool"] for request in served.requests]
    assert [process.returncode for process in processes] == [0, 0], said
    assert min(tools.count(f"review-{number}") for number in range(2)) >= times
    assert (len(asked) - 1) / (asked[-1] - asked[0]) < granted * TOLERANCE


def test_a_key_has_a_pace_of_its_own(tmp_path):
    url, environ = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/", {"XDG_RUNTIME_DIR": str(tmp_path)}
    assert len({rate.place(url, keyed=keyed, environ=environ) for keyed in (False, True)}) == 2
