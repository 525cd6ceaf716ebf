"""The pool of an outcome with and without what was typed, and how the one differs from the other."""

from livingreview.report import prose


def main_of(effects, outcome, config):
    """The main analysis of one outcome by the protocol's methods: ``main`` and ``weights``.

    Raises
    ------
    ConvergenceError
        Where the variance between trials does not settle.
    """
    # SciPy's statistics load with it, which takes more than a second.
    from livingreview.pooling import outcomes as pooling  # noqa: PLC0415

    analysis = config["analysis"]
    return pooling.main_analysis(
        effects,
        outcome=outcome,
        label=config["outcomes"][outcome]["label"],
        measure=analysis["measure"],
        **pooling.fitting(analysis),
    )


def not_settled():
    """The error of a pool that cannot be computed."""
    from livingreview.pooling.between_variance import ConvergenceError  # noqa: PLC0415

    return ConvergenceError


def warm_up():
    """Load what the first preview would otherwise wait for."""
    import scipy  # noqa: PLC0415

    from livingreview.pooling import outcomes  # noqa: F401, PLC0415
    from livingreview.trials import effects  # noqa: F401, PLC0415

    return scipy.special, scipy.stats


def changed(after, before):
    """Which effects of a pool are new in it, are gone from it, or have other values.

    Parameters
    ----------
    after, before : list of dict
        ``weights`` of `main_of`.

    Returns
    -------
    dict of str to list of dict
        ``added`` and ``revised`` (rows of `after`), ``removed`` (rows of `before`).
    """
    now, then = ({row["row_id"]: row for row in rows} for rows in (after, before))
    return {
        "added": [row for row in after if row["row_id"] not in then],
        "revised": [row for row in after if row["row_id"] in then and _differ(row, then[row["row_id"]])],
        "removed": [row for row in before if row["row_id"] not in now],
    }


def _differ(one, other):
    # Results on disk have ten significant digits.
    return any(abs(one[name] - other[name]) > 1e-8 for name in ("yi", "vi"))


def words(after, before, *, rules, with_, without):
    """What a change of the pool means, as sentences.

    Parameters
    ----------
    after, before : dict
        ``main`` of `main_of`.
    rules : dict
        The protocol's ``interpretation``.
    with_, without : str
        How the two pools are called: "with this trial", "without it".

    Returns
    -------
    list of str
    """
    if prose.missing(after["estimate"]):
        return [f"Nothing can be pooled {with_}."]
    if prose.missing(before["estimate"]):
        return [f"Nothing is pooled {without}; {with_} there is {prose.plural(after['k'], 'effect')}."]
    return [
        _moved(before["estimate"], after["estimate"], rules),
        *_conclusion(after, before, rules),
        *_heterogeneity(after, before),
    ]


def _moved(before, after, rules):
    """How far the pooled effect moves: by the difference of the figures that are printed of both."""
    printed = [float(f"{one:.2f}") for one in (before, after)]
    moved = printed[1] - printed[0]
    if prose.number(printed[0]) == prose.number(printed[1]):
        return f"The pooled effect stays where it is, to two decimals ({prose.signed(after - before, 3)})."
    text = prose.signed(moved)
    side = rules["favours_left"] if moved < 0 else rules["favours_right"]
    return f"The pooled effect moves by {text}: to the side that {side}."


def _conclusion(after, before, rules):
    """Whether the word that the report has for the result would change."""
    if after["k"] < 2 or before["k"] < 2:
        return [f"In words: {prose.standing(after, None, rules)}."]
    said = prose.standing(after, before, rules)
    if said.startswith("changed"):
        return [f"The conclusion {said}."]
    sizes = [prose.size_word(row["estimate"], rules) or "little or no difference" for row in (before, after)]
    if sizes[0] != sizes[1]:
        return [f"In the protocol’s words the size changes from “{sizes[0]}” to “{sizes[1]}”."]
    return ["The conclusion stands." if said == "stands" else f"The conclusion stays as it was: {said}."]


def _heterogeneity(after, before):
    if after["k"] < 2 or before["k"] < 2:
        return []
    return [f"Heterogeneity: {prose.spread(before)} before, {prose.spread(after)} after."]
