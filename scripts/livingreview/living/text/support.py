"""Whether a result bears out what a clause claims about it, and what would be right.

The rules use the protocol's limits for sizes, the interval against the zone of no effect, and the Cochrane
Handbook's bands of I² (10.10.2); none uses a p-value.

============== ==================================================================================
claim          borne out when
============== ==================================================================================
benefit, harm  the interval excludes zero on that side, is not wholly inside the zone of no effect,
               and the protocol's minimum of trials is reached; hedged ("may"): the estimate lies
               on that side and beyond the limit of no effect
denied benefit the interval lies inside the zone of no effect, or on the other side of zero;
               hedged: unless the interval shows the benefit
no effect      the interval lies inside the zone of no effect; hedged: the estimate does
no evidence    the interval holds zero, or nothing was pooled
uncertain      the interval holds zero, too few trials, nothing pooled, or very low certainty
size           the estimate's size lies between the limits of that word
significant    the interval excludes zero; denied: it holds it
important      the interval lies beyond the zone of no effect
precise        the interval does not reach over a limit of the zone of no effect
heterogeneity  I² is below 40 (low), 30 to 60 (moderate), from 50 (substantial), from 75 (considerable)
k              the number of trials, or of comparisons, is that number; few: below ten; many: ten or more
certainty      the rating in force says so
change         the estimate, as printed, moved away from zero or towards it, or did not move
============== ==================================================================================
"""

import math
from dataclasses import dataclass

LOW_I2, MODERATE_I2, SUBSTANTIAL_I2, CONSIDERABLE_I2 = 40, (30, 60), 50, 75  # Cochrane Handbook 10.10.2


@dataclass(frozen=True)
class Result:
    """One outcome's result in the terms of the check.

    ``now`` and ``before`` are mappings with ``estimate``, ``ci_low``, ``ci_high``, ``pi_low``, ``pi_high``,
    ``k``, ``n_studies``, ``I2`` (per cent); missing values are None. ``before`` is the last release's, or
    None. ``n_favour`` and ``n_against`` count effects by the side of zero on which they lie. ``certainty`` is
    ``very low`` to ``high``, or None without a rating. Negative effects favour treatment.
    """

    name: str
    label: str
    now: dict
    before: dict | None
    n_favour: int
    n_against: int
    certainty: str | None
    certainty_before: str | None = None


def borne_out(claim, result, rules):
    """Whether a result bears out a claim.

    Returns
    -------
    bool
    """
    found = CHECKS[claim.kind](claim, result, rules)
    return bool(found)


def missing(value):
    """None or NaN."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def pooled(row):
    """Whether there is an estimate."""
    return row is not None and row["k"] > 0 and not missing(row["estimate"])


def zero_side(row, *, which="ci"):
    """``below``, ``above`` or ``holds`` zero; None where there is no interval."""
    low, high = row[f"{which}_low"], row[f"{which}_high"]
    if missing(low) or missing(high):
        return None
    return "below" if high < 0 else "above" if low > 0 else "holds"


def inside_zone(row, rules):
    """Whether the interval lies wholly within the zone of no effect."""
    low, high = row["ci_low"], row["ci_high"]
    if missing(low) or missing(high):
        return False
    return -rules["no_effect"] <= low and high <= rules["no_effect"]


def reaches_over(row, rules):
    """Whether the interval reaches over a limit of the zone of no effect."""
    low, high, zone = row["ci_low"], row["ci_high"], rules["no_effect"]
    if missing(low) or missing(high):
        return True
    return not (inside_zone(row, rules) or high < -zone or low > zone)


def size_of(row, rules):
    """The protocol's word for the size of an estimate: none, very small, small, moderate or large."""
    size = abs(row["estimate"])
    for word, limit in (
        ("none", "no_effect"),
        ("very small", "small"),
        ("small", "moderate"),
        ("moderate", "large"),
    ):
        if size < rules[limit]:
            return word
    return "large"


def _enough(row, rules):
    return row["n_studies"] >= rules["minimum_studies"]


def _direction(claim, result, rules):
    row, side = result.now, claim.value
    if not pooled(row):
        return False
    sign = -1 if side == "benefit" else 1
    where = zero_side(row)
    shown = where == ("below" if side == "benefit" else "above") and not inside_zone(row, rules)
    beyond = row["estimate"] * sign >= rules["no_effect"]
    if claim.negated:
        other = where == ("above" if side == "benefit" else "below")
        if side == "harm":
            # "No harm" is a promise about the interval's far end, wherever the rest lies.
            return row["ci_high"] is not None and row["ci_high"] <= rules["no_effect"]
        return (not shown) if claim.hedged else (inside_zone(row, rules) or other)
    if claim.hedged:
        return beyond and not inside_zone(row, rules)
    return shown and _enough(row, rules)


