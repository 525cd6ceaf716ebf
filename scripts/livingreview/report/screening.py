"""The screening: what waits, in which order it is read, what may have been missed, and how well that works.

Every sentence on the bounds, the warnings, the choice of the model and the statement comes from the room
that measured it; here they are put beside each other.
"""

import re
from collections import Counter

from livingreview.report import drift, links, prose
from livingreview.report.backtest import backtest, between, share
from livingreview.report.prose import count, number
from livingreview.screening import bands
from livingreview.screening import decisions as ledger
from livingreview.screening.queue import PROBABILITY
from livingreview.screening.stopping import percent
from livingreview.screening.suspicious import EXCLUDED

QUEUE_SHOWN = 25  # waiting records printed in the report; all of them are in queue.csv
STATES = {
    "new": "new this month",
    "undecided": "undecided from earlier months",
    "awaiting": "awaiting classification",
}
STAGES = {ledger.TITLE_ABSTRACT: "title and abstract", ledger.FULL_TEXT: "full text"}
# What each label that is learnt from means for a record.
MEANS = {ledger.TITLE_ABSTRACT: "on title and abstract", ledger.FULL_TEXT: "in the end"}
WAITS_FOR = {
    ledger.SECOND_REVIEWER: "waits for a second reviewer",
    ledger.ADJUDICATION: "waits for an adjudicator",
}
WHAT_BANDS_MEAN = {
    bands.READ_FIRST: (
        "Scored as high as included records of the past, so that the band holds the target share; and what"
        " people have already sent on to full text or keep awaiting.",
        "Read these first.",
    ),
    bands.NO_ABSTRACT: (
        "Scored below “read first” without an abstract to be judged by; never below the middle of the queue.",
        "Look for an abstract or the full text before deciding.",
    ),
    bands.AUDIT: (
        "Drawn at random from the records below “read first”, to measure what lies there.",
        "Read every one and file the decisions: what may have been missed is worked out from them.",
    ),
    bands.THEN: ("Scored below “read first”, and not drawn for the audit.", "Read them after the others."),
    bands.UNRANKED: (
        "Too few decisions to learn from; in the order of likeness to the protocol.",
        "Read all of them.",
    ),
}
STATEMENT = {
    "tool": "Tool and its use",
    "people": "Who decides",
    "model": "Model",
    "performance": "How well it works here",
    "audit": "Audit",
    "limits": "Limits",
    "interests": "Interests",
    "guidance": "Guidance followed",
}
# As `queue` writes them: the term, in brackets what it added to the score.
TERM = re.compile(r"(?:^|; )(.+?) \(([+-])(\d+\.\d+)\)(?=; |$)")


def screening(context):
    """Everything that the section shows."""
    ranking = context["ranking"]
    labels = _in_order(context["backtest"], context)
    return {
        "waiting": _waiting(context),
        "bands": [_band(name, ranking["bands"][name]) for name in bands.BANDS if name in ranking["bands"]],
        "explanation": ranking["explanation"],
        "order": _order(context),
        "terms": _terms_note(ranking) if context["queue"] else "",
        "stopping": _stopping(ranking["stopping"]),
        "tests": [
            backtest(
                label,
                context["backtest"][label],
                context,
                heading=f"Inclusion {MEANS[label]}" if len(labels) > 1 else "",
            )
            for label in labels
        ],
        "drift": drift.drift(context["drift"]),
        "doubts": [_doubt(row) for row in context["suspicious"]],
        "doubtful": _doubtful(len(context["suspicious"])),
        "agreement": _agreement(context),
        "statement": [(STATEMENT[row["item"]], row["text"]) for row in ranking["statement"]],
    }


def _in_order(by_label, context):
    """The labels that are learnt from, in the order of the protocol's stages."""
    return sorted(by_label, key=context["config"]["screening"]["stages"].index)


def _waiting(context):
    queue, status, ranking = context["queue"], context["status"], context["ranking"]
    about = {row["record_id"]: row for row in status["waiting"]}
    shown = [_record(row, about[row["record_id"]], ranking) for row in queue[:QUEUE_SHOWN]]
    return {
        "n": prose.plural(len(queue), "record waits", "records wait"),
        "kinds": _kinds(queue),
        "oldest": _oldest(status["waiting"]),
        "together": _together(status),
        "limits": _of_the_waiting(ranking),
        "shown": shown,
        "n_shown": count(len(shown)),
        "all_shown": len(shown) == len(queue),
        "file": f"results/{context['run']}/queue.csv",
        "chances": bool(ranking["model"]),
        "measure": "Chance" if ranking["model"] else "Score",
        "meaning": _meaning(ranking),
    }


def _kinds(queue):
    """How many wait for what, as ``2 new this month and 1 awaiting classification``."""
    found = Counter(row["state"] for row in queue)
    return prose.listed(f"{count(found[state])} {words}" for state, words in STATES.items() if found[state])


def _oldest(waiting):
    ages = [row["months"] for row in waiting if row["state"] == "awaiting"]
    if not ages or max(ages) == 0:
        return ""
    whose = "It has" if len(waiting) == 1 else "The one that awaits classification has"
    if len(ages) > 1:
        whose = "The oldest of those that await classification has"
    return f"{whose} waited for {prose.plural(max(ages), 'month')}."


