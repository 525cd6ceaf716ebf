"""Watch whether the new records are still like those that the ranking learnt from."""

import logging

from livingreview import tables
from livingreview.screening import decisions as ledger
from livingreview.screening import drift, training
from livingreview.screening.queue import PROBABILITY

log = logging.getLogger(__name__)


def main(job):
    """Read the rankings of all months, write drift.json.

    ``job.input``: records, decisions, months (backtest.csv), predictions, queue; ``job.output``: drift;
    ``job.params``: run, stages, learn_from.
    """
    params = job.params
    label = training.labels_of(params.learn_from, params.stages)[0]
    records = tables.read_results(job.input.records)
    decisions = ledger.under_kept(
        tables.read(job.input.decisions, "screening"), ledger.kept_ids(records), run=params.run
    )
    records = records[records["duplicate_of"].isna()]
    found = drift.watch(
        predictions=_predicted(tables.read_results(job.input.predictions), label),
        waiting=_waiting(tables.read(job.input.queue, "queue"), label, run=params.run),
        months=_decided(tables.read_results(job.input.months), label),
        records=records.to_dict("records"),
        decided_in=training.decided_in(records["record_id"], decisions, run=params.run),
        run=params.run,
    )
    tables.write_json(found | {"label": label}, job.output.drift)
    for warning in found["warnings"]:
        log.warning("%s", warning)


def _predicted(predictions, label):
    rows = predictions[(predictions["label"] == label) & predictions["probability"].notna()]
    return [(row.month, float(row.probability)) for row in rows.itertuples()]


def _waiting(queue, label, *, run):
    """Chances of this run's new records; none where the queue was not ranked by decisions."""
    rows = queue[(queue["first_run"] == run) & queue[PROBABILITY[label]].notna()]
    return [float(value) for value in rows[PROBABILITY[label]]]


def _decided(months, label):
    rows = months[months["label"] == label].sort_values("month")
    return [(row.month, int(row.n_ranked), int(row.n_included)) for row in rows.itertuples()]


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
