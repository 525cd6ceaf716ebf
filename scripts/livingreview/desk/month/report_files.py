"""The report, shown as it was made: its own page, kept apart from the desk.

The report's page holds style and a script within itself and is made of data from outside. It is served so
that a browser gives it an origin of its own: whatever ran in it could neither read the desk's pages nor speak
to the desk as its user, not even with the cookie. The links in it are relative and are asked for without that
cookie, so that their address holds a key instead.
"""

import hashlib
import hmac
import re
from pathlib import Path

from livingreview import paths
from livingreview.errors import InputError

# What the report and the page of versions link to. Queues of independent reviewers are for each alone.
SHOWN = re.compile(
    r"results/\d{4}-\d{2}/(?!queues/).+|logs/\d{4}-\d{2}/measured\.(svg|csv)|data/releases/.+", re.DOTALL
)
PAGE = (
    "sandbox allow-scripts allow-popups allow-popups-to-escape-sandbox allow-downloads; default-src 'none';"
    " script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)
# A drawing or a table runs nothing.
FILE = PAGE.replace("allow-scripts ", "").replace(" script-src 'unsafe-inline';", "")
HEADERS = {
    # The page's own origin is nobody's, so that for it everything comes from elsewhere.
    "Cross-Origin-Resource-Policy": "cross-origin",
    # With the desk's, links that open a page elsewhere would break.
    "Cross-Origin-Opener-Policy": "unsafe-none",
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",  # the address holds the key
}


def key(secret):
    """The key in the addresses of the report's files; it opens nothing else."""
    return hmac.new(secret.encode(), b"files of the report", hashlib.sha256).hexdigest()[:32]


def find(review, name):
    """A file of the report or of a release, as a path within the review.

    Returns
    -------
    Path or None
        None where there is no such file, or it is none of these.
    """
    if not SHOWN.fullmatch(name):
        return None
    try:
        path = paths.confined(Path(review), name)
    except InputError:
        return None
    return path if path.is_file() else None


def headers(path):
    """The headers with which a file is sent."""
    return HEADERS | {"Content-Security-Policy": PAGE if path.suffix == ".html" else FILE}
