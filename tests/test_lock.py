"""Two runs in one folder: the second is told, and a killed one leaves nothing behind."""

import os
import subprocess
import sys
import time

import pytest

from livingreview import lock
from livingreview.errors import ReviewError

HOLD = """
import sys, time
from livingreview import lock
lock.hold(sys.argv[1])
print("held", flush=True)
time.sleep(600)
"""


def test_a_second_run_is_told_who_holds_the_lock_and_a_killed_run_frees_it(tmp_path, root):
    path = tmp_path / "state/lock"
    env = os.environ | {"PYTHONPATH": str(root / "scripts")}
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True, env=env
    )
    try:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(
            ReviewError, match=rf"another run is working in this folder \(process {other.pid} on "
        ):
            lock.hold(path)
    finally:
        other.kill()
        other.wait()
        other.stdout.close()
    for _ in range(100):  # the kernel frees it when the process is gone
        try:
            lock.hold(path)
            break
        except ReviewError:
            time.sleep(0.05)
    assert lock.holder(path)["pid"] == os.getpid()


def test_a_lock_that_is_held_for_a_while_is_free_afterwards_whatever_happens(tmp_path):
    path = tmp_path / "state/lock"

    def fail_while_holding():
        with lock.held(path):
            refused = pytest.raises(ReviewError, match="another run is working in this folder")
            with refused, lock.held(path):
                pass
            raise ZeroDivisionError

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            fail_while_holding()
