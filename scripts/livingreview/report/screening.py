"""The screening: what waits, in which order it is read, what may have been missed, and how well that works.

Every sentence on the bounds, the warnings, the choice of the model and the statement comes from the room
that measured it; here they are put beside each other.
"""

import re
from collections import Counter

from livingreview.report import links, prose, shares
from livingreview.report.prose import count, number
from livingreview.screening import bands
from livingreview.screening import decisions as ledger
from livingreview.screening.queue import PROBABILITY
from livingreview.screening.stopping import exact_interval, percent
from livingreview.screening.suspicious import EXCLUDED

QUEUE_SHOWN = 25  # waiting records printed in the report; all of them are in queue.csv
MONTHS_SHOWN = 24  # months of the back-test printed in the report; all of them are in backtest.csv
MONTHS_DRAWN = 12
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
        "Scored as high as included records of the past, so that the band holds the target share; and whatever"
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
    many = len(context["backtest"]) > 1
    return {
        "waiting": _waiting(context),
        "bands": [_band(name, ranking["bands"][name]) for name in bands.BANDS if name in ranking["bands"]],
        "explanation": ranking["explanation"],
        "order": _order(context),
        "terms": _terms_note(ranking) if context["queue"] else "",
        "stopping": _stopping(ranking["stopping"]),
        "tests": [
            _test(label, tested, context, heading=f"Inclusion {MEANS[label]}" if many else "")
            for label, tested in context["backtest"].items()
        ],
        "doubts": [_doubt(row) for row in context["suspicious"]],
        "doubtful": _doubtful(len(context["suspicious"])),
        "agreement": _agreement(context),
        "statement": [(STATEMENT[row["item"]], row["text"]) for row in ranking["statement"]],
    }


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
    whose = "It has" if len(ages) == 1 else "The oldest has"
    return f"{whose} awaited classification for {prose.plural(max(ages), 'month')}."


def _together(status):
    """Records of which one of two reviewers has spoken, or on which two differ; not what they said."""
    parts = [
        f"{count(n)} {one if n == 1 else many}"
        for n, one, many in (
            (status["n_second_reviewer"], "waits for a second reviewer", "wait for a second reviewer"),
            (status["n_conflicts"], "waits for an adjudicator", "wait for an adjudicator"),
        )
        if n
    ]
    if not parts:
        return ""
    return f"Of these, {prose.listed(parts)}. What reviewers have said so far is not shown here."


def _of_the_waiting(ranking):
    said = []
    bare, foreign, n = ranking["n_no_abstract"], ranking["n_not_english"], ranking["n_queue"]
    if bare:
        said.append(_none_or_some(bare, n, ("has an abstract", "has no abstract", "have no abstract")))
    if foreign:
        said.append(_none_or_some(foreign, n, ("is in English", "is not in English", "are not in English")))
    if not said:
        return ""
    return f"Of all that wait, {prose.listed(said)}; their places rest on fewer words, and so are less sure."


def _none_or_some(n, of, words):
    """``none has an abstract``, ``1 has no abstract``, ``2 have no abstract``."""
    none, one, many = words
    if n == of:
        return f"none {none}"
    return f"{count(n)} {one if n == 1 else many}"


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
        f"The target is {percent(ranking['target_recall'])}{named}. For an assurance of {percent(bands.ASSURANCE)}"
        " the band is mostly wider than the target by itself would need."
    ]
    many = len(ranking["heads"]) > 1
    for label, head in ranking["heads"].items():
        said += _of_head(head, f"For inclusion {MEANS[label]}: " if many else "", asked["confidence"])
    if not ranking["no_abstract_band"]:
        said.append(
            "The band “no abstract” is not in use, since fewer than half of the decided records have an"
            " abstract, so that a missing one tells nothing."
        )
    return said


def _of_head(head, which, confidence):
    text = prose.sentence(f"{which}model {head['model']}.")
    if head["reads_all"]:
        said = [f"{text} Everything is to be read first, for the past holds too little to set a threshold by."]
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
            "month": "No model ranks the records yet, so there is no part of them that might go unread because"
            " of its rank: all of them are to be read.",
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


