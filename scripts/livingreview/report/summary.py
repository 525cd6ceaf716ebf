"""The first screen: title, notices, and what the evidence says now."""

from livingreview.living import versions
from livingreview.report import changes, figures, links, monthly, notices, prose
from livingreview.report.prose import count, interval, number, percent
from livingreview.report.search import EVENT_WORDS
from livingreview.screening.decisions import INCLUDED

MINI_LEFT, MINI_RIGHT = 18, 226  # the drawing of the first screen, in pixels


def heading(context):
    """Title, version line and notices."""
    config, status = context["config"], context["status"]
    return {
        "title": config["review"]["title"],
        "question": config["review"]["question"],
        "run": prose.month(context["run"]),
        "version": versions.version_of(context["run"], context["releases"], config.get("version")),
        "released": "version" in config,
        "searched": prose.day(status["searched_at"]),
        "living_status": living_status(context),
        "mode_notice": monthly.mode_notice(status),
        "release": changes.compared_with(context),
        "demonstration": config["review"]["demonstration"],
        "sandbox": status["sandbox"],
        "notices": [notices.told(row) for row in status["notices_on_included"]]
        + _changes_of_included(status),
        "authors": config["review"].get("authors", []),
    }


MODES = {
    "active": "Active",
    "paused": "Paused: not kept up to date for now",
    "retired": "Retired: no longer kept up to date",
}


def living_status(context):
    """The living mode in words, with the month of the next search where one is planned."""
    status = context["status"]
    next_search = f", next search {prose.month(status['next_run'])}" if status["next_run"] else ""
    return f"{MODES[status['living_mode']]}{next_search}"


# Changes of an included report that leave no notice on it.
WITHOUT_NOTICE = ("retraction removed", "disappeared", "merged", "no longer found")


def _changes_of_included(status):
    """Changes seen this month in included reports that no notice tells of."""
    return [
        {
            "lead": "Included report.",
            "title": row["title"] or row["record_id"],
            "link": links.pubmed_link(row["record_id"]),
            "text": f"{EVENT_WORDS[row['event']]}.",
            "notices": [],
        }
        for row in status["alerts"]
        if row["status"] == INCLUDED and row["event"] in WITHOUT_NOTICE
    ]


def summary(context):
    """What the evidence says now: one row per outcome, in the protocol's order."""
    config = context["config"]
    rules = config["interpretation"]
    main = {name: context["estimates"]["outcomes"][name]["main"] for name in config["outcomes"]}
    axis = figures.summary_scale(main.values(), left=MINI_LEFT, right=MINI_RIGHT)
    rows = []
    for name, row in main.items():
        change = context["changes"]["outcomes"][name]
        rows.append(
            {
                "name": name,
                "label": config["outcomes"][name]["short"],
                "drawing": figures.small_interval(row, axis),
                "evidence": prose.comparisons(row["k"], row["n_studies"]) if row["k"] else "no trial",
                "estimate": number(row["estimate"]) if row["k"] else "no estimate",
                "interval": interval(row["ci_low"], row["ci_high"]) if row["k"] else "",
                "prediction": interval(row["pi_low"], row["pi_high"])
                if not prose.missing(row["pi_low"])
                else "",
                "since": changes.since(context, name),
                "standing": prose.standing(row, change["before"], rules),
            }
        )
    return {
        "rows": rows,
        "axis": figures.small_axis(axis),
        "zone": figures.small_zone(axis, zone=rules["no_effect"]),
        "favours_left": rules["favours_left"],
        "favours_right": rules["favours_right"],
        "no_effect": number(rules["no_effect"]),
        "level": percent(100 * config["analysis"]["level"]),
        "release": changes.compared_with(context),
        "month": prose.this_month(context["status"]),
        "studies_included": prose.plural(context["status"]["studies_included"], "trial"),
        "studies_pooled": count(context["status"]["studies_in_any_pool"]),
        "awaiting_extraction": len(context["status"]["awaiting_extraction"]),
        "withdrawn": context["status"]["studies_withdrawn"],
    }
