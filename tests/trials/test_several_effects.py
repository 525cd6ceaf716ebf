"""Several instruments of a trial for one outcome: the preferred one, their mean, or all of them."""

import math
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livingreview.trials import checks
from livingreview.trials.composites import composites
from livingreview.trials.effects import compute
from livingreview.trials.smd import from_means

FOLDER = Path(__file__).parents[1] / "reference" / "several_effects"
MEANS = {"mean_1": 4.0, "sd_1": 2.0, "n_1": 40, "mean_2": 5.0, "sd_2": 2.0, "n_2": 40}
OTHER = MEANS | {"mean_1": 4.4, "n_1": 38, "n_2": 36}
D = {"effect_type": "cohen_d", "printed_effect": "0.5", "printed_direction": "favours treatment"}
TEXTS = ("comparison", "printed_effect", "printed_direction", "shared_control", "note", "set_aside_reason")
BASE = (
    dict.fromkeys(checks.NUMBERS, math.nan)
    | dict.fromkeys(TEXTS)
    | {"study_id": "a_2020", "outcome": "pain", "instrument": "NRS", "higher_is": "worse"}
    | {"timepoint": "post", "arm_1": "app", "arm_2": "wait", "effect_type": "means", "status": "ok"}
    | {"source": "table 2", "run": "2020-01"}
)


def run(*rows, **options):
    """`compute` on rows of one included study, with priorities as they come."""
    table = pd.DataFrame(
        [BASE | {"row_id": f"r{i}", "priority": i} | row for i, row in enumerate(rows, start=1)]
    )
    about = {"study_id": "a_2020", "first_author": "A", "year": "2020", "population": "adult"}
    studies = pd.DataFrame([about | {"condition": "back", "comparator_class": "waitlist"}])
    return compute(table, studies, {"a_2020"}, protocol=["pain", "depression"], **options)


def composed(*rows, correlation=0.6):
    return run(*rows, several_effects="composite", assumed_correlation=correlation)


def g(values, m=1):
    return from_means(**values | {"n_2": values["n_2"] / m})


def test_a_composite_is_the_mean_with_the_variance_of_correlated_effects():
    result = composed(MEANS | {"instrument": "NRS"}, OTHER | {"instrument": "VAS", "source": "table 3"})
    (y_1, v_1), (y_2, v_2) = g(MEANS), g(OTHER)
    first = result.iloc[0]
    assert first["yi"] == pytest.approx((y_1 + y_2) / 2, rel=1e-12)
    # Borenstein et al. 2009, equation 24.5.
    assert first["vi"] == pytest.approx((v_1 + v_2 + 2 * 0.6 * math.sqrt(v_1 * v_2)) / 4, rel=1e-12)
    assert (first["row_id"], first["instrument"], first["source"]) == ("r1", "NRS; VAS", "table 2; table 3")
    assert first["conversion"] == "mean of 2 effects, correlation 0.6 assumed (means and SDs)"
    assert first["assumption"] == "correlation 0.6 of its 2 effects"
    assert list(result["in_pool"]) == [True, False]
    assert result["reason"][1] == "part of the composite in row r1"
    assert not result["in_sensitivity"][1]
    # The single effect stays as it is, to be seen.
    assert (result["yi"][1], result["vi"][1]) == pytest.approx((y_2, v_2), rel=1e-12)


def test_the_people_of_a_composite_are_counted_once():
    result = composed(MEANS, OTHER)
    assert result.loc[result["in_pool"], "ni"].sum() == 80
    unknown = {"effect_type": "hedges_g", "printed_effect": "0.4", "printed_se": 0.2}
    unknown |= {"printed_direction": "favours treatment"}
    assert composed(unknown, OTHER)["ni"][0] == 74
    assert math.isnan(composed(unknown, unknown)["ni"][0])


def test_the_preferred_row_carries_the_composite_wherever_it_stands():
    result = composed(MEANS | {"priority": 2}, OTHER | {"priority": 1})
    assert list(result["in_pool"]) == [False, True]
    assert result["reason"][0] == "part of the composite in row r2"
    assert result["n_1"][1] == 38


def test_effects_of_other_outcomes_comparisons_and_time_points_stay_apart():
    rows = [
        MEANS,
        MEANS | {"outcome": "depression"},
        MEANS | {"comparison": "b"},
        MEANS | {"timepoint": "follow-up"},
    ]
    result = composed(*rows)
    assert list(result["in_pool"]) == [True, True, True, False]
    assert set(result["conversion"][:3]) == {"means and SDs"}
    assert result["vi"].nunique() == 1


def test_a_composite_of_one_effect_is_that_effect():
    assert composed(MEANS).equals(run(MEANS))


def test_a_correlation_of_zero_is_the_mean_of_independent_effects():
    assert composed(MEANS, MEANS, correlation=0)["vi"][0] == pytest.approx(g(MEANS)[1] / 2, rel=1e-12)


