"""The queue: every record that a person still has to decide, best first, none hidden."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from livingreview.screening import audit, bands, design, training
from livingreview.screening import decisions as ledger
from livingreview.screening.ranking.reading import cell
from livingreview.screening.stopping import exact_interval
from livingreview.search.linkage.pairs import id_order
from livingreview.tables import columns, plain_rows

MODELS = {
    "blend": {},
    "words alone": {"blend": {"words": 1.0}},
}
TERMS_SHOWN = 6
ENGLISH = ("eng", "English", "en")
PROBABILITY = {ledger.TITLE_ABSTRACT: "p_title_abstract", ledger.FULL_TEXT: "p_full_text"}


class Fitted(NamedTuple):
    """A model of the decisions at one stage.

    Attributes
    ----------
    candidate : str
        Its name among `MODELS`.
    model : Ranker
    version : str
    limit : float
        The score from which on records are read first.
    """

    candidate: str
    model: object
    version: str
    limit: float

    @property
    def scores(self):
        """Of the undecided records, read first from 0 on; as they are where all are read first."""
        return self.model.undecided_scores_ - (self.limit if np.isfinite(self.limit) else 0.0)


def make_model(name, *, protocol, seed):
    """An unfitted ranker by its name among `MODELS`."""
    # scikit-learn takes a second to load, and who reads a queue has no use for it.
    from livingreview.screening.ranker import Ranker  # noqa: PLC0415

    return Ranker(**MODELS[name], topic=protocol, seed=seed)


def build(records, decisions, *, run, stages, ranking, protocol, chosen=None):
    """Rank the undecided records.

    Parameters
    ----------
    records : DataFrame
        The corpus (results/<run>/records.csv) in any order; duplicates are passed over.
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
    records = records[records["duplicate_of"].isna()]
    records = records.sort_values("record_id", key=lambda ids: ids.map(id_order)).reset_index(drop=True)
    state = ledger.statuses(records["record_id"], decisions, run=run, stages=stages)
    asked = np.flatnonzero(state["ask"].notna())
    corpus = plain_rows(records)
    queue = _asked(records.iloc[asked], state.iloc[asked], [corpus[at] for at in asked], run=run)
    heads = [
        training.decided(records["record_id"], decisions, run=run, stages=stages, label=label)
        for label in training.labels_of(ranking["learn_from"], stages)
    ]
    lacks = np.array([not cell(record, "abstract").strip() for record in corpus], dtype=bool)
    few = [head for head in heads if _too_few(head, ranking)]
    if few:
        # Without decisions all records tell whether an abstract is the rule.
        own_band = len(corpus) > 0 and 1 - np.mean(lacks) >= bands.USUALLY_HAS
        scored, how = _cold(few[0], heads, corpus, asked, ranking=ranking, protocol=protocol)
    else:
        own_band = 1 - np.mean(lacks[heads[0].rows]) >= bands.USUALLY_HAS
        times = _times(records, decisions, run=run)
        fitted = {
            head.label: _fit(
                head,
                corpus,
                asked,
                times=np.concatenate([times[head.rows], np.full(len(asked), run)]),
                candidate=(chosen or {}).get(head.label, next(iter(MODELS))),
                ranking=ranking,
                protocol=protocol,
            )
            for head in heads
        }
        found = _bands(fitted, queue, ~lacks[asked], own_band=own_band, stages=stages)
        found, months = _audited(records, decisions, queue, found, run=run, ranking=ranking)
        scored, how = _scored(fitted, queue, found), _how(fitted, heads, ranking) | {"audit": months}
    queue = _in_order(queue.assign(**scored), lacks[asked] & own_band)[columns("queue")]
    return queue.reset_index(drop=True), _about(heads, ranking) | how | {
        "no_abstract_band": bool(own_band),
        "n_queue": len(queue),
        "n_awaiting": int((queue["state"] == "awaiting").sum()),
        "n_no_abstract": int(lacks[asked].sum()),
        "n_not_english": sum((corpus[at].get("language") or "eng") not in ENGLISH for at in asked),
        "bands": {
            band: int((queue["band"] == band).sum()) for band in bands.BANDS if (queue["band"] == band).any()
        },
    }


