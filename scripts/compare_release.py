"""Compare a run's estimates with the last release, and take their moves apart."""

import logging
from pathlib import Path

from livingreview import tables
from livingreview.living import changes, frozen_protocol, releases
from livingreview.pooling.outcomes import fitting
from livingreview.trials import notices
from livingreview.trials.effects import compute, options
from livingreview.trials.revisions import rows_at

log = logging.getLogger(__name__)


def main(job):
    """Write what changed since the last release, and what moved each estimate.

    ``job.input``: estimates, effects, included, notices (results), studies, outcomes (people's tables),
    releases (a list of JSON files); ``job.output``: changes; ``job.params``: run, outcomes, analysis,
    subgroups (the last three as in the config).
    """
    release = releases.last_before(releases.read(job.input.releases), job.params.run)
    log.info(
        "compared with %s",
        f"release {release['version']}" if release else "nothing: there is no earlier release",
    )
    effects = tables.read_results(job.input.effects)
    before = release and release | {
        "estimates": releases.table(release, "estimates"),
        "effects": releases.table(release, "effects"),
    }
    compared = changes.compare(tables.read_results(job.input.estimates), effects, before)
    for outcome, moved in (_attributions(job, compared, effects, before) if before else {}).items():
        compared["outcomes"][outcome] |= moved
        log.info("%s: %s", outcome, moved["reason"] or _said(moved))
    tables.write_json(compared, job.output.changes)


def _said(moved):
    parts = [
        f"{part['cause']} {part['change']:+.4f}" for part in moved["steps"] if part["change"] is not None
    ]
    return f"moved by {moved['total']['estimate']:+.4f}: {', '.join(parts) or 'nothing'}"


def _attributions(job, compared, effects, release):
    """What moved each estimate; the release's own protocol, where it froze one, is the method then."""
    today = job.params.analysis
    level = tables.read_json(Path(release["path"]) / "estimates.json").get("level")
    frozen = releases.protocol(release)
    then, unstated = frozen_protocol.analysis_of(frozen, release["estimates"], level, today)
    if unstated:
        log.info("the release does not state %s; taken as today", ", ".join(unstated))
    noticed = tables.read_results(job.input.notices)
    other = frozen_protocol.makes_other_effects(then, today)
    return changes.attributions(
        compared,
        effects,
        release,
        options=(fitting(then), fitting(today)),
        reanalysed=_effects(job, then, noticed) if other else None,
        retracted=notices.excluded_studies(noticed),
    )


def _effects(job, analysis, noticed):
    """The effects that the release's protocol would make of today's trials."""
    run = job.params.run
    included = set(tables.read_results(job.input.included)["study_id"].dropna())
    return notices.mark(
        compute(
            rows_at(tables.read(job.input.outcomes, "outcomes"), run, ["row_id"]),
            rows_at(tables.read(job.input.studies, "studies"), run, ["study_id"]),
            included | notices.excluded_studies(noticed),
            protocol=list(job.params.outcomes),
            subgroups=job.params.subgroups,
            **options(analysis),
        ),
        noticed,
    )


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
