"""Standardised mean differences from what trials print, and which of them enter the pool.

Scale throughout: `yi` is Hedges' g, negative where it favours the treatment (arm 1); `vi` is its sampling
variance, not a standard error.
"""

import math
from collections import Counter
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import pandas as pd
from scipy.special import gammaln
from scipy.stats import norm

from livingreview.errors import InputError, problem

OUTCOMES_FILE = "data/trials/outcomes.csv"

COLUMNS = (
    "row_id",
    "study",
    "label",
    "outcome",
    "comparison",
    "instrument",
    "timepoint",
    "weeks",
    "arm_1",
    "arm_2",
    "yi",
    "vi",
    "ni",
    "n_1",
    "n_2",
    "in_pool",
    "in_sensitivity",
    "reason",
    "conversion",
    "assumption",
    "effect_type",
    "source",
    "note",
    "population",
    "condition",
    "comparator",
    "run",
)

# The effect types that become a standardised mean difference without an assumption on the distribution.
STANDARDISED = ("means", "hedges_g", "cohen_d")

# What the sign of a printed effect means; the factor turns it to "negative favours treatment".
DIRECTIONS = {
    "positive favours treatment": lambda x, _: -x,
    "negative favours treatment": lambda x, _: x,
    "favours treatment": lambda x, _: -abs(x),
    "favours control": lambda x, _: abs(x),
    "arm 1 minus arm 2": lambda x, higher_is: -x if higher_is == "better" else x,
}

UNCLASSIFIED = "unclassified"

NUMBERS = (
    "weeks",
    "mean_1",
    "sd_1",
    "n_1",
    "mean_2",
    "sd_2",
    "n_2",
    "n_total",
    "baseline_sd_1",
    "baseline_sd_2",
    "printed_se",
    "printed_ci_low",
    "printed_ci_high",
    "priority",
)

EQUAL_ARMS = "equal arms assumed: arm sizes not printed"
ALREADY_DIVIDED = "shared control already divided among the comparisons"
INDEPENDENT = "comparisons taken as independent: no shared control recorded"
NO_ARM_SIZES = "arm sizes not printed"


def hedges_correction(df):
    """The factor J that removes the small-sample bias of Cohen's d.

    Parameters
    ----------
    df : array-like
        Degrees of freedom of the standard deviation, n_1 + n_2 - 2 for two arms.

    Returns
    -------
    float or array
        J = gamma(df / 2) / (sqrt(df / 2) gamma((df - 1) / 2)), the exact form, not 1 - 3 / (4 df - 1).

    Raises
    ------
    ValueError
        `df` is 1 or less, where J is not defined.

    References
    ----------
    Hedges 1981, J Educ Stat 6:107-128.
    """
    df = np.asarray(df, dtype=float)
    if not (df > 1).all():
        raise ValueError(f"the small-sample factor needs more than 1 degree of freedom, not {df.min():g}")
    return np.exp(gammaln(df / 2) - np.log(df / 2) / 2 - gammaln((df - 1) / 2))[()]


def smd_variance(g, n_1, n_2):
    """Large-sample variance of Hedges' g.

    Parameters
    ----------
    g : array-like
        Hedges' g.
    n_1, n_2 : array-like
        Arm sizes (may be fractions, where a shared control is divided).

    Returns
    -------
    float or array
        Variance 1 / n_1 + 1 / n_2 + g² / (2 (n_1 + n_2)).

    References
    ----------
    Hedges 1982, Psychol Bull 92:490-499, with g in place of the true value and no factor J²: metafor's
    ``escalc(measure="SMD", vtype="LS")``, its default.
    """
    return 1 / np.asarray(n_1) + 1 / np.asarray(n_2) + np.square(g) / (2 * np.add(n_1, n_2))


def from_means(*, mean_1, sd_1, n_1, mean_2, sd_2, n_2):
    """Hedges' g, arm 1 minus arm 2, from means and standard deviations.

    Parameters
    ----------
    mean_1, sd_1, n_1, mean_2, sd_2, n_2 : array-like
        Mean, standard deviation (not standard error) and size of each arm; sizes above 1.

    Returns
    -------
    tuple
        g and its variance (`smd_variance`). g = J (mean_1 - mean_2) / s with the pooled
        s² = ((n_1 - 1) sd_1² + (n_2 - 1) sd_2²) / (n_1 + n_2 - 2).

    Raises
    ------
    ValueError
        From `hedges_correction`.
    """
    df = np.add(n_1, n_2) - 2
    pooled = ((np.asarray(n_1) - 1) * np.square(sd_1) + (np.asarray(n_2) - 1) * np.square(sd_2)) / df
    return from_cohen_d(np.subtract(mean_1, mean_2) / np.sqrt(pooled), n_1, n_2)


