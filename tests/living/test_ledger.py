"""The ledger says of every record, report and study where it stood in every version."""

import pandas as pd
import pytest
from living import told

from livingreview import tables
from livingreview.errors import ReviewError
from livingreview.living import ledger

RELEASE = [("20.0.0", "2020-01")]


def states(review, kind, one):
    """The state of one id in every version, None where it was not known."""
    built, versions = told.build(review), review["versions"]
    found = []
    for version in versions:
        held = ledger.at(built, versions, version["version"]).set_index(["kind", "id"])["state"]
        found.append(held.get((kind, one)))
    return found


def test_the_versions_are_our_own_releases_before_the_run_and_the_run_itself():
    releases = [
        {"version": "16.0.0", "kind": "published review"},
        {"version": "20.0.0", "run": "2020-01", "kind": "release"},
        {"version": "20.0.1", "run": "2020-01", "kind": "release"},
        {"version": "20.1.0", "run": "2020-03", "kind": "release"},
    ]
    found = ledger.versions(releases, "2020-03")
    assert [one["version"] for one in found] == ["20.0.0", "20.0.1", "2020-03"]
    assert ledger.versions([], "2020-03") == [{"version": "2020-03", "run": "2020-03"}]


def test_a_row_stands_where_a_state_differs_from_the_version_before():
    review = told.review(
        {"101": ("2020-01", "2020-01 out"), "102": ("2020-01", "2020-01 sought, 2020-02 included")},
        releases=RELEASE,
    )
    rows = told.build(review)[["kind", "id", "version", "state", "since_run"]].values.tolist()
    assert rows == [
        ["record", "101", "20.0.0", ledger.EXCLUDED_TITLE_ABSTRACT, "2020-01"],
        ["record", "102", "20.0.0", ledger.SOUGHT, "2020-01"],
        ["report", "102", "20.0.0", ledger.TO_ASSESS, "2020-01"],
        ["report", "102", "2020-03", ledger.INCLUDED, "2020-02"],
    ]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", [ledger.UNSCREENED, None]),
        ("2020-01 out", [ledger.EXCLUDED_TITLE_ABSTRACT, None]),
        ("2020-01 sought", [ledger.SOUGHT, ledger.TO_ASSESS]),
        ("2020-01 included", [ledger.SOUGHT, ledger.INCLUDED]),
        ("2020-01 review", [ledger.SOUGHT, ledger.EXCLUDED_FULL_TEXT]),
        ("2020-01 awaiting", [ledger.SOUGHT, ledger.AWAITING]),
        ("2020-01 not retrieved", [ledger.SOUGHT, ledger.NOT_RETRIEVED]),
        ("2020-01 still sought", [ledger.SOUGHT, ledger.NOT_RETRIEVED]),
    ],
)
def test_what_people_say_of_a_record_is_its_state_and_that_of_its_report(words, expected):
    review = told.review({"101": ("2020-01", words)})
    assert [states(review, kind, "101")[0] for kind in (ledger.RECORD, ledger.REPORT)] == expected


def test_a_report_that_comes_after_all_is_assessed():
    review = told.review({"101": ("2020-01", "2020-01 not retrieved, 2020-02 included")}, releases=RELEASE)
    assert states(review, ledger.REPORT, "101") == [ledger.NOT_RETRIEVED, ledger.INCLUDED]


def test_a_record_taken_back_to_title_and_abstract_leaves_a_report_no_longer_sought():
    review = told.review({"101": ("2020-01", "2020-01 awaiting, 2020-02 out")}, releases=RELEASE)
    assert states(review, ledger.RECORD, "101") == [ledger.SOUGHT, ledger.EXCLUDED_TITLE_ABSTRACT]
    assert states(review, ledger.REPORT, "101") == [ledger.AWAITING, ledger.NOT_SOUGHT]
    ledger.check(told.build(review), review["versions"])


def test_a_trial_that_pubmed_finds_later_was_a_record_of_its_own_before():
    review = told.review(
        {
            "other:a": ("2020-01", "2020-01 included", {"duplicate_of": "101"}),
            "101": ("2020-02", "", {"found_in": "PubMed"}),
        },
        links=[("other:a", "a_2020", "2020-01")],
        releases=RELEASE,
    )
    assert states(review, ledger.RECORD, "other:a") == [ledger.SOUGHT, ledger.DUPLICATE]
    assert states(review, ledger.REPORT, "other:a") == [ledger.INCLUDED, ledger.MERGED]
    assert states(review, ledger.REPORT, "101") == [None, ledger.INCLUDED]
    assert states(review, ledger.STUDY, "a_2020") == [ledger.INCLUDED, ledger.INCLUDED]
    built = told.build(review)
    assert told.state(built, review["versions"], ledger.RECORD, "other:a") == (ledger.DUPLICATE, "101")


def test_two_records_that_a_person_called_the_same_were_two_until_then():
    records = {
        "101": ("2020-01", "2020-01 out"),
        "other:a": ("2020-01", "2020-01 out", {"duplicate_of": "101"}),
    }
    review = told.review(records, same=[("101", "other:a", "2020-02")], releases=RELEASE)
    assert states(review, ledger.RECORD, "other:a") == [ledger.EXCLUDED_TITLE_ABSTRACT, ledger.DUPLICATE]
    by_rule = told.review(records, releases=RELEASE)
    assert states(by_rule, ledger.RECORD, "other:a") == [ledger.DUPLICATE, ledger.DUPLICATE]


