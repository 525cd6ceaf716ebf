"""What stops a search whose answer cannot be right; nothing is saved then."""

import datetime
import logging
import math

from livingreview.errors import ReviewError

log = logging.getLogger(__name__)

FEW = 10  # a rise by fewer records than this is never an alarm, whatever its per cent


class GuardError(ReviewError):
    """An answer of another month, or one whose numbers do not add up."""


class YieldAlarm(ReviewError):
    """A search that finds so little, or so much, that it is more likely broken than true."""


class DroppedPhrases(ReviewError):
    """PubMed left out parts of the query that nobody has said may be left out."""


def check_month(run, searched_at):
    """Refuse to file today's answer under another month; every later run would take it for that month's.

    The day is the server's. One day either way is let pass, for a search at midnight in another time zone.
    """
    day = datetime.datetime.fromisoformat(searched_at)
    near = {f"{day + datetime.timedelta(days=shift):%Y-%m}" for shift in (-1, 0, 1)}
    if run not in near:
        raise GuardError(
            f"the search was answered on {day:%Y-%m-%d}, so it cannot be the search of run {run}; "
            f"hint: build run {day:%Y-%m}. Nothing was saved."
        )


def check_source(search, *, before):
    """Refuse to mix what the sandbox and what PubMed answered in one review.

    Parameters
    ----------
    search : livingreview.search.snapshot.Search
    before : dict or None
        Provenance of the last search.

    Raises
    ------
    GuardError
    """
    if before is None or {before["base_url"], search.base_url} & {"bulk"}:
        return
    if (before["base_url"] == "sandbox") == (search.base_url == "sandbox"):
        return
    raise GuardError(
        f"the search of {before['run']} was answered by {before['base_url']}, and this one would be by"
        f" {search.base_url}: records of the sandbox and of PubMed would stand in one review. Nothing was"
        " saved; hint: start a review of your own in another folder, with an empty data/searches"
    )


def check_yield(count, search, *, before, run):
    """Refuse a count that is more likely a broken search than a true one.

    Parameters
    ----------
    count : int
        Records found.
    search : livingreview.search.snapshot.Search
        With the tolerances; that of a rise holds for each month since the last search.
    before : dict or None
        Provenance of the last search.
    run : str
        This month, YYYY-MM.

    Raises
    ------
    YieldAlarm
        For no records, a fall, or a rise; a rise after a change of the query is only logged.
    """
    if count == 0:
        raise YieldAlarm(
            "PubMed holds no records for this query. Nothing was saved. Check search: query in config.yaml,"
            " and try it on the website of PubMed."
        )
    if before is None:
        return
    changed = before["query"].split() != search.query.split()
    told = " The query has changed since then." if changed else ""
    held = f"PubMed holds {count} records for this query; in {before['run']} it held {before['count']}."
    if count < before["count"] * (1 - search.drop_tolerance / 100):
        raise YieldAlarm(
            f"{held} A fall of more than {search.drop_tolerance:g} per cent stops the run.{told} Nothing was"
            " saved. If the fall is right, raise search: drop_tolerance_percent in config.yaml for this run."
        )
    months = _months(run) - _months(before["run"])
    limit = before["count"] * (1 + search.rise_tolerance / 100 * months)
    if count <= limit or count - before["count"] < FEW:
        return
    if changed:  # to find more is what most changes are for
        log.warning("%s The query has changed since then.", held)
        return
    raise YieldAlarm(
        f"{held} A rise of more than {search.rise_tolerance:g} per cent a month stops the run: PubMed may"
        " understand the query in another way than before (compare query_translation in the two provenance"
        " files). Nothing was saved. If the rise is right, raise search: rise_tolerance_percent in"
        " config.yaml for this run."
    )


def _months(run):
    year, month = map(int, run.split("-"))
    return 12 * year + month


def broken_sums(provenance, *, listed):
    """The proof of completeness: nothing that was found or known is unaccounted for.

    Parameters
    ----------
    provenance : dict
    listed : int
        Different PMIDs in PubMed's lists themselves.

    Returns
    -------
    list of str
        The sums that do not hold, with both sides.
    """
    known = provenance["known"]
    sums = {
        "records in the lists = records announced": (listed, provenance["count"]),
        "records said to be listed = records announced": (provenance["n_listed"], provenance["count"]),
        "fetched + absent = announced": (
            provenance["n_fetched"] + len(provenance["absent"]),
            provenance["count"],
        ),
        "known records = unchanged + changed + gone + not asked for": (
            known["records"],
            known["unchanged"] + known["changed"] + known["gone"] + known["not_asked"],
        ),
    }
    return [f"{name} ({left} and {right})" for name, (left, right) in sums.items() if left != right]


def check_sums(provenance, *, listed):
    """Refuse a search of which a sum of `broken_sums` does not hold.

    Raises
    ------
    GuardError
    """
    broken = broken_sums(provenance, listed=listed)
    if broken:
        raise GuardError(
            f"the search does not add up: {'; '.join(broken)}. Nothing was saved. Run the same command again."
        )


def check_absent(provenance, search):
    """Refuse an answer of which PubMed does not hold more records than the protocol allows.

    Raises
    ------
    YieldAlarm
        Naming the first of them; one absent record is always allowed.
    """
    absent, count = provenance["absent"], provenance["count"]
    if len(absent) > max(1, math.floor(count * search.absent_tolerance / 100)):
        raise YieldAlarm(
            f"PubMed lists {count} records for this query and does not hold {len(absent)} of them"
            f" (PMID {', '.join(absent[:5])}{', …' if len(absent) > 5 else ''}). More than"
            f" {search.absent_tolerance:g} per cent stops the run. Nothing was saved. Run the same command"
            " again later, or raise search: absent_tolerance_percent in config.yaml."
        )


def check_dropped(dropped, acknowledged):
    """Refuse an answer to another query than was sent.

    Raises
    ------
    DroppedPhrases
        Naming everything that PubMed left out and that is not acknowledged.
    """
    unknown = [phrase for phrase in dropped if phrase not in acknowledged]
    if not unknown:
        return
    lines = "".join(f"\n  - {phrase!r}" for phrase in unknown)
    raise DroppedPhrases(
        f"PubMed did not find these parts of the query and searched without them:{lines}\n"
        "Nothing was saved. Mend them in search: query in config.yaml. Where one may be left out (PubMed"
        " holds no such phrase, and that is right), add it to search: acknowledged, exactly as it stands"
        " here."
    )
