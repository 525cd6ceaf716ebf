"""Effect sizes from what trials print, which of them enter, and what is refused."""

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import compute_effects
from livingreview import tables
from livingreview.errors import InputError
from livingreview.trials import checks, effects, notices, smd
from livingreview.trials.effects import compute
from livingreview.trials.labels import group_of, labels
from livingreview.trials.smd import favouring_negative, from_cohen_d, from_means

ESCALC = pd.read_csv(Path(__file__).parents[1] / "reference" / "escalc.csv")
PROTOCOL = ["pain", "depression"]
MEANS = {"mean_1": 4.0, "sd_1": 2.0, "n_1": 40, "mean_2": 5.0, "sd_2": 2.0, "n_2": 40}
PRINTED = {
    "effect_type": "hedges_g",
    "printed_effect": "0.400",
    "printed_se": 0.2,
    "printed_direction": "positive favours treatment",
}
EMPTY = dict.fromkeys([*checks.NUMBERS, "baseline_mean_1", "baseline_mean_2"], math.nan)
D = {"effect_type": "cohen_d", "printed_effect": "0.5", "printed_direction": "favours treatment"}


def row(row_id="r1", **values):
    """A row of outcomes, empty but for what is given."""
    return (
        EMPTY
        | {"row_id": row_id, "study_id": "example_2020", "comparison": None, "outcome": "pain"}
        | {"instrument": "NRS", "higher_is": "worse", "timepoint": "post", "arm_1": "app", "arm_2": "wait"}
        | {"effect_type": "means", "printed_effect": None, "printed_direction": None, "shared_control": None}
        | {"priority": 1, "status": "ok", "set_aside_reason": None, "source": "table 2", "note": None}
        | {"run": "2020-01"}
        | values
    )


def study(study_id="example_2020", author="Example", year="2020", **values):
    about = {"population": "adult", "condition": "back", "comparator_class": "waitlist"}
    return {"study_id": study_id, "first_author": author, "year": year} | about | values


def run(*rows, studies=None, included=None, **options):
    """`compute` on rows; all their studies exist and are included unless told otherwise."""
    ids = list(dict.fromkeys(r["study_id"] for r in rows))
    table = pd.DataFrame(studies or [study(i, author=i, year=None) for i in ids])
    options = {"protocol": PROTOCOL} | options
    return compute(pd.DataFrame(rows), table, ids if included is None else included, **options)


def one(**values):
    return run(row(**values)).iloc[0]


def test_means_agree_with_escalc_tiny_arms_and_fractions_included():
    columns = ["mean_1", "sd_1", "n_1", "mean_2", "sd_2", "n_2"]
    yi, vi = from_means(**{c: ESCALC[c].to_numpy() for c in columns})
    assert len(yi) == 20
    assert yi == pytest.approx(ESCALC["yi"].to_numpy(), rel=1e-12)
    assert vi == pytest.approx(ESCALC["vi"].to_numpy(), rel=1e-12)


def test_the_small_sample_factor_agrees_with_metafor():
    assert smd.hedges_correction(ESCALC["df"]) == pytest.approx(ESCALC["J"].to_numpy(), rel=1e-12)
    # gamma(1) / gamma(1/2) and, with 4 degrees of freedom, 1 / (sqrt(2) gamma(3/2)).
    assert smd.hedges_correction(2) == pytest.approx(1 / math.sqrt(math.pi), rel=1e-14)
    assert smd.hedges_correction(4) == pytest.approx(math.sqrt(2 / math.pi), rel=1e-14)


def test_cohens_d_gives_the_same_as_the_means_behind_it():
    yi, vi = from_cohen_d(ESCALC["d"].to_numpy(), ESCALC["n_1"].to_numpy(), ESCALC["n_2"].to_numpy())
    assert yi == pytest.approx(ESCALC["yi"].to_numpy(), rel=1e-12)
    assert vi == pytest.approx(ESCALC["vi"].to_numpy(), rel=1e-12)


