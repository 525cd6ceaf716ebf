"""The page of two extractions: what they differ in, what the checks say of it, and which value counts."""

import flask

from livingreview.desk import person, standing
from livingreview.desk.desk import current
from livingreview.desk.extraction import checking, comparing, fields, form, listing, opened
from livingreview.desk.extraction.blueprint import blueprint
from livingreview.desk.full_text import places
from livingreview.report import prose
from livingreview.report.forest import TIMEPOINTS
from livingreview.trials import double_extraction

# Kinds of fields that have to agree, in words.
KINDS = {
    "numbers": "numbers",
    "categories": "choices from a list",
    "text": "texts",
    "rows": "rows of results",
}


@blueprint.get("/extraction/<name>/compare")
def compare(name):
    """What two extractors differ in, side by side, once both are ready."""
    return _page(name, listing.folder_named(current().held, name))


@blueprint.post("/extraction/<name>/compare")
def settle(name):
    """File what was settled; with the button for it, let the trial enter."""
    desk = current()
    folder = listing.folder_named(desk.held, name)
    given = {"registry": standing.registry(desk.held), "named": opened.extractors()}
    posted = flask.request.form
    reasons = form.reasons(posted)
    found = comparing.settle(folder, posted, by=person.name(), at=desk.decided_at(), reasons=reasons, **given)
    if found.late:
        return _page(name, folder, typed=posted, answers=found), 409
    if found.faults:
        return _page(name, folder, typed=posted, answers=found), 422
    if found.gone:
        flask.flash(
            f"Not filed, since a sheet holds other values now: {prose.plural(found.gone, 'answer')} of yours."
            " What differs is below."
        )
    view = comparing.view(folder, **given)
    if posted.get("action") == "merge" and view.is_settled:
        if not _stops(folder):
            both = double_extraction.folders(folder)
            return opened.enter(opened.Opened(name, folder, both[0], opened.record_of(folder)))
        return _page(name, folder, refused=True), 422
    flask.flash(_told(found.changed, view.left, wanted=posted.get("action") == "merge"))
    return flask.redirect(flask.url_for("extraction.compare", name=name), code=303)


def _told(changed, left, *, wanted):
    settled = f"{prose.plural(changed, 'difference')} settled" if changed else "Nothing new was settled"
    if not left:
        return f"{settled}; none is left. The trial may enter."
    then = ", and the trial enters once none is" if wanted else ""
    return f"{settled}; {left} {'is' if left == 1 else 'are'} left{then}."


def _settled(folder):
    """The trial as it would enter, checked; None while something is open."""
    content = comparing.settled(folder, registry=standing.registry(current().held))
    return content and (content, opened.check(content, opened.record_of(folder)["record_id"]))


def _stops(folder):
    return _settled(folder)[1].stops


def _page(name, folder, *, typed=None, answers=None, refused=False):
    held = current().held
    config, record = held.config(), opened.record_of(folder)
    view = comparing.view(folder, registry=standing.registry(held), named=opened.extractors())
    labels = fields.outcome_labels(config)
    told = [opened.check(one, record["record_id"]).messages for one in view.contents]
    whole = _settled(folder) if view.is_settled else None
    return flask.render_template(
        "extraction/compare.html.j2",
        title="Two extractions compared",
        name=name,
        record=record,
        full_text=places.of(held, record["record_id"]),
        view=view,
        parts=comparing.parts(view, labels=labels, told=told),
        agreement=_agreement(view.agreement) if view.agreement else "",
        asked=_asked(*whole, labels) if whole else [],
        typed=_typed(view, typed),
        faults=answers.faults if answers else {},
        late=answers.late if answers else {},
        refused=refused,
        timepoints=TIMEPOINTS,
        empty=double_extraction.EMPTY,
        kinds=checking.WORDS,
    )


def _asked(content, checked, labels):
    """What the checks say of the trial as it would enter: what stops it, and what was given a reason."""
    kinds = (checking.ERROR, checking.MISSING, checking.LIKELY)
    return [
        (fields.label_of(one.field, content.rows, labels), one)
        for one in checked.messages
        if one.kind in kinds
    ]


def _agreement(kinds):
    """How far the two agreed before anything was settled, in a sentence."""
    counted = {KINDS[kind]: counts for kind, counts in kinds.items() if kind in KINDS and counts["fields"]}
    alike = {word: counts["equal"] + counts["within_rounding"] for word, counts in counted.items()}
    total = sum(counts["fields"] for counts in counted.values())
    each = prose.listed([f"{alike[word]} of {counts['fields']} {word}" for word, counts in counted.items()])
    return f"They agree in {sum(alike.values())} of {total} values: in {each}."


def _typed(view, posted):
    """What the form holds for each difference: of what was posted, else of what is on file."""
    found = {}
    for number, row in enumerate(view.conflicts):
        standing_ = {None: "", double_extraction.EMPTY: ""}.get(row["adjudicated"], row["adjudicated"])
        values = {"1": row["value_1"] or "", "2": row["value_2"] or ""}
        choice = next((one for one, value in values.items() if value == standing_), "other")
        if row["field"] == double_extraction.ROW:
            choice = standing_
        choice = choice if row["adjudicated"] else ""
        found[row["key"]] = {
            "token": str(number),
            "choice": choice,
            "other": standing_ if choice == "other" else "",
            "reason": row["reason"] or "",
        }
    tokens = {posted[name]: name.removesuffix(".key") for name in posted or {} if name.endswith(".key")}
    for key, token in tokens.items():
        if key in found:
            found[key] |= {part: posted.get(f"{token}.{part}", "") for part in ("choice", "other", "reason")}
    return found
