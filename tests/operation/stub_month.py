"""Stands in for a month in tests of the months under faults: hands out a queue, and no more.

python stub_month.py <the review's folder> <run>
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from livingreview import tables
from livingreview.screening import filing


def main(review, run):
    """Write the queue of the records that are in no decision yet, unless something in it is not filed."""
    results, ledger = Path(review) / "results" / run, Path(review) / "data/decisions/screening.csv"
    tables.remove_leftovers(review)
    filing.refuse_unfiled(results / filing.QUEUE, ledger)
    decided = set(tables.read(ledger, "screening")["record_id"])
    queue = tables.read(Path(review) / "template.csv", "queue")
    records = queue[["record_id", "title"]].assign(duplicate_of=None)
    tables.write(records, results / "records.csv")
    tables.write(queue[~queue["record_id"].isin(decided)], results / filing.QUEUE)


if __name__ == "__main__":
    main(*sys.argv[1:])
