"""What people sign off: title and text of a month's pull request, and of the issue about a failed month.

Digest and queue come as Markdown in which text from data calls nobody and closes no issue
(`report.markdown`).
"""

from livingreview.report import markdown

# GitHub refuses a text of more than 65,536 characters.
LIMIT = 64_000
LOG_SHOWN = 4_000
# Exit statuses of a month that was built, or had nothing to do; the schedule's shell scripts know them too.
FINE = (0, 10, 20)


def title(*, review, run, status, outcome, waiting=None):
    """The title of a month's pull request, or of the issue about its failure.

    Parameters
    ----------
    review : str
        The review's name among those of the checkout.
    run : str
    status : int
        Of the month's command.
    outcome : str
        What the month came to, in a word.
    waiting : int, optional
        How many things wait for people.

    >>> title(review="pain", run="2026-12", status=20, outcome="trigger fired", waiting=3)
    'Month 2026-12 of pain: trigger fired, 3 waiting'
    >>> title(review="pain", run="2026-12", status=1, outcome="failed")
    'Month 2026-12 of pain failed'
    """
    if status not in FINE:
        return f"Month {run} of {review} failed"
    return f"Month {run} of {review}: {outcome}{f', {waiting} waiting' if waiting else ''}"


def body(*, digest, queue, report, snapshot, carried=(), limit=LIMIT):
    """The text of a pull request, in Markdown.

    Parameters
    ----------
    digest, queue : str
        Of the month, Markdown; empty where there is none.
    report : str
        Address at which the report can be had.
    snapshot : str
        Folder that is merged.
    carried : sequence of str
        Branches of earlier months that are merged with this one.
    limit : int
        Bytes. What does not fit is left out from the end, by whole lines, and counted.
    """
    parts = [
        f"Merging signs off that `{snapshot}`, PubMed's answer of this month, becomes part of the review."
        " It includes and excludes no record: people do that in the queue.",
        f"Report, queue and logs: {report}",
    ]
    if carried:
        names = ", ".join(f"`{name}`" for name in carried)
        parts.append(f"Built on months that were not merged yet; merging it merges them too: {names}.")
    parts += [part for part in (digest.strip(), queue.strip()) if part]
    lines = "\n\n".join(parts).splitlines()
    return "\n".join(markdown.bounded(lines, largest=limit, rest=_rest)) + "\n"


def issue(*, digest, printed, address, limit=LIMIT):
    """The text of the issue about a failed month.

    Parameters
    ----------
    digest : str
        The month's digest; empty if the month came not even so far.
    printed : str
        What the month's command printed; its end is shown.
    address : str
        Of the logs.
    limit : int
        As for `body`; the digest is cut, the rest is not.
    """
    ending = printed.strip()[-LOG_SHOWN:].replace("```", "'''")
    after = ["", f"Logs: {address}", "", "It ended with:", "", "```text", *ending.splitlines(), "```"]
    room = limit - sum(len(line.encode()) + 1 for line in after)
    lines = (digest.strip() or "The month left no digest.").splitlines()
    return "\n".join([*markdown.bounded(lines, largest=room, rest=_rest), *after]) + "\n"


def _rest(n):
    return f"*{n} more lines do not fit here; they are in the files of the report.*"
