"""What the fields of the form are called and may hold, by the schemas, the protocol and the registry."""

import re

from livingreview import tables
from livingreview.desk.extraction import ways
from livingreview.trials import sheet_cells

# The numbers of an arm, in the order of the form.
ARM_NUMBERS = {
    "n": "People analysed",
    "events": "People with the event",
    "mean": "Mean",
    "sd": "Standard deviation",
    "se": "Standard error",
    "ci_low": "95% interval, from",
    "ci_high": "95% interval, to",
    "median": "Median",
    "q1": "Lower quartile",
    "q3": "Upper quartile",
    "min": "Smallest",
    "max": "Largest",
    "change_mean": "Mean change",
    "change_sd": "SD of the change",
    "baseline_mean": "Mean before treatment",
    "baseline_sd": "SD before treatment",
}
# What is said of both arms together.
WHOLE = {
    "printed_effect": "Effect as printed",
    "printed_se": "Its standard error",
    "printed_ci_low": "95% interval, from",
    "printed_ci_high": "95% interval, to",
    "printed_direction": "What its sign means",
    "t_value": "t",
    "f_value": "F",
    "p_value": "Exact p, two-sided",
    "n_total": "People in both arms",
    "outcome_sd": "SD of the outcome over people",
    "n_covariates": "Covariates besides the arm",
    "correlation": "Correlation",
    "correlation_source": "Where the correlation comes from",
}
STUDY = (
    (
        "What the report says of itself",
        ["first_author", "year", "title", "journal", "doi", "pmid", "registry_ids", "source"],
    ),
    (
        "Who was treated, and how",
        [
            "population",
            "condition",
            "condition_detail",
            "intervention_class",
            "intervention_detail",
            "guided",
            "comparator_class",
            "comparator_detail",
        ],
    ),
    (
        "How many",
        ["n_randomised", "n_intervention", "n_control", "attrition_percent", "attrition_basis"],
    ),
    ("Notes", ["risk_of_bias", "risk_of_bias_source", "note"]),
)
LABELS = {
    "first_author": "First author",
    "doi": "DOI",
    "pmid": "PMID",
    "registry_ids": "Registry numbers",
    "source": "Where these facts come from",
    "condition_detail": "Condition, in the report’s words",
    "intervention_class": "Class of the treatment",
    "intervention_detail": "Treatment, in the report’s words",
    "guided": "Supported by a person",
    "comparator_class": "Class of the control",
    "comparator_detail": "Control, in the report’s words",
    "n_randomised": "People randomised",
    "n_intervention": "… to the treatment",
    "n_control": "… to the control",
    "attrition_percent": "Per cent lost by the end",
    "attrition_basis": "How that was worked out",
    "risk_of_bias": "Risk of bias as a source records it",
    "risk_of_bias_source": "Which source",
    "higher_is": "Higher is",
    "timepoint": "Time point",
    "weeks": "Weeks since the start",
    "comparison": "Comparison (a, b, …)",
    "arm_1": "Treatment arm",
    "arm_2": "Control arm",
    "shared_control": "Control shared by several arms",
    "priority": "Order of preference",
    "table_or_figure": "Table or figure",
    "set_aside_reason": "Why it is set aside",
}
# Columns that are called otherwise in a row than in the study's facts.
OF_ROW = {"source": "Source of the numbers", "way": "Way of printing"}
# Free text with suggestions: those that the review's trials hold already.
SUGGESTED = ("intervention_class", "comparator_class")
LONG = ("note", "quote", "title")
# About the comparison, before its numbers; and about the place, after them.
ROW_HEAD = ("instrument", "higher_is", "timepoint", "weeks", "arm_1", "arm_2")
ROW_PLACE = ("source", "page", "table_or_figure", "quote", "note")
ROW_MORE = ("comparison", "shared_control", "priority", "status", "set_aside_reason")


def label(column):
    """A column in the words of the form."""
    name, _, arm = column.rpartition("_")
    if arm in ("1", "2") and name in ARM_NUMBERS:
        return f"{ARM_NUMBERS[name]} ({('treatment', 'control')[int(arm) - 1]})"
    return WHOLE.get(column) or LABELS.get(column) or column.replace("_", " ").capitalize()


