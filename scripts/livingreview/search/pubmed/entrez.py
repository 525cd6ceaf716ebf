"""A client of PubMed's E-utilities that never takes a part for the whole.

Everything is asked by POST and answered in XML. What may pass by itself (no connection, 429, 5xx, an answer
cut short, a failed search backend) is tried again with growing pauses; what would only be refused again is
not. Every answer is proved complete before it is returned: ids against Count, delivered PMIDs against asked.
Nothing is kept on PubMed's history server, so nothing there can expire.
"""

import logging
import os
import random
import re
import time
import urllib.parse
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from livingreview import secrets
from livingreview.errors import problem
from livingreview.search.pubmed import articles, partition, rate, replies, transport
from livingreview.search.pubmed.failures import (
    LATER,
    BrokenZero,
    EntrezError,
    IncompleteAnswer,
    KeyRefused,
    Passing,
    Refused,
    Unreachable,
    UnsafeAnswer,
)
from livingreview.search.pubmed.partition import WINDOW, Part

__all__ = [
    "PUBMED",
    "WINDOW",
    "BrokenZero",
    "Client",
    "EntrezError",
    "Fetching",
    "Found",
    "IncompleteAnswer",
    "KeyRefused",
    "Part",
    "Refused",
    "Unreachable",
    "UnsafeAnswer",
]

log = logging.getLogger(__name__)

PUBMED = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"
BATCH = 500  # records per EFetch, some 5 MB; NCBI wants ids in numbers to be posted, and sets no other limit
FEW = 20  # records missing from all batches that are at once asked for one by one
TRIES = 5
FIRST_PAUSE = 1.0  # seconds; doubled with each try, plus up to as much again by chance
LONGEST_PAUSE = 60.0
LONGEST_WAIT = 600.0  # seconds of a Retry-After that are waited; a longer one is for the next run
KEY_VARIABLE = "NCBI_API_KEY"
KEY_HOSTS = (".ncbi.nlm.nih.gov",)
# Bytes, unpacked. 9,999 ids are 0.2 MB, and so are their terms and translations; 500 summaries are 3 MB.
LARGEST_LIST = 16 * 2**20
# A file of the PubMed baseline has 30,000 records in some 200 MB, so 500 of the longest ones are well below.
LARGEST_BATCH = 128 * 2**20


@dataclass(frozen=True)
class Found:
    """A complete search result.

    Attributes
    ----------
    count : int
        Records that PubMed holds for the query.
    pmids : tuple of str
        All of them, each once, from the highest range of UIDs to the lowest, within one in PubMed's order.
    translation : str
        How PubMed understood the query.
    dropped : tuple of str
        What PubMed left out of the query, as it wrote it: phrases and fields that it did not find, phrases
        that it ignored.
    messages : tuple of str
        What else it remarked.
    searched_at : str
        Time of the answer to the whole query by the server's clock, ISO 8601 with offset.
    parts : tuple of Part
        The ranges of UIDs in which the ids were read, which tile: one where PubMed lists all.
    body : bytes
        The answer to the whole query, as it came; that of the first part, as a rule.
    """

    count: int
    pmids: tuple
    translation: str
    dropped: tuple
    messages: tuple
    searched_at: str
    parts: tuple
    body: bytes


