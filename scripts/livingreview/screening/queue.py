"""The queue: every record that a person still has to decide, best first, none hidden."""

from livingreview.screening import decisions as ledger
from livingreview.screening import ranker
from livingreview.tables import columns

READ_FIRST = "read first"
READ_NEXT = "read next"
UNRANKED = "not ranked by decisions"


def build(records, decisions, *, run, stages, ranking, protocol):
    """Rank the undecided records.

    Parameters
    ----------
    records : DataFrame
        The corpus (results/<run>/records.csv); duplicates are passed over.
    decisions : DataFrame
        The whole ledger.
    run : str
        A month YYYY-MM.
    stages : list of str
        The protocol's stages.
    ranking : dict
        minimum_included, minimum_excluded, read_first_recall, seed.
    protocol : str
        The protocol's text, for the order while decisions are few.

    Returns
    -------
    queue : DataFrame
        One row per record to decide, in the columns of the schema ``queue``.
    about : dict
        How it was ranked, with counts.
    """
    records = records[records["duplicate_of"].isna()].reset_index(drop=True)
    state = ledger.statuses(records["record_id"], decisions, run=run, stages=stages)
    asked = state["ask"].notna()
    waiting = records[asked.to_numpy()]
    labelled = state["status"].isin(
        [ledger.INCLUDED, ledger.EXCLUDED_TITLE_ABSTRACT, ledger.EXCLUDED_FULL_TEXT]
    )
    scored, about = _rank(
        records[labelled.to_numpy()].to_dict("records"),
        (state.loc[labelled, "status"] == ledger.INCLUDED).to_numpy(),
        waiting.to_dict("records"),
        ranking=ranking,
        protocol=protocol,
    )
    queue = waiting.assign(
        **scored,
        stage=state.loc[asked, "ask"].to_numpy(),
        state=[
            _state(status, first_run, run)
            for status, first_run in zip(state.loc[asked, "status"], waiting["first_run"], strict=True)
        ],
        link=[_link(record) for record in waiting.itertuples()],
        decision=None,
        reason=None,
        reviewer=None,
        note=None,
    )
    # Records that nobody has looked at come before those that wait for information.
    queue = queue.assign(waits=queue["state"] == "awaiting")
    queue = queue.sort_values(["waits", "score", "record_id"], ascending=[True, False, True])[
        columns("queue")
    ]
    about |= {
        "n_queue": len(queue),
        "n_awaiting": int((queue["state"] == "awaiting").sum()),
        "bands": {band: int(n) for band, n in queue["band"].value_counts().items()},
    }
    return queue.reset_index(drop=True), about


def _rank(labelled, included, waiting, *, ranking, protocol):
    n_include, n_exclude = int(included.sum()), int((~included).sum())
    about = {
        "n_train": len(labelled),
        "n_include": n_include,
        "n_exclude": n_exclude,
        "threshold": None,
        "quality": None,
    }
    if n_include < ranking["minimum_included"] or n_exclude < ranking["minimum_excluded"]:
        about |= {
            "method": "similarity to the protocol",
            "explanation": (
                f"Too few decisions to learn from: {n_include} included and {n_exclude} excluded, where "
                f"{ranking['minimum_included']} and {ranking['minimum_excluded']} are needed. Records are "
                "ordered by the likeness of their words to the protocol's question and eligibility criteria."
            ),
        }
        if not waiting:
            return _columns([], [], []), about
        model = ranker.ProtocolSimilarity(protocol).fit([*labelled, *waiting])
        scores = model.decision_function(waiting)
        return _columns(scores, [UNRANKED] * len(waiting), model.explain(waiting)), about
    seed = ranking["seed"]
    past = ranker.out_of_fold(labelled, included, seed=seed)
    threshold = ranker.read_first_threshold(past, included, ranking["read_first_recall"])
    about |= {
        "method": "logistic regression on the review's own decisions",
        "explanation": (
            f"Trained on {len(labelled)} decided records ({n_include} included, {n_exclude} excluded). "
            f"The score orders records and is not a probability. The band “{READ_FIRST}” begins where "
            f"{ranking['read_first_recall']:.0%} of the past included records lie, each scored by a model "
            "that had not seen it; every record is to be read, whatever its band."
        ),
        "threshold": threshold,
        "quality": ranker.quality(past, included),
    }
    if not waiting:
        return _columns([], [], []), about
    model = ranker.Ranker(seed=seed).fit(labelled, included)
    scores = model.predict_proba(waiting)[:, 1]
    bands = [READ_FIRST if score >= threshold else READ_NEXT for score in scores]
    return _columns(scores, bands, model.explain(waiting)), about


def _columns(scores, bands, terms):
    # Six digits are beyond any use, and the same on every processor.
    return {
        "score": [round(float(score), 6) for score in scores],
        "band": bands,
        "terms": ["; ".join(f"{term} ({value:+.2f})" for term, value in row) for row in terms],
    }


def _state(status, first_run, run):
    if status == ledger.AWAITING:
        return "awaiting"
    return "new" if first_run == run else "undecided"


def _link(record):
    if record.pmid:
        return f"https://pubmed.ncbi.nlm.nih.gov/{record.pmid}/"
    return f"https://doi.org/{record.doi}" if record.doi else None
