"""Every fault, seen from the client's end of the wire."""

import gzip
import http.client
import json
import re
import socket
import time
import urllib.parse
import zlib

import pytest
import requests
from lxml import etree

from livingreview.errors import InputError
from livingreview.search.sandbox import faults, wire

IDENTITY = {"tool": "living-review-test", "email": "test@example.org"}
QUERY = {"term": "pain[ti]"}
KEY = "0123456789abcdef" * 2 + "0123"


@pytest.fixture
def ask():
    """POSTs to a service of a sandbox and returns the response."""
    with requests.Session() as session:
        session.trust_env = False

        def post(sandbox, service, **params):
            return session.post(f"{sandbox.url}{service}.fcgi", data=IDENTITY | params, timeout=10)

        yield post


@pytest.fixture
def raw():
    """Sends a request by hand; returns its head (bytes) and all that followed until the connection ended."""

    def send(sandbox, service="esearch", *, accept="identity", **params):
        address = urllib.parse.urlsplit(sandbox.url)
        query = urllib.parse.urlencode(IDENTITY | (params or QUERY))
        with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
            connection.sendall(
                f"GET {address.path}{service}.fcgi?{query} HTTP/1.1\r\nHost: sandbox\r\n"
                f"Accept-Encoding: {accept}\r\n\r\n".encode()
            )
            received = b""
            while piece := connection.recv(65536):
                received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        return head, body

    return send


def unchunked(body):
    """The content of a chunked body, and whether it was ended as it should be."""
    content = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            return content, True
        content, body = content + body[:length], body[length + 2 :]
    return content, False


def error_in(answer):
    return etree.fromstring(answer.content).findtext("ERROR")


def pmids(answer):
    return re.findall(rb'<PMID Version="1">(\d+)</PMID>', answer.content)


@pytest.mark.parametrize("status", ["500", "502", "503"])
def test_a_server_error_is_a_web_page(make_sandbox, ask, status):
    answer = ask(make_sandbox(faults=[status]), "esearch", **QUERY)
    assert answer.status_code == int(status)
    assert "<h1>Server Error</h1>" in answer.text


@pytest.mark.parametrize(("fault", "status"), [("429", 429), ("429 as 200", 200)])
def test_a_rate_limit_names_the_client_and_its_limit(make_sandbox, ask, fault, status):
    sandbox = make_sandbox(faults=[fault, fault])
    answer = ask(sandbox, "esearch", **QUERY)
    assert answer.status_code == status
    assert answer.headers["Retry-After"] == "2"
    body = {"error": "API rate limit exceeded", "api-key": "127.0.0.1", "count": "4", "limit": "3"}
    assert answer.json() == body
    answer = ask(sandbox, "esearch", **QUERY, api_key=KEY)
    assert answer.json() == body | {"api-key": KEY, "count": "11", "limit": "10"}


def test_a_web_page_and_an_empty_body_can_come_with_status_200(make_sandbox, ask):
    sandbox = make_sandbox(faults=["html", "empty"])
    page, nothing = ask(sandbox, "esearch", **QUERY), ask(sandbox, "esearch", **QUERY)
    assert (page.status_code, nothing.status_code) == (200, 200)
    assert page.headers["Content-Type"].startswith("text/html")
    assert nothing.content == b""


@pytest.mark.parametrize("fault", ["backend", "expired"])
def test_an_error_in_ncbis_words_comes_in_the_envelope_of_the_service(make_sandbox, ask, fault):
    words = {"backend": "Search Backend failed: Exception: no answer", "expired": "Unable to obtain query #7"}
    sandbox = make_sandbox(faults=[fault] * 6)
    for service, root, status in [
        ("esearch", "eSearchResult", 200),
        ("efetch", "eFetchResult", 400),
        ("esummary", "eSummaryResult", 200),
        ("epost", "ePostResult", 200),
    ]:
        answer = ask(sandbox, service, **QUERY, id="101", query_key="7")
        assert answer.status_code == status
        assert etree.fromstring(answer.content).tag == root
        assert error_in(answer) == words[fault]
    answer = ask(sandbox, "esearch", **QUERY, retmode="json", query_key="7").json()
    assert answer == {
        "header": {"type": "esearch", "version": "0.3"},
        "esearchresult": {"ERROR": words[fault]},
    }
    answer = ask(sandbox, "esummary", id="101", retmode="json", query_key="7").json()
    assert answer == {"esummaryresult": [words[fault]]}


def test_the_error_beyond_the_window_is_invalid_json(make_sandbox, ask):
    answer = ask(make_sandbox(faults=["invalid json"]), "esearch", **QUERY)
    assert answer.status_code == 200
    assert b"Exception:\n'retstart'" in answer.content
    with pytest.raises(json.JSONDecodeError, match="Invalid control character"):
        json.loads(answer.content)


