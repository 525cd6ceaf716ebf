"""GRADE's domains as the data suggest them: each rule on numbers worked by hand."""

import math

import pandas as pd
import pytest

from livingreview.errors import InputError
from livingreview.living import certainty, certainty_domains, ratings
from livingreview.living.certainty_domains import DOMAINS

INTERPRETATION = {"no_effect": 0.1, "small": 0.2, "moderate": 0.5, "large": 0.8, "minimum_studies": 3}
RULES = certainty.settings({}, INTERPRETATION)


def pooled(effects=(-0.5, -0.45, -0.4, -0.55), **main):
    """One outcome as estimates.json has it; every trial weighs the same."""
    k = len(effects)
    about = {
        "k": k,
        "n_studies": k,
        "n_participants": 2000,
        "n_participants_unknown_rows": 0,
        "estimate": -0.475,
        "ci_low": -0.6,
        "ci_high": -0.35,
        "pi_low": -0.7,
        "pi_high": -0.25,
        "tau2": 0.01,
        "I2": 10.0,
    }
    return {
        "main": about | main,
        "weights": [
            {"row_id": f"r{i}", "study": f"s{i}", "yi": y, "ci_low": y - 0.2, "ci_high": y + 0.2}
            | {"weight": 100 / k}
            for i, y in enumerate(effects)
        ],
        "sensitivity_table": [],
        "small_study": {"egger": {"pval": None}, "begg": {"pval": None}},
    }


def analysis(name, estimate, *, k=10, low=None, high=None):
    limits = {"ci_low": estimate - 0.1 if low is None else low, "ci_high": high or estimate + 0.1}
    return {"analysis": name, "estimate": estimate, "k": k, "n_studies": k, **limits}


def suggest(found, **changed):
    given = {"classes": {}, "registered": [], "groups": {}, "labels": {}, "rules": RULES}
    return certainty.suggest(found, minimum_studies=3, **(given | changed))


def bias(found, classes, **rules):
    return certainty_domains.risk_of_bias(
        found,
        classes=classes,
        rules=RULES["risk_of_bias"] | rules,
        smallest=0.1,
        minimum_studies=3,
    )


def classes(**kinds):
    """Trials s0, s1, … of so many of each kind, in the order given."""
    names = [kind for kind, n in kinds.items() for _ in range(n)]
    return {f"s{i}": kind for i, kind in enumerate(names)}


@pytest.mark.parametrize(
    ("kinds", "rating"),
    [
        ({"low": 4}, 0),
        ({"low": 3, "some": 1}, 0),
        ({"low": 3, "high": 1}, -1),  # 25% at high risk
        ({"low": 2, "some": 2}, -1),  # 50% not at low risk
        ({"high": 2, "some": 2}, -1),
        ({"high": 3, "low": 1}, -2),  # 75% at high risk
    ],
)
def test_risk_of_bias_follows_the_share_of_weight(kinds, rating):
    assert bias(pooled(), classes(**kinds))["rating"] == rating


def test_shares_of_weight_and_trials_without_judgement_are_told():
    found = bias(pooled(), classes(high=1, low=2))
    assert found["rating"] == -1
    assert found["numbers"]["weight_high"] == 25
    assert found["numbers"]["weight_unknown"] == 25
    assert found["numbers"]["trials_unknown"] == 1
    assert found["reason"] == (
        "25% of the weight comes from trials at high risk of bias; 50% from trials at low risk;"
        " 1 of 4 trials (25% of the weight) has no overall judgement."
    )


def test_no_rating_rests_on_many_trials_that_nobody_judged():
    found = bias(pooled(), classes(low=1))
    assert found["rating"] is None
    assert found["reason"].endswith(
        "3 of 4 trials (75% of the weight) have no overall judgement. That leaves too much open for a suggestion."
    )


def test_what_is_known_to_be_high_lowers_whatever_the_others_are():
    assert bias(pooled(), classes(high=1))["rating"] == -1


@pytest.mark.parametrize(
    ("estimate", "k", "rating"),
    [(-0.44, 3, 0), (-0.2, 3, -1), (-0.44, 2, -1)],
    ids=["nearly the same", "another estimate", "too few trials at low risk"],
)
def test_trials_at_low_risk_with_the_same_estimate_speak_against_rating_down(estimate, k, rating):
    found = pooled()
    found["sensitivity_table"] = [analysis("low_risk_of_bias", estimate, k=k)]
    judged = bias(found, classes(high=1, low=3))
    assert judged["rating"] == rating
    if k == 3:
        assert judged["numbers"]["difference"] == pytest.approx(estimate + 0.475)


