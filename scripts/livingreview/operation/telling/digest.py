"""The digest of a month, for people who were not watching: what it came to, what waits, what to do.

It is what is new in the review (``whats_new.json``) with what only the machine knows (``month.json``), as
Markdown and as HTML that mail programs can show. Nothing that comes from data is markup in either.
"""

import os
from pathlib import Path

from livingreview import tables
from livingreview.errors import ReviewError
from livingreview.operation.job import waiting
from livingreview.operation.job.outcome import (
    ALL_DONE,
    FAILED,
    INTERRUPTED,
    NOT_DUE,
    NOTHING_NEW,
    PAUSED,
    REFUSED,
    RETIRED,
    RUNNING,
    TRIGGER_FIRED,
    UNFILED,
    WORK_WAITS,
)
from livingreview.operation.telling import settings
from livingreview.report import digest as news_digest
from livingreview.report import markdown, prose
from livingreview.report.markdown import escaped
from livingreview.report.templating import environment
from livingreview.secrets import scrub

TRIAL = "test"  # no outcome of a month
MADE = ("digest.md", "digest.html")
# Months that did not come to an end: their results, if there are any, are those of an earlier start.
BROKEN = (FAILED, INTERRUPTED, REFUSED)
HEADS = {
    NOTHING_NEW: "Nothing new",
    ALL_DONE: "All done",
    PAUSED: "Paused, nothing was searched",
    RETIRED: "Retired, nothing was searched",
    NOT_DUE: "No search was due",
    UNFILED: "Stopped: what people filled in is not filed yet",
    FAILED: "Failed",
    INTERRUPTED: "Interrupted",
    REFUSED: "Refused",
    TRIAL: "A test of the messages",
}
WORK_HEAD = ("What", "How many", "For how long", "For whom", "What to do", "Where")
RUNS = 12  # months in the table; a review that is kept for years has its others in the report
FAILED_SHOWN, FIRED_SHOWN = 5, 40  # more are counted; mail programs cut a message of about 100 kB
ERROR = 3000  # characters of an error, its end
TITLE = 70  # characters of the review's title in the subject, which mail programs cut at about a hundred
FILES = {
    "results/{run}/report.html": "Report",
    "results/{run}/queue.md": "Queue, to read",
    "results/{run}/queue.csv": "Queue, to fill in",
    "results/{run}/whats_new.md": "What is new, as text",
    "logs/{run}/month.jsonl": "Log of the month",
}


def write(review, run, *, environ=os.environ):
    """Make ``logs/<run>/digest.md`` and ``digest.html`` from what stands there and in the results.

    Parameters
    ----------
    review : path
        The review's folder; it must hold ``logs/<run>/month.json``, and may lack everything else.
    run : str
    environ : mapping, optional
        Where the secrets are that no text may hold.

    Returns
    -------
    dict
        The view, as `view` gives it.

    Raises
    ------
    ReviewError
        If there is no month.json, or it tells of a month that has not ended.
    """
    seen = view(review, run)
    folder = Path(review) / "logs" / run
    tables.write_text(scrub(as_markdown(seen), environ), folder / MADE[0])
    tables.write_text(scrub(as_html(seen), environ), folder / MADE[1])
    return seen


def view(review, run):
    """All that the digest says, as plain values.

    Returns
    -------
    dict
        ``run``, ``month``, ``title``, ``demonstration``, ``subject``, ``outcome`` (a name of
        ``operation.job.outcome``), ``head`` (the outcome in words), ``reason``, ``hint``, ``failed`` (list of
        dict: rule, log, error), ``failed_more`` (a text), ``remarks``, ``work`` (rows: kind, named, n,
        oldest, whom, todo, file), ``n_waiting``, ``n_new``, ``commands`` (how commands are typed),
        ``statement``, ``fired`` (sentences), ``fired_more`` (a text), ``fired_names`` (their names, for
        comparing), ``waiting`` (texts of records), ``waiting_more``, ``runs`` (rows of cells),
        ``runs_more``, ``before`` (a sentence if what follows is older than this start), ``files`` (rows:
        label, path), ``address``, ``folder``, ``times``.
    """
    return _seen(Path(review), run, read_month(review, run))


