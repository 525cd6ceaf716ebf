"""The audit: a random sample of each month's low-ranked records, and what it has shown so far."""

import pandas as pd

from livingreview.screening import bands
from livingreview.screening import decisions as ledger

LOW = [bands.AUDIT, bands.THEN]


def draw(queue, found, decisions, *, size, seed):
    """Bands with the audit drawn: of each month's low-ranked new records, so many at random.

    Parameters
    ----------
    queue : DataFrame
        Undecided records: record_id, first_run.
    found : list of str
        Their bands so far.
    decisions : DataFrame
        The ledger; audit records decided earlier count for their month.
    size : int
        Of each month's sample.
    seed : int

    Returns
    -------
    list of str
    """
    low = pd.DataFrame({"record_id": queue["record_id"], "month": queue["first_run"], "band": found})
    low = low[low["band"] == bands.THEN]
    decided = _decided(decisions, decisions["run"].max() if len(decisions) else "")
    drawn = set()
    for month, rows in low.groupby("month"):
        already = int(((decided["run"] == month) & (decided["band"] == bands.AUDIT)).sum())
        drawn |= bands.drawn(rows["record_id"], size, seed=seed, run=month, already=already)
    return [
        bands.AUDIT if record_id in drawn else band
        for record_id, band in zip(queue["record_id"], found, strict=True)
    ]


def months(queue, found, decisions, *, run):
    """What each month's audit has shown, for the bounds of `stopping`.

    A record belongs to the month in which it was decided, or, undecided, in which it was first found. Relevant
    means included, or not excluded for certain (awaiting classification), on the first stage.

    Returns
    -------
    list of dict
        month, n_below (records ranked below "read first"), n_audit, n_audit_read, n_audit_relevant, n_unread;
        of this run's month also n_total, n_found and n_found_elsewhere.
    """
    waiting = pd.DataFrame(
        {"month": queue["first_run"], "band": found, "state": queue["state"], "stage": queue["stage"]}
    )
    decided = _decided(decisions, run)
    rows = []
    for month in sorted({*waiting["month"], *decided["run"]} - {None}):
        old, new = decided[decided["run"] == month], waiting[waiting["month"] == month]
        audit = old[old["band"] == bands.AUDIT]
        row = {
            "month": month,
            "n_below": int(old["band"].isin(LOW).sum() + new["band"].isin(LOW).sum()),
            "n_audit": len(audit) + int((new["band"] == bands.AUDIT).sum()),
            "n_audit_read": len(audit),
            "n_audit_relevant": int((audit["decision"] != "exclude").sum()),
            "n_unread": int(new["band"].isin(LOW).sum()),
        }
        if month == run:
            relevant = old["decision"] != "exclude"
            row |= {
                "n_total": len(old) + int((new["stage"] == _first(queue, new)).sum() if len(new) else 0),
                "n_found": int(relevant.sum()),
                "n_found_elsewhere": int((relevant & ~old["band"].isin(LOW)).sum()),
            }
        rows.append(row)
    return rows


def _first(queue, new):  # noqa: ARG001
    return ledger.TITLE_ABSTRACT if (new["stage"] == ledger.TITLE_ABSTRACT).any() else ledger.FULL_TEXT


def _decided(decisions, run):
    """First decisions: per record the first row of its first stage, with the band that was seen."""
    known = decisions[decisions["run"] <= run]
    return known.drop_duplicates("record_id", keep="first")
