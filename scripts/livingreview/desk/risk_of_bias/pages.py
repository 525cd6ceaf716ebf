"""Risk of bias by signalling questions, with the judgement that follows from the answers."""

import flask
import pandas as pd

from livingreview import tables
from livingreview.desk import faults, person, saving
from livingreview.desk.desk import current
from livingreview.desk.preview import effects_now
from livingreview.desk.risk_of_bias import asked, assessment, filing, listing, showing
from livingreview.desk.standing import TRIALS
from livingreview.errors import InputError
from livingreview.report import links
from livingreview.trials import bias_blinding, risk_of_bias
from livingreview.trials.revisions import rows_at

blueprint = flask.Blueprint("risk_of_bias", __name__)

SCHEMA = "risk_of_bias"


@blueprint.get("/risk-of-bias")
def page():
    """The trials, and how far each is."""
    held = current().held
    run, protocol = held.run(), _asked(held)
    studies = _studies(held, run)
    included = effects_now.links(held).joined(None, None)[0]
    rows = listing.trials(
        studies[studies["study_id"].isin(included)],
        _judged(held, protocol),
        protocol,
        done=bias_blinding.complete(_frame(held), asked.tools_of(held), run),
        who=person.name(),
    )
    waiting = sum(not row["done"] for row in rows)
    return flask.render_template(
        "risk_of_bias/page.html.j2", title="Risk of bias", rows=rows, waiting=waiting, protocol=protocol
    )


@blueprint.get("/risk-of-bias/<study_id>")
def study(study_id):
    """The form of one assessment."""
    place, tool, protocol = _place(study_id, flask.request.args)
    if tool is None:
        return flask.render_template("risk_of_bias/choose.html.j2", **_around(place, protocol))
    held = current().held
    frame, run = _seen(held, protocol), held.run()
    cells = assessment.cells_of(assessment.in_force(frame, place, run))
    if place.reviewer == risk_of_bias.CONSENSUS and not cells:
        cells = showing.agreed(frame, tool, place, run)
    return _form(place, tool, protocol, cells)


@blueprint.post("/risk-of-bias/<study_id>")
def save(study_id):
    """File an assessment, or only judge what was typed."""
    form = flask.request.form
    place, tool, protocol = _place(study_id, form)
    if tool is None:
        flask.abort(400, "Choose a tool first.")
    cells = assessment.typed(form, tool)
    if "judge" in form:
        return _form(place, tool, protocol, cells, typed=form)
    try:
        notes = _file(place, tool, cells, form)
    except (InputError, saving.Changed) as error:
        return _form(place, tool, protocol, cells, typed=form, error=error), 409
    for note in notes:
        flask.flash(note)
    return flask.redirect(_address(place))


@blueprint.post("/risk-of-bias/<study_id>/judge")
def judge(study_id):
    """What the answers lead to, for the script of the form."""
    place, tool, _ = _place(study_id, flask.request.form)
    if tool is None:
        flask.abort(400, "Choose a tool first.")
    cells = assessment.typed(flask.request.form, tool)
    return {
        "states": {
            assessment.field("question", key): state for key, state in assessment.states(tool, cells).items()
        },
        "judged": showing.judgements(tool, assessment.judged(tool, cells, place)),
    }


def _file(place, tool, cells, form):
    """Check and append; what to tell the person."""
    desk = current()
    held, run = desk.held, desk.held.run()
    source = " ".join(form.get("source", "").split())
    if not source:
        raise InputError(assessment.FILE, column="source", problem="name the report that was read")
    stamp = {"run": run, "source": source, "decided_at": desk.decided_at()}
    reason = " ".join(form.get("revision_reason", "").split())
    with saving.changing(held, assessment.FILE, SCHEMA, optional=True) as table:
        own = assessment.rows_of(table.frame, place)
        saving.refuse_changed(own, form.get("seen", ""), what="This assessment")
        before = rows_at(own, run, risk_of_bias.KEY)
        rows, notes = filing.new_rows(tool, before, cells, place, stamp=stamp, reason=reason)
        if not rows:
            return ["Nothing is different from what is on file.", *notes]
        added = assessment.frame_of(rows)
        _refuse_what_the_run_would(held, table.frame, added, run)
        table.append(added)
    return [f"Saved: {len(rows)} {'entry' if len(rows) == 1 else 'entries'}.", *notes]


def _refuse_what_the_run_would(held, frame, added, run):
    """Nothing is saved that would stop the next run."""
    together = pd.concat([frame.astype(object), added], ignore_index=True)
    _judgements(held, together, run)


