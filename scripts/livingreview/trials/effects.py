"""Standardised mean differences from what trials print, and which of them enter the pool.

Scale throughout: `yi` is Hedges' g, negative where it favours the treatment (arm 1); `vi` is its sampling
variance, not a standard error.
"""

import math
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial

import pandas as pd

from livingreview.errors import InputError
from livingreview.trials.checks import as_rows, find_problems, known, slot
from livingreview.trials.composites import composites
from livingreview.trials.conversions.lacking import LackingError
from livingreview.trials.conversions.odds import ODDS_RATIOS
from livingreview.trials.conversions.rows import CONVERSIONS, convert, spread_of
from livingreview.trials.labels import group_of, labels
from livingreview.trials.smd import (
    STANDARDISED,
    favouring_negative,
    from_cohen_d,
    from_means,
    se_from_ci,
    shared_control_increment,
    smd_variance,
)

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
    "shared_control_id",
)

EQUAL_ARMS = "equal arms assumed: arm sizes not printed"
ALREADY_DIVIDED = "shared control already divided among the comparisons"
INDEPENDENT = "comparisons taken as independent: no shared control recorded"
NO_ARM_SIZES = "arm sizes not printed"
SEVERAL_EFFECTS = ("priority", "composite", "all")


def options(analysis):
    """What the protocol's ``analysis`` says of effects, as keywords of `compute`."""
    return {
        "timepoint": analysis["timepoint"],
        "arm_sizes_not_printed": analysis["arm_sizes_not_printed"],
        "several_effects": analysis.get("several_effects", "priority"),
        "assumed_correlation": analysis.get("assumed_correlation"),
        "convert_odds_ratios": analysis.get("convert_odds_ratios", False),
    }


