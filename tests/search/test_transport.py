"""One exchange with a server: its limits in time and size, and what its failures are called."""

import contextlib
import gzip
import os
import socket
import threading
import tracemalloc
import zlib

import pytest

from livingreview.search.pubmed.failures import EntrezError, Passing, UnsafeAnswer
from livingreview.search.pubmed.transport import Transport, is_local

HEAD = b"HTTP/1.1 200 OK\r\nDate: Sun, 01 Nov 2026 00:00:00 GMT\r\n"
MEGABYTE = 2**20


def read_request(connection):
    """Read all of it: what is unread when a connection closes makes a reset of its end."""
    file = connection.makefile("rb", buffering=0)
    length = 0
    while (line := file.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        length = int(value) if name.lower() == b"content-length" else length
    while length > 0:
        length -= len(file.read(length))


@contextlib.contextmanager
def server(script, *, wrap=None):
    """A server that reads a request and then does what a script tells it, with the connection."""
    over = threading.Event()

    def serve():
        for _ in range(10):
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), wrap(connection) if wrap else connection as wrapped:
                read_request(wrapped)
                script(wrapped, over)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        finally:
            over.set()
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def says(data):
    return lambda connection, _: connection.sendall(data)


def trickles(head, piece):
    """Sends something, then one piece every hundredth of a second until the test is over."""

    def script(connection, over):
        connection.sendall(head)
        while not over.wait(0.01):
            connection.sendall(piece)

    return script


@pytest.fixture
def post():
    """Asks a server once."""
    made = []

    def ask(url, *, largest=MEGABYTE, **options):
        made.append(Transport(url, **options))
        return made[-1].post(f"{url}x.fcgi", {"term": "pain"}, largest=largest)

    yield ask
    for one in made:
        one.close()


def test_an_answer_comes_with_status_headers_and_body(post):
    with server(says(HEAD + b"Content-Length: 5\r\n\r\n<a/>\n")) as url:
        reply = post(url)
    assert (reply.status, reply.headers["date"], reply.body) == (
        200,
        "Sun, 01 Nov 2026 00:00:00 GMT",
        b"<a/>\n",
    )


@pytest.mark.parametrize("members", [1, 3])
def test_a_packed_answer_is_unpacked_whole(post, members):
    data = os.urandom(200_000)
    size = len(data) // members + 1
    packed = b"".join(gzip.compress(data[start : start + size]) for start in range(0, len(data), size))
    with server(says(HEAD + b"Content-Encoding: gzip\r\n\r\n" + packed)) as url:
        assert post(url).body == data


@pytest.mark.parametrize("cut", [1, 4, 8, 9, 100])
def test_a_packed_answer_without_its_end_is_cut_short(post, cut):
    packed = gzip.compress(os.urandom(1000))[:-cut]
    with (
        server(says(HEAD + b"Content-Encoding: gzip\r\n\r\n" + packed)) as url,
        pytest.raises(Passing) as caught,
    ):
        post(url)
    assert str(caught.value) == "the answer was cut short"


@pytest.mark.parametrize(
    "packed",
    [
        b"not packed at all",
        gzip.compress(b"x" * 99)[:-8] + b"\0" * 8,
        gzip.compress(b"x") + b"more",
        zlib.compress(b"x"),
    ],
    ids=["plain", "wrong checksum", "something behind", "not gzip"],
)
def test_a_packed_answer_that_is_none_is_worth_another_try(post, packed):
    answer = says(HEAD + b"Content-Encoding: gzip\r\n\r\n" + packed)
    with server(answer) as url, pytest.raises(Passing, match=r"cannot be unpacked|cut short"):
        post(url)


def test_a_packing_that_was_not_asked_for_is_worth_another_try(post):
    with server(says(HEAD + b"Content-Encoding: br\r\n\r\nx")) as url, pytest.raises(Passing, match="'br'"):
        post(url)


def test_what_was_asked_for_is_gzip_and_no_other(post):
    asked = []

    @contextlib.contextmanager
    def remember(connection):
        with connection:
            asked.append(connection.recv(65_536, socket.MSG_PEEK))
            yield connection

    with server(says(HEAD + b"Content-Length: 0\r\n\r\n"), wrap=remember) as url:
        post(url)
    assert b"Accept-Encoding: gzip\r\n" in asked[0]
    assert asked[0].startswith(b"POST /x.fcgi HTTP/1.1\r\n")


