"""Whether effects go along with a number of the trials: one meta-regression per number of the protocol."""

import math

import numpy as np

from livingreview.pooling import reasons
from livingreview.pooling.between_variance import ConvergenceError
from livingreview.pooling.random_effects import fit

# Below this a slope rests on too few trials to be read: Cochrane Handbook, section 10.11.5.1.
INTERPRETABLE_K = 10
# The slope, the intercept, and one degree of freedom.
MIN_K = 3
POINTS = 21  # of the fitted line and its interval, over the range of the number
NUMBERS = ("slope", "slope_se", "ci_low", "ci_high", "pval", "tau2", "R2")


def regression(rows, *, variable, label, values, **options):
    """The effects of one outcome on one number.

    Parameters
    ----------
    rows : DataFrame
        Independent effects: row_id, label, study, yi, vi.
    variable, label : str
        The number's name, and in print.
    values : dict of str to float
        The number by row_id; effects without one are left out and counted.
    **options
        ``method``, ``test``, ``level`` of `random_effects.fit`.

    Returns
    -------
    dict
        ``variable``, ``label``, ``k``, ``left_out`` (labels of effects without the number), `NUMBERS` (the
        change of yi per unit of the number with its standard error, interval and p-value; tau2, the residual
        variance; R2, percent of tau2 explained), ``points`` (row_id, label, value, yi, weight in percent),
        ``line`` (value, estimate, ci_low, ci_high), ``advice``, and ``reason``: why there is no slope, with
        NaN for all numbers and an empty line, else None.
    """
    known = np.array([not math.isnan(values.get(row_id, math.nan)) for row_id in rows["row_id"]], dtype=bool)
    kept, without = rows[known], rows[~known]
    x = np.array([values[row_id] for row_id in kept["row_id"]], dtype=float)
    found = {
        "variable": variable,
        "label": label,
        "k": len(kept),
        "left_out": without["label"].tolist(),
        **dict.fromkeys(NUMBERS, math.nan),
        "points": [],
        "line": [],
        "advice": "" if len(kept) >= INTERPRETABLE_K else f"fewer than {INTERPRETABLE_K} effects",
        "reason": None,
    }
    if len(kept) < MIN_K:
        have = "has" if len(kept) == 1 else "have"
        return found | {
            "reason": f"{reasons.effects(len(kept))} {have} the number; at least {MIN_K} are needed"
        }
    if np.ptp(x) == 0:
        return found | {"reason": f"all effects have the same number, {x[0]:g}"}
    # Centred, so that years do not make the design nearly singular.
    centre = x.mean()
    try:
        result = fit(kept["yi"], kept["vi"], mods={variable: x - centre}, **options)
    except ConvergenceError as error:
        return found | {"reason": str(error)}
    slope = result.coefficients[-1]
    grid = np.linspace(x.min(), x.max(), POINTS)
    fitted = result.predict({variable: grid - centre})
    line = zip(
        grid.tolist(), *(fitted[name].tolist() for name in ("estimate", "ci_low", "ci_high")), strict=True
    )
    points = zip(
        kept["row_id"], kept["label"], x.tolist(), kept["yi"].tolist(), result.weights.tolist(), strict=True
    )
    return found | {
        "slope": slope.estimate,
        "slope_se": slope.se,
        "ci_low": slope.ci_low,
        "ci_high": slope.ci_high,
        "pval": slope.pval,
        "tau2": result.tau2,
        "R2": result.R2,
        "points": [
            dict(zip(("row_id", "label", "value", "yi", "weight"), one, strict=True)) for one in points
        ],
        "line": [dict(zip(("value", "estimate", "ci_low", "ci_high"), one, strict=True)) for one in line],
    }
