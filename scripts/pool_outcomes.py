"""Pool each outcome of the protocol, with its sensitivity analyses, diagnostics and subgroups."""

import logging

import pandas as pd

from livingreview import tables
from livingreview.pooling import outcomes as pooling
from livingreview.pooling import sensitivity
from livingreview.trials import risk_of_bias
from livingreview.trials.revisions import rows_at

log = logging.getLogger(__name__)

# The tables that repeat a list of estimates.json, with their columns.
PARTS = {
    "sensitivity_table": sensitivity.COLUMNS,
    "leave_one_out": pooling.LEAVE_ONE_OUT_COLUMNS,
    "influence": pooling.INFLUENCE_COLUMNS,
    "cumulative": pooling.CUMULATIVE_COLUMNS,
}


def main(job):
    """Read effects.csv and the judgements of risk of bias, write the estimates.

    ``job.input``: effects, judged, studies; ``job.output``: estimates (CSV), details (JSON),
    sensitivity_table, leave_one_out, influence, cumulative, subgroups (CSV); ``job.params``: run, outcomes,
    analysis, subgroups, interpretation, moderators (the last five as in the config; moderators may be
    absent).
    """
    params = job.params
    effects = tables.read_results(job.input.effects)
    judged = tables.read_results(job.input.judged)
    sizes = params.interpretation
    analysis = params.analysis
    named = getattr(params, "moderators", {})
    moderators = _moderators(effects, job.input.studies, named, run=params.run) if named else []
    results = {
        outcome: pooling.pool_outcome(
            effects,
            outcome=outcome,
            label=described["label"],
            subgroups=params.subgroups,
            measure=analysis["measure"],
            risk_of_bias=_overall(judged, effects, outcome),
            thresholds=(sizes["no_effect"], sizes["small"], sizes["moderate"]),
            moderators=moderators,
            **pooling.fitting(analysis),
        )
        for outcome, described in params.outcomes.items()
    }
    _write(results, job.output, run=params.run, level=analysis["level"])
    for outcome, one in results.items():
        main_result = one["main"]
        found = f"estimate {main_result['estimate']:.3f}" if main_result["k"] else "no estimate"
        log.info("%s: k = %d, %s", outcome, main_result["k"], found)


def _moderators(effects, studies, named, *, run):
    """The numbers that the protocol names, by row; those of the row itself go before those of its trial."""
    trials = rows_at(tables.read(studies, "studies"), run, ["study_id"]).set_index("study_id")
    found = []
    for variable, label in named.items():
        values = effects[variable] if variable in effects else effects["study"].map(trials[variable])
        # A year that is not one number ("in press") is no number, and its effects are counted as left out.
        numbers = pd.to_numeric(values, errors="coerce").astype(float)
        held = dict(zip(effects["row_id"], numbers, strict=True))
        found.append({"variable": variable, "label": label, "values": held})
    return found


def _overall(judged, effects, outcome):
    """The overall risk of bias of each study of an outcome that has a judgement."""
    studies = effects.loc[effects["outcome"] == outcome, "study"].unique()
    found = {study: risk_of_bias.overall(judged, study, outcome) for study in studies}
    return {study: judgement for study, judgement in found.items() if judgement}


def _write(results, output, *, run, level):
    main_rows = [one["main"] for one in results.values()]
    tables.write(pd.DataFrame(main_rows, columns=list(pooling.ESTIMATE_COLUMNS)), output.estimates)
    tables.write_json({"run": run, "level": level, "outcomes": results}, output.details)
    for part, columns in PARTS.items():
        rows = pooling.flat(results, part)
        tables.write(pd.DataFrame(rows, columns=list(columns)), getattr(output, part))
    groups = pd.DataFrame(pooling.flat_subgroups(results), columns=list(pooling.SUBGROUP_COLUMNS))
    tables.write(groups, output.subgroups)


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
