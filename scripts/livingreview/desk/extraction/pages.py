"""Extraction of a study's data, each value checked as it is typed."""

import re
from dataclasses import dataclass, replace

import flask

from livingreview import tables
from livingreview.desk import person, standing
from livingreview.desk.desk import current
from livingreview.desk.extraction import checking, comparing, fields, form, importing, listing, sheet, ways
from livingreview.desk.full_text import places
from livingreview.desk.history import values
from livingreview.errors import ReviewError
from livingreview.trials import double_extraction, merging, sheet_cells, sheets

blueprint = flask.Blueprint("extraction", __name__)

KINDS = {
    checking.ERROR: "cannot be",
    checking.MISSING: "",
    checking.LIKELY: "most likely a mistake",
    checking.LOOK: "look again",
    checking.KNOW: "",
    checking.CLEARED: "cleared",
}


@blueprint.get("/extraction")
def page():
    """What waits for extraction, and what has entered."""
    held = current().held
    if not held.exists(held.results("records.csv")):
        return flask.render_template("extraction/page.html.j2", title="Extraction", built=False)
    asked = flask.request.args.get("words", "").strip()
    trials = values.studies(held)
    just = next((one for one in trials if one["study_id"] == flask.request.args.get("entered")), None)
    return flask.render_template(
        "extraction/page.html.j2",
        title="Extraction",
        built=True,
        waiting=listing.waiting(held, who=person.name()),
        entered=[one for one in trials if _says(one, asked)],
        n_entered=len(trials),
        words=asked,
        extractors=double_extraction.extractors(held.config().get("extraction", {})),
        just=just,
        silent=_silent(held, just["study_id"]) if just else [],
    )


def _silent(held, study_id):
    """The labels of the protocol's outcomes on which a trial has no row."""
    table = held.table(standing.TRIALS["outcomes"], "outcomes")
    told = set(table.loc[table["study_id"] == study_id, "outcome"])
    return [about["label"] for name, about in held.config()["outcomes"].items() if name not in told]


def _says(study, words):
    text = " ".join(str(study[column] or "") for column in ("study_id", "name", "title"))
    return all(word in text.casefold() for word in words.casefold().split())


@blueprint.post("/extraction")
def begin():
    """Make the sheet of a record that waits, and open it."""
    name = listing.make_sheet(current().held, flask.request.form.get("record_id", ""))
    return flask.redirect(flask.url_for("extraction.study", name=name))


@dataclass(frozen=True)
class Opened:
    """The sheet of the request: its name, the record's folder, one's own sheet in it, and the record."""

    name: str
    folder: object
    own: object
    record: dict


def _open(name):
    held = current().held
    folder = listing.folder_named(held, name)
    own = listing.own_sheet(folder, held.config(), person.name())
    if own is None:
        raise ReviewError(
            "Two people extract this trial without knowing of each other, and you are neither. Once both are"
            f" ready, the page /extraction/{name}/compare shows what they differ in."
        )
    return Opened(name, folder, own, _record_of(folder))


@blueprint.get("/extraction/<name>")
def study(name):
    """The form of a trial, as its sheet is on disk."""
    opened = _open(name)
    content = sheet.read(opened.own)
    return _form(opened, content, _check(opened, content, {}))


@blueprint.post("/extraction/<name>")
def work(name):
    """What a button of the form asks for."""
    opened = _open(name)
    action, _, about = flask.request.form.get("action", "save").partition(":")
    work_of = {"show": _show, "check": _show, "copy": _copy, "add": _add, "drop": _drop, "ready": _ready}
    return work_of.get(action, _save)(opened, about)


@blueprint.post("/extraction/<name>/check")
def check(name):
    """What the checks say of the form as it is typed, by field, as JSON."""
    opened = _open(name)
    return {"messages": _told(_check(opened, _typed(opened), form.reasons(flask.request.form)))}