def trial(review, run):
    """The view of a message that only tries whether messages arrive."""
    words = "This message was sent by hand to see whether it arrives. Nothing was searched, and nobody waits"
    return _seen(Path(review), run, {"outcome": TRIAL, "reason": words}, of_results=False)


def _seen(review, run, month, *, of_results=True):
    config = settings.loose(review)
    told = config.get("review") if isinstance(config.get("review"), dict) else {}
    news, unreadable = _news(review, run) if of_results else (None, "")
    broken = month["outcome"] in BROKEN
    seen = {
        "run": run,
        "month": prose.month(run),
        "title": str(told.get("title") or month.get("title") or review.resolve().name),
        "demonstration": str(told.get("demonstration") or ""),
        "outcome": month["outcome"],
        "reason": _reason(month),
        "hint": _ended(month.get("hint")),
        "failed": _failures(month)[:FAILED_SHOWN],
        "failed_more": _more(len(_failures(month)) - FAILED_SHOWN, "step failed", "steps failed"),
        "remarks": [str(one) for one in month.get("remarks") or ()],
        "work": [_work(row) for row in month.get("waiting") or ()],
        "n_waiting": month.get("n_waiting"),
        "n_new": month.get("n_new"),
        "commands": commands(review, month.get("waiting_of") or run),
        **_of_news(news, brief=broken),
        "before": unreadable or (_before(review, run, news) if broken else ""),
        "files": _files(review, run),
        "address": told.get("url") if str(told.get("url", "")).startswith("http") else "",
        "folder": settings.folder(config),
        "times": _times(month),
    }
    seen["head"] = _head(seen)
    seen["subject"] = _subject(seen)
    return seen


def read_month(review, run):
    """The content of month.json of a month that has ended; raises as `write`."""
    path = Path(review) / "logs" / run / "month.json"
    if not path.is_file():
        raise ReviewError(
            f"{path}: there is no such file; hint: make month RUN={run} writes it, and the digest needs it"
        )
    month = tables.read_json(path)
    if not isinstance(month, dict) or not isinstance(month.get("outcome"), str):
        raise ReviewError(f"{path}: it does not say what the month came to; hint: make month RUN={run} again")
    if month["outcome"] == RUNNING:
        raise ReviewError(
            f"{path}: the month has not ended; hint: wait for it, or, if it was killed, make month RUN={run}"
        )
    return month


def as_markdown(seen):
    """The digest as Markdown, which also reads as plain text."""
    lines = [f"# {escaped(seen['title'])}", "", f"**{seen['month']}: {escaped(seen['head'])}**", ""]
    if seen["demonstration"]:
        lines += [f"Demonstration. {escaped(seen['demonstration'])}", ""]
    lines += _outcome_lines(seen)
    if seen["work"]:
        rows = [
            [escaped(row[key]) for key in ("kind", "n", "oldest", "whom", "todo")] for row in seen["work"]
        ]
        places = [f"`{row['file']}`" for row in seen["work"]]
        rows = [[*row, place] for row, place in zip(rows, places, strict=True)]
        lines += ["## What waits for people", "", *markdown.table(WORK_HEAD, rows), "", seen["commands"], ""]
    if seen["before"]:
        lines += [
            "## Before this failure" if seen["statement"] else "## Results",
            "",
            escaped(seen["before"]),
            "",
        ]
    if seen["statement"]:
        lines += ["## What is new", "", *(f"- {escaped(one)}" for one in seen["statement"]), ""]
    if seen["fired"]:
        more = [f"- {seen['fired_more']}"] if seen["fired_more"] else []
        lines += ["## Triggers that fired", "", *(f"- {escaped(one)}" for one in seen["fired"]), *more, ""]
    if seen["waiting"]:
        more = [f"- and {seen['waiting_more']} more"] if seen["waiting_more"] else []
        lines += ["## First in the queue", "", *(f"- {escaped(one)}" for one in seen["waiting"]), *more, ""]
    if seen["runs"]:
        rows = [map(escaped, row) for row in seen["runs"]]
        lines += ["## Every month", "", *markdown.table(news_digest.HEAD, rows)]
        lines += ["", f"{prose.sentence(_earlier(seen['runs_more']))}."] if seen["runs_more"] else []
        lines.append("")
    return (
        "\n".join(markdown.bounded([*lines, *_place_lines(seen)], largest=markdown.LARGEST, rest=_rest))
        + "\n"
    )


