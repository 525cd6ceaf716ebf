import example
import pytest

from livingreview.errors import InputError
from livingreview.report import flow

REASONS = {"not_rct": "Not a randomised controlled trial", "not_internet": "Not delivered over the internet"}


def made(release="26.0.0", **changed):
    return flow.boxes(example.context()["flow"] | changed, REASONS, release=release)


def test_reasons_are_spelled_out_most_frequent_first():
    box = next(b for b in made() if b["column"] == "databases-side" and b["row"] == 4)
    assert box["lines"] == [
        ("Not delivered over the internet", "6"),
        ("Not a randomised controlled trial", "4"),
        ("Awaiting classification", "1"),
    ]


def test_a_source_that_found_nothing_has_no_column():
    other = example.context()["flow"]["other"] | {"identified": 0}
    assert not [b for b in made(other=other) if b["column"].startswith("other")]


def test_a_first_version_has_no_previous_studies():
    boxes = made(release=None)
    assert not [b for b in boxes if b["column"] == "previous"]
    assert {b["head"] for b in boxes} == {"", "Studies via databases", "Studies via other sources"}


def test_removed_studies_show_in_the_total():
    box = made(removed={"studies": 2, "reports": 2})[-1]
    assert box["lines"] == [
        ("Studies", "8"),
        ("Reports", "9"),
        ("Studies no longer included", "2"),
        ("Reports no longer included", "2"),
    ]


def test_a_flow_that_does_not_add_up_stops_the_report():
    broken = {"checks": [{"identity": "total = previous + new", "left": 8, "right": 9}]}
    with pytest.raises(InputError, match="total = previous \\+ new: 8 is not 9"):
        flow.check(broken, file="flow.json")


def test_reports_that_were_not_retrieved_stand_beside_those_sought():
    box = next(b for b in made() if b["column"] == "databases-side" and b["row"] == 3)
    assert box["title"] == "Reports not retrieved"
    assert box["lines"] == [("", "1"), ("Not assessed yet", "1")]


def test_a_retraction_is_told_where_the_study_leaves_the_total():
    gone = {"studies": 2, "reports": 3}
    box = made(removed=gone, removed_by_notice={"studies": 1, "reports": 1}, merged_reports=1)[-1]
    assert box["lines"][2:] == [
        ("Studies no longer included", "2"),
        ("Of these retracted", "1"),
        ("Reports no longer included", "3"),
        ("Reports found to be one with another", "1"),
    ]


def test_a_reason_that_is_no_code_of_the_protocol_keeps_its_code_and_retracted_is_a_word():
    part = example.context()["flow"]["databases"] | {"excluded_reasons": {"retracted": 2, "odd_code": 1}}
    box = next(b for b in made(databases=part) if b["column"] == "databases-side" and b["row"] == 4)
    assert box["lines"][:2] == [("Retracted", "2"), ("odd_code", "1")]


def test_the_diagram_in_words_has_its_numbers():
    counted = example.context()["flow"]
    assert flow.in_words(counted, release="26.0.0") == (
        "218 records were identified since version 26.0.0: 4 duplicates, 213 screened, 6 not screened yet."
        " 378 records were excluded on title and abstract and 30 reports sought in full text, 2 not retrieved,"
        " 2 not assessed yet. Of 26 reports assessed, 4 were included, 20 excluded and 2 await classification."
        " 1 report found before that was included. The review now holds 8 studies in 9 reports."
    )
    assert "since" not in flow.in_words(counted, release=None)


def test_one_of_each_is_in_the_singular():
    part = dict.fromkeys(example.context()["flow"]["databases"], 0) | {"excluded_reasons": {}}
    one = part | dict.fromkeys(("identified", "screened", "sought", "assessed", "included_reports"), 1)
    counted = example.context()["flow"] | {"databases": one, "other": part}
    counted |= {"total": {"studies": 1, "reports": 1}, "from_earlier_searches": 0}
    assert flow.in_words(counted, release=None) == (
        "1 record was identified: 0 duplicates, 1 screened. 0 records were excluded on title and abstract and"
        " 1 report sought in full text. Of 1 report assessed, 1 was included, 0 excluded and 0 await"
        " classification. The review now holds 1 study in 1 report."
    )


