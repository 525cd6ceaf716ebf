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