@pytest.mark.parametrize(
    ("judgement", "scale", "kind"),
    [
        ("low", ["low", "some concerns", "high"], "low"),
        ("some concerns", ["low", "some concerns", "high"], "some"),
        ("unclear", ["low", "unclear", "high"], "some"),
        ("high", ["low", "high"], "high"),
        ("serious", ["low", "moderate", "serious", "critical"], "high"),
        ("moderate", ["low", "moderate", "serious", "critical"], "some"),
    ],
)
def test_a_judgement_of_any_tool_has_a_class(judgement, scale, kind):
    assert certainty_domains.class_of_judgement(judgement, scale) == kind


def spread(found):
    return certainty_domains.inconsistency(found, rules=RULES["inconsistency"], smallest=0.1)


TEN = tuple(-0.4 - 0.01 * i for i in range(10))


@pytest.mark.parametrize(
    ("effects", "main", "rating"),
    [
        (TEN, {"I2": 60.0}, 0),  # the prediction interval stays with benefit
        (TEN, {"I2": 45.0, "pi_high": -0.05}, -1),  # it reaches effects too small to matter
        (TEN, {"I2": 39.0, "pi_high": -0.05}, 0),  # I² that might not be important
        (TEN, {"I2": 60.0, "pi_high": 0.2}, -1),
        (TEN, {"I2": 75.0, "pi_high": 0.2}, -2),  # it reaches harm, and I² is considerable
        (TEN[:9], {"I2": 49.0, "pi_high": 0.2}, 0),  # nine effects: I² alone
        (TEN[:9], {"I2": 50.0}, -1),
        ((-0.9, -0.5, 0.3), {"I2": 80.0}, -2),  # effects beyond the zone on both sides
        ((-0.9, -0.5, -0.3), {"I2": 80.0}, -1),
        ((-0.2, 0.3), {"I2": 55.0, "pi_low": None, "pi_high": None}, -1),
        ((-0.4,), {"I2": None, "tau2": None, "pi_low": None, "pi_high": None}, 0),
    ],
)
def test_inconsistency_follows_the_prediction_interval_or_i_squared(effects, main, rating):
    assert spread(pooled(effects, **main))["rating"] == rating


def test_inconsistency_names_what_the_prediction_interval_adds():
    found = spread(pooled(TEN, I2=60.0, pi_high=0.2))
    assert found["numbers"]["added_by_prediction"] == ["none", "harm"]
    assert "also holds effects too small to matter and harm" in found["reason"]


def test_effects_whose_intervals_miss_the_estimate_are_counted():
    # The estimate is -0.475; the intervals reach 0.2 to each side.
    assert spread(pooled((-0.5, -0.7, -0.2), I2=30.0))["numbers"]["trials_apart"] == 2


def width(found, **rules):
    return certainty_domains.imprecision(found, rules=RULES["imprecision"] | rules, smallest=0.1)


@pytest.mark.parametrize(
    ("effect", "size"),
    # 2 (1.959964 + 0.841621)² = 15.6978 in each arm for an effect of 1.
    [(1.0, 2 * 16), (0.5, 2 * 63), (0.2, 2 * 393), (0.1, 2 * 1570)],
)
def test_the_optimal_information_size_is_that_of_a_two_armed_trial(effect, size):
    assert certainty_domains.optimal_information_size(effect) == size


@pytest.mark.parametrize(
    ("main", "rating"),
    [
        ({}, 0),
        ({"ci_high": -0.05}, -1),  # -0.1 lies inside
        ({"ci_high": 0.15}, -2),  # and so does 0.1
        ({"ci_low": -0.08, "ci_high": 0.08}, 0),  # wholly inside: precise
        ({"n_participants": 785}, -1),  # 786 are needed to see 0.20
        ({"n_participants": 786}, 0),
        ({"n_participants": 300, "n_participants_unknown_rows": 2}, 0),
        ({"n_participants": None, "n_participants_unknown_rows": 4}, 0),
        ({"ci_low": None, "ci_high": None}, None),
    ],
)
def test_imprecision_follows_the_interval_and_the_information(main, rating):
    assert width(pooled(**main))["rating"] == rating


