"""Where a record stands, and which decisions the ledger takes."""

import numpy as np
import pandas as pd
import pytest

from livingreview.errors import InputError
from livingreview.screening import decisions as module

BOTH = ["title-abstract", "full-text"]
TA, FT = BOTH
REASONS = ["not_rct", "review"]


def status(ledger, *, run="2020-12", stages=BOTH, record_id="101"):
    return tuple(
        module.statuses([record_id], ledger, run=run, stages=stages).loc[0, ["status", "reason", "since_run"]]
    )


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], ("unscreened", None, None)),
        ([("102", "2020-01", TA, "include")], ("unscreened", None, None)),
        (
            [("101", "2020-01", TA, "exclude", {"reason": "review"})],
            ("excluded on title and abstract", "review", "2020-01"),
        ),
        ([("101", "2020-01", TA, "awaiting")], ("awaiting classification", None, "2020-01")),
        ([("101", "2020-01", TA, "include")], ("to be assessed in full text", None, "2020-01")),
        (
            [("101", "2020-01", TA, "include"), ("101", "2020-02", FT, "awaiting", {"reason": "not_rct"})],
            ("awaiting classification", "not_rct", "2020-02"),
        ),
        (
            [("101", "2020-01", TA, "include"), ("101", "2020-02", FT, "exclude", {"reason": "not_rct"})],
            ("excluded on full text", "not_rct", "2020-02"),
        ),
        (
            [("101", "2020-01", TA, "include"), ("101", "2020-02", FT, "include")],
            ("included", None, "2020-02"),
        ),
        ([("101", "2020-01", FT, "include")], ("unscreened", None, None)),
        (
            [
                ("101", "2020-01", TA, "include"),
                ("101", "2020-02", FT, "include"),
                ("101", "2020-03", TA, "exclude", {"reason": "review"}),
            ],
            ("excluded on title and abstract", "review", "2020-03"),
        ),
    ],
    ids=[
        "no decision",
        "a decision of another record",
        "excluded first",
        "awaiting first",
        "included first",
        "awaiting in full text",
        "excluded in full text",
        "included",
        "full text without title and abstract counts for nothing",
        "excluded later after all",
    ],
)
def test_the_decisions_of_both_stages_make_the_status(ledger, rows, expected):
    assert status(ledger(*rows)) == expected


@pytest.mark.parametrize(
    ("decision", "expected"),
    [("include", "included"), ("exclude", "excluded on full text"), ("awaiting", "awaiting classification")],
)
def test_a_protocol_with_the_full_text_stage_alone_needs_one_decision(ledger, decision, expected):
    assert status(ledger(("101", "2020-01", FT, decision)), stages=[FT])[0] == expected


def test_the_latest_row_of_a_stage_wins_even_within_a_run(ledger):
    rows = ledger(
        ("101", "2020-01", TA, "exclude", {"reason": "review"}),
        ("101", "2020-01", TA, "include", {"note": "misread"}),
    )
    assert status(rows) == ("to be assessed in full text", None, "2020-01")
    assert module.latest(rows, "2020-01")["note"].tolist() == ["misread"]


def test_decisions_of_later_runs_do_not_exist_yet(ledger):
    rows = ledger(("101", "2020-01", TA, "include"), ("101", "2020-03", FT, "include"))
    assert status(rows, run="2019-12")[0] == "unscreened"
    assert status(rows, run="2020-02")[0] == "to be assessed in full text"
    assert status(rows, run="2020-03")[0] == "included"


def test_statuses_come_in_the_order_asked_for(ledger):
    rows = ledger(("101", "2020-01", TA, "exclude"), ("102", "2020-01", TA, "include"))
    found = module.statuses(["103", "102", "101"], rows, run="2020-01", stages=BOTH)
    assert found["record_id"].tolist() == ["103", "102", "101"]
    assert found["status"].tolist() == [
        "unscreened",
        "to be assessed in full text",
        "excluded on title and abstract",
    ]


def test_no_records_have_no_statuses(ledger):
    found = module.statuses([], ledger(), run="2020-01", stages=BOTH)
    assert len(found) == 0
    assert list(found.columns) == module.STATUS_COLUMNS


@pytest.mark.parametrize(
    ("decided", "state", "stage"),
    [
        ({}, "unscreened", TA),
        ({TA: "include"}, "to be assessed in full text", FT),
        ({TA: "awaiting"}, "awaiting classification", TA),
        ({TA: "include", FT: "awaiting"}, "awaiting classification", FT),
        ({TA: "awaiting", FT: "awaiting"}, "awaiting classification", TA),
        ({TA: "include", FT: "include"}, "included", None),
        ({TA: "exclude"}, "excluded on title and abstract", None),
        ({TA: "include", FT: "exclude"}, "excluded on full text", None),
    ],
)
def test_people_are_asked_at_the_stage_that_is_open(ledger, decided, state, stage):
    rows = [("101", "2020-01", at, decision, {"reason": "not_rct"}) for at, decision in decided.items()]
    found = module.statuses(["101"], ledger(*rows), run="2020-01", stages=BOTH)
    assert found[["status", "ask"]].values.tolist() == [[state, stage]]


