"""Trials and their judgements, as lists show them."""

from livingreview import tables
from livingreview.report import forest
from livingreview.report.studies import risk_of_bias_level
from livingreview.trials.bias_tools import OVERALL
from livingreview.trials.labels import labels

BASES = {
    "algorithm": "by the rules",
    "override": "a person’s, over the rules",
    "recorded": "as recorded",
    "incomplete": "not finished",
    "not agreed": "not agreed",
}


def labels_of(studies):
    """The label of each study by its id."""
    return dict(zip(studies["study_id"], labels(studies), strict=True))


def light(judgement):
    """A judgement as a sign with its words: ``level``, ``letter`` (as in the report) and ``words``."""
    level = risk_of_bias_level(judgement)
    return {"level": level, "letter": forest.LETTERS[level], "words": judgement or "no judgement yet"}


def trials(studies, judged, protocol, *, done, who):
    """A row for each trial: those that wait for who asks first, then by label.

    Of two who judge by themselves, a trial waits for whoever has not judged it; where a source's judgement
    stands, once the other has begun.

    Parameters
    ----------
    studies : DataFrame
        The trials that are included.
    judged : DataFrame
        From `risk_of_bias.judgements`, of what this person may see.
    protocol : Asked
    done : dict
        From `bias_blinding.complete`.
    who : str
    """
    names = labels_of(studies)
    of_study = {}
    for row in tables.plain_rows(judged):
        of_study.setdefault(row["study_id"], []).append(row)
    rows = [
        _trial(key, names[key], of_study.get(key, []), protocol, done=done, who=who)
        for key in studies["study_id"]
    ]
    return sorted(rows, key=lambda row: (row["done"], row["label"].casefold()))


def _trial(study_id, label, judged, protocol, *, done, who):
    found = _assessments(judged, protocol)
    stands = any(one["light"]["level"] != "none" for one in found)
    waits = [name for name in protocol.names if study_id not in {key[0] for key in done.get(name, ())}]
    if stands and len(waits) == len(protocol.names):
        waits = []
    is_done = who not in waits if waits and who in protocol.names else stands and not waits
    return {
        "study_id": study_id,
        "label": label,
        "assessments": found,
        "waits": waits,
        "done": is_done,
        "differs": bool(protocol.names) and not waits and not stands,
    }


def assessments(judged, protocol):
    """The judgements of one trial: for each outcome and tool the whole, and its domains in order."""
    return _assessments(tables.plain_rows(judged), protocol)


def _assessments(judged, protocol):
    found = {}
    for row in judged:
        found.setdefault((row["outcome"], row["tool"]), []).append(row)
    return [
        {
            "outcome": outcome,
            "tool": tool,
            "label": protocol.labels.get(tool, tool),
            "domains": [_domain(row) for row in rows if row["domain"] != OVERALL],
            **next(_domain(row) for row in rows if row["domain"] == OVERALL),
            "reviewers": rows[0]["reviewers"] or rows[0]["source"],
            "usable": tool in protocol.tools,
        }
        for (outcome, tool), rows in found.items()
    ]


def _domain(row):
    return {
        "domain": row["domain"].replace("_", " "),
        "light": light(row["judgement"]),
        "basis": BASES[row["basis"]],
        "detail": row["detail"],
    }
