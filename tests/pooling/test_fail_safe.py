"""Fail-safe N against metafor's fsn()."""

import math

import pytest
from pooling.small_study_sets import SETS, assert_agrees, effects, reference

from livingreview.pooling.fail_safe import fail_safe_n

ROWS = reference("fsn.csv")


@pytest.mark.parametrize("name", SETS)
def test_fail_safe_n_agrees_with_metafor(name):
    rows = ROWS[ROWS["set"] == name]
    assert len(rows) == 7
    for _, row in rows.iterrows():
        target = None if math.isnan(row["asked"]) else row["asked"]
        result = fail_safe_n(
            *effects(name), type=row["type"], alpha=row["alpha"], weighted=row["weighted"], target=target
        )
        assert result.fsnum == row["fsnum"]
        assert_agrees(result, row, {name: name for name in ("pval", "meanes", "target")})


def test_no_effects_have_no_number_and_one_has():
    assert fail_safe_n([], []).reason == "no effects"
    assert math.isnan(fail_safe_n([], []).fsnum)
    # z = 4: 1 x (4 / 1.6449)² - 1 = 4.9, rounded up.
    assert fail_safe_n([0.4], [0.01]).fsnum == 5


def test_a_target_of_zero_is_never_reached_and_no_effect_needs_no_study():
    assert fail_safe_n([0.4, 0.5], [0.01, 0.01], type="Orwin", target=0).fsnum == math.inf
    assert fail_safe_n([0.0, 0.0], [0.01, 0.01], type="Rosenthal").fsnum == 0
    assert fail_safe_n([0.0, 0.0], [0.01, 0.01], type="Orwin", target=0.1).fsnum == 0


def test_the_sign_of_the_effects_does_not_matter():
    yi, vi = effects("bcg")
    for kind in ("Rosenthal", "Orwin", "Rosenberg"):
        assert fail_safe_n(-yi, vi, type=kind).fsnum == fail_safe_n(yi, vi, type=kind).fsnum


def test_what_is_asked_wrongly_is_answered_with_what_is_allowed():
    with pytest.raises(ValueError, match="type 'REM' is not known; allowed: Rosenthal, Orwin, Rosenberg"):
        fail_safe_n([0.1], [0.1], type="REM")
    with pytest.raises(ValueError, match="alpha"):
        fail_safe_n([0.1], [0.1], alpha=0.7)
    with pytest.raises(ValueError, match="target"):
        fail_safe_n([0.1], [0.1], target=math.nan)
