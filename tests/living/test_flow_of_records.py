"""The flow of records adds up, whatever people decided, and says so if it ever does not."""

import copy

import numpy as np
import pandas as pd
import pytest

from livingreview.errors import ReviewError
from livingreview.living import flow
from livingreview.screening import decisions as ledger

CODES = ["not_rct", "review"]
RUNS = ["2020-01", "2020-02", "2020-03"]
FINAL = {
    "included": ledger.INCLUDED,
    "excluded": ledger.EXCLUDED_TITLE_ABSTRACT,
    "excluded_full_text": ledger.EXCLUDED_FULL_TEXT,
    "awaiting": ledger.AWAITING,
    "to_assess": ledger.TO_ASSESS,
    "unscreened": ledger.UNSCREENED,
}


DATABASES = {"PubMed", "Embase"}


def corpus(*rows):
    """Records with their status: (record_id, first_run, status) and, if need be, reason, duplicate_of, found_in."""
    records, statuses = [], []
    for record_id, first_run, status, *more in rows:
        about = more[0] if more else {}
        found_in = about.get("found_in", "PubMed" if record_id.isdigit() else "Example")
        records.append((record_id, first_run, found_in, about.get("duplicate_of")))
        statuses.append((record_id, FINAL[status], about.get("reason")))
    return (
        pd.DataFrame(records, columns=["record_id", "first_run", "found_in", "duplicate_of"], dtype=object),
        pd.DataFrame(statuses, columns=["record_id", "status", "reason"], dtype=object),
    )


def studies(**record_ids):
    """A table of included studies: study_id="record; record"."""
    return pd.DataFrame(list(record_ids.items()), columns=["study_id", "record_ids"], dtype=object)


def count(rows, included, release=None):
    return flow.count(*corpus(*rows), included, release=release, codes=CODES, databases=DATABASES)


NONE = studies()


def test_the_first_build_counts_everything_as_new():
    counted = count(
        [
            ("101", "2020-01", "included"),
            ("102", "2020-01", "excluded"),
            ("103", "2020-01", "excluded_full_text", {"reason": "review"}),
            ("104", "2020-01", "awaiting"),
            ("105", "2020-01", "to_assess"),
            ("106", "2020-01", "unscreened"),
            ("other:a", "2020-01", "included"),
            ("other:b", "2020-01", "unscreened", {"duplicate_of": "102"}),
        ],
        studies(a_2020="101", b_2020="other:a"),
    )
    assert counted["databases"] == {
        "identified": 6,
        "duplicates": 0,
        "screened": 5,
        "unscreened": 1,
        "excluded": 1,
        "sought": 4,
        "not_assessed": 1,
        "assessed": 3,
        "excluded_full_text": 1,
        "excluded_reasons": {"review": 1},
        "awaiting": 1,
        "included_reports": 1,
    }
    assert counted["other"] == {
        "identified": 2,
        "duplicates": 1,
        "screened": 1,
        "unscreened": 0,
        "excluded": 0,
        "sought": 1,
        "not_assessed": 0,
        "assessed": 1,
        "excluded_full_text": 0,
        "excluded_reasons": {},
        "awaiting": 0,
        "included_reports": 1,
    }
    assert counted["previous"] == {"studies": 0, "reports": 0}
    assert counted["new"] == counted["total"] == {"studies": 2, "reports": 2}
    assert (counted["from_earlier_searches"], counted["awaiting_extraction"]) == (0, 0)


def box(counted, stream, *names):
    return [counted[stream][name] for name in names]


def test_a_record_that_several_databases_hold_was_identified_in_each_and_is_screened_once():
    counted = count(
        [
            ("101", "2020-01", "included", {"found_in": "PubMed; Embase; Example"}),
            ("102", "2020-01", "unscreened"),
            ("embase:7", "2020-01", "unscreened", {"found_in": "Embase", "duplicate_of": "102"}),
        ],
        studies(a_2020="101"),
    )
    assert box(counted, "databases", "identified", "duplicates", "screened", "unscreened") == [5, 3, 1, 1]
    assert box(counted, "other", "identified", "duplicates") == [0, 0]
    assert all(check["left"] == check["right"] for check in counted["checks"])


def test_what_no_database_was_searched_for_came_by_other_ways_however_many_they_are():
    counted = count(
        [
            ("other:a", "2020-01", "excluded", {"found_in": "Example; A colleague"}),
            ("embase:7", "2020-01", "excluded", {"found_in": "Embase; Example"}),
        ],
        NONE,
    )
    assert box(counted, "databases", "identified", "duplicates", "screened") == [2, 1, 1]
    assert box(counted, "other", "identified", "duplicates", "screened") == [2, 1, 1]


def test_the_name_of_a_database_is_compared_whole():
    counted = count([("other:a", "2020-01", "excluded", {"found_in": "Embase pages by hand"})], NONE)
    assert counted["databases"]["identified"] == 0
    assert counted["other"]["identified"] == 1


