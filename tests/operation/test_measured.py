"""What each step took: read from what Snakemake measured, written beside the logs."""

import csv

import pytest
from lxml import etree

from livingreview.operation import measured
from livingreview.operation.measured import Step

HEAD = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
LONG = HEAD + "7.25\t0:00:07\t240.29\t602.47\t185.86\t194.04\t0.00\t0.00\t7.05\t3.21\n"
SHORT = HEAD + "0.04\t0:00:00\tNA\tNA\tNA\tNA\tNA\tNA\tNA\tNA\n"


@pytest.fixture
def logs(tmp_path):
    folder = tmp_path / "logs/2026-11"
    (folder / "measured").mkdir(parents=True)
    (folder / "measured/check_data.tsv").write_text(SHORT)
    (folder / "measured/rank_records.tsv").write_text(LONG)
    return folder


def test_a_step_is_read_with_its_seconds_and_memory():
    assert measured.step("rank_records", LONG) == Step("rank_records", 7.25, 3.21, 240.29)


def test_what_was_too_short_to_be_measured_is_not_nought():
    assert measured.step("check_data", SHORT) == Step("check_data", 0.04, None, None)


@pytest.mark.parametrize("text", ["", HEAD, HEAD + "7.2", "a\tb\n1\t2\n", HEAD + "\t".join("abcdefghij")])
def test_what_a_killed_job_left_is_no_step(text):
    assert measured.step("rank_records", text) is None


def test_the_longest_step_stands_first_in_table_and_drawing(logs):
    measured.write(logs)
    with (logs / "measured.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [tuple(row.values()) for row in rows] == [
        ("rank_records", "7.25", "3.21", "240.29"),
        ("check_data", "0.04", "", ""),
    ]
    drawn = etree.fromstring((logs / "measured.svg").read_bytes())
    words = ["".join(one.itertext()) for one in drawn.iter("{*}text")]
    assert words[0] == "2 steps, 7 s in sum; none held more than 240 MB."
    assert words[4:] == ["rank_records", "7.2", "240", "check_data", "0.0", "–"]
    long, short = (float(box.get("width")) for box in drawn.iter("{*}rect"))
    assert short / long == pytest.approx(0.04 / 7.25, abs=0.005)


def test_where_nothing_was_measured_nothing_is_written(tmp_path):
    measured.write(tmp_path)
    assert list(tmp_path.iterdir()) == []
