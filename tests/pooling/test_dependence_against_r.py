"""Every model of dependent effects, on ten sets of effects, against metafor, clubSandwich and robumeta."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from livingreview.pooling import aggregation, covariance, multilevel, robust

REFERENCE = Path(__file__).parents[1] / "reference" / "dependence"
SETS = "konstantopoulos assink tannersmith knapp berkey random_a random_b random_c random_d random_e".split()
# What double arithmetic leaves when a year stands beside an intercept: robumeta and clubSandwich invert X'WX.
RELATIVE = 1e-7
# Below this, a number is a zero in which programs differ by rounding.
ABSOLUTE = 1e-12


@pytest.fixture(scope="module")
def effects():
    return pd.read_csv(REFERENCE / "data.csv", dtype={"study": str})


@pytest.fixture(scope="module")
def expected():
    table = pd.read_csv(REFERENCE / "expected.csv")
    groups = table.groupby(["set", "model", "quantity"], sort=False)
    return {key: group.sort_values("index")["value"].to_numpy() for key, group in groups}


class Comparison:
    """Compares one set with what R printed, and counts."""

    def __init__(self, name, effects, expected):
        rows = effects[effects["set"] == name]
        self.name, self.expected, self.seen = name, expected, set()
        self.yi, self.vi = rows["yi"].to_numpy(), rows["vi"].to_numpy()
        self.study = rows["study"].to_numpy()
        self.mods = {"x": rows["x"].to_numpy(), "z": rows["z"].to_numpy()}

    def same(self, model, quantity, found, *, relative=RELATIVE):
        wanted = self.expected[self.name, model, quantity]
        self.seen.add((model, quantity))
        np.testing.assert_allclose(
            np.asarray(found, dtype=float),
            wanted,
            rtol=relative,
            atol=ABSOLUTE,
            err_msg=f"{self.name} {model} {quantity}",
        )

    def table(self, model, result, quantities="estimate se df pval ci_low ci_high"):
        for quantity in quantities.split():
            self.same(model, quantity, result.coefficients[quantity])

    def wald(self, model, fitted, **options):
        for ours, theirs in (("HTZ", "HTZ"), ("naive-F", "Naive-F")):
            if (self.name, model, f"wald_{theirs}") in self.expected:
                test = robust.wald(fitted, test=ours, **options)
                self.same(model, f"wald_{theirs}", [test.stat, test.df1, test.df2, test.pval])


@pytest.fixture(params=SETS)
def compare(request, effects, expected):
    return Comparison(request.param, effects, expected)


def _variances(compare, model, result, n):
    compare.same(model, "sigma2", result.sigma2[:n])
    compare.same(model, "I2", [result.I2_between, result.I2_within][:n])
    compare.same(model, "QE", [result.QE])
    compare.same(model, "QE_p", [result.QE_p])
    compare.same(model, "fit", [result.loglik, result.AIC, result.BIC, result.AICc])


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_multilevel_models_are_those_of_rma_mv(compare, method):
    V = covariance.correlated(compare.vi, compare.study, rho=0.6)
    models = {
        f"three/{method}/z": multilevel.fit(compare.yi, compare.vi, compare.study, method=method, test="z"),
        f"study/{method}/z": multilevel.fit(
            compare.yi, compare.vi, compare.study, method=method, test="z", levels="study"
        ),
        f"che/{method}/z": multilevel.fit(compare.yi, V, method=method, test="z"),
    }
    for model, result in models.items():
        compare.table(model, result)
        _variances(compare, model, result, 1 if model.startswith("study") else 2)
        compare.same(model, "pi", [result.pi_low, result.pi_high])
        if method == "REML":
            compare.same(model, "weights", result.weights)


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_moderators_in_che_are_those_of_rma_mv(compare, method):
    V = covariance.correlated(compare.vi, compare.study, rho=0.6)
    result = multilevel.fit(compare.yi, V, mods=compare.mods, method=method)
    model = f"che_mods/{method}/contain"
    compare.table(model, result)
    _variances(compare, model, result, 2)
    compare.same(model, "QM", [result.QM, result.QM_df1, result.QM_df2, result.QM_p])


@pytest.mark.parametrize("dfs", ["contain", "residual"])
def test_t_tests_have_the_degrees_of_freedom_of_rma_mv(compare, dfs):
    result = multilevel.fit(compare.yi, compare.vi, compare.study, dfs=dfs)
    compare.table(f"three/REML/{dfs}", result)
    compare.same(f"three/REML/{dfs}", "pi", [result.pi_low, result.pi_high])


@pytest.mark.parametrize("vcov", robust.ADJUSTMENTS)
def test_robust_variances_after_che_are_those_of_club_sandwich(compare, vcov):
    fitted = multilevel.fit(compare.yi, covariance.correlated(compare.vi, compare.study, rho=0.6))
    result = robust.cluster_robust(fitted, vcov=vcov)
    compare.table(f"che/{vcov}", result, "estimate se df pval")
    if vcov == "CR2":
        compare.table("che/CR2", result, "ci_low ci_high")
        compare.same("che/CR2", "pi", [result.pi_low, result.pi_high])


def test_clusters_of_several_studies_are_those_of_club_sandwich(compare):
    fitted = multilevel.fit(compare.yi, covariance.correlated(compare.vi, compare.study, rho=0.6))
    labs = (pd.factorize(compare.study)[0] // 2).astype(str)
    compare.table("che_labs/CR2", robust.cluster_robust(fitted, cluster=labs))


def test_robust_tests_of_moderators_are_those_of_club_sandwich(compare):
    V = covariance.correlated(compare.vi, compare.study, rho=0.6)
    fitted = multilevel.fit(compare.yi, V, mods=compare.mods)
    compare.table("che_mods/CR2", robust.cluster_robust(fitted))
    compare.wald("che_mods/CR2", fitted)


@pytest.mark.parametrize("with_mods", [False, True])
def test_robust_variances_after_a_two_level_fit_are_those_of_club_sandwich(compare, with_mods):
    name, mods = ("uni_mods", compare.mods) if with_mods else ("uni", None)
    tau2 = float(compare.expected[compare.name, name, "tau2"][0])
    model = robust.independent_effects(compare.yi, compare.vi, compare.study, tau2=tau2, mods=mods)
    compare.table(f"{name}/CR2", robust.cluster_robust(model))
    if with_mods:
        compare.wald(f"{name}/CR2", model)


@pytest.mark.parametrize("small", [True, False])
@pytest.mark.parametrize("kind", ["CORR", "HIER"])
def test_moment_weights_are_those_of_robumeta(compare, kind, small):
    fit = {"CORR": robust.correlated_effects, "HIER": robust.hierarchical_effects}[kind]
    for suffix, mods in (("", None), ("_mods", compare.mods)):
        model = f"{kind}{suffix}/{'small' if small else 'large'}"
        result = fit(compare.yi, compare.vi, compare.study, mods=mods, small=small)
        compare.table(model, result, "estimate se df pval")
        compare.same(model, "sigma2", result.sigma2)
        if kind == "CORR":
            compare.same(model, "I2", [result.I2])
        if small and mods:
            compare.wald(model, result)


@pytest.mark.parametrize("weighted", [True, False])
def test_composites_are_those_of_aggregate(compare, weighted):
    for rho in (0.3, 0.9):
        found = aggregation.composite(compare.yi, compare.vi, compare.study, rho=rho, weighted=weighted)
        model = f"composite/{rho}/{'weighted' if weighted else 'plain'}"
        compare.same(model, "yi", found.yi)
        compare.same(model, "vi", found.vi)


def test_the_reference_holds_every_set_and_model(expected):
    """The grid cannot shrink without notice."""
    models = {key[1] for key in expected if key[0] == "assink"}
    assert {key[0] for key in expected} == {*SETS, "arms"}
    assert all({key[1] for key in expected if key[0] == name} >= models for name in SETS)
    assert len(models) == 33
    assert len(expected) > 2000


@pytest.mark.parametrize("name", ["konstantopoulos", "assink", "random_a", "random_b"])
def test_profile_intervals_and_standard_errors_of_variances_are_those_of_metafor(name, effects, expected):
    one = Comparison(name, effects, expected)
    intervals = multilevel.profile_intervals(one.yi, one.vi, one.study)
    result = multilevel.fit(one.yi, one.vi, one.study)
    for i, interval in enumerate(intervals):
        # metafor's search for the ends stops at its optimiser's precision.
        one.same("three/REML/z", f"profile{i + 1}", interval, relative=1e-4)
    # Numerical derivatives at nlminb's optimum.
    one.same("three/REML/z", "se_sigma2", result.se_sigma2, relative=1e-5)


def test_covariances_known_in_full_are_taken(effects, expected):
    one = Comparison("berkey", effects, expected)
    V = expected["berkey", "known", "V"].reshape(10, 10, order="F")
    result = multilevel.fit(one.yi, covariance.known(V, one.study), test="z")
    one.table("known/REML/z", result)
    _variances(one, "known/REML/z", result, 2)


def test_covariances_by_formula_are_those_of_vcalc_and_impute_covariance_matrix(effects, expected):
    one = Comparison("random_a", effects, expected)
    k = len(one.yi)
    time = pd.Series(one.study).groupby(one.study).cumcount().to_numpy() + 1.0
    kind = np.resize([1, 2], k)
    found = {
        "vcalc/rho": covariance.correlated(one.vi, one.study, rho=0.5),
        "vcalc/phi": covariance.autocorrelated(one.vi, one.study, time, phi=0.7),
        "vcalc/both": covariance.autocorrelated(one.vi, one.study, time, phi=0.7, rho=0.5, kind=kind),
        "impute/subgroup": covariance.correlated(one.vi, one.study, rho=0.5, subgroup=kind),
        "impute/smooth": covariance.correlated(one.vi, one.study, rho=0.5, smooth=True),
    }
    for model, V in found.items():
        one.same(model, "V", V.dense().ravel(order="F"))
