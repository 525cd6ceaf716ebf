"""Old decisions that surprise the model; records, people and titles are made up."""

import pandas as pd
import pytest

from livingreview.screening import suspicious as room
from livingreview.screening.suspicious import EXCLUDED, INCLUDED, confirmed, suspicious

TITLES = {"1": "Example trial one", "2": "Example trial two"}


def predicted(*rows):
    """Rows of (record_id, probability, included)."""
    return pd.DataFrame(rows, columns=["record_id", "probability", "included"])


def filler(n=20):
    """Records that are excluded as expected, so that few are included overall."""
    return [(f"9{place:03d}", 0.01, False) for place in range(n)]


@pytest.fixture
def decided(ledger):
    """A ledger with one title-abstract decision in 2020-01 for each row of predictions."""

    def make(predictions, *more):
        rows = [
            (one.record_id, "2020-01", "title-abstract", "include" if one.included else "exclude")
            for one in predictions.itertuples()
        ]
        return ledger(*rows, *more)

    return make


def listed(predictions, decisions, **options):
    return suspicious(predictions, TITLES, decisions, **{"run": "2020-06", **options})


def test_an_exclude_that_is_likely_and_an_include_that_is_unlikely_are_named(decided):
    rows = predicted(("1", 0.93, False), ("2", 0.02, True), *filler())
    found = listed(rows, decided(rows))
    assert found.to_dict("records") == [
        {
            "record_id": "2",
            "title": "Example trial two",
            "kind": INCLUDED,
            "decision": "include",
            "stage": "title-abstract",
            "run": "2020-01",
            "reviewer": "EX",
            "probability": 0.02,
            "surprise": 5.644,
            "why": "Included on title and abstract in 2020-01 by EX; a model that had not seen this decision gave it a chance of 2%, where 5% of the records were included.",
        },
        {
            "record_id": "1",
            "title": "Example trial one",
            "kind": EXCLUDED,
            "decision": "exclude",
            "stage": "title-abstract",
            "run": "2020-01",
            "reviewer": "EX",
            "probability": 0.93,
            "surprise": 3.837,
            "why": "Excluded on title and abstract in 2020-01 by EX; a model that had not seen this decision gave it a chance of 93%, where 5% of the records were included.",
        },
    ]


def test_a_decision_that_the_model_shares_is_not_named(decided):
    # One of 22 is included, so an include at 6% is likelier than a record drawn blindly.
    rows = predicted(("1", 0.5, False), ("2", 0.06, True), *filler())
    assert listed(rows, decided(rows)).empty


def test_the_kinds_take_turns_and_neither_is_padded(decided):
    excludes = [(f"1{n}", 0.90 + n / 100, False) for n in range(6)]
    includes = [(f"2{n}", 0.001 + n / 1000, True) for n in range(2)]
    rows = predicted(*excludes, *includes, *filler(60))
    found = listed(rows, decided(rows))
    assert found["record_id"].tolist() == ["20", "21", "15", "14", "13"]
    assert found["surprise"].is_monotonic_decreasing
    many = predicted(*excludes, *[(f"2{n}", 0.001, True) for n in range(6)], *filler(60))
    assert listed(many, decided(many))["kind"].tolist() == [INCLUDED] * 3 + [EXCLUDED] * 2
    assert len(listed(many, decided(many), n=2)["kind"].unique()) == 2
    assert len(listed(rows, decided(rows), n=100)) == 8


def test_equally_surprising_records_come_by_id_whatever_their_order(decided):
    rows = predicted(*[(str(n), 0.9, False) for n in (5, 3, 4, 1, 2, 7, 6)], *filler())
    back = rows.iloc[::-1].reset_index(drop=True)
    assert listed(rows, decided(rows))["record_id"].tolist() == ["1", "2", "3", "4", "5"]
    pd.testing.assert_frame_equal(listed(rows, decided(rows)), listed(back, decided(back)))


def test_a_record_that_a_person_confirmed_in_a_later_month_is_passed_over(decided):
    rows = predicted(("1", 0.93, False), *filler())
    again = ("1", "2020-03", "title-abstract", "exclude", {"note": "looked at again"})
    assert listed(rows, decided(rows))["record_id"].tolist() == ["1"]
    assert listed(rows, decided(rows, again)).empty
    assert listed(rows, decided(rows, again), run="2020-02")["record_id"].tolist() == ["1"]