@blueprint.post("/extraction/<name>/keep")
def keep(name):
    """Save the form as it is typed, and say what came of it as JSON."""
    opened = _open(name)
    joined = _saved(opened, *_posted())
    changed = {_field(key, joined.content): text for key, text in joined.taken.items()}
    if joined.disputed:
        return {"disputed": _disputed(joined), "taken": {}, "base": _base(opened)}
    said = f"Saved as a draft at {current().decided_at()[11:16]} UTC."
    return {"said": said, "disputed": [], "taken": changed, "base": sheet.base_of(joined.content)}


def _posted():
    posted = flask.request.form
    return form.study(posted), form.rows(posted)


def _typed(opened):
    """The sheet with what the form says in it, not saved."""
    now = sheet.read(opened.own)
    study_, rows = _posted()
    fixed = {column: now.study[column] for column in sheet.FIXED["study"]}
    return replace(now, study=now.study | study_ | fixed, rows=_with_ids(rows, now))


def _with_ids(rows, content):
    """Rows of the form with what it does not hold: ids, and what belongs to the merge."""
    kept = {row["row_id"]: row for row in content.rows}
    found = []
    for row in rows:
        fixed = {column: kept.get(row["row_id"], {}).get(column, "") for column in sheet.FIXED["outcomes"]}
        found.append(row | fixed | {"row_id": row["row_id"], "study_id": content.study["study_id"]})
    return found


def _saved(opened, study_, rows):
    now = sheet.read(opened.own)
    if now.ready:
        raise ReviewError("This sheet is marked as ready. Open it again first; nothing was saved.")
    base = sheet.base_from(flask.request.form.get("base", ""))
    desk = current()
    return sheet.save(
        opened.own, opened.folder, base, _editable(study_), rows, by=person.name(), at=desk.decided_at()
    )


def _editable(study_):
    return {column: text for column, text in study_.items() if column not in sheet.FIXED["study"]}


def _base(opened):
    return sheet.base_of(sheet.read(opened.own))


def _check(opened, content, reasons):
    from livingreview.pooling.expected import predict  # noqa: PLC0415  loads SciPy

    held = current().held
    return checking.check(
        content.study,
        content.rows,
        record_id=opened.record["record_id"],
        reasons=reasons,
        predict=predict,
        **checking.context(held),
    )


def _show(opened, _about):
    """The form as it was typed, checked and not saved."""
    content = _typed(opened)
    checked = _check(opened, content, form.reasons(flask.request.form))
    return _form(opened, content, checked, ways_=form.ways(flask.request.form), saved=False)


def _copy(opened, about):
    """Fill the empty cells of a row that the rows of one paper share from the nearest row before it."""
    content = _typed(opened)
    rows = [dict(row) for row in content.rows]
    number = int(about) if about.isdecimal() and int(about) < len(rows) else 0
    for before in reversed(rows[:number]):
        if sheet_cells.is_filled(before, "outcomes"):
            rows[number] |= {c: before[c] for c in importing.SHARED if before[c] and not rows[number][c]}
            break
    content = replace(content, rows=rows)
    checked = _check(opened, content, form.reasons(flask.request.form))
    return _form(
        opened, content, checked, ways_=form.ways(flask.request.form), saved=False, focus=f"row.{number}"
    )


def _save(opened, _about):
    study_, rows = _posted()
    return _answered(opened, _saved(opened, study_, rows), "Saved as a draft.")


