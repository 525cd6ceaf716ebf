"""Numbers and sentences of the report.

Every number that a reader sees is formatted here, and every sentence with a number in it is made from that
number, so that no sentence can outlive the result it describes. Direction and size words follow the
``interpretation`` part of the protocol and the interval; no word depends on a p-value.
"""

import datetime
import math
import re

MINUS = "\u2212"
NBSP = "\u00a0"
NOT_ESTIMATED = "\u2013"
WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
COMPARATORS = {
    "waitlist": "waiting list",
    "usual_care": "usual care",
    "attention": "attention control",
    "active": "another treatment",
    "information": "information",
    "unknown": "not stated",
}
CAUSES = {
    "added": "added",
    "admitted": "let into the pool",
    "set_aside": "set aside",
    "removed": "removed",
    "retracted": "retracted",
}
LARGEST = 3  # so many causes of a move are told on the first screen
NAMED = 3  # up to so many trials are named in one line; more are counted


def missing(value):
    """Whether a value is absent: None or NaN."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def number(value, decimals=2):
    """A number with fixed decimals and a real minus sign; what rounds to zero carries no sign."""
    if missing(value):
        return NOT_ESTIMATED
    text = f"{value:,.{decimals}f}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def signed(value, decimals=2):
    """A difference: like `number`, with a plus sign where it is positive as printed."""
    text = number(value, decimals)
    if missing(value) or text.startswith(MINUS) or float(text.replace(",", "")) == 0:
        return text
    return f"+{text}"


def effect(value):
    """An effect inside a sentence: ``g −0.31``, held together by a space that does not break."""
    return f"g{NBSP}{number(value)}"


def interval(low, high, decimals=2):
    """An interval as ``[−0.40, −0.22]``, or a dash where it was not estimated."""
    if missing(low) or missing(high):
        return NOT_ESTIMATED
    return f"[{number(low, decimals)}, {number(high, decimals)}]"


def spoken_interval(low, high, decimals=2):
    """An interval inside a sentence: ``−0.40 to −0.22``."""
    return f"{number(low, decimals)} to {number(high, decimals)}"


def count(value):
    """A whole number, thousands separated by commas."""
    return NOT_ESTIMATED if missing(value) else f"{int(value):,}"


def spelled(value):
    """A whole number in a sentence: in words below ten."""
    return WORDS[int(value)] if 0 <= value < len(WORDS) else count(value)


def plural(value, one, many=None):
    """``1 trial``, ``2 trials``."""
    return f"{count(value)} {one if value == 1 else many or one + 's'}"


def spelled_plural(value, one, many=None):
    """``one trial``, ``no trials``, ``12 trials``."""
    return f"{spelled(value)} {one if value == 1 else many or one + 's'}"


def percent(value, decimals=0):
    """A percentage that is stored as 0 to 100."""
    return NOT_ESTIMATED if missing(value) else f"{number(value, decimals)}%"


def p_value(value):
    """``p = 0.032``, ``p < 0.001``."""
    if missing(value):
        return f"p {NOT_ESTIMATED}"
    return f"p{NBSP}<{NBSP}0.001" if value < 0.001 else f"p{NBSP}={NBSP}{value:.3f}"


def sentence(text):
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def listed(items, last="and"):
    """``a``, ``a and b``, ``a, b and c``."""
    items = list(items)
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def day(text):
    """An ISO date or time as ``1 November 2026``."""
    if missing(text) or not text:
        return NOT_ESTIMATED
    date = datetime.date.fromisoformat(str(text)[:10])
    return f"{date.day} {date:%B %Y}"


def month(run):
    """A run as ``November 2026``."""
    return f"{datetime.date.fromisoformat(f'{run}-01'):%B %Y}"


def size_word(estimate, rules):
    """How large an effect is, in the words of the protocol's thresholds (absolute values).

    Returns
    -------
    str or None
        None below the threshold of no effect.
    """
    size = abs(estimate)
    if size < rules["no_effect"]:
        return None
    if size < rules["small"]:
        return "very slightly"
    if size < rules["moderate"]:
        return "a little"
    if size < rules["large"]:
        return "moderately"
    return "a lot"


def certainty_of_direction(low, high, rules):
    """Where an interval lies against the protocol's zone of no effect (plus and minus ``no_effect``).

    Returns
    -------
    str
        ``clear`` (wholly beyond the zone on one side), ``reaches`` (beyond it on one side, ends in it),
        ``none`` (wholly inside), ``open`` (beyond it on both sides), ``unknown`` (no interval).
    """
    if missing(low) or missing(high):
        return "unknown"
    zone = rules["no_effect"]
    if high < -zone or low > zone:
        return "clear"
    if low >= -zone and high <= zone:
        return "none"
    if low < -zone and high > zone:
        return "open"
    return "reaches"


def crosses_zero(low, high):
    """Whether an interval holds zero; False where there is none."""
    return not missing(low) and not missing(high) and low <= 0 <= high


def outcome_sentences(row, *, label, rules, level, single=None):
    """What the evidence says on one outcome, as a list of sentences.

    Parameters
    ----------
    row : dict
        The ``main`` estimate of one outcome.
    label : str
        The outcome as the protocol names it.
    rules : dict
        The protocol's ``interpretation``.
    level : float
        Confidence level, 0 to 1.
    single : str, optional
        Label of the one trial where k is 1.
    """
    noun = lower_first(label)
    if row["k"] == 0:
        return [f"No trial has numbers on {noun} that can be pooled, so nothing is estimated."]
    ci = f"{percent(100 * level)}{NBSP}CI {spoken_interval(row['ci_low'], row['ci_high'])}"
    if row["k"] == 1:
        name = f" ({single})" if single else ""
        return [
            f"Only one trial{name} has usable numbers on {noun}: {effect(row['estimate'])}, {ci}.",
            "It is shown as it stands; one trial is not a pooled result.",
        ]
    said = [_effect_sentence(row, noun=noun, rules=rules, ci=ci)]
    said += _direction_sentences(row, rules)
    if row["n_studies"] < rules["minimum_studies"]:
        text = f"With {spelled_plural(row['n_studies'], 'trial')} this is uncertain, whatever the interval."
        said.append(text)
    said += _prediction_sentences(row, rules)
    return said


def _effect_sentence(row, *, noun, rules, ci):
    size = size_word(row["estimate"], rules)
    side = "better" if row["estimate"] < 0 else "worse"
    where = certainty_of_direction(row["ci_low"], row["ci_high"], rules)
    evidence = f"{effect(row['estimate'])}, {ci}; {comparisons(row['k'], row['n_studies'])}{_people(row)}"
    certain = row["ci_low"] * row["ci_high"] > 0 and row["n_studies"] >= rules["minimum_studies"]
    verb = "did" if certain else "may do"
    if size is None or where == "none":
        made = "made" if where == "none" else "may make"
        return f"{rules['treatment']} {made} little or no difference to {noun} ({evidence})."
    return f"{rules['treatment']} {verb} {size} {side} than control on {noun} ({evidence})."


def _people(row):
    """How many participants, and on how many rows that number rests where not all print it."""
    if missing(row["n_participants"]):
        return ""
    people = f", {count(row['n_participants'])} participants"
    unknown = row["n_participants_unknown_rows"]
    return f"{people} in the {count(row['k'] - unknown)} that state their number" if unknown else people


def _direction_sentences(row, rules):
    zone = f"{MINUS}{number(rules['no_effect'])} to {number(rules['no_effect'])}"
    where = certainty_of_direction(row["ci_low"], row["ci_high"], rules)
    if where == "open":
        return ["The interval includes both benefit and harm, so the direction is open."]
    if where == "reaches":
        return [f"The interval reaches into the range that the protocol counts as no effect ({zone})."]
    return []


def _prediction_sentences(row, rules):
    low, high = row["pi_low"], row["pi_high"]
    if missing(low) or missing(high):
        return ["A prediction interval cannot be estimated from so few trials."]
    text = f"In a new setting the effect may lie between {number(low)} and {number(high)}"
    zone = rules["no_effect"]
    if low < -zone and high > zone:
        return [f"{text}, from benefit to harm."]
    if high > -zone and low < -zone:
        return [f"{text}, from benefit to no effect."]
    return [f"{text}."]


def comparisons(k, n_studies):
    """``24 comparisons from 20 trials``, or ``7 trials`` where each trial gives one."""
    if k == n_studies:
        return plural(n_studies, "trial")
    return f"{plural(k, 'comparison')} from {plural(n_studies, 'trial')}"


def lower_first(label):
    """A label inside a sentence; an abbreviation keeps its capitals."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def standing(after, before, rules):
    """The word column: what a reader should know about the result in a few words.

    Rules, first that fits: no usable numbers; one trial; fewer trials than the protocol asks for; the
    interval holds zero (with *now* where the last release's did not); stands.
    """
    if after["k"] == 0:
        return "no trial with usable numbers"
    if after["k"] == 1:
        return "one trial, not pooled"
    if after["n_studies"] < rules["minimum_studies"]:
        return f"uncertain: {plural(after['n_studies'], 'trial')}"
    crosses = crosses_zero(after["ci_low"], after["ci_high"])
    had = before is not None and not missing(before["ci_low"])
    crossed = had and crosses_zero(before["ci_low"], before["ci_high"])
    if crosses:
        if had and not crossed:
            return "changed: interval now includes zero"
        return "unclear: interval includes zero"
    return "changed: interval no longer includes zero" if crossed else "stands"


