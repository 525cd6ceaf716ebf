"""A client of PubMed's E-utilities that never takes a part for the whole.

Everything is asked by POST and answered in XML. What may pass by itself (no connection, 429, 5xx, an answer
cut short, a failed search backend) is tried again with growing pauses; what would only be refused again is
not. Every answer is proved complete before it is returned: ids against Count, delivered PMIDs against asked.
"""

import io
import json
import logging
import os
import random
import re
import time
import urllib.parse
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import requests
from Bio import Entrez
from lxml import etree

from livingreview.errors import ReviewError
from livingreview.search.records import pmids_of

log = logging.getLogger(__name__)

PUBMED = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"
WINDOW = 9999  # records of one search that PubMed lists; asking for 10,000 silently loses one
BATCH = 200  # records per EFetch; NCBI asks that no more ids than this are sent at once
TRIES = 5
FIRST_PAUSE = 1.0  # seconds; doubled with each try, plus up to as much again by chance
LONGEST_PAUSE = 60.0
TIMEOUT = (10.0, 120.0)  # seconds to connect, and between two pieces of an answer
RATE, RATE_WITH_KEY = 3, 10  # requests per second that NCBI grants (NBK25497)
SLACK = 1.1  # requests bunch up on their way; a little slower than allowed is never refused
KEY_VARIABLE = "NCBI_API_KEY"
ESEARCH_DOCTYPE = (
    b'<!DOCTYPE eSearchResult PUBLIC "-//NLM//DTD esearch 20060628//EN"'
    b' "https://eutils.ncbi.nlm.nih.gov/eutils/dtd/20060628/esearch.dtd">'
)


class EntrezError(ReviewError):
    """PubMed's answer cannot be used; nothing was saved."""


class Unreachable(EntrezError):
    """No usable answer after all tries; later it may work."""


class Refused(EntrezError):
    """PubMed answered, and said no; the same request would be refused again."""


class TooManyRecords(EntrezError):
    """The query finds more records than PubMed lists."""


class IncompleteAnswer(EntrezError):
    """What came is not what was announced or asked for."""


class BrokenZero(EntrezError):
    """No records, and a term that PubMed could not look up: a fault of the query, not an empty result."""


class _Passing(Exception):
    """A failure worth another try; `wait` is what the server asked for, in seconds."""

    def __init__(self, text, *, wait=0.0):
        super().__init__(text)
        self.wait = wait


@dataclass(frozen=True)
class Found:
    """A complete search result.

    Attributes
    ----------
    pmids : tuple of str
        In PubMed's order, each once, as many as `count`.
    count : int
        What PubMed says that it holds.
    translation : str
        How PubMed understood the query.
    warnings : tuple of str
        Terms that it did not find and therefore left out, and its messages.
    searched_at : str
        Time of the answer by the server's clock, ISO 8601 with offset.
    body : bytes
        The answer as it came.
    """

    pmids: tuple
    count: int
    translation: str
    warnings: tuple
    searched_at: str
    body: bytes


@dataclass(frozen=True)
class Fetched:
    """Records that were asked for.

    Attributes
    ----------
    bodies : tuple of bytes
        Whole PubmedArticleSet documents, as they came.
    pmids : tuple of str
        The PMIDs in them.
    not_returned : tuple of str
        PMIDs that were asked for twice and never came: deleted, merged or not yet to be had.
    """

    bodies: tuple
    pmids: tuple
    not_returned: tuple


