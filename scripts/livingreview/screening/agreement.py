"""How far two independent reviewers agree, and the conflicts that an adjudicator settles."""

import collections
import math

import pandas as pd
import scipy  # its parts load at their first use; not every step that loads this reckons with it

from livingreview import tables
from livingreview.screening import decisions as ledger
from livingreview.tables import columns

CATEGORIES = ("include", "exclude", "awaiting")
WITHOUT_AWAITING = ("include", "exclude")
TOTAL = "total"
SAID_BY = ("decision", "reviewer", "role")


def conflicts(queue, decisions, *, run, names):
    """The records on which reviewers differ, with what each said, and empty cells for an adjudicator.

    Parameters
    ----------
    queue : DataFrame
        All records that are not decided yet, best first.
    decisions : DataFrame
        The whole ledger.
    run : str
        A month YYYY-MM.
    names : sequence of str
        The independent reviewers in the protocol's order; without any the table is empty.

    Returns
    -------
    DataFrame
        Columns of schema "conflicts", in the order of the queue. `differ_in` is "reason" where all exclude on
        full text and only their reasons differ; `further` tells what a third and later reviewer said.
    """
    together = ledger.standings(decisions, run) if names else {}
    found = [
        _conflict(row, together[row.record_id, row.stage].open, names)
        for row in queue.itertuples()
        if _in_conflict(together.get((row.record_id, row.stage)))
    ]
    return pd.DataFrame(found, columns=columns("conflicts"), dtype=object)


def _in_conflict(shared):
    return shared is not None and shared.waits_for == ledger.ADJUDICATION


def _conflict(row, said, names):
    said = sorted(said, key=lambda one: _order(one.reviewer, names))
    # The first two of three may say the same.
    second = next(one for one in said[1:] if _parts(one) != _parts(said[0]))
    further = [one for one in said[1:] if one is not second]
    shown = {name: getattr(row, name) for name in ("record_id", "pmid", "stage", "title", "authors")}
    shown |= {name: getattr(row, name) for name in ("journal", "year", "link")}
    for number, one in enumerate((said[0], second), start=1):
        shown |= {
            f"{name}_{number}": getattr(one, name) for name in ("reviewer", "decision", "reason", "note")
        }
    return shown | {
        "differ_in": "decision" if len({one.decision for one in said}) > 1 else "reason",
        "further": "; ".join(": ".join(filter(None, [one.reviewer, *_parts(one)])) for one in further)
        or None,
        **dict.fromkeys(["decision", "reason", "reviewer", "note"]),
    }


def _parts(row):
    return row.decision, row.reason


def _order(name, names):
    """By the protocol's order, those that it does not name any more last and by name."""
    return (list(names).index(name), "") if name in names else (len(names), name)


def pairs(decisions, *, run, names=()):
    """What two reviewers said of a record before either could know of the other.

    Of each record and stage, the first decision of each of the first two reviewers, before any adjudication:
    a change of mind, and what was said once the conflict was known, would make them agree more than they did.
    For the same reason a decision that was taken back counts, unless that was before the other had spoken.

    Parameters
    ----------
    decisions : DataFrame
        The whole ledger.
    run : str
        A month YYYY-MM; later rows do not exist yet.
    names : sequence of str
        The reviewers in the protocol's order.

    Returns
    -------
    DataFrame
        Columns record_id, stage, run (of the later of the two), reviewer_1, reviewer_2 (in the order of
        `names`), decision_1, decision_2.
    """
    known = decisions.loc[decisions["run"] <= run, ["record_id", "stage", "run", *SAID_BY]]
    first, adjudicated = {}, set()
    for row in tables.rows(known):
        key = row.record_id, row.stage
        if row.decision == ledger.WITHDRAWN:
            # Before the other had spoken it was a slip; later, it may have been known what they said.
            if len(first.get(key, {})) < 2:
                first.get(key, {}).pop(row.reviewer, None)
        elif ledger.role_of(row) == ledger.ADJUDICATOR:
            adjudicated.add(key)
        elif ledger.role_of(row) == ledger.INDEPENDENT and key not in adjudicated:
            first.setdefault(key, {}).setdefault(row.reviewer, row)
    rows = []
    for (record_id, stage), said in first.items():
        if len(said) < 2:
            continue
        one, other = sorted(list(said.values())[:2], key=lambda row: _order(row.reviewer, names))
        later = max(one.run, other.run)
        rows.append([record_id, stage, later, one.reviewer, other.reviewer, one.decision, other.decision])
    named = ["record_id", "stage", "run", "reviewer_1", "reviewer_2", "decision_1", "decision_2"]
    return pd.DataFrame(rows, columns=named, dtype=object)


def measure(decisions, *, run, stages, names=(), level=0.95):
    """Agreement of independent reviewers, per stage and in total, over all runs and in each.

    More than two reviewers are pooled: each record brings the pair that decided on it.

    Returns
    -------
    dict
        ``run``; ``level``; ``pairs``, a list of the pairs of reviewers, each with the number of records;
        ``cumulative``, and by month ``runs``: the stages and "total", each with the numbers of `agreement`
        over include, exclude and awaiting, and those without awaiting under ``without_awaiting``.
    """
    return of_pairs(pairs(decisions, run=run, names=names), run=run, stages=stages, level=level)


def of_pairs(rows, *, run, stages, level=0.95):
    """As `measure`, by what `pairs` gives, in any order."""
    who = rows.groupby(["reviewer_1", "reviewer_2"], sort=True).size()
    return {
        "run": run,
        "level": level,
        "pairs": [{"reviewers": list(both), "n": int(n)} for both, n in who.items()],
        "cumulative": _by_stage(rows, stages, level),
        "runs": {one: _by_stage(rows[rows["run"] == one], stages, level) for one in sorted(set(rows["run"]))},
    }


