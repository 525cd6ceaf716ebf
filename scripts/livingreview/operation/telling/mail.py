"""The digest as a message, and its way to a mail server."""

import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from livingreview.operation.telling.delivery import MaybeSent, NotSent
from livingreview.report import characters
from livingreview.secrets import scrub

PORTS = {"starttls": 587, "tls": 465, "none": 25}
PASSWORD = "LIVING_REVIEW_SMTP_PASSWORD"
TIMEOUT = 30  # seconds for each step
NAME = "Living review"


def message(*, settings, subject, text, page, message_id, now):
    """The message, as plain text and as HTML.

    Parameters
    ----------
    settings : dict
        The protocol's ``notify.email``.
    subject, text, page : str
        One line; Markdown; HTML. What comes from data is text by now: no line end can add a header.
    message_id : str
        With angle brackets.
    now : datetime.datetime
        With its time zone.

    Returns
    -------
    email.message.EmailMessage
    """
    made = EmailMessage(policy=SMTP)
    made["Subject"] = " ".join(characters.fit(subject).split())
    made["From"] = f"{NAME} <{settings['from']}>"
    made["To"] = ", ".join(settings["to"])
    made["Date"] = format_datetime(now)
    made["Message-ID"] = message_id
    # Answering machines keep silent (RFC 3834).
    made["Auto-Submitted"] = "auto-generated"
    # Readable on the way for every server, however long the lines are.
    made.set_content(text, cte="quoted-printable")
    made.add_alternative(page, subtype="html", cte="quoted-printable")
    return made


def send(made, *, settings, environ, begin, context=None, timeout=TIMEOUT):
    """Hand a message to the mail server.

    Parameters
    ----------
    made : email.message.EmailMessage
    settings : dict
        As for `message`; encrypted from STARTTLS or from the start, or else the server asks for no password.
    environ : mapping
        Where the password is.
    begin : callable
        Called right before the message itself is sent.
    context : ssl.SSLContext, optional
        The default checks the server's certificate and its name.
    timeout : float
        Seconds for each step.

    Returns
    -------
    list of str
        Recipients that the server refused while it took the message for others.

    Raises
    ------
    NotSent, MaybeSent
    """
    server = _connected(settings, environ, context, timeout)
    try:
        begin()
        refused = server.send_message(made)
    except smtplib.SMTPRecipientsRefused as error:
        raise NotSent(f"the server takes mail for none of the recipients: {_answers(error)}") from None
    except smtplib.SMTPResponseException as error:
        raise NotSent(f"the server refused the message: {_answer(error, environ)}") from None
    except (OSError, smtplib.SMTPException) as error:
        raise MaybeSent(
            f"the connection ended before the server confirmed it ({type(error).__name__})"
        ) from None
    finally:
        _part(server)
    return sorted(refused)


def reach(*, settings, environ, context=None, timeout=TIMEOUT):
    """Connect with the mail server, log in and leave, without a message; arguments as for `send`.

    Raises
    ------
    NotSent
    """
    _part(_connected(settings, environ, context, timeout))


def _connected(settings, environ, context, timeout):
    """A server that is ready for a message."""
    password = _password(settings, environ)
    context = context or ssl.create_default_context()
    security = settings.get("security", "starttls")
    host, port = settings["host"], settings.get("port", PORTS[security])
    # Looking up this machine's own name can take long, and servers do not care for it.
    name = settings["from"].rpartition("@")[2]
    server = None
    try:
        if security == "tls":
            server = smtplib.SMTP_SSL(host, port, local_hostname=name, timeout=timeout, context=context)
        else:
            server = smtplib.SMTP(host, port, local_hostname=name, timeout=timeout)
        server.ehlo_or_helo_if_needed()
        if security == "starttls":
            server.starttls(context=context)
        if "user" in settings:
            server.login(settings["user"], password)
    except smtplib.SMTPAuthenticationError as error:
        raise _failed(server, f"{host} does not take user and password: {_answer(error, environ)}") from None
    except smtplib.SMTPNotSupportedError:
        lacking = "STARTTLS" if security == "starttls" and not _encrypted(server) else "logging in"
        raise _failed(server, f"{host}:{port} does not offer {lacking}; nothing is sent without it") from None
    except smtplib.SMTPResponseException as error:
        raise _failed(server, f"{host}:{port} answered {_answer(error, environ)}") from None
    except ssl.SSLCertVerificationError as error:
        raise _failed(
            server, f"the certificate of {host} is not to be trusted: {error.verify_message}"
        ) from None
    except ssl.SSLError as error:
        hint = "does the port fit the key security?"
        raise _failed(
            server, f"no encrypted connection with {host}:{port} ({error.reason}); {hint}"
        ) from None
    except TimeoutError:
        raise _failed(server, f"{host}:{port} did not answer within {timeout:g} s") from None
    except UnicodeError:
        raise _failed(server, "user or password hold characters that mail servers cannot take") from None
    except (OSError, smtplib.SMTPException) as error:
        words = getattr(error, "strerror", None) or type(error).__name__
        raise _failed(server, f"no connection with {host}:{port}: {words}") from None
    return server


def _password(settings, environ):
    password = environ.get(PASSWORD, "")
    if "user" in settings and not password:
        raise NotSent(f"the environment variable {PASSWORD} is not set, and notify.email.user needs it")
    return password


def _failed(server, words):
    if server is not None:
        server.close()
    return NotSent(words)


def _encrypted(server):
    return isinstance(getattr(server, "sock", None), ssl.SSLSocket)


def _part(server):
    """Leave politely, or just leave: the message is on its way or not by now."""
    try:
        server.quit()
    except (OSError, smtplib.SMTPException):
        server.close()


def _answer(error, environ):
    words = error.smtp_error
    words = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
    # Before it is cut short: half a password would not be known for one.
    words = scrub(" ".join(characters.fit(words).split()), environ)
    return f"{error.smtp_code} {words[:200]}"


def _answers(error):
    codes = sorted({code for code, _ in error.recipients.values()})
    return ", ".join(map(str, codes))
