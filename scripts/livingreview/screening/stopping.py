"""What reading a part of the records can promise about the part that nobody has read.

Every record is meant to be read; these bounds say what is known while some are not. They rest on the audit, a
sample drawn at random by seed from the records ranked below "read first", and on nothing that the model says.

Callaghan & Müller-Hansen 2020, Systematic Reviews 9:273, is cited below as CMH 2020.
"""

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import scipy  # its parts load at their first use; stats, the slow one, is seldom used

NONE_LOW = "none ranked low"
ALL_READ = "all read"
NO_AUDIT = "no audit drawn"
AUDIT_UNREAD = "audit not read"
AUDIT_PARTLY = "audit partly read"
AUDIT_READ = "audit read"

COUNTS = ["n_below", "n_audit", "n_audit_read", "n_audit_relevant", "n_unread"]

# A p-value equal to the level does not reject; the margin is for the last bits of floating point.
TIE = 1e-9


def unread_relevant(*, n_records, n_sampled, n_relevant, confidence=0.95):
    """Exact one-sided upper bound on the relevant records outside a random sample.

    Parameters
    ----------
    n_records : int
        Records from which the sample was drawn, without replacement.
    n_sampled : int
        Records drawn and read.
    n_relevant : int
        Relevant ones among them.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    int
        K - n_relevant, with K the largest number of relevant records among all `n_records` for which
        P(X <= n_relevant) >= 1 - confidence, X being hypergeometric. With nothing sampled: all records.
    """
    _check_sample(n_records, n_sampled, n_relevant)
    low, high = n_relevant, n_records - n_sampled + n_relevant
    while low < high:  # P(X <= n_relevant) falls as K grows
        middle = (low + high + 1) // 2
        p = _at_most(n_relevant, population=n_records, relevant=middle, drawn=n_sampled)
        low, high = (low, middle - 1) if _rejects(p, confidence) else (middle, high)
    return low - n_relevant


def p_target_missed(*, n_records, n_sampled, n_relevant, n_found, n_found_elsewhere, target=0.95):
    """P-value of the hypothesis that recall is below the target, from a random sample of unread records.

    Parameters
    ----------
    n_records, n_sampled, n_relevant : int
        Of the records from which the sample was drawn, as in `unread_relevant`.
    n_found : int
        Relevant records found so far, everywhere.
    n_found_elsewhere : int
        Those of them that are not among `n_records`.
    target : float
        Recall, above 0 and at most 1.

    Returns
    -------
    float
        P(X <= n_relevant) if the `n_records` held the fewest relevant records that would put recall below the
        target, floor(n_found / target - n_found_elsewhere) + 1 (CMH 2020, equations 3 to 6). 0 if they can't
        hold so many; 1 where nothing was sampled and they can.
    """
    _check_sample(n_records, n_sampled, n_relevant)
    fewest = _fewest_missed(n_found, target) + n_found - n_found_elsewhere
    return float(_at_most(n_relevant, population=n_records, relevant=fewest, drawn=n_sampled))


def ranked_p(relevant, *, n_total, target=0.95):
    """The heuristic form of the test, for records read in ranked order.

    Each run of the last 1, 2, … records read is taken as if it were a random sample of itself and of all that
    is unread; the smallest of these p-values is the answer (CMH 2020, "ranked quasi-sampling").

    This is no exact test: the smallest of many p-values is too small, while a ranking that is better than
    chance makes each of them too large. CMH 2020 found it conservative on their sets; that is no proof for
    another. It is printed as "quasi p-value", and promises nothing.

    Parameters
    ----------
    relevant : sequence of bool, shape (n_read,)
        In the order of reading.
    n_total : int
        Records read and unread.
    target : float

    Returns
    -------
    p : float
        1.0 where nothing was read and something may be missed, 0.0 where nothing is left to be missed.
    n_last : int
        The length of the run that gave it, the shortest if several did.
    """
    relevant = np.asarray(relevant, dtype=bool)
    if len(relevant) > n_total:
        raise ValueError(f"{len(relevant)} records read of {n_total}")
    if len(relevant) in (0, n_total):
        return float(len(relevant) < n_total), len(relevant)
    in_run = np.cumsum(relevant[::-1])
    length = np.arange(1, len(relevant) + 1)
    fewest = _fewest_missed(int(in_run[-1]), target) + in_run
    population = n_total - len(relevant) + length
    p = _at_most(in_run, population=population, relevant=fewest, drawn=length)
    best = int(np.argmin(p))
    return float(p[best]), best + 1