def _add(opened, outcome):
    """One more row of an outcome: another instrument, time point or pair of arms."""
    if outcome not in _named(current().held.config()):
        raise ReviewError(f"The protocol does not name the outcome “{outcome}”. Nothing was added.")
    study_, rows = _posted()
    now = sheet.read(opened.own)
    taken = {*now.row_ids(), *(row["row_id"] for row in rows)}
    row = dict.fromkeys(tables.columns("outcomes"), "") | {"outcome": outcome}
    sheets.complete(row, now.study["study_id"], now.study["run"], taken)
    again = [
        int(one["priority"]) for one in rows if one["outcome"] == outcome and one["priority"].isdecimal()
    ]
    row |= {
        "priority": str(max(again, default=0) + 1),
        "timepoint": current().held.config()["analysis"]["timepoint"],
    }
    joined = _saved(opened, study_, [*rows, row])
    ids = joined.content.row_ids()
    mark = f"row-{ids.index(row['row_id'])}" if row["row_id"] in ids else "main"
    return _answered(opened, joined, "Saved as a draft, with one more row.", anchor=mark)


def _drop(opened, about):
    """Take a row out; what stood in it is kept in the sheet's history."""
    study_, rows = _posted()
    if about.isdecimal() and int(about) < len(rows):
        rows.pop(int(about))
    return _answered(opened, _saved(opened, study_, rows), "Saved as a draft; the row was taken out.")


def _answered(opened, joined, said, *, anchor=None):
    if joined.disputed:
        return _dispute(opened, joined)
    if joined.taken:
        said += f" {len(joined.taken)} cells that somebody else had filled in meanwhile were kept."
    flask.flash(said)
    return flask.redirect(flask.url_for("extraction.study", name=opened.name, _anchor=anchor), code=303)


def _dispute(opened, joined):
    """The form again, with what somebody else has typed meanwhile at its fields; nothing was saved."""
    content = joined.content
    checked = _check(opened, content, form.reasons(flask.request.form))
    page_ = _form(opened, content, checked, saved=False, disputed=_disputed(joined), base=_base(opened))
    return page_, 409


def _disputed(joined):
    return [
        {
            "field": _field((one.table, one.row_id, one.column), joined.content),
            "label": fields.label(one.column),
            "before": one.before,
            "theirs": one.theirs,
            "mine": one.mine,
        }
        for one in joined.disputed
    ]


def _field(key, content):
    table, row_id, column = key
    if table == "study":
        return f"study.{column}"
    return f"row.{content.row_ids().index(row_id)}.{column}" if row_id in content.row_ids() else "row"


def _ready(opened, _about):
    """Save, check, and let the values enter; or, of two extractors, say that one's own sheet is whole."""
    study_, rows = _posted()
    joined = _saved(opened, study_, rows)
    if joined.disputed:
        return _dispute(opened, joined)
    checked = _check(opened, joined.content, form.reasons(flask.request.form))
    both = double_extraction.folders(opened.folder)
    # Of two sheets each is whole by itself; findings are asked about once both are settled.
    if [one for one in checked.stops if not both or one.kind != checking.LIKELY]:
        return _form(opened, joined.content, checked, refused=True), 422
    desk = current()
    if both:
        sheet.mark_ready(opened.own, opened.folder, True, by=person.name(), at=desk.decided_at())
        return _pair_ready(opened)
    return _enter(opened, checked)


def _enter(opened, checked):
    """Let a trial enter, and say what came of it."""
    study_id = sheet.read(opened.own).study["study_id"]
    for line in _merge(opened, _cleared(checked)):
        if " merged for run " not in line:  # what the page says of the trial that entered
            flask.flash(line[:1].upper() + line[1:])
    return flask.redirect(flask.url_for("extraction.page", entered=study_id), code=303)


def _cleared(checked):
    desk = current()
    rows = checked.cleared.assign(reviewer=person.name(), decided_at=desk.decided_at())
    return rows.reindex(columns=tables.columns("clearances")).astype(object)


def _merge(opened, cleared):
    held = current().held
    config = held.config()
    return merging.merge(
        held.review / "data/trials",
        run=held.run(),
        only=opened.name,
        known=set(standing.records(held).index),
        outcomes=[*config["outcomes"], *config.get("other_outcomes", [])],
        cleared=None if cleared.empty else cleared,
    )


