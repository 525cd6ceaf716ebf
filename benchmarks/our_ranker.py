"""This project's ranker, as `rank_updates.py` asks it."""

import os
import sys
from pathlib import Path

import numpy as np
import scipy
import sklearn
from ranking_task import serve

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from livingreview.screening import bands
from livingreview.screening.ranker import Ranker
from livingreview.screening.ranking import prior

# Names a file of term weights to use in place of the shipped ones.
PRIOR = "LIVING_REVIEW_PRIOR"

TARGET_RECALL = 0.95  # of the band "read first"
# What a record may hold beside title and abstract. The peer reads those two only, so no more is given here.
NOT_GIVEN = dict.fromkeys(["keywords", "mesh_terms", "publication_types", "indexing_method"])


def ours(train_records, labels, order, new_records, seed):
    """Rank the new records after training on the others; with probabilities and the band "read first"."""
    train, new = ([NOT_GIVEN | record for record in part] for part in (train_records, new_records))
    model = Ranker(seed=seed, prior=prior.read(Path(os.environ[PRIOR])) if PRIOR in os.environ else None)
    included = np.concatenate([np.array(labels, dtype=int), np.full(len(new), -1)])
    # The new records come last in time; their order among themselves is not used.
    in_time = None if not order else np.concatenate([np.array(order), np.full(len(new), max(order))])
    model.fit(train + new, included, order=in_time)
    scores = model.undecided_scores_
    limit = bands.threshold(model.past_scores_, model.past_included_, recall=TARGET_RECALL)
    return {
        "scores": scores.tolist(),
        "probabilities": model.probability(scores).tolist(),
        "read_first": (scores >= limit).tolist(),
    }


if __name__ == "__main__":
    versions = {"numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__}
    serve(ours, versions=versions)
