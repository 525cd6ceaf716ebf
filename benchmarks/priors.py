"""The weights of terms from other reviews, and which reviews these were.

The ranker ships weights learnt from labelled sets (`train_prior.py`). A benchmark on one of those sets would
flatter it, so there the weights are learnt anew from the others of the folder: every set is ranked by a prior
that has never seen it. Sets are known again by the titles of their records.
"""

import csv
import hashlib
from pathlib import Path

from livingreview.screening.ranking import prior

SOURCES = Path(__file__).with_name("prior_sources.csv")
SEED = 0
FEWEST = 5  # included, and excluded, records of a set that is learnt from


def digest(records):
    """Of the titles of a set, whatever their order and case; the same set in another file has the same."""
    titles = sorted({" ".join(record["title"].lower().split()) for record in records})
    return hashlib.sha256("\n".join(titles).encode()).hexdigest()


def usable(one):
    """Whether a set holds enough of both labels to be learnt from."""
    return min(one.included.sum(), (~one.included).sum()) >= FEWEST


def sources(path=SOURCES):
    """Digests of the sets that the shipped weights were learnt from."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["titles_sha256"] for row in csv.DictReader(file)}


class LeaveOneOut:
    """Priors for the sets of a folder, none of which has seen the set that it is for."""

    def __init__(self, sets):
        self._sets = [one for one in sets if usable(one)]
        self._known = sources()
        self._digests = {one.name: digest(one.records) for one in sets}
        self._samples = {}

    def without(self, name):
        """A prior for one set; None where the shipped one has not seen it.

        Raises
        ------
        ValueError
            If the folder holds no other set to learn from.
        """
        if self._digests[name] not in self._known:
            return None
        others = [one for one in self._sets if self._digests[one.name] != self._digests[name]]
        if not others:
            raise ValueError(
                f"{name}: the shipped weights have seen this set, and there is no other to learn from"
            )
        for one in others:
            if one.name not in self._samples:
                self._samples[one.name] = prior.sample(one.records, one.included, seed=SEED)
        return prior.fit([self._samples[one.name] for one in others], seed=SEED)
