"""A desk is killed a hundred times at any moment: what it confirmed is on disk, whole, and once."""

import contextlib
import html
import http.client
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from pathlib import Path

import pytest
from desk import much_to_do
from desk.conftest import TOKEN

from livingreview import tables
from livingreview.screening import filing

KILLS = 100
HERE = Path(__file__).parent


class Browser:
    """Asks a desk that may be gone the next moment; keeps its cookie, and one connection for each life."""

    def __init__(self, port):
        self.port = port
        self.cookie = ""
        self.connection = None

    def begin(self):
        """A new connection in the place of the old one."""
        self.end()
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def end(self):
        """Close the connection."""
        if self.connection:
            self.connection.close()

    def ask(self, method, path, **fields):
        """Status, place that is led to, and text of an answer that came whole."""
        headers = {"Cookie": self.cookie}
        if fields:
            headers |= {
                "Content-Type": "application/x-www-form-urlencoded",
                "Origin": f"http://127.0.0.1:{self.port}",
            }
        self.connection.request(method, path, urllib.parse.urlencode(fields) or None, headers)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        if answer.headers["Set-Cookie"]:
            self.cookie = answer.headers["Set-Cookie"].split(";")[0]
        return answer.status, answer.headers["Location"], text

    def sign_in(self):
        """Open the desk under a name, and keep what the form of an undecided record holds."""
        self.ask("GET", f"/?token={TOKEN}")
        self.ask("POST", "/who", csrf_token=_field(self.ask("GET", "/who")[2], "csrf_token"), name="EX")
        text = self.ask("GET", "/screening?stage=title-abstract")[2]
        self.form, self.seen = _field(text, "csrf_token"), _field(text, "seen")

    def decide(self, record, note):
        """Include a record that nobody has decided; returns once that was confirmed."""
        fields = {"record": record, "stage": "title-abstract", "seen": self.seen, "csrf_token": self.form}
        status, _, text = self.ask("POST", "/screening/decide", **fields, decision="include", note=note)
        assert status == 302, text


def _field(text, name):
    return html.unescape(re.search(rf'name="{name}" value="([^"]*)"', text)[1])


@pytest.fixture
def lives(built):
    """Begins a life of a desk over a review with much to do; the function returns its process id."""
    much_to_do.fill(built)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, HERE / "lives.py", built.folder, str(port), TOKEN]
    paths = os.pathsep.join(str(path) for path in (HERE.parents[1] / "scripts",))
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": paths},
    )

    def begin():
        process.stdin.write("live\n")
        process.stdin.flush()
        return int(process.stdout.readline())

    begin.port = port
    yield begin
    process.stdin.close()
    process.wait(timeout=30)
    process.stdout.close()


def test_a_hundred_kills_lose_no_decision_that_was_confirmed(lives, built):
    path = built.path(filing.LEDGER)
    begun = on_disk = path.read_bytes()
    chance, browser, ids = random.Random(20261115), Browser(lives.port), iter(much_to_do.IDS)
    confirmed, took = {}, 0.05
    for number in range(KILLS + 1):
        life = lives()
        browser.begin()
        if not number:
            browser.sign_in()
        for _ in range(chance.randrange(3)):
            took = _decide(browser, next(ids), f"life {number}", confirmed)
        # Anywhere within the next decision, or shortly after it.
        killer = threading.Thread(target=_kill, args=(life, chance.uniform(0, 1.3 * took)))
        killer.start()
        with contextlib.suppress(OSError, http.client.HTTPException):
            while True:
                _decide(browser, next(ids), f"life {number}", confirmed)
        killer.join()
        browser.end()
        now = path.read_bytes()
        assert now.startswith(on_disk)
        assert now.endswith(b"\n")
        on_disk = now
    ledger = tables.read(path, "screening").iloc[begun.count(b"\n") - 1 :]
    filed = dict(zip(ledger["record_id"], ledger["note"], strict=True))
    assert {record: filed.get(record) for record in confirmed} == confirmed
    assert ledger["record_id"].is_unique
    # Of each life at most the one decision that was on its way.
    assert len(confirmed) <= len(ledger) <= len(confirmed) + KILLS + 1
    assert len(confirmed) > KILLS / 2


def _decide(browser, record, note, confirmed):
    begun = time.monotonic()
    browser.decide(record, note)
    confirmed[record] = note
    return time.monotonic() - begun


def _kill(process_id, after):
    time.sleep(after)
    os.kill(process_id, signal.SIGKILL)