def quasi_p_values(relevant, *, n_total, target=0.95):
    """`ranked_p` after each record in the order of reading, shape (n_read,); cost grows with its square."""
    return [ranked_p(relevant[:n], n_total=n_total, target=target)[0] for n in range(1, len(relevant) + 1)]


def needed_to_stop(n_total, n_relevant, *, target=0.95, confidence=0.95):
    """The fewest records to read before the target could be declared, if the ranking were perfect.

    Parameters
    ----------
    n_total : int
    n_relevant : int
        All of them read first, then records that are not relevant.
    target, confidence : float

    Returns
    -------
    int
        Smallest number read for which `ranked_p` is below 1 - confidence. No real ranking needs fewer.
    """
    if not 0 <= n_relevant <= n_total:
        raise ValueError(f"{n_relevant} relevant records of {n_total}")
    low, high = n_relevant, n_total
    while low < high:  # the p-value falls with each record read
        middle = (low + high) // 2
        # Of all runs of the last records read, that of all the irrelevant ones has the smallest p-value:
        # a shorter one is weaker, and each relevant record in a longer one makes more of them likely unread.
        p = p_target_missed(
            n_records=n_total - n_relevant,
            n_sampled=middle - n_relevant,
            n_relevant=0,
            n_found=n_relevant,
            n_found_elsewhere=n_relevant,
            target=target,
        )
        low, high = (low, middle) if _rejects(p, confidence) else (middle + 1, high)
    return low


def upper_share(x, n, *, confidence=0.95):
    """One-sided Clopper-Pearson upper bound on a share: x of n were; 1 where n is 0 or all were."""
    return 1.0 if x >= n else float(scipy.special.betaincinv(x + 1, n - x, confidence))


def exact_interval(x, n, *, confidence=0.95):
    """Two-sided Clopper-Pearson interval of a share, x of n (1934, Biometrika 26:404); 0 to 1 for n = 0."""
    level = 1 - (1 - confidence) / 2
    low = 0.0 if x == 0 else float(scipy.special.betaincinv(x, n - x + 1, 1 - level))
    return low, upper_share(x, n, confidence=level)


def month(
    *,
    n_below,
    n_audit,
    n_audit_read,
    n_audit_relevant,
    n_unread=None,
    n_total=None,
    n_found=None,
    n_found_elsewhere=None,
    target=0.95,
    confidence=0.95,
):
    """What is known of one month's records that were ranked below "read first".

    Parameters
    ----------
    n_below : int
        Records ranked below "read first"; the audit was drawn from them at random.
    n_audit, n_audit_read, n_audit_relevant : int
        The audit: drawn, read so far, and relevant among those read. Audit records not read yet count as
        relevant until they are, for people don't read them in random order.
    n_unread : int, optional
        Of `n_below`, how many nobody has read, audit records included; all but the audit's if left out.
        Relevant records that people found outside the audit do not lower the bound.
    n_total : int, optional
        All records ranked in the month, for the sentence on what a promise would take.
    n_found, n_found_elsewhere : int, optional
        Relevant records found so far in the month, and those of them above "read first".
    target, confidence : float

    Returns
    -------
    dict
        The counts given; ``state`` (one of the constants above); ``bound_missed``, the most unread records
        that may be relevant at that confidence (0 is certain where all were read); ``recall_at_least``, that
        of the found records if so many were missed (None where `n_found` is not given or 0);
        ``p_target_missed`` (None without `n_found` or while the audit is unread); ``needed_to_stop`` (None
        without `n_total` and `n_found`); ``sentence`` and ``promise``, the latter "" where there is none.

    Raises
    ------
    ValueError
        If the counts contradict each other.
    """
    n_unread = n_below - n_audit_read if n_unread is None else n_unread
    _check_month(n_below, n_audit, n_audit_read, n_audit_relevant, n_unread)
    waiting = n_audit - n_audit_read
    known = {
        "n_below": n_below,
        "n_audit": n_audit,
        "n_audit_read": n_audit_read,
        "n_audit_relevant": n_audit_relevant,
        "n_unread": n_unread,
        "n_total": n_total,
        "n_found": n_found,
        "target": target,
        "confidence": confidence,
        "state": _state(n_below, n_audit, n_audit_read, n_unread),
        "bound_missed": min(n_unread, _bound(n_below, n_audit, n_audit_relevant, waiting, confidence)),
    }
    known["recall_at_least"] = n_found / (n_found + known["bound_missed"]) if n_found else None
    known["p_target_missed"] = None
    if known["state"] == AUDIT_READ and n_found is not None and n_found_elsewhere is not None:
        known["p_target_missed"] = p_target_missed(
            n_records=n_below,
            n_sampled=n_audit,
            n_relevant=n_audit_relevant,
            n_found=n_found,
            n_found_elsewhere=n_found_elsewhere,
            target=target,
        )
    known["needed_to_stop"] = (
        None
        if n_total is None or n_found is None
        else needed_to_stop(n_total, n_found, target=target, confidence=confidence)
    )
    return known | {"sentence": _month_sentence(known), "promise": _promise(known)}


