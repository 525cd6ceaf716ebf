"""Values that could be true and probably are not: what a second reader of the trials would ask about.

What cannot be is refused by `trials.checks`; what is found here is shown, and a person's note clears it
(`trials.clearances`). The checks rest on what holds for any trial, not on a list of known mistakes.
"""

# Each module registers its checks as it is imported.
from livingreview.trials.plausibility import (  # noqa: F401
    baseline,
    counts,
    direction,
    integers,
    recomputed,
    repeats,
    slips,
    spread,
)
from livingreview.trials.plausibility.finding import CHECKS, COLUMNS, Check, Finding, table
from livingreview.trials.plausibility.finding import merged as _merged
from livingreview.trials.plausibility.trial_rows import Trials, printed_cells

__all__ = ["CHECKS", "COLUMNS", "Check", "Finding", "Trials", "find", "judge", "printed_cells", "table"]


def find(
    outcomes, studies, instruments, *, effects=None, predict=None, printed=None, only=None, look_at=None
):
    """Everything in the trials that a person should look at.

    Parameters
    ----------
    outcomes, studies : DataFrame
        The rows in force at a run (see `revisions.rows_at`).
    instruments : object with ``find(name, outcome)``
        As from `instruments.lookup`: gives a mapping with the registry's columns, or None.
    effects : DataFrame, optional
        Columns row_id, yi (negative favours arm 1) and vi (sampling variance). Without it no effect is
        compared with those of other trials.
    predict : callable, optional
        ``predict(yi, vi, vi_new)`` gives the two ends of an interval for an effect of variance ``vi_new``
        from other trials, given their effects and variances (arrays, k >= 3).
    printed : mapping of str to mapping, optional
        For each row_id the cells as text, from `printed_cells`: zeros at the end count in GRIM. Without
        it digits are those of the number, which tests less.
    only : collection of str, optional
        Ids of the checks to run; all of `CHECKS` if left out.
    look_at : collection of str, optional
        row_ids of the rows to judge, by all the others; every row if left out.

    Returns
    -------
    list of Finding
        At most one for each row and check, sorted by row and check. A row that is set aside is checked too,
        and nothing in it is more than a note, since it enters no pool.

    Raises
    ------
    ValueError
        `only` names a check that does not exist.
    """
    trials = Trials(outcomes, studies, instruments, effects=effects, predict=predict, printed=printed)
    return judge(trials, only=only, look_at=look_at)


def judge(trials, *, only=None, look_at=None):
    """`find` in a `Trials` that is there already."""
    unknown = set(only or ()) - set(CHECKS)
    if unknown:
        raise ValueError(f"no such check: {', '.join(sorted(unknown))}; allowed: {', '.join(CHECKS)}")
    found = [
        finding
        for check in CHECKS.values()
        if only is None or check.id in only
        for row in trials.rows
        if look_at is None or row["row_id"] in look_at
        for finding in check.look(row, trials)
    ]
    return _merged(found, set_aside={row["row_id"] for row in trials.rows if row["status"] != "ok"})
