"""Releases in a row: each one's frozen numbers, and what moved since the one before."""

import pytest
from living.two_releases import FIRST, PUBLISHED, SECOND

from livingreview.living import succession


@pytest.fixture(scope="module")
def steps():
    return succession.steps([SECOND, PUBLISHED, FIRST])


def test_releases_come_by_version_and_published_reviews_have_no_step(steps):
    assert [step["release"]["version"] for step in steps] == ["16.0.0", "20.0.0", "20.1.0"]
    assert [step["before"] for step in steps] == [None, None, "20.0.0"]
    assert steps[0]["outcomes"] == []
    assert "effects" not in steps[1]["release"]


def test_the_first_release_has_nothing_before_it(steps):
    assert [row["before"] for row in steps[1]["outcomes"]] == [None, None, None]
    assert [row["difference"] for row in steps[1]["outcomes"]] == [None, None, None]
    assert steps[1]["dropped"] == []


def test_a_step_names_what_was_added_removed_and_corrected_in_each_pool(steps):
    pain, mood, fear = steps[2]["outcomes"]
    assert pain["difference"] == pytest.approx(-0.15)
    assert (pain["added"], pain["removed"], pain["corrected"]) == ([], [], ["Trial b"])
    assert (mood["estimate"], mood["before"]["estimate"], mood["difference"]) == (-0.4, None, None)
    assert mood["added"] == ["Trial d"]
    assert (fear["before"], fear["estimate"]) == (None, None)
    assert steps[2]["dropped"] == ["Sleep"]


def test_a_row_that_a_retraction_took_out_is_told_apart_from_one_that_was_removed():
    effects = SECOND["effects"].assign(withdrawn=False)
    gone = effects["outcome"] == "pain"
    effects.loc[gone, "in_pool"] = False
    effects.loc[effects.index[gone][0], "withdrawn"] = True
    pain = succession.steps([FIRST, SECOND | {"effects": effects}])[1]["outcomes"][0]
    assert len(pain["retracted"]) == 1
    assert not set(pain["removed"]) & set(pain["retracted"])


def test_without_releases_there_are_no_steps():
    assert succession.steps([]) == []