@pytest.fixture
def file(ledger, example_frame):
    """Files rows of a queue against a ledger; returns the new rows and how many were held already."""

    def run(rows, held=(), **options):
        given = {"known": {"101", "102", "103"}, "reasons": REASONS, "stages": BOTH, "run": "2020-02"}
        return module.from_queue(
            example_frame("queue", *rows),
            ledger(*held),
            path="queue.csv",
            decided_at="2020-02-15",
            **given | options,
        )

    return run


@pytest.fixture
def refusal(file):
    """The message with which rows of a queue are refused."""

    def run(rows, held=(), **options):
        with pytest.raises(InputError) as caught:
            file(rows, held, **options)
        return str(caught.value)

    return run


FILLED = {"decision": "include", "reviewer": "EX"}
IN_FULL_TEXT = FILLED | {"stage": FT}
INCLUDED_FIRST = ("101", "2020-01", TA, "include")


def test_filled_in_rows_become_rows_of_the_ledger_and_empty_ones_do_not(file):
    rows, already = file(
        [
            FILLED | {"score": "0.75", "band": "read first", "note": "fits"},
            {"record_id": "102"},
            {"record_id": "103", "decision": "exclude", "reason": "review", "reviewer": "EX"},
        ]
    )
    assert already == 0
    first, second = rows.to_dict("records")
    assert pd.isna(first.pop("probability"))
    assert first == {
        "record_id": "101",
        "stage": TA,
        "decision": "include",
        "reason": None,
        "reviewer": "EX",
        "note": "fits",
        "role": None,
        "score": 0.75,
        "band": "read first",
        "model": None,
        "run": "2020-02",
        "decided_at": "2020-02-15",
    }
    assert (second["record_id"], second["decision"], second["reason"]) == ("103", "exclude", "review")


def test_an_untouched_queue_files_nothing(file):
    rows, already = file([{}, {"record_id": "102"}])
    assert (len(rows), already) == (0, 0)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            FILLED | {"record_id": "999"},
            "queue.csv: row 2 (999, title-abstract), column record_id: no search or import has found this record; "
            "found '999'; hint: a record from elsewhere is first imported: data/searches/<run>/imports/",
        ),
        (
            {"note": "looks good", "reviewer": "EX"},
            "queue.csv: row 2 (101, title-abstract), column decision: the row is filled in but has no decision; "
            "allowed: include, exclude, awaiting",
        ),
        (
            {"decision": "include"},
            "queue.csv: row 2 (101, title-abstract), column reviewer: a decision needs a name; "
            "allowed: a name or initials",
        ),
        (
            {"decision": "exclude", "reason": "boring", "reviewer": "EX"},
            "queue.csv: row 2 (101, title-abstract), column reason: found 'boring'; allowed: not_rct, review",
        ),
        (
            IN_FULL_TEXT,
            "queue.csv: row 2 (101, full-text), column stage: a full-text decision needs the record to be included "
            "on title and abstract first; found 'no decision'",
        ),
    ],
    ids=["unknown record", "no decision", "no reviewer", "unknown reason", "full text first"],
)
def test_a_row_that_cannot_be_filed_is_named(refusal, row, message):
    assert refusal([row]) == message


def test_an_exclusion_on_full_text_needs_a_reason(refusal):
    assert refusal([IN_FULL_TEXT | {"decision": "exclude"}], [INCLUDED_FIRST]) == (
        "queue.csv: row 2 (101, full-text), column reason: an exclusion on full text needs a reason; "
        "allowed: not_rct, review, not_retrieved"
    )


@pytest.mark.parametrize("decision", ["exclude", "awaiting"])
def test_a_report_that_could_not_be_had_is_filed_without_a_reason_of_the_protocol(file, decision):
    row = IN_FULL_TEXT | {"decision": decision, "reason": module.NOT_RETRIEVED}
    rows, _ = file([row], [INCLUDED_FIRST])
    assert rows[["decision", "reason"]].values.tolist() == [[decision, "not_retrieved"]]


@pytest.mark.parametrize(
    ("row", "earlier"),
    [
        (FILLED | {"decision": "exclude", "reason": "not_retrieved"}, []),
        (IN_FULL_TEXT | {"decision": "include", "reason": "not_retrieved"}, [INCLUDED_FIRST]),
    ],
    ids=["on title and abstract", "included all the same"],
)
def test_only_a_report_that_was_sought_can_be_one_that_was_not_retrieved(refusal, row, earlier):
    assert refusal([row], earlier) == (
        f"queue.csv: row 2 (101, {row.get('stage', TA)}), column reason: only a report that was sought in full text can"
        " be one that was not retrieved; found 'not_retrieved'; allowed: on full-text, with exclude (it is given"
        " up) or awaiting (it is still sought)"
    )


@pytest.mark.parametrize("first", ["exclude", "awaiting"])
def test_full_text_after_anything_but_an_inclusion_is_refused(refusal, first):
    assert refusal([IN_FULL_TEXT], [("101", "2020-01", TA, first)]).endswith(
        f"included on title and abstract first; found '{first}'"
    )


