"""The report's forest plot of effects that no run has pooled yet."""

from livingreview import tables
from livingreview.desk.extraction import fields
from livingreview.desk.preview import pools
from livingreview.report import figures, forest, prose


def forest_of(effects, found, *, outcome, config, studies, marked, before, called):
    """The table of one outcome, as `forest.view` has it.

    Parameters
    ----------
    effects : DataFrame
        All effects, as ``effects.csv`` has them.
    found : dict
        ``main`` and ``weights`` of the outcome.
    outcome : str
    config : dict
        The protocol.
    studies : DataFrame
    marked : collection of str
        Ids of the rows to be marked.
    before : dict or None
        The main estimate to be drawn beside that of now.
    called : str
        What that is called.

    Returns
    -------
    dict or None
        With ``zone_drawn`` (the band of no effect, for each row); None where the pool is empty.
    """
    context = {
        "config": config,
        "estimates": {"outcomes": {outcome: found | {"subgroups": []}}},
        "effects": tables.plain_rows(effects[effects["outcome"] == outcome]),
        "studies": tables.plain_rows(studies[["study_id", "year", "comparator_class"]]),
        "changes": {
            "release": {"version": ""},
            "outcomes": {outcome: {"added": [{"row_id": row} for row in marked], "before": before}},
        },
        # What stands behind each row is on other pages of the desk.
        **{name: [] for name in ("extracted", "judged", "corrections", "findings")},
    }
    view = forest.view(context, outcome)
    if view is None:
        return None
    axis = figures.cell_scale(figures.forest_scale(forest.drawing(context, outcome)))
    if view["before"]:
        view["before"]["label"] = called
    for row in view["rows"]:
        row["marked"] = row["id"].removeprefix(f"{outcome}-") in marked
    return view | {
        "zone_drawn": figures.small_zone(axis, zone=config["interpretation"]["no_effect"]),
        "level": prose.percent(100 * config["analysis"]["level"]),
    }


def numbers(after, before, *, marked, config):
    """The two pools beside each other: a row for each number, as (name, before, after).

    Parameters
    ----------
    after, before : dict
        ``main`` and ``weights`` of `pools.main_of`.
    marked : collection of str
        Ids of the rows whose weight is told.
    config : dict
    """
    level = prose.percent(100 * config["analysis"]["level"])
    pair = (before, after)
    found = [
        ("Effects", *(prose.comparisons(one["main"]["k"], one["main"]["n_studies"]) for one in pair)),
        ("Pooled g", *(prose.number(one["main"]["estimate"]) for one in pair)),
        (f"{level} confidence interval", *(_interval(one["main"], "ci") for one in pair)),
        ("Prediction interval", *(_interval(one["main"], "pi") for one in pair)),
        ("τ²", *(prose.number(one["main"]["tau2"], 3) for one in pair)),
        ("I²", *(prose.percent(one["main"]["I2"]) for one in pair)),
    ]
    weights = [sum(row["weight"] for row in one["weights"] if row["row_id"] in marked) for one in pair]
    if any(weights):
        found.append(("Weight of the marked", *(prose.percent(w, 1) if w else prose.NOT_ESTIMATED
                                                for w in weights)))  # fmt: skip
    return found


def _interval(main, name):
    return prose.interval(main[f"{name}_low"], main[f"{name}_high"])


def effect(row, *, config):
    """One effect in words.

    Parameters
    ----------
    row : dict
        A row of effects.

    Returns
    -------
    dict
        ``what`` (instrument, time, comparison), ``effect`` (g with its interval, "" if it has none), ``side``
        (whom it favours), ``how`` (what it was computed from, and what that assumes), ``out`` (why it does
        not enter the pool, "" if it does).
    """
    told = [row["instrument"], forest.TIMEPOINTS.get(row["timepoint"], row["timepoint"]), row["comparison"]]
    found = {"what": ", ".join(part for part in told if part and not prose.missing(part))}
    if prose.missing(row["yi"]) or prose.missing(row["vi"]):
        return found | {"effect": "", "side": "", "how": "", "out": prose.sentence(row["reason"] or "")}
    from livingreview.pooling.outcomes import interval  # noqa: PLC0415  loads SciPy's statistics

    low, high = interval(row["yi"], row["vi"], level=config["analysis"]["level"])
    assumed = f" Assumed: {row['assumption']}." if row["assumption"] else ""
    return found | {
        "effect": f"{prose.effect(row['yi'])} {prose.interval(low, high)}",
        "side": _side(row["yi"], low, high, config["interpretation"]),
        "how": f"From {row['conversion']}.{assumed}" if row["conversion"] else "",
        "out": prose.sentence(row["reason"] or "") if not row["in_pool"] else "",
    }


def _side(yi, low, high, rules):
    if prose.number(yi) == prose.number(0.0):
        return "no difference"
    side = rules["favours_left"] if yi < 0 else rules["favours_right"]
    return f"{side}; its interval includes zero" if prose.crosses_zero(low, high) else side


