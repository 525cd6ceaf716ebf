"""The sensitivity table: every row is the method it names, and a row without numbers says why."""

import math

import numpy as np
import pandas as pd
import pytest

from livingreview.pooling import aggregation, covariance, multilevel, robust
from livingreview.pooling.limit import limit_meta_analysis
from livingreview.pooling.pet_peese import pet_peese
from livingreview.pooling.random_effects import fit
from livingreview.pooling.selection import selection_model
from livingreview.pooling.sensitivity import COLUMNS, CORRELATIONS, table
from livingreview.pooling.trim_and_fill import trim_and_fill

YI = [-0.62, -0.48, -0.41, -0.35, -0.55, -0.10, -0.22, -0.30, -0.05, -0.75, 0.90]
VI = [0.02, 0.025, 0.03, 0.01, 0.05, 0.008, 0.012, 0.02, 0.006, 0.09, 0.01]
STUDY = ["a", "a", "b", "c", "d", "e", "e", "f", "g", "h", "odd"]


def effects(yi=YI, vi=VI, study=STUDY, in_pool=None):
    k = len(yi)
    return pd.DataFrame(
        {
            "row_id": [f"r{i}" for i in range(k)],
            "label": [f"Effect {i}" for i in range(k)],
            "study": list(study),
            "yi": np.array(yi, float),
            "vi": np.array(vi, float),
            "in_pool": [True] * k if in_pool is None else in_pool,
            "in_sensitivity": [True] * k,
        }
    )


def rows(frame=None, **options):
    found = table(effects() if frame is None else frame, **options)
    assert all({"outcome", *row} == set(COLUMNS) for row in found)
    return {row["analysis"]: row for row in found}


def same(row, result):
    for name in ("estimate", "se", "ci_low", "ci_high"):
        assert row[name] == pytest.approx(getattr(result, name), rel=1e-12), name
    assert row["reason"] == ""


def test_each_row_is_the_method_that_it_names():
    found = rows()
    composite = aggregation.composite(YI, VI, STUDY, rho=0.6)
    most = aggregation.extreme(YI, VI, STUDY, which="smallest")
    least = aggregation.extreme(YI, VI, STUDY, which="largest")
    for analysis, result in {
        "main": fit(YI, VI),
        "common_effect": fit(YI, VI, method="FE", test="z"),
        "dersimonian_laird": fit(YI, VI, method="DL", test="z"),
        "composite": fit(composite.yi, composite.vi),
        "most_favourable": fit(most.yi, most.vi),
        "least_favourable": fit(least.yi, least.vi),
        "three_level": multilevel.fit(YI, VI, STUDY),
        "trim_and_fill": trim_and_fill(YI, VI).adjusted,
        "pet_peese": pet_peese(YI, VI),
        "limit": limit_meta_analysis(YI, VI),
        "selection_model": selection_model(YI, VI),
    }.items():
        same(found[analysis], result)


def test_the_assumed_correlation_comes_first_and_all_others_follow():
    found = rows(correlation=0.5)
    che = [name for name in found if name.startswith("che")]
    assert che == ["che", *(f"che_{rho:g}" for rho in CORRELATIONS if rho != 0.5)]
    V = covariance.correlated(VI, STUDY, rho=0.5)
    same(found["che"], robust.cluster_robust(multilevel.fit(YI, V)))
    assert found["che"]["note"] == "correlation within trials assumed to be 0.5"


def test_an_outlier_is_taken_out_and_named():
    found = rows()
    for analysis in ("outliers_removed", "influential_removed"):
        same(found[analysis], fit(YI[:-1], VI[:-1]))
        assert found[analysis]["note"] == "without Effect 10"


def test_only_trials_judged_low_stay_and_the_judged_are_counted():
    found = rows(risk_of_bias={"a": "low", "b": "high", "e": "low", "elsewhere": "low"})
    same(found["low_risk_of_bias"], fit(*([x[i] for i in (0, 1, 5, 6)] for x in (YI, VI))))
    assert found["low_risk_of_bias"]["note"] == "3 of 9 trials have a judgement"
    assert rows(risk_of_bias={"a": "high"})["low_risk_of_bias"]["reason"] == (
        "no trial of this outcome was judged low"
    )
    assert rows()["low_risk_of_bias"]["reason"] == "no trial has a recorded overall judgement"


def test_effects_with_assumed_arm_sizes_are_added_in_their_own_row_only():
    frame = effects(in_pool=[True] * 10 + [False])
    found = rows(frame)
    same(found["main"], fit(YI[:-1], VI[:-1]))
    same(found["assumed_sizes"], fit(YI, VI))
    assert rows()["assumed_sizes"]["reason"] == "no such effect is outside the pool"


def test_options_of_the_main_analysis_hold_where_a_row_names_no_other():
    found = rows(method="PM", test="z", level=0.9, pi="HTS")
    expected = fit(YI, VI, method="PM", test="z", level=0.9, pi="HTS")
    same(found["main"], expected)
    assert found["main"]["pi_low"] == pytest.approx(expected.pi_low, rel=1e-12)
    same(found["dersimonian_laird"], fit(YI, VI, method="DL", test="z", level=0.9))


def test_favouring_the_other_side_turns_the_whole_table():
    found, turned = rows(), rows(effects(yi=[-y for y in YI]), alternative="greater")
    for analysis, row in found.items():
        assert turned[analysis]["estimate"] == pytest.approx(
            -row["estimate"], rel=1e-6, abs=1e-9, nan_ok=True
        ), analysis


@pytest.mark.parametrize("k", [0, 1, 2, 3])
def test_few_effects_give_a_reason_and_never_an_error(k):
    found = rows(effects(YI[:k], VI[:k], [f"s{i}" for i in range(k)]))
    assert len(found) == len(rows())
    for row in found.values():
        assert bool(row["reason"]) == math.isnan(row["estimate"])
    if k > 1:
        assert found["three_level"]["reason"] == "each trial gives one effect: the same as the main analysis"
