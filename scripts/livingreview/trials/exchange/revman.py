"""Effects in the columns in which Cochrane publishes the data rows of a review's analyses.

They are those of the file ``...-data-rows.csv`` in the data package that RevMan makes of each review
(documentation.cochrane.org/revman-kb, "data package"), in the order in which programs that read the packages
list them: a row for each study in an analysis, by its means, its events, or as generic inverse variance.
"""

import math

import pandas as pd

from livingreview.trials.exchange.metapsy import has_means

CONTINUOUS, DICHOTOMOUS, GENERIC = "Continuous", "Dichotomous", "Generic inverse variance"
COLUMNS = (
    "Analysis group",
    "Analysis number",
    "Analysis name",
    "Subgroup",
    "Applicability",
    "Study",
    "Study year",
    "GIV Mean",
    "GIV SE",
    "Experimental mean",
    "Experimental SD",
    "Experimental cases",
    "Experimental N",
    "Control mean",
    "Control SD",
    "Control cases",
    "Control N",
    "O-E",
    "Variance",
    "Weight",
    "Mean",
    "CI start",
    "CI end",
    "Footnotes",
    # Of the package's file of overall estimates and settings; here a row says itself of which kind it is.
    "Data type",
)
# Of 95% intervals, which RevMan shows; the normal quantile to double precision.
Z95 = 1.959963984540054


def rows(effects, outcomes, studies, *, labels):
    """The effects in the pool, a row each.

    Parameters
    ----------
    effects, outcomes, studies : DataFrame
        effects.csv, and the trials' tables at this run.
    labels : dict of str to str
        Outcome to its name in print, in the order of the analyses.

    Returns
    -------
    DataFrame
        `COLUMNS`. Every row has the effect as it was pooled in ``GIV Mean`` and ``GIV SE`` (standard error).
        Where the trial prints means whose difference is that effect, they are there too; a row whose effect
        is turned (higher scores are better) or whose control is divided has the first only, and says so.
    """
    raw = outcomes.set_index("row_id")
    years = studies.set_index("study_id")["year"]
    pooled = effects[effects["in_pool"].astype(bool)]
    found = []
    for number, (outcome, name) in enumerate(labels.items(), start=1):
        of_outcome = pooled[pooled["outcome"] == outcome].sort_values(["label", "row_id"])
        for effect in of_outcome.to_dict("records"):
            found.append(
                {
                    "Analysis group": 1,
                    "Analysis number": number,
                    "Analysis name": name,
                    "Study": effect["label"],
                    "Study year": years.get(effect["study"]),
                }
                | _numbers(effect, raw.loc[effect["row_id"]])
            )
    return pd.DataFrame(found, columns=list(COLUMNS))


def why_not_means(effect, row):
    """Why a row's means do not give the pooled effect as they stand; "" without means, None if they do."""
    if effect["assumption"]:
        return effect["assumption"]
    if not has_means(row):
        return ""
    if row["higher_is"] == "better":
        return "higher scores are better; the sign of the effect is turned"
    return None


def _numbers(effect, row):
    se = math.sqrt(effect["vi"])
    reason = why_not_means(effect, row)
    generic = {
        "Data type": GENERIC,
        "GIV Mean": effect["yi"],
        "GIV SE": se,
        "Experimental N": row["n_1"],
        "Control N": row["n_2"],
        "Mean": effect["yi"],
        "CI start": effect["yi"] - Z95 * se,
        "CI end": effect["yi"] + Z95 * se,
        "Footnotes": reason or None,
    }
    if reason is not None:
        return generic
    return generic | {
        "Data type": CONTINUOUS,
        "Experimental mean": row["mean_1"],
        "Experimental SD": row["sd_1"],
        "Control mean": row["mean_2"],
        "Control SD": row["sd_2"],
    }
