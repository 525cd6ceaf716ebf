"""The forest plot of an outcome as a table: trials with their intervals drawn, and what is behind a row."""

from livingreview.report import figures, prose, studies
from livingreview.report.prose import count, interval, number, percent

TIMEPOINTS = {"post": "after treatment", "follow-up": "follow-up"}
# Risk of bias as a letter in a shape; the words stand beside it for those who do not see it.
LETTERS = {"low": "L", "some": "S", "high": "H", "other": "?", "none": "\u2013"}
# What a row of the extracted table may hold of each arm, in the order of print; the arm's number follows.
OF_ARM = (
    *("mean", "sd", "se", "ci_low", "ci_high", "median", "q1", "q3", "min", "max", "n"),
    *("baseline_mean", "baseline_sd", "change_mean", "change_sd", "events"),
)
OF_ROW = (
    *("printed_effect", "printed_se", "printed_ci_low", "printed_ci_high", "printed_direction", "t_value"),
    *("f_value", "p_value", "outcome_sd", "correlation", "correlation_source", "n_covariates", "n_total"),
    "shared_control",
)
NAMES = {
    "sd": "SD",
    "se": "SE",
    "ci_low": "CI from",
    "ci_high": "CI to",
    "q1": "first quartile",
    "q3": "third quartile",
    "baseline_mean": "baseline mean",
    "baseline_sd": "baseline SD",
    "change_mean": "mean change",
    "change_sd": "SD of change",
    "printed_effect": "effect",
    "printed_se": "SE",
    "printed_ci_low": "CI from",
    "printed_ci_high": "CI to",
    "printed_direction": "direction",
    "t_value": "t",
    "f_value": "F",
    "p_value": "p",
    "outcome_sd": "SD of the outcome",
    "n_covariates": "covariates",
    "n_total": "n in total",
}


def drawing(context, name):
    """The view of the whole figure, as `figures.forest` takes it; None without effects in the pool."""
    found = context["estimates"]["outcomes"][name]
    weights = {row["row_id"]: row for row in found["weights"]}
    pooled = in_pool(context, name)
    if not pooled:
        return None
    main, label = found["main"], prose.lower_first(context["config"]["outcomes"][name]["label"])
    added = new_rows(context, name)
    trials = prose.comparisons(main["k"], main["n_studies"])
    pooled_g = f"{number(main['estimate'])} {interval(main['ci_low'], main['ci_high'])}"
    return {
        "name": f"forest-{name}",
        "title": f"Forest plot: {label}",
        "description": f"{trials}; pooled g {pooled_g}. Every number is in the table of this outcome.",
        "what": "Trial",
        "rows": [
            {key: weights[row["row_id"]][key] for key in ("yi", "ci_low", "ci_high", "weight")}
            | {"label": row["label"], "new": row["row_id"] in added}
            for row in pooled
        ],
        "pool": main | {"label": "Pooled, random effects"} if main["k"] > 1 else None,
        "before": before(context, name),
        "note": _note(context, added),
        **axis_words(context),
    }


def _note(context, added):
    """What the signs of the whole figure mean, for a file that stands alone."""
    new = f"Bold: new since release {context['changes']['release']['version']}. " if added else ""
    return f"{new}{band_words(context)}"


def band_words(context):
    """What the band around zero means."""
    return f"Band: counted as no effect (\u00b1{number(context['config']['interpretation']['no_effect'])})."


def axis_words(context):
    """What every drawing of effects takes from the protocol."""
    rules = context["config"]["interpretation"]
    return {
        "level": context["config"]["analysis"]["level"],
        "zone": rules["no_effect"],
        "favours_left": rules["favours_left"],
        "favours_right": rules["favours_right"],
    }


def in_pool(context, name):
    """The effects in the pool of an outcome, by the trials' years, then their labels; unknown years last."""
    weighted = {row["row_id"] for row in context["estimates"]["outcomes"][name]["weights"]}
    years = {row["study_id"]: row["year"] for row in context["studies"]}
    rows = [row for row in context["effects"] if row["outcome"] == name and row["row_id"] in weighted]
    return sorted(rows, key=lambda row: (years.get(row["study"]) or "9999", row["label"]))


def new_rows(context, name):
    """Ids of the rows that entered the pool since the release; none before the first release."""
    change = context["changes"]["outcomes"][name]
    return {row["row_id"] for row in change["added"]} if change["before"] else set()


def before(context, name):
    """The pool of the last release, to be drawn beside that of now; None where it had none."""
    found, release = context["changes"]["outcomes"][name]["before"], context["changes"]["release"]
    if not found or found["k"] < 2 or prose.missing(found["estimate"]):
        return None
    kept = {key: found[key] for key in ("estimate", "ci_low", "ci_high")}
    return kept | {"label": f"Release {release['version']}"}


