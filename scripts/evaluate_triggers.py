"""Evaluate the protocol's triggers against the last release."""

import logging
from pathlib import Path

from livingreview import tables
from livingreview.living import releases, triggers
from livingreview.living.certainty import in_force
from livingreview.trials.labels import labels
from livingreview.trials.revisions import rows_at

log = logging.getLogger(__name__)


def main(job):
    """Write each trigger, fired, not fired or not evaluated, with its numbers.

    ``job.input``: changes, certainty (JSON), included, notices (results), studies (people's table), releases
    (a list of JSON files); ``job.output``: triggers; ``job.params``: run, outcomes (names), triggers,
    certainty, interpretation (the last three as in the config; triggers and certainty may be empty).
    """
    params = job.params
    release = releases.last_before(releases.read(job.input.releases), params.run)
    rules = triggers.settings(
        params.triggers, interpretation=params.interpretation, rules_of_certainty=params.certainty
    )
    found = triggers.evaluate(
        _in_order(tables.read_json(job.input.changes), params.outcomes),
        rules=rules,
        studies=_studies(job, release),
        notices=_named(tables.read_results(job.input.notices), job),
        rated=(_frozen(release), _ratings(tables.read_json(job.input.certainty))),
    )
    about = release and {name: release[name] for name in ("version", "run")}
    tables.write_json({"release": about, "rules": rules, "triggers": found}, job.output.triggers)
    for row in found:
        if row["state"] == triggers.FIRED:
            log.info("%s, %s: %s", row["name"], row["outcome"] or "the review", row["sentence"])
    log.info("%d triggers fired", sum(row["state"] == triggers.FIRED for row in found))


def _in_order(changes, outcomes):
    """The outcomes in the protocol's order; a JSON file has them in that of their names."""
    return changes | {"outcomes": {name: changes["outcomes"][name] for name in outcomes}}


def _studies(job, release):
    """Included trials at the release, as the table stood then, and now."""
    table = tables.read(job.input.studies, "studies")
    now = set(tables.read_results(job.input.included)["study_id"].dropna())
    ends = [(job.params.run, now)]
    if release:
        ends.insert(0, (release["run"], set(releases.table(release, "included")["study_id"].dropna())))
    found = [_about(rows_at(table, run, ["study_id"]), included) for run, included in ends]
    return tuple(found if release else [{}, *found])


def _about(studies, included):
    rows = studies.assign(label=labels(studies)).to_dict("records")
    return {row["study_id"]: row for row in rows if row["study_id"] in included}


def _named(notices, job):
    """The notices with the label of each study."""
    studies = rows_at(tables.read(job.input.studies, "studies"), job.params.run, ["study_id"])
    named = dict(zip(studies["study_id"], labels(studies), strict=True))
    return notices.assign(label=[named.get(study) for study in notices["study_id"]])


def _frozen(release):
    """The ratings that a release kept, or None."""
    path = release and Path(release["path"]) / "certainty.json"
    return _ratings(tables.read_json(path)) if path and path.is_file() else None


def _ratings(certainty):
    """Per outcome and domain the rating in force: people's, else what the data suggest."""
    return {
        outcome: in_force(one["suggested"], one["people"]) for outcome, one in certainty["outcomes"].items()
    }


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
