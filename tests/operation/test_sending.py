"""People are told once of each outcome of a month, by every channel, and no secret is told with it."""

import contextlib
import http.server
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import requests
from operation.mail_server import make_certificate, serving
from operation.told_month import EMAIL, RUN, ToldMonth, clock, news

import notify
from livingreview import tables
from livingreview.errors import InputError, ReviewError
from livingreview.operation.job.outcome import (
    ALL_DONE,
    INTERRUPTED,
    NOTHING_NEW,
    PAUSED,
    TRIGGER_FIRED,
    UNFILED,
)
from livingreview.operation.telling import delivery, digest, sending, webhook

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "token-of-the-receiver-0123456789"
PATH = "/services/T00000000/B00000000/abcdefghijklmnopqrstuvwx"
FIRED = {"name": "ratio", "outcome": "pain", "label": "Pain", "sentence": "It is twice what it was."}


class Receiver(http.server.BaseHTTPRequestHandler):
    """Keeps what is posted and answers as its server's `answer` says: status, body, headers."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append((self.path, dict(self.headers), body.decode()))
        status, said, headers = self.server.answer
        if status is None:
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        # Who stops reading a long answer early is right.
        with contextlib.suppress(ConnectionError):
            self.wfile.write(said)

    def log_message(self, *_):
        """Keep silent."""


@pytest.fixture
def receiver():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        server.posted, server.answer = [], (200, b"ok", {})
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def told(tmp_path):
    made = ToldMonth(tmp_path)
    made.config(notify={"webhook": {"format": "slack"}})
    return made


def secrets(server, **more):
    return {"LIVING_REVIEW_WEBHOOK_URL": f"http://127.0.0.1:{server.server_port}{PATH}"} | more


def send(told, environ, **options):
    """Send the month; returns what became of it by channel."""
    seen = digest.write(told.folder, RUN, environ=environ)
    done = sending.send(told.folder, RUN, seen, clock=clock, environ=environ, **options)
    return {one.channel: one for one in done}


def test_a_chat_gets_the_outcome_in_a_few_lines_in_which_nothing_is_a_call_or_a_link(told, receiver):
    told.results(news(statement=["<!channel> and @here: <http://evil.example|click> & *bold*"]))
    told.waits()
    assert send(told, secrets(receiver))["webhook"].state == "sent"
    ((path, headers, body),) = receiver.posted
    assert path == PATH
    assert headers["Content-Type"] == "application/json"
    assert "Authorization" not in headers
    said = json.loads(body)
    assert said["mrkdwn"] is False
    lines = said["text"].splitlines()
    assert lines[0] == "4 new records, 4 items wait for people: Example pain, November 2026"
    assert lines[1] == "&lt;!channel&gt; and @\u200bhere: &lt;http://evil.example|click&gt; &amp; *bold*"
    assert lines[2] == "• Records to decide on: 4 (since this month); results/2026-11/queue.csv"


def test_a_program_gets_everything_and_the_token_that_it_asks_for(told, receiver):
    told.config(notify={"webhook": {"format": "json"}})
    told.failed()
    send(told, secrets(receiver, LIVING_REVIEW_WEBHOOK_TOKEN=TOKEN))
    ((_, headers, body),) = receiver.posted
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    said = json.loads(body)
    assert (said["format"], said["run"], said["outcome"]) == (1, RUN, "failed")
    assert said["failed"][0]["rule"] == "search_pubmed"
    assert said["markdown"] == (told.logs / "digest.md").read_text(encoding="utf-8")


def test_the_same_outcome_is_sent_once_however_often_the_month_is_started(told, receiver):
    environ = secrets(receiver)
    told.waits()
    assert send(told, environ)["webhook"].state == "sent"
    told.ended("work waits", n_new=4, n_waiting=2, starts=2, started_at="2026-11-03T05:17:03Z")
    again = send(told, environ)["webhook"]
    assert again == sending.Delivery(
        "webhook", "withheld", "the same was sent on 2026-11-02 05:19 UTC; not sent again"
    )
    assert len(receiver.posted) == 1


def test_another_outcome_of_the_same_month_is_sent(told, receiver):
    environ = secrets(receiver)
    told.failed()
    send(told, environ)
    told.failed(error="PubMed did not answer within 61 s\nNothing was saved.")  # only a number differs
    send(told, environ)
    told.failed(rule="pool_outcomes", error="No space left on device: '/r/.a.csv.0a1b2c3d.partial'")
    send(told, environ)
    told.failed(rule="pool_outcomes", error="No space left on device: '/r/.a.csv.9e8f7a6b.partial'")
    send(told, environ)
    told.ended(NOTHING_NEW)
    send(told, environ)
    told.results(news(fired=[FIRED]))
    told.ended(TRIGGER_FIRED)
    send(told, environ)
    told.results(news(fired=[FIRED | {"sentence": "It is thrice what it was."}]))
    send(told, environ)
    told.results(news(fired=[FIRED, FIRED | {"name": "no_effect"}]))
    send(told, environ)
    heads = [json.loads(body)["text"].split(":")[0] for _, _, body in receiver.posted]
    assert heads == ["Failed", "Failed", "Nothing new", "1 trigger fired", "2 triggers fired"]
    assert [row["outcome"] for row in told.sent()] == [
        "failed",
        "failed",
        "nothing new",
        "trigger fired",
        "trigger fired",
    ]


def test_what_was_sent_is_sent_once_more_if_that_is_asked_for(told, receiver):
    send(told, secrets(receiver))
    assert send(told, secrets(receiver), force=True)["webhook"].state == "sent"
    assert len(receiver.posted) == 2
    assert len({row["message_id"] for row in told.sent()}) == 2


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
import notify
notify.main(["--directory", sys.argv[2], "--run", "2026-11"], environ={})
"""


