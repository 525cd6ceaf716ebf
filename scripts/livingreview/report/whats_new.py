"""What's new: this month in sentences, every run in a table, the living mode, and how long records take."""

from livingreview.report import prose
from livingreview.report.prose import count, number, percent, plural

NOT_STATED = "not stated in the protocol"
PARAMETERS = {
    "mode": "Living mode",
    "justification": "Why the review is living",
    "search_every_months": "Search",
    "schedule_search": "When the search is run",
    "schedule_screening": "Screening",
    "schedule_extraction": "Extraction of data",
    "schedule_risk_of_bias": "Risk of bias",
    "schedule_analysis": "Analysis",
    "schedule_certainty": "Certainty of the evidence",
    "schedule_publication": "Publication",
    "publish": "When a new version is published",
    "retire_when": "Rule that asks to retire the review",
    "retirement": "Plan for retirement",
    "statement": "Methods of the living mode",
    "updating_status": "Status by the Updating Classification System",
}
STAGES = {
    "entry": "entry into PubMed",
    "found": "found by the search",
    "screened": "first decision",
    "included": "inclusion",
    "extracted": "extraction",
    "reported": "release",
}


def whats_new(context):
    """The section: ``statement``, ``runs``, ``mode`` (rows of a table), ``rules`` and ``lags``."""
    news, status = context["whats_new"], context["status"]
    return {
        "month": prose.month(news["run"]),
        "statement": news["statement"],
        "fired": bool(news["fired"]),
        "runs": [_run(row) for row in news["runs"]],
        "other": any(row["n_new_other"] for row in news["runs"]),
        "retracted": any(row["n_retracted"] or row["n_restored"] for row in news["runs"]),
        "parameters": [_parameter(row) for row in status["living_parameters"]],
        "rules": [_publish(status["mode"]), _retire(status["mode"])],
        "allowed": prose.listed(status["mode"]["allowed"], "or"),
        "lags": _lags(status["lags"]),
    }


def _run(row):
    return {
        "run": prose.month(row["run"]),
        "sort": row["run"],
        "searched": prose.day(row["searched_at"]),
        "matched": count(row["n_matched"]),
        "new": count(row["n_new"]),
        "other": count(row["n_new_other"]),
        "decided": count(row["n_decided"]),
        "included": count(row["n_included"]),
        "extracted": count(row["n_studies_extracted"]),
        "retracted": _retracted(row),
        "waiting": count(row["n_waiting"]),
        "oldest": plural(row["oldest_waiting_months"], "month") if row["oldest_waiting_months"] else "",
        "releases": [
            {"version": release["version"], "day": prose.day(release["frozen_on"])}
            for release in row["releases"]
        ],
        "remark": "the query was changed" if row["query_changed"] else "",
    }


def _retracted(row):
    back = f"; {count(row['n_restored'])} put back" if row["n_restored"] else ""
    return f"{count(row['n_retracted'])}{back}"


def _parameter(row):
    value = row["value"]
    return {
        "name": PARAMETERS[row["name"]],
        "value": NOT_STATED if value is None else _words(row["name"], value),
        "stated": value is not None,
    }


def _words(name, value):
    if name == "search_every_months":
        return "every month" if value == 1 else f"every {plural(value, 'month')}"
    if name == "publish":
        return (
            "when a trigger fires"
            if value == "triggered"
            else f"every {plural(value['every_months'], 'month')}"
        )
    if name == "retire_when":
        runs = plural(value["no_trigger_for_runs"], "run")
        level = value["certainty_at_least"]
        return f"{runs} without a trigger, and the certainty of every outcome is {level} or more"
    if name == "updating_status":
        return f"{value['question']} question, {value['status']}: {value['reason']}"
    return str(value)


def _publish(mode):
    publish = mode["publish"]
    asked = {True: "A new version is to be published", False: "No new version is due"}.get(
        publish["asked"], "The rule on publication does not apply"
    )
    assumed = "The protocol states no rule; publishing when a trigger fires is assumed."
    return f"{asked}: {publish['why']}.{'' if publish['stated'] else f' {assumed}'}"


def _retire(mode):
    retire = mode["retire"]
    asked = {
        True: "The rule on retirement asks to retire the review",
        False: "The rule on retirement does not ask to retire the review",
    }.get(retire["asked"], "Nothing asks to retire the review")
    return f"{asked}: {retire['why']}."


def _lags(lags):
    estimated = sum(step["estimated"] for step in lags["steps"][:1])
    n = lags["steps"][0]["n"]
    return {
        "any": bool(lags["n_records"]),
        "rows": [_lag(step) for step in lags["steps"]],
        "n": plural(lags["n_records"], "record"),
        "n_first_search": plural(lags["n_first_search"], "record"),
        "estimated": f"{count(estimated)} of {count(n)} dates of entry ({percent(100 * estimated / n)})"
        if estimated
        else "",
    }


def _lag(step):
    if step["n"]:
        low, high = number(step["low"], 1), number(step["high"], 1)
        between = low if low == high else f"{low} to {high}"
    return {
        "step": f"{prose.sentence(STAGES[step['from']])} to {STAGES[step['to']]}",
        "n": count(step["n"]),
        "median": number(step["median"], 1) if step["n"] else prose.NOT_ESTIMATED,
        "range": between if step["n"] else prose.NOT_ESTIMATED,
        "exact": f"{count(step['by_day'])} by day, {count(step['by_month'])} by month" if step["n"] else "",
        "not_yet": count(step["not_yet"]),
        "unknown": count(step["unknown"]),
    }
