"""How it was done, and where every number comes from."""

from livingreview import tables
from livingreview.report import prose
from livingreview.report.prose import count, number, percent

MEASURES = {"SMD": "standardised mean differences (Hedges’ g)"}
METHODS_TAU2 = {
    "REML": "restricted maximum likelihood",
    "ML": "maximum likelihood",
    "DL": "the method of DerSimonian and Laird",
    "PM": "the method of Paule and Mandel",
    "PMM": "the median-unbiased method of Paule and Mandel",
    "EB": "the empirical Bayes method",
    "HE": "the method of Hedges",
    "HS": "the method of Hunter and Schmidt",
    "HSk": "the method of Hunter and Schmidt, with its small-sample correction",
    "SJ": "the method of Sidik and Jonkman",
}
METHODS_CI = {
    "knha": "those of Hartung and Knapp",
    "adhoc": "those of Hartung and Knapp, never narrower than the usual ones",
    "t": "Wald intervals from the t distribution",
    "z": "Wald intervals from the normal distribution",
}
SEVERAL = {
    "priority": "One row per trial, outcome and comparison enters a pool: the preferred instrument.",
    "composite": "Several instruments of one trial, outcome and comparison enter a pool as their mean.",
    "all": "Several instruments of one trial, outcome and comparison all enter a pool, by a model of"
    " correlated and hierarchical effects with robust variance.",
}
NOT_PRINTED = {
    "set_aside": "Effects printed without arm sizes stay out of the pool and enter the sensitivity analysis,"
    " where equal arms are assumed.",
    "equal": "Effects printed without arm sizes enter the pool with equal arms assumed; each is marked.",
}


def methods(context):
    """How it was done: protocol, methods that the estimates name, configuration."""
    config = context["config"]
    return {
        "include": config["eligibility"]["include"],
        "exclude": config["eligibility"]["exclude"],
        "text": _methods_text(config),
        "statement": config["living"]["statement"],
        "retirement": config["living"].get("retirement", ""),
        "values": flatten(
            {key: config[key] for key in ("outcomes", "analysis", "interpretation", "subgroups", "living")}
        ),
    }


def _methods_text(config):
    """The analysis in words, from the values of the protocol."""
    rules, analysis = config["interpretation"], config["analysis"]
    when = "after treatment" if analysis["timepoint"] == "post" else "at follow-up"
    level = percent(100 * analysis["level"])
    bounds = [number(rules[name]) for name in ("no_effect", "small", "moderate", "large")]
    few = prose.spelled_plural(rules["minimum_studies"], "trial")
    return [
        f"Effects are {MEASURES[analysis['measure']]}, {when}; negative values favour the intervention."
        f" {SEVERAL[analysis.get('several_effects', 'priority')]}",
        "Pooling is by a random-effects model. The variance between trials, τ², is estimated by"
        f" {METHODS_TAU2[analysis['method_tau2']]}; confidence intervals are"
        f" {METHODS_CI[analysis['method_ci']]}, at {level}. The methods of each prediction interval and of I²"
        " are named beside each result.",
        NOT_PRINTED[analysis["arm_sizes_not_printed"]],
        f"Size words: below {bounds[0]} little or no difference; below {bounds[1]} very slightly; below"
        f" {bounds[2]} a little; below {bounds[3]} moderately; from there a lot. “May” is written where the"
        f" interval includes zero or fewer than {few} were found. No word"
        " depends on a p-value alone.",
    ]


def provenance(context):
    """Where every number comes from: the files that this page was made of."""
    return {
        "files": [
            {"name": row["name"], "sha256": row["sha256"][:12], "bytes": count(row["bytes"])}
            for row in context["files"]
        ],
        "software": sorted(context["software"].items()),
        "run": context["run"],
        "code": context["code"],
        "protocol": tables.digest(context["config"]),
        "pooled": [_behind(context, name) for name in context["config"]["outcomes"]],
    }


def _behind(context, name):
    """From a pooled number of the first screen to its rows."""
    main = context["estimates"]["outcomes"][name]["main"]
    return {
        "name": name,
        "label": context["config"]["outcomes"][name]["short"],
        "estimate": number(main["estimate"]) if main["k"] else "no estimate",
        "rows": prose.plural(main["k"], "row"),
    }


def flatten(tree, prefix=""):
    """A nested mapping as (dotted name, value as text), in order; lists of plain values are joined."""
    if isinstance(tree, dict):
        pairs = ((f"{prefix}{key}", value) for key, value in tree.items())
    else:
        pairs = ((f"{prefix}{index}", value) for index, value in enumerate(tree, start=1))
    out = []
    for name, value in pairs:
        nested = isinstance(value, dict) or (
            isinstance(value, list) and any(isinstance(v, dict) for v in value)
        )
        if nested:
            out += flatten(value, f"{name}.")
        else:
            out.append((name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)))
    return out
