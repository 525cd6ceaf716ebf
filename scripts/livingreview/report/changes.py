"""What changed since the last release, and the releases so far."""

from livingreview.report import links, moves, prose
from livingreview.report.prose import number


def compared_with(context):
    """Version of the release that this run is compared with, or None before the first."""
    release = context["changes"]["release"]
    return release["version"] if release else None


def since(context, name):
    """The difference of one outcome since the last release, and its cause, as printed."""
    if compared_with(context) is None:
        return {"difference": prose.NOT_ESTIMATED, "cause": "no earlier release"}
    change = context["changes"]["outcomes"][name]
    return {"difference": prose.difference(change), "cause": prose.cause(change)}


def changes(context):
    """What changed since the release, outcome by outcome, and the releases so far."""
    config, found = context["config"], context["changes"]
    rows = []
    for name, declared in config["outcomes"].items():
        change = found["outcomes"][name]
        what = _causes_of_rows(change)
        rows.append(
            {
                "name": name,
                "label": declared["short"],
                "before": _state(change["before"]),
                "after": _state(change["after"]),
                "since": since(context, name),
                "moves": []
                if found["release"] is None
                else [
                    *({"what": what(row, "added"), **_moved(row)} for row in change["added"]),
                    *({"what": what(row, "removed"), **_moved(row)} for row in change["removed"]),
                    *(
                        {"what": what(row, "corrected"), **_corrected(row, _reasons(context, row))}
                        for row in change["corrected"]
                    ),
                ],
            }
        )
    moved = {
        name: moves.moved(found["outcomes"][name], release=compared_with(context))
        for name in config["outcomes"]
    }
    for row in rows:
        row["parts"] = bool(moved[row["name"]] and moved[row["name"]]["rows"])
    return {
        "moved": moved,
        "release": compared_with(context),
        "frozen": prose.day(found["release"]["frozen_on"]) if found["release"] else "",
        "dropped": found["outcomes_dropped"],
        "rows": rows,
        "releases": [_release(row) for row in context["releases"]],
    }


def _state(state):
    if state is None or not state["k"]:
        return {"estimate": "no estimate", "interval": "", "k": "0", "tau2": "", "I2": ""}
    return moves.numbers(state)


def _causes_of_rows(change):
    """What to say of a row of a pool: its cause, or what is plain from the pools where that is the method."""
    known = {
        row_id: moves.SINGLE[part["cause"]]
        for part in change.get("causes", [])
        for trial in part["trials"]
        for row_id in trial["row_ids"]
    }
    by_method = any(part["cause"] == "method" for part in change.get("causes", []))

    def what(row, otherwise):
        return known.get(row["row_id"], f"{otherwise} by the method" if by_method else otherwise)

    return what


def _moved(row):
    return {"label": row["label"], "value": number(row["yi"])}


def _corrected(row, reasons):
    value = f"{number(row['before']['yi'])} became {number(row['after']['yi'])}"
    return {"label": row["label"], "value": f"{value}: {reasons}" if reasons else value}


def _reasons(context, row):
    """What people corrected in a row since the release, field by field, each reason told once."""
    released = context["changes"]["release"]["run"]
    own = [one for one in context["corrections"] if (one["table"], one["row"]) == ("outcomes", row["row_id"])]
    # Where none is later, it was made in the month of the release, after it.
    later = [one for one in own if one["run"] > released] or [one for one in own if one["run"] == released]
    found = {}
    for one in later:
        was = f"{one['field'].replace('_', ' ')} from {one['old'] or '(empty)'} to {one['new'] or '(empty)'}"
        found.setdefault(one["reason"] or "no reason given", []).append(was)
    return "; ".join(f"{prose.listed(fields)} ({reason})" for reason, fields in found.items())


def _release(row):
    published = row["kind"] == "published review"
    return {
        "version": row["version"],
        "kind": row["kind"],
        "citation": row["citation"] if published else f"Run of {prose.month(row['run'])}.",
        "date": prose.day(row["frozen_on"]) if row.get("frozen_on") else "",
        "doi": links.doi_link(row.get("doi")),
        "note": row.get("note") or "",
        "facts": [
            {"what": fact["what"], "value": str(fact["value"])} for fact in row.get("descriptions", []) or []
        ],
    }