def test_a_stage_that_the_protocol_does_not_have_is_refused(refusal):
    assert refusal([FILLED], stages=[FT]) == (
        "queue.csv: row 2 (101, title-abstract), column stage: found 'title-abstract'; allowed: full-text"
    )


def test_with_full_text_alone_nothing_needs_to_come_first(file):
    rows, _ = file([IN_FULL_TEXT], stages=[FT])
    assert rows["stage"].tolist() == [FT]


def test_every_faulty_row_is_named_in_one_error(refusal):
    text = refusal([{"decision": "include"}, {"record_id": "102"}, FILLED | {"record_id": "999"}])
    lines = text.splitlines()
    assert lines[0] == "queue.csv: 2 problems"
    assert lines[1].startswith("  - row 2 (101, title-abstract), column reviewer: ")
    assert lines[2].startswith("  - row 4 (999, title-abstract), column record_id: ")


def test_a_second_reader_who_disagrees_is_named_with_the_first(refusal):
    held = [("101", "2020-01", TA, "exclude", {"reviewer": "First Reader"})]
    assert refusal([FILLED | {"note": "I think it fits"}], held) == (
        "queue.csv: row 2 (101, title-abstract), column decision: conflicts with the decision of First Reader in run "
        "2020-01; found 'include'; allowed: exclude; hint: if it is a correction, write why in the column note and "
        "file it with CORRECT=yes"
    )


def test_another_reason_for_the_same_decision_is_a_conflict_too(refusal):
    held = [("101", "2020-01", TA, "exclude", {"reason": "review"})]
    row = {"decision": "exclude", "reason": "not_rct", "reviewer": "EX"}
    assert "conflicts with the decision of EX" in refusal([row], held)


def test_a_correction_needs_a_note(refusal, file):
    held = [("101", "2020-01", TA, "exclude")]
    assert refusal([FILLED], held, correct=True) == (
        "queue.csv: row 2 (101, title-abstract), column note: a correction says why; "
        "hint: write the reason in the column note"
    )
    rows, _ = file([FILLED | {"note": "misread"}], held, correct=True)
    assert rows[["decision", "note", "run"]].values.tolist() == [["include", "misread", "2020-02"]]


def test_the_same_decision_twice_is_counted_and_not_added(file):
    held = [("101", "2020-01", TA, "include"), ("102", "2020-01", TA, "exclude", {"reason": "review"})]
    rows, already = file(
        [
            FILLED | {"reviewer": "Second Reader"},
            {"record_id": "102", "decision": "exclude", "reason": "review", "reviewer": "EX"},
            FILLED | {"record_id": "103"},
        ],
        held,
    )
    # A second reader's agreement is a row of its own; the first reader's repetition is none.
    assert rows[["record_id", "reviewer"]].values.tolist() == [["101", "Second Reader"], ["103", "EX"]]
    assert already == 1


def test_what_awaited_classification_is_decided_without_a_correction(file):
    rows, _ = file([FILLED], [("101", "2020-01", TA, "awaiting", {"reason": "not_rct"})])
    assert rows["decision"].tolist() == ["include"]


def test_a_run_in_the_past_does_not_overrule_a_later_one(refusal):
    assert refusal([FILLED], [("101", "2020-03", TA, "exclude")]) == (
        "queue.csv: row 2 (101, title-abstract), column decision: run 2020-03 already decided: exclude; "
        "hint: file it for that run"
    )


def test_title_abstract_of_a_later_run_does_not_open_the_full_text_of_an_earlier_one(refusal):
    text = refusal([IN_FULL_TEXT], [("101", "2020-03", TA, "include")])
    assert "included on title and abstract first; found 'no decision'" in text


def test_what_was_decided_of_the_kept_record_itself_stays_in_force(ledger):
    """A copy from elsewhere was excluded; the trial's own decision does not change for that, at no stage."""
    rows = ledger(
        ("101", "2020-01", TA, "include"),
        ("embase:l1", "2020-02", TA, "exclude", {"reason": "review"}),
        ("embase:l1", "2020-02", FT, "exclude", {"reason": "review"}),
    )
    moved = module.under_kept(rows, {"embase:l1": "101"}, run="2020-12")
    assert module.in_force(moved, "2020-12")["101"] == {TA: "include"}
    assert module.in_force(rows, "2020-01") == {"101": {TA: "include"}}


def test_what_was_decided_of_a_duplicate_counts_where_the_kept_record_has_nothing(ledger):
    rows = ledger(("embase:l1", "2020-02", TA, "include"), ("101", "2020-05", TA, "exclude"))
    kept = {"embase:l1": "101"}
    # In March nobody has decided of the record itself yet; what comes later does not change that month.
    assert module.in_force(module.under_kept(rows, kept, run="2020-03"), "2020-03") == {
        "101": {TA: "include"}
    }
    assert module.in_force(module.under_kept(rows, kept, run="2020-05"), "2020-05")["101"] == {TA: "exclude"}


def test_a_decision_on_the_kept_record_does_not_undo_the_one_that_led_to_it(ledger):
    """Included on title and abstract as a copy, then on full text as the kept record: it is in the review."""
    rows = ledger(("embase:l1", "2020-02", TA, "include"), ("101", "2020-05", FT, "include"))
    moved = module.under_kept(rows, {"embase:l1": "101"}, run="2020-05")
    assert module.in_force(moved, "2020-05")["101"] == {TA: "include", FT: "include"}
    assert list(module.statuses(["101"], moved, run="2020-05", stages=BOTH)["status"]) == [module.INCLUDED]


