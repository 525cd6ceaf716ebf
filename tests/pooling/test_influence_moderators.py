"""Diagnostics of meta-regressions agree with metafor; values and R script are in reference/influence."""

import json
from pathlib import Path

import numpy as np
import pytest

from livingreview.pooling.influence import influence
from livingreview.pooling.influence_moderators import influence_with_moderators

FILE = Path(__file__).parents[1] / "reference/influence/moderators.json"
MODELS = json.loads(FILE.read_text())
OURS = {
    "cook.d": "cook_d",
    "cov.r": "cov_r",
    "tau2.del": "tau2_del",
    "QE.del": "QE_del",
    "inf": "influential",
}


def test_the_reference_has_not_shrunk():
    assert len(MODELS) == 4


@pytest.mark.parametrize("model", MODELS, ids=lambda one: f"{one['method']}-{len(one['yi'])}")
def test_diagnostics_agree_with_influence_of_a_model_with_moderators(model):
    mods, test = np.array(model["mods"]), model["test"]
    found = influence_with_moderators(model["yi"], model["vi"], mods, method=model["method"], test=test)
    for theirs, wanted in model["influence"].items():
        got = getattr(found, OURS.get(theirs, theirs))
        assert got == pytest.approx(np.array(wanted), rel=1e-6, abs=1e-9), theirs
    assert found.rstandard == pytest.approx(np.array(model["rstandard"]), rel=1e-6)
    assert found.dfbs == pytest.approx(np.array(model["dfbs"]), rel=1e-6, abs=1e-9)


def test_a_model_of_the_mean_alone_has_the_diagnostics_of_influence():
    yi, vi = MODELS[0]["yi"], MODELS[0]["vi"]
    got = influence_with_moderators(yi, vi, np.ones(len(yi)), intercept=False)
    wanted = influence(yi, vi)
    for name in ("rstudent", "rstandard", "dffits", "cook_d", "cov_r", "tau2_del", "QE_del", "hat"):
        assert getattr(got, name) == pytest.approx(getattr(wanted, name), rel=1e-9), name
    assert got.dfbs[:, 0] == pytest.approx(wanted.dfbs, rel=1e-9)


def test_an_effect_on_which_a_coefficient_hangs_has_no_fit_without_it():
    yi, vi = np.array([0.1, 0.3, 0.2, 0.5, 0.9]), np.full(5, 0.05)
    found = influence_with_moderators(yi, vi, np.array([0, 0, 0, 0, 1]))
    assert np.isnan([found.rstudent[4], found.cook_d[4], found.dfbs[4, 0]]).all()
    assert np.isfinite(found.rstudent[:4]).all()
