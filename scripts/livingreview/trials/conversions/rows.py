"""One row of outcomes to Hedges' g: which conversion its effect type and its cells allow.

A row is a dict as `checks.as_rows` gives it. What a row lacks is said in words that name the column.
"""

import math

from livingreview.trials.checks import known
from livingreview.trials.conversions import measures, spread
from livingreview.trials.conversions.lacking import Converted, LackingError, needs, turned
from livingreview.trials.conversions.odds import ODDS_RATIOS
from livingreview.trials.smd import from_means

SKEWED = "skewed by its five numbers (Shi 2023)"
# In simulated normal arms of 15 to 50 the effect varies by 15 to 40% more than its variance says, most where
# only the range is printed (see also McGrath et al. 2023, Stat Methods Med Res 32:373-388).
AS_PRINTED = "variance as if mean and SD were printed, which is too small (McGrath 2023)"


def convert(row):
    """Hedges' g of a row whose `effect_type` is one of `CONVERSIONS` or `ODDS_RATIOS`, with both arms whole.

    Raises
    ------
    LackingError
        Something is not given; the message says which column would mend it.
    """
    if row["effect_type"] in ODDS_RATIOS:
        return ODDS_RATIOS[row["effect_type"]](row)
    if not known(row["n_1"], row["n_2"]):
        raise LackingError("arm sizes not printed")
    if row["n_1"] + row["n_2"] - 2 - _covariates(row) < 2:
        raise LackingError("too few people for the covariates of n_covariates")
    try:
        return CONVERSIONS[row["effect_type"]](row)
    except LackingError:
        raise
    except ValueError as error:
        raise LackingError(f"{row['effect_type']}: {error}") from None


def spread_of(row, arm):
    """(standard deviation, how) of an arm of means: as printed, from its SE, from its interval, or NaN."""
    n = row[f"n_{arm}"]
    if known(row[f"sd_{arm}"]):
        return row[f"sd_{arm}"], ""
    if known(row[f"se_{arm}"], n):
        return spread.sd_from_se(row[f"se_{arm}"], n), "SD from SE"
    low, high = row[f"ci_low_{arm}"], row[f"ci_high_{arm}"]
    if known(low, high, n) and low < high:
        return spread.sd_from_ci(low, high, n), "SD from CI"
    return math.nan, ""


def _covariates(row):
    return row["n_covariates"] if known(row["n_covariates"]) else 0


def _medians(row):
    arms, how, assumed, sources = {}, set(), [], {"Luo 2018"}
    for arm in "12":
        needs(row, f"median_{arm}")
        named = {"q1": f"q1_{arm}", "q3": f"q3_{arm}", "low": f"min_{arm}", "high": f"max_{arm}"}
        numbers = {name: row[column] for name, column in named.items()}
        found = spread.scenario(**numbers)
        if found is None:
            columns = f"q1_{arm} and q3_{arm}, or min_{arm} and max_{arm}"
            raise LackingError(f"medians without {columns}, which would mend it")
        center, n = row[f"median_{arm}"], row[f"n_{arm}"]
        arms[f"mean_{arm}"] = spread.mean_luo(center, n, **numbers)
        arms[f"sd_{arm}"], arms[f"n_{arm}"] = spread.sd_shi(center, n, **numbers), n
        sources.add("Shi 2020" if found == "S3" else "Wan 2014")
        if arms[f"sd_{arm}"] <= 0:
            raise LackingError(f"medians of arm {arm} without spread")
        words = {"S1": "range", "S2": "quartiles", "S3": "quartiles and range"}
        how.add(words[found])
        statistic, critical = spread.skewness(center, n, **numbers)
        if statistic > critical:
            assumed.append(f"symmetry of arm {arm}, which is {SKEWED}")
    g, vi = from_means(**arms)
    conversion = f"mean and SD from median and {' or '.join(sorted(how))} ({', '.join(sorted(sources))})"
    return Converted(turned(g, row), float(vi), conversion, "; ".join([*assumed, AS_PRINTED]))


