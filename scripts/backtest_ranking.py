"""Test the ranker on the review's own past, and choose the model by it."""

import logging

import pandas as pd

from livingreview import tables
from livingreview.screening import backtest, bands, known, queue, training
from livingreview.screening import decisions as ledger
from livingreview.screening.ranking.reading import READS

log = logging.getLogger(__name__)


def main(job):
    """Write, for each label that is learnt from, the months tested, the predictions, and what they say.

    Predictions of earlier months that still hold are taken over (``job.params.known``, a folder).
    """
    run, stages, ranking = job.params.run, job.params.stages, job.params.ranking
    records = tables.read_results(job.input.records)
    decisions = ledger.under_kept(
        tables.read(job.input.decisions, "screening"), ledger.kept_ids(records), run=run
    )
    records = records[records["duplicate_of"].isna()].reset_index(drop=True)
    protocol = queue.protocol_text(job.params.question, job.params.eligibility)
    settings = {"protocol": protocol, "seed": ranking["seed"], "recall": ranking["read_first_recall"]}
    kept = known.place(job.params.known, code=job.params.code, settings=settings)
    before = known.read(kept)
    found, rows, predicted, made = {}, [], [], []
    for label in training.labels_of(ranking["learn_from"], stages):
        past = training.decided(records["record_id"], decisions, run=run, stages=stages, label=label)
        tested = _test(
            records.iloc[past.rows],
            past,
            decisions,
            run=run,
            ranking=ranking,
            protocol=protocol,
            before=before,
        )
        found[label] = tested["about"]
        chosen = tested["candidates"][found[label]["choice"]["chosen"]]
        rows.append(chosen.months.assign(label=label))
        predicted.append(chosen.predictions.assign(label=label))
        made += [candidate.predictions for candidate in tested["candidates"].values()]
        log.info("%s: %s", label, found[label]["choice"]["reason"])
        for warning in found[label]["warnings"]:
            log.warning("%s", warning)
    tables.write_json(found, job.output.about)
    tables.write(pd.concat(rows).sort_values(["label", "month"]), job.output.months)
    tables.write(pd.concat(predicted).sort_values(["label", "month", "record_id"]), job.output.predictions)
    known.keep(pd.concat(made), kept)


def _test(records, past, decisions, *, run, ranking, protocol, before):
    recall = bands.target_recall(ranking["read_first_recall"])
    runs = training.decided_in(records["record_id"], decisions, run=run)
    months, period = training.periods(runs, list(records["year"]), past.included)
    candidates = {
        name: backtest.run(
            # What the model doesn't read, such as the last search that found a record, makes no other key.
            records[[name for name in READS if name in records]].to_dict("records"),
            past.included,
            months,
            make_model=lambda name=name: queue.make_model(name, protocol=protocol, seed=ranking["seed"]),
            minimum_included=ranking["minimum_included"],
            minimum_excluded=ranking["minimum_excluded"],
            order=training.order(runs, records["year"]),
            read_first=lambda model, scores: _read_first(model, scores, recall=recall),
            name=name,
            known=before,
        )
        for name in queue.MODELS
    }
    choice = backtest.choose(candidates, period=period)
    chosen = candidates[choice["chosen"]]
    return {
        "candidates": candidates,
        "about": {
            "choice": choice,
            "period": period,
            "summary": backtest.summarise(
                chosen, confidence=ranking["confidence"], seed=ranking["seed"], period=period
            ),
            "warnings": backtest.warn(chosen, target=recall, confidence=ranking["confidence"], period=period),
        },
    }


def _read_first(model, scores, *, recall):
    limit = bands.threshold(model.past_scores_, model.past_included_, recall=recall)
    return scores >= limit


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
