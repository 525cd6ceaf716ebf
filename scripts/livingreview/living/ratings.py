"""People's judgements of certainty: the ones in force, and whether the data have moved since."""

import math

from livingreview.errors import InputError, problem
from livingreview.living.certainty_domains import DOMAINS, minus

TABLE = "data/certainty/ratings.csv"
KEY = ["outcome", "domain"]
OVERALL = "overall"
# Half of the last decimal with which an estimate is printed, and a little for the last bits.
TOLERANCE = 0.005 + 1e-9


def check(frame, *, outcomes, file=TABLE):
    """Refuse judgements of outcomes that the protocol does not have.

    Raises
    ------
    InputError
        Naming each row.
    """
    problems = [
        problem(
            row=number,
            column="outcome",
            found=row.outcome,
            allowed=", ".join(outcomes),
            hint="as in the key outcomes of config.yaml",
        )
        for number, row in enumerate(frame.itertuples(), start=2)
        if row.outcome not in outcomes
    ]
    if problems:
        raise InputError(file, problems=problems)


def of_outcome(frame, *, outcome, main, effects):
    """The judgements in force for one outcome.

    Parameters
    ----------
    frame : DataFrame
        Rows in force at the run (`revisions.rows_at` with `KEY`).
    outcome : str
    main : dict
        ``k`` and ``estimate`` of the pool as it is now.
    effects : DataFrame
        Of effects.csv, with ``label`` and ``entered``, the run in which the trial entered the review.

    Returns
    -------
    dict
        Domain or ``overall`` to rating, reason, by, run, k, estimate, stale (bool) and since: the sentence
        that says what has moved since the judgement, "" where nothing has.
    """
    found = {}
    rows = frame[frame["outcome"] == outcome].astype(object)
    order = {name: place for place, name in enumerate([*DOMAINS, OVERALL])}
    for row in sorted(rows.to_dict("records"), key=lambda one: order[one["domain"]]):
        since = _since(row, main, effects[(effects["outcome"] == outcome) & effects["in_pool"].astype(bool)])
        found[row["domain"]] = {
            **{name: row[name] for name in ("rating", "reason", "by", "run", "k")},
            "estimate": None if _missing(row["estimate"]) else row["estimate"],
            "stale": bool(since),
            "since": since,
        }
    return found


def _since(row, main, pool):
    """What has moved since a judgement: trials that came later by name, else the numbers."""
    later = sorted(set(pool.loc[pool["entered"] > row["run"], "label"]))
    moved = int(row["k"]) != main["k"] or _moved(row["estimate"], main["estimate"])
    if not moved and not later:
        return ""
    numbers = f"rated on {_told(row['k'], row['estimate'])}, now {_told(main['k'], main['estimate'])}"
    if not later:
        return f"The data have changed since: {numbers}."
    named = ", ".join(later[:3]) + (f" and {len(later) - 3} more" if len(later) > 3 else "")
    return f"Rated before {named} {'was' if len(later) == 1 else 'were'} added: {numbers}."


def _told(k, estimate):
    return f"k = {int(k)}" + ("" if _missing(estimate) else f" and g {minus(estimate)}")


def _moved(before, after):
    if _missing(before) or _missing(after):
        return _missing(before) != _missing(after)
    return abs(before - after) > TOLERANCE


def _missing(value):
    return value is None or (isinstance(value, float) and math.isnan(value))
