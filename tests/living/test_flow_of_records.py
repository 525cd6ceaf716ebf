"""The flow of records adds up, whatever people decided, and says so if it ever does not."""

import pandas as pd
import pytest
from living import told

from livingreview.errors import ReviewError
from livingreview.living import flow

RELEASE = [("20.0.0", "2020-01")]


def box(counted, stream, *names):
    return [counted[stream][name] for name in names]


def hold(counted):
    return all(check["left"] == check["right"] for check in counted["checks"])


def test_the_first_build_counts_everything_as_new():
    counted = told.count(
        told.review(
            {
                "101": ("2020-01", "2020-01 included"),
                "102": ("2020-01", "2020-01 out"),
                "103": ("2020-01", "2020-01 review"),
                "104": ("2020-01", "2020-01 awaiting"),
                "105": ("2020-01", "2020-01 sought"),
                "106": ("2020-01", ""),
                "107": ("2020-01", "2020-01 not retrieved"),
                "other:a": ("2020-01", "2020-01 included"),
                "other:b": ("2020-01", "", {"duplicate_of": "102"}),
            },
            links=[("101", "a_2020", "2020-01"), ("other:a", "b_2020", "2020-01")],
        )
    )
    assert counted["databases"] == {
        "identified": 7,
        "duplicates": 0,
        "screened": 6,
        "unscreened": 1,
        "excluded": 1,
        "sought": 5,
        "not_retrieved": 1,
        "not_assessed": 1,
        "assessed": 3,
        "excluded_full_text": 1,
        "excluded_reasons": {"review": 1},
        "awaiting": 1,
        "included_reports": 1,
    }
    names = ("identified", "duplicates", "screened", "sought", "assessed", "included_reports")
    assert box(counted, "other", *names) == [2, 1, 1, 1, 1, 1]
    assert counted["previous"] == {"studies": 0, "reports": 0}
    assert counted["new"] == counted["total"] == {"studies": 2, "reports": 2}
    assert (counted["from_earlier_searches"], counted["awaiting_extraction"]) == (0, 0)
    assert hold(counted)


def test_a_record_that_several_databases_hold_was_identified_in_each_and_is_screened_once():
    counted = told.count(
        told.review(
            {
                "101": ("2020-01", "2020-01 out", {"found_in": "PubMed; Embase; Example"}),
                "102": ("2020-01", ""),
                "embase:7": ("2020-01", "", {"found_in": "Embase", "duplicate_of": "102"}),
            }
        )
    )
    assert box(counted, "databases", "identified", "duplicates", "screened", "unscreened") == [5, 3, 1, 1]
    assert box(counted, "other", "identified", "duplicates") == [0, 0]


def test_what_no_database_was_searched_for_came_by_other_ways_however_many_they_are():
    counted = told.count(
        told.review(
            {
                "other:a": ("2020-01", "2020-01 out", {"found_in": "Example; A colleague"}),
                "embase:7": ("2020-01", "2020-01 out", {"found_in": "Embase; Example"}),
                "other:b": ("2020-01", "2020-01 out", {"found_in": "Embase pages by hand"}),
            }
        )
    )
    assert box(counted, "databases", "identified", "duplicates", "screened") == [2, 1, 1]
    assert box(counted, "other", "identified", "duplicates", "screened") == [3, 1, 2]


def test_an_empty_review_flows_to_zero():
    counted = told.count(told.review({}))
    assert counted["databases"]["identified"] == counted["total"]["studies"] == 0
    assert counted["cumulative"]["identified"] == 0
    assert all(check["left"] == check["right"] == 0 for check in counted["checks"])


def test_after_a_release_only_later_records_are_counted_as_new():
    counted = told.count(
        told.review(
            {
                "101": ("2020-01", "2020-01 included"),
                "102": ("2020-02", "2020-02 included"),
                "103": ("2020-03", "2020-03 out"),
            },
            links=[("101", "a_2020", "2020-01"), ("102", "b_2020", "2020-02")],
            releases=RELEASE,
        )
    )
    assert counted["databases"]["identified"] == 2
    assert counted["previous"] == counted["new"] == {"studies": 1, "reports": 1}
    assert counted["total"] == {"studies": 2, "reports": 2}


def test_a_record_that_waited_at_the_release_and_was_included_since_is_told_apart():
    counted = told.count(
        told.review(
            {
                "101": ("2020-01", "2020-01 included"),
                "102": ("2020-01", "2020-01 awaiting, 2020-02 included"),
            },
            links=[("101", "a_2020", "2020-01"), ("102", "b_2020", "2020-02")],
            releases=RELEASE,
        )
    )
    assert counted["from_earlier_searches"] == 1
    assert counted["databases"]["identified"] == 0
    assert counted["new"] == {"studies": 1, "reports": 1}
    added = counted["versions"][1]["added"]
    assert (added["identified"], added["awaiting"], added["included_reports"], added["assessed"]) == (
        0,
        -1,
        1,
        0,
    )
    assert counted["cumulative"]["awaiting"] == 0


