"""Several effects of the same people in one pool: the model, what it falls back on, and the whole outcome."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from livingreview.pooling import dependence, random_effects
from livingreview.pooling.outcomes import METHODS, STATISTICS, pool_outcome

FOLDER = Path(__file__).parents[1] / "reference" / "several_effects"
EFFECTS = pd.read_csv(FOLDER / "effects.csv", dtype={"study": str}, keep_default_na=False)
EXPECTED = pd.read_csv(FOLDER / "expected.csv")
NUMBERS = [c for c in EXPECTED.columns if c not in ("set", "rho", "method")]
CASES = [tuple(row) for row in EXPECTED[["set", "rho", "method"]].itertuples(index=False)]


def of_set(name):
    rows = EFFECTS[EFFECTS["set"] == name]
    return {c: list(rows[c]) for c in ("yi", "vi", "study", "comparison")}


def test_the_reference_holds_what_it_should():
    assert len(CASES) == 16
    assert len(EFFECTS) == 283
    assert set(EFFECTS["comparison"]) == {"", "a", "b"}


@pytest.mark.parametrize(("name", "rho", "method"), CASES)
def test_every_statistic_agrees_with_metafor_and_clubsandwich(name, rho, method):
    found = dependence.fit(**of_set(name), correlation=rho, method=method)
    at = EXPECTED[["set", "rho", "method"]].eq([name, rho, method]).all(axis=1)
    expected = EXPECTED[at].iloc[0]
    assert [getattr(found, n) for n in NUMBERS] == pytest.approx([expected[n] for n in NUMBERS], rel=1e-6)
    assert found.weights.sum() == pytest.approx(100, rel=1e-12)
    assert found.tau2 == pytest.approx(sum(found.sigma2), rel=1e-14)


def test_effects_of_two_comparisons_are_not_dependent_and_of_two_instruments_are():
    assert not dependence.is_dependent(["A", "A", "B"], ["a", "b", ""])
    assert dependence.is_dependent(["A", "A", "B"], ["a", "a", ""])
    assert not dependence.is_dependent([], [])


def test_an_estimator_without_such_a_model_is_named_with_the_one_that_took_its_place():
    by_dl, by_reml = (dependence.fit(**of_set("random_a"), correlation=0.6, method=m) for m in ("DL", "REML"))
    assert by_dl.estimate == by_reml.estimate
    assert by_dl.method_tau2.endswith("DL has no such model")
    assert by_reml.method_tau2 == "REML, between and within studies (CHE, correlation 0.6 assumed)"
    assert by_reml.method_ci == "CR2, t, df: Satterthwaite"


def test_two_studies_have_an_interval_that_says_how_little_it_rests_on():
    found = dependence.fit(
        [-0.6, -0.2, -0.3],
        [0.04, 0.05, 0.03],
        study=["A", "A", "B"],
        comparison=["", "", ""],
        correlation=0.6,
    )
    assert found.df < 4
    assert "fewer than 4 degrees of freedom" in found.method_ci
    assert math.isfinite(found.ci_low)


def test_a_single_study_is_the_mean_of_its_effects():
    found = dependence.fit([-0.6, -0.2], [0.04, 0.04], study=["A", "A"], comparison=["", ""], correlation=0.5)
    # (0.04 + 0.04 + 2 * 0.5 * 0.04) / 4 = 0.03; qnorm(0.975) = 1.959964.
    assert (found.k, found.n_studies) == (2, 1)
    assert (found.estimate, found.se) == pytest.approx((-0.4, math.sqrt(0.03)), rel=1e-12)
    assert found.ci_low == pytest.approx(-0.4 - 1.959963984540054 * math.sqrt(0.03), rel=1e-12)
    assert list(found.weights) == [50.0, 50.0]
    assert math.isnan(found.tau2)
    assert "one study, mean of its effects, correlation 0.5 assumed" in found.method_tau2


def test_two_comparisons_of_a_single_study_are_pooled_by_their_means():
    found = dependence.fit(
        [-0.6, -0.2, -0.1],
        [0.04, 0.04, 0.06],
        study=["A"] * 3,
        comparison=["a", "a", "b"],
        correlation=0.5,
    )
    expected = random_effects.fit([-0.4, -0.1], [0.03, 0.06])
    assert (found.estimate, found.tau2) == pytest.approx((expected.estimate, expected.tau2), rel=1e-12)
    # Of the weight of a mean each of its effects has the same share.
    half = expected.weights[0] / 2
    assert list(found.weights) == pytest.approx([half, half, expected.weights[1]], rel=1e-12)


def test_equal_effects_have_no_heterogeneity():
    found = dependence.fit(
        [0.3] * 4,
        [0.04] * 4,
        study=["A", "A", "B", "C"],
        comparison=[""] * 4,
        correlation=0.6,
    )
    assert (found.estimate, found.tau2) == (pytest.approx(0.3, rel=1e-12), 0)
    assert (found.I2, found.H2) == (0, 1)


def test_turning_every_sign_turns_the_estimate():
    given = of_set("random_e")
    one = dependence.fit(**given, correlation=0.6)
    other = dependence.fit(**given | {"yi": [-y for y in given["yi"]]}, correlation=0.6)
    assert other.estimate == pytest.approx(-one.estimate, rel=1e-9)
    assert (other.ci_low, other.ci_high) == pytest.approx((-one.ci_high, -one.ci_low), rel=1e-9)


SUBGROUPS = [{"variable": "condition", "label": "Condition", "groups": {"x": {"label": "X"}}}]


def frame(name="random_e"):
    rows = EFFECTS[EFFECTS["set"] == name].reset_index(drop=True)
    about = {"outcome": "pain", "in_pool": True, "in_sensitivity": True, "ni": 50.0}
    condition = ["x" if study in "1234" else "y" for study in rows["study"]]
    return rows.assign(
        **about,
        condition=condition,
        row_id=[f"r{i}" for i in range(len(rows))],
        label=[f"{s} {c}".strip() for s, c in zip(rows["study"], rows["comparison"], strict=True)],
        entered=[f"2020-0{study}" for study in rows["study"]],
    )


def pooled(rows, **options):
    return pool_outcome(rows, outcome="pain", label="Pain", subgroups=SUBGROUPS, **options)


def test_the_main_analysis_of_an_outcome_is_of_dependent_effects():
    rows = frame()
    result = pooled(rows, correlation=0.3, thresholds=(0.2,))
    main, expected = result["main"], dependence.fit(**of_set("random_e"), correlation=0.3)
    assert {n: main[n] for n in STATISTICS} == {n: getattr(expected, n) for n in STATISTICS}
    assert {n: main[n] for n in METHODS} == {n: getattr(expected, n) for n in METHODS}
    assert (main["k"], main["n_studies"]) == (15, 8)
    assert main["method_tau2_ci"].startswith("none")
    # 50 people in each of the samples of study and comparison, not for every effect.
    assert main["n_participants"] == 50 * len(rows[["study", "comparison"]].drop_duplicates()) < 50 * 15
    table = result["sensitivity_table"]
    assert [row["analysis"] for row in table[:2]] == ["main", "independent"]
    assert table[0]["estimate"] == main["estimate"]
    assert table[1]["estimate"] == random_effects.fit(rows["yi"], rows["vi"]).estimate
    assert [w["weight"] for w in result["weights"]] == list(expected.weights)
    assert result["shares"][0]["reason"].startswith("no standard error")


def test_what_shows_beside_it_rests_on_the_same_model():
    rows = frame()
    result = pooled(rows)
    last = result["cumulative"][-1]
    assert (last["k"], last["estimate"]) == (15, result["main"]["estimate"])
    without = next(one for one in result["leave_one_out"] if one["omitted"] == "3")
    kept = {c: list(rows.loc[rows["study"] != "3", c]) for c in ("yi", "vi", "study", "comparison")}
    assert without["estimate"] == dependence.fit(**kept, correlation=0.6).estimate
    (condition,) = result["subgroups"]
    assert sum(group["k"] for group in condition["groups"]) == 15
    assert condition["between"]["n_groups"] == 2
    # Means of samples, of which influence and the tests of small studies know no dependence.
    assert len(result["influence"]) == len(rows[["study", "comparison"]].drop_duplicates())


def test_an_outcome_in_which_no_study_gives_two_is_pooled_as_ever():
    rows = frame().drop_duplicates(["study", "comparison"])
    main = pooled(rows)["main"]
    expected = random_effects.fit(rows["yi"], rows["vi"])
    assert (main["estimate"], main["method_ci"]) == (expected.estimate, expected.method_ci)
    assert main["method_tau2_ci"] == "Q-profile"


def test_missing_numbers_of_participants_are_counted_once_for_each_sample():
    rows = frame()
    rows["ni"] = np.where(rows["study"] == "1", math.nan, rows["ni"])
    main = pooled(rows)["main"]
    assert main["n_participants_unknown_rows"] == 1
