"""What the first page says: the month in numbers, what moved, what fired, who decided how much."""

import datetime

from livingreview.living.status import next_run
from livingreview.operation.job import due
from livingreview.report import prose
from livingreview.search import snapshot

FIRED_SHOWN = 6  # the rest is folded
MONTHS_SHOWN = 24


def news(held):
    """What the month brought, as texts and rows.

    Returns
    -------
    dict
        ``statement`` (sentences), ``facts`` (pairs of a number and what it counts), ``fired`` (rows: label,
        outcome, sentence), ``alerts`` (texts), ``moved`` (rows: outcome, label, before, after, cause),
        ``release`` (the version compared with, or None), ``mode`` (a text), ``asked`` (why a version is to be
        published, or an empty text), ``runs`` (rows), ``sandbox``.
    """
    told, status = held.json(held.results("whats_new.json")), held.json(held.results("status.json"))
    latest = next((row for row in told["runs"] if row["run"] == told["run"]), {})
    new = status["n_new_records"] + status["n_new_other"]
    facts = [
        (prose.count(new), f"new record{'' if new == 1 else 's'} found"),
        (prose.count(latest.get("n_included", 0)), "included"),
        (prose.count(latest.get("n_studies_extracted", 0)), "studies extracted"),
        (prose.count(status["studies_included"]), "studies in the review"),
    ]
    publish = status["mode"]["publish"]
    return {
        "statement": told["statement"],
        "facts": facts,
        "fired": told["fired"],
        "alerts": _alerts(told, status),
        "moved": _moved(held.json(held.results("changes.json")), held.config()),
        "release": told["release"],
        "mode": _mode(status["mode"]),
        "asked": publish["why"] if publish["asked"] else "",
        "runs": [_run(row, held) for row in told["runs"][:MONTHS_SHOWN]],
        "sandbox": status["sandbox"],
    }


def _alerts(told, status):
    """Retractions, concerns and changed records, as texts."""
    said = []
    for kind, what in (
        ("retracted", "was retracted"),
        ("concerns", "carries an expression of concern"),
        ("errata", "has a correction"),
    ):
        said += [f"{label} {what}." for label in told[kind]]
    said += [f"{row['title']}: {row['event']}." for row in status["alerts"]]
    said += [f"{row['title']}: the search no longer finds it." for row in status["sentinels"]["missing"]]
    return list(dict.fromkeys(said))


def _moved(changes, config):
    labels = {name: one.get("label", name) for name, one in config["outcomes"].items()}
    rows = []
    for outcome, label in labels.items():  # in the protocol's order, as in the report
        change = changes["outcomes"].get(outcome)
        if change is None:
            continue
        before, after = change.get("before"), change.get("after")
        rows.append(
            {
                "outcome": outcome,
                "label": label,
                "before": _estimate(before),
                "after": _estimate(after),
                "k": prose.comparisons(after["k"], after["n_studies"]) if after and after.get("k") else "",
                "cause": prose.cause(change),
            }
        )
    return rows


def _estimate(state):
    if not state or prose.missing(state.get("estimate")):
        return None
    return prose.number(state["estimate"]), prose.interval(state["ci_low"], state["ci_high"])


def _mode(mode):
    since = f" since {prose.month(mode['since'])}" if mode["since"] else ""
    why = f": {mode['reason']}" if mode["reason"] else ""
    return f"{mode['mode']}{since}{why}"


def _run(row, held):
    return {
        "run": row["run"],
        "month": prose.month(row["run"]),
        "new": prose.count(row["n_new"] + row["n_new_other"]),
        "decided": prose.count(row["n_decided"]),
        "included": prose.count(row["n_included"]),
        "report": held.exists(f"results/{row['run']}/report.html"),
        "releases": [one["version"] for one in row["releases"]],
    }


def people(decisions, run):
    """How many records each person decided on for a month, most first: a list of (name, number).

    Numbers alone, so that nobody learns what another said.
    """
    rows = decisions[decisions["run"] == run]
    each = rows.groupby("reviewer")["record_id"].nunique()
    return sorted(((str(name), int(n)) for name, n in each.items()), key=lambda one: (-one[1], one[0]))


def may_start(held, *, now):
    """The month that may be searched next, and what the schedule says of it.

    Returns
    -------
    dict
        ``run`` (YYYY-MM, or None where none may be started), ``due`` (whether the schedule asks for it
        today), ``why`` (a sentence).
    """
    config = held.config()
    taken = snapshot.runs(held.review / "data/searches")
    newest, every = max(taken, default=None), config["living"]["search_every_months"]
    today = f"{now:%Y-%m}"
    live = config["search"]["base_url"].startswith("http")
    planned = next_run(newest, every) if newest else config["run"]
    wanted = max(planned, today) if live else planned
    resting = due.nothing_to_do(wanted, taken=taken, living=config["living"])
    if resting is not None:
        return {"run": None, "due": False, "why": f"{prose.sentence(resting.reason)}. {resting.hint}".strip()}
    if newest is None or newest < config["run"]:  # the month of the protocol comes first
        return {"run": None, "due": False, "why": ""}
    try:
        due.check(
            wanted,
            taken=taken,
            base_url=config["search"]["base_url"],
            config_run=config["run"],
            now=now.astimezone(datetime.UTC),
        )
    except due.NoSuchMonth:
        return {
            "run": None,
            "due": False,
            "why": f"The next search is planned for {prose.month(planned)}; PubMed can only be asked for the"
            " present month.",
        }
    asked = wanted <= today
    why = "The next search is due." if asked else f"The next search is planned for {prose.month(planned)}."
    return {"run": wanted, "due": asked, "why": why}


def what_happens(held, run, since):
    """What a build of a month will do, before it does it: a list of sentences."""
    config = held.config()
    taken = snapshot.runs(held.review / "data/searches")
    base = config["search"]["base_url"]
    month = prose.month(run)
    if run in taken:
        said = [f"PubMed is not asked again: the search of {month} stands."]
    elif base == due.SANDBOX:
        said = [
            f"The bundled stand-in for PubMed is searched once for {month}; nothing leaves this computer."
        ]
    elif base.startswith("http"):
        said = [f"PubMed is searched once for {month}, over the network, at {base}."]
    else:
        said = [f"PubMed’s downloaded files are searched for {month}."]
    if since is not None and since.ready:
        ready = prose.plural(len(since.ready), "extraction sheet")
        said.append(f"{ready} marked as ready {'is' if len(since.ready) == 1 else 'are'} merged first.")
    said.append(
        "Then records are ranked, trials checked and pooled, and the report is made: a minute or a few."
    )
    ways = [name for name in ("email", "webhook") if name in (config.get("notify") or {})]
    if ways:
        said.append(f"Those whom the protocol names are told what came of it, by {prose.listed(ways)}.")
    return said
