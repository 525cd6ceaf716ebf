"""Printed statistics computed again from means, deviations and sizes; p values too small for the n."""

import itertools
import math

import scipy  # its parts load at their first use; not every step that loads this reckons with it

from livingreview.trials.plausibility.finding import check

# An adjusted analysis differs from the raw one; beyond this factor it is another comparison or a slip.
MOST_BY_ADJUSTMENT = 2.0
IMPLAUSIBLE = 2.0


def standardised_difference(row):
    """Cohen's d, arm 1 minus arm 2, of a row's means; NaN where a part is missing."""
    return t_of(*_parts(row)) * math.sqrt(1 / row["n_1"] + 1 / row["n_2"]) if _usable(row) else math.nan


def t_of(arm_1, arm_2):
    """Student's t with the pooled standard deviation; NaN where a part is missing, both are 0, or n < 2.

    Each arm is (mean, sd, n).
    """
    (mean_1, sd_1, n_1), (mean_2, sd_2, n_2) = arm_1, arm_2
    df = n_1 + n_2 - 2
    if not (n_1 >= 2 and n_2 >= 2 and sd_1**2 + sd_2**2 > 0):
        return math.nan
    pooled = math.sqrt(((n_1 - 1) * sd_1**2 + (n_2 - 1) * sd_2**2) / df)
    return (mean_1 - mean_2) / (pooled * math.sqrt(1 / n_1 + 1 / n_2))


@check("t_against_means", "warning", "a printed t or F that the means do not give")
def t_against_means(row, trials):
    low, high = _t_range(row, trials)
    printed = abs(row["t_value"]) if not math.isnan(row["t_value"]) else math.sqrt(row["f_value"])
    column = "t_value" if not math.isnan(row["t_value"]) else "f_value"
    if _far(printed, low, high):
        yield (
            f"{column} is {row[column]:g}",
            f"a t of {low:.2f} to {high:.2f} in size, from means, standard deviations and n",
            "adjusted for baseline, paired, or the test of something else?",
            [column, "mean_1", "sd_1", "n_1", "mean_2", "sd_2", "n_2"],
        )


@check("p_against_means", "warning", "a printed p that the means do not give")
def p_against_means(row, trials):
    low, high = _t_range(row, trials)
    df = row["n_1"] + row["n_2"] - 2
    if math.isnan(row["p_value"]) or math.isnan(low):
        return
    printed = _t_of_p(row["p_value"], df)
    if _far(printed, low, high):
        p_low, p_high = (2 * scipy.special.stdtr(df, -t) for t in (high, low))
        yield (
            f"p_value is {row['p_value']:g}",
            f"{p_low:.2g} to {p_high:.2g}, from means, standard deviations and n",
            "the p of change within one arm, of an adjusted model, or of another outcome?",
            ["p_value", "mean_1", "sd_1", "n_1", "mean_2", "sd_2", "n_2"],
        )


@check("p_too_small", "warning", "a p that so few participants give only with an implausibly large effect")
def p_too_small(row, _trials):
    n_1, n_2 = _sizes(row)
    if math.isnan(row["p_value"]) or not n_1 + n_2 > 2:
        return
    d = _t_of_p(row["p_value"], n_1 + n_2 - 2) * math.sqrt(1 / n_1 + 1 / n_2)
    if d >= IMPLAUSIBLE:
        yield (
            f"p_value is {row['p_value']:g} with {n_1:g} and {n_2:g} participants",
            f"a difference below {IMPLAUSIBLE:g} standard deviations; this is one of {d:.2g}",
            "a test within an arm, of more participants, or a zero too many?",
            ["p_value", "n_1", "n_2", "n_total"],
        )


@check("effect_against_means", "warning", "a printed effect or interval that the means do not give")
def effect_against_means(row, _trials):
    """In size only (see sign_against_means for the side); standardised effects and differences of means."""
    try:
        printed = abs(float(row["printed_effect"]))
    except ValueError:
        printed = math.nan
    expected, se = _expected(row)
    low, high = row["printed_ci_low"], row["printed_ci_high"]
    columns = ["mean_1", "sd_1", "n_1", "mean_2", "sd_2", "n_2"]
    # Half a standard error is what an adjustment for baseline commonly moves; a tenth is what d and g differ.
    if abs(printed - abs(expected)) > 1.5 * se + 0.1 * abs(expected):
        yield (
            f"printed_effect is {row['printed_effect']}",
            f"about {abs(expected):.3g} in size, from the means",
            "an effect within one arm, another time point, or another standard deviation?",
            ["printed_effect", *columns],
        )
    if not math.isnan(expected) and high > low and not 1 / 3 < (high - low) / (2 * 1.96 * se) < 2:
        yield (
            f"printed_ci_low {low:g} to printed_ci_high {high:g}",
            f"an interval about {2 * 1.96 * se:.3g} wide, from standard deviations and n",
            "the interval of one arm, or not a 95% one?",
            ["printed_ci_low", "printed_ci_high", *columns],
        )


def _expected(row):
    d = standardised_difference(row)
    if math.isnan(d):
        return math.nan, math.nan
    n_1, n_2 = row["n_1"], row["n_2"]
    if row["effect_type"] == "mean_difference":
        difference = row["mean_1"] - row["mean_2"]
        return difference, math.sqrt(row["sd_1"] ** 2 / n_1 + row["sd_2"] ** 2 / n_2)
    if row["effect_type"] in ("means", "hedges_g", "cohen_d"):
        return d, math.sqrt(1 / n_1 + 1 / n_2 + d**2 / (2 * (n_1 + n_2)))
    return math.nan, math.nan


def _t_range(row, trials):
    """Smallest and largest |t| that the printed digits allow; NaN where a part is missing."""
    if not _usable(row):
        return math.nan, math.nan
    halves = {name: trials.half_unit(row, name) for name in ("mean_1", "mean_2", "sd_1", "sd_2")}
    values = []
    for side, spread in itertools.product((-1, 0, 1), (-1, 1)):
        moved = dict(row)
        moved["mean_1"] += side * halves["mean_1"]
        moved["mean_2"] -= side * halves["mean_2"]
        for name in ("sd_1", "sd_2"):
            moved[name] = max(moved[name] + spread * halves[name], 1e-12)
        values.append(t_of(*_parts(moved)))
    smallest = 0.0 if min(values) < 0 < max(values) else min(map(abs, values))
    return smallest, max(map(abs, values))


def _far(printed, low, high):
    """Whether a t is outside what means and usual adjustment give."""
    return printed > MOST_BY_ADJUSTMENT * high + 0.5 or printed < low / MOST_BY_ADJUSTMENT - 0.5


def _t_of_p(p, df):
    return float(-scipy.special.stdtrit(df, p / 2))


def _usable(row):
    return not math.isnan(t_of(*_parts(row)))


def _parts(row):
    return tuple((row[f"mean_{arm}"], row[f"sd_{arm}"], row[f"n_{arm}"]) for arm in (1, 2))


def _sizes(row):
    n_1, n_2 = row["n_1"], row["n_2"]
    return (row["n_total"] / 2,) * 2 if math.isnan(n_1 + n_2) else (n_1, n_2)
