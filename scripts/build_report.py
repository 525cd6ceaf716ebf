"""Build the report: one self-contained HTML page from this run's results."""

import hashlib
import importlib.metadata
import logging
import platform
from pathlib import Path

import pandas as pd

from livingreview import __version__, tables
from livingreview.living import versions
from livingreview.report import checklists, data, flow, pages
from livingreview.screening.decisions import kept_ids, latest, under_kept
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
    decisions = under_kept(tables.read(inputs.decisions, "screening"), kept_ids(records), run=run)
    releases = {path: tables.read_json(path) for path in inputs.releases}
    known = versions.known_before(releases.values(), run)
    paths = [getattr(inputs, name) for name in SINGLE] + [*inputs.provenances, *inputs.refetched]
    paths += [path for path, row in releases.items() if row in known]
    return {
        "config": config,
        "run": run,
        "records": tables.plain_rows(records),
        "events": tables.plain_rows(tables.read_results(inputs.events)),
        "imports": tables.read_json(inputs.imports),
        "pairs": tables.plain_rows(tables.read_results(inputs.pairs)),
        "companions": tables.plain_rows(tables.read_results(inputs.companions)),
        "refetched": [tables.read_json(path) for path in inputs.refetched],
        "queue": tables.plain_rows(tables.read_results(inputs.queue)),
        "ranking": tables.read_json(inputs.ranking),
        "backtest": tables.read_json(inputs.backtest),
        "months": tables.plain_rows(tables.read_results(inputs.months)),
        "suspicious": tables.plain_rows(tables.read_results(inputs.suspicious)),
        "drift": tables.read_json(inputs.drift),
        "agreement": tables.read_json(inputs.agreement),
        "conflicts": tables.plain_rows(tables.read(inputs.conflicts, "conflicts")),
        "effects": tables.plain_rows(tables.read_results(inputs.effects)),
        "findings": tables.plain_rows(tables.read_results(inputs.findings)),
        "corrections": tables.plain_rows(tables.read_results(inputs.corrections)),
        "extraction_agreement": tables.read_json(inputs.extraction_agreement),
        "extracted": tables.plain_rows(rows_at(tables.read(inputs.outcomes, "outcomes"), run, ["row_id"])),
        "judged": tables.plain_rows(tables.read_results(inputs.judged)),
        "estimates": tables.read_json(inputs.estimates),
        "certainty": tables.read_json(inputs.certainty),
        "changes": tables.read_json(inputs.changes),
        "triggers": tables.read_json(inputs.triggers),
        "methods_changes": tables.read_json(inputs.methods_changes),
        "text": tables.read_json(inputs.text),
        "flow": counts,
        "status": tables.read_json(inputs.status),
        "whats_new": tables.read_json(inputs.whats_new),
        "studies": tables.plain_rows(studies[studies["study_id"].isin(included)]),
        "decisions": tables.plain_rows(latest(decisions, run)),
        "provenances": [tables.read_json(path) for path in inputs.provenances],
        "releases": known,
        "embedded": [embedded(getattr(inputs, name)) for name in EMBEDDED],
        "files": [described(path) for path in sorted(set(map(str, paths)))],
        "software": {
            "living-review": __version__,
            "Python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in SOFTWARE},
        },
    }


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
