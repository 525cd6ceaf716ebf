"""The queue as a Markdown table, for a pull request or an issue: the same rows and order as queue.csv."""

from livingreview.report import links, markdown, prose
from livingreview.report.markdown import escaped
from livingreview.screening.decisions import ADJUDICATION, FULL_TEXT, SECOND_REVIEWER, TITLE_ABSTRACT

HEAD = ("", "Band", "Record", "Published", "Why it stands here", "State", "Waits")
STAGES = {TITLE_ABSTRACT: "title and abstract", FULL_TEXT: "full text"}
STATES = {"new": "new", "undecided": "no decision yet", "awaiting": "awaits further information"}
FOR = {SECOND_REVIEWER: "for the second reviewer", ADJUDICATION: "for the adjudicator"}
PROBABILITY = {TITLE_ABSTRACT: "p_title_abstract", FULL_TEXT: "p_full_text"}
TERMS = 3  # of the terms behind a score, the largest


def page(queue, waiting, *, run, title, own=()):
    """The page.

    Parameters
    ----------
    queue : list of dict
        Rows of queue.csv, missing values None.
    waiting : list of dict
        The part ``waiting`` of status.json, in the same order.
    run : str
    title : str
        Of the review.
    own : collection of str
        Names of the files of independent reviewers, in results/<run>/queues/.

    Returns
    -------
    str
        At most `markdown.LARGEST` bytes; how many rows are left out is said.
    """
    folder = f"results/{run}"
    files = [f"{folder}/queues/{name}" for name in own] or [f"{folder}/queue.csv"]
    lines = [
        f"# Queue of {prose.month(run)}",
        "",
        escaped(title),
        "",
        *_lead(queue, waiting, files, run=run),
    ]
    if not queue:
        return "\n".join(lines) + "\n"
    head = [*lines, "", *markdown.table(HEAD, [])]
    rows = [
        markdown.row(_cells(place, row, waits))
        for place, (row, waits) in enumerate(zip(queue, waiting, strict=True), start=1)
    ]
    used = sum(len(line.encode()) + 1 for line in head)

    def rest(n):
        return f"\n{prose.plural(n, 'more record')} did not fit here; all are in `{folder}/queue.csv`."

    return "\n".join(head + markdown.bounded(rows, largest=markdown.LARGEST - used, rest=rest)) + "\n"


def _lead(queue, waiting, files, *, run):
    if not queue:
        return ["No record waits for a decision."]
    n, oldest = len(queue), min(row["since_run"] for row in waiting)
    verb = "waits" if n == 1 else "wait"
    named = prose.listed(f"`{name}`" for name in files)
    which = "their own of " if len(files) > 1 else ""
    who = "each reviewer fills in" if len(files) > 1 else "fill in"
    return [
        f"{prose.plural(n, 'record')} {verb} for a decision, the oldest since {prose.month(oldest)}."
        f" Decide at the desk (`make desk RUN={run}`); or {who} {which}{named}, then"
        f" `make decisions RUN={run}`.",
        _order(queue),
    ]


def _order(queue):
    """How the queue is ordered, and what its numbers say."""
    signs = "A term behind a place speaks for the record with a plus, against it with a minus."
    if not any(_chance(row) for row in queue):
        return (
            "Read from the top. There are too few decisions to learn from yet, so that the order is that of"
            f" likeness to the protocol, without chances. {signs}"
        )
    return (
        "Read from the top. A percentage is the chance, by the review's own decisions, that people would"
        f" include the record. {signs}"
    )


def _cells(place, row, waits):
    return (
        place,
        _band(row),
        markdown.link(row["title"] or row["record_id"], address(row)),
        escaped(", ".join(str(part) for part in (row["journal"], row["year"]) if part)),
        escaped("; ".join((row["terms"] or "").split("; ")[:TERMS])),
        escaped(state(row, waits)),
        since(waits),
    )


def _band(row):
    return escaped(", ".join(filter(None, (row["band"], _chance(row)))))


def _chance(row):
    # The ranker learns the stages that the protocol names; without a chance at this one, that at the last.
    asked, last = row.get(PROBABILITY[row["stage"]]), row.get(PROBABILITY[FULL_TEXT])
    chance = last if prose.missing(asked) else asked
    return "" if prose.missing(chance) else prose.percent(100 * chance)


def address(row):
    """Of a record's page in PubMed, or of its DOI; None for records that have neither."""
    if row["pmid"]:
        return links.pubmed_link(row["pmid"])
    record_id = row["record_id"]
    return links.doi_link(record_id.removeprefix("doi:")) if record_id.startswith("doi:") else None


def state(row, waits):
    """Where a record stands in words: the stage, the state, and for whom it waits."""
    whom = FOR.get(waits["waits_for"])
    return f"{STAGES[row['stage']]}: {STATES[row['state']]}{f', {whom}' if whom else ''}"


def since(waits):
    """For how long a record has waited."""
    if not waits["months"]:
        return "since this month"
    return f"{prose.plural(waits['months'], 'month')}, since {prose.month(waits['since_run'])}"
