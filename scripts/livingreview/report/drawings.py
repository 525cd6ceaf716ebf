"""All figures of an outcome, each drawn once: the page shows some of them, files hold them all."""

import re

from livingreview.report import figures, forest, listings, planes, prose
from livingreview.report.prose import number

# Fewer points are no funnel, and no picture of influence.
MIN_POINTS = 3


def views_of(context, name):
    """What each figure of one outcome shows, and the function that draws it.

    Parameters
    ----------
    context : dict
        ``config``, ``run``, ``effects``, ``estimates``, ``changes``, ``studies`` and ``releases``, as
        `pages.build` has them.
    name : str
        Of an outcome of the protocol.

    Returns
    -------
    dict of str to (dict, callable)
        By kind, which becomes the name of the file. A kind for which there are too few effects is absent.
    """
    found = context["estimates"]["outcomes"][name]
    listed = {
        "forest": forest.drawing(context, name),
        **{
            f"forest-by-{_slug(part['variable'])}": listings.groups(context, name, part)
            for part in found["subgroups"]
        },
        "sensitivity": listings.analyses(context, name) if found["main"]["k"] else None,
        "leave-one-out": listings.left_out(context, name),
        "cumulative": listings.cumulative(context, name),
    }
    views = {kind: (view, figures.forest) for kind, view in listed.items()}
    views["funnel"] = (funnel(context, name), planes.funnel)
    views["baujat"] = (baujat(context, name), planes.baujat)
    for one in found["regressions"]:
        views[f"bubble-{_slug(one['variable'])}"] = (bubble(context, name, one), planes.bubble)
    return {kind: (view, draw) for kind, (view, draw) in views.items() if view is not None}


def in_page(context, name, forest_view):
    """The figures of one outcome as the page needs them.

    Parameters
    ----------
    context, name
        As `views_of`.
    forest_view : dict or None
        From `forest.view`, for the drawings of groups.

    Returns
    -------
    dict
        ``files`` (kind to title, svg and png: names beside the page); ``funnel`` and ``baujat`` (markup, or
        None), ``funnel_says``; ``regressions`` (see `regression`, with ``kind`` and ``drawn``); ``analyses``,
        ``left_out`` and ``cumulative`` (see `listings.cells`, or None); ``marks`` (for each step of the
        cumulative table the releases before it, the last for those after all); ``groups`` (markup by variable
        and place).
    """
    views = views_of(context, name)
    steps = context["estimates"]["outcomes"][name]["cumulative"]
    listed = {kind: view for kind, (view, draw) in views.items() if draw is figures.forest}
    planar = {kind: draw(view) for kind, (view, draw) in views.items() if draw is not figures.forest}
    return {
        "files": {kind: filed(kind, name) | {"title": view["title"]} for kind, (view, _) in views.items()},
        "funnel": planar.get("funnel"),
        "funnel_says": funnel_words(context, name),
        "baujat": planar.get("baujat"),
        "regressions": [
            regression(one, level=context["config"]["analysis"]["level"])
            | {"kind": kind, "drawn": planar.get(kind)}
            for one in context["estimates"]["outcomes"][name]["regressions"]
            for kind in [f"bubble-{_slug(one['variable'])}"]
        ],
        "analyses": listings.cells(listed.get("sensitivity")),
        "left_out": listings.cells(listed.get("leave-one-out")),
        "cumulative": listings.cells(listed.get("cumulative")),
        "marks": _marks(listings.marked(steps, listings.releases(context))),
        "groups": {(row["variable"], row["at"]): row["drawn"] for row in forest_view["groups"]}
        if forest_view
        else {},
    }


def _marks(marked):
    """Words before each step and, last, after all of them."""
    found = [[]]
    for step, words in marked:
        if step is None:
            found[-1].append(words)
        else:
            found.append([])
    return found


def filed(kind, outcome):
    """The files of a figure, relative to the page."""
    return {"svg": f"figures/{kind}-{outcome}.svg", "png": f"figures/{kind}-{outcome}.png"}


def origin(context, name):
    """Which review a figure of an outcome is from, and as of when; the same until its trials change.

    Not the run that draws it: a figure that shows the same again is the same file.
    """
    found = last_change(context, name)
    since = "" if found is None else f"; trials last entered or corrected in run {found}"
    return f"{context['config']['review']['title']}. Living systematic review{since}."


def last_change(context, name):
    """The last run in which a row of an outcome, or one of its trials, was entered or corrected.

    Returns
    -------
    str or None
        None where no trial of the outcome has entered the review.
    """
    rows = [row for row in context["effects"] if row["outcome"] == name and not prose.missing(row["entered"])]
    trials = {row["study"] for row in rows}
    # A row's own run is that of its latest correction; a trial may be included after its rows were extracted.
    runs = [run for row in rows for run in (row["run"], row["entered"])]
    runs += [study["run"] for study in context["studies"] if study["study_id"] in trials]
    return max(runs, default=None)


