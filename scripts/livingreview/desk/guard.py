"""Who may speak to the desk: a browser that was given its address, and no other page."""

import hmac
import os
import secrets
from pathlib import Path

import flask

KEY = ".cache/desk/session.key"  # from the review's folder
# Pages take nothing from elsewhere, run no script and apply no style that is not the desk's own file.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
OPEN = ("static", "tokens")  # the desk's own style and script, the same for everybody
SAFE = ("GET", "HEAD", "OPTIONS")


def key_of(review):
    """The key that signs a review's cookies, made at the first start; readable by its owner alone.

    It is kept so that a desk which was killed and started again still knows its people and their open forms.
    """
    path = Path(review, KEY)
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "r+", encoding="ascii") as file:
        os.fchmod(file.fileno(), 0o600)
        found = file.read().strip()
        if len(found) < 64:
            found = secrets.token_hex(32)
            file.seek(0)
            file.write(found)
            file.truncate()
    return found


def cookie_name(hosts):
    """Cookies do not mind ports: each desk of this computer has a name of its own."""
    return "desk-" + min(hosts).rpartition(":")[2]


def protect(app, *, token, hosts):
    """Refuse requests that were not meant for this desk, and send every answer with the headers above."""

    @app.before_request
    def _check():
        if flask.request.host not in hosts:
            flask.abort(421, "This desk answers at the address that it printed, and at no other name.")
        origin = flask.request.headers.get("Origin")
        if origin is not None and origin not in {f"http://{host}" for host in hosts}:
            flask.abort(403, "Another page asked this of the desk. Nothing was done.")
        if origin is None and flask.request.method not in SAFE:
            site = flask.request.headers.get("Sec-Fetch-Site", "same-origin")
            if site not in ("same-origin", "none"):
                flask.abort(403, "Another page asked this of the desk. Nothing was done.")
        given = flask.request.args.get("token")
        if given is not None and hmac.compare_digest(given.encode(), token.encode()):
            flask.session["opened"] = True
            flask.session.permanent = True
            rest = {name: value for name, value in flask.request.args.items() if name != "token"}
            return flask.redirect(flask.url_for(flask.request.endpoint or "month.page", **rest))
        if not flask.session.get("opened") and flask.request.endpoint not in OPEN:
            flask.abort(401, "Open the desk with the whole address that “make desk” printed.")
        return None

    @app.after_request
    def _headers(answer):
        for name, value in HEADERS.items():
            answer.headers.setdefault(name, value)
        if flask.request.endpoint in OPEN:
            answer.headers["Cache-Control"] = "no-cache"
        return answer