@pytest.mark.parametrize("df", [1, 0.5, -3])
def test_no_factor_without_degrees_of_freedom(df):
    with pytest.raises(ValueError, match="more than 1 degree of freedom"):
        smd.hedges_correction(df)


@pytest.mark.parametrize(
    ("value", "direction", "higher_is", "expected"),
    [
        (0.4, "positive favours treatment", "worse", -0.4),
        (-0.4, "positive favours treatment", "better", 0.4),
        (-0.4, "negative favours treatment", "better", -0.4),
        (0.4, "negative favours treatment", "worse", 0.4),
        (0.4, "favours treatment", "worse", -0.4),
        (-0.4, "favours treatment", "better", -0.4),
        (0.4, "favours control", "better", 0.4),
        (-0.4, "favours control", "worse", 0.4),
        (0.4, "arm 1 minus arm 2", "worse", 0.4),
        (0.4, "arm 1 minus arm 2", "better", -0.4),
    ],
)
def test_negative_favours_treatment_whatever_was_printed(value, direction, higher_is, expected):
    assert favouring_negative(value, direction=direction, higher_is=higher_is) == expected


def test_a_sign_that_means_nothing_is_refused():
    with pytest.raises(ValueError, match="more responders in arm 1"):
        favouring_negative(0.4, direction="more responders in arm 1")


def test_zero_has_no_minus_sign():
    assert str(favouring_negative(0.0, direction="positive favours treatment")) == "0.0"


def test_lower_pain_in_the_treatment_arm_is_negative():
    result = one(**MEANS)
    # d = -0.5, J(78) by the exact formula.
    assert result["yi"] == pytest.approx(-0.5 * smd.hedges_correction(78), rel=1e-14)
    assert result["vi"] == pytest.approx(2 / 40 + result["yi"] ** 2 / 160, rel=1e-14)
    assert (result["ni"], result["conversion"], result["assumption"]) == (80, "means and SDs", "")
    assert result["in_pool"]
    assert result["in_sensitivity"]
    assert result["reason"] == ""


def test_higher_function_in_the_treatment_arm_is_negative():
    better = MEANS | {"mean_1": 5.0, "mean_2": 4.0, "higher_is": "better"}
    assert one(**better)["yi"] == one(**MEANS)["yi"]


def test_a_printed_g_keeps_its_value_and_its_se():
    result = one(**PRINTED)
    assert (result["yi"], result["vi"]) == (-0.4, pytest.approx(0.04, rel=1e-14))
    assert result["conversion"] == "printed g and SE"
    assert math.isnan(result["ni"])


def test_the_se_comes_before_the_interval_and_the_interval_before_the_arms():
    interval = {"printed_ci_low": 0.008, "printed_ci_high": 0.792}
    sizes = {"n_1": 50, "n_2": 50}
    assert one(**PRINTED | interval | sizes)["conversion"] == "printed g and SE"
    without = PRINTED | {"printed_se": math.nan}
    by_interval = one(**without | interval | sizes)
    assert by_interval["conversion"] == "printed g and CI"
    assert math.sqrt(by_interval["vi"]) == pytest.approx(0.2, rel=1e-4)
    assert by_interval["ni"] == 100
    by_arms = one(**without | sizes)
    assert by_arms["conversion"] == "printed g and arm sizes"
    assert by_arms["vi"] == pytest.approx(0.04 + 0.16 / 200, rel=1e-14)


def test_a_printed_d_is_corrected_and_gets_its_variance_from_the_arms():
    result = one(**D, n_1=39, n_2=28)
    g = 0.5 * smd.hedges_correction(65)
    assert result["yi"] == pytest.approx(-g, rel=1e-14)
    assert result["vi"] == pytest.approx(1 / 39 + 1 / 28 + g**2 / 134, rel=1e-14)
    assert result["conversion"] == "Cohen's d and arm sizes"


