"""What changed since the last release is told row by row, against the frozen files."""

import math

import pandas as pd
import pytest

from livingreview.living import changes

RELEASE = {
    "version": "20.0.0",
    "run": "2020-01",
    "frozen_on": "2020-01-15",
    "kind": "release",
    "path": "x",
    "note": "First",
}


def effects(*rows):
    """Effects: (row_id, yi, vi) and whether the row is in the pool."""
    return pd.DataFrame(
        [
            {
                "row_id": row_id,
                "study": row_id.split(".")[0],
                "label": row_id.split(".")[0].title(),
                "outcome": row_id.split(".")[1],
                "yi": yi,
                "vi": vi,
                "in_pool": more[0] if more else True,
            }
            for row_id, yi, vi, *more in rows
        ],
        columns=["row_id", "study", "label", "outcome", "yi", "vi", "in_pool"],
    )


def estimates(**by_outcome):
    rest = dict.fromkeys(changes.COMPARED, 0.0) | {"k": 2, "n_studies": 2}
    return pd.DataFrame(
        [{"outcome": outcome} | rest | {"estimate": value} for outcome, value in by_outcome.items()]
    )


def compare(now, before=None, *, pooled=None, pooled_before=None):
    release = before is not None and RELEASE | {
        "effects": before,
        "estimates": estimates(**pooled_before or {"pain": -0.3}),
    }
    return changes.compare(estimates(**pooled or {"pain": -0.4}), now, release or None)


def ids(rows):
    return [row["row_id"] for row in rows]


def test_added_removed_corrected_and_unchanged_rows_are_told_apart():
    pain = compare(
        effects(("same.pain.1", -0.2, 0.04), ("fixed.pain.1", -0.5, 0.05), ("new.pain.1", -0.6, 0.06)),
        effects(("same.pain.1", -0.2, 0.04), ("fixed.pain.1", 0.5, 0.05), ("gone.pain.1", -0.7, 0.07)),
    )["outcomes"]["pain"]
    assert pain["added"] == [{"row_id": "new.pain.1", "study": "new", "label": "New", "yi": -0.6, "vi": 0.06}]
    assert pain["removed"] == [
        {"row_id": "gone.pain.1", "study": "gone", "label": "Gone", "yi": -0.7, "vi": 0.07}
    ]
    assert pain["corrected"] == [
        {
            "row_id": "fixed.pain.1",
            "study": "fixed",
            "label": "Fixed",
            "before": {"yi": 0.5, "vi": 0.05},
            "after": {"yi": -0.5, "vi": 0.05},
        }
    ]


def test_before_after_and_difference_are_those_of_the_estimates():
    pain = compare(effects(), effects())["outcomes"]["pain"]
    assert pain["before"]["estimate"] == -0.3
    assert pain["after"]["estimate"] == -0.4
    assert pain["difference"] == pytest.approx(-0.1)
    assert list(pain["before"]) == list(pain["after"]) == changes.COMPARED


def test_a_corrected_variance_alone_is_a_correction_and_rounding_is_not():
    old = effects(("a.pain.1", -0.2, 0.04), ("b.pain.1", -0.2, 0.04), ("c.pain.1", -0.2, 0.04))
    now = effects(("a.pain.1", -0.2, 0.05), ("b.pain.1", -0.2 + 5e-9, 0.04), ("c.pain.1", -0.200001, 0.04))
    assert ids(compare(now, old)["outcomes"]["pain"]["corrected"]) == ["a.pain.1", "c.pain.1"]


def test_a_row_that_left_the_pool_is_removed_and_one_that_entered_it_added():
    old = effects(("a.pain.1", -0.2, 0.04, True), ("b.pain.1", -0.2, 0.04, False))
    now = effects(("a.pain.1", -0.2, 0.04, False), ("b.pain.1", -0.2, 0.04, True))
    pain = compare(now, old)["outcomes"]["pain"]
    assert (ids(pain["added"]), ids(pain["removed"]), pain["corrected"]) == (["b.pain.1"], ["a.pain.1"], [])


def test_rows_are_told_under_their_own_outcome():
    found = compare(effects(("a.mood.1", -0.2, 0.04)), effects(), pooled={"pain": -0.4, "mood": -0.1})[
        "outcomes"
    ]
    assert found["pain"]["added"] == []
    assert ids(found["mood"]["added"]) == ["a.mood.1"]


def test_without_a_release_everything_is_added_and_nothing_is_before():
    found = compare(effects(("b.pain.1", -0.2, 0.04), ("a.pain.1", -0.3, 0.04)))
    assert found["release"] is None
    assert found["outcomes_dropped"] == []
    pain = found["outcomes"]["pain"]
    assert (pain["before"], pain["difference"]) == (None, None)
    assert ids(pain["added"]) == ["a.pain.1", "b.pain.1"]


def test_an_outcome_new_to_the_protocol_has_no_before_and_a_dropped_one_is_named():
    found = compare(effects(), effects(), pooled={"mood": -0.1}, pooled_before={"pain": -0.3, "anger": -0.2})
    assert found["outcomes"]["mood"]["before"] is None
    assert found["outcomes"]["mood"]["difference"] is None
    assert found["outcomes_dropped"] == ["anger", "pain"]


@pytest.mark.parametrize(
    ("now", "before"), [({"pain": math.nan}, {"pain": -0.3}), ({"pain": -0.4}, {"pain": math.nan})]
)
def test_no_difference_is_made_up_where_there_was_no_estimate(now, before):
    assert (
        compare(effects(), effects(), pooled=now, pooled_before=before)["outcomes"]["pain"]["difference"]
        is None
    )


def test_of_the_release_only_what_readers_need_is_kept():
    assert compare(effects(), effects())["release"] == {
        "version": "20.0.0",
        "run": "2020-01",
        "frozen_on": "2020-01-15",
        "note": "First",
    }
