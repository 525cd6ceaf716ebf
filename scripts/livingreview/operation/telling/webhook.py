"""The digest as a message to a webhook: a line for a chat, or everything for a program."""

import contextlib
import json
import time
from urllib.parse import urlsplit

import requests

from livingreview.operation.telling.delivery import MaybeSent, NotSent
from livingreview.report import characters
from livingreview.search.pubmed.transport import is_local
from livingreview.secrets import scrub

ADDRESS, TOKEN = "LIVING_REVIEW_WEBHOOK_URL", "LIVING_REVIEW_WEBHOOK_TOKEN"
TIMEOUT = (10, 30)  # seconds for the connection and for each piece of the answer
LARGEST = 1000  # bytes of an answer that are read, and only of one that says no
# Of a gateway that heard nothing from the server behind it, which may have taken the message.
OPEN_ANSWERS = (502, 504)
FORMAT = 1  # of "json"; it rises when a key changes its meaning or goes


def body(seen, *, kind, plain, text):
    """What is posted.

    Parameters
    ----------
    seen : dict
        As `digest.view` gives it.
    kind : str
        ``slack`` ({"text": ...}, in which chat programs are asked to take nothing for markup) or ``json``.
    plain, text : str
        The short text and the Markdown.

    Returns
    -------
    str
        JSON.
    """
    if kind == "slack":
        # Between these signs Slack takes links and calls to everybody; other programs call people by "@".
        for sign, code in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("@", "@\u200b")):
            plain = plain.replace(sign, code)
        return json.dumps({"text": plain, "mrkdwn": False})
    return json.dumps({"format": FORMAT, **seen, "markdown": text})


def send(content, *, environ, begin, session=None, timeout=TIMEOUT):
    """Post to the address in the environment.

    Parameters
    ----------
    content : str
        JSON.
    environ : mapping
        Where the address is, and the token if the receiver asks for one.
    begin : callable
        Called right before the message is sent.
    session : requests.Session, optional
    timeout : tuple of float

    Raises
    ------
    NotSent, MaybeSent
        With words that never hold the address: whoever knows it can write to the chat.
    """
    address = receiver(environ)
    headers = {"Content-Type": "application/json", "User-Agent": "living-review"}
    if token := environ.get(TOKEN, "").strip():
        headers["Authorization"] = f"Bearer {token}"
    with contextlib.nullcontext(session) if session else requests.Session() as used:
        used.trust_env = used.trust_env and not is_local(address)
        # Otherwise a password for this host in ~/.netrc would go with it.
        used.auth = _as_it_is
        begin()
        _post(used, address, content, headers=headers, timeout=timeout, environ=environ)


def _post(session, address, content, *, headers, timeout, environ):
    try:
        with session.post(
            address,
            data=content.encode(),
            headers=headers,
            timeout=timeout,
            allow_redirects=False,  # another server must not be handed the token
            stream=True,
        ) as answer:
            _judge(answer, environ)
    except (requests.exceptions.ConnectTimeout, requests.exceptions.SSLError) as error:
        raise NotSent(f"no safe connection with the receiver ({type(error).__name__})") from None
    except requests.exceptions.ConnectionError as error:
        raise _broken(error) from None
    except (requests.exceptions.Timeout, OSError) as error:
        if isinstance(error, requests.exceptions.InvalidHeader | requests.exceptions.InvalidURL):
            raise NotSent(f"{ADDRESS} or {TOKEN} holds signs that cannot be sent") from None
        raise MaybeSent(f"the receiver did not answer to the end ({type(error).__name__})") from None


def receiver(environ):
    """The address of the environment, if messages may go there.

    Raises
    ------
    NotSent
    """
    address = environ.get(ADDRESS, "").strip()
    if not address:
        raise NotSent(f"the environment variable {ADDRESS} is not set, and notify.webhook needs it")
    try:
        parts = urlsplit(address)
        named = parts.hostname and not parts.username and not parts.password and parts.port != 0
    except ValueError:
        named = False
    if not named or any(sign.isspace() for sign in address):
        raise NotSent(f"{ADDRESS} holds no address, or one with a name and a password")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_local(address)):
        raise NotSent(f"{ADDRESS} does not begin with https://; nothing is sent unencrypted")
    return address


def _judge(answer, environ):
    code = answer.status_code
    if 200 <= code < 300:
        return
    if 300 <= code < 400:
        raise NotSent(f"the receiver sends on to another address ({code}), which is not followed")
    if code in OPEN_ANSWERS:
        raise MaybeSent(f"a server before the receiver answered {code}")
    said = _beginning(answer, environ)
    raise NotSent(f"the receiver answered {code}{f': {said}' if said else ''}")


def _beginning(answer, environ, *, patience=5):
    """The first words of an answer, as far as they come soon."""
    found, end = b"", time.monotonic() + patience
    try:
        for piece in answer.iter_content(256):
            found += piece
            if len(found) >= LARGEST or time.monotonic() > end:
                break
    except (requests.RequestException, OSError):
        pass
    said = " ".join(characters.fit(found[:LARGEST].decode("utf-8", "replace")).split())
    # Before it is cut short: half a token would not be known for one.
    return scrub(said, environ)[:200]


def _broken(error):
    """A connection that was never made, or one that ended."""
    inner = " ".join(type(one).__name__ for one in _chain(error))
    if "NewConnectionError" in inner or "NameResolutionError" in inner or "ProxyError" in inner:
        return NotSent("no connection with the receiver; is the address right, and the network up?")
    return MaybeSent("the connection with the receiver ended before it answered")


def _chain(error):
    """An error and those that it was made of."""
    while error is not None:
        yield error
        yield from (part for part in error.args if isinstance(part, BaseException))
        reason = getattr(error.args[0], "reason", None) if error.args else None
        if isinstance(reason, BaseException):
            yield reason
        error = error.__cause__ or error.__context__


def _as_it_is(request):
    return request
