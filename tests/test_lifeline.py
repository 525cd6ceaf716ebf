"""A process ends with the one that started it, and knows which one that was."""

import os
import socket
import subprocess
import sys
import threading

import pytest

from livingreview import lifeline


def named(pid, started="", host=None):
    return {lifeline.VARIABLE: f"{host or socket.gethostname()}|{pid}|{started}"}


@pytest.fixture
def other():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.wait()
    process.stdin.close()


def test_who_announces_itself_is_followed_by_what_it_starts_and_not_by_itself():
    environ = {}
    lifeline.announce(environ)
    assert environ[lifeline.VARIABLE].split("|")[:2] == [socket.gethostname(), str(os.getpid())]
    assert not lifeline.follows(environ)
    code = "import sys; from livingreview import lifeline; sys.exit(3 if lifeline.follows() else 4)"
    child = os.environ | environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=child, check=False).returncode == 3


@pytest.mark.parametrize("environ", [{}, named(1, host="another-machine"), {lifeline.VARIABLE: "nonsense"}])
def test_nobody_is_followed_without_a_name_or_on_another_machine(environ):
    ended = threading.Event()
    lifeline.follow(ended.set, environ=environ, every=0.01)
    assert not ended.wait(0.05)


def test_the_end_comes_when_the_other_has_ended(other):
    ended = threading.Event()
    lifeline.follow(ended.set, environ=named(other.pid), every=0.01)
    assert not ended.wait(0.1)
    other.kill()
    # It is not waited for: a process that has ended and is not buried yet does not live.
    assert ended.wait(5)


def test_one_that_had_ended_before_is_not_waited_for(other):
    other.kill()
    other.wait()
    ended = threading.Event()
    lifeline.follow(ended.set, environ=named(other.pid), every=0.01)
    assert ended.wait(5)


def test_another_process_that_was_given_the_number_is_not_the_one_that_is_followed(other):
    assert lifeline.is_alive(other.pid)
    assert not lifeline.is_alive(other.pid, started="1")