def _judgements(held, frame, run):
    config = held.config()
    return risk_of_bias.judgements(
        rows_at(frame, run, risk_of_bias.KEY),
        asked.tools_of(held),
        studies=set(held.table(TRIALS["studies"], "studies")["study_id"]),
        outcomes=[*config["outcomes"], *config.get("other_outcomes", [])],
    )


def _judged(held, protocol, study_id=None):
    """The judgements that follow from what this person may see, of one trial or of all."""
    seen = _seen(held, protocol)
    return _judgements(held, seen if study_id is None else seen[seen["study_id"] == study_id], held.run())


def _seen(held, protocol):
    """The rows that this person may see."""
    return bias_blinding.visible(
        _frame(held), asked.tools_of(held), held.run(), names=protocol.names, who=person.name()
    )


def _frame(held):
    return held.table(assessment.FILE, SCHEMA, optional=True)


def _studies(held, run):
    return rows_at(held.table(TRIALS["studies"], "studies"), run, ["study_id"])


def _asked(held):
    return asked.read(held.config(), asked.tools_of(held))


def _place(study_id, given):
    """Which assessment a request is about: (Place, Tool or None, Asked)."""
    desk = current()
    held, run = desk.held, desk.held.run()
    protocol = _asked(held)
    config = held.config()
    if study_id not in set(_studies(held, run)["study_id"]):
        flask.abort(404, "There is no such trial: it appears here once its sheet is merged.")
    outcome = given.get("outcome") or None
    if outcome is not None and outcome not in (*config["outcomes"], *config.get("other_outcomes", [])):
        flask.abort(404, "The protocol has no such outcome.")
    name = given.get("tool") or _usual(protocol)
    if name is not None and name not in protocol.tools:
        flask.abort(404, "The protocol does not name this tool.")
    place = assessment.Place(study_id, outcome, name or "", person.name())
    if name is None:
        return place, None, protocol
    tool = protocol.tools[name]
    if given.get("as") != risk_of_bias.CONSENSUS:
        return place, tool, protocol
    if not showing.may_settle(_frame(held), tool, place, run, protocol.names):
        flask.abort(403, "There is something to settle once two people have judged by themselves.")
    return place.of(risk_of_bias.CONSENSUS), tool, protocol


def _usual(protocol):
    """The one tool that can be meant, if there is one."""
    if len(protocol.tools) == 1 or protocol.named:
        return next(iter(protocol.tools))
    return None


def _form(place, tool, protocol, cells, *, typed=None, error=None):
    held = current().held
    run, frame = held.run(), _seen(held, protocol)
    own = assessment.rows_of(frame, place)
    studies = _studies(held, run)
    study = tables.plain_rows(studies[studies["study_id"] == place.study_id])[0]
    typed = typed or {}
    return flask.render_template(
        "risk_of_bias/form.html.j2",
        **_around(place, protocol),
        **showing.form(tool, cells, place),
        tool=tool,
        # Of what is on file now: whoever was told that it changed has looked at it when this comes back.
        seen=saving.seen(own),
        on_file=len(own) > 0,
        source=typed.get("source") or _source(own, study),
        revision_reason=typed.get("revision_reason", ""),
        error=faults.lines(error) if error else [],
        found=showing.differing(tool, cells, assessment.in_force(own, place, run)) if error else [],
        others=showing.others(frame, tool, place, run),
        may_settle=showing.may_settle(_frame(held), tool, place, run, protocol.names),
        history=showing.history(own),
        settling=place.reviewer == risk_of_bias.CONSENSUS,
    )


def _source(own, study):
    return tables.plain_rows(own)[-1]["source"] if len(own) else (study["source"] or "")


def _around(place, protocol):
    """What every page about one trial shows."""
    held = current().held
    run, config = held.run(), held.config()
    studies = _studies(held, run)
    label = listing.labels_of(studies)[place.study_id]
    study = tables.plain_rows(studies[studies["study_id"] == place.study_id])[0]
    judged = _judged(held, protocol, place.study_id)
    return {
        "title": f"Risk of bias: {label}",
        "place": place,
        "study": study,
        "links": links.named(study),
        "outcomes": {name: declared["label"] for name, declared in config["outcomes"].items()},
        "protocol": protocol,
        "assessments": listing.assessments(judged, protocol),
        "address": _address,
    }


def _address(place):
    settling = place.reviewer == risk_of_bias.CONSENSUS
    return flask.url_for(
        "risk_of_bias.study",
        study_id=place.study_id,
        tool=place.tool,
        outcome=place.outcome,
        **({"as": risk_of_bias.CONSENSUS} if settling else {}),
    )
