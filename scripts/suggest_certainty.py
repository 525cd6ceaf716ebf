"""Suggest how certain the evidence is, beside people's judgements, and say effects in familiar units."""

import logging

import pandas as pd

from livingreview import tables
from livingreview.living import absolute_effects, certainty, certainty_domains, ratings
from livingreview.trials import bias_tools, instruments, risk_of_bias
from livingreview.trials.revisions import rows_at

log = logging.getLogger(__name__)

# What certainty.json repeats of the main estimate.
HEAD = (
    "k",
    "n_studies",
    "n_participants",
    "n_participants_unknown_rows",
    "estimate",
    "ci_low",
    "ci_high",
)


def main(job):
    """Read the estimates and what they rest on, write certainty.json.

    ``job.input``: details (estimates.json), effects, judged, included, studies, outcomes (of trials),
    instruments, rated (the last two are lists: the table, or nothing where the review has none);
    ``job.output``: certainty; ``job.params``: run, domains (the protocol's ``outcomes``), timepoint,
    interpretation, subgroups, certainty (the last three as in the config), folder (the review's own tools).
    """
    params = job.params
    rules = certainty.settings(params.certainty, params.interpretation)
    given = _read(job.input, params)
    estimates = tables.read_json(job.input.details)["outcomes"]
    found = {
        name: _outcome(name, estimates[name], given, rules=rules, params=params) for name in params.domains
    }
    tables.write_json({"run": params.run, "rules": rules, "outcomes": found}, job.output.certainty)
    for name, one in found.items():
        log.info("%s: %s (%s)", name, one["certainty"] or "no evidence", one["basis"])


def _read(inputs, params):
    """The tables, as known at the run."""
    rated = pd.DataFrame(columns=tables.columns("ratings"))
    for path in inputs.rated:
        rated = tables.read(path, "ratings")
        ratings.check(rated, outcomes=list(params.domains), file=path)
    registry = pd.DataFrame(columns=tables.columns("instruments"))
    for path in inputs.instruments:
        registry = instruments.read(path, run=params.run)
    studies = rows_at(tables.read(inputs.studies, "studies"), params.run, ["study_id"])
    return {
        "effects": tables.read_results(inputs.effects),
        "judged": _by_study(tables.read_results(inputs.judged)),
        "included": set(tables.read_results(inputs.included)["study_id"]),
        "registered": set(studies.loc[studies["registry_ids"].notna(), "study_id"]),
        "outcomes": rows_at(tables.read(inputs.outcomes, "outcomes"), params.run, ["row_id"]),
        "lookup": instruments.lookup(registry),
        "rated": rows_at(rated, params.run, ratings.KEY),
        "tools": bias_tools.load([bias_tools.SHIPPED, params.folder]),
    }


def _outcome(name, found, given, *, rules, params):
    effects = given["effects"]
    suggested = certainty.suggest(
        found,
        rules=rules,
        minimum_studies=params.interpretation["minimum_studies"],
        classes=_classes(found, given, outcome=name),
        registered=given["registered"],
        groups=_groups(effects, name),
        labels={row["variable"]: row["label"] for row in params.subgroups},
    )
    head = {key: found["main"][key] for key in HEAD}
    people = ratings.of_outcome(given["rated"], outcome=name, main=head, effects=effects)
    return {
        **head,
        "label": params.domains[name]["label"],
        "suggested": suggested,
        "people": people,
        **certainty.together(suggested, people),
        "familiar_scale": _familiar(name, head, given, params=params),
        "people_improved": absolute_effects.people_improved(
            head, params.domains[name].get("control_responses", [])
        ),
    }


def _by_study(judged):
    """Overall judgements by study, so that each trial is looked up among its own."""
    overall = judged[judged["domain"] == bias_tools.OVERALL]
    return dict(list(overall.groupby("study_id")))


def _classes(found, given, *, outcome):
    """The overall risk of bias of each trial of a pool; by several tools, the worst."""
    order = (certainty_domains.LOW, certainty_domains.SOME, certainty_domains.HIGH)
    classes = {}
    for study in {row["study"] for row in found["weights"]} & given["judged"].keys():
        judged = given["judged"][study]
        for name in judged["tool"].unique():
            judgement = risk_of_bias.overall(judged, study, outcome, tool=name)
            if judgement:
                scale = given["tools"][name].judgements
                kind = certainty_domains.class_of_judgement(judgement, scale)
                classes[study] = max(classes.get(study, kind), kind, key=order.index)
    return classes


def _groups(effects, outcome):
    rows = effects[effects["outcome"] == outcome]
    return {
        variable: dict(zip(rows["row_id"], rows[variable], strict=True))
        for variable in ("population", "condition", "comparator")
        if variable in rows
    }


def _familiar(name, head, given, *, params):
    """The effect on the outcome's familiar scale, None where the protocol names none."""
    scale = params.domains[name].get("familiar_scale")
    if scale is None:
        return None
    found = None
    if scale["sd"] == absolute_effects.FROM_TRIALS:
        found = absolute_effects.standard_deviation(
            given["outcomes"],
            outcome=name,
            scale=scale,
            studies=given["included"],
            timepoint=params.timepoint,
            lookup=given["lookup"],
        )
    return absolute_effects.on_familiar_scale(head, scale=scale, found=found)


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