class Client:
    """Speaks to one E-utilities server; a context manager.

    Parameters
    ----------
    base_url : str
        Where the services are, such as `PUBMED`.
    tool, email : str
        Who asks: sent with every request, as NCBI demands.
    session : requests.Session, optional
        Carries the requests; see `transport.Transport`.
    sleep, clock : callable, optional
        Wait for, and tell, seconds.
    jitter : callable, optional
        A number from 0 to 1 that spreads the pauses of several clients.
    environ : mapping, optional
        Where `NCBI_API_KEY` is looked up; an empty value counts as none. It is sent to NCBI's servers and to
        those on this computer only.
    limiter : object with wait(), optional
        Waits until a request may be sent. The default is shared by all processes of this user; for a server
        on this computer, which grants its rate to one program, it is this client's own.
    timeout : (float, float), optional
        Seconds to wait for a connection, and for the next piece of an answer.
    time_limit : float, optional
        Seconds for a whole answer.
    tries : int, optional
        How often one request is sent at most.
    window : int, optional
        How many records of one search the server lists.
    """

    # What a record says now can be asked for by its PMID, whether the query finds it or not.
    refetches = True

    def __init__(
        self,
        base_url,
        *,
        tool,
        email,
        session=None,
        sleep=time.sleep,
        clock=time.monotonic,
        jitter=random.random,
        environ=os.environ,
        limiter=None,
        timeout=transport.TIMEOUT,
        time_limit=transport.TIME_LIMIT,
        tries=TRIES,
        window=WINDOW,
    ):
        self._base_url = base_url.rstrip("/") + "/"
        self._identity = {"tool": tool, "email": email}
        self._key = environ.get(KEY_VARIABLE, "").strip()
        if self._key and not _is_shown_the_key(base_url):
            log.warning("%s is not sent to %s, which is not NCBI's", KEY_VARIABLE, base_url)
            self._key = ""
        self._secrets = secrets.held({KEY_VARIABLE: self._key})
        self._transport = transport.Transport(
            base_url, session=session, clock=clock, timeout=timeout, time_limit=time_limit
        )
        self._limiter = limiter or _limiter(base_url, keyed=bool(self._key), clock=clock, sleep=sleep)
        self._sleep = sleep
        self._jitter = jitter
        self._tries = tries
        self._window = window

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._transport.close()

    def search(self, query):
        """Run a query and return all that it finds, as `Found`; more than 9,999 records in several parts.

        Raises
        ------
        Unreachable, Refused, UnsafeAnswer
            As their names say.
        IncompleteAnswer
            If lists and counts contradict each other, however often asked.
        BrokenZero
            If PubMed holds no records because a term could not be looked up.
        """
        listings = []
        try:
            whole, parts = partition.collect(
                lambda term: self._listing(term, listings), query, window=self._window
            )
        except partition.Unsettled as failure:
            raise IncompleteAnswer(f"PubMed {failure}. {LATER}") from None
        if whole.count == 0 and whole.unknown:
            raise BrokenZero(
                f"PubMed found nothing, and could not look up {', '.join(whole.unknown)}: it does not index"
                " such terms, and one of them joined by AND empties the whole result. Nothing was saved."
                " Remove them from search: query in config.yaml."
            )
        return Found(
            count=whole.count,
            pmids=tuple(pmid for part in parts for pmid in part.pmids),
            translation=whole.translation,
            dropped=_each_once(listings, "dropped"),
            messages=whole.messages,
            searched_at=whole.date,
            parts=parts,
            body=whole.body,
        )

    def fetch(self, pmids):
        """Fetch records by PMID: a `Fetching` to iterate over.

        Raises
        ------
        EntrezError
            If something else than PMIDs is asked for. NCBI would drop letters, and send another article.
        """
        asked = tuple(dict.fromkeys(pmids))
        wrong = [pmid for pmid in asked if not re.fullmatch(r"[1-9]\d{0,7}", pmid)]
        if wrong:
            raise EntrezError(
                problem("not a PMID", found=", ".join(wrong[:5]), allowed="1 to 8 digits, no leading zero")
            )
        return Fetching(asked, deliver=self._deliver, held=self._held)

    def _listing(self, term, listings):
        params = {"db": "pubmed", "term": term, "retmax": str(WINDOW), "retmode": "xml", "usehistory": "y"}

        def read(body, headers):
            return replies.read_search(body, date=_date(headers))

        listing = self._ask("esearch.fcgi", params, read, largest=LARGEST_LIST)
        listings.append(listing)
        return listing

    def _deliver(self, pmids):
        """Those of the articles that PubMed sends, by PMID, in the order asked for."""

        def read(body, _):
            replies.check(body, "PubmedArticleSet")
            return _by_pmid(body, pmids)

        params = {"db": "pubmed", "id": ",".join(pmids), "retmode": "xml"}
        return self._ask("efetch.fcgi", params, read, largest=LARGEST_BATCH)

    def _held(self, pmids):
        """Those of the PMIDs for which PubMed has a document summary."""

        def read(body, _):
            return replies.read_summaries(body, pmids)

        params = {"db": "pubmed", "id": ",".join(pmids), "retmode": "xml"}
        return self._ask("esummary.fcgi", params, read, largest=LARGEST_LIST)

    def _ask(self, service, params, read, *, largest):
        """Send a request until `read` accepts the answer; what it makes of it."""
        last = None
        for attempt in range(self._tries):
            if last is not None:
                pause = self._pause(attempt, last.wait)
                log.warning("PubMed: %s; trying again in %.0f s", last, pause)
                self._sleep(pause)
            try:
                return self._once(service, params, read, largest)
            except Passing as failure:
                last = failure
        if last.last is not Unreachable:
            raise last.last(f"PubMed {last}, {self._tries} times. {LATER}")
        what = "gave no usable answer" if last.answered else "could not be reached"
        raise Unreachable(
            f"PubMed {what} at {self._base_url} after {self._tries} tries (last: {last}). {LATER}"
        )

    def _once(self, service, params, read, largest):
        self._limiter.wait()
        data = {**params, **self._identity} | ({"api_key": self._key} if self._key else {})
        reply, wait = None, 0.0
        try:
            reply = self._transport.post(self._base_url + service, data, largest=largest)
            wait = _retry_after(reply.headers)
            body = self._without_key(reply.body)
            if reply.status != 200:
                replies.check(body, "", status=reply.status)
            result = read(body, reply.headers)
        except Passing as failure:
            raise Passing(
                self._plain(str(failure)), wait=wait, last=failure.last, answered=reply is not None
            ) from None
        except EntrezError as error:
            raise type(error)(self._plain(str(error))) from None
        if body is not reply.body:
            raise Refused(
                f"PubMed's answer repeats the API key, and answers are kept in files. {LATER} If this happens"
                f" again, unset {KEY_VARIABLE}."
            )
        return result

    def _pause(self, attempt, wanted):
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1))
        return max(pause, wanted) + pause * self._jitter()

    def _plain(self, text):
        """A message without the API key."""
        for secret in self._secrets:
            text = secret.hide(text)
        return text

    def _without_key(self, body):
        """The same object where the key is not in it."""
        text = body.decode("utf-8", "surrogateescape") if self._secrets else ""
        if not any(secret.is_in(text) for secret in self._secrets):
            return body
        return self._plain(text).encode("utf-8", "surrogateescape")


