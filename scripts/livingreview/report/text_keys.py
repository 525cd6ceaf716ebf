"""The keys by which hand-written text quotes the results, each with its text as printed."""

from livingreview.report import prose
from livingreview.report.prose import count, interval, missing, number, percent, spoken_interval

# What each key of an outcome prints; None where the outcome has no such number in this run.
OUTCOME_KEYS = {
    "label": "the outcome's name",
    "short": "its short name",
    "estimate": "the pooled g",
    "ci": "its interval, as ‘a to b’",
    "interval": "its interval, as [a, b]",
    "pi": "its prediction interval, as ‘a to b’",
    "k": "comparisons in the pool",
    "n_studies": "trials in the pool",
    "comparisons": "comparisons and trials in words",
    "n_participants": "participants in the rows that state their number",
    "I2": "I², in per cent",
    "tau2": "τ²",
    "size_word": "how large, in the protocol's words",
    "direction": "better, worse, or that the direction is open",
    "sentence": "what the evidence says, in the report's own sentences",
    "standing": "whether the result stands",
    "since": "the difference since the last release, and its cause",
    "certainty": "how certain the evidence is, as shown in the summary of findings",
}
STATUS_KEYS = {
    "n_matched": "records that the search matched",
    "n_new_records": "of these new in this run",
    "n_decided_this_run": "records decided in this run",
    "n_included_this_run": "records included in this run",
    "n_queue": "records that wait for a person",
    "n_awaiting": "records that await classification",
    "studies_included": "trials included",
    "studies_in_any_pool": "trials in a pool",
    "rows_extracted": "rows of extracted values",
    "rows_in_pools": "rows in pools",
}


def values(*, config, run, estimates, changes, status, flow, certainty):
    """Every key with its text and what it is.

    Parameters
    ----------
    config : dict
    run : str
    estimates, changes, status, flow : dict
        As in the files of the same names.
    certainty : dict
        certainty.json.

    Returns
    -------
    dict of str to (str or None, str)
        Text as printed (None where this run has no such number), and what the key is.
    """
    out = _review(config, run, changes)
    for key, what in STATUS_KEYS.items():
        out[f"status.{key}"] = (_counted(status.get(key)), what)
    out["status.searched"] = (prose.day(status["searched_at"]), "the day of the search")
    out["status.next_search"] = (
        prose.month(status["next_run"]) if status["next_run"] else None,
        "the month of the next search",
    )
    out["status.mode"] = (status["living_mode"], "active, paused or retired")
    out |= {f"flow.{path}": (count(value), "a number of the flow diagram") for path, value in _leaves(flow)}
    for name in config["outcomes"]:
        row = estimates["outcomes"][name]["main"]
        change = changes["outcomes"][name]
        rated = certainty["outcomes"].get(name, {}).get("certainty")
        found = _outcome(row, change, rated, config=config, name=name)
        out |= {f"{name}.{key}": (found[key], what) for key, what in OUTCOME_KEYS.items()}
    return out


def _review(config, run, changes):
    rules, release = config["interpretation"], changes["release"]
    return {
        "run": (run, "the run, as YYYY-MM"),
        "month": (prose.month(run), "the run, in words"),
        "title": (config["review"]["title"], "the review's title"),
        "treatment": (rules["treatment"], "the treatment's name"),
        "level": (percent(100 * config["analysis"]["level"]), "the level of confidence intervals"),
        "no_effect": (number(rules["no_effect"]), "the limit of what counts as no effect"),
        "n_outcomes": (prose.spelled(len(config["outcomes"])), "outcomes of the protocol"),
        "release": (release["version"] if release else None, "the last release before this run"),
        "release_month": (prose.month(release["run"]) if release else None, "its run, in words"),
    }


def _counted(value):
    return None if missing(value) else count(value)


def _leaves(tree, prefix=""):
    """(dotted path, number) of every whole number in nested dicts; what is in lists has no name."""
    for key, value in sorted(tree.items()):
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        elif isinstance(value, int) and not isinstance(value, bool):
            yield f"{prefix}{key}", value


def _outcome(row, change, rated, *, config, name):
    rules, about = config["interpretation"], config["outcomes"][name]
    level = config["analysis"]["level"]
    base = {
        "label": prose.lower_first(about["label"]),
        "short": about["short"],
        "k": count(row["k"]),
        "n_studies": count(row["n_studies"]),
        "comparisons": prose.comparisons(row["k"], row["n_studies"]),
        "n_participants": _counted(row["n_participants"]),
        "standing": prose.standing(row, change["before"], rules),
        "sentence": " ".join(
            prose.outcome_sentences(row, label=about["label"], rules=rules, level=level)
        ).removesuffix("."),
        "since": _since(change),
        "certainty": rated,
    }
    if missing(row["estimate"]):
        return dict.fromkeys(OUTCOME_KEYS) | base
    low, high = row["ci_low"], row["ci_high"]
    predicted = not missing(row["pi_low"])
    return base | {
        "estimate": number(row["estimate"]),
        "ci": None if missing(low) else spoken_interval(low, high),
        "interval": None if missing(low) else interval(low, high),
        "pi": spoken_interval(row["pi_low"], row["pi_high"]) if predicted else None,
        "I2": None if missing(row["I2"]) else percent(row["I2"]),
        "tau2": None if missing(row["tau2"]) else number(row["tau2"], 3),
        "size_word": prose.size_word(row["estimate"], rules) or "little or not at all",
        "direction": _direction(row, rules),
    }


def _since(change):
    moved = prose.difference(change)
    return f"{moved} ({prose.cause(change)})" if prose.cause(change) else moved


def _direction(row, rules):
    where = prose.certainty_of_direction(row["ci_low"], row["ci_high"], rules)
    if where == "none":
        return "little or no difference"
    if where in ("open", "unknown") or prose.crosses_zero(row["ci_low"], row["ci_high"]):
        return "an open direction"
    return "better" if row["estimate"] < 0 else "worse"