def from_cohen_d(d, n_1, n_2):
    """Hedges' g = J d and its variance, from Cohen's d (pooled standard deviation) and arm sizes.

    Raises
    ------
    ValueError
        From `hedges_correction`.
    """
    g = hedges_correction(np.add(n_1, n_2) - 2) * np.asarray(d)
    return g[()], smd_variance(g, n_1, n_2)


def se_from_ci(low, high, *, level=0.95):
    """Standard error from a symmetric normal interval: (high - low) / (2 z)."""
    return (high - low) / (2 * norm.isf((1 - level) / 2))


def shared_control_increment(n_2, m):
    """What a printed variance lacks when the whole control of n_2 stands in each of m comparisons.

    The mean part of var(g) is 1 / n_1 + 1 / n_2. If each comparison takes its share of the control, n_2 / m,
    it is 1 / n_1 + m / n_2: larger by (m - 1) / n_2. The other part, g² / (2 (n_1 + n_2)), stays as printed:
    for arms of one size and m = 2 it would add another g² / 12 of the increment, one per cent at g = 0.35.

    References
    ----------
    Cochrane Handbook 6, section 23.3.4 (dividing a shared group).
    """
    return (m - 1) / n_2


def favouring_negative(value, *, direction, higher_is=None):
    """A printed effect with its sign turned so that negative favours the treatment.

    Parameters
    ----------
    value : float
        The effect as printed.
    direction : str
        What its sign means; a key of `DIRECTIONS`. "favours treatment" is a size printed without sign.
    higher_is : {"worse", "better"}, optional
        Whether a higher score is worse; needed for "arm 1 minus arm 2".

    Raises
    ------
    ValueError
        `direction` says nothing about a difference of means.
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"printed_direction {direction!r} gives no sign; allowed: {', '.join(DIRECTIONS)}")
    return DIRECTIONS[direction](value, higher_is) + 0.0


def compute(
    outcomes,
    studies,
    included,
    *,
    protocol,
    timepoint="post",
    arm_sizes_not_printed="set_aside",
    subgroups=(),
    file=OUTCOMES_FILE,
):
    """One effect per row of outcomes, with what was done to it and whether it enters the pool.

    Parameters
    ----------
    outcomes, studies : DataFrame
        The tables of the trials as they stand at this run (see `revisions.rows_at`).
    included : collection of str
        The studies that a person has included.
    protocol : collection of str
        The protocol's outcomes.
    timepoint : str
        The protocol's time point.
    arm_sizes_not_printed : {"set_aside", "equal"}
        Effects for which only the total size is printed: kept for the sensitivity analysis, or pooled; both
        with equal arms assumed.
    subgroups : list of dict
        Definitions as in `group_of`, each with ``variable`` and ``column`` (of studies).
    file : str
        The name of the outcomes file, for messages.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`, then one for each subgroup variable that is not among them; as many rows as
        `outcomes`, in its order. ``yi`` and ``vi`` are NaN where the row gives no standardised mean
        difference or is set aside. ``reason`` is the first rule that keeps the row out of the pool. ``ni``
        counts a shared control once over its comparisons, so it can be a fraction.

    Raises
    ------
    InputError
        Every impossible value, missing partner, unknown study and doubled row, in one error.
    ValueError
        `arm_sizes_not_printed` is not known.
    """
    if arm_sizes_not_printed not in ("set_aside", "equal"):
        raise ValueError(f"arm_sizes_not_printed {arm_sizes_not_printed!r}; allowed: set_aside, equal")
    rows = _rows(outcomes)
    problems = find_problems(rows, set(studies["study_id"]))
    if problems:
        raise InputError(file, problems=problems)
    rows = [_judged(row, included=set(included), protocol=protocol, timepoint=timepoint) for row in rows]
    rows = _with_arm_sizes(rows, equal=arm_sizes_not_printed == "equal")
    rows = _by_priority(rows)
    rows = _with_shared_controls(rows)
    about = _about_studies(studies, subgroups)
    records = [_record(row) | about[row["study_id"]] for row in rows]
    for record in records:
        record["label"] = f"{record['label']} {record['comparison']}".strip()
    extra = [d["variable"] for d in subgroups if d["variable"] not in COLUMNS]
    return pd.DataFrame(records, columns=[*COLUMNS, *extra])


def _rows(outcomes):
    """The table as a list of dicts: numbers are float (NaN if missing), texts are str ("" if missing)."""
    frame = outcomes.copy()
    numeric = {c: pd.to_numeric(frame[c]).astype("float64") for c in NUMBERS if c in frame}
    texts = {c: frame[c].astype(object).where(frame[c].notna(), "") for c in frame if c not in numeric}
    frame = pd.DataFrame(texts | numeric, columns=frame.columns)
    rows = frame.to_dict("records")
    for row in rows:
        row["printed_effect"] = str(row["printed_effect"]).strip()
        row["priority"] = 1 if math.isnan(row["priority"]) else int(row["priority"])
    return rows


def _known(*values):
    return not any(math.isnan(v) for v in values)


def find_problems(rows, study_ids):
    """Everything in the rows that cannot be, as lines for a person (`errors.problem`).

    Parameters
    ----------
    rows : list of dict
        Rows of outcomes, numbers as float with NaN where missing.
    study_ids : set of str
        The studies that exist.
    """
    found = [
        problem(row=row["row_id"], column="study_id", found=row["study_id"], allowed="a study of studies.csv")
        for row in rows
        if row["study_id"] not in study_ids
    ]
    ok = [row for row in rows if row["status"] == "ok"]
    for row in ok:
        at = _at(row)
        found += _impossible_sizes(row, at) + _impossible_spread(row, at) + _impossible_interval(row, at)
        found += _missing_partners(row, at) + _unclear_sign(row, at)
    return found + _doubled(ok)


def _at(row):
    """A function that words a problem of this row."""

    def at(column, text=None, **details):
        value = row[column]
        shown = None if value == "" or (isinstance(value, float) and math.isnan(value)) else value
        return problem(text, row=row["row_id"], column=column, found=shown, **details)

    return at


def _impossible_sizes(row, at):
    found = [
        at(column, allowed="a whole number, 2 or more")
        for column in ("n_1", "n_2", "n_total")
        if _known(row[column]) and (row[column] < 2 or row[column] != int(row[column]))
    ]
    if row["n_1"] + row["n_2"] > row["n_total"]:
        found.append(at("n_total", allowed=f"n_1 + n_2 = {row['n_1'] + row['n_2']:g} or more"))
    return found


def _impossible_spread(row, at):
    hint = "a standard error or a variance in its place?"
    found = [
        at(column, allowed="above 0", hint=hint)
        for column in ("sd_1", "sd_2", "baseline_sd_1", "baseline_sd_2")
        if row[column] <= 0
    ]
    if row["printed_se"] <= 0:
        found.append(at("printed_se", allowed="above 0"))
    return found


def _impossible_interval(row, at):
    low, high, se = row["printed_ci_low"], row["printed_ci_high"], row["printed_se"]
    effect = _as_number(row["printed_effect"])
    if not _known(low, high):
        return []
    if low >= high:
        return [at("printed_ci_low", allowed=f"below printed_ci_high, {high:g}", hint="limits swapped?")]
    unit = 10.0 ** -max(_decimals(low), _decimals(high))
    found = []
    if effect is not None:
        slack = (unit + 10.0 ** -_decimals(row["printed_effect"])) / 2
        if not low - slack <= effect <= high + slack:
            allowed = f"within the printed interval, {low:g} to {high:g}"
            found.append(at("printed_effect", allowed=allowed, hint="a sign lost in the effect or a limit?"))
    if _known(se) and row["effect_type"] in STANDARDISED:
        expected = se_from_ci(low, high)
        slack = unit / (2 * norm.isf(0.025)) + 10.0 ** -_decimals(se) / 2
        # A hundredth of the rounding unit for the arithmetic itself.
        if abs(se - expected) > 1.01 * slack:
            hint = "if the interval is not a normal 95% one, leave it empty and say so in the note"
            allowed = f"about {expected:.3g}, from the printed interval {low:g} to {high:g}"
            found.append(at("printed_se", allowed=allowed, hint=hint))
    return found


def _missing_partners(row, at):
    found = []
    pairs = [("printed_ci_low", "printed_ci_high")]
    if row["effect_type"] == "means":
        needed = ("mean_1", "sd_1", "mean_2", "sd_2")
        found += [
            at(c, "means need both means and both standard deviations") for c in needed if not _known(row[c])
        ]
    if row["effect_type"] in ("means", "cohen_d"):
        pairs.append(("n_1", "n_2"))
    for one, other in pairs:
        if _known(row[one]) != _known(row[other]):
            missing, present = (other, one) if _known(row[one]) else (one, other)
            found.append(at(missing, f"missing beside {present}"))
    if _as_number(row["printed_effect"]) is None:
        text = row["printed_effect"]
        if text:
            found.append(at("printed_effect", allowed="a number", hint="a range is for a row set aside"))
        elif row["effect_type"] in ("hedges_g", "cohen_d"):
            found.append(at("printed_effect", f"missing for effect_type {row['effect_type']}"))
    return found


def _unclear_sign(row, at):
    kind, direction = row["effect_type"], row["printed_direction"]
    if kind in ("hedges_g", "cohen_d") and direction not in DIRECTIONS:
        return [at("printed_direction", allowed=", ".join(DIRECTIONS))]
    needs_scale = kind == "means" or (kind in STANDARDISED and direction == "arm 1 minus arm 2")
    if needs_scale and row["higher_is"] not in ("worse", "better"):
        return [at("higher_is", allowed="worse, better")]
    return []


def _doubled(rows):
    first = {}
    found = []
    for row in rows:
        key = (*_slot(row), row["timepoint"], row["priority"])
        if key in first:
            found.append(
                problem(
                    f"the same study, comparison, outcome, timepoint and priority as row {first[key]}",
                    row=row["row_id"],
                    column="priority",
                    found=row["priority"],
                    hint="give the less preferred instrument the next priority, or each arm its comparison",
                )
            )
        first.setdefault(key, row["row_id"])
    return found


def _as_number(text):
    """The number that a text is, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _decimals(value):
    """Digits after the point as printed; zeros at the end of a number read as such are lost."""
    return max(0, -Decimal(str(value)).as_tuple().exponent)


def _slot(row):
    """What a pool may hold only once."""
    return row["study_id"], row["comparison"], row["outcome"]


@dataclass(frozen=True)
class _Sizes:
    """Arm sizes to compute with; `assumed` if the total was halved."""

    n_1: float
    n_2: float
    assumed: bool = False

    def divided(self, m):
        return replace(self, n_2=self.n_2 / m)


def _sizes(row):
    """The arm sizes of a row: as printed, or halves of the printed total, or None."""
    if _known(row["n_1"], row["n_2"]):
        return _Sizes(row["n_1"], row["n_2"])
    if _known(row["n_total"]):
        return _Sizes(row["n_total"] / 2, row["n_total"] / 2, assumed=True)
    return None


def _has_printed_error(row):
    return row["effect_type"] == "hedges_g" and (
        _known(row["printed_se"]) or _known(row["printed_ci_low"], row["printed_ci_high"])
    )


def _judged(row, *, included, protocol, timepoint):
    """The row with the first rule that keeps it out, of those that need no other row."""
    kind = row["effect_type"]
    rules = [
        (row["status"] != "ok", f"set aside: {row['set_aside_reason']}"),
        (row["study_id"] not in included, "no person has included this study"),
        (row["outcome"] not in protocol, f"outcome {row['outcome']} is not one of the protocol's"),
        (row["timepoint"] != timepoint, f"time point {row['timepoint']}; the protocol's is {timepoint}"),
        (
            kind not in STANDARDISED,
            f"effect type {kind} cannot enter a pool of standardised mean differences",
        ),
    ]
    reason = next((text for fails, text in rules if fails), "")
    return row | {"reason": reason, "in_pool": not reason, "in_sensitivity": not reason, "divisor": 1}


def _out(row, reason, *, sensitivity=False):
    return row | {"reason": reason, "in_pool": False, "in_sensitivity": sensitivity}


def _with_arm_sizes(rows, *, equal):
    """Take out of the pool what has no arm sizes; with a total it stays for the sensitivity analysis."""

    def one(row):
        sizes = _sizes(row)
        if not row["in_pool"] or _has_printed_error(row) or (sizes and (equal or not sizes.assumed)):
            return row
        return _out(row, NO_ARM_SIZES, sensitivity=sizes is not None)

    return [one(row) for row in rows]


def _by_priority(rows):
    """Of each study, comparison and outcome keep the row of the lowest priority number.

    A row that is only in the sensitivity analysis gives way to any row in the pool, so that the sensitivity
    analysis adds to the pool and never exchanges an effect.
    """
    best = {}
    for row in sorted(rows, key=lambda r: (not r["in_pool"], r["priority"])):
        if row["in_sensitivity"]:
            best.setdefault(_slot(row), row)

    def one(row):
        if not row["in_sensitivity"] or best[_slot(row)]["row_id"] == row["row_id"]:
            return row
        winner = best[_slot(row)]["instrument"] or "another instrument"
        return _out(row, row["reason"] or f"priority {row['priority']}: {winner} enters")

    return [one(row) for row in rows]


def _with_shared_controls(rows):
    """Count each control once: give every row the number its control is divided by, or refuse it.

    The number is that of the comparisons in the sensitivity analysis, which holds the pool: an effect has the
    same variance in both.
    """
    comparisons = _counted(rows, lambda row: row["shared_control"] == "whole")
    rows = [
        _out(row, "shared control counted whole, and its size not printed")
        if comparisons[row["row_id"]] > 1 and math.isnan(_control_size(row))
        else row
        for row in rows
    ]
    comparisons = _counted(rows, lambda row: row["shared_control"] == "whole")
    together = _counted(rows, lambda _: True)

    def one(row):
        m, size = comparisons[row["row_id"]] or 1, _control_size(row)
        row = row | {"independent": together[row["row_id"]] > 1}
        if m > 1 and size / m <= 1:
            return _out(row, f"shared control of {size:g} is too small to divide by {m}")
        return row | {"divisor": m}

    return [one(row) for row in rows]


def _counted(rows, holds):
    """For each row_id the number of rows of its study and outcome that enter and of which `holds` is true.

    Zero for a row that does not enter or of which it is not true.
    """
    entering = {r["row_id"]: (r["study_id"], r["outcome"]) for r in rows if r["in_sensitivity"] and holds(r)}
    count = Counter(entering.values())
    return Counter({row_id: count[key] for row_id, key in entering.items()})


def _control_size(row):
    """Size of the control, from the printed total if need be; NaN if neither is printed."""
    sizes = _sizes(row)
    return row["n_2"] if _known(row["n_2"]) or sizes is None else sizes.n_2


def _effect(row):
    """(yi, vi, conversion) of a row; NaN and "" where it gives no standardised mean difference."""
    nothing = (math.nan, math.nan, "")
    if row["status"] != "ok" or row["effect_type"] not in STANDARDISED:
        return nothing
    if _has_printed_error(row):
        return _printed_with_error(row)
    sizes = _sizes(row)
    if sizes is None:
        return nothing
    return _from_sizes(row, sizes.divided(row["divisor"]))


def _printed_with_error(row):
    conversion, se = "printed g and SE", row["printed_se"]
    if not _known(se):
        conversion, se = "printed g and CI", se_from_ci(row["printed_ci_low"], row["printed_ci_high"])
    vi = se**2
    if row["divisor"] > 1:
        vi += shared_control_increment(_control_size(row), row["divisor"])
    return _turned(row), vi, conversion


def _from_sizes(row, sizes):
    arms = "total size" if sizes.assumed else "arm sizes"
    if row["effect_type"] == "means":
        spread = {name: row[name] for name in ("mean_1", "sd_1", "mean_2", "sd_2")}
        g, vi = from_means(**spread, n_1=sizes.n_1, n_2=sizes.n_2)
        g = favouring_negative(g, direction="arm 1 minus arm 2", higher_is=row["higher_is"])
        return g, vi, f"means, SDs and {arms}" if sizes.assumed else "means and SDs"
    if row["effect_type"] == "cohen_d":
        g, vi = from_cohen_d(_turned(row), sizes.n_1, sizes.n_2)
        return g, vi, f"Cohen's d and {arms}"
    g = _turned(row)
    return g, smd_variance(g, sizes.n_1, sizes.n_2), f"printed g and {arms}"


def _turned(row):
    return favouring_negative(
        float(row["printed_effect"]), direction=row["printed_direction"], higher_is=row["higher_is"]
    )


def _assumption(row):
    """What the effect of a row rests on beyond what was printed, in words."""
    texts = []
    sizes = _sizes(row)
    if not _has_printed_error(row) and sizes.assumed:
        texts.append(EQUAL_ARMS)
    m = row["divisor"]
    if m > 1:
        n = f"{_control_size(row):g}"
        added = f": {m - 1}/{n} added to the printed variance" if _has_printed_error(row) else ""
        texts.append(f"shared control of {n} divided by {m}{added}")
    if row["shared_control"] == "divided":
        texts.append(ALREADY_DIVIDED)
    if row["shared_control"] == "" and row["independent"]:
        texts.append(INDEPENDENT)
    return "; ".join(texts)


def _participants(row):
    """Participants of a row, the control counted once over all comparisons that share it; NaN if unknown."""
    if _known(row["n_1"], row["n_2"]):
        return row["n_1"] + row["n_2"] / row["divisor"]
    if _known(row["n_total"]):
        return row["n_total"] / 2 * (1 + 1 / row["divisor"])
    return math.nan


def _record(row):
    yi, vi, conversion = _effect(row)
    return {column: row[column] for column in COLUMNS if column in row} | {
        "study": row["study_id"],
        "yi": float(yi),
        "vi": float(vi),
        "ni": _participants(row),
        "conversion": conversion,
        "assumption": _assumption(row) if conversion else "",
    }


def _about_studies(studies, subgroups):
    """What every effect repeats of its study, by study_id."""
    about = pd.DataFrame(
        {
            "label": labels(studies),
            "population": studies["population"].fillna("unknown"),
            "condition": studies["condition"].fillna("unknown"),
            "comparator": studies["comparator_class"].fillna("unknown"),
        }
    )
    for definition in subgroups:
        about[definition["variable"]] = group_of(studies[definition["column"]], definition["groups"])
    about.index = pd.Index(studies["study_id"])
    return about.to_dict("index")


def group_of(values, groups):
    """The group that each value belongs to.

    Parameters
    ----------
    values : iterable of str or None
        Values of a column of studies. Two values in one cell ("waitlist; attention") belong to a group
        that holds the cell as it stands, or else both values.
    groups : mapping
        Group to ``{"label": str, "values": [str, ...]}``; without ``values`` a group holds its own name.

    Returns
    -------
    list of str
        A group for each value; `UNCLASSIFIED` where no group holds it.

    Raises
    ------
    ValueError
        Two groups hold the same value.
    """
    owner = {}
    for name, group in groups.items():
        for value in group.get("values") or [name]:
            if owner.setdefault(value, name) != name:
                raise ValueError(f"the value {value!r} stands in two groups, {owner[value]} and {name}")

    def one(value):
        if not isinstance(value, str) or value in owner:
            return owner.get(value, UNCLASSIFIED)
        parts = [part.strip() for part in value.split(";")]
        owners = {owner.get(part, UNCLASSIFIED) for part in parts}
        return owners.pop() if len(owners) == 1 else UNCLASSIFIED

    return [one(value) for value in values]


def labels(studies):
    """A short, unique name for each study, such as "Buhrman 2013 (ACT)".

    Parameters
    ----------
    studies : DataFrame
        With ``study_id``, ``first_author``, ``year``; the latter two may be missing, and then nothing is
        guessed: "Brattberg (year not printed)", or the words of the study_id.

    Returns
    -------
    list of str
        Studies of the same author and year are told apart by the rest of their study_id in capitals, or by
        letters where one of them has no such rest.
    """
    parts = [
        _label_parts(*fields)
        for fields in zip(studies["study_id"], studies["first_author"], studies["year"], strict=True)
    ]
    groups = {}
    for base, rest in parts:
        groups.setdefault(base, []).append(rest)
    done, seen = [], Counter()
    for base, rest in parts:
        rests = groups[base]
        if len(rests) == 1:
            done.append(base)
        elif all(rests) and len(set(rests)) == len(rests):
            done.append(f"{base} ({rest.upper()})")
        else:
            done.append(f"{base}{'' if base[-1].isdigit() else ' '}{chr(ord('a') + seen[base])}")
            seen[base] += 1
    return done


def _label_parts(study_id, author, year):
    """(label, words of the study_id that the label does not hold)."""
    words = study_id.split("_")
    year = "" if pd.isna(year) or year == "" else f"{int(float(year))}"
    if pd.isna(author) or author == "":
        name = " ".join(w for w in words if w != year)
        return f"{name[:1].upper()}{name[1:]} {year}".strip(), ""
    named = set(author.lower().replace("-", " ").split()) | {year}
    rest = " ".join(w for w in words if w not in named)
    return (f"{author} {year}" if year else f"{author} (year not printed)"), rest
