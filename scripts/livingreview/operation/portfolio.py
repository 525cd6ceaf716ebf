"""All reviews of a folder on one page: what each says, what waits for people, and what failed."""

from pathlib import Path
from urllib.parse import quote

from livingreview import config as protocol
from livingreview import tables
from livingreview.errors import ReviewError
from livingreview.living import versions
from livingreview.living.status import next_run
from livingreview.operation import months
from livingreview.report import pages, prose
from livingreview.screening.decisions import months_between
from livingreview.search.snapshot import RUN

PAGE, DATA = "portfolio.html", "portfolio.json"
# Of a month that was built to its end.
WHOLE = ("status.json", "whats_new.json", "report.html")
FAILED, FIRED, WAITS, IN_USE, BEHIND, NEVER, QUIET = (
    "failed",
    "trigger fired",
    "work waits",
    "in use",
    "behind",
    "never run",
    "nothing new",
)
# What wants attention first stands first.
ORDER = (FAILED, FIRED, WAITS, BEHIND, IN_USE, NEVER, QUIET)
OF_STATUS = {
    months.NOTHING: QUIET,
    months.FAILED: FAILED,
    months.WAITS: WAITS,
    months.FIRED: FIRED,
    months.IN_USE: IN_USE,
}


def collect(reviews, *, run=None, ended=()):
    """What there is to tell of every review.

    Parameters
    ----------
    reviews : list of Review
    run : str, optional
        The month of the portfolio; left out, the latest that any of them was run for.
    ended : list of Ended, optional
        How the months just ended, which counts before what they left on disk.

    Returns
    -------
    dict
        ``run`` (None if nothing was ever run) and ``reviews``, a list of dict in order of attention: name,
        title, mode, since, why (of the mode), state (of `ORDER`), reason, hint, month (the run of the last
        month, its outcome and when it ended), good (run, searched_at, n_new, n_waiting, oldest,
        n_to_extract, fired, age in months of the last month that was built to its end), release (version,
        run, frozen_on), links, unreadable (files that could not be read).
    """
    known = {one.review.name: one for one in ended}
    told = [_read(review) for review in reviews]
    run = run or max((runs for one in told for runs in _runs(one)), default=None)
    rows = [_judged(one, run=run, ended=known.get(one["name"])) for one in told]
    return {"run": run, "reviews": sorted(rows, key=_urgency)}


def _runs(one):
    return [part["run"] for part in (one["month"], one["good"]) if part]


def _urgency(row):
    return ORDER.index(row["state"]), row["mode"] != "active", row["name"]


def _read(review):
    """What the files of a review say, without judging it; none of them stops the page."""
    unreadable = []
    config = _config(review, unreadable)
    return {
        "name": review.name,
        "fault": review.fault,
        "title": config.get("review", {}).get("title") or review.name,
        "labels": {name: about["label"] for name, about in config.get("outcomes", {}).items()},
        **_mode(config),
        "every": config.get("living", {}).get("search_every_months", 1),
        "month": _month(review.path, unreadable),
        "good": _good(review.path, unreadable),
        "release": _release(review.path, unreadable),
        "unreadable": unreadable,
    }


def _config(review, unreadable):
    if review.fault:
        return {}
    try:
        return protocol.load(review.path / "config.yaml")
    except (ReviewError, OSError) as error:
        unreadable.append(str(error))
        return {}


def _mode(config):
    living = config.get("living", {})
    return {"mode": living.get("mode"), "since": living.get("since"), "why": living.get("reason")}


def _json(path, unreadable):
    """A JSON object; None, and a line in `unreadable`, where there is none."""
    try:
        content = tables.read_json(path)
    except (ReviewError, OSError) as error:
        unreadable.append(f"{path}: {error}" if isinstance(error, OSError) else str(error))
        return None
    if not isinstance(content, dict):
        unreadable.append(f"{path}: no JSON object")
        return None
    return content


def _latest(folder, names):
    """The latest run in a folder that has all of some files, or None."""
    runs = [path.name for path in Path(folder).glob("*") if RUN.fullmatch(path.name)]
    whole = [run for run in runs if all((Path(folder) / run / name).is_file() for name in names)]
    return max(whole, default=None)