@pytest.mark.parametrize(
    ("values", "conversion"),
    [
        (D, "Cohen's d and total size"),
        (PRINTED | {"printed_se": math.nan}, "printed g and total size"),
        (MEANS | {"n_1": math.nan, "n_2": math.nan}, "means, SDs and total size"),
    ],
)
def test_a_total_size_alone_is_for_the_sensitivity_analysis(values, conversion):
    result = one(**values, n_total=72)
    assert (result["in_pool"], result["in_sensitivity"]) == (False, True)
    assert result["reason"] == "arm sizes not printed"
    assert result["assumption"] == "equal arms assumed: arm sizes not printed"
    assert result["conversion"] == conversion
    assert result["vi"] == pytest.approx(2 / 36 + result["yi"] ** 2 / 144, rel=1e-14)
    assert (result["ni"], math.isnan(result["n_1"])) == (72, True)


def test_equal_arms_enter_the_pool_if_the_protocol_says_so():
    result = run(row(**D, n_total=72), arm_sizes_not_printed="equal").iloc[0]
    assert (result["in_pool"], result["reason"]) == (True, "")
    assert result["assumption"] == "equal arms assumed: arm sizes not printed"
    with pytest.raises(ValueError, match="allowed: set_aside, equal"):
        run(row(**D, n_total=72), arm_sizes_not_printed="drop")


@pytest.mark.parametrize("option", ["set_aside", "equal"])
def test_without_any_size_an_effect_enters_nowhere(option):
    result = run(row(**D), arm_sizes_not_printed=option).iloc[0]
    assert (result["in_pool"], result["in_sensitivity"]) == (False, False)
    assert result["reason"] == "arm sizes not printed"
    assert math.isnan(result["yi"])
    assert result["assumption"] == ""


def test_reasons_come_in_their_order():
    worst = {
        "status": "set_aside",
        "set_aside_reason": "second source",
        "outcome": "sleep",
        "timepoint": "follow-up",
        "effect_type": "risk_ratio",
    }
    mends = [
        ("set aside: second source", {"status": "ok"}),
        ("no person has included this study", {}),
        ("outcome sleep is not one of the protocol's", {"outcome": "pain"}),
        ("time point follow-up; the protocol's is post", {"timepoint": "post"}),
        ("effect type risk_ratio cannot enter a pool of standardised mean differences", D),
        ("arm sizes not printed", {"n_1": 30, "n_2": 30}),
        ("", {}),
    ]
    included = set()
    for reason, mend in mends:
        result = run(row(**worst), included=included).iloc[0]
        assert result["reason"] == reason
        assert result["in_pool"] == (reason == "")
        worst |= mend
        if reason == "no person has included this study":
            included = {"example_2020"}


@pytest.mark.parametrize("kind", ["events", "risk_ratio", "odds_ratio", "mean_change", "unspecified"])
def test_other_effect_types_have_no_standardised_value(kind):
    result = one(effect_type=kind, printed_effect="1.3", n_1=30, n_2=30)
    assert result["reason"] == f"effect type {kind} cannot enter a pool of standardised mean differences"
    assert math.isnan(result["yi"])
    assert result["conversion"] == ""


def test_the_protocol_chooses_the_time_point():
    rows = [row("r1", **MEANS), row("r2", **MEANS, timepoint="follow-up")]
    result = run(*rows, timepoint="follow-up")
    assert list(result["in_pool"]) == [False, True]
    assert result["reason"][0] == "time point post; the protocol's is follow-up"


def test_of_several_instruments_the_first_choice_enters():
    rows = [
        row("r3", **MEANS, instrument="PHQ-9", priority=3),
        row("r1", **MEANS, instrument="HDRS-17", priority=1),
        row("r2", **MEANS, instrument="QIDS", priority=2),
    ]
    result = run(*rows)
    assert list(result["row_id"]) == ["r3", "r1", "r2"]
    assert list(result["reason"]) == ["priority 3: HDRS-17 enters", "", "priority 2: HDRS-17 enters"]
    assert list(result["in_sensitivity"]) == [False, True, False]


