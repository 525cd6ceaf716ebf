"""Estimates of one outcome listed one below the other: by entry, leaving out, by analysis, by group.

Each function gives the view of `figures.forest`, from which the whole figure is drawn and, cell by cell, the
tables of the page; None where there is nothing to list.
"""

from livingreview.report import figures, forest, prose


def cumulative(context, name):
    """The estimate as trials entered this review, with the releases in between as headings."""
    steps = context["estimates"]["outcomes"][name]["cumulative"]
    if not steps:
        return None
    rows = []
    for step, mark in marked(steps, releases(context)):
        if mark:
            rows.append({"heading": mark})
        else:
            label = f"{prose.month(step['entered'])}: {step['label']}"
            rows.append(_square(step, label))
    return _view(
        context,
        name,
        kind="cumulative",
        title="Estimates as trials entered this review",
        what="Entered",
        rows=rows,
    )


def releases(context):
    """(run, words) of the releases of this review, earliest first."""
    own = [row for row in context["releases"] if row["kind"] == "release"]
    return sorted((row["run"], f"Release {row['version']}") for row in own)


def marked(steps, releases):
    """Steps and releases in the order of their runs: pairs of (step, None) and (None, words).

    A release stands after the trials that entered in its run or before; one before any trial stands first.
    """
    found, waiting = [], list(releases)
    for step in steps:
        while waiting and waiting[0][0] < step["entered"]:
            found.append((None, waiting.pop(0)[1]))
        found.append((step, None))
    return [*found, *((None, words) for _, words in waiting)]


def left_out(context, name):
    """The estimate without each trial."""
    steps = context["estimates"]["outcomes"][name]["leave_one_out"]
    return _view(
        context,
        name,
        kind="leave-one-out",
        title="Estimates leaving out one trial at a time",
        what="Left out",
        rows=[_square(row, row["label"]) for row in steps],
        pool=True,
    )


def analyses(context, name):
    """The sensitivity analyses that were computed; None where not even the main one was."""
    rows = [row for row in context["estimates"]["outcomes"][name]["sensitivity_table"] if not row["reason"]]
    if not rows:
        return None
    keys = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")
    return _view(
        context,
        name,
        kind="sensitivity",
        title="Sensitivity analyses",
        what="Analysis",
        rows=[
            _square(row, label)
            if row["k"] == 1
            else {key: row[key] for key in keys} | {"label": label, "strong": row["analysis"] == "main"}
            for row, label in _told_apart(rows)
        ],
        note="Diamond: estimate with its confidence interval; thin line: prediction interval. ",
    ) | {"long_labels": True}


def _told_apart(rows):
    """Each analysis with its label; the second of the same label is named by what sets it apart."""
    seen = set()
    for row in rows:
        again = row["label"] in seen and row["note"]
        yield row, f"as above, {row['note']}" if again else row["label"]
        seen.add(row["label"])


def groups(context, name, part):
    """The trials of each group of one subgroup variable, each group with its own pool.

    Parameters
    ----------
    part : dict
        One element of ``subgroups`` of estimates.json.
    """
    drawn = forest.drawing(context, name)
    if drawn is None or not part["groups"]:
        return None
    rows = []
    placed = list(zip(forest.in_pool(context, name), drawn["rows"], strict=True))
    for group in part["groups"]:
        members = [one for row, one in placed if row.get(part["variable"]) == group["value"]]
        if not members:
            continue
        label = f"Pooled (k = {prose.count(group['k'])})"
        subtotal = {key: group[key] for key in ("estimate", "ci_low", "ci_high")} | {"label": label}
        rows += [{"heading": group["label"]}, *members, *([subtotal] if group["k"] > 1 else [])]
    noun = prose.lower_first(part["label"])
    return drawn | {
        "name": f"forest-{name}-by-{part['variable']}",
        "title": f"{drawn['title']}, by {noun}",
        "rows": rows,
    }


def cells(view):
    """The drawings of a listing for a table: ``band``, ``axis`` and, row by row, ``cells``.

    Headings have no drawing and no place in ``cells``.
    """
    if view is None:
        return None
    axis = figures.cell_scale(figures.forest_scale(view))
    drawn = [
        figures.cell_effect(axis, row) if "yi" in row else figures.cell_estimate(axis, row)
        for row in view["rows"]
        if "heading" not in row
    ]
    return {
        "band": figures.cell_band(axis, zone=view["zone"]),
        "axis": figures.cell_axis(axis),
        "cells": drawn,
        "favours_left": view["favours_left"],
        "favours_right": view["favours_right"],
    }


def _square(row, label):
    """A row drawn like an effect; without an estimate nothing is drawn."""
    if prose.missing(row["estimate"]):
        return {"label": label, "estimate": None, "ci_low": None, "ci_high": None}
    return {
        "label": label,
        "yi": row["estimate"],
        "ci_low": row["ci_low"],
        "ci_high": row["ci_high"],
        "weight": None,
        "new": False,
    }


def _view(context, name, *, kind, title, what, rows, pool=False, note=""):
    if not rows:
        return None
    main = context["estimates"]["outcomes"][name]["main"]
    noun = prose.lower_first(context["config"]["outcomes"][name]["label"])
    return {
        "name": f"{kind}-{name}",
        "title": f"{title}: {noun}",
        "description": f"{prose.plural(len([r for r in rows if 'heading' not in r]), 'row')}."
        " Every number is in the table of the same name.",
        "what": what,
        "rows": rows,
        "pool": {"label": "All trials"} | {key: main[key] for key in ("estimate", "ci_low", "ci_high")}
        if pool
        else None,
        "before": None,
        "note": f"{note}{forest.band_words(context)}",
        **forest.axis_words(context),
    }
