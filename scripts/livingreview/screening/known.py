"""Predictions of earlier back-tests, kept between months so that a model is not trained twice for one answer.

They are no results: without them the same results are made, and that takes longer. They lie in one file,
named after all that they depend on besides the records and the labels, whose digest is each row's key.
Its first line is the digest of the rest: what a disk, a backup or a hand has changed is not believed.
"""

import hashlib
import io
import json
import logging
import platform
from importlib import metadata
from pathlib import Path

import pandas as pd

from livingreview import tables

COLUMNS = ["key", "score", "probability", "read_first"]
# What computes; another version may give another last digit.
LIBRARIES = ("numpy", "pandas", "scipy", "scikit-learn")

log = logging.getLogger(__name__)


def place(folder, *, code, settings):
    """The file of predictions that this code makes with these settings on this kind of machine.

    Parameters
    ----------
    folder : path
    code : str
        Digest of the code that makes them.
    settings : dict
        Whatever else they depend on, as JSON can hold it.
    """
    made_with = [code, settings, platform.machine(), platform.python_version()]
    made_with += [metadata.version(name) for name in LIBRARIES]
    digest = hashlib.sha256(json.dumps(made_with, sort_keys=True).encode()).hexdigest()[:16]
    return Path(folder) / f"backtest-{digest}.csv"


def read(path):
    """What is known, as `backtest.run` takes it over; None where there is none, or it is not whole."""
    path = Path(path)
    try:
        if not path.is_file():
            return None
        digest, _, rows = path.read_bytes().partition(b"\n")
        if digest != _digest(rows):
            raise ValueError("it is not as it was written")
        return pd.read_csv(io.BytesIO(rows), dtype={"key": str})[COLUMNS]
    except (OSError, ValueError, KeyError) as error:
        log.warning("%s can't be used, and its models are trained again: %s", path, error)
        return None


def keep(predictions, path):
    """Keep predictions for the next month, and only these; if that fails, it is said and costs time later.

    Parameters
    ----------
    predictions : DataFrame
        With `COLUMNS`; a key may occur more than once, with the same values.
    path : path
        From `place`.
    """
    rows = tables.to_csv(predictions[COLUMNS].drop_duplicates("key").sort_values("key")).encode()
    try:
        tables.write_bytes(_digest(rows) + b"\n" + rows, path)
        for other in Path(path).parent.glob("backtest-*.csv"):
            if other != Path(path):
                other.unlink(missing_ok=True)
    except OSError as error:
        log.warning("predictions could not be kept for the next month, which will take longer: %s", error)


def _digest(rows):
    return hashlib.sha256(rows).hexdigest().encode()