def label_in(table, column):
    """A column of a table in the words of the form: of a row some are called otherwise than of the study."""
    return (OF_ROW.get(column) if table == "outcomes" else None) or label(column)


# Names of columns in messages; a name of one plain word would be met in any sentence.
WORDS = {
    column: text if text[1:2].isupper() else text[0].lower() + text[1:]
    for column in [*tables.columns("studies"), *tables.columns("outcomes"), *ARM_NUMBERS]
    if "_" in column
    for text in [ARM_NUMBERS.get(column) or label(column)]
} | {
    "n_intervention": "people randomised to the treatment",
    "n_control": "people randomised to the control",
}
COLUMN = re.compile(rf"\b({'|'.join(sorted(WORDS, key=len, reverse=True))})\b")


def label_of(field, rows, named):
    """A field of the form in words: of a row with its outcome, and its number where several are of it.

    Parameters
    ----------
    field : str
        As `form` names it.
    rows : list of dict
        The rows of the form.
    named : dict of str to str
        The outcomes and what each is called.
    """
    parts = field.split(".")
    if parts[0] != "row" or not parts[1:]:
        return label(parts[-1])
    outcome = rows[int(parts[1])]["outcome"]
    same = [number for number, one in enumerate(rows) if one["outcome"] == outcome]
    place = named.get(outcome, outcome)
    if len(same) > 1:
        place += f" {same.index(int(parts[1])) + 1}"
    return f"{place}: {label_in('outcomes', parts[2])}" if parts[2:] else place


def outcome_labels(config):
    """The protocol's outcomes, those that are not pooled included, and what each is called."""
    others = {outcome: label(outcome) for outcome in config.get("other_outcomes", [])}
    return {outcome: of["label"] for outcome, of in config["outcomes"].items()} | others


def in_words(text):
    """A message with the columns that it names in the words of the form."""
    return COLUMN.sub(lambda match: WORDS[match[0]], text)


def choices(schema):
    """Of each column of a table that has a list of values, these; an empty cell is ""."""
    declared = tables.load_schema(schema)["properties"]
    return {
        column: ["", *(value for value in spec["enum"] if value is not None)]
        for column, spec in declared.items()
        if "enum" in spec
    }


def numbers(schema):
    """Columns that hold numbers; phones show the keys for them."""
    declared = tables.load_schema(schema)["properties"]
    return {
        column
        for column, spec in declared.items()
        if {"number", "integer"} & set([spec["type"]] if isinstance(spec["type"], str) else spec["type"])
    } | {"printed_effect"}


def suggestions(studies, config):
    """Values that the review's trials, or the protocol's subgroups, have in columns of free text."""
    found = {column: set(studies[column].dropna()) for column in SUGGESTED}
    for one in config["subgroups"]:
        if one["column"] in found:
            for group in one["groups"].values():
                found[one["column"]].update(group["values"])
    return {column: sorted(values) for column, values in found.items()}


def row(number, cells, *, way=None):
    """One row of the form, ready to be shown.

    Parameters
    ----------
    number : int
    cells : dict of str to str
    way : str, optional
        As it was chosen; found from what is filled in where it was not.

    Returns
    -------
    dict
        ``number``, ``cells``, ``way``, ``filled``; ``arms`` and ``whole``: for each line its name, label, the
        ways that show it (text for the script), and whether it is shown now: a cell in which something
        stands is always shown, whatever way is chosen.
    """
    chosen = ways.way_of(cells) if way is None else way
    shown = ways.WAYS[chosen].columns if chosen in ways.WAYS else ()
    return {
        "number": number,
        "cells": cells,
        "way": chosen,
        "filled": sheet_cells.is_filled(cells, "outcomes"),
        "arms": [
            _line(name, text, [f"{name}_1", f"{name}_2"], shown, cells) for name, text in ARM_NUMBERS.items()
        ],
        "whole": [_line(name, text, [name], shown, cells) for name, text in WHOLE.items()],
    }


def _line(name, text, columns, shown, cells):
    return {
        "name": name,
        "label": text,
        "ways": " ".join(way.id for way in ways.WAYS.values() if columns[0] in way.columns),
        "shown": columns[0] in shown or any(cells.get(column) for column in columns),
    }
