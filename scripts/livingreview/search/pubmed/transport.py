"""One HTTP exchange with a server of the E-utilities, bounded in time and size.

`requests` waits for the next piece of an answer, not for the whole, and unpacks whatever comes. Here an
answer has a time limit from its first byte to its last, headers included, and a largest size, unpacked.
"""

import http.client
import io
import re
import time
import urllib.parse
import zlib
from dataclasses import dataclass

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from livingreview.search.pubmed.failures import EntrezError, Passing, UnsafeAnswer

TIMEOUT = (10.0, 120.0)  # seconds to connect, and between two pieces of an answer
# Seconds for a whole answer: 500 records are some 5 MB, which take 5 minutes at 130 kbit/s.
TIME_LIMIT = 300.0
PIECE = 65_536  # bytes read at once
CUT_SHORT = "the answer was cut short"


@dataclass(frozen=True)
class Reply:
    """An HTTP answer: `status`, `headers` (case-insensitive) and the unpacked `body`."""

    status: int
    headers: object
    body: bytes


class Transport:
    """Posts forms to one server.

    Parameters
    ----------
    base_url : str
        Where the services are; only shown, and looked at for whether it is on this computer.
    session : requests.Session, optional
        Carries the requests. The default ignores proxies for a server on this computer, and ends an answer
        at the time limit wherever it is; another session does so between two pieces only.
    clock : callable, optional
        Tells seconds.
    timeout : (float, float), optional
        Seconds to wait for a connection, and for the next piece of an answer.
    time_limit : float, optional
        Seconds for a whole answer.
    """

    def __init__(
        self, base_url, *, session=None, clock=time.monotonic, timeout=TIMEOUT, time_limit=TIME_LIMIT
    ):
        self._base_url = base_url
        self._deadline = _Deadline(clock)
        self._session = session or _session(base_url, self._deadline)
        self._timeout = timeout
        self._time_limit = time_limit

    def close(self):
        """Give back all connections."""
        self._session.close()

    def post(self, url, data, *, largest):
        """Send a form and read the whole answer.

        Parameters
        ----------
        url : str
            The service.
        data : dict of str
            The form.
        largest : int
            Bytes that the unpacked answer may have.

        Raises
        ------
        Passing
            If another try may succeed.
        UnsafeAnswer
            If the answer is larger than `largest`.
        EntrezError
            If the address is none, or the way there is not encrypted.
        """
        if url.lower().startswith("http:") and not is_local(url):
            raise EntrezError(
                f"The address {self._base_url} cannot be used: it begins with http. The API key could be"
                " read on the way, and answers changed. Write https (http is for servers on this computer"
                " only). Check search: base_url."
            )
        self._deadline.start(self._time_limit)
        try:
            response = self._session.post(
                url,
                data=data,
                # What the pieces below can unpack, and no more.
                headers={"Accept-Encoding": "gzip"},
                timeout=self._timeout,
                stream=True,
                # Another server must not be handed the form: it can hold the API key.
                allow_redirects=False,
            )
            try:
                return Reply(response.status_code, response.headers, self._body(response, largest))
            finally:
                response.close()
        except (requests.ConnectionError, requests.Timeout, urllib3.exceptions.HTTPError) as error:
            raise Passing(self._words(error)) from None
        except (http.client.HTTPException, OSError, zlib.error) as error:
            if isinstance(error, requests.RequestException):
                raise EntrezError(
                    f"The address {self._base_url} cannot be used: {error}. Check search: base_url."
                ) from None
            raise Passing(self._words(error)) from None

    def _body(self, response, largest):
        unpack = _unpacker(response.headers.get("Content-Encoding", ""), largest)
        for piece in response.raw.stream(PIECE, decode_content=False):
            unpack.feed(piece)
            if self._deadline.left() <= 0:
                raise TimeoutError
        return unpack.end()

    def _words(self, error):
        """What went wrong with a connection, in plain words."""
        text = str(error)
        if self._deadline.left() <= 0:
            return f"no whole answer within {self._time_limit:g} s"
        if isinstance(error, requests.ConnectTimeout):
            return f"no connection within {self._timeout[0]:g} s"
        if isinstance(error, requests.Timeout | TimeoutError) or "timed out" in text:
            return f"no answer within {self._timeout[1]:g} s"
        if isinstance(error, zlib.error):
            return "the answer is packed and cannot be unpacked"
        words = {
            "refused": "connection refused",
            "Remote end closed": "the connection was closed without an answer",
            "reset": "the connection was reset",
            "IncompleteRead": CUT_SHORT,
            "InvalidChunkLength": CUT_SHORT,
            "prematurely": CUT_SHORT,
            "resolve": "the name of the server could not be resolved; is the network up?",
            "certificate": "the server's certificate could not be verified",
        }
        return next((plain for part, plain in words.items() if part in text), text or type(error).__name__)