def _month(path, unreadable):
    """How the last month ended, by its own month.json."""
    run = _latest(path / "logs", ["month.json"])
    about = run and _json(path / "logs" / run / "month.json", unreadable)
    if not about:
        return None
    return {
        "run": run,
        "status": about.get("exit_code"),
        "ended_at": about.get("ended_at"),
        "reason": about.get("reason"),
        "hint": about.get("hint"),
        "digest": (path / "logs" / run / "digest.html").is_file(),
    }


def _good(path, unreadable):
    """The last month that was built to its end."""
    run = _latest(path / "results", WHOLE)
    status = run and _json(path / "results" / run / "status.json", unreadable)
    triggers = run and _json(path / "results" / run / "triggers.json", unreadable)
    if not status:
        return None
    return {
        "run": run,
        "searched_at": status.get("searched_at"),
        "sandbox": bool(status.get("sandbox")),
        "n_new": status.get("n_new_records", 0) + status.get("n_new_other", 0),
        "n_waiting": status.get("n_queue", 0),
        "oldest": status.get("oldest_waiting_since"),
        "n_to_extract": len(status.get("awaiting_extraction", [])),
        "n_studies": status.get("studies_included"),
        "fired": [
            {"outcome": row.get("outcome"), "sentence": row.get("sentence")}
            for row in (triggers or {}).get("triggers", [])
            if row.get("state") == "fired"
        ],
        "archive": (path / "results" / run / "archive.html").is_file(),
    }


def _release(path, unreadable):
    found = []
    for file in sorted((path / "data/releases").glob("*/release.json")):
        about = _json(file, unreadable)
        if about and about.get("kind") == "release":
            kept = (file.parent / "report.html").is_file()
            found.append(about | {"kept": kept})
    if not found:
        return None
    try:
        last = max(found, key=lambda one: (one["run"], versions.parse(one["version"])))
    except (KeyError, ReviewError) as error:
        unreadable.append(f"{path / 'data/releases'}: {error!r}")
        return None
    return {key: last.get(key) for key in ("version", "run", "frozen_on", "kept")}


def _judged(one, *, run, ended):
    """A review with its state at the month of the portfolio."""
    month, good = one["month"], one["good"]
    state, reason = _state(one, run=run, ended=ended)
    age = months_between(good["run"], run) if good and run else None
    fired = [_trigger(row, one["labels"]) for row in good["fired"]] if good else []
    return {
        "name": one["name"],
        "title": one["title"],
        **{key: one[key] for key in ("mode", "since", "why", "month", "release", "unreadable")},
        "state": state,
        "reason": reason,
        "hint": _hint(month, state) if not one["fault"] else None,
        "good": good and {**good, "fired": fired, "age": age},
        "links": _links(one),
    }


def _hint(month, state):
    """What to do, by the month that ended in this state; that of another says nothing about it."""
    return month["hint"] if month and OF_STATUS.get(month["status"]) == state else None


def _trigger(row, labels):
    label = labels.get(row["outcome"], row["outcome"])
    return f"{label}: {row['sentence']}" if label else row["sentence"]


def _state(one, *, run, ended):
    """(state, reason of a failure)."""
    month, good = one["month"], one["good"]
    if one["fault"]:
        return FAILED, one["fault"]
    if ended is not None and ended.status == months.FAILED:
        own = month["reason"] if month and month["status"] == months.FAILED else None
        return FAILED, own or ended.reason
    if ended is not None:
        return OF_STATUS[ended.status], None
    if not month and not good:
        return NEVER, None
    last = max(_runs(one))
    if month and month["run"] == last and month["status"] == months.FAILED:
        return FAILED, month["reason"]
    if run and one["mode"] != "retired" and next_run(last, one["every"]) <= run:
        return BEHIND, None
    if month and month["run"] == last and month["status"] in OF_STATUS:
        return OF_STATUS[month["status"]], None
    # Built by hand, or a month that was begun and has not ended.
    return _by_results(good), None


def _by_results(good):
    if good is None:
        return NEVER
    if good["fired"]:
        return FIRED
    return WAITS if good["n_waiting"] or good["n_to_extract"] else QUIET


def _links(one):
    """Addresses relative to the folder of reviews; only of what is there."""
    base = quote(one["name"])
    good, month, release = one["good"], one["month"], one["release"]
    results = good and f"{base}/results/{good['run']}"
    return {
        "report": results and f"{results}/report.html",
        "archive": f"{results}/archive.html" if good and good["archive"] else None,
        "digest": f"{base}/logs/{month['run']}/digest.html" if month and month["digest"] else None,
        "release": f"{base}/data/releases/{quote(release['version'])}/report.html"
        if release and release["kept"]
        else None,
    }


