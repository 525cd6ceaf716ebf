"""What must stay in the environment: the secrets' names, and their removal from all that is written or shown.

A secret is read where it is used and nowhere else. Whatever a program, a server or a library then says may
repeat it, so every text that is logged, printed, sent or kept passes through `scrub`.
"""

import base64
import functools
import html
import json
import logging
import os
import re
import shlex
import traceback
import urllib.parse
from dataclasses import dataclass

from livingreview.errors import ReviewError

SECRET_VARIABLES = (
    "NCBI_API_KEY",
    "LIVING_REVIEW_SMTP_PASSWORD",
    "LIVING_REVIEW_WEBHOOK_URL",
    "LIVING_REVIEW_WEBHOOK_TOKEN",
)

# Shorter ones stand in ordinary words and numbers; they are marked only where they stand alone, and `check`
# refuses them. No service gives out shorter keys: NCBI's have 36 characters.
SHORTEST = 6
# A webhook's address is a secret by the long random parts of its path and query. Libraries name the path
# without the server, and sometimes a part of it alone; shorter parts are words ("services", "webhooks").
SHORTEST_PART = 16
# Letters of a base64 text below which chance hits would be likely.
SHORTEST_BASE64 = 8
# As of http://user:password@proxy:3128/, which the environment's proxies can hold and errors repeat.
IN_ADDRESS = re.compile(r"(?<=://)[^\s/?#'\"<>]+(?=@)")


@dataclass(frozen=True)
class Secret:
    """A secret of the environment: its variable's name, and how it is found in texts."""

    name: str
    spellings: tuple
    pattern: re.Pattern

    def is_in(self, text):
        """Whether a text holds it; some ten times as fast as `hide`."""
        lowered = text.lower()
        return any(spelling.lower() in lowered for spelling in self.spellings)

    def hide(self, text):
        """The text with the variable's name in its place."""
        return self.pattern.sub(f"[{self.name}]", text)


def scrub(text, environ=os.environ):
    """A text with every secret of the environment replaced by its name, such as ``[NCBI_API_KEY]``.

    A secret is found in whatever way it is usually written: as it is, in an address or a form, in JSON, in
    markup, as Python or a shell quotes it, and within a base64 text, as mail servers are sent it. Of a
    webhook's address the path and its long parts count too. Names and passwords before the server in any
    address are replaced by ``[credentials]``. Case is not looked at.

    Parameters
    ----------
    text : str
    environ : mapping, optional
        Where the secrets are; a variable that is empty or missing is none.
    """
    for secret in held(environ):
        text = secret.hide(text)
    return IN_ADDRESS.sub("[credentials]", text)


def held(environ=os.environ, variables=SECRET_VARIABLES):
    """The secrets that are set, as a list of `Secret`, the longest first."""
    found = [(name, value) for name in variables if (value := environ.get(name, "").strip())]
    return [_secret(name, value) for name, value in sorted(found, key=lambda one: -len(one[1]))]


def check(environ=os.environ):
    """Refuse secrets too short to be told from ordinary text.

    Raises
    ------
    ReviewError
        Naming the variables, not their values.
    """
    short = [name for name in SECRET_VARIABLES if 0 < len(environ.get(name, "").strip()) < SHORTEST]
    if short:
        raise ReviewError(
            f"the environment: {', '.join(short)}: found fewer than {SHORTEST} characters; allowed: at least"
            f" {SHORTEST}; hint: a shorter one could not be kept out of logs. Set the whole of it,"
            " or unset the variable"
        )


class Scrubbing(logging.Filter):
    """A filter for a log handler: what passes holds no secret, tracebacks and extra fields included.

    Parameters
    ----------
    environ : mapping, optional
        See `scrub`.
    """

    def __init__(self, environ=os.environ):
        super().__init__()
        self._environ = environ

    def filter(self, record):
        """Scrub the record in place; every record passes."""
        # Formatters take `exc_text` in the place of a traceback of their own.
        if record.exc_info and not record.exc_text:
            record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
        try:
            message = record.getMessage()
        except (TypeError, ValueError) as error:
            message = f"{record.msg!r} could not be filled in: {error}"
            record.msg, record.args = message, None
        if (clean := scrub(message, self._environ)) != message:
            record.msg, record.args = clean, None
        for name, value in vars(record).items():
            if name not in ("msg", "args", "exc_info"):
                setattr(record, name, _clean(value, self._environ))
        return True


