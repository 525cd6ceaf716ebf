"""The triggers of the protocol: fired, not fired or not evaluated, each with its numbers."""

from livingreview.report import prose

FIRED, NOT_FIRED, NOT_EVALUATED = "fired", "not fired", "not evaluated"


def triggers(context):
    """The triggers: those that fired, by outcome in the protocol's order, and each rule with its states."""
    found, config = context["triggers"], context["config"]
    names = {name: declared["short"] for name, declared in config["outcomes"].items()}
    rows = [row for row in found["triggers"] if row["outcome"] is None or row["outcome"] in names]
    order = [*names, None]
    rows.sort(key=lambda row: order.index(row["outcome"]))
    fired = [row for row in rows if row["state"] == FIRED]
    rules = list(dict.fromkeys(row["name"] for row in found["triggers"]))
    return {
        "release": found["release"]["version"] if found["release"] else None,
        "lead": _lead(rows, fired),
        "fired": [_told(row, names) for row in fired],
        "where": _where(fired, names),
        "short": _short(rows, fired, names),
        "rules": [_rule(of_rule, names) for name in rules if (of_rule := _of(rows, name))],
    }


def _where(fired, names):
    """For how many rules each outcome, or the review, is in question: one phrase each."""
    places = [names.get(row["outcome"], "the review") for row in fired]
    return [f"{place} {places.count(place)}" for place in dict.fromkeys(places)]


def _short(rows, fired, names):
    """The first screen's sentence: how many rules say that conclusions may have moved, and where."""
    checked = sum(row["state"] != NOT_EVALUATED for row in rows)
    if not fired:
        return f"None of {prose.count(checked)} rules that could be evaluated fired."
    where = ", ".join(_where(fired, names))
    verb = "says" if len(fired) == 1 else "say"
    n = f"{prose.count(len(fired))} of {prose.count(checked)} rules"
    return f"{n} {verb} that conclusions may have moved: {where}."


def _of(rows, name):
    return [row for row in rows if row["name"] == name]


def _lead(rows, fired):
    states = [row["state"] for row in rows]
    checked = len(states) - states.count(NOT_EVALUATED)
    n = prose.plural(len(fired), "trigger") if fired else "No trigger"
    text = f"{n} fired of {prose.count(checked)} that could be evaluated."
    left = states.count(NOT_EVALUATED)
    if left:
        text += f" {prose.count(left)} could not be evaluated; the reason stands with each."
    return text


def _told(row, names):
    where = names.get(row["outcome"], "The review")
    return {"where": where, "rule": row["rule"], "sentence": row["sentence"]}


def _rule(rows, names):
    """One rule: how it stands for each outcome, or for the review."""
    told = [_told(row, names) | {"state": row["state"]} for row in rows]
    counts = {
        state: sum(row["state"] == state for row in rows) for state in (FIRED, NOT_FIRED, NOT_EVALUATED)
    }
    return {
        "rule": rows[0]["rule"],
        "summary": ", ".join(f"{state} {n}" if len(rows) > 1 else state for state, n in counts.items() if n),
        "rows": told,
    }