def cause(change):
    """Why an estimate differs from the release: what was added, removed and corrected, named if few.

    Parameters
    ----------
    change : dict
        One outcome of ``changes.json``.
    """
    if change.get("causes"):
        return _causes(change)
    parts = [_cause_part(change[what], what) for what in ("added", "removed", "corrected") if change[what]]
    if parts:
        return "; ".join(parts)
    if change["before"] is None:
        return "not an outcome of the last release"
    if missing(change["difference"]):
        return "no usable numbers then or now"
    if round(change["difference"], 10) != 0:
        return "same trials and values; the method or the software differs"
    return "no change in the data"


def _causes(change):
    """The largest causes of a move, each with its share where there are several; the rest counted."""
    shares = {part["cause"]: part["estimate"] for part in change.get("shapley") or []}
    parts = change["causes"]
    if len(parts) < 2 or len(shares) != len(parts):
        return "; ".join(map(cause_words, parts))
    parts = sorted(parts, key=lambda part: -abs(shares[part["cause"]]))
    # A retraction is named however little it moved.
    told = [part for at, part in enumerate(parts) if at < LARGEST or part["cause"] == "retracted"]
    told = [p for p in told if float(f"{shares[p['cause']]:.2f}") or p["cause"] == "retracted"] or parts[:1]
    if len(told) + 1 == len(parts):
        told = parts  # to name the last one is no longer than to count it
    said = [f"{cause_words(part)}: {signed(shares[part['cause']])}" for part in told]
    others = [shares[part["cause"]] for part in parts if part not in told]
    if others:
        said.append(f"{len(others)} other causes: {signed(sum(others))}")
    return "; ".join(said)


