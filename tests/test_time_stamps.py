"""After the clock was set back, files from the future keep their order and no longer lie ahead."""

import os

import pytest

from livingreview import time_stamps

NOW = 1_600_000_000 * 10**9
DAY = 86_400 * 10**9


@pytest.fixture
def dated(tmp_path):
    """Makes files with time stamps in nanoseconds after NOW; returns a look at them."""

    def make(**after):
        for name, stamp in after.items():
            (tmp_path / name).touch()
            os.utime(tmp_path / name, ns=(NOW, NOW + stamp))
        os.utime(tmp_path, ns=(NOW, NOW - DAY))
        return lambda: {name: (tmp_path / name).stat().st_mtime_ns - NOW for name in after}

    return make


def test_files_of_the_future_are_dated_before_now_in_their_order(dated, tmp_path):
    look = dated(table=3 * DAY, result=3 * DAY + 5, again=3 * DAY, old=-DAY)
    assert time_stamps.take_back([tmp_path, tmp_path / "none"], now=NOW) == 3
    after = look()
    assert after["table"] == after["again"] < after["result"] < 0
    assert after["old"] == -DAY
    assert time_stamps.take_back([tmp_path], now=NOW) == 0


def test_nothing_is_touched_while_the_clock_is_right(dated, tmp_path):
    look = dated(table=-5, result=0)
    assert time_stamps.take_back([tmp_path], now=NOW) == 0
    assert look() == {"table": -5, "result": 0}


def test_a_folder_that_lies_ahead_is_dated_too_and_a_link_is_not_followed(dated, tmp_path):
    look = dated(table=DAY)
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "link").symlink_to(tmp_path / "table")
    os.utime(inner, ns=(NOW, NOW + DAY))
    assert time_stamps.take_back([inner], now=NOW) == 1
    assert inner.stat().st_mtime_ns < NOW
    assert look() == {"table": DAY}