def _pooled(row, name):
    """Pooled standard deviation of two columns, or NaN."""
    df_1, df_2 = row["n_1"] - 1, row["n_2"] - 1
    return math.sqrt((df_1 * row[f"{name}_1"] ** 2 + df_2 * row[f"{name}_2"] ** 2) / (df_1 + df_2))


def _correlation(row):
    """(correlation of before and after, how): as stated, or from three standard deviations."""
    if known(row["correlation"]):
        source = row["correlation_source"] or "source not stated"
        return row["correlation"], f"correlation of before and after {row['correlation']:g} ({source})"
    found = []
    for arm in "12":
        before, after, change = (row[f"{n}_{arm}"] for n in ("baseline_sd", "sd", "change_sd"))
        if known(before, after, change):
            found.append(spread.correlation_from_change(before, after, change))
    if not found:
        instead = "or sd_1 and change_sd_1 beside baseline_sd_1"
        raise LackingError(f"change_scores without correlation, which would mend it ({instead})")
    value = sum(found) / len(found)
    if not -1 < value < 1:
        raise LackingError(f"change_scores whose SDs give a correlation of {value:.3g}; is one an SE?")
    return value, f"correlation of before and after {value:.3g}, from SDs before, after and of change"


def _change_sd(row, arm):
    """(SD of an arm's change, how): printed, from its SE or interval, from two SDs, or NaN."""
    if known(row[f"change_sd_{arm}"]):
        return row[f"change_sd_{arm}"], "SD of change"
    # Without a mean after treatment, the error printed of the arm is that of its change.
    if known(row[f"change_mean_{arm}"]) and not known(row[f"mean_{arm}"]):
        names = ("se", "ci_low", "ci_high")
        of_change = {f"{name}_{arm}": row[f"{name}_{arm}"] for name in names}
        sd, how = spread_of(of_change | {f"sd_{arm}": math.nan, f"n_{arm}": row[f"n_{arm}"]}, arm)
        if known(sd):
            return sd, how.replace("SD", "SD of change")
    before, after = row[f"baseline_sd_{arm}"], row[f"sd_{arm}"]
    if known(before, after, row["correlation"]):
        return float(spread.change_sd(before, after, row["correlation"])), "SD of change from correlation"
    return math.nan, ""


def _has_correlation(row):
    """Whether the correlation of before and after is stated, or follows from three SDs of an arm."""
    if not known(row["baseline_sd_1"], row["baseline_sd_2"]):
        return False
    names = ("baseline_sd", "sd", "change_sd")
    return known(row["correlation"]) or any(known(*(row[f"{n}_{arm}"] for n in names)) for arm in "12")


def _changes(row):
    """The change of each arm: as printed, or the mean after less the mean before."""
    found = []
    for arm in "12":
        change = row[f"change_mean_{arm}"]
        if not known(change):
            change = row[f"mean_{arm}"] - row[f"baseline_mean_{arm}"]
        if not known(change):
            raise LackingError(f"change_scores without change_mean_{arm}, which would mend it")
        found.append(change)
    return found


def _change_scores(row):
    """By the SD before where the correlation is known (Morris), else by the spread of the changes."""
    first, second = _changes(row)
    by_spread = None if _has_correlation(row) else _by_change_sd(row, first - second)
    if by_spread is not None:
        return by_spread
    needs(row, "baseline_sd_1", "baseline_sd_2")
    correlation, assumed = _correlation(row)
    g, vi = measures.pretest_posttest_control(
        after_1=first,
        after_2=second,
        before_1=0.0,
        before_2=0.0,
        sd_before_1=row["baseline_sd_1"],
        sd_before_2=row["baseline_sd_2"],
        n_1=row["n_1"],
        n_2=row["n_2"],
        correlation=correlation,
    )
    return Converted(turned(g, row), float(vi), "change scores by the SD before (Morris 2008)", assumed)


