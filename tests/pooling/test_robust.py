"""Robust variances where clusters are few, and what must not change them."""

import math
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livingreview.pooling import multilevel, robust
from livingreview.pooling.covariance import correlated
from livingreview.pooling.robust import (
    cluster_robust,
    correlated_effects,
    hierarchical_effects,
    independent_effects,
    wald,
)

YI = np.array([0.1, 0.5, 0.9, 0.3, 0.2, 1.4, -0.2])
VI = np.array([0.04, 0.06, 0.05, 0.03, 0.08, 0.04, 0.05])
STUDY = np.array(["a", "a", "b", "b", "c", "d", "d"])
MODS = {"x": np.array([0.0, 1, 0, 1, 1, 0, 2]), "z": np.array([3.0, 3, 1, 1, 5, 4, 4])}


def test_equal_weights_give_the_textbook_variance_of_a_mean():
    # One effect in each of m clusters, equal variances: CR2 is s²/m, with m - 1 degrees of freedom.
    found = cluster_robust(independent_effects(YI, np.full(7, 0.1), list("abcdefg"), tau2=0.2))
    assert found.estimate == pytest.approx(YI.mean())
    assert found.se == pytest.approx(YI.std(ddof=1) / math.sqrt(7), rel=1e-12)
    assert found.df == pytest.approx(6, rel=1e-10)


def test_few_degrees_of_freedom_are_flagged():
    assert cluster_robust(multilevel.fit(YI, VI, STUDY)).few_df
    assert not cluster_robust(independent_effects(YI, VI, list("abcdefg"), tau2=0.2)).few_df


def test_naive_degrees_of_freedom_are_counts_of_clusters():
    fitted = multilevel.fit(YI, VI, STUDY, mods=MODS["x"])
    assert cluster_robust(fitted, test="naive-t").coefficients["df"].tolist() == [3, 3]
    assert cluster_robust(fitted, test="naive-tp").coefficients["df"].tolist() == [2, 2]
    assert cluster_robust(fitted, test="z").coefficients["df"].isna().all()


def test_no_effect_is_an_empty_estimate():
    for found in (
        cluster_robust(multilevel.fit([], [], [])),
        correlated_effects([], [], []),
        hierarchical_effects([], [], []),
    ):
        assert (found.k, found.n_studies, found.notes) == (0, 0, ())
        assert math.isnan(found.estimate)


def test_one_effect_or_one_study_has_no_robust_variance():
    one = cluster_robust(multilevel.fit([0.5], [0.1], ["a"]))
    assert (one.k, one.estimate, one.notes) == (1, 0.5, ("one effect: no robust variance",))
    cases = [
        cluster_robust(multilevel.fit([0.5, 0.7], [0.1, 0.1], ["a", "a"])),
        correlated_effects([0.5, 0.7], [0.1, 0.1], ["a", "a"]),
        hierarchical_effects([0.5, 0.7], [0.1, 0.1], ["a", "a"]),
        correlated_effects([0.6], [0.1], ["a"]),
        hierarchical_effects([0.6], [0.1], ["a"]),
    ]
    for found in cases:
        assert found.estimate == pytest.approx(0.6)
        assert math.isnan(found.se)
        assert math.isnan(found.pval)
        assert found.n_studies == 1
        assert "1 clusters for 1 coefficients: no robust variance" in found.notes


def test_two_studies_have_one_degree_of_freedom_or_less():
    found = correlated_effects([0.1, 0.5, 0.9], [0.1, 0.1, 0.1], ["a", "a", "b"])
    assert 0.5 < found.df <= 1 + 1e-9
    assert found.few_df


def test_equal_effects_have_no_error():
    found = correlated_effects(np.full(7, 0.4), VI, STUDY)
    assert found.tau2 == 0
    assert found.I2 == 0
    assert found.se == pytest.approx(0, abs=1e-12)


def test_a_coefficient_that_one_cluster_determines_is_not_an_error_of_algebra():
    only_d = np.array([0.0, 0, 0, 0, 0, 1, 1])
    found = cluster_robust(multilevel.fit(YI, VI, STUDY, mods={"only_d": only_d}))
    assert found.coefficients["se"].notna().all()
    test = wald(found)
    assert test.df2 <= 0 or math.isnan(test.pval) or 0 <= test.pval <= 1