def funnel(context, name):
    """The view of the funnel plot; None for fewer than `MIN_POINTS` effects."""
    found = context["estimates"]["outcomes"][name]
    shape = found["funnel"]
    if len(shape["points"]) < MIN_POINTS:
        return None
    new = forest.new_rows(context, name)
    noun = prose.lower_first(context["config"]["outcomes"][name]["label"])
    filled = [{"yi": row["yi"], "se": row["vi"] ** 0.5} for row in shape["filled"]]
    pooled = number(found["main"]["estimate"])
    return {
        "name": f"funnel-{name}",
        "title": f"Funnel plot: {noun}",
        "description": f"{prose.plural(len(shape['points']), 'effect')} by standard error around the pooled g"
        f" of {pooled}; {prose.plural(len(filled), 'effect')} put in by trim and fill.",
        "points": [
            {"yi": row["yi"], "se": row["vi"] ** 0.5, "new": row["row_id"] in new} for row in shape["points"]
        ],
        "filled": filled,
        "estimate": found["main"]["estimate"],
        "limit": shape["limit"],
        "slope": shape["slope"],
        "level": context["config"]["analysis"]["level"],
        "note": _funnel_note(
            context, new=bool(new), filled=bool(filled), line=not prose.missing(shape["slope"])
        ),
    }


def _funnel_note(context, *, new, filled, line):
    """What the signs of a funnel mean, for a file that stands alone."""
    level = prose.percent(100 * context["config"]["analysis"]["level"])
    parts = [
        f"Dark rim: new since release {context['changes']['release']['version']}." if new else "",
        "Open circles: put in by trim and fill." if filled else "",
        f"Vertical line and broken cone: the pooled effect, and where {level} of effects would lie if all"
        " trials had one true effect.",
        "Sloping line: Egger\u2019s regression." if line else "",
        "Shades: p-value against no effect.",
    ]
    return " ".join(part for part in parts if part)


def funnel_words(context, name):
    """What the funnel shows, in sentences, with every effect that was put in."""
    shape = context["estimates"]["outcomes"][name]["funnel"]
    if shape["reason"]:
        return [f"Trim and fill was not computed: {shape['reason']}."]
    if not shape["filled"]:
        return ["Trim and fill finds no effect missing."]
    values = "; ".join(
        f"{number(row['yi'])} (standard error {number(row['vi'] ** 0.5)})" for row in shape["filled"]
    )
    noun = prose.spelled_plural(len(shape["filled"]), "effect")
    return [f"Trim and fill puts in {noun} on the {shape['side']}: {values}."]


def baujat(context, name):
    """The view of the Baujat plot; None where influence was not computed."""
    rows = context["estimates"]["outcomes"][name]["influence"]
    keys = ("baujat_heterogeneity", "baujat_influence")
    points = [
        {"label": row["label"], "across": row[keys[0]], "up": row[keys[1]]}
        for row in rows
        if not any(prose.missing(row[key]) for key in keys)
    ]
    if len(points) < MIN_POINTS:
        return None
    noun = prose.lower_first(context["config"]["outcomes"][name]["label"])
    return {
        "name": f"baujat-{name}",
        "title": f"Contribution to heterogeneity and influence: {noun}",
        "description": f"{prose.plural(len(points), 'effect')}. Every number is in the table of influence.",
        "points": points,
    }


def bubble(context, name, found):
    """The view of effects against a number; None where no line was fitted."""
    if found["reason"]:
        return None
    noun = prose.lower_first(context["config"]["outcomes"][name]["label"])
    return {
        "name": f"bubble-{_slug(found['variable'])}-{name}",
        "title": f"Effects by {prose.lower_first(found['label'])}: {noun}",
        "description": f"{prose.plural(found['k'], 'effect')} with the fitted line and its confidence"
        " interval. Every number is in the table below.",
        "what": found["label"],
        "points": found["points"],
        "line": found["line"],
    }


def regression(found, *, level):
    """A regression as printed: ``label``, ``says`` (sentences) and ``rows`` (label, value, g, weight)."""
    label = prose.lower_first(found["label"])
    if found["reason"]:
        says = [f"No regression was computed: {found['reason']}."]
    else:
        limits = prose.spoken_interval(found["ci_low"], found["ci_high"], 3)
        says = [
            f"From one unit of {label} to the next, g changes by {number(found['slope'], 3)}"
            f" ({prose.percent(100 * level)}{prose.NBSP}CI {limits}; {prose.plural(found['k'], 'effect')});"
            f" \u03c4\u00b2 left over {number(found['tau2'], 3)},"
            f" {prose.percent(found['R2'])} of it explained."
        ]
        if found["advice"]:
            says.append(f"A slope from {found['advice']} is a guess.")
    if found["left_out"]:
        noun = prose.spelled_plural(len(found["left_out"]), "effect")
        says.append(f"Left out, since the number is not known: {noun} ({prose.listed(found['left_out'])}).")
    rows = [
        {
            "label": row["label"],
            "value": f"{row['value']:.10g}",
            "g": number(row["yi"]),
            "g_sort": row["yi"],
            "weight": prose.percent(row["weight"], 1),
            "weight_sort": row["weight"],
        }
        for row in found["points"]
    ]
    return {"label": found["label"], "says": says, "rows": rows}


def _slug(text):
    """A variable's name as part of a file's name."""
    return re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-")
