"""The section of each outcome: sentences, forest plot, and the tables behind them."""

from livingreview.report import changes, drawings, forest, links, prose, sensitivity
from livingreview.report.prose import count, interval, number, percent

# More rows than this, and a browser lays an outcome out when it comes near, not when the page opens.
LONG = 100


def outcomes(context):
    """The sections of the outcomes, in the protocol's order."""
    return [_outcome(context, name) for name in context["config"]["outcomes"]]


def _outcome(context, name):
    config = context["config"]
    found = context["estimates"]["outcomes"][name]
    main = found["main"]
    declared = config["outcomes"][name]
    level = config["analysis"]["level"]
    pooled, aside = forest.in_pool(context, name), forest.aside(context, name)
    table = forest.view(context, name)
    drawn = drawings.in_page(context, name, table)
    return {
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
        "subgroups_summary": ", ".join(_compared(row) for row in found["subgroups"]),
        "leave_one_out": [_omitted(row) for row in found["leave_one_out"]],
        "left_out_range": _left_out_range(found["leave_one_out"]),
        "published": _published(context["releases"], name, main),
        "release": changes.compared_with(context),
        "since": changes.since(context, name),
        "aside": aside,
        "aside_count": prose.plural(len(aside), "row"),
        "aside_sensitivity": _spelled_none(sum(row["sensitivity"] != "no" for row in aside)),
        "forest": table,
        "long": len(pooled) > LONG,
        "drawn": drawn,
        "by_group": [kind for kind in drawn["files"] if kind.startswith("forest-by-")],
    }


def _spelled_none(n):
    return prose.spelled(n) if n else "none"


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


def _compared(row):
    """A variable of the subgroups with its test: ``condition (p = 0.396)``, ``age group (not tested)``."""
    tested = prose.p_value(row["between"]["p"]) if row["between"] else "not tested"
    return f"{prose.lower_first(row['label'])} ({tested})"


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
