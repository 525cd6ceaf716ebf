"""Queue, decisions and studies as files for other programs."""

import flask

blueprint = flask.Blueprint("exports", __name__)


@blueprint.get("/exports")
def page():
    """The page."""
    return flask.render_template("exports/page.html.j2", title="Exports")