def test_after_a_kill_between_sending_and_noting_it_is_not_sent_again_and_that_is_said(told, capsys):
    sender = None

    def kill(_):
        os.kill(sender.pid, signal.SIGKILL)
        sender.wait(30)

    with serving() as (kept, port):
        told.config(notify={"email": EMAIL | {"port": port}})
        kept.answer = kill
        command = [sys.executable, "-c", KILLED, str(ROOT / "scripts"), str(told.folder)]
        with subprocess.Popen(command) as sender:
            assert sender.wait(60) == -signal.SIGKILL
        assert [row["state"] for row in told.sent()] == ["sending"]
        kept.answer = None
        command = ["--directory", str(told.folder), "--run", RUN]
        assert notify.main(command, clock=clock, environ={}) == 1
        assert "it may have been sent on 20" in (error := capsys.readouterr().err)
        assert "make notify RUN=2026-11 FORCE=yes" in error
        assert len(kept.messages) == 1
        assert notify.main([*command, "--force"], clock=clock, environ={}) == 0
    assert len({message["Message-ID"] for message in kept.messages}) == len(kept.messages) == 2


def test_one_channel_that_fails_does_not_keep_the_other_silent(told, receiver):
    with serving() as (_, port):
        pass
    told.config(notify={"email": EMAIL | {"port": port}, "webhook": {"format": "slack"}})
    done = send(told, secrets(receiver))
    assert (done["email"].state, done["webhook"].state) == ("not sent", "sent")


@pytest.mark.parametrize(
    ("when", "sent"),
    [
        ("always", [NOTHING_NEW, PAUSED, ALL_DONE, UNFILED, INTERRUPTED]),
        ("news", [ALL_DONE, UNFILED, INTERRUPTED]),
        ("failures", [UNFILED, INTERRUPTED]),
    ],
)
def test_what_is_sent_is_what_the_protocol_asks_for(told, receiver, when, sent):
    told.config(notify={"webhook": {"format": "json", "when": when}})
    for outcome in (NOTHING_NEW, PAUSED, ALL_DONE, UNFILED, INTERRUPTED):
        told.ended(outcome)
        done = send(told, secrets(receiver))["webhook"]
        assert (done.state == "sent") == (outcome in sent)
    assert [json.loads(body)["outcome"] for _, _, body in receiver.posted] == sent


