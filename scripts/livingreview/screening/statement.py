"""The statement on the use of automation in screening, written from the facts of a run.

What it tells is what the position statement of Cochrane, the Campbell Collaboration, JBI and the
Collaboration for Environmental Evidence (Flemyng 2025) and the RAISE recommendations (Thomas 2025) ask review
authors to report: which tool in which version, for what and at which stage, how it was set up and what it
learnt from, who decides, how well it worked here, its limits, and interests. Every sentence comes from a
fact; a fact that is not there is named as missing.
"""

from livingreview.screening.decisions import FULL_TEXT, TITLE_ABSTRACT
from livingreview.screening.stopping import percent, records

ITEMS = ["tool", "people", "model", "performance", "audit", "limits", "interests", "guidance"]

LABELS = {
    TITLE_ABSTRACT: "whether people included a record on title and abstract",
    FULL_TEXT: "whether people included a record on full text",
    "both": "whether people included a record on title and abstract and, by itself, whether on full text",
}
STAGES = {TITLE_ABSTRACT: "title and abstract", FULL_TEXT: "full text"}

GUIDANCE = (
    "This statement follows what Flemyng et al. 2025 (doi:10.1002/cl2.70074; position statement of Cochrane,"
    " the Campbell Collaboration, JBI and the Collaboration for Environmental Evidence on artificial"
    " intelligence in evidence synthesis) and the RAISE recommendations (Thomas et al. 2025,"
    " doi:10.17605/OSF.IO/FWAUD) ask authors to report. The authors of the review answer for it, the use of"
    " this tool included."
)


def write(facts):
    """The statement, paragraph by paragraph.

    Parameters
    ----------
    facts : dict
        All keys may be missing or None, and what is missing is said to be:

        - run: the month YYYY-MM.
        - tool: {name, version, url}.
        - stages: list of the protocol's stages.
        - reviewers: {independent: 1 or 2}.
        - model: name and version as in the queue; None where records were not ranked by a model.
        - cold_start: a sentence, why there is no model and what the order is instead.
        - training: {n, included, excluded, first_run, last_run}.
        - learn_from: title-abstract, full-text or both.
        - target_recall: share, of the band "read first".
        - backtest: what ``backtest.summarise`` gives; choice: what ``backtest.choose`` gives; warnings: the
          sentences of ``backtest.warn``.
        - audit: what ``stopping.cumulative`` gives.
        - queue: {n, no_abstract, not_english}, records that wait for a decision.
        - interests: a sentence, the authors' interests in the tool.

    Returns
    -------
    list of dict
        item (one of `ITEMS`, in that order) and text.
    """
    parts = {
        "tool": _tool(facts),
        "people": _people(facts),
        "model": _model(facts),
        "performance": _performance(facts),
        "audit": _audit(facts),
        "limits": _limits(facts),
        "interests": facts.get("interests") or "The authors' interests in this tool are not recorded.",
        "guidance": GUIDANCE,
    }
    return [{"item": item, "text": parts[item]} for item in ITEMS]


def _tool(facts):
    tool = facts.get("tool") or {}
    name = tool.get("name") or "A tool whose name is not recorded"
    version = f"version {tool['version']}" if tool.get("version") else "its version is not recorded"
    where = f"{version}; {tool['url']}" if tool.get("url") else version
    run = f"in the run of {facts['run']}" if facts.get("run") else "in a run that is not recorded"
    stages = " and on ".join(STAGES[stage] for stage in facts.get("stages") or [])
    screening = f"screening on {stages}" if stages else "screening (the stages are not recorded)"
    use = f"to order the records that wait for {screening}, and for no decision"
    return f"{name} ({where}) was used {run} {use}."


def _people(facts):
    independent = (facts.get("reviewers") or {}).get("independent")
    if independent is None:
        who = "A decision counts once people have made it; how many decide on each record is not recorded."
    elif independent == 1:
        who = "Each record is decided by one person."
    else:
        who = (
            "Each record is decided by two people, neither of whom sees what the other said before deciding;"
            " where they differ, an adjudicator settles it."
        )
    waiting = (facts.get("queue") or {}).get("n")
    left = (
        "How many records wait for a decision is not recorded."
        if waiting is None
        else "No record waits for a decision."
        if waiting == 0
        else f"{_sentence(records(waiting))} {'waits' if waiting == 1 else 'wait'} for a decision."
    )
    return (
        f"{who} No record is included or excluded automatically, and none is hidden: those ranked low stay in"
        f" the queue until people have read them. {left}"
    )


