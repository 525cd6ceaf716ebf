"""Whether an estimate holds under other choices: the sensitivity table and the diagnostics, as shown."""

from livingreview.pooling.small_study import TOO_FEW
from livingreview.report import prose
from livingreview.report.prose import count, interval, number, percent


def view(found, *, level):
    """The sensitivity table and the diagnostics of one outcome.

    Parameters
    ----------
    found : dict
        Of estimates.json, one outcome with effects in its pool.
    level : float
        Of the intervals.

    Returns
    -------
    dict
        ``lead`` (a sentence), ``rows`` (computed), ``left`` (what was not, grouped by reason),
        ``small_study``, ``shares`` (sentences), ``influence`` and ``cumulative`` (rows).
    """
    rows = found["sensitivity_table"]
    return {
        "lead": lead(rows),
        "rows": [_row(row) for row in rows if not row["reason"]],
        "left": _left(rows),
        "small_study": _small_study(found["small_study"]),
        "shares": _shares(found["shares"], level=level),
        "influence": [_influence(row) for row in found["influence"]],
        "cumulative": [_step(row) for row in found["cumulative"]],
    }


def lead(rows):
    """What the other analyses make of the estimate: how far it moves, and whether its interval holds zero.

    Adjustments for small-study effects that rest on too few effects are left out, and counted.

    Parameters
    ----------
    rows : list of dict
        The sensitivity table of estimates.json, the main analysis among them.
    """
    computed = [
        row
        for row in rows
        if row["analysis"] != "main" and not row["reason"] and not prose.missing(row["estimate"])
    ]
    others = [row for row in computed if TOO_FEW not in row["note"].lower()]
    few = len(computed) - len(others)
    noun = prose.sentence(prose.spelled_plural(few, "adjustment"))
    counted = f"cannot be interpreted and {'is' if few == 1 else 'are'} not counted"
    beside = f" {noun} for small-study effects {counted}." if few else ""
    if not others:
        return f"No other analysis could be computed.{beside}"
    values = [row["estimate"] for row in others]
    low, high = number(min(values)), number(max(values))
    where = f"g lies between {low} and {high}" if low != high else f"g is {low}"
    bounded = [row for row in others if not prose.missing(row["ci_low"])]
    n = sum(prose.crosses_zero(row["ci_low"], row["ci_high"]) for row in bounded)
    text = f"In {prose.spelled_plural(len(others), 'other analysis', 'other analyses')} {where}"
    main = next((row for row in rows if row["analysis"] == "main"), None)
    if main is None or prose.missing(main["ci_low"]) or not bounded:
        return f"{text}.{beside}"
    includes = "includes" if prose.crosses_zero(main["ci_low"], main["ci_high"]) else "excludes"
    many = "all" if n == len(bounded) and n > 1 else prose.spelled(n) if n else "none"
    told = f"the interval of {many} of them includes zero, that of the main analysis {includes} it"
    return f"{text}; {told}.{beside}"


def _row(row):
    return {
        "label": row["label"],
        "main": row["analysis"] == "main",
        "k": count(row["k"]),
        "n_studies": count(row["n_studies"]),
        "estimate": number(row["estimate"]),
        "interval": interval(row["ci_low"], row["ci_high"]),
        "prediction": interval(row["pi_low"], row["pi_high"]),
        "tau2": number(row["tau2"], 3),
        "I2": prose.NOT_ESTIMATED if prose.missing(row["I2"]) else percent(row["I2"]),
        "method": prose.method(row["method"]),
        "note": prose.sentence(row["note"]) if row["note"] else "",
    }


def _left(rows):
    """What was not computed, those of one reason together: (names, reason)."""
    reasons = {}
    for row in rows:
        if row["reason"]:
            reasons.setdefault(row["reason"], []).append(prose.lower_first(row["label"]))
    return [
        {"names": prose.sentence(prose.listed(list(dict.fromkeys(names)))), "reason": reason}
        for reason, names in reasons.items()
    ]


def _small_study(tests):
    """Sentences about small-study effects; too few trials are said before any number."""
    egger, begg, lost = tests["egger"], tests["begg"], tests["fail_safe"]
    if egger["reason"]:
        return [f"Tests for small-study effects were not computed: {egger['reason']}."]
    sentences = [f"{prose.sentence(egger['advice'])}."] if egger["advice"] else []
    freedom = f"{prose.plural(egger['df'], 'degree')} of freedom"
    stat = f"Egger’s regression: t = {number(egger['stat'])} on {freedom}"
    sentences.append(f"{stat}, {prose.p_value(egger['pval'])}.")
    if not begg["reason"]:
        sentences.append(
            f"Rank correlation (Begg and Mazumdar): Kendall’s τ = {number(begg['tau'])},"
            f" {prose.p_value(begg['pval'])}."
        )
    if not lost["reason"]:
        sentences.append(
            f"Fail-safe N ({lost['type']}): {count(lost['fsnum'])}; it says nothing about how many trials are"
            " missing."
        )
    return sentences


def _shares(shares, *, level):
    sentences = []
    for one in shares:
        if prose.missing(one["share"]):
            continue
        bound = (
            interval(100 * one["ci_low"], 100 * one["ci_high"], 0) if not prose.missing(one["ci_low"]) else ""
        )
        limits = f" ({percent(100 * level)}{prose.NBSP}CI {bound})" if bound else ""
        beyond = prose.effect(one["threshold"])
        sentences.append(f"{percent(100 * one['share'])}{limits} of true effects lie below {beyond}")
    if not sentences:
        return ""
    return f"If true effects are normally distributed, {'; '.join(sentences)}."


def _influence(row):
    return {
        "label": row["label"],
        "rstudent": number(row["rstudent"]),
        "dffits": number(row["dffits"]),
        "cook_d": number(row["cook_d"]),
        "cov_r": number(row["cov_r"]),
        "tau2_del": number(row["tau2_del"], 3),
        "hat": number(row["hat"]),
        "heterogeneity": number(row["baujat_heterogeneity"]),
        "moved": number(row["baujat_influence"]),
        "influential": "yes" if row["influential"] else "no",
    }


def _step(row):
    return {
        "entered": prose.month(row["entered"]),
        "entered_sort": row["entered"],
        "label": row["label"],
        "k": count(row["k"]),
        "estimate": number(row["estimate"]),
        "interval": interval(row["ci_low"], row["ci_high"]),
        "tau2": number(row["tau2"], 3),
    }
