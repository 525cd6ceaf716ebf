"""Parts of the queue: what to read first, then, in the audit, and what has no abstract to be judged by."""

import hashlib

import numpy as np
from scipy.stats import nct, norm

READ_FIRST = "read first"
NO_ABSTRACT = "no abstract"
AUDIT = "audit"
THEN = "then"
UNRANKED = "not ranked by decisions"
BANDS = [READ_FIRST, NO_ABSTRACT, AUDIT, THEN, UNRANKED]

# Named targets: Cochrane's classifier of randomised trials is set at 0.99; 0.95 is what the field reports.
PRESETS = {"near-complete": 0.99, "standard": 0.95, "brisk": 0.90}

# Chance, over all that could have been drawn, that the band holds the target share.
ASSURANCE = 0.9

# A review whose decided records mostly lack abstracts is screened by titles; then a missing one says nothing.
USUALLY_HAS = 0.5


def target_recall(value):
    """The share that "read first" must hold, from a number or the name of a preset."""
    return PRESETS.get(value, value)


def threshold(past_scores, past_included, *, recall, assurance=ASSURANCE):
    """The score from which on records are read first.

    A lower one-sided tolerance limit of the normal distribution: with the given assurance, at least the share
    `recall` of included records score higher. The few included records of a review's past say little of the
    low end of their scores, and the observed quantile is mostly too high; the factor grows as they get fewer
    (Howe 1969, J Am Stat Assoc 64:610; by the noncentral t distribution).

    Parameters
    ----------
    past_scores, past_included : ndarray
        Out-of-fold scores and their labels.
    recall, assurance : float

    Returns
    -------
    float
        Minus infinity, so that everything is read first, where fewer than three were included or `recall` is 1.
    """
    held = np.asarray(past_scores)[np.asarray(past_included, dtype=bool)]
    n = len(held)
    if n < 3 or recall >= 1:
        return -np.inf
    factor = nct.ppf(assurance, n - 1, norm.ppf(recall) * np.sqrt(n)) / np.sqrt(n)
    return float(held.mean() - factor * held.std(ddof=1))


def drawn(record_ids, size, *, seed, run, already=0):
    """The audit: a random sample, the same however often it is drawn.

    Every record has a random place of its own (SHA-256 of seed, run and id), and the first ones are drawn, so
    that what was drawn stays drawn while others of the month are decided.

    Parameters
    ----------
    record_ids : sequence of str
        Records of one month below "read first".
    size : int
        Of the month's sample.
    seed : int
    run : str
        The month.
    already : int
        Records of the sample that have been decided and are no longer among `record_ids`.

    Returns
    -------
    set of str
    """
    place = {one: hashlib.sha256(f"{seed} {run} {one}".encode()).hexdigest() for one in record_ids}
    return set(sorted(place, key=place.get)[: max(size - already, 0)])


def banded(scores, has_abstract, *, limit, use_no_abstract):
    """Bands before the audit is drawn; a list of str."""
    return [
        READ_FIRST if score >= limit else NO_ABSTRACT if use_no_abstract and not abstract else THEN
        for score, abstract in zip(scores, has_abstract, strict=True)
    ]


def reading_order(bands, scores, record_ids, has_abstract):
    """Places of the records in the order of reading; total, so that it is the same every time.

    Read first, no abstract, audit, then; in each by score, equal ones by id. Records without abstract never
    come below the middle: were more than half of those with one before them, they would move up to it.
    """
    rank = {band: place for place, band in enumerate(BANDS)}
    places = sorted(range(len(bands)), key=lambda at: (rank[bands[at]], -scores[at], record_ids[at]))
    held = [at for at in places if bands[at] == NO_ABSTRACT]
    others = [at for at in places if bands[at] != NO_ABSTRACT]
    before = next((n for n, at in enumerate(others) if bands[at] != READ_FIRST), len(others))
    with_abstract = [n for n, at in enumerate(others) if has_abstract[at]]
    if held and with_abstract:
        before = min(before, with_abstract[(len(with_abstract) - 1) // 2])
    return others[:before] + held + others[before:]
