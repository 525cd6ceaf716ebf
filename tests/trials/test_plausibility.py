"""Each check speaks of its slip, names what it expected, and is silent about the same row without it."""

import math

import pandas as pd
import pytest

from livingreview import tables
from livingreview.trials import instruments, plausibility

REGISTRY = pd.DataFrame(
    [
        {
            "name": "Sum of nine",
            "aliases": "S9",
            "outcome": "depression",
            "higher_is": "worse",
            "range_low": 0.0,
            "range_high": 27.0,
            "integer": "yes",
            "n_items": 9,
            "sd_low": 4.0,
            "sd_high": 6.0,
        }
    ]
).reindex(columns=tables.columns("instruments"))
ROW = {
    "row_id": "a.depression.1",
    "study_id": "a",
    "outcome": "depression",
    "instrument": "S9",
    "higher_is": "worse",
    "timepoint": "post",
    "arm_1": "online course",
    "arm_2": "waiting list",
    "mean_1": 9.5,
    "sd_1": 4.8,
    "n_1": 40,
    "mean_2": 12.3,
    "sd_2": 5.1,
    "n_2": 38,
    "baseline_mean_1": 14.3,
    "baseline_sd_1": 4.9,
    "baseline_mean_2": 14.1,
    "baseline_sd_2": 5.0,
    "effect_type": "means",
    "priority": 1,
    "status": "ok",
    "run": "2020-01",
}
STUDY = {"study_id": "a", "n_randomised": 90, "n_intervention": 45, "n_control": 45}


def find(*rows, studies=(STUDY,), registry=REGISTRY, **options):
    outcomes = pd.DataFrame(list(rows)).reindex(columns=tables.columns("outcomes"))
    studies = pd.DataFrame(list(studies)).reindex(columns=tables.columns("studies"))
    return plausibility.find(outcomes, studies, instruments.lookup(registry), **options)


def checks(*rows, **options):
    return {(one.row_id, one.check) for one in find(*rows, **options)}


def of_row(changes, **options):
    return {check for _, check in checks(ROW | changes, **options)}


def test_a_plausible_row_has_no_findings():
    assert find(ROW) == []


def test_no_rows_have_no_findings():
    outcomes = pd.DataFrame(columns=tables.columns("outcomes"))
    studies = pd.DataFrame(columns=tables.columns("studies"))
    assert plausibility.find(outcomes, studies, instruments.lookup(REGISTRY)) == []


SE = {"sd_1": 0.76, "sd_2": 0.83}
SLIPS = [
    ("se_as_sd", SE),
    ("se_as_sd", SE | {"baseline_sd_1": 0.77, "baseline_sd_2": 0.81}),
    ("se_as_sd", {"sd_1": 0.76}),
    ("sd_as_se", {"sd_1": 30.4, "sd_2": 31.4}),
    ("sd_as_se", {"se_1": 4.8, "se_2": 5.1}),
    ("sign_against_means", {"printed_effect": "0.56", "printed_direction": "arm 1 minus arm 2"}),
    ("direction_of_instrument", {"higher_is": "better"}),
    ("arms_swapped", {"arm_1": "waiting list", "arm_2": "online course"}),
    ("baseline_difference", {"baseline_mean_1": 19.3}),
    ("change_not_post", {"change_mean_1": -1.8}),
    ("after_as_before", {"mean_1": 14.3, "sd_1": 4.9}),
    ("n_above_randomised", {"n_1": 400}),
    ("attrition", {"n_1": 4, "n_2": 4}),
    ("outside_range", {"mean_1": 28.0}),
    ("sd_impossible", {"sd_1": 23.0}),
    ("decimal_slip", {"mean_1": 95.0}),
    ("decimal_slip", {"baseline_mean_1": 1.43}),
    ("decimal_slip", {"sd_2": 51.0}),
    ("decimal_slip", {"sd_2": 0.51}),
    ("limits_swapped", {"ci_low_1": 11.0, "ci_high_1": 8.0}),
    ("limits_swapped", {"ci_low_1": 10.0, "ci_high_1": 12.0}),
    ("limits_swapped", {"q1_1": 9.0, "median_1": 8.0, "q3_1": 12.0}),
    ("events_above_n", {"events_1": 55}),
    ("t_against_means", {"t_value": 25.0}),
    ("p_against_means", {"p_value": 1e-9}),
    ("p_too_small", {"p_value": 1e-20}),
    ("effect_against_means", {"printed_effect": "2.5", "printed_direction": "favours treatment"}),
    ("effect_too_large", {"mean_1": 1.5, "sd_1": 4.0, "sd_2": 4.0}),
    ("printed_se", {"effect_type": "hedges_g", "printed_effect": "-0.5", "printed_se": 0.05}),
    ("same_arms", {"mean_1": 12.35, "sd_1": 5.12, "mean_2": 12.35, "sd_2": 5.12}),
    ("grim", {"mean_1": 9.51}),
    # The squares of six whole scores with the odd sum of 57 would sum to 656, which is even.
    ("grimmer", {"mean_1": 9.5, "sd_1": 4.79, "n_1": 6, "n_2": 6}),
]


@pytest.mark.parametrize(("check", "slip"), SLIPS)
def test_a_slip_is_named_by_its_check(check, slip):
    assert check in of_row(slip)


def test_every_check_has_a_test():
    others = {"n_grows", "same_numbers", "control_twice", "opposite_effect", "beyond_prediction"}
    assert {check for check, _ in SLIPS} | others == set(plausibility.CHECKS)