def test_an_empty_review_flows_to_zero():
    counted = count([], NONE)
    assert counted["databases"]["identified"] == counted["total"]["studies"] == 0
    assert all(check["left"] == check["right"] == 0 for check in counted["checks"])


def test_after_a_release_only_later_records_are_counted():
    rows = [("101", "2020-01", "included"), ("102", "2020-02", "included"), ("103", "2020-03", "excluded")]
    counted = count(
        rows, studies(a_2020="101", b_2020="102"), {"run": "2020-01", "included": studies(a_2020="101")}
    )
    assert counted["databases"]["identified"] == 2
    assert counted["previous"] == counted["new"] == {"studies": 1, "reports": 1}
    assert counted["total"] == {"studies": 2, "reports": 2}


def test_a_record_that_awaited_classification_at_the_release_and_was_included_since_is_told_apart():
    counted = count(
        [("101", "2020-01", "included"), ("102", "2020-01", "included")],
        studies(a_2020="101", b_2020="102"),
        {"run": "2020-01", "included": studies(a_2020="101")},
    )
    assert counted["from_earlier_searches"] == 1
    assert counted["databases"]["identified"] == 0
    assert counted["new"] == {"studies": 1, "reports": 1}


def test_an_included_record_without_a_study_waits_for_extraction():
    counted = count([("101", "2020-02", "included")], NONE, {"run": "2020-01", "included": NONE})
    assert counted["awaiting_extraction"] == counted["databases"]["included_reports"] == 1
    assert counted["new"] == {"studies": 0, "reports": 0}


def test_a_study_taken_out_since_the_release_is_counted_as_removed():
    counted = count(
        [("101", "2020-01", "excluded"), ("102", "2020-01", "included")],
        studies(b_2020="102"),
        {"run": "2020-01", "included": studies(a_2020="101", b_2020="102")},
    )
    assert counted["previous"] == {"studies": 2, "reports": 2}
    assert counted["removed"] == counted["total"] == {"studies": 1, "reports": 1}
    assert counted["new"] == {"studies": 0, "reports": 0}


def test_a_second_report_of_a_known_study_is_a_new_report_and_no_new_study():
    counted = count(
        [("101", "2020-01", "included"), ("102", "2020-02", "included")],
        studies(a_2020="101; 102"),
        {"run": "2020-01", "included": studies(a_2020="101")},
    )
    assert counted["new"] == {"studies": 0, "reports": 1}
    assert counted["total"] == {"studies": 1, "reports": 2}


def test_full_text_exclusions_are_counted_by_reason_in_the_protocols_order():
    rows = [(str(n), "2020-01", "excluded_full_text", {"reason": "review"}) for n in (101, 102)]
    counted = count([*rows, ("103", "2020-01", "excluded_full_text", {"reason": "not_rct"})], NONE)
    assert list(counted["databases"]["excluded_reasons"].items()) == [("not_rct", 1), ("review", 2)]


def random_review(seed):
    """A hundred records, ledger and links drawn at random; the release is what stood at its run."""
    rng = np.random.default_rng(seed)
    rows, decided, links = [], [], []
    for n in range(100):
        record_id = str(1000 + n) if rng.random() < 0.7 else f"other:r{n}"
        first = int(rng.integers(3))
        duplicate = "1000" if not record_id.isdigit() and rng.random() < 0.2 else None
        others = rng.permutation(["Embase", "Example", "A colleague"])[: rng.integers(3)]
        names = ["PubMed", *others] if record_id.isdigit() else list(others) or ["Example"]
        rows.append((record_id, RUNS[first], "; ".join(names), duplicate))
        for _ in range(0 if duplicate else rng.integers(4)):
            run = RUNS[int(rng.integers(first, 3))]
            stage = ledger.TITLE_ABSTRACT if rng.random() < 0.5 else ledger.FULL_TEXT
            decided.append((record_id, run, stage, rng.choice(["include", "include", "exclude", "awaiting"])))
        if not duplicate and rng.random() < 0.5:
            links.append((record_id, f"study_{rng.integers(40)}", RUNS[int(rng.integers(first, 3))]))
    decided.sort(key=lambda row: row[1])
    records = pd.DataFrame(rows, columns=["record_id", "first_run", "found_in", "duplicate_of"], dtype=object)
    decisions = pd.DataFrame(decided, columns=["record_id", "run", "stage", "decision"], dtype=object)
    decisions["reason"] = rng.choice(CODES, len(decisions))
    # Reviewers who decide alone, two independent ones, and an adjudicator, in every order.
    roles = [None, ledger.INDEPENDENT, ledger.INDEPENDENT, ledger.ADJUDICATOR]
    decisions["role"] = pd.Series(rng.choice(roles, len(decisions)), dtype=object)
    decisions["reviewer"] = rng.choice(["EX", "EY"], len(decisions))
    return records, decisions.assign(note=None), pd.DataFrame(links, columns=["record_id", "study_id", "run"])


