"""The pages of this part."""

import flask

blueprint = flask.Blueprint("extraction", __name__)