def _pair_ready(opened):
    """After one of two sheets is ready: wait for the other, or show what they differ in."""
    waits = [path.name for path in double_extraction.folders(opened.folder) if not sheet.read(path).ready]
    if waits:
        flask.flash(f"Your sheet is ready. The trial now waits for {' and '.join(waits)}.")
        return flask.redirect(flask.url_for("extraction.page"), code=303)
    return flask.redirect(flask.url_for("extraction.compare", name=opened.name), code=303)


@blueprint.post("/extraction/<name>/reopen")
def reopen(name):
    """Take back that a sheet is ready; of two only while the other is not, so that nobody has seen both."""
    opened = _open(name)
    both = double_extraction.folders(opened.folder)
    if both and all(sheet.read(path).ready for path in both):
        raise ReviewError("Both sheets are ready and may have been compared. Settle what differs instead.")
    sheet.mark_ready(opened.own, opened.folder, False, by=person.name(), at=current().decided_at())
    return flask.redirect(flask.url_for("extraction.study", name=name), code=303)


@blueprint.post("/extraction/<name>/study")
def name_study(name):
    """Give the trial another id, or say of which known trial the record is a further report."""
    opened = _open(name)
    held = current().held
    asked = flask.request.form.get("study_id", "").strip()
    of_known = flask.request.form.get("known", "").strip()
    known = tables.plain_rows(held.table(standing.TRIALS["studies"], "studies"))
    ids = {row["study_id"] for row in known}
    if of_known and of_known not in ids:
        raise ReviewError(f"There is no trial “{of_known}”. Nothing was changed.")
    if not of_known and (asked in ids or not re.fullmatch(r"[a-z0-9_]+", asked)):
        raise ReviewError(
            f"“{asked}” cannot be the id of a new trial: it is taken, or holds other characters than small"
            " letters, digits and underscores. Nothing was changed."
        )
    if of_known:
        row = max((one for one in known if one["study_id"] == of_known), key=lambda one: one["revision"])
        change = importing.as_report_of({c: tables.to_text(row[c]) for c in row}, _rows_of(held, of_known))
    else:
        change = importing.named(asked)
    for place in double_extraction.folders(opened.folder) or [opened.folder]:
        sheet.replace(place, opened.folder, change, by=person.name(), at=current().decided_at())
    flask.flash(f"The sheet is now that of the trial {of_known or asked}.")
    return flask.redirect(flask.url_for("extraction.study", name=name), code=303)


def _rows_of(held, study_id):
    outcomes = held.table(standing.TRIALS["outcomes"], "outcomes")
    return set(outcomes.loc[outcomes["study_id"] == study_id, "row_id"])


@blueprint.post("/extraction/<name>/import")
def take_in(name):
    """Show what an uploaded sheet holds in the form; nothing is saved before somebody has looked at it."""
    opened = _open(name)
    now = sheet.read(opened.own)
    files = [one for one in flask.request.files.getlist("files") if one.filename]
    found, said = importing.read(files, now, record_id=opened.record["record_id"])
    checked = _check(opened, found, {})
    flask.flash(f"{said} Nothing is saved yet: look at it, then save it as a draft.")
    return _form(opened, found, checked, saved=False, base=sheet.base_of(now))


@blueprint.get("/extraction/<name>/compare")
def compare(name):
    """What two extractors differ in, side by side, once both are ready."""
    folder = listing.folder_named(current().held, name)
    return _comparison(name, folder, {})


def _comparison(name, folder, reasons):
    held = current().held
    registry = standing.registry(held)
    view = comparing.view(folder, registry=registry)
    checked = _check_settled(folder, view, reasons) if view.is_settled else None
    return flask.render_template(
        "extraction/compare.html.j2",
        title="Two extractions compared",
        name=name,
        view=view,
        stops=checked.stops if checked else [],
        label=fields.label,
        record=_record_of(folder),
        empty=double_extraction.EMPTY,
    )


