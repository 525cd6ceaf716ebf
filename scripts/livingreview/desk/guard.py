"""Who may speak to the desk: a browser that was given its address, and no other page."""

import datetime
import fcntl
import hmac
import logging
import os
import re
import secrets
import stat
import urllib.parse
from pathlib import Path

import flask
import flask.sessions
import itsdangerous

from livingreview.errors import ReviewError

log = logging.getLogger(__name__)

KEY = ".cache/desk/session.key"  # from the review's folder
KEY_LENGTH = 64  # hexadecimal digits
# Pages take nothing from elsewhere, run no script and apply no style that is not the desk's own file.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: with that, browsers call the origin of the desk's own forms null.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
# The desk's own style and script, the same for everybody, and the report, whose addresses hold their own key.
OPEN = ("static", "tokens", "month.file", "month.icon")
KEPT = "private, max-age=31536000, immutable"
SAFE = ("GET", "HEAD", "OPTIONS")
NO_KEY = "{path}: this must be a file of the desk's own, not a link or a folder; hint: delete it"
WRONG_HOST = "This desk answers at the address that it printed, and at no other name."
OTHER_PAGE = "Another page asked this of the desk. Nothing was done."
NOT_OPENED = (
    "Open the desk with the whole address that “make desk” printed in the terminal; it ends in a token. If it"
    " was closed meanwhile, start it again: what was confirmed is on disk."
)


def key_of(review):
    """The key that signs a review's cookies, made at the first start; readable by its owner alone.

    It is kept so that a desk which was killed and started again still knows its people and their open forms.
    Where it cannot be kept (a folder that is another's, or only to be read), it lasts for this start.

    Raises
    ------
    ReviewError
        If something else stands in its place.
    """
    path = Path(review, KEY)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
    except OSError as error:
        if path.is_symlink() or path.is_dir():
            raise ReviewError(NO_KEY.format(path=path)) from None
        log.warning("%s cannot be kept (%s): a desk started anew asks for its address again", path, error)
        return secrets.token_hex(KEY_LENGTH // 2)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ReviewError(NO_KEY.format(path=path))
    with os.fdopen(descriptor, "r+", encoding="ascii", errors="replace") as file:
        os.fchmod(file.fileno(), 0o600)
        fcntl.flock(file, fcntl.LOCK_EX)  # two desks that start at once have one key
        found = file.read(2 * KEY_LENGTH).strip()
        if not re.fullmatch(f"[0-9a-f]{{{KEY_LENGTH}}}", found):  # also of a start that was killed here
            found = secrets.token_hex(KEY_LENGTH // 2)
            file.seek(0)
            file.write(found)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
    return found


class Sessions(flask.sessions.SecureCookieSessionInterface):
    """Signed cookies that a clock which was set back does not make invalid: nobody is signed out by that."""

    def open_session(self, app, request):
        """As Flask's own, with the cookie's age looked at here: there, one from the future is none."""
        given = request.cookies.get(self.get_cookie_name(app), "")
        try:
            found, signed = self.get_signing_serializer(app).loads(given, return_timestamp=True)
        except itsdangerous.BadSignature:
            return self.session_class()
        age = datetime.datetime.now(datetime.UTC) - signed
        return self.session_class(found if age <= app.permanent_session_lifetime else {})


def cookie_name(hosts):
    """Cookies do not mind ports: each desk of this computer has a name of its own."""
    return "desk-" + min(hosts).rpartition(":")[2]


def protect(app, *, token, hosts, once=()):
    """Refuse requests that were not meant for this desk, and send every answer with the headers above.

    Parameters
    ----------
    app : flask.Flask
    token : str
        Opens the desk as often as it is given, so that a second browser can be opened too.
    hosts : collection of str
        ``host:port`` in small letters.
    once : collection of str
        Tokens of which each opens the desk one time: others may see what a program was started with.
    """
    left = set(once)
    app.session_interface = Sessions()

    @app.before_request
    def _check():
        flask.g.is_refused = True
        if flask.request.host.lower() not in hosts:
            flask.abort(421, WRONG_HOST)
        if _is_from_elsewhere(flask.request, hosts):
            flask.abort(403, OTHER_PAGE)
        given = flask.request.args.get("token", "").encode()
        single = [one for one in left if hmac.compare_digest(given, one.encode())]
        if single or hmac.compare_digest(given, token.encode()):
            left.difference_update(single)
            flask.session["opened"] = True
            flask.session.permanent = True
            flask.g.is_refused = False
            return flask.redirect(_without_token(flask.request))
        if not flask.session.get("opened") and flask.request.endpoint not in OPEN:
            flask.abort(401, NOT_OPENED)
        flask.g.is_refused = False
        return None

    @app.after_request
    def _headers(answer):
        for name, value in HEADERS.items():
            answer.headers.setdefault(name, value)
        if flask.request.endpoint in OPEN:
            is_named = "v" in flask.request.args  # by its content
            answer.headers["Cache-Control"] = KEPT if is_named else "no-cache"
        return answer


def is_opened():
    """Whether the request is one of a browser that was given the address, meant for this desk."""
    return not flask.g.get("is_refused", True) and bool(flask.session.get("opened"))


def is_local(address):
    """Whether a text is the address of a page of this desk, however a browser may read it."""
    return bool(re.fullmatch(r"/(?![/\\])[^\\\x00-\x20\x7f]*", address))


def _is_from_elsewhere(request, hosts):
    origin = request.headers.get("Origin")
    if origin is not None:
        return origin.lower() not in {f"http://{host}" for host in hosts}
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    return request.method not in SAFE and site not in ("same-origin", "none")


def _without_token(request):
    rest = [(name, value) for name, value in request.args.items(multi=True) if name != "token"]
    path = urllib.parse.quote(request.path, safe="/")
    address = f"{path}?{urllib.parse.urlencode(rest)}" if rest else path
    return address if is_local(address) else "/"
