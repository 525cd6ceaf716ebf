"""Citation, and the files that a reader can take away: beside the page, and inside it."""

import base64
from pathlib import PurePosixPath

from livingreview.living import releases, versions
from livingreview.report import prose
from livingreview.report.prose import count

# What the files of a run hold, in the order in which readers ask for them; others follow by name.
CONTENTS = {
    "report.json": "everything on this page as data",
    "estimates.csv": "one row for each outcome: pooled effect, intervals, heterogeneity, methods",
    "estimates.json": "pooled effects with weights, sensitivity analyses, subgroups and influence",
    "effects.csv": "one row for each extracted effect: value, variance, sizes, source and conversion",
    "changes.json": "what moved since the last release, by cause",
    "certainty.json": "certainty of the evidence, and the summary of findings",
    "flow.json": "the flow of records and reports, with its sums",
    "ledger.csv": "the state of every record, report and study",
    "status.json": "search, queue, notices and lags of this run",
    "triggers.json": "the rules that say that a conclusion may have moved",
    "checklists.csv": "reporting checklists, item by item, with what the authors have to write",
    "text.json": "hand-written text with the results that it quotes",
    "text_keys.csv": "every key by which such text can quote a result, with what it prints",
    "risk_of_bias.csv": "judgements of risk of bias",
    "findings.csv": "extracted values that are possible and unlikely",
    "corrections.csv": "corrected values, with the reasons",
    "queue.csv": "records that wait for a decision",
    "records.csv": "every record known",
    "record_events.csv": "what changed in known records",
}
MEDIA = {".csv": "text/csv", ".json": "application/json"}
# The page must stay below 3 MB, and base64 adds a third; a larger table is taken from beside the page.
MOST_EMBEDDED = 400_000


def downloads(context):
    """What the section shows: the citation, files beside the page, tables inside it.

    A file is beside the page where that stands in ``results/<run>/``; of a release, ``kept`` says which are
    beside its page. Tables of ``context["embedded"]`` (name, text) travel with the page; those beyond
    `MOST_EMBEDDED` bytes are named and not embedded.
    """
    embedded = [_embedded(row) for row in context["embedded"]]
    files = _beside(context)
    return {
        "citation": citation(context),
        "embedded": [row for row in embedded if row["link"]],
        "too_large": [row for row in embedded if not row["link"]],
        "files": files,
        "folder": f"results/{context['run']}/",
        "kept": prose.listed(row["name"] for row in files if row["name"] in releases.KEPT),
    }


def citation(context):
    """The text by which this version can be cited; from the protocol, the run and its search.

    Authors are written as the protocol names them. Without authors the title leads, as styles ask.
    """
    review = context["config"]["review"]
    authors = prose.listed([row["name"] for row in review.get("authors", [])])
    lead = f"{authors}. " if authors else ""
    version = versions.version_of(context["run"], context["releases"], context["config"].get("version"))
    searched = prose.day(context["status"]["searched_at"])
    return f"{lead}{review['title']}: a living systematic review. Version {version}, search of {searched}."


def _embedded(row):
    data = row["text"].encode("utf-8")
    suffix = PurePosixPath(row["name"]).suffix
    link = f"data:{MEDIA[suffix]};charset=utf-8;base64,{base64.b64encode(data).decode('ascii')}"
    return {
        "name": row["name"],
        "what": CONTENTS.get(row["name"], ""),
        "size": _size(len(data)),
        "link": link if len(data) <= MOST_EMBEDDED else None,
    }


def _beside(context):
    """Files of this run's folder, those that readers ask for first; links are relative to the page.

    Sizes are known of those that the page was made from.
    """
    folder = PurePosixPath("results") / context["run"]
    sizes = dict.fromkeys(CONTENTS, "")
    for row in context["files"]:
        path = PurePosixPath(row["name"])
        if path.parts[-3:-1] == folder.parts:
            sizes[path.name] = _size(row["bytes"])
    order = list(CONTENTS)
    names = sorted(sizes, key=lambda name: (order.index(name) if name in order else len(order), name))
    return [{"name": name, "size": sizes[name], "what": CONTENTS.get(name, "")} for name in names]


def _size(n_bytes):
    return f"{count(max(1, round(n_bytes / 1000)))} kB"
