"""A stand-in for PubMed's servers on this computer: real HTTP over loopback, a bundled corpus, any day.

A run against the sandbox needs no network, sees PubMed as it stood on a given day (as far as the corpus goes)
and gives the same bytes every time, the Date header included. Tests script its misbehaviour with `faults`.
It knows nothing of this project's client: docs/sandbox.md says how to point any other client at it.
"""

import contextlib
import datetime
import email.utils
import json
import threading
import time
from collections import deque
from dataclasses import asdict, dataclass, replace

from livingreview import tables
from livingreview.errors import InputError, problem
from livingreview.search.sandbox import citation_xml, wire
from livingreview.search.sandbox.bodies import as_json, plain, rate_limited
from livingreview.search.sandbox.eutilities import ORDERS, Eutilities
from livingreview.search.sandbox.faults import FAULTS, check, client_of
from livingreview.search.sandbox.wire import CONTROL, PATH


@dataclass(frozen=True)
class Request:
    """A request that the sandbox received."""

    method: str
    service: str
    params: dict


@contextlib.contextmanager
def serve(corpus_path, as_of, **options):
    """Answer as PubMed would have on one day.

    Parameters
    ----------
    corpus_path : path
        A CSV of schema "sandbox_records".
    as_of : datetime.date
        Records that entered PubMed after this day do not exist yet.
    **options
        As for `Sandbox`.

    Yields
    ------
    str
        The base URL, such as ``http://127.0.0.1:40001/entrez/eutils/``.
    """
    with Sandbox(read_corpus(corpus_path), as_of, **options) as sandbox:
        yield sandbox.url


def read_corpus(path):
    """Rows of a corpus as dicts; empty cells are None."""
    return tables.read(path, "sandbox_records").to_dict("records")


class Sandbox:
    """The server; a context manager.

    Parameters
    ----------
    records : list of dict
        Rows of the corpus; `citation_xml` says which keys they may have.
    as_of : datetime.date
        Records that entered PubMed after this day do not exist yet.
    port : int
        0 takes any free port.
    limit_rate : bool
        Answer 429 to more than 3 requests per second (10 with an API key).
    faults : iterable of (str or None)
        What to do with the coming requests, one entry each: a name in `faults.FAULTS`, or None for a good
        answer. When they are used up all answers are good. A fault of one service (such as "omit", of
        EFetch) waits, with those behind it, for the next request to that service.
    withheld, undelivered, articles, order, expire_history, window
        As for `Eutilities`.
    arrivals : dict of int to list of dict, optional
        Rows that enter once so many requests were received: ``{2: [row]}`` is first seen by the third.
        One with a known PMID replaces the record.
    departures : dict of int to list of str, optional
        PMIDs that vanish, likewise.
    control : bool
        Whether faults may be set, and requests read, over HTTP; see docs/sandbox.md.
    clock : callable
        Seconds, for the rate limit.

    Attributes
    ----------
    url : str
        The base URL.
    requests : list of Request
        All that was asked, in order.
    faults : deque of (str or None)
        Those still to come.

    Raises
    ------
    InputError
        For an unknown fault or order, articles without a row, or arrivals that would never be seen.
    """

    def __init__(
        self,
        records,
        as_of,
        *,
        port=0,
        limit_rate=False,
        faults=(),
        arrivals=None,
        departures=None,
        control=False,
        clock=time.monotonic,
        **options,
    ):
        arrivals, departures = dict(arrivals or {}), dict(departures or {})
        _check_options(records, as_of, arrivals=arrivals, **options)
        self.requests = []
        self.date = _http_date(as_of)
        self.faults = deque(check(faults))
        self.control = control
        self.over = threading.Event()
        self._services = Eutilities(records, as_of=as_of, **options)
        moments = sorted({*arrivals, *departures})
        self._changes = deque((at, arrivals.get(at, ()), departures.get(at, ())) for at in moments)
        self._received = 0
        self._limit = _RateLimit(clock) if limit_rate else None
        self._lock = threading.Lock()
        self._server = wire.Server(("127.0.0.1", port), wire.Handler)
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
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()

    def answer(self, method, service, params):
        """The answer to a request, and the name of the fault with which to send it (or None)."""
        with self._lock:
            self._let_time_pass()
            self.requests.append(Request(method, service, params))
            used, refused = self._limit.count(params) if self._limit else (1, None)
            if refused:
                return refused, None
            name = self._next_fault(service)
            fault = FAULTS[name] if name else None
            if fault and fault.instead:
                return fault.instead(service, params), name
            answer = self._services.answer(service, params, change=fault and fault.change)
            if fault and fault.cut:
                answer = replace(answer, body=fault.cut(answer.body))
            return _with_rate(answer, params, used), name

    def _let_time_pass(self):
        while self._changes and self._changes[0][0] <= self._received:
            _, arrived, departed = self._changes.popleft()
            self._services.change(arrived=arrived, departed=departed)
        self._received += 1

    def _next_fault(self, service):
        if not self.faults:
            return None
        (name,) = check([self.faults[0]])
        if name is not None and not FAULTS[name].applies_to(service):
            return None
        self.faults.popleft()
        return name

    def manage(self, method, what, body):
        """The answer to a request that controls the sandbox.

        Parameters
        ----------
        method : str
            GET shows, POST sets, DELETE clears.
        what : str
            "faults" or "requests".
        body : bytes
            For POST: JSON.
        """
        if not self.control:
            return plain("Sandbox: control is off; start it with --control (control=True)", status=403)
        with self._lock:
            if what == "faults" and method in ("GET", "POST", "DELETE"):
                return self._manage_faults(method, body)
            if what == "requests" and method in ("GET", "DELETE"):
                if method == "DELETE":
                    self.requests.clear()
                return as_json([asdict(request) for request in self.requests])
        known = f"{CONTROL}faults (GET, POST, DELETE) and {CONTROL}requests (GET, DELETE)"
        return plain(f"Sandbox: there is no {method} {CONTROL}{what}, only {known}", status=404)

    def _manage_faults(self, method, body):
        try:
            given = json.loads(body) if method == "POST" else []
            names = check(given, where="Sandbox")
        except ValueError as error:
            return plain(f"Sandbox: this is not JSON: {error}", status=400)
        except RecursionError:
            return plain("Sandbox: this is not a list of names", status=400)
        except InputError as error:
            return plain(str(error), status=400)
        if method != "GET":
            self.faults.clear()
            self.faults.extend(names)
        return as_json(list(self.faults))


