"""Telling people what a month came to: never twice the same of one run, and never silently not at all.

``logs/<run>/sent.json`` holds what was sent. Before a message goes, "sending" is written there; afterwards,
"sent". If the machine dies in between, nobody can know whether it arrived; it is then not sent again, and
that is said.
"""

import contextlib
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from livingreview import tables
from livingreview.errors import ReviewError
from livingreview.operation.job.outcome import (
    EXIT_CODES,
    INTERRUPTED,
    NOT_DUE,
    NOTHING_NEW,
    PAUSED,
    RETIRED,
    UNFILED,
)
from livingreview.operation.telling import delivery, digest, mail, settings, webhook
from livingreview.operation.telling.delivery import MaybeSent, NotSent
from livingreview.secrets import scrub

NAME = "sent.json"
SENDING, SENT, NOT_SENT, UNKNOWN, WITHHELD = "sending", "sent", "not sent", "may have been sent", "withheld"
FINAL = (SENDING, SENT, UNKNOWN)  # nothing of this is sent again unasked
CHANGING = re.compile(r"(?<=\.)[0-9a-f]{8}(?=\.partial)|\d+")
HURRIED = 15  # seconds for a message about a month that was interrupted
# What each value of the key `when` leaves out.
LEFT_OUT = {
    "always": (),
    "news": (NOTHING_NEW, PAUSED, RETIRED, NOT_DUE),
    "failures": tuple(name for name in EXIT_CODES if name not in (*digest.BROKEN, UNFILED)),
}


@dataclass(frozen=True)
class Delivery:
    """What became of a message.

    Attributes
    ----------
    channel : str
        ``email``, ``webhook``, or ``notify`` where there was none to try.
    state : str
        ``sent``, ``not sent``, ``may have been sent``, or ``withheld`` (sent before, or not asked for).
    message : str
        One line for a maintainer, without secrets.
    """

    channel: str
    state: str
    message: str

    @property
    def failed(self):
        """Whether people may not have been told what they were to be told."""
        return self.state in (NOT_SENT, UNKNOWN)


def tell(review, run, seen, *, clock, environ=os.environ):
    """Send the digest of a month to whom the protocol names; for a job that nobody watches.

    Parameters
    ----------
    review : path
        The review's folder.
    run : str
    seen : dict
        As `digest.write` gives it.
    clock : callable
        Returns now, as a datetime with its time zone.
    environ : mapping, optional
        Where the secrets are.

    Returns
    -------
    list of Delivery
        Empty where nobody is to be told. What goes wrong is told here and never raised: the month itself
        stays what it was.
    """
    try:
        # Who ends the job, a shutdown perhaps, does not wait long.
        limit = HURRIED if seen["outcome"] == INTERRUPTED else delivery.LIMIT
        return send(review, run, seen, clock=clock, environ=environ, limit=limit)
    except (ReviewError, OSError) as error:
        return [Delivery("notify", NOT_SENT, scrub(" ".join(str(error).split()), environ))]
    except Exception as error:  # a fault of this program must not turn a good month into a failed one
        words = f"a fault of the program, not of your data: {type(error).__name__}: {error}"
        return [Delivery("notify", NOT_SENT, scrub(" ".join(words.split()), environ))]


def send(review, run, seen, *, clock, environ=os.environ, force=False, limit=delivery.LIMIT, context=None):
    """Send the digest of a month by every channel that the protocol names.

    Parameters
    ----------
    review, run, clock, environ
        As for `tell`.
    seen : dict
        As `digest.view` gives it.
    force : bool
        Whether what was sent before, or may have been, is sent again.
    limit : float
        Seconds for each message.
    context : ssl.SSLContext, optional
        Which certificates of mail servers are trusted; the system's, if left out.

    Returns
    -------
    list of Delivery

    Raises
    ------
    ReviewError
        If the protocol's part ``notify``, or what was sent before, cannot be read. Nothing was sent then.
    """
    asked = settings.channels(review)
    if not asked:
        return []
    path = Path(review) / "logs" / run / NAME
    way = {"clock": clock, "environ": environ, "limit": limit, "context": context}
    # Two that start at once do not both find that nothing was sent.
    with tables.locked(path):
        sent = _Sent(path, run, _told(seen), clock=clock)
        return [_once(channel, asked[channel], seen, sent, way=way, force=force) for channel in asked]


def try_out(review, run, *, clock, environ=os.environ, limit=delivery.LIMIT, context=None):
    """Send a message that says that it is a test, by every channel; nothing is noted.

    Parameters and what is returned and raised are as for `send`.
    """
    seen = digest.trial(review, run)
    way = {"clock": clock, "environ": environ, "limit": limit, "context": context}
    done = []
    for channel, asked in settings.channels(review).items():
        identity = f"{clock():%Y%m%dT%H%M%S}.test.living-review"
        try:
            refused = _deliver(channel, asked, seen, identity=identity, begin=lambda: None, **way)
        except (NotSent, MaybeSent) as error:
            state = NOT_SENT if isinstance(error, NotSent) else UNKNOWN
            done.append(Delivery(channel, state, scrub(f"{state}: {error}", environ)))
        else:
            done.append(_sent(channel, refused))
    return done


