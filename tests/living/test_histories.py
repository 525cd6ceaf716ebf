"""Histories drawn at random, as benchmarks/histories.py draws them: a few here, a thousand there."""

import importlib.util
import json
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parents[2] / "benchmarks" / "histories.py"


@pytest.fixture(scope="module")
def histories():
    spec = importlib.util.spec_from_file_location("histories", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("number", [1, 3])
def test_a_random_history_keeps_every_identity_and_every_broken_one_is_caught(histories, number):
    found = histories.measure(20, number)
    assert found["failures"] == []
    assert found["missed"] == []
    assert found["identities"] > 30
    assert found["numbers"] > 60
    assert len(found["damages"]) >= 10


def test_the_program_counts_what_it_did(histories, capsys, monkeypatch):
    found = {"records": 5, "versions": 2, "identities": 40, "failures": [], "numbers": 9, "missed": []}
    found["damages"] = dict.fromkeys(histories.DAMAGES, True)
    monkeypatch.setattr(histories, "measure", lambda *_: found)
    exact = {"attribution_all_exact": True}
    monkeypatch.setattr(histories, "attribution_histories", lambda _: ([{"kind": "added"}], exact))
    assert histories.main(["--histories", "2"]) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])["ledger"]
    assert (last["histories"], last["records"], last["broken_and_not_caught"]) == (2, 10, 0)
    monkeypatch.setattr(histories, "measure", lambda *_: found | {"missed": ["a report lost"]})
    assert histories.main(["--histories", "2"]) == 1
    assert "not caught: a report lost" in capsys.readouterr().out
