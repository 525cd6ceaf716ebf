"""GRIM and GRIMMER for instruments whose scores are whole numbers."""

import math

from livingreview.trials.grim import grim, grimmer
from livingreview.trials.plausibility.finding import check
from livingreview.trials.plausibility.trial_rows import OF_CHANGES, moments

REASONS = "values filled in for missing ones, adjusted, or of another n? then clear it with that note"


@check("grim", "note", "a mean that no whole scores of so many participants give")
def grim_of_means(row, trials):
    for m, n in _testable(row, trials):
        if grim(m.mean, n, digits=trials.digits(row, m.mean_column)) is False:
            yield (
                f"{m.mean_column} is {m.mean:g} with n = {n}",
                f"a multiple of 1/{n}, rounded: scores of {row['instrument']} are whole numbers",
                REASONS,
                [m.mean_column, f"n_{m.arm}", "instrument"],
            )


@check("grimmer", "note", "a standard deviation that no whole scores with this mean give")
def grimmer_of_sds(row, trials):
    low, high = trials.scale(row) or (None, None)
    for m, n in _testable(row, trials):
        digits = trials.digits(row, m.mean_column)
        # Without a possible mean GRIM has said it already.
        if math.isnan(m.sd) or n < 2 or not grim(m.mean, n, digits=digits):
            continue
        ends = {"low": low, "high": high} if low is not None else {}
        digits_sd = trials.digits(row, m.sd_column)
        if grimmer(m.mean, m.sd, n, digits_mean=digits, digits_sd=digits_sd, **ends) is False:
            yield (
                f"{m.sd_column} is {m.sd:g} at a mean of {m.mean:g} with n = {n}",
                f"a standard deviation that whole scores of {row['instrument']} can have",
                REASONS,
                [m.sd_column, m.mean_column, f"n_{m.arm}", "instrument"],
            )


def _testable(row, trials):
    """Moments of whole scores with their n; baselines only where all randomised were analysed."""
    if trials.instrument(row).get("integer") != "yes" or row["effect_type"] in (
        *OF_CHANGES,
        "adjusted_means",
    ):
        return
    randomised = trials.studies.get(row["study_id"], {}).get("n_randomised", math.nan)
    complete = row["n_1"] + row["n_2"] == randomised
    for m in moments(row):
        # The n of the row is that of the analysis; a baseline is of all randomised.
        if m.n >= 1 and not math.isnan(m.mean) and (m.when != "baseline" or complete):
            yield m, int(m.n)