def _test(label, tested, context, *, heading):
    """The back-test of one label."""
    summary, period = tested["summary"], tested["period"]
    rows = [row for row in context["months"] if row["label"] == label]
    done = [row for row in rows if row["tested"]]
    shown = done[-MONTHS_SHOWN:]
    budgets = sorted(summary["recall"], key=float)
    untested = [
        {"period": _period(row["month"], period), "reason": row["reason"]} for row in summary["not_tested"]
    ]
    return {
        "name": f"test-{label}",
        "heading": heading,
        "intro": _intro(summary, period),
        "warnings": tested["warnings"],
        "period": period,
        "budgets": [f"{budget}%" for budget in budgets],
        "rows": [_tested_row(row, period, budgets) for row in shown],
        "earlier": _earlier(len(done) - len(shown), period, context["run"]),
        "pooled": _pooled(summary, budgets) if len(done) > 1 else None,
        "resampled": _resampled(summary) if len(done) > 1 else "",
        "figure": _figure(label, shown[-MONTHS_DRAWN:], context, period, summary["confidence"]),
        "untested": untested,
        "n_untested": prose.plural(len(untested), f"{period} not tested", f"{period}s not tested"),
        "choice": _choice(tested["choice"]),
        "calibration": _calibration(label, summary),
    }


def _period(label, period):
    """A month in words; a year as it is, and records without one by that."""
    if period == "month":
        return prose.month(str(label))
    return "no year" if str(label) in ("0", "0000") else str(label)


def _intro(summary, period):
    if not summary["n_months"]:
        return "No part of this review’s past could be tested yet."
    of = prose.plural(summary["n_months"], period)
    text = (
        f"A model trained on what was decided before each {period} ranked the {period}’s records, which people"
        f" had decided too: {prose.plural(summary['n_ranked'], 'record')} of {of},"
        f" {count(summary['n_included'])} included."
    )
    if period == "year":
        text += " Its decisions fell in too few months to be tested by month, so the year of publication is used."
    return text


def _earlier(n, period, run):
    if not n:
        return ""
    which = f"One earlier {period} is" if n == 1 else f"{count(n)} earlier {period}s are"
    return f"{which} in results/{run}/backtest.csv and in the pooled line."


def _share(value):
    return prose.NOT_ESTIMATED if prose.missing(value) else percent(value)


def _held(row):
    if prose.missing(row["n_included_read_first"]) or not row["n_included"]:
        return ""
    return f"{count(row['n_included_read_first'])} of {count(row['n_included'])}"


def _tested_row(row, period, budgets):
    return {
        "label": _period(row["month"], period),
        "sort": str(row["month"]),
        "n_train": count(row["n_train"]),
        "n_train_included": f"{count(row['n_train_included'])} included",
        "n_ranked": count(row["n_ranked"]),
        "n_included": count(row["n_included"]),
        "recall": [_share(row[f"recall_{budget}"]) for budget in budgets],
        "last": count(row["last_relevant_rank"]),
        "saved": _share(row["work_saved"]),
        "held": _share(row["read_first_recall"]),
        "n_held": _held(row),
        "read": _share(row["read_first_share"]),
    }


def _between(found, low="low", high="high"):
    if found is None or prose.missing(found[low]):
        return ""
    return f"{percent(found[low])} to {percent(found[high])}"


def _pooled(summary, budgets):
    band = summary["read_first"]
    return {
        "label": f"All {count(summary['n_months'])} {summary['period']}s",
        "n_ranked": count(summary["n_ranked"]),
        "n_included": count(summary["n_included"]),
        "recall": [
            {"share": _share(found["micro"]), "interval": _between(found)}
            for found in (summary["recall"][budget] for budget in budgets)
        ],
        "saved": {
            "share": _share(summary["work_saved"]["macro"]),
            "interval": _between(summary["work_saved"]),
        },
        "held": {"share": _share(band and band["recall"]), "interval": _between(band)},
        "read": _share(band and band["share"]),
    }


def _resampled(summary):
    if not summary["resampled"]:
        return ""
    return (
        f"Beneath each pooled share its {percent(summary['confidence'])} bootstrap interval"
        f" (from {count(summary['n_resamples'])} resamplings of {summary['resampled']}). Work saved is the mean over"
        f" {summary['period']}s of the share of records ranked after the last one that people included."
    )


def _figure(label, rows, context, period, confidence):
    """The drawings of recall by month, or None where no month has an included record and a band."""
    drawn = [_drawn(row, period, confidence) for row in rows if _held(row)]
    if not drawn:
        return None
    target = context["ranking"]["target_recall"]
    said = prose.listed(f"{row['label']} {row['numbers']}" for row in drawn)
    view = {
        "name": f"recall-{label}",
        "title": f"What “read first” held, by {period}",
        "description": f"The target is {percent(target)}. {said}.",
        "target": target,
        "target_label": f"Target {percent(target)}",
        "axis": "Share of included records in “read first”",
        "rows": drawn,
    }
    caption = (
        f"What “read first” would have held of each {period}’s included records, with exact"
        f" {percent(confidence)} intervals. {_reached(drawn, target, period)}"
    )
    return {
        "wide": shares.by_month(view, shares.WIDE),
        "narrow": shares.by_month(view, shares.NARROW),
        "caption": caption,
    }