def still_asked(queue, records, decisions, *, run, stages):
    """What a run's queue comes to once more was decided: the same rows in the same order, if they still wait.

    A record that was sent on to full text stands in its place with its new stage. One that waits and is not
    in the queue, because a decision was taken back since, stands after all others and has no rank.

    Parameters
    ----------
    queue : DataFrame
        As `build` made it; what people typed into it is left out.
    records : DataFrame
        The corpus of that run, or some of its records; no others are in the answer.
    decisions : DataFrame
        The ledger, under the records that are kept, or all of its rows of these records.
    run : str
    stages : list of str
        The protocol's stages.

    Returns
    -------
    DataFrame
        In the columns of the queue.
    """
    records = records[records["duplicate_of"].isna()].reset_index(drop=True)
    state = ledger.statuses(records["record_id"], decisions, run=run, stages=stages)
    asked = state["ask"].notna()
    now = state[asked].set_index("record_id")
    ranked = queue[queue["record_id"].isin(now.index)].reset_index(drop=True)
    of_ranked = now.loc[ranked["record_id"]]
    ages = zip(of_ranked["status"], ranked["first_run"], strict=True)
    ranked = ranked.assign(
        stage=of_ranked["ask"].to_numpy(),
        state=pd.Series([_state(status, first, run) for status, first in ages], dtype=object),
        **dict.fromkeys(["decision", "reason", "reviewer", "note"]),
    )
    others = records[asked & ~records["record_id"].isin(ranked["record_id"])]
    if others.empty:
        return ranked
    more = _asked(others, state.loc[others.index], plain_rows(others), run=run)
    more = more.reindex(columns=queue.columns).astype(object)
    more = more.where(more.notna(), None).astype(queue.dtypes)  # so that None stays None in text
    return pd.concat([ranked, more], ignore_index=True)


def _asked(records, state, cells, *, run):
    """The records that people are asked about, with all columns of the queue that need no ranking."""
    return records.assign(
        stage=state["ask"].to_numpy(),
        state=[
            _state(status, record["first_run"], run)
            for status, record in zip(state["status"], cells, strict=True)
        ],
        design=[design.signals(record) for record in cells],
        link=[link(record) for record in cells],
        **dict.fromkeys(["decision", "reason", "reviewer", "note"]),
    ).reset_index(drop=True)


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
    from livingreview.screening.cold_start import ColdStart  # noqa: PLC0415  as in make_model

    included = np.zeros(len(corpus), dtype=bool)
    included[heads[-1].rows[heads[-1].included]] = True
    explanation = (
        f"Too few decisions to learn from: {few.n_included} included and {few.n_excluded} excluded, where "
        f"{ranking['minimum_included']} and {ranking['minimum_excluded']} are needed. Records are "
        "ordered by the likeness of their words to the protocol's question and eligibility criteria"
        + (f" and to the {included.sum()} included so far" if included.any() else "")
        + ", and by what reviews tend to include."
    )
    waiting = [corpus[at] for at in asked]
    model = ColdStart(protocol).fit(corpus, included)
    scored = _columns(
        model.decision_function(waiting), [bands.UNRANKED] * len(waiting), model.explain(waiting)
    ) | {"p_title_abstract": None, "p_full_text": None, "model": None}
    return scored, {"method": "likeness to the protocol", "explanation": explanation}


def _times(records, decisions, *, run):
    """When each record was first decided, for `Ranker.fit`; shape (n_records,)."""
    return training.order(
        training.decided_in(records["record_id"], decisions, run=run),
        records["year"] if "year" in records else [None] * len(records),
    )


def _fit(head, corpus, asked, *, times, candidate, ranking, protocol):
    """A model of one label, that has seen the words of the undecided records too."""
    model = make_model(candidate, protocol=protocol, seed=ranking["seed"])
    labels = np.concatenate([head.included.astype(int), np.full(len(asked), -1)])
    given = [corpus[row] for row in [*head.rows, *asked]]
    model.fit(given, labels, order=times)
    limit = bands.threshold(
        model.past_scores_,
        model.past_included_,
        recall=bands.target_recall(ranking["read_first_recall"]),
    )
    return Fitted(candidate, model, model.version(given, labels), limit)


