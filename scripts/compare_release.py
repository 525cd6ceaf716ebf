"""Compare a run's estimates with the last release."""

import logging

from livingreview import tables
from livingreview.living import changes, releases

log = logging.getLogger(__name__)


def main(job):
    """Write what changed since the last release."""
    release = releases.last_before(releases.read(job.input.releases), job.params.run)
    before = release and release | {
        "estimates": releases.table(release, "estimates"),
        "effects": releases.table(release, "effects"),
    }
    compared = changes.compare(
        tables.read_results(job.input.estimates), tables.read_results(job.input.effects), before
    )
    log.info(
        "compared with %s",
        f"release {release['version']}" if release else "nothing: there is no earlier release",
    )
    tables.write_json(compared, job.output.changes)


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
