"""What is asked over the network is encrypted and certain of whom it asks; what listens, listens here only."""

import ast
import contextlib
import csv
import datetime
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import requests

from livingreview import config as protocol
from livingreview.errors import InputError
from livingreview.search.pubmed.entrez import Client
from livingreview.search.pubmed.failures import EntrezError, Passing
from livingreview.search.pubmed.transport import Transport
from livingreview.search.sandbox.server import Sandbox

ROOT = Path(__file__).resolve().parents[2]
KEY = "f00dfeed0123456789abcdef9876543210ab"
RECORDS = ROOT / "data/sandbox/records.csv"
# What opens a port, by the name that a module calls it.
LISTENERS = {
    "bind",
    "create_server",
    "HTTPServer",
    "ThreadingHTTPServer",
    "TCPServer",
    "serve_forever",
    "Server",
}


@pytest.mark.parametrize(
    "url",
    [
        "http://eutils.ncbi.nlm.nih.gov/entrez/eutils/",
        "HTTP://example.org/",
        "http://127.0.0.1.example.org/",
        "http://localhost@example.org/",
        "http://169.254.169.254/",
    ],
)
def test_no_request_leaves_this_computer_unencrypted(url, shipped):
    client = Client(url, tool="x", email="x@example.org", environ={"NCBI_API_KEY": KEY}, limiter=NoWait())
    with client, pytest.raises(EntrezError, match=r"cannot be used: it begins with http\.") as stopped:
        client.search("pain[ti]")
    assert KEY not in str(stopped.value)
    shipped["search"]["base_url"] = url
    with pytest.raises(InputError, match=r"key search\.base_url"):
        protocol.check(shipped)


class NoWait:
    def wait(self):
        """Nobody else asks."""


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8765/entrez/eutils/", "http://localhost/", "http://[::1]:80/", "https://x.org/"]
)
def test_a_server_on_this_computer_and_an_encrypted_one_may_be_asked(url, shipped):
    shipped["search"]["base_url"] = url
    assert protocol.check(shipped) is shipped


@pytest.mark.parametrize("end", ["\n", "\r\n", "#x/", "?a=/"])
def test_an_address_or_a_month_with_more_behind_it_is_refused(shipped, end):
    for key, value in (("base_url", "https://example.org/"), ("base_url", "sandbox")):
        shipped["search"][key] = value + end
        with pytest.raises(InputError, match=r"key search\.base_url"):
            protocol.check(shipped)
    shipped["search"]["base_url"] = "sandbox"
    shipped["run"] = "2026-11" + end
    with pytest.raises(InputError, match="key run"):
        protocol.check(shipped)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate that nobody vouches for, and its key, in one file."""
    program = shutil.which("openssl")
    if not program:
        pytest.skip("openssl is not installed")
    path = tmp_path_factory.mktemp("tls") / "own.pem"
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    made += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(path), "-out", "-"]
    done = subprocess.run([program, *made], capture_output=True, check=True)
    path.write_bytes(path.read_bytes() + done.stdout)
    return path


def test_a_server_whose_certificate_nobody_vouches_for_is_sent_nothing(certificate):
    heard = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def serve():
        connection, _ = listening.accept()
        with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as wrapped:
            heard.append(wrapped.recv(1000))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        url = f"https://localhost:{listening.getsockname()[1]}/"
        transport = Transport(url)
        with pytest.raises(Passing, match="certificate could not be verified"):
            transport.post(url, {"api_key": KEY}, largest=1000)
        transport.close()
        thread.join()
    assert heard in ([], [b""])


def test_no_code_turns_the_check_of_certificates_off(code):
    for path, node in code:
        if isinstance(node, ast.keyword) and node.arg in ("verify", "check_hostname"):
            assert getattr(node.value, "value", None) is not False, path
        name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
        assert name not in ("_create_unverified_context", "CERT_NONE", "disable_warnings"), path


def listened_sockets(pid):
    """(address, port) of the TCP sockets on which a process listens, as Linux tells it."""
    own = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            own.add(os.readlink(entry))  # noqa: PTH115, a socket is no path
    found = set()
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            cells = line.split()
            if cells[3] == "0A" and f"socket:[{cells[9]}]" in own:
                address, port = cells[1].split(":")
                data = b"".join(
                    bytes.fromhex(address)[at : at + 4][::-1] for at in range(0, len(address) // 2, 4)
                )
                found.add((socket.inet_ntop(family, data), int(port, 16)))
    return found


@pytest.mark.skipif(
    not Path("/proc/self/net/tcp").exists(), reason="Linux tells on which address is listened"
)
def test_the_sandbox_listens_on_the_loopback_only():
    before = listened_sockets("self")
    with RECORDS.open(encoding="utf-8", newline="") as file:
        records = [next(csv.DictReader(file))]
    with Sandbox(records, as_of=datetime.date(2026, 11, 1)) as sandbox:
        opened = listened_sockets("self") - before
    port = int(sandbox.url.split(":")[2].split("/")[0])
    assert opened == {("127.0.0.1", port)}


def test_no_option_lets_the_sandbox_listen_elsewhere():
    command = [
        sys.executable,
        ROOT / "scripts/serve_sandbox.py",
        "--as-of",
        "2026-11-01",
        "--host",
        "0.0.0.0",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "unrecognized arguments: --host 0.0.0.0" in done.stderr


def test_whatever_listens_names_the_loopback(calls):
    for path in sorted((ROOT / "scripts").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for wrong in ("0.0.0.0", '"::"', "INADDR_ANY"):
            assert wrong not in text, path
    # Addresses of pages are bound too, to nothing that listens.
    called = [(path, name) for path, name, _ in calls if not name.endswith("url_map.bind")]
    found = {path for path, name in called if name.rsplit(".", 1)[-1] in LISTENERS}
    assert found == {"livingreview/search/sandbox/server.py", "livingreview/desk/serving.py"}
    desk = (ROOT / "scripts/livingreview/desk/serving.py").read_text(encoding="utf-8")
    assert 'HOST = "127.0.0.1"' in desk
    assert set(re.findall(r"socket\.create_server\(\((\w+), ", desk)) == {"HOST"}
    server = (ROOT / "scripts/livingreview/search/sandbox/server.py").read_text(encoding="utf-8")
    assert 'wire.Server(("127.0.0.1", port), wire.Handler)' in server


def test_the_key_is_sent_to_ncbi_and_to_this_computer_only(caplog):
    def sent_to(url):
        session = Recording()
        given = {"environ": {"NCBI_API_KEY": KEY}, "limiter": NoWait(), "tries": 1, "session": session}
        with Client(url, tool="x", email="x@example.org", **given) as client, pytest.raises(EntrezError):
            client.search("pain[ti]")
        return session.forms[0].get("api_key")

    assert sent_to("https://eutils.ncbi.nlm.nih.gov/entrez/eutils/") == KEY
    assert sent_to("http://127.0.0.1:1/") == KEY
    for other in ("https://ncbi.nlm.nih.gov.example.org/", "https://evilncbi.nlm.nih.gov.example.org:443/"):
        assert sent_to(other) is None
        assert f"NCBI_API_KEY is not sent to {other}" in caplog.text
    assert KEY not in caplog.text


class Recording:
    """A session that keeps the forms and answers nothing."""

    def __init__(self):
        self.forms = []

    def post(self, _url, *, data, **_):
        self.forms.append(data)
        raise requests.ConnectionError("refused")

    def close(self):
        """Nothing is open."""