def is_local(url):
    """Whether a server is on this computer."""
    try:
        host = urllib.parse.urlsplit(url).hostname
    except ValueError:  # no address at all, as the request will say
        return False
    return host in ("127.0.0.1", "localhost", "::1")


class _Plain:
    """Collects an answer, and stops where it becomes too large."""

    def __init__(self, largest):
        self._largest = largest
        self._pieces = []
        self._size = 0

    def feed(self, piece):
        self._size += len(piece)
        if self._size > self._largest:
            raise UnsafeAnswer(
                f"PubMed's answer is larger than {self._largest:,} bytes, which no answer to such a request"
                " is. It was not read to its end, and nothing was saved. Check search: base_url, and whether"
                " something between this computer and PubMed changes what passes."
            )
        self._pieces.append(piece)

    def end(self):
        return b"".join(self._pieces)


class _Gzip(_Plain):
    """The same for an answer packed by gzip: unpacked in steps, and whole only with its last checksum."""

    def __init__(self, largest):
        super().__init__(largest)
        self._unpacker = None

    def feed(self, piece):
        while piece:
            if self._unpacker is None:
                self._unpacker = zlib.decompressobj(wbits=31)
            super().feed(self._unpacker.decompress(piece, PIECE))
            if self._unpacker.eof:
                piece, self._unpacker = self._unpacker.unused_data, None
            else:
                piece = self._unpacker.unconsumed_tail

    def end(self):
        if self._unpacker is not None:
            raise Passing(CUT_SHORT)
        return super().end()


def _unpacker(encoding, largest):
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return _Plain(largest)
    if encoding in ("gzip", "x-gzip"):
        return _Gzip(largest)
    named = f"as {encoding!r}" if re.fullmatch(r"[a-z0-9-]{1,12}", encoding) else "in an unknown way"
    raise Passing(f"the answer is packed {named}, which was not asked for")


class _Deadline:
    """A time by which an answer must be whole."""

    def __init__(self, clock):
        self._clock = clock
        self._end = clock()

    def start(self, seconds):
        self._end = self._clock() + seconds

    def left(self):
        """Seconds that remain; not above 0 when the time is over."""
        return self._end - self._clock()


class _TimedReader(io.RawIOBase):
    """Bytes of a socket, each waited for no longer than the deadline allows."""

    def __init__(self, sock, deadline):
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._deadline = deadline

    def readable(self):
        return True

    def readinto(self, buffer):
        left = self._deadline.left()
        if left <= 0:
            raise TimeoutError("timed out")
        pause = self._sock.gettimeout()
        self._sock.settimeout(left if pause is None else min(left, pause))
        try:
            return self._raw.readinto(buffer)
        finally:
            self._sock.settimeout(pause)

    def close(self):
        if not self.closed:
            self._raw.close()
        super().close()


class _TimedSocket:
    """A socket whose files keep the deadline; in all else the socket itself."""

    def __init__(self, sock, deadline):
        self._sock = sock
        self._deadline = deadline

    def makefile(self, mode="rb", *_, **__):
        if mode != "rb":
            raise ValueError(f"only rb is read here, not {mode}")
        return io.BufferedReader(_TimedReader(self._sock, self._deadline))

    def __getattr__(self, name):
        return getattr(self._sock, name)


class _Adapter(HTTPAdapter):
    """Connections that keep a deadline."""

    def __init__(self, deadline):
        self._pools = {
            "http": _pool(HTTPConnectionPool, HTTPConnection, deadline),
            "https": _pool(HTTPSConnectionPool, HTTPSConnection, deadline),
        }
        super().__init__()

    def init_poolmanager(self, *args, **kwargs):
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *args, **kwargs):
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _pool(pool, connection, deadline):
    class Connection(connection):
        def connect(self):
            super().connect()
            self.sock = _TimedSocket(self.sock, deadline)

    return type(pool.__name__, (pool,), {"ConnectionCls": Connection})


def _session(base_url, deadline):
    session = requests.Session()
    session.trust_env = not is_local(base_url)
    adapter = _Adapter(deadline)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session
