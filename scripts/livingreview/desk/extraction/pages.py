"""Extraction of a study's data, each value checked as it is typed."""

import flask

blueprint = flask.Blueprint("extraction", __name__)


@blueprint.get("/extraction")
def page():
    """The page."""
    return flask.render_template("extraction/page.html.j2", title="Extraction")