def view(context, name):
    """The table of one outcome.

    Parameters
    ----------
    context : dict
        As `pages.build` has it.
    name : str
        Of an outcome of the protocol.

    Returns
    -------
    dict or None
        ``rows`` (in the pool) and what is drawn below them (``pool``, ``prediction``, ``before``, ``axis``),
        ``filters`` and ``groups`` for the script; None where the pool is empty. `aside` gives the others.
    """
    drawn = drawing(context, name)
    if drawn is None:
        return None
    found = context["estimates"]["outcomes"][name]
    axis = figures.cell_scale(figures.forest_scale(drawn))
    pooled, facts = in_pool(context, name), _Facts(context, name)
    weights = {row["row_id"]: row for row in found["weights"]}
    compared = list(dict.fromkeys(facts.comparator(row) for row in pooled))
    variables = [_variable(part) for part in found["subgroups"]]
    heaviest = max(row["weight"] for row in drawn["rows"])
    rows = [
        facts.row(row, weights[row["row_id"]], drawn=figures.cell_effect(axis, one, heaviest=heaviest))
        | {
            "new": one["new"],
            # Numbers for the script: what may be chosen in the filters, and the group in each variable.
            "filter": _positions(
                [LEVELS.index(facts.level(row)), compared.index(facts.comparator(row)), int(one["new"])]
            ),
            "group": _positions(
                part["values"].index(row.get(part["variable"]))
                if row.get(part["variable"]) in part["values"]
                else len(part["values"])
                for part in variables
            ),
        }
        for row, one in zip(pooled, drawn["rows"], strict=True)
    ]
    means, lights = any(row["means"] for row in rows), any(row["level"] != "none" for row in rows)
    main, earlier = found["main"], drawn["before"]
    several = main["k"] > 1
    return {
        "id": f"{name}-forest",
        "band": figures.cell_band(axis, zone=drawn["zone"]),
        "rows": rows,
        "means": means,
        "lights": lights,
        "columns": 6 + means + lights,
        "k": count(main["k"]),
        "trials": prose.comparisons(main["k"], main["n_studies"]),
        "n": _participants(main),
        "pool": _pooled(axis, main) if several else None,
        "prediction": {
            "drawn": figures.cell_prediction(axis, main),
            "interval": interval(main["pi_low"], main["pi_high"]),
        }
        if several and not prose.missing(main["pi_low"])
        else None,
        "before": _pooled(axis, earlier, style="before") | {"label": earlier["label"]} if earlier else None,
        "axis": figures.cell_axis(axis),
        "beyond": any(not axis.holds(row["yi"]) for row in drawn["rows"]),
        "any_new": any(row["new"] for row in rows),
        "zone": number(drawn["zone"]),
        "favours_left": drawn["favours_left"],
        "favours_right": drawn["favours_right"],
        "levels": [
            {"at": at, "label": label}
            for at, (level, label) in enumerate(studies.LEVELS)
            if any(row["level"] == level for row in rows)
        ],
        "comparators": [{"at": at, "label": label} for at, label in enumerate(compared)],
        "variables": [{"at": at, "label": part["label"]} for at, part in enumerate(variables)],
        "groups": [
            {"variable": at, "at": place, "label": group["label"], "k": count(group["k"])}
            | _group(axis, group)
            for at, part in enumerate(found["subgroups"])
            for place, group in enumerate(part["groups"])
        ],
        "tools": facts.tools([row["study"] for row in pooled]),
    }


LEVELS = [level for level, _ in studies.LEVELS]


def aside(context, name):
    """The rows of an outcome that are not in its pool, each with the reason and what lies behind it."""
    weighted = {row["row_id"] for row in context["estimates"]["outcomes"][name]["weights"]}
    rows = [row for row in context["effects"] if row["outcome"] == name and row["row_id"] not in weighted]
    facts = _Facts(context, name)
    return [
        {
            "id": f"{name}-{row['row_id']}",
            "label": row["label"],
            "study": facts.study_link(row),
            "instrument": prose.instrument(row["instrument"]),
            "timepoint": TIMEPOINTS.get(row["timepoint"], ""),
            "g": number(row["yi"]) if not prose.missing(row["yi"]) else "none",
            "g_sort": 99 if prose.missing(row["yi"]) else row["yi"],
            "reason": prose.sentence(row["reason"] or ""),
            "sensitivity": _in_sensitivity(row),
            "behind": facts.behind(row),
        }
        for row in rows
    ]


def _in_sensitivity(row):
    """Which sensitivity analysis, if any, holds a row that the pool does not."""
    if row.get("withdrawn"):
        return "with retracted trials"
    return "with arm sizes assumed" if row["in_sensitivity"] else "no"


def _positions(places):
    return ",".join(str(place) for place in places)


