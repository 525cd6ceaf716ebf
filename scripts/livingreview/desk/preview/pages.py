"""What typed values do to the result, and what has come of the result since the last run."""

import threading

import flask

from livingreview import paths
from livingreview.desk.desk import current
from livingreview.desk.extraction import checking, form
from livingreview.desk.preview import drawing, effects_now, pools
from livingreview.report import prose, templating
from livingreview.trials import prefilling, sheets

blueprint = flask.Blueprint("preview", __name__)

# Whoever opens one of these pages will want a preview next, whose libraries take seconds to load.
BEFORE_A_PREVIEW = ("extraction", "preview")
_warming = threading.Event()


@blueprint.before_app_request
def warm_up():
    """At the first visit of a page that leads here, load what previews need while the person reads."""
    if flask.request.blueprint in BEFORE_A_PREVIEW and not _warming.is_set():
        _warming.set()
        threading.Thread(target=pools.warm_up, daemon=True).start()


@blueprint.get("/figures.css")
def style():
    """The report's style of drawings."""
    return flask.send_file(templating.TEMPLATES / "report/figures.css")


@blueprint.post("/extraction/<name>/preview")
def of_form(name):
    """What the form of a study, as it stands, does to each outcome: a page for browsers without script."""
    desk = current()
    study = form.study(flask.request.form)
    if not study.get("study_id", "").strip():
        flask.abort(400, "The form names no study.")
    checked = checking.check(
        study,
        form.rows(flask.request.form),
        record_id=_record_of(desk.review, name),
        **checking.context(desk.held),
    )
    return flask.render_template(
        "preview/page.html.j2",
        title="What it does to the result",
        **told(checked, effects_now.now(desk.held)),
    )


def told(checked, here):
    """What `preview/fragment.html.j2` shows of a form that was checked.

    Parameters
    ----------
    checked : checking.Checked
    here : effects_now.Standing
    """
    outcomes = drawing.preview(checked.given, here, checked.whole)
    return {"outcomes": outcomes, "failed": checked.failed}


@blueprint.get("/effects")
def outcomes():
    """Every outcome as the last run made it and as it is now."""
    found, here = _of_run()
    rows = [_beside(name, found[name], here) for name in here.config["outcomes"] if name in found]
    left = [label for name, label in _labels(here.config).items() if name not in found]
    return flask.render_template(
        "preview/outcomes.html.j2", title="The results now", rows=rows, left=left, run_at=_run_at(here)
    )


@blueprint.get("/effects/<outcome>")
def of_outcome(outcome):
    """The forest plot of an outcome, and what it is now."""
    found, here = _of_run()
    if outcome not in found or outcome not in here.config["outcomes"]:
        flask.abort(404, "The protocol, or the last run, has no such outcome.")
    shown = drawing.since_run(here, found[outcome], outcome=outcome, run_at=_run_at(here))
    return flask.render_template(
        "preview/outcome.html.j2", title=shown["label"], shown=shown, run_at=_run_at(here)
    )


def _beside(name, found, here):
    shown = drawing.since_run(here, found, outcome=name, run_at=_run_at(here))
    told = {name: pair for name, *pair in shown["numbers"]}
    return shown | {"told": told, "level": prose.percent(100 * here.config["analysis"]["level"])}


def _labels(config):
    return {name: declared["label"] for name, declared in config["outcomes"].items()}


def _of_run():
    """The outcomes of the last run's estimates, numbers missing as NaN, and the tables of now."""
    held = current().held
    found = held.json(held.results("estimates.json"))["outcomes"]
    return found, effects_now.now(held)


def _run_at(here):
    return prose.month(here.run)


def _record_of(review, name):
    """The record that a sheet of this name is for; None where there is no such sheet."""
    folder = paths.confined(review / prefilling.SHEETS, name)
    # Of two extractors each has a sheet in a folder of their own.
    found = [*folder.glob("record_id.txt"), *sorted(folder.glob("*/record_id.txt"))]
    return sheets.record_id(found[0].parent) if found else None