def _reached(drawn, target, period):
    n = sum(row["share"] >= target - 1e-9 for row in drawn)
    if len(drawn) == 1:
        return f"The target (dashed) was {'reached' if n else 'not reached'}."
    return f"The target (dashed) was reached in {count(n)} of {count(len(drawn))} {period}s."


def _drawn(row, period, confidence):
    held, n = int(row["n_included_read_first"]), int(row["n_included"])
    low, high = exact_interval(held, n, confidence=confidence)
    label = _period(row["month"], period)
    return {"label": label, "share": held / n, "low": low, "high": high, "numbers": _held(row)}


def _choice(choice):
    return {
        "reason": prose.sentence(choice["reason"]),
        "table": [
            {
                "name": row["name"],
                "chosen": row["name"] == choice["chosen"],
                "average_precision": number(row["average_precision"], 3),
                "wss_95": _share(row["wss_95"]),
                "best": count(row["months_best"]),
            }
            for row in choice["table"]
        ],
        "compared": bool(choice["table"][0]["n_months"]),
    }


def _calibration(label, summary):
    """The reliability plot and its table, or why there is none."""
    rows = summary["reliability"]
    if not rows:
        return {"text": "No probability could be tested against what people decided yet.", "rows": []}
    level = percent(summary["confidence"])
    said = [
        {
            "given": f"{percent(row['low'])} to {percent(row['high'])}",
            "mean": percent(row["mean_probability"]),
            "n": count(row["n"]),
            "n_included": count(row["n_included"]),
            "share": percent(row["share"]),
            "interval": f"{percent(row['share_low'])} to {percent(row['share_high'])}",
        }
        for row in rows
    ]
    view = {
        "name": f"reliability-{label}",
        "title": "Reliability of the probabilities",
        "description": " ".join(
            f"Given {row['given']}: {row['n_included']} of {row['n']} included." for row in said
        ),
        "rows": rows,
    }
    return {
        "text": (
            f"Records with a given probability, and the share of them that people included. On average the two"
            f" differ by {percent(summary['calibration_error'])} (expected calibration error"
            f" {number(summary['calibration_error'], 3)}); the Brier score is {number(summary['brier'], 3)}"
            " (0 is perfect, and lower is better)."
        ),
        "caption": (
            f"Each square is the records of one tenth of the scale, with the exact {level} interval of the share"
            f" that people included; at the top, how many they are. {_on_the_line(rows)}"
        ),
        "figure": shares.reliability(view),
        "rows": said,
        "level": level,
    }


def _on_the_line(rows):
    n = sum(row["share_low"] <= row["mean_probability"] <= row["share_high"] for row in rows)
    if len(rows) == 1:
        return f"The dashed line, on which both agree, {'crosses' if n else 'misses'} the interval."
    which = f"all {count(n)}" if n == len(rows) else f"{count(n)} of the {count(len(rows))}"
    return f"The dashed line, on which both agree, crosses {which} intervals."


def _doubtful(n):
    """What is said above the old decisions, and what to do about them."""
    if not n:
        return "No old decision stands out against what a model would expect."
    these = (
        "A model that had not seen this decision would have decided otherwise."
        if n == 1
        else f"A model that had not seen these {prose.spelled(n)} decisions would have decided otherwise; with none"
        " does it disagree more."
    )
    return (
        f"{these} People may well be right. A decision that is filed again, with a note that says why, is not"
        " listed again; a wrong one is corrected by filing the right one, and the old row stays in the ledger."
        " For either:"
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
            _agreed(label, found["cumulative"][key]) for label, key in [*stages, ("Both stages", "total")]
        ]
        if found["cumulative"]["total"]["n"]
        else [],
        "level": level,
    }


def _agreed(label, found):
    without = found["without_awaiting"]
    return {
        "label": label,
        "n": count(found["n"]),
        "agreed": _share(found["agreement"]),
        "agreed_interval": _between(found, "agreement_low", "agreement_high"),
        "kappa": number(found["kappa"]),
        "kappa_interval": _spoken(found),
        "without": number(without["kappa"]),
        "without_interval": _spoken(without),
    }


def _spoken(found):
    if prose.missing(found["kappa_low"]):
        return ""
    return prose.spoken_interval(found["kappa_low"], found["kappa_high"])
