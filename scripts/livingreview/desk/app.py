"""The desk as a web application: one page for each piece of the month's work."""

import functools
import hashlib
import logging

import flask
import flask_wtf.csrf
import jinja2

from livingreview.desk import faults, guard, person
from livingreview.desk.conflicts import pages as conflicts
from livingreview.desk.desk import current
from livingreview.desk.exports import pages as exports
from livingreview.desk.extraction import pages as extraction
from livingreview.desk.full_text import pages as full_text
from livingreview.desk.history import pages as history
from livingreview.desk.month import gone
from livingreview.desk.month import pages as month
from livingreview.desk.preview import pages as preview
from livingreview.desk.risk_of_bias import pages as risk_of_bias
from livingreview.desk.screening import pages as screening
from livingreview.errors import ReviewError
from livingreview.report import characters, templating
from livingreview.report.queue_page import STAGES

log = logging.getLogger(__name__)

# In the order of the navigation: the address of each page, and what it is called.
PAGES = (
    ("month.page", "This month"),
    ("screening.page", "Screening"),
    ("full_text.page", "Full texts"),
    ("conflicts.page", "Conflicts"),
    ("extraction.page", "Extraction"),
    ("risk_of_bias.page", "Risk of bias"),
    ("history.page", "Protocol and history"),
    ("exports.page", "Exports"),
)
STATIC = templating.TEMPLATES / "desk" / "static"
TOKENS = templating.TEMPLATES / "tokens.css"
# Bytes of a file that is uploaded, and of all that is sent with it.
LARGEST_FILE = 20 * 2**20
LARGEST = LARGEST_FILE + 2**20


def create(desk, *, key, token, hosts, once=()):
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
    once : collection of str
        Tokens of which each opens the desk one time.

    Returns
    -------
    flask.Flask
    """
    app = _Application(
        "livingreview.desk",
        template_folder=templating.TEMPLATES / "desk",
        static_folder=STATIC,
    )
    app.config.update(
        SECRET_KEY=key,
        SESSION_COOKIE_NAME=guard.cookie_name(hosts),
        SESSION_COOKIE_HTTPONLY=True,
        # Not Strict: the address may be opened from a mail, and its token gives way by a redirection. Nothing
        # is changed by a GET, and forms are held to the desk's own pages by their origin and their token.
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,  # a form may stay open over a weekend
        MAX_CONTENT_LENGTH=LARGEST,
        MAX_FORM_MEMORY_SIZE=LARGEST,
    )
    app.extensions["desk"] = desk
    guard.protect(app, token=token, hosts=hosts, once=once)
    flask_wtf.csrf.CSRFProtect(app)
    for part in (
        person,
        month,
        gone,
        screening,
        full_text,
        conflicts,
        extraction,
        preview,
        risk_of_bias,
        history,
        exports,
    ):
        app.register_blueprint(part.blueprint)
    app.before_request(person.ask_who)
    app.add_url_rule("/tokens.css", "tokens", _tokens)
    app.url_defaults(_with_version)
    faults.register(app)
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
    return flask.send_file(TOKENS)


def _with_version(endpoint, values):
    """Name style and script by their content, so that a browser asks for each once and shows no old one."""
    if endpoint in ("static", "tokens"):
        path = TOKENS if endpoint == "tokens" else STATIC / values["filename"]
        values["v"] = _version(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=100)
def _version(path, _changed):
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _everywhere():
    """What every template may use; nothing of the review for those who were not given the address."""
    shown = {
        "pages": PAGES,
        "STAGES": STAGES,
        "largest": LARGEST_FILE,
        "csrf_token": flask_wtf.csrf.generate_csrf,
        "config": None,
        "run": None,
        "who": None,
    }
    if not guard.is_opened():
        return shown
    held = current().held
    try:
        shown |= {"config": held.config(), "run": held.run()}
    except (ReviewError, OSError) as error:
        # A page that needs the protocol stops over it and says why; the page that says so needs none.
        log.warning("%s", error)
    return shown | {"who": person.name()}
