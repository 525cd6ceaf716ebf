"""The summary of findings: each outcome in people, in points and in g, and how certain that is and why.

Certainty words and the sentences follow GRADE's informative statements (Santesso et al. 2020, J Clin
Epidemiol 119:126-135): chosen by certainty and by the size of the estimate in the protocol's words.
"""

from livingreview.report import prose
from livingreview.report.prose import count, interval, number

SYMBOL, EMPTY = "\u2295", "\u25ef"
LEVELS = ("very low", "low", "moderate", "high")
DOMAINS = {
    "risk_of_bias": "Risk of bias",
    "inconsistency": "Inconsistency",
    "indirectness": "Indirectness",
    "imprecision": "Imprecision",
    "publication_bias": "Publication bias",
}
RATINGS = {0: "not lowered", -1: "lowered by one level", -2: "lowered by two levels"}
NOT_JUDGED = "people must judge"
BASES = {
    "people": "judged by people",
    "both": "people’s judgement of some domains, the data’s suggestion for the others",
    "suggestion": "suggested from the data; nobody has judged it yet",
    "none": "",
}
DOES = {"high": "does", "moderate": "probably does", "low": "may do"}
MAKES = {"high": "makes", "moderate": "probably makes", "low": "may make"}
# Of the shares that are assumed, the one that the table shows; the others are folded away.
SHOWN = 20


def findings(context):
    """Everything that the section shows.

    Parameters
    ----------
    context : dict
        As `pages.build`; ``certainty`` is certainty.json.
    """
    config, found = context["config"], context["certainty"]
    rules = config["interpretation"]
    outcomes = {name: found["outcomes"][name] for name in config["outcomes"]}
    rows = [_row(name, row, rules=rules) for name, row in outcomes.items()]
    stale = [row["label"] for row in rows if row["stale"]]
    return {
        "level": prose.percent(100 * config["analysis"]["level"]),
        "rows": rows,
        "by_name": {row["name"]: row for row in rows},
        "in_points": any(row["points"] for row in rows),
        "suggested": _alone(outcomes, config),
        "stale": f"Judged on older data: {prose.listed(stale)}." if stale else "",
        "assumed": any(row["people"] and row["people"]["assumed"] for row in rows),
        "limits": _limits(found["rules"]),
    }


def _row(name, row, *, rules):
    level = row["certainty"]
    notes = _footnotes(row) if level else []
    return {
        "name": name,
        "label": row["label"],
        "evidence": _evidence(row),
        "effect": prose.number(row["estimate"]) if row["k"] else prose.NOT_ESTIMATED,
        "interval": interval(row["ci_low"], row["ci_high"]) if row["k"] else "",
        "points": _points(row["familiar_scale"]),
        "people": _people(row["people_improved"]),
        "symbols": symbols(level),
        "certainty": _certainty(row),
        "basis": f"{BASES[row['basis']]}, on older data" if row["stale"] else BASES[row["basis"]],
        "sentences": sentences(row, rules=rules),
        "stale": row["stale"],
        "footnotes": notes,
        "why": prose.sentence("; ".join(prose.lower_first(note["head"]) for note in notes)) + "."
        if notes
        else "Nothing lowers the certainty.",
        "domains": [_domain(key, label, row) for key, label in DOMAINS.items()] if row["k"] else [],
        "overall": _overall(row),
    }


def symbols(level):
    """GRADE's four signs, as ``⊕⊕⊕◯`` for moderate; "" without evidence."""
    if level is None:
        return ""
    full = LEVELS.index(level) + 1
    return SYMBOL * full + EMPTY * (len(LEVELS) - full)


def _certainty(row):
    if row["certainty"] is None:
        return "no evidence"
    lowest = row["certainty"] == LEVELS[0]
    return prose.sentence(
        row["certainty"] if lowest or not row["undecided"] else f"at most {row['certainty']}"
    )


