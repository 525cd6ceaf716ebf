"""A small corpus, a sandbox that serves it, and clients that wait without waiting."""

import datetime
import io
from types import SimpleNamespace

import pytest
import requests
import urllib3

from livingreview.search.pubmed.entrez import Client
from livingreview.search.sandbox import Sandbox
from livingreview.search.sandbox.eutilities import Eutilities


def make_row(pmid, title, **cells):
    empty = dict.fromkeys(
        [
            "doi",
            "journal",
            "year",
            "authors",
            "publication_types",
            "mesh_terms",
            "registry_ids",
            "language",
        ]
    )
    given = {"entry_date": "2020-05-05", "entry_date_basis": "PubMed", "source": "test"}
    return {"pmid": str(pmid), "title": title, **empty, **given, **cells}


ROWS = [
    make_row(
        101,
        "Internet treatment for chronic pain: an example trial",
        doi="10.1000/Example.1",
        journal="Example J Pain",
        year="2015",
        authors="Example AB; Sample C",
        publication_types="Journal Article; Randomized Controlled Trial",
        mesh_terms="Chronic Pain / therapy*; Internet*; Humans",
        registry_ids="NCT00000101",
        language="eng",
        entry_date="2015-03-04",
    ),
    make_row(
        102,
        "Online self-management of headache in <b> & other places",
        doi="10.1000/example.2",
        journal="Headache Ex",
        year="2019",
        authors="Exämple AB",
        mesh_terms="Headache/psychology; Internet",
        language="ger",
        entry_date="2019-06-01",
    ),
    make_row(103, "Behaviour therapy for back pain", year="2021", entry_date="2026-10-31"),
    make_row(
        104,
        "Behavioral medicine, chronic illness and pain",
        authors="Example Pain Group",
        entry_date="2026-11-01",
    ),
    make_row(105, "Asthma in adults", year="2020", language="eng", entry_date="2026-11-02"),
]


@pytest.fixture
def row():
    """Makes one row of a corpus."""
    return make_row


@pytest.fixture
def rows():
    """Five records; the last enters PubMed on 2 November 2026."""
    return [dict(one) for one in ROWS]


@pytest.fixture
def as_of():
    return datetime.date(2026, 11, 1)


@pytest.fixture
def make_sandbox(rows, as_of):
    """Starts sandboxes and closes them at the end of the test."""
    started = []

    def start(records=None, **options):
        sandbox = Sandbox(rows if records is None else records, options.pop("as_of", as_of), **options)
        started.append(sandbox)
        return sandbox.__enter__()

    yield start
    for sandbox in started:
        sandbox.__exit__()


@pytest.fixture
def time():
    """A clock that only `sleep` moves; `slept` lists the pauses."""
    state = SimpleNamespace(now=0.0, slept=[])

    def sleep(seconds):
        state.slept.append(seconds)
        state.now += seconds

    state.sleep = sleep
    state.clock = lambda: state.now
    return state


@pytest.fixture
def make_client(time):
    """Makes clients that close at the end of the test."""
    made = []

    def make(base_url, **options):
        given = {"sleep": time.sleep, "clock": time.clock, "jitter": lambda: 0.5, "environ": {}}
        client = Client(base_url, tool="living-review-test", email="test@example.org", **{**given, **options})
        made.append(client)
        return client

    yield make
    for client in made:
        client.__exit__()


class Scripted(requests.adapters.BaseAdapter):
    """Answers requests from a list of (status, headers, body), the last one for ever; no network."""

    def __init__(self, answers):
        super().__init__()
        self.answers = list(answers)
        self.sent = []

    def send(self, request, **_):
        self.sent.append(request)
        status, headers, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        given = {"Date": "Sun, 01 Nov 2026 00:00:00 GMT", "Content-Type": "text/xml", **headers}
        response = requests.Response()
        response.status_code = status
        response.headers = requests.structures.CaseInsensitiveDict(given)
        response.raw = urllib3.HTTPResponse(
            body=io.BytesIO(body), headers=given, status=status, preload_content=False, decode_content=False
        )
        response.url, response.request, response.connection = request.url, request, self
        return response

    def close(self):
        """Nothing is open."""


@pytest.fixture
def make_session():
    """Makes sessions that answer from a list of bodies or (status, headers, body); `.sent` lists requests."""

    def make(*answers):
        adapter = Scripted([one if isinstance(one, tuple) else (200, {}, one) for one in answers])
        session = requests.Session()
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        session.sent = adapter.sent
        return session

    return make


@pytest.fixture
def window_of_50(monkeypatch):
    """Lets sandbox and client list 50 records of a search where PubMed lists 9,999, so that tests are quick."""
    monkeypatch.setitem(Eutilities.__init__.__kwdefaults__, "window", 50)
    monkeypatch.setitem(Client.__init__.__kwdefaults__, "window", 50)
