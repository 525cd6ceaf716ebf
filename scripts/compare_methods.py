"""Compare the protocol with the one that the last release froze, and name the reason for each change."""

import logging
from pathlib import Path

import pandas as pd

from livingreview import __version__, tables
from livingreview.living import methods_changes, releases

log = logging.getLogger(__name__)


def main(job):
    """Write what changed in the methods since the last release, and the rows that want a reason.

    ``job.input``: releases (a list of JSON files), reasons (a list: the table, or nothing where there is
    none); ``job.output``: changes (JSON), wanted (CSV, to be filled in and added to the table of reasons);
    ``job.params``: run, config (the whole).
    """
    run = job.params.run
    release = releases.last_before(releases.read(job.input.releases), run)
    found = {"release": release and release["version"]} | _compared(job, release)
    tables.write_json(found, job.output.changes)
    wanted = [row | {"run": run} for row in found["changes"] if not row["reason"]]
    columns = tables.columns("methods_changes")
    tables.write(pd.DataFrame(wanted, columns=columns, dtype=object), job.output.wanted)
    log.info(
        "%s; changes of methods: %d, without a reason: %d",
        f"compared with release {release['version']}" if release else "no release to compare with yet",
        len(found["changes"]),
        len(wanted),
    )


def _compared(job, release):
    today = dict(job.params.config)
    if release is None:
        return methods_changes.compare(today, today, versions=(None, __version__))
    frozen = releases.protocol(release)
    level = tables.read_json(Path(release["path"]) / "estimates.json").get("level")
    found = methods_changes.compare(
        frozen,
        today,
        named=None if frozen else methods_changes.named(releases.table(release, "estimates"), level),
        versions=((release.get("software") or {}).get("living-review"), __version__),
        reasons=_reasons(job.input.reasons, run=job.params.run),
    )
    # Reasons of older changes have been used by earlier releases.
    unused = [row for row in found["unused_reasons"] if row["run"] > release["run"]]
    for row in unused:
        log.warning("a reason stands in the table for a change that is not there: %s", row["key"])
    return found | {"unused_reasons": unused}


def _reasons(paths, *, run):
    """The reasons that existed at a run."""
    rows = [row for path in paths for row in tables.read(path, "methods_changes").to_dict("records")]
    return [row for row in rows if row["run"] <= run]


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
