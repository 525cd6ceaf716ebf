"""How the sandbox's answers travel: HTTP over loopback, with the damage that a fault asks for."""

import contextlib
import email
import gzip
import http.server
import re
import socket
import socketserver
import struct
import urllib.parse
from dataclasses import replace

from livingreview.search.sandbox.bodies import HTML, Answer, plain

PATH = "/entrez/eutils/"
CONTROL = "/sandbox/"
LONGEST_TARGET = 4000  # characters of a GET request; NCBI answers 414 to queries of about 6,000
LARGEST_BODY = 4_000_000  # bytes of a POST request; 9,999 PMIDs take 90,000
PATIENCE = 30  # seconds for a client that connects and then neither sends nor reads
PIECE = 4096  # bytes per chunk
TRICKLE = 0.1  # seconds between two bytes of a slow answer
METHODS = ("GET", "HEAD", "POST")
UNCHUNKED = ("short body", "close-delimited short")  # these send half of what they announce or began
UNZIPPED = (*UNCHUNKED, "cut chunks")  # so that what is cut is the document
# Linger "on, 0 seconds": closing then sends a reset and not an orderly end.
NO_LINGER = struct.pack("ii", 1, 0)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for answers under way
    request_queue_size = 64

    def __init__(self, *args):
        self._open = set()
        super().__init__(*args)

    def server_bind(self):
        # HTTPServer would ask the network for the name of this computer.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def process_request(self, request, client_address):
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self):
        """Read no more from anybody; clients that have not finished asking are told that it is over."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RD)

    def handle_error(self, request, client_address):
        """A client that goes away is no fault of the server."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Sandbox"
    sys_version = ""
    timeout = PATIENCE

    def do_POST(self):
        if len(self.path) > LONGEST_TARGET:
            self._send(Answer(b"<html><h1>Request-URI Too Large</h1></html>\n", 414, HTML))
            return
        body = self._body()
        if body is not None:
            self._serve(body)

    do_GET = do_HEAD = do_DELETE = do_PUT = do_PATCH = do_OPTIONS = do_TRACE = do_POST

    def date_time_string(self, timestamp=None):  # noqa: ARG002
        return self.server.sandbox.date

    def log_message(self, format, *args):
        """Requests are kept in `Sandbox.requests`; a server within a program prints nothing."""

    def _body(self):
        """The body of a request; None if there is nothing to answer any more."""
        declared = self.headers.get("Content-Length", "0").strip()
        if "Transfer-Encoding" in self.headers:
            self._send(plain("Sandbox: a request needs Content-Length", status=411))
            return None
        if not re.fullmatch(r"[0-9]{1,18}", declared):
            self._send(plain("Sandbox: this Content-Length is no number", status=400))
            return None
        length = int(declared)
        if length > LARGEST_BODY:
            # Read first, because a client that is still writing would see a reset instead of the answer.
            self._pass_over(min(length, 10 * LARGEST_BODY))
            self._send(plain(f"Sandbox: at most {LARGEST_BODY} bytes are taken", status=413))
            return None
        body = self.rfile.read(length)
        if len(body) == length:
            return body
        self.close_connection = True  # the client went away in the middle of its request
        return None

    def _pass_over(self, length):
        while length > 0:
            piece = self.rfile.read(min(length, 1 << 16))
            if not piece:
                return
            length -= len(piece)

    def _serve(self, body):
        try:
            answer, fault = self._answer(body)
        except Exception as error:  # a client must be told of a fault in here, not left without an answer
            text = f"Sandbox: a fault of its own, {type(error).__name__}: {error}"
            answer, fault = plain(text, status=500), None
        if fault == "hang":
            self.server.sandbox.over.wait()
        if fault == "reset":
            self._reset()
        if fault in ("hang", "close", "reset"):
            self.close_connection = True
            return
        self._send(answer, fault=fault)

    def _answer(self, body):
        # http.server reads the target as Latin-1, one character for each byte.
        target = self.path.encode("latin-1", "replace").decode("utf-8", "replace")
        path, _, query = target.partition("?")
        sandbox = self.server.sandbox
        if path.startswith(CONTROL):
            return sandbox.manage(self.command, path.removeprefix(CONTROL), body), None
        if not path.startswith(PATH):
            return plain(f"Sandbox: the services are below {PATH}", status=404), None
        if self.command not in METHODS:
            refusal = plain(f"Sandbox: {self.command} is not allowed, only {', '.join(METHODS)}", status=405)
            return replace(refusal, headers={"Allow": ", ".join(METHODS)}), None
        params = _parameters(query, body if self.command == "POST" else b"", self.headers.get("Content-Type"))
        return sandbox.answer(self.command, path.removeprefix(PATH), params)

    def _reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self.rfile.close()  # it holds the connection open
        self.connection.close()

    def _send(self, answer, *, fault=None):
        body = answer.body
        self.close_connection = True
        self.send_response_only(answer.status)
        if fault != "no date":
            self.send_header("Date", self.date_time_string())
        self.send_header("Server", self.version_string())
        self.send_header("Content-Type", answer.kind)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if fault == "truncated gzip" or (fault not in UNZIPPED and self._takes_gzip()):
            self.send_header("Content-Encoding", "gzip")
            body = gzip.compress(body, mtime=0)
        if fault == "truncated gzip":
            body = body[: len(body) // 2]
        self.send_header("Connection", "close")
        chunked = fault not in UNCHUNKED and self.request_version == "HTTP/1.1"
        if fault == "short body":
            self.send_header("Content-Length", str(len(body)))
        elif chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if self.command != "HEAD":
            self._send_body(body[: len(body) // 2] if fault in UNCHUNKED else body, fault, chunked=chunked)

    def _takes_gzip(self):
        return "gzip" in self.headers.get("Accept-Encoding", "")

    def _send_body(self, body, fault, *, chunked):
        size = 1 if fault == "slow" else PIECE
        for start in range(0, len(body), size):
            if fault == "slow" and self.server.sandbox.over.wait(TRICKLE):
                return
            piece = body[start : start + size]
            if fault == "cut chunks":
                self.wfile.write(b"%x\r\n" % len(piece) + piece[: len(piece) // 2])
                return
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        if chunked and fault != "cut chunks":
            self.wfile.write(b"0\r\n\r\n")


def _parameters(query, body, kind):
    """Parameters of a request as a dict of str; one that comes several times is joined by commas."""
    if (kind or "").lower().startswith("multipart/form-data"):
        pairs = [*_pairs(query), *_form_parts(kind, body)]
    else:
        pairs = _pairs("&".join(part for part in (query, body.decode("utf-8", "replace")) if part))
    params = {}
    for name, value in pairs:
        params.setdefault(name, []).append(value)
    return {name: ",".join(values) for name, values in params.items()}


def _pairs(encoded):
    return urllib.parse.parse_qsl(encoded, keep_blank_values=True, errors="replace")


def _form_parts(kind, body):
    """Names and values of a form sent as multipart/form-data, as R's httr sends one."""
    message = email.message_from_bytes(
        b"Content-Type: " + kind.encode("latin-1", "replace") + b"\r\n\r\n" + body
    )
    for part in message.get_payload() if message.is_multipart() else []:
        name = part.get_param("name", header="content-disposition")
        value = part.get_payload(decode=True)
        if isinstance(name, str) and value is not None:
            yield name, value.decode("utf-8", "replace")
