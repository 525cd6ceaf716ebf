"""GRADE's five domains of one pooled outcome: a suggested rating for each, with the numbers behind it.

A rating is 0 (not serious), -1 (serious) or -2 (very serious), or None where data cannot suggest one and
people must judge. Effects are those of the pool: negative favours the treatment.
"""

import math

import scipy  # its parts load at their first use; not every step that loads this reckons with it

from livingreview.pooling.reasons import effects

DOMAINS = ("risk_of_bias", "inconsistency", "indirectness", "imprecision", "publication_bias")
LOW, SOME, HIGH, UNKNOWN = "low", "some", "high", "unknown"
MINUS = "\u2212"
# What each adjustment for small-study effects is called in a sentence.
ADJUSTMENTS = {
    "trim_and_fill": "trim and fill",
    "pet_peese": "PET-PEESE",
    "limit": "limit meta-analysis",
    "selection_model": "a selection model",
}


def rating(value, reason, **numbers):
    """One domain as it stands in certainty.json."""
    return {"rating": value, "reason": reason, "numbers": numbers}


def optimal_information_size(effect, *, alpha=0.05, power=0.8):
    """Participants of a single two-arm trial with the power to see a standardised mean difference.

    Parameters
    ----------
    effect : float
        Standardised mean difference, not zero.
    alpha, power : float
        Two-sided error and power, 0 to 1.

    Returns
    -------
    int
        Of both arms together, each of 2 (z(1 - alpha / 2) + z(power))² / effect² people, rounded up.

    References
    ----------
    Guyatt et al. 2011, J Clin Epidemiol 64:1283-1293 (GRADE guidelines 6); the formula for two means is the
    usual one, as in Julious 2004, Stat Med 23:1921-1986, equation 3 with the standard deviation 1.
    """
    z = scipy.special.ndtri(1 - alpha / 2) + scipy.special.ndtri(power)
    return 2 * math.ceil(2 * z**2 / effect**2)


def regions(low, high, *, zone):
    """Which kinds of effect an interval holds: ``benefit``, ``none`` (within ± zone), ``harm``; a list."""
    held = {"benefit": low < -zone, "none": zone > 0 and low < zone and high > -zone, "harm": high > zone}
    return [name for name, inside in held.items() if inside]


def class_of_judgement(judgement, scale):
    """Where a judgement stands on its tool's scale: ``low``, ``some`` or ``high``.

    Parameters
    ----------
    judgement : str
    scale : sequence of str
        The tool's judgements from the best to the worst. What a tool calls high, serious or critical is
        high, and so is its worst; its best is low.
    """
    if judgement == scale[0]:
        return LOW
    if judgement == scale[-1] or judgement.startswith(("high", "serious", "critical")):
        return HIGH
    return SOME


def risk_of_bias(found, *, classes, rules, smallest, minimum_studies):
    """Suggest a rating from the share of the pool's weight at each risk of bias.

    Parameters
    ----------
    found : dict
        One outcome of estimates.json.
    classes : dict of str to str
        Study to ``low``, ``some`` or ``high``; a study that is missing has no judgement.
    rules : dict
        ``serious_high``, ``serious_not_low``, ``very_serious_high`` and ``unknown``: per cent of the weight.
    smallest : float
        Smallest effect of interest.
    minimum_studies : int
        Trials at low risk, at least, whose own estimate can speak against rating down.

    Notes
    -----
    Weight without judgement is taken for low risk and for high risk in turn. Where both lead to one rating,
    or the better case already rates down, the rating stands; else it is suggested only while that weight is
    no more than ``unknown``. It is one step milder where the trials at low risk alone give nearly the same
    estimate (Guyatt et al. 2011, J Clin Epidemiol 64:407-415, GRADE guidelines 4).
    """
    share = dict.fromkeys((LOW, SOME, HIGH, UNKNOWN), 0.0)
    studies = {name: set() for name in share}
    for row in found["weights"]:
        kind = classes.get(row["study"], UNKNOWN)
        share[kind] += row["weight"]
        studies[kind].add(row["study"])
    low_only = _row(found, "low_risk_of_bias")
    numbers = {f"weight_{name}": round(value, 6) for name, value in share.items()}
    numbers |= {f"trials_{name}": len(names) for name, names in studies.items()} | {
        "low_risk_k": low_only["k"] if low_only else 0,
        "low_risk_estimate": low_only["estimate"] if low_only else None,
        "difference": None,
    }
    best, worst = _by_bias(share, rules, unknown=0.0), _by_bias(share, rules, unknown=share[UNKNOWN])
    text = _bias_text(share, studies)
    if share[UNKNOWN] > rules["unknown"] and best != worst and best == 0:
        return rating(None, f"{text} That leaves too much open for a suggestion.", **numbers)
    value = best
    if low_only and low_only["n_studies"] >= minimum_studies:
        difference = low_only["estimate"] - found["main"]["estimate"]
        numbers["difference"] = difference
        near = abs(difference) < smallest and _same_regions(low_only, found["main"], smallest)
        text += (
            f" The {low_only['n_studies']} trials at low risk alone give g {minus(low_only['estimate'])},"
            f" {'nearly the same as' if near else 'against'} {minus(found['main']['estimate'])} of all."
        )
        value = min(0, value + 1) if near else value
    return rating(value, text, **numbers)


