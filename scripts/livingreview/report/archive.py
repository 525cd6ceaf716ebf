"""The page of all versions: what each release said, and how it differs from the one before."""

from livingreview.living import succession
from livingreview.report import links, pages, prose
from livingreview.report.prose import count, interval, number

MOVES = ("added", "removed", "retracted", "corrected")
NAMED = 3  # up to so many trials are named; more are counted
REPORT = "report.html"
# Files of a release that a reader may want, with what they are; shown as far as a release has them.
FILES = {
    "estimates.csv": "estimates",
    "effects.csv": "effects",
    "included.csv": "included studies",
    "ledger.csv": "ledger of records and studies",
    "flow.json": "flow of records",
    "changes.json": "changes",
    "certainty.json": "certainty",
    "config.yaml": "protocol",
    "inputs.zip": "tables that people filled in",
    "CITATION.cff": "citation",
    "checksums.sha256": "checksums",
}


def build(releases, config, *, root, current=None, feed=None, templates=pages.TEMPLATES):
    """The page.

    Parameters
    ----------
    releases : list of dict
        As for `succession.steps`; those of this review also have ``files``, the names of their files.
    config : dict
        The protocol.
    root : str
        Path from the page to the folder of releases, such as ``../../data/releases``.
    current : dict, optional
        The run that is built: ``version`` (what it is called), ``run``, ``report`` (its address), and
        ``released``, the versions under which it was released, newest first.
    feed : str, optional
        Address of the feed.

    Returns
    -------
    str
        HTML.
    """
    steps = [_view(step, root=root) for step in reversed(succession.steps(releases))]
    view = {
        "title": config["review"]["title"],
        "demonstration": config["review"]["demonstration"],
        "current": current and _current(current),
        "feed": feed,
        "versions": steps,
        "released": sum(step["own"] for step in steps),
    }
    return pages.environment(templates).get_template("archive.html.j2").render(view)


def _current(current):
    """The run that is built, with a sentence that says what its report is."""
    released = current["released"]
    says = f"Released as version {prose.listed(released)}; the report below may have changed since."
    return {
        "month": prose.month(current["run"]),
        "report": current["report"],
        "heading": f"Run {current['version'] if not released else current['run']}",
        "says": says if released else "Not a release: its report may still change.",
    }


def _view(step, *, root):
    release = step["release"]
    files = release.get("files", ())
    folder = f"{root}/{release['version']}" if root else release["version"]
    own = release["kind"] == "release"
    return {
        "version": release["version"],
        "own": own,
        "kind": release["kind"],
        "run": prose.month(release["run"]) if own else "",
        "frozen": prose.day(release["frozen_on"]) if release.get("frozen_on") else "",
        "citation": release.get("citation", ""),
        "note": release.get("note") or "",
        "doi": links.doi_link(release.get("doi")),
        "report": f"{folder}/{REPORT}" if REPORT in files else None,
        "files": [
            {"label": label, "link": f"{folder}/{name}"} for name, label in FILES.items() if name in files
        ],
        "before": step["before"],
        "says": _says(step),
        "outcomes": [_outcome(row, first=step["before"] is None) for row in step["outcomes"]],
        "dropped": step["dropped"],
    }


def _outcome(row, *, first):
    return {
        "label": row["label"] or row["outcome"],
        "estimate": number(row["estimate"]) if row["k"] else "no estimate",
        "interval": interval(row["ci_low"], row["ci_high"]) if row["k"] else "",
        "k": count(row["k"]),
        "difference": "" if first else prose.difference({**row, "after": row}),
        "cause": "" if first else _cause(row),
    }


def _cause(row):
    """What was added, removed, retracted and corrected in a pool, named if few."""
    if row["before"] is None:
        return "not an outcome of the release before"
    parts = [_part(row[what], what) for what in MOVES if row[what]]
    if parts:
        return "; ".join(parts)
    if row["difference"] is None:
        gained = row["before"]["estimate"] is None and row["estimate"] is not None
        lost = row["before"]["estimate"] is not None and row["estimate"] is None
        return "the same trials; the method differs" if gained or lost else "no usable numbers then or now"
    return (
        "no change"
        if round(row["difference"], 8) == 0
        else "the same trials; the method or the software differs"
    )


def _part(labels, what):
    names = list(dict.fromkeys(labels))
    shown = f" ({prose.listed(names)})" if len(names) <= NAMED else ""
    noun = prose.plural(len(labels), "comparison")
    return f"values corrected in {noun}{shown}" if what == "corrected" else f"{noun} {what}{shown}"


def _says(step):
    """One sentence on what a version changed."""
    if step["release"]["kind"] != "release":
        return ""
    if step["before"] is None:
        return "The first release of this review; there is nothing to compare it with."
    moved = [row for row in step["outcomes"] if prose.difference({**row, "after": row}) != "none"]
    since = f"Since version {step['before']}"
    if not any(row["estimate"] is not None or row["before"] for row in step["outcomes"]):
        return f"{since}, no outcome has an estimate."
    estimated = [row for row in moved if row["estimate"] is not None or (row["before"] or {}).get("estimate")]
    if not estimated:
        return f"{since}, no estimate changed."
    of = prose.spelled_plural(len(step["outcomes"]), "outcome")
    return f"{since}, the estimates of {prose.spelled(len(estimated))} of {of} changed."
