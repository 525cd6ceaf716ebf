"""A stand-in for PubMed's servers on this computer: real HTTP over loopback, a bundled corpus, any day.

A run against the sandbox needs no network, sees PubMed as it stood on a given day (as far as the corpus goes)
and gives the same bytes every time, the Date header included. Tests script its misbehaviour with `faults`.
"""

import contextlib
import datetime
import email.utils
import gzip
import http.server
import re
import socketserver
import threading
import time
import urllib.parse
from collections import deque
from dataclasses import dataclass

from livingreview import tables
from livingreview.search.eutilities import (
    HTML,
    JSON,
    TEXT,
    Answer,
    Eutilities,
    rate_limited,
)

PATH = "/entrez/eutils/"
LONGEST_TARGET = 4000  # characters of a GET request; NCBI answers 414 to queries of about 6,000
RATE, RATE_WITH_KEY = 3, 10  # requests per second that NCBI grants
SERVER_ERROR = (
    b"<html><head><title>NCBI/eutils202 - WWW Error 500 Diagnostic</title></head>"
    b"<body><h1>Server Error</h1></body></html>\n"
)
BACKEND_FAILED = (
    b'<?xml version="1.0" encoding="UTF-8" ?>\n'
    b"<eSearchResult><ERROR>Search Backend failed: Exception: no answer</ERROR></eSearchResult>\n"
)
_RATE_BODY = rate_limited(client="127.0.0.1", count=4, limit=RATE)

# Misbehaviour that replaces the answer.
INSTEAD = {
    "429": _RATE_BODY,
    "429 as 200": Answer(_RATE_BODY.body, 200, JSON),
    "500": Answer(SERVER_ERROR, 500, HTML),
    "502": Answer(SERVER_ERROR, 502, HTML),
    "503": Answer(SERVER_ERROR, 503, HTML),
    "html": Answer(SERVER_ERROR, 200, HTML),
    "backend": Answer(BACKEND_FAILED),
    "empty": Answer(b""),
}
# Misbehaviour on the wire: the connection closed before the headers; no answer at all; a chunked body without
# its end; a declared length that is not reached; a whole HTTP answer around half a document; one id missing.
ON_THE_WIRE = ("close", "hang", "cut chunks", "short body", "half document", "lost id")


@dataclass(frozen=True)
class Request:
    """A request that the sandbox received."""

    method: str
    service: str
    params: dict


@contextlib.contextmanager
def serve(corpus_path, as_of, *, port=0, limit_rate=False):
    """Answer as PubMed would have on one day.

    Parameters
    ----------
    corpus_path : path
        A CSV of schema "sandbox_records".
    as_of : datetime.date
        Records that entered PubMed after this day do not exist yet.
    port : int
        0 takes any free port.
    limit_rate : bool
        Answer 429 to more than 3 requests per second (10 with an API key).

    Yields
    ------
    str
        The base URL, such as ``http://127.0.0.1:40001/entrez/eutils/``.
    """
    with Sandbox(read_corpus(corpus_path), as_of, port=port, limit_rate=limit_rate) as sandbox:
        yield sandbox.url


def read_corpus(path):
    """Rows of a corpus as dicts; empty cells are None."""
    return tables.read(path, "sandbox_records").to_dict("records")


class Sandbox:
    """The server; a context manager.

    Parameters
    ----------
    records : list of dict
        Rows of the corpus.
    as_of, port, limit_rate
        As for `serve`.
    faults : iterable of (str or None)
        What to do with the coming requests, one entry each: a key of `INSTEAD`, an entry of `ON_THE_WIRE`, or
        None for a good answer. When they are used up all answers are good.
    withheld : iterable of str
        PMIDs that are found and not delivered.
    clock : callable
        Seconds, for the rate limit.

    Attributes
    ----------
    url : str
        The base URL.
    requests : list of Request
        All that was asked, in order.
    """

    def __init__(
        self, records, as_of, *, port=0, limit_rate=False, faults=(), withheld=(), clock=time.monotonic
    ):
        self.requests = []
        self.date = _http_date(as_of)
        self.faults = deque(faults)
        self.over = threading.Event()
        self._services = Eutilities(records, as_of=as_of, withheld=withheld)
        self._limit = _RateLimit(clock) if limit_rate else None
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.sandbox = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, name="sandbox", daemon=True
        )
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}{PATH}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, method, service, params):
        """The answer to a request, and the fault on the wire with which to send it (or None)."""
        with self._lock:
            self.requests.append(Request(method, service, params))
            fault = self.faults.popleft() if self.faults else None
            if fault in INSTEAD:
                return INSTEAD[fault], None
            if fault is not None and fault not in ON_THE_WIRE:
                raise ValueError(f"unknown fault {fault!r}; allowed: {[*INSTEAD, *ON_THE_WIRE]}")
            refused = self._limit.refusal(params) if self._limit else None
            return refused or self._services.answer(service, params), fault


