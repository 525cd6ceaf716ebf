"""What the month asks of people, what it found, and the run itself."""

import flask

blueprint = flask.Blueprint("month", __name__)


@blueprint.get("/")
def page():
    """The page."""
    return flask.render_template("month/page.html.j2", title="This month")
