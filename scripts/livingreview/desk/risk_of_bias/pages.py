"""Risk of bias by signalling questions, with the judgement that follows from the answers."""

import flask

blueprint = flask.Blueprint("risk_of_bias", __name__)


@blueprint.get("/risk-of-bias")
def page():
    """The page."""
    return flask.render_template("risk_of_bias/page.html.j2", title="Risk of bias")