def test_an_included_record_without_a_study_waits_for_extraction():
    counted = told.count(told.review({"101": ("2020-02", "2020-02 included")}, releases=RELEASE))
    assert counted["awaiting_extraction"] == counted["databases"]["included_reports"] == 1
    assert counted["new"] == {"studies": 0, "reports": 0}


def test_a_study_taken_out_since_the_release_is_counted_as_removed():
    counted = told.count(
        told.review(
            {
                "101": ("2020-01", "2020-01 included, 2020-02 no trial"),
                "102": ("2020-01", "2020-01 included"),
            },
            links=[("101", "a_2020", "2020-01"), ("102", "b_2020", "2020-01")],
            releases=RELEASE,
        )
    )
    assert counted["previous"] == {"studies": 2, "reports": 2}
    assert counted["removed"] == counted["removed_otherwise"] == {"studies": 1, "reports": 1}
    assert counted["total"] == {"studies": 1, "reports": 1}
    assert counted["new"] == counted["removed_by_notice"] == {"studies": 0, "reports": 0}


def test_a_retracted_study_leaves_the_totals_as_excluded_for_its_retraction():
    counted = told.count(
        told.review(
            {"101": ("2020-01", "2020-01 included"), "102": ("2020-02", "2020-02 included")},
            links=[("101", "a_2020", "2020-01"), ("102", "b_2020", "2020-02")],
            retracted=[("101", "a_2020", "2020-03"), ("102", "b_2020", "2020-03")],
            releases=RELEASE,
        )
    )
    assert counted["removed"] == counted["removed_by_notice"] == {"studies": 1, "reports": 1}
    assert counted["total"] == {"studies": 0, "reports": 0}
    assert counted["databases"]["excluded_reasons"] == {"retracted": 1}
    assert counted["cumulative"]["excluded_reasons"] == {"retracted": 2}


def test_a_second_report_of_a_known_study_is_a_new_report_and_no_new_study():
    counted = told.count(
        told.review(
            {"101": ("2020-01", "2020-01 included"), "102": ("2020-02", "2020-02 included")},
            links=[("101", "a_2020", "2020-01"), ("102", "a_2020", "2020-02")],
            releases=RELEASE,
        )
    )
    assert counted["new"] == {"studies": 0, "reports": 1}
    assert counted["total"] == {"studies": 1, "reports": 2}


def test_two_reports_that_turn_out_to_be_one_are_merged_and_not_removed():
    counted = told.count(
        told.review(
            {
                "101": ("2020-01", "2020-01 included"),
                "other:a": ("2020-01", "2020-01 included", {"duplicate_of": "101"}),
            },
            links=[("101", "a_2020", "2020-01"), ("other:a", "a_2020", "2020-01")],
            same=[("101", "other:a", "2020-02")],
            releases=RELEASE,
        )
    )
    assert counted["previous"] == {"studies": 1, "reports": 2}
    assert counted["total"] == {"studies": 1, "reports": 1}
    assert counted["removed"] == {"studies": 0, "reports": 0}
    assert counted["merged_reports"] == 1
    assert counted["versions"][1]["added"]["duplicates"] == 1


def test_full_text_exclusions_are_counted_by_reason_in_the_protocols_order():
    said = {str(n): ("2020-01", "2020-01 review") for n in (101, 102)}
    counted = told.count(told.review(said | {"103": ("2020-01", "2020-01 no trial")}))
    assert list(counted["databases"]["excluded_reasons"].items()) == [("not_rct", 1), ("review", 2)]


def test_the_columns_of_the_living_form_add_up_to_where_everything_stands():
    counted = told.count(
        told.review(
            {
                "101": ("2020-01", "2020-01 sought, 2020-02 included"),
                "102": ("2020-01", "2020-02 out, 2020-03 review"),
                "103": ("2020-02", ""),
            },
            links=[("101", "a_2020", "2020-03")],
            releases=[("20.0.0", "2020-01"), ("20.1.0", "2020-02")],
        )
    )
    names = [one["version"] for one in counted["versions"]]
    assert names == ["20.0.0", "20.1.0", "2020-03"]
    rows = {
        name: [one["added"][name] for one in counted["versions"]] + [counted["cumulative"][name]]
        for name in (
            "identified",
            "screened",
            "excluded",
            "sought",
            "not_assessed",
            "awaiting_extraction",
            "studies",
        )
    }
    assert rows == {
        "identified": [2, 1, 0, 3],
        "screened": [1, 1, 0, 2],
        "excluded": [0, 1, -1, 0],
        "sought": [1, 0, 1, 2],
        "not_assessed": [1, -1, 0, 0],
        "awaiting_extraction": [0, 1, -1, 0],
        "studies": [0, 0, 1, 1],
    }


