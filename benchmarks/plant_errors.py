"""Slips planted in trials: how often the plausibility checks name them, and how often they speak without a
slip.

Two sets of trials. *Bundled*: the rows with means of data/trials/outcomes.csv that are not set aside; the
registry forgets the standard deviations that it has from the study that is judged. *Simulated*: made-up
trials (named so), each the summary of whole-number scores of made-up people on instruments with known ends,
in which standard deviations vary between trials by a quarter, a tenth of the people drop out, and effects
vary.

One slip of a kind is planted in one row, `--times` times for each kind; the row is judged by all others.
Found: the right check speaks of that row. By any: some check does that was silent before. False alarms: the
share of rows without a planted slip of which a check speaks; in the bundled set these can be slips of the
papers.

Prints a table and, last, a line of JSON.

    python benchmarks/plant_errors.py --seed 1
    python benchmarks/plant_errors.py --seed 1 --docs      # also puts the tables into docs/extraction.md
"""

# Slips have one signature, whatever they need of it.
# ruff: noqa: ARG001
import argparse
import json
import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import stdtr

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import check_trials  # noqa: E402
from livingreview import tables  # noqa: E402
from livingreview.trials import instruments, plausibility, smd  # noqa: E402
from livingreview.trials.revisions import rows_at  # noqa: E402

DOCS = ROOT / "docs" / "extraction.md"
BEGIN, END = "<!-- plant_errors: begin -->", "<!-- plant_errors: end -->"
# Name, outcome, ends of the scale, mean before treatment, standard deviation, whole numbers.
SIMULATED = [
    ("sum of nine", "depression", 0, 27, 12.0, 4.8, True),
    ("sum of twenty", "depression", 0, 60, 26.0, 10.5, True),
    ("sum of 24", "disability", 0, 24, 12.5, 5.3, True),
    ("percent", "disability", 0, 100, 52.0, 16.0, False),
    ("rating", "pain", 0, 10, 5.6, 1.8, True),
    ("line of 100 mm", "pain", 0, 100, 55.0, 22.0, False),
]
MEANS = ("mean_1", "sd_1", "n_1", "mean_2", "sd_2", "n_2")


def simulated(rng, *, trials=60):
    """Outcomes, studies, registry and printed cells of made-up trials."""
    outcomes, studies = [], []
    for number in range(trials):
        scale = SIMULATED[number % len(SIMULATED)]
        study = f"simulated_{number:03d}"
        arms = rng.integers(18, 120), rng.integers(18, 120)
        studies.append(
            {"study_id": study, "n_randomised": sum(arms), "n_intervention": arms[0], "n_control": arms[1]}
        )
        outcomes += _simulated_rows(rng, study, scale, arms)
    registry = [
        {"name": name, "outcome": outcome, "higher_is": "worse", "range_low": low, "range_high": high}
        | {"integer": "yes" if whole else "no"}
        for name, outcome, low, high, _, _, whole in SIMULATED
    ]
    columns = tables.columns("instruments")
    return (
        pd.DataFrame(outcomes).reindex(columns=tables.columns("outcomes")),
        pd.DataFrame(studies).reindex(columns=tables.columns("studies")),
        pd.DataFrame(registry).reindex(columns=columns).astype(object),
    )


def _simulated_rows(rng, study, scale, arms):
    name, outcome, low, high, mean, sd, whole = scale
    sd *= math.exp(rng.normal(0, 0.25))
    mean += rng.normal(0, 0.4) * sd
    digits = int(rng.integers(1, 3))
    effects = (rng.normal(0.5, 0.15), rng.normal(0.15, 0.1))
    stay = [np.ones(n, bool) for n in arms]
    before = [rng.normal(mean, sd, n) for n in arms]
    rows = []
    for part, timepoint in enumerate(("post", "follow-up")[: int(rng.integers(1, 3))], start=1):
        stay = [s & (rng.random(len(s)) > 0.1) for s in stay]
        row = {"row_id": f"{study}.{outcome}.{part}", "study_id": study, "outcome": outcome}
        row |= {"instrument": name, "timepoint": timepoint, "arm_1": "online course", "arm_2": "waiting list"}
        row |= {"higher_is": "worse", "effect_type": "means", "status": "ok", "priority": 1, "run": "2000-01"}
        for arm, (first, keeps, effect) in enumerate(zip(before, stay, effects, strict=True), start=1):
            noise = rng.normal(0, sd, len(first))
            after = mean + 0.6 * (first - mean) + 0.8 * noise - effect * sd
            score = {"baseline_": first[keeps], "": after[keeps]}
            for prefix, values in score.items():
                seen = np.clip(np.round(values) if whole else values, low, high)
                row[f"{prefix}mean_{arm}"] = round(float(seen.mean()), digits)
                row[f"{prefix}sd_{arm}"] = round(float(seen.std(ddof=1)), digits)
            row[f"n_{arm}"] = int(keeps.sum())
        rows.append(row)
    return rows


