"""The queue: every record that a person still has to decide, best first, none hidden."""

import numpy as np
import pandas as pd

from livingreview.screening import audit, bands, design, training
from livingreview.screening import decisions as ledger
from livingreview.screening.cold_start import ColdStart
from livingreview.screening.ranker import Ranker
from livingreview.screening.stopping import exact_interval
from livingreview.tables import columns

MODELS = {
    "blend": {},
    "words alone": {"blend": {"words": 1.0}},
}
TERMS_SHOWN = 6
PROBABILITY = {ledger.TITLE_ABSTRACT: "p_title_abstract", ledger.FULL_TEXT: "p_full_text"}


def make_model(name, *, protocol, seed):
    """An unfitted ranker by its name among `MODELS`."""
    return Ranker(**MODELS[name], topic=protocol, seed=seed)


def build(records, decisions, *, run, stages, ranking, protocol, chosen=None):
    """Rank the undecided records.

    Parameters
    ----------
    records : DataFrame
        The corpus (results/<run>/records.csv); duplicates are passed over.
    decisions : DataFrame
        The ledger, under the records that are kept.
    run : str
        A month YYYY-MM.
    stages : list of str
        The protocol's stages.
    ranking : dict
        learn_from, minimum_included, minimum_excluded, read_first_recall, audit_size, confidence, seed.
    protocol : str
        The protocol's text, for the order while decisions are few.
    chosen : dict of str to str, optional
        The model that the back-test chose for each label; the first of `MODELS` if left out.

    Returns
    -------
    queue : DataFrame
        One row per record to decide, in the columns of the schema ``queue``.
    about : dict
        How it was ranked, with counts.
    """
    records = records[records["duplicate_of"].isna()].reset_index(drop=True)
    state = ledger.statuses(records["record_id"], decisions, run=run, stages=stages)
    asked = np.flatnonzero(state["ask"].notna())
    waiting = records.iloc[asked].reset_index(drop=True)
    corpus = records.to_dict("records")
    queue = waiting.assign(
        stage=state["ask"].to_numpy()[asked],
        state=[
            _state(status, first_run, run)
            for status, first_run in zip(state["status"].to_numpy()[asked], waiting["first_run"], strict=True)
        ],
        design=[design.signals(corpus[at]) for at in asked],
        link=[_link(record) for record in waiting.itertuples()],
        **dict.fromkeys(["decision", "reason", "reviewer", "note"]),
    )
    heads = [
        training.decided(records["record_id"], decisions, run=run, stages=stages, label=label)
        for label in training.labels_of(ranking["learn_from"], stages)
    ]
    about = _about(heads, ranking)
    few = [head for head in heads if _too_few(head, ranking)]
    if few:
        scored, how = _cold(few[0], heads, corpus, asked, ranking=ranking, protocol=protocol)
    else:
        times = training.order(
            [when or "" for when in training.decided_in(records["record_id"], decisions, run=run)],
            records["year"],
        )
        scored, how = _learnt(
            heads,
            corpus,
            asked,
            queue,
            times,
            decisions,
            run=run,
            ranking=ranking,
            protocol=protocol,
            chosen=chosen or {},
        )
    queue, about = queue.assign(**scored), about | how
    queue = _in_order(queue, waiting)[columns("queue")]
    about |= {
        "n_queue": len(queue),
        "n_awaiting": int((queue["state"] == "awaiting").sum()),
        "n_no_abstract": int(waiting["abstract"].isna().sum()),
        "n_not_english": int((~waiting["language"].fillna("eng").isin(["eng", "English", "en"])).sum()),
        "bands": {
            band: int((queue["band"] == band).sum()) for band in bands.BANDS if (queue["band"] == band).any()
        },
    }
    return queue.reset_index(drop=True), about


def _about(heads, ranking):
    return {
        "learn_from": ranking["learn_from"],
        "target_recall": bands.target_recall(ranking["read_first_recall"]),
        "training": {
            head.label: {"n": len(head.rows), "included": head.n_included, "excluded": head.n_excluded}
            for head in heads
        },
        "model": None,
        "heads": {},
        "audit": None,
        "no_abstract_band": False,
    }


def _too_few(head, ranking):
    return head.n_included < ranking["minimum_included"] or head.n_excluded < ranking["minimum_excluded"]


def _cold(few, heads, corpus, asked, *, ranking, protocol):
    included = [corpus[row] for row in heads[-1].rows[heads[-1].included]]
    explanation = (
        f"Too few decisions to learn from: {few.n_included} included and {few.n_excluded} excluded, where "
        f"{ranking['minimum_included']} and {ranking['minimum_excluded']} are needed. Records are "
        "ordered by the likeness of their words to the protocol's question and eligibility criteria"
        + (f" and to the {len(included)} included so far" if included else "")
        + ", and by what reviews tend to include."
    )
    waiting = [corpus[at] for at in asked]
    model = ColdStart(protocol).fit(corpus, included)
    scored = _columns(
        model.decision_function(waiting), [bands.UNRANKED] * len(waiting), model.explain(waiting)
    ) | {"p_title_abstract": None, "p_full_text": None, "model": None}
    return scored, {"method": "likeness to the protocol", "explanation": explanation}


