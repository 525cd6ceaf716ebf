"""Compare the protocol with the one that the last release froze, and name the reason for each change."""

import logging

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
    found = methods_changes.since(
        release, dict(job.params.config), version=__version__, reasons=_reasons(job.input.reasons), run=run
    )
    for row in found["unused_reasons"]:
        log.warning("a reason stands in the table for a change that is not there: %s", row["key"])
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


def _reasons(paths):
    """The table of reasons, without rows where there is none."""
    rows = [row for path in paths for row in tables.read(path, "methods_changes").to_dict("records")]
    return pd.DataFrame(rows, columns=tables.columns("methods_changes"), dtype=object)


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
