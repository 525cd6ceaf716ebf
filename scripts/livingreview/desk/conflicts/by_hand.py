"""What people filled into the month's files of conflicts and pairs by hand, and have not filed."""

from livingreview.desk import standing
from livingreview.desk.conflicts import verdicts
from livingreview.screening import decisions as ledger
from livingreview.screening import filing
from livingreview.search.linkage import pairs

FILES = (filing.CONFLICTS, verdicts.QUEUE)


def begun(held):
    """The files in which rows wait to be filed, with their number: a dict of names in the run's folder."""
    found = {}
    conflicts, asked = (held.results(name) for name in FILES)
    if held.exists(conflicts):
        rows = ledger.unfiled(
            held.table(conflicts, "conflicts"),
            held.table(filing.LEDGER, "screening"),
            role=ledger.ADJUDICATOR,
            run=held.run(),
        )
        found[filing.CONFLICTS] = len(rows)
    if held.exists(asked):
        rows = pairs.unfiled(held.table(asked, "pair_queue"), held.table(verdicts.LEDGER, "pairs"))
        found[verdicts.QUEUE] = len(rows)
    return {name: n for name, n in found.items() if n}


def file(desk, name):
    """File one of `FILES` as ``make decisions`` does: all rows or none.

    Returns
    -------
    int
        Rows added.

    Raises
    ------
    InputError
        Naming every row that cannot be filed.
    """
    held = desk.held
    records = standing.records(held)
    path = desk.review / held.results(name)
    if name == verdicts.QUEUE:
        added, _ = pairs.file_pairs(
            path,
            desk.review / verdicts.LEDGER,
            known=set(records.index),
            titles=records["title"].to_dict(),
            decided=ledger.in_force(held.table(filing.LEDGER, "screening"), held.run()),
            run=held.run(),
            decided_at=desk.today(),
        )
        return added
    added, _ = filing.file_one(
        desk.review,
        path,
        screening=held.config()["screening"],
        records=records,
        run=held.run(),
        decided_at=desk.decided_at(),
    )
    return added
