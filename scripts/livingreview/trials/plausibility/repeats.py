"""The same numbers twice: rows, arms, and controls that two comparisons share."""

import math

from livingreview.trials.plausibility.finding import check

OUTCOME_COLUMNS = ("mean_1", "sd_1", "mean_2", "sd_2")
PRINTED_COLUMNS = ("printed_effect", "printed_se", "printed_ci_low", "printed_ci_high")


@check("same_numbers", "warning", "numbers that another row has too")
def same_numbers(row, trials):
    """All means and standard deviations of both arms; or a printed effect with its interval."""
    for columns in (OUTCOME_COLUMNS, ("events_1", "n_1", "events_2", "n_2"), PRINTED_COLUMNS):
        mine = tuple(row[name] for name in columns)
        if not _complete(mine) or _plain_zero(mine):
            continue
        for other in trials.rows:
            if other is not row and tuple(other[name] for name in columns) == mine:
                elsewhere = other["study_id"] != row["study_id"]
                yield (
                    f"{', '.join(columns)} as in row {other['row_id']}",
                    "numbers of its own",
                    "was a row copied and not filled in, or is one study in the table twice?",
                    [*columns, *((other["row_id"], name) for name in columns)],
                    "error" if elsewhere else "warning",
                )


@check("same_arms", "warning", "two arms with the same mean and standard deviation")
def same_arms(row, _trials):
    for prefix in ("", "baseline_", "change_"):
        columns = [f"{prefix}{part}_{arm}" for arm in (1, 2) for part in ("mean", "sd")]
        one, other = (row[columns[0]], row[columns[1]]), (row[columns[2]], row[columns[3]])
        # Few digits agree by chance.
        if one == other and sum(_significant(value) for value in one) >= 4:
            yield (
                f"{prefix}mean and {prefix}sd are {one[0]:g} and {one[1]:g} in both arms",
                "arms that differ, at least in the last digit",
                "was one arm copied to the other, or the sample as a whole printed for both?",
                columns,
                "note" if prefix == "baseline_" else "warning",
            )


@check("control_twice", "error", "a control group in two comparisons without being marked as shared")
def control_twice(row, trials):
    if row["shared_control"] or row["status"] != "ok":
        return
    columns = ("mean_2", "sd_2", "n_2", "events_2")
    mine = [row[name] for name in columns]
    if sum(not math.isnan(value) for value in mine) < 2:
        return
    same = ("study_id", "outcome", "instrument", "timepoint")
    for other in trials.rows:
        if other is row or other["status"] != "ok" or other["comparison"] == row["comparison"]:
            continue
        if all(other[name] == row[name] for name in same) and all(
            a == b or (math.isnan(a) and math.isnan(b))
            for a, b in zip(mine, (other[name] for name in columns), strict=True)
        ):
            yield (
                f"the control of row {other['row_id']}",
                "shared_control whole or divided, where two comparisons have one control",
                "say whole, and its participants are counted once",
                ["shared_control", *columns, *((other["row_id"], name) for name in columns)],
            )


def _complete(values):
    return not any(v == "" or (isinstance(v, float) and math.isnan(v)) for v in values)


def _plain_zero(values):
    return all(float(v) == 0 for v in values if _is_number(v))


def _is_number(value):
    try:
        float(value)
    except ValueError:
        return False
    return True


def _significant(value):
    digits = f"{value:.10g}".replace(".", "").lstrip("-0")
    return len(digits) if not math.isnan(value) else 0