def test_the_answer_from_before_the_waiting_is_an_answer_again(file):
    """Excluded, then put back to wait with a note; who excludes it again in the queue that asks has decided."""
    held = [
        ("101", "2020-01", TA, "exclude", {"reviewer": "EX"}),
        ("101", "2020-01", TA, "awaiting", {"reviewer": "EX", "note": "ask the authors"}),
    ]
    asked = {"record_id": "101", "decision": "exclude", "reviewer": "EX", "state": "awaiting"}
    rows, already = file([asked], held)
    assert (list(rows["decision"]), already) == (["exclude"], 0)
    again = [*held, ("101", "2020-02", TA, "exclude", {"reviewer": "EX"})]
    rows, already = file([asked], again)
    assert (len(rows), already) == (0, 1)
    # A queue from before the waiting, in which the old answer still stands, says nothing new.
    rows, already = file([asked | {"state": "new"}], held)
    assert (len(rows), already) == (0, 1)


# Two independent reviewers A and B, a third C, and D who settles conflicts.
BY = {name: {"reviewer": name, "role": module.INDEPENDENT} for name in "ABC"}
D = {"reviewer": "D", "role": module.ADJUDICATOR, "note": "read together"}
ALONE = {"reviewer": "E"}


def said(*spoken, stage=TA, run="2020-01"):
    """Rows of record 101: ("A", decision) or ("A", decision, further cells)."""
    who = BY | {"D": D, "E": ALONE}
    return [
        ("101", run, stage, decision, who[name] | (more[0] if more else {}))
        for name, decision, *more in spoken
    ]


@pytest.mark.parametrize(
    ("spoken", "decision", "waits_for"),
    [
        ([("A", "include")], None, "second reviewer"),
        ([("A", "include"), ("B", "include")], "include", None),
        ([("A", "exclude"), ("B", "exclude")], "exclude", None),
        ([("A", "include"), ("B", "exclude")], None, "adjudication"),
        ([("A", "include"), ("B", "awaiting")], None, "adjudication"),
        ([("A", "include"), ("A", "exclude")], None, "second reviewer"),
        ([("A", "include"), ("A", "exclude"), ("B", "exclude")], "exclude", None),
        ([("A", "include"), ("B", "exclude"), ("A", "exclude")], "exclude", None),
        ([("A", "include"), ("B", "include"), ("A", "exclude")], None, "adjudication"),
        ([("A", "include"), ("B", "exclude"), ("D", "include")], "include", None),
        ([("A", "include"), ("B", "exclude"), ("D", "include"), ("D", "exclude")], "exclude", None),
        ([("A", "include"), ("B", "exclude"), ("D", "include"), ("A", "include")], "include", None),
        ([("A", "include"), ("B", "exclude"), ("D", "include"), ("B", "exclude")], None, "second reviewer"),
        (
            [("A", "include"), ("B", "exclude"), ("D", "include"), ("B", "exclude"), ("A", "include")],
            None,
            "adjudication",
        ),
        (
            [("A", "include"), ("B", "exclude"), ("D", "include"), ("B", "exclude"), ("B", "include")],
            "include",
            None,
        ),
        ([("A", "awaiting"), ("B", "awaiting")], "awaiting", None),
        ([("A", "awaiting"), ("B", "awaiting"), ("A", "awaiting")], "awaiting", None),
        ([("A", "awaiting"), ("B", "awaiting"), ("A", "include")], "awaiting", "second reviewer"),
        (
            [("A", "awaiting"), ("B", "awaiting"), ("A", "include"), ("B", "include")],
            "include",
            None,
        ),
        (
            [("A", "awaiting"), ("B", "awaiting"), ("A", "include"), ("B", "exclude")],
            "awaiting",
            "adjudication",
        ),
        ([("A", "include"), ("B", "include"), ("C", "include")], "include", None),
        ([("A", "include"), ("B", "include"), ("C", "exclude")], None, "adjudication"),
        ([("E", "include")], "include", None),
        ([("E", "include"), ("A", "include")], "include", None),
        ([("E", "include"), ("A", "exclude")], None, "second reviewer"),
        ([("E", "awaiting"), ("A", "include")], "awaiting", "second reviewer"),
        ([("A", "include"), ("E", "exclude")], "exclude", None),
        ([("A", "include"), ("B", "exclude"), ("E", "include")], "include", None),
    ],
    ids=lambda value: ", ".join(" ".join(one[:2]) for one in value) if isinstance(value, list) else None,
)
def test_independent_reviewers_decide_together(ledger, spoken, decision, waits_for):
    rows = ledger(*said(*spoken))
    assert module.in_force(rows, "2020-12") == ({"101": {TA: decision}} if decision else {})
    state = module.statuses(["101"], rows, run="2020-12", stages=BOTH).loc[0]
    assert state["waits_for"] == waits_for
    expected = {
        None: "unscreened",
        "include": "to be assessed in full text",
        "exclude": "excluded on title and abstract",
        "awaiting": "awaiting classification",
    }
    assert state["status"] == expected[decision]
    assert state["ask"] == {"include": FT, "exclude": None}.get(decision, TA)


