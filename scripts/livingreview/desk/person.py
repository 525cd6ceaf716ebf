"""Who sits at the desk: the name under which decisions are filed."""

import flask

from livingreview.desk.desk import current
from livingreview.screening import filing

blueprint = flask.Blueprint("person", __name__)

OPEN_TO_ALL = {"static", "tokens", "person.page", "person.choose"}


def name():
    """The name or initials that were chosen, or None."""
    return flask.session.get("name")


def ask_who():
    """Before any page: ask for a name where none was chosen, or where the protocol names others."""
    if flask.request.endpoint in OPEN_TO_ALL or name():
        return None
    return flask.redirect(flask.url_for("person.page", then=flask.request.full_path))


def reviewers():
    """Those who decide independently of each other, by the protocol; empty where one decides alone."""
    return list(filing.own_queues(current().held.config()["screening"]))


@blueprint.get("/who")
def page():
    """Ask for the name."""
    return flask.render_template("who.html.j2", title="Who is at the desk?", names=reviewers(), then=onward())


@blueprint.post("/who")
def choose():
    """Remember the name."""
    chosen = flask.request.form.get("name", "").strip()
    if not chosen:
        return flask.redirect(flask.url_for("person.page", then=onward()))
    flask.session["name"] = chosen
    return flask.redirect(onward())


def onward(otherwise="month.page"):
    """Where to go on, by the field ``then``: a page of this desk, whatever was asked."""
    asked = flask.request.values.get("then", "")
    return (
        asked
        if asked.startswith("/") and not asked.startswith(("//", "/\\"))
        else flask.url_for(otherwise)
    )