def test_a_first_choice_that_cannot_enter_makes_way():
    rows = [
        row("r1", effect_type="risk_ratio", printed_effect="1.3", priority=1),
        row("r2", **MEANS, priority=2),
    ]
    assert list(run(*rows)["in_pool"]) == [False, True]


def test_the_sensitivity_analysis_adds_to_the_pool_and_exchanges_nothing():
    rows = [row("r1", **D, n_total=80, priority=1), row("r2", **MEANS, priority=2)]
    result = run(*rows)
    assert list(result["in_pool"]) == [False, True]
    assert list(result["in_sensitivity"]) == [False, True]
    assert result["reason"][0] == "arm sizes not printed"
    equal = run(*rows, arm_sizes_not_printed="equal")
    assert list(equal["in_pool"]) == [True, False]


def comparisons(shared, *kinds):
    """Rows a, b, ... of one study against one control."""
    letters = "abcdef"[: len(kinds)]
    rows = zip(letters, kinds, strict=True)
    return [row(f"r_{c}", **kind, comparison=c, shared_control=shared) for c, kind in rows]


def test_a_shared_control_is_divided_among_comparisons_with_means():
    result = run(*comparisons("whole", MEANS, MEANS | {"mean_1": 3.5, "n_1": 44}))
    yi, vi = from_means(**MEANS | {"n_2": 20})
    assert (result["yi"][0], result["vi"][0]) == pytest.approx((yi, vi), rel=1e-14)
    assert list(result["ni"]) == [60, 64]
    assert list(result["n_2"]) == [40, 40]
    assert result["assumption"][0] == "shared control of 40 divided by 2"


def test_participants_of_a_shared_control_are_counted_once():
    result = run(*comparisons("whole", MEANS, MEANS, MEANS | {"n_1": 41}))
    assert result["ni"].sum() == pytest.approx(40 + 40 + 41 + 40, rel=1e-14)


def test_a_printed_variance_gets_what_the_division_of_the_control_adds():
    printed = PRINTED | {"n_2": 101}
    result = run(*comparisons("whole", printed, printed))
    assert result["vi"][0] == pytest.approx(0.04 + 1 / 101, rel=1e-14)
    assert result["yi"][0] == -0.4
    assumption = "shared control of 101 divided by 2: 1/101 added to the printed variance"
    assert result["assumption"][0] == assumption
    three = run(*comparisons("whole", printed, printed, printed))
    assert three["vi"][0] == pytest.approx(0.04 + 2 / 101, rel=1e-14)


def test_the_increment_is_the_growth_of_the_mean_part_of_the_variance():
    n_1, n_2, m = 50.0, 90.0, 3
    growth = smd.smd_variance(0.0, n_1, n_2 / m) - smd.smd_variance(0.0, n_1, n_2)
    assert smd.shared_control_increment(n_2, m) == pytest.approx(growth, rel=1e-12)


def test_only_comparisons_that_enter_share_the_control():
    late = MEANS | {"timepoint": "follow-up"}
    aside = MEANS | {"status": "set_aside", "set_aside_reason": "second source"}
    result = run(*comparisons("whole", MEANS, late, aside))
    assert result["vi"][0] == one(**MEANS)["vi"]
    assert result["assumption"][0] == ""
    elsewhere = [
        *comparisons("whole", MEANS),
        row("r_d", **MEANS, outcome="depression", shared_control="whole"),
    ]
    assert run(*elsewhere)["vi"][0] == one(**MEANS)["vi"]


def test_a_shared_control_of_unknown_size_is_refused():
    result = run(*comparisons("whole", PRINTED, PRINTED | {"n_2": 60}))
    assert result["reason"][0] == "shared control counted whole, and its size not printed"
    assert list(result["in_pool"]) == [False, True]
    # Alone, the second needs no division.
    assert result["vi"][1] == pytest.approx(0.04, rel=1e-14)