def _null(claim, result, rules):
    if not pooled(result.now):
        return False
    if claim.hedged:
        return abs(result.now["estimate"]) < rules["no_effect"]
    return inside_zone(result.now, rules)


def _no_evidence(claim, result, _rules):
    if not pooled(result.now):
        return True
    return zero_side(result.now) != ("below" if claim.value == "benefit" else "above")


def _uncertain(_claim, result, rules):
    row = result.now
    return (
        not pooled(row)
        or not _enough(row, rules)
        or zero_side(row) in ("holds", None)
        or result.certainty == "very low"
    )


SIZES = {
    "none": {"none"},
    "very small": {"none", "very small"},
    "small": {"very small", "small"},
    "small to moderate": {"small", "moderate"},
    "moderate": {"moderate"},
    "moderate to large": {"moderate", "large"},
    "large": {"large"},
}


def _size(claim, result, rules):
    if not pooled(result.now):
        return False
    fits = size_of(result.now, rules) in SIZES[claim.value]
    return fits != claim.negated


def _significant(claim, result, _rules):
    side = zero_side(result.now)
    if side is None:
        return False
    return (side == "holds") == claim.negated


def _important(claim, result, rules):
    row = result.now
    if not pooled(row):
        return False
    if claim.negated:
        return inside_zone(row, rules) or abs(row["estimate"]) < rules["no_effect"]
    return not inside_zone(row, rules) and not reaches_over(row, rules)


def _precise(claim, result, rules):
    row = result.now
    if not pooled(row):
        return False
    return (not reaches_over(row, rules) and _enough(row, rules)) == (claim.value != claim.negated)


def _crosses(claim, result, _rules):
    side = zero_side(result.now, which=claim.value)
    return side is not None and (side == "holds") != claim.negated


def _excludes(claim, result, _rules):
    side = zero_side(result.now, which=claim.value)
    return side is not None and (side == "holds") == claim.negated


def _spans(claim, result, rules):
    low, high = result.now[f"{claim.value}_low"], result.now[f"{claim.value}_high"]
    if missing(low) or missing(high):
        return False
    return (low < -rules["no_effect"] and high > rules["no_effect"]) != claim.negated


def _reaches(claim, result, rules):
    low, high = result.now[f"{claim.value}_low"], result.now[f"{claim.value}_high"]
    if missing(low) or missing(high):
        return False
    return (low <= rules["no_effect"] and high >= -rules["no_effect"]) != claim.negated


def _side(claim, result, _rules):
    which, side = claim.value
    where = zero_side(result.now, which=which)
    return where is not None and (where == {"benefit": "below", "harm": "above"}[side]) != claim.negated


def _heterogeneity(claim, result, _rules):
    found = result.now["I2"]
    if claim.hedged and not claim.negated:
        return True  # that results may differ is no claim about these
    if missing(found) or result.now["k"] < 2:
        return False
    holds = {
        "homogeneous": found < LOW_I2,
        "low": found < LOW_I2,
        "heterogeneous": found >= LOW_I2,
        "moderate": MODERATE_I2[0] <= found <= MODERATE_I2[1],
        "substantial": found >= SUBSTANTIAL_I2,
        "considerable": found >= CONSIDERABLE_I2,
    }[claim.value]
    return holds != claim.negated


def _votes(claim, result, _rules):
    share, side = claim.value
    on = result.n_favour if side == "benefit" else result.n_against
    total = result.now["k"]
    if not total:
        return False
    return {"all": on == total, "both": on == total == 2, "most": on > total / 2, "no": on == 0}[share]


def _k(claim, result, _rules):
    way, value = claim.value
    fits = {
        "exactly": lambda n: n == value,
        "at least": lambda n: n >= value,
        "at most": lambda n: n <= value,
        "above": lambda n: n > value,
        "below": lambda n: n < value,
        "few": lambda n: 0 < n < value,
        "many": lambda n: n >= value,
    }[way]
    counted = "k" if "comparison" in claim.words.lower() else "n_studies"
    return fits(result.now[counted])


def _certainty(claim, result, _rules):
    return (result.certainty == claim.value) != claim.negated and result.certainty is not None


def _confident(claim, result, _rules):
    sure = result.certainty == "high"
    if claim.negated or claim.hedged:
        return result.certainty is not None and not sure
    return sure


def _now_crosses(claim, result, _rules):
    if not pooled(result.before) or not pooled(result.now):
        return False
    then, now = zero_side(result.before) == "holds", zero_side(result.now) == "holds"
    return then != now and now == claim.value


def _added(claim, result, _rules):
    before = result.before["n_studies"] if result.before else 0
    return (result.now["n_studies"] > before) == (claim.value != claim.negated)