def test_what_only_the_sensitivity_analysis_knows_enters_no_composite_of_the_pool():
    result = composed(D | {"n_total": 80}, MEANS, OTHER)
    assert list(result["in_pool"]) == [False, True, False]
    assert list(result["in_sensitivity"]) == [False, True, False]
    assert result["reason"][0] == "arm sizes not printed"
    alone = composed(D | {"n_total": 80}, D | {"n_total": 80})
    assert list(alone["in_sensitivity"]) == [True, False]
    assert not alone["in_pool"].any()
    assert alone["assumption"][0] == (
        "correlation 0.6 of its 2 effects; equal arms assumed: arm sizes not printed"
    )


@pytest.mark.parametrize("several", ["composite", "all"])
def test_a_control_is_divided_among_comparisons_and_not_among_instruments(several):
    shared = [{"comparison": c, "shared_control": "whole", "priority": p} for c in "ab" for p in (1, 2)]
    result = run(*(MEANS | one for one in shared), several_effects=several, assumed_correlation=0.6)
    y, v = g(MEANS, m=2)
    share = (1 + 0.6) / 2 if several == "composite" else 1
    inside = result[result["in_pool"]]
    assert len(inside) == (2 if several == "composite" else 4)
    assert list(inside["yi"]) == pytest.approx([y] * len(inside), rel=1e-12)
    assert list(inside["vi"]) == pytest.approx([v * share] * len(inside), rel=1e-12)
    assert set(inside["ni"]) == {60}
    assert all("shared control of 40 divided by 2" in text for text in inside["assumption"])


def test_all_lets_every_effect_into_the_pool_as_it_is():
    result = run(MEANS, OTHER, several_effects="all")
    assert result["in_pool"].all()
    assert list(result["vi"]) == pytest.approx([g(MEANS)[1], g(OTHER)[1]], rel=1e-12)
    assert set(result["reason"]) == {""}
    assert set(result["assumption"]) == {""}


def test_the_preferred_instrument_enters_where_nothing_is_said():
    assert run(MEANS, OTHER).equals(run(MEANS, OTHER, several_effects="priority", assumed_correlation=0.3))
    assert list(run(MEANS, OTHER)["in_pool"]) == [True, False]


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"several_effects": "mean"}, "'mean'; allowed: priority, composite, all"),
        ({"several_effects": "composite"}, "needs assumed_correlation"),
        ({"several_effects": "composite", "assumed_correlation": 1}, "allowed: from 0 to below 1"),
        ({"assumed_correlation": -0.1}, "allowed: from 0 to below 1"),
        ({"assumed_correlation": math.nan}, "allowed: from 0 to below 1"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, part):
    with pytest.raises(ValueError, match=part):
        run(MEANS, **options)


def records_of(rows):
    texts = {"instrument": "", "source": "s", "conversion": "c", "assumption": "", "reason": ""}
    about = texts | {"in_pool": True, "in_sensitivity": True}
    return [about | {"row_id": f"r{i}", "yi": y, "vi": v, "ni": 10.0} for i, (y, v) in enumerate(rows)]


def test_composites_agree_with_metafor():
    data = pd.read_csv(FOLDER / "effects.csv", dtype={"study": str}, keep_default_na=False)
    expected = pd.read_csv(FOLDER / "composites.csv", dtype={"study": str}, keep_default_na=False)
    assert len(expected) == 184
    for (name, rho), wanted in expected.groupby(["set", "rho"]):
        rows = data[data["set"] == name]
        slots = list(zip(rows["study"], rows["comparison"], strict=True))
        found = composites(
            records_of(zip(rows["yi"], rows["vi"], strict=True)),
            correlation=rho,
            slots=slots,
            priorities=list(rows["effect"]),
        )
        kept = {slot: one for slot, one in zip(slots, found, strict=True) if one["in_pool"]}
        assert len(kept) == len(wanted)
        for one in wanted.itertuples():
            mine = kept[one.study, one.comparison]
            assert (mine["yi"], mine["vi"]) == pytest.approx((one.yi, one.vi), rel=1e-12)


EFFECT = st.tuples(st.floats(-3, 3), st.floats(0.001, 2))


@settings(max_examples=40, derandomize=True)
@given(effects=st.lists(EFFECT, min_size=2, max_size=6), rho=st.floats(0, 0.99))
def test_a_composite_lies_among_its_effects_and_is_no_less_certain_than_the_worst(effects, rho):
    found = composites(
        records_of(effects),
        correlation=rho,
        slots=["same"] * len(effects),
        priorities=range(len(effects)),
    )
    yi, vi = zip(*effects, strict=True)
    assert min(yi) - 1e-12 <= found[0]["yi"] <= max(yi) + 1e-12
    assert 0 < found[0]["vi"] <= max(vi) * (1 + 1e-12)
    assert [one["in_pool"] for one in found] == [True] + [False] * (len(effects) - 1)