def cumulative(months, *, confidence=0.95):
    """What is known over all months of the records ranked below "read first" that nobody has ever read.

    Months whose audit is fully read are pooled: of all audit records drawn, so many were relevant, and the
    one-sided Clopper-Pearson bound on that share times the unread records bounds what was missed. That takes
    the audit records of all months as draws from one population with one share of relevant records. Months
    differ in size, in the part that was audited and perhaps in their share, so a bound that assumes nothing
    of the kind stands beside it: the sum of the monthly hypergeometric bounds, the level divided by the
    number of months that need one (Bonferroni). It is mostly the wider one.

    Parameters
    ----------
    months : DataFrame
        One row per month: month (unique), n_below, n_audit, n_audit_read, n_audit_relevant, n_unread; the
        meaning is that of `month`, and n_unread is as of now.
    confidence : float

    Returns
    -------
    dict
        ``months`` (how many), the sums of the counts; ``n_not_covered``, unread records of the
        ``months_not_covered`` (a list), whose audit is not drawn or not fully read: any of them may be
        relevant; ``share_upper``, the bound on the share (None where no audit is read); ``bound_missed``, the
        most unread records that may be relevant under the pooled bound, those not covered included;
        ``bound_missed_by_month``, the same without the assumption of one share; ``confidence``; ``state``;
        ``sentence``.
    """
    if len(set(months["month"])) < len(months):
        raise ValueError("a month stands twice in the audit's record")
    rows = months.to_dict("records")
    for row in rows:
        _check_month(*(row[name] for name in COUNTS))
    pooled = [row for row in rows if row["n_audit"] and row["n_audit_read"] == row["n_audit"]]
    others = [row for row in rows if row not in pooled and row["n_unread"]]
    n_pooled, x = sum(row["n_audit"] for row in pooled), sum(row["n_audit_relevant"] for row in pooled)
    covered = sum(row["n_unread"] for row in pooled)
    not_covered = sum(row["n_unread"] for row in others)
    share = upper_share(x, n_pooled, confidence=confidence) if n_pooled else None
    known = {name: int(sum(row[name] for row in rows)) for name in COUNTS} | {
        "months": len(rows),
        "n_pooled": int(n_pooled),
        "n_pooled_relevant": int(x),
        "n_not_covered": int(not_covered),
        "months_not_covered": [row["month"] for row in others],
        "share_upper": share,
        "bound_missed": int(not_covered + (min(covered, math.ceil(share * covered - TIE)) if covered else 0)),
        "bound_missed_by_month": _sum_of_months(rows, confidence),
        "confidence": confidence,
    }
    known["state"] = _state(known["n_below"], n_pooled, n_pooled, known["n_unread"])
    return known | {"sentence": _cumulative_sentence(known, covered)}


def percent(share, *, beside=None):
    """A share in whole percent; never rounded to none or all where it is neither.

    With one digit more where it would else read the same as another, `beside`, that it stands beside.
    """
    text = f"{100 * share:.0f}%"
    if text == "100%" and share < 1:
        return "over 99%"
    if text == "0%" and share > 0:
        return "under 1%"
    alike = beside is not None and share != beside and text == f"{100 * beside:.0f}%"
    return f"{100 * share:.1f}%" if alike else text


