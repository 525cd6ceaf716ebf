"""This project's ranker, as `rank_updates.py` asks it."""

import inspect
import sys
from pathlib import Path

import numpy as np
import scipy
import sklearn
from ranking_task import serve

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from livingreview.screening.ranker import Ranker

TARGET_RECALL = 0.95  # of the band "read first"
# What a record may hold beside title and abstract. The peer reads those two only, so no more is given here.
NOT_GIVEN = dict.fromkeys(["keywords", "mesh_terms", "publication_types", "indexing_method"])


def ours(train_records, labels, order, new_records, seed):
    """Rank the new records after training on the others; with probabilities and the band "read first"."""
    train, new = ([NOT_GIVEN | record for record in part] for part in (train_records, new_records))
    model = Ranker(seed=seed)
    knows_time = "order" in inspect.signature(model.fit).parameters
    in_time = {"order": np.array(order)} if order and knows_time else {}
    model.fit(train, np.array(labels, dtype=bool), **in_time)
    band = model.read_first(new, TARGET_RECALL) if hasattr(model, "read_first") else None
    return {
        "scores": np.asarray(model.decision_function(new), dtype=float).tolist(),
        "probabilities": np.asarray(model.predict_proba(new), dtype=float)[:, 1].tolist(),
        "read_first": None if band is None else np.asarray(band, dtype=bool).tolist(),
    }


if __name__ == "__main__":
    versions = {"numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__}
    serve(ours, versions=versions)
