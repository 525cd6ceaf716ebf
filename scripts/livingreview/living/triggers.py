"""Triggers: rules of the protocol that say that conclusions may have moved since the last release.

Each rule is fired, not fired, or not evaluated (with the reason), and always says its numbers. None decides
anything: rules of this kind disagree with each other (Pattanittum et al. 2012, PLoS One 7:e48894), so all are
shown, and people judge.
"""

from livingreview.living import certainty
from livingreview.living import trigger_rules as each

FIRED, NOT_FIRED, NOT_EVALUATED = "fired", "not fired", "not evaluated"

# Recursive cumulative meta-analysis (Ioannidis & Lau 2001; Pattanittum 2012): an effect half as large or one
# and a half times as large as before.
RATIO = (0.5, 1.5)
# Participants who are new, as a share of those before: a fifth more people can move a conclusion that rests
# on few; a convention of this program, to be set by the protocol.
NEW_PARTICIPANTS_PERCENT = 20
OF_OUTCOMES = {
    "estimate_appears": "There is an estimate where there was none, or none where there was one",
    "no_effect": "The confidence interval includes zero, or no longer does",
    "smallest_effect": "The confidence interval includes the smallest effect of interest, or no longer does",
    "leaves_interval": "The estimate leaves the previous confidence interval",
    "ratio": "The estimate is much smaller or larger than before",
    "prediction_side": "The prediction interval changes side",
    "heterogeneity": "The class of heterogeneity changes",
    "certainty": "The rating of a domain of certainty changes",
    "participants": "Many new participants",
}
OF_REVIEW = {
    "population": "A population that no included trial had",
    "comparator": "A comparator that no included trial had",
    "condition": "A condition that no included trial had",
    "retraction": "An included trial is retracted",
}
NAMES = (*OF_OUTCOMES, *OF_REVIEW)


def settings(given, *, interpretation, rules_of_certainty=None):
    """The rules in force: what the protocol says, and for the rest the defaults.

    Parameters
    ----------
    given : dict
        The protocol's ``triggers``, which may be empty.
    interpretation, rules_of_certainty : dict
        The protocol's ``interpretation`` and ``certainty``.

    Returns
    -------
    dict
        ``rules`` (names in use), ``smallest_effect``, ``ratio_below``, ``ratio_above``, ``ratio_floor`` (old
        effects smaller than this have no ratio), ``heterogeneity_classes`` (per cent of I²) and
        ``new_participants_percent``. The smallest effect and the classes are those of the certainty, unless
        `given` has its own; the floor is what counts as no effect.
    """
    rated = certainty.settings(rules_of_certainty or {}, interpretation)
    classes = [rated["inconsistency"][name] for name in ("unimportant", "substantial", "considerable")]
    return {
        "rules": list(NAMES),
        "smallest_effect": rated["smallest_effect"],
        "ratio_below": RATIO[0],
        "ratio_above": RATIO[1],
        "ratio_floor": interpretation["no_effect"],
        "heterogeneity_classes": classes,
        "new_participants_percent": NEW_PARTICIPANTS_PERCENT,
    } | given


def evaluate(changes, *, rules, studies, notices, rated=(None, None)):
    """Every rule against the last release.

    Parameters
    ----------
    changes : dict
        changes.json: ``release`` and, per outcome, before, after, participants_added.
    rules : dict
        From `settings`.
    studies : tuple of dict
        Then and now: study ids of included trials to the mapping of label, population, condition and
        comparator_class, as the tables stood.
    notices : DataFrame
        The notices on reports of studies, as from ``notices.find``.
    rated : tuple of dict or None
        Outcome to domain to rating (0, -1, -2, None), then and now; None where nothing is kept.

    Returns
    -------
    list of dict
        name, rule (the rule in words), outcome (None where it is of the review), state, sentence, numbers,
        threshold; rules in the order of `NAMES`, outcomes in that of the protocol.
    """
    release, outcomes = changes["release"], changes["outcomes"]
    out = []
    for name, words in OF_OUTCOMES.items():
        for outcome, change in outcomes.items():
            found = _unused(name, rules, release) or _of_outcome(name, outcome, change, rules, rated)
            out.append(_told(name, words, outcome, found))
    for name, words in OF_REVIEW.items():
        found = _unused(name, rules, release) or _of_review(name, release, studies, notices)
        out.append(_told(name, words, None, found))
    return out


def _told(name, words, outcome, found):
    state = {True: FIRED, False: NOT_FIRED, None: NOT_EVALUATED}[found.fired]
    return {
        "name": name,
        "rule": words,
        "outcome": outcome,
        "state": state,
        "sentence": found.sentence,
        "numbers": found.numbers,
        "threshold": found.threshold,
    }


def _unused(name, rules, release):
    if name not in rules["rules"]:
        return each.cannot("the protocol does not use this rule")
    return None if release else each.cannot("there is no earlier release")


def _of_outcome(name, outcome, change, rules, rated):
    before, after = change["before"], change["after"]
    if name == "certainty":
        return each.certainty(*(None if of is None else of.get(outcome) for of in rated))
    if name == "estimate_appears":
        return each.estimate_appears(before, after)
    if not each.has(before, "estimate"):
        return each.cannot("the release has no estimate")
    if not each.has(after, "estimate"):
        return each.cannot("there is no estimate now")
    if name == "participants":
        return each.participants(before, change.get("participants_added"), rules["new_participants_percent"])
    return each.RULES[name](before, after, rules)


def _of_review(name, release, studies, notices):
    if name == "retraction":
        return each.retraction(release, notices, studies)
    return each.new_values(name, *studies)