def as_html(seen):
    """The digest as a page for mail programs: styles inline, no script, nothing loaded from anywhere."""
    return (
        environment()
        .get_template("digest.html.j2")
        .render(
            seen
            | {
                "runs_head": news_digest.HEAD,
                "earlier": _earlier(seen["runs_more"]) if seen["runs_more"] else "",
                "broken": seen["outcome"] in (*BROKEN, UNFILED),
            }
        )
    )


def as_plain(seen, *, largest=3500):
    """A few lines for a chat: the outcome, what failed, what waits, and where to look."""
    lines = [seen["subject"]]
    lines += [seen["reason"]] if seen["reason"] else []
    for row in seen["failed"]:
        which = f"{row['rule']} failed: " if row["rule"] else ""
        lines.append(f"{which}{prose.excerpt(row['error'], 400)}")
    lines += [f"What to do: {seen['hint']}"] if seen["hint"] else []
    lines += [] if seen["outcome"] in BROKEN else seen["statement"]
    for row in seen["work"]:
        oldest = f" ({row['oldest']})" if row["oldest"] else ""
        lines.append(f"• {row['kind']}: {row['n']}{oldest}; {row['file']}")
    lines += [f"Published at {seen['address']}"] if seen["address"] else []
    lines += [f"Folder: {seen['folder']}"] if seen["folder"] else []
    return "\n".join(markdown.bounded(lines, largest=largest, rest=_rest))


def _outcome_lines(seen):
    lines = [escaped(seen["reason"]), ""] if seen["reason"] else []
    for row in seen["failed"]:
        # An indented block is code: nothing in it is markup, a mention or a reference.
        lines += [f"The step {escaped(row['rule'])} failed:", ""] if row["rule"] else []
        lines += [*(f"    {line}" for line in row["error"].splitlines()), ""]
        lines += [f"Its log: {escaped(row['log'])}", ""] if row["log"] else []
    lines += [f"{seen['failed_more']}.", ""] if seen["failed_more"] else []
    lines += [f"Note: {escaped(one)}\n" for one in seen["remarks"]]
    return lines + ([f"What to do: {escaped(seen['hint'])}", ""] if seen["hint"] else [])


def _place_lines(seen):
    lines = [f"- {label}: `{path}`" for label, path in seen["files"]]
    lines += [f"- {markdown.link('Published', seen['address'])}"] if seen["address"] else []
    lines += [f"- The review's folder: {escaped(seen['folder'])}"] if seen["folder"] else []
    lines = ["## Where the files are", "", *lines, ""] if lines else []
    return [*lines, escaped(seen["times"])]


def _more(number, one, many):
    return f"and {prose.plural(number, f'more {one}', f'more {many}')}" if number > 0 else ""


def _rest(number):
    return f"{prose.sentence(prose.plural(number, 'more line'))} did not fit here; the files hold all."


def _earlier(number):
    return f"{prose.plural(number, 'earlier month')} {'is' if number == 1 else 'are'} in the report"


def _head(seen):
    """The outcome in words."""
    n = seen["n_waiting"]
    wait = f"{prose.plural(n, 'item')} {'waits' if n == 1 else 'wait'} for people" if n else ""
    new = prose.plural(seen["n_new"] or 0, "new record")
    if seen["outcome"] == TRIGGER_FIRED:
        fired = f"{prose.plural(len(seen['fired_names']) or 1, 'trigger')} fired"
        return ", ".join(filter(None, (fired, wait)))
    if seen["outcome"] == WORK_WAITS:
        return f"{new}, {wait}"
    if seen["outcome"] == ALL_DONE:
        return f"{new}, nothing waits"
    head = HEADS.get(seen["outcome"], prose.sentence(seen["outcome"]))
    return f"{head}, {wait}" if wait and seen["outcome"] in (NOT_DUE, PAUSED, RETIRED) else head


def _subject(seen):
    """One line: the outcome, the review, the month; a demonstration says that it is one."""
    marked = "[Demonstration] " if seen["demonstration"] else ""
    return " ".join(f"{marked}{seen['head']}: {prose.excerpt(seen['title'], TITLE)}, {seen['month']}".split())