def at_run(records, decisions, links, run):
    known = records[records["first_run"] <= run].reset_index(drop=True)
    stages = [ledger.TITLE_ABSTRACT, ledger.FULL_TEXT]
    statuses = ledger.statuses(known["record_id"], decisions, run=run, stages=stages)
    into = set(statuses.loc[statuses["status"] == ledger.INCLUDED, "record_id"])
    linked = links[(links["run"] <= run) & links["record_id"].isin(into)]
    grouped = linked.groupby("study_id")["record_id"].agg("; ".join)
    return known, statuses, studies(**grouped.to_dict())


def of_databases(records):
    """Whether PubMed or Embase holds each record."""
    return records["found_in"].str.contains(r"\b(?:PubMed|Embase)\b")


@pytest.mark.parametrize("seed", range(20))
def test_every_identity_holds_on_ledgers_drawn_at_random(seed):
    review = random_review(seed)
    release = {"run": "2020-01", "included": at_run(*review, "2020-01")[2]}
    known, statuses, included = at_run(*review, "2020-03")
    counted = flow.count(known, statuses, included, release=release, codes=CODES, databases=DATABASES)
    assert len(counted["checks"]) == 13
    assert all(check["left"] == check["right"] for check in counted["checks"])
    since = known[known["first_run"] > "2020-01"]
    times = since["found_in"].str.count("; ") + 1
    assert counted["databases"]["identified"] + counted["other"]["identified"] == times.sum()
    assert times.sum() > len(since)
    kept = since["duplicate_of"].isna()
    for name, stream in (("databases", kept & of_databases(since)), ("other", kept & ~of_databases(since))):
        assert counted[name]["screened"] + counted[name]["unscreened"] == stream.sum()
    assert counted["total"]["studies"] == len(included)
    # Where reviewers have spoken and not decided, the record is not screened, or not assessed, yet.
    waiting = statuses.loc[statuses["waits_for"].notna() & (statuses["status"] != ledger.AWAITING)]
    assert set(waiting["status"]) == {ledger.UNSCREENED, ledger.TO_ASSESS}
    status = statuses.set_index("record_id")["status"]
    searched = status[since.loc[kept & of_databases(since), "record_id"]]
    assert counted["databases"]["included_reports"] == (searched == ledger.INCLUDED).sum()
    assert counted["databases"]["awaiting"] == (searched == ledger.AWAITING).sum()


BOXES = [
    *[
        (stream, box)
        for stream in ("databases", "other")
        for box in (
            "identified",
            "duplicates",
            "screened",
            "unscreened",
            "excluded",
            "sought",
            "not_assessed",
            "assessed",
            "excluded_full_text",
            "awaiting",
            "included_reports",
        )
    ],
    *[(part, what) for part in ("previous", "new", "removed", "total") for what in ("studies", "reports")],
]


@pytest.mark.parametrize(("part", "box"), BOXES, ids=[f"{part} {box}" for part, box in BOXES])
def test_a_wrong_number_in_any_box_breaks_an_identity(part, box):
    counted = count([("101", "2020-01", "included")], studies(a_2020="101"))
    wrong = copy.deepcopy(counted)
    wrong[part][box] += 1
    assert any(check["left"] != check["right"] for check in flow._checks(wrong))


@pytest.mark.parametrize("number", ["from_earlier_searches", "awaiting_extraction"])
def test_a_wrong_number_beside_the_boxes_breaks_an_identity(number):
    counted = count([("101", "2020-01", "included")], studies(a_2020="101"))
    assert any(check["left"] != check["right"] for check in flow._checks(counted | {number: 7}))


@pytest.mark.parametrize("reason", [None, "boring"])
def test_a_full_text_exclusion_without_a_reason_of_the_protocol_stops_the_run(reason):
    with pytest.raises(ReviewError) as caught:
        count([("101", "2020-01", "excluded_full_text", {"reason": reason})], NONE)
    assert str(caught.value) == (
        "the flow of records does not add up: databases: every full-text exclusion has a reason: 1 is not 0"
    )


def test_an_included_study_whose_record_nobody_included_stops_the_run():
    with pytest.raises(ReviewError, match=r"does not add up: new reports .* 1 is not 0"):
        count([("101", "2020-01", "excluded")], studies(a_2020="101"))


def test_a_record_without_a_status_stops_the_run():
    records, statuses = corpus(("101", "2020-01", "included"), ("102", "2020-01", "excluded"))
    with pytest.raises(ReviewError, match=r"databases: screened = excluded \+ sought: 2 is not 1"):
        flow.count(
            records, statuses[:1], studies(a_2020="101"), release=None, codes=CODES, databases=DATABASES
        )