def test_unknown_participants_are_told_and_not_held_against_the_evidence():
    found = width(pooled(n_participants=300, n_participants_unknown_rows=2))
    assert found["numbers"]["information_met"] is None
    assert "300 participants are known (2 of 4 effects state none)" in found["reason"]
    assert "may or may not be reached" in found["reason"]


def test_without_a_smallest_effect_an_interval_across_zero_is_rated_down_once():
    rules = RULES["imprecision"]
    found = certainty_domains.imprecision(pooled(ci_low=-0.6, ci_high=0.2), rules=rules, smallest=0)
    assert found["rating"] == -1


@pytest.mark.parametrize(
    ("share", "rating"), [(0, 0), (24, 0), (25, -1), (50, -2)], ids=["all", "few", "a quarter", "half"]
)
def test_indirectness_follows_the_weight_outside_the_direct_groups(share, rating):
    found = pooled()
    found["weights"] = [{"row_id": "a", "weight": 100 - share}, {"row_id": "b", "weight": share}]
    judged = certainty_domains.indirectness(
        found,
        groups={"population": {"a": "adult", "b": None}},
        direct={"population": ["adult"]},
        labels={"population": "Age group"},
        rules=RULES["indirectness"],
    )
    assert judged["rating"] == rating
    assert judged["numbers"] == {"weight_outside_population": share}
    assert f"age group {share}%" in judged["reason"]


def test_indirectness_is_for_people_where_the_protocol_names_no_groups():
    assert suggest(pooled())["indirectness"]["rating"] is None


def small(found):
    return certainty_domains.publication_bias(found, registered=["s1"], rules=RULES["publication_bias"])


def ran_tests(k=10, egger=0.02, begg=0.5, **adjusted):
    found = pooled(tuple(-0.4 - 0.01 * i for i in range(k)))
    found["small_study"] = {"egger": {"pval": egger}, "begg": {"pval": begg}}
    found["sensitivity_table"] = [analysis(name, value) for name, value in adjusted.items()]
    return found


@pytest.mark.parametrize(
    ("found", "rating"),
    [
        (ran_tests(pet_peese=-0.2, limit=-0.45), -1),  # one of two moves by 0.1 or more
        (ran_tests(pet_peese=-0.2, limit=-0.45, trim_and_fill=-0.4), 0),  # one of three
        (ran_tests(pet_peese=-0.6, limit=-0.6), 0),  # away from no effect
        (ran_tests(egger=0.3, begg=0.2, pet_peese=-0.1), 0),  # moved, and no test speaks
        (ran_tests(egger=0.001), 0),  # a test alone is not enough
        (ran_tests(egger=None, begg=0.05, pet_peese=-0.1), -1),
        (ran_tests(k=9, egger=0.001, pet_peese=0.0), 0),  # too few to be tested
    ],
)
def test_publication_bias_needs_a_test_and_adjustments_that_move_the_estimate(found, rating):
    assert small(found)["rating"] == rating


def test_publication_bias_counts_registered_trials_and_says_when_effects_are_too_few():
    found = small(ran_tests(k=9))
    assert found["numbers"] == {"k": 9, "registered": 1, "trials": 9}
    assert found["reason"] == (
        "Not detected: 9 effects are too few to test (10 are needed);"
        " for 1 of 9 trials a registration number is known."
    )


def test_an_effect_that_favours_control_moves_towards_no_effect_downwards():
    found = ran_tests(pet_peese=0.2)
    found["main"] |= {"estimate": 0.4}
    assert small(found)["numbers"]["shift_pet_peese"] == pytest.approx(0.2)


def test_ratings_add_up_from_high_and_stop_at_very_low():
    assert certainty.level([0, 0, None]) == "high"
    assert certainty.level([-1, 0]) == "moderate"
    assert certainty.level([-1, -1]) == "low"
    assert certainty.level([-2, -2, -1]) == "very low"


def test_a_pool_is_rated_in_all_domains():
    found = suggest(pooled(ci_high=-0.05), classes=classes(low=4))
    assert {name: found[name]["rating"] for name in DOMAINS} == {
        "risk_of_bias": 0,
        "inconsistency": 0,
        "indirectness": None,
        "imprecision": -1,
        "publication_bias": 0,
    }
    assert found["overall"] == "moderate"
    assert found["undecided"] == ["indirectness"]


