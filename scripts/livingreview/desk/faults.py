"""Pages that say what did not work, and give back what was typed; the program's own faults go to a log."""

import logging
import logging.handlers
import os
from pathlib import Path

import flask
import flask_wtf.csrf
from werkzeug.exceptions import HTTPException, NotFound, RequestEntityTooLarge

from livingreview import secrets, tables
from livingreview.desk import guard
from livingreview.desk.desk import current
from livingreview.desk.saving import Changed
from livingreview.errors import InputError, ReviewError
from livingreview.report import prose

log = logging.getLogger(__name__)

LOG = "logs/desk.log"  # from the review's folder
LARGEST_LOG = 2_000_000  # bytes; one older file is kept beside
# Fields by which a page finds its place; nobody typed them.
UNTYPED = {"csrf_token", "seen", "then"}
UNSIGNED = (
    "Nothing was saved: the page from which this was sent was opened under another name, or before you signed"
    " in anew. Is it still what you mean? Then send it again; otherwise go back."
)
UNBUILT = (
    "This page shows what a build of the month makes, and {file} is not there yet. The page This month has"
    " the button that builds it."
)
NO_PAGE = "The desk has no such page. Was the address typed, or kept from an earlier version?"
TOO_LARGE = (
    "That is more than the desk takes at once, and nothing was saved. A larger PDF is put into the review's"
    " folder by hand; then say its path, such as full_texts/12345678.pdf."
)
TOLD = {NotFound.description: NO_PAGE, RequestEntityTooLarge.description: TOO_LARGE}
OUR_FAULT = (
    "This is a fault of the program, not of your data. What was confirmed before is on disk; whether this"
    " last step was saved shows on its page. {log} says what went wrong, for those who maintain the program."
)


class _Log(logging.handlers.RotatingFileHandler):
    """A log that only its owner reads, and that a link cannot lead elsewhere."""

    def _open(self):
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.fdopen(os.open(self.baseFilename, flags, 0o600), "a", encoding="utf-8")

    def handleError(self, record):
        """A log that cannot be written stops nothing."""


def keep_log(review):
    """A handler for `logging` that writes to the review's `LOG`, without secrets."""
    path = Path(review, LOG)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        return logging.NullHandler()
    handler = _Log(path, maxBytes=LARGEST_LOG, backupCount=1, delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.addFilter(secrets.Scrubbing())
    return handler


def register(app):
    """Answer an application's errors with pages."""
    app.register_error_handler(flask_wtf.csrf.CSRFError, _unsigned)
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(Changed, _changed)
    app.register_error_handler(ReviewError, _stopped)
    app.register_error_handler(OSError, _hindered)
    app.register_error_handler(Exception, _failed)


def lines(error):
    """What an error says to somebody who sees the form: a sentence for each fault, without files and rows."""
    if not isinstance(error, InputError):
        return [str(error)]
    return [prose.sentence(getattr(one, "what", one)) for one in error.problems]


def typed():
    """What a form sent, as (name, value) in its order, without what nobody typed."""
    if flask.request.method in guard.SAFE:
        return []
    try:
        fields = list(flask.request.form.items(multi=True))
    except HTTPException:  # too large, or cut short: nothing of it can be read
        return []
    return [(name, value) for name, value in fields if name not in UNTYPED and value.strip()]


def _page(title, text, status, **more):
    shown = {"typed": typed(), "found": None, "again": None, "back": _back()} | more
    return flask.render_template("stopped.html.j2", title=title, text=secrets.scrub(text), **shown), status


def _back():
    """The page from which a form was sent, as a path of this desk; this month's if that is not known."""
    top = flask.request.host_url.rstrip("/")
    path = (flask.request.referrer or "").removeprefix(top)
    is_known = flask.request.method not in guard.SAFE and guard.is_local(path)
    return path if is_known else flask.url_for("month.page")


def _unsigned(_error):
    if flask.request.files:
        return _page("Send it once more", f"{UNSIGNED} The file must be chosen again.", 400)
    fields = [one for one in flask.request.form.items(multi=True) if one[0] != "csrf_token"]
    return _page("Send it once more", UNSIGNED, 400, again=(flask.request.full_path.rstrip("?"), fields))


def _refused(error):
    if error.code is None or error.code < 400:
        return error
    # What another page sent would be that page's words on ours.
    more = {"typed": []} if error.code in (403, 421) else {}
    said = TOLD.get(error.description, error.description)
    body, status = _page(error.name, said, error.code, **more)
    kept = [(name, value) for name, value in error.get_headers() if name == "Allow"]
    return body, status, kept


def _changed(error):
    found = None
    if error.rows is not None:
        found = (list(error.rows.columns), [[*map(tables.to_text, row)] for row in error.rows.to_numpy()])
    return _page("Somebody else was here", prose.sentence(str(error)), 409, found=found)


def _stopped(error):
    if flask.request.method in guard.SAFE and _is_unbuilt(error):
        return _page("Build the month first", UNBUILT.format(file=error.file), 409)
    return _page("That did not work", str(error), 409)


def _is_unbuilt(error):
    """Whether a page asks for what a build makes, and no build has made it yet."""
    file = error.file if isinstance(error, InputError) else ""
    return file.startswith("results/") and not (current().review / file).exists()


def _hindered(error):
    log.exception("the computer did not let %s be answered", flask.request.path)
    text = (
        f"The computer says: {error}. This last step was not confirmed: its page shows how far it came, and"
        " no file is left half written. Is the disk full, or a file or folder not yours to write? Mend that,"
        " and send it again."
    )
    return _page("That did not work", text, 503)


def _failed(_error):
    log.exception("a fault in answering %s %s", flask.request.method, flask.request.path)
    return _page("Something went wrong here", OUR_FAULT.format(log=LOG), 500)
