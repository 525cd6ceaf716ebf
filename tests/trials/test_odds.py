"""People with an event and printed odds ratios among standardised mean differences."""

import math
from pathlib import Path

import pandas as pd
import pytest

from livingreview.errors import InputError
from livingreview.trials import checks
from livingreview.trials.effects import compute

ODDS = pd.read_csv(Path(__file__).parents[1] / "reference" / "several_effects" / "odds.csv")
TEXTS = ("comparison", "printed_effect", "printed_direction", "shared_control", "note", "set_aside_reason")
BASE = (
    dict.fromkeys(checks.NUMBERS, math.nan)
    | dict.fromkeys(TEXTS)
    | {"study_id": "a_2020", "outcome": "pain", "instrument": "half the pain", "higher_is": "better"}
    | {"timepoint": "post", "arm_1": "app", "arm_2": "wait", "priority": 1, "status": "ok"}
    | {"source": "table 2", "run": "2020-01"}
)
COUNTS = {"effect_type": "events", "events_1": 15, "n_1": 26, "events_2": 5, "n_2": 28}
RATIO = {"effect_type": "odds_ratio", "printed_effect": "2.4", "printed_ci_low": 1.2, "printed_ci_high": 4.9}
RATIO |= {"printed_direction": "more responders in arm 1"}
HOW = "log odds ratio times sqrt(3) / pi (Hasselblad & Hedges 1995)"


def run(*rows, **options):
    table = pd.DataFrame([BASE | {"row_id": f"r{i}"} | row for i, row in enumerate(rows)])
    about = {"study_id": "a_2020", "first_author": "A", "year": "2020", "population": "adult"}
    studies = pd.DataFrame([about | {"condition": "back", "comparator_class": "waitlist"}])
    options = {"convert_odds_ratios": True} | options
    return compute(table, studies, {"a_2020"}, protocol=["pain"], **options)


def one(**values):
    return run(values).iloc[0]


@pytest.mark.parametrize("counts", ODDS.to_dict("records"))
def test_events_agree_with_metafor_and_more_of_a_good_event_is_negative(counts):
    row = {c: counts[c] for c in ("events_1", "n_1", "events_2", "n_2")} | {"effect_type": "events"}
    good, bad = one(**row), one(**row, higher_is="worse")
    assert (good["yi"], good["vi"]) == pytest.approx((-counts["yi"], counts["vi"]), rel=1e-12)
    assert bad["yi"] == pytest.approx(counts["yi"], rel=1e-12)
    assert good["in_pool"]
    assert good["conversion"] == f"events, {HOW}"
    assert good["ni"] == counts["n_1"] + counts["n_2"]


def test_a_printed_direction_that_agrees_with_the_counts_changes_nothing():
    for direction in ("favours treatment", "positive favours treatment", "arm 1 minus arm 2"):
        assert one(**COUNTS, printed_direction=direction)["yi"] == one(**COUNTS)["yi"]


def test_a_zero_that_was_mended_is_said():
    assert one(**COUNTS)["assumption"] == "a logistic outcome cut in two"
    mended = "a logistic outcome cut in two; 0.5 added to each count, one being zero"
    for zero in ({"events_1": 0}, {"events_2": 0}, {"events_1": 26}, {"events_2": 28}):
        assert one(**COUNTS | zero)["assumption"] == mended


def test_a_printed_odds_ratio_has_its_variance_from_the_interval_on_the_log_scale():
    found = one(**RATIO)
    # log(2.4) sqrt(3) / pi, and ((log(4.9) - log(1.2)) / (2 * 1.959964))^2 * 3 / pi^2, by hand.
    assert found["yi"] == pytest.approx(-0.8754687373538999 * math.sqrt(3) / math.pi, rel=1e-12)
    se = (math.log(4.9) - math.log(1.2)) / (2 * 1.959963984540054)
    assert found["vi"] == pytest.approx(3 * se**2 / math.pi**2, rel=1e-12)
    assert found["in_pool"]
    assert (found["conversion"], math.isnan(found["ni"])) == (f"printed odds ratio and CI, {HOW}", True)
    by_se = one(
        **RATIO
        | {"printed_ci_low": math.nan, "printed_ci_high": math.nan, "printed_se": 0.3, "n_1": 30, "n_2": 31}
    )
    assert by_se["vi"] == pytest.approx(0.09 * 3 / math.pi**2, rel=1e-12)
    assert by_se["assumption"].endswith("printed_se taken as that of the log odds ratio")
    assert by_se["ni"] == 61