def bundled():
    """Outcomes, studies and registry of this review, of which the rows with means are planted in."""
    outcomes = rows_at(tables.read(ROOT / "data/trials/outcomes.csv", "outcomes"), "9999-12", ["row_id"])
    studies = rows_at(tables.read(ROOT / "data/trials/studies.csv", "studies"), "9999-12", ["study_id"])
    rows = outcomes[(outcomes["effect_type"] == "means") & (outcomes["status"] == "ok")]
    return rows.reset_index(drop=True), studies, instruments.read(ROOT / instruments.TABLE)


def registry_without(registry, study_id):
    """A lookup that has forgotten the standard deviations taken from a study."""
    registry = registry.copy()
    source = registry["sd_source"].fillna("").astype(str)
    registry.loc[source.str.contains(f"{study_id}.", regex=False), ["sd_low", "sd_high"]] = np.nan
    return instruments.lookup(registry)


# Each slip changes a row, a dict, and says whether it could; those that need other rows get them too.


def _scaled(*columns, power=None, factor=1.0):
    def slip(rng, row, rows):
        for column in columns:
            n = row[f"n_{column[-1]}"]
            row[column] = float(f"{row[column] * (n**power if power else factor):.3g}")
        return known(row, *columns, "n_1", "n_2")

    return slip


def known(row, *columns):
    return all(pd.notna(row[column]) for column in columns)


def _one_of_arms(slip_of_arm):
    def slip(rng, row, rows):
        return slip_of_arm(int(rng.integers(1, 3)))(rng, row, rows)

    return slip


def _difference(row):
    parts = {name: row[name] for name in MEANS}
    return smd.from_means(**parts)[0]


def wrong_sign(rng, row, rows):
    g = _difference(row)
    row |= {"printed_effect": f"{-g:.2f}", "printed_direction": "arm 1 minus arm 2"}
    row |= {"effect_type": "hedges_g"} if rng.random() < 0.5 else {}
    return abs(g) > 0.15


def turned_direction(rng, row, rows):
    row["higher_is"] = "better" if row["higher_is"] == "worse" else "worse"
    return True


def exchanged(rng, row, rows):
    pairs = [(c, c[:-1] + "2") for c in row if c.endswith("_1") and c[:-1] + "2" in row]
    for one, other in pairs:
        row[one], row[other] = row[other], row[one]
    return True


def exchanged_numbers(rng, row, rows):
    names = row["arm_1"], row["arm_2"]
    exchanged(rng, row, rows)
    row["arm_1"], row["arm_2"] = names
    return abs(_difference(row)) > 0.3


def moved_baseline(rng, row, rows):
    row["baseline_mean_1"] += float(rng.choice([-1, 1])) * row["baseline_sd_1"]
    return known(row, "baseline_mean_1", "baseline_mean_2", "baseline_sd_2")


def wrong_change(rng, row, rows):
    for arm in (1, 2):
        row[f"change_mean_{arm}"] = row[f"mean_{arm}"] - row[f"baseline_mean_{arm}"]
    row["change_mean_1"] += 0.5 * row["sd_1"]
    return known(row, "change_mean_1")


def too_many(rng, row, rows):
    row["n_1"] = row["n_1"] * 10
    return True


def grown(rng, row, rows):
    post = [r for r in rows if r["study_id"] == row["study_id"] and r["timepoint"] == "post"]
    post = [r for r in post if r["instrument"] == row["instrument"] and r["outcome"] == row["outcome"]]
    if row["timepoint"] != "follow-up" or not post:
        return False
    row["n_2"] = post[0]["n_2"] + int(rng.integers(2, 8))
    return True


def copied_row(rng, row, rows):
    others = [r for r in rows if r["study_id"] != row["study_id"]]
    other = others[int(rng.integers(len(others)))]
    row |= {name: other[name] for name in MEANS}
    return True


def copied_arm(rng, row, rows):
    row |= {"mean_2": row["mean_1"], "sd_2": row["sd_1"]}
    return True


def control_again(rng, row, rows):
    other = dict(row) | {"row_id": row["row_id"] + "9", "comparison": "b"}
    other["mean_1"] = row["mean_1"] + 0.1 * row["sd_1"]
    row["comparison"] = "a"
    rows.append(other)
    return not row["shared_control"]


def shifted(rng, row, rows):
    row["mean_1"] = round(row["mean_1"] - 1.5 * row["sd_1"], 2)
    return True


def percentage(rng, row, rows):
    share = rng.uniform(0.5, 0.9)
    row |= {"events_1": round(100 * share), "events_2": round(0.3 * row["n_2"])}
    return row["events_1"] > row["n_1"]


