"""Effects in points of an instrument and in people: the arithmetic by hand."""

import math

import pandas as pd
import pytest
from scipy.special import ndtr, ndtri

from livingreview import tables
from livingreview.errors import InputError
from livingreview.living import absolute_effects
from livingreview.trials import instruments

MAIN = {"k": 3, "estimate": -0.5, "ci_low": -0.9, "ci_high": -0.1}
SCALE = {"instrument": "NRS", "unit": "points on a scale from 0 to 10", "sd": "from trials"}
REGISTRY = pd.DataFrame(
    [{"name": "NRS", "aliases": "numerical rating scale; NRS-11", "outcome": "pain", "higher_is": "worse"}]
)


def row(study, sd, n, **cells):
    about = {
        "row_id": f"{study}.pain.1",
        "study_id": study,
        "outcome": "pain",
        "instrument": "NRS",
        "higher_is": "worse",
        "timepoint": "post",
        "status": "ok",
        "priority": 1,
    }
    return about | {"sd_2": sd, "n_2": n} | cells


def deviation(*rows, studies=("a", "b", "c"), scale=None):
    frame = pd.DataFrame(rows, columns=list(row("a", 1.0, 2)))
    frame["n_2"] = frame["n_2"].astype("Int64")
    return absolute_effects.standard_deviation(
        frame,
        outcome="pain",
        scale=scale or SCALE,
        studies=studies,
        timepoint="post",
        lookup=instruments.lookup(REGISTRY),
    )


def test_control_arms_are_pooled_by_their_degrees_of_freedom():
    # sqrt((10 * 2² + 30 * 3²) / 40) = sqrt(310 / 40)
    found = deviation(row("a", 2.0, 11), row("b", 3.0, 31))
    assert found["sd"] == pytest.approx(math.sqrt(7.75))
    assert found["rows"] == [
        {"row_id": "a.pain.1", "sd": 2.0, "n": 11},
        {"row_id": "b.pain.1", "sd": 3.0, "n": 31},
    ]


def test_an_instrument_is_known_by_its_other_names():
    assert len(deviation(row("a", 2.0, 11, instrument="nrs-11"))["rows"]) == 1


@pytest.mark.parametrize(
    "cells",
    [
        {"instrument": "VAS"},
        {"instrument": None},
        {"timepoint": "follow-up"},
        {"status": "set_aside"},
        {"outcome": "anxiety"},
    ],
    ids=str,
)
def test_other_rows_do_not_count(cells):
    assert deviation(row("a", 2.0, 11, **cells))["sd"] is None


def test_trials_that_are_not_in_the_review_do_not_count():
    assert deviation(row("a", 2.0, 11), studies=["b"])["rows"] == []


def test_a_control_arm_counts_once_and_the_preferred_row_first():
    found = deviation(row("a", 9.0, 11, row_id="a.pain.1", priority=2), row("a", 2.0, 11, row_id="a.pain.2"))
    assert [one["row_id"] for one in found["rows"]] == ["a.pain.2"]
    assert found["n_without"] == 0


def test_trials_that_state_no_standard_deviation_are_counted():
    found = deviation(row("a", 2.0, 11), row("b", None, 20), row("c", 2.0, None))
    assert (found["sd"], found["n_without"]) == (2.0, 2)


def test_rows_that_point_in_different_directions_are_refused():
    with pytest.raises(InputError, match=r"rows of NRS for pain point in different directions"):
        deviation(row("a", 2.0, 11), row("b", 2.0, 11, higher_is="better"))


def test_an_effect_in_points_is_the_effect_times_the_standard_deviation():
    found = absolute_effects.on_familiar_scale(
        MAIN, scale=SCALE, found={"sd": 2.0, "rows": [], "n_without": 0, "higher_is": "worse"}
    )
    assert [found[name] for name in absolute_effects.NUMBERS] == pytest.approx([-1.0, -1.8, -0.2])


def test_an_instrument_on_which_higher_is_better_turns_the_effect_round():
    found = absolute_effects.on_familiar_scale(
        MAIN, scale=SCALE | {"sd": 10.0, "source": "a manual", "higher_is": "better"}, found=None
    )
    assert [found[name] for name in absolute_effects.NUMBERS] == pytest.approx([5.0, 1.0, 9.0])
    assert found["source"] == "a manual"


@pytest.mark.parametrize(
    ("main", "sd"), [(MAIN | {"k": 0, "estimate": None}, 2.0), (MAIN, None)], ids=["no trial", "no SD"]
)
def test_without_estimate_or_standard_deviation_there_are_no_points(main, sd):
    given = {"sd": sd, "rows": [], "n_without": 0, "higher_is": "worse"}
    found = absolute_effects.on_familiar_scale(main, scale=SCALE, found=given)
    assert found["estimate"] is None


def test_people_who_improve_follow_from_the_normal_distribution():
    found = absolute_effects.people_improved(MAIN, [{"percent": 50, "source": "a cohort"}])
    assert found == [
        {
            "control": 50,
            "source": "a cohort",
            # Half of the controls improve: the share with treatment is Phi(0.5), and of the limits likewise.
            "treated": pytest.approx(100 * ndtr(0.5)),
            "treated_low": pytest.approx(100 * ndtr(0.1)),
            "treated_high": pytest.approx(100 * ndtr(0.9)),
            "nnt": pytest.approx(1 / (ndtr(0.5) - 0.5)),
        }
    ]


def test_where_the_protocol_states_no_share_four_are_assumed():
    found = absolute_effects.people_improved(MAIN, [])
    assert [(one["control"], one["source"]) for one in found] == [
        (10, None),
        (20, None),
        (30, None),
        (50, None),
    ]
    assert found[1]["treated"] == pytest.approx(100 * ndtr(0.5 + ndtri(0.2)))


def test_without_difference_nobody_is_to_be_treated_for_one_more():
    found = absolute_effects.people_improved(MAIN | {"estimate": 0.0}, [])
    assert found[0]["nnt"] is None
    assert found[0]["treated"] == pytest.approx(10)


def test_without_trials_nobody_improves():
    assert absolute_effects.people_improved(MAIN | {"k": 0, "estimate": None}, []) == []


def test_the_bundled_pain_scale_rests_on_the_two_trials_that_used_it(request):
    root = request.config.rootpath / "data/trials"
    outcomes = tables.read(root / "outcomes.csv", "outcomes")
    found = absolute_effects.standard_deviation(
        outcomes,
        outcome="pain_intensity",
        scale={"instrument": "BPI severity"},
        studies=set(outcomes["study_id"]),
        timepoint="post",
        lookup=instruments.lookup(instruments.read(root / "instruments.csv")),
    )
    # Friesen 2017: 1.28, 30 people; Williams 2010: 1.50, 59 people.
    assert found["sd"] == pytest.approx(math.sqrt((29 * 1.28**2 + 58 * 1.5**2) / 87))