def test_nobody_is_told_where_the_protocol_names_nobody(told):
    told.config(notify=None)
    assert send(told, {}) == {}
    assert not (told.logs / "sent.json").exists()


@pytest.mark.parametrize(
    ("answer", "state", "said"),
    [
        ((302, b"", {"Location": "http://127.0.0.1:9/"}), "not sent", "sends on to another address (302)"),
        (
            (400, b"invalid_payload\n", {}),
            "not sent",
            "the receiver answered 400: invalid_payload. Not sent;",
        ),
        ((403, b"x" * 10_000_000, {}), "not sent", f"the receiver answered 403: {'x' * 200}. Not sent;"),
        ((404, PATH.encode(), {}), "not sent", "the receiver answered 404: [LIVING_REVIEW_WEBHOOK_URL]"),
        ((504, b"", {}), "may have been sent", "a server before the receiver answered 504"),
        ((None, b"", {}), "may have been sent", "the connection with the receiver ended before it answered"),
    ],
    ids=["redirect", "no", "long", "secret", "gateway", "silence"],
)
def test_what_a_receiver_may_answer(told, receiver, answer, state, said):
    receiver.answer = answer
    done = send(told, secrets(receiver))["webhook"]
    assert (done.state, len(receiver.posted)) == (state, 1)
    assert said in done.message
    assert PATH not in done.message
    assert len(done.message) < 400


def test_a_receiver_that_is_not_there_is_told_without_its_address(told, receiver):
    environ = secrets(receiver)
    receiver.shutdown()  # first: while its thread still waits in it, the kernel would accept a connection
    receiver.server_close()
    done = send(told, environ)["webhook"]
    assert done.state == "not sent"
    assert done.message.startswith(
        "no connection with the receiver; is the address right, and the network up?"
    )
    assert [row["state"] for row in told.sent()] == ["not sent"]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("", "the environment variable LIVING_REVIEW_WEBHOOK_URL is not set, and notify.webhook needs it"),
        ("http://hooks.example.org/x", "does not begin with https://; nothing is sent unencrypted"),
        ("file:///etc/passwd", "holds no address"),
        ("ftp://hooks.example.org/x", "does not begin with https://"),
        ("https://anna:pw@hooks.example.org/x", "or one with a name and a password"),
        ("https://hooks.example.org/x\r\nHost: y", "holds no address"),
        ("hooks.example.org", "holds no address"),
    ],
)
def test_only_an_encrypted_address_without_a_password_is_written_to(told, address, said):
    done = send(told, {"LIVING_REVIEW_WEBHOOK_URL": address})["webhook"]
    assert (done.state, said in done.message) == ("not sent", True)


def test_a_receiver_whose_certificate_nobody_vouches_for_gets_nothing(receiver, tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("needs the program openssl for a certificate")
    certificate = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.with_suffix(".pem"), certificate.with_suffix(".key"))
    receiver.socket = context.wrap_socket(receiver.socket, server_side=True)
    environ = {webhook.ADDRESS: f"https://localhost:{receiver.server_port}{PATH}"}
    with pytest.raises(delivery.NotSent, match=r"no safe connection with the receiver \(SSLError\)"):
        webhook.send("{}", environ=environ, begin=lambda: None)
    assert receiver.posted == []
    with requests.Session() as session:
        session.verify = str(certificate.with_suffix(".pem"))
        webhook.send("{}", environ=environ, begin=lambda: None, session=session)
    assert len(receiver.posted) == 1


