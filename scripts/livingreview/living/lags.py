"""How long a record takes from PubMed to the page: entry, found, screened, included, extracted, reported.

Every stage has a month, and a day where one is known. A day counts only if it lies in the month of its run:
decisions that were filed later than the month in which they count, and releases that were frozen later, have
the month of their run.
"""

import datetime
import statistics

from livingreview.screening.decisions import FULL_TEXT, latest, months_between, said_by
from livingreview.search.records import PUBMED

STAGES = ("entry", "found", "screened", "included", "extracted", "reported")
STEPS = (
    ("entry", "found"),
    ("found", "screened"),
    ("screened", "included"),
    ("included", "extracted"),
    ("extracted", "reported"),
    ("entry", "reported"),
)
FIRST_SEARCH = "first search"
DAYS_OF_A_MONTH = 30.4375  # the Julian year over twelve


def stages(records, decisions, reports, outcomes, *, run, searched, releases, estimated=()):
    """When each record of PubMed reached each stage.

    Parameters
    ----------
    records : DataFrame
        The corpus at this run.
    decisions, reports : DataFrame
        People's tables under the records that are kept.
    outcomes : DataFrame
        data/trials/outcomes.csv: study_id, run.
    run : str
        A month YYYY-MM.
    searched : dict
        Each run to the day of its search.
    releases : list of dict
        Own releases up to this run, oldest first: run, frozen_on, studies (ids of those included in it).
    estimated : collection of str
        PMIDs whose entry date is an estimate.

    Returns
    -------
    list of dict
        record_id, excluded (whether people have excluded it), estimated (whether its entry is), and each of
        `STAGES` as ``YYYY-MM-DD``, ``YYYY-MM`` or None; in the order of `records`. Records of the first
        search are left out: they were in PubMed before this review began.
    """
    kept = records[(records["source"] == PUBMED) & records["duplicate_of"].isna()]
    kept = kept[kept["arrival"] != FIRST_SEARCH]
    known = said_by(decisions, run)
    screened = _first(known)
    included = _first(known[(known["stage"] == FULL_TEXT) & (known["decision"] == "include")])
    excluded = _excluded(known, run)
    extracted = _extracted(reports, outcomes, run)
    reported = _reported(reports, releases, run)
    estimated = set(estimated)
    return [
        {
            "record_id": row.record_id,
            "excluded": row.record_id in excluded,
            "estimated": row.record_id in estimated,
            "entry": row.entry_date or None,
            "found": (searched.get(row.first_run) or row.first_run)[:10],
            "screened": screened.get(row.record_id),
            "included": included.get(row.record_id),
            "extracted": extracted.get(row.record_id),
            "reported": reported.get(row.record_id),
        }
        for row in kept.itertuples()
    ]


def summarise(rows, *, n_first_search):
    """Median and range of each step, in months.

    Parameters
    ----------
    rows : list of dict
        From `stages`.
    n_first_search : int
        Records left out because the first search found them.

    Returns
    -------
    dict
        ``steps``: of each pair of `STEPS` the number of records that reached both (n), of them by_day and
        by_month (how exact), estimated, median, low and high in months (None if n is 0), not_yet (reached the
        first only, and is not excluded) and unknown (reached the second; when the first is not known).
        ``n_records``, ``n_first_search``.
    """
    return {
        "n_records": len(rows),
        "n_first_search": n_first_search,
        "steps": [_step(rows, begin, end) for begin, end in STEPS],
    }


def months(begin, end):
    """Months from one date to another, and whether both are days.

    >>> months("2026-01", "2026-03")
    (2.0, False)
    """
    if len(begin) == 10 and len(end) == 10:
        days = (datetime.date.fromisoformat(end) - datetime.date.fromisoformat(begin)).days
        return days / DAYS_OF_A_MONTH, True
    return float(months_between(begin[:7], end[:7])), False


def _step(rows, begin, end):
    both = [(row, *months(row[begin], row[end])) for row in rows if row[begin] and row[end]]
    values = [value for _, value, _ in both]
    by_day = sum(exact for _, _, exact in both)
    return {
        "from": begin,
        "to": end,
        "n": len(both),
        "by_day": by_day,
        "by_month": len(both) - by_day,
        "estimated": sum(row["estimated"] for row, _, _ in both) if begin == "entry" else 0,
        "median": statistics.median(values) if values else None,
        "low": min(values, default=None),
        "high": max(values, default=None),
        "not_yet": sum(bool(row[begin]) and not row[end] and not row["excluded"] for row in rows),
        "unknown": sum(bool(row[end]) and not row[begin] for row in rows),
    }


def _dated(run, day):
    """The day if it lies in the month of the run, else the month."""
    day = (day or "")[:10]
    return day if len(day) == 10 and day[:7] == run else run


def _first(decisions):
    """Record ids to when they were first decided on."""
    first = decisions.sort_values("run", kind="stable").drop_duplicates("record_id")
    return {row.record_id: _dated(row.run, row.decided_at) for row in first.itertuples()}


def _excluded(decisions, run):
    rows = latest(decisions, run)
    return set(rows.loc[rows["decision"] == "exclude", "record_id"])


def _extracted(reports, outcomes, run):
    """Record ids to the first run that held a number of their study and linked them to it."""
    rows = outcomes[outcomes["run"] <= run]
    first = rows.groupby("study_id")["run"].min().to_dict()
    linked = reports[(reports["run"] <= run) & reports["study_id"].isin(set(first))]
    return {row.record_id: max(row.run, first[row.study_id]) for row in linked.itertuples()}


def _reported(reports, releases, run):
    found = {}
    linked = reports[reports["run"] <= run]
    by_study = {}
    for row in linked.itertuples():
        by_study.setdefault(row.study_id, []).append((row.record_id, row.run))
    for release in releases:
        for study in release["studies"]:
            for record_id, since in by_study.get(study, ()):
                if since <= release["run"]:
                    found.setdefault(record_id, _dated(release["run"], release["frozen_on"]))
    return found
