"""The digest reaches a mail server encrypted or not at all, and no text from data becomes a header."""

import re
import shutil
import ssl

import pytest
from operation.mail_server import PASSWORD, USER, make_certificate, serving
from operation.told_month import EMAIL, NOW, RUN, ToldMonth, clock

from livingreview.operation.telling import digest, sending

SECRETS = {"LIVING_REVIEW_SMTP_PASSWORD": PASSWORD}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    if shutil.which("openssl") is None:
        pytest.skip("needs the program openssl for a certificate")
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def trusting(certificate):
    return ssl.create_default_context(cafile=certificate.with_suffix(".pem"))


@pytest.fixture
def told(tmp_path):
    return ToldMonth(tmp_path)


def send(told, *, port, environ=SECRETS, context=None, **email):
    """Send the month by mail; returns the only delivery."""
    told.config(notify={"email": EMAIL | {"port": port} | email}, title="Pain é")
    seen = digest.write(told.folder, RUN, environ=environ)
    (done,) = sending.send(told.folder, RUN, seen, clock=clock, environ=environ, context=context)
    return done


def test_a_message_holds_the_digest_as_text_and_as_a_page(told):
    told.waits()
    with serving() as (kept, port):
        assert send(told, port=port) == sending.Delivery("email", "sent", "sent")
    (message,) = kept.messages
    assert message["Subject"] == "4 new records, 4 items wait for people: Pain é, November 2026"
    assert message["From"] == "Living review <review@example.org>"
    assert message["To"] == "anna@example.org, ben@example.org"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == NOW
    text, page = message.get_payload()
    assert (text.get_content_type(), page.get_content_type()) == ("text/plain", "text/html")
    assert text.get_content().replace("\r\n", "\n") == (told.logs / "digest.md").read_text(encoding="utf-8")
    assert page.get_content().replace("\r\n", "\n") == (told.logs / "digest.html").read_text(encoding="utf-8")
    assert max(map(len, message.as_bytes().splitlines())) < 998


def test_by_starttls_user_and_password_are_sent_encrypted(told, certificate, trusting):
    with serving(certificate=certificate, login=True) as (kept, port):
        done = send(told, port=port, host="localhost", security="starttls", user=USER, context=trusting)
    assert done.state == "sent"
    assert kept.passwords == [PASSWORD]
    assert len(kept.messages) == 1


def test_starttls_is_what_is_asked_for_where_nothing_is_said(told, certificate, trusting):
    email = EMAIL | {"host": "localhost"}
    email.pop("security")
    with serving(certificate=certificate) as (kept, port):
        told.config(notify={"email": email | {"port": port}})
        seen = digest.view(told.folder, RUN)
        (done,) = sending.send(told.folder, RUN, seen, clock=clock, environ={}, context=trusting)
    assert (done.state, len(kept.messages)) == ("sent", 1)


def test_encrypted_from_the_start(told, certificate, trusting):
    with serving(certificate=certificate, tls=True, login=True) as (kept, port):
        done = send(told, port=port, host="localhost", security="tls", user=USER, context=trusting)
    assert (done.state, kept.passwords) == ("sent", [PASSWORD])


def test_a_server_without_starttls_gets_neither_password_nor_message(told):
    with serving() as (kept, port):
        done = send(told, port=port, security="starttls", user=USER)
    assert done.message.startswith(
        f"127.0.0.1:{port} does not offer STARTTLS; nothing is sent without it. Not sent;"
    )
    assert (kept.messages, kept.passwords) == ([], [])


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_nobody_vouches_for_stops_the_message(told, certificate, security):
    with serving(certificate=certificate, tls=security == "tls", login=True) as (kept, port):
        done = send(told, port=port, host="localhost", security=security, user=USER)
    assert (done.state, kept.messages, kept.passwords) == ("not sent", [], [])
    assert "the certificate of localhost is not to be trusted: self" in done.message


def test_a_certificate_of_another_name_stops_the_message(told, certificate, trusting):
    with serving(certificate=certificate, login=True) as (kept, port):
        done = send(told, port=port, host="127.0.0.1", security="starttls", user=USER, context=trusting)
    assert (done.state, kept.passwords) == ("not sent", [])
    assert "IP address mismatch" in done.message


def test_a_wrong_password_is_told_without_it(told, certificate, trusting):
    wrong = {"LIVING_REVIEW_SMTP_PASSWORD": "battery-staple"}
    with serving(certificate=certificate, login=True) as (kept, port):
        done = send(
            told, port=port, host="localhost", security="starttls", user=USER, context=trusting, environ=wrong
        )
    assert done.message.startswith("localhost does not take user and password: 535 ")
    assert "battery" not in done.message + (told.logs / "sent.json").read_text()
    assert kept.messages == []


def test_a_user_without_a_password_is_told_which_variable_is_missing(told):
    done = send(told, port=9, security="starttls", user=USER, environ={})
    assert done.message.startswith("the environment variable LIVING_REVIEW_SMTP_PASSWORD is not set")


def test_a_server_that_is_not_there_is_told_and_tried_again_by_the_next_start(told):
    with serving() as (_, port):
        pass
    done = send(told, port=port)
    assert done.state == "not sent"
    assert done.message == (
        f"no connection with 127.0.0.1:{port}: Connection refused. Not sent; the next start tries again, and so does"
        " make notify RUN=2026-11"
    )
    with serving() as (kept, port):
        assert send(told, port=port).state == "sent"
    assert [row["state"] for row in told.sent()] == ["sent"]
    assert len(kept.messages) == 1


def test_recipients_that_the_server_refuses_are_named(told):
    with serving() as (kept, port):
        kept.refuses = ("ben@example.org",)
        done = send(told, port=port)
        assert done == sending.Delivery(
            "email", "sent", "sent, but the server takes no mail for ben@example.org"
        )
        told.failed()
        kept.refuses = ("anna@example.org", "ben@example.org")
        assert send(told, port=port).message.startswith(
            "the server takes mail for none of the recipients: 550."
        )
    assert len(kept.messages) == 1


def test_a_refusal_of_the_message_is_told_in_the_servers_words(told):
    with serving() as (kept, port):
        kept.answer = "552 too large"
        done = send(told, port=port)
    assert done.message.startswith("the server refused the message: 552 too large. Not sent;")


def test_where_the_connection_ends_before_the_answer_nobody_knows_and_nothing_is_sent_again(told):
    def cut(server):
        server.transport.abort()

    with serving() as (kept, port):
        kept.answer = cut
        done = send(told, port=port)
        assert (done.state, len(kept.messages)) == ("may have been sent", 1)
        kept.answer = None
        again = send(told, port=port)
    assert (again.state, len(kept.messages)) == ("may have been sent", 1)
    assert again.message == (
        "it may have been sent on 2026-11-02 05:19 UTC. Not sent again unasked; make notify RUN=2026-11 FORCE=yes does"
    )


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\x0b", "\x85"])
def test_no_title_adds_a_header(told, end):
    told.waits()
    title = f"Pain{end}Bcc: evil@example.org{end}{end}Body"
    with serving() as (kept, port):
        told.config(notify={"email": EMAIL | {"port": port}}, title=title)
        seen = digest.view(told.folder, RUN)
        (done,) = sending.send(told.folder, RUN, seen, clock=clock, environ={})
    assert done.state == "sent"
    (message,) = kept.messages
    assert message["Bcc"] is None
    assert re.sub(r"\s+", " ", message["Subject"]).endswith("Pain Bcc: evil@example.org Body, November 2026")
