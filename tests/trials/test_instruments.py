"""The registry of instruments: nothing without its source, and one instrument per name."""

from pathlib import Path

import pytest

from livingreview import tables
from livingreview.errors import InputError
from livingreview.trials import instruments

BUNDLED = Path(__file__).resolve().parents[2] / "data/trials/instruments.csv"
ROW = {
    "name": "Example scale",
    "aliases": "EXS; Example Pain Scale",
    "outcome": "pain_intensity",
    "higher_is": "worse",
    "range_low": 0,
    "range_high": 10,
    "integer": "yes",
    "n_items": 5,
    "range_source": "Example 2001",
    "run": "2020-01",
    "revision": 1,
}


@pytest.fixture
def registry(tmp_path):
    def write(*rows):
        path = tmp_path / "instruments.csv"
        header = tables.columns("instruments")
        cells = [
            ["" if (ROW | row).get(name) is None else str((ROW | row)[name]) for name in header]
            for row in rows
        ]
        lines = [",".join(line) for line in [header, *cells]]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("name", ["Example scale", "example  SCALE", " exs ", "Example Pain Scale"])
def test_an_instrument_is_found_by_name_or_alias_whatever_the_case(registry, name):
    found = instruments.lookup(instruments.read(registry({}))).find(name, "pain_intensity")
    assert (found["name"], found["range_high"], found["n_items"]) == ("Example scale", 10.0, 5)


@pytest.mark.parametrize(
    ("name", "outcome"), [("Example scale", "depression"), ("other", "pain_intensity"), (None, "depression")]
)
def test_what_the_registry_does_not_hold_is_none(registry, name, outcome):
    assert instruments.lookup(instruments.read(registry({}))).find(name, outcome) is None


def test_a_review_without_a_registry_has_no_instruments(tmp_path):
    found = instruments.lookup(instruments.read(tmp_path / "instruments.csv"))
    assert found.find("NRS", "pain_intensity") is None
    assert found.of_outcome("pain_intensity") == []


def test_a_correction_counts_from_its_run(registry):
    path = registry(
        {}, {"range_high": 20, "run": "2020-03", "revision": 2, "revision_reason": "the version in use"}
    )
    at = {
        run: instruments.lookup(instruments.read(path, run=run)).find("EXS", "pain_intensity")
        for run in ("2019-12", "2020-02", "2020-03")
    }
    assert at["2019-12"] is None
    assert (at["2020-02"]["range_high"], at["2020-03"]["range_high"]) == (10.0, 20.0)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (
            {"range_source": None},
            "column range_source: empty; allowed: not empty; hint: the paper that says so",
        ),
        (
            {"range_low": None, "range_high": None, "integer": None, "range_source": None},
            "column range_source: empty; allowed: not empty; hint: the paper that says so",
        ),
        (
            {"sd_low": 1, "sd_high": 2},
            "column sd_source: empty; allowed: not empty; hint: where the standard deviations",
        ),
        (
            {"range_high": None},
            "column range_high: empty; allowed: not empty; hint: both ends of the range, or neither",
        ),
        ({"range_low": None}, "column range_high: found 10.0; allowed: both ends of the range, or neither"),
        (
            {"range_low": 10},
            "row Example scale, column range_high: found 10.0; allowed: above range_low, which is 10",
        ),
        ({"sd_low": 2, "sd_high": 1, "sd_source": "x"}, "column sd_high: found 1.0; allowed: above sd_low"),
        ({"revision": 2}, "column revision_reason: empty; allowed: not empty; hint: a reason"),
        ({"integer": "maybe"}, "column integer: found 'maybe'; allowed: yes, no"),
    ],
)
def test_a_row_that_says_half_is_refused(registry, cells, message):
    with pytest.raises(InputError) as caught:
        instruments.read(registry(cells))
    assert message in str(caught.value)


def test_one_name_for_two_instruments_of_an_outcome_is_refused(registry):
    path = registry({}, {"name": "Other scale", "aliases": "exs"})
    with pytest.raises(InputError, match=r"row Other scale, column aliases: 'exs' is also a name of Example"):
        instruments.read(path)
    of_another = registry({}, {"name": "Other scale", "aliases": "exs", "outcome": "depression"})
    assert instruments.lookup(instruments.read(of_another)).find("EXS", "depression")["name"] == "Other scale"


def test_the_bundled_registry_points_as_the_bundled_rows_do_and_holds_their_means():
    find = instruments.lookup(instruments.read(BUNDLED)).find
    rows = tables.read(BUNDLED.with_name("outcomes.csv"), "outcomes").to_dict("records")
    known = [(row, find(row["instrument"], row["outcome"])) for row in rows]
    known = [(row, found) for row, found in known if found]
    assert len(known) > 50
    assert [row["row_id"] for row, found in known if row["higher_is"] != found["higher_is"]] == []
    beyond = [
        row["row_id"]
        for row, found in known
        for mean in (row[name] for name in ("mean_1", "mean_2", "baseline_mean_1", "baseline_mean_2"))
        if mean < found["range_low"] or mean > found["range_high"]
    ]
    assert beyond == []


@pytest.mark.parametrize(
    ("name", "outcome", "low", "high", "items"),
    [
        ("PHQ-9", "depression", 0, 27, 9),
        ("BDI-II", "depression", 0, 63, 21),
        ("CES-D", "depression", 0, 60, 20),
        ("HADS-A", "anxiety", 0, 21, 7),
        ("RMDQ", "interference_disability", 0, 24, 24),
        ("PCS", "catastrophizing", 0, 52, 13),
    ],
)
def test_bundled_sum_scores_have_the_range_of_their_papers(name, outcome, low, high, items):
    row = instruments.lookup(instruments.read(BUNDLED)).find(name, outcome)
    assert (row["range_low"], row["range_high"], row["n_items"], row["integer"]) == (low, high, items, "yes")


def test_usual_standard_deviations_are_those_of_the_rows_that_are_named():
    rows = tables.read(BUNDLED.with_name("outcomes.csv"), "outcomes").set_index("row_id")
    columns = ["sd_1", "sd_2", "baseline_sd_1", "baseline_sd_2"]
    with_sd = [row for row in instruments.read(BUNDLED).to_dict("records") if row["sd_source"]]
    assert len(with_sd) > 15
    for row in with_sd:
        named = row["sd_source"].split(" in the rows ")[1].removesuffix(" of data/trials/outcomes.csv")
        seen = rows.loc[named.split("; "), columns].astype(float).stack()
        assert (row["sd_low"], row["sd_high"]) == pytest.approx((seen.min(), seen.max()), abs=1e-9)
