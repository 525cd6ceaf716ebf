"""The living mode: which rule asks for what, and where a mode may go."""

import pytest

from livingreview.errors import InputError
from livingreview.living import modes

RUNS = ["2026-01", "2026-02", "2026-03", "2026-04"]
FIRED = {"name": "ratio", "outcome": "pain", "state": "fired", "sentence": "It moved."}
QUIET = FIRED | {"state": "not fired"}


def release(run, mode="active", fired=0):
    return {"version": f"26.{int(run[-2:])}.0", "run": run, "mode": mode, "fired": fired}


@pytest.fixture
def describe():
    def run(living=(), *, releases=(), triggers=(QUIET,), certainty=None):
        given = {"mode": "active", "search_every_months": 1, "statement": "x"} | dict(living)
        return modes.describe(
            given,
            run=RUNS[-1],
            runs=RUNS,
            releases=list(releases),
            triggers=list(triggers),
            certainty=certainty or {"pain": "high"},
        )

    return run


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("active", "paused"),
        ("active", "retired"),
        ("paused", "active"),
        ("paused", "retired"),
        ("retired", "active"),
        ("active", "active"),
        ("retired", "retired"),
        (None, "paused"),  # a release of an older version does not say its mode
    ],
)
def test_a_mode_may_follow_on_another(describe, before, now):
    assert describe({"mode": now}, releases=[release("2026-01", before)])["mode"] == now


def test_a_retired_review_cannot_be_paused_before_it_is_taken_up_again(describe):
    with pytest.raises(InputError) as error:
        describe({"mode": "paused"}, releases=[release("2026-01", "retired")])
    assert str(error.value) == (
        "config.yaml: column living.mode: release 26.1.0 was retired; found 'paused'; allowed: retired, active;"
        " hint: a retired review is taken up again (active), and released so, before it can be paused"
    )


def test_every_mode_says_where_it_may_go(describe):
    found = {mode: describe({"mode": mode})["allowed"] for mode in ("active", "paused", "retired")}
    assert found == {
        "active": ["paused", "retired"],
        "paused": ["active", "retired"],
        "retired": ["active"],
    }


def test_since_when_is_what_the_protocol_says_or_else_what_releases_froze(describe):
    three = [release("2026-01", "active"), release("2026-02", "paused"), release("2026-03", "paused")]
    assert describe({"mode": "paused"}, releases=three)["since"] == "2026-02"
    assert describe({"mode": "paused", "since": "2025-12"}, releases=three)["since"] == "2025-12"
    assert describe({"mode": "active"}, releases=three)["since"] is None
    assert describe()["since"] is None


@pytest.mark.parametrize(
    ("living", "releases", "triggers", "expected"),
    [
        ({}, [], [QUIET], (True, "there is no release yet")),
        ({}, [release("2026-01")], [QUIET], (False, "no trigger fired since release 26.1.0")),
        ({}, [release("2026-01")], [FIRED], (True, "1 trigger fired since release 26.1.0")),
        ({}, [release("2026-01")], [FIRED, FIRED], (True, "2 triggers fired since release 26.1.0")),
        (
            {"publish": {"every_months": 3}},
            [release("2026-01")],
            [QUIET],
            (True, "3 months since the run of release 26.1.0, 3 are planned"),
        ),
        (
            {"publish": {"every_months": 4}},
            [release("2026-01")],
            [FIRED],
            (False, "3 months since the run of release 26.1.0, 4 are planned"),
        ),
        ({"mode": "paused"}, [release("2026-01")], [FIRED], (None, "the review is paused")),
        ({"mode": "retired"}, [], [], (None, "the review is retired")),
        (
            {"mode": "retired"},
            [release("2026-01", "retired")],
            [FIRED | {"name": "retraction"}],
            (True, "an included trial was retracted, which is told in every mode"),
        ),
    ],
)
def test_the_rule_on_publication_asks_or_does_not(describe, living, releases, triggers, expected):
    publish = describe(living, releases=releases, triggers=triggers)["publish"]
    assert (publish["asked"], publish["why"]) == expected
    assert publish["stated"] == ("publish" in living)


@pytest.mark.parametrize(
    ("releases", "fired", "quiet"),
    [
        ([], 0, 0),
        ([release("2026-01", fired=None)], 0, 3),
        ([release("2026-01", fired=2)], 0, 3),
        ([release("2026-01", fired=2)], 1, 0),
        ([release("2026-02", fired=0), release("2026-03", fired=0)], 0, 4),
        ([release("2026-02", fired=1), release("2026-03", fired=0)], 0, 2),
        ([release("2026-02", fired=0), release("2026-03", fired=None)], 0, 1),
    ],
)
def test_quiet_runs_are_counted_as_far_as_releases_say(releases, fired, quiet):
    assert modes.quiet_runs(RUNS, fired=fired, releases=releases) == quiet


RULE = {"no_trigger_for_runs": 3, "certainty_at_least": "moderate"}


@pytest.mark.parametrize(
    ("certainty", "released", "asked", "why"),
    [
        (
            {"pain": "high", "mood": "moderate"},
            "2026-01",
            True,
            "3 runs without a trigger, and certainty is moderate or more",
        ),
        ({"pain": "high"}, "2026-02", False, "2 of 3 runs without a trigger"),
        ({"pain": "high", "mood": "low"}, "2026-01", False, "certainty below moderate, or not rated: mood"),
        (
            {"pain": None},
            "2026-03",
            False,
            "1 of 3 runs without a trigger; certainty below moderate, or not rated: pain",
        ),
    ],
)
def test_the_rule_on_retirement_asks_or_says_what_is_lacking(describe, certainty, released, asked, why):
    found = describe({"retire_when": RULE}, releases=[release(released, fired=1)], certainty=certainty)
    assert (found["retire"]["asked"], found["retire"]["why"]) == (asked, why)


def test_without_a_rule_nothing_asks_to_retire(describe):
    assert describe()["retire"]["asked"] is None
    assert describe({"mode": "retired", "retire_when": RULE})["retire"]["asked"] is None


def test_parameters_that_the_protocol_leaves_out_are_named_without_a_value():
    living = {"mode": "active", "search_every_months": 2, "statement": "x", "schedule": {"search": "monthly"}}
    found = {row["name"]: row["value"] for row in modes.parameters(living)}
    assert len(found) == 15
    assert (found["schedule_search"], found["schedule_screening"], found["retire_when"]) == (
        "monthly",
        None,
        None,
    )
    assert found["publish"] == "triggered"
