"""What earlier back-tests predicted saves training, and changes nothing."""

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from screening.invented import review

import backtest_ranking
from livingreview import tables
from livingreview.screening import known, queue
from livingreview.screening.ranker import Ranker
from livingreview.screening.ranking.reading import READS

RANKING = {
    "learn_from": "title-abstract",
    "seed": 1,
    "minimum_included": 2,
    "minimum_excluded": 2,
    "read_first_recall": "standard",
    "confidence": 0.95,
}
PATHS = ("input", "output")
ALONE = f"""
import json, sys
from types import SimpleNamespace
sys.modules |= dict.fromkeys(["sklearn", "scipy.stats", "scipy.optimize"])
sys.path.insert(0, {backtest_ranking.__file__.rpartition("/")[0]!r})
import backtest_ranking
given = json.loads(sys.argv[1])
backtest_ranking.main(SimpleNamespace(**{{name: SimpleNamespace(**values) for name, values in given.items()}}))
"""
MONTHS = ["2020-01", "2020-02", "2020-03"]
EACH = 60  # records a month, a third of them included: enough to be tested by months


class Counted:
    """A model that says how long a title is, and counts how often it is trained."""

    trained = 0

    def fit(self, records, included, order):
        assert len(records) == len(included) == len(order)
        Counted.trained += 1
        self.past_scores_, self.past_included_ = self.decision_function(records), included
        return self

    def decision_function(self, records):
        return np.array([len(record["title"]) / 7 for record in records])

    def probability(self, scores):
        return 1 / (1 + np.exp(-scores))


class Past:
    """A review of made-up records, as many decided in each of its months."""

    def __init__(self, folder, write_example):
        self.folder = folder
        records, included, _ = review(EACH * len(MONTHS))
        self.records = pd.DataFrame(records)
        self.records["year"] = "2019"
        self.records["duplicate_of"] = None
        rows = [
            {
                "record_id": record_id,
                "run": MONTHS[place // EACH],
                "stage": "title-abstract",
                "decision": "include" if included[place] else "exclude",
                "reason": "" if included[place] else "population",
            }
            for place, record_id in enumerate(self.records["record_id"])
        ]
        write_example("screening", *rows, path=folder / "screening.csv")

    def test(self, run, *, seen, code="one"):
        """Its bytes, after `seen` was written into a column that no model reads; and how many were trained."""
        folder = self.folder / run
        n = EACH * (MONTHS.index(run) + 1)
        tables.write(self.records[:n].assign(last_run=seen), folder / "records.csv")
        job, before = self.job(run, code=code), Counted.trained
        backtest_ranking.main(job)
        return {name: path.read_bytes() for name, path in vars(job.output).items()}, Counted.trained - before

    def job(self, run, *, code="one"):
        """The back-test of a month, as Snakemake gives it."""
        folder = self.folder / run
        names = {"about": "backtest.json", "months": "backtest.csv", "predictions": "predictions.csv"}
        return SimpleNamespace(
            input=SimpleNamespace(records=folder / "records.csv", decisions=self.folder / "screening.csv"),
            output=SimpleNamespace(**{name: folder / file for name, file in names.items()}),
            params=SimpleNamespace(
                run=run,
                stages=["title-abstract"],
                ranking=RANKING,
                question="Does it work?",
                eligibility={"include": ["adults"]},
                known=self.folder / ".cache",
                code=code,
            ),
        )

    @property
    def kept(self):
        """The files of known predictions."""
        return sorted((self.folder / ".cache").glob("*"))


@pytest.fixture
def past(tmp_path, write_example, monkeypatch):
    monkeypatch.setattr(queue, "make_model", lambda name, protocol, seed: Counted())  # noqa: ARG005
    return Past(tmp_path, write_example)


def test_a_month_trains_for_what_is_new_alone_and_says_what_it_would_have_said_without(past):
    _, first = past.test("2020-02", seen="2020-02")
    grown, second = past.test("2020-03", seen="2020-03")
    again, third = past.test("2020-03", seen="2020-04")
    # Two candidates; one month to rank by another, then one more, then none.
    assert (first, second, third) == (2, 2, 0)
    assert again == grown
    for path in past.kept:
        path.unlink()
    fresh, fourth = past.test("2020-03", seen="2020-05")
    assert fourth == 4
    assert fresh == grown


def test_a_month_of_which_all_is_known_loads_nothing_that_learns(past):
    """In a process of its own, which could load neither: that is a second of each month with nothing new."""
    said, _ = past.test("2020-02", seen="2020-02")
    job = past.job("2020-02")
    shared = {name: {key: str(value) for key, value in vars(getattr(job, name)).items()} for name in PATHS}
    given = json.dumps(shared | {"params": vars(job.params) | {"known": str(job.params.known)}})
    done = subprocess.run([sys.executable, "-c", ALONE, given], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {name: path.read_bytes() for name, path in vars(job.output).items()} == said


def test_other_code_knows_nothing_and_what_the_old_one_knew_is_removed(past):
    past.test("2020-02", seen="2020-02")
    old = past.kept
    _, trained = past.test("2020-02", seen="2020-02", code="two")
    assert trained == 2
    assert len(past.kept) == 1
    assert past.kept != old


@pytest.mark.parametrize(
    "damaged",
    [
        lambda _: b"key,score\n\x00",
        lambda _: b"",
        lambda whole: whole[: len(whole) * 2 // 3],
        lambda whole: whole.replace(b".", b".1"),
    ],
    ids=["other bytes", "empty", "cut short within a number", "other numbers"],
)
def test_a_damaged_file_is_told_and_not_believed(past, caplog, damaged):
    said, _ = past.test("2020-02", seen="2020-02")
    past.kept[0].write_bytes(damaged(past.kept[0].read_bytes()))
    again, trained = past.test("2020-02", seen="2020-02")
    assert (again, trained) == (said, 2)
    assert "can't be used, and its models are trained again" in caplog.text
    assert past.test("2020-02", seen="2020-02") == (said, 0)


def test_a_month_does_not_fail_where_nothing_can_be_kept(past, caplog, tmp_path):
    (tmp_path / ".cache").write_text("a file where a folder should be", encoding="utf-8")
    _, trained = past.test("2020-02", seen="2020-02")
    assert trained == 2
    assert "could not be kept for the next month" in caplog.text


@pytest.mark.parametrize("setting", [{"seed": 1}, {"seed": 2}])
def test_the_file_is_named_after_code_and_settings(tmp_path, setting):
    here = known.place(tmp_path, code="a", settings=setting)
    assert here == known.place(tmp_path, code="a", settings=dict(setting))
    assert here not in {
        known.place(tmp_path, code="b", settings=setting),
        known.place(tmp_path, code="a", settings=setting | {"protocol": "another"}),
    }


class Watched(dict):
    """A record that lets no cell be read but those that are said to be."""

    def get(self, name, default=None):
        assert name in READS, f"the model reads {name}"
        return super().get(name, default)

    def __getitem__(self, name):
        assert name in READS, f"the model reads {name}"
        return super().__getitem__(name)


def test_the_columns_that_are_named_are_all_that_the_model_reads():
    records, included, years = review(60, headings=True)
    watched = [Watched(record, title=record["title"]) for record in records]
    model = Ranker(topic="pain", seed=1).fit(watched[:50], included[:50], order=years[:50])
    assert len(model.decision_function(watched[50:])) == 10
    model.explain(watched[50:])
