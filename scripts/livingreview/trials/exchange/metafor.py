"""Effects as metafor takes them, and an R script that computes the main results again from them."""

import math
from pathlib import Path

import pandas as pd

SCRIPT = Path(__file__).with_name("analysis.R")
COLUMNS = ("outcome", "study", "effect", "label", "comparison", "yi", "vi", "sei", "ni", "n_1", "n_2")
EXPECTED_COLUMNS = ("outcome", "model", "variable", "group", "statistic", "expected")
# What estimates.csv and subgroups.csv say, by the names that analysis.R gives them.
OVERALL = ("k", "estimate", "se", "ci_low", "ci_high", "pval", "pi_low", "pi_high", "tau2", "I2", "H2", "QE",
           "QE_p")  # fmt: skip
GROUP = ("k", "estimate", "ci_low", "ci_high", "tau2", "I2")
BETWEEN = ("QM", "QM_df", "QM_p")


def table(effects, *, subgroups):
    """The effects in the pool and the sensitivity analysis, one row each.

    Parameters
    ----------
    effects : DataFrame
        effects.csv.
    subgroups : list of str
        Its columns of subgroups.

    Returns
    -------
    DataFrame
        `COLUMNS`, the subgroups, ``in_pool`` and ``source``. ``vi`` is a variance, ``sei`` its root.
    """
    rows = effects[effects["in_sensitivity"].astype(bool)]
    rows = rows.assign(effect=rows["row_id"], sei=[math.sqrt(v) for v in rows["vi"]])
    return rows[[*COLUMNS, *subgroups, "in_pool", "source"]].sort_values(["outcome", "effect"])


def dependent(effects):
    """Outcomes with several pooled effects of one study and comparison: their model is not analysis.R's."""
    pooled = effects[effects["in_pool"].astype(bool)].fillna({"comparison": ""})
    return set(pooled.loc[pooled.duplicated(["outcome", "study", "comparison"]), "outcome"])


def expected(estimates, groups, further=(), *, leave_out=()):
    """What R is to find: a row for each number of the main results.

    Parameters
    ----------
    estimates, groups : DataFrame
        estimates.csv and subgroups.csv.
    further : iterable of tuple
        More rows of `EXPECTED_COLUMNS`.
    leave_out : collection of str
        Outcomes whose numbers R is not asked for, see `dependent`.

    Returns
    -------
    DataFrame
        `EXPECTED_COLUMNS`; numbers that are not defined are left out.
    """
    rows = [
        (one["outcome"], "overall", "", "", name, one[name])
        for one in estimates.to_dict("records")
        for name in OVERALL
    ]
    tested = set()
    for one in groups.to_dict("records"):
        rows += [(one["outcome"], "group", one["variable"], one["value"], name, one[name]) for name in GROUP]
        if (one["outcome"], one["variable"]) not in tested:
            tested.add((one["outcome"], one["variable"]))
            rows += [(one["outcome"], "between", one["variable"], "", name, one[name]) for name in BETWEEN]
    frame = pd.DataFrame([*rows, *further], columns=list(EXPECTED_COLUMNS))
    # An outcome without effects has its k, and nothing that R could compute.
    empty = {*estimates.loc[estimates["k"] == 0, "outcome"], *leave_out}
    return frame[frame["expected"].notna() & ~frame["outcome"].isin(empty)].reset_index(drop=True)
