"""The desk as a web application: one page for each piece of the month's work."""

import flask
import flask_wtf.csrf
import jinja2
from werkzeug.exceptions import HTTPException

from livingreview.desk import guard, person
from livingreview.desk.conflicts import pages as conflicts
from livingreview.desk.desk import current
from livingreview.desk.exports import pages as exports
from livingreview.desk.extraction import pages as extraction
from livingreview.desk.full_text import pages as full_text
from livingreview.desk.history import pages as history
from livingreview.desk.month import pages as month
from livingreview.desk.risk_of_bias import pages as risk_of_bias
from livingreview.desk.screening import pages as screening
from livingreview.errors import ReviewError
from livingreview.report import characters, templating

# In the order of the navigation: the address of each page, and what it is called.
PAGES = (
    ("month.page", "This month"),
    ("screening.page", "Screening"),
    ("full_text.page", "Full texts"),
    ("conflicts.page", "Conflicts"),
    ("extraction.page", "Extraction"),
    ("history.page", "Protocol and history"),
    ("exports.page", "Exports"),
)
# A form with a long quote, or a filled sheet, and room to spare.
LARGEST = 20 * 2**20  # bytes


def create(desk, *, key, token, hosts):
    """The application.

    Parameters
    ----------
    desk : Desk
    key : str
        Signs the cookie and the tokens of forms; see `guard.key_of`.
    token : str
        Opens the desk: without it, or the cookie that it leaves, every page is refused.
    hosts : collection of str
        ``host:port`` as a browser may name this desk; any other is refused.

    Returns
    -------
    flask.Flask
    """
    app = _Application(
        "livingreview.desk",
        template_folder=templating.TEMPLATES / "desk",
        static_folder=templating.TEMPLATES / "desk" / "static",
    )
    app.config.update(
        SECRET_KEY=key,
        SESSION_COOKIE_NAME=guard.cookie_name(hosts),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        WTF_CSRF_TIME_LIMIT=None,  # a form may stay open over a weekend
        MAX_CONTENT_LENGTH=LARGEST,
        MAX_FORM_MEMORY_SIZE=LARGEST,
    )
    app.extensions["desk"] = desk
    guard.protect(app, token=token, hosts=hosts)
    flask_wtf.csrf.CSRFProtect(app)
    for part in (person, month, screening, full_text, conflicts, extraction, risk_of_bias, history, exports):
        app.register_blueprint(part.blueprint)
    app.before_request(person.ask_who)
    app.add_url_rule("/tokens.css", "tokens", _tokens)
    app.register_error_handler(ReviewError, _stopped)
    app.register_error_handler(OSError, _stopped)
    app.register_error_handler(HTTPException, _refused)
    app.context_processor(_everywhere)
    return app


class _Application(flask.Flask):
    """Flask whose templates escape everything and stop at names that are not defined, as the report's do."""

    jinja_options = {  # noqa: RUF012  Flask's own way to say it
        "autoescape": True,
        "undefined": jinja2.StrictUndefined,
        "finalize": characters.fit,
        "trim_blocks": True,
        "lstrip_blocks": True,
    }


def _tokens():
    """The colours and fonts of the report, which are those of the desk."""
    return flask.send_file(templating.TEMPLATES / "tokens.css")


def _everywhere():
    """What every template may use."""
    desk = current()
    config = desk.held.config()
    return {
        "pages": PAGES,
        "config": config,
        "run": desk.held.run(),
        "who": person.name(),
        "csrf_token": flask_wtf.csrf.generate_csrf,
    }


def _stopped(error):
    """A page that says what a file, a person or the computer did not let the desk do; nothing was changed."""
    text = str(error) if isinstance(error, ReviewError) else f"the computer says: {error}"
    return flask.render_template("stopped.html.j2", title="That did not work", text=text), 409


def _refused(error):
    return flask.render_template("stopped.html.j2", title=error.name, text=error.description), error.code
