"""What each trigger looks at: before and after, and whether a threshold lies between.

`before` and `after` are the numbers of one outcome in changes.json, `rules` is from ``triggers.settings``.
"""

import math
from dataclasses import dataclass

from livingreview.living.certainty_domains import DOMAINS, minus

# A share of participants means little where this part of the comparisons does not print its number.
UNKNOWN_ROWS = 0.5
# Values of people's tables that name no population, comparator or condition.
NO_VALUE = {"", "unknown", "unclassified"}
# What is looked at among included trials, with the column of studies.
COVERED = {"population": "population", "comparator": "comparator_class", "condition": "condition"}


SMALLEST_PRINTED = 0.005  # smaller ones round to 0.00
MOST_DECIMALS = 6


@dataclass(frozen=True)
class Found:
    """What one rule found: whether it fired (None: not evaluated), its numbers, threshold and sentence."""

    fired: bool | None
    sentence: str
    numbers: dict
    threshold: object = None


def cannot(reason, threshold=None, **numbers):
    """A rule that cannot be evaluated, with the reason (half a sentence)."""
    return Found(None, f"Cannot be evaluated: {reason}.", numbers, threshold)


def has(state, *names):
    """Whether a state has all of some numbers."""
    return state is not None and not any(state.get(name) is None or math.isnan(state[name]) for name in names)


def _interval(state, kind="ci"):
    return f"{_end(state[f'{kind}_low'])} to {_end(state[f'{kind}_high'])}"


def _end(value):
    """An end of an interval; one that is not zero is not printed as 0.00, since its side is what counts."""
    if 0 < abs(value) < SMALLEST_PRINTED:
        return minus(value, min(-math.floor(math.log10(abs(value))), MOST_DECIMALS))
    return minus(value)


def _ends(before, after, kind):
    return {
        f"{when}_{kind}_{end}": state[f"{kind}_{end}"]
        for when, state in (("before", before), ("after", after))
        for end in ("low", "high")
    }


def _holds(state, value, kind="ci"):
    return state[f"{kind}_low"] <= value <= state[f"{kind}_high"]


def estimate_appears(before, after):
    """Whether there was no estimate and is one now, or the other way round."""
    then, now = has(before, "estimate"), has(after, "estimate")
    numbers = {"before_k": 0 if before is None else before["k"], "after_k": after["k"]}
    if then != now:
        sentence = "There was no estimate, and there is one now." if now else "The estimate is gone."
        return Found(True, sentence, numbers)
    sentence = "There was an estimate then and there is one now." if now else "No estimate yet."
    return Found(False, sentence, numbers)


def no_effect(before, after, _):
    """Whether the confidence interval holds zero, then and now."""
    numbers = _ends(before, after, "ci")
    if not (has(before, "ci_low", "ci_high") and has(after, "ci_low", "ci_high")):
        return cannot("there is no interval then or now", 0)
    then, now = _holds(before, 0), _holds(after, 0)
    words = f"{_interval(before)} then, {_interval(after)} now"
    if then == now:
        does = (
            "included zero, no effect, and still does"
            if now
            else "did not include zero, no effect, and does not now"
        )
        return Found(False, f"The interval {does} ({words}).", numbers, 0)
    does = "now includes" if now else "no longer includes"
    return Found(True, f"The interval {does} zero, no effect ({words}).", numbers, 0)


def smallest_effect(before, after, rules):
    """Which of the two limits, plus and minus the smallest effect of interest, the interval holds."""
    size = rules["smallest_effect"]
    if not (has(before, "ci_low", "ci_high") and has(after, "ci_low", "ci_high")):
        return cannot("there is no interval then or now", size)
    limits = (-size, size) if size else (0,)
    then, now = ({value for value in limits if _holds(state, value)} for state in (before, after))
    numbers = _ends(before, after, "ci")
    words = f"±{size:.2f}; {_interval(before)} then, {_interval(after)} now"
    if then == now:
        text = f"The interval lies as before against the smallest effect of interest ({words})."
        return Found(False, text, numbers, size)
    parts = [f"now includes {minus(value)}" for value in sorted(now - then)]
    parts += [f"no longer includes {minus(value)}" for value in sorted(then - now)]
    text = f"The interval {' and '.join(parts)}, the smallest effect of interest ({words})."
    return Found(True, text, numbers, size)


