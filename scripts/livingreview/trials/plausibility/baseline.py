"""Before treatment: arms that differ beyond chance, and changes that do not lead from before to after."""

import math

import scipy  # its parts load at their first use; not every step that loads this reckons with it

from livingreview.trials.plausibility.finding import check
from livingreview.trials.plausibility.recomputed import t_of

# Randomised arms differ so in one of a hundred and in one of a thousand rows.
RARE, VERY_RARE = 0.01, 0.001


@check("baseline_difference", "note", "arms that differ before treatment beyond chance")
def baseline_difference(row, _trials):
    """Student's t of the baseline values with the n analysed; p < 0.01 is noted, p < 0.001 a warning."""
    names = ("baseline_mean_1", "baseline_sd_1", "n_1", "baseline_mean_2", "baseline_sd_2", "n_2")
    parts = [row[name] for name in names]
    t = t_of(parts[:3], parts[3:])
    if math.isnan(t):
        return
    n_1, n_2 = row["n_1"], row["n_2"]
    p = 2 * float(scipy.special.stdtr(n_1 + n_2 - 2, -abs(t)))
    if p < RARE:
        yield (
            f"baseline means of {parts[0]:g} and {parts[3]:g}: a difference of"
            f" {t * math.sqrt(1 / n_1 + 1 / n_2):.2f} standard deviations, p = {p:.2g}",
            f"p of {RARE:g} or more in randomised arms",
            "a slip, a standard error as standard deviation, or a randomisation that failed?",
            names,
            "warning" if p < VERY_RARE else "note",
        )


@check("change_not_post", "error", "baseline and change that do not add up to the value after treatment")
def change_not_post(row, trials):
    """Within rounding and a tenth of a standard deviation, since completers' baselines differ a little.

    A change may be printed as an improvement, so either sign will do.
    """
    for arm in (1, 2):
        columns = (f"baseline_mean_{arm}", f"change_mean_{arm}", f"mean_{arm}")
        before, change, after = (row[name] for name in columns)
        if math.isnan(before + change + after):
            continue
        spread = next((row[n] for n in (f"baseline_sd_{arm}", f"sd_{arm}") if not math.isnan(row[n])), 0.0)
        slack = sum(trials.half_unit(row, name) for name in columns) + 0.1 * spread
        if min(abs(before + change - after), abs(before - change - after)) > slack * (1 + 1e-9):
            yield (
                f"baseline_mean_{arm} {before:g}, change_mean_{arm} {change:g}, mean_{arm} {after:g}",
                f"mean_{arm} of {before + change:g}, or {before - change:g} if the change is an improvement",
                "a sign or digit lost, or values of different participants?",
                columns,
            )


@check("after_as_before", "warning", "the same mean and standard deviation before and after treatment")
def after_as_before(row, _trials):
    for arm in (1, 2):
        after = (row[f"mean_{arm}"], row[f"sd_{arm}"])
        if after == (row[f"baseline_mean_{arm}"], row[f"baseline_sd_{arm}"]):
            yield (
                f"arm {arm} has mean {after[0]:g} and standard deviation {after[1]:g} before and after",
                "values that move, at least in the last digit",
                "was a column of the table copied twice?",
                [f"mean_{arm}", f"sd_{arm}", f"baseline_mean_{arm}", f"baseline_sd_{arm}"],
            )
