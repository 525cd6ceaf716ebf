"""What's new as plain text, for a mail or a feed: the same sentences as the page."""

from livingreview.report import markdown, prose
from livingreview.report.markdown import escaped

HEAD = (
    "Run",
    "Searched",
    "Matched",
    "New",
    "Decided",
    "Included",
    "Studies extracted",
    "Retracted",
    "Waiting",
)


def digest(news, *, title):
    """The digest of a run.

    Parameters
    ----------
    news : dict
        The content of whats_new.json.
    title : str
        Of the review.

    Returns
    -------
    str
        Markdown that reads as plain text; all that comes from data is escaped.
    """
    lines = [
        f"# {escaped(title)}",
        "",
        f"What is new in {prose.month(news['run'])}",
        "",
        *(escaped(one) for one in news["statement"]),
        "",
    ]
    if news["fired"]:
        lines += ["## Triggers that fired", ""]
        lines += [f"- {escaped(one)}" for one in triggers(news)]
        lines.append("")
    if news["waiting"]:
        lines += ["## Waiting for people", "", *waiting(news), ""]
    lines += ["## Every run", "", *markdown.table(HEAD, [map(escaped, cells(row)) for row in news["runs"]])]
    return "\n".join(lines) + "\n"


def triggers(news):
    """The triggers that fired, each in one sentence with its outcome."""
    return [
        f"{row['label']}: {row['sentence']}" if row["label"] else row["sentence"] for row in news["fired"]
    ]


def waiting(news):
    """The first records that wait, as a list in Markdown, and how many more do."""
    lines = [f"- {escaped(row['text'])}" for row in news["waiting"]]
    return lines + ([f"- and {news['waiting_more']} more"] if news["waiting_more"] else [])


def cells(row):
    """One run in the columns of `HEAD`."""
    found = row["n_new"] + row["n_new_other"]
    waiting = str(row["n_waiting"])
    if row["oldest_waiting_months"]:
        waiting += f" (oldest {prose.plural(row['oldest_waiting_months'], 'month')})"
    versions = ", ".join(release["version"] for release in row["releases"])
    return (
        f"{row['run']}{f', release {versions}' if versions else ''}",
        row["searched_at"][:10],
        row["n_matched"],
        found,
        row["n_decided"],
        row["n_included"],
        row["n_studies_extracted"],
        row["n_retracted"],
        waiting,
    )
