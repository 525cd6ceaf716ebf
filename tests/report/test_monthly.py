"""The monthly statement, word for word, for each case that a run can be."""

import pytest
from report import example

from livingreview.report import monthly

SEARCHED = "PubMed was searched on 1 November 2026"
NOTHING = f"{SEARCHED}; no new record was found."
SAME = "No estimate differs from release 26.10.0."
QUIET = "No trigger of the protocol fired since release 26.10.0."
NEXT = "The next search is planned for December 2026."
PLAN = f"A new version is published when a trigger fires. {NEXT}"


def news(status=(), **cells):
    """What is told of a run in which nothing happened, but for some cells."""
    told = {
        "searched_at": "2026-11-01T00:00:00+00:00",
        "sandbox": False,
        "n_new_records": 0,
        "n_new_other": 0,
        "n_included_this_run": 0,
        "n_queue": 0,
        "n_awaiting": 0,
        "oldest_waiting_since": None,
        "awaiting_extraction": [],
        "next_run": "2026-12",
        "mode": example.mode(),
    } | dict(status)
    given = {"run": "2026-11", "included": [], "fired": [], "retracted": [], "restored": 0}
    given |= {"concerns": [], "errata": [], "corrected": [], "moved": [], "method": False}
    return given | {"release": "26.10.0", "status": told} | cells


def trigger(label, sentence="The estimate left the previous interval"):
    return {"name": "leaves_interval", "label": label, "sentence": sentence}


def asked(why, **cells):
    return example.mode(publish={"rule": "triggered", "stated": True, "asked": True, "why": why}, **cells)


