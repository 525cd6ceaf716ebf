"""The parts of a move are exact, whatever moved it, and add up to the whole."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from livingreview.living import attribution, shapley
from livingreview.living.attribution import attribute
from livingreview.pooling.outcomes import pool_rows
from livingreview.pooling.random_effects import fit

REML = {"method": "REML", "test": "knha", "level": 0.95, "pi": "metafor", "correlation": 0.6}
BASE = {
    "a": (-0.6, 0.04),
    "b": (-0.1, 0.02),
    "c": (-0.2, 0.03),
    "d": (-0.5, 0.05),
}


def effects(rows, *, out=(), **more):
    """Effects of one outcome: {row: (yi, vi)}; a row a.2 is of study a."""
    return pd.DataFrame(
        [
            {
                "row_id": row_id,
                "study": row_id.split(".")[0],
                "label": row_id.split(".")[0].title(),
                "yi": yi,
                "vi": vi,
                "in_pool": row_id not in out,
            }
            | more.get(row_id.replace(".", "_"), {})
            for row_id, (yi, vi) in rows.items()
        ],
        columns=["row_id", "study", "label", "comparison", "assumption", "yi", "vi", "in_pool"],
    ).astype({"comparison": object})


def numbers(frame, options):
    result = pool_rows(frame[frame["in_pool"]], **options)
    return {name: getattr(result, name) for name in attribution.MOVED}


def moved(frozen, current, *, options=(REML, REML), before=None, **more):
    return attribute(
        before or numbers(frozen, options[0]),
        numbers(current, options[1]),
        frozen=frozen,
        current=current,
        options=options,
        **more,
    )


def causes(found):
    return [part["cause"] for part in found["causes"]]


def check_exact(found):
    """All three ways to add the parts up give the whole."""
    for name in attribution.MOVED:
        parts = sum(part[name] for part in found["shapley"]) + found["software"][name]
        assert parts == pytest.approx(found["total"][name], abs=1e-9)
    steps = sum(part["change"] for part in found["steps"]) + found["software"]["estimate"]
    assert steps == pytest.approx(found["total"]["estimate"], abs=1e-9)


WITHOUT_D = {key: BASE[key] for key in "abc"}
ONE_CAUSE = {
    "added": (effects(WITHOUT_D), effects(BASE), {}),
    "admitted": (effects(BASE, out="d"), effects(BASE), {}),
    "set_aside": (effects(BASE), effects(BASE, out="d"), {}),
    "removed": (effects(BASE), effects(WITHOUT_D), {}),
    "retracted": (effects(BASE), effects(BASE, out="d"), {"retracted": {"d"}}),
    "corrected": (effects(BASE), effects(BASE | {"d": (0.5, 0.05)}), {}),
    "redivided": (
        effects(BASE, d={"assumption": "shared control of 40 divided by 2"}),
        effects(BASE | {"d": (-0.499, 0.07)}, d={"assumption": "shared control of 40 divided by 3"}),
        {},
    ),
    "method": (effects(BASE), effects(BASE), {"options": (REML, REML | {"method": "DL"})}),
}


@pytest.mark.parametrize("cause", ONE_CAUSE)
def test_a_single_cause_has_the_whole_move(cause):
    frozen, current, more = ONE_CAUSE[cause]
    found = moved(frozen, current, **more)
    assert causes(found) == [cause]
    assert found["shapley"][0]["estimate"] == pytest.approx(found["total"]["estimate"], abs=1e-12)
    assert found["steps"][0]["change"] == pytest.approx(found["total"]["estimate"], abs=1e-12)
    assert found["total"]["estimate"] != 0
    assert [row["row_ids"] for row in found["by_change"]] == ([["d"]] if cause != "method" else [[]])
    check_exact(found)


def everything_at_once():
    then = BASE | {"gone": (0.3, 0.04), "odd": (-1.2, 0.06), "fake": (-1.5, 0.03), "late": (-0.4, 0.05)}
    now = {key: then[key] for key in ("a", "b", "odd", "fake", "late")} | {
        "c": (-0.3, 0.03),
        "d": (-0.5, 0.08),
        "new": (-0.7, 0.02),
    }
    frozen = effects(then, out={"late"}, d={"assumption": "shared control of 40 divided by 2"})
    current = effects(now, out={"odd", "fake"}, d={"assumption": "shared control of 40 divided by 3"})
    return frozen, current


def test_all_causes_at_once_are_told_apart_and_add_up():
    frozen, current = everything_at_once()
    found = moved(frozen, current, options=(REML, REML | {"method": "DL"}), retracted={"fake"})
    assert causes(found) == list(attribution.ORDER)
    assert [step["cause"] for step in found["steps"]] == list(attribution.ORDER)
    assert found["n_orders"] == found["n_orders_possible"] == math.factorial(8)
    check_exact(found)
    shares = sum(row["share"] for row in found["by_change"])
    assert shares + found["software"]["estimate"] == pytest.approx(found["total"]["estimate"], abs=1e-9)


def test_a_step_is_the_pool_after_its_cause_and_those_before():
    frozen, current = everything_at_once()
    steps = moved(frozen, current, retracted={"fake"})["steps"]
    then = {key: BASE[key] for key in "abcd"} | {
        "gone": (0.3, 0.04),
        "odd": (-1.2, 0.06),
        "fake": (-1.5, 0.03),
    }
    added = fit(*map(list, zip(*(then | {"new": (-0.7, 0.02)}).values(), strict=True)))
    assert steps[0]["cause"] == "added"
    for name in attribution.SHOWN:
        assert steps[0][name] == pytest.approx(getattr(added, name))
    assert [step["k"] for step in steps] == [8, 9, 8, 7, 6, 6, 6]


def test_shares_over_orders_are_those_of_every_permutation():
    frozen = effects(BASE | {"odd": (-1.2, 0.06)})
    current = effects(
        {key: BASE[key] for key in "ab"} | {"c": (0.4, 0.03), "d": BASE["d"], "new": (-0.7, 0.02)}
    )
    found = moved(frozen, current)
    assert causes(found) == ["added", "removed", "corrected"]

    def pooled(made):
        rows = {key: BASE[key] for key in "abd"} | {"c": (0.4, 0.03) if "corrected" in made else BASE["c"]}
        rows |= {"new": (-0.7, 0.02)} if "added" in made else {}
        rows |= {} if "removed" in made else {"odd": (-1.2, 0.06)}
        return fit(*map(list, zip(*rows.values(), strict=True))).estimate

    expected = dict.fromkeys(causes(found), 0.0)
    orders = list(itertools.permutations(expected))
    for order in orders:
        for at, cause in enumerate(order):
            expected[cause] += (pooled(order[: at + 1]) - pooled(order[:at])) / len(orders)
    assert {part["cause"]: part["estimate"] for part in found["shapley"]} == pytest.approx(
        expected, abs=1e-12
    )


def test_orders_that_empty_the_pool_are_left_out_and_counted():
    frozen = effects({"a": BASE["a"]})
    current = effects({"b": BASE["b"]})
    found = moved(frozen, current)
    assert (found["n_orders"], found["n_orders_possible"]) == (1, 2)
    both = fit([-0.6, -0.1], [0.04, 0.02]).estimate
    assert [part["estimate"] for part in found["shapley"]] == pytest.approx([both + 0.6, -0.1 - both])
    assert [step["k"] for step in found["steps"]] == [2, 1]
    check_exact(found)


def test_identical_data_have_no_cause_and_no_parts():
    found = moved(effects(BASE), effects(BASE))
    assert (found["causes"], found["steps"], found["shapley"], found["by_change"]) == ([], [], [], [])
    assert found["total"]["estimate"] == found["software"]["estimate"] == 0


def test_what_recomputing_the_release_differs_from_its_number_is_put_down_to_the_software():
    frozen = effects(BASE)
    before = {name: value + 0.02 for name, value in numbers(frozen, REML).items()}
    found = moved(frozen, effects(BASE), before=before)
    assert found["software"]["estimate"] == pytest.approx(-0.02)
    check_exact(found)


def test_rounding_in_the_files_is_no_correction():
    current = effects({key: (yi + 4e-9, vi) for key, (yi, vi) in BASE.items()})
    assert causes(moved(effects(BASE), current)) == []


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (None, -0.3, "no such outcome"),
        (math.nan, -0.3, "no estimate to start from"),
        (-0.3, math.nan, "no estimate now"),
        (math.nan, math.nan, "no estimate then"),
    ],
)
def test_without_an_estimate_at_both_ends_nothing_is_taken_apart_and_the_reason_is_said(before, after, words):
    frozen, current = effects({}), effects({"a": BASE["a"]})
    ends = [end if end is None else dict.fromkeys(attribution.MOVED, end) for end in (before, after)]
    found = attribute(*ends, frozen=frozen, current=current, options=(REML, REML))
    assert words in found["reason"]
    assert causes(found) == ["added"]
    assert "shapley" not in found


def test_one_effect_at_each_end_is_taken_apart_too():
    found = moved(effects({"a": (-0.6, 0.04)}), effects({"a": (-0.5, 0.04)}))
    assert found["steps"][0]["k"] == 1
    assert found["shapley"][0]["estimate"] == pytest.approx(0.1)


def test_the_rows_of_a_trial_are_one_change_under_its_name_without_the_comparison():
    arms = {"s.1": (-0.3, 0.05), "s.2": (-0.4, 0.05)}
    named = {f"s_{n}": {"label": f"S {letter}", "comparison": letter} for n, letter in ((1, "a"), (2, "b"))}
    found = moved(effects(BASE), effects(BASE | arms, **named))
    assert [(row["label"], row["row_ids"]) for row in found["by_change"]] == [("S", ["s.1", "s.2"])]


def test_an_effect_that_turned_its_sign_is_a_correction_though_its_control_was_divided_anew():
    frozen = effects(BASE, d={"assumption": "shared control of 40 divided by 2"})
    current = effects(BASE | {"d": (0.5, 0.07)}, d={"assumption": "shared control of 40 divided by 3"})
    assert causes(moved(frozen, current)) == ["corrected"]


def test_of_many_changes_only_those_by_cause_are_averaged_and_each_is_undone_alone():
    new = {f"n{at}": (-0.1 * at, 0.03) for at in range(9)}
    found = moved(effects(BASE), effects(BASE | new))
    assert {row["share"] for row in found["by_change"]} == {None}
    first = found["by_change"][0]
    rest = BASE | {key: value for key, value in new.items() if key != first["study"]}
    without = fit(*map(list, zip(*rest.values(), strict=True))).estimate
    assert first["without"] == pytest.approx(without)
    assert first["undone"] == pytest.approx(numbers(effects(BASE | new), REML)["estimate"] - without)


def test_effects_that_only_another_protocol_makes_are_put_down_to_the_method():
    frozen = effects(BASE)
    wider = BASE | {"e": (-0.9, 0.02), "new": (-0.3, 0.03)}
    current = effects(wider | {"a": (-0.4, 0.03)})
    reanalysed = effects(wider, out={"e"})
    found = moved(frozen, current, reanalysed=reanalysed)
    assert causes(found) == ["added", "method"]
    assert found["causes"][1]["n_rows"] == 2
    by_old_protocol = numbers(reanalysed, REML)["estimate"]
    assert found["steps"][0]["estimate"] == pytest.approx(by_old_protocol)
    check_exact(found)


def test_dependent_effects_are_pooled_by_the_model_of_the_main_analysis():
    arms = {"s.1": (-0.3, 0.05), "s.2": (-0.6, 0.05)}
    found = moved(effects(BASE), effects(BASE | arms))
    expected = pool_rows(effects(BASE | arms).assign(comparison=""), **REML).estimate
    assert found["steps"][-1]["estimate"] == pytest.approx(expected)
    assert expected != pytest.approx(
        fit(*map(list, zip(*(BASE | arms).values(), strict=True))).estimate, abs=1e-6
    )
    check_exact(found)


def test_an_estimate_that_is_not_of_its_effects_is_refused():
    with pytest.raises(ValueError, match="the estimate is"):
        attribute(
            numbers(effects(BASE), REML),
            dict.fromkeys(attribution.MOVED, -0.9),
            frozen=effects(BASE),
            current=effects(BASE),
            options=(REML, REML),
        )


def test_the_value_of_a_game_is_shared_as_shapley_says():
    # A majority of three with votes 2, 1, 1 of 4: by hand 2/3, 1/6, 1/6.
    votes = [2, 1, 1]
    found = shapley.order_averaged(3, lambda made: np.array([float(sum(votes[at] for at in made) > 2)]))
    assert found.shares[:, 0] == pytest.approx([2 / 3, 1 / 6, 1 / 6])
    assert found.n_orders == 6


def test_a_game_that_no_order_can_be_played_in_has_no_shares():
    def value(made):
        return np.array([1.0]) if len(made) in (0, 2) else None

    assert shapley.order_averaged(2, value) is None