def _labels(fitted, queue):
    """The label by which each record is ranked: of the decision it waits for, where that is learnt from."""
    main = next(iter(fitted))
    return [stage if stage in fitted else main for stage in queue["stage"]]


def _bands(fitted, queue, has_abstract, *, own_band, stages):
    """The band of each record before the audit is drawn."""
    by_label = {
        label: bands.banded(
            one.model.undecided_scores_, has_abstract, limit=one.limit, use_no_abstract=own_band
        )
        for label, one in fitted.items()
    }
    # People have found these worth a full text, or worth waiting for; no ranking puts that aside.
    found_worthy = (queue["stage"] != stages[0]) | (queue["state"] == "awaiting")
    return [
        bands.READ_FIRST if worthy else by_label[label][at]
        for at, (label, worthy) in enumerate(zip(_labels(fitted, queue), found_worthy, strict=True))
    ]


def _audited(records, decisions, queue, found, *, run, ranking):
    """The bands with the audit drawn, and what the audit of each month has shown."""
    frame = audit.ranked(records, decisions, dict(zip(queue["record_id"], found, strict=True)), run=run)
    sample = audit.drawn(frame, size=ranking["audit_size"], seed=ranking["seed"])
    drawn = [
        bands.AUDIT if band == bands.THEN and record_id in sample else band
        for record_id, band in zip(queue["record_id"], found, strict=True)
    ]
    return drawn, audit.months(frame, sample, run=run)


def _scored(fitted, queue, found):
    labels = _labels(fitted, queue)
    scores = {label: one.scores for label, one in fitted.items()}
    explained = {label: one.model.explain() for label, one in fitted.items()}
    chances = {label: one.model.probability(one.model.undecided_scores_) for label, one in fitted.items()}
    return _columns(
        [scores[label][at] for at, label in enumerate(labels)],
        found,
        [explained[label][at] for at, label in enumerate(labels)],
    ) | {
        "model": [fitted[label].version for label in labels],
        **{
            column: [round(float(chance), 6) for chance in chances[label]] if label in chances else None
            for label, column in PROBABILITY.items()
        },
    }


def _how(fitted, heads, ranking):
    main = heads[0]
    recall, confidence = bands.target_recall(ranking["read_first_recall"]), ranking["confidence"]
    return {
        "method": "the review's own decisions",
        "model": fitted[main.label].version,
        "heads": {label: _head(one, confidence) for label, one in fitted.items()},
        "explanation": (
            f"Trained on {len(main.rows)} decided records ({main.n_included} included, {main.n_excluded}"
            f" excluded). The band “{bands.READ_FIRST}” is set so that it holds {recall:.0%} of what"
            f" people would include with an assurance of {bands.ASSURANCE:.0%}, judged by past records"
            " that the model had not seen. Every record is to be read, whatever its band."
        ),
    }


def _head(fitted, confidence):
    model, limit = fitted.model, fitted.limit
    past = model.past_included_
    held = int((model.past_scores_[past] >= limit).sum())
    low, high = exact_interval(held, int(past.sum()), confidence=confidence) if past.any() else (None, None)
    return {
        "candidate": fitted.candidate,
        "model": fitted.version,
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


def _in_order(queue, lifted):
    """In the order of reading; records that wait for information after those that nobody has looked at."""
    parts = []
    for awaits in (False, True):
        held = (queue["state"] == "awaiting").to_numpy() == awaits
        part = queue[held]
        cells = (list(part[name]) for name in ("band", "score", "record_id"))
        parts.append(part.iloc[bands.reading_order(*cells, lifted=lifted[held])])
    return pd.concat(parts)


def _state(status, first_run, run):
    if status == ledger.AWAITING:
        return "awaiting"
    return "new" if first_run == run else "undecided"


def link(record):
    """The address at which a record is read: PubMed's page, or its DOI; None without either."""
    if record["pmid"]:
        return f"https://pubmed.ncbi.nlm.nih.gov/{record['pmid']}/"
    return f"https://doi.org/{record['doi']}" if record["doi"] else None


def protocol_text(question, eligibility):
    """What the protocol says of the records that are wanted, as one text."""
    return " ".join([question, *eligibility["include"]])
