"""From a run's rankings to drift.json."""

from types import SimpleNamespace

import pandas as pd

import watch_drift
from livingreview import tables


def test_the_rankings_of_a_run_are_read_by_their_label(tmp_path, example_table):
    frames = {
        "records": pd.DataFrame(
            [
                {"record_id": "101", "title": "Example pain", "abstract": None, "first_run": "2020-01"},
                {"record_id": "102", "title": "Sample pain", "abstract": None, "first_run": "2020-02"},
                {"record_id": "103", "title": "Sample pain", "abstract": None, "first_run": "2020-02"},
            ]
        ).assign(duplicate_of=[None, None, "102"], found_in="PubMed"),
        "months": pd.DataFrame(
            [
                {"month": "2020-01", "n_ranked": 1, "n_included": 1, "label": "full-text"},
                {"month": "2020-01", "n_ranked": 9, "n_included": 9, "label": "title-abstract"},
            ]
        ),
        "predictions": pd.DataFrame(
            [
                {"month": "2020-01", "probability": 0.2, "label": "full-text"},
                {"month": "2020-01", "probability": 0.9, "label": "title-abstract"},
            ]
        ),
    }
    paths = {name: tmp_path / f"{name}.csv" for name in frames}
    for name, frame in frames.items():
        tables.write(frame, paths[name])
    waiting = [
        {"record_id": "102", "pmid": "102", "first_run": "2020-02", "p_full_text": "0.5"},
        {
            "record_id": "104",
            "pmid": "104",
            "first_run": "2020-01",
            "p_full_text": "0.7",
            "state": "undecided",
        },
    ]
    job = SimpleNamespace(
        input=SimpleNamespace(
            **paths,
            decisions=example_table("screening", {"record_id": "101", "run": "2020-01"}),
            queue=example_table("queue", *waiting),
        ),
        output=SimpleNamespace(drift=tmp_path / "drift.json"),
        params=SimpleNamespace(run="2020-02", stages=["title-abstract", "full-text"], learn_from="full-text"),
    )
    watch_drift.main(job)
    found = tables.read_json(job.output.drift)
    assert found["label"] == "full-text"
    assert [(row["month"], row["value"]) for row in found["chances"]] == [("2020-01", 0.2), ("2020-02", 0.5)]
    # Of "sample pain" one word is new; the duplicate is no record of its own.
    assert [(row["month"], row["n"], row["value"]) for row in found["words"]] == [("2020-02", 1, 0.5)]
    assert [(row["month"], row["n"], row["n_included"]) for row in found["included"]] == [("2020-01", 1, 1)]
