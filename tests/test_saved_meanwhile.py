"""What people save while a run works is seen, whatever the time stamps say."""

import os

import pytest

from livingreview import saved_meanwhile


@pytest.fixture
def review(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data/decisions"
    folder.mkdir(parents=True)
    (folder / "screening.csv").write_text("record_id\n1\n")
    return folder / "screening.csv"


def test_another_content_is_seen_under_the_old_time_stamp_and_a_new_stamp_alone_is_not(review):
    before = saved_meanwhile.seen()
    stamp = review.stat().st_mtime_ns
    review.touch()
    assert saved_meanwhile.changed(before, saved_meanwhile.seen()) == []
    review.write_text("record_id\n2\n")
    os.utime(review, ns=(stamp, stamp))
    assert saved_meanwhile.changed(before, saved_meanwhile.seen()) == ["data/decisions/screening.csv"]


def test_files_that_come_or_go_are_seen_and_an_open_program_s_own_are_not(review):
    before = saved_meanwhile.seen()
    review.with_name(".~lock.screening.csv#").touch()
    review.with_name("~$screening.xlsx").touch()
    assert saved_meanwhile.changed(before, saved_meanwhile.seen()) == []
    review.rename(review.with_name("pairs.csv"))
    assert saved_meanwhile.changed(before, saved_meanwhile.seen()) == [
        "data/decisions/pairs.csv",
        "data/decisions/screening.csv",
    ]