def moved(result, about, rules):
    """How a result moved since the last release, as printed: ``grew``, ``shrank``, ``same`` or None."""
    now, before = result.now, result.before
    if about == "certainty":
        order = ["very low", "low", "moderate", "high"]
        if result.certainty is None or result.certainty_before is None:
            return None
        return _way(order.index(result.certainty) - order.index(result.certainty_before))
    if not pooled(now) or not pooled(before):
        return "same" if before is not None and not pooled(now) and not pooled(before) else None
    if about == "heterogeneity":
        return (
            None
            if missing(now["I2"]) or missing(before["I2"])
            else _way(round(now["I2"]) - round(before["I2"]))
        )
    if about == "width":
        return _way(round(now["ci_high"] - now["ci_low"], 2) - round(before["ci_high"] - before["ci_low"], 2))
    if about == "conclusion":
        state = [(zero_side(row), inside_zone(row, rules), size_of(row, rules)) for row in (now, before)]
        return "same" if state[0] == state[1] else "moved"
    a, b = round(now["estimate"], 2), round(before["estimate"], 2)
    if a == b:
        return "same"
    return "moved" if a * b < 0 else _way(abs(a) - abs(b))


def _way(difference):
    return "same" if abs(difference) < 1e-9 else "grew" if difference > 0 else "shrank"


def _change(claim, result, rules):
    about, value = claim.value
    found = moved(result, about, rules)
    if found is None:
        return False
    holds = found != "same" if value == "moved" else found == value
    return holds != claim.negated


CHECKS = {
    "direction": _direction,
    "null": _null,
    "no_evidence": _no_evidence,
    "uncertain": _uncertain,
    "size": _size,
    "significant": _significant,
    "important": _important,
    "precise": _precise,
    "crosses": _crosses,
    "excludes": _excludes,
    "spans": _spans,
    "reaches": _reaches,
    "side": _side,
    "heterogeneity": _heterogeneity,
    "votes": _votes,
    "k": _k,
    "certainty": _certainty,
    "confident": _confident,
    "now_crosses": _now_crosses,
    "added": _added,
    "change": _change,
}


def described(result, kind, rules):
    """What the result is, in the terms of a kind of claim.

    Returns
    -------
    str
    """
    row = result.now
    if kind in ("k", "added"):
        before = "" if result.before is None else f", {result.before['n_studies']} in the last release"
        return f"{row['n_studies']} trials, {row['k']} comparisons{before}"
    if kind in ("certainty", "confident"):
        return f"certainty {result.certainty}" if result.certainty else "no rating of certainty is in force"
    if not pooled(row):
        return "no trial has numbers that could be pooled"
    if kind == "heterogeneity":
        return f"I² {_number(row['I2'], 0)}% over {row['k']} comparisons"
    if kind == "votes":
        return f"{result.n_favour} of {row['k']} effects favour treatment, {result.n_against} control"
    if kind in ("change", "now_crosses"):
        return (
            f"{_estimate(row)}; last release {_estimate(result.before) if pooled(result.before) else 'none'}"
        )
    if kind == "size":
        return f"{_estimate(row)}, in the protocol's words: {size_of(row, rules)}"
    prediction = f"; prediction interval {_number(row['pi_low'])} to {_number(row['pi_high'])}"
    return f"{_estimate(row)}{'' if missing(row['pi_low']) else prediction}; {row['n_studies']} trials"


def _estimate(row):
    return f"g {_number(row['estimate'])} ({_number(row['ci_low'])} to {_number(row['ci_high'])})"


def _number(value, decimals=2):
    return "–" if missing(value) else f"{value:.{decimals}f}".replace("-", "−")


def right(result, kind, rules):
    """What could be written instead.

    Returns
    -------
    str
    """
    row = result.now
    if kind in ("k", "added", "votes"):
        return f"quote the number by key, {{{{ {result.name}.n_studies }}}}"
    if kind in ("certainty", "confident"):
        return f"quote the rating by key, {{{{ {result.name}.certainty }}}}"
    if not pooled(row):
        return "say that no trial has usable numbers"
    if kind == "heterogeneity":
        return f"quote it by key, {{{{ {result.name}.I2 }}}}"
    if kind in ("change", "now_crosses"):
        return f"quote the move by key, {{{{ {result.name}.since }}}}"
    if kind == "size":
        return f"{size_of(row, rules)} fits, or the key {{{{ {result.name}.size_word }}}}"
    if inside_zone(row, rules):
        return "“made little or no difference” fits"
    side = "benefit" if row["estimate"] < 0 else "harm"
    if zero_side(row) == "holds" or not _enough(row, rules):
        return f"the direction is not settled: write “may”, or quote {{{{ {result.name}.sentence }}}}"
    return f"the interval shows {side}: quote {{{{ {result.name}.sentence }}}}"
