"""Ledgers and records of made-up trials."""

import pytest

from livingreview.search.records import COLUMNS


@pytest.fixture
def ledger(example_frame):
    """Makes a ledger of decisions: (record, run, stage, decision) and, if need be, further cells."""

    def make(*rows):
        names = ("record_id", "run", "stage", "decision")
        return example_frame(
            "screening",
            *(dict(zip(names, row[:4], strict=True)) | (row[4] if row[4:] else {}) for row in rows),
        )

    return make


@pytest.fixture
def record():
    """Makes one record of the corpus, as a dict."""

    def make(record_id, title="Example", **cells):
        empty = dict.fromkeys(COLUMNS)
        given = {"record_id": record_id, "title": title, "source": "PubMed", "first_run": "2020-01"}
        return (
            empty
            | given
            | {"pmid": record_id if record_id.isdigit() else None, "last_run": "2020-02"}
            | cells
        )

    return make