def records(n):
    """``1 record``, ``2 records``."""
    return f"{n:,} record" if n == 1 else f"{n:,} records"


def _sum_of_months(rows, confidence):
    """Sum of the monthly bounds; months read to the end, or not audited, need no part of the level."""
    needing = [row for row in rows if row["n_unread"] and row["n_audit_read"]]
    level = 1 - (1 - confidence) / max(len(needing), 1)
    total = sum(row["n_unread"] for row in rows if row["n_unread"] and not row["n_audit_read"])
    for row in needing:
        waiting = row["n_audit"] - row["n_audit_read"]
        bound = _bound(row["n_below"], row["n_audit"], row["n_audit_relevant"], waiting, level)
        total += min(row["n_unread"], bound)
    return int(total)


def _bound(n_below, n_audit, n_relevant, waiting, confidence):
    """The most relevant records not found yet among those ranked low; `waiting` audit ones count as such."""
    outside = unread_relevant(
        n_records=n_below, n_sampled=n_audit, n_relevant=n_relevant + waiting, confidence=confidence
    )
    return outside + waiting


def _at_most(x, *, population, relevant, drawn):
    """P(X <= x), X hypergeometric; 0 where the population can't hold so many relevant records."""
    feasible = np.minimum(relevant, population)
    p = scipy.stats.hypergeom.cdf(x, population, feasible, drawn)
    return np.where(np.asarray(relevant) > population, 0.0, p)


def _fewest_missed(n_found, target):
    """The smallest number of missed records that puts recall below the target; in exact fractions."""
    if not 0 < target <= 1:
        raise ValueError(f"a target recall lies above 0 and is at most 1, found {target}")
    return math.floor(Fraction(n_found) / Fraction(str(target))) + 1 - n_found


def _rejects(p, confidence):
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence lies between 0 and 1, found {confidence}")
    return p < (1 - confidence) * (1 - TIE)


def _check_sample(n_records, n_sampled, n_relevant):
    if not 0 <= n_relevant <= n_sampled <= n_records:
        raise ValueError(f"{n_relevant} relevant of {n_sampled} sampled of {n_records} records")


def _check_month(n_below, n_audit, n_audit_read, n_audit_relevant, n_unread):
    _check_sample(n_below, n_audit, n_audit_read)
    _check_sample(n_audit, n_audit_read, n_audit_relevant)
    if not n_audit - n_audit_read <= n_unread <= n_below - n_audit_read:
        raise ValueError(f"{n_unread} unread of {n_below} records, {n_audit_read} of {n_audit} audited")


def _state(n_below, n_audit, n_audit_read, n_unread):
    if n_below == 0:
        return NONE_LOW
    if n_unread == 0:
        return ALL_READ
    if n_audit == 0:
        return NO_AUDIT
    if n_audit_read == 0:
        return AUDIT_UNREAD
    return AUDIT_READ if n_audit_read == n_audit else AUDIT_PARTLY


def _month_sentence(known):
    n_below, n_audit, n_unread = known["n_below"], known["n_audit"], known["n_unread"]
    state = known["state"]
    if state == NONE_LOW:
        return "No record was ranked below “read first”."
    if state == ALL_READ:
        return f"People have read {_every(n_below)} ranked below “read first”: none was left out by its rank."
    if state == NO_AUDIT:
        return (
            f"No audit was drawn from the {records(n_below)} ranked below “read first”; {n_unread:,} of them"
            f" {_are(n_unread)} unread, and nothing is known of {_them(n_unread)}."
        )
    if state == AUDIT_UNREAD:
        return (
            f"None of the {records(n_audit)} of the audit has been read, so nothing is known yet of the"
            f" {n_unread:,} unread among the {records(n_below)} ranked below “read first”."
        )
    return f"{_audit_part(known)}: {_bound_part(known)}."


def _audit_part(known):
    n_audit, n_read, x = known["n_audit"], known["n_audit_read"], known["n_audit_relevant"]
    from_all = f"drawn at random from the {known['n_below']:,} ranked below “read first”"
    if n_read == n_audit:
        whole = "The 1 audit record" if n_audit == 1 else f"All {n_audit:,} audit records"
        return f"{whole}, {from_all}, {_was(n_audit)} read and {_so_many(x)} relevant"
    return (
        f"{n_read:,} of {n_audit:,} audit records, {from_all}, {_have(n_read)} been read and {_so_many(x)}"
        " relevant; those still to be read are counted as if they were"
    )