def test_a_shared_control_too_small_to_divide_is_refused():
    tiny = MEANS | {"n_2": 2}
    result = run(*comparisons("whole", tiny, tiny))
    assert list(result["reason"]) == ["shared control of 2 is too small to divide by 2"] * 2
    assert not result["in_sensitivity"].any()


def test_a_control_divided_by_its_authors_is_left_as_printed():
    result = run(*comparisons("divided", PRINTED, PRINTED))
    assert result["vi"].tolist() == [one(**PRINTED)["vi"]] * 2
    assert set(result["assumption"]) == {"shared control already divided among the comparisons"}


def test_comparisons_without_a_word_on_the_control_say_that_they_were_taken_as_independent():
    result = run(*comparisons(None, PRINTED, PRINTED))
    assert set(result["assumption"]) == {"comparisons taken as independent: no shared control recorded"}
    assert one(**PRINTED, comparison="a")["assumption"] == ""


IMPOSSIBLE = [
    (MEANS | {"sd_1": 0.0}, ["column sd_1", "found 0.0", "above 0", "standard error"]),
    (MEANS | {"sd_2": -1.0}, ["column sd_2", "found -1.0"]),
    (MEANS | {"baseline_sd_2": 0.0}, ["column baseline_sd_2"]),
    (MEANS | {"n_1": 1}, ["column n_1", "found 1.0", "whole number, 2 or more"]),
    (MEANS | {"n_2": 30.5}, ["column n_2", "found 30.5"]),
    (MEANS | {"n_total": 79}, ["column n_total", "n_1 + n_2 = 80 or more"]),
    (MEANS | {"sd_2": math.nan}, ["column sd_2", "both standard deviations"]),
    (MEANS | {"mean_1": math.nan}, ["column mean_1", "means need both"]),
    (MEANS | {"n_2": math.nan}, ["column n_2", "missing beside n_1"]),
    (MEANS | {"higher_is": None}, ["column higher_is", "worse, better"]),
    (PRINTED | {"printed_se": 0.0}, ["column printed_se", "above 0"]),
    (PRINTED | {"printed_se": -0.2}, ["column printed_se", "found -0.2"]),
    (PRINTED | {"printed_effect": "0.38 to 0.84"}, ["column printed_effect", "'0.38 to 0.84'", "a number"]),
    (PRINTED | {"printed_effect": None}, ["column printed_effect", "missing for effect_type hedges_g"]),
    (PRINTED | {"printed_effect": "nan"}, ["column printed_effect", "'nan'"]),
    (PRINTED | {"printed_ci_low": 0.1}, ["column printed_ci_high", "missing beside printed_ci_low"]),
    (PRINTED | {"printed_ci_low": 0.8, "printed_ci_high": 0.1}, ["column printed_ci_low", "swapped"]),
    (PRINTED | {"printed_ci_low": 0.4, "printed_ci_high": 0.4}, ["below printed_ci_high, 0.4"]),
    (
        PRINTED | {"printed_effect": "-0.4", "printed_ci_low": 0.008, "printed_ci_high": 0.792},
        ["column printed_effect", "'-0.4'", "0.008 to 0.792", "sign"],
    ),
    (
        PRINTED | {"printed_se": 0.204, "printed_ci_low": 0.1, "printed_ci_high": 0.7},
        ["column printed_se", "found 0.204", "about 0.153", "not a normal 95% one"],
    ),
    (PRINTED | {"printed_direction": None}, ["column printed_direction", "positive favours treatment"]),
    (PRINTED | {"printed_direction": "more responders in arm 1"}, ["column printed_direction"]),
    (PRINTED | {"printed_direction": "arm 1 minus arm 2", "higher_is": None}, ["column higher_is"]),
    (D | {"n_1": 20}, ["column n_2", "missing beside n_1"]),
]


