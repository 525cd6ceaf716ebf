"""The pages of this part, and the order in which they lie beside each other."""

import flask

blueprint = flask.Blueprint("history", __name__)

# The pages that lie beside each other, each with what else belongs to it.
BESIDE = (
    ("history.page", "Protocol", ()),
    ("history.decisions", "Decisions", ("history.record", "history.decision")),
    ("history.studies", "Studies and values", ("history.study", "history.value")),
    ("history.findings", "Findings", ()),
    ("history.certainty", "Certainty", ()),
    ("history.releases", "Text and releases", ()),
)


def render(template, **values):
    """A page of this part."""
    return flask.render_template(f"history/{template}.html.j2", beside=BESIDE, **values)
