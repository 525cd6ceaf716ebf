"""The pooled effects in the columns of the files from which RevMan fills its study data.

RevMan takes the arms of the studies and their results, each from one CSV file: a row for each arm, with
its means or a contrast to a reference arm (documentation.cochrane.org/revman-kb, "data extraction
templates"). The names of the columns are those that a public program writes for that import; Cochrane's own
template was not at hand. RevMan matches the names of interventions and outcomes with the review's criteria.
"""

import math

import pandas as pd

from livingreview.trials.exchange.revman import CONTINUOUS, why_not_means

ARM_COLUMNS = ("Study", "Arm", "Description", "Intervention")
RESULT_COLUMNS = (
    "Study",
    "Outcome",
    "Data type",
    "Effect measure",
    "Arm",
    "Reference arm",
    "Sample size",
    "Cases",
    "Mean",
    "SD",
    "SE",
    "Footnotes",
)
SMD = "SMD"


def tables(effects, outcomes, studies, *, labels):
    """The effects in the pool as study arms and study results.

    Parameters
    ----------
    effects, outcomes, studies : DataFrame
        effects.csv, and the trials' tables at this run.
    labels : dict of str to str
        Outcome to its name in print, which is to be its name in RevMan.

    Returns
    -------
    arms : DataFrame
        `ARM_COLUMNS`. ``Intervention`` is the class of the intervention or of the comparator.
    results : DataFrame
        `RESULT_COLUMNS`. A row for each arm where the means of the trial give the pooled effect; else one row
        with the standardised mean difference against the reference arm and its standard error. Each
        comparison of a trial of several arms is a study of its own, as it is pooled, its control divided; so
        is each effect where all of a trial's instruments are pooled, since RevMan takes one result of an arm.
    """
    raw = outcomes.set_index("row_id")
    classes = studies.set_index("study_id")[["intervention_class", "comparator_class"]]
    pooled = effects[effects["in_pool"].astype(bool) & effects["outcome"].isin(labels)]
    several = pooled.duplicated(["label", "outcome"], keep=False)
    pooled = pooled.assign(label=pooled["label"].where(~several, pooled["label"] + " " + pooled["row_id"]))
    arms, results = {}, []
    for effect in pooled.sort_values(["label", "outcome", "row_id"]).to_dict("records"):
        row = raw.loc[effect["row_id"]]
        names = row["arm_1"] or "treatment", row["arm_2"] or "control"
        for name, intervention in zip(names, classes.loc[effect["study"]], strict=True):
            arms.setdefault((effect["label"], name), intervention)
        shared = {"Study": effect["label"], "Outcome": labels[effect["outcome"]], "Data type": CONTINUOUS}
        results += [shared | cells for cells in _results(effect, row, names)]
    arm_rows = [(study, arm, None, intervention) for (study, arm), intervention in arms.items()]
    return (
        pd.DataFrame(arm_rows, columns=list(ARM_COLUMNS)),
        pd.DataFrame(results, columns=list(RESULT_COLUMNS)),
    )


def _results(effect, row, names):
    reason = why_not_means(effect, row)
    if reason is None:
        return [
            {"Arm": name, "Sample size": row[f"n_{arm}"], "Mean": row[f"mean_{arm}"], "SD": row[f"sd_{arm}"]}
            for arm, name in enumerate(names, start=1)
        ]
    contrast = {"Effect measure": SMD, "Arm": names[0], "Reference arm": names[1], "Mean": effect["yi"]}
    return [contrast | {"SE": math.sqrt(effect["vi"]), "Footnotes": reason or None}]