def _check_settled(folder, view, reasons):
    """The checks of the trial as it would enter, with the fields of a form that nobody sees."""
    registry = standing.registry(current().held)
    study_, rows = comparing.settled(folder, registry=registry)
    content = sheet.Content(study_, rows)
    return _check(Opened(view.names[0], folder, folder, _record_of(folder)), content, reasons)


def _record_of(folder):
    record_id = sheets.record_id(folder)
    whole = standing.records(current().held)
    return whole.loc[record_id].to_dict() if record_id in whole.index else {"record_id": record_id}


@blueprint.post("/extraction/<name>/compare")
def settle(name):
    """File what was settled; with the button for it, let the trial enter."""
    held = current().held
    folder = listing.folder_named(held, name)
    registry = standing.registry(held)
    flask.flash(comparing.settle(folder, flask.request.form, by=person.name(), registry=registry))
    view = comparing.view(folder, registry=registry)
    if flask.request.form.get("action") != "merge" or not view.is_settled:
        return flask.redirect(flask.url_for("extraction.compare", name=name), code=303)
    reasons = form.reasons(flask.request.form)
    checked = _check_settled(folder, view, reasons)
    if checked.stops:
        return _comparison(name, folder, reasons), 422
    own = double_extraction.folders(folder)[0]
    return _enter(Opened(name, folder, own, _record_of(folder)), checked)


def _told(checked):
    """Messages as the script takes them."""
    return [
        {"field": one.field, "kind": one.kind, "text": one.text, "clear": one.clear, "reason": one.reason}
        for one in checked.messages
    ]


def _form(
    opened, content, checked, *, ways_=None, saved=True, disputed=(), base=None, refused=False, focus=None
):
    """The page of a sheet."""
    held = current().held
    config = held.config()
    said = {}
    for one in checked.messages:
        said.setdefault(one.field, []).append(one)
    chosen = ways_ if ways_ is not None and len(ways_) == len(content.rows) else [None] * len(content.rows)
    registry, named = standing.registry(held), _named(config)
    studies = held.table(standing.TRIALS["studies"], "studies")
    return flask.render_template(
        "extraction/form.html.j2",
        title=opened.record.get("title") or opened.record["record_id"],
        name=opened.name,
        record=opened.record,
        full_text=places.of(held, opened.record["record_id"]),
        content=content,
        rows=[
            fields.row(number, row, way=way)
            for number, (row, way) in enumerate(zip(content.rows, chosen, strict=True))
        ],
        base=base if base is not None else sheet.base_of(content) if saved else _posted_base(),
        said=said,
        stops=checked.stops,
        kinds=KINDS,
        saved=saved,
        refused=refused,
        focus=focus,
        disputed=disputed,
        own_only=opened.own != opened.folder,
        is_known=content.study["study_id"] in set(studies["study_id"]),
        known=sorted(set(studies["study_id"])),
        companions=listing.companions(held, opened.record["record_id"]),
        people=sheet.people(opened.own),
        ways=ways.WAYS,
        fields=fields,
        label=fields.label,
        field_label=lambda name: fields.label_of(name, content.rows, named),
        choices={"study": fields.choices("studies"), "outcomes": fields.choices("outcomes")},
        numbers={"study": fields.numbers("studies"), "outcomes": fields.numbers("outcomes")},
        suggestions=fields.suggestions(studies, config),
        instruments={outcome: _instruments(registry, outcome) for outcome in named},
        named=named,
    )


def _named(config):
    """The protocol's outcomes and what each is called."""
    others = {outcome: fields.label(outcome) for outcome in config.get("other_outcomes", [])}
    return {outcome: of["label"] for outcome, of in config["outcomes"].items()} | others


def _instruments(registry, outcome):
    return [registry.find(one, outcome) for one in registry.of_outcome(outcome)]


def _posted_base():
    return flask.request.form.get("base", "")