@pytest.mark.parametrize(("values", "parts"), IMPOSSIBLE)
def test_impossible_values_are_refused_with_row_column_and_what_is_allowed(values, parts):
    with pytest.raises(InputError) as caught:
        run(row("example.pain.1", **values))
    text = str(caught.value)
    for part in ["data/trials/outcomes.csv", "row example.pain.1", *parts]:
        assert part in text
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize(("values", "_"), IMPOSSIBLE)
def test_rows_set_aside_may_hold_what_cannot_be(values, _):
    result = one(**values | {"status": "set_aside", "set_aside_reason": "doubtful"})
    assert result["reason"] == "set aside: doubtful"
    assert math.isnan(result["yi"])


@pytest.mark.parametrize(
    ("effect", "se", "low", "high"),
    [
        ("0.013", 0.148, -0.278, 0.304),
        ("0.204", 0.275, -0.334, 0.743),
        ("0.4", 0.2, 0.0, 0.8),
        ("0.44", 0.28, -0.1, 0.99),
        ("0.50", 0.08, 0.35, 0.65),
        # The estimate just outside by rounding alone.
        ("0.8", 0.02, 0.71, 0.79),
    ],
)
def test_rounding_of_printed_digits_is_no_contradiction(effect, se, low, high):
    values = {"printed_effect": effect, "printed_se": se, "printed_ci_low": low, "printed_ci_high": high}
    assert one(**PRINTED | values)["vi"] == pytest.approx(se**2, rel=1e-14)


def test_the_interval_of_a_ratio_is_not_held_against_a_standard_error_of_its_logarithm():
    ratio = {"effect_type": "risk_ratio", "printed_effect": "1.28", "printed_se": 0.097}
    assert one(**ratio, printed_ci_low=1.06, printed_ci_high=1.55)["conversion"] == ""


def test_all_problems_of_a_file_are_reported_together():
    rows = [
        row("r1", **MEANS | {"sd_1": -1.0, "n_1": 1}),
        row("r2", **PRINTED | {"printed_se": 0.0}, study_id="other"),
        row("r3", **MEANS, study_id="nobody_2020"),
    ]
    with pytest.raises(InputError) as caught:
        run(*rows, studies=[study(), study("other")])
    assert len(caught.value.problems) == 4
    for part in ["4 problems", "sd_1", "n_1", "printed_se", "'nobody_2020'", "a study of studies.csv"]:
        assert part in str(caught.value)


def test_an_unknown_study_is_refused_even_where_the_row_is_set_aside():
    aside = row(status="set_aside", set_aside_reason="doubtful")
    with pytest.raises(InputError, match="found 'example_2020'; allowed: a study of studies"):
        run(aside, studies=[study("another")])


def test_two_rows_of_one_priority_are_refused_with_both_names():
    with pytest.raises(InputError) as caught:
        run(row("first", **MEANS), row("second", **MEANS))
    assert "row second" in str(caught.value)
    assert "as row first" in str(caught.value)
    aside = row("second", **MEANS | {"status": "set_aside", "set_aside_reason": "second source"})
    assert list(run(row("first", **MEANS), aside)["in_pool"]) == [True, False]


def test_one_row_in_one_row_out_with_what_the_contract_names():
    rows = [row("r1", **MEANS, weeks=8, note="n"), row("r2", **D, outcome="sleep", comparison="b")]
    result = run(*rows)
    assert list(result.columns) == list(effects.COLUMNS)
    assert list(result["row_id"]) == ["r1", "r2"]
    first = result.iloc[0]
    assert (first["weeks"], first["note"], first["source"], first["run"]) == (8, "n", "table 2", "2020-01")
    assert (first["population"], first["condition"], first["comparator"]) == ("adult", "back", "waitlist")


def test_no_rows_give_no_effects():
    empty = pd.DataFrame([row()]).iloc[:0]
    result = compute(empty, pd.DataFrame([study()]), set(), protocol=PROTOCOL)
    assert list(result.columns) == list(effects.COLUMNS)
    assert len(result) == 0


