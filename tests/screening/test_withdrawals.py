"""A decision that was taken back: it stays in the ledger, and from then on it was never said."""

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livingreview.errors import InputError
from livingreview.screening import agreement, audit, blinding, suspicious, training
from livingreview.screening import decisions as module

TA, FT = "title-abstract", "full-text"
STAGES = [TA, FT]
RUN = "2020-03"
NAMES = ["Ann", "Ben"]


def told(ledger, run=RUN):
    """All that modules make of a ledger, as plain values."""
    ids = ["101", "102"]
    return [
        module.statuses(ids, ledger, run=run, stages=STAGES).values.tolist(),
        module.latest(ledger, run).drop(columns="decided_at").astype(str).values.tolist(),
        {key: one.waits_for for key, one in module.standings(ledger, run).items()},
        module.in_force(ledger, run),
        module.awaiting(ids, ledger, run=run, stages=STAGES).values.tolist(),
        training.decided_in(ids, ledger, run=run),
        sorted(suspicious.confirmed(ledger, run)),
    ]


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["101", "102"]),
        st.sampled_from([TA, FT]),
        st.sampled_from(["include", "exclude", "awaiting"]),
        st.sampled_from(NAMES),
        st.sampled_from([None, module.INDEPENDENT, module.ADJUDICATOR]),
    ),
    max_size=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=ROWS, slip=ROWS.filter(bool))
def test_after_a_slip_is_taken_back_everything_is_as_if_it_had_never_been(ledger, before, slip):
    def cells(row):
        record_id, stage, decision, reviewer, role = row
        more = {"reviewer": reviewer, "role": role, "reason": "review", "note": "why"}
        return record_id, RUN, stage, decision, more

    slip = slip[0]
    rows = [cells(row) for row in before]
    back = cells((*slip[:2], module.WITHDRAWN, *slip[3:]))
    assert told(ledger(*rows, cells(slip), back)) == told(ledger(*rows))


def test_what_is_taken_back_later_still_counts_in_the_months_before(ledger):
    rows = ledger(("101", "2020-01", TA, "include"), ("101", "2020-03", TA, "withdrawn"))
    assert list(module.statuses(["101"], rows, run="2020-02", stages=STAGES)["status"]) == [module.TO_ASSESS]
    assert list(module.statuses(["101"], rows, run="2020-03", stages=STAGES)["status"]) == [module.UNSCREENED]


def test_two_slips_are_taken_back_one_after_the_other(ledger):
    rows = [
        ("101", RUN, TA, "awaiting"),
        ("101", RUN, TA, "include", {"note": "slip"}),
        ("101", RUN, TA, "exclude", {"note": "slip"}),
        ("101", RUN, TA, "withdrawn"),
        ("101", RUN, TA, "withdrawn"),
    ]
    assert module.in_force(ledger(*rows[:4]), RUN) == {"101": {TA: "include"}}
    assert module.in_force(ledger(*rows), RUN) == {"101": {TA: "awaiting"}}
    module.check(ledger(*rows))


def test_the_history_shows_both_rows_and_neither_is_in_force(ledger):
    rows = ledger(("101", RUN, TA, "include"), ("101", RUN, TA, "withdrawn"))
    assert module.history(rows, "101")[["decision", "in_force"]].values.tolist() == [
        ["include", False],
        ["withdrawn", False],
    ]


def test_a_slip_that_was_taken_back_is_not_read_for_the_audit(ledger, corpus_frame):
    rows = ledger(("101", RUN, TA, "exclude"), ("101", RUN, TA, "withdrawn"))
    frame = audit.ranked(corpus_frame, rows, {"101": "audit"}, run=RUN)
    assert frame[["band", "read"]].values.tolist() == [["audit", False]]


@pytest.fixture
def corpus_frame(record):
    return pd.DataFrame([record("101")])


def spoke(name, decision, run=RUN):
    return ("101", run, TA, decision, {"reviewer": name, "role": module.INDEPENDENT})


