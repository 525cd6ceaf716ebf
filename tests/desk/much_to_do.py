"""A built review in which many more records wait at title and abstract than the bundled one has."""

import pandas as pd

from livingreview import tables

IDS = [str(90_000_000 + number) for number in range(700)]


def fill(review):
    """Let the records `IDS`, and no others, wait in the latest month of a `Review`."""
    run = max(path.parent.name for path in review.path("results").glob("*/queue.csv"))
    for name, schema in (("records.csv", None), ("queue.csv", "queue")):
        path = review.path("results", run, name)
        frame = tables.read(path, schema) if schema else tables.read_results(path)
        more = pd.concat([frame.iloc[[0]]] * len(IDS)).assign(record_id=IDS, pmid=IDS)
        tables.write(more.assign(stage="title-abstract", state="new") if schema else more, path)
    return run