def test_a_token_with_a_line_end_is_not_sent(told, receiver):
    done = send(told, secrets(receiver, LIVING_REVIEW_WEBHOOK_TOKEN="x" * 20 + "\r\nX-Other: y"))["webhook"]
    assert (done.state, receiver.posted) == ("not sent", [])
    assert "xxxx" not in done.message


def test_a_password_that_lies_about_for_the_host_does_not_go_along(told, receiver, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("default login anna password hunter22")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    send(told, secrets(receiver))
    assert "Authorization" not in receiver.posted[0][1]


def test_a_server_that_takes_for_ever_is_given_up(told):
    free = threading.Event()

    def wait(begin):
        begin()
        free.wait(30)

    begun = []
    with pytest.raises(delivery.MaybeSent, match=r"the server took more than 0\.05 s"):
        delivery.within(0.05, wait, lambda: begun.append(1))
    with pytest.raises(delivery.NotSent, match=r"the server took more than 0\.05 s"):
        delivery.within(0.05, lambda begin: free.wait(30) and begin(), lambda: begun.append(2))
    free.set()
    assert begun == [1]


def test_where_it_cannot_be_read_what_was_sent_nothing_is_sent(told, receiver):
    told.logs.joinpath("sent.json").write_text('{"messages": [{}]}')
    with pytest.raises(
        ReviewError, match=r"sent\.json: it does not say what was sent, so that nothing is sent"
    ):
        send(told, secrets(receiver))
    assert receiver.posted == []


def test_a_fault_in_another_part_of_the_protocol_does_not_keep_its_failure_from_people(told, receiver):
    config = told.folder / "config.yaml"
    tables.write_text(config.read_text() + "serach: {}\n", config)
    told.ended("failed", reason="config.yaml: unknown key serach")
    assert send(told, secrets(receiver))["webhook"].state == "sent"
    assert "unknown key serach" in receiver.posted[0][2]


def test_settings_at_fault_are_named_without_what_they_hold(told):
    told.config(notify={"email": EMAIL | {"password": "hunter22", "host": "u:hunter22@x"}})
    with pytest.raises(InputError) as caught:
        send(told, {})
    assert "unknown key notify.email.password" in str(caught.value)
    assert "set the environment variable LIVING_REVIEW_SMTP_PASSWORD" in str(caught.value)
    assert "hunter22" not in str(caught.value)


def test_what_goes_wrong_never_changes_the_month(told):
    told.config(notify={"webhook": {"format": "smoke signals"}})
    (done,) = sending.tell(told.folder, RUN, digest.view(told.folder, RUN), clock=clock, environ={})
    assert (done.channel, done.state, done.failed) == ("notify", "not sent", True)
    assert done.message.endswith("config.yaml: key notify.webhook.format; allowed: slack, json")
    told.config(notify={"webhook": {"format": "json"}})
    (done,) = sending.tell(told.folder, RUN, {"outcome": "x"}, clock=clock, environ={})
    assert done.message.startswith("a fault of the program, not of your data: KeyError")


def test_the_command_shows_the_message_without_sending_it(told, capsys):
    told.config(notify={"email": EMAIL, "webhook": {"format": "slack"}})
    assert notify.main(["--directory", str(told.folder), "--run", RUN, "--dry-run"], environ={}) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        "To:      anna@example.org, ben@example.org (by 127.0.0.1)",
        "Webhook: slack",
        "Subject: Nothing new: Example pain, November 2026",
        "",
    ]
    assert not (told.logs / "sent.json").exists()


def test_the_command_says_what_became_of_each_message(told, receiver, capsys):
    command = ["--directory", str(told.folder), "--run", RUN]
    assert notify.main(command, clock=clock, environ=secrets(receiver)) == 0
    assert notify.main(command, clock=clock, environ=secrets(receiver)) == 0
    assert capsys.readouterr().out.splitlines() == [
        "webhook: sent",
        "webhook: the same was sent on 2026-11-02 05:19 UTC; not sent again",
    ]
    told.config(notify=None)
    assert notify.main(command, environ={}) == 0
    assert capsys.readouterr().out.startswith("Nobody is told: config.yaml has no key notify")
    assert notify.main([*command[:2], "--run", "../x"], environ={}) == 1
    assert capsys.readouterr().err == "--run: found '../x'; allowed: a month as YYYY-MM\nNothing was sent.\n"