def cause_words(part):
    """One cause of a move: ``1 trial added (Example 2020)``, ``values corrected in 2 trials`` and so on.

    Parameters
    ----------
    part : dict
        One of the ``causes`` of an outcome of changes.json.
    """
    if part["cause"] == "method":
        return "method changed"
    trials, n_rows = part["trials"], part["n_rows"]
    labels = [trial["label"] for trial in trials]
    names = f" ({listed(labels)})" if len(labels) <= NAMED else ""
    if part["cause"] == "corrected":
        return f"values corrected in {plural(len(trials), 'trial')}{names}"
    noun = plural(len(trials), "trial")
    if part["cause"] == "redivided":
        return f"shared control divided anew in {noun}{names}"
    if n_rows != len(trials):
        noun += f" with {plural(n_rows, 'comparison')}"
    return f"{noun} {CAUSES[part['cause']]}{names}"


def _cause_part(rows, what):
    trials = {row["study"] for row in rows}
    noun = plural(len(trials), "trial")
    labels = list(dict.fromkeys(row["label"] for row in rows))
    names = f" ({listed(labels)})" if len(labels) <= NAMED else ""
    if what == "corrected":
        return f"values corrected in {noun}{names}"
    if len(rows) != len(trials):
        noun += f" with {plural(len(rows), 'comparison')}"
    return f"{noun} {what}{names}"