def sentences(row, *, rules):
    """What is known of one outcome, in plain words; a list.

    Parameters
    ----------
    row : dict
        One outcome of certainty.json.
    rules : dict
        The protocol's ``interpretation``.
    """
    noun, level = prose.lower_first(row["label"]), row["certainty"]
    if level is None:
        return [f"No trial has numbers on {noun} that can be pooled, so the effect is not known."]
    if level == LEVELS[0]:
        treatment = prose.lower_first(rules["treatment"])
        return [f"The evidence is very uncertain about the effect of {treatment} on {noun}."]
    size = prose.size_word(row["estimate"], rules)
    side = "better" if row["estimate"] < 0 else "worse"
    # As in the sentences on each outcome: few trials, or an interval around zero, allow no more than "may".
    few = row["n_studies"] < rules["minimum_studies"]
    if few or (size is not None and prose.crosses_zero(row["ci_low"], row["ci_high"])):
        level = "low"
    if size is None:
        said = f"{rules['treatment']} {MAKES[level]} little or no difference to {noun}."
    else:
        said = f"{rules['treatment']} {DOES[level]} {size} {side} than control on {noun}."
    if not row["undecided"]:
        return [said]
    waiting = prose.listed(DOMAINS[name].lower() for name in row["undecided"])
    have = "has" if len(row["undecided"]) == 1 else "have"
    return [said, f"It may be less certain than that: {waiting} {have} not been judged."]


def _evidence(row):
    if not row["k"]:
        return "no trial"
    text = prose.comparisons(row["k"], row["n_studies"])
    unknown = row["n_participants_unknown_rows"]
    if prose.missing(row["n_participants"]) or unknown == row["k"]:
        return f"{text}; no number of participants is stated"
    people = f"{count(row['n_participants'])} participants"
    return f"{text}; {people}" + (f" in the {count(row['k'] - unknown)} that state them" if unknown else "")


def _points(scale):
    """The effect in points of an instrument, or None where there is no such scale or number."""
    if scale is None or prose.missing(scale["estimate"]):
        return None
    low, high = scale["ci_low"], scale["ci_high"]
    limits = "" if prose.missing(low) else f" ({_lower(low)} to {_lower(high)})"
    return {
        "value": f"{_lower(scale['estimate'])}{limits}",
        "scale": f"{scale['instrument']}, {scale['unit']}; {_better(scale)}",
        "sd": _sd(scale),
        "rows": [
            f"{row['row_id']}: SD {number(row['sd'])}, {prose.plural(row['n'], 'person', 'people')}"
            for row in scale["rows"]
        ],
    }


def _better(scale):
    return "lower is better" if scale["higher_is"] == "worse" else "higher is better"


def _lower(value):
    """``0.71 lower``, ``0.20 higher``, ``0.00``: a difference as summaries of findings print it."""
    text = number(abs(value))
    if float(text.replace(",", "")) == 0:
        return text
    return f"{text} {'lower' if value < 0 else 'higher'}"


def _sd(scale):
    sd = number(scale["sd"])
    if not scale["rows"]:
        return f"g times a standard deviation of {sd} ({scale['source']})"
    trials = prose.plural(len(scale["rows"]), "trial")
    text = f"g times {sd}, the standard deviation in the control arms of the {trials} that used it"
    if len(scale["rows"]) == 1:
        text = f"g times {sd}, the standard deviation in the control arm of the one trial that used it"
    left = scale["n_without"]
    return f"{text}; {prose.plural(left, 'other')} did not state theirs" if left else text


def _people(rows):
    """People of 100 who improve: the row that the table shows, and all rows."""
    if not rows:
        return None
    shown = next((row for row in rows if row["control"] == SHOWN and row["source"] is None), rows[0])
    one = _improved(shown)
    return {
        "control": one["control"],
        "treated": one["treated"],
        "interval": one["interval"],
        "assumed": shown["source"] is None,
        "rows": [_improved(row) for row in rows],
    }


def _improved(row):
    limits = "" if prose.missing(row["treated_low"]) else _whole(row["treated_low"], row["treated_high"])
    return {
        "control": number(row["control"], 0),
        "treated": number(row["treated"], 0),
        "interval": limits,
        "difference": _more(row["treated"] - row["control"]),
        "source": row["source"] or "assumed",
    }


def _whole(low, high):
    return f"{number(low, 0)} to {number(high, 0)}"


def _more(value):
    whole = number(abs(value), 0)
    if whole == "0":
        return "no difference"
    return f"{whole} {'more' if value > 0 else 'fewer'}"


def _in_force(name, row):
    """The judgement that counts in one domain, and whose it is."""
    if name in row["people"]:
        return row["people"][name], "people"
    return row["suggested"][name], "suggestion"