def _model(facts):
    if not facts.get("model"):
        why = facts.get("cold_start") or "Why, and in which order the records stand instead, is not recorded."
        return f"No model learnt from decisions was used. {why}"
    training = facts.get("training") or {}
    size = (
        f"from {records(training['n'])} that people had decided ({training['included']:,} included,"
        f" {training['excluded']:,} excluded)"
        if training.get("n") is not None
        else "from decisions whose number is not recorded"
    )
    first, last = training.get("first_run"), training.get("last_run")
    when = "in runs that are not recorded"
    if first and last:
        when = f"in the run of {first}" if first == last else f"in the runs from {first} to {last}"
    label = LABELS.get(facts.get("learn_from"), "a label that is not recorded")
    target = facts.get("target_recall")
    aim = (
        f"Its band “read first” is meant to hold {percent(target)} of the records that people will include."
        if target is not None
        else "The recall that its band “read first” is meant to reach is not recorded."
    )
    choice = (facts.get("choice") or {}).get("reason")
    text = f"The model ({facts['model']}) learnt {size} {when}; what it learnt is {label}. {aim}"
    return f"{text} {_sentence(choice)}" if choice else text


def _performance(facts):
    found = facts.get("backtest")
    if not facts.get("model"):
        return "Without a model there is no performance to measure."
    if not found or not found["n_months"]:
        untested = (found or {}).get("not_tested")
        why = f" (of the latest: {untested[-1]['reason']})" if untested else ""
        return (
            "How well the model ranks has not been measured on this review: no part of its past could be"
            f" tested{why}."
        )
    period, n_months = found["period"], found["n_months"]
    months = f"1 {period}" if n_months == 1 else f"{n_months} {period}s"
    said = [
        f"In a back-test on the review's own past, a model trained on what was decided before ranked"
        f" {records(found['n_ranked'])} of {months}, of which people had included {found['n_included']:,}."
    ]
    if not found["n_included"]:
        said.append("With none included, its recall could not be measured.")
    else:
        said += [_budget(found), _read_first(found, facts.get("target_recall"))]
    said.append(_calibration(found))
    said += facts.get("warnings") or []
    return " ".join(said)


def _budget(found):
    share, recall = min(found["recall"].items(), key=lambda item: abs(float(item[0]) - 20))
    text = f"The first {share}% of each {found['period']}'s ranking held {percent(recall['micro'])} of them"
    if recall["low"] is None:
        return f"{text}; no interval was computed."
    return (
        f"{text} ({percent(found['confidence'])} bootstrap interval {percent(recall['low'])} to"
        f" {percent(recall['high'])}, {found['resampled']} resampled)."
    )


def _read_first(found, target):
    band = found["read_first"]
    if band is None:
        return "What “read first” would have held was not measured."
    share = percent(band["recall"], beside=target)
    text = (
        f"“Read first” would have held {band['n_held']:,} of {band['n_included']:,} ({share};"
        f" exact {percent(found['confidence'])} interval {percent(band['exact_low'])} to"
        f" {percent(band['exact_high'])}), and {percent(band['share'])} of all records."
    )
    if target is None:
        return text
    if band["recall"] < target - 1e-9:
        return f"{text} That is below the target of {percent(target)}."
    if band["exact_low"] < target:
        return f"{text} The target of {percent(target)} was met, but so few records can't show that it holds."
    return f"{text} The target of {percent(target)} was met, and the interval lies above it."


def _calibration(found):
    if found["calibration_error"] is None:
        return "Its probabilities were not measured against what people decided."
    return (
        "Its probabilities differed from the shares that people included by"
        f" {found['calibration_error']:.3f} on average (expected calibration error; Brier score"
        f" {found['brier']:.3f})."
    )


def _audit(facts):
    audit = facts.get("audit")
    if not facts.get("model") and not audit:
        return "As no model ranked the records, no audit of low-ranked ones was drawn."
    return audit["sentence"] if audit else "No audit of the low-ranked records is recorded."


def _limits(facts):
    queue = facts.get("queue") or {}
    bare, foreign = queue.get("no_abstract"), queue.get("not_english")
    said = [
        _count(bare, "waiting records without abstract", "are ranked on less text and so less surely"),
        _count(
            foreign,
            "waiting records in a language other than English",
            "may be ranked less surely, for words are compared as they stand and not translated",
        ),
    ]
    if facts.get("model"):
        said.append(
            "The model knows this review's decisions alone, the mistaken ones included, and what it did in"
            " the past tells of new records only as far as these are alike."
        )
    return " ".join(said)


def _count(n, what, consequence):
    if n is None:
        return f"The number of {what} is not recorded; such records {consequence}."
    if n == 0:
        return f"There are no {what}."
    which = what.replace("records", "record", 1) if n == 1 else what
    verb = consequence.replace("are ranked", "is ranked", 1) if n == 1 else consequence
    return f"The {which} ({n:,}) {verb}."


def _sentence(text):
    return text[:1].upper() + text[1:]
