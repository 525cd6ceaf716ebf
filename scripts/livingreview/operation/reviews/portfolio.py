"""All reviews of a folder on one page: what each says, what waits for people, and what failed."""

import operator
from pathlib import Path
from urllib.parse import quote

import yaml

from livingreview import config as protocol
from livingreview import tables
from livingreview.errors import ReviewError
from livingreview.living import versions
from livingreview.living.status import next_run
from livingreview.operation.job import waiting
from livingreview.operation.reviews import months
from livingreview.operation.reviews.folders import CONFIG
from livingreview.report import pages, prose
from livingreview.screening.decisions import months_between
from livingreview.search.snapshot import RUN

PAGE, DATA = "portfolio.html", "portfolio.json"
# Of a month that was built to its end.
WHOLE = ("status.json", "whats_new.json", "report.html")
FAILED, FIRED, WAITS, BEHIND, UNENDED, NEVER, QUIET = (
    "failed",
    "trigger fired",
    "work waits",
    "behind",
    "unended",
    "never run",
    "nothing new",
)
# What a file that is JSON, and not what this program writes, can be good for.
UNFIT = (ReviewError, OSError, LookupError, TypeError, ValueError, AttributeError)
# What wants attention first stands first.
ORDER = (FAILED, FIRED, WAITS, BEHIND, UNENDED, NEVER, QUIET)
OF_STATUS = {
    months.NOTHING: QUIET,
    months.FAILED: FAILED,
    months.WAITS: WAITS,
    months.FIRED: FIRED,
    months.IN_USE: UNENDED,
}
# Of a review's files, what is told as it stands.
SAID = ("demonstration", "mode", "since", "why", "month", "release", "unreadable")


def collect(reviews, *, run=None, ended=()):
    """What there is to tell of every review.

    Parameters
    ----------
    reviews : list of Review
    run : str, optional
        The month that was asked for; the portfolio is of it or of the latest that any of them was run for.
    ended : list of Ended, optional
        How the months just ended, which counts before what they left on disk.

    Returns
    -------
    dict
        ``run`` (None if nothing was ever run) and ``reviews``, a list of dict in order of attention: name,
        title, demonstration (whether it is one), mode, since, why (of the mode), state (of `ORDER`), outcome
        (in words), reason, hint, month (the run of the last month that was started, its exit status, and when
        it ended), good (of the last month that was built to its end: run, searched_at, n_new, n_to_decide,
        oldest, waiting, fired, age in months), release (version, run, frozen_on, kept), links, unreadable
        (files that could not be read).
    """
    known = {one.review.name: one for one in ended}
    told = [_read(review) for review in reviews]
    run = max([*([run] if run else []), *(of for one in told for of in _runs(one))], default=None)
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
        "demonstration": bool(config.get("review", {}).get("demonstration")),
        **_mode(config),
        "every": config.get("living", {}).get("search_every_months", 1),
        "month": _month(review.path, unreadable),
        "good": _good(review.path, unreadable),
        "release": _release(review.path, unreadable),
        "unreadable": unreadable,
    }


def _config(review, unreadable):
    """The protocol; of one that a run would refuse, what can be read of it as it stands."""
    if review.fault:
        return {}
    path = review.path / CONFIG
    try:
        return protocol.load(path)
    except (ReviewError, OSError) as error:
        unreadable.append(str(error))
    try:
        return _title_only(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}


def _title_only(config):
    part = config.get("review") if isinstance(config, dict) else None
    title = part.get("title") if isinstance(part, dict) else None
    named = isinstance(title, str) and not title.startswith(protocol.TO_FILL_IN)
    return {"review": {"title": title}} if named else {}


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
    if about is None:
        return None
    status = about.get("exit_code")
    return {
        "run": run,
        "status": status if isinstance(status, int) else None,
        **{key: _text(about.get(key)) for key in ("outcome", "started_at", "ended_at", "reason", "hint")},
        "digest": (path / "logs" / run / "digest.html").is_file(),
    }


def _text(value):
    """A value of a file that somebody may have edited, as text; None where there is none."""
    return None if value is None else str(value)


def _good(path, unreadable):
    """The last month that was built to its end."""
    run = _latest(path / "results", WHOLE)
    status = run and _json(path / "results" / run / "status.json", unreadable)
    news = run and _json(path / "results" / run / "whats_new.json", unreadable)
    if status is None or news is None:
        return None
    try:
        prose.day(status["searched_at"])
        return {
            "run": run,
            "searched_at": status["searched_at"],
            "sandbox": status["sandbox"],
            "n_new": operator.index(status["n_new_records"] + status["n_new_other"]),
            "n_to_decide": operator.index(status["n_queue"]),
            "oldest": status["oldest_waiting_since"],
            "waiting": waiting.read(path, run, status),
            "fired": [{key: _text(row.get(key)) for key in ("label", "sentence")} for row in news["fired"]],
            "archive": (path / "results" / run / "archive.html").is_file(),
        }
    except UNFIT as error:
        # Of an older version of the program, or edited by hand.
        unreadable.append(f"{path / 'results' / run}: {error!r}; hint: build the month again")
        return None


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
        prose.day(last.get("frozen_on"))
    except UNFIT as error:
        unreadable.append(f"{path / 'data/releases'}: {error!r}")
        return None
    return {key: last.get(key) for key in ("version", "run", "frozen_on", "kept")}


