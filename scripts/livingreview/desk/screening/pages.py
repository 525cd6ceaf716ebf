"""Screening of titles and abstracts, and of full texts: one record at a time, or as a list."""

import flask

blueprint = flask.Blueprint("screening", __name__)


@blueprint.get("/screening")
def page():
    """The page."""
    return flask.render_template("screening/page.html.j2", title="Screening")