def leaves_interval(before, after, _):
    """Whether the estimate lies outside the confidence interval of the release."""
    if not has(before, "ci_low", "ci_high"):
        return cannot("the release has no interval")
    limits = [before["ci_low"], before["ci_high"]]
    numbers = {"after_estimate": after["estimate"], "before_ci_low": limits[0], "before_ci_high": limits[1]}
    inside = _holds(before, after["estimate"])
    where = "lies inside" if inside else "has left"
    text = (
        f"The estimate, {minus(after['estimate'])}, {where} the interval of the release, {_interval(before)}."
    )
    return Found(not inside, text, numbers, limits)


def ratio(before, after, rules):
    """New estimate over old, where the old one is not too near zero for that."""
    floor, below, above = (rules[name] for name in ("ratio_floor", "ratio_below", "ratio_above"))
    numbers = {"before_estimate": before["estimate"], "after_estimate": after["estimate"]}
    threshold = {"below": below, "above": above, "floor": floor}
    if abs(before["estimate"]) < floor or before["estimate"] == 0:
        text = (
            f"the old effect, {minus(before['estimate'])}, is too near zero for a ratio (below {floor:.2f})"
        )
        return cannot(text, threshold, **numbers)
    ratio = after["estimate"] / before["estimate"]
    fired = ratio <= below or ratio >= above
    text = (
        f"The estimate is {minus(ratio)} times what it was ({minus(before['estimate'])} then,"
        f" {minus(after['estimate'])} now); the rule asks for {below:g} or less, or {above:g} or more."
    )
    return Found(fired, text, numbers | {"ratio": ratio}, threshold)


def prediction_side(before, after, _):
    """Whether the prediction interval holds zero, then and now, or has gone to the other side."""
    if not has(before, "pi_low", "pi_high"):
        return cannot("the release has no prediction interval", 0)
    if not has(after, "pi_low", "pi_high"):
        return cannot("there is no prediction interval now", 0)
    then, now = _holds(before, 0, "pi"), _holds(after, 0, "pi")
    words = f"{_interval(before, 'pi')} then, {_interval(after, 'pi')} now"
    # Two intervals that lie wholly on opposite sides both miss zero, and have changed side all the same.
    fired = then != now or (not now and before["pi_high"] * after["pi_high"] < 0)
    if fired:
        does = (
            "now holds zero" if now else "no longer holds zero" if then else "lies on the other side of zero"
        )
    else:
        does = "held zero and still does" if now else "did not hold zero and does not now"
    return Found(fired, f"The prediction interval {does} ({words}).", _ends(before, after, "pi"), 0)


def heterogeneity(before, after, rules):
    """The class of I², by limits at which the next class begins."""
    classes = rules["heterogeneity_classes"]
    numbers = {"before_I2": before.get("I2"), "after_I2": after.get("I2")}
    if not (has(before, "I2") and has(after, "I2")):
        return cannot("heterogeneity is not defined for fewer than two trials", classes, **numbers)
    then, now = (sum(state["I2"] >= limit for limit in classes) for state in (before, after))
    limits = ", ".join(f"{limit:g}" for limit in classes)
    words = f"I² {before['I2']:.0f}% then, {after['I2']:.0f}% now; classes begin at {limits}%"
    text = "Heterogeneity stays in its class" if then == now else "Heterogeneity is in another class"
    return Found(then != now, f"{text} ({words}).", numbers, classes)


