"""How certain the evidence is: what GRADE's rules suggest from the data, and what people judged.

Randomised trials start high; each domain takes nothing, one level or two. The suggestion never replaces a
person's judgement: it stands beside it, and alone only where there is none.
"""

from livingreview.living import certainty_domains as domains
from livingreview.living.certainty_domains import DOMAINS

LEVELS = ("very low", "low", "moderate", "high")
# Limits that GRADE leaves to judgement; a protocol may set its own. Per cent of the pool's weight, of I², or
# counts of effects. Sources: the functions of `certainty_domains`, and docs/certainty.md.
DEFAULTS = {
    "risk_of_bias": {"serious_high": 25, "serious_not_low": 50, "very_serious_high": 75, "unknown": 50},
    "inconsistency": {"unimportant": 40, "substantial": 50, "considerable": 75, "prediction_from": 10},
    "imprecision": {"alpha": 0.05, "power": 0.8},
    "indirectness": {"serious": 25, "very_serious": 50, "direct": {}},
    "publication_bias": {"tests_from": 10, "p": 0.1},
}


def settings(given, interpretation):
    """The rules in force: what the protocol says, and for the rest the defaults.

    Parameters
    ----------
    given : dict
        The protocol's ``certainty``, which may be empty.
    interpretation : dict
        The protocol's ``interpretation``; its ``no_effect`` is the smallest effect of interest where
        `given` names none.

    Returns
    -------
    dict
        ``smallest_effect`` and the domains' rules, complete.

    Notes
    -----
    The optimal information size is that for the smallest effect of interest, where the protocol states one,
    else for the effect that it calls small: 0.20 in GRADE's own example (Guyatt et al. 2011, GRADE
    guidelines 6). The limit of what counts as no effect would ask for thousands of people.
    """
    smallest = given.get("smallest_effect", interpretation["no_effect"])
    seen = given.get("smallest_effect") or interpretation["small"]
    rules = {name: found | given.get(name, {}) for name, found in DEFAULTS.items()}
    rules["imprecision"] = {"effect": seen} | rules["imprecision"]
    rules["publication_bias"] = {"shift": smallest} | rules["publication_bias"]
    return {"smallest_effect": smallest, **rules}


def suggest(found, *, rules, minimum_studies, classes, registered, groups, labels):
    """What the data suggest for one outcome.

    Parameters
    ----------
    found : dict
        One outcome of estimates.json.
    rules : dict
        From `settings`.
    minimum_studies : int
        As `certainty_domains.risk_of_bias`.
    classes, registered, groups, labels
        See the functions of `certainty_domains`.

    Returns
    -------
    dict
        Each domain to rating (0, -1, -2 or None), reason and numbers; ``overall`` (one of `LEVELS`, or None
        without evidence) and ``undecided``: the domains without a suggestion. While there are any,
        ``overall`` is the most that the certainty can be.
    """
    if not found["main"]["k"]:
        nothing = domains.rating(None, "No trial has numbers that can be pooled.")
        return {name: dict(nothing) for name in DOMAINS} | {"overall": None, "undecided": []}
    smallest = rules["smallest_effect"]
    rated = {
        "risk_of_bias": domains.risk_of_bias(
            found,
            classes=classes,
            rules=rules["risk_of_bias"],
            smallest=smallest,
            minimum_studies=minimum_studies,
        ),
        "inconsistency": domains.inconsistency(found, rules=rules["inconsistency"], smallest=smallest),
        "indirectness": domains.indirectness(
            found,
            groups=groups,
            direct=rules["indirectness"]["direct"],
            labels=labels,
            rules=rules["indirectness"],
        ),
        "imprecision": domains.imprecision(found, rules=rules["imprecision"], smallest=smallest),
        "publication_bias": domains.publication_bias(
            found, registered=registered, rules=rules["publication_bias"]
        ),
    }
    taken = [one["rating"] for one in rated.values()]
    undecided = [name for name, one in rated.items() if one["rating"] is None]
    return rated | {"overall": level(taken), "undecided": undecided}


def level(ratings):
    """The certainty that ratings leave of the highest; those that are None take nothing."""
    return LEVELS[max(len(LEVELS) - 1 + sum(value or 0 for value in ratings), 0)]


def in_force(suggested, people):
    """The rating of each domain: people's, else what the data suggest; None where neither has one."""
    return {name: people[name]["rating"] if name in people else suggested[name]["rating"] for name in DOMAINS}


def together(suggested, people):
    """The certainty that is shown: people's where it is complete, else with the suggestion for the rest.

    Parameters
    ----------
    suggested : dict
        From `suggest`.
    people : dict
        Domain, or ``overall``, to what a person judged (see `ratings.of_outcome`).

    Returns
    -------
    dict
        ``certainty`` (one of `LEVELS`, or None without evidence), ``basis`` (``people``, ``both`` or
        ``suggestion``), ``undecided`` (domains that neither has rated; while there are any the certainty is
        at most this), ``differences`` (domains in which both have a rating and it is not the same),
        ``stale`` (whether a judgement of people is older than the data).
    """
    rated = in_force(suggested, people)
    by_people = [name for name in DOMAINS if name in people]
    differences = [
        name
        for name in by_people
        if suggested[name]["rating"] is not None and suggested[name]["rating"] != rated[name]
    ]
    complete = "overall" in people or len(by_people) == len(DOMAINS)
    found = {
        "certainty": level(rated.values()),
        "basis": "people" if complete else "both" if by_people else "suggestion",
        "undecided": [name for name in DOMAINS if rated[name] is None],
        "differences": differences,
        "stale": any(one["stale"] for one in people.values()),
    }
    if "overall" in people:
        found |= {"certainty": level([people["overall"]["rating"]]), "undecided": []}
    if suggested["overall"] is None:
        found |= {"certainty": None, "basis": "none", "undecided": []}
    return found
