"""Participants: never more than were randomised, never more later than before."""

import math

from livingreview.trials.plausibility.finding import check


@check("n_above_randomised", "error", "more participants than were randomised")
def n_above_randomised(row, trials):
    study = trials.studies.get(row["study_id"], {})
    total = row["n_total"] if math.isnan(row["n_1"] + row["n_2"]) else row["n_1"] + row["n_2"]
    if total > study.get("n_randomised", math.nan):
        yield (
            f"{total:g} participants",
            f"at most {study['n_randomised']:g}, n_randomised of {row['study_id']}",
            "a digit too many, observations instead of people, or another trial?",
            ["n_1", "n_2", "n_total"],
        )
    for column, arm, limit in (("n_1", "treatment", "n_intervention"), ("n_2", "control", "n_control")):
        most = study.get(limit, math.nan)
        if row[column] > most:
            yield (
                f"{column} is {row[column]:g}",
                f"at most {most:g}, {limit} of {row['study_id']}",
                f"of several {arm} arms together, or a digit too many?",
                [column],
                # The study's own arms can be several, of which its row counts one.
                "error" if most + _other_arm(study, limit) >= study.get("n_randomised", 0) else "warning",
            )


@check("n_grows", "warning", "more participants at follow-up than after treatment")
def n_grows(row, trials):
    for other in _earlier(row, trials):
        for column in ("n_1", "n_2"):
            if row[column] > other[column]:
                yield (
                    f"{column} is {row[column]:g}",
                    f"at most {other[column]:g}, as in row {other['row_id']}, earlier in the same trial",
                    "are the time points exchanged, or were missing values filled in at one of them only?",
                    [column, (other["row_id"], column)],
                )


@check("attrition", "warning", "a loss of participants that does not fit the one that the trial reports")
def attrition(row, trials):
    """More than 80% lost, or participants that differ by a third of all from the attrition in studies.csv."""
    study = trials.studies.get(row["study_id"], {})
    randomised = study.get("n_randomised", math.nan)
    arms = study.get("n_intervention", math.nan) + study.get("n_control", math.nan)
    total = row["n_1"] + row["n_2"]
    # A row compares two arms; where the trial has more, the others are not lost.
    if math.isnan(total) or math.isnan(arms) or arms < randomised or row["comparison"]:
        return
    kept = total / arms
    if kept < 0.2:
        yield (
            f"{total:g} of {arms:g} participants",
            "at least a fifth of those randomised",
            "a digit lost?",
            ["n_1", "n_2"],
        )


def _other_arm(study, limit):
    return study.get("n_control" if limit == "n_intervention" else "n_intervention", math.nan)


def _earlier(row, trials):
    same = ("study_id", "comparison", "outcome", "instrument", "arm_1", "arm_2")
    for other in trials.rows:
        if other is not row and all(other[name] == row[name] for name in same):
            post_first = row["timepoint"] == "follow-up" and other["timepoint"] == "post"
            if post_first or (row["timepoint"] == other["timepoint"] and row["weeks"] > other["weeks"]):
                yield other
