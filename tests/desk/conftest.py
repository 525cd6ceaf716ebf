"""A desk over a copy of the bundled review with its month built: asked directly, or in a real Chromium."""

import contextlib
import datetime
import re
import subprocess
import sys
import threading

import pytest
from workflow.conftest import built, built_once  # noqa: F401

from livingreview.desk import app, guard, serving
from livingreview.desk.desk import Desk
from livingreview.desk.held import Held

TOKEN = "an-example-token"
NOW = datetime.datetime(2026, 11, 15, 12, 0, tzinfo=datetime.UTC)


class Client:
    """Asks a desk as a browser would that was opened with its address, under a name."""

    def __init__(self, folder, *, name="EX", clock=lambda: NOW, port=8642):
        self.desk = Desk(folder, Held(folder), clock=clock)
        hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self.app = app.create(self.desk, key=guard.key_of(folder), token=TOKEN, hosts=hosts)
        self.http = self.app.test_client()
        self.base = f"http://127.0.0.1:{port}"
        self.get(f"/?token={TOKEN}")
        if name:
            self.post("/who", name=name)

    def get(self, path, **options):
        """The answer to a GET."""
        return self.http.get(path, base_url=self.base, buffered=True, **options)

    def post(self, path, *, page="/who", follow=True, **fields):
        """The answer to a form that was sent from a page of the desk, with that page's token."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get(page).text)
        fields = {"csrf_token": found[1], **fields}
        return self.http.post(path, data=fields, base_url=self.base, follow_redirects=follow)


@pytest.fixture
def client(built):  # noqa: F811
    """A client of a copy of the built review, which is ``client.desk.review``."""
    return Client(built.folder)


def _until_closed(server):
    """Serve; that the sockets are closed from another thread ends it, at whatever moment."""
    with contextlib.suppress(OSError):
        server.run()


@contextlib.contextmanager
def served():
    """Serves a desk over a folder on a free port of this computer; gives what starts one."""
    servers = []

    def start(folder, *, clock=lambda: NOW, prepare=lambda _made: None):
        listener = serving.listen(0)
        port = listener.getsockname()[1]
        desk = Desk(folder, Held(folder), clock=clock)
        made = app.create(desk, key=guard.key_of(folder), token=TOKEN, hosts=serving.hosts_of(listener))
        prepare(made)
        server = serving.server(made, listener, threads=4)
        thread = threading.Thread(target=_until_closed, args=[server], daemon=True)
        thread.start()
        servers.append((server, listener, thread))
        return f"http://127.0.0.1:{port}/?token={TOKEN}"

    yield start
    for server, listener, thread in servers:
        server.close()
        listener.close()
        thread.join(timeout=5)


@pytest.fixture
def serve():
    """Serves a desk over a folder; returns the address that opens it."""
    with served() as start:
        yield start


def wait_before_keys(page):
    """Let every key of a test wait until the page is loaded: its script hears keys a moment after its text is seen."""
    for name in ("press", "type"):
        pressed = getattr(page.keyboard, name)

        def wait(*given, pressed=pressed):
            page.wait_for_load_state()
            pressed(*given)

        setattr(page.keyboard, name, wait)


@pytest.fixture
def open_desk(browser, serve):
    """Opens a desk in Chromium, signed in; afterwards asserts that only the desk was asked and nothing failed."""
    contexts, asked, faults, addresses = [], [], [], []

    def make(folder, *, path="/", width=1280, scheme="light", name="EX", **options):
        address = serve(folder, **options)
        top = address.split("/?")[0]
        addresses.append(top)
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        wait_before_keys(page)
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.goto(address)
        if name:
            page.fill("#name", name)
            page.press("#name", "Enter")
        page.goto(top + path)
        return page

    yield make
    for context in contexts:
        context.close()
    assert [url for url in asked if not url.startswith((*addresses, "data:"))] == []
    assert faults == []


@pytest.fixture
def started(tmp_path):
    """Starts the command itself in a process; returns the process and the address that opens the desk."""
    running = []

    def start(folder, *options):
        script = str(app.templating.TEMPLATES.parent / "scripts/open_desk.py")
        command = [sys.executable, script, "--directory", str(folder), "--port", "0", *options]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        running.append(process)
        for line in process.stderr:
            if found := re.search(r"http://\S+", line):
                return process, found[0]
        raise AssertionError("the desk did not open")

    yield start
    for process in running:
        process.kill()
        process.wait()
        process.stderr.close()