def test_without_trials_nothing_is_rated():
    found = suggest(pooled((), k=0))
    assert found["overall"] is None
    assert all(found[name]["rating"] is None for name in DOMAINS)
    assert certainty.together(found, {})["certainty"] is None


def test_one_trial_is_rated():
    one = {"k": 1, "tau2": None, "I2": None, "pi_low": None, "pi_high": None, "n_participants": 72}
    found = suggest(pooled((-0.69,), ci_low=-1.2, ci_high=-0.2, **one), classes=classes(high=1))
    assert found["overall"] == "very low"  # two levels for bias, one for 72 participants
    assert found["inconsistency"]["rating"] == 0


def judged(**ratings_):
    return {name: {"rating": value, "stale": False} for name, value in ratings_.items()}


def test_people_s_ratings_count_beside_the_suggestion_for_the_rest():
    suggested = suggest(pooled(), classes=classes(low=4))
    found = certainty.together(suggested, judged(indirectness=-1, risk_of_bias=-1))
    assert found["certainty"] == "low"
    assert found["basis"] == "both"
    assert found["undecided"] == []
    assert found["differences"] == ["risk_of_bias"]


def test_all_five_domains_or_the_whole_judged_by_people_are_complete():
    suggested = suggest(pooled(), classes=classes(high=4))
    assert certainty.together(suggested, judged(**dict.fromkeys(DOMAINS, 0)))["basis"] == "people"
    whole = certainty.together(suggested, judged(overall=-1))
    assert (whole["certainty"], whole["basis"], whole["undecided"]) == ("moderate", "people", [])


def test_the_protocol_s_limits_take_the_place_of_the_defaults():
    given = {"smallest_effect": 0.25, "risk_of_bias": {"serious_high": 40}}
    rules = certainty.settings(given, INTERPRETATION)
    assert rules["risk_of_bias"]["serious_high"] == 40
    assert rules["risk_of_bias"]["unknown"] == 50
    assert rules["imprecision"]["effect"] == rules["publication_bias"]["shift"] == 0.25
    # Where the protocol states none, the information size is that of what it calls small.
    assert RULES["imprecision"]["effect"] == 0.2
    assert RULES["smallest_effect"] == 0.1


EFFECTS = pd.DataFrame(
    {
        "outcome": "pain",
        "label": ["Example 2010", "Example 2020", "Example 2021"],
        "entered": ["2026-01", "2026-03", "2026-03"],
        "in_pool": [True, True, False],
    }
)


def in_force(main, **cells):
    row = {"outcome": "pain", "domain": "imprecision", "rating": -1, "reason": "few", "by": "E. X."}
    row |= {"k": 1, "estimate": -0.31, "run": "2026-02", "revision": 1, "revision_reason": None} | cells
    return ratings.of_outcome(pd.DataFrame([row]), outcome="pain", main=main, effects=EFFECTS)["imprecision"]


def test_a_judgement_is_stale_once_a_trial_has_come():
    found = in_force({"k": 2, "estimate": -0.4})
    assert found["stale"]
    assert found["since"] == (
        "Rated before Example 2020 was added: rated on k = 1 and g \u22120.31, now k = 2 and g \u22120.40."
    )


def test_a_judgement_is_stale_once_values_have_changed():
    found = in_force({"k": 1, "estimate": -0.36}, run="2026-05")
    assert found["since"].startswith("The data have changed since")


@pytest.mark.parametrize("estimate", [-0.31, -0.314, -0.306])
def test_a_judgement_on_the_printed_estimate_is_not_stale(estimate):
    assert not in_force({"k": 1, "estimate": estimate}, run="2026-05")["stale"]


@pytest.mark.parametrize(
    ("before", "after", "stale"), [(None, None, False), (None, -0.3, True), (math.nan, None, False)]
)
def test_a_judgement_without_estimate_is_stale_once_there_is_one(before, after, stale):
    assert in_force({"k": 1, "estimate": after}, run="2026-05", estimate=before)["stale"] is stale


def test_a_judgement_of_an_unknown_outcome_is_refused_with_its_row():
    frame = pd.DataFrame({"outcome": ["pain", "pian"]})
    with pytest.raises(InputError, match=r"row 3, column outcome: found 'pian'; allowed: pain; hint: "):
        ratings.check(frame, outcomes=["pain"])
