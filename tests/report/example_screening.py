"""The screening of the made-up review: results of the rooms that make them, from invented predictions."""

import copy
import functools

import numpy as np
import pandas as pd

from livingreview.screening import agreement, backtest, drift, statement, stopping, suspicious
from livingreview.tables import columns, plain_rows

RUN = "2026-11"
STAGES = ["title-abstract", "full-text"]
MODEL = "ranker-2 n=60 0123abcd"
# Per month: the score of each decided record; marked ones were included. The last month's ranking is poor.
PAST = {
    "2026-07": {"+": [0.9, 0.8, 0.7], "-": [0.6, 0.4, 0.3, 0.2, 0.1, 0.05]},
    "2026-08": {"+": [0.95, 0.75], "-": [0.65, 0.35, 0.25, 0.15, 0.12]},
    "2026-09": {"+": [0.78], "-": [0.36, 0.22, 0.02]},
    "2026-10": {"+": [0.91, 0.11], "-": [0.72, 0.62, 0.33, 0.21, 0.04]},
}
CANDIDATES = {"blend": 1.0, "words alone": -1.0}


class Given:
    """A model that has nothing to learn: each record carries its score."""

    def __init__(self, sign):
        self.sign = sign

    def fit(self, records, included):
        assert 0 < sum(included) < len(records)
        return self

    def decision_function(self, records):
        return self.sign * np.array([one["score"] for one in records])

    def predict_proba(self, records):
        given = np.array([one["score"] for one in records])
        return np.column_stack([1 - given, given])


def past(months=None):
    """Decided records, whether they were included, and the month of each."""
    records, included, month = [], [], []
    for name, kinds in PAST.items():
        for sign, scores in kinds.items():
            for score in scores:
                records.append({"record_id": str(len(records) + 1), "score": score})
                included.append(sign == "+")
                month.append(name)
    return records, included, months or month


def ledger_rows(*rows):
    """Rows of the ledger: (record_id, run, stage, decision, reviewer, role)."""
    names = ["record_id", "run", "stage", "decision", "reviewer", "role"]
    made = [dict(zip(names, row, strict=True)) | {"decided_at": "2026-01-02"} for row in rows]
    return (
        pd.DataFrame(made)
        .reindex(columns=columns("screening"))
        .astype(object)
        .where(lambda x: x.notna(), None)
    )


def back_tested(*, minimum=2):
    """The back-test of one label: backtest.json's part, the months, the predictions."""
    records, included, months = past()
    found = {
        name: backtest.run(
            records,
            included,
            months,
            make_model=lambda sign=sign: Given(sign),
            minimum_included=minimum,
            minimum_excluded=minimum,
            read_first=lambda _, scores: scores > 0.5,
            name=name,
        )
        for name, sign in CANDIDATES.items()
    }
    choice = backtest.choose(found)
    one = found[choice["chosen"]]
    about = {
        "choice": choice,
        "period": "month",
        "summary": backtest.summarise(one, n_resamples=50),
        "warnings": backtest.warn(one, target=0.95),
    }
    return about, one


def head(**changed):
    """One head of ranking.json."""
    return {
        "candidate": "blend",
        "model": MODEL,
        "in_time": True,
        "n_past": 30,
        "n_past_included": 10,
        "past_held": 9,
        "past_recall": 0.9,
        "past_recall_low": 0.555,
        "past_recall_high": 0.997,
        "past_share": 0.4,
        "reads_all": False,
        "n_left_out": 0,
        "n_cut": 0,
        "calibration": {"slope": 1.0, "intercept": 0.0},
    } | changed


def bounds(*, n_audit_read=0):
    """What ranking.json says of what may have been missed."""
    counts = {"n_below": 4, "n_audit": 2, "n_audit_read": n_audit_read, "n_audit_relevant": 0}
    counts["n_unread"] = 4 - n_audit_read
    return {
        "month": stopping.month(**counts, n_total=6, n_found=1, n_found_elsewhere=1),
        "cumulative": stopping.cumulative(stopping.as_frame([{"month": "2026-11", **counts}])),
    }


def ranking(about, **changed):
    """The ranking.json of a model."""
    found = {
        "method": "the review's own decisions",
        "model": MODEL,
        "learn_from": "full-text",
        "target_recall": 0.95,
        "training": {"full-text": {"n": 60, "included": 20, "excluded": 40}},
        "heads": {"full-text": head()},
        "audit": [],
        "no_abstract_band": True,
        "explanation": "Trained on 60 example records.",
        "n_queue": 3,
        "n_awaiting": 1,
        "n_no_abstract": 1,
        "n_not_english": 0,
        "bands": {"audit": 1, "read first": 2},
        "stopping": bounds(),
    } | changed
    main = next(iter(about.values()))
    found["statement"] = statement.write(
        {
            "run": RUN,
            "tool": {"name": "living-review", "version": "0.1.0"},
            "stages": STAGES,
            "reviewers": {"independent": 1},
            "model": found["model"],
            "cold_start": None if found["model"] else found["explanation"],
            "training": {**found["training"]["full-text"], "first_run": "2026-07", "last_run": "2026-10"},
            "learn_from": found["learn_from"],
            "target_recall": 0.95,
            "backtest": main["summary"],
            "choice": main["choice"],
            "warnings": main["warnings"],
            "audit": found["stopping"] and found["stopping"]["cumulative"],
            "queue": {"n": found["n_queue"], "no_abstract": found["n_no_abstract"], "not_english": 0},
        }
    )
    return found


def doubts(one):
    """The old decisions that the model would not have expected."""
    records, included, months = past()
    rows = [
        (record["record_id"], month, "full-text", "include" if was else "exclude", "E. X.", None)
        for record, was, month in zip(records, included, months, strict=True)
    ]
    titles = {record["record_id"]: f"An old example {record['record_id']}" for record in records}
    return suspicious.suspicious(one.predictions, titles, ledger_rows(*rows), run=RUN)


def results():
    """The parts of the context that the rooms of screening make, made anew at every call."""
    return copy.deepcopy(_made())


@functools.cache
def _made():
    about, one = back_tested()
    return {
        "ranking": ranking({"full-text": about}),
        "backtest": {"full-text": about},
        "months": plain_rows(one.months.assign(label="full-text")),
        "suspicious": plain_rows(doubts(one)),
        "drift": drifted(one),
        "agreement": measured(),
        "conflicts": [],
    }


def drifted(one):
    """drift.json of the invented past, whose records say what their months are."""
    records, included, months = past()
    decided = pd.DataFrame({"month": months, "included": included}).groupby("month")["included"]
    return drift.watch(
        predictions=list(zip(one.predictions["month"], one.predictions["probability"], strict=True)),
        waiting=[0.3, 0.2],
        months=[(month, len(part), int(part.sum())) for month, part in decided],
        records=[
            {"title": f"example trial {month}", "first_run": month}
            for _, month in zip(records, months, strict=True)
        ],
        decided_in=months,
        run=RUN,
    )


def measured(*rows, names=()):
    """agreement.json of such rows of the ledger."""
    return agreement.measure(
        ledger_rows(*rows) if rows else pd.DataFrame(columns=columns("screening")),
        run=RUN,
        stages=STAGES,
        names=names,
    )