def _learnt(heads, corpus, asked, queue, times, decisions, *, run, ranking, protocol, chosen):
    waiting = [corpus[at] for at in asked]
    fitted = {}
    for head in heads:
        name = chosen.get(head.label, next(iter(MODELS)))
        model = make_model(name, protocol=protocol, seed=ranking["seed"])
        labels = np.concatenate([head.included.astype(int), np.full(len(asked), -1)])
        given = [corpus[row] for row in head.rows] + waiting
        model.fit(given, labels, order=np.concatenate([times[head.rows], np.full(len(asked), run)]))
        fitted[head.label] = name, model, model.version(given, labels)
    # Each record is ordered by the decision that it waits for, where that one is learnt from.
    label_of = [stage if stage in fitted else heads[0].label for stage in queue["stage"]]
    scores = np.array(
        [fitted[label][1].undecided_scores_[at] for at, label in enumerate(label_of)], dtype=float
    )
    chances = {label: model.probability(model.undecided_scores_) for label, (_, model, _) in fitted.items()}
    recall = bands.target_recall(ranking["read_first_recall"])
    limits = {
        label: bands.threshold(model.past_scores_, model.past_included_, recall=recall)
        for label, (_, model, _) in fitted.items()
    }
    trained_with = np.mean([bool(corpus[row]["abstract"]) for row in heads[0].rows])
    use_no_abstract = bool(trained_with >= bands.USUALLY_HAS)
    has_abstract = [bool(record["abstract"]) for record in waiting]
    limit = np.array([limits[label] for label in label_of], dtype=float)
    found = bands.banded(
        scores - limit if len(scores) else [], has_abstract, limit=0.0, use_no_abstract=use_no_abstract
    )
    # People have found these worth a full text, or worth waiting for; no ranking puts that aside.
    found = [
        bands.READ_FIRST
        if (stage == ledger.FULL_TEXT and len(set(queue["stage"])) > 1) or state == "awaiting"
        else band
        for band, stage, state in zip(found, queue["stage"], queue["state"], strict=True)
    ]
    found = audit.draw(queue, found, decisions, size=ranking["audit_size"], seed=ranking["seed"])
    explained = {label: model.explain(waiting) for label, (_, model, _) in fitted.items()}
    scored = _columns(
        scores - limit if np.isfinite(limit).all() else scores,
        found,
        [explained[label][at] for at, label in enumerate(label_of)],
    ) | {
        column: [round(float(chance), 6) for chance in chances[label]] if label in chances else None
        for label, column in PROBABILITY.items()
    }
    scored["model"] = [fitted[label][2] for label in label_of]
    return scored, _how(
        fitted, limits, heads, ranking, use_no_abstract, audit.months(queue, found, decisions, run=run)
    )


def _how(fitted, limits, heads, ranking, use_no_abstract, months):
    main = heads[0].label
    recall, confidence = bands.target_recall(ranking["read_first_recall"]), ranking["confidence"]
    return {
        "method": "the review's own decisions",
        "model": fitted[main][2],
        "no_abstract_band": use_no_abstract,
        "heads": {
            label: _head(name, model, version, limits[label], confidence)
            for label, (name, model, version) in fitted.items()
        },
        "audit": months,
        "explanation": (
            f"Trained on {len(heads[0].rows)} decided records ({heads[0].n_included} included,"
            f" {heads[0].n_excluded} excluded). The band “{bands.READ_FIRST}” is set so that it holds {recall:.0%} of"
            f" what people would include with an assurance of {bands.ASSURANCE:.0%}, judged by past records that"
            " the model had not seen. Every record is to be read, whatever its band."
        ),
    }


def _head(name, model, version, limit, confidence):
    past = model.past_included_
    held = int((model.past_scores_[past] >= limit).sum())
    low, high = exact_interval(held, int(past.sum()), confidence=confidence) if past.any() else (None, None)
    return {
        "candidate": name,
        "model": version,
        "in_time": bool(model.in_time_),
        "n_past": len(past),
        "n_past_included": int(past.sum()),
        "past_held": held,
        "past_recall": held / int(past.sum()) if past.any() else None,
        "past_recall_low": low,
        "past_recall_high": high,
        "past_share": float((model.past_scores_ >= limit).mean()) if len(past) else None,
        "reads_all": not np.isfinite(limit),
        "n_left_out": model.n_left_out_,
        "n_cut": model.n_cut_,
        "calibration": {"slope": model.calibration_.slope_, "intercept": model.calibration_.intercept_},
    }


def _columns(scores, found, explained):
    # Six digits are beyond any use, and the same on every processor.
    return {
        "score": [round(float(score), 6) for score in scores],
        "band": found,
        "terms": [_terms(one) for one in explained],
    }


def _terms(explained):
    """The strongest terms, with their field, and what all others add."""
    moved = {key: value for key, value in explained.items() if key[0] != "constant"}
    strongest = sorted(moved, key=lambda key: (-abs(moved[key]), key))[:TERMS_SHOWN]
    return "; ".join(f"{_named(*key)} ({moved[key]:+.2f})" for key in strongest)


def _named(field, term):
    return f"{field}: {term}" if field in ("title", "other reviews") else term


def _in_order(queue, waiting):
    places = bands.reading_order(
        list(queue["band"]), list(queue["score"]), list(queue["record_id"]), list(waiting["abstract"].notna())
    )
    queue = queue.iloc[places]
    # Records that nobody has looked at come before those that wait for information.
    awaits = (queue["state"] == "awaiting").to_numpy()
    return pd.concat([queue[~awaits], queue[awaits]])


def _state(status, first_run, run):
    if status == ledger.AWAITING:
        return "awaiting"
    return "new" if first_run == run else "undecided"


def _link(record):
    if record.pmid:
        return f"https://pubmed.ncbi.nlm.nih.gov/{record.pmid}/"
    return f"https://doi.org/{record.doi}" if record.doi else None


def protocol_text(question, eligibility):
    """What the protocol says of the records that are wanted, as one text."""
    return " ".join([question, *eligibility["include"]])
