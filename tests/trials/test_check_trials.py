"""The rule's script: from the tables of trials to findings.csv, with people's notes, or a stop."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

import check_trials
from livingreview import tables
from livingreview.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
EXPECTED = json.loads((ROOT / "tests/reference/plausibility/prediction.json").read_text(encoding="utf-8"))
OPEN = "data/trials/clearances.csv"


@pytest.mark.parametrize("name", EXPECTED)
def test_the_interval_for_a_new_effect_is_that_of_metafors_fit(name):
    one = EXPECTED[name]
    found = check_trials.predict(one["yi"], one["vi"], one["vi_new"])
    assert found == pytest.approx((one["low"], one["high"]), rel=1e-9)


@pytest.fixture
def review(tmp_path, monkeypatch):
    """The bundled trials in a folder of their own, without clearances."""
    (tmp_path / "data" / "trials").mkdir(parents=True)
    for name in ("outcomes", "studies", "instruments"):
        shutil.copy(ROOT / "data" / "trials" / f"{name}.csv", tmp_path / "data" / "trials")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(uncleared="report"):
    job = SimpleNamespace(
        input=SimpleNamespace(outcomes="data/trials/outcomes.csv", studies="data/trials/studies.csv"),
        params=SimpleNamespace(run="2026-11", uncleared=uncleared),
        output=SimpleNamespace(findings="findings.csv"),
    )
    check_trials.main(job)
    return pd.read_csv("findings.csv", dtype=str, keep_default_na=False)


@pytest.mark.usefixtures("review")
def test_findings_are_written_cleared_and_may_stop_the_run():
    found = run()
    assert found["row_id"].is_monotonic_increasing
    errors = found[found["severity"] == "error"]
    assert not errors.empty
    with pytest.raises(InputError, match=errors["row_id"].iloc[0].replace(".", r"\.")):
        run("stop")
    about = {"reviewer": "AB", "note": "looked up", "run": "2026-11", "decided_at": "2026-11-02"}
    notes = errors[["row_id", "check", "digest"]].assign(**about)
    tables.write(notes[tables.columns("clearances")], OPEN)
    assert set(run("stop").query("severity == 'error'")["cleared_by"]) == {"AB"}


@pytest.mark.usefixtures("review")
def test_a_clearance_of_a_row_that_does_not_exist_is_refused():
    row = ["nobody.pain.1", "grim", "0" * 12, "AB", "looked up", "2026-11", "2026-11-02"]
    tables.write(pd.DataFrame([row], columns=tables.columns("clearances")), OPEN)
    with pytest.raises(InputError, match=r"(?s)clearances\.csv.*nobody\.pain\.1.*a row of outcomes"):
        run()