def _together(status):
    """Records of which one of two reviewers has spoken, or on which two differ; not what they said."""
    asked = [(status["n_second_reviewer"], "a second reviewer"), (status["n_conflicts"], "an adjudicator")]
    parts = [f"{prose.plural(n, 'record waits', 'records wait')} for {whom}" for n, whom in asked if n]
    if not parts:
        return ""
    return f"{prose.sentence(prose.listed(parts))}; what reviewers have said so far is not shown here."


def _of_the_waiting(ranking):
    bare, foreign, n = ranking["n_no_abstract"], ranking["n_not_english"], ranking["n_queue"]
    said = [
        _none_or_some(bare, n, ("has an abstract", "has no abstract", "have no abstract")) if bare else "",
        _none_or_some(foreign, n, ("is in English", "is not in English", "are not in English"))
        if foreign
        else "",
    ]
    said = prose.sentence(prose.listed(filter(None, said)))
    return f"{said}; a place that rests on fewer words is less sure." if said else ""


def _none_or_some(n, of, words):
    """``none of the 9 has an abstract``, ``1 of the 9 has no abstract``, ``2 of the 9 have no abstract``."""
    none, one, many = words
    if of == 1:
        return f"the record {one}"
    if n == of:
        return f"none of the {count(of)} {none}"
    return f"{count(n)} of the {count(of)} {one if n == 1 else many}"


def _meaning(ranking):
    """What the chance of a record is the chance of."""
    if not ranking["model"]:
        return "The score orders the records and is no probability."
    labels = list(ranking["heads"])
    if len(labels) > 1:
        return "The chance is that of being included at the stage for which the record waits."
    return f"The chance is that of being included {MEANS[labels[0]]}."


def _terms_note(ranking):
    text = (
        "The terms that moved each score most, and by how much; “other reviews” is what reviews on other"
        " subjects tend to include"
    )
    return f"{text}, the rest is learnt from this review’s decisions." if ranking["model"] else f"{text}."


def _record(row, about, ranking):
    up, down, other = terms(row["terms"])
    chance = probability(row)
    words = "" if chance is None else f"{percent(chance)} likely to be included"
    awaits = row["state"] == "awaiting"
    return {
        "title": row["title"] or "(no title)",
        "link": links.web_link(row["link"]) or _link(row["record_id"], row["pmid"]),
        "authors": prose.first_author(row["authors"]),
        "journal": " ".join(part for part in (row["journal"], row["year"]) if part),
        "design": prose.sentence(row["design"] or ""),
        "state": prose.sentence(STATES.get(row["state"], row["state"])),
        "stage": STAGES[row["stage"]],
        "waits_for": WAITS_FOR.get(about["waits_for"], ""),
        "since": prose.month(about["since_run"]),
        "since_sort": about["since_run"],
        "age": prose.plural(about["months"], "month") if awaits and about["months"] else "",
        "measure": words if ranking["model"] else number(row["score"]),
        "measure_sort": _sort(chance if ranking["model"] else row["score"]),
        "band": row["band"] or "",
        "up": ", ".join(up),
        "down": ", ".join(down),
        "terms": other,
    }


def _sort(value):
    return -1 if prose.missing(value) else value


def probability(row):
    """Of being included at the stage for which a record waits, or, where that is not learnt, at the other."""
    own = PROBABILITY[row["stage"]]
    values = [row[own], *(row[name] for name in PROBABILITY.values() if name != own)]
    return next((value for value in values if not prose.missing(value)), None)


def terms(text):
    """The terms that moved a score up and down, each with how far; text that holds none is left as it is.

    >>> terms("randomized (+0.75); title: review (-0.44)")
    (['randomized +0.75'], ['title: review −0.44'], '')
    """
    found = TERM.findall(text or "")
    if not found:
        return [], [], text or ""
    up = [f"{term} +{size}" for term, sign, size in found if sign == "+"]
    down = [f"{term} {prose.MINUS}{size}" for term, sign, size in found if sign == "-"]
    return up, down, ""


def _link(record_id, pmid=None):
    if record_id.startswith("doi:"):
        return links.pubmed_link(pmid) or links.doi_link(record_id.removeprefix("doi:"))
    return links.pubmed_link(pmid or (record_id if record_id.isdecimal() else None))


def _band(name, n):
    means, todo = WHAT_BANDS_MEAN[name]
    return {"name": name, "n": count(n), "means": means, "todo": todo}


def _order(context):
    """How the order was made: sentences, none where no model did."""
    ranking, asked = context["ranking"], context["config"]["screening"]["ranking"]
    if not ranking["model"]:
        return []
    preset = asked["read_first_recall"]
    named = f", which the protocol calls “{preset}”" if preset in bands.PRESETS else ""
    said = [
        f"The target is {percent(ranking['target_recall'])}{named}. For an assurance of"
        f" {percent(bands.ASSURANCE)} the band is mostly wider than the target by itself would need."
    ]
    labels = _in_order(ranking["heads"], context)
    for label in labels:
        which = f"For inclusion {MEANS[label]}: " if len(labels) > 1 else ""
        said += _of_head(ranking["heads"][label], which, asked["confidence"])
    if not ranking["no_abstract_band"]:
        said.append(
            "The band “no abstract” is not in use, since fewer than half of the decided records have an"
            " abstract, so that a missing one tells nothing."
        )
    return said