def test_whole_numbers_that_may_be_missing_are_read_as_such():
    table = pd.DataFrame([row("r1", **MEANS), row("r2", **PRINTED, study_id="other")])
    for column in ("n_1", "n_2", "priority"):
        table[column] = table[column].astype("Int64")
    result = compute(table, pd.DataFrame([study(), study("other")]), {"example_2020"}, protocol=PROTOCOL)
    assert result["ni"][0] == 80
    assert math.isnan(result["ni"][1])


GROUPS = {
    "headache": {"label": "Headache", "values": ["headache", "migraine"]},
    "other_pain": {"label": "Other", "values": ["back", "several; kinds"]},
}


def test_values_are_grouped_by_the_config_and_none_is_dropped():
    values = [
        "migraine",
        "back",
        "knee",
        None,
        np.nan,
        "headache; migraine",
        "headache; back",
        "several; kinds",
    ]
    assert group_of(values, GROUPS) == [
        "headache",
        "other_pain",
        "unclassified",
        "unclassified",
        "unclassified",
        "headache",
        "unclassified",
        "other_pain",
    ]


def test_a_group_without_values_holds_its_name_and_no_value_has_two_groups():
    assert group_of(["yes", "no"], {"yes": {"label": "Guided"}}) == ["yes", "unclassified"]
    with pytest.raises(ValueError, match="'x' stands in two groups, a and b"):
        group_of(["x"], {"a": {"values": ["x"]}, "b": {"values": ["x"]}})


def test_subgroup_variables_replace_or_extend_the_columns():
    subgroups = [
        {"variable": "condition", "column": "condition", "label": "Condition", "groups": GROUPS},
        {
            "variable": "guidance",
            "column": "guided",
            "label": "Guidance",
            "groups": {"yes": {"label": "Yes"}},
        },
    ]
    studies = [study(condition="migraine", guided="yes"), study("other", condition="knee", guided="no")]
    rows = [row("r1", **MEANS), row("r2", **MEANS, study_id="other")]
    result = run(*rows, studies=studies, subgroups=subgroups)
    assert list(result["condition"]) == ["headache", "unclassified"]
    assert list(result["guidance"]) == ["yes", "unclassified"]
    assert list(result.columns)[-1] == "guidance"


@pytest.mark.parametrize(
    ("studies", "expected"),
    [
        ([("example_2020", "Example", "2020")], ["Example 2020"]),
        ([("example_2020", "Example", 2020.0)], ["Example 2020"]),
        (
            [("example_2013_act", "Example", "2013"), ("example_2013_cbt", "Example", "2013")],
            ["Example 2013 (ACT)", "Example 2013 (CBT)"],
        ),
        (
            [("example_2013", "Example", "2013"), ("example_2013_cbt", "Example", "2013")],
            ["Example 2013a", "Example 2013b"],
        ),
        ([("example_2006", "Example", None)], ["Example (year not printed)"]),
        (
            [("example_x", "Example", None), ("example_y", "Example", None)],
            ["Example (year not printed) (X)", "Example (year not printed) (Y)"],
        ),
        ([("made_up_course", None, None)], ["Made up course"]),
        ([("mindful_2016", None, "2016")], ["Mindful 2016"]),
        ([("van_example_2020", "Van Example", "2020")], ["Van Example 2020"]),
    ],
)
def test_labels_say_what_is_known_and_tell_studies_apart(studies, expected):
    assert labels(pd.DataFrame(studies, columns=["study_id", "first_author", "year"])) == expected


def test_the_label_of_an_effect_ends_with_its_comparison():
    studies = [study()]
    result = run(*comparisons("divided", PRINTED, PRINTED), studies=studies)
    assert list(result["label"]) == ["Example 2020 a", "Example 2020 b"]


def table(schema, *records):
    """A frame with the columns of a schema, filled where given."""
    return pd.DataFrame(
        [dict.fromkeys(tables.columns(schema)) | r for r in records], columns=tables.columns(schema)
    )


