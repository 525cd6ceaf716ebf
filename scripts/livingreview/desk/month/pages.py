"""What the month asks of people, what it found, the run itself, and the report."""

import re

import flask

from livingreview.desk import person
from livingreview.desk.desk import current
from livingreview.desk.month import (
    freshness,
    gone,
    next_step,
    outcome_words,
    overview,
    report_files,
    run_state,
    starting,
    work,
)
from livingreview.errors import ReviewError
from livingreview.report import prose
from livingreview.screening import filing
from livingreview.search.snapshot import RUN

blueprint = flask.Blueprint("month", __name__)
blueprint.record_once(lambda state: state.app.extensions.setdefault("month", starting.Starts()))


@blueprint.get("/")
def page():
    """The overview; a table that cannot be read takes only its own part from the page."""
    held, now, names = current().held, current().clock(), person.reviewers()
    run = held.run()
    state = run_state.last(held.review, run, now=now)
    busy = run_state.working(held.review)
    busy_run = run_state.of_holder(busy) or _starts().begins(held.review)
    since, since_fault = _or_fault(lambda: freshness.since(held))
    kinds, kinds_fault = _or_fault(lambda: work.now(held) if since else [])
    news, news_fault = _or_fault(lambda: overview.news(held) if since else None)
    may, may_fault = _or_fault(lambda: overview.may_start(held, now=now))
    may = may or {"run": None, "due": False, "why": ""}
    mine, _ = _or_fault(lambda: work.mine(held, person.name()) if since else {})
    step = next_step.find(
        kinds or [],
        since,
        run=state,
        next_run=may["run"] if may["due"] else None,
        asked=news["asked"] if news else "",
        started=busy_run is not None,
        mine=mine,
        others=[one for one in names if one != person.name()] if person.name() in names else (),
    )
    people, _ = _or_fault(lambda: overview.people(held.table(filing.LEDGER, "screening"), run))
    return flask.render_template(
        "month/page.html.j2",
        title=prose.month(run),
        step=step,
        kinds=kinds or [],
        places=next_step.PLACES,
        mine=mine or {},
        own_stages=work.OWN_STAGES,
        since=since,
        built=since and outcome_words.minute(since.built),
        words=freshness.COUNTED,
        news=news,
        people=people or [],
        state=state,
        busy=busy,
        busy_run=busy_run,
        gone=gone.counted(held),
        faults=list(dict.fromkeys(filter(None, (kinds_fault, since_fault, news_fault, may_fault)))),
        may=may,
        before={one: _before(held, one, since) for one in filter(None, (run, state.run, may["run"]))},
        prose=prose,
    )


@blueprint.post("/month/start")
def start():
    """Start a month, in a process that goes on when the desk is closed."""
    desk = current()
    run = _run()
    _starts().start(desk.review, run, cores=desk.cores)
    return flask.redirect(flask.url_for("month.progress", run=run))


@blueprint.post("/month/stop")
def stop():
    """Ask the run to end."""
    if starting.stop(current().review):
        flask.flash("The run was asked to end. What is complete stays; the next start goes on from there.")
    else:
        flask.flash("Nothing was stopped: no run of this computer works in the folder.")
    return flask.redirect(flask.url_for("month.progress", run=_run()))


@blueprint.get("/month/run")
def progress():
    """A run as it goes on, or what it came to."""
    run = _run()
    return flask.render_template(
        "month/progress.html.j2", title=f"The run of {prose.month(run)}", **_shown(run)
    )


@blueprint.get("/month/run/now")
def now():
    """The part of that page that changes, for its script."""
    return flask.render_template("month/run.html.j2", **_shown(_run()))


@blueprint.get("/report/")
def report():
    """To the report of a month: the desk's own, or the one that is named."""
    held = current().held
    run = _run()
    name = f"results/{run}/report.html"
    if not held.exists(name):
        raise ReviewError(f"{prose.month(run)} has no report yet; hint: build it on the page This month")
    return flask.redirect(flask.url_for("month.file", key=_key(), name=name))


@blueprint.get("/favicon.ico")
def icon():
    """None: the pages of the desk name none, and the report's page has a browser ask for it."""
    return flask.Response(status=204, headers=report_files.HEADERS)


@blueprint.get("/files/<key>/<path:name>")
def file(key, name):
    """A file of the report or a release; see `report_files`."""
    path = report_files.find(current().review, name) if key == _key() else None
    if path is None:
        flask.abort(404, "There is no such file in the report.")
    answer = flask.send_file(path.resolve(), conditional=True)
    answer.headers.update(report_files.headers(path))
    return answer


def _shown(run):
    """What the part that changes shows."""
    review = current().review
    state = run_state.read(review, run, now=current().clock())
    refused = _starts().refused(review, run)
    begins = state.state != run_state.ALIVE and _starts().begins(review, run) is not None
    return {
        "state": state,
        "begins": begins,
        "live": begins or state.state == run_state.ALIVE,
        "refused": refused,
        "ended": outcome_words.of(review, run) if state.state == run_state.ENDED and not begins else None,
        "stopped": refused or state.state == run_state.KILLED or _about(state) in run_state.STOPPED,
        "month": prose.month(run),
        "has_report": current().held.exists(f"results/{run}/report.html"),
        "prose": prose,
        "clock": outcome_words.duration(state.seconds),
    }


def _about(state):
    """What the last start came to."""
    return (state.about or {}).get("outcome")


def _run():
    """The month that a request names, or the desk's."""
    asked = flask.request.values.get("run") or current().held.run()
    if not re.fullmatch(RUN, asked):
        flask.abort(404, "A month is written YYYY-MM.")
    return asked


def _starts():
    return flask.current_app.extensions["month"]


def _key():
    return report_files.key(flask.current_app.config["SECRET_KEY"])


def _before(held, run, since):
    said, _ = _or_fault(lambda: overview.what_happens(held, run, since))
    return said or []


def _or_fault(make):
    """What a function gives, and None; or None, and the text of what is at fault."""
    try:
        return make(), None
    except (ReviewError, OSError) as error:
        return None, str(error)
