"""Influence, subsets and order agree with metafor; the values and their R script are in reference/influence."""

import json
from pathlib import Path

import numpy as np
import pytest

from livingreview.pooling.batch import fit_subsets
from livingreview.pooling.cumulative import cumulative
from livingreview.pooling.gosh import gosh
from livingreview.pooling.influence import baujat, influence, leave_one_out, leave_one_study_out
from livingreview.pooling.random_effects import fit

REFERENCE = json.loads((Path(__file__).parents[1] / "reference/influence/influence.json").read_text())
SETS = REFERENCE["sets"]
PAIRS = [
    pytest.param(name, part, id=f"{name}-{part['method']}-{part['test']}")
    for name, one in SETS.items()
    for part in one["measures"]
]
OVERALL = [
    pytest.param(name, part, id=f"{name}-{part['method']}-{part['test']}")
    for name, one in SETS.items()
    for part in one["overall"]
]
# With one effect this package has no heterogeneity (NaN), where metafor prints zeros; H² is then 1.
OF_TWO = ("tau2", "I2", "H2", "QE", "QE_p")
OURS = {
    "cook.d": "cook_d",
    "cov.r": "cov_r",
    "tau2.del": "tau2_del",
    "QE.del": "QE_del",
    "inf": "influential",
}
# metafor divides zero by its own rounding errors where all effects are equal.
NOTHING_BUT_NOISE = "equal_effects"


# Steps of cumul() at which metafor's scoring does not settle; `test_batch` compares them with `fit`.
UNSETTLED_THERE = {("li2007", "REML"): [11, 12]}


def test_the_reference_has_not_shrunk():
    assert len(SETS) == 13
    assert (len(PAIRS), len(OVERALL), len(REFERENCE["gosh"])) == (12 * 6 + 4, 13 * 10, 2)


def data(name):
    return np.array(SETS[name]["yi"]), np.array(SETS[name]["vi"])


def assert_agrees(got, wanted, name):
    wanted = np.array([np.nan if value is None else value for value in wanted], dtype=float)
    assert np.asarray(got, dtype=float) == pytest.approx(wanted, rel=1e-6, abs=1e-8, nan_ok=True), name


@pytest.mark.parametrize(("name", "part"), OVERALL)
def test_every_estimator_agrees_on_the_whole(name, part):
    yi, vi = data(name)
    whole = np.ones((1, len(yi)), dtype=bool)
    row = fit_subsets(yi, vi, whole, method=part["method"], test=part["test"]).row(0)
    for field in set(part) - {"method", "test"}:
        if name != NOTHING_BUT_NOISE or field != "pval":
            assert_agrees([getattr(row, field)], [part[field]], field)


@pytest.mark.parametrize(("name", "part"), PAIRS)
def test_diagnostics_agree_with_influence(name, part):
    yi, vi = data(name)
    found = influence(yi, vi, method=part["method"], test=part["test"])
    for theirs, wanted in part["influence"].items():
        if name != NOTHING_BUT_NOISE or theirs in ("tau2.del", "QE.del", "hat", "weight"):
            assert_agrees(getattr(found, OURS.get(theirs, theirs)), wanted, theirs)
    if name != NOTHING_BUT_NOISE:
        assert_agrees(found.rstandard, part["rstandard"]["z"], "rstandard")


@pytest.mark.parametrize(("name", "part"), [pair for pair in PAIRS if NOTHING_BUT_NOISE not in pair.id])
def test_the_plot_of_baujat_agrees(name, part):
    yi, vi = data(name)
    found = baujat(yi, vi, method=part["method"], test=part["test"])
    assert_agrees(found.heterogeneity, part["baujat"]["x"], "x")
    assert_agrees(found.influence, part["baujat"]["y"], "y")


@pytest.mark.parametrize(("name", "part"), PAIRS)
def test_leaving_out_each_agrees_with_leave1out(name, part):
    yi, vi = data(name)
    found = leave_one_out(yi, vi, method=part["method"], test=part["test"])
    for field, wanted in part["leave1out"].items():
        if name != NOTHING_BUT_NOISE or field not in ("stat", "pval"):
            assert_agrees(getattr(found, field), wanted, field)


@pytest.mark.parametrize(("name", "part"), PAIRS)
def test_growing_estimates_agree_with_cumul(name, part):
    yi, vi = data(name)
    names = [f"study {number}" for number in range(len(yi))]
    order, method, test = SETS[name]["order"], part["method"], part["test"]
    steps = cumulative(yi, vi, order, names=names, method=method, test=test)
    assert [step.order for step in steps] == sorted(order)
    for field, wanted in part["cumul"].items():
        # One effect has a Wald interval here; metafor has none by t on zero degrees of freedom.
        first = 1 if field in (*OF_TWO, "se", "ci_low", "ci_high", "stat", "pval") else 0
        if name != NOTHING_BUT_NOISE or field not in ("stat", "pval"):
            got = np.array([getattr(step.result, field) for step in steps])
            unsettled = UNSETTLED_THERE.get((name, method), [])
            assert [wanted[number] for number in unsettled] == [None] * len(unsettled)
            got[unsettled] = np.nan
            assert_agrees(got[first:], wanted[first:], field)


@pytest.mark.parametrize("part", REFERENCE["gosh"], ids=lambda part: part["method"])
def test_all_subsets_agree_with_gosh(part):
    cloud = gosh(part["yi"], part["vi"], method=part["method"], test=part["test"], seed=0, least=1)
    assert cloud.complete
    ours = {tuple(row): number for number, row in enumerate(cloud.members.astype(int).tolist())}
    place = [ours[tuple(row)] for row in part["members"]]
    assert len(place) == len(ours) == 255
    several = [number for number, row in enumerate(part["members"]) if sum(row) > 1]
    for field in ("estimate", "I2", "QE", "tau2"):
        got = getattr(cloud.fits, field)[place]
        assert_agrees(got[several], np.array(part[field])[several], field)


@pytest.mark.parametrize("k", [0, 1])
def test_below_two_effects_there_is_nothing_to_leave_out(k):
    yi, vi = [0.3][:k], [0.1][:k]
    assert len(leave_one_out(yi, vi)) == 0
    assert len(influence(yi, vi).rstudent) == len(influence(yi, vi).influential) == 0
    assert len(baujat(yi, vi).influence) == 0


def test_of_two_effects_each_is_judged_by_the_other():
    found = influence([0.1, 0.5], [0.04, 0.04], method="DL", test="z")
    assert found.rstudent == pytest.approx([-0.4 / np.sqrt(0.08), 0.4 / np.sqrt(0.08)])
    assert (list(found.tau2_del), list(found.QE_del), list(found.weight)) == ([0, 0], [0, 0], [50, 50])


def test_equal_effects_have_no_residual_and_none_is_flagged_for_one():
    found = influence([0.3] * 5, [0.02, 0.03, 0.02, 0.03, 0.02], test="z")
    assert found.rstudent == pytest.approx([0] * 5, abs=1e-12)
    assert not found.influential.any()


def test_a_study_with_several_effects_is_left_out_as_fit_leaves_it():
    yi, vi = data("bcg")
    study = np.array([f"s{number // 2}" for number in range(len(yi))])
    for one in leave_one_study_out(yi, vi, study, method="PM", test="adhoc"):
        rest = fit(yi[study != one.omitted], vi[study != one.omitted], method="PM", test="adhoc")
        assert (one.result.k, one.result.ci_low) == (rest.k, pytest.approx(rest.ci_low, rel=1e-9))