def _judged(one, *, run, ended):
    """A review with its state at the month of the portfolio."""
    month, good = one["month"], one["good"]
    state, said, reason = _state(one, run=run, ended=ended)
    return {
        "name": one["name"],
        "title": one["title"],
        **{key: one[key] for key in SAID},
        "state": state,
        "outcome": said,
        "reason": reason,
        # That of another month's end says nothing about this one.
        "hint": month["hint"] or None if month and said == month["outcome"] else None,
        "good": good and {**good, "age": months_between(good["run"], run)},
        "links": _links(one),
    }


def _state(one, *, run, ended):
    """(state, outcome in words, reason)."""
    month, good = one["month"], one["good"]
    if one["fault"]:
        return FAILED, FAILED, one["fault"]
    if ended is not None:
        state = OF_STATUS[ended.status]
        if month and OF_STATUS.get(month["status"]) == state:
            return state, month["outcome"] or state, month["reason"] or ended.reason
        return state, "in use" if state == UNENDED else state, ended.reason
    if not month and not good:
        return NEVER, NEVER, None
    if month and (not good or month["run"] >= good["run"]):
        return _by_month(month, run=run)
    if one["mode"] == "active" and next_run(good["run"], one["every"]) <= run:
        return BEHIND, BEHIND, None
    # Built by hand.
    state = FIRED if good["fired"] else WAITS if good["waiting"] else QUIET
    return state, state, None


def _by_month(month, *, run):
    state = OF_STATUS.get(month["status"], UNENDED)
    # A schedule starts every month, due or not: one without a start was not watched.
    if month["run"] < run and state != FAILED:
        return BEHIND, BEHIND, None
    return state, month["outcome"] or state, month["reason"] or None


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
    """Two sentences on all reviews."""
    counted = [(state, sum(row["state"] == state for row in rows)) for state in ORDER]
    # Of a single review "one" would say again what "one review" has said.
    parts = [
        f"{prose.spelled(n) if len(rows) > 1 else 'it'} {WORDS[state][n != 1]}" for state, n in counted if n
    ]
    waits = sum(row["good"]["n_to_decide"] for row in rows if row["good"])
    records = prose.spelled_plural(waits, "record") if waits else "no record"
    return (
        f"{prose.sentence(prose.spelled_plural(len(rows), 'review'))}: {prose.listed(parts)}."
        f" {prose.sentence(records)} {'wait' if waits > 1 else 'waits'} for a decision."
    )


# Of one review, and of several.
WORDS = {
    FAILED: ("failed", "failed"),
    FIRED: ("has a trigger that fired", "have triggers that fired"),
    WAITS: ("waits for people", "wait for people"),
    BEHIND: ("was not run for this month", "were not run for this month"),
    UNENDED: ("has a month that has not ended", "have months that have not ended"),
    NEVER: ("never ran", "never ran"),
    QUIET: ("has nothing new", "have nothing new"),
}


def _row(row, *, run):
    good, release = row["good"], row["release"]
    return {
        "name": row["name"],
        "title": row["title"],
        "tags": _tags(row),
        "outcome": row["outcome"],
        "failed": row["state"] == FAILED,
        "says": _says(row, run=run),
        "reason": _parts(row["reason"]),
        "hint": row["hint"],
        # The reason may name the same file by its whole path.
        "unreadable": [_parts(line) for line in row["unreadable"] if line not in (row["reason"] or "")],
        "searched": prose.day(good["searched_at"]) if good else None,
        "sandbox": bool(good and good["sandbox"]),
        "n_new": prose.count(good["n_new"]) if good else None,
        "waiting": [_waits(one) for one in good["waiting"]] if good else None,
        "fired": [
            f"{one['label']}: {one['sentence']}" if one["label"] else one["sentence"] for one in good["fired"]
        ]
        if good
        else [],
        "release": release["version"] if release else None,
        "frozen": prose.day(release["frozen_on"]) if release and release["frozen_on"] else None,
        "report": prose.month(good["run"]) if good else None,
        "links": row["links"],
    }


def _parts(text):
    """The first line of a text, and what follows; a fault of many rows is long."""
    first, _, rest = (text or "").partition("\n")
    return {"first": first, "rest": rest} if first else None


def _waits(one):
    since = f", since {prose.month(one['since'])}" if one["since"] else ""
    return f"{prose.count(one['n'])} {waiting.named(one['kind'], one['n'])}{since}"


def _tags(row):
    tags = ["demonstration"] if row["demonstration"] else []
    if row["mode"] not in (None, "active"):
        since = f" since {prose.month(row['since'])}" if row["since"] else ""
        tags.append(f"{row['mode']}{since}")
    return tags


def _says(row, *, run):
    """A sentence on what the outcome leaves open, and the age of the last good report where it is old."""
    good, month = row["good"], row["month"]
    age = good["age"] if good else 0
    first = {
        BEHIND: lambda: f"It was last run for {prose.month(max(_runs(row)))}.",
        UNENDED: lambda: "A start of it has not come to its end; start it again, once no other is at work.",
        NEVER: lambda: "It has not been run yet.",
        FAILED: lambda: f"Run of {prose.month(month['run'])}." if month and month["run"] != run else "",
    }.get(row["state"], str)()
    if not age:
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
