"""Whether a month is to be run at all: a month that cannot be right, a paused review, one that is not due."""

import datetime
import ipaddress
import urllib.parse

from livingreview.errors import ReviewError
from livingreview.living.modes import ACTIVE
from livingreview.living.status import next_run
from livingreview.operation.job.outcome import NOT_DUE, PAUSED, RETIRED, Outcome
from livingreview.screening.decisions import months_between

SANDBOX = "sandbox"
# The sandbox answers for every month, and a search of a month far ahead, made by a slip of the pen, would
# stand after all months that come. Rehearsals play two years.
AHEAD = 24  # months


class NoSuchMonth(ReviewError):
    """A month that cannot have been meant."""


def check(run, *, taken, base_url, config_run, now):
    """Refuse a month that nobody can mean to search.

    Parameters
    ----------
    run : str
        The month asked for, YYYY-MM.
    taken : list of str
        Months that have a snapshot; one of these is built again and is always right.
    base_url : str
        The protocol's: an address is PubMed, which only tells what it holds now.
    config_run : str
        The month that config.yaml names.
    now : datetime.datetime
        In UTC. A day either way is let pass; the search itself goes by the server's clock.

    Raises
    ------
    NoSuchMonth
    """
    if run in taken:
        return
    newest = max(taken, default=None)
    if newest is not None and run < newest:
        raise NoSuchMonth(
            f"run {run}: there is no snapshot of it, and {newest} has been searched since; a search made now"
            f" would tell of a later month; allowed: {', '.join(taken[-12:])}, or a month after {newest};"
            " hint: a search that was missed is made up by the next one, which finds all that was added since"
        )
    today = f"{now:%Y-%m}"
    if base_url == SANDBOX or _is_here(base_url):
        latest = max(filter(None, (today, newest, config_run)))
        if months_between(latest, run) > AHEAD:
            raise NoSuchMonth(
                f"run {run}: this is {months_between(latest, run)} months after {latest}; allowed: at most"
                f" {AHEAD}; hint: RUN={today}"
            )
    elif base_url.startswith("http") and run not in _months_around(now):
        raise NoSuchMonth(
            f"run {run}: PubMed tells what it holds today ({now:%Y-%m-%d}), and that cannot be the search of"
            f" {run}; hint: RUN={today}"
        )


def _is_here(base_url):
    """Whether an address is one of this computer, where a sandbox answers for any day."""
    host = urllib.parse.urlsplit(base_url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _months_around(now):
    return {f"{now + datetime.timedelta(days=days):%Y-%m}" for days in (-1, 0, 1)}


def nothing_to_do(run, *, taken, living):
    """The outcome of a month that the schedule must not search, or None if it is to be run.

    A month that has been searched is always built: people's work on it goes on in every mode.

    Parameters
    ----------
    run, taken
        As for `check`.
    living : dict
        The protocol's ``living``.
    """
    if run in taken:
        return None
    mode = living["mode"]
    if mode != ACTIVE:
        since = f" since {living['since']}" if living.get("since") else ""
        why = f": {living['reason']}" if living.get("reason") else ""
        return Outcome(
            {PAUSED: PAUSED, RETIRED: RETIRED}[mode],
            reason=f"the review is {mode}{since}{why}; PubMed was not asked",
            hint="to take it up again, set living.mode: active in config.yaml",
        )
    newest = max(taken, default=None)
    every = living["search_every_months"]
    if newest is not None and every > 1 and run < (due := next_run(newest, every)):
        return Outcome(
            NOT_DUE,
            reason=f"the search is due every {every} months: the last one was {newest}, the next is {due}",
        )
    return None
