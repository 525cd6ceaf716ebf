"""ASReview's ELAS u4 as `rank_updates.py` asks it; run by the interpreter that has ASReview's own package.

Its own classes do everything: the features are fitted on all records at hand, labelled or not, as ASReview
does with a project; the balancer weighs the training records; the classifier's decision function ranks. It
gives no probabilities and has no bands. Its configuration sets no seed, so NumPy's global one is set.
"""

import numpy as np
import pandas as pd
import scipy
import sklearn
from asreview import __version__
from asreview.learner import ActiveLearningCycle
from asreview.models.models import get_ai_config
from ranking_task import serve


def elas_u4(train_records, labels, order, new_records, seed):  # noqa: ARG001 - it has no notion of time
    """Rank the new records after training on the others."""
    np.random.seed(seed)
    cycle = ActiveLearningCycle.from_meta(get_ai_config("elas_u4")["value"])
    features = cycle.transform(pd.DataFrame([*train_records, *new_records])[["title", "abstract"]])
    cycle.fit(features[: len(train_records)], np.array(labels))
    scores = cycle.classifier.decision_function(features[len(train_records) :])
    return {"scores": scores.tolist(), "probabilities": None, "read_first": None}


if __name__ == "__main__":
    versions = {"asreview": __version__, "numpy": np.__version__, "scipy": scipy.__version__}
    serve(elas_u4, versions=versions | {"pandas": pd.__version__, "scikit-learn": sklearn.__version__})