def test_on_full_text_another_reason_is_another_decision_and_before_it_is_not(ledger):
    reasons = [("A", "exclude", {"reason": "review"}), ("B", "exclude", {"reason": "not_rct"})]
    first = module.statuses(["101"], ledger(*said(*reasons)), run="2020-12", stages=BOTH).loc[0]
    assert first[["status", "reason"]].tolist() == ["excluded on title and abstract", "review"]
    rows = said(("A", "include"), ("B", "include")) + said(*reasons, stage=FT)
    state = module.statuses(["101"], ledger(*rows), run="2020-12", stages=BOTH).loc[0]
    assert state[["status", "ask", "waits_for"]].tolist() == [
        "to be assessed in full text",
        FT,
        "adjudication",
    ]
    settled = rows + said(("D", "exclude", {"reason": "not_rct"}), stage=FT)
    state = module.statuses(["101"], ledger(*settled), run="2020-12", stages=BOTH).loc[0]
    assert state[["status", "reason"]].tolist() == ["excluded on full text", "not_rct"]


def test_what_two_decided_together_is_one_row_with_both_names_and_notes(ledger):
    rows = ledger(
        ("102", "2020-01", TA, "exclude"),
        *said(("A", "exclude", {"note": "a survey"})),
        *said(("B", "exclude", {"reason": "review", "note": "no trial"}), run="2020-02"),
        ("103", "2020-02", TA, "include"),
    )
    found = module.latest(rows, "2020-12")
    assert found["record_id"].tolist() == ["102", "101", "103"]
    assert found.loc[1, ["run", "reviewer", "reason", "note"]].tolist() == [
        "2020-02",
        "A; B",
        "review",
        "a survey; no trial",
    ]
    assert list(found.columns) == list(rows.columns)
    assert found.loc[0, "reason"] is None
    assert (found.dtypes == rows.dtypes).all()
    # In January the first of the two was alone.
    assert module.latest(rows, "2020-01")["record_id"].tolist() == ["102"]


@pytest.mark.parametrize("seed", range(5))
def test_one_reviewer_s_decisions_are_the_last_rows(ledger, seed):
    rng = np.random.default_rng(seed)
    rows = ledger(
        *(
            (f"{rng.integers(1, 9)}", f"2020-0{rng.integers(1, 4)}", rng.choice(BOTH), rng.choice(DECISIONS))
            for _ in range(40)
        )
    )
    for role in (None, module.ALONE):
        given = rows.assign(role=pd.Series([role] * len(rows), dtype=object))
        last = given[given["run"] <= "2020-02"].drop_duplicates(["record_id", "stage"], keep="last")
        pd.testing.assert_frame_equal(module.latest(given, "2020-02"), last.reset_index(drop=True))


DECISIONS = ["include", "exclude", "awaiting"]


def test_asking_for_two_reviewers_changes_nothing_that_one_decided_before(ledger):
    """The rows of one reviewer stand whatever the protocol asks later; so do those of two."""
    one = [("101", "2020-01", TA, "include"), ("102", "2020-01", TA, "exclude")]
    two = [
        ("103", "2020-02", TA, "exclude", BY["A"]),
        ("103", "2020-02", TA, "exclude", BY["B"]),
        ("104", "2020-02", TA, "exclude", BY["A"]),
    ]
    again = [("104", "2020-03", TA, "include"), ("105", "2020-03", TA, "include")]
    rows = ledger(*one, *two, *again)
    held = {run: module.in_force(rows, run) for run in ("2020-01", "2020-02", "2020-03")}
    assert held["2020-01"] == {"101": {TA: "include"}, "102": {TA: "exclude"}}
    assert held["2020-02"] == held["2020-01"] | {"103": {TA: "exclude"}}
    assert held["2020-03"] == held["2020-02"] | {"104": {TA: "include"}, "105": {TA: "include"}}
    assert len(module.history(rows, "104")) == 2


def test_the_history_of_a_record_shows_every_row_and_which_are_in_force(ledger):
    rows = ledger(
        *said(("A", "include"), ("B", "exclude"), ("D", "include")),
        ("102", "2020-01", TA, "exclude"),
        *said(("A", "include"), ("B", "include"), stage=FT, run="2020-02"),
    )
    found = module.history(rows, "101")
    assert found[["stage", "reviewer", "in_force"]].values.tolist() == [
        [TA, "A", False],
        [TA, "B", False],
        [TA, "D", True],
        [FT, "A", True],
        [FT, "B", True],
    ]
    assert len(module.history(rows, "101", "2020-01")) == 3
    assert len(module.history(rows, "999")) == 0


