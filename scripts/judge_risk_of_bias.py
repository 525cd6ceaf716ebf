"""Judge the trials' risk of bias from the answers and judgements that people entered."""

import logging

import pandas as pd

from livingreview import tables
from livingreview.trials import bias_tools, risk_of_bias
from livingreview.trials.revisions import rows_at

log = logging.getLogger(__name__)


def main(job):
    """Read what was entered as known at this run, write a judgement per domain and overall.

    ``job.input``: studies, entered (a list: the table, or nothing where the review has none);
    ``job.output``: judged; ``job.params``: run, outcomes (names), folder (the review's own tools).
    """
    params = job.params
    paths = list(job.input.entered)
    frame = (
        tables.read(paths[0], "risk_of_bias")
        if paths
        else pd.DataFrame(columns=tables.columns("risk_of_bias"))
    )
    judged = risk_of_bias.judgements(
        rows_at(frame, params.run, risk_of_bias.KEY),
        bias_tools.load([bias_tools.SHIPPED, params.folder]),
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


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
