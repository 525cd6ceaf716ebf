"""Rows that were confirmed and are gone from a table: told on the first page, put back from there."""

import logging

import flask

from livingreview import kept_rows
from livingreview.desk import person, saving
from livingreview.desk.desk import current
from livingreview.report import prose

log = logging.getLogger(__name__)

blueprint = flask.Blueprint("gone", __name__)


def counted(held):
    """How many rows are gone, by table; without those of which none are.

    Numbers alone, so that nobody learns what another said.
    """
    found = {path: saving.gone(held, path) for path in kept_rows.TABLES}
    return {path: n for path, n in found.items() if n}


@blueprint.post("/gone/put-back")
def put_back():
    """Put the rows back into their places."""
    held = current().held
    for path in counted(held):
        n = kept_rows.put_back(held.review, path)
        log.warning("%s: %s put %d rows back that had gone", path, person.name(), n)
        flask.flash(f"{prose.plural(n, 'row is', 'rows are')} back in {path}.")
    return flask.redirect(flask.url_for("month.page"))


@blueprint.post("/gone/let-go")
def let_go():
    """Ask of the rows no longer."""
    held = current().held
    for path in counted(held):
        n = kept_rows.let_go(held.review, path)
        log.warning("%s: %s let %d rows go", path, person.name(), n)
        flask.flash(f"{prose.plural(n, 'row', 'rows')} of {path} will not be asked of again.")
    return flask.redirect(flask.url_for("month.page"))