def _by_bias(share, rules, *, unknown):
    high = share[HIGH] + unknown
    if high >= rules["very_serious_high"]:
        return -2
    return -1 if high >= rules["serious_high"] or high + share[SOME] >= rules["serious_not_low"] else 0


def _bias_text(share, studies):
    parts = [
        f"{share[kind]:.0f}% of the weight comes from trials {words}"
        for kind, words in ((HIGH, "at high risk of bias"), (SOME, "with some concerns or unclear risk"))
        if studies[kind]
    ]
    if studies[LOW]:
        parts.append(f"{share[LOW]:.0f}% from trials at low risk")
    n = len(studies[UNKNOWN])
    of = sum(map(len, studies.values()))
    if n:
        have = "has" if n == 1 else "have"
        parts.append(f"{n} of {of} trials ({share[UNKNOWN]:.0f}% of the weight) {have} no overall judgement")
    return f"{'; '.join(parts)}."


def _same_regions(one, other, zone):
    return regions(one["ci_low"], one["ci_high"], zone=zone) == regions(
        other["ci_low"], other["ci_high"], zone=zone
    )


def inconsistency(found, *, rules, smallest):
    """Suggest a rating from the prediction interval, I² and how the trials' own intervals lie.

    Parameters
    ----------
    found, smallest
        As `risk_of_bias`; the zone of no effect is plus and minus `smallest`.
    rules : dict
        ``unimportant``, ``substantial``, ``considerable``: limits of I² in per cent; ``prediction_from``:
        effects from which on the prediction interval is used.

    Notes
    -----
    From ``prediction_from`` effects on: rated down where the prediction interval holds a kind of effect
    (benefit, none, harm) that the confidence interval does not, unless I² is unimportant; by two where that
    kind is the opposite of the estimate and I² is considerable (the rule of CINeMA: Nikolakopoulou et al.
    2020, PLoS Med 17:e1003082). Below: by one where I² is substantial, by two where it is considerable and
    trials lie beyond the zone on both sides. Limits of I²: Cochrane Handbook, section 10.10.2.
    """
    main, rows = found["main"], found["weights"]
    if main["k"] < 2:
        return rating(0, "One trial: nothing that could be inconsistent.", k=main["k"])
    reached = regions(main["ci_low"], main["ci_high"], zone=smallest)
    predicted = _present(main["pi_low"]) and main["k"] >= rules["prediction_from"]
    added = []
    if predicted:
        held = regions(main["pi_low"], main["pi_high"], zone=smallest)
        added = [name for name in held if name not in reached]
    apart = sum(not row["ci_low"] <= main["estimate"] <= row["ci_high"] for row in rows)
    sides = any(row["yi"] < -smallest for row in rows) and any(row["yi"] > smallest for row in rows)
    opposite = "harm" if main["estimate"] < 0 else "benefit"
    numbers = {
        "I2": main["I2"],
        "tau2": main["tau2"],
        "pi_low": main["pi_low"],
        "pi_high": main["pi_high"],
        "prediction_used": predicted,
        "added_by_prediction": added,
        "trials_apart": apart,
        "k": main["k"],
        "both_sides": sides,
    }
    if predicted:
        value = -1 if added and main["I2"] >= rules["unimportant"] else 0
        value = -2 if value and opposite in added and main["I2"] >= rules["considerable"] else value
    else:
        value = -1 if main["I2"] >= rules["substantial"] else 0
        value = -2 if sides and main["I2"] >= rules["considerable"] else value
    return rating(value, _inconsistency_text(numbers, smallest, rules), **numbers)


