"""Old decisions that the model would not have expected: a short list for a person to look at again."""

import math
from collections import defaultdict

import pandas as pd

from livingreview.screening import decisions as ledger
from livingreview.screening.stopping import percent

EXCLUDED = "excluded, the model would include it"
INCLUDED = "included, the model would exclude it"

# A record is as well included as not from here on.
LIKELY = 0.5

STAGES = {ledger.TITLE_ABSTRACT: "on title and abstract", ledger.FULL_TEXT: "on full text"}
COLUMNS = [
    "record_id",
    "title",
    "kind",
    "decision",
    "stage",
    "run",
    "reviewer",
    "probability",
    "surprise",
    "why",
]


def suspicious(predictions, titles, decisions, *, run, n=5, terms=None):
    """The old decisions that surprise the model most.

    The model would include an excluded record if it is likelier to be included than not, and would exclude
    an included one if it is less likely to be included than a record drawn blindly from those predicted.
    Surprise is how improbable the decision was, in bits: -log2 of the probability of what people decided. The
    two kinds take turns, the most surprising first; where one has no more, the other goes on, and where both
    have none, the list is shorter.

    Parameters
    ----------
    predictions : DataFrame
        Out of fold: record_id (unique), probability of inclusion (calibrated; rows without are passed over),
        included (the label it was tested against), such as ``BackTest.predictions``.
    titles : dict
        Record id to title.
    decisions : DataFrame
        The whole ledger.
    run : str
        A month YYYY-MM. Only decisions of earlier months are old; records that a person has confirmed by it
        (`confirmed`) are passed over.
    n : int
        The most that is asked of people in a month.
    terms : dict, optional
        Record id to the terms that moved its score, as text, to be shown with it.

    Returns
    -------
    DataFrame
        At most `n` rows, the most surprising first, with the columns `COLUMNS`: decision, stage, run and
        reviewer are those of the row of the ledger that gave the label; probability is of inclusion; why is a
        sentence. The same input gives the same rows; equals come by record id.
    """
    predictions = predictions[predictions["probability"].notna()]
    if predictions.empty or n < 1:
        return pd.DataFrame(columns=COLUMNS, dtype=object)
    share = float(predictions["included"].astype(bool).mean())
    settled = confirmed(decisions, run)
    rows_of = _grouped(ledger.latest(decisions, run), ["record_id"])
    found = {EXCLUDED: [], INCLUDED: []}
    for row in predictions.itertuples():
        chance, included = float(row.probability), bool(row.included)
        if row.record_id in settled or (chance >= share if included else chance <= LIKELY):
            continue
        decided = _decided(rows_of.get((row.record_id,), []), included)
        if decided is None or decided.run >= run:
            continue
        entry = _entry(decided, titles.get(row.record_id), chance, share, (terms or {}).get(row.record_id))
        found[entry["kind"]].append(entry)
    return pd.DataFrame(_in_turn(found.values(), n), columns=COLUMNS, dtype=object)


def confirmed(decisions, run):
    """Records of which a person has said the same again, in a later month than the first time.

    The second of two independent reviewers has not seen the first one's decision and so confirms nothing,
    whenever that comes; the same person, one who decides alone, or an adjudicator does.

    Parameters
    ----------
    decisions : DataFrame
        The ledger, in the order of filing.
    run : str
        A month YYYY-MM; later rows do not exist yet.

    Returns
    -------
    set of str
        Record ids whose last row at some stage repeats the decision of an earlier run.
    """
    known = ledger.said_by(decisions, run)
    found = set()
    for (record_id, _), (*earlier, last) in _grouped(known, ["record_id", "stage"]).items():
        again = [one for one in earlier if one.decision == last.decision and one.run < last.run]
        if ledger.role_of(last) == ledger.INDEPENDENT:
            again = [one for one in again if one.reviewer == last.reviewer]
        if again and last.decision != "awaiting":
            found.add(record_id)
    return found


def _grouped(frame, names):
    """Rows by the values of some columns, in their order; to make a frame of each group takes far longer."""
    groups = defaultdict(list)
    for key, row in zip(frame[names].itertuples(index=False, name=None), frame.itertuples(), strict=True):
        groups[key].append(row)
    return groups


def _decided(rows, included):
    """The row that gave a record its label: of those that say so, the one furthest on, or None."""
    said = [row for row in rows if row.decision == ("include" if included else "exclude")]
    return max(said, key=lambda row: row.stage == ledger.FULL_TEXT, default=None)


def _entry(decided, title, chance, share, terms):
    included = decided.decision == "include"
    why = (
        f"{'Included' if included else 'Excluded'} {STAGES[decided.stage]} in {decided.run} by"
        f" {decided.reviewer}; a model that had not seen this decision gave it a chance of {percent(chance)},"
        f" where {percent(share)} of the records were included."
    )
    return {
        "record_id": decided.record_id,
        "title": title,
        "kind": INCLUDED if included else EXCLUDED,
        "decision": decided.decision,
        "stage": decided.stage,
        "run": decided.run,
        "reviewer": decided.reviewer,
        "probability": chance,
        "surprise": _surprise(chance if included else 1 - chance),
        "why": f"{why} Terms: {terms}." if terms else why,
    }


def _surprise(chance):
    """In bits, to three digits; a chance of nought, which rounding can give, counts as one in a million."""
    return round(-math.log2(max(chance, 1e-6)), 3)


def _rank(entry):
    return -entry["surprise"], entry["record_id"]


def _in_turn(kinds, n):
    """Up to `n` entries, taken from the kinds in turn while they last, the most surprising first."""
    # The kind that has the more surprising first entry begins; one without entries is passed over.
    kinds = [sorted(entries, key=_rank) for entries in kinds if entries]
    kinds.sort(key=lambda entries: _rank(entries[0]))
    longest = max(map(len, kinds), default=0)
    turns = [entries[place] for place in range(longest) for entries in kinds if place < len(entries)]
    return sorted(turns[:n], key=_rank)
