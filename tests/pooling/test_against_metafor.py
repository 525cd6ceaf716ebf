"""Agreement with metafor; the values and the R script that made them are in tests/reference."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from livingreview.pooling import between_variance
from livingreview.pooling.influence import leave_one_study_out
from livingreview.pooling.random_effects import fit
from livingreview.pooling.subgroups import between, by_group
from livingreview.pooling.weighting import MeanModel

REFERENCE = Path(__file__).parents[1] / "reference"
NAMES = {"set": str, "study": str, "group": str, "omitted": str, "left_out": str}
INPUTS = dict(list(pd.read_csv(REFERENCE / "inputs.csv", dtype=NAMES).groupby("set", sort=False)))
ESTIMATES = pd.read_csv(REFERENCE / "estimates.csv", dtype=NAMES)
FIELDS = [
    "k",
    "estimate",
    "se",
    "ci_low",
    "ci_high",
    "stat",
    "pval",
    "pi_low",
    "pi_high",
    "I2",
    "H2",
    "QE",
    "QE_df",
    "QE_p",
]


def inputs(name):
    frame = INPUTS[name]
    return frame["yi"].to_numpy(), frame["vi"].to_numpy()


def reference(file):
    frame = pd.read_csv(REFERENCE / file, dtype=NAMES)
    return [(name, part) for name, part in frame.groupby("set", sort=False)]


def assert_agrees(result, expected):
    """Each field within 1e-8 of metafor's, relative to its size; missing where metafor has nothing to say.

    Near the boundary metafor stops at a tau² of about 1e-14 where this package gives zero; I² is in percent.
    """
    if expected["k"] > 1 and expected["se"] == 0:
        # All effects equal: metafor's zero test gives infinity from 0/0 noise in the last bit.
        expected = expected.drop(["stat", "pval"])
    for field in [*FIELDS, "tau2"]:
        if field in expected.index:
            got, wanted = getattr(result, field), expected[field]
            slack = 1e-9 if field == "I2" else 1e-11
            assert got == pytest.approx(wanted, rel=1e-8, abs=slack, nan_ok=True), field


@pytest.mark.parametrize("row", range(len(ESTIMATES)))
def test_pool_agrees_with_rma_and_predict(row):
    expected = ESTIMATES.iloc[row]
    yi, vi = inputs(expected["set"])
    result = fit(yi, vi, method=expected["method"], test=expected["test"])
    assert_agrees(result, expected)


@pytest.mark.parametrize(("name", "expected"), reference("weights.csv"))
def test_weights_agree_with_weights_rma(name, expected):
    yi, vi = inputs(name)
    assert fit(yi, vi).weights == pytest.approx(expected["weight"].to_numpy(), rel=1e-8)


@pytest.mark.parametrize(("name", "expected"), reference("leave_one_out.csv"))
def test_leaving_out_all_rows_of_a_study_agrees_with_metafor_on_the_rest(name, expected):
    yi, vi = inputs(name)
    left_out = leave_one_study_out(yi, vi, INPUTS[name]["study"])
    assert [one.omitted for one in left_out] == list(expected["omitted"])
    for one, (_, row) in zip(left_out, expected.iterrows(), strict=True):
        assert_agrees(one.result, row)


@pytest.mark.parametrize(("name", "expected"), reference("subgroups.csv"))
def test_each_subgroup_agrees_with_metafor_on_it_alone(name, expected):
    yi, vi = inputs(name)
    estimates = by_group(yi, vi, INPUTS[name]["group"])
    assert list(estimates) == list(expected["group"])
    for _, row in expected.iterrows():
        assert_agrees(estimates[row["group"]], row)


@pytest.mark.parametrize(("name", "expected"), reference("between.csv"))
def test_the_test_between_subgroups_agrees_with_a_fixed_effects_rma_with_moderator(name, expected):
    yi, vi = inputs(name)
    test = between(yi, vi, INPUTS[name]["group"])
    row = expected.fillna({"left_out": ""}).iloc[0]
    assert (test.QM, test.df, test.p) == pytest.approx((row["QM"], row["df"], row["p"]), rel=1e-7)
    assert (test.n_groups, ";".join(test.left_out)) == (row["n_groups"], row["left_out"])


def test_sets_without_two_groups_to_compare_have_no_test():
    untested = set(INPUTS) - {name for name, _ in reference("between.csv")}
    assert {"k1", "k3", "normand1999"} <= untested
    assert [name for name in untested if between(*inputs(name), INPUTS[name]["group"])] == []


def test_the_reference_covers_what_it_should():
    sets = set(ESTIMATES["set"])
    assert {"bcg", "normand1999", "k1", "k2", "k2_equal", "k3", "boundary", "extreme", "oscillating"} <= sets
    assert sum(name.startswith("random") for name in sets) == 40
    reml = ESTIMATES[(ESTIMATES["method"] == "REML") & (ESTIMATES["test"] == "knha")].set_index("set")
    assert (reml["tau2"] < 1e-9).sum() >= 5
    assert reml["tau2"].max() > 100
    # Sets on which a floor under the Hartung-Knapp variance would show.
    wald = ESTIMATES[(ESTIMATES["method"] == "REML") & (ESTIMATES["test"] == "z")].set_index("set")
    assert (reml["se"] < 0.9 * wald["se"]).sum() >= 2


def test_a_tau2_on_the_boundary_is_exactly_zero():
    yi, vi = inputs("boundary")
    assert np.var(yi, ddof=1) - vi.mean() != 0
    assert fit(yi, vi).tau2 == 0
    assert math.copysign(1, fit(*inputs("homogeneous")).tau2) == 1


def test_zero_is_preferred_to_a_lower_local_maximum_as_metafor_does():
    yi, vi = inputs("local_maximum")
    assert between_variance._scored(MeanModel(yi, vi), restricted=True) == pytest.approx(0.4018, rel=1e-3)
    assert fit(yi, vi).tau2 == 0