def participants(before, added, percent):
    """Participants of the rows that came into the pool, in per cent of those of the release."""
    if added is None:
        return cannot("the new participants are not counted", percent)
    people, unknown = before.get("n_participants"), before.get("n_participants_unknown_rows") or 0
    numbers = {
        "before_participants": people,
        "before_unknown_rows": unknown,
        "new_participants": added["known"],
        "new_unknown_rows": added["unknown_rows"],
    }
    if not has(before, "n_participants") or not people or unknown >= UNKNOWN_ROWS * before["k"]:
        text = f"{unknown:g} of {before['k']:g} comparisons of the release do not print their participants"
        return cannot(text, percent, **numbers)
    new = 0 if added["known"] is None or math.isnan(added["known"]) else added["known"]
    share = 100 * new / people
    if share <= percent and added["unknown_rows"]:
        text = f"{added['unknown_rows']:g} of the new comparisons print no number, and may make up the share"
        return cannot(text, percent, share=share, **numbers)
    text = f"{new:,.0f} participants new to this pool beside {people:,.0f}, {share:.0f}%; the rule asks for"
    text += f" more than {percent:g}%."
    rows = unknown + added["unknown_rows"]
    text += f" Comparisons that do not print their number: {rows:g}." if rows else ""
    return Found(share > percent, text, numbers | {"share": share}, percent)


def certainty(before, after):
    """The ratings of the domains that are rated both then and now."""
    if not before:
        return cannot("the release kept no ratings of certainty")
    if not after:
        return cannot("there are no ratings of certainty now")
    both = [d for d in DOMAINS if before.get(d) is not None and after.get(d) is not None]
    numbers = {domain: {"before": before[domain], "after": after[domain]} for domain in both}
    if not both:
        return cannot("no domain has a rating both then and now")
    moved = [domain for domain in both if before[domain] != after[domain]]
    if not moved:
        left = len(DOMAINS) - len(both)
        more = f"; {left} without a rating then or now" if left else ""
        return Found(False, f"No domain of certainty is rated otherwise{more}.", numbers)
    parts = [f"{d.replace('_', ' ')} from {minus(before[d], 0)} to {minus(after[d], 0)}" for d in moved]
    return Found(True, f"Rated otherwise: {', '.join(parts)}.", numbers)


RULES = {
    "no_effect": no_effect,
    "smallest_effect": smallest_effect,
    "leaves_interval": leaves_interval,
    "ratio": ratio,
    "prediction_side": prediction_side,
    "heterogeneity": heterogeneity,
}


def new_values(name, before, after):
    """Values of a column of studies that no trial included at the release had."""
    if not before:
        return cannot("the release has no included trial")
    then, now = (_values(of, COVERED[name]) for of in (before, after))
    new = sorted(now.keys() - then.keys())
    numbers = {"new": {value: now[value] for value in new}, "known": sorted(then)}
    if not new:
        return Found(False, f"Every {name} of the included trials was among them at the release.", numbers)
    parts = [f"{value.replace('_', ' ')} ({', '.join(now[value])})" for value in new]
    return Found(True, f"New among the included trials: {'; '.join(parts)}.", numbers)


def _values(studies, column):
    """What trials have in a column (several with semicolons between), with the labels of those trials."""
    found = {}
    for about in studies.values():
        for value in str(about.get(column) or "").split(";"):
            if value.strip() not in NO_VALUE:
                found.setdefault(value.strip(), []).append(about["label"])
    return {value: sorted(labels) for value, labels in found.items()}


def retraction(release, notices, studies):
    """Trials that are out because of a notice that came after the release, or that the release had in."""
    then = studies[0]
    out = notices[(notices["effect"] == "excluded") & notices["study_id"].notna()]
    new = {
        row["study_id"]: row["notices"] or ""
        for row in out.to_dict("records")
        if row["since_run"] > release["run"] or row["study_id"] in then
    }
    numbers = {"retracted": sorted(new)}
    if not new:
        return Found(False, "No included trial has been retracted since the release.", numbers)
    # A study that came after the release, and is out now, has its name beside its notice.
    named = {row["study_id"]: row.get("label") for row in out.to_dict("records")}
    labels = [then.get(study, {}).get("label") or named[study] or study for study in sorted(new)]
    return Found(True, f"Retracted since the release: {', '.join(labels)}.", numbers)
