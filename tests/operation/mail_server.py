"""A mail server on the loopback for the tests: it keeps what it gets, and can be made to fail."""

import contextlib
import email
import email.policy
import ssl
import subprocess

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

USER, PASSWORD = "review@example.org", "correct-horse-battery"


class Kept:
    """What a server was handed; `answer` may be set to a refusal, or to a callable that is asked for one."""

    def __init__(self):
        self.messages = []
        self.passwords = []
        self.answer = None
        self.refuses = ()

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        if address in self.refuses:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, _session, envelope):
        self.messages.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        answer = self.answer(server) if callable(self.answer) else self.answer
        return answer or "250 OK"

    def authenticate(self, _server, _session, _envelope, _mechanism, data):
        self.passwords.append(data.password.decode())
        right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=False)


class OnAFreePort(Controller):
    """The library asks itself for an answer once it has begun, and would do so on port 0."""

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextlib.contextmanager
def serving(*, certificate=None, tls=False, login=False):
    """A server on a free port; yields (what it keeps, its port)."""
    kept = Kept()
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.with_suffix(".pem"), certificate.with_suffix(".key"))
    options = {"hostname": "127.0.0.1", "port": 0, "server_hostname": "localhost"}
    if login:
        options |= {"authenticator": kept.authenticate, "auth_required": not tls, "auth_require_tls": not tls}
    if context and tls:
        options["ssl_context"] = context
    elif context:
        options |= {"tls_context": context, "require_starttls": True}
    controller = OnAFreePort(kept, **options)
    controller.start()
    try:
        yield kept, controller.port
    finally:
        controller.stop()


def make_certificate(folder):
    """A certificate for localhost that nobody trusts unasked; its path without an ending."""
    path = folder / "localhost"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    command += f" -addext subjectAltName=DNS:localhost -keyout {path}.key -out {path}.pem"
    subprocess.run(command.split(), check=True, capture_output=True)
    return path
