"""Processes that a scheduler starts without standard streams, or with poor ones."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from livingreview import streams

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
PROGRAM = """
import os, sys
from livingreview import streams
streams.prepare()
with open(sys.argv[1], "w", encoding="utf-8") as file:
    number = file.fileno()
    print("Schmerz − lindernd")
    streams.say("Schmerz − lindernd")
    try:
        os.write(2, b"a library's own words")
    except OSError:
        pass  # a full disk
    file.write(f"{number > 2}")
"""


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", "2> /dev/full"])
def test_no_file_takes_the_number_of_a_stream_that_was_closed(tmp_path, closed):
    ended = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" -c "$1" "$2" {closed}', sys.executable, PROGRAM, tmp_path / "made"],
        env=os.environ | {"PYTHONPATH": str(SCRIPTS)},
        capture_output=True,
        check=False,
    )
    assert (tmp_path / "made").read_text() == "True"
    assert closed == "2> /dev/full" or ended.returncode == 0


def test_letters_that_a_locale_does_not_know_are_spelt_out(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, tmp_path / "made"],
        env=os.environ | {"PYTHONPATH": str(SCRIPTS), "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert ended.stdout.decode() == "Schmerz \\u2212 lindernd\n"
    assert ended.stderr.decode() == "Schmerz \\u2212 lindernd\na library's own words"


def test_what_is_said_holds_no_secret(monkeypatch, capsys):
    monkeypatch.setenv("NCBI_API_KEY", "c0ffeec0ffee")
    streams.say("key c0ffeec0ffee")
    assert capsys.readouterr().err == "key [NCBI_API_KEY]\n"
