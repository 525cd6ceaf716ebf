"""The pace of requests, of one client and of several processes."""

import itertools
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from livingreview.search.pubmed import rate

SCRIPTS = Path(rate.__file__).resolve().parents[3]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "living-review" / "example.org-without-key"


@pytest.fixture
def make_limiter(path, time):
    """Makes limiters that share one file and one clock; it starts as a computer that ran for a day."""
    time.now = 86_400.0

    def make(seconds=0.5, **options):
        return rate.SharedLimiter(path, seconds, **{"clock": time.clock, "sleep": time.sleep, **options})

    return make


def test_the_distance_follows_from_what_ncbi_grants():
    assert 3 * rate.interval(keyed=False) > 1
    assert 10 * rate.interval(keyed=True) > 1
    assert rate.interval(keyed=True) < rate.interval(keyed=False)


def test_one_client_keeps_the_distance(time):
    limiter = rate.Limiter(0.5, clock=time.clock, sleep=time.sleep)
    assert [limiter.wait() for _ in range(3)] == [0.0, 0.5, 1.0]


def test_time_that_passes_by_itself_is_not_waited_again(time):
    limiter = rate.Limiter(0.5, clock=time.clock, sleep=time.sleep)
    limiter.wait()
    time.now += 10
    limiter.wait()
    assert time.slept == []


def test_limiters_of_one_file_keep_the_distance_together(make_limiter):
    one, other = make_limiter(), make_limiter()
    granted = [limiter.wait() for limiter in (one, other, one, one, other)]
    assert granted == [86_400.0, 86_400.5, 86_401.0, 86_401.5, 86_402.0]


def test_the_first_request_of_all_waits_for_nothing(make_limiter, time):
    make_limiter().wait()
    assert time.slept == []


@pytest.mark.parametrize(
    "content",
    [
        b"99999999.000000000\n",
        b"nan\n",
        b"inf\n",
        b"-1.0\n",
        b"86399.9",
        b"\0" * 64,
        b"x" * 10_000,
        b"\xff\xfe",
    ],
    ids=["from before a restart", "nan", "inf", "negative", "cut", "zeros", "long", "no text"],
)
def test_a_file_that_tells_no_time_costs_one_distance_and_is_mended(make_limiter, path, time, content):
    path.parent.mkdir(mode=0o700)
    path.write_bytes(content)
    path.chmod(0o600)
    assert make_limiter().wait() == 86_400.5
    assert path.read_bytes() == b"86400.500000000\n"
    assert make_limiter().wait() == 86_401.0


def test_file_and_folder_are_of_this_user_only(make_limiter, path):
    old = os.umask(0)
    try:
        make_limiter().wait()
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def planted_link(path):
    path.parent.mkdir(mode=0o700)
    path.symlink_to(path.parent.parent / "precious")


def planted_hard_link(path):
    path.parent.mkdir(mode=0o700)
    path.hardlink_to(path.parent.parent / "precious")


def planted_folder_link(path):
    (path.parent.parent / "elsewhere").mkdir(mode=0o700)
    path.parent.symlink_to(path.parent.parent / "elsewhere")


def planted_pipe(path):
    path.parent.mkdir(mode=0o700)
    os.mkfifo(path)


def planted_directory(path):
    path.mkdir(parents=True)


def open_to_all(path):
    path.parent.mkdir()
    path.parent.chmod(0o777)


def no_folder_possible(path):
    path.parent.write_text("a file in the place of the folder")


@pytest.mark.parametrize(
    "plant",
    [
        planted_link, planted_hard_link, planted_folder_link, planted_pipe, planted_directory, open_to_all,
        no_folder_possible,
    ],
)  # fmt: skip
def test_what_others_may_have_planted_is_not_touched_and_the_pace_is_kept_alone(
    make_limiter, path, tmp_path, caplog, plant
):
    (tmp_path / "precious").write_text("kept")
    plant(path)
    before = sorted(str(one) for one in tmp_path.rglob("*"))
    limiter = make_limiter()
    assert [limiter.wait() for _ in range(3)] == [86_400.0, 86_400.5, 86_401.0]
    assert (tmp_path / "precious").read_text() == "kept"
    assert sorted(str(one) for one in tmp_path.rglob("*")) == before
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert f"{path} cannot be used" in caplog.text


def test_a_lock_that_another_process_holds_for_an_instant_is_waited_for(make_limiter, path):
    make_limiter().wait()
    with rate._locked(path):
        waiting = threading.Thread(target=make_limiter().wait)
        waiting.start()
        waiting.join(0.05)
        assert waiting.is_alive()
    waiting.join()


def test_the_file_lies_where_only_this_user_writes(tmp_path, monkeypatch):
    url = "https://user:secret@EUTILS.ncbi.example:8080/entrez/eutils/"
    runtime = rate.place(url, keyed=True, environ={"XDG_RUNTIME_DIR": str(tmp_path)})
    assert runtime == tmp_path / "living-review" / "eutils.ncbi.example_8080-with-key"
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    elsewhere = rate.place(url, keyed=False, environ={})
    assert elsewhere.parent == tmp_path / f"living-review-{os.getuid()}"
    assert elsewhere.name == "eutils.ncbi.example_8080-without-key"


def test_no_name_of_a_server_leads_out_of_the_folder(tmp_path):
    place = rate.place("http://..%2f..", keyed=False, environ={"XDG_RUNTIME_DIR": str(tmp_path)})
    assert place.parent == tmp_path / "living-review"


CODE = """
import sys
from livingreview.search.pubmed.rate import SharedLimiter
limiter = SharedLimiter(sys.argv[1], float(sys.argv[2]))
for _ in range(int(sys.argv[3])):
    print(f"{limiter.wait():.9f}", flush=True)
"""


def start(path, seconds, times):
    return subprocess.Popen(
        [sys.executable, "-c", CODE, str(path), str(seconds), str(times)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=SCRIPTS,
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
    )


def test_processes_keep_the_distance_together(path):
    processes = [start(path, 0.02, 15) for _ in range(4)]
    said = [process.communicate(timeout=60) for process in processes]
    assert [error for _, error in said] == [""] * 4
    granted = sorted(float(line) for text, _ in said for line in text.split())
    assert len(granted) == 60
    # The file keeps nine digits.
    assert min(later - earlier for earlier, later in itertools.pairwise(granted)) >= 0.02 - 1e-8


def test_a_process_that_is_killed_stops_no_other(path):
    endless = start(path, 0.01, 10**9)
    endless.stdout.readline()
    endless.kill()
    endless.communicate()
    process = start(path, 0.01, 3)
    assert len(process.communicate(timeout=60)[0].split()) == 3


def test_a_clock_that_is_late_after_a_sleep_moves_the_later_requests_too(path):
    state = SimpleNamespace(now=100.0)

    def sleep(seconds):
        state.now += seconds + 0.3

    limiter = rate.SharedLimiter(path, 0.5, clock=lambda: state.now, sleep=sleep)
    granted = [limiter.wait() for _ in range(3)]
    assert granted == pytest.approx([100.0, 100.8, 101.6])
