"""What two reviewers decided differently, side by side, and pairs of records that may be one."""

import flask

blueprint = flask.Blueprint("conflicts", __name__)


@blueprint.get("/conflicts")
def page():
    """The page."""
    return flask.render_template("conflicts/page.html.j2", title="Conflicts")