def _news(review, run):
    """The content of whats_new.json, or None, and why it could not be read."""
    path = review / "results" / run / "whats_new.json"
    if not path.is_file():
        return None, ""
    try:
        news = tables.read_json(path)
        _of_news(news)
    except (ReviewError, OSError, KeyError, TypeError) as error:
        return None, f"What is new could not be read from {path.relative_to(review)}: {error}"
    return news, ""


def _of_news(news, *, brief=False):
    """The parts that come from whats_new.json; of a month that broke, the sentences alone."""
    news = news or {"statement": [], "fired": [], "waiting": [], "waiting_more": 0, "runs": []}
    names = sorted(f"{row['name']} {row['outcome'] or ''}".strip() for row in news["fired"])
    shown = (news | {"fired": [], "waiting": [], "waiting_more": 0, "runs": []}) if brief else news
    return {
        "statement": list(shown["statement"]),
        "fired": news_digest.triggers(shown)[:FIRED_SHOWN],
        "fired_more": _more(len(shown["fired"]) - FIRED_SHOWN, "trigger", "triggers"),
        "fired_names": names,
        "waiting": [row["text"] for row in shown["waiting"]],
        "waiting_more": shown["waiting_more"],
        "runs": [news_digest.cells(row) for row in shown["runs"][:RUNS]],
        "runs_more": max(len(shown["runs"]) - RUNS, 0),
    }


def _before(review, run, news):
    """What results a broken month leaves: its own of an earlier start, or those of a month before."""
    if news:
        return "The results of this month are those of an earlier start and may be older than what failed."
    built = sorted(
        path.parent.name
        for path in review.glob("results/[0-9][0-9][0-9][0-9]-[0-9][0-9]/report.html")
        if path.parent.name < run
    )
    if not built:
        return "There are no results of this month."
    return f"There are no results of this month. The last report is results/{built[-1]}/report.html."


def _reason(month):
    """Why, where neither the outcome in words nor the failed steps say it already."""
    if month["outcome"] in (TRIGGER_FIRED, WORK_WAITS, ALL_DONE, NOTHING_NEW, *BROKEN):
        return ""
    return _ended(month.get("reason"))


def _failures(month):
    """The steps that failed, or else the reason of a month that failed before any step or beside them."""
    if month["outcome"] not in BROKEN:
        return []
    rows = month.get("failed") or [{"error": month.get("reason")}]
    return [
        {
            "rule": str(row.get("rule") or ""),
            "log": str(row.get("log") or ""),
            "error": _end_of(
                row.get("error") or "It ended without a word: was it killed, or is memory short?"
            ),
        }
        for row in rows
    ]


def _end_of(text):
    text = str(text).strip()
    return text if len(text) <= ERROR else f"…{text[-ERROR:]}"


def _work(row):
    months = row.get("months")
    since = f", since {prose.month(row['since'])}" if row.get("since") else ""
    age = "since this month" if months == 0 else f"{prose.plural(months, 'month')}{since}" if months else ""
    return {
        "kind": prose.sentence(row["kind"]),
        "named": waiting.named(row["kind"], row["n"]),
        "n": prose.count(row["n"]),
        "oldest": age,
        "whom": row["whom"],
        "todo": row["todo"],
        "file": row["file"],
    }


def commands(review, run):
    """How the commands that people are asked to run are typed."""
    here = settings.ROOT
    inside = Path(review).resolve()
    place = (
        "" if inside == here else f" REVIEW={inside.relative_to(here) if here in inside.parents else inside}"
    )
    return f"Type commands in the program's folder, each followed by RUN={run}{place}."


def _files(review, run):
    paths = [(label, pattern.format(run=run)) for pattern, label in FILES.items()]
    return [(label, path) for label, path in paths if (review / path).is_file()]


def _times(month):
    begun, ended = str(month.get("started_at") or ""), str(month.get("ended_at") or "")
    if not ended:
        return ""
    text = f"Run from {begun[:16].replace('T', ' ')} to {ended[:16].replace('T', ' ')} UTC"
    starts = month.get("starts")
    return f"{text}, start {starts} of this month." if isinstance(starts, int) and starts > 1 else f"{text}."


def _ended(text):
    text = prose.sentence(str(text or "").strip())
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."
