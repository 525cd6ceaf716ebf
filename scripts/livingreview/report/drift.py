"""Whether new records are like those that the ranking learnt from, as shown in the section on screening."""

from livingreview.report import prose
from livingreview.report.backtest import named, share
from livingreview.report.prose import count, number

KINDS = {
    "chances": "Median chance of inclusion",
    "words": "Words that no decided record holds",
    "included": "Included by people",
}


def drift(found):
    """Warnings, a sentence on what was compared, and a row for each month.

    Parameters
    ----------
    found : dict
        drift.json.
    """
    by_kind = {kind: {row["month"]: row for row in found[kind]} for kind in KINDS}
    months = sorted({month for rows in by_kind.values() for month in rows})
    return {
        "warnings": found["warnings"],
        "sentence": _sentence(found),
        "columns": list(KINDS.values()),
        "rows": [
            {"month": _named(month)} | {"cells": [_cell(kind, by_kind[kind].get(month)) for kind in KINDS]}
            for month in months
        ],
        "limits": _limits(found["limits"]),
    }


def _sentence(found):
    compared = {kind: [row for row in found[kind] if row["reason"] is None] for kind in KINDS}
    without = [label for kind, label in KINDS.items() if not compared[kind]]
    if len(without) == len(KINDS):
        return "There are not yet enough records, or decisions, to compare new ones with those before."
    text = "The latest records that can be compared are set against all before them."
    if without:
        text += f" Not compared yet: {prose.listed(prose.lower_first(label) for label in without)}."
    return text if found["warnings"] else f"{text} Nothing stands out."


def _cell(kind, row):
    if row is None:
        return {"value": prose.NOT_ESTIMATED, "note": "", "flag": False}
    records = prose.plural(row["n"], "record")
    note = f"{count(row['n_included'])} of {records}" if kind == "included" else f"of {records}"
    if row["reason"] is None:
        note += f"; {_against(kind, row)}"
    elif row["value"] is not None:
        note += f"; not compared: {row['reason']}"
    return {"value": share(row["value"]), "note": note, "flag": row["flag"]}


def _against(kind, row):
    """What the month, or it and those before it, is set against."""
    before = f"against {share(row['before'])} before"
    if row["since"] != row["month"]:
        before = f"since {_named(row['since'])} {share(row['together'])}, {before}"
    if kind == "chances":
        return f"{before}, distance {number(row['distance'])}, {prose.p_value(row['p'])}"
    return before


def _named(label):
    return named(label, "month" if "-" in label else "year")


def _limits(limits):
    return (
        f"Compared are {count(limits['fewest_new'])} records or more, months with fewer together with those"
        f" before them, with {count(limits['fewest_before'])} or more of earlier months. A warning needs a"
        f" Kolmogorov-Smirnov distance of {number(limits['distance'])} with p below"
        f" {number(limits['level'])}; {number(100 * limits['more_unseen'], 0)} percentage points more of"
        f" words never met; or a share included {number(limits['ratio'], 0)} times that before, or as many"
        f" times less, whose exact interval does not hold that before."
    )