def test_what_confirms_a_decision(ledger):
    first = ("1", "2020-01", "title-abstract", "exclude", {"reviewer": "A"})

    def after(run, decision, **cells):
        return confirmed(ledger(first, ("1", run, "title-abstract", decision, cells)), "2020-06")

    assert after("2020-02", "exclude", reviewer="B") == {"1"}
    assert after("2020-01", "exclude", reviewer="B") == set()
    assert after("2020-02", "include", reviewer="A") == set()
    assert after("2020-07", "exclude", reviewer="A") == set()
    assert after("2020-02", "exclude", reviewer="B", role="adjudicator") == {"1"}
    alone = {"role": "independent reviewer"}
    assert after("2020-02", "exclude", reviewer="B", **alone) == set()
    assert after("2020-02", "exclude", reviewer="A", **alone) == {"1"}
    awaits = [("1", run, "title-abstract", "awaiting") for run in ("2020-01", "2020-02")]
    assert confirmed(ledger(*awaits), "2020-06") == set()


def test_a_decision_changed_since_it_was_confirmed_is_open_again(ledger):
    runs = [("2020-01", "exclude"), ("2020-02", "exclude"), ("2020-03", "include")]
    rows = [("1", run, "title-abstract", decision) for run, decision in runs]
    assert confirmed(ledger(*rows), "2020-02") == {"1"}
    assert confirmed(ledger(*rows), "2020-03") == set()


def test_the_row_shown_is_the_one_that_gave_the_label(ledger):
    rows = predicted(("1", 0.9, False), ("2", 0.001, True), *filler())
    decisions = ledger(
        ("1", "2020-01", "title-abstract", "include"),
        ("1", "2020-02", "full-text", "exclude", {"reason": "wrong population"}),
        ("2", "2020-01", "title-abstract", "include"),
        ("2", "2020-02", "full-text", "exclude", {"reason": "wrong population"}),
    )
    found = listed(rows, decisions).set_index("record_id")
    assert found.loc["1", "stage"] == "full-text"
    assert found.loc["1", "why"].startswith("Excluded on full text in 2020-02 by EX;")
    assert found.loc["2", "stage"] == "title-abstract"  # the label is that of title and abstract


@pytest.mark.parametrize("run", ["2020-01", "2019-12"])
def test_decisions_of_the_month_itself_are_not_old(decided, run):
    rows = predicted(("1", 0.93, False), *filler())
    assert listed(rows, decided(rows), run=run).empty


def test_a_record_whose_label_no_decision_gives_is_passed_over(ledger):
    rows = predicted(("1", 0.93, False), *filler())
    assert listed(rows, ledger(("1", "2020-01", "title-abstract", "awaiting"))).empty
    assert listed(rows, ledger()).empty


def test_terms_are_shown_where_they_are_given(decided):
    rows = predicted(("1", 0.93, False), *filler())
    found = listed(rows, decided(rows), terms={"1": "online (+1.20)"})
    assert found["why"][0].endswith("were included. Terms: online (+1.20).")


@pytest.mark.parametrize(
    "rows", [[], [("1", None, False)], [("1", 0.2, False)], [("1", 1.0, True), ("2", 0.0, False)]]
)
def test_nothing_to_name_is_an_empty_list_with_its_columns(decided, rows):
    found = listed(predicted(*rows), decided(predicted(*rows)))
    assert (len(found), list(found.columns)) == (0, room.COLUMNS)


def test_a_probability_of_nought_or_one_is_ranked_and_shown(decided):
    rows = predicted(("1", 1.0, False), ("2", 0.0, True), *filler())
    assert listed(rows, decided(rows))["surprise"].tolist() == [19.932, 19.932]
    assert listed(rows, decided(rows), n=0).empty


def test_of_an_include_on_both_stages_the_one_on_full_text_is_shown(ledger):
    rows = predicted(("1", 0.001, True), *filler())
    decisions = ledger(
        ("1", "2020-02", "full-text", "include"), ("1", "2020-03", "title-abstract", "include")
    )
    assert listed(rows, decisions)["stage"].tolist() == ["full-text"]