CASES = {
    "nothing found": (
        news(),
        [NOTHING, "No new study was included.", "No record waits for a decision.", SAME, QUIET, PLAN],
    ),
    "awaiting": (
        news({"n_new_records": 3, "n_queue": 2, "n_awaiting": 1, "oldest_waiting_since": "2026-08"}),
        [
            f"{SEARCHED}; three new records were found.",
            "No new study was included.",
            "Two records wait for a decision, the oldest since August 2026; one of them for further information.",
            SAME,
            QUIET,
            PLAN,
        ],
    ),
    "included": (
        news(
            {"n_new_records": 1, "n_included_this_run": 2, "awaiting_extraction": [{"record_id": "1"}]},
            included=["Example 2026"],
        ),
        [
            f"{SEARCHED}; one new record was found.",
            "One new study (Example 2026) was included.",
            "One included report is not extracted yet, and not in the analyses.",
            "No record waits for a decision.",
            SAME,
            QUIET,
            PLAN,
        ],
    ),
    "triggered": (
        news(
            {
                "n_new_records": 1,
                "n_new_other": 2,
                "n_included_this_run": 1,
                "mode": asked("3 triggers fired since release 26.10.0"),
            },
            included=["Example 2026"],
            fired=[trigger("Pain"), trigger("Pain"), trigger(None)],
        ),
        [
            f"{SEARCHED}; three new records were found, two of them from other sources.",
            "One new study (Example 2026) was included.",
            "No record waits for a decision.",
            SAME,
            "Three triggers of the protocol fired since release 26.10.0, for Pain and the review as a whole.",
            f"By the protocol a new version is to be published. {NEXT}",
        ],
    ),
    "paused": (
        news(
            {
                "next_run": None,
                "mode": example.mode(
                    "paused",
                    since="2026-09",
                    reason="No one has time for it",
                    publish={
                        "rule": "triggered",
                        "stated": True,
                        "asked": None,
                        "why": "the review is paused",
                    },
                ),
            }
        ),
        [
            "This review has been paused since September 2026.",
            "Reason: No one has time for it.",
            NOTHING,
            "No new study was included.",
            "No record waits for a decision.",
            SAME,
            QUIET,
            "No new version is planned. No further search is planned.",
        ],
    ),
    "retired": (
        news(
            {
                "next_run": None,
                "mode": example.mode(
                    "retired",
                    publish={
                        "rule": "triggered",
                        "stated": False,
                        "asked": None,
                        "why": "the review is retired",
                    },
                ),
            }
        ),
        [
            "This review is retired from living mode.",
            "No reason has been stated.",
            NOTHING,
            "No new study was included.",
            "No record waits for a decision.",
            SAME,
            QUIET,
            "No new version is planned. No further search is planned.",
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_case_has_its_statement(case):
    told, sentences = CASES[case]
    assert monthly.kind(told) == case
    assert monthly.statement(told) == sentences


def test_where_all_that_wait_want_information_the_statement_says_all():
    told = news({"n_queue": 2, "n_awaiting": 2, "oldest_waiting_since": "2026-08"})
    expected = (
        "Two records wait for a decision, the oldest since August 2026; all of them for further information."
    )
    assert expected in monthly.statement(told)


def test_before_the_first_release_there_is_nothing_to_compare_with():
    told = news({"mode": asked("there is no release yet")}, release=None)
    assert monthly.statement(told)[-2:] == [
        "There is no earlier release to compare with.",
        f"By the protocol a new version is to be published (there is no release yet). {NEXT}",
    ]


def test_a_retraction_is_told_with_its_study_and_makes_the_run_one_of_change():
    told = news(retracted=["Example 2019"])
    assert monthly.kind(told) == "triggered"
    assert monthly.statement(told)[3] == (
        "One included study (Example 2019) has a retracted report; its numbers have left all analyses."
    )


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (
            {"concerns": ["Example 2019"]},
            "One included study (Example 2019) now has an expression of concern; its numbers stay in the"
            " analyses.",
        ),
        (
            {"errata": ["Example 2019", "Sample 2020"]},
            "Two included studies (Example 2019 and Sample 2020) now have published errata; their numbers stay"
            " in the analyses.",
        ),
        ({"corrected": ["Example 2019"]}, "Extracted values of one study (Example 2019) were corrected."),
        (
            {"corrected": [f"Example {year}" for year in range(2000, 2006)]},
            "Extracted values of six studies were corrected.",
        ),
    ],
)
def test_notices_on_studies_that_stay_and_corrections_are_told_with_their_studies(cells, said):
    assert monthly.statement(news(**cells))[3] == said
    assert monthly.kind(news(**cells)) == "changed"


def test_estimates_that_differ_from_the_release_are_told_then_and_now():
    pain = {"label": "Pain", "before": "\u22120.41", "after": "\u22120.36"}
    sleep = {"label": "Sleep", "before": "none", "after": "\u22120.20"}
    assert monthly.statement(news(moved=[pain]))[3] == (
        "One estimate differs from release 26.10.0: Pain (\u22120.41 then, \u22120.36 now)."
    )
    assert monthly.statement(news(moved=[pain, sleep]))[3].startswith("Two estimates differ from release")
    told = monthly.statement(news(moved=[pain], method=True))
    assert told[4] == "How effects are made or pooled has changed since that release."
    assert "Sleep (none then, \u22120.20 now)." in monthly.statement(news(moved=[pain, sleep]))[3]


def test_a_retraction_that_was_withdrawn_is_told_too():
    assert monthly.statement(news(restored=1))[3] == (
        "One report of studies is no longer marked as retracted."
    )


def test_more_than_five_studies_are_counted_and_not_named():
    told = news({"n_included_this_run": 6}, included=[f"Example {year}" for year in range(2020, 2026)])
    assert monthly.statement(told)[1] == "Six new studies were included."


def test_reports_included_of_a_study_that_is_known_are_no_new_study_and_not_none_either():
    said = monthly.statement(news({"n_included_this_run": 1}))
    assert not [one for one in said if "study" in one]


def test_a_fixed_interval_says_how_much_of_it_has_passed():
    why = "2 months since the run of release 26.10.0, 6 are planned"
    publish = {"rule": {"every_months": 6}, "stated": True, "asked": False, "why": why}
    told = news({"mode": example.mode(publish=publish)})
    assert monthly.statement(told)[-1] == f"A new version is published every 6 months ({why}). {NEXT}"


def test_the_rule_on_retirement_asks_and_people_decide():
    retire = {"rule": {}, "asked": True, "why": "12 runs without a trigger, and certainty is high or more"}
    told = news({"mode": example.mode(retire=retire)})
    assert monthly.statement(told)[-1] == (
        "A new version is published when a trigger fires. The protocol's rule asks to retire the review (12 runs"
        f" without a trigger, and certainty is high or more); people decide. {NEXT}"
    )


def test_one_record_that_waits_says_since_when():
    said = monthly.statement(news({"n_queue": 1, "oldest_waiting_since": "2026-08"}))
    assert "One record waits for a decision since August 2026." in said


def test_the_stand_in_for_pubmed_is_not_called_pubmed():
    assert monthly.statement(news({"sandbox": True}))[0].startswith("The bundled stand-in for PubMed was")
