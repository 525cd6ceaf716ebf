"""The sets of effects on which small-study methods are compared, and the values of other programs."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

FOLDER = Path(__file__).parents[1] / "reference" / "small_study"
SETS = dict(list(pd.read_csv(FOLDER / "sets.csv").groupby("set", sort=False)))
# Of metafor, wherever its own convergence allows it.
TOLERANCE = 1e-6


def effects(name):
    frame = SETS[name]
    return frame["yi"].to_numpy(), frame["vi"].to_numpy()


def participants(name):
    return {arm: SETS[name][arm].to_numpy() for arm in ("n1", "n2")}


def reference(file):
    # "0.025;0.5" and "0.025" are lists of steps, not numbers.
    return pd.read_csv(FOLDER / file, keep_default_na=False, na_values=[""], dtype={"steps": object})


def assert_agrees(result, row, fields, *, rel=TOLERANCE, slack=1e-10):
    """Each field of `fields` (ours: theirs) within `rel`; missing where the reference has nothing."""
    for ours, theirs in fields.items():
        got, wanted = getattr(result, ours), row[theirs]
        assert got == pytest.approx(np.float64(wanted), rel=rel, abs=slack, nan_ok=True), (ours, dict(row))
