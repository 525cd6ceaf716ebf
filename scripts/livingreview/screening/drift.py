"""Whether the new records are still like those that the ranking learnt from: chances, words, and inclusions.

Chances of inclusion are compared and not scores, whose scale is that of each month's model. A month, together
with those before it where it holds few records, is set against all earlier ones. A warning needs a difference
of some size and, where it can be reckoned, more than chance explains; it never excludes or hides anything.
"""

import numpy as np
import scipy  # its parts load at their first use; stats, the slow one, not by who reads what was found

from livingreview.screening.ranking.reading import cell, tokens
from livingreview.screening.stopping import exact_interval, percent

# Fewer records than this in the latest months together, or before them, say too little of a distribution.
FEWEST_NEW = 20
FEWEST_BEFORE = 50
# A Kolmogorov-Smirnov distance that would move records between the bands, with a p-value below `LEVEL`.
DISTANCE = 0.2
LEVEL = 0.01
# How far the share of words never met may lie above that of the months before.
MORE_UNSEEN = 0.05
# A share of included records at least so many times that before, or at most one part in so many.
RATIO = 2.0
CONFIDENCE = 0.95


def watch(*, predictions, waiting, months, records, decided_in, run):
    """Set each month's records against those before.

    Parameters
    ----------
    predictions : list of (str, float)
        Month and chance of each decided record, by a model that had not seen it.
    waiting : list of float
        Chances of this run's new records that nobody has decided.
    months : list of (str, int, int)
        Month, records decided, records included; in order.
    records : list of dict
        All records (no duplicates): title, abstract, first_run.
    decided_in : sequence of str or None
        The run in which each record was first decided.
    run : str
        The run that is built.

    Returns
    -------
    dict
        run; ``limits``; ``warnings`` (sentences on the latest month, of each kind, that was compared); and
        ``chances``, ``words``, ``included``: lists of rows by month with n (records), value (of the month:
        median chance, share of running words that no record decided before it holds, share included), since
        (the first of the months that are taken together), n_together, together (their value), n_before,
        before (the value before them), reason (why they were not compared, else None) and flag. ``chances``
        also have distance and p, ``included`` low and high (exact interval of together). Values are None
        where they are not defined.
    """
    found = {
        "chances": _chances(predictions, waiting, run),
        "words": _words(records, decided_in, run),
        "included": _included(months),
    }
    return {"run": run, "limits": LIMITS, "warnings": _warnings(found), **found}


LIMITS = {
    "fewest_new": FEWEST_NEW,
    "fewest_before": FEWEST_BEFORE,
    "distance": DISTANCE,
    "level": LEVEL,
    "more_unseen": MORE_UNSEEN,
    "ratio": RATIO,
    "confidence": CONFIDENCE,
}


def _windows(sizes):
    """For each month the first of the months that are taken together, so that they hold enough records."""
    starts = []
    for place in range(len(sizes)):
        start, n = place, sizes[place]
        while n < FEWEST_NEW and start > 0:
            start -= 1
            n += sizes[start]
        starts.append(start)
    return starts


def _rows(months, sizes, summarise, compare):
    """Rows of one kind; `summarise` gives the value of a slice of months, `compare` what it is against it."""
    rows = []
    for place, start in enumerate(_windows(sizes)):
        here, past = slice(start, place + 1), slice(0, start)
        n, before = sum(sizes[here]), sum(sizes[past])
        reason = _too_few(n, before)
        row = {
            "month": months[place],
            "n": sizes[place],
            "value": summarise(slice(place, place + 1)),
            "since": months[start],
            "n_together": n,
            "together": summarise(here),
            "n_before": before,
            "before": summarise(past),
            "reason": reason,
            "flag": False,
        }
        rows.append(row | compare(row, here, past))
    return rows


def _too_few(n, before):
    if before < FEWEST_BEFORE:
        return f"{before} records before, {FEWEST_BEFORE} are needed"
    return f"{n} records, {FEWEST_NEW} are needed" if n < FEWEST_NEW else None


