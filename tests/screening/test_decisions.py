"""Where a record stands, and which decisions the ledger takes."""

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
    assert list(found.columns) == ["record_id", "status", "reason", "since_run", "note", "ask"]


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
    assert first == {
        "record_id": "101",
        "stage": TA,
        "decision": "include",
        "reason": None,
        "reviewer": "EX",
        "note": "fits",
        "score": 0.75,
        "band": "read first",
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
        "allowed: not_rct, review"
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
