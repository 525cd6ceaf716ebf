"""What's new as plain text, for a mail or a feed: the same sentences as the page."""

import re

from livingreview.report import prose

# What Markdown, or a mail program, would take for more than text.
SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|!~&])")
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
        lines += [f"- {escaped(_trigger(row))}" for row in news["fired"]]
        lines.append("")
    if news["waiting"]:
        lines += ["## Waiting for people", ""]
        lines += [f"- {escaped(row['text'])}" for row in news["waiting"]]
        lines += [f"- and {news['waiting_more']} more"] if news["waiting_more"] else []
        lines.append("")
    lines += ["## Every run", "", _row(HEAD), _row(["---"] * len(HEAD))]
    lines += [_row(map(escaped, _cells(row))) for row in news["runs"]]
    return "\n".join(lines) + "\n"


def _trigger(row):
    return f"{row['label']}: {row['sentence']}" if row["label"] else row["sentence"]


def escaped(text):
    """Text on one line in which nothing is markup; also no line can begin with a list or a number."""
    flat = SPECIAL.sub(r"\\\1", " ".join(str(text).split()))
    return re.sub(r"^([-+=]|\d+[.)])", r"\\\1", flat)


def _cells(row):
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


def _row(cells):
    return f"| {' | '.join(map(str, cells))} |"