def difference(change):
    """The difference since the release as printed: a signed number, ``none``, ``new`` or a dash."""
    before, after = change["before"], change["after"]
    had = before is not None and not missing(before["estimate"])
    has = after is not None and not missing(after["estimate"])
    if not had:
        return "new" if has else NOT_ESTIMATED
    if not has:
        return "withdrawn"
    if change["difference"] is not None and round(change["difference"], 10) == 0:
        return "none"
    return signed(change["difference"])


def heterogeneity(row):
    """Heterogeneity of one pool in one line, each number with the method that made it."""
    if row["k"] < 2:
        return "Heterogeneity is not defined for fewer than two trials."
    limits = interval(row.get("tau2_ci_low"), row.get("tau2_ci_high"), 3)
    found = f", {row['method_tau2_ci']} interval {limits}" if limits != NOT_ESTIMATED else ""
    return (
        f"{spread(row)} (τ²: {method(row['method_tau2'])}{found}; I²: {method(row['method_I2'])});"
        f" Q{NBSP}={NBSP}{number(row['QE'])} on {plural(row['QE_df'], 'degree')} of freedom,"
        f" {p_value(row['QE_p'])}. Confidence interval: {method(row['method_ci'])}."
        f" Prediction interval: {method(row['method_pi'])}."
    )


def spread(row):
    """``τ² = 0.028, I² = 49%``."""
    return f"τ²{NBSP}={NBSP}{number(row['tau2'], 3)}, I²{NBSP}={NBSP}{percent(row['I2'])}"


def method(name):
    """A method's name as the pooling wrote it, with the signs of print."""
    return re.sub(r"\bk-(\d)", rf"k{NBSP}{MINUS}{NBSP}\1", name.replace("tau2", "τ²"))


def this_month(status):
    """The counts of this run as a list of short phrases, in the order of the workflow."""
    parts = [
        f"{plural(status['n_matched'], 'record')} matched",
        f"{count(status['n_new_records'] + status['n_new_other'])} new",
        f"{count(status['n_decided_this_run'])} decided",
        f"{count(status['n_included_this_run'])} included",
        f"{count(status['n_queue'])} waiting for a person",
    ]
    if status["n_new_other"]:
        parts[1] += f" ({count(status['n_new_other'])} from other sources)"
    if status["oldest_waiting_since"]:
        parts[-1] += f" (the oldest since {month(status['oldest_waiting_since'])})"
    parts += [
        f"{count(status[key])} of these for {whom}"
        for key, whom in (("n_second_reviewer", "a second reviewer"), ("n_conflicts", "an adjudicator"))
        if status[key]
    ]
    if status["alerts"]:
        parts.append(f"{plural(len(status['alerts']), 'change')} in known records to look at")
    missing = status["sentinels"]["missing"]
    if missing:
        parts.append(f"{plural(len(missing), 'included record')} not found by the query")
    return parts


def attrition_range(studies):
    """Attrition over the trials as one sentence: how many state it, and from where to where."""
    values = [row["attrition_percent"] for row in studies if not missing(row["attrition_percent"])]
    if not values:
        return "No source used here states attrition."
    derived = sum(
        1
        for row in studies
        if not missing(row["attrition_percent"]) and str(row["attrition_basis"] or "").startswith("derived")
    )
    text = (
        f"Attrition is known for {count(len(values))} of {plural(len(studies), 'trial')}: "
        f"{percent(min(values), 1)} to {percent(max(values), 1)}"
    )
    return (
        f"{text}; {spelled(derived)} of these figures derived from printed numbers."
        if derived
        else f"{text}."
    )


def excerpt(text, length=160):
    """The text cut at a word boundary."""
    text = str(text or "")
    return text if len(text) <= length else text[:length].rsplit(" ", 1)[0] + " …"


def comparator(text):
    """A comparator class (two with a semicolon where a trial has two) in words."""
    if missing(text) or not text:
        return "not stated"
    return "; ".join(COMPARATORS.get(part.strip(), part.strip()) for part in str(text).split(";"))


def instrument(text):
    """An instrument, or that the source names none."""
    return "not stated" if missing(text) or not text else str(text)


def first_author(authors):
    """The first of a "; "-separated list of authors, with "et al." where others follow."""
    first, *others = str(authors or "").split("; ")
    return f"{first} et al." if others else first
