"""Extraction of a study's data, each value checked as it is typed."""

import contextlib
import re
from dataclasses import replace

import flask

from livingreview import tables
from livingreview.desk import person, standing
from livingreview.desk.desk import current
from livingreview.desk.extraction import (
    checking,
    compare_pages,
    fields,
    form,
    importing,
    listing,
    shared,
    sheet,
    ways,
)
from livingreview.desk.extraction.blueprint import blueprint
from livingreview.desk.extraction.opened import check as check_sheet
from livingreview.desk.extraction.opened import enter, extractors, own
from livingreview.desk.full_text import places
from livingreview.desk.history import values
from livingreview.desk.preview import effects_now
from livingreview.desk.preview import pages as preview
from livingreview.errors import ReviewError
from livingreview.trials import double_extraction, sheets

__all__ = ["blueprint", "compare_pages"]


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


@blueprint.get("/extraction/<name>")
def study(name):
    """The form of a trial, as its sheet is on disk."""
    opened = own(name)
    content = sheet.read(opened.own)
    return _form(opened, content, check_sheet(content, opened.record["record_id"]))


@blueprint.post("/extraction/<name>")
def work(name):
    """What a button of the form asks for."""
    opened = own(name)
    action, _, about = flask.request.form.get("action", "save").partition(":")
    work_of = {"show": _show, "check": _show, "copy": _copy, "add": _add, "drop": _drop, "ready": _ready}
    return work_of.get(action, _save)(opened, about)


@blueprint.post("/extraction/<name>/check")
def check(name):
    """What the checks say of the form as it is typed, by field, and what it does to the result, as JSON."""
    opened = own(name)
    checked = check_sheet(_typed(opened), opened.record["record_id"])
    told = preview.told(checked, effects_now.now(current().held))
    drawn = flask.render_template("preview/fragment.html.j2", **told)
    return {"messages": _told(checked), "preview": drawn}


@blueprint.post("/extraction/<name>/keep")
def keep(name):
    """Save the form as it is typed, and say what came of it as JSON."""
    opened = own(name)
    joined = _saved(opened, *_posted())
    changed = {_field(key, joined.content): text for key, text in joined.taken.items()}
    if joined.disputed:
        return {"disputed": _disputed(joined), "taken": {}, "base": _base(opened)}
    said = f"Saved as a draft at {current().decided_at()[11:16]} UTC."
    return {"said": said, "disputed": [], "taken": changed, "base": sheet.base_of(joined.content)}


def _filled():
    """The form with what its rows share, and a sentence on that."""
    study_, rows = _posted()
    rows, count = shared.taken(rows, study_)
    said = (
        f" Arms and source were taken over from the rows above and the study: {count} cells." if count else ""
    )
    return study_, rows, said


def _posted():
    posted = flask.request.form
    return form.study(posted), form.rows(posted)


def _typed(opened):
    """The sheet with what the form says in it, not saved."""
    now = sheet.read(opened.own)
    study_, rows = _posted()
    fixed = {column: now.study[column] for column in sheet.FIXED["study"]}
    return replace(
        now,
        study=now.study | study_ | fixed,
        rows=_with_ids(rows, now),
        reasons=now.reasons | form.reasons(flask.request.form),
    )


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
        opened.own,
        opened.folder,
        base,
        _editable(study_),
        rows,
        reasons=form.reasons(flask.request.form),
        by=person.name(),
        at=desk.decided_at(),
    )


def _editable(study_):
    return {column: text for column, text in study_.items() if column not in sheet.FIXED["study"]}


def _base(opened):
    return sheet.base_of(sheet.read(opened.own))


def _show(opened, _about):
    """The form as it was typed, checked and not saved."""
    content = _typed(opened)
    rows, _ = shared.taken(content.rows, content.study)
    content = replace(content, rows=rows)
    checked = check_sheet(content, opened.record["record_id"])
    return _form(opened, content, checked, ways_=form.ways(flask.request.form), saved=False)


def _copy(opened, about):
    """Fill the empty cells of a row that the rows of one paper share from the nearest row before it."""
    content = _typed(opened)
    number = int(about) if about.isdecimal() else 0
    content = replace(content, rows=shared.copied(content.rows, number))
    checked = check_sheet(content, opened.record["record_id"])
    return _form(
        opened, content, checked, ways_=form.ways(flask.request.form), saved=False, focus=f"row.{number}"
    )


def _save(opened, _about):
    study_, rows, said = _filled()
    return _answered(opened, _saved(opened, study_, rows), f"Saved as a draft.{said}")


def _add(opened, outcome):
    """One more row of an outcome: another instrument, time point or pair of arms."""
    if outcome not in fields.outcome_labels(current().held.config()):
        raise ReviewError(f"The protocol does not name the outcome “{outcome}”. Nothing was added.")
    study_, rows, said = _filled()
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
    return _answered(opened, joined, f"Saved as a draft, with one more row.{said}", anchor=mark)


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
    checked = check_sheet(content, opened.record["record_id"])
    page_ = _form(opened, content, checked, saved=False, disputed=_disputed(joined), base=_base(opened))
    return page_, 409


