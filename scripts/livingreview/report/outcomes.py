"""The section of each outcome: sentences, forest plot, and the tables behind them."""

from livingreview.report import changes, figures, links, prose, sensitivity
from livingreview.report.prose import count, interval, number, percent


def outcomes(context):
    """The sections of the outcomes, in the protocol's order."""
    return [_outcome(context, name) for name in context["config"]["outcomes"]]


def _outcome(context, name):
    config = context["config"]
    found = context["estimates"]["outcomes"][name]
    change = context["changes"]["outcomes"][name]
    main = found["main"]
    declared = config["outcomes"][name]
    level = config["analysis"]["level"]
    effects = [row for row in context["effects"] if row["outcome"] == name]
    weights = {row["row_id"]: row for row in found["weights"]}
    pooled = [row for row in _by_year(effects, context["studies"]) if row["row_id"] in weights]
    aside = [row for row in effects if row["row_id"] not in weights]
    compared = {row["study_id"]: prose.comparator(row["comparator_class"]) for row in context["studies"]}
    sources = list(dict.fromkeys(row["source"] for row in (*pooled, *aside) if row["source"]))
    view = {
        "name": name,
        "label": declared["label"],
        "description": declared.get("description", ""),
        "sentences": prose.outcome_sentences(
            main,
            label=declared["label"],
            rules=config["interpretation"],
            level=level,
            single=pooled[0]["label"] if len(pooled) == 1 else None,
        ),
        "level": percent(100 * level),
        "heterogeneity": prose.heterogeneity(main) if main["k"] else "",
        "sensitivity": _sensitivity(found.get("sensitivity"), level),
        "robustness": sensitivity.view(found, level=level) if main["k"] else None,
        "subgroups": [_subgroup(row) for row in found["subgroups"]],
        "leave_one_out": [_omitted(row) for row in found["leave_one_out"]],
        "left_out_range": _left_out_range(found["leave_one_out"]),
        "published": _published(context["releases"], name, main),
        "release": changes.compared_with(context),
        "since": changes.since(context, name),
        "table": [
            _numbered(_effect(row, weights[row["row_id"]], change, compared), row, sources) for row in pooled
        ],
        "aside": [_numbered(_set_aside(row), row, sources) for row in aside],
        "sources": sources,
        "sources_count": prose.plural(len(sources), "source"),
        "aside_count": prose.plural(len(aside), "row"),
        "aside_sensitivity": prose.spelled(sum(1 for row in aside if row["in_sensitivity"])),
        "forest": None,
    }
    if pooled:
        drawing = _forest(context, name, pooled, weights)
        view["forest"] = {
            "wide": figures.forest(drawing, figures.WIDE),
            "narrow": figures.forest(drawing, figures.NARROW),
            "zone": number(config["interpretation"]["no_effect"]),
            "any_new": any(row["new"] for row in drawing["rows"]),
            "before": drawing["before"] is not None,
            "prediction": drawing["pool"] is not None and not prose.missing(drawing["pool"]["pi_low"]),
        }
    return view


def _numbered(view, row, sources):
    """A row of a table with the number of its source in the list below, counted from 1."""
    return view | {"source": sources.index(row["source"]) + 1 if row["source"] else None}


def _by_year(rows, studies):
    """Rows in the order of the trials' years, then of their labels; unknown years last."""
    years = {row["study_id"]: row["year"] for row in studies}
    return sorted(rows, key=lambda row: (years.get(row["study"]) or "9999", row["label"]))


def _forest(context, name, pooled, weights):
    config = context["config"]
    rules = config["interpretation"]
    main = context["estimates"]["outcomes"][name]["main"]
    change = context["changes"]["outcomes"][name]
    added = {row["row_id"] for row in change["added"]} if change["before"] else set()
    before = change["before"]
    drawn_before = None
    if before and before["k"] > 1 and not prose.missing(before["estimate"]):
        label = f"Release {changes.compared_with(context)}"
        drawn_before = {key: before[key] for key in ("estimate", "ci_low", "ci_high")} | {"label": label}
    rows = [
        {key: weights[row["row_id"]][key] for key in ("yi", "ci_low", "ci_high", "weight")}
        | {"label": row["label"], "new": row["row_id"] in added}
        for row in pooled
    ]
    trials = prose.comparisons(main["k"], main["n_studies"])
    pooled_g = f"{number(main['estimate'])} {interval(main['ci_low'], main['ci_high'])}"
    return {
        "name": f"forest-{name}",
        "title": f"Forest plot: {prose.lower_first(config['outcomes'][name]['label'])}",
        "description": f"{trials}; pooled g {pooled_g}. Every number is in the table below.",
        "rows": rows,
        "pool": main if main["k"] > 1 else None,
        "before": drawn_before,
        "level": config["analysis"]["level"],
        "zone": rules["no_effect"],
        "favours_left": rules["favours_left"],
        "favours_right": rules["favours_right"],
    }


