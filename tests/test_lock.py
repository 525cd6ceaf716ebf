"""Two runs in one folder: the second is told, and a killed one leaves nothing behind."""

import datetime
import os
import socket
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


def test_who_holds_it_since_when_and_what_for_is_told(tmp_path):
    path = tmp_path / "lock"
    now = datetime.datetime(2026, 12, 2, 5, 17, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
    held = lock.hold(path, what="run 2026-12", now=now)
    said = rf"process {os.getpid()} on {socket.gethostname()}, since 2026-12-02 04:17:00 UTC, run 2026-12"
    with pytest.raises(lock.Locked, match=said) as refused:
        lock.hold(path)
    assert refused.value.holder["pid"] == os.getpid()
    assert not lock.is_orphaned(refused.value.holder)
    os.close(held)


@pytest.mark.parametrize("text", ["", "{", "[1]", "4711"])
def test_a_lock_whose_text_cannot_be_read_is_still_a_lock(tmp_path, text):
    path = tmp_path / "lock"
    held = lock.hold(path)
    path.write_text(text)
    with pytest.raises(lock.Locked, match=r"another run is working in this folder \(process"):
        lock.hold(path)
    os.close(held)


def test_a_process_that_is_given_the_descriptor_holds_the_lock_too(tmp_path):
    path = tmp_path / "lock"
    held = lock.hold(path)
    assert lock.hold(path, environ=lock.pass_on(held)) == held
    with pytest.raises(lock.Locked):
        lock.hold(path, environ={})
    os.close(held)


def test_a_descriptor_of_another_file_is_no_lock(tmp_path):
    path, other = tmp_path / "lock", tmp_path / "other"
    with other.open("w") as file:
        held = lock.hold(path, environ=lock.pass_on(file.fileno()))
        assert held != file.fileno()
    os.close(held)


def test_nobody_starts_while_a_job_of_a_killed_run_works(tmp_path, monkeypatch):
    path = tmp_path / "lock"
    job = lock.share(path)
    monkeypatch.setattr(lock, "ORPHANS", 0.2)
    with pytest.raises(lock.Locked, match="jobs of a run that was killed still work in this folder"):
        lock.hold(path)
    os.close(job)
    os.close(lock.hold(path))


def test_jobs_of_one_run_work_side_by_side(tmp_path):
    jobs = [lock.share(tmp_path / "lock") for _ in range(3)]
    assert len(set(jobs)) == 3
    for job in jobs:
        os.close(job)