def test_agreement_forgets_a_slip_only_if_the_other_had_not_spoken(ledger):
    slip = [
        spoke("Ann", "include"),
        spoke("Ann", "withdrawn"),
        spoke("Ann", "exclude"),
        spoke("Ben", "exclude"),
    ]
    late = [
        spoke("Ann", "include"),
        spoke("Ben", "exclude"),
        spoke("Ann", "withdrawn"),
        spoke("Ann", "exclude"),
    ]
    said = ["decision_1", "decision_2"]
    assert agreement.pairs(ledger(*slip), run=RUN, names=NAMES)[said].values.tolist() == [
        ["exclude", "exclude"]
    ]
    assert agreement.pairs(ledger(*late), run=RUN, names=NAMES)[said].values.tolist() == [
        ["include", "exclude"]
    ]


def withdraw(rows, *, stage=TA, reviewer="EX", role=None, run=RUN):
    return module.withdrawal(
        rows,
        record_id="101",
        stage=stage,
        reviewer=reviewer,
        role=role,
        run=run,
        decided_at="2020-03-04T05:06:07Z",
        path="screening.csv",
    )


def test_a_withdrawal_is_a_row_of_the_ledger(ledger):
    row = withdraw(ledger(("101", RUN, TA, "include", {"reviewer": "EX"}))).iloc[0]
    cells = [
        row[name] for name in ("record_id", "run", "stage", "decision", "reviewer", "role", "decided_at")
    ]
    assert cells == ["101", RUN, TA, "withdrawn", "EX", None, "2020-03-04T05:06:07Z"]


OF_EX = {"reviewer": "EX"}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "EX has no decision on this record that could be taken back"),
        ([("101", RUN, TA, "include", OF_EX), ("101", RUN, TA, "withdrawn", OF_EX)], "has no decision"),
        ([("101", RUN, TA, "include", {"reviewer": "Ben"})], "EX has no decision"),
        (
            [("101", RUN, TA, "include", OF_EX), ("101", RUN, TA, "exclude", {"reviewer": "Ben"})],
            "Ben has decided since: exclude",
        ),
        ([("101", "2020-04", TA, "include", OF_EX)], "decided in a later run, 2020-04"),
        (
            [("101", RUN, TA, "include", OF_EX), ("101", RUN, FT, "include", OF_EX)],
            "decided on full text since; take that back first",
        ),
    ],
    ids=["nothing", "taken back already", "another's", "decided since", "a later run", "full text since"],
)
def test_a_withdrawal_of_what_cannot_be_taken_back_is_refused(ledger, rows, message):
    with pytest.raises(InputError, match=message):
        withdraw(ledger(*rows))


def test_a_ledger_with_a_withdrawal_of_nothing_is_refused(ledger):
    with pytest.raises(InputError, match="no decision on this record that could be taken back"):
        module.check(ledger(("101", RUN, TA, "withdrawn")))


def test_what_the_other_took_back_is_not_shown_before_the_record_is_decided(ledger):
    rows = [spoke("Ann", "include"), spoke("Ann", "withdrawn")]
    assert blinding.shown_to(ledger(*rows), name="Ben", names=NAMES).empty
    assert len(blinding.shown_to(ledger(*rows), name="Ann", names=NAMES)) == 2
    rows += [spoke("Ben", "include"), spoke("Ann", "include")]
    assert len(blinding.shown_to(ledger(*rows), name="Ben", names=NAMES)) == 4


def filed(rows, *, run=RUN, note=None):
    """What filing the same include again adds to a ledger."""
    queue = pd.DataFrame(
        [("101", TA, "include", None, "EX", note)],
        columns=["record_id", "stage", "decision", "reason", "reviewer", "note"],
        dtype=object,
    )
    options = {"known": {"101"}, "reasons": {}, "stages": STAGES, "decided_at": f"{run}-05"}
    assert len(module.unfiled(queue, rows, run=run)) == 1
    return module.from_queue(queue, rows, path="queue.csv", run=run, **options)


def test_a_file_that_still_holds_what_was_taken_back_neither_brings_it_back_nor_passes_it_over(ledger):
    of_ex = {"reviewer": "EX"}
    rows = ledger(("101", RUN, TA, "include", of_ex), ("101", RUN, TA, "withdrawn", of_ex))
    with pytest.raises(InputError, match="EX has taken this decision back in this run"):
        filed(rows)
    added, already = filed(rows, note="meant after all")
    assert (added["decision"].tolist(), already) == (["include"], 0)
    # The queue of a later month was made after it.
    added, already = filed(rows, run="2020-04")
    assert (added["decision"].tolist(), already) == (["include"], 0)