def _effect(row, weight, change, compared):
    return {
        "label": row["label"],
        "new": bool(change["before"]) and row["row_id"] in {added["row_id"] for added in change["added"]},
        "instrument": prose.instrument(row["instrument"]),
        "comparator": compared.get(row["study"], ""),
        "n": prose.number(row["ni"], 0),
        "n_sort": row["ni"] or 0,
        "g": number(row["yi"]),
        "g_sort": row["yi"],
        "interval": interval(weight["ci_low"], weight["ci_high"]),
        "weight": percent(weight["weight"], 1),
        "weight_sort": weight["weight"],
        "conversion": row["conversion"] or "",
        "assumption": row["assumption"] or "",
        "row_id": row["row_id"],
    }


def _set_aside(row):
    return {
        "label": row["label"],
        "instrument": prose.instrument(row["instrument"]),
        "timepoint": {"post": "after treatment", "follow-up": "follow-up"}.get(row["timepoint"], ""),
        "g": "" if prose.missing(row["yi"]) else number(row["yi"]),
        "g_sort": 99 if prose.missing(row["yi"]) else row["yi"],
        "reason": prose.sentence(row["reason"] or ""),
        "sensitivity": "yes" if row["in_sensitivity"] else "no",
    }


def _sensitivity(row, level):
    if not row:
        return None
    text = f"{prose.sentence(row['what'])}: " if row.get("what") else ""
    if not row["k"]:
        return f"{text}no trial can be added."
    spoken = prose.spoken_interval(row["ci_low"], row["ci_high"])
    trials = prose.comparisons(row["k"], row["n_studies"])
    result = f"{prose.effect(row['estimate'])}, {percent(100 * level)}{prose.NBSP}CI {spoken} ({trials}"
    if row["k"] > 1 and not prose.missing(row["tau2"]):
        result += f"; {prose.spread(row)}"
    return f"{text}{result})."


def _between(row):
    """The test between groups; one with a single effect shows no spread of its own and is not compared."""
    between = row["between"]
    if not between:
        return "no test: fewer than two groups have two comparisons or more"
    text = f"Q = {number(between['QM'])} on {prose.plural(between['df'], 'degree')} of freedom, "
    text += prose.p_value(between["p"])
    single = len(between["left_out"])
    return f"{text}; {prose.spelled_plural(single, 'group')} with k = 1 not compared" if single else text


def _subgroup(row):
    return {
        "label": row["label"],
        "between": _between(row),
        "groups": [
            {
                "label": group["label"],
                "n_studies": count(group["n_studies"]),
                "k": count(group["k"]),
                "estimate": number(group["estimate"]) if group["k"] else prose.NOT_ESTIMATED,
                "interval": interval(group["ci_low"], group["ci_high"]),
                "tau2": number(group["tau2"], 3) if group["k"] > 1 else prose.NOT_ESTIMATED,
                "I2": percent(group["I2"]) if group["k"] > 1 else prose.NOT_ESTIMATED,
            }
            for group in row["groups"]
        ],
    }


def _omitted(row):
    return {
        "label": row["label"],
        "k": count(row["k"]),
        "estimate": number(row["estimate"]),
        "estimate_sort": row["estimate"],
        "interval": interval(row["ci_low"], row["ci_high"]),
        "tau2": number(row["tau2"], 3),
        "I2": percent(row["I2"]),
    }


def _left_out_range(rows):
    values = [row["estimate"] for row in rows if not prose.missing(row["estimate"])]
    if not values:
        return ""
    return f"Leaving out one trial at a time, g lies between {number(min(values))} and {number(max(values))}"


def _published(releases, name, main):
    """The published review's value, as context only."""
    for release in releases:
        if release["kind"] == "published review" and name in release.get("estimates", {}):
            value = release["estimates"][name]
            return {
                "citation": release["citation"],
                "doi": links.doi_link(release["doi"]),
                "value": number(value["estimate"]),
                "ours": number(main["estimate"]) if main["k"] else "",
                "measure": value["measure"].replace("Hedges g", "Hedges’ g"),
            }
    return None