def compute(
    outcomes,
    studies,
    included,
    *,
    protocol,
    timepoint="post",
    arm_sizes_not_printed="set_aside",
    several_effects="priority",
    assumed_correlation=None,
    convert_odds_ratios=False,
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
    several_effects : {"priority", "composite", "all"}
        Of a study's several instruments for one comparison and outcome: the preferred one enters; their plain
        mean does (see `composites.composites`); or all do, and whoever pools them must not take them as
        independent.
    assumed_correlation : float, optional
        Correlation of the sampling errors of such effects, from 0 to below 1; "composite" needs it.
    convert_odds_ratios : bool
        Whether events and printed odds ratios enter (see `conversions.odds`), or stay out with a reason.
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
        `arm_sizes_not_printed` or `several_effects` is not known; "composite" without a correlation, or one
        out of range.
    """
    if arm_sizes_not_printed not in ("set_aside", "equal"):
        raise ValueError(f"arm_sizes_not_printed {arm_sizes_not_printed!r}; allowed: set_aside, equal")
    _check_several(several_effects, assumed_correlation)
    rows = as_rows(outcomes)
    problems = find_problems(rows, set(studies["study_id"]))
    if problems:
        raise InputError(file, problems=problems)
    kinds = {*CONVERSIONS, *(ODDS_RATIOS if convert_odds_ratios else ())}
    rows = [_converted(_with_spread(row), kinds=kinds) for row in rows]
    judge = partial(_judged, included=set(included), protocol=protocol, timepoint=timepoint, kinds=kinds)
    rows = _with_arm_sizes([judge(row) for row in rows], equal=arm_sizes_not_printed == "equal")
    rows = _by_priority(rows) if several_effects == "priority" else _by_certainty(rows)
    rows = _with_shared_controls(rows)
    about = _about_studies(studies, subgroups)
    records = [_record(row) | about[row["study_id"]] for row in rows]
    if several_effects == "composite":
        records = composites(
            records,
            correlation=assumed_correlation,
            slots=[slot(row) for row in rows],
            priorities=[row["priority"] for row in rows],
        )
    for record in records:
        record["label"] = f"{record['label']} {record['comparison']}".strip()
    extra = [d["variable"] for d in subgroups if d["variable"] not in COLUMNS]
    return pd.DataFrame(records, columns=[*COLUMNS, *extra])


def _check_several(several_effects, correlation):
    if several_effects not in SEVERAL_EFFECTS:
        raise ValueError(f"several_effects {several_effects!r}; allowed: {', '.join(SEVERAL_EFFECTS)}")
    if correlation is None:
        if several_effects == "composite":
            raise ValueError("several_effects 'composite' needs assumed_correlation; hint: 0.6 is common")
    elif not 0 <= correlation < 1:
        raise ValueError(f"assumed_correlation {correlation!r}; allowed: from 0 to below 1")


def shared_groups(effects):
    """Which effects share a control: lists of row_id by `shared_control_id`, in the order of the table."""
    shared = effects[effects["shared_control_id"].fillna("") != ""]
    return {name: list(group) for name, group in shared.groupby("shared_control_id")["row_id"]}


def _with_spread(row):
    """Means with their standard deviations filled in from errors or intervals, and how."""
    if row["effect_type"] != "means" or row["status"] != "ok":
        return row | {"spread": ""}
    (sd_1, how_1), (sd_2, how_2) = spread_of(row, "1"), spread_of(row, "2")
    return row | {"sd_1": sd_1, "sd_2": sd_2, "spread": " and ".join(sorted({how_1, how_2} - {""}))}


def _converted(row, *, kinds):
    """The row with its conversion, if its effect type is one of `kinds`, or with what that lacks."""
    row = row | {"converted": None, "lacking": ""}
    if row["effect_type"] not in kinds or row["status"] != "ok":
        return row
    try:
        return row | {"converted": convert(row)}
    except LackingError as error:
        return row | {"lacking": str(error)}


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
    if known(row["n_1"], row["n_2"]):
        return _Sizes(row["n_1"], row["n_2"])
    if known(row["n_total"]):
        return _Sizes(row["n_total"] / 2, row["n_total"] / 2, assumed=True)
    return None


def _has_printed_error(row):
    return row["effect_type"] == "hedges_g" and (
        known(row["printed_se"]) or known(row["printed_ci_low"], row["printed_ci_high"])
    )


def _judged(row, *, included, protocol, timepoint, kinds):
    """The row with the first rule that keeps it out, of those that need no other row."""
    kind = row["effect_type"]
    rules = [
        (row["status"] != "ok", f"set aside: {row['set_aside_reason']}"),
        (row["study_id"] not in included, "no person has included this study"),
        (row["outcome"] not in protocol, f"outcome {row['outcome']} is not one of the protocol's"),
        (row["timepoint"] != timepoint, f"time point {row['timepoint']}; the protocol's is {timepoint}"),
        (kind == "single_group", "effect type single_group has no control to compare with"),
        (row["lacking"] != "", row["lacking"]),
        (
            kind not in STANDARDISED and kind not in kinds,
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
        if not row["in_pool"] or _has_printed_error(row) or row["converted"] is not None:
            return row
        if sizes and (equal or not sizes.assumed):
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
            best.setdefault(slot(row), row)

    def one(row):
        if not row["in_sensitivity"] or best[slot(row)]["row_id"] == row["row_id"]:
            return row
        winner = best[slot(row)]["instrument"] or "another instrument"
        return _out(row, row["reason"] or f"priority {row['priority']}: {winner} enters")

    return [one(row) for row in rows]


def _by_certainty(rows):
    """Of each study, comparison and outcome keep all rows, or where one is in the pool those in the pool.

    A row that is only in the sensitivity analysis gives way, as in `_by_priority`.
    """
    certain = {slot(row) for row in rows if row["in_pool"]}
    return [
        _out(row, row["reason"])
        if row["in_sensitivity"] and not row["in_pool"] and slot(row) in certain
        else row
        for row in rows
    ]


def _with_shared_controls(rows):
    """Count each control once: give every row the number its control is divided by, or refuse it.

    The number is that of the comparisons in the sensitivity analysis, which holds the pool: an effect has the
    same variance in both.
    """
    comparisons = _counted(rows, lambda row: row["shared_control"] == "whole")
    rows = [
        _out(row, f"shared control counted whole, and its {_control_lacks(row)} not printed")
        if comparisons[row["row_id"]] > 1 and _control_lacks(row)
        else row
        for row in rows
    ]
    comparisons = _counted(rows, lambda row: row["shared_control"] == "whole")
    together = _counted(rows, lambda _: True)

    def one(row):
        m, size = comparisons[row["row_id"]] or 1, _control_size(row)
        shared = f"{row['study_id']}.{row['outcome']}" if m > 1 else ""
        row = row | {"independent": together[row["row_id"]] > 1, "shared_control_id": shared}
        if m > 1 and size / m <= 1:
            text = f"shared control of {size:g} is too small to divide by {m}"
            return _out(row | {"shared_control_id": ""}, text)
        return row | {"divisor": m}

    return [one(row) for row in rows]


def _counted(rows, holds):
    """For each row_id the number of comparisons of its study and outcome that enter and where `holds`.

    Several instruments of one comparison count once: the people of its control are the same. Zero for a row
    that does not enter or of which it is not true.
    """
    entering = {r["row_id"]: slot(r) for r in rows if r["in_sensitivity"] and holds(r)}
    count = Counter((study, outcome) for study, _, outcome in set(entering.values()))
    return Counter({row_id: count[study, outcome] for row_id, (study, _, outcome) in entering.items()})


def _control_lacks(row):
    """What a row would need for its control to be divided and does not print, in a word; or ""."""
    if math.isnan(_control_size(row)):
        return "size"
    return "" if row["converted"] is None or row["converted"].can_share() else "events"


def _control_size(row):
    """Size of the control, from the printed total if need be; NaN if neither is printed."""
    sizes = _sizes(row)
    return row["n_2"] if known(row["n_2"]) or sizes is None else sizes.n_2


def _effect(row):
    """(yi, vi, conversion) of a row; NaN and "" where it gives no standardised mean difference."""
    nothing = (math.nan, math.nan, "")
    if row["converted"] is not None:
        return _whole_arms(row)
    if row["status"] != "ok" or row["effect_type"] not in STANDARDISED:
        return nothing
    if _has_printed_error(row):
        return _printed_with_error(row)
    sizes = _sizes(row)
    if sizes is None:
        return nothing
    return _from_sizes(row, sizes.divided(row["divisor"]))


def _whole_arms(row):
    """A conversion of whole arms; a shared control adds to its variance as to a printed one."""
    done, vi = row["converted"], row["converted"].vi
    if row["divisor"] > 1:
        vi += done.shared_increment(_control_size(row), row["divisor"])
    return done.yi, vi, done.conversion


def _printed_with_error(row):
    conversion, se = "printed g and SE", row["printed_se"]
    if not known(se):
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
        words = f"means, SDs and {arms}" if sizes.assumed else "means and SDs"
        return g, vi, f"{words}: {row['spread']}" if row["spread"] else words
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
    whole = row["converted"] is not None
    texts = [row["converted"].assumption] if whole and row["converted"].assumption else []
    sizes = _sizes(row)
    if not whole and not _has_printed_error(row) and sizes.assumed:
        texts.append(EQUAL_ARMS)
    if row["divisor"] > 1:
        texts.append(_division(row))
    if row["shared_control"] == "divided":
        texts.append(ALREADY_DIVIDED)
    if row["shared_control"] == "" and row["independent"]:
        texts.append(INDEPENDENT)
    return "; ".join(texts)


def _division(row):
    """That the control is divided, and what that adds to a variance that counts it whole."""
    done, m, n = row["converted"], row["divisor"], _control_size(row)
    text = f"shared control of {n:g} divided by {m}"
    if done is not None and done.control_part is not None:
        return f"{text}: {done.shared_increment(n, m):.3g} added to its variance"
    if done is None and not _has_printed_error(row):
        return text
    printed = "the printed" if done is None else "its"
    return f"{text}: {m - 1}/{n:g} added to {printed} variance"


def _participants(row):
    """Participants of a row, the control counted once over all comparisons that share it; NaN if unknown."""
    if known(row["n_1"], row["n_2"]):
        return row["n_1"] + row["n_2"] / row["divisor"]
    if known(row["n_total"]):
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
