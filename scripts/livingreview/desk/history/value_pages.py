"""Pages of what was extracted: every value with its history, corrections, and findings to clear."""

import collections
import functools

import flask
import pandas as pd

from livingreview import tables
from livingreview.desk import person, saving
from livingreview.desk.desk import current
from livingreview.desk.extraction import fields
from livingreview.desk.history import values
from livingreview.desk.history.blueprint import blueprint, render
from livingreview.desk.standing import TRIALS
from livingreview.errors import InputError
from livingreview.trials import clearances, data_dictionary


@blueprint.get("/history/studies")
def studies():
    """Every study, with how many rows it has and how many were corrected."""
    return render("studies", title="Studies and values", studies=values.studies(current().held))


@blueprint.get("/history/study/<study_id>")
def study(study_id):
    """The values of one study, each with its history."""
    held = current().held
    rows = values.of_study(held, study_id)
    if rows is None:
        flask.abort(404, f"There is no study {study_id}.")
    reports = held.table(TRIALS["reports"], "reports", optional=True)
    return render(
        "study",
        title=rows[0]["name"] or study_id,
        study_id=study_id,
        rows=rows,
        label=fields.label_in,
        in_words=fields.in_words,
        judged=values.judged(held, study_id, person.name()),
        records=sorted(reports.loc[reports["study_id"] == study_id, "record_id"]),
        findings=[
            row for row in values.findings(held) if row["study_id"] == study_id and not row["cleared_by"]
        ],
    )


@blueprint.route("/history/value/<any(studies,outcomes):table>/<row_id>", methods=["GET", "POST"])
def value(table, row_id):
    """Correct the values of one row."""
    desk = current()
    row = values.current_row(desk.held, table, row_id)
    if row.empty:
        flask.abort(404, f"There is no row {row_id} in {table}.csv.")
    told = None
    if flask.request.method == "POST":
        try:
            return _correct(desk, table, row_id)
        except (InputError, saving.Changed) as error:
            told = error
    form = flask.request.form
    of_study = values.of_study(desk.held, row["study_id"].iloc[0]) or []
    titles = {one["row_id"]: one["title"] for one in of_study}
    return render(
        "value",
        title="Correct values",
        table=table,
        row_id=row_id,
        study_id=row["study_id"].iloc[0],
        about=titles.get(row_id, ""),
        in_words=fields.in_words,
        fields=values.fields(table, row.iloc[0], _cells(form)),
        meanings=_meanings(table),
        label=fields.label_in,
        to_clear=_to_clear(told),
        told=told,
        reason=form.get("reason", ""),
        token=saving.seen(row),
    ), 409 if told else 200


@functools.cache
def _meanings(table):
    """What each column means, from the data dictionary, where it says something of that one alone."""
    found = data_dictionary.meanings(table)
    said = collections.Counter(found.values())
    # The words of effect_type are values, some of which columns are called too.
    return {
        column: text if column == "effect_type" else fields.in_words(text)
        for column, text in found.items()
        if text and said[text] == 1
    }


def _correct(desk, table, row_id):
    # SciPy's statistics load with the checks.
    from livingreview.trials import correcting  # noqa: PLC0415

    form, config = flask.request.form, desk.held.config()

    def unchanged(frame):
        row = values.newest(frame, table, row_id)
        saving.refuse_changed(row, form.get("seen", ""), what=f"Row {row_id}")

    reason = " ".join(form.get("reason", "").split())
    left = correcting.correct(
        desk.review / "data/trials",
        table,
        row_id,
        _cells(form),
        reason=reason and f"{reason} ({person.name()}, {desk.today()})",
        run=config["run"],
        named=[*config["outcomes"], *config.get("other_outcomes", [])],
        by=person.name(),
        decided_at=desk.decided_at(),
        clear=_cleared(form),
        check=unchanged,
    )
    if left is None:
        flask.flash("Nothing differs from what is on file. Nothing was saved.")
    else:
        flask.flash("The correction is saved; what stood there stays in the history. The next run pools it.")
    said = [] if left is None else [_worded(row) for row in left.itertuples()]
    if said:
        flask.flash(fields.in_words(f"Look once more: {'; '.join(said)}."))
    study_id = values.current_row(desk.held, table, row_id)["study_id"].iloc[0]
    return flask.redirect(flask.url_for("history.study", study_id=study_id))


def _worded(finding):
    return f"{finding.row_id}: {finding.found} (expected: {finding.expected})"


def _cells(form):
    """What was typed into the row's fields, by column."""
    return {name.removeprefix("cell."): text for name, text in form.items() if name.startswith("cell.")}


def _cleared(form):
    """Reasons typed for findings: (row_id, check) to text."""
    given = [name.split(" ") for name, text in form.items() if name.startswith("clear ") and text.strip()]
    return {(row, check): form[f"clear {row} {check}"].strip() for _, row, check in given}


def _to_clear(told):
    """Of a refusal, the findings that a person may clear: (row_id, check, what)."""
    if not isinstance(told, InputError):
        return []
    checks = clearances.CHECKS
    return [
        {"row_id": one.row, "check": one.column, "what": str(one)}
        for one in told.problems
        if getattr(one, "column", None) in checks
    ]


@blueprint.get("/history/findings")
def findings():
    """What the plausibility checks found, and what people said of it."""
    held = current().held
    rows = values.findings(held)
    only_open = flask.request.args.get("all") != "yes"
    counts = {name: _count(rows, name) for name in values.SEVERITIES}
    return render(
        "findings",
        title="Findings",
        rows=[row for row in rows if not (only_open and row["cleared_by"])],
        in_words=fields.in_words,
        counts=counts,
        built=held.exists(held.results(values.FINDINGS)),
        cleared=sum(bool(row["cleared_by"]) for row in rows),
        only_open=only_open,
    )


def _count(rows, severity):
    return sum(row["severity"] == severity and not row["cleared_by"] for row in rows)


@blueprint.post("/history/findings")
def clear():
    """Clear a finding, with the reason."""
    desk, form = current(), flask.request.form
    key = tuple(form.get(name, "") for name in ("row_id", "check", "digest"))
    note = " ".join(form.get("note", "").split())
    rows = values.findings(desk.held)
    finding = [row for row in rows if (row["row_id"], row["check"], row["digest"]) == key]
    if not finding:
        flask.flash("This finding is not there any more. Nothing was saved.")
    elif finding[0]["cleared_by"]:
        flask.flash(f"{finding[0]['cleared_by']} has cleared it: {finding[0]['clearance_note']}")
    elif not note:
        flask.flash("Say why the value is right: a finding is not cleared without it. Nothing was saved.")
    else:
        row = dict(zip(("row_id", "check", "digest"), key, strict=True)) | {
            "reviewer": person.name(),
            "note": note,
            "run": desk.held.run(),
            "decided_at": desk.decided_at(),
        }
        frame = pd.DataFrame([row], columns=tables.columns("clearances"), dtype=object)
        clearances.add(frame, desk.review / clearances.TABLE)
        flask.flash(f"{key[0]}: the finding is cleared.")
    return flask.redirect(flask.url_for("history.findings"))
