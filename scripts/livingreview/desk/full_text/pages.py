"""Full texts: where each is, which are still sought, and the PDFs that lie in the review's folder."""

import flask

from livingreview.desk import person, saving, standing
from livingreview.desk.desk import current
from livingreview.desk.full_text import places, work
from livingreview.screening import full_texts

blueprint = flask.Blueprint("full_text", __name__)

# A PDF is shown by the browser's own reader; it gets nothing to load, to run or to speak to.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"


@blueprint.get("/full-texts")
def page():
    """The records whose full text is asked for, by how far the search for it is."""
    asked = flask.request.args
    found = work.of(current().held, state=asked.get("state"), page=asked.get("page", 1, type=int))
    return flask.render_template("full_text/page.html.j2", title="Full texts", work=found)


@blueprint.get("/full-text")
def pdf():
    """The PDF of a record, from the review's folder."""
    held = current().held
    found = places.of(held, _record())
    path = full_texts.path_of(held.review, found["location"])
    if path is None:
        flask.abort(404, "There is no PDF of this record in the review's folder on this computer.")
    answer = flask.send_file(path.resolve(), mimetype="application/pdf", download_name=path.name)
    answer.headers["Content-Security-Policy"] = POLICY
    return answer


@blueprint.post("/full-text")
def save():
    """Note where a full text is, or take in its PDF."""
    desk, form = current(), flask.request.form
    record_id = _record()
    location = form.get("location", "").strip() or None
    uploaded = flask.request.files.get("pdf")
    retrieval = form.get("retrieval") or full_texts.SOUGHT
    if retrieval not in (full_texts.SOUGHT, full_texts.RETRIEVED):
        flask.abort(400, "A full text is sought or retrieved.")
    if uploaded is not None and uploaded.filename:
        location, retrieval = full_texts.store(desk.review, record_id, uploaded.read()), full_texts.RETRIEVED
    elif location and location != places.of(desk.held, record_id)["location"]:
        retrieval = full_texts.RETRIEVED
    with saving.changing(desk.held, full_texts.TABLE, full_texts.SCHEMA, optional=True) as table:
        rows = places.under_kept(desk.held, table.frame)
        own = rows[rows["record_id"] == record_id]
        saving.refuse_changed(own, form.get("seen", ""), what=f"the full text of record {record_id}")
        rows = full_texts.added(
            own,
            record_id=record_id,
            retrieval=retrieval,
            location=location,
            by=person.name(),
            at=desk.decided_at(),
            note=" ".join(form.get("note", "").split()) or None,
        )
        table.append(rows)
    flask.flash(f"Full text of {record_id}: {'saved' if len(rows) else 'nothing was changed'}.")
    return flask.redirect(person.onward("full_text.page"))


def _record():
    """The record that is asked for, which a search or an import has found."""
    held = current().held
    record_id = flask.request.values.get("record", "")
    if record_id not in standing.records(held).index:
        flask.abort(404, f"No search or import has found a record {record_id[:100]}.")
    return record_id