def _t(row):
    return _difference(row) / math.sqrt(1 / row["n_1"] + 1 / row["n_2"])


def wrong_p(rng, row, rows):
    row["p_value"] = max(2 * float(stdtr(row["n_1"] + row["n_2"] - 2, -abs(_t(row)))) * 1e-6, 1e-300)
    return True


def wrong_t(rng, row, rows):
    row["t_value"] = round(10 * _t(row), 2)
    return abs(_t(row)) > 0.5


def printed_variance(rng, row, rows):
    g = _difference(row)
    se = math.sqrt(smd.smd_variance(g, row["n_1"], row["n_2"]))
    row |= {"printed_effect": f"{g:.2f}", "printed_se": se**2, "printed_direction": "arm 1 minus arm 2"}
    row["effect_type"] = "hedges_g"
    return True


def swapped_limits(rng, row, rows):
    half = 1.96 * row["sd_1"] / math.sqrt(row["n_1"])
    row |= {"ci_low_1": row["mean_1"] + half, "ci_high_1": row["mean_1"] - half}
    return True


def last_digit(column):
    def slip(rng, row, rows):
        row[column] = round(row[column] + float(rng.choice([-0.03, -0.02, -0.01, 0.01, 0.02, 0.03])), 2)
        return row["n_1"] < 60 and round(row[column], 1) != row[column] and bool(row["whole"])

    return slip


def before_for_after(rng, row, rows):
    row |= {"mean_1": row["baseline_mean_1"], "sd_1": row["baseline_sd_1"]}
    return known(row, "mean_1", "sd_1")


def outside(rng, row, rows):
    row["mean_1"] = round(row["range_high"] * float(rng.uniform(1.05, 1.5)), 1)
    return pd.notna(row["range_high"])


POST = ("sd_1", "sd_2")
ALL = (*POST, "baseline_sd_1", "baseline_sd_2")
BY_EFFECT = {"opposite_effect", "beyond_prediction"}
SLIPS = {
    "standard errors as SDs, after treatment": (_scaled(*POST, power=-0.5), {"se_as_sd"}),
    "standard errors as SDs, everywhere": (_scaled(*ALL, power=-0.5), {"se_as_sd"}),
    "standard error as SD, one arm": (
        _one_of_arms(lambda arm: _scaled(f"sd_{arm}", power=-0.5)),
        {"se_as_sd"},
    ),
    "SDs multiplied by the root of n": (_scaled(*POST, power=0.5), {"sd_as_se"}),
    "variance as SD, one arm": (
        _one_of_arms(lambda a: lambda _, row, __: _squared(row, f"sd_{a}")),
        {"sd_impossible", "sd_as_se"},
    ),
    "sign of the printed effect": (wrong_sign, {"sign_against_means"}),
    "direction of the instrument": (turned_direction, {"direction_of_instrument"}),
    "arms exchanged with their names": (exchanged, {"arms_swapped"}),
    "arms exchanged, names kept": (exchanged_numbers, {"arms_swapped"} | BY_EFFECT),
    "baseline mean moved by 1 SD": (moved_baseline, {"baseline_difference"}),
    "change that does not add up": (wrong_change, {"change_not_post"}),
    "n times 10": (too_many, {"n_above_randomised"}),
    "n that grows": (grown, {"n_grows"}),
    "mean above the scale": (outside, {"outside_range"}),
    "mean times 10": (_one_of_arms(lambda a: _scaled(f"mean_{a}", factor=10)), {"decimal_slip"}),
    "mean divided by 10": (_one_of_arms(lambda a: _scaled(f"mean_{a}", factor=0.1)), {"decimal_slip"}),
    "SD times 10": (_one_of_arms(lambda a: _scaled(f"sd_{a}", factor=10)), {"decimal_slip"}),
    "SD divided by 10": (_one_of_arms(lambda a: _scaled(f"sd_{a}", factor=0.1)), {"decimal_slip"}),
    "row of another study": (copied_row, {"same_numbers"}),
    "arm copied": (copied_arm, {"same_arms"}),
    "baseline for after": (before_for_after, {"after_as_before"}),
    "control twice": (control_again, {"control_twice"}),
    "effect moved by 1.5 SD": (shifted, {"beyond_prediction"}),
    "percentage for events": (percentage, {"events_above_n"}),
    "p a million times too small": (wrong_p, {"p_against_means", "p_too_small"}),
    "t times 10": (wrong_t, {"t_against_means"}),
    "variance as printed standard error": (printed_variance, {"printed_se"}),
    "limits exchanged": (swapped_limits, {"limits_swapped"}),
    "mean of whole scores, last digit": (last_digit("mean_1"), {"grim"}),
    "SD of whole scores, last digit": (last_digit("sd_1"), {"grimmer"}),
}


def _squared(row, column):
    row[column] = round(row[column] ** 2, 2)
    return row[column] > 4