def view(portfolio, *, others=()):
    """What the template prints.

    Parameters
    ----------
    portfolio : dict
        As from `collect`.
    others : list of str
        Folders beside the reviews that are none.
    """
    rows = portfolio["reviews"]
    return {
        "month": prose.month(portfolio["run"]) if portfolio["run"] else None,
        "lead": lead(rows),
        "others": list(others),
        "reviews": [_row(row, run=portfolio["run"]) for row in rows],
    }


def lead(rows):
    """One sentence or two on all reviews."""
    counted = [(state, sum(row["state"] == state for row in rows)) for state in ORDER]
    parts = [f"{prose.spelled(n)} {WORDS[state][n != 1]}" for state, n in counted if n]
    waiting = sum(row["good"]["n_waiting"] for row in rows if row["good"])
    records = prose.spelled_plural(waiting, "record") if waiting else "no record"
    verb = "wait" if waiting > 1 else "waits"
    return (
        f"{prose.sentence(prose.spelled_plural(len(rows), 'review'))}: {prose.listed(parts)}."
        f" {prose.sentence(records)} {verb} for a decision."
    )


# Of one review, and of several.
WORDS = {
    FAILED: ("failed", "failed"),
    FIRED: ("has a trigger that fired", "have triggers that fired"),
    WAITS: ("waits for people", "wait for people"),
    BEHIND: ("was not run for this month", "were not run for this month"),
    IN_USE: ("was in use by another run", "were in use by another run"),
    NEVER: ("never ran", "never ran"),
    QUIET: ("has nothing new", "have nothing new"),
}


def _row(row, *, run):
    good, release = row["good"], row["release"]
    return {
        "name": row["name"],
        "title": row["title"],
        "tags": _tags(row),
        "state": row["state"],
        "failed": row["state"] == FAILED,
        "says": _says(row, run=run),
        "reason": row["reason"],
        "hint": row["hint"],
        "unreadable": row["unreadable"] if row["reason"] not in row["unreadable"] else [],
        "searched": prose.day(good["searched_at"]) if good else None,
        "sandbox": bool(good and good["sandbox"]),
        "n_new": prose.count(good["n_new"]) if good else None,
        "n_waiting": prose.count(good["n_waiting"]) if good else None,
        "oldest": prose.month(good["oldest"]) if good and good["oldest"] else None,
        "n_to_extract": prose.count(good["n_to_extract"]) if good and good["n_to_extract"] else None,
        "fired": good["fired"] if good else [],
        "release": release["version"] if release else None,
        "frozen": prose.day(release["frozen_on"]) if release and release["frozen_on"] else None,
        "report": prose.month(good["run"]) if good else None,
        "links": row["links"],
    }


def _tags(row):
    if row["mode"] in (None, "active"):
        return []
    since = f" since {prose.month(row['since'])}" if row["since"] else ""
    return [f"{row['mode']}{since}"]


def _says(row, *, run):
    """One sentence on the state, with the age of the last good report where it is old."""
    good, age = row["good"], (row["good"] or {}).get("age")
    last = row["month"]["run"] if row["month"] else None
    first = {
        FAILED: f"The month of {prose.month(last)} failed." if last else "No month was built.",
        BEHIND: f"It was last run for {prose.month(max(_runs(row)))}." if _runs(row) else "",
        IN_USE: "Another run was working in its folder; it is tried again with the next start.",
        NEVER: "It has not been run yet.",
    }.get(row["state"], "")
    if not good or not age:
        return first
    old = f"The last good report is of {prose.month(good['run'])}, {prose.plural(age, 'month')} before"
    return f"{first} {old} {prose.month(run)}.".strip()


def page(portfolio, *, others=(), templates=pages.TEMPLATES):
    """The page as HTML."""
    template = pages.environment(templates).get_template("portfolio.html.j2")
    return template.render(view(portfolio, others=others))


def write(folder, reviews, *, others=(), run=None, ended=()):
    """Write the page and the same as data into the folder of reviews; the content of the latter."""
    folder = Path(folder)
    portfolio = collect(reviews, run=run, ended=ended)
    tables.write_json(portfolio, folder / DATA)
    tables.write_text(page(portfolio, others=others), folder / PAGE)
    return portfolio
