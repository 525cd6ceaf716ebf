"""A record of the review's queue that people include, its sheet, and the steps of the workflow that follow it."""

import analysis_steps
import pandas as pd

import merge_trials
from livingreview import tables

# Fields of a trial with an effect on pain and one on anxiety, as the form of a trial posts them.
STUDY = {
    "study.study_id": "new_2026",
    "study.first_author": "New",
    "study.year": "2026",
    "study.population": "adult",
    "study.condition": "mixed",
    "study.comparator_class": "waitlist",
    "study.intervention_class": "cbt",
    "study.guided": "yes",
}
ARMS = {"arm_1": "internet CBT", "arm_2": "waiting list", "timepoint": "post", "priority": "1"}
PAIN = ARMS | {
    "outcome": "pain_intensity",
    "instrument": "NRS",
    "way": "means_sd",
    **{"mean_1": "3.1", "sd_1": "2.0", "n_1": "50", "mean_2": "4.2", "sd_2": "2.1", "n_2": "48"},
    **{"source": "table 2", "page": "7"},
}
ANXIETY = PAIN | {"outcome": "anxiety", "instrument": "GAD-7", "mean_1": "5.1", "mean_2": "6.3"}


def fields(*rows, **study):
    """What the form of a trial posts."""
    of_rows = {f"row.{at}.{name}": text for at, row in enumerate(rows) for name, text in row.items()}
    return STUDY | {f"study.{name}": text for name, text in study.items()} | of_rows


def include(client):
    """Include the first record of the queue at both stages and begin its sheet; the name of the sheet."""
    held = client.desk.held
    record_id = held.table(held.results("queue.csv"))["record_id"].iloc[0]
    given = {"record_id": record_id, "run": held.run(), "decision": "include", "reviewer": "EX"}
    stages = held.config()["screening"]["stages"]
    rows = [given | {"stage": stage, "decided_at": "2026-11-15"} for stage in stages]
    frame = pd.DataFrame(rows).reindex(columns=tables.columns("screening"))
    tables.append(frame, held.review / "data/decisions/screening.csv", "screening")
    answer = client.post("/extraction", record_id=record_id, follow=False)
    return answer.headers["Location"].rpartition("/")[2]


def merge(client, name, *rows):
    """Write rows into a sheet as people type them, and merge it with the command for people."""
    folder = client.desk.review / "data/trials/sheets" / name
    study = {key.removeprefix("study."): text for key, text in STUDY.items()}
    _type(folder / "study.csv", [study | {"source": "the article"}])
    kinds = {"row_id": "", "study_id": "", "effect_type": "means"}
    _type(folder / "outcomes.csv", [kinds | row for row in rows])
    assert merge_trials.main(["--directory", str(client.desk.review), "--run", client.desk.held.run()]) == 0


def _type(path, rows):
    header, held = tables.cells(path)
    first = dict(zip(header, held[0][1], strict=True))
    whole = [(first if path.name == "study.csv" else dict.fromkeys(header, "")) | row for row in rows]
    frame = pd.DataFrame([{column: row.get(column, "") for column in header} for row in whole])
    tables.write(frame, path)


def steps(client):
    """What the workflow's steps write from the tables as they are now: a folder of results."""
    held, review = client.desk.held, client.desk.review
    folder = review / "computed"
    folder.mkdir()
    return analysis_steps.write(
        folder,
        records=review / held.results("records.csv"),
        events=review / held.results("record_events.csv"),
        data=review / "data",
        config=held.config(),
        run=held.run(),
    )
