"""Parts of the queue: what to read first, then, in the audit, and what has no abstract to be judged by."""

import hashlib

import numpy as np
import scipy  # its parts load at their first use; stats, the slow one, only by who sets a threshold

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
        Minus infinity, so that everything is read first, where fewer than three were included or `recall`
        is 1.
    """
    held = np.asarray(past_scores)[np.asarray(past_included, dtype=bool)]
    n = len(held)
    if n < 3 or recall >= 1:
        return -np.inf
    factor = scipy.stats.nct.ppf(assurance, n - 1, scipy.special.ndtri(recall) * np.sqrt(n)) / np.sqrt(n)
    return float(held.mean() - factor * held.std(ddof=1))


def drawn(record_ids, size, *, seed, run):
    """The audit of a month: a random sample, the same however often it is drawn.

    Every record has a random place of its own (SHA-256 of seed, run and id), and the first ones are drawn; so
    the sample of fewer records, or a smaller one, holds no others than it must.

    Parameters
    ----------
    record_ids : sequence of str
        Low-ranked records of one month.
    size : int
    seed : int
    run : str
        The month.

    Returns
    -------
    set of str
    """
    place = {one: hashlib.sha256(f"{seed} {run} {one}".encode()).hexdigest() for one in record_ids}
    return set(sorted(place, key=place.get)[:size])


def banded(scores, has_abstract, *, limit, use_no_abstract):
    """Bands before the audit is drawn; a list of str.

    Parameters
    ----------
    scores : sequence of float
    has_abstract : sequence of bool
    limit : float
        From `threshold`; a score equal to it is read first.
    use_no_abstract : bool
        Whether records below it that have no abstract get a band of their own.
    """
    return [
        READ_FIRST if score >= limit else NO_ABSTRACT if use_no_abstract and not abstract else THEN
        for score, abstract in zip(scores, has_abstract, strict=True)
    ]


def reading_order(bands, scores, record_ids, *, lifted):
    """Places of the records in the order of reading; total, so that it is the same every time.

    By band, in each by score, equal ones by id.

    Parameters
    ----------
    bands, scores, record_ids : sequence
    lifted : sequence of bool
        Records that must not come below the middle, such as those without abstract: those with more than half
        of the other records before them are moved up to the middle, in their order.

    Returns
    -------
    list of int
    """
    rank = {band: place for place, band in enumerate(BANDS)}
    places = sorted(range(len(bands)), key=lambda at: (rank[bands[at]], -scores[at], record_ids[at]))
    others = [n for n, at in enumerate(places) if not lifted[at]]
    if not others:
        return places
    middle = others[(len(others) - 1) // 2]
    late = [at for at in places[middle:] if lifted[at]]
    return places[:middle] + late + [at for at in places[middle:] if not lifted[at]]
