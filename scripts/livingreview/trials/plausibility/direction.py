"""Signs and directions that contradict each other, and effects unlike all others."""

import math
import re

import numpy as np

from livingreview.trials.plausibility.finding import check
from livingreview.trials.plausibility.recomputed import standardised_difference
from livingreview.trials.smd import DIRECTIONS, favouring_negative

# Below it the sign of a difference is a matter of rounding and of adjustment.
CLEAR = 0.1
# Two standard deviations between treatment and control are rarer in trials than a slip is.
IMPLAUSIBLE = 2.0
FEWEST_OTHERS = 3

CONTROL_WORDS = re.compile(
    r"\b(controls?|wait[- ]?list\w*|waiting[- ]list|usual care|placebo|tau|wlc?)\b", re.I
)


@check("sign_against_means", "error", "a printed effect that points the other way than the means")
def sign_against_means(row, _trials):
    g, effect = _from_means(row), _printed(row)
    if abs(g) > CLEAR and abs(effect) > CLEAR and g * effect < 0:
        yield (
            f"printed_effect {row['printed_effect']} ({row['printed_direction']}) and means that give"
            f" {g:.2f}",
            "the same side, where negative favours the treatment",
            "is higher_is right for this instrument, are the arms in their columns, what does the sign mean?",
            ["printed_effect", "printed_direction", "higher_is", "mean_1", "mean_2"],
        )


@check("direction_of_instrument", "error", "higher_is against the registry of instruments")
def direction_of_instrument(row, trials):
    known = trials.instrument(row).get("higher_is")
    if known and row["higher_is"] != known:
        yield (
            f"higher_is is {row['higher_is']}",
            f"{known}, as the registry says of {row['instrument']}",
            "if this report turned the score, note it, and clear this finding",
            ["higher_is", "instrument"],
        )


@check("opposite_effect", "warning", "a clear effect against the treatment, where other trials favour it")
def opposite_effect(row, trials):
    """Against: g of 0.5 or more with its 95% interval on that side."""
    yi, vi = trials.effects.get(row["row_id"], (math.nan, math.nan))
    if not (yi >= 0.5 and yi > 1.96 * math.sqrt(vi)):
        return
    others, _ = _others(row, trials)
    if len(others) >= FEWEST_OTHERS and np.median(others) < 0:
        yield (
            f"an effect of {yi:.2f}, for the control",
            f"one for the treatment, as the median of {len(others)} other studies, {np.median(others):.2f}",
            "sign or direction turned, or arms exchanged?",
            ["printed_effect", "printed_direction", "higher_is", "mean_1", "mean_2"],
        )


@check("effect_too_large", "warning", "an effect of 2 standard deviations or more")
def effect_too_large(row, trials):
    yi, _ = trials.effects.get(row["row_id"], (_from_means(row), math.nan))
    if abs(yi) >= IMPLAUSIBLE:
        yield (
            f"a standardised difference of {yi:.2f}",
            f"less than {IMPLAUSIBLE:g} in size",
            "a standard error in place of a standard deviation makes effects the root of n times too large",
            ["printed_effect", "mean_1", "sd_1", "mean_2", "sd_2"],
        )


@check("beyond_prediction", "warning", "an effect beyond the 95% prediction interval of the other studies")
def beyond_prediction(row, trials):
    """One in twenty true values lies there too."""
    if trials.predict is None or row["row_id"] not in trials.effects or row["status"] != "ok":
        return
    yi, vi = trials.effects[row["row_id"]]
    others, variances = _others(row, trials)
    if len(others) < FEWEST_OTHERS:
        return
    low, high = trials.predict(others, variances, vi)
    if not low <= yi <= high:
        yield (
            f"an effect of {yi:.2f}",
            f"{low:.2f} to {high:.2f}, by {len(others)} other studies of {row['outcome']}",
            "look at sign, unit, standard deviations and arms once more",
            ["printed_effect", "printed_se", "mean_1", "sd_1", "n_1", "mean_2", "sd_2", "n_2"],
        )


@check("arms_swapped", "error", "the control in the place of the treatment")
def arms_swapped(row, trials):
    """By the names of the arms, or by sizes that fit the randomised arms only crosswise."""
    if CONTROL_WORDS.search(row["arm_1"]) and row["arm_2"] and not CONTROL_WORDS.search(row["arm_2"]):
        yield (
            f"arm_1 is {row['arm_1']!r}, arm_2 {row['arm_2']!r}",
            "the treatment as arm 1",
            "exchange the two arms in every column",
            ["arm_1", "arm_2"],
        )
    study = trials.studies.get(row["study_id"], {})
    treated, control = study.get("n_intervention", math.nan), study.get("n_control", math.nan)
    n_1, n_2 = row["n_1"], row["n_2"]
    if (n_1 > treated and n_1 <= control and n_2 <= treated) or (
        n_2 > control and n_2 <= treated and n_1 <= control
    ):
        yield (
            f"n_1 is {n_1:g} and n_2 {n_2:g}",
            f"at most {treated:g} and {control:g}, as randomised to treatment and control",
            "are the arms exchanged?",
            ["n_1", "n_2"],
        )


def _others(row, trials):
    """Effects and variances of other studies of the outcome, one for each: that of the first priority."""
    best = {}
    for other in trials.rows:
        same = other["outcome"] == row["outcome"] and other["timepoint"] == row["timepoint"]
        same = same and other["study_id"] != row["study_id"]
        if same and other["status"] == "ok" and other["row_id"] in trials.effects:
            rank = (other["priority"], other["row_id"])
            best[other["study_id"]] = min(best.get(other["study_id"], (math.inf, "")), rank)
    pairs = [trials.effects[row_id] for _, row_id in best.values()]
    return np.array([yi for yi, _ in pairs]), np.array([vi for _, vi in pairs])


def _from_means(row):
    g = standardised_difference(row)
    return -g if row["higher_is"] == "better" else g


def _printed(row):
    if row["printed_direction"] not in DIRECTIONS or row["effect_type"] in ("risk_ratio", "odds_ratio"):
        return math.nan
    try:
        effect = float(row["printed_effect"])
    except ValueError:
        return math.nan
    return favouring_negative(effect, direction=row["printed_direction"], higher_is=row["higher_is"])
