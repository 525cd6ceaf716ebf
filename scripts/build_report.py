"""Build the report: one self-contained HTML page from this run's results."""

import hashlib
import importlib.metadata
import logging
import platform
from pathlib import Path

import pandas as pd

from livingreview import __version__, tables
from livingreview.report import checklists, data, flow, pages
from livingreview.screening import decisions as ledger
from livingreview.trials.revisions import rows_at

log = logging.getLogger(__name__)

SINGLE = (
    "records",
    "events",
    "imports",
    "pairs",
    "companions",
    "queue",
    "ranking",
    "backtest",
    "months",
    "suspicious",
    "drift",
    "agreement",
    "conflicts",
    "effects",
    "findings",
    "corrections",
    "extraction_agreement",
    "judged",
    "estimates",
    "certainty",
    "changes",
    "triggers",
    "methods_changes",
    "text",
    "flow",
    "status",
    "whats_new",
    "included",
    "studies",
    "outcomes",
    "decisions",
)
# Tables that most readers ask for travel inside the page, which is often sent on without its folder.
EMBEDDED = ("estimates", "effects")
SOFTWARE = ("jinja2", "lxml", "numpy", "pandas", "scikit-learn", "scipy")


def main(job):
    """Read this run's results, write the page and the same as data.

    ``job.input``: records, events, pairs, companions, queue, months, suspicious, conflicts, effects,
    included, findings, corrections, judged (CSV), extraction_agreement, imports, ranking, backtest,
    agreement, estimates, certainty, drift, changes, flow, status (JSON),
    studies, outcomes, decisions (people's tables), provenances, releases (lists of JSON files);
    ``job.output``: report, data, checklists; ``job.params``: run, config (the whole), code (the fingerprint).
    """
    run = job.params.run
    context = read(job.input, config=job.params.config, run=run) | {"code": job.params.code}
    view = pages.view(context)
    page = pages.render(view)
    checklists.check_places(view["checklists"], page)
    filled = pd.DataFrame(checklists.rows(view["checklists"]), columns=checklists.COLUMNS)
    tables.write(filled, job.output.checklists)
    tables.write_json(data.report(context, view), job.output.data)
    tables.write_text(page, job.output.report)
    log.info("%s: %d kB", job.output.report, len(page.encode()) // 1000)


def read(inputs, *, config, run):
    """Everything that the page shows, as plain dicts and lists; the context of ``pages.build``."""
    counts = tables.read_json(inputs.flow)
    flow.check(counts, file=inputs.flow)
    included = set(tables.read_results(inputs.included)["study_id"])
    studies = rows_at(tables.read(inputs.studies, "studies"), run, ["study_id"])
    records = tables.read_results(inputs.records)
    decisions = ledger.under_kept(
        tables.read(inputs.decisions, "screening"), ledger.kept_ids(records), run=run
    )
    releases = {path: tables.read_json(path) for path in inputs.releases}
    # A release of this very run or a later one came after its report.
    releases = {path: row for path, row in releases.items() if row["kind"] != "release" or row["run"] < run}
    paths = [getattr(inputs, name) for name in SINGLE] + [*inputs.provenances, *inputs.refetched, *releases]
    return {
        "config": config,
        "run": run,
        "records": plain(records),
        "events": plain(tables.read_results(inputs.events)),
        "imports": tables.read_json(inputs.imports),
        "pairs": plain(tables.read_results(inputs.pairs)),
        "companions": plain(tables.read_results(inputs.companions)),
        "refetched": [tables.read_json(path) for path in inputs.refetched],
        "queue": plain(tables.read_results(inputs.queue)),
        "ranking": tables.read_json(inputs.ranking),
        "backtest": tables.read_json(inputs.backtest),
        "months": plain(tables.read_results(inputs.months)),
        "suspicious": plain(tables.read_results(inputs.suspicious)),
        "drift": tables.read_json(inputs.drift),
        "agreement": tables.read_json(inputs.agreement),
        "conflicts": plain(tables.read(inputs.conflicts, "conflicts")),
        "effects": plain(tables.read_results(inputs.effects)),
        "findings": plain(tables.read_results(inputs.findings)),
        "corrections": plain(tables.read_results(inputs.corrections)),
        "extraction_agreement": tables.read_json(inputs.extraction_agreement),
        "extracted": plain(rows_at(tables.read(inputs.outcomes, "outcomes"), run, ["row_id"])),
        "judged": plain(tables.read_results(inputs.judged)),
        "estimates": tables.read_json(inputs.estimates),
        "certainty": tables.read_json(inputs.certainty),
        "changes": tables.read_json(inputs.changes),
        "triggers": tables.read_json(inputs.triggers),
        "methods_changes": tables.read_json(inputs.methods_changes),
        "text": tables.read_json(inputs.text),
        "flow": counts,
        "status": tables.read_json(inputs.status),
        "whats_new": tables.read_json(inputs.whats_new),
        "studies": plain(studies[studies["study_id"].isin(included)]),
        "decisions": plain(ledger.latest(decisions, run)),
        "provenances": [tables.read_json(path) for path in inputs.provenances],
        "releases": list(releases.values()),
        "embedded": [embedded(getattr(inputs, name)) for name in EMBEDDED],
        "files": [described(path) for path in sorted(set(map(str, paths)))],
        "software": {
            "living-review": __version__,
            "Python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in SOFTWARE},
        },
    }


def plain(frame):
    """A frame as a list of dicts; missing values are None."""
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def embedded(path):
    """Name and text of a file that travels inside the page."""
    return {"name": Path(path).name, "text": Path(path).read_text(encoding="utf-8")}


def described(path):
    """Name, size and digest of a file."""
    data = Path(path).read_bytes()
    return {"name": str(path), "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
