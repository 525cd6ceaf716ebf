"""The protocol with explanations, and every decision and value with its history."""

import flask

blueprint = flask.Blueprint("history", __name__)


@blueprint.get("/history")
def page():
    """The page."""
    return flask.render_template("history/page.html.j2", title="Protocol and history")
