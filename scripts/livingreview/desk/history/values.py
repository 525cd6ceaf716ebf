"""What was extracted of a study, with the history of every value."""

from livingreview import tables
from livingreview.desk.extraction.fields import outcome_labels
from livingreview.desk.risk_of_bias import asked, assessment
from livingreview.desk.standing import TRIALS
from livingreview.report.forest import TIMEPOINTS
from livingreview.trials import bias_blinding, clearances, corrections, risk_of_bias
from livingreview.trials.correcting import FIXED, KEYS
from livingreview.trials.labels import labels
from livingreview.trials.revisions import rows_at

PATHS = {name: TRIALS[name] for name in KEYS}
# Where a value stands in its report, shown apart from the values.
SOURCE = ("source", "page", "table_or_figure", "quote", "extractor", "note")
FINDINGS = "findings.csv"
SEVERITIES = ("error", "warning", "note")
NEVER_SHOWN = FIXED | set(SOURCE) | {"status", "set_aside_reason"}


def studies(held):
    """Every study in force at the month.

    Returns
    -------
    list of dict
        study_id, name, title, since (the run in which it entered); rows, and of these set_aside; corrected
        (values); reports.
    """
    run = held.run()

    def make(*_):
        return _studies({name: held.table(path, name, optional=True) for name, path in TRIALS.items()}, run)

    return held.derived(("studies listed", run), list(TRIALS.values()), make, optional=True)


def _studies(frames, run):
    rows = rows_at(frames["outcomes"], run, ["row_id"])
    n_rows = rows["study_id"].value_counts()
    aside = rows.loc[rows["status"] != "ok", "study_id"].value_counts()
    fixed = corrections.corrections_until({name: frames[name] for name in KEYS}, run=run)
    reports = frames["reports"]
    reports = reports.loc[reports["run"] <= run, "study_id"].value_counts()
    since = frames["studies"].groupby("study_id")["run"].min()
    studies = rows_at(frames["studies"], run, ["study_id"])
    study_of = dict(zip(rows["row_id"], rows["study_id"], strict=True))
    of_study = [study_of.get(row, row) for row in fixed["row"]]
    return [
        {
            "study_id": row.study_id,
            "name": name,
            "title": row.title,
            "since": since[row.study_id],
            "rows": int(n_rows.get(row.study_id, 0)),
            "set_aside": int(aside.get(row.study_id, 0)),
            "corrected": of_study.count(row.study_id),
            "reports": int(reports.get(row.study_id, 0)),
        }
        for name, row in zip(labels(studies), studies.itertuples(), strict=True)
    ]


def of_study(held, study_id):
    """What is known of one study, or None.

    Returns
    -------
    list of dict
        The study's own row first, then its outcomes: table, row_id, title, cells, source (pairs of column
        and text), run, revision, history (dicts of `corrections.COLUMNS`), aside (why it is set aside).
    """
    run = held.run()
    found, frames, labels_ = [], {}, outcome_labels(held.config())
    for name, path in PATHS.items():
        frame = held.table(path, name, optional=True)
        frames[name] = frame[frame["study_id"] == study_id]
        now = rows_at(frames[name], run, [KEYS[name]])
        found += [_row(name, row, labels_) for row in now.to_dict("records")]
    fixed = corrections.corrections_until(frames, run=run).to_dict("records")
    for row in found:
        row["history"] = [one for one in fixed if (one["table"], one["row"]) == (row["table"], row["row_id"])]
    return found or None


def _row(table, row, labels_):
    cells = {column: tables.to_text(value) for column, value in row.items()}
    about = ()
    if table == "outcomes":
        outcome = labels_.get(cells["outcome"], cells["outcome"])
        about = (outcome, cells["instrument"], TIMEPOINTS.get(cells["timepoint"]), cells["comparison"])
    return {
        "table": table,
        "row_id": cells[KEYS[table]],
        "title": " · ".join(part for part in about if part) or "The study",
        "name": cells.get("title", ""),
        "cells": [
            (column, text) for column, text in cells.items() if text and column not in (*NEVER_SHOWN, "title")
        ],
        "source": [(column, cells[column]) for column in SOURCE if cells.get(column)],
        "run": cells["run"],
        "revision": int(cells["revision"]),
        "aside": cells.get("set_aside_reason", "") if cells.get("status") == "set_aside" else "",
    }


def judged(held, study_id, name):
    """What was answered and judged of a study's risk of bias, as far as a person may see it, oldest first.

    Returns
    -------
    list of dict
        Cells of the table as text, and ``counts``: whether no later revision has taken its place.
    """
    frame, run = held.table(assessment.FILE, "risk_of_bias", optional=True), held.run()
    tools = asked.tools_of(held)
    names = asked.read(held.config(), tools).names
    seen = bias_blinding.visible(frame, tools, run, names=names, who=name)
    rows = seen[(seen["study_id"] == study_id) & (seen["run"] <= run)].sort_values(
        [*risk_of_bias.KEY, "revision"], kind="stable"
    )
    last = ~rows.duplicated(risk_of_bias.KEY, keep="last")
    cells = rows.map(tables.to_text).to_dict("records")
    return [row | {"counts": bool(one)} for row, one in zip(cells, last, strict=True)]


def current_row(held, table, row_id):
    """The revision of a row that a correction would follow, as a frame of one row or none."""
    frame = held.table(PATHS[table], table, optional=True)
    return newest(frame, table, row_id)


def newest(frame, table, row_id):
    """The newest revision of a row, as a frame."""
    return frame[frame[KEYS[table]] == row_id].sort_values("revision").tail(1)


def fields(table, row, typed):
    """The fields of a form that corrects a row.

    Parameters
    ----------
    table : str
    row : dict
        The row in force.
    typed : dict of str to str
        What a form that was refused held; empty at first.

    Returns
    -------
    list of dict
        name, text, choices (empty where anything may be typed), number (bool), long (bool), filled (bool:
        whether it holds anything, or must).
    """
    declared = tables.load_schema(table)
    found = []
    for name, about in declared["properties"].items():
        if name in FIXED:
            continue
        text = typed.get(name, tables.to_text(row[name]))
        kinds = about["type"] if isinstance(about["type"], list) else [about["type"]]
        choices = ["" if one is None else one for one in about.get("enum", [])]
        found.append(
            {
                "name": name,
                "text": text,
                "choices": choices if text in choices or not choices else [text, *choices],
                "number": bool({"number", "integer"} & set(kinds)),
                "long": name in ("note", "quote", "title", "set_aside_reason", "source"),
                "filled": bool(text or tables.to_text(row[name])) or "null" not in kinds,
                "was": tables.to_text(row[name]),
            }
        )
    return found


def findings(held):
    """The findings of the month, worst first, with what people have cleared since it was built."""
    path = held.results(FINDINGS)
    if not held.exists(path):
        return []
    rows = tables.plain_rows(held.table(path))
    table = held.table(clearances.TABLE, "clearances", optional=True)
    said = {(one.row_id, one.check, one.digest): one for one in table.itertuples()}
    for row in rows:
        since = said.get((row["row_id"], row["check"], row["digest"]))
        if since is not None and not row["cleared_by"]:
            row |= {"cleared_by": since.reviewer, "clearance_note": since.note}
        row["study_id"] = row["row_id"].split(".")[0]
    return sorted(rows, key=lambda row: (SEVERITIES.index(row["severity"]), row["row_id"], row["check"]))