@pytest.mark.parametrize(
    ("direction", "higher_is", "sign"),
    [
        ("more responders in arm 1", "better", -1),
        ("arm 1 minus arm 2", "better", -1),
        ("arm 1 minus arm 2", "worse", 1),
        (None, "worse", 1),
        ("positive favours treatment", "worse", -1),
        ("negative favours treatment", "better", 1),
        ("favours control", "better", 1),
    ],
)
def test_the_sign_is_that_of_the_printed_direction_or_of_the_event(direction, higher_is, sign):
    found = one(**RATIO | {"printed_direction": direction, "higher_is": higher_is})
    assert math.copysign(1, found["yi"]) == sign


@pytest.mark.parametrize(
    ("values", "part"),
    [
        (COUNTS | {"events_2": math.nan}, "events without events_2, which would mend it"),
        (COUNTS | {"n_1": math.nan, "n_2": math.nan}, "events without n_1, n_2"),
        (COUNTS | {"events_1": 0, "events_2": 0}, "nobody, or everybody"),
        (COUNTS | {"events_1": 26, "events_2": 28}, "nobody, or everybody"),
        (COUNTS | {"printed_direction": "favours control"}, "favour one arm and the other"),
        (COUNTS | {"printed_direction": "negative favours treatment"}, "favour one arm and the other"),
        (RATIO | {"printed_effect": None}, "without printed_effect"),
        (RATIO | {"printed_effect": "-0.9", "printed_ci_low": -1.5, "printed_ci_high": -0.3}, "lie above 0"),
        (RATIO | {"printed_ci_low": math.nan, "printed_ci_high": math.nan}, "or printed_se"),
        (RATIO | {"higher_is": "worse"}, "is the event good?"),
        (COUNTS | {"effect_type": "risk_ratio", "printed_effect": "1.3"}, "risk_ratio cannot enter a pool"),
    ],
)
def test_what_gives_no_odds_ratio_stays_out_with_the_reason(values, part):
    found = one(**values)
    assert part in found["reason"]
    assert math.isnan(found["yi"])
    assert not found["in_sensitivity"]


def test_the_protocol_leaves_them_out_unless_it_says_otherwise():
    for row in (COUNTS, RATIO):
        found = run(row, convert_odds_ratios=False).iloc[0]
        reason = f"effect type {row['effect_type']} cannot enter a pool of standardised mean differences"
        assert (found["reason"], found["conversion"]) == (reason, "")
        assert math.isnan(found["yi"])


def test_a_shared_control_adds_its_own_part_of_the_variance_of_the_log_odds():
    shared = {"shared_control": "whole"}
    found = run(*(COUNTS | shared | {"comparison": c} for c in "ab"))
    # 5 of 28 halved are 2.5 of 14: 1/15 + 1/11 + 1/2.5 + 1/11.5, times 3 / pi^2.
    expected = (1 / 15 + 1 / 11 + 1 / 2.5 + 1 / 11.5) * 3 / math.pi**2
    assert list(found["vi"]) == pytest.approx([expected] * 2, rel=1e-12)
    assert found["assumption"][0].endswith("shared control of 28 divided by 2: 0.074 added to its variance")
    ratio = RATIO | shared | {"n_1": 30, "n_2": 31}
    refused = run(*(ratio | {"comparison": c} for c in "ab"))
    assert set(refused["reason"]) == {"shared control counted whole, and its events not printed"}
    alone = run(ratio | {"comparison": "a"})
    assert alone["in_pool"][0]


def test_more_events_than_people_are_refused():
    with pytest.raises(InputError, match=r"column events_1: found 30.*from 0 to n_1, 26"):
        one(**COUNTS | {"events_1": 30})