def test_a_retraction_takes_out_the_study_and_its_other_reports():
    review = told.review(
        dict.fromkeys(("101", "102", "103"), ("2020-01", "2020-01 included")),
        links=[
            ("101", "a_2020", "2020-01"),
            ("102", "a_2020", "2020-01"),
            ("103", "a_2020", "2020-01"),
            ("103", "b_2020", "2020-01"),
        ],
        retracted=[("101", "a_2020", "2020-02")],
        releases=RELEASE,
    )
    built, versions = told.build(review), review["versions"]
    gone = (ledger.EXCLUDED_FULL_TEXT, ledger.RETRACTED)
    assert [told.state(built, versions, ledger.REPORT, one) for one in ("101", "102")] == [gone, gone]
    assert told.state(built, versions, ledger.REPORT, "103") == (ledger.INCLUDED, None)
    assert told.state(built, versions, ledger.STUDY, "a_2020") == (ledger.REMOVED, ledger.RETRACTED)
    assert states(review, ledger.STUDY, "a_2020") == [ledger.INCLUDED, ledger.REMOVED]
    assert states(review, ledger.STUDY, "b_2020") == [ledger.INCLUDED, ledger.INCLUDED]
    assert set(built.loc[built["reason"] == ledger.RETRACTED, "since_run"]) <= {"2020-02", "2020-03"}


def test_a_study_that_was_retracted_before_any_version_included_it_is_no_study_here():
    review = told.review(
        {"101": ("2020-01", "2020-01 included")},
        links=[("101", "a_2020", "2020-01")],
        retracted=[("101", "a_2020", "2020-02")],
    )
    assert states(review, ledger.STUDY, "a_2020") == [None]
    assert states(review, ledger.REPORT, "101") == [ledger.EXCLUDED_FULL_TEXT]


def test_what_happened_after_a_versions_run_is_not_known_to_it():
    review = told.review(
        {"101": ("2020-01", "2020-02 included"), "102": ("2020-02", "")},
        links=[("101", "a_2020", "2020-03")],
        releases=[*RELEASE, ("20.1.0", "2020-02")],
    )
    assert states(review, ledger.RECORD, "101") == [ledger.UNSCREENED, ledger.SOUGHT, ledger.SOUGHT]
    assert states(review, ledger.RECORD, "102") == [None, ledger.UNSCREENED, ledger.UNSCREENED]
    assert states(review, ledger.STUDY, "a_2020") == [None, None, ledger.INCLUDED]


def test_an_empty_review_has_an_empty_ledger():
    review = told.review({}, releases=RELEASE)
    built = told.build(review)
    assert list(built.columns) == ledger.COLUMNS
    assert built.empty
    ledger.check(built, review["versions"])


def test_the_ledger_reads_back_as_it_was_written(tmp_path):
    review = told.review(
        {"101": ("2020-01", "2020-01 included"), "00102": ("2020-01", "2020-01 review")},
        links=[("101", "a_2020", "2020-01")],
        releases=RELEASE,
    )
    built = told.build(review)
    tables.write(built, tmp_path / "ledger.csv")
    pd.testing.assert_frame_equal(tables.read_results(tmp_path / "ledger.csv"), built, check_dtype=False)


def test_a_version_that_the_ledger_does_not_have_is_named():
    review = told.review({"101": ("2020-01", "")}, releases=RELEASE)
    with pytest.raises(ReviewError, match=r"no version 9\.9\.9; it has 20\.0\.0, 2020-03"):
        ledger.at(told.build(review), review["versions"], "9.9.9")


def test_a_broken_ledger_says_what_is_wrong_where_and_what_to_do():
    review = told.review({"101": ("2020-01", "2020-01 included"), "102": ("2020-01", "")})
    built = told.build(review)
    built.loc[built["kind"] == ledger.REPORT, "state"] = "somewhere"
    with pytest.raises(ReviewError) as caught:
        ledger.check(built, review["versions"])
    assert "no such state: 101" in str(caught.value)
    assert "remove results/<run>/ledger.csv and build again" in str(caught.value)


def test_a_protocol_of_one_stage_has_no_exclusions_on_title_and_abstract():
    review = told.review({"101": ("2020-01", "2020-01 review"), "102": ("2020-01", "2020-01 out")})
    built = told.build(review, stages=["full-text"])
    assert told.state(built, review["versions"], ledger.REPORT, "101") == (
        ledger.EXCLUDED_FULL_TEXT,
        "review",
    )
    assert told.state(built, review["versions"], ledger.RECORD, "102") == (ledger.UNSCREENED, None)


def test_the_ledger_of_an_earlier_run_is_a_part_of_a_later_ones():
    records = {
        "101": ("2020-01", "2020-01 sought, 2020-02 included, 2020-03 no trial"),
        "102": ("2020-01", "2020-01 awaiting"),
        "103": ("2020-02", "2020-03 out"),
    }
    links = [("101", "a_2020", "2020-02")]
    releases = [*RELEASE, ("20.1.0", "2020-02")]
    early = told.build(told.review(records, links=links, releases=releases[:1], run="2020-01"))
    late = told.build(told.review(records, links=links, releases=releases, run="2020-03"))
    first = late[late["version"] == "20.0.0"].drop(columns="version").reset_index(drop=True)
    known = early[early["run"] == "2020-01"].drop(columns="version").reset_index(drop=True)
    known = known[known["id"].isin(first["id"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(first, known)