def test_a_bad_key_comes_back_in_the_refusal(make_sandbox, ask):
    sandbox = make_sandbox(faults=["bad key", "bad key"])
    answer = ask(sandbox, "efetch", id="101", api_key=KEY)
    assert answer.status_code == 400
    assert answer.json()["api-key"] == KEY
    assert ask(sandbox, "efetch", id="101").json()["api-key"] == "none"


def test_a_failed_summary_hides_its_failure_in_a_comment(make_sandbox, ask):
    sandbox = make_sandbox(faults=["esummary failed", "esummary failed"])
    answer = ask(sandbox, "esummary", id="101")
    root = etree.fromstring(answer.content)
    assert root.find("DocSum") is None
    assert "failed" in root.find("DocumentSummarySet")[0].text
    assert "result" not in ask(sandbox, "esummary", id="101", retmode="json").json()


def test_a_zero_looks_like_a_legitimate_one(make_sandbox, ask):
    sandbox = make_sandbox(faults=["zero", "zero"])
    result = ask(sandbox, "esearch", **QUERY, retmode="json").json()["esearchresult"]
    assert (result["count"], result["idlist"]) == ("0", [])
    assert result["querytranslation"] == '"pain"[Title]'
    assert result["warninglist"]["outputmessages"] == ["No items found."]
    assert "errorlist" not in result
    assert b"<Count>0</Count>" in ask(sandbox, "esearch", **QUERY, rettype="count").content


@pytest.mark.parametrize("retmode", ["xml", "json"])
def test_a_lost_id_makes_the_list_shorter_than_its_count(make_sandbox, ask, retmode):
    answer = ask(make_sandbox(faults=["lost id"]), "esearch", **QUERY, retmode=retmode)
    found = (
        answer.json()["esearchresult"]["idlist"]
        if retmode == "json"
        else [element.text for element in etree.fromstring(answer.content).find("IdList")]
    )
    assert found == ["103", "101"]
    assert b"3" in re.search(rb'(?:<Count>|"count":")(\d+)', answer.content)[1]


@pytest.mark.parametrize(
    ("fault", "came"),
    [
        ("omit", [b"101"]),
        ("twice", [b"102", b"102", b"101"]),
        ("foreign", [b"102", b"101", b"104"]),
    ],
)
def test_efetch_delivers_too_few_or_too_many(make_sandbox, ask, fault, came):
    answer = ask(make_sandbox(faults=[fault]), "efetch", id="102,101")
    assert pmids(answer) == came
    assert etree.fromstring(answer.content).tag == "PubmedArticleSet"


def test_a_foreign_record_is_invented_where_every_record_was_asked_for(make_sandbox, ask):
    answer = ask(make_sandbox(faults=["foreign"]), "efetch", id="101,102,103,104")
    assert pmids(answer)[-1] == b"105"
    assert b"nobody asked for" in answer.content


def test_a_fault_of_one_service_waits_for_it_and_holds_back_those_behind(make_sandbox, ask):
    sandbox = make_sandbox(faults=["omit", "500"])
    assert ask(sandbox, "esearch", **QUERY).status_code == 200
    assert ask(sandbox, "epost", id="101").status_code == 200
    assert list(sandbox.faults) == ["omit", "500"]
    assert pmids(ask(sandbox, "efetch", id="101,102")) == [b"102"]
    assert ask(sandbox, "esearch", **QUERY).status_code == 500
    assert ask(sandbox, "esearch", **QUERY).status_code == 200


def test_none_is_a_good_answer(make_sandbox, ask):
    sandbox = make_sandbox(faults=[None, "500"])
    assert [ask(sandbox, "esearch", **QUERY).status_code for _ in range(3)] == [200, 500, 200]


def test_half_a_document_is_a_whole_answer(make_sandbox, raw):
    head, body = raw(make_sandbox(faults=["half document"]))
    content, ended = unchunked(body)
    assert head.startswith(b"HTTP/1.1 200")
    assert ended
    assert content.startswith(b"<?xml")
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring(content)


def test_a_closed_connection_has_no_headers(make_sandbox, raw):
    assert raw(make_sandbox(faults=["close"])) == (b"", b"")


def test_a_reset_connection_is_reset(make_sandbox, raw):
    with pytest.raises(ConnectionResetError):
        raw(make_sandbox(faults=["reset"]))


