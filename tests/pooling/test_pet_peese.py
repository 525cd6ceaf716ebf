"""PET, PEESE and the choice between them, against weighted least squares in R."""

import math

import pytest
from pooling.small_study_sets import SETS, assert_agrees, effects, reference

from livingreview.pooling.pet_peese import pet_peese
from livingreview.pooling.reasons import too_few

FIELDS = ["estimate", "se", "stat", "pval", "ci_low", "ci_high", "slope", "slope_se", "slope_p"]
REFERENCE = reference("pet_peese.csv").set_index(["set", "kind"])


@pytest.mark.parametrize("name", SETS)
def test_both_regressions_and_the_choice_agree_with_r(name):
    result = pet_peese(*effects(name))
    pet, peese = REFERENCE.loc[(name, "PET")], REFERENCE.loc[(name, "PEESE")]
    assert_agrees(result.pet, pet, dict(zip(FIELDS, FIELDS, strict=True)))
    assert_agrees(result.peese, peese, dict(zip(FIELDS, FIELDS, strict=True)))
    assert result.p_choice == pytest.approx(pet["p_less"], rel=1e-6)
    chosen = peese if pet["p_less"] < 0.05 else pet
    assert result.estimate == pytest.approx(chosen["estimate"], rel=1e-6)


def test_both_choices_occur():
    assert {pet_peese(*effects(name)).chosen for name in SETS} == {"PET", "PEESE"}


def test_the_direction_of_the_test_goes_with_the_sign():
    yi, vi = effects("selected_60")
    less, greater = pet_peese(yi, vi), pet_peese(-yi, vi, alternative="greater")
    assert less.p_choice == pytest.approx(greater.p_choice)
    assert less.estimate == pytest.approx(-greater.estimate)
    both = pet_peese(yi, vi, alternative="two.sided")
    assert both.p_choice == pytest.approx(2 * min(less.p_choice, 1 - less.p_choice))


@pytest.mark.parametrize("k", [0, 1, 2])
def test_below_three_effects_there_is_a_reason_and_no_number(k):
    result = pet_peese([0.1] * k, [0.1] * k)
    assert result.reason == too_few(k, 3)
    assert math.isnan(result.estimate)


def test_equal_standard_errors_leave_no_line():
    assert pet_peese([0.1, 0.2, 0.4], [0.1] * 3).reason == "the standard error is the same in all 3 studies"


def test_equal_effects_are_their_own_limit():
    result = pet_peese([-0.3] * 4, [0.01, 0.02, 0.05, 0.1])
    assert (result.estimate, result.se, result.pval) == (pytest.approx(-0.3), 0, 0)
    assert result.chosen == "PEESE"


def test_few_effects_are_not_to_be_interpreted():
    result = pet_peese(*effects("small_5"))
    assert not result.interpretable
    assert result.advice.startswith("not to be interpreted: 5 effects")


def test_what_is_asked_wrongly_is_answered_with_what_is_allowed():
    with pytest.raises(ValueError, match="alternative 'lower' is not known; allowed: less, greater"):
        pet_peese(*effects("bcg"), alternative="lower")
    with pytest.raises(ValueError, match="between 0 and 1"):
        pet_peese(*effects("bcg"), alpha=5)
