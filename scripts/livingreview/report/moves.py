"""What moved an outcome's estimate since the last release, part by part."""

from livingreview.report import prose, waterfall
from livingreview.report.prose import count, interval, missing, number, percent, signed

PARTS = 3  # decimals of the parts of a move, so that they are seen to add up
# In which order causes take effect one at a time, in words.
ORDER = (
    "first what is added, then what is let in, set aside, removed and retracted, then values, then the method"
)
SORTED = ("share", "without", "undone")
SINGLE = {
    "added": "added",
    "admitted": "let into the pool",
    "set_aside": "set aside",
    "removed": "removed",
    "retracted": "retracted",
    "redivided": "shared control divided anew",
    "corrected": "corrected",
    "method": "method changed",
}

# Keywords of the pooling, in the words of the protocol.
OPTIONS = {
    "method": "estimator of τ²",
    "test": "kind of confidence interval",
    "level": "level of the intervals",
    "pi": "kind of prediction interval",
    "correlation": "correlation assumed",
}


def moved(change, *, release):
    """The parts of one outcome's move.

    Parameters
    ----------
    change : dict
        One outcome of changes.json.
    release : str or None
        The version that it is compared with.

    Returns
    -------
    dict or None
        None without a release. ``reason``: why nothing is taken apart, as a sentence, or "". Else ``lead``,
        ``rows`` (the release, each cause in order, this version), ``axis``, ``legend`` and ``singles``, the
        trials and corrections one by one.
    """
    if release is None or "causes" not in change:
        return None
    if change["reason"]:
        reason = f"There is no move since release {release} to take apart: {change['reason']}."
        return {"release": release, "reason": reason, "rows": []}
    software = _prints(change["software"]["estimate"])
    if not change["causes"] and not software:
        text = f"Nothing that enters this pool has changed since release {release}, nor how it is pooled."
        return {"release": release, "reason": text, "rows": []}
    axis, step = waterfall.axis_of(
        [state["estimate"] for state in (change["before"], *change["steps"], change["after"])]
    )
    return {
        "release": release,
        "reason": "",
        "lead": _lead(change, release),
        "rows": _rows(change, axis, release, software=software),
        "axis": waterfall.foot(axis, step),
        "legend": _legend(change),
        "averaged": len(change["shapley"] or []) > 1,
        "singles": _singles(change),
    }


def _prints(value):
    return not missing(value) and float(f"{value:.{PARTS}f}") != 0


def _lead(change, release):
    total, shares = change["total"]["estimate"], change["shapley"]
    text = (
        f"From {number(change['before']['estimate'])} in release {release} to"
        f" {number(change['after']['estimate'])} now: {signed(total)}."
    )
    if shares and len(shares) > 1:
        largest = max(shares, key=lambda part: abs(part["estimate"]))
        about = next(part for part in change["causes"] if part["cause"] == largest["cause"])
        text += f" The largest part, {signed(largest['estimate'])}: {prose.cause_words(about)}."
    elif len(change["causes"]) == 1:
        text += f" One cause: {prose.cause_words(change['causes'][0])}."
    return text


def _rows(change, axis, release, *, software):
    shares = {part["cause"]: part for part in change["shapley"] or []}
    about = {part["cause"]: part for part in change["causes"]}
    at = change["before"]["estimate"]
    rows = [_end(f"Release {release}", change["before"], axis)]
    if software:
        begin = at + change["software"]["estimate"]
        rows.append(_software(change["software"]["estimate"], waterfall.bar(axis, at, begin)))
        at = begin
    elif change["steps"] and not missing(change["steps"][0]["change"]):
        at = change["steps"][0]["estimate"] - change["steps"][0]["change"]
    for step in change["steps"]:
        share = shares.get(step["cause"])
        known = not missing(step["estimate"]) and not missing(at)
        rows.append(
            {
                "label": prose.sentence(prose.cause_words(about[step["cause"]])),
                "note": _method_note(about[step["cause"]]) if step["cause"] == "method" else "",
                "end": False,
                "drawing": waterfall.bar(axis, at, step["estimate"]) if known else "",
                "change": signed(step["change"], PARTS),
                "share": signed(share["estimate"], PARTS) if share else prose.NOT_ESTIMATED,
                **numbers(step),
            }
        )
        at = step["estimate"]
    return [*rows, _end("This version", change["after"], axis)]


def _end(label, state, axis):
    return {
        "label": label,
        "note": "",
        "end": True,
        "drawing": waterfall.mark(axis, state["estimate"]),
        "change": "",
        "share": "",
        **numbers(state),
    }


def _software(difference, drawing):
    empty = dict.fromkeys(("estimate", "interval", "k", "tau2", "I2"), "")
    part = signed(difference, PARTS)
    label = "Computed differently by the software"
    cells = {"change": part, "share": part, **empty}
    return {"label": label, "note": "", "end": False, "drawing": drawing, **cells}


def _method_note(about):
    """What of the method differs, in words."""
    parts = [OPTIONS.get(name, name) for name in about.get("options", [])]
    if about["n_rows"]:
        parts.append(f"{prose.plural(about['n_rows'], 'comparison')} made or let in otherwise")
    return prose.listed(parts)


def numbers(state):
    """A pool as printed; what one effect alone does not have is left blank."""
    several = state["k"] is not None and state["k"] > 1
    return {
        "estimate": number(state["estimate"]),
        "interval": interval(state["ci_low"], state["ci_high"]),
        "k": count(state["k"]),
        "tau2": number(state["tau2"], 3) if several else "",
        "I2": percent(state["I2"]) if several else "",
    }


def _legend(change):
    n = len(change["causes"])
    if n < 2:
        return ["The numbers beside a cause are those of the pool once it has taken effect."]
    said = [f"One cause at a time: {ORDER}. Each row shows the pool once its cause has taken effect."]
    if change["shapley"] is None:
        return [*said, "Shares over all orders are not computed: every order passes through an empty pool."]
    possible, used = change["n_orders_possible"], change["n_orders"]
    orders = f"all {count(possible)} orders"
    if used < possible:
        orders = f"{count(used)} of {count(possible)} orders, the others passing through an empty pool"
    text = f"What a cause adds depends on what came before it; its share is the mean over {orders}"
    return [*said, f"{text}. Shares add up to the whole move."]


def _singles(change):
    """Every trial and correction by itself; nothing where the whole move is a single change."""
    found = change["by_change"]
    if len(found) < 2:
        return None
    shared = all(row["share"] is not None for row in found)
    undone = any(row["without"] is not None for row in found)
    rows = [
        {
            "label": row["label"] or "The method",
            "what": SINGLE[row["cause"]],
            "share": signed(row["share"], PARTS),
            "without": number(row["without"]),
            "undone": signed(row["undone"], PARTS),
            "sort": {name: 0.0 if missing(row[name]) else row[name] for name in SORTED},
        }
        for row in sorted(found, key=lambda row: -abs(_weight(row)))
    ]
    return {"rows": rows, "n": prose.plural(len(rows), "single change"), "shared": shared, "undone": undone}


def _weight(row):
    value = row["share"] if row["share"] is not None else row["undone"]
    return 0.0 if missing(value) else value