def _chances(predictions, waiting, run):
    by_month = {}
    for month, chance in [*predictions, *((run, chance) for chance in waiting)]:
        by_month.setdefault(month, []).append(chance)
    months = sorted(by_month)

    def those(part):
        return [chance for month in months[part] for chance in by_month[month]]

    def compare(row, here, past):
        if row["reason"]:
            return {"distance": None, "p": None}
        test = scipy.stats.ks_2samp(those(here), those(past), method="asymp")
        distance, p = float(test.statistic), float(test.pvalue)
        return {"distance": distance, "p": p, "flag": distance >= DISTANCE and p < LEVEL}

    def median(part):
        return float(np.median(those(part))) if those(part) else None

    return _rows(months, [len(by_month[month]) for month in months], median, compare)


def _words(records, decided_in, run):
    """Months without a record decided before them have no value: there was nothing to have met words in.

    Texts are read month by month and not kept: the words of all records at once would fill the memory.
    """
    decided = sorted(
        (when, place) for place, when in enumerate(decided_in) if isinstance(when, str) and when <= run
    )
    months, sizes, counts, known, taken = [], [], [], set(), 0
    for month in sorted({one["first_run"] for one in records if one["first_run"] <= run}):
        while taken < len(decided) and decided[taken][0] < month:
            known.update(_text(records[decided[taken][1]]))
            taken += 1
        if not taken:
            continue
        here = [one for one in records if one["first_run"] == month]
        months.append(month)
        sizes.append(len(here))
        counts.append(_unseen(here, known))

    def compare(row, *_):
        known = row["together"] is not None and row["before"] is not None
        return {"flag": not row["reason"] and known and row["together"] >= row["before"] + MORE_UNSEEN}

    return _rows(months, sizes, lambda part: _share(counts[part]), compare)


def _text(record):
    return tokens(f"{cell(record, 'title')} {cell(record, 'abstract')}")


def _unseen(records, known):
    """Running words that are not known, and all."""
    unseen = total = 0
    for record in records:
        words = _text(record)
        total += len(words)
        unseen += sum(word not in known for word in words)
    return unseen, total


def _included(months):
    names, counts = [month for month, *_ in months], [(included, n) for _, n, included in months]

    def compare(row, here, *_):
        x, n = (sum(one[place] for one in counts[here]) for place in (0, 1))
        low, high = exact_interval(x, n, confidence=CONFIDENCE) if n else (None, None)
        found = {"low": low, "high": high, "n_included": counts[here][-1][0]}
        if row["reason"]:
            return found
        share, before = row["together"], row["before"]
        far = share >= RATIO * before or share <= before / RATIO
        return found | {"flag": far and not low <= before <= high}

    return _rows(names, [n for _, n in counts], lambda part: _share(counts[part]), compare)


def _share(counts):
    total = sum(n for _, n in counts)
    return sum(x for x, _ in counts) / total if total else None


def _warnings(found):
    sentences = {"chances": _of_chances, "words": _of_words, "included": _of_included}
    latest = {kind: [row for row in found[kind] if row["reason"] is None][-1:] for kind in sentences}
    return [sentences[kind](row) for kind, rows in latest.items() for row in rows if row["flag"]]


def _when(row):
    return row["month"] if row["since"] == row["month"] else f"{row['since']} to {row['month']}"


def _of_chances(row):
    return (
        f"The {row['n_together']:,} records of {_when(row)} have other chances of inclusion than the"
        f" {row['n_before']:,} of the months before: median {percent(row['together'])} against"
        f" {percent(row['before'])}; Kolmogorov-Smirnov distance {row['distance']:.2f}, where"
        f" {DISTANCE:.2f} or more counts. Has the query, PubMed or the subject changed?"
    )


def _of_words(row):
    return (
        f"Of the words of the {row['n_together']:,} new records of {_when(row)}, {percent(row['together'])}"
        f" stand in no record that had been decided, against {percent(row['before'])} in the months before."
        " On what it has never met the ranking is less sure."
    )


def _of_included(row):
    way = "high" if row["together"] < row["before"] else "low"
    return (
        f"People included {percent(row['together'])} of the {row['n_together']:,} records decided in"
        f" {_when(row)} (exact {percent(CONFIDENCE)} interval {percent(row['low'])} to"
        f" {percent(row['high'])}), against {percent(row['before'])} before. The chances in the queue are"
        f" calibrated on the past and may be too {way}."
    )
