"""The protocol with explanations, and every decision and value with its history."""

import flask

from livingreview import tables
from livingreview.desk import faults, paging, person, saving
from livingreview.desk.desk import current
from livingreview.desk.history import certainty_pages, correcting, ledger_view, protocol, value_pages
from livingreview.desk.history.blueprint import blueprint, render
from livingreview.errors import InputError
from livingreview.report import methods_changes as in_words
from livingreview.screening import decisions as ledger
from livingreview.screening import filing

__all__ = ["blueprint", "certainty_pages", "value_pages"]


@blueprint.get("/history")
def page():
    """The protocol, key by key."""
    held = current().held
    found = protocol.changes(held)
    explained = held.derived(
        ("explained",), ["config.yaml"], lambda path: protocol.explanations(path.read_text(encoding="utf-8"))
    )
    every = found["changes"] + found["left_out"]
    return render(
        "page",
        title="Protocol",
        parts=protocol.parts(held.config(), explained, every),
        found=found,
        words=in_words.methods_changes({"methods_changes": found}),
    )


@blueprint.post("/history/reason")
def reason():
    """File why a key of the protocol was changed."""
    desk, form = current(), flask.request.form
    given = {name: " ".join(form.get(name, "").split()) for name in ("key", "before", "after", "reason")}
    change = {name: given[name] for name in ("key", "before", "after")}
    open_ones = [
        {name: row[name] for name in change}
        for row in protocol.changes(desk.held)["changes"]
        if not row["reason"]
    ]
    if change not in open_ones:
        flask.flash("This change has its reason already, or is not there any more. Nothing was filed.")
    elif not given["reason"]:
        flask.flash("Write why it was changed, in a sentence for readers. Nothing was filed.")
    else:
        row = {name: value or None for name, value in given.items()}
        filed = {"by": person.name(), "run": desk.held.run(), "decided_at": desk.decided_at()}
        saving.add(desk.held, protocol.REASONS, "methods_changes", row | filed)
        flask.flash(f"The reason for the change of {given['key']} is filed.")
    return flask.redirect(flask.url_for("history.page", _anchor="changes"))


@blueprint.get("/history/decisions")
def decisions():
    """The ledger, newest first."""
    held = current().held
    every = ledger_view.listing(held, person.name())
    asked = {name: flask.request.args.get(name, "").strip() for name in ASKED}
    rows = ledger_view.chosen(every, asked)
    found = paging.page(rows, flask.request.args.get("page", 1, type=int), size=ledger_view.PAGE)
    return render(
        "decisions",
        title="Decisions",
        rows=tables.plain_rows(found.rows),
        total=len(every),
        found=found,
        asked=asked,
        choices=ledger_view.choices(every),
        blind=person.name() in person.reviewers(),
        reasons=ledger.reasons_at(ledger.FULL_TEXT, held.config()["screening"]["reasons"]),
    )


ASKED = ("words", "stage", "decision", "reviewer", "run", "reason", "in_force")


@blueprint.get("/history/record/<path:record_id>")
def record(record_id):
    """All that is known of one record."""
    held = current().held
    found = ledger_view.of_record(held, record_id, person.name())
    if found is None:
        flask.abort(404, f"No search or import has found a record {record_id}.")
    stages = [one["stage"] for one in found["decisions"]]
    return render(
        "record",
        title=(found["record"] or {}).get("title") or record_id,
        record_id=record_id,
        story=found,
        stages=[stage for stage in dict.fromkeys(stages) if _role(held, found, stage) is not None],
        blind=person.name() in person.reviewers(),
        reasons=ledger.reasons_at(ledger.FULL_TEXT, held.config()["screening"]["reasons"]),
    )


def _role(held, found, stage):
    """In which role the person may correct a stage of a record; None if not at all."""
    ids = {one["record_id"] for one in found["decisions"]}
    rows = correcting.rows_of(ledger_view.visible(held, person.name()), ids, stage)
    return correcting.may_correct(rows, name=person.name(), names=person.reviewers())


@blueprint.route("/history/decision", methods=["GET", "POST"])
def decision():
    """Correct a decision of one record at one stage."""
    desk = current()
    asked = flask.request.values
    record_id, stage = asked.get("record", ""), asked.get("stage", "")
    found = ledger_view.of_record(desk.held, record_id, person.name())
    before = [] if found is None else [one for one in found["decisions"] if one["stage"] == stage]
    if not before or _role(desk.held, found, stage) is None:
        flask.abort(404, "There is no decision of yours to correct here; open the record from the list.")
    told = []
    if flask.request.method == "POST":
        try:
            return _file(desk, record_id, stage)
        except (InputError, saving.Changed) as error:
            told = faults.lines(error)
    config = desk.held.config()["screening"]
    rows = correcting.rows_of(
        ledger_view.visible(desk.held, person.name()), [record_id, *found["duplicates"]], stage
    )
    return render(
        "decision",
        title="Correct a decision",
        record_id=record_id,
        stage=stage,
        story=found,
        before=before,
        told=told,
        typed={name: asked.get(name, "") for name in ("decision", "reason", "note")},
        reasons=ledger.reasons_at(stage, config["reasons"]),
        token=saving.seen(rows),
    ), 409 if told else 200


def _file(desk, record_id, stage):
    form = flask.request.form
    entry = {name: form.get(name, "").strip() or None for name in ("decision", "reason", "note")}
    if entry["note"] is None:
        raise InputError(filing.LEDGER, problem="a correction says why", hint="write the reason below")
    added = correcting.correct(
        desk.held,
        {"record_id": record_id, "stage": stage} | entry,
        name=person.name(),
        token=form.get("seen", ""),
        decided_at=desk.decided_at(),
    )
    if added:
        flask.flash("The correction is filed. What was decided before stays in the history.")
    else:
        flask.flash("The ledger says the same already. Nothing was filed.")
    return flask.redirect(flask.url_for("history.record", record_id=record_id))