def _by_change_sd(row, difference):
    """A difference of changes with the error that their SDs give, by an SD of scores; None without these.

    Never by the SD of the changes: that is another scale than the SD of people's scores, by which the other
    trials are standardised (Cochrane Handbook 6, section 10.5.2).
    """
    (sd_1, how_1), (sd_2, how_2) = _change_sd(row, "1"), _change_sd(row, "2")
    scale, source = row["outcome_sd"], "outcome_sd"
    for name, words in (("baseline_sd", "the SD before"), ("sd", "the SD after")):
        if not known(scale) and known(row[f"{name}_1"], row[f"{name}_2"]):
            scale, source = _pooled(row, name), words
    if not known(sd_1, sd_2, scale):
        return None
    se = math.sqrt(sd_1**2 / row["n_1"] + sd_2**2 / row["n_2"])
    g, vi = measures.from_difference(
        difference, se, scale, row["n_1"], row["n_2"], n_covariates=_covariates(row)
    )
    how = " and ".join(sorted({how_1, how_2}))
    return Converted(turned(g, row), float(vi), f"change scores with {how}, by {source}")


def _outcome_sd(row):
    """(standard deviation within arms, how), or NaN."""
    if known(row["outcome_sd"]):
        return row["outcome_sd"], "outcome_sd"
    return (_pooled(row, "sd"), "pooled SD") if known(row["sd_1"], row["sd_2"]) else (math.nan, "")


def _adjusted_means(row):
    """By the correlation of covariate and outcome where that is stated, else by the errors of the means."""
    needs(row, "mean_1", "mean_2")
    errors = [_adjusted_se(row, arm) for arm in "12"]
    if not known(row["correlation"]) and known(*errors):
        return _adjusted_by_errors(row, errors)
    needs(row, "correlation")
    sd, how = _outcome_sd(row)
    assumed = [f"correlation of covariate and outcome {row['correlation']:g}"]
    if not known(sd) and known(*errors):
        sd, how = _unadjusted_sd(row, errors), "SD from the SEs of adjusted means"
    if not known(sd):
        raise LackingError("adjusted_means without sd_1 and sd_2, or outcome_sd, which would mend it")
    covariates = row["n_covariates"] if known(row["n_covariates"]) else 1
    assumed += [] if known(row["n_covariates"]) else ["one covariate: n_covariates not given"]
    g, vi = measures.from_adjusted_difference(
        row["mean_1"] - row["mean_2"],
        sd,
        row["n_1"],
        row["n_2"],
        correlation=row["correlation"],
        n_covariates=covariates,
    )
    conversion = f"adjusted means and {how} (Borenstein & Hedges 2019)"
    return Converted(turned(g, row), float(vi), conversion, "; ".join(assumed))


def _adjusted_se(row, arm):
    """Standard error of an arm's adjusted mean: as printed, from its interval, or NaN."""
    if known(row[f"se_{arm}"]):
        return row[f"se_{arm}"]
    low, high = row[f"ci_low_{arm}"], row[f"ci_high_{arm}"]
    if not known(low, high) or low >= high:
        return math.nan
    df = row["n_1"] + row["n_2"] - 2 - (row["n_covariates"] if known(row["n_covariates"]) else 1)
    return float(spread.difference_se_from_ci(low, high, df))


def _adjusted_by_errors(row, errors):
    """The difference of adjusted means with the error that theirs give, by the unadjusted SD."""
    sd, how = _outcome_sd(row)
    if not known(sd):
        raise LackingError(
            "adjusted_means with SEs but without correlation, sd_1 and sd_2, or outcome_sd: one would mend it"
        )
    covariates = row["n_covariates"] if known(row["n_covariates"]) else 1
    assumed = ["adjusted means of the arms taken as uncorrelated"]
    assumed += [] if known(row["n_covariates"]) else ["one covariate: n_covariates not given"]
    g, vi = measures.from_difference(
        row["mean_1"] - row["mean_2"],
        math.hypot(*errors),
        sd,
        row["n_1"],
        row["n_2"],
        n_covariates=covariates,
    )
    conversion = f"adjusted means with their SEs, by {how} (Borenstein & Hedges 2019)"
    return Converted(turned(g, row), float(vi), conversion, "; ".join(assumed))


