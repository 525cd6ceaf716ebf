"""The living mode of a review: active, paused or retired, by the rules that its protocol sets beforehand.

A protocol may say when a new version is published (whenever a trigger fires, or at fixed intervals: the two
modes of Cochrane's guidance on living reviews, 2019) and when the review is to be retired. The rules ask;
people decide, by changing ``living.mode`` in the config. A run is built in every mode; a page of a paused or
retired review says so first.
"""

from livingreview.errors import InputError
from livingreview.screening.decisions import months_between

ACTIVE, PAUSED, RETIRED = "active", "paused", "retired"
# A retired review is taken up again before it can be paused.
ALLOWED = {ACTIVE: (PAUSED, RETIRED), PAUSED: (ACTIVE, RETIRED), RETIRED: (ACTIVE,)}
STAGES = ("search", "screening", "extraction", "risk_of_bias", "analysis", "certainty", "publication")
TRIGGERED = "triggered"
# The rule of a protocol that names none: publish when a trigger fires.
DEFAULT_PUBLISH = TRIGGERED
LEVELS = ("very low", "low", "moderate", "high")
RETRACTION = "retraction"


def describe(living, *, run, runs, releases, triggers, certainty):
    """The state of the living mode at a run, and what the protocol's rules ask for.

    Parameters
    ----------
    living : dict
        The protocol's ``living``.
    run : str
        A month YYYY-MM.
    runs : list of str
        All runs up to this one, in order.
    releases : list of dict
        The review's own releases of earlier runs, oldest first: version, run, mode (as frozen, or None) and
        fired (number of triggers that had fired in it, or None if unknown).
    triggers : list of dict
        triggers.json: name, outcome, state, sentence.
    certainty : dict
        Each outcome of the protocol to its certainty (one of `LEVELS`, or None).

    Returns
    -------
    dict
        mode, since (a month, or None if nothing says it), reason, allowed (modes it may go to), publish and
        retire (each a dict with ``rule``, ``asked``: True, False or None if the rule does not apply,
        and ``why``), quiet_runs (number of runs without a trigger since the last one that fired, as far as
        is known).

    Raises
    ------
    InputError
        If the mode cannot follow on that of the last release.
    """
    mode = living["mode"]
    _check_transition(mode, releases)
    fired = [row for row in triggers if row["state"] == "fired"]
    quiet = quiet_runs(runs, fired=len(fired), releases=releases)
    return {
        "mode": mode,
        "since": living.get("since") or _since(mode, releases),
        "reason": living.get("reason"),
        "allowed": list(ALLOWED[mode]),
        "quiet_runs": quiet,
        "publish": _publish(living, fired, run=run, releases=releases),
        "retire": _retire(living, quiet=quiet, certainty=certainty),
    }


def parameters(living):
    """The parameters of the living mode as rows (name, text), those that the protocol leaves out as None.

    The rows that PRISMA-LSR asks for: schedules of every stage, when versions are published, retirement.
    """
    rows = [
        ("mode", living["mode"]),
        ("justification", living.get("justification")),
        ("search_every_months", living["search_every_months"]),
        *((f"schedule_{stage}", living.get("schedule", {}).get(stage)) for stage in STAGES),
        ("publish", living.get("publish", DEFAULT_PUBLISH)),
        ("retire_when", living.get("retire_when")),
        ("retirement", living.get("retirement")),
        ("statement", living["statement"]),
        ("updating_status", living.get("updating_status")),
    ]
    return [{"name": name, "value": value} for name, value in rows]


def quiet_runs(runs, *, fired, releases):
    """The number of runs in a row without a trigger, this one included.

    A trigger compares with the last release, so that one run without any stands for all runs since that
    release. Before it the count goes on through releases that had themselves been published without one, as
    far as what they froze says so.
    """
    if fired or not releases:
        return 0
    since = releases[-1]["run"]
    for number in range(len(releases) - 1, -1, -1):
        if releases[number]["fired"] != 0:
            break
        since = releases[number - 1]["run"] if number else ""
    return sum(run > since for run in runs)


def _check_transition(mode, releases):
    before = releases[-1]["mode"] if releases else None
    if before is None or before == mode or mode in ALLOWED[before]:
        return
    raise InputError(
        "config.yaml",
        column="living.mode",
        problem=f"release {releases[-1]['version']} was {before}",
        found=mode,
        allowed=", ".join((before, *ALLOWED[before])),
        hint="a retired review is taken up again (active), and released so, before it can be paused",
    )


def _since(mode, releases):
    """The run since which releases have had this mode without a break; None if the last one had not."""
    since = None
    for release in reversed(releases):
        if release["mode"] != mode:
            break
        since = release["run"]
    return since


def _publish(living, fired, *, run, releases):
    rule = living.get("publish", DEFAULT_PUBLISH)
    told = {"rule": rule, "stated": "publish" in living}
    if living["mode"] != ACTIVE:
        if any(row["name"] == RETRACTION for row in fired):
            return told | {
                "asked": True,
                "why": "an included trial was retracted, which is told in every mode",
            }
        return told | {"asked": None, "why": f"the review is {living['mode']}"}
    if not releases:
        return told | {"asked": True, "why": "there is no release yet"}
    last = releases[-1]
    if rule == TRIGGERED:
        n = len(fired)
        why = f"{n} trigger{'' if n == 1 else 's'} fired" if n else "no trigger fired"
        return told | {"asked": bool(fired), "why": f"{why} since release {last['version']}"}
    due, passed = rule["every_months"], months_between(last["run"], run)
    why = f"{passed} months since the run of release {last['version']}, {due} are planned"
    return told | {"asked": passed >= due, "why": why}


def _retire(living, *, quiet, certainty):
    rule = living.get("retire_when")
    if rule is None:
        return {"rule": None, "asked": None, "why": "the protocol has no rule for it"}
    if living["mode"] == RETIRED:
        return {"rule": rule, "asked": None, "why": "the review is retired"}
    lacking = []
    if quiet < rule["no_trigger_for_runs"]:
        lacking.append(f"{quiet} of {rule['no_trigger_for_runs']} runs without a trigger")
    wanted = LEVELS.index(rule["certainty_at_least"])
    below = [name for name, level in certainty.items() if level is None or LEVELS.index(level) < wanted]
    if below:
        lacking.append(f"certainty below {rule['certainty_at_least']}, or not rated: {', '.join(below)}")
    why = (
        "; ".join(lacking) or f"{quiet} runs without a trigger, and certainty is {rule['certainty_at_least']}"
    )
    return {"rule": rule, "asked": not lacking, "why": f"{why}{'' if lacking else ' or more'}"}