def test_what_awaits_has_an_age_that_a_new_note_does_not_begin_anew(ledger):
    rows = ledger(
        ("101", "2019-11", TA, "awaiting", {"reason": "not_rct"}),
        ("101", "2020-01", TA, "awaiting", {"note": "asked the authors"}),
        ("102", "2019-01", TA, "awaiting"),
        ("102", "2019-02", TA, "include"),
        ("102", "2020-01", FT, "awaiting"),
        ("103", "2020-01", TA, "include"),
        ("104", "2019-01", TA, "awaiting"),
        ("104", "2019-03", TA, "include", {"note": "misread"}),
        ("104", "2019-12", TA, "awaiting", {"note": "misread again"}),
    )
    found = module.awaiting(["104", "103", "102", "101", "999"], rows, run="2020-02", stages=BOTH)
    assert found[["record_id", "stage", "since_run", "months", "note"]].values.tolist() == [
        ["104", TA, "2019-12", 2, "misread again"],
        ["102", FT, "2020-01", 1, None],
        ["101", TA, "2019-11", 3, "asked the authors"],
    ]


def test_of_two_who_agree_that_a_record_awaits_the_later_one_begins_its_age(ledger):
    rows = ledger(
        *said(("A", "awaiting")),
        *said(("B", "awaiting"), run="2020-03"),
        *said(("A", "include"), run="2020-04"),
    )
    found = module.awaiting(["101"], rows, run="2020-05", stages=BOTH)
    assert found[["since_run", "months"]].values.tolist() == [["2020-03", 2]]
    assert len(module.awaiting(["101"], rows, run="2020-02", stages=BOTH)) == 0


def test_nothing_awaits_in_an_empty_ledger(ledger):
    found = module.awaiting(["101"], ledger(), run="2020-05", stages=BOTH)
    assert list(found.columns) == ["record_id", "stage", "since_run", "months", "reason", "note"]
    assert len(found) == 0


@pytest.mark.parametrize(
    ("earlier", "later", "months"),
    [("2020-01", "2020-01", 0), ("2019-11", "2020-02", 3), ("2019-12", "2021-01", 13)],
)
def test_the_months_between_two_runs_are_counted(earlier, later, months):
    assert module.months_between(earlier, later) == months


def test_what_the_reviewer_saw_is_kept_with_the_probability_of_the_stage(example_frame, ledger):
    queue = example_frame(
        "queue", FILLED, FILLED | {"record_id": "102", "stage": FT}, FILLED | {"record_id": "103"}
    )
    queue = queue.assign(
        model="ranker-2 n=20 0000", p_title_abstract=[0.25, 0.5, None], p_full_text=[0.125, None, 0.75]
    )
    rows, _ = module.from_queue(
        queue,
        ledger(("102", "2020-01", TA, "include")),
        path="queue.csv",
        known={"101", "102", "103"},
        reasons=REASONS,
        stages=BOTH,
        run="2020-02",
        decided_at="2020-02-15T09:05:00Z",
    )
    assert rows["probability"].tolist() == [0.25, 0.5, 0.75]
    assert rows["model"].tolist() == ["ranker-2 n=20 0000"] * 3
    assert rows["decided_at"].tolist() == ["2020-02-15T09:05:00Z"] * 3


def test_two_decisions_of_one_reviewer_on_one_day_are_refused_unless_explained(refusal, file):
    """Even where the first said that it awaits, which another day may decide without a word."""
    held = [("101", "2020-01", TA, "awaiting", {"decided_at": "2020-02-15T08:00:00Z"})]
    assert refusal([FILLED], held) == (
        "queue.csv: row 2 (101, title-abstract), column decision: EX said awaiting of it on the same day, 2020-02-15; "
        "found 'include'; allowed: awaiting; hint: if it is a correction, write why in the column note and file "
        "it with CORRECT=yes"
    )
    assert refusal([FILLED], held, correct=True).endswith(
        "2020-02-15; hint: write the reason in the column note"
    )
    rows, _ = file([FILLED | {"note": "the full text came"}], held, correct=True)
    assert rows["decision"].tolist() == ["include"]
    rows, _ = file([FILLED | {"reviewer": "Another"}], held)
    assert rows["decision"].tolist() == ["include"]


def test_a_record_included_on_full_text_is_not_excluded_on_title_and_abstract(refusal, file):
    held = [INCLUDED_FIRST, ("101", "2020-01", FT, "include")]
    exclusion = {"decision": "exclude", "reviewer": "EX", "note": "misread"}
    assert refusal([exclusion], held, correct=True) == (
        "queue.csv: row 2 (101, title-abstract), column decision: the record is included on full text and excluded on "
        "title and abstract; found 'exclude'; hint: correct the decision on full text first, with a note"
    )
    later = [INCLUDED_FIRST, ("101", "2020-03", FT, "include")]
    assert "included on full text and excluded" in refusal([exclusion], later, correct=True)
    corrected = [*held, ("101", "2020-01", FT, "exclude", {"reason": "not_rct", "note": "misread"})]
    rows, _ = file([exclusion], corrected, correct=True)
    assert rows["decision"].tolist() == ["exclude"]
    both = [exclusion, exclusion | {"stage": FT, "reason": "not_rct"}]
    assert len(file(both, held, correct=True)[0]) == 2


def of_two(**cells):
    return {"reviewer": "A", "decision": "include"} | cells


OWN = {"role": module.INDEPENDENT, "owner": "A"}


