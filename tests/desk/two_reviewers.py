"""A built review of which two people decide independently, and what they have said."""

import pandas as pd

from livingreview import tables
from livingreview.screening import filing

ANN, BO = NAMES = ("Ann Example", "Bo Sample")
COMMENTED = "  # reviewers:\n  #   independent: 2\n  #   names: [First Reviewer, Second Reviewer]\n"
ASKED = "  reviewers:\n    independent: 2\n    names: [Ann Example, Bo Sample]\n"
RUN = "2026-11"
TA, FT = "title-abstract", "full-text"


def ask_two(folder):
    """Let the protocol of a review ask for two reviewers."""
    path = folder / "config.yaml"
    text = path.read_text(encoding="utf-8")
    assert text.count(COMMENTED) == 1
    path.write_text(text.replace(COMMENTED, ASKED), encoding="utf-8")


def waiting(folder, stage):
    """The records that the last run asks about at a stage, in the order of the queue."""
    queue = tables.read(folder / f"results/{RUN}/queue.csv", "queue")
    return list(queue.loc[queue["stage"] == stage, "record_id"])


def said(record_id, who, decision, *, stage=TA, reason=None, note=None, at="2026-11-10T09:00:00Z"):
    """A row of the ledger by one of the two."""
    return {
        "record_id": record_id,
        "run": RUN,
        "stage": stage,
        "decision": decision,
        "reason": reason,
        "reviewer": who,
        "role": "independent reviewer",
        "decided_at": at,
        "note": note,
    }


def file(folder, *rows):
    """Add rows to a review's ledger."""
    tables.append(pd.DataFrame(rows), folder / filing.LEDGER, "screening")


def ledger(folder):
    """A review's ledger."""
    return tables.read(folder / filing.LEDGER, "screening")