def _of_head(head, which, confidence):
    text = prose.sentence(f"{which}model {head['model']}.")
    if head["reads_all"]:
        said = [
            f"{text} Everything is to be read first, for the past holds too little to set a threshold by."
        ]
    elif not head["n_past_included"]:
        said = [text]
    else:
        how = "models of earlier decisions" if head["in_time"] else "models that had not seen them"
        held, n = head["past_held"], head["n_past_included"]
        said = [
            f"{text} The threshold was set by {prose.plural(head['n_past'], 'past record')} scored by {how}:"
            f" above it were {count(held)} of {count(n)} that people had included"
            f" ({percent(head['past_recall'])}; exact {percent(confidence)} interval"
            f" {percent(head['past_recall_low'])} to {percent(head['past_recall_high'])}), and"
            f" {percent(head['past_share'])} of all."
        ]
    if head["n_left_out"]:
        verb = "was" if head["n_left_out"] == 1 else "were"
        said.append(
            f"{prose.plural(head['n_left_out'], 'excluded record')}, drawn at random, {verb} not learnt from,"
            " to bound the time that learning takes."
        )
    if head["n_cut"]:
        which = "it" if head["n_cut"] == 1 else "them"
        said.append(
            f"{prose.plural(head['n_cut'], 'record')} had a very long title or abstract; only the beginning"
            f" of {which} was read by the model."
        )
    return said


def _stopping(found):
    """Sentences on what may have been missed, this month and over all months."""
    if found is None:
        return {
            "month": "No model ranks the records yet, so there is no part of them that might go unread"
            " because of its rank: all of them are to be read.",
            "promise": "",
            "over_all": "",
        }
    month = found["month"]
    return {
        "month": month["sentence"]
        if month
        else "No record was found or decided this month, so there is nothing to be missed.",
        "promise": month["promise"] if month else "",
        "over_all": found["cumulative"]["sentence"],
    }


def _doubtful(n):
    """What is said above the old decisions, and what to do about them."""
    if not n:
        return "No old decision stands out against what a model would expect."
    these = (
        "A model that had not seen this decision would have made it otherwise."
        if n == 1
        else f"A model that had not seen these {prose.spelled(n)} decisions would have made them otherwise,"
        " and more clearly than any others."
    )
    return (
        f"{these} People may well be right. A decision that is filed again, with a note that says why, is"
        " not listed again; a wrong one is corrected by filing the right one, and the old row stays in the"
        " ledger. Both are done with"
    )


def _doubt(row):
    excluded = row["kind"] == EXCLUDED
    return {
        "title": row["title"] or row["record_id"],
        "link": _link(row["record_id"]),
        "decided": f"{'Excluded' if excluded else 'Included'} on {STAGES[row['stage']]}",
        "when": f"{prose.month(row['run'])}, {row['reviewer']}",
        "would": "include" if excluded else "exclude",
        "chance": f"{percent(row['probability'])} likely to be included",
        "chance_sort": row["probability"],
    }


def _agreement(context):
    """Agreement of two reviewers by stage, or None where one decides alone and always did."""
    found, screening_ = context["agreement"], context["config"]["screening"]
    independent = screening_.get("reviewers", {}).get("independent", 1)
    if independent == 1 and not found["cumulative"]["total"]["n"]:
        return None
    level, n = percent(found["level"]), len(context["conflicts"])
    conflicts = (
        "No conflict waits for an adjudicator."
        if not n
        else f"{prose.plural(n, 'conflict waits', 'conflicts wait')} for an adjudicator, in"
        f" results/{context['run']}/conflicts.csv."
    )
    stages = [(prose.sentence(STAGES[stage]), stage) for stage in screening_["stages"]]
    return {
        "text": found["cumulative"]["total"]["sentence"],
        "conflicts": conflicts,
        "rows": [
            agreed(label, found["cumulative"][key]) for label, key in [*stages, ("Both stages", "total")]
        ]
        if found["cumulative"]["total"]["n"]
        else [],
        "level": level,
    }


def agreed(label, found):
    """One stage's agreement, from `screening.agreement.measure`, as it is printed."""
    without = found["without_awaiting"]
    return {
        "label": label,
        "n": count(found["n"]),
        "agreed": share(found["agreement"]),
        "agreed_interval": between(found, "agreement_low", "agreement_high"),
        "kappa": number(found["kappa"]),
        "kappa_interval": _spoken(found),
        "without": number(without["kappa"]),
        "without_interval": _spoken(without),
    }


def _spoken(found):
    if prose.missing(found["kappa_low"]):
        return ""
    return prose.spoken_interval(found["kappa_low"], found["kappa_high"])