class _RateLimit:
    """Counts the requests of the last second."""

    def __init__(self, clock):
        self._clock = clock
        self._times = deque()

    def count(self, params):
        """The requests of the last second, this one included; and a 429 if it is one too many, else None."""
        now = self._clock()
        while self._times and now - self._times[0] >= 1:
            self._times.popleft()
        self._times.append(now)
        client, limit = client_of(params)
        used = len(self._times)
        return used, rate_limited(client=client, count=used, limit=limit) if used > limit else None


def _check_options(records, as_of, *, arrivals, order="uid", articles=None, **_):
    """Refuse options that could have no effect."""
    coming = [row for rows in arrivals.values() for row in rows]
    known = {row["pmid"] for row in [*records, *coming]}
    problems = []
    if order not in ORDERS:
        problems.append(problem("there is no such order", found=order, allowed=", ".join(ORDERS)))
    problems += [
        problem("an article without a row", found=pmid, hint="ESearch finds records by their rows")
        for pmid in articles or {}
        if pmid not in known
    ]
    problems += [
        problem(f"the article of {pmid} is not one PubmedArticle or PubmedBookArticle element")
        for pmid, body in (articles or {}).items()
        if not citation_xml.is_article(body)
    ]
    problems += [
        problem("a record that arrives after the sandbox's day", row=row["pmid"], found=row["entry_date"])
        for row in coming
        if row["entry_date"] > as_of.isoformat()
    ]
    if problems:
        raise InputError("options of the sandbox", problems=problems)


def _with_rate(answer, params, used):
    """An answer with what is left of the client's requests in this second."""
    _, limit = client_of(params)
    left = {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(max(0, limit - used))}
    return replace(answer, headers={**answer.headers, **left})


def _http_date(day):
    midnight = datetime.datetime.combine(day, datetime.time(), tzinfo=datetime.UTC)
    return email.utils.format_datetime(midnight, usegmt=True)