class _RateLimit:
    """Counts the requests of the last second."""

    def __init__(self, clock):
        self._clock = clock
        self._times = deque()

    def refusal(self, params):
        """A 429 if this request is one too many, else None."""
        now = self._clock()
        while self._times and now - self._times[0] >= 1:
            self._times.popleft()
        self._times.append(now)
        key = params.get("api_key")
        limit = RATE_WITH_KEY if key else RATE
        if len(self._times) <= limit:
            return None
        return rate_limited(client=key or "127.0.0.1", count=len(self._times), limit=limit)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for answers under way

    def server_bind(self):
        # HTTPServer would ask the network for the name of this computer.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def handle_error(self, request, client_address):
        """A client that goes away is no fault of the server."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Sandbox"
    sys_version = ""

    def do_GET(self):
        if len(self.path) > LONGEST_TARGET:
            self._send(Answer(b"<html><h1>Request-URI Too Large</h1></html>\n", 414, HTML))
            return
        self._serve(urllib.parse.urlsplit(self.path).query)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        query = urllib.parse.urlsplit(self.path).query
        self._serve("&".join(part for part in (query, body) if part))

    def date_time_string(self, timestamp=None):  # noqa: ARG002
        return self.server.sandbox.date

    def log_message(self, format, *args):
        """Requests are kept in `Sandbox.requests`; a server within a program prints nothing."""

    def _serve(self, encoded):
        path = urllib.parse.urlsplit(self.path).path
        if not path.startswith(PATH):
            self._send(Answer(f"Sandbox: the services are below {PATH}\n".encode(), 404, TEXT))
            return
        values = urllib.parse.parse_qs(encoded, keep_blank_values=True)
        params = {name: ",".join(parts) for name, parts in values.items()}
        answer, fault = self.server.sandbox.answer(self.command, path.removeprefix(PATH), params)
        if fault == "hang":
            self.server.sandbox.over.wait()
        if fault in ("hang", "close"):
            self.close_connection = True
            return
        self._send(_damaged(answer, fault), fault=fault)

    def _send(self, answer, *, fault=None):
        body = answer.body
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if "gzip" in self.headers.get("Accept-Encoding", "") and fault is None:
            self.send_header("Content-Encoding", "gzip")
            body = gzip.compress(body, mtime=0)
        self.send_header("Connection", "close")
        if fault == "short body":
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2])
        else:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self._send_chunks(body, whole=fault != "cut chunks")
        self.close_connection = True

    def _send_chunks(self, body, *, whole):
        size = 4096
        chunks = [body[start : start + size] for start in range(0, len(body), size)]
        for chunk in chunks:
            self.wfile.write(b"%x\r\n" % len(chunk))
            self.wfile.write(chunk if whole else chunk[: len(chunk) // 2])
            if not whole:
                return
            self.wfile.write(b"\r\n")
        self.wfile.write(b"0\r\n\r\n")


def _damaged(answer, fault):
    if fault == "half document":
        return Answer(answer.body[: len(answer.body) // 2], answer.status, answer.kind)
    if fault == "lost id":
        return Answer(re.sub(rb"<Id>\d+</Id>\n", b"", answer.body, count=1), answer.status, answer.kind)
    return answer


def _http_date(day):
    midnight = datetime.datetime.combine(day, datetime.time(), tzinfo=datetime.UTC)
    return email.utils.format_datetime(midnight, usegmt=True)