class Fetching:
    """Articles on their way; iterating asks for them, a batch at a time, and keeps only that batch.

    Each PMID that was asked for comes at most once, in the order asked for, so that what a fault delays comes
    in its place. What is missing from its batch is asked for again singly; of what does not come then either,
    PubMed must have no document summary.

    Raises
    ------
    Unreachable, Refused, UnsafeAnswer
        While iterating, as their names say.
    IncompleteAnswer
        If PubMed holds an article and does not deliver it, or delivers something else.
    """

    def __init__(self, asked, *, deliver, held):
        self._asked = asked
        self._deliver = deliver
        self._held = held
        self._absent = None

    @property
    def absent(self):
        """PMIDs that PubMed does not hold, as a tuple; known after the last article.

        Raises
        ------
        RuntimeError
            Before that.
        """
        if self._absent is None:
            raise RuntimeError("what is absent is known only after the last article")
        return self._absent

    def __iter__(self):
        self._absent = None
        missing = []
        for batch in _batches(self._asked, BATCH):
            came = self._deliver(batch)
            lacking = [pmid for pmid in batch if pmid not in came]
            if lacking:
                log.info("PubMed did not return %d of %d records; asking again", len(lacking), len(batch))
                came |= self._again(lacking)
            missing += [pmid for pmid in batch if pmid not in came]
            yield from (came[pmid] for pmid in batch if pmid in came)
        held = [pmid for batch in _batches(missing, BATCH) for pmid in self._held(batch)]
        if held:
            raise IncompleteAnswer(
                f"PubMed holds {len(held)} records that it did not deliver, though asked for each of them"
                f" singly ({_some(held)}). {LATER}"
            )
        self._absent = tuple(missing)

    def _again(self, lacking):
        """What comes of PMIDs that their batch lacked, asked for singly; of many, together first."""
        came = self._deliver(lacking) if len(lacking) > FEW else {}
        for pmid in lacking:
            if pmid not in came:
                came |= self._deliver([pmid])
        return came


def _by_pmid(body, asked):
    """The articles of an answer by PMID, in the order asked for; of one record the highest version."""
    try:
        found = articles.read(body)
    except articles.Broken as broken:
        raise Passing(f"the answer cannot be read ({broken})") from None
    came = {}
    for article in found:
        other = came.setdefault(article.pmid, article)
        if other.version == article.version and other.raw != article.raw:
            raise Passing(f"returned two different records as {article.pmid}", last=IncompleteAnswer)
        if article.version > other.version:
            came[article.pmid] = article
    foreign = sorted(set(came) - set(asked), key=int)
    if foreign:
        raise Passing(f"returned records that nobody asked for ({_some(foreign)})", last=IncompleteAnswer)
    return {pmid: came[pmid] for pmid in asked if pmid in came}


def _some(pmids):
    return ", ".join(pmids[:5]) + (" …" if len(pmids) > 5 else "")


def _batches(pmids, size):
    return (pmids[start : start + size] for start in range(0, len(pmids), size))


def _each_once(listings, name):
    return tuple(dict.fromkeys(text for listing in listings for text in getattr(listing, name)))


def _limiter(base_url, *, keyed, clock, sleep):
    seconds = rate.interval(keyed=keyed)
    if transport.is_local(base_url):
        return rate.Limiter(seconds, clock=clock, sleep=sleep)
    return rate.SharedLimiter(rate.place(base_url, keyed=keyed), seconds, clock=clock, sleep=sleep)


def _is_shown_the_key(base_url):
    """Whether a server is NCBI's, or on this computer: a changed config must not send the key elsewhere."""
    try:
        host = urllib.parse.urlsplit(base_url).hostname or ""
    except ValueError:
        return False
    return host.endswith(KEY_HOSTS) or transport.is_local(base_url)


def _date(headers):
    """The server's time, ISO 8601; the search is filed under it."""
    try:
        return parsedate_to_datetime(headers.get("Date", "")).isoformat()
    except (TypeError, ValueError):
        raise Passing("the answer had no date") from None


def _retry_after(headers):
    """Seconds that the server asks to wait; a point in time counts from the server's own clock."""
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text):
        return min(float(text), LONGEST_WAIT)
    try:
        left = (parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("Date", ""))).total_seconds()
    except (TypeError, ValueError):
        return 0.0
    return min(max(left, 0.0), LONGEST_WAIT)