def frozen(counted, **record_ids):
    """What a release froze: its flow, and study_id="record; record"."""
    table = pd.DataFrame(list(record_ids.items()), columns=["study_id", "record_ids"], dtype=object)
    return {"20.0.0": {"included": table, "flow": counted}}


def test_what_a_release_froze_and_the_tables_still_say_is_not_restated():
    records = {"101": ("2020-01", "2020-01 included"), "102": ("2020-01", "2020-01 out")}
    links = [("101", "a_2020", "2020-01")]
    then = told.count(told.review(records, links=links, run="2020-01"))
    later = told.review(records | {"103": ("2020-02", "")}, links=links, releases=RELEASE)
    assert told.count(later, frozen=frozen(then, a_2020="101"))["restated"] == []


def test_what_was_decided_for_a_past_month_after_its_release_is_listed():
    links = [("101", "a_2020", "2020-01")]
    then = told.count(told.review({"101": ("2020-01", "2020-01 included")}, links=links, run="2020-01"))
    later = told.review({"101": ("2020-01", "2020-01 no trial")}, links=links, releases=RELEASE)
    restated = told.count(later, frozen=frozen(then, a_2020="101"))["restated"]
    whole = [(row["what"], row["id"], row["released"], row["now"]) for row in restated]
    assert ("study", "a_2020", "included", None) in whole
    assert ("report", "101", "included", "excluded on full text") in whole
    assert ("box", "databases: included_reports", 1, 0) in whole
    assert ("box", "cumulative: excluded_full_text", 0, 1) in whole
    assert {row["version"] for row in restated} == {"20.0.0"}


def test_a_release_that_corrects_another_of_the_same_run_is_compared_as_it_was_counted():
    records = {"101": ("2020-01", "2020-01 included"), "102": ("2020-01", "2020-01 out")}
    links = [("101", "a_2020", "2020-01")]
    then = told.count(told.review(records, links=links, run="2020-01"))
    later = told.review(records, links=links, releases=[*RELEASE, ("20.0.1", "2020-01")])
    one = frozen(then, a_2020="101")["20.0.0"]
    counted = told.count(later, frozen={"20.0.0": one, "20.0.1": one})
    assert counted["restated"] == []
    assert [each["added"]["identified"] for each in counted["versions"]] == [2, 0, 0]
    assert counted["previous"] == {"studies": 1, "reports": 1}


def test_a_release_of_an_older_program_is_compared_in_what_it_has():
    then = {"databases": {"identified": 1, "forgotten": 7}, "previous": {"release": "19.0.0", "studies": 0}}
    later = told.review({"101": ("2020-01", "2020-01 out")}, releases=RELEASE)
    assert told.count(later, frozen=frozen(then))["restated"] == []
    without = {"20.0.0": frozen(None)["20.0.0"]}
    assert told.count(later, frozen=without)["restated"] == []


SMALL = told.review(
    {"101": ("2020-01", "2020-01 included"), "102": ("2020-01", "2020-01 review")},
    links=[("101", "a_2020", "2020-01")],
)


def test_a_full_text_exclusion_for_a_reason_of_no_protocol_stops_the_run():
    with pytest.raises(ReviewError, match="databases: every full-text exclusion has a reason: 1 is not 0"):
        told.count(SMALL, codes=["not_rct"])


def test_an_included_study_that_the_ledger_does_not_include_stops_the_run():
    table = pd.DataFrame([("a_2020", "101"), ("b_2020", "102")], columns=["study_id", "record_ids"])
    with pytest.raises(ReviewError, match="studies in the ledger = included studies: 1 is not 2"):
        told.count(SMALL, included=table)


def test_another_report_than_the_table_of_included_studies_has_stops_the_run():
    table = pd.DataFrame([("a_2020", "102")], columns=["study_id", "record_ids"])
    with pytest.raises(
        ReviewError, match="reports: in only one of ledger and reports of included studies: 2"
    ):
        told.count(SMALL, included=table)


def test_a_record_that_the_ledger_does_not_know_stops_the_run():
    with pytest.raises(ReviewError, match="records in the ledger = records of the corpus: 2 is not 3"):
        told.count(SMALL, known=3)


def test_a_sheet_for_a_record_that_does_not_wait_stops_the_run():
    with pytest.raises(
        ReviewError, match="awaiting extraction in the ledger = sheets to be filled in: 0 is not 1"
    ):
        told.count(SMALL, waiting={"102"})


@pytest.mark.parametrize("part", ["databases", "other", "cumulative"])
@pytest.mark.parametrize("name", flow.BOXES)
def test_a_wrong_number_in_any_box_breaks_an_identity(part, name):
    counted = told.count(SMALL)
    counted[part][name] += 1
    assert any(check["left"] != check["right"] for check in flow.checks(counted))
