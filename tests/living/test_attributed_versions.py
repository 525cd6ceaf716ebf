"""The benchmark of attributed moves finds every cause, exactly, and would notice if it did not."""

import sys
from pathlib import Path

import pytest

from livingreview.living import attribution

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import attributed_versions as benchmark


def test_every_cause_alone_and_mixtures_are_exact():
    table, summary = benchmark.attribution_histories(7, versions=2, repeats=1)
    assert {row["kind"] for row in table} == {*attribution.ORDER, "all at once", "a mixture", "nothing"}
    assert summary["attribution_all_exact"]
    assert summary["attribution"]["exact"] == summary["attribution"]["versions"] == 12


@pytest.mark.parametrize("broken", ["causes", "exact", "recomputed", "software"])
def test_a_wrong_part_is_noticed(monkeypatch, broken):
    right = attribution.attribute

    def wrong(*ends, **given):
        found = right(*ends, **given)
        if broken == "causes":
            found["causes"] = found["causes"][1:]
        elif broken == "exact":
            found["total"]["estimate"] += 1e-8
        elif broken == "recomputed":
            found["steps"][0]["ci_low"] += 1e-8
        else:
            found["software"]["estimate"] += 1e-8
        return found

    monkeypatch.setattr(attribution, "attribute", wrong)
    rng = benchmark.np.random.default_rng(3)
    version = benchmark._version(rng, ["added", "corrected"], dependent=False)
    assert benchmark.measure(version)[broken] is False