def _disputed(joined):
    return [
        {
            "field": _field((one.table, one.row_id, one.column), joined.content),
            "label": "Reason for a finding" if one.table == "clearances" else fields.label(one.column),
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
    if table == "clearances":
        return f"clear.{row_id}.{column}"
    return f"row.{content.row_ids().index(row_id)}.{column}" if row_id in content.row_ids() else "row"


def _ready(opened, _about):
    """Save, check, and let the values enter; or, of two extractors, say that one's own sheet is whole."""
    study_, rows, said = _filled()
    joined = _saved(opened, study_, rows)
    if joined.disputed:
        return _dispute(opened, joined)
    checked = check_sheet(joined.content, opened.record["record_id"])
    # Of two extractors too each answers the findings of their own sheet, while the report is at hand.
    if checked.stops:
        return _form(opened, joined.content, checked, refused=True), 422
    if said:
        flask.flash(said.strip())
    # Marked before anything enters: whatever happens then, the next build of the month completes it.
    opened.mark(True)
    if double_extraction.folders(opened.folder):
        return _pair_ready(opened)
    try:
        return enter(opened)
    except ReviewError:
        with contextlib.suppress(ReviewError):  # a build has let it enter, or refused it, meanwhile
            opened.mark(False)
        raise


def _pair_ready(opened):
    """After one of two sheets is ready: wait for the other, or show what they differ in."""
    named = extractors()
    both = double_extraction.folders(opened.folder)
    waits = [named.get(path.name, path.name) for path in both if not sheet.read(path).ready]
    if waits:
        flask.flash(f"Your sheet is ready. The trial now waits for {' and '.join(waits)}.")
        return flask.redirect(flask.url_for("extraction.page"), code=303)
    return flask.redirect(flask.url_for("extraction.compare", name=opened.name), code=303)


@blueprint.post("/extraction/<name>/reopen")
def reopen(name):
    """Take back that a sheet is ready; of two only while the other is not, so that nobody has seen both."""
    opened = own(name)
    both = double_extraction.folders(opened.folder)
    if both and all(sheet.read(path).ready for path in both):
        raise ReviewError("Both sheets are ready and may have been compared. Settle what differs instead.")
    opened.mark(False)
    return flask.redirect(flask.url_for("extraction.study", name=name), code=303)


@blueprint.post("/extraction/<name>/enter")
def complete(name):
    """Let a sheet enter that is marked as ready: by hand, or by a press that was cut short."""
    opened = own(name)
    if double_extraction.folders(opened.folder):
        return _pair_ready(opened)
    if not sheet.read(opened.own).ready:
        raise ReviewError("This sheet is not marked as ready any more. Press Ready in its form.")
    return enter(opened)


@blueprint.post("/extraction/<name>/study")
def name_study(name):
    """Give the trial another id, or say of which known trial the record is a further report."""
    opened = own(name)
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
    lost = len(sheet.read(opened.own).reasons)
    for place in double_extraction.folders(opened.folder) or [opened.folder]:
        sheet.alter(place, opened.folder, change, by=person.name(), at=current().decided_at())
    flask.flash(f"The sheet is now that of the trial {of_known or asked}.")
    if lost:
        flask.flash(
            f"Reasons for findings have to be given again, since the rows have other ids now: {lost}."
        )
    return flask.redirect(flask.url_for("extraction.study", name=name), code=303)


def _rows_of(held, study_id):
    outcomes = held.table(standing.TRIALS["outcomes"], "outcomes")
    return set(outcomes.loc[outcomes["study_id"] == study_id, "row_id"])


@blueprint.post("/extraction/<name>/import")
def take_in(name):
    """Show what an uploaded sheet holds in the form; nothing is saved before somebody has looked at it."""
    opened = own(name)
    now = sheet.read(opened.own)
    files = [one for one in flask.request.files.getlist("files") if one.filename]
    found, said = importing.read(files, now, record_id=opened.record["record_id"])
    checked = check_sheet(found, opened.record["record_id"])
    flask.flash(f"{said} Nothing is saved yet: look at it, then save it as a draft.")
    return _form(opened, found, checked, saved=False, base=sheet.base_of(now))


def _record_of(folder):
    record_id = sheets.record_id(folder)
    whole = standing.records(current().held)
    return whole.loc[record_id].to_dict() if record_id in whole.index else {"record_id": record_id}


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
    registry, named = standing.registry(held), fields.outcome_labels(config)
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
        kinds=checking.WORDS,
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
        arms=shared.arms(content.rows),
        instruments={outcome: _instruments(registry, outcome) for outcome in named},
        named=named,
    )


def _instruments(registry, outcome):
    return [registry.find(one, outcome) for one in registry.of_outcome(outcome)]


def _posted_base():
    return flask.request.form.get("base", "")