def test_a_finding_is_a_sentence_with_row_value_expectation_and_hint():
    (found,) = find(ROW | SE, only=["se_as_sd"])
    assert found.severity == "error"
    sentence = found.sentence()
    for part in ("row a.depression.1", "sd_1 is 0.76 with n = 40", "sd_2 is 0.83", "4 to 6 of S9", "hint: "):
        assert part in sentence
    assert ("a.depression.1", "sd_1") in found.cells


def test_one_arm_with_a_standard_error_is_a_warning():
    (found,) = find(ROW | {"sd_1": 0.76}, only=["se_as_sd"])
    assert found.severity == "warning"


def test_standard_errors_are_recognised_without_a_registry_by_other_trials_or_by_the_baseline():
    nothing = REGISTRY.iloc[:0]
    others = [
        ROW | {"row_id": f"{s}.depression.1", "study_id": s, "mean_1": 9.5 + i, "sd_1": 4.8 + i / 10}
        for i, s in enumerate("bcd", 1)
    ]
    everywhere = ROW | SE | {"baseline_sd_1": 0.77, "baseline_sd_2": 0.81}
    assert checks(everywhere, registry=nothing, only=["se_as_sd"]) == set()
    assert checks(everywhere, *others, registry=nothing, only=["se_as_sd"]) == {
        ("a.depression.1", "se_as_sd")
    }
    assert checks(ROW | SE, registry=nothing, only=["se_as_sd"]) == {("a.depression.1", "se_as_sd")}


def test_another_unit_of_the_same_instrument_is_no_standard_error():
    nothing = REGISTRY.iloc[:0]
    small = {c: v / 10 for c, v in ROW.items() if c.startswith(("mean", "sd", "baseline"))}
    others = [ROW | {"row_id": f"{s}.depression.1", "study_id": s} for s in "bcd"]
    found = checks(ROW | small, *others, registry=nothing, only=["se_as_sd"])
    assert found == set()


def test_a_row_set_aside_gives_no_more_than_a_note():
    (found,) = find(ROW | SE | {"status": "set_aside"}, only=["se_as_sd"])
    assert found.severity == "note"


def test_more_people_at_follow_up_than_before_are_found():
    later = ROW | {"row_id": "a.depression.2", "timepoint": "follow-up", "n_1": 43}
    assert ("a.depression.2", "n_grows") in checks(ROW, later)
    assert ("a.depression.2", "n_grows") not in checks(ROW, later | {"n_1": 40})


def test_a_copied_row_is_an_error_across_studies_and_a_warning_within_one():
    twin = ROW | {"row_id": "b.depression.1", "study_id": "b"}
    severities = {one.severity for one in find(ROW, twin, only=["same_numbers"])}
    assert severities == {"error"}
    within = ROW | {"row_id": "a.depression.2", "timepoint": "follow-up"}
    assert {one.severity for one in find(ROW, within, only=["same_numbers"])} == {"warning"}


def test_a_control_of_two_comparisons_is_found_unless_it_is_marked():
    one = ROW | {"comparison": "a"}
    other = ROW | {"row_id": "a.depression.2", "comparison": "b", "mean_1": 10.1}
    assert {c for _, c in checks(one, other)} == {"control_twice"}
    shared = {"shared_control": "whole"}
    assert checks(one | shared, other | shared) == set()


def with_effects(yi):
    rows, effects = [], []
    for study, value in zip("abcde", yi, strict=True):
        rows.append(
            ROW | {"row_id": f"{study}.depression.1", "study_id": study, "instrument": f"own {study}"}
        )
        effects.append({"row_id": f"{study}.depression.1", "yi": value, "vi": 0.04})
    return rows, pd.DataFrame(effects)


def test_an_effect_beyond_the_interval_that_the_others_predict_is_found():
    rows, effects = with_effects([0.9, -0.3, -0.4, -0.5, -0.35])
    asked = []

    def predict(yi, vi, vi_new):
        asked.append((sorted(yi), list(vi), vi_new))
        return -0.9, 0.2

    found = {
        check
        for row_id, check in checks(
            *rows, effects=effects, predict=predict, only=["beyond_prediction", "opposite_effect"]
        )
        if row_id == "a.depression.1"
    }
    assert found == {"beyond_prediction", "opposite_effect"}
    assert asked[0] == ([-0.5, -0.4, -0.35, -0.3], [0.04] * 4, 0.04)


def test_fewer_than_three_other_studies_predict_nothing():
    rows, effects = with_effects([0.9, -0.3, -0.4, -0.5, -0.35])
    never = pytest.fail
    assert checks(*rows[:3], effects=effects, predict=never, only=["beyond_prediction"]) == set()


def test_zeros_at_the_end_of_printed_cells_count_in_grim():
    row = ROW | {"mean_1": 9.6, "n_1": 28, "instrument": "Sum of nine"}
    assert "grim" not in {c for _, c in checks(row)}
    printed = {"a.depression.1": {"mean_1": "9.60"}}
    assert "grim" in {c for _, c in checks(row, printed=printed)}


def test_an_unknown_check_is_refused_by_name():
    with pytest.raises(ValueError, match=r"no such check: se_for_sd; allowed: .*se_as_sd"):
        find(ROW, only=["se_for_sd"])


def test_a_row_without_numbers_has_no_findings():
    bare = {name: value for name, value in ROW.items() if not isinstance(value, float)}
    assert find(bare | {"n_1": math.nan, "n_2": math.nan}) == []