def script(tmp_path, outcomes, studies, *, month, **analysis):
    """Run compute_effects.py on these tables and return what it wrote."""
    tables.write(outcomes, tmp_path / "outcomes.csv")
    tables.write(studies, tmp_path / "studies.csv")
    included = studies[["study_id"]].drop_duplicates().assign(since_run="2020-01")
    tables.write(included, tmp_path / "included.csv")
    tables.write(pd.DataFrame(columns=list(notices.COLUMNS)), tmp_path / "notices.csv")
    names = ("outcomes", "studies", "included", "notices")
    compute_effects.main(
        SimpleNamespace(
            input=SimpleNamespace(**{name: tmp_path / f"{name}.csv" for name in names}),
            output=SimpleNamespace(effects=tmp_path / "effects.csv"),
            params=SimpleNamespace(
                run=month,
                outcomes={"pain": {"label": "Pain"}},
                analysis={"timepoint": "post", "arm_sizes_not_printed": "set_aside"} | analysis,
                subgroups=[],
            ),
        )
    )
    return tables.read_results(tmp_path / "effects.csv")


def test_the_script_knows_at_each_run_what_was_entered_and_corrected_by_then(tmp_path):
    about = {"title": "T", "intervention_class": "cbt", "guided": "yes", "source": "S", "revision": 1}
    studies = table("studies", study(run="2020-01") | about)
    entered = row("example_2020.pain.1", **MEANS | {"n_1": 40, "n_2": 40}, revision=1)
    corrected = entered | {"mean_1": 4.5, "run": "2020-03", "revision": 2, "revision_reason": "misread"}
    late = entered | {"row_id": "example_2020.pain.2", "priority": 2, "run": "2020-04"}
    outcomes = table("outcomes", entered, corrected, late)
    first, third, fourth = (script(tmp_path, outcomes, studies, month=f"2020-0{m}") for m in (2, 3, 4))
    assert [len(first), len(third), len(fourth)] == [1, 1, 2]
    # Half the difference of means, with the same standard deviation and sizes, is half of g.
    assert third["yi"][0] == pytest.approx(first["yi"][0] / 2, rel=1e-9)
    assert list(fourth["in_pool"]) == [True, False]
    assert list(third["run"]) == ["2020-03"]


def test_the_script_does_with_several_effects_and_events_what_the_protocol_says(tmp_path):
    about = {"title": "T", "intervention_class": "cbt", "guided": "yes", "source": "S", "revision": 1}
    studies = table("studies", study(run="2020-01") | about)
    rows = [row(f"example_2020.pain.{i}", **MEANS, revision=1) | {"priority": i} for i in (1, 2)]
    events = {"effect_type": "events", "events_1": 12, "n_1": 40, "events_2": 8, "n_2": 40}
    rows.append(row("example_2020.pain.3", **events, revision=1) | {"priority": 3})
    outcomes = table("outcomes", *rows)
    plain = script(tmp_path, outcomes, studies, month="2020-01")
    mean = script(
        tmp_path, outcomes, studies, month="2020-01", several_effects="composite", assumed_correlation=0.5
    )
    everything = script(
        tmp_path, outcomes, studies, month="2020-01", several_effects="all", convert_odds_ratios=True
    )
    assert [list(one["in_pool"]) for one in (plain, mean, everything)] == [
        [True, False, False],
        [True, False, False],
        [True, True, True],
    ]
    # Equal effects of correlation 0.5: three quarters of the variance.
    assert mean["vi"][0] == pytest.approx(0.75 * plain["vi"][0], rel=1e-9)
    assert mean["yi"][0] == plain["yi"][0]
    assert everything["vi"][0] == plain["vi"][0]


def test_the_script_writes_an_empty_table_for_a_review_without_trials(tmp_path):
    result = script(tmp_path, table("outcomes"), table("studies"), month="2020-01")
    assert list(result.columns)[: len(effects.COLUMNS)] == list(effects.COLUMNS)
    assert len(result) == 0
