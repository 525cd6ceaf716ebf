"""Slips of the hand: a decimal point moved, limits exchanged, percentages for counts."""

import itertools
import math

import numpy as np

from livingreview.trials.plausibility.finding import check
from livingreview.trials.plausibility.trial_rows import moments

# On the log10 scale; a factor between 6.3 and 15.8.
NEAR_TEN = 0.2


@check("decimal_slip", "error", "a mean or standard deviation ten times too large or too small")
def decimal_slip(row, trials):
    """Against the other values of the row; where it has none, against other trials of the instrument."""
    found = moments(row)
    for m in found:
        rest = [o for o in found if o is not m]
        yield from _slipped_sd(m, rest, row, trials)
        yield from _slipped_mean(m, rest)


def _slipped_sd(m, rest, row, trials):
    sds = [o.sd for o in rest if not math.isnan(o.sd)]
    usual = float(np.median(sds)) if sds else trials.others_typical(row, "sd")[0]
    ratio = m.sd / usual if usual > 0 else math.nan
    if ratio > 0 and abs(abs(math.log10(ratio)) - 1) < NEAR_TEN:
        yield (
            f"{m.sd_column} is {m.sd:g}",
            f"about {usual:.3g}, as the other standard deviations",
            f"{m.sd / 10 if ratio > 1 else m.sd * 10:g} with the point moved?",
            [m.sd_column],
        )


def _slipped_mean(m, rest):
    means = [o.mean for o in rest if not math.isnan(o.mean)]
    # The smallest could be a standard error, the largest a slip itself.
    sds = [o.sd for o in (*rest, m) if not math.isnan(o.sd)]
    if not means or not sds or math.isnan(m.mean) or m.mean == 0:
        return
    usual, sd = float(np.median(means)), float(np.median(sds))
    away = min(abs(m.mean - mean) for mean in means)
    for moved in (m.mean / 10, m.mean * 10):
        near = min(abs(moved - mean) for mean in means)
        if away <= 1.5 * sd or near >= min(0.8 * sd, away / 2):
            continue
        yield (
            f"{m.mean_column} is {m.mean:g}",
            f"about {usual:.3g}, as the other means of the row",
            f"{moved:g} with the point moved?",
            [m.mean_column],
        )


@check(
    "limits_swapped", "error", "the lower limit of an interval above the upper one, or the value outside it"
)
def limits_swapped(row, _trials):
    for arm in (1, 2):
        low, high, mean = row[f"ci_low_{arm}"], row[f"ci_high_{arm}"], row[f"mean_{arm}"]
        columns = [f"ci_low_{arm}", f"ci_high_{arm}", f"mean_{arm}"]
        if low >= high:
            yield f"ci_low_{arm} {low:g}, ci_high_{arm} {high:g}", "low below high", "exchanged?", columns
        elif mean < low or mean > high:
            allowed = f"within its interval, {low:g} to {high:g}"
            yield f"mean_{arm} is {mean:g}", allowed, "a sign or a digit lost?", columns
    for arm in (1, 2):
        names = [f"{part}_{arm}" for part in ("min", "q1", "median", "q3", "max")]
        known = [(name, row[name]) for name in names if not math.isnan(row[name])]
        for (name, value), (other, larger) in itertools.pairwise(known):
            if value > larger:
                yield f"{name} {value:g}, {other} {larger:g}", "in rising order", "exchanged?", [name, other]
    low, high = row["printed_ci_low"], row["printed_ci_high"]
    if low >= high:
        columns = ["printed_ci_low", "printed_ci_high"]
        yield f"printed_ci_low {low:g}, printed_ci_high {high:g}", "low below high", "exchanged?", columns


@check("events_above_n", "error", "more events than participants, as where a percentage was entered")
def events_above_n(row, _trials):
    for arm in (1, 2):
        events, n = row[f"events_{arm}"], row[f"n_{arm}"]
        if events > n:
            columns = [f"events_{arm}", f"n_{arm}"]
            yield f"events_{arm} is {events:g}", f"at most n_{arm}, {n:g}", "a percentage?", columns