def _variable(part):
    return {
        "variable": part["variable"],
        "label": part["label"],
        "values": [group["value"] for group in part["groups"]],
    }


def _pooled(axis, row, *, style="pool"):
    return {
        "drawn": figures.cell_pool(axis, row, style=style),
        "g": number(row["estimate"]),
        "interval": interval(row["ci_low"], row["ci_high"]),
    }


def _group(axis, group):
    """A group's pool; of one effect alone, that effect, which is not a pooled one."""
    found = _pooled(axis, group)
    if group["k"] == 1:
        found["drawn"] = figures.cell_effect(axis, group | {"yi": group["estimate"]})
    return found


def _participants(main):
    if prose.missing(main["n_participants"]):
        return prose.NOT_ESTIMATED
    return count(main["n_participants"]) + ("+" if main["n_participants_unknown_rows"] else "")


class _Facts:
    """What other tables know of the rows of one outcome, found by key."""

    def __init__(self, context, name):
        self.name = name
        self.studies = {row["study_id"]: row for row in context["studies"]}
        self.raw = {row["row_id"]: row for row in context["extracted"]}
        self.judged = _by(context["judged"], "study_id")
        self.corrections = _by(
            [row for row in context["corrections"] if row["table"] in ("outcomes", "studies")], "row"
        )
        self.findings = _by(context["findings"], "row_id")

    def row(self, row, weight, *, drawn):
        study = self.studies.get(row["study"], {})
        year = study.get("year") or ""
        n_1, n_2 = (self.of_arm(row, "n", arm) for arm in (1, 2))
        label = row["label"]
        level = self.level(row)
        return {
            "id": f"{self.name}-{row['row_id']}",
            "study": self.study_link(row),
            "label": label.replace(f" {year}", "", 1) if year and f" {year}" in label else label,
            "whole_label": label,
            "year": year or "not stated",
            "instrument": prose.instrument(row["instrument"]),
            "comparator": self.comparator(row),
            "n": number(row["ni"], 0) if not (n_1 and n_2) else "",
            "arms": [n_1, n_2] if n_1 and n_2 else [],
            "n_sort": row["ni"] or 0,
            "means": self.means(row),
            "drawn": drawn,
            "g": number(row["yi"]),
            "g_sort": row["yi"],
            "interval": interval(weight["ci_low"], weight["ci_high"]),
            "weight": percent(weight["weight"], 1),
            "weight_sort": weight["weight"],
            "level": level,
            "level_sort": LEVELS.index(level),
            "letter": LETTERS[level],
            "risk": self.risk_words(row),
            "domains": self.domains(row),
            "behind": self.behind(row, weight),
        }

    def study_link(self, row):
        """The study's row in the table of studies; empty for one that is not included."""
        return f"study-{row['study']}" if row["study"] in self.studies else ""

    def comparator(self, row):
        """The comparators of the row's trial, in words."""
        study = self.studies.get(row["study"], {})
        return prose.comparator(study.get("comparator_class"))

    def of_arm(self, row, field, arm):
        value = self.raw.get(row["row_id"], {}).get(f"{field}_{arm}")
        return "" if prose.missing(value) else plain(value)

    def means(self, row):
        """Mean and SD of both arms as printed, treatment first; empty where the row has none."""
        held = [(self.of_arm(row, "mean", arm), self.of_arm(row, "sd", arm)) for arm in (1, 2)]
        return [f"{mean} ({sd})" for mean, sd in held] if all(all(pair) for pair in held) else []

    def judgements(self, row):
        """The judgements that hold for this outcome: its own before those of all outcomes, tool by tool."""
        of_study = [one for one in self.judged.get(row["study"], []) if one["judgement"]]
        kept = []
        for rows in _by(of_study, "tool").values():
            own = [one for one in rows if one["outcome"] == self.name]
            kept += own or [one for one in rows if not one["outcome"]]
        return kept

    def overall(self, row):
        stated = [one["judgement"] for one in self.judgements(row) if one["domain"] == studies.OVERALL]
        recorded = self.studies.get(row["study"], {}).get("risk_of_bias")
        return "; ".join(dict.fromkeys(stated)) or recorded or ""

    def level(self, row):
        return studies.risk_of_bias_level(self.overall(row))

    def risk_words(self, row):
        """The judgements in words, for who cannot see the lights."""
        domains = [one for one in self.judgements(row) if one["domain"] != studies.OVERALL]
        named = ", ".join(f"{_spaced(one['domain'])} {one['judgement']}" for one in domains)
        waits = studies.waiting(self.judged.get(row["study"], []))
        overall = self.overall(row) or waits or dict(studies.LEVELS)[self.level(row)]
        return f"{overall} ({named})" if named else overall

    def domains(self, row):
        """A level and a letter for each domain, in the order of the tool."""
        levels = [
            studies.risk_of_bias_level(one["judgement"])
            for one in self.judgements(row)
            if one["domain"] != studies.OVERALL
        ]
        return [{"level": level, "letter": LETTERS[level]} for level in levels]

    def tools(self, names):
        """The domains of each tool in use, in the order in which their lights stand."""
        found = {}
        for study in names:
            for one in self.judgements({"study": study}):
                domains = found.setdefault(one["tool"], {})
                if one["domain"] != studies.OVERALL:
                    domains[_spaced(one["domain"])] = True
        return [{"tool": _spaced(tool), "domains": ", ".join(domains)} for tool, domains in found.items()]

    def behind(self, row, weight=None):
        """Everything that made the number of a row: pairs of a term and its text, none of them empty."""
        raw = self.raw.get(row["row_id"], {})
        corrections = self.corrections.get(row["row_id"], []) + self.corrections.get(row["study"], [])
        pairs = [
            ("Effect", _effect_text(row, weight)),
            ("Extracted", _extracted(raw)),
            ("Measured", _measured(row, raw)),
            ("Made by", row["conversion"]),
            ("Assumption", row["assumption"]),
            ("Source", _sourced(row, raw)),
            ("Quotation", raw.get("quote")),
            ("Note", raw.get("note")),
            ("Risk of bias", self.risk_words(row)),
            ("Recorded", _recorded(raw)),
            ("Corrected", "; ".join(map(_correction, corrections))),
            ("Checks", "; ".join(map(_finding, self.findings.get(row["row_id"], [])))),
            ("Row", row["row_id"]),
        ]
        return [{"term": term, "text": text} for term, text in pairs if text]