def effect_of(row):
    """Hedges' g by the means, or as printed, and its variance; negative favours arm 1."""
    yi, vi = smd.from_means(**{name: row[name] for name in MEANS})
    if row["effect_type"] == "hedges_g":
        yi = float(row["printed_effect"])
    return (-yi if row["higher_is"] == "better" else yi), vi


def look(trials, at):
    """The checks that speak of a row."""
    return {one.check for one in plausibility.judge(trials, look_at={at})}


def measure(trials, *, rng, times):
    """(found, by any check, planted) of each kind, and false alarms by check over the rows."""
    outcomes, studies, registry = trials
    trials = plausibility.Trials(
        outcomes, studies, instruments.lookup(registry), predict=check_trials.predict
    )
    clean = trials.rows
    effects = {row["row_id"]: effect_of(row) for row in clean}
    lookups = {row["study_id"]: registry_without(registry, row["study_id"]) for row in clean}
    trials = {one: trials.changed(clean, effects=effects, instruments=lookups[one]) for one in lookups}
    before = {row["row_id"]: look(trials[row["study_id"]], row["row_id"]) for row in clean}
    alarms = {
        check: sum(check in one for one in before.values()) / len(clean) for check in plausibility.CHECKS
    }
    rates = {}
    for name, (slip, right) in SLIPS.items():
        counts = [_planted(slip, right, trials, before, rng) for _ in range(times)]
        counts = [one for one in counts if one is not None]
        rates[name] = (*(sum(one[i] for one in counts) for i in (0, 1)), len(counts))
    return rates, alarms, len(clean)


def _planted(slip, right, trials, before, rng):
    """Whether the right check and any new one speak of a row with a slip; None if no row takes it."""
    clean = next(iter(trials.values())).rows
    for number in rng.permutation(len(clean)):
        rows = [dict(row) for row in clean]
        row = rows[number]
        of_study = trials[row["study_id"]]
        if before[row["row_id"]] & right:
            continue
        scale = of_study.instrument(row)
        changed = row | {"whole": scale.get("integer") == "yes", "range_high": scale.get("range_high")}
        if not slip(rng, changed, rows):
            continue
        rows[number] = {name: value for name, value in changed.items() if name in row}
        effects = of_study.effects | {one["row_id"]: effect_of(one) for one in (rows[number], rows[-1])}
        planted = of_study.changed(rows, effects=effects, instruments=of_study.registry)
        found = look(planted, row["row_id"]) - before[row["row_id"]]
        return bool(found & right), bool(found)
    return None


def as_tables(results):
    """The two tables, as lines of Markdown."""
    sets = list(results)
    lines = ["| slip | " + " | ".join(f"{s}: found | by any | planted" for s in sets) + " | right check |"]
    lines.append("|---" * (2 + 3 * len(sets)) + "|")
    for name, (_, right) in SLIPS.items():
        cells = []
        for s in sets:
            found, any_, planted = results[s][0][name]
            cells += [f"{found / planted:.1%}", f"{any_ / planted:.1%}"] if planted else ["–", "–"]
            cells.append(str(planted))
        lines.append(f"| {name} | {' | '.join(cells)} | {', '.join(sorted(right))} |")
    lines += ["", "| false alarms of | " + " | ".join(f"{s}, {results[s][2]} rows" for s in sets) + " |"]
    lines.append("|---" * (1 + len(sets)) + "|")
    for check in plausibility.CHECKS:
        lines.append(f"| {check} | {' | '.join(f'{results[s][1][check]:.1%}' for s in sets)} |")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--times", type=int, default=200, help="slips of each kind in each set")
    parser.add_argument("--trials", type=int, default=60, help="made-up trials")
    parser.add_argument("--docs", action="store_true", help=f"put the tables into {DOCS.relative_to(ROOT)}")
    asked = parser.parse_args()
    rng = np.random.default_rng(asked.seed)
    sets = {"bundled": bundled(), "simulated": simulated(rng, trials=asked.trials)}
    results = {name: measure(one, rng=rng, times=asked.times) for name, one in sets.items()}
    lines = as_tables(results)
    print("\n".join(lines))
    if asked.docs:
        text = DOCS.read_text(encoding="utf-8")
        head, tail = text.split(BEGIN)[0], text.split(END)[1]
        DOCS.write_text("\n".join([head + BEGIN, *lines, END]) + tail, encoding="utf-8")
    summary = {
        name: {
            "slips": {k: {"found": f, "by_any": a, "planted": p} for k, (f, a, p) in rates.items()},
            "false_alarms": alarms,
            "rows": rows,
        }
        for name, (rates, alarms, rows) in results.items()
    }
    print(json.dumps({"seed": asked.seed, "times": asked.times} | summary))


if __name__ == "__main__":
    main()
