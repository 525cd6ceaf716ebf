"""A study is in the review when one of its reports is included, and included records wait for their study."""

import pytest

from livingreview.errors import InputError
from livingreview.trials import inclusion
from livingreview.trials.revisions import rows_at

STAGES = ["title-abstract", "full-text"]


def decide(record_id, *decisions, run="2020-01"):
    return [
        {"record_id": record_id, "run": run, "stage": stage, "decision": decision}
        for stage, decision in zip(STAGES, decisions, strict=False)
    ]


@pytest.fixture
def included(example_frame):
    def run(reports, decisions, *, studies=("example_2020",), at="2020-12", known=("101", "102", "103")):
        return inclusion.included_studies(
            example_frame("studies", *({"study_id": study_id} for study_id in studies)),
            example_frame("reports", *reports),
            example_frame("screening", *decisions),
            run=at,
            stages=STAGES,
            known=set(known),
        )

    return run


def test_one_included_report_of_several_brings_the_study_in(included):
    found = included(
        [{"record_id": "103"}, {"record_id": "101"}, {"record_id": "102"}],
        [
            *decide("101", "include", "include", run="2020-03"),
            *decide("103", "include", "include", run="2020-02"),
            *decide("102", "include", "exclude"),
        ],
    )
    assert found.to_dict("records") == [
        {"study_id": "example_2020", "record_ids": "101; 103", "since_run": "2020-02"}
    ]


@pytest.mark.parametrize(
    "decisions", [(), ("include",), ("exclude",), ("include", "exclude"), ("include", "awaiting")]
)
def test_a_study_whose_report_is_not_included_stays_out(included, decisions):
    found = included([{}], decide("101", *decisions))
    assert len(found) == 0
    assert list(found.columns) == ["study_id", "record_ids", "since_run"]


def test_an_inclusion_taken_back_takes_the_study_out(included):
    rows = [*decide("101", "include", "include"), *decide("101", "exclude", run="2020-05")]
    assert len(included([{}], rows, at="2020-04")) == 1
    assert len(included([{}], rows, at="2020-05")) == 0


def test_reports_of_later_runs_are_not_there_yet(included):
    rows = decide("101", "include", "include")
    assert len(included([{"run": "2020-06"}], rows, at="2020-05")) == 0
    assert len(included([{"run": "2020-06"}], rows, at="2020-06")) == 1


def test_studies_come_sorted_by_id(included):
    found = included(
        [{"record_id": "101", "study_id": "sample_2021"}, {"record_id": "102"}],
        [*decide("101", "include", "include"), *decide("102", "include", "include")],
        studies=["sample_2021", "example_2020"],
    )
    assert found["study_id"].tolist() == ["example_2020", "sample_2021"]


def test_a_report_of_an_unknown_study_or_record_is_named(included):
    with pytest.raises(InputError) as caught:
        included([{"record_id": "101", "study_id": "nobody_2020"}, {"record_id": "999"}], [])
    assert str(caught.value).splitlines() == [
        "data/trials/reports.csv: 2 problems",
        "  - row 2, column study_id: unknown study; found 'nobody_2020'; allowed: a study_id of data/trials/studies.csv",
        "  - row 3, column record_id: no search or import up to this run has found this record; found '999'; "
        "hint: a record from elsewhere is first imported: data/searches/<run>/imports/",
    ]


def test_included_records_that_no_study_carries_wait_for_extraction_in_the_order_given(example_frame):
    decisions = [
        *decide("103", "include", "include"),
        *decide("101", "include", "include"),
        *decide("102", "include"),
    ]
    waiting = inclusion.awaiting_extraction(
        ["103", "102", "101", "104"],
        example_frame("reports", {"record_id": "104"}),
        example_frame("screening", *decisions, *decide("104", "include", "include")),
        run="2020-01",
        stages=STAGES,
    )
    assert waiting == ["103", "101"]


def test_a_record_linked_in_a_later_run_still_waits_in_an_earlier_one(example_frame):
    tables = (
        example_frame("reports", {"run": "2020-03"}),
        example_frame("screening", *decide("101", "include", "include")),
    )
    assert inclusion.awaiting_extraction(["101"], *tables, run="2020-02", stages=STAGES) == ["101"]
    assert inclusion.awaiting_extraction(["101"], *tables, run="2020-03", stages=STAGES) == []


def test_of_each_row_the_highest_revision_known_at_a_run_is_in_force(example_frame):
    frame = example_frame(
        "studies",
        {"study_id": "b_2020", "title": "first"},
        {"study_id": "a_2020", "title": "third", "revision": "3", "revision_reason": "x", "run": "2020-06"},
        {"study_id": "a_2020", "title": "first"},
        {"study_id": "a_2020", "title": "second", "revision": "2", "revision_reason": "x", "run": "2020-03"},
    )

    def titles(run):
        rows = rows_at(frame, run, ["study_id"])
        return list(zip(rows.index, rows["study_id"], rows["title"], strict=True))

    assert titles("2019-12") == []
    assert titles("2020-02") == [(0, "a_2020", "first"), (1, "b_2020", "first")]
    assert titles("2020-05") == [(0, "a_2020", "second"), (1, "b_2020", "first")]
    assert titles("2020-06") == [(0, "a_2020", "third"), (1, "b_2020", "first")]