def test_a_reviewer_s_own_queue_counts_as_filled_in_where_something_beside_the_name_is_typed(file):
    rows, already = file(
        [{"reviewer": "A"}, of_two(record_id="102"), of_two(record_id="103", reviewer="")], **OWN
    )
    assert already == 0
    assert rows[["record_id", "reviewer", "role"]].values.tolist() == [
        ["102", "A", "independent reviewer"],
        ["103", "A", "independent reviewer"],
    ]


def test_another_name_in_a_reviewer_s_own_queue_is_refused(refusal):
    assert refusal([{"reviewer": "B"}], **OWN) == (
        "queue.csv: row 2 (101, title-abstract), column reviewer: this is the file of A; found 'B'; allowed: A; "
        "hint: each reviewer fills in the file of their own name"
    )


def test_the_second_reviewer_is_not_held_to_what_the_first_said(file):
    for decision in DECISIONS:
        rows, _ = file([of_two()], said(("B", decision)), **OWN)
        assert rows["decision"].tolist() == ["include"]


def test_an_own_decision_is_changed_with_a_note_only(refusal, file):
    held = said(("A", "exclude"), ("B", "include"))
    text = refusal([of_two()], held, **OWN)
    assert "conflicts with the decision of A in run 2020-01; found 'include'; allowed: exclude" in text
    assert "a correction says why" in refusal([of_two()], held, **OWN, correct=True)
    rows, _ = file([of_two(note="misread")], held, **OWN, correct=True)
    assert rows["role"].tolist() == [module.INDEPENDENT]
    assert len(file([of_two()], said(("A", "awaiting")), **OWN)[0]) == 1


def test_what_an_adjudicator_or_one_reviewer_settled_is_changed_with_a_note_only(refusal, file):
    for held in (said(("A", "include"), ("B", "exclude"), ("D", "exclude")), said(("E", "exclude"))):
        assert "conflicts with the decision of" in refusal([of_two(note="new")], held, **OWN)
        assert len(file([of_two(note="new")], held, **OWN, correct=True)[0]) == 1


def test_a_reviewer_asked_again_may_say_the_same_again(file):
    """A correction of the other opened the record anew; what A said before does not count as said now."""
    opened = said(("A", "include"), ("B", "exclude"), ("D", "include"), ("B", "exclude", {"note": "sure"}))
    rows, already = file([of_two()], opened, **OWN)
    assert (len(rows), already) == (1, 0)
    rows, already = file([of_two()], said(("A", "include"), ("B", "exclude"), ("D", "include")), **OWN)
    assert (len(rows), already) == (0, 1)


def test_the_same_words_in_another_role_are_another_row(file):
    rows, _ = file([of_two(decision="exclude")], said(("E", "exclude", {"reviewer": "A"})), **OWN)
    assert rows["role"].tolist() == [module.INDEPENDENT]


def test_a_reviewer_alone_may_finish_what_two_began(file):
    rows, _ = file([FILLED], said(("A", "include"), ("B", "exclude")))
    assert rows[["decision", "role"]].values.tolist() == [["include", None]]


def test_full_text_waits_for_both_on_title_and_abstract(refusal, file):
    text = refusal([of_two(stage=FT)], said(("A", "include")), **OWN)
    assert text.endswith("included on title and abstract first; found 'no decision'")
    assert len(file([of_two(stage=FT)], said(("A", "include"), ("B", "include")), **OWN)[0]) == 1


def test_of_a_later_run_only_what_is_settled_or_one_s_own_stands_against_a_decision(refusal, file):
    assert len(file([of_two()], said(("B", "exclude"), run="2020-03"), **OWN)[0]) == 1
    for spoken in (("A", "exclude"), ("D", "exclude"), ("E", "exclude")):
        text = refusal([of_two()], said(spoken, run="2020-03"), **OWN)
        assert "run 2020-03 already decided: exclude" in text


SETTLE = {"decision": "include", "reviewer": "D", "note": "a third reader"}
CONFLICT = said(("A", "include"), ("B", "exclude"))


@pytest.fixture
def settle(file, ledger, example_frame):
    """Files adjudications, each given as cells of the list of conflicts."""

    def run(cells, held, **options):
        return module.from_queue(
            example_frame("conflicts", SETTLE | cells),
            ledger(*held),
            path="conflicts.csv",
            known={"101", "102"},
            reasons=REASONS,
            stages=BOTH,
            run="2020-02",
            decided_at="2020-02-15",
            role=module.ADJUDICATOR,
            **options,
        )

    return run


def test_an_adjudication_settles_a_conflict_whoever_gives_it(settle):
    for name in ("D", "A"):
        rows, _ = settle({"reviewer": name}, CONFLICT)
        assert rows[["decision", "reviewer", "role", "note"]].values.tolist() == [
            ["include", name, "adjudicator", "a third reader"]
        ]
        assert rows[["score", "probability", "band", "model"]].isna().all(axis=None)


@pytest.mark.parametrize(
    "held",
    [[], said(("A", "include")), said(("A", "include"), ("B", "include")), said(("E", "exclude"))],
    ids=["no decision", "one alone", "two who agree", "one reviewer"],
)
def test_an_adjudication_without_a_conflict_is_refused(settle, held):
    with pytest.raises(InputError) as caught:
        settle({}, held)
    assert str(caught.value) == (
        "conflicts.csv: row 2 (101, title-abstract), column decision: there is no conflict of two reviewers to settle; "
        "found 'include'; hint: leave the row empty; a run lists the conflicts anew in conflicts.csv"
    )