def plain(value):
    """A number as it was extracted, without decimals that nobody printed; other values as text."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:.10g}".replace("-", prose.MINUS)


def _by(rows, key):
    found = {}
    for row in rows:
        found.setdefault(row[key], []).append(row)
    return found


def _spaced(name):
    return str(name).replace("_", " ")


def _effect_text(row, weight):
    if prose.missing(row["yi"]) or prose.missing(row["vi"]):
        return ""
    text = f"g {number(row['yi'], 4)}, standard error {number(row['vi'] ** 0.5, 4)}"
    return f"{text}, {percent(weight['weight'], 2)} of the weight" if weight else text


def _extracted(raw):
    """The cells that a person filled in, arm by arm, then those of the comparison."""
    parts = []
    for arm in ("1", "2"):
        held = [
            f"{NAMES.get(field, _spaced(field))} {plain(raw[f'{field}_{arm}'])}"
            for field in OF_ARM
            if not prose.missing(raw.get(f"{field}_{arm}"))
        ]
        if held:
            parts.append(f"{raw.get(f'arm_{arm}') or f'arm {arm}'}: {', '.join(held)}")
    held = [
        f"{NAMES.get(field, _spaced(field))} {plain(raw[field])}"
        for field in OF_ROW
        if not prose.missing(raw.get(field))
    ]
    if held:
        kind = _spaced(raw["effect_type"]) if raw.get("printed_effect") else "comparison"
        parts.append(f"{kind} as printed: {', '.join(held)}")
    return "; ".join(parts)


def _measured(row, raw):
    parts = [prose.instrument(row["instrument"])]
    if raw.get("higher_is"):
        parts.append(f"higher is {raw['higher_is']}")
    parts.append(TIMEPOINTS.get(row["timepoint"], row["timepoint"] or ""))
    if not prose.missing(raw.get("weeks")):
        parts.append(f"week {plain(raw['weeks'])}")
    return ", ".join(part for part in parts if part)


def _sourced(row, raw):
    places = [
        f"{name} {raw[field]}"
        for name, field in (("page", "page"), ("", "table_or_figure"))
        if not prose.missing(raw.get(field))
    ]
    return ", ".join([row["source"] or "not stated", *(place.strip() for place in places)])


def _recorded(raw):
    if not raw.get("run"):
        return ""
    by = f" by {raw['extractor']}" if raw.get("extractor") else ""
    again = raw.get("revision") or 1
    return f"{prose.month(raw['run'])}{by}" + (f", revision {plain(again)}" if again > 1 else "")


def _correction(row):
    change = f"{_spaced(row['field'])} from {row['old'] or '(empty)'} to {row['new'] or '(empty)'}"
    reason = f" ({row['reason']})" if row["reason"] else ""
    return f"{prose.month(row['run'])}: {change if row['field'] else 'the reason alone'}{reason}"


def _finding(row):
    cleared = f", cleared by {row['cleared_by']}" if row["cleared_by"] else ""
    why = f" ({row['clearance_note']})" if row["clearance_note"] else ""
    return f"{_spaced(row['check'])}: {row['found']}{cleared}{why}"
