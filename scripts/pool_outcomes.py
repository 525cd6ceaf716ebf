"""Pool each outcome of the protocol, with its sensitivity analysis, leave-one-out and subgroups."""

import logging

import pandas as pd

from livingreview import tables
from livingreview.pooling import outcomes as pooling

log = logging.getLogger(__name__)


def main(job):
    """Read effects.csv, write the estimates.

    ``job.input``: effects; ``job.output``: estimates (CSV), details (JSON), leave_one_out, subgroups (CSV);
    ``job.params``: run, outcomes, analysis, subgroups (the last three as in the config).
    """
    params = job.params
    effects = tables.read_results(job.input.effects)
    analysis = params.analysis
    results = {
        outcome: pooling.pool_outcome(
            effects,
            outcome=outcome,
            label=described["label"],
            subgroups=params.subgroups,
            measure=analysis["measure"],
            method=analysis["method_tau2"],
            test=analysis["method_ci"],
            level=analysis["level"],
        )
        for outcome, described in params.outcomes.items()
    }
    _write(results, job.output, run=params.run, level=analysis["level"])
    for outcome, one in results.items():
        main_result = one["main"]
        found = f"estimate {main_result['estimate']:.3f}" if main_result["k"] else "no estimate"
        log.info("%s: k = %d, %s", outcome, main_result["k"], found)


def _write(results, output, *, run, level):
    main_rows = [one["main"] for one in results.values()]
    tables.write(pd.DataFrame(main_rows, columns=list(pooling.ESTIMATE_COLUMNS)), output.estimates)
    tables.write_json({"run": run, "level": level, "outcomes": results}, output.details)
    left_out = pd.DataFrame(pooling.flat_leave_one_out(results), columns=list(pooling.LEAVE_ONE_OUT_COLUMNS))
    tables.write(left_out, output.leave_one_out)
    groups = pd.DataFrame(pooling.flat_subgroups(results), columns=list(pooling.SUBGROUP_COLUMNS))
    tables.write(groups, output.subgroups)


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