def test_an_adjudication_says_how_it_was_reached(settle):
    with pytest.raises(InputError) as caught:
        settle({"note": ""}, CONFLICT)
    assert str(caught.value) == (
        "conflicts.csv: row 2 (101, title-abstract), column note: an adjudication says how it was reached; hint: write "
        "in the column note whether a third person decided or the two agreed, and why"
    )


def test_an_adjudication_is_corrected_by_another_and_a_new_conflict_settled_anew(settle):
    settled = CONFLICT + said(("D", "exclude"))
    with pytest.raises(InputError, match="conflicts with the decision of D in run 2020-01"):
        settle({}, settled)
    assert len(settle({}, settled, correct=True)[0]) == 1
    # The same words as in the first adjudication settle the second conflict all the same.
    anew = CONFLICT + said(("D", "include", {"note": SETTLE["note"]}))
    assert settle({}, anew)[1] == 1
    anew += said(("B", "exclude", {"note": "sure"}), ("A", "include"))
    assert len(settle({}, anew)[0]) == 1


def check(ledger, *rows, **options):
    with pytest.raises(InputError) as caught:
        module.check(ledger(*rows), **options)
    return str(caught.value)


def test_a_ledger_with_contradictory_stages_is_refused_at_the_run_that_has_them(ledger):
    rows = [
        INCLUDED_FIRST,
        ("101", "2020-02", FT, "include"),
        ("101", "2020-03", TA, "exclude", {"note": "misread"}),
        ("101", "2020-05", FT, "exclude", {"reason": "not_rct", "note": "misread"}),
    ]
    assert check(ledger, *rows, run="2020-04", stages=BOTH) == (
        "data/decisions/screening.csv: row 3, column decision: the record is included on full text and excluded on "
        "title and abstract; found 'include'; hint: correct the decision on full text first, with a note"
    )
    for run in ("2020-02", "2020-05"):
        module.check(ledger(*rows), run=run, stages=BOTH)
    module.check(ledger(*rows), run="2020-04", stages=[FT])


def test_a_ledger_with_two_decisions_of_one_reviewer_on_one_day_is_refused_unless_explained(ledger):
    twice = [("101", "2020-01", TA, "include"), ("101", "2020-01", TA, "exclude")]
    assert check(ledger, *twice) == (
        "data/decisions/screening.csv: row 3, column note: EX said include of it on the same day, 2020-01-15; "
        "hint: write the reason in the column note"
    )
    for different in ({"note": "misread"}, {"reviewer": "Another"}, {"decided_at": "2020-01-16T00:00:00Z"}):
        module.check(ledger(twice[0], (*twice[1], different)))


def test_a_ledger_with_an_adjudication_without_a_note_is_refused(ledger):
    rows = CONFLICT + said(("D", "include", {"note": ""}))
    assert "row 4, column note: an adjudication says how it was reached" in check(ledger, *rows)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"decided_at": "2020-01-15 08:00"}, "allowed: a day as YYYY-MM-DD, or a moment in UTC as"),
        ({"decided_at": "2020-01-15T08:00:00+01:00"}, "allowed: a day as YYYY-MM-DD, or a moment in UTC as"),
        (
            {"role": "boss"},
            "column role: found 'boss'; allowed: reviewer, independent reviewer, adjudicator, (empty)",
        ),
        ({"probability": "1.5"}, "column probability: found 1.5; allowed: 1 or less"),
    ],
)
def test_cells_that_filing_would_not_write_are_named(ledger, cells, message):
    with pytest.raises(InputError, match=r"screening\.csv: row 2, ") as caught:
        ledger(("101", "2020-01", TA, "include", cells))
    assert message in str(caught.value)


def test_the_rows_in_force_of_the_whole_ledger_are_those_of_each_record(ledger):
    two = {"role": module.INDEPENDENT}
    held = ledger(
        ("101", "2020-01", TA, "include"),
        ("101", "2020-02", TA, "exclude", {"note": "misread"}),
        ("102", "2020-01", TA, "include", two | {"reviewer": "Ann"}),
        ("102", "2020-01", TA, "include", two | {"reviewer": "Bea"}),
        ("103", "2020-01", TA, "include", two | {"reviewer": "Ann"}),
        ("103", "2020-01", TA, "exclude", two | {"reviewer": "Bea"}),
        ("103", "2020-02", FT, "include"),
        ("104", "2020-03", TA, "include"),
        ("104", "2020-03", TA, "exclude"),
        ("104", "2020-03", TA, module.WITHDRAWN),
    )
    assert sorted(module.index_in_force(held)) == [1, 2, 3, 6, 7]
    assert sorted(module.index_in_force(held, "2020-01")) == [0, 2, 3]
    for record_id, rows in held.groupby("record_id"):
        found = module.history(held, record_id)["in_force"].tolist()
        assert found == rows.index.isin(module.index_in_force(held)).tolist()