def _inconsistency_text(numbers, zone, rules):
    text = f"I² is {numbers['I2']:.0f}%, τ² {numbers['tau2']:.3f}"
    words = {"benefit": "benefit", "none": "effects too small to matter", "harm": "harm"}
    if numbers["prediction_used"]:
        interval = f"{minus(numbers['pi_low'])} to {minus(numbers['pi_high'])}"
        added = " and ".join(words[name] for name in numbers["added_by_prediction"])
        told = (
            f"also holds {added}, which the confidence interval does not"
            if added
            else "holds no other kind of effect than the confidence interval"
        )
        text += f"; the prediction interval ({interval}) {told}, counting ±{zone:.2f} as no effect"
    else:
        text += f"; with fewer than {rules['prediction_from']} effects the prediction interval is not used"
    n = numbers["trials_apart"]
    apart = "none" if n == 0 else f"{n}"
    have = "has" if n == 1 else "have"
    return f"{text}; {apart} of {numbers['k']} effects {have} an interval that misses the pooled estimate."


def imprecision(found, *, rules, smallest):
    """Suggest a rating from the confidence interval and the optimal information size.

    Parameters
    ----------
    found, smallest
        As `risk_of_bias`.
    rules : dict
        ``alpha``, ``power``, ``effect``: of `optimal_information_size`.

    Notes
    -----
    By one for each of the two thresholds, plus and minus `smallest`, that lies inside the interval (Zeng et
    al. 2022, J Clin Epidemiol 150:216-224, GRADE guidelines 34; Schünemann et al. 2022, 150:225-242, GRADE
    guidelines 35). An interval that holds neither is rated down by one where the participants are fewer than
    the optimal information size (Guyatt et al. 2011, GRADE guidelines 6), unless some rows do not state how
    many they are: what is not known is not held against the evidence, and is said.
    """
    main = found["main"]
    if not _present(main["ci_low"]):
        return rating(None, "No interval could be estimated, so people must judge.", k=main["k"])
    thresholds = sorted({-smallest, smallest})
    crossed = [value for value in thresholds if main["ci_low"] < value < main["ci_high"]]
    needed = optimal_information_size(rules["effect"], alpha=rules["alpha"], power=rules["power"])
    unknown = main["n_participants_unknown_rows"]
    people = int(main["n_participants"]) if _present(main["n_participants"]) else 0
    met = True if people >= needed else None if unknown else False
    value = -min(len(crossed), 2)
    if value == 0 and met is False:
        value = -1
    numbers = {
        "ci_low": main["ci_low"],
        "ci_high": main["ci_high"],
        "thresholds_inside": crossed,
        "optimal_information_size": needed,
        "participants": people,
        "rows_without_participants": unknown,
        "information_met": met,
    }
    return rating(value, _imprecision_text(numbers, smallest, rules, main["k"]), **numbers)


def _imprecision_text(numbers, smallest, rules, k):
    interval = f"The interval ({minus(numbers['ci_low'])} to {minus(numbers['ci_high'])})"
    crossed = numbers["thresholds_inside"]
    if len(crossed) == 2:
        text = f"{interval} reaches beyond the smallest effect of interest on both sides (±{smallest:.2f})"
    elif crossed:
        text = f"{interval} holds the smallest effect of interest ({minus(crossed[0])})"
    else:
        text = f"{interval} holds neither limit of the smallest effect of interest (±{smallest:.2f})"
    needed = numbers["optimal_information_size"]
    people = f"{numbers['participants']:,} participants"
    if numbers["rows_without_participants"]:
        unknown = numbers["rows_without_participants"]
        people += f" are known ({unknown} of {k} effects state none)"
    size = f"the optimal information size is {needed:,} (to see g {rules['effect']:.2f})"
    ending = {True: "is reached", False: "is not reached", None: "may or may not be reached"}
    return f"{text}; {people}; {size} and {ending[numbers['information_met']]}."