def _once(channel, asked, seen, sent, *, way, force):
    """Send by one channel, unless it was sent or is not asked for."""
    before = sent.of(channel)
    if not force and (why := _withheld(before, asked, seen, sent.run)):
        return Delivery(channel, *why)
    identity = sent.identity(channel, seen)
    environ = way["environ"]

    def note(state):
        sent.write(channel, seen, state=state, message_id=identity)

    def begin():
        try:
            note(SENDING)
        except OSError as error:
            raise NotSent(f"it could not be noted in {NAME} that it is being sent: {error}") from None

    try:
        refused = _deliver(channel, asked, seen, identity=identity, begin=begin, **way)
    except (NotSent, MaybeSent) as error:
        state = NOT_SENT if isinstance(error, NotSent) else UNKNOWN
        # On a full disk "sending" may stay, and stands for not knowing.
        with contextlib.suppress(OSError):
            note(state)
        words = str(error) if str(error).endswith("?") else f"{error}."
        return Delivery(channel, state, scrub(f"{words} {_what_next(state, sent.run)}", environ))
    try:
        note(SENT)
    except OSError as error:
        words = f"sent, but that could not be noted in {NAME}, so that later starts do not know it: {error}"
        return Delivery(channel, SENT, words)
    return _sent(channel, refused)


def _deliver(channel, asked, seen, *, identity, begin, clock, environ, limit, context):
    """Send by one channel; returns the recipients that a mail server refused beside others."""
    text, page = scrub(digest.as_markdown(seen), environ), scrub(digest.as_html(seen), environ)
    refused = []

    def by_mail(begun):
        made = mail.message(
            settings=asked,
            subject=scrub(seen["subject"], environ),
            text=text,
            page=page,
            message_id=f"<{identity}@{asked['from'].rpartition('@')[2]}>",
            now=clock(),
        )
        refused.extend(mail.send(made, settings=asked, environ=environ, begin=begun, context=context))

    def by_webhook(begun):
        content = webhook.body(seen, kind=asked["format"], plain=digest.as_plain(seen), text=text)
        webhook.send(scrub(content, environ), environ=environ, begin=begun)

    delivery.within(limit, {"email": by_mail, "webhook": by_webhook}[channel], begin)
    return refused


def _sent(channel, refused):
    but = f", but the server takes no mail for {', '.join(refused)}" if refused else ""
    return Delivery(channel, SENT, f"sent{but}")


def _withheld(before, asked, seen, run):
    """(state, words) if nothing is to be sent, or None."""
    if before and before["state"] in FINAL:
        when = f"{before['at'][:16].replace('T', ' ')} UTC"
        if before["state"] == SENT:
            return WITHHELD, f"the same was sent on {when}; not sent again"
        return UNKNOWN, f"it may have been sent on {when}. {_what_next(UNKNOWN, run)}"
    when = asked.get("when", "always")
    if seen["outcome"] in LEFT_OUT[when]:
        return WITHHELD, f"not asked for: the outcome is {seen['outcome']!r}, and the key when is {when}"
    return None


def _what_next(state, run):
    if state == NOT_SENT:
        return f"Not sent; the next start tries again, and so does make notify RUN={run}"
    return f"Not sent again unasked; make notify RUN={run} FORCE=yes does"


def _told(seen):
    """What tells one message of a run from another: its outcome, the triggers, or what failed.

    Numbers in errors (of processes, ports, times, of files while they are written) differ from try to try, so
    does which of several steps fails first, and so do the counts of what waits while people work; none of it
    is a reason to write to them again.
    """
    failed = sorted([row["rule"], CHANGING.sub("0", row["error"])] for row in seen["failed"])
    return tables.digest([seen["outcome"], seen["fired_names"] if not failed else [], failed])


class _Sent:
    """The file of what was sent of a run.

    Raises
    ------
    ReviewError
        If it cannot be read: then nobody knows what was sent.
    """

    def __init__(self, path, run, told, *, clock):
        self.run = run
        self._path = path
        self._told = told
        self._clock = clock
        self._rows = self._read()

    def of(self, channel):
        """The last row of this message on a channel, or None."""
        rows = [row for row in self._rows if (row["channel"], row["told"]) == (channel, self._told)]
        return rows[-1] if rows else None

    def identity(self, channel, seen):
        """A name for this try: another review, run, message or forced try has another one."""
        about = (channel, self._told)
        tries = sum((row["channel"], row["told"]) == about and row["state"] in FINAL for row in self._rows)
        folder = self._path.resolve().parents[2]
        about = f"{folder} {seen['title']} {self.run} {channel} {self._told} {tries}"
        return f"{hashlib.sha256(about.encode()).hexdigest()[:32]}.{self.run}.living-review"

    def write(self, channel, seen, *, state, message_id):
        """Put down how it stands with this try, on the disk before this returns."""
        row = {
            "channel": channel,
            "told": self._told,
            "outcome": seen["outcome"],
            "state": state,
            "at": self._clock().isoformat(timespec="seconds"),
            "message_id": message_id,
        }
        rows = [one for one in self._rows if (one["channel"], one["message_id"]) != (channel, message_id)]
        self._rows = [*rows, row]
        tables.write_json({"run": self.run, "messages": self._rows}, self._path)

    def _read(self):
        if not self._path.exists():
            return []
        try:
            rows = tables.read_json(self._path)["messages"]
            wanted = {"channel", "told", "state", "at", "message_id"}
            if all(wanted <= row.keys() for row in rows):
                return rows
        except (ReviewError, KeyError, TypeError, AttributeError):
            pass
        raise ReviewError(
            f"{self._path}: it does not say what was sent, so that nothing is sent; hint: look whether people"
            " have the message, then delete the file"
        )