def _bound_part(known):
    bound, n_unread, x = known["bound_missed"], known["n_unread"], known["n_audit_relevant"]
    level = percent(known["confidence"])
    if bound == n_unread:
        size = "this is too few to say anything of" if x == 0 else "this rules out nothing for"
        return f"{size} the {n_unread:,} unread"
    most = f"at most {bound:,}" if bound else "none"
    text = f"with {level} confidence {most} of the {n_unread:,} unread {_are(bound or n_unread)} relevant"
    return f"{text}, and as relevant records do lie there, the rest should be read" if x else text


def _promise(known):
    """What a promise of the target would take, or that it holds; "" where unknown, or where all is read."""
    target, level = percent(known["target"]), percent(known["confidence"])
    p = known["p_target_missed"]
    if p is not None and known["n_found"] and _rejects(p, known["confidence"]):
        return (
            f"That at least {target} of the month's relevant records are found holds with {level} confidence."
        )
    needed, n_total = known["needed_to_stop"], known["n_total"]
    if needed is None or known["state"] in (NONE_LOW, ALL_READ) or n_total == 0:
        return ""
    found = known["n_found"]
    so_far = (
        f"With {records(found)} found relevant so far" if found else "With no relevant record found so far"
    )
    return (
        f"{so_far}, to promise {target} recall with {level} confidence {needed:,} of these {n_total:,} would"
        " have to be read, even if the ranking were perfect."
    )


def _cumulative_sentence(known, covered):
    n_unread, n_below, over = known["n_unread"], known["n_below"], _months(known["months"])
    if known["state"] == NONE_LOW:
        return f"Over {over} no record was ranked below “read first”."
    if known["state"] == ALL_READ:
        return (
            f"Over {over} people have read {_every(n_below)} ranked below “read first”: none was left out by"
            " its rank."
        )
    named, level = _not_covered(known), percent(known["confidence"])
    if not covered:
        part = f"{n_unread:,} of the {records(n_below)} ranked below “read first” {_are(n_unread)} unread"
        return f"Over {over} {part}. {named}"
    n, x = known["n_pooled"], known["n_pooled_relevant"]
    pooled = (
        f"Over {over} {records(n)} ranked below “read first” {_was(n)} audited and {_so_many(x)} relevant:"
        f" with {level} confidence at most {_rounded_up(known['share_upper'])} of such records are relevant"
    )
    bound = known["bound_missed"] - known["n_not_covered"]
    if bound == covered:
        said = f"{pooled}, which rules out nothing for the {covered:,} that nobody has read"
    else:
        said = f"{pooled}, that is at most {bound:,} of the {covered:,} that nobody has read"
    by_month = known["bound_missed_by_month"]
    if not known["n_not_covered"] and by_month > bound:
        said += f" ({by_month:,} if the share may differ from month to month)"
    return f"{said}. {named}".strip()


def _not_covered(known):
    n = known["n_not_covered"]
    if not n:
        return ""
    names = known["months_not_covered"]
    where = ", ".join(map(str, names[:3])) + (f" and {len(names) - 3} more months" if len(names) > 3 else "")
    return f"Nothing is known of {records(n)} unread where no audit was read to its end ({where})."


def _rounded_up(share):
    """An upper bound in percent, to one decimal, never below what it is."""
    return f"{math.ceil(1000 * share - TIE) / 10:g}%"


def _every(n):
    return "the 1 record" if n == 1 else f"all {records(n)}"


def _so_many(x):
    return f"{'none' if x == 0 else f'{x:,}'} {_was(max(x, 1))}"


def _was(n):
    return "was" if n == 1 else "were"


def _are(n):
    return "is" if n == 1 else "are"


def _have(n):
    return "has" if n == 1 else "have"


def _them(n):
    return "it" if n == 1 else "them"


def _months(n):
    return "1 month" if n == 1 else f"{n:,} months"


def as_frame(rows):
    """Monthly counts as the frame that `cumulative` reads; `rows` are dicts with month and the counts."""
    return pd.DataFrame(list(rows), columns=["month", *COUNTS])
