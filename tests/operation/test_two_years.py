"""Months under faults, short: benchmarks/two_years.py plays them long. And that each fault is a real one."""

import argparse
import math
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import trouble  # noqa: E402
import two_years  # noqa: E402

from livingreview import tables  # noqa: E402

STUB = Path(__file__).with_name("stub_month.py")
RUN = "2018-02"


class Months(two_years.History):
    """Months of the bundled review in which only the queue is made; people's decisions are really filed."""

    def command(self):
        """The stub, with the queue that it hands out."""
        columns = list(tables.load_schema("queue")["properties"])
        later = self.answers.decisions
        rows = later[later["run"] > self.after].drop_duplicates("record_id").head(12)
        queue = rows[["record_id", "stage"]].assign(state="new", first_run=self.run).reindex(columns=columns)
        tables.write(queue, self.target / "template.csv")
        return [sys.executable, STUB, self.target, self.run]


def options(**given):
    names = [kind.name for kind in trouble.EVERY]
    return argparse.Namespace(
        **(
            {"port": 0, "cores": "1", "targets": [], "most": 2, "faults": names}
            | {"deadline": math.inf}
            | given
        )
    )


def play(tmp_path, name, **given):
    history = Months(ROOT, tmp_path / name, options=options(), **given)
    return history, history.play(1)


def test_a_month_under_faults_ends_as_one_in_peace_and_keeps_every_row(tmp_path):
    durations = {}
    peace, undisturbed = play(tmp_path, "peace", durations=durations)
    assert undisturbed.given_up is None
    assert list(durations) == [(RUN, 1), (RUN, 2), (RUN, 3)]
    _, tally = play(tmp_path, "trouble", rng=random.Random(4), durations=durations)
    assert tally.faults.total() in {1, 2}
    assert (tally.given_up, tally.lost) == (None, [])
    assert two_years.differences(tmp_path / "peace", tmp_path / "trouble") == []
    assert tally.passed
    assert len(peace.confirmed) > 100


def test_a_row_that_goes_and_a_file_that_differs_are_seen(tmp_path):
    history = Months(ROOT, tmp_path / "one", options=options())
    history.run, history.step = RUN, 1
    history._confirm()
    path = tmp_path / "one/data/decisions/screening.csv"
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole.rsplit("\n", 2)[0] + "\n", encoding="utf-8")
    history._look_for_losses()
    assert len(history.tally.lost) == 1
    assert not history.tally.passed
    Months(ROOT, tmp_path / "two", options=options())
    assert two_years.differences(tmp_path / "one", tmp_path / "two") == ["data/decisions/screening.csv"]


WRITER = "import sys, time; sys.path.insert(0, sys.argv[1]); from livingreview import tables\nprint('.', flush=True)\n"


@pytest.fixture
def review(tmp_path):
    """A folder with the tables that people edit, in a folder of its own."""
    review = tmp_path / "review"
    for name in trouble.Edits.TABLES:
        tables.write(pd.DataFrame({"record_id": map(str, range(50))}), review / "data" / name)
    return review


def plant(kind, review, code, *, seed=1, **options):
    """Run code that writes into the review under a fault; the fault, the status and what was said."""
    fault = kind(review, run=RUN, rng=random.Random(seed), expected=0.0, **options)
    fault.prepare()
    with subprocess.Popen(
        [sys.executable, "-c", WRITER + code, str(ROOT / "scripts"), str(review)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=fault.in_child,  # noqa: PLW1509 - as the benchmark does
    ) as process:
        process.stdout.readline()
        fault.strike(process)
        said = process.communicate()[1]
    fault.mend()
    return fault, process.returncode, said


def write(name, text="'new' * 10**6"):
    return f"time.sleep(0.2); tables.write_text({text}, sys.argv[2] + '/{name}')"


@pytest.mark.parametrize(("kind", "status"), [(trouble.Kill, -9), (trouble.KillAll, -9)])
def test_a_killed_writer_leaves_the_old_table(review, kind, status):
    before = (review / "data/trials/studies.csv").read_bytes()
    assert plant(kind, review, "time.sleep(60)")[1] == status
    assert (review / "data/trials/studies.csv").read_bytes() == before


def test_a_full_disk_leaves_the_old_table_and_the_next_writer_succeeds(review):
    before = (review / "data/trials/studies.csv").read_bytes()
    _, status, said = plant(trouble.DiskFull, review, write("data/trials/studies.csv"))
    assert (status, "OSError" in said) == (1, True)
    assert (review / "data/trials/studies.csv").read_bytes() == before
    assert tables.remove_leftovers(review) == []


def test_a_folder_that_is_read_only_is_so_for_root_too_and_is_mended(review, monkeypatch):
    monkeypatch.setattr(trouble, "PLACES", ("data/trials",))
    fault, status, said = plant(trouble.ReadOnly, review, write("data/trials/studies.csv"))
    assert (fault.how, status, "PermissionError" in said) == ("data/trials", 1, True)
    tables.write_text("new", review / "data/trials/studies.csv")


def test_the_clock_moves_every_time_stamp_by_the_same(review):
    every = sorted(path for path in review.rglob("*"))
    before = [path.stat().st_mtime_ns for path in every]
    plant(trouble.Clock, review, "")
    moved = {path.stat().st_mtime_ns - old for path, old in zip(every, before, strict=True)}
    assert len(moved) == 1
    assert moved.pop() % (120 * 10**9) == 0


@pytest.mark.parametrize("seed", range(6))
def test_a_maintainer_s_edits_end_with_the_table_as_it_was(review, seed):
    before = {path: path.read_bytes() for path in sorted(review.rglob("*.csv"))}
    fault = trouble.Edits(review, run=RUN, rng=random.Random(seed), expected=0.0)
    fault.strike(None)
    changed = fault.path.read_bytes() != before[fault.path]
    assert changed == (fault.how == "in two halves")
    fault.struck = time.monotonic() - 60
    fault.until(None)
    fault.mend()
    assert {path: path.read_bytes() for path in sorted(review.rglob("*")) if path.is_file()} == before


def test_a_power_cut_empties_notes_of_the_last_seconds_and_no_table(review):
    notes = [review / ".snakemake/metadata" / str(number) for number in range(20)]
    for note in notes:
        tables.write_text("{}", note)
    fault, status, _ = plant(trouble.PowerCut, review, "time.sleep(60)")
    emptied = [note for note in notes if not note.read_bytes()]
    assert (status, fault.how) == (-9, f"{len(emptied)} notes emptied")
    assert 0 < len(emptied) < 20
    assert all(path.read_bytes() for path in review.rglob("*.csv"))


def test_what_is_kept_for_later_months_is_damaged_in_every_way(review):
    path, how = review / ".cache/backtest/backtest-1.csv", set()
    for seed in range(20):
        shutil.rmtree(review / ".cache", ignore_errors=True)
        tables.write_text("0.12\n0.15\n", path)
        fault = trouble.Cache(review, run=RUN, rng=random.Random(seed), expected=0.0)
        fault.strike(None)
        assert not path.is_file() or path.read_bytes() != b"0.12\n0.15\n" or fault.how == "cut"
        how.add(fault.how)
    assert how == {"cut", "changed", "a folder", "gone"}
