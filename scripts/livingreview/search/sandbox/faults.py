"""What can go wrong between PubMed and a client, by name: each was seen, or follows from what was seen.

A fault that belongs to one service waits for the next request to that service.
"""

import dataclasses
from dataclasses import dataclass

from livingreview.errors import InputError, problem
from livingreview.search.sandbox import bodies
from livingreview.search.sandbox.bodies import HTML, SERVER_ERROR, Answer
from livingreview.search.sandbox.eutilities import expired

ESEARCH, EFETCH, ESUMMARY = "esearch.fcgi", "efetch.fcgi", "esummary.fcgi"
GOOD = "none"  # on a command line: a good answer
RATE, RATE_WITH_KEY = 3, 10  # requests per second that NCBI grants (NBK25497)


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes
    ----------
    what : str
        What the client sees.
    service : str or None
        The only service to which it applies.
    instead : callable or None
        From (service, params) to the `Answer` that is sent in place of the good one.
    change : callable or None
        See `Eutilities.answer`.
    cut : callable or None
        From the bytes of a good body to those of the one that is sent.
    """

    what: str
    service: str | None = None
    instead: object = None
    change: object = None
    cut: object = None

    def applies_to(self, service):
        """Whether a request to a service meets this fault."""
        return self.service in (None, service)


def check(names, *, where="faults of the sandbox"):
    """The names as a list, None for a good answer.

    Raises
    ------
    InputError
        If one is no fault.
    """
    if isinstance(names, str) or not hasattr(names, "__iter__"):
        raise InputError(where, found=names, allowed="a list of names", hint='["429", null, "hang"]')
    names = [None if name == GOOD else name for name in names]
    unknown = [
        problem("there is no such fault", found=name, allowed=", ".join(FAULTS))
        for name in names
        if name is not None and (not isinstance(name, str) or name not in FAULTS)
    ]
    if unknown:
        raise InputError(where, problems=unknown)
    return names


def client_of(params):
    """By what NCBI names a client in its refusals, and how many requests per second it grants it."""
    key = params.get("api_key")
    return (key, RATE_WITH_KEY) if key else ("127.0.0.1", RATE)


def _server_error(status):
    return lambda _service, _params: Answer(SERVER_ERROR, status, HTML)


def _rate_limit(status):
    def instead(_service, params):
        client, limit = client_of(params)
        return bodies.rate_limited(client=client, count=limit + 1, limit=limit, status=status)

    return instead


def _error(words):
    def instead(service, params):
        text = words(params) if callable(words) else words
        return bodies.error(service, text, in_json=params.get("retmode") == "json")

    return instead


def _bad_key(_service, params):
    return bodies.bad_key(params.get("api_key", "none"))


def _no_summaries(_service, params):
    if params.get("retmode") == "json":
        return bodies.as_json({"esummaryresult": ["Search Backend failed: no answer"]})
    body = (
        f"{bodies.ESUMMARY_HEAD}<eSummaryResult>\n"
        '<DocumentSummarySet status="OK"><!-- Database backend failed --></DocumentSummarySet>\n'
        "</eSummaryResult>\n"
    )
    return Answer(body.encode())


def _lost_id(found):
    return dataclasses.replace(found, page=found.page[1:])


def _zero(found):
    empty = {"count": 0, "page": [], "phrases": [], "quoted": [], "ignored": False}
    return dataclasses.replace(found, **empty, messages=["No items found."])


def _half(body):
    return body[: len(body) // 2]


BACKEND = "Search Backend failed: Exception: no answer"
FAULTS = {
    "429": Fault("HTTP 429, rate limit exceeded, Retry-After: 2", instead=_rate_limit(429)),
    "429 as 200": Fault("the body of a 429 with HTTP 200", instead=_rate_limit(200)),
    "500": Fault("HTTP 500 and a web page", instead=_server_error(500)),
    "502": Fault("HTTP 502 and a web page", instead=_server_error(502)),
    "503": Fault("HTTP 503 and a web page", instead=_server_error(503)),
    "html": Fault("a web page with HTTP 200", instead=_server_error(200)),
    "backend": Fault("the ERROR of a search backend that failed", instead=_error(BACKEND)),
    "invalid json": Fault(
        "the error beyond the window: JSON with a bare line feed in a string, HTTP 200",
        instead=lambda _service, _params: bodies.over_window(),
    ),
    "bad key": Fault(
        'HTTP 400, and the API key that was sent in the body ("none" without)', instead=_bad_key
    ),
    "expired": Fault("the ERROR of an environment that has expired", instead=_error(expired)),
    "empty": Fault("a body of no bytes", instead=lambda _service, _params: Answer(b"")),
    "esummary failed": Fault(
        "no documents, and the failure only in an XML comment", service=ESUMMARY, instead=_no_summaries
    ),
    "zero": Fault("no records for a query that finds some", service=ESEARCH, change=_zero),
    "lost id": Fault("one PMID fewer than announced", service=ESEARCH, change=_lost_id),
    "omit": Fault(
        "the first record is left out", service=EFETCH, change=lambda articles, _foreign: articles[1:]
    ),
    "twice": Fault(
        "the first record comes twice", service=EFETCH, change=lambda articles, _: [*articles[:1], *articles]
    ),
    "foreign": Fault(
        "a record that nobody asked for", service=EFETCH, change=lambda articles, one: [*articles, one]
    ),
    "half document": Fault("half of the body in a whole HTTP answer", cut=_half),
    "close": Fault("the connection is closed before the headers"),
    "reset": Fault("the connection is reset before the headers"),
    "hang": Fault("no answer until the sandbox closes"),
    "slow": Fault("ten bytes per second"),
    "cut chunks": Fault("a chunked body without its end"),
    "short body": Fault("half of the bytes that Content-Length declares"),
    "close-delimited short": Fault("half of a body whose only end is that of the connection"),
    "truncated gzip": Fault("half of a gzip stream in a whole HTTP answer"),
    "no date": Fault("a good answer without the header Date"),
}
