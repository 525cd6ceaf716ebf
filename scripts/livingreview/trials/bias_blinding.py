"""Two who judge by themselves see each other's judgements once both are done, and not before."""

from livingreview.trials import risk_of_bias
from livingreview.trials.bias_tools import OVERALL
from livingreview.trials.revisions import rows_at

OF = ["study_id", "outcome", "tool"]


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
    who : str
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
    return frame[shown]


def _keys(frame):
    return set(_listed(frame))


def _listed(frame):
    cells = frame[OF].astype(object)
    return list(cells.where(cells.notna(), None).itertuples(index=False, name=None))
