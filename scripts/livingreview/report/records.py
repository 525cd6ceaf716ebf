"""The records: from what the search found to the studies."""

from livingreview.report import changes, flow, prose
from livingreview.report.prose import count


def records(context):
    """Flow diagrams of this version and across versions, their tables, and the sums that were checked."""
    decisions = context["decisions"]
    counted, reasons = context["flow"], context["config"]["screening"]["reasons"]
    release = changes.compared_with(context)
    sums = prose.spelled_plural(len(counted["checks"]), "sum")
    # Two who decide together stand in one row, with semicolons between their names.
    readers = {name for row in decisions for name in row["reviewer"].split("; ")}
    streams = ["databases", "other"] if counted["other"]["identified"] else ["databases"]
    return {
        "counted": _counted(len(decisions), len(readers)),
        "release": release,
        "other": len(streams) > 1,
        "boxes": flow.boxes(counted, reasons, release=release),
        "words": flow.in_words(counted, release=release),
        "streams": ["Databases", "Other sources"][: len(streams)],
        "rows": flow.table([counted[name] for name in streams], reasons),
        "living": flow.living_columns(counted),
        "versions": [_version(one, counted["versions"]) for one in counted["versions"]],
        "living_rows": flow.table(
            [one["added"] for one in counted["versions"]] + [counted["cumulative"]], reasons
        ),
        "restated": flow.restated(counted),
        "checks": [
            {
                "identity": row["identity"].replace(" - ", f" {prose.MINUS} "),
                "n": prose.number(row["left"], 0),
            }
            for row in counted["checks"]
            if "version" not in row
        ],
        "checks_of_versions": _of_versions(counted["checks"]),
        "checked": f"{prose.sentence(sums)} over these counts checked when this page was built; all hold.",
    }


def _counted(n_decisions, n_readers):
    """What the flow rests on."""
    if not n_decisions:
        return "counted before any decision"
    decided = prose.plural(n_decisions, "decision in force", "decisions in force")
    return f"counted from the {decided}, by {prose.spelled_plural(n_readers, 'reader')}"


def _version(one, versions):
    """Name and month of a version, as the head of a column."""
    name = "This version" if one is versions[-1] else one["version"]
    return {"name": name, "month": prose.month(one["run"])}


def _of_versions(checks):
    """How many sums were checked of each version."""
    n = {}
    for row in checks:
        if "version" in row:
            n[row["version"]] = n.get(row["version"], 0) + 1
    return [{"version": version, "n": count(number)} for version, number in n.items()]