def test_more_coefficients_than_clusters_have_no_robust_variance():
    found = cluster_robust(multilevel.fit(YI[:4], VI[:4], STUDY[:4], mods=MODS["x"][:4]))
    assert found.coefficients["se"].isna().all()
    assert found.coefficients["estimate"].notna().all()
    assert "2 clusters for 2 coefficients" in found.notes[0]


def test_one_constraint_is_the_square_of_its_t_test():
    fitted = multilevel.fit(YI, correlated(VI, STUDY, rho=0.5), mods=MODS["x"])
    row = cluster_robust(fitted).coefficients.iloc[1]
    test = wald(fitted, ["mods[0]"])
    assert test.stat == pytest.approx(row["stat"] ** 2, rel=1e-9)
    assert test.df2 == pytest.approx(row["df"], rel=1e-9)
    assert test.pval == pytest.approx(row["pval"], rel=1e-9)


def test_constraints_may_be_mixed_and_rescaled():
    fitted = multilevel.fit(YI, VI, list("abcdefg"), mods=MODS)
    by_name = wald(fitted, ["x", "z"])
    mixed = wald(fitted, [[0, 1, 1], [0, 100, -3]])
    assert mixed.stat == pytest.approx(by_name.stat, rel=1e-8)
    assert mixed.df2 == pytest.approx(by_name.df2, rel=1e-8)
    assert wald(fitted).stat == by_name.stat


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(0, 10_000))
def test_order_sign_and_unit_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    study = np.array([f"s{i}" for i in np.repeat(np.arange(6), rng.integers(1, 4, 6))])
    yi, vi = rng.normal(0.3, 0.5, len(study)), rng.uniform(0.02, 0.3, len(study))
    order = rng.permutation(len(study))
    for function in (correlated_effects, hierarchical_effects):
        one = function(yi, vi, study)
        moved = function(yi[order], vi[order], study[order])
        scaled = function(-10 * yi, 100 * vi, study)
        for other, factor in ((moved, 1), (scaled, -10)):
            assert other.estimate == pytest.approx(factor * one.estimate, rel=1e-8)
            assert other.se == pytest.approx(abs(factor) * one.se, rel=1e-8)
            assert other.df == pytest.approx(one.df, rel=1e-8)
            assert other.tau2 == pytest.approx(factor**2 * one.tau2, rel=1e-7, abs=1e-12)


def test_one_effect_in_each_study_makes_both_kinds_of_weight_one():
    study = list("abcdefg")
    one, other = correlated_effects(YI, VI, study), hierarchical_effects(YI, VI, study)
    assert (other.sigma2[1], one.sigma2[1]) == (0, 0)
    for name in ("estimate", "se", "df", "tau2", "QE"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: cluster_robust(multilevel.fit(YI, VI, STUDY), vcov="HC3"),
            "allowed: CR0, CR1, CR1p, CR2, CR3",
        ),
        (lambda: cluster_robust(multilevel.fit(YI, VI, STUDY), test="F"), "allowed: Satterthwaite"),
        (
            lambda: cluster_robust(multilevel.fit(YI, VI, STUDY), cluster=list("pqppppp")),
            "study 'a' is split between clusters 'p', 'q'; allowed: whole studies",
        ),
        (lambda: cluster_robust(multilevel.fit(YI, VI, STUDY), cluster=["p"]), "cluster must name"),
        (lambda: independent_effects(YI, VI, STUDY, tau2=-1), "tau2 -1 must be finite and not below zero"),
        (lambda: correlated_effects(YI, VI, STUDY, rho=1.5), "rho 1.5 must lie between 0 and 1"),
        (lambda: correlated_effects(YI[:2], VI[:2], STUDY[:2], mods=[0, 1]), "needs more effects than 2"),
        (lambda: wald(multilevel.fit(YI, VI, STUDY)), "no moderator to test"),
        (
            lambda: wald(multilevel.fit(YI, VI, STUDY), ["y"]),
            "term 'y' is not in the model; allowed: intercept",
        ),
        (lambda: wald(multilevel.fit(YI, VI, STUDY), [[1, 2]]), "independent rows of 1 numbers"),
        (lambda: wald(multilevel.fit([0.5], [0.1], ["a"])), "too few effects"),
        (lambda: wald(multilevel.fit(YI, VI, STUDY), test="EDF"), "allowed: HTZ, naive-F"),
    ],
)
def test_what_cannot_be_tested_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("result", [robust.RobustEstimate, robust.WaldTest])
def test_every_attribute_of_a_result_is_described(result):
    assert [field.name for field in fields(result) if field.name not in result.__doc__] == []