class Client:
    """Speaks to one E-utilities server; a context manager.

    Parameters
    ----------
    base_url : str
        Where the services are, such as `PUBMED`.
    tool, email : str
        Who asks: sent with every request, as NCBI demands.
    session : requests.Session, optional
        Carries the requests. The default ignores proxies for a server on this computer.
    sleep, clock : callable, optional
        Wait for, and tell, seconds.
    jitter : callable, optional
        A number from 0 to 1 that spreads the pauses of several clients.
    environ : mapping, optional
        Where `NCBI_API_KEY` is looked up; an empty value counts as none.
    timeout : (float, float), optional
        Seconds to wait for a connection, and for the next piece of an answer.
    tries : int, optional
        How often one request is sent at most.
    """

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
        timeout=TIMEOUT,
        tries=TRIES,
    ):
        self._base_url = base_url.rstrip("/") + "/"
        self._identity = {"tool": tool, "email": email}
        self._key = environ.get(KEY_VARIABLE, "").strip()
        self._session = session or _session(base_url)
        self._sleep = sleep
        self._clock = clock
        self._jitter = jitter
        self._timeout = timeout
        self._tries = tries
        self._interval = SLACK / (RATE_WITH_KEY if self._key else RATE)
        self._earliest = clock()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._session.close()

    def search(self, query):
        """Run a query and return all that it finds, as `Found`.

        Raises
        ------
        Unreachable, Refused, IncompleteAnswer
            As their names say.
        TooManyRecords
            If PubMed holds more than 9,999 records for the query.
        BrokenZero
            If it holds none because a term could not be looked up.
        """
        params = {"db": "pubmed", "term": query, "retmax": str(WINDOW), "retmode": "xml", "usehistory": "y"}
        body, date = self._ask("esearch.fcgi", params, b"</eSearchResult>")
        answer = _read_esearch(body)
        pmids = tuple(str(pmid) for pmid in answer["IdList"])
        count = int(answer["Count"])
        warnings, unknown = _warnings(answer)
        _check_search(count, pmids, unknown)
        return Found(
            pmids=pmids,
            count=count,
            translation=str(answer.get("QueryTranslation", "")),
            warnings=warnings,
            searched_at=parsedate_to_datetime(date).isoformat(),
            body=body,
        )

    def fetch(self, pmids):
        """Fetch records by PMID, as `Fetched`; those that do not come are asked for once more, singly.

        Raises
        ------
        Unreachable, Refused
            As their names say.
        IncompleteAnswer
            If records come that nobody asked for.
        """
        asked = list(dict.fromkeys(pmids))
        answers = [self._fetch(asked[start : start + BATCH]) for start in range(0, len(asked), BATCH)]
        came = {pmid for _, found in answers for pmid in found}
        missing = [pmid for pmid in asked if pmid not in came]
        if missing:
            log.info(
                "PubMed did not return %d of %d records; asking for each again", len(missing), len(asked)
            )
        again = [answer for answer in (self._fetch([pmid]) for pmid in missing) if answer[1]]
        came |= {pmid for _, found in again for pmid in found}
        return Fetched(
            bodies=tuple(body for body, _ in [*answers, *again]),
            pmids=tuple(pmid for pmid in asked if pmid in came),
            not_returned=tuple(pmid for pmid in asked if pmid not in came),
        )

    def _fetch(self, pmids):
        params = {"db": "pubmed", "id": ",".join(pmids), "retmode": "xml"}
        body, _ = self._ask("efetch.fcgi", params, b"</PubmedArticleSet>")
        found = pmids_of(body)
        foreign = sorted(set(found) - set(pmids))
        if foreign:
            raise IncompleteAnswer(
                f"PubMed returned records that nobody asked for ({', '.join(foreign[:5])})."
                " Nothing was saved. Run the same command again later."
            )
        return body, found

    def _ask(self, service, params, ending):
        """Send a request until a whole answer comes; its body and Date header."""
        last = None
        for attempt in range(self._tries):
            if last is not None:
                pause = self._pause(attempt, last.wait)
                log.warning("PubMed: %s; trying again in %.0f s", last, pause)
                self._sleep(pause)
            try:
                return self._once(service, params, ending)
            except _Passing as failure:
                last = failure
        raise Unreachable(
            f"PubMed could not be reached at {self._base_url} after {self._tries} tries (last: {last})."
            " Nothing was saved. Run the same command again later."
        )

    def _once(self, service, params, ending):
        self._keep_rate()
        data = {**params, **self._identity} | ({"api_key": self._key} if self._key else {})
        try:
            response = self._session.post(self._base_url + service, data=data, timeout=self._timeout)
        except (requests.ConnectionError, requests.Timeout) as error:
            raise _Passing(self._plain(_connection_words(error, self._timeout))) from None
        except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError):
            raise _Passing("the answer was cut short") from None
        except requests.RequestException as error:
            raise EntrezError(
                self._plain(f"The address {self._base_url} cannot be used: {error}. Check search: base_url.")
            ) from None
        self._check_status(response)
        self._check_body(response.content, ending)
        if "Date" not in response.headers:
            raise _Passing("the answer had no date")
        return response.content, response.headers["Date"]

    def _keep_rate(self):
        wait = self._earliest - self._clock()
        if wait > 0:
            self._sleep(wait)
        self._earliest = self._clock() + self._interval

    def _pause(self, attempt, wanted):
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1))
        return max(pause, wanted) + pause * self._jitter()

    def _check_status(self, response):
        status = response.status_code
        if status == 429 or status >= 500:
            raise _Passing(f"HTTP {status}, {_reason(status)}", wait=_retry_after(response))
        if status != 200:
            raise Refused(
                self._plain(
                    f"PubMed refused the request (HTTP {status}): {_words_of(response.content)}."
                    f" Nothing was saved. Trying again will not help; check search in config.yaml"
                    f" and {KEY_VARIABLE}."
                )
            )

    def _check_body(self, body, ending):
        """Tell a whole document from an error in NCBI's words and from a part of a document."""
        error = _error_in(body)
        if error and ("rate limit" in error.lower() or _is_passing(error)):
            raise _Passing(self._plain(error))
        if error:
            raise Refused(
                self._plain(f"PubMed refused the request: {error}. Nothing was saved. Check search: query.")
            )
        if not body.strip():
            raise _Passing("an empty answer")
        if not body.rstrip().endswith(ending):
            page = b"<html" in body[:2000].lower()
            raise _Passing("a web page instead of data" if page else "the answer was cut short")
        try:
            etree.fromstring(body, _parser())
        except etree.XMLSyntaxError as broken:
            raise _Passing(f"the answer is not well-formed XML ({broken})") from None

    def _plain(self, text):
        """A message without the API key."""
        return text.replace(self._key, "[API key]") if self._key else text


