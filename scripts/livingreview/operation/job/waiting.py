"""The work that waits for people after a run: what, how much, since when, for whom, and in which file."""

from pathlib import Path

from livingreview import tables
from livingreview.screening.decisions import ADJUDICATION, SECOND_REVIEWER, months_between

UNDECIDED, AWAITING = "records to decide on", "records that await information"
SECOND, CONFLICTS = "records for a second reviewer", "conflicts of two reviewers"
PAIRS, EXTRACTION = "pairs of records to judge", "studies to extract"
EXTRACTION_CONFLICTS, FINDINGS = "values on which two extractors differ", "values to check"
ALERTS, SENTINELS = "changed records to look at", "included records that the search no longer finds"
REASONS = "changes of methods that want a reason"

# Each kind where there is one of it.
ONE = {
    UNDECIDED: "record to decide on",
    AWAITING: "record that awaits information",
    SECOND: "record for a second reviewer",
    CONFLICTS: "conflict of two reviewers",
    PAIRS: "pair of records to judge",
    EXTRACTION: "study to extract",
    EXTRACTION_CONFLICTS: "value on which two extractors differ",
    FINDINGS: "value to check",
    ALERTS: "changed record to look at",
    SENTINELS: "included record that the search no longer finds",
    REASONS: "change of methods that wants a reason",
}
# Of each kind: who does it, and what is to be done: at the desk, or in the files.
TASKS = {
    UNDECIDED: ("reviewers", "screen them at the desk, or fill in the queue, then run “make decisions”"),
    AWAITING: (
        "reviewers",
        "ask the authors, or classify them at the desk, or in the queue, then run “make decisions”",
    ),
    SECOND: (
        "the reviewer who has not decided yet",
        "screen them at the desk, or fill in your own queue, then run “make decisions”",
    ),
    CONFLICTS: ("who adjudicates", "settle each at the desk, or there, then run “make decisions”"),
    PAIRS: ("reviewers", "give a verdict on each at the desk, or there, then run “make decisions”"),
    EXTRACTION: (
        "extractors",
        "extract them at the desk, or fill in the sheet that is named there, write yes in ready, then run"
        " “make trials”",
    ),
    EXTRACTION_CONFLICTS: (
        "who adjudicates extractions",
        "settle each at the desk, or there, then run “make trials”",
    ),
    FINDINGS: (
        "extractors",
        "correct the value, or clear it with a reason, at the desk or in data/trials/clearances.csv",
    ),
    ALERTS: ("reviewers", "look whether the change moves a decision or a value"),
    SENTINELS: ("the librarian", "mend the query, or see why PubMed no longer lists them"),
    REASONS: (
        "authors",
        "give the reason before the next release, at the desk or in data/methods/changes.csv",
    ),
}


def named(kind, n):
    """A kind of work after its number: ``1 study to extract``, ``2 studies to extract``."""
    return ONE.get(kind, kind) if n == 1 else kind


def read(review, run, status):
    """What waits after a run.

    Parameters
    ----------
    review : path
        The review's folder.
    run : str
    status : dict
        Its status.json.

    Returns
    -------
    list of dict
        kind, n (at least 1), since (the oldest run, or None if nothing says it), months (its age, or None),
        whom, todo and file (within the review's folder), in the order in which the work is best done.
    """
    results = Path(review) / "results" / run
    asked = [row for row in status["waiting"] if row["waits_for"] is None]
    found = {
        UNDECIDED: ([row for row in asked if row["state"] != "awaiting"], "queue.csv"),
        AWAITING: ([row for row in asked if row["state"] == "awaiting"], "queue.csv"),
        SECOND: ([row for row in status["waiting"] if row["waits_for"] == SECOND_REVIEWER], "queues"),
        CONFLICTS: ([row for row in status["waiting"] if row["waits_for"] == ADJUDICATION], "conflicts.csv"),
        PAIRS: (_open(results / "pairs.csv", "verdict"), "pairs.csv"),
        EXTRACTION: (_open(results / "extraction.csv"), "extraction.csv"),
        EXTRACTION_CONFLICTS: (
            _open(results / "extraction_conflicts.csv", "adjudicated"),
            "extraction_conflicts.csv",
        ),
        FINDINGS: (_open(results / "findings.csv", "cleared_by"), "findings.csv"),
        ALERTS: (status["alerts"], "status.json"),
        SENTINELS: (status["sentinels"]["missing"], "status.json"),
        REASONS: (_open(results / "methods_reasons.csv", "reason"), "methods_reasons.csv"),
    }
    return [
        _told(kind, rows, file=f"results/{run}/{file}", run=run)
        for kind, (rows, file) in found.items()
        if rows
    ]


def _told(kind, rows, *, file, run):
    since = min((row["since_run"] for row in rows if row.get("since_run")), default=None)
    whom, todo = TASKS[kind]
    return {
        "kind": kind,
        "n": len(rows),
        "since": since,
        "months": months_between(since, run) if since else None,
        "whom": whom,
        "todo": todo,
        "file": file,
    }


def _open(path, answer=None):
    """The rows of a table of results that have no answer yet; all, if it asks for none."""
    frame = tables.read_results(path)
    return (frame if answer is None else frame[frame[answer].isna()]).to_dict("records")