def test_a_test_message_says_that_it_is_one_and_is_sent_as_often_as_asked_for(told, receiver, capsys):
    (told.logs / "month.json").unlink()
    with serving() as (kept, port):
        told.config(
            notify={"email": EMAIL | {"port": port}, "webhook": {"format": "json", "when": "failures"}}
        )
        command = ["--directory", str(told.folder), "--run", RUN, "--test"]
        assert notify.main(command, clock=clock, environ=secrets(receiver)) == 0
        receiver.answer = (410, b"gone", {})
        assert notify.main(command, clock=clock, environ=secrets(receiver)) == 1
    said = capsys.readouterr()
    assert said.out.splitlines() == ["email: sent", "webhook: sent", "email: sent"]
    assert said.err == "webhook: not sent: the receiver answered 410: gone\n"
    assert kept.messages[1]["Subject"] == "A test of the messages: Example pain, November 2026"
    assert "Nothing was searched, and nobody waits." in kept.messages[0].get_body(("plain",)).get_content()
    assert json.loads(receiver.posted[0][2])["outcome"] == "test"
    assert not (told.logs / "sent.json").exists()


def test_where_nothing_can_be_noted_nothing_is_sent_and_what_was_sent_is_said(told, receiver, monkeypatch):
    written = tables.write_json
    failing = {"sending"}

    def write(about, path):
        if path.name == "sent.json" and about["messages"][-1]["state"] in failing:
            raise OSError(28, "No space left on device")
        written(about, path)

    monkeypatch.setattr(tables, "write_json", write)
    done = send(told, secrets(receiver))["webhook"]
    assert (done.state, receiver.posted) == ("not sent", [])
    assert "it could not be noted in sent.json that it is being sent: [Errno 28]" in done.message
    failing = {"sent"}
    done = send(told, secrets(receiver))["webhook"]
    assert (done.state, len(receiver.posted)) == ("sent", 1)
    assert done.message.startswith("sent, but that could not be noted in sent.json")
    assert send(told, secrets(receiver))["webhook"].state == "may have been sent"
    assert len(receiver.posted) == 1


def test_no_secret_is_in_any_file_or_word(told, receiver, capsys):
    environ = secrets(
        receiver, LIVING_REVIEW_WEBHOOK_TOKEN=TOKEN, LIVING_REVIEW_SMTP_PASSWORD="correct-horse"
    )
    planted = "; ".join(environ.values())
    told.results(news(statement=[planted], waiting=[{"text": planted}]))
    with serving() as (kept, port):
        told.config(notify={"email": EMAIL | {"port": port}, "webhook": {"format": "json"}}, title=planted)
        told.failed(error=planted)
        receiver.answer = (500, planted.encode(), {})
        assert notify.main(["--directory", str(told.folder), "--run", RUN], clock=clock, environ=environ) == 1
    said = capsys.readouterr()
    config = told.folder / "config.yaml"
    left = [path for path in told.folder.rglob("*") if path.is_file() and path != config]
    own = [path for path in left if path.name in (*digest.MADE, "sent.json")]
    assert len(own) == 3
    texts = [path.read_text(encoding="utf-8") for path in own] + [said.out, said.err, receiver.posted[0][2]]
    texts += [
        str(kept.messages[0]["Subject"]),
        *(one.get_content() for one in kept.messages[0].get_payload()),
    ]
    for text in texts:
        for secret in (TOKEN, "correct-horse", PATH, "abcdefghijklmnopqrstuvwx"):
            assert secret not in text
