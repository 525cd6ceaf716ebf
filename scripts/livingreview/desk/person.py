"""Who sits at the desk: the name under which decisions are filed."""

import flask
import flask_wtf.csrf

from livingreview.desk import guard
from livingreview.desk.desk import current
from livingreview.screening import filing

blueprint = flask.Blueprint("person", __name__)

LONGEST = 100  # characters of a name
OPEN_TO_ALL = {*guard.OPEN, "person.page", "person.choose"}


def name():
    """The name or initials that were chosen, or None."""
    return flask.session.get("name")


def ask_who():
    """Before any page: ask for a name where none was chosen."""
    if flask.request.endpoint in OPEN_TO_ALL or name():
        return None
    if flask.request.method not in guard.SAFE:
        raise flask_wtf.csrf.CSRFError("nobody has signed in")
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
    chosen = " ".join(flask.request.form.get("name", "").split())
    if not chosen or len(chosen) > LONGEST or not chosen.isprintable():
        flask.flash(f"A name or initials, of at most {LONGEST} letters.")
        return flask.redirect(flask.url_for("person.page", then=onward()))
    if name() not in (None, chosen):
        # Pages that are open under another name are not to be sent under this one without a word.
        flask.session.pop("csrf_token", None)
    flask.session["name"] = chosen
    return flask.redirect(onward())


def onward(otherwise="month.page"):
    """Where to go on, by the field ``then``: a page of this desk, whatever was asked."""
    asked = flask.request.values.get("then", "")
    return asked if guard.is_local(asked) else flask.url_for(otherwise)
