"""The bundled review, from its trials to its estimates, against metafor's answer to the same effects."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

import pool_outcomes
from livingreview.pooling.outcomes import SHORT, STATISTICS

REFERENCE = Path(__file__).parents[1] / "reference"
KEYS = {"value": str, "part": str, "outcome": str}
ESTIMATES = pd.read_csv(
    REFERENCE / "default_estimates.csv", dtype=KEYS, keep_default_na=False, na_values=[""]
)
BETWEEN = pd.read_csv(REFERENCE / "default_between.csv", keep_default_na=False)


@pytest.fixture(scope="module")
def review(tmp_path_factory):
    """The effects and the details (estimates.json) of the bundled review, computed by both scripts."""
    sys.path.insert(0, str(REFERENCE))
    try:
        import export_default_effects as export
    finally:
        sys.path.remove(str(REFERENCE))
    folder = tmp_path_factory.mktemp("review")
    effects = export.compute(folder)
    names = dict.fromkeys(("estimates", "subgroups", *pool_outcomes.PARTS), "csv") | {"details": "json"}
    output = SimpleNamespace(**{name: folder / f"{name}.{end}" for name, end in names.items()})
    pool_outcomes.main(
        SimpleNamespace(
            input=SimpleNamespace(effects=effects, judged=export.judged(folder)),
            output=output,
            params=export.params(),
        )
    )
    details = json.loads(output.details.read_text(encoding="utf-8"))
    return SimpleNamespace(effects=pd.read_csv(effects), outcomes=details["outcomes"], output=output)


def test_effect_sizes_agree_with_escalc_on_the_printed_numbers(review):
    expected = pd.read_csv(REFERENCE / "default_escalc.csv").set_index("row_id")
    got = review.effects.set_index("row_id").loc[expected.index]
    assert len(expected) > 40
    # Files carry ten significant digits.
    assert got["yi"].to_numpy() == pytest.approx(expected["yi"].to_numpy(), rel=1e-9, abs=1e-15)
    assert got["vi"].to_numpy() == pytest.approx(expected["vi"].to_numpy(), rel=1e-9)


def test_the_reference_is_of_these_effects(review):
    expected = pd.read_csv(REFERENCE / "default_effects.csv")
    got = review.effects[review.effects["in_sensitivity"]].reset_index(drop=True)[expected.columns]
    pd.testing.assert_frame_equal(got, expected)


def part(one, name, value):
    """The result that a row of the reference is about."""
    if name in ("main", "sensitivity"):
        return one[name], ("n_studies", *STATISTICS)
    if name == "leave_one_out":
        return next(r for r in one["leave_one_out"] if r["omitted"] == value), SHORT
    variable = next(v for v in one["subgroups"] if v["variable"] == name)
    return next(g for g in variable["groups"] if g["value"] == value), ("n_studies", *SHORT)


@pytest.mark.parametrize("row", range(len(ESTIMATES)))
def test_every_estimate_agrees_with_metafor(review, row):
    expected = ESTIMATES.iloc[row]
    got, fields = part(review.outcomes[expected["outcome"]], expected["part"], expected["value"])
    for field in ("k", *fields):
        value = float("nan") if got[field] is None else got[field]
        slack = 1e-9 if field == "I2" else 1e-11
        assert value == pytest.approx(expected[field], rel=1e-8, abs=slack, nan_ok=True), field


def test_every_test_between_subgroups_agrees_with_metafor(review):
    for _, expected in BETWEEN.iterrows():
        variables = review.outcomes[expected["outcome"]]["subgroups"]
        test = next(v for v in variables if v["variable"] == expected["variable"])["between"]
        wanted = {name: expected[name] for name in ("QM", "df", "p", "n_groups")}
        assert {name: test[name] for name in wanted} == pytest.approx(wanted, rel=1e-7)
        assert sorted(test["left_out"]) == sorted(filter(None, expected["left_out"].split(";")))
    tested = sum(v["between"] is not None for one in review.outcomes.values() for v in one["subgroups"])
    assert tested == len(BETWEEN)


def test_one_trial_of_pain_does_not_make_the_comparators_differ(review):
    variables = review.outcomes["pain_intensity"]["subgroups"]
    comparator = next(v for v in variables if v["variable"] == "comparator")
    assert {g["value"]: g["k"] for g in comparator["groups"]}["information"] == 1
    assert comparator["between"]["left_out"] == ["information"]
    # With the Hartung-Knapp errors and the single trial it was 0.001.
    assert comparator["between"]["p"] == pytest.approx(0.409, abs=0.001)


def test_every_outcome_of_the_protocol_has_its_row_also_without_trials(review):
    table = pd.read_csv(review.output.estimates).set_index("outcome")
    assert list(table.index)[2] == "catastrophizing"
    assert (table.loc["catastrophizing", "k"], review.outcomes["catastrophizing"]["sensitivity"]["k"]) == (
        0,
        1,
    )
    rows = review.effects[review.effects["in_pool"]].groupby("outcome").size()
    assert table["k"][table["k"] > 0].to_dict() == rows.to_dict()


def test_the_pool_holds_what_the_traps_of_the_data_ask_for(review):
    effects = review.effects.set_index("row_id")
    lin = effects[(effects["study"] == "lin_2017") & effects["in_pool"]]
    assert set(lin["assumption"]) == {
        "shared control of 101 divided by 2: 1/101 added to the printed variance"
    }
    assert sorted(lin["vi"]) == pytest.approx([0.14**2 + 1 / 101, 0.141**2 + 1 / 101], rel=1e-9)
    dear = effects[(effects["study"] == "dear_2015") & effects["in_pool"]]
    assert list(dear["label"]) == ["Dear 2015 a", "Dear 2015 b", "Dear 2015 c"]
    assert sorted(dear["vi"]) == pytest.approx([0.218**2, 0.218**2, 0.22**2], rel=1e-9)
    imputed = effects[effects["study"].isin(["buhrman_2004", "buhrman_2011"])]
    assert not imputed["in_sensitivity"].any()
    function = effects[(effects["instrument"] == "SF-36 physical functioning")]
    # 41.1 against 38.9 on a scale where more is better.
    assert (function["yi"] < 0).all()
    assert effects.loc[effects["study"].str.startswith("buhrman_2013"), "label"].unique().tolist() == [
        "Buhrman 2013 (ACT)",
        "Buhrman 2013 (CBT)",
    ]
