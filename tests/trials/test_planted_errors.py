"""The measurement of the plausibility checks: seeded, complete, and as good as the tables in docs say."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def output():
    command = [sys.executable, ROOT / "benchmarks" / "plant_errors.py", "--seed", "3", "--times", "2"]
    done = subprocess.run([*command, "--trials", "18"], capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout.splitlines()


def test_the_last_line_is_json_with_every_slip_and_every_check(output):
    result = json.loads(output[-1])
    assert (result["seed"], result["times"]) == (3, 2)
    for name in ("bundled", "simulated"):
        assert all(0 <= one["found"] <= one["planted"] <= 2 for one in result[name]["slips"].values())
        assert result[name]["slips"].keys() == result["bundled"]["slips"].keys()
        assert "se_as_sd" in result[name]["false_alarms"]
    standard_errors = result["simulated"]["slips"]["standard errors as SDs, after treatment"]
    assert standard_errors["found"] == standard_errors["planted"] == 2
    assert result["simulated"]["false_alarms"]["grim"] == 0


def test_the_tables_in_the_docs_have_a_line_for_every_slip_and_check(output):
    text = (ROOT / "docs" / "extraction.md").read_text(encoding="utf-8")
    shown = {line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")}
    result = json.loads(output[-1])["simulated"]
    assert (result["slips"].keys() | result["false_alarms"].keys()) <= shown
