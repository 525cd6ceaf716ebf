"""What was corrected: each field from what to what, with its reason, from its run on."""

import pytest

from livingreview import tables
from livingreview.errors import InputError
from livingreview.trials import corrections


def frames(example_table):
    first = {"row_id": "example_2020.pain_intensity.1", "study_id": "example_2020"}
    again = first | {
        "run": "2020-03",
        "revision": "2",
        "revision_reason": "an error taken for a deviation",
        "sd_1": "12.5",
        "note": "see the supplement",
    }
    third = again | {"run": "2020-05", "revision": "3", "revision_reason": "no change but of its reason"}
    outcomes = example_table("outcomes", first | {"sd_1": "1.25"}, again, third)
    studies = example_table(
        "studies", {}, {"run": "2020-03", "revision": "2", "revision_reason": "printed", "n_randomised": "80"}
    )
    return {"outcomes": tables.read(outcomes, "outcomes"), "studies": tables.read(studies, "studies")}


def test_corrections_are_listed_field_by_field_in_order_of_runs(example_table):
    found = corrections.corrections_until(frames(example_table), run="2020-05")
    row, reason = "example_2020.pain_intensity.1", "an error taken for a deviation"
    assert list(found.columns) == corrections.COLUMNS
    assert found.values.tolist() == [
        ["2020-03", "outcomes", row, "sd_1", "1.25", "12.5", reason],
        ["2020-03", "outcomes", row, "note", "", "see the supplement", reason],
        ["2020-03", "studies", "example_2020", "n_randomised", "", "80", "printed"],
        ["2020-05", "outcomes", row, "", "", "", "no change but of its reason"],
    ]


def test_a_correction_of_a_later_run_is_not_known_yet(example_table):
    read = frames(example_table)
    assert corrections.corrections_until(read, run="2020-02").empty
    assert set(corrections.corrections_until(read, run="2020-04")["run"]) == {"2020-03"}


def test_the_order_of_rows_in_the_tables_does_not_matter(example_table):
    read = frames(example_table)
    turned = {name: frame[::-1] for name, frame in read.items()}
    one, other = (corrections.corrections_until(each, run="2020-05") for each in (read, turned))
    assert one.equals(other)


def test_without_corrections_the_list_is_empty_with_its_columns(example_table):
    studies = tables.read(example_table("studies", {}), "studies")
    found = corrections.corrections_until({"studies": studies}, run="2020-05")
    assert found.empty
    assert list(found.columns) == corrections.COLUMNS


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"revision": "3"}, "column revision: found 3; allowed: 2; hint: a correction takes the next number"),
        (
            {"run": "2019-11"},
            "column run: found '2019-11'; allowed: 2020-01 or later; hint: a correction counts",
        ),
    ],
)
def test_a_correction_that_skips_a_number_or_comes_before_its_value_is_refused(
    example_table, changes, message
):
    second = {"run": "2020-03", "revision": "2", "revision_reason": "misread", "sd_1": "3.0"} | changes
    outcomes = tables.read(example_table("outcomes", {}, second), "outcomes")
    with pytest.raises(InputError) as caught:
        corrections.corrections_until({"outcomes": outcomes}, run="2020-05")
    assert str(caught.value).startswith("data/trials/outcomes.csv: row example_2020.pain_intensity.1, ")
    assert message in str(caught.value)
