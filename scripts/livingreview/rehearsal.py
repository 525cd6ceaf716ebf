"""Months of the review played again in a copy: the workflow as it runs, the people from what they recorded.

A rehearsal starts from the review as it stood after one run, lets the sandbox answer the months that follow,
and gives as people's answers what the review's own tables hold for those records: each decision, and each
extracted trial. Nothing of it enters the review.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from livingreview import tables
from livingreview.errors import InputError
from livingreview.living.status import next_run
from livingreview.screening import bands
from livingreview.screening import decisions as ledger
from livingreview.search import snapshot
from livingreview.trials import clearances, merging, sheets
from livingreview.trials.revisions import rows_at

# Tables whose rows carry the run in which they began to count.
DATED = {
    "decisions/screening.csv": "screening",
    "trials/studies.csv": "studies",
    "trials/reports.csv": "reports",
    "trials/outcomes.csv": "outcomes",
}
CLEARANCES = "trials/clearances.csv"  # a review may do without
MARKER = ".rehearsal"
ALL_RUNS = "9999-12"  # later than any run


@dataclass(frozen=True)
class Answers:
    """What people recorded in the whole review, to be given month by month.

    Attributes
    ----------
    decisions : DataFrame
        One row per record and stage, the latest.
    studies, reports, outcomes : DataFrame
        The trials' tables, latest revisions.
    clearances : DataFrame
        What people said of values that are probably slips and are not.
    """

    decisions: pd.DataFrame
    studies: pd.DataFrame
    reports: pd.DataFrame
    outcomes: pd.DataFrame
    clearances: pd.DataFrame


def months_after(run, count):
    """The months that follow a run.

    >>> months_after("2018-11", 3)
    ['2018-12', '2019-01', '2019-02']
    """
    return [next_run(run, step) for step in range(1, count + 1)]


def answers(data):
    """Read the answers from a review's data folder."""
    read = {schema: tables.read(data / path, schema) for path, schema in DATED.items()}
    return Answers(
        decisions=ledger.latest(read["screening"], ALL_RUNS),
        studies=rows_at(read["studies"], ALL_RUNS, ["study_id"]),
        reports=read["reports"],
        outcomes=rows_at(read["outcomes"], ALL_RUNS, ["row_id"]),
        clearances=clearances.read(data / CLEARANCES),
    )


def copy_review(review, target, *, after):
    """Copy a review as it stood after a run; an earlier rehearsal in the same place is removed.

    Raises
    ------
    InputError
        If the target holds something that is no rehearsal, or the review has no snapshot of that run.
    """
    review, target = Path(review), Path(target)
    if after not in snapshot.runs(review / "data/searches"):
        raise InputError(
            review / "data/searches", problem="no snapshot of the run to start after", found=after
        )
    if target.exists() and not (target / MARKER).exists():
        raise InputError(target, problem="this folder is not a rehearsal, and is left alone")
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    (target / MARKER).touch()
    shutil.copy2(review / "config.yaml", target)
    shutil.copytree(review / "data", target / "data", ignore=shutil.ignore_patterns("sheets", ".*"))
    for path, schema in DATED.items():
        frame = tables.read(target / "data" / path, schema)
        tables.write(frame[frame["run"] <= after], target / "data" / path)
    cleared = clearances.read(review / "data" / CLEARANCES, run=after)
    tables.write(cleared, target / "data" / CLEARANCES)
    for folder in (target / "data/searches").iterdir():
        if folder.name > after:
            shutil.rmtree(folder)
    for path in (target / "data/releases").glob("*/release.json"):
        if tables.read_json(path).get("run", "") > after:
            shutil.rmtree(path.parent)


def band_counts(path):
    """New records of a queue by band, as a dict with every band; None if decisions are too few to rank by."""
    queue = tables.read(path, "queue")
    if (queue["band"] == bands.UNRANKED).any():
        return None
    new = queue.loc[queue["state"] == "new", "band"]
    return {band: int((new == band).sum()) for band in bands.BANDS}


def fill_queue(path, given):
    """Type the recorded decisions into a queue; returns how many rows were filled."""
    queue = tables.read(path, "queue")
    held = {(row.record_id, row.stage): row for row in given.decisions.itertuples()}
    filled = 0
    for index, row in queue.iterrows():
        answer = held.get((row["record_id"], row["stage"]))
        # One who said "awaiting" before says nothing new.
        if answer is None or (row["state"] == "awaiting" and answer.decision == "awaiting"):
            continue
        queue.loc[index, ["decision", "reason", "reviewer", "note"]] = [
            answer.decision,
            answer.reason,
            answer.reviewer,
            answer.note,
        ]
        filled += 1
    if filled:
        tables.write(queue, path)
    return filled


def fill_sheets(sheets_dir, given, *, run):
    """Type the recorded trials into the sheets that wait, and clear what was cleared of them, as of `run`.

    Returns
    -------
    int
        How many sheets were filled.
    """
    study_of = given.reports.set_index("record_id")["study_id"]
    filled = 0
    for folder in merging.pending(sheets_dir):
        record_id = sheets.record_id(folder)
        if record_id not in study_of.index:
            continue
        study_id = study_of[record_id]
        outcomes = given.outcomes[given.outcomes["study_id"] == study_id]
        # Rows of older sheets do not name a page, and a sheet asks for one: their source is the place.
        outcomes = outcomes.assign(revision=1, page=outcomes["page"].fillna(outcomes["source"]))
        tables.write(outcomes, folder / "outcomes.csv")
        tables.write(
            given.studies[given.studies["study_id"] == study_id].assign(revision=1), folder / "study.csv"
        )
        cleared = given.clearances[given.clearances["row_id"].isin(outcomes["row_id"])]
        tables.append(cleared.assign(run=run), Path(sheets_dir).parent / "clearances.csv", "clearances")
        filled += 1
    return filled
