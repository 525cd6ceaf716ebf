"""Judge the trials' risk of bias from the answers and judgements that people entered."""

import logging

import pandas as pd

from livingreview import tables
from livingreview.trials import bias_blinding, bias_tools

log = logging.getLogger(__name__)


def main(job):
    """Read what was entered as known at this run, write a judgement per domain and overall.

    ``job.input``: studies, entered (a list: the table, or nothing where the review has none);
    ``job.output``: judged; ``job.params``: run, outcomes (names), folder (the review's own tools),
    assessors (names of the two who judge by themselves, or none).
    """
    params = job.params
    paths = list(job.input.entered)
    frame = (
        tables.read(paths[0], "risk_of_bias")
        if paths
        else pd.DataFrame(columns=tables.columns("risk_of_bias"))
    )
    judged = bias_blinding.judgements(
        frame,
        bias_tools.load([bias_tools.SHIPPED, params.folder]),
        params.run,
        names=params.assessors,
        studies=set(tables.read(job.input.studies, "studies")["study_id"]),
        outcomes=params.outcomes,
    )
    tables.write(judged, job.output.judged)
    overall = judged[judged["domain"] == bias_tools.OVERALL]
    log.info(
        "%d assessments of risk of bias, %d with an overall judgement",
        len(overall),
        (overall["judgement"] != "").sum(),
    )
    waiting = overall[overall["basis"] == bias_blinding.WAITS]
    if len(waiting):
        log.info(
            "%d wait for the second assessor: %s", len(waiting), ", ".join(sorted(set(waiting["study_id"])))
        )


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
