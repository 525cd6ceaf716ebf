"""The files of the human gate: the queue that people fill in, and the ledger that keeps what they decided."""

from pathlib import Path

from livingreview import tables
from livingreview.errors import InputError
from livingreview.screening import decisions as ledger


def refuse_unfiled(queue_path, ledger_path):
    """Stop if a queue holds entries that the ledger does not, because making it again would lose them.

    Raises
    ------
    InputError
        Saying how many rows, and how to file them.
    """
    if not Path(queue_path).exists():
        return
    rows = ledger.unfiled(tables.read(queue_path, "queue"), tables.read(ledger_path, "screening"))
    if len(rows):
        raise InputError(
            queue_path,
            problem=f"{len(rows)} filled-in rows are not filed as decisions yet",
            found=", ".join(rows["record_id"].head(5)),
            hint="make decisions files them; clear the cells if they were not meant. Nothing was changed",
        )


def file(queue_path, ledger_path, *, known, reasons, stages, run, decided_at, correct=False, kept=None):
    """Add a filled-in queue's rows to the ledger; see ``screening.decisions.from_queue``.

    ``kept`` is that of ``screening.decisions.under_kept``; left out, no record is a duplicate.

    Returns
    -------
    added, already : int
        Rows added, and filled-in rows that the ledger held already.
    """
    queue = tables.read(queue_path, "queue")
    with tables.locked(ledger_path):  # two people who file at once must see each other's rows
        rows, already = ledger.from_queue(
            queue,
            ledger.under_kept(tables.read(ledger_path, "screening"), kept or {}, run=run),
            path=queue_path,
            known=known,
            reasons=reasons,
            stages=stages,
            run=run,
            decided_at=decided_at,
            correct=correct,
        )
        tables.append(rows, ledger_path, "screening", lock=False)
    return len(rows), already
