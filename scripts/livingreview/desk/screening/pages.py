"""Screening of titles and abstracts, and of full texts: one record at a time, or as a list."""

import flask

from livingreview.desk import faults, paging, person, saving
from livingreview.desk.desk import current
from livingreview.desk.screening import listing, ranking_anew, renewing, shown, sitting, work
from livingreview.errors import InputError
from livingreview.screening import filing
from livingreview.screening.agreement import CATEGORIES

blueprint = flask.Blueprint("screening", __name__)

CHANGED = (
    "Nothing was saved: the record was changed by somebody else since this page was shown, or by you in"
    " another window. What was decided stands above."
)


@blueprint.record_once
def _begin(state):
    state.app.extensions["sittings"] = {}
    state.app.extensions["renewals"] = renewing.Renewals()


@blueprint.get("/screening")
def page():
    """The next record to decide, or the one that is asked for."""
    return _record(flask.request.args.get("record"))


@blueprint.post("/screening/decide")
def decide():
    """File a decision, and go on to the next record."""
    held, who, form = current().held, _seat(), flask.request.form
    stage = _stage(held, form.get("stage"))
    # A button of a reason says both.
    exclude_for = form.get("exclude_for")
    entered = work.Entered(
        form.get("record", ""),
        stage,
        "exclude" if exclude_for else form.get("decision", ""),
        exclude_for or form.get("reason") or None,
        " ".join(form.get("note", "").split()) or None,
    )
    if entered.decision not in CATEGORIES:
        flask.abort(400, "A decision is include, exclude or awaiting.")
    if entered.decision == "awaiting" and not entered.note:
        return _record(
            entered.record_id, entered=entered, fault="Say in the note what this record waits for."
        )
    waits = work.waiting(held, who)
    order, _ = _sitting().order(stage, waits.order(stage))
    try:
        work.file(held, who, entered, seen=form.get("seen", ""), decided_at=current().decided_at())
    except saving.Changed:
        return _record(entered.record_id, entered=entered, fault=CHANGED)
    except InputError as error:
        return _record(entered.record_id, entered=entered, fault=f"{'; '.join(faults.lines(error))}.")
    _sitting().unskip(stage, entered.record_id)
    following = _following(order, entered.record_id)
    _renewal().decided(waits, len(order) - 1, *_asked(who))
    return _to(stage, following if following != entered.record_id else None)


@blueprint.post("/screening/skip")
def skip():
    """Put a record off to the end of the sitting."""
    held, form = current().held, flask.request.form
    stage, record_id = _stage(held, form.get("stage")), form.get("record", "")
    waits = work.waiting(held, _seat())
    order, _ = _sitting().order(stage, waits.order(stage))
    if record_id in order:
        _sitting().skip(stage, record_id)
    following = _following(order, record_id)
    return _to(stage, following)


@blueprint.post("/screening/undo")
def undo():
    """Take back a decision of one's own, and show its record."""
    desk, form = current(), flask.request.form
    stage, record_id = _stage(desk.held, form.get("stage")), form.get("record", "")
    filed = form.get("filed", "")
    who = _seat()
    if work.take_back(desk.held, who, record_id, stage, filed=filed, decided_at=desk.decided_at()):
        waits = work.waiting(desk.held, who)
        _renewal().decided(waits, waits.count(stage), *_asked(who))
        flask.flash("Taken back. Both the decision and its withdrawal stay in the history.")
    else:
        flask.flash("Nothing was taken back: that decision does not stand any more.")
    return _to(stage, record_id)


@blueprint.post("/screening/file")
def file():
    """File what was typed into the month's own file."""
    desk, who = current(), _seat()
    held = desk.held
    name, _ = work.unfiled(held, who)
    added, already = filing.file_one(
        desk.review,
        desk.review / name,
        screening=held.config()["screening"],
        records=held.table(held.results("records.csv")),
        run=held.run(),
        decided_at=desk.decided_at(),
    )
    flask.flash(f"{added} filed from {name}; {already} were filed before.")
    return flask.redirect(flask.url_for("screening.page"))


@blueprint.post("/screening/show")
def show():
    """Switch what is shown: the marked terms, and the ranking before a decision."""
    name = flask.request.form.get("what")
    if name not in shown.SWITCHES:
        flask.abort(400, f"What can be switched is {', '.join(shown.SWITCHES)}.")
    kept = flask.session.get("screening", {})
    now = shown.switches(kept, current().held.config())[name]
    flask.session["screening"] = kept | {name: not now}
    return flask.redirect(person.onward("screening.page"))


