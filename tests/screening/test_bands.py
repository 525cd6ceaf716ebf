"""Every record is in one band, and its place in the order of reading is the same every time."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from livingreview.screening import bands

REFERENCE = pd.read_csv(Path(__file__).parents[1] / "reference" / "tolerance.csv")


@pytest.mark.parametrize(
    "row", list(REFERENCE.itertuples(index=False)), ids=lambda row: "-".join(map(str, row))
)
def test_the_limit_is_the_tolerance_limit_that_r_gives(row):
    included = np.random.default_rng(row.n).normal(3, 2, row.n)
    scores = np.append(included, [-50.0, 60.0])  # what was excluded has no say
    limit = bands.threshold(scores, np.arange(row.n + 2) < row.n, recall=row.content, assurance=row.assurance)
    assert limit == pytest.approx(included.mean() - row.factor * included.std(ddof=1), abs=1e-5)


def test_a_factor_printed_in_tables_of_tolerance_limits():
    row = REFERENCE[
        (REFERENCE["n"] == 10) & (REFERENCE["content"] == 0.95) & (REFERENCE["assurance"] == 0.90)
    ]
    assert round(row["factor"].item(), 3) == 2.568


def test_the_limit_holds_the_share_as_often_as_it_is_assured():
    rng, held = np.random.default_rng(3), []
    for _ in range(1000):
        limit = bands.threshold(rng.normal(size=12), np.ones(12), recall=0.9)
        held.append(limit <= -1.2815515655446004)  # a tenth of a standard normal lies below
    assert 0.87 < np.mean(held) < 0.93


@pytest.mark.parametrize(("n", "recall"), [(2, 0.9), (0, 0.9), (50, 1), (50, 1.0)])
def test_where_nothing_can_be_promised_everything_is_read_first(n, recall):
    assert bands.threshold(np.arange(60.0), np.arange(60) < n, recall=recall) == -np.inf


def test_equal_past_scores_make_that_score_the_limit():
    assert bands.threshold(np.full(5, 1.5), np.ones(5), recall=0.95) == 1.5


def test_targets_have_names():
    assert bands.PRESETS == {"near-complete": 0.99, "standard": 0.95, "brisk": 0.90}
    assert [bands.target_recall(one) for one in ("near-complete", "standard", "brisk", 0.8)] == [
        0.99,
        0.95,
        0.9,
        0.8,
    ]


def test_bands_follow_the_limit_and_a_missing_abstract():
    args = [1.0, 0.99, 2.0, -3.0], [True, False, False, True]
    assert bands.banded(*args, limit=1.0, use_no_abstract=True) == [
        "read first",
        "no abstract",
        "read first",
        "then",
    ]
    assert bands.banded(*args, limit=1.0, use_no_abstract=False) == [
        "read first",
        "then",
        "read first",
        "then",
    ]
    assert bands.banded(*args, limit=-np.inf, use_no_abstract=True) == ["read first"] * 4


def test_what_was_drawn_stays_drawn_while_others_of_the_month_are_decided():
    ids = [str(one) for one in range(100)]
    drawn = bands.drawn(ids, 10, seed=1, run="2020-01")
    assert len(drawn) == 10
    left = [one for one in ids if one in drawn or int(one) % 2]
    assert bands.drawn(left[::-1], 10, seed=1, run="2020-01") == drawn
    assert bands.drawn(ids, 4, seed=1, run="2020-01") < drawn
    assert drawn not in (
        bands.drawn(ids, 10, seed=2, run="2020-01"),
        bands.drawn(ids, 10, seed=1, run="2020-02"),
    )
    assert bands.drawn(ids[:3], 10, seed=1, run="2020-01") == set(ids[:3])
    assert bands.drawn(ids, 0, seed=1, run="2020-01") == bands.drawn([], 5, seed=1, run="2020-01") == set()


def test_each_record_is_drawn_as_often_as_any_other():
    ids = [str(one) for one in range(20)]
    times = pd.Series([one for seed in range(1000) for one in bands.drawn(ids, 5, seed=seed, run="2020-01")])
    assert times.value_counts().between(200, 300).all()


@pytest.mark.parametrize("seed", range(60))
def test_the_order_is_total_and_no_record_without_abstract_comes_below_the_middle(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(0, 25))
    found = list(rng.choice(bands.BANDS, n))
    scores = list(rng.integers(-3, 3, n).astype(float))
    ids = [f"id{one}" for one in rng.permutation(n)]
    lifted = rng.random(n) < rng.random()
    places = bands.reading_order(found, scores, ids, lifted=lifted)
    assert sorted(places) == list(range(n))
    n_others, before = int((~lifted).sum()), 0
    for at in places:
        if lifted[at]:
            assert before <= n_others / 2
        before += not lifted[at]
    # Everything else keeps the order of bands, scores and ids.
    keys = [(bands.BANDS.index(found[at]), -scores[at], ids[at]) for at in places if not lifted[at]]
    assert keys == sorted(keys)
    again = rng.permutation(n)
    other = bands.reading_order(
        [found[at] for at in again],
        [scores[at] for at in again],
        [ids[at] for at in again],
        lifted=lifted[again],
    )
    assert [ids[again[at]] for at in other] == [ids[at] for at in places]