def test_a_hanging_answer_ends_without_a_word_when_the_sandbox_closes(make_sandbox):
    sandbox = make_sandbox(faults=["hang"])
    address = urllib.parse.urlsplit(sandbox.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
    connection.request("GET", f"{address.path}esearch.fcgi?{urllib.parse.urlencode(IDENTITY | QUERY)}")
    wait_for(lambda: sandbox.requests)
    sandbox.over.set()
    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()
    connection.close()


def wait_for(condition):
    for _ in range(500):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it never came")


def test_a_slow_answer_comes_byte_by_byte_until_the_sandbox_closes(make_sandbox, monkeypatch):
    monkeypatch.setattr(wire, "TRICKLE", 0.01)
    sandbox = make_sandbox(faults=["slow"])
    address = urllib.parse.urlsplit(sandbox.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
    connection.request("GET", f"{address.path}esearch.fcgi?{urllib.parse.urlencode(IDENTITY | QUERY)}")
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.read1(100) == b"<"
    sandbox.over.set()
    with pytest.raises(http.client.IncompleteRead):
        answer.read()
    connection.close()


def test_a_slow_answer_is_the_good_one_for_whoever_waits(make_sandbox, ask, monkeypatch):
    monkeypatch.setattr(wire, "TRICKLE", 0)
    sandbox = make_sandbox(faults=["slow"])
    assert ask(sandbox, "esearch", **QUERY).content == ask(sandbox, "esearch", **QUERY).content


def test_cut_chunks_have_no_end(make_sandbox, raw, ask):
    _, body = raw(make_sandbox(faults=["cut chunks"]))
    assert not body.endswith(b"0\r\n\r\n")
    assert int(body.partition(b"\r\n")[0], 16) > len(body)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        ask(make_sandbox(faults=["cut chunks"]), "esearch", **QUERY)


def test_a_short_body_has_half_of_what_it_declares(make_sandbox, raw):
    sandbox = make_sandbox(faults=["short body"])
    head, body = raw(sandbox)
    declared = int(re.search(rb"Content-Length: (\d+)", head)[1])
    assert len(body) == declared // 2
    assert unchunked(raw(sandbox)[1])[0][: len(body)] == body


def test_a_close_delimited_body_is_cut_without_a_trace_in_http(make_sandbox, raw, ask):
    head, body = raw(make_sandbox(faults=["close-delimited short"]))
    assert b"Content-Length" not in head
    assert b"Transfer-Encoding" not in head
    answer = ask(make_sandbox(faults=["close-delimited short"]), "esearch", **QUERY)
    assert answer.content == body  # the client's library sees nothing wrong
    assert not body.rstrip().endswith(b"</eSearchResult>")


@pytest.mark.parametrize("accept", ["gzip", "identity"])
def test_a_truncated_gzip_stream_is_framed_cleanly(make_sandbox, raw, accept):
    head, body = raw(make_sandbox(faults=["truncated gzip"]), accept=accept)
    content, ended = unchunked(body)
    assert b"Content-Encoding: gzip" in head
    assert ended
    with pytest.raises(EOFError):
        gzip.decompress(content)
    stream = zlib.decompressobj(wbits=31)
    assert stream.decompress(content).startswith(b"<?xml")
    assert not stream.eof


def test_an_answer_can_lack_its_date(make_sandbox, raw):
    sandbox = make_sandbox(faults=["no date"])
    without, with_date = raw(sandbox), raw(sandbox)
    assert b"\r\nDate: " in with_date[0]
    assert b"\r\nDate: " not in without[0]
    assert without[1] == with_date[1]


@pytest.mark.parametrize("wrong", [["nonsense"], [429], [{}], "429", 5])
def test_an_unknown_fault_is_refused_before_anything_is_served(make_sandbox, wrong):
    with pytest.raises(InputError, match="faults of the sandbox"):
        make_sandbox(faults=wrong)


def test_the_message_lists_what_there_is(make_sandbox):
    with pytest.raises(InputError, match="found 'nonsense'; allowed: 429, 429 as 200, 500"):
        make_sandbox(faults=["nonsense"])


@pytest.mark.parametrize("name", faults.FAULTS)
def test_after_any_fault_the_sandbox_answers_well(make_sandbox, ask, monkeypatch, name):
    monkeypatch.setattr(wire, "TRICKLE", 0)
    service = (faults.FAULTS[name].service or "esearch.fcgi").removesuffix(".fcgi")
    sandbox = make_sandbox(faults=[name])
    try:
        with requests.Session() as session:
            session.trust_env = False
            url = f"{sandbox.url}{service}.fcgi"
            patience = 0.2 if name == "hang" else 10
            session.post(url, data=IDENTITY | QUERY | {"id": "101"}, timeout=patience)
    except requests.RequestException:
        pass
    wait_for(lambda: not sandbox.faults)
    answer = ask(sandbox, service, **QUERY, id="101")
    assert answer.status_code == 200
    etree.fromstring(answer.content)


@pytest.mark.parametrize("name", faults.FAULTS)
def test_the_guide_describes_every_fault(root, name):
    guide = (root / "docs" / "sandbox.md").read_text(encoding="utf-8")
    fault = faults.FAULTS[name]
    service = {None: "any", faults.ESEARCH: "ESearch", faults.EFETCH: "EFetch", faults.ESUMMARY: "ESummary"}
    assert f"| `{name}` | {service[fault.service]} | {fault.what} |" in guide