@pytest.mark.parametrize("layers", [1, 40])
def test_an_answer_that_unpacks_to_too_much_is_stopped_before_it_fills_the_memory(post, layers):
    # 64 MB of zeros are 64 kB packed.
    bomb = gzip.compress(b"\0" * (64 * MEGABYTE // layers)) * layers
    answer = says(HEAD + b"Content-Encoding: gzip\r\n\r\n" + bomb)
    tracemalloc.start()
    try:
        with server(answer) as url, pytest.raises(UnsafeAnswer, match="larger than 1,048,576 bytes"):
            post(url)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 8 * MEGABYTE


def test_an_answer_without_end_is_stopped(post):
    def script(connection, over):
        connection.sendall(HEAD + b"\r\n")
        while not over.is_set():
            connection.sendall(b"x" * 65_536)

    with server(script) as url, pytest.raises(UnsafeAnswer, match="larger than 1,048,576 bytes"):
        post(url)


def test_an_answer_of_just_the_largest_size_is_taken(post):
    with server(says(HEAD + b"Content-Length: 1000\r\n\r\n" + b"x" * 1000)) as url:
        assert len(post(url, largest=1000).body) == 1000
        with pytest.raises(UnsafeAnswer):
            post(url, largest=999)


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\n", b"X"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (HEAD + b"\r\n", b"x"),
        (HEAD + b"Content-Length: 100000\r\n\r\n", b"x"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nffff\r\n", b"x"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    ],
    ids=["status", "header", "headers", "body", "declared body", "chunks", "chunk", "length of a chunk"],
)
def test_an_answer_that_trickles_ends_at_the_time_limit(post, head, piece):
    with server(trickles(head, piece)) as url, pytest.raises(Passing) as caught:
        post(url, time_limit=0.3, timeout=(5, 5))
    # A server that sends a hundred headers is found out by their number.
    assert str(caught.value) in ("no whole answer within 0.3 s",) or "headers" in str(caught.value)


def test_a_server_that_says_nothing_is_left_after_the_pause(post):
    with server(lambda _, over: over.wait()) as url, pytest.raises(Passing, match=r"no answer within 0\.2 s"):
        post(url, timeout=(5, 0.2))


def test_the_time_limit_holds_between_pieces_for_any_session(make_session, time, post):
    session = make_session(b"x" * 1000)

    def late():
        time.now += 1000
        return time.now

    with pytest.raises(Passing, match="no whole answer within 300 s"):
        post("https://example.org/", session=session, clock=late)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the connection was closed without an answer"),
        (HEAD + b"Content-Length: 10\r\n\r\nx", "the answer was cut short"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", "the answer was cut short"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n", "the answer was cut short"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", "the answer was cut short"),
        (b"\x16\x03\x01 what is this\r\n\r\n", "BadStatusLine"),
    ],
)
def test_a_connection_that_ends_early_is_worth_another_try(post, data, words):
    with server(says(data)) as url, pytest.raises(Passing, match=words):
        post(url)


def test_a_redirection_is_not_followed_so_that_no_other_server_gets_the_form(post):
    asked = []
    with server(lambda *_: asked.append("the other")) as other:
        moved = b"HTTP/1.1 307 Go\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % other.encode()
        with server(says(moved)) as url:
            assert post(url).status == 307
    assert asked == []


@pytest.mark.parametrize("address", ["pubmed/", "http:///", "ftp://127.0.0.1/", "http://[/"])
def test_an_address_that_is_none_is_said_at_once(post, address):
    with pytest.raises(EntrezError, match=r"cannot be used: .*Check search: base_url"):
        post(address)


def test_a_local_server_is_asked_past_any_proxy(post, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1/")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with server(says(HEAD + b"Content-Length: 1\r\n\r\nx")) as url:
        assert post(url).body == b"x"


def test_which_servers_are_on_this_computer():
    assert is_local("http://127.0.0.1:8765/entrez/eutils/")
    assert is_local("http://localhost/")
    assert is_local("http://[::1]:80/")
    assert not is_local("https://eutils.ncbi.nlm.nih.gov/entrez/eutils/")
    assert not is_local("pubmed")