def _session(base_url):
    session = requests.Session()
    if urllib.parse.urlsplit(base_url).hostname in ("127.0.0.1", "localhost", "::1"):
        session.trust_env = False
    return session


def _parser():
    return etree.XMLParser(load_dtd=False, no_network=True, resolve_entities=False, huge_tree=True)


def _read_esearch(body):
    # Any other document type would make Biopython look for it on the network.
    known = re.sub(rb"<!DOCTYPE eSearchResult[^>]*>", lambda _: ESEARCH_DOCTYPE, body, count=1)
    try:
        return Entrez.read(io.BytesIO(known))
    except (RuntimeError, ValueError, Entrez.Parser.NotXMLError, Entrez.Parser.CorruptedXMLError) as error:
        raise IncompleteAnswer(
            f"PubMed's search answer cannot be read: {error}. Nothing was saved."
        ) from None


def _check_search(count, pmids, unknown):
    if count > WINDOW:
        raise TooManyRecords(
            f"PubMed holds {count:,} records for this query; this version reads at most {WINDOW:,}."
            " Nothing was saved. Narrow the query (search: query in config.yaml), for example with a block of"
            " terms for the study design."
        )
    if count == 0 and unknown:
        raise BrokenZero(
            f"PubMed found nothing, and could not look up {', '.join(unknown)}: it does not index such terms,"
            " and one of them joined by AND empties the whole result. Nothing was saved. Remove them from"
            " search: query in config.yaml."
        )
    if len(pmids) != count or len(set(pmids)) != count:
        raise IncompleteAnswer(
            f"PubMed announced {count} records and listed {len(set(pmids))} different ones."
            " Nothing was saved. Run the same command again later."
        )


def _warnings(answer):
    """What PubMed left out of a query, in words; and the terms that it could not look up."""
    errors = answer.get("ErrorList", {})
    notes = answer.get("WarningList", {})
    phrases = [str(text) for text in errors.get("PhraseNotFound", [])]
    quoted = [str(text) for text in notes.get("QuotedPhraseNotFound", [])]
    warnings = [f"term not found and left out: {text}" for text in phrases]
    warnings += [f"field not found: {text}" for text in errors.get("FieldNotFound", [])]
    warnings += [f"phrase ignored: {text}" for text in notes.get("PhraseIgnored", [])]
    warnings += [f"phrase not found and left out: {text}" for text in quoted]
    warnings += [str(text) for text in notes.get("OutputMessage", [])]
    return tuple(warnings), [*phrases, *quoted]


def _error_in(body):
    """NCBI's own error text in an answer of any format, or None.

    Its JSON can hold a bare line feed within a string, which strict parsers refuse.
    """
    text = body.lstrip()
    if text.startswith(b"{"):
        try:
            answer = json.loads(text, strict=False)
        except ValueError:
            return None
        inner = answer.get("esearchresult", {})
        error = answer.get("error") or (inner.get("ERROR") if isinstance(inner, dict) else None)
        return " ".join(str(error).split()) if error else None
    found = re.search(rb"<ERROR>(.*?)</ERROR>", body[:20000], re.S)
    if not found or not found[1].strip():
        return None
    return " ".join(found[1].decode("utf-8", "replace").split())


def _is_passing(error):
    """Whether an ERROR may go away by itself: a failed backend may, a page beyond the window will not."""
    return "Search Backend failed" in error and "retstart" not in error and "out of acceptable" not in error


def _retry_after(response):
    text = response.headers.get("Retry-After", "")
    return min(float(text), 10 * LONGEST_PAUSE) if text.isdigit() else 0.0


def _reason(status):
    return "too many requests" if status == 429 else "a fault of the server"


def _words_of(body):
    error = _error_in(body)
    if error:
        return error
    text = re.sub(r"<[^>]*>", " ", body[:2000].decode("utf-8", "replace"))
    return " ".join(text.split())[:300] or "no explanation"


def _connection_words(error, timeout):
    text = str(error)
    if isinstance(error, requests.ConnectTimeout):
        return f"no connection within {timeout[0]:g} s"
    if isinstance(error, requests.Timeout) or "timed out" in text:
        return f"no answer within {timeout[1]:g} s"
    words = {
        "refused": "connection refused",
        "Remote end closed": "the connection was closed without an answer",
        "reset": "the connection was reset",
        "IncompleteRead": "the answer was cut short",
        "resolve": "the name of the server could not be resolved; is the network up?",
        "certificate": "the server's certificate could not be verified",
    }
    return next((plain for part, plain in words.items() if part in text), text)
