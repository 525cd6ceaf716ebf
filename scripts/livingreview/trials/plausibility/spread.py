"""Standard deviations: a standard error in their place, or the reverse; none larger than the scale allows."""

import math

import numpy as np

from livingreview.trials.plausibility.finding import check
from livingreview.trials.plausibility.trial_rows import moments

# Deviations of a bounded score lie far above this share of its scale, standard errors often below.
SMALLEST_SHARE_OF_SCALE = 0.04
# Between these shares of the scale lie the standard deviations that scores have.
USUAL_SHARE_OF_SCALE = (0.08, 0.4)


@check("se_as_sd", "error", "a standard error entered as a standard deviation")
def se_as_sd(row, trials):
    """Nearer, as logarithms, to usual / sqrt(n) than to the usual deviation: below usual / n^(1/4)."""
    suspects = [(m, _why_small(m, row, trials)) for m in moments(row)]
    suspects = [(m, why) for m, why in suspects if why]
    for m, (reference, value) in suspects:
        # A mistake of columns concerns both arms; one arm alone may be another slip.
        pair = any(other.when == m.when and other.arm != m.arm for other, _ in suspects)
        alone = not any(other.when == m.when and other.arm != m.arm for other in moments(row))
        yield (
            f"{m.sd_column} is {m.sd:g} with n = {m.n:g}",
            f"about {value:.3g}, {reference}; {m.sd:g} times the root of n is {m.sd * math.sqrt(m.n):.3g}",
            "does the paper print standard errors? then the standard deviation is SE times the root of n",
            [m.sd_column, f"n_{m.arm}"],
            "error" if pair or alone else "warning",
        )


@check("sd_as_se", "error", "a standard deviation taken for a standard error, so that it is too large")
def sd_as_se(row, trials):
    """Above usual times n^(1/4), or a standard error that is as large as a usual deviation."""
    for m in moments(row):
        for reference, value, weak in _references(m, row, trials):
            large = m.n >= 4 and m.sd / value > m.n**0.25
            if large and not (weak and not _pair_large(m, row, value)):
                yield (
                    f"{m.sd_column} is {m.sd:g} with n = {m.n:g}",
                    f"about {value:.3g}, {reference}",
                    "was a standard deviation multiplied by the root of n as if it were a standard error?",
                    [m.sd_column, f"n_{m.arm}"],
                )
                break
    yield from _large_errors(row, trials)


def _large_errors(row, trials):
    usual = trials.usual_sd(row)
    typical = usual[1] if usual else trials.others_typical(row, "sd")[0]
    for arm in (1, 2):
        se, n = row[f"se_{arm}"], row[f"n_{arm}"]
        if se * math.sqrt(n) > typical * n**0.25:
            yield (
                f"se_{arm} is {se:g} with n = {n:g}, a standard deviation of {se * math.sqrt(n):.3g}",
                f"a standard deviation of about {typical:.3g}",
                "is it a standard deviation, for the column sd?",
                [f"se_{arm}", f"n_{arm}"],
            )


@check(
    "printed_se", "warning", "a printed standard error of a standardised difference that does not fit the n"
)
def printed_se(row, _trials):
    """Between half and twice the large-sample formula; covariates narrow it, clusters widen it."""
    if row["effect_type"] not in ("hedges_g", "cohen_d") or math.isnan(row["printed_se"]):
        return
    try:
        d = float(row["printed_effect"])
    except ValueError:
        return
    n_1, n_2 = row["n_1"], row["n_2"]
    if math.isnan(n_1 + n_2):
        n_1 = n_2 = row["n_total"] / 2
    expected = math.sqrt(1 / n_1 + 1 / n_2 + d**2 / (2 * (n_1 + n_2))) if n_1 + n_2 > 0 else math.nan
    if not math.isnan(expected) and not 0.5 < row["printed_se"] / expected < 2:
        yield (
            f"printed_se is {row['printed_se']:g}",
            f"about {expected:.3g} for a difference of {d:g} with {n_1:g} and {n_2:g}",
            "is it a standard deviation, a variance, or half an interval?",
            ["printed_se", "printed_effect", "n_1", "n_2", "n_total"],
        )


@check("outside_range", "error", "a mean outside the scale of the instrument")
def outside_range(row, trials):
    scale = trials.scale(row)
    for m in moments(row) if scale else []:
        half = trials.half_unit(row, m.mean_column)
        if m.mean < scale[0] - half or m.mean > scale[1] + half:
            yield (
                f"{m.mean_column} is {m.mean:g}",
                f"within {scale[0]:g} and {scale[1]:g}, the scale of {row['instrument']}",
                "another version or unit of the instrument, or a slip of the point?",
                [m.mean_column, "instrument"],
            )