def indirectness(found, *, groups, direct, labels, rules):
    """Suggest a rating from the share of weight whose groups the protocol does not call direct.

    Parameters
    ----------
    found
        As `risk_of_bias`.
    groups : dict of str to dict of str to str
        Variable to row_id to group, as `effects` has them; None where a trial is in no group.
    direct : dict of str to list of str
        Variable (population, condition, comparator) to the groups that are direct. Empty: people must judge.
    labels : dict of str to str
        What each variable is called.
    rules : dict
        ``serious`` and ``very_serious``: per cent of the weight.

    References
    ----------
    Guyatt et al. 2011, J Clin Epidemiol 64:1303-1310 (GRADE guidelines 8).
    """
    if not direct:
        text = "No data tell whether people, treatments and comparators fit the question."
        return rating(None, text)
    shares = {}
    for variable, wanted in direct.items():
        of_row = groups.get(variable, {})
        outside = [row["weight"] for row in found["weights"] if of_row.get(row["row_id"]) not in wanted]
        shares[variable] = sum(outside, 0.0)
    worst = max(shares.values())
    value = -2 if worst >= rules["very_serious"] else -1 if worst >= rules["serious"] else 0
    told = "; ".join(f"{labels.get(name, name).lower()} {share:.0f}%" for name, share in shares.items())
    text = f"Share of the weight outside the groups that the protocol calls direct: {told}."
    return rating(value, text, **{f"weight_outside_{name}": round(v, 6) for name, v in shares.items()})


def publication_bias(found, *, registered, rules):
    """Suggest a rating from tests of small-study effects and what adjusting for them does to the estimate.

    Parameters
    ----------
    found
        As `risk_of_bias`.
    registered : collection of str
        Studies of which a registration number is known.
    rules : dict
        ``tests_from``: effects from which on tests are read; ``p``: below it a test counts; ``shift``: by how
        much an adjustment must move the estimate towards no effect to count.

    Notes
    -----
    At most -1, GRADE's "strongly suspected" (Guyatt et al. 2011, J Clin Epidemiol 64:1277-1282, GRADE
    guidelines 5): a test below ``p``, and at least half of the adjustments that could be computed move the
    estimate by ``shift`` or more. Never by a test alone. Fewer than ten effects are not tested (Cochrane
    Handbook, section 13.3.5.4), and nothing is detected.
    """
    main = found["main"]
    trials = {row["study"] for row in found["weights"]}
    n_registered = len(trials & set(registered))
    have = f"for {n_registered} of {len(trials)} trials a registration number is known"
    numbers = {"k": main["k"], "registered": n_registered, "trials": len(trials)}
    if main["k"] < rules["tests_from"]:
        are = "is" if main["k"] == 1 else "are"
        text = f"Not detected: {effects(main['k'])} {are} too few to test ({rules['tests_from']} are needed)"
        return rating(0, f"{text}; {have}.", **numbers)
    tests = {name: found["small_study"][name]["pval"] for name in ("egger", "begg")}
    moved = {}
    for name in ADJUSTMENTS:
        row = _row(found, name)
        if row is not None:
            moved[name] = _towards_none(row["estimate"], main["estimate"])
    asymmetric = any(_present(p) and p < rules["p"] for p in tests.values())
    shifted = [name for name, value in moved.items() if value >= rules["shift"]]
    numbers |= {f"{name}_p": p for name, p in tests.items()}
    numbers |= {f"shift_{name}": value for name, value in moved.items()} | {"n_shifted": len(shifted)}
    value = -1 if asymmetric and moved and 2 * len(shifted) >= len(moved) else 0
    return rating(value, f"{_small_text(tests, moved, shifted, rules)}; {have}.", **numbers)


def _towards_none(adjusted, estimate):
    """By how much an adjustment moves an estimate towards no effect, and beyond; negative: away from it."""
    return adjusted - estimate if estimate < 0 else estimate - adjusted


def _small_text(tests, moved, shifted, rules):
    said = [
        f"{name} {_p(tests[key])}"
        for key, name in (("egger", "Egger’s regression"), ("begg", "rank correlation"))
        if _present(tests[key])
    ]
    text = (
        f"Small-study effects: {', '.join(said)}" if said else "No test of small-study effects was computed"
    )
    if not moved:
        return f"{text}; no adjustment was computed"
    by = ", ".join(f"{ADJUSTMENTS[name]} by {minus(value)}" for name, value in moved.items())
    return (
        f"{text}; adjusting moves the estimate towards no effect: {by}"
        f" ({len(shifted)} of {len(moved)} by {rules['shift']:.2f} or more)"
    )


def _p(value):
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def _row(found, analysis):
    """The row of the sensitivity table, or None where it was not computed."""
    for row in found["sensitivity_table"]:
        if row["analysis"] == analysis and row["k"] and _present(row["estimate"]):
            return row
    return None


def _present(value):
    return value is not None and not math.isnan(value)


def minus(value, decimals=2):
    """A number with fixed decimals and a real minus sign; what rounds to zero carries no sign."""
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", MINUS)