def _footnotes(row):
    """Why the certainty is not higher: one line for each level taken, or domain that nobody judged."""
    if "overall" in row["people"]:
        reason = row["people"]["overall"]["reason"]
        return [{"head": f"Judged as a whole: {prose.lower_first(reason).rstrip('.')}", "text": reason}]
    notes = []
    for name, label in DOMAINS.items():
        found, whose = _in_force(name, row)
        if found["rating"] == 0:
            continue
        told = NOT_JUDGED if found["rating"] is None else RATINGS[found["rating"]]
        by = f" (by {found['by']})" if whose == "people" else ""
        notes.append({"head": f"{label}: {told}{by}", "text": found["reason"]})
    return notes


def _domain(name, label, row):
    suggested, people = row["suggested"][name], row["people"].get(name)
    return {
        "label": label,
        "suggested": _told(suggested["rating"]),
        "reason": suggested["reason"],
        "people": _told(people["rating"]) if people else "Not judged",
        "why": people["reason"] if people else "",
        "by": f"{people['by']}, {prose.month(people['run'])}" if people else "",
        "since": people["since"] if people else "",
        "differs": name in row["differences"],
    }


def _told(rating):
    return prose.sentence(NOT_JUDGED if rating is None else RATINGS[rating])


def _overall(row):
    """A person's judgement of the whole, which counts whatever the domains add up to; None without."""
    people = row["people"].get("overall")
    if people is None:
        return None
    return {
        "level": prose.sentence(row["certainty"] or "no evidence"),
        "reason": people["reason"],
        "by": f"{people['by']}, {prose.month(people['run'])}",
        "since": people["since"],
    }


def _alone(outcomes, config):
    """For which outcomes only the suggestion exists, in one sentence; "" where people judged all."""
    names = [
        config["outcomes"][name]["short"] for name, row in outcomes.items() if row["basis"] == "suggestion"
    ]
    if not names:
        return ""
    if len(names) == sum(row["certainty"] is not None for row in outcomes.values()):
        return "No person has judged the certainty yet: every rating here is a suggestion from the data."
    return f"Only the data’s suggestion exists for {prose.listed(names)}; no person has judged these."


def _limits(rules):
    """The limits behind the suggestion, as they are in force; a list of sentences."""
    bias, spread = rules["risk_of_bias"], rules["inconsistency"]
    width, small, fit = rules["imprecision"], rules["publication_bias"], rules["indirectness"]
    zone = f"±{number(rules['smallest_effect'])}"
    one = [
        f"Risk of bias lowers by one level from {number(bias['serious_high'], 0)}% of the weight at high"
        f" risk, or {number(bias['serious_not_low'], 0)}% not at low risk, by two from"
        f" {number(bias['very_serious_high'], 0)}% at high risk; nothing is suggested where that depends on"
        f" trials without judgement that hold more than {number(bias['unknown'], 0)}% of the weight.",
        f"Inconsistency lowers by one where the prediction interval (from {spread['prediction_from']} effects"
        f" on) holds another kind of effect than the confidence interval and I² is"
        f" {number(spread['unimportant'], 0)}% or more; with fewer effects where I² is"
        f" {number(spread['substantial'], 0)}% or more. By two where the effects point both ways and I² is"
        f" {number(spread['considerable'], 0)}% or more.",
        f"Imprecision lowers by one for each end of the smallest effect of interest ({zone}) that the"
        f" interval holds; or by one where it holds neither and the participants are fewer than a trial"
        f" would need to see g {number(width['effect'])} (two-sided α {number(width['alpha'])},"
        f" power {number(width['power'])}).",
        f"Publication bias lowers by one where a test has p below {number(small['p'])} and at least half of"
        f" the adjustments move the estimate by {number(small['shift'])} or more towards no effect; it is not"
        f" tested with fewer than {small['tests_from']} effects.",
    ]
    if not fit["direct"]:
        return [*one, "Indirectness is left to people: the protocol does not say which groups are direct."]
    return [
        *one,
        f"Indirectness lowers by one from {number(fit['serious'], 0)}% of the weight outside the groups that"
        f" the protocol calls direct, by two from {number(fit['very_serious'], 0)}%.",
    ]