def _by_stage(rows, stages, level):
    return {
        stage: _of_rows(rows if stage == TOTAL else rows[rows["stage"] == stage], level)
        for stage in (*stages, TOTAL)
    }


def _of_rows(rows, level):
    said = list(zip(rows["decision_1"], rows["decision_2"], strict=True))
    decided = [pair for pair in said if "awaiting" not in pair]
    found = agreement(_counts(said, CATEGORIES), level=level)
    without = agreement(_counts(decided, WITHOUT_AWAITING), level=level)
    return {"categories": list(CATEGORIES), **found, "without_awaiting": without}


def _counts(said, categories):
    counted = collections.Counter(said)
    return [[counted[one, other] for other in categories] for one in categories]


def agreement(counts, *, level=0.95):
    """Share of agreement with its exact interval, and Cohen's kappa with its large-sample interval.

    The share's interval is that of Clopper CJ and Pearson ES (Biometrika 1934;26:404). Kappa is
    (po - pe) / (1 - pe), where po is the share of agreement and pe the sum over the categories of the
    products of both margins. Its variance is that of Fleiss JL, Cohen J and Everitt BS (Psychological
    Bulletin 1969;72:323), with p_ij the shares of the table, p_i. and p_.i its margins::

        [sum_i p_ii (1 - (p_i. + p_.i)(1 - kappa))^2
         + (1 - kappa)^2 sum_{i != j} p_ij (p_.i + p_j.)^2
         - (kappa - pe (1 - kappa))^2] / (n (1 - pe)^2)

    and its interval kappa ± z times the root of it, cut at -1 and 1.

    Parameters
    ----------
    counts : sequence of sequences of int
        Square table, one reviewer's categories in rows, the other's in columns.
    level : float
        Of both intervals.

    Returns
    -------
    dict
        ``n``, ``n_agree``; shares ``agreement``, ``agreement_low``, ``agreement_high``; ``kappa``,
        ``kappa_se``, ``kappa_low``, ``kappa_high``; ``counts``; and a ``sentence``. What is not defined is
        None: all without records; kappa where both gave one and the same category to all; its error and
        interval where its variance is zero, as with full agreement.
    """
    n = sum(map(sum, counts))
    n_agree = sum(counts[i][i] for i in range(len(counts)))
    low, high = clopper_pearson(n_agree, n, level=level)
    kappa, error = _kappa(counts, n) if n else (None, None)
    reach = None if error is None else scipy.special.ndtri((1 + level) / 2) * error
    found = {
        "n": n,
        "n_agree": n_agree,
        "agreement": n_agree / n if n else None,
        "agreement_low": low,
        "agreement_high": high,
        "kappa": kappa,
        "kappa_se": error,
        "kappa_low": None if reach is None else max(-1.0, kappa - reach),
        "kappa_high": None if reach is None else min(1.0, kappa + reach),
        "counts": [list(row) for row in counts],
    }
    return found | {"sentence": _sentence(found, level)}


def clopper_pearson(x, n, *, level=0.95):
    """Exact two-sided interval of a share x / n, as (low, high); both None without observations."""
    if n == 0:
        return None, None
    tail = (1 - level) / 2
    low = 0.0 if x == 0 else float(scipy.special.betaincinv(x, n - x + 1, tail))
    high = 1.0 if x == n else float(scipy.special.betaincinv(x + 1, n - x, 1 - tail))
    return low, high


def _kappa(counts, n):
    """Kappa and its standard error, None where undefined."""
    size = range(len(counts))
    row = [sum(counts[i]) / n for i in size]
    column = [sum(counts[i][j] for i in size) / n for j in size]
    if any(row[i] == column[i] == 1 for i in size):
        return None, None
    share = [[cell / n for cell in line] for line in counts]
    observed = sum(share[i][i] for i in size)
    expected = sum(row[i] * column[i] for i in size)
    kappa = (observed - expected) / (1 - expected)
    agreed = sum(share[i][i] * (1 - (row[i] + column[i]) * (1 - kappa)) ** 2 for i in size)
    differed = sum(share[i][j] * (column[i] + row[j]) ** 2 for i in size for j in size if i != j)
    spread = agreed + (1 - kappa) ** 2 * differed - (kappa - expected * (1 - kappa)) ** 2
    # What is left of a variance of zero after rounding is far below any that a table can have.
    error = math.sqrt(spread / n) / (1 - expected) if spread > 1e-12 else None
    return kappa, error


def _sentence(found, level):
    if not found["n"]:
        return "No record was decided by two independent reviewers."
    said = (
        f"Two reviewers agreed on {found['n_agree']} of {found['n']} records "
        f"({found['agreement']:.0%}, {level:.0%} exact interval {found['agreement_low']:.0%} to "
        f"{found['agreement_high']:.0%})"
    )
    if found["kappa"] is None:
        return f"{said}; kappa is not defined, since both gave all records the same decision."
    if found["kappa_se"] is None:
        return f"{said}; Cohen's kappa {_signed(found['kappa'])}, for which this table gives no interval."
    kappa, low, high = (_signed(found[name]) for name in ("kappa", "kappa_low", "kappa_high"))
    return f"{said}; Cohen's kappa {kappa} ({level:.0%} interval {low} to {high})."


def _signed(value):
    """A kappa as it is printed, with the sign of a minus; what rounds to zero has none."""
    text = f"{value:.2f}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "\N{MINUS SIGN}")
