"""The audit: a random sample of each month's low-ranked records, and what it has shown so far.

A record belongs to the month that first found it. It is low-ranked if it was below "read first" when a
person first read it, or is so now if nobody has. The audit of a month is what people read of it as such, and
unread low-ranked records to make up its size: each record has a random place of its own, which nothing that
people decide or the model learns can change, and the first ones are drawn. So what was drawn stays drawn
while records are read; a newer model that moves unread records across the limit can change which are drawn.
"""

import pandas as pd

from livingreview.screening import bands
from livingreview.screening import decisions as ledger

LOW = [bands.AUDIT, bands.THEN]


def ranked(records, decisions, waiting, *, run):
    """How each record was ranked when it was first read, and what came of it.

    Parameters
    ----------
    records : DataFrame
        The run's kept records: record_id, first_run. Without a first run they count for this one.
    decisions : DataFrame
        The ledger; rows after the run do not exist yet.
    waiting : dict of str to str
        Bands of the records that wait for a decision.
    run : str
        A month YYYY-MM.

    Returns
    -------
    DataFrame
        record_id, month, band (seen with the first row that a person filed of the record, or else now; None
        where it was filed without one), low (whether that is below "read first"), read (whether there is such
        a row), relevant (read, and not excluded in force on title and abstract, or on full text where the
        protocol has no other stage: a conflict and what awaits classification count as relevant).
    """
    known = ledger.said_by(decisions, run)
    first = known.drop_duplicates("record_id")
    held = ledger.in_force(decisions, run)
    # What one of two reviewers has decided is nothing yet, and must not show.
    half = {
        record_id
        for (record_id, _), shared in ledger.standings(decisions, run).items()
        if shared.waits_for == ledger.SECOND_REVIEWER and record_id not in held
    }
    seen = {
        row.record_id: waiting.get(row.record_id) if pd.isna(row.band) else row.band
        for row in first.itertuples()
        if row.record_id not in half
    }
    ids = list(records["record_id"])
    said = [held.get(one, {}) for one in ids]
    frame = pd.DataFrame(
        {
            "record_id": ids,
            "month": list(records["first_run"].where(records["first_run"].notna(), run)),
            "band": pd.Series([seen[one] if one in seen else waiting.get(one) for one in ids], dtype=object),
            "read": [one in seen for one in ids],
            "relevant": [
                one in seen
                and by_stage.get(ledger.TITLE_ABSTRACT, by_stage.get(ledger.FULL_TEXT)) != "exclude"
                for one, by_stage in zip(ids, said, strict=True)
            ],
        }
    ).astype({"read": bool, "relevant": bool})
    return frame.assign(low=frame["band"].isin(LOW).astype(bool))


def drawn(frame, *, size, seed):
    """The samples of all months; a set of record ids.

    Parameters
    ----------
    frame : DataFrame
        From `ranked`.
    size : int
        Of each month's sample, less where there are fewer low-ranked records.
    seed : int
    """
    found = set(frame.loc[frame["read"] & (frame["band"] == bands.AUDIT), "record_id"])
    already = frame.loc[frame["record_id"].isin(found), "month"].value_counts()
    for month, rows in frame[frame["low"] & ~frame["read"]].groupby("month"):
        wanted = max(size - already.get(month, 0), 0)
        found |= bands.drawn(rows["record_id"], wanted, seed=seed, run=month)
    return found


def months(frame, sample, *, run):
    """What each month's audit has shown, for the bounds of `stopping`.

    Parameters
    ----------
    frame, sample
        From `ranked` and `drawn`.
    run : str

    Returns
    -------
    list of dict
        Of each month with low-ranked records, and of this run's if it found any: month, n_below (low-ranked
        records), n_audit, n_audit_read, n_audit_relevant, n_unread (of n_below); of this run's month also
        n_total, n_found (relevant records found so far) and n_found_elsewhere (those not low-ranked).
    """
    frame = frame.assign(audit=frame["record_id"].isin(sample))
    return [
        _month(month, rows, run=run)
        for month, rows in frame.groupby("month")
        if rows["low"].any() or month == run
    ]


def _month(month, rows, *, run):
    counts = {
        "month": month,
        "n_below": rows["low"],
        "n_audit": rows["audit"],
        "n_audit_read": rows["audit"] & rows["read"],
        "n_audit_relevant": rows["audit"] & rows["relevant"],
        "n_unread": rows["low"] & ~rows["read"],
    }
    if month == run:
        counts |= {
            "n_total": rows["record_id"].notna(),
            "n_found": rows["relevant"],
            "n_found_elsewhere": rows["relevant"] & ~rows["low"],
        }
    return {name: value if name == "month" else int(value.sum()) for name, value in counts.items()}