def _clean(value, environ):
    """A value without secrets: texts, also those in plain containers; anything else as it is."""
    if isinstance(value, str):
        return scrub(value, environ)
    if type(value) in (list, tuple, set):
        return type(value)(_clean(one, environ) for one in value)
    if type(value) is dict:
        return {_clean(key, environ): _clean(one, environ) for key, one in value.items()}
    return value


class Scrubbed:
    """A text stream that writes to another without secrets; for a process's own standard error.

    What is written piece by piece is held back until its line ends, so that a secret cannot pass in halves.

    Parameters
    ----------
    stream : text stream
    environ : mapping, optional
        See `scrub`.
    """

    def __init__(self, stream, environ=os.environ):
        self._stream = stream
        self._environ = environ
        self._begun = ""

    def write(self, text):
        """Take a text; whole lines go on."""
        whole, end, rest = (self._begun + text).rpartition("\n")
        self._begun = rest
        if end:
            self._stream.write(scrub(whole + end, self._environ))
        return len(text)

    def writelines(self, lines):
        """Take several texts."""
        for line in lines:
            self.write(line)

    def flush(self):
        """Pass on what is left of a line too."""
        begun, self._begun = self._begun, ""
        if begun:
            self._stream.write(scrub(begun, self._environ))
        self._stream.flush()

    def __getattr__(self, name):
        return getattr(self._stream, name)


@functools.lru_cache(maxsize=32)
def _secret(name, value):
    if len(value) < SHORTEST:
        spellings, edges = _spellings(value), (r"(?<!\w)", r"(?!\w)")
    else:
        parts = {value, *_parts_of_address(value)}
        spellings, edges = {text for part in parts for text in _spellings(part) | _in_base64(part)}, ("", "")
    spellings = tuple(sorted(spellings, key=lambda one: (-len(one), one)))
    either = "|".join(map(re.escape, spellings))
    return Secret(name, spellings, re.compile(f"{edges[0]}(?:{either}){edges[1]}", re.IGNORECASE))


def _parts_of_address(value):
    """What is secret in an address by itself: path with query, long parts of both, name and password."""
    try:
        address = urllib.parse.urlsplit(value)
        if address.scheme not in ("http", "https") or not address.netloc:
            return set()
        signed = {address.username, address.password}
    except ValueError:
        return set()
    path = address.path + (f"?{address.query}" if address.query else "")
    named = [text for _, text in urllib.parse.parse_qsl(address.query)]
    long = {part for part in [*address.path.split("/"), *named] if len(part) >= SHORTEST_PART}
    return long | {part for part in {path, *signed} if part and len(part.strip("/")) >= SHORTEST}


def _spellings(value):
    in_json = json.dumps(value)[1:-1]
    plain_json = json.dumps(value, ensure_ascii=False)[1:-1]
    quoted = urllib.parse.quote(value, safe="")
    return {
        value,
        urllib.parse.quote(value),
        quoted,
        urllib.parse.quote(quoted, safe=""),
        urllib.parse.quote_plus(value),
        in_json,
        plain_json,
        in_json.replace("/", r"\/"),
        # JSON that was put into JSON, as a server's answer in a structured log is.
        json.dumps(in_json)[1:-1],
        repr(value)[1:-1],
        repr(value.encode())[2:-1],
        html.escape(value, quote=False),
        *(
            html.escape(value).replace("&#x27;", apostrophe).replace("&quot;", quotation)
            for apostrophe in ("&#x27;", "&#39;", "&apos;")
            for quotation in ("&quot;", "&#34;")
        ),
        shlex.quote(value).removeprefix("'").removesuffix("'"),
    }


def _in_base64(value):
    """The letters that a base64 text has wherever the value is in it: one of three, by what is before it."""
    data = value.encode()
    found = set()
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + data).decode()
        # Letters that share bits with a neighbour are left out at both ends.
        sure = encoded[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
        if len(sure) >= SHORTEST_BASE64:
            found |= {sure, sure.replace("+", "-").replace("/", "_")}
    return found