def empty(**more):
    part = dict.fromkeys(example.context()["flow"]["databases"], 0) | {"excluded_reasons": {}}
    counted = example.context()["flow"] | {"databases": part, "other": part, "from_earlier_searches": 0}
    return counted | {"total": {"studies": 6, "reports": 6}} | more


def test_a_month_without_records_has_no_row_of_zeros():
    assert flow.in_words(empty(), release="26.1.0") == (
        "No record was identified since version 26.1.0. The review still holds 6 studies in 6 reports."
    )


@pytest.mark.parametrize(
    ("removed", "retracted", "said"),
    [
        (1, 1, "1 study has left after a retraction."),
        (3, 2, "2 studies have left after a retraction. 1 study is no longer included."),
        (2, 0, "2 studies are no longer included."),
    ],
)
def test_studies_that_left_are_told_with_the_reason(removed, retracted, said):
    left = {"removed": {"studies": removed, "reports": removed}}
    left |= {"removed_by_notice": {"studies": retracted, "reports": retracted}}
    assert flow.in_words(empty(**left), release="26.1.0") == (
        f"No record was identified since version 26.1.0. {said} The review now holds 6 studies in 6 reports."
    )


def test_the_living_form_has_the_base_this_version_and_all():
    columns = flow.living_columns(example.context()["flow"])
    assert [(column["head"], column["total"]) for column in columns] == [
        ("Base version 26.0.0", False),
        ("This version", False),
        ("All versions", True),
    ]
    assert [column["when"] for column in columns] == [
        "October 2026",
        "November 2026",
        "October 2026 to November 2026",
    ]
    assessed = columns[1]["boxes"][3]
    assert (assessed["title"], assessed["n"]) == ("Reports assessed", "13")
    assert assessed["lines"] == [("Excluded", "10"), ("Awaiting classification", "\u22122")]
    assert columns[2]["boxes"][4]["lines"] == [
        ("Studies", "8"),
        ("Reports", "9"),
        ("Reports awaiting extraction", "1"),
    ]


def test_many_versions_between_stand_in_one_column_and_a_first_version_has_no_living_form():
    counted = example.context()["flow"]
    base, this = counted["versions"]
    between = [base | {"version": f"26.{n}.0", "run": f"2026-{n + 1:02d}"} for n in (1, 2, 3)]
    columns = flow.living_columns(counted | {"versions": [base, *between, this]})
    assert [column["head"] for column in columns][1] == "Versions 26.1.0 to 26.3.0"
    assert columns[1]["when"] == "February 2026 to April 2026, three versions"
    assert columns[1]["boxes"][0]["n"] == "627"
    one = flow.living_columns(counted | {"versions": [base, between[0], this]})
    assert [column["head"] for column in one][1] == "Version 26.1.0"
    assert flow.living_columns(counted | {"versions": [this]}) == []


def test_the_table_behind_a_diagram_has_every_box_and_the_reasons_below_theirs():
    part = example.context()["flow"]["databases"]
    rows = flow.table([part, part | {"excluded_reasons": {"not_rct": -1}}], REASONS)
    labels = [row["label"] for row in rows]
    at = labels.index("Excluded on full text")
    assert labels[at + 1 : at + 3] == [REASONS["not_internet"], REASONS["not_rct"]]
    assert [row["values"] for row in rows[at + 1 : at + 3]] == [["6", "0"], ["4", "\u22121"]]
    assert [row["reason"] for row in rows].count(True) == 2
    assert "Included studies" not in labels


def test_what_a_release_said_otherwise_is_a_sentence():
    rows = [
        {"version": "26.0.0", "what": "box", "id": "cumulative: not_retrieved", "released": 1, "now": 2},
        {"version": "26.0.0", "what": "study", "id": "a_2020", "released": "included", "now": None},
        {"version": "26.0.0", "what": "report", "id": "101", "released": "not included", "now": "included"},
    ]
    assert flow.restated({"restated": rows}) == [
        "Version 26.0.0, all versions, not retrieved: 1 as released, 2 today.",
        "Version 26.0.0, study a_2020: included as released, not in the ledger today.",
        "Version 26.0.0, report 101: not included as released, included today.",
    ]
