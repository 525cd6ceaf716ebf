"""Two who judge by themselves see each other's judgements once both are done, and not before.

Nor does what one of them says count, or stand in any table or report, before the other is done.
"""

import pandas as pd

from livingreview.trials import risk_of_bias
from livingreview.trials.bias_tools import OVERALL
from livingreview.trials.revisions import rows_at

OF = ["study_id", "outcome", "tool"]
WAITS = "waits for the second assessor"


def assessors(asked):
    """The two who judge by themselves, by the protocol's part ``extraction``; empty where one judges."""
    named = asked.get("risk_of_bias", {}).get("assessors", {})
    return tuple(named["names"]) if named.get("independent", 1) > 1 else ()


def judgements(frame, tools, run, *, names, **known):
    """What counts at a run, as `risk_of_bias.judgements` gives it, for whoever may read it.

    Parameters
    ----------
    frame, tools, run, names
        As in `visible`.
    known
        ``studies`` and ``outcomes``, as `risk_of_bias.judgements` takes them.

    Returns
    -------
    DataFrame
        Where one of two has begun and not both are done, what a source or the two together said stands;
        where there is nothing of that, the row has no judgement. ``basis`` is `WAITS` where one is done, else
        ``incomplete``, and ``detail`` has the names of those who are waited for.

    Raises
    ------
    InputError
        As `risk_of_bias.judgements`, also over rows that do not count yet.
    """
    every = risk_of_bias.judgements(rows_at(frame, run, risk_of_bias.KEY), tools, **known)
    if not names:
        return every
    done = complete(frame, tools, run)
    seen = rows_at(visible(frame, tools, run, names=names, who=None), run, risk_of_bias.KEY)
    counted = risk_of_bias.judgements(seen, tools, **known)
    held = {
        (key, row["domain"]): row
        for key, row in zip(_listed(counted), counted.to_dict("records"), strict=True)
    }
    rows = [
        held.get((key, row["domain"]))
        or row | _waiting([name for name in names if key not in done.get(name, ())])
        for key, row in zip(_listed(every), every.to_dict("records"), strict=True)
    ]
    return pd.DataFrame(rows, columns=every.columns)


def _waiting(people):
    basis = WAITS if len(people) == 1 else risk_of_bias.INCOMPLETE
    return {"judgement": "", "basis": basis, "detail": f"waits for {' and '.join(people)}"}


def complete(frame, tools, run):
    """What each person has judged as a whole: name to a set of (study_id, outcome, tool).

    Parameters
    ----------
    frame : DataFrame
        The table, every revision.
    tools : dict of str to Tool
    run : str
    """
    rows = rows_at(frame, run, risk_of_bias.KEY)
    found = {}
    for name in rows["reviewer"].dropna().unique():
        judged = risk_of_bias.judgements(rows[rows["reviewer"] == name], tools)
        whole = judged[(judged["domain"] == OVERALL) & (judged["judgement"] != "")]
        found[name] = _keys(whole)
    return found


def visible(frame, tools, run, *, names, who):
    """The rows that a person may see.

    Parameters
    ----------
    frame, tools, run
        As in `complete`.
    names : sequence of str
        The two who judge by themselves; empty where one person does, and all is seen.
    who : str or None
        Who looks. Somebody who is none of the two sees what both have finished.
    """
    if not names:
        return frame
    done = complete(frame, tools, run)
    both = set.intersection(*(done.get(name, set()) for name in names))
    others = [name for name in names if name != who]
    shown = [
        name not in others or key in both for name, key in zip(frame["reviewer"], _listed(frame), strict=True)
    ]
    return frame.loc[shown]


def _keys(frame):
    return set(_listed(frame))


def _listed(frame):
    cells = frame[OF].astype(object)
    return list(cells.where(cells.notna(), None).itertuples(index=False, name=None))