def _unadjusted_sd(row, errors):
    """SD of people's scores from errors of adjusted means: se sqrt(n) is the SD that the covariate leaves,
    sqrt(1 - R²) of the whole."""
    left = [se * math.sqrt(row[f"n_{arm}"]) for se, arm in zip(errors, "12", strict=True)]
    return _pooled({"x_1": left[0], "x_2": left[1], "n_1": row["n_1"], "n_2": row["n_2"]}, "x") / math.sqrt(
        1 - row["correlation"] ** 2
    )


def _printed_number(row):
    if not row["printed_effect"]:
        raise LackingError(f"{row['effect_type']} without printed_effect, which would mend it")
    return float(row["printed_effect"])


def _difference(row):
    value, se, how = _printed_number(row), row["printed_se"], "SE"
    low, high = row["printed_ci_low"], row["printed_ci_high"]
    if not known(se) and known(low, high):
        df = row["n_1"] + row["n_2"] - 2 - _covariates(row)
        se, how = float(spread.difference_se_from_ci(low, high, df)), "CI (t)"
    if not known(se):
        missing = "printed_se, or printed_ci_low and printed_ci_high"
        raise LackingError(f"{row['effect_type']} without {missing}, which would mend it")
    sd, source = _outcome_sd(row)
    assumed = ""
    if not known(sd):
        if row["effect_type"] != "mean_difference" or _covariates(row) > 0:
            raise LackingError(f"{row['effect_type']} without outcome_sd, which would mend it")
        sd = float(spread.pooled_sd_from_difference(se, row["n_1"], row["n_2"]))
        source = "the SD that this implies"
        assumed = "" if known(row["n_covariates"]) else "an unadjusted analysis: n_covariates not given"
    g, vi = measures.from_difference(value, se, sd, row["n_1"], row["n_2"], n_covariates=_covariates(row))
    words = row["effect_type"].replace("_", " ")
    g = turned(g, row, row["printed_direction"])
    return Converted(g, float(vi), f"{words} with {how}, by {source}", assumed)


def _test(row):
    column = {"t_test": "t_value", "f_test": "f_value", "p_value": "p_value"}[row["effect_type"]]
    needs(row, column)
    if _covariates(row) > 0:
        raise LackingError(
            f"{row['effect_type']} of an adjusted analysis; outcome_sd with printed_se would mend it"
        )
    value, sizes = row[column], (row["n_1"], row["n_2"])
    if column == "t_value":
        g, vi = measures.from_t(value, *sizes)
        return Converted(turned(g, row, row["printed_direction"]), float(vi), "t and arm sizes")
    if row["printed_direction"] not in ("favours treatment", "favours control"):
        text = (
            "which arm did better; printed_direction 'favours treatment' or 'favours control' would mend it"
        )
        raise LackingError(f"{row['effect_type']} does not say {text}")
    function = measures.from_f if column == "f_value" else measures.from_p
    g, vi = function(value, *sizes, sign=1)
    words = "F and arm sizes" if column == "f_value" else "exact p and arm sizes"
    assumed = "" if column == "f_value" else "p of a two-sided t test"
    return Converted(turned(g, row, row["printed_direction"]), float(vi), words, assumed)


# How each effect type that needs more than a printed effect or plain means becomes Hedges' g.
CONVERSIONS = {
    "medians": _medians,
    "change_scores": _change_scores,
    "adjusted_means": _adjusted_means,
    "mean_difference": _difference,
    "regression_coefficient": _difference,
    "t_test": _test,
    "f_test": _test,
    "p_value": _test,
}