@check("sd_impossible", "error", "a standard deviation above the largest that the scale allows at this mean")
def sd_impossible(row, trials):
    """sqrt((mean - low)(high - mean) n / (n - 1)): all values at the two ends (Bhatia and Davis 2000)."""
    scale = trials.scale(row)
    for m in moments(row) if scale else []:
        n = m.n if m.n >= 2 else math.inf
        half = trials.half_unit(row, m.mean_column)
        # The mean that rounding allows and that lies nearest to the middle gives the largest deviation.
        mean = min(max((scale[0] + scale[1]) / 2, m.mean - half), m.mean + half)
        product = (mean - scale[0]) * (scale[1] - mean)
        largest = math.sqrt(max(product, 0) * (n / (n - 1) if n < math.inf else 1))
        if product >= 0 and m.sd > largest + trials.half_unit(row, m.sd_column):
            yield (
                f"{m.sd_column} is {m.sd:g} at a mean of {m.mean:g}",
                f"at most {largest:.3g} on a scale of {scale[0]:g} to {scale[1]:g}",
                "a variance, the limit of an interval, or the value of another row?",
                [m.sd_column, m.mean_column, "instrument"],
            )


def _why_small(m, row, trials):
    """(words, value) of the first reference by which the deviation looks like a standard error, or None."""
    if not m.n >= 4 or math.isnan(m.sd):
        return None
    for reference, value, weak in _references(m, row, trials):
        # Below n^(-3/4) it is too small for a standard error as well: a slip of the point.
        if m.n**-0.75 < m.sd / value < m.n**-0.25 and not (weak and not _pair_small(m, row, value)):
            return reference, value
    return _small_for_scale(m, row, trials)


def _references(m, row, trials):
    """(words, value, weak) for each usual standard deviation; a weak one needs both arms to agree."""
    usual = trials.usual_sd(row)
    if usual and not math.isnan(m.sd):
        yield f"the usual {usual[0]:g} to {usual[1]:g} of {row['instrument']}", _nearest(m.sd, usual), False
    typical, studies = trials.others_typical(row, "sd")
    if studies and not _other_scale(row, trials, typical):
        yield f"as in {studies} other trials with {row['instrument']}", typical, studies < 2
    for other in moments(row):
        if other.arm == m.arm and other.when != m.when and not math.isnan(other.sd):
            yield f"as in {other.name}", other.sd, True


def _nearest(value, interval):
    return min(max(value, interval[0]), interval[1])


def _pair_small(m, row, value):
    """Whether the other arm agrees: as small, or, as arms of a trial hardly differ, much larger itself."""
    return _other_arm(m, row, lambda o: o.sd / value < o.n**-0.25 or m.sd / o.sd < m.n**-0.25)


def _pair_large(m, row, value):
    return _other_arm(m, row, lambda o: o.sd / value > o.n**0.25)


def _other_arm(m, row, says):
    """What the same moment of the other arm says; yes if there is none."""
    pair = [o for o in moments(row) if o.when == m.when and o.arm != m.arm and not math.isnan(o.sd)]
    return not pair or any(o.n > 0 and says(o) for o in pair)


def _other_scale(row, trials, typical_sd):
    """Whether means and deviations are larger or smaller together: another unit, as cm for mm."""
    mean, _ = trials.others_typical(row, "mean")
    means = [abs(m.mean) for m in moments(row) if not math.isnan(m.mean)]
    sds = [m.sd for m in moments(row) if not math.isnan(m.sd)]
    if math.isnan(mean) or mean == 0 or not means or not sds:
        return False
    by_mean, by_sd = np.median(means) / abs(mean), np.median(sds) / typical_sd
    return not 0.4 < by_mean < 2.5 and 0.5 < by_mean / by_sd < 2


def _small_for_scale(m, row, trials):
    scale = trials.scale(row)
    if not scale:
        return None
    width = scale[1] - scale[0]
    share = m.sd * math.sqrt(m.n) / width
    if m.sd < SMALLEST_SHARE_OF_SCALE * width and USUAL_SHARE_OF_SCALE[0] < share < USUAL_SHARE_OF_SCALE[1]:
        place = (m.mean - scale[0]) / width
        # Means at an end of the scale have small deviations by right.
        return (
            (f"a sixth of the scale of {scale[0]:g} to {scale[1]:g}", width / 6)
            if 0.1 < place < 0.9
            else None
        )
    return None