@blueprint.post("/screening/renew")
def renew():
    """Switch whether the order is renewed with what is decided."""
    held, who = current().held, _seat()
    if not _is_ready(held, who):
        return _nothing(who)
    if _renewal().is_on or ranking_anew.may_learn(held, who):
        _renewal().switch(work.waiting(held, who), *_asked(who))
    else:
        flask.flash("There are too few decisions to learn from, so that the order stays as it is.")
    return flask.redirect(person.onward("screening.page"))


@blueprint.get("/screening/list")
def rows():
    """What waits, as a list."""
    held, who = current().held, _seat()
    if not _is_ready(held, who):
        return _nothing(who)
    args = flask.request.args
    waits = work.waiting(held, who)
    stage = _stage(held, args.get("stage"), waits)
    every = waits.rows(stage)
    sort = args.get("sort") if args.get("sort") in listing.SORTS else listing.SORTS[0]
    asked = listing.Asked(*(args.get(name, "")[:200] for name in listing.Asked._fields[:-1]), sort)
    if not _switches()["ranking"]:
        asked = asked._replace(band="")
    found = listing.found(every, lambda: work.texts(held), asked)
    return flask.render_template(
        "screening/list.html.j2",
        title="Screening",
        stage=stage,
        stages=_stages(held, waits),
        asked=asked,
        found=paging.page(found, args.get("page", 1, type=int), size=listing.PER_PAGE),
        n_all=len(every),
        sorts=listing.SORTS,
        values={name: listing.values(every, name) for name in ("state", "band", "year")},
        on=_switches(),
        renewed=_renewal().told(waits),
        chance=shown.chance,
    )


def _record(record_id, *, entered=None, fault=None):
    """The page of a record, or of nothing to do; with what was entered and why it was not filed."""
    desk, who = current(), _seat()
    held = desk.held
    if not _is_ready(held, who):
        return _nothing(who)
    waits = work.waiting(held, who)
    stage = entered.stage if entered else _stage(held, flask.request.args.get("stage"), waits)
    order, n_skipped = _sitting().order(stage, waits.order(stage))
    record_id = record_id or (order[0] if order else None)
    rows, day = held.table(filing.LEDGER, "screening"), desk.today()
    decided, n_decided = sitting.today(rows, name=who.name, day=day, most=shown.LISTED)
    one = record_id and shown.record(held, who, waits, record_id, stage, on=_switches(), day=day)
    page = flask.render_template(
        "screening/page.html.j2",
        title="Screening",
        one=one,
        stage=stage,
        stages=_stages(held, waits),
        n=len(order),
        n_skipped=n_skipped,
        place=order.index(record_id) + 1 if record_id in order else None,
        following=sitting.after(order, record_id),
        before=sitting.after(order, record_id, back=True),
        decided=decided,
        n_decided=n_decided,
        titles=shown.titles(held, [row.record_id for row in decided]),
        reasons=work.reasons(held.config(), stage),
        on=_switches(),
        renews=_renewal().is_on,
        renewed=_renewal().told(waits),
        may_renew=_renewal().is_on or ranking_anew.may_learn(held, who),
        entered=entered,
        fault=fault,
        unfiled=work.unfiled(held, who),
        stopping=shown.stopping(held),
    )
    return page, 409 if fault else 200


def _is_ready(held, who):
    return held.exists(held.results("queue.csv")) and who.is_asked


def _nothing(who):
    """The page of one who is not asked, or of a month that was not built."""
    return flask.render_template("screening/nothing.html.j2", title="Screening", seat=who)


def _seat():
    return work.seat(current().held, person.name())


def _sitting():
    sittings = flask.current_app.extensions["sittings"]
    return sittings.setdefault(person.name(), sitting.Sitting())


def _renewal():
    return flask.current_app.extensions["renewals"].of(person.name())


def _asked(who):
    """What a ranking anew is asked for; see `ranking_anew.ranked`."""
    return current().review, current().held.run(), who.name


def _following(order, record_id):
    """What comes after a record; where the order is renewed, the best that waits."""
    if _renewal().is_on:
        return next((one for one in order if one != record_id), record_id)
    return sitting.after(order, record_id)


def _switches():
    return shown.switches(flask.session.get("screening", {}), current().held.config())


def _stage(held, asked, waits=None):
    """The stage that is asked for; left out, the first at which something waits."""
    stages = held.config()["screening"]["stages"]
    if asked in stages:
        return asked
    return next((one for one in stages if waits and waits.count(one)), stages[0])


def _stages(held, waits):
    """The protocol's stages with how many records wait at each."""
    return [(one, waits.count(one)) for one in held.config()["screening"]["stages"]]


def _to(stage, record_id):
    return flask.redirect(flask.url_for("screening.page", stage=stage, record=record_id))