def since_run(standing, found, *, outcome, run_at):
    """An outcome as it is now, beside what the last run made of it.

    Parameters
    ----------
    standing : effects_now.Standing
    found : dict
        The outcome's part of the run's ``estimates.json``.
    outcome : str
    run_at : str
        How the run is called in print: "November 2026".

    Returns
    -------
    dict
        ``label``, ``changes`` (sentences on what is different in the data), ``sentences`` (what that does),
        ``numbers``, ``forest``, ``same`` (whether nothing is different).
    """
    config = standing.config
    head = {"name": outcome, "label": config["outcomes"][outcome]["label"]}
    try:
        after = pools.main_of(standing.effects, outcome, config)
    except pools.not_settled() as error:
        text = f"The pool cannot be computed now: {error}."
        return head | {"changes": [text], "sentences": [], "numbers": [], "forest": None, "same": False}
    moved = pools.changed(after["weights"], found["weights"])
    same = not any(moved.values()) and tables.digest(after["main"]) == tables.digest(found["main"])
    marked = {row["row_id"] for what in ("added", "revised") for row in moved[what]}
    said = {"with_": "now", "without": f"in the run of {run_at}"}
    shown = _beside(
        standing, after, found, outcome=outcome, marked=marked, called=f"Run of {run_at}", same=same
    )
    words = [] if same else pools.words(after["main"], found["main"], rules=config["interpretation"], **said)
    return head | shown | {"same": same, "changes": _changes(moved, same), "sentences": words}


def _beside(standing, after, before, *, outcome, marked, called, same=False):
    """A pool beside an earlier one, in numbers and as a forest plot."""
    given = {"marked": marked, "config": standing.config}
    return {
        "numbers": numbers(after, before, **given),
        "forest": forest_of(
            standing.effects,
            after,
            outcome=outcome,
            studies=standing.studies,
            before=None if same else before["main"],
            called=called,
            **given,
        ),
    }


def _changes(moved, same):
    verbs = {"added": "Added", "revised": "Changed values", "removed": "No longer in the pool"}
    said = [
        f"{verb}: {prose.listed(list(dict.fromkeys(row['label'] for row in moved[what])))}."
        for what, verb in verbs.items()
        if moved[what]
    ]
    return said or ([] if same else ["The same trials and values; the protocol’s methods differ."])


def preview(given, standing, whole):
    """What a form does to the result, outcome by outcome.

    Parameters
    ----------
    given : typed.Given
    standing : effects_now.Standing
    whole : effects_now.Standing or None
        From `effects_now.with_typed`; None where it could not be computed.

    Returns
    -------
    list of dict
        For each outcome that was typed: ``label``, ``rows`` (see `effect`, with ``faults``), ``sentences``,
        ``numbers`` and ``forest`` (None where the typed rows enter no pool or cannot be pooled).
    """
    if whole is None:
        return []
    config = standing.config
    order = [*config["outcomes"], *config.get("other_outcomes", [])]
    typed = {}
    for row in given.rows:
        typed.setdefault(row.cells["outcome"], []).append(row)
    return [
        _outcome(name, typed[name], given, standing, whole)
        for name in sorted(typed, key=lambda name: (order.index(name) if name in order else len(order), name))
    ]


def _outcome(name, rows, given, standing, whole):
    own = whole.effects[whole.effects["study"] == given.typed.study_id]
    of_row = {row["row_id"]: row for row in tables.plain_rows(own)}
    config = standing.config
    declared = config["outcomes"].get(name)
    found = {
        "name": name if declared else None,
        "label": declared["label"] if declared else (name.replace("_", " ") or "No outcome chosen"),
        "rows": [_row(row, of_row, config) for row in rows],
        "sentences": [],
        "numbers": [],
        "forest": None,
    }
    typed = {row.row_id for row in rows}
    marked = {key for key in typed if key in of_row and of_row[key]["in_pool"]}
    if not declared or not (marked or _was_pooled(standing.effects, name, given)):
        return found
    try:
        after, before = pools.main_of(whole.effects, name, config), _without(standing, given, name)
    except pools.not_settled() as error:
        return found | {"sentences": [f"The pool cannot be computed with it: {error}."]}
    words = pools.words(
        after["main"], before["main"], rules=config["interpretation"], with_="with it", without="without it"
    )
    shown = _beside(whole, after, before, outcome=name, marked=marked, called="Without it")
    return found | shown | {"sentences": words}


def _was_pooled(effects, outcome, given):
    own = effects[(effects["study"] == given.typed.study_id) & (effects["outcome"] == outcome)]
    return bool(own["in_pool"].astype(bool).any())


def _without(standing, given, outcome):
    """The pool of an outcome without any of this trial: what it would be if the trial did not exist."""
    is_own = standing.effects["study"] == given.typed.study_id
    # All trials that are not there yet lack in the same pool, whatever they are called.
    key = (given.typed.study_id if is_own.any() else None, outcome)
    if key not in standing.without:
        others = standing.effects[~is_own]
        standing.without[key] = pools.main_of(others, outcome, standing.config)
    return standing.without[key]


def _row(row, of_row, config):
    if row.faults:
        when = forest.TIMEPOINTS.get(row.cells["timepoint"], row.cells["timepoint"])
        told = ", ".join(part for part in (row.cells["instrument"], when) if part)
        return {
            "what": told,
            "effect": "",
            "side": "",
            "how": "",
            "out": "",
            "faults": [_fault(one) for one in row.faults],
        }
    return effect(of_row[row.row_id], config=config) | {"faults": []}


def _fault(found):
    """A fault of a row, told beside the row."""
    return f"{fields.label(found.column)}: {found.what}" if getattr(found, "column", None) else str(found)
