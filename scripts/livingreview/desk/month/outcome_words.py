"""What a run came to, for people: the digest's words, and the last lines of what failed."""

import datetime
from pathlib import Path

from livingreview import paths, secrets
from livingreview.desk.month import starting, steps
from livingreview.errors import ReviewError
from livingreview.operation.telling import digest

LINES = 25  # of a step's log
# Of a hint, what a terminal is told and what a page with a button is.
AGAIN, HERE = "start the same command again", "press Start again"


def of(review, run):
    """What a start of a month that has ended came to.

    Returns
    -------
    dict
        The view of `digest.view`, and of each failed step ``words`` (what it does) and ``lines`` (the end of
        its log, without secrets); or ``unreadable``, a text, where month.json does not say it.
    """
    try:
        seen = digest.view(review, run)
    except ReviewError as error:
        return {"unreadable": str(error)}
    failed = [
        row
        | {"words": steps.words(row["rule"], run) if row["rule"] else "", "lines": _end(review, row["log"])}
        for row in seen["failed"]
    ]
    # What an earlier start brought is no news of one that stopped.
    statement = [] if seen["before"] else seen["statement"]
    hint = seen["hint"] and seen["hint"].replace(AGAIN, HERE)
    return seen | {"failed": failed, "statement": statement, "hint": hint, "unreadable": ""}


def _end(review, log):
    """The last lines of a step's log; empty where there is none, or none within the review."""
    if not log:
        return ""
    try:
        path = paths.confined(Path(review), log)
    except ReviewError:
        return ""
    return secrets.scrub("\n".join(starting.tail(path, length=20_000).splitlines()[-LINES:]))


def duration(seconds):
    """A length of time as ``1 min 5 s``; empty for None.

    >>> duration(65.4)
    '1 min 5 s'
    """
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, left = divmod(minutes, 60)
    if hours:
        return f"{hours} h {left} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def minute(moment):
    """A moment in seconds since 1970 as ``29 November 2026, 01:02 UTC``."""
    at = datetime.datetime.fromtimestamp(moment, datetime.UTC)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"
